/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "xen/net/netback_chain.h"
#include "xen/net/netback_part.h"
#include "xen/net/ring.h"

/*
 * How it works: one pass gathers whole frames from the ring, each with a buffer
 * of ours, copies all their bytes by one xen_copy(), and writes the answers
 * when that is done.  So every slot that was taken is answered before recv
 * returns, in order, and the ring is never left in the middle of a frame.
 */
struct frame {
	struct pkt *p;
	struct offload offload;
	uint32_t seg, seg_n; /* in pass.seg */
	uint32_t rsp, rsp_n; /* in pass.rsp */
};

struct pass {
	struct xen_seg seg[NETIF_SLOTS];
	uint16_t seg_rsp[NETIF_SLOTS]; /* the answer that a segment is for */
	struct netif_tx_rsp rsp[NETIF_SLOTS]; /* from slot tx_cons on */
	struct frame frame[PKT_BATCH];
	uint32_t seg_n, rsp_n, frame_n, bytes;
};

/* The answers to chain @c; their slots are taken by this. */
static void answer(struct netback *b, struct pass *s,
		   const struct netback_chain *c, int16_t status)
{
	struct netif_tx_rsp *rsp = &s->rsp[s->rsp_n];

	*rsp++ = (struct netif_tx_rsp){ c->req[0].id, status };
	for (uint32_t i = 0; i < c->extra_n; i++)
		*rsp++ = (struct netif_tx_rsp){ .status = NETIF_RSP_NULL };
	for (uint32_t i = 1; i < c->req_n; i++)
		*rsp++ = (struct netif_tx_rsp){ c->req[i].id, status };
	s->rsp_n += c->req_n + c->extra_n;
	b->tx_cons += c->req_n + c->extra_n;
}

/* What is to be copied for data slot @i, to byte @at of the frame. */
static void plan_slot(const struct netback *b, struct pass *s,
		      const struct netback_chain *c, uint32_t i, uint8_t *at)
{
	const struct netif_tx_req *r = &c->req[i];

	s->seg_rsp[s->seg_n] = (uint16_t)(s->rsp_n + (i ? i + c->extra_n : 0));
	s->seg[s->seg_n++] = (struct xen_seg){
		.local = at,
		.ref = r->gref,
		.dom = b->conf.dom,
		.off = r->offset,
		.len = r->size,
	};
}

/* A buffer for chain @c; false: there is none. */
static bool plan_frame(struct netback *b, struct pkt_pool *pool, struct pass *s,
		       const struct netback_chain *c)
{
	struct frame *f = &s->frame[s->frame_n];
	uint32_t at = 0;

	f->p = pkt_get(pool, c->len);
	if (!f->p)
		return false;
	s->frame_n++;
	f->offload = c->offload;
	f->seg = s->seg_n;
	f->rsp = s->rsp_n;
	f->rsp_n = c->req_n + c->extra_n;
	for (uint32_t i = 0; i < c->req_n; i++) {
		if (c->req[i].size)
			plan_slot(b, s, c, i, f->p->data + at);
		at += c->req[i].size;
	}
	f->seg_n = s->seg_n - f->seg;
	f->p->len = c->len;
	s->bytes += c->len;
	f->p->tail -= c->len;
	f->p->in = b->port.id;
	return true;
}

static void refuse(struct netback *b, enum netback_fault f)
{
	netback_count(b, f);
	b->port.stats.recv_dropped++;
	b->port.stats.recv_starved += f == NETBACK_NO_BUFFER;
}

/* At most @room frames of the @n slots that wait; 0 or -EPROTO. */
static int gather(struct netback *b, struct pkt_pool *pool, struct pass *s,
		  uint32_t n, uint32_t room, struct mono now)
{
	struct netback_chain c;

	while (s->rsp_n < n && s->frame_n < room &&
	       s->bytes < NETIF_TURN_BYTES) {
		switch (netback_chain_take(&c, b->tx, b->tx_cons,
					   n - s->rsp_n)) {
		case NETBACK_DIE:
			return netback_die(b, c.fault);
		case NETBACK_DROP:
			refuse(b, c.fault);
			answer(b, s, &c, NETIF_RSP_ERROR);
			break;
		case NETBACK_TAKE:
		default:
			if (!netback_spend(b, c.len, now))
				return 0;
			/* a loss of ours is no error of the guest's */
			if (!plan_frame(b, pool, s, &c))
				refuse(b, NETBACK_NO_BUFFER);
			answer(b, s, &c, NETIF_RSP_OKAY);
		}
	}
	return 0;
}

/* Did all of frame @f arrive?  The slots that did not say so. */
static bool arrived(struct pass *s, const struct frame *f)
{
	bool whole = true;

	for (uint32_t i = f->seg; i < f->seg + f->seg_n; i++) {
		if (s->seg[i].status == XEN_OKAY)
			continue;
		s->rsp[s->seg_rsp[i]].status = NETIF_RSP_ERROR;
		whole = false;
	}
	return whole;
}

static void answer_error(struct pass *s, const struct frame *f)
{
	for (uint32_t i = f->rsp; i < f->rsp + f->rsp_n; i++)
		if (s->rsp[i].status != NETIF_RSP_NULL)
			s->rsp[i].status = NETIF_RSP_ERROR;
}

static void hand_over(struct netback *b, struct pkt_pool *pool, struct pass *s,
		      struct pkt_batch *out)
{
	struct port_stats *st = &b->port.stats;

	for (uint32_t i = 0; i < s->frame_n; i++) {
		const struct frame *f = &s->frame[i];

		if (!arrived(s, f)) {
			refuse(b, NETBACK_COPY);
		} else if (!offload_take(f->p, &f->offload)) {
			refuse(b, NETBACK_GSO);
			answer_error(s, f);
		} else {
			st->recv_packets++;
			st->recv_bytes += f->p->len;
			out->p[out->n++] = f->p;
			continue;
		}
		pkt_put(pool, f->p);
	}
}

/* Nothing but what is defined: the rest of a slot is as the guest left it. */
static void publish(struct netback *b, const struct pass *s)
{
	uint32_t from = b->tx_cons - s->rsp_n;

	for (uint32_t i = 0; i < s->rsp_n; i++) {
		union netif_tx_slot *slot =
			&b->tx->slot[(from + i) & NETIF_SLOT_MASK];

		if (s->rsp[i].status == NETIF_RSP_NULL)
			__atomic_store_n(&slot->rsp.status, NETIF_RSP_NULL,
					 __ATOMIC_RELAXED);
		else
			ring_put(slot, &s->rsp[i], sizeof(s->rsp[i]));
	}
	b->tx_tell |= ring_publish(&b->tx->head.rsp_prod,
				   &b->tx->head.rsp_event, from, b->tx_cons);
}

static int recv_frames(struct netback *b, struct pkt_pool *pool,
		       struct pkt_batch *out, struct mono now)
{
	uint32_t n = ring_index(&b->tx->head.req_prod) - b->tx_cons;
	struct pass s;

	if (n > NETIF_SLOTS)
		return netback_die(b, NETBACK_FATAL_INDEX);
	s.seg_n = s.rsp_n = s.frame_n = s.bytes = 0;
	if (gather(b, pool, &s, n, PKT_BATCH - out->n, now)) {
		while (s.frame_n)
			pkt_put(pool, s.frame[--s.frame_n].p);
		return -EPROTO;
	}
	if (!s.rsp_n)
		return 0;
	b->gate.useful = true;
	if (s.seg_n) {
		b->port.stats.syscalls++;
		(void)xen_copy(b->xen, s.seg, s.seg_n, XEN_FROM_PEER);
	}
	hand_over(b, pool, &s, out);
	publish(b, &s);
	return 0;
}

int netback_recv(struct port *port, struct pkt_pool *pool,
		 struct pkt_batch *out, struct mono now)
{
	struct netback *b = netback_of(port);
	int err;

	b->seen = now;
	if (b->dead)
		return -EPROTO;
	netback_tell(b);
	err = netback_deliver(b, now);
	return err ? err : recv_frames(b, pool, out, now);
}
