/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_build_ip.h"
#include "packet/pkt_ip.h"

struct pkt *pkt_build_udp(struct pkt_pool *pool, const struct pkt_eth *eth,
			  const struct pkt_udp *udp, const void *payload,
			  uint16_t len)
{
	const struct build_ip ip = {
		.src = udp->src,
		.dst = udp->dst,
		.l3 = pkt_addr_is_v4(&udp->src) ? PKT_L3_IP4 : PKT_L3_IP6,
		.proto = IP_UDP,
		.ttl = BUILD_TTL,
	};
	struct pkt *out;
	struct wcur w;

	if (pkt_addr_is_v4(&udp->src) != pkt_addr_is_v4(&udp->dst) ||
	    len > UINT16_MAX - UDP_HLEN)
		return NULL;
	out = pkt_build_begin(pool, eth, &ip, UDP_HLEN + (size_t)len, &w);
	if (!out)
		return NULL;
	wcur_be16(&w, udp->sport);
	wcur_be16(&w, udp->dport);
	wcur_be16(&w, (uint16_t)(UDP_HLEN + len));
	wcur_be16(&w, 0); /* checksum */
	wcur_copy(&w, payload, len);
	return pkt_build_end(pool, out, &w);
}
