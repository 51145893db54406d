/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The next hop's MAC: asks, lets packets wait, and sends them on. */
#include "firewall/path/fw_part.h"

static void ask(struct fw *fw, const struct neigh *e, struct mono now)
{
	struct slot *s = &fw->slot[e->port];

	if (fw_family(&e->addr) == RULE_IP4)
		fw_arp_ask(fw, s, &e->addr, now);
	else
		fw_nd_ask(fw, s, &e->addr, now);
}

static void drop_held(struct fw *fw, struct neigh *e)
{
	for (uint8_t i = 0; i < e->hold_n; i++)
		fw_discard(fw, fw->slot[e->port].owner, e->hold[i],
			   PKT_REASON_NO_NEIGH);
	e->hold_n = 0;
}

/* The oldest makes room: its sender will be the first to try again. */
static void hold(struct fw *fw, struct neigh *e, struct pkt *p)
{
	if (e->hold_n == NEIGH_HOLD) {
		fw_discard(fw, fw->slot[e->port].owner, e->hold[0],
			   PKT_REASON_NO_NEIGH);
		for (uint32_t i = 1; i < NEIGH_HOLD; i++)
			e->hold[i - 1] = e->hold[i];
		e->hold_n--;
	}
	e->hold[e->hold_n++] = p;
}

void fw_resolve(struct fw *fw, struct slot *s, const struct pkt_addr *hop,
		struct pkt *p, struct mono now)
{
	struct neigh *e = neigh_get(fw->neigh, s->port->id, hop);

	switch (e ? neigh_want(e, now) : NEIGH_GIVE_UP) {
	case NEIGH_USE:
		fw_transmit(fw, s, p, &e->mac, now);
		return;
	case NEIGH_ASK:
		ask(fw, e, now);
		hold(fw, e, p);
		return;
	case NEIGH_NOTHING:
		hold(fw, e, p);
		return;
	case NEIGH_GIVE_UP:
		fw_discard(fw, s->owner, p, PKT_REASON_NO_NEIGH);
		return;
	}
}

void fw_neigh_heard(struct fw *fw, struct slot *s, const struct pkt_addr *addr,
		    const struct pkt_mac *mac, bool answer, struct mono now)
{
	bool moved;
	struct neigh *e = neigh_heard(fw->neigh, s->port->id, addr, mac, answer,
				      &moved, now);

	fw->view->neighbours_moved += moved;
	if (!e)
		return;
	for (uint8_t i = 0; i < e->hold_n; i++)
		fw_transmit(fw, s, e->hold[i], &e->mac, now);
	e->hold_n = 0;
	e->used = true;
}

void fw_neigh_tick(struct fw *fw, uint32_t slice, struct mono now)
{
	uint32_t all = neigh_n(fw->neigh);

	if (slice > all)
		slice = all;
	for (uint32_t i = 0; i < slice; i++) {
		struct neigh *e = neigh_at(fw->neigh, fw->neigh_at);

		fw->neigh_at = (fw->neigh_at + 1) % all;
		switch (neigh_step(e, now)) {
		case NEIGH_ASK:
			ask(fw, e, now);
			break;
		case NEIGH_GIVE_UP:
			drop_held(fw, e);
			break;
		case NEIGH_USE:
		case NEIGH_NOTHING:
			break;
		}
	}
}

void fw_neigh_forget(struct fw *fw, uint16_t port)
{
	for (uint32_t i = 0; i < neigh_n(fw->neigh); i++) {
		struct neigh *e = neigh_at(fw->neigh, i);

		if (e->port != port)
			continue;
		drop_held(fw, e);
		e->state = NEIGH_FREE;
	}
}
