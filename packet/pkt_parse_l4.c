/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_parse_ip.h"

/* The port's description of an aggregate: is it one of this very packet? */
bool pkt_gso_fits(const struct pkt *p)
{
	if (p->gso_type != (p->l3 == PKT_L3_IP4 ? PKT_GSO_TCP4 : PKT_GSO_TCP6))
		return false;
	if (p->kind != PKT_KIND_TCP || !(p->flags & PKT_F_CSUM_PARTIAL))
		return false;
	/* Copies of these in each segment would mean something else. */
	if (p->tcp_flags & (TCP_SYN | TCP_RST | TCP_URG))
		return false;
	return p->gso_size > 0 && p->len > p->pay_off &&
	       (uint32_t)p->pay_off - p->l3_off + p->gso_size <= UINT16_MAX;
}

static enum pkt_kind icmp4_kind(uint8_t type)
{
	switch (type) {
	case ICMP_ECHO:
	case ICMP_TIMESTAMP:
	case ICMP_INFO:
	case ICMP_MASK:
		return PKT_KIND_ICMP_QUERY;
	case ICMP_ECHO_REPLY:
	case ICMP_TIMESTAMP_REPLY:
	case ICMP_INFO_REPLY:
	case ICMP_MASK_REPLY:
		return PKT_KIND_ICMP_REPLY;
	case ICMP_UNREACH:
	case ICMP_QUENCH:
	case ICMP_REDIRECT:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAM:
		return PKT_KIND_ICMP_ERROR;
	default:
		return PKT_KIND_OTHER;
	}
}

static enum pkt_kind icmp6_kind(uint8_t type)
{
	switch (type) {
	case ICMP6_UNREACH:
	case ICMP6_TOO_BIG:
	case ICMP6_TIME_EXCEEDED:
	case ICMP6_PARAM:
		return PKT_KIND_ICMP_ERROR;
	case ICMP6_ECHO:
		return PKT_KIND_ICMP_QUERY;
	case ICMP6_ECHO_REPLY:
		return PKT_KIND_ICMP_REPLY;
	case ICMP6_ROUTER_SOLICIT:
	case ICMP6_ROUTER_ADVERT:
	case ICMP6_NEIGH_SOLICIT:
	case ICMP6_NEIGH_ADVERT:
	case ICMP6_REDIRECT:
		return PKT_KIND_ND;
	default:
		return PKT_KIND_OTHER;
	}
}

enum pkt_kind pkt_icmp_kind(enum pkt_l3 l3, uint8_t type)
{
	return l3 == PKT_L3_IP4 ? icmp4_kind(type) : icmp6_kind(type);
}

static enum pkt_reason parse_icmp(struct pkt *p, struct cur c)
{
	const uint8_t *h = cur_take(&c, ICMP_HLEN);

	if (!h)
		return PKT_REASON_L4_SHORT;
	/* No stack leaves ICMP checksums to others. */
	if (p->flags & PKT_F_CSUM_PARTIAL)
		return PKT_REASON_GSO_BAD;
	p->icmp_type = h[0];
	p->icmp_code = h[1];
	p->kind = (uint8_t)pkt_icmp_kind((enum pkt_l3)p->l3, h[0]);
	p->pay_off = (uint16_t)(p->l4_off + ICMP_HLEN);
	if (!pkt_csum_l4_ok(p))
		return PKT_REASON_ICMP_CSUM;
	if (p->kind == PKT_KIND_ICMP_QUERY || p->kind == PKT_KIND_ICMP_REPLY)
		p->sport = p->dport = be16_at(h + 4);
	return PKT_REASON_NONE;
}

static enum pkt_reason parse_other(struct pkt *p)
{
	p->kind = PKT_KIND_OTHER;
	p->pay_off = p->l4_off;
	return p->flags & PKT_F_CSUM_PARTIAL ? PKT_REASON_GSO_BAD
					     : PKT_REASON_NONE;
}

enum pkt_reason pkt_parse_rare_l4(struct pkt *p, struct cur c)
{
	return pkt_is_icmp(p) ? parse_icmp(p, c) : parse_other(p);
}

enum pkt_reason pkt_check_first_fragment(uint8_t proto, struct cur c)
{
	size_t all = c.left;
	const uint8_t *h;

	switch (proto) {
	case IP_TCP:
		h = cur_take(&c, TCP_HLEN);
		return h && (h[12] >> 4) * 4u <= all ? PKT_REASON_NONE
						     : PKT_REASON_FRAG_TINY;
	case IP_UDP:
	case IP_ICMP:
	case IP_ICMP6:
		return all >= UDP_HLEN ? PKT_REASON_NONE : PKT_REASON_FRAG_TINY;
	default:
		return PKT_REASON_NONE;
	}
}
