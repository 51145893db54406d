/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_chunk.h"

#include <string.h>

#include "packet/pkt_assert.h"

void pkt_chunks_init(struct pkt_chunks *s, uint8_t *bytes, uint32_t *next,
		     uint32_t size, uint32_t n)
{
	*s = (struct pkt_chunks){ bytes, next, size, PKT_CHUNK_NONE, n };
	for (uint32_t i = n; i-- > 0;) {
		next[i] = s->free;
		s->free = i;
	}
}

static uint8_t *chunk(const struct pkt_chunks *s, uint32_t i)
{
	return s->bytes + (size_t)i * s->size;
}

static uint32_t part(const struct pkt_chunks *s, uint32_t len)
{
	return len < s->size ? len : s->size;
}

/* Moves one chunk from the free list to the end of @chain. */
static uint32_t grow(struct pkt_chunks *s, struct pkt_chain *chain)
{
	uint32_t i = s->free;

	vw_assert(i != PKT_CHUNK_NONE);
	s->free = s->next[i];
	s->free_n--;
	s->next[i] = PKT_CHUNK_NONE;
	if (chain->n++)
		s->next[chain->last] = i;
	else
		chain->first = i;
	chain->last = i;
	return i;
}

uint32_t pkt_chunks_save(struct pkt_chunks *s, struct pkt_chain *chain,
			 const uint8_t *data, uint32_t len)
{
	uint32_t name = PKT_CHUNK_NONE;

	while (len) {
		uint32_t i = grow(s, chain), n = part(s, len);

		if (name == PKT_CHUNK_NONE)
			name = i;
		memcpy(chunk(s, i), data, n);
		data += n;
		len -= n;
	}
	return name;
}

void pkt_chunks_load(const struct pkt_chunks *s, uint32_t name, uint8_t *out,
		     uint32_t len)
{
	uint32_t i = name;

	while (len) {
		uint32_t n = part(s, len);

		memcpy(out, chunk(s, i), n);
		out += n;
		len -= n;
		i = s->next[i];
	}
}

bool pkt_chunks_same(const struct pkt_chunks *s, uint32_t name,
		     const uint8_t *data, uint32_t len)
{
	uint32_t i = name;

	while (len) {
		uint32_t n = part(s, len);

		if (memcmp(data, chunk(s, i), n))
			return false;
		data += n;
		len -= n;
		i = s->next[i];
	}
	return true;
}

void pkt_chunks_free(struct pkt_chunks *s, struct pkt_chain *chain)
{
	if (chain->n) {
		s->next[chain->last] = s->free;
		s->free = chain->first;
		s->free_n += chain->n;
	}
	*chain = (struct pkt_chain){ 0 };
}
