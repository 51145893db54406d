/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_SIM_CARD_H
#define VIFWALL_TESTS_SIM_CARD_H

#include "packet/pkt_port.h"
#include "sim/habits.h"
#include "sim/walk.h"
#include "xen/net/gate.h"
#include "xen/net/netif.h"
#include "xen/xen_ops.h"

/*
 * The rings of a guest of another system, as a port: a frontend written a
 * second time, so that what netback and netfront misunderstand alike shows.  It
 * lays out and numbers its slots by struct habits, and holds what the backend
 * does against what it was told.
 *
 *	card.c		pages, channels, sleeping
 *	card_send.c	tx ring
 *	card_recv.c	rx ring
 *
 * It posts nothing before it is enabled, as those drivers, which fill their
 * rings when the backend is connected.  A backend that it can't go on with is
 * -EPROTO.
 */
enum card_odd {
	CARD_REFUSED,	 /* a frame of ours was answered with an error */
	CARD_ANSWER,	 /* an answer to nothing; fatal */
	CARD_RX_ID,	 /* ... on the rx ring; fatal */
	CARD_RX_REFUSED, /* the backend could not copy */
	CARD_RX_CHAIN,	 /* a frame of impossible pieces */
	CARD_RX_BLANK,	 /* a blank checksum that nobody vouched for, or that
			    we do not take */
	CARD_RX_GSO,	 /* an aggregate that we do not take */
	CARD_NO_BUFFER,
	CARD_EVENT, /* an event with nothing behind it */
	CARD_ODD_N
};

#define CARD_BLOCKS (2 * NETIF_SLOTS) /* of half a page, at most */

struct card {
	struct port port; /* first: the ops are handed a pointer to it */
	const struct habits *habits;
	struct xen *xen;
	uint8_t takes;		  /* BUS_*: what it said that it can */
	bool enabled;		  /* the backend is connected */
	struct netif_tx_ring *tx; /* NULL: not shared */
	struct netif_rx_ring *rx;
	uint8_t *tx_page, *rx_page; /* NETIF_SLOTS each */
	uint32_t tx_ref[NETIF_SLOTS], rx_ref[NETIF_SLOTS];
	struct gate gate; /* tx, and rx where it is another */
	uint32_t tx_prod, tx_cons, rx_prod, rx_cons;
	uint16_t free[CARD_BLOCKS]; /* a stack of blocks, which are tx ids */
	uint32_t free_n;
	bool out[CARD_BLOCKS];	     /* the backend has it */
	uint32_t extra_n;	     /* so many extras, too */
	uint16_t rx_id[NETIF_SLOTS]; /* of what is posted in each slot */
	uint16_t next_id;
	bool tell_tx, tell_rx;
	struct pkt_pool *pool;
	struct pkt *big; /* of it: an aggregate that is being cut, */
	uint32_t cut;	 /* ... before this segment of it */
	uint64_t odd[CARD_ODD_N];
};

/* @can: what the backend can take (BUS_*).  0 or -errno. */
int card_open(struct card *c, struct xen *x, const struct bus_uplink *u,
	      const struct habits *h, struct walk_keys *keys);
void card_enable(struct card *c);
void card_event(struct card *c);
/* How many of the first of @b there is room for. */
uint32_t card_room(const struct card *c, const struct pkt_batch *b);
/* Before sleeping: true when there is something to do. */
bool card_rest(struct card *c);
const char *card_odd_name(enum card_odd o);

/* What the parts say to each other. */
int card_recv(struct port *port, struct pkt_pool *pool, struct pkt_batch *out,
	      struct mono now);
int card_send(struct port *port, struct pkt_pool *pool, struct pkt_batch *in,
	      struct mono now);
void card_post(struct card *c);
void card_tell(struct card *c);

#endif
