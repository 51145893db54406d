/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of every packet: which flow, may it pass, rewrite.  Finding changes
 * nothing, so that the caller can ask the rules in between.
 */
#include "nat/nat_age.h"
#include "nat/nat_core.h"
#include "nat/nat_icmp.h"
#include "nat/nat_rewrite.h"
#include "nat/nat_tcp.h"

#define DNS_PORT 53

static void warm_flow(const struct nat *n, uint32_t ref, uint8_t kind)
{
	__builtin_prefetch(nat_flow_at(n, NAT_REF_FLOW(ref)), 1);
	if (kind == PKT_KIND_TCP)
		__builtin_prefetch(nat_track_at(n, NAT_REF_FLOW(ref)), 1);
}

void nat_prefetch(const struct nat *n, struct pkt *const *p,
		  struct nat_hit *hit, const uint16_t *owner, uint32_t count)
{
	const struct pkt_hash_key secret = n->table.key;
	bool missed = false;

	for (uint32_t i = 0; i < count; i++) {
		hit[i].hashed =
			p[i] && nat_key_of_packet(&hit[i].key, p[i], owner[i]);
		if (!hit[i].hashed)
			continue;
		hit[i].hash = nat_key_hash(&secret, &hit[i].key);
		nat_table_warm(&n->table, hit[i].hash);
	}
	for (uint32_t i = 0; i < count; i++) {
		if (!hit[i].hashed)
			continue;
		hit[i].guess = nat_table_guess(&n->table, hit[i].hash);
		if (hit[i].guess != NAT_NONE)
			warm_flow(n, hit[i].guess, p[i]->kind);
		else
			missed = true;
	}
	for (uint32_t i = 0; missed && i < count; i++) {
		if (!hit[i].hashed || hit[i].guess != NAT_NONE)
			continue;
		hit[i].guess = nat_table_guess_again(&n->table, hit[i].hash);
		if (hit[i].guess != NAT_NONE)
			warm_flow(n, hit[i].guess, p[i]->kind);
	}
}

static inline void found(const struct nat *n, struct nat_hit *hit, uint32_t i,
			 unsigned e)
{
	const struct nat_flow *f = nat_flow_at(n, i);

	hit->flow = i;
	hit->end = (uint8_t)e;
	hit->state = f->state;
	hit->from = nat_flow_owner(f, e);
	hit->to = nat_flow_owner(f, !e);
	hit->gen = f->gen;
	hit->rule = f->rule;
}

static PKT_RARE enum pkt_verdict find_error(const struct nat *n, struct pkt *p,
					    uint16_t owner, struct nat_hit *hit,
					    uint32_t now_ms)
{
	enum pkt_reason why;
	unsigned e;
	uint32_t i = nat_icmp_find(n, p, owner, &e, &why, now_ms);

	if (i == NAT_NONE)
		return pkt_drop(p, why);
	if (nat_ttl(p) <= 1)
		return pkt_drop(p, PKT_REASON_TTL);
	hit->quoted = true;
	hit->quiet = true;
	found(n, hit, i, e);
	return PKT_FORWARD;
}

/* The place of a packet that was not prefetched, or not guessed right. */
static uint32_t look_up(const struct nat *n, struct pkt *p, uint16_t owner,
			struct nat_hit *hit)
{
	uint32_t ref;

	if (!hit->hashed) {
		if (!nat_key_of_packet(&hit->key, p, owner)) {
			p->reason = PKT_REASON_CANNOT_NAT;
			return NAT_NONE;
		}
		hit->hash = nat_table_hash(&n->table, &hit->key);
		hit->hashed = true;
	}
	ref = nat_table_find(&n->table, &hit->key, hit->hash);
	if (ref == NAT_NONE)
		p->reason = PKT_REASON_NO_FLOW;
	return ref;
}

static PKT_APART enum pkt_verdict check_tcp(const struct nat *n, struct pkt *p,
					    struct nat_hit *hit)
{
	enum pkt_reason why = nat_tcp_check(nat_flow_at(n, hit->flow),
					    nat_track_at(n, hit->flow),
					    hit->end, p, &hit->quiet);

	return why == PKT_REASON_NONE ? PKT_FORWARD : pkt_drop(p, why);
}

/* A packet of flow @i, which is not stale, from its end @e: may it pass? */
static inline enum pkt_verdict pass(const struct nat *n, struct pkt *p,
				    struct nat_hit *hit, uint32_t i, unsigned e,
				    uint32_t now_ms)
{
	if (nat_flow_late(nat_flow_at(n, i), now_ms))
		return pkt_drop(p, PKT_REASON_NO_FLOW);
	if (nat_ttl(p) <= 1)
		return pkt_drop(p, PKT_REASON_TTL);
	found(n, hit, i, e);
	return p->kind == PKT_KIND_TCP ? check_tcp(n, p, hit) : PKT_FORWARD;
}

static PKT_APART enum pkt_verdict find_any(const struct nat *n, struct pkt *p,
					   uint16_t owner, struct nat_hit *hit,
					   uint32_t now_ms)
{
	uint32_t ref = hit->guess, i;

	if (p->kind == PKT_KIND_ICMP_ERROR)
		return find_error(n, p, owner, hit, now_ms);
	if (!hit->hashed || !nat_table_is(&n->table, ref, &hit->key)) {
		ref = look_up(n, p, owner, hit);
		if (ref == NAT_NONE)
			return PKT_DROP;
	}
	i = NAT_REF_FLOW(ref);
	if (nat_flow_stale(n, nat_flow_at(n, i)))
		return pkt_drop(p, PKT_REASON_NO_FLOW);
	return pass(n, p, hit, i, ref & 1, now_ms); /* a mapping is end 0's */
}

enum pkt_verdict nat_find(const struct nat *n, struct pkt *p, uint16_t owner,
			  struct nat_hit *hit, struct mono now)
{
	uint32_t now_ms = (uint32_t)nat_ms(now), ref = hit->guess;

	hit->quoted = hit->quiet = false;
	/* IPv4, and guessed right: in place, as find_any() would. */
	if (hit->hashed && !n->stale_laps &&
	    nat_table_is4(&n->table, ref, &hit->key))
		return pass(n, p, hit, NAT_REF_FLOW(ref), ref & 1, now_ms);
	return find_any(n, p, owner, hit, now_ms);
}

/* The first answer to a datagram. */
static PKT_RARE void answered(struct nat *n, uint32_t i)
{
	const struct nat_flow *f = nat_flow_at(n, i);
	uint16_t asked = f->end[0].peer;

	nat_age_state(n, i,
		      asked == DNS_PORT ? NAT_UDP_DNS_DONE : NAT_UDP_BOTH);
}

/* False: what follows the end may pass, but is no new life (R58). */
static inline bool advance_tcp(struct nat *n, const struct pkt *p, uint32_t i,
			       unsigned e)
{
	struct nat_flow *f = nat_flow_at(n, i);
	enum nat_state was = f->state;
	enum nat_state is = nat_tcp_advance(f, nat_track_at(n, i), e, p);

	if (is == was && (is == NAT_TCP_TIME_WAIT || is == NAT_TCP_CLOSED))
		return false;
	if (is != f->state)
		nat_age_state(n, i, is);
	return true;
}

PKT_APART void nat_advance(struct nat *n, const struct pkt *p, uint32_t i,
			   unsigned e, struct mono now)
{
	struct nat_flow *f = nat_flow_at(n, i);

	if (p->kind == PKT_KIND_TCP) {
		if (!advance_tcp(n, p, i, e))
			return;
	} else if (e && f->state == NAT_UDP_ONEWAY) {
		answered(n, i);
	}
	nat_age_touch(n, f, nat_ms(now));
}

/* A packet after which the flow is what it was before, only later. */
static inline bool is_routine(const struct nat *n, const struct pkt *p,
			      const struct nat_flow *f)
{
	return p->kind != PKT_KIND_TCP && f->state != NAT_UDP_ONEWAY &&
	       nat_age_at_ease(n, f);
}

static PKT_APART void apply_any(struct nat *n, struct pkt *p,
				const struct nat_hit *hit, struct mono now)
{
	const struct nat_flow *f = nat_flow_at(n, hit->flow);

	if (hit->quoted) {
		nat_icmp_rewrite(n, p, f, hit->end);
		return;
	}
	if (!hit->quiet)
		nat_advance(n, p, hit->flow, hit->end, now);
	nat_rewrite(p, f, hit->end, n->addrs.addr);
}

void nat_apply(struct nat *n, struct pkt *p, const struct nat_hit *hit,
	       struct mono now)
{
	struct nat_flow *f = nat_flow_at(n, hit->flow);

	if (hit->quoted || !is_routine(n, p, f)) {
		apply_any(n, p, hit, now);
		return;
	}
	nat_age_routine(n, f, nat_ms(now));
	nat_rewrite(p, f, hit->end, n->addrs.addr);
}

enum pkt_verdict nat_translate(struct nat *n, struct pkt *p, uint16_t owner,
			       struct mono now)
{
	struct nat_hit hit = { 0 };

	if (nat_find(n, p, owner, &hit, now) != PKT_FORWARD)
		return PKT_DROP;
	nat_apply(n, p, &hit, now);
	return PKT_FORWARD;
}
