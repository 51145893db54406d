/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "xen/net/netfront_part.h"
#include "xen/net/offload.h"
#include "xen/net/ring.h"

/*
 * How it works: answers lie in the slots of their requests, so the page of an
 * answer is that of its place in the ring.  A frame's answers are copied and
 * judged first, then its bytes, and then all pages of the batch are posted
 * again.
 */
#define FRAME_MAX (65535u + PKT_ETH_LEN) /* the largest IP packet */
#define CHAIN_MAX (NETIF_SLOTS_MIN + 1)
#define FIRST_SMALL 256u /* one more slot is allowed after such a first one */

/* A frame on the rx ring, its answers copied out. */
struct chain {
	struct piece {
		uint16_t page, off, len;
	} piece[CHAIN_MAX];
	uint32_t n, len;
	struct offload offload;
	bool bad;
	enum netfront_fault why;
};

struct walk {
	const struct netif_rx_ring *rx;
	uint32_t at, end;
	bool lied; /* an answer to another request */
};

static void spoil(struct chain *c, enum netfront_fault why)
{
	if (!c->bad)
		c->why = why;
	c->bad = true;
}

static const union netif_rx_slot *next_slot(struct walk *w)
{
	return w->at == w->end ? NULL : &w->rx->slot[w->at++ & NETIF_SLOT_MASK];
}

static void take_extras(struct chain *c, struct walk *w)
{
	struct netif_extra e = { .flags = NETIF_EXTRA_MORE };

	for (uint32_t i = 0; e.flags & NETIF_EXTRA_MORE; i++) {
		const union netif_rx_slot *slot = next_slot(w);

		if (!slot || i == NETIF_EXTRAS_MAX) {
			spoil(c, NETFRONT_RX_EXTRA);
			return;
		}
		ring_copy(&e, slot, sizeof(e));
		if (e.type == NETIF_EXTRA_NONE || e.type >= NETIF_EXTRA_N)
			spoil(c, NETFRONT_RX_EXTRA);
		if (e.type != NETIF_EXTRA_GSO)
			continue;
		c->offload.gso = true;
		c->offload.gso_type = e.gso_type;
		c->offload.gso_size = e.gso_size;
	}
}

static void add_piece(struct chain *c, const struct netif_rx_rsp *r,
		      uint32_t page)
{
	uint32_t most = NETIF_SLOTS_MIN;

	if (r->status < 0) {
		spoil(c, NETFRONT_RX_REFUSED);
		return;
	}
	if (c->n && c->piece[0].len <= FIRST_SMALL)
		most = CHAIN_MAX;
	if (c->n == most ||
	    (uint32_t)r->offset + (uint16_t)r->status > XEN_PAGE ||
	    (!c->n && r->status < (int)NETIF_FIRST_MIN)) {
		spoil(c, NETFRONT_RX_CHAIN);
		return;
	}
	c->piece[c->n++] = (struct piece){ (uint16_t)page, r->offset,
					   (uint16_t)r->status };
	c->len += (uint16_t)r->status;
}

/* One answer; its flags. */
static uint16_t take_answer(struct chain *c, struct walk *w)
{
	uint32_t page = w->at & NETIF_SLOT_MASK;
	const union netif_rx_slot *slot = next_slot(w);
	struct netif_rx_rsp r;

	if (!slot) {
		spoil(c, NETFRONT_RX_CHAIN);
		return 0;
	}
	ring_copy(&r, slot, sizeof(r));
	if (r.id != page)
		w->lied = true;
	add_piece(c, &r, page);
	return r.flags;
}

static void take_chain(struct chain *c, struct walk *w)
{
	uint16_t flags;

	c->n = c->len = 0;
	c->bad = false;
	flags = take_answer(c, w);
	c->offload = (struct offload){
		.blank = flags & NETRX_CSUM_BLANK,
		.validated = flags & NETRX_DATA_VALIDATED,
	};
	if (flags & NETIF_EXTRA)
		take_extras(c, w);
	/* to its end also when it is spoilt: at most the ring */
	while (flags & NETIF_MORE_DATA && !w->lied)
		flags = take_answer(c, w);
	if (c->len > FRAME_MAX)
		spoil(c, NETFRONT_RX_CHAIN);
}

static void copy_frame(const struct netfront *f, const struct chain *c,
		       struct pkt *p)
{
	for (uint32_t i = 0; i < c->n; i++) {
		const struct piece *at = &c->piece[i];

		memcpy(p->data + p->len,
		       f->rx_page + (size_t)at->page * XEN_PAGE + at->off,
		       at->len);
		p->len += at->len;
	}
	p->tail -= p->len;
	p->in = f->port.id;
}

/* The frame of chain @c, or NULL, and why is in @c. */
static struct pkt *take_frame(struct netfront *f, struct pkt_pool *pool,
			      struct chain *c)
{
	struct pkt *p;

	if (c->bad)
		return NULL;
	p = pkt_get(pool, c->len);
	if (!p) {
		spoil(c, NETFRONT_NO_BUFFER);
		return NULL;
	}
	copy_frame(f, c, p);
	if (offload_take(p, &c->offload))
		return p;
	spoil(c, NETFRONT_RX_GSO);
	pkt_put(pool, p);
	return NULL;
}

void netfront_post(struct netfront *f)
{
	uint32_t from = f->rx_prod;

	for (; f->rx_prod != f->rx_cons + NETIF_SLOTS; f->rx_prod++) {
		uint32_t page = f->rx_prod & NETIF_SLOT_MASK;
		struct netif_rx_req r = { .id = (uint16_t)page,
					  .gref = f->rx_ref[page] };

		ring_put(&f->rx->slot[page], &r, sizeof(r));
	}
	if (f->rx_prod != from)
		f->tell |=
			ring_publish(&f->rx->head.req_prod,
				     &f->rx->head.req_event, from, f->rx_prod);
}

static int recv_frames(struct netfront *f, struct pkt_pool *pool,
		       struct pkt_batch *out)
{
	struct walk w = { .rx = f->rx,
			  .at = f->rx_cons,
			  .end = ring_index(&f->rx->head.rsp_prod) };
	struct port_stats *st = &f->port.stats;
	uint32_t bytes = 0;
	struct chain c;

	if (w.end - f->rx_cons > f->rx_prod - f->rx_cons)
		return netfront_die(f, NETFRONT_FATAL_INDEX, -EPROTO);
	while (w.at != w.end && out->n < PKT_BATCH &&
	       bytes < NETIF_TURN_BYTES) {
		struct pkt *p;

		take_chain(&c, &w);
		if (w.lied)
			return netfront_die(f, NETFRONT_FATAL_ID, -EPROTO);
		p = take_frame(f, pool, &c);
		if (!p) {
			netfront_count(f, c.why);
			st->recv_dropped++;
			st->recv_starved += c.why == NETFRONT_NO_BUFFER;
			continue;
		}
		bytes += p->len;
		st->recv_packets++;
		st->recv_bytes += p->len;
		out->p[out->n++] = p;
	}
	if (w.at != f->rx_cons)
		f->gate.useful = true;
	f->rx_cons = w.at;
	netfront_post(f);
	return 0;
}

int netfront_recv(struct port *port, struct pkt_pool *pool,
		  struct pkt_batch *out, struct mono now)
{
	struct netfront *f = netfront_of(port);
	int err = f->dead;

	f->seen = now;
	if (!err)
		err = netfront_reap(f);
	if (!err && f->looks >= NETFRONT_HUNG_LOOKS &&
	    f->answered == f->tx_cons)
		err = netfront_die(f, NETFRONT_HUNG, -ETIMEDOUT);
	if (!err)
		err = recv_frames(f, pool, out);
	if (!err)
		netfront_tell(f);
	return err;
}
