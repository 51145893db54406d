/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forwards: what may come to clients though they did not ask for it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "firewall/cli/cli.h"
#include "firewall/cli/table.h"

static void row(const struct ask *a, const struct jval *o, void *ctx)
{
	const struct jdoc *d = &a->doc;
	struct table *t = ctx;
	char text[JREAD_TEXT];

	table_add(t, "%s", jtext(d, jget(d, o, "name"), text));
	jtext(d, jget(d, o, "client"), text);
	table_add(t, "%s", text[0] ? text : "-");
	table_add(t, "%s", jtext(d, jget(d, o, "state"), text));
	table_add(t, "%s", jtext(d, jget(d, o, "text"), text));
}

int cli_forwards(const struct cli *c, struct ask *a)
{
	static const char *const heads[] = { "NAME", "CLIENT", "STATE",
					     "OPENING" };
	const struct jdoc *d = &a->doc;
	struct table t;
	uint64_t bad;
	int code;

	if (c->json)
		return ask_json(a, "forwards", "list");
	table_init(&t, heads, sizeof(heads) / sizeof(heads[0]));
	code = ask_all(a, "forwards", "list", NULL, row, &t);
	bad = code ? 0 : jnum(d, jget(d, jroot(d), "bad"));
	if (!code && !t.cells)
		fprintf(cli_out(), "nothing may come in unasked\n");
	table_print(&t, cli_out());
	if (bad)
		fprintf(cli_out(),
			"%" PRIu64 " can't be read; the log says why\n", bad);
	return code;
}
