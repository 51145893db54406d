/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_PARSE_H
#define VIFWALL_PACKET_PKT_PARSE_H

#include "packet/pkt_buf.h"

/**
 * pkt_parse() - is this frame something that we may reason about?
 * @p: data, len, flags CSUM_* and gso_* set by the port
 *
 * FORWARD: the offsets, ports and flags of @p are set as struct pkt promises,
 * bytes behind the IP datagram are cut off, and every header up to the
 * transport header lies inside the frame.  A fragment (PKT_F_FRAG) has kind
 * NONE and pay_off = l4_off: reassemble first.  ARP has only l3_off.
 * DROP: p->reason says why (R1 to R3, R12, R13, R15 to R17, R47, R51 flags that
 * no host sends); nothing about @p may be used.
 *
 * Addresses are not judged here (R14 depends on the side), nor MACs.  The IPv4
 * header checksum is checked; transport checksums are not (R4), but for ICMP.
 * Linear in the header length, never allocates, at most 8 extension headers.
 */
enum pkt_verdict pkt_parse(struct pkt *p);

/*
 * The same for a datagram that pkt_frag put together: sets kind, ports, flags
 * again from l3_off on.
 */
enum pkt_verdict pkt_parse_ip(struct pkt *p);

/*
 * A packet quoted inside an ICMP error: only a prefix of it is there, and its
 * lengths describe the whole.  Everything is host order.
 */
struct pkt_quote {
	struct pkt_addr src, dst;
	uint32_t seq;	 /* TCP; valid with has_seq */
	uint16_t l3_off; /* quoted IP header, from p->data */
	uint16_t l4_off; /* quoted transport header: at least 8 bytes there */
	uint16_t total_len;    /* of the quoted datagram, IP header included */
	uint16_t sport, dport; /* ports, or the query id in both */
	uint8_t l3;	       /* enum pkt_l3 */
	uint8_t proto;
	uint8_t icmp_type; /* of a quoted query */
	bool has_seq;
};

/*
 * Reads the packet quoted in @p (kind ICMP_ERROR).  False when it can't be
 * used: too short, other family, a fragment but the first, itself an error
 * (R20, R63, R68).
 */
bool pkt_parse_quote(const struct pkt *p, struct pkt_quote *q);

#endif
