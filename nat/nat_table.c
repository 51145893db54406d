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
 * The top bit of each byte of the result is set where that byte of @tags equals
 * @tag.  Exactly there: with the shorter (x - 1) & ~x a borrow can reach the
 * next byte, and an empty slot still holds its last flow.
 */
static inline uint64_t match(uint64_t tags, uint8_t tag)
{
	tags ^= tag * ONES;
	return ~(((tags & ~TOPS) + ~TOPS) | tags) & TOPS;
}

/* Slots 0 to 7, and 8 to 11 in the upper half. */
static inline uint64_t low_tags(const struct nat_index *b)
{
	uint64_t tags;

	memcpy(&tags, b->tag, 8);
	return tags;
}

static inline uint64_t high_tags(const struct nat_index *b)
{
	uint32_t tags;

	memcpy(&tags, b->tag + 8, 4);
	return (uint64_t)tags << 32;
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

/* Next of the slots in @m, counted from @base, that has both tags of @hash. */
static inline bool next(const struct nat_index *b, uint64_t hash, uint64_t *m,
			unsigned base, uint32_t *ref)
{
	while (*m) {
		unsigned slot = base + ((unsigned)__builtin_ctzll(*m) >> 3);

		*m &= *m - 1;
		if ((b->ref[slot] ^ high_tag(hash)) >> REF_BITS)
			continue;
		*ref = ref_of(b, slot);
		return true;
	}
	return false;
}

static bool has_key(const struct nat_table *t, uint32_t ref,
		    const struct nat_key *k)
{
	const struct nat_flow *f = &t->flow[NAT_REF_FLOW(ref)];
	struct nat_key have;

	if (NAT_REF_KIND(ref) != NAT_KEY_MAP)
		return nat_key_is_end(k, f, NAT_REF_KIND(ref), t->addr);
	nat_key_of_flow(&have, f, NAT_KEY_MAP, t->addr);
	return nat_key_eq(&have, k);
}

static uint32_t probe(const struct nat_table *t, const struct nat_index *b,
		      const struct nat_key *k, uint64_t hash)
{
	uint64_t m = match(low_tags(b), tag_of(hash));
	uint32_t ref;

	while (next(b, hash, &m, 0, &ref))
		if (has_key(t, ref, k))
			return ref;
	m = match(high_tags(b), tag_of(hash));
	while (next(b, hash, &m, 4, &ref))
		if (has_key(t, ref, k))
			return ref;
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

uint64_t nat_table_hash_of(const struct nat_table *t, const struct nat_flow *f,
			   enum nat_key_kind kind)
{
	struct nat_key k;

	nat_key_of_flow(&k, f, kind, t->addr);
	return nat_table_hash(t, &k);
}

static uint64_t hash_of(const struct nat_table *t, uint32_t ref)
{
	return nat_table_hash_of(t, &t->flow[NAT_REF_FLOW(ref)],
				 NAT_REF_KIND(ref));
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

bool nat_table_add(struct nat_table *t, uint32_t i, enum nat_key_kind kind,
		   uint64_t hash)
{
	uint32_t ref = NAT_REF(i, kind);
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

void nat_table_del(struct nat_table *t, uint32_t i, enum nat_key_kind kind,
		   uint64_t hash)
{
	uint32_t ref = NAT_REF(i, kind);
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
	return nat_key_hash(&t->key, k);
}

void nat_table_warm(const struct nat_table *t, uint64_t hash)
{
	__builtin_prefetch(first(t, hash));
}

static inline uint32_t guess_in(const struct nat_index *b, uint64_t hash)
{
	uint64_t m = match(low_tags(b), tag_of(hash));
	uint32_t ref;

	if (next(b, hash, &m, 0, &ref))
		return ref;
	m = match(high_tags(b), tag_of(hash));
	return next(b, hash, &m, 4, &ref) ? ref : NAT_NONE;
}

uint32_t nat_table_guess(const struct nat_table *t, uint64_t hash)
{
	const struct nat_index *b = first(t, hash);
	uint32_t ref = guess_in(b, hash);

	if (ref == NAT_NONE && b->away)
		__builtin_prefetch(second(t, hash));
	return ref;
}

uint32_t nat_table_guess_again(const struct nat_table *t, uint64_t hash)
{
	return first(t, hash)->away ? guess_in(second(t, hash), hash)
				    : NAT_NONE;
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

void nat_table_adopt(struct nat_table *t, uint32_t n)
{
	memset(t->index, 0, t->buckets * sizeof(struct nat_index));
	t->used = t->top = n;
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
