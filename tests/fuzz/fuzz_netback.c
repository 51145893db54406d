/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A netback whose guest is the input.  It writes slots and indices whenever it
 * likes, also in the middle of our calls and right after we read a word; it
 * grants its own rings, takes grants back, storms, closes, dies and comes back.
 *
 * After each step: no buffer is lost, the queue keeps its bounds, every drop
 * has its one counter, each slot is answered once (an oracle reads it off the
 * ring), no frame has a byte that was not copied, and a vif that is dead
 * touches its rings no more.
 *
 * Records: what (1 byte), then what that needs, see steps[].
 */
#include <errno.h>
#include <sys/mman.h>

#include "mock/frames.h"
#include "mock/frames_alike.h"
#include "mock/netif_oracle.h"
#include "mock/netif_watch.h"
#include "mock/xen_spy.h"
#include "tests/fuzz/fuzz.h"
#include "xen/net/netback_part.h"
#include "xen/xen_sim.h"

#define STEPS_MAX 160u
#define SMALL_N 340u
#define LARGE_N 40u
#define PAGES 8u /* of the guest's: the first half it lets us read only */
#define GUEST 1u
#define PLANNED 8u

/* What is to happen in the middle of a call of ours. */
struct plan {
	uint8_t after; /* so many calls to Xen, and parts of them */
	uint8_t what, where;
	uint32_t value;
};

static struct {
	struct xen_sim *sim;
	struct xen *back, *front;
	struct xen_spy spy;
	struct pkt_pool *pool;
	struct netback vif;
	bool open;
	bool fair;   /* it has done nothing yet that may not be done */
	bool meddle; /* something happens in the middle of this call */
	struct netif_tx_ring *tx;
	struct netif_rx_ring *rx;
	uint8_t *page[2]; /* PAGES / 2 each; NULL: taken back */
	uint32_t ref[PAGES], tx_ref, rx_ref, evt[2];
	uint32_t tx_prod, rx_prod;
	uint16_t id; /* of the next request */
	struct plan plan[PLANNED];
	uint32_t plan_n, calls;
	uint8_t flip; /* words are flipped by this once they were read; 0: not
		       */
	bool flip_rx;
	struct pkt_batch in;
	struct mono now;
} g;

/* ---- the guest -------------------------------------------------------------
 */

static void share_half(uint32_t half)
{
	void *at;
	int err = xen_share(g.front, 0, PAGES / 2, half, &g.ref[half * 4], &at);

	vw_assert(!err);
	g.page[half] = at;
	for (uint32_t i = 0; i < PAGES / 2 * XEN_PAGE; i++)
		g.page[half][i] = (uint8_t)(i * 7 + half);
}

static void *share_ring(uint32_t *ref)
{
	void *at;
	int err = xen_share(g.front, 0, 1, true, ref, &at);

	vw_assert(!err);
	return at;
}

static void guest_begin(void)
{
	g.front = xen_sim_open(g.sim, GUEST);
	vw_assert(g.front);
	g.tx = share_ring(&g.tx_ref);
	g.rx = share_ring(&g.rx_ref);
	share_half(0);
	share_half(1);
	for (uint32_t i = 0; i < 2; i++)
		vw_assert(!xen_evt_alloc(g.front, 0, &g.evt[i]));
	g.tx->head.req_event = g.tx->head.rsp_event = 1;
	g.rx->head.req_event = g.rx->head.rsp_event = 1;
	g.tx_prod = g.rx_prod = 0;
	g.fair = true;
}

/* A reference: mostly to a page of its own, else to a ring or to nothing. */
static uint32_t a_ref(uint8_t which)
{
	if (which < 0xf0)
		return g.ref[which % PAGES];
	if (which < 0xf4)
		return which & 1 ? g.tx_ref : g.rx_ref;
	return which < 0xf8 ? which - 0xf4u : 0x10000u << (which & 15);
}

static void meddle_now(const struct plan *p)
{
	uint32_t *ring = (uint32_t *)(void *)g.tx;

	g.fair = false;
	if (p->what & 4)
		ring = (uint32_t *)(void *)g.rx;
	if ((p->what & 3) == 0 && g.page[p->where & 1]) {
		memset(g.page[p->where & 1], (int)p->value, XEN_PAGE);
	} else if ((p->what & 3) == 1 && g.page[p->where & 1]) {
		xen_unshare(g.front, g.page[p->where & 1], PAGES / 2);
		g.page[p->where & 1] = NULL;
	} else if ((p->what & 3) == 2) {
		ring[p->where % 4] += p->value;
	} else {
		ring[16u + p->where % 64u] ^= p->value;
	}
}

static void on_call(void *ctx, enum xen_sim_op op, uint32_t i, bool after)
{
	(void)ctx;
	(void)op;
	(void)i;
	(void)after;
	for (uint32_t k = 0; k < g.plan_n; k++)
		if (g.plan[k].after == g.calls)
			meddle_now(&g.plan[k]);
	g.calls++;
}

static void on_read(struct watch *w, uint32_t word, bool write)
{
	if (!write && (g.flip * (word + 1)) & 4)
		w->page[word] ^= (uint32_t)g.flip * 0x01010101u;
}

/* ---- our end ---------------------------------------------------------------
 */

/* What goes to the guest is of frames that wait, and nothing beside them. */
static void on_copy(void *ctx, const struct xen_seg *seg, uint32_t n,
		    enum xen_way way)
{
	const struct netback_queue *q = &g.vif.queue;
	uint32_t k = 0;

	(void)ctx;
	vw_assert(n <= NETIF_SLOTS);
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *at = seg[i].local;

		vw_assert(seg[i].dom == GUEST);
		if (way == XEN_FROM_PEER)
			continue;
		/* it writes over its own ring, and all bets are off */
		if (seg[i].ref == g.tx_ref || seg[i].ref == g.rx_ref) {
			g.meddle = true;
			g.fair = false;
		}
		for (;; k++) {
			const struct pkt *p;

			vw_assert(k < q->n);
			p = q->p[(q->at + k) % NETBACK_QUEUE];
			if (at >= p->data && at < p->data + p->len) {
				vw_assert(at + seg[i].len <= p->data + p->len);
				break;
			}
		}
	}
}

static uint64_t faults(const enum netback_fault *f, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += g.vif.fault[f[i]];
	return sum;
}

static void check_counters(void)
{
	static const enum netback_fault recv[] = {
		NETBACK_CHAIN_LONG, NETBACK_FRAG_SUM,  NETBACK_FIRST_SHORT,
		NETBACK_COPY,	    NETBACK_NO_BUFFER, NETBACK_EXTRA,
		NETBACK_GSO,
	};
	static const enum netback_fault send[] = {
		NETBACK_QUEUE_FULL, NETBACK_TOO_OLD, NETBACK_STALLED,
		NETBACK_TOO_BIG,    NETBACK_RX_COPY,
	};
	static const enum netback_fault fatal[] = {
		NETBACK_FATAL_INDEX,
		NETBACK_FATAL_CHAIN,
		NETBACK_FATAL_EXTRA,
		NETBACK_FATAL_PAGE,
	};

	vw_assert(g.vif.port.stats.recv_dropped == faults(recv, 7));
	vw_assert(g.vif.port.stats.send_dropped == faults(send, 5));
	vw_assert(faults(fatal, 4) == g.vif.dead);
}

/* The queue is within its bounds, and all buffers are somewhere. */
static void check_buffers(void)
{
	const struct netback_queue *q = &g.vif.queue;
	uint32_t small_n, large_n, bytes = 0, large = 0, queued = 0;

	if (g.open) {
		queued = q->n;
		vw_assert(q->n <= NETBACK_QUEUE);
		for (uint32_t i = 0; i < q->n; i++) {
			const struct pkt *p = q->p[(q->at + i) % NETBACK_QUEUE];

			bytes += netback_queue_cost(p);
			large += p->head + p->len + p->tail > PKT_SMALL;
		}
		vw_assert(bytes == q->bytes && large == q->large);
		vw_assert(bytes <= NETBACK_QUEUE_BYTES &&
			  large <= NETBACK_QUEUE_LARGE);
	}
	pkt_pool_free_n(g.pool, &small_n, &large_n);
	vw_assert(small_n + large_n + queued + g.in.n == SMALL_N + LARGE_N);
}

/* Every byte of every frame came by the last copy, or was computed by us. */
static void check_frames(void)
{
	uint32_t next = 0;

	vw_assert(g.in.n <= PKT_BATCH);
	for (uint32_t i = 0; i < g.in.n; i++) {
		const struct pkt *p = g.in.p[i];

		vw_assert(p->len >= NETIF_FIRST_MIN && p->in == 5);
		vw_assert(xen_spy_got(&g.spy, &next, p->data, p->len));
	}
}

static void free_in(void)
{
	while (g.in.n)
		pkt_put(g.pool, g.in.p[--g.in.n]);
}

/* ---- a call of ours, and what it may do ------------------------------------
 */

enum call { RECV, SEND };

struct picture {
	struct netif_tx_ring tx;
	struct netif_rx_ring rx;
	uint32_t tx_cons, rx_cons;
	uint64_t sent;
};

static struct picture take_picture(void)
{
	struct picture p = { .tx_cons = g.vif.tx_cons,
			     .rx_cons = g.vif.rx_cons };

	p.tx = *g.tx;
	p.rx = *g.rx;
	p.sent = g.vif.port.stats.send_packets + g.vif.fault[NETBACK_RX_COPY];
	return p;
}

/* The guest kept its hands off meanwhile: then all can be foretold. */
static void check_rings(const struct picture *was, enum call what)
{
	uint32_t frames, waiting = was->tx.head.req_prod - was->tx_cons;

	vw_assert(oracle_tx(&was->tx, g.tx, was->tx_cons, g.vif.tx_cons));
	vw_assert(oracle_rx(&was->rx, g.rx, was->rx_cons, g.vif.rx_cons,
			    &frames));
	vw_assert(was->sent + frames ==
		  g.vif.port.stats.send_packets + g.vif.fault[NETBACK_RX_COPY]);
	if (what == SEND)
		vw_assert(g.vif.tx_cons == was->tx_cons);
	else if (waiting && !g.vif.starved)
		vw_assert(g.vif.tx_cons != was->tx_cons);
}

/* Once it is dead, nothing may touch what it shared. */
static void check_dead(void)
{
	struct pkt_batch none = { 0 };
	bool wake = false;

	vw_assert(!g.fair);
	vw_assert(!mprotect(g.tx, XEN_PAGE, PROT_NONE));
	vw_assert(!mprotect(g.rx, XEN_PAGE, PROT_NONE));
	vw_assert(g.vif.port.ops->recv(&g.vif.port, g.pool, &none, g.now) ==
		  -EPROTO);
	vw_assert(g.vif.port.ops->send(&g.vif.port, g.pool, &none, g.now) ==
		  -EPROTO);
	vw_assert(!g.vif.port.ops->arm(&g.vif.port));
	netback_event(&g.vif);
	vw_assert(netback_tick(&g.vif, g.now, &wake).ns == UINT64_MAX && !wake);
	vw_assert(!mprotect(g.tx, XEN_PAGE, PROT_READ | PROT_WRITE));
	vw_assert(!mprotect(g.rx, XEN_PAGE, PROT_READ | PROT_WRITE));
}

static int do_call(enum call what, struct pkt_batch *batch)
{
	const struct port_ops *ops = g.vif.port.ops;

	return what == RECV ? ops->recv(&g.vif.port, g.pool, batch, g.now)
			    : ops->send(&g.vif.port, g.pool, batch, g.now);
}

/* The same while each word changes once it was read: at most once, then. */
static int do_watched(enum call what, struct pkt_batch *batch)
{
	static struct watch w;
	int err;

	if (!watch_begin(&w, g.flip_rx ? (void *)g.rx : (void *)g.tx, on_read))
		return do_call(what, batch);
	err = do_call(what, batch);
	watch_end(&w);
	vw_assert(w.reads[0] <= 1);
	for (uint32_t i = sizeof(struct netif_ring) / 4; i < 1024; i++)
		vw_assert(w.reads[i] <= 1);
	return err;
}

static void call(enum call what, struct pkt_batch *batch)
{
	static const struct xen_sim_hook hook = { on_call, NULL };
	struct picture was = take_picture();
	bool dead = g.vif.dead;
	int err;

	g.calls = 0;
	g.spy.got_n = 0;
	g.meddle = g.plan_n || g.flip;
	xen_sim_hook(g.back, &hook);
	err = g.flip ? do_watched(what, batch) : do_call(what, batch);
	xen_sim_hook(g.back, NULL);
	g.fair = g.fair && !g.flip;
	vw_assert(err == (g.vif.dead ? -EPROTO : 0));
	if (what == RECV)
		check_frames();
	if (!g.meddle && !g.vif.dead)
		check_rings(&was, what);
	if (g.vif.dead && !dead)
		check_dead();
	g.plan_n = 0;
	g.flip = 0;
}

/* ---- steps -----------------------------------------------------------------
 */

static void step_request(struct feed *f)
{
	struct netif_tx_req r = { .gref = a_ref(feed_u8(f)),
				  .offset = feed_u16(f),
				  .flags = feed_u8(f),
				  .id = g.id++,
				  .size = feed_u16(f) };

	g.fair = false;
	g.tx->slot[g.tx_prod++ % NETIF_SLOTS].req = r;
}

static void step_extra(struct feed *f)
{
	union netif_tx_slot s = { .req = { 0 } };

	g.fair = false;
	s.extra = (struct netif_extra){ .type = feed_u8(f),
					.flags = feed_u8(f),
					.gso_size = feed_u16(f),
					.gso_type = feed_u8(f) };
	g.tx->slot[g.tx_prod++ % NETIF_SLOTS] = s;
}

/* A frame as an honest driver sends it. */
static void step_frame(struct feed *f)
{
	uint32_t len = 14u + feed_u16(f) % 20000u, how = feed_u8(f), n;
	uint32_t room = NETIF_SLOTS - (g.tx_prod - g.tx->head.rsp_prod);
	uint32_t each = 1500u + (how & 7) * 360u;
	uint16_t flags =
		(uint16_t)((how >> 3 & 3) | (how & 32 ? NETIF_EXTRA : 0));

	n = (len + each - 1) / each;
	if (n + 1 > room || room > NETIF_SLOTS)
		return;
	for (uint32_t at = 0; at < len; at += each) {
		uint32_t left = len - at, part = left < each ? left : each;

		if (left > each)
			flags |= NETIF_MORE_DATA;
		g.tx->slot[g.tx_prod++ % NETIF_SLOTS].req =
			(struct netif_tx_req){
				.gref = g.ref[(how + at) % PAGES],
				.offset = (uint16_t)(how & 15),
				.flags = flags,
				.id = g.id++,
				.size = (uint16_t)(at ? part : len),
			};
		if (flags & NETIF_EXTRA)
			g.tx->slot[g.tx_prod++ % NETIF_SLOTS].extra =
				(struct netif_extra){
					.type = NETIF_EXTRA_GSO,
					.gso_size = 1000,
					.gso_type = 1 + (how >> 6 & 1),
				};
		flags = 0;
	}
	g.tx->head.req_prod = g.tx_prod;
}

static void step_kick(struct feed *f)
{
	uint8_t how = feed_u8(f);

	if (how < 0xe0) {
		g.tx->head.req_prod = g.tx_prod;
		g.rx->head.req_prod = g.rx_prod;
	} else {
		g.fair = false;
		(how & 1 ? &g.tx->head : &g.rx->head)->req_prod += feed_u16(f);
	}
	(void)xen_evt_notify(g.front, g.evt[how >> 1 & 1]);
}

static void step_post(struct feed *f)
{
	uint8_t n = feed_u8(f), ref = feed_u8(f);

	for (uint32_t i = 0; i < n; i++) {
		if (g.rx_prod - g.rx->head.rsp_prod >= NETIF_SLOTS)
			break;
		g.rx->slot[g.rx_prod++ % NETIF_SLOTS].req =
			(struct netif_rx_req){ .id = g.id++,
					       .gref = a_ref(ref) };
	}
	g.rx->head.req_prod = g.rx_prod;
}

static void step_poke(struct feed *f)
{
	struct plan p = { .what = feed_u8(f),
			  .where = feed_u8(f),
			  .value = feed_u16(f) * 0x10001u };

	meddle_now(&p);
}

static void step_plan(struct feed *f)
{
	if (g.plan_n == PLANNED)
		return;
	g.plan[g.plan_n++] = (struct plan){ .after = feed_u8(f) & 63,
					    .what = feed_u8(f),
					    .where = feed_u8(f),
					    .value = feed_u16(f) * 0x10001u };
}

static void step_flip(struct feed *f)
{
	g.flip = feed_u8(f);
	g.flip_rx = feed_u8(f) & 1;
}

static void step_recv(struct feed *f)
{
	(void)f;
	free_in();
	call(RECV, &g.in);
}

static void step_send(struct feed *f)
{
	struct pkt_batch b = { 0 };
	uint8_t n = feed_u8(f), seed = feed_u8(f);
	uint16_t len = feed_u16(f);

	free_in();
	frames_alike(&b, g.pool, n % (PKT_BATCH + 1u), n >> 6, len, seed);
	call(SEND, &b);
	vw_assert(b.n == 0);
}

static void step_sleep(struct feed *f)
{
	uint32_t port[4];
	bool wake = false;
	struct mono next;
	int n;

	if (g.vif.port.ops->arm(&g.vif.port))
		vw_assert(!g.vif.dead);
	g.now = mono_add_ms(g.now, feed_u8(f) * 4u);
	next = netback_tick(&g.vif, g.now, &wake);
	/* a pause that ends now, or a poll that is due, is said by @wake */
	vw_assert(g.vif.dead || wake || next.ns > g.now.ns);
	n = xen_evt_take(g.back, port, 4);
	for (int i = 0; i < n; i++)
		netback_event(&g.vif);
}

static void step_fault(struct feed *f)
{
	uint8_t op = feed_u8(f), after = feed_u8(f);

	if (op & 0x80)
		xen_sim_fail_seg(g.back, after & 31, (int16_t)(op - 0xc0));
	else
		xen_sim_fail(g.back, op % (XEN_SIM_ANY + 1), after & 7, EIO);
}

static void step_grants(struct feed *f)
{
	uint8_t half = feed_u8(f) & 1;

	g.fair = false;
	if (g.page[half]) {
		xen_unshare(g.front, g.page[half], PAGES / 2);
		g.page[half] = NULL;
	} else {
		share_half(half);
	}
}

/* ---- connections -----------------------------------------------------------
 */

static void disconnect(void)
{
	if (!g.open)
		return;
	g.vif.port.ops->close(&g.vif.port);
	g.open = false;
	vw_assert(!g.vif.tx && !g.vif.rx && !g.vif.queue.n);
	vw_assert(xen_sim_mapped(g.sim, GUEST) == 0);
	vw_assert(xen_sim_ports(g.sim, 0) == 0);
}

static struct netback_conf a_conf(struct feed *f)
{
	uint8_t can = feed_u8(f), how = feed_u8(f);
	struct netback_conf c = {
		.dom = how == 0xff ? 3 : GUEST,
		.tx_ref = (how & 0x70) == 0x70 ? a_ref(feed_u8(f)) : g.tx_ref,
		.rx_ref = (how & 0x70) == 0x60 ? a_ref(feed_u8(f)) : g.rx_ref,
		.tx_evt = g.evt[0],
		.rx_evt = how & 1 ? g.evt[1] : g.evt[0],
		.can = can & 0x3f,
		.resume = how & 2,
	};

	if (how & 4) {
		c.rate_bytes = feed_u16(f) * 16u;
		c.rate_us = c.rate_bytes ? 1u + feed_u16(f) : 0;
	}
	if ((how & 0x78) == 0x58)
		c.rx_evt = feed_u16(f);
	return c;
}

static void step_connect(struct feed *f)
{
	struct netback_conf c;
	int err;

	disconnect();
	c = a_conf(f);
	g.vif.port.mtu = 1500;
	g.vif.port.id = 5;
	err = netback_open(&g.vif, &g.spy.x, &c, g.now);
	g.open = !err;
	if (err) {
		vw_assert(!g.vif.tx && !g.vif.rx);
		vw_assert(xen_sim_mapped(g.sim, GUEST) == 0);
		vw_assert(xen_sim_ports(g.sim, 0) == 0);
		return;
	}
	if (c.tx_ref != g.tx_ref || c.rx_ref != g.rx_ref)
		disconnect(); /* the checks look at the two rings */
	else if (c.resume)
		vw_assert(g.vif.tx_cons == g.tx->head.rsp_prod);
}

static void step_death(struct feed *f)
{
	(void)f;
	if (g.front)
		xen_sim_destroy(g.sim, GUEST);
	free_in();
	if (g.open) { /* its pages are there as long as we map them */
		call(RECV, &g.in);
		disconnect();
	}
	xen_close(g.front);
	xen_sim_boot(g.sim, GUEST);
	guest_begin();
}

static const struct {
	void (*step)(struct feed *f);
	bool open; /* only with a connection */
} steps[] = {
	{ step_request, false }, { step_extra, false },	  { step_frame, false },
	{ step_kick, false },	 { step_post, false },	  { step_poke, false },
	{ step_plan, false },	 { step_flip, false },	  { step_recv, true },
	{ step_send, true },	 { step_sleep, true },	  { step_fault, false },
	{ step_grants, false },	 { step_connect, false }, { step_death, false },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static void begin(void)
{
	static const struct xen_sim_conf conf = { .domains = 2,
						  .handles = 3,
						  .pages = 48 };

	if (!g.pool)
		g.pool = frame_pool_new(SMALL_N, LARGE_N);
	g.sim = xen_sim_new(NULL, &conf);
	vw_assert(g.sim);
	g.back = xen_sim_open(g.sim, 0);
	vw_assert(g.back);
	xen_spy_open(&g.spy, g.back);
	g.spy.look = on_copy;
	g.plan_n = g.flip = 0;
	g.id = 0;
	g.now.ns = 1000 * MONO_S;
	guest_begin();
}

static void end(void)
{
	free_in();
	disconnect();
	frame_pool_check(g.pool);
	xen_close(g.front);
	xen_close(g.back);
	xen_sim_free(g.sim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct feed f = { data, len };

	begin();
	step_connect(&f);
	for (uint32_t i = 0; i < STEPS_MAX && f.left; i++) {
		uint8_t what = feed_u8(&f) % STEPS;

		if (steps[what].open && !g.open)
			continue;
		steps[what].step(&f);
		check_buffers();
		if (g.open)
			check_counters();
	}
	end();
	return 0;
}
