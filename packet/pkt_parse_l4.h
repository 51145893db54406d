/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_PARSE_L4_H
#define VIFWALL_PACKET_PKT_PARSE_L4_H

#include "packet/pkt_bytes.h"
#include "packet/pkt_parse_ip.h"

/*
 * TCP and UDP headers, for pkt_parse.c alone: inline, since every packet has
 * one.
 */

/*
 * R51: after the opening SYN every segment acknowledges something, but for a
 * RST; and FIN, SYN and RST exclude each other.  PSH, URG, ECE, CWR and the
 * reserved bits are nobody's business.
 */
static inline bool flags_are_sane(uint8_t flags)
{
	switch (flags & (TCP_SYN | TCP_RST | TCP_FIN)) {
	case 0:
	case TCP_FIN:
		return flags & TCP_ACK;
	case TCP_SYN:
	case TCP_RST:
		return true;
	default:
		return false;
	}
}

static inline enum pkt_reason parse_tcp(struct pkt *p, struct cur c)
{
	const uint8_t *h = cur_take(&c, TCP_HLEN);
	size_t hlen;

	if (!h)
		return PKT_REASON_L4_SHORT;
	hlen = (h[12] >> 4) * 4u;
	if (hlen < TCP_HLEN || hlen - TCP_HLEN > c.left)
		return PKT_REASON_TCP_HLEN;
	p->kind = PKT_KIND_TCP;
	p->sport = be16_at(h);
	p->dport = be16_at(h + 2);
	p->tcp_flags = h[13];
	p->pay_off = (uint16_t)(p->l4_off + hlen);
	if (!flags_are_sane(p->tcp_flags))
		return PKT_REASON_TCP_FLAGS;
	if (!p->sport || !p->dport)
		return PKT_REASON_PORT_ZERO;
	return PKT_REASON_NONE;
}

/*
 * R47.  A length shorter than the IP payload is let through untouched: the rest
 * lies inside the datagram and is the sender's (UDP options, RFC 9868).  But
 * nobody can complete a checksum over it, since offloads sum up to the end.
 */
static inline enum pkt_reason parse_udp(struct pkt *p, struct cur c)
{
	size_t all = c.left;
	const uint8_t *h = cur_take(&c, UDP_HLEN);
	uint16_t len;

	if (!h)
		return PKT_REASON_L4_SHORT;
	len = be16_at(h + 4);
	if (len < UDP_HLEN || len > all)
		return PKT_REASON_UDP_LEN;
	p->kind = PKT_KIND_UDP;
	p->sport = be16_at(h);
	p->dport = be16_at(h + 2);
	p->pay_off = (uint16_t)(p->l4_off + UDP_HLEN);
	if (p->flags & PKT_F_CSUM_PARTIAL) {
		if (len != all)
			return PKT_REASON_UDP_LEN;
	} else if (p->l3 == PKT_L3_IP6 && be16_at(h + 6) == 0) {
		return PKT_REASON_UDP_CSUM0;
	}
	if (!p->sport || !p->dport)
		return PKT_REASON_PORT_ZERO;
	return PKT_REASON_NONE;
}

/* Transport header of @p, whose l4_off, proto and len are set: sets the rest.
 */
PKT_INLINE enum pkt_reason parse_l4(struct pkt *p)
{
	struct cur c = cur_of(pkt_l4(p), p->len - p->l4_off);
	enum pkt_reason why;

	if (p->proto == IP_TCP)
		why = parse_tcp(p, c);
	else if (p->proto == IP_UDP)
		why = parse_udp(p, c);
	else
		why = pkt_parse_rare_l4(p, c);
	if (why == PKT_REASON_NONE && (p->gso_type || p->gso_size) &&
	    !pkt_gso_fits(p))
		why = PKT_REASON_GSO_BAD;
	return why;
}

#endif
