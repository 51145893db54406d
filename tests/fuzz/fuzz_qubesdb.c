/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom0's end of QubesDB is the input.  Whatever it says, what we send is what
 * its daemon would live on with: one reading, answers and changes that are
 * right in every byte, and no removal of what is not there.
 *
 * Records: what (1 byte), then
 *	0..127	so many bytes from dom0
 *	128..	a write, a removal, a new connection, time, a full channel: by
 *		the number's last three bits, with what is in words[]
 */
#include <errno.h>

#include "mock/mock_chan.h"
#include "mock/qdb_keys.h"
#include "tests/fuzz/fuzz.h"
#include "xen/qubes/qubesdb.h"

#define STEPS_MAX 2000u

static struct mock_chans net;
static struct qubesdb db;
static struct mock_chan *chan;
static struct mono now;
static bool asked, synced;
static uint8_t out[MOCK_CHAN_ROOM];
static size_t out_n;

/* The mirror: enough of one to know what may be removed. */
static struct qdb_keys keys;

static const char *const words[] = {
	"/a", "/a/b", "/a/", "/", "", "a", "/dns/10.137.0.5/", "/a b",
};

static void on_begin(void *ctx)
{
	(void)ctx;
	keys.n = 0;
	synced = false;
}

static void on_write(void *ctx, const char *path, const char *value, size_t len)
{
	(void)ctx;
	vw_assert(qdb_is_key(path) && qdb_is_value(value, len));
	qdb_keys_add(&keys, path);
}

static void on_remove(void *ctx, const char *path)
{
	(void)ctx;
	vw_assert(qdb_is_key(path) || qdb_is_prefix(path));
	qdb_keys_remove(&keys, path);
}

static bool on_has(void *ctx, const char *path)
{
	(void)ctx;
	return qdb_keys_has(&keys, path);
}

static void on_synced(void *ctx)
{
	(void)ctx;
	vw_assert(!synced);
	synced = true;
}

static void on_lost(void *ctx)
{
	(void)ctx;
	vw_assert(db.trouble[0] && !db.chan);
	synced = false;
}

static const struct qubesdb_ops ops = {
	.begin = on_begin,
	.write = on_write,
	.remove = on_remove,
	.has = on_has,
	.synced = on_synced,
	.lost = on_lost,
};

static void judge(const struct qdb_msg *m)
{
	bool is_path = qdb_is_key(m->path) || qdb_is_prefix(m->path);

	switch (m->type) {
	case QDB_MULTIREAD:
		vw_assert(!asked && !m->path[0] && !m->len);
		asked = true;
		break;
	case QDB_WRITE:
		vw_assert(asked && qdb_is_key(m->path) &&
			  qdb_is_value(m->data, m->len));
		break;
	case QDB_RM:
	case QDB_OK:
	case QDB_ERROR:
		vw_assert(asked && is_path && !m->len);
		break;
	default:
		vw_assert(false);
	}
}

/* All that we sent; what is cut stays until its rest comes. */
static void look(void)
{
	struct qdb_msg m;
	size_t at = 0;
	int size;

	if (!chan || !chan->used)
		return;
	out_n += mock_chan_take(chan, out + out_n, sizeof(out) - out_n);
	while ((size = qdb_take(out + at, out_n - at, &m)) > 0) {
		judge(&m);
		at += (size_t)size;
	}
	vw_assert(size == 0);
	out_n -= at;
	memmove(out, out + at, out_n);
}

static void work(void)
{
	struct mono next = qubesdb_work(&db, now);

	vw_assert(db.chan || next.ns != UINT64_MAX);
	if (db.chan && chan != mock_chan_find(&net, 0, 111))
		chan = NULL;
	if (!db.chan)
		chan = NULL;
	look();
}

static void meet(void)
{
	struct mock_chan *c = mock_chan_find(&net, 0, 111);

	if (!c || c->state != CHAN_WAITING)
		return;
	chan = c;
	asked = false;
	out_n = 0;
	mock_chan_meet(c);
}

static void step(struct feed *f)
{
	uint8_t what = feed_u8(f);
	const char *word = words[what >> 3 & 7];
	const uint8_t *bytes;
	size_t n;

	if (what < 128) {
		bytes = feed_bytes(f, what, &n);
		if (chan && chan->in.n + n <= MOCK_CHAN_ROOM)
			mock_chan_put(chan, bytes, n);
		return;
	}
	switch (what & 7) {
	case 0:
	case 1:
		bytes = feed_bytes(f, feed_u8(f), &n);
		(void)!qubesdb_write(&db, word, bytes, n);
		break;
	case 2:
		n = on_has(NULL, word[0] ? word : "/");
		vw_assert(qubesdb_remove(&db, word) || n);
		break;
	case 3:
		if (chan)
			mock_chan_leave(chan);
		break;
	case 4:
		meet();
		break;
	case 5:
		now = mono_add_ms(now, QUBESDB_PAUSE_MS);
		break;
	case 6:
		if (chan)
			chan->room = what >> 3 & 1 ? 0 : MOCK_CHAN_ROOM;
		break;
	default:
		if (chan)
			chan->piece = 1u + (what >> 3 & 7u) * 50u;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct feed f = { data, len };

	mock_chans_init(&net);
	qubesdb_init(&db, &net.net, &ops);
	now = (struct mono){ MONO_S };
	keys.n = 0;
	chan = NULL;
	work();
	meet();
	for (uint32_t i = 0; i < STEPS_MAX && f.left; i++) {
		step(&f);
		work();
	}
	qubesdb_fini(&db);
	vw_assert(!mock_chan_find(&net, 0, 111));
	mock_chans_fini(&net);
	return 0;
}
