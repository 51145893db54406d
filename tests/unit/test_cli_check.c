/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vifwallctl check: settings, rules directories, sets and rules, no daemon.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/cli/ask.h"
#include "firewall/cli/jread.h"
#include "mock/cli_bed.h"
#include "unit.h"

static struct cli_bed t;
static struct jdoc doc;
static char dir[] = "/tmp/vifwall-check-XXXXXX";

static void start(void)
{
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
}

static void stop(void)
{
	char line[64];

	CU_ASSERT(cli_bed_harmless(&t));
	snprintf(line, sizeof(line), "rm -r %s", dir);
	CU_ASSERT_EQUAL(system(line), 0);
}

/* Writes @text to @name below the directory, and its folders. */
static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static int check(const char *name)
{
	char line[256];

	snprintf(line, sizeof(line), "check %s/%s", dir, name);
	return cli_bed_run(&t, NULL, line);
}

/* Did it say @text about @name below the directory, and on which output? */
static bool said(const char *output, const char *name, const char *about)
{
	char want[512];

	snprintf(want, sizeof(want), "%s/%s%s", dir, name, about);
	if (!strstr(output, want))
		fprintf(stderr, "'%s' is not in:\n%s--\n", want, output);
	return strstr(output, want) != NULL;
}

static void settings_are_tried_as_at_the_start(void)
{
	start();
	put("good.conf", "uplink.port = tap:o\nuplink.ip = 192.0.2.2/24\n");
	CU_ASSERT_EQUAL(check("good.conf"), CLI_OK);
	CU_ASSERT(said(t.out, "good.conf", ": no error in these settings\n"));
	put("bad.conf", "nat.flowz = 1\nnat.flows = \x1b[2J\n");
	CU_ASSERT_EQUAL(check("bad.conf"), CLI_NO);
	CU_ASSERT(said(t.err, "bad.conf", ":1: nat.flowz: "));
	CU_ASSERT(said(t.err, "bad.conf", ":2: 'nat.flows = \\x1b[2J'"));
	CU_ASSERT(said(t.err, "bad.conf", ": 2 errors\n"));
	/* what only the whole can say */
	put("none.conf", "");
	CU_ASSERT_EQUAL(check("none.conf"), CLI_NO);
	CU_ASSERT(cli_bed_err_has(&t, "uplink.port is not set"));
	stop();
}

static void more_errors_than_fit_are_counted(void)
{
	char text[8000] = "";

	start();
	for (int i = 0; i < 500; i++)
		strcat(text, "nonsense = 1\n");
	put("bad.conf", text);
	CU_ASSERT_EQUAL(check("bad.conf"), CLI_NO);
	CU_ASSERT(said(t.err, "bad.conf", ": 500 errors\n"));
	CU_ASSERT_EQUAL(check("bad.conf --json"), CLI_NO);
	CU_ASSERT_EQUAL_FATAL(jread(&doc, t.out, t.out_len - 1), 0);
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, jroot(&doc), "errors_n")), 500);
	stop();
}

static void a_rules_directory_is_tried_as_a_whole(void)
{
	start();
	put("r/connected-ips", "10.0.0.5 10.0.0.6");
	put("r/qubes-firewall/10.0.0.5/policy", "drop\n");
	put("r/qubes-firewall/10.0.0.5/0000", "action=accept proto=tcp\n");
	put("r/qubes-firewall/fd00::5/policy", "drop");
	put("r/qubes-firewall/fd00::5/0000", "action=accept dst6=::/0");
	CU_ASSERT_EQUAL(check("r"), CLI_OK);
	CU_ASSERT(said(t.out, "r", ": no error in these rules\n"));
	put("r/qubes-firewall/10.0.0.5/0001", "action=accept dst6=::/0");
	put("r/qubes-firewall/fd00::5/0000", "action=maybe");
	put("r/connected-ips", "10.0.0.5 zebra");
	CU_ASSERT_EQUAL(check("r"), CLI_NO);
	CU_ASSERT(said(t.err, "r/qubes-firewall/10.0.0.5/0001:1:", ""));
	CU_ASSERT(said(t.err, "r/qubes-firewall/fd00::5/0000:1:8: ", ""));
	CU_ASSERT(said(t.err, "r/connected-ips{,6}: 1 words are no", ""));
	CU_ASSERT(said(t.err, "r: 3 errors\n", ""));
	stop();
}

static void one_set_is_of_the_family_of_its_name(void)
{
	start();
	put("10.0.0.5/policy", "drop");
	put("10.0.0.5/0000", "action=accept dst4=10.0.0.0/8");
	put("fd00::5/policy", "drop");
	put("fd00::5/0000", "action=accept dst6=fd00::/8");
	put("other/policy", "drop");
	put("other/0000", "action=accept dst4=10.0.0.0/8");
	CU_ASSERT_EQUAL(check("10.0.0.5"), CLI_OK);
	CU_ASSERT_EQUAL(check("10.0.0.5//"), CLI_OK);
	CU_ASSERT_EQUAL(check("fd00::5"), CLI_OK);
	CU_ASSERT_EQUAL(check("other"), CLI_OK);
	put("other/0001", "nonsense");
	CU_ASSERT_EQUAL(check("other"), CLI_NO);
	CU_ASSERT(said(t.err, "other/./0001:1:1: ", ""));
	CU_ASSERT(said(t.err, "other: 1 error\n", ""));
	/* a set without a policy is none */
	put("nopolicy/0000", "action=accept");
	CU_ASSERT_EQUAL(check("nopolicy"), CLI_NO);
	CU_ASSERT(said(t.err, "nopolicy/./policy: ", ""));
	stop();
}

static const struct {
	const char *name, *text;
	int code;
	const char *err;
} rules[] = {
	{ "0000", "action=accept proto=tcp dstports=1-2\n", CLI_OK, NULL },
	{ "0001", "action=accept dst4=10.0.0.0/8", CLI_OK, NULL },
	{ "0002", "action=accept dst6=fd00::/8", CLI_OK, NULL },
	{ "0003", "action=accept colour=blue", CLI_NO, ":1:15: " },
	{ "0004", "action=accept dst6=10.0.0.0/8", CLI_NO, ":1:" },
	{ "policy", "drop", CLI_OK, NULL },
	{ "policy", "accept\n", CLI_OK, NULL },
	{ "policy", "maybe", CLI_NO, ":1:1: " },
};

static void one_rule_is_tried_by_its_name(void)
{
	char *text;

	start();
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		put(rules[i].name, rules[i].text);
		CU_ASSERT_EQUAL(check(rules[i].name), rules[i].code);
		if (rules[i].err)
			CU_ASSERT(said(t.err, rules[i].name, rules[i].err));
	}
	text = calloc(1, 100000);
	memset(text, 'x', 99999);
	put("0005", text);
	free(text);
	CU_ASSERT_EQUAL(check("0005"), CLI_NO);
	CU_ASSERT(said(t.err, "0005", ": longer than a rule can be\n"));
	stop();
}

static void what_is_not_there_can_not_be_tried(void)
{
	start();
	CU_ASSERT_EQUAL(check("nothing"), CLI_USAGE);
	CU_ASSERT(said(t.err, "nothing: No such file or directory\n", ""));
	CU_ASSERT_EQUAL(check("nothing --json"), CLI_USAGE);
	CU_ASSERT_STRING_EQUAL(t.out, "");
	stop();
}

static void findings_as_json(void)
{
	const struct jval *o;

	start();
	put("0000", "action=accept col\x1bour");
	CU_ASSERT_EQUAL(check("0000 --json"), CLI_NO);
	CU_ASSERT_STRING_EQUAL(t.err, "");
	CU_ASSERT_EQUAL_FATAL(jread(&doc, t.out, t.out_len - 1), 0);
	o = jroot(&doc);
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, o, "schema")), CTL_SCHEMA);
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, o, "errors_n")), 1);
	CU_ASSERT(!jtrue(&doc, jget(&doc, o, "ok")));
	CU_ASSERT_PTR_NOT_NULL(jfirst(&doc, jget(&doc, o, "errors")));
	put("0000", "action=accept");
	CU_ASSERT_EQUAL(check("0000 --json"), CLI_OK);
	CU_ASSERT_EQUAL_FATAL(jread(&doc, t.out, t.out_len - 1), 0);
	CU_ASSERT(jtrue(&doc, jget(&doc, jroot(&doc), "ok")));
	stop();
}

UNIT_SUITE(cli_check, UNIT(settings_are_tried_as_at_the_start),
	   UNIT(more_errors_than_fit_are_counted),
	   UNIT(a_rules_directory_is_tried_as_a_whole),
	   UNIT(one_set_is_of_the_family_of_its_name),
	   UNIT(one_rule_is_tried_by_its_name),
	   UNIT(what_is_not_there_can_not_be_tried), UNIT(findings_as_json))
