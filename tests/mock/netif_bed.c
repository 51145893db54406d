/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "mock/frames.h"
#include "mock/netif_bed.h"

static void connect_vif(struct bed *b, const struct bed_how *how)
{
	uint16_t dom = how->on ? 2 : 1;
	struct netback_conf c = guest_conf(&b->guest, dom, how->can);
	int err;

	c.rate_bytes = how->rate_bytes;
	c.rate_us = how->rate_us;
	b->vif.port.mtu = 1500;
	b->vif.port.id = 5;
	err = netback_open(&b->vif, b->back, &c, b->now);
	vw_assert(!err);
}

void bed_open(struct bed *b, const struct bed_how *how)
{
	memset(b, 0, sizeof(*b));
	b->now.ns = 1000 * MONO_S;
	if (how->on) {
		b->shares = true;
		b->sim = how->on->sim;
		b->back = how->on->back;
		b->pool = how->on->pool;
	} else {
		b->sim = xen_sim_new(NULL, NULL);
		vw_assert(b->sim);
		b->back = xen_sim_open(b->sim, 0);
		b->pool = frame_pool_new(BED_SMALL, BED_LARGE);
	}
	b->front = xen_sim_open(b->sim, how->on ? 2 : 1);
	vw_assert(b->back && b->front);
	guest_open(&b->guest, b->front, 0, how->split, how->first);
	connect_vif(b, how);
}

void bed_free(struct bed *b)
{
	while (b->in.n)
		pkt_put(b->pool, b->in.p[--b->in.n]);
}

void bed_close(struct bed *b)
{
	bed_free(b);
	b->vif.port.ops->close(&b->vif.port);
	guest_close(&b->guest);
	xen_close(b->front);
	if (b->shares)
		return;
	vw_assert(xen_sim_mapped(b->sim, 1) == 0);
	vw_assert(xen_sim_ports(b->sim, 0) == 0);
	xen_close(b->back);
	frame_pool_free(b->pool);
	xen_sim_free(b->sim);
}

int bed_recv(struct bed *b)
{
	bed_free(b);
	return b->vif.port.ops->recv(&b->vif.port, b->pool, &b->in, b->now);
}

uint32_t bed_frames(struct bed *b)
{
	int err = bed_recv(b);

	vw_assert(!err);
	return b->in.n;
}

int bed_send(struct bed *b, struct pkt *p)
{
	struct pkt_batch out = { .n = 1, .p = { p } };
	int err = b->vif.port.ops->send(&b->vif.port, b->pool, &out, b->now);

	vw_assert(out.n == 0);
	return err;
}

void bed_fill(uint8_t *at, uint32_t len, uint8_t seed)
{
	for (uint32_t i = 0; i < len; i++)
		at[i] = (uint8_t)(seed + i + i / 256);
}

bool bed_is(const uint8_t *at, uint32_t len, uint8_t seed)
{
	for (uint32_t i = 0; i < len; i++)
		if (at[i] != (uint8_t)(seed + i + i / 256))
			return false;
	return true;
}

struct pkt *bed_pkt(struct bed *b, uint32_t len, uint8_t seed)
{
	struct pkt *p = pkt_get(b->pool, len);

	vw_assert(p);
	bed_fill(p->data, len, seed);
	p->len = len;
	p->tail -= len;
	return p;
}

void bed_wait(struct bed *b, uint64_t ms)
{
	b->now = mono_add_ms(b->now, ms);
}

uint32_t bed_events(struct bed *b)
{
	uint32_t port[4];
	int n = xen_evt_take(b->back, port, 4);

	for (int i = 0; i < n; i++)
		netback_event(&b->vif);
	return n > 0 ? (uint32_t)n : 0;
}

bool bed_arm(struct bed *b)
{
	return b->vif.port.ops->arm(&b->vif.port);
}

bool bed_answer_is(struct bed *b, uint32_t place, int16_t status)
{
	struct netif_tx_rsp r;

	if (!guest_tx_answer(&b->guest, &r))
		return false;
	return r.status == status &&
	       (status == NETIF_RSP_NULL || r.id == guest_id(place));
}
