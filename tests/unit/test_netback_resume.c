/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connecting: to rings that are new, in use, half answered, or nonsense. */
#include <errno.h>
#include <string.h>

#include "mock/netif_bed.h"
#include "unit.h"

static struct bed bed;
static struct guest_frame got;
static uint8_t bytes[8192];

static void open_bed(uint32_t first)
{
	bed_open(&bed, &(struct bed_how){ .can = BED_ALL, .first = first });
}

/*
 * The daemon is killed: its mappings and ports go, the rings stay.  Another
 * one comes.
 */
static int come_back(bool resume)
{
	struct netback_conf c = guest_conf(&bed.guest, 1, BED_ALL);

	c.resume = resume;
	bed.vif.port.ops->close(&bed.vif.port);
	xen_sim_kill(bed.sim, xen_sim_handle(bed.back));
	xen_close(bed.back);
	bed.back = xen_sim_open(bed.sim, 0);
	return netback_open(&bed.vif, bed.back, &c, bed.now);
}

static union netif_tx_slot *tx(uint32_t i)
{
	return &bed.guest.tx->slot[i % NETIF_SLOTS];
}

static union netif_rx_slot *rx(uint32_t i)
{
	return &bed.guest.rx->slot[i % NETIF_SLOTS];
}

static void put(uint32_t len, uint32_t first, const struct netif_extra *e)
{
	guest_tx_frame(&bed.guest, bytes, len, first, 100, 0, e);
}

static const struct netif_extra gso = { .type = NETIF_EXTRA_GSO,
					.gso_size = 1000,
					.gso_type = NETIF_GSO_TCP4 };

static void a_fresh_connection_handles_what_was_sent_before_it(void)
{
	open_bed(77);
	bed.vif.port.ops->close(&bed.vif.port);
	bed_fill(bytes, 60, 4);
	put(60, 60, NULL);
	guest_tx_kick(&bed.guest);
	guest_rx_post(&bed.guest, 10);
	CU_ASSERT_EQUAL_FATAL(come_back(false), 0);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 1);
	CU_ASSERT(bed_is(bed.in.p[0]->data, 60, 4));
	bed_send(&bed, bed_pkt(&bed, 60, 1));
	CU_ASSERT(guest_rx_frame(&bed.guest, &got));
	bed_close(&bed);
}

static void what_was_outstanding_is_drained_and_not_replayed(void)
{
	open_bed(UINT32_MAX - 1);
	put(60, 60, NULL);
	put(300, 100, &gso);
	put(60, 30, NULL);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL_FATAL(come_back(true), 0);
	CU_ASSERT_EQUAL(bed.back->copies, 0);
	CU_ASSERT(bed_answer_is(&bed, UINT32_MAX - 1, NETIF_RSP_OKAY));
	CU_ASSERT(bed_answer_is(&bed, UINT32_MAX, NETIF_RSP_OKAY));
	CU_ASSERT(bed_answer_is(&bed, 0, NETIF_RSP_NULL));
	for (uint32_t i = 1; i < 5; i++)
		CU_ASSERT(bed_answer_is(&bed, i, NETIF_RSP_OKAY));
	CU_ASSERT_EQUAL(bed.guest.tx_cons, bed.guest.tx_prod);
	CU_ASSERT_EQUAL(guest_events(&bed.guest), 1);
	CU_ASSERT_EQUAL(bed_frames(&bed), 0);
	put(60, 60, NULL); /* and life goes on */
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(bed_frames(&bed), 1);
	CU_ASSERT(bed_answer_is(&bed, 5, NETIF_RSP_OKAY));
	bed_close(&bed);
}

/* What the dead one wrote before it could publish, for the first @n slots. */
static void half_answer(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct netif_tx_rsp r = { tx(i)->req.id, NETIF_RSP_OKAY };

		if (i == 1)
			tx(i)->rsp.status = NETIF_RSP_NULL;
		else
			tx(i)->rsp = r;
	}
}

static void slots_that_were_half_answered_are_answered_the_same(void)
{
	for (uint32_t n = 0; n <= 5; n++) {
		open_bed(0);
		put(300, 100, &gso);
		put(60, 60, NULL);
		guest_tx_kick(&bed.guest);
		half_answer(n);
		CU_ASSERT_EQUAL_FATAL(come_back(true), 0);
		for (uint32_t i = 0; i < 5; i++)
			CU_ASSERT(bed_answer_is(&bed, i,
						i == 1 ? NETIF_RSP_NULL
						       : NETIF_RSP_OKAY));
		CU_ASSERT(!bed_answer_is(&bed, 5, NETIF_RSP_OKAY));
		bed_close(&bed);
	}
}

static void a_chain_that_makes_no_sense_gets_no_guessed_id(void)
{
	static const struct {
		uint8_t type, flags;
		uint32_t ids; /* answers with an id, then NULLs */
	} t[] = {
		{ 0, 0, 1 },
		{ 6, 0, 1 },
		{ NETIF_EXTRA_GSO, 0, 3 },
		{ NETIF_EXTRA_GSO, NETIF_EXTRA_MORE, 1 },
	};

	for (uint32_t k = 0; k < 4; k++) {
		struct netif_extra e = { .type = t[k].type,
					 .flags = t[k].flags };
		bool sense = t[k].ids == 3;

		open_bed(0);
		guest_tx_slot(&bed.guest, 0, 60, NETIF_EXTRA);
		guest_tx_extra(&bed.guest, &e);
		put(60, 60, NULL);
		put(60, 60, NULL);
		tx(2)->extra.type = sense ? tx(2)->extra.type : 0;
		guest_tx_kick(&bed.guest);
		CU_ASSERT_EQUAL_FATAL(come_back(true), 0);
		CU_ASSERT(bed_answer_is(&bed, 0, NETIF_RSP_OKAY));
		CU_ASSERT(bed_answer_is(&bed, 1, NETIF_RSP_NULL));
		for (uint32_t i = 2; i < 4; i++)
			CU_ASSERT(bed_answer_is(&bed, i,
						sense ? NETIF_RSP_OKAY
						      : NETIF_RSP_NULL));
		bed_close(&bed);
	}
}

static void a_request_about_multicast_has_no_data_slots(void)
{
	static const struct netif_extra mcast = {
		.type = NETIF_EXTRA_MCAST_ADD
	};

	open_bed(0);
	guest_tx_slot(&bed.guest, 0, 0, NETIF_EXTRA | NETIF_MORE_DATA);
	guest_tx_extra(&bed.guest, &mcast);
	put(60, 60, &gso);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL_FATAL(come_back(true), 0);
	CU_ASSERT(bed_answer_is(&bed, 0, NETIF_RSP_OKAY));
	CU_ASSERT(bed_answer_is(&bed, 1, NETIF_RSP_NULL));
	CU_ASSERT(bed_answer_is(&bed, 2, NETIF_RSP_OKAY));
	CU_ASSERT(bed_answer_is(&bed, 3, NETIF_RSP_NULL));
	bed_close(&bed);
}

/* As a dead one of ours leaves them: data, extra, data, data. */
static void spoil_rx(uint32_t n)
{
	static const struct netif_rx_rsp data = {
		.flags = NETRX_CSUM_BLANK | NETIF_MORE_DATA, .status = 1514
	};

	for (uint32_t i = 0; i < n; i++)
		if (i == 1) {
			rx(i)->extra = gso;
		} else {
			uint16_t id = rx(i)->req.id;

			rx(i)->rsp = data;
			rx(i)->rsp.id = id;
		}
}

static void buffers_that_were_half_answered_go_back_unfilled(void)
{
	for (uint32_t n = 0; n <= 4; n++) {
		/* and the one behind them, which could be one of them */
		uint32_t back = n ? n + 1 : 0;
		union netif_rx_slot s;

		open_bed(0);
		guest_rx_post(&bed.guest, 20);
		spoil_rx(n);
		CU_ASSERT_EQUAL_FATAL(come_back(true), 0);
		for (uint32_t i = 0; i < back; i++) {
			CU_ASSERT_FATAL(guest_rx_answer(&bed.guest, &s));
			CU_ASSERT_EQUAL(s.rsp.status, NETIF_RSP_ERROR);
			CU_ASSERT_EQUAL(s.rsp.flags, 0);
			if (i != 1)
				CU_ASSERT_EQUAL(s.rsp.id, guest_id(i));
		}
		CU_ASSERT(!guest_rx_answer(&bed.guest, &s));
		bed_send(&bed, bed_pkt(&bed, 100, 6)); /* the rest is used */
		CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
		CU_ASSERT(!got.bad && bed_is(got.bytes, 100, 6));
		bed_close(&bed);
	}
}

/* A short piece leaves a number that could be a reference. */
static void a_half_answered_buffer_behind_a_plausible_one_is_found(void)
{
	union netif_rx_slot s;

	open_bed(0);
	guest_rx_post(&bed.guest, 20);
	spoil_rx(4);
	rx(2)->rsp.status = 5;
	CU_ASSERT_EQUAL_FATAL(come_back(true), 0);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT_FATAL(guest_rx_answer(&bed.guest, &s) &&
				s.rsp.status == NETIF_RSP_ERROR);
	bed_close(&bed);
}

/* It died when the last bytes of a long frame were answered. */
static void a_last_piece_that_looks_like_a_reference_is_not_used(void)
{
	for (uint16_t len = 1; len <= 15; len++) {
		union netif_rx_slot s;

		open_bed(0);
		guest_rx_post(&bed.guest, 20);
		spoil_rx(1);
		rx(0)->rsp.status = XEN_PAGE;
		rx(1)->rsp.flags = 0;
		rx(1)->rsp.status = (int16_t)len;
		CU_ASSERT_EQUAL_FATAL(come_back(true), 0);
		for (uint32_t i = 0; i < 2; i++) {
			CU_ASSERT_FATAL(guest_rx_answer(&bed.guest, &s));
			CU_ASSERT_EQUAL(s.rsp.status, NETIF_RSP_ERROR);
			CU_ASSERT_EQUAL(s.rsp.id, guest_id(i));
		}
		bed_send(&bed, bed_pkt(&bed, 100, 6));
		CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_RX_COPY], 0);
		CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
		CU_ASSERT(!got.bad && bed_is(got.bytes, 100, 6));
		bed_close(&bed);
	}
}

/* All that it posted was answered by half: there is none behind them. */
static void a_ring_of_lost_buffers_goes_back_whole(void)
{
	union netif_rx_slot s;

	open_bed(0);
	guest_rx_post(&bed.guest, 4);
	spoil_rx(4);
	CU_ASSERT_EQUAL_FATAL(come_back(true), 0);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT(guest_rx_answer(&bed.guest, &s));
	CU_ASSERT(!guest_rx_answer(&bed.guest, &s));
	bed_close(&bed);
}

static void a_new_connection_trusts_the_buffers(void)
{
	open_bed(0);
	guest_rx_post(&bed.guest, 20);
	CU_ASSERT_EQUAL_FATAL(come_back(true), 0);
	CU_ASSERT_EQUAL(bed.guest.rx->head.rsp_prod, 0);
	bed_close(&bed);
}

static void indices_that_can_not_be_are_refused(void)
{
	static const struct {
		uint32_t tx_req, rx_req;
	} t[] = { { 257, 0 }, { 0, 257 }, { UINT32_MAX, 0 }, { 0, 1u << 31 } };

	for (uint32_t i = 0; i < 4; i++)
		for (int resume = 0; resume < 2; resume++) {
			open_bed(0);
			bed.guest.tx->head.req_prod = t[i].tx_req;
			bed.guest.rx->head.req_prod = t[i].rx_req;
			CU_ASSERT_EQUAL(come_back(resume), -EPROTO);
			CU_ASSERT_EQUAL(xen_sim_mapped(bed.sim, 1), 0);
			CU_ASSERT_EQUAL(xen_sim_ports(bed.sim, 0), 0);
			CU_ASSERT_EQUAL(bed.guest.tx->head.rsp_prod, 0);
			bed_close(&bed);
		}
}

static void XSA_371_each_step_that_fails_leaves_nothing_behind(void)
{
	static const struct {
		enum xen_sim_op op;
		uint32_t after;
	} t[] = { { XEN_SIM_MAP, 0 },
		  { XEN_SIM_MAP, 1 },
		  { XEN_SIM_BIND, 0 },
		  { XEN_SIM_BIND, 1 } };

	for (uint32_t i = 0; i < 4; i++) {
		struct netback_conf c;

		bed_open(&bed,
			 &(struct bed_how){ .can = BED_ALL, .split = true });
		c = guest_conf(&bed.guest, 1, BED_ALL);
		bed.vif.port.ops->close(&bed.vif.port);
		xen_sim_fail(bed.back, t[i].op, t[i].after, ENOMEM);
		CU_ASSERT_EQUAL(netback_open(&bed.vif, bed.back, &c, bed.now),
				-ENOMEM);
		CU_ASSERT_PTR_NULL(bed.vif.tx);
		CU_ASSERT_PTR_NULL(bed.vif.rx);
		CU_ASSERT_EQUAL(xen_sim_mapped(bed.sim, 1), 0);
		CU_ASSERT_EQUAL(xen_sim_ports(bed.sim, 0), 0);
		CU_ASSERT_EQUAL(netback_open(&bed.vif, bed.back, &c, bed.now),
				0);
		bed_close(&bed);
	}
}

static void what_the_caller_knows_stays_and_all_else_is_new(void)
{
	open_bed(0);
	bed.vif.port.mtu = 1400;
	bed.vif.fault[NETBACK_COPY] = 9;
	CU_ASSERT_EQUAL_FATAL(come_back(true), 0);
	CU_ASSERT_EQUAL(bed.vif.port.mtu, 1400);
	CU_ASSERT_EQUAL(bed.vif.port.id, 5);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_COPY], 0);
	CU_ASSERT_STRING_EQUAL(bed.vif.port.ops->name, "netback");
	bed_close(&bed);
}

UNIT_SUITE(netback_resume,
	   UNIT(a_fresh_connection_handles_what_was_sent_before_it),
	   UNIT(what_was_outstanding_is_drained_and_not_replayed),
	   UNIT(slots_that_were_half_answered_are_answered_the_same),
	   UNIT(a_chain_that_makes_no_sense_gets_no_guessed_id),
	   UNIT(a_request_about_multicast_has_no_data_slots),
	   UNIT(buffers_that_were_half_answered_go_back_unfilled),
	   UNIT(a_half_answered_buffer_behind_a_plausible_one_is_found),
	   UNIT(a_last_piece_that_looks_like_a_reference_is_not_used),
	   UNIT(a_ring_of_lost_buffers_goes_back_whole),
	   UNIT(a_new_connection_trusts_the_buffers),
	   UNIT(indices_that_can_not_be_are_refused),
	   UNIT(XSA_371_each_step_that_fails_leaves_nothing_behind),
	   UNIT(what_the_caller_knows_stays_and_all_else_is_new))
