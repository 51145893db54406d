/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon of a Linux qube is the input.  Whatever it says, what it is asked
 * is right in every byte, no more answers are waited for than there is room
 * for, and nothing is removed that the mirror has not got.
 *
 * Records: what (1 byte), then
 *	0..127	so many bytes from the daemon
 *	128..	by the number's last three bits: a message (its type, and a
 *		path of words[] by the three bits before), its end of an
 *		answer, a write, a removal, a new connection, its end, a full
 *		channel, small pieces
 */
#include "firewall/control/source/tree.h"
#include "mock/mock_chan.h"
#include "tests/fuzz/fuzz.h"
#include "xen/qubes/qubesdb.h"

#define STEPS_MAX 2000u
#define SETS "/qubes-firewall/"

static struct mock_chans net;
static struct qubesdb db;
static struct mock_chan *chan;
static struct tree *mirror;
static struct mono now;
static uint8_t out[MOCK_CHAN_ROOM];
static size_t out_n;

static const char *const words[] = {
	"/a", SETS "1", SETS "1/0000", SETS "1/", "/", "", "/a/b", "/a b",
};

static bool on_has(void *ctx, const char *path)
{
	struct tree_key key;

	(void)ctx;
	if (path[strlen(path) - 1] == '/')
		return tree_next(mirror, path, NULL, &key);
	return tree_read(mirror, path, &key);
}

static void on_begin(void *ctx)
{
	(void)ctx;
	tree_remove(mirror, "/");
}

static void on_write(void *ctx, const char *path, const char *value, size_t len)
{
	(void)ctx;
	vw_assert(qdb_is_key(path) && qdb_is_value(value, len));
	(void)!tree_offer(mirror, path, value, len);
}

static void on_remove(void *ctx, const char *path)
{
	vw_assert(on_has(ctx, path));
	tree_remove(mirror, path);
}

static enum qubesdb_kind on_kind(void *ctx, const char *path)
{
	(void)ctx;
	if (strncmp(path, SETS, strlen(SETS)))
		return QUBESDB_KEY;
	return strchr(path + strlen(SETS), '/') ? QUBESDB_PART : QUBESDB_SET;
}

static void on_synced(void *ctx)
{
	(void)ctx;
	vw_assert(db.state == QUBESDB_RUN);
}

static void on_lost(void *ctx)
{
	(void)ctx;
	vw_assert(db.trouble[0] && !db.chan);
}

static const struct qubesdb_ops ops = {
	.begin = on_begin,
	.write = on_write,
	.remove = on_remove,
	.has = on_has,
	.kind = on_kind,
	.synced = on_synced,
	.lost = on_lost,
};

static void judge(const struct qdb_msg *m)
{
	bool key = qdb_is_key(m->path), prefix = qdb_is_prefix(m->path);

	switch (m->type) {
	case QDB_READ:
		vw_assert(key && !m->len);
		break;
	case QDB_WRITE:
		vw_assert(key && qdb_is_value(m->data, m->len));
		break;
	case QDB_WATCH:
	case QDB_MULTIREAD:
		vw_assert(prefix && !m->len);
		break;
	case QDB_RM:
		vw_assert((key || prefix) && !m->len);
		break;
	default:
		vw_assert(false);
	}
}

/* All that it was asked; what is cut stays until its rest comes. */
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
	vw_assert(db.local.sent_n <= QUBESDB_SENT &&
		  db.local.ask_n <= QUBESDB_ASKS);
	if (!db.chan || chan != mock_chan_find(&net, 0, QUBESDB_PORT))
		chan = NULL;
	look();
}

static void meet(void)
{
	struct mock_chan *c = mock_chan_find(&net, 0, QUBESDB_PORT);

	if (!c || c->state != CHAN_WAITING)
		return;
	chan = c;
	out_n = 0;
	mock_chan_meet(c);
}

static void says(uint8_t type, const char *path, const uint8_t *value, size_t n)
{
	uint8_t head[QDB_HEADER] = { type };

	if (!chan || chan->in.n + sizeof(head) + n > MOCK_CHAN_ROOM)
		return;
	memcpy(head + 1, path, strlen(path));
	head[68] = (uint8_t)n;
	mock_chan_put(chan, head, sizeof(head));
	mock_chan_put(chan, value, n);
}

static void step(struct feed *f)
{
	uint8_t what = feed_u8(f), type;
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
		type = feed_u8(f);
		bytes = feed_bytes(f, feed_u8(f), &n);
		says(type, word, bytes, n);
		break;
	case 1:
		says(QDB_IS_MULTIREAD, "", NULL, 0);
		break;
	case 2:
		bytes = feed_bytes(f, feed_u8(f), &n);
		(void)!qubesdb_write(&db, word, bytes, n);
		break;
	case 3:
		(void)!qubesdb_remove(&db, word);
		break;
	case 4:
		now = mono_add_ms(now, QUBESDB_PAUSE_MS);
		work();
		meet();
		break;
	case 5:
		if (chan)
			mock_chan_leave(chan);
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

	mirror = tree_new(1u << 18, NULL, NULL);
	vw_assert(mirror);
	mock_chans_init(&net);
	qubesdb_init_local(&db, &net.net, &ops);
	now = (struct mono){ MONO_S };
	chan = NULL;
	work();
	meet();
	for (uint32_t i = 0; i < STEPS_MAX && f.left; i++) {
		step(&f);
		work();
	}
	qubesdb_fini(&db);
	vw_assert(!mock_chan_find(&net, 0, QUBESDB_PORT));
	mock_chans_fini(&net);
	tree_free(mirror);
	return 0;
}
