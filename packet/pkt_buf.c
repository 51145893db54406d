/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_buf.h"

#include <stdalign.h>

#include "packet/pkt_assert.h"

/*
 * How it works: slots 0..small_n-1 are small buffers, the rest are large ones.
 * link[] holds for each slot the next free one of its class, so that the buffer
 * used last, whose bytes are still in the cache, is the next to be handed out.
 * A slot that is out has a mark there, which is how a second pkt_put() is seen.
 */
#define SLOT_OUT 0xffffu
#define SLOT_END 0xfffeu
#define SLOT_MAX 0xfffeu

struct slot {
	alignas(PKT_ARENA_ALIGN) struct pkt p;
};

struct pkt_class {
	uint8_t *bytes;
	uint32_t size; /* of one buffer */
	uint32_t n, free_n;
	uint16_t first; /* slot number of its first buffer */
	uint16_t free;	/* slot to be handed out next, or SLOT_END */
};

struct pkt_pool {
	struct slot *slot;
	uint16_t *link;
	struct pkt_class small, large;
};

size_t pkt_pool_size(uint32_t small_n, uint32_t large_n)
{
	size_t n = (size_t)small_n + large_n;

	return pkt_arena_cost(sizeof(struct pkt_pool)) +
	       pkt_arena_cost(n * sizeof(struct slot)) +
	       pkt_arena_cost(n * sizeof(uint16_t)) +
	       pkt_arena_cost((size_t)small_n * PKT_SMALL) +
	       pkt_arena_cost((size_t)large_n * PKT_LARGE);
}

static void class_init(struct pkt_pool *pool, struct pkt_class *c,
		       uint32_t first, uint32_t n)
{
	c->first = (uint16_t)first;
	c->n = c->free_n = n;
	c->free = n ? c->first : SLOT_END;
	for (uint32_t i = 0; i < n; i++)
		pool->link[first + i] =
			i + 1 < n ? (uint16_t)(first + i + 1) : SLOT_END;
}

struct pkt_pool *pkt_pool_init(void *mem, size_t len, uint32_t small_n,
			       uint32_t large_n)
{
	size_t n = (size_t)small_n + large_n;
	struct pkt_arena a;
	struct pkt_pool *pool;

	vw_assert(n <= SLOT_MAX);
	vw_assert(len >= pkt_pool_size(small_n, large_n));
	pkt_arena_init(&a, mem, len);
	pool = pkt_arena_take(&a, sizeof(*pool));
	pool->slot = pkt_arena_room(&a, n * sizeof(*pool->slot));
	pool->link = pkt_arena_take(&a, n * sizeof(*pool->link));
	pool->small.size = PKT_SMALL;
	pool->small.bytes = pkt_arena_room(&a, (size_t)small_n * PKT_SMALL);
	pool->large.size = PKT_LARGE;
	pool->large.bytes = pkt_arena_room(&a, (size_t)large_n * PKT_LARGE);
	class_init(pool, &pool->small, 0, small_n);
	class_init(pool, &pool->large, small_n, large_n);
	return pool;
}

struct pkt *pkt_get(struct pkt_pool *pool, uint32_t len)
{
	struct pkt_class *c = &pool->small;
	uint16_t slot;
	struct pkt *p;

	if (len > c->size - PKT_HEADROOM)
		c = &pool->large;
	if (len > c->size - PKT_HEADROOM || c->free == SLOT_END)
		return NULL;
	slot = c->free;
	c->free = pool->link[slot];
	c->free_n--;
	pool->link[slot] = SLOT_OUT;
	p = &pool->slot[slot].p;
	*p = (struct pkt){
		.data = c->bytes + (size_t)(slot - c->first) * c->size +
			PKT_HEADROOM,
		.head = PKT_HEADROOM,
		.tail = c->size - PKT_HEADROOM,
		.slot = slot,
	};
	return p;
}

void pkt_put(struct pkt_pool *pool, struct pkt *p)
{
	uint16_t slot = p->slot;
	struct pkt_class *c =
		slot < pool->large.first ? &pool->small : &pool->large;

	vw_assert(slot < pool->small.n + pool->large.n);
	vw_assert(p == &pool->slot[slot].p);
	vw_assert(pool->link[slot] == SLOT_OUT);
	pool->link[slot] = c->free;
	c->free = slot;
	c->free_n++;
}

void pkt_pool_free_n(const struct pkt_pool *pool, uint32_t *small_n,
		     uint32_t *large_n)
{
	*small_n = pool->small.free_n;
	*large_n = pool->large.free_n;
}
