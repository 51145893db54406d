/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_GRO_H
#define VIFWALL_PACKET_PKT_GRO_H

#include "packet/pkt_buf.h"

/*
 * Generic receive offload, the reverse of pkt_seg.h: TCP segments that follow
 * each other become one aggregate, so that looking up, translating and sending
 * happen once for all of them.  For links that take aggregates.
 *
 * @b holds parsed packets that came by one port, in their order; it gets
 * shorter, and the packets of one flow keep their order.  Joined are only
 * segments that pkt_seg_cut() would make of the aggregate again, bit for bit,
 * but for the id of IPv4 packets with DF set, which means nothing (RFC 6864).
 * A segment whose checksum is wrong stays alone and as it is.  Without large
 * buffers nothing is joined.
 */
void pkt_gro(struct pkt_pool *pool, struct pkt_batch *b);

#endif
