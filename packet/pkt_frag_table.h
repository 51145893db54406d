/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_FRAG_TABLE_H
#define VIFWALL_PACKET_PKT_FRAG_TABLE_H

#include "packet/pkt_arena.h"
#include "packet/pkt_chunk.h"
#include "packet/pkt_frag_hdr.h"
#include "packet/pkt_hash.h"
#include "packet/pkt_span.h"
#include "packet/pkt_time.h"

/*
 * The datagrams that are not complete, as slots: found by key, and on two lists
 * in order of creation - their owner's, for evicting the oldest, and their
 * family's, for expiry: all of a family live equally long, so the head is
 * always the next to go.  What is in a slot is pkt_frag.c's business.
 */
#define PKT_FRAG_NONE UINT32_MAX

enum { PKT_FRAG_BY_OWNER, PKT_FRAG_BY_AGE, PKT_FRAG_LISTS };

struct pkt_frag_slot {
	struct pkt_frag_key key;
	struct mono until;
	struct {
		uint32_t prev, next;
	} link[PKT_FRAG_LISTS];
	uint32_t bucket;
	uint32_t next; /* in its bucket, or in the free list */
	uint16_t owner;
	uint8_t l3;
	/* Above: the table's.  Below: pkt_frag.c's, zero at first. */
	uint8_t dead; /* enum pkt_reason of all later pieces; NONE: alive */
	struct pkt_span span;
	struct pkt_chain bytes;
	uint32_t head;	   /* name of the first piece's headers */
	uint16_t head_len; /* 0: the first piece did not come yet */
	uint16_t in;
	uint32_t frag_max;
	uint8_t proto;
	bool ce;
};

struct pkt_frag_list {
	uint32_t head, tail;
};

struct pkt_frag_owner {
	struct pkt_frag_list slots;
	uint32_t slot_n;
	uint32_t chunk_n; /* pkt_frag.c's */
};

struct pkt_frag_table {
	struct pkt_frag_slot *slot;
	struct pkt_frag_owner *owner;
	struct pkt_frag_list age[PKT_L3_N];
	uint32_t *bucket;
	uint32_t bucket_n; /* a power of two */
	uint32_t free, free_n;
	struct pkt_hash_key key;
};

size_t pkt_frag_table_size(uint32_t slots, uint16_t owners);
/* @a has that much left. */
void pkt_frag_table_init(struct pkt_frag_table *t, struct pkt_arena *a,
			 uint32_t slots, uint16_t owners,
			 const struct pkt_hash_key *key);
uint32_t pkt_frag_table_find(const struct pkt_frag_table *t,
			     const struct pkt_frag_key *k);
/* A slot is free, and none has @k. */
uint32_t pkt_frag_table_add(struct pkt_frag_table *t,
			    const struct pkt_frag_key *k, uint16_t owner,
			    uint8_t l3, struct mono until);
void pkt_frag_table_del(struct pkt_frag_table *t, uint32_t i);

#endif
