/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_NETIF_HOST_H
#define VIFWALL_TESTS_MOCK_NETIF_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_buf.h"
#include "xen/net/netfront.h"
#include "xen/xen_sim.h"

/*
 * A netfront of ours in domain 1, and in domain 0 a backend with its hands on
 * the rings: it answers what the test says.  As in netif_guest.h nothing here
 * uses code of xen/net.
 */
#define HOST_SMALL 600u
#define HOST_LARGE 64u
#define HOST_ALL (NETFRONT_SG | NETFRONT_GSO4 | NETFRONT_GSO6 | NETFRONT_CSUM6)

struct host {
	struct xen_sim *sim;
	struct xen *back, *front;
	struct netfront vif;
	struct netfront_keys keys;
	struct netif_tx_ring *tx;
	struct netif_rx_ring *rx;
	uint32_t evt;
	uint32_t tx_cons, tx_rsp; /* requests read, answers published */
	uint32_t rx_cons;	  /* requests answered, published or not */
	struct pkt_pool *pool;
	struct pkt_batch in; /* what recv gave */
	struct mono now;
	uint8_t copy[80 * 1024];
};

void host_open(struct host *h, uint8_t can);
/* Panics when a buffer is out, or anything shared still. */
void host_close(struct host *h);
void host_wait(struct host *h, uint64_t ms);

/* ---- the port -------------------------------------------------------------
 */

/* What recv says; the frames of the last time are freed. */
int host_recv(struct host *h);
/* Same, that it must be 0; how many frames. */
uint32_t host_frames(struct host *h);
void host_free(struct host *h);
/* As one of our own, which may use the whole ring; as one that came by @from.
 */
int host_send(struct host *h, struct pkt *p);
int host_send_for(struct host *h, struct pkt *p, uint16_t from);
struct pkt *host_pkt(struct host *h, uint32_t len, uint8_t seed);
/* Takes events of the front's and tells the vif; how many. */
uint32_t host_events(struct host *h);
bool host_arm(struct host *h);
/* Ticks once a second; true: the port is to be polled. */
bool host_seconds(struct host *h, uint32_t n);

/* ---- the backend ----------------------------------------------------------
 */

/* The next slot of the tx ring; false: none. */
bool host_tx(struct host *h, union netif_tx_slot *s);
/* Copies the bytes of a data slot of @len bytes to @to. */
void host_tx_bytes(struct host *h, const struct netif_tx_req *r, uint32_t len,
		   uint8_t *to);
/*
 * Reads one frame as Linux' netback does into h->copy and answers it; its
 * length, 0: none.  The first slot's flags and the extra in *@flags, *@gso.
 */
uint32_t host_tx_frame(struct host *h, uint16_t *flags,
		       struct netif_extra *gso);
/* The next answer as it is; published by host_kick(). */
void host_tx_answer(struct host *h, uint16_t id, int16_t status);

/* The next answer to a posted page as it is. */
void host_rx(struct host *h, const struct netif_rx_rsp *r);
void host_rx_extra(struct host *h, const struct netif_extra *e);
/* Copies @len bytes to @off of that page, and answers with the right id. */
void host_rx_bytes(struct host *h, const uint8_t *from, uint16_t off,
		   uint16_t len, uint16_t flags);
/* Publishes all answers, and notifies when it was asked; true: it was. */
bool host_kick(struct host *h);

#endif
