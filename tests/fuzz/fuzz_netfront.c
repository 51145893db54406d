/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A netfront whose backend is the input.  It answers what it likes, true or
 * not, writes both rings and our rx pages at any time, also right after we read
 * a word, keeps frames for ever, storms, dies and comes back.
 *
 * After each step: no buffer and no page is lost, each request is somewhere,
 * every drop has its one counter, the frames received are exactly those that a
 * slow reader finds in the ring, a tx page that the backend has is not written
 * again, and a port that is dead touches nothing that is shared.
 *
 * Records: what (1 byte), then what that needs, see steps[].
 */
#include <errno.h>
#include <sys/mman.h>

#include "mock/frames.h"
#include "mock/frames_alike.h"
#include "mock/netif_watch.h"
#include "packet/pkt_ip.h"
#include "tests/fuzz/fuzz.h"
#include "xen/net/netfront.h"
#include "xen/net/offload.h"
#include "xen/xen_sim.h"

#define STEPS_MAX 160u
#define DEAR_MAX 6u /* of those that take long */
#define SMALL_N 100u
#define LARGE_N 6u

enum disturb { CALM, FLIP_TX, FLIP_RX, FLIP_PAGE };

static struct {
	struct xen_sim *sim;
	struct xen *back, *front;
	struct pkt_pool *pool;
	struct netfront vif;
	bool open;
	bool fair;   /* nothing that may not be was answered yet */
	bool honest; /* ... nor an id of a tx request made up */
	struct netif_tx_ring *tx;
	struct netif_rx_ring *rx;
	uint32_t evt;
	uint32_t tx_rsp, tx_seen, rx_rsp;  /* written, read by the backend */
	uint64_t has[NETFRONT_PAGES / 64]; /* tx pages that it was given */
	enum disturb disturb;
	uint8_t flip;
	uint64_t dead_dropped; /* frames sent to a dead port */
	struct pkt_batch in;
	struct mono now;
} g;

/* ---- the frames that a slow reader finds -----------------------------------
 */

struct found {
	bool bad, gso;
	uint32_t len, piece_n;
	struct {
		uint32_t page, off, len;
	} piece[NETIF_SLOTS];
};

static struct {
	struct found frame[NETIF_SLOTS];
	uint32_t n;
	bool lied; /* an id of another slot */
} all;

static void find_piece(struct found *f, const struct netif_rx_rsp *r,
		       uint32_t page)
{
	bool bad = r->status < 0 || r->offset + r->status > 4096 ||
		   (!f->piece_n && r->status < 14);
	uint32_t len = bad ? 0 : (uint32_t)r->status;

	all.lied |= r->id != page;
	f->bad |= bad;
	f->piece[f->piece_n].page = page;
	f->piece[f->piece_n].off = r->offset;
	f->piece[f->piece_n++].len = len;
	f->len += len;
}

/* One frame from @at on; where the next begins. */
static uint32_t find_frame(const struct netif_rx_ring *rx, uint32_t at,
			   uint32_t end)
{
	struct found *f = &all.frame[all.n++];
	struct netif_rx_rsp r = rx->slot[at % NETIF_SLOTS].rsp;
	uint32_t extras = 0, most = NETIF_SLOTS_MIN;

	*f = (struct found){ 0 };
	find_piece(f, &r, at++ % NETIF_SLOTS);
	if (f->len <= 256)
		most++;
	for (bool more = r.flags & NETIF_EXTRA; more;) {
		const struct netif_extra *e = &rx->slot[at % NETIF_SLOTS].extra;

		if (at == end || extras++ == NETIF_EXTRAS_MAX) {
			f->bad = true;
			break;
		}
		at++;
		f->gso |= e->type == NETIF_EXTRA_GSO;
		f->bad |= !e->type || e->type >= NETIF_EXTRA_N;
		more = e->flags & NETIF_EXTRA_MORE;
	}
	while (r.flags & NETIF_MORE_DATA && !all.lied) {
		if (at == end) {
			f->bad = true;
			break;
		}
		r = rx->slot[at % NETIF_SLOTS].rsp;
		find_piece(f, &r, at++ % NETIF_SLOTS);
	}
	f->bad |= f->piece_n > most || f->len > 65549;
	return at;
}

static void find_all(const struct netif_rx_ring *rx, uint32_t from,
		     uint32_t end)
{
	all.n = 0;
	all.lied = false;
	while (from != end && !all.lied)
		from = find_frame(rx, from, end);
}

/* All bytes are those of the pages; of an aggregate we may write the sum. */
static bool is_frame(const struct found *f, const struct pkt *p)
{
	const uint8_t *at = p->data;
	uint32_t may_differ = f->gso ? 2 : 0;

	if (f->bad || f->len != p->len)
		return false;
	for (uint32_t i = 0; i < f->piece_n; i++) {
		const uint8_t *page = g.vif.rx_page +
				      (size_t)f->piece[i].page * XEN_PAGE +
				      f->piece[i].off;

		if (!memcmp(at, page, f->piece[i].len)) {
			at += f->piece[i].len;
			continue;
		}
		for (uint32_t k = 0; k < f->piece[i].len; k++)
			if (*at++ != page[k] && !may_differ--)
				return false;
	}
	return true;
}

/* What recv gave is what there was, in order, but for what it dropped. */
static void check_received(uint64_t dropped)
{
	uint32_t got = 0;

	for (uint32_t i = 0; i < all.n && got + dropped < all.n; i++)
		if (got < g.in.n && is_frame(&all.frame[i], g.in.p[got]))
			got++;
	vw_assert(got == g.in.n);
}

/* ---- what must hold --------------------------------------------------------
 */

static uint64_t faults(const enum netfront_fault *f, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += g.vif.fault[f[i]];
	return sum;
}

static void check_counters(void)
{
	static const enum netfront_fault recv[] = {
		NETFRONT_RX_REFUSED, NETFRONT_RX_CHAIN,	 NETFRONT_RX_EXTRA,
		NETFRONT_RX_GSO,     NETFRONT_NO_BUFFER,
	};
	static const enum netfront_fault send[] = { NETFRONT_TX_FULL,
						    NETFRONT_TX_SHARE,
						    NETFRONT_TX_BIG };
	static const enum netfront_fault fatal[] = { NETFRONT_HUNG,
						     NETFRONT_FATAL_INDEX,
						     NETFRONT_FATAL_ID };

	vw_assert(g.vif.port.stats.recv_dropped == faults(recv, 5));
	vw_assert(g.vif.port.stats.send_dropped ==
		  faults(send, 3) + g.dead_dropped);
	vw_assert(faults(fatal, 3) == (g.vif.dead != 0));
}

/* What the senders hold is what of theirs is out. */
static void check_shares(void)
{
	uint32_t held = 0, owed = 0;

	for (uint32_t i = 0; i < NETFRONT_SENDERS; i++)
		held += g.vif.held[i];
	for (uint32_t id = 0; id < NETFRONT_PAGES; id++)
		if (g.vif.out[id / 64] >> id % 64 & 1)
			owed += g.vif.debt[id].slots;
	vw_assert(held == owed);
}

/* Each tx page is free or out, each request is a page or an extra. */
static void check_pages(void)
{
	uint64_t seen[NETFRONT_PAGES / 64];
	uint32_t out = 0;

	memcpy(seen, g.vif.out, sizeof(seen));
	for (uint32_t i = 0; i < NETFRONT_PAGES / 64; i++)
		out += (uint32_t)__builtin_popcountll(seen[i]);
	vw_assert(out + g.vif.free_n == NETFRONT_PAGES);
	for (uint32_t i = 0; i < g.vif.free_n; i++) {
		uint16_t id = g.vif.free_id[i];

		vw_assert(id < NETFRONT_PAGES);
		vw_assert(!(seen[id / 64] >> id % 64 & 1));
		seen[id / 64] |= 1ull << id % 64;
	}
	if (!g.vif.dead) {
		vw_assert(out + g.vif.extra_n == g.vif.tx_prod - g.vif.tx_cons);
		vw_assert(g.vif.tx_prod - g.vif.tx_cons <= NETIF_SLOTS);
		vw_assert(g.vif.rx_prod - g.vif.rx_cons == NETIF_SLOTS);
	}
}

static void check_buffers(void)
{
	uint32_t small_n, large_n;

	pkt_pool_free_n(g.pool, &small_n, &large_n);
	vw_assert(small_n + large_n + g.in.n == SMALL_N + LARGE_N);
}

static void forbid(int prot)
{
	const size_t pages = (size_t)NETFRONT_PAGES * XEN_PAGE;

	vw_assert(!mprotect(g.vif.tx, XEN_PAGE, prot));
	vw_assert(!mprotect(g.vif.rx, XEN_PAGE, prot));
	vw_assert(!mprotect(g.vif.tx_page, pages, prot));
	vw_assert(!mprotect(g.vif.rx_page, pages, prot));
}

static void check_dead(void)
{
	const struct port_ops *ops = g.vif.port.ops;
	struct pkt_batch none = { 0 };
	bool wake = false;

	vw_assert(!g.fair || g.vif.dead == -ETIMEDOUT);
	forbid(PROT_NONE);
	vw_assert(ops->recv(&g.vif.port, g.pool, &none, g.now) == g.vif.dead);
	vw_assert(ops->send(&g.vif.port, g.pool, &none, g.now) == g.vif.dead);
	vw_assert(!ops->arm(&g.vif.port));
	netfront_event(&g.vif);
	vw_assert(netfront_tick(&g.vif, g.now, &wake).ns == UINT64_MAX);
	forbid(PROT_READ | PROT_WRITE);
}

/* ---- our calls -------------------------------------------------------------
 */

static void free_in(void)
{
	while (g.in.n)
		pkt_put(g.pool, g.in.p[--g.in.n]);
}

static void on_read(struct watch *w, uint32_t word, bool write)
{
	if (!write && (g.flip * (word + 1)) & 4)
		w->page[word] ^= (uint32_t)g.flip * 0x01010101u;
}

static void *disturbed(void)
{
	if (g.disturb == FLIP_PAGE)
		return g.vif.rx_page +
		       (size_t)(g.vif.rx_cons % NETIF_SLOTS) * XEN_PAGE;
	return g.disturb == FLIP_TX ? (void *)g.vif.tx : (void *)g.vif.rx;
}

static int do_recv(void)
{
	static struct watch w;
	int err;

	if (g.disturb == CALM || !watch_begin(&w, disturbed(), on_read))
		return g.vif.port.ops->recv(&g.vif.port, g.pool, &g.in, g.now);
	err = g.vif.port.ops->recv(&g.vif.port, g.pool, &g.in, g.now);
	watch_end(&w);
	if (g.disturb == FLIP_PAGE)
		return err;
	g.fair = g.honest = false;
	vw_assert(w.reads[2] <= 1); /* rsp_prod */
	for (uint32_t i = sizeof(struct netif_ring) / 4; i < 1024; i++)
		vw_assert(w.reads[i] <= 1);
	return err;
}

/* A turn ends with the ring, or when it took enough, and not much later. */
static void check_turn(bool all_taken)
{
	uint32_t bytes = 0, last = 0;

	for (uint32_t i = 0; i < g.in.n; i++) {
		last = g.in.p[i]->len;
		bytes += last;
	}
	vw_assert(all_taken || g.in.n == PKT_BATCH ||
		  bytes >= NETIF_TURN_BYTES);
	vw_assert(bytes - last < NETIF_TURN_BYTES);
}

static void step_recv(struct feed *f)
{
	static struct netif_rx_ring was;
	uint32_t cons = g.vif.rx_cons, end = g.vif.rx->head.rsp_prod;
	uint64_t dropped = g.vif.port.stats.recv_dropped;
	int dead = g.vif.dead, err;

	(void)f;
	free_in();
	was = *g.vif.rx;
	err = do_recv();
	vw_assert(err == g.vif.dead);
	if (err && !dead)
		check_dead();
	if (!err && g.disturb == CALM) {
		vw_assert(end - cons <= NETIF_SLOTS);
		find_all(&was, cons, g.vif.rx_cons);
		dropped = g.vif.port.stats.recv_dropped - dropped;
		vw_assert(!all.lied && all.n == g.in.n + dropped);
		check_turn(g.vif.rx_cons == end);
		check_received(dropped);
	}
	g.disturb = CALM;
}

/* A frame in our ring: pages that the backend did not have, and their bytes. */
static uint32_t check_sent(uint32_t at)
{
	const struct netif_tx_req *r = &g.vif.tx->slot[at % NETIF_SLOTS].req;
	uint32_t left = r->size;
	bool first = true, more;
	uint8_t plain = 0;

	do {
		uint32_t part = left < XEN_PAGE ? left : XEN_PAGE;
		const uint8_t *page;

		r = &g.vif.tx->slot[at++ % NETIF_SLOTS].req;
		vw_assert(r->id < NETFRONT_PAGES && !r->offset && left);
		vw_assert(r->gref == g.vif.tx_ref[r->id]);
		vw_assert(first || r->size == part);
		vw_assert(!g.honest || !(g.has[r->id / 64] >> r->id % 64 & 1));
		g.has[r->id / 64] |= 1ull << r->id % 64;
		page = g.vif.tx_page + (size_t)r->id * XEN_PAGE;
		if (first)
			plain = page[0];
		for (uint32_t i = 0; i < part && plain & FRAMES_PLAIN; i++)
			vw_assert(page[i] == plain);
		more = r->flags & NETIF_MORE_DATA;
		at += first && r->flags & NETIF_EXTRA;
		left -= part;
		first = false;
	} while (more);
	vw_assert(!left);
	return at;
}

static void step_send(struct feed *f)
{
	uint8_t n = feed_u8(f), seed = feed_u8(f);
	uint16_t len = feed_u16(f);
	uint32_t from = g.vif.tx_prod, frames;
	struct pkt_batch b = { 0 };
	int dead = g.vif.dead, err;

	free_in();
	frames_alike(&b, g.pool, n % (PKT_BATCH + 1u), n >> 6, len, seed);
	for (uint32_t i = 0; i < b.n; i++) /* 6 is our own */
		b.p[i]->in = seed & 7;
	frames = b.n;
	err = g.vif.port.ops->send(&g.vif.port, g.pool, &b, g.now);
	vw_assert(!b.n && err == g.vif.dead);
	if (err)
		g.dead_dropped += frames;
	if (err && !dead)
		check_dead();
	while (!err && from != g.vif.tx_prod)
		from = check_sent(from);
	if (!err && g.fair)
		vw_assert(g.vif.tx->head.req_prod == g.vif.tx_prod);
}

static void step_sleep(struct feed *f)
{
	uint32_t port[4];
	bool wake = false;
	struct mono next;
	int n, dead = g.vif.dead;

	if (g.vif.port.ops->arm(&g.vif.port))
		vw_assert(!g.vif.dead);
	g.now = mono_add_ms(g.now, feed_u8(f) * 8u);
	next = netfront_tick(&g.vif, g.now, &wake);
	vw_assert(wake || dead || next.ns > g.now.ns);
	if (g.vif.dead && !dead)
		check_dead();
	n = xen_evt_take(g.front, port, 4);
	for (int i = 0; i < n; i++)
		netfront_event(&g.vif);
}

/* ---- the backend -----------------------------------------------------------
 */

static void give_back(uint16_t id)
{
	if (id < NETFRONT_PAGES)
		g.has[id / 64] &= ~(1ull << id % 64);
}

static void put_tx(uint16_t id, int16_t status)
{
	give_back(id);
	g.tx->slot[g.tx_rsp++ % NETIF_SLOTS].rsp =
		(struct netif_tx_rsp){ id, status };
}

/* Answers frames as Linux does; @how many slots at most. */
static void step_answer(struct feed *f)
{
	uint32_t prod = g.tx->head.req_prod, n = feed_u8(f);

	for (; g.honest && n && g.tx_seen != prod; n--) {
		struct netif_tx_req r = g.tx->slot[g.tx_seen % NETIF_SLOTS].req;

		put_tx(r.id, NETIF_RSP_OKAY);
		g.tx_seen++;
		if (r.flags & NETIF_EXTRA) {
			g.tx->slot[g.tx_rsp++ % NETIF_SLOTS].rsp =
				(struct netif_tx_rsp){ 0, NETIF_RSP_NULL };
			g.tx_seen++;
		}
	}
	g.tx->head.rsp_prod = g.tx_rsp;
}

static void step_lie(struct feed *f)
{
	uint16_t id = feed_u8(f);

	g.fair = g.honest = false;
	put_tx(id == 0xff ? 0x1ff : id, (int16_t)(feed_u8(f) - 0x80));
}

static void put_rx(const struct netif_rx_rsp *r)
{
	g.rx->slot[g.rx_rsp++ % NETIF_SLOTS].rsp = *r;
}

/* A frame as an honest backend gives it: pieces of one size, one extra. */
static void step_frame(struct feed *f)
{
	uint32_t len = 14u + feed_u16(f), how = feed_u8(f);
	uint32_t each = 14u + 510u * (how & 7), n = (len + each - 1) / each;
	uint16_t flags =
		(uint16_t)((how >> 3 & 3) | (how & 32 ? NETIF_EXTRA : 0));

	if (g.rx_rsp + n + 1 - g.vif.rx_cons > NETIF_SLOTS)
		return;
	for (uint32_t at = 0; at < len; at += each) {
		uint32_t left = len - at, part = left < each ? left : each;

		put_rx(&(struct netif_rx_rsp){
			.id = (uint16_t)(g.rx_rsp % NETIF_SLOTS),
			.offset = (uint16_t)(how >> 6),
			.flags = flags | (left > each ? NETIF_MORE_DATA : 0),
			.status = (int16_t)part });
		if (flags & NETIF_EXTRA)
			g.rx->slot[g.rx_rsp++ % NETIF_SLOTS].extra =
				(struct netif_extra){
					.type = NETIF_EXTRA_GSO,
					.gso_size = 500,
					.gso_type = 1 + (how >> 6 & 1)
				};
		flags = 0;
	}
}

static void step_piece(struct feed *f)
{
	uint8_t id = feed_u8(f);

	g.fair = false;
	put_rx(&(struct netif_rx_rsp){
		.id = id == 0xff ? feed_u16(f)
				 : (uint16_t)(g.rx_rsp % NETIF_SLOTS),
		.flags = feed_u8(f),
		.offset = feed_u16(f),
		.status = (int16_t)feed_u16(f) });
}

static void step_extra(struct feed *f)
{
	g.fair = false;
	g.rx->slot[g.rx_rsp++ % NETIF_SLOTS].extra =
		(struct netif_extra){ .type = feed_u8(f),
				      .flags = feed_u8(f),
				      .gso_size = feed_u16(f),
				      .gso_type = feed_u8(f) };
}

static void step_kick(struct feed *f)
{
	uint8_t how = feed_u8(f);

	if (how < 0xe0) {
		g.tx->head.rsp_prod = g.tx_rsp;
		g.rx->head.rsp_prod = g.rx_rsp;
	} else {
		g.fair = g.honest = false;
		(how & 1 ? &g.tx->head : &g.rx->head)->rsp_prod += feed_u16(f);
	}
	(void)xen_evt_notify(g.back, g.evt);
}

static void step_poke(struct feed *f)
{
	uint32_t *ring = feed_u8(f) & 1 ? (uint32_t *)(void *)g.tx
					: (uint32_t *)(void *)g.rx;
	uint8_t where = feed_u8(f);

	g.fair = g.honest = false;
	ring[where & 128 ? where & 3 : 16u + where] ^= feed_u16(f) * 0x10001u;
}

/* Bytes of a packet in the page that is answered next. */
static void step_fill(struct feed *f)
{
	uint8_t *page =
		g.vif.rx_page + (size_t)(g.rx_rsp % NETIF_SLOTS) * XEN_PAGE;
	static uint8_t frame[FRAME_MAX];
	uint8_t how = feed_u8(f);
	size_t len;

	if (how & 1) {
		memset(page, how, XEN_PAGE);
		return;
	}
	len = frame_write(frame, &(struct frame_spec){
					 .proto = how & 2 ? IP_TCP : 0,
					 .src = how & 4 ? "fd00::2" : NULL,
					 .dst = how & 4 ? "2001:db8::1" : NULL,
					 .payload_len = how * 15u,
					 .partial = how & 8 });
	memcpy(page + (how >> 6), frame, len < 4000 ? len : 4000);
}

static void step_disturb(struct feed *f)
{
	g.disturb = feed_u8(f) & 3;
	g.flip = feed_u8(f);
}

/* ---- connections -----------------------------------------------------------
 */

static void backend_open(uint32_t tx_ref, uint32_t rx_ref, uint32_t evt)
{
	void *tx, *rx;

	g.back = xen_sim_open(g.sim, 0);
	vw_assert(g.back);
	vw_assert(!xen_map(g.back, 1, &tx_ref, 1, &tx));
	vw_assert(!xen_map(g.back, 1, &rx_ref, 1, &rx));
	vw_assert(!xen_evt_bind(g.back, 1, evt, &g.evt));
	g.tx = tx;
	g.rx = rx;
}

static void disconnect(void)
{
	if (!g.open)
		return;
	g.open = false;
	free_in();
	g.vif.port.ops->close(&g.vif.port);
	vw_assert(!g.vif.tx && !g.vif.rx && !g.vif.tx_page && !g.vif.rx_page);
	vw_assert(xen_sim_ports(g.sim, 1) == 0);
	xen_close(g.back);
	vw_assert(xen_sim_shared(g.sim, 1) == 0);
}

static void step_connect(struct feed *f)
{
	uint8_t can = feed_u8(f), fault = feed_u8(f);
	struct netfront_keys keys;
	int err;

	disconnect();
	if (fault & 0x80)
		xen_sim_fail(g.front, fault & 1 ? XEN_SIM_SHARE : XEN_SIM_ALLOC,
			     fault >> 1 & 3, EIO);
	g.vif.port.mtu = 1500;
	g.vif.port.id = 6;
	err = netfront_open(&g.vif, g.front, 0, can & 0x1f, &keys, g.now);
	xen_sim_fail(g.front, XEN_SIM_ANY, 0, 0);
	g.open = !err;
	if (err) {
		vw_assert(xen_sim_shared(g.sim, 1) == 0);
		vw_assert(xen_sim_ports(g.sim, 1) == 0);
		return;
	}
	backend_open(keys.tx_ref, keys.rx_ref, keys.evt);
	g.tx_rsp = g.tx_seen = g.rx_rsp = 0;
	g.fair = g.honest = true;
	g.disturb = CALM;
	g.dead_dropped = 0;
	memset(g.has, 0, sizeof(g.has));
}

static const struct {
	void (*step)(struct feed *f);
	bool open; /* only with a connection */
	bool dear;
} steps[] = {
	{ step_recv, true, false },    { step_send, true, false },
	{ step_sleep, true, false },   { step_answer, true, false },
	{ step_lie, true, false },     { step_frame, true, false },
	{ step_piece, true, false },   { step_extra, true, false },
	{ step_kick, true, false },    { step_poke, true, false },
	{ step_fill, true, false },    { step_disturb, true, true },
	{ step_connect, false, true },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static void begin(void)
{
	static const struct xen_sim_conf conf = { .domains = 2,
						  .handles = 2,
						  .pages = 514 };

	if (!g.pool) {
		g.pool = frame_pool_new(SMALL_N, LARGE_N);
		g.sim = xen_sim_new(NULL, &conf);
		vw_assert(g.sim);
		g.front = xen_sim_open(g.sim, 1);
		vw_assert(g.front);
	}
	g.now.ns = 1000 * MONO_S;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct feed f = { data, len };
	uint32_t dear = 0;

	begin();
	step_connect(&f);
	for (uint32_t i = 0; i < STEPS_MAX && f.left; i++) {
		uint8_t what = feed_u8(&f) % STEPS;

		if (steps[what].open && !g.open)
			continue;
		if (steps[what].dear && dear++ == DEAR_MAX)
			break;
		steps[what].step(&f);
		check_buffers();
		if (g.open) {
			check_counters();
			check_pages();
			check_shares();
		}
	}
	disconnect();
	frame_pool_check(g.pool);
	return 0;
}
