/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_NAT_NAT_CORE_H
#define VIFWALL_NAT_NAT_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "nat/nat.h"
#include "nat/nat_addr.h"
#include "nat/nat_flow.h"
#include "nat/nat_ports.h"
#include "nat/nat_table.h"
#include "packet/pkt_hot.h"

/*
 * What the files of nat/ share and nobody else sees: the state of the whole.
 *
 * How a flow stops matching before it is freed: each owner has an epoch and
 * each of our addresses a life.  A flow keeps the epochs of its owners and the
 * numbers of its stand-ins; when an owner is forgotten or an address goes, the
 * epoch moves on or the address dies, and nothing that was made before matches
 * any more.  The records are freed later, in slices.  When the sweep has gone
 * round once from the beginning there is none left to be told apart, and
 * look-ups do not ask.
 */
enum nat_life {
	NAT_ABSENT,
	NAT_LIVE,
	NAT_KEPT, /* of nat_adopt(): has flows, was not added again yet */
	NAT_GOING,
};

/* The lap that is under way, and a whole one. */
#define NAT_STALE_LAPS 2u

struct nat_list {
	uint32_t head, tail, n; /* oldest first */
};

struct nat_owner {
	struct nat_list list[NAT_CLASS_N]; /* flows that it pays for */
	struct nat_quota quota;
	uint32_t refs; /* flows that name it, at either end */
	uint32_t flows, tcp, udp, icmp;
	uint32_t claim;	  /* flows it may have whatever the others do */
	uint32_t soft;	  /* flows from which on time-outs shrink (R137) */
	uint32_t round;	  /* of the sweep, at the last bump */
	uint64_t next_ns; /* rate: when the bucket would be full again */
	uint64_t added, refused, evicted, expired;
	uint16_t lessee;
	uint8_t life;  /* enum nat_life */
	uint8_t bumps; /* epochs that may still have records */
	bool drain;    /* its lists start with dead flows */
};

struct nat {
	struct nat_conf conf;
	struct nat_table table;
	struct nat_addrs addrs;
	struct nat_ports ports;
	struct nat_owner *owner; /* by number, conf.owners of them */
	uint8_t *epoch;		 /* by owner */
	uint32_t timeout_ms[NAT_STATE_N];
	uint32_t live_n;       /* owners alive, without the uplink */
	uint32_t drain_n;      /* owners with .drain */
	uint32_t unclaimed;    /* flows that owners miss of their claims */
	uint32_t hand;	       /* next record of the sweep */
	uint32_t rounds;       /* sweeps begun */
	uint32_t stale_laps;   /* ... to begin until no flow can be stale */
	uint64_t last_ms;      /* of the last call that told the time */
	struct nat_usage past; /* counts of owners that are gone */
};

static inline uint64_t nat_ms(struct mono now)
{
	return now.ns / MONO_MS;
}

static inline struct nat_flow *nat_flow_at(const struct nat *n, uint32_t i)
{
	return &n->table.flow[i];
}

static inline struct nat_track *nat_track_at(const struct nat *n, uint32_t i)
{
	return &n->table.track[i];
}

/* Made in an earlier life of an owner or address. */
static inline bool nat_flow_outlived(const struct nat *n,
				     const struct nat_flow *f)
{
	const struct nat_end *a = &f->end[0], *b = &f->end[1];

	return a->epoch != n->epoch[nat_flow_owner(f, 0)] ||
	       b->epoch != n->epoch[nat_flow_owner(f, 1)] ||
	       !n->addrs.live[a->stand] || !n->addrs.live[b->stand];
}

/* The same, as long as there may be any. */
static inline bool nat_flow_stale(const struct nat *n, const struct nat_flow *f)
{
	return n->stale_laps && nat_flow_outlived(n, f);
}

/* A flow that began in the last epoch could not be told from its first. */
static inline bool nat_owner_spent(const struct nat *n, uint16_t owner)
{
	const struct nat_owner *o = &n->owner[owner];

	return o->bumps == UINT8_MAX && n->rounds - o->round < NAT_STALE_LAPS;
}

static inline bool nat_flow_late(const struct nat_flow *f, uint32_t now_ms)
{
	return (int32_t)(f->expires - now_ms) <= 0;
}

/* Stale, or over time: matches nothing any more. */
static inline bool nat_flow_dead(const struct nat *n, const struct nat_flow *f,
				 uint32_t now_ms)
{
	return nat_flow_late(f, now_ms) || nat_flow_stale(n, f);
}

/*
 * nat.c: cuts @mem into the pieces of *@out and fills in what follows from @c
 * alone.  The rest is zero, or with @keep what stood there.
 */
int VW_MUST_USE nat_lay_out(struct nat **out, void *mem, size_t len,
			    const struct nat_conf *c, bool keep);
/* ... and begins with no owner but the uplink, and with all counts at 0. */
void nat_start(struct nat *n);

/* nat_translate.c: moves the flow of @p, which end @e sent, on by one packet.
 */
void nat_advance(struct nat *n, const struct pkt *p, uint32_t i, unsigned e,
		 struct mono now);

#endif
