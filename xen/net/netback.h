/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_NET_NETBACK_H
#define VIFWALL_XEN_NET_NETBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_port.h"
#include "xen/net/netif.h"
#include "xen/xen_ops.h"

/*
 * The backend of one vif as a port: hop 1 for a guest's packets, and the last
 * for those to it.
 *
 *	netback_recv.c	tx ring: slots copied once, chain checked, bytes copied
 *			out of the guest's pages, then every slot answered
 *	netback_send.c	rx ring: a bounded queue, frames copied into the pages
 *			that the guest posted
 *
 * All bytes are copied before anybody looks at them, so that the guest can't
 * change what was judged.  The guest is hostile; three grades of its faults:
 *
 *	drop	a frame that honest but buggy guests send: its slots are
 *		answered with an error
 *	strike	one that makes no sense: dropped and counted
 *	fatal	a broken ring: recv or send returns -EPROTO, and not a byte of
 *		the shared pages is read or written after that
 *
 * Nothing here sleeps, logs or allocates.  Each packet given to send belongs to
 * the queue until it is copied or too old.
 */
#define NETBACK_QUEUE 256u	    /* frames that wait for a slow guest */
#define NETBACK_QUEUE_BYTES 524288u /* ... and their bytes */
#define NETBACK_AGE_MS 150u	    /* ... and how long they do */
#define NETBACK_STALL_MS 1000u	    /* no slots for so long: drop at once */
#define NETBACK_POLL_MS 30u	    /* without feature-rx-notify */

/* What the frontend can take, from its XenStore keys. */
#define NETBACK_SG 0x01u   /* frames of several slots */
#define NETBACK_GSO4 0x02u /* aggregates of TCP over IPv4, IPv6 */
#define NETBACK_GSO6 0x04u
#define NETBACK_CSUM4 0x08u /* unfinished checksums: IPv4, IPv6 */
#define NETBACK_CSUM6 0x10u
#define NETBACK_RX_NOTIFY 0x20u /* tells when it posts rx buffers */

struct netback_conf {
	uint16_t dom;
	uint32_t tx_ref, rx_ref;
	uint32_t tx_evt, rx_evt; /* equal: one channel for both */
	uint8_t can;		 /* NETBACK_* */
	bool resume;		 /* the rings were in use by one of us before */
	uint64_t rate_bytes;	 /* a guest may send so many ... */
	uint32_t rate_us;	 /* ... in so long; 0: as it likes */
};

/* Why frames and slots did not pass, for status and `vif show`. */
enum netback_fault {
	NETBACK_CHAIN_LONG,  /* drop: 20 or 21 slots */
	NETBACK_FRAG_SUM,    /* drop: slots hold more than the frame */
	NETBACK_FIRST_SHORT, /* drop: no Ethernet header in the first slot */
	NETBACK_COPY,	     /* drop: Xen would not copy a slot */
	NETBACK_NO_BUFFER,   /* drop: ours were all in use */
	NETBACK_EXTRA,	     /* strike: an extra that makes no sense here */
	NETBACK_GSO,	     /* strike: an aggregate that is none */
	NETBACK_CSUM,	     /* strike: a checksum left blank that can't be */
	NETBACK_EVENT,	     /* strike: an event and nothing behind it */
	NETBACK_RATE,	     /* waited: over its rate */
	NETBACK_QUEUE_FULL,  /* to the guest: queue or bytes at the limit */
	NETBACK_TOO_OLD,     /* to the guest: waited too long */
	NETBACK_STALLED,     /* to the guest: it takes nothing */
	NETBACK_TOO_BIG,     /* to the guest: more than it can take */
	NETBACK_RX_COPY,     /* to the guest: its page can't be written */
	NETBACK_FATAL_INDEX, /* fatal: more requests than slots */
	NETBACK_FATAL_CHAIN, /* fatal: too many slots, or none left for it */
	NETBACK_FATAL_EXTRA, /* fatal: unknown, or too many */
	NETBACK_FATAL_PAGE,  /* fatal: a slot crosses its page */
	NETBACK_FAULT_N
};

struct netback_queue {
	struct pkt *p[NETBACK_QUEUE]; /* a ring, oldest first */
	struct mono since[NETBACK_QUEUE];
	uint32_t at, n, bytes;
};

struct netback {
	struct port port; /* first: the ops are handed a pointer to it */
	struct xen *xen;
	struct netback_conf conf;
	struct netif_tx_ring *tx; /* shared with the guest; NULL: unmapped */
	struct netif_rx_ring *rx;
	uint32_t tx_port, rx_port; /* event channels, ours */
	uint32_t tx_cons, tx_rsp;  /* requests taken, responses published */
	uint32_t rx_cons, rx_rsp;
	struct netback_queue queue;
	struct mono stalled;   /* not 0: no slots since */
	bool useful;	       /* something came since the last event */
	bool masked;	       /* the event channel waits for us to unmask it */
	bool tx_tell, rx_tell; /* the guest is to be notified */
	uint8_t spurious;      /* events in a row without work */
	struct mono unmask;    /* not 0: not before */
	uint64_t credit;       /* bytes that it may send now */
	struct mono refilled;
	bool dead; /* a fatal fault: the rings are not touched any more */
	uint64_t fault[NETBACK_FAULT_N];
	uint64_t events;
};

/*
 * Maps the rings and binds the channels.  The caller fills in port.mac, .mtu;
 * caps follow from conf.can.  With .resume the slots that nobody answered are
 * answered first, unread (spec of the rings: drained, never replayed).  0;
 * -EPROTO: indices that can't be; or -errno, and nothing is left mapped.
 */
int VW_MUST_USE netback_open(struct netback *b, struct xen *x,
			     const struct netback_conf *c, struct mono now);

/* An event came for one of its channels; the caller then polls the port. */
void netback_event(struct netback *b);

/*
 * Does what time brings: ages the queue, polls a guest that does not notify,
 * unmasks after a pause, refills the rate.  When it wants to be called again;
 * UINT64_MAX: not by itself.  *@wake is set when the port has work.
 */
struct mono netback_tick(struct netback *b, struct pkt_pool *pool,
			 struct mono now, bool *wake);

/* Name of a fault as `vifwallctl vif show` has it. */
const char *netback_fault_name(enum netback_fault f);

#endif
