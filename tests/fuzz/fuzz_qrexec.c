/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qrexec: dom0 and callers that say anything, in any order and pieces, to the
 * agent with its services behind it.  Whatever they do, what we say is made of
 * messages; every call that dom0 gave a port to ends once; nothing but
 * printable text leaves us; and when all have gone, nothing is left of them.
 *
 * The input is a list of steps: a byte that says which (enum step), then what
 * that one takes.
 */
#include <errno.h>
#include <sys/socket.h>

#include "firewall/control/qubes/service.h"
#include "mock/ctl_bed.h"
#include "mock/qrexec_bed.h"
#include "tests/fuzz/fuzz.h"

enum step {
	STEP_DOM0,    /* dom0 comes, or comes back; 1 byte: its version */
	STEP_EXEC,    /* 1 byte: port; 1: which service; 1: of what kind */
	STEP_BYTES,   /* 1 byte: to whom; 1: how many; so many */
	STEP_MESSAGE, /* the same with a type before them */
	STEP_MEET,    /* 1 byte: who is there now */
	STEP_LEAVE,   /* 1 byte: who goes */
	STEP_TIME,    /* 2 bytes: ms / 16 */
	STEP_READ,    /* 1 byte: who reads */
	STEP_SHOWN,   /* 1 byte: exit code of what is shown */
	STEP_TRIGGER, /* we have something run in dom0 */
	STEP_CONNECT, /* 1 byte: port; dom0 has it done */
	STEP_N
};

#define CALLS_SEEN 64u

/* What one other end has heard so far. */
struct ear {
	uint32_t serial; /* of the channel */
	struct qrexec_reader in;
	uint32_t type;
	bool over, end[2];
	bool hello;
};

static struct {
	struct qrexec_bed bed; /* first: see qrexec_bed_watch() */
	struct ctl_bed ctl;
	struct services s;
	struct ear ear[QREXEC_BED_CHANS];
	int shown;	       /* the call that is; -1: none */
	uint32_t asked, ended; /* calls of dom0, by this control channel */
	bool raw;	       /* dom0 has sent bytes of its own making */
	uint8_t ident[QREXEC_IDENT];
} t;

/* ---- the owner ------------------------------------------------------------*/

static int show(void *ctx, uint32_t id, int argc, const char *const *argv)
{
	(void)ctx;
	if (t.shown >= 0)
		return -EBUSY;
	for (int i = 0; i < argc; i++)
		vw_assert(argv[i] && argv[i][0]);
	t.shown = (int)id;
	return 0;
}

static void hide(void *ctx, uint32_t id)
{
	(void)ctx;
	vw_assert((int)id == t.shown);
	t.shown = -1;
}

static bool uplink_up(void *ctx)
{
	(void)ctx;
	return t.bed.now.ns & MONO_S;
}

static int64_t get_clock(void *ctx)
{
	(void)ctx;
	return 1;
}

static int set_clock(void *ctx, int64_t s)
{
	(void)ctx;
	vw_assert(s >= 0);
	return 0;
}

static int on_call(void *ctx, uint32_t id, const struct qrexec_call *c,
		   char why[QREXEC_WHY])
{
	(void)ctx;
	return services_call(&t.s, id, c, why);
}

static void on_input(void *ctx, uint32_t id, const void *bytes, size_t len)
{
	(void)ctx;
	services_input(&t.s, id, bytes, len);
}

static void on_room(void *ctx, uint32_t id)
{
	(void)ctx;
	vw_assert(id < QREXEC_CALLS);
}

static void on_gone(void *ctx, uint32_t id)
{
	(void)ctx;
	vw_assert(t.s.call[id].state != SERVICE_FREE);
	services_gone(&t.s, id);
}

static void on_ended(void *ctx, uint32_t id, int code)
{
	(void)ctx;
	(void)code;
	vw_assert(id < QREXEC_CALLS);
}

static void ignore(void *ctx)
{
	(void)ctx;
}

static void complain(void *ctx, const char *text)
{
	(void)ctx;
	vw_assert(text[0]);
}

static const struct qrexec_ops ops = {
	.call = on_call,
	.input = on_input,
	.room = on_room,
	.gone = on_gone,
	.ended = on_ended,
	.ready = ignore,
	.watch = qrexec_bed_watch,
	.unwatch = qrexec_bed_unwatch,
	.complain = complain,
	.ctx = &t,
};

static const struct service_ops service_ops = {
	.show = show,
	.hide = hide,
	.uplink_up = uplink_up,
	.clock = get_clock,
	.set_clock = set_clock,
};

/* ---- what they hear -------------------------------------------------------*/

static void judge_control(struct ear *e, const struct qrexec_piece *p)
{
	vw_assert(p->type == QREXEC_HELLO || p->type == QREXEC_TERMINATED ||
		  p->type == QREXEC_TRIGGER2 || p->type == QREXEC_TRIGGER3);
	vw_assert(p->type == QREXEC_HELLO || e->hello);
	vw_assert(p->type != QREXEC_TERMINATED || p->len == QREXEC_PARAMS);
	vw_assert(p->type != QREXEC_HELLO || p->len == 4);
	e->hello = true;
	if (p->last)
		t.ended += p->type == QREXEC_TERMINATED;
	vw_assert(t.raw || t.ended <= t.asked);
}

static void judge_data(struct ear *e, const struct qrexec_piece *p)
{
	int stream = p->type == QREXEC_STDERR;

	vw_assert(!e->over);
	switch (p->type) {
	case QREXEC_HELLO:
		vw_assert(p->len == 4 && (!e->hello || p->at));
		e->hello = true;
		break;
	case QREXEC_STDIN: /* of a call of ours */
		vw_assert(e->hello && !p->len);
		break;
	case QREXEC_STDOUT:
	case QREXEC_STDERR:
		vw_assert(e->hello && !e->end[stream] && p->len <= 65536);
		e->end[stream] = !p->len;
		for (size_t i = 0; i < p->n; i++)
			vw_assert(p->bytes[i] == '\n' ||
				  (p->bytes[i] >= ' ' && p->bytes[i] <= '~'));
		break;
	case QREXEC_EXIT_CODE:
		vw_assert(p->len == 4 && e->end[0] == e->end[1]);
		e->over = p->last;
		break;
	default:
		vw_assert(!p->type);
	}
}

static void hear(struct qrexec_bed_chan *c)
{
	struct ear *e = &t.ear[c - t.bed.chan];
	static uint8_t buf[65536];
	struct qrexec_piece p;
	ssize_t n;
	bool is;

	if (e->serial != c->serial)
		*e = (struct ear){ .serial = c->serial };
	while (c->far >= 0 &&
	       (n = recv(c->far, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		for (size_t at = 0; at < (size_t)n;) {
			at += qrexec_read(&e->in, buf + at, (size_t)n - at, &p,
					  &is);
			if (is && c->port == QREXEC_PORT && c->served &&
			    !c->domid)
				judge_control(e, &p);
			else if (is)
				judge_data(e, &p);
		}
}

/* ---- steps ----------------------------------------------------------------*/

static const char *const lines[] = {
	"root:QUBESRPC vifwall.Status dom0",
	"root:QUBESRPC vifwall.Flows+work+--json work",
	"root:QUBESRPC vifwall.SetRules+10.0.0.5 dom0",
	"root:QUBESRPC vifwall.SetRules+fd00__5 dom0",
	"root:QUBESRPC vifwall.ClearRules+10.0.0.5 dom0",
	"root:QUBESRPC vifwall.Kill+work dom0",
	"root:nogui:QUBESRPC qubes.SetDateTime dom0",
	"user:QUBESRPC qubes.WaitForNetworkUplink work",
	"root:QUBESRPC qubes.SuspendPre dom0",
	"root:QUBESRPC qubes.VMShell dom0",
	"root:id",
	"nobody",
};
#define LINES (sizeof(lines) / sizeof(lines[0]))

static struct qrexec_bed_chan *control(void)
{
	struct qrexec_bed_chan *found = NULL;

	for (uint32_t i = 0; i < t.bed.chans; i++) {
		struct qrexec_bed_chan *c = &t.bed.chan[i];

		if (c->served && !c->domid && c->port == QREXEC_PORT &&
		    !c->closed && c->state == CHAN_OPEN)
			found = c;
	}
	return found;
}

static struct qrexec_bed_chan *who(struct feed *f)
{
	uint8_t n = feed_u8(f);

	return t.bed.chans ? &t.bed.chan[n % t.bed.chans] : NULL;
}

static void turn(void)
{
	(void)services_work(&t.s, t.bed.now);
	qrexec_bed_turn(&t.bed);
	for (uint32_t i = 0; i < t.bed.chans; i++)
		if (t.bed.chan[i].closed && t.bed.chan[i].far >= 0) {
			hear(&t.bed.chan[i]);
			qrexec_bed_leave(&t.bed.chan[i]);
		}
}

static void dom0(uint32_t version)
{
	struct qrexec_bed_chan *c = control();

	if (c) {
		hear(c);
		qrexec_bed_leave(c);
	}
	turn();
	t.bed.now = mono_add_ms(t.bed.now, QREXEC_RETRY_MS);
	turn();
	c = qrexec_bed_meet(&t.bed, 0, QREXEC_PORT);
	if (!c)
		return;
	t.asked = t.ended = 0;
	t.raw = false;
	qrexec_bed_say_u32(c, QREXEC_HELLO, version);
}

static void exec(uint8_t port, uint8_t line, uint8_t kind)
{
	struct qrexec_bed_chan *c = control(), *d;

	if (!c || !qrexec_is_ready(t.bed.q))
		return;
	t.asked++;
	qrexec_bed_exec(c, kind & 1 ? QREXEC_JUST_EXEC : QREXEC_EXEC_CMDLINE,
			kind & 2 ? 7 : 0, 513u + port, lines[line % LINES]);
	if (kind & 4)
		return;
	d = qrexec_bed_meet(&t.bed, kind & 2 ? 7 : 0, 513u + port);
	if (d)
		qrexec_bed_say_u32(d, QREXEC_HELLO, 2 + (kind >> 3) % 3);
}

static void bytes(struct feed *f, bool message)
{
	struct qrexec_bed_chan *c = who(f);
	uint32_t type = message ? feed_u16(f) : 0;
	size_t got;
	const uint8_t *p = feed_bytes(f, feed_u8(f), &got);

	if (!c || c->far < 0 || c->closed || c->state != CHAN_OPEN)
		return;
	t.raw |= c == control();
	if (message)
		qrexec_bed_say(c, type, p, got);
	else
		qrexec_bed_put(c, p, got);
}

static void connect_ours(uint8_t port)
{
	uint8_t body[QREXEC_PARAMS + QREXEC_IDENT] = { 0, 0, 0, 0, port, 3 };
	struct qrexec_bed_chan *c = control(), *d;
	char *ident = (char *)body + QREXEC_PARAMS;

	if (!c || !qrexec_is_ready(t.bed.q))
		return;
	t.asked++;
	snprintf(ident, QREXEC_IDENT, "vifwall-%u", port % 4u);
	qrexec_bed_say(c, QREXEC_SERVICE_CONNECT, body, sizeof(body));
	d = qrexec_bed_meet(&t.bed, 0, 0x300u + port);
	if (d)
		qrexec_bed_say_u32(d, QREXEC_HELLO, 3);
}

static void shown(int code)
{
	uint32_t id = (uint32_t)t.shown;
	static const char text[] = "as vifwallctl prints it\n";

	if (t.shown < 0)
		return;
	(void)qrexec_write(t.bed.q, id, QREXEC_TO_STDOUT, text,
			   sizeof(text) - 1);
	t.shown = -1;
	services_shown(&t.s, id, code);
}

static void step(struct feed *f)
{
	struct qrexec_bed_chan *c;

	switch ((enum step)(feed_u8(f) % STEP_N)) {
	case STEP_DOM0:
		dom0(feed_u8(f) % 6);
		break;
	case STEP_EXEC: {
		uint8_t port = feed_u8(f), line = feed_u8(f);

		exec(port, line, feed_u8(f));
		break;
	}
	case STEP_BYTES:
		bytes(f, false);
		break;
	case STEP_MESSAGE:
		bytes(f, true);
		break;
	case STEP_MEET:
		c = who(f);
		if (c && !c->closed && c->port != QREXEC_PORT)
			(void)qrexec_bed_meet(&t.bed, c->domid, c->port);
		break;
	case STEP_LEAVE:
		c = who(f);
		if (c && c->state != CHAN_WAITING) {
			hear(c);
			qrexec_bed_leave(c);
		}
		break;
	case STEP_TIME:
		t.bed.now = mono_add_ms(t.bed.now, 16ull * feed_u16(f));
		break;
	case STEP_READ:
		c = who(f);
		if (c)
			hear(c);
		break;
	case STEP_SHOWN:
		shown(feed_u8(f));
		break;
	case STEP_TRIGGER:
		(void)qrexec_trigger(t.bed.q, "qubes.FeaturesRequest", "dom0",
				     t.bed.now);
		break;
	case STEP_CONNECT:
		connect_ours(feed_u8(f));
		break;
	case STEP_N:
		break;
	}
	turn();
}

/* ---- the end --------------------------------------------------------------*/

static void callers_go(const struct qrexec_bed_chan *dom0)
{
	for (uint32_t i = 0; i < t.bed.chans; i++) {
		struct qrexec_bed_chan *c = &t.bed.chan[i];

		if (c == dom0 || c->closed || c->port == QREXEC_PORT)
			continue;
		hear(c);
		qrexec_bed_leave(c);
	}
}

/*
 * All but dom0 go; dom0 reads, hears of each of its calls, of which some may
 * only begin when it does, and may call again.
 */
static void all_go(void)
{
	struct qrexec_bed_chan *c = control();

	for (int i = 0; i < 50; i++) {
		callers_go(c);
		turn();
		if (c)
			hear(c);
		t.bed.now = mono_add_ms(t.bed.now, QREXEC_CONNECT_MS);
		turn();
	}
	for (uint32_t i = 0; i < QREXEC_CALLS; i++)
		vw_assert(t.s.call[i].state == SERVICE_FREE);
	vw_assert(t.shown < 0);
	if (c && qrexec_is_ready(t.bed.q) && !t.raw)
		vw_assert(t.ended == t.asked);
}

static void close_all(void)
{
	qrexec_bed_close(&t.bed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct feed f = { data, len };

	if (!t.ctl.view) {
		ctl_bed_open(&t.ctl);
		ctl_bed_rule(&t.ctl, "action=accept proto=tcp");
	}
	memset(t.ear, 0, sizeof(t.ear));
	qrexec_bed_open(&t.bed);
	t.bed.q = qrexec_new(&t.bed.net, &ops);
	t.s = (struct services){ .q = t.bed.q,
				 .apply = &t.ctl.apply,
				 .ops = &service_ops,
				 .now = t.bed.now };
	t.shown = -1;
	t.asked = t.ended = 0;
	t.raw = false;
	turn();
	dom0(3);
	while (f.left)
		step(&f);
	all_go();
	close_all();
	return 0;
}
