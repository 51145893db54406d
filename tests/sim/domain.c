/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network drivers of a domain, in the place of Linux' xen-netfront and
 * xen-netback; the states are walked by the bus, as the firewall does.  The
 * frontend of another system (--like=) is walk.h and card.h instead.
 *
 * SIGTERM unloads them in order, SIGUSR1 prints what they counted, SIGUSR2
 * stops that of eth0 and starts it again.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/linux/loop.h"
#include "packet/pkt_arena.h"
#include "sim/leg.h"
#include "sim/walk.h"
#include "xen/bus/store_sim.h"
#include "xen/sim_link.h"

#define BACKS SIM_DOMAINS
#define ALL_CAPS (PORT_CSUM | PORT_GSO4 | PORT_GSO6)
#define SMALL_N 8192u
#define LARGE_N 512u
#define EVENTS 64u
/* A kernel's driver that was just woken looks for more before it sleeps. */
#define BUSY_NS 50000u

enum { WAKE_STORE, WAKE_WALK, WAKE_XEN, WAKE_SIGNAL, WAKE_TAP, WAKE_END };

static struct {
	struct store *store, *walk_store;
	struct xen *xen;
	struct bus *bus;
	struct pkt_pool *pool;
	struct loop loop;
	int signals;
	const struct habits *habits; /* NULL: those of Linux */
	struct walk walk;	     /* ... or not used */
	struct leg front; /* eth0, which is made when there is a vif for it */
	bool has_front;
	struct leg back[BACKS];
	bool used[BACKS];
	bool ending;
} me;

/* Frames are only waited for while there are rings to put them in. */
static void hear(struct leg *l, bool on)
{
	int err = 0;

	if (l->heard == on)
		return;
	l->heard = on;
	if (on)
		err = loop_add(&me.loop, l->tap.fd, WAKE_TAP, 0, LOOP_IN);
	else
		loop_del(&me.loop, l->tap.fd);
	if (err)
		sim_die(-err, "epoll");
}

static void down(struct leg *l)
{
	if (!l->at)
		return;
	hear(l, false);
	leg_disconnect(l);
}

static struct leg *back_of(struct bus_id id)
{
	for (uint32_t i = 0; i < BACKS; i++)
		if (me.used[i] && me.back[i].id.dom == id.dom &&
		    me.back[i].id.handle == id.handle)
			return &me.back[i];
	return NULL;
}

/* ---- what the bus asks for ------------------------------------------------
 */

static void on_vif(void *ctx, const struct bus_vif *v)
{
	char name[16];

	(void)ctx;
	if (back_of(v->id))
		return;
	for (uint32_t i = 0; i < BACKS; i++) {
		if (me.used[i])
			continue;
		snprintf(name, sizeof(name), "vif%u.%u", v->id.dom,
			 v->id.handle);
		leg_open(&me.back[i], name, ALL_CAPS);
		me.back[i].id = v->id;
		me.used[i] = true;
		sim_say("%s is there", name);
		return;
	}
}

static void on_connect(void *ctx, const struct bus_rings *r)
{
	struct leg *l = back_of(r->id);
	const struct netback_conf c = {
		.dom = r->id.dom,
		.tx_ref = r->tx_ref,
		.rx_ref = r->rx_ref,
		.tx_evt = r->tx_evt,
		.rx_evt = r->rx_evt,
		.can = r->can,
		.resume = r->resume,
	};
	int err = l ? leg_connect_back(l, me.xen, &c, me.loop.now) : -ENOSPC;

	(void)ctx;
	sim_say("vif%u.%u connects, can %#x: %d", r->id.dom, r->id.handle,
		r->can, err);
	if (!err)
		hear(l, true);
	bus_connected(me.bus, r->id, err);
}

static void on_disconnect(void *ctx, struct bus_id id)
{
	struct leg *l = back_of(id);

	(void)ctx;
	sim_say("vif%u.%u disconnects", id.dom, id.handle);
	if (l)
		down(l);
	bus_disconnected(me.bus, id);
}

static void on_gone(void *ctx, struct bus_id id)
{
	struct leg *l = back_of(id);

	(void)ctx;
	sim_say("vif%u.%u is gone", id.dom, id.handle);
	if (!l)
		return;
	down(l);
	leg_close(l);
	me.used[l - me.back] = false;
}

static void make_front(void)
{
	if (!me.has_front)
		leg_open(&me.front, "eth0",
			 me.habits ? me.habits->leaves : ALL_CAPS);
	me.has_front = true;
}

static void on_uplink(void *ctx, const struct bus_uplink *u)
{
	struct netfront_keys k = { 0 };
	int err;

	(void)ctx;
	make_front();
	err = leg_connect_front(&me.front, me.xen, u, &k, me.loop.now);
	me.front.id = u->id;
	sim_say("eth0 connects to %u, which can %#x: %d", u->id.dom, u->can,
		err);
	if (!err)
		hear(&me.front, true);
	bus_uplink_keys(me.bus, err, k.tx_ref, k.rx_ref, k.evt);
}

static void on_uplink_down(void *ctx)
{
	(void)ctx;
	sim_say("eth0 disconnects");
	down(&me.front);
	bus_uplink_released(me.bus);
}

static void on_uplink_up(void *ctx)
{
	(void)ctx;
	sim_say("eth0 is up");
}

static void on_key(void *ctx, const char *path, const char *value, size_t len)
{
	(void)ctx, (void)path, (void)value, (void)len;
}

/* ---- what the walk asks for ---------------------------------------------
 */

static int on_offer(const struct bus_uplink *u, struct walk_keys *keys)
{
	int err;

	make_front();
	err = leg_connect_card(&me.front, me.xen, u, me.habits, keys);
	me.front.id = u->id;
	sim_say("eth0 is offered to %u, which can %#x: %d", u->id.dom, u->can,
		err);
	return err;
}

static void on_up(void)
{
	sim_say("eth0 is up");
	leg_enable(&me.front);
	hear(&me.front, true);
}

static void on_down(void)
{
	sim_say("eth0 disconnects");
	down(&me.front);
}

static const struct walk_ops walk_ops = { on_offer, on_up, on_down };

/* ---- the loop -------------------------------------------------------------
 */

static void broke(struct leg *l, int err)
{
	sim_say("%s %u/%u broke: %d", leg_kind_name(l), l->id.dom, l->id.handle,
		err);
	if (l->kind == LEG_CARD) {
		leg_report(l);
		sim_die(-err, "the driver ends, and its domain with it");
	}
	down(l);
	if (l->kind == LEG_FRONT)
		bus_uplink_broken(me.bus);
	else
		bus_broken(me.bus, l->id);
}

/* The driver of eth0 is stopped and started. */
static void restart(void)
{
	if (me.habits) {
		walk_again(&me.walk);
	} else if (me.front.at) {
		down(&me.front);
		bus_uplink_broken(me.bus);
	}
}

static void stop(void)
{
	me.ending = true;
	bus_stop(me.bus);
	if (me.habits)
		walk_stop(&me.walk, me.loop.now);
}

static bool stopped(void)
{
	return me.ending && bus_stopped(me.bus) &&
	       (!me.habits || walk_stopped(&me.walk));
}

/* When states are to be looked at again. */
static struct mono look(void)
{
	struct mono next = bus_tick(me.bus, me.loop.now);
	struct mono t = next;

	if (me.habits)
		t = walk_tick(&me.walk, me.loop.now);
	return t.ns < next.ns ? t : next;
}

/* Calls @what for eth0 and then for each vif. */
static struct leg *leg_at(uint32_t i)
{
	if (!i)
		return me.has_front ? &me.front : NULL;
	return me.used[i - 1] ? &me.back[i - 1] : NULL;
}

static void take_events(void)
{
	uint32_t port[EVENTS];
	int n = xen_evt_take(me.xen, port, EVENTS);

	for (int k = 0; k < n; k++)
		for (uint32_t i = 0; i <= BACKS; i++)
			if (leg_at(i))
				leg_event(leg_at(i), port[k]);
}

/* Moves frames until there are none; when to look again. */
static struct mono work(void)
{
	struct mono next;
	bool more;

	do {
		loop_now(&me.loop);
		take_events();
		more = false;
		next = look();
		for (uint32_t i = 0; i <= BACKS; i++) {
			struct leg *l = leg_at(i);
			struct mono t;
			int got = l && l->at ? leg_move(l, me.pool, me.loop.now)
					     : 0;

			if (got < 0)
				broke(l, got);
			more |= got != 0;
			if (!l || !l->at || got)
				continue;
			t = leg_rest(l, me.loop.now, &more);
			hear(l, !l->wait.n);
			next = t.ns < next.ns ? t : next;
		}
	} while (more);
	return next;
}

static void report(void)
{
	for (uint32_t i = 0; i <= BACKS; i++)
		if (leg_at(i))
			leg_report(leg_at(i));
	sim_say("%" PRIu64 " copies in %" PRIu64 " calls, %" PRIu64
		" notifications",
		me.xen->copies, me.xen->copy_calls, me.xen->notifies);
}

static void take_signals(void)
{
	int sig;

	while ((sig = loop_signal_take(me.signals))) {
		report();
		if (sig == SIGUSR2)
			restart();
		else if (sig != SIGUSR1 && !me.ending)
			stop();
	}
}

static void run(void)
{
	while (!stopped()) {
		struct loop_event e[EVENTS];
		int n = loop_wait(&me.loop, e, EVENTS, work());

		for (int i = 0; i < n; i++) {
			int err = 0;

			if (e[i].type == WAKE_STORE)
				err = bus_events(me.bus, me.loop.now);
			else if (e[i].type == WAKE_WALK)
				err = walk_events(&me.walk);
			else if (e[i].type == WAKE_SIGNAL)
				take_signals();
			if (e[i].type == WAKE_END)
				err = -ECONNRESET;
			if (err)
				sim_die(-err, "the machine is gone");
		}
	}
}

/* The frontend of another system, and its own way to the XenStore. */
static void open_walk(const struct sim_args *a)
{
	int err;

	me.habits = habits_of(a->like);
	if (!me.habits)
		sim_die(0, "--like=%s: linux, windows or mirage", a->like);
	me.walk_store = store_sim_open(a->dir, a->dom, &err);
	if (!me.walk_store)
		sim_die(-err, "no machine in %s", a->dir);
	err = walk_open(&me.walk, me.walk_store, a->dom, me.habits, &walk_ops);
	if (!err)
		err = loop_add(&me.loop, me.walk_store->fd, WAKE_WALK, 0,
			       LOOP_IN);
	if (err)
		sim_die(-err, "XenStore");
}

static void open_all(const struct sim_args *a)
{
	const struct bus_ops ops = {
		.vif = on_vif,
		.connect = on_connect,
		.disconnect = on_disconnect,
		.gone = on_gone,
		.uplink = on_uplink,
		.uplink_down = on_uplink_down,
		.uplink_up = on_uplink_up,
		.key = on_key,
	};
	const bool usual = !a->like || !strcmp(a->like, "linux");
	const struct bus_conf conf = { .self = a->dom, .uplink = usual };
	const int sig[] = { SIGTERM, SIGINT, SIGUSR1, SIGUSR2 };
	size_t size = pkt_pool_size(SMALL_N, LARGE_N);
	void *mem = aligned_alloc(PKT_ARENA_ALIGN, pkt_arena_cost(size));
	int err;

	me.store = store_sim_open(a->dir, a->dom, &err);
	if (!me.store)
		sim_die(-err, "no machine in %s (vifwall-sim machine)", a->dir);
	me.xen = xen_sim_link(a->dir, a->dom);
	if (!me.xen)
		sim_die(errno, "domain %u (vifwall-sim create)", a->dom);
	if (!mem)
		sim_die(ENOMEM, "buffers");
	me.pool = pkt_pool_init(mem, size, SMALL_N, LARGE_N);
	err = loop_open(&me.loop);
	me.loop.busy_ns = BUSY_NS;
	if (err)
		sim_die(-err, "epoll");
	me.signals = loop_signals(sig, sizeof(sig) / sizeof(sig[0]));
	me.bus = bus_new(me.store, &conf, &ops);
	if (me.signals < 0 || !me.bus)
		sim_die(ENOMEM, "bus");
	if (!usual)
		open_walk(a);
}

int sim_domain(const struct sim_args *a)
{
	int err;

	open_all(a);
	err = loop_add(&me.loop, me.store->fd, WAKE_STORE, 0, LOOP_IN);
	if (!err)
		err = loop_add(&me.loop, me.xen->evt_fd, WAKE_XEN, 0, LOOP_IN);
	if (!err)
		err = loop_add(&me.loop, me.signals, WAKE_SIGNAL, 0, LOOP_IN);
	if (!err)
		err = loop_add(&me.loop, xen_sim_link_fd(me.xen), WAKE_END, 0,
			       LOOP_IN);
	if (err)
		sim_die(-err, "epoll");
	sim_say("domain %u runs", a->dom);
	run();
	for (uint32_t i = 0; i <= BACKS; i++)
		if (leg_at(i))
			leg_close(leg_at(i));
	bus_free(me.bus);
	xen_close(me.xen);
	me.store->ops->close(me.store);
	if (me.habits)
		me.walk_store->ops->close(me.walk_store);
	loop_close(&me.loop);
	return 0;
}
