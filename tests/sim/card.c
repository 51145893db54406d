/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "sim/card.h"
#include "xen/net/ring.h"

/* As netfront_open() leaves them: nothing was asked, one answer is waited for.
 */
static int share_ring(struct card *c, uint16_t dom, uint32_t *ref, void **out)
{
	int err = xen_share(c->xen, dom, 1, true, ref, out);
	struct netif_ring *head = *out;

	if (!err)
		head->req_event = head->rsp_event = 1;
	return err;
}

static int share_all(struct card *c, uint16_t dom, struct walk_keys *k)
{
	void *tx = NULL, *rx = NULL, *tx_page = NULL, *rx_page = NULL;
	int err = share_ring(c, dom, &k->tx_ref, &tx);

	if (!err)
		err = share_ring(c, dom, &k->rx_ref, &rx);
	if (!err)
		err = xen_share(c->xen, dom, NETIF_SLOTS, false, c->tx_ref,
				&tx_page);
	if (!err)
		err = xen_share(c->xen, dom, NETIF_SLOTS, true, c->rx_ref,
				&rx_page);
	c->tx = tx;
	c->rx = rx;
	c->tx_page = tx_page;
	c->rx_page = rx_page;
	return err;
}

static int make_channels(struct card *c, uint16_t dom, struct walk_keys *k)
{
	struct gate *g = &c->gate;

	for (uint32_t n = c->habits->split ? 2 : 1; g->port_n < n;) {
		int err = xen_evt_alloc(c->xen, dom, &g->port[g->port_n]);

		if (err)
			return err;
		g->port_n++;
	}
	k->tx_evt = g->port[0];
	k->rx_evt = g->port[g->port_n - 1];
	return 0;
}

/* Pages of @n, of which a domain that ends gives back what it has. */
static void unshare(struct card *c, void *at, uint32_t n)
{
	if (at)
		xen_unshare(c->xen, at, n);
}

static void card_close(struct port *port)
{
	struct card *c = (struct card *)(void *)port;

	if (c->big)
		pkt_put(c->pool, c->big);
	c->big = NULL;
	gate_close(&c->gate, c->xen);
	unshare(c, c->rx_page, NETIF_SLOTS);
	unshare(c, c->tx_page, NETIF_SLOTS);
	unshare(c, c->rx, 1);
	unshare(c, c->tx, 1);
	c->tx = NULL;
	c->rx = NULL;
}

static bool card_arm(struct port *port)
{
	return card_rest((struct card *)(void *)port);
}

static const struct port_ops card_ops = {
	.name = "card",
	.recv = card_recv,
	.send = card_send,
	.arm = card_arm,
	.close = card_close,
};

/* What its stack may leave to it: what the backend takes. */
static uint8_t caps(const struct habits *h, uint8_t can)
{
	uint8_t all = (can & BUS_CSUM6 ? PORT_CSUM : 0) |
		      (can & BUS_GSO4 ? PORT_GSO4 : 0) |
		      (can & BUS_GSO6 ? PORT_GSO6 : 0);

	return h->leaves & all;
}

int card_open(struct card *c, struct xen *x, const struct bus_uplink *u,
	      const struct habits *h, struct walk_keys *keys)
{
	uint16_t blocks = (uint16_t)(NETIF_SLOTS * XEN_PAGE / h->block);
	int err;

	*c = (struct card){
		.port = { .ops = &card_ops,
			  .mac = u->mac,
			  .mtu = c->port.mtu,
			  .caps = caps(h, u->can),
			  .wake_fd = -1 },
		.habits = h,
		.xen = x,
		.takes = habits_can(h),
	};
	for (uint16_t i = 0; i < blocks; i++)
		c->free[c->free_n++] = i;
	err = share_all(c, u->id.dom, keys);
	if (!err)
		err = make_channels(c, u->id.dom, keys);
	if (err)
		card_close(&c->port);
	return err;
}

void card_enable(struct card *c)
{
	c->enabled = true;
	card_post(c);
	card_tell(c);
}

void card_event(struct card *c)
{
	gate_event(&c->gate);
}

/* With split channels each ring has its own. */
void card_tell(struct card *c)
{
	const uint32_t *port = c->gate.port;
	uint32_t last = c->gate.port_n - 1;

	if (c->tell_tx || (!last && c->tell_rx))
		(void)xen_evt_notify(c->xen, port[0]);
	if (last && c->tell_rx)
		(void)xen_evt_notify(c->xen, port[last]);
	c->tell_tx = c->tell_rx = false;
}

/* It wants to hear of each answer, on both rings. */
bool card_rest(struct card *c)
{
	struct gate *g = &c->gate;
	bool more = c->big != NULL;

	if (!c->enabled)
		return false;
	more |= ring_ask(&c->tx->head.rsp_event, &c->tx->head.rsp_prod,
			 c->tx_cons + 1);
	more |= ring_ask(&c->rx->head.rsp_event, &c->rx->head.rsp_prod,
			 c->rx_cons + 1);
	if (more || !g->masked)
		return more;
	c->odd[CARD_EVENT] += !g->useful;
	g->useful = g->masked = false;
	(void)xen_evt_unmask(c->xen, g->port, g->port_n);
	return false;
}

const char *card_odd_name(enum card_odd o)
{
	static const char *const names[CARD_ODD_N] = {
		[CARD_REFUSED] = "refused",   [CARD_ANSWER] = "answer",
		[CARD_RX_ID] = "rx-id",	      [CARD_RX_REFUSED] = "rx-refused",
		[CARD_RX_CHAIN] = "rx-chain", [CARD_RX_BLANK] = "rx-blank",
		[CARD_RX_GSO] = "rx-gso",     [CARD_NO_BUFFER] = "no-buffer",
		[CARD_EVENT] = "event",
	};

	return names[o];
}
