/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_bytes.h"
#include "packet/pkt_parse.h"
#include "packet/pkt_parse_ip.h"

/* What every host and router quotes of the transport part (RFC 792). */
#define QUOTE_L4 8u

static bool quote_ip4(struct cur *c, struct pkt_quote *q)
{
	const uint8_t *h = cur_take(c, IP4_HLEN);
	size_t hlen;

	if (!h || h[0] >> 4 != 4)
		return false;
	hlen = (h[0] & 0x0fu) * 4;
	if (hlen < IP4_HLEN)
		return false;
	cur_skip(c, hlen - IP4_HLEN); /* options are stepped over (R65) */
	q->total_len = be16_at(h + 2);
	if (!cur_ok(c) || q->total_len < hlen + QUOTE_L4)
		return false;
	if (be16_at(h + 6) & IP4_OFF_MASK)
		return false;
	q->l4_off = (uint16_t)(q->l3_off + hlen);
	q->proto = h[9];
	q->src = pkt_addr_v4(h + 12);
	q->dst = pkt_addr_v4(h + 16);
	return true;
}

static bool quote_ip6(struct cur *c, struct pkt_quote *q)
{
	const uint8_t *h = cur_take(c, IP6_HLEN);
	struct ip6_chain x;
	uint16_t len;

	if (!h || h[0] >> 4 != 6)
		return false;
	if (pkt_walk_ip6(c, h[6], &x) != PKT_REASON_NONE || x.frag_off)
		return false;
	len = be16_at(h + 4);
	if (len < x.len + QUOTE_L4 || len > UINT16_MAX - IP6_HLEN)
		return false;
	q->total_len = (uint16_t)(len + IP6_HLEN);
	q->l4_off = (uint16_t)(q->l3_off + IP6_HLEN + x.len);
	q->proto = x.proto;
	q->src = pkt_addr_v6(h + 8);
	q->dst = pkt_addr_v6(h + 24);
	return !pkt_addr_is_v4(&q->src) && !pkt_addr_is_v4(&q->dst);
}

static bool quote_icmp(struct pkt_quote *q, const uint8_t *l4)
{
	enum pkt_kind kind = pkt_icmp_kind((enum pkt_l3)q->l3, l4[0]);

	if (kind != PKT_KIND_ICMP_QUERY && kind != PKT_KIND_ICMP_REPLY)
		return false;
	q->icmp_type = l4[0];
	q->sport = q->dport = be16_at(l4 + 4);
	return true;
}

bool pkt_parse_quote(const struct pkt *p, struct pkt_quote *q)
{
	struct cur c = cur_of(p->data + p->pay_off, p->len - p->pay_off);
	const uint8_t *l4;

	*q = (struct pkt_quote){ .l3_off = p->pay_off, .l3 = p->l3 };
	if (!(p->l3 == PKT_L3_IP4 ? quote_ip4(&c, q) : quote_ip6(&c, q)))
		return false;
	l4 = cur_take(&c, QUOTE_L4);
	if (!l4)
		return false;
	if (q->proto == (p->l3 == PKT_L3_IP4 ? IP_ICMP : IP_ICMP6))
		return quote_icmp(q, l4);
	if (q->proto != IP_TCP && q->proto != IP_UDP)
		return false;
	q->sport = be16_at(l4);
	q->dport = be16_at(l4 + 2);
	q->has_seq = q->proto == IP_TCP;
	if (q->has_seq)
		q->seq = be32_at(l4 + 4);
	return true;
}
