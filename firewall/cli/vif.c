/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vif: interfaces on Xen, for people.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "firewall/cli/cli.h"
#include "firewall/cli/table.h"
#include "firewall/cli/vif.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

struct list {
	struct table t;
	uint32_t n;
	char troubles[8192]; /* lines below the table */
	size_t len;
};

/* "connected 3 min" */
static void state(struct table *t, const struct jdoc *d, const struct jval *v,
		  const char *whose)
{
	char key[32], text[JREAD_TEXT], u[UNIT_MAX];

	snprintf(key, sizeof(key), "%s_for", whose);
	table_add(t, "%s %s", jtext(d, jget(d, v, whose), text),
		  unit_ms(u, jms(d, jget(d, v, key))));
}

static void words(const struct jdoc *d, const struct jval *list,
		  char out[JREAD_TEXT])
{
	char t[JREAD_TEXT];
	size_t n = 0;

	out[0] = '\0';
	for (const struct jval *v = jfirst(d, list); v && n < JREAD_TEXT;
	     v = jnext(d, list, v))
		n += (size_t)snprintf(out + n, JREAD_TEXT - n, "%s%s",
				      n ? " " : "", jtext(d, v, t));
}

static void one_line(const struct ask *a, const struct jval *v, void *ctx)
{
	const struct jdoc *d = &a->doc;
	const struct jval *rings = jget(d, v, "rings");
	struct list *l = ctx;
	size_t room = sizeof(l->troubles) - l->len;
	char name[JREAD_TEXT], t[JREAD_TEXT];
	int n;

	l->n++;
	table_add(&l->t, "%s", jtext(d, jget(d, v, "vif"), name));
	table_add(&l->t, "%s", jtext(d, jget(d, v, "client"), t));
	state(&l->t, d, v, "ours");
	state(&l->t, d, v, "theirs");
	table_add(&l->t, "%" PRIu64, jnum(d, jget(d, v, "strikes")));
	table_add(&l->t, "%" PRIu64, jnum(d, jget(d, rings, "queued")));
	words(d, jget(d, v, "addresses"), t);
	table_add(&l->t, "%s", t);
	jtext(d, jget(d, v, "trouble"), t);
	if (!t[0])
		return;
	n = snprintf(l->troubles + l->len, room, "%s: %s\n", name, t);
	if (n > 0 && (size_t)n < room)
		l->len += (size_t)n;
	else
		l->troubles[l->len] = '\0';
}

static int list(struct ask *a)
{
	static const char *const heads[] = { "VIF",	 "CLIENT",   "OURS",
					     "THEIRS",	 ">STRIKES", ">QUEUED",
					     "ADDRESSES" };
	static struct list l;
	int code;

	l = (struct list){ .n = 0 };
	table_init(&l.t, heads, N(heads));
	code = ask_all(a, "vifs", "vifs", NULL, one_line, &l);
	if (!code && !l.n)
		fprintf(cli_out(), "no vifs\n");
	table_print(&l.t, cli_out());
	if (l.len)
		fprintf(cli_out(), "\n%s", l.troubles);
	return code;
}

/* ---- one ------------------------------------------------------------------*/

struct show {
	const char *vif;
	bool found;
};

static void text_line(const struct jdoc *d, const struct jval *v,
		      const char *what, const char *key)
{
	char t[JREAD_TEXT];

	if (jtext(d, jget(d, v, key), t)[0])
		fprintf(cli_out(), "  %-11s %s\n", what, t);
}

static void state_line(const struct jdoc *d, const struct jval *v,
		       const char *whose, const char *key)
{
	char t[JREAD_TEXT], u[UNIT_MAX];

	fprintf(cli_out(), "  %-11s %s, for %s\n", whose,
		jtext(d, jget(d, v, whose), t),
		unit_ms(u, jms(d, jget(d, v, key))));
}

static void words_line(const struct jdoc *d, const struct jval *v,
		       const char *key)
{
	char t[JREAD_TEXT];

	words(d, jget(d, v, key), t);
	fprintf(cli_out(), "  %-11s %s\n", key, t[0] ? t : "none");
}

static void rings_lines(const struct jdoc *d, const struct jval *r)
{
	const struct jval *faults = jget(d, r, "faults");
	char t[JREAD_TEXT];

	if (!r)
		return;
	fprintf(cli_out(), "  %-11s %" PRIu64 " came, %" PRIu64 " taken\n",
		"tx requests", jnum(d, jget(d, r, "tx_prod")),
		jnum(d, jget(d, r, "tx_cons")));
	fprintf(cli_out(), "  %-11s %" PRIu64 " posted, %" PRIu64 " used\n",
		"rx requests", jnum(d, jget(d, r, "rx_prod")),
		jnum(d, jget(d, r, "rx_cons")));
	fprintf(cli_out(), "  %-11s %" PRIu64 " frames, %" PRIu64 " bytes\n",
		"queue", jnum(d, jget(d, r, "queued")),
		jnum(d, jget(d, r, "queued_bytes")));
	fprintf(cli_out(), "  %-11s %" PRIu64 "%s\n", "events",
		jnum(d, jget(d, r, "events")),
		jtrue(d, jget(d, r, "masked")) ? ", masked now" : "");
	fprintf(cli_out(),
		"  %-11s %" PRIu64 " coming in, %" PRIu64 " going out\n",
		"dropped", jnum(d, jget(d, r, "dropped_in")),
		jnum(d, jget(d, r, "dropped_out")));
	/* pairs: a name, then how often */
	for (const struct jval *k = jfirst(d, faults); k;) {
		const struct jval *n = jnext(d, faults, k);

		if (!n)
			break;
		fprintf(cli_out(), "  %-11s %s, %" PRIu64 " times\n", "fault",
			jtext(d, k, t), jnum(d, n));
		k = jnext(d, faults, n);
	}
}

static void in_full(const struct ask *a, const struct jval *v, void *ctx)
{
	const struct jdoc *d = &a->doc;
	struct show *s = ctx;
	char t[JREAD_TEXT];

	if (strcmp(jtext(d, jget(d, v, "vif"), t), s->vif))
		return;
	s->found = true;
	fprintf(cli_out(), "vif %s, we are the %s\n", s->vif,
		jtext(d, jget(d, v, "role"), t));
	text_line(d, v, "client", "client");
	text_line(d, v, "trouble", "trouble");
	state_line(d, v, "ours", "ours_for");
	state_line(d, v, "theirs", "theirs_for");
	text_line(d, v, "mac", "mac");
	words_line(d, v, "addresses");
	fprintf(cli_out(), "  %-11s %" PRIu64 "\n", "mtu",
		jnum(d, jget(d, v, "mtu")));
	if (jget(d, v, "rate_bytes"))
		fprintf(cli_out(),
			"  %-11s %" PRIu64 " bytes in %" PRIu64 " us\n", "rate",
			jnum(d, jget(d, v, "rate_bytes")),
			jnum(d, jget(d, v, "rate_us")));
	words_line(d, v, "features");
	fprintf(cli_out(), "  %-11s %" PRIu64 "%s\n", "strikes",
		jnum(d, jget(d, v, "strikes")),
		jtrue(d, jget(d, v, "quarantined"))
			? ", closed until dom0 makes it anew"
			: "");
	rings_lines(d, jget(d, v, "rings"));
}

static bool is_it(const struct ask *a, const struct jval *v, void *ctx)
{
	struct show *s = ctx;
	char t[JREAD_TEXT];
	bool is = !strcmp(jtext(&a->doc, jget(&a->doc, v, "vif"), t), s->vif);

	s->found = s->found || is;
	return is;
}

static int show(const struct cli *c, struct ask *a, const char *vif)
{
	struct show s = { .vif = vif };
	int code = c->json ? ask_json_some(a, "vifs", "vifs", NULL, is_it, &s)
			   : ask_all(a, "vifs", "vifs", NULL, in_full, &s);

	if (code || s.found)
		return code;
	fprintf(cli_err(),
		"vifwallctl: there is no vif %s; vifwallctl vif lists them\n",
		vif);
	return CLI_NO;
}

int cli_vif(const struct cli *c, struct ask *a)
{
	if (!c->argc || (c->argc == 1 && !strcmp(c->argv[0], "list")))
		return c->json ? ask_json(a, "vifs", "vifs") : list(a);
	/* within the daemon (cli_ask()) it would never end */
	if (c->argc == 1 && c->fd < 0 && !strcmp(c->argv[0], "follow"))
		return cli_vif_follow(a);
	if (c->argc == 2 && !strcmp(c->argv[0], "show"))
		return show(c, a, c->argv[1]);
	fprintf(cli_err(),
		"vifwallctl: vif: other arguments are needed: list, follow, "
		"or show DOMAIN/NUMBER\n");
	return CLI_USAGE;
}
