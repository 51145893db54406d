/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports on rings.  The XenStore's side (control/vif/vif.h) asks for one and
 * waits for the answer, asks to let go of it and waits for that; data may break
 * one by itself.  Whatever crosses on the way, each question has one answer,
 * unless the data process went, which makes them all void.
 */
#include "firewall/control/apply/apply_part.h"

static void add(struct apply *a, uint16_t n, bool resume)
{
	struct apply_slot *s = &a->slot[n];

	vw_assert(s->ring.is);
	s->ring.wanted = true;
	if (!resume || !s->ring.since)
		s->ring.since = ++a->comings;
	s->ring.owes = APPLY_OWES_UP;
	s->port_err = 0;
	apply_mark(a, n, APPLY_PORT | APPLY_CLIENT);
	apply_clashes(a);
}

/* Whoever waits for its address may have it. */
static void not_wanted(struct apply *a, uint16_t n)
{
	struct apply_ring *r = &a->slot[n].ring;

	r->wanted = r->live = false;
	r->since = 0;
	apply_mark(a, n, APPLY_CLIENT);
	apply_clashes(a);
}

void apply_ring_vif(struct apply *a, uint16_t n, const struct msg_vif *m)
{
	struct apply_ring *r = &a->slot[n].ring;

	r->front = false;
	r->add.vif = *m;
	r->add.vif.id = n;
	add(a, n, m->resume);
}

void apply_ring_front(struct apply *a, const struct msg_front *m)
{
	struct apply_ring *r = &a->slot[0].ring;

	r->front = true;
	r->add.front = *m;
	r->add.front.id = 0;
	add(a, 0, false);
}

static void down(struct apply *a, uint16_t n)
{
	a->slot[n].ring.owes = APPLY_OWES_NOTHING;
	if (a->ops->ring_down)
		a->ops->ring_down(a->ops->ctx, n);
}

void apply_ring_drop(struct apply *a, uint16_t n)
{
	struct apply_slot *s = &a->slot[n];

	s->todo &= (uint8_t)~APPLY_PORT;
	s->ring.owes = APPLY_OWES_DOWN;
	not_wanted(a, n);
	if (a->sock < 0 || !s->port_sent)
		down(a, n);
	else
		apply_mark(a, n, APPLY_PORT_DEL);
}

void apply_ring_limits(struct apply *a, uint16_t n, const struct msg_vif *m)
{
	struct apply_ring *r = &a->slot[n].ring;

	if (!r->wanted || r->front)
		return;
	r->add.vif.mtu = m->mtu;
	r->add.vif.rate_bytes = m->rate_bytes;
	r->add.vif.rate_us = m->rate_us;
	apply_mark(a, n, APPLY_LIMITS);
}

void apply_ring_answer(struct apply *a, uint16_t n, int err)
{
	struct apply_slot *s = &a->slot[n];
	bool asked = s->ring.owes == APPLY_OWES_UP;

	s->port_told = !err && s->ring.wanted;
	if (err) {
		s->port_sent = false;
		s->port_err = err;
		not_wanted(a, n);
	}
	if (!asked)
		return;
	s->ring.owes = APPLY_OWES_NOTHING;
	if (a->ops->ring_up)
		a->ops->ring_up(a->ops->ctx, n, -err, &s->ring.keys);
}

void apply_ring_deleted(struct apply *a, uint16_t n)
{
	if (a->slot[n].ring.owes == APPLY_OWES_DOWN)
		down(a, n);
}

/* An answer that is due still comes: it was sent, or will be. */
void apply_ring_failed(struct apply *a, uint16_t n, int err)
{
	struct apply_slot *s = &a->slot[n];

	s->port_sent = s->port_told = false;
	s->port_err = err;
	not_wanted(a, n);
	if (a->ops->ring_lost)
		a->ops->ring_lost(a->ops->ctx, n, -err);
}

void apply_ring_forget(struct apply *a, uint16_t n)
{
	struct apply_ring *r = &a->slot[n].ring;

	r->wanted = r->live = false; /* .since stays */
	r->owes = APPLY_OWES_NOTHING;
}
