/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_gro.h"

#include <stdlib.h>
#include <string.h>

#include "mock/frames.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "packet/pkt_seg.h"
#include "unit.h"

#define TS "0101080a0102030405060708"
#define TS_LATER "0101080a0102030505060708"
#define UNIT_LEN 1000u

/* Two segments; DF and ids that count up are theirs unless it says otherwise.
 */
struct story {
	const char *what;
	struct frame_spec a, b;
	bool no_df_a, no_df_b;
};

/* A segment of @len bytes that begins @at bytes into the stream. */
#define SEG(at, len, ...)                                                  \
	{                                                                  \
		.proto = IP_TCP, .seq = 7000 + (at), .payload_len = (len), \
		__VA_ARGS__                                                \
	}
#define V6 .src = "2001:db8::2", .dst = "2001:db8:1::1"
#define A SEG(0, UNIT_LEN, )
#define A6 SEG(0, UNIT_LEN, V6)
#define AFTER(...) SEG(UNIT_LEN, UNIT_LEN, __VA_ARGS__)

static const struct story joined[] = {
	{ "IPv4", A, AFTER() },
	{ "IPv6", A6, AFTER(V6) },
	{ "a shorter one ends it", A, SEG(UNIT_LEN, 1, ) },
	{ "a push ends it", A, AFTER(.flags = TCP_ACK | TCP_PSH) },
	{ "the same options", SEG(0, UNIT_LEN, .tcp_options = TS),
	  AFTER(.tcp_options = TS) },
	{ "checksums left to the device", SEG(0, UNIT_LEN, .partial = true),
	  AFTER(.partial = true) },
	{ "one checksum left to the device", A, AFTER(.partial = true) },
	{ "a wrap of the sequence number",
	  SEG(0xffffffffu - 7000 - 499, UNIT_LEN, ),
	  SEG(0xffffffffu - 7000 + 501, UNIT_LEN, ) },
	{ "a wrap of the id", SEG(0, UNIT_LEN, .id = 0xffff), AFTER() },
	{ "what fits behind it as it is", SEG(0, 100, ), SEG(100, 100, ) },
};

static const struct story apart[] = {
	{ "a gap", A, SEG(UNIT_LEN + 1, UNIT_LEN, ) },
	{ "the same again", A, A },
	{ "a longer one", A, SEG(UNIT_LEN, UNIT_LEN + 1, ) },
	{ "no data", A, SEG(UNIT_LEN, 0, ) },
	{ "no data before", SEG(0, 0, ), SEG(0, UNIT_LEN, ) },
	{ "a push before", SEG(0, UNIT_LEN, .flags = TCP_ACK | TCP_PSH),
	  AFTER() },
	{ "FIN", A, AFTER(.flags = TCP_ACK | TCP_FIN) },
	{ "CWR", A, AFTER(.flags = TCP_ACK | TCP_CWR) },
	{ "ECE before", SEG(0, UNIT_LEN, .flags = TCP_ACK | TCP_ECE), AFTER() },
	{ "URG", A, AFTER(.flags = TCP_ACK | TCP_URG, .urgent = 3) },
	{ "an urgent pointer without URG", A, AFTER(.urgent = 3) },
	{ "RST", A, AFTER(.flags = TCP_ACK | TCP_RST) },
	{ "another acknowledgement", A, AFTER(.ack = 91) },
	{ "another window", A, AFTER(.window = 1000) },
	{ "another option", SEG(0, UNIT_LEN, .tcp_options = TS),
	  AFTER(.tcp_options = TS_LATER) },
	{ "an option more", A, AFTER(.tcp_options = TS) },
	{ "another service", A, AFTER(.tos = 4) },
	{ "congestion on the way", SEG(0, UNIT_LEN, .tos = 2),
	  AFTER(.tos = 3) },
	{ "another number of hops", A, AFTER(.ttl = 63) },
	{ "no DF", A, AFTER(), true, true },
	{ "DF in one", A, AFTER(), false, true },
	{ "an IP option", SEG(0, UNIT_LEN, .ip_options = "01010101"),
	  AFTER(.ip_options = "01010101") },
	{ "another port there", A, AFTER(.dport = 81) },
	{ "another port here", A, AFTER(.sport = 40001) },
	{ "another source", A, AFTER(.src = "10.0.0.3") },
	{ "another destination", A, AFTER(.dst = "192.0.2.2") },
	{ "another family", A, AFTER(V6) },
	{ "another host of IPv6", A6,
	  AFTER(.src = "2001:db8::3", .dst = "2001:db8:1::1") },
	{ "another service of IPv6", A6, AFTER(V6, .tos = 4) },
	{ "another number of hops of IPv6", A6, AFTER(V6, .ttl = 63) },
	{ "another MAC address", A, AFTER(.src_mac = "02:00:00:00:00:0c") },
	{ "UDP",
	  { .df = true, .payload_len = UNIT_LEN },
	  { .df = true, .payload_len = UNIT_LEN } },
	{ "an aggregate already", SEG(0, 2 * UNIT_LEN, .gso_size = UNIT_LEN),
	  SEG(2 * UNIT_LEN, UNIT_LEN, ) },
	{ "more than IP can name", SEG(0, 65535 - 40, ), SEG(65535 - 40, 1, ) },
};
#define N(a) (sizeof(a) / sizeof((a)[0]))

/* As it would go over a wire. */
static void complete(struct pkt *p)
{
	pkt_csum_complete(p);
}

/* All that @p puts on a wire is, in this order, @want; frees both. */
static uint32_t check_wire(struct pkt_pool *pool, struct pkt *p,
			   struct pkt **want)
{
	uint32_t n = pkt_seg_count(p), first = 0, at = 0;
	struct pkt again = *p;

	CU_ASSERT_TRUE(p->len == pkt_end(p));
	CU_ASSERT_EQUAL(pkt_parse(&again), PKT_FORWARD);
	CU_ASSERT_EQUAL(memcmp(&again, p, sizeof(again)), 0);
	if (p->gso_type == PKT_GSO_NONE) {
		complete(p);
		complete(want[0]);
		CU_ASSERT_TRUE(frame_same(p, want[0]));
		pkt_put(pool, want[0]);
		pkt_put(pool, p);
		return 1;
	}
	while (first < n) {
		struct pkt_batch out = { 0 };

		first = (uint32_t)pkt_seg_cut(pool, p, first, &out);
		for (uint32_t i = 0; i < out.n; i++, at++) {
			complete(want[at]);
			CU_ASSERT_TRUE(frame_same(out.p[i], want[at]));
			pkt_put(pool, out.p[i]);
			pkt_put(pool, want[at]);
		}
	}
	pkt_put(pool, p);
	return n;
}

static uint32_t tell(struct pkt_pool *pool, const struct story *s)
{
	struct frame_spec first = s->a, second = s->b;
	struct pkt_batch b = { .n = 2 };
	struct pkt *want[2];
	uint32_t n, at = 0;

	first.df = !s->no_df_a;
	second.df = !s->no_df_b;
	second.id = (uint16_t)(first.id + 1);
	for (int i = 0; i < 2; i++) {
		b.p[i] = frame_parsed(pool, i ? &second : &first);
		want[i] = frame_parsed(pool, i ? &second : &first);
	}
	pkt_gro(pool, &b);
	n = b.n;
	for (uint32_t i = 0; i < n; i++) {
		/* an aggregate before it began is not what this is about */
		if (s->a.gso_size) {
			pkt_put(pool, b.p[i]);
			pkt_put(pool, want[i]);
			continue;
		}
		at += check_wire(pool, b.p[i], want + at);
	}
	return n;
}

static void what_follows_is_joined_and_cut_into_the_same_again(void)
{
	struct pkt_pool *pool = frame_pool_new(16, 8);

	for (size_t i = 0; i < N(joined); i++) {
		uint32_t n = tell(pool, &joined[i]);

		CU_ASSERT_EQUAL(n, 1);
		if (n != 1)
			printf("\n  apart: %s", joined[i].what);
		frame_pool_check(pool);
	}
	frame_pool_free(pool);
}

static void what_differs_or_ends_the_flow_stays_apart(void)
{
	struct pkt_pool *pool = frame_pool_new(16, 8);

	for (size_t i = 0; i < N(apart); i++) {
		uint32_t n = tell(pool, &apart[i]);

		CU_ASSERT_EQUAL(n, 2);
		if (n != 2)
			printf("\n  joined: %s", apart[i].what);
		frame_pool_check(pool);
	}
	frame_pool_free(pool);
}

/* @bad: which of three; the sums of CSUM_VALID are not looked at. */
static uint32_t join_three(struct pkt_pool *pool, int bad, uint8_t flags)
{
	struct pkt_batch b = { .n = 3 };
	uint32_t n;

	for (uint32_t i = 0; i < 3; i++) {
		struct frame_spec s = SEG(i * UNIT_LEN, UNIT_LEN, .df = true);

		b.p[i] = frame_parsed(pool, &s);
		b.p[i]->flags |= flags;
		if ((int)i == bad)
			pkt_l4(b.p[i])[16] ^= 1;
	}
	pkt_gro(pool, &b);
	n = b.n;
	for (uint32_t i = 0; i < n; i++) {
		const struct pkt *p = b.p[i];

		/* the damage is still there to be seen */
		CU_ASSERT_EQUAL(p->gso_type == PKT_GSO_NONE &&
					!pkt_csum_l4_ok(p) && !flags,
				bad == (int)i || (bad == 2 && i == 1));
		CU_ASSERT_TRUE(p->gso_type == PKT_GSO_NONE ||
			       p->flags & PKT_F_CSUM_PARTIAL);
		CU_ASSERT_TRUE(p->gso_type == PKT_GSO_NONE ||
			       !(p->flags & PKT_F_CSUM_VALID));
		pkt_put(pool, b.p[i]);
	}
	return n;
}

static void a_damaged_segment_stays_alone_and_damaged(void)
{
	struct pkt_pool *pool = frame_pool_new(3, 2);

	CU_ASSERT_EQUAL(join_three(pool, -1, 0), 1);
	CU_ASSERT_EQUAL(join_three(pool, 0, 0), 2);
	CU_ASSERT_EQUAL(join_three(pool, 1, 0), 3);
	CU_ASSERT_EQUAL(join_three(pool, 2, 0), 2);
	frame_pool_free(pool);
}

static void a_checksum_that_the_sender_vouches_for_is_not_computed(void)
{
	struct pkt_pool *pool = frame_pool_new(3, 1);

	CU_ASSERT_EQUAL(join_three(pool, -2, PKT_F_CSUM_VALID), 1);
	frame_pool_free(pool);
}

static void without_large_buffers_nothing_is_joined(void)
{
	struct pkt_pool *pool = frame_pool_new(3, 0);

	CU_ASSERT_EQUAL(join_three(pool, -1, 0), 3);
	frame_pool_free(pool);
}

static void an_aggregate_ends_where_ip_can_name_no_more(void)
{
	struct pkt_pool *pool = frame_pool_new(PKT_BATCH, 4);
	struct pkt_batch b = { .n = PKT_BATCH };
	const uint32_t len = 1448, each = (65535 - 40) / len;

	for (uint32_t i = 0; i < PKT_BATCH; i++) {
		struct frame_spec s = SEG(i * len, len, .df = true);

		b.p[i] = frame_parsed(pool, &s);
	}
	pkt_gro(pool, &b);
	CU_ASSERT_EQUAL_FATAL(b.n, 2);
	CU_ASSERT_EQUAL(pkt_seg_count(b.p[0]), each);
	CU_ASSERT_EQUAL(pkt_seg_count(b.p[1]), PKT_BATCH - each);
	CU_ASSERT_EQUAL(be32_at(pkt_l4(b.p[1]) + 4), 7000 + each * len);
	pkt_put(pool, b.p[0]);
	pkt_put(pool, b.p[1]);
	frame_pool_free(pool);
}

/* ---- any traffic --------------------------------------------------------- */

#define FLOWS 12

struct flow {
	uint32_t seq;
	uint16_t id;
	uint32_t n; /* segments of it in the batch */
	struct pkt *want[PKT_BATCH];
};

static struct frame_spec next_of(struct flow *f, uint32_t i)
{
	static const uint32_t lens[] = { 0, 1, 499, 500, 500, 500, 500, 500 };
	long r = random();
	struct frame_spec s = {
		.proto = IP_TCP,
		.df = true,
		.sport = (uint16_t)(1000 + i),
		.seq = f->seq,
		.id = f->id++,
		.ack = r % 16 ? 1 : (uint32_t)r,
		.flags = (uint8_t)(TCP_ACK | (r >> 8 & 15 ? 0 : TCP_PSH)),
		.partial = i % 3 == 0,
		.payload_len = lens[r >> 16 & 7],
	};

	if (i % 2) {
		s.src = "2001:db8::2";
		s.dst = "2001:db8:1::1";
	}
	f->seq += (uint32_t)s.payload_len + (r >> 20 & 31 ? 0 : 1);
	return s;
}

static void any_traffic_is_the_same_on_the_wire(void)
{
	struct pkt_pool *pool = frame_pool_new(3 * PKT_BATCH, PKT_BATCH);
	unsigned long rounds = 300 * unit_soak();

	srandom((unsigned int)unit_seed());
	for (unsigned long r = 0; r < rounds; r++) {
		struct flow flow[FLOWS] = { { 0 } };
		struct pkt_batch b = { .n = (uint32_t)random() % PKT_BATCH };
		uint32_t i = 0, at[FLOWS] = { 0 };

		for (uint32_t k = 0; k < b.n; k++) {
			struct frame_spec s;

			if (random() % 3 == 0)
				i = (uint32_t)random() % FLOWS;
			s = next_of(&flow[i], i);
			b.p[k] = frame_parsed(pool, &s);
			flow[i].want[flow[i].n++] = frame_parsed(pool, &s);
		}
		pkt_gro(pool, &b);
		for (uint32_t k = 0; k < b.n; k++) {
			i = b.p[k]->sport - 1000u;
			at[i] += check_wire(pool, b.p[k], flow[i].want + at[i]);
		}
		for (i = 0; i < FLOWS; i++)
			CU_ASSERT_EQUAL(at[i], flow[i].n);
		frame_pool_check(pool);
	}
	frame_pool_free(pool);
}

UNIT_SUITE(pkt_gro, UNIT(what_follows_is_joined_and_cut_into_the_same_again),
	   UNIT(what_differs_or_ends_the_flow_stays_apart),
	   UNIT(a_damaged_segment_stays_alone_and_damaged),
	   UNIT(a_checksum_that_the_sender_vouches_for_is_not_computed),
	   UNIT(without_large_buffers_nothing_is_joined),
	   UNIT(an_aggregate_ends_where_ip_can_name_no_more),
	   UNIT(any_traffic_is_the_same_on_the_wire))
