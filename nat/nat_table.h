/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_NAT_NAT_TABLE_H
#define VIFWALL_NAT_NAT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat/nat_flow.h"
#include "nat/nat_key.h"
#include "packet/pkt_arena.h"
#include "packet/pkt_hash.h"

/*
 * The store: flow records by number, and the index from keys to them.  It knows
 * nothing of time, owners or protocols.  Nobody else sees how the index is
 * built: tests link a second store behind this header.
 */
struct nat_index;

struct nat_table {
	struct nat_flow *flow; /* by number */
	struct nat_track *track;
	struct nat_index *index;
	const struct pkt_addr *addr; /* what .stand of a flow numbers */
	struct pkt_hash_key key;
	uint32_t cap;	/* records */
	uint32_t used;	/* ... that are live */
	uint32_t top;	/* every record from here on was never used */
	uint32_t spare; /* first free record below top */
	uint32_t buckets;
};

/* A key's place: flow number and which of its keys. */
#define NAT_REF_FLOW(ref) ((ref) >> 2)
#define NAT_REF_KIND(ref) ((enum nat_key_kind)((ref)&3u))
#define NAT_REF(flow, kind) ((flow) << 2 | (uint32_t)(kind))

size_t nat_table_size(uint32_t flows);
/* Takes nat_table_size() bytes from @a; false when they are not there. */
bool nat_table_init(struct nat_table *t, struct pkt_arena *a, uint32_t flows,
		    const struct pkt_hash_key *key,
		    const struct pkt_addr *addr);
/* Forgets everything. */
void nat_table_reset(struct nat_table *t);

/*
 * The first @n records are live as they stand in memory, the others are free;
 * no key is in the index.
 */
void nat_table_adopt(struct nat_table *t, uint32_t n);

/* A zeroed record, or NAT_NONE when all are in use. */
uint32_t nat_table_get(struct nat_table *t);
/* Gives it back; none of its keys is in the index. */
void nat_table_put(struct nat_table *t, uint32_t i);

/* The hash that the functions below want. */
uint64_t nat_table_hash(const struct nat_table *t, const struct nat_key *k);
uint64_t nat_table_hash_of(const struct nat_table *t, const struct nat_flow *f,
			   enum nat_key_kind kind);

/* A NAT_REF(), or NAT_NONE. Never looks at more than two buckets (P15). */
uint32_t nat_table_find(const struct nat_table *t, const struct nat_key *k,
			uint64_t hash);

/*
 * Enters key @kind of flow @i, whose hash is @hash; no equal key is in the
 * index.  False: no room; nothing changed for anybody.
 */
bool nat_table_add(struct nat_table *t, uint32_t i, enum nat_key_kind kind,
		   uint64_t hash);
/* Takes it out; it is there. */
void nat_table_del(struct nat_table *t, uint32_t i, enum nat_key_kind kind,
		   uint64_t hash);

/*
 * A look-up in stages, with other work between them while memory is loaded:
 * warm the bucket, guess from it; guess again from the second bucket when the
 * first had nothing.  A guess is a NAT_REF() or NAT_NONE and proves nothing,
 * but nat_table_is() tells, also after the table was changed.
 */
void nat_table_warm(const struct nat_table *t, uint64_t hash);
uint32_t nat_table_guess(const struct nat_table *t, uint64_t hash);
uint32_t nat_table_guess_again(const struct nat_table *t, uint64_t hash);

/*
 * Is @k the key of the end that @guess names, of a live flow?  A guess that
 * names a mapping is good for end 0, whose mapping it is.
 */
static inline bool nat_table_is(const struct nat_table *t, uint32_t guess,
				const struct nat_key *k)
{
	const struct nat_flow *f;

	if (guess == NAT_NONE)
		return false;
	f = &t->flow[NAT_REF_FLOW(guess)];
	return f->state != NAT_FREE && nat_key_is_end(k, f, guess & 1, t->addr);
}

/* The same question; false for a key that is not of IPv4. */
static inline bool nat_table_is4(const struct nat_table *t, uint32_t guess,
				 const struct nat_key *k)
{
	const struct nat_flow *f;

	if (guess == NAT_NONE)
		return false;
	f = &t->flow[NAT_REF_FLOW(guess)];
	return f->state != NAT_FREE &&
	       nat_key_is_end4(k, f, guess & 1, t->addr);
}

#endif
