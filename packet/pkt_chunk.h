/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_CHUNK_H
#define VIFWALL_PACKET_PKT_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes that wait, in chunks of one size from a store of fixed size.  What
 * belongs together hangs on one chain, so that giving it all back is one splice
 * however long it is.
 */
#define PKT_CHUNK_NONE UINT32_MAX

struct pkt_chunks {
	uint8_t *bytes;
	uint32_t *next; /* of each chunk: in its chain, or in the free list */
	uint32_t size;	/* bytes of one */
	uint32_t free, free_n;
};

struct pkt_chain {
	uint32_t first, last;
	uint32_t n; /* chunks; 0: empty, and the others mean nothing */
};

/* @bytes holds @n chunks of @size, @next @n words; both stay the caller's. */
void pkt_chunks_init(struct pkt_chunks *s, uint8_t *bytes, uint32_t *next,
		     uint32_t size, uint32_t n);

static inline uint32_t pkt_chunks_for(const struct pkt_chunks *s, uint32_t len)
{
	return (len + s->size - 1) / s->size;
}

/*
 * Appends @len > 0 bytes to @chain; at least pkt_chunks_for(len) chunks are
 * free.  Returns the chunk that they begin in, their name from now on.
 */
uint32_t pkt_chunks_save(struct pkt_chunks *s, struct pkt_chain *chain,
			 const uint8_t *data, uint32_t len);
void pkt_chunks_load(const struct pkt_chunks *s, uint32_t name, uint8_t *out,
		     uint32_t len);
/* Are the @len bytes under @name the same as @data? */
bool pkt_chunks_same(const struct pkt_chunks *s, uint32_t name,
		     const uint8_t *data, uint32_t len);
/* Gives the whole chain back and leaves it empty. */
void pkt_chunks_free(struct pkt_chunks *s, struct pkt_chain *chain);

#endif
