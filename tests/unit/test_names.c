/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host names from the rules in the tree to the sets in force, with a resolver
 * that answers what each test says.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/control/apply/apply_part.h"
#include "firewall/control/names/names.h"
#include "mock/dns_msg.h"
#include "packet/pkt_verdict.h"
#include "unit.h"

#define WORK "/qubes-firewall/10.0.0.5"
#define NAS "/qubes-firewall/10.0.0.6"
#define WORK6 "/qubes-firewall/fd00::5"

static const char settings[] =
	"rules = /r\nclients = 8\nuplink.port = packet:eth0\nuplink.ip = "
	"192.0.2.2/24\n"
	"uplink.gateway = 192.0.2.1\n"
	"[client work]\nport = tap:w\nip = 10.0.0.5 fd00::5\n"
	"mac = 00:16:3e:00:00:05\ngateway = 10.0.0.1\n"
	"[client nas]\nport = tap:n\nip = 10.0.0.6\n"
	"mac = 00:16:3e:00:00:06\ngateway = 10.0.0.1\n";

static struct conf conf;
static struct conf_errors errors;
static struct apply apply;
static struct tree *tree;
static struct names names;
static struct mono now;

static char asked[8192], published[4096];
static bool deaf; /* can't be asked now */

static bool ask(void *ctx, const char *name, enum rule_family family)
{
	(void)ctx;
	if (deaf)
		return false;
	snprintf(asked + strlen(asked), sizeof(asked) - strlen(asked), "%s%c ",
		 name, family == RULE_IP4 ? '4' : '6');
	return true;
}

static void publish(void *ctx, const char *path, const char *value)
{
	(void)ctx;
	CU_ASSERT(strlen(path) <= 63);
	snprintf(published + strlen(published),
		 sizeof(published) - strlen(published), "%s=%s;", path,
		 value ? value : "-");
}

static const struct names_ops names_ops = { .ask = ask, .publish = publish };
static int no_port(void *ctx, const struct conf_port *p, struct link *l)
{
	(void)ctx;
	(void)p;
	(void)l;
	return -ENODEV;
}

static const struct apply_ops apply_ops = { .open_port = no_port };

static void start_with(const char *more)
{
	static char text[2048];

	snprintf(text, sizeof(text), "%s%s", more, settings);
	memset(&errors, 0, sizeof(errors));
	conf_default(&conf);
	conf_read_text(&conf, "test", text, strlen(text), &errors);
	conf_check(&conf, CONF_RUN, &errors);
	CU_ASSERT_STRING_EQUAL(errors.text, "");
	apply_init(&apply, &conf, &apply_ops);
	tree = tree_new(32u << 20, apply_tree_changed, &apply);
	CU_ASSERT_FATAL(tree != NULL);
	apply.tree = tree;
	CU_ASSERT_EQUAL(names_open(&names, &apply, &names_ops), 0);
	now.ns = 5000 * MONO_S;
	asked[0] = published[0] = '\0';
	deaf = false;
}

static void start(void)
{
	start_with("");
}

static void stop(void)
{
	names_close(&names);
	apply_fini(&apply);
	tree_free(tree);
}

static void put(const char *path, const char *value)
{
	CU_ASSERT_EQUAL(tree_write(tree, path, value, strlen(value)), 0);
}

static void work_after(uint64_t ms)
{
	now = mono_add_ms(now, ms);
	(void)names_work(&names, now);
}

static void answer(const char *name, const struct dns_msg *m,
		   enum rule_family family)
{
	const struct names_reply r = { .msg = m->b, .len = m->len };

	names_answer(&names, name, family, &r, now);
}

/* The name has these addresses, by their family. */
static void has(const char *name, const char *a, const char *b)
{
	bool six = strchr(a, ':');
	struct dns_msg m;

	dns_msg_begin(&m, 1, DNS_MSG_ANSWER, name,
		      six ? PKT_DNS_AAAA : PKT_DNS_A);
	dns_msg_addr(&m, name, 60, a);
	if (b)
		dns_msg_addr(&m, name, 60, b);
	answer(name, &m, six ? RULE_IP6 : RULE_IP4);
}

static bool passes(uint16_t n, const char *addr, uint16_t port)
{
	struct rule_query q = { .proto = 6, .dport = port };

	CU_ASSERT_EQUAL(pkt_addr_parse(&q.dst, addr, strlen(addr)), 0);
	return ruleset_eval(apply.slot[n].set[strchr(addr, ':') ? 1 : 0].built,
			    &q)
		       .action == RULE_ACCEPT;
}

static uint16_t work, nas;

static void rules(const char *key, const char *policy, const char *a,
		  const char *b)
{
	char path[80];

	work = apply_find(&apply, "work", 4);
	nas = apply_find(&apply, "nas", 3);
	snprintf(path, sizeof(path), "%s/policy", key);
	put(path, policy);
	snprintf(path, sizeof(path), "%s/0000", key);
	put(path, a);
	snprintf(path, sizeof(path), "%s/0001", key);
	put(path, b);
	put(key, "");
	work_after(1);
}

static void told(uint16_t n, const char *name, const char *addr, uint16_t flags)
{
	struct fw_dns_msg m = { .client = n };
	struct dns_msg d;

	dns_msg_begin(&d, 1, flags, name,
		      strchr(addr, ':') ? PKT_DNS_AAAA : PKT_DNS_A);
	dns_msg_addr(&d, name, 60, addr);
	m.len = (uint16_t)d.len;
	memcpy(m.msg, d.b, d.len);
	names_seen(&names, &m, now);
	work_after(1000);
}

static void N6_an_unresolved_accept_matches_nothing_and_the_rest_works(void)
{
	start();
	rules(WORK, "drop", "action=accept dsthost=a.test",
	      "action=accept dst4=198.51.100.1/32");
	CU_ASSERT_STRING_EQUAL(asked, "a.test4 a.test6 ");
	CU_ASSERT(!passes(work, "192.0.2.9", 80));
	CU_ASSERT(passes(work, "198.51.100.1", 80));
	has("a.test", "192.0.2.9", NULL);
	work_after(1);
	CU_ASSERT(passes(work, "192.0.2.9", 80));
	CU_ASSERT(!passes(work, "192.0.2.8", 80));
	CU_ASSERT(passes(work, "198.51.100.1", 80));
	stop();
}

static void N6_an_unresolved_drop_closes_for_what_reaches_it(void)
{
	start();
	rules(WORK, "accept", "action=accept dst4=198.51.100.1/32",
	      "action=drop dsthost=a.test proto=tcp dstports=80-80");
	CU_ASSERT(passes(work, "198.51.100.1", 80));
	CU_ASSERT(!passes(work, "192.0.2.9", 80));
	CU_ASSERT(passes(work, "192.0.2.9", 81));
	has("a.test", "192.0.2.9", NULL);
	work_after(1);
	CU_ASSERT(!passes(work, "192.0.2.9", 80));
	CU_ASSERT(passes(work, "192.0.2.8", 80));
	stop();
}

static void N6_an_answer_that_was_cut_short_leaves_a_drop_closed(void)
{
	struct dns_msg m;

	start();
	rules(WORK, "accept", "action=drop dsthost=a.test",
	      "action=drop dst4=198.51.100.1/32");
	rules(NAS, "drop", "action=accept dsthost=a.test", "action=drop");
	dns_msg_begin(&m, 1, DNS_MSG_ANSWER | DNS_MSG_TRUNCATED, "a.test",
		      PKT_DNS_A);
	dns_msg_addr(&m, "a.test", 60, "192.0.2.9");
	answer("a.test", &m, RULE_IP4);
	work_after(1000);
	CU_ASSERT(!passes(work, "192.0.2.9", 80));
	CU_ASSERT(!passes(work, "192.0.2.8", 80)); /* may be another one */
	CU_ASSERT(passes(nas, "192.0.2.9", 80));
	CU_ASSERT(!passes(nas, "192.0.2.8", 80));
	has("a.test", "192.0.2.9", NULL);
	work_after(1000);
	CU_ASSERT(!passes(work, "192.0.2.9", 80));
	CU_ASSERT(passes(work, "192.0.2.8", 80));
	/* what only a client was told so, closes for that client alone */
	told(work, "a.test", "192.0.2.7", DNS_MSG_ANSWER | DNS_MSG_TRUNCATED);
	CU_ASSERT(!passes(work, "192.0.2.8", 80));
	CU_ASSERT(!passes(nas, "192.0.2.7", 80));
	stop();
}

static void N6_a_setting_lets_an_unresolved_drop_pass(void)
{
	start_with("names.unresolved-drop = pass\n");
	rules(WORK, "accept", "action=drop dsthost=a.test",
	      "action=drop dst4=198.51.100.1/32");
	CU_ASSERT(passes(work, "192.0.2.9", 80));
	CU_ASSERT(!passes(work, "198.51.100.1", 80));
	stop();
}

static void each_family_has_its_own_addresses(void)
{
	start();
	rules(WORK, "drop", "action=accept dsthost=a.test",
	      "action=accept dsthost=b.test");
	rules(WORK6, "drop", "action=accept dsthost=a.test",
	      "action=drop dsthost=b.test");
	has("a.test", "192.0.2.9", "192.0.2.10");
	has("a.test", "2001:db8::9", NULL);
	work_after(1);
	CU_ASSERT(passes(work, "192.0.2.10", 80));
	CU_ASSERT(passes(work, "2001:db8::9", 80));
	CU_ASSERT(!passes(work, "2001:db8::8", 80));
	stop();
}

static void what_is_not_committed_does_not_come_into_force(void)
{
	start();
	rules(WORK, "drop", "action=accept dsthost=a.test",
	      "action=drop dst4=192.0.2.9/32");
	put(WORK "/0001", "action=accept");
	put(WORK "/policy", "accept");
	has("a.test", "192.0.2.8", NULL);
	work_after(1);
	CU_ASSERT(passes(work, "192.0.2.8", 80));
	CU_ASSERT(!passes(work, "192.0.2.9", 80));
	CU_ASSERT(!passes(work, "192.0.2.7", 80));
	stop();
}

static void a_name_that_is_known_holds_from_the_commit_on(void)
{
	start();
	rules(WORK, "drop", "action=accept dsthost=a.test",
	      "action=accept dsthost=b.test");
	has("a.test", "192.0.2.8", NULL);
	work_after(1);
	put(WORK "/0002", "action=accept dst4=198.51.100.1/32");
	put(WORK, "");
	CU_ASSERT(passes(work, "192.0.2.8", 80));
	CU_ASSERT(passes(work, "198.51.100.1", 80));
	/* for another client, too */
	rules(NAS, "drop", "action=accept dsthost=a.test", "action=drop");
	CU_ASSERT(passes(nas, "192.0.2.8", 80));
	stop();
}

static const struct {
	const char *what;
	uint16_t flags;
	const char *name;
	uint16_t type;
} bad_reply[] = {
	{ "a failure", DNS_MSG_ANSWER | 2, "a.test", PKT_DNS_A },
	{ "refused", DNS_MSG_ANSWER | 5, "a.test", PKT_DNS_A },
	{ "no such name", DNS_MSG_ANSWER | 3, "a.test", PKT_DNS_A },
	{ "no answer", DNS_MSG_QUERY, "a.test", PKT_DNS_A },
	{ "another name", DNS_MSG_ANSWER, "b.test", PKT_DNS_A },
	{ "another type", DNS_MSG_ANSWER, "a.test", PKT_DNS_AAAA },
};

static void answers_to_something_else_open_nothing(void)
{
	start();
	rules(WORK, "drop", "action=accept dsthost=a.test", "action=drop");
	for (size_t i = 0; i < sizeof(bad_reply) / sizeof(bad_reply[0]); i++) {
		struct dns_msg m;

		dns_msg_begin(&m, 1, bad_reply[i].flags, bad_reply[i].name,
			      bad_reply[i].type);
		dns_msg_addr(&m, "a.test", 60, "192.0.2.9");
		dns_msg_addr(&m, "b.test", 60, "192.0.2.9");
		answer("a.test", &m, RULE_IP4);
		work_after(1000);
		CU_ASSERT(!passes(work, "192.0.2.9", 80));
	}
	names_answer(&names, "a.test", RULE_IP4, &(struct names_reply){ 0 },
		     now);
	has("unheard.test", "192.0.2.9", NULL);
	work_after(1000);
	CU_ASSERT(!passes(work, "192.0.2.9", 80));
	stop();
}

static void changes_of_one_client_are_gathered(void)
{
	const void *built;
	struct mono next;

	start();
	rules(WORK, "drop", "action=accept dsthost=a.test",
	      "action=accept dsthost=b.test");
	has("a.test", "192.0.2.1", NULL);
	work_after(1);
	built = apply.slot[work].set[0].built;
	for (int i = 0; i < 9; i++) {
		char text[32];

		snprintf(text, sizeof(text), "192.0.2.1%d", i);
		has("b.test", text, NULL);
		next = names_work(&names, now);
		CU_ASSERT_EQUAL(next.ns,
				now.ns + (NAMES_PAUSE_MS - (uint32_t)i) *
						 MONO_MS);
		CU_ASSERT_PTR_EQUAL(apply.slot[work].set[0].built, built);
		work_after(1);
	}
	work_after(NAMES_PAUSE_MS);
	CU_ASSERT(passes(work, "192.0.2.10", 80));
	CU_ASSERT(passes(work, "192.0.2.18", 80));
	stop();
}

static void a_large_set_is_built_again_less_often(void)
{
	char path[80], rule[80];

	start();
	for (int i = 2; i < 5000; i++) {
		snprintf(path, sizeof(path), WORK "/%04d", i);
		snprintf(rule, sizeof(rule), "action=drop dst4=10.%d.%d.0/24",
			 i >> 8, i & 255);
		put(path, rule);
	}
	rules(WORK, "drop", "action=accept dsthost=a.test",
	      "action=accept dsthost=b.test");
	has("a.test", "192.0.2.1", NULL);
	work_after(1);
	CU_ASSERT(passes(work, "192.0.2.1", 80));
	has("b.test", "192.0.2.2", NULL);
	work_after(NAMES_PAUSE_MS + 5000 / NAMES_PAUSE_RULES - 1);
	CU_ASSERT(!passes(work, "192.0.2.2", 80));
	work_after(1);
	CU_ASSERT(passes(work, "192.0.2.2", 80));
	stop();
}

static void questions_that_can_t_be_asked_now_are_asked_soon(void)
{
	struct mono next;

	start();
	deaf = true;
	rules(WORK, "drop", "action=accept dsthost=a.test", "action=drop");
	CU_ASSERT_STRING_EQUAL(asked, "");
	next = names_work(&names, now);
	CU_ASSERT(next.ns > now.ns && next.ns <= now.ns + MONO_S);
	deaf = false;
	work_after(200);
	CU_ASSERT_STRING_EQUAL(asked, "a.test4 a.test6 ");
	stop();
}

static void N6_failures_are_repeated_when_the_uplink_returns(void)
{
	start();
	rules(WORK, "drop", "action=accept dsthost=a.test", "action=drop");
	for (int i = 0; i < 8; i++) {
		names_answer(&names, "a.test", RULE_IP4,
			     &(struct names_reply){ 0 }, now);
		names_answer(&names, "a.test", RULE_IP6,
			     &(struct names_reply){ 0 }, now);
		work_after(128000);
	}
	names_answer(&names, "a.test", RULE_IP4, &(struct names_reply){ 0 },
		     now);
	asked[0] = '\0';
	work_after(1);
	CU_ASSERT_STRING_EQUAL(asked, "");
	apply.slot[0].told = apply.slot[0].port_told = true;
	work_after(1);
	CU_ASSERT_STRING_EQUAL(asked, "a.test4 ");
	asked[0] = '\0';
	work_after(1);
	CU_ASSERT_STRING_EQUAL(asked, "");
	stop();
}

static void N6_what_is_known_is_published_where_it_fits(void)
{
	start();
	rules(WORK, "drop", "action=accept dsthost=a.test",
	      "action=accept dsthost="
	      "a-name-that-is-too-long-for-a-key-of-qubesdb.example.org");
	published[0] = '\0';
	has("a-name-that-is-too-long-for-a-key-of-qubesdb.example.org",
	    "192.0.2.3", NULL);
	has("a.test", "192.0.2.1", "192.0.2.2");
	work_after(1);
	CU_ASSERT_STRING_EQUAL(published,
			       "/dns/10.0.0.5/=-;"
			       "/dns/10.0.0.5/a.test=192.0.2.1 192.0.2.2;"
			       "/dns/fd00::5/=-;");
	published[0] = '\0';
	rules(WORK, "drop", "action=accept", "action=drop");
	CU_ASSERT_STRING_EQUAL(published, "/dns/10.0.0.5/=-;/dns/fd00::5/=-;");
	stop();
}

static void names_that_go_while_a_change_waits_are_withdrawn(void)
{
	start();
	rules(WORK, "drop", "action=accept dsthost=a.test", "action=drop");
	has("a.test", "192.0.2.1", NULL);
	work_after(1);
	has("a.test", "192.0.2.2", NULL);
	published[0] = '\0';
	rules(WORK, "drop", "action=accept", "action=drop");
	work_after(NAMES_PAUSE_MS);
	CU_ASSERT_STRING_EQUAL(published, "/dns/10.0.0.5/=-;/dns/fd00::5/=-;");
	stop();
}

static void what_was_published_of_a_client_that_goes_is_taken_back(void)
{
	start();
	rules(WORK, "drop", "action=accept dsthost=a.test", "action=drop");
	has("a.test", "192.0.2.1", NULL);
	work_after(1);
	/* its sets wait to be built again when it goes */
	has("a.test", "192.0.2.2", NULL);
	work_after(1);
	apply_drop(&apply, work);
	published[0] = '\0';
	work_after(1000);
	CU_ASSERT_STRING_EQUAL(published, "/dns/10.0.0.5/=-;/dns/fd00::5/=-;");
	stop();
}

/* Client @n was told that @name has @addr. */
/* What data hears, answering each: R rules, P an answer that passes. */
static int data[2];

static const char *heard(void)
{
	static char text[64];
	size_t n = 0;
	struct msg m;

	memset(text, 0, sizeof(text));
	for (int idle = 0; idle < 2; idle++) {
		(void)names_work(&names, now);
		(void)apply_work(&apply, now);
		while (!msg_recv(data[1], MSG_TO_DATA, &m)) {
			const struct msg_done done = { .err = 0 };

			idle = -1;
			if (m.fd >= 0)
				close(m.fd);
			if (m.hdr.type == MSG_RULES)
				text[n++] = 'R';
			if (m.hdr.type == MSG_DNS_PASS)
				n += (size_t)sprintf(text + n, "P%u.%u ",
						     m.body.dns_pass.n,
						     m.body.dns_pass.ask);
			CU_ASSERT_EQUAL(msg_send(data[1], MSG_DONE, m.hdr.seq,
						 &done, -1),
					0);
			apply_receive(&apply, now);
		}
	}
	return text;
}

static void is_told(uint32_t ask_no, const char *addr)
{
	struct fw_dns_msg m = { .client = work, .ask = ask_no };
	struct dns_msg d;

	dns_msg_begin(&d, 1, DNS_MSG_ANSWER, "a.test", PKT_DNS_A);
	dns_msg_addr(&d, "a.test", 60, addr);
	m.len = (uint16_t)d.len;
	memcpy(m.msg, d.b, d.len);
	names_seen(&names, &m, now);
}

static void N6_a_client_is_told_after_its_rules_were_changed(void)
{
	char want[32];

	start();
	rules(WORK, "drop", "action=accept dsthost=a.test", "action=drop");
	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, data),
		0);
	apply_data(&apply, data[0]);
	CU_ASSERT_PTR_NOT_NULL(strchr(heard(), 'R'));
	now = mono_add_ms(now, 1000);
	is_told(8, "192.0.2.9");
	sprintf(want, "RP%u.8 ", work);
	CU_ASSERT_STRING_EQUAL(heard(), want);
	CU_ASSERT(passes(work, "192.0.2.9", 80));
	/* nothing new: at once */
	is_told(9, "192.0.2.9");
	sprintf(want, "P%u.9 ", work);
	CU_ASSERT_STRING_EQUAL(heard(), want);
	/* its rules were changed a moment ago: it waits for the next time */
	is_told(10, "192.0.2.10");
	is_told(11, "192.0.2.11");
	CU_ASSERT_STRING_EQUAL(heard(), "");
	now = mono_add_ms(now, NAMES_PAUSE_MS + 1);
	sprintf(want, "RP%u.11 ", work);
	CU_ASSERT_STRING_EQUAL(heard(), want);
	/* and without data nobody waits for ever */
	apply_data_lost(&apply, false);
	is_told(12, "192.0.2.10");
	(void)names_work(&names, now);
	CU_ASSERT(!names.client[work].waits);
	close(data[1]);
	stop();
}

static void N6_what_a_client_is_told_opens_for_it_alone(void)
{
	start();
	rules(WORK, "drop", "action=accept dsthost=a.test", "action=drop");
	rules(NAS, "drop", "action=accept dsthost=a.test", "action=drop");
	told(work, "A.test", "192.0.2.9", DNS_MSG_ANSWER);
	CU_ASSERT(passes(work, "192.0.2.9", 80));
	CU_ASSERT(!passes(nas, "192.0.2.9", 80));
	stop();
}

static void N6_what_a_client_is_told_opens_nothing_else(void)
{
	start();
	rules(WORK, "drop", "action=accept dsthost=a.test", "action=drop");
	told(work, "b.test", "192.0.2.9", DNS_MSG_ANSWER);
	told(work, "a.test", "192.0.2.9", DNS_MSG_QUERY);
	told(work, "a.test", "192.0.2.9", DNS_MSG_ANSWER | 3);
	told(0, "a.test", "192.0.2.9", DNS_MSG_ANSWER);
	told(nas, "a.test", "192.0.2.9", DNS_MSG_ANSWER);
	names_seen(&names, &(struct fw_dns_msg){ .client = work, .len = 9 },
		   now);
	work_after(1000);
	CU_ASSERT(!passes(work, "192.0.2.9", 80));
	stop();
}

static void N6_a_setting_ignores_what_clients_are_told(void)
{
	start_with("names.answers = off\n");
	rules(WORK, "drop", "action=accept dsthost=a.test", "action=drop");
	CU_ASSERT_EQUAL(apply.dns.watch[0], 0);
	told(work, "a.test", "192.0.2.9", DNS_MSG_ANSWER);
	CU_ASSERT(!passes(work, "192.0.2.9", 80));
	stop();
}

static void N6_switched_off_what_clients_were_told_counts_no_more(void)
{
	start();
	rules(WORK, "drop", "action=accept dsthost=a.test", "action=drop");
	has("a.test", "192.0.2.8", NULL);
	told(work, "a.test", "192.0.2.9", DNS_MSG_ANSWER);
	CU_ASSERT(passes(work, "192.0.2.9", 80));
	conf.names.answers = false;
	apply_conf(&apply, &conf);
	names_conf(&names, now);
	work_after(1000);
	CU_ASSERT(!passes(work, "192.0.2.9", 80));
	CU_ASSERT(passes(work, "192.0.2.8", 80));
	stop();
}

static void data_watches_who_has_names_in_its_rules(void)
{
	start();
	rules(WORK, "drop", "action=accept dsthost=a.test", "action=drop");
	rules(NAS, "drop", "action=accept", "action=drop");
	CU_ASSERT_EQUAL(apply.dns.watch[work / 8], 1u << work % 8);
	rules(WORK, "drop", "action=accept", "action=drop");
	CU_ASSERT_EQUAL(apply.dns.watch[work / 8], 0);
	stop();
}

static void name_servers_are_those_of_the_settings(void)
{
	struct pkt_addr virt;

	start_with("dns = 198.51.100.53\ndns.virtual = 10.139.1.1\n");
	rules(WORK, "drop", "action=accept specialtarget=dns", "action=drop");
	CU_ASSERT(passes(work, "198.51.100.53", 53));
	CU_ASSERT(passes(work, "10.139.1.1", 53));
	CU_ASSERT(!passes(work, "10.139.1.1", 54));
	CU_ASSERT(!passes(work, "192.0.2.53", 53));
	CU_ASSERT_EQUAL(apply.dns.virt_n, 1);
	CU_ASSERT_EQUAL(pkt_addr_parse(&virt, "10.139.1.1", 10), 0);
	CU_ASSERT(pkt_addr_eq(&apply.dns.virt[0], &virt));
	stop();
}

static void switched_off_nothing_is_asked(void)
{
	start_with("names = off\n");
	rules(WORK, "drop", "action=accept dsthost=a.test", "action=drop");
	CU_ASSERT_STRING_EQUAL(asked, "");
	has("a.test", "192.0.2.1", NULL);
	work_after(1);
	CU_ASSERT(!passes(work, "192.0.2.1", 80));
	stop();
}

static void names_of_a_client_that_goes_are_not_asked_for(void)
{
	start();
	rules(WORK, "drop", "action=accept dsthost=a.test", "action=drop");
	has("a.test", "192.0.2.1", NULL);
	apply_drop(&apply, work);
	asked[0] = '\0';
	work_after(3600 * 1000);
	CU_ASSERT_STRING_EQUAL(asked, "");
	stop();
}

UNIT_SUITE(names,
	   UNIT(N6_an_unresolved_accept_matches_nothing_and_the_rest_works),
	   UNIT(N6_an_unresolved_drop_closes_for_what_reaches_it),
	   UNIT(N6_an_answer_that_was_cut_short_leaves_a_drop_closed),
	   UNIT(N6_a_setting_lets_an_unresolved_drop_pass),
	   UNIT(each_family_has_its_own_addresses),
	   UNIT(what_is_not_committed_does_not_come_into_force),
	   UNIT(a_name_that_is_known_holds_from_the_commit_on),
	   UNIT(answers_to_something_else_open_nothing),
	   UNIT(changes_of_one_client_are_gathered),
	   UNIT(a_large_set_is_built_again_less_often),
	   UNIT(questions_that_can_t_be_asked_now_are_asked_soon),
	   UNIT(N6_failures_are_repeated_when_the_uplink_returns),
	   UNIT(N6_what_is_known_is_published_where_it_fits),
	   UNIT(names_that_go_while_a_change_waits_are_withdrawn),
	   UNIT(what_was_published_of_a_client_that_goes_is_taken_back),
	   UNIT(N6_a_client_is_told_after_its_rules_were_changed),
	   UNIT(N6_what_a_client_is_told_opens_for_it_alone),
	   UNIT(N6_what_a_client_is_told_opens_nothing_else),
	   UNIT(N6_a_setting_ignores_what_clients_are_told),
	   UNIT(N6_switched_off_what_clients_were_told_counts_no_more),
	   UNIT(data_watches_who_has_names_in_its_rules),
	   UNIT(name_servers_are_those_of_the_settings),
	   UNIT(switched_off_nothing_is_asked),
	   UNIT(names_of_a_client_that_goes_are_not_asked_for))
