/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_build_ip.h"
#include "packet/pkt_ip.h"

/* Largest error, IP header included (R22). */
#define ERROR_MAX4 576u
#define ERROR_MAX6 1280u

struct code {
	uint8_t type, code;
};

static const struct code code4[PKT_ERR_N] = {
	[PKT_ERR_TTL] = { ICMP_TIME_EXCEEDED, 0 },
	[PKT_ERR_MTU] = { ICMP_UNREACH, 4 },
	[PKT_ERR_PROHIBITED] = { ICMP_UNREACH, 13 },
	[PKT_ERR_HOST_PROHIBITED] = { ICMP_UNREACH, 10 },
	[PKT_ERR_NO_ROUTE] = { ICMP_UNREACH, 0 },
};

static const struct code code6[PKT_ERR_N] = {
	[PKT_ERR_TTL] = { ICMP6_TIME_EXCEEDED, 0 },
	[PKT_ERR_MTU] = { ICMP6_TOO_BIG, 0 },
	[PKT_ERR_PROHIBITED] = { ICMP6_UNREACH, 1 },
	[PKT_ERR_HOST_PROHIBITED] = { ICMP6_UNREACH, 1 },
	[PKT_ERR_NO_ROUTE] = { ICMP6_UNREACH, 0 },
};

bool pkt_err_allowed(const struct pkt *p, enum pkt_err err)
{
	struct pkt_addr dst;

	if (!pkt_build_answerable(p))
		return false;
	/* So that IPv6 multicast finds its path MTU (RFC 4443 2.4 e). */
	if (err == PKT_ERR_MTU && p->l3 == PKT_L3_IP6)
		return true;
	dst = pkt_dst(p);
	return !pkt_addr_is_multicast(&dst) && !(p->flags & PKT_F_L2_MCAST);
}

/* The 32 bits after the checksum. */
static uint32_t rest(const struct pkt *p, enum pkt_err err, uint16_t mtu)
{
	if (err != PKT_ERR_MTU)
		return 0;
	if (p->l3 == PKT_L3_IP6 && mtu < 1280)
		return 1280; /* no IPv6 link is smaller (RFC 8200 5) */
	return mtu;
}

struct pkt *pkt_build_error(struct pkt_pool *pool, const struct pkt_eth *eth,
			    const struct pkt_addr *from, const struct pkt *p,
			    enum pkt_err err, uint16_t mtu)
{
	bool v4 = p->l3 == PKT_L3_IP4;
	struct build_ip ip = { .src = *from,
			       .l3 = p->l3,
			       .proto = v4 ? IP_ICMP : IP_ICMP6,
			       .ttl = BUILD_TTL,
			       .tos = BUILD_TOS_CONTROL };
	size_t room = v4 ? ERROR_MAX4 - IP4_HLEN : ERROR_MAX6 - IP6_HLEN;
	size_t quote;
	const struct code *c = v4 ? &code4[err] : &code6[err];
	struct pkt *out;
	struct wcur w;

	if (!pkt_err_allowed(p, err) || pkt_addr_is_v4(from) != v4)
		return NULL;
	ip.dst = pkt_src(p);
	quote = pkt_end(p) - p->l3_off;
	if (quote > room - ICMP_HLEN)
		quote = room - ICMP_HLEN;
	out = pkt_build_begin(pool, eth, &ip, ICMP_HLEN + quote, &w);
	if (!out)
		return NULL;
	wcur_u8(&w, c->type);
	wcur_u8(&w, c->code);
	wcur_be16(&w, 0);
	wcur_be32(&w, rest(p, err, mtu));
	wcur_copy(&w, pkt_l3(p), quote);
	return pkt_build_end(pool, out, &w);
}
