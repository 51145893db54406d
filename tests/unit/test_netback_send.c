/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "mock/frames.h"
#include "mock/netif_bed.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

static struct bed bed;
static struct guest_frame got;

static void open_bed(void)
{
	bed_open(&bed, &(struct bed_how){ .can = BED_ALL });
}

/* ---- frames that the guest has room for ------------------------------------
 */

static void frames_of_every_size_arrive(void)
{
	static const uint32_t sizes[] = { 14,	60,   1514, 1984,  1985, 4095,
					  4096, 4097, 8192, 65535, 65549 };

	open_bed();
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t slots = (sizes[i] + 4095) / 4096;

		guest_rx_post(&bed.guest, slots);
		CU_ASSERT_EQUAL(bed_send(&bed, bed_pkt(&bed, sizes[i], 3)), 0);
		CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
		CU_ASSERT_EQUAL(got.len, sizes[i]);
		CU_ASSERT_EQUAL(got.slots, slots);
		CU_ASSERT_EQUAL(got.flags & ~NETIF_MORE_DATA, 0);
		CU_ASSERT(bed_is(got.bytes, got.len, 3));
		CU_ASSERT(!guest_rx_frame(&bed.guest, &got));
	}
	CU_ASSERT_EQUAL(bed.vif.port.stats.send_packets, 11);
	bed_close(&bed);
}

static void a_batch_costs_one_copy(void)
{
	struct pkt_batch out = { 0 };

	open_bed();
	guest_rx_post(&bed.guest, 100);
	for (uint32_t i = 0; i < 20; i++)
		out.p[out.n++] = bed_pkt(&bed, 5000, (uint8_t)i);
	CU_ASSERT_EQUAL(bed.vif.port.ops->send(&bed.vif.port, bed.pool, &out,
					       bed.now),
			0);
	CU_ASSERT_EQUAL(out.n, 0);
	CU_ASSERT_EQUAL(bed.back->copy_calls, 1);
	for (uint32_t i = 0; i < 20; i++) {
		CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
		CU_ASSERT(got.len == 5000 &&
			  bed_is(got.bytes, 5000, (uint8_t)i));
	}
	bed_close(&bed);
}

static void indices_wrap_around(void)
{
	bed_open(&bed, &(struct bed_how){ .can = BED_ALL,
					  .first = UINT32_MAX - 300 });
	for (uint32_t i = 0; i < 600; i++) {
		guest_rx_post(&bed.guest, 2);
		bed_send(&bed, bed_pkt(&bed, 4100, (uint8_t)i));
		CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
		CU_ASSERT(bed_is(got.bytes, got.len, (uint8_t)i));
	}
	bed_close(&bed);
}

static struct pkt *parsed(const struct frame_spec *s)
{
	return frame_parsed(bed.pool, s);
}

static void flags_of_the_checksum_are_told(void)
{
	static const struct {
		uint8_t have;
		uint16_t want;
	} t[] = {
		{ 0, 0 },
		{ PKT_F_CSUM_VALID, NETRX_DATA_VALIDATED },
		{ PKT_F_CSUM_PARTIAL, NETRX_CSUM_BLANK | NETRX_DATA_VALIDATED },
	};

	open_bed();
	guest_rx_post(&bed.guest, 10);
	for (uint32_t i = 0; i < 3; i++) {
		bool partial = t[i].have == PKT_F_CSUM_PARTIAL;
		struct pkt *p = parsed(&(struct frame_spec){
			.payload_len = 50, .partial = partial });

		p->flags |= t[i].have;
		bed_send(&bed, p);
		CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
		CU_ASSERT_EQUAL(got.flags, t[i].want);
		CU_ASSERT_EQUAL(frame_sums_ok(got.bytes, got.len), !partial);
	}
	bed_close(&bed);
}

static void an_aggregate_is_described_in_the_second_slot(void)
{
	static const struct {
		const char *src, *dst;
		uint8_t wire;
	} t[] = { { NULL, NULL, NETIF_GSO_TCP4 },
		  { "fd00::2", "2001:db8::1", NETIF_GSO_TCP6 } };

	open_bed();
	guest_rx_post(&bed.guest, 64);
	for (uint32_t i = 0; i < 2; i++) {
		bed_send(&bed,
			 parsed(&(struct frame_spec){ .src = t[i].src,
						      .dst = t[i].dst,
						      .proto = IP_TCP,
						      .payload_len = 20000,
						      .gso_size = 1400 }));
		CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
		CU_ASSERT_EQUAL(got.slots, 6);
		CU_ASSERT_EQUAL(got.gso.type, NETIF_EXTRA_GSO);
		CU_ASSERT_EQUAL(got.gso.flags, 0);
		CU_ASSERT_EQUAL(got.gso.gso_type, t[i].wire);
		CU_ASSERT_EQUAL(got.gso.gso_size, 1400);
		CU_ASSERT_EQUAL(got.gso.pad, 0);
		CU_ASSERT_EQUAL(got.gso.gso_features, 0);
		CU_ASSERT_EQUAL(got.flags & 3,
				NETRX_CSUM_BLANK | NETRX_DATA_VALIDATED);
	}
	bed_close(&bed);
}

static void sums_are_finished_for_a_guest_that_can_not(void)
{
	static const struct {
		uint8_t can;
		bool v6, blank;
	} t[] = {
		{ NETBACK_CSUM4, false, true },
		{ NETBACK_CSUM4, true, false },
		{ NETBACK_CSUM6, false, false },
		{ NETBACK_CSUM6, true, true },
		{ 0, false, false },
		{ 0, true, false },
	};

	for (uint32_t i = 0; i < 6; i++) {
		bed_open(&bed, &(struct bed_how){ .can = t[i].can });
		guest_rx_post(&bed.guest, 4);
		bed_send(&bed, parsed(&(struct frame_spec){
				       .src = t[i].v6 ? "fd00::2" : NULL,
				       .dst = t[i].v6 ? "2001:db8::1" : NULL,
				       .partial = true,
				       .payload_len = 99 }));
		CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
		CU_ASSERT_EQUAL(!!(got.flags & NETRX_CSUM_BLANK), t[i].blank);
		CU_ASSERT_EQUAL(frame_sums_ok(got.bytes, got.len), !t[i].blank);
		bed_close(&bed);
	}
}

static void caps_follow_from_what_the_guest_can(void)
{
	static const struct {
		uint8_t can, caps;
		uint16_t mtu;
	} t[] = {
		{ BED_ALL, PORT_CSUM | PORT_GSO4 | PORT_GSO6, 9000 },
		{ 0, 0, 1500 },
		{ BED_ALL & ~NETBACK_SG, PORT_CSUM, 1500 },
		{ NETBACK_SG | NETBACK_GSO4 | NETBACK_GSO6, 0, 9000 },
		{ NETBACK_SG | NETBACK_GSO4 | NETBACK_GSO6 | NETBACK_CSUM4,
		  PORT_CSUM | PORT_GSO4, 9000 },
		{ NETBACK_SG | NETBACK_GSO4 | NETBACK_GSO6 | NETBACK_CSUM6,
		  PORT_CSUM | PORT_GSO6, 9000 },
		{ NETBACK_SG | NETBACK_CSUM4, PORT_CSUM, 9000 },
	};

	for (uint32_t i = 0; i < 7; i++) {
		struct netback_conf c;

		bed_open(&bed, &(struct bed_how){ 0 });
		c = guest_conf(&bed.guest, 1, t[i].can);
		bed.vif.port.ops->close(&bed.vif.port);
		bed.vif.port.mtu = 9000;
		CU_ASSERT_EQUAL(netback_open(&bed.vif, bed.back, &c, bed.now),
				0);
		CU_ASSERT_EQUAL(bed.vif.port.caps, t[i].caps);
		CU_ASSERT_EQUAL(bed.vif.port.mtu, t[i].mtu);
		CU_ASSERT_EQUAL(bed.vif.port.wake_fd, -1);
		bed_close(&bed);
	}
}

static void what_the_guest_can_not_take_is_dropped(void)
{
	static const struct {
		uint8_t can;
		struct frame_spec frame;
	} t[] = {
		{ NETBACK_CSUM4, { .proto = IP_TCP, .payload_len = 5000 } },
		{ NETBACK_CSUM4 | NETBACK_SG,
		  { .proto = IP_TCP, .payload_len = 5000, .gso_size = 1000 } },
		{ NETBACK_CSUM4 | NETBACK_SG | NETBACK_GSO6,
		  { .proto = IP_TCP, .payload_len = 500, .gso_size = 100 } },
	};

	for (uint32_t i = 0; i < 3; i++) {
		bed_open(&bed, &(struct bed_how){ .can = t[i].can });
		guest_rx_post(&bed.guest, 20);
		CU_ASSERT_EQUAL(bed_send(&bed, parsed(&t[i].frame)), 0);
		CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_TOO_BIG], 1);
		CU_ASSERT_EQUAL(bed.vif.port.stats.send_dropped, 1);
		CU_ASSERT(!guest_rx_frame(&bed.guest, &got));
		bed_close(&bed);
	}
}

/* ---- what Xen would not copy ------------------------------------------------
 */

static void a_page_that_can_not_be_written_is_answered_with_an_error(void)
{
	open_bed();
	guest_rx_post(&bed.guest, 10);
	xen_sim_fail_seg(bed.back, 1, XEN_PERMISSION);
	bed_send(&bed, bed_pkt(&bed, 9000, 1));
	bed_send(&bed, bed_pkt(&bed, 100, 2));
	CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
	CU_ASSERT(got.bad);
	CU_ASSERT_EQUAL(got.slots, 3); /* places of those behind stand */
	CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
	CU_ASSERT(!got.bad && bed_is(got.bytes, 100, 2));
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_RX_COPY], 1);
	CU_ASSERT_EQUAL(bed.vif.port.stats.send_dropped, 1);
	CU_ASSERT_EQUAL(bed.vif.port.stats.send_packets, 1);
	bed_close(&bed);
}

static void XSA_318_a_copy_that_fails_as_a_whole_fails_every_slot(void)
{
	union netif_rx_slot s;

	open_bed();
	guest_rx_post(&bed.guest, 10);
	xen_sim_fail(bed.back, XEN_SIM_COPY, 0, ENOMEM);
	bed_send(&bed, bed_pkt(&bed, 9000, 1));
	for (uint32_t i = 0; i < 3; i++) {
		CU_ASSERT_FATAL(guest_rx_answer(&bed.guest, &s));
		CU_ASSERT_EQUAL(s.rsp.status, NETIF_RSP_ERROR);
		CU_ASSERT_EQUAL(s.rsp.id, guest_id(i));
	}
	CU_ASSERT(!guest_rx_answer(&bed.guest, &s));
	bed_close(&bed);
}

/* ---- a slow guest
 * ------------------------------------------------------------ */

static void XSA_392_frames_wait_until_all_their_slots_are_there(void)
{
	open_bed();
	bed_send(&bed, bed_pkt(&bed, 9000, 1));
	bed_send(&bed, bed_pkt(&bed, 60, 2));
	for (uint32_t i = 0; i < 2; i++) {
		guest_rx_post(&bed.guest, 1);
		CU_ASSERT_EQUAL(bed_frames(&bed), 0);
		CU_ASSERT(!guest_rx_frame(&bed.guest, &got));
	}
	guest_rx_post(&bed.guest, 1);
	CU_ASSERT_EQUAL(bed_frames(&bed), 0); /* recv goes on with the queue */
	CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
	CU_ASSERT_EQUAL(got.len, 9000);
	CU_ASSERT(!guest_rx_frame(&bed.guest, &got));
	guest_rx_post(&bed.guest, 1);
	bed_frames(&bed);
	CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
	CU_ASSERT_EQUAL(got.len, 60);
	bed_close(&bed);
}

static void XSA_392_the_queue_is_bounded_by_frames(void)
{
	open_bed();
	for (uint32_t i = 0; i < NETBACK_QUEUE + 10; i++)
		bed_send(&bed, bed_pkt(&bed, 60, (uint8_t)i));
	CU_ASSERT_EQUAL(bed.vif.queue.n, NETBACK_QUEUE);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_QUEUE_FULL], 10);
	CU_ASSERT_EQUAL(bed.vif.port.stats.send_dropped, 10);
	guest_rx_post(&bed.guest, NETIF_SLOTS);
	bed_frames(&bed);
	for (uint32_t i = 0; i < NETBACK_QUEUE; i++) {
		CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
		CU_ASSERT(bed_is(got.bytes, 60, (uint8_t)i));
	}
	CU_ASSERT_EQUAL(bed.vif.queue.n, 0);
	CU_ASSERT_EQUAL(bed.vif.queue.bytes, 0);
	bed_close(&bed);
}

/* Pages that a frame of 65,535 bytes lies on, at worst. */
#define LONGEST (18u * XEN_PAGE)

static void XSA_392_the_queue_is_bounded_by_memory(void)
{
	uint32_t fit = NETBACK_QUEUE_BYTES / LONGEST;

	open_bed();
	for (uint32_t i = 0; i < fit + 3; i++)
		bed_send(&bed, bed_pkt(&bed, 65535, 0));
	CU_ASSERT_EQUAL(bed.vif.queue.n, fit);
	CU_ASSERT_EQUAL(bed.vif.queue.bytes, fit * LONGEST);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_QUEUE_FULL], 3);
	while (bed.vif.queue.bytes + PKT_SMALL <= NETBACK_QUEUE_BYTES)
		bed_send(&bed, bed_pkt(&bed, 60, 0));
	bed_send(&bed, bed_pkt(&bed, 60, 0));
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_QUEUE_FULL], 4);
	bed_close(&bed);
}

static void XSA_392_the_queue_is_bounded_by_large_buffers(void)
{
	open_bed();
	for (uint32_t i = 0; i < NETBACK_QUEUE_LARGE + 3; i++)
		bed_send(&bed, bed_pkt(&bed, 2000, 0));
	CU_ASSERT_EQUAL(bed.vif.queue.n, NETBACK_QUEUE_LARGE);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_QUEUE_FULL], 3);
	bed_send(&bed, bed_pkt(&bed, 1500, 0)); /* takes none */
	CU_ASSERT_EQUAL(bed.vif.queue.n, NETBACK_QUEUE_LARGE + 1);
	guest_rx_post(&bed.guest, NETIF_SLOTS);
	bed_frames(&bed);
	CU_ASSERT_EQUAL(bed.vif.queue.large, 0);
	bed_close(&bed);
}

/* So many queues together never hold all buffers. */
static void XSA_392_the_queue_is_bounded_by_the_buffers_that_are_free(void)
{
	struct pkt *out[BED_SMALL];
	uint32_t n = 0;

	open_bed();
	while (n < BED_SMALL - 101) /* somebody else has them */
		out[n++] = bed_pkt(&bed, 60, 0);
	for (uint32_t i = 0; i < 60; i++)
		bed_send(&bed, bed_pkt(&bed, 60, 0));
	CU_ASSERT_EQUAL(bed.vif.queue.n, 51);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_QUEUE_FULL], 9);
	bed_send(&bed, bed_pkt(&bed, 9000, 0)); /* another class */
	CU_ASSERT_EQUAL(bed.vif.queue.n, 52);
	while (n)
		pkt_put(bed.pool, out[--n]);
	bed_send(&bed, bed_pkt(&bed, 60, 0));
	CU_ASSERT_EQUAL(bed.vif.queue.n, 53);
	bed_close(&bed);
}

static void XSA_392_the_queue_is_bounded_by_time(void)
{
	bool wake = false;
	struct mono next;

	open_bed();
	bed_send(&bed, bed_pkt(&bed, 60, 1));
	bed_wait(&bed, 100);
	bed_send(&bed, bed_pkt(&bed, 60, 2));
	next = netback_tick(&bed.vif, bed.now, &wake);
	CU_ASSERT_EQUAL(next.ns, mono_add_ms(bed.now, 50).ns);
	bed_wait(&bed, 49);
	netback_tick(&bed.vif, bed.now, &wake);
	CU_ASSERT_EQUAL(bed.vif.queue.n, 2);
	bed_wait(&bed, 1);
	netback_tick(&bed.vif, bed.now, &wake);
	CU_ASSERT_EQUAL(bed.vif.queue.n, 1);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_TOO_OLD], 1);
	bed_wait(&bed, 100);
	guest_rx_post(&bed.guest, 5);
	bed_frames(&bed); /* not delivered late, either */
	CU_ASSERT(!guest_rx_frame(&bed.guest, &got));
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_TOO_OLD], 2);
	CU_ASSERT_FALSE(wake);
	bed_close(&bed);
}

/* One slot is always there, and two are always needed. */
static void XSA_392_a_stall_is_the_want_of_needed_slots(void)
{
	open_bed();
	guest_rx_post(&bed.guest, 1);
	bed_send(&bed, bed_pkt(&bed, 5000, 1));
	CU_ASSERT_EQUAL(bed.vif.queue.n, 1);
	bed_wait(&bed, NETBACK_STALL_MS - 1);
	bed_send(&bed, bed_pkt(&bed, 5000, 2));
	CU_ASSERT_EQUAL(bed.vif.queue.n, 1); /* the first was too old */
	bed_wait(&bed, 1);
	bed_send(&bed, bed_pkt(&bed, 5000, 3));
	CU_ASSERT_EQUAL(bed.vif.queue.n, 0);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_STALLED], 2);
	bed_wait(&bed, 5000);
	bed_send(&bed, bed_pkt(&bed, 5000, 4));
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_STALLED], 3);
	guest_rx_post(&bed.guest, 1);
	bed_send(&bed, bed_pkt(&bed, 5000, 5));
	CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
	CU_ASSERT(bed_is(got.bytes, 5000, 5));
	bed_send(&bed, bed_pkt(&bed, 5000, 6)); /* and begins anew */
	CU_ASSERT_EQUAL(bed.vif.queue.n, 1);
	bed_close(&bed);
}

static void a_guest_that_never_notifies_is_not_stalled_but_polled(void)
{
	bool wake = false;
	struct mono next;

	bed_open(&bed,
		 &(struct bed_how){ .can = BED_ALL & ~NETBACK_RX_NOTIFY });
	CU_ASSERT_EQUAL(netback_tick(&bed.vif, bed.now, &wake).ns, UINT64_MAX);
	bed_send(&bed, bed_pkt(&bed, 60, 1));
	next = netback_tick(&bed.vif, bed.now, &wake);
	CU_ASSERT_EQUAL(next.ns, mono_add_ms(bed.now, NETBACK_POLL_MS).ns);
	CU_ASSERT_FALSE(wake);
	bed_wait(&bed, NETBACK_POLL_MS);
	netback_tick(&bed.vif, bed.now, &wake);
	CU_ASSERT_TRUE(wake);
	bed_frames(&bed);
	wake = false;
	netback_tick(&bed.vif, bed.now, &wake);
	CU_ASSERT_FALSE(wake);
	bed_wait(&bed, 2 * NETBACK_STALL_MS);
	bed_send(&bed, bed_pkt(&bed, 60, 2));
	CU_ASSERT_EQUAL(bed.vif.queue.n, 1);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_STALLED], 0);
	bed_close(&bed);
}

static void frames_that_wait_go_back_when_the_port_is_closed(void)
{
	open_bed();
	for (uint32_t i = 0; i < 5; i++)
		bed_send(&bed, bed_pkt(&bed, 3000, 0));
	bed_close(&bed); /* panics when a buffer is missing */
}

static void XSA_216_a_page_gets_no_byte_more_than_the_frame_has(void)
{
	uint8_t *page;

	open_bed();
	page = bed.guest.rx_page;
	memset(page, 0xaa, 3 * GUEST_PAGE);
	guest_rx_post(&bed.guest, 3);
	bed_send(&bed, bed_pkt(&bed, 61, 1));
	bed_send(&bed, bed_pkt(&bed, 4097, 1));
	CU_ASSERT_EQUAL(page[60], 61);
	for (uint32_t i = 61; i < GUEST_PAGE; i++)
		CU_ASSERT_FATAL(page[i] == 0xaa);
	for (uint32_t i = 1; i < GUEST_PAGE; i++)
		CU_ASSERT_FATAL(page[2 * GUEST_PAGE + i] == 0xaa);
	bed_close(&bed);
}

UNIT_SUITE(netback_send, UNIT(frames_of_every_size_arrive),
	   UNIT(a_batch_costs_one_copy), UNIT(indices_wrap_around),
	   UNIT(flags_of_the_checksum_are_told),
	   UNIT(an_aggregate_is_described_in_the_second_slot),
	   UNIT(sums_are_finished_for_a_guest_that_can_not),
	   UNIT(caps_follow_from_what_the_guest_can),
	   UNIT(what_the_guest_can_not_take_is_dropped),
	   UNIT(a_page_that_can_not_be_written_is_answered_with_an_error),
	   UNIT(XSA_318_a_copy_that_fails_as_a_whole_fails_every_slot),
	   UNIT(XSA_392_frames_wait_until_all_their_slots_are_there),
	   UNIT(XSA_392_the_queue_is_bounded_by_frames),
	   UNIT(XSA_392_the_queue_is_bounded_by_memory),
	   UNIT(XSA_392_the_queue_is_bounded_by_large_buffers),
	   UNIT(XSA_392_the_queue_is_bounded_by_the_buffers_that_are_free),
	   UNIT(XSA_392_the_queue_is_bounded_by_time),
	   UNIT(XSA_392_a_stall_is_the_want_of_needed_slots),
	   UNIT(a_guest_that_never_notifies_is_not_stalled_but_polled),
	   UNIT(frames_that_wait_go_back_when_the_port_is_closed),
	   UNIT(XSA_216_a_page_gets_no_byte_more_than_the_frame_has))
