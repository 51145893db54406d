/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "xen/net/netback_part.h"
#include "xen/net/offload.h"
#include "xen/net/ring.h"

/*
 * How it works: frames wait in the queue until the guest posted enough slots
 * for the oldest.  As many as there is room for are copied by one xen_copy();
 * the answers are built beside it and published when it is done.
 */
struct pass {
	struct xen_seg seg[NETIF_SLOTS];
	uint16_t seg_rsp[NETIF_SLOTS]; /* the answer that a segment is for */
	union netif_rx_slot rsp[NETIF_SLOTS]; /* from slot rx_cons on */
	uint32_t seg_n, rsp_n;
	uint32_t frame_n;		   /* taken from the queue's front */
	uint32_t frame_seg[NETBACK_QUEUE]; /* ... where each one's begin */
};

/* Bytes of @p in its data slot @i; each slot is a page, filled up. */
static uint32_t part(const struct pkt *p, uint32_t i)
{
	uint32_t left = p->len - i * XEN_PAGE;

	return left < XEN_PAGE ? left : XEN_PAGE;
}

static uint32_t data_slots(const struct pkt *p)
{
	return (p->len + XEN_PAGE - 1) / XEN_PAGE;
}

uint32_t netback_slots(const struct pkt *p)
{
	return data_slots(p) + (p->gso_type != PKT_GSO_NONE);
}

/* The next slot that the guest posted. */
static struct netif_rx_req take_slot(const struct netback *b,
				     const struct pass *s)
{
	struct netif_rx_req r;

	ring_copy(&r, &b->rx->slot[(b->rx_cons + s->rsp_n) & NETIF_SLOT_MASK],
		  sizeof(r));
	return r;
}

static void plan_slot(const struct netback *b, struct pass *s,
		      const struct pkt *p, uint32_t i, uint16_t flags)
{
	struct netif_rx_req r = take_slot(b, s);
	uint32_t len = part(p, i);

	s->seg_rsp[s->seg_n] = (uint16_t)s->rsp_n;
	s->seg[s->seg_n++] = (struct xen_seg){
		.local = p->data + i * XEN_PAGE,
		.ref = r.gref,
		.dom = b->conf.dom,
		.len = (uint16_t)len,
	};
	s->rsp[s->rsp_n++].rsp = (struct netif_rx_rsp){
		.id = r.id, .flags = flags, .status = (int16_t)len
	};
}

static void plan_frame(const struct netback *b, struct pass *s,
		       const struct pkt *p)
{
	uint32_t n = data_slots(p);
	bool gso = p->gso_type != PKT_GSO_NONE;
	uint16_t flags = offload_rx_flags(p) | (gso ? NETIF_EXTRA : 0);

	s->frame_seg[s->frame_n++] = s->seg_n;
	for (uint32_t i = 0; i < n; i++) {
		plan_slot(b, s, p, i,
			  flags | (i + 1 < n ? NETIF_MORE_DATA : 0));
		flags = 0;
		/* its slot's page goes back unused */
		if (i == 0 && gso)
			s->rsp[s->rsp_n++].extra = offload_extra(p);
	}
}

/* As many frames as fit in @n slots. */
static void gather(const struct netback *b, struct pass *s, uint32_t n)
{
	while (s->frame_n < b->queue.n) {
		const struct pkt *p = netback_queue_at(&b->queue, s->frame_n);

		if (netback_slots(p) > n - s->rsp_n)
			return;
		plan_frame(b, s, p);
	}
}

/* Did frame @i get there whole?  The slots that failed say so. */
static bool arrived(struct pass *s, uint32_t i)
{
	uint32_t end = i + 1 < s->frame_n ? s->frame_seg[i + 1] : s->seg_n;
	bool whole = true;

	for (uint32_t k = s->frame_seg[i]; k < end; k++) {
		if (s->seg[k].status == XEN_OKAY)
			continue;
		s->rsp[s->seg_rsp[k]].rsp.status = NETIF_RSP_ERROR;
		whole = false;
	}
	return whole;
}

static void release(struct netback *b, struct pass *s)
{
	struct port_stats *st = &b->port.stats;

	for (uint32_t i = 0; i < s->frame_n; i++) {
		struct pkt *p = netback_queue_take(&b->queue);

		if (arrived(s, i)) {
			st->send_packets++;
			st->send_bytes += p->len;
		} else {
			netback_count(b, NETBACK_RX_COPY);
			st->send_dropped++;
		}
		pkt_put(b->queue.pool, p);
	}
}

static void publish(struct netback *b, const struct pass *s)
{
	uint32_t from = b->rx_cons;

	for (uint32_t i = 0; i < s->rsp_n; i++)
		ring_put(&b->rx->slot[(from + i) & NETIF_SLOT_MASK], &s->rsp[i],
			 sizeof(s->rsp[i]));
	b->rx_cons += s->rsp_n;
	b->rx_tell |= ring_publish(&b->rx->head.rsp_prod,
				   &b->rx->head.rsp_event, from, b->rx_cons);
}

static void deliver(struct netback *b, uint32_t n, struct mono now)
{
	struct pass s;

	s.seg_n = s.rsp_n = s.frame_n = 0;
	gather(b, &s, n);
	if (!s.frame_n) {
		if (!b->stalled.ns)
			b->stalled = now;
		return;
	}
	b->stalled.ns = 0;
	b->port.stats.syscalls++;
	(void)xen_copy(b->xen, s.seg, s.seg_n, XEN_TO_PEER);
	release(b, &s);
	publish(b, &s);
}

int netback_deliver(struct netback *b, struct mono now)
{
	uint32_t prod = ring_index(&b->rx->head.req_prod);

	if (prod - b->rx_cons > NETIF_SLOTS)
		return netback_die(b, NETBACK_FATAL_INDEX);
	if (prod != b->rx_seen)
		b->gate.useful = true;
	b->rx_seen = prod;
	netback_queue_age(b, now);
	if (b->queue.n)
		deliver(b, prod - b->rx_cons, now);
	return 0;
}

/* For a guest that can't finish the sums of this family by itself. */
static void complete(const struct netback *b, struct pkt *p)
{
	uint8_t need = p->l3 == PKT_L3_IP4 ? NETBACK_CSUM4 : NETBACK_CSUM6;

	if (!(b->conf.can & need))
		pkt_csum_complete(p);
}

/* Not one slot for a second: what it gets now it would get too late. */
static bool stalled(const struct netback *b, struct mono now)
{
	return b->conf.can & NETBACK_RX_NOTIFY && b->stalled.ns &&
	       mono_diff_ms(b->stalled, now) >= NETBACK_STALL_MS;
}

int netback_send(struct port *port, struct pkt_pool *pool, struct pkt_batch *in,
		 struct mono now)
{
	struct netback *b = netback_of(port);
	int err;

	b->seen = now;
	b->queue.pool = pool;
	for (uint32_t i = 0; i < in->n; i++) {
		complete(b, in->p[i]);
		netback_queue_add(b, in->p[i], now);
	}
	in->n = 0;
	err = b->dead ? -EPROTO : netback_deliver(b, now);
	if (err)
		return err;
	if (b->queue.n && stalled(b, now))
		netback_queue_drop(b, NETBACK_STALLED);
	netback_tell(b);
	return 0;
}
