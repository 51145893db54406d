/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_NAT_NAT_AGE_H
#define VIFWALL_NAT_NAT_AGE_H

#include "nat/nat_core.h"

/*
 * States, deadlines and the lists of an owner's flows by class.  A packet costs
 * one store, the deadline; lists are touched when the class changes only.
 */
enum nat_class nat_class_of(enum nat_state s);

/* A live record joins, or leaves, the list of its payer and class. */
void nat_age_join(struct nat *n, uint32_t i);
void nat_age_part(struct nat *n, uint32_t i);

/* Moves flow @i on to @state. */
void nat_age_state(struct nat *n, uint32_t i, enum nat_state state);

/* The time-out of @f's state when its payer is near its limit (R137). */
uint32_t nat_age_shrunk(const struct nat *n, const struct nat_flow *f);

/* Its payer is not near its limit: the state's whole time-out holds. */
static inline bool nat_age_at_ease(const struct nat *n,
				   const struct nat_flow *f)
{
	const struct nat_owner *o = &n->owner[nat_flow_owner(f, 0)];

	return o->flows <= o->soft;
}

/* Sets the deadline of its state, from now on: while its payer is at ease. */
static inline void nat_age_routine(const struct nat *n, struct nat_flow *f,
				   uint64_t now_ms)
{
	f->expires = (uint32_t)now_ms + n->timeout_ms[f->state];
}

/* The same at any time. */
static inline void nat_age_touch(const struct nat *n, struct nat_flow *f,
				 uint64_t now_ms)
{
	if (nat_age_at_ease(n, f))
		nat_age_routine(n, f, now_ms);
	else
		f->expires = (uint32_t)now_ms + nat_age_shrunk(n, f);
}

/* The oldest flow of @owner in @class, NAT_NONE. */
uint32_t nat_age_oldest(const struct nat *n, uint16_t owner,
			enum nat_class class);

/* Sweeps records, each at most once; @budget and result as of nat_expire(). */
bool nat_age_sweep(struct nat *n, uint32_t budget, uint64_t now_ms);

#endif
