/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_build.h"

#include "packet/pkt_assert.h"
#include "packet/pkt_build_ip.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"

static void put_ip4(struct wcur *w, const struct build_ip *ip, size_t l4_len)
{
	uint8_t *h = w->p;

	wcur_u8(w, 0x45);
	wcur_u8(w, ip->tos);
	wcur_be16(w, (uint16_t)(IP4_HLEN + l4_len));
	wcur_be16(w, 0);
	wcur_be16(w, IP4_DF);
	wcur_u8(w, ip->ttl);
	wcur_u8(w, ip->proto);
	wcur_be16(w, 0);
	wcur_copy(w, ip->src.b + 12, 4);
	wcur_copy(w, ip->dst.b + 12, 4);
	pkt_csum_ip_set(h, IP4_HLEN);
}

static void put_ip6(struct wcur *w, const struct build_ip *ip, size_t l4_len)
{
	wcur_be32(w, 6u << 28 | (uint32_t)ip->tos << 20);
	wcur_be16(w, (uint16_t)l4_len);
	wcur_u8(w, ip->proto);
	wcur_u8(w, ip->ttl);
	wcur_copy(w, ip->src.b, 16);
	wcur_copy(w, ip->dst.b, 16);
}

struct pkt *pkt_build_begin(struct pkt_pool *pool, const struct pkt_eth *eth,
			    const struct build_ip *ip, size_t l4_len,
			    struct wcur *w)
{
	bool v4 = ip->l3 == PKT_L3_IP4;
	size_t len = PKT_ETH_LEN + (v4 ? IP4_HLEN : IP6_HLEN) + l4_len;
	struct pkt *p = pkt_get(pool, (uint32_t)len);

	if (!p)
		return NULL;
	p->len = (uint32_t)len;
	p->tail -= p->len;
	p->l3 = ip->l3;
	p->l3_off = PKT_ETH_LEN;
	p->l4_off = (uint16_t)(len - l4_len);
	p->proto = ip->proto;
	p->kind = ip->proto == IP_TCP	? PKT_KIND_TCP
		  : ip->proto == IP_UDP ? PKT_KIND_UDP
					: PKT_KIND_OTHER;
	pkt_set_eth(p, eth);
	*w = wcur_of(pkt_l3(p), len - PKT_ETH_LEN);
	if (v4)
		put_ip4(w, ip, l4_len);
	else
		put_ip6(w, ip, l4_len);
	return p;
}

struct pkt *pkt_build_end(struct pkt_pool *pool, struct pkt *p,
			  const struct wcur *w)
{
	vw_assert(wcur_ok(w) && w->left == 0);
	pkt_csum_l4_set(p);
	if (pkt_parse(p) == PKT_FORWARD)
		return p;
	pkt_put(pool, p);
	return NULL;
}

bool pkt_build_answerable(const struct pkt *p)
{
	struct pkt_addr src;

	if (p->l3 != PKT_L3_IP4 && p->l3 != PKT_L3_IP6)
		return false;
	/* A fragment does not show what it is part of; reassembly does. */
	if (p->flags & PKT_F_FRAG)
		return false;
	/* An answer to an error could be answered in turn; so nothing is said
	 * about ICMP unless it is known to ask or to answer. */
	if (pkt_is_icmp(p) && p->kind != PKT_KIND_ICMP_QUERY &&
	    p->kind != PKT_KIND_ICMP_REPLY)
		return false;
	src = pkt_src(p);
	return pkt_addr_ok_src(&src);
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
	uint8_t tmp[16];

	memcpy(tmp, a, n);
	memcpy(a, b, n);
	memcpy(b, tmp, n);
}

void pkt_build_echo_reply(struct pkt *p, const struct pkt_eth *eth)
{
	bool v4 = p->l3 == PKT_L3_IP4;
	uint8_t *ip = pkt_l3(p), *icmp = pkt_l4(p);
	uint8_t reply = v4 ? ICMP_ECHO_REPLY : ICMP6_ECHO_REPLY;
	struct pkt_csum_delta d = { 0 };

	vw_assert(p->kind == PKT_KIND_ICMP_QUERY);
	vw_assert(p->icmp_type == (v4 ? ICMP_ECHO : ICMP6_ECHO));
	pkt_csum_change16(&d, be16_at(icmp),
			  (uint16_t)(reply << 8 | p->icmp_code));
	icmp[0] = reply;
	/* The addresses change places, which leaves the IPv6 sum as it is. */
	if (v4) {
		pkt_csum_apply_icmp4(&d, icmp + 2);
		swap(ip + 12, ip + 16, 4);
		ip[8] = BUILD_TTL;
		pkt_csum_ip_set(ip, (size_t)(p->l4_off - p->l3_off));
	} else {
		pkt_csum_apply(&d, icmp + 2);
		swap(ip + 8, ip + 24, 16);
		ip[7] = BUILD_TTL;
	}
	p->icmp_type = reply;
	p->kind = PKT_KIND_ICMP_REPLY;
	pkt_set_eth(p, eth);
}
