/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flows, rules and drops, for people.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/cli/cli.h"
#include "firewall/cli/table.h"
#include "packet/pkt_verdict.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

const char *cli_end(const struct jdoc *d, const struct jval *o, const char *ip,
		    const char *port, char out[END_MAX])
{
	char t[JREAD_TEXT];

	jtext(d, jget(d, o, ip), t);
	if (!t[0])
		snprintf(out, END_MAX, "-");
	else
		snprintf(out, END_MAX,
			 strchr(t, ':') ? "[%s]:%" PRIu64 : "%s:%" PRIu64, t,
			 jnum(d, jget(d, o, port)));
	return out;
}

const char *cli_request(const struct cli *c, const char *what,
			char out[CTL_LINE_MAX])
{
	snprintf(out, CTL_LINE_MAX, "%s%s%.300s", what,
		 c->client ? " client=" : "", c->client ? c->client : "");
	return out;
}

/* ---- flows ----------------------------------------------------------------*/

static void flow(const struct ask *a, const struct jval *f, void *ctx)
{
	const struct jdoc *d = &a->doc;
	const struct jval *o = jget(d, f, "opener"),
			  *r = jget(d, f, "responder");
	const struct jval *rule = jget(d, f, "rule");
	struct table *t = ctx;
	char text[JREAD_TEXT], end[END_MAX], u[UNIT_MAX];

	table_add(t, "%s", jtext(d, jget(d, f, "client"), text));
	table_add(t, "%s", jtext(d, jget(d, f, "proto"), text));
	table_add(t, "%s", cli_end(d, o, "ip", "port", end));
	/* where it wanted to go; a redirected flow went elsewhere */
	if (jget(d, o, "sees_ip"))
		table_add(t, "%s", cli_end(d, o, "sees_ip", "sees_port", end));
	else
		table_add(t, "%s", cli_end(d, r, "ip", "port", end));
	table_add(t, "%" PRIu64, jnum(d, jget(d, r, "sees_port")));
	table_add(t, "%s", jtext(d, jget(d, f, "state"), text));
	table_add(t, "%s", unit_ms(u, jms(d, jget(d, f, "expires_in"))));
	if (rule && rule->type == JREAD_NUM)
		table_add(t, "%04" PRIu64, jnum(d, rule));
	else if (jget(d, f, "opening"))
		table_add(t, "%s", jtext(d, jget(d, f, "opening"), text));
	else
		table_add(t, "%s", rule ? "policy" : "-");
}

int cli_flows(const struct cli *c, struct ask *a)
{
	static const char *const heads[] = { "CLIENT",	 "PROTO", "FROM",
					     "TO",	 ">AS",	  "STATE",
					     ">EXPIRES", "RULE" };
	char request[CTL_LINE_MAX];
	struct table t;
	int code;

	cli_request(c, "flows", request);
	if (c->json)
		return ask_json(a, request, "list");
	table_init(&t, heads, N(heads));
	code = ask_all(a, request, "list", NULL, flow, &t);
	if (!code && !t.cells)
		fprintf(cli_out(), "no flows\n");
	table_print(&t, cli_out());
	return code;
}

/* ---- rules ----------------------------------------------------------------*/

static void set_head(const struct jdoc *d, const char *family)
{
	const struct jval *set = jget(d, jroot(d), family);
	const struct jval *e = jget(d, set, "error");
	bool open = jtrue(d, jget(d, set, "open"));
	char t[3][JREAD_TEXT], u[UNIT_MAX];

	fprintf(cli_out(),
		"%s %s (%s): ", jtext(d, jget(d, jroot(d), "client"), t[0]),
		strcmp(family, "ip4") ? "IPv6" : "IPv4",
		jtext(d, jget(d, set, "source"), t[1]));
	if (open)
		fprintf(cli_out(), "open, %" PRIu64 " rules, then %s",
			jnum(d, jget(d, set, "count")),
			jtext(d, jget(d, set, "policy"), t[2]));
	else
		fprintf(cli_out(), "CLOSED: %s",
			jtext(d, jget(d, set, "why"), t[2]));
	if (jget(d, set, "since_ago"))
		fprintf(cli_out(), ", since %s",
			unit_ms(u, jms(d, jget(d, set, "since_ago"))));
	if (jtrue(d, jget(d, set, "by_hand")))
		fprintf(cli_out(), "; set by dom0's hand");
	if (jtrue(d, jget(d, set, "uncommitted")))
		fprintf(cli_out(), "; files changed since, not committed");
	fprintf(cli_out(), "\n");
	if (e)
		fprintf(cli_out(), "  rule %s, column %" PRIu64 ": %s\n",
			jtext(d, jget(d, e, "key"), t[0]),
			jnum(d, jget(d, e, "column")),
			jtext(d, jget(d, e, "why"), t[1]));
}

static void rule(const struct ask *a, const struct jval *r, void *ctx)
{
	const struct jdoc *d = &a->doc;
	const char *want = ctx;
	char t[2][JREAD_TEXT];

	if (strcmp(jtext(d, jget(d, r, "family"), t[0]), want))
		return;
	fprintf(cli_out(), "  %04" PRIu64 "  %s\n",
		jnum(d, jget(d, r, "number")),
		jtext(d, jget(d, r, "text"), t[1]));
}

static void profile_head(const struct jdoc *d)
{
	const struct jval *list = jget(d, jroot(d), "profile_rules");
	char t[2][JREAD_TEXT];
	uint32_t n = 0;

	if (!list)
		return;
	fprintf(cli_out(), "%s profile %s: asked first\n",
		jtext(d, jget(d, jroot(d), "client"), t[0]),
		jtext(d, jget(d, jroot(d), "profile"), t[1]));
	for (const struct jval *v = jfirst(d, list); v; v = jnext(d, list, v))
		fprintf(cli_out(), "  %4u  %s\n", ++n, jtext(d, v, t[0]));
}

static void family_head(const struct ask *a, void *ctx)
{
	char t[JREAD_TEXT];
	const struct jval *set = jget(&a->doc, jroot(&a->doc), ctx);

	if (!strcmp(ctx, "ip4"))
		profile_head(&a->doc);
	/* no address of that family: nothing to say */
	if (jtext(&a->doc, jget(&a->doc, set, "source"), t)[0])
		set_head(&a->doc, ctx);
}

static int rules_of(struct ask *a, const char *client, bool json)
{
	static char family[2][4] = { "ip4", "ip6" };
	char request[CTL_LINE_MAX];
	int code = CLI_OK;

	snprintf(request, sizeof(request), "rules client=%.300s", client);
	if (json)
		return ask_json(a, request, "list");
	for (int f = 0; f < 2 && !code; f++)
		code = ask_all(a, request, "list", family_head, rule,
			       family[f]);
	return code;
}

struct names {
	char (*name)[64];
	uint32_t n;
};

static void name(const struct ask *a, const struct jval *c, void *ctx)
{
	struct names *list = ctx;
	char t[JREAD_TEXT], (*more)[64];

	more = realloc(list->name, (list->n + 1) * sizeof(*more));
	if (!more)
		return;
	list->name = more;
	snprintf(more[list->n++], sizeof(*more), "%.63s",
		 jtext(&a->doc, jget(&a->doc, c, "name"), t));
}

/* As JSON: one object, on one line, for each client. */
int cli_rules(const struct cli *c, struct ask *a)
{
	struct names list = { .n = 0 };
	int code;

	if (c->client)
		return rules_of(a, c->client, c->json);
	code = ask_all(a, "clients", "clients", NULL, name, &list);
	for (uint32_t i = 0; i < list.n && !code; i++)
		code = rules_of(a, list.name[i], c->json);
	free(list.name);
	return code;
}

/* ---- drops ----------------------------------------------------------------*/

struct drop {
	uint64_t count;
	char client[64], reason[64];
};

struct drops {
	struct drop *row;
	uint32_t n;
};

static void drop(const struct ask *a, const struct jval *o, void *ctx)
{
	const struct jdoc *d = &a->doc;
	const struct jval *list = jget(d, o, "drops");
	struct drops *all = ctx;
	char t[JREAD_TEXT];

	/* only in objects do values come in pairs */
	if (!list || list->type != JREAD_OBJECT)
		return;
	for (const struct jval *k = jfirst(d, list); k;) {
		const struct jval *v = jnext(d, list, k);
		struct drop *more =
			realloc(all->row, (all->n + 1) * sizeof(*more));

		if (!more)
			return;
		all->row = more;
		more += all->n++;
		more->count = jnum(d, v);
		snprintf(more->client, sizeof(more->client), "%.63s",
			 jtext(d, jget(d, o, "client"), t));
		snprintf(more->reason, sizeof(more->reason), "%.63s",
			 jtext(d, k, t));
		k = jnext(d, list, v);
	}
}

static int most_first(const void *a, const void *b)
{
	const struct drop *x = a, *y = b;

	return (x->count < y->count) - (x->count > y->count);
}

/* The sentence of a reason; the daemon may know more than we do. */
static const char *sentence(const char *reason)
{
	for (int r = 0; r < PKT_REASON_N; r++)
		if (!strcmp(pkt_reason_name((enum pkt_reason)r), reason))
			return pkt_reason_text((enum pkt_reason)r);
	return "";
}

int cli_drops(const struct cli *c, struct ask *a)
{
	static const char *const heads[] = { ">PACKETS", "FROM", "REASON",
					     "WHICH MEANS" };
	struct drops all = { .n = 0 };
	char request[CTL_LINE_MAX];
	struct table t;
	int code;

	cli_request(c, "drops", request);
	if (c->json)
		return ask_json(a, request, "list");
	code = ask_all(a, request, "list", NULL, drop, &all);
	if (all.n)
		qsort(all.row, all.n, sizeof(all.row[0]), most_first);
	else if (!code)
		fprintf(cli_out(), "nothing was dropped\n");
	table_init(&t, heads, N(heads));
	for (uint32_t i = 0; i < all.n; i++) {
		table_add(&t, "%" PRIu64, all.row[i].count);
		table_add(&t, "%s", all.row[i].client);
		table_add(&t, "%s", all.row[i].reason);
		table_add(&t, "%s", sentence(all.row[i].reason));
	}
	free(all.row);
	table_print(&t, cli_out());
	return code;
}
