/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pools for tests, packets of given bytes, and what they look like. */
#include <stdlib.h>
#include <string.h>

#include "mock/frames.h"
#include "packet/pkt_assert.h"

size_t frame_unhex(uint8_t *out, size_t room, const char *hex)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	size_t n = 0;

	for (; *hex; hex++) {
		const char *at = strchr(digits, *hex);

		if (strchr(" \t\n:", *hex))
			continue;
		vw_assert(at && n < 2 * room);
		if (n % 2 == 0)
			out[n / 2] = (uint8_t)((at - digits) % 16 << 4);
		else
			out[n / 2] |= (uint8_t)((at - digits) % 16);
		n++;
	}
	vw_assert(n % 2 == 0);
	return n / 2;
}

void frame_dump(FILE *f, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++)
		fprintf(f, "%s%02x",
			i % 16 ? " "
			: i    ? "\n    "
			       : "    ",
			b[i]);
	fprintf(f, "\n");
}

bool frame_same(const struct pkt *a, const struct pkt *b)
{
	if (a->len == b->len && !memcmp(a->data, b->data, a->len))
		return true;
	fprintf(stderr, "frames differ: %u bytes\n", a->len);
	frame_dump(stderr, a->data, a->len);
	fprintf(stderr, "and %u bytes\n", b->len);
	frame_dump(stderr, b->data, b->len);
	return false;
}

bool frame_is_hex(const struct pkt *p, const char *hex)
{
	static uint8_t bytes[FRAME_MAX];
	struct pkt q = { .data = bytes };

	q.len = (uint32_t)frame_unhex(bytes, sizeof(bytes), hex);
	return frame_same(p, &q);
}

struct pkt *frame_bytes(struct pkt_pool *pool, const void *frame, size_t len)
{
	struct pkt *p = pkt_get(pool, (uint32_t)len);

	if (!p)
		return NULL;
	memcpy(p->data, frame, len);
	p->len = (uint32_t)len;
	p->tail -= p->len;
	return p;
}

struct pkt *frame_hex(struct pkt_pool *pool, const char *hex)
{
	static uint8_t bytes[FRAME_MAX];

	return frame_bytes(pool, bytes, frame_unhex(bytes, sizeof(bytes), hex));
}

/* What the pool was made of, kept in front of it. */
struct pool_note {
	uint32_t small_n, large_n;
};

struct pkt_pool *frame_pool_new(uint32_t small_n, uint32_t large_n)
{
	size_t len = pkt_pool_size(small_n, large_n);
	uint8_t *mem = aligned_alloc(PKT_ARENA_ALIGN, PKT_ARENA_ALIGN + len);
	const struct pool_note note = { small_n, large_n };

	vw_assert(mem != NULL);
	memcpy(mem, &note, sizeof(note));
	return pkt_pool_init(mem + PKT_ARENA_ALIGN, len, small_n, large_n);
}

void frame_pool_check(const struct pkt_pool *pool)
{
	struct pool_note note;
	uint32_t small_n, large_n;

	memcpy(&note, (const uint8_t *)pool - PKT_ARENA_ALIGN, sizeof(note));
	pkt_pool_free_n(pool, &small_n, &large_n);
	vw_assert(small_n == note.small_n && large_n == note.large_n);
}

void frame_pool_free(struct pkt_pool *pool)
{
	frame_pool_check(pool);
	free((uint8_t *)pool - PKT_ARENA_ALIGN);
}
