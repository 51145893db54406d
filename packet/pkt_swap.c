/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_swap.h"

#include <string.h>

#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"

/* Where addresses stand in an ARP message and in an IPv4 header. */
#define ARP_SPA 14u
#define ARP_TPA 24u
#define ARP_END 28u
#define IP4_SRC 12u
#define IP4_DST 16u
#define IP4_CSUM 10u
#define ICMP_CSUM 2u

struct swaps {
	const struct pkt_swap *s;
	uint32_t n;
};

/* The address at @at, if it is one of them. */
static void swap_at(const struct swaps *with, uint8_t *at,
		    struct pkt_csum_delta *d)
{
	for (uint32_t i = 0; i < with->n; i++) {
		const struct pkt_swap *s = &with->s[i];
		const uint8_t *to = !memcmp(at, s->one, 4)     ? s->other
				    : !memcmp(at, s->other, 4) ? s->one
							       : NULL;

		if (!to)
			continue;
		pkt_csum_change(d, at, to, 4);
		memcpy(at, to, 4);
		return;
	}
}

/* Offset of the checksum that the addresses are part of; 0: there is none. */
static unsigned int csum_at(uint8_t proto)
{
	return proto == IP_TCP ? 16 : proto == IP_UDP ? 6 : 0;
}

static void change_csum(uint8_t *field, uint8_t proto,
			const struct pkt_csum_delta *d)
{
	if (proto == IP_UDP)
		pkt_csum_apply_udp(d, field);
	else
		pkt_csum_apply(d, field);
}

/* A checksum inside of what @outer covers. */
static void change_quoted(uint8_t *field, uint8_t proto,
			  const struct pkt_csum_delta *d,
			  struct pkt_csum_delta *outer)
{
	uint8_t was[2];

	memcpy(was, field, 2);
	change_csum(field, proto, d);
	pkt_csum_change(outer, was, field, 2);
}

static void swap_quoted(struct pkt *p, const struct swaps *with)
{
	struct pkt_csum_delta d = { 0 }, outer;
	struct pkt_quote q;
	unsigned int at;
	uint8_t *ip;

	if (!pkt_parse_quote(p, &q))
		return;
	ip = p->data + q.l3_off;
	swap_at(with, ip + IP4_SRC, &d);
	swap_at(with, ip + IP4_DST, &d);
	if (!d.sum)
		return;
	outer = d;
	change_quoted(ip + IP4_CSUM, 0, &d, &outer);
	at = csum_at(q.proto);
	if (at && q.l4_off + at + 2 <= pkt_end(p)) /* else cut off */
		change_quoted(p->data + q.l4_off + at, q.proto, &d, &outer);
	pkt_csum_apply(&outer, pkt_l4(p) + ICMP_CSUM);
}

static void change_l4(struct pkt *p, const struct pkt_csum_delta *d)
{
	unsigned int at = csum_at(p->proto);
	uint8_t *field = pkt_l4(p) + at;

	if (!at || p->frag_off || p->l4_off + at + 2 > pkt_end(p))
		return;
	if (p->flags & PKT_F_CSUM_PARTIAL)
		pkt_csum_apply_partial(d, field);
	else
		change_csum(field, p->proto, d);
}

static void swap_ip4(struct pkt *p, const struct swaps *with)
{
	uint8_t *ip = pkt_l3(p);
	struct pkt_csum_delta d = { 0 };

	swap_at(with, ip + IP4_SRC, &d);
	swap_at(with, ip + IP4_DST, &d);
	if (d.sum) {
		pkt_csum_apply(&d, ip + IP4_CSUM);
		change_l4(p, &d);
	}
	if (p->kind == PKT_KIND_ICMP_ERROR)
		swap_quoted(p, with);
}

void pkt_swap(struct pkt *p, const struct pkt_swap *s, uint32_t n)
{
	const struct swaps with = { s, n };
	struct pkt_csum_delta none = { 0 };

	if (p->l3 == PKT_L3_IP4) {
		swap_ip4(p, &with);
	} else if (p->l3 == PKT_L3_ARP && p->l3_off + ARP_END <= pkt_end(p)) {
		swap_at(&with, pkt_l3(p) + ARP_SPA, &none);
		swap_at(&with, pkt_l3(p) + ARP_TPA, &none);
	}
}
