/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apply against a data process of our own: the other end of a socket pair,
 * which writes down what it is told and answers as each test wants.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/control/apply/apply.h"
#include "firewall/linux/log.h"
#include "firewall/linux/mem.h"
#include "unit.h"

static struct conf conf;
static struct conf_errors errors;
static struct apply apply;
static struct tree *tree;
static int data = -1; /* the fake's end */
static char told[4096];
static struct mono now;

/* What the fake refuses: type and errno, for the next @refuse_n of them. */
static uint32_t refuse_type, refuse_n;
static int refuse_err;

static int opened, open_err; /* of ports */
static char opened_name[64];

static uint32_t answered_cookie;
static uint32_t answered_type; /* 0: no answer */
static int answers;

static int open_port(void *ctx, const struct conf_port *p, struct link *l)
{
	(void)ctx;
	if (open_err)
		return open_err;
	opened++;
	snprintf(opened_name, sizeof(opened_name), "%s", p->name);
	*l = (struct link){
		.fd = open("/dev/null", O_RDWR | O_CLOEXEC),
		.ifindex = 7,
		.mtu = 1500,
		.mac = { { 2, 0, 0, 0, 0, 8 } },
	};
	return 0;
}

static void on_answer(void *ctx, uint32_t cookie, const struct msg *page)
{
	(void)ctx;
	answered_cookie = cookie;
	answered_type = page ? page->hdr.type : 0;
	answers++;
}

static const struct apply_ops ops = { .open_port = open_port,
				      .answer = on_answer };

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	size_t n = strlen(told);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(told + n, sizeof(told) - n, fmt, ap);
	va_end(ap);
}

/* ---- the fake -------------------------------------------------------------*/

static void say_rules(const struct msg *m)
{
	const struct ruleset *s;
	const void *map = mem_map_sealed(m->fd, m->body.rules.len);
	struct rule_query q = { .proto = 6, .dport = 80 };
	bool pass;

	CU_ASSERT_FATAL(map != NULL);
	s = ruleset_check(map, m->body.rules.len);
	CU_ASSERT_FATAL(s != NULL);
	CU_ASSERT_EQUAL(ruleset_family(s), m->body.rules.family);
	CU_ASSERT_EQUAL(pkt_addr_parse(&q.dst,
				       m->body.rules.family ? "2001:db8::9"
							    : "192.0.2.9",
				       m->body.rules.family ? 11 : 9),
			0);
	pass = ruleset_eval(s, &q).action == RULE_ACCEPT;
	say("rules%u.%c=%u%s ", m->body.rules.n,
	    m->body.rules.family ? '6' : '4', ruleset_count(s),
	    pass ? "pass" : "");
	mem_unmap(map, m->body.rules.len);
}

/* Whose they are: client=number. */
static void say_profiles(const struct msg *m)
{
	const struct msg_profiles *p = &m->body.profiles;
	const void *map = mem_map_sealed(m->fd, p->len);

	CU_ASSERT_FATAL(map != NULL);
	CU_ASSERT_PTR_EQUAL(profiles_check(map, p->len), map);
	mem_unmap(map, p->len);
	say("profiles");
	for (uint32_t n = 0; n < MSG_PROFILES_CLIENTS; n++)
		if (p->of[n] == FW_PROFILE_CLOSED)
			say(",%u=closed", n);
		else if (p->of[n] != FW_PROFILE_NONE)
			say(",%u=%u", n, p->of[n]);
	say(" ");
}

/* What it knows itself and us as, and how many addresses it has then. */
static void say_seen(const struct fw_client *c)
{
	char ip[PKT_ADDR_TEXT], gateway[PKT_ADDR_TEXT];

	if (!pkt_addr_is_zero(&c->seen4))
		say("as%s/%s,%u ", pkt_addr_print(ip, &c->seen4),
		    pkt_addr_print(gateway, &c->seen_gateway4), c->addr_n);
}

static void say_msg(const struct msg *m)
{
	const union msg_body *b = &m->body;

	switch (m->hdr.type) {
	case MSG_PORT_ADD:
		say("+port%u ", b->port.id);
		break;
	case MSG_PORT_DEL:
		say("-port%u ", b->id.id);
		break;
	case MSG_UPLINK:
		say("uplink%s ", b->uplink.uplink.up ? "+" : "-");
		break;
	case MSG_CLIENT:
		say("+%s%u%s ", b->client.client.name, b->client.n,
		    b->client.client.port == UINT16_MAX ? "!" : "");
		say_seen(&b->client.client);
		break;
	case MSG_CLIENT_DEL:
		say("-client%u ", b->id.id);
		break;
	case MSG_RULES:
		say_rules(m);
		break;
	case MSG_GUARD:
		say("guard%u ", b->guard.n);
		break;
	case MSG_PAIRS:
		say("pairs%u ", b->guard.n);
		break;
	case MSG_FORWARDS:
		say("forwards%u ", b->guard.n);
		break;
	case MSG_PROFILES:
		say_profiles(m);
		break;
	case MSG_SETTLED:
		say("settled ");
		break;
	default:
		say("?%u ", m->hdr.type);
	}
}

/* Takes one message and answers it; false: none is there. */
static bool fake_one(void)
{
	struct msg_usage_page usage = { .table_bytes = 1 };
	struct msg_done d = { .err = 0 };
	struct msg m;
	int err = msg_recv(data, MSG_TO_DATA, &m);

	if (err)
		CU_ASSERT(err == -EAGAIN || err == -EPIPE);
	if (err)
		return false;
	if (refuse_n && m.hdr.type == refuse_type) {
		refuse_n--;
		d.err = refuse_err;
		say("(");
		say_msg(&m);
		say(")");
	} else if (m.hdr.type == MSG_USAGE) {
		CU_ASSERT_EQUAL(msg_send(data, MSG_USAGE_PAGE, m.hdr.seq,
					 &usage, -1),
				0);
	} else {
		say_msg(&m);
	}
	CU_ASSERT_EQUAL(msg_send(data, MSG_DONE, m.hdr.seq, &d, -1), 0);
	if (m.fd >= 0)
		close(m.fd);
	return true;
}

/* Both sides until nothing more happens. */
static void settle(void)
{
	bool more = true;

	for (int i = 0; i < 200 && more; i++) {
		more = false;
		(void)apply_work(&apply, now);
		while (fake_one())
			more = true;
		apply_receive(&apply, now);
	}
	CU_ASSERT(!more);
}

static bool said(const char *want)
{
	bool same = !strcmp(told, want);

	if (!same)
		fprintf(stderr, "told '%s'\nwant '%s'\n", told, want);
	told[0] = '\0';
	return same;
}

/* ---- stage ----------------------------------------------------------------*/

#define UP "rules = /r\nuplink.port = tap:up\nuplink.ip = 192.0.2.2/24\n"
#define WORK                                                   \
	"[client work]\nport = tap:w\nip = 10.0.0.5 fd00::5\n" \
	"mac = 00:16:3e:00:00:05\n"
#define LAB                                                                 \
	"[client lab]\nport = packet:lab\nkind = network\nrules = accept\n" \
	"net = 10.1.0.0/16\ngateway = 10.1.0.1\n"

static void settings(const char *text)
{
	conf_default(&conf);
	memset(&errors, 0, sizeof(errors));
	conf_read_text(&conf, "test", text, strlen(text), &errors);
	conf_check(&conf, CONF_RUN, &errors);
	CU_ASSERT_EQUAL(errors.n, 0);
	if (errors.n)
		fprintf(stderr, "%s", errors.text);
}

static void connect_data(void)
{
	int pair[2];

	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	if (data >= 0)
		close(data);
	data = pair[1];
	apply_data(&apply, pair[0]);
}

static void start(const char *text)
{
	const struct conf_port *which;
	static int quiet = -1;

	if (quiet < 0)
		quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_to_fd(quiet);
	refuse_n = 0;
	open_err = opened = answers = 0;
	told[0] = '\0';
	now.ns = MONO_S;
	settings(text);
	apply_init(&apply, &conf, &ops);
	tree = tree_new(1u << 20, apply_tree_changed, &apply);
	CU_ASSERT_FATAL(tree != NULL);
	apply.tree = tree;
	CU_ASSERT_EQUAL(apply_open_ports(&apply, &which), 0);
	connect_data();
}

static void stop(void)
{
	apply_fini(&apply);
	tree_free(tree);
	close(data);
	data = -1;
	log_to_fd(STDERR_FILENO);
}

static void key(const char *path, const char *value)
{
	CU_ASSERT_EQUAL(tree_write(tree, path, value, strlen(value)), 0);
}

#define R5 "/qubes-firewall/10.0.0.5"

/* A committed set of one rule. */
static void rules(const char *base, const char *rule)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/", base);
	tree_remove(tree, path);
	snprintf(path, sizeof(path), "%s/policy", base);
	key(path, "drop");
	snprintf(path, sizeof(path), "%s/0000", base);
	key(path, rule);
	key(base, "");
}

/* ---- tests ----------------------------------------------------------------*/

static void data_is_told_everything_in_an_order_that_works(void)
{
	start("allow = work -> lab\n" UP WORK LAB);
	rules(R5, "action=accept");
	settle();
	CU_ASSERT(said("pairs1 +port0 +port1 +port2 uplink+ +work1 +lab2 "
		       "rules1.4=1pass rules2.4=0pass "));
	CU_ASSERT(apply_idle(&apply));
	CU_ASSERT_EQUAL(apply.slot[1].since[0].ns, now.ns);
	stop();
}

static void nothing_is_told_twice(void)
{
	start(UP WORK);
	rules(R5, "action=accept");
	settle();
	told[0] = '\0';
	settle();
	CU_ASSERT(said(""));
	stop();
}

static void R122_a_commit_is_one_message(void)
{
	start(UP WORK);
	settle();
	told[0] = '\0';
	key(R5 "/policy", "drop");
	key(R5 "/0000", "action=accept");
	settle();
	CU_ASSERT(said(""));
	key(R5, "");
	settle();
	CU_ASSERT(said("rules1.4=1pass "));
	stop();
}

static void R124_equal_rules_are_not_sent_again(void)
{
	start(UP WORK);
	rules(R5, "action=accept proto=tcp dstports=80-80");
	settle();
	told[0] = '\0';
	rules(R5, "action=accept dstports=80-80 proto=tcp");
	settle();
	CU_ASSERT(said(""));
	rules(R5, "action=accept dstports=80-81 proto=tcp");
	settle();
	CU_ASSERT(said("rules1.4=1pass "));
	stop();
}

/* Files with rules that are open here. */
static uint32_t rule_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	uint32_t n = 0;

	CU_ASSERT_FATAL(d != NULL);
	while ((e = readdir(d))) {
		char to[64] = "";

		(void)!readlinkat(dirfd(d), e->d_name, to, sizeof(to) - 1);
		n += strstr(to, "memfd:vifwall-rules") != NULL;
	}
	closedir(d);
	return n;
}

static void rules_that_data_still_uses_are_freed_here_and_not_there(void)
{
	uint32_t n;

	start(UP WORK);
	rules(R5, "action=accept");
	settle();
	n = rule_files();
	CU_ASSERT(n > 0);
	/* one was told and is in use, one is on its way, one never went there
	 */
	rules(R5, "action=accept proto=udp");
	CU_ASSERT_EQUAL(rule_files(), n + 1);
	(void)apply_work(&apply, now);
	CU_ASSERT_EQUAL(rule_files(), n + 1);
	rules(R5, "action=accept proto=tcp");
	CU_ASSERT_EQUAL(rule_files(), n + 2);
	rules(R5, "action=drop");
	CU_ASSERT_EQUAL(rule_files(), n + 2);
	settle();
	CU_ASSERT_EQUAL(rule_files(), n);
	/* what says the same is not sent, and data keeps what it has */
	rules(R5, "action=drop");
	CU_ASSERT_EQUAL(rule_files(), n + 1);
	rules(R5, "action=accept");
	settle();
	CU_ASSERT_EQUAL(rule_files(), n);
	/* a new process has none of them */
	rules(R5, "action=drop");
	CU_ASSERT_EQUAL(rule_files(), n + 1);
	connect_data();
	CU_ASSERT_EQUAL(rule_files(), n);
	settle();
	settings(UP);
	apply_conf(&apply, &conf);
	CU_ASSERT_EQUAL(rule_files(), n);
	settle();
	CU_ASSERT_EQUAL(rule_files(), 0);
	stop();
}

static void R120_bad_rules_close_their_client_and_no_other(void)
{
	start(UP WORK "[client b]\nport = tap:b\nip = 10.0.0.6\n"
		      "mac = 00:16:3e:00:00:06\n");
	rules(R5, "action=accept");
	rules("/qubes-firewall/10.0.0.6", "action=accept");
	rules("/qubes-firewall/fd00::5", "action=accept");
	settle();
	told[0] = '\0';
	rules(R5, "action=accept maybe=1");
	settle();
	CU_ASSERT(said("rules1.4=0 "));
	CU_ASSERT_EQUAL(apply.slot[1].set[0].state, SET_BAD);
	CU_ASSERT_EQUAL(apply.slot[1].set[0].error.column, 15);
	CU_ASSERT_EQUAL(apply.slot[1].set[1].state, SET_GOOD);
	CU_ASSERT_EQUAL(apply.slot[2].set[0].state, SET_GOOD);
	/* bad in another way is as closed as before */
	rules(R5, "action=maybe");
	settle();
	CU_ASSERT(said(""));
	CU_ASSERT_EQUAL(apply.slot[1].set[0].error.column, 8);
	rules(R5, "action=accept");
	settle();
	CU_ASSERT(said("rules1.4=1pass "));
	stop();
}

static void a_removed_set_closes(void)
{
	start(UP WORK);
	rules(R5, "action=accept");
	settle();
	told[0] = '\0';
	CU_ASSERT_EQUAL(tree_remove(tree, R5), 1);
	settle();
	CU_ASSERT(said("rules1.4=0 "));
	CU_ASSERT_EQUAL(apply.slot[1].set[0].state, SET_NONE);
	stop();
}

static void sets_of_nobody_are_passed_over(void)
{
	start(UP WORK);
	settle();
	told[0] = '\0';
	rules("/qubes-firewall/10.9.9.9", "action=accept");
	key("/other", "x");
	settle();
	CU_ASSERT(said(""));
	stop();
}

static void a_new_data_process_is_told_everything_again(void)
{
	int old;

	start(UP WORK LAB);
	rules(R5, "action=accept");
	key("/connected-ips", "10.0.0.5 10.0.0.7");
	settle();
	CU_ASSERT_EQUAL(opened, 3);
	told[0] = '\0';
	old = apply.slot[2].link.fd;
	connect_data();
	/* it is closed when there is time for it */
	CU_ASSERT(fcntl(old, F_GETFD) >= 0);
	CU_ASSERT_NOT_EQUAL(apply.slot[2].link.fd, old);
	settle();
	CU_ASSERT(fcntl(old, F_GETFD) < 0);
	CU_ASSERT(said("guard2 pairs0 +port0 +port1 +port2 uplink+ +work1 "
		       "+lab2 rules1.4=1pass rules2.4=0pass settled "));
	CU_ASSERT_EQUAL(apply.restarts, 1);
	/* a packet socket's ring has one reader: it was opened anew */
	CU_ASSERT_EQUAL(opened, 4);
	CU_ASSERT_STRING_EQUAL(opened_name, "lab");
	stop();
}

static void changes_while_there_is_no_data_are_not_lost(void)
{
	start(UP WORK);
	rules(R5, "action=accept");
	settle();
	close(data);
	data = -1;
	apply_receive(&apply, now);
	CU_ASSERT_EQUAL(apply.sock, -1);
	CU_ASSERT(!apply_idle(&apply));
	rules(R5, "action=drop");
	(void)apply_work(&apply, now);
	told[0] = '\0';
	connect_data();
	settle();
	CU_ASSERT(said("pairs0 +port0 +port1 uplink+ +work1 rules1.4=1 "
		       "settled "));
	stop();
}

#define WEB "in=uplink dport=443 to=10.0.0.5"

static void openings_come_from_settings_and_from_the_tree(void)
{
	start("forward = " WEB "\n" UP WORK);
	settle();
	CU_ASSERT(strstr(told, "forwards1 ") != NULL);
	told[0] = '\0';
	key(TREE_FORWARD "02", "from=10.0.0.5 to=10.0.0.6");
	key(TREE_FORWARD "01", "in=uplink dport=80 to=10.0.0.5");
	settle();
	CU_ASSERT(said("forwards3 "));
	CU_ASSERT_STRING_EQUAL(apply.forward[0].name, "line 1");
	CU_ASSERT_STRING_EQUAL(apply.forward[1].name, "vifwall-forward-01");
	CU_ASSERT_EQUAL(apply.forward[1].fw.lo, 80);
	/* again the same, and what is none of them */
	key(TREE_FORWARD "01", "  dport=80 in=uplink to=10.0.0.5:80");
	key("/vm-config/vifwall-other", WEB);
	settle();
	CU_ASSERT(said(""));
	CU_ASSERT_EQUAL(tree_remove(tree, TREE_FORWARD "01"), 1);
	settle();
	CU_ASSERT(said("forwards2 "));
	CU_ASSERT_EQUAL(tree_remove(tree, "/vm-config/"), 2);
	settle();
	CU_ASSERT(said("forwards1 "));
	stop();
}

static void an_opening_that_is_none_opens_nothing_and_hurts_no_other(void)
{
	start(UP WORK);
	settle();
	told[0] = '\0';
	key(TREE_FORWARD "01", WEB);
	key(TREE_FORWARD "02", WEB " proto=sctp");
	key(TREE_FORWARD "03", "");
	settle();
	CU_ASSERT(said("forwards1 "));
	CU_ASSERT_EQUAL(apply.forward_bad, 2);
	/* what was an opening is one no more */
	key(TREE_FORWARD "01", "nonsense");
	settle();
	CU_ASSERT(said("forwards0 "));
	CU_ASSERT_EQUAL(apply.forward_bad, 3);
	stop();
}

static void there_are_no_more_openings_than_data_takes(void)
{
	char path[TREE_PATH_MAX + 1];

	start(UP WORK);
	settle();
	for (uint32_t i = 0; i < FW_FORWARDS + 2; i++) {
		snprintf(path, sizeof(path), TREE_FORWARD "%04u", i);
		key(path, WEB);
	}
	CU_ASSERT_EQUAL(apply.forward_n, FW_FORWARDS);
	CU_ASSERT_EQUAL(apply.forward_bad, 2);
	stop();
}

static void a_new_data_process_is_told_of_openings(void)
{
	start("forward = " WEB "\n" UP WORK);
	settle();
	told[0] = '\0';
	connect_data();
	settle();
	CU_ASSERT(strstr(told, "forwards1 ") != NULL);
	told[0] = '\0';
	settings(UP WORK);
	apply_conf(&apply, &conf);
	settle();
	CU_ASSERT(said("pairs0 forwards0 "));
	stop();
}

static void the_guard_is_the_union_of_both_lists(void)
{
	start(UP WORK);
	settle();
	told[0] = '\0';
	key("/connected-ips", "10.0.0.5 10.0.0.6 nonsense");
	key("/connected-ips6", "fd00::5\n");
	settle();
	CU_ASSERT(said("guard3 "));
	CU_ASSERT_EQUAL(apply.guard_n, 3);
	key("/connected-ips", "");
	settle();
	CU_ASSERT(said("guard1 "));
	stop();
}

static void a_busy_number_is_tried_again_soon(void)
{
	start(UP WORK);
	refuse_type = MSG_CLIENT;
	refuse_err = EBUSY;
	refuse_n = 2;
	rules(R5, "action=accept");
	settle();
	CU_ASSERT(said("pairs0 +port0 +port1 uplink+ (+work1 )"));
	CU_ASSERT(!apply_idle(&apply));
	CU_ASSERT(apply_work(&apply, now).ns ==
		  mono_add_ms(now, APPLY_RETRY_MS).ns);
	now = mono_add_ms(now, APPLY_RETRY_MS);
	settle();
	CU_ASSERT(said("(+work1 )"));
	now = mono_add_ms(now, APPLY_RETRY_MS);
	settle();
	CU_ASSERT(said("+work1 rules1.4=1pass "));
	CU_ASSERT(apply_idle(&apply));
	stop();
}

static void a_client_that_data_refuses_is_stuck_but_holds_up_nobody(void)
{
	start(UP WORK LAB);
	refuse_type = MSG_CLIENT;
	refuse_err = EINVAL;
	refuse_n = 1;
	settle();
	CU_ASSERT(said("pairs0 +port0 +port1 +port2 uplink+ (+work1 )+lab2 "
		       "rules2.4=0pass "));
	CU_ASSERT(apply.slot[1].stuck);
	CU_ASSERT(apply_idle(&apply));
	stop();
}

static void rules_that_data_refuses_close_the_client(void)
{
	start(UP WORK);
	settle();
	told[0] = '\0';
	refuse_type = MSG_RULES;
	refuse_err = ENOMEM;
	refuse_n = 1;
	rules(R5, "action=accept");
	settle();
	CU_ASSERT(said("(rules1.4=1pass )rules1.4=0 "));
	CU_ASSERT_EQUAL(apply.slot[1].set[0].state, SET_BAD);
	/* when even that is refused there is no client any more */
	refuse_n = 2;
	rules(R5, "action=drop");
	settle();
	CU_ASSERT(said("(rules1.4=1 )(rules1.4=0 )-client1 "));
	CU_ASSERT_EQUAL(apply.slot[1].err, ENOMEM);
	rules(R5, "action=accept");
	settle();
	CU_ASSERT(said("+work1 rules1.4=1pass "));
	CU_ASSERT_EQUAL(apply.slot[1].err, 0);
	stop();
}

static void a_port_that_breaks_is_opened_again(void)
{
	struct msg_done failed = { .id = 1, .err = EBADFD };

	start(UP WORK);
	rules(R5, "action=accept");
	settle();
	told[0] = '\0';
	CU_ASSERT_EQUAL(msg_send(data, MSG_PORT_FAILED, 0, &failed, -1), 0);
	apply_receive(&apply, now);
	CU_ASSERT_EQUAL(apply.slot[1].port_err, EBADFD);
	open_err = -ENODEV;
	settle();
	CU_ASSERT(said("+work1! "));
	now = mono_add_ms(now, APPLY_REOPEN_MS);
	settle();
	CU_ASSERT(said(""));
	CU_ASSERT_EQUAL(apply.slot[1].port_err, ENODEV);
	open_err = 0;
	now = mono_add_ms(now, APPLY_REOPEN_MS);
	settle();
	CU_ASSERT(said("+port1 +work1 "));
	CU_ASSERT_EQUAL(apply.slot[1].port_err, 0);
	/* of a number that can't be, nothing is believed */
	failed.id = 1023;
	CU_ASSERT_EQUAL(msg_send(data, MSG_PORT_FAILED, 0, &failed, -1), 0);
	settle();
	CU_ASSERT(said(""));
	stop();
}

static void a_port_that_data_refuses_is_tried_again_later(void)
{
	start(UP WORK);
	refuse_type = MSG_PORT_ADD;
	refuse_err = ENOMEM;
	refuse_n = 1;
	settle();
	CU_ASSERT(said("pairs0 (+port0 )+port1 -port0 uplink- +work1 "));
	now = mono_add_ms(now, APPLY_REOPEN_MS);
	settle();
	CU_ASSERT(said("+port0 uplink+ "));
	stop();
}

static void a_missing_port_is_named(void)
{
	const struct conf_port *which = NULL;

	start(UP WORK);
	settings(UP WORK "[client c]\nport = tap:nowhere\nip = 10.0.0.7\n"
			 "mac = 00:16:3e:00:00:07\n");
	apply_conf(&apply, &conf);
	open_err = -ENODEV;
	CU_ASSERT_EQUAL(apply_open_ports(&apply, &which), -ENODEV);
	CU_ASSERT_FATAL(which != NULL);
	CU_ASSERT_STRING_EQUAL(which->name, "nowhere");
	stop();
}

/* ---- new settings ---------------------------------------------------------*/

static void reload(const char *text)
{
	const struct conf_port *which;

	settings(text);
	apply_conf(&apply, &conf);
	CU_ASSERT_EQUAL(apply_open_ports(&apply, &which), 0);
	settle();
}

#define P_LAN "profile.rule = p action=drop dst=lan\n"
#define Q_LAN "profile.rule = q action=drop dst=lan\n"

static void profiles_come_with_whose_they_are(void)
{
	struct fw_client guest = { .name = "vif9.0",
				   .port = UINT16_MAX,
				   .addr_n = 1 };

	CU_ASSERT_EQUAL(pkt_addr_parse(&guest.addr[0], "10.0.0.9", 8), 0);
	start(P_LAN "profile = p\nprofile.use = lab none\n" UP WORK LAB);
	CU_ASSERT_EQUAL(apply_guest(&apply, &guest), 3);
	settle();
	CU_ASSERT(strstr(told, "profiles,1=1,3=1 ") == told);
	CU_ASSERT_STRING_EQUAL(apply.slot[3].fw.profile, "p");
	told[0] = '\0';
	/* the rules move to another profile, with the one who has it */
	reload("profile.rule = p action=drop\n" Q_LAN
	       "profile.use = work q\n" UP WORK LAB);
	CU_ASSERT(said("profiles,1=2 pairs0 +work1 +vif9.03! "));
	reload("profile.rule = p action=drop\n" Q_LAN
	       "profile.use = work q\n" UP WORK LAB);
	CU_ASSERT(said("pairs0 "));
	reload(UP WORK LAB);
	CU_ASSERT(said("profiles pairs0 +work1 "));
	stop();
}

static void guests_are_told_of_another_address_of_ours(void)
{
	struct fw_client guest = { .name = "vif9.0",
				   .port = UINT16_MAX,
				   .addr_n = 1 };
	char text[PKT_ADDR_TEXT];

	CU_ASSERT_EQUAL(pkt_addr_parse(&guest.addr[0], "10.0.0.9", 8), 0);
	start(UP);
	CU_ASSERT_EQUAL(apply_guest(&apply, &guest), 1);
	settle();
	told[0] = '\0';
	reload("xen.gateway = 10.0.0.1\n" UP);
	CU_ASSERT(said("pairs0 +vif9.01! "));
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &apply.slot[1].fw.gateway4),
			       "10.0.0.1");
	reload("xen.gateway = 10.0.0.1\n" UP);
	CU_ASSERT(said("pairs0 "));
	stop();
}

static void a_new_data_process_is_told_of_profiles_first(void)
{
	start("profile = no-lan\n" UP WORK);
	settle();
	told[0] = '\0';
	connect_data();
	settle();
	CU_ASSERT(strstr(told, "profiles,1=0 ") == told);
	CU_ASSERT(strstr(told, "+work1 ") != NULL);
	stop();
}

/* Whose number is another's now is closed until data was told so. */
static void who_goes_leaves_its_profile_to_nobody(void)
{
	start("profile.use = work no-lan\n" UP WORK LAB);
	settle();
	told[0] = '\0';
	reload(P_LAN UP LAB);
	CU_ASSERT(said("profiles,1=closed pairs0 -client1 -port1 "));
	stop();
}

static void a_set_that_is_gone_by_then_leaves_the_profiles_of_before(void)
{
	char path[] = "/tmp/test_apply.XXXXXX", text[400];
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, "10.9.0.0/16", 11), 11);
	close(fd);
	start(P_LAN "profile = p\n" UP WORK);
	settle();
	told[0] = '\0';
	snprintf(text, sizeof(text),
		 P_LAN "set = s %s\nprofile.rule = q action=drop dst=s\n"
		       "profile = q\n" UP WORK,
		 path);
	settings(text);
	unlink(path);
	apply_conf(&apply, &conf);
	settle();
	CU_ASSERT(said("pairs0 +work1 "));
	CU_ASSERT_STRING_EQUAL(apply.slot[1].fw.profile, "q");
	CU_ASSERT(!apply_profile_ok(&apply, 1));
	reload(P_LAN "profile = p\n" UP WORK);
	CU_ASSERT(said("pairs0 +work1 "));
	CU_ASSERT(apply_profile_ok(&apply, 1));
	stop();
}

static void the_same_settings_change_nothing(void)
{
	start(UP WORK LAB);
	rules(R5, "action=accept");
	settle();
	told[0] = '\0';
	reload(UP WORK LAB);
	CU_ASSERT(said("pairs0 "));
	stop();
}

static void clients_come_and_go_and_keep_their_numbers(void)
{
	start(UP WORK LAB);
	rules(R5, "action=accept");
	settle();
	told[0] = '\0';
	reload(UP LAB "[client new]\nport = tap:n\nip = 10.0.0.9\n"
		      "mac = 00:16:3e:00:00:09\n");
	CU_ASSERT(said("pairs0 -client1 -port1 +port3 +new3 "));
	CU_ASSERT_EQUAL(apply_find(&apply, "lab", 3), 2);
	CU_ASSERT_EQUAL(apply_find(&apply, "work", 4), 0);
	reload(UP WORK LAB);
	CU_ASSERT(said("pairs0 +port1 -client3 -port3 +work1 "));
	/* its rules count from their next commit */
	CU_ASSERT_EQUAL(apply.slot[1].set[0].state, SET_NONE);
	rules(R5, "action=accept");
	settle();
	CU_ASSERT(said("rules1.4=1pass "));
	stop();
}

static void a_number_is_used_again_when_no_other_is_free(void)
{
	start("clients = 2\n" UP WORK LAB);
	settle();
	told[0] = '\0';
	reload("clients = 2\n" UP LAB "[client new]\nport = tap:n\n"
	       "ip = 10.0.0.9\nmac = 00:16:3e:00:00:09\n");
	CU_ASSERT(said("pairs0 -client1 -port1 +port1 +new1 "));
	stop();
}

static void another_port_is_another_place(void)
{
	start(UP WORK);
	rules(R5, "action=accept");
	settle();
	told[0] = '\0';
	reload(UP "[client work]\nport = tap:w2\nip = 10.0.0.5 fd00::5\n"
		  "mac = 00:16:3e:00:00:05\n");
	CU_ASSERT(said("pairs0 -client1 -port1 +port1 +work1 "
		       "rules1.4=1pass "));
	CU_ASSERT_STRING_EQUAL(opened_name, "w2");
	/* another size of packets needs the port told anew, not opened */
	opened = 0;
	reload(UP "[client work]\nport = tap:w2\nip = 10.0.0.5 fd00::5\n"
		  "mac = 00:16:3e:00:00:05\nmtu = 1400\n");
	CU_ASSERT(said("pairs0 -client1 -port1 +port1 +work1 "
		       "rules1.4=1pass "));
	CU_ASSERT_EQUAL(opened, 0);
	stop();
}

static void another_address_has_other_rules(void)
{
	start(UP WORK);
	rules(R5, "action=accept");
	settle();
	told[0] = '\0';
	reload(UP "[client work]\nport = tap:w\nip = 10.0.0.8 fd00::5\n"
		  "mac = 00:16:3e:00:00:05\n");
	CU_ASSERT(said("pairs0 +work1 rules1.4=0 "));
	CU_ASSERT_STRING_EQUAL(apply.slot[1].key[0], "10.0.0.8");
	rules("/qubes-firewall/10.0.0.8", "action=accept");
	settle();
	CU_ASSERT(said("rules1.4=1pass "));
	stop();
}

static void a_changed_address_keeps_the_client_a_changed_quota_does_not(void)
{
	start(UP WORK);
	rules(R5, "action=accept");
	settle();
	told[0] = '\0';
	reload(UP "[client work]\nport = tap:w\nip = 10.0.0.5 fd00::6\n"
		  "mac = 00:16:3e:00:00:05\n");
	CU_ASSERT(said("pairs0 +work1 "));
	reload(UP "[client work]\nport = tap:w\nip = 10.0.0.5 fd00::6\n"
		  "mac = 00:16:3e:00:00:05\nflows = 7\n");
	CU_ASSERT(said("pairs0 -client1 +work1 rules1.4=1pass "));
	stop();
}

static void another_uplink_address_is_told(void)
{
	start(UP WORK);
	settle();
	told[0] = '\0';
	reload("rules = /r\nuplink.port = tap:up\n"
	       "uplink.ip = 192.0.2.77/24\n" WORK);
	/* which is the client's gateway, too */
	CU_ASSERT(said("pairs0 uplink+ +work1 "));
	stop();
}

/* Is the next hop of what is not on the link that, and the link this? */
static bool routes(const char *gateway, const char *net)
{
	char is[PKT_ADDR_TEXT] = "none", on[PKT_ADDR_TEXT + 4] = "none";
	static const struct pkt_prefix none;

	if (!pkt_addr_is_zero(&apply.uplink.gateway4))
		pkt_addr_print(is, &apply.uplink.gateway4);
	if (memcmp(&apply.uplink.net4, &none, sizeof(none)) != 0)
		pkt_prefix_print(on, &apply.uplink.net4);
	if (!strcmp(is, gateway) && !strcmp(on, net))
		return true;
	fprintf(stderr, "next hop %s, link %s\n", is, on);
	return false;
}

#define TO_UP "rules = /r\nuplink.port = tap:up\n"
#define NOWHERE "uplink.default-route = no\n"

static void without_a_default_route_the_link_is_all_there_is(void)
{
	start(TO_UP "uplink.ip = 192.0.2.2/24\n"
		    "uplink.gateway = 192.0.2.1\n" WORK);
	settle();
	CU_ASSERT(routes("192.0.2.1", "192.0.2.2/24"));
	reload(TO_UP NOWHERE "uplink.ip = 192.0.2.2/24\n"
			     "uplink.gateway = 192.0.2.1\n" WORK);
	CU_ASSERT(routes("none", "192.0.2.2/24"));
	/* point to point: that is its other end */
	reload(TO_UP NOWHERE "uplink.ip = 192.0.2.2\n"
			     "uplink.gateway = 192.0.2.1\n" WORK);
	CU_ASSERT(routes("none", "192.0.2.1/32"));
	/* ... if it is known */
	reload(TO_UP NOWHERE "uplink.ip = 192.0.2.2\n" WORK);
	CU_ASSERT(routes("none", "none"));
	stop();
}

static void rules_may_become_needless_and_needed_again(void)
{
	start(UP WORK);
	rules(R5, "action=drop");
	settle();
	told[0] = '\0';
	reload(UP WORK "rules = accept\n");
	CU_ASSERT(said("pairs0 rules1.4=0pass rules1.6=0pass "));
	reload(UP WORK);
	CU_ASSERT(said("pairs0 rules1.4=0 rules1.6=0 "));
	stop();
}

/* ---- questions ------------------------------------------------------------*/

static void questions_are_answered_or_fail(void)
{
	start(UP WORK);
	settle();
	CU_ASSERT_EQUAL(apply_ask(&apply, MSG_USAGE, NULL, 77), 0);
	settle();
	CU_ASSERT_EQUAL(answers, 1);
	CU_ASSERT_EQUAL(answered_cookie, 77);
	CU_ASSERT_EQUAL(answered_type, MSG_USAGE_PAGE);
	/* data goes away before it answers */
	CU_ASSERT_EQUAL(apply_ask(&apply, MSG_USAGE, NULL, 78), 0);
	close(data);
	data = -1;
	apply_receive(&apply, now);
	CU_ASSERT_EQUAL(answers, 2);
	CU_ASSERT_EQUAL(answered_cookie, 78);
	CU_ASSERT_EQUAL(answered_type, 0);
	CU_ASSERT_EQUAL(apply_ask(&apply, MSG_USAGE, NULL, 79), -ENOTCONN);
	stop();
}

static void more_questions_than_the_window_holds_must_wait(void)
{
	start(UP WORK);
	settle();
	for (uint32_t i = 0; i < APPLY_WINDOW; i++)
		CU_ASSERT_EQUAL(apply_ask(&apply, MSG_USAGE, NULL, i), 0);
	CU_ASSERT_EQUAL(apply_ask(&apply, MSG_USAGE, NULL, 99), -EAGAIN);
	/* changes wait, too, and are not lost */
	rules(R5, "action=accept");
	(void)apply_work(&apply, now);
	settle();
	CU_ASSERT_EQUAL(answers, (int)APPLY_WINDOW);
	CU_ASSERT(!!strstr(told, "rules1.4=1pass "));
	CU_ASSERT_EQUAL(apply_ask(&apply, MSG_USAGE, NULL, 99), 0);
	stop();
}

static void nonsense_from_data_ends_the_conversation(void)
{
	static const struct msg_done done = { .err = 0 };
	static const struct msg_usage_page page;

	start(UP WORK);
	settle();
	/* an answer to nothing */
	CU_ASSERT_EQUAL(msg_send(data, MSG_DONE, 4711, &done, -1), 0);
	apply_receive(&apply, now);
	CU_ASSERT_EQUAL(apply.sock, -1);
	CU_ASSERT(apply.broken);
	/* a page that nobody asked for */
	connect_data();
	(void)apply_work(&apply, now);
	CU_ASSERT_EQUAL(msg_send(data, MSG_USAGE_PAGE,
				 apply.wait[apply.wait_at].seq, &page, -1),
			0);
	apply_receive(&apply, now);
	CU_ASSERT_EQUAL(apply.sock, -1);
	/* no message at all */
	connect_data();
	CU_ASSERT_EQUAL(send(data, "x", 1, MSG_NOSIGNAL), 1);
	apply_receive(&apply, now);
	CU_ASSERT_EQUAL(apply.sock, -1);
	stop();
}

static void addresses_lead_to_clients(void)
{
	struct pkt_addr a;

	start(UP WORK LAB);
	CU_ASSERT_EQUAL(pkt_addr_parse(&a, "fd00::5", 7), 0);
	CU_ASSERT_EQUAL(apply_find_addr(&apply, &a), 1);
	CU_ASSERT_EQUAL(pkt_addr_parse(&a, "10.1.2.3", 8), 0);
	CU_ASSERT_EQUAL(apply_find_addr(&apply, &a), 2);
	CU_ASSERT_EQUAL(pkt_addr_parse(&a, "10.2.2.3", 8), 0);
	CU_ASSERT_EQUAL(apply_find_addr(&apply, &a), 0);
	stop();
}

#define MAPPED "/mapped-ip/10.0.0.5/"

static void a_client_may_know_itself_and_us_otherwise(void)
{
	start(UP WORK);
	rules(R5, "action=accept");
	settle();
	told[0] = '\0';
	/* as dom0 writes them for everybody */
	key(MAPPED "visible-ip", "10.0.0.5");
	key(MAPPED "visible-gateway", "192.0.2.2");
	settle();
	CU_ASSERT(said(""));
	key(MAPPED "visible-gateway", "192.168.7.1");
	key(MAPPED "visible-ip", "192.168.7.5");
	settle();
	CU_ASSERT(said("+work1 as192.168.7.5/192.168.7.1,1 "));
	key("/mapped-ip/10.0.0.50/visible-ip", "192.168.7.6");
	key("/mapped-ip/10.0.0/visible-ip", "192.168.7.6");
	key(MAPPED "visible-ip", "192.168.7.5");
	settle();
	CU_ASSERT(said(""));
	tree_remove(tree, MAPPED "visible-gateway");
	settle();
	CU_ASSERT(said("+work1 "));
	key(MAPPED "visible-gateway", "192.168.7.9");
	settle();
	CU_ASSERT(said("+work1 as192.168.7.5/192.168.7.9,1 "));
	tree_remove(tree, "/mapped-ip/");
	settle();
	CU_ASSERT(said("+work1 "));
	stop();
}

static void what_it_knows_is_known_before_it_comes(void)
{
	start(UP);
	key(MAPPED "visible-ip", "192.168.7.5");
	key(MAPPED "visible-gateway", "192.168.7.1");
	settings(UP WORK);
	apply_conf(&apply, &conf);
	rules(R5, "action=accept");
	now = mono_add_ms(now, APPLY_REOPEN_MS);
	settle();
	CU_ASSERT_PTR_NOT_NULL(
		strstr(told, "+work1 as192.168.7.5/192.168.7.1,1 "));
	stop();
}

static void what_is_no_ipv4_address_is_none_it_could_know(void)
{
	static const char *const value[] = { "", "fd00::9", "elephant",
					     "192.168.7.5 192.168.7.6" };

	start(UP WORK);
	key(MAPPED "visible-gateway", "192.168.7.1");
	settle();
	told[0] = '\0';
	for (size_t i = 0; i < sizeof(value) / sizeof(value[0]); i++)
		key(MAPPED "visible-ip", value[i]);
	settle();
	CU_ASSERT(said(""));
	stop();
}

UNIT_SUITE(apply, UNIT(guests_are_told_of_another_address_of_ours),
	   UNIT(a_client_may_know_itself_and_us_otherwise),
	   UNIT(what_it_knows_is_known_before_it_comes),
	   UNIT(what_is_no_ipv4_address_is_none_it_could_know),
	   UNIT(data_is_told_everything_in_an_order_that_works),
	   UNIT(nothing_is_told_twice), UNIT(R122_a_commit_is_one_message),
	   UNIT(R124_equal_rules_are_not_sent_again),
	   UNIT(rules_that_data_still_uses_are_freed_here_and_not_there),
	   UNIT(R120_bad_rules_close_their_client_and_no_other),
	   UNIT(a_removed_set_closes), UNIT(sets_of_nobody_are_passed_over),
	   UNIT(a_new_data_process_is_told_everything_again),
	   UNIT(changes_while_there_is_no_data_are_not_lost),
	   UNIT(openings_come_from_settings_and_from_the_tree),
	   UNIT(an_opening_that_is_none_opens_nothing_and_hurts_no_other),
	   UNIT(there_are_no_more_openings_than_data_takes),
	   UNIT(a_new_data_process_is_told_of_openings),
	   UNIT(profiles_come_with_whose_they_are),
	   UNIT(a_new_data_process_is_told_of_profiles_first),
	   UNIT(who_goes_leaves_its_profile_to_nobody),
	   UNIT(a_set_that_is_gone_by_then_leaves_the_profiles_of_before),
	   UNIT(the_guard_is_the_union_of_both_lists),
	   UNIT(a_busy_number_is_tried_again_soon),
	   UNIT(a_client_that_data_refuses_is_stuck_but_holds_up_nobody),
	   UNIT(rules_that_data_refuses_close_the_client),
	   UNIT(a_port_that_breaks_is_opened_again),
	   UNIT(a_port_that_data_refuses_is_tried_again_later),
	   UNIT(a_missing_port_is_named),
	   UNIT(the_same_settings_change_nothing),
	   UNIT(clients_come_and_go_and_keep_their_numbers),
	   UNIT(a_number_is_used_again_when_no_other_is_free),
	   UNIT(another_port_is_another_place),
	   UNIT(another_address_has_other_rules),
	   UNIT(a_changed_address_keeps_the_client_a_changed_quota_does_not),
	   UNIT(another_uplink_address_is_told),
	   UNIT(without_a_default_route_the_link_is_all_there_is),
	   UNIT(rules_may_become_needless_and_needed_again),
	   UNIT(questions_are_answered_or_fail),
	   UNIT(more_questions_than_the_window_holds_must_wait),
	   UNIT(nonsense_from_data_ends_the_conversation),
	   UNIT(addresses_lead_to_clients))
