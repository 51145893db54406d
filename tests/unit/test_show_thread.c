/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operator's commands within the daemon: a thread asks, the process that
 * started it answers.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/cli/ask.h"
#include "firewall/control/show_thread.h"
#include "mock/ctl_bed.h"
#include "unit.h"

#define TURNS 2000

static struct ctl_bed b;
static struct show *s;
static char text[2][256 * 1024];

static void start(void)
{
	int err = 0;

	ctl_bed_open(&b);
	ctl_bed_rule(&b, "action=accept");
	s = show_start(&err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
}

static void stop(void)
{
	show_stop(s);
	ctl_bed_close(&b);
}

static int run(const char *const *argv)
{
	int pair[2], argc = 0, err;

	while (argv[argc])
		argc++;
	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	err = show_run(s, pair[0], argc, argv);
	if (err) {
		close(pair[0]);
		close(pair[1]);
	} else {
		ctl_adopt(&b.ctl, pair[1], b.now);
	}
	return err;
}

/* Answers and reads until it is over: its code; -1: it never is. */
static int take(size_t piece)
{
	struct pollfd p = { .fd = show_fd(s), .events = POLLIN };
	size_t len[2] = { 0, 0 }, n;
	enum show_stream to;
	char buf[4096];
	int code;

	for (int i = 0; i < TURNS; i++) {
		(void)poll(&p, 1, 5);
		show_woken(s);
		ctl_bed_turn(&b);
		while ((n = show_peek(s, &to, buf, piece)) > 0) {
			CU_ASSERT_FATAL(len[to] + n < sizeof(text[0]));
			memcpy(text[to] + len[to], buf, n);
			len[to] += n;
			show_take(s, n);
		}
		text[0][len[0]] = text[1][len[1]] = '\0';
		if (show_over(s, &code))
			return code;
	}
	return -1;
}

static const char *const status[] = { "vifwallctl", "status", NULL };
static const char *const metrics[] = { "vifwallctl", "metrics", NULL };

static void a_command_prints_what_it_prints_anywhere(void)
{
	static const char *const json[] = { "vifwallctl", "clients", "--json",
					    NULL };
	int code;

	start();
	CU_ASSERT_EQUAL(run(status), 0);
	CU_ASSERT_EQUAL(take(4096), CLI_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(text[SHOW_OUT], "\nwork    open, 1 "));
	CU_ASSERT_STRING_EQUAL(text[SHOW_ERR], "");
	CU_ASSERT_FALSE(show_over(s, &code));
	CU_ASSERT_EQUAL(run(json), 0);
	CU_ASSERT_EQUAL(take(1), CLI_OK);
	CU_ASSERT(!strncmp(text[SHOW_OUT], "{\"schema\":1,", 12));
	stop();
}

static void all_of_the_status_goes_where_it_is_wanted(void)
{
	struct ctl_host host = { .mode = "on", .put_back = 2, .who = "nft" };

	start();
	b.ctl.host = &host;
	CU_ASSERT_EQUAL(run(status), 0);
	CU_ASSERT_EQUAL(take(4096), CLI_OK);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text[SHOW_OUT],
		       "\nhost     rules on, NOT IN FORCE: this machine's "
		       "kernel may act beside us, put back 2 times (last "
		       "changed by nft)\n"));
	stop();
}

static void errors_go_to_the_other_stream(void)
{
	static const char *const flows[] = { "vifwallctl", "flows", "nobody",
					     NULL };
	static const char *const nothing[] = { "vifwallctl", "x", NULL };

	start();
	CU_ASSERT_EQUAL(run(flows), 0);
	CU_ASSERT_EQUAL(take(4096), CLI_NO);
	CU_ASSERT_PTR_NOT_NULL(strstr(text[SHOW_ERR], "there is no client"));
	CU_ASSERT_EQUAL(run(nothing), 0);
	CU_ASSERT_EQUAL(take(4096), CLI_USAGE);
	CU_ASSERT_STRING_EQUAL(text[SHOW_OUT], "");
	stop();
}

static void what_names_files_or_never_ends_is_refused(void)
{
	static const char *const line[][4] = {
		{ "vifwallctl", "check", "/etc/passwd", NULL },
		{ "vifwallctl", "blocked", "--follow", NULL },
	};

	start();
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(run(line[i]), 0);
		CU_ASSERT_EQUAL(take(4096), CLI_USAGE);
		CU_ASSERT_PTR_NOT_NULL(
			strstr(text[SHOW_ERR], "of the machine itself"));
	}
	stop();
}

static void one_runs_at_a_time(void)
{
	static const char *const many[] = {
		"1", "2", "3", "4", "5", "6", "7",
		"8", "9", "a", "b", "c", "d", NULL
	};
	static char big[SHOW_TEXT];
	const char *const large[] = { big, NULL };

	start();
	CU_ASSERT_EQUAL(run(many), -E2BIG);
	memset(big, 'x', sizeof(big) - 1);
	CU_ASSERT_EQUAL(run(status), 0);
	CU_ASSERT_EQUAL(run(large), -EBUSY);
	CU_ASSERT_EQUAL(take(4096), CLI_OK);
	CU_ASSERT_EQUAL(run(metrics), 0);
	CU_ASSERT_EQUAL(take(4096), CLI_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(text[SHOW_OUT], "\n# EOF\n"));
	stop();
}

/* More than its buffer holds, and nobody reads. */
static void what_nobody_wants_any_more_ends(void)
{
	int code;

	start();
	for (int n = 0; n < 4; n++)
		for (int r = 1; r < PKT_REASON_N; r++)
			b.view->client[n].drop[r] = 1;
	for (int i = 0; i < 3; i++) {
		bool over = false;

		CU_ASSERT_EQUAL(run(metrics), 0);
		for (int k = 0; k < 20 * i; k++)
			ctl_bed_turn(&b);
		show_drop(s);
		for (int k = 0; k < TURNS && !over; k++) {
			usleep(1000);
			ctl_bed_turn(&b);
			over = show_over(s, &code);
		}
		CU_ASSERT(over);
	}
	/* and the next one is as ever */
	CU_ASSERT_EQUAL(run(metrics), 0);
	CU_ASSERT_EQUAL(take(4096), CLI_OK);
	stop();
}

/* All of it may come between two looks of ours, which must not hide it. */
static void what_comes_between_two_looks_is_told(void)
{
	struct pollfd p = { .events = POLLIN };
	enum show_stream to;
	size_t n = 0;
	char buf[64];
	int code;

	start();
	p.fd = show_fd(s);
	CU_ASSERT_EQUAL(run(status), 0);
	for (int i = 0; i < TURNS && !n; i++) {
		usleep(1000);
		ctl_bed_turn(&b);
		n = show_peek(s, &to, buf, sizeof(buf));
	}
	CU_ASSERT(n > 0);
	usleep(20000);
	CU_ASSERT_FALSE(show_over(s, &code));
	CU_ASSERT_EQUAL(poll(&p, 1, 0), 1);
	show_woken(s);
	CU_ASSERT_EQUAL(take(4096), CLI_OK);
	stop();
}

static void it_ends_at_any_moment(void)
{
	for (int i = 0; i < 4; i++) {
		start();
		if (i)
			CU_ASSERT_EQUAL(run(metrics), 0);
		if (i > 1)
			ctl_bed_turn(&b);
		if (i > 2)
			usleep(2000);
		stop();
	}
}

UNIT_SUITE(show_thread, UNIT(a_command_prints_what_it_prints_anywhere),
	   UNIT(all_of_the_status_goes_where_it_is_wanted),
	   UNIT(errors_go_to_the_other_stream),
	   UNIT(what_names_files_or_never_ends_is_refused),
	   UNIT(one_runs_at_a_time), UNIT(what_nobody_wants_any_more_ends),
	   UNIT(what_comes_between_two_looks_is_told),
	   UNIT(it_ends_at_any_moment))
