/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports on rings in the data process: what control says, events, time, ends. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firewall/linux/log.h"
#include "mock/data_xen_bed.h"
#include "unit.h"

static struct xen_bed bed;

static struct data *d(void)
{
	return &bed.data.d;
}

static void turn(void)
{
	data_bed_turn(&bed.data);
}

static int ask(enum msg_type type, const void *body)
{
	return data_bed_ask(&bed.data, type, body, -1);
}

static void open_path(void)
{
	xen_bed_open(&bed, true);
	xen_bed_path(&bed);
}

static const struct frame_spec query = { .sport = 4000, .dport = 53 };

static bool guest_sends(uint16_t n)
{
	return xen_bed_guest_sends(&bed, n, &query);
}

/* ---- from guest to network domain and back --------------------------------
 */

static void a_guests_packet_goes_out_by_the_frontend_and_is_answered(void)
{
	open_path();
	for (int i = 0; i < 1000; i++)
		CU_ASSERT(xen_bed_passes(&bed, 1));
	xen_bed_close(&bed);
}

static void the_first_packet_is_told_once(void)
{
	char text[1024];
	int said[2];
	ssize_t n;

	CU_ASSERT_EQUAL_FATAL(pipe2(said, O_NONBLOCK), 0);
	open_path();
	CU_ASSERT(!d()->passed);
	CU_ASSERT_EQUAL(log_open("test", LOG_TO_STDERR, LOG_LEVEL_INFO), 0);
	log_to_fd(said[1]);
	turn();
	CU_ASSERT_EQUAL(read(said[0], text, sizeof(text)), -1);
	for (int i = 0; i < 3; i++)
		CU_ASSERT(xen_bed_passes(&bed, 1));
	n = read(said[0], text, sizeof(text) - 1);
	CU_ASSERT_EQUAL(log_open("test", LOG_TO_STDERR, LOG_LEVEL_ERR), 0);
	CU_ASSERT_FATAL(n > 0);
	text[n] = '\0';
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "first packet forwarded, "));
	CU_ASSERT_PTR_EQUAL(strchr(text, '\n'), text + n - 1);
	xen_bed_close(&bed);
	close(said[0]);
	close(said[1]);
}

static void an_idle_path_sleeps_until_an_event_comes(void)
{
	open_path();
	CU_ASSERT(xen_bed_passes(&bed, 1));
	for (int i = 0; i < 5; i++)
		turn();
	CU_ASSERT(!d()->busy);
	guest_sends(1);
	d()->tick.ns = UINT64_MAX; /* nothing but the event wakes it */
	data_turn(d());
	CU_ASSERT_EQUAL(bed.data.view->client[1].from_packets, 2);
	xen_bed_close(&bed);
}

/* ---- what control says -----------------------------------------------------
 */

static void without_xen_there_are_no_rings(void)
{
	struct msg_front m = { .dom = BED_NETVM, .mtu = 1500 };

	xen_bed_open(&bed, false);
	CU_ASSERT_EQUAL(xen_bed_guest(&bed, 1), EOPNOTSUPP);
	CU_ASSERT_EQUAL(ask(MSG_FRONT_ADD, &m), EOPNOTSUPP);
	xen_bed_close(&bed);
}

static void what_can_not_be_is_refused_and_leaves_nothing(void)
{
	struct msg_front f = { .dom = BED_NETVM, .mtu = 1500 };
	struct msg_vif m, bad;

	open_path();
	m = xen_bed_keys(&bed, 2);
	bad = m;
	bad.id = 1;
	CU_ASSERT_EQUAL(ask(MSG_VIF_ADD, &bad), EEXIST);
	bad.id = BED_CLIENTS + 1;
	CU_ASSERT_EQUAL(ask(MSG_VIF_ADD, &bad), EINVAL);
	bad = m;
	bad.tx_ref = bad.rx_ref;
	CU_ASSERT_EQUAL(ask(MSG_VIF_ADD, &bad), EPROTO);
	bad.tx_ref = m.tx_ref + 100000;
	CU_ASSERT_EQUAL(ask(MSG_VIF_ADD, &bad), EINVAL);
	bad = m;
	bad.rx_evt = m.rx_evt + 1;
	CU_ASSERT_EQUAL(ask(MSG_VIF_ADD, &bad), EINVAL);
	bad = m;
	bad.rate_bytes = 1000; /* in no time */
	CU_ASSERT_EQUAL(ask(MSG_VIF_ADD, &bad), EBADMSG);
	CU_ASSERT_EQUAL(ask(MSG_FRONT_ADD, &f), EEXIST);
	CU_ASSERT_EQUAL(xen_sim_mapped(bed.sim, 2), 0);
	CU_ASSERT_EQUAL(d()->rings, 2);
	CU_ASSERT_EQUAL(ask(MSG_VIF_ADD, &m), 0);
	CU_ASSERT_EQUAL(d()->rings, 3);
	CU_ASSERT(xen_bed_passes(&bed, 1));
	xen_bed_close(&bed);
}

static void a_frontend_beyond_the_limit_of_pages_is_refused(void)
{
	struct msg_front m = { .dom = BED_NETVM, .mtu = 1500 };

	xen_bed_open(&bed, true);
	xen_sim_limit(bed.sim, 0, 2 * NETFRONT_PAGES + 1);
	CU_ASSERT_EQUAL(ask(MSG_FRONT_ADD, &m), ENOSPC);
	CU_ASSERT_EQUAL(xen_sim_shared(bed.sim, 0), 0);
	CU_ASSERT_EQUAL(d()->rings, 0);
	xen_sim_limit(bed.sim, 0, 2 * NETFRONT_PAGES + 2);
	CU_ASSERT_EQUAL(xen_bed_uplink(&bed), 0);
	xen_bed_close(&bed);
}

static void a_port_that_is_given_up_lets_go_of_everything(void)
{
	struct msg_id id = { 1 };

	open_path();
	CU_ASSERT(guest_sends(1)); /* its event is under way */
	CU_ASSERT_EQUAL(ask(MSG_PORT_DEL, &id), 0);
	CU_ASSERT_EQUAL(xen_sim_mapped(bed.sim, 1), 0);
	CU_ASSERT_EQUAL(xen_sim_ports(bed.sim, 0), 1);
	turn();
	CU_ASSERT_EQUAL(ask(MSG_PORT_DEL, &id), ENOENT);
	xen_bed_far_close(&bed.far[1]);
	CU_ASSERT_EQUAL(xen_bed_guest(&bed, 1), 0);
	CU_ASSERT_EQUAL(data_bed_client(&bed.data, 1, 1), 0);
	CU_ASSERT(xen_bed_passes(&bed, 1));
	xen_bed_close(&bed);
}

/* Frames that are read of five that lie in rings of before. */
static uint32_t frames_after(bool resume)
{
	struct msg_id id = { 1 };
	struct msg_vif m;
	uint32_t n;

	xen_bed_open(&bed, true);
	CU_ASSERT_EQUAL(xen_bed_uplink(&bed), 0);
	CU_ASSERT_EQUAL(xen_bed_tell_uplink(&bed), 0);
	m = xen_bed_keys(&bed, 1);
	CU_ASSERT_EQUAL(ask(MSG_VIF_ADD, &m), 0);
	xen_bed_admit(&bed, 1);
	CU_ASSERT(xen_bed_passes(&bed, 1));
	CU_ASSERT_EQUAL(ask(MSG_PORT_DEL, &id), 0);
	for (int i = 0; i < 5; i++)
		CU_ASSERT(guest_sends(1));
	m.resume = resume;
	CU_ASSERT_EQUAL(ask(MSG_VIF_ADD, &m), 0);
	CU_ASSERT_EQUAL(data_bed_client(&bed.data, 1, 1), 0);
	n = (uint32_t)d()->port[1].u.port.stats.recv_packets;
	CU_ASSERT(xen_bed_passes(&bed, 1));
	CU_ASSERT_EQUAL(bed.far[1].u.front.tx_cons, bed.far[1].u.front.tx_prod);
	xen_bed_close(&bed);
	return n;
}

static void rings_are_taken_up_where_they_stand(void)
{
	CU_ASSERT_EQUAL(frames_after(false), 5);
	CU_ASSERT_EQUAL(frames_after(true), 0);
}

/* ---- time ------------------------------------------------------------------
 */

static uint32_t sent_by(uint16_t n)
{
	(void)xen_bed_recv(&bed, BED_NETVM);
	return (uint32_t)bed.data.view->client[n].from_packets;
}

static void a_rate_holds_frames_back_until_it_is_lifted(void)
{
	struct msg_vif_limits rate = {
		.id = 1, .mtu = 1500, .rate_bytes = 100, .rate_us = 50000
	};

	open_path();
	CU_ASSERT_EQUAL(ask(MSG_VIF_LIMITS, &rate), 0);
	for (int i = 0; i < 10; i++)
		CU_ASSERT(guest_sends(1));
	CU_ASSERT_EQUAL(sent_by(1), 2);
	for (int i = 0; i < 5; i++)
		turn();
	CU_ASSERT(!d()->busy);
	CU_ASSERT(d()->rings_due.ns <= mono_add_ms(d()->loop.now, 50).ns);
	data_bed_wait(&bed.data, 50);
	turn();
	turn();
	CU_ASSERT(sent_by(1) >= 4 && sent_by(1) < 10);
	rate.rate_bytes = rate.rate_us = 0;
	CU_ASSERT_EQUAL(ask(MSG_VIF_LIMITS, &rate), 0);
	CU_ASSERT_EQUAL(sent_by(1), 10);
	xen_bed_close(&bed);
}

static void a_rate_is_of_a_vif_and_possible(void)
{
	struct msg_vif_limits rate = {
		.id = 0, .mtu = 1500, .rate_bytes = 1, .rate_us = 1
	};

	open_path();
	CU_ASSERT_EQUAL(ask(MSG_VIF_LIMITS, &rate), ENOENT); /* a frontend */
	rate.id = 2;
	CU_ASSERT_EQUAL(ask(MSG_VIF_LIMITS, &rate), ENOENT);
	rate.id = BED_CLIENTS + 1;
	CU_ASSERT_EQUAL(ask(MSG_VIF_LIMITS, &rate), EINVAL);
	rate.id = 1;
	rate.rate_us = 0;
	CU_ASSERT_EQUAL(ask(MSG_VIF_LIMITS, &rate), EBADMSG);
	rate.rate_us = 1;
	rate.mtu = 67;
	CU_ASSERT_EQUAL(ask(MSG_VIF_LIMITS, &rate), EBADMSG);
	xen_bed_close(&bed);
}

static void an_mtu_that_changes_holds_for_the_next_packet(void)
{
	struct msg_vif_limits m = { .id = 1, .mtu = 1280 };

	open_path();
	CU_ASSERT_EQUAL(d()->port[1].u.port.mtu, 1500);
	CU_ASSERT_EQUAL(ask(MSG_VIF_LIMITS, &m), 0);
	CU_ASSERT_EQUAL(d()->port[1].u.port.mtu, 1280);
	m.mtu = 9000; /* its frontend takes several slots */
	CU_ASSERT_EQUAL(ask(MSG_VIF_LIMITS, &m), 0);
	CU_ASSERT_EQUAL(d()->port[1].u.port.mtu, 9000);
	d()->port[1].u.vif.conf.can &= (uint8_t)~NETBACK_SG;
	CU_ASSERT_EQUAL(ask(MSG_VIF_LIMITS, &m), 0);
	CU_ASSERT_EQUAL(d()->port[1].u.port.mtu, 1500);
	xen_bed_close(&bed);
}

static void what_a_guest_does_not_take_is_forgotten_in_time(void)
{
	uint32_t small_n, large_n, before;

	open_path();
	CU_ASSERT(xen_bed_passes(&bed, 1));
	pkt_pool_free_n(fw_pool(d()->fw), &before, &large_n);
	for (int i = 0; i < 300; i++) { /* more than the guest's ring */
		(void)guest_sends(1);
		if (xen_bed_recv(&bed, BED_NETVM))
			xen_bed_send(&bed, BED_NETVM,
				     &(struct frame_spec){
					     .src_mac = BED_GATEWAY_MAC,
					     .dst_mac = BED_UPLINK_MAC,
					     .src = BED_SERVER,
					     .dst = BED_OUTSIDE,
					     .sport = 53,
					     .dport = bed.far[BED_NETVM]
							      .in.p[0]
							      ->sport });
	}
	turn();
	pkt_pool_free_n(fw_pool(d()->fw), &small_n, &large_n);
	CU_ASSERT(before - small_n > 20);
	turn();
	CU_ASSERT(d()->rings_due.ns <= mono_add_ms(d()->loop.now, 150).ns);
	data_bed_wait(&bed.data, 151);
	turn();
	pkt_pool_free_n(fw_pool(d()->fw), &small_n, &large_n);
	CU_ASSERT_EQUAL(before, small_n);
	xen_bed_close(&bed);
}

/* ---- what breaks -----------------------------------------------------------
 */

static void a_broken_ring_closes_its_port_and_no_other(void)
{
	open_path();
	CU_ASSERT_EQUAL(xen_bed_guest(&bed, 2), 0);
	xen_bed_admit(&bed, 2);
	bed.far[1].u.front.tx->head.req_prod += 10000;
	CU_ASSERT_EQUAL(xen_evt_notify(bed.far[1].xen,
				       bed.far[1].u.front.gate.port[0]),
			0);
	turn();
	data_bed_expect(&bed.data, MSG_PORT_FAILED, 0);
	CU_ASSERT_EQUAL(bed.data.got.body.done.id, 1);
	CU_ASSERT_EQUAL(bed.data.got.body.done.err, EPROTO);
	CU_ASSERT(!d()->port[1].used);
	CU_ASSERT_EQUAL(xen_sim_mapped(bed.sim, 1), 0);
	CU_ASSERT(xen_bed_passes(&bed, 2));
	xen_bed_far_close(&bed.far[1]);
	CU_ASSERT_EQUAL(xen_bed_guest(&bed, 1), 0);
	CU_ASSERT_EQUAL(data_bed_client(&bed.data, 1, 1), 0);
	CU_ASSERT(xen_bed_passes(&bed, 1));
	xen_bed_close(&bed);
}

static void a_network_domain_that_breaks_the_rings_is_told_too(void)
{
	open_path();
	bed.far[BED_NETVM].u.back.rx->head.rsp_prod += 1000;
	CU_ASSERT_EQUAL(xen_evt_notify(bed.far[BED_NETVM].xen,
				       bed.far[BED_NETVM].u.back.gate.port[0]),
			0);
	turn();
	data_bed_expect(&bed.data, MSG_PORT_FAILED, 0);
	CU_ASSERT_EQUAL(bed.data.got.body.done.id, 0);
	CU_ASSERT_EQUAL(bed.data.got.body.done.err, EPROTO);
	xen_bed_far_close(&bed.far[BED_NETVM]);
	CU_ASSERT_EQUAL(xen_bed_uplink(&bed), 0);
	CU_ASSERT_EQUAL(xen_bed_tell_uplink(&bed), 0);
	CU_ASSERT(xen_bed_passes(&bed, 1));
	xen_bed_close(&bed);
}

/* A guest that is gone: nothing of it can be copied any more. */
static void a_guest_that_is_destroyed_harms_nobody(void)
{
	struct msg_id id = { 1 };

	open_path();
	CU_ASSERT_EQUAL(xen_bed_guest(&bed, 2), 0);
	xen_bed_admit(&bed, 2);
	CU_ASSERT(guest_sends(1));
	xen_sim_destroy(bed.sim, 1);
	turn();
	CU_ASSERT(xen_bed_passes(&bed, 2));
	CU_ASSERT_EQUAL(ask(MSG_PORT_DEL, &id), 0);
	CU_ASSERT(xen_bed_passes(&bed, 2));
	xen_bed_close(&bed);
}

static void guest_1_rings(void)
{
	(void)xen_evt_notify(bed.far[1].xen, bed.far[1].u.front.gate.port[0]);
	turn();
}

static void events_without_work_are_let_in_ever_more_rarely(void)
{
	const struct gate *g;
	struct mono until;

	open_path();
	CU_ASSERT_EQUAL(xen_bed_guest(&bed, 2), 0);
	xen_bed_admit(&bed, 2);
	for (int i = 0; i < 2000; i++)
		guest_1_rings();
	g = &d()->port[1].u.vif.gate;
	CU_ASSERT(g->events < 40);
	/* until the pauses are as long as they get */
	for (int i = 0; i < 20; i++) {
		data_bed_wait(&bed.data, 1001);
		guest_1_rings();
		guest_1_rings();
	}
	CU_ASSERT(g->masked);
	until = g->until;
	CU_ASSERT(d()->rings_due.ns <= mono_add_ms(d()->loop.now, 1000).ns);
	CU_ASSERT(xen_bed_passes(&bed, 2));
	/* a frame among them waits until events are let in, no longer */
	CU_ASSERT(guest_sends(1));
	turn();
	CU_ASSERT(bed.data.view->client[1].from_packets == 0 ||
		  mono_past(until, d()->loop.now)); /* a slow machine */
	data_bed_wait(&bed.data, 1001);
	turn();
	turn();
	CU_ASSERT_EQUAL(bed.data.view->client[1].from_packets, 1);
	xen_bed_close(&bed);
}

/* Events outlive their channels, and Xen gives a number out again. */
static void XSA_331_an_event_of_a_closed_channel_is_nobodys(void)
{
	struct msg_id id = { 1 };
	uint32_t channel;

	open_path();
	CU_ASSERT(xen_bed_passes(&bed, 1));
	turn();
	turn(); /* its channel is let in */
	channel = d()->port[1].u.vif.gate.port[0];
	CU_ASSERT_EQUAL(d()->channel[channel], 2);
	CU_ASSERT(guest_sends(1)); /* under way */
	CU_ASSERT_EQUAL(ask(MSG_PORT_DEL, &id), 0);
	CU_ASSERT_EQUAL(d()->channel[channel], 0);
	turn();
	CU_ASSERT(!d()->stop && !d()->deaf);
	/* another guest has the number */
	CU_ASSERT_EQUAL(xen_bed_guest(&bed, 2), 0);
	xen_bed_admit(&bed, 2);
	CU_ASSERT_EQUAL(d()->port[2].u.vif.gate.port[0], channel);
	CU_ASSERT_EQUAL(d()->channel[channel], 3);
	CU_ASSERT(xen_bed_passes(&bed, 2));
	CU_ASSERT_EQUAL(d()->port[2].u.vif.fault[NETBACK_EVENT], 0);
	xen_bed_close(&bed);
}

static int take_beyond(struct xen *x, uint32_t *port, uint32_t max)
{
	(void)x, (void)max;
	port[0] = DATA_CHANNELS;
	port[1] = UINT32_MAX;
	return 2;
}

static void XSA_441_a_channel_that_is_too_high_is_nobodys(void)
{
	struct xen_ops odd;
	const struct xen_ops *was;
	struct netback *b;
	uint32_t own;

	open_path();
	was = d()->xen->ops;
	odd = *was;
	odd.evt_take = take_beyond;
	d()->xen->ops = &odd;
	data_events(d());
	d()->xen->ops = was;
	CU_ASSERT(!d()->stop && !d()->deaf);
	CU_ASSERT(xen_bed_passes(&bed, 1));
	/* nor is one taken for a port */
	b = &d()->port[1].u.vif;
	own = b->gate.port[0];
	b->gate.port[0] = DATA_CHANNELS;
	CU_ASSERT_EQUAL(data_events_expect(d(), 1), -ERANGE);
	CU_ASSERT_EQUAL(d()->rings, 2);
	b->gate.port[0] = own;
	CU_ASSERT(xen_bed_passes(&bed, 1));
	xen_bed_close(&bed);
}

static void a_process_that_can_not_hear_gives_up(void)
{
	int turns = 0;

	open_path();
	CU_ASSERT(guest_sends(1));
	for (; turns < 100 && !d()->stop; turns++) {
		xen_sim_fail(bed.own, XEN_SIM_TAKE, 0, EIO);
		turn();
	}
	CU_ASSERT(turns > 3 && turns < 100);
	CU_ASSERT_EQUAL(d()->rings, 0);
	CU_ASSERT_EQUAL(xen_sim_mapped(bed.sim, 1), 0);
	xen_bed_close(&bed);
}

/* Everything with call @k of Xen's failing; true: there was such a call. */
static bool story_with_failure(uint32_t k)
{
	bool failed, passed = false;
	int err;

	xen_bed_open(&bed, true);
	xen_sim_fail(bed.own, XEN_SIM_ANY, k, EIO);
	err = xen_bed_uplink(&bed);
	CU_ASSERT(!err || err == EIO);
	if (err) {
		CU_ASSERT_EQUAL(xen_sim_shared(bed.sim, 0), 0);
		CU_ASSERT_EQUAL(xen_bed_uplink(&bed), 0);
	}
	err = xen_bed_guest(&bed, 1);
	CU_ASSERT(!err || err == EIO);
	if (err) {
		CU_ASSERT_EQUAL(xen_sim_mapped(bed.sim, 1), 0);
		xen_bed_far_close(&bed.far[1]);
		CU_ASSERT_EQUAL(xen_bed_guest(&bed, 1), 0);
	}
	CU_ASSERT_EQUAL(xen_bed_tell_uplink(&bed), 0);
	xen_bed_admit(&bed, 1);
	for (int i = 0; i < 5; i++)
		passed = xen_bed_passes(&bed, 1);
	for (int i = 0; i < 5 && !passed; i++) {
		data_bed_wait(&bed.data, 5);
		turn();
		(void)xen_bed_recv(&bed, BED_NETVM);
		passed = xen_bed_passes(&bed, 1);
	}
	CU_ASSERT(passed);
	CU_ASSERT(!d()->stop);
	failed = xen_sim_failed(bed.own);
	xen_bed_close(&bed);
	return failed;
}

static void whatever_call_of_xen_fails_the_path_is_there_after(void)
{
	uint32_t k = 0;

	while (k < 500 && story_with_failure(k))
		k++;
	CU_ASSERT(k > 20 && k < 500);
}

/* ---- status ----------------------------------------------------------------
 */

static const struct msg_vifs_page *page_from(uint16_t cursor)
{
	struct msg_vifs m = { .cursor = cursor };

	data_bed_say(&bed.data, MSG_VIFS, &m, -1);
	data_bed_expect(&bed.data, MSG_VIFS_PAGE, bed.data.seq);
	return &bed.data.got.body.vifs_page;
}

static void the_rings_are_shown_as_they_stand(void)
{
	const struct msg_vifs_page *page;

	open_path();
	for (int i = 0; i < 5; i++)
		CU_ASSERT(xen_bed_passes(&bed, 1));
	CU_ASSERT(guest_sends(1));
	CU_ASSERT(guest_sends(1));
	bed.far[1].u.front.tx->slot[6].req.size = 5; /* too short a frame */
	page = page_from(0);
	CU_ASSERT_EQUAL(page->cursor, UINT16_MAX);
	CU_ASSERT_EQUAL_FATAL(page->n, 2);
	CU_ASSERT(page->row[0].front && !page->row[1].front);
	CU_ASSERT_EQUAL(page->row[0].id, 0);
	CU_ASSERT_EQUAL(page->row[0].stats.send_packets, 1 + 5);
	CU_ASSERT_EQUAL(page->row[0].tx_prod, 1 + 5);
	CU_ASSERT_EQUAL(page->row[0].rx_prod, 5 + NETIF_SLOTS);
	CU_ASSERT_EQUAL(page->row[0].rx_cons, 5);
	CU_ASSERT_EQUAL(page->row[1].id, 1);
	CU_ASSERT_EQUAL(page->row[1].tx_prod, 7);
	CU_ASSERT_EQUAL(page->row[1].tx_cons, 5);
	CU_ASSERT_EQUAL(page->row[1].rx_cons, 5);
	CU_ASSERT(page->row[1].events > 0);
	CU_ASSERT_EQUAL(page->row[1].stats.recv_packets, 5);
	data_bed_expect(&bed.data, MSG_DONE, bed.data.seq);
	turn();
	page = page_from(1);
	CU_ASSERT_EQUAL_FATAL(page->n, 1);
	CU_ASSERT_EQUAL(page->row[0].id, 1);
	CU_ASSERT_EQUAL(page->row[0].tx_cons, 7);
	CU_ASSERT_EQUAL(page->row[0].fault[NETBACK_FIRST_SHORT], 1);
	data_bed_expect(&bed.data, MSG_DONE, bed.data.seq);
	CU_ASSERT_EQUAL(page_from(2)->n, 0);
	data_bed_expect(&bed.data, MSG_DONE, bed.data.seq);
	xen_bed_close(&bed);
}

/*
 * One queue: a port of ours, the guest's two pages, what waits for it, a row
 * for status and its place in the path.  Rule sets are as large as their rules.
 */
static void a_client_costs_less_than_a_mebibyte(void)
{
	struct fw_conf c;
	size_t one, many, each;

	fw_conf_default(&c);
	c.clients = 1;
	c.ports = 2;
	one = data_size(&c) + view_size(c.clients);
	c.clients = 101;
	c.ports = 102;
	many = data_size(&c) + view_size(c.clients);
	each = (many - one) / 100 + 2 * XEN_PAGE;
	CU_ASSERT(each > sizeof(struct netback) + 2 * XEN_PAGE);
	CU_ASSERT(each + NETBACK_QUEUE_BYTES <= 1024 * 1024);
	CU_ASSERT(each <= 512 * 1024);
	/* and one that never drains its ring, by what waits for it */
	CU_ASSERT(NETBACK_QUEUE * PKT_SMALL <= 512 * 1024);
	CU_ASSERT(NETBACK_QUEUE_BYTES <= 512 * 1024);
}

/* Two pages and a channel: rings that nobody ever writes to. */
static void add_silent_vif(uint16_t n, void *ring[2])
{
	struct msg_vif m = { .id = n, .dom = 1, .mtu = 1500 };
	struct xen *x = bed.far[1].xen;

	CU_ASSERT_EQUAL_FATAL(xen_share(x, 0, 1, true, &m.tx_ref, &ring[0]), 0);
	CU_ASSERT_EQUAL_FATAL(xen_share(x, 0, 1, true, &m.rx_ref, &ring[1]), 0);
	CU_ASSERT_EQUAL_FATAL(xen_evt_alloc(x, 0, &m.tx_evt), 0);
	m.rx_evt = m.tx_evt;
	CU_ASSERT_EQUAL(ask(MSG_VIF_ADD, &m), 0);
	xen_evt_close(x, m.tx_evt);
}

static void many_rings_are_shown_page_by_page(void)
{
	void *ring[MSG_VIFS_PER_PAGE + 2][2];
	const struct msg_vifs_page *page;

	xen_bed_open(&bed, true);
	for (uint16_t i = 0; i < MSG_VIFS_PER_PAGE + 2; i++)
		add_silent_vif((uint16_t)(i + 1), ring[i]);
	page = page_from(0);
	CU_ASSERT_EQUAL(page->n, MSG_VIFS_PER_PAGE);
	CU_ASSERT_EQUAL(page->row[0].id, 1);
	CU_ASSERT_EQUAL(page->cursor, MSG_VIFS_PER_PAGE + 1);
	data_bed_expect(&bed.data, MSG_DONE, bed.data.seq);
	page = page_from(MSG_VIFS_PER_PAGE + 1);
	CU_ASSERT_EQUAL(page->n, 2);
	CU_ASSERT_EQUAL(page->cursor, UINT16_MAX);
	data_bed_expect(&bed.data, MSG_DONE, bed.data.seq);
	CU_ASSERT_EQUAL(page_from(UINT16_MAX)->n, 0);
	data_bed_expect(&bed.data, MSG_DONE, bed.data.seq);
	data_close_ports(d());
	for (uint32_t i = 0; i < MSG_VIFS_PER_PAGE + 2; i++) {
		xen_unshare(bed.far[1].xen, ring[i][0], 1);
		xen_unshare(bed.far[1].xen, ring[i][1], 1);
	}
	xen_bed_close(&bed);
}

/* What the view said when Xen was called last, by operation. */
static uint16_t trail[XEN_SIM_SEG], senders[XEN_SIM_SEG];
static struct view *left;

static void look(void *ctx, enum xen_sim_op op, uint32_t i, bool after)
{
	(void)ctx;
	(void)i;
	if (op >= XEN_SIM_SEG || after)
		return;
	trail[op] = bed.data.view->serving;
	senders[op] = bed.data.view->sending;
	if (op == XEN_SIM_COPY)
		memcpy(left, bed.data.view, view_size(BED_CLIENTS));
}

/* In the midst of the copy to guest @to, whose frames are they? */
static void copy_to(uint16_t to, uint16_t want)
{
	CU_ASSERT_EQUAL(trail[XEN_SIM_COPY], to);
	CU_ASSERT_EQUAL(senders[XEN_SIM_COPY], want);
}

static void the_view_tells_whose_frames_are_being_sent(void)
{
	static const struct xen_sim_hook hook = { .call = look };

	open_path();
	left = calloc(1, view_size(BED_CLIENTS));
	CU_ASSERT_FATAL(left != NULL);
	xen_sim_hook(bed.own, &hook);
	CU_ASSERT(guest_sends(1));
	CU_ASSERT_EQUAL(xen_bed_recv(&bed, BED_NETVM), 1);
	copy_to(1, VIEW_NOBODY); /* out of the guest: it sends nothing yet */
	CU_ASSERT(xen_bed_passes(&bed, 1));
	copy_to(1, 0); /* the answer, which came by the uplink */
	CU_ASSERT_EQUAL(bed.data.view->sending, VIEW_NOBODY);
	xen_sim_hook(bed.own, NULL);
	xen_bed_close(&bed);
	data_bed_open_on(&bed.data, left);
	CU_ASSERT_EQUAL(left->served, 1);
	CU_ASSERT_EQUAL(left->sent, 0);
	CU_ASSERT_EQUAL(left->sending, VIEW_NOBODY);
	data_bed_close(&bed.data);
}

static void the_view_tells_whose_port_is_being_served(void)
{
	static const struct xen_sim_hook hook = { .call = look };
	open_path();
	left = calloc(1, view_size(BED_CLIENTS));
	CU_ASSERT_FATAL(left != NULL);
	xen_sim_hook(bed.own, &hook);
	CU_ASSERT_EQUAL(xen_bed_guest(&bed, 2), 0);
	CU_ASSERT_EQUAL(trail[XEN_SIM_MAP], 2);
	CU_ASSERT_EQUAL(trail[XEN_SIM_BIND], 2);
	xen_bed_admit(&bed, 2);
	CU_ASSERT(guest_sends(2));
	turn();
	CU_ASSERT_EQUAL(trail[XEN_SIM_COPY], 2);
	CU_ASSERT_EQUAL(bed.data.view->serving, VIEW_NOBODY);
	CU_ASSERT_EQUAL(bed.data.view->served, VIEW_NOBODY);
	(void)xen_bed_recv(&bed, BED_NETVM);
	CU_ASSERT(xen_bed_passes(&bed, 1));
	CU_ASSERT_EQUAL(trail[XEN_SIM_NOTIFY], 1); /* its answer is there */
	xen_sim_hook(bed.own, NULL);
	/* the next process, after one that died within that copy */
	xen_bed_close(&bed);
	data_bed_open_on(&bed.data, left);
	CU_ASSERT_EQUAL(left->served, 1);
	CU_ASSERT_EQUAL(left->serving, VIEW_NOBODY);
	data_bed_close(&bed.data);
	/* and the first one of all */
	left = calloc(1, view_size(BED_CLIENTS));
	CU_ASSERT_FATAL(left != NULL);
	data_bed_open_on(&bed.data, left);
	CU_ASSERT_EQUAL(left->served, VIEW_NOBODY);
	data_bed_close(&bed.data);
}

UNIT_SUITE(data_xen,
	   UNIT(a_guests_packet_goes_out_by_the_frontend_and_is_answered),
	   UNIT(the_first_packet_is_told_once),
	   UNIT(an_idle_path_sleeps_until_an_event_comes),
	   UNIT(without_xen_there_are_no_rings),
	   UNIT(what_can_not_be_is_refused_and_leaves_nothing),
	   UNIT(a_frontend_beyond_the_limit_of_pages_is_refused),
	   UNIT(a_port_that_is_given_up_lets_go_of_everything),
	   UNIT(rings_are_taken_up_where_they_stand),
	   UNIT(a_rate_holds_frames_back_until_it_is_lifted),
	   UNIT(a_rate_is_of_a_vif_and_possible),
	   UNIT(an_mtu_that_changes_holds_for_the_next_packet),
	   UNIT(what_a_guest_does_not_take_is_forgotten_in_time),
	   UNIT(a_broken_ring_closes_its_port_and_no_other),
	   UNIT(a_network_domain_that_breaks_the_rings_is_told_too),
	   UNIT(a_guest_that_is_destroyed_harms_nobody),
	   UNIT(events_without_work_are_let_in_ever_more_rarely),
	   UNIT(XSA_331_an_event_of_a_closed_channel_is_nobodys),
	   UNIT(XSA_441_a_channel_that_is_too_high_is_nobodys),
	   UNIT(a_process_that_can_not_hear_gives_up),
	   UNIT(whatever_call_of_xen_fails_the_path_is_there_after),
	   UNIT(a_client_costs_less_than_a_mebibyte),
	   UNIT(the_rings_are_shown_as_they_stand),
	   UNIT(many_rings_are_shown_page_by_page),
	   UNIT(the_view_tells_whose_frames_are_being_sent),
	   UNIT(the_view_tells_whose_port_is_being_served))
