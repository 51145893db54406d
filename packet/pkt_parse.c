/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_parse.h"

#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_parse_ip.h"
#include "packet/pkt_parse_l4.h"

/* Flags that the port sets; all others are found here. */
#define PORT_FLAGS (PKT_F_CSUM_PARTIAL | PKT_F_CSUM_VALID)

static inline uint8_t l3_of(uint16_t type)
{
	if (type == ETH_TYPE_IP4)
		return PKT_L3_IP4;
	if (type == ETH_TYPE_IP6)
		return PKT_L3_IP6;
	return type == ETH_TYPE_ARP ? PKT_L3_ARP : PKT_L3_NONE;
}

/* Why nobody here speaks @type. */
static enum pkt_reason foreign(uint16_t type)
{
	switch (type) {
	case ETH_TYPE_VLAN:
	case ETH_TYPE_QINQ:
	case ETH_TYPE_QINQ_OLD:
		return PKT_REASON_ETH_VLAN;
	default:
		return type < ETH_TYPE_MIN ? PKT_REASON_ETH_LLC
					   : PKT_REASON_ETH_TYPE;
	}
}

/* R12: nothing but padding, so nobody downstream acts on options. */
static inline bool options_are_padding(const uint8_t *opt, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (opt[i] > 1) /* 0 ends the list, 1 is a filler */
			return false;
	return true;
}

/* R73: what can be said about a fragment by itself. */
static enum pkt_reason check_fragment(const struct pkt *p, uint8_t proto,
				      uint32_t before, struct cur l4)
{
	uint32_t len = p->len - p->l4_off;

	if (len == 0 || (p->flags & PKT_F_MF && len % 8 != 0))
		return PKT_REASON_FRAG_BAD;
	if (before + p->frag_off + len > UINT16_MAX)
		return PKT_REASON_FRAG_BAD;
	if (p->frag_off == 0)
		return pkt_check_first_fragment(proto, l4);
	if (p->frag_off == 8 && proto == IP_TCP)
		return PKT_REASON_FRAG_TINY;
	return PKT_REASON_NONE;
}

static enum pkt_reason fragment_flags(struct pkt *p, uint16_t off, bool mf)
{
	p->frag_off = off;
	p->flags |= PKT_F_FRAG | (mf ? PKT_F_MF : 0);
	p->pay_off = p->l4_off;
	/* Nobody aggregates or offloads fragments. */
	if (p->gso_type != PKT_GSO_NONE || p->flags & PKT_F_CSUM_PARTIAL)
		return PKT_REASON_GSO_BAD;
	return PKT_REASON_NONE;
}

static PKT_RARE enum pkt_reason parse_fragment4(struct pkt *p, uint16_t frag)
{
	uint32_t hlen = (uint32_t)p->l4_off - p->l3_off;
	enum pkt_reason why = fragment_flags(
		p, (uint16_t)((frag & IP4_OFF_MASK) * 8), frag & IP4_MF);

	if (why != PKT_REASON_NONE)
		return why;
	return check_fragment(p, p->proto, hlen,
			      cur_of(pkt_l4(p), p->len - p->l4_off));
}

/* The header @h of @hlen bytes, of which there are @left, and what follows. */
PKT_INLINE enum pkt_reason parse_ip4_of(struct pkt *p, const uint8_t *h,
					size_t left, size_t hlen)
{
	uint16_t total = be16_at(h + 2), frag = be16_at(h + 6);

	if (total < hlen || total > left)
		return PKT_REASON_IP_LEN;
	if (!pkt_csum_ip_ok(h, hlen))
		return PKT_REASON_IP_CSUM;
	if (!options_are_padding(h + IP4_HLEN, hlen - IP4_HLEN))
		return PKT_REASON_IP_OPTION;
	if (memcmp(h + 12, h + 16, 4) == 0)
		return PKT_REASON_LAND;

	p->tail += (uint32_t)left - total;
	p->len = p->l3_off + (uint32_t)total;
	p->l4_off = (uint16_t)(p->l3_off + hlen);
	p->proto = h[9];
	if (frag & IP4_DF)
		p->flags |= PKT_F_DF;
	if (frag & (IP4_MF | IP4_OFF_MASK))
		return parse_fragment4(p, frag);
	return parse_l4(p);
}

/* A header that is not of version 4 with 20 bytes: it may be longer. */
static PKT_RARE enum pkt_reason parse_ip4_long(struct pkt *p, const uint8_t *h,
					       size_t left)
{
	size_t hlen = (h[0] & 0x0fu) * 4;

	if (h[0] >> 4 != 4)
		return PKT_REASON_IP_VERSION;
	if (hlen < IP4_HLEN)
		return PKT_REASON_IP_HLEN;
	return hlen > left ? PKT_REASON_IP_SHORT
			   : parse_ip4_of(p, h, left, hlen);
}

/* Almost every header has no options, so that is what is quick. */
static inline enum pkt_reason parse_ip4(struct pkt *p, struct cur c)
{
	if (c.left < IP4_HLEN)
		return PKT_REASON_IP_SHORT;
	return *c.p == 0x45 ? parse_ip4_of(p, c.p, c.left, IP4_HLEN)
			    : parse_ip4_long(p, c.p, c.left);
}

static bool is_mapped(const uint8_t *sixteen)
{
	struct pkt_addr a = pkt_addr_v6(sixteen);

	return pkt_addr_is_v4(&a);
}

static enum pkt_reason parse_ip6_chain(struct pkt *p, struct cur c,
				       uint8_t next)
{
	struct ip6_chain x;
	enum pkt_reason why = pkt_walk_ip6(&c, next, &x);

	if (why != PKT_REASON_NONE)
		return why;
	p->l4_off = (uint16_t)(p->l3_off + IP6_HLEN + x.len);
	p->proto = x.proto;
	if (x.has_frag)
		p->frag6_off = (uint16_t)(p->l3_off + IP6_HLEN + x.frag_at);
	if (!x.has_frag || (!x.mf && x.frag_off == 0))
		return parse_l4(p); /* whole, or atomic (R78) */

	p->l4_off = (uint16_t)(p->frag6_off + IP6_FRAG_HLEN);
	p->proto = x.frag_next;
	why = fragment_flags(p, x.frag_off, x.mf);
	if (why != PKT_REASON_NONE)
		return why;
	return check_fragment(p, x.proto, x.frag_at, c);
}

/* Not inlined, as its locals would burden the IPv4 packets. */
static __attribute__((noinline)) enum pkt_reason parse_ip6(struct pkt *p,
							   struct cur c)
{
	const uint8_t *h = cur_take(&c, IP6_HLEN);
	uint16_t len;

	if (!h)
		return PKT_REASON_IP_SHORT;
	if (h[0] >> 4 != 6)
		return PKT_REASON_IP_VERSION;
	len = be16_at(h + 4);
	if (len > c.left)
		return PKT_REASON_IP_LEN;
	if (is_mapped(h + 8))
		return PKT_REASON_MARTIAN_SRC;
	if (is_mapped(h + 24))
		return PKT_REASON_MARTIAN_DST;
	if (memcmp(h + 8, h + 24, 16) == 0)
		return PKT_REASON_LAND;

	p->tail += (uint32_t)c.left - len;
	p->len = (uint32_t)p->l3_off + IP6_HLEN + len;
	p->flags |= PKT_F_DF;
	return parse_ip6_chain(p, cur_of(c.p, len), h[6]);
}

/* R15: group frames carry group packets only. */
static PKT_RARE enum pkt_reason check_group_frame(const struct pkt *p)
{
	struct pkt_addr dst = pkt_dst(p);

	return pkt_addr_is_multicast(&dst) ? PKT_REASON_NONE
					   : PKT_REASON_ETH_MCAST;
}

/* From the IP header on, which is at @c and at l3_off. */
static inline enum pkt_reason parse_ip(struct pkt *p, struct cur c)
{
	enum pkt_reason why;

	p->kind = PKT_KIND_NONE;
	p->frag_off = p->frag6_off = 0;
	p->sport = p->dport = 0;
	p->icmp_type = p->icmp_code = p->tcp_flags = 0;
	why = p->l3 == PKT_L3_IP4 ? parse_ip4(p, c) : parse_ip6(p, c);
	if (why == PKT_REASON_NONE && p->flags & PKT_F_L2_MCAST)
		why = check_group_frame(p);
	return why;
}

enum pkt_verdict pkt_parse_ip(struct pkt *p)
{
	enum pkt_reason why;

	p->flags &= PORT_FLAGS | PKT_F_L2_MCAST;
	why = parse_ip(p, cur_of(pkt_l3(p), p->len - p->l3_off));
	return why == PKT_REASON_NONE ? PKT_FORWARD : pkt_drop(p, why);
}

static PKT_RARE enum pkt_reason parse_arp(struct pkt *p)
{
	p->l4_off = p->pay_off = PKT_ETH_LEN;
	p->kind = PKT_KIND_NONE;
	return p->gso_type != PKT_GSO_NONE || p->flags & PKT_F_CSUM_PARTIAL
		       ? PKT_REASON_GSO_BAD
		       : PKT_REASON_NONE;
}

enum pkt_verdict pkt_parse(struct pkt *p)
{
	struct cur c = cur_of(p->data, p->len);
	const uint8_t *eth = cur_take(&c, PKT_ETH_LEN);
	enum pkt_reason why;

	if (!eth)
		return pkt_drop(p, PKT_REASON_RUNT);
	p->l3 = l3_of(be16_at(eth + 12));
	if (p->l3 == PKT_L3_NONE)
		return pkt_drop(p, foreign(be16_at(eth + 12)));
	p->flags &= PORT_FLAGS;
	if (eth[0] & 1)
		p->flags |= PKT_F_L2_MCAST;
	p->l3_off = PKT_ETH_LEN;
	why = p->l3 == PKT_L3_ARP ? parse_arp(p) : parse_ip(p, c);
	return why == PKT_REASON_NONE ? PKT_FORWARD : pkt_drop(p, why);
}
