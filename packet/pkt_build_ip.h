/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_BUILD_IP_H
#define VIFWALL_PACKET_PKT_BUILD_IP_H

#include "packet/pkt_build.h"
#include "packet/pkt_cursor.h"

/*
 * What the builders share, for pkt_build*.c alone.
 */

#define BUILD_TTL 64u /* R28: the same for all, so that it tells nothing */
#define BUILD_TTL_ND 255u

/* Precedence "internetwork control", as routers mark their errors (RFC 1812
 * 4.3.2.5). */
#define BUILD_TOS_CONTROL 0xc0u

struct build_ip {
	struct pkt_addr src, dst;
	uint8_t l3; /* PKT_L3_IP4 or PKT_L3_IP6, as both addresses are */
	uint8_t proto, ttl, tos;
};

/*
 * A packet with Ethernet and IP header for @l4_len bytes of transport header
 * and payload, which @w is set to; NULL: no buffer.  IPv4: id 0 with DF, since
 * an id of a packet that is never cut says nothing (RFC 6864).
 */
struct pkt *pkt_build_begin(struct pkt_pool *pool, const struct pkt_eth *eth,
			    const struct build_ip *ip, size_t l4_len,
			    struct wcur *w);

/*
 * Computes the transport checksum and parses.  NULL, @p freed: what came out
 * would not pass our own parser.  @w has come to the end of @p (asserted): no
 * byte of the buffer's past goes out.
 */
struct pkt *pkt_build_end(struct pkt_pool *pool, struct pkt *p,
			  const struct wcur *w);

/* May anything be said to the source of @p about it (R20)? */
bool pkt_build_answerable(const struct pkt *p);

#endif
