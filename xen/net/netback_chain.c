/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xen/net/netback_chain.h"
#include "xen/net/ring.h"

struct walk {
	const struct netif_tx_ring *tx;
	uint32_t at, left; /* next slot, and how many there are */
	bool filter;	   /* an extra about multicast: no frame at all */
	bool over;	   /* slots hold more than the frame */
};

static bool next_slot(struct walk *w, void *out, size_t len)
{
	if (!w->left)
		return false;
	ring_copy(out, &w->tx->slot[w->at & NETIF_SLOT_MASK], len);
	w->at++;
	w->left--;
	return true;
}

static enum netback_grade grade(struct netback_chain *c, enum netback_grade g,
				enum netback_fault f)
{
	c->fault = f;
	return g;
}

static bool crosses_page(const struct netif_tx_req *r)
{
	return (uint32_t)r->offset + r->size > XEN_PAGE;
}

/* Of two of a kind the last one counts. */
static enum netback_grade take_extras(struct netback_chain *c, struct walk *w)
{
	struct netif_extra e;

	do {
		if (c->extra_n == NETIF_EXTRAS_MAX ||
		    !next_slot(w, &e, sizeof(e)) ||
		    e.type == NETIF_EXTRA_NONE || e.type >= NETIF_EXTRA_N)
			return grade(c, NETBACK_DIE, NETBACK_FATAL_EXTRA);
		c->extra_n++;
		if (e.type == NETIF_EXTRA_GSO) {
			c->offload.gso = true;
			c->offload.gso_type = e.gso_type;
			c->offload.gso_size = e.gso_size;
		} else if (e.type == NETIF_EXTRA_MCAST_ADD ||
			   e.type == NETIF_EXTRA_MCAST_DEL) {
			w->filter = true;
		}
	} while (e.flags & NETIF_EXTRA_MORE);
	return NETBACK_TAKE;
}

/* What they hold is taken from the first slot, which came with the sum. */
static enum netback_grade take_rest(struct netback_chain *c, struct walk *w)
{
	struct netif_tx_req *first = &c->req[0];
	struct netif_tx_req *r = first;

	while (r->flags & NETIF_MORE_DATA) {
		r = &c->req[c->req_n];
		if (c->req_n == NETBACK_CHAIN_MAX ||
		    !next_slot(w, r, sizeof(*r)))
			return grade(c, NETBACK_DIE, NETBACK_FATAL_CHAIN);
		c->req_n++;
		if (crosses_page(r))
			return grade(c, NETBACK_DIE, NETBACK_FATAL_PAGE);
		if (r->size > first->size)
			w->over = true;
		else if (!w->over)
			first->size = (uint16_t)(first->size - r->size);
	}
	return NETBACK_TAKE;
}

enum netback_grade netback_chain_take(struct netback_chain *c,
				      const struct netif_tx_ring *tx,
				      uint32_t at, uint32_t n)
{
	struct walk w = { .tx = tx, .at = at, .left = n };
	struct netif_tx_req *first = &c->req[0];
	enum netback_grade g = NETBACK_TAKE;

	(void)next_slot(&w, first, sizeof(*first));
	c->req_n = 1;
	c->extra_n = 0;
	c->len = first->size;
	c->offload = (struct offload){
		.blank = first->flags & NETTX_CSUM_BLANK,
		.validated = first->flags & NETTX_DATA_VALIDATED,
	};
	if (first->flags & NETIF_EXTRA)
		g = take_extras(c, &w);
	if (g == NETBACK_TAKE && w.filter) /* has no data */
		return grade(c, NETBACK_DROP, NETBACK_EXTRA);
	if (g == NETBACK_TAKE)
		g = take_rest(c, &w);
	if (g != NETBACK_TAKE)
		return g;
	if (c->req_n > NETBACK_CHAIN_OK)
		return grade(c, NETBACK_DROP, NETBACK_CHAIN_LONG);
	if (w.over)
		return grade(c, NETBACK_DROP, NETBACK_FRAG_SUM);
	if (first->size < NETIF_FIRST_MIN)
		return grade(c, NETBACK_DROP, NETBACK_FIRST_SHORT);
	if (crosses_page(first))
		return grade(c, NETBACK_DIE, NETBACK_FATAL_PAGE);
	return NETBACK_TAKE;
}
