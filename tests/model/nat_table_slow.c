/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second store behind nat_table.h, as simple as it can be: each record says
 * which of its keys are in, and a look-up compares them all.
 */
#include <string.h>

#include "nat/nat_table.h"
#include "packet/pkt_assert.h"

struct nat_index {
	uint8_t in; /* bit per key kind */
};

size_t nat_table_size(uint32_t flows)
{
	return pkt_arena_cost(flows * sizeof(struct nat_flow)) +
	       pkt_arena_cost(flows * sizeof(struct nat_track)) +
	       pkt_arena_cost(flows * sizeof(struct nat_index));
}

bool nat_table_init(struct nat_table *t, struct pkt_arena *a, uint32_t flows,
		    const struct pkt_hash_key *key, const struct pkt_addr *addr)
{
	*t = (struct nat_table){ .addr = addr, .key = *key, .cap = flows };
	t->flow = pkt_arena_take(a, flows * sizeof(struct nat_flow));
	t->track = pkt_arena_take(a, flows * sizeof(struct nat_track));
	t->index = pkt_arena_take(a, flows * sizeof(struct nat_index));
	return t->flow && t->track && t->index;
}

void nat_table_reset(struct nat_table *t)
{
	memset(t->flow, 0, t->cap * sizeof(struct nat_flow));
	memset(t->index, 0, t->cap * sizeof(struct nat_index));
	t->used = t->top = 0;
}

void nat_table_adopt(struct nat_table *t, uint32_t n)
{
	memset(t->index, 0, t->cap * sizeof(struct nat_index));
	t->used = t->top = n;
}

uint32_t nat_table_get(struct nat_table *t)
{
	for (uint32_t i = 0; i < t->cap; i++) {
		if (t->flow[i].state != NAT_FREE)
			continue;
		memset(&t->flow[i], 0, sizeof(t->flow[i]));
		memset(&t->track[i], 0, sizeof(t->track[i]));
		t->used++;
		if (i >= t->top)
			t->top = i + 1;
		return i;
	}
	return NAT_NONE;
}

void nat_table_put(struct nat_table *t, uint32_t i)
{
	vw_assert(!t->index[i].in);
	t->flow[i].state = NAT_FREE;
	t->used--;
}

uint64_t nat_table_hash(const struct nat_table *t, const struct nat_key *k)
{
	uint8_t bytes[40];
	uint32_t n = 0;

	for (uint32_t i = 1; i < k->n; i++)
		for (uint32_t b = 0; b < 64; b += 8)
			bytes[n++] = (uint8_t)(k->w[i] >> b);
	for (uint32_t b = 0; b < 56; b += 8)
		bytes[n++] = (uint8_t)(k->w[0] >> b);
	return pkt_siphash13(&t->key, bytes, n);
}

uint32_t nat_table_find(const struct nat_table *t, const struct nat_key *k,
			uint64_t hash)
{
	vw_assert(hash == nat_table_hash(t, k));
	for (uint32_t i = 0; i < t->top; i++) {
		for (unsigned kind = 0; kind < NAT_KEY_N; kind++) {
			struct nat_key have;

			if (!(t->index[i].in >> kind & 1))
				continue;
			nat_key_of_flow(&have, &t->flow[i],
					(enum nat_key_kind)kind, t->addr);
			if (nat_key_eq(&have, k))
				return NAT_REF(i, kind);
		}
	}
	return NAT_NONE;
}

uint64_t nat_table_hash_of(const struct nat_table *t, const struct nat_flow *f,
			   enum nat_key_kind kind)
{
	struct nat_key k;

	nat_key_of_flow(&k, f, kind, t->addr);
	return nat_table_hash(t, &k);
}

bool nat_table_add(struct nat_table *t, uint32_t i, enum nat_key_kind kind,
		   uint64_t hash)
{
	struct nat_key k;

	nat_key_of_flow(&k, &t->flow[i], kind, t->addr);
	vw_assert(nat_table_find(t, &k, hash) == NAT_NONE);
	t->index[i].in |= (uint8_t)(1u << kind);
	return true;
}

void nat_table_del(struct nat_table *t, uint32_t i, enum nat_key_kind kind,
		   uint64_t hash)
{
	vw_assert(hash == nat_table_hash_of(t, &t->flow[i], kind));
	vw_assert(t->index[i].in >> kind & 1);
	t->index[i].in &= (uint8_t) ~(1u << kind);
}

void nat_table_warm(const struct nat_table *t, uint64_t hash)
{
	(void)t;
	(void)hash;
}

uint32_t nat_table_guess(const struct nat_table *t, uint64_t hash)
{
	(void)t;
	(void)hash;
	return NAT_NONE;
}

uint32_t nat_table_guess_again(const struct nat_table *t, uint64_t hash)
{
	return nat_table_guess(t, hash);
}
