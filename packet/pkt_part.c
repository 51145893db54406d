/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_part.h"

#include <errno.h>

#include "packet/pkt_assert.h"

struct pkt *pkt_part_get(struct pkt_pool *pool, const struct pkt *p,
			 uint32_t len)
{
	struct pkt *part = pkt_get(pool, len);
	struct pkt room;

	if (!part)
		return NULL;
	room = *part;
	*part = *p;
	part->data = room.data;
	part->head = room.head;
	part->slot = room.slot;
	part->len = len;
	part->tail = room.tail - len;
	part->gso_type = PKT_GSO_NONE;
	part->gso_size = 0;
	part->flags &= (uint8_t) ~(PKT_F_CSUM_PARTIAL | PKT_F_CSUM_VALID);
	return part;
}

int pkt_part_fill(struct pkt_pool *pool, pkt_part_fn *make, const void *plan,
		  uint32_t first, uint32_t count, struct pkt_batch *out)
{
	uint32_t had = out->n;

	vw_assert(first < count && count <= INT16_MAX);
	while (first < count && out->n < PKT_BATCH) {
		struct pkt *part = make(pool, plan, first);

		if (!part) {
			while (out->n > had)
				pkt_put(pool, out->p[--out->n]);
			return -ENOSPC;
		}
		out->p[out->n++] = part;
		first++;
	}
	return (int)first;
}
