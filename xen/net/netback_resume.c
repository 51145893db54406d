/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xen/net/netback_part.h"
#include "xen/net/ring.h"

/*
 * A process of ours died and left the rings as they were.  The indices that it
 * published are right; slots behind them may hold answers already, written over
 * what the guest asked:
 *
 *	tx data		gref is gone; id and flags stand
 *	tx extra	type and flags stand
 *	rx data		gref is flags | length << 16
 *	rx extra	gref is a small number
 *
 * So nothing on the tx ring is sent again: it is answered as if it had been,
 * and the guest's own peers ask once more for what they missed.
 */
#define RX_REF_MIN 8u	      /* Xen's own references lie below */
#define RX_REF_MAX (1u << 20) /* more than any guest has */

static void put_null(struct netback *b, uint32_t i)
{
	__atomic_store_n(&b->tx->slot[i & NETIF_SLOT_MASK].rsp.status,
			 NETIF_RSP_NULL, __ATOMIC_RELAXED);
}

/* Extras from index @i on; where they end, @end when they make no sense. */
static uint32_t drain_extras(struct netback *b, uint32_t i, uint32_t end,
			     bool *filter)
{
	struct netif_extra e = { .flags = NETIF_EXTRA_MORE };

	while (e.flags & NETIF_EXTRA_MORE && i != end) {
		ring_copy(&e, &b->tx->slot[i & NETIF_SLOT_MASK], sizeof(e));
		if (e.type == NETIF_EXTRA_NONE || e.type >= NETIF_EXTRA_N)
			break;
		*filter |= e.type == NETIF_EXTRA_MCAST_ADD ||
			   e.type == NETIF_EXTRA_MCAST_DEL;
		put_null(b, i++);
		if (!(e.flags & NETIF_EXTRA_MORE))
			return i;
	}
	/* which of these are requests, with an id, nobody can tell */
	while (i != end)
		put_null(b, i++);
	return end;
}

/* The frame at index @i; where the next one begins. */
static uint32_t drain_frame(struct netback *b, uint32_t i, uint32_t end)
{
	struct netif_tx_req r = { 0 };
	bool first = true, filter = false;

	do {
		struct netif_tx_rsp rsp = { .status = NETIF_RSP_OKAY };

		ring_copy(&r, &b->tx->slot[i & NETIF_SLOT_MASK], sizeof(r));
		rsp.id = r.id;
		ring_put(&b->tx->slot[i & NETIF_SLOT_MASK], &rsp, sizeof(rsp));
		i++;
		if (first && r.flags & NETIF_EXTRA)
			i = drain_extras(b, i, end, &filter);
		first = false;
	} while (r.flags & NETIF_MORE_DATA && !filter && i != end);
	return i;
}

void netback_resume_tx(struct netback *b, uint32_t req_prod)
{
	uint32_t i = b->tx_cons;

	while (i != req_prod)
		i = drain_frame(b, i, req_prod);
	(void)ring_publish(&b->tx->head.rsp_prod, &b->tx->head.rsp_event,
			   b->tx_cons, req_prod);
	b->tx_cons = req_prod;
	b->tx_tell = true; /* asked for or not: it may have waited long */
}

static struct netif_rx_req rx_slot(const struct netback *b, uint32_t i)
{
	struct netif_rx_req r;

	ring_copy(&r, &b->rx->slot[i & NETIF_SLOT_MASK], sizeof(r));
	return r;
}

/*
 * Buffers whose references are lost go back unfilled, and all before them.
 *
 * Answers are written in order, and the first of a frame has too many bytes to
 * look like a reference.  The last of a long frame can have so few (1 to 15
 * bytes, so 65,536 to 983,040) that it does, and an extra that was written by
 * half has lost only its id: so the one behind the last that is lost goes back,
 * too.  If it was a request still, the guest posts it again.
 */
void netback_resume_rx(struct netback *b, uint32_t req_prod)
{
	uint32_t end = b->rx_cons;

	for (uint32_t i = b->rx_cons; i != req_prod; i++) {
		uint32_t ref = rx_slot(b, i).gref;

		if (ref < RX_REF_MIN || ref >= RX_REF_MAX)
			end = i + 1;
	}
	if (end != b->rx_cons && end != req_prod)
		end++;
	for (uint32_t i = b->rx_cons; i != end; i++) {
		struct netif_rx_rsp rsp = { .id = rx_slot(b, i).id,
					    .status = NETIF_RSP_ERROR };

		ring_put(&b->rx->slot[i & NETIF_SLOT_MASK], &rsp, sizeof(rsp));
	}
	(void)ring_publish(&b->rx->head.rsp_prod, &b->rx->head.rsp_event,
			   b->rx_cons, end);
	b->rx_cons = end;
	b->rx_tell = true;
}
