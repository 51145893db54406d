/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain and reload.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "firewall/cli/cli.h"

/* "by line 12 (in=uplink ...)" and where that leads */
static void by_opening(const struct jdoc *d, const struct jval *o)
{
	const struct jval *by = jget(d, o, "opening");
	char t[2][JREAD_TEXT];

	if (by)
		fprintf(cli_out(), " by the opening %s\n  (%s)",
			jtext(d, jget(d, by, "name"), t[0]),
			jtext(d, jget(d, by, "text"), t[1]));
}

/* "by rule 0003 (action=accept)", "by the policy (drop)" */
static void by(const struct jdoc *d, const struct jval *o)
{
	const struct jval *rule = jget(d, o, "rule");
	char t[JREAD_TEXT], name[JREAD_TEXT];

	if (jget(d, o, "profile"))
		fprintf(cli_out(),
			" by rule %" PRIu64 " of the profile %s (%s)",
			jnum(d, jget(d, o, "profile_rule")),
			jtext(d, jget(d, o, "profile"), name),
			jtext(d, jget(d, o, "text"), t));
	if (!rule)
		return;
	if (rule->type == JREAD_NUM)
		fprintf(cli_out(), " by rule %04" PRIu64 " (%s)", jnum(d, rule),
			jtext(d, jget(d, o, "text"), t));
	else
		fprintf(cli_out(), " by the policy (%s), as no rule matches",
			jtext(d, jget(d, o, "text"), t));
}

static void what(const struct jdoc *d, const struct jval *o)
{
	const struct jval *type = jget(d, o, "icmp_type");
	char t[3][JREAD_TEXT];

	fprintf(cli_out(), "%s", jtext(d, jget(d, o, "client"), t[0]));
	if (jget(d, o, "src"))
		fprintf(cli_out(), " (%s)", jtext(d, jget(d, o, "src"), t[1]));
	fprintf(cli_out(), " to %s, %s", jtext(d, jget(d, o, "dst"), t[1]),
		jtext(d, jget(d, o, "proto"), t[2]));
	if (type)
		fprintf(cli_out(), " type %" PRIu64, jnum(d, type));
	else if (!strcmp(t[2], "tcp") || !strcmp(t[2], "udp"))
		fprintf(cli_out(), " port %" PRIu64,
			jnum(d, jget(d, o, "port")));
}

static void print(const struct jdoc *d, bool pass)
{
	const struct jval *o = jroot(d);
	char t[3][JREAD_TEXT], end[END_MAX];

	what(d, o);
	fprintf(cli_out(), ": %s", pass ? "ACCEPTED" : "REFUSED");
	by(d, o);
	by_opening(d, o);
	if (!pass) {
		fprintf(cli_out(), "\n  %s: %s\n  the client is sent %s\n",
			jtext(d, jget(d, o, "reason"), t[0]),
			jtext(d, jget(d, o, "why"), t[1]),
			jtext(d, jget(d, o, "told"), t[2]));
		return;
	}
	fprintf(cli_out(), "\n  leaves by %s",
		jtext(d, jget(d, o, "to"), t[0]));
	if (jget(d, o, "opening"))
		fprintf(cli_out(), " to %s",
			cli_end(d, jget(d, o, "opening"), "ip", "port", end));
	if (jget(d, o, "as"))
		fprintf(cli_out(), " as %s", jtext(d, jget(d, o, "as"), t[1]));
	if (jtrue(d, jget(d, o, "hairpin")))
		fprintf(cli_out(),
			" and comes back,\n  to a client that has asked for "
			"that outside port and is allowed both ways");
	fprintf(cli_out(), "\n");
}

int cli_explain(const struct cli *c, struct ask *a)
{
	const char *port = c->argc >= 4 ? c->argv[3] : "0";
	const char *src = c->argc == 5 ? c->argv[4] : "";
	const struct jdoc *d = &a->doc;
	char t[JREAD_TEXT];
	bool pass;
	int code;

	if (c->argc < 3 || c->argc > 5) {
		fputs("usage: vifwallctl explain CLIENT DST PROTO [PORT "
		      "[SRC]]\n",
		      cli_err());
		return CLI_USAGE;
	}
	/* ping is what people mean */
	if (c->argc == 3 && !strcmp(c->argv[2], "icmp"))
		port = strchr(c->argv[1], ':') ? "128" : "8";
	code = ask(a, "explain client=%s dst=%s proto=%s port=%s%s%s",
		   c->argv[0], c->argv[1], c->argv[2], port,
		   src[0] ? " src=" : "", src);
	/* a question that is none: nothing was explained */
	if (code == CLI_NO)
		return CLI_USAGE;
	if (code)
		return code;
	pass = !strcmp(jtext(d, jget(d, jroot(d), "verdict"), t), "accept");
	if (c->json)
		fprintf(cli_out(), "%.*s\n", (int)a->len, a->text);
	else
		print(d, pass);
	return pass ? CLI_OK : CLI_NO;
}

int cli_reload(const struct cli *c, struct ask *a)
{
	const struct jdoc *d = &a->doc;
	int code = ask(a, "reload");
	const struct jval *list;
	char t[JREAD_TEXT];

	if (code && code != CLI_NO)
		return code;
	if (c->json)
		fprintf(cli_out(), "%.*s\n", (int)a->len, a->text);
	else if (!code)
		fprintf(cli_out(), "settings and rules were read again\n");
	if (!code)
		return code;
	list = jget(d, jroot(d), "errors");
	/* the first was printed already */
	for (const struct jval *v = jfirst(d, list); v;) {
		v = jnext(d, list, v);
		if (v)
			fprintf(cli_err(), "vifwallctl: %s\n", jtext(d, v, t));
	}
	fputs("vifwallctl: nothing was changed\n", cli_err());
	return code;
}
