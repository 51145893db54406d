/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_SEG_H
#define VIFWALL_PACKET_PKT_SEG_H

#include "packet/pkt_buf.h"

/*
 * Cuts TCP aggregates for links that can't take them.  The size test of R10
 * uses the segment, not the aggregate.
 */

/* Largest IP packet that sending @p puts on the wire. */
uint32_t pkt_seg_wire_len(const struct pkt *p);

/* How many segments @p makes (1 for an ordinary packet). */
uint32_t pkt_seg_count(const struct pkt *p);

/*
 * Segments @first .. of aggregate @p into @out until @out is full: sequence
 * numbers, IP ids counting up, FIN and PSH only in the last, CWR only in the
 * first, checksums complete.  Returns the next segment's number
 * (pkt_seg_count() when done), or -ENOSPC when the pool ran dry; then nothing
 * was appended by this call.  @p is borrowed and unchanged.
 *
 * Aggregates have PKT_F_CSUM_PARTIAL, pkt_parse() takes no others: there is no
 * checksum of the sender's that a wrong byte could show against.
 */
int pkt_seg_cut(struct pkt_pool *pool, const struct pkt *p, uint32_t first,
		struct pkt_batch *out);

#endif
