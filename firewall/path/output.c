/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hop 5: where to, and in what size? */
#include "firewall/path/fw_part.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_cut.h"
#include "packet/pkt_hot.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_mss.h"
#include "packet/pkt_seg.h"

void fw_count(struct fw *fw, uint16_t from, uint16_t to, const struct pkt *p)
{
	fw_row(fw, from)->from_packets++;
	fw_row(fw, from)->from_bytes += p->len;
	fw_row(fw, to)->to_packets++;
	fw_row(fw, to)->to_bytes += p->len;
}

/* The next hop on the uplink, or NULL when there is none. */
static const struct pkt_addr *next_hop(const struct fw *fw,
				       const struct pkt_addr *dst)
{
	const struct fw_uplink *u = &fw->uplink;
	enum rule_family family = fw_family(dst);
	bool v4 = family == RULE_IP4;

	if (fw->route[family].link &&
	    pkt_prefix_has(v4 ? &u->net4 : &u->net6, dst))
		return dst;
	if (!fw->route[family].gateway)
		return NULL;
	return v4 ? &u->gateway4 : &u->gateway6;
}

/* A port that works, and an address of ours or theirs to go with it. */
static enum pkt_reason connected(const struct fw *fw, uint16_t to,
				 enum rule_family family)
{
	const struct party *end = &fw->party[to];
	bool up = end->slot != FW_NO_PORT && end->has[family];

	if (to == NAT_UPLINK)
		return up && fw->uplink.up ? PKT_REASON_NONE
					   : PKT_REASON_NO_UPLINK;
	return up ? PKT_REASON_NONE : PKT_REASON_PORT_DOWN;
}

enum pkt_reason fw_way_out(struct fw *fw, uint16_t to,
			   const struct pkt_addr *dst)
{
	enum pkt_reason why = connected(fw, to, fw_family(dst));
	const struct pkt_addr *hop;
	const struct neigh *e;

	if (why != PKT_REASON_NONE || to != NAT_UPLINK)
		return why;
	hop = next_hop(fw, dst);
	if (!hop)
		return PKT_REASON_NO_NEIGH;
	if (hop != dst && fw->gateway_mac_given)
		return PKT_REASON_NONE;
	e = neigh_find(fw->neigh, fw->uplink.port, hop);
	return e && e->state == NEIGH_FAILED ? PKT_REASON_NO_NEIGH
					     : PKT_REASON_NONE;
}

/* R74: nothing of the client's numbering is to be seen outside. */
static inline void hide_id(struct fw *fw, struct pkt *p)
{
	bool atomic = p->flags & PKT_F_DF && !p->frag_max;

	ipid_set(p, atomic ? 0 : ipid_next(&fw->ipid, p));
}

/* Segments of both directions are to fit both links. */
PKT_RARE void fw_clamp(const struct fw *fw, struct pkt *p, uint16_t from,
		       uint16_t to)
{
	uint16_t a = fw->slot[fw->party[from].slot].port->mtu;
	uint16_t b = fw->slot[fw->party[to].slot].port->mtu;

	if (fw->conf.mss)
		pkt_mss_clamp(p, a < b ? a : b, fw->conf.mss);
}

/* By the next hop that its destination asks for. */
static PKT_APART void send_routed(struct fw *fw, struct slot *s, struct pkt *p,
				  struct mono now)
{
	struct pkt_addr dst = pkt_dst(p);
	const struct pkt_addr *hop = next_hop(fw, &dst);

	if (!hop)
		fw_discard(fw, NAT_UPLINK, p, PKT_REASON_NO_NEIGH);
	else if (hop != &dst && fw->gateway_mac_given)
		fw_transmit(fw, s, p, &fw->uplink.gateway_mac, now);
	else
		fw_resolve(fw, s, hop, p, now);
}

static PKT_APART void send_neighbour(struct fw *fw, struct slot *s,
				     struct pkt *p, struct mono now)
{
	struct pkt_addr dst = pkt_dst(p);

	fw_resolve(fw, s, &dst, p, now);
}

/* To @to, by its port @s. */
static inline void send_by(struct fw *fw, struct party *to, struct slot *s,
			   struct pkt *p, struct mono now)
{
	struct route way = fw->route[fw_pkt_family(p)];

	if (to != &fw->party[NAT_UPLINK]) {
		fw_swap(to, p);
		if (to->kind == FW_QUBE)
			fw_transmit(fw, s, p, &to->conf.mac, now);
		else
			send_neighbour(fw, s, p, now);
		return;
	}
	if (p->l3 == PKT_L3_IP4)
		hide_id(fw, p);
	if (fw->gateway_mac_given && way.gateway && !way.link)
		fw_transmit(fw, s, p, &fw->uplink.gateway_mac, now);
	else
		send_routed(fw, s, p, now);
}

void fw_send(struct fw *fw, uint16_t n, struct pkt *p, struct mono now)
{
	struct party *to = &fw->party[n];

	if (to->slot == FW_NO_PORT)
		fw_discard(fw, n, p, PKT_REASON_PORT_DOWN);
	else
		send_by(fw, to, &fw->slot[to->slot], p, now);
}

/*
 * Size is looked at before translation: an error must quote the packet as its
 * sender sent it (R8).
 */
enum pkt_verdict fw_output(struct fw *fw, struct pkt *p,
			   const struct nat_hit *hit, struct mono now)
{
	enum pkt_reason why = connected(fw, hit->to, fw_pkt_family(p));
	struct party *to = &fw->party[hit->to];
	struct slot *s;

	if (why != PKT_REASON_NONE)
		return hit->from == NAT_UPLINK ? pkt_drop(p, why)
					       : fw_refuse(fw, hit->from, p,
							   why, hit->rule, now);
	s = &fw->slot[to->slot];
	if (pkt_fit(p, s->port->mtu) == PKT_FIT_BIG)
		return fw_too_big(fw, hit->from, p, s->port->mtu, now);
	if (p->tcp_flags & TCP_SYN)
		fw_clamp(fw, p, hit->from, hit->to);
	nat_apply(fw->nat, p, hit, now);
	fw_count(fw, hit->from, hit->to, p);
	send_by(fw, to, s, p, now);
	return PKT_TAKEN;
}

/* ---- the last step: cut to what the port takes --------------------------- */

static void whole(struct fw *fw, struct slot *s, struct pkt *p, struct mono now)
{
	if (!(s->port->caps & PORT_CSUM))
		pkt_csum_complete(p);
	fw_emit(fw, s, p, now);
}

static void emit_all(struct fw *fw, struct slot *s, struct pkt_batch *b,
		     struct mono now)
{
	for (uint32_t i = 0; i < b->n; i++)
		fw_emit(fw, s, b->p[i], now);
	b->n = 0;
}

static void fragments(struct fw *fw, struct slot *s, struct pkt *p,
		      struct mono now)
{
	uint16_t mtu = s->port->mtu;
	uint32_t all = pkt_cut_count(p, mtu);
	uint32_t id = p->l3 == PKT_L3_IP4 ? ipid_next(&fw->ipid, p)
					  : (uint32_t)pkt_rand_u64(&fw->rand);
	struct pkt_batch b = { 0 };
	int at = 0;

	pkt_csum_complete(p);
	while (at >= 0 && (uint32_t)at < all) {
		at = pkt_cut(fw->pool, p, mtu, id, (uint32_t)at, &b);
		emit_all(fw, s, &b, now);
	}
	if (at < 0)
		fw_discard(fw, s->owner, p, PKT_REASON_POOL_EMPTY);
	else
		pkt_put(fw->pool, p);
}

static void segments(struct fw *fw, struct slot *s, struct pkt *p, bool cut,
		     struct mono now)
{
	uint32_t all = pkt_seg_count(p);
	struct pkt_batch b = { 0 };
	int at = 0;

	while (at >= 0 && (uint32_t)at < all) {
		at = pkt_seg_cut(fw->pool, p, (uint32_t)at, &b);
		for (uint32_t i = 0; cut && i < b.n; i++)
			fragments(fw, s, b.p[i], now);
		if (cut)
			b.n = 0;
		emit_all(fw, s, &b, now);
	}
	if (at < 0)
		fw_discard(fw, s->owner, p, PKT_REASON_POOL_EMPTY);
	else
		pkt_put(fw->pool, p);
}

/* What its port may not take as it is. */
static PKT_APART void make_fit(struct fw *fw, struct slot *s, struct pkt *p,
			       struct mono now)
{
	static const uint8_t cap[PKT_GSO_N] = {
		[PKT_GSO_TCP4] = PORT_GSO4, [PKT_GSO_TCP6] = PORT_GSO6
	};
	enum pkt_fit fit = pkt_fit(p, s->port->mtu);
	bool cut = fit == PKT_FIT_CUT;

	if (fit == PKT_FIT_BIG)
		fw_discard(fw, s->owner, p, PKT_REASON_MTU);
	else if (p->gso_type != PKT_GSO_NONE &&
		 (cut || !(s->port->caps & cap[p->gso_type])))
		segments(fw, s, p, cut, now);
	else if (cut)
		fragments(fw, s, p, now);
	else
		whole(fw, s, p, now);
}

void fw_transmit(struct fw *fw, struct slot *s, struct pkt *p,
		 const struct pkt_mac *to, struct mono now)
{
	const struct port *port = s->port;

	pkt_set_macs(p, &port->mac, to);
	if (pkt_is_short(p, port->mtu) && p->gso_type == PKT_GSO_NONE &&
	    (port->caps & PORT_CSUM || !(p->flags & PKT_F_CSUM_PARTIAL)))
		fw_emit(fw, s, p, now);
	else
		make_fit(fw, s, p, now);
}
