/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/nat_age.h"

#include "nat/nat_life.h"

#define LOOK 1u
#define FREE 8u
/* The port sweep reads two bytes where the other reads a cache line. */
#define PORTS_PER_LOOK 8u

#define ONEWAY_MIN_MS 30000u /* R137 */
#define EST_MIN_MS 7440000u

enum nat_class nat_class_of(enum nat_state s)
{
	switch (s) {
	case NAT_TCP_SYN_SENT:
	case NAT_TCP_SYN_BOTH:
	case NAT_TCP_SYN_RECV:
		return NAT_CLASS_HALF;
	case NAT_UDP_ONEWAY:
		return NAT_CLASS_ONEWAY;
	case NAT_ICMP_QUERY:
		return NAT_CLASS_ICMP;
	case NAT_TCP_EST:
	case NAT_TCP_FIN_0:
	case NAT_TCP_FIN_1:
	case NAT_UDP_BOTH:
		return NAT_CLASS_EST;
	case NAT_FREE:
	case NAT_TCP_FIN_BOTH:
	case NAT_TCP_TIME_WAIT:
	case NAT_TCP_CLOSED:
	case NAT_UDP_DNS_DONE:
	case NAT_STATE_N:
		break;
	}
	return NAT_CLASS_CLOSED;
}

static struct nat_list *list_of(const struct nat *n, const struct nat_flow *f)
{
	return &n->owner[nat_flow_owner(f, 0)].list[nat_class_of(f->state)];
}

void nat_age_join(struct nat *n, uint32_t i)
{
	struct nat_list *l = list_of(n, nat_flow_at(n, i));
	struct nat_track *tr = nat_track_at(n, i);

	tr->next = NAT_NONE;
	tr->prev = l->n ? l->tail : NAT_NONE;
	if (l->n)
		nat_track_at(n, l->tail)->next = i;
	else
		l->head = i;
	l->tail = i;
	l->n++;
}

void nat_age_part(struct nat *n, uint32_t i)
{
	struct nat_list *l = list_of(n, nat_flow_at(n, i));
	struct nat_track *tr = nat_track_at(n, i);

	if (tr->prev != NAT_NONE)
		nat_track_at(n, tr->prev)->next = tr->next;
	else
		l->head = tr->next;
	if (tr->next != NAT_NONE)
		nat_track_at(n, tr->next)->prev = tr->prev;
	else
		l->tail = tr->prev;
	l->n--;
}

void nat_age_state(struct nat *n, uint32_t i, enum nat_state state)
{
	struct nat_flow *f = nat_flow_at(n, i);

	if (nat_class_of(state) == nat_class_of(f->state)) {
		f->state = (uint8_t)state;
		return;
	}
	nat_age_part(n, i);
	f->state = (uint8_t)state;
	nat_age_join(n, i);
}

/*
 * R137: from 60 % of its limit on, an owner's unanswered flows live shorter,
 * down to nothing at 120 %, but never below a floor; established ones too.
 */
uint32_t nat_age_shrunk(const struct nat *n, const struct nat_flow *f)
{
	const struct nat_owner *o = &n->owner[nat_flow_owner(f, 0)];
	enum nat_class class = nat_class_of(f->state);
	uint32_t least = class == NAT_CLASS_EST ? EST_MIN_MS : ONEWAY_MIN_MS;
	uint32_t ms = n->timeout_ms[f->state], end = o->soft * 2;
	uint64_t scaled = 0;

	if (class == NAT_CLASS_CLOSED || ms <= least)
		return ms;
	if (o->flows < end)
		scaled = (uint64_t)ms * (end - o->flows) / o->soft;
	return scaled > least ? (uint32_t)scaled : least;
}

uint32_t nat_age_oldest(const struct nat *n, uint16_t owner,
			enum nat_class class)
{
	const struct nat_list *l = &n->owner[owner].list[class];

	return l->n ? l->head : NAT_NONE;
}

bool nat_age_sweep(struct nat *n, uint32_t budget, uint64_t now_ms)
{
	int64_t work = budget;
	bool freed = false;

	if (!n->table.top)
		n->stale_laps = 0;
	for (uint32_t left = n->table.top; left && work > 0; left--) {
		const struct nat_flow *f;

		if (n->hand >= n->table.top) {
			n->hand = 0;
			n->rounds++;
			if (n->stale_laps)
				n->stale_laps--;
		}
		f = nat_flow_at(n, n->hand);
		work -= LOOK;
		if (f->state != NAT_FREE &&
		    nat_flow_dead(n, f, (uint32_t)now_ms)) {
			nat_flow_expire(n, n->hand, now_ms);
			work -= FREE;
			freed = true;
		}
		n->hand++;
	}
	return freed || n->stale_laps;
}

/*
 * New flows join at the end of a list, so those that died with an owner's epoch
 * stand together at its beginning.
 */
static uint32_t drain(struct nat *n, uint16_t owner, uint32_t budget,
		      uint64_t now_ms)
{
	struct nat_owner *o = &n->owner[owner];
	int64_t work = budget;

	for (int c = 0; c < NAT_CLASS_N; c++) {
		while (o->list[c].n) {
			uint32_t i = o->list[c].head;

			if (nat_flow_at(n, i)->end[0].epoch == n->epoch[owner])
				break;
			if (work <= 0)
				return 0;
			nat_flow_free(n, i, now_ms);
			work -= LOOK + FREE;
		}
	}
	o->drain = false;
	n->drain_n--;
	return work > 0 ? (uint32_t)work : 0;
}

bool nat_expire(struct nat *n, uint32_t budget, struct mono now)
{
	uint64_t now_ms = nat_ms(now);
	uint32_t left = budget;
	bool freed = n->drain_n;

	n->last_ms = now_ms;
	for (uint16_t o = 0; n->drain_n && o < n->conf.owners; o++)
		if (n->owner[o].drain)
			left = drain(n, o, left, now_ms);
	freed |= nat_age_sweep(n, left, now_ms);
	nat_ports_sweep(&n->ports, budget * PORTS_PER_LOOK, now_ms);
	return freed;
}
