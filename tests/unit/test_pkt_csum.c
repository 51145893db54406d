/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "mock/frames.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

static struct pkt_pool *pool;

static void begin(void)
{
	srand((unsigned int)unit_seed());
	pool = frame_pool_new(4, 2);
}

static void end(void)
{
	frame_pool_free(pool);
}

/* RFC 1071 as it stands: 16 bits at a time, carries at once. */
static uint16_t slow_sum(const uint8_t *b, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? b[i] : (uint32_t)b[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

/* The code's sums are of words as in memory: compare them as bytes. */
static uint16_t as_be(uint16_t folded)
{
	uint8_t b[2];

	memcpy(b, &folded, 2);
	return be16_at(b);
}

static void fill(uint8_t *b, size_t n, int kind)
{
	for (size_t i = 0; i < n; i++)
		b[i] = kind == 0 ? 0 : kind == 1 ? 0xff : (uint8_t)rand();
}

static void the_sum_is_that_of_RFC_1071_at_every_length_and_alignment(void)
{
	static uint8_t b[600];

	begin();
	for (int kind = 0; kind < 3; kind++) {
		fill(b, sizeof(b), kind);
		for (size_t at = 0; at < 8; at++)
			for (size_t len = 0; len + at <= 300; len++) {
				uint64_t sum = pkt_csum_add(0, b + at, len);

				CU_ASSERT_EQUAL(as_be(pkt_csum_fold(sum)),
						slow_sum(b + at, len));
			}
	}
	end();
}

static void the_largest_sum_does_not_overflow(void)
{
	static uint8_t b[65535 + 1];

	fill(b, sizeof(b), 1);
	CU_ASSERT_EQUAL(pkt_csum_fold(pkt_csum_add(0, b, 65536)), 0xffff);
	CU_ASSERT_EQUAL(pkt_csum_fold(pkt_csum_add(UINT64_MAX, b, 65536)),
			0xffff);
	CU_ASSERT_EQUAL(pkt_csum_fold(UINT64_MAX), 0xffff);
	CU_ASSERT_EQUAL(pkt_csum_fold(UINT64_MAX - 1), 0xfffe);
	CU_ASSERT_EQUAL(pkt_csum_fold(0), 0);
	CU_ASSERT_EQUAL(pkt_csum_fold(0x10000), 1);
}

static void pieces_add_up_to_the_whole(void)
{
	uint8_t b[128];

	begin();
	fill(b, sizeof(b), 2);
	for (size_t cut = 0; cut <= sizeof(b); cut += 2) {
		uint64_t sum = pkt_csum_add(0, b, cut);

		sum = pkt_csum_add(sum, b + cut, sizeof(b) - cut);
		CU_ASSERT_EQUAL(as_be(pkt_csum_fold(sum)),
				slow_sum(b, sizeof(b)));
	}
	end();
}

/*
 * Changing one 16-bit field from every value to some others, under sums that
 * include the corners 0 and 0xffff: as if recomputed (RFC 1624 shows where
 * RFC 1141 goes wrong).
 */
static void R4_an_update_gives_what_recomputing_would(void)
{
	static const uint16_t other[] = { 0, 1, 0x5555, 0xfffe, 0xffff };
	uint8_t b[8] = { 0x12, 0x34, 0, 0, 0, 0, 0xde, 0xad };

	for (uint32_t from = 0; from <= 0xffff; from++)
		for (size_t i = 0; i < 5; i++) {
			struct pkt_csum_delta d = { 0 };
			uint16_t was, is;

			be16_set(b + 2, (uint16_t)from);
			be16_set(b + 4, 0);
			was = (uint16_t)~slow_sum(b, 8);
			be16_set(b + 2, other[i]);
			is = (uint16_t)~slow_sum(b, 8);
			be16_set(b + 4, was);
			pkt_csum_change16(&d, (uint16_t)from, other[i]);
			pkt_csum_apply(&d, b + 4);
			CU_ASSERT_EQUAL(be16_at(b + 4), is);
		}
}

static void the_example_of_RFC_1624_comes_out_right(void)
{
	uint8_t field[2] = { 0xdd, 0x2f };
	struct pkt_csum_delta d = { 0 };

	pkt_csum_change16(&d, 0x5555, 0x3285);
	pkt_csum_apply(&d, field);
	CU_ASSERT_EQUAL(be16_at(field), 0x0000);
}

static void an_update_covers_addresses_of_both_families(void)
{
	uint8_t b[64], to[16];

	begin();
	for (int i = 0; i < 20000; i++) {
		static const size_t lens[] = { 2, 4, 6, 16 };
		size_t len = lens[rand() % 4];
		size_t at = (size_t)(rand() % 24) * 2;
		struct pkt_csum_delta d = { 0 };
		uint16_t sum;

		fill(b, sizeof(b), rand() % 40 ? 2 : 1);
		fill(to, sizeof(to), rand() % 3);
		be16_set(b + 62, 0);
		sum = (uint16_t)~slow_sum(b, sizeof(b));
		be16_set(b + 62, sum);
		pkt_csum_change(&d, b + at, to, len);
		memcpy(b + at, to, len);
		pkt_csum_apply(&d, b + 62);
		CU_ASSERT_EQUAL(slow_sum(b, sizeof(b)), 0xffff);
	}
	end();
}

static void R4_UDP_without_a_checksum_stays_without(void)
{
	struct pkt_csum_delta d = { 0 };
	uint8_t none[2] = { 0, 0 }, one[2] = { 0xdd, 0x2f };

	pkt_csum_change16(&d, 0x5555, 0x3285);
	pkt_csum_apply_udp(&d, none);
	CU_ASSERT_EQUAL(be16_at(none), 0);
	pkt_csum_apply_udp(&d, one); /* would be 0, which says "none" */
	CU_ASSERT_EQUAL(be16_at(one), 0xffff);
}

/* Echo reply, id 9 -> 0, sequence number 0, no payload: nothing but zeros. */
static void an_echo_reply_of_zeros_has_the_checksum_ffff(void)
{
	uint8_t b[8] = { 0, 0, 0, 0, 0, 9, 0, 0 };
	struct pkt_csum_delta d = { 0 };

	be16_set(b + 2, (uint16_t)~slow_sum(b, sizeof(b)));
	pkt_csum_change16(&d, 9, 0);
	be16_set(b + 4, 0);
	pkt_csum_apply_icmp4(&d, b + 2);
	CU_ASSERT_EQUAL(be16_at(b + 2), 0xffff);
	d.sum = 0;
	pkt_csum_change16(&d, 0, 9);
	be16_set(b + 4, 9);
	pkt_csum_apply_icmp4(&d, b + 2);
	CU_ASSERT_EQUAL(slow_sum(b, sizeof(b)), 0xffff);
}

static void R4_a_wrong_checksum_stays_wrong_by_as_much(void)
{
	struct pkt *p;
	uint16_t good, bad;

	begin();
	p = frame_parsed(pool, &(struct frame_spec){ .payload_len = 9 });
	good = be16_at(pkt_csum_field(p));
	bad = (uint16_t)(good ^ 0x0100);
	for (int i = 0; i < 2; i++) {
		struct pkt_csum_delta d = { 0 };

		be16_set(pkt_csum_field(p), i ? bad : good);
		CU_ASSERT_EQUAL(pkt_csum_l4_ok(p), !i);
		pkt_csum_change16(&d, p->sport, 1234);
		be16_set(pkt_l4(p), 1234);
		pkt_csum_apply_udp(&d, pkt_csum_field(p));
		CU_ASSERT_EQUAL(pkt_csum_l4_ok(p), !i);
		be16_set(pkt_l4(p), p->sport);
	}
	pkt_put(pool, p);
	end();
}

static void an_IP_header_is_checked_and_set(void)
{
	uint8_t h[60];

	begin();
	for (size_t len = 20; len <= 60; len += 4)
		for (int i = 0; i < 200; i++) {
			size_t bit = (size_t)rand() % (len * 8);

			fill(h, sizeof(h), 2);
			h[0] = 0x45;
			pkt_csum_ip_set(h, len);
			CU_ASSERT_EQUAL(slow_sum(h, len), 0xffff);
			CU_ASSERT(pkt_csum_ip_ok(h, len));
			h[bit / 8] ^= (uint8_t)(1 << bit % 8);
			CU_ASSERT_FALSE(pkt_csum_ip_ok(h, len));
		}
	end();
}

/* Every kind of packet that has a transport checksum, and its field. */
static const struct frame_spec with_sum[] = {
	{ .proto = IP_TCP, .payload_len = 7 },
	{ .proto = IP_UDP, .payload_len = 7 },
	{ .proto = IP_ICMP, .payload_len = 7 },
	{ .proto = IP_TCP, .src = "fd00::2", .dst = "2001:db8::1" },
	{ .proto = IP_UDP, .src = "fd00::2", .dst = "2001:db8::1" },
	{ .proto = IP_ICMP6, .src = "fd00::2", .dst = "2001:db8::1" },
	{ .proto = IP_ICMP6, .type = 143, .src = "fd00::2", .dst = "fd00::1" },
	{ .proto = IP_TCP,
	  .src = "fd00::2",
	  .dst = "2001:db8::1",
	  .ext_type = IP_DSTOPTS,
	  .ext = "00 00 01 04 00000000" },
	{ .proto = IP_UDP, .ip_options = "01010101", .payload_len = 1400 },
};
#define WITH_SUM_N (sizeof(with_sum) / sizeof(with_sum[0]))

static void transport_checksums_are_checked_and_set(void)
{
	begin();
	for (size_t i = 0; i < WITH_SUM_N; i++) {
		struct pkt *p = frame_parsed(pool, &with_sum[i]);
		uint8_t *field = pkt_csum_field(p);
		uint16_t right = be16_at(field);

		CU_ASSERT(frame_sums_ok(p->data, p->len));
		CU_ASSERT(pkt_csum_l4_ok(p));
		be16_set(field, (uint16_t)(right ^ 0x8001));
		CU_ASSERT_FALSE(pkt_csum_l4_ok(p));
		pkt_csum_l4_set(p);
		CU_ASSERT_EQUAL(be16_at(field), right);
		pkt_csum_complete(p); /* nothing to complete */
		CU_ASSERT_EQUAL(be16_at(field), right);
		pkt_put(pool, p);
	}
	end();
}

static void what_has_no_transport_checksum_has_no_field(void)
{
	static const struct frame_spec without[] = {
		{ .proto = 47 },
		{ .proto = IP_ICMP6 },
		{ .proto = IP_ICMP, .src = "fd00::2", .dst = "fd00::1" },
		{ .proto = IP_UDP, .mf = true, .payload_len = 8 },
		{ .proto = IP_TCP, .frag_off = 64, .payload_len = 8 },
	};

	begin();
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		struct pkt *p = frame_parsed(pool, &without[i]);
		struct pkt before = *p;

		CU_ASSERT_PTR_NULL(pkt_csum_field(p));
		CU_ASSERT(pkt_csum_l4_ok(p));
		pkt_csum_l4_set(p);
		CU_ASSERT(!memcmp(&before, p, sizeof(before)));
		pkt_put(pool, p);
	}
	end();
}

static void R5_a_partial_checksum_is_completed(void)
{
	begin();
	for (size_t i = 0; i < WITH_SUM_N; i++) {
		struct frame_spec s = with_sum[i];
		struct pkt *whole, *p;

		if (s.proto != IP_TCP && s.proto != IP_UDP)
			continue;
		whole = frame_parsed(pool, &s);
		s.partial = true;
		p = frame_parsed(pool, &s);
		CU_ASSERT(p->flags & PKT_F_CSUM_PARTIAL);
		CU_ASSERT(pkt_csum_l4_ok(p));
		CU_ASSERT_FALSE(frame_sums_ok(p->data, p->len));
		CU_ASSERT_EQUAL(as_be(pkt_csum_pseudo(p, p->len - p->l4_off)),
				be16_at(pkt_csum_field(p)));
		pkt_csum_complete(p);
		CU_ASSERT_FALSE(p->flags & PKT_F_CSUM_PARTIAL);
		CU_ASSERT(frame_same(p, whole));
		pkt_put(pool, p);
		pkt_put(pool, whole);
	}
	end();
}

static void R5_a_partial_checksum_follows_edits_of_the_addresses(void)
{
	const uint8_t to[4] = { 203, 0, 113, 200 };

	begin();
	for (int proto = IP_TCP; proto <= IP_UDP; proto += IP_UDP - IP_TCP) {
		struct pkt_csum_delta addr = { 0 };
		struct pkt *p = frame_parsed(
			pool, &(struct frame_spec){ .proto = (uint8_t)proto,
						    .payload_len = 33,
						    .partial = true });

		pkt_csum_change(&addr, pkt_l3(p) + 12, to, 4);
		memcpy(pkt_l3(p) + 12, to, 4);
		pkt_csum_apply(&addr, pkt_l3(p) + 10);
		pkt_csum_apply_partial(&addr, pkt_csum_field(p));
		/* The port is summed when the rest is: no edit of the field. */
		be16_set(pkt_l4(p), 61234);
		pkt_csum_complete(p);
		CU_ASSERT(frame_sums_ok(p->data, p->len));
		pkt_put(pool, p);
	}
	end();
}

static void setting_the_checksum_of_a_partial_packet_completes_it_too(void)
{
	struct pkt *p;

	begin();
	p = frame_parsed(pool, &(struct frame_spec){ .partial = true });
	pkt_csum_l4_set(p);
	CU_ASSERT_FALSE(p->flags & PKT_F_CSUM_PARTIAL);
	CU_ASSERT(frame_sums_ok(p->data, p->len));
	pkt_put(pool, p);
	end();
}

/* Payloads that bring the sum to 0xffff, so that its complement is 0. */
static void a_UDP_checksum_that_comes_out_0_is_sent_as_ffff(void)
{
	begin();
	for (int partial = 0; partial < 2; partial++) {
		uint8_t payload[2] = { 0, 0 };
		struct frame_spec s = { .payload = payload, .payload_len = 2 };
		struct pkt *p = frame_parsed(pool, &s);

		be16_set(payload, be16_at(pkt_csum_field(p)));
		pkt_put(pool, p);
		s.partial = partial;
		p = frame_parsed(pool, &s);
		if (partial)
			pkt_csum_complete(p);
		else
			pkt_csum_l4_set(p);
		CU_ASSERT_EQUAL(be16_at(pkt_csum_field(p)), 0xffff);
		CU_ASSERT(pkt_csum_l4_ok(p));
		pkt_put(pool, p);
	}
	end();
}

static void a_TCP_checksum_that_comes_out_0_is_sent_as_0(void)
{
	uint8_t payload[2] = { 0, 0 };
	struct frame_spec s = { .proto = IP_TCP,
				.payload = payload,
				.payload_len = 2 };
	struct pkt *p;

	begin();
	p = frame_parsed(pool, &s);
	be16_set(payload, be16_at(pkt_csum_field(p)));
	memcpy(p->data + p->pay_off, payload, 2);
	pkt_csum_l4_set(p);
	CU_ASSERT_EQUAL(be16_at(pkt_csum_field(p)), 0);
	CU_ASSERT(pkt_csum_l4_ok(p));
	pkt_put(pool, p);
	end();
}

static void UDP_is_summed_over_its_own_length(void)
{
	struct pkt *p;

	begin();
	p = frame_make(pool, &(struct frame_spec){ .payload_len = 20 });
	be16_set(p->data + 38, 12); /* 4 of the 20 bytes */
	frame_fix(p->data, p->len);
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	CU_ASSERT(pkt_csum_l4_ok(p));
	p->data[p->len - 1] ^= 1;
	CU_ASSERT(pkt_csum_l4_ok(p));
	p->data[p->pay_off] ^= 1;
	CU_ASSERT_FALSE(pkt_csum_l4_ok(p));
	pkt_put(pool, p);
	end();
}

static void UDP_over_IPv4_may_have_no_checksum(void)
{
	struct pkt *p;

	begin();
	p = frame_parsed(pool, &(struct frame_spec){ .udp_csum_none = true });
	CU_ASSERT(pkt_csum_l4_ok(p));
	pkt_put(pool, p);
	end();
}

UNIT_SUITE(pkt_csum,
	   UNIT(the_sum_is_that_of_RFC_1071_at_every_length_and_alignment),
	   UNIT(the_largest_sum_does_not_overflow),
	   UNIT(pieces_add_up_to_the_whole),
	   UNIT(R4_an_update_gives_what_recomputing_would),
	   UNIT(the_example_of_RFC_1624_comes_out_right),
	   UNIT(an_update_covers_addresses_of_both_families),
	   UNIT(R4_UDP_without_a_checksum_stays_without),
	   UNIT(an_echo_reply_of_zeros_has_the_checksum_ffff),
	   UNIT(R4_a_wrong_checksum_stays_wrong_by_as_much),
	   UNIT(an_IP_header_is_checked_and_set),
	   UNIT(transport_checksums_are_checked_and_set),
	   UNIT(what_has_no_transport_checksum_has_no_field),
	   UNIT(R5_a_partial_checksum_is_completed),
	   UNIT(R5_a_partial_checksum_follows_edits_of_the_addresses),
	   UNIT(setting_the_checksum_of_a_partial_packet_completes_it_too),
	   UNIT(a_UDP_checksum_that_comes_out_0_is_sent_as_ffff),
	   UNIT(a_TCP_checksum_that_comes_out_0_is_sent_as_0),
	   UNIT(UDP_is_summed_over_its_own_length),
	   UNIT(UDP_over_IPv4_may_have_no_checksum))
