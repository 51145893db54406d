/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening flows.  A flow is drafted on the stack, checked against what is
 * there, given an outside port, and only then made.
 */
#include "nat/nat_age.h"
#include "nat/nat_life.h"
#include "nat/nat_limit.h"
#include "nat/nat_rewrite.h"
#include "nat/nat_tcp.h"
#include "packet/pkt_ip.h"

/* Shared ports that are tried, and own flows that are ended, for one flow. */
#define SHARED_TRIES 64
#define EVICT_TRIES 4

static bool wants_port(const struct nat_want *want)
{
	return want->mode == NAT_MASQUERADE || want->mode == NAT_REDIRECT;
}

/* May this packet open a flow of this kind at all? */
static enum pkt_reason admissible(const struct nat *n, const struct pkt *p,
				  uint16_t owner, const struct nat_want *want)
{
	struct pkt_addr src = pkt_src(p), dst = pkt_dst(p);
	bool icmp = p->kind == PKT_KIND_ICMP_QUERY;

	if (p->kind != PKT_KIND_TCP && p->kind != PKT_KIND_UDP &&
	    !(icmp && nat_icmp_question(p->proto, p->icmp_type)))
		return PKT_REASON_CANNOT_NAT;
	if (!pkt_addr_ok_src(&src) || !pkt_addr_ok_dst(&dst))
		return PKT_REASON_CANNOT_NAT;
	if (owner >= n->conf.owners || want->to >= n->conf.owners ||
	    n->owner[owner].life != NAT_LIVE ||
	    n->owner[want->to].life != NAT_LIVE)
		return PKT_REASON_CANNOT_NAT;
	if (nat_owner_spent(n, owner) || nat_owner_spent(n, want->to))
		return PKT_REASON_NAT_RATE;
	if (icmp && (want->mode == NAT_REDIRECT || want->mode == NAT_FORWARD))
		return PKT_REASON_CANNOT_NAT;
	if (wants_port(want) &&
	    pkt_addr_is_v4(&want->outside) != (p->l3 == PKT_L3_IP4))
		return PKT_REASON_CANNOT_NAT;
	if ((want->mode == NAT_REDIRECT || want->mode == NAT_FORWARD) &&
	    pkt_addr_is_v4(&want->target) != (p->l3 == PKT_L3_IP4))
		return PKT_REASON_CANNOT_NAT;
	if (p->kind == PKT_KIND_TCP &&
	    (p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN)
		return PKT_REASON_NOT_SYN;
	return nat_ttl(p) <= 1 ? PKT_REASON_TTL : PKT_REASON_NONE;
}

static enum nat_state first_state(const struct pkt *p)
{
	return p->kind == PKT_KIND_TCP	 ? NAT_TCP_SYN_SENT
	       : p->kind == PKT_KIND_UDP ? NAT_UDP_ONEWAY
					 : NAT_ICMP_QUERY;
}

/* All but the outside port.  False: no number left for an address. */
static bool draft_of(struct nat *n, const struct pkt *p, uint16_t owner,
		     const struct nat_want *want, struct nat_flow *f)
{
	struct pkt_addr dst = pkt_dst(p);
	bool icmp = p->kind == PKT_KIND_ICMP_QUERY;
	uint16_t dport =
		icmp ? nat_icmp_question(p->proto, p->icmp_type) : p->dport;
	unsigned how = p->l3 == PKT_L3_IP6 ? NAT_KEY_V6 : 0;
	unsigned answer = icmp ? how | NAT_KEY_ANSWER : how;
	uint16_t who0 = (uint16_t)nat_key_who(owner, p->proto, how);
	uint16_t who1 = (uint16_t)nat_key_who(want->to, p->proto, answer);

	*f = (struct nat_flow){
		.end = { { .real = pkt_src(p),
			   .port = p->sport,
			   .peer = dport,
			   .who = who0 },
			 { .real = dst,
			   .port = dport,
			   .peer = p->sport,
			   .who = who1 } },
		.gen = want->gen,
		.rule = want->rule,
		.proto = p->proto,
		.state = (uint8_t)first_state(p),
	};
	if (want->mode == NAT_REDIRECT || want->mode == NAT_FORWARD) {
		f->end[0].stand = nat_addrs_intern(&n->addrs, &dst);
		f->end[1].real = want->target;
		f->end[1].port = want->target_port;
		if (!f->end[0].stand)
			return false;
		/* Not to be taken for a free number below. */
		nat_addrs_ref(&n->addrs, f->end[0].stand);
	}
	if (wants_port(want)) {
		f->flags |= NAT_F_PORT;
		f->end[1].stand = nat_addrs_intern(&n->addrs, &want->outside);
	}
	if (f->end[0].stand)
		nat_addrs_unref(&n->addrs, f->end[0].stand);
	return !wants_port(want) || f->end[1].stand;
}

/* Is the flow that is there the one that is asked for? */
static bool alike(const struct nat_flow *f, const struct nat_flow *draft,
		  const struct nat_want *want)
{
	if (f->end[0].stand != draft->end[0].stand ||
	    f->end[1].stand != draft->end[1].stand ||
	    nat_flow_owner(f, 1) != nat_flow_owner(draft, 1) ||
	    f->end[1].port != draft->end[1].port)
		return false;
	if (!pkt_addr_eq(&f->end[1].real, &draft->end[1].real))
		return false;
	return !want->outside_port || !wants_port(want) ||
	       f->end[1].peer == want->outside_port;
}

/*
 * Takes @port for the outside port of @d, if there is one.  False: the answers
 * to such a flow would be those to another.
 */
static bool fits(struct nat *n, struct nat_draft *d, uint16_t port,
		 uint64_t now_ms)
{
	struct nat_key ask, k;

	d->f.end[1].peer = port;
	nat_key_of_flow(&k, &d->f, NAT_KEY_END1, n->addrs.addr);
	d->hash[NAT_KEY_END1] = nat_table_hash(&n->table, &k);
	if (nat_flow_by_key(n, &k, d->hash[NAT_KEY_END1], now_ms) != NAT_NONE)
		return false;
	nat_key_of_flow(&ask, &d->f, NAT_KEY_END0, n->addrs.addr);
	return !nat_key_eq(&ask, &k);
}

static bool may_share(const struct nat *n, const struct nat_flow *f)
{
	return f->proto == IP_TCP ||
	       (f->proto == IP_UDP && n->conf.overload_udp);
}

/* A port that this owner alone uses, for this endpoint alone; 0: none. */
static uint16_t fresh_port(struct nat *n, const struct nat_flow *f,
			   struct nat_space *s, uint64_t now_ms)
{
	const struct nat_owner *o = &n->owner[nat_flow_owner(f, 0)];
	uint16_t start = nat_port_start(&n->ports), own = f->end[0].port;

	if (!nat_limit_port(n, nat_flow_owner(f, 0), s))
		return nat_port_idle(&n->ports, s, start, o->lessee, now_ms);
	if (n->conf.preserve && nat_port_is_nobodys(s, own))
		return own;
	if (s->free_n)
		return nat_port_free(s, start);
	return nat_port_idle(&n->ports, s, start, o->lessee, now_ms);
}

/* A port that another endpoint of this owner uses towards others (RFC 7857). */
static bool share_port(struct nat *n, struct nat_draft *d, struct nat_space *s,
		       uint64_t now_ms)
{
	const struct nat_owner *o = &n->owner[nat_flow_owner(&d->f, 0)];
	struct nat_walk w = nat_port_walk(&n->ports, nat_port_start(&n->ports));

	if (!may_share(n, &d->f))
		return false;
	for (int i = 0; i < SHARED_TRIES; i++) {
		uint16_t port = nat_port_shared(&n->ports, s, &w, o->lessee);

		if (!port)
			return false;
		if (fits(n, d, port, now_ms))
			return true;
	}
	return false;
}

/* The flow whose outside port the endpoint has already, NAT_NONE. */
static uint32_t mapping_of(struct nat *n, struct nat_draft *d)
{
	struct nat_key k;

	nat_key_of_flow(&k, &d->f, NAT_KEY_MAP, n->addrs.addr);
	d->hash[NAT_KEY_MAP] = nat_table_hash(&n->table, &k);
	return nat_flow_of_endpoint(n, &k, d->hash[NAT_KEY_MAP]);
}

/*
 * R30: the endpoint's own outside port, if it has one already; else a new one,
 * which becomes its own.
 */
static bool choose_port(struct nat *n, struct nat_draft *d, struct nat_space *s,
			uint64_t now_ms)
{
	uint32_t map = mapping_of(n, d);
	uint16_t port;

	if (map == NAT_NONE) {
		d->f.flags |= NAT_F_MAP;
	} else if (fits(n, d, nat_flow_at(n, map)->end[1].peer, now_ms)) {
		d->sibling = map;
		return true;
	}
	for (int i = 0; i < EVICT_TRIES; i++) {
		port = fresh_port(n, &d->f, s, now_ms);
		if (port && fits(n, d, port, now_ms))
			return true;
		if (share_port(n, d, s, now_ms))
			return true;
		if (!port &&
		    !nat_limit_evict(n, nat_flow_owner(&d->f, 0), now_ms))
			return false;
	}
	return false;
}

/* The port that was asked for, or none. */
static bool given_port(struct nat *n, struct nat_draft *d,
		       const struct nat_space *s, uint16_t port,
		       uint64_t now_ms)
{
	uint32_t map = mapping_of(n, d);

	if (!fits(n, d, port, now_ms))
		return false;
	if (map == NAT_NONE)
		d->f.flags |= NAT_F_MAP;
	else if (nat_flow_at(n, map)->end[1].peer == port)
		d->sibling = map;
	return nat_port_may_take(&n->ports, s, port,
				 n->owner[nat_flow_owner(&d->f, 0)].lessee,
				 now_ms);
}

static enum pkt_reason settle_port(struct nat *n, struct nat_draft *d,
				   const struct nat_want *want, uint64_t now_ms)
{
	struct nat_space *s = nat_space_get(n, d->f.end[1].stand);

	if (!s)
		return PKT_REASON_NAT_PORTS;
	if (!want->outside_port)
		return choose_port(n, d, s, now_ms) ? PKT_REASON_NONE
						    : PKT_REASON_NAT_PORTS;
	return given_port(n, d, s, want->outside_port, now_ms)
		       ? PKT_REASON_NONE
		       : PKT_REASON_OVERLAP;
}

static enum pkt_verdict refuse(struct nat *n, struct pkt *p, uint16_t owner,
			       enum pkt_reason why)
{
	if (owner < n->conf.owners)
		n->owner[owner].refused++;
	return pkt_drop(p, why);
}

enum pkt_verdict nat_add(struct nat *n, struct pkt *p, uint16_t owner,
			 const struct nat_want *want, struct nat_hit *hit,
			 struct mono now)
{
	enum pkt_reason why = admissible(n, p, owner, want);
	struct nat_draft d = { .sibling = NAT_NONE };
	struct nat_key k;
	uint32_t ref, i;

	n->last_ms = nat_ms(now);
	*hit = (struct nat_hit){ 0 };
	if (why != PKT_REASON_NONE)
		return refuse(n, p, owner, why);
	if (!draft_of(n, p, owner, want, &d.f))
		return refuse(n, p, owner, PKT_REASON_NAT_FULL);
	nat_key_of_packet(&k, p, owner);
	d.hash[NAT_KEY_END0] = nat_table_hash(&n->table, &k);
	ref = nat_flow_by_key(n, &k, d.hash[NAT_KEY_END0], nat_ms(now));
	if (ref != NAT_NONE) {
		if (NAT_REF_KIND(ref) != NAT_KEY_END0 ||
		    !alike(nat_flow_at(n, NAT_REF_FLOW(ref)), &d.f, want))
			return refuse(n, p, owner, PKT_REASON_OVERLAP);
		return nat_find(n, p, owner, hit, now);
	}
	why = nat_limit_flow(n, owner, nat_class_of(d.f.state), now);
	if (why == PKT_REASON_NONE && wants_port(want))
		why = settle_port(n, &d, want, nat_ms(now));
	else if (why == PKT_REASON_NONE && !fits(n, &d, p->sport, nat_ms(now)))
		why = PKT_REASON_OVERLAP;
	if (why != PKT_REASON_NONE)
		return refuse(n, p, owner, why);
	i = nat_flow_make(n, &d, nat_ms(now));
	if (i == NAT_NONE)
		return refuse(n, p, owner, PKT_REASON_NAT_FULL);
	if (p->kind == PKT_KIND_TCP)
		nat_tcp_open(nat_flow_at(n, i), nat_track_at(n, i), p);
	nat_limit_charge(&n->owner[owner], now);
	*hit = (struct nat_hit){ .flow = i,
				 .state = d.f.state,
				 .from = owner,
				 .to = want->to,
				 .gen = want->gen,
				 .rule = want->rule };
	return PKT_FORWARD;
}
