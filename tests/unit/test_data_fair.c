/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that take all they can get, and one that wants little. */
#include <errno.h>
#include <string.h>

#include "mock/data_xen_bed.h"
#include "mock/netif_guest.h"
#include "packet/pkt_ip.h"
#include "unit.h"

/*
 * Guest 1 fills its ring before each turn; guest 2 sends PER_TURN frames.  The
 * network domain takes what lies in its ring in every @slow-th turn.
 */
#define TURNS 400u
#define PER_TURN 2u
#define MODEST 53u /* port that guest 2 sends to */

static struct xen_bed bed;

static void open_two(void)
{
	xen_bed_open(&bed, true);
	xen_bed_path(&bed);
	CU_ASSERT_EQUAL(xen_bed_guest(&bed, 2), 0);
	xen_bed_admit(&bed, 2);
}

static const struct frame_spec small_frames = { .sport = 1, .dport = 9 };
/* The flow of the large ones, as far as a SYN and its answer. */
static void shake_hands(void)
{
	const struct frame_spec syn = { .proto = IP_TCP,
					.flags = TCP_SYN,
					.sport = 1,
					.dport = 9,
					.seq = 1000 };
	const struct pkt *p;

	CU_ASSERT(xen_bed_guest_sends(&bed, 1, &syn));
	CU_ASSERT_EQUAL_FATAL(xen_bed_recv(&bed, BED_NETVM), 1);
	p = bed.far[BED_NETVM].in.p[0];
	CU_ASSERT(xen_bed_send(&bed, BED_NETVM,
			       &(struct frame_spec){ .src_mac = BED_GATEWAY_MAC,
						     .dst_mac = BED_UPLINK_MAC,
						     .src = BED_SERVER,
						     .dst = BED_OUTSIDE,
						     .proto = IP_TCP,
						     .flags = TCP_SYN | TCP_ACK,
						     .sport = 9,
						     .dport = p->sport,
						     .seq = 5000,
						     .ack = 1001 }));
	CU_ASSERT_EQUAL(xen_bed_recv(&bed, 1), 1);
}

static const struct frame_spec large_frames = { .proto = IP_TCP,
						.sport = 1,
						.dport = 9,
						.seq = 1001,
						.ack = 5001,
						.payload_len = 50000,
						.gso_size = 1400 };

/* Frames of guest 2 among those that came to the network domain. */
static uint32_t modest_ones(void)
{
	const struct pkt_batch *in = &bed.far[BED_NETVM].in;
	uint32_t n = 0;

	for (uint32_t i = 0; i < in->n; i++)
		n += in->p[i]->dport == MODEST;
	return n;
}

static uint32_t got_through(const struct frame_spec *flood, uint32_t slow)
{
	const struct frame_spec modest = { .sport = 2000, .dport = MODEST };
	uint32_t got = 0, taken;

	open_two();
	shake_hands();
	for (uint32_t i = 0; i < TURNS; i++) {
		while (xen_bed_guest_sends(&bed, 1, flood))
			;
		for (uint32_t k = 0; k < PER_TURN; k++)
			CU_ASSERT(xen_bed_guest_sends(&bed, 2, &modest));
		data_bed_turn(&bed.data);
		(void)xen_bed_take(&bed, 1);
		(void)xen_bed_take(&bed, 2);
		for (uint32_t k = 0; i % slow == 0 && k < 4; k++) {
			taken = xen_bed_take(&bed, BED_NETVM);
			got += modest_ones();
			if (!taken)
				break;
		}
	}
	for (uint32_t k = 0; k < 10; k++) {
		(void)xen_bed_recv(&bed, BED_NETVM);
		got += modest_ones();
	}
	xen_bed_close(&bed);
	return got;
}

static void R135_a_flood_of_frames_takes_none_of_anothers(void)
{
	CU_ASSERT_EQUAL(got_through(&small_frames, 1), TURNS * PER_TURN);
}

static void R135_a_flood_of_bytes_takes_none_of_anothers(void)
{
	CU_ASSERT_EQUAL(got_through(&large_frames, 1), TURNS * PER_TURN);
}

static void R135_nor_does_it_when_the_uplink_is_slow(void)
{
	CU_ASSERT_EQUAL(got_through(&small_frames, 8), TURNS * PER_TURN);
	CU_ASSERT_EQUAL(got_through(&large_frames, 8), TURNS * PER_TURN);
}

/* A ring of frames that are none, again and again. */
static void R135_faults_cost_a_ring_per_turn_and_nobody_else(void)
{
	struct netif_guest g;
	struct netif_tx_rsp rsp;
	struct msg_vif m = { .id = 1, .dom = 1, .mtu = 1500 };
	struct msg_id id = { 1 };
	struct netback_conf c;
	uint32_t answered = 0;

	open_two();
	CU_ASSERT_EQUAL(data_bed_ask(&bed.data, MSG_PORT_DEL, &id, -1), 0);
	xen_bed_far_close(&bed.far[1]);
	guest_open(&g, bed.far[1].xen, 0, false, 0);
	c = guest_conf(&g, 1, 0);
	m.tx_ref = c.tx_ref;
	m.rx_ref = c.rx_ref;
	m.tx_evt = m.rx_evt = c.tx_evt;
	CU_ASSERT_EQUAL(data_bed_ask(&bed.data, MSG_VIF_ADD, &m, -1), 0);
	for (uint32_t i = 0; i < 50; i++) {
		for (uint32_t k = 0; k < NETIF_SLOTS; k++)
			guest_tx_slot(&g, 0, 13, 0);
		guest_tx_kick(&g);
		CU_ASSERT(xen_bed_passes(&bed, 2));
		while (guest_tx_answer(&g, &rsp)) {
			CU_ASSERT_EQUAL(rsp.status, NETIF_RSP_ERROR);
			answered++;
		}
	}
	CU_ASSERT_EQUAL(answered, 50 * NETIF_SLOTS);
	CU_ASSERT_EQUAL(bed.data.d.port[1].u.vif.fault[NETBACK_FIRST_SHORT],
			50 * NETIF_SLOTS);
	CU_ASSERT_EQUAL(data_bed_ask(&bed.data, MSG_PORT_DEL, &id, -1), 0);
	guest_close(&g);
	xen_bed_close(&bed);
}

UNIT_SUITE(data_fair, UNIT(R135_a_flood_of_frames_takes_none_of_anothers),
	   UNIT(R135_a_flood_of_bytes_takes_none_of_anothers),
	   UNIT(R135_nor_does_it_when_the_uplink_is_slow),
	   UNIT(R135_faults_cost_a_ring_per_turn_and_nobody_else))
