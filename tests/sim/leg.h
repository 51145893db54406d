/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_SIM_LEG_H
#define VIFWALL_TESTS_SIM_LEG_H

#include "firewall/linux/port_tap.h"
#include "sim/card.h"
#include "sim/sim.h"
#include "xen/bus/bus.h"
#include "xen/net/netback.h"
#include "xen/net/netfront.h"

/*
 * One end of a vif as a network device of a Linux domain: a TAP device, and the
 * rings while they are connected.  What comes by one goes out by the other; the
 * device has no carrier while there are no rings, and stays when they go.
 *
 * A frontend whose ring is full takes nothing from its device, so that the
 * stack behind it waits and loses nothing, as that of Linux does.
 */
#define LEG_MTU 1500u

struct leg {
	struct port_tap tap;
	union {
		struct port port; /* first of both */
		struct netback back;
		struct netfront front;
		struct card card;
	} ring;
	struct port *at; /* &ring.port; NULL: not connected */
	enum leg_kind { LEG_BACK, LEG_FRONT, LEG_CARD } kind;
	bool heard;	       /* the owner's: waits for the device */
	struct pkt_batch wait; /* of a frontend: from the device, no room yet */
	struct bus_id id;
	uint64_t lost; /* frames that the other side can't take */
};

/*
 * Makes the device, to which its stack leaves what is in @leaves (PORT_*); ends
 * the process when that can't be.
 */
void leg_open(struct leg *l, const char *name, uint8_t leaves);
/* ... and removes it. */
void leg_close(struct leg *l);
void leg_set_mac(struct leg *l, const struct pkt_mac *mac);

/* 0 or -errno, as netback_open(), netfront_open() and card_open(). */
int leg_connect_back(struct leg *l, struct xen *x, const struct netback_conf *c,
		     struct mono now);
int leg_connect_front(struct leg *l, struct xen *x, const struct bus_uplink *u,
		      struct netfront_keys *keys, struct mono now);
int leg_connect_card(struct leg *l, struct xen *x, const struct bus_uplink *u,
		     const struct habits *h, struct walk_keys *keys);
/* The backend has a card's rings. */
void leg_enable(struct leg *l);
void leg_disconnect(struct leg *l);

/* An event came by one of the domain's channels; it may be another's. */
void leg_event(struct leg *l, uint32_t port);
/*
 * Moves what there is, both ways, a batch each: 1 when there may be more, 0, or
 * -errno: the rings broke, and are to be disconnected.
 */
int leg_move(struct leg *l, struct pkt_pool *pool, struct mono now);
/* Before sleeping: when to be called again; *@wake is set for at once. */
struct mono leg_rest(struct leg *l, struct mono now, bool *wake);
/* For people: "front". */
const char *leg_kind_name(const struct leg *l);
void leg_report(const struct leg *l);

#endif
