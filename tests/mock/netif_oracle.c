/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "mock/netif_oracle.h"

/* Without an answer the index is as it was, even if the peer changed it. */
static bool same_head(const struct netif_ring *a, const struct netif_ring *b,
		      uint32_t from, uint32_t to)
{
	uint32_t rsp_prod = from == to ? a->rsp_prod : to;

	return a->req_prod == b->req_prod && a->rsp_event == b->rsp_event &&
	       b->rsp_prod == rsp_prod && !memcmp(a->pad, b->pad, 48);
}

/* ---- tx ------------------------------------------------------------------ */

struct tx_walk {
	const struct netif_tx_ring *before, *after;
	uint32_t at, end;
	union netif_tx_slot was; /* the one that was passed last */
};

/* The next slot was answered, and as an extra if it is one. */
static bool tx_pass(struct tx_walk *w, bool extra)
{
	union netif_tx_slot want, is;

	if (w->at == w->end)
		return false;
	w->was = want = w->before->slot[w->at % NETIF_SLOTS];
	is = w->after->slot[w->at % NETIF_SLOTS];
	w->at++;
	want.rsp.status = is.rsp.status;
	if (extra)
		return is.rsp.status == NETIF_RSP_NULL &&
		       !memcmp(&want, &is, sizeof(is));
	want.rsp.id = w->was.req.id;
	return (is.rsp.status == NETIF_RSP_OKAY ||
		is.rsp.status == NETIF_RSP_ERROR) &&
	       !memcmp(&want, &is, sizeof(is));
}

static bool tx_frame(struct tx_walk *w)
{
	bool more, extra, filter = false;

	if (!tx_pass(w, false))
		return false;
	more = w->was.req.flags & NETIF_MORE_DATA;
	extra = w->was.req.flags & NETIF_EXTRA;
	while (extra) {
		if (!tx_pass(w, true))
			return false;
		filter |= w->was.extra.type == NETIF_EXTRA_MCAST_ADD ||
			  w->was.extra.type == NETIF_EXTRA_MCAST_DEL;
		extra = w->was.extra.flags & NETIF_EXTRA_MORE;
	}
	while (more && !filter) {
		if (!tx_pass(w, false))
			return false;
		more = w->was.req.flags & NETIF_MORE_DATA;
	}
	return true;
}

bool oracle_tx(const struct netif_tx_ring *before,
	       const struct netif_tx_ring *after, uint32_t from, uint32_t to)
{
	struct tx_walk w = { .before = before, .after = after, .at = from };

	if (to - from > NETIF_SLOTS)
		return false;
	w.end = to;
	while (w.at != to)
		if (!tx_frame(&w))
			return false;
	for (; w.at != from + NETIF_SLOTS; w.at++)
		if (memcmp(&before->slot[w.at % NETIF_SLOTS],
			   &after->slot[w.at % NETIF_SLOTS],
			   sizeof(before->slot[0])) != 0)
			return false;
	return same_head(&before->head, &after->head, from, to);
}

/* ---- rx ------------------------------------------------------------------ */

/* The answer at @at, paired with the request that was there; false: it lies. */
static bool rx_pass(const struct netif_rx_ring *before,
		    const struct netif_rx_ring *after, uint32_t at,
		    struct netif_rx_rsp *out)
{
	*out = after->slot[at % NETIF_SLOTS].rsp;
	return out->id == before->slot[at % NETIF_SLOTS].req.id &&
	       !out->offset && out->status && out->status >= NETIF_RSP_ERROR &&
	       out->status <= 4096;
}

static bool rx_extra(const struct netif_rx_ring *after, uint32_t at)
{
	const struct netif_extra *e = &after->slot[at % NETIF_SLOTS].extra;

	return e->type == NETIF_EXTRA_GSO && !e->flags && e->gso_size &&
	       !e->pad && !e->gso_features &&
	       (e->gso_type == NETIF_GSO_TCP4 || e->gso_type == NETIF_GSO_TCP6);
}

bool oracle_rx(const struct netif_rx_ring *before,
	       const struct netif_rx_ring *after, uint32_t from, uint32_t to,
	       uint32_t *frames)
{
	struct netif_rx_rsp r;
	uint32_t at = from;

	*frames = 0;
	if (to - from > NETIF_SLOTS)
		return false;
	while (at != to) {
		if (!rx_pass(before, after, at++, &r))
			return false;
		if (r.flags & NETIF_EXTRA &&
		    (at == to || !rx_extra(after, at++)))
			return false;
		while (r.flags & NETIF_MORE_DATA)
			if (at == to || !rx_pass(before, after, at++, &r) ||
			    r.flags & ~NETIF_MORE_DATA)
				return false;
		++*frames;
	}
	for (; at != from + NETIF_SLOTS; at++)
		if (memcmp(&before->slot[at % NETIF_SLOTS],
			   &after->slot[at % NETIF_SLOTS],
			   sizeof(before->slot[0])) != 0)
			return false;
	return same_head(&before->head, &after->head, from, to);
}
