/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus in its thread over a stock xenstored, where that may differ from the
 * XenStore in memory of test_bus_thread.c: its connections, its watches,
 * others' transactions, and a daemon that hangs or dies.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mock/bus_ear.h"
#include "mock/bus_world.h"
#include "mock/xenstored.h"
#include "unit.h"
#include "xen/bus/bus_thread.h"
#include "xen/bus/store_sim.h"

#define CLIENT 5u
#define CROWD 30u

static struct xenstored xsd;
static struct store *dom0;
static struct bus_ear ear;

static const char client_state[] = "/local/domain/2/backend/vif/5/0/state";
static const char uplink_state[] = "/local/domain/2/device/vif/0/state";

static struct store *open_it(void *ctx, uint16_t *self, int *err)
{
	(void)ctx;
	return store_sim_open(xsd.dir, *self, err);
}

static const struct bus_opener opener = { .open = open_it };
static const struct bus_conf plain = { .self = WORLD_SELF };

/* ---- dom0
 * ------------------------------------------------------------------*/

static int copy(uint32_t t, struct store *from, const char *path)
{
	char names[1024], value[256], below[STORE_PATH_MAX];
	ssize_t len = from->ops->read(from, STORE_NONE, path, value,
				      sizeof(value) - 1);
	int n = from->ops->list(from, STORE_NONE, path, names, sizeof(names));
	int err = len < 0 ? (int)len
			  : dom0->ops->write(dom0, t, path, value, (size_t)len);

	for (const char *at = names; !err && n-- > 0; at += strlen(at) + 1) {
		if (snprintf(below, sizeof(below), "%s/%s", path, at) >=
		    (int)sizeof(below))
			return -1;
		err = copy(t, from, below);
	}
	return err;
}

/* What is in @t is written to xenstored in one step, and @t is gone. */
static void publish(struct mock_tree *t)
{
	struct store *from = mock_store_open(t, 0);
	uint32_t step;
	int err;

	do {
		CU_ASSERT_EQUAL_FATAL(dom0->ops->begin(dom0, &step), 0);
		CU_ASSERT_EQUAL(copy(step, from, "/local"), 0);
		err = dom0->ops->end(dom0, step, false);
	} while (err == -EAGAIN);
	CU_ASSERT_EQUAL(err, 0);
	from->ops->close(from);
	mock_tree_free(t);
}

static void attach(uint16_t dom)
{
	struct mock_tree *t = mock_tree_new();

	world_attach(t, dom, 0);
	publish(t);
}

static void front_connects(uint16_t dom)
{
	struct mock_tree *t = mock_tree_new();

	world_front_connects(t, dom);
	publish(t);
}

static void detach(uint16_t dom)
{
	struct mock_tree *t = mock_tree_new();

	world_detach(t, dom, 0);
	publish(t);
}

static void netvm_state(const char *state)
{
	struct mock_tree *t = mock_tree_new();

	world_netvm(t, WORLD_NETVM, "state", state);
	publish(t);
}

static void know_us(void)
{
	CU_ASSERT_EQUAL(dom0->ops->write(dom0, STORE_NONE, "/local/domain/2",
					 "", 0),
			0);
}

/* ---- ourselves
 * -------------------------------------------------------------*/

/* False: there is no xenstored here. */
static bool begin(const struct bus_conf *c)
{
	int err = 0;

	if (!xenstored_start(&xsd))
		return false;
	dom0 = xenstored_reach();
	CU_ASSERT_PTR_NOT_NULL_FATAL(dom0);
	know_us();
	ear_open(&ear, bus_thread_start(&opener, c, EAR_PATIENCE_MS, &err),
		 dom0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ear.thread);
	return true;
}

static void end(void)
{
	CU_ASSERT(bus_thread_stop(ear.thread, &ear.ops, EAR_PATIENCE_MS));
	bus_thread_free(ear.thread);
	dom0->ops->close(dom0);
	xenstored_stop(&xsd);
}

static void connect_one(void)
{
	attach(CLIENT);
	CU_ASSERT(ear_hears(&ear, "vif5.0 "));
	front_connects(CLIENT);
	CU_ASSERT(ear_hears(&ear, "connect5.0 "));
	CU_ASSERT(ear_shows(&ear, client_state, "4"));
}

/* The bus shows @n vifs, after it has said all about them. */
static bool has_rows(uint32_t n)
{
	uint64_t until = ear_now_ms() + EAR_PATIENCE_MS;
	struct bus_row row[CROWD];
	uint32_t got, cursor;

	do {
		cursor = 0;
		got = bus_thread_rows(ear.thread, &cursor, row, CROWD);
		if (got != n)
			ear_wait(&ear, 5);
	} while (got != n && ear_now_ms() < until);
	return got == n;
}

static void a_client_connects_and_goes(void)
{
	if (!begin(&plain))
		return;
	connect_one();
	CU_ASSERT_EQUAL(ear.rings.tx_ref, 768);
	CU_ASSERT(has_rows(1));
	detach(CLIENT);
	CU_ASSERT(ear_hears(&ear, "gone5.0 "));
	CU_ASSERT(ear_shows(&ear, client_state, ""));
	end();
}

static void an_uplink_comes_and_closes_at_the_end(void)
{
	static const struct bus_conf up = { .self = WORLD_SELF,
					    .uplink = true };
	struct mock_tree *t = mock_tree_new();

	world_uplink(t, WORLD_NETVM);
	world_netvm_waits(t, WORLD_NETVM);
	if (!begin(&up)) {
		mock_tree_free(t);
		return;
	}
	publish(t);
	CU_ASSERT(ear_hears(&ear, "uplink1 "));
	CU_ASSERT(ear_shows(&ear, uplink_state, "4"));
	netvm_state("4");
	CU_ASSERT(ear_hears(&ear, "uplink_up "));
	CU_ASSERT(!bus_thread_stop(ear.thread, &ear.ops, 100));
	CU_ASSERT(ear_shows(&ear, uplink_state, "5"));
	netvm_state("5");
	CU_ASSERT(ear_shows(&ear, uplink_state, "6"));
	end();
}

static void rules_come_as_keys(void)
{
	static const struct bus_conf rules = { .self = WORLD_SELF,
					       .rules = true };
	static const char set[] =
		"/local/domain/2/vifwall/qubes-firewall/10_137_0_5";
	struct mock_tree *t = mock_tree_new();
	char rule[sizeof(set) + 8];

	snprintf(rule, sizeof(rule), "%s/0000", set);
	mock_set(t, rule, "action=accept");
	if (!begin(&rules)) {
		mock_tree_free(t);
		return;
	}
	publish(t);
	CU_ASSERT(ear_hears(&ear,
			    "/qubes-firewall/10.137.0.5/0000=action=accept "
			    "/qubes-firewall/10.137.0.5= "));
	end();
}

static bool all_show(const char *state)
{
	bool yes = true;
	char path[64];

	for (uint16_t i = 0; yes && i < CROWD; i++) {
		snprintf(path, sizeof(path),
			 "/local/domain/2/backend/vif/%u/0/state", CLIENT + i);
		yes = ear_shows(&ear, path, state);
	}
	return yes;
}

static void a_crowd_comes_and_goes(void)
{
	if (!begin(&plain))
		return;
	for (uint16_t i = 0; i < CROWD; i++) {
		attach((uint16_t)(CLIENT + i));
		front_connects((uint16_t)(CLIENT + i));
	}
	CU_ASSERT(all_show("4"));
	CU_ASSERT(has_rows(CROWD));
	for (uint16_t i = 0; i < CROWD; i++)
		detach((uint16_t)(CLIENT + i));
	CU_ASSERT(all_show("")); /* we remove what dom0 leaves to us */
	CU_ASSERT(has_rows(0));
	end();
}

/* ---- one that hangs, one that dies
 * -----------------------------------------*/

static bool is_stuck(bool want)
{
	uint64_t until = ear_now_ms() + EAR_PATIENCE_MS;

	while ((bus_thread_stuck_ms(ear.thread) >= 50) != want &&
	       ear_now_ms() < until)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	return (bus_thread_stuck_ms(ear.thread) >= 50) == want;
}

static void nobody_waits_for_one_that_hangs(void)
{
	uint64_t before;

	if (!begin(&plain))
		return;
	connect_one();
	kill(xsd.pid, SIGSTOP);
	ear_tell(&ear, BUS_TELL_BROKEN, (struct bus_id){ CLIENT, 0 });
	CU_ASSERT(is_stuck(true));
	before = ear_now_ms();
	for (uint32_t i = 0; i < 1000; i++)
		bus_thread_resume(ear.thread);
	CU_ASSERT(has_rows(1));
	CU_ASSERT(!bus_thread_stop(ear.thread, &ear.ops, 100));
	CU_ASSERT(ear_now_ms() - before < EAR_PATIENCE_MS);
	CU_ASSERT_EQUAL(bus_thread_lost(ear.thread), 0);
	kill(xsd.pid, SIGCONT);
	CU_ASSERT(is_stuck(false));
	end();
}

static bool is_lost(bool want)
{
	uint64_t until = ear_now_ms() + EAR_PATIENCE_MS;

	while (!bus_thread_lost(ear.thread) == want && ear_now_ms() < until)
		ear_wait(&ear, 5);
	return !bus_thread_lost(ear.thread) != want;
}

static void one_that_died_leaves_everything_as_it_is(void)
{
	struct bus_row row;
	uint32_t cursor = 0;

	if (!begin(&plain))
		return;
	connect_one();
	xenstored_kill(&xsd);
	CU_ASSERT(is_lost(true));
	ear_wait(&ear, 300);
	CU_ASSERT_STRING_EQUAL(ear.said, "");
	CU_ASSERT_EQUAL(bus_thread_rows(ear.thread, &cursor, &row, 1), 1);
	CU_ASSERT(row.connected);
	xenstored_again(&xsd);
	dom0->ops->close(dom0);
	ear.dom0 = dom0 = xenstored_reach();
	CU_ASSERT_PTR_NOT_NULL_FATAL(dom0);
	/* it knows nothing of us yet */
	ear_wait(&ear, 500);
	CU_ASSERT(bus_thread_lost(ear.thread) != 0);
	CU_ASSERT_STRING_EQUAL(ear.said, "");
	know_us();
	CU_ASSERT(is_lost(false));
	CU_ASSERT(ear_hears(&ear, "disconnect5.0 gone5.0 "));
	connect_one();
	end();
}

UNIT_SUITE(bus_xenstored, UNIT(a_client_connects_and_goes),
	   UNIT(an_uplink_comes_and_closes_at_the_end),
	   UNIT(rules_come_as_keys), UNIT(a_crowd_comes_and_goes),
	   UNIT(nobody_waits_for_one_that_hangs),
	   UNIT(one_that_died_leaves_everything_as_it_is))
