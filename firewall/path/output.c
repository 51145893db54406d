/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hop 5: where to, and in what size? */
#include "firewall/path/shard.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_cut.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_seg.h"

void fw_count(struct fw *fw, uint16_t from, uint16_t to, const struct pkt *p)
{
	fw_row(fw, from)->from_packets++;
	fw_row(fw, from)->from_bytes += p->len;
	fw_row(fw, to)->to_packets++;
	fw_row(fw, to)->to_bytes += p->len;
}

static bool on_link(const struct pkt_prefix *net, const struct pkt_addr *a)
{
	static const struct pkt_prefix none;

	return memcmp(net, &none, sizeof(none)) != 0 && pkt_prefix_has(net, a);
}

/* The next hop on the uplink, or NULL when there is none. */
static const struct pkt_addr *next_hop(const struct fw_uplink *u,
				       const struct pkt_addr *dst)
{
	bool v4 = pkt_addr_is_v4(dst);
	const struct pkt_addr *gw = v4 ? &u->gateway4 : &u->gateway6;

	if (on_link(v4 ? &u->net4 : &u->net6, dst))
		return dst;
	return pkt_addr_is_zero(gw) ? NULL : gw;
}

/* Is the MAC of @hop, on the way to @dst, the one that we were given? */
static bool mac_given(const struct fw_uplink *u, const struct pkt_addr *hop,
		      const struct pkt_addr *dst)
{
	static const struct pkt_mac none;

	return hop != dst && !fw_mac_eq(&u->gateway_mac, &none);
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
	hop = next_hop(&fw->uplink, dst);
	if (mac_given(&fw->uplink, hop, dst))
		return PKT_REASON_NONE;
	if (!hop)
		return PKT_REASON_NO_NEIGH;
	e = neigh_find(fw->neigh, fw->uplink.port, hop);
	return e && e->state == NEIGH_FAILED ? PKT_REASON_NO_NEIGH
					     : PKT_REASON_NONE;
}

/*
 * Size is looked at before translation: an error must quote the packet as its
 * sender sent it (R8).
 */
enum pkt_verdict fw_output(struct fw *fw, struct pkt *p,
			   const struct nat_hit *hit, struct mono now)
{
	enum pkt_reason why = connected(fw, hit->to, fw_pkt_family(p));
	uint16_t mtu;

	if (why != PKT_REASON_NONE)
		return hit->from == NAT_UPLINK ? pkt_drop(p, why)
					       : fw_refuse(fw, hit->from, p,
							   why, hit->rule, now);
	mtu = fw->slot[fw->party[hit->to].slot].port->mtu;
	if (pkt_fit(p, mtu) == PKT_FIT_BIG)
		return fw_too_big(fw, hit->from, p, mtu, now);
	nat_apply(fw->nat, p, hit, now);
	fw_count(fw, hit->from, hit->to, p);
	fw_send(fw, hit->to, p, now);
	return PKT_TAKEN;
}

/* R74: nothing of the client's numbering is to be seen outside. */
static void hide_id(struct fw *fw, struct pkt *p)
{
	bool atomic = p->flags & PKT_F_DF && !p->frag_max;

	ipid_set(p, atomic ? 0 : ipid_next(&fw->ipid, p));
}

static void send_uplink(struct fw *fw, struct slot *s, struct pkt *p,
			struct mono now)
{
	struct pkt_addr dst = pkt_dst(p);
	const struct pkt_addr *hop = next_hop(&fw->uplink, &dst);

	if (p->l3 == PKT_L3_IP4)
		hide_id(fw, p);
	if (mac_given(&fw->uplink, hop, &dst))
		fw_transmit(fw, s, p, &fw->uplink.gateway_mac, now);
	else if (hop)
		fw_resolve(fw, s, hop, p, now);
	else
		fw_discard(fw, NAT_UPLINK, p, PKT_REASON_NO_NEIGH);
}

void fw_send(struct fw *fw, uint16_t n, struct pkt *p, struct mono now)
{
	struct party *to = &fw->party[n];
	struct pkt_addr dst;
	struct slot *s;

	if (to->slot == FW_NO_PORT) {
		fw_discard(fw, n, p, PKT_REASON_PORT_DOWN);
		return;
	}
	s = &fw->slot[to->slot];
	if (n == NAT_UPLINK) {
		send_uplink(fw, s, p, now);
	} else if (to->kind == FW_QUBE) {
		fw_transmit(fw, s, p, &to->conf.mac, now);
	} else {
		dst = pkt_dst(p);
		fw_resolve(fw, s, &dst, p, now);
	}
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

void fw_transmit(struct fw *fw, struct slot *s, struct pkt *p,
		 const struct pkt_mac *to, struct mono now)
{
	static const uint8_t cap[PKT_GSO_N] = {
		[PKT_GSO_TCP4] = PORT_GSO4, [PKT_GSO_TCP6] = PORT_GSO6
	};
	enum pkt_fit fit = pkt_fit(p, s->port->mtu);
	bool cut = fit == PKT_FIT_CUT;

	pkt_set_eth(p, &(struct pkt_eth){ s->port->mac, *to });
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
