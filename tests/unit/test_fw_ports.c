/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Poll rounds: fairness, sleep, ports that break (R131, R135). */
#include <errno.h>

#include "mock/lab.h"
#include "packet/pkt_ip.h"
#include "unit.h"

static struct lab *l;

static void push(int who, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		mock_port_push(&l->port[who],
			       lab_frame(l, who, &(struct frame_spec){ 0 }));
}

static void R135_a_round_takes_no_more_than_the_budget_of_one_port(void)
{
	l = lab_new();
	push(LAB_A, 200);
	push(LAB_B, 10);
	CU_ASSERT_TRUE(fw_round(l->fw, 64, l->now));
	CU_ASSERT_EQUAL(l->port[LAB_A].in.n, 136);
	CU_ASSERT_EQUAL(l->port[LAB_B].in.n, 0);
	CU_ASSERT_TRUE(fw_round(l->fw, 128, l->now));
	CU_ASSERT_EQUAL(l->port[LAB_A].in.n, 8);
	CU_ASSERT_FALSE(fw_round(l->fw, 64, l->now));
	CU_ASSERT_EQUAL(l->port[LAB_A].in.n, 0);
	CU_ASSERT_EQUAL(l->port[LAB_UPLINK].out.n, 210);
	lab_free(l);
}

static void R135_a_flood_makes_others_wait_for_one_batch(void)
{
	const struct pkt *p;
	int at = -1;

	l = lab_new();
	push(LAB_A, 300);
	push(LAB_B, 1);
	fw_round(l->fw, 256, l->now);
	for (int i = 0; (p = lab_out(l, LAB_UPLINK)) != NULL; i++)
		if (p->in == LAB_B)
			at = i;
	CU_ASSERT(at >= 0);
	CU_ASSERT(at <= 64);
	lab_free(l);
}

/* A path of ports that take aggregates, and buffers for many. */
static struct lab *roomy_lab(void)
{
	struct fw_conf c = lab_conf();

	c.small_n = 2048;
	c.large_n = 200;
	return lab_new_with(&c);
}

/* Each stands for 21 frames. */
static void push_aggregates(int who, uint32_t n)
{
	l->port[LAB_UPLINK].port.caps |= PORT_CSUM | PORT_GSO4;
	for (uint32_t i = 0; i < n; i++)
		mock_port_push(&l->port[who],
			       lab_frame(l, who,
					 &(struct frame_spec){
						 .proto = IP_TCP,
						 .flags = TCP_SYN,
						 .sport = (uint16_t)(1000 + i),
						 .payload_len = 20000,
						 .gso_size = 1000 }));
}

static void R135_large_frames_are_paid_for_with_later_turns(void)
{
	l = roomy_lab();
	push_aggregates(LAB_A, 128);
	push(LAB_B, 1000);
	for (uint32_t n = 1; n <= 7; n++) {
		CU_ASSERT_TRUE(fw_round(l->fw, 128, l->now));
		CU_ASSERT_EQUAL(l->port[LAB_A].in.n, 64);
		CU_ASSERT_EQUAL(l->port[LAB_B].in.n, 1000 - n * 128);
		while (lab_out(l, LAB_UPLINK))
			;
	}
	fw_round(l->fw, 128, l->now);
	CU_ASSERT_EQUAL(l->port[LAB_B].in.n, 0);
	lab_free(l);
}

static void R135_who_is_alone_waits_for_nobody(void)
{
	l = roomy_lab();
	push_aggregates(LAB_A, 128);
	CU_ASSERT_FALSE(fw_round(l->fw, 100000, l->now));
	CU_ASSERT_EQUAL(l->port[LAB_A].in.n, 0);
	lab_free(l);
}

static void R135_debts_end_when_nobody_else_has_anything(void)
{
	l = roomy_lab();
	push_aggregates(LAB_A, 128);
	push(LAB_B, 70);
	CU_ASSERT_FALSE(fw_round(l->fw, 100000, l->now));
	CU_ASSERT_EQUAL(l->port[LAB_A].in.n, 0);
	CU_ASSERT_EQUAL(l->port[LAB_B].in.n, 0);
	lab_free(l);
}

/* All clients' answers come by one port. */
static void R135_the_uplink_has_a_turn_for_each_client_that_has_one(void)
{
	struct fw_conf c = lab_conf();

	c.small_n = 2048;
	l = lab_new_with(&c);
	push(LAB_A, 300);
	push(LAB_B, 300);
	push(LAB_UPLINK, 700);
	for (uint32_t n = 1; n <= 2; n++) {
		CU_ASSERT_TRUE(fw_round(l->fw, 128, l->now));
		CU_ASSERT_EQUAL(l->port[LAB_A].in.n, 300 - n * 128);
		CU_ASSERT_EQUAL(l->port[LAB_B].in.n, 300 - n * 128);
		/* as much as both, and a batch to see that they are done */
		CU_ASSERT(l->port[LAB_UPLINK].in.n <= 700 - n * 256);
		CU_ASSERT(l->port[LAB_UPLINK].in.n >= 700 - n * (256 + 64));
		while (lab_out(l, LAB_UPLINK))
			;
	}
	lab_free(l);
}

static void R135_clients_that_are_silent_earn_the_uplink_nothing(void)
{
	l = lab_new();
	push(LAB_UPLINK, 300);
	push(LAB_A, 1);
	CU_ASSERT_TRUE(fw_round(l->fw, 64, l->now));
	CU_ASSERT_EQUAL(l->port[LAB_A].in.n, 0);
	CU_ASSERT_EQUAL(l->port[LAB_UPLINK].in.n, 300 - 64);
	lab_free(l);
}

/* C7 A7: frames that are dropped cost their own port's budget alone. */
static void R131_invalid_frames_of_one_do_not_touch_another(void)
{
	l = lab_new();
	for (int i = 0; i < 200; i++)
		mock_port_push(
			&l->port[LAB_A],
			lab_frame(l, LAB_A,
				  &(struct frame_spec){ .src = "10.1.1.1" }));
	push(LAB_B, 5);
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(l->port[LAB_UPLINK].out.n, 5);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].drop[PKT_REASON_SPOOF_CLIENT],
			64);
	CU_ASSERT_EQUAL(l->view->client[LAB_B].from_packets, 5);
	lab_free(l);
}

static void a_port_sleeps_when_armed_and_wakes_when_told(void)
{
	l = lab_new();
	CU_ASSERT_FALSE(fw_round(l->fw, 64, l->now));
	CU_ASSERT_FALSE(fw_arm(l->fw));
	for (int i = 0; i < LAB_PORTS; i++) {
		CU_ASSERT_EQUAL(l->port[i].arms, 1);
		l->port[i].recvs = 0;
	}
	push(LAB_A, 1);
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(l->port[LAB_A].recvs, 0);
	fw_port_wake(l->fw, &l->port[LAB_A].port);
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(l->port[LAB_A].recvs, 1);
	CU_ASSERT_EQUAL(l->port[LAB_B].recvs, 0);
	CU_ASSERT_EQUAL(l->port[LAB_UPLINK].out.n, 1);
	/* only the one that is awake is armed again */
	CU_ASSERT_FALSE(fw_arm(l->fw));
	CU_ASSERT_EQUAL(l->port[LAB_A].arms, 2);
	CU_ASSERT_EQUAL(l->port[LAB_B].arms, 1);
	lab_free(l);
}

static void a_port_whose_frames_came_meanwhile_stays_awake(void)
{
	l = lab_new();
	l->port[LAB_A].arm_says = true;
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_TRUE(fw_arm(l->fw));
	push(LAB_A, 1);
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(l->port[LAB_UPLINK].out.n, 1);
	lab_free(l);
}

/* Its frames lie in the same turn's batch for a port that breaks then. */
static void what_waits_for_a_port_that_breaks_is_counted(void)
{
	const struct view_client *up;

	l = lab_new();
	up = &l->view->client[LAB_UPLINK];
	fw_round(l->fw, 256, l->now); /* the next one begins with A */
	push(LAB_A, 3);
	l->port[LAB_UPLINK].recv_err = -EIO;
	fw_round(l->fw, 256, l->now);
	CU_ASSERT_EQUAL(up->drop[PKT_REASON_PORT_DOWN], 3);
	CU_ASSERT_EQUAL(l->port[LAB_UPLINK].out.n, 0);
	lab_free(l);
}

static void a_port_that_breaks_is_reported_once_and_the_others_go_on(void)
{
	int err = 0;

	l = lab_new();
	push(LAB_A, 1);
	push(LAB_B, 1);
	l->port[LAB_A].recv_err = -EIO;
	CU_ASSERT_PTR_NULL(fw_port_failed(l->fw, &err));
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_PTR_EQUAL(fw_port_failed(l->fw, &err), &l->port[LAB_A].port);
	CU_ASSERT_EQUAL(err, -EIO);
	CU_ASSERT_PTR_NULL(fw_port_failed(l->fw, &err));
	/* what came with the error was still a frame */
	CU_ASSERT_EQUAL(l->port[LAB_UPLINK].out.n, 2);
	l->port[LAB_A].recvs = 0;
	push(LAB_B, 1);
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(l->port[LAB_A].recvs, 0);
	CU_ASSERT_EQUAL(l->port[LAB_UPLINK].out.n, 3);
	CU_ASSERT_FALSE(fw_arm(l->fw));
	lab_free(l);
}

static void a_port_that_can_not_send_is_taken_out(void)
{
	struct view_client *up;
	int err = 0;

	l = lab_new();
	up = &l->view->client[LAB_UPLINK];
	l->port[LAB_UPLINK].send_err = -ENXIO;
	push(LAB_A, 3);
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(up->drop[PKT_REASON_SEND_FAILED], 3);
	CU_ASSERT_PTR_EQUAL(fw_port_failed(l->fw, &err),
			    &l->port[LAB_UPLINK].port);
	CU_ASSERT_EQUAL(err, -ENXIO);
	push(LAB_A, 2);
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(up->drop[PKT_REASON_PORT_DOWN], 2);
	lab_free(l);
}

static void what_a_port_has_no_room_for_is_counted(void)
{
	l = lab_new();
	l->port[LAB_UPLINK].room = 3;
	push(LAB_A, 5);
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(l->view->client[LAB_UPLINK].drop[PKT_REASON_OUT_QUEUE],
			2);
	lab_free(l);
}

/* The pool is empty, or the link gave what is no frame: no packet tells it. */
static void what_a_port_drops_on_receiving_is_counted_with_its_reason(void)
{
	const uint64_t *drop;
	struct mock_port stray;

	l = lab_new();
	drop = l->view->client[LAB_A].drop;
	l->port[LAB_A].loses = (struct port_stats){ .recv_dropped = 9,
						    .recv_starved = 4,
						    .recv_overrun = 3 };
	push(LAB_A, 1);
	fw_round(l->fw, 64, l->now);
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(drop[PKT_REASON_POOL_EMPTY], 4);
	CU_ASSERT_EQUAL(drop[PKT_REASON_IN_QUEUE], 3);
	CU_ASSERT_EQUAL(drop[PKT_REASON_LINK_BAD], 2);
	CU_ASSERT_EQUAL(l->port[LAB_UPLINK].out.n, 1);
	/* by a port that fails with them, too */
	l->port[LAB_A].loses = (struct port_stats){ .recv_dropped = 1 };
	l->port[LAB_A].recv_err = -EIO;
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(drop[PKT_REASON_LINK_BAD], 3);
	/* nobody's are strays */
	mock_port_init(&stray, LAB_MAC_OURS, 1500, 0);
	CU_ASSERT_EQUAL(fw_port_add(l->fw, &stray.port), 0);
	stray.loses =
		(struct port_stats){ .recv_dropped = 5, .recv_starved = 2 };
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(l->view->strays, 5);
	fw_port_remove(l->fw, &stray.port, l->now);
	lab_free(l);
}

static void more_than_a_batch_for_one_port_is_sent_in_several(void)
{
	l = lab_new();
	push(LAB_A, 64);
	push(LAB_B, 64);
	push(LAB_NET, 64);
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(l->port[LAB_UPLINK].out.n, 192);
	lab_free(l);
}

static void there_is_no_place_for_more_ports_than_asked_for(void)
{
	struct mock_port more[2];

	l = lab_new();
	mock_port_init(&more[0], LAB_MAC_OURS, 1500, 0);
	mock_port_init(&more[1], LAB_MAC_OURS, 1500, 0);
	CU_ASSERT_EQUAL(fw_port_add(l->fw, &more[0].port), 0);
	CU_ASSERT_EQUAL(more[0].port.id, LAB_PORTS);
	CU_ASSERT_EQUAL(fw_port_add(l->fw, &more[1].port), -ENOSPC);
	fw_port_remove(l->fw, &more[0].port, l->now);
	CU_ASSERT_EQUAL(fw_port_add(l->fw, &more[1].port), 0);
	fw_port_remove(l->fw, &more[1].port, l->now);
	lab_free(l);
}

static void a_frame_from_a_port_of_nobody_is_a_stray(void)
{
	struct mock_port stray;

	l = lab_new();
	mock_port_init(&stray, LAB_MAC_OURS, 1500, 0);
	CU_ASSERT_EQUAL(fw_port_add(l->fw, &stray.port), 0);
	mock_port_push(&stray, lab_frame(l, LAB_A, &(struct frame_spec){ 0 }));
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(l->view->strays, 1);
	CU_ASSERT_TRUE(lab_silent(l));
	fw_port_remove(l->fw, &stray.port, l->now);
	lab_free(l);
}

/* A batch is gathered for a port that then goes: nothing may be left over. */
static void a_port_may_go_with_frames_waiting(void)
{
	struct pkt_batch in = { 0 };

	l = lab_new();
	in.p[in.n++] = lab_frame(l, LAB_A, &(struct frame_spec){ 0 });
	fw_input(l->fw, &l->port[LAB_A].port, &in, l->now);
	CU_ASSERT_EQUAL(in.n, 0);
	fw_port_remove(l->fw, &l->port[LAB_UPLINK].port, l->now);
	CU_ASSERT_EQUAL(fw_port_add(l->fw, &l->port[LAB_UPLINK].port), 0);
	fw_flush(l->fw, l->now);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void the_view_shows_rounds_time_and_buffers(void)
{
	l = lab_new();
	l->now = mono_add_ms(l->now, 5);
	fw_round(l->fw, 64, l->now);
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(l->view->rounds, 2);
	CU_ASSERT_EQUAL(l->view->now_ns, l->now.ns);
	fw_tick(l->fw, l->now);
	CU_ASSERT_EQUAL(l->view->pool_small, 512);
	CU_ASSERT_EQUAL(l->view->pool_small_free, 512);
	CU_ASSERT_EQUAL(l->view->magic, VIEW_MAGIC);
	CU_ASSERT_EQUAL(l->view->clients, LAB_PORTS - 1);
	lab_free(l);
}

static void what_passes_is_counted_for_both_ends(void)
{
	const struct view_client *a, *up;

	l = lab_new();
	a = &l->view->client[LAB_A];
	up = &l->view->client[LAB_UPLINK];
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .payload_len = 58 }),
			PKT_REASON_NONE);
	CU_ASSERT_EQUAL(a->from_packets, 1);
	CU_ASSERT_EQUAL(a->from_bytes, 100);
	CU_ASSERT_EQUAL(up->to_packets, 1);
	CU_ASSERT_EQUAL(up->to_bytes, 100);
	CU_ASSERT_EQUAL(a->to_packets, 0);
	lab_free(l);
}

UNIT_SUITE(fw_ports,
	   UNIT(R135_a_round_takes_no_more_than_the_budget_of_one_port),
	   UNIT(R135_a_flood_makes_others_wait_for_one_batch),
	   UNIT(R135_large_frames_are_paid_for_with_later_turns),
	   UNIT(R135_who_is_alone_waits_for_nobody),
	   UNIT(R135_debts_end_when_nobody_else_has_anything),
	   UNIT(R135_the_uplink_has_a_turn_for_each_client_that_has_one),
	   UNIT(R135_clients_that_are_silent_earn_the_uplink_nothing),
	   UNIT(R131_invalid_frames_of_one_do_not_touch_another),
	   UNIT(a_port_sleeps_when_armed_and_wakes_when_told),
	   UNIT(a_port_whose_frames_came_meanwhile_stays_awake),
	   UNIT(what_waits_for_a_port_that_breaks_is_counted),
	   UNIT(a_port_that_breaks_is_reported_once_and_the_others_go_on),
	   UNIT(a_port_that_can_not_send_is_taken_out),
	   UNIT(what_a_port_has_no_room_for_is_counted),
	   UNIT(what_a_port_drops_on_receiving_is_counted_with_its_reason),
	   UNIT(more_than_a_batch_for_one_port_is_sent_in_several),
	   UNIT(there_is_no_place_for_more_ports_than_asked_for),
	   UNIT(a_frame_from_a_port_of_nobody_is_a_stray),
	   UNIT(a_port_may_go_with_frames_waiting),
	   UNIT(the_view_shows_rounds_time_and_buffers),
	   UNIT(what_passes_is_counted_for_both_ends))
