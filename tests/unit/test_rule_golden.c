/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Golden files: tests/data/rules/NAME.in is a client's subtree and questions,
 * NAME.out what must become of each line.
 *
 *	family 4|6               begins a client
 *	dns ADDRESS...           DNS servers
 *	name NAME [ADDRESS...]   what a name stands for
 *	policy VALUE             as the key of that name
 *	NNNN RULE                as the key of that name
 *	? PROTO ADDRESS [N]      a packet: N is its port or ICMP type
 *	# remark
 *
 * UNIT_GOLDEN=write writes the .out files anew, to be read before committing.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mock/rule_kit.h"
#include "packet/pkt_verdict.h"
#include "unit.h"

#define DIR_NAME "tests/data/rules"

static void answer(struct rule_kit *k, const char *question, FILE *out)
{
	struct rule_answer a;
	uint32_t number;

	if (!k->set)
		rule_kit_build(k);
	a = rule_kit_ask(k, question);
	number = ruleset_number(k->set, a.idx);
	fprintf(out, "? %s: %s", question,
		a.action == RULE_ACCEPT ? "accept" : "drop");
	if (number == RULE_NUMBER_POLICY)
		fprintf(out, " by policy");
	else
		fprintf(out, " by %04u", number);
	if (a.reason != PKT_REASON_NONE)
		fprintf(out, " (%s)",
			pkt_reason_name((enum pkt_reason)a.reason));
	fputc('\n', out);
}

static void refused(const struct rule_kit *k, const char *key, FILE *out)
{
	fprintf(out, "%s refused at %u: %s\n", key, k->err.column, k->err.why);
}

static void read_rule(struct rule_kit *k, const char *key, const char *text,
		      FILE *out)
{
	char printed[RULE_TEXT_MAX];
	uint32_t number;

	if (rule_number_parse(&number, key, strlen(key))) {
		k->bad = true;
		fprintf(out, "%s is no key of a rule\n", key);
		return;
	}
	k->bad = false; /* to see each error of a file, not only the first */
	if (rule_kit_rule(k, number, text, strlen(text)))
		refused(k, key, out);
	else if (rule_print(printed, sizeof(printed), &k->rules[k->n - 1]) > 0)
		fprintf(out, "%s %s\n", key, printed);
}

static void list(struct rule_kit *k, const char *name, char *addrs)
{
	char *save = NULL;

	for (char *a = strtok_r(addrs, " ", &save); a;
	     a = strtok_r(NULL, " ", &save)) {
		if (name)
			rule_kit_name(k, name, a);
		else
			rule_kit_dns(k, a);
	}
}

/* Splits "key rest"; the rest may be empty. */
static char *split(char *line)
{
	char *space = strchr(line, ' ');

	if (!space)
		return line + strlen(line);
	*space = '\0';
	return space + 1;
}

static void run_line(struct rule_kit *k, char *line, FILE *out)
{
	bool bad = k->bad;
	char *rest;

	if (!*line || *line == '#') {
		fprintf(out, "%s\n", line);
		return;
	}
	if (*line != '?' && (*line < '0' || *line > '9') &&
	    strncmp(line, "policy", 6))
		fprintf(out, "%s\n", line);
	rest = split(line);
	if (!strcmp(line, "family")) {
		rule_kit_fini(k);
		rule_kit_init(k, *rest == '6' ? RULE_IP6 : RULE_IP4);
	} else if (!strcmp(line, "dns")) {
		list(k, NULL, rest);
	} else if (!strcmp(line, "name")) {
		char *addrs = split(rest);

		rule_kit_name(k, rest, NULL);
		list(k, rest, addrs);
	} else if (!strcmp(line, "policy")) {
		if (rule_kit_policy(k, rest, strlen(rest)))
			refused(k, "policy", out);
		else
			fprintf(out, "policy %s\n", rest);
	} else if (!strcmp(line, "?")) {
		answer(k, rest, out);
	} else {
		read_rule(k, line, rest, out);
		k->bad = k->bad || bad;
	}
}

static void run(FILE *in, FILE *out)
{
	static char line[RULE_TEXT_MAX + 16];
	struct rule_kit k;

	rule_kit_init(&k, RULE_IP4);
	while (fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		run_line(&k, line, out);
	}
	rule_kit_fini(&k);
}

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 16);

	if (!f || !fread(text, 1, (1 << 16) - 1, f))
		CU_FAIL("cannot read the golden file");
	if (f)
		fclose(f);
	return text;
}

/* Shows the first line that differs. */
static void compare(const char *name, const char *want, const char *got)
{
	int line = 1;

	while (*want && *want == *got) {
		line += *want == '\n';
		want++;
		got++;
	}
	if (*want != *got)
		printf("\n%s.out:%d: not as now:\n%.*s\n", name, line,
		       (int)strcspn(got, "\n"), got);
	CU_ASSERT_EQUAL(*want, *got);
}

static bool run_file(const char *name, const char *dot)
{
	char in_path[300], out_path[300], *got = NULL, *want;
	size_t got_len;
	const char *write = getenv("UNIT_GOLDEN");
	FILE *in, *out;

	snprintf(in_path, sizeof(in_path), DIR_NAME "/%s", name);
	snprintf(out_path, sizeof(out_path), DIR_NAME "/%.*s.out",
		 (int)(dot - name), name);
	in = fopen(in_path, "r");
	if (!in)
		return false;
	out = write && !strcmp(write, "write") ? fopen(out_path, "w")
					       : open_memstream(&got, &got_len);
	if (out)
		run(in, out);
	fclose(in);
	if (!out || fclose(out))
		return false;
	if (!got)
		return true;
	want = slurp(out_path);
	compare(name, want, got);
	free(want);
	free(got);
	return true;
}

static void every_golden_file_comes_out_as_written(void)
{
	DIR *d = opendir(DIR_NAME);
	struct dirent *e;
	int files = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(d); /* run from the top of the tree */
	while ((e = readdir(d))) {
		const char *dot = strrchr(e->d_name, '.');

		if (!dot || strcmp(dot, ".in"))
			continue;
		CU_ASSERT(run_file(e->d_name, dot));
		files++;
	}
	closedir(d);
	CU_ASSERT(files >= 6);
}

UNIT_SUITE(rule_golden, UNIT(every_golden_file_comes_out_as_written))
