/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings from dom0's QubesDB: when they count, and what holds while they
 * can't be.  A scripted dom0 on one side, a data process that takes everything
 * on the other.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/control/control_qubes.h"
#include "firewall/linux/log.h"
#include "mock/qdb_dom0.h"
#include "unit.h"

#define IP "10.137.0.5"
#define SETTINGS "/vm-config/vifwall-"
#define SAID_TO_DOM0 "/vifwall-error/"

static struct mock_chans net;
static struct qdb_dom0 dom0;
static struct conf conf;
static struct apply apply;
static struct control_qubes qubes;
static struct loop loop;
static int data;
static char file[] = "/tmp/vifwall-control-qubes-XXXXXX";
/* What data was told. */
static uint32_t rules_told;
static char profile[PROFILE_NAME_MAX];	    /* of the client */
static char profile_told[PROFILE_NAME_MAX]; /* ... when its rules came */

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

	if (msg_recv(data, MSG_TO_DATA, &m))
		return false;
	if (m.hdr.type == MSG_CLIENT)
		memcpy(profile, m.body.client.client.profile, sizeof(profile));
	if (m.hdr.type == MSG_RULES && !rules_told++)
		memcpy(profile_told, profile, sizeof(profile));
	CU_ASSERT_EQUAL(msg_send(data, MSG_DONE, m.hdr.seq, &d, -1), 0);
	if (m.fd >= 0)
		close(m.fd);
	return true;
}

/* As the control process reads them. */
static bool reload(void *ctx, char *said, size_t room)
{
	static struct conf_errors errors;
	static struct conf next;
	char fixed[128];

	(void)ctx;
	memset(&errors, 0, sizeof(errors));
	conf_again(&next, &apply.conf, &errors);
	snprintf(said, room, "%s", errors.text);
	if (errors.n)
		return false;
	if (conf_diff_fixed(&apply.conf, &next, fixed, sizeof(fixed))) {
		snprintf(said, room, "can't change now: %s", fixed);
		return false;
	}
	apply_conf(&apply, &next);
	return true;
}

/* One turn of the control process' loop. */
static void turn_once(void)
{
	(void)control_qubes_work(&qubes, &loop, 1);
	(void)apply_work(&apply, loop.now);
	while (data_takes_one())
		;
	apply_receive(&apply, loop.now);
}

static void turn(void)
{
	for (int i = 0; i < 40; i++) {
		turn_once();
		qdb_dom0_work(&dom0);
	}
	loop.now = mono_add_ms(loop.now, SOURCE_QUBESDB_NEWS_MS);
	for (int i = 0; i < 20; i++) {
		turn_once();
		qdb_dom0_work(&dom0);
	}
}

static void settings(void)
{
	static const char text[] =
		"qubes.channel = vchan\nuplink.port = tap:up\n"
		"uplink.ip = 192.0.2.2/24\n"
		"profile.rule = strict action=drop\n"
		"[client work]\nport = tap:w\nip = " IP "\n"
		"mac = 00:16:3e:00:00:05\n";
	static struct conf_errors errors;
	int fd;

	memcpy(file + strlen(file) - 6, "XXXXXX", 6);
	fd = mkstemp(file);
	CU_ASSERT_EQUAL(write(fd, text, sizeof(text) - 1),
			(ssize_t)sizeof(text) - 1);
	close(fd);
	memset(&errors, 0, sizeof(errors));
	conf_default(&conf);
	conf_read_file(&conf, file, &errors);
	conf_check(&conf, CONF_RUN, &errors);
	CU_ASSERT_EQUAL(errors.n, 0);
}

static void set_up(void)
{
	static struct tree *tree;
	const struct conf_port *which;
	static int quiet = -1;
	int pair[2];

	if (quiet < 0)
		quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_to_fd(quiet);
	rules_told = 0;
	profile_told[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(loop_open(&loop), 0);
	loop.now = (struct mono){ MONO_S };
	mock_chans_init(&net);
	qdb_dom0_init(&dom0, &net);
	settings();
	apply_init(&apply, &conf, &ops);
	tree = tree_new(1u << 20, apply_tree_changed, &apply);
	apply.tree = tree;
	CU_ASSERT_EQUAL(apply_open_ports(&apply, &which), 0);
	memset(&qubes, 0, sizeof(qubes));
	qubes.reload = reload;
	CU_ASSERT_EQUAL(control_qubes_open_on(&qubes, &net.net, &conf, &apply,
					      loop.now),
			0);
	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	data = pair[1];
	apply_data(&apply, pair[0]);
	turn();
}

static void tear_down(void)
{
	CU_ASSERT_PTR_NULL(dom0.died);
	control_qubes_close(&qubes);
	apply_fini(&apply);
	tree_free(apply.tree);
	close(data);
	mock_chans_fini(&net);
	loop_close(&loop);
	unlink(file);
	log_to_fd(STDERR_FILENO);
}

/* dom0's daemon is there, and asked. */
static void meet(void)
{
	loop.now = mono_add_ms(loop.now, QUBESDB_PAUSE_MS);
	turn_once();
	CU_ASSERT(qdb_dom0_accept(&dom0));
	turn_once();
	qdb_dom0_work(&dom0);
}

static void rules(void)
{
	static const char *const one[] = { "action=accept", NULL };

	qdb_dom0_rules(&dom0, IP, one);
}

static const struct apply_slot *work(void)
{
	return &apply.slot[apply_find(&apply, "work", 4)];
}

static bool is_open(void)
{
	return apply_closed(&apply, apply_find(&apply, "work", 4), RULE_IP4) ==
	       APPLY_OPEN;
}

static const char *dom0_was_told(const char *what)
{
	char path[64];
	const char *is;

	snprintf(path, sizeof(path), SAID_TO_DOM0 "%s", what);
	is = qdb_dom0_get(&dom0, path);
	return is ? is : "nothing";
}

/* ---- the first reading ----------------------------------------------------*/

static void until_dom0_said_its_settings_no_rules_are_known(void)
{
	set_up();
	CU_ASSERT_EQUAL(rules_told, 0);
	CU_ASSERT(apply_idle(&apply));
	CU_ASSERT_STRING_EQUAL(apply_closed_why(&apply, 1, RULE_IP4),
			       "dom0 has not said its settings yet");
	tear_down();
}

static void settings_bind_before_the_first_rules_are_known(void)
{
	set_up();
	qdb_dom0_set(&dom0, "/name", "fw");
	qdb_dom0_set(&dom0, SETTINGS "profile", "strict");
	rules();
	meet();
	/* something else changes at once: it is waited for quiet */
	qdb_dom0_set(&dom0, "/qubes-primary-dns", "10.139.1.1");
	turn();
	CU_ASSERT(is_open());
	CU_ASSERT_EQUAL(rules_told, 1);
	CU_ASSERT_STRING_EQUAL(profile_told, "strict");
	CU_ASSERT_EQUAL(apply.conf.dns_n, 1);
	tear_down();
}

static char long_value[CONF_LINE_MAX - 20];

static const struct {
	const char *key, *value, *says;
} bad[] = {
	{ "allow", "elephants", "allow: 'elephants' is not a pair" },
	{ "elephants", "1", "elephants: there is no such setting" },
	{ "log.level", "debug", "can't change now: log.level" },
	{ "dns", "10.139.1.1\n", "vifwall-dns: not one line of printable" },
	{ "dns", "\xe2\x80\x8b", "vifwall-dns: not one line of printable" },
	{ "zz", long_value, "settings by QubesDB may take" },
};

#define N_BAD (sizeof(bad) / sizeof(bad[0]))

/* The last row of bad[] takes as many keys as fill all the room. */
static void write_bad(size_t i, bool mend)
{
	char path[64];
	int n = bad[i].value == long_value
			? CONTROL_QUBES_CONFIG / (int)sizeof(long_value) + 1
			: 1;

	memset(long_value, 'x', sizeof(long_value) - 1);
	for (int k = 0; k < n; k++) {
		snprintf(path, sizeof(path),
			 n > 1 ? SETTINGS "%s.%d" : SETTINGS "%s", bad[i].key,
			 k);
		if (mend)
			qdb_dom0_rm(&dom0, path);
		else
			qdb_dom0_set(&dom0, path, bad[i].value);
	}
}

static void while_the_first_ones_can_not_be_all_clients_are_closed(void)
{
	for (size_t i = 0; i < N_BAD; i++) {
		set_up();
		qdb_dom0_set(&dom0, SETTINGS "profile", "strict");
		qdb_dom0_set(&dom0, "/qubes-ip6", "2001:db8::5");
		write_bad(i, false);
		rules();
		meet();
		turn();
		CU_ASSERT_EQUAL(rules_told, 0);
		CU_ASSERT_FALSE(is_open());
		CU_ASSERT_PTR_NOT_NULL(strstr(qubes.db.wrong, bad[i].says));
		CU_ASSERT_STRING_EQUAL(dom0_was_told("settings"),
				       qubes.db.wrong);
		CU_ASSERT_STRING_EQUAL(dom0_was_told(IP), qubes.db.wrong);
		/* the rest of the firewall runs */
		CU_ASSERT_EQUAL(apply.uplink.addr6.b[15], 5);
		write_bad(i, true);
		turn();
		CU_ASSERT(is_open());
		CU_ASSERT_STRING_EQUAL(profile_told, "strict");
		CU_ASSERT_STRING_EQUAL(dom0_was_told("settings"), "");
		CU_ASSERT_STRING_EQUAL(dom0_was_told(IP), "");
		tear_down();
	}
}

/* ---- later ----------------------------------------------------------------*/

static void while_later_ones_can_not_be_the_last_good_ones_hold(void)
{
	for (size_t i = 0; i < N_BAD; i++) {
		set_up();
		qdb_dom0_set(&dom0, SETTINGS "profile", "strict");
		rules();
		meet();
		turn();
		CU_ASSERT_STRING_EQUAL(work()->fw.profile, "strict");
		write_bad(i, false);
		/* another netvm, meanwhile */
		qdb_dom0_set(&dom0, "/qubes-ip6", "2001:db8::5");
		turn();
		CU_ASSERT_STRING_EQUAL(work()->fw.profile, "strict");
		CU_ASSERT(is_open());
		CU_ASSERT_EQUAL(apply.uplink.addr6.b[15], 5);
		CU_ASSERT_PTR_NOT_NULL(strstr(qubes.db.wrong, bad[i].says));
		CU_ASSERT_STRING_EQUAL(dom0_was_told("settings"),
				       qubes.db.wrong);
		CU_ASSERT_STRING_EQUAL(dom0_was_told(IP), "nothing");
		write_bad(i, true);
		qdb_dom0_rm(&dom0, SETTINGS "profile");
		turn();
		CU_ASSERT_STRING_EQUAL(work()->fw.profile, "");
		CU_ASSERT_STRING_EQUAL(qubes.db.wrong, "");
		CU_ASSERT_STRING_EQUAL(dom0_was_told("settings"), "");
		tear_down();
	}
}

static void an_address_that_can_not_be_keeps_no_setting_from_being_taken(void)
{
	set_up();
	qdb_dom0_set(&dom0, SETTINGS "profile", "strict");
	qdb_dom0_set(&dom0, "/qubes-gateway", "192.0.2.2");
	rules();
	meet();
	turn();
	CU_ASSERT(is_open());
	CU_ASSERT_STRING_EQUAL(profile_told, "strict");
	CU_ASSERT_PTR_NOT_NULL(strstr(qubes.db.wrong, "our own address"));
	qdb_dom0_set(&dom0, "/qubes-gateway", "192.0.2.1");
	turn();
	CU_ASSERT_EQUAL(apply.uplink.gateway4.b[15], 1);
	CU_ASSERT_STRING_EQUAL(qubes.db.wrong, "");
	tear_down();
}

static void other_settings_that_were_mended_are_tried_with_them(void)
{
	char said[64];
	FILE *f;

	set_up();
	qdb_dom0_set(&dom0, SETTINGS "profile", "later");
	rules();
	meet();
	turn();
	CU_ASSERT_FALSE(is_open());
	CU_ASSERT_PTR_NOT_NULL(strstr(qubes.db.wrong, "no profile 'later'"));
	f = fopen(file, "a");
	CU_ASSERT_FATAL(f != NULL);
	fputs("[profile]\nrule = later action=drop dst=10.0.0.0/8\n", f);
	fclose(f);
	CU_ASSERT(reload(NULL, said, sizeof(said)));
	turn();
	CU_ASSERT(is_open());
	CU_ASSERT_STRING_EQUAL(profile_told, "later");
	tear_down();
}

static void settings_that_may_be_given_many_times_are_told_apart(void)
{
	set_up();
	qdb_dom0_set(&dom0, SETTINGS "set-01", "near 10.0.0.0/8");
	qdb_dom0_set(&dom0, SETTINGS "set-02", "far 192.0.2.0/24");
	qdb_dom0_set(&dom0, SETTINGS "profile.rule-01",
		     "own action=pass dst=far");
	qdb_dom0_set(&dom0, SETTINGS "profile.rule-02",
		     "own action=drop dst=near");
	qdb_dom0_set(&dom0, SETTINGS "profile.use-1", IP " own");
	rules();
	meet();
	turn();
	CU_ASSERT_STRING_EQUAL(qubes.db.wrong, "");
	CU_ASSERT(is_open());
	CU_ASSERT_STRING_EQUAL(profile_told, "own");
	CU_ASSERT_EQUAL(apply.conf.set_n, 2);
	CU_ASSERT_EQUAL(apply.conf.profile_rule_n, 3);
	CU_ASSERT_STRING_EQUAL(apply.conf.profile_rule[1].text,
			       "action=drop dst=near");
	tear_down();
}

static void dom0_may_go_and_come_without_touching_settings(void)
{
	set_up();
	qdb_dom0_set(&dom0, SETTINGS "profile", "strict");
	rules();
	meet();
	turn();
	qdb_dom0_end(&dom0, true);
	turn();
	CU_ASSERT_STRING_EQUAL(work()->fw.profile, "strict");
	meet(); /* it knows nothing */
	turn();
	CU_ASSERT_STRING_EQUAL(work()->fw.profile, "strict");
	CU_ASSERT(is_open());
	CU_ASSERT_EQUAL(rules_told, 1);
	tear_down();
}

UNIT_SUITE(control_qubes, UNIT(until_dom0_said_its_settings_no_rules_are_known),
	   UNIT(settings_bind_before_the_first_rules_are_known),
	   UNIT(while_the_first_ones_can_not_be_all_clients_are_closed),
	   UNIT(while_later_ones_can_not_be_the_last_good_ones_hold),
	   UNIT(an_address_that_can_not_be_keeps_no_setting_from_being_taken),
	   UNIT(other_settings_that_were_mended_are_tried_with_them),
	   UNIT(settings_that_may_be_given_many_times_are_told_apart),
	   UNIT(dom0_may_go_and_come_without_touching_settings))
