/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our netback and our netfront against each other. */
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "mock/frames.h"
#include "mock/netif_bed.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"
#include "xen/net/netfront.h"

struct end {
	struct port *port;
	struct xen *xen;
	struct pkt_pool *pool;
	struct pkt_batch in;
};

static struct xen_sim *sim;
static struct netback back;
static struct netfront front;
static struct end near, far; /* netback, netfront */
static struct mono now = { 5000 * MONO_S };

static void open_end(struct end *e, struct port *port, struct xen *x)
{
	e->port = port;
	e->xen = x;
	e->pool = frame_pool_new(600, 40);
	e->in.n = 0;
}

static void open_pair(void)
{
	struct netfront_keys keys;
	struct netback_conf c = { .dom = 1, .can = BED_ALL };
	struct xen *x0, *x1;

	sim = xen_sim_new(NULL, NULL);
	CU_ASSERT_FATAL(sim != NULL);
	x0 = xen_sim_open(sim, 0);
	x1 = xen_sim_open(sim, 1);
	CU_ASSERT_FATAL(x0 && x1);
	CU_ASSERT_EQUAL_FATAL(netfront_open(&front, x1, 0,
					    NETFRONT_SG | NETFRONT_GSO4 |
						    NETFRONT_GSO6 |
						    NETFRONT_CSUM6,
					    &keys, now),
			      0);
	c.tx_ref = keys.tx_ref;
	c.rx_ref = keys.rx_ref;
	c.tx_evt = c.rx_evt = keys.evt;
	CU_ASSERT_EQUAL_FATAL(netback_open(&back, x0, &c, now), 0);
	open_end(&near, &back.port, x0);
	open_end(&far, &front.port, x1);
}

static void drop_in(struct end *e)
{
	while (e->in.n)
		pkt_put(e->pool, e->in.p[--e->in.n]);
}

static void close_pair(void)
{
	drop_in(&near);
	drop_in(&far);
	near.port->ops->close(near.port);
	far.port->ops->close(far.port);
	CU_ASSERT_EQUAL(xen_sim_shared(sim, 1), 0);
	xen_close(near.xen);
	xen_close(far.xen);
	frame_pool_free(near.pool);
	frame_pool_free(far.pool);
	xen_sim_free(sim);
}

static void send_one(struct end *e, struct pkt *p)
{
	struct pkt_batch b = { .n = 1, .p = { p } };

	CU_ASSERT_EQUAL(e->port->ops->send(e->port, e->pool, &b, now), 0);
}

static uint32_t recv_all(struct end *e)
{
	drop_in(e);
	CU_ASSERT_EQUAL(e->port->ops->recv(e->port, e->pool, &e->in, now), 0);
	return e->in.n;
}

/* One there, one back; true when both arrive as they were. */
static bool exchange(uint32_t len, uint8_t seed)
{
	struct end *end[2] = { &near, &far };
	bool good = true;

	for (uint32_t i = 0; i < 2; i++) {
		struct end *from = end[i], *to = end[!i];
		struct pkt *p = pkt_get(from->pool, len);

		bed_fill(p->data, len, seed);
		p->len = len;
		p->tail -= len;
		send_one(from, p);
		good &= recv_all(to) == 1 && to->in.p[0]->len == len &&
			bed_is(to->in.p[0]->data, len, seed);
	}
	return good;
}

static void frames_of_every_size_pass_in_both_directions(void)
{
	open_pair();
	for (uint32_t len = 14; len < 4400; len++)
		CU_ASSERT_FATAL(exchange(len, (uint8_t)len));
	for (uint32_t len = 4400; len <= 65535; len += 211)
		CU_ASSERT_FATAL(exchange(len, (uint8_t)len));
	for (uint32_t page = 2; page <= 16; page++)
		for (uint32_t len = page * 4096 - 2; len <= page * 4096 + 2;
		     len++)
			if (len <= 65535)
				CU_ASSERT_FATAL(exchange(len, (uint8_t)len));
	CU_ASSERT_FATAL(exchange(65535, 1));
	close_pair();
}

static const struct frame_spec described[] = {
	{ .payload_len = 100 },
	{ .payload_len = 100, .partial = true },
	{ .proto = IP_TCP, .payload_len = 1400, .partial = true },
	{ .proto = IP_TCP, .payload_len = 60000, .gso_size = 1448 },
	{ .proto = IP_TCP, .payload_len = 4097, .gso_size = 64 },
	{ .src = "fd00::2",
	  .dst = "2001:db8::1",
	  .payload_len = 9,
	  .partial = true },
	{ .src = "fd00::2",
	  .dst = "2001:db8::1",
	  .proto = IP_TCP,
	  .payload_len = 30000,
	  .gso_size = 1428 },
};

static void what_a_frame_leaves_to_others_is_told(void)
{
	struct end *end[2] = { &near, &far };

	open_pair();
	for (uint32_t i = 0; i < 14; i++) {
		struct end *from = end[i % 2], *to = end[!(i % 2)];
		struct pkt *p = frame_parsed(from->pool, &described[i / 2]);
		struct pkt want = *p;

		if (i / 2 == 0)
			p->flags |= PKT_F_CSUM_VALID;
		want.flags = p->flags;
		send_one(from, p);
		CU_ASSERT_EQUAL_FATAL(recv_all(to), 1);
		p = to->in.p[0];
		CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
		CU_ASSERT_EQUAL(p->flags, want.flags);
		CU_ASSERT_EQUAL(p->gso_type, want.gso_type);
		CU_ASSERT_EQUAL(p->gso_size, want.gso_size);
		CU_ASSERT_EQUAL(p->len, want.len);
	}
	close_pair();
}

static void a_slow_reader_loses_the_newest_and_the_rest_is_whole(void)
{
	open_pair();
	for (uint32_t i = 0; i < 600; i++) {
		struct pkt *p = pkt_get(near.pool, 100);

		bed_fill(p->data, 100, (uint8_t)i);
		p->len = 100;
		p->tail -= 100;
		send_one(&near, p);
	}
	/* a ring's worth was copied, a queue's worth waits */
	CU_ASSERT_EQUAL(back.port.stats.send_packets, NETIF_SLOTS);
	CU_ASSERT_EQUAL(back.queue.n, NETBACK_QUEUE);
	CU_ASSERT_EQUAL(back.fault[NETBACK_QUEUE_FULL],
			600 - NETIF_SLOTS - NETBACK_QUEUE);
	for (uint32_t n = 0; n < NETIF_SLOTS + NETBACK_QUEUE;) {
		CU_ASSERT_FATAL(recv_all(&far) > 0);
		for (uint32_t i = 0; i < far.in.n; i++, n++)
			CU_ASSERT(bed_is(far.in.p[i]->data, 100, (uint8_t)n));
		recv_all(&near);
	}
	close_pair();
}

static void a_full_ring_empties_again(void)
{
	open_pair();
	for (uint32_t round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < 300; i++) {
			struct pkt *p = pkt_get(far.pool, 100);

			p->len = 100;
			p->tail -= 100;
			send_one(&far, p);
		}
		for (uint32_t n = 0; n < NETIF_SLOTS; n += near.in.n)
			CU_ASSERT_FATAL(recv_all(&near) > 0);
		CU_ASSERT_EQUAL(recv_all(&near), 0);
		recv_all(&far);
		CU_ASSERT_EQUAL(front.free_n, NETFRONT_PAGES);
	}
	CU_ASSERT_EQUAL(front.fault[NETFRONT_TX_FULL], 20 * 44);
	close_pair();
}

/* The netback is killed and comes back; the netfront sees lost frames alone. */
static void the_front_lives_on_when_the_back_is_killed(void)
{
	struct netback_conf c;

	open_pair();
	for (uint32_t round = 0; round < 30; round++) {
		for (uint32_t i = 0; i < 10; i++) {
			struct pkt *p = frame_parsed(
				far.pool,
				&(struct frame_spec){ .proto = IP_TCP,
						      .payload_len = 9000,
						      .gso_size = 1000 });

			send_one(&far, p);
		}
		c = back.conf;
		c.resume = true;
		drop_in(&near);
		back.port.ops->close(&back.port);
		xen_sim_kill(sim, xen_sim_handle(near.xen));
		xen_close(near.xen);
		near.xen = xen_sim_open(sim, 0);
		CU_ASSERT_EQUAL_FATAL(netback_open(&back, near.xen, &c, now),
				      0);
		CU_ASSERT_EQUAL(recv_all(&near), 0);
		CU_ASSERT_EQUAL(recv_all(&far), 0);
		CU_ASSERT_EQUAL(front.free_n, NETFRONT_PAGES);
		CU_ASSERT_FATAL(exchange(5000, 1));
	}
	CU_ASSERT_EQUAL(front.fault[NETFRONT_TX_REFUSED], 0);
	close_pair();
}

/* ---- two threads
 * ------------------------------------------------------------------ */

#define WINDOW 100u /* frames under way in each direction */
#define SLEEP_MS 2000

struct run {
	struct end *end;
	const struct run *other;
	uint32_t send, recv; /* frames to be */
	uint32_t sent;
	uint32_t got;  /* atomic: the other side's window */
	uint32_t lost; /* wake-ups */
	bool bad;
};

static struct mono clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct mono){ (uint64_t)t.tv_sec * MONO_S +
			      (uint64_t)t.tv_nsec };
}

static uint32_t load(const uint32_t *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static uint32_t len_of(uint32_t i)
{
	return 64 + i * 7919u % (i % 10 ? 1450 : 8000);
}

static void fill_window(struct run *r, struct mono t)
{
	struct pkt_batch b = { 0 };

	while (r->sent < r->send && r->sent - load(&r->other->got) < WINDOW &&
	       b.n < 16) {
		uint32_t len = len_of(r->sent);
		struct pkt *p = pkt_get(r->end->pool, len);

		if (!p)
			break;
		bed_fill(p->data, len, (uint8_t)r->sent);
		p->len = len;
		p->tail -= len;
		b.p[b.n++] = p;
		r->sent++;
	}
	if (b.n && r->end->port->ops->send(r->end->port, r->end->pool, &b, t))
		r->bad = true;
}

static uint32_t take(struct run *r, struct mono t)
{
	struct end *e = r->end;
	uint32_t n;

	drop_in(e);
	if (e->port->ops->recv(e->port, e->pool, &e->in, t))
		r->bad = true;
	n = e->in.n;
	for (uint32_t i = 0; i < n; i++) {
		const struct pkt *p = e->in.p[i];

		if (p->len != len_of(r->got) ||
		    !bed_is(p->data, p->len, (uint8_t)r->got))
			r->bad = true;
		__atomic_store_n(&r->got, r->got + 1, __ATOMIC_RELEASE);
	}
	return n;
}

static void take_events(struct end *e)
{
	uint32_t port[4];
	int n = xen_evt_take(e->xen, port, 4);

	while (n-- > 0)
		if (e == &near)
			netback_event(&back);
		else
			netfront_event(&front);
}

static struct mono tick(struct end *e, struct mono t, bool *wake)
{
	return e == &near ? netback_tick(&back, t, wake)
			  : netfront_tick(&front, t, wake);
}

/*
 * Sleeps until an event, as long as the clock wants it; one that does not come
 * though there are frames was lost.  The window opens without an event, so who
 * waits for that looks again soon.
 */
static void sleep_on(struct run *r)
{
	struct pollfd f = { .fd = r->end->xen->evt_fd, .events = POLLIN };
	bool wake = false, owes = load(&r->other->got) < r->send;
	struct mono t = clock_now(), next = tick(r->end, t, &wake);
	int ms = owes ? 1 : SLEEP_MS;

	if (wake)
		return;
	if (next.ns < mono_add_ms(t, (uint64_t)ms).ns)
		ms = (int)mono_diff_ms(t, next) + 1;
	if (poll(&f, 1, ms) == 0 && ms == SLEEP_MS && take(r, clock_now()))
		r->lost++;
	take_events(r->end);
}

static bool done(const struct run *r)
{
	return r->got == r->recv && load(&r->other->got) == r->send;
}

static void *run(void *arg)
{
	struct run *r = arg;

	while (!done(r) && !r->bad && !r->lost) {
		struct mono t = clock_now();

		fill_window(r, t);
		if (!take(r, t) && !r->end->port->ops->arm(r->end->port))
			sleep_on(r);
	}
	return NULL;
}

static void two_threads(uint32_t to_near, uint32_t to_far)
{
	struct run a = { .end = &near, .send = to_far, .recv = to_near };
	struct run b = { .end = &far, .send = to_near, .recv = to_far };
	pthread_t thread;

	a.other = &b;
	b.other = &a;
	open_pair();
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run, &b), 0);
	(void)run(&a);
	pthread_join(thread, NULL);
	CU_ASSERT_FALSE(a.bad || b.bad);
	CU_ASSERT_EQUAL(a.lost + b.lost, 0);
	CU_ASSERT_EQUAL(a.got, to_near);
	CU_ASSERT_EQUAL(b.got, to_far);
	CU_ASSERT_EQUAL(back.port.stats.send_dropped, 0);
	CU_ASSERT_EQUAL(front.port.stats.send_dropped, 0);
	close_pair();
}

static void both_directions_at_once_in_two_threads(void)
{
	uint32_t n = 5000 * (uint32_t)unit_soak();

	two_threads(n, n);
}

/* Who has nothing to send is woken by events alone. */
static void no_wake_up_is_lost_between_two_threads(void)
{
	uint32_t n = 5000 * (uint32_t)unit_soak();

	two_threads(n, 0);
	two_threads(0, n);
}

UNIT_SUITE(net_pair, UNIT(frames_of_every_size_pass_in_both_directions),
	   UNIT(what_a_frame_leaves_to_others_is_told),
	   UNIT(a_slow_reader_loses_the_newest_and_the_rest_is_whole),
	   UNIT(a_full_ring_empties_again),
	   UNIT(the_front_lives_on_when_the_back_is_killed),
	   UNIT(both_directions_at_once_in_two_threads),
	   UNIT(no_wake_up_is_lost_between_two_threads))
