/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QubesDB with the daemon of a Linux qube.  It answers requests in their order,
 * each as of one moment, and tells of changed keys in between, also in the
 * middle of an answer; so whatever we take in the order in which it comes is
 * what the daemon has.
 */
#include <errno.h>
#include <string.h>

#include "xen/qubes/qubesdb_part.h"

#define ALL "/"
#define TOO_MUCH "too much at a time"
#define KEPT 4u /* of places for answers, which changes of ours leave free */

/* ---- requests -------------------------------------------------------------*/

bool qubesdb_local_may(const struct qubesdb *q)
{
	return q->local.sent_n < QUBESDB_SENT - KEPT;
}

int qubesdb_local_request(struct qubesdb *q, enum qdb_type type,
			  const char *path, const void *value, size_t len)
{
	struct qubesdb_local *l = &q->local;
	int err = qubesdb_queue(q, type, path, value, len);

	if (err)
		return err;
	vw_assert(l->sent_n < QUBESDB_SENT);
	l->sent[(l->sent_at + l->sent_n++) % QUBESDB_SENT] = (uint8_t)type;
	return 0;
}

static void ask(struct qubesdb *q, enum qdb_type type, const char *path)
{
	int err = qubesdb_local_request(q, type, path, NULL, 0);

	vw_assert(!err);
}

void qubesdb_local_call(struct qubesdb *q)
{
	memset(&q->local, 0, sizeof(q->local));
	ask(q, QDB_WATCH, ALL);
	ask(q, QDB_MULTIREAD, ALL);
}

static enum qubesdb_kind kind_of(const struct qubesdb *q, const char *path)
{
	return q->ops->kind(q->ops->ctx, path);
}

void qubesdb_local_ask(struct qubesdb *q)
{
	struct qubesdb_local *l = &q->local;
	char below[QDB_PATH_MAX + 2];
	size_t len;

	if (q->state != QUBESDB_RUN || l->asking || !l->ask_n ||
	    l->sent_n + 2 > QUBESDB_SENT ||
	    q->out_n + 2 * QDB_HEADER > QUBESDB_OUT)
		return;
	l->asking = true;
	l->stale = false;
	if (kind_of(q, l->ask[0]) == QUBESDB_SET) {
		len = strlen(l->ask[0]);
		memcpy(below, l->ask[0], len);
		memcpy(below + len, "/", 2);
		if (q->ops->has(q->ops->ctx, below))
			q->ops->remove(q->ops->ctx, below);
		ask(q, QDB_MULTIREAD, below);
	}
	ask(q, QDB_READ, l->ask[0]);
}

/* ---- news -----------------------------------------------------------------*/

/* Is @path a key below @set? */
static bool is_part(const char *set, const char *path)
{
	size_t n = strlen(set);

	return !strncmp(path, set, n) && path[n] == '/';
}

/* Does a change of @path, a key or a prefix, change the set? */
static bool touches(const char *set, const char *path)
{
	size_t n = strlen(set), m = strlen(path);

	if (path[m - 1] == '/' && m <= n + 1)
		return !strncmp(path, set, m - 1) &&
		       (m == n + 1 || m == 1 || set[m - 1] == '/');
	return !strcmp(path, set) || is_part(set, path);
}

/* False: more has changed than can be remembered. */
static bool note(struct qubesdb_local *l, const char *path)
{
	for (uint32_t i = l->asking; i < l->ask_n; i++)
		if (!strcmp(l->ask[i], path))
			return true;
	if (l->ask_n == QUBESDB_ASKS)
		return false;
	memcpy(l->ask[l->ask_n++], path, strlen(path) + 1);
	return true;
}

/* A path that ends in a slash tells of a removal, of all below it. */
static const char *is_news(struct qubesdb *q, const struct qdb_msg *m)
{
	struct qubesdb_local *l = &q->local;
	bool all = qdb_is_prefix(m->path);

	if (m->len || (!all && !qdb_is_key(m->path)))
		return qubesdb_nonsense(q, m, "news of what is no key");
	if (l->asking && touches(l->ask[0], m->path))
		l->stale = true;
	if (all) {
		if (q->ops->has(q->ops->ctx, m->path))
			q->ops->remove(q->ops->ctx, m->path);
		return NULL;
	}
	switch (kind_of(q, m->path)) {
	case QUBESDB_NONE:
	case QUBESDB_PART:
		return NULL;
	case QUBESDB_SET:
		if (strlen(m->path) == QDB_PATH_MAX)
			return NULL; /* nothing fits below it */
		break;
	case QUBESDB_KEY:
		break;
	}
	return note(l, m->path) ? NULL : qubesdb_nonsense(q, m, TOO_MUCH);
}

/* ---- answers --------------------------------------------------------------*/

static void answered(struct qubesdb *q)
{
	q->local.sent_at = (q->local.sent_at + 1) % QUBESDB_SENT;
	q->local.sent_n--;
}

static const char *is_entry(struct qubesdb *q, const struct qdb_msg *m)
{
	if (m->type != QDB_IS_MULTIREAD)
		return qubesdb_nonsense(q, m, "not an entry");
	if (!m->path[0]) {
		if (m->len)
			return qubesdb_nonsense(q, m, "the end has data");
		answered(q);
		if (q->state == QUBESDB_SYNC)
			qubesdb_synced(q);
		return NULL;
	}
	if (!qdb_is_key(m->path) || !qdb_is_value(m->data, m->len))
		return qubesdb_nonsense(q, m, "no key and value");
	/* one reading at a time: of everything, or of the set asked for */
	if (q->state == QUBESDB_RUN && !is_part(q->local.ask[0], m->path))
		return qubesdb_nonsense(q, m, "not of that set");
	q->ops->write(q->ops->ctx, m->path, (const char *)m->data, m->len);
	return NULL;
}

static void next_ask(struct qubesdb_local *l)
{
	l->ask_n--;
	memmove(l->ask[0], l->ask[1], l->ask_n * sizeof(l->ask[0]));
	l->asking = false;
}

/* A set whose reading was disturbed is written again by whoever did that. */
static const char *is_read(struct qubesdb *q, const struct qdb_msg *m)
{
	struct qubesdb_local *l = &q->local;
	const char *path = l->ask[0];
	bool set = kind_of(q, path) == QUBESDB_SET;

	if (m->type != QDB_IS_READ && m->type != QDB_NOENT)
		return qubesdb_nonsense(q, m, "no value");
	if (!qdb_is_value(m->data, m->len))
		return qubesdb_nonsense(q, m, "a value with NUL");
	answered(q);
	if (m->type == QDB_NOENT && q->ops->has(q->ops->ctx, path))
		q->ops->remove(q->ops->ctx, path);
	if (m->type == QDB_IS_READ && !(set && l->stale))
		q->ops->write(q->ops->ctx, path, (const char *)m->data, m->len);
	next_ask(l);
	return NULL;
}

static const char *is_done(struct qubesdb *q, const struct qdb_msg *m)
{
	enum qdb_type was = q->local.sent[q->local.sent_at];

	if (m->len ||
	    (m->type != QDB_OK && m->type != QDB_ERROR && m->type != QDB_NOENT))
		return qubesdb_nonsense(q, m, "no answer to a change");
	if (was == QDB_WATCH && m->type != QDB_OK)
		return qubesdb_nonsense(q, m, "it lets us watch nothing");
	answered(q);
	if (was == QDB_WATCH)
		return NULL;
	qubesdb_answered(q, m->type != QDB_ERROR);
	/* what it has instead is asked for */
	if (m->type == QDB_ERROR && qdb_is_key(m->path) &&
	    !note(&q->local, m->path))
		return qubesdb_nonsense(q, m, TOO_MUCH);
	return NULL;
}

const char *qubesdb_local_take(struct qubesdb *q, const struct qdb_msg *m)
{
	if (m->type == QDB_IS_WATCH)
		return is_news(q, m);
	if (!q->local.sent_n)
		return qubesdb_nonsense(q, m, "an answer to nothing");
	switch (q->local.sent[q->local.sent_at]) {
	case QDB_MULTIREAD:
		return is_entry(q, m);
	case QDB_READ:
		return is_read(q, m);
	default:
		return is_done(q, m);
	}
}
