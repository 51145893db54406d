/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hairpin: two clients behind one outside address.  Each has a flow of its own
 * to the other's outside port, and a packet passes through both, back to back:
 *
 *	real0 of one -> its outside port -> the other's outside port -> real0
 *
 * So nothing about flows, ports or filters is different for it.
 */
#include "nat/nat_core.h"
#include "nat/nat_icmp.h"
#include "nat/nat_rewrite.h"
#include "nat/nat_tcp.h"
#include "packet/pkt_ip.h"

/* The flow that a packet of masqueraded flow @f meets coming back: NAT_NONE. */
static uint32_t mirror_of(const struct nat *n, const struct nat_flow *f,
			  uint32_t now_ms)
{
	bool v6 = f->end[0].who & NAT_KEY_V6;
	struct nat_key k;
	uint32_t ref;

	nat_key_addrs(&k, &n->addrs.addr[f->end[1].stand], &f->end[1].real, v6,
		      nat_key_rest(f->end[1].peer, f->end[1].port,
				   nat_key_who(NAT_UPLINK, f->proto,
					       v6 ? NAT_KEY_V6 : 0)));
	ref = nat_table_find(&n->table, &k, nat_table_hash(&n->table, &k));
	if (ref == NAT_NONE || NAT_REF_KIND(ref) != NAT_KEY_END1 ||
	    nat_flow_dead(n, nat_flow_at(n, NAT_REF_FLOW(ref)), now_ms))
		return NAT_NONE;
	return NAT_REF_FLOW(ref);
}

/* Both flows as the one that they are together: end 0 is the sender. */
static struct nat_flow joined(const struct nat *n, const struct nat_hit *hit,
			      const struct nat_hit *back)
{
	struct nat_flow f = *nat_flow_at(n, hit->flow);
	const struct nat_flow *in = nat_flow_at(n, back->flow);

	f.end[0].stand = in->end[1].stand;
	f.end[0].peer = in->end[1].peer;
	f.end[1].real = in->end[0].real;
	f.end[1].port = in->end[0].port;
	f.end[1].who = in->end[0].who;
	return f;
}

enum pkt_verdict nat_find_back(const struct nat *n, struct pkt *p,
			       const struct nat_hit *hit, struct nat_hit *back,
			       struct mono now)
{
	const struct nat_flow *f = nat_flow_at(n, hit->flow), *in;
	enum pkt_reason why;
	uint32_t i;

	*back = (struct nat_hit){ .quoted = hit->quoted, .quiet = hit->quoted };
	if (hit->end != 0 || !f->end[1].stand || f->end[0].stand ||
	    (f->proto != IP_TCP && f->proto != IP_UDP))
		return pkt_drop(p, PKT_REASON_HAIRPIN);
	i = mirror_of(n, f, (uint32_t)nat_ms(now));
	if (i == NAT_NONE || i == hit->flow)
		return pkt_drop(p, PKT_REASON_HAIRPIN);
	in = nat_flow_at(n, i);
	if (p->kind == PKT_KIND_TCP) {
		why = nat_tcp_check(in, nat_track_at(n, i), 1, p, &back->quiet);
		if (why != PKT_REASON_NONE)
			return pkt_drop(p, why);
	}
	back->flow = i;
	back->end = 1;
	back->state = in->state;
	back->from = nat_flow_owner(in, 1);
	back->to = nat_flow_owner(in, 0);
	back->gen = in->gen;
	back->rule = in->rule;
	return PKT_FORWARD;
}

void nat_apply_back(struct nat *n, struct pkt *p, const struct nat_hit *hit,
		    const struct nat_hit *back, struct mono now)
{
	struct nat_flow f = joined(n, hit, back);

	if (hit->quoted) {
		nat_icmp_rewrite(n, p, &f, 0);
		return;
	}
	if (!hit->quiet)
		nat_advance(n, p, hit->flow, 0, now);
	if (!back->quiet)
		nat_advance(n, p, back->flow, 1, now);
	nat_rewrite(p, &f, 0, n->addrs.addr);
}
