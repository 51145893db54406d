/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_NET_NETFRONT_H
#define VIFWALL_XEN_NET_NETFRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_port.h"
#include "xen/net/gate.h"
#include "xen/net/netif.h"
#include "xen/xen_ops.h"

/*
 * The frontend of one vif as a port: the uplink where another domain has the
 * network card.
 *
 *	netfront.c	connecting, sleeping, time
 *	netfront_send.c	tx ring: frames copied into pages of ours, answers
 *	netfront_recv.c	rx ring: frames copied out of pages of ours, new ones
 *			posted
 *
 * Every page is granted once, when it is opened, and stays so: a tx page
 * (readable by the backend) belongs to the id of its request, an rx page
 * (writable) to the slot of its index.  Only frames that were judged are ever
 * copied into a tx page, and a received frame is copied out before anybody
 * looks at it.  The backend is hostile: what it answers is checked against what
 * was asked; a ring that can't be is -EPROTO from recv or send, after which not
 * a byte of it is touched, and the owner closes the port and connects anew.
 *
 * A backend that answers nothing costs frames (NETFRONT_TX_FULL), never time.
 *
 * When it is slow, senders share the tx ring: each port that frames came in by
 * (pkt.in) may hold twice as many slots as are free.  So one alone has two
 * thirds of them, ten have a twentieth each, and whoever holds none finds some.
 * Frames of our own (pkt.in is this port) take what there is.
 */
#define NETFRONT_PAGES NETIF_SLOTS
#define NETFRONT_SHARE 2u
#define NETFRONT_SENDERS 512u /* ports whose ids differ by this are one */
/* Frames out and no answer in so many looks, one a second: -ETIMEDOUT. */
#define NETFRONT_HUNG_LOOKS 10u
#define NETFRONT_LOOK_MS 1000u

/* What the backend can take, from its XenStore keys. */
#define NETFRONT_SG 0x01u
#define NETFRONT_GSO4 0x02u
#define NETFRONT_GSO6 0x04u
#define NETFRONT_CSUM6 0x10u /* IPv4's may always be left blank */

/* What the backend must be told in the XenStore. */
struct netfront_keys {
	uint32_t tx_ref, rx_ref, evt;
};

enum netfront_fault {
	NETFRONT_TX_FULL,    /* no free slot: the frame was dropped */
	NETFRONT_TX_SHARE,   /* its sender has more than its share of them */
	NETFRONT_TX_BIG,     /* more than the backend can take */
	NETFRONT_TX_REFUSED, /* the backend answered with an error */
	NETFRONT_RX_REFUSED, /* the backend could not copy */
	NETFRONT_RX_CHAIN,   /* a frame of impossible pieces */
	NETFRONT_RX_EXTRA,   /* an extra that makes no sense */
	NETFRONT_RX_GSO,     /* an aggregate that is none */
	NETFRONT_NO_BUFFER,  /* ours were all in use */
	NETFRONT_EVENT,	     /* an event and nothing behind it */
	NETFRONT_HUNG,	     /* fatal: answers nothing */
	NETFRONT_FATAL_INDEX,
	NETFRONT_FATAL_ID, /* an answer to what was not asked */
	NETFRONT_FAULT_N
};

struct netfront {
	struct port port; /* first: the ops are handed a pointer to it */
	struct xen *xen;
	uint16_t dom;		  /* of the backend */
	uint8_t can;		  /* NETFRONT_* */
	struct netif_tx_ring *tx; /* NULL: not shared */
	struct netif_rx_ring *rx;
	uint8_t *tx_page, *rx_page; /* NETFRONT_PAGES each */
	uint32_t tx_ref[NETFRONT_PAGES], rx_ref[NETFRONT_PAGES];
	struct gate gate;	   /* its event channel */
	uint32_t tx_prod, tx_cons; /* requests published, responses taken */
	uint32_t rx_prod, rx_cons;
	uint16_t free_id[NETFRONT_PAGES]; /* a stack */
	uint32_t free_n;
	uint64_t out[NETFRONT_PAGES / 64]; /* ids that the backend has */
	struct netfront_debt {
		uint16_t sender, slots;	 /* whose, and how many with extras */
	} debt[NETFRONT_PAGES];		 /* by id that the backend has */
	uint16_t held[NETFRONT_SENDERS]; /* slots by sender */
	uint32_t extra_n;		 /* ... and extras */
	bool tell;			 /* the backend is to be notified */
	int dead;			 /* not 0: -errno for ever */
	struct mono seen;		 /* when recv or send was called last */
	struct mono look;  /* when to look again whether it answers */
	uint32_t answered; /* tx_cons at the last look */
	uint32_t looks;	   /* in a row, and still nothing */
	uint64_t fault[NETFRONT_FAULT_N];
};

/*
 * Shares pages with @dom and makes a channel; frames may be sent from here on.
 * The caller fills in port.mac, .mtu; the rest of port follows from @can.  0,
 * -ENOSPC (limit of gntalloc), or -errno, and nothing is left shared.
 */
int VW_MUST_USE netfront_open(struct netfront *f, struct xen *x, uint16_t dom,
			      uint8_t can, struct netfront_keys *keys,
			      struct mono now);

/* An event came for gate.port; the caller then polls the port. */
void netfront_event(struct netfront *f);
/* As netback_tick(). */
struct mono netfront_tick(struct netfront *f, struct mono now, bool *wake);

/* Where the rings stand. */
struct netif_marks netfront_marks(const struct netfront *f);

/* Name of a fault for people. */
const char *netfront_fault_name(enum netfront_fault f);

#endif
