/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the index works
 *
 * A bucket is one cache line with twelve slots.  A key may be in one of two
 * buckets, which two halves of its hash choose; it is put into the first unless
 * that is full.  A slot has eight bits of the hash in an array that is searched
 * eight at a time in an ordinary register, and ten more beside the flow's
 * number, so that a record is hardly ever read in vain.  `away` counts the keys
 * whose first bucket this is but which live in their second: while it is 0
 * nobody looks there.
 *
 * When both buckets are full, one of their keys that can live elsewhere is
 * moved (cuckoo hashing), one or two moves deep.  The index has room for three
 * keys per flow at a load of 11/12.
 */
#include "nat/nat_table.h"

#include <assert.h>
#include <string.h>

#include "packet/pkt_assert.h"

#define SLOTS 12u
#define KINDS 3u
#define REF_BITS 22u /* flow number and kind */

struct nat_index {
	uint8_t tag[SLOTS]; /* 0: slot is empty */
	uint32_t away;
	uint32_t ref[SLOTS]; /* NAT_REF(), more tag above it */
};
static_assert(sizeof(struct nat_index) == 64, "a bucket is a cache line");

#define ONES 0x0101010101010101ull
#define TOPS 0x8080808080808080ull

static uint32_t bucket_n(uint32_t flows)
{
	return (uint32_t)(((uint64_t)flows * KINDS + SLOTS - 2) / (SLOTS - 1)) +
	       1;
}

/* Two indexes from the halves' upper bits, two tags from their lower ones. */
static struct nat_index *first(const struct nat_table *t, uint64_t hash)
{
	return t->index + ((hash & UINT32_MAX) * t->buckets >> 32);
}

static struct nat_index *second(const struct nat_table *t, uint64_t hash)
{
	return t->index + ((hash >> 32) * t->buckets >> 32);
}

static uint8_t tag_of(uint64_t hash)
{
	uint8_t tag = (uint8_t)hash;

	return tag ? tag : 1;
}

static uint32_t high_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 32) << REF_BITS;
}

/*
 * One bit, the top one, of each byte of the result is set where tag[] equals
 * @tag: @lo for slots 0..7, @hi for 8..11.  A byte above a match may be set
 * wrongly, so what is found is compared again.
 */
static void match(const struct nat_index *b, uint8_t tag, uint64_t *lo,
		  uint64_t *hi)
{
	uint64_t a, c, want = tag * ONES;

	memcpy(&a, b->tag, 8);
	memcpy(&c, b->tag + 4, 8);
	a ^= want;
	c ^= want;
	*lo = (a - ONES) & ~a & TOPS;
	*hi = (c - ONES) & ~c & TOPS & 0xffffffff00000000ull;
}

/* Next slot out of what match() found; SLOTS when there is none. */
static unsigned next_slot(uint64_t *lo, uint64_t *hi)
{
	unsigned at;

	if (*lo) {
		at = (unsigned)__builtin_ctzll(*lo) >> 3;
		*lo &= *lo - 1;
		return at;
	}
	if (*hi) {
		at = ((unsigned)__builtin_ctzll(*hi) >> 3) + 4;
		*hi &= *hi - 1;
		return at;
	}
	return SLOTS;
}

static unsigned empty_slot(const struct nat_index *b)
{
	unsigned i = 0;

	while (i < SLOTS && b->tag[i])
		i++;
	return i;
}

static uint32_t ref_of(const struct nat_index *b, unsigned slot)
{
	return b->ref[slot] & ((1u << REF_BITS) - 1);
}

static uint32_t probe(const struct nat_table *t, const struct nat_index *b,
		      const struct nat_key *k, uint64_t hash)
{
	uint64_t lo, hi;
	unsigned slot;

	match(b, tag_of(hash), &lo, &hi);
	while ((slot = next_slot(&lo, &hi)) < SLOTS) {
		uint32_t ref = ref_of(b, slot);
		struct nat_key have;

		/* a slot marked wrongly may be an empty one */
		if (b->tag[slot] != tag_of(hash) ||
		    (b->ref[slot] ^ high_tag(hash)) >> REF_BITS)
			continue;
		nat_key_of_flow(&have, &t->flow[NAT_REF_FLOW(ref)],
				NAT_REF_KIND(ref), t->addr);
		if (nat_key_eq(&have, k))
			return ref;
	}
	return NAT_NONE;
}

uint32_t nat_table_find(const struct nat_table *t, const struct nat_key *k,
			uint64_t hash)
{
	const struct nat_index *b = first(t, hash);
	uint32_t ref = probe(t, b, k, hash);

	if (ref == NAT_NONE && b->away)
		ref = probe(t, second(t, hash), k, hash);
	return ref;
}

static uint64_t hash_of(const struct nat_table *t, uint32_t ref)
{
	struct nat_key k;

	nat_key_of_flow(&k, &t->flow[NAT_REF_FLOW(ref)], NAT_REF_KIND(ref),
			t->addr);
	return nat_table_hash(t, &k);
}

static void fill(struct nat_index *b, unsigned slot, uint32_t ref,
		 uint64_t hash)
{
	b->tag[slot] = tag_of(hash);
	b->ref[slot] = ref | high_tag(hash);
}

/* Where a key of bucket @b may live besides; @b itself: nowhere. */
static struct nat_index *other(const struct nat_table *t, struct nat_index *b,
			       uint64_t hash)
{
	struct nat_index *home = first(t, hash);

	return b == home ? second(t, hash) : home;
}

static void move(struct nat_table *t, struct nat_index *from, unsigned slot,
		 struct nat_index *to, unsigned to_slot, uint64_t hash)
{
	struct nat_index *home = first(t, hash);

	fill(to, to_slot, ref_of(from, slot), hash);
	from->tag[slot] = 0;
	if (to == home)
		home->away--;
	else
		home->away++;
}

/* Moves a key of full bucket @b to its other bucket: the slot, or SLOTS. */
static unsigned make_room(struct nat_table *t, struct nat_index *b)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		uint64_t hash = hash_of(t, ref_of(b, i));
		struct nat_index *to = other(t, b, hash);
		unsigned slot = empty_slot(to);

		if (slot < SLOTS) {
			move(t, b, i, to, slot, hash);
			return i;
		}
	}
	return SLOTS;
}

/* The same when the other buckets are full: room is made there first. */
static unsigned make_room_twice(struct nat_table *t, struct nat_index *b)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		uint64_t hash = hash_of(t, ref_of(b, i));
		struct nat_index *to = other(t, b, hash);
		unsigned slot = to == b ? SLOTS : make_room(t, to);

		if (slot < SLOTS) {
			move(t, b, i, to, slot, hash);
			return i;
		}
	}
	return SLOTS;
}

bool nat_table_add(struct nat_table *t, uint32_t i, enum nat_key_kind kind)
{
	uint32_t ref = NAT_REF(i, kind);
	uint64_t hash = hash_of(t, ref);
	struct nat_index *home = first(t, hash), *away = second(t, hash);
	struct nat_index *b = home;
	unsigned slot = empty_slot(b);

	if (slot == SLOTS)
		slot = empty_slot(b = away);
	if (slot == SLOTS)
		slot = make_room(t, b = home);
	if (slot == SLOTS)
		slot = make_room(t, b = away);
	if (slot == SLOTS)
		slot = make_room_twice(t, b = home);
	if (slot == SLOTS)
		return false;
	fill(b, slot, ref, hash);
	if (b != home)
		home->away++;
	return true;
}

void nat_table_del(struct nat_table *t, uint32_t i, enum nat_key_kind kind)
{
	uint32_t ref = NAT_REF(i, kind);
	uint64_t hash = hash_of(t, ref);
	struct nat_index *home = first(t, hash), *b = home;

	for (;;) {
		for (unsigned slot = 0; slot < SLOTS; slot++) {
			if (!b->tag[slot] || ref_of(b, slot) != ref)
				continue;
			b->tag[slot] = 0;
			if (b != home)
				home->away--;
			return;
		}
		vw_assert(b == home);
		b = second(t, hash);
		vw_assert(b != home);
	}
}

uint64_t nat_table_hash(const struct nat_table *t, const struct nat_key *k)
{
	return pkt_siphash13_words(&t->key, k->w, k->n);
}

void nat_table_warm(const struct nat_table *t, uint64_t hash)
{
	__builtin_prefetch(first(t, hash));
}

void nat_table_warm_flow(const struct nat_table *t, uint64_t hash)
{
	const struct nat_index *b = first(t, hash);
	uint64_t lo, hi;
	unsigned slot;

	match(b, tag_of(hash), &lo, &hi);
	slot = next_slot(&lo, &hi);
	if (slot < SLOTS) {
		uint32_t i = NAT_REF_FLOW(ref_of(b, slot));

		__builtin_prefetch(&t->flow[i]);
		__builtin_prefetch(&t->track[i]);
	} else if (b->away) {
		__builtin_prefetch(second(t, hash));
	}
}

size_t nat_table_size(uint32_t flows)
{
	return pkt_arena_cost(flows * sizeof(struct nat_flow)) +
	       pkt_arena_cost(flows * sizeof(struct nat_track)) +
	       pkt_arena_cost(bucket_n(flows) * sizeof(struct nat_index));
}

bool nat_table_init(struct nat_table *t, struct pkt_arena *a, uint32_t flows,
		    const struct pkt_hash_key *key, const struct pkt_addr *addr)
{
	*t = (struct nat_table){ .addr = addr, .key = *key, .cap = flows };
	t->flow = pkt_arena_take(a, flows * sizeof(struct nat_flow));
	t->track = pkt_arena_take(a, flows * sizeof(struct nat_track));
	t->index =
		pkt_arena_take(a, bucket_n(flows) * sizeof(struct nat_index));
	t->spare = NAT_NONE;
	t->buckets = bucket_n(flows);
	return t->flow && t->track && t->index;
}

void nat_table_reset(struct nat_table *t)
{
	memset(t->flow, 0, t->top * sizeof(struct nat_flow));
	memset(t->index, 0, t->buckets * sizeof(struct nat_index));
	t->used = t->top = 0;
	t->spare = NAT_NONE;
}

uint32_t nat_table_get(struct nat_table *t)
{
	uint32_t i = t->spare;

	if (i != NAT_NONE)
		t->spare = t->track[i].next;
	else if (t->top < t->cap)
		i = t->top++;
	else
		return NAT_NONE;
	t->used++;
	memset(&t->flow[i], 0, sizeof(t->flow[i]));
	memset(&t->track[i], 0, sizeof(t->track[i]));
	return i;
}

void nat_table_put(struct nat_table *t, uint32_t i)
{
	t->flow[i].state = NAT_FREE;
	t->track[i].next = t->spare;
	t->spare = i;
	t->used--;
}
