/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What vifwallctl says of itself: version and completion.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firewall/cli/cli.h"
#include "firewall/cli/jread.h"
#include "mock/cli_bed.h"
#include "unit.h"

static struct cli_bed t;

static void the_version_names_build_and_libraries(void)
{
	static struct jdoc doc;
	char text[JREAD_TEXT];

	CU_ASSERT_EQUAL(cli_bed_run(&t, NULL, "version"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "vifwallctl " VIFWALL_VERSION "\nbuild "));
	CU_ASSERT(cli_bed_has(&t, "libnftnl.so"));
	CU_ASSERT_EQUAL(cli_bed_run(&t, NULL, "--json version"), CLI_OK);
	CU_ASSERT_EQUAL_FATAL(jread(&doc, t.out, t.out_len - 1), 0);
	CU_ASSERT_STRING_EQUAL(jtext(&doc, jget(&doc, jroot(&doc), "version"),
				     text),
			       VIFWALL_VERSION);
	CU_ASSERT(jfirst(&doc, jget(&doc, jroot(&doc), "libraries")) != NULL);
}

static void is_completed(const struct cli_word *w, void *ctx)
{
	char part[64];

	snprintf(part, sizeof(part), " %s", w->name);
	CU_ASSERT(cli_bed_has(ctx, part));
	CU_ASSERT(w->help[0] != '\0');
}

static void every_command_and_option_is_completed(void)
{
	CU_ASSERT_EQUAL(cli_bed_run(&t, NULL, "completion"), CLI_OK);
	cli_each_command(is_completed, &t);
	CU_ASSERT(cli_bed_has(&t, " --json --socket= --client= --since= "));
	CU_ASSERT(cli_bed_has(&t, "complete -F _vifwallctl vifwallctl\n"));
}

/* What bash makes of it: words that begin as the last one does. */
static const struct {
	const char *words, *completed;
} lines[] = {
	{ "vifwallctl dr", "drops" },	  { "vifwallctl --json ch", "check" },
	{ "vifwallctl --js", "--json" },  { "vifwallctl vif s", "show" },
	{ "vifwallctl vif f", "follow" }, { "vifwallctl status x", "" },
};

static void bash_completes_words(void)
{
	char path[] = "/tmp/vifwall-about-XXXXXX", line[512], got[64];
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(cli_bed_run(&t, NULL, "completion"), CLI_OK);
	CU_ASSERT_EQUAL(write(fd, t.out, t.out_len), (ssize_t)t.out_len);
	close(fd);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		FILE *f;

		snprintf(line, sizeof(line),
			 "bash -c '. %s; COMP_WORDS=(%s); "
			 "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _vifwallctl; "
			 "printf %%s \"${COMPREPLY[*]}\"'",
			 path, lines[i].words);
		f = popen(line, "r");
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		memset(got, 0, sizeof(got));
		(void)!fread(got, 1, sizeof(got) - 1, f);
		CU_ASSERT_EQUAL(pclose(f), 0);
		CU_ASSERT_STRING_EQUAL(got, lines[i].completed);
	}
	unlink(path);
}

UNIT_SUITE(cli_about, UNIT(the_version_names_build_and_libraries),
	   UNIT(every_command_and_option_is_completed),
	   UNIT(bash_completes_words))
