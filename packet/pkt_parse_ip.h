/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_PARSE_IP_H
#define VIFWALL_PACKET_PKT_PARSE_IP_H

#include "packet/pkt_cursor.h"
#include "packet/pkt_hot.h"
#include "packet/pkt_ip.h"

/*
 * The parser's parts, for pkt_parse*.c alone.
 */

#define IP6_EXT_MAX 8u	       /* headers (R13) */
#define IP6_EXT_BYTES_MAX 512u /* all of them together */

/* What stands between an IPv6 header and the transport header. */
struct ip6_chain {
	uint16_t len;	   /* bytes of all extension headers passed */
	uint16_t frag_at;  /* bytes before the fragment header; with has_frag */
	uint16_t frag_off; /* bytes */
	uint8_t proto;	   /* what follows */
	uint8_t frag_next; /* what follows the fragment header */
	bool has_frag, mf;
};

/*
 * Walks the chain that begins with header @next at @c and leaves @c behind it:
 * at the transport header, or behind the fragment header of a fragment but the
 * first.  PKT_REASON_NONE, or why the packet is to be dropped.
 */
enum pkt_reason pkt_walk_ip6(struct cur *c, uint8_t next, struct ip6_chain *x);

/* Transport header @c of @p, neither TCP nor UDP. */
PKT_RARE enum pkt_reason pkt_parse_rare_l4(struct pkt *p, struct cur c);
/* The port's description of an aggregate: is it one of this very packet? */
bool pkt_gso_fits(const struct pkt *p);

/* R73: may fragment @p, whose transport header begins with @c, be held? */
enum pkt_reason pkt_check_first_fragment(uint8_t proto, struct cur c);

/* Query, reply, error, ...: what ICMP @type of family @l3 is. */
enum pkt_kind pkt_icmp_kind(enum pkt_l3 l3, uint8_t type);

#endif
