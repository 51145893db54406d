/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_frag.h"

#include <stdlib.h>
#include <string.h>

#include "mock/frames.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_cut.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

#define V6 .src = "2001:db8::2", .dst = "2001:db8:1::1"
#define GRE 47u /* a transport that the parser looks no further into */
#define SMALL_N 2100u
#define LARGE_N 4u

static struct pkt_pool *pool;
static struct pkt_frag *frag;
static void *frag_mem;
static struct mono now;
static uint32_t lost[PKT_REASON_N]; /* of all owners */

static void count_lost(void *ctx, uint16_t owner, enum pkt_reason why,
		       uint32_t n)
{
	(void)ctx;
	(void)owner;
	lost[why] += n;
}

static void begin_with(const struct pkt_frag_conf *like)
{
	struct pkt_frag_conf c = *like;
	size_t len;

	c.owners = 8;
	c.key = (struct pkt_hash_key){ 1, 2 };
	c.lost = count_lost;
	len = pkt_frag_size(&c);
	frag_mem = aligned_alloc(PKT_ARENA_ALIGN, len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(frag_mem);
	memset(frag_mem, 0xa5, len);
	frag = pkt_frag_init(frag_mem, len, &c);
	pool = frame_pool_new(SMALL_N, LARGE_N);
	now.ns = 1000;
	memset(lost, 0, sizeof(lost));
}

static void begin(void)
{
	struct pkt_frag_conf c;

	pkt_frag_conf_default(&c);
	begin_with(&c);
}

static void end(void)
{
	frame_pool_free(pool);
	free(frag_mem);
}

/* What became of the fragment that was given last. */
static enum pkt_reason why;

/* Hands over a fragment: the whole datagram, or NULL and @why. */
static struct pkt *give(uint16_t owner, struct pkt *p)
{
	struct pkt *whole = (struct pkt *)&whole;
	enum pkt_verdict v;

	CU_ASSERT_FATAL(p && p->flags & PKT_F_FRAG);
	v = pkt_frag_add(frag, pool, owner, p, &whole, &why, now);
	CU_ASSERT_EQUAL(v, why ? PKT_DROP : PKT_TAKEN);
	CU_ASSERT_TRUE(!whole || !why);
	return whole;
}

static struct pkt *give_spec(uint16_t owner, const struct frame_spec *s)
{
	return give(owner, frame_parsed(pool, s));
}

/*
 * A piece of a datagram whose every byte is @fill.  @more 0: the last.  Offset
 * and length in bytes, of the IP payload.
 */
static struct pkt *piece(uint16_t owner, uint16_t id, uint32_t off, size_t len,
			 bool more, int fill)
{
	static uint8_t bytes[66000];

	memset(bytes, fill, len);
	return give_spec(owner, &(struct frame_spec){ .proto = GRE,
						      .raw = true,
						      .id = id,
						      .frag_off = (uint16_t)off,
						      .mf = more,
						      .payload = bytes,
						      .payload_len = len });
}

static bool held_nothing(uint16_t owner)
{
	uint32_t n, bytes;

	pkt_frag_held(frag, owner, &n, &bytes);
	return n == 0 && bytes == 0;
}

static uint32_t held_n(uint16_t owner)
{
	uint32_t n, bytes;

	pkt_frag_held(frag, owner, &n, &bytes);
	return n;
}

static bool all_bytes(struct pkt *whole, size_t len, int fill)
{
	bool ok = whole && pkt_end(whole) - whole->l4_off == len;

	for (size_t i = 0; ok && i < len; i++)
		ok = pkt_l4(whole)[i] == fill;
	if (whole)
		pkt_put(pool, whole);
	return ok;
}

/* The fragments of a packet as a router before us would make them. */
static uint32_t cut(const struct frame_spec *s, uint16_t mtu, uint32_t id,
		    struct pkt_batch *out, struct pkt **orig)
{
	struct pkt *p = frame_parsed(pool, s);

	out->n = 0;
	if (p->flags & PKT_F_DF)
		p->frag_max = mtu;
	CU_ASSERT_EQUAL_FATAL((uint32_t)pkt_cut(pool, p, mtu, id, 0, out),
			      pkt_cut_count(p, mtu));
	*orig = p;
	/* As they come from a link: parsed. */
	for (uint32_t i = 0; i < out->n; i++)
		CU_ASSERT_EQUAL(pkt_parse(out->p[i]), PKT_FORWARD);
	return out->n;
}

/* Same frame but for the IPv4 id, and parsed alike. */
static void check_whole(struct pkt *whole, struct pkt *orig, uint16_t frag_max)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
	if (orig->l3 == PKT_L3_IP4) {
		memcpy(pkt_l3(orig) + 4, pkt_l3(whole) + 4, 2);
		frame_fix(orig->data, orig->len);
	}
	CU_ASSERT_TRUE(frame_same(whole, orig));
	CU_ASSERT_TRUE(frame_sums_ok(whole->data, whole->len));
	CU_ASSERT_EQUAL(whole->kind, orig->kind);
	CU_ASSERT_EQUAL(whole->l4_off, orig->l4_off);
	CU_ASSERT_EQUAL(whole->pay_off, orig->pay_off);
	CU_ASSERT_EQUAL(whole->sport, orig->sport);
	CU_ASSERT_EQUAL(whole->flags, orig->flags & ~PKT_F_CSUM_PARTIAL);
	CU_ASSERT_EQUAL(whole->frag_off, 0);
	CU_ASSERT_EQUAL(whole->frag6_off, 0);
	CU_ASSERT_EQUAL(whole->gso_size, 0);
	CU_ASSERT_EQUAL(whole->frag_max, frag_max);
	CU_ASSERT_EQUAL(whole->head, PKT_HEADROOM);
	pkt_put(pool, whole);
	pkt_put(pool, orig);
}

static const struct {
	struct frame_spec spec;
	uint16_t mtu, frag_max;
} datagrams[] = {
	{ { .payload_len = 3000, .sport = 5000 }, 1500, 1500 },
	{ { .payload_len = 3000, .df = true }, 1492, 1492 },
	{ { .payload_len = 100 }, 68, 68 },
	{ { .payload_len = 2000, .ip_options = "01010101" }, 577, 576 },
	{ { .proto = IP_TCP, .payload_len = 4000 }, 1000, 996 },
	{ { .proto = IP_ICMP, .payload_len = 1473 }, 1500, 1500 },
	{ { .proto = GRE, .payload_len = 65535 - 20 }, 1500, 1500 },
	{ { V6, .payload_len = 3000, .sport = 5000 }, 1500, 1496 },
	{ { V6, .proto = IP_TCP, .payload_len = 2500 }, 1280, 1280 },
	{ { V6, .proto = IP_ICMP6, .payload_len = 5000 }, 1500, 1496 },
	{ { V6, .payload_len = 3000, .ext_type = IP_HOPOPT,
	    .ext = "0000010400000000" },
	  1500,
	  1496 },
	{ { V6, .payload_len = 3000, .ext_type = IP_DSTOPTS,
	    .ext = "0000010400000000" },
	  1500,
	  1496 },
	{ { V6, .payload_len = 3000, .ext_type = IP_HOPOPT,
	    .ext = "3c00010400000000"
		   "0001010c000000000000000000000000" },
	  1500,
	  1496 },
	{ { V6, .proto = GRE, .payload_len = 65535 - 40 }, 1500, 1496 },
};
#define DATAGRAMS (sizeof(datagrams) / sizeof(datagrams[0]))

static void R71_pieces_in_order_join_to_the_datagram(void)
{
	struct pkt_batch out;

	begin();
	for (size_t i = 0; i < DATAGRAMS; i++) {
		struct pkt *orig, *whole = NULL;
		uint32_t n = cut(&datagrams[i].spec, datagrams[i].mtu, 7, &out,
				 &orig);

		CU_ASSERT_TRUE(n > 1);
		for (uint32_t j = 0; j < n; j++) {
			CU_ASSERT_PTR_NULL(whole);
			whole = give(1, out.p[j]);
		}
		check_whole(whole, orig, datagrams[i].frag_max);
		CU_ASSERT_TRUE(held_nothing(1));
	}
	end();
}

static void R71_pieces_in_any_order_join_to_the_datagram(void)
{
	struct pkt_batch out;

	begin();
	srandom((unsigned int)unit_seed());
	for (size_t i = 0; i < DATAGRAMS * 20; i++) {
		size_t d = i % DATAGRAMS;
		struct pkt *orig, *whole = NULL;
		uint32_t n = cut(&datagrams[d].spec, datagrams[d].mtu, 7, &out,
				 &orig);

		while (n) {
			uint32_t j = (uint32_t)random() % n;

			CU_ASSERT_PTR_NULL(whole);
			whole = give(0, out.p[j]);
			out.p[j] = out.p[--n];
		}
		check_whole(whole, orig, datagrams[d].frag_max);
		CU_ASSERT_TRUE(held_nothing(0));
	}
	end();
}

/* Two of them before the fragment header, of 8 and of 16 bytes. */
static void R71_extension_headers_before_the_pieces_stay(void)
{
	struct frame_spec s = { V6, .payload_len = 40, .ext_type = IP_HOPOPT,
				.ext = "3c00010400000000"
				       "0001010c000000000000000000000000" };
	struct pkt *orig, *whole;

	begin();
	orig = frame_parsed(pool, &s);
	s.payload = pkt_l4(orig);
	s.payload_len = 16;
	s.raw = true;
	s.mf = true;
	CU_ASSERT_PTR_NULL(give_spec(1, &s));
	s.payload = pkt_l4(orig) + 16;
	s.payload_len = 32;
	s.frag_off = 16;
	s.mf = false;
	whole = give_spec(1, &s);
	check_whole(whole, orig, 40 + 24 + 8 + 32);
	end();
}

static void R71_the_first_piece_brings_link_header_and_port(void)
{
	struct frame_spec s = { .proto = GRE, .raw = true, .payload_len = 16 };
	struct pkt *p, *whole;

	begin();
	s.frag_off = 16;
	s.src_mac = "02:00:00:00:00:01";
	p = frame_parsed(pool, &s);
	p->in = 5;
	CU_ASSERT_PTR_NULL(give(0, p));
	s.frag_off = 0;
	s.mf = true;
	s.src_mac = "02:00:00:00:00:02";
	p = frame_parsed(pool, &s);
	p->in = 6;
	whole = give(0, p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
	CU_ASSERT_EQUAL(whole->in, 6);
	CU_ASSERT_EQUAL(whole->data[11], 2);
	pkt_put(pool, whole);
	end();
}

static void R11_a_congestion_mark_on_any_piece_stays(void)
{
	static const struct {
		uint8_t first, last, whole;
	} c[] = {
		{ 0xb8, 0xb8, 0xb8 }, { 0x02, 0x03, 0x03 },
		{ 0x03, 0x02, 0x03 }, { 0x01, 0x03, 0x03 },
		{ 0x00, 0x03, 0x00 }, /* sender can't: not marked */
		{ 0x02, 0x02, 0x02 },
	};

	begin();
	for (size_t i = 0; i < 2 * sizeof(c) / sizeof(c[0]); i++) {
		bool v6 = i % 2;
		struct frame_spec s = { .proto = GRE,
					.raw = true,
					.payload_len = 16,
					.mf = true,
					.tos = c[i / 2].first };
		struct pkt *whole;

		if (v6) {
			s.src = "2001:db8::2";
			s.dst = "2001:db8::1";
		}
		CU_ASSERT_PTR_NULL(give_spec(1, &s));
		s.frag_off = 16;
		s.mf = false;
		s.tos = c[i / 2].last;
		whole = give_spec(1, &s);
		CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
		CU_ASSERT_EQUAL(v6 ? (be16_at(pkt_l3(whole)) >> 4 & 0xff)
				   : pkt_l3(whole)[1],
				c[i / 2].whole);
		CU_ASSERT_TRUE(frame_sums_ok(whole->data, whole->len));
		pkt_put(pool, whole);
	}
	end();
}

static void R72_an_overlap_poisons_until_the_timer_ends(void)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct frame_spec s = {
			.proto = GRE, .raw = true, .mf = true, .payload_len = 16
		};
		struct mono t0;

		begin();
		t0 = now;
		if (v6) {
			s.src = "2001:db8::2";
			s.dst = "2001:db8::1";
		}
		CU_ASSERT_PTR_NULL(give_spec(1, &s));
		s.frag_off = 8;
		CU_ASSERT_PTR_NULL(give_spec(1, &s));
		CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_OVERLAP);
		CU_ASSERT_EQUAL(lost[PKT_REASON_FRAG_OVERLAP], 1);
		/* Pieces that fit don't help any more, to the very end. */
		now = mono_add_ms(t0, v6 ? 60000 : 30000);
		now.ns--;
		s.frag_off = 0;
		CU_ASSERT_PTR_NULL(give_spec(1, &s));
		CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_OVERLAP);
		CU_ASSERT_EQUAL(held_n(1), 1);
		now.ns++;
		CU_ASSERT_PTR_NULL(give_spec(1, &s));
		CU_ASSERT_EQUAL(why, PKT_REASON_NONE);
		s.frag_off = 16;
		s.mf = false;
		pkt_put(pool, give_spec(1, &s));
		CU_ASSERT_EQUAL(lost[PKT_REASON_FRAG_TIMEOUT], 0);
		end();
	}
}

static void R72_an_exact_duplicate_is_no_overlap(void)
{
	begin();
	CU_ASSERT_PTR_NULL(piece(1, 1, 0, 16, true, 5));
	CU_ASSERT_PTR_NULL(piece(1, 1, 0, 16, true, 5));
	CU_ASSERT_EQUAL(why, PKT_REASON_NONE);
	CU_ASSERT_PTR_NULL(piece(1, 1, 32, 16, false, 5));
	CU_ASSERT_PTR_NULL(piece(1, 1, 32, 16, false, 5));
	CU_ASSERT_EQUAL(why, PKT_REASON_NONE);
	CU_ASSERT_TRUE(all_bytes(piece(1, 1, 16, 16, true, 5), 48, 5));
	end();
}

static void R72_a_duplicate_is_compared_to_its_last_byte(void)
{
	static uint8_t bytes[1000];
	struct frame_spec s = { .proto = GRE,
				.raw = true,
				.mf = true,
				.payload = bytes,
				.payload_len = sizeof(bytes) };

	begin();
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	CU_ASSERT_PTR_NULL(give_spec(1, &s));
	CU_ASSERT_PTR_NULL(give_spec(1, &s));
	CU_ASSERT_EQUAL(why, PKT_REASON_NONE);
	bytes[999] ^= 1;
	CU_ASSERT_PTR_NULL(give_spec(1, &s));
	CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_OVERLAP);
	end();
}

static void R72_a_duplicate_with_other_bytes_is_one(void)
{
	begin();
	CU_ASSERT_PTR_NULL(piece(1, 1, 0, 600, true, 5));
	CU_ASSERT_PTR_NULL(piece(1, 1, 0, 600, true, 6));
	CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_OVERLAP);
	end();
}

static void R73_the_last_piece_fixes_the_length(void)
{
	begin();
	/* A piece beyond the end, before and after the last one came. */
	CU_ASSERT_PTR_NULL(piece(1, 1, 16, 16, false, 5));
	CU_ASSERT_PTR_NULL(piece(1, 1, 32, 16, true, 5));
	CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_OVERLAP);
	CU_ASSERT_PTR_NULL(piece(1, 2, 32, 16, true, 5));
	CU_ASSERT_PTR_NULL(piece(1, 2, 16, 16, false, 5));
	CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_OVERLAP);
	/* Two ends. */
	CU_ASSERT_PTR_NULL(piece(1, 3, 16, 16, false, 5));
	CU_ASSERT_PTR_NULL(piece(1, 3, 32, 16, false, 5));
	CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_OVERLAP);
	/* The same bytes, the end and not the end. */
	CU_ASSERT_PTR_NULL(piece(1, 4, 16, 16, false, 5));
	CU_ASSERT_PTR_NULL(piece(1, 4, 16, 16, true, 5));
	CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_OVERLAP);
	CU_ASSERT_PTR_NULL(piece(1, 5, 16, 16, true, 5));
	CU_ASSERT_PTR_NULL(piece(1, 5, 16, 16, false, 5));
	CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_OVERLAP);
	end();
}

static void R73_what_no_sender_makes_does_not_get_here(void)
{
	static const struct {
		struct frame_spec spec;
		enum pkt_reason why;
	} c[] = {
		/* TCP header in two pieces, and 8 bytes behind its start */
		{ { .proto = IP_TCP,
		    .raw = true,
		    .mf = true,
		    .payload_len = 16 },
		  PKT_REASON_FRAG_TINY },
		{ { .proto = IP_TCP, .frag_off = 8, .payload_len = 64 },
		  PKT_REASON_FRAG_TINY },
		/* a TCP header that says it is longer than the piece */
		{ { .proto = IP_TCP,
		    .raw = true,
		    .mf = true,
		    .hex = "9c40005000000000000000007010ffff0000000001010101" },
		  PKT_REASON_FRAG_TINY },
		/* not a multiple of 8, and not the last */
		{ { .proto = GRE, .raw = true, .mf = true, .payload_len = 17 },
		  PKT_REASON_FRAG_BAD },
		/* nothing in it */
		{ { .proto = GRE, .frag_off = 8 }, PKT_REASON_FRAG_BAD },
		/* beyond what IP can number (ping of death) */
		{ { .proto = GRE, .frag_off = 65528, .payload_len = 8 },
		  PKT_REASON_FRAG_BAD },
		{ { V6, .proto = IP_TCP, .raw = true, .mf = true,
		    .payload_len = 16 },
		  PKT_REASON_FRAG_TINY },
		{ { V6, .raw = true, .mf = true, .payload_len = 9 },
		  PKT_REASON_FRAG_BAD },
		{ { V6, .proto = GRE, .frag_off = 65528, .payload_len = 8 },
		  PKT_REASON_FRAG_BAD },
	};

	begin();
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		struct pkt *p = frame_make(pool, &c[i].spec);

		CU_ASSERT_EQUAL(pkt_parse(p), PKT_DROP);
		CU_ASSERT_EQUAL(p->reason, c[i].why);
		pkt_put(pool, p);
	}
	end();
}

static void R73_a_whole_that_IP_can_not_number_is_dropped(void)
{
	struct frame_spec s = { .proto = GRE,
				.raw = true,
				.mf = true,
				.payload_len = 64,
				.ip_options = "01010101" };

	begin();
	/* Each is right by itself; with the first one's longer header the sum
	 * is 4 bytes too much. */
	CU_ASSERT_PTR_NULL(give_spec(1, &s));
	CU_ASSERT_PTR_NULL(piece(1, 0, 64, 40000, true, 0));
	CU_ASSERT_PTR_NULL(piece(1, 0, 40064, 65515 - 40064, false, 0));
	CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_BAD);
	CU_ASSERT_EQUAL(lost[PKT_REASON_FRAG_BAD], 2);
	CU_ASSERT_TRUE(held_nothing(1));
	/* Without it, it just fits. */
	s.ip_options = NULL;
	CU_ASSERT_PTR_NULL(give_spec(1, &s));
	CU_ASSERT_PTR_NULL(piece(1, 0, 64, 40000, true, 0));
	pkt_put(pool, piece(1, 0, 40064, 65515 - 40064, false, 0));
	CU_ASSERT_EQUAL(why, PKT_REASON_NONE);

	s = (struct frame_spec){ V6,
				 .proto = GRE,
				 .raw = true,
				 .mf = true,
				 .payload_len = 32768,
				 .ext_type = IP_HOPOPT,
				 .ext = "0000010400000000" };
	CU_ASSERT_PTR_NULL(give_spec(1, &s));
	s.ext = NULL;
	s.frag_off = 32768;
	s.payload_len = 32767;
	s.mf = false;
	CU_ASSERT_PTR_NULL(give_spec(1, &s));
	CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_BAD);
	end();
}

static void a_whole_that_the_parser_refuses_is_dropped(void)
{
	struct frame_spec s = { .raw = true,
				.mf = true,
				.hex = "9c400050ffff0000" }; /* UDP length */

	begin();
	CU_ASSERT_PTR_NULL(give_spec(1, &s));
	s.hex = NULL;
	s.frag_off = 8;
	s.mf = false;
	s.payload_len = 100;
	CU_ASSERT_PTR_NULL(give_spec(1, &s));
	CU_ASSERT_EQUAL(why, PKT_REASON_UDP_LEN);
	CU_ASSERT_EQUAL(lost[PKT_REASON_UDP_LEN], 1);
	CU_ASSERT_TRUE(held_nothing(1));
	end();
}

static void without_a_buffer_for_the_whole_it_is_dropped(void)
{
	struct pkt *large[LARGE_N];

	begin();
	for (uint32_t i = 0; i < LARGE_N; i++)
		large[i] = pkt_get(pool, 3000);
	CU_ASSERT_PTR_NULL(piece(1, 1, 0, 1480, true, 5));
	CU_ASSERT_PTR_NULL(piece(1, 1, 1480, 1480, false, 5));
	CU_ASSERT_EQUAL(why, PKT_REASON_POOL_EMPTY);
	CU_ASSERT_EQUAL(lost[PKT_REASON_POOL_EMPTY], 1);
	CU_ASSERT_TRUE(held_nothing(1));
	/* A small one still can. */
	CU_ASSERT_PTR_NULL(piece(1, 2, 0, 800, true, 5));
	CU_ASSERT_TRUE(all_bytes(piece(1, 2, 800, 800, false, 5), 1600, 5));
	for (uint32_t i = 0; i < LARGE_N; i++)
		pkt_put(pool, large[i]);
	end();
}

static void R74_equal_ids_never_mix(void)
{
	static const struct frame_spec other[] = {
		{ .src = "10.0.0.3" },
		{ .dst = "192.0.2.2" },
		{ .proto = IP_ICMP },
		{ .id = 2 },
		{ V6, .frag_id = 1 },
		{ V6, .frag_id = 0x10001 },
		{ .src = "2001:db8::3", .dst = "2001:db8:1::1", .frag_id = 1 },
	};

	begin();
	CU_ASSERT_PTR_NULL(piece(1, 1, 0, 16, true, 5));
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		struct frame_spec s = other[i];

		s.proto = s.proto ? s.proto : GRE;
		s.id = s.id ? s.id : 1;
		s.frag_off = 16;
		s.payload_len = 16;
		CU_ASSERT_PTR_NULL(give_spec(1, &s));
		CU_ASSERT_EQUAL(why, PKT_REASON_NONE);
	}
	/* Another client's, and the uplink's. */
	CU_ASSERT_PTR_NULL(piece(2, 1, 16, 16, false, 5));
	CU_ASSERT_PTR_NULL(piece(0, 1, 16, 16, false, 5));
	CU_ASSERT_EQUAL(held_n(1), 1 + sizeof(other) / sizeof(other[0]));
	CU_ASSERT_TRUE(all_bytes(piece(1, 1, 16, 16, false, 5), 32, 5));
	end();
}

static void R75_limits_are_as_promised(void)
{
	struct pkt_frag_conf c;

	pkt_frag_conf_default(&c);
	CU_ASSERT_EQUAL(c.client.datagrams, 64);
	CU_ASSERT_EQUAL(c.client.bytes, 512 * 1024);
	CU_ASSERT_EQUAL(c.uplink.datagrams, 256);
	CU_ASSERT_EQUAL(c.uplink.bytes, 4 << 20);
	CU_ASSERT_EQUAL(c.pieces, 64);
	CU_ASSERT_EQUAL(c.ip4_ms, 30000);
	CU_ASSERT_EQUAL(c.ip6_ms, 60000);
	CU_ASSERT_EQUAL(c.datagrams, 1024);
	CU_ASSERT_EQUAL(c.bytes, 8 << 20);
	/* All told, of all owners there may be. */
	c.owners = 1024;
	CU_ASSERT_TRUE(pkt_frag_size(&c) < 10 << 20);
}

static void nobody_needs_to_be_told_of_losses(void)
{
	struct pkt_frag_conf c;
	size_t len;

	pkt_frag_conf_default(&c);
	c.owners = 2;
	len = pkt_frag_size(&c);
	frag_mem = aligned_alloc(PKT_ARENA_ALIGN, len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(frag_mem);
	frag = pkt_frag_init(frag_mem, len, &c);
	pool = frame_pool_new(SMALL_N, LARGE_N);
	CU_ASSERT_PTR_NULL(piece(1, 1, 0, 16, true, 5));
	CU_ASSERT_PTR_NULL(piece(1, 1, 8, 16, true, 5));
	CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_OVERLAP);
	end();
}

static void R75_a_client_holds_64_datagrams_and_loses_its_oldest(void)
{
	begin();
	CU_ASSERT_PTR_NULL(piece(2, 0, 0, 16, true, 9));
	for (uint16_t id = 0; id < 64; id++)
		CU_ASSERT_PTR_NULL(piece(1, id, 0, 16, true, 5));
	CU_ASSERT_EQUAL(held_n(1), 64);
	CU_ASSERT_EQUAL(lost[PKT_REASON_FRAG_LIMIT], 0);
	CU_ASSERT_PTR_NULL(piece(1, 64, 0, 16, true, 5));
	CU_ASSERT_EQUAL(held_n(1), 64);
	CU_ASSERT_EQUAL(lost[PKT_REASON_FRAG_LIMIT], 1);
	CU_ASSERT_TRUE(all_bytes(piece(1, 1, 16, 16, false, 5), 32, 5));
	CU_ASSERT_PTR_NULL(piece(1, 0, 16, 16, false, 5));
	/* Nobody else lost anything. */
	CU_ASSERT_TRUE(all_bytes(piece(2, 0, 16, 16, false, 9), 32, 9));
	/* The uplink may hold 256. */
	for (uint16_t id = 0; id < 300; id++)
		CU_ASSERT_PTR_NULL(piece(0, id, 0, 16, true, 5));
	CU_ASSERT_EQUAL(held_n(0), 256);
	end();
}

static void R75_a_client_holds_512_KiB(void)
{
	uint32_t n, bytes;

	begin();
	for (uint16_t id = 0; id < 40; id++) {
		for (uint32_t i = 0; i < 20; i++)
			CU_ASSERT_PTR_NULL(
				piece(1, id, 1480 * i, 1480, true, 5));
		pkt_frag_held(frag, 1, &n, &bytes);
		CU_ASSERT_TRUE(bytes <= 512 * 1024);
	}
	CU_ASSERT_TRUE(bytes > 450 * 1024);
	CU_ASSERT_TRUE(lost[PKT_REASON_FRAG_LIMIT] > 0);
	CU_ASSERT_TRUE(
		all_bytes(piece(1, 39, 20 * 1480, 8, false, 5), 29608, 5));
	end();
}

static void R75_a_datagram_has_64_pieces_at_most(void)
{
	begin();
	for (uint32_t i = 0; i < 63; i++)
		CU_ASSERT_PTR_NULL(piece(1, 1, 16 * i, 16, true, 5));
	CU_ASSERT_TRUE(all_bytes(piece(1, 1, 63 * 16, 16, false, 5), 1024, 5));
	for (uint32_t i = 0; i < 64; i++)
		CU_ASSERT_PTR_NULL(piece(1, 2, 16 * i, 16, true, 5));
	CU_ASSERT_EQUAL(why, PKT_REASON_NONE);
	CU_ASSERT_PTR_NULL(piece(1, 2, 64 * 16, 16, false, 5));
	CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_LIMIT);
	CU_ASSERT_EQUAL(lost[PKT_REASON_FRAG_LIMIT], 64);
	/* What comes later of it is not held either. */
	CU_ASSERT_PTR_NULL(piece(1, 2, 0, 16, true, 5));
	CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_LIMIT);
	end();
}

static void R75_more_pieces_do_not_extend_the_timer(void)
{
	struct mono t0;

	begin();
	t0 = now;
	CU_ASSERT_PTR_NULL(piece(1, 1, 0, 16, true, 5));
	CU_ASSERT_PTR_NULL(piece(1, 2, 0, 16, true, 5));
	now = mono_add_ms(t0, 20000);
	CU_ASSERT_PTR_NULL(piece(1, 1, 16, 16, true, 5));
	CU_ASSERT_PTR_NULL(piece(1, 2, 16, 16, true, 5));
	now = mono_add_ms(t0, 30000);
	now.ns--;
	CU_ASSERT_EQUAL(pkt_frag_expire(frag, 100, now), 0);
	CU_ASSERT_TRUE(all_bytes(piece(1, 1, 32, 16, false, 5), 48, 5));
	now.ns++;
	CU_ASSERT_PTR_NULL(piece(1, 2, 32, 16, false, 5));
	CU_ASSERT_EQUAL(lost[PKT_REASON_FRAG_TIMEOUT], 2);
	end();
}

static void R75_expiry_takes_what_is_due_in_slices(void)
{
	struct mono t0;

	begin();
	t0 = now;
	for (uint16_t id = 0; id < 10; id++)
		CU_ASSERT_PTR_NULL(piece(1, id, 0, 16, true, 5));
	for (uint32_t id = 0; id < 10; id++)
		CU_ASSERT_PTR_NULL(give_spec(
			0, &(struct frame_spec){ V6, .proto = GRE, .raw = true,
						 .frag_id = id, .mf = true,
						 .payload_len = 8 }));
	now = mono_add_ms(t0, 30000);
	CU_ASSERT_EQUAL(pkt_frag_expire(frag, 4, now), 4);
	CU_ASSERT_EQUAL(held_n(1), 6);
	CU_ASSERT_EQUAL(pkt_frag_expire(frag, 100, now), 6);
	CU_ASSERT_TRUE(held_nothing(1));
	CU_ASSERT_EQUAL(held_n(0), 10);
	now = mono_add_ms(t0, 60000);
	CU_ASSERT_EQUAL(pkt_frag_expire(frag, 100, now), 10);
	CU_ASSERT_TRUE(held_nothing(0));
	CU_ASSERT_EQUAL(lost[PKT_REASON_FRAG_TIMEOUT], 20);
	end();
}

static void when_all_is_full_the_greediest_loses_its_oldest(void)
{
	struct pkt_frag_conf c;

	pkt_frag_conf_default(&c);
	c.datagrams = 20;
	begin_with(&c);
	CU_ASSERT_PTR_NULL(piece(2, 1, 0, 16, true, 5));
	CU_ASSERT_PTR_NULL(piece(3, 1, 0, 16, true, 5));
	for (uint16_t id = 0; id < 100; id++)
		CU_ASSERT_PTR_NULL(piece(1, id, 0, 16, true, 5));
	CU_ASSERT_EQUAL(held_n(1), 18);
	for (uint16_t id = 2; id < 6; id++)
		CU_ASSERT_PTR_NULL(piece(2, id, 0, 16, true, 5));
	CU_ASSERT_EQUAL(held_n(1), 14);
	CU_ASSERT_EQUAL(held_n(2), 5);
	CU_ASSERT_TRUE(all_bytes(piece(2, 1, 16, 16, false, 5), 32, 5));
	CU_ASSERT_TRUE(all_bytes(piece(3, 1, 16, 16, false, 5), 32, 5));
	end();

	c.datagrams = 1024;
	c.bytes = 64 * PKT_FRAG_CHUNK;
	begin_with(&c);
	CU_ASSERT_PTR_NULL(piece(2, 1, 0, 256, true, 5));
	for (uint16_t id = 0; id < 100; id++)
		CU_ASSERT_PTR_NULL(piece(1, id, 0, 1024, true, 5));
	CU_ASSERT_EQUAL(held_n(1), 12);
	CU_ASSERT_PTR_NULL(piece(2, 1, 256, 1024, true, 5));
	CU_ASSERT_EQUAL(held_n(1), 11);
	CU_ASSERT_TRUE(all_bytes(piece(2, 1, 1280, 8, false, 5), 1288, 5));
	/* More than there is at all. */
	CU_ASSERT_PTR_NULL(piece(2, 9, 0, 20000, true, 5));
	CU_ASSERT_EQUAL(why, PKT_REASON_FRAG_LIMIT);
	end();
}

static void R76_8_KiB_in_512_byte_pieces(void)
{
	struct pkt_batch out;
	struct pkt *orig, *whole = NULL;

	begin();
	CU_ASSERT_EQUAL(cut(&(struct frame_spec){ .payload_len = 8192 }, 532, 1,
			    &out, &orig),
			17);
	for (uint32_t i = 0; i < out.n; i++)
		whole = give(1, out.p[i]);
	check_whole(whole, orig, 532);
	end();
}

static void R77_the_largest_piece_and_DF_are_remembered(void)
{
	struct pkt *whole;

	begin();
	for (int df = 0; df < 2; df++) {
		struct frame_spec s = { .proto = GRE,
					.raw = true,
					.mf = true,
					.df = df,
					.payload_len = 504 };

		CU_ASSERT_PTR_NULL(give_spec(1, &s));
		s.frag_off = 504;
		s.payload_len = 1400;
		CU_ASSERT_PTR_NULL(give_spec(1, &s));
		s.frag_off = 1904;
		s.payload_len = 99;
		s.mf = false;
		whole = give_spec(1, &s);
		CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
		CU_ASSERT_EQUAL(whole->frag_max, 1420);
		CU_ASSERT_EQUAL(!!(whole->flags & PKT_F_DF), df);
		CU_ASSERT_EQUAL(pkt_fit(whole, 1500), PKT_FIT_CUT);
		CU_ASSERT_EQUAL(pkt_fit(whole, 1400),
				df ? PKT_FIT_BIG : PKT_FIT_CUT);
		pkt_put(pool, whole);
	}
	end();
}

static void R78_an_atomic_fragment_is_no_fragment(void)
{
	struct pkt *p;

	begin();
	p = frame_parsed(pool, &(struct frame_spec){ V6, .frag6 = true,
						     .payload_len = 64 });
	CU_ASSERT_EQUAL(p->flags & PKT_F_FRAG, 0);
	CU_ASSERT_EQUAL(p->kind, PKT_KIND_UDP);
	pkt_put(pool, p);
	/* Two fragment headers. */
	p = frame_make(pool,
		       &(struct frame_spec){ V6, .frag6 = true, .mf = true,
					     .proto = IP_FRAGMENT, .raw = true,
					     .hex = "1100000000000001"
						    "9c40005000100000"
						    "0000000000000000" });
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_DROP);
	CU_ASSERT_EQUAL(p->reason, PKT_REASON_FRAG_BAD);
	pkt_put(pool, p);
	end();
}

static void R79_nothing_is_said_about_what_timed_out(void)
{
	uint32_t small, large;

	begin();
	CU_ASSERT_PTR_NULL(piece(1, 1, 0, 16, true, 5));
	now = mono_add_ms(now, 100000);
	CU_ASSERT_EQUAL(pkt_frag_expire(frag, 10, now), 1);
	pkt_pool_free_n(pool, &small, &large);
	CU_ASSERT_EQUAL(small, SMALL_N);
	CU_ASSERT_EQUAL(large, LARGE_N);
	end();
}

static void R95_what_a_client_left_behind_is_forgotten(void)
{
	begin();
	for (uint16_t id = 0; id < 20; id++) {
		CU_ASSERT_PTR_NULL(piece(1, id, 0, 600, true, 5));
		CU_ASSERT_PTR_NULL(piece(2, id, 0, 600, true, 5));
	}
	pkt_frag_forget(frag, 1);
	CU_ASSERT_TRUE(held_nothing(1));
	CU_ASSERT_EQUAL(held_n(2), 20);
	CU_ASSERT_PTR_NULL(piece(1, 3, 600, 8, false, 5));
	CU_ASSERT_TRUE(all_bytes(piece(2, 3, 600, 8, false, 5), 608, 5));
	CU_ASSERT_EQUAL(lost[PKT_REASON_FRAG_LIMIT], 0);
	end();
}

/*
 * A6: a million first pieces of datagrams that never end, from one client and
 * from the uplink.  What is held stays flat, no packet buffer is pinned, and
 * another client's datagram, sent a piece at a time meanwhile, arrives.
 */
static void A6_a_flood_of_first_pieces_harms_only_its_sender(void)
{
	uint32_t n, bytes, small, large;

	begin();
	for (uint32_t i = 0; i < 1000000; i++) {
		struct pkt *p = frame_parsed(
			pool, &(struct frame_spec){ .proto = GRE,
						    .raw = true,
						    .mf = true,
						    .payload_len = 64 });
		be16_set(pkt_l3(p) + 4, (uint16_t)(i * 40503));
		be32_set(pkt_l3(p) + 12, 0x0a000000 | i >> 8);
		CU_ASSERT_PTR_NULL(give(i % 2 ? 1 : 0, p));
		if (i % 100000 == 5000)
			CU_ASSERT_PTR_NULL(
				piece(2, 7, i / 100000 * 16, 16, true, 5));
	}
	pkt_frag_held(frag, 1, &n, &bytes);
	CU_ASSERT_EQUAL(n, 64);
	CU_ASSERT_EQUAL(bytes, 64 * 2 * PKT_FRAG_CHUNK);
	pkt_frag_held(frag, 0, &n, &bytes);
	CU_ASSERT_EQUAL(n, 256);
	pkt_pool_free_n(pool, &small, &large);
	CU_ASSERT_EQUAL(small, SMALL_N);
	CU_ASSERT_EQUAL(large, LARGE_N);
	CU_ASSERT_TRUE(all_bytes(piece(2, 7, 160, 16, false, 5), 176, 5));
	end();
}

/*
 * Cases of the OCaml network stack's reassembly, as (more, offset) of pieces of
 * 16 bytes.  Ours agrees but for what it allows: more time, more pieces, more
 * bytes, and a piece that comes twice.
 */
static void known_orders_of_pieces(void)
{
	static const struct {
		const char *what;
		struct {
			bool more;
			uint16_t off; /* in units of 8 */
		} p[6];
		uint32_t n;
		bool joins;
	} c[] = {
		{ "last alone", { { 0, 1 } }, 1, false },
		{ "two", { { 1, 0 }, { 0, 2 } }, 2, true },
		{ "two, reversed", { { 0, 2 }, { 1, 0 } }, 2, true },
		{ "overlap", { { 1, 0 }, { 0, 1 } }, 2, false },
		{ "hole", { { 1, 0 }, { 0, 3 } }, 2, false },
		{ "overlap at the end",
		  { { 1, 0 }, { 1, 2 }, { 0, 3 } },
		  3,
		  false },
		{ "hole at the end",
		  { { 1, 0 }, { 1, 2 }, { 0, 5 } },
		  3,
		  false },
		/* There this is never put together; a copy is no attack. */
		{ "one piece twice",
		  { { 1, 0 }, { 1, 2 }, { 1, 4 }, { 1, 4 }, { 0, 6 } },
		  5,
		  true },
	};

	begin();
	for (uint16_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		struct pkt *whole = NULL;

		for (uint32_t j = 0; j < c[i].n; j++)
			whole = piece(1, i, c[i].p[j].off * 8u, 16,
				      c[i].p[j].more, 5);
		CU_ASSERT_EQUAL(whole != NULL, c[i].joins);
		if (whole)
			pkt_put(pool, whole);
	}
	/* 17 pieces and the last: there too many, here R76.  1040 bytes: there
	 * above the cache's size. */
	for (uint32_t i = 0; i < 17; i++)
		CU_ASSERT_PTR_NULL(piece(1, 99, i * 16, 16, true, 5));
	CU_ASSERT_TRUE(all_bytes(piece(1, 99, 17 * 16, 16, false, 5), 288, 5));
	CU_ASSERT_PTR_NULL(piece(1, 98, 0, 1024, true, 5));
	CU_ASSERT_TRUE(all_bytes(piece(1, 98, 1024, 16, false, 5), 1040, 5));
	end();
}

/* The same stack's: 3, 4 and 5 pieces join in every order. */
static void every_permutation_of_5_pieces_joins(void)
{
	begin();
	for (uint32_t n = 2; n <= 5; n++) {
		uint32_t total = 1;

		for (uint32_t i = 2; i <= n; i++)
			total *= i;
		for (uint32_t perm = 0; perm < total; perm++) {
			uint32_t left[5] = { 0, 1, 2, 3, 4 }, code = perm;
			struct pkt *whole = NULL;

			for (uint32_t k = n; k > 0; k--) {
				uint32_t pick = code % k, i = left[pick];

				code /= k;
				left[pick] = left[k - 1];
				CU_ASSERT_PTR_NULL(whole);
				whole = piece(1, 1, i * 16, 16, i + 1 < n, 5);
			}
			CU_ASSERT_TRUE(all_bytes(whole, n * 16, 5));
		}
	}
	end();
}

UNIT_SUITE(pkt_frag, UNIT(R71_pieces_in_order_join_to_the_datagram),
	   UNIT(R71_pieces_in_any_order_join_to_the_datagram),
	   UNIT(R71_extension_headers_before_the_pieces_stay),
	   UNIT(R71_the_first_piece_brings_link_header_and_port),
	   UNIT(R11_a_congestion_mark_on_any_piece_stays),
	   UNIT(R72_an_overlap_poisons_until_the_timer_ends),
	   UNIT(R72_an_exact_duplicate_is_no_overlap),
	   UNIT(R72_a_duplicate_is_compared_to_its_last_byte),
	   UNIT(R72_a_duplicate_with_other_bytes_is_one),
	   UNIT(R73_the_last_piece_fixes_the_length),
	   UNIT(R73_what_no_sender_makes_does_not_get_here),
	   UNIT(R73_a_whole_that_IP_can_not_number_is_dropped),
	   UNIT(a_whole_that_the_parser_refuses_is_dropped),
	   UNIT(without_a_buffer_for_the_whole_it_is_dropped),
	   UNIT(R74_equal_ids_never_mix), UNIT(R75_limits_are_as_promised),
	   UNIT(nobody_needs_to_be_told_of_losses),
	   UNIT(R75_a_client_holds_64_datagrams_and_loses_its_oldest),
	   UNIT(R75_a_client_holds_512_KiB),
	   UNIT(R75_a_datagram_has_64_pieces_at_most),
	   UNIT(R75_more_pieces_do_not_extend_the_timer),
	   UNIT(R75_expiry_takes_what_is_due_in_slices),
	   UNIT(when_all_is_full_the_greediest_loses_its_oldest),
	   UNIT(R76_8_KiB_in_512_byte_pieces),
	   UNIT(R77_the_largest_piece_and_DF_are_remembered),
	   UNIT(R78_an_atomic_fragment_is_no_fragment),
	   UNIT(R79_nothing_is_said_about_what_timed_out),
	   UNIT(R95_what_a_client_left_behind_is_forgotten),
	   UNIT(A6_a_flood_of_first_pieces_harms_only_its_sender),
	   UNIT(known_orders_of_pieces),
	   UNIT(every_permutation_of_5_pieces_joins))
