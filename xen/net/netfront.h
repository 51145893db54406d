/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_NET_NETFRONT_H
#define VIFWALL_XEN_NET_NETFRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_port.h"
#include "xen/net/netif.h"
#include "xen/xen_ops.h"

/*
 * The frontend of one vif as a port: the uplink where another domain has the
 * network card.
 *
 * Every page is granted once, when it is opened, and belongs to one slot id for
 * good: tx pages readable by the backend, rx pages writable.  Only frames that
 * were judged are ever copied into a tx page, and a received frame is copied
 * out before anybody looks at it.  The backend is hostile: what it answers is
 * checked against what was asked; a ring that can't be is -EPROTO from recv or
 * send, after which the owner closes the port and connects anew.
 */
#define NETFRONT_PAGES NETIF_SLOTS
#define NETFRONT_HUNG_MS 10000u /* frames out and no answer: -ETIMEDOUT */

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
	NETFRONT_TX_BIG,     /* more than the backend can take */
	NETFRONT_TX_REFUSED, /* the backend answered with an error */
	NETFRONT_RX_REFUSED, /* the backend could not copy */
	NETFRONT_RX_CHAIN,   /* a frame of impossible pieces */
	NETFRONT_RX_EXTRA,   /* an extra that makes no sense */
	NETFRONT_RX_GSO,     /* an aggregate that is none */
	NETFRONT_NO_BUFFER,  /* ours were all in use */
	NETFRONT_EVENT,	     /* an event and nothing behind it */
	NETFRONT_FATAL_INDEX,
	NETFRONT_FATAL_ID, /* an answer to what was not asked */
	NETFRONT_FAULT_N
};

struct netfront {
	struct port port; /* first: the ops are handed a pointer to it */
	struct xen *xen;
	uint16_t dom; /* of the backend */
	uint8_t can;  /* NETFRONT_* */
	struct netif_tx_ring *tx;
	struct netif_rx_ring *rx;
	uint8_t *tx_page, *rx_page; /* NETFRONT_PAGES each */
	uint32_t tx_ref[NETFRONT_PAGES], rx_ref[NETFRONT_PAGES];
	uint32_t evt;		   /* ours */
	uint32_t tx_prod, tx_cons; /* requests published, responses taken */
	uint32_t rx_prod, rx_cons;
	uint16_t free_id[NETFRONT_PAGES]; /* a stack */
	uint32_t free_n;
	uint64_t out[NETFRONT_PAGES / 64]; /* ids that the backend has */
	bool masked, useful, dead;
	uint8_t spurious;
	struct mono unmask;
	struct mono progress; /* the backend's last answer */
	uint64_t fault[NETFRONT_FAULT_N];
	uint64_t events;
};

/*
 * Shares pages with @dom and makes a channel; frames may be sent from here on.
 * The caller fills in port.mac, .mtu; caps follow from @can.  0, -ENOSPC (limit
 * of gntalloc), or -errno, and nothing is left shared.
 */
int VW_MUST_USE netfront_open(struct netfront *f, struct xen *x, uint16_t dom,
			      uint8_t can, struct netfront_keys *keys,
			      struct mono now);

void netfront_event(struct netfront *f);
/* As netback_tick(). */
struct mono netfront_tick(struct netfront *f, struct mono now, bool *wake);

const char *netfront_fault_name(enum netfront_fault f);

#endif
