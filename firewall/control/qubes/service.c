/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of services, and each call's way through it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "firewall/control/qubes/service.h"
#include "firewall/linux/log.h"

static int begin_show(struct services *s, struct service *c,
		      char why[QREXEC_WHY]);

#define SHOW(n, cmd, lo, hi, text)                                    \
	{                                                             \
		.name = (n), .begin = begin_show, .command = (cmd),   \
		.words_min = (lo), .words_max = (hi), .usage = (text) \
	}
#define QUBES(n, fn)                                                 \
	{                                                            \
		.name = "qubes." n, .begin = (fn), .dom0_only = true \
	}

/*
 * Who may call what: what changes something is for dom0 alone, whatever its
 * policy says; the rest is for whom the policy lets.
 */
static const struct service_row rows[] = {
	SHOW("vifwall.Status", "status", 0, 0, NULL),
	SHOW("vifwall.Clients", "clients", 0, 0, NULL),
	SHOW("vifwall.Flows", "flows", 0, 1, "CLIENT"),
	SHOW("vifwall.Blocked", "blocked", 0, 1, "CLIENT"),
	SHOW("vifwall.Rules", "rules", 0, 1, "CLIENT"),
	SHOW("vifwall.Names", "dns", 0, 1, "CLIENT"),
	SHOW("vifwall.Explain", "explain", 3, 4, "CLIENT+DST+PROTO+PORT"),
	SHOW("vifwall.Metrics", "metrics", 0, 0, NULL),
	{ .name = "vifwall.Kill",
	  .dom0_only = true,
	  .begin = begin_show,
	  .command = "kill",
	  .words_min = 1,
	  .words_max = 1,
	  .usage = "CLIENT" },
	{ .name = "vifwall.SetRules",
	  .dom0_only = true,
	  .begin = service_begin_rules,
	  .words_min = 1,
	  .words_max = 1,
	  .usage = "ADDRESS",
	  .line = service_line_rules,
	  .end = service_end_rules },
	{ .name = "vifwall.ClearRules",
	  .dom0_only = true,
	  .begin = service_begin_clear,
	  .words_min = 1,
	  .words_max = 1,
	  .usage = "ADDRESS" },
	{ .name = "qubes.SetDateTime",
	  .dom0_only = true,
	  .begin = service_begin_time,
	  .line = service_line_time,
	  .end = service_end_time },
	{ .name = "qubes.WaitForNetworkUplink", .begin = service_begin_uplink },
	{ .name = "qubes.WaitForSession", .begin = service_begin_ok },
	{ .name = "qubes.WaitForRunningSystem", .begin = service_begin_ok },
	QUBES("SuspendPre", service_begin_ok),
	QUBES("SuspendPreAll", service_begin_ok),
	QUBES("SuspendPost", service_begin_woke),
	QUBES("SuspendPostAll", service_begin_woke),
};

static const struct service_row *find(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* ---- the end of a call ----------------------------------------------------*/

static void forget(struct service *c)
{
	tree_free(c->rules);
	c->rules = NULL;
	c->state = SERVICE_FREE;
}

void service_say(struct services *s, const struct service *c, const char *fmt,
		 ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(text) - 1)
		n = (int)sizeof(text) - 1;
	/* what does not fit is not worth to be waited for */
	(void)qrexec_write(s->q, c->id, QREXEC_TO_STDERR, text, (size_t)n);
}

void service_exit(struct services *s, struct service *c, int code)
{
	forget(c);
	qrexec_exit(s->q, c->id, code);
}

/* ---- arguments ------------------------------------------------------------*/

/* dom0 turns the colons of an address into underscores on its way. */
static void mend_address(char *word)
{
	char text[PKT_ADDR_TEXT];
	struct pkt_addr addr;
	size_t len = strlen(word);

	if (len >= sizeof(text))
		return;
	for (size_t i = 0; i <= len; i++)
		text[i] = (char)(word[i] == '_' ? ':' : word[i]);
	if (!pkt_addr_parse(&addr, text, len))
		memcpy(word, text, len);
}

/* "A+B+--json" becomes words; false: not what the service takes. */
static bool words(struct service *c)
{
	const struct service_row *row = c->row;
	int n = 0;

	c->argc = 0;
	c->argv[c->argc++] = "vifwallctl";
	c->argv[c->argc++] = row->command ? row->command : row->name;
	for (char *w = c->arg, *next; w && *w; w = next) {
		next = strchr(w, '+');
		if (next)
			*next++ = '\0';
		if (c->argc == SERVICE_WORDS || !*w)
			return false;
		if (*w == '-' && (!row->command || strcmp(w, "--json") != 0))
			return false;
		n += *w != '-';
		mend_address(w);
		c->argv[c->argc++] = w;
	}
	return n >= row->words_min && n <= row->words_max;
}

/* ---- calls ----------------------------------------------------------------*/

static void show(struct services *s, struct service *c)
{
	int err = s->ops->show(s->ops->ctx, c->id, c->argc, c->argv);

	c->state = err == -EBUSY ? SERVICE_QUEUED : SERVICE_SHOWING;
	c->until = mono_add_ms(s->now, SERVICE_SHOW_MS);
	if (!err || err == -EBUSY)
		return;
	service_say(s, c, "that can't be shown now (%s)\n", log_errno(-err));
	service_exit(s, c, QREXEC_PROBLEM);
}

static int begin_show(struct services *s, struct service *c,
		      char why[QREXEC_WHY])
{
	(void)why;
	show(s, c);
	return 0;
}

void services_next(struct services *s)
{
	for (uint32_t i = 0; i < QREXEC_CALLS; i++)
		if (s->call[i].state == SERVICE_QUEUED)
			show(s, &s->call[i]);
}

void services_shown(struct services *s, uint32_t id, int code)
{
	vw_assert(s->call[id].state == SERVICE_SHOWING);
	service_exit(s, &s->call[id], code);
	services_next(s);
}

static bool is_dom0(const struct qrexec_call *call)
{
	return !call->domain && !strcmp(call->source, "dom0");
}

static int gate(const struct service_row *row, const struct qrexec_call *call,
		char why[QREXEC_WHY])
{
	if (!call->rpc) {
		snprintf(why, QREXEC_WHY,
			 "vifwall has no shell; see "
			 "vifwall.Status and its like");
		return QREXEC_NO_SERVICE;
	}
	if (!row) {
		snprintf(why, QREXEC_WHY, "vifwall has no such service");
		return QREXEC_NO_SERVICE;
	}
	if (row->dom0_only && !is_dom0(call)) {
		snprintf(why, QREXEC_WHY, "%s is for dom0 alone", row->name);
		return QREXEC_REFUSED;
	}
	return 0;
}

static int take_words(struct service *c, const struct qrexec_call *call,
		      char why[QREXEC_WHY])
{
	int n = snprintf(c->arg, sizeof(c->arg), "%s", call->arg);
	const char *usage = c->row->usage;

	if (n < (int)sizeof(c->arg) && words(c))
		return 0;
	snprintf(why, QREXEC_WHY, "the argument is wrong; allowed: %s%s%s%s",
		 c->row->name, usage ? "+" : "", usage ? usage : "",
		 c->row->command ? "[+--json]" : "");
	return QREXEC_PROBLEM;
}

int services_call(void *ctx, uint32_t id, const struct qrexec_call *call,
		  char why[QREXEC_WHY])
{
	const struct service_row *row = find(call->service);
	struct services *s = ctx;
	struct service *c = &s->call[id];
	int code = gate(row, call, why);

	if (code) {
		log_warn("qrexec: a call was refused: %s", why);
		return code;
	}
	*c = (struct service){ .id = id, .row = row };
	code = take_words(c, call, why);
	if (!code && row->line && !call->streams) {
		snprintf(why, QREXEC_WHY, "%s needs its input", row->name);
		code = QREXEC_PROBLEM;
	}
	if (code)
		return code;
	c->state = SERVICE_READING;
	c->until = mono_add_ms(s->now, SERVICE_INPUT_MS);
	code = row->begin(s, c, why);
	if (code)
		forget(c);
	return code;
}

void services_gone(void *ctx, uint32_t id)
{
	struct services *s = ctx;
	struct service *c = &s->call[id];

	if (c->state == SERVICE_SHOWING)
		s->ops->hide(s->ops->ctx, id);
	forget(c);
}

/* ---- input ----------------------------------------------------------------*/

static void end_line(struct services *s, struct service *c)
{
	c->lines++;
	c->row->line(s, c);
	c->line_len = 0;
	c->too_long = false;
}

void services_input(void *ctx, uint32_t id, const void *bytes, size_t len)
{
	struct services *s = ctx;
	struct service *c = &s->call[id];
	const char *p = bytes;

	if (c->state != SERVICE_READING)
		return; /* of no use to it */
	if (!len) {
		if (c->line_len || c->too_long)
			end_line(s, c);
		if (c->state == SERVICE_READING)
			c->row->end(s, c);
		return;
	}
	for (size_t i = 0; i < len && c->state == SERVICE_READING; i++) {
		if (p[i] == '\n')
			end_line(s, c);
		else if (c->line_len < sizeof(c->line))
			c->line[c->line_len++] = p[i];
		else
			c->too_long = true;
	}
}

/* ---- time -----------------------------------------------------------------*/

static void look(struct services *s, struct service *c)
{
	bool late = mono_past(c->until, s->now);

	if (c->state == SERVICE_UPLINK && s->ops->uplink_up(s->ops->ctx)) {
		service_exit(s, c, QREXEC_OK);
	} else if (c->state == SERVICE_UPLINK && late) {
		service_say(s, c, "the uplink is not up\n");
		service_exit(s, c, 1);
	} else if (c->state == SERVICE_READING && late) {
		service_say(s, c, "the input did not come to its end\n");
		service_exit(s, c, QREXEC_PROBLEM);
	} else if (c->state == SERVICE_SHOWING && late) {
		/* only one is shown something at a time */
		s->ops->hide(s->ops->ctx, c->id);
		service_say(s, c, "this was not read in time\n");
		service_exit(s, c, QREXEC_PROBLEM);
	}
}

static struct mono when(const struct services *s, const struct service *c)
{
	struct mono look = mono_add_ms(s->now, SERVICE_LOOK_MS);

	if (c->state == SERVICE_READING || c->state == SERVICE_SHOWING)
		return c->until;
	if (c->state == SERVICE_UPLINK)
		return look.ns < c->until.ns ? look : c->until;
	return (struct mono){ UINT64_MAX };
}

struct mono services_work(struct services *s, struct mono now)
{
	struct mono next = { UINT64_MAX };

	s->now = now;
	for (uint32_t i = 0; i < QREXEC_CALLS; i++) {
		struct mono at;

		look(s, &s->call[i]);
		at = when(s, &s->call[i]);
		if (at.ns < next.ns)
			next = at;
	}
	return next;
}
