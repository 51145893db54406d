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

#include "mock/bus_world.h"
#include "unit.h"
#include "xen/bus/bus_thread.h"

#define CLIENT 5u
#define PATIENCE_MS 5000u

static struct mock_tree *tree;
static struct store *store, *dom0;
static struct bus_thread *thread;
static char said[4096];
static bool answer; /* questions at once */
static struct bus_rings rings;

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	size_t n = strlen(said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said + n, sizeof(said) - n, fmt, ap);
	va_end(ap);
}

static void tell(enum bus_tell_type type, struct bus_id id)
{
	bus_thread_tell(thread, &(struct bus_tell){ .type = (uint8_t)type,
						    .id = id,
						    .tx_ref = 8,
						    .rx_ref = 9,
						    .evt = 10 });
}

static void on_vif(void *ctx, const struct bus_vif *v)
{
	(void)ctx;
	say("vif%u.%u ", v->id.dom, v->id.handle);
}

static void on_connect(void *ctx, const struct bus_rings *r)
{
	(void)ctx;
	say("%s%u.%u ", r->resume ? "resume" : "connect", r->id.dom,
	    r->id.handle);
	rings = *r;
	if (answer)
		tell(BUS_TELL_CONNECTED, r->id);
}

static void on_disconnect(void *ctx, struct bus_id id)
{
	(void)ctx;
	say("disconnect%u.%u ", id.dom, id.handle);
	if (answer)
		tell(BUS_TELL_DISCONNECTED, id);
}

static void on_gone(void *ctx, struct bus_id id)
{
	(void)ctx;
	say("gone%u.%u ", id.dom, id.handle);
}

static void on_uplink(void *ctx, const struct bus_uplink *u)
{
	(void)ctx;
	say("uplink%u ", u->id.dom);
	if (answer)
		tell(BUS_TELL_UPLINK_KEYS, u->id);
}

static void on_uplink_down(void *ctx)
{
	(void)ctx;
	say("uplink_down ");
	if (answer)
		tell(BUS_TELL_UPLINK_RELEASED, (struct bus_id){ 0 });
}

static void on_uplink_up(void *ctx)
{
	(void)ctx;
	say("uplink_up ");
}

static void on_key(void *ctx, const char *path, const char *value, size_t len)
{
	(void)ctx;
	CU_ASSERT(!value || strlen(value) == len);
	say("%s%c%s ", path, value ? '=' : '-', value ? value : "");
}

static const struct bus_ops ops = {
	.vif = on_vif,
	.connect = on_connect,
	.disconnect = on_disconnect,
	.gone = on_gone,
	.uplink = on_uplink,
	.uplink_down = on_uplink_down,
	.uplink_up = on_uplink_up,
	.key = on_key,
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Hears what the bus says until @want is in it; what was said is forgotten. */
static bool hears(const char *want)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while (!strstr(said, want) && now_ms() < end) {
		struct pollfd p = { .fd = bus_thread_fd(thread),
				    .events = POLLIN };

		if (poll(&p, 1, 20) > 0)
			bus_thread_receive(thread, &ops);
	}
	if (strstr(said, want)) {
		said[0] = '\0';
		return true;
	}
	printf("\n    said:   %s\n    wanted: %s\n", said, want);
	return false;
}

static bool shows(const char *path, const char *want)
{
	uint64_t end = now_ms() + PATIENCE_MS;
	char got[64] = "";

	do {
		struct pollfd p = { .fd = bus_thread_fd(thread),
				    .events = POLLIN };

		if (poll(&p, 1, 10) > 0)
			bus_thread_receive(thread, &ops);
		(void)dom0->ops->read(dom0, STORE_NONE, path, got,
				      sizeof(got) - 1);
	} while (strcmp(got, want) && now_ms() < end);
	return !strcmp(got, want);
}

static uint32_t opened; /* asked for another store so often; atomic */
static bool refuse;	/* there is none; atomic */

static struct store *open_again(void *ctx, int *err)
{
	(void)ctx;
	__atomic_add_fetch(&opened, 1, __ATOMIC_RELAXED);
	if (__atomic_load_n(&refuse, __ATOMIC_RELAXED)) {
		*err = -ECONNREFUSED;
		return NULL;
	}
	return mock_store_open(tree, WORLD_SELF);
}

static const struct bus_opener again = { .open = open_again };

static const char client_state[] = "/local/domain/2/backend/vif/5/0/state";
static const char uplink_state[] = "/local/domain/2/device/vif/0/state";

static void begin(const struct bus_conf *c)
{
	int err = 0;

	tree = mock_tree_new();
	mock_set(tree, "/local/domain/2", "");
	mock_perm(tree, "/local/domain/2", 2, 'n', 0, 'n');
	store = mock_store_open(tree, WORLD_SELF);
	dom0 = mock_store_open(tree, 0);
	said[0] = '\0';
	answer = true;
	opened = 0;
	refuse = false;
	thread = bus_thread_start(store, &again, c, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(thread);
	CU_ASSERT_EQUAL(err, 0);
}

static void end(void)
{
	CU_ASSERT(bus_thread_stop(thread, &ops, PATIENCE_MS));
	bus_thread_free(thread);
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
	CU_ASSERT(hears("vif5.0 "));
	world_front_connects(tree, CLIENT);
	CU_ASSERT(hears("connect5.0 "));
	CU_ASSERT_EQUAL(rings.tx_ref, 768);
	CU_ASSERT(shows(client_state, "4"));
	CU_ASSERT_EQUAL(bus_thread_rows(thread, &cursor, row, 2), 1);
	CU_ASSERT_EQUAL(row[0].vif.id.dom, CLIENT);
	CU_ASSERT(row[0].connected);
	CU_ASSERT_EQUAL(bus_thread_rows(thread, &cursor, row, 2), 0);
	world_detach(tree, CLIENT, 0);
	CU_ASSERT(hears("disconnect5.0 "));
	CU_ASSERT(hears("gone5.0 "));
	end();
}

static void an_uplink_comes_and_closes_at_the_end(void)
{
	static const struct bus_conf up = { .self = WORLD_SELF,
					    .uplink = true };

	begin(&up);
	world_uplink(tree, WORLD_NETVM);
	world_netvm_waits(tree, WORLD_NETVM);
	CU_ASSERT(hears("uplink1 "));
	CU_ASSERT(shows(uplink_state, "4"));
	world_netvm(tree, WORLD_NETVM, "state", "4");
	CU_ASSERT(hears("uplink_up "));
	/* its backend has to follow from 5 */
	CU_ASSERT(!bus_thread_stop(thread, &ops, 100));
	CU_ASSERT(!!strstr(said, "uplink_down "));
	CU_ASSERT(shows(uplink_state, "5"));
	world_netvm(tree, WORLD_NETVM, "state", "5");
	CU_ASSERT(shows(uplink_state, "6"));
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
	CU_ASSERT(hears("/qubes-firewall/10.137.0.5/0000=action=accept "
			"/qubes-firewall/10.137.0.5= "));
	end();
}

static void what_was_asked_before_a_resume_is_not_heard(void)
{
	begin(&plain);
	answer = false;
	world_attach(tree, CLIENT, 0);
	world_front_connects(tree, CLIENT);
	CU_ASSERT(hears("connect5.0 "));
	/* whoever was asked died; his successor is asked again */
	bus_thread_resume(thread);
	bus_thread_resume(thread);
	answer = true;
	CU_ASSERT(hears("resume5.0 "));
	CU_ASSERT(shows(client_state, "4"));
	/* the question is on its way when the next one dies */
	answer = false;
	world_front(tree, CLIENT, "state", "5");
	nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
	bus_thread_resume(thread);
	CU_ASSERT(shows(client_state, "5"));
	CU_ASSERT(!strstr(said, "disconnect"));
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
	CU_ASSERT_EQUAL(bus_thread_stuck_ms(thread), 0);
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	pthread_mutex_lock(&stuck);
	mock_hook(store, hold, NULL);
	mock_set(tree, "/local/domain/2/backend/vif", "");
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	CU_ASSERT(bus_thread_stuck_ms(thread) >= 50);
	before = now_ms();
	for (uint32_t i = 0; i < 100000; i++)
		bus_thread_resume(thread);
	tell(BUS_TELL_QUARANTINE, (struct bus_id){ CLIENT, 0 });
	CU_ASSERT(!bus_thread_stop(thread, &ops, 100));
	CU_ASSERT(now_ms() - before < PATIENCE_MS);
	pthread_mutex_unlock(&stuck);
	end();
}

static bool is_lost(bool want)
{
	uint64_t until = now_ms() + PATIENCE_MS;

	while (!bus_thread_lost(thread) == want && now_ms() < until)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	return !bus_thread_lost(thread) != want;
}

/* One client is connected; then the XenStore is gone, and not to be had. */
static void lose_it(const struct bus_conf *c)
{
	begin(c);
	world_attach(tree, CLIENT, 0);
	world_front_connects(tree, CLIENT);
	CU_ASSERT(shows(client_state, "4"));
	CU_ASSERT_EQUAL(bus_thread_lost(thread), 0);
	said[0] = '\0';
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
	CU_ASSERT_EQUAL(bus_thread_lost(thread), -EIO);
	world_back(tree, CLIENT, "online", "0");
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	CU_ASSERT_EQUAL(bus_thread_stuck_ms(thread), 0);
	CU_ASSERT_EQUAL(bus_thread_rows(thread, &cursor, &row, 1), 1);
	CU_ASSERT(row.connected);
	bus_thread_receive(thread, &ops);
	CU_ASSERT_STRING_EQUAL(said, "");
	end();
}

static void its_owner_is_woken_when_it_is_lost_and_when_it_is_back(void)
{
	struct pollfd p = { .events = POLLIN };

	lose_it(&plain);
	p.fd = bus_thread_fd(thread);
	CU_ASSERT_EQUAL(poll(&p, 1, PATIENCE_MS), 1);
	bus_thread_receive(thread, &ops);
	CU_ASSERT_EQUAL(poll(&p, 1, 0), 0);
	give_it_back();
	CU_ASSERT_EQUAL(poll(&p, 1, PATIENCE_MS), 1);
	end();
}

static void it_is_opened_again_and_nobody_notices(void)
{
	struct bus_row row;
	uint32_t cursor = 0;

	lose_it(&plain);
	give_it_back();
	CU_ASSERT(hears("vif5.0 ")); /* its mtu is another one */
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	bus_thread_receive(thread, &ops);
	CU_ASSERT_STRING_EQUAL(said, "");
	CU_ASSERT_STRING_EQUAL(mock_get(tree, client_state), "4");
	CU_ASSERT_EQUAL(bus_thread_rows(thread, &cursor, &row, 1), 1);
	CU_ASSERT(row.connected);
	/* the watch on its state is there again */
	world_front(tree, CLIENT, "state", "5");
	CU_ASSERT(hears("disconnect5.0 "));
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
	CU_ASSERT(hears("/policy=drop "));
	CU_ASSERT(shows(client_state, "6"));
	CU_ASSERT(shows("/local/domain/2/backend/vif/6/0/state", "4"));
	CU_ASSERT(shows(uplink_state, "4"));
	world_netvm(tree, WORLD_NETVM, "state", "4");
	CU_ASSERT(hears("uplink_up "));
	world_netvm(tree, WORLD_NETVM, "state", "5");
	CU_ASSERT(shows(uplink_state, "6"));
	end();
}

static void it_is_not_asked_for_all_the_time(void)
{
	uint64_t since = now_ms();
	uint32_t most = 2;

	lose_it(&plain);
	nanosleep(&(struct timespec){ .tv_nsec = 800000000 }, NULL);
	for (uint64_t ms = now_ms() - since; ms > BUS_THREAD_AGAIN_MS; ms /= 2)
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
	CU_ASSERT_EQUAL(bus_thread_lost(thread), -EIO);
	bus_thread_receive(thread, &ops);
	CU_ASSERT_STRING_EQUAL(said, "");
	mock_set(tree, "/local/domain/2", "");
	mock_perm(tree, "/local/domain/2", 2, 'n', 0, 'n');
	CU_ASSERT(is_lost(false));
	/* it knows of no vif of ours */
	CU_ASSERT(hears("disconnect5.0 gone5.0 "));
	end();
}

static void a_bus_that_can_not_watch_does_not_start(void)
{
	int err = 0;

	tree = mock_tree_new();
	store = mock_store_open(tree, WORLD_SELF);
	mock_fail(store, 1, 1, -ENOSPC);
	CU_ASSERT_PTR_NULL(bus_thread_start(store, &again, &plain, &err));
	CU_ASSERT(err < 0);
	store->ops->close(store);
	mock_tree_free(tree);
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
	   UNIT(a_bus_that_can_not_watch_does_not_start))
