/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports: who owns which, poll rounds, and what waits to be sent. */
#include <errno.h>

#include "firewall/path/fw_part.h"

void fw_drop(struct fw *fw, uint16_t owner, struct pkt *p)
{
	vw_assert(p->reason > PKT_REASON_NONE && p->reason < PKT_REASON_N);
	fw_row(fw, owner)->drop[p->reason]++;
	pkt_put(fw->pool, p);
}

void fw_discard(struct fw *fw, uint16_t owner, struct pkt *p,
		enum pkt_reason reason)
{
	(void)pkt_drop(p, reason);
	fw_drop(fw, owner, p);
}

void fw_slot_clear(struct fw *fw, struct slot *s, enum pkt_reason reason)
{
	for (uint32_t i = 0; i < s->out.n; i++)
		if (s->owner == FW_NOBODY)
			pkt_put(fw->pool, s->out.p[i]);
		else
			fw_discard(fw, s->owner, s->out.p[i], reason);
	s->out.n = 0;
}

/* The port broke: nothing goes in or out of it any more. */
static void broken(struct fw *fw, struct slot *s, enum pkt_reason reason,
		   int err)
{
	fw_slot_clear(fw, s, reason);
	s->err = err;
}

/* Whose frames these are: one party's, or VIEW_NOBODY. */
static uint16_t sender_of(const struct fw *fw, const struct pkt_batch *b)
{
	uint16_t in = b->p[0]->in;

	for (uint32_t i = 1; i < b->n; i++)
		if (b->p[i]->in != in)
			return VIEW_SEVERAL;
	return in < fw->conf.ports ? fw->slot[in].owner : VIEW_NOBODY;
}

static void send_out(struct fw *fw, struct slot *s, struct mono now)
{
	uint64_t lost = s->port->stats.send_dropped;
	uint16_t owner = s->owner, was = view_serve(fw->view, owner);
	int err;

	view_serve_sender(fw->view, sender_of(fw, &s->out));
	err = s->port->ops->send(s->port, fw->pool, &s->out, now);
	view_serve_sender(fw->view, VIEW_NOBODY);
	(void)view_serve(fw->view, was);
	lost = s->port->stats.send_dropped - lost;
	if (owner != FW_NOBODY)
		fw_row(fw, owner)->drop[PKT_REASON_OUT_QUEUE] += lost;
	if (err)
		broken(fw, s, PKT_REASON_SEND_FAILED, err);
	vw_assert(!s->out.n);
}

void fw_emit(struct fw *fw, struct slot *s, struct pkt *p, struct mono now)
{
	if (s->err) {
		fw_discard(fw, s->owner, p, PKT_REASON_PORT_DOWN);
		return;
	}
	if (!s->dirty)
		fw->dirty[fw->dirty_n++] = s->port->id;
	s->dirty = true;
	s->out.p[s->out.n++] = p;
	if (s->out.n == PKT_BATCH)
		send_out(fw, s, now);
}

void fw_emit_own(struct fw *fw, struct slot *s, struct pkt *p, struct mono now)
{
	p->in = s->port->id;
	fw_emit(fw, s, p, now);
}

void fw_flush(struct fw *fw, struct mono now)
{
	for (uint16_t i = 0; i < fw->dirty_n; i++) {
		struct slot *s = &fw->slot[fw->dirty[i]];

		s->dirty = false;
		if (s->out.n)
			send_out(fw, s, now);
	}
	fw->dirty_n = 0;
}

/*
 * Joining segments (pkt_gro.h) pays when whoever they are for takes aggregates;
 * it is not known yet who that will be.
 */
static void look_at_caps(struct fw *fw)
{
	const uint8_t all = PORT_CSUM | PORT_GSO4 | PORT_GSO6;

	fw->gso = true;
	for (uint16_t i = 0; i < fw->conf.ports; i++)
		if (fw->slot[i].port && (fw->slot[i].port->caps & all) != all)
			fw->gso = false;
}

int fw_port_add(struct fw *fw, struct port *port)
{
	for (uint16_t i = 0; i < fw->conf.ports; i++) {
		struct slot *s = &fw->slot[i];

		if (s->port)
			continue;
		s->port = port;
		port->id = i;
		look_at_caps(fw);
		return 0;
	}
	return -ENOSPC;
}

void fw_port_remove(struct fw *fw, struct port *port, struct mono now)
{
	struct slot *s = &fw->slot[port->id];
	uint16_t owner = s->owner;

	vw_assert(s->port == port);
	(void)now;
	if (owner != FW_NOBODY)
		fw_disconnect(fw, owner);
	fw_slot_clear(fw, s, PKT_REASON_PORT_DOWN);
	/* it may still stand in the list of dirty slots */
	*s = (struct slot){ .owner = FW_NOBODY, .dirty = s->dirty };
	look_at_caps(fw);
}

/* ---- poll rounds --------------------------------------------------------- */

/*
 * What a batch costs: a frame of an ordinary link is 1, a larger one as much as
 * what it is made of.
 */
#define COST_BYTES 2048u
/* What a port may cause in its turn: a batch of them. */
#define QUANTUM PKT_BATCH

static uint32_t cost_of(const struct pkt_batch *b)
{
	uint32_t cost = b->n;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct pkt *p = b->p[i];

		cost += p->gso_size ? p->len / p->gso_size
				    : p->len / COST_BYTES;
	}
	return cost;
}

/* What a pass over the ports found. */
struct pass {
	bool more;  /* somebody had a turn and wants another in this round */
	bool owing; /* somebody had none: it has to pay first */
	bool left;  /* the budget of somebody who may have more is used up */
	uint32_t spent; /* by all but the uplink, in this round */
};

/* What the port of @owner dropped since its counters stood at @was. */
static void count_lost(struct fw *fw, uint16_t owner, const struct port *port,
		       const struct port_stats *was)
{
	const struct port_stats *is = &port->stats;
	uint64_t lost = is->recv_dropped - was->recv_dropped;
	uint64_t starved = is->recv_starved - was->recv_starved;
	uint64_t overrun = is->recv_overrun - was->recv_overrun;
	uint64_t *drop;

	if (owner == FW_NOBODY) {
		fw->view->strays += lost;
		return;
	}
	drop = fw_row(fw, owner)->drop;
	drop[PKT_REASON_POOL_EMPTY] += starved;
	drop[PKT_REASON_IN_QUEUE] += overrun;
	drop[PKT_REASON_LINK_BAD] += lost - starved - overrun;
}

/* One batch from @s, of so many frames; @s->done when it has no more. */
static uint32_t one_batch(struct fw *fw, struct slot *s, struct mono now)
{
	const struct port_stats before = s->port->stats;
	struct pkt_batch in = { 0 };
	uint16_t was = view_serve(fw->view, s->owner);
	int err = s->port->ops->recv(s->port, fw->pool, &in, now);
	uint32_t cost = cost_of(&in), n = in.n;

	if (s->port->stats.recv_dropped != before.recv_dropped)
		count_lost(fw, s->owner, s->port, &before);
	s->spent += cost;
	s->credit -= cost;
	s->done = n < PKT_BATCH || err;
	fw_input(fw, s->port, &in, now);
	(void)view_serve(fw->view, was);
	if (err)
		broken(fw, s, PKT_REASON_PORT_DOWN, err);
	return n;
}

/* True: it had something, or has to pay for what it had. */
static bool give_turn(struct fw *fw, struct slot *s, uint32_t budget,
		      struct pass *pass, struct mono now)
{
	uint32_t n;

	if (!s->port || s->asleep || s->err || s->done)
		return false;
	s->credit += QUANTUM;
	if (s->credit > QUANTUM)
		s->credit = QUANTUM;
	if (s->credit <= 0) {
		pass->owing = true;
		return true;
	}
	n = one_batch(fw, s, now);
	if (!s->done && s->spent >= budget)
		s->done = pass->left = true;
	pass->more |= !s->done;
	return n > 0;
}

/* It is not done for this round by having had as much as the clients so far. */
static uint32_t uplink_budget(const struct pass *pass, uint32_t budget)
{
	return pass->spent < budget ? budget : pass->spent + 1;
}

/*
 * A turn for everybody.  All clients' answers come by the uplink: it has a turn
 * after each client that uses its own, so that many who send do not keep them
 * waiting, and may spend what the clients have spent.
 */
static void give_turns(struct fw *fw, uint32_t budget, struct pass *pass,
		       struct mono now)
{
	uint16_t at = fw->party[NAT_UPLINK].slot;
	struct slot *up = at == FW_NO_PORT ? NULL : &fw->slot[at];
	bool had = false;

	for (uint16_t i = 0; i < fw->conf.ports; i++) {
		struct slot *s = &fw->slot[(fw->turn + i) % fw->conf.ports];
		uint32_t before = s->spent;

		if (s == up || !give_turn(fw, s, budget, pass, now))
			continue;
		had = true;
		pass->spent += s->spent - before;
		if (up)
			give_turn(fw, up, uplink_budget(pass, budget), pass,
				  now);
	}
	if (up && !had)
		give_turn(fw, up, uplink_budget(pass, budget), pass, now);
}

/* Those in debt are alone: nobody waits for what they took. */
static void forgive(struct fw *fw)
{
	for (uint16_t i = 0; i < fw->conf.ports; i++)
		if (fw->slot[i].credit < 0)
			fw->slot[i].credit = 0;
}

/*
 * Deficit round robin: a batch from each port in turn, again and again.  What a
 * batch cost beyond a port's turn is paid with its next ones, so that a port
 * that floods makes the others wait for one batch, and takes no more of the
 * processor than they may, whatever the size of its frames (R135).
 */
bool fw_round(struct fw *fw, uint32_t budget, struct mono now)
{
	struct pass pass = { 0 };

	fw->view->rounds++;
	fw->view->now_ns = now.ns;
	for (uint16_t i = 0; i < fw->conf.ports; i++)
		fw->slot[i].spent = 0;
	do {
		pass.more = pass.owing = false;
		give_turns(fw, budget, &pass, now);
		fw_flush(fw, now);
		if (pass.owing && !pass.more && !pass.left) {
			forgive(fw);
			pass.more = true;
		}
	} while (pass.more);
	for (uint16_t i = 0; i < fw->conf.ports; i++)
		fw->slot[i].done = false;
	if (++fw->turn >= fw->conf.ports)
		fw->turn = 0;
	return pass.left;
}

bool fw_arm(struct fw *fw)
{
	bool awake = false;

	for (uint16_t i = 0; i < fw->conf.ports; i++) {
		struct slot *s = &fw->slot[i];
		uint16_t was;

		if (!s->port || s->asleep || s->err)
			continue;
		was = view_serve(fw->view, s->owner);
		s->asleep = !s->port->ops->arm(s->port);
		(void)view_serve(fw->view, was);
		awake |= !s->asleep;
	}
	return awake;
}

void fw_port_wake(struct fw *fw, struct port *port)
{
	fw->slot[port->id].asleep = false;
}

struct port *fw_port_failed(struct fw *fw, int *err)
{
	for (uint16_t i = 0; i < fw->conf.ports; i++) {
		struct slot *s = &fw->slot[i];

		if (s->port && s->err && !s->told) {
			s->told = true;
			*err = s->err;
			return s->port;
		}
	}
	return NULL;
}
