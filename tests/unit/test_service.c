/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services as dom0 and other qubes call them: the whole way from the wire to
 * the rules.
 */
#include <errno.h>
#include <string.h>

#include "firewall/control/qubes/service.h"
#include "mock/ctl_bed.h"
#include "mock/qrexec_bed.h"
#include "unit.h"

#define PORT 513u

/* What owns both: the services, and who runs commands for them. */
static struct {
	struct qrexec_bed bed; /* first: see qrexec_bed_watch() */
	struct ctl_bed ctl;
	struct services s;
	struct qrexec_bed_chan *dom0;
	bool up, busy;
	int shown, hidden, set;
	int64_t clock;
	int set_err;
	uint32_t id;
	char line[256];
	char out[4096], err[4096];
} t;

static int show(void *ctx, uint32_t id, int argc, const char *const *argv)
{
	(void)ctx;
	if (t.busy)
		return -EBUSY;
	t.busy = true;
	t.shown++;
	t.id = id;
	t.line[0] = '\0';
	for (int i = 0; i < argc; i++) {
		strcat(t.line, i ? " " : "");
		strcat(t.line, argv[i]);
	}
	return 0;
}

static void hide(void *ctx, uint32_t id)
{
	(void)ctx;
	CU_ASSERT_EQUAL(id, t.id);
	t.hidden++;
}

static bool uplink_up(void *ctx)
{
	(void)ctx;
	return t.up;
}

static int64_t get_clock(void *ctx)
{
	(void)ctx;
	return t.clock;
}

static int set_clock(void *ctx, int64_t s)
{
	(void)ctx;
	t.set++;
	if (!t.set_err)
		t.clock = s;
	return t.set_err;
}

static const struct service_ops keeps_clock = {
	.show = show,
	.hide = hide,
	.uplink_up = uplink_up,
	.clock = get_clock,
	.set_clock = set_clock,
};
static const struct service_ops leaves_clock = {
	.show = show,
	.hide = hide,
	.uplink_up = uplink_up,
	.clock = get_clock,
};

static int on_call(void *ctx, uint32_t id, const struct qrexec_call *c,
		   char why[QREXEC_WHY])
{
	(void)ctx;
	return services_call(&t.s, id, c, why);
}

static void on_input(void *ctx, uint32_t id, const void *bytes, size_t len)
{
	(void)ctx;
	services_input(&t.s, id, bytes, len);
}

static void on_gone(void *ctx, uint32_t id)
{
	(void)ctx;
	services_gone(&t.s, id);
}

static void ignore(void *ctx)
{
	(void)ctx;
}

static void ignore_id(void *ctx, uint32_t id)
{
	(void)ctx;
	(void)id;
}

static void ignore_text(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
}

static const struct qrexec_ops ops = {
	.call = on_call,
	.input = on_input,
	.room = ignore_id,
	.gone = on_gone,
	.ready = ignore,
	.watch = qrexec_bed_watch,
	.unwatch = qrexec_bed_unwatch,
	.complain = ignore_text,
	.ctx = &t,
};

static void turn(uint64_t ms)
{
	t.bed.now = mono_add_ms(t.bed.now, ms);
	(void)services_work(&t.s, t.bed.now);
	qrexec_bed_turn(&t.bed);
	ctl_bed_turn(&t.ctl);
}

static void start(void)
{
	memset(&t, 0, sizeof(t));
	ctl_bed_open(&t.ctl);
	ctl_bed_rule(&t.ctl, "action=accept proto=tcp dstports=443-443");
	qrexec_bed_open(&t.bed);
	t.bed.q = qrexec_new(&t.bed.net, &ops);
	t.s = (struct services){ .q = t.bed.q,
				 .apply = &t.ctl.apply,
				 .ops = &keeps_clock };
	turn(0);
	t.dom0 = qrexec_bed_dom0(&t.bed, 3);
}

static void stop(void)
{
	for (uint32_t i = 0; i < QREXEC_CALLS; i++)
		services_gone(&t.s, i);
	qrexec_bed_close(&t.bed);
	ctl_bed_close(&t.ctl);
}

static struct qrexec_bed_chan *call(const char *line)
{
	struct qrexec_bed_chan *d;

	while (qrexec_bed_hear(&t.bed, t.dom0))
		; /* ends of calls before */
	d = qrexec_bed_call(&t.bed, t.dom0, PORT, line);
	turn(0);
	return d;
}

/* The exit code; what was said is in t.out and t.err. */
static int end(struct qrexec_bed_chan *d)
{
	turn(0);
	return qrexec_bed_end(&t.bed, d, t.out, t.err, sizeof(t.out));
}

static int call_with(const char *line, const char *input)
{
	struct qrexec_bed_chan *d = call(line);

	/* some services end before they are told all */
	if (input[0])
		qrexec_bed_say(d, QREXEC_STDIN, input, strlen(input));
	qrexec_bed_say(d, QREXEC_STDIN, NULL, 0);
	return end(d);
}

/* ---- who may what ---------------------------------------------------------*/

static void N1_after_a_sleep_names_are_asked_for_anew(void)
{
	static const struct {
		const char *service;
		bool anew;
	} row[] = { { "qubes.SuspendPre", false },
		    { "qubes.SuspendPost", true },
		    { "qubes.SuspendPreAll", false },
		    { "qubes.SuspendPostAll", true } };
	char line[128];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint32_t gen;

		start();
		gen = t.s.apply->dns_gen;
		snprintf(line, sizeof(line), "root:QUBESRPC %s dom0",
			 row[i].service);
		CU_ASSERT_EQUAL(end(call(line)), 0);
		CU_ASSERT_EQUAL(t.s.apply->dns_gen != gen, row[i].anew);
		stop();
	}
}

static void who_may_call_what(void)
{
	static const struct {
		const char *service;
		bool all; /* whom the policy lets; else dom0 */
		const char *input;
	} row[] = {
		{ "vifwall.Status", true, NULL },
		{ "vifwall.Clients", true, NULL },
		{ "vifwall.Flows", true, NULL },
		{ "vifwall.Blocked", true, NULL },
		{ "vifwall.Rules", true, NULL },
		{ "vifwall.Names", true, NULL },
		{ "vifwall.Explain+work+1.1.1.1+tcp", true, NULL },
		{ "vifwall.Metrics", true, NULL },
		{ "vifwall.Kill+work", false, NULL },
		{ "vifwall.SetRules+10.0.0.5", false, "" },
		{ "vifwall.ClearRules+10.0.0.5", false, NULL },
		{ "qubes.SetDateTime", false, "2026-07-31T16:10:43+0000\n" },
		{ "qubes.WaitForSession", true, NULL },
		{ "qubes.WaitForRunningSystem", true, NULL },
		{ "qubes.WaitForNetworkUplink", true, NULL },
		{ "qubes.SuspendPre", false, NULL },
		{ "qubes.SuspendPost", false, NULL },
		{ "qubes.SuspendPreAll", false, NULL },
		{ "qubes.SuspendPostAll", false, NULL },
	};
	static const char *const caller[] = { "work", "dom0x", "Dom0", "dom" };
	char line[128];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		for (size_t k = 0; k < 4; k++) {
			struct qrexec_bed_chan *d;
			int code;

			start();
			t.up = true;
			snprintf(line, sizeof(line), "root:QUBESRPC %s %s",
				 row[i].service, caller[k]);
			d = call(line);
			if (row[i].all && t.shown)
				services_shown(&t.s, t.id, 0);
			code = end(d);
			CU_ASSERT_EQUAL(code, row[i].all ? 0 : QREXEC_REFUSED);
			if (!row[i].all)
				CU_ASSERT_PTR_NOT_NULL(
					strstr(t.err, " is for dom0 alone\n"));
			stop();
		}
		start();
		t.up = true;
		snprintf(line, sizeof(line), "root:QUBESRPC %s dom0",
			 row[i].service);
		if (row[i].input) {
			CU_ASSERT_EQUAL(call_with(line, row[i].input), 0);
		} else {
			struct qrexec_bed_chan *d = call(line);

			if (t.shown)
				services_shown(&t.s, t.id, 0);
			CU_ASSERT_EQUAL(end(d), 0);
		}
		stop();
	}
}

static void another_domain_that_says_it_is_dom0_is_not(void)
{
	struct qrexec_bed_chan *d;

	start();
	qrexec_bed_exec(t.dom0, QREXEC_EXEC_CMDLINE, 7, PORT,
			"root:QUBESRPC vifwall.Kill+work dom0");
	d = qrexec_bed_meet(&t.bed, 7, PORT);
	CU_ASSERT(qrexec_bed_hear(&t.bed, d));
	qrexec_bed_say_u32(d, QREXEC_HELLO, 3);
	CU_ASSERT_EQUAL(end(d), QREXEC_REFUSED);
	CU_ASSERT_EQUAL(t.shown, 0);
	stop();
}

static void what_there_is_not_is_refused_politely(void)
{
	static const char *const line[] = {
		"root:QUBESRPC qubes.VMShell dom0",
		"root:QUBESRPC qubes.VMRootShell dom0",
		"root:QUBESRPC qubes.VMExec+id dom0",
		"root:QUBESRPC qubes.Filecopy work",
		"root:QUBESRPC qubes.GetAppmenus dom0",
		"root:QUBESRPC vifwall dom0",
		"root:QUBESRPC vifwall.status dom0",
		"root:QUBESRPC ../../x dom0",
		"root:id",
		"user:nogui:/bin/sh -c reboot",
	};

	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		start();
		CU_ASSERT_EQUAL(end(call(line[i])), QREXEC_NO_SERVICE);
		CU_ASSERT_STRING_EQUAL(t.out, "");
		CU_ASSERT(strlen(t.err) > 10);
		stop();
	}
}

/* ---- what is shown --------------------------------------------------------*/

static void arguments_become_the_words_of_a_command(void)
{
	static const struct {
		const char *service, *line;
	} row[] = {
		{ "vifwall.Status", "vifwallctl status" },
		{ "vifwall.Status+", "vifwallctl status" },
		{ "vifwall.Status+--json", "vifwallctl status --json" },
		{ "vifwall.Flows+work", "vifwallctl flows work" },
		{ "vifwall.Flows+work+--json", "vifwallctl flows work --json" },
		{ "vifwall.Flows+--json+work", "vifwallctl flows --json work" },
		{ "vifwall.Rules+fd00__5", "vifwallctl rules fd00::5" },
		{ "vifwall.Rules+my_qube", "vifwallctl rules my_qube" },
		{ "vifwall.Names+work", "vifwallctl dns work" },
		{ "vifwall.Explain+work+1.1.1.1+tcp+443",
		  "vifwallctl explain work 1.1.1.1 tcp 443" },
		{ "vifwall.Explain+work+2001_db8__1+icmp",
		  "vifwallctl explain work 2001:db8::1 icmp" },
		{ "vifwall.Kill+10.0.0.5", "vifwallctl kill 10.0.0.5" },
		{ "vifwall.Status+work", NULL },
		{ "vifwall.Status+-x", NULL },
		{ "vifwall.Status+--socket=/etc/x", NULL },
		{ "vifwall.Blocked+--follow", NULL },
		{ "vifwall.Flows+a+b", NULL },
		{ "vifwall.Flows++a", NULL },
		{ "vifwall.Explain+work+1.1.1.1", NULL },
		{ "vifwall.Explain+a+b+c+d+e", NULL },
		{ "vifwall.Explain+a+b+c+d+e+f+g+h+i+j", NULL },
		{ "vifwall.Kill", NULL },
		{ "qubes.SuspendPre+x", NULL },
	};
	char line[128];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct qrexec_bed_chan *d;

		start();
		snprintf(line, sizeof(line), "root:QUBESRPC %s dom0",
			 row[i].service);
		d = call(line);
		if (row[i].line) {
			CU_ASSERT_STRING_EQUAL(t.line, row[i].line);
		} else {
			CU_ASSERT_EQUAL(t.shown, 0);
			CU_ASSERT_EQUAL(end(d), QREXEC_PROBLEM);
			CU_ASSERT_PTR_NOT_NULL(strstr(t.err,
						      "the argument is wrong; "
						      "allowed: "));
		}
		t.busy = false;
		stop();
	}
}

static void an_argument_of_any_length_is_refused(void)
{
	char line[900];

	start();
	memset(line, 'a', sizeof(line));
	memcpy(line, "root:QUBESRPC vifwall.Flows+", 28);
	memcpy(line + sizeof(line) - 6, " dom0", 6);
	CU_ASSERT_EQUAL(end(call(line)), QREXEC_PROBLEM);
	stop();
}

static void commands_are_shown_one_after_the_other(void)
{
	struct qrexec_bed_chan *d;
	uint32_t first;

	start();
	(void)call("root:QUBESRPC vifwall.Status dom0");
	d = qrexec_bed_call(&t.bed, t.dom0, 514,
			    "root:QUBESRPC vifwall.Flows work");
	(void)qrexec_bed_call(&t.bed, t.dom0, 515,
			      "root:QUBESRPC vifwall.Metrics dom0");
	CU_ASSERT_EQUAL(t.shown, 1);
	/* who waits may go */
	qrexec_bed_leave(d);
	turn(0);
	CU_ASSERT_EQUAL(t.hidden, 0);
	/* so may who is shown something */
	t.busy = false;
	first = t.id;
	services_shown(&t.s, first, 0);
	CU_ASSERT_EQUAL(t.shown, 2);
	CU_ASSERT_STRING_EQUAL(t.line, "vifwallctl metrics");
	qrexec_bed_leave(&t.bed.chan[t.bed.chans - 1]);
	turn(0);
	CU_ASSERT_EQUAL(t.hidden, 1);
	stop();
}

/* Who reads slowly or never would keep all others from being shown anything. */
static void who_does_not_read_what_is_shown_is_left(void)
{
	struct qrexec_bed_chan *d;

	start();
	d = call("root:QUBESRPC vifwall.Status work");
	(void)qrexec_bed_call(&t.bed, t.dom0, 514,
			      "root:QUBESRPC vifwall.Flows dom0");
	turn(SERVICE_SHOW_MS - 1);
	CU_ASSERT_EQUAL(t.hidden, 0);
	turn(1);
	CU_ASSERT_EQUAL(t.hidden, 1);
	CU_ASSERT_EQUAL(end(d), QREXEC_PROBLEM);
	t.busy = false;
	services_next(&t.s);
	CU_ASSERT_STRING_EQUAL(t.line, "vifwallctl flows");
	stop();
}

/* ---- Qubes' own -----------------------------------------------------------*/

static void waiting_for_the_uplink_has_an_end(void)
{
	struct qrexec_bed_chan *d;

	start();
	d = call("root:QUBESRPC qubes.WaitForNetworkUplink work");
	turn(SERVICE_UPLINK_MS / 2);
	CU_ASSERT_FALSE(d->closed);
	t.up = true;
	CU_ASSERT_EQUAL(end(d), 0);
	t.up = false;
	d = call("root:QUBESRPC qubes.WaitForNetworkUplink work");
	turn(SERVICE_UPLINK_MS);
	CU_ASSERT_EQUAL(end(d), 1);
	CU_ASSERT_STRING_EQUAL(t.err, "the uplink is not up\n");
	stop();
}

static void a_time_is_read_strictly(void)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: none */
	} row[] = {
		{ "1970-01-01T00:00:00+0000", 0 },
		{ "2015-07-31T16:10:43+0000", 1438359043 },
		{ "2015-07-31T16:10:43+00:00", 1438359043 },
		{ "2000-02-29T00:00:00+0000", 951782400 },
		{ "2024-12-31T23:59:59+0000", 1735689599 },
		{ "2038-01-19T03:14:08+0000", 2147483648 },
		{ "2100-03-01T00:00:00+0000", 4107542400 },
		{ "2100-02-29T00:00:00+0000", -1 },
		{ "2023-02-29T00:00:00+0000", -1 },
		{ "2015-13-01T00:00:00+0000", -1 },
		{ "2015-00-01T00:00:00+0000", -1 },
		{ "2015-04-31T00:00:00+0000", -1 },
		{ "2015-04-00T00:00:00+0000", -1 },
		{ "2015-07-31T24:00:00+0000", -1 },
		{ "2015-07-31T16:60:43+0000", -1 },
		{ "2015-07-31T16:10:60+0000", -1 },
		{ "1969-12-31T23:59:59+0000", -1 },
		{ "2015-07-31T16:10:43", -1 },
		{ "2015-07-31T16:10:43Z", -1 },
		{ "2015-07-31T16:10:43+0200", -1 },
		{ "2015-07-31T16:10:43+0000 ", -1 },
		{ " 2015-07-31T16:10:43+0000", -1 },
		{ "2015-7-31T16:10:43+0000", -1 },
		{ "2015-07-31 16:10:43+0000", -1 },
		{ "+015-07-31T16:10:43+0000", -1 },
		{ "2015-07-31T16:10:43+0000; reboot", -1 },
		{ "", -1 },
		{ "2", -1 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		int64_t got = -1;
		bool ok = service_time(&got, row[i].text, strlen(row[i].text));

		CU_ASSERT_EQUAL(ok, row[i].want >= 0);
		CU_ASSERT(!ok || got == row[i].want);
		for (size_t n = 0; ok && n < strlen(row[i].text); n++)
			CU_ASSERT_FALSE(service_time(&got, row[i].text, n));
	}
}

static void the_clock_is_set_when_it_is_off_by_more_than_2_seconds(void)
{
	static const int64_t now = 1438359043;
	static const struct {
		int off;
		bool set;
	} row[] = { { 0, false }, { 2, false }, { -2, false },
		    { 3, true },  { -3, true }, { 1000000, true } };

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		start();
		t.clock = now + row[i].off;
		CU_ASSERT_EQUAL(call_with("root:QUBESRPC qubes.SetDateTime "
					  "dom0",
					  "2015-07-31T16:10:43+0000\n"),
				0);
		CU_ASSERT_EQUAL(t.set, row[i].set);
		CU_ASSERT_EQUAL(t.clock, row[i].set ? now : now + row[i].off);
		stop();
	}
}

static void a_clock_that_is_not_ours_is_left_alone(void)
{
	start();
	t.s.ops = &leaves_clock;
	CU_ASSERT_EQUAL(call_with("root:QUBESRPC qubes.SetDateTime dom0",
				  "2015-07-31T16:10:43+0000\n"),
			0);
	CU_ASSERT_EQUAL(t.clock, 0);
	stop();
}

static void a_time_that_is_none_sets_nothing(void)
{
	static const char *const input[] = { "", "\n", "now\n",
					     "2015-07-31T16:10:43",
					     "\0332015\n" };

	for (size_t i = 0; i < 5; i++) {
		start();
		CU_ASSERT_EQUAL(call_with("root:QUBESRPC qubes.SetDateTime "
					  "dom0",
					  input[i]),
				1);
		CU_ASSERT_EQUAL(t.set, 0);
		CU_ASSERT_PTR_NULL(strchr(t.err, '\033'));
		stop();
	}
	start();
	t.set_err = -EPERM;
	CU_ASSERT_EQUAL(call_with("root:QUBESRPC qubes.SetDateTime dom0",
				  "2015-07-31T16:10:43+0000"),
			1);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.err, "EPERM"));
	stop();
}

/* ---- rules by hand --------------------------------------------------------*/

#define SET "root:QUBESRPC vifwall.SetRules+10.0.0.5 dom0"
#define CLEAR "root:QUBESRPC vifwall.ClearRules+10.0.0.5 dom0"

static const struct set *rules(void)
{
	return &t.ctl.apply.slot[1].set[RULE_IP4];
}

static bool by_hand(void)
{
	return t.ctl.apply.slot[1].by_hand[RULE_IP4];
}

static void dom0_sets_rules_and_takes_them_back(void)
{
	uint32_t number;

	start();
	CU_ASSERT_EQUAL(rules()->n, 1);
	CU_ASSERT_EQUAL(call_with(SET, "# for a while\n"
				       "\n"
				       "action=drop dst4=192.0.2.0/24\n"
				       "action=accept"),
			0);
	CU_ASSERT_STRING_EQUAL(t.err, "");
	CU_ASSERT(by_hand());
	CU_ASSERT_EQUAL_FATAL(rules()->n, 2);
	CU_ASSERT_STRING_EQUAL(set_line(rules(), 0, &number),
			       "action=drop dst4=192.0.2.0/24");
	CU_ASSERT_EQUAL(number, 3); /* its line */
	CU_ASSERT_EQUAL(t.ctl.apply.slot[1].set[RULE_IP6].n, 0);
	/* others in their place */
	CU_ASSERT_EQUAL(call_with(SET, "action=accept\n"), 0);
	CU_ASSERT_EQUAL(rules()->n, 1);
	CU_ASSERT(by_hand());
	CU_ASSERT_EQUAL(end(call(CLEAR)), 0);
	CU_ASSERT_FALSE(by_hand());
	CU_ASSERT_STRING_EQUAL(set_line(rules(), 0, &number),
			       "action=accept proto=tcp dstports=443-443");
	/* there is nothing to take back any more */
	CU_ASSERT_EQUAL(end(call(CLEAR)), 0);
	stop();
}

static void the_next_commit_ends_rules_set_by_hand(void)
{
	start();
	CU_ASSERT_EQUAL(call_with(SET, ""), 0);
	CU_ASSERT(by_hand());
	CU_ASSERT_EQUAL(rules()->n, 0);
	ctl_bed_key(&t.ctl, "/qubes-firewall/10.0.0.5/0003", "action=accept");
	CU_ASSERT(by_hand()); /* not yet committed */
	/* half of a set is not what is gone back to */
	CU_ASSERT_EQUAL(end(call(CLEAR)), 0);
	CU_ASSERT_EQUAL(rules()->state, SET_NONE);
	CU_ASSERT_EQUAL(call_with(SET, ""), 0);
	ctl_bed_rule(&t.ctl, "action=accept");
	CU_ASSERT_FALSE(by_hand());
	CU_ASSERT_EQUAL(rules()->n, 1);
	stop();
}

static void rules_with_a_mistake_change_nothing_and_say_where(void)
{
	static char big[700];
	static const struct {
		const char *input, *err;
	} row[] = {
		{ "action=accept colour=blue\n", "line 1, column 15: " },
		{ "\naction=accept\naction=maybe", "line 3, column 8: " },
		{ "action=accept dst6=::/0\n", "line 1, column " },
		{ "action=accept\n\x1b[2J\n", "line 2, column 1: " },
		{ big, "line 1, column 512: too long\n" },
	};

	memset(big, 'x', sizeof(big) - 1);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		start();
		CU_ASSERT_EQUAL(call_with(SET, row[i].input), 1);
		CU_ASSERT(!strncmp(t.err, row[i].err, strlen(row[i].err)));
		CU_ASSERT_PTR_NULL(strchr(t.err, '\033'));
		CU_ASSERT_FALSE(by_hand());
		CU_ASSERT_EQUAL(rules()->n, 1);
		CU_ASSERT_EQUAL(rules()->state, SET_GOOD);
		stop();
	}
}

static void input_may_come_in_any_pieces(void)
{
	static const char text[] = "action=drop dst4=192.0.2.1/32\n"
				   "action=accept\n";

	for (size_t cut = 0; cut < sizeof(text); cut++) {
		struct qrexec_bed_chan *d;

		start();
		d = call(SET);
		if (cut)
			qrexec_bed_say(d, QREXEC_STDIN, text, cut);
		if (cut < sizeof(text) - 1)
			qrexec_bed_say(d, QREXEC_STDIN, text + cut,
				       sizeof(text) - 1 - cut);
		CU_ASSERT_EQUAL(rules()->n, 1);
		qrexec_bed_say(d, QREXEC_STDIN, NULL, 0);
		CU_ASSERT_EQUAL(end(d), 0);
		CU_ASSERT_EQUAL(rules()->n, 2);
		stop();
	}
}

static void input_that_does_not_end_changes_nothing(void)
{
	struct qrexec_bed_chan *d;

	start();
	d = call(SET);
	qrexec_bed_say(d, QREXEC_STDIN, "action=accept\n", 14);
	turn(SERVICE_INPUT_MS);
	CU_ASSERT_EQUAL(end(d), QREXEC_PROBLEM);
	CU_ASSERT_FALSE(by_hand());
	d = call(SET);
	qrexec_bed_say(d, QREXEC_STDIN, "action=accept\n", 14);
	qrexec_bed_leave(d);
	turn(0);
	CU_ASSERT_FALSE(by_hand());
	CU_ASSERT_EQUAL(t.s.call[0].state, SERVICE_FREE);
	stop();
}

static void rules_are_set_for_clients_that_have_some(void)
{
	static const struct {
		const char *line;
		int code;
	} row[] = {
		{ "root:QUBESRPC vifwall.SetRules+10.0.0.9 dom0", 1 },
		{ "root:QUBESRPC vifwall.SetRules+work dom0", 1 },
		/* all of it is accepted, by settings */
		{ "root:QUBESRPC vifwall.SetRules+10.1.0.1 dom0", 1 },
		{ "root:QUBESRPC vifwall.ClearRules+10.0.0.9 dom0", 1 },
		{ "root:QUBESRPC vifwall.SetRules dom0", QREXEC_PROBLEM },
		{ "root:QUBESRPC vifwall.SetRules+fd00__5 dom0", 0 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		start();
		CU_ASSERT_EQUAL(call_with(row[i].line, "action=accept\n"),
				row[i].code);
		CU_ASSERT_FALSE(by_hand());
		CU_ASSERT_EQUAL(t.ctl.apply.slot[1].by_hand[RULE_IP6],
				!row[i].code);
		stop();
	}
}

static void a_call_without_streams_can_not_set_rules(void)
{
	struct qrexec_bed_chan *d;

	start();
	qrexec_bed_exec(t.dom0, QREXEC_JUST_EXEC, 0, PORT, SET);
	d = qrexec_bed_meet(&t.bed, 0, PORT);
	CU_ASSERT(qrexec_bed_hear(&t.bed, d));
	qrexec_bed_say_u32(d, QREXEC_HELLO, 3);
	CU_ASSERT(qrexec_bed_hear(&t.bed, d));
	CU_ASSERT_EQUAL(t.bed.type, QREXEC_EXIT_CODE);
	CU_ASSERT_EQUAL(t.bed.body[0], QREXEC_PROBLEM);
	CU_ASSERT_FALSE(by_hand());
	stop();
}

static void rules_set_by_hand_go_with_their_client(void)
{
	static struct conf other;

	start();
	CU_ASSERT_EQUAL(call_with(SET, "action=accept\n"), 0);
	other = t.ctl.conf;
	CU_ASSERT_EQUAL(
		pkt_addr_parse(&other.client[0].fw.addr[0], "10.0.0.8", 8), 0);
	apply_conf(&t.ctl.apply, &other);
	CU_ASSERT_FALSE(by_hand());
	CU_ASSERT_EQUAL(rules()->state, SET_NONE);
	stop();
}

UNIT_SUITE(service, UNIT(N1_after_a_sleep_names_are_asked_for_anew),
	   UNIT(who_may_call_what),
	   UNIT(another_domain_that_says_it_is_dom0_is_not),
	   UNIT(what_there_is_not_is_refused_politely),
	   UNIT(arguments_become_the_words_of_a_command),
	   UNIT(an_argument_of_any_length_is_refused),
	   UNIT(commands_are_shown_one_after_the_other),
	   UNIT(who_does_not_read_what_is_shown_is_left),
	   UNIT(waiting_for_the_uplink_has_an_end),
	   UNIT(a_time_is_read_strictly),
	   UNIT(the_clock_is_set_when_it_is_off_by_more_than_2_seconds),
	   UNIT(a_clock_that_is_not_ours_is_left_alone),
	   UNIT(a_time_that_is_none_sets_nothing),
	   UNIT(dom0_sets_rules_and_takes_them_back),
	   UNIT(the_next_commit_ends_rules_set_by_hand),
	   UNIT(rules_with_a_mistake_change_nothing_and_say_where),
	   UNIT(input_may_come_in_any_pieces),
	   UNIT(input_that_does_not_end_changes_nothing),
	   UNIT(rules_are_set_for_clients_that_have_some),
	   UNIT(a_call_without_streams_can_not_set_rules),
	   UNIT(rules_set_by_hand_go_with_their_client))
