/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics, for programs, and kill.
 */
#include <stdio.h>

#include "firewall/cli/cli.h"

static void line(const struct ask *a, const struct jval *v, void *ctx)
{
	char t[JREAD_TEXT];

	(void)ctx;
	fprintf(cli_out(), "%s\n", jtext(&a->doc, v, t));
}

int cli_metrics(const struct cli *c, struct ask *a)
{
	return c->json ? ask_json(a, "metrics", "lines")
		       : ask_all(a, "metrics", "lines", NULL, line, NULL);
}

int cli_kill(const struct cli *c, struct ask *a)
{
	char request[CTL_LINE_MAX], t[JREAD_TEXT];
	int code;

	if (!c->client) {
		fputs("vifwallctl: kill: which client?\n", cli_err());
		return CLI_USAGE;
	}
	code = ask(a, "%s", cli_request(c, "kill", request));
	if (code)
		return code;
	if (c->json)
		fprintf(cli_out(), "%.*s\n", (int)a->len, a->text);
	else
		fprintf(cli_out(), "all flows of %s were ended\n",
			jtext(&a->doc, jget(&a->doc, jroot(&a->doc), "ended"),
			      t));
	return CLI_OK;
}
