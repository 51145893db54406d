/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/path/place.h"

#include "packet/pkt_arena.h"
#include "packet/pkt_assert.h"

struct entry {
	struct pkt_addr addr; /* masked */
	uint16_t client;
	uint8_t len;
	uint8_t flags; /* 0: free */
};

/*
 * Most addresses that are asked for are the world's.  A bit for each few values
 * of a cheap hash says so for most of them without the keyed hash; who makes up
 * addresses that meet a bit gains nothing but the long way.
 */
struct half {
	struct entry *entry; /* open addressing, at most half full */
	uint8_t *maybe;	     /* 8 bits for each entry */
	uint8_t len[129];    /* prefix lengths in use, longest first */
	uint8_t len_n;
};

struct place_map {
	struct pkt_hash_key key;
	uint32_t mask;
	uint32_t max, n; /* entries allowed; in the half being built */
	unsigned int live;
	struct half half[2];
};

static uint32_t slots_for(uint32_t n)
{
	uint32_t slots = 8;

	while (slots / 2 < n)
		slots *= 2;
	return slots;
}

size_t place_size(uint32_t n)
{
	return pkt_arena_cost(sizeof(struct place_map)) +
	       2 * pkt_arena_cost(slots_for(n) * sizeof(struct entry)) +
	       2 * pkt_arena_cost(slots_for(n));
}

struct place_map *place_init(void *mem, size_t len, uint32_t n,
			     const struct pkt_hash_key *key)
{
	struct pkt_arena a;
	struct place_map *m;

	pkt_arena_init(&a, mem, len);
	m = pkt_arena_take(&a, sizeof(*m));
	vw_assert(m);
	m->key = *key;
	m->mask = slots_for(n) - 1;
	m->max = n;
	for (int i = 0; i < 2; i++) {
		m->half[i].entry =
			pkt_arena_take(&a, slots_for(n) * sizeof(struct entry));
		m->half[i].maybe = pkt_arena_take(&a, slots_for(n));
		vw_assert(m->half[i].entry && m->half[i].maybe);
	}
	return m;
}

static struct pkt_addr masked(const struct pkt_addr *a, uint8_t len)
{
	struct pkt_addr out = *a;

	if (len < 128) {
		out.b[len / 8] &= (uint8_t)(0xff00 >> (len % 8));
		memset(out.b + len / 8 + 1, 0, 15u - len / 8u);
	}
	return out;
}

/* By parts of an address: the first 8 bytes, and the last two fours. */
static inline uint32_t maybe_bit_of(const struct place_map *m, uint64_t high,
				    uint32_t third, uint32_t last)
{
	uint64_t mix = (high ^ m->key.k0) + third + ((uint64_t)last << 32);

	mix *= 0x9e3779b97f4a7c15u;
	return (uint32_t)(mix >> 32) & (m->mask << 3 | 7);
}

static uint32_t maybe_bit(const struct place_map *m, const struct pkt_addr *a)
{
	uint32_t low[2];
	uint64_t high;

	memcpy(&high, a->b, 8);
	memcpy(low, a->b + 8, 8);
	return maybe_bit_of(m, high, low[0], low[1]);
}

static inline bool maybe(const struct half *h, uint32_t bit)
{
	return h->maybe[bit / 8] & 1u << bit % 8;
}

/* The entry of a masked address, or the free one where it belongs. */
static struct entry *seek(const struct place_map *m, const struct half *h,
			  const struct pkt_addr *a, uint8_t len)
{
	uint64_t w[2];
	uint32_t i;

	memcpy(w, a->b, sizeof(w));
	i = (uint32_t)pkt_siphash13_words(&m->key, w, 2);
	for (;; i++) {
		struct entry *e = &h->entry[i & m->mask];

		if (!e->flags || (e->len == len && pkt_addr_eq(&e->addr, a)))
			return e;
	}
}

void place_begin(struct place_map *m)
{
	struct half *h = &m->half[!m->live];

	memset(h->entry, 0, ((size_t)m->mask + 1) * sizeof(struct entry));
	memset(h->maybe, 0, (size_t)m->mask + 1);
	h->len_n = 0;
	m->n = 0;
}

static void length_used(struct half *h, uint8_t len)
{
	uint8_t i = 0;

	while (i < h->len_n && h->len[i] > len)
		i++;
	if (i < h->len_n && h->len[i] == len)
		return;
	memmove(h->len + i + 1, h->len + i, (size_t)(h->len_n - i));
	h->len[i] = len;
	h->len_n++;
}

void place_put(struct place_map *m, const struct pkt_prefix *at,
	       struct place what)
{
	struct half *h = &m->half[!m->live];
	struct pkt_addr a = masked(&at->addr, at->len);
	struct entry *e = seek(m, h, &a, at->len);
	uint32_t bit = maybe_bit(m, &a);

	h->maybe[bit / 8] |= (uint8_t)(1u << bit % 8);
	if (!e->flags) {
		vw_assert(m->n < m->max);
		m->n++;
		e->addr = a;
		e->len = at->len;
		length_used(h, at->len);
	}
	if (what.flags & PLACE_CLIENT)
		e->client = what.client;
	e->flags |= what.flags;
}

void place_commit(struct place_map *m)
{
	m->live = !m->live;
}

bool place_is_world4(const struct place_map *m, const uint8_t *four)
{
	static const uint8_t mapped[4] = { 0, 0, 0xff, 0xff };
	const struct half *h = &m->half[m->live];
	uint32_t third, last;

	if (h->len_n != 1 || h->len[0] != 128)
		return false;
	memcpy(&third, mapped, 4);
	memcpy(&last, four, 4);
	return !maybe(h, maybe_bit_of(m, 0, third, last));
}

struct place place_find(const struct place_map *m, const struct pkt_addr *a)
{
	const struct half *h = &m->half[m->live];

	for (uint8_t i = 0; i < h->len_n; i++) {
		struct pkt_addr key =
			h->len[i] == 128 ? *a : masked(a, h->len[i]);
		uint32_t bit = maybe_bit(m, &key);
		const struct entry *e;

		if (!maybe(h, bit))
			continue;
		e = seek(m, h, &key, h->len[i]);
		if (e->flags)
			return (struct place){ e->client, e->flags };
	}
	return (struct place){ 0 };
}
