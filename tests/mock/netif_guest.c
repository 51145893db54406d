/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "mock/netif_guest.h"

static void *share(struct netif_guest *g, uint32_t n, bool writable,
		   uint32_t *ref)
{
	void *at;
	int err = xen_share(g->xen, g->back, n, writable, ref, &at);

	vw_assert(!err);
	return at;
}

static uint32_t channel(struct netif_guest *g)
{
	uint32_t port;
	int err = xen_evt_alloc(g->xen, g->back, &port);

	vw_assert(!err);
	return port;
}

void guest_open(struct netif_guest *g, struct xen *x, uint16_t back, bool split,
		uint32_t first)
{
	memset(g, 0, sizeof(*g));
	g->xen = x;
	g->back = back;
	g->tx = share(g, 1, true, &g->tx_ref);
	g->rx = share(g, 1, true, &g->rx_ref);
	g->tx_page = share(g, NETIF_SLOTS, false, g->tx_page_ref);
	g->rx_page = share(g, NETIF_SLOTS, true, g->rx_page_ref);
	g->tx_evt = g->rx_evt = channel(g);
	if (split)
		g->rx_evt = channel(g);
	g->tx_prod = g->tx_cons = g->rx_prod = g->rx_cons = first;
	g->tx->head.req_prod = g->tx->head.rsp_prod = first;
	g->rx->head.req_prod = g->rx->head.rsp_prod = first;
	g->tx->head.req_event = g->tx->head.rsp_event = first + 1;
	g->rx->head.req_event = g->rx->head.rsp_event = first + 1;
}

void guest_close(struct netif_guest *g)
{
	xen_evt_close(g->xen, g->tx_evt);
	if (g->rx_evt != g->tx_evt)
		xen_evt_close(g->xen, g->rx_evt);
	xen_unshare(g->xen, g->rx_page, NETIF_SLOTS);
	xen_unshare(g->xen, g->tx_page, NETIF_SLOTS);
	xen_unshare(g->xen, g->rx, 1);
	xen_unshare(g->xen, g->tx, 1);
}

struct netback_conf guest_conf(const struct netif_guest *g, uint16_t dom,
			       uint8_t can)
{
	return (struct netback_conf){
		.dom = dom,
		.tx_ref = g->tx_ref,
		.rx_ref = g->rx_ref,
		.tx_evt = g->tx_evt,
		.rx_evt = g->rx_evt,
		.can = can,
	};
}

/* Publishes @to; true: the other side wants to be told. */
static bool publish(uint32_t *prod, const uint32_t *event, uint32_t to)
{
	uint32_t from = __atomic_load_n(prod, __ATOMIC_RELAXED);

	__atomic_store_n(prod, to, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return to - __atomic_load_n(event, __ATOMIC_RELAXED) < to - from;
}

static bool notify(struct netif_guest *g, bool asked, uint32_t evt)
{
	if (asked) {
		(void)xen_evt_notify(g->xen, evt);
		g->notified++;
	}
	return asked;
}

/* ---- tx ------------------------------------------------------------------ */

static union netif_tx_slot *tx_slot(struct netif_guest *g, uint32_t place)
{
	return &g->tx->slot[place % NETIF_SLOTS];
}

void guest_tx(struct netif_guest *g, const struct netif_tx_req *r)
{
	tx_slot(g, g->tx_prod++)->req = *r;
}

void guest_tx_extra(struct netif_guest *g, const struct netif_extra *e)
{
	union netif_tx_slot *s = tx_slot(g, g->tx_prod++);

	memset(s, 0xee, sizeof(*s));
	s->extra = *e;
}

uint8_t *guest_tx_room(struct netif_guest *g)
{
	return g->tx_page + (size_t)(g->tx_prod % NETIF_SLOTS) * GUEST_PAGE;
}

void guest_tx_slot(struct netif_guest *g, uint16_t off, uint16_t size,
		   uint16_t flags)
{
	guest_tx(g, &(struct netif_tx_req){
			    .gref = g->tx_page_ref[g->tx_prod % NETIF_SLOTS],
			    .offset = off,
			    .flags = flags,
			    .id = guest_id(g->tx_prod),
			    .size = size });
}

bool guest_tx_kick(struct netif_guest *g)
{
	return notify(g,
		      publish(&g->tx->head.req_prod, &g->tx->head.req_event,
			      g->tx_prod),
		      g->tx_evt);
}

bool guest_tx_answer(struct netif_guest *g, struct netif_tx_rsp *r)
{
	uint32_t prod =
		__atomic_load_n(&g->tx->head.rsp_prod, __ATOMIC_ACQUIRE);

	if (g->tx_cons == prod)
		return false;
	*r = tx_slot(g, g->tx_cons++)->rsp;
	return true;
}

void guest_tx_frame(struct netif_guest *g, const void *frame, uint32_t len,
		    uint32_t first, uint32_t each, uint16_t flags,
		    const struct netif_extra *gso)
{
	const uint8_t *from = frame;
	uint32_t size = first < len ? first : len;
	uint32_t left = len;

	while (left) {
		bool head = left == len;

		memcpy(guest_tx_room(g), from, size);
		guest_tx_slot(g, 0, (uint16_t)(head ? len : size),
			      (head ? flags : 0) |
				      (head && gso ? NETIF_EXTRA : 0) |
				      (left > size ? NETIF_MORE_DATA : 0));
		if (head && gso)
			guest_tx_extra(g, gso);
		from += size;
		left -= size;
		size = each < left ? each : left;
	}
}

/* ---- rx ------------------------------------------------------------------ */

bool guest_rx_post(struct netif_guest *g, uint32_t n)
{
	while (n--) {
		uint32_t at = g->rx_prod++ % NETIF_SLOTS;

		g->rx->slot[at].req =
			(struct netif_rx_req){ .id = guest_id(at),
					       .gref = g->rx_page_ref[at] };
	}
	return notify(g,
		      publish(&g->rx->head.req_prod, &g->rx->head.req_event,
			      g->rx_prod),
		      g->rx_evt);
}

bool guest_rx_answer(struct netif_guest *g, union netif_rx_slot *s)
{
	uint32_t prod =
		__atomic_load_n(&g->rx->head.rsp_prod, __ATOMIC_ACQUIRE);

	if (g->rx_cons == prod)
		return false;
	*s = g->rx->slot[g->rx_cons++ % NETIF_SLOTS];
	return true;
}

static void add(struct netif_guest *g, struct guest_frame *f, uint32_t place,
		const struct netif_rx_rsp *r)
{
	f->slots++;
	if (r->status < 0) {
		f->bad = true;
		return;
	}
	vw_assert(r->id == guest_id(place));
	vw_assert((uint32_t)r->offset + (uint16_t)r->status <= GUEST_PAGE);
	vw_assert(f->len + (uint16_t)r->status <= sizeof(f->bytes));
	memcpy(f->bytes + f->len,
	       g->rx_page + (size_t)(place % NETIF_SLOTS) * GUEST_PAGE +
		       r->offset,
	       (uint16_t)r->status);
	f->len += (uint16_t)r->status;
}

bool guest_rx_frame(struct netif_guest *g, struct guest_frame *f)
{
	union netif_rx_slot s;

	f->len = f->slots = 0;
	f->gso.type = 0;
	f->bad = false;
	if (!guest_rx_answer(g, &s))
		return false;
	f->flags = s.rsp.flags;
	add(g, f, g->rx_cons - 1, &s.rsp);
	if (s.rsp.flags & NETIF_EXTRA) {
		union netif_rx_slot e;

		vw_assert(guest_rx_answer(g, &e));
		f->gso = e.extra;
		f->slots++;
	}
	while (s.rsp.flags & NETIF_MORE_DATA) {
		vw_assert(guest_rx_answer(g, &s));
		add(g, f, g->rx_cons - 1, &s.rsp);
	}
	return true;
}

uint32_t guest_events(struct netif_guest *g)
{
	uint32_t port[4];
	int n = xen_evt_take(g->xen, port, 4);

	if (n > 0)
		(void)xen_evt_unmask(g->xen, port, (uint32_t)n);
	return n > 0 ? (uint32_t)n : 0;
}
