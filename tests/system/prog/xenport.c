/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenport: a switch of Ethernet frames made of xen/ alone, over the real
 * libraries: every vif whose backend this domain is, and device/vif/0 as the
 * uplink.  Frames go to the client whose MAC address they name, group addresses
 * to all, the rest to the uplink.  It proves netback, netfront and bus against
 * stock kernels without the rest of the firewall.
 *
 * SIGTERM ends it in order and prints what it counted; SIGUSR1 prints only.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_parse.h"
#include "xen/bus/bus.h"
#include "xen/net/netback.h"
#include "xen/net/netfront.h"
#include "xen/xen_libs.h"

#define LEGS 16u
#define MTU 1500u
#define SMALL_N 4096u
#define LARGE_N 256u
#define PORTS 64u

struct leg {
	bool used, up;
	struct bus_vif vif;
	struct netback back;
};

static struct {
	struct store *store;
	struct xen *xen;
	struct bus *bus;
	struct pkt_pool *pool;
	struct leg leg[LEGS];
	struct netfront front;
	bool front_up;
	struct mono now;
	uint64_t cut, lost;
} me;

static volatile sig_atomic_t told_end, told_print;

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		told_print = 1;
	else
		told_end = 1;
}

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	va_list a;

	printf("%" PRIu64 ".%03u ", (uint64_t)(me.now.ns / MONO_S),
	       (unsigned int)(me.now.ns / MONO_MS % 1000));
	va_start(a, fmt);
	vprintf(fmt, a);
	va_end(a);
	putchar('\n');
	fflush(stdout);
}

static void die(const char *what, int err)
{
	fprintf(stderr, "xenport: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void read_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	me.now.ns = (uint64_t)t.tv_sec * MONO_S + (uint64_t)t.tv_nsec;
}

_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "xenport: %s:%d: %s\n", file, line, what);
	abort();
}

static struct leg *leg_of(struct bus_id id)
{
	for (uint32_t i = 0; i < LEGS; i++) {
		struct leg *l = &me.leg[i];

		if (l->used && l->vif.id.dom == id.dom &&
		    l->vif.id.handle == id.handle)
			return l;
	}
	return NULL;
}

/* ---- what the bus asks for -------------------------------------------------
 */

static void on_vif(void *ctx, const struct bus_vif *v)
{
	struct leg *l = leg_of(v->id);

	(void)ctx;
	for (uint32_t i = 0; !l && i < LEGS; i++)
		if (!me.leg[i].used)
			l = &me.leg[i];
	if (!l)
		return;
	if (!l->used)
		say("vif %u/%u", v->id.dom, v->id.handle);
	l->used = true;
	l->vif = *v;
}

static void on_connect(void *ctx, const struct bus_rings *r)
{
	struct leg *l = leg_of(r->id);
	const struct netback_conf c = {
		.dom = r->id.dom,
		.tx_ref = r->tx_ref,
		.rx_ref = r->rx_ref,
		.tx_evt = r->tx_evt,
		.rx_evt = r->rx_evt,
		.can = r->can,
		.resume = r->resume,
	};
	int err = -ENOSPC;

	(void)ctx;
	if (l) {
		l->back.port.mac = l->vif.mac;
		l->back.port.mtu = MTU;
		err = netback_open(&l->back, me.xen, &c, me.now);
		l->up = !err;
	}
	say("vif %u/%u connects: can %#x%s: %d", r->id.dom, r->id.handle,
	    r->can, r->resume ? ", resumes" : "", err);
	bus_connected(me.bus, r->id, err);
}

static void leg_down(struct leg *l)
{
	if (l->up)
		l->back.port.ops->close(&l->back.port);
	l->up = false;
}

static void on_disconnect(void *ctx, struct bus_id id)
{
	struct leg *l = leg_of(id);

	(void)ctx;
	if (l)
		leg_down(l);
	say("vif %u/%u disconnects", id.dom, id.handle);
	bus_disconnected(me.bus, id);
}

static void on_gone(void *ctx, struct bus_id id)
{
	struct leg *l = leg_of(id);

	(void)ctx;
	if (l) {
		leg_down(l);
		l->used = false;
	}
	say("vif %u/%u is gone", id.dom, id.handle);
}

static void front_down(void)
{
	if (me.front_up)
		me.front.port.ops->close(&me.front.port);
	me.front_up = false;
}

static void on_uplink(void *ctx, const struct bus_uplink *u)
{
	struct netfront_keys k = { 0 };
	int err;

	(void)ctx;
	me.front.port.mac = u->mac;
	me.front.port.mtu = MTU;
	err = netfront_open(&me.front, me.xen, u->id.dom, u->can, &k, me.now);
	me.front_up = !err;
	say("uplink to %u: can %#x: %d", u->id.dom, u->can, err);
	bus_uplink_keys(me.bus, err, k.tx_ref, k.rx_ref, k.evt);
}

static void on_uplink_down(void *ctx)
{
	(void)ctx;
	front_down();
	say("uplink down");
	bus_uplink_released(me.bus);
}

static void on_uplink_up(void *ctx)
{
	(void)ctx;
	say("uplink up");
}

static void on_key(void *ctx, const char *path, const char *value, size_t len)
{
	(void)ctx;
	(void)value;
	say("key %s: %zu bytes", path, len);
}

/* ---- frames
 * ------------------------------------------------------------------
 */

static struct port *port_at(uint32_t i)
{
	if (i == LEGS)
		return me.front_up ? &me.front.port : NULL;
	return me.leg[i].up ? &me.leg[i].back.port : NULL;
}

static void port_broke(uint32_t i, int err)
{
	if (i == LEGS) {
		say("uplink broke: %d", err);
		front_down();
		bus_uplink_broken(me.bus);
	} else {
		struct bus_id id = me.leg[i].vif.id;

		say("vif %u/%u broke: %d", id.dom, id.handle, err);
		leg_down(&me.leg[i]);
		bus_broken(me.bus, id);
	}
}

static struct pkt *copy_of(const struct pkt *p)
{
	struct pkt *q = pkt_get(me.pool, p->len);

	if (!q)
		return NULL;
	memcpy(q->data, p->data, p->len);
	q->len = p->len;
	q->flags = p->flags;
	q->gso_size = p->gso_size;
	q->gso_type = p->gso_type;
	return q;
}

/* Makes @p fit what @to takes; false: that would be more than a switch does. */
static bool fits(const struct port *to, struct pkt *p)
{
	static const uint8_t need[PKT_GSO_N] = { 0, PORT_GSO4, PORT_GSO6 };

	if (need[p->gso_type] & ~to->caps)
		return false;
	if (p->flags & PKT_F_CSUM_PARTIAL && !(to->caps & PORT_CSUM)) {
		if (pkt_parse(p) != PKT_FORWARD)
			return false;
		pkt_csum_complete(p);
	}
	return true;
}

static void give(uint32_t i, struct pkt *p)
{
	struct port *to = port_at(i);
	struct pkt_batch b = { 1, { p } };
	int err;

	if (!to || !fits(to, p)) {
		me.lost++;
		pkt_put(me.pool, p);
		return;
	}
	err = to->ops->send(to, me.pool, &b, me.now);
	if (err)
		port_broke(i, err);
}

static void flood(uint32_t from, struct pkt *p)
{
	for (uint32_t i = 0; i <= LEGS; i++) {
		struct pkt *q = i != from && port_at(i) ? copy_of(p) : NULL;

		if (q)
			give(i, q);
	}
	pkt_put(me.pool, p);
}

static void forward(uint32_t from, struct pkt *p)
{
	uint32_t to = LEGS;

	if (p->data[0] & 1) {
		flood(from, p);
		return;
	}
	for (uint32_t i = 0; i < LEGS; i++)
		if (me.leg[i].up && !memcmp(me.leg[i].vif.mac.b, p->data, 6))
			to = i;
	if (to == from) {
		me.lost++;
		pkt_put(me.pool, p);
		return;
	}
	give(to, p);
}

/* True when there may be more. */
static bool take(uint32_t i)
{
	struct port *port = port_at(i);
	struct pkt_batch b = { 0 };
	struct pkt_batch none = { 0 };
	int err;

	if (!port)
		return false;
	err = port->ops->recv(port, me.pool, &b, me.now);
	for (uint32_t k = 0; k < b.n; k++)
		forward(i, b.p[k]);
	if (!err && port_at(i))
		err = port->ops->send(port, me.pool, &none, me.now);
	if (err && port_at(i))
		port_broke(i, err);
	return b.n > 0;
}

/* ---- the loop
 * -----------------------------------------------------------------
 */

static void hear_events(void)
{
	uint32_t port[PORTS];
	int n = xen_evt_take(me.xen, port, PORTS);

	for (int k = 0; k < n; k++) {
		for (uint32_t i = 0; i < LEGS; i++) {
			struct netback *b = &me.leg[i].back;

			for (uint32_t g = 0; me.leg[i].up && g < b->gate.port_n;
			     g++)
				if (b->gate.port[g] == port[k])
					netback_event(b);
		}
		if (me.front_up && me.front.gate.port[0] == port[k])
			netfront_event(&me.front);
	}
}

static void sooner(struct mono *t, struct mono than)
{
	if (than.ns < t->ns)
		t->ns = than.ns;
}

/* Looks at everything until nothing is left; when to look again. */
static struct mono work(void)
{
	struct mono next;
	bool more;

	do {
		bool wake = false;

		more = false;
		read_clock();
		hear_events();
		for (uint32_t i = 0; i <= LEGS; i++)
			more |= take(i);
		next = bus_tick(me.bus, me.now);
		for (uint32_t i = 0; i <= LEGS; i++) {
			struct port *p = port_at(i);

			if (!p)
				continue;
			sooner(&next, i == LEGS ? netfront_tick(&me.front,
								me.now, &wake)
						: netback_tick(&me.leg[i].back,
							       me.now, &wake));
			if (!more)
				wake |= p->ops->arm(p);
		}
		more |= wake;
	} while (more);
	return next;
}

static void print_port(const char *name, const struct port *p)
{
	const struct port_stats *s = &p->stats;

	say("%s: received %" PRIu64 " frames, %" PRIu64
	    " bytes, dropped %" PRIu64 "; sent %" PRIu64 " frames, %" PRIu64
	    " bytes, dropped %" PRIu64,
	    name, s->recv_packets, s->recv_bytes, s->recv_dropped,
	    s->send_packets, s->send_bytes, s->send_dropped);
}

static void print_all(void)
{
	struct bus_row row[LEGS];
	uint32_t at = 0, n = bus_rows(me.bus, &at, row, LEGS, me.now);
	uint32_t small, large;

	for (uint32_t i = 0; i < n; i++)
		say("%s %u/%u: states %u %u, %s%s%s",
		    row[i].frontend ? "uplink" : "vif", row[i].vif.id.dom,
		    row[i].vif.id.handle, row[i].ours, row[i].theirs,
		    row[i].connected ? "connected" : "not connected",
		    row[i].trouble[0] ? ": " : "", row[i].trouble);
	for (uint32_t i = 0; i < LEGS; i++) {
		const struct netback *b = &me.leg[i].back;

		if (!me.leg[i].up)
			continue;
		print_port("vif", &b->port);
		for (uint32_t f = 0; f < NETBACK_FAULT_N; f++)
			if (b->fault[f])
				say("  %s %" PRIu64, netback_fault_name(f),
				    b->fault[f]);
	}
	if (me.front_up) {
		print_port("uplink", &me.front.port);
		for (uint32_t f = 0; f < NETFRONT_FAULT_N; f++)
			if (me.front.fault[f])
				say("  %s %" PRIu64, netfront_fault_name(f),
				    me.front.fault[f]);
	}
	pkt_pool_free_n(me.pool, &small, &large);
	say("buffers free %u of %u, %u of %u; frames without a way %" PRIu64,
	    small, SMALL_N, large, LARGE_N, me.lost);
}

static void run(void)
{
	bool ending = false;

	while (!(ending && bus_stopped(me.bus))) {
		struct mono next = work();
		struct pollfd p[2] = { { me.store->fd, POLLIN, 0 },
				       { me.xen->evt_fd, POLLIN, 0 } };
		uint64_t ms;
		int err;

		read_clock();
		ms = mono_diff_ms(me.now, next);
		if (poll(p, 2, ms < 1000 ? (int)ms + 1 : 1000) < 0 &&
		    errno != EINTR)
			die("poll", -errno);
		read_clock();
		err = bus_events(me.bus, me.now);
		if (err)
			die("XenStore", err);
		if (told_print) {
			told_print = 0;
			print_all();
		}
		if (told_end && !ending) {
			ending = true;
			print_all();
			bus_stop(me.bus);
		}
	}
}

int main(void)
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
	struct sigaction act = { .sa_handler = on_signal };
	struct bus_conf conf = { .uplink = true };
	size_t size = pkt_pool_size(SMALL_N, LARGE_N);
	void *mem = aligned_alloc(PKT_ARENA_ALIGN, pkt_arena_cost(size));
	uint32_t self;
	int err;

	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGUSR1, &act, NULL);
	read_clock();
	me.store = store_libs_open(&err);
	if (!me.store)
		die("XenStore", err);
	err = store_read_u32(me.store, "domid", UINT16_MAX, &self);
	if (err)
		die("domid", err);
	conf.self = (uint16_t)self;
	err = xen_libs_raise_limit(4096);
	if (err)
		die("gntalloc", err);
	me.xen = xen_libs_open(NULL);
	if (!me.xen)
		die("Xen", -errno);
	if (!mem)
		die("buffers", -ENOMEM);
	me.pool = pkt_pool_init(mem, size, SMALL_N, LARGE_N);
	me.bus = bus_new(me.store, &conf, &ops);
	if (!me.bus)
		die("bus", -ENOMEM);
	run();
	bus_free(me.bus);
	xen_close(me.xen);
	me.store->ops->close(me.store);
	free(mem);
	return 0;
}
