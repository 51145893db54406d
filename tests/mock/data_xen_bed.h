/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_DATA_XEN_BED_H
#define VIFWALL_TESTS_MOCK_DATA_XEN_BED_H

#include "mock/data_bed.h"
#include "mock/frames.h"
#include "xen/xen_sim.h"

/*
 * The data process on a simulated Xen of four domains:
 *
 *	1, 2  guests with a frontend  ----  0  data  ----  3  network domain
 *
 * Client n is the guest in domain n.  What can't go wrong but by a mistake in
 * the test panics.
 */
#define BED_NETVM 3u
#define BED_GUEST_CAN                                               \
	(NETBACK_SG | NETBACK_GSO4 | NETBACK_GSO6 | NETBACK_CSUM4 | \
	 NETBACK_CSUM6 | NETBACK_RX_NOTIFY)
#define BED_HOST_CAN \
	(NETFRONT_SG | NETFRONT_GSO4 | NETFRONT_GSO6 | NETFRONT_CSUM6)

/* The other end of a port: a domain of its own with buffers of its own. */
struct far {
	struct xen *xen;
	struct pkt_pool *pool;
	struct port *port; /* NULL: closed */
	union {
		struct netfront front;
		struct netback back;
	} u;
	struct pkt_batch in;
};

struct xen_bed {
	struct data_bed data;
	struct xen_sim *sim;
	struct xen *own;
	struct far far[BED_NETVM + 1]; /* by domain; 0 unused */
};

/* Data and nobody else; @use: it may have ports on rings. */
void xen_bed_open(struct xen_bed *b, bool use);
/* Panics when anything is shared, mapped or bound still. */
void xen_bed_close(struct xen_bed *b);
/* Guest 1 may reach the world through the network domain. */
void xen_bed_path(struct xen_bed *b);

/* Guest @n makes rings; what control would read of its keys. */
struct msg_vif xen_bed_keys(struct xen_bed *b, uint16_t n);
/* ... and tell data: the errno of the answer. */
int xen_bed_guest(struct xen_bed *b, uint16_t n);
void xen_bed_far_close(struct far *f);
/* Data makes rings, and the network domain connects: the errno. */
int xen_bed_uplink(struct xen_bed *b);
/* The path is told of it; what it announces there is taken away. */
int xen_bed_tell_uplink(struct xen_bed *b);
/* Client @n is there, and everything is allowed to it. */
void xen_bed_admit(struct xen_bed *b, uint16_t n);

/* Gives a frame to the rings; false: there was no room in them. */
bool xen_bed_send(struct xen_bed *b, uint16_t dom,
		  const struct frame_spec *spec);
/* How many frames are there for @dom, parsed, in far.in. */
uint32_t xen_bed_take(struct xen_bed *b, uint16_t dom);
/*
 * A turn of data's, then the same.  With data in a process of its own: waits
 * for some.
 */
uint32_t xen_bed_recv(struct xen_bed *b, uint16_t dom);
/* Guest @n to the server: what is not in @more. */
bool xen_bed_guest_sends(struct xen_bed *b, uint16_t n,
			 const struct frame_spec *more);
/* Guest @n asks the server, and gets an answer? */
bool xen_bed_passes(struct xen_bed *b, uint16_t n);

#endif
