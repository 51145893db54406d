/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control channel: what dom0 asks for, and the places of calls.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xen/qubes/qrexec.h"
#include "xen/qubes/qrexec_data.h"

#define WRITE_RING 4096u
#define DATA_RING 65536u
#define READ 4096u
#define CONTROL_OUT 4096u
#define AWAY_OUT 512u
/* The longest message of ours, a trigger; so no message is read unless the
 * answers to it have room. */
#define LONGEST (QREXEC_HDR + QREXEC_TARGET + QREXEC_IDENT + QREXEC_NAME)
#define IDENT "vifwall-%u"

struct qrexec {
	struct chan_net *net;
	const struct qrexec_ops *ops;
	struct chan *control;
	bool greeted, ready;
	bool said_err;	 /* that it can't be offered */
	uint32_t number; /* of this control channel */
	uint32_t triggers;
	uint32_t version;
	struct mono opened, retry;
	struct qrexec_reader reader;
	uint32_t in_at, in_n;
	uint8_t in[READ];
	uint8_t body[QREXEC_PARAMS + QREXEC_TEXT_MAX];
	struct qrexec_out out;
	struct qrexec_data call[QREXEC_PLACES];
	uint8_t out_bytes[CONTROL_OUT];
	uint8_t call_bytes[QREXEC_CALLS][QREXEC_OUT];
	uint8_t away_bytes[QREXEC_AWAY][AWAY_OUT];
};

/* Places from @first up to @end, of which one qube may have @each at most, and
 * @kept are for dom0. */
struct part {
	uint32_t first, end, each, kept;
};

static const struct part part_runs = { 0, QREXEC_CALLS, QREXEC_CALLS_EACH,
				       QREXEC_CALLS_DOM0 };
static const struct part part_away = { QREXEC_CALLS, QREXEC_PLACES,
				       QREXEC_AWAY_EACH, QREXEC_AWAY_DOM0 };

struct qrexec *qrexec_new(struct chan_net *net, const struct qrexec_ops *ops)
{
	struct qrexec *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->net = net;
	q->ops = ops;
	q->out.buf = q->out_bytes;
	q->out.room = sizeof(q->out_bytes);
	for (uint32_t i = 0; i < QREXEC_PLACES; i++) {
		struct qrexec_data *d = &q->call[i];

		d->id = i;
		d->away = i >= QREXEC_CALLS;
		d->out.buf = d->away ? q->away_bytes[i - QREXEC_CALLS]
				     : q->call_bytes[i];
		d->out.room = d->away ? AWAY_OUT : QREXEC_OUT;
	}
	return q;
}

void qrexec_free(struct qrexec *q)
{
	if (!q)
		return;
	for (uint32_t i = 0; i < QREXEC_PLACES; i++)
		chan_close(q->call[i].chan);
	chan_close(q->control);
	free(q);
}

bool qrexec_is_ready(const struct qrexec *q)
{
	return q->ready;
}

static void complain(const struct qrexec *q, const char *sentence)
{
	q->ops->complain(q->ops->ctx, sentence);
}

/* ---- the control channel comes and goes -----------------------------------*/

static void control_open(struct qrexec *q, struct mono now)
{
	int err = 0;

	if (q->control || !mono_past(q->retry, now))
		return;
	q->retry = mono_add_ms(now, QREXEC_RETRY_MS);
	q->control = chan_serve(q->net, 0, QREXEC_PORT, QREXEC_READ_RING,
				WRITE_RING, &err);
	if (!q->control) {
		if (!q->said_err)
			complain(q, "qrexec can't be offered to dom0; tried "
				    "again every second");
		q->said_err = true;
		return;
	}
	q->said_err = q->greeted = q->ready = false;
	q->number++;
	q->reader = (struct qrexec_reader){ .hdr_n = 0 };
	q->in_at = q->in_n = 0;
	q->out.at = q->out.len = 0;
	q->ops->watch(q->ops->ctx, 0, q->control->fd);
}

/* Offered anew, at once unless it has just been; calls that run go on. */
static void control_close(struct qrexec *q)
{
	q->ops->unwatch(q->ops->ctx, 0, q->control->fd);
	chan_close(q->control);
	q->control = NULL;
	q->ready = false;
	for (uint32_t i = 0; i < QREXEC_CALLS; i++)
		if (q->call[i].state == QREXEC_ASKED)
			qrexec_data_drop(&q->call[i], q->ops, QREXEC_LOST);
}

static void control_nonsense(struct qrexec *q, struct mono now)
{
	complain(q, "what dom0 sent by qrexec's control channel is no "
		    "message; it is offered anew");
	q->retry = mono_add_ms(now, QREXEC_RETRY_MS);
	control_close(q);
}

/* ---- calls ----------------------------------------------------------------*/

static void terminated(struct qrexec *q, const struct qrexec_params *p)
{
	qrexec_put_params(&q->out, QREXEC_TERMINATED, p);
}

/*
 * Tells dom0 the end of a call, as soon as there is room, and frees the place.
 * Who asks now may not be who asked then: to them that port is another's.
 */
static void settle(struct qrexec *q, struct qrexec_data *d)
{
	bool owed = d->owes && q->ready && d->control == q->number;

	if (d->state != QREXEC_OVER)
		return;
	if (owed && qrexec_out_room(&q->out) < LONGEST)
		return;
	if (owed)
		terminated(q, &d->params);
	d->state = QREXEC_FREE;
}

/*
 * Whom dom0's policy lets call us may do so again and again and never read:
 * that keeps out neither another qube nor dom0.  NULL: there is no place.
 */
static struct qrexec_data *find_place(struct qrexec *q, const struct part *p,
				      uint32_t domain)
{
	struct qrexec_data *place = NULL;
	uint32_t its = 0, qubes = 0;

	for (uint32_t i = p->first; i < p->end; i++) {
		struct qrexec_data *d = &q->call[i];

		settle(q, d);
		if (d->state == QREXEC_FREE && !place)
			place = d;
		if (d->state <= QREXEC_ASKED || !d->params.domain)
			continue;
		qubes++;
		its += d->params.domain == domain;
	}
	if (domain && (its >= p->each || qubes >= p->end - p->first - p->kept))
		return NULL;
	return place;
}

/* A port that an earlier dom0 gave, and this one gives again. */
static void drop_older(struct qrexec *q, const struct qrexec_params *p)
{
	for (uint32_t i = 0; i < QREXEC_PLACES; i++) {
		struct qrexec_data *d = &q->call[i];

		if (d->state > QREXEC_ASKED && d->control != q->number &&
		    d->params.domain == p->domain && d->params.port == p->port)
			qrexec_data_drop(d, q->ops, QREXEC_LOST);
	}
}

static void start(struct qrexec *q, struct qrexec_data *d,
		  const struct qrexec_params *p, struct mono now)
{
	int err = 0;

	d->params = *p;
	d->control = q->number;
	d->owes = true;
	if (p->domain <= UINT16_MAX && d->role == QREXEC_ROLE_CALLER)
		d->chan = chan_serve(q->net, (uint16_t)p->domain, p->port,
				     DATA_RING, DATA_RING, &err);
	else if (p->domain <= UINT16_MAX)
		d->chan = chan_connect(q->net, (uint16_t)p->domain, p->port,
				       &err);
	if (d->chan)
		qrexec_data_begin(d, q->ops, now);
	else
		qrexec_data_drop(d, q->ops, QREXEC_PROBLEM);
}

static void exec(struct qrexec *q, uint32_t type, const uint8_t *body,
		 uint32_t len, struct mono now)
{
	const struct qrexec_params p = { qrexec_u32(body),
					 qrexec_u32(body + 4) };
	uint32_t text = len - QREXEC_PARAMS;
	struct qrexec_data *d;

	drop_older(q, &p);
	d = find_place(q, &part_runs, p.domain);
	if (!d) {
		complain(q, "too many calls by qrexec at once: one is turned "
			    "away");
		d = find_place(q, &part_away, p.domain);
	}
	if (!d) {
		terminated(q, &p);
		return;
	}
	d->role = type == QREXEC_JUST_EXEC ? QREXEC_ROLE_JUST
					   : QREXEC_ROLE_SERVICE;
	d->text_len = text <= QREXEC_TEXT_MAX ? text : 0;
	memcpy(d->text, body + QREXEC_PARAMS, d->text_len);
	start(q, d, &p, now);
}

/* Our own call with that ident (foreign), NULL when there is none. */
static struct qrexec_data *asked(struct qrexec *q, const uint8_t *ident)
{
	char mine[QREXEC_IDENT];

	for (uint32_t i = 0; i < QREXEC_CALLS; i++) {
		struct qrexec_data *d = &q->call[i];

		memset(mine, 0, sizeof(mine));
		snprintf(mine, sizeof(mine), IDENT, d->serial);
		if (d->state == QREXEC_ASKED &&
		    !memcmp(mine, ident, sizeof(mine)))
			return d;
	}
	return NULL;
}

static void service_connect(struct qrexec *q, const uint8_t *body,
			    struct mono now)
{
	const struct qrexec_params p = { qrexec_u32(body),
					 qrexec_u32(body + 4) };
	struct qrexec_data *d = asked(q, body + QREXEC_PARAMS);

	drop_older(q, &p);
	if (d)
		start(q, d, &p, now);
	else /* given up by now */
		terminated(q, &p);
}

static void service_refused(struct qrexec *q, const uint8_t *ident)
{
	struct qrexec_data *d = asked(q, ident);

	if (d)
		qrexec_data_drop(d, q->ops, QREXEC_REFUSED);
}

/* ---- messages -------------------------------------------------------------*/

/* False: it can't be. */
static bool hello(struct qrexec *q, uint32_t len)
{
	uint32_t theirs = qrexec_u32(q->body);

	if (q->ready || len != 4 || theirs < QREXEC_VERSION_MIN)
		return false;
	q->version = theirs < QREXEC_VERSION ? theirs : QREXEC_VERSION;
	q->ready = true;
	q->ops->ready(q->ops->ctx);
	return true;
}

/* One message is whole; of a long one q->body has the beginning. */
static bool obey(struct qrexec *q, uint32_t type, uint32_t len, struct mono now)
{
	if (type == QREXEC_HELLO || !q->ready)
		return type == QREXEC_HELLO && hello(q, len);
	switch (type) {
	case QREXEC_EXEC_CMDLINE:
	case QREXEC_JUST_EXEC:
		if (len < QREXEC_PARAMS)
			return false;
		exec(q, type, q->body, len, now);
		return true;
	case QREXEC_SERVICE_CONNECT:
		if (len != QREXEC_PARAMS + QREXEC_IDENT)
			return false;
		service_connect(q, q->body, now);
		return true;
	case QREXEC_SERVICE_REFUSED:
		if (len != QREXEC_IDENT)
			return false;
		service_refused(q, q->body);
		return true;
	default:
		complain(q, "a message of qrexec is of a type that is not "
			    "known: passed over");
		return true;
	}
}

static bool take(struct qrexec *q, const struct qrexec_piece *p,
		 struct mono now)
{
	size_t n = 0;

	if (p->len > QREXEC_LEN_MAX)
		return false;
	if (p->at < sizeof(q->body))
		n = sizeof(q->body) - p->at;
	n = n < p->n ? n : p->n;
	if (n)
		memcpy(q->body + p->at, p->bytes, n);
	return !p->last || obey(q, p->type, p->len, now);
}

/* True when all that was read is taken. */
static bool control_take(struct qrexec *q, struct mono now)
{
	struct qrexec_piece p;
	bool is;

	while (q->in_at < q->in_n) {
		if (qrexec_out_room(&q->out) < LONGEST)
			return false; /* dom0 has to read first */
		q->in_at += (uint32_t)qrexec_read(&q->reader, q->in + q->in_at,
						  q->in_n - q->in_at, &p, &is);
		if (is && !take(q, &p, now)) {
			control_nonsense(q, now);
			return false;
		}
	}
	return true;
}

static void control_receive(struct qrexec *q, struct mono now)
{
	while (q->control && control_take(q, now)) {
		ssize_t n = chan_recv(q->control, q->in, sizeof(q->in));

		if (n < 0)
			control_close(q);
		if (n <= 0)
			return;
		q->in_at = 0;
		q->in_n = (uint32_t)n;
	}
}

static void control_flush(struct qrexec *q)
{
	struct qrexec_out *o = &q->out;

	while (q->control && qrexec_out_waits(o)) {
		ssize_t n = chan_send(q->control, o->buf + o->at,
				      qrexec_out_waits(o));

		if (n < 0)
			control_close(q);
		if (n <= 0)
			return;
		o->at += (size_t)n;
	}
}

static void control_event(struct qrexec *q, struct mono now)
{
	enum chan_state s;

	if (!q->control)
		return;
	s = chan_event(q->control);
	if (s == CHAN_WAITING)
		return;
	if (!q->greeted)
		qrexec_put_u32(&q->out, QREXEC_HELLO, QREXEC_VERSION);
	q->greeted = true;
	control_receive(q, now);
	if (q->control && s == CHAN_GONE && q->in_at == q->in_n)
		control_close(q);
}

/* ---- for the owner --------------------------------------------------------*/

void qrexec_event(struct qrexec *q, uint32_t place, struct mono now)
{
	vw_assert(place <= QREXEC_PLACES);
	if (!place)
		control_event(q, now);
	else
		qrexec_data_event(&q->call[place - 1], q->ops, now);
}

struct mono qrexec_work(struct qrexec *q, struct mono now)
{
	struct mono next = { UINT64_MAX };

	control_open(q, now);
	if (q->control && q->in_at < q->in_n)
		control_receive(q, now);
	for (uint32_t i = 0; i < QREXEC_PLACES; i++) {
		struct qrexec_data *d = &q->call[i];

		if (d->state == QREXEC_FREE)
			continue;
		qrexec_data_work(d, q->ops, now);
		settle(q, d);
		/* who is OVER waits for dom0 to read, not for a time */
		if (d->state != QREXEC_FREE && d->state != QREXEC_OVER &&
		    d->until.ns < next.ns)
			next = d->until;
		if (d->more)
			next = now;
	}
	control_flush(q);
	if (q->control && q->in_at < q->in_n &&
	    qrexec_out_room(&q->out) >= LONGEST)
		next = now;
	if (!q->control && q->retry.ns < next.ns)
		next = q->retry;
	return next;
}

size_t qrexec_write(struct qrexec *q, uint32_t id, enum qrexec_stream stream,
		    const void *bytes, size_t len)
{
	return qrexec_data_write(&q->call[id], stream, bytes, len);
}

void qrexec_exit(struct qrexec *q, uint32_t id, int code)
{
	qrexec_data_exit(&q->call[id], code);
}

int qrexec_trigger(struct qrexec *q, const char *service, const char *target,
		   struct mono now)
{
	uint8_t head[QREXEC_NAME + QREXEC_TARGET + QREXEC_IDENT] = { 0 };
	struct qrexec_data *d = find_place(q, &part_runs, 0);
	const size_t name = strlen(service) + 1, to = strlen(target);
	char *ident;

	vw_assert(name <= QREXEC_NAME && to < QREXEC_TARGET / 2);
	if (!q->ready)
		return -ENOTCONN;
	if (!d || qrexec_out_room(&q->out) < LONGEST)
		return -EBUSY;
	if (q->version < 3) {
		memcpy(head, service, name);
		memcpy(head + QREXEC_NAME, target, to + 1);
		ident = (char *)head + QREXEC_NAME + QREXEC_TARGET / 2;
	} else {
		memcpy(head, target, to + 1);
		ident = (char *)head + QREXEC_TARGET;
	}
	d->serial = ++q->triggers;
	snprintf(ident, QREXEC_IDENT, IDENT, d->serial);
	if (q->version < 3)
		qrexec_put(&q->out, QREXEC_TRIGGER2, head,
			   QREXEC_NAME + QREXEC_TARGET / 2 + QREXEC_IDENT, NULL,
			   0);
	else
		qrexec_put(&q->out, QREXEC_TRIGGER3, head,
			   QREXEC_TARGET + QREXEC_IDENT, service, name);
	d->role = QREXEC_ROLE_CALLER;
	d->state = QREXEC_ASKED;
	d->owes = false;
	d->told = true;
	d->until = mono_add_ms(now, QREXEC_CONNECT_MS);
	return (int)d->id;
}
