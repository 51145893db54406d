/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus in its thread, over a XenStore in memory that answers, is stuck, or
 * goes away.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mock/bus_ear.h"
#include "mock/bus_world.h"
#include "unit.h"
#include "xen/bus/bus_thread.h"

#define CLIENT 5u

static struct mock_tree *tree;
static struct store *store, *dom0;
static struct bus_ear ear;

static bool fail_first; /* the first call of each */
static uint32_t opened; /* asked for another store so often; atomic */
static bool refuse;	/* there is none; atomic */

static uint16_t self; /* who it says that we are; atomic */
static pthread_mutex_t slow = PTHREAD_MUTEX_INITIALIZER; /* it waits for that */

static struct store *open_it(void *ctx, uint16_t *who, int *err)
{
	struct store *s;

	(void)ctx;
	pthread_mutex_lock(&slow);
	pthread_mutex_unlock(&slow);
	__atomic_add_fetch(&opened, 1, __ATOMIC_RELAXED);
	if (__atomic_load_n(&refuse, __ATOMIC_RELAXED)) {
		*err = -ECONNREFUSED;
		return NULL;
	}
	*who = __atomic_load_n(&self, __ATOMIC_RELAXED);
	s = mock_store_open(tree, *who);
	if (fail_first)
		mock_fail(s, 1, 1, -ENOSPC);
	if (!__atomic_load_n(&store, __ATOMIC_ACQUIRE))
		__atomic_store_n(&store, s, __ATOMIC_RELEASE);
	return s;
}

static const struct bus_opener opener = { .open = open_it };

static const char client_state[] = "/local/domain/2/backend/vif/5/0/state";
static const char uplink_state[] = "/local/domain/2/device/vif/0/state";

static void prepare(void)
{
	tree = mock_tree_new();
	mock_set(tree, "/local/domain/2", "");
	mock_perm(tree, "/local/domain/2", 2, 'n', 0, 'n');
	dom0 = mock_store_open(tree, 0);
	store = NULL;
	refuse = fail_first = false;
	self = WORLD_SELF;
	opened = 0;
}

static void start(const struct bus_conf *c, uint32_t ms)
{
	int err = 0;

	ear_open(&ear, bus_thread_start(&opener, c, ms, &err), dom0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ear.thread);
	CU_ASSERT_EQUAL(err, 0);
}

static void begin(const struct bus_conf *c)
{
	prepare();
	start(c, EAR_PATIENCE_MS);
	CU_ASSERT_PTR_NOT_NULL_FATAL(__atomic_load_n(&store, __ATOMIC_ACQUIRE));
	__atomic_store_n(&opened, 0, __ATOMIC_RELAXED);
}

static void end(void)
{
	CU_ASSERT(bus_thread_stop(ear.thread, &ear.ops, EAR_PATIENCE_MS));
	bus_thread_free(ear.thread);
	dom0->ops->close(dom0);
	mock_tree_free(tree);
}

static const struct bus_conf plain = { .self = WORLD_SELF };

static void a_client_connects(void)
{
	struct bus_row row[2];
	uint32_t cursor = 0;

	begin(&plain);
	world_attach(tree, CLIENT, 0);
	CU_ASSERT(ear_hears(&ear, "vif5.0 "));
	world_front_connects(tree, CLIENT);
	CU_ASSERT(ear_hears(&ear, "connect5.0 "));
	CU_ASSERT_EQUAL(ear.rings.tx_ref, 768);
	CU_ASSERT(ear_shows(&ear, client_state, "4"));
	CU_ASSERT_EQUAL(bus_thread_rows(ear.thread, &cursor, row, 2), 1);
	CU_ASSERT_EQUAL(row[0].vif.id.dom, CLIENT);
	CU_ASSERT(row[0].connected);
	CU_ASSERT_EQUAL(bus_thread_rows(ear.thread, &cursor, row, 2), 0);
	world_detach(tree, CLIENT, 0);
	CU_ASSERT(ear_hears(&ear, "disconnect5.0 "));
	CU_ASSERT(ear_hears(&ear, "gone5.0 "));
	end();
}

static void an_uplink_comes_and_closes_at_the_end(void)
{
	static const struct bus_conf up = { .self = WORLD_SELF,
					    .uplink = true };

	begin(&up);
	world_uplink(tree, WORLD_NETVM);
	world_netvm_waits(tree, WORLD_NETVM);
	CU_ASSERT(ear_hears(&ear, "uplink1 "));
	CU_ASSERT(ear_shows(&ear, uplink_state, "4"));
	world_netvm(tree, WORLD_NETVM, "state", "4");
	CU_ASSERT(ear_hears(&ear, "uplink_up "));
	/* its backend has to follow from 5 */
	CU_ASSERT(!bus_thread_stop(ear.thread, &ear.ops, 100));
	CU_ASSERT(!!strstr(ear.said, "uplink_down "));
	CU_ASSERT(ear_shows(&ear, uplink_state, "5"));
	world_netvm(tree, WORLD_NETVM, "state", "5");
	CU_ASSERT(ear_shows(&ear, uplink_state, "6"));
	end();
}

static void rules_come_as_keys(void)
{
	static const struct bus_conf rules = { .self = WORLD_SELF,
					       .rules = true };

	begin(&rules);
	mock_set(tree, "/local/domain/2/vifwall/qubes-firewall/10_137_0_5/0000",
		 "action=accept");
	mock_set(tree, "/local/domain/2/vifwall/qubes-firewall/10_137_0_5", "");
	CU_ASSERT(ear_hears(&ear,
			    "/qubes-firewall/10.137.0.5/0000=action=accept "
			    "/qubes-firewall/10.137.0.5= "));
	end();
}

static void what_was_asked_before_a_resume_is_not_heard(void)
{
	begin(&plain);
	ear.answer = false;
	world_attach(tree, CLIENT, 0);
	world_front_connects(tree, CLIENT);
	CU_ASSERT(ear_hears(&ear, "connect5.0 "));
	/* whoever was asked died; his successor is asked again */
	bus_thread_resume(ear.thread);
	bus_thread_resume(ear.thread);
	ear.answer = true;
	CU_ASSERT(ear_hears(&ear, "resume5.0 "));
	CU_ASSERT(ear_shows(&ear, client_state, "4"));
	/* the question is on its way when the next one dies */
	ear.answer = false;
	world_front(tree, CLIENT, "state", "5");
	nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
	bus_thread_resume(ear.thread);
	CU_ASSERT(ear_shows(&ear, client_state, "5"));
	CU_ASSERT(!strstr(ear.said, "disconnect"));
	end();
}

/* ---- a XenStore that does not answer --------------------------------------*/

static pthread_mutex_t stuck = PTHREAD_MUTEX_INITIALIZER;

static void hold(void *ctx, struct mock_tree *t, uint32_t call)
{
	(void)ctx, (void)t, (void)call;
	pthread_mutex_lock(&stuck);
	pthread_mutex_unlock(&stuck);
}

static void nobody_waits_for_a_stuck_xenstore(void)
{
	uint64_t before;

	begin(&plain);
	/* the hook is set while the bus sleeps: its first look is over */
	CU_ASSERT_EQUAL(bus_thread_stuck_ms(ear.thread), 0);
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	pthread_mutex_lock(&stuck);
	mock_hook(store, hold, NULL);
	mock_set(tree, "/local/domain/2/backend/vif", "");
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	CU_ASSERT(bus_thread_stuck_ms(ear.thread) >= 50);
	before = ear_now_ms();
	for (uint32_t i = 0; i < 100000; i++)
		bus_thread_resume(ear.thread);
	ear_tell(&ear, BUS_TELL_QUARANTINE, (struct bus_id){ CLIENT, 0 });
	CU_ASSERT(!bus_thread_stop(ear.thread, &ear.ops, 100));
	CU_ASSERT(ear_now_ms() - before < EAR_PATIENCE_MS);
	pthread_mutex_unlock(&stuck);
	end();
}

static bool is_lost(bool want)
{
	uint64_t until = ear_now_ms() + EAR_PATIENCE_MS;

	while (!bus_thread_lost(ear.thread) == want && ear_now_ms() < until)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	return !bus_thread_lost(ear.thread) != want;
}

/* One client is connected; then the XenStore is gone, and not to be had. */
static void lose_it(const struct bus_conf *c)
{
	begin(c);
	world_attach(tree, CLIENT, 0);
	world_front_connects(tree, CLIENT);
	CU_ASSERT(ear_shows(&ear, client_state, "4"));
	CU_ASSERT_EQUAL(bus_thread_lost(ear.thread), 0);
	ear.said[0] = '\0';
	__atomic_store_n(&refuse, true, __ATOMIC_RELAXED);
	mock_fail(store, 1, UINT32_MAX, -EIO);
	world_back(tree, CLIENT, "mtu", "1400"); /* an event to fail at */
	CU_ASSERT(is_lost(true));
}

static void give_it_back(void)
{
	__atomic_store_n(&refuse, false, __ATOMIC_RELAXED);
	CU_ASSERT(is_lost(false));
}

static void a_xenstore_that_is_gone_leaves_everything_as_it_is(void)
{
	struct bus_row row;
	uint32_t cursor = 0;

	lose_it(&plain);
	CU_ASSERT_EQUAL(bus_thread_lost(ear.thread), -EIO);
	world_back(tree, CLIENT, "online", "0");
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	CU_ASSERT_EQUAL(bus_thread_stuck_ms(ear.thread), 0);
	CU_ASSERT_EQUAL(bus_thread_rows(ear.thread, &cursor, &row, 1), 1);
	CU_ASSERT(row.connected);
	bus_thread_receive(ear.thread, &ear.ops);
	CU_ASSERT_STRING_EQUAL(ear.said, "");
	end();
}

static void its_owner_is_woken_when_it_is_lost_and_when_it_is_back(void)
{
	struct pollfd p = { .events = POLLIN };

	lose_it(&plain);
	p.fd = bus_thread_fd(ear.thread);
	CU_ASSERT_EQUAL(poll(&p, 1, EAR_PATIENCE_MS), 1);
	bus_thread_receive(ear.thread, &ear.ops);
	CU_ASSERT_EQUAL(poll(&p, 1, 0), 0);
	give_it_back();
	CU_ASSERT_EQUAL(poll(&p, 1, EAR_PATIENCE_MS), 1);
	end();
}

static void it_is_opened_again_and_nobody_notices(void)
{
	struct bus_row row;
	uint32_t cursor = 0;

	lose_it(&plain);
	give_it_back();
	CU_ASSERT(ear_hears(&ear, "vif5.0 ")); /* its mtu is another one */
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	bus_thread_receive(ear.thread, &ear.ops);
	CU_ASSERT_STRING_EQUAL(ear.said, "");
	CU_ASSERT_STRING_EQUAL(mock_get(tree, client_state), "4");
	CU_ASSERT_EQUAL(bus_thread_rows(ear.thread, &cursor, &row, 1), 1);
	CU_ASSERT(row.connected);
	/* the watch on its state is there again */
	world_front(tree, CLIENT, "state", "5");
	CU_ASSERT(ear_hears(&ear, "disconnect5.0 "));
	end();
}

static void what_happened_meanwhile_is_seen_then(void)
{
	static const struct bus_conf all = { .self = WORLD_SELF,
					     .uplink = true,
					     .rules = true };

	lose_it(&all);
	world_front(tree, CLIENT, "state", "6");
	world_attach(tree, CLIENT + 1, 0);
	world_front_connects(tree, CLIENT + 1);
	world_uplink(tree, WORLD_NETVM);
	world_netvm_waits(tree, WORLD_NETVM);
	mock_set(tree, "/local/domain/2/vifwall/policy", "drop");
	give_it_back();
	CU_ASSERT(ear_hears(&ear, "/policy=drop "));
	CU_ASSERT(ear_shows(&ear, client_state, "6"));
	CU_ASSERT(
		ear_shows(&ear, "/local/domain/2/backend/vif/6/0/state", "4"));
	CU_ASSERT(ear_shows(&ear, uplink_state, "4"));
	world_netvm(tree, WORLD_NETVM, "state", "4");
	CU_ASSERT(ear_hears(&ear, "uplink_up "));
	world_netvm(tree, WORLD_NETVM, "state", "5");
	CU_ASSERT(ear_shows(&ear, uplink_state, "6"));
	end();
}

static void it_is_not_asked_for_all_the_time(void)
{
	uint64_t since = ear_now_ms();
	uint32_t most = 2;

	lose_it(&plain);
	nanosleep(&(struct timespec){ .tv_nsec = 800000000 }, NULL);
	for (uint64_t ms = ear_now_ms() - since; ms > BUS_THREAD_AGAIN_MS;
	     ms /= 2)
		most++;
	CU_ASSERT(__atomic_load_n(&opened, __ATOMIC_RELAXED) >= 1);
	CU_ASSERT(__atomic_load_n(&opened, __ATOMIC_RELAXED) <= most);
	end();
}

/* It was started anew, and dom0 has not said anything yet. */
static void one_that_does_not_know_our_domain_is_not_it(void)
{
	lose_it(&plain);
	mock_rm(tree, "/local/domain/2");
	__atomic_store_n(&refuse, false, __ATOMIC_RELAXED);
	nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL);
	CU_ASSERT(__atomic_load_n(&opened, __ATOMIC_RELAXED) >= 1);
	CU_ASSERT_EQUAL(bus_thread_lost(ear.thread), -EIO);
	bus_thread_receive(ear.thread, &ear.ops);
	CU_ASSERT_STRING_EQUAL(ear.said, "");
	mock_set(tree, "/local/domain/2", "");
	mock_perm(tree, "/local/domain/2", 2, 'n', 0, 'n');
	CU_ASSERT(is_lost(false));
	/* it knows of no vif of ours */
	CU_ASSERT(ear_hears(&ear, "disconnect5.0 gone5.0 "));
	end();
}

/* As after a resume of the machine that is a new domain for Xen. */
static void under_another_number_nothing_of_before_is_ours(void)
{
	lose_it(&plain);
	mock_set(tree, "/local/domain/3", "");
	mock_perm(tree, "/local/domain/3", 3, 'n', 0, 'n');
	__atomic_store_n(&self, 3, __ATOMIC_RELAXED);
	give_it_back();
	CU_ASSERT(ear_hears(&ear, "disconnect5.0 gone5.0 "));
	end();
}

static void one_that_is_stuck_at_the_start_is_waited_for_by_nobody(void)
{
	prepare();
	world_attach(tree, CLIENT, 0);
	pthread_mutex_lock(&slow);
	start(&plain, 50);
	CU_ASSERT_EQUAL(bus_thread_lost(ear.thread), -EINPROGRESS);
	CU_ASSERT(bus_thread_stuck_ms(ear.thread) > 0);
	bus_thread_resume(ear.thread); /* the data process may die meanwhile */
	ear_tell(&ear, BUS_TELL_BROKEN, (struct bus_id){ CLIENT, 0 });
	CU_ASSERT(!bus_thread_stop(ear.thread, &ear.ops, 50));
	pthread_mutex_unlock(&slow);
	end();
	/* ... and it is heard as soon as it answers */
	prepare();
	world_attach(tree, CLIENT, 0);
	pthread_mutex_lock(&slow);
	start(&plain, 50);
	pthread_mutex_unlock(&slow);
	CU_ASSERT(ear_hears(&ear, "vif5.0 "));
	CU_ASSERT_EQUAL(bus_thread_lost(ear.thread), 0);
	end();
}

static void does_not_start(int want)
{
	int err = 0;

	CU_ASSERT_PTR_NULL(
		bus_thread_start(&opener, &plain, EAR_PATIENCE_MS, &err));
	CU_ASSERT_EQUAL(err, want);
	dom0->ops->close(dom0);
	mock_tree_free(tree);
}

static void a_bus_without_a_store_does_not_start(void)
{
	prepare();
	refuse = true;
	does_not_start(-ECONNREFUSED);
}

static void a_bus_that_can_not_watch_does_not_start(void)
{
	prepare();
	fail_first = true;
	does_not_start(-EIO);
}

UNIT_SUITE(bus_thread, UNIT(a_client_connects),
	   UNIT(an_uplink_comes_and_closes_at_the_end),
	   UNIT(rules_come_as_keys),
	   UNIT(what_was_asked_before_a_resume_is_not_heard),
	   UNIT(nobody_waits_for_a_stuck_xenstore),
	   UNIT(a_xenstore_that_is_gone_leaves_everything_as_it_is),
	   UNIT(its_owner_is_woken_when_it_is_lost_and_when_it_is_back),
	   UNIT(it_is_opened_again_and_nobody_notices),
	   UNIT(what_happened_meanwhile_is_seen_then),
	   UNIT(it_is_not_asked_for_all_the_time),
	   UNIT(one_that_does_not_know_our_domain_is_not_it),
	   UNIT(under_another_number_nothing_of_before_is_ours),
	   UNIT(one_that_is_stuck_at_the_start_is_waited_for_by_nobody),
	   UNIT(a_bus_without_a_store_does_not_start),
	   UNIT(a_bus_that_can_not_watch_does_not_start))
