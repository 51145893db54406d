/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_seg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mock/frames.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

#define TS "0101080a0102030405060708" /* 12 bytes of TCP options */
#define V6 .src = "2001:db8::2", .dst = "2001:db8:1::1"

static const struct {
	const char *what;
	struct frame_spec spec;
	uint32_t wire_len; /* of the largest segment, as IP */
	uint32_t count;
} cases[] = {
	{ "IPv4",
	  { .proto = IP_TCP, .payload_len = 3000, .gso_size = 1460 },
	  1500,
	  3 },
	{ "IPv4, exact multiple",
	  { .proto = IP_TCP, .payload_len = 2920, .gso_size = 1460 },
	  1500,
	  2 },
	{ "IPv4, one byte more",
	  { .proto = IP_TCP, .payload_len = 2921, .gso_size = 1460 },
	  1500,
	  3 },
	{ "IPv4, shorter than a segment",
	  { .proto = IP_TCP, .payload_len = 1459, .gso_size = 1460 },
	  1499,
	  1 },
	{ "IPv4, id and sequence number wrap",
	  { .proto = IP_TCP,
	    .payload_len = 9000,
	    .gso_size = 1000,
	    .id = 0xfffd,
	    .df = true,
	    .seq = 0xfffff000 },
	  1040,
	  9 },
	{ "IPv4 with IP and TCP options",
	  { .proto = IP_TCP,
	    .payload_len = 5000,
	    .gso_size = 1436,
	    .ip_options = "0101010101010101010101",
	    .tcp_options = TS,
	    .tos = 0xb9 },
	  1436 + 20 + 12 + 20 + 12,
	  4 },
	{ "IPv4, longest TCP header, odd segments, all flags",
	  { .proto = IP_TCP,
	    .payload_len = 1001,
	    .gso_size = 333,
	    .tcp_options = TS TS TS "01010101",
	    .urgent = 7,
	    .flags = TCP_FIN | TCP_PSH | TCP_ACK | TCP_ECE | TCP_CWR },
	  333 + 80,
	  4 },
	{ "IPv4, as large as IP allows, more segments than a batch",
	  { .proto = IP_TCP,
	    .payload_len = 65535 - 40,
	    .gso_size = 100,
	    .flags = TCP_ACK | TCP_PSH },
	  140,
	  655 },
	{ "IPv4, one byte each",
	  { .proto = IP_TCP, .payload_len = 70, .gso_size = 1 },
	  41,
	  70 },
	{ "IPv6",
	  { V6, .proto = IP_TCP, .payload_len = 4000, .gso_size = 1440 },
	  1500,
	  3 },
	{ "IPv6 with options, all flags",
	  { V6, .proto = IP_TCP, .payload_len = 30001, .gso_size = 1428,
	    .tcp_options = TS, .tos = 3, .seq = 0xffffff00,
	    .flags = TCP_FIN | TCP_PSH | TCP_ACK | TCP_CWR },
	  1500,
	  22 },
	{ "IPv6 with a destination header",
	  { V6, .proto = IP_TCP, .payload_len = 3000, .gso_size = 1000,
	    .ext_type = IP_DSTOPTS, .ext = "0000010400000000" },
	  1000 + 40 + 8 + 20,
	  3 },
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

/* All segments of @p, in batches that have @used places taken already. */
static uint32_t cut_all(struct pkt_pool *pool, const struct pkt *p,
			struct pkt **seg, uint32_t room, uint32_t used)
{
	uint32_t first = 0, count = pkt_seg_count(p), n = 0;

	while (first < count) {
		struct pkt_batch out = { .n = used };
		int next = pkt_seg_cut(pool, p, first, &out);

		CU_ASSERT_FATAL(next > (int)first && (uint32_t)next <= count);
		CU_ASSERT_EQUAL(out.n - used, (uint32_t)next - first);
		CU_ASSERT_TRUE((uint32_t)next == count || out.n == PKT_BATCH);
		CU_ASSERT_FATAL(n + out.n - used <= room);
		memcpy(seg + n, out.p + used, (out.n - used) * sizeof(*seg));
		n += out.n - used;
		first = (uint32_t)next;
	}
	return n;
}

/* The TCP payload of a frame, found by nothing but the frame's own bytes. */
static const uint8_t *payload(const uint8_t *frame, size_t len, size_t *n)
{
	const uint8_t *ip = frame + 14, *tcp;
	size_t ip_len;

	if (ip[0] >> 4 == 4) {
		ip_len = be16_at(ip + 2);
		tcp = ip + (ip[0] & 15) * 4;
	} else {
		ip_len = 40u + be16_at(ip + 4);
		tcp = ip + 40;
		if (ip[6] == IP_DSTOPTS)
			tcp += 8 + 8 * tcp[1];
	}
	CU_ASSERT_EQUAL_FATAL(ip_len + 14, len);
	tcp += (tcp[12] >> 4) * 4;
	*n = (size_t)(frame + len - tcp);
	return tcp;
}

/*
 * Header of segment @i of @n, compared byte by byte with the aggregate's once
 * the fields that have to differ are put back.
 */
static void check_header(const struct pkt *p, const struct pkt *s, uint32_t i,
			 uint32_t n)
{
	uint8_t want[256], got[256];
	uint8_t *w = want + p->l3_off, *g = got + p->l3_off;
	uint8_t *wt = want + p->l4_off, *gt = got + p->l4_off;

	memcpy(want, p->data, p->pay_off);
	memcpy(got, s->data, p->pay_off);
	if (p->l3 == PKT_L3_IP4) {
		CU_ASSERT_EQUAL(be16_at(g + 4), (uint16_t)(be16_at(w + 4) + i));
		memset(w + 2, 0, 4), memset(g + 2, 0, 4);
		memset(w + 10, 0, 2), memset(g + 10, 0, 2);
	} else {
		memset(w + 4, 0, 2), memset(g + 4, 0, 2);
	}
	CU_ASSERT_EQUAL(be32_at(gt + 4), be32_at(wt + 4) + i * p->gso_size);
	memset(wt + 4, 0, 4), memset(gt + 4, 0, 4);
	if (i)
		wt[13] &= 0x7f;
	if (i + 1 < n)
		wt[13] &= 0xf6;
	memset(wt + 16, 0, 2), memset(gt + 16, 0, 2);
	CU_ASSERT_EQUAL(memcmp(want, got, p->pay_off), 0);
}

static void check_cut(struct pkt_pool *pool, const struct pkt *p,
		      uint32_t wire_len, uint32_t used)
{
	static struct pkt *seg[66000];
	uint32_t n = cut_all(pool, p, seg, 66000, used);
	size_t whole_n, at = 0;
	const uint8_t *whole = payload(p->data, p->len, &whole_n);

	CU_ASSERT_EQUAL(n, pkt_seg_count(p));
	for (uint32_t i = 0; i < n; i++) {
		size_t part_n;
		const uint8_t *part =
			payload(seg[i]->data, seg[i]->len, &part_n);
		struct pkt again = *seg[i];

		CU_ASSERT_TRUE(frame_sums_ok(seg[i]->data, seg[i]->len));
		CU_ASSERT_TRUE(seg[i]->len - 14 <= wire_len);
		CU_ASSERT_TRUE(i + 1 == n || part_n == p->gso_size);
		CU_ASSERT_FATAL(part_n <= whole_n - at);
		CU_ASSERT_EQUAL(memcmp(part, whole + at, part_n), 0);
		at += part_n;
		check_header(p, seg[i], i, n);
		/* Described as the parser would. */
		CU_ASSERT_EQUAL(pkt_parse(&again), PKT_FORWARD);
		CU_ASSERT_EQUAL(memcmp(&again, seg[i], sizeof(again)), 0);
		pkt_put(pool, seg[i]);
	}
	CU_ASSERT_EQUAL(at, whole_n);
}

static void R10_segments_join_to_the_aggregate_again(void)
{
	struct pkt_pool *pool = frame_pool_new(700, 2);

	for (size_t i = 0; i < CASES; i++) {
		struct pkt *p = frame_parsed(pool, &cases[i].spec);

		CU_ASSERT_EQUAL(pkt_seg_wire_len(p), cases[i].wire_len);
		CU_ASSERT_EQUAL(pkt_seg_count(p), cases[i].count);
		check_cut(pool, p, cases[i].wire_len, 0);
		check_cut(pool, p, cases[i].wire_len, PKT_BATCH - 1);
		pkt_put(pool, p);
	}
	frame_pool_free(pool);
}

static void any_size_and_any_segment_join_again(void)
{
	struct pkt_pool *pool = frame_pool_new(1500, 1);
	unsigned long rounds = 200 * unit_soak();

	srandom((unsigned int)unit_seed());
	for (unsigned long i = 0; i < rounds; i++) {
		long r = random();
		struct frame_spec s = {
			.proto = IP_TCP,
			.payload_len = 1 + (size_t)random() % 3000,
			.gso_size = (uint16_t)(2 + random() % 1460),
			.seq = (uint32_t)random() << 1,
			.id = (uint16_t)random(),
			.flags = (uint8_t)(TCP_ACK | (r & TCP_FIN) |
					   (r & TCP_PSH) | (r & TCP_CWR)),
			.tcp_options = r & 0x100 ? TS : NULL,
		};
		struct pkt *p;

		if (r & 0x200) {
			s.src = "2001:db8::2";
			s.dst = "2001:db8:1::1";
		}
		p = frame_parsed(pool, &s);
		check_cut(pool, p, pkt_seg_wire_len(p), (uint32_t)(r % 64));
		pkt_put(pool, p);
	}
	frame_pool_free(pool);
}

static void an_ordinary_packet_counts_as_one(void)
{
	struct pkt_pool *pool = frame_pool_new(2, 0);
	struct pkt *p =
		frame_parsed(pool, &(struct frame_spec){ .payload_len = 1000 });

	CU_ASSERT_EQUAL(pkt_seg_count(p), 1);
	CU_ASSERT_EQUAL(pkt_seg_wire_len(p), 1028);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

static void with_too_few_buffers_nothing_is_appended(void)
{
	struct pkt_pool *pool = frame_pool_new(3, 1);
	struct pkt *p =
		frame_parsed(pool, &(struct frame_spec){ .proto = IP_TCP,
							 .payload_len = 4000,
							 .gso_size = 1000 });
	struct pkt_batch out = { .n = 0 };
	uint32_t small, large;

	CU_ASSERT_EQUAL(pkt_seg_cut(pool, p, 0, &out), -ENOSPC);
	CU_ASSERT_EQUAL(out.n, 0);
	pkt_pool_free_n(pool, &small, &large);
	CU_ASSERT_EQUAL(small, 3);
	/* What was cut before stays. */
	CU_ASSERT_EQUAL(pkt_seg_cut(pool, p, 1, &out), 4);
	CU_ASSERT_EQUAL(out.n, 3);
	CU_ASSERT_EQUAL(pkt_seg_cut(pool, p, 0, &out), -ENOSPC);
	CU_ASSERT_EQUAL(out.n, 3);
	while (out.n)
		pkt_put(pool, out.p[--out.n]);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

UNIT_SUITE(pkt_seg, UNIT(R10_segments_join_to_the_aggregate_again),
	   UNIT(any_size_and_any_segment_join_again),
	   UNIT(an_ordinary_packet_counts_as_one),
	   UNIT(with_too_few_buffers_nothing_is_appended))
