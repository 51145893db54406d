/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/nat_limit.h"

#include "nat/nat_age.h"
#include "nat/nat_life.h"

/* Records looked at for dead ones before somebody is refused. */
#define LAST_LOOK 256u

/* Something that owners share. */
struct stock {
	uint32_t whole, free;
	uint32_t unclaimed; /* what they miss of their claims */
};

/* Would one more be beyond @limit, or what 0 stands for? */
static bool over(const struct stock *s, uint32_t has, uint32_t limit,
		 uint32_t claim)
{
	if (limit)
		return has >= limit;
	return has >= claim &&
	       (s->free <= s->unclaimed || s->free <= s->whole / 4);
}

static uint32_t ports_of_all(const struct nat *n)
{
	return (uint32_t)n->ports.hi - n->ports.lo + 1;
}

/* The uplink has half a share: the other half is lent, or a newcomer's. */
static uint32_t claim_of(const struct nat *n, uint16_t owner, uint32_t limit,
			 uint32_t whole)
{
	uint32_t share = whole / (n->live_n + 1);

	if (owner == NAT_UPLINK)
		share /= 2;
	return limit && limit < share ? limit : share;
}

static uint32_t missing(const struct nat_owner *o)
{
	return o->claim > o->flows ? o->claim - o->flows : 0;
}

static void claim_flows(struct nat *n, struct nat_owner *o, uint32_t claim)
{
	n->unclaimed -= missing(o);
	o->claim = claim;
	n->unclaimed += missing(o);
}

void nat_limit_share(struct nat *n)
{
	uint32_t ports = ports_of_all(n);

	for (uint16_t i = 0; i < n->conf.owners; i++) {
		struct nat_owner *o = &n->owner[i];

		if (o->life != NAT_LIVE && o->life != NAT_KEPT) {
			claim_flows(n, o, 0);
			continue;
		}
		claim_flows(n, o, claim_of(n, i, o->quota.flows, n->table.cap));
		nat_ports_claim(&n->ports, o->lessee,
				(uint16_t)claim_of(n, i, o->quota.ports,
						   ports));
	}
}

void nat_limit_set(struct nat *n, struct nat_owner *o,
		   const struct nat_quota *q)
{
	uint32_t limit = q->flows ? q->flows : n->conf.flows;

	o->quota = *q;
	o->soft = (uint32_t)((uint64_t)limit * 6 / 10);
	if (!o->soft)
		o->soft = 1;
}

static uint64_t period_ns(const struct nat_owner *o)
{
	return o->quota.new_per_s ? MONO_S / o->quota.new_per_s : 0;
}

/*
 * A bucket kept as the time at which it will be full: each flow moves that one
 * period on, and it is empty when it is a burst away.
 */
static bool too_fast(const struct nat_owner *o, struct mono now)
{
	uint64_t burst = period_ns(o) * o->quota.new_burst;

	return o->next_ns > now.ns &&
	       o->next_ns - now.ns + period_ns(o) > burst;
}

void nat_limit_charge(struct nat_owner *o, struct mono now)
{
	if (o->next_ns < now.ns)
		o->next_ns = now.ns;
	o->next_ns += period_ns(o);
}

static bool evict_from(struct nat *n, uint16_t owner, enum nat_class class,
		       uint64_t now_ms)
{
	uint32_t i = nat_age_oldest(n, owner, class);

	if (i == NAT_NONE)
		return false;
	nat_flow_evict(n, i, now_ms);
	return true;
}

bool nat_limit_evict(struct nat *n, uint16_t owner, uint64_t now_ms)
{
	for (int c = 0; c < NAT_CLASS_EST; c++)
		if (evict_from(n, owner, (enum nat_class)c, now_ms))
			return true;
	return false;
}

static uint32_t class_limit(const struct nat_quota *q, enum nat_class class)
{
	switch (class) {
	case NAT_CLASS_HALF:
		return q->half_open;
	case NAT_CLASS_ONEWAY:
		return q->udp_oneway;
	case NAT_CLASS_ICMP:
		return q->icmp;
	case NAT_CLASS_CLOSED:
	case NAT_CLASS_EST:
	case NAT_CLASS_N:
		break;
	}
	return 0;
}

enum pkt_reason nat_limit_flow(struct nat *n, uint16_t owner,
			       enum nat_class class, struct mono now)
{
	struct nat_owner *o = &n->owner[owner];
	struct nat_table *t = &n->table;
	uint64_t now_ms = nat_ms(now);
	uint32_t limit = class_limit(&o->quota, class);
	struct stock flows;

	if (too_fast(o, now))
		return PKT_REASON_NAT_RATE;
	if (limit && o->list[class].n >= limit)
		evict_from(n, owner, class, now_ms);
	flows = (struct stock){ t->cap, t->cap - t->used, n->unclaimed };
	if (over(&flows, o->flows, o->quota.flows, o->claim) &&
	    !nat_limit_evict(n, owner, now_ms))
		return PKT_REASON_NAT_QUOTA;
	if (t->used == t->cap)
		nat_age_sweep(n, LAST_LOOK, now_ms);
	if (t->used == t->cap && !nat_limit_evict(n, owner, now_ms))
		return PKT_REASON_NAT_FULL;
	return PKT_REASON_NONE;
}

bool nat_limit_port(const struct nat *n, uint16_t owner,
		    const struct nat_space *s)
{
	const struct nat_owner *o = &n->owner[owner];
	struct stock ports = { ports_of_all(n), s->free_n, s->unclaimed };

	return !over(&ports, s->held[o->lessee], o->quota.ports,
		     n->ports.claim[o->lessee]);
}
