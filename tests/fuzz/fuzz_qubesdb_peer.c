/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of our mirror of QubesDB is the input, with changes of the mirror in
 * between.  Whatever it asks, what it gets is whole messages of the kinds that
 * its tools know, in the bounds of its buffer, each request has one answer, and
 * a client that may only read changes nothing.
 *
 * The first byte: may it write?  Then records: what (1 byte), then
 *	0..127	so many bytes from the client
 *	128..	by the number's last two bits: a request (its type, and a path
 *		of words[] by the three bits before), a key that dom0 writes or
 *		removes, so many bytes taken
 */
#include <errno.h>

#include "firewall/control/qubes/qubesdb_peer.h"
#include "mock/mock_chan.h"
#include "tests/fuzz/fuzz.h"

#define STEPS_MAX 2000u

static struct mock_chans net;
static struct source_qubesdb source;
static struct apply apply;
static struct qubesdb_peer peer;
static bool gone;

static const char *const words[] = {
	"/a", "/a/b", "/a/", "/", "", "a", "/dns/10.137.0.5/", "/a b",
};

static void on_changed(void *ctx, const char *path)
{
	(void)ctx;
	gone |= !qubesdb_peer_news(&peer, path);
}

/* From the daemon of dom0: @len bytes of @value for @path. */
static void dom0(struct mock_chan *chan, enum qdb_type type, const char *path,
		 const uint8_t *value, size_t len)
{
	uint8_t message[QDB_MESSAGE_MAX];
	struct mono now = { MONO_S };

	if (qdb_make(message, type, path, value, len))
		return;
	mock_chan_put(chan, message, QDB_HEADER + len);
	(void)source_qubesdb_work(&source, now);
}

/* What it was told so far; the last message may be a part of one. */
static void judge(void)
{
	struct qdb_msg m;
	size_t at = 0;
	int size;

	vw_assert(peer.out_n <= sizeof(peer.out));
	while ((size = qdb_take(peer.out + at, peer.out_n - at, &m)) > 0) {
		vw_assert(m.type >= QDB_OK && m.type <= QDB_IS_WATCH);
		vw_assert(m.path[0] ||
			  (!m.len && (m.type == QDB_IS_LIST ||
				      m.type == QDB_IS_MULTIREAD)));
		vw_assert(!m.len || m.type == QDB_IS_READ ||
			  m.type == QDB_IS_MULTIREAD);
		at += (size_t)size;
	}
	vw_assert(size == 0 && at == peer.out_n);
}

static void work(void)
{
	uint32_t before = tree_keys(source.mirror);
	int err = qubesdb_peer_work(&peer, &source);

	vw_assert(err == 0 || err == 1 || err == -EPROTO);
	vw_assert(peer.writes || tree_keys(source.mirror) == before);
	gone |= err < 0;
	judge();
	/* it takes everything before it asks again */
	qubesdb_peer_took(&peer, peer.out_n);
}

static void asks(uint8_t type, const char *path, const uint8_t *value, size_t n)
{
	uint8_t *at = peer.in + peer.in_n;

	if (peer.in_n + QDB_HEADER + n > sizeof(peer.in))
		return;
	memset(at, 0, QDB_HEADER);
	at[0] = type;
	memcpy(at + 1, path, strlen(path));
	at[68] = (uint8_t)n;
	memcpy(at + QDB_HEADER, value, n);
	peer.in_n += QDB_HEADER + n;
}

static void step(struct feed *f, struct mock_chan *chan)
{
	uint8_t what = feed_u8(f), type;
	const char *word = words[what >> 3 & 7];
	const uint8_t *bytes;
	size_t n;

	if (what < 128) {
		n = sizeof(peer.in) - peer.in_n;
		bytes = feed_bytes(f, what < n ? what : n, &n);
		memcpy(peer.in + peer.in_n, bytes, n);
		peer.in_n += n;
		return;
	}
	switch (what & 3) {
	case 0:
	case 1:
		type = what & 1 ? (uint8_t)(what >> 3 & 7) : feed_u8(f);
		bytes = feed_bytes(f, feed_u8(f), &n);
		asks(type, word, bytes, n);
		break;
	case 2:
		bytes = feed_bytes(f, feed_u8(f), &n);
		dom0(chan, QDB_WRITE, word, bytes, n);
		break;
	default:
		dom0(chan, QDB_RM, word, NULL, 0);
	}
}

static struct mock_chan *begin(bool writes)
{
	static const uint8_t value[200] = { 'x', 'y' };
	struct mono now = { MONO_S };
	struct mock_chan *chan;
	int err = source_qubesdb_open(&source, &net.net, false, apply.tree,
				      &apply, now);

	vw_assert(!err);
	source.changed = on_changed;
	(void)source_qubesdb_work(&source, now);
	chan = mock_chan_find(&net, QUBESDB_DOMAIN, QUBESDB_PORT);
	mock_chan_meet(chan);
	(void)source_qubesdb_work(&source, now);
	qubesdb_peer_init(&peer, writes);
	gone = false;
	dom0(chan, QDB_IS_MULTIREAD, "/z", value, 2);
	dom0(chan, QDB_IS_MULTIREAD, "", NULL, 0);
	vw_assert(source.db.state == QUBESDB_RUN);
	return chan;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct feed f = { data, len };
	struct mock_chan *chan;

	apply.tree = tree_new(1u << 18, NULL, NULL);
	vw_assert(apply.tree);
	mock_chans_init(&net);
	chan = begin(feed_u8(&f) & 1);
	for (uint32_t i = 0; i < STEPS_MAX && f.left && !gone; i++) {
		step(&f, chan);
		/* dom0 does not make nonsense here */
		vw_assert(source.db.state == QUBESDB_RUN);
		if (!gone)
			work();
	}
	source_qubesdb_close(&source);
	mock_chans_fini(&net);
	tree_free(apply.tree);
	return 0;
}
