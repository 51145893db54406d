/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xen/qubes/qubesdb_part.h"

/* What is left of the queue for answers, which can't be refused. */
#define OUT_ANSWERS (QUBESDB_OUT / 2)

void qubesdb_init(struct qubesdb *q, struct chan_net *net,
		  const struct qubesdb_ops *ops)
{
	*q = (struct qubesdb){ .ops = ops, .net = net };
}

void qubesdb_init_local(struct qubesdb *q, struct chan_net *net,
			const struct qubesdb_ops *ops)
{
	qubesdb_init(q, net, ops);
	q->is_local = true;
}

void qubesdb_fini(struct qubesdb *q)
{
	chan_close(q->chan);
	q->chan = NULL;
	q->state = QUBESDB_AWAY;
}

int qubesdb_fd(const struct qubesdb *q)
{
	return q->chan ? q->chan->fd : -1;
}

/* ---- beginning and end ------------------------------------------------------
 */

static void pause_for(struct qubesdb *q, struct mono now, uint64_t ms)
{
	for (uint32_t i = 0; i < q->tries && ms < QUBESDB_PAUSE_MS; i++)
		ms *= 2;
	if (ms > QUBESDB_PAUSE_MS)
		ms = QUBESDB_PAUSE_MS;
	q->tries++;
	q->again = mono_add_ms(now, ms);
}

static void lose(struct qubesdb *q, struct mono now, uint64_t ms)
{
	chan_close(q->chan);
	q->chan = NULL;
	q->state = QUBESDB_AWAY;
	pause_for(q, now, ms);
	q->ops->lost(q->ops->ctx);
}

static void connect_to(struct qubesdb *q, struct mono now)
{
	int err;

	q->in_n = q->out_n = 0;
	q->unacked = q->unacked_writes = 0;
	q->chan = chan_connect(q->net, QUBESDB_DOMAIN, QUBESDB_PORT, &err);
	if (q->chan) {
		q->made++;
		q->state = QUBESDB_CALLING;
		return;
	}
	snprintf(q->trouble, sizeof(q->trouble), "no channel (error %d)", -err);
	pause_for(q, now, QUBESDB_FAULT_MS);
}

/* ---- out --------------------------------------------------------------------
 */

int qubesdb_queue(struct qubesdb *q, enum qdb_type type, const char *path,
		  const void *value, size_t len)
{
	uint8_t message[QDB_MESSAGE_MAX];
	int err = qdb_make(message, type, path, value, len);

	if (err)
		return err;
	vw_assert(QDB_HEADER + len <= QUBESDB_OUT - q->out_n);
	memcpy(q->out + q->out_n, message, QDB_HEADER + len);
	q->out_n += QDB_HEADER + len;
	return 0;
}

/* What nobody is there to read is not kept: it would hold up what came. */
static void flush(struct qubesdb *q)
{
	size_t sent = 0;

	while (sent < q->out_n) {
		ssize_t n = chan_send(q->chan, q->out + sent, q->out_n - sent);

		if (n < 0)
			sent = q->out_n; /* the next read says so */
		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	q->out_n -= sent;
	memmove(q->out, q->out + sent, q->out_n);
}

/* A change of ours. */
static int request(struct qubesdb *q, enum qdb_type type, const char *path,
		   const void *value, size_t len)
{
	if (q->is_local)
		return qubesdb_local_request(q, type, path, value, len);
	return qubesdb_queue(q, type, path, value, len);
}

static int may_change(const struct qubesdb *q, size_t len)
{
	if (q->state != QUBESDB_RUN)
		return -ENOTCONN;
	if (q->is_local && !qubesdb_local_may(q))
		return -EAGAIN;
	return q->out_n + QDB_HEADER + len > OUT_ANSWERS ? -EAGAIN : 0;
}

int qubesdb_write(struct qubesdb *q, const char *path, const void *value,
		  size_t len)
{
	int err = qdb_is_value(value, len) ? may_change(q, len) : -EINVAL;

	if (!err)
		err = request(q, QDB_WRITE, path, value, len);
	if (err)
		return err;
	q->unacked_writes = ++q->unacked;
	q->ops->write(q->ops->ctx, path, value, len);
	return 0;
}

int qubesdb_remove(struct qubesdb *q, const char *path)
{
	int err = may_change(q, 0);

	if (!err && !qdb_is_key(path) && !qdb_is_prefix(path))
		err = -EINVAL;
	if (!err && !q->ops->has(q->ops->ctx, path))
		err = -ENOENT;
	if (!err && !q->is_local && q->unacked_writes)
		err = -EAGAIN;
	if (!err)
		err = request(q, QDB_RM, path, NULL, 0);
	if (err)
		return err;
	q->unacked++;
	q->ops->remove(q->ops->ctx, path);
	return 0;
}

/* ---- in ---------------------------------------------------------------------
 */

const char *qubesdb_nonsense(struct qubesdb *q, const struct qdb_msg *m,
			     const char *why)
{
	snprintf(q->trouble, sizeof(q->trouble), "message of type %u: %s",
		 m->type, why);
	return why;
}

void qubesdb_synced(struct qubesdb *q)
{
	q->state = QUBESDB_RUN;
	q->tries = 0;
	q->trouble[0] = '\0';
	q->syncs++;
	q->ops->synced(q->ops->ctx);
}

/* NULL, or why it can't be. */
static const char *sync_with(struct qubesdb *q, const struct qdb_msg *m)
{
	if (m->type != QDB_IS_MULTIREAD)
		return qubesdb_nonsense(q, m, "not during the first reading");
	if (!m->path[0]) {
		if (m->len)
			return qubesdb_nonsense(q, m, "the end has data");
		qubesdb_synced(q);
		return NULL;
	}
	if (!qdb_is_key(m->path) || !qdb_is_value(m->data, m->len))
		return qubesdb_nonsense(q, m, "no key and value");
	q->ops->write(q->ops->ctx, m->path, (const char *)m->data, m->len);
	return NULL;
}

/* dom0's daemon answers alike what it does not take but lives with. */
static const char *answer(struct qubesdb *q, const struct qdb_msg *m, bool took)
{
	int err = qubesdb_queue(q, took ? QDB_OK : QDB_ERROR, m->path, NULL, 0);

	vw_assert(!err);
	return NULL;
}

static const char *is_written(struct qubesdb *q, const struct qdb_msg *m)
{
	if (!qdb_is_key(m->path))
		return qubesdb_nonsense(q, m, "no key");
	if (!qdb_is_value(m->data, m->len))
		return answer(q, m, false);
	q->ops->write(q->ops->ctx, m->path, (const char *)m->data, m->len);
	return answer(q, m, true);
}

/* What is not here is gone, too: dom0 is never told NOENT. */
static const char *is_removed(struct qubesdb *q, const struct qdb_msg *m)
{
	if (!qdb_is_key(m->path) && !qdb_is_prefix(m->path))
		return qubesdb_nonsense(q, m, "neither key nor prefix");
	if (m->len)
		return answer(q, m, false);
	q->ops->remove(q->ops->ctx, m->path);
	return answer(q, m, true);
}

void qubesdb_answered(struct qubesdb *q, bool took)
{
	q->unacked -= q->unacked > 0;
	q->unacked_writes -= q->unacked_writes > 0;
	q->refused += !took;
}

/* Who believes that a refused key is there would remove it one day. */
static const char *is_answered(struct qubesdb *q, const struct qdb_msg *m)
{
	bool took = m->type == QDB_OK, ours = q->unacked > 0;

	if (m->len)
		return qubesdb_nonsense(q, m, "an answer has data");
	qubesdb_answered(q, took);
	if (!took && ours && qdb_is_key(m->path) &&
	    q->ops->has(q->ops->ctx, m->path))
		q->ops->remove(q->ops->ctx, m->path);
	return NULL;
}

static const char *run_with(struct qubesdb *q, const struct qdb_msg *m)
{
	switch (m->type) {
	case QDB_WRITE:
		return is_written(q, m);
	case QDB_RM:
		return is_removed(q, m);
	case QDB_OK:
	case QDB_ERROR:
		return is_answered(q, m);
	default:
		return qubesdb_nonsense(q, m, "not from dom0");
	}
}

static const char *take_one(struct qubesdb *q, const struct qdb_msg *m)
{
	if (q->is_local)
		return qubesdb_local_take(q, m);
	return q->state == QUBESDB_SYNC ? sync_with(q, m) : run_with(q, m);
}

static bool may_answer(const struct qubesdb *q)
{
	return q->out_n + QDB_HEADER <= QUBESDB_OUT;
}

/* As many as there is room for answers; false: it ended in nonsense. */
static bool take_all(struct qubesdb *q, uint32_t *left)
{
	struct qdb_msg m;
	size_t at = 0;
	int size = 0;

	while (*left && may_answer(q)) {
		size = qdb_take(q->in + at, q->in_n - at, &m);
		if (size < 0)
			qubesdb_nonsense(q, &m,
					 "too long, or a path without end");
		if (size <= 0)
			break;
		if (take_one(q, &m))
			return false;
		at += (size_t)size;
		--*left;
	}
	q->in_n -= at;
	memmove(q->in, q->in + at, q->in_n);
	return size >= 0;
}

/* True: there may be more at once. */
static bool receive(struct qubesdb *q, struct mono now)
{
	uint32_t left = QUBESDB_TURN;

	for (;;) {
		ssize_t n = 0;
		bool waits;

		if (!take_all(q, &left)) {
			lose(q, now, QUBESDB_FAULT_MS);
			return false;
		}
		waits = !may_answer(q);
		if (q->is_local)
			qubesdb_local_ask(q);
		flush(q);
		if (!left)
			return true;
		if (waits && may_answer(q))
			continue; /* no event will tell of what is here */
		if (q->in_n < sizeof(q->in))
			n = chan_recv(q->chan, q->in + q->in_n,
				      sizeof(q->in) - q->in_n);
		if (n < 0) {
			snprintf(q->trouble, sizeof(q->trouble),
				 "its daemon went away");
			lose(q, now, QUBESDB_AGAIN_MS);
		}
		if (n <= 0)
			return false;
		q->in_n += (size_t)n;
	}
}

/*
 * The daemon takes a peer that goes before it asked for one that died, so the
 * question is the first thing of all.
 */
static void call(struct qubesdb *q, struct mono now)
{
	switch (chan_event(q->chan)) {
	case CHAN_WAITING:
		return;
	case CHAN_GONE:
		snprintf(q->trouble, sizeof(q->trouble),
			 "its daemon went at once");
		lose(q, now, QUBESDB_AGAIN_MS);
		return;
	case CHAN_OPEN:
		break;
	}
	if (q->is_local) {
		qubesdb_local_call(q);
	} else {
		int err = qubesdb_queue(q, QDB_MULTIREAD, "", NULL, 0);

		vw_assert(!err);
	}
	q->state = QUBESDB_SYNC;
	q->ops->begin(q->ops->ctx);
}

struct mono qubesdb_work(struct qubesdb *q, struct mono now)
{
	const struct mono never = { UINT64_MAX };
	bool more = false;

	if (q->state == QUBESDB_AWAY && mono_past(q->again, now))
		connect_to(q, now);
	if (q->state == QUBESDB_CALLING)
		call(q, now);
	if (q->state >= QUBESDB_SYNC) {
		(void)chan_event(q->chan);
		more = receive(q, now);
	}
	if (q->state == QUBESDB_AWAY)
		return q->again;
	return more ? now : never;
}
