/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stream of frames from three owners through reassembly, with time going by.
 * Each record: owner, seconds since the last, length (two bytes), frame.
 */
#include "packet/pkt_frag.h"
#include "packet/pkt_parse.h"
#include "tests/fuzz/fuzz.h"

#define OWNERS 3u
#define SMALL 64u
#define LARGE 16u

static struct pkt_pool *pool;
static struct pkt_frag *frag;

static void begin(void)
{
	static struct pkt_frag_conf conf;

	if (pool) {
		for (uint16_t o = 0; o < OWNERS; o++)
			pkt_frag_forget(frag, o);
		return;
	}
	pool = pkt_pool_init(fuzz_room(pkt_pool_size(SMALL, LARGE)),
			     pkt_pool_size(SMALL, LARGE), SMALL, LARGE);
	pkt_frag_conf_default(&conf);
	conf.owners = OWNERS;
	conf.client.datagrams = 4;
	conf.client.bytes = 16384;
	conf.datagrams = 8;
	conf.bytes = 65536;
	frag = pkt_frag_init(fuzz_room(pkt_frag_size(&conf)),
			     pkt_frag_size(&conf), &conf);
}

/* Nothing leaks, nothing is held that was not counted. */
static void end(void)
{
	uint32_t small, large, datagrams, bytes;

	for (uint16_t o = 0; o < OWNERS; o++) {
		pkt_frag_forget(frag, o);
		pkt_frag_held(frag, o, &datagrams, &bytes);
		vw_assert(!datagrams && !bytes);
	}
	pkt_pool_free_n(pool, &small, &large);
	vw_assert(small == SMALL && large == LARGE);
}

static void one(struct feed *f, struct mono *now)
{
	uint16_t owner = feed_u8(f) % OWNERS;
	struct pkt *p, *whole = NULL;
	enum pkt_reason why = PKT_REASON_NONE;
	enum pkt_verdict v;
	const uint8_t *bytes;
	size_t len;

	*now = mono_add_ms(*now, feed_u8(f) * 1000ull);
	bytes = feed_bytes(f, feed_u16(f), &len);
	p = pkt_get(pool, (uint32_t)len);
	if (!p)
		return;
	memcpy(p->data, bytes, len);
	p->len = (uint32_t)len;
	if (pkt_parse(p) != PKT_FORWARD || !(p->flags & PKT_F_FRAG)) {
		pkt_put(pool, p);
		return;
	}
	v = pkt_frag_add(frag, pool, owner, p, &whole, &why, *now);
	vw_assert(v != PKT_FORWARD);
	vw_assert(v != PKT_DROP || (!whole && why != PKT_REASON_NONE));
	if (whole) {
		vw_assert(!(whole->flags & PKT_F_FRAG));
		vw_assert(whole->pay_off <= whole->len);
		pkt_put(pool, whole);
	}
	pkt_frag_expire(frag, 2, *now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct feed f = { data, len };
	struct mono now = { MONO_S };

	begin();
	while (f.left)
		one(&f, &now);
	end();
	return 0;
}
