/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "packet/pkt_parse.h"
#include "packet/pkt_seg.h"
#include "sim/card.h"
#include "xen/net/offload.h"
#include "xen/net/ring.h"

#define FRAME_MAX (65535u + PKT_ETH_LEN)

/* A frame on the rx ring. */
struct frame {
	struct pkt *p; /* NULL: there is none for it */
	struct offload offload;
	bool bad;
};

void card_post(struct card *c)
{
	uint32_t from = c->rx_prod;

	for (; c->rx_prod != c->rx_cons + NETIF_SLOTS; c->rx_prod++) {
		uint32_t at = c->rx_prod & NETIF_SLOT_MASK;
		struct netif_rx_req r = { .gref = c->rx_ref[at] };

		r.id = (uint16_t)(c->habits->counts_ids ? c->next_id++ : at);
		c->rx_id[at] = r.id;
		ring_put(&c->rx->slot[at], &r, sizeof(r));
	}
	if (c->rx_prod != from)
		c->tell_rx |=
			ring_publish(&c->rx->head.req_prod,
				     &c->rx->head.req_event, from, c->rx_prod);
}

static void odd(struct card *c, struct frame *f, enum card_odd why)
{
	c->odd[why]++;
	f->bad = true;
}

static int bad_id(struct card *c)
{
	c->odd[CARD_RX_ID]++;
	return -EPROTO;
}

static void add_piece(struct card *c, struct frame *f,
		      const struct netif_rx_rsp *r, uint32_t at)
{
	struct pkt *p = f->p;
	uint32_t len = r->status < 0 ? 0 : (uint16_t)r->status;

	if (r->status < 0)
		odd(c, f, CARD_RX_REFUSED);
	else if (r->offset + len > XEN_PAGE || p->len + len > FRAME_MAX)
		odd(c, f, CARD_RX_CHAIN);
	if (f->bad || len > p->tail)
		return;
	memcpy(p->data + p->len, c->rx_page + (size_t)at * XEN_PAGE + r->offset,
	       len);
	p->len += len;
	p->tail -= len;
}

/* The extra behind a frame's first answer. */
static void take_extra(struct card *c, struct frame *f, uint32_t at)
{
	struct netif_extra e;

	ring_copy(&e, &c->rx->slot[at & NETIF_SLOT_MASK], sizeof(e));
	f->offload.gso = true;
	f->offload.gso_type = e.gso_type;
	f->offload.gso_size = e.gso_size;
	if (e.type != NETIF_EXTRA_GSO || e.flags)
		odd(c, f, CARD_RX_CHAIN);
	if (!(c->takes & (e.gso_type == NETIF_GSO_TCP6 ? BUS_GSO6 : BUS_GSO4)))
		odd(c, f, CARD_RX_GSO);
}

/* Copies a frame's answers, and steps over them; -EPROTO. */
static int take_answers(struct card *c, struct frame *f, uint32_t end)
{
	struct netif_rx_rsp r = { .flags = NETIF_MORE_DATA };

	for (bool first = true; r.flags & NETIF_MORE_DATA; first = false) {
		uint32_t at = c->rx_cons & NETIF_SLOT_MASK;

		if (c->rx_cons == end)
			return bad_id(c); /* it is published in part */
		ring_copy(&r, &c->rx->slot[at], sizeof(r));
		if (r.id != c->rx_id[at])
			return bad_id(c);
		c->rx_cons++;
		add_piece(c, f, &r, at);
		if (!first)
			continue;
		f->offload.blank = r.flags & NETRX_CSUM_BLANK;
		f->offload.validated = r.flags & NETRX_DATA_VALIDATED;
		if (!(r.flags & NETIF_EXTRA))
			continue;
		if (c->rx_cons == end)
			return bad_id(c);
		take_extra(c, f, c->rx_cons++);
	}
	return 0;
}

/* Is what the flags say of it what we told that we take? */
static void judge(struct card *c, struct frame *f)
{
	bool six = f->p->len > PKT_ETH_LEN && f->p->data[12] == 0x86;

	if (f->offload.blank &&
	    (!f->offload.validated || (six && !(c->takes & BUS_CSUM6))))
		odd(c, f, CARD_RX_BLANK);
	if (!f->bad && !offload_take(f->p, &f->offload))
		odd(c, f, CARD_RX_GSO);
}

/* Segments of the aggregate that is being cut, as far as there is room. */
static void cut(struct card *c, struct pkt_pool *pool, struct pkt_batch *out)
{
	int next = pkt_seg_cut(pool, c->big, c->cut, out);

	c->odd[CARD_NO_BUFFER] += next < 0;
	c->cut = next < 0 ? 0 : (uint32_t)next;
	if (next >= 0 && c->cut < pkt_seg_count(c->big))
		return;
	pkt_put(pool, c->big);
	c->big = NULL;
}

static void hand_on(struct card *c, struct pkt_pool *pool, struct frame *f,
		    struct pkt_batch *out)
{
	struct port_stats *st = &c->port.stats;

	if (f->bad) {
		st->recv_dropped++;
		pkt_put(pool, f->p);
		return;
	}
	st->recv_packets++;
	st->recv_bytes += f->p->len;
	if (c->habits->cuts && f->p->gso_type != PKT_GSO_NONE &&
	    pkt_parse(f->p) == PKT_FORWARD) {
		c->pool = pool;
		c->big = f->p;
		c->cut = 0;
		cut(c, pool, out);
	} else {
		out->p[out->n++] = f->p;
	}
}

int card_recv(struct port *port, struct pkt_pool *pool, struct pkt_batch *out,
	      struct mono now)
{
	struct card *c = (struct card *)(void *)port;
	uint32_t end = ring_index(&c->rx->head.rsp_prod);
	int err = 0;

	(void)now;
	if (!c->enabled)
		return 0;
	if (end - c->rx_cons > c->rx_prod - c->rx_cons)
		return bad_id(c);
	c->gate.useful |= end != c->rx_cons;
	if (c->big)
		cut(c, pool, out);
	while (!err && c->rx_cons != end && !c->big && out->n < PKT_BATCH) {
		struct frame f = { .p = pkt_get(pool, FRAME_MAX) };

		if (!f.p)
			break;
		err = take_answers(c, &f, end);
		if (!err)
			judge(c, &f);
		if (err)
			pkt_put(pool, f.p);
		else
			hand_on(c, pool, &f, out);
	}
	card_post(c);
	card_tell(c);
	return err;
}
