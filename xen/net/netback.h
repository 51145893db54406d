/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_NET_NETBACK_H
#define VIFWALL_XEN_NET_NETBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_port.h"
#include "xen/net/gate.h"
#include "xen/net/netif.h"
#include "xen/xen_ops.h"

/*
 * The backend of one vif as a port: hop 1 for a guest's packets, and the last
 * for those to it.
 *
 *	netback.c	connecting, sleeping, time
 *	netback_chain.c	tx ring: the slots of one frame, copied once and checked
 *	netback_recv.c	tx ring: bytes copied out of the guest's pages, then
 *			every slot answered
 *	netback_rate.c	tx ring: how many bytes it may send
 *	netback_queue.c	what waits for the guest, within bounds
 *	netback_send.c	rx ring: frames copied into the pages that it posted
 *	netback_resume.c what a process of ours that died left in the rings
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
 * the queue until it is copied or too old; recv goes on with the queue, too.
 * What the guest is to be notified of is told at the next call, be it recv,
 * send or arm, so that one event does for both rings.
 */
#define NETBACK_QUEUE 256u	    /* frames that wait for a slow guest */
#define NETBACK_QUEUE_BYTES 524288u /* ... and the memory that they hold */
#define NETBACK_QUEUE_LARGE 32u	    /* ... and those in large buffers */
#define NETBACK_AGE_MS 150u	    /* ... and how long they do */
#define NETBACK_STALL_MS 1000u	    /* no slots for so long: drop at once */
#define NETBACK_POLL_MS 30u	    /* without feature-rx-notify */
#define NETBACK_BURST_BYTES                              \
	131072u /* credit that can be saved up, at least \
		 */

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
	NETBACK_EVENT,	     /* strike: an event and nothing behind it */
	NETBACK_RATE,	     /* waits: over its rate */
	NETBACK_QUEUE_FULL,  /* to the guest: queue, bytes or buffers at the
				limit */
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
	struct pkt_pool *pool; /* where all of them are from */
	uint32_t at, n, bytes, large;
};

struct netback {
	struct port port; /* first: the ops are handed a pointer to it */
	struct xen *xen;
	struct netback_conf conf;
	struct netif_tx_ring *tx; /* shared with the guest; NULL: unmapped */
	struct netif_rx_ring *rx;
	struct gate gate; /* its event channels: port[0] tx, port[1] rx */
	/* Requests taken.  All of them are answered when a call returns. */
	uint32_t tx_cons, rx_cons;
	uint32_t rx_seen; /* the guest's index when we looked last */
	struct netback_queue queue;
	struct mono seen;      /* when recv or send was called last */
	struct mono stalled;   /* not 0: too few rx slots since */
	bool tx_tell, rx_tell; /* the guest is to be notified */
	bool dead;	 /* a fatal fault: the rings are not touched any more */
	bool starved;	 /* a frame waits for credit */
	uint64_t credit; /* bytes that it may send now */
	struct mono refilled; /* when it got the last of it */
	uint64_t fault[NETBACK_FAULT_N];
};

/*
 * Maps the rings and binds the channels; goes on where the rings stand.  The
 * caller fills in port.mac, .mtu; the rest of port follows from @c, and an mtu
 * too large for one slot is cut without NETBACK_SG.  With .resume the tx slots
 * that nobody answered are answered unread: what a process that died left there
 * is half overwritten.  0; -EPROTO: rings that can't be; or -errno, and nothing
 * is left mapped.
 */
int VW_MUST_USE netback_open(struct netback *b, struct xen *x,
			     const struct netback_conf *c, struct mono now);

/* From now on; cut as at netback_open(). */
void netback_mtu(struct netback *b, uint16_t mtu);
/* From now on; the caller then polls the port. */
void netback_rate(struct netback *b, uint64_t bytes, uint32_t us,
		  struct mono now);

/* Where the rings stand; the guest's own indices are as it says. */
struct netif_marks netback_marks(const struct netback *b);

/* An event came for one of gate.port; the caller then polls the port. */
void netback_event(struct netback *b);

/*
 * Does what time brings: ages the queue, ends a pause of the channels, says
 * when to look after a guest that does not notify or that waits for credit.
 * When it wants to be called again; UINT64_MAX: not by itself.  *@wake is set
 * (never cleared) when the port is to be polled.
 */
struct mono netback_tick(struct netback *b, struct mono now, bool *wake);

/* Name of a fault as `vifwallctl vif show` has it. */
const char *netback_fault_name(enum netback_fault f);

#endif
