/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/nat_rewrite.h"

#include <string.h>

#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"

/*
 * A sum of 32-bit words and one of 16-bit words are equal modulo 0xffff, and a
 * handful of them can't overflow 64 bits.
 */
static inline void change32(struct pkt_csum_delta *d, const uint8_t *from,
			    const uint8_t *to)
{
	uint32_t f, t;

	memcpy(&f, from, 4);
	memcpy(&t, to, 4);
	d->sum += (uint32_t)~f;
	d->sum += t;
}

static inline void change16(struct pkt_csum_delta *d, const uint8_t *from,
			    const uint8_t *to)
{
	uint16_t f, t;

	memcpy(&f, from, 2);
	memcpy(&t, to, 2);
	d->sum += (uint16_t)~f;
	d->sum += t;
}

void nat_edit(struct pkt_csum_delta *d, uint8_t *at, const void *to, size_t len)
{
	pkt_csum_change(d, at, to, len);
	memcpy(at, to, len);
}

void nat_edit16(struct pkt_csum_delta *d, uint8_t *at, uint16_t to)
{
	uint8_t b[2];

	be16_set(b, to);
	change16(d, at, b);
	memcpy(at, b, 2);
}

static void edit_ip4(struct pkt_csum_delta *d, uint8_t *at,
		     const struct pkt_addr *to)
{
	change32(d, at, to->b + 12);
	memcpy(at, to->b + 12, 4);
}

static void edit_ip6(struct pkt_csum_delta *d, uint8_t *at,
		     const struct pkt_addr *to)
{
	for (int i = 0; i < 16; i += 4)
		change32(d, at + i, to->b + i);
	memcpy(at, to->b, 16);
}

void nat_rewrite_ip(struct pkt *p, const struct pkt_addr *src,
		    const struct pkt_addr *dst, struct pkt_csum_delta *pseudo)
{
	uint8_t *ip = pkt_l3(p), hop[2];
	struct pkt_csum_delta d = *pseudo;

	if (p->l3 == PKT_L3_IP6) {
		if (src)
			edit_ip6(pseudo, ip + 8, src);
		if (dst)
			edit_ip6(pseudo, ip + 24, dst);
		ip[7]--;
		return;
	}
	if (src)
		edit_ip4(pseudo, ip + 12, src);
	if (dst)
		edit_ip4(pseudo, ip + 16, dst);
	d.sum = pseudo->sum - d.sum;
	hop[0] = (uint8_t)(ip[8] - 1);
	hop[1] = ip[9];
	change16(&d, ip + 8, hop);
	ip[8] = hop[0];
	pkt_csum_apply(&d, ip + 10);
}

static void rewrite_ports(struct pkt *p, const struct nat_flow *f, unsigned e,
			  const struct pkt_csum_delta *pseudo)
{
	uint8_t *l4 = pkt_l4(p);
	uint8_t *field = l4 + (p->kind == PKT_KIND_TCP ? 16 : 6);
	struct pkt_csum_delta d = *pseudo;

	if (f->stand[!e]) {
		p->sport = f->stand_port[!e];
		nat_edit16(&d, l4, p->sport);
	}
	if (f->stand[e]) {
		p->dport = f->port[!e];
		nat_edit16(&d, l4 + 2, p->dport);
	}
	if (p->flags & PKT_F_CSUM_PARTIAL)
		pkt_csum_apply_partial(pseudo, field);
	else if (p->kind == PKT_KIND_TCP)
		pkt_csum_apply(&d, field);
	else
		pkt_csum_apply_udp(&d, field);
}

static void rewrite_id(struct pkt *p, const struct nat_flow *f, unsigned e,
		       const struct pkt_csum_delta *pseudo)
{
	uint8_t *l4 = pkt_l4(p);
	struct pkt_csum_delta d = { 0 };

	if (p->l3 == PKT_L3_IP6)
		d = *pseudo;
	if (f->stand[1]) {
		p->sport = p->dport = e ? f->port[0] : f->stand_port[1];
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
	struct pkt_csum_delta pseudo = { 0 };

	nat_rewrite_ip(p, f->stand[!e] ? &addr[f->stand[!e]] : NULL,
		       f->stand[e] ? &f->real[!e] : NULL, &pseudo);
	if (p->kind == PKT_KIND_TCP || p->kind == PKT_KIND_UDP)
		rewrite_ports(p, f, e, &pseudo);
	else
		rewrite_id(p, f, e, &pseudo);
}
