/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frontends as they are found in the wild, each with the order of states and
 * the keys that it insists on.  A driver here waits for what it waits for, and
 * gives up when that does not come.
 */
#include <stdio.h>
#include <string.h>

#include "mock/bus_world.h"
#include "unit.h"

static struct world w;

#define SAID(text) CU_ASSERT(world_said(&w, text))
#define PATIENCE_MS 5000u

static void attach(void)
{
	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	world_run(&w, 10);
	SAID("vif:5/0 5/0=2 ");
}

static void show(char state)
{
	char text[2] = { state, '\0' };

	world_front(w.t, 5, "state", text);
}

/* Sleeps until our state is one of @states, as a driver does on its watch. */
static bool wait_for(const char *states)
{
	for (uint32_t ms = 0; ms < PATIENCE_MS; ms += 10) {
		world_run(&w, 10);
		if (strchr(states, world_shows(w.t, 5)))
			return true;
	}
	return false;
}

static void write_keys(const char *const key[][2], size_t n)
{
	for (size_t i = 0; i < n; i++)
		world_front(w.t, 5, key[i][0], key[i][1]);
}
#define WRITE(keys) write_keys(keys, sizeof(keys) / sizeof((keys)[0]))

/* ---- Windows --------------------------------------------------------------
 */

/* Before it begins it closes whatever a predecessor left, step by step. */
static void windows_closes(void)
{
	show('5');
	CU_ASSERT_FATAL(wait_for("56"));
	show('6');
	CU_ASSERT_FATAL(wait_for("6"));
}

static void windows_prepares(void)
{
	show('1');
	CU_ASSERT_FATAL(wait_for("2"));
}

/* It asks for two channels and more queues whatever was offered. */
static void windows_connects(void)
{
	static const char *const keys[][2] = {
		{ "multi-queue-num-queues", "1" },
		{ "tx-ring-ref", "8" },
		{ "rx-ring-ref", "9" },
		{ "event-channel-tx", "21" },
		{ "event-channel-rx", "22" },
		{ "request-rx-copy", "1" },
		{ "request-multicast-control", "1" },
		{ "feature-sg", "1" },
		{ "feature-gso-tcpv4", "1" },
		{ "feature-gso-tcpv6", "1" },
		{ "feature-no-csum-offload", "0" },
		{ "feature-ipv6-csum-offload", "1" },
		{ "feature-rx-notify", "1" },
		{ "ctrl-ring-ref", "10" },
		{ "event-channel-ctrl", "23" },
	};

	WRITE(keys);
	show('4');
	CU_ASSERT_FATAL(wait_for("4"));
}

static void a_windows_guest_closes_first_and_then_connects(void)
{
	attach();
	windows_closes();
	windows_prepares();
	windows_connects();
	SAID("5/0=5 5/0=6 5/0=2 connect:5/0 5/0=4 ");
	CU_ASSERT(w.rings.tx_ref == 8 && w.rings.rx_ref == 9);
	CU_ASSERT(w.rings.tx_evt == 21 && w.rings.rx_evt == 22);
	CU_ASSERT_EQUAL(w.rings.can, BUS_SG | BUS_GSO4 | BUS_GSO6 | BUS_CSUM4 |
					     BUS_CSUM6 | BUS_RX_NOTIFY);
	CU_ASSERT_FALSE(w.rings.resume);
	world_close(&w);
}

/* After a crash, an update of the driver, or hibernation. */
static void a_windows_guest_comes_back_without_a_goodbye(void)
{
	attach();
	windows_closes();
	windows_prepares();
	windows_connects();
	windows_closes();
	windows_prepares();
	windows_connects();
	SAID("5/0=5 5/0=6 5/0=2 connect:5/0 5/0=4 "
	     "disconnect:5/0 5/0=5 5/0=6 5/0=2 connect:5/0 5/0=4 ");
	world_close(&w);
}

/* The data process is busy: it waits for each step all the same. */
static void a_windows_guest_waits_while_rings_are_let_go(void)
{
	attach();
	windows_closes();
	windows_prepares();
	windows_connects();
	w.answer = false;
	show('5');
	world_run(&w, 3000);
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '4');
	w.answer = true;
	bus_disconnected(w.b, (struct bus_id){ 5, 0 });
	CU_ASSERT(wait_for("5"));
	show('6');
	CU_ASSERT(wait_for("6"));
	world_close(&w);
}

/* An emulated card's vif beside the one that the guest uses (MF#219). */
static void a_guest_with_two_vifs_may_leave_one_idle(void)
{
	attach();
	world_attach(w.t, 5, 1);
	world_run(&w, 10);
	SAID("vif:5/1 5/1=2 ");
	world_front_connects(w.t, 5);
	CU_ASSERT(wait_for("4"));
	SAID("connect:5/0 5/0=4 ");
	world_run(&w, 60000);
	SAID("");
	world_detach(w.t, 5, 1);
	world_run(&w, BUS_REMOVE_MS + 10);
	SAID("5/1=6 gone:5/1 ");
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '4');
	world_close(&w);
}

/* ---- Mirage ---------------------------------------------------------------
 */

/* It sends nothing before it has seen 4, and tells of a feature that died. */
static void a_mirage_guest_connects_and_waits_for_4(void)
{
	static const char *const keys[][2] = {
		{ "tx-ring-ref", "8" },	       { "rx-ring-ref", "9" },
		{ "event-channel", "7" },      { "request-rx-copy", "1" },
		{ "feature-rx-notify", "1" },  { "feature-sg", "1" },
		{ "feature-gso-tcpv4", "0" },  { "feature-gso-tcpv6", "0" },
		{ "feature-smart-poll", "0" },
	};

	attach();
	WRITE(keys);
	show('4');
	CU_ASSERT(wait_for("4"));
	SAID("connect:5/0 5/0=4 ");
	CU_ASSERT(w.rings.tx_evt == 7 && w.rings.rx_evt == 7);
	CU_ASSERT_EQUAL(w.rings.can, BUS_SG | BUS_CSUM4 | BUS_RX_NOTIFY);
	world_close(&w);
}

/* A unikernel that is destroyed and made anew gets another number. */
static void a_mirage_guest_that_is_restarted_is_another_domain(void)
{
	attach();
	world_front_connects(w.t, 5);
	CU_ASSERT(wait_for("4"));
	world_detach(w.t, 5, 0);
	world_attach(w.t, 6, 0);
	mock_rm(w.t, "/local/domain/5");
	world_run(&w, 10);
	world_front_connects(w.t, 6);
	world_run(&w, 5000);
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '-');
	CU_ASSERT_EQUAL(world_shows(w.t, 6), '4');
	world_close(&w);
}

/* ---- the BSDs -------------------------------------------------------------
 */

/* Their netfront shows 3 on the way, and does not mind more states. */
static void a_bsd_guest_passes_through_initialised(void)
{
	attach();
	show('3');
	world_run(&w, 10);
	SAID("");
	world_front_connects(w.t, 5);
	CU_ASSERT(wait_for("4"));
	SAID("connect:5/0 5/0=4 ");
	world_close(&w);
}

UNIT_SUITE(bus_peers, UNIT(a_windows_guest_closes_first_and_then_connects),
	   UNIT(a_windows_guest_comes_back_without_a_goodbye),
	   UNIT(a_windows_guest_waits_while_rings_are_let_go),
	   UNIT(a_guest_with_two_vifs_may_leave_one_idle),
	   UNIT(a_mirage_guest_connects_and_waits_for_4),
	   UNIT(a_mirage_guest_that_is_restarted_is_another_domain),
	   UNIT(a_bsd_guest_passes_through_initialised))
