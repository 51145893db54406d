/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "mock/frames.h"
#include "mock/frames_alike.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"

static struct pkt *plain(struct pkt_pool *pool, uint32_t len, uint8_t value)
{
	struct pkt *p;

	len = FRAMES_SHORTEST + len % (FRAMES_LONGEST - FRAMES_SHORTEST + 1);
	p = pkt_get(pool, len);
	if (!p)
		return NULL;
	memset(p->data, value | (int)FRAMES_PLAIN, len);
	p->len = len;
	p->tail -= len;
	return p;
}

static struct pkt *described(struct pkt_pool *pool, enum frames_kind kind,
			     uint32_t len)
{
	static const struct frame_spec spec[] = {
		[FRAMES_GSO4] = { .proto = IP_TCP, .gso_size = 1000 },
		[FRAMES_PARTIAL] = { .partial = true },
		[FRAMES_GSO6] = { .src = "fd00::2",
				  .dst = "2001:db8::1",
				  .proto = IP_TCP,
				  .gso_size = 1000 },
	};
	struct frame_spec s = spec[kind];

	s.payload_len = 1001 + len % 60000u;
	return frame_make(pool, &s);
}

/* One more like @p, which is not parsed yet. */
static struct pkt *the_same(struct pkt_pool *pool, const struct pkt *p)
{
	struct pkt *q = frame_bytes(pool, p->data, p->len);

	if (q) {
		q->flags = p->flags;
		q->gso_type = p->gso_type;
		q->gso_size = p->gso_size;
	}
	return q;
}

void frames_alike(struct pkt_batch *b, struct pkt_pool *pool, uint32_t n,
		  enum frames_kind kind, uint32_t len, uint8_t value)
{
	bool bytes = kind == FRAMES_OF_BYTES;
	uint32_t first = b->n;
	struct pkt *p = NULL;

	vw_assert(n <= PKT_BATCH - b->n);
	if (n)
		p = bytes ? plain(pool, len, value)
			  : described(pool, kind, len);
	while (p) {
		b->p[b->n++] = p;
		p = --n ? the_same(pool, b->p[first]) : NULL;
	}
	for (uint32_t i = first; i < b->n && !bytes; i++)
		vw_assert(pkt_parse(b->p[i]) == PKT_FORWARD);
}
