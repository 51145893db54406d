/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "mock/qdb_dom0.h"
#include "mock/qdb_keys.h"

void qdb_dom0_init(struct qdb_dom0 *d, struct mock_chans *net)
{
	memset(d, 0, sizeof(*d));
	d->net = net;
}

void qdb_dom0_send(struct qdb_dom0 *d, uint8_t type, const char *path,
		   const void *data, size_t len)
{
	uint8_t head[QDB_HEADER];

	/* bytes behind the path's end are what was there */
	memset(head, 0xa5, sizeof(head));
	head[0] = type;
	memcpy(head + 1, path, strlen(path) + 1);
	head[68] = (uint8_t)len;
	head[69] = (uint8_t)(len >> 8);
	head[70] = head[71] = 0;
	mock_chan_put(d->chan, head, sizeof(head));
	if (len)
		mock_chan_put(d->chan, data, len);
}

/* ---- its keys ---------------------------------------------------------------
 */

static uint32_t find(const struct qdb_dom0 *d, const char *path)
{
	uint32_t i = 0;

	while (i < d->n && strcmp(d->path[i], path))
		i++;
	return i;
}

const char *qdb_dom0_get(const struct qdb_dom0 *d, const char *path)
{
	uint32_t i = find(d, path);

	return i < d->n ? d->value[i] : NULL;
}

static void put(struct qdb_dom0 *d, const char *path, const void *value,
		size_t len)
{
	uint32_t i = find(d, path);

	vw_assert(i < QDB_DOM0_KEYS && len <= QDB_VALUE_MAX);
	if (i == d->n)
		d->n++;
	memcpy(d->path[i], path, strlen(path) + 1);
	if (len)
		memcpy(d->value[i], value, len);
	d->value[i][len] = '\0';
}

/* How many went. */
static uint32_t cut(struct qdb_dom0 *d, const char *path)
{
	uint32_t went = 0;

	for (uint32_t i = 0; i < d->n;) {
		if (!qdb_keys_is_in(d->path[i], path)) {
			i++;
			continue;
		}
		d->n--;
		memcpy(d->path[i], d->path[d->n], sizeof(d->path[i]));
		memcpy(d->value[i], d->value[d->n], sizeof(d->value[i]));
		went++;
	}
	return went;
}

void qdb_dom0_set(struct qdb_dom0 *d, const char *path, const char *value)
{
	put(d, path, value, strlen(value));
	if (d->chan && d->asked)
		qdb_dom0_send(d, QDB_WRITE, path, value, strlen(value));
}

/* A removal of nothing is not told. */
void qdb_dom0_rm(struct qdb_dom0 *d, const char *path)
{
	if (cut(d, path) && d->chan && d->asked)
		qdb_dom0_send(d, QDB_RM, path, NULL, 0);
}

void qdb_dom0_rules(struct qdb_dom0 *d, const char *address,
		    const char *const *rule)
{
	char path[QDB_PATH_MAX + 1];

	snprintf(path, sizeof(path), "/qubes-firewall/%s/", address);
	qdb_dom0_rm(d, path);
	snprintf(path, sizeof(path), "/qubes-firewall/%s/policy", address);
	qdb_dom0_set(d, path, "drop");
	for (uint32_t i = 0; rule[i]; i++) {
		snprintf(path, sizeof(path), "/qubes-firewall/%s/%04u", address,
			 i);
		qdb_dom0_set(d, path, rule[i]);
	}
	snprintf(path, sizeof(path), "/qubes-firewall/%s", address);
	qdb_dom0_set(d, path, "");
}

/* ---- what it gets -----------------------------------------------------------
 */

/* In descending order, and an empty path at the end. */
static void dump(struct qdb_dom0 *d)
{
	const char *last = NULL;

	for (uint32_t n = 0; n < d->n; n++) {
		uint32_t best = d->n;

		for (uint32_t i = 0; i < d->n; i++)
			if ((!last || strcmp(d->path[i], last) < 0) &&
			    (best == d->n ||
			     strcmp(d->path[i], d->path[best]) > 0))
				best = i;
		last = d->path[best];
		qdb_dom0_send(d, QDB_IS_MULTIREAD, last, d->value[best],
			      strlen(d->value[best]));
	}
	qdb_dom0_send(d, QDB_IS_MULTIREAD, "", NULL, 0);
	d->asked = true;
}

static void change(struct qdb_dom0 *d, const struct qdb_msg *m)
{
	bool bad = m->type == QDB_RM ? m->len > 0
				     : m->len && memchr(m->data, 0, m->len);

	if (!d->mute)
		qdb_dom0_send(d, bad ? QDB_ERROR : QDB_OK, m->path, NULL, 0);
	if (bad)
		return;
	if (m->type == QDB_WRITE && !qdb_is_key(m->path))
		d->died = "a write of what is no key";
	else if (m->type == QDB_WRITE)
		put(d, m->path, m->data, m->len);
	else if (!cut(d, m->path))
		d->died = "a removal of nothing";
	d->writes += m->type == QDB_WRITE;
	d->removals += m->type == QDB_RM;
}

static void obey(struct qdb_dom0 *d, const struct qdb_msg *m)
{
	switch (m->type) {
	case QDB_MULTIREAD:
		if (d->asked)
			d->died = "a second reading";
		else if (m->path[0] || m->len)
			d->died = "a reading of a part";
		else
			dump(d);
		break;
	case QDB_WRITE:
	case QDB_RM:
		change(d, m);
		break;
	case QDB_OK:
		d->oks++;
		break;
	case QDB_ERROR:
		d->errors++;
		if (m->len)
			d->died = "an error with data";
		break;
	default:
		d->died = "a type that is not for it";
	}
}

bool qdb_dom0_accept(struct qdb_dom0 *d)
{
	struct mock_chan *c = mock_chan_find(d->net, 0, 111);

	if (!c || c == d->chan)
		return false;
	d->chan = c;
	d->asked = false;
	d->in_n = 0;
	mock_chan_meet(c);
	return true;
}

void qdb_dom0_work(struct qdb_dom0 *d)
{
	struct qdb_msg m;
	size_t at = 0;
	int size;

	if (!d->chan)
		return;
	d->in_n += mock_chan_take(d->chan, d->in + d->in_n,
				  sizeof(d->in) - d->in_n);
	while ((size = qdb_take(d->in + at, d->in_n - at, &m)) > 0 &&
	       !d->died) {
		at += (size_t)size;
		obey(d, &m);
	}
	if (size < 0)
		d->died = "a message that is too long";
	d->in_n -= at;
	memmove(d->in, d->in + at, d->in_n);
}

void qdb_dom0_end(struct qdb_dom0 *d, bool forget)
{
	if (d->chan && d->chan->used)
		mock_chan_leave(d->chan);
	d->chan = NULL;
	d->asked = false;
	if (forget)
		d->n = 0;
}
