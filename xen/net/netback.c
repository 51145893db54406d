/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xen/net/netback.h"

#include <errno.h>

#include "xen/net/netback_part.h"
#include "xen/net/ring.h"

#define NEVER ((struct mono){ UINT64_MAX })
#define MTU_ONE_SLOT 1500u

int netback_die(struct netback *b, enum netback_fault f)
{
	netback_count(b, f);
	b->dead = true;
	return -EPROTO;
}

void netback_tell(struct netback *b)
{
	const struct gate *g = &b->gate;
	uint32_t tx = g->port[0], rx = g->port[g->port_n - 1];

	if (b->tx_tell || (b->rx_tell && rx == tx)) {
		b->port.stats.syscalls++;
		(void)xen_evt_notify(b->xen, tx);
	}
	if (b->rx_tell && rx != tx) {
		b->port.stats.syscalls++;
		(void)xen_evt_notify(b->xen, rx);
	}
	b->tx_tell = b->rx_tell = false;
}

/* ---- sleeping and time --------------------------------------------------- */

void netback_event(struct netback *b)
{
	gate_event(&b->gate);
}

/*
 * Asks the guest for an event at its next frame, unless it has no credit, and
 * at the slot that completes what the oldest waiting frame needs.  True: that
 * is there already.
 */
static bool ask(struct netback *b)
{
	bool more = false;

	if (!b->starved)
		more = ring_ask(&b->tx->head.req_event, &b->tx->head.req_prod,
				b->tx_cons + 1);
	if (b->queue.n) {
		uint32_t need = netback_slots(netback_queue_at(&b->queue, 0));

		more |= ring_ask(&b->rx->head.req_event, &b->rx->head.req_prod,
				 b->rx_cons + need);
	}
	return more;
}

static bool netback_arm(struct port *port)
{
	struct netback *b = netback_of(port);

	if (b->dead)
		return false;
	netback_tell(b);
	if (ask(b))
		return true;
	if (gate_rest(&b->gate, b->xen, b->seen))
		netback_count(b, NETBACK_EVENT);
	return false;
}

static void sooner(struct mono *t, struct mono than)
{
	if (than.ns < t->ns)
		*t = than;
}

/* A poll at @at: now if it is time. */
static void poll_at(struct mono at, struct mono now, struct mono *next,
		    bool *wake)
{
	if (mono_past(at, now))
		*wake = true;
	else
		sooner(next, at);
}

struct mono netback_tick(struct netback *b, struct mono now, bool *wake)
{
	struct mono next;

	if (b->dead)
		return NEVER;
	next = gate_tick(&b->gate, b->xen, now);
	netback_queue_age(b, now);
	if (b->queue.n)
		sooner(&next, mono_add_ms(b->queue.since[b->queue.at],
					  NETBACK_AGE_MS));
	if (b->queue.n && !(b->conf.can & NETBACK_RX_NOTIFY))
		poll_at(mono_add_ms(b->seen, NETBACK_POLL_MS), now, &next,
			wake);
	if (b->starved)
		poll_at((struct mono){ b->refilled.ns +
				       b->conf.rate_us * 1000ull },
			now, &next, wake);
	return next;
}

/* ---- connecting ---------------------------------------------------------- */

static void unmap_rings(struct netback *b)
{
	if (b->tx)
		xen_unmap(b->xen, b->tx, 1);
	if (b->rx)
		xen_unmap(b->xen, b->rx, 1);
	b->tx = NULL;
	b->rx = NULL;
}

static void netback_close(struct port *port)
{
	struct netback *b = netback_of(port);

	while (b->queue.n)
		pkt_put(b->queue.pool, netback_queue_take(&b->queue));
	gate_close(&b->gate, b->xen);
	unmap_rings(b);
}

static const struct port_ops netback_ops = {
	.name = "netback",
	.recv = netback_recv,
	.send = netback_send,
	.arm = netback_arm,
	.close = netback_close,
};

static int map_ring(struct netback *b, uint32_t ref, void **out)
{
	return xen_map(b->xen, b->conf.dom, &ref, 1, out);
}

static int map_rings(struct netback *b)
{
	void *tx, *rx;
	int err = map_ring(b, b->conf.tx_ref, &tx);

	if (err)
		return err;
	b->tx = tx;
	err = map_ring(b, b->conf.rx_ref, &rx);
	if (err)
		return err;
	b->rx = rx;
	return 0;
}

static int bind_one(struct netback *b, uint32_t evt)
{
	uint32_t *at = &b->gate.port[b->gate.port_n];
	int err = xen_evt_bind(b->xen, b->conf.dom, evt, at);

	b->gate.port_n += !err;
	return err;
}

static int bind_events(struct netback *b)
{
	int err = bind_one(b, b->conf.tx_evt);

	if (!err && b->conf.rx_evt != b->conf.tx_evt)
		err = bind_one(b, b->conf.rx_evt);
	return err;
}

/* Goes on from the answers that the guest has seen. */
static int attach(struct netback *b)
{
	uint32_t tx_prod = ring_index(&b->tx->head.req_prod);
	uint32_t rx_prod = ring_index(&b->rx->head.req_prod);

	b->tx_cons = ring_index(&b->tx->head.rsp_prod);
	b->rx_cons = ring_index(&b->rx->head.rsp_prod);
	if (tx_prod - b->tx_cons > NETIF_SLOTS ||
	    rx_prod - b->rx_cons > NETIF_SLOTS)
		return netback_die(b, NETBACK_FATAL_INDEX);
	if (b->conf.resume) {
		netback_resume_tx(b, tx_prod);
		netback_resume_rx(b, rx_prod);
		netback_tell(b);
	}
	b->rx_seen = b->rx_cons;
	return 0;
}

static void set_caps(struct netback *b)
{
	uint8_t can = b->conf.can;
	struct port *port = &b->port;

	/* aggregates take several slots, and their sums are always blank */
	if (!(can & NETBACK_SG))
		can &= (uint8_t) ~(NETBACK_GSO4 | NETBACK_GSO6);
	if (!(can & NETBACK_CSUM4))
		can &= (uint8_t)~NETBACK_GSO4;
	if (!(can & NETBACK_CSUM6))
		can &= (uint8_t)~NETBACK_GSO6;
	b->conf.can = can;
	port->ops = &netback_ops;
	port->wake_fd = -1; /* xen.evt_fd is everybody's */
	/* sums that only the other family may leave are finished in send */
	port->caps = (can & (NETBACK_CSUM4 | NETBACK_CSUM6) ? PORT_CSUM : 0) |
		     (can & NETBACK_GSO4 ? PORT_GSO4 : 0) |
		     (can & NETBACK_GSO6 ? PORT_GSO6 : 0);
	netback_mtu(b, port->mtu);
}

void netback_mtu(struct netback *b, uint16_t mtu)
{
	bool one_slot = !(b->conf.can & NETBACK_SG);

	b->port.mtu = one_slot && mtu > MTU_ONE_SLOT ? MTU_ONE_SLOT : mtu;
}

int netback_open(struct netback *b, struct xen *x, const struct netback_conf *c,
		 struct mono now)
{
	int err;

	*b = (struct netback){
		.port = { .mac = b->port.mac,
			  .id = b->port.id,
			  .mtu = b->port.mtu },
		.xen = x,
		.conf = *c,
		.seen = now,
		.refilled = now,
		.credit = c->rate_bytes,
	};
	set_caps(b);
	if (c->tx_ref == c->rx_ref)
		return -EPROTO;
	err = map_rings(b);
	if (!err)
		err = bind_events(b);
	if (!err)
		err = attach(b);
	if (err)
		netback_close(&b->port);
	return err;
}

struct netif_marks netback_marks(const struct netback *b)
{
	struct netif_marks m = { .tx_prod = b->tx_cons,
				 .tx_cons = b->tx_cons,
				 .rx_prod = b->rx_cons,
				 .rx_cons = b->rx_cons };

	if (!b->dead && b->tx) {
		m.tx_prod = ring_index(&b->tx->head.req_prod);
		m.rx_prod = ring_index(&b->rx->head.req_prod);
	}
	return m;
}

const char *netback_fault_name(enum netback_fault f)
{
	static const char *const names[NETBACK_FAULT_N] = {
		[NETBACK_CHAIN_LONG] = "chain-long",
		[NETBACK_FRAG_SUM] = "frag-sum",
		[NETBACK_FIRST_SHORT] = "first-short",
		[NETBACK_COPY] = "copy",
		[NETBACK_NO_BUFFER] = "no-buffer",
		[NETBACK_EXTRA] = "extra",
		[NETBACK_GSO] = "gso",
		[NETBACK_EVENT] = "event",
		[NETBACK_RATE] = "rate",
		[NETBACK_QUEUE_FULL] = "queue-full",
		[NETBACK_TOO_OLD] = "too-old",
		[NETBACK_STALLED] = "stalled",
		[NETBACK_TOO_BIG] = "too-big",
		[NETBACK_RX_COPY] = "rx-copy",
		[NETBACK_FATAL_INDEX] = "fatal-index",
		[NETBACK_FATAL_CHAIN] = "fatal-chain",
		[NETBACK_FATAL_EXTRA] = "fatal-extra",
		[NETBACK_FATAL_PAGE] = "fatal-page",
	};

	return f < NETBACK_FAULT_N ? names[f] : "?";
}
