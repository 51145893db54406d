/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "firewall/control/qubes/qubesdb_peer.h"

/* Answers leave room for so much news. */
#define NEWS (32u * QDB_HEADER)

void qubesdb_peer_init(struct qubesdb_peer *p, bool writes)
{
	memset(p, 0, sizeof(*p));
	p->writes = writes;
}

void qubesdb_peer_took(struct qubesdb_peer *p, size_t n)
{
	vw_assert(n <= p->out_n);
	p->out_n -= n;
	memmove(p->out, p->out + n, p->out_n);
}

/* Any answer fits. */
static bool has_room(const struct qubesdb_peer *p)
{
	return p->out_n + QDB_MESSAGE_MAX + NEWS <= QUBESDB_PEER_OUT;
}

/* Room for it was looked for before. */
static int say(struct qubesdb_peer *p, enum qdb_type type, const char *path,
	       const void *value, size_t len)
{
	uint8_t message[QDB_MESSAGE_MAX];

	if (qdb_make(message, type, path, value, len))
		return -EPROTO;
	vw_assert(QDB_HEADER + len <= QUBESDB_PEER_OUT - p->out_n);
	memcpy(p->out + p->out_n, message, QDB_HEADER + len);
	p->out_n += QDB_HEADER + len;
	return 0;
}

/* ---- news -----------------------------------------------------------------*/

static bool covers(const char *watch, const char *path)
{
	size_t n = strlen(watch);

	return watch[n - 1] == '/' ? !strncmp(path, watch, n)
				   : !strcmp(path, watch);
}

bool qubesdb_peer_news(struct qubesdb_peer *p, const char *path)
{
	for (uint32_t i = 0; i < p->watches; i++) {
		if (!covers(p->watch[i], path))
			continue;
		return p->out_n + QDB_HEADER <= QUBESDB_PEER_OUT &&
		       !say(p, QDB_IS_WATCH, path, NULL, 0);
	}
	return true;
}

static uint32_t find_watch(const struct qubesdb_peer *p, const char *path)
{
	uint32_t i = 0;

	while (i < p->watches && strcmp(p->watch[i], path) != 0)
		i++;
	return i;
}

static int watch(struct qubesdb_peer *p, const struct qdb_msg *m)
{
	uint32_t i = find_watch(p, m->path);

	if (i == QUBESDB_PEER_WATCHES)
		return say(p, QDB_ERROR, m->path, NULL, 0);
	if (i == p->watches)
		memcpy(p->watch[p->watches++], m->path, sizeof(m->path));
	return say(p, QDB_OK, m->path, NULL, 0);
}

static int unwatch(struct qubesdb_peer *p, const struct qdb_msg *m)
{
	uint32_t i = find_watch(p, m->path);

	if (i == p->watches)
		return say(p, QDB_NOENT, m->path, NULL, 0);
	p->watches--;
	memmove(p->watch[i], p->watch[p->watches], sizeof(p->watch[i]));
	return say(p, QDB_OK, m->path, NULL, 0);
}

/* ---- requests -------------------------------------------------------------*/

static int read_one(struct qubesdb_peer *p, const struct source_qubesdb *s,
		    const struct qdb_msg *m)
{
	struct tree_key key;

	if (!tree_read(s->mirror, m->path, &key))
		return say(p, QDB_NOENT, m->path, NULL, 0);
	return say(p, QDB_IS_READ, m->path, key.value, key.len);
}

/* True: it is over. */
static bool dump(struct qubesdb_peer *p, const struct source_qubesdb *s)
{
	bool list = p->dump == QDB_LIST;
	enum qdb_type type = list ? QDB_IS_LIST : QDB_IS_MULTIREAD;
	struct tree_key key = { .path = NULL };

	while (has_room(p)) {
		if (!tree_next(s->mirror, p->prefix,
			       p->after[0] ? p->after : NULL, &key)) {
			p->dump = 0;
			return !say(p, type, "", NULL, 0);
		}
		memcpy(p->after, key.path, strlen(key.path) + 1);
		if (say(p, type, key.path, list ? NULL : key.value,
			list ? 0 : key.len))
			continue; /* can't be told: longer than a message */
	}
	return false;
}

static int begin_dump(struct qubesdb_peer *p, const struct qdb_msg *m)
{
	p->dump = m->type;
	p->after[0] = '\0';
	memcpy(p->prefix, m->path, sizeof(p->prefix));
	if (!p->prefix[0])
		memcpy(p->prefix, "/", 2);
	return 0;
}

static int change(struct qubesdb_peer *p, struct source_qubesdb *s,
		  const struct qdb_msg *m)
{
	int err = -EPERM;

	if (p->writes)
		err = m->type == QDB_WRITE
			      ? qubesdb_write(&s->db, m->path, m->data, m->len)
			      : qubesdb_remove(&s->db, m->path);
	return say(p,
		   !err		    ? QDB_OK
		   : err == -ENOENT ? QDB_NOENT
				    : QDB_ERROR,
		   m->path, NULL, 0);
}

/* What it may ask for; else it makes no sense to go on with it. */
static bool is_request(const struct qdb_msg *m)
{
	bool key = qdb_is_key(m->path), path = key || qdb_is_prefix(m->path);

	switch (m->type) {
	case QDB_READ:
		return key && !m->len;
	case QDB_WRITE:
		return key && qdb_is_value(m->data, m->len);
	case QDB_MULTIREAD:
	case QDB_LIST:
		return (path || !m->path[0]) && !m->len;
	case QDB_RM:
	case QDB_WATCH:
	case QDB_UNWATCH:
		return path && !m->len;
	default:
		return false;
	}
}

static int obey(struct qubesdb_peer *p, struct source_qubesdb *s,
		const struct qdb_msg *m)
{
	if (!is_request(m))
		return -EPROTO;
	switch (m->type) {
	case QDB_READ:
		return read_one(p, s, m);
	case QDB_MULTIREAD:
	case QDB_LIST:
		return begin_dump(p, m);
	case QDB_WATCH:
		return watch(p, m);
	case QDB_UNWATCH:
		return unwatch(p, m);
	default:
		return change(p, s, m);
	}
}

int qubesdb_peer_work(struct qubesdb_peer *p, struct source_qubesdb *s)
{
	struct qdb_msg m;
	int size, err;

	for (uint32_t n = 0; n < QUBESDB_PEER_TURN; n++) {
		if (p->dump && !dump(p, s))
			return 1;
		if (!has_room(p))
			return 1;
		size = qdb_take(p->in, p->in_n, &m);
		if (size <= 0)
			return size;
		err = obey(p, s, &m);
		if (err)
			return err;
		p->in_n -= (size_t)size;
		memmove(p->in, p->in + size, p->in_n);
	}
	return 1;
}
