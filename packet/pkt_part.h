/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_PART_H
#define VIFWALL_PACKET_PKT_PART_H

#include "packet/pkt_buf.h"

/*
 * What cutting segments and cutting fragments have in common: many packets made
 * out of one, into batches of limited size.
 */

/*
 * A packet of @len bytes, described like @p in all but its bytes, offload and
 * checksum flags; the bytes are the caller's to write.  NULL: no buffer.
 */
struct pkt *pkt_part_get(struct pkt_pool *pool, const struct pkt *p,
			 uint32_t len);

/* Makes part @i of what @plan describes; NULL: no buffer. */
typedef struct pkt *pkt_part_fn(struct pkt_pool *pool, const void *plan,
				uint32_t i);

/*
 * Parts @first .. @count - 1 into @out until it is full: the number of the next
 * one, or -ENOSPC and nothing appended.
 */
int pkt_part_fill(struct pkt_pool *pool, pkt_part_fn *make, const void *plan,
		  uint32_t first, uint32_t count, struct pkt_batch *out);

#endif
