/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_frag_table.h"

#include <string.h>

#include "packet/pkt_assert.h"

#define NONE PKT_FRAG_NONE
#define SLOTS_MAX (1u << 20)

static uint32_t buckets_for(uint32_t slots)
{
	uint32_t n = 16;

	while (n < slots && n < SLOTS_MAX)
		n *= 2;
	return n;
}

size_t pkt_frag_table_size(uint32_t slots, uint16_t owners)
{
	return pkt_arena_cost(owners * sizeof(struct pkt_frag_owner)) +
	       pkt_arena_cost(slots * sizeof(struct pkt_frag_slot)) +
	       pkt_arena_cost(buckets_for(slots) * sizeof(uint32_t));
}

void pkt_frag_table_init(struct pkt_frag_table *t, struct pkt_arena *a,
			 uint32_t slots, uint16_t owners,
			 const struct pkt_hash_key *key)
{
	const struct pkt_frag_list empty = { NONE, NONE };

	*t = (struct pkt_frag_table){ .bucket_n = buckets_for(slots),
				      .free = NONE,
				      .free_n = slots,
				      .key = *key };
	t->owner = pkt_arena_take(a, owners * sizeof(*t->owner));
	t->slot = pkt_arena_take(a, slots * sizeof(*t->slot));
	t->bucket = pkt_arena_take(a, t->bucket_n * sizeof(*t->bucket));
	vw_assert(t->bucket);
	for (uint32_t i = 0; i < PKT_L3_N; i++)
		t->age[i] = empty;
	for (uint32_t i = 0; i < owners; i++)
		t->owner[i].slots = empty;
	for (uint32_t i = 0; i < t->bucket_n; i++)
		t->bucket[i] = NONE;
	for (uint32_t i = slots; i-- > 0;) {
		t->slot[i].next = t->free;
		t->free = i;
	}
}

static void list_add(struct pkt_frag_table *t, struct pkt_frag_list *l,
		     int which, uint32_t i)
{
	t->slot[i].link[which].prev = l->tail;
	t->slot[i].link[which].next = NONE;
	if (l->tail != NONE)
		t->slot[l->tail].link[which].next = i;
	else
		l->head = i;
	l->tail = i;
}

static void list_del(struct pkt_frag_table *t, struct pkt_frag_list *l,
		     int which, uint32_t i)
{
	uint32_t prev = t->slot[i].link[which].prev;
	uint32_t next = t->slot[i].link[which].next;

	if (prev != NONE)
		t->slot[prev].link[which].next = next;
	else
		l->head = next;
	if (next != NONE)
		t->slot[next].link[which].prev = prev;
	else
		l->tail = prev;
}

static uint32_t bucket_of(const struct pkt_frag_table *t,
			  const struct pkt_frag_key *k)
{
	uint64_t h = pkt_siphash13_words(&t->key, k->w, PKT_FRAG_KEY_WORDS);

	return (uint32_t)h & (t->bucket_n - 1);
}

uint32_t pkt_frag_table_find(const struct pkt_frag_table *t,
			     const struct pkt_frag_key *k)
{
	uint32_t i = t->bucket[bucket_of(t, k)];

	while (i != NONE && memcmp(&t->slot[i].key, k, sizeof(*k)) != 0)
		i = t->slot[i].next;
	return i;
}

uint32_t pkt_frag_table_add(struct pkt_frag_table *t,
			    const struct pkt_frag_key *k, uint16_t owner,
			    uint8_t l3, struct mono until)
{
	uint32_t i = t->free, bucket = bucket_of(t, k);
	struct pkt_frag_owner *o = &t->owner[owner];

	vw_assert(i != NONE);
	t->free = t->slot[i].next;
	t->free_n--;
	t->slot[i] = (struct pkt_frag_slot){
		.key = *k,
		.until = until,
		.bucket = bucket,
		.next = t->bucket[bucket],
		.owner = owner,
		.l3 = l3,
	};
	t->bucket[bucket] = i;
	list_add(t, &o->slots, PKT_FRAG_BY_OWNER, i);
	list_add(t, &t->age[l3], PKT_FRAG_BY_AGE, i);
	o->slot_n++;
	return i;
}

void pkt_frag_table_del(struct pkt_frag_table *t, uint32_t i)
{
	struct pkt_frag_slot *s = &t->slot[i];
	struct pkt_frag_owner *o = &t->owner[s->owner];
	uint32_t *at = &t->bucket[s->bucket];

	while (*at != i)
		at = &t->slot[*at].next;
	*at = s->next;
	list_del(t, &o->slots, PKT_FRAG_BY_OWNER, i);
	list_del(t, &t->age[s->l3], PKT_FRAG_BY_AGE, i);
	o->slot_n--;
	s->next = t->free;
	t->free = i;
	t->free_n++;
}
