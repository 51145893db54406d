/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_build_ip.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"

/* Sequence numbers that segment @p takes: SYN and FIN count as one each. */
static uint32_t segment_len(const struct pkt *p)
{
	return pkt_end(p) - p->pay_off + !!(p->tcp_flags & TCP_SYN) +
	       !!(p->tcp_flags & TCP_FIN);
}

struct pkt *pkt_build_rst(struct pkt_pool *pool, const struct pkt_eth *eth,
			  const struct pkt *p)
{
	struct build_ip ip = { .l3 = p->l3, .proto = IP_TCP, .ttl = BUILD_TTL };
	const uint8_t *tcp;
	uint32_t seq = 0, ack = 0;
	uint8_t flags = TCP_RST;
	struct pkt *out;
	struct wcur w;

	if (p->kind != PKT_KIND_TCP || p->tcp_flags & TCP_RST)
		return NULL;
	ip.src = pkt_dst(p);
	ip.dst = pkt_src(p);
	if (!pkt_build_answerable(p) || pkt_addr_is_multicast(&ip.src))
		return NULL;
	tcp = pkt_l4(p);
	if (p->tcp_flags & TCP_ACK) {
		seq = be32_at(tcp + 8);
	} else {
		ack = be32_at(tcp + 4) + segment_len(p);
		flags |= TCP_ACK;
	}
	out = pkt_build_begin(pool, eth, &ip, TCP_HLEN, &w);
	if (!out)
		return NULL;
	wcur_be16(&w, p->dport);
	wcur_be16(&w, p->sport);
	wcur_be32(&w, seq);
	wcur_be32(&w, ack);
	wcur_u8(&w, TCP_HLEN / 4 << 4);
	wcur_u8(&w, flags);
	wcur_be16(&w, 0); /* window */
	wcur_be32(&w, 0); /* checksum, urgent pointer */
	return pkt_build_end(pool, out, &w);
}
