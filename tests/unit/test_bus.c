/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The backend's side of the bus; its uplink and rules have suites of their own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mock/bus_world.h"
#include "unit.h"
#include "xen/net/netback.h"
#include "xen/net/netfront.h"

static struct world w;
static const struct bus_id vif5 = { 5, 0 };

#define SAID(text) CU_ASSERT(world_said(&w, text))

/* One vif, its frontend connected, and all said. */
static void connected(void)
{
	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	world_run(&w, 100);
	SAID("vif:5/0 5/0=2 ");
	world_front_connects(w.t, 5);
	world_run(&w, 2000);
	SAID("connect:5/0 5/0=4 ");
}

/* ---- one vif's life ---- */

static void dom0_sees_state_2_whatever_the_frontend_does(void)
{
	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	world_front(w.t, 5, "state", "3");
	world_run(&w, 0);
	SAID("vif:5/0 5/0=2 ");
	world_close(&w);
}

static void our_features_are_few_and_come_with_state_2(void)
{
	uint32_t before;

	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	before = mock_nodes(w.t, WORLD_SELF);
	world_run(&w, 0);
	CU_ASSERT_EQUAL(mock_nodes(w.t, WORLD_SELF), before + 5);
	CU_ASSERT_STRING_EQUAL(
		mock_get(w.t,
			 "/local/domain/2/backend/vif/5/0/feature-rx-copy"),
		"1");
	world_close(&w);
}

static void what_dom0_says_is_told(void)
{
	char text[PKT_ADDR_TEXT];

	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	world_back(w.t, 5, "mtu", "9000");
	world_back(w.t, 5, "rate", "1000000,50000");
	world_run(&w, 0);
	SAID("vif:5/0 5/0=2 ");
	CU_ASSERT_EQUAL(w.vif.addr_n, 2);
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &w.vif.addr[0]),
			       "10.137.0.5");
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &w.vif.addr[1]),
			       "fd09:24ef:4179::a89:5");
	CU_ASSERT_STRING_EQUAL(pkt_mac_print(text, &w.vif.mac),
			       "00:16:3e:5e:6c:05");
	CU_ASSERT_EQUAL(w.vif.mtu, 9000);
	CU_ASSERT_EQUAL(w.vif.rate_bytes, 1000000);
	CU_ASSERT_EQUAL(w.vif.rate_us, 50000);
	CU_ASSERT_FALSE(w.vif.uplink);
	world_close(&w);
}

static void what_dom0_changes_is_told_again(void)
{
	connected();
	world_back(w.t, 5, "ip", "10.137.0.6");
	world_run(&w, 10);
	SAID("vif:5/0 ");
	CU_ASSERT_EQUAL(w.vif.addr_n, 1);
	world_back(w.t, 5, "ip", "10.137.0.6");
	world_run(&w, 10);
	SAID("");
	/* What makes no sense changes nothing. */
	world_back(w.t, 5, "ip", "10.137.0.6,10.137.0.7");
	world_run(&w, 10);
	SAID("");
	world_close(&w);
}

static void a_frontends_keys_are_told(void)
{
	connected();
	CU_ASSERT_EQUAL(w.rings.tx_ref, 768);
	CU_ASSERT_EQUAL(w.rings.rx_ref, 769);
	CU_ASSERT_EQUAL(w.rings.tx_evt, 9);
	CU_ASSERT_EQUAL(w.rings.rx_evt, 9);
	CU_ASSERT_EQUAL(w.rings.can, NETBACK_SG | NETBACK_GSO4 | NETBACK_GSO6 |
					     NETBACK_CSUM4 | NETBACK_CSUM6 |
					     NETBACK_RX_NOTIFY);
	world_close(&w);
}

static void what_both_ends_can_has_the_same_bits(void)
{
	CU_ASSERT_EQUAL(BUS_SG, NETBACK_SG);
	CU_ASSERT_EQUAL(BUS_GSO4, NETBACK_GSO4);
	CU_ASSERT_EQUAL(BUS_GSO6, NETBACK_GSO6);
	CU_ASSERT_EQUAL(BUS_CSUM4, NETBACK_CSUM4);
	CU_ASSERT_EQUAL(BUS_CSUM6, NETBACK_CSUM6);
	CU_ASSERT_EQUAL(BUS_RX_NOTIFY, NETBACK_RX_NOTIFY);
	CU_ASSERT_EQUAL(BUS_SG, NETFRONT_SG);
	CU_ASSERT_EQUAL(BUS_GSO4, NETFRONT_GSO4);
	CU_ASSERT_EQUAL(BUS_GSO6, NETFRONT_GSO6);
	CU_ASSERT_EQUAL(BUS_CSUM6, NETFRONT_CSUM6);
}

static void state_4_waits_until_dom0_has_seen_2(void)
{
	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	world_front_connects(w.t, 5);
	world_run(&w, BUS_CONNECTED_MS - 1);
	SAID("vif:5/0 5/0=2 connect:5/0 ");
	world_run(&w, 1);
	SAID("5/0=4 ");
	world_close(&w);
}

static void a_frontend_that_closes_meanwhile_never_sees_4(void)
{
	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	world_front_connects(w.t, 5);
	world_run(&w, 500);
	SAID("vif:5/0 5/0=2 connect:5/0 ");
	world_front(w.t, 5, "state", "5");
	world_run(&w, 5000);
	SAID("disconnect:5/0 5/0=5 ");
	world_close(&w);
}

/* ---- the table over a connected vif: what comes, and what is said ---- */

static void each_state_of_the_frontend_is_answered(void)
{
	static const struct {
		const char *theirs, *said;
	} row[] = {
		{ "1", "disconnect:5/0 5/0=5 5/0=6 5/0=2 " },
		{ "2", "" },
		{ "3", "" },
		{ "4", "" },
		{ "5", "disconnect:5/0 5/0=5 " },
		{ "6", "disconnect:5/0 5/0=5 5/0=6 " },
		{ "7", "5/0=8 " },
		{ "8", "" },
		{ "9", "disconnect:5/0 5/0=5 " },
		{ "0", "disconnect:5/0 5/0=6 " },
		{ "garbage", "disconnect:5/0 5/0=6 " },
		{ "", "disconnect:5/0 5/0=6 " },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		connected();
		world_front(w.t, 5, "state", row[i].theirs);
		world_run(&w, 100);
		SAID(row[i].said);
		world_close(&w);
	}
}

static void a_frontend_that_is_gone_is_closed(void)
{
	connected();
	mock_rm(w.t, "/local/domain/5");
	world_run(&w, 100);
	SAID("disconnect:5/0 5/0=6 ");
	world_close(&w);
}

static void a_driver_that_is_reloaded_connects_anew(void)
{
	connected();
	world_front(w.t, 5, "state", "5");
	world_run(&w, 10);
	world_front(w.t, 5, "state", "6");
	world_run(&w, 10);
	world_front(w.t, 5, "state", "1");
	world_run(&w, 10);
	SAID("disconnect:5/0 5/0=5 5/0=6 5/0=2 ");
	world_front_connects(w.t, 5);
	world_run(&w, 1000);
	SAID("connect:5/0 5/0=4 ");
	world_close(&w);
}

static void connected_again_from_closed_without_state_1(void)
{
	connected();
	world_front(w.t, 5, "state", "6");
	world_run(&w, 10);
	world_front(w.t, 5, "state", "4");
	world_run(&w, 1000);
	SAID("disconnect:5/0 5/0=5 5/0=6 5/0=2 connect:5/0 5/0=4 ");
	world_close(&w);
}

static void reconfigured_counts_as_connected(void)
{
	connected();
	world_front(w.t, 5, "state", "7");
	world_run(&w, 10);
	world_front(w.t, 5, "state", "4");
	world_run(&w, 10);
	SAID("5/0=8 ");
	world_front(w.t, 5, "state", "7");
	world_run(&w, 10);
	SAID("");
	world_restart(&w, NULL);
	world_front(w.t, 5, "state", "4");
	world_run(&w, 10);
	SAID("vif:5/0 resume:5/0 ");
	world_close(&w);
}

static void a_disconnect_that_takes_time_holds_all_up(void)
{
	connected();
	w.answer = false;
	world_front(w.t, 5, "state", "1");
	world_run(&w, 10);
	SAID("disconnect:5/0 ");
	world_front_connects(w.t, 5);
	world_run(&w, 10000);
	SAID("");
	bus_disconnected(w.b, vif5);
	world_run(&w, 10);
	SAID("5/0=5 5/0=6 5/0=2 connect:5/0 ");
	bus_disconnected(w.b, vif5); /* was not asked */
	bus_connected(w.b, vif5, 0);
	bus_connected(w.b, vif5, -EIO); /* nor this, twice */
	world_run(&w, 2000);
	SAID("5/0=4 ");
	world_close(&w);
}

/* ---- dom0 takes it away ---- */

static void detach_says_6_and_removes_it_later(void)
{
	connected();
	world_detach(w.t, 5, 0);
	world_run(&w, BUS_REMOVE_MS - 1);
	SAID("disconnect:5/0 5/0=6 ");
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '6');
	world_run(&w, 1);
	SAID("gone:5/0 ");
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '-');
	/* Its parent is dom0's. */
	CU_ASSERT_PTR_NOT_NULL(mock_get(w.t, "/local/domain/2/backend/vif/5"));
	CU_ASSERT_EQUAL(mock_watches(w.t, WORLD_SELF), 1);
	world_close(&w);
}

static void detach_before_it_was_connected(void)
{
	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	world_detach(w.t, 5, 0);
	world_run(&w, BUS_REMOVE_MS);
	SAID("5/0=6 ");
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '-');
	world_close(&w);
}

static void detach_of_a_dead_client(void)
{
	connected();
	mock_rm(w.t, "/local/domain/5");
	world_detach(w.t, 5, 0);
	world_run(&w, BUS_REMOVE_MS);
	SAID("disconnect:5/0 5/0=6 gone:5/0 ");
	world_close(&w);
}

static void dom0_removes_all_by_force(void)
{
	connected();
	mock_rm(w.t, "/local/domain/2/backend/vif/5");
	world_run(&w, 10);
	SAID("disconnect:5/0 gone:5/0 ");
	CU_ASSERT_EQUAL(mock_watches(w.t, WORLD_SELF), 1);
	world_close(&w);
}

static void dom0_changes_its_mind_before_it_is_removed(void)
{
	connected();
	world_detach(w.t, 5, 0);
	world_run(&w, 1000);
	world_back(w.t, 5, "online", "1");
	world_front(w.t, 5, "state", "1");
	world_run(&w, 10000);
	SAID("disconnect:5/0 5/0=6 5/0=2 ");
	world_close(&w);
}

static void taken_away_and_made_anew_while_rings_are_let_go(void)
{
	connected();
	w.answer = false;
	mock_rm(w.t, "/local/domain/2/backend/vif/5/0");
	world_run(&w, 10);
	SAID("disconnect:5/0 ");
	world_attach(w.t, 5, 0);
	world_run(&w, 1000);
	SAID("");
	w.answer = true;
	bus_disconnected(w.b, vif5);
	world_run(&w, 10);
	SAID("gone:5/0 vif:5/0 5/0=2 ");
	world_close(&w);
}

static void made_anew_between_two_looks(void)
{
	connected();
	mock_rm(w.t, "/local/domain/2/backend/vif/5/0");
	world_attach(w.t, 5, 0);
	world_run(&w, 10);
	SAID("disconnect:5/0 5/0=2 ");
	world_close(&w);
}

static void dom0_writes_our_state_and_leaves_it_online(void)
{
	connected();
	world_back(w.t, 5, "state", "5");
	world_run(&w, 2000);
	SAID("disconnect:5/0 5/0=6 5/0=2 resume:5/0 5/0=4 ");
	world_close(&w);
}

/* What is left of each is a watch, or a node: soon the quota is full of them.
 */
static void MF155_ten_thousand_rounds_leave_nothing(void)
{
	uint32_t nodes;

	world_open(&w, NULL);
	nodes = mock_nodes(w.t, WORLD_SELF);
	for (uint16_t i = 0; i < 10000; i++) {
		uint16_t dom = (uint16_t)(5 + i % 100);
		char home[32];

		world_attach(w.t, dom, 0);
		world_run(&w, 10);
		world_front_connects(w.t, dom);
		world_run(&w, 1500);
		CU_ASSERT_EQUAL(world_shows(w.t, dom), '4');
		world_detach(w.t, dom, 0);
		world_run(&w, BUS_REMOVE_MS + 10);
		snprintf(home, sizeof(home), "/local/domain/%u", dom);
		mock_rm(w.t, home);
	}
	CU_ASSERT_EQUAL(mock_nodes(w.t, WORLD_SELF), nodes);
	CU_ASSERT_EQUAL(mock_watches(w.t, WORLD_SELF), 1);
	world_close(&w);
}

/* ---- a daemon that was there before ---- */

static void a_successor_attaches_without_a_word(void)
{
	connected();
	world_restart(&w, NULL);
	world_run(&w, 10000);
	SAID("vif:5/0 resume:5/0 ");
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '4');
	world_close(&w);
}

static void a_predecessor_that_died_before_it_said_4(void)
{
	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	world_front_connects(w.t, 5);
	world_run(&w, 500);
	SAID("vif:5/0 5/0=2 connect:5/0 ");
	world_restart(&w, NULL);
	world_run(&w, 1000);
	SAID("vif:5/0 resume:5/0 5/0=4 ");
	world_close(&w);
}

static void a_frontend_that_went_on_meanwhile_connects_anew(void)
{
	connected();
	world_restart(&w, NULL);
	world_front(w.t, 5, "state", "1");
	world_run(&w, 10);
	SAID("vif:5/0 5/0=5 5/0=6 5/0=2 ");
	world_close(&w);
}

static void rings_that_can_not_be_resumed_are_closed(void)
{
	connected();
	world_restart(&w, NULL);
	w.connect_err = -EPROTO;
	world_run(&w, 20000);
	SAID("vif:5/0 resume:5/0 5/0=5 ");
	world_close(&w);
}

static void all_is_asked_for_again_after_the_data_process_died(void)
{
	connected();
	world_attach(w.t, 6, 0);
	world_attach(w.t, 7, 0);
	world_front_connects(w.t, 6);
	world_front_connects(w.t, 7);
	w.answer = false;
	world_front(w.t, 5, "state", "5");
	world_run(&w, 2000);
	bus_connected(w.b, (struct bus_id){ 6, 0 }, 0);
	world_run(&w, 2000);
	w.len = 0;
	w.log[0] = '\0';
	bus_resume(w.b);
	world_run(&w, 10);
	/* 5 was let go, 6 connected, 7 asked for. */
	SAID("resume:6/0 resume:7/0 5/0=5 ");
	bus_connected(w.b, (struct bus_id){ 7, 0 }, 0);
	bus_connected(w.b, (struct bus_id){ 6, 0 }, 0);
	world_run(&w, 2000);
	SAID("7/0=4 ");
	world_close(&w);
}

/* What it said when it connected holds until it does so anew. */
static void keys_that_change_while_connected_are_not_looked_at(void)
{
	static const char *const keys[] = {
		"tx-ring-ref",	     "rx-ring-ref",
		"event-channel",     "feature-sg",
		"feature-gso-tcpv4", "feature-rx-notify",
		"request-rx-copy",   "multi-queue-num-queues",
	};
	struct bus_rings was;

	connected();
	was = w.rings;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		world_front(w.t, 5, keys[i], "0");
	world_front(w.t, 5, "state", "4"); /* and it has us look */
	world_run(&w, 20000);
	SAID("");
	bus_resume(w.b);
	world_run(&w, 100);
	SAID("resume:5/0 ");
	CU_ASSERT_EQUAL(memcmp(&was.tx_ref, &w.rings.tx_ref,
			       4 * sizeof(was.tx_ref)),
			0);
	CU_ASSERT_EQUAL(w.rings.can, was.can);
	world_close(&w);
}

/* ---- faults of the frontend ---- */

static const char *row_trouble(void)
{
	static struct bus_row row;
	uint32_t cursor = 0;

	CU_ASSERT_EQUAL(bus_rows(w.b, &cursor, &row, 1, w.now), 1);
	return row.trouble;
}

static void hostile_keys_are_refused(void)
{
	static const struct {
		const char *key, *value, *trouble;
	} row[] = {
		{ "tx-ring-ref", "", "tx-ring-ref" },
		{ "tx-ring-ref", "-1", "tx-ring-ref" },
		{ "tx-ring-ref", "1e9", "tx-ring-ref" },
		{ "tx-ring-ref", "0768", "tx-ring-ref" },
		{ "tx-ring-ref", " 768", "tx-ring-ref" },
		{ "tx-ring-ref", "4294967296", "tx-ring-ref" },
		{ "tx-ring-ref", "99999999999999999999", "tx-ring-ref" },
		{ "rx-ring-ref", "0x301", "rx-ring-ref" },
		{ "rx-ring-ref", "769,770", "rx-ring-ref" },
		{ "event-channel", "nine", "event-channel" },
		{ "event-channel-tx", "x", "event-channel-tx" },
		{ "multi-queue-num-queues", "0", "multi-queue-num-queues" },
		{ "multi-queue-num-queues", "2", "multi-queue-num-queues" },
		{ "multi-queue-num-queues", "4294967296",
		  "multi-queue-num-queues" },
		{ "request-rx-copy", "0", "request-rx-copy" },
		{ "request-rx-copy", "yes", "request-rx-copy" },
		{ "feature-sg", "1\x01", "feature-sg" },
		{ "feature-gso-tcpv4", "", "feature-gso-tcpv4" },
		{ "feature-ipv6-csum-offload", "+1",
		  "feature-ipv6-csum-offload" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		world_open(&w, NULL);
		world_attach(w.t, 5, 0);
		world_front_connects(w.t, 5);
		world_front(w.t, 5, row[i].key, row[i].value);
		world_run(&w, 20000);
		SAID("vif:5/0 5/0=2 5/0=5 ");
		CU_ASSERT_PTR_NOT_NULL(strstr(row_trouble(), row[i].trouble));
		/* It may begin anew. */
		world_front(w.t, 5, "state", "1");
		world_run(&w, 10);
		mock_rm(w.t, "/local/domain/5/device/vif/0/event-channel-tx");
		world_front_connects(w.t, 5);
		world_run(&w, 1000);
		SAID("5/0=6 5/0=2 connect:5/0 5/0=4 ");
		CU_ASSERT_STRING_EQUAL(row_trouble(), "");
		world_close(&w);
	}
}

static void keys_that_are_missing_are_refused(void)
{
	static const char *const key[] = { "tx-ring-ref", "rx-ring-ref",
					   "event-channel", "request-rx-copy" };

	for (size_t i = 0; i < sizeof(key) / sizeof(key[0]); i++) {
		char path[96];

		world_open(&w, NULL);
		world_attach(w.t, 5, 0);
		world_front_connects(w.t, 5);
		snprintf(path, sizeof(path), "/local/domain/5/device/vif/0/%s",
			 key[i]);
		mock_rm(w.t, path);
		world_run(&w, 10);
		SAID("vif:5/0 5/0=2 5/0=5 ");
		CU_ASSERT_PTR_NOT_NULL(strstr(row_trouble(), "missing"));
		world_close(&w);
	}
}

static void a_big_value_is_no_number(void)
{
	static char big[STORE_VALUE_MAX + 1];

	memset(big, '1', STORE_VALUE_MAX);
	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	world_front_connects(w.t, 5);
	world_front(w.t, 5, "tx-ring-ref", big);
	world_run(&w, 10);
	SAID("vif:5/0 5/0=2 5/0=5 ");
	world_front(w.t, 5, "state", big);
	world_run(&w, 10);
	SAID("5/0=6 ");
	world_close(&w);
}

static void two_channels_are_taken_when_both_are_there(void)
{
	connected();
	world_front(w.t, 5, "state", "1");
	world_run(&w, 10);
	world_front(w.t, 5, "event-channel-tx", "21");
	world_front_connects(w.t, 5);
	world_run(&w, 1000);
	CU_ASSERT_EQUAL(w.rings.tx_evt, 9);
	world_front(w.t, 5, "state", "1");
	world_run(&w, 10);
	world_front(w.t, 5, "event-channel-rx", "22");
	world_front_connects(w.t, 5);
	world_run(&w, 1000);
	CU_ASSERT_EQUAL(w.rings.tx_evt, 21);
	CU_ASSERT_EQUAL(w.rings.rx_evt, 22);
	world_close(&w);
}

static void a_frontend_that_can_nothing_is_taken_at_its_word(void)
{
	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	world_front(w.t, 5, "tx-ring-ref", "0");
	world_front(w.t, 5, "rx-ring-ref", "4294967295");
	world_front(w.t, 5, "event-channel", "1");
	world_front(w.t, 5, "request-rx-copy", "1");
	world_front(w.t, 5, "feature-no-csum-offload", "1");
	world_front(w.t, 5, "state", "4");
	world_run(&w, 10);
	SAID("vif:5/0 5/0=2 connect:5/0 ");
	CU_ASSERT_EQUAL(w.rings.can, 0);
	world_close(&w);
}

static void eight_connects_in_ten_seconds_then_a_pause(void)
{
	uint32_t connects = 0;
	uint64_t start;

	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	start = w.now.ns;
	while (w.now.ns - start < 30 * MONO_S) {
		world_front_connects(w.t, 5);
		world_run(&w, 1);
		world_front(w.t, 5, "state", "1");
		world_run(&w, 1);
		for (char *at = w.log; (at = strstr(at, "connect:")); at++)
			connects += at == w.log || at[-1] == ' ';
		w.len = 0;
		w.log[0] = '\0';
	}
	CU_ASSERT(connects >= 16 && connects <= 3 * BUS_CONNECTS);
	world_front_connects(w.t, 5);
	world_run(&w, 20000);
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '4');
	world_close(&w);
}

static void a_state_that_flaps_costs_what_it_must(void)
{
	uint32_t before;

	connected();
	before = mock_calls(w.s);
	for (int i = 0; i < 10000; i++) {
		world_front(w.t, 5, "state", i & 1 ? "1" : "5");
		if (i % 100 == 99)
			world_run(&w, 0); /* a hundred at once */
	}
	/* A taken event is a call; looks are a fraction of that. */
	CU_ASSERT(mock_calls(w.s) - before < 12000);
	world_close(&w);
}

/* Without rings to lose: each of its writes could be answered by one of ours.
 */
static void a_closed_frontend_that_flaps_is_answered_rarely(void)
{
	uint32_t writes = 0;
	uint64_t start;

	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	start = w.now.ns;
	while (w.now.ns - start < 30 * MONO_S) {
		world_front(w.t, 5, "state", "5");
		world_run(&w, 1);
		world_front(w.t, 5, "state", "6");
		world_run(&w, 1);
		for (char *at = w.log; (at = strstr(at, "5/0=")); at++)
			writes++;
		w.len = 0;
		w.log[0] = '\0';
	}
	CU_ASSERT(writes >= BUS_CONNECTS && writes <= 3 * (BUS_CONNECTS + 1));
	/* dom0 is not made to wait, and whoever means it comes through */
	world_front(w.t, 5, "state", "1");
	world_run(&w, 6000);
	world_front_connects(w.t, 5);
	world_run(&w, 2000);
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '4');
	for (int i = 0; i < 2 * (int)BUS_CONNECTS; i++) {
		world_front(w.t, 5, "state", i & 1 ? "6" : "5");
		world_run(&w, 1);
	}
	world_back(w.t, 5, "online", "0");
	world_run(&w, 10);
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '6');
	world_close(&w);
}

static void rings_that_broke_are_closed_until_the_frontend_begins_anew(void)
{
	connected();
	bus_broken(w.b, vif5);
	world_run(&w, 60000);
	SAID("5/0=5 ");
	world_front(w.t, 5, "state", "1");
	world_run(&w, 10);
	world_front_connects(w.t, 5);
	world_run(&w, 1000);
	SAID("5/0=6 5/0=2 connect:5/0 5/0=4 ");
	world_close(&w);
}

static void after_three_strikes_only_dom0_brings_it_back(void)
{
	connected();
	for (uint32_t i = 0; i < BUS_STRIKES; i++) {
		bus_broken(w.b, vif5);
		world_run(&w, 6000);
		world_front(w.t, 5, "state", "1");
		world_run(&w, 6000);
		world_front_connects(w.t, 5);
		world_run(&w, 6000);
	}
	SAID("5/0=5 5/0=6 5/0=2 connect:5/0 5/0=4 "
	     "5/0=5 5/0=6 5/0=2 connect:5/0 5/0=4 5/0=5 ");
	world_front(w.t, 5, "state", "6");
	world_run(&w, 60000);
	SAID("5/0=6 ");
	world_front(w.t, 5, "state", "1");
	world_run(&w, 60000);
	SAID("");
	mock_rm(w.t, "/local/domain/2/backend/vif/5/0");
	world_run(&w, 10);
	world_attach(w.t, 5, 0);
	world_run(&w, 10);
	SAID("gone:5/0 vif:5/0 5/0=2 ");
	world_close(&w);
}

static void who_shows_an_impossible_state_stays_closed(void)
{
	connected();
	world_front(w.t, 5, "state", "77");
	world_run(&w, 10);
	world_front_connects(w.t, 5);
	world_run(&w, 60000);
	SAID("disconnect:5/0 5/0=5 ");
	/* dom0 makes it anew so fast that only our state tells. */
	mock_rm(w.t, "/local/domain/2/backend/vif/5/0");
	world_attach(w.t, 5, 0);
	world_run(&w, 10);
	SAID("5/0=2 ");
	world_close(&w);
}

static void who_brings_the_data_process_down_stays_closed(void)
{
	connected();
	bus_quarantine(w.b, vif5);
	world_run(&w, 60000);
	SAID("disconnect:5/0 5/0=5 ");
	world_detach(w.t, 5, 0);
	world_run(&w, BUS_REMOVE_MS);
	SAID("5/0=6 gone:5/0 ");
	bus_quarantine(w.b, vif5);
	bus_broken(w.b, vif5);
	bus_connected(w.b, vif5, 0);
	bus_disconnected(w.b, vif5);
	world_close(&w);
}

static void a_connect_that_fails_closes_it(void)
{
	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	w.connect_err = -ENOMEM;
	world_front_connects(w.t, 5);
	world_run(&w, 60000);
	SAID("vif:5/0 5/0=2 connect:5/0 5/0=5 ");
	world_close(&w);
}

/* ---- what dom0 wrote makes no sense ---- */

static void odd_directories_are_not_looked_at(void)
{
	static const char *const odd[] = {
		"05/0", "5/00", "32752/0", "4294967301/0", "5/65536", "-1/0",
		"5/-0", "x/0",	"5/x",	   "5/0x",	   "@5/0",    "00/0",
	};
	char path[128];

	world_open(&w, NULL);
	world_attach(w.t, 5, 1);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		snprintf(path, sizeof(path),
			 "/local/domain/2/backend/vif/%s/state", odd[i]);
		mock_set(w.t, path, "1");
		mock_perm(w.t, path, 2, 'n', 0, 'n');
	}
	world_run(&w, 10);
	SAID("vif:5/1 5/1=2 ");
	world_restart(&w, NULL);
	world_run(&w, 10);
	SAID("vif:5/1 ");
	world_close(&w);
}

static void a_vif_that_makes_no_sense_is_left_alone(void)
{
	static const struct {
		const char *key, *value;
	} row[] = {
		{ "frontend", "/local/domain/6/device/vif/0" },
		{ "frontend", "/local/domain/5/device/vif/0/" },
		{ "frontend-id", "6" },
		{ "frontend-id", "05" },
		{ "handle", "1" },
		{ "handle", "00" },
		{ "handle", "" },
		{ "mac", "00:16:3e:5e:6c" },
		{ "mac", "01:16:3e:5e:6c:05" },
		{ "ip", "10.137.0.5 " },
		{ "ip", " 10.137.0.5" },
		{ "ip", "10.137.0.5  10.137.0.6" },
		{ "ip", "10.137.0.5\n" },
		{ "ip", "10.137.0" },
		{ "ip", "1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 "
			"1.1.1.7 1.1.1.8 1.1.1.9" },
		{ "mtu", "67" },
		{ "mtu", "65536" },
		{ "mtu", "1500x" },
		{ "rate", "1000" },
		{ "rate", "1000," },
		{ "rate", ",1000" },
		{ "rate", "1000,0" },
		{ "rate", "0,1000" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		world_open(&w, NULL);
		world_attach(w.t, 5, 0);
		world_back(w.t, 5, row[i].key, row[i].value);
		world_front_connects(w.t, 5);
		world_run(&w, 20000);
		SAID("");
		CU_ASSERT_EQUAL(world_shows(w.t, 5), '1');
		CU_ASSERT_PTR_NOT_NULL(strstr(row_trouble(), row[i].key));
		/* dom0 gives up, and is answered. */
		world_detach(w.t, 5, 0);
		world_run(&w, BUS_REMOVE_MS);
		SAID("5/0=6 ");
		CU_ASSERT_EQUAL(world_shows(w.t, 5), '-');
		world_close(&w);
	}
}

/* NULL: no such key. */
static void MF103_addresses_of_either_family_may_be_missing(void)
{
	static const struct {
		const char *ip;
		uint8_t n;
		const char *first;
	} t[] = {
		{ "10.137.0.5 fd09::5", 2, "10.137.0.5" },
		{ "10.137.0.5", 1, "10.137.0.5" },
		{ "fd09::5", 1, "fd09::5" },
		{ "fd09::5 10.137.0.5", 2, "fd09::5" },
		{ "", 0, NULL },
		{ NULL, 0, NULL },
	};
	char text[PKT_ADDR_TEXT];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		world_open(&w, NULL);
		world_attach(w.t, 5, 0);
		if (t[i].ip)
			world_back(w.t, 5, "ip", t[i].ip);
		else
			mock_rm(w.t, "/local/domain/2/backend/vif/5/0/ip");
		world_run(&w, 10);
		SAID("vif:5/0 5/0=2 ");
		CU_ASSERT_EQUAL(w.vif.addr_n, t[i].n);
		if (t[i].n)
			CU_ASSERT_STRING_EQUAL(pkt_addr_print(text,
							      &w.vif.addr[0]),
					       t[i].first);
		world_close(&w);
	}
}

static void more_vifs_than_we_have_room_for(void)
{
	uint32_t n = 0;

	world_open(&w, NULL);
	*mock_quota(w.t) = (struct mock_quota){ 100000, 1000, 10, 2048 };
	for (uint16_t i = 0; i < BUS_VIFS + 1; i++)
		world_attach(w.t, (uint16_t)(5 + i), 0);
	world_run(&w, 100);
	for (uint16_t i = 0; i < BUS_VIFS + 1; i++)
		n += world_shows(w.t, (uint16_t)(5 + i)) == '2';
	CU_ASSERT_EQUAL(n, BUS_VIFS);
	CU_ASSERT_PTR_NOT_NULL(strstr(bus_trouble(w.b), "256"));
	world_close(&w);
}

/* ---- quotas, faults and cost ---- */

static void forty_vifs_fit_the_quota(void)
{
	world_open(&w, NULL);
	for (uint16_t i = 0; i < 40; i++) {
		world_attach(w.t, (uint16_t)(5 + i), 0);
		world_front_connects(w.t, (uint16_t)(5 + i));
	}
	world_run(&w, 2000);
	for (uint16_t i = 0; i < 40; i++)
		CU_ASSERT_EQUAL(world_shows(w.t, (uint16_t)(5 + i)), '4');
	CU_ASSERT(mock_nodes(w.t, WORLD_SELF) <= 1000);
	CU_ASSERT_EQUAL(mock_watches(w.t, WORLD_SELF), 41);
	world_close(&w);
}

static void without_a_watch_a_vif_is_not_offered(void)
{
	world_open(&w, NULL);
	mock_quota(w.t)->watches = 1;
	world_attach(w.t, 5, 0);
	world_run(&w, 100);
	SAID("vif:5/0 ");
	CU_ASSERT_PTR_NOT_NULL(strstr(row_trouble(), "no watch"));
	mock_quota(w.t)->watches = 2;
	world_run(&w, BUS_RETRY_MS);
	SAID("5/0=2 ");
	world_close(&w);
}

static void a_full_store_is_tried_again(void)
{
	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	mock_quota(w.t)->nodes = mock_nodes(w.t, WORLD_SELF);
	world_run(&w, 4000);
	SAID("vif:5/0 ");
	mock_quota(w.t)->nodes = 1000;
	world_run(&w, BUS_RETRY_MS);
	SAID("5/0=2 ");
	world_close(&w);
}

static void a_transaction_that_never_ends_well_is_given_up(void)
{
	uint32_t before;

	connected();
	mock_conflict(w.s, 1000);
	before = mock_calls(w.s);
	world_front(w.t, 5, "state", "5");
	world_run(&w, 100);
	CU_ASSERT(mock_calls(w.s) - before < 10 * BUS_EAGAIN_TRIES);
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '4');
	mock_conflict(w.s, 3);
	world_run(&w, BUS_RETRY_MS);
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '5');
	world_close(&w);
}

/* dom0 attaches, the frontend connects and closes, dom0 detaches. */
static void story(void)
{
	world_attach(w.t, 5, 0);
	world_run(&w, 10);
	world_front_connects(w.t, 5);
	world_run(&w, 1500);
	world_front(w.t, 5, "state", "1");
	world_run(&w, 10);
	world_front_connects(w.t, 5);
	world_run(&w, 1500);
	world_detach(w.t, 5, 0);
	world_run(&w, BUS_REMOVE_MS + 10);
}

static uint32_t calls_of_story(void)
{
	uint32_t before, n;

	world_open(&w, NULL);
	before = mock_calls(w.s);
	story();
	n = mock_calls(w.s) - before;
	world_close(&w);
	return n;
}

static void any_call_may_fail_once(void)
{
	static const int errs[] = { -EIO, -ENOSPC, -EACCES, -ENOMEM, -EINVAL };
	uint32_t n = calls_of_story();

	for (size_t e = 0; e < sizeof(errs) / sizeof(errs[0]); e++)
		for (uint32_t k = 1; k <= n; k++) {
			world_open(&w, NULL);
			mock_fail(w.s, k, 1, errs[e]);
			story();
			world_run(&w, 3 * BUS_RETRY_MS);
			CU_ASSERT_EQUAL(world_shows(w.t, 5), '-');
			if (world_shows(w.t, 5) != '-')
				printf("\n    call %u: %d\n", k, errs[e]);
			/* One that could not be ended hears of a next vif. */
			CU_ASSERT(mock_watches(w.t, WORLD_SELF) <= 2);
			world_close(&w);
		}
}

static uint32_t remove_at;

static void remove_all(void *ctx, struct mock_tree *t, uint32_t call)
{
	if (call == remove_at)
		mock_rm(t, ctx);
}

static void it_may_vanish_at_any_call(void)
{
	static char back[] = "/local/domain/2/backend/vif/5";
	static char front[] = "/local/domain/5";
	char *const what[] = { back, front };
	uint32_t n = calls_of_story() + 10;

	for (int i = 0; i < 2; i++)
		for (remove_at = 1; remove_at <= n; remove_at++) {
			world_open(&w, NULL);
			mock_hook(w.s, remove_all, what[i]);
			world_attach(w.t, 5, 0);
			world_run(&w, 10);
			world_front_connects(w.t, 5);
			world_run(&w, 1500);
			mock_rm(w.t, back);
			mock_rm(w.t, front);
			world_run(&w, 10000);
			mock_hook(w.s, NULL, NULL);
			CU_ASSERT_EQUAL(mock_watches(w.t, WORLD_SELF), 1);
			CU_ASSERT_EQUAL(world_shows(w.t, 5), '-');
			world_close(&w);
		}
}

static void events_may_come_late_and_as_one(void)
{
	world_open(&w, NULL);
	mock_coalesce(w.s, true);
	mock_hold(w.s, true);
	world_attach(w.t, 5, 0);
	bus_tick(w.b, w.now);
	world_front_connects(w.t, 5);
	world_front(w.t, 5, "state", "6");
	world_front_connects(w.t, 5);
	mock_hold(w.s, false);
	world_run(&w, 1000);
	SAID("vif:5/0 5/0=2 connect:5/0 5/0=4 ");
	world_close(&w);
}

static void a_look_costs_the_same_among_a_hundred(void)
{
	uint32_t before;

	world_open(&w, NULL);
	*mock_quota(w.t) = (struct mock_quota){ 10000, 128, 10, 2048 };
	for (uint16_t i = 0; i < 100; i++) {
		world_attach(w.t, (uint16_t)(5 + i), 0);
		world_front_connects(w.t, (uint16_t)(5 + i));
	}
	world_run(&w, 2000);
	before = mock_calls(w.s);
	world_front(w.t, 50, "state", "4");
	world_run(&w, 0);
	/* Two asking for events, three reads. */
	CU_ASSERT(mock_calls(w.s) - before <= 6);
	before = mock_calls(w.s);
	world_run(&w, 600000);
	CU_ASSERT(mock_calls(w.s) - before <= 2);
	world_close(&w);
}

static void a_store_that_is_gone_is_told(void)
{
	world_open(&w, NULL);
	mock_fail(w.s, 1, 1, -EBADF);
	CU_ASSERT_EQUAL(bus_events(w.b, w.now), -EBADF);
	world_close(&w);
}

/* libxenstore says so of whoever waits for an answer when xenstored dies. */
static void a_connection_that_ends_in_a_read_disconnects_nobody(void)
{
	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	world_front_connects(w.t, 5);
	world_run(&w, 2000);
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '4');
	w.len = 0;
	w.log[0] = '\0';
	for (uint32_t k = 3; k <= 5; k++) {
		mock_fail(w.s, k, 1, -EINVAL);
		world_front(w.t, 5, "state", "4");
		world_run(&w, 0);
		CU_ASSERT(world_said(&w, ""));
	}
	world_close(&w);
}

static void no_watch_no_bus(void)
{
	struct mock_tree *t = mock_tree_new();
	struct store *s = mock_store_open(t, 2);
	struct bus_conf c = { .self = 2, .uplink = true, .rules = true };
	struct bus_ops ops = { 0 };

	for (uint32_t k = 1; k <= 3; k++) {
		mock_fail(s, k, 1, -E2BIG);
		CU_ASSERT_PTR_NULL(bus_new(s, &c, &ops));
		s->ops->close(s);
		s = mock_store_open(t, 2);
	}
	s->ops->close(s);
	mock_tree_free(t);
}

static void a_list_that_fails_is_tried_again(void)
{
	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	mock_perm(w.t, "/local/domain/2/backend/vif", 0, 'n', 9, 'r');
	world_run(&w, 10);
	CU_ASSERT_PTR_NOT_NULL(strstr(bus_trouble(w.b), "listed"));
	world_close(&w);
}

static void a_vif_may_leave_its_own_number_out(void)
{
	world_open(&w, NULL);
	world_attach(w.t, 5, 1);
	mock_rm(w.t, "/local/domain/2/backend/vif/5/1/handle");
	world_run(&w, 10);
	SAID("vif:5/1 5/1=2 ");
	world_close(&w);
}

static struct bus_conf netvm(enum bus_netvm_by by)
{
	struct bus_conf c = { .netvm = { .by = (uint8_t)by, .dom = 5 } };

	CU_ASSERT_EQUAL(pkt_addr_parse(&c.netvm.addr, "10.137.0.55", 11), 0);
	CU_ASSERT_EQUAL(pkt_mac_parse(&c.netvm.mac, "00:16:3e:00:00:55", 17),
			0);
	return c;
}

static void the_uplink_may_be_one_of_the_clients(void)
{
	static const struct {
		enum bus_netvm_by by;
		uint16_t dom;
		const char *key, *value;
		bool is;
	} row[] = {
		{ BUS_NETVM_NONE, 5, "ip", "10.137.0.55", false },
		{ BUS_NETVM_DOM, 5, "ip", "10.137.0.5", true },
		{ BUS_NETVM_DOM, 6, "ip", "10.137.0.55", false },
		{ BUS_NETVM_ADDR, 6, "ip", "10.137.0.55", true },
		{ BUS_NETVM_ADDR, 6, "ip", "fd00::1 10.137.0.55", true },
		{ BUS_NETVM_ADDR, 5, "ip", "10.137.0.5", false },
		{ BUS_NETVM_ADDR, 5, "ip", "", false },
		{ BUS_NETVM_MAC, 6, "mac", "00:16:3e:00:00:55", true },
		{ BUS_NETVM_MAC, 5, "mac", "00:16:3e:00:00:05", false },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct bus_conf c = netvm(row[i].by);

		world_open(&w, &c);
		world_attach(w.t, row[i].dom, 0);
		world_back(w.t, row[i].dom, row[i].key, row[i].value);
		/* what the client itself says is nothing */
		world_front(w.t, row[i].dom, "ip", "10.137.0.55");
		world_front(w.t, row[i].dom, "mac", "00:16:3e:00:00:55");
		world_run(&w, 10);
		CU_ASSERT_EQUAL(w.vif.id.dom, row[i].dom);
		CU_ASSERT_EQUAL(w.vif.uplink, row[i].is);
		world_close(&w);
	}
}

static void one_that_becomes_the_uplink_goes_and_comes_anew(void)
{
	struct bus_conf c = netvm(BUS_NETVM_ADDR);

	world_open(&w, &c);
	world_attach(w.t, 5, 0);
	world_front_connects(w.t, 5);
	world_run(&w, 2000);
	SAID("vif:5/0 5/0=2 connect:5/0 5/0=4 ");
	world_back(w.t, 5, "ip", "10.137.0.55");
	world_run(&w, 2000);
	/* without a word to its frontend, whose rings are taken up again */
	SAID("disconnect:5/0 gone:5/0 vif:5/0 resume:5/0 ");
	CU_ASSERT(w.vif.uplink);
	world_back(w.t, 5, "ip", "10.137.0.5");
	world_run(&w, 2000);
	SAID("disconnect:5/0 gone:5/0 vif:5/0 resume:5/0 ");
	CU_ASSERT_FALSE(w.vif.uplink);
	world_close(&w);
}

static void rows_show_all(void)
{
	struct bus_conf c = { .uplink = true };
	struct bus_row row[3];
	uint32_t cursor = 0;

	world_open(&w, &c);
	world_attach(w.t, 5, 0);
	world_attach(w.t, 6, 0);
	world_front_connects(w.t, 6);
	world_run(&w, 3000);
	CU_ASSERT_EQUAL(bus_rows(w.b, &cursor, row, 2, w.now), 2);
	CU_ASSERT(row[0].frontend);
	CU_ASSERT_EQUAL(row[1].vif.id.dom, 5);
	CU_ASSERT_EQUAL(row[1].ours, 2);
	CU_ASSERT_EQUAL(row[1].theirs, 1);
	CU_ASSERT_EQUAL(row[1].ours_ms, 3000);
	CU_ASSERT_FALSE(row[1].connected);
	CU_ASSERT_EQUAL(bus_rows(w.b, &cursor, row, 3, w.now), 1);
	CU_ASSERT_EQUAL(row[0].vif.id.dom, 6);
	CU_ASSERT(row[0].connected);
	CU_ASSERT_EQUAL(row[0].rings.tx_ref, 768);
	CU_ASSERT_EQUAL(bus_rows(w.b, &cursor, row, 3, w.now), 0);
	world_close(&w);
}

UNIT_SUITE(bus, UNIT(dom0_sees_state_2_whatever_the_frontend_does),
	   UNIT(our_features_are_few_and_come_with_state_2),
	   UNIT(what_dom0_says_is_told), UNIT(what_dom0_changes_is_told_again),
	   UNIT(a_frontends_keys_are_told),
	   UNIT(what_both_ends_can_has_the_same_bits),
	   UNIT(state_4_waits_until_dom0_has_seen_2),
	   UNIT(a_frontend_that_closes_meanwhile_never_sees_4),
	   UNIT(each_state_of_the_frontend_is_answered),
	   UNIT(a_frontend_that_is_gone_is_closed),
	   UNIT(a_driver_that_is_reloaded_connects_anew),
	   UNIT(connected_again_from_closed_without_state_1),
	   UNIT(reconfigured_counts_as_connected),
	   UNIT(a_disconnect_that_takes_time_holds_all_up),
	   UNIT(detach_says_6_and_removes_it_later),
	   UNIT(detach_before_it_was_connected), UNIT(detach_of_a_dead_client),
	   UNIT(dom0_removes_all_by_force),
	   UNIT(dom0_changes_its_mind_before_it_is_removed),
	   UNIT(taken_away_and_made_anew_while_rings_are_let_go),
	   UNIT(made_anew_between_two_looks),
	   UNIT(dom0_writes_our_state_and_leaves_it_online),
	   UNIT(MF155_ten_thousand_rounds_leave_nothing),
	   UNIT(a_successor_attaches_without_a_word),
	   UNIT(a_predecessor_that_died_before_it_said_4),
	   UNIT(a_frontend_that_went_on_meanwhile_connects_anew),
	   UNIT(rings_that_can_not_be_resumed_are_closed),
	   UNIT(all_is_asked_for_again_after_the_data_process_died),
	   UNIT(keys_that_change_while_connected_are_not_looked_at),
	   UNIT(hostile_keys_are_refused),
	   UNIT(keys_that_are_missing_are_refused),
	   UNIT(a_big_value_is_no_number),
	   UNIT(two_channels_are_taken_when_both_are_there),
	   UNIT(a_frontend_that_can_nothing_is_taken_at_its_word),
	   UNIT(eight_connects_in_ten_seconds_then_a_pause),
	   UNIT(a_state_that_flaps_costs_what_it_must),
	   UNIT(a_closed_frontend_that_flaps_is_answered_rarely),
	   UNIT(rings_that_broke_are_closed_until_the_frontend_begins_anew),
	   UNIT(after_three_strikes_only_dom0_brings_it_back),
	   UNIT(who_shows_an_impossible_state_stays_closed),
	   UNIT(who_brings_the_data_process_down_stays_closed),
	   UNIT(a_connect_that_fails_closes_it),
	   UNIT(odd_directories_are_not_looked_at),
	   UNIT(a_vif_that_makes_no_sense_is_left_alone),
	   UNIT(MF103_addresses_of_either_family_may_be_missing),
	   UNIT(more_vifs_than_we_have_room_for),
	   UNIT(forty_vifs_fit_the_quota),
	   UNIT(without_a_watch_a_vif_is_not_offered),
	   UNIT(a_full_store_is_tried_again),
	   UNIT(a_transaction_that_never_ends_well_is_given_up),
	   UNIT(any_call_may_fail_once), UNIT(it_may_vanish_at_any_call),
	   UNIT(events_may_come_late_and_as_one),
	   UNIT(a_look_costs_the_same_among_a_hundred),
	   UNIT(a_store_that_is_gone_is_told),
	   UNIT(a_connection_that_ends_in_a_read_disconnects_nobody),
	   UNIT(no_watch_no_bus), UNIT(a_list_that_fails_is_tried_again),
	   UNIT(a_vif_may_leave_its_own_number_out),
	   UNIT(the_uplink_may_be_one_of_the_clients),
	   UNIT(one_that_becomes_the_uplink_goes_and_comes_anew),
	   UNIT(rows_show_all))
