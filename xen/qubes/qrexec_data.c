/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xen/qubes/qrexec_data.h"

#define READ 4096u
#define READS 16u /* in one go; then it is somebody else's turn */
/* Two ends of streams and an exit code: always kept free. */
#define LAST_WORDS (3 * QREXEC_HDR + 4)

void qrexec_data_drop(struct qrexec_data *d, const struct qrexec_ops *ops,
		      int code)
{
	bool told = d->told;

	if (d->chan) {
		ops->unwatch(ops->ctx, d->id + 1, d->chan->fd);
		chan_close(d->chan);
	}
	d->chan = NULL;
	d->told = d->more = d->starved = false;
	d->state = QREXEC_OVER;
	if (told && d->role == QREXEC_ROLE_CALLER)
		ops->ended(ops->ctx, d->id, code);
	else if (told)
		ops->gone(ops->ctx, d->id);
}

void qrexec_data_exit(struct qrexec_data *d, int code)
{
	vw_assert(d->state == QREXEC_RUNNING && d->role != QREXEC_ROLE_CALLER);
	if (d->role == QREXEC_ROLE_SERVICE) {
		qrexec_put(&d->out, QREXEC_STDOUT, NULL, 0, NULL, 0);
		qrexec_put(&d->out, QREXEC_STDERR, NULL, 0, NULL, 0);
	}
	qrexec_put_u32(&d->out, QREXEC_EXIT_CODE, (uint32_t)code);
	d->state = QREXEC_ENDING;
	d->told = d->starved = false;
}

static size_t room(const struct qrexec_data *d)
{
	const size_t keep = LAST_WORDS + QREXEC_HDR;
	size_t n = qrexec_out_room(&d->out);

	return n > keep ? n - keep : 0;
}

size_t qrexec_data_write(struct qrexec_data *d, enum qrexec_stream stream,
			 const void *bytes, size_t len)
{
	size_t n = room(d), chunk = QREXEC_CHUNK(d->version);

	vw_assert(d->state == QREXEC_RUNNING && d->role != QREXEC_ROLE_CALLER);
	if (d->role == QREXEC_ROLE_JUST)
		return len; /* nobody listens */
	n = n < chunk ? n : chunk;
	n = n < len ? n : len;
	if (n)
		qrexec_put(&d->out,
			   stream == QREXEC_TO_STDOUT ? QREXEC_STDOUT
						      : QREXEC_STDERR,
			   bytes, n, NULL, 0);
	d->starved = n < len;
	return n;
}

/* ---- what the other end sends ---------------------------------------------*/

static void refuse(struct qrexec_data *d, int code, const char *why)
{
	char line[QREXEC_WHY + 1];
	int n = snprintf(line, sizeof(line), "%s\n", why);

	(void)qrexec_data_write(d, QREXEC_TO_STDERR, line, (size_t)n);
	qrexec_data_exit(d, code);
}

static void run(struct qrexec_data *d, const struct qrexec_ops *ops)
{
	struct qrexec_call call = { .rpc = false };
	char why[QREXEC_WHY] = "";
	int code;

	if (d->away) {
		refuse(d, QREXEC_PROBLEM, "too many calls at once: try again");
		return;
	}
	if (!qrexec_call_parse(&call, d->text, d->text_len)) {
		refuse(d, QREXEC_PROBLEM, "the call was not understood");
		return;
	}
	call.streams = d->role == QREXEC_ROLE_SERVICE;
	call.domain = d->params.domain;
	d->told = true;
	code = ops->call(ops->ctx, d->id, &call, why);
	if (!code)
		return;
	d->told = false;
	refuse(d, code, why);
}

/* Both have said hello: the smaller version holds. */
static void greeted(struct qrexec_data *d, const struct qrexec_ops *ops)
{
	uint32_t theirs = qrexec_u32(d->word);

	if (theirs < QREXEC_VERSION_MIN) {
		qrexec_data_drop(d, ops, QREXEC_PROBLEM);
		return;
	}
	d->version = theirs < QREXEC_VERSION ? theirs : QREXEC_VERSION;
	d->state = QREXEC_RUNNING;
	d->until = (struct mono){ UINT64_MAX };
	if (d->role == QREXEC_ROLE_CALLER)
		qrexec_put(&d->out, QREXEC_STDIN, NULL, 0, NULL, 0);
	else
		run(d, ops);
}

/* A body of one word, which may come byte by byte. */
static bool word(struct qrexec_data *d, const struct qrexec_piece *p)
{
	if (p->n)
		memcpy(d->word + p->at, p->bytes, p->n);
	return p->last;
}

static bool may_come(const struct qrexec_data *d, const struct qrexec_piece *p)
{
	if (d->state == QREXEC_GREETING)
		return p->type == QREXEC_HELLO && p->len == sizeof(d->word);
	if (p->len > QREXEC_CHUNK(d->version))
		return false;
	if (d->role != QREXEC_ROLE_CALLER)
		return p->type == QREXEC_STDIN;
	if (p->type == QREXEC_EXIT_CODE)
		return p->len == sizeof(d->word);
	return p->type == QREXEC_STDOUT || p->type == QREXEC_STDERR;
}

static void take(struct qrexec_data *d, const struct qrexec_ops *ops,
		 const struct qrexec_piece *p)
{
	if (d->state == QREXEC_ENDING || d->state == QREXEC_OVER)
		return; /* it can't know yet that nobody listens */
	if (!may_come(d, p)) {
		ops->complain(ops->ctx, "a data channel of qrexec was closed: "
					"what came by it is no message");
		qrexec_data_drop(d, ops, QREXEC_PROBLEM);
	} else if (d->state == QREXEC_GREETING) {
		if (word(d, p))
			greeted(d, ops);
	} else if (p->type == QREXEC_EXIT_CODE) {
		if (word(d, p))
			qrexec_data_drop(d, ops, (int)qrexec_u32(d->word));
	} else if (d->role == QREXEC_ROLE_SERVICE && (p->n || !p->len)) {
		ops->input(ops->ctx, d->id, p->bytes, p->n);
	}
}

static void take_all(struct qrexec_data *d, const struct qrexec_ops *ops,
		     const uint8_t *bytes, size_t len)
{
	struct qrexec_piece p;
	size_t at = 0;
	bool is;

	while (at < len && d->state != QREXEC_OVER) {
		at += qrexec_read(&d->in, bytes + at, len - at, &p, &is);
		if (is)
			take(d, ops, &p);
	}
}

/* The other end went: an end like any other once ours was said. */
static void lost(struct qrexec_data *d, const struct qrexec_ops *ops)
{
	qrexec_data_drop(d, ops, QREXEC_LOST);
}

static void receive(struct qrexec_data *d, const struct qrexec_ops *ops)
{
	uint8_t buf[READ];

	d->more = false;
	for (uint32_t i = 0; i < READS; i++) {
		ssize_t n = chan_recv(d->chan, buf, sizeof(buf));

		if (n < 0)
			lost(d, ops);
		if (n > 0)
			take_all(d, ops, buf, (size_t)n);
		if (n <= 0 || d->state == QREXEC_OVER)
			return;
	}
	d->more = true;
}

/* ---- what we send ---------------------------------------------------------*/

static void flush(struct qrexec_data *d, const struct qrexec_ops *ops,
		  struct mono now)
{
	struct qrexec_out *o = &d->out;

	while (qrexec_out_waits(o)) {
		ssize_t n =
			chan_send(d->chan, o->buf + o->at, qrexec_out_waits(o));

		if (n < 0) {
			lost(d, ops);
			return;
		}
		if (!n)
			break;
		o->at += (size_t)n;
		if (d->state == QREXEC_RUNNING)
			d->until = mono_add_ms(now, QREXEC_STUCK_MS);
	}
	if (qrexec_out_waits(o)) {
		if (d->until.ns == UINT64_MAX)
			d->until = mono_add_ms(now, QREXEC_STUCK_MS);
		return;
	}
	o->at = o->len = 0;
	if (d->state == QREXEC_RUNNING)
		d->until = (struct mono){ UINT64_MAX };
	if (d->state == QREXEC_ENDING)
		qrexec_data_drop(d, ops, QREXEC_OK);
}

static void connected(struct qrexec_data *d, struct mono now)
{
	d->state = QREXEC_GREETING;
	d->until = mono_add_ms(now, QREXEC_HELLO_MS);
	qrexec_put_u32(&d->out, QREXEC_HELLO, QREXEC_VERSION);
}

void qrexec_data_begin(struct qrexec_data *d, const struct qrexec_ops *ops,
		       struct mono now)
{
	d->state = QREXEC_CONNECTING;
	d->until = mono_add_ms(now, QREXEC_CONNECT_MS);
	d->in = (struct qrexec_reader){ .hdr_n = 0 };
	d->out.at = d->out.len = 0;
	ops->watch(ops->ctx, d->id + 1, d->chan->fd);
	/* it may be there already */
	qrexec_data_event(d, ops, now);
}

void qrexec_data_event(struct qrexec_data *d, const struct qrexec_ops *ops,
		       struct mono now)
{
	enum chan_state s;

	if (!d->chan)
		return;
	s = chan_event(d->chan);
	if (s == CHAN_WAITING)
		return;
	if (d->state == QREXEC_CONNECTING)
		connected(d, now);
	/* what came before the other end went is still there */
	receive(d, ops);
	if (d->chan && s == CHAN_GONE && !d->more)
		lost(d, ops);
	qrexec_data_work(d, ops, now);
}

void qrexec_data_work(struct qrexec_data *d, const struct qrexec_ops *ops,
		      struct mono now)
{
	if (d->chan && d->more)
		receive(d, ops);
	if (d->chan && d->state > QREXEC_CONNECTING)
		flush(d, ops, now);
	if (d->chan && d->starved && room(d) >= QREXEC_OUT / 2) {
		d->starved = false;
		ops->room(ops->ctx, d->id);
		if (d->chan)
			flush(d, ops, now);
	}
	if (d->state != QREXEC_FREE && d->state != QREXEC_OVER &&
	    mono_past(d->until, now))
		qrexec_data_drop(d, ops, QREXEC_LOST);
}
