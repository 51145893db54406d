/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_NAT_NAT_REWRITE_H
#define VIFWALL_NAT_NAT_REWRITE_H

#include "nat/nat_flow.h"
#include "packet/pkt_buf.h"
#include "packet/pkt_csum.h"

/*
 * Edits headers in place.  Checksums are adjusted by what changed, never
 * computed, so what came corrupt leaves corrupt (R4).
 */

static inline uint8_t nat_ttl(const struct pkt *p)
{
	return pkt_l3(p)[p->l3 == PKT_L3_IP4 ? 8 : 7];
}

/*
 * A packet that end @e of @f sent: addresses, ports or id, TTL, and p->sport,
 * p->dport with them.  @addr: what .stand numbers.
 */
void nat_rewrite(struct pkt *p, const struct nat_flow *f, unsigned e,
		 const struct pkt_addr *addr);

/*
 * IP header of @p alone: new addresses (NULL: keep) and one hop less.
 * Returns what the addresses change in checksums of the transport part.
 */
struct pkt_csum_delta nat_rewrite_ip(struct pkt *p, const struct pkt_addr *src,
				     const struct pkt_addr *dst);

/* Overwrites @len bytes at @at, which @d covers. */
void nat_edit(struct pkt_csum_delta *d, uint8_t *at, const void *to,
	      size_t len);
void nat_edit16(struct pkt_csum_delta *d, uint8_t *at, uint16_t to);

#endif
