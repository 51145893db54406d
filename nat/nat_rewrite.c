/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/nat_rewrite.h"

#include <string.h>

#include "nat/nat_core.h"
#include "nat/nat_key.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"

void nat_edit(struct pkt_csum_delta *d, uint8_t *at, const void *to, size_t len)
{
	pkt_csum_change(d, at, to, len);
	memcpy(at, to, len);
}

void nat_edit16(struct pkt_csum_delta *d, uint8_t *at, uint16_t to)
{
	uint16_t from, net;

	memcpy(&from, at, 2);
	be16_set(at, to);
	memcpy(&net, at, 2);
	pkt_csum_change_u16(d, from, net);
}

static inline void edit32(struct pkt_csum_delta *d, uint8_t *at,
			  const uint8_t *to)
{
	uint32_t from, net;

	memcpy(&net, to, 4);
	memcpy(&from, at, 4);
	memcpy(at, &net, 4);
	pkt_csum_change_u32(d, from, net);
}

/*
 * One hop less.  The hop count is the first byte of its word, and not 0, so
 * ~old + new of that word is always the same.
 */
static inline uint16_t one_hop_less(uint8_t *ttl)
{
	static const uint8_t change[2] = { 0xfe, 0xff };
	uint16_t d;

	--*ttl;
	memcpy(&d, change, 2);
	return d;
}

static inline struct pkt_csum_delta rewrite_ip4(uint8_t *ip, const uint8_t *src,
						const uint8_t *dst)
{
	struct pkt_csum_delta pseudo = { 0 }, d;

	edit32(&pseudo, ip + 12, src);
	edit32(&pseudo, ip + 16, dst);
	d.sum = pseudo.sum + one_hop_less(ip + 8);
	pkt_csum_apply(&d, ip + 10);
	return pseudo;
}

static struct pkt_csum_delta rewrite_ip6(uint8_t *ip, const uint8_t *src,
					 const uint8_t *dst)
{
	struct pkt_csum_delta pseudo = { 0 };

	for (int i = 0; i < 16; i += 4) {
		edit32(&pseudo, ip + 8 + i, src + i);
		edit32(&pseudo, ip + 24 + i, dst + i);
	}
	ip[7]--;
	return pseudo;
}

PKT_RARE struct pkt_csum_delta nat_rewrite_ip(struct pkt *p,
					      const struct pkt_addr *src,
					      const struct pkt_addr *dst)
{
	struct pkt_csum_delta pseudo = { 0 }, d;
	uint8_t *ip = pkt_l3(p);
	bool v6 = p->l3 == PKT_L3_IP6;
	unsigned skip = v6 ? 0 : 12; /* where the bytes stand in pkt_addr */
	size_t len = v6 ? 16 : 4;
	uint8_t *at = ip + (v6 ? 8 : 12);

	if (src)
		nat_edit(&pseudo, at, src->b + skip, len);
	if (dst)
		nat_edit(&pseudo, at + len, dst->b + skip, len);
	if (v6) {
		ip[7]--;
	} else {
		d.sum = pseudo.sum + one_hop_less(ip + 8);
		pkt_csum_apply(&d, ip + 10);
	}
	return pseudo;
}

/* Both ports of a packet for @to; a port that stays adds nothing. */
PKT_INLINE void rewrite_ports(struct pkt *p, const struct nat_end *to,
			      struct pkt_csum_delta pseudo)
{
	uint8_t *l4 = pkt_l4(p), ports[4];
	struct pkt_csum_delta d = pseudo;

	p->sport = to->peer;
	p->dport = to->port;
	be32_set(ports, (uint32_t)to->peer << 16 | to->port);
	edit32(&d, l4, ports);
	if (p->flags & PKT_F_CSUM_PARTIAL)
		pkt_csum_apply_partial(&pseudo,
				       l4 + (p->kind == PKT_KIND_TCP ? 16 : 6));
	else if (p->kind == PKT_KIND_TCP)
		pkt_csum_apply(&d, l4 + 16);
	else
		pkt_csum_apply_udp(&d, l4 + 6);
}

static PKT_RARE void rewrite_id(struct pkt *p, const struct nat_flow *f,
				unsigned e, struct pkt_csum_delta pseudo)
{
	uint8_t *l4 = pkt_l4(p);
	struct pkt_csum_delta d = { 0 };

	if (p->l3 == PKT_L3_IP6)
		d = pseudo;
	if (f->end[1].stand) {
		p->sport = p->dport = e ? f->end[0].port : f->end[1].peer;
		nat_edit16(&d, l4 + 4, p->sport);
	}
	if (p->l3 == PKT_L3_IP4)
		pkt_csum_apply_icmp4(&d, l4 + 2);
	else
		pkt_csum_apply(&d, l4 + 2);
}

PKT_INLINE void rewrite_l4(struct pkt *p, const struct nat_flow *f, unsigned e,
			   struct pkt_csum_delta pseudo)
{
	if (p->kind == PKT_KIND_TCP || p->kind == PKT_KIND_UDP)
		rewrite_ports(p, &f->end[!e], pseudo);
	else
		rewrite_id(p, f, e, pseudo);
}

static PKT_APART void rewrite6(struct pkt *p, const struct nat_flow *f,
			       unsigned e, const struct pkt_addr *src)
{
	rewrite_l4(p, f, e, rewrite_ip6(pkt_l3(p), src->b, f->end[!e].real.b));
}

void nat_rewrite(struct pkt *p, const struct nat_flow *f, unsigned e,
		 const struct pkt_addr *addr)
{
	const struct pkt_addr *src = nat_flow_peer(f, !e, addr);

	if (!f->end[0].stand && !f->end[1].stand)
		(void)nat_rewrite_ip(p, NULL, NULL);
	else if (p->l3 == PKT_L3_IP6)
		rewrite6(p, f, e, src);
	else
		rewrite_l4(p, f, e,
			   rewrite_ip4(pkt_l3(p), src->b + 12,
				       f->end[!e].real.b + 12));
}
