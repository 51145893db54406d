/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor under the NAT core: the least that translating UDP over IPv4 can
 * cost on this machine.  No policy, no state machine, no timers, no limits, one
 * fixed header shape: a loop over a bucket table and 64-byte records, written
 * for speed alone.  bench_nat runs the same packets through the real thing.
 *
 *	floor_nat NFLOWS IPSIZE PACKETS REPS [BATCH]
 *
 * Flows come from 32 hosts and go to 16 addresses with 16 ports each, through
 * one outside address with a random free port.  Packets take the flows in a
 * random order, out and back in turn, from one ring of 256 buffers to another.
 *
 * INPLACE=1 rewrites in the receive ring, NOHUGE=1 keeps to small pages,
 * VERIFY=1 checks both directions of every flow instead of timing.
 */
#include <arpa/inet.h>
#include <emmintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
	RING = 256,
	BUF = 2048,
	HUGE_PAGE = 2 << 20,
	BATCH_MAX = 64,
	REPS_MAX = 64,
	TUPLE_AT = 12, /* addresses and ports: 12 bytes on end */
	CSUM_AT = 26,
	HDRS = 28,
	OUT = 0,
	BACK = 1,
};

/* As the bytes lie in a packet. */
struct tuple {
	uint32_t src, dst;
	uint16_t sport, dport;
};

/* Both directions of a flow, each as its packets arrive; one cache line. */
struct flow {
	struct tuple as[2];
	uint64_t last;
	uint32_t packets[2];
	uint8_t pad[24];
} __attribute__((aligned(64)));

/* Eight places: a piece of the hash, and flow * 2 + direction. */
struct bucket {
	uint16_t tag[8];
	uint32_t ref[8];
	uint8_t pad[16];
} __attribute__((aligned(64)));

static struct bucket *table;
static uint64_t table_mask;
static struct flow *flows;
static uint32_t flow_n;
static uint64_t key[2];
static size_t table_bytes;

static uint8_t *rx, *tx;
static uint32_t size; /* of each IP packet */
static bool in_place;
static uint32_t *order;	  /* of flows */
static uint16_t *port_of; /* each flow's outside port */
static uint32_t outside;

static uint64_t random_state = 0x9e3779b97f4a7c15u;

/* splitmix64: the same numbers in every run. */
static uint64_t random_u64(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static _Noreturn void die(const char *why)
{
	fprintf(stderr, "floor_nat: %s\n", why);
	exit(1);
}

/* Zeroed memory on large pages, if there are any. */
static void *map(size_t n)
{
	size_t len = (n + 2 * HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("no memory");
	p += -(uintptr_t)p & (HUGE_PAGE - 1);
	(void)madvise(p, n, getenv("NOHUGE") ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	return p;
}

static inline uint32_t load32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static inline uint16_t load16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return v;
}

static inline uint16_t fold(uint64_t s)
{
	s = (s & 0xffffffff) + (s >> 32);
	s = (s & 0xffff) + (s >> 16 & 0xffff) + (s >> 32);
	s = (s & 0xffff) + (s >> 16);
	return (uint16_t)((s & 0xffff) + (s >> 16));
}

/* Two keyed 64 x 64 -> 128 bit products, halves combined. */
static inline uint64_t hash(const struct tuple *t)
{
	__extension__ typedef unsigned __int128 u128;
	uint64_t addrs, ports = load32(&t->sport);
	u128 m;

	memcpy(&addrs, t, 8);
	m = (u128)(addrs ^ key[0]) * (ports ^ key[1]);
	m = (u128)((uint64_t)m ^ key[1]) * ((uint64_t)(m >> 64) ^ key[0]);
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint16_t tag_of(uint64_t h)
{
	return (uint16_t)(h >> 48 | 1);
}

static inline struct bucket *first(uint64_t h)
{
	return table + (h & table_mask);
}

/* The other place follows from one place and the tag, both ways. */
static inline uint64_t other(uint64_t place, uint16_t tag)
{
	return (place ^ tag * 0x2545f491u) & table_mask;
}

static inline struct bucket *second(uint64_t h)
{
	return table + other(h & table_mask, tag_of(h));
}

/* Two bits for each place in @b that has @tag. */
static inline uint32_t candidates(const struct bucket *b, uint16_t tag)
{
	__m128i tags = _mm_load_si128((const void *)b->tag);
	__m128i want = _mm_set1_epi16((int16_t)tag);

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi16(tags, want));
}

static inline bool same(const struct tuple *a, const struct tuple *b)
{
	return a->src == b->src && a->dst == b->dst &&
	       load32(&a->sport) == load32(&b->sport);
}

static inline bool probe(const struct bucket *b, const struct tuple *t,
			 uint16_t tag, uint32_t *ref)
{
	uint32_t m = candidates(b, tag);

	while (m) {
		int i = __builtin_ctz(m) / 2;
		uint32_t r = b->ref[i];

		if (same(&flows[r / 2].as[r % 2], t)) {
			*ref = r;
			return true;
		}
		m &= ~(3u << 2 * i);
	}
	return false;
}

static inline bool look_up(const struct tuple *t, uint64_t h, uint32_t *ref)
{
	return probe(first(h), t, tag_of(h), ref) ||
	       probe(second(h), t, tag_of(h), ref);
}

static bool put(struct bucket *b, uint16_t tag, uint32_t ref)
{
	for (int i = 0; i < 8; i++) {
		if (!b->tag[i]) {
			b->tag[i] = tag;
			b->ref[i] = ref;
			return true;
		}
	}
	return false;
}

/* Moves others out of the way, like a cuckoo. */
static void insert(const struct tuple *t, uint32_t ref)
{
	uint64_t h = hash(t), at = h & table_mask;
	uint16_t tag = tag_of(h);

	for (int kicks = 0; kicks < 500; kicks++) {
		struct bucket *b = table + at;
		int i = (int)(random_u64() % 8);
		uint16_t out_tag = b->tag[i];
		uint32_t out_ref = b->ref[i];

		if (put(b, tag, ref) || put(table + other(at, tag), tag, ref))
			return;
		b->tag[i] = tag;
		b->ref[i] = ref;
		tag = out_tag;
		ref = out_ref;
		at = other(at, tag);
	}
	die("table full");
}

/* What a parser must look at, at least. */
static inline bool sane(const uint8_t *p, uint32_t len)
{
	uint32_t total = ntohs(load16(p + 2));

	return len >= HDRS && p[0] == 0x45 && total <= len &&
	       !(load16(p + 6) & htons(0x3fff)) && p[9] == 17 && p[8] > 0;
}

static inline void read_tuple(struct tuple *t, const uint8_t *p)
{
	memcpy(t, p + TUPLE_AT, sizeof(*t));
}

/* Writes @p to @out as the other side of @f is to see it. */
static inline void rewrite(uint8_t *out, const uint8_t *p, struct flow *f,
			   int dir, uint64_t now)
{
	const struct tuple *to = &f->as[!dir];
	struct tuple is = { to->dst, to->src, to->dport, to->sport }, was;
	uint16_t ip_sum = load16(p + 10), sum = load16(p + CSUM_AT);
	uint16_t ttl = load16(p + 8), ttl_is;
	uint64_t d;

	read_tuple(&was, p);
	if (!in_place)
		memcpy(out, p, size);
	out[8] = (uint8_t)(p[8] - !in_place); /* a ring goes round for ever */
	ttl_is = load16(out + 8);
	d = (uint64_t)~was.src + ~was.dst + is.src + is.dst;
	ip_sum = (uint16_t)~fold(d + (uint16_t)~ip_sum + (uint16_t)~ttl +
				 ttl_is);
	memcpy(out + 10, &ip_sum, 2);
	memcpy(out + TUPLE_AT, &is, sizeof(is));
	if (sum) {
		d += (uint32_t)~load32(&was.sport);
		d += load32(&is.sport);
		sum = (uint16_t)~fold(d + (uint16_t)~sum);
		if (!sum)
			sum = 0xffff;
		memcpy(out + CSUM_AT, &sum, 2);
	}
	f->last = now;
	f->packets[dir]++;
}

static uint8_t *buf(uint8_t *ring, uint64_t k)
{
	return ring + k % RING * BUF;
}

static inline uint32_t ip4(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	return htonl(a << 24 | b << 16 | c << 8 | d);
}

/* What host sends the first packet of flow @i, and to whom. */
static inline struct tuple question(uint32_t i)
{
	return (struct tuple){
		.src = ip4(10, 137, 0, 2 + i % 32),
		.dst = ip4(93, 184, 216, 1 + (i * 7 + i / 512) % 16),
		.sport = htons((uint16_t)(1024 + i / 32 % 64000)),
		.dport = htons((uint16_t)(400 + i / 8 % 16)),
	};
}

static inline struct tuple answer(uint32_t i)
{
	const struct tuple q = question(i);

	return (struct tuple){ q.dst, outside, q.dport, port_of[i] };
}

/*
 * Packet @k of the run: it belongs to the flow at @pos in the order.  Made from
 * the flow's number, so that its record is as cold as for a real packet.
 */
static inline void next_packet(uint64_t k, uint32_t pos, uint64_t round)
{
	uint32_t i = order[pos];
	struct tuple t = (k + round) % 2 ? answer(i) : question(i);

	memcpy(buf(rx, k) + TUPLE_AT, &t, sizeof(t));
}

/* Where in the order of flows the run is. */
struct place {
	uint32_t pos;
	uint64_t round;
};

static inline void step(uint64_t k, struct place *at)
{
	next_packet(k, at->pos, at->round);
	if (++at->pos == flow_n) {
		at->pos = 0;
		at->round++;
	}
}

static uint64_t run_single(uint64_t n)
{
	struct place at = { 0, 0 };
	uint64_t lost = 0;

	for (uint64_t k = 0; k < n; k++) {
		uint8_t *p = buf(rx, k);
		struct tuple t;
		uint32_t ref;

		step(k, &at);
		read_tuple(&t, p);
		if (!sane(p, size) || !look_up(&t, hash(&t), &ref))
			lost++;
		else
			rewrite(buf(tx, k), p, flows + ref / 2, ref % 2, k);
	}
	return lost;
}

/* Starts loading the record that @b says has @tag; false when none does. */
static inline bool fetch(const struct bucket *b, uint16_t tag)
{
	uint32_t m = candidates(b, tag);

	if (m)
		__builtin_prefetch(flows + b->ref[__builtin_ctz(m) / 2] / 2, 1);
	return m != 0;
}

/* In stages, so that all reads that miss the cache are under way together. */
static uint64_t run_batched(uint64_t n, uint32_t batch)
{
	struct place at = { 0, 0 };
	struct tuple t[BATCH_MAX];
	uint64_t h[BATCH_MAX], lost = 0;
	bool there[BATCH_MAX];

	for (uint64_t k = 0; k + batch <= n; k += batch) {
		for (uint32_t j = 0; j < batch; j++)
			step(k + j, &at);
		for (uint32_t j = 0; j < batch; j++) {
			lost += !sane(buf(rx, k + j), size);
			read_tuple(t + j, buf(rx, k + j));
			h[j] = hash(t + j);
			__builtin_prefetch(first(h[j]));
		}
		for (uint32_t j = 0; j < batch; j++) {
			there[j] = fetch(first(h[j]), tag_of(h[j]));
			if (!there[j])
				__builtin_prefetch(second(h[j]));
		}
		for (uint32_t j = 0; j < batch; j++)
			if (!there[j])
				fetch(second(h[j]), tag_of(h[j]));
		for (uint32_t j = 0; j < batch; j++) {
			uint32_t ref;

			if (!look_up(t + j, h[j], &ref))
				lost++;
			else
				rewrite(buf(tx, k + j), buf(rx, k + j),
					flows + ref / 2, ref % 2, k + j);
		}
	}
	return lost;
}

/* Making the packets costs something too. */
static void run_empty(uint64_t n)
{
	struct place at = { 0, 0 };

	for (uint64_t k = 0; k < n; k++) {
		step(k, &at);
		__asm__ volatile("" ::: "memory");
	}
}

/* A flow from its first packet on: look-up, free port, two entries, rewrite. */
static void open_flow(uint32_t i)
{
	uint8_t *p = buf(rx, i);
	struct flow *f = flows + flow_n;
	struct tuple t = question(i), back;
	uint32_t ref;

	memcpy(p + TUPLE_AT, &t, sizeof(t));
	if (!sane(p, size))
		die("packet not sane");
	read_tuple(&t, p);
	if (look_up(&t, hash(&t), &ref))
		die("flow there already");
	do {
		uint64_t port = 1024 + random_u64() % (65535 - 1024);

		back = (struct tuple){ t.dst, outside, t.dport,
				       htons((uint16_t)port) };
	} while (look_up(&back, hash(&back), &ref));
	f->as[OUT] = t;
	f->as[BACK] = back;
	insert(&t, flow_n * 2 + OUT);
	insert(&back, flow_n * 2 + BACK);
	port_of[flow_n++] = back.dport;
	rewrite(buf(tx, i), p, f, OUT, i);
}

static void make_packets(void)
{
	for (uint32_t i = 0; i < RING; i++) {
		uint8_t *p = buf(rx, i);
		uint16_t len = htons((uint16_t)size);
		uint16_t udp_len = htons((uint16_t)(size - 20));

		p[0] = 0x45;
		memcpy(p + 2, &len, 2);
		p[8] = 64;
		p[9] = 17;
		memcpy(p + 24, &udp_len, 2);
		p[CSUM_AT] = 1;
		for (uint32_t j = HDRS; j < size; j++)
			p[j] = (uint8_t)(j * 31);
	}
}

static void set_up(uint32_t n)
{
	uint64_t buckets = 1;

	while (buckets * 8 * 8 / 10 < 2ull * n)
		buckets *= 2;
	table_mask = buckets - 1;
	table_bytes = buckets * sizeof(*table) + n * sizeof(*flows);
	table = map(buckets * sizeof(*table));
	flows = map(n * sizeof(*flows));
	order = calloc(n, sizeof(*order));
	port_of = calloc(n, sizeof(*port_of));
	rx = map(RING * BUF);
	in_place = getenv("INPLACE") != NULL;
	tx = in_place ? rx : map(RING * BUF);
	if (!order || !port_of)
		die("no memory");
	key[0] = random_u64();
	key[1] = random_u64();
	outside = ip4(10, 138, 0, 2);
	make_packets();
	memset(table, 0, buckets * sizeof(*table));
	memset(flows, 0, n * sizeof(*flows));
}

static void shuffle(void)
{
	for (uint32_t i = 0; i < flow_n; i++)
		order[i] = i;
	for (uint32_t i = flow_n - 1; i > 0; i--) {
		uint32_t j = (uint32_t)(random_u64() % (i + 1));
		uint32_t t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
}

static uint64_t sum_bytes(uint64_t s, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		s += i % 2 ? p[i] : (uint64_t)p[i] << 8;
	return s;
}

/* Both checksums of @p, summed whole: 0 and 0 when right. */
static uint32_t sums(const uint8_t *p)
{
	uint32_t ip = fold(sum_bytes(0, p, 20));
	uint32_t udp =
		fold(sum_bytes(17 + size - 20, p + TUPLE_AT, size - TUPLE_AT));

	return (uint32_t)(uint16_t)~ip << 16 | (uint16_t)~udp;
}

static void store16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static bool verify_one(uint32_t i, int dir)
{
	uint8_t *p = rx, *out = tx;
	struct tuple t, to = flows[i].as[!dir];
	const struct tuple want = { to.dst, to.src, to.dport, to.sport };
	uint32_t ref, s;

	memcpy(p + TUPLE_AT, &flows[i].as[dir], sizeof(t));
	store16(p + 10, 0);
	store16(p + CSUM_AT, 0);
	s = sums(p);
	store16(p + 10, s >> 16);
	store16(p + CSUM_AT, (s & 0xffff) ? s & 0xffff : 0xffff);
	read_tuple(&t, p);
	if (!sane(p, size) || !look_up(&t, hash(&t), &ref) ||
	    ref != i * 2 + (uint32_t)dir)
		return false;
	rewrite(out, p, flows + i, dir, 0);
	read_tuple(&t, out);
	return sums(out) == 0 && same(&t, &want) && out[8] == 64 - !in_place &&
	       !memcmp(out + HDRS, p + HDRS, size - HDRS);
}

static int verify(void)
{
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < flow_n; i++)
		for (int dir = OUT; dir <= BACK; dir++)
			wrong += verify_one(i, dir) ? 0u : 1u;
	printf("verify: %u wrong of %u\n", wrong, 2 * flow_n);
	return wrong != 0;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 4 ? (uint32_t)strtoul(argv[1], NULL, 0) : 0;
	uint64_t packets = argc > 4 ? strtoull(argv[3], NULL, 0) : 0;
	uint32_t reps = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 0) : 0;
	uint32_t batch = argc > 5 ? (uint32_t)strtoul(argv[5], NULL, 0) : 1;
	double t, setup, empty = 0, ns[REPS_MAX];
	uint64_t lost = 0;

	size = argc > 4 ? (uint32_t)strtoul(argv[2], NULL, 0) : 0;
	if (!n || n > 1u << 24 || size < HDRS || size > BUF || !packets ||
	    !reps || reps > REPS_MAX || !batch || batch > BATCH_MAX) {
		fputs("usage: floor_nat NFLOWS IPSIZE PACKETS REPS [BATCH]\n",
		      stderr);
		return 2;
	}
	set_up(n);
	t = cpu_ns();
	for (uint32_t i = 0; i < n; i++)
		open_flow(i);
	setup = (cpu_ns() - t) / n;
	if (getenv("VERIFY"))
		return verify();
	shuffle();
	for (uint32_t r = 0; r < reps; r++) {
		t = cpu_ns();
		lost += batch == 1 ? run_single(packets)
				   : run_batched(packets, batch);
		ns[r] = (cpu_ns() - t) / (double)packets;
		if (reps == 1)
			break; /* for counting instructions */
		t = cpu_ns();
		run_empty(packets);
		t = (cpu_ns() - t) / (double)packets;
		if (!r || t < empty)
			empty = t;
	}
	qsort(ns, reps, sizeof(*ns), by_size);
	printf("floor_nat flows=%u size=%u batch=%u setup_ns=%.0f "
	       "setup_per_s=%.0f B_per_flow=%.0f ns_pkt_median=%.1f "
	       "ns_pkt_min=%.1f fill_ns=%.1f net_min=%.1f miss=%llu\n",
	       n, size, batch, setup, 1e9 / setup,
	       (double)table_bytes / (double)n, ns[reps / 2], ns[0], empty,
	       ns[0] - empty, (unsigned long long)lost);
	return 0;
}
