/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/nat_rewrite.h"

#include <string.h>

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

static struct pkt_csum_delta
rewrite_ip6(uint8_t *ip, const struct pkt_addr *src, const struct pkt_addr *dst)
{
	struct pkt_csum_delta pseudo = { 0 };

	for (int i = 0; src && i < 16; i += 4)
		edit32(&pseudo, ip + 8 + i, src->b + i);
	for (int i = 0; dst && i < 16; i += 4)
		edit32(&pseudo, ip + 24 + i, dst->b + i);
	ip[7]--;
	return pseudo;
}

static inline struct pkt_csum_delta
rewrite_ip4(uint8_t *ip, const struct pkt_addr *src, const struct pkt_addr *dst)
{
	struct pkt_csum_delta pseudo = { 0 }, d;
	uint16_t from, to;

	if (src)
		edit32(&pseudo, ip + 12, src->b + 12);
	if (dst)
		edit32(&pseudo, ip + 16, dst->b + 12);
	d = pseudo;
	memcpy(&from, ip + 8, 2);
	ip[8]--;
	memcpy(&to, ip + 8, 2);
	pkt_csum_change_u16(&d, from, to);
	pkt_csum_apply(&d, ip + 10);
	return pseudo;
}

static inline struct pkt_csum_delta rewrite_ip(struct pkt *p,
					       const struct pkt_addr *src,
					       const struct pkt_addr *dst)
{
	return p->l3 == PKT_L3_IP4 ? rewrite_ip4(pkt_l3(p), src, dst)
				   : rewrite_ip6(pkt_l3(p), src, dst);
}

struct pkt_csum_delta nat_rewrite_ip(struct pkt *p, const struct pkt_addr *src,
				     const struct pkt_addr *dst)
{
	return rewrite_ip(p, src, dst);
}

static inline void rewrite_ports(struct pkt *p, const struct nat_flow *f,
				 unsigned e, struct pkt_csum_delta pseudo)
{
	uint8_t *l4 = pkt_l4(p);
	struct pkt_csum_delta d = pseudo;

	if (f->stand[!e]) {
		p->sport = f->end[!e].peer;
		nat_edit16(&d, l4, p->sport);
	}
	if (f->stand[e]) {
		p->dport = f->end[!e].port;
		nat_edit16(&d, l4 + 2, p->dport);
	}
	if (p->flags & PKT_F_CSUM_PARTIAL)
		pkt_csum_apply_partial(&pseudo, pkt_csum_field(p));
	else if (p->kind == PKT_KIND_TCP)
		pkt_csum_apply(&d, l4 + 16);
	else
		pkt_csum_apply_udp(&d, l4 + 6);
}

static void rewrite_id(struct pkt *p, const struct nat_flow *f, unsigned e,
		       struct pkt_csum_delta pseudo)
{
	uint8_t *l4 = pkt_l4(p);
	struct pkt_csum_delta d = { 0 };

	if (p->l3 == PKT_L3_IP6)
		d = pseudo;
	if (f->stand[1]) {
		p->sport = p->dport = e ? f->end[0].port : f->end[1].peer;
		nat_edit16(&d, l4 + 4, p->sport);
	}
	if (p->l3 == PKT_L3_IP4)
		pkt_csum_apply_icmp4(&d, l4 + 2);
	else
		pkt_csum_apply(&d, l4 + 2);
}

void nat_rewrite(struct pkt *p, const struct nat_flow *f, unsigned e,
		 const struct pkt_addr *addr)
{
	struct pkt_csum_delta pseudo =
		rewrite_ip(p, f->stand[!e] ? &addr[f->stand[!e]] : NULL,
			   f->stand[e] ? &f->real[!e] : NULL);

	if (p->kind == PKT_KIND_TCP || p->kind == PKT_KIND_UDP)
		rewrite_ports(p, f, e, pseudo);
	else
		rewrite_id(p, f, e, pseudo);
}
