/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two pairs of IPv4 addresses that stand for each other on a link. */
#include <string.h>

#include "mock/frames.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "packet/pkt_swap.h"
#include "unit.h"

#define REAL "10.137.0.5"
#define SEEN "192.168.7.5"
#define GW "10.137.0.1"
#define GW_SEEN "192.168.7.1"
#define WORLD "198.51.100.1"

static const struct pkt_swap swaps[] = {
	{ { 10, 137, 0, 5 }, { 192, 168, 7, 5 } },
	{ { 10, 137, 0, 1 }, { 192, 168, 7, 1 } },
};

static const char *other(const char *text)
{
	static const char *const pair[][2] = { { REAL, SEEN },
					       { GW, GW_SEEN } };

	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < 2; k++)
			if (!strcmp(text, pair[i][k]))
				return pair[i][!k];
	return text;
}

static const struct frame_spec
	tcp = { .src = WORLD, .dst = REAL, .proto = IP_TCP },
	udp = { .src = WORLD, .dst = SEEN },
	bare = { .src = WORLD, .dst = SEEN, .udp_csum_none = true },
	echo = { .src = GW, .dst = REAL, .proto = IP_ICMP },
	piece = { .src = GW, .dst = REAL, .frag_off = 512 },
	far = { .src = WORLD, .dst = "203.0.113.1" };

#define ERROR(of)                                                    \
	{                                                            \
		.proto = IP_ICMP, .type = 3, .code = 1, .src = REAL, \
		.dst = WORLD, .quote = &(of)                         \
	}

/* With the addresses of both ends, and of what is quoted. */
static const struct frame_spec frame[] = {
	{ .src = REAL, .dst = WORLD, .proto = IP_TCP },
	{ .src = SEEN, .dst = GW_SEEN, .proto = IP_TCP, .payload_len = 33 },
	{ .src = WORLD, .dst = SEEN },
	{ .src = WORLD, .dst = REAL, .udp_csum_none = true },
	{ .src = GW, .dst = REAL, .proto = IP_ICMP },
	{ .src = GW_SEEN,
	  .dst = REAL,
	  .proto = 47,
	  .raw = true,
	  .payload_len = 40 },
	{ .src = WORLD, .dst = "203.0.113.1" },
	{ .src = "2001:db8::1", .dst = "2001:db8::2" },
	ERROR(tcp),
	ERROR(udp),
	ERROR(bare),
	ERROR(echo),
	ERROR(far),
};

static struct pkt_pool *pool;

static struct frame_spec swapped(const struct frame_spec *s,
				 struct frame_spec *quote)
{
	struct frame_spec out = *s;

	out.src = other(s->src);
	out.dst = other(s->dst);
	if (s->quote) {
		*quote = *s->quote;
		quote->src = other(quote->src);
		quote->dst = other(quote->dst);
		out.quote = quote;
	}
	return out;
}

/* The frames of slow code with the other addresses are the judge. */
static void all_addresses_are_swapped_and_all_sums_follow(void)
{
	pool = frame_pool_new(4, 1);
	for (size_t i = 0; i < sizeof(frame) / sizeof(frame[0]); i++) {
		struct frame_spec quote, spec = swapped(&frame[i], &quote);
		struct pkt *p = frame_parsed(pool, &frame[i]);
		struct pkt *want = frame_parsed(pool, &spec);
		struct pkt *was = frame_parsed(pool, &frame[i]);

		pkt_swap(p, swaps, 2);
		CU_ASSERT_TRUE(frame_same(p, want));
		pkt_swap(p, swaps, 2);
		CU_ASSERT_TRUE(frame_same(p, was));
		pkt_put(pool, p);
		pkt_put(pool, want);
		pkt_put(pool, was);
	}
	frame_pool_free(pool);
}

/* The checksum of a quoted TCP segment is not in its first eight bytes. */
static void what_is_cut_off_a_quote_is_not_touched(void)
{
	struct frame_spec error = ERROR(tcp), quote, spec;
	struct pkt *p, *want;

	pool = frame_pool_new(4, 1);
	error.quote_len = 28;
	spec = swapped(&error, &quote);
	p = frame_parsed(pool, &error);
	want = frame_parsed(pool, &spec);
	pkt_swap(p, swaps, 2);
	CU_ASSERT_TRUE(frame_same(p, want));
	pkt_put(pool, p);
	pkt_put(pool, want);
	frame_pool_free(pool);
}

/* A later piece says nothing of who sent it. */
static void a_quote_that_can_not_be_used_stays(void)
{
	struct frame_spec error = ERROR(piece), spec = error;
	struct pkt *p, *want;

	pool = frame_pool_new(4, 1);
	spec.src = other(spec.src);
	p = frame_parsed(pool, &error);
	want = frame_parsed(pool, &spec);
	pkt_swap(p, swaps, 2);
	CU_ASSERT_TRUE(frame_same(p, want));
	pkt_put(pool, p);
	pkt_put(pool, want);
	frame_pool_free(pool);
}

static void a_sum_that_the_port_completes_stays_one_of_headers(void)
{
	struct frame_spec spec = {
		.src = REAL, .dst = WORLD, .proto = IP_TCP, .partial = true
	};
	struct pkt *p, *want;

	pool = frame_pool_new(4, 1);
	p = frame_parsed(pool, &spec);
	spec.src = SEEN;
	want = frame_parsed(pool, &spec);
	pkt_swap(p, swaps, 2);
	CU_ASSERT_TRUE(frame_same(p, want));
	pkt_put(pool, p);
	pkt_put(pool, want);
	frame_pool_free(pool);
}

/* The first has the checksum of the whole. */
static void pieces_of_a_datagram_are_one_again(void)
{
	static uint8_t whole[2][FRAME_MAX];
	struct frame_spec spec = { .src = REAL, .payload_len = 1016 }, part;
	struct pkt *p, *want;

	pool = frame_pool_new(4, 1);
	frame_write(whole[0], &spec);
	spec.src = SEEN;
	frame_write(whole[1], &spec);
	for (uint16_t off = 0; off <= 512; off = (uint16_t)(off + 512)) {
		part = (struct frame_spec){ .src = REAL,
					    .raw = true,
					    .mf = !off,
					    .frag_off = off,
					    .payload = whole[0] + 34 + off,
					    .payload_len = 512 };
		p = frame_parsed(pool, &part);
		part.src = SEEN;
		part.payload = whole[1] + 34 + off;
		want = frame_parsed(pool, &part);
		pkt_swap(p, swaps, 2);
		CU_ASSERT_TRUE(frame_same(p, want));
		pkt_put(pool, p);
		pkt_put(pool, want);
	}
	frame_pool_free(pool);
}

static void corrupt_stays_corrupt(void)
{
	struct pkt *p;

	pool = frame_pool_new(4, 1);
	p = frame_parsed(pool, &frame[0]);
	p->data[p->l4_off + 16] ^= 1;
	pkt_swap(p, swaps, 2);
	CU_ASSERT_FALSE(frame_sums_ok(p->data, p->len));
	p->data[p->l4_off + 16] ^= 1;
	pkt_put(pool, p);
	frame_pool_free(pool);
}

static void arp_is_about_the_other_addresses(void)
{
	struct frame_arp s = { .spa = SEEN, .tpa = GW_SEEN };
	struct pkt *p, *want;

	pool = frame_pool_new(4, 1);
	p = frame_arp(pool, &s);
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	s.spa = REAL;
	s.tpa = GW;
	want = frame_arp(pool, &s);
	pkt_swap(p, swaps, 2);
	CU_ASSERT_TRUE(frame_same(p, want));
	pkt_put(pool, p);
	pkt_put(pool, want);
	frame_pool_free(pool);
}

static void an_arp_message_that_is_cut_off_is_left_alone(void)
{
	struct pkt *p, *want;

	pool = frame_pool_new(4, 1);
	p = frame_arp(pool, &(struct frame_arp){ .spa = SEEN });
	want = frame_arp(pool, &(struct frame_arp){ .spa = SEEN });
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	p->len = want->len = 14 + 27;
	pkt_swap(p, swaps, 2);
	CU_ASSERT_TRUE(frame_same(p, want));
	pkt_put(pool, p);
	pkt_put(pool, want);
	frame_pool_free(pool);
}

UNIT_SUITE(pkt_swap, UNIT(all_addresses_are_swapped_and_all_sums_follow),
	   UNIT(what_is_cut_off_a_quote_is_not_touched),
	   UNIT(a_quote_that_can_not_be_used_stays),
	   UNIT(a_sum_that_the_port_completes_stays_one_of_headers),
	   UNIT(pieces_of_a_datagram_are_one_again),
	   UNIT(corrupt_stays_corrupt), UNIT(arp_is_about_the_other_addresses),
	   UNIT(an_arp_message_that_is_cut_off_is_left_alone))
