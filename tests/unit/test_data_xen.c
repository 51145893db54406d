/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "mock/data_bed.h"
#include "mock/frames.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"
#include "xen/xen_sim.h"

/*
 * The data process on a simulated Xen of four domains:
 *
 *	1, 2  guests with a frontend	   ----  0  data  ----  3  network
 *domain
 */
#define NETVM 3u
#define GUEST_CAN                                                   \
	(NETBACK_SG | NETBACK_GSO4 | NETBACK_GSO6 | NETBACK_CSUM4 | \
	 NETBACK_CSUM6 | NETBACK_RX_NOTIFY)
#define HOST_CAN (NETFRONT_SG | NETFRONT_GSO4 | NETFRONT_GSO6 | NETFRONT_CSUM6)

/* The other end of a port: a domain of its own with buffers of its own. */
struct far {
	struct xen *xen;
	struct pkt_pool *pool;
	struct port *port; /* NULL: closed */
	union {
		struct netfront front;
		struct netback back;
	} u;
	struct pkt_batch in;
};

static struct data_bed bed;
static struct xen_sim *sim;
static struct xen *own;
static struct far far[NETVM + 1]; /* by domain; 0 unused */

static void turn(void)
{
	data_bed_turn(&bed);
}

static int ask(enum msg_type type, const void *body)
{
	return data_bed_ask(&bed, type, body, -1);
}

static void open_world(void)
{
	data_bed_open(&bed);
	memset(far, 0, sizeof(far));
	sim = xen_sim_new(NULL, NULL);
	CU_ASSERT_FATAL(sim != NULL);
	own = xen_sim_open(sim, 0);
	CU_ASSERT_FATAL(own != NULL);
	CU_ASSERT_EQUAL_FATAL(data_xen_use(&bed.d, own), 0);
	for (uint16_t dom = 1; dom <= NETVM; dom++) {
		far[dom].xen = xen_sim_open(sim, dom);
		CU_ASSERT_FATAL(far[dom].xen != NULL);
		far[dom].pool = frame_pool_new(600, 40);
	}
}

static void drop_in(struct far *f)
{
	while (f->in.n)
		pkt_put(f->pool, f->in.p[--f->in.n]);
}

static void close_far(struct far *f)
{
	drop_in(f);
	if (f->port)
		f->port->ops->close(f->port);
	f->port = NULL;
}

static void close_world(void)
{
	for (uint16_t dom = 1; dom <= NETVM; dom++)
		close_far(&far[dom]);
	data_bed_close(&bed);
	for (uint16_t dom = 0; dom <= NETVM; dom++) {
		CU_ASSERT_EQUAL(xen_sim_shared(sim, dom), 0);
		CU_ASSERT_EQUAL(xen_sim_mapped(sim, dom), 0);
		CU_ASSERT_EQUAL(xen_sim_ports(sim, dom), 0);
	}
	for (uint16_t dom = 1; dom <= NETVM; dom++) {
		xen_close(far[dom].xen);
		frame_pool_free(far[dom].pool);
	}
	xen_close(own);
	xen_sim_free(sim);
}

/* The guest makes its rings; what control would read of its keys. */
static struct msg_vif guest_keys(uint16_t n)
{
	struct far *f = &far[n];
	struct netfront_keys keys;
	struct msg_vif m = { .id = n,
			     .dom = n,
			     .mtu = 1500,
			     .can = GUEST_CAN,
			     .mac = data_bed_mac(BED_OUR_MAC) };

	f->u.front.port.mtu = 1500;
	CU_ASSERT_EQUAL_FATAL(netfront_open(&f->u.front, f->xen, 0, HOST_CAN,
					    &keys, bed.d.loop.now),
			      0);
	f->port = &f->u.front.port;
	m.tx_ref = keys.tx_ref;
	m.rx_ref = keys.rx_ref;
	m.tx_evt = m.rx_evt = keys.evt;
	return m;
}

static int add_guest(uint16_t n)
{
	struct msg_vif m = guest_keys(n);

	return ask(MSG_VIF_ADD, &m);
}

static int ask_for_front(void)
{
	struct msg_front m = { .id = 0,
			       .dom = NETVM,
			       .mtu = 1500,
			       .can = HOST_CAN,
			       .mac = data_bed_mac(BED_UPLINK_MAC) };

	data_bed_say(&bed, MSG_FRONT_ADD, &m, -1);
	CU_ASSERT_EQUAL_FATAL(msg_recv(bed.control, MSG_TO_CONTROL, &bed.got),
			      0);
	return bed.got.hdr.type == MSG_DONE ? bed.got.body.done.err : 0;
}

/* The network domain connects to what the answer says. */
static void add_uplink(void)
{
	struct far *f = &far[NETVM];
	struct netback_conf c = { .can = GUEST_CAN };

	CU_ASSERT_EQUAL_FATAL(ask_for_front(), 0);
	CU_ASSERT_EQUAL_FATAL(bed.got.hdr.type, MSG_FRONT_KEYS);
	CU_ASSERT_EQUAL(bed.got.body.front_keys.id, 0);
	c.tx_ref = bed.got.body.front_keys.tx_ref;
	c.rx_ref = bed.got.body.front_keys.rx_ref;
	c.tx_evt = c.rx_evt = bed.got.body.front_keys.evt;
	data_bed_expect(&bed, MSG_DONE, bed.seq);
	f->u.back.port.mtu = 1500;
	CU_ASSERT_EQUAL_FATAL(
		netback_open(&f->u.back, f->xen, &c, bed.d.loop.now), 0);
	f->port = &f->u.back.port;
}

static void admit(uint16_t n)
{
	CU_ASSERT_EQUAL(data_bed_client(&bed, n, n), 0);
	CU_ASSERT_EQUAL(data_bed_rules(&bed, n, RULE_ACCEPT), 0);
}

/* Guest 1 may reach the world through the network domain. */
static void open_path(void)
{
	open_world();
	add_uplink();
	CU_ASSERT_EQUAL(add_guest(1), 0);
	CU_ASSERT_EQUAL(data_bed_uplink(&bed), 0);
	admit(1);
}

static void far_send(struct far *f, const struct frame_spec *spec)
{
	struct pkt_batch out = { .n = 1, .p = { frame_parsed(f->pool, spec) } };

	CU_ASSERT_EQUAL(
		f->port->ops->send(f->port, f->pool, &out, bed.d.loop.now), 0);
}

/* How many frames are there for @f, after a turn of data's; in f->in. */
static uint32_t far_recv(struct far *f)
{
	drop_in(f);
	turn();
	CU_ASSERT_EQUAL(f->port->ops->recv(f->port, f->pool, &f->in,
					   bed.d.loop.now),
			0);
	for (uint32_t i = 0; i < f->in.n; i++)
		CU_ASSERT_EQUAL(pkt_parse(f->in.p[i]), PKT_REASON_NONE);
	return f->in.n;
}

static void guest_sends(uint16_t n)
{
	far_send(&far[n],
		 &(struct frame_spec){ .src_mac = data_bed_client_mac(n),
				       .dst_mac = BED_OUR_MAC,
				       .src = data_bed_inside(n),
				       .dst = BED_SERVER,
				       .sport = 4000,
				       .dport = 53 });
}

/* An answer to the last packet that the network domain got. */
static void world_answers(void)
{
	far_send(&far[NETVM],
		 &(struct frame_spec){ .src_mac = BED_GATEWAY_MAC,
				       .dst_mac = BED_UPLINK_MAC,
				       .src = BED_SERVER,
				       .dst = BED_OUTSIDE,
				       .sport = 53,
				       .dport = far[NETVM].in.p[0]->sport });
}

static bool passes(uint16_t n)
{
	struct pkt_addr outside = data_bed_addr(BED_OUTSIDE), src;

	guest_sends(n);
	if (far_recv(&far[NETVM]) != 1)
		return false;
	src = pkt_src(far[NETVM].in.p[0]);
	world_answers();
	return pkt_addr_eq(&src, &outside) && far_recv(&far[n]) == 1;
}

/* ---- from guest to network domain and back --------------------------------
 */

static void a_guests_packet_goes_out_by_the_frontend_and_is_answered(void)
{
	open_path();
	for (int i = 0; i < 1000; i++)
		CU_ASSERT(passes(1));
	CU_ASSERT(far[1].in.p[0]->dport == 4000);
	close_world();
}

UNIT_SUITE(data_xen,
	   UNIT(a_guests_packet_goes_out_by_the_frontend_and_is_answered))
