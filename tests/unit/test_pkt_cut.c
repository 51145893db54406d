/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_cut.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mock/frames.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

#define V6 .src = "2001:db8::2", .dst = "2001:db8:1::1"
#define PIECES_MAX 1400u

struct pieces {
	struct pkt *p[PIECES_MAX];
	uint32_t n;
};

static struct pkt_pool *pool;

static void begin(void)
{
	pool = frame_pool_new(1500, 3);
}

static void end(void)
{
	frame_pool_free(pool);
}

/* All fragments, in batches that have @used places taken already. */
static void cut_all(struct pieces *all, const struct pkt *p, uint16_t mtu,
		    uint32_t id, uint32_t used)
{
	uint32_t first = 0, count = pkt_cut_count(p, mtu);

	all->n = 0;
	while (first < count) {
		struct pkt_batch out = { .n = used };
		int next = pkt_cut(pool, p, mtu, id, first, &out);

		CU_ASSERT_FATAL(next > (int)first && (uint32_t)next <= count);
		CU_ASSERT_TRUE((uint32_t)next == count || out.n == PKT_BATCH);
		CU_ASSERT_FATAL(all->n + out.n - used <= PIECES_MAX);
		for (uint32_t i = used; i < out.n; i++)
			all->p[all->n++] = out.p[i];
		first = (uint32_t)next;
	}
	CU_ASSERT_EQUAL(all->n, count);
}

static void put_all(struct pieces *all)
{
	while (all->n)
		pkt_put(pool, all->p[--all->n]);
}

/* What a fragment's own bytes say about it. */
struct said {
	uint32_t off, len, id;
	bool more, df;
	const uint8_t *bytes;
};

static struct said read_piece(const struct pkt *f)
{
	const uint8_t *ip = f->data + 14, *x = ip + 40;
	struct said s = { 0 };

	if (ip[0] >> 4 == 4) {
		uint32_t hlen = (ip[0] & 15u) * 4, frag = be16_at(ip + 6);

		s.off = (frag & 0x1fff) * 8;
		s.more = frag & 0x2000;
		s.df = frag & 0x4000;
		s.id = be16_at(ip + 4);
		s.bytes = ip + hlen;
		s.len = be16_at(ip + 2) - hlen;
		CU_ASSERT_EQUAL(be16_at(ip + 2) + 14u, f->len);
		CU_ASSERT_TRUE(frame_sums_ok(f->data, f->len));
		return s;
	}
	CU_ASSERT_EQUAL(be16_at(ip + 4) + 54u, f->len);
	if (ip[6] == IP_HOPOPT) {
		CU_ASSERT_EQUAL_FATAL(x[0], IP_FRAGMENT);
		x += 8 + 8 * x[1];
	} else {
		CU_ASSERT_EQUAL_FATAL(ip[6], IP_FRAGMENT);
	}
	s.off = be16_at(x + 2) & 0xfff8;
	s.more = x[3] & 1;
	s.df = true;
	s.id = be32_at(x + 4);
	s.bytes = x + 8;
	s.len = (uint32_t)(f->data + f->len - s.bytes);
	CU_ASSERT_EQUAL(x[1], 0);
	return s;
}

/*
 * The pieces, laid end to end, are @p's bytes from @from on; each but the last
 * is full to the last 8 bytes that @mtu lets in.
 */
static void check_pieces(const struct pieces *all, const struct pkt *p,
			 uint32_t from, uint16_t mtu, uint32_t id)
{
	uint32_t at = 0, len = p->len - from;

	for (uint32_t i = 0; i < all->n; i++) {
		const struct pkt *f = all->p[i];
		struct said s = read_piece(f);
		struct pkt again = *f;

		CU_ASSERT_EQUAL(s.off, at);
		CU_ASSERT_EQUAL(s.id, p->l3 == PKT_L3_IP4 ? id & 0xffff : id);
		CU_ASSERT_EQUAL(s.more, i + 1 < all->n);
		CU_ASSERT_EQUAL(s.df, !!(p->flags & PKT_F_DF));
		CU_ASSERT_TRUE(f->len - 14 <= mtu);
		if (s.more) {
			CU_ASSERT_EQUAL(s.len % 8, 0);
			CU_ASSERT_TRUE(f->len - 14 + 8 > mtu);
		}
		CU_ASSERT_FATAL(s.len <= len - at);
		CU_ASSERT_EQUAL(memcmp(s.bytes, p->data + from + at, s.len), 0);
		CU_ASSERT_EQUAL(memcmp(f->data, p->data, 12), 0);
		at += s.len;
		/* Described as the parser would. */
		if (s.more || s.off) {
			pkt_parse(&again);
			CU_ASSERT_EQUAL(again.l4_off, f->l4_off);
			CU_ASSERT_EQUAL(again.frag_off, f->frag_off);
			CU_ASSERT_EQUAL(again.frag6_off, f->frag6_off);
			CU_ASSERT_EQUAL(again.flags, f->flags);
			CU_ASSERT_EQUAL(f->kind, PKT_KIND_NONE);
			CU_ASSERT_EQUAL(f->frag_max, 0);
			CU_ASSERT_EQUAL(f->len + f->tail,
					PKT_SMALL - PKT_HEADROOM);
		}
	}
	CU_ASSERT_EQUAL(at, len);
}

static void fits_by_size_flag_and_family(void)
{
	static const struct {
		struct frame_spec spec;
		uint16_t frag_max, mtu;
		enum pkt_fit fit;
	} c[] = {
		{ { .payload_len = 1472 }, 0, 1500, PKT_FIT_WHOLE },
		{ { .payload_len = 1473 }, 0, 1500, PKT_FIT_CUT },
		{ { .payload_len = 1472, .df = true }, 0, 1500, PKT_FIT_WHOLE },
		{ { .payload_len = 1473, .df = true }, 0, 1500, PKT_FIT_BIG },
		{ { V6, .payload_len = 1452 }, 0, 1500, PKT_FIT_WHOLE },
		{ { V6, .payload_len = 1453 }, 0, 1500, PKT_FIT_BIG },
		/* R10: the segment counts, not the aggregate. */
		{ { .proto = IP_TCP,
		    .payload_len = 9000,
		    .gso_size = 1460,
		    .df = true },
		  0,
		  1500,
		  PKT_FIT_WHOLE },
		{ { .proto = IP_TCP,
		    .payload_len = 9000,
		    .gso_size = 1461,
		    .df = true },
		  0,
		  1500,
		  PKT_FIT_BIG },
		{ { .proto = IP_TCP, .payload_len = 9000, .gso_size = 1461 },
		  0,
		  1500,
		  PKT_FIT_CUT },
		/* R77: what came in pieces leaves in such pieces, or not. */
		{ { .payload_len = 3000, .df = true },
		  1400,
		  1500,
		  PKT_FIT_CUT },
		{ { .payload_len = 3000, .df = true },
		  1500,
		  1500,
		  PKT_FIT_CUT },
		{ { .payload_len = 3000, .df = true },
		  1501,
		  1500,
		  PKT_FIT_BIG },
		{ { .payload_len = 1000, .df = true }, 576, 1500, PKT_FIT_CUT },
		{ { .payload_len = 1000 }, 576, 1500, PKT_FIT_WHOLE },
		{ { .payload_len = 3000 }, 576, 1500, PKT_FIT_CUT },
		{ { V6, .payload_len = 3000 }, 1400, 1500, PKT_FIT_CUT },
		{ { V6, .payload_len = 3000 }, 1501, 1500, PKT_FIT_BIG },
		{ { V6, .payload_len = 1232 }, 200, 1280, PKT_FIT_WHOLE },
		{ { V6, .payload_len = 1233 }, 200, 1280, PKT_FIT_CUT },
	};

	begin();
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		struct pkt *p = frame_parsed(pool, &c[i].spec);

		p->frag_max = c[i].frag_max;
		CU_ASSERT_EQUAL(pkt_fit(p, c[i].mtu), c[i].fit);
		pkt_put(pool, p);
	}
	end();
}

/*
 * Cut sizes known from another NAT's tests (an echo with as many bytes of data,
 * link of 1500), as flags and offset of each fragment.
 */
static void R9_known_cuts_of_an_echo(void)
{
	static const struct {
		size_t data;
		uint32_t n;
		uint16_t ip_len[3], frag[3];
	} c[] = {
		{ 1500, 2, { 1500, 48 }, { 0x2000, 0x00b9 } },
		{ 1473, 2, { 1500, 21 }, { 0x2000, 0x00b9 } },
		{ 4432, 3, { 1500, 1500, 1500 }, { 0x2000, 0x20b9, 0x0172 } },
	};
	static struct pieces all;

	begin();
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		struct pkt *p = frame_parsed(
			pool, &(struct frame_spec){ .src = "1.1.1.1",
						    .dst = "2.2.2.2",
						    .proto = IP_ICMP,
						    .icmp_id = 5,
						    .icmp_seq = 9,
						    .payload_len = c[i].data });

		CU_ASSERT_EQUAL(pkt_fit(p, 1500), PKT_FIT_CUT);
		cut_all(&all, p, 1500, 0x1234, 0);
		CU_ASSERT_EQUAL_FATAL(all.n, c[i].n);
		check_pieces(&all, p, p->l4_off, 1500, 0x1234);
		for (uint32_t j = 0; j < all.n; j++) {
			const uint8_t *ip = all.p[j]->data + 14;

			CU_ASSERT_EQUAL(be16_at(ip + 2), c[i].ip_len[j]);
			CU_ASSERT_EQUAL(be16_at(ip + 6), c[i].frag[j]);
		}
		put_all(&all);
		pkt_put(pool, p);
	}
	end();
}

/* 1480 - 2 data bytes at most: the other NAT did not round and broke these. */
static void R9_pieces_end_on_8_bytes_whatever_the_mtu(void)
{
	static struct pieces all;
	struct pkt *p;

	begin();
	p = frame_parsed(pool, &(struct frame_spec){ .payload_len = 3001 });
	for (uint16_t mtu = 68; mtu <= 1500; mtu++) {
		cut_all(&all, p, mtu, mtu, mtu % PKT_BATCH);
		check_pieces(&all, p, p->l4_off, mtu, mtu);
		put_all(&all);
	}
	pkt_put(pool, p);
	end();
}

static void R9_every_length_around_the_edges(void)
{
	static struct pieces all;

	begin();
	for (size_t len = 0; len < 200; len++) {
		struct pkt *p = frame_parsed(
			pool, &(struct frame_spec){ .payload_len = len });

		cut_all(&all, p, 76, 7, 0);
		check_pieces(&all, p, p->l4_off, 76, 7);
		CU_ASSERT_EQUAL(all.n, len + 8 <= 56 ? 1 : (len + 7) / 56 + 1);
		put_all(&all);
		pkt_put(pool, p);
	}
	end();
}

static void R9_the_largest_datagram_through_the_smallest_link(void)
{
	static struct pieces all;
	struct pkt *p;

	begin();
	p = frame_parsed(pool,
			 &(struct frame_spec){ .payload_len = 65535 - 28 });
	cut_all(&all, p, 68, 0xffff, 0);
	CU_ASSERT_EQUAL(all.n, 1365);
	check_pieces(&all, p, p->l4_off, 68, 0xffff);
	put_all(&all);
	pkt_put(pool, p);
	end();
}

/*
 * No packet with such options gets past the parser (R12), so this one is made
 * by hand: timestamp (68, not copied), NOP, security (130, copied), NOP.
 */
static void R9_options_are_copied_by_their_copy_bit(void)
{
	static const char options[] = "44080501000000000182040102010000"
				      "00000000";
	static const struct {
		const char *what, *first, *later;
	} c[] = {
		{ "as described", options, "82040102" },
		{ "only copied", "8803aa00", "8803aa00" },
		{ "copied, to the very end", "0101010188040000", "88040000" },
		{ "copied, behind the end", "0088040000000000", "" },
		{ "none copied", "0101010144040501", "" },
		{ "after the end of the list", "0188030000010101", "88030000" },
		{ "length goes past the header", "0188090000000000", "" },
		{ "length 0", "0188000000000000", "" },
		{ "type alone at the end", "0101010101010188", "" },
	};
	static struct pieces all;

	begin();
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		uint8_t opt[40], want[40];
		size_t n = frame_unhex(opt, sizeof(opt), c[i].first);
		size_t later = frame_unhex(want, sizeof(want), c[i].later);
		char nops[81];
		struct pkt *p;

		for (size_t j = 0; j < n; j++)
			memcpy(nops + 2 * j, "01", 3);
		p = frame_parsed(pool,
				 &(struct frame_spec){ .payload_len = 500,
						       .ip_options = nops });
		memcpy(p->data + 34, opt, n);
		frame_fix(p->data, p->len);
		cut_all(&all, p, 100, 1, 0);
		for (uint32_t j = 0; j < all.n; j++) {
			const uint8_t *ip = all.p[j]->data + 14;
			size_t has = (ip[0] & 15u) * 4 - 20;

			CU_ASSERT_EQUAL(has, j ? later : n);
			CU_ASSERT_EQUAL(memcmp(ip + 20, j ? want : opt,
					       j ? later : n),
					0);
			(void)read_piece(all.p[j]);
		}
		put_all(&all);
		pkt_put(pool, p);
	}
	end();
}

static void the_longest_header_leaves_room_at_mtu_68(void)
{
	static struct pieces all;
	struct pkt *p;

	begin();
	p = frame_parsed(pool, &(struct frame_spec){
				       .payload_len = 56,
				       .ip_options = "01010101010101010101"
						     "01010101010101010101"
						     "01010101010101010101"
						     "01010101010101010101" });
	CU_ASSERT_EQUAL(p->l4_off - p->l3_off, 60);
	cut_all(&all, p, 68, 1, 0);
	CU_ASSERT_EQUAL(all.n, 3); /* 8, then 48, then 8 */
	CU_ASSERT_EQUAL(read_piece(all.p[1]).off, 8);
	CU_ASSERT_EQUAL(read_piece(all.p[2]).off, 56);
	put_all(&all);
	pkt_put(pool, p);
	end();
}

static void R77_what_came_in_pieces_with_DF_leaves_so(void)
{
	static struct pieces all;
	struct pkt *p;

	begin();
	p = frame_parsed(pool, &(struct frame_spec){ .payload_len = 3000,
						     .df = true });
	p->frag_max = 1400;
	p->flags |= PKT_F_CSUM_VALID; /* of the whole, not of its pieces */
	cut_all(&all, p, 1500, 99, 0);
	check_pieces(&all, p, p->l4_off, 1400, 99);
	CU_ASSERT_EQUAL(all.p[0]->flags & PKT_F_CSUM_VALID, 0);
	put_all(&all);
	/* Without DF the link decides. */
	pkt_put(pool, p);
	p = frame_parsed(pool, &(struct frame_spec){ .payload_len = 3000 });
	p->frag_max = 1400;
	cut_all(&all, p, 1500, 99, 0);
	check_pieces(&all, p, p->l4_off, 1500, 99);
	put_all(&all);
	pkt_put(pool, p);
	end();
}

static void IPv6_datagrams_that_came_in_pieces_are_cut_again(void)
{
	static const struct {
		struct frame_spec spec;
		uint16_t frag_max, cut;
		uint32_t headers; /* before the fragment header */
	} c[] = {
		{ { V6, .payload_len = 5000 }, 1500, 1500, 40 },
		{ { V6, .payload_len = 5000 }, 1333, 1333, 40 },
		{ { V6, .payload_len = 5000 }, 100, 1280, 40 },
		{ { V6, .payload_len = 5000, .ext_type = IP_HOPOPT,
		    .ext = "000201140000000000000000000000000000000000000000" },
		  1500,
		  1500,
		  40 + 24 },
		{ { V6, .payload_len = 5000, .ext_type = IP_DSTOPTS,
		    .ext = "0000010400000000" },
		  1500,
		  1500,
		  40 },
	};
	static struct pieces all;

	begin();
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		struct pkt *p = frame_parsed(pool, &c[i].spec);

		p->frag_max = c[i].frag_max;
		cut_all(&all, p, 1500, 0xdeadbeef, 0);
		check_pieces(&all, p, 14 + c[i].headers, c[i].cut, 0xdeadbeef);
		put_all(&all);
		pkt_put(pool, p);
	}
	end();
}

static void with_too_few_buffers_nothing_is_appended(void)
{
	struct pkt_batch out = { .n = 0 };
	uint32_t small, large;
	struct pkt *p;

	pool = frame_pool_new(2, 1);
	p = frame_parsed(pool, &(struct frame_spec){ .payload_len = 3000 });
	CU_ASSERT_EQUAL(pkt_cut_count(p, 1500), 3);
	CU_ASSERT_EQUAL(pkt_cut(pool, p, 1500, 1, 0, &out), -ENOSPC);
	CU_ASSERT_EQUAL(out.n, 0);
	pkt_pool_free_n(pool, &small, &large);
	CU_ASSERT_EQUAL(small, 2);
	pkt_put(pool, p);
	p = frame_parsed(pool, &(struct frame_spec){ V6, .payload_len = 3000 });
	p->frag_max = 1400;
	CU_ASSERT_EQUAL(pkt_cut(pool, p, 1500, 1, 0, &out), -ENOSPC);
	CU_ASSERT_EQUAL(out.n, 0);
	pkt_put(pool, p);
	end();
}

UNIT_SUITE(pkt_cut, UNIT(fits_by_size_flag_and_family),
	   UNIT(R9_known_cuts_of_an_echo),
	   UNIT(R9_pieces_end_on_8_bytes_whatever_the_mtu),
	   UNIT(R9_every_length_around_the_edges),
	   UNIT(R9_the_largest_datagram_through_the_smallest_link),
	   UNIT(R9_options_are_copied_by_their_copy_bit),
	   UNIT(the_longest_header_leaves_room_at_mtu_68),
	   UNIT(R77_what_came_in_pieces_with_DF_leaves_so),
	   UNIT(IPv6_datagrams_that_came_in_pieces_are_cut_again),
	   UNIT(with_too_few_buffers_nothing_is_appended))
