/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "packet/pkt_parse.h"
#include "sim/card.h"
#include "xen/net/offload.h"
#include "xen/net/ring.h"

/* ---- answers ------------------------------------------------------------- */

static int reap_one(struct card *c, const struct netif_tx_rsp *r)
{
	if (r->status == NETIF_RSP_NULL) {
		c->odd[CARD_ANSWER] += !c->extra_n;
		return c->extra_n-- ? 0 : -EPROTO;
	}
	if (r->id >= CARD_BLOCKS || !c->out[r->id]) {
		c->odd[CARD_ANSWER]++;
		return -EPROTO;
	}
	c->out[r->id] = false;
	c->free[c->free_n++] = r->id;
	if (r->status == NETIF_RSP_OKAY)
		return 0;
	c->odd[CARD_REFUSED]++;
	return c->habits->strict ? -EPROTO : 0;
}

static int reap(struct card *c)
{
	uint32_t prod = ring_index(&c->tx->head.rsp_prod);
	struct netif_tx_rsp r;
	int err = 0;

	if (prod - c->tx_cons > c->tx_prod - c->tx_cons) {
		c->odd[CARD_ANSWER]++;
		return -EPROTO;
	}
	c->gate.useful |= prod != c->tx_cons;
	for (; !err && c->tx_cons != prod; c->tx_cons++) {
		ring_copy(&r, &c->tx->slot[c->tx_cons & NETIF_SLOT_MASK],
			  sizeof(r));
		err = reap_one(c, &r);
	}
	return err;
}

/* ---- requests ------------------------------------------------------------ */

static bool is_gso(const struct pkt *p)
{
	return p->gso_type != PKT_GSO_NONE;
}

/* Slots of @p at most: one that leans needs one more, and so do headers. */
static uint32_t slots(const struct card *c, const struct pkt *p)
{
	return p->len / c->habits->block + 3 + is_gso(p);
}

uint32_t card_room(const struct card *c, const struct pkt_batch *b)
{
	uint32_t left = NETIF_SLOTS - (c->tx_prod - c->tx_cons);
	uint32_t i = 0;

	if (!c->enabled)
		return 0;
	left = left < c->free_n ? left : c->free_n;
	for (; i < b->n; i++) {
		uint32_t need = slots(c, b->p[i]);

		if (need > left)
			break;
		left -= need;
	}
	return i;
}

static void put_slot(struct card *c, const union netif_tx_slot *s)
{
	ring_put(&c->tx->slot[c->tx_prod++ & NETIF_SLOT_MASK], s, sizeof(*s));
}

/* @len bytes, @off into a block; @size: what the protocol wants to hear. */
static void put_piece(struct card *c, const uint8_t *from, uint32_t off,
		      uint32_t len, uint32_t size, uint16_t flags)
{
	uint16_t id = c->free[--c->free_n];
	uint32_t at = id * c->habits->block + off;

	memcpy(c->tx_page + at, from, len);
	c->out[id] = true;
	put_slot(c, &(union netif_tx_slot){
			    .req = { .gref = c->tx_ref[at / XEN_PAGE],
				     .offset = (uint16_t)(at % XEN_PAGE),
				     .flags = flags,
				     .id = id,
				     .size = (uint16_t)size } });
}

static void put_extra(struct card *c, const struct pkt *p)
{
	union netif_tx_slot s = { .req = { 0 } };

	s.extra = offload_extra(p);
	c->extra_n++;
	put_slot(c, &s);
}

/* How much of @p is in its first slot. */
static uint32_t first_len(const struct card *c, struct pkt *p)
{
	uint32_t most = c->habits->block;

	if (c->habits->headers_apart && pkt_parse(p) == PKT_FORWARD &&
	    !(p->flags & PKT_F_FRAG) && p->kind != PKT_KIND_NONE)
		return p->pay_off;
	return p->len < most ? p->len : most;
}

static void put_frame(struct card *c, struct pkt *p)
{
	uint32_t len = first_len(c, p), at = len, off = c->habits->lean;
	bool more = p->len > len;

	put_piece(c, p->data, 0, len, p->len,
		  offload_tx_flags(p) | (is_gso(p) ? NETIF_EXTRA : 0) |
			  (more ? NETIF_MORE_DATA : 0));
	if (is_gso(p))
		put_extra(c, p);
	for (; at < p->len; at += len, off = 0) {
		uint32_t left = p->len - at;

		len = c->habits->block - off;
		len = left < len ? left : len;
		put_piece(c, p->data + at, off, len, len,
			  left > len ? NETIF_MORE_DATA : 0);
	}
}

int card_send(struct port *port, struct pkt_pool *pool, struct pkt_batch *in,
	      struct mono now)
{
	struct card *c = (struct card *)(void *)port;
	uint32_t from = c->tx_prod, room;
	int err = reap(c);

	(void)now;
	room = err ? 0 : card_room(c, in);
	for (uint32_t i = 0; i < in->n; i++) {
		if (i < room) {
			put_frame(c, in->p[i]);
			port->stats.send_packets++;
			port->stats.send_bytes += in->p[i]->len;
		} else {
			port->stats.send_dropped++;
		}
		pkt_put(pool, in->p[i]);
	}
	in->n = 0;
	if (c->tx_prod != from)
		c->tell_tx |=
			ring_publish(&c->tx->head.req_prod,
				     &c->tx->head.req_event, from, c->tx_prod);
	card_tell(c);
	return err;
}
