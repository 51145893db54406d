/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_CUT_H
#define VIFWALL_PACKET_PKT_CUT_H

#include "packet/pkt_buf.h"

/*
 * Size on the way out: does a packet fit, and cutting the ones that may be cut.
 * Aggregates are cut by pkt_seg.h first.
 */
enum pkt_fit {
	PKT_FIT_WHOLE, /* goes as it is */
	PKT_FIT_CUT,   /* pkt_cut(); of an aggregate: its segments */
	PKT_FIT_BIG,   /* not at all: answer with the link's MTU (R8) */
	PKT_FIT_N
};

/* Short enough for any link of @mtu, and what its sender made of it. */
static inline bool pkt_is_short(const struct pkt *p, uint16_t mtu)
{
	return pkt_end(p) - p->l3_off <= mtu && !p->frag_max;
}

/* pkt_fit() of what is not short. */
enum pkt_fit pkt_fit_odd(const struct pkt *p, uint16_t mtu);

/*
 * How parsed IP packet @p leaves by a link of @mtu.  An aggregate counts by its
 * segments (R10).  A datagram that came in pieces and may not be fragmented by
 * routers (DF, or IPv6) leaves in pieces no larger than the largest that came
 * (R77), or of 1280 bytes in IPv6.
 */
static inline enum pkt_fit pkt_fit(const struct pkt *p, uint16_t mtu)
{
	return pkt_is_short(p, mtu) ? PKT_FIT_WHOLE : pkt_fit_odd(p, mtu);
}

/* How many fragments pkt_cut() makes of @p. */
uint32_t pkt_cut_count(const struct pkt *p, uint16_t mtu);

/*
 * Fragments @first .. of @p (PKT_FIT_CUT, no aggregate, checksum complete) into
 * @out until @out is full: payloads of a multiple of 8 but for the last, IPv4
 * options by their copy bit, DF as in @p.  @mtu is at least 68 (IPv6: 1280);
 * @id is the identification of all of them, IPv4 takes the low 16 bits (R74).
 * Returns the next fragment's number (pkt_cut_count() when done), or -ENOSPC
 * when the pool ran dry; then nothing was appended by this call.  @p is
 * borrowed and unchanged.
 */
int pkt_cut(struct pkt_pool *pool, const struct pkt *p, uint16_t mtu,
	    uint32_t id, uint32_t first, struct pkt_batch *out);

#endif
