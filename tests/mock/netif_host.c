/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "mock/frames.h"
#include "mock/netif_bed.h"
#include "mock/netif_host.h"

void host_open(struct host *h, uint8_t can)
{
	void *tx, *rx;
	int err;

	memset(h, 0, sizeof(*h));
	h->now.ns = 1000 * MONO_S;
	h->sim = xen_sim_new(NULL, NULL);
	vw_assert(h->sim);
	h->back = xen_sim_open(h->sim, 0);
	h->front = xen_sim_open(h->sim, 1);
	vw_assert(h->back && h->front);
	h->pool = frame_pool_new(HOST_SMALL, HOST_LARGE);
	h->vif.port.mtu = 1500;
	h->vif.port.id = 6;
	err = netfront_open(&h->vif, h->front, 0, can, &h->keys, h->now);
	vw_assert(!err);
	err = xen_map(h->back, 1, &h->keys.tx_ref, 1, &tx);
	vw_assert(!err);
	err = xen_map(h->back, 1, &h->keys.rx_ref, 1, &rx);
	vw_assert(!err);
	err = xen_evt_bind(h->back, 1, h->keys.evt, &h->evt);
	vw_assert(!err);
	h->tx = tx;
	h->rx = rx;
}

void host_free(struct host *h)
{
	while (h->in.n)
		pkt_put(h->pool, h->in.p[--h->in.n]);
}

void host_close(struct host *h)
{
	host_free(h);
	h->vif.port.ops->close(&h->vif.port);
	vw_assert(xen_sim_ports(h->sim, 1) == 0);
	xen_close(h->back);
	vw_assert(xen_sim_shared(h->sim, 1) == 0);
	xen_close(h->front);
	frame_pool_free(h->pool);
	xen_sim_free(h->sim);
}

void host_wait(struct host *h, uint64_t ms)
{
	h->now = mono_add_ms(h->now, ms);
}

/* ---- the port -------------------------------------------------------------
 */

int host_recv(struct host *h)
{
	host_free(h);
	return h->vif.port.ops->recv(&h->vif.port, h->pool, &h->in, h->now);
}

uint32_t host_frames(struct host *h)
{
	int err = host_recv(h);

	vw_assert(!err);
	return h->in.n;
}

int host_send_for(struct host *h, struct pkt *p, uint16_t from)
{
	struct pkt_batch out = { .n = 1, .p = { p } };
	int err;

	p->in = from;
	err = h->vif.port.ops->send(&h->vif.port, h->pool, &out, h->now);
	vw_assert(out.n == 0);
	return err;
}

int host_send(struct host *h, struct pkt *p)
{
	return host_send_for(h, p, h->vif.port.id);
}

struct pkt *host_pkt(struct host *h, uint32_t len, uint8_t seed)
{
	struct pkt *p = pkt_get(h->pool, len);

	vw_assert(p);
	bed_fill(p->data, len, seed);
	p->len = len;
	p->tail -= len;
	return p;
}

uint32_t host_events(struct host *h)
{
	uint32_t port[4];
	int n = xen_evt_take(h->front, port, 4);

	for (int i = 0; i < n; i++)
		netfront_event(&h->vif);
	return n > 0 ? (uint32_t)n : 0;
}

bool host_arm(struct host *h)
{
	return h->vif.port.ops->arm(&h->vif.port);
}

bool host_seconds(struct host *h, uint32_t n)
{
	bool wake = false;

	while (n--) {
		host_wait(h, 1000);
		(void)netfront_tick(&h->vif, h->now, &wake);
	}
	return wake;
}

/* ---- the backend ----------------------------------------------------------
 */

bool host_tx(struct host *h, union netif_tx_slot *s)
{
	if (h->tx_cons ==
	    __atomic_load_n(&h->tx->head.req_prod, __ATOMIC_ACQUIRE))
		return false;
	*s = h->tx->slot[h->tx_cons++ % NETIF_SLOTS];
	return true;
}

static void copy(struct host *h, uint32_t ref, uint16_t off, uint32_t len,
		 uint8_t *at, enum xen_way way)
{
	struct xen_seg seg = { .local = at,
			       .ref = ref,
			       .dom = 1,
			       .off = off,
			       .len = (uint16_t)len };
	int err = xen_copy(h->back, &seg, 1, way);

	vw_assert(!err && seg.status == XEN_OKAY);
}

void host_tx_bytes(struct host *h, const struct netif_tx_req *r, uint32_t len,
		   uint8_t *to)
{
	if (len)
		copy(h, r->gref, r->offset, len, to, XEN_FROM_PEER);
}

void host_tx_answer(struct host *h, uint16_t id, int16_t status)
{
	h->tx->slot[h->tx_rsp++ % NETIF_SLOTS].rsp =
		(struct netif_tx_rsp){ id, status };
}

uint32_t host_tx_frame(struct host *h, uint16_t *flags, struct netif_extra *gso)
{
	union netif_tx_slot s, rest[20];
	uint32_t n = 0, sum = 0, at;

	gso->type = NETIF_EXTRA_NONE;
	if (!host_tx(h, &s))
		return 0;
	*flags = s.req.flags;
	if (s.req.flags & NETIF_EXTRA) {
		union netif_tx_slot e;

		vw_assert(host_tx(h, &e));
		*gso = e.extra;
	}
	for (bool more = s.req.flags & NETIF_MORE_DATA; more;
	     more = rest[n++].req.flags & NETIF_MORE_DATA) {
		vw_assert(n < 18 && host_tx(h, &rest[n]));
		sum += rest[n].req.size;
	}
	at = s.req.size - sum;
	vw_assert(at >= NETIF_FIRST_MIN);
	host_tx_bytes(h, &s.req, at, h->copy);
	host_tx_answer(h, s.req.id, NETIF_RSP_OKAY);
	if (gso->type)
		host_tx_answer(h, 0, NETIF_RSP_NULL);
	for (uint32_t i = 0; i < n; i++) {
		host_tx_bytes(h, &rest[i].req, rest[i].req.size, h->copy + at);
		host_tx_answer(h, rest[i].req.id, NETIF_RSP_OKAY);
		at += rest[i].req.size;
	}
	return at;
}

void host_rx(struct host *h, const struct netif_rx_rsp *r)
{
	h->rx->slot[h->rx_cons++ % NETIF_SLOTS].rsp = *r;
}

void host_rx_extra(struct host *h, const struct netif_extra *e)
{
	h->rx->slot[h->rx_cons++ % NETIF_SLOTS].extra = *e;
}

void host_rx_bytes(struct host *h, const uint8_t *from, uint16_t off,
		   uint16_t len, uint16_t flags)
{
	struct netif_rx_req r = h->rx->slot[h->rx_cons % NETIF_SLOTS].req;

	if (len)
		memcpy(h->copy, from, len);
	if (len)
		copy(h, r.gref, off, len, h->copy, XEN_TO_PEER);
	host_rx(h, &(struct netif_rx_rsp){ .id = r.id,
					   .offset = off,
					   .flags = flags,
					   .status = (int16_t)len });
}

static bool publish(uint32_t *prod, const uint32_t *event, uint32_t to)
{
	uint32_t from = __atomic_load_n(prod, __ATOMIC_RELAXED);

	__atomic_store_n(prod, to, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return to - __atomic_load_n(event, __ATOMIC_RELAXED) < to - from;
}

bool host_kick(struct host *h)
{
	bool tx = publish(&h->tx->head.rsp_prod, &h->tx->head.rsp_event,
			  h->tx_rsp);
	bool rx = publish(&h->rx->head.rsp_prod, &h->rx->head.rsp_event,
			  h->rx_cons);

	if (tx || rx)
		(void)xen_evt_notify(h->back, h->evt);
	return tx || rx;
}
