/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules from dom0's QubesDB: a scripted dom0 on one side, a data process that
 * takes everything on the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/control/qubes/source_qubesdb.h"
#include "firewall/linux/log.h"
#include "firewall/linux/mem.h"
#include "mock/qdb_dom0.h"
#include "unit.h"

#define IP "10.137.0.5"
#define IP6 "fd09:24ef:4179::a89:5"
#define HANDLED "/qubes-firewall-handled/"
#define ERRORS "/vifwall-error/"

static struct mock_chans net;
static struct qdb_dom0 dom0;
static struct conf conf;
static struct apply apply;
static struct tree *tree;
static struct source_qubesdb source;
static struct mono now;
static int data;
static bool deaf; /* data does not answer */

static int open_port(void *ctx, const struct conf_port *p, struct link *l)
{
	(void)ctx;
	(void)p;
	*l = (struct link){ .fd = open("/dev/null", O_RDWR | O_CLOEXEC),
			    .ifindex = 7,
			    .mtu = 1500 };
	return 0;
}

static const struct apply_ops ops = { .open_port = open_port };

static bool data_takes_one(void)
{
	struct msg_done d = { .err = 0 };
	struct msg m;

	if (deaf || msg_recv(data, MSG_TO_DATA, &m))
		return false;
	CU_ASSERT_EQUAL(msg_send(data, MSG_DONE, m.hdr.seq, &d, -1), 0);
	if (m.fd >= 0)
		close(m.fd);
	return true;
}

/* As the control process turns. */
static void turn(void)
{
	for (int i = 0; i < 40; i++) {
		(void)source_qubesdb_work(&source, now);
		(void)apply_work(&apply, now);
		while (data_takes_one())
			;
		apply_receive(&apply, now);
		qdb_dom0_work(&dom0);
	}
}

static void settings(void)
{
	static const char text[] =
		"qubes.channel = vchan\nuplink.port = tap:up\n"
		"uplink.ip = 192.0.2.2/24\n"
		"[client work]\nport = tap:w\nip = " IP " " IP6 "\n"
		"mac = 00:16:3e:00:00:05\n";
	static struct conf_errors errors;

	memset(&errors, 0, sizeof(errors));
	conf_default(&conf);
	conf_read_text(&conf, "test", text, sizeof(text) - 1, &errors);
	conf_check(&conf, CONF_RUN, &errors);
	CU_ASSERT_EQUAL(errors.n, 0);
}

static void set_up(void)
{
	const struct conf_port *which;
	static int quiet = -1;
	int pair[2];

	if (quiet < 0)
		quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_to_fd(quiet);
	deaf = false;
	now = (struct mono){ MONO_S };
	mock_chans_init(&net);
	qdb_dom0_init(&dom0, &net);
	settings();
	apply_init(&apply, &conf, &ops);
	tree = tree_new(1u << 20, apply_tree_changed, &apply);
	apply.tree = tree;
	CU_ASSERT_EQUAL(apply_open_ports(&apply, &which), 0);
	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	data = pair[1];
	apply_data(&apply, pair[0]);
	CU_ASSERT_EQUAL(source_qubesdb_open(&source, &net.net, false, tree,
					    &apply, now),
			0);
	turn();
}

static void tear_down(void)
{
	CU_ASSERT_PTR_NULL(dom0.died);
	source_qubesdb_close(&source);
	apply_fini(&apply);
	tree_free(tree);
	close(data);
	mock_chans_fini(&net);
	log_to_fd(STDERR_FILENO);
}

static void meet(void)
{
	turn();
	now = mono_add_ms(now, QUBESDB_PAUSE_MS);
	turn();
	CU_ASSERT(qdb_dom0_accept(&dom0));
	turn();
	CU_ASSERT_EQUAL(source.db.state, QUBESDB_RUN);
}

/* What is in force for the client: 0 closed, else rules + 1. */
static uint32_t in_force(int family)
{
	const struct set *s =
		&apply.slot[apply_find(&apply, "work", 4)].set[family];

	return s->state == SET_GOOD ? s->n + 1 : 0;
}

static const char *told(const char *prefix, const char *address)
{
	char path[128];
	const char *value;

	snprintf(path, sizeof(path), "%s%s", prefix, address);
	value = qdb_dom0_get(&dom0, path);
	return value ? value : "nothing";
}

static const char *const one[] = { "action=accept", NULL };
static const char *const two[] = { "action=accept proto=tcp dstports=80-80",
				   "action=accept specialtarget=dns", NULL };
static const char *const bad[] = { "action=accept dst4=10.0.0.1/33", NULL };

/* ---- before dom0 said anything ----------------------------------------------
 */

static void it_is_closed_before_the_first_commit(void)
{
	set_up();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 0);
	CU_ASSERT_FALSE(source_qubesdb_settled(&source, now));
	meet();
	CU_ASSERT(source_qubesdb_settled(&source, now));
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 0);
	CU_ASSERT_STRING_EQUAL(told(ERRORS, IP), "no rules were committed");
	CU_ASSERT_STRING_EQUAL(told(HANDLED, IP), "nothing");
	tear_down();
}

static void a_start_without_dom0_is_one(void)
{
	set_up();
	now = mono_add_ms(now, SOURCE_QUBESDB_READY_MS - 1);
	CU_ASSERT_FALSE(source_qubesdb_settled(&source, now));
	now = mono_add_ms(now, 1);
	CU_ASSERT(source_qubesdb_settled(&source, now));
	tear_down();
}

static void sets_that_are_there_at_the_first_reading_count(void)
{
	set_up();
	qdb_dom0_set(&dom0, "/name", "fw");
	qdb_dom0_rules(&dom0, IP, two);
	/* no key of its own: dom0 is at it */
	qdb_dom0_set(&dom0, "/qubes-firewall/" IP6 "/policy", "drop");
	qdb_dom0_set(&dom0, "/qubes-firewall/" IP6 "/0000", "action=accept");
	meet();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 3);
	CU_ASSERT_EQUAL(in_force(RULE_IP6), 0);
	CU_ASSERT_STRING_EQUAL(told(HANDLED, IP), "1");
	CU_ASSERT_STRING_EQUAL(told(ERRORS, IP), "nothing");
	tear_down();
}

/* ---- commits ----------------------------------------------------------------
 */

static void Q3_rules_count_from_the_trigger(void)
{
	set_up();
	qdb_dom0_rules(&dom0, IP, one);
	meet();
	qdb_dom0_rm(&dom0, "/qubes-firewall/" IP "/");
	turn();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 2);
	qdb_dom0_set(&dom0, "/qubes-firewall/" IP "/policy", "drop");
	qdb_dom0_set(&dom0, "/qubes-firewall/" IP "/0000", two[0]);
	turn();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 2);
	CU_ASSERT_STRING_EQUAL(told(HANDLED, IP), "1");
	/* numbers have gaps */
	qdb_dom0_set(&dom0, "/qubes-firewall/" IP "/0007", two[1]);
	qdb_dom0_set(&dom0, "/qubes-firewall/" IP "/12345", two[1]);
	qdb_dom0_set(&dom0, "/qubes-firewall/" IP, "");
	turn();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 4);
	CU_ASSERT_STRING_EQUAL(told(HANDLED, IP), "2");
	tear_down();
}

static void a_commit_is_confirmed_when_data_has_it(void)
{
	set_up();
	meet();
	deaf = true;
	qdb_dom0_rules(&dom0, IP, one);
	turn();
	CU_ASSERT_STRING_EQUAL(told(HANDLED, IP), "nothing");
	deaf = false;
	turn();
	CU_ASSERT_STRING_EQUAL(told(HANDLED, IP), "1");
	CU_ASSERT_STRING_EQUAL(told(ERRORS, IP), "");
	tear_down();
}

static void the_count_goes_on_after_a_restart_of_ours(void)
{
	set_up();
	qdb_dom0_set(&dom0, HANDLED IP, "41");
	qdb_dom0_rules(&dom0, IP, one);
	meet();
	CU_ASSERT_STRING_EQUAL(told(HANDLED, IP), "42");
	tear_down();
}

static void a_commit_of_a_stopped_client_is_confirmed_too(void)
{
	set_up();
	meet();
	qdb_dom0_rules(&dom0, "10.137.0.9", one);
	turn();
	CU_ASSERT_STRING_EQUAL(told(HANDLED, "10.137.0.9"), "1");
	tear_down();
}

static void a_bad_set_closes_and_says_why(void)
{
	set_up();
	qdb_dom0_rules(&dom0, IP, one);
	meet();
	qdb_dom0_rules(&dom0, IP, bad);
	turn();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 0);
	CU_ASSERT_STRING_EQUAL(told(HANDLED, IP), "2");
	CU_ASSERT(!strncmp(told(ERRORS, IP), "rule 0000, column ", 18));
	qdb_dom0_rules(&dom0, IP, two);
	turn();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 3);
	CU_ASSERT_STRING_EQUAL(told(ERRORS, IP), "");
	tear_down();
}

static void a_set_that_is_removed_closes(void)
{
	static const char *const path[] = { ("/qubes-firewall/" IP),
					    "/qubes-firewall/", "/" };

	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
		set_up();
		qdb_dom0_rules(&dom0, IP, one);
		meet();
		CU_ASSERT_EQUAL(in_force(RULE_IP4), 2);
		qdb_dom0_rm(&dom0, path[i]);
		turn();
		CU_ASSERT_EQUAL(in_force(RULE_IP4), 0);
		tear_down();
	}
}

static void Q4_connected_addresses_are_guarded(void)
{
	set_up();
	qdb_dom0_set(&dom0, "/connected-ips", "10.137.0.5 10.137.0.6");
	meet();
	CU_ASSERT_EQUAL(apply.guard_n, 2);
	qdb_dom0_set(&dom0, "/connected-ips6", IP6);
	turn();
	CU_ASSERT_EQUAL(apply.guard_n, 3);
	qdb_dom0_set(&dom0, "/connected-ips", "");
	turn();
	CU_ASSERT_EQUAL(apply.guard_n, 1);
	tear_down();
}

/* ---- why a client is closed -------------------------------------------------
 */

static void is_held(struct apply_slot *s)
{
	(void)s;
	apply.held = "settings are not known";
}

static void is_refused(struct apply_slot *s)
{
	s->err = ENOMEM;
}

static void clashes(struct apply_slot *s)
{
	s->clash = 2;
}

static void has_no_port(struct apply_slot *s)
{
	s->port_err = ENODEV;
}

static void has_no_vif(struct apply_slot *s)
{
	s->ring.is = true;
	s->port_told = false;
}

static void is_untold(struct apply_slot *s)
{
	s->told = false;
}

static void has_no_rules(struct apply_slot *s)
{
	s->set[RULE_IP4].state = SET_NONE;
}

static void has_bad_rules(struct apply_slot *s)
{
	struct set_error *e = &s->set[RULE_IP4].error;

	s->set[RULE_IP4].state = SET_BAD;
	*e = (struct set_error){ .key = "0007", .column = 3 };
	snprintf(e->why, sizeof(e->why), "odd \xff");
}

static void has_no_profile(struct apply_slot *s)
{
	snprintf(s->fw.profile, sizeof(s->fw.profile), "absent");
}

static void uplink_has_no_address(struct apply_slot *s)
{
	(void)s;
	memset(&apply.uplink.addr4, 0, sizeof(apply.uplink.addr4));
}

/* Not that data is being restarted: dom0 is told when that is over. */
static const struct {
	void (*happens)(struct apply_slot *s);
	const char *told;
} reasons[] = {
	{ is_held, "settings are not known" },
	{ is_refused, "its rules can't be handed over (*" },
	{ clashes, "it has an address of another client, and waits" },
	{ has_no_port, "its port is not there" },
	{ has_no_vif, "its vif is not connected" },
	{ is_untold,
	  "the process that handles packets was not told of it yet" },
	{ has_no_rules, "no rules were committed" },
	{ has_bad_rules, "rule 0007, column 3: odd ?" },
	{ has_no_profile, "its profile is not there" },
	{ uplink_has_no_address, "uplink.ip is not set" },
};

static void dom0_is_told_every_reason_and_that_it_is_over(void)
{
	static struct apply was;
	uint16_t n;

	set_up();
	qdb_dom0_rules(&dom0, IP, one);
	meet();
	n = apply_find(&apply, "work", 4);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		was = apply;
		reasons[i].happens(&apply.slot[n]);
		source.errors_due = true;
		turn();
		CU_ASSERT_EQUAL(fnmatch(reasons[i].told, told(ERRORS, IP), 0),
				0);
		apply = was;
		source.errors_due = true;
		turn();
		CU_ASSERT_STRING_EQUAL(told(ERRORS, IP), "");
	}
	tear_down();
}

static void no_reason_stays_of_a_client_that_went(void)
{
	static struct conf without;

	set_up();
	qdb_dom0_set(&dom0, ERRORS "10.137.0.99", "of an earlier life");
	meet();
	CU_ASSERT_STRING_EQUAL(told(ERRORS, "10.137.0.99"), "");
	CU_ASSERT_STRING_EQUAL(told(ERRORS, IP), "no rules were committed");
	without = conf;
	without.client_n = 0;
	apply_conf(&apply, &without);
	turn();
	CU_ASSERT_STRING_EQUAL(told(ERRORS, IP), "");
	CU_ASSERT_STRING_EQUAL(told(ERRORS, IP6), "");
	tear_down();
}

static void dom0_is_told_that_its_settings_are_not_in_force(void)
{
	set_up();
	meet();
	CU_ASSERT_STRING_EQUAL(told(ERRORS, "settings"), "nothing");
	source_qubesdb_wrong(&source, "elephants");
	turn();
	CU_ASSERT_STRING_EQUAL(told(ERRORS, "settings"), "elephants");
	source_qubesdb_wrong(&source, "");
	turn();
	CU_ASSERT_STRING_EQUAL(told(ERRORS, "settings"), "");
	tear_down();
}

/* ---- dom0's daemon goes and comes -------------------------------------------
 */

static void what_was_committed_stays_while_dom0_is_away(void)
{
	struct tree_key key;

	set_up();
	qdb_dom0_set(&dom0, "/connected-ips", IP);
	qdb_dom0_rules(&dom0, IP, two);
	meet();
	qdb_dom0_end(&dom0, true);
	turn();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 3);
	meet(); /* it knows nothing */
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 3);
	CU_ASSERT_EQUAL(apply.guard_n, 1);
	CU_ASSERT_FALSE(tree_next(source.mirror, TREE_RULES, NULL, &key));
	qdb_dom0_rules(&dom0, IP, one);
	turn();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 2);
	tear_down();
}

static void the_next_daemon_is_told_again_who_is_closed(void)
{
	set_up();
	meet();
	qdb_dom0_rules(&dom0, IP, bad);
	turn();
	CU_ASSERT(!strncmp(told(ERRORS, IP), "rule 0000, column ", 18));
	qdb_dom0_end(&dom0, true);
	turn();
	CU_ASSERT_STRING_EQUAL(told(ERRORS, IP), "nothing");
	meet();
	CU_ASSERT(!strncmp(told(ERRORS, IP), "rule 0000, column ", 18));
	CU_ASSERT_STRING_EQUAL(told(ERRORS, IP6), "no rules were committed");
	CU_ASSERT_STRING_EQUAL(told(HANDLED, IP), "nothing");
	tear_down();
}

static void rules_set_by_hand_outlive_a_reading_without_news(void)
{
	struct tree *hand = tree_new(1u << 16, NULL, NULL);
	uint16_t n;

	set_up();
	qdb_dom0_rules(&dom0, IP, one);
	meet();
	n = apply_find(&apply, "work", 4);
	CU_ASSERT_EQUAL(tree_write(hand, "/rules/policy", "drop", 4), 0);
	CU_ASSERT_EQUAL(apply_by_hand(&apply, n, RULE_IP4, hand, "/rules/",
				      NULL, NULL),
			0);
	tree_free(hand);
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 1);
	qdb_dom0_end(&dom0, false);
	turn();
	meet();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 1);
	CU_ASSERT(apply.slot[n].by_hand[RULE_IP4]);
	/* who waits for a commit of meanwhile is not left waiting */
	CU_ASSERT_STRING_EQUAL(told(HANDLED, IP), "2");
	qdb_dom0_end(&dom0, false);
	turn();
	qdb_dom0_rules(&dom0, IP, two);
	meet();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 3);
	CU_ASSERT_FALSE(apply.slot[n].by_hand[RULE_IP4]);
	tear_down();
}

static void a_rule_more_or_less_or_another_is_news(void)
{
	static const char *const was[] = { "action=accept proto=tcp",
					   "action=accept proto=udp", NULL };
	const char *const other[][4] = {
		{ was[0], NULL },
		{ was[0], was[1], was[0], NULL },
		{ was[0], "action=accept proto=icmp", NULL },
		{ NULL },
	};
	static const uint32_t is[] = { 2, 4, 3, 1 };

	for (size_t i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
		set_up();
		qdb_dom0_rules(&dom0, IP, was);
		meet();
		qdb_dom0_end(&dom0, false);
		turn();
		qdb_dom0_rules(&dom0, IP, other[i]);
		meet();
		CU_ASSERT_EQUAL(in_force(RULE_IP4), is[i]);
		tear_down();
	}
}

static void half_a_set_is_forgotten_when_dom0_goes(void)
{
	set_up();
	qdb_dom0_rules(&dom0, IP, one);
	meet();
	qdb_dom0_rm(&dom0, "/qubes-firewall/" IP "/");
	qdb_dom0_set(&dom0, "/qubes-firewall/" IP "/policy", "accept");
	turn();
	qdb_dom0_end(&dom0, true);
	turn();
	qdb_dom0_rules(&dom0, IP, two);
	meet();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 3);
	tear_down();
}

static void what_a_full_database_lacks_is_removed(void)
{
	set_up();
	qdb_dom0_set(&dom0, "/name", "fw");
	qdb_dom0_rules(&dom0, IP, two);
	meet();
	qdb_dom0_end(&dom0, true);
	qdb_dom0_set(&dom0, "/name", "fw");
	meet();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 0);
	CU_ASSERT_EQUAL(tree_keys(tree), 0);
	tear_down();
}

static void secrets_stay_in_the_mirror(void)
{
	struct tree_key key;

	set_up();
	qdb_dom0_set(&dom0, "/qubes-random-seed", "secret");
	qdb_dom0_set(&dom0, "/qubes-ip", "10.137.0.2");
	meet();
	qdb_dom0_set(&dom0, "/qubes-random-seed", "other");
	turn();
	CU_ASSERT_FALSE(tree_read(tree, "/qubes-random-seed", &key));
	CU_ASSERT(tree_read(source.mirror, "/qubes-random-seed", &key));
	CU_ASSERT(tree_read(tree, "/qubes-ip", &key));
	tear_down();
}

static void a_set_that_does_not_fit_is_a_bad_one(void)
{
	static char big[QDB_VALUE_MAX + 1];
	char path[64];

	memset(big, ' ', sizeof(big) - 1);
	set_up();
	qdb_dom0_rules(&dom0, IP, one);
	meet();
	tree_free(tree);
	tree = source.tree = apply.tree =
		tree_new(8192, apply_tree_changed, &apply);
	for (int i = 1; i < 4; i++) {
		snprintf(path, sizeof(path), "/qubes-firewall/" IP "/%04d", i);
		qdb_dom0_set(&dom0, path, big);
	}
	turn();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 2);
	qdb_dom0_set(&dom0, "/qubes-firewall/" IP, "");
	turn();
	CU_ASSERT_EQUAL(in_force(RULE_IP4), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(told(ERRORS, IP), "does not fit"));
	tear_down();
}

/* ---- names ------------------------------------------------------------------
 */

#define NAMES "/dns/" IP "/"

static void names_are_told_at_once_and_again_to_the_next_daemon(void)
{
	set_up();
	source_qubesdb_publish(&source, NAMES, NULL);
	source_qubesdb_publish(&source, NAMES "a.test", "192.0.2.1");
	source_qubesdb_publish(&source, NAMES "b.test", "192.0.2.2 192.0.2.3");
	qdb_dom0_set(&dom0, "/dns/10.137.0.9/old.test", "192.0.2.4");
	meet();
	CU_ASSERT_STRING_EQUAL(told(NAMES, "a.test"), "192.0.2.1");
	CU_ASSERT_STRING_EQUAL(told(NAMES, "b.test"), "192.0.2.2 192.0.2.3");
	CU_ASSERT_STRING_EQUAL(told("/dns/10.137.0.9/", "old.test"), "nothing");
	qdb_dom0_end(&dom0, true);
	turn();
	source_qubesdb_publish(&source, NAMES, NULL);
	source_qubesdb_publish(&source, NAMES "b.test", "192.0.2.5");
	meet();
	CU_ASSERT_STRING_EQUAL(told(NAMES, "a.test"), "nothing");
	CU_ASSERT_STRING_EQUAL(told(NAMES, "b.test"), "192.0.2.5");
	source_qubesdb_publish(&source, NAMES, NULL);
	turn();
	CU_ASSERT_STRING_EQUAL(told(NAMES, "b.test"), "nothing");
	tear_down();
}

static void of_names_only_what_differs_is_told(void)
{
	uint32_t writes;

	set_up();
	meet();
	source_qubesdb_publish(&source, NAMES "a.test", "192.0.2.1");
	source_qubesdb_publish(&source, NAMES "b.test", "192.0.2.2");
	turn();
	writes = dom0.writes;
	source_qubesdb_publish(&source, NAMES, NULL);
	source_qubesdb_publish(&source, NAMES "a.test", "192.0.2.1");
	source_qubesdb_publish(&source, NAMES "b.test", "192.0.2.9");
	turn();
	CU_ASSERT_EQUAL(dom0.writes, writes + 1);
	CU_ASSERT_EQUAL(dom0.removals, 0);
	CU_ASSERT_STRING_EQUAL(told(NAMES, "b.test"), "192.0.2.9");
	tear_down();
}

static void names_that_can_not_be_keys_are_left_out(void)
{
	set_up();
	meet();
	source_qubesdb_publish(&source, NAMES "-a.test", "192.0.2.1");
	source_qubesdb_publish(&source, NAMES "*.test", "192.0.2.1");
	source_qubesdb_publish(&source, NAMES "b.test", "192.0.2.2");
	turn();
	CU_ASSERT_STRING_EQUAL(told(NAMES, "*.test"), "nothing");
	CU_ASSERT_STRING_EQUAL(told(NAMES, "b.test"), "192.0.2.2");
	CU_ASSERT_FALSE(source.names_due);
	tear_down();
}

static void more_names_than_the_queue_holds_are_told_in_the_end(void)
{
	static char value[QDB_VALUE_MAX - 1];
	char path[64];

	memset(value, '1', sizeof(value) - 1);
	set_up();
	meet();
	for (int i = 0; i < 60; i++) {
		snprintf(path, sizeof(path), NAMES "n%d.test", i);
		source_qubesdb_publish(&source, path, value);
	}
	(void)source_qubesdb_work(&source, now);
	CU_ASSERT(source.names_due);
	turn();
	CU_ASSERT_FALSE(source.names_due);
	for (int i = 0; i < 60; i++) {
		snprintf(path, sizeof(path), "n%d.test", i);
		CU_ASSERT_STRING_EQUAL(told(NAMES, path), value);
	}
	tear_down();
}

/* dom0 may refuse it yet; no other event will tell that it did not. */
static void a_name_goes_as_soon_as_dom0_has_taken_it(void)
{
	set_up();
	meet();
	CU_ASSERT(source_qubesdb_news(&source, now));
	source_qubesdb_publish(&source, NAMES "a.test", "192.0.2.1");
	(void)source_qubesdb_work(&source, now);
	source_qubesdb_publish(&source, NAMES, NULL);
	(void)source_qubesdb_work(&source, now);
	CU_ASSERT(source.names_due);
	qdb_dom0_work(&dom0);
	CU_ASSERT_EQUAL(source_qubesdb_work(&source, now).ns, now.ns);
	CU_ASSERT_NOT_EQUAL(source_qubesdb_work(&source, now).ns, now.ns);
	qdb_dom0_work(&dom0);
	CU_ASSERT_STRING_EQUAL(told(NAMES, "a.test"), "nothing");
	CU_ASSERT_EQUAL(dom0.removals, 1);
	tear_down();
}

UNIT_SUITE(source_qubesdb, UNIT(it_is_closed_before_the_first_commit),
	   UNIT(a_start_without_dom0_is_one),
	   UNIT(sets_that_are_there_at_the_first_reading_count),
	   UNIT(Q3_rules_count_from_the_trigger),
	   UNIT(a_commit_is_confirmed_when_data_has_it),
	   UNIT(the_count_goes_on_after_a_restart_of_ours),
	   UNIT(a_commit_of_a_stopped_client_is_confirmed_too),
	   UNIT(a_bad_set_closes_and_says_why),
	   UNIT(a_set_that_is_removed_closes),
	   UNIT(Q4_connected_addresses_are_guarded),
	   UNIT(what_was_committed_stays_while_dom0_is_away),
	   UNIT(the_next_daemon_is_told_again_who_is_closed),
	   UNIT(dom0_is_told_every_reason_and_that_it_is_over),
	   UNIT(no_reason_stays_of_a_client_that_went),
	   UNIT(dom0_is_told_that_its_settings_are_not_in_force),
	   UNIT(rules_set_by_hand_outlive_a_reading_without_news),
	   UNIT(a_rule_more_or_less_or_another_is_news),
	   UNIT(half_a_set_is_forgotten_when_dom0_goes),
	   UNIT(what_a_full_database_lacks_is_removed),
	   UNIT(secrets_stay_in_the_mirror),
	   UNIT(a_set_that_does_not_fit_is_a_bad_one),
	   UNIT(names_are_told_at_once_and_again_to_the_next_daemon),
	   UNIT(of_names_only_what_differs_is_told),
	   UNIT(names_that_can_not_be_keys_are_left_out),
	   UNIT(more_names_than_the_queue_holds_are_told_in_the_end),
	   UNIT(a_name_goes_as_soon_as_dom0_has_taken_it))
