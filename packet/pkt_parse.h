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
 * transport header lies inside the frame.  ARP has only l3_off.
 * DROP: p->reason says why; nothing about @p may be used.
 *
 * A fragment (PKT_F_FRAG) has kind NONE and pay_off = l4_off, the first byte of
 * what was cut up; proto is the number that stands before it (for IPv6 perhaps
 * an extension header): reassemble first.  What can be refused by looking at
 * one fragment is refused here (R73).
 *
 * An atomic IPv6 fragment (R78) is a whole datagram: PKT_F_FRAG is not set, the
 * transport header is parsed, frag6_off says where its fragment header is.
 * That header stays in the packet; its id is the sender's, so whoever sends the
 * packet on towards the outside draws another (R74).
 *
 * Checked: R1, R2, R12, R13, R15 to R17, R47, R51 (flags that no host sends),
 * ports not 0, IPv4 header checksum, ICMP checksum, and that offload flags
 * describe this packet: CSUM_PARTIAL for whole TCP and UDP only, an aggregate
 * is TCP of its family with CSUM_PARTIAL, payload, and no SYN, RST or URG.
 * Not checked: addresses (R14 depends on the side) but for IPv4 mapped into
 * IPv6, MACs, TTL, TCP and UDP checksums (R4).
 *
 * A UDP length shorter than the IP payload passes as it is: the rest is inside
 * the datagram, so it is the sender's, who may mean UDP options (RFC 9868).
 *
 * Linear in the header length (and in the payload for ICMP), never allocates,
 * at most 8 extension headers of 512 bytes together.
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
