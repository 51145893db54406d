/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/data_xen_bed.h"

#include <string.h>
#include <unistd.h>

#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"

#define PATIENCE_MS 5000u

void xen_bed_open(struct xen_bed *b, bool use)
{
	int err = 0;

	memset(b, 0, sizeof(*b));
	data_bed_open(&b->data);
	b->sim = xen_sim_new(NULL, NULL);
	vw_assert(b->sim);
	b->own = xen_sim_open(b->sim, 0);
	vw_assert(b->own);
	if (use)
		err = data_xen_use(&b->data.d, b->own);
	vw_assert(!err);
	for (uint16_t dom = 1; dom <= BED_NETVM; dom++) {
		b->far[dom].xen = xen_sim_open(b->sim, dom);
		vw_assert(b->far[dom].xen);
		b->far[dom].pool = frame_pool_new(600, 40);
	}
}

static void drop_in(struct far *f)
{
	while (f->in.n)
		pkt_put(f->pool, f->in.p[--f->in.n]);
}

void xen_bed_far_close(struct far *f)
{
	drop_in(f);
	if (f->port)
		f->port->ops->close(f->port);
	f->port = NULL;
}

void xen_bed_close(struct xen_bed *b)
{
	for (uint16_t dom = 1; dom <= BED_NETVM; dom++)
		xen_bed_far_close(&b->far[dom]);
	data_bed_close(&b->data);
	for (uint16_t dom = 0; dom <= BED_NETVM; dom++) {
		vw_assert(xen_sim_shared(b->sim, dom) == 0);
		vw_assert(xen_sim_mapped(b->sim, dom) == 0);
		vw_assert(xen_sim_ports(b->sim, dom) == 0);
	}
	for (uint16_t dom = 1; dom <= BED_NETVM; dom++) {
		xen_close(b->far[dom].xen);
		frame_pool_free(b->far[dom].pool);
	}
	xen_close(b->own);
	xen_sim_free(b->sim);
}

struct msg_vif xen_bed_keys(struct xen_bed *b, uint16_t n)
{
	struct far *f = &b->far[n];
	struct netfront_keys keys;
	struct msg_vif m = { .id = n,
			     .dom = n,
			     .mtu = 1500,
			     .can = BED_GUEST_CAN,
			     .mac = data_bed_mac(BED_OUR_MAC) };
	int err;

	f->u.front.port.mtu = 1500;
	err = netfront_open(&f->u.front, f->xen, 0, BED_HOST_CAN, &keys,
			    b->data.d.loop.now);
	vw_assert(!err);
	f->port = &f->u.front.port;
	m.tx_ref = keys.tx_ref;
	m.rx_ref = keys.rx_ref;
	m.tx_evt = m.rx_evt = keys.evt;
	return m;
}

int xen_bed_guest(struct xen_bed *b, uint16_t n)
{
	struct msg_vif m = xen_bed_keys(b, n);

	return data_bed_ask(&b->data, MSG_VIF_ADD, &m, -1);
}

int xen_bed_uplink(struct xen_bed *b)
{
	struct msg_front m = { .dom = BED_NETVM,
			       .mtu = 1500,
			       .can = BED_HOST_CAN,
			       .mac = data_bed_mac(BED_UPLINK_MAC) };
	struct netback_conf c = { .can = BED_GUEST_CAN };
	struct far *f = &b->far[BED_NETVM];
	int err;

	data_bed_say(&b->data, MSG_FRONT_ADD, &m, -1);
	data_bed_take(&b->data);
	if (b->data.got.hdr.type == MSG_DONE)
		return b->data.got.body.done.err;
	vw_assert(b->data.got.hdr.type == MSG_FRONT_KEYS);
	c.tx_ref = b->data.got.body.front_keys.tx_ref;
	c.rx_ref = b->data.got.body.front_keys.rx_ref;
	c.tx_evt = c.rx_evt = b->data.got.body.front_keys.evt;
	data_bed_expect(&b->data, MSG_DONE, b->data.seq);
	vw_assert(!b->data.got.body.done.err);
	f->u.back.port.mtu = 1500;
	err = netback_open(&f->u.back, f->xen, &c, b->data.d.loop.now);
	vw_assert(!err);
	f->port = &f->u.back.port;
	return 0;
}

int xen_bed_tell_uplink(struct xen_bed *b)
{
	int err = data_bed_uplink(&b->data);

	if (!err)
		(void)xen_bed_recv(b, BED_NETVM); /* our address is there */
	return err;
}

void xen_bed_admit(struct xen_bed *b, uint16_t n)
{
	int err = data_bed_client(&b->data, n, n);

	vw_assert(!err);
	err = data_bed_rules(&b->data, n, RULE_ACCEPT);
	vw_assert(!err);
}

void xen_bed_path(struct xen_bed *b)
{
	int err = xen_bed_uplink(b);

	if (!err)
		err = xen_bed_guest(b, 1);
	if (!err)
		err = xen_bed_tell_uplink(b);
	vw_assert(!err);
	xen_bed_admit(b, 1);
}

/* Events are let in again, so that data's are not lost on a masked channel. */
static void hear(struct far *f)
{
	uint32_t port[4];
	int n = xen_evt_take(f->xen, port, 4);

	if (n > 0)
		(void)xen_evt_unmask(f->xen, port, (uint32_t)n);
}

bool xen_bed_send(struct xen_bed *b, uint16_t dom,
		  const struct frame_spec *spec)
{
	struct far *f = &b->far[dom];
	struct pkt_batch out = { .n = 1, .p = { frame_parsed(f->pool, spec) } };
	uint64_t lost = f->port->stats.send_dropped;
	int err =
		f->port->ops->send(f->port, f->pool, &out, b->data.d.loop.now);

	vw_assert(!err);
	return f->port->stats.send_dropped == lost;
}

uint32_t xen_bed_take(struct xen_bed *b, uint16_t dom)
{
	struct far *f = &b->far[dom];
	int err;

	hear(f);
	drop_in(f);
	err = f->port->ops->recv(f->port, f->pool, &f->in, b->data.d.loop.now);
	vw_assert(!err);
	for (uint32_t i = 0; i < f->in.n; i++) {
		enum pkt_verdict is = pkt_parse(f->in.p[i]);

		vw_assert(is == PKT_FORWARD);
	}
	return f->in.n;
}

uint32_t xen_bed_recv(struct xen_bed *b, uint16_t dom)
{
	uint32_t n;

	data_bed_turn(&b->data);
	n = xen_bed_take(b, dom);
	for (uint32_t i = 0; !n && b->data.child && i < PATIENCE_MS; i++) {
		usleep(1000);
		n = xen_bed_take(b, dom);
	}
	return n;
}

bool xen_bed_guest_sends(struct xen_bed *b, uint16_t n,
			 const struct frame_spec *more)
{
	struct frame_spec s = *more;

	s.src_mac = data_bed_client_mac(n);
	s.dst_mac = BED_OUR_MAC;
	s.src = data_bed_inside(n);
	s.dst = BED_SERVER;
	return xen_bed_send(b, n, &s);
}

/* An answer to the last packet that the network domain got. */
static bool world_answers(struct xen_bed *b)
{
	const struct pkt *p = b->far[BED_NETVM].in.p[0];

	return xen_bed_send(b, BED_NETVM,
			    &(struct frame_spec){ .src_mac = BED_GATEWAY_MAC,
						  .dst_mac = BED_UPLINK_MAC,
						  .src = BED_SERVER,
						  .dst = BED_OUTSIDE,
						  .sport = p->dport,
						  .dport = p->sport });
}

bool xen_bed_passes(struct xen_bed *b, uint16_t n)
{
	const struct frame_spec ask = { .sport = 4000, .dport = 53 };
	struct pkt_addr outside = data_bed_addr(BED_OUTSIDE), src;
	const struct pkt *p;

	if (!xen_bed_guest_sends(b, n, &ask) || xen_bed_recv(b, BED_NETVM) != 1)
		return false;
	src = pkt_src(b->far[BED_NETVM].in.p[0]);
	if (!pkt_addr_eq(&src, &outside) || !world_answers(b) ||
	    xen_bed_recv(b, n) != 1)
		return false;
	p = b->far[n].in.p[0];
	return p->sport == 53 && p->dport == 4000;
}
