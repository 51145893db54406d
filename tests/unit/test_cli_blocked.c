/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vifwallctl blocked and drops, against the control side as it is.
 */
#include <stdio.h>
#include <string.h>

#include "firewall/cli/ask.h"
#include "mock/cli_bed.h"
#include "unit.h"

static struct ctl_bed b;
static struct cli_bed t;
static struct jdoc doc;

static int tool(const char *line)
{
	return cli_bed_ask(&t, &b, line);
}

static void start(void)
{
	ctl_bed_open(&b);
	ctl_bed_block(&b, 0, 1, PKT_REASON_POLICY, 30000);
	ctl_bed_block(&b, 1, 1, PKT_REASON_RULE, 10000);
	ctl_bed_block(&b, 2, 0, PKT_REASON_SPOOF_UPLINK, 20000);
}

static void stop(void)
{
	CU_ASSERT(cli_bed_harmless(&t));
	ctl_bed_close(&b);
}

static uint32_t rows_of_line(const char *line)
{
	const struct jval *list;
	uint32_t n = 0;

	CU_ASSERT_EQUAL_FATAL(jread(&doc, line, strcspn(line, "\n")), 0);
	list = jget(&doc, jroot(&doc), "list");
	for (const struct jval *v = jfirst(&doc, list); v;
	     v = jnext(&doc, list, v))
		n++;
	return n;
}

#define HEADS "    LAST  PACKETS  FROM    PROTO  TO            PORT  REASON\n"

static void blocked_is_a_table_with_what_would_allow_it(void)
{
	start();
	CU_ASSERT_EQUAL(tool("blocked"), CLI_OK);
	CU_ASSERT(cli_bed_said(
		&t, HEADS
		"10 s ago        2  work    tcp    198.51.100.9   443  rule "
		"0007\n"
		"20 s ago        3  uplink  tcp    198.51.100.9   443  "
		"spoof-uplink (said it was 10.0.0.5)\n"
		"30 s ago        1  work    tcp    198.51.100.9   443  policy\n"
		"\n"
		"To allow it, in dom0 (nothing of this was done):\n"
		"  qvm-firewall work add --before 7 accept "
		"dsthost=198.51.100.9 proto=tcp dstports=443-443\n"
		"  qvm-firewall work add accept dsthost=198.51.100.9 "
		"proto=tcp dstports=443-443\n"));
	stop();
}

static void blocked_of_nobody_is_a_sentence(void)
{
	start();
	CU_ASSERT_EQUAL(tool("blocked nas"), CLI_OK);
	CU_ASSERT(cli_bed_said(&t, "nothing was refused\n"));
	CU_ASSERT_EQUAL(tool("blocked --since=1s"), CLI_OK);
	CU_ASSERT(cli_bed_said(&t, "nothing was refused\n"));
	stop();
}

static void icmp_has_a_type_and_no_remedy_is_said_twice(void)
{
	start();
	ctl_bed_block(&b, 1, 1, PKT_REASON_POLICY, 10000);
	b.view->blocked[2].proto = 1;
	b.view->blocked[2].dport = 8;
	CU_ASSERT_EQUAL(tool("blocked"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, " icmp   198.51.100.9  type 8  spoof"));
	CU_ASSERT_PTR_NULL(
		strstr(strstr(t.out, "qvm-firewall") + 1, "qvm-firewall"));
	stop();
}

static void only_so_many_remedies_are_told(void)
{
	start();
	for (uint32_t i = 0; i < 12; i++) {
		ctl_bed_block(&b, i, 1, PKT_REASON_POLICY, 1000 + i);
		b.view->blocked[i].dport = (uint16_t)(i + 1);
	}
	CU_ASSERT_EQUAL(tool("blocked"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "dstports=8-8\n  ... (4 older ones: "
				  "vifwallctl blocked --json)\n"));
	stop();
}

static void since_leaves_out_what_is_older_in_both_forms(void)
{
	start();
	CU_ASSERT_EQUAL(tool("blocked --since=15s"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "10 s ago"));
	CU_ASSERT_PTR_NULL(strstr(t.out, "20 s ago"));
	CU_ASSERT_EQUAL(tool("blocked --json"), CLI_OK);
	CU_ASSERT_EQUAL(rows_of_line(t.out), 3);
	CU_ASSERT_EQUAL(tool("blocked --json --since=20s"), CLI_OK);
	CU_ASSERT_EQUAL(rows_of_line(t.out), 2);
	CU_ASSERT_EQUAL(tool("blocked --json --since=1m"), CLI_OK);
	CU_ASSERT_EQUAL(rows_of_line(t.out), 3);
	stop();
}

/* ---- --follow -------------------------------------------------------------*/

static int answers; /* that the tool was given */

/* Time passes between two questions, and the daemon ends after the third. */
static void serve_follow(void *ctx)
{
	(void)ctx;
	if (!cli_bed_answered(&b))
		return;
	answers++;
	if (answers == 1) {
		/* one soon after the answer, the next question comes late */
		b.now = mono_add_ms(b.now, 1300);
		ctl_bed_block(&b, 3, 1, PKT_REASON_POLICY, 1250);
		b.view->blocked[3].dport = 7777;
	} else if (answers == 2) {
		b.now = mono_add_ms(b.now, 1100);
	} else {
		ctl_close(&b.ctl);
	}
}

static int follow(const char *line)
{
	const struct cli_daemon d = { .path = b.path, .turn = serve_follow };

	answers = 0;
	return cli_bed_run(&t, &d, line);
}

static void follow_shows_each_refusal_once_until_the_daemon_ends(void)
{
	const char *later;

	start();
	CU_ASSERT_EQUAL(follow("blocked --follow --since=15s"),
			CLI_UNREACHABLE);
	CU_ASSERT_EQUAL(answers, 3);
	CU_ASSERT(cli_bed_has(&t, "10 s ago"));
	later = strstr(t.out, "7777");
	CU_ASSERT_PTR_NOT_NULL_FATAL(later);
	CU_ASSERT_PTR_NULL(strstr(later + 1, "7777"));
	/* the head stands there once */
	CU_ASSERT_PTR_NULL(strstr(strstr(t.out, "PACKETS") + 1, "PACKETS"));
	CU_ASSERT(cli_bed_err_has(&t, "vifwalld does not answer\n"));
	stop();
}

static void follow_as_json_is_an_object_for_each_answer(void)
{
	const char *line;

	start();
	CU_ASSERT_EQUAL(follow("blocked --follow --json --since=15s"),
			CLI_UNREACHABLE);
	line = t.out;
	CU_ASSERT_EQUAL(rows_of_line(line), 1);
	line = strchr(line, '\n') + 1;
	CU_ASSERT_EQUAL(rows_of_line(line), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "7777"));
	line = strchr(line, '\n') + 1;
	CU_ASSERT_EQUAL(rows_of_line(line), 0);
	stop();
}

/* ---- drops ----------------------------------------------------------------*/

static void drops_come_most_first_with_what_they_mean(void)
{
	start();
	CU_ASSERT_EQUAL(tool("drops"), CLI_OK);
	CU_ASSERT(cli_bed_said(&t, "nothing was dropped\n"));
	b.view->client[1].drop[PKT_REASON_TTL] = 4;
	b.view->client[1].drop[PKT_REASON_RULE] = 9;
	b.view->client[0].drop[PKT_REASON_SPOOF_UPLINK] = 700;
	CU_ASSERT_EQUAL(tool("drops"), CLI_OK);
	CU_ASSERT(cli_bed_said(
		&t,
		"PACKETS  FROM    REASON        WHICH MEANS\n"
		"    700  uplink  spoof-uplink  client or own address as "
		"source from the uplink\n"
		"      9  work    rule          refused by a rule\n"
		"      4  work    ttl           TTL or hop limit used up\n"));
	CU_ASSERT_EQUAL(tool("drops work"), CLI_OK);
	CU_ASSERT_PTR_NULL(strstr(t.out, "uplink"));
	CU_ASSERT_EQUAL(tool("drops --json"), CLI_OK);
	CU_ASSERT_EQUAL(rows_of_line(t.out), 2);
	stop();
}

/* The process that touches packets writes the view; it may be anybody's. */
static void R136_nonsense_in_the_view_is_harmless(void)
{
	static const char *const lines[] = { "blocked",	       "drops",
					     "status",	       "clients",
					     "blocked --json", "drops --json" };

	start();
	memset(b.view->blocked, 0xee, sizeof(b.view->blocked));
	for (uint32_t i = 0; i < VIEW_BLOCKED_N; i++)
		b.view->blocked[i].seq = 0;
	memset(b.view->client, 0xee,
	       (b.conf.clients + 1u) * sizeof(b.view->client[0]));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		CU_ASSERT_EQUAL(tool(lines[i]), CLI_OK);
		CU_ASSERT(cli_bed_harmless(&t));
	}
	stop();
}

UNIT_SUITE(cli_blocked, UNIT(blocked_is_a_table_with_what_would_allow_it),
	   UNIT(blocked_of_nobody_is_a_sentence),
	   UNIT(icmp_has_a_type_and_no_remedy_is_said_twice),
	   UNIT(only_so_many_remedies_are_told),
	   UNIT(since_leaves_out_what_is_older_in_both_forms),
	   UNIT(follow_shows_each_refusal_once_until_the_daemon_ends),
	   UNIT(follow_as_json_is_an_object_for_each_answer),
	   UNIT(drops_come_most_first_with_what_they_mean),
	   UNIT(R136_nonsense_in_the_view_is_harmless))
