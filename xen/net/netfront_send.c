/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "xen/net/netfront_part.h"
#include "xen/net/offload.h"
#include "xen/net/ring.h"

/* ---- what the backend answered ------------------------------------------- */

static void take_id(struct netfront *f, uint16_t id, uint16_t sender,
		    uint16_t slots)
{
	f->out[id / 64] |= 1ull << id % 64;
	f->debt[id] = (struct netfront_debt){ sender, slots };
	f->held[sender] += slots;
}

/* False: the backend did not have it. */
static bool give_id(struct netfront *f, uint16_t id)
{
	uint64_t bit = 1ull << id % 64;

	if (id >= NETFRONT_PAGES || !(f->out[id / 64] & bit))
		return false;
	f->out[id / 64] &= ~bit;
	f->held[f->debt[id].sender] -= f->debt[id].slots;
	f->free_id[f->free_n++] = id;
	return true;
}

static bool reap_one(struct netfront *f, const struct netif_tx_rsp *r)
{
	if (r->status == NETIF_RSP_NULL) {
		if (!f->extra_n)
			return false;
		f->extra_n--;
		return true;
	}
	if (r->status != NETIF_RSP_OKAY)
		netfront_count(f, NETFRONT_TX_REFUSED);
	return give_id(f, r->id);
}

int netfront_reap(struct netfront *f)
{
	uint32_t prod = ring_index(&f->tx->head.rsp_prod);

	if (prod - f->tx_cons > f->tx_prod - f->tx_cons)
		return netfront_die(f, NETFRONT_FATAL_INDEX, -EPROTO);
	if (prod != f->tx_cons)
		f->gate.useful = true;
	for (; f->tx_cons != prod; f->tx_cons++) {
		struct netif_tx_rsp r;

		ring_copy(&r, &f->tx->slot[f->tx_cons & NETIF_SLOT_MASK],
			  sizeof(r));
		if (!reap_one(f, &r))
			return netfront_die(f, NETFRONT_FATAL_ID, -EPROTO);
	}
	return 0;
}

/* ---- what we ask it to send ---------------------------------------------- */

static bool is_gso(const struct pkt *p)
{
	return p->gso_type != PKT_GSO_NONE;
}

static uint32_t data_slots(const struct pkt *p)
{
	return (p->len + XEN_PAGE - 1) / XEN_PAGE;
}

/* Never true when the path goes by the port's caps and mtu. */
static bool too_big(const struct netfront *f, const struct pkt *p)
{
	static const uint8_t need[PKT_GSO_N] = {
		[PKT_GSO_TCP4] = NETFRONT_GSO4, [PKT_GSO_TCP6] = NETFRONT_GSO6
	};
	uint32_t most = f->can & NETFRONT_SG ? NETIF_FRAME_MAX : XEN_PAGE;

	return p->len > most ||
	       (f->can & need[p->gso_type]) != need[p->gso_type];
}

static uint16_t sender_of(const struct pkt *p)
{
	return p->in % NETFRONT_SENDERS;
}

/* Slots of the ring, and pages: extras of the backend's may hold more slots. */
static bool has_room(const struct netfront *f, const struct pkt *p)
{
	uint32_t used = f->tx_prod - f->tx_cons;

	return data_slots(p) + is_gso(p) <= NETIF_SLOTS - used &&
	       data_slots(p) <= f->free_n;
}

/* Of what is free.  Frames of ours (ARP and the like) are few. */
static bool within_share(const struct netfront *f, const struct pkt *p)
{
	uint32_t used = f->tx_prod - f->tx_cons, left = NETIF_SLOTS - used;
	uint32_t need = data_slots(p) + is_gso(p);

	if (left > f->free_n)
		left = f->free_n;
	return p->in == f->port.id ||
	       f->held[sender_of(p)] + need <= NETFRONT_SHARE * left;
}

static void put_slot(struct netfront *f, const void *slot)
{
	ring_put(&f->tx->slot[f->tx_prod++ & NETIF_SLOT_MASK], slot,
		 sizeof(union netif_tx_slot));
}

/* @size: what the protocol wants to hear, of the frame or of this slot. */
static void put_data(struct netfront *f, const uint8_t *from, uint32_t len,
		     uint32_t size, uint16_t flags, uint16_t sender)
{
	uint16_t id = f->free_id[--f->free_n];
	union netif_tx_slot slot = { .req = {
					     .gref = f->tx_ref[id],
					     .flags = flags,
					     .id = id,
					     .size = (uint16_t)size,
				     } };

	take_id(f, id, sender, flags & NETIF_EXTRA ? 2 : 1);
	memcpy(f->tx_page + (size_t)id * XEN_PAGE, from, len);
	put_slot(f, &slot);
}

static void put_extra(struct netfront *f, const struct pkt *p)
{
	union netif_tx_slot slot = { .req = { 0 } };

	slot.extra = offload_extra(p);
	f->extra_n++;
	put_slot(f, &slot);
}

/* Pages are filled up, so the first has all headers (XSA-423). */
static void put_frame(struct netfront *f, const struct pkt *p)
{
	uint16_t flags = offload_tx_flags(p) | (is_gso(p) ? NETIF_EXTRA : 0);

	for (uint32_t at = 0; at < p->len; at += XEN_PAGE) {
		uint32_t left = p->len - at;
		uint32_t len = left < XEN_PAGE ? left : XEN_PAGE;

		if (left > len)
			flags |= NETIF_MORE_DATA;
		put_data(f, p->data + at, len, at ? len : p->len, flags,
			 sender_of(p));
		if (!at && is_gso(p))
			put_extra(f, p);
		flags = 0;
	}
}

static void send_frame(struct netfront *f, struct pkt *p)
{
	struct port_stats *st = &f->port.stats;

	if (p->l3 == PKT_L3_IP6 && !(f->can & NETFRONT_CSUM6))
		pkt_csum_complete(p);
	if (too_big(f, p)) {
		netfront_count(f, NETFRONT_TX_BIG);
		st->send_dropped++;
	} else if (!has_room(f, p)) {
		netfront_count(f, NETFRONT_TX_FULL);
		st->send_dropped++;
	} else if (!within_share(f, p)) {
		netfront_count(f, NETFRONT_TX_SHARE);
		st->send_dropped++;
	} else {
		put_frame(f, p);
		st->send_packets++;
		st->send_bytes += p->len;
	}
}

/* The clock of its silence runs from the first frame that it owes us. */
static void expect_answers(struct netfront *f, struct mono now)
{
	if (f->tx_prod != f->tx_cons)
		return;
	f->looks = 0;
	f->answered = f->tx_cons;
	f->look = mono_add_ms(now, NETFRONT_LOOK_MS);
}

int netfront_send(struct port *port, struct pkt_pool *pool,
		  struct pkt_batch *in, struct mono now)
{
	struct netfront *f = netfront_of(port);
	int err = f->dead ? f->dead : netfront_reap(f);
	uint32_t from = f->tx_prod;

	f->seen = now;
	if (!err)
		expect_answers(f, now);
	for (uint32_t i = 0; i < in->n; i++) {
		if (err)
			port->stats.send_dropped++;
		else
			send_frame(f, in->p[i]);
		pkt_put(pool, in->p[i]);
	}
	in->n = 0;
	if (err)
		return err;
	if (f->tx_prod != from)
		f->tell |=
			ring_publish(&f->tx->head.req_prod,
				     &f->tx->head.req_event, from, f->tx_prod);
	netfront_tell(f);
	return 0;
}
