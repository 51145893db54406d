/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lessons of the Xen security advisories that no other suite has a place for;
 * docs/SECURITY.md lists all of them, each with its test.
 */
#include <stdio.h>
#include <string.h>

#include "mock/bus_world.h"
#include "mock/netif_bed.h"
#include "unit.h"
#include "xen/bus/bus_in.h"

static struct world w;
static struct bed bed;
static const struct bus_id vif5 = { 5, 0 };

#define SAID(text) CU_ASSERT(world_said(&w, text))

static void connected(void)
{
	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	world_run(&w, 0);
	world_front_connects(w.t, 5);
	world_run(&w, 2000);
	SAID("vif:5/0 5/0=2 connect:5/0 5/0=4 ");
}

/* ---- XenStore ------------------------------------------------------------ */

static void write_front(void *ctx, struct mock_tree *t, uint32_t call)
{
	uint32_t *left = ctx;

	(void)call;
	if (*left) {
		--*left;
		world_front(t, 5, "state", "1");
	}
}

/* A transaction that reads a frontend's node would never end well. */
static void XSA_326_a_frontend_that_writes_all_the_time_holds_nobody_up(void)
{
	uint32_t left = 500;

	world_open(&w, NULL);
	world_attach(w.t, 5, 0);
	CU_ASSERT_EQUAL(bus_events(w.b, w.now), 0);
	mock_hook(w.s, write_front, &left);
	(void)bus_tick(w.b, w.now);
	CU_ASSERT(left > 400);
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '2');
	world_close(&w);
}

/* The rest waits, and the others get their turn between. */
static void XSA_349_a_flood_of_events_is_taken_piece_by_piece(void)
{
	connected();
	for (uint32_t i = 0; i < 10000; i++)
		world_front(w.t, 5, "state", "4");
	world_attach(w.t, 6, 0);
	CU_ASSERT_EQUAL(bus_events(w.b, w.now), 0);
	CU_ASSERT(mock_events_waiting(w.s) > 5000);
	CU_ASSERT_EQUAL(bus_tick(w.b, w.now).ns, w.now.ns); /* at once */
	world_run(&w, 0);
	CU_ASSERT_EQUAL(mock_events_waiting(w.s), 0);
	SAID("vif:6/0 6/0=2 ");
	world_close(&w);
}

static uint32_t count(const char *what)
{
	uint32_t n = 0;

	for (const char *at = w.log; (at = strstr(at, what)); at++)
		n++;
	w.len = 0;
	w.log[0] = '\0';
	return n;
}

static void XSA_350_a_driver_that_is_reloaded_all_the_time_is_offered_few(void)
{
	connected();
	for (uint32_t i = 0; i < 100; i++) {
		world_front(w.t, 5, "state", "6");
		world_run(&w, 20);
		world_front(w.t, 5, "state", "1");
		world_run(&w, 20);
	}
	/* the one of connected() counts */
	CU_ASSERT_EQUAL(count("5/0=2"), BUS_CONNECTS - 1);
	world_run(&w, BUS_CONNECTS_MS);
	CU_ASSERT_EQUAL(world_shows(w.t, 5), '2'); /* but not for ever */
	world_close(&w);
}

/* Whoever asks for its rings again brings the next data process down, too. */
static void who_brought_the_data_process_down_is_not_asked_for_again(void)
{
	connected();
	bus_quarantine(w.b, vif5);
	bus_resume(w.b);
	world_run(&w, 100);
	SAID("5/0=5 ");
	world_front(w.t, 5, "state", "6");
	world_run(&w, 100);
	world_front_connects(w.t, 5);
	world_run(&w, 10000);
	SAID("5/0=6 ");
	world_close(&w);
}

static void only_canonical_paths_are_vifs(void)
{
	static const struct {
		const char *path;
		enum bus_path_kind kind;
	} t[] = {
		{ "backend/vif", BUS_PATH_TOP },
		{ "backend/vif/5", BUS_PATH_TOP },
		{ "backend/vif/5/0", BUS_PATH_VIF },
		{ "backend/vif/5/0/mac", BUS_PATH_VIF },
		{ "backend/vif/5/0/state", BUS_PATH_STATE },
		{ "backend/vif/32751/65535", BUS_PATH_VIF },
		{ "backend/vif/32752/0", BUS_PATH_OTHER },
		{ "backend/vif/5/65536", BUS_PATH_OTHER },
		{ "backend/vif/05/0", BUS_PATH_OTHER },
		{ "backend/vif/5/00", BUS_PATH_OTHER },
		{ "backend/vif/5/", BUS_PATH_OTHER },
		{ "backend/vif/../5/0", BUS_PATH_OTHER },
		{ "backend/vif/-1/0", BUS_PATH_OTHER },
		{ "backend/vif/4294967301/0", BUS_PATH_OTHER },
		{ "backend/vifs/5/0", BUS_PATH_OTHER },
		{ "backend/vif5/0", BUS_PATH_OTHER },
		{ "backend/vif-5/0", BUS_PATH_OTHER },
		{ "backend/vbd/5/0", BUS_PATH_OTHER },
		{ "", BUS_PATH_OTHER },
	};
	struct bus_id id;

	for (uint32_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		enum bus_path_kind is = bus_path_parse(t[i].path, &id);

		CU_ASSERT_EQUAL(is, t[i].kind);
		if (is != t[i].kind)
			fprintf(stderr, "    %s\n", t[i].path);
	}
	CU_ASSERT_FALSE(bus_path_parse_id("5/0/state", &id));
	CU_ASSERT_FALSE(bus_path_parse_id("5", &id));
	CU_ASSERT_TRUE(bus_path_parse_id("5/7", &id));
	CU_ASSERT(id.dom == 5 && id.handle == 7);
}

/* ---- grants -------------------------------------------------------------- */

/* A page that is mapped is held; two rings are all that a guest can make us. */
static void XSA_300_XSA_406_nothing_of_a_guest_is_mapped_but_its_rings(void)
{
	static uint8_t bytes[9000];
	static struct guest_frame got;
	uint32_t most = 0;

	bed_open(&bed, &(struct bed_how){ .can = BED_ALL });
	for (uint32_t i = 0; i < 50; i++) {
		guest_tx_frame(&bed.guest, bytes, 9000, 4000, 4000, 0, NULL);
		guest_tx_kick(&bed.guest);
		guest_rx_post(&bed.guest, 3);
		CU_ASSERT_EQUAL(bed_frames(&bed), 1);
		CU_ASSERT_EQUAL(bed_send(&bed, bed_pkt(&bed, 9000, 1)), 0);
		CU_ASSERT(guest_rx_frame(&bed.guest, &got));
		for (struct netif_tx_rsp r; guest_tx_answer(&bed.guest, &r);)
			;
		if (xen_sim_mapped(bed.sim, 1) > most)
			most = xen_sim_mapped(bed.sim, 1);
	}
	CU_ASSERT_EQUAL(most, 2);
	bed_close(&bed);
}

UNIT_SUITE(xsa,
	   UNIT(XSA_326_a_frontend_that_writes_all_the_time_holds_nobody_up),
	   UNIT(XSA_349_a_flood_of_events_is_taken_piece_by_piece),
	   UNIT(XSA_350_a_driver_that_is_reloaded_all_the_time_is_offered_few),
	   UNIT(who_brought_the_data_process_down_is_not_asked_for_again),
	   UNIT(only_canonical_paths_are_vifs),
	   UNIT(XSA_300_XSA_406_nothing_of_a_guest_is_mapped_but_its_rings))
