/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operator's socket, over real sockets, with an apply that has a data
 * process of our own, or none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "firewall/cli/jread.h"
#include "firewall/control/ctl.h"
#include "firewall/linux/log.h"
#include "firewall/linux/loop.h"
#include "unit.h"

static struct conf conf;
static struct conf_errors errors;
static struct apply apply;
static struct tree *tree;
static struct ctl ctl;
static struct view *view;
static struct mono now;
static char path[64];
static int data = -1;

static struct jdoc doc;
static char text[CTL_ANSWER_MAX];

static const char *reload_says; /* NULL: done */

static int open_port(void *ctx, const struct conf_port *p, struct link *l)
{
	(void)ctx;
	(void)p;
	*l = (struct link){ .fd = open("/dev/null", O_RDWR | O_CLOEXEC),
			    .mtu = 1500 };
	return 0;
}

static void on_answer(void *ctx, uint32_t cookie, const struct msg *page)
{
	(void)ctx;
	ctl_answer(&ctl, cookie, page);
}

static const struct apply_ops ops = { .open_port = open_port,
				      .answer = on_answer };

static bool reload(void *ctx, char *said, size_t room)
{
	(void)ctx;
	if (reload_says)
		snprintf(said, room, "%s", reload_says);
	return !reload_says;
}

/* ---- data -----------------------------------------------------------------*/

static struct msg_flows_page page;

static bool fake_one(void)
{
	struct msg_usage_page usage = {
		.all = { .flows = 5, .capacity = 64, .tcp = 3, .udp = 2 },
	};
	struct msg_done d = { .err = 0 };
	struct msg m;

	if (data < 0 || msg_recv(data, MSG_TO_DATA, &m))
		return false;
	if (m.fd >= 0)
		close(m.fd);
	if (m.hdr.type == MSG_USAGE)
		CU_ASSERT_EQUAL(msg_send(data, MSG_USAGE_PAGE, m.hdr.seq,
					 &usage, -1),
				0);
	if (m.hdr.type == MSG_FLOWS)
		CU_ASSERT_EQUAL(msg_send(data, MSG_FLOWS_PAGE, m.hdr.seq, &page,
					 -1),
				0);
	CU_ASSERT_EQUAL(msg_send(data, MSG_DONE, m.hdr.seq, &d, -1), 0);
	return true;
}

static void turn(void)
{
	for (int i = 0; i < 4; i++) {
		(void)apply_work(&apply, now);
		while (fake_one())
			;
		apply_receive(&apply, now);
		ctl_work(&ctl, now);
	}
}

static void data_up(void)
{
	int pair[2];

	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	data = pair[1];
	apply_data(&apply, pair[0]);
	turn();
	CU_ASSERT(apply_idle(&apply));
}

static void data_down(void)
{
	close(data);
	data = -1;
	apply_receive(&apply, now);
}

/* ---- stage ----------------------------------------------------------------*/

static const char settings[] =
	"rules = /r\nclients = 8\nuplink.port = packet:eth0\n"
	"uplink.ip = 192.0.2.2/24\nuplink.gateway = 192.0.2.1\n"
	"allow = work -> nas\n"
	"[client work]\nport = tap:w\nip = 10.0.0.5 fd00::5\n"
	"mac = 00:16:3e:00:00:05\ngateway = 10.0.0.1\n"
	"[client nas]\nport = tap:n\nip = 10.0.0.6\n"
	"mac = 00:16:3e:00:00:06\ngateway = 10.0.0.1\n"
	"[client lab]\nport = packet:l\nkind = network\n"
	"net = 10.1.0.0/16\ngateway = 10.1.0.1\nrules = accept\n";

static void key(const char *name, const char *value)
{
	CU_ASSERT_EQUAL(tree_write(tree, name, value, strlen(value)), 0);
}

static void quiet(void)
{
	static int null_fd = -1;

	if (null_fd < 0)
		null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_to_fd(null_fd);
}

static void start(void)
{
	const struct conf_port *which;

	quiet();
	now.ns = 100 * MONO_S;
	reload_says = NULL;
	conf_default(&conf);
	memset(&errors, 0, sizeof(errors));
	conf_read_text(&conf, "test", settings, strlen(settings), &errors);
	conf_check(&conf, CONF_RUN, &errors);
	CU_ASSERT_EQUAL_FATAL(errors.n, 0);
	apply_init(&apply, &conf, &ops);
	tree = tree_new(1u << 20, apply_tree_changed, &apply);
	apply.tree = tree;
	CU_ASSERT_EQUAL(apply_open_ports(&apply, &which), 0);
	view = calloc(1, view_size(conf.clients));
	CU_ASSERT_FATAL(view != NULL);
	view->uplink_up = 1;
	memset(&ctl, 0, sizeof(ctl));
	ctl.apply = &apply;
	ctl.view = view;
	ctl.reload = reload;
	ctl.started = now;
	snprintf(path, sizeof(path), "/tmp/vifwall-ctl-%d.sock", getpid());
	CU_ASSERT_EQUAL_FATAL(ctl_open(&ctl, path, 0), 0);
	now.ns += 7 * MONO_S;
	data_up();
}

static void stop(void)
{
	struct stat st;

	ctl_close(&ctl);
	CU_ASSERT_EQUAL(lstat(path, &st), -1);
	apply_fini(&apply);
	tree_free(tree);
	free(view);
	if (data >= 0)
		close(data);
	data = -1;
	log_to_fd(STDERR_FILENO);
}

static int peer(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(sa.sun_path, path);
	CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ctl_accept(&ctl, now);
	return fd;
}

static void tell(int fd, const char *line)
{
	CU_ASSERT_EQUAL(send(fd, line, strlen(line), MSG_NOSIGNAL),
			(ssize_t)strlen(line));
}

/* Reads one line into text and doc. */
static bool hear(int fd)
{
	size_t len = 0;

	for (int idle = 0; idle < 20 && len < sizeof(text);) {
		ssize_t n = recv(fd, text + len, 1, 0);

		if (n == 0)
			return false;
		if (n < 0) {
			idle++;
			turn();
			continue;
		}
		if (text[len] == '\n') {
			text[len] = '\0';
			CU_ASSERT_EQUAL(jread(&doc, text, len), 0);
			return true;
		}
		len++;
	}
	return false;
}

/* One request on a connection of its own; the answer is in doc. */
__attribute__((format(printf, 1, 2))) static const struct jval *
ask(const char *fmt, ...)
{
	char line[CTL_LINE_MAX];
	va_list ap;
	int fd = peer();

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	tell(fd, line);
	tell(fd, "\n");
	CU_ASSERT_FATAL(hear(fd));
	close(fd);
	turn();
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, jroot(&doc), "schema")),
			CTL_SCHEMA);
	return jroot(&doc);
}

static bool has(const struct jval *o, const char *member, const char *want)
{
	char t[JREAD_TEXT];

	jtext(&doc, jget(&doc, o, member), t);
	if (strcmp(t, want))
		fprintf(stderr, "%s is '%s', not '%s'\n", member, t, want);
	return !strcmp(t, want);
}

static bool error_is(const char *want)
{
	return has(jroot(&doc), "error", want);
}

static const struct jval *nth(const struct jval *list, int i)
{
	const struct jval *v = jfirst(&doc, list);

	while (v && i--)
		v = jnext(&doc, list, v);
	return v;
}

static void rules5(const char *rule)
{
	key("/qubes-firewall/10.0.0.5/policy", "drop");
	key("/qubes-firewall/10.0.0.5/0003", rule);
	key("/qubes-firewall/10.0.0.5", "");
	turn();
}

/* ---- requests -------------------------------------------------------------*/

static void status_has_what_an_operator_asks_first(void)
{
	const struct jval *o, *c;

	start();
	rules5("action=accept proto=tcp dstports=443-443");
	view->client[1].from_packets = 12;
	view->client[1].drop[PKT_REASON_RULE] = 3;
	view->client[1].drop[PKT_REASON_TTL] = 4;
	o = ask("status");
	CU_ASSERT(has(o, "version", VIFWALL_VERSION));
	CU_ASSERT_EQUAL(jms(&doc, jget(&doc, o, "uptime")), 7000);
	CU_ASSERT(jtrue(&doc, jget(&doc, o, "data_up")));
	c = jget(&doc, o, "uplink");
	CU_ASSERT(jtrue(&doc, jget(&doc, c, "up")));
	CU_ASSERT(has(c, "port", "packet:eth0"));
	CU_ASSERT(has(c, "ip", "192.0.2.2"));
	c = jget(&doc, o, "flows");
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, c, "used")), 5);
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, c, "capacity")), 64);
	c = jget(&doc, o, "client_counts");
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, c, "all")), 3);
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, c, "open")), 2);
	c = nth(jget(&doc, o, "clients"), 0);
	CU_ASSERT(has(c, "name", "work"));
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, c, "from_packets")), 12);
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, c, "dropped")), 7);
	CU_ASSERT(jtrue(&doc, jget(&doc, jget(&doc, c, "ip4"), "open")));
	CU_ASSERT(has(jget(&doc, c, "ip6"), "why", "no rules were committed"));
	stop();
}

static void status_says_that_data_is_down(void)
{
	const struct jval *o, *set;

	start();
	rules5("action=accept");
	data_down();
	o = ask("status");
	CU_ASSERT(!jtrue(&doc, jget(&doc, o, "data_up")));
	CU_ASSERT_PTR_NULL(jget(&doc, o, "flows"));
	set = jget(&doc, nth(jget(&doc, o, "clients"), 0), "ip4");
	CU_ASSERT(!jtrue(&doc, jget(&doc, set, "open")));
	CU_ASSERT(has(set, "why",
		      "the process that handles packets is being restarted"));
	stop();
}

static void a_client_is_closed_for_a_reason(void)
{
	static const struct {
		const char *why;
		uint8_t family;
	} * w, want[] = {
		{ "no rules were committed", 0 },
		{ "its rules could not be read", 0 },
		{ "its port is not there", 0 },
		{ "refused by the process that handles packets", 0 },
		{ "the process that handles packets was not told of it yet",
		  0 },
	};
	struct apply_slot *s = &apply.slot[1];

	start();
	for (w = want; w < want + sizeof(want) / sizeof(want[0]); w++) {
		const struct jval *c;

		if (w == want + 1)
			rules5("action=maybe");
		s->port_err = w == want + 2 ? ENODEV : 0;
		s->err = w == want + 3 ? EINVAL : 0;
		s->told = w < want + 4;
		c = nth(jget(&doc, ask("clients"), "clients"), 0);
		CU_ASSERT(has(jget(&doc, c, "ip4"), "why", w->why));
	}
	stop();
}

static void rules_are_listed_with_their_numbers(void)
{
	const struct jval *o, *r;

	start();
	rules5("action=accept proto=tcp dstports=443-443");
	o = ask("rules client=work");
	CU_ASSERT(has(o, "client", "work"));
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, jget(&doc, o, "ip4"), "count")),
			1);
	r = nth(jget(&doc, o, "list"), 0);
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, r, "number")), 3);
	CU_ASSERT(has(r, "family", "ip4"));
	CU_ASSERT(has(r, "text", "action=accept proto=tcp dstports=443-443"));
	/* by address it is the same client */
	o = ask("rules client=fd00::5");
	CU_ASSERT(has(o, "client", "work"));
	stop();
}

static void bad_rules_are_shown_with_place_and_reason(void)
{
	const struct jval *e;

	start();
	rules5("action=accept colour=blue");
	e = jget(&doc, jget(&doc, ask("rules client=work"), "ip4"), "error");
	CU_ASSERT(has(e, "key", "0003"));
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, e, "column")), 15);
	CU_ASSERT(jget(&doc, e, "why")->len > 5);
	stop();
}

static void long_lists_come_in_pages(void)
{
	uint64_t from = 0, seen = 0, pages = 0;
	char name[64];

	start();
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "/qubes-firewall/10.0.0.5/%04u",
			 i);
		key(name, "action=accept proto=tcp dstports=80-80");
	}
	rules5("action=accept");
	do {
		const struct jval *o = ask("rules client=work from=%llu",
					   (unsigned long long)from);
		const struct jval *list = jget(&doc, o, "list");

		for (const struct jval *v = jfirst(&doc, list); v;
		     v = jnext(&doc, list, v))
			CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, v, "number")),
					seen++);
		from = jnum(&doc, jget(&doc, o, "next"));
	} while (from && ++pages < 100);
	CU_ASSERT_EQUAL(seen, 3000);
	CU_ASSERT(pages > 2);
	stop();
}

static void block(uint32_t i, uint16_t client, enum pkt_reason reason,
		  uint64_t age_s)
{
	struct view_blocked *b = &view->blocked[i];

	b->count = i + 1;
	b->client = client;
	b->reason = (uint8_t)reason;
	b->proto = 6;
	b->dport = 443;
	b->rule = reason == PKT_REASON_RULE ? 7 : UINT32_MAX;
	b->last_ns = now.ns - age_s * MONO_S;
	b->first_ns = b->last_ns - MONO_S;
	CU_ASSERT_EQUAL(pkt_addr_parse(&b->src, "10.0.0.5", 8), 0);
	CU_ASSERT_EQUAL(pkt_addr_parse(&b->dst, "198.51.100.9", 12), 0);
}

static void blocked_is_newest_first_and_says_how_to_allow(void)
{
	const struct jval *list;

	start();
	block(0, 1, PKT_REASON_POLICY, 30);
	block(1, 1, PKT_REASON_RULE, 10);
	block(2, 0, PKT_REASON_SPOOF_UPLINK, 20);
	list = jget(&doc, ask("blocked"), "list");
	CU_ASSERT(has(nth(list, 0), "reason", "rule"));
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, nth(list, 0), "rule")), 7);
	CU_ASSERT(has(nth(list, 0), "remedy",
		      "qvm-firewall work add --before 7 accept "
		      "dsthost=198.51.100.9 proto=tcp dstports=443-443"));
	CU_ASSERT(has(nth(list, 1), "client", "uplink"));
	CU_ASSERT_PTR_NULL(jget(&doc, nth(list, 1), "remedy"));
	CU_ASSERT(has(nth(list, 2), "remedy",
		      "qvm-firewall work add accept dsthost=198.51.100.9 "
		      "proto=tcp dstports=443-443"));
	CU_ASSERT_EQUAL(jms(&doc, jget(&doc, nth(list, 2), "last_ago")), 30000);
	CU_ASSERT_PTR_NULL(nth(list, 3));
	list = jget(&doc, ask("blocked client=nas"), "list");
	CU_ASSERT_PTR_NULL(nth(list, 0));
	stop();
}

static void icmp_has_a_type_instead_of_a_port(void)
{
	const struct jval *b;

	start();
	block(0, 1, PKT_REASON_POLICY, 1);
	view->blocked[0].proto = 1;
	view->blocked[0].dport = 8;
	b = nth(jget(&doc, ask("blocked"), "list"), 0);
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, b, "icmp_type")), 8);
	CU_ASSERT_PTR_NULL(jget(&doc, b, "port"));
	CU_ASSERT(has(b, "remedy",
		      "qvm-firewall work add accept dsthost=198.51.100.9 "
		      "proto=icmp icmptype=8"));
	view->blocked[0].proto = 47;
	b = nth(jget(&doc, ask("blocked"), "list"), 0);
	CU_ASSERT(has(b, "proto", "47"));
	CU_ASSERT_PTR_NULL(jget(&doc, b, "remedy"));
	stop();
}

static void a_row_that_is_being_written_is_left_out(void)
{
	start();
	block(0, 1, PKT_REASON_POLICY, 1);
	view->blocked[0].seq = 1;
	CU_ASSERT_PTR_NULL(nth(jget(&doc, ask("blocked"), "list"), 0));
	stop();
}

/* The view belongs to the process that touches packets. */
static void R136_nonsense_in_the_view_is_harmless(void)
{
	start();
	memset(view->blocked, 0xee, sizeof(view->blocked));
	for (uint32_t i = 0; i < VIEW_BLOCKED_N; i++)
		view->blocked[i].seq = 0;
	memset(view->client, 0xee,
	       (conf.clients + 1u) * sizeof(view->client[0]));
	view->clients = UINT16_MAX;
	(void)ask("blocked");
	CU_ASSERT(has(nth(jget(&doc, jroot(&doc), "list"), 0), "reason", "?"));
	(void)ask("drops");
	(void)ask("clients");
	(void)ask("status");
	for (const char *p = text; *p; p++)
		CU_ASSERT(*p >= ' ' && *p <= '~');
	stop();
}

static void drops_are_counted_by_reason(void)
{
	const struct jval *list, *d;

	start();
	view->client[1].drop[PKT_REASON_TTL] = 4;
	view->client[0].drop[PKT_REASON_SPOOF_UPLINK] = 9;
	list = jget(&doc, ask("drops"), "list");
	CU_ASSERT(has(nth(list, 0), "client", "uplink"));
	CU_ASSERT(has(nth(list, 1), "client", "work"));
	CU_ASSERT_PTR_NULL(nth(list, 2));
	d = jget(&doc, nth(list, 1), "drops");
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, d, "ttl")), 4);
	list = jget(&doc, ask("drops client=nas"), "list");
	CU_ASSERT(has(nth(list, 0), "client", "nas"));
	stop();
}

static struct nat_info *flow(uint32_t i, uint16_t from, uint16_t to)
{
	struct nat_info *f = &page.flow[i];

	memset(f, 0, sizeof(*f));
	CU_ASSERT_EQUAL(pkt_addr_parse(&f->real[0], "10.0.0.5", 8), 0);
	CU_ASSERT_EQUAL(pkt_addr_parse(&f->real[1], "198.51.100.9", 12), 0);
	CU_ASSERT_EQUAL(pkt_addr_parse(&f->stand[1], "192.0.2.2", 9), 0);
	f->real_port[0] = 1000;
	f->real_port[1] = 443;
	f->stand_port[1] = 40000;
	f->owner[0] = from;
	f->owner[1] = to;
	f->proto = 6;
	f->state = NAT_TCP_EST;
	f->expires_ms = 5500;
	page.n = i + 1;
	return f;
}

static void flows_show_both_ends_and_the_rule(void)
{
	const struct jval *o, *f;

	start();
	rules5("action=accept");
	view->client[1].rule_gen = 0x10002;
	page.cursor = 17;
	flow(0, 1, 0)->gen = 2;
	flow(1, 1, 0)->gen = 1;
	flow(2, 1, 0)->gen = 2;
	page.flow[2].rule = RULE_IDX_POLICY;
	flow(3, 2, 0);
	o = ask("flows client=work");
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, o, "next")), 17);
	f = nth(jget(&doc, o, "list"), 0);
	CU_ASSERT(has(f, "client", "work"));
	CU_ASSERT(has(f, "to", "uplink"));
	CU_ASSERT(has(f, "proto", "tcp"));
	CU_ASSERT(has(f, "state", nat_state_name(NAT_TCP_EST)));
	CU_ASSERT_EQUAL(jms(&doc, jget(&doc, f, "expires_in")), 5500);
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, f, "rule")), 3);
	CU_ASSERT(has(jget(&doc, f, "responder"), "ip", "198.51.100.9"));
	CU_ASSERT(has(jget(&doc, f, "responder"), "sees_ip", "192.0.2.2"));
	CU_ASSERT_PTR_NULL(jget(&doc, jget(&doc, f, "opener"), "sees_ip"));
	/* of an older set: its places mean other rules now */
	CU_ASSERT_PTR_NULL(jget(&doc, nth(jget(&doc, o, "list"), 1), "rule"));
	CU_ASSERT(has(nth(jget(&doc, o, "list"), 2), "rule", "policy"));
	CU_ASSERT_PTR_NULL(nth(jget(&doc, o, "list"), 3));
	stop();
}

static void R136_nonsense_in_flows_is_harmless(void)
{
	start();
	rules5("action=accept");
	memset(&page, 0xee, sizeof(page));
	page.n = MSG_FLOWS_PER_PAGE;
	page.cursor = 1;
	(void)ask("flows");
	CU_ASSERT(has(nth(jget(&doc, jroot(&doc), "list"), 0), "client", "?"));
	memset(&page, 0, sizeof(page));
	data_down();
	(void)ask("flows");
	CU_ASSERT(error_is("the process that handles packets does not answer"));
	stop();
}

static void reload_says_whether_it_was_done(void)
{
	const struct jval *o;

	start();
	CU_ASSERT(jtrue(&doc, jget(&doc, ask("reload"), "reloaded")));
	reload_says = "f:1: bad\nf:2: worse\n";
	o = ask("reload");
	CU_ASSERT(!jtrue(&doc, jget(&doc, o, "reloaded")));
	CU_ASSERT(error_is("f:1: bad"));
	CU_ASSERT_EQUAL(nth(jget(&doc, o, "errors"), 1)->len, 10);
	CU_ASSERT_PTR_NULL(nth(jget(&doc, o, "errors"), 2));
	stop();
}

/* ---- explain --------------------------------------------------------------*/

static const struct {
	const char *ask, *verdict, *reason, *rule;
} explained[] = {
	{ "client=work dst=198.51.100.9 proto=tcp port=443", "accept", "",
	  "3" },
	{ "client=work dst=198.51.100.9 proto=tcp port=80", "drop", "policy",
	  "policy" },
	{ "client=work dst=198.51.100.9 proto=icmp port=8", "drop", "policy",
	  "policy" },
	{ "client=work dst=10.0.0.1 proto=tcp port=443", "drop", "to-self",
	  "" },
	{ "client=work dst=192.0.2.2 proto=tcp port=443", "drop", "hairpin",
	  "" },
	{ "client=work dst=10.0.0.6 proto=tcp port=443", "accept", "", "3" },
	{ "client=work dst=10.1.2.3 proto=tcp port=443", "drop",
	  "client-to-client", "" },
	{ "client=work dst=10.0.0.5 proto=tcp port=443", "drop",
	  "client-to-client", "" },
	{ "client=work dst=10.0.0.77 proto=tcp port=443", "drop",
	  "client-to-client", "" },
	{ "client=work dst=224.0.0.1 proto=udp port=1", "drop", "multicast",
	  "" },
	{ "client=work dst=127.0.0.1 proto=udp port=1", "drop", "martian-dst",
	  "" },
	{ "client=work dst=0.0.0.0 proto=udp port=1", "drop", "martian-dst",
	  "" },
	{ "client=work dst=198.51.100.9 proto=47", "drop", "proto", "" },
	{ "client=work dst=2001:db8::9 proto=tcp port=443", "drop", "closed",
	  "" },
	{ "client=nas dst=198.51.100.9 proto=tcp port=443", "drop", "closed",
	  "" },
	{ "client=lab dst=198.51.100.9 proto=udp port=9", "accept", "",
	  "policy" },
};

static void explain_says_what_would_happen_and_why(void)
{
	start();
	key("/connected-ips", "10.0.0.5 10.0.0.77");
	rules5("action=accept proto=tcp dstports=443-443");
	for (size_t i = 0; i < sizeof(explained) / sizeof(explained[0]); i++) {
		const struct jval *o = ask("explain %s", explained[i].ask);

		CU_ASSERT(has(o, "verdict", explained[i].verdict));
		CU_ASSERT(has(o, "reason", explained[i].reason));
		CU_ASSERT(has(o, "rule", explained[i].rule));
	}
	stop();
}

static void explain_says_how_it_leaves_or_what_is_told(void)
{
	const struct jval *o;

	start();
	rules5("action=accept proto=tcp dstports=443-443");
	o = ask("explain client=work dst=198.51.100.9 proto=tcp port=443");
	CU_ASSERT(has(o, "to", "uplink"));
	CU_ASSERT(has(o, "as", "192.0.2.2"));
	CU_ASSERT(has(o, "text", "action=accept proto=tcp dstports=443-443"));
	o = ask("explain client=work dst=10.0.0.6 proto=tcp port=443");
	CU_ASSERT(has(o, "to", "nas"));
	CU_ASSERT_PTR_NULL(jget(&doc, o, "as"));
	o = ask("explain client=work dst=198.51.100.9 proto=udp port=443");
	CU_ASSERT(has(o, "told", "an ICMP error"));
	apply.conf.reject = CONF_REJECT_RST;
	o = ask("explain client=work dst=198.51.100.9 proto=tcp port=1");
	CU_ASSERT(has(o, "told", "a TCP reset"));
	apply.conf.reject = CONF_REJECT_SILENT;
	o = ask("explain client=work dst=198.51.100.9 proto=tcp port=1");
	CU_ASSERT(has(o, "told", "nothing"));
	/* allowed, but there is no way */
	apply.slot[0].port_told = false;
	o = ask("explain client=work dst=198.51.100.9 proto=tcp port=443");
	CU_ASSERT(has(o, "reason", "no-uplink"));
	apply.slot[2].port_told = false;
	o = ask("explain client=work dst=10.0.0.6 proto=tcp port=443");
	CU_ASSERT(has(o, "reason", "port-down"));
	stop();
}

static void explain_knows_the_hairpin(void)
{
	const struct jval *o;

	start();
	apply.conf.hairpin = true;
	rules5("action=accept proto=tcp dstports=443-443");
	o = ask("explain client=work dst=192.0.2.2 proto=tcp port=443");
	CU_ASSERT(has(o, "verdict", "accept"));
	CU_ASSERT(jtrue(&doc, jget(&doc, o, "hairpin")));
	o = ask("explain client=work dst=192.0.2.2 proto=udp port=443");
	CU_ASSERT(has(o, "reason", "policy"));
	o = ask("explain client=work dst=192.0.2.2 proto=icmp port=8");
	CU_ASSERT(has(o, "reason", "hairpin"));
	o = ask("explain client=work dst=198.51.100.9 proto=tcp port=443");
	CU_ASSERT_PTR_NULL(jget(&doc, o, "hairpin"));
	stop();
}

/* ---- requests that are none -----------------------------------------------*/

static const struct {
	const char *line, *says;
} refused[] = {
	{ "", "the request is empty" },
	{ " ", "there is no such request" },
	{ "stat", "there is no such request" },
	{ "status extra", "words after the first are KEY=VALUE" },
	{ "status x=1", "there is no such key" },
	{ "rules", "client is missing" },
	{ "rules client=nobody", "there is no client of that name or address" },
	{ "rules client=", "there is no client of that name or address" },
	{ "clients from=x", "from is not a number" },
	{ "clients from=", "from is not a number" },
	{ "clients from=4294967296", "from is not a number" },
	{ "explain client=work", "dst is missing" },
	{ "explain client=work dst=x", "dst is not an address" },
	{ "explain client=work dst=1.2.3.4", "proto is missing" },
	{ "explain client=work dst=1.2.3.4 proto=0",
	  "proto is none; allowed: tcp, udp, icmp, 1 to 255" },
	{ "explain client=work dst=1.2.3.4 proto=6 port=65536",
	  "port is not a number; allowed: 0 to 65535" },
	{ "status\x1b]0;x\x07", "there is no such request" },
};

static void what_is_no_request_is_refused_with_a_sentence(void)
{
	start();
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		(void)ask("%s", refused[i].line);
		CU_ASSERT(error_is(refused[i].says));
	}
	stop();
}

static void a_line_without_end_is_refused(void)
{
	char line[2 * CTL_LINE_MAX + 1];
	int fd;

	start();
	fd = peer();
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	tell(fd, line);
	CU_ASSERT(hear(fd));
	CU_ASSERT(error_is("the request is too long"));
	/* and what follows is not taken for a request */
	CU_ASSERT(recv(fd, text, 1, 0) <= 0 && errno != EAGAIN);
	close(fd);
	stop();
}

/* ---- peers ----------------------------------------------------------------*/

static void many_requests_may_come_on_one_connection(void)
{
	int fd;

	start();
	fd = peer();
	tell(fd, "drops\nclients\nst");
	CU_ASSERT(hear(fd));
	CU_ASSERT(!!strstr(text, "strays"));
	CU_ASSERT(hear(fd));
	CU_ASSERT(!!strstr(text, "clients"));
	CU_ASSERT(!hear(fd));
	tell(fd, "atus\n");
	CU_ASSERT(hear(fd));
	CU_ASSERT(!!strstr(text, "uptime"));
	close(fd);
	stop();
}

static void a_peer_that_does_not_read_is_dropped(void)
{
	int fd, small = 1;

	start();
	for (unsigned i = 0; i < 500; i++) {
		char name[64];

		snprintf(name, sizeof(name), "/qubes-firewall/10.0.0.5/%04u",
			 i);
		key(name, "action=accept");
	}
	rules5("action=accept");
	fd = peer();
	setsockopt(ctl.conn[0].fd, SOL_SOCKET, SO_SNDBUF, &small,
		   sizeof(small));
	for (int i = 0; i < 20; i++)
		tell(fd, "rules client=work\n");
	turn();
	CU_ASSERT_EQUAL(ctl.conn[0].state, CTL_WRITING);
	CU_ASSERT_EQUAL(ctl_wants(&ctl.conn[0]), LOOP_OUT);
	now = mono_add_ms(now, CTL_IDLE_MS);
	turn();
	CU_ASSERT_EQUAL(ctl.conn[0].state, CTL_FREE);
	close(fd);
	stop();
}

static void a_silent_peer_makes_room_for_another(void)
{
	int fd[CTL_CONNS + 1];

	start();
	for (unsigned i = 0; i <= CTL_CONNS; i++) {
		now.ns += MONO_MS;
		fd[i] = peer();
	}
	turn();
	/* the first was silent for longest */
	CU_ASSERT_EQUAL(recv(fd[0], text, 1, 0), 0);
	tell(fd[CTL_CONNS], "drops\n");
	CU_ASSERT(hear(fd[CTL_CONNS]));
	tell(fd[1], "drops\n");
	CU_ASSERT(hear(fd[1]));
	now = mono_add_ms(now, CTL_IDLE_MS);
	turn();
	for (unsigned i = 0; i <= CTL_CONNS; i++)
		close(fd[i]);
	for (unsigned i = 0; i < CTL_CONNS; i++)
		CU_ASSERT_EQUAL(ctl.conn[i].state, CTL_FREE);
	stop();
}

/* Its place may have another peer when the answer comes. */
static void a_late_answer_goes_to_nobody_else(void)
{
	int fd, other;

	start();
	fd = peer();
	tell(fd, "flows\n");
	ctl_work(&ctl, now);
	CU_ASSERT_EQUAL(ctl.conn[0].state, CTL_ASKED);
	CU_ASSERT_EQUAL(ctl_wants(&ctl.conn[0]), 0);
	now = mono_add_ms(now, CTL_IDLE_MS);
	ctl_work(&ctl, now);
	CU_ASSERT_EQUAL(ctl.conn[0].state, CTL_FREE);
	other = peer();
	tell(other, "drops\n");
	CU_ASSERT(hear(other));
	CU_ASSERT(!!strstr(text, "strays"));
	CU_ASSERT(recv(other, text, 1, 0) < 0);
	close(fd);
	close(other);
	stop();
}

static void a_question_that_data_has_no_room_for_waits(void)
{
	int fd;

	start();
	for (uint32_t i = 0; i < APPLY_WINDOW; i++)
		CU_ASSERT_EQUAL(apply_ask(&apply, MSG_USAGE, NULL,
					  15 /* no peer's */),
				0);
	fd = peer();
	tell(fd, "status\n");
	ctl_work(&ctl, now);
	CU_ASSERT_EQUAL(ctl.conn[0].state, CTL_ASKING);
	CU_ASSERT(hear(fd));
	CU_ASSERT(!!strstr(text, "uptime"));
	close(fd);
	stop();
}

static void the_socket_is_its_owners_alone(void)
{
	struct ctl second = { .fd = -1 };
	struct stat st;
	int fd;

	start();
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	/* a second instance is kept out, the first not disturbed */
	CU_ASSERT_EQUAL(ctl_open(&second, path, 0), -EADDRINUSE);
	ctl_accept(&ctl, now); /* its attempt */
	fd = peer();
	tell(fd, "drops\n");
	CU_ASSERT(hear(fd));
	close(fd);
	stop();
}

static void what_a_dead_daemon_left_behind_is_replaced(void)
{
	struct ctl dead = { .fd = -1 };
	struct stat st;

	quiet();
	snprintf(path, sizeof(path), "/tmp/vifwall-ctl-%d.sock", getpid());
	CU_ASSERT_EQUAL(ctl_open(&dead, path, (uint32_t)getgid()), 0);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, getgid() ? 0660 : 0600);
	close(dead.fd);
	start();
	stop();
	/* but nothing else */
	CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
	CU_ASSERT_EQUAL(ctl_open(&dead, path, 0), -EADDRINUSE);
	CU_ASSERT_EQUAL(rmdir(path), 0);
	CU_ASSERT_EQUAL(ctl_open(&dead, "/nowhere/ctl.sock", 0), -ENOENT);
}

UNIT_SUITE(ctl, UNIT(status_has_what_an_operator_asks_first),
	   UNIT(status_says_that_data_is_down),
	   UNIT(a_client_is_closed_for_a_reason),
	   UNIT(rules_are_listed_with_their_numbers),
	   UNIT(bad_rules_are_shown_with_place_and_reason),
	   UNIT(long_lists_come_in_pages),
	   UNIT(blocked_is_newest_first_and_says_how_to_allow),
	   UNIT(icmp_has_a_type_instead_of_a_port),
	   UNIT(a_row_that_is_being_written_is_left_out),
	   UNIT(R136_nonsense_in_the_view_is_harmless),
	   UNIT(drops_are_counted_by_reason),
	   UNIT(flows_show_both_ends_and_the_rule),
	   UNIT(R136_nonsense_in_flows_is_harmless),
	   UNIT(reload_says_whether_it_was_done),
	   UNIT(explain_says_what_would_happen_and_why),
	   UNIT(explain_says_how_it_leaves_or_what_is_told),
	   UNIT(explain_knows_the_hairpin),
	   UNIT(what_is_no_request_is_refused_with_a_sentence),
	   UNIT(a_line_without_end_is_refused),
	   UNIT(many_requests_may_come_on_one_connection),
	   UNIT(a_peer_that_does_not_read_is_dropped),
	   UNIT(a_silent_peer_makes_room_for_another),
	   UNIT(a_late_answer_goes_to_nobody_else),
	   UNIT(a_question_that_data_has_no_room_for_waits),
	   UNIT(the_socket_is_its_owners_alone),
	   UNIT(what_a_dead_daemon_left_behind_is_replaced))
