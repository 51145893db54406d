/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frontend's side of the bus. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mock/bus_world.h"
#include "unit.h"
#include "xen/net/netfront.h"

static struct world w;
static const struct bus_conf conf = { .uplink = true };

#define SAID(text) CU_ASSERT(world_said(&w, text))

static const char *key(const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "/local/domain/2/device/vif/0/%s", name);
	return mock_get(w.t, path);
}

static struct bus_row row(void)
{
	struct bus_row r;
	uint32_t cursor = 0;

	CU_ASSERT_EQUAL(bus_rows(w.b, &cursor, &r, 1, w.now), 1);
	CU_ASSERT(r.frontend);
	return r;
}

static void connected(void)
{
	world_open(&w, &conf);
	world_uplink(w.t, WORLD_NETVM);
	world_run(&w, 100);
	SAID("");
	world_netvm_waits(w.t, WORLD_NETVM);
	world_run(&w, 100);
	SAID("uplink up=4 ");
	world_netvm(w.t, WORLD_NETVM, "state", "4");
	world_run(&w, 100);
	SAID("uplink_up ");
}

/* The backend of a Linux network domain, one step. */
static void linux_netback(void)
{
	char ours = world_uplink_shows(w.t);
	const char *s = mock_get(w.t, "/local/domain/1/backend/vif/2/0/state");

	if (!s)
		return;
	if (ours == '1' && *s != '2')
		world_netvm(w.t, 1, "state", "2");
	else if (ours == '4' && *s == '2')
		world_netvm(w.t, 1, "state", "4");
	else if (ours == '5' && (*s == '4' || *s == '2'))
		world_netvm(w.t, 1, "state", "5");
	else if (ours == '6' && *s != '6')
		world_netvm(w.t, 1, "state", "6");
}

static void run_with_netback(uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i += 10) {
		world_run(&w, 10);
		linux_netback();
	}
}

static void it_connects_when_the_backend_waits(void)
{
	char text[PKT_ADDR_TEXT];

	connected();
	CU_ASSERT_EQUAL(w.uplink.id.dom, WORLD_NETVM);
	CU_ASSERT_EQUAL(w.uplink.id.handle, 0);
	CU_ASSERT_STRING_EQUAL(pkt_mac_print(text, &w.uplink.mac),
			       "00:16:3e:5e:6c:02");
	CU_ASSERT_EQUAL(w.uplink.can, NETFRONT_SG | NETFRONT_GSO4 |
					      NETFRONT_GSO6 | NETFRONT_CSUM6);
	CU_ASSERT_EQUAL(w.uplink.addr_n, 2);
	CU_ASSERT_STRING_EQUAL(key("tx-ring-ref"), "11");
	CU_ASSERT_STRING_EQUAL(key("rx-ring-ref"), "12");
	CU_ASSERT_STRING_EQUAL(key("event-channel"), "13");
	CU_ASSERT_STRING_EQUAL(key("request-rx-copy"), "1");
	CU_ASSERT_STRING_EQUAL(key("feature-rx-notify"), "1");
	CU_ASSERT_STRING_EQUAL(key("feature-sg"), "1");
	CU_ASSERT_STRING_EQUAL(key("feature-gso-tcpv4"), "1");
	CU_ASSERT_STRING_EQUAL(key("feature-gso-tcpv6"), "1");
	CU_ASSERT_STRING_EQUAL(key("feature-ipv6-csum-offload"), "1");
	CU_ASSERT(row().connected);
	world_close(&w);
}

static void features_that_change_while_connected_are_not_looked_at(void)
{
	connected();
	world_netvm(w.t, WORLD_NETVM, "feature-rx-copy", "0");
	world_netvm(w.t, WORLD_NETVM, "feature-sg", "0");
	world_netvm(w.t, WORLD_NETVM, "feature-gso-tcpv4", "x");
	world_netvm(w.t, WORLD_NETVM, "state", "4");
	world_run(&w, 20000);
	SAID("");
	CU_ASSERT(row().connected);
	CU_ASSERT_EQUAL(row().rings.can, NETFRONT_SG | NETFRONT_GSO4 |
						 NETFRONT_GSO6 |
						 NETFRONT_CSUM6);
	world_close(&w);
}

static void a_backend_that_takes_its_time_is_waited_for(void)
{
	world_open(&w, &conf);
	world_uplink(w.t, WORLD_NETVM);
	world_netvm_waits(w.t, WORLD_NETVM);
	world_run(&w, 60000);
	SAID("uplink up=4 ");
	world_netvm(w.t, WORLD_NETVM, "state", "4");
	world_run(&w, 10);
	SAID("uplink_up ");
	world_close(&w);
}

static void each_state_of_the_backend_is_answered(void)
{
	static const struct {
		const char *theirs, *said;
	} table[] = {
		{ "1", "uplink_down up=5 up=6 up=1 " },
		{ "2", "" },
		{ "3", "" },
		{ "4", "" },
		{ "5", "uplink_down up=6 " },
		{ "6", "uplink_down up=6 up=1 " },
		{ "7", "" },
		{ "8", "" },
		{ "9", "uplink_down up=5 " },
		{ "0", "uplink_down up=6 " },
		{ "x", "uplink_down up=6 " },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		connected();
		world_run(&w, 1000);
		world_netvm(w.t, WORLD_NETVM, "state", table[i].theirs);
		world_run(&w, 100);
		SAID(table[i].said);
		world_close(&w);
	}
}

static void a_network_domain_that_is_gone_is_waited_for(void)
{
	connected();
	mock_rm(w.t, "/local/domain/1");
	world_run(&w, 100);
	SAID("uplink_down up=6 ");
	world_run(&w, BUS_RETRY_MS);
	SAID("up=1 ");
	world_run(&w, 2 * BUS_RETRY_MS);
	SAID("up=1 up=1 ");
	world_close(&w);
}

static void a_new_network_domain_is_connected(void)
{
	connected();
	mock_rm(w.t, "/local/domain/2/device/vif/0");
	world_run(&w, 100);
	SAID("uplink_down ");
	world_uplink(w.t, 9);
	world_netvm_waits(w.t, 9);
	world_netvm(w.t, 9, "ip", "10.138.0.9");
	world_run(&w, 100);
	SAID("uplink up=4 ");
	CU_ASSERT_EQUAL(w.uplink.id.dom, 9);
	CU_ASSERT_EQUAL(w.uplink.addr_n, 1);
	world_netvm(w.t, 9, "state", "4");
	world_run(&w, 100);
	SAID("uplink_up ");
	CU_ASSERT_EQUAL(mock_watches(w.t, WORLD_SELF), 3);
	world_close(&w);
}

static void a_new_network_domain_between_two_looks(void)
{
	connected();
	mock_rm(w.t, "/local/domain/2/device/vif/0");
	world_uplink(w.t, 9);
	world_netvm_waits(w.t, 9);
	world_run(&w, 100);
	SAID("uplink_down uplink up=4 ");
	CU_ASSERT_EQUAL(w.uplink.id.dom, 9);
	CU_ASSERT_EQUAL(mock_watches(w.t, WORLD_SELF), 3);
	world_close(&w);
}

static void a_successor_walks_through_5_6_and_1(void)
{
	connected();
	world_restart(&w, &conf);
	run_with_netback(500);
	SAID("up=5 up=6 up=1 uplink up=4 uplink_up ");
	world_close(&w);
}

static void rings_that_broke_are_made_anew(void)
{
	connected();
	bus_uplink_broken(w.b);
	run_with_netback(500);
	SAID("up=5 up=6 up=1 uplink up=4 uplink_up ");
	bus_uplink_broken(w.b);
	run_with_netback(50);
	/* The second time in a row it waits, and longer each time. */
	SAID("up=5 up=6 up=1 uplink up=4 uplink_up ");
	for (int i = 0; i < 8; i++) {
		bus_uplink_broken(w.b);
		run_with_netback(100);
	}
	run_with_netback(BUS_RETRY_MS);
	CU_ASSERT(w.len < 8 * strlen("up=5 up=6 up=1 uplink up=4 uplink_up "));
	CU_ASSERT(row().connected);
	w.len = 0;
	w.log[0] = '\0';
	/* It was up for long: at once again. */
	run_with_netback(20000);
	bus_uplink_broken(w.b);
	run_with_netback(100);
	SAID("up=5 up=6 up=1 uplink up=4 uplink_up ");
	world_close(&w);
}

static void a_new_data_process_means_new_rings(void)
{
	connected();
	w.answer = false;
	bus_resume(w.b);
	run_with_netback(100);
	SAID("up=5 up=6 up=1 uplink ");
	bus_resume(w.b);
	w.answer = true;
	run_with_netback(2 * BUS_RETRY_MS);
	SAID("uplink up=4 uplink_up ");
	world_close(&w);
}

static void what_it_can_not_make_is_asked_for_later(void)
{
	world_open(&w, &conf);
	world_uplink(w.t, WORLD_NETVM);
	w.keys_err = -ENOSPC;
	world_netvm_waits(w.t, WORLD_NETVM);
	run_with_netback(100);
	SAID("uplink ");
	CU_ASSERT_PTR_NOT_NULL(strstr(row().trouble, "no rings"));
	w.keys_err = 0;
	run_with_netback(2 * BUS_RETRY_MS);
	SAID("uplink up=4 uplink_up ");
	world_close(&w);
}

static void a_backend_that_leaves_while_rings_are_made(void)
{
	world_open(&w, &conf);
	world_uplink(w.t, WORLD_NETVM);
	world_netvm_waits(w.t, WORLD_NETVM);
	w.answer = false;
	world_run(&w, 100);
	SAID("uplink ");
	world_netvm(w.t, WORLD_NETVM, "state", "6");
	world_run(&w, 100);
	SAID("uplink_down ");
	bus_uplink_keys(w.b, 0, 1, 2, 3); /* too late */
	world_run(&w, 100);
	SAID("");
	bus_uplink_released(w.b);
	bus_uplink_released(w.b);
	world_run(&w, 100);
	SAID("");
	world_close(&w);
}

static void a_backend_without_copying_is_refused(void)
{
	static const struct {
		const char *key, *value;
	} bad[] = { { "feature-rx-copy", "0" },
		    { "feature-rx-copy", "x" },
		    { "feature-sg", "x" },
		    { "ip", "nowhere" },
		    { "feature-gso-tcpv4", "01" } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		world_open(&w, &conf);
		world_uplink(w.t, WORLD_NETVM);
		world_netvm(w.t, WORLD_NETVM, "feature-rx-copy", "1");
		world_netvm(w.t, WORLD_NETVM, bad[i].key, bad[i].value);
		world_netvm(w.t, WORLD_NETVM, "state", "2");
		world_run(&w, 100);
		SAID("");
		CU_ASSERT_PTR_NOT_NULL(strstr(row().trouble, bad[i].key));
		world_close(&w);
	}
}

static void pointers_that_lead_elsewhere_are_not_followed(void)
{
	static const struct {
		const char *key, *value;
	} bad[] = { { "backend", "/local/domain/1/backend/vif/2/1" },
		    { "backend", "/local/domain/1/backend/vif/3/0" },
		    { "backend-id", "01" },
		    { "backend-id", "7" },
		    { "backend", "" } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		world_open(&w, &conf);
		world_uplink(w.t, WORLD_NETVM);
		world_front(w.t, WORLD_SELF, bad[i].key, bad[i].value);
		world_netvm_waits(w.t, WORLD_NETVM);
		world_run(&w, 10000);
		SAID("");
		CU_ASSERT_PTR_NOT_NULL(strstr(row().trouble, "backend"));
		world_close(&w);
	}
}

static void a_backend_that_does_not_follow_is_not_waited_for_ever(void)
{
	connected();
	world_restart(&w, &conf);
	world_run(&w, 4 * BUS_RETRY_MS - 100);
	/* It stays in 4 all the time. */
	SAID("up=5 up=6 up=1 up=1 ");
	world_close(&w);
}

static void a_backend_that_flaps_is_followed_slowly(void)
{
	uint32_t ones = 0;

	connected();
	for (int i = 0; i < 1000; i++) {
		world_netvm(w.t, WORLD_NETVM, "state", i & 1 ? "6" : "2");
		world_run(&w, 10);
	}
	for (char *at = w.log; (at = strstr(at, "up=1")); at++)
		ones++;
	CU_ASSERT(ones > 2 && ones < 10);
	world_netvm(w.t, WORLD_NETVM, "state", "6");
	run_with_netback(2 * BUS_RETRY_MS);
	CU_ASSERT(row().connected);
	world_close(&w);
}

static void an_orderly_stop_closes_it(void)
{
	connected();
	world_attach(w.t, 5, 0);
	world_front_connects(w.t, 5);
	world_run(&w, 2000);
	SAID("vif:5/0 5/0=2 connect:5/0 5/0=4 ");
	bus_stop(w.b);
	CU_ASSERT_FALSE(bus_stopped(w.b));
	run_with_netback(200);
	SAID("uplink_down up=5 up=6 ");
	CU_ASSERT(bus_stopped(w.b));
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '4');
	world_close(&w);
	/* With a backend that is dead. */
	connected();
	bus_stop(w.b);
	world_run(&w, 2 * BUS_RETRY_MS);
	SAID("uplink_down up=5 up=6 ");
	CU_ASSERT(bus_stopped(w.b));
	world_close(&w);
}

static void without_an_uplink_the_bus_stops_at_once(void)
{
	world_open(&w, NULL);
	bus_stop(w.b);
	world_run(&w, 100);
	CU_ASSERT(bus_stopped(w.b));
	world_close(&w);
	world_open(&w, &conf);
	bus_stop(w.b);
	world_run(&w, 100);
	CU_ASSERT(bus_stopped(w.b));
	world_close(&w);
}

static void somebody_else_writes_our_state(void)
{
	connected();
	world_front(w.t, WORLD_SELF, "state", "6");
	run_with_netback(500);
	SAID("uplink_down up=1 uplink up=4 uplink_up ");
	world_close(&w);
}

static void a_store_that_fails_is_tried_again(void)
{
	for (uint32_t k = 1; k <= 60; k++) {
		world_open(&w, &conf);
		mock_fail(w.s, k, 1, -EIO);
		world_uplink(w.t, WORLD_NETVM);
		run_with_netback(100);
		world_netvm_waits(w.t, WORLD_NETVM);
		run_with_netback(3 * BUS_RETRY_MS);
		CU_ASSERT(row().connected);
		if (!row().connected)
			printf("\n    call %u: %s\n", k, w.log);
		world_close(&w);
	}
	connected();
	mock_conflict(w.s, 1000);
	bus_uplink_broken(w.b);
	run_with_netback(100);
	CU_ASSERT_EQUAL(world_uplink_shows(w.t), '4');
	mock_conflict(w.s, 0);
	run_with_netback(2 * BUS_RETRY_MS);
	CU_ASSERT(row().connected);
	world_close(&w);
}

UNIT_SUITE(bus_uplink, UNIT(it_connects_when_the_backend_waits),
	   UNIT(features_that_change_while_connected_are_not_looked_at),
	   UNIT(a_backend_that_takes_its_time_is_waited_for),
	   UNIT(each_state_of_the_backend_is_answered),
	   UNIT(a_network_domain_that_is_gone_is_waited_for),
	   UNIT(a_new_network_domain_is_connected),
	   UNIT(a_new_network_domain_between_two_looks),
	   UNIT(a_successor_walks_through_5_6_and_1),
	   UNIT(rings_that_broke_are_made_anew),
	   UNIT(a_new_data_process_means_new_rings),
	   UNIT(what_it_can_not_make_is_asked_for_later),
	   UNIT(a_backend_that_leaves_while_rings_are_made),
	   UNIT(a_backend_without_copying_is_refused),
	   UNIT(pointers_that_lead_elsewhere_are_not_followed),
	   UNIT(a_backend_that_does_not_follow_is_not_waited_for_ever),
	   UNIT(a_backend_that_flaps_is_followed_slowly),
	   UNIT(an_orderly_stop_closes_it),
	   UNIT(without_an_uplink_the_bus_stops_at_once),
	   UNIT(somebody_else_writes_our_state),
	   UNIT(a_store_that_fails_is_tried_again))
