/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vifwallctl with a daemon that does not behave, with none, and with words that
 * it does not know.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "firewall/cli/cli.h"
#include "mock/cli_bed.h"
#include "unit.h"

static struct cli_bed t;

/* ---- a daemon that says what it was told to say ---------------------------*/

static struct {
	char path[64];
	int fd, peer;
	/* Answers, one for each request; the last one again and again. */
	const char *says[4];
	size_t len[4]; /* 0: strlen */
	int n, asked;
	bool stay;	  /* does not hang up after the last one */
	char heard[1024]; /* the last request */
} fake;

static void fake_open(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	memset(&fake, 0, sizeof(fake));
	snprintf(fake.path, sizeof(fake.path), "/tmp/vifwall-fake-%d.sock",
		 getpid());
	strcpy(sa.sun_path, fake.path);
	fake.peer = -1;
	fake.fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CU_ASSERT_EQUAL_FATAL(
		bind(fake.fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fake.fd, 4), 0);
}

static void hang_up(void)
{
	if (fake.peer >= 0)
		close(fake.peer);
	fake.peer = -1;
}

static void fake_close(void)
{
	hang_up();
	close(fake.fd);
	unlink(fake.path);
}

static void answer(void)
{
	int i = fake.asked < fake.n ? fake.asked : fake.n - 1;
	size_t len = fake.len[i] ? fake.len[i] : strlen(fake.says[i]);

	CU_ASSERT_EQUAL(send(fake.peer, fake.says[i], len, MSG_NOSIGNAL),
			(ssize_t)len);
	if (++fake.asked >= fake.n && !fake.stay)
		hang_up();
}

static void serve(void *ctx)
{
	ssize_t n;

	(void)ctx;
	if (fake.peer < 0)
		fake.peer = accept4(fake.fd, NULL, NULL,
				    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fake.peer < 0)
		return;
	n = recv(fake.peer, fake.heard, sizeof(fake.heard) - 1, 0);
	if (n <= 0)
		return;
	fake.heard[n] = '\0';
	if (fake.n)
		answer();
	else
		hang_up();
}

static int tool(const char *line)
{
	const struct cli_daemon d = { .path = fake.path, .turn = serve };

	return cli_bed_run(&t, &d, line);
}

/* One answer to anything; the exit code. */
static int tool_hears(const char *line, const char *says, size_t len)
{
	int code;

	fake_open();
	fake.says[0] = says;
	fake.len[0] = len;
	fake.n = says ? 1 : 0;
	code = tool(line);
	fake_close();
	CU_ASSERT(cli_bed_harmless(&t));
	return code;
}

/* Every command that asks. */
static const char *const commands[] = {
	"status",  "clients", "flows",
	"rules",   "blocked", "drops",
	"reload",  "rules x", "explain work 1.2.3.4 tcp 80",
	"flows x", "drops x",
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* In both forms. */
static void each_command_hears(const char *says, size_t len, int code,
			       const char *err)
{
	char line[64];

	for (size_t i = 0; i < 2 * COMMANDS; i++) {
		snprintf(line, sizeof(line), "%s%s", commands[i / 2],
			 i & 1 ? " --json" : "");
		CU_ASSERT_EQUAL(tool_hears(line, says, len), code);
		CU_ASSERT(cli_bed_err_has(&t, err));
		CU_ASSERT(cli_bed_said(&t, ""));
	}
}

#define SILENT "vifwallctl: vifwalld does not answer\n"
#define BABBLE "vifwallctl: not understood: is vifwalld of another version?\n"

static void a_daemon_that_hangs_up_is_unreachable(void)
{
	each_command_hears(NULL, 0, CLI_UNREACHABLE, SILENT);
}

static void half_a_line_is_no_answer(void)
{
	each_command_hears("{\"schema\":1,\"reloaded\":true", 0,
			   CLI_UNREACHABLE, SILENT);
}

static void an_answer_that_is_none_is_not_shown(void)
{
	static const char *const says[] = {
		"\n",
		"hello\n",
		"{}\n",
		"[1]\n",
		"1\n",
		"{\"schema\":2}\n",
		"{\"schema\":\"1\"}\n",
		"{\"schema\":1}}\n",
		"{\"schema\":1,\"a\":[}\n",
		"{\"schema\":1,\"a\":\"\x1b[2J\"}\n",
		"{\"schema\":1,\"a\":\"\xc2\x9b\"}\n",
		"\x1b]0;owned\x07\n",
	};

	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
		each_command_hears(says[i], 0, CLI_INTERNAL, BABBLE);
	each_command_hears("{\"schema\":1,\0\"a\":1}\n", 20, CLI_INTERNAL,
			   BABBLE);
}

static void an_endless_answer_ends(void)
{
	static char much[CTL_ANSWER_MAX + 4096];

	memset(much, ' ', sizeof(much));
	CU_ASSERT_EQUAL(tool_hears("status", much, sizeof(much)),
			CLI_UNREACHABLE);
	memset(much, '[', 100);
	much[100] = '\n';
	CU_ASSERT_EQUAL(tool_hears("status", much, 101), CLI_INTERNAL);
}

static void pages_that_lead_nowhere_end(void)
{
	static const char page[] = "{\"schema\":1,\"list\":[],\"clients\":[],"
				   "\"next\":7}\n";

	for (size_t i = 0; i < 6; i++) {
		fake_open();
		fake.says[0] = page;
		fake.n = 1;
		fake.stay = true;
		CU_ASSERT_EQUAL(tool(commands[i]), CLI_INTERNAL);
		CU_ASSERT_EQUAL(fake.asked, 2);
		CU_ASSERT_PTR_NOT_NULL(strstr(fake.heard, " from=7\n"));
		CU_ASSERT(cli_bed_err_has(&t, BABBLE));
		fake_close();
	}
}

static void an_error_is_said_on_stderr(void)
{
	/* explain takes it for a mistake in its words, see test_cli.c */
	CU_ASSERT_EQUAL(tool_hears("status",
				   "{\"schema\":1,\"error\":\"no "
				   "\\u001b[2J \\\"x\\\"\"}\n",
				   0),
			CLI_NO);
	CU_ASSERT_STRING_EQUAL(t.err, "vifwallctl: no \\u001b[2J \"x\"\n");
	CU_ASSERT_STRING_EQUAL(t.out, "");
}

/* Members of other types than the tool thinks, and none at all. */
static void what_is_missing_or_of_another_kind_is_shown_as_nothing(void)
{
	static const char *const says[] = {
		"{\"schema\":1}\n",
		"{\"schema\":1,\"clients\":7,\"list\":{\"a\":[1,{}]}}\n",
		"{\"schema\":1,\"clients\":[1,\"x\",null,[],{}],"
		"\"list\":[1,\"x\",null,[],{}],\"uplink\":[],\"flows\":3,"
		"\"ip4\":\"x\",\"ip6\":[]}\n",
		"{\"schema\":1,\"clients\":[{\"name\":{},\"ip4\":{\"source\":"
		"\"\\u009b\",\"open\":1,\"error\":[2]},\"addresses\":9}],"
		"\"list\":[{\"client\":[1],\"drops\":[4],\"reason\":5,"
		"\"last_ago\":\"x\",\"rule\":{},\"opener\":7}]}\n",
	};
	char line[64];

	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
		for (size_t k = 0; k < 2 * COMMANDS; k++) {
			snprintf(line, sizeof(line), "%s%s", commands[k / 2],
				 k & 1 ? " --json" : "");
			tool_hears(line, says[i], 0);
			CU_ASSERT(t.code >= 0 && t.code != CLI_INTERNAL);
		}
}

static void D10_strings_of_the_daemon_stay_escaped(void)
{
	static const char says[] =
		"{\"schema\":1,\"version\":\"\\u001b[2J\",\"client\":\"\\u009b"
		"\",\"clients\":[{\"name\":\"\\u001b]0;x\\u0007\",\"ip4\":{"
		"\"source\":\"\\u001b\",\"why\":\"\\u001b\"},\"addresses\":["
		"\"\\u000a\"]}],\"list\":[{\"client\":\"\\u001b\",\"reason\":"
		"\"spoof\\u001b\",\"src\":\"\\u001b\",\"remedy\":\"\\u001b\","
		"\"text\":\"\\u001b\",\"family\":\"ip4\",\"proto\":\"\\u001b"
		"\",\"drops\":{\"\\u001b\":1}}]}\n";

	for (size_t k = 0; k < COMMANDS; k++) {
		tool_hears(commands[k], says, 0);
		CU_ASSERT(t.code == CLI_OK || t.code == CLI_UNREACHABLE ||
			  t.code == CLI_NO);
	}
	tool_hears("status", says, 0);
	CU_ASSERT(cli_bed_has(&t, "\\u001b]0;x\\u0007"));
	tool_hears("blocked", says, 0);
	CU_ASSERT(cli_bed_has(&t, "spoof\\u001b (said it was \\u001b)"));
}

/* The tool waits 10 s by itself; here it is told to wait less. */
static int ask_hastily(void *arg)
{
	const struct timeval soon = { .tv_usec = 20000 };
	static struct ask a;
	int code = ask_open(&a, fake.path);

	(void)arg;
	if (code)
		return code;
	setsockopt(a.fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	code = ask(&a, "status");
	ask_close(&a);
	return code;
}

static void a_daemon_that_says_nothing_is_not_waited_for_forever(void)
{
	const struct cli_daemon d = { .turn = serve };

	for (int half = 0; half < 2; half++) {
		fake_open();
		fake.says[0] = half ? "{\"schema\":" : "";
		fake.n = 1;
		fake.stay = true;
		CU_ASSERT_EQUAL(cli_bed_call(&t, &d, ask_hastily, NULL),
				CLI_UNREACHABLE);
		CU_ASSERT(cli_bed_err_has(&t, SILENT));
		fake_close();
	}
}

/* ---- no daemon ------------------------------------------------------------*/

static void without_a_daemon_each_command_says_so(void)
{
	static const struct cli_daemon nobody = {
		.path = "/tmp/vifwall-nobody.sock"
	};
	char far[200] = "status --socket=/tmp/";

	for (size_t i = 0; i < COMMANDS; i++) {
		CU_ASSERT_EQUAL(cli_bed_run(&t, &nobody, commands[i]),
				CLI_UNREACHABLE);
		CU_ASSERT_STRING_EQUAL(
			t.err,
			"vifwallctl: /tmp/vifwall-nobody.sock: No such file or "
			"directory: vifwalld does not run here, or listens "
			"elsewhere (control.socket; --socket=PATH)\n");
	}
	memset(far + strlen(far), 'x', sizeof(far) - strlen(far) - 1);
	CU_ASSERT_EQUAL(cli_bed_run(&t, NULL, far), CLI_UNREACHABLE);
	CU_ASSERT(cli_bed_err_has(&t, "File name too long"));
}

static int ask_without_leave(void *arg)
{
	static struct ask a;

	(void)arg;
	if (setuid(65534))
		return 99;
	return ask_open(&a, fake.path);
}

static void who_may_not_ask_is_told_who_may(void)
{
	if (geteuid())
		return;
	fake_open();
	CU_ASSERT_EQUAL(cli_bed_call(&t, NULL, ask_without_leave, NULL),
			CLI_UNREACHABLE);
	CU_ASSERT(cli_bed_err_has(&t, "Permission denied: be root, or in the "
				      "group that control.group names\n"));
	fake_close();
}

/* ---- words ----------------------------------------------------------------*/

static const struct {
	const char *line;
	int code;
	const char *err;
} words[] = {
	{ "nonsense", CLI_USAGE, "nonsense: there is no such command" },
	{ "status x", CLI_USAGE, "status: other arguments are needed" },
	{ "flows a b", CLI_USAGE, "flows: other arguments are needed" },
	{ "status x", CLI_USAGE, "usage: vifwallctl status\n" },
	{ "explain", CLI_USAGE, "explain: other arguments are needed" },
	{ "explain", CLI_USAGE, "vifwallctl explain CLIENT DST PROTO [PORT" },
	{ "check", CLI_USAGE, "check: other arguments are needed" },
	{ "check a b", CLI_USAGE, "usage: vifwallctl check PATH" },
	{ "status --jsno", CLI_USAGE, "--jsno: there is no such option" },
	{ "status -j", CLI_USAGE, "-j: there is no such option" },
	{ "status --socket", CLI_USAGE, "--socket: there is no such option" },
	{ "blocked --since=", CLI_USAGE, "not a time; allowed: 90s, 10m" },
	{ "blocked --since=5", CLI_USAGE, "not a time" },
	{ "blocked --since=s", CLI_USAGE, "not a time" },
	{ "blocked --since=-5s", CLI_USAGE, "not a time" },
	{ "blocked --since=5sec", CLI_USAGE, "not a time" },
	{ "blocked --since=1000001s", CLI_USAGE, "not a time" },
	{ "blocked --since=99999999999999999999d", CLI_USAGE, "not a time" },
	{ "blocked --client=a\tb", CLI_USAGE, "not the name of a client" },
	{ "blocked --client=", CLI_USAGE, "not the name of a client" },
	{ "explain a\rb 1.2.3.4 tcp", CLI_USAGE, "not understood" },
	{ "blocked --since=90s --socket=/x", CLI_UNREACHABLE, "/x: " },
	{ "blocked --since=10m --socket=/x", CLI_UNREACHABLE, "/x: " },
	{ "blocked --since=2h --socket=/x", CLI_UNREACHABLE, "/x: " },
	{ "blocked --since=1d --socket=/x", CLI_UNREACHABLE, "/x: " },
	{ "", CLI_USAGE, "usage: vifwallctl [OPTION]... COMMAND" },
};

static void words_that_mean_nothing_are_refused(void)
{
	char name[400] = "rules ";

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		CU_ASSERT_EQUAL(cli_bed_run(&t, NULL, words[i].line),
				words[i].code);
		CU_ASSERT(cli_bed_err_has(&t, words[i].err));
		CU_ASSERT(cli_bed_said(&t, ""));
	}
	memset(name + strlen(name), 'n', 200);
	CU_ASSERT_EQUAL(cli_bed_run(&t, NULL, name), CLI_USAGE);
}

static void help_and_version_need_no_daemon(void)
{
	static const char *const lines[] = { "help", "--help", "-h",
					     "status --help" };

	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(cli_bed_run(&t, NULL, lines[i]), CLI_OK);
		CU_ASSERT(cli_bed_has(&t, "usage: vifwallctl [OPTION]..."));
		CU_ASSERT(cli_bed_has(&t, "\n  explain    CLIENT DST PROTO"));
		CU_ASSERT_STRING_EQUAL(t.err, "");
	}
	CU_ASSERT_EQUAL(cli_bed_run(&t, NULL, "status --version"), CLI_OK);
	CU_ASSERT_EQUAL(strncmp(t.out, "vifwallctl ", 11), 0);
}

static int write_nowhere(void *arg)
{
	char *argv[] = { (char[]){ "vifwallctl" }, (char[]){ "--version" },
			 NULL };

	(void)arg;
	if (!freopen("/dev/full", "w", stdout))
		return 99;
	return cli_run(2, argv);
}

static void output_that_is_lost_is_an_error(void)
{
	CU_ASSERT_EQUAL(cli_bed_call(&t, NULL, write_nowhere, NULL),
			CLI_OUTPUT);
	CU_ASSERT(cli_bed_err_has(
		&t, "vifwallctl: can't write: No space left on device\n"));
}

static int too_long(void *arg)
{
	static struct ask a = { .fd = -1 };
	char name[2 * CTL_LINE_MAX];

	(void)arg;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	return ask(&a, "rules client=%s", name) == CLI_USAGE &&
			       ask(&a, "status\nreload") == CLI_USAGE
		       ? CLI_USAGE
		       : CLI_OK;
}

static void no_request_is_longer_or_more_than_one(void)
{
	CU_ASSERT_EQUAL(cli_bed_call(&t, NULL, too_long, NULL), CLI_USAGE);
	CU_ASSERT(cli_bed_err_has(&t, "too long, or more than one line\n"));
}

UNIT_SUITE(cli_ask, UNIT(a_daemon_that_hangs_up_is_unreachable),
	   UNIT(half_a_line_is_no_answer),
	   UNIT(an_answer_that_is_none_is_not_shown),
	   UNIT(an_endless_answer_ends), UNIT(pages_that_lead_nowhere_end),
	   UNIT(an_error_is_said_on_stderr),
	   UNIT(what_is_missing_or_of_another_kind_is_shown_as_nothing),
	   UNIT(D10_strings_of_the_daemon_stay_escaped),
	   UNIT(a_daemon_that_says_nothing_is_not_waited_for_forever),
	   UNIT(without_a_daemon_each_command_says_so),
	   UNIT(who_may_not_ask_is_told_who_may),
	   UNIT(words_that_mean_nothing_are_refused),
	   UNIT(help_and_version_need_no_daemon),
	   UNIT(output_that_is_lost_is_an_error),
	   UNIT(no_request_is_longer_or_more_than_one))
