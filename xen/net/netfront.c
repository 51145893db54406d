/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xen/net/netfront.h"

#include <errno.h>

#include "xen/net/netfront_part.h"
#include "xen/net/ring.h"

#define NEVER ((struct mono){ UINT64_MAX })
#define MTU_ONE_SLOT 1500u

int netfront_die(struct netfront *f, enum netfront_fault why, int err)
{
	netfront_count(f, why);
	f->dead = err;
	return err;
}

void netfront_tell(struct netfront *f)
{
	if (!f->tell)
		return;
	f->port.stats.syscalls++;
	(void)xen_evt_notify(f->xen, f->gate.port[0]);
	f->tell = false;
}

/* ---- sleeping and time --------------------------------------------------- */

void netfront_event(struct netfront *f)
{
	gate_event(&f->gate);
}

/* For frames alone: answers are taken whenever there is something to send. */
static bool netfront_arm(struct port *port)
{
	struct netfront *f = netfront_of(port);

	if (f->dead)
		return false;
	if (ring_ask(&f->rx->head.rsp_event, &f->rx->head.rsp_prod,
		     f->rx_cons + 1))
		return true;
	if (gate_rest(&f->gate, f->xen, f->seen))
		netfront_count(f, NETFRONT_EVENT);
	return false;
}

/*
 * Is there a new answer since the last look?  Looks are counted, not seconds:
 * after a pause of the whole machine it gets its time all the same.
 */
static void look(struct netfront *f, struct mono now)
{
	if (f->tx_cons == f->answered)
		f->looks++;
	else
		f->looks = 0;
	f->answered = f->tx_cons;
	f->look = mono_add_ms(now, NETFRONT_LOOK_MS);
}

struct mono netfront_tick(struct netfront *f, struct mono now, bool *wake)
{
	struct mono next;

	if (f->dead)
		return NEVER;
	next = gate_tick(&f->gate, f->xen, now);
	if (netfront_reap(f)) {
		*wake = true; /* recv says it */
		return NEVER;
	}
	if (f->tx_prod == f->tx_cons)
		return next;
	if (mono_past(f->look, now))
		look(f, now);
	if (f->looks >= NETFRONT_HUNG_LOOKS)
		*wake = true;
	return f->look.ns < next.ns ? f->look : next;
}

/* ---- connecting ---------------------------------------------------------- */

static int share(struct netfront *f, uint32_t n, bool writable, uint32_t *ref,
		 void **out)
{
	return xen_share(f->xen, f->dom, n, writable, ref, out);
}

static void unshare(struct netfront *f, void *at, uint32_t n)
{
	if (at)
		xen_unshare(f->xen, at, n);
}

static void netfront_close(struct port *port)
{
	struct netfront *f = netfront_of(port);

	gate_close(&f->gate, f->xen);
	unshare(f, f->rx_page, NETFRONT_PAGES);
	unshare(f, f->tx_page, NETFRONT_PAGES);
	unshare(f, f->rx, 1);
	unshare(f, f->tx, 1);
	f->rx_page = f->tx_page = NULL;
	f->rx = NULL;
	f->tx = NULL;
}

static const struct port_ops netfront_ops = {
	.name = "netfront",
	.recv = netfront_recv,
	.send = netfront_send,
	.arm = netfront_arm,
	.close = netfront_close,
};

static int share_rings(struct netfront *f, struct netfront_keys *keys)
{
	void *tx, *rx;
	int err = share(f, 1, true, &keys->tx_ref, &tx);

	if (err)
		return err;
	f->tx = tx;
	err = share(f, 1, true, &keys->rx_ref, &rx);
	if (err)
		return err;
	f->rx = rx;
	f->tx->head.req_event = f->tx->head.rsp_event = 1;
	f->rx->head.req_event = f->rx->head.rsp_event = 1;
	return 0;
}

static int share_pages(struct netfront *f)
{
	void *tx, *rx;
	int err = share(f, NETFRONT_PAGES, false, f->tx_ref, &tx);

	if (err)
		return err;
	f->tx_page = tx;
	err = share(f, NETFRONT_PAGES, true, f->rx_ref, &rx);
	if (err)
		return err;
	f->rx_page = rx;
	for (uint16_t id = 0; id < NETFRONT_PAGES; id++)
		f->free_id[f->free_n++] = id;
	netfront_post(f);
	return 0;
}

static void set_caps(struct netfront *f)
{
	struct port *port = &f->port;

	/* aggregates take several slots, and their sums are always blank */
	if (!(f->can & NETFRONT_SG))
		f->can &= (uint8_t) ~(NETFRONT_GSO4 | NETFRONT_GSO6);
	if (!(f->can & NETFRONT_CSUM6))
		f->can &= (uint8_t)~NETFRONT_GSO6;
	port->ops = &netfront_ops;
	port->wake_fd = -1; /* xen.evt_fd is everybody's */
	/* sums of IPv6 are finished in send where they must be */
	port->caps = PORT_CSUM | (f->can & NETFRONT_GSO4 ? PORT_GSO4 : 0) |
		     (f->can & NETFRONT_GSO6 ? PORT_GSO6 : 0);
	if (!(f->can & NETFRONT_SG) && port->mtu > MTU_ONE_SLOT)
		port->mtu = MTU_ONE_SLOT;
}

int netfront_open(struct netfront *f, struct xen *x, uint16_t dom, uint8_t can,
		  struct netfront_keys *keys, struct mono now)
{
	int err;

	*f = (struct netfront){
		.port = { .mac = f->port.mac,
			  .id = f->port.id,
			  .mtu = f->port.mtu },
		.xen = x,
		.dom = dom,
		.can = can,
		.seen = now,
	};
	set_caps(f);
	err = share_rings(f, keys);
	if (!err)
		err = share_pages(f);
	if (!err)
		err = xen_evt_alloc(x, dom, &f->gate.port[0]);
	if (err) {
		netfront_close(&f->port);
		return err;
	}
	f->gate.port_n = 1;
	keys->evt = f->gate.port[0];
	return 0;
}

struct netif_marks netfront_marks(const struct netfront *f)
{
	return (struct netif_marks){ f->tx_prod, f->tx_cons, f->rx_prod,
				     f->rx_cons };
}

const char *netfront_fault_name(enum netfront_fault f)
{
	static const char *const names[NETFRONT_FAULT_N] = {
		[NETFRONT_TX_FULL] = "tx-full",
		[NETFRONT_TX_SHARE] = "tx-share",
		[NETFRONT_TX_BIG] = "tx-big",
		[NETFRONT_TX_REFUSED] = "tx-refused",
		[NETFRONT_RX_REFUSED] = "rx-refused",
		[NETFRONT_RX_CHAIN] = "rx-chain",
		[NETFRONT_RX_EXTRA] = "rx-extra",
		[NETFRONT_RX_GSO] = "rx-gso",
		[NETFRONT_NO_BUFFER] = "no-buffer",
		[NETFRONT_EVENT] = "event",
		[NETFRONT_HUNG] = "hung",
		[NETFRONT_FATAL_INDEX] = "fatal-index",
		[NETFRONT_FATAL_ID] = "fatal-id",
	};

	return f < NETFRONT_FAULT_N ? names[f] : "?";
}
