/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that dom0 keeps in our own directory of the XenStore. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mock/bus_world.h"
#include "unit.h"

static struct world w;
static const struct bus_conf conf = { .rules = true };

#define SAID(text) CU_ASSERT(world_said(&w, text))
#define SET "/qubes-firewall/10.0.0.5" /* as it is told */
#define IN "/qubes-firewall/10_0_0_5"  /* in the XenStore */

static void put(const char *path, const char *value)
{
	char full[256];

	snprintf(full, sizeof(full), "/local/domain/2/vifwall%s", path);
	mock_set(w.t, full, value);
}

static void gone(const char *path)
{
	char full[256];

	snprintf(full, sizeof(full), "/local/domain/2/vifwall%s", path);
	mock_rm(w.t, full);
}

/* As dom0 writes a set. */
static void put_set(void)
{
	gone(IN);
	put(IN "/policy", "drop");
	put(IN "/0000", "action=accept");
	put(IN, "");
}

#define WHOLE SET "/- " SET "/policy=drop " SET "/0000=action=accept " SET "= "

static void start(void)
{
	world_open(&w, &conf);
	world_run(&w, 1000);
	SAID("/- ");
}

static void what_is_there_at_the_start_counts(void)
{
	struct mock_tree *t = mock_tree_new();

	w.t = t;
	put("/connected-ips", "10.0.0.5");
	put_set();
	world_open_in(&w, t, &conf);
	world_run(&w, BUS_SETTLE_MS - 1);
	SAID("");
	world_run(&w, 1);
	SAID("/- /connected-ips/- /connected-ips=10.0.0.5 "
	     "/qubes-firewall/- " WHOLE);
	world_close(&w);
}

static void a_set_comes_whole_when_it_is_committed(void)
{
	start();
	put_set();
	world_run(&w, BUS_SETTLE_MS);
	SAID(WHOLE);
	/* Nothing counts until the next commit. */
	put(IN "/0001", "action=drop");
	world_run(&w, 10000);
	SAID("");
	put(IN, "");
	world_run(&w, BUS_SETTLE_MS);
	SAID(SET "/- " SET "/policy=drop " SET "/0000=action=accept " SET
		 "/0001=action=drop " SET "= ");
	world_close(&w);
}

static void a_writer_at_work_is_waited_for(void)
{
	start();
	put_set();
	world_run(&w, BUS_SETTLE_MS);
	SAID(WHOLE);
	gone(IN); /* which looks like a commit once the next key is there */
	put(IN "/policy", "drop");
	for (int i = 0; i < 20; i++) {
		char key[64];

		world_run(&w, BUS_SETTLE_MS - 10);
		snprintf(key, sizeof(key), IN "/%04d", i);
		put(key, "action=drop");
	}
	SAID("");
	world_run(&w, BUS_SETTLE_MS);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, SET "/0019=action=drop"));
	world_close(&w);
}

static void a_set_that_is_removed_is_gone(void)
{
	start();
	put_set();
	world_run(&w, 1000);
	SAID(WHOLE);
	gone(IN);
	world_run(&w, 1000);
	SAID(SET "/- " SET "- ");
	world_close(&w);
}

static void all_sets_may_be_removed_at_once(void)
{
	start();
	put_set();
	world_run(&w, 1000);
	SAID(WHOLE);
	gone("/qubes-firewall");
	world_run(&w, 1000);
	SAID("/qubes-firewall/- ");
	gone("");
	world_run(&w, 1000);
	SAID("/- ");
	world_close(&w);
}

static void other_keys_come_as_they_are(void)
{
	start();
	put("/connected-ips", "10.0.0.5 10.0.0.6");
	world_run(&w, 1000);
	SAID("/connected-ips/- /connected-ips=10.0.0.5 10.0.0.6 ");
	put("/mapped-ip/10_0_0_5/visible-ip", "10.0.0.7");
	world_run(&w, 1000);
	SAID("/mapped-ip/10.0.0.5/visible-ip/- "
	     "/mapped-ip/10.0.0.5/visible-ip=10.0.0.7 ");
	gone("/connected-ips");
	world_run(&w, 1000);
	SAID("/connected-ips/- /connected-ips- ");
	world_close(&w);
}

static void what_can_not_be_read_is_told(void)
{
	static char big[BUS_KEY_VALUE + 2];

	start();
	memset(big, 'x', BUS_KEY_VALUE + 1);
	put_set();
	put(IN "/0001", big);
	world_run(&w, 1000);
	SAID(SET "/- " SET "/policy=drop " SET "/0000=action=accept " SET
		 "/.error=0001: too long " SET "= ");
	put(IN "/0001", "action=drop");
	mock_perm(w.t, "/local/domain/2/vifwall" IN "/0001", 0, 'n', 9, 'r');
	put(IN, "");
	world_run(&w, 1000);
	SAID(SET "/- " SET "/policy=drop " SET "/0000=action=accept " SET
		 "/.error=0001: not readable " SET "= ");
	world_close(&w);
}

static void a_name_that_is_too_long_is_told(void)
{
	start();
	put(IN "/an-address-that-is-really-much-too-long-to-be-a-key-in-it",
	    "x");
	put(IN, "");
	world_run(&w, 1000);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "/.error="));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "too long"));
	w.len = 0;
	put("/a-key-that-is-really-much-too-long-for-qubesdb-to-have-it-in-any-"
	    "way",
	    "x");
	world_run(&w, 1000);
	CU_ASSERT_EQUAL(w.len, 0);
	world_close(&w);
}

static bool busy;

static void writes_there(void *ctx, struct mock_tree *t, uint32_t call)
{
	(void)ctx, (void)call;
	if (busy)
		mock_set(t, "/local/domain/2/vifwall" IN "/0000", "other");
}

static void a_set_that_changes_as_it_is_read_is_read_again(void)
{
	start();
	put_set();
	CU_ASSERT(bus_events(w.b, w.now) == 0);
	busy = true;
	mock_hook(w.s, writes_there, NULL);
	bus_tick(w.b, mono_add_ms(w.now, BUS_SETTLE_MS));
	/* What was told does not count: its own key was not. */
	CU_ASSERT_PTR_NULL(strstr(w.log, SET "= "));
	busy = false;
	w.len = 0;
	world_run(&w, 2000);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, SET "= "));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, SET "/0000=other"));
	mock_hook(w.s, NULL, NULL);
	world_close(&w);
}

static void addresses_are_spelled_without_dots_and_colons(void)
{
	start();
	put("/qubes-firewall/fd09-24ef--a89-5/0000", "action=drop");
	put("/qubes-firewall/fd09-24ef--a89-5", "");
	world_run(&w, 1000);
	SAID("/qubes-firewall/fd09:24ef::a89:5/- "
	     "/qubes-firewall/fd09:24ef::a89:5/0000=action=drop "
	     "/qubes-firewall/fd09:24ef::a89:5= ");
	world_close(&w);
}

static void many_changes_at_once_are_read_all(void)
{
	char key[64];

	start();
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "/qubes-firewall/10_0_1_%d", i);
		put(key, "");
	}
	world_run(&w, 1000);
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "/qubes-firewall/10.0.1.%d= ", i);
		CU_ASSERT_PTR_NOT_NULL(strstr(w.log, key));
	}
	world_close(&w);
}

static void any_call_may_fail(void)
{
	for (uint32_t k = 1; k < 40; k++) {
		world_open(&w, &conf);
		mock_fail(w.s, k, 1, -EIO);
		put_set();
		put("/connected-ips", "");
		world_run(&w, 5000);
		CU_ASSERT_PTR_NOT_NULL(strstr(w.log, WHOLE));
		if (!strstr(w.log, WHOLE))
			printf("\n    call %u: %s\n", k, w.log);
		world_close(&w);
	}
}

UNIT_SUITE(bus_rules, UNIT(what_is_there_at_the_start_counts),
	   UNIT(a_set_comes_whole_when_it_is_committed),
	   UNIT(a_writer_at_work_is_waited_for),
	   UNIT(a_set_that_is_removed_is_gone),
	   UNIT(all_sets_may_be_removed_at_once),
	   UNIT(other_keys_come_as_they_are),
	   UNIT(what_can_not_be_read_is_told),
	   UNIT(a_name_that_is_too_long_is_told),
	   UNIT(a_set_that_changes_as_it_is_read_is_read_again),
	   UNIT(addresses_are_spelled_without_dots_and_colons),
	   UNIT(many_changes_at_once_are_read_all), UNIT(any_call_may_fail))
