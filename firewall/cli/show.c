/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status and clients, for people.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "firewall/cli/cli.h"
#include "firewall/cli/table.h"

static void uplink(const struct jdoc *d)
{
	const struct jval *u = jget(d, jroot(d), "uplink");
	char t[3][JREAD_TEXT];

	fprintf(cli_out(), "uplink   %s, %s",
		jtrue(d, jget(d, u, "up")) ? "up" : "DOWN",
		jtext(d, jget(d, u, "port"), t[0]));
	if (jget(d, u, "port_error"))
		fprintf(cli_out(), " (%s)",
			jtext(d, jget(d, u, "port_error"), t[0]));
	for (int six = 0; six < 2; six++) {
		jtext(d, jget(d, u, six ? "ip6" : "ip"), t[0]);
		jtext(d, jget(d, u, six ? "gateway6" : "gateway"), t[1]);
		if (t[0][0])
			fprintf(cli_out(), ", %s%s%s", t[0],
				t[1][0] ? " via " : "", t[1]);
	}
	fprintf(cli_out(), "\n");
}

static void xen(const struct jdoc *d)
{
	const struct jval *x = jget(d, jroot(d), "xen");
	char t[JREAD_TEXT], u[UNIT_MAX];

	if (!x)
		return;
	fprintf(cli_out(), "xen      %" PRIu64 " vifs, %" PRIu64 " connected%s",
		jnum(d, jget(d, x, "vifs")), jnum(d, jget(d, x, "connected")),
		jtrue(d, jget(d, x, "simulated")) ? ", simulated" : "");
	jtext(d, jget(d, x, "store"), t);
	if (!strcmp(t, "lost"))
		fprintf(cli_out(), ", XENSTORE IS GONE: nothing connects until "
				   "it is back");
	else if (!strcmp(t, "stuck"))
		fprintf(cli_out(), ", XENSTORE DOES NOT ANSWER for %s",
			unit_ms(u, jms(d, jget(d, x, "stuck_for"))));
	fprintf(cli_out(), "\n");
	jtext(d, jget(d, x, "trouble"), t);
	if (t[0])
		fprintf(cli_out(), "         %s\n", t);
	jtext(d, jget(d, x, "uplink_trouble"), t);
	if (t[0])
		fprintf(cli_out(), "         uplink: %s\n", t);
}

static void qubesdb(const struct jdoc *d)
{
	const struct jval *q = jget(d, jroot(d), "qubesdb");
	uint64_t errors = jnum(d, jget(d, q, "error_keys"));
	uint64_t commits = jnum(d, jget(d, q, "commits"));
	char t[JREAD_TEXT], u[UNIT_MAX];

	if (!q)
		return;
	fprintf(cli_out(), "qubesdb  %s, %sconnected for %s",
		jtext(d, jget(d, q, "channel"), t),
		jtrue(d, jget(d, q, "connected")) ? "" : "NOT ",
		unit_ms(u, jms(d, jget(d, q, "since_ago"))));
	fprintf(cli_out(), ", %" PRIu64 " keys, %" PRIu64 " commits",
		jnum(d, jget(d, q, "keys")), commits);
	if (commits)
		fprintf(cli_out(), ", the last one %s ago",
			unit_ms(u, jms(d, jget(d, q, "last_commit_ago"))));
	if (errors)
		fprintf(cli_out(), ", %" PRIu64 " ERRORS TOLD TO DOM0", errors);
	fprintf(cli_out(), "\n");
	jtext(d, jget(d, q, "trouble"), t);
	if (t[0])
		fprintf(cli_out(), "         %s\n", t);
	jtext(d, jget(d, q, "settings_trouble"), t);
	if (t[0])
		fprintf(cli_out(), "         SETTINGS NOT IN FORCE: %s\n", t);
}

static void flows(const struct jdoc *d)
{
	const struct jval *f = jget(d, jroot(d), "flows");
	uint64_t used = jnum(d, jget(d, f, "used"));
	uint64_t capacity = jnum(d, jget(d, f, "capacity"));

	if (!f)
		return;
	fprintf(cli_out(),
		"flows    %" PRIu64 " of %" PRIu64 " (%" PRIu64 " tcp, %" PRIu64
		" udp, %" PRIu64 " icmp), %" PRIu64 " refused, %" PRIu64
		" evicted\n",
		used, capacity, jnum(d, jget(d, f, "tcp")),
		jnum(d, jget(d, f, "udp")), jnum(d, jget(d, f, "icmp")),
		jnum(d, jget(d, f, "refused")), jnum(d, jget(d, f, "evicted")));
}

static void buffers(const struct jdoc *d)
{
	const struct jval *b = jget(d, jroot(d), "buffers");

	fprintf(cli_out(),
		"buffers  %" PRIu64 " of %" PRIu64 " small and %" PRIu64
		" of %" PRIu64 " large ones free\n",
		jnum(d, jget(d, b, "small_free")), jnum(d, jget(d, b, "small")),
		jnum(d, jget(d, b, "large_free")),
		jnum(d, jget(d, b, "large")));
}

static void rules_source(const struct jdoc *d)
{
	const struct jval *r = jget(d, jroot(d), "rules");
	char t[JREAD_TEXT];

	jtext(d, jget(d, r, "directory"), t);
	fprintf(cli_out(), "rules    %s\n", t[0] ? t : "no directory");
	jtext(d, jget(d, r, "trouble"), t);
	if (t[0])
		fprintf(cli_out(), "         CAN'T BE READ: %s\n", t);
}

static void host_rules(const struct jdoc *d)
{
	const struct jval *h = jget(d, jroot(d), "host_rules");
	uint64_t back = jnum(d, jget(d, h, "put_back"));
	char t[JREAD_TEXT];

	if (!h)
		return;
	fprintf(cli_out(), "host     rules %s",
		jtext(d, jget(d, h, "mode"), t));
	if ((!strcmp(t, "on") || !strcmp(t, "check")) &&
	    !jtrue(d, jget(d, h, "in_force")))
		fprintf(cli_out(),
			", NOT IN FORCE: this machine's kernel may act beside "
			"us");
	if (back)
		fprintf(cli_out(),
			", put back %" PRIu64 " times (last changed by %s)",
			back,
			jtext(d, jget(d, h, "changed_by"), t)[0] ? t : "?");
	fprintf(cli_out(), "\n");
}

static void openings(const struct jdoc *d)
{
	const struct jval *o = jget(d, jroot(d), "openings");
	uint64_t n = jnum(d, jget(d, o, "count"));
	uint64_t bad = jnum(d, jget(d, o, "bad"));

	if (!n && !bad)
		return;
	fprintf(cli_out(), "openings %" PRIu64, n);
	if (bad)
		fprintf(cli_out(), ", %" PRIu64 " CAN'T BE READ", bad);
	fprintf(cli_out(), "\n");
}

static void profiles(const struct jdoc *d)
{
	const struct jval *o = jget(d, jroot(d), "profiles");

	if (o)
		fprintf(cli_out(),
			"profiles %" PRIu64 ", with %" PRIu64
			" sets of %" PRIu64 " ranges in %" PRIu64 " KiB\n",
			jnum(d, jget(d, o, "count")),
			jnum(d, jget(d, o, "sets")),
			jnum(d, jget(d, o, "ranges")),
			(jnum(d, jget(d, o, "bytes")) + 1023) / 1024);
}

static void counts(const struct jdoc *d)
{
	const struct jval *c = jget(d, jroot(d), "client_counts");
	uint64_t bad = jnum(d, jget(d, c, "bad_rules"));

	fprintf(cli_out(),
		"clients  %" PRIu64 " (room for %" PRIu64 "), %" PRIu64 " open",
		jnum(d, jget(d, c, "all")), jnum(d, jget(d, c, "room")),
		jnum(d, jget(d, c, "open")));
	if (bad)
		fprintf(cli_out(), ", %" PRIu64 " WITH BAD RULES", bad);
	fprintf(cli_out(), "\n\n");
}

static void head(const struct ask *a, void *ctx)
{
	const struct jdoc *d = &a->doc;
	const struct jval *o = jroot(d);
	uint64_t restarts = jnum(d, jget(d, o, "data_restarts"));
	char t[JREAD_TEXT], u[UNIT_MAX];

	(void)ctx;
	fprintf(cli_out(), "vifwall  %s", jtext(d, jget(d, o, "version"), t));
	fprintf(cli_out(), ", up %s", unit_ms(u, jms(d, jget(d, o, "uptime"))));
	jtext(d, jget(d, o, "settings"), t);
	if (t[0])
		fprintf(cli_out(), ", %s", t);
	if (!jtrue(d, jget(d, o, "data_up")))
		fprintf(cli_out(), ", NOT FORWARDING: data process is down");
	else if (restarts)
		fprintf(cli_out(), ", data process restarted %" PRIu64 " times",
			restarts);
	fprintf(cli_out(), "\n");
	uplink(d);
	xen(d);
	qubesdb(d);
	flows(d);
	buffers(d);
	rules_source(d);
	host_rules(d);
	openings(d);
	profiles(d);
	counts(d);
}

/* ---- clients --------------------------------------------------------------*/

struct rows {
	struct table t;
	bool full;	  /* `clients`: more columns */
	char notes[8192]; /* lines below the table */
	size_t notes_len;
};

static void addresses(const struct jdoc *d, const struct jval *c,
		      char out[JREAD_TEXT])
{
	const struct jval *list = jget(d, c, "addresses");
	char t[JREAD_TEXT];
	size_t n = 0;

	out[0] = '\0';
	for (const struct jval *v = jfirst(d, list); v && n < JREAD_TEXT;
	     v = jnext(d, list, v))
		n += (size_t)snprintf(out + n, JREAD_TEXT - n, "%s%s",
				      n ? " " : "", jtext(d, v, t));
	jtext(d, jget(d, c, "seen_as"), t);
	if (t[0] && n < JREAD_TEXT)
		snprintf(out + n, JREAD_TEXT - n, " as %.63s", t);
}

/* What is below the table; a line that has no room is left out. */
static void note(struct rows *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void note(struct rows *r, const char *fmt, ...)
{
	size_t room = sizeof(r->notes) - r->notes_len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(r->notes + r->notes_len, room, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < room)
		r->notes_len += (size_t)n;
	else
		r->notes[r->notes_len] = '\0';
}

/* Why a family is closed. */
static void closed_note(struct rows *r, const struct jdoc *d,
			const char *client, const char *family,
			const struct jval *set)
{
	const struct jval *e = jget(d, set, "error");
	char t[3][JREAD_TEXT];

	note(r, "%s %s is closed: %s\n", client, family,
	     jtext(d, jget(d, set, "why"), t[0]));
	if (e)
		note(r, "  rule %s, column %" PRIu64 ": %s\n",
		     jtext(d, jget(d, e, "key"), t[1]),
		     jnum(d, jget(d, e, "column")),
		     jtext(d, jget(d, e, "why"), t[2]));
}

/* "open, 3": three rules; "3!": set by hand; "3*": files changed; "all": none
 * needed; "CLOSED"; "-": no address. */
static void family(struct rows *r, const struct jdoc *d, const char *client,
		   const struct jval *set, const char *name)
{
	char t[JREAD_TEXT];

	jtext(d, jget(d, set, "source"), t);
	if (!t[0]) {
		table_add(&r->t, "-");
	} else if (!jtrue(d, jget(d, set, "open"))) {
		table_add(&r->t, "CLOSED");
		closed_note(r, d, client, name, set);
	} else if (strchr(t, ' ')) {
		table_add(&r->t, "open, all");
	} else {
		bool by_hand = jtrue(d, jget(d, set, "by_hand"));

		table_add(&r->t, "open, %" PRIu64 "%s%s",
			  jnum(d, jget(d, set, "count")), by_hand ? "!" : "",
			  jtrue(d, jget(d, set, "uncommitted")) ? "*" : "");
		if (by_hand)
			note(r,
			     "%s %s: rules that dom0 set by hand, until it "
			     "commits others\n",
			     client, name);
	}
}

static void client(const struct ask *a, const struct jval *c, void *ctx)
{
	static const char *const bytes[] = { "from_bytes", "to_bytes" };
	const struct jdoc *d = &a->doc;
	struct rows *r = ctx;
	char name[JREAD_TEXT], t[JREAD_TEXT], u[UNIT_MAX];

	table_add(&r->t, "%s", jtext(d, jget(d, c, "name"), name));
	if (r->full) {
		bool up = jtrue(d, jget(d, c, "port_up"));

		table_add(&r->t, "%s%s", jtext(d, jget(d, c, "port"), t),
			  up ? "" : " DOWN");
	}
	family(r, d, name, jget(d, c, "ip4"), "IPv4");
	family(r, d, name, jget(d, c, "ip6"), "IPv6");
	for (int i = 0; i < 2; i++)
		table_add(&r->t, "%s",
			  unit_bytes(u, jnum(d, jget(d, c, bytes[i]))));
	table_add(&r->t, "%" PRIu64, jnum(d, jget(d, c, "dropped")));
	if (r->full)
		table_add(&r->t, "%" PRIu64,
			  jnum(d, jget(d, c, "flows_opened")));
	addresses(d, c, t);
	table_add(&r->t, "%s", t);
}

static int show(struct ask *a, const char *request, bool full,
		void (*first)(const struct ask *a, void *ctx))
{
	static const char *const brief[] = { "CLIENT",	  "IPV4",
					     "IPV6",	  ">SENT",
					     ">RECEIVED", ">DROPPED",
					     "ADDRESSES" };
	static const char *const wide[] = { "CLIENT",	"PORT",	  "IPV4",
					    "IPV6",	">SENT",  ">RECEIVED",
					    ">DROPPED", ">FLOWS", "ADDRESSES" };
	static struct rows r;
	int code;

	r = (struct rows){ .full = full };
	if (full)
		table_init(&r.t, wide, sizeof(wide) / sizeof(wide[0]));
	else
		table_init(&r.t, brief, sizeof(brief) / sizeof(brief[0]));
	code = ask_all(a, request, "clients", first, client, &r);
	table_print(&r.t, cli_out());
	if (r.notes_len)
		fprintf(cli_out(), "\n%s", r.notes);
	return code;
}

/* A long list goes on with `clients`; pages of status have all in front. */
int cli_status(const struct cli *c, struct ask *a)
{
	return c->json ? ask_json(a, "status", "clients")
		       : show(a, "status", false, head);
}

int cli_clients(const struct cli *c, struct ask *a)
{
	return c->json ? ask_json(a, "clients", "clients")
		       : show(a, "clients", true, NULL);
}
