/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_assert.h"
#include "packet/pkt_build_ip.h"
#include "packet/pkt_ip.h"

#define ARP_ETHERNET 1u
#define ARP_LEN 28u

static struct pkt_addr read_v4(struct cur *c)
{
	uint8_t four[4];

	cur_copy(c, four, sizeof(four));
	return pkt_addr_v4(four);
}

bool pkt_parse_arp(const struct pkt *p, struct pkt_arp *arp)
{
	struct cur c = cur_of(p->data, p->len);
	uint16_t htype, ptype, lens;

	if (p->l3 != PKT_L3_ARP)
		return false;
	cur_skip(&c, p->l3_off);
	htype = cur_be16(&c);
	ptype = cur_be16(&c);
	lens = cur_be16(&c);
	arp->op = cur_be16(&c);
	cur_copy(&c, arp->sha.b, sizeof(arp->sha.b));
	arp->spa = read_v4(&c);
	cur_copy(&c, arp->tha.b, sizeof(arp->tha.b));
	arp->tpa = read_v4(&c);
	return cur_ok(&c) && htype == ARP_ETHERNET && ptype == ETH_TYPE_IP4 &&
	       lens == (6 << 8 | 4) && (arp->op == 1 || arp->op == 2);
}

struct pkt *pkt_build_arp(struct pkt_pool *pool, const struct pkt_eth *eth,
			  const struct pkt_arp *arp)
{
	const uint32_t len = PKT_ETH_LEN + ARP_LEN;
	struct pkt *p = pkt_get(pool, len);
	struct wcur w;

	if (!p)
		return NULL;
	/* Not filled up to 60 bytes: links do that, with zeros of their own. */
	p->len = len;
	p->tail -= len;
	p->l3 = PKT_L3_ARP;
	p->l3_off = p->l4_off = p->pay_off = PKT_ETH_LEN;
	pkt_set_eth(p, eth);
	w = wcur_of(pkt_l3(p), ARP_LEN);
	wcur_be16(&w, ARP_ETHERNET);
	wcur_be16(&w, ETH_TYPE_IP4);
	wcur_u8(&w, 6);
	wcur_u8(&w, 4);
	wcur_be16(&w, arp->op);
	wcur_copy(&w, arp->sha.b, sizeof(arp->sha.b));
	wcur_copy(&w, arp->spa.b + 12, 4);
	wcur_copy(&w, arp->tha.b, sizeof(arp->tha.b));
	wcur_copy(&w, arp->tpa.b + 12, 4);
	vw_assert(wcur_ok(&w) && w.left == 0);
	return p;
}
