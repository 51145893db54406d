/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a hostile guest may try, one test for each line of the list, F1 to F16;
 * what the chains, extras and queues of the list must do in detail stands in
 * the other suites of netback.  F11 is about the XenStore: the bus' business.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mock/netif_bed.h"
#include "mock/netif_watch.h"
#include "unit.h"

static struct bed bed, other;
static struct guest_frame got;
static uint8_t bytes[65535];

static void open_bed(void)
{
	bed_open(&bed, &(struct bed_how){ .can = BED_ALL });
}

static void put(uint32_t len)
{
	guest_tx_frame(&bed.guest, bytes, len, len, 1, 0, NULL);
}

/* Not a byte of either ring is written any more. */
static void check_dead(enum netback_fault f)
{
	static struct netif_tx_ring tx;
	static struct netif_rx_ring rx;
	bool wake = false;
	uint64_t calls = bed.back->copy_calls;

	CU_ASSERT_TRUE(bed.vif.dead);
	CU_ASSERT_EQUAL(bed.vif.fault[f], 1);
	memcpy(&tx, bed.guest.tx, sizeof(tx));
	memcpy(&rx, bed.guest.rx, sizeof(rx));
	CU_ASSERT_EQUAL(bed_recv(&bed), -EPROTO);
	CU_ASSERT_EQUAL(bed_send(&bed, bed_pkt(&bed, 60, 0)), -EPROTO);
	CU_ASSERT_FALSE(bed_arm(&bed));
	CU_ASSERT_EQUAL(netback_tick(&bed.vif, bed.now, &wake).ns, UINT64_MAX);
	CU_ASSERT_FALSE(wake);
	CU_ASSERT_EQUAL(bed.vif.fault[f], 1); /* once */
	CU_ASSERT_EQUAL(bed.back->copy_calls, calls);
	CU_ASSERT_EQUAL(memcmp(&tx, bed.guest.tx, sizeof(tx)), 0);
	CU_ASSERT_EQUAL(memcmp(&rx, bed.guest.rx, sizeof(rx)), 0);
}

static void check_other(void)
{
	guest_tx_frame(&other.guest, bytes, 60, 60, 0, 0, NULL);
	guest_tx_kick(&other.guest);
	CU_ASSERT_EQUAL(bed_frames(&other), 1);
	guest_rx_post(&other.guest, 1);
	CU_ASSERT_EQUAL(bed_send(&other, bed_pkt(&other, 60, 1)), 0);
	CU_ASSERT(guest_rx_frame(&other.guest, &got));
}

static void F1_XSA_39_an_index_that_jumps_is_fatal_to_its_own_vif(void)
{
	static const uint32_t jump[] = { 257, UINT32_MAX, 1u << 31, 1000,
					 65536 };

	for (uint32_t i = 0; i < 10; i++) {
		uint32_t *prod;

		open_bed();
		bed_open(&other,
			 &(struct bed_how){ .can = BED_ALL, .on = &bed });
		prod = i < 5 ? &bed.guest.tx->head.req_prod
			     : &bed.guest.rx->head.req_prod;
		*prod += jump[i % 5];
		CU_ASSERT_EQUAL(bed_recv(&bed), -EPROTO);
		check_dead(NETBACK_FATAL_INDEX);
		check_other();
		bed_close(&other);
		bed_close(&bed);
	}
}

static void F1_an_rx_index_that_jumps_is_found_by_send_too(void)
{
	open_bed();
	bed.guest.rx->head.req_prod += 257;
	CU_ASSERT_EQUAL(bed_send(&bed, bed_pkt(&bed, 60, 0)), -EPROTO);
	check_dead(NETBACK_FATAL_INDEX);
	bed_close(&bed);
}

static void jump_index(void *ctx, enum xen_sim_op op, uint32_t i, bool after)
{
	(void)i;
	if (op == XEN_SIM_COPY && !after)
		*(uint32_t *)ctx += 100000;
}

static void F1_an_index_that_changes_during_the_pass_is_read_once(void)
{
	struct xen_sim_hook hook = { jump_index, NULL };

	open_bed();
	hook.ctx = &bed.guest.tx->head.req_prod;
	put(60);
	guest_tx_kick(&bed.guest);
	xen_sim_hook(bed.back, &hook);
	CU_ASSERT_EQUAL(bed_frames(&bed), 1);
	CU_ASSERT_EQUAL(bed.guest.tx->head.rsp_prod, 1);
	xen_sim_hook(bed.back, NULL);
	CU_ASSERT_EQUAL(bed_recv(&bed), -EPROTO);
	bed_close(&bed);
}

/* ---- F2: the moment between two looks ---------------------------------------
 */

#define SLOTS_AT (sizeof(struct netif_ring) / 4) /* first word of the slots */

/* Whatever was read is something else right after. */
static void flip_read(struct watch *w, uint32_t word, bool write)
{
	if (!write)
		w->page[word] ^= 0xffffffff;
}

static bool read_once(const struct watch *w, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (w->reads[first + i] != 1)
			return false;
	for (uint32_t i = first + n; i < 1024; i++)
		if (w->reads[i])
			return false;
	return true;
}

static void F2_XSA_155_a_tx_slot_is_read_once_and_only_the_copy_counts(void)
{
	static const struct netif_extra hash = { .type = NETIF_EXTRA_HASH };
	static struct watch w;

	open_bed();
	bed_fill(bytes, 300, 3);
	guest_tx_frame(&bed.guest, bytes, 300, 100, 100, 0, &hash);
	guest_tx_kick(&bed.guest);
	if (watch_begin(&w, bed.guest.tx, flip_read)) {
		int err = bed_recv(&bed);

		watch_end(&w);
		CU_ASSERT_EQUAL(err, 0);
		CU_ASSERT_EQUAL_FATAL(bed.in.n, 1);
		CU_ASSERT(bed.in.p[0]->len == 300 &&
			  bed_is(bed.in.p[0]->data, 300, 3));
		CU_ASSERT_EQUAL(w.reads[0], 1); /* req_prod */
		/* an extra is looked at up to its eighth byte */
		CU_ASSERT_EQUAL(w.reads[SLOTS_AT + 5], 0);
		w.reads[SLOTS_AT + 5] = 1;
		CU_ASSERT(read_once(&w, SLOTS_AT, 4 * 3));
		CU_ASSERT(bed_answer_is(&bed, 0, NETIF_RSP_OKAY));
		CU_ASSERT(bed_answer_is(&bed, 1, NETIF_RSP_NULL));
		CU_ASSERT(bed_answer_is(&bed, 2, NETIF_RSP_OKAY));
		CU_ASSERT(bed_answer_is(&bed, 3, NETIF_RSP_OKAY));
	}
	bed_close(&bed);
}

static void F2_XSA_155_an_rx_slot_is_read_once_and_only_the_copy_counts(void)
{
	static struct watch w;

	open_bed();
	guest_rx_post(&bed.guest, 3);
	if (watch_begin(&w, bed.guest.rx, flip_read)) {
		int err = bed_send(&bed, bed_pkt(&bed, 9000, 4));

		watch_end(&w);
		CU_ASSERT_EQUAL(err, 0);
		CU_ASSERT_EQUAL(w.reads[0], 1);
		CU_ASSERT(read_once(&w, SLOTS_AT, 3 * 2));
		CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
		CU_ASSERT(got.len == 9000 && bed_is(got.bytes, 9000, 4));
	}
	bed_close(&bed);
}

static void overwrite(void *ctx, enum xen_sim_op op, uint32_t i, bool after)
{
	(void)i;
	if (op == XEN_SIM_COPY && after)
		memset(ctx, 0xff, GUEST_PAGE);
}

static void F2_pages_that_change_later_change_nothing(void)
{
	struct xen_sim_hook hook = { overwrite, NULL };

	open_bed();
	hook.ctx = bed.guest.tx_page;
	bed_fill(bytes, 60, 1);
	put(60);
	guest_tx_kick(&bed.guest);
	xen_sim_hook(bed.back, &hook);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 1);
	CU_ASSERT(bed_is(bed.in.p[0]->data, 60, 1));
	bed_close(&bed);
}

/* ---- F3 to F7
 * ----------------------------------------------------------------- */

static void F3_no_size_and_offset_reach_behind_a_page(void)
{
	static const uint16_t edge[] = { 0,    1,    13,    14,	  4095,
					 4096, 4097, 32768, 65535 };

	for (uint32_t i = 0; i < 81; i++) {
		uint32_t off = edge[i / 9], size = edge[i % 9];
		bool drop = size < 14, die = !drop && off + size > 4096;

		open_bed();
		guest_tx_slot(&bed.guest, (uint16_t)off, (uint16_t)size, 0);
		guest_tx_kick(&bed.guest);
		CU_ASSERT_EQUAL(bed_recv(&bed), die ? -EPROTO : 0);
		CU_ASSERT_EQUAL(bed.in.n, !drop && !die);
		bed_close(&bed);
	}
}

static void F4_a_chain_without_end_is_fatal(void)
{
	open_bed();
	put(60); /* whose buffer is given back */
	for (uint32_t i = 1; i < NETIF_SLOTS; i++)
		guest_tx_slot(&bed.guest, 0, 100, NETIF_MORE_DATA);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(bed_recv(&bed), -EPROTO);
	CU_ASSERT_EQUAL(bed.in.n, 0);
	check_dead(NETBACK_FATAL_CHAIN);
	CU_ASSERT_EQUAL(bed.guest.tx->head.rsp_prod, 0);
	bed_close(&bed);
}

static void F5_extras_without_end_are_fatal(void)
{
	static const struct netif_extra e = { .type = NETIF_EXTRA_HASH,
					      .flags = NETIF_EXTRA_MORE };

	open_bed();
	guest_tx_slot(&bed.guest, 0, 60, NETIF_EXTRA);
	for (uint32_t i = 1; i < NETIF_SLOTS; i++)
		guest_tx_extra(&bed.guest, &e);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(bed_recv(&bed), -EPROTO);
	check_dead(NETBACK_FATAL_EXTRA);
	bed_close(&bed);
}

static void F6_a_reference_that_is_none_is_an_error(void)
{
	static const uint32_t refs[] = { 0, 7, 100000, UINT32_MAX };

	open_bed();
	for (uint32_t i = 0; i < 4; i++)
		guest_tx(&bed.guest, &(struct netif_tx_req){ .gref = refs[i],
							     .id = guest_id(i),
							     .size = 60 });
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(bed_frames(&bed), 0);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT(bed_answer_is(&bed, i, NETIF_RSP_ERROR));
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_COPY], 4);
	bed_close(&bed);
}

static void F6_a_page_that_may_only_be_read_is_not_written(void)
{
	union netif_rx_slot s;

	open_bed();
	guest_rx_post(&bed.guest, 1);
	bed.guest.rx->slot[0].req.gref = bed.guest.tx_page_ref[0];
	bed_send(&bed, bed_pkt(&bed, 60, 1));
	CU_ASSERT_FATAL(guest_rx_answer(&bed.guest, &s));
	CU_ASSERT_EQUAL(s.rsp.status, NETIF_RSP_ERROR);
	CU_ASSERT_EQUAL(bed.guest.tx_page[0], 0);
	bed_close(&bed);
}

static void revoke(void *ctx, enum xen_sim_op op, uint32_t i, bool after)
{
	struct netif_guest *g = ctx;

	if (op != XEN_SIM_SEG || i != 1 || after || !g->tx_page)
		return;
	xen_unshare(g->xen, g->tx_page, NETIF_SLOTS);
	g->tx_page = NULL;
}

static void F6_a_page_that_is_taken_back_midway_drops_the_frame(void)
{
	struct xen_sim_hook hook = { revoke, &bed.guest };
	void *again;

	open_bed();
	guest_tx_frame(&bed.guest, bytes, 300, 100, 100, 0, NULL);
	guest_tx_kick(&bed.guest);
	xen_sim_hook(bed.back, &hook);
	CU_ASSERT_EQUAL(bed_frames(&bed), 0);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_COPY], 1);
	CU_ASSERT(bed_answer_is(&bed, 0, NETIF_RSP_OKAY));
	CU_ASSERT(bed_answer_is(&bed, 1, NETIF_RSP_ERROR));
	CU_ASSERT(bed_answer_is(&bed, 2, NETIF_RSP_ERROR));
	xen_sim_hook(bed.back, NULL);
	CU_ASSERT_EQUAL_FATAL(xen_share(bed.front, 0, NETIF_SLOTS, false,
					bed.guest.tx_page_ref, &again),
			      0);
	bed.guest.tx_page = again;
	bed_close(&bed);
}

/* Our copy scribbles on its ring: it hurts itself and nobody else. */
static void F6_a_guest_that_gives_its_own_ring_hurts_itself(void)
{
	open_bed();
	bed_open(&other, &(struct bed_how){ .can = BED_ALL, .on = &bed });
	guest_rx_post(&bed.guest, 1);
	bed.guest.rx->slot[0].req.gref = bed.guest.rx_ref;
	CU_ASSERT_EQUAL(bed_send(&bed, bed_pkt(&bed, 4096, 0xff)), 0);
	CU_ASSERT_EQUAL(bed.guest.rx->head.rsp_prod, 1); /* ours, after it */
	CU_ASSERT_EQUAL(bed_recv(&bed), -EPROTO);
	check_other();
	bed_close(&other);
	bed_close(&bed);
}

/* It sends us its ring as a frame: bytes like any others. */
static void F6_a_guest_that_sends_its_own_ring_sends_a_frame(void)
{
	struct netif_tx_ring was;

	open_bed();
	bed_open(&other, &(struct bed_how){ .can = BED_ALL, .on = &bed });
	put(2048);
	bed.guest.tx->slot[0].req.gref = bed.guest.tx_ref;
	bed.guest.tx->slot[0].req.offset = 0;
	guest_tx_kick(&bed.guest);
	memcpy(&was, bed.guest.tx, sizeof(was));
	CU_ASSERT_EQUAL(bed_frames(&bed), 1);
	CU_ASSERT_EQUAL(memcmp(bed.in.p[0]->data, &was, 2048), 0);
	CU_ASSERT(bed_answer_is(&bed, 0, NETIF_RSP_OKAY));
	check_other();
	bed_close(&other);
	bed_close(&bed);
}

static void F7_a_ring_used_twice_and_a_port_in_use_are_refused(void)
{
	struct netback_conf c;
	static struct netback vif;
	struct xen *second;

	open_bed();
	second = xen_sim_open(bed.sim, 0);
	CU_ASSERT_FATAL(second != NULL);
	c = guest_conf(&bed.guest, 1, BED_ALL);
	CU_ASSERT_EQUAL(netback_open(&vif, second, &c, bed.now), -EINVAL);
	CU_ASSERT_EQUAL(xen_sim_mapped(bed.sim, 1), 2);
	CU_ASSERT_EQUAL(xen_sim_ports(bed.sim, 0), 1);
	c.rx_ref = c.tx_ref;
	CU_ASSERT_EQUAL(netback_open(&vif, second, &c, bed.now), -EPROTO);
	c = guest_conf(&bed.guest, 1, BED_ALL);
	c.tx_ref = 999999;
	CU_ASSERT_NOT_EQUAL(netback_open(&vif, second, &c, bed.now), 0);
	CU_ASSERT_EQUAL(xen_sim_mapped(bed.sim, 1), 2);
	xen_close(second);
	bed_close(&bed);
}

/* ---- F8 to F10
 * ------------------------------------------------------------------ */

static void F8_a_guest_that_never_reads_costs_a_bounded_queue(void)
{
	uint32_t most = 0;

	open_bed();
	for (uint32_t i = 0; i < 5000; i++) {
		if (i % 50 == 0)
			bed_wait(&bed, 1);
		CU_ASSERT_EQUAL(bed_send(&bed, bed_pkt(&bed, 1500, 0)), 0);
		most = bed.vif.queue.n > most ? bed.vif.queue.n : most;
	}
	CU_ASSERT_EQUAL(most, NETBACK_QUEUE);
	bed_wait(&bed, NETBACK_STALL_MS);
	bed_send(&bed, bed_pkt(&bed, 1500, 0));
	CU_ASSERT_EQUAL(bed.vif.queue.n, 0);
	bed_close(&bed);
}

static void F8_a_guest_that_gives_one_slot_at_a_time_gets_whole_frames(void)
{
	uint32_t frames = 0;

	open_bed();
	for (uint32_t i = 0; i < 30; i++) {
		bed_send(&bed, bed_pkt(&bed, 9000, (uint8_t)i));
		guest_rx_post(&bed.guest, 1);
		bed_frames(&bed);
		while (guest_rx_frame(&bed.guest, &got)) {
			CU_ASSERT(got.len == 9000 && !got.bad);
			frames++;
		}
	}
	CU_ASSERT_EQUAL(frames, 10);
	bed_close(&bed);
}

static void F9_without_notification_frames_get_through_by_polling(void)
{
	bool wake = false;

	bed_open(&bed,
		 &(struct bed_how){ .can = BED_ALL & ~NETBACK_RX_NOTIFY });
	bed_send(&bed, bed_pkt(&bed, 60, 1));
	bed_arm(&bed);
	bed.guest.rx_evt = 0; /* it never tells */
	guest_rx_post(&bed.guest, 1);
	bed.guest.rx_evt = bed.guest.tx_evt;
	bed_wait(&bed, NETBACK_POLL_MS);
	(void)netback_tick(&bed.vif, bed.now, &wake);
	CU_ASSERT_TRUE(wake);
	bed_frames(&bed);
	CU_ASSERT(guest_rx_frame(&bed.guest, &got));
	bed_close(&bed);
}

static void F10_a_storm_for_a_minute_wakes_us_a_hundred_times_at_most(void)
{
	uint32_t woken = 0;
	bool wake = false;

	open_bed();
	for (uint32_t ms = 0; ms < 60000; ms++) {
		bed_wait(&bed, 1);
		(void)netback_tick(&bed.vif, bed.now, &wake);
		(void)xen_evt_notify(bed.front, bed.guest.tx_evt);
		if (bed_events(&bed)) {
			woken++;
			bed_frames(&bed);
			bed_arm(&bed);
		}
	}
	CU_ASSERT(woken > 60 && woken < 100);
	bed_close(&bed);
}

/* ---- F12 to F16
 * ------------------------------------------------------------------ */

/* Another one takes the dead one's place, to be closed. */
static void bed_dead_close(struct bed *b)
{
	b->vif.port.ops->close(&b->vif.port);
	xen_close(b->front);
	xen_sim_boot(b->sim, 1);
	b->front = xen_sim_open(b->sim, 1);
	guest_open(&b->guest, b->front, 0, false, 0);
	bed_close(b);
}

static void F12_a_domain_that_dies_in_the_middle_costs_its_frames(void)
{
	open_bed();
	guest_tx_frame(&bed.guest, bytes, 300, 100, 100, 0, NULL);
	guest_rx_post(&bed.guest, 5);
	guest_tx_kick(&bed.guest);
	xen_sim_destroy(bed.sim, 1);
	CU_ASSERT_EQUAL(bed_recv(&bed), 0);
	CU_ASSERT_EQUAL(bed.in.n, 0);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_COPY], 1);
	CU_ASSERT_EQUAL(bed_send(&bed, bed_pkt(&bed, 60, 0)), 0);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_RX_COPY], 1);
	CU_ASSERT_FALSE(bed_arm(&bed));
	bed_dead_close(&bed);
}

/* Its slots end where it died; those before were copied, and are no frame. */
static void destroy(void *ctx, enum xen_sim_op op, uint32_t i, bool after)
{
	if (op == XEN_SIM_SEG && i == 1 && !after)
		xen_sim_destroy(ctx, 1);
}

static void F12_a_domain_that_dies_between_two_slots_costs_its_frame(void)
{
	struct xen_sim_hook hook = { destroy, NULL };

	open_bed();
	bed_open(&other, &(struct bed_how){ .can = BED_ALL, .on = &bed });
	hook.ctx = bed.sim;
	guest_tx_frame(&bed.guest, bytes, 300, 100, 100, 0, NULL);
	guest_tx_kick(&bed.guest);
	xen_sim_hook(bed.back, &hook);
	CU_ASSERT_EQUAL(bed_recv(&bed), 0);
	xen_sim_hook(bed.back, NULL);
	CU_ASSERT_EQUAL(bed.in.n, 0);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_COPY], 1);
	CU_ASSERT_EQUAL(bed.vif.port.stats.recv_dropped, 1);
	CU_ASSERT_FALSE(bed.vif.dead);
	CU_ASSERT_EQUAL(bed.vif.tx_cons, 3);
	bed_close(&other);
	bed_dead_close(&bed);
}

static void F13_a_guest_that_floods_gets_one_batch_a_call(void)
{
	open_bed();
	bed_open(&other, &(struct bed_how){ .can = BED_ALL, .on = &bed });
	for (uint32_t round = 0; round < 10; round++) {
		while (bed.guest.tx_prod - bed.guest.tx->head.rsp_prod <
		       NETIF_SLOTS)
			put(60);
		guest_tx_kick(&bed.guest);
		CU_ASSERT_EQUAL(bed_frames(&bed), PKT_BATCH);
		check_other();
	}
	bed_close(&other);
	bed_close(&bed);
}

/* A ring full of the largest frames: no more buffers than a turn takes. */
static void F14_what_a_guest_can_make_us_hold_is_fixed(void)
{
	uint32_t turn = NETIF_TURN_BYTES / 65535 + 1, small_n, large_n;

	open_bed();
	for (uint32_t i = 0; i < NETIF_SLOTS / 16; i++)
		guest_tx_frame(&bed.guest, bytes, 65535, 4095, 4096, 0, NULL);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(bed_frames(&bed), turn);
	pkt_pool_free_n(bed.pool, &small_n, &large_n);
	CU_ASSERT_EQUAL(small_n, BED_SMALL);
	CU_ASSERT_EQUAL(large_n, BED_LARGE - turn);
	bed_close(&bed);
}

/* Random chains; each slot is answered once, in order, with its own id. */
static void F15_each_slot_is_answered_once_with_the_id_that_was_read(void)
{
	static uint16_t ids[NETIF_SLOTS];
	uint32_t wrote = 0, read = 0;

	open_bed();
	srand((unsigned int)unit_seed());
	while (wrote < 20000) {
		uint32_t n = 1 + (uint32_t)rand() % 21;

		if (wrote - read + n > NETIF_SLOTS)
			n = 0;
		for (uint32_t i = 0; i < n; i++) {
			ids[wrote % NETIF_SLOTS] = (uint16_t)rand();
			guest_tx(
				&bed.guest,
				&(struct netif_tx_req){
					.gref = bed.guest.tx_page_ref[0],
					.id = ids[wrote++ % NETIF_SLOTS],
					.size = (uint16_t)(i ? 50
							     : 60 + rand() % 1000),
					.flags = i + 1 < n ? NETIF_MORE_DATA
							   : 0 });
		}
		guest_tx_kick(&bed.guest);
		if (n && rand() % 4)
			continue;
		for (struct netif_tx_rsp r;
		     bed_frames(&bed), guest_tx_answer(&bed.guest, &r);) {
			CU_ASSERT_FATAL(read != wrote);
			CU_ASSERT_FATAL(r.id == ids[read++ % NETIF_SLOTS]);
			CU_ASSERT_FATAL(r.status == NETIF_RSP_OKAY ||
					r.status == NETIF_RSP_ERROR);
		}
	}
	bed_close(&bed);
}

static void F16_nothing_of_ours_is_in_the_pages_but_frames(void)
{
	static const uint32_t sizes[] = { 14, 61, 1500, 4097, 9000 };
	uint8_t *page;

	open_bed();
	page = bed.guest.rx_page;
	memset(page, 0xc3, NETIF_SLOTS * (size_t)GUEST_PAGE);
	guest_rx_post(&bed.guest, NETIF_SLOTS);
	for (uint32_t i = 0; i < 5; i++) {
		union netif_rx_slot s;

		bed_send(&bed, bed_pkt(&bed, sizes[i], 0));
		while (guest_rx_answer(&bed.guest, &s)) {
			uint32_t at = (bed.guest.rx_cons - 1) % NETIF_SLOTS;
			uint32_t other_n = 0;

			CU_ASSERT_EQUAL(s.rsp.id, guest_id(at));
			CU_ASSERT_EQUAL(s.rsp.offset, 0);
			for (uint32_t k = (uint16_t)s.rsp.status;
			     k < GUEST_PAGE; k++)
				other_n += page[at * GUEST_PAGE + k] != 0xc3;
			CU_ASSERT_EQUAL(other_n, 0);
		}
	}
	bed_close(&bed);
}

UNIT_SUITE(netback_hostile,
	   UNIT(F1_XSA_39_an_index_that_jumps_is_fatal_to_its_own_vif),
	   UNIT(F1_an_rx_index_that_jumps_is_found_by_send_too),
	   UNIT(F1_an_index_that_changes_during_the_pass_is_read_once),
	   UNIT(F2_XSA_155_a_tx_slot_is_read_once_and_only_the_copy_counts),
	   UNIT(F2_XSA_155_an_rx_slot_is_read_once_and_only_the_copy_counts),
	   UNIT(F2_pages_that_change_later_change_nothing),
	   UNIT(F3_no_size_and_offset_reach_behind_a_page),
	   UNIT(F4_a_chain_without_end_is_fatal),
	   UNIT(F5_extras_without_end_are_fatal),
	   UNIT(F6_a_reference_that_is_none_is_an_error),
	   UNIT(F6_a_page_that_may_only_be_read_is_not_written),
	   UNIT(F6_a_page_that_is_taken_back_midway_drops_the_frame),
	   UNIT(F6_a_guest_that_gives_its_own_ring_hurts_itself),
	   UNIT(F6_a_guest_that_sends_its_own_ring_sends_a_frame),
	   UNIT(F7_a_ring_used_twice_and_a_port_in_use_are_refused),
	   UNIT(F8_a_guest_that_never_reads_costs_a_bounded_queue),
	   UNIT(F8_a_guest_that_gives_one_slot_at_a_time_gets_whole_frames),
	   UNIT(F9_without_notification_frames_get_through_by_polling),
	   UNIT(F10_a_storm_for_a_minute_wakes_us_a_hundred_times_at_most),
	   UNIT(F12_a_domain_that_dies_in_the_middle_costs_its_frames),
	   UNIT(F12_a_domain_that_dies_between_two_slots_costs_its_frame),
	   UNIT(F13_a_guest_that_floods_gets_one_batch_a_call),
	   UNIT(F14_what_a_guest_can_make_us_hold_is_fixed),
	   UNIT(F15_each_slot_is_answered_once_with_the_id_that_was_read),
	   UNIT(F16_nothing_of_ours_is_in_the_pages_but_frames))
