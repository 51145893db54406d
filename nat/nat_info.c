/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others may know about flows: for rules, for people, for counters. */
#include "nat/nat_core.h"
#include "nat/nat_life.h"

void nat_hit_tuple(const struct nat *n, const struct nat_hit *hit,
		   struct nat_tuple *out)
{
	const struct nat_flow *f = nat_flow_at(n, hit->flow);

	*out = (struct nat_tuple){
		.src = f->end[0].real,
		.dst = f->end[0].stand ? n->addrs.addr[f->end[0].stand]
				       : f->end[1].real,
		.sport = f->end[0].port,
		.dport = f->end[0].peer,
		.proto = f->proto,
	};
	if (f->state == NAT_ICMP_QUERY) {
		out->icmp_type = (uint8_t)f->end[1].port;
		out->dport = out->sport;
	}
}

void nat_hit_target(const struct nat *n, const struct nat_hit *hit,
		    struct pkt_addr *addr, uint16_t *port)
{
	const struct nat_flow *f = nat_flow_at(n, hit->flow);

	*addr = f->end[1].real;
	*port = f->end[1].port;
}

void nat_hit_admit(struct nat *n, const struct nat_hit *hit, uint16_t gen,
		   uint16_t rule)
{
	struct nat_flow *f = nat_flow_at(n, hit->flow);

	f->gen = gen;
	f->rule = rule;
}

void nat_hit_end(struct nat *n, const struct nat_hit *hit)
{
	nat_flow_free(n, hit->flow, n->last_ms);
}

static void describe(const struct nat *n, const struct nat_flow *f,
		     struct nat_info *out, uint32_t now_ms)
{
	*out = (struct nat_info){ .gen = f->gen,
				  .rule = f->rule,
				  .proto = f->proto,
				  .state = f->state,
				  .expires_ms = f->expires - now_ms };
	for (unsigned e = 0; e < 2; e++) {
		out->real[e] = f->end[e].real;
		out->real_port[e] = f->end[e].port;
		out->owner[e] = nat_flow_owner(f, e);
		if (!f->end[e].stand)
			continue;
		out->stand[e] = n->addrs.addr[f->end[e].stand];
		out->stand_port[e] = f->end[e].peer;
	}
}

uint32_t nat_each(const struct nat *n, uint32_t *cursor, struct nat_info *out,
		  uint32_t max, struct mono now)
{
	uint32_t now_ms = (uint32_t)nat_ms(now), got = 0, i = *cursor;

	for (uint32_t left = NAT_EACH_LOOK;
	     left && i < n->table.top && got < max; left--, i++) {
		const struct nat_flow *f = nat_flow_at(n, i);

		if (f->state != NAT_FREE && !nat_flow_dead(n, f, now_ms))
			describe(n, f, &out[got++], now_ms);
	}
	*cursor = i >= n->table.top && got < max ? 0 : i;
	return got;
}

static void add_usage(struct nat_usage *u, const struct nat_owner *o)
{
	u->flows += o->flows;
	u->tcp += o->tcp;
	u->udp += o->udp;
	u->icmp += o->icmp;
	u->half_open += o->list[NAT_CLASS_HALF].n;
	u->udp_oneway += o->list[NAT_CLASS_ONEWAY].n;
	u->added += o->added;
	u->refused += o->refused;
	u->evicted += o->evicted;
	u->expired += o->expired;
}

void nat_usage(const struct nat *n, uint16_t owner, struct nat_usage *out)
{
	*out = (struct nat_usage){ 0 };
	if (owner < n->conf.owners) {
		add_usage(out, &n->owner[owner]);
	} else if (owner == UINT16_MAX) {
		*out = n->past;
		for (uint16_t o = 0; o < n->conf.owners; o++)
			add_usage(out, &n->owner[o]);
	}
	out->capacity = n->table.cap;
}
