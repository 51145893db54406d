/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Well-formed fragments in any order, overlap and number, from a few owners,
 * with time going by: fuzz_pkt_frag gives arbitrary frames, this gets past
 * their checksums.
 *
 * Byte i of datagram n is always the same function of n and i, whatever piece
 * it comes in.  So a datagram that is put together must have just those bytes;
 * it is then cut for a smaller link and put together once more.
 *
 * Records of five bytes: what (owner, family, last, kind), name of the
 * datagram, offset in units of 8, length, more length or seconds or MTU.
 */
#include <stdlib.h>
#include <string.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_cursor.h"
#include "packet/pkt_cut.h"
#include "packet/pkt_frag.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define OWNERS 3u
#define SMALL 256u
#define LARGE 8u
#define GRE 47u

static struct pkt_pool *pool;
static struct pkt_frag *frag;  /* what the records drive */
static struct pkt_frag *again; /* for what was cut */
static uint16_t mtu;

static void *room(size_t n)
{
	void *mem = aligned_alloc(PKT_ARENA_ALIGN, pkt_arena_cost(n));

	vw_assert(mem);
	return mem;
}

static void begin(void)
{
	struct pkt_frag_conf c;
	size_t n = pkt_pool_size(SMALL, LARGE);

	mtu = 1500;
	if (pool)
		return;
	pool = pkt_pool_init(room(n), n, SMALL, LARGE);
	pkt_frag_conf_default(&c);
	c.owners = 1;
	c.pieces = 200;
	c.datagrams = 2;
	c.bytes = 400 * 1024;
	n = pkt_frag_size(&c);
	again = pkt_frag_init(room(n), n, &c);
	c.owners = OWNERS;
	c.client.datagrams = 3;
	c.client.bytes = 8 * 1024;
	c.uplink.datagrams = 4;
	c.pieces = 8;
	c.datagrams = 6;
	c.bytes = 20 * 1024;
	n = pkt_frag_size(&c);
	frag = pkt_frag_init(room(n), n, &c);
}

static void check_empty(void)
{
	uint32_t small, large, n, bytes;

	for (uint16_t o = 0; o < OWNERS; o++) {
		pkt_frag_forget(frag, o);
		pkt_frag_held(frag, o, &n, &bytes);
		vw_assert(!n && !bytes);
	}
	pkt_frag_held(again, 0, &n, &bytes);
	vw_assert(!n && !bytes);
	pkt_pool_free_n(pool, &small, &large);
	vw_assert(small == SMALL && large == LARGE);
}

static uint8_t byte_of(uint8_t name, uint32_t i)
{
	return (uint8_t)(name * 31u + i * 7u + (i >> 8));
}

struct piece {
	bool v6, last, df;
	uint8_t name;
	uint32_t off, len;
};

static struct pkt *make(const struct piece *m)
{
	uint32_t hdr = m->v6 ? 40 + 8 : 20, len = 14 + hdr + m->len;
	struct pkt *p = pkt_get(pool, len);
	uint8_t *ip = p->data + 14;

	memset(p->data, 0, 14 + hdr);
	if (m->v6) {
		be16_set(p->data + 12, ETH_TYPE_IP6);
		ip[0] = 0x60;
		be16_set(ip + 4, (uint16_t)(8 + m->len));
		ip[6] = IP_FRAGMENT;
		ip[8] = ip[24] = 0x20;
		ip[23] = 1;
		ip[40] = GRE;
		be16_set(ip + 42, (uint16_t)(m->off | !m->last));
		ip[47] = m->name;
	} else {
		be16_set(p->data + 12, ETH_TYPE_IP4);
		ip[0] = 0x45;
		be16_set(ip + 2, (uint16_t)(hdr + m->len));
		ip[5] = m->name;
		be16_set(ip + 6, (uint16_t)(m->off / 8 | (m->df ? IP4_DF : 0) |
					    (m->last ? 0 : IP4_MF)));
		ip[9] = GRE;
		ip[12] = ip[16] = 10;
		ip[19] = 1;
		pkt_csum_ip_set(ip, 20);
	}
	for (uint32_t i = 0; i < m->len; i++)
		ip[hdr + i] = byte_of(m->name, m->off + i);
	p->len = len;
	p->tail -= len;
	return p;
}

/* Cuts @p for the link, joins it again: the same, id aside. */
static void there_and_back(struct pkt *p, struct mono now)
{
	uint16_t link = p->l3 == PKT_L3_IP6 && mtu < 1280 ? 1280 : mtu;
	struct pkt *whole = NULL;
	uint32_t count, first = 0;

	if (pkt_fit(p, link) != PKT_FIT_CUT)
		return;
	count = pkt_cut_count(p, link);
	vw_assert(count >= 1);
	if (count == 1 || count > 200)
		return;
	while (first < count) {
		struct pkt_batch out = { .n = 0 };
		int next = pkt_cut(pool, p, link, 77, first, &out);

		vw_assert(next > (int)first);
		first = (uint32_t)next;
		for (uint32_t i = 0; i < out.n; i++) {
			enum pkt_reason why;

			vw_assert(!whole);
			vw_assert(out.p[i]->len - 14 <= link);
			vw_assert(pkt_parse(out.p[i]) == PKT_FORWARD);
			vw_assert(pkt_frag_add(again, pool, 0, out.p[i], &whole,
					       &why, now) == PKT_TAKEN);
		}
	}
	vw_assert(whole && whole->len == p->len);
	vw_assert(!memcmp(pkt_l4(whole), pkt_l4(p), p->len - p->l4_off));
	vw_assert((whole->flags ^ p->flags) == 0);
	pkt_put(pool, whole);
}

static void check_whole(struct pkt *whole, const struct piece *m,
			struct mono now)
{
	uint32_t len = pkt_end(whole) - whole->l4_off;

	vw_assert(!(whole->flags & PKT_F_FRAG) && whole->frag_max);
	vw_assert(whole->l4_off == (m->v6 ? 54 : 34));
	for (uint32_t i = 0; i < len; i++)
		vw_assert(pkt_l4(whole)[i] == byte_of(m->name, i));
	there_and_back(whole, now);
	pkt_put(pool, whole);
}

static void give(uint16_t owner, const struct piece *m, struct mono now)
{
	struct pkt *p = make(m), *whole;
	enum pkt_reason why;
	enum pkt_verdict v;

	if (pkt_parse(p) != PKT_FORWARD || !(p->flags & PKT_F_FRAG)) {
		pkt_put(pool, p);
		return;
	}
	v = pkt_frag_add(frag, pool, owner, p, &whole, &why, now);
	vw_assert(v == (why ? PKT_DROP : PKT_TAKEN));
	if (whole)
		check_whole(whole, m, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur c = cur_of(data, size);
	struct mono now = { 1 };

	begin();
	while (c.left >= 5) {
		uint8_t what = cur_u8(&c), name = cur_u8(&c);
		uint8_t off = cur_u8(&c), len = cur_u8(&c), more = cur_u8(&c);
		uint16_t owner = what % 4;
		struct piece m = { .v6 = what & 4,
				   .last = what & 8,
				   .df = what & 16,
				   .name = name,
				   .off = off * 8u,
				   .len = len + (more & 7) * 200u };

		if (owner < OWNERS) {
			give(owner, &m, now);
		} else if (what & 4) {
			now = mono_add_ms(now, more * 500u);
			pkt_frag_expire(frag, 1 + what % 8, now);
		} else if (what & 8) {
			pkt_frag_forget(frag, name % OWNERS);
		} else {
			mtu = (uint16_t)(68 + off * 8 + len);
		}
	}
	check_empty();
	return 0;
}
