/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_NETIF_GUEST_H
#define VIFWALL_TESTS_MOCK_NETIF_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "xen/net/netback.h"

/*
 * A frontend with its hands on the rings: it writes what the test says, true or
 * not, and reads what came back.  Nothing here uses code of xen/net but the
 * layout in netif.h.  A request's page is that of its place in the ring, its id
 * guest_id(place), its memory all zeros until the test fills it.
 */
#define GUEST_PAGE 4096u

struct netif_guest {
	struct xen *xen;
	uint16_t back; /* domain of the backend */
	struct netif_tx_ring *tx;
	struct netif_rx_ring *rx;
	uint32_t tx_ref, rx_ref;
	uint8_t *tx_page, *rx_page; /* NETIF_SLOTS each */
	uint32_t tx_page_ref[NETIF_SLOTS], rx_page_ref[NETIF_SLOTS];
	uint32_t tx_evt, rx_evt;   /* equal unless split */
	uint32_t tx_prod, tx_cons; /* requests written, answers read */
	uint32_t rx_prod, rx_cons;
	uint32_t notified; /* times that the backend was */
};

static inline uint16_t guest_id(uint32_t place)
{
	return (uint16_t)(1000 + place % NETIF_SLOTS);
}

/* Shares rings and pages with domain @back; all indices begin at @first. */
void guest_open(struct netif_guest *g, struct xen *x, uint16_t back, bool split,
		uint32_t first);
void guest_close(struct netif_guest *g);
struct netback_conf guest_conf(const struct netif_guest *g, uint16_t dom,
			       uint8_t can);

/* ---- tx: the next slot, not published yet -------------------------------- */

void guest_tx(struct netif_guest *g, const struct netif_tx_req *r);
void guest_tx_extra(struct netif_guest *g, const struct netif_extra *e);
/*
 * A data slot of its own page from byte @off on; @size goes into the request as
 * it is.  What to fill in: guest_tx_room(), before it.
 */
void guest_tx_slot(struct netif_guest *g, uint16_t off, uint16_t size,
		   uint16_t flags);
uint8_t *guest_tx_room(struct netif_guest *g);
/* Publishes, and notifies when it is asked to; true: it was. */
bool guest_tx_kick(struct netif_guest *g);
bool guest_tx_answer(struct netif_guest *g, struct netif_tx_rsp *r);

/*
 * A whole frame, the first @first bytes in the first slot, then @each bytes per
 * slot; @flags NETTX_*; @gso NULL: none.  Not published.
 */
void guest_tx_frame(struct netif_guest *g, const void *frame, uint32_t len,
		    uint32_t first, uint32_t each, uint16_t flags,
		    const struct netif_extra *gso);

/* ---- rx ------------------------------------------------------------------ */

/* Posts @n pages, and notifies when it is asked to; true: it was. */
bool guest_rx_post(struct netif_guest *g, uint32_t n);
bool guest_rx_answer(struct netif_guest *g, union netif_rx_slot *s);

struct guest_frame {
	uint8_t bytes[80 * 1024];
	uint32_t len, slots;
	uint16_t flags;		/* of the first slot */
	struct netif_extra gso; /* type 0: none */
	bool bad;		/* a slot said error */
};
/* The next frame, read like Linux' netfront; false: none. */
bool guest_rx_frame(struct netif_guest *g, struct guest_frame *f);

/* Events since the last call, all of them unmasked again. */
uint32_t guest_events(struct netif_guest *g);

#endif
