/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/lab_watch.h"

#include <stdlib.h>
#include <string.h>

#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"

static uint32_t flows(const struct lab *l)
{
	struct nat_usage u;

	nat_usage(fw_nat(l->fw), UINT16_MAX, &u);
	return u.flows;
}

/* An address of client @who's? */
static bool is_own(const struct pkt_addr *a, int who)
{
	switch (who) {
	case LAB_A:
		return lab_is_addr(a, LAB_A4) || lab_is_addr(a, LAB_A6);
	case LAB_B:
		return lab_is_addr(a, LAB_B4) || lab_is_addr(a, LAB_B6);
	case LAB_NET:
		return pkt_addr_is_v4(a) ? a->b[12] == 10 && a->b[13] == 9
					 : a->b[0] == 0xfd && a->b[1] == 0x10;
	default:
		return false;
	}
}

static bool is_inside(const struct pkt_addr *a)
{
	return is_own(a, LAB_A) || is_own(a, LAB_B) || is_own(a, LAB_NET) ||
	       lab_is_addr(a, LAB_GUARD4);
}

static bool is_outside(const struct pkt_addr *a)
{
	return lab_is_addr(a, LAB_OUT4) || lab_is_addr(a, LAB_OUT6);
}

/* In the place of the one who was asked. */
static bool is_reset(const struct pkt *p)
{
	return p->kind == PKT_KIND_TCP && p->tcp_flags & TCP_RST &&
	       p->len == p->pay_off;
}

static bool may_meet(const struct lab_watch *w, int a, int b)
{
	return w->meet && (a == LAB_A || a == LAB_B) &&
	       (b == LAB_A || b == LAB_B);
}

static void to_client(const struct lab_watch *w, const struct pkt *p, int who,
		      int cause)
{
	struct pkt_addr src = pkt_src(p), dst = pkt_dst(p);
	bool met = may_meet(w, cause, who);
	bool in = w->open && (cause == LAB_A || who == LAB_A);

	vw_assert(cause < 0 || cause == LAB_UPLINK || cause == who || met ||
		  in);
	vw_assert(is_own(&dst, who));
	if (is_reset(p))
		return;
	/* our own address inside NET is no client's */
	if (is_inside(&src) && !lab_is_addr(&src, LAB_NETGW4) &&
	    !lab_is_addr(&src, LAB_NETGW6))
		vw_assert(met && is_own(&src, cause));
	if (is_outside(&src))
		vw_assert(met || in);
}

static void to_uplink(const struct lab *l, const struct lab_watch *w,
		      const struct pkt *p, int cause)
{
	struct pkt_addr src = pkt_src(p), dst = pkt_dst(p);

	vw_assert(is_outside(&src) && !is_inside(&dst) && !is_outside(&dst));
	if (cause != LAB_UPLINK)
		return;
	if (w->open && is_reset(p))
		return;
	vw_assert(flows(l) > 0);
	vw_assert(p->kind == PKT_KIND_ICMP_ERROR);
	vw_assert(p->l3 == PKT_L3_IP4
			  ? p->icmp_type == ICMP_UNREACH && p->icmp_code == 4
			  : p->icmp_type == ICMP6_TOO_BIG);
}

static void to_mac(const struct pkt *p, int who)
{
	static const char *const mac[LAB_PORTS] = { LAB_MAC_HOP, LAB_MAC_A,
						    LAB_MAC_B, NULL };

	if (mac[who])
		vw_assert(lab_eth(
			p, who == LAB_UPLINK ? LAB_MAC_OUT : LAB_MAC_OURS,
			mac[who]));
}

static void remember(struct lab_watch *w, const struct pkt *p)
{
	if (p->len > sizeof(w->last))
		return;
	memcpy(w->last, p->data, p->len);
	w->last_len = p->len;
}

/* In a block of its own, so that a sanitizer sees any step outside. */
static struct pkt copy_of(const struct pkt *sent)
{
	struct pkt p = { .len = sent->len };

	p.flags = sent->flags & (PKT_F_CSUM_PARTIAL | PKT_F_CSUM_VALID);
	p.data = malloc(p.len ? p.len : 1);
	vw_assert(p.data);
	memcpy(p.data, sent->data, p.len);
	return p;
}

static void frame(struct lab *l, struct lab_watch *w, const struct pkt *sent,
		  int who, int cause)
{
	const struct port *port = &l->port[who].port;
	struct pkt p = copy_of(sent);

	vw_assert(p.len >= PKT_ETH_LEN);
	vw_assert(!memcmp(p.data + 6, port->mac.b, 6));
	vw_assert(p.len <= PKT_ETH_LEN + (uint32_t)port->mtu);
	vw_assert(!sent->gso_size);
	vw_assert(port->caps & PORT_CSUM || !(p.flags & PKT_F_CSUM_PARTIAL));
	if (pkt_parse(&p) != PKT_FORWARD) {
		/* only what a sender got wrong may be wrong */
		vw_assert(p.reason == PKT_REASON_ICMP_CSUM);
	} else if (p.l3 != PKT_L3_ARP && p.kind != PKT_KIND_ND) {
		vw_assert(p.len == sent->len);
		vw_assert(pkt_l3(&p)[p.l3 == PKT_L3_IP4 ? 8 : 7] > 0);
		to_mac(&p, who);
		if (who == LAB_UPLINK) {
			to_uplink(l, w, &p, cause);
			remember(w, &p);
		} else {
			to_client(w, &p, who, cause);
		}
	}
	free(p.data);
}

void lab_watch(struct lab *l, struct lab_watch *w, int cause)
{
	struct pkt *p;

	for (int who = 0; who < LAB_PORTS; who++)
		while ((p = mock_port_pop(&l->port[who]))) {
			frame(l, w, p, who, cause);
			pkt_put(fw_pool(l->fw), p);
		}
}

/* To A, by whoever asked for our outside address. */
static bool by_opening(const struct lab_watch *w, const struct nat_info *i)
{
	return w->open && i->owner[1] == LAB_A && is_own(&i->real[1], LAB_A) &&
	       is_outside(&i->stand[0]) &&
	       (i->owner[0] == LAB_UPLINK ? !is_inside(&i->real[0])
					  : is_own(&i->real[0], i->owner[0]) &&
						    is_outside(&i->stand[1]));
}

void lab_watch_flows(struct lab *l, const struct lab_watch *w)
{
	struct nat_info info;
	uint32_t cursor = 0;

	while (nat_each(fw_nat(l->fw), &cursor, &info, 1, l->now)) {
		if (by_opening(w, &info))
			continue;
		vw_assert(is_own(&info.real[0], info.owner[0]));
		vw_assert(info.owner[1] == LAB_UPLINK ||
			  may_meet(w, info.owner[0], info.owner[1]));
	}
}
