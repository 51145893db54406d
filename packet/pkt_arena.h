/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_ARENA_H
#define VIFWALL_PACKET_PKT_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Hands out pieces of one region, at start only; nothing is ever given back.
 * Every module with state offers x_size(conf) and x_init(mem, len, conf); the
 * sum of the sizes is mapped once and cut here.
 */
struct pkt_arena {
	uint8_t *mem;
	size_t len, used;
	bool keep; /* pieces are given out as they are, not cleared */
};

#define PKT_ARENA_ALIGN 64u /* a cache line */

/* What a piece of @n bytes costs, for x_size() functions. */
static inline size_t pkt_arena_cost(size_t n)
{
	return (n + PKT_ARENA_ALIGN - 1) & ~(size_t)(PKT_ARENA_ALIGN - 1);
}

/* @mem is aligned to PKT_ARENA_ALIGN and stays the caller's. */
void pkt_arena_init(struct pkt_arena *a, void *mem, size_t len);
/*
 * @n bytes on a cache line, zeroed unless a->keep says otherwise, or NULL when
 * the region is used up.
 */
void *pkt_arena_take(struct pkt_arena *a, size_t n);
/*
 * The same, but not cleared: for what is written before it is read, and for
 * what another arena cuts again.  Memory that nobody touches costs nothing.
 */
void *pkt_arena_room(struct pkt_arena *a, size_t n);

#endif
