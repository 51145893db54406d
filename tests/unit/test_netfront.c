/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "mock/frames.h"
#include "mock/netif_bed.h"
#include "mock/netif_host.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

static struct host h;
static uint8_t bytes[FRAME_MAX];
static uint16_t flags;
static struct netif_extra gso;

/* ---- connecting ------------------------------------------------------------
 */

static void rings_begin_as_the_protocol_has_it(void)
{
	host_open(&h, HOST_ALL);
	CU_ASSERT_EQUAL(h.tx->head.req_prod, 0);
	CU_ASSERT_EQUAL(h.tx->head.rsp_prod, 0);
	CU_ASSERT_EQUAL(h.tx->head.req_event, 1);
	CU_ASSERT_EQUAL(h.tx->head.rsp_event, 1);
	CU_ASSERT_EQUAL(h.rx->head.req_prod, NETIF_SLOTS);
	CU_ASSERT_EQUAL(h.rx->head.rsp_prod, 0);
	CU_ASSERT_EQUAL(h.rx->head.req_event, 1);
	CU_ASSERT_EQUAL(h.rx->head.rsp_event, 1);
	for (uint32_t i = 0; i < NETIF_SLOTS; i++) {
		CU_ASSERT_EQUAL(h.rx->slot[i].req.id, i);
		CU_ASSERT_EQUAL(h.rx->slot[i].req.pad, 0);
	}
	CU_ASSERT_EQUAL(xen_sim_shared(h.sim, 1), 2 + 2 * NETFRONT_PAGES);
	host_close(&h);
}

static void XSA_371_each_step_that_fails_leaves_nothing_behind(void)
{
	for (uint32_t i = 0; i < 5; i++) {
		host_open(&h, HOST_ALL);
		h.vif.port.ops->close(&h.vif.port);
		xen_sim_fail(h.front, i < 4 ? XEN_SIM_SHARE : XEN_SIM_ALLOC,
			     i % 4, ENOSPC);
		CU_ASSERT_EQUAL(netfront_open(&h.vif, h.front, 0, HOST_ALL,
					      &h.keys, h.now),
				-ENOSPC);
		xen_unmap(h.back, h.tx, 1);
		xen_unmap(h.back, h.rx, 1);
		CU_ASSERT_EQUAL(xen_sim_shared(h.sim, 1), 0);
		CU_ASSERT_EQUAL(xen_sim_ports(h.sim, 1), 0);
		host_close(&h);
	}
}

static void caps_follow_from_what_the_backend_can(void)
{
	static const struct {
		uint8_t can, caps;
		uint16_t mtu;
	} t[] = {
		{ HOST_ALL, PORT_CSUM | PORT_GSO4 | PORT_GSO6, 9000 },
		{ 0, PORT_CSUM, 1500 },
		{ HOST_ALL & ~NETFRONT_SG, PORT_CSUM, 1500 },
		{ NETFRONT_SG | NETFRONT_GSO4 | NETFRONT_GSO6,
		  PORT_CSUM | PORT_GSO4, 9000 },
	};

	for (uint32_t i = 0; i < 4; i++) {
		host_open(&h, HOST_ALL);
		h.vif.port.ops->close(&h.vif.port);
		h.vif.port.mtu = 9000;
		CU_ASSERT_EQUAL(netfront_open(&h.vif, h.front, 0, t[i].can,
					      &h.keys, h.now),
				0);
		CU_ASSERT_EQUAL(h.vif.port.caps, t[i].caps);
		CU_ASSERT_EQUAL(h.vif.port.mtu, t[i].mtu);
		CU_ASSERT_EQUAL(h.vif.port.wake_fd, -1);
		host_close(&h);
	}
}

/* ---- sending ----------------------------------------------------------------
 */

static void frames_of_every_size_are_sent(void)
{
	static const uint32_t sizes[] = { 14,	60,   1514, 4095,
					  4096, 4097, 9014, 65535 };

	host_open(&h, HOST_ALL);
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CU_ASSERT_EQUAL(host_send(&h, host_pkt(&h, sizes[i], 9)), 0);
		CU_ASSERT_EQUAL(host_tx_frame(&h, &flags, &gso), sizes[i]);
		CU_ASSERT_EQUAL(flags & ~NETIF_MORE_DATA, 0);
		CU_ASSERT(bed_is(h.copy, sizes[i], 9));
		host_kick(&h);
	}
	CU_ASSERT_EQUAL(h.vif.port.stats.send_packets, 8);
	host_frames(&h);
	CU_ASSERT_EQUAL(h.vif.free_n, NETFRONT_PAGES);
	host_close(&h);
}

static void XSA_423_the_first_slot_has_all_headers(void)
{
	union netif_tx_slot s;
	struct pkt *p;

	host_open(&h, HOST_ALL);
	p = frame_parsed(h.pool, &(struct frame_spec){ .proto = IP_TCP,
						       .payload_len = 9000,
						       .gso_size = 1400 });
	CU_ASSERT_EQUAL(host_send(&h, p), 0);
	CU_ASSERT_FATAL(host_tx(&h, &s));
	CU_ASSERT_EQUAL(s.req.size, 9054);
	CU_ASSERT_EQUAL(s.req.offset, 0);
	CU_ASSERT_FATAL(host_tx(&h, &s) && host_tx(&h, &s));
	CU_ASSERT_EQUAL(s.req.size, 4096);
	CU_ASSERT_FATAL(host_tx(&h, &s));
	CU_ASSERT_EQUAL(s.req.size, 9054 - 2 * 4096);
	CU_ASSERT_FALSE(host_tx(&h, &s));
	host_close(&h);
}

static void offloads_are_described(void)
{
	static const struct {
		struct frame_spec frame;
		uint16_t want;
		uint8_t type;
	} t[] = {
		{ { .payload_len = 9 }, 0, 0 },
		{ { .payload_len = 9, .partial = true },
		  NETTX_CSUM_BLANK | NETTX_DATA_VALIDATED,
		  0 },
		{ { .proto = IP_TCP, .payload_len = 900, .gso_size = 100 },
		  NETTX_CSUM_BLANK | NETTX_DATA_VALIDATED | NETIF_EXTRA,
		  NETIF_GSO_TCP4 },
		{ { .src = "fd00::2",
		    .dst = "2001:db8::1",
		    .proto = IP_TCP,
		    .payload_len = 900,
		    .gso_size = 100 },
		  NETTX_CSUM_BLANK | NETTX_DATA_VALIDATED | NETIF_EXTRA,
		  NETIF_GSO_TCP6 },
	};

	host_open(&h, HOST_ALL);
	for (uint32_t i = 0; i < 4; i++) {
		host_send(&h, frame_parsed(h.pool, &t[i].frame));
		CU_ASSERT(host_tx_frame(&h, &flags, &gso) > 0);
		CU_ASSERT_EQUAL(flags, t[i].want);
		if (!t[i].type)
			continue;
		CU_ASSERT_EQUAL(gso.type, NETIF_EXTRA_GSO);
		CU_ASSERT_EQUAL(gso.flags, 0);
		CU_ASSERT_EQUAL(gso.gso_type, t[i].type);
		CU_ASSERT_EQUAL(gso.gso_size, 100);
	}
	h.in.p[h.in.n++] = host_pkt(&h, 60, 0);
	h.in.p[0]->flags = PKT_F_CSUM_VALID;
	host_send(&h, h.in.p[--h.in.n]);
	host_tx_frame(&h, &flags, &gso);
	CU_ASSERT_EQUAL(flags, NETTX_DATA_VALIDATED);
	host_close(&h);
}

static void sums_of_ipv6_are_finished_for_a_backend_that_can_not(void)
{
	host_open(&h, NETFRONT_SG);
	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t len;

		host_send(&h,
			  frame_parsed(h.pool,
				       &(struct frame_spec){
					       .src = v6 ? "fd00::2" : NULL,
					       .dst = v6 ? "2001:db8::1" : NULL,
					       .partial = true,
					       .payload_len = 77 }));
		len = host_tx_frame(&h, &flags, &gso);
		CU_ASSERT_EQUAL(!!(flags & NETTX_CSUM_BLANK), !v6);
		CU_ASSERT_EQUAL(frame_sums_ok(h.copy, len), v6);
	}
	host_close(&h);
}

static void what_the_backend_can_not_take_is_dropped(void)
{
	static const struct {
		uint8_t can;
		uint32_t len, gso;
	} t[] = { { 0, 4097, 0 },
		  { HOST_ALL, 65536, 0 },
		  { NETFRONT_SG, 5000, PKT_GSO_TCP4 },
		  { NETFRONT_SG | NETFRONT_GSO4, 5000, PKT_GSO_TCP6 } };
	union netif_tx_slot s;

	for (uint32_t i = 0; i < 4; i++) {
		struct pkt *p;

		host_open(&h, t[i].can);
		p = host_pkt(&h, t[i].len, 0);
		p->gso_type = (uint8_t)t[i].gso;
		p->gso_size = t[i].gso ? 1000 : 0;
		CU_ASSERT_EQUAL(host_send(&h, p), 0);
		CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_TX_BIG], 1);
		CU_ASSERT_EQUAL(h.vif.port.stats.send_dropped, 1);
		CU_ASSERT_FALSE(host_tx(&h, &s));
		host_close(&h);
	}
}

static void a_full_ring_drops_and_never_blocks(void)
{
	host_open(&h, HOST_ALL);
	for (uint32_t i = 0; i < NETIF_SLOTS / 2; i++)
		host_send(&h, host_pkt(&h, 5000, 0));
	CU_ASSERT_EQUAL(h.vif.free_n, 0);
	for (uint32_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(host_send(&h, host_pkt(&h, 60, 0)), 0);
	CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_TX_FULL], 5);
	CU_ASSERT_EQUAL(h.vif.port.stats.send_dropped, 5);
	host_tx_frame(&h, &flags, &gso);
	host_kick(&h);
	CU_ASSERT_EQUAL(host_send(&h, host_pkt(&h, 9000, 0)), 0); /* 3 of 2 */
	CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_TX_FULL], 6);
	CU_ASSERT_EQUAL(host_send(&h, host_pkt(&h, 60, 0)), 0);
	CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_TX_FULL], 6);
	host_close(&h);
}

static uint32_t sent_for(uint16_t from, uint32_t n, uint32_t len)
{
	uint64_t before = h.vif.port.stats.send_packets;

	for (uint32_t i = 0; i < n; i++)
		CU_ASSERT_EQUAL(host_send_for(&h, host_pkt(&h, len, 0), from),
				0);
	return (uint32_t)(h.vif.port.stats.send_packets - before);
}

static void a_sender_that_floods_leaves_slots_to_the_others(void)
{
	host_open(&h, HOST_ALL);
	CU_ASSERT_EQUAL(sent_for(1, 600, 60), 171); /* two thirds of 256 */
	CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_TX_SHARE], 429);
	CU_ASSERT_EQUAL(sent_for(2, 20, 60), 20);
	CU_ASSERT_EQUAL(sent_for(3, 2, 9000), 2);
	CU_ASSERT_EQUAL(sent_for(1, 10, 60), 0);
	CU_ASSERT_EQUAL(sent_for(h.vif.port.id, 10, 60), 10); /* ours */
	/* what was answered may be used again, the flood's too */
	for (uint32_t i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(host_tx_frame(&h, &flags, &gso), 60);
	host_kick(&h);
	CU_ASSERT(sent_for(1, 10, 60) == 10);
	host_close(&h);
}

/* Once what they sent before they were many is answered. */
static void ten_floods_leave_a_place_for_an_eleventh(void)
{
	host_open(&h, HOST_ALL);
	for (uint32_t round = 0; round < 1000; round++) {
		for (uint16_t from = 11; from <= 20; from++)
			(void)sent_for(from, 10, 1500);
		if (round > 2 * NETIF_SLOTS && round % 16 == 0)
			CU_ASSERT_EQUAL(sent_for(21, 1, 1500), 1);
		CU_ASSERT_EQUAL(host_tx_frame(&h, &flags, &gso), 1500);
		host_kick(&h);
	}
	CU_ASSERT(h.vif.free_n >= 10);
	host_close(&h);
}

/* Extras take slots of the ring and no page. */
static void extras_count_as_slots(void)
{
	host_open(&h, HOST_ALL);
	for (uint32_t i = 0; i < 85; i++) /* 3 slots each */
		host_send(&h, frame_parsed(h.pool, &(struct frame_spec){
							   .proto = IP_TCP,
							   .payload_len = 5000,
							   .gso_size = 1000 }));
	CU_ASSERT_EQUAL(h.vif.tx_prod, 255);
	CU_ASSERT_EQUAL(h.vif.free_n, NETFRONT_PAGES - 170);
	host_send(&h, host_pkt(&h, 5000, 0));
	CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_TX_FULL], 1);
	CU_ASSERT_EQUAL(h.vif.held[h.vif.port.id], 255);
	for (uint32_t i = 0; i < 85; i++)
		CU_ASSERT_EQUAL(host_tx_frame(&h, &flags, &gso), 5054);
	host_kick(&h);
	host_frames(&h);
	CU_ASSERT_EQUAL(h.vif.free_n, NETFRONT_PAGES);
	CU_ASSERT_EQUAL(h.vif.extra_n, 0);
	host_close(&h);
}

static void answers_may_come_in_any_order(void)
{
	uint16_t id[10];
	union netif_tx_slot s;

	host_open(&h, HOST_ALL);
	for (uint32_t round = 0; round < 60; round++) {
		for (uint32_t i = 0; i < 10; i++)
			host_send(&h, host_pkt(&h, 60, 0));
		for (uint32_t i = 0; i < 10; i++) {
			CU_ASSERT_FATAL(host_tx(&h, &s));
			id[i] = s.req.id;
		}
		for (uint32_t i = 10; i--;)
			host_tx_answer(&h, id[i],
				       i == 3 ? NETIF_RSP_DROPPED
					      : NETIF_RSP_OKAY);
		host_kick(&h);
		CU_ASSERT_EQUAL(host_recv(&h), 0);
		CU_ASSERT_EQUAL(h.vif.free_n, NETFRONT_PAGES);
	}
	CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_TX_REFUSED], 60);
	host_close(&h);
}

static void XSA_403_a_page_shows_nothing_but_what_was_sent(void)
{
	uint32_t set = 0;
	struct pkt *p;

	host_open(&h, HOST_ALL);
	p = host_pkt(&h, 200, 1);
	p->len = 61; /* of others' bytes in the same buffer */
	host_send(&h, p);
	for (size_t i = 0; i < NETFRONT_PAGES * (size_t)XEN_PAGE; i++)
		set += h.vif.tx_page[i] != 0;
	CU_ASSERT_EQUAL(set, 61);
	CU_ASSERT(bed_is(h.vif.tx_page + 255 * XEN_PAGE, 61, 1));
	host_close(&h);
}

static void XSA_403_tx_pages_can_not_be_written_by_the_backend(void)
{
	uint8_t b = 7;
	struct xen_seg seg = { .local = &b, .dom = 1, .len = 1 };

	host_open(&h, HOST_ALL);
	seg.ref = h.vif.tx_ref[0];
	CU_ASSERT_EQUAL(xen_copy(h.back, &seg, 1, XEN_TO_PEER), 0);
	CU_ASSERT_NOT_EQUAL(seg.status, XEN_OKAY);
	host_close(&h);
}

/* ---- receiving
 * --------------------------------------------------------------- */

static void frames_of_every_size_are_received(void)
{
	static const uint32_t sizes[] = { 14,	60,   1514,  4094, 4095,
					  4096, 4097, 65535, 65549 };

	host_open(&h, HOST_ALL);
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		bed_fill(bytes, sizes[i], 5);
		for (uint32_t at = 0; at < sizes[i]; at += 4096) {
			uint32_t left = sizes[i] - at;

			host_rx_bytes(&h, bytes + at, 0,
				      (uint16_t)(left < 4096 ? left : 4096),
				      left > 4096 ? NETIF_MORE_DATA : 0);
		}
		host_kick(&h);
		CU_ASSERT_EQUAL_FATAL(host_frames(&h), 1);
		CU_ASSERT_EQUAL(h.in.p[0]->len, sizes[i]);
		CU_ASSERT_EQUAL(h.in.p[0]->in, 6);
		CU_ASSERT(bed_is(h.in.p[0]->data, sizes[i], 5));
		CU_ASSERT_EQUAL(h.rx->head.req_prod, h.rx_cons + NETIF_SLOTS);
	}
	CU_ASSERT_EQUAL(h.vif.port.stats.recv_packets, 9);
	host_close(&h);
}

static void pieces_may_begin_anywhere_and_be_empty(void)
{
	host_open(&h, HOST_ALL);
	bed_fill(bytes, 300, 5);
	host_rx_bytes(&h, bytes, 2, 100, NETIF_MORE_DATA);
	host_rx_bytes(&h, NULL, 4096, 0, NETIF_MORE_DATA);
	host_rx_bytes(&h, bytes + 100, 3896, 200, 0);
	host_kick(&h);
	CU_ASSERT_EQUAL_FATAL(host_frames(&h), 1);
	CU_ASSERT_EQUAL(h.in.p[0]->len, 300);
	CU_ASSERT(bed_is(h.in.p[0]->data, 300, 5));
	host_close(&h);
}

static void flags_of_the_checksum_are_understood(void)
{
	static const struct {
		uint16_t flags;
		uint8_t want;
	} t[] = {
		{ 0, 0 },
		{ NETRX_CSUM_BLANK, PKT_F_CSUM_PARTIAL },
		{ NETRX_DATA_VALIDATED, PKT_F_CSUM_VALID },
		{ NETRX_CSUM_BLANK | NETRX_DATA_VALIDATED, PKT_F_CSUM_PARTIAL },
	};

	host_open(&h, HOST_ALL);
	for (uint32_t i = 0; i < 4; i++) {
		host_rx_bytes(&h, bytes, 0, 60, t[i].flags);
		host_kick(&h);
		CU_ASSERT_EQUAL_FATAL(host_frames(&h), 1);
		CU_ASSERT_EQUAL(h.in.p[0]->flags, t[i].want);
	}
	host_close(&h);
}

static void an_aggregate_is_received_with_its_description(void)
{
	static const struct netif_extra e = { .type = NETIF_EXTRA_GSO,
					      .gso_size = 1000,
					      .gso_type = NETIF_GSO_TCP4 };

	host_open(&h, HOST_ALL);
	frame_write(bytes, &(struct frame_spec){ .proto = IP_TCP,
						 .payload_len = 3000,
						 .partial = true });
	host_rx_bytes(&h, bytes, 0, 2000,
		      NETIF_EXTRA | NETIF_MORE_DATA | NETRX_CSUM_BLANK);
	host_rx_extra(&h, &e);
	host_rx_bytes(&h, bytes + 2000, 0, 1054, 0);
	host_kick(&h);
	CU_ASSERT_EQUAL_FATAL(host_frames(&h), 1);
	CU_ASSERT_EQUAL(h.in.p[0]->gso_type, PKT_GSO_TCP4);
	CU_ASSERT_EQUAL(h.in.p[0]->gso_size, 1000);
	CU_ASSERT_EQUAL(pkt_parse(h.in.p[0]), PKT_FORWARD);
	host_close(&h);
}

static void a_full_ring_takes_four_batches_and_wraps(void)
{
	host_open(&h, HOST_ALL);
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < NETIF_SLOTS; i++)
			host_rx_bytes(&h, bytes, 0, 60, 0);
		host_kick(&h);
		for (uint32_t i = 0; i < 4; i++)
			CU_ASSERT_EQUAL(host_frames(&h), PKT_BATCH);
		CU_ASSERT_EQUAL(host_frames(&h), 0);
	}
	host_close(&h);
}

static void without_buffers_frames_are_dropped_and_pages_posted(void)
{
	struct pkt *held[HOST_SMALL + 1];
	uint32_t n = 0;

	host_open(&h, HOST_ALL);
	while ((held[n] = pkt_get(h.pool, 60)))
		n++;
	host_rx_bytes(&h, bytes, 0, 60, 0);
	host_kick(&h);
	CU_ASSERT_EQUAL(host_frames(&h), 0);
	CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_NO_BUFFER], 1);
	CU_ASSERT_EQUAL(h.vif.port.stats.recv_dropped, 1);
	CU_ASSERT_EQUAL(h.vif.port.stats.recv_starved, 1);
	CU_ASSERT_EQUAL(h.rx->head.req_prod, NETIF_SLOTS + 1);
	while (n)
		pkt_put(h.pool, held[--n]);
	host_close(&h);
}

/* ---- events
 * --------------------------------------------------------------------- */

static void the_backend_is_told_when_it_asked(void)
{
	uint64_t before;

	host_open(&h, HOST_ALL);
	before = h.front->notifies;
	host_send(&h, host_pkt(&h, 60, 0)); /* and of the posted pages */
	CU_ASSERT_EQUAL(h.front->notifies, before + 1);
	host_send(&h, host_pkt(&h, 60, 0));
	CU_ASSERT_EQUAL(h.front->notifies, before + 1);
	h.tx->head.req_event = 4;
	host_send(&h, host_pkt(&h, 60, 0));
	CU_ASSERT_EQUAL(h.front->notifies, before + 1);
	host_send(&h, host_pkt(&h, 60, 0));
	CU_ASSERT_EQUAL(h.front->notifies, before + 2);
	h.rx->head.req_event = NETIF_SLOTS + 1;
	host_rx_bytes(&h, bytes, 0, 60, 0);
	host_kick(&h);
	host_frames(&h);
	CU_ASSERT_EQUAL(h.front->notifies, before + 3);
	host_close(&h);
}

static void frames_wake_us_and_answers_do_not(void)
{
	host_open(&h, HOST_ALL);
	host_send(&h, host_pkt(&h, 60, 0));
	host_tx_frame(&h, &flags, &gso);
	host_kick(&h); /* the first one was asked for by the protocol */
	CU_ASSERT_EQUAL(host_events(&h), 1);
	host_frames(&h);
	CU_ASSERT_FALSE(host_arm(&h));
	for (uint32_t i = 0; i < 5; i++) {
		host_send(&h, host_pkt(&h, 60, 0));
		host_tx_frame(&h, &flags, &gso);
		CU_ASSERT_FALSE(host_kick(&h));
	}
	host_rx_bytes(&h, bytes, 0, 60, 0);
	CU_ASSERT_TRUE(host_kick(&h));
	CU_ASSERT_EQUAL(host_events(&h), 1);
	CU_ASSERT_EQUAL(host_frames(&h), 1);
	host_rx_bytes(&h, bytes, 0, 60, 0);
	CU_ASSERT_FALSE(host_kick(&h)); /* while it is polled */
	CU_ASSERT_TRUE(host_arm(&h));
	CU_ASSERT_EQUAL(host_frames(&h), 1);
	CU_ASSERT_FALSE(host_arm(&h));
	host_close(&h);
}

static void names_of_faults_are_all_there(void)
{
	for (int i = 0; i < NETFRONT_FAULT_N; i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(
			netfront_fault_name((enum netfront_fault)i));
		CU_ASSERT(strlen(netfront_fault_name((enum netfront_fault)i)) >
			  1);
	}
	CU_ASSERT_STRING_EQUAL(netfront_fault_name(NETFRONT_FAULT_N), "?");
}

UNIT_SUITE(netfront, UNIT(rings_begin_as_the_protocol_has_it),
	   UNIT(XSA_371_each_step_that_fails_leaves_nothing_behind),
	   UNIT(caps_follow_from_what_the_backend_can),
	   UNIT(frames_of_every_size_are_sent),
	   UNIT(XSA_423_the_first_slot_has_all_headers),
	   UNIT(offloads_are_described),
	   UNIT(sums_of_ipv6_are_finished_for_a_backend_that_can_not),
	   UNIT(what_the_backend_can_not_take_is_dropped),
	   UNIT(a_full_ring_drops_and_never_blocks),
	   UNIT(a_sender_that_floods_leaves_slots_to_the_others),
	   UNIT(ten_floods_leave_a_place_for_an_eleventh),
	   UNIT(extras_count_as_slots), UNIT(answers_may_come_in_any_order),
	   UNIT(XSA_403_a_page_shows_nothing_but_what_was_sent),
	   UNIT(XSA_403_tx_pages_can_not_be_written_by_the_backend),
	   UNIT(frames_of_every_size_are_received),
	   UNIT(pieces_may_begin_anywhere_and_be_empty),
	   UNIT(flags_of_the_checksum_are_understood),
	   UNIT(an_aggregate_is_received_with_its_description),
	   UNIT(a_full_ring_takes_four_batches_and_wraps),
	   UNIT(without_buffers_frames_are_dropped_and_pages_posted),
	   UNIT(the_backend_is_told_when_it_asked),
	   UNIT(frames_wake_us_and_answers_do_not),
	   UNIT(names_of_faults_are_all_there))
