/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns: host names in rules, for people.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "firewall/cli/cli.h"
#include "firewall/cli/table.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static void row(struct table *t, const struct jdoc *d, const struct jval *v,
		const char *addr, const char *source, const char *left)
{
	char text[JREAD_TEXT];
	const char *who = jtext(d, jget(d, v, "client"), text);

	if (who[0])
		table_add(t, "%s", who);
	else
		table_add(t, "%" PRIu64 " clients",
			  jnum(d, jget(d, v, "clients")));
	table_add(t, "%s", jtext(d, jget(d, v, "name"), text));
	table_add(t, "%s", addr);
	table_add(t, "%s", source);
	table_add(t, "%s", left);
	table_add(t, "%" PRIu64, jnum(d, jget(d, v, "answers")));
}

/* What there is to say of a name without addresses. */
static void without(struct table *t, const struct jdoc *d, const struct jval *v)
{
	char ip4[JREAD_TEXT], ip6[JREAD_TEXT], both[2 * JREAD_TEXT + 16];

	jtext(d, jget(d, v, "ip4"), ip4);
	jtext(d, jget(d, v, "ip6"), ip6);
	if (strcmp(ip4, ip6) != 0)
		snprintf(both, sizeof(both), "IPv4 %s, IPv6 %s", ip4, ip6);
	else
		snprintf(both, sizeof(both), "%s", ip4);
	row(t, d, v, "-", both, "-");
}

static void name(const struct ask *a, const struct jval *v, void *ctx)
{
	const struct jdoc *d = &a->doc;
	const struct jval *list = jget(d, v, "addresses"), *e = jfirst(d, list);
	char addr[JREAD_TEXT], source[JREAD_TEXT], u[UNIT_MAX];

	if (!e)
		without(ctx, d, v);
	for (; e; e = jnext(d, list, e)) {
		uint64_t left = jms(d, jget(d, e, "ttl_left"));

		row(ctx, d, v, jtext(d, jget(d, e, "address"), addr),
		    jtext(d, jget(d, e, "source"), source),
		    left ? unit_ms(u, left) : "-");
	}
}

static void head(const struct ask *a, void *ctx)
{
	(void)ctx;
	if (!jtrue(&a->doc, jget(&a->doc, jroot(&a->doc), "resolving")))
		fprintf(cli_out(),
			"host names are not resolved (names = off)\n");
}

int cli_dns(const struct cli *c, struct ask *a)
{
	static const char *const heads[] = {
		"FOR", "NAME", "ADDRESS", "SOURCE", ">TTL LEFT", ">ANSWERS"
	};
	char request[CTL_LINE_MAX];
	struct table t;
	int code;

	cli_request(c, "dns", request);
	if (c->json)
		return ask_json(a, request, "names");
	table_init(&t, heads, N(heads));
	code = ask_all(a, request, "names", head, name, &t);
	if (!code && !t.cells)
		fprintf(cli_out(), "no host names in rules\n");
	table_print(&t, cli_out());
	return code;
}
