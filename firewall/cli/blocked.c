/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was refused, and what in dom0 would let it pass.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "firewall/cli/cli.h"
#include "firewall/cli/table.h"

#define REMEDIES 8u
#define FOLLOW_S 1u

struct blocked {
	struct table t;
	uint64_t since_ms; /* what is older is left out */
	uint64_t told_ms;  /* the daemon's uptime at its last answer */
	bool follow;	   /* only what came since then */
	uint32_t remedies, left_out;
	char remedy[REMEDIES][JREAD_TEXT];
};

/* Kept once each; those of the newest refusals. */
static void remedy(struct blocked *b, const char *text)
{
	for (uint32_t i = 0; i < b->remedies; i++)
		if (!strcmp(b->remedy[i], text))
			return;
	if (b->remedies == REMEDIES) {
		b->left_out++;
		return;
	}
	snprintf(b->remedy[b->remedies++], JREAD_TEXT, "%s", text);
}

/* Before the rows: how far back do they matter? */
static void head(const struct ask *a, void *ctx)
{
	const struct jdoc *d = &a->doc;
	uint64_t now = jms(d, jget(d, jroot(d), "uptime"));
	struct blocked *b = ctx;

	/* another daemon since: all that it has is new */
	if (b->follow)
		b->since_ms = now < b->told_ms ? UINT64_MAX : now - b->told_ms;
	b->told_ms = now;
}

static bool is_wanted(const struct ask *a, const struct jval *r, void *ctx)
{
	const struct blocked *b = ctx;

	return jms(&a->doc, jget(&a->doc, r, "last_ago")) <= b->since_ms;
}

/* "policy", "rule 0003", "spoof-client (said 10.0.0.9)" */
static void reason(const struct jdoc *d, const struct jval *r, char *out,
		   size_t room)
{
	char t[2][JREAD_TEXT];

	jtext(d, jget(d, r, "reason"), t[0]);
	if (!strcmp(t[0], "rule") && jget(d, r, "rule"))
		snprintf(out, room, "rule %04" PRIu64,
			 jnum(d, jget(d, r, "rule")));
	else if (!strncmp(t[0], "spoof", 5))
		snprintf(out, room, "%s (said it was %s)", t[0],
			 jtext(d, jget(d, r, "src"), t[1]));
	else
		snprintf(out, room, "%s", t[0]);
}

static void row(const struct ask *a, const struct jval *r, void *ctx)
{
	const struct jdoc *d = &a->doc;
	const struct jval *type = jget(d, r, "icmp_type");
	uint64_t last = jms(d, jget(d, r, "last_ago"));
	struct blocked *b = ctx;
	char t[JREAD_TEXT], why[2 * JREAD_TEXT], u[UNIT_MAX];

	if (!is_wanted(a, r, b))
		return;
	reason(d, r, why, sizeof(why));
	table_add(&b->t, "%s ago", unit_ms(u, last));
	table_add(&b->t, "%" PRIu64, jnum(d, jget(d, r, "count")));
	table_add(&b->t, "%s", jtext(d, jget(d, r, "client"), t));
	table_add(&b->t, "%s", jtext(d, jget(d, r, "proto"), t));
	table_add(&b->t, "%s", jtext(d, jget(d, r, "dst"), t));
	if (type)
		table_add(&b->t, "type %" PRIu64, jnum(d, type));
	else
		table_add(&b->t, "%" PRIu64, jnum(d, jget(d, r, "port")));
	table_add(&b->t, "%s", why);
	if (jget(d, r, "remedy"))
		remedy(b, jtext(d, jget(d, r, "remedy"), t));
}

static void remedies(const struct blocked *b)
{
	if (!b->remedies)
		return;
	fprintf(cli_out(),
		"\nTo allow it, in dom0 (nothing of this was done):\n");
	for (uint32_t i = 0; i < b->remedies; i++)
		fprintf(cli_out(), "  %s\n", b->remedy[i]);
	if (b->left_out)
		fprintf(cli_out(),
			"  ... (%u older ones: vifwallctl blocked --json)\n",
			b->left_out);
}

static int once(struct ask *a, const char *request, struct blocked *b,
		bool json)
{
	static const char *const heads[] = { ">LAST", ">PACKETS", "FROM",
					     "PROTO", "TO",	  ">PORT",
					     "REASON" };
	int code;

	if (json)
		return ask_json_some(a, request, "list", head, is_wanted, b);
	b->remedies = b->left_out = 0;
	table_init(&b->t, heads, sizeof(heads) / sizeof(heads[0]));
	b->t.headless = b->follow;
	code = ask_all(a, request, "list", head, row, b);
	if (!code && !b->t.cells && !b->follow)
		fprintf(cli_out(), "nothing was refused\n");
	table_print(&b->t, cli_out());
	if (!b->follow)
		remedies(b);
	return code;
}

int cli_blocked(const struct cli *c, struct ask *a)
{
	static struct blocked b;
	char request[CTL_LINE_MAX];
	int code;

	cli_request(c, "blocked", request);
	b.since_ms = c->since_ms;
	code = once(a, request, &b, c->json);
	b.follow = true;
	while (!code && c->follow) {
		fflush(cli_out());
		sleep(FOLLOW_S);
		code = once(a, request, &b, c->json);
	}
	return code;
}
