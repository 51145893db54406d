/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_arena.h"

#include <string.h>

#include "packet/pkt_assert.h"

void pkt_arena_init(struct pkt_arena *a, void *mem, size_t len)
{
	vw_assert((uintptr_t)mem % PKT_ARENA_ALIGN == 0);
	*a = (struct pkt_arena){ .mem = mem, .len = len };
}

void *pkt_arena_room(struct pkt_arena *a, size_t n)
{
	size_t cost = pkt_arena_cost(n);
	void *piece;

	/* cost < n: @n is so large that rounding up wrapped. */
	if (cost < n || cost > a->len - a->used)
		return NULL;
	piece = a->mem + a->used;
	a->used += cost;
	return piece;
}

void *pkt_arena_take(struct pkt_arena *a, size_t n)
{
	void *piece = pkt_arena_room(a, n);

	if (piece && !a->keep)
		memset(piece, 0, n);
	return piece;
}
