/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data process' ports on rings: our backends and our frontends. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "firewall/data/data.h"

static_assert(NETBACK_FAULT_N <= MSG_VIF_FAULTS &&
		      NETFRONT_FAULT_N <= MSG_VIF_FAULTS,
	      "a row has room for every fault");

/* Port @id is open: its events and its frames may come. */
static int begin(struct data *d, uint16_t id)
{
	struct port *port = &d->port[id].u.port;
	int err = data_events_expect(d, id);

	if (err) {
		port->ops->close(port);
		return err;
	}
	return data_port_begin(d, id);
}

int data_vif_add(struct data *d, const struct msg_vif *m)
{
	const struct netback_conf c = {
		.dom = m->dom,
		.tx_ref = m->tx_ref,
		.rx_ref = m->rx_ref,
		.tx_evt = m->tx_evt,
		.rx_evt = m->rx_evt,
		.can = m->can,
		.resume = m->resume,
		.rate_bytes = m->rate_bytes,
		.rate_us = m->rate_bytes ? m->rate_us : 0,
	};
	struct netback *b;
	uint16_t was;
	int err;

	if (!d->xen)
		return -EOPNOTSUPP;
	err = data_port_room(d, m->id, DATA_VIF);
	if (err)
		return err;
	b = &d->port[m->id].u.vif;
	b->port.mac = m->mac;
	b->port.mtu = m->mtu;
	was = view_serve(d->view, m->id);
	err = netback_open(b, d->xen, &c, d->loop.now);
	(void)view_serve(d->view, was);
	return err ? err : begin(d, m->id);
}

int data_front_add(struct data *d, const struct msg_front *m,
		   struct msg_front_keys *out)
{
	struct netfront_keys keys;
	struct netfront *f;
	int err;

	if (!d->xen)
		return -EOPNOTSUPP;
	err = data_port_room(d, m->id, DATA_FRONT);
	if (err)
		return err;
	f = &d->port[m->id].u.front;
	f->port.mac = m->mac;
	f->port.mtu = m->mtu;
	err = netfront_open(f, d->xen, m->dom, m->can, &keys, d->loop.now);
	if (err)
		return err;
	memset(out, 0, sizeof(*out));
	out->id = m->id;
	out->tx_ref = keys.tx_ref;
	out->rx_ref = keys.rx_ref;
	out->evt = keys.evt;
	return begin(d, m->id);
}

int data_vif_limits(struct data *d, const struct msg_vif_limits *m)
{
	struct data_port *dp;

	if (m->id > d->clients)
		return -EINVAL;
	dp = &d->port[m->id];
	if (!dp->used || dp->kind != DATA_VIF)
		return -ENOENT;
	netback_mtu(&dp->u.vif, m->mtu);
	netback_rate(&dp->u.vif, m->rate_bytes, m->rate_bytes ? m->rate_us : 0,
		     d->loop.now);
	fw_port_wake(d->fw, &dp->u.port);
	return 0;
}

/* ---- as they are now ----------------------------------------------------- */

static void show_vif(const struct netback *b, struct msg_vif_row *row)
{
	row->masked = b->gate.masked;
	row->events = b->gate.events;
	row->queued = b->queue.n;
	row->queued_bytes = b->queue.bytes;
	memcpy(row->fault, b->fault, sizeof(b->fault));
}

static void show_front(const struct netfront *f, struct msg_vif_row *row)
{
	row->front = true;
	row->masked = f->gate.masked;
	row->events = f->gate.events;
	memcpy(row->fault, f->fault, sizeof(f->fault));
}

static void show(const struct data_port *dp, uint16_t id,
		 struct msg_vif_row *row)
{
	bool vif = dp->kind == DATA_VIF;
	struct netif_marks m =
		vif ? netback_marks(&dp->u.vif) : netfront_marks(&dp->u.front);

	row->id = id;
	row->tx_prod = m.tx_prod;
	row->tx_cons = m.tx_cons;
	row->rx_prod = m.rx_prod;
	row->rx_cons = m.rx_cons;
	row->stats = dp->u.port.stats;
	if (vif)
		show_vif(&dp->u.vif, row);
	else
		show_front(&dp->u.front, row);
}

void data_vifs(const struct data *d, uint16_t cursor,
	       struct msg_vifs_page *page)
{
	memset(page, 0, sizeof(*page));
	page->cursor = UINT16_MAX;
	for (uint32_t id = cursor; id <= d->clients; id++) {
		if (!d->port[id].used || !data_on_rings(&d->port[id]))
			continue;
		if (page->n == MSG_VIFS_PER_PAGE) {
			page->cursor = (uint16_t)id;
			return;
		}
		show(&d->port[id], (uint16_t)id, &page->row[page->n++]);
	}
}
