/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When netback wakes the guest, when it lets itself be woken, and what a guest
 * may send in a time. */
#include <errno.h>
#include <string.h>

#include "mock/netif_bed.h"
#include "unit.h"

static struct bed bed;
static struct guest_frame got;
static uint8_t bytes[4096];

static void open_bed(bool split)
{
	bed_open(&bed, &(struct bed_how){ .can = BED_ALL, .split = split });
	/* what binding set, as the loop would see it */
	CU_ASSERT_EQUAL(bed_events(&bed), split ? 2 : 1);
	bed_frames(&bed);
	CU_ASSERT_FALSE(bed_arm(&bed));
	guest_events(&bed.guest);
}

static void put(uint32_t n)
{
	while (n--)
		guest_tx_frame(&bed.guest, bytes, 60, 60, 0, 0, NULL);
}

/* ---- telling the guest ------------------------------------------------------
 */

static void the_guest_is_told_once_and_only_when_it_asked(void)
{
	open_bed(false);
	put(3);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(bed_frames(&bed), 3);
	bed_arm(&bed);
	CU_ASSERT_EQUAL(guest_events(&bed.guest), 1); /* rsp_event was 1 */
	put(3);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(bed_frames(&bed), 3);
	bed_arm(&bed);
	CU_ASSERT_EQUAL(guest_events(&bed.guest), 0);
	bed.guest.tx->head.rsp_event = 8;
	for (uint32_t i = 0; i < 3; i++) {
		put(1);
		guest_tx_kick(&bed.guest);
		CU_ASSERT_EQUAL(bed_frames(&bed), 1);
		bed_arm(&bed);
		CU_ASSERT_EQUAL(guest_events(&bed.guest), i == 1);
	}
	bed_close(&bed);
}

static void one_event_tells_of_both_rings(void)
{
	uint64_t before;

	open_bed(false);
	guest_rx_post(&bed.guest, 4);
	put(1);
	guest_tx_kick(&bed.guest);
	before = bed.back->notifies;
	CU_ASSERT_EQUAL(bed_frames(&bed), 1);
	CU_ASSERT_EQUAL(bed.back->notifies, before);
	bed_send(&bed, bed_pkt(&bed, 60, 0));
	CU_ASSERT_EQUAL(bed.back->notifies, before + 1);
	bed_arm(&bed);
	CU_ASSERT_EQUAL(bed.back->notifies, before + 1);
	bed_close(&bed);
}

static void split_channels_each_tell_of_their_ring(void)
{
	uint32_t port[4];

	open_bed(true);
	guest_rx_post(&bed.guest, 4);
	put(1);
	guest_tx_kick(&bed.guest);
	bed_frames(&bed);
	bed_arm(&bed);
	CU_ASSERT_EQUAL_FATAL(xen_evt_take(bed.front, port, 4), 1);
	CU_ASSERT_EQUAL(port[0], bed.guest.tx_evt);
	CU_ASSERT_EQUAL(xen_evt_unmask(bed.front, port, 1), 0);
	bed_send(&bed, bed_pkt(&bed, 60, 0));
	CU_ASSERT_EQUAL_FATAL(xen_evt_take(bed.front, port, 4), 1);
	CU_ASSERT_EQUAL(port[0], bed.guest.rx_evt);
	bed_close(&bed);
}

/* ---- being told
 * --------------------------------------------------------------- */

static void while_it_is_polled_the_guest_need_not_tell(void)
{
	open_bed(false);
	put(1);
	CU_ASSERT_TRUE(guest_tx_kick(&bed.guest));
	for (uint32_t i = 0; i < 20; i++) {
		CU_ASSERT_EQUAL(bed_frames(&bed), 1);
		put(1);
		CU_ASSERT_FALSE(guest_tx_kick(&bed.guest));
	}
	CU_ASSERT_EQUAL(bed_frames(&bed), 1);
	CU_ASSERT_FALSE(bed_arm(&bed));
	put(1);
	CU_ASSERT_TRUE(guest_tx_kick(&bed.guest));
	bed_close(&bed);
}

/* The guest's frame came after the last look and before the question. */
static void a_frame_that_came_meanwhile_is_seen_by_arm(void)
{
	open_bed(false);
	put(1);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_TRUE(bed_arm(&bed));
	CU_ASSERT_EQUAL(bed_frames(&bed), 1);
	CU_ASSERT_FALSE(bed_arm(&bed));
	bed_close(&bed);
}

static void a_waiting_frame_asks_for_the_last_of_its_slots(void)
{
	open_bed(false);
	bed_send(&bed, bed_pkt(&bed, 9000, 1));
	CU_ASSERT_FALSE(bed_arm(&bed));
	CU_ASSERT_FALSE(guest_rx_post(&bed.guest, 1));
	CU_ASSERT_FALSE(guest_rx_post(&bed.guest, 1));
	CU_ASSERT_FALSE(bed_arm(&bed));
	CU_ASSERT_TRUE(guest_rx_post(&bed.guest, 1));
	CU_ASSERT_EQUAL(bed_events(&bed), 1);
	bed_frames(&bed);
	CU_ASSERT(guest_rx_frame(&bed.guest, &got));
	bed_close(&bed);
}

static void slots_that_came_meanwhile_are_seen_by_arm(void)
{
	open_bed(false);
	bed_send(&bed, bed_pkt(&bed, 60, 1));
	guest_rx_post(&bed.guest, 1);
	CU_ASSERT_TRUE(bed_arm(&bed));
	bed_frames(&bed);
	CU_ASSERT_FALSE(bed_arm(&bed));
	CU_ASSERT(guest_rx_frame(&bed.guest, &got));
	bed_close(&bed);
}

static void posting_slots_tells_nobody_while_nothing_waits(void)
{
	open_bed(false);
	guest_rx_post(&bed.guest, 1); /* crosses what opening asked for */
	bed_events(&bed);
	bed_frames(&bed);
	bed_arm(&bed);
	for (uint32_t i = 0; i < 200; i++)
		CU_ASSERT_FALSE(guest_rx_post(&bed.guest, 1));
	bed_close(&bed);
}

/* ---- events behind which there is nothing
 * --------------------------------------- */

/* An event, the poll that it causes, and to sleep again. */
static void storm(void)
{
	(void)xen_evt_notify(bed.front, bed.guest.tx_evt);
	bed_events(&bed);
	bed_frames(&bed);
	bed_arm(&bed);
}

static void XSA_332_a_storm_of_events_is_let_in_ever_more_rarely(void)
{
	static const uint32_t pause[] = { 1,   2,   4,	 8,    16,   32,  64,
					  128, 256, 512, 1000, 1000, 1000 };
	bool wake = false;

	open_bed(false);
	bed.vif.gate.spurious = 0;
	storm(); /* the first one is free */
	CU_ASSERT_FALSE(bed.vif.gate.masked);
	for (uint32_t i = 0; i < sizeof(pause) / sizeof(pause[0]); i++) {
		struct mono next;

		storm();
		CU_ASSERT_TRUE(bed.vif.gate.masked);
		next = netback_tick(&bed.vif, bed.now, &wake);
		CU_ASSERT_EQUAL(next.ns, mono_add_ms(bed.now, pause[i]).ns);
		storm(); /* goes nowhere */
		CU_ASSERT_EQUAL(bed_events(&bed), 0);
		bed.now = next;
		next = netback_tick(&bed.vif, bed.now, &wake);
		CU_ASSERT_EQUAL(next.ns, UINT64_MAX);
	}
	CU_ASSERT_FALSE(wake);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_EVENT], 1 + 1 + 13);
	bed_close(&bed);
}

static void an_event_during_the_pause_is_seen_after_it(void)
{
	bool wake = false;

	open_bed(false);
	storm();
	storm();
	CU_ASSERT_TRUE(bed.vif.gate.masked);
	put(1);
	CU_ASSERT_TRUE(guest_tx_kick(&bed.guest));
	CU_ASSERT_EQUAL(bed_events(&bed), 0);
	bed.now = netback_tick(&bed.vif, bed.now, &wake);
	netback_tick(&bed.vif, bed.now, &wake);
	CU_ASSERT_EQUAL(bed_events(&bed), 1);
	CU_ASSERT_EQUAL(bed_frames(&bed), 1);
	CU_ASSERT_FALSE(bed_arm(&bed));
	CU_ASSERT_FALSE(bed.vif.gate.masked); /* useful: all is forgiven */
	CU_ASSERT_EQUAL(bed.vif.gate.spurious, 0);
	bed_close(&bed);
}

static void work_that_comes_otherwise_ends_the_pause(void)
{
	open_bed(false);
	storm();
	storm();
	put(1);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(bed_frames(&bed), 1);
	CU_ASSERT_FALSE(bed_arm(&bed));
	CU_ASSERT_FALSE(bed.vif.gate.masked);
	CU_ASSERT_EQUAL(bed.vif.gate.until.ns, 0);
	bed_close(&bed);
}

static void an_honest_guest_is_never_let_wait(void)
{
	open_bed(false);
	for (uint32_t i = 0; i < 500; i++) {
		put(1);
		if (guest_tx_kick(&bed.guest))
			CU_ASSERT_EQUAL(bed_events(&bed), 1);
		CU_ASSERT_EQUAL(bed_frames(&bed), 1);
		CU_ASSERT_FALSE(bed_arm(&bed));
		CU_ASSERT_FALSE(bed.vif.gate.masked);
	}
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_EVENT], 1); /* of binding */
	bed_close(&bed);
}

static void an_unmasking_that_fails_is_tried_again(void)
{
	bool wake = false;
	struct mono next;

	open_bed(false);
	put(1);
	guest_tx_kick(&bed.guest);
	bed_events(&bed);
	bed_frames(&bed);
	xen_sim_fail(bed.back, XEN_SIM_UNMASK, 0, EIO);
	bed_arm(&bed);
	CU_ASSERT_TRUE(bed.vif.gate.masked);
	next = netback_tick(&bed.vif, bed.now, &wake);
	CU_ASSERT_EQUAL(next.ns, mono_add_ms(bed.now, 1).ns);
	netback_tick(&bed.vif, next, &wake);
	CU_ASSERT_FALSE(bed.vif.gate.masked);
	bed_close(&bed);
}

/* ---- the rate
 * ------------------------------------------------------------------- */

/* Frames of 1000 bytes that get through now. */
static uint32_t through(void)
{
	uint32_t n = 0;

	while (bed_frames(&bed))
		n += bed.in.n;
	return n;
}

static void put_thousands(uint32_t n)
{
	while (n--)
		guest_tx_frame(&bed.guest, bytes, 1000, 1000, 0, 0, NULL);
	guest_tx_kick(&bed.guest);
}

static void frames_over_the_rate_wait_in_the_ring(void)
{
	bool wake = false;
	struct mono next;

	bed_open(&bed, &(struct bed_how){ .can = BED_ALL,
					  .rate_bytes = 10000,
					  .rate_us = 50000 });
	put_thousands(200);
	CU_ASSERT_EQUAL(through(), 10);
	CU_ASSERT(bed.vif.fault[NETBACK_RATE] > 0);
	CU_ASSERT_FALSE(bed_arm(&bed)); /* sleeps, with frames there */
	next = netback_tick(&bed.vif, bed.now, &wake);
	CU_ASSERT_EQUAL(next.ns, mono_add_ms(bed.now, 50).ns);
	CU_ASSERT_FALSE(wake);
	bed.now = next;
	netback_tick(&bed.vif, bed.now, &wake);
	CU_ASSERT_TRUE(wake);
	CU_ASSERT_EQUAL(through(), 10);
	bed_wait(&bed, 125);
	CU_ASSERT_EQUAL(through(), 20);
	bed_wait(&bed, 25);
	CU_ASSERT_EQUAL(through(), 10);
	bed_close(&bed);
}

static void credit_is_saved_up_to_a_burst(void)
{
	bed_open(&bed, &(struct bed_how){ .can = BED_ALL,
					  .rate_bytes = 1000,
					  .rate_us = 1000 });
	bed_wait(&bed, 3600 * 1000);
	put_thousands(256);
	CU_ASSERT_EQUAL(through(), NETBACK_BURST_BYTES / 1000);
	bed_wait(&bed, 5);
	CU_ASSERT_EQUAL(through(), 5);
	bed_close(&bed);
}

static void a_burst_is_one_period_when_that_is_more(void)
{
	bed_open(&bed, &(struct bed_how){ .can = BED_ALL,
					  .rate_bytes = 200000,
					  .rate_us = 1000 });
	bed_wait(&bed, 1000);
	put_thousands(256);
	CU_ASSERT_EQUAL(through(), 200);
	bed_close(&bed);
}

static void a_rate_of_nothing_lets_nothing_through(void)
{
	bool wake = false;

	bed_open(&bed, &(struct bed_how){ .can = BED_ALL, .rate_us = 1000 });
	put_thousands(3);
	bed_wait(&bed, 100000);
	CU_ASSERT_EQUAL(through(), 0);
	netback_tick(&bed.vif, bed.now, &wake);
	CU_ASSERT_EQUAL(bed.guest.tx->head.rsp_prod, 0);
	bed_close(&bed);
}

static void the_rate_counts_whole_frames_of_any_size(void)
{
	bed_open(&bed, &(struct bed_how){ .can = BED_ALL,
					  .rate_bytes = 1000,
					  .rate_us = 1000 });
	for (uint32_t i = 0; i < 16; i++)
		guest_tx_slot(&bed.guest, 0, i ? 4096 : 65535,
			      i < 15 ? NETIF_MORE_DATA : 0);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(through(), 0);
	bed_wait(&bed, 64);
	CU_ASSERT_EQUAL(through(), 0);
	bed_wait(&bed, 1);
	CU_ASSERT_EQUAL(through(), 1);
	bed_close(&bed);
}

UNIT_SUITE(netback_wake, UNIT(the_guest_is_told_once_and_only_when_it_asked),
	   UNIT(one_event_tells_of_both_rings),
	   UNIT(split_channels_each_tell_of_their_ring),
	   UNIT(while_it_is_polled_the_guest_need_not_tell),
	   UNIT(a_frame_that_came_meanwhile_is_seen_by_arm),
	   UNIT(a_waiting_frame_asks_for_the_last_of_its_slots),
	   UNIT(slots_that_came_meanwhile_are_seen_by_arm),
	   UNIT(posting_slots_tells_nobody_while_nothing_waits),
	   UNIT(XSA_332_a_storm_of_events_is_let_in_ever_more_rarely),
	   UNIT(an_event_during_the_pause_is_seen_after_it),
	   UNIT(work_that_comes_otherwise_ends_the_pause),
	   UNIT(an_honest_guest_is_never_let_wait),
	   UNIT(an_unmasking_that_fails_is_tried_again),
	   UNIT(frames_over_the_rate_wait_in_the_ring),
	   UNIT(credit_is_saved_up_to_a_burst),
	   UNIT(a_burst_is_one_period_when_that_is_more),
	   UNIT(a_rate_of_nothing_lets_nothing_through),
	   UNIT(the_rate_counts_whole_frames_of_any_size))
