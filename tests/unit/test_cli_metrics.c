/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `metrics` in the OpenMetrics format, `kill`, and rules that were set by hand,
 * as an operator sees them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/cli/ask.h"
#include "mock/cli_bed.h"
#include "unit.h"

static struct ctl_bed b;
static struct cli_bed t;

static int tool(const char *line)
{
	return cli_bed_ask(&t, &b, line);
}

static void start(void)
{
	ctl_bed_open(&b);
	ctl_bed_rule(&b, "action=accept proto=tcp dstports=443-443");
}

static void stop(void)
{
	CU_ASSERT(cli_bed_harmless(&t));
	ctl_bed_close(&b);
}

/* ---- metrics --------------------------------------------------------------*/

#define FAMILIES 64

struct parsed {
	char family[FAMILIES][64], type[FAMILIES][16];
	int families, samples;
	bool helped, eof;
};

static bool may_follow(const char *type, const char *suffix)
{
	if (!strcmp(type, "counter"))
		return !strcmp(suffix, "_total");
	if (!strcmp(type, "info"))
		return !strcmp(suffix, "_info");
	return !strcmp(type, "gauge") && !suffix[0];
}

static bool is_new(const struct parsed *p, const char *name)
{
	for (int i = 0; i < p->families; i++)
		if (!strcmp(p->family[i], name))
			return false;
	return true;
}

/* A line of the format; false: it is none, or may not stand there. */
static bool parse_line(struct parsed *p, const char *line)
{
	char name[64], rest[200], *end;
	const char *family, *value;
	size_t len;

	if (p->eof)
		return false;
	if (!strcmp(line, "# EOF"))
		return p->eof = true;
	if (sscanf(line, "# TYPE %63s %15s", name, rest) == 2) {
		if (!is_new(p, name) || p->families == FAMILIES)
			return false;
		snprintf(p->family[p->families], 64, "%.63s", name);
		snprintf(p->type[p->families++], 16, "%.15s", rest);
		return true;
	}
	if (!p->families)
		return false;
	family = p->family[p->families - 1];
	if (sscanf(line, "# HELP %63s %199[^\n]", name, rest) == 2)
		return !strcmp(name, family);
	if (sscanf(line, "# UNIT %63s %199s", name, rest) == 2)
		return !strcmp(name, family) && strstr(name, rest);
	len = strcspn(line, "{ ");
	if (len < strlen(family) || strncmp(line, family, strlen(family)) != 0)
		return false;
	snprintf(rest, sizeof(rest), "%.*s", (int)(len - strlen(family)),
		 line + strlen(family));
	if (!may_follow(p->type[p->families - 1], rest))
		return false;
	value = strrchr(line, ' ');
	p->samples++;
	return value && strtoull(value + 1, &end, 10) < UINT64_MAX && !*end &&
	       (line[len] != '{' || value[-1] == '}');
}

static void check(struct parsed *p)
{
	memset(p, 0, sizeof(*p));
	for (char *at = t.out, *nl; (nl = strchr(at, '\n')); at = nl + 1) {
		char line[512];

		snprintf(line, sizeof(line), "%.*s", (int)(nl - at), at);
		if (parse_line(p, line))
			continue;
		fprintf(stderr, "not in the format: %s\n", line);
		CU_FAIL("a line is not in the format");
	}
	CU_ASSERT(p->eof);
}

static void metrics_are_in_the_openmetrics_format(void)
{
	static struct parsed p;

	start();
	b.view->client[1].from_packets = 5;
	b.view->client[1].to_bytes = 99;
	b.view->client[1].drop[PKT_REASON_POLICY] = 4;
	b.view->client[0].drop[PKT_REASON_NO_FLOW] = 2;
	CU_ASSERT_EQUAL(tool("metrics"), CLI_OK);
	check(&p);
	CU_ASSERT(p.families > 15);
	CU_ASSERT(cli_bed_has(&t, "\nvifwall_uplink_up 1\n"));
	CU_ASSERT(cli_bed_has(&t, "\nvifwall_flows{proto=\"tcp\"} 3\n"));
	CU_ASSERT(cli_bed_has(&t, "\nvifwall_client_packets_total{"
				  "client=\"work\",direction=\"from\"} 5\n"));
	CU_ASSERT(cli_bed_has(&t, "\nvifwall_client_bytes_total{"
				  "client=\"work\",direction=\"to\"} 99\n"));
	CU_ASSERT(cli_bed_has(&t, "\nvifwall_drops_total{client=\"work\","
				  "reason=\"policy\"} 4\n"));
	CU_ASSERT(cli_bed_has(&t, "\nvifwall_drops_total{client=\"uplink\","
				  "reason=\"no-flow\"} 2\n"));
	CU_ASSERT_EQUAL(tool("metrics --json"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "\"# EOF\"]}\n"));
	stop();
}

static void metrics_without_data_have_no_figures_of_its(void)
{
	static struct parsed p;

	start();
	ctl_bed_data_down(&b);
	CU_ASSERT_EQUAL(tool("metrics"), CLI_OK);
	check(&p);
	CU_ASSERT(cli_bed_has(&t, "\nvifwall_data_up 0\n"));
	CU_ASSERT_PTR_NULL(strstr(t.out, "\nvifwall_flows{"));
	stop();
}

/* Every reason for every client: more than one answer holds. */
static void metrics_of_many_come_in_pages(void)
{
	static struct parsed p;
	uint32_t drops = 0;

	start();
	for (int r = 1; r < PKT_REASON_N; r++)
		for (int n = 0; n < 4; n++)
			b.view->client[n].drop[r] = UINT64_MAX - 1;
	for (int n = 0; n < 4; n++)
		memset(b.apply.slot[n].fw.name, n ? 'a' + n : 0,
		       n ? FW_NAME_MAX - 1 : 0);
	CU_ASSERT_EQUAL(tool("metrics"), CLI_OK);
	check(&p);
	for (char *at = t.out; (at = strstr(at, "vifwall_drops_total{")); at++)
		drops++;
	CU_ASSERT_EQUAL(drops, 4 * (PKT_REASON_N - 1));
	stop();
}

static void a_client_of_any_name_makes_no_label_of_its_own(void)
{
	static struct parsed p;

	start();
	snprintf(b.apply.slot[1].fw.name, FW_NAME_MAX, "a\"} 1\n\\b");
	CU_ASSERT_EQUAL(tool("metrics"), CLI_OK);
	check(&p);
	CU_ASSERT(cli_bed_has(&t, "{client=\"a_} 1__b\","));
	stop();
}

/* ---- kill -----------------------------------------------------------------*/

static void kill_ends_the_flows_of_one_client(void)
{
	start();
	CU_ASSERT_EQUAL(tool("kill nas"), CLI_OK);
	CU_ASSERT(cli_bed_said(&t, "all flows of nas were ended\n"));
	CU_ASSERT_EQUAL(b.ended, 2);
	CU_ASSERT_EQUAL(tool("kill --client=10.0.0.5 --json"), CLI_OK);
	CU_ASSERT(cli_bed_said(&t, "{\"schema\":1,\"ended\":\"work\"}\n"));
	CU_ASSERT_EQUAL(b.ended, 1);
	CU_ASSERT_EQUAL(tool("kill"), CLI_USAGE);
	CU_ASSERT_EQUAL(tool("kill nobody"), CLI_NO);
	CU_ASSERT_EQUAL(b.ended, 1);
	ctl_bed_data_down(&b);
	CU_ASSERT_EQUAL(tool("kill nas"), CLI_NO);
	CU_ASSERT(cli_bed_err_has(&t, "does not answer"));
	stop();
}

/* ---- rules by hand --------------------------------------------------------*/

static void rules_set_by_hand_are_shown_as_such(void)
{
	start();
	CU_ASSERT_EQUAL(tree_write(b.tree, "/x/policy", "drop", 4), 0);
	CU_ASSERT_EQUAL(tree_write(b.tree, "/x/0001", "action=accept", 13), 0);
	CU_ASSERT_EQUAL(tree_write(b.tree, "/x/0002", "action=drop", 11), 0);
	CU_ASSERT_EQUAL(apply_by_hand(&b.apply, 1, RULE_IP4, b.tree, "/x/",
				      NULL, NULL),
			0);
	ctl_bed_turn(&b);
	CU_ASSERT_EQUAL(tool("status"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "work    open, 2!"));
	CU_ASSERT(cli_bed_has(&t, "\nwork IPv4: rules that dom0 set by hand, "
				  "until it commits others\n"));
	CU_ASSERT_EQUAL(tool("rules work"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "; set by dom0's hand\n"));
	/* the next commit ends that */
	ctl_bed_rule(&b, "action=accept");
	CU_ASSERT_EQUAL(tool("status"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "work    open, 1 "));
	CU_ASSERT_PTR_NULL(strstr(t.out, "by hand"));
	stop();
}

UNIT_SUITE(cli_metrics, UNIT(metrics_are_in_the_openmetrics_format),
	   UNIT(metrics_without_data_have_no_figures_of_its),
	   UNIT(metrics_of_many_come_in_pages),
	   UNIT(a_client_of_any_name_makes_no_label_of_its_own),
	   UNIT(kill_ends_the_flows_of_one_client),
	   UNIT(rules_set_by_hand_are_shown_as_such))
