/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pkt_frag beside the slow model (tests/model/model_frag.c): every answer,
 * every byte delivered, all that is held and all that was lost must be the
 * same.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mock/frames.h"
#include "model/model_frag.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_frag.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

#define OWNERS 4u
#define GRE 47u /* a transport that the parser looks no further into */

struct twin {
	struct pkt_frag_conf conf;
	struct pkt_frag *frag;
	struct model_frag *model;
	struct pkt_pool *pool;
	void *mem;
	uint64_t lost[OWNERS][PKT_REASON_N];
	struct mono now;
	uint64_t added, whole, dropped; /* so that a test can't be empty */
};

static void count_lost(void *ctx, uint16_t owner, enum pkt_reason why,
		       uint32_t n)
{
	struct twin *t = ctx;

	t->lost[owner][why] += n;
}

static void twin_new(struct twin *t, const struct pkt_frag_conf *c,
		     uint32_t max_len)
{
	struct model_frag_conf m = {
		.owners = c->owners,
		.uplink = { c->uplink.datagrams, c->uplink.bytes },
		.client = { c->client.datagrams, c->client.bytes },
		.all = { c->datagrams, c->bytes },
		.pieces = c->pieces,
		.max_len = max_len,
	};
	size_t len = pkt_frag_size(c);

	*t = (struct twin){ .conf = *c };
	t->conf.lost = count_lost;
	t->conf.lost_ctx = t;
	t->mem = aligned_alloc(PKT_ARENA_ALIGN, len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t->mem);
	memset(t->mem, 0xa5, len);
	t->frag = pkt_frag_init(t->mem, len, &t->conf);
	t->model = model_frag_new(&m);
	t->pool = frame_pool_new(8, 2);
	t->now.ns = 12345;
}

static void twin_free(struct twin *t)
{
	frame_pool_free(t->pool);
	model_frag_free(t->model);
	free(t->mem);
}

/* Datagrams with odd names are IPv6. */
static bool is_v6(const struct model_piece *m)
{
	return m->name % 2;
}

static uint32_t head_len(const struct model_piece *m)
{
	return is_v6(m) ? 54 : 34;
}

static struct pkt *make4(struct pkt_pool *pool, const struct model_piece *m)
{
	uint32_t len = head_len(m) + m->len;
	struct pkt *p = pkt_get(pool, len);
	uint8_t *ip = p->data + 14;

	memset(p->data, 0, 34);
	be16_set(p->data + 12, ETH_TYPE_IP4);
	ip[0] = 0x45;
	be16_set(ip + 2, (uint16_t)(20 + m->len));
	be16_set(ip + 4, (uint16_t)m->name);
	be16_set(ip + 6, (uint16_t)(m->off / 8 | (m->last ? 0 : IP4_MF)));
	ip[8] = 64;
	ip[9] = GRE;
	be32_set(ip + 12, 0x0a000001);
	be32_set(ip + 16, 0xc0000201);
	pkt_csum_ip_set(ip, 20);
	memcpy(ip + 20, m->bytes, m->len);
	p->len = len;
	p->tail -= len;
	return p;
}

static struct pkt *make6(struct pkt_pool *pool, const struct model_piece *m)
{
	uint32_t len = head_len(m) + 8 + m->len;
	struct pkt *p = pkt_get(pool, len);
	uint8_t *ip = p->data + 14, *frag = ip + 40;

	memset(p->data, 0, 62);
	be16_set(p->data + 12, ETH_TYPE_IP6);
	ip[0] = 0x60;
	be16_set(ip + 4, (uint16_t)(8 + m->len));
	ip[6] = IP_FRAGMENT;
	ip[7] = 64;
	ip[8] = ip[24] = 0x20;
	ip[23] = 1;
	ip[39] = 2;
	frag[0] = GRE;
	be16_set(frag + 2, (uint16_t)(m->off | (m->last ? 0 : 1)));
	be32_set(frag + 4, m->name);
	memcpy(frag + 8, m->bytes, m->len);
	p->len = len;
	p->tail -= len;
	return p;
}

static uint32_t chunks(uint32_t n)
{
	return (n + PKT_FRAG_CHUNK - 1) / PKT_FRAG_CHUNK * PKT_FRAG_CHUNK;
}

static bool same_whole(struct twin *t, const struct model_piece *m,
		       struct pkt *whole, const uint8_t *bytes, uint32_t len)
{
	bool ok = whole->len == head_len(m) + len && whole->kind &&
		  whole->l4_off == head_len(m) &&
		  !memcmp(pkt_l4(whole), bytes, len) &&
		  !(whole->flags & (PKT_F_FRAG | PKT_F_MF));

	pkt_put(t->pool, whole);
	return ok;
}

/* One piece into both; false when they differ. */
static bool add(struct twin *t, struct model_piece *m)
{
	struct pkt *p, *whole;
	enum pkt_reason why, model_why;
	enum pkt_verdict v;
	enum model_frag_result r;
	const uint8_t *bytes = NULL;
	uint32_t len = 0;

	m->cost = chunks(m->len) + (m->off ? 0 : chunks(head_len(m)));
	m->life_ns = (is_v6(m) ? t->conf.ip6_ms : t->conf.ip4_ms) * MONO_MS;
	p = is_v6(m) ? make6(t->pool, m) : make4(t->pool, m);
	if (pkt_parse(p) != PKT_FORWARD)
		return false;
	v = pkt_frag_add(t->frag, t->pool, (uint16_t)m->owner, p, &whole, &why,
			 t->now);
	r = model_frag_add(t->model, m, t->now.ns, &bytes, &len, &model_why);
	t->added++;
	t->whole += r == MODEL_WHOLE;
	t->dropped += r == MODEL_DROP;
	if (r == MODEL_DROP)
		return v == PKT_DROP && !whole && why == model_why;
	if (v != PKT_TAKEN || why != PKT_REASON_NONE)
		return false;
	if (r == MODEL_HELD)
		return !whole;
	return whole && same_whole(t, m, whole, bytes, len);
}

static bool same_state(const struct twin *t)
{
	for (uint16_t o = 0; o < t->conf.owners; o++) {
		uint32_t n, bytes, model_n, model_bytes;

		pkt_frag_held(t->frag, o, &n, &bytes);
		model_frag_held(t->model, o, &model_n, &model_bytes);
		if (n != model_n || bytes != model_bytes)
			return false;
		for (enum pkt_reason r = 1; r < PKT_REASON_N; r++)
			if (t->lost[o][r] != model_frag_lost(t->model, o, r))
				return false;
	}
	return true;
}

/* ---- every order and every overlap ------------------------------------- */

/*
 * All sequences of at most @depth pieces of a 64-byte datagram whose ends lie
 * on multiples of 64 / @units; each may say that it is the last.  With
 * @own_content no two pieces have the same bytes.
 */
static void every_sequence(uint32_t units, uint32_t depth, bool own_content,
			   uint64_t want)
{
	struct {
		uint32_t from, to;
		bool last;
	} kind[72];
	uint32_t n = 0, unit = 64 / units, seq[4] = { 0 };
	struct pkt_frag_conf c;
	uint8_t content[4][64];
	uint64_t tried = 0;
	struct twin t;

	for (uint32_t i = 0; i < 4; i++)
		memset(content[i], 0x11 * (own_content ? 1 + (int)i : 5), 64);
	for (uint32_t a = 0; a < units; a++)
		for (uint32_t b = a + 1; b <= units; b++)
			for (int last = 0; last < 2; last++) {
				kind[n].from = a;
				kind[n].to = b;
				kind[n++].last = last;
			}
	pkt_frag_conf_default(&c);
	c.owners = 1;
	c.datagrams = 1;
	c.bytes = 16 * PKT_FRAG_CHUNK;
	twin_new(&t, &c, 64);
	do {
		bool ok = true;
		uint32_t i;

		for (i = 0; i < depth && ok; i++) {
			struct model_piece m = {
				.name = (uint32_t)(tried % 2),
				.off = kind[seq[i]].from * unit,
				.len = (kind[seq[i]].to - kind[seq[i]].from) *
				       unit,
				.last = kind[seq[i]].last,
				.bytes = content[i],
			};

			/* Whole at once is no fragment. */
			if (m.last && !m.off)
				break;
			ok = add(&t, &m) && same_state(&t);
		}
		CU_ASSERT_TRUE_FATAL(ok);
		tried++;
		pkt_frag_forget(t.frag, 0);
		model_frag_forget(t.model, 0);
		for (i = 0; i < depth && ++seq[i] == n; i++)
			seq[i] = 0;
		if (i == depth)
			break;
	} while (true);
	CU_ASSERT_EQUAL(tried, want);
	CU_ASSERT_TRUE(t.whole > tried / 1000);
	twin_free(&t);
}

static void R72_every_sequence_of_4_pieces_on_16_bytes(void)
{
	every_sequence(4, 4, false, 20ull * 20 * 20 * 20);
	every_sequence(4, 4, true, 20ull * 20 * 20 * 20);
}

static void R72_every_sequence_of_3_pieces_on_8_bytes(void)
{
	every_sequence(8, 3, false, 72ull * 72 * 72);
	every_sequence(8, 2, true, 72ull * 72);
}

/* ---- millions of random operations ------------------------------------- */

#define MAX_LEN 1024u

static uint32_t below(uint32_t n)
{
	return (uint32_t)random() % n;
}

/* Mostly pieces that fit each other, so that datagrams get complete. */
static void random_shape(struct model_piece *m, uint32_t pieces)
{
	uint32_t i = below(pieces);

	m->off = i * 40;
	m->len = 40;
	m->last = i + 1 == pieces;
	switch (below(40)) {
	case 0:
		m->off = 8 * below(60);
		m->len = 8 * (1 + below(60));
		m->last = below(4) == 0;
		break;
	case 1:
		m->len = 8 * (1 + below(10));
		break;
	case 2:
		m->last = !m->last;
		break;
	case 3:
		if (m->last)
			m->len = 1 + below(300);
		break;
	default:
		break;
	}
	if (!m->off)
		m->last = false;
}

static bool random_step(struct twin *t, uint32_t names, uint32_t pieces)
{
	static uint8_t bytes[MAX_LEN];
	struct model_piece m = { .bytes = bytes };

	switch (below(400)) {
	case 0:
	case 1:
	case 2:
	case 3:
		t->now.ns += below(1500) * MONO_MS;
		break;
	case 4:
		return pkt_frag_expire(t->frag, 1000, t->now) ==
		       model_frag_expire(t->model, t->now.ns);
	case 5:
		m.owner = below(t->conf.owners);
		pkt_frag_forget(t->frag, (uint16_t)m.owner);
		model_frag_forget(t->model, m.owner);
		return true;
	default:
		break;
	}
	m.owner = below(t->conf.owners);
	m.name = below(names);
	random_shape(&m, pieces);
	memset(bytes, (int)m.name, m.len);
	if (below(64) == 0)
		bytes[below(m.len)] ^= 1;
	return add(t, &m);
}

static void random_run(const struct pkt_frag_conf *c, uint32_t names,
		       uint32_t pieces, unsigned long steps)
{
	struct twin t;

	twin_new(&t, c, MAX_LEN);
	for (unsigned long i = 0; i < steps; i++) {
		CU_ASSERT_TRUE_FATAL(random_step(&t, names, pieces));
		if (i % 16 == 0)
			CU_ASSERT_TRUE_FATAL(same_state(&t));
	}
	CU_ASSERT_TRUE(same_state(&t));
	CU_ASSERT_TRUE(t.whole > t.added / 500);
	CU_ASSERT_TRUE(t.dropped > t.added / 500);
	twin_free(&t);
}

static void random_operations_agree_with_the_model(void)
{
	static const struct {
		uint32_t names, pieces;	 /* of datagrams; of each */
		uint16_t client, uplink; /* datagrams */
		uint32_t client_chunks, uplink_chunks;
		uint32_t datagrams, chunks, pieces_max;
	} c[] = {
		{ 3, 3, 8, 8, 100, 100, 100, 1000, 64 }, /* no limit met */
		{ 6, 2, 4, 5, 100, 100, 100, 1000, 64 }, /* datagrams */
		{ 4, 3, 8, 8, 9, 14, 100, 1000, 64 },	 /* bytes */
		{ 4, 2, 8, 8, 100, 100, 12, 1000, 64 },	 /* all datagrams */
		{ 3, 3, 8, 8, 100, 100, 100, 31, 64 },	 /* all bytes */
		{ 3, 4, 8, 8, 100, 100, 100, 1000, 4 },	 /* pieces */
		{ 5, 3, 4, 5, 8, 12, 14, 30, 3 },	 /* all at once */
	};

	srandom((unsigned int)unit_seed());
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		struct pkt_frag_conf f;

		pkt_frag_conf_default(&f);
		f.owners = OWNERS;
		f.client.datagrams = c[i].client;
		f.client.bytes = c[i].client_chunks * PKT_FRAG_CHUNK;
		f.uplink.datagrams = c[i].uplink;
		f.uplink.bytes = c[i].uplink_chunks * PKT_FRAG_CHUNK;
		f.datagrams = c[i].datagrams;
		f.bytes = c[i].chunks * PKT_FRAG_CHUNK;
		f.pieces = (uint16_t)c[i].pieces_max;
		f.ip4_ms = 1000;
		f.ip6_ms = 2000;
		f.key.k0 = (uint64_t)random();
		random_run(&f, c[i].names, c[i].pieces, 150000 * unit_soak());
	}
}

UNIT_SUITE(pkt_frag_model, UNIT(R72_every_sequence_of_4_pieces_on_16_bytes),
	   UNIT(R72_every_sequence_of_3_pieces_on_8_bytes),
	   UNIT(random_operations_agree_with_the_model))
