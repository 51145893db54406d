/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame and the IPv4 header; see test_pkt_parse_ip6.c, test_pkt_parse_l4.c.
 */
#include <stdlib.h>
#include <string.h>

#include "mock/frames.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

#define V6 .src = "fd00::2", .dst = "2001:db8::1"
#define N(a) (sizeof(a) / sizeof((a)[0]))

static uint8_t frame[FRAME_MAX];

static void a_plain_packet_passes_and_is_described(void)
{
	struct pkt p;

	CU_ASSERT_EQUAL(frame_judge(&(struct frame_spec){ .proto = IP_TCP,
							  .df = true,
							  .sport = 1234,
							  .dport = 443,
							  .payload_len = 10 },
				    &p),
			PKT_REASON_NONE);
	CU_ASSERT_EQUAL(p.l3, PKT_L3_IP4);
	CU_ASSERT_EQUAL(p.l3_off, 14);
	CU_ASSERT_EQUAL(p.l4_off, 34);
	CU_ASSERT_EQUAL(p.pay_off, 54);
	CU_ASSERT_EQUAL(p.len, 64);
	CU_ASSERT_EQUAL(p.proto, IP_TCP);
	CU_ASSERT_EQUAL(p.kind, PKT_KIND_TCP);
	CU_ASSERT(p.sport == 1234 && p.dport == 443);
	CU_ASSERT_EQUAL(p.tcp_flags, TCP_ACK);
	CU_ASSERT_EQUAL(p.flags, PKT_F_DF);
}

static void nothing_of_an_earlier_parse_remains(void)
{
	struct pkt_pool *pool = frame_pool_new(1, 0);
	struct pkt *p = frame_make(pool, &(struct frame_spec){ 0 });

	p->flags = (uint8_t) ~(PKT_F_CSUM_PARTIAL);
	p->kind = PKT_KIND_ND;
	p->frag_off = p->frag6_off = 99;
	p->icmp_type = p->icmp_code = p->tcp_flags = 99;
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	CU_ASSERT_EQUAL(p->flags, PKT_F_CSUM_VALID);
	CU_ASSERT_EQUAL(p->kind, PKT_KIND_UDP);
	CU_ASSERT(!p->frag_off && !p->frag6_off && !p->icmp_type &&
		  !p->icmp_code && !p->tcp_flags);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

/* One frame of each sort that the parser passes. */
static const struct frame_spec valid[] = {
	{ .proto = IP_TCP, .payload_len = 3 },
	{ .proto = IP_TCP, .tcp_options = "020405b4 0402 0101 0303 07" },
	{ .proto = IP_UDP, .payload_len = 1 },
	{ .proto = IP_UDP, .ip_options = "01 01 00", .payload_len = 2 },
	{ .proto = IP_ICMP, .payload_len = 4 },
	{ .proto = IP_ICMP,
	  .type = ICMP_UNREACH,
	  .code = 3,
	  .quote = &(const struct frame_spec){ .payload_len = 4 } },
	{ .proto = 47, .payload_len = 12 },
	{ .proto = IP_UDP, .mf = true, .payload_len = 24 },
	{ .proto = IP_UDP, .mf = true, .frag_off = 64, .payload_len = 24 },
	{ .proto = IP_TCP, .frag_off = 64, .payload_len = 5 },
	{ V6, .proto = IP_TCP, .payload_len = 3 },
	{ V6, .proto = IP_UDP, .payload_len = 3 },
	{ V6, .proto = IP_ICMP6, .payload_len = 3 },
	{ V6, .proto = IP_UDP, .ext_type = 0, .ext = "00 00 01 04 00000000",
	  .payload_len = 3 },
	{ V6, .proto = IP_TCP, .frag6 = true, .payload_len = 3 },
	{ V6, .proto = IP_UDP, .mf = true, .payload_len = 24 },
	{ V6, .proto = IP_UDP, .frag_off = 800, .payload_len = 24 },
	{ V6, .proto = IP_NO_NEXT },
};

/*
 * Cut anywhere, a frame is refused: its own length says that bytes are missing.
 * Reading past the end is the sanitizer's to find.
 */
static void R1_a_valid_frame_cut_at_any_length_is_refused(void)
{
	for (size_t i = 0; i < N(valid); i++) {
		size_t len = frame_write(frame, &valid[i]);

		CU_ASSERT_EQUAL(frame_judge_bytes(frame, len, NULL),
				PKT_REASON_NONE);
		for (size_t cut = 0; cut < len; cut++) {
			enum pkt_reason why =
				frame_judge_bytes(frame, cut, NULL);

			CU_ASSERT_NOT_EQUAL(why, PKT_REASON_NONE);
			CU_ASSERT(cut >= 14 || why == PKT_REASON_RUNT);
		}
	}
}

/* The same with the IP lengths made to fit: inner headers are cut. */
static void a_header_cut_inside_the_datagram_is_refused_or_whole(void)
{
	for (size_t i = 0; i < N(valid); i++) {
		size_t len = frame_write(frame, &valid[i]);
		bool v6 = frame[14] >> 4 == 6;

		for (size_t cut = v6 ? 54 : 34; cut < len; cut++) {
			struct pkt p;

			frame_write(frame, &valid[i]);
			be16_set(frame + (v6 ? 18 : 16),
				 (uint16_t)(cut - (v6 ? 54 : 14)));
			frame_fix(frame, cut);
			if (frame_judge_bytes(frame, cut, &p))
				continue;
			CU_ASSERT_EQUAL(p.len, cut);
			CU_ASSERT(p.l3_off <= p.l4_off);
			CU_ASSERT(p.l4_off <= p.pay_off && p.pay_off <= cut);
		}
	}
}

static void R3_bytes_behind_the_datagram_are_cut_off(void)
{
	struct pkt_pool *pool = frame_pool_new(1, 0);

	for (size_t i = 0; i < N(valid); i++) {
		size_t len = frame_write(frame, &valid[i]);
		struct pkt *p;
		uint32_t room;

		memset(frame + len, 0xee, 46);
		p = frame_bytes(pool, frame, len + 46);
		room = p->len + p->tail;
		CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
		CU_ASSERT_EQUAL(p->len, len);
		CU_ASSERT_EQUAL(p->len + p->tail, room);
		pkt_put(pool, p);
	}
	frame_pool_free(pool);
}

static enum pkt_reason judge_ethertype(uint16_t type)
{
	size_t len =
		frame_write(frame, &(struct frame_spec){ .payload_len = 20 });

	be16_set(frame + 12, type);
	return frame_judge_bytes(frame, len, NULL);
}

static void R17_every_ethertype_but_three_is_refused_by_its_kind(void)
{
	for (unsigned int type = 0; type <= 0xffff; type++) {
		enum pkt_reason want = PKT_REASON_ETH_TYPE;

		if (type == 0x0800 || type == 0x0806)
			want = PKT_REASON_NONE;
		else if (type == 0x86dd)
			want = PKT_REASON_IP_VERSION;
		else if (type == 0x8100 || type == 0x88a8 || type == 0x9100)
			want = PKT_REASON_ETH_VLAN;
		else if (type < 0x600)
			want = PKT_REASON_ETH_LLC;
		CU_ASSERT_EQUAL(judge_ethertype((uint16_t)type), want);
	}
}

static void ARP_is_only_located(void)
{
	struct pkt_pool *pool = frame_pool_new(1, 0);
	struct pkt *p = frame_arp(pool, &(struct frame_arp){ 0 });

	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	CU_ASSERT_EQUAL(p->l3, PKT_L3_ARP);
	CU_ASSERT_EQUAL(p->kind, PKT_KIND_NONE);
	CU_ASSERT(p->l3_off == 14 && p->l4_off == 14 && p->pay_off == 14);
	CU_ASSERT_EQUAL(p->flags, PKT_F_L2_MCAST);
	p->flags = PKT_F_CSUM_PARTIAL;
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_DROP);
	CU_ASSERT_EQUAL(p->reason, PKT_REASON_GSO_BAD);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

static void R15_group_frames_carry_group_packets_only(void)
{
	static const struct {
		const char *mac, *src, *dst;
		enum pkt_reason why;
	} t[] = {
		{ "ff:ff:ff:ff:ff:ff", "10.0.0.2", "192.0.2.1",
		  PKT_REASON_ETH_MCAST },
		{ "01:00:5e:00:00:01", "10.0.0.2", "192.0.2.1",
		  PKT_REASON_ETH_MCAST },
		{ "ff:ff:ff:ff:ff:ff", "10.0.0.2", "10.0.0.255",
		  PKT_REASON_ETH_MCAST },
		{ "ff:ff:ff:ff:ff:ff", "10.0.0.2", "255.255.255.255",
		  PKT_REASON_NONE },
		{ "01:00:5e:00:00:01", "10.0.0.2", "224.0.0.1",
		  PKT_REASON_NONE },
		{ "33:33:00:00:00:01", "fd00::2", "fd00::1",
		  PKT_REASON_ETH_MCAST },
		{ "33:33:00:00:00:01", "fd00::2", "ff02::1", PKT_REASON_NONE },
		{ FRAME_MAC_B, "fd00::2", "ff02::1", PKT_REASON_NONE },
	};

	for (size_t i = 0; i < N(t); i++) {
		struct pkt p;

		CU_ASSERT_EQUAL(
			frame_judge(&(struct frame_spec){ .dst_mac = t[i].mac,
							  .src = t[i].src,
							  .dst = t[i].dst },
				    &p),
			t[i].why);
		CU_ASSERT_EQUAL(!!(p.flags & PKT_F_L2_MCAST),
				strcmp(t[i].mac, FRAME_MAC_B) != 0);
	}
}

static void R16_source_and_destination_may_not_be_the_same(void)
{
	CU_ASSERT_EQUAL(frame_judge(&(struct frame_spec){ .src = "10.0.0.2",
							  .dst = "10.0.0.2" },
				    NULL),
			PKT_REASON_LAND);
	CU_ASSERT_EQUAL(frame_judge(&(struct frame_spec){ .src = "fd00::2",
							  .dst = "fd00::2" },
				    NULL),
			PKT_REASON_LAND);
}

/* ---- IPv4 -----------------------------------------------------------------
 */

/* Frame with first byte of IP @first and total length @total, sums right. */
static enum pkt_reason judge_lengths(uint8_t first, uint16_t total)
{
	size_t len =
		frame_write(frame, &(struct frame_spec){ .payload_len = 60 });

	frame[14] = first;
	be16_set(frame + 16, total);
	be16_set(frame + 24, 0);
	for (uint32_t sum = 0, i = 0; i < (first & 15u) * 4; i += 2) {
		sum += be16_at(frame + 14 + i);
		sum = (sum & 0xffff) + (sum >> 16);
		if (i + 2 == (first & 15u) * 4)
			be16_set(frame + 24, (uint16_t)~sum);
	}
	return frame_judge_bytes(frame, len, NULL);
}

static void R1_version_and_header_length_are_checked(void)
{
	for (unsigned int first = 0; first <= 0xff; first++) {
		enum pkt_reason why = judge_lengths((uint8_t)first, 88);

		if (first >> 4 != 4)
			CU_ASSERT_EQUAL(why, PKT_REASON_IP_VERSION)
		else if ((first & 15) < 5)
			CU_ASSERT_EQUAL(why, PKT_REASON_IP_HLEN)
		else if ((first & 15) > 5)
			CU_ASSERT_EQUAL(why, PKT_REASON_IP_OPTION)
		else
			CU_ASSERT_EQUAL(why, PKT_REASON_NONE)
	}
}

static void R1_total_length_is_checked_at_every_value(void)
{
	for (unsigned int total = 0; total <= 0xffff; total++) {
		enum pkt_reason why = judge_lengths(0x45, (uint16_t)total);

		if (total < 20 || total > 88)
			CU_ASSERT_EQUAL(why, PKT_REASON_IP_LEN)
		else if (total < 28)
			CU_ASSERT_EQUAL(why, PKT_REASON_L4_SHORT)
		else if (total < 88)
			CU_ASSERT_EQUAL(why, PKT_REASON_UDP_LEN)
		else
			CU_ASSERT_EQUAL(why, PKT_REASON_NONE)
	}
}

static void R1_a_header_longer_than_the_frame_is_refused(void)
{
	size_t len = frame_write(
		frame, &(struct frame_spec){ .ip_options = "01010101" });

	CU_ASSERT_EQUAL(frame_judge_bytes(frame, 14 + 22, NULL),
			PKT_REASON_IP_SHORT);
	CU_ASSERT_EQUAL(frame_judge_bytes(frame, 14 + 19, NULL),
			PKT_REASON_IP_SHORT);
	be16_set(frame + 16, 22); /* total < header */
	CU_ASSERT_EQUAL(frame_judge_bytes(frame, len, NULL), PKT_REASON_IP_LEN);
}

static void R2_every_wrong_header_checksum_is_refused(void)
{
	size_t len = frame_write(frame, &(struct frame_spec){ 0 });
	uint16_t right = be16_at(frame + 24);

	for (unsigned int sum = 0; sum <= 0xffff; sum++) {
		be16_set(frame + 24, (uint16_t)sum);
		CU_ASSERT_EQUAL(frame_judge_bytes(frame, len, NULL),
				sum == right ? PKT_REASON_NONE
					     : PKT_REASON_IP_CSUM);
	}
}

static void R2_a_flipped_bit_anywhere_in_the_header_is_seen(void)
{
	size_t len = frame_write(
		frame, &(struct frame_spec){ .ip_options = "01010101" });

	for (int bit = 0; bit < 24 * 8; bit++) {
		frame[14 + bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		CU_ASSERT_NOT_EQUAL(frame_judge_bytes(frame, len, NULL),
				    PKT_REASON_NONE);
		frame[14 + bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	}
}

/*
 * Every option type with every length byte, first in the list and behind three
 * NOPs: only padding passes, and then the length byte is padding too.
 */
static void R12_every_option_but_padding_is_refused(void)
{
	for (unsigned int type = 0; type <= 0xff; type++)
		for (unsigned int len = 0; len <= 0xff; len++)
			for (unsigned int at = 0; at < 4; at += 3) {
				bool pad = type <= 1 && len <= 1;
				uint8_t opt[8] = { 1, 1, 1 };
				size_t n;

				opt[at] = (uint8_t)type;
				opt[at + 1] = (uint8_t)len;
				n = frame_write(
					frame,
					&(struct frame_spec){
						.ip_options =
							"0000000000000000" });
				memcpy(frame + 34, opt, 8);
				frame_fix(frame, n);
				CU_ASSERT_EQUAL(frame_judge_bytes(frame, n,
								  NULL),
						pad ? PKT_REASON_NONE
						    : PKT_REASON_IP_OPTION);
			}
}

static void R12_padding_of_every_length_passes(void)
{
	static const char nops[] = "0101010101010101010101010101010101010101"
				   "0101010101010101010101010101010101010101";

	for (size_t n = 4; n <= 40; n += 4) {
		char hex[sizeof(nops)] = { 0 };
		struct pkt p;

		memcpy(hex, nops, n * 2);
		CU_ASSERT_EQUAL(
			frame_judge(&(struct frame_spec){ .ip_options = hex },
				    &p),
			PKT_REASON_NONE);
		CU_ASSERT_EQUAL(p.l4_off, 34 + n);
	}
}

/* ---- fragments of IPv4 -----------------------------------------------------
 */

static void fragments_are_flagged_and_not_looked_into(void)
{
	static const struct {
		struct frame_spec s;
		uint8_t flags;
	} t[] = {
		{ { .mf = true, .payload_len = 16 }, PKT_F_FRAG | PKT_F_MF },
		{ { .mf = true, .frag_off = 8, .payload_len = 16 },
		  PKT_F_FRAG | PKT_F_MF },
		{ { .frag_off = 8, .payload_len = 1 }, PKT_F_FRAG },
		{ { .frag_off = 8, .df = true, .payload_len = 1 },
		  PKT_F_FRAG | PKT_F_DF },
		{ { .mf = true, .df = true, .payload_len = 16 },
		  PKT_F_FRAG | PKT_F_MF | PKT_F_DF },
	};

	for (size_t i = 0; i < N(t); i++) {
		struct pkt p;

		CU_ASSERT_EQUAL(frame_judge(&t[i].s, &p), PKT_REASON_NONE);
		CU_ASSERT_EQUAL(p.flags, t[i].flags);
		CU_ASSERT_EQUAL(p.frag_off, t[i].s.frag_off);
		CU_ASSERT_EQUAL(p.kind, PKT_KIND_NONE);
		CU_ASSERT_EQUAL(p.proto, IP_UDP);
		CU_ASSERT(p.l4_off == 34 && p.pay_off == 34);
		CU_ASSERT(p.sport == 0 && p.dport == 0);
		CU_ASSERT_EQUAL(p.frag6_off, 0);
	}
}

static void R73_lengths_of_fragments_are_checked(void)
{
	static const struct {
		struct frame_spec s;
		enum pkt_reason why;
	} t[] = {
		/* all but the last are multiples of 8 */
		{ { .mf = true, .payload_len = 17 }, PKT_REASON_FRAG_BAD },
		{ { .mf = true, .frag_off = 8, .payload_len = 7 },
		  PKT_REASON_FRAG_BAD },
		{ { .frag_off = 8, .payload_len = 7 }, PKT_REASON_NONE },
		/* none is empty */
		{ { .mf = true, .raw = true }, PKT_REASON_FRAG_BAD },
		{ { .frag_off = 64 }, PKT_REASON_FRAG_BAD },
		/* header + offset + length is at most 65535 */
		{ { .frag_off = 65512, .payload_len = 3 }, PKT_REASON_NONE },
		{ { .frag_off = 65512, .payload_len = 4 },
		  PKT_REASON_FRAG_BAD },
		{ { .frag_off = 65512, .mf = true, .payload_len = 8 },
		  PKT_REASON_FRAG_BAD },
		{ { .frag_off = 65504,
		    .payload_len = 8,
		    .ip_options = "01010101" },
		  PKT_REASON_FRAG_BAD },
		{ { .frag_off = 65504,
		    .payload_len = 7,
		    .ip_options = "01010101" },
		  PKT_REASON_NONE },
	};

	for (size_t i = 0; i < N(t); i++)
		CU_ASSERT_EQUAL(frame_judge(&t[i].s, NULL), t[i].why);
}

static void R73_the_first_fragment_holds_the_transport_header(void)
{
	static const struct {
		uint8_t proto;
		size_t whole; /* header bytes that must be there */
	} t[] = {
		{ IP_TCP, 20 },
		{ IP_UDP, 8 },
		{ IP_ICMP, 8 },
		{ 47, 1 },
	};

	for (size_t i = 0; i < N(t); i++)
		for (size_t n = 8; n <= 32; n += 8)
			CU_ASSERT_EQUAL(frame_judge(
						&(struct frame_spec){
							.proto = t[i].proto,
							.mf = true,
							.raw = true,
							.payload_len = n },
						NULL),
					n < t[i].whole ? PKT_REASON_FRAG_TINY
						       : PKT_REASON_NONE);
}

static void R73_with_all_options_of_TCP(void)
{
	static const char nops[] = "0101010101010101010101010101010101010101";

	for (size_t doff = 5; doff <= 10; doff++) {
		char hex[sizeof(nops)] = { 0 };
		struct frame_spec s = { .proto = IP_TCP,
					.tcp_options = hex,
					.mf = true };
		size_t n = (doff * 4 + 7) / 8 * 8;

		memcpy(hex, nops, (doff - 5) * 8);
		s.payload_len = n - doff * 4;
		CU_ASSERT_EQUAL(frame_judge(&s, NULL), PKT_REASON_NONE);
		if (n == 24)
			continue;
		/* The same cut short by 8. */
		frame_write(frame, &s);
		be16_set(frame + 16, (uint16_t)(20 + n - 8));
		frame_fix(frame, 14 + 20 + n - 8);
		CU_ASSERT_EQUAL(frame_judge_bytes(frame, 34 + n - 8, NULL),
				PKT_REASON_FRAG_TINY);
	}
}

static void R73_TCP_never_continues_at_8(void)
{
	CU_ASSERT_EQUAL(frame_judge(&(struct frame_spec){ .proto = IP_TCP,
							  .frag_off = 8,
							  .payload_len = 32 },
				    NULL),
			PKT_REASON_FRAG_TINY);
	CU_ASSERT_EQUAL(frame_judge(&(struct frame_spec){ .proto = IP_TCP,
							  .frag_off = 16,
							  .payload_len = 32 },
				    NULL),
			PKT_REASON_NONE);
	CU_ASSERT_EQUAL(frame_judge(&(struct frame_spec){ .proto = IP_UDP,
							  .frag_off = 8,
							  .payload_len = 32 },
				    NULL),
			PKT_REASON_NONE);
}

static void a_fragment_is_no_aggregate(void)
{
	CU_ASSERT_EQUAL(frame_judge(&(struct frame_spec){ .mf = true,
							  .payload_len = 8,
							  .partial = true },
				    NULL),
			PKT_REASON_GSO_BAD);
	CU_ASSERT_EQUAL(frame_judge(&(struct frame_spec){ .frag_off = 64,
							  .payload_len = 8,
							  .gso_size = 4 },
				    NULL),
			PKT_REASON_GSO_BAD);
}

static void the_reserved_bit_is_nobodys_business(void)
{
	struct pkt p;
	size_t len = frame_write(frame, &(struct frame_spec){ 0 });

	frame[20] |= 0x80;
	frame_fix(frame, len);
	CU_ASSERT_EQUAL(frame_judge_bytes(frame, len, &p), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(p.flags, 0);
}

static void a_reassembled_datagram_is_parsed_from_its_IP_header_on(void)
{
	struct pkt_pool *pool = frame_pool_new(0, 1);
	struct pkt *p = frame_make(
		pool, &(struct frame_spec){ .payload_len = 65535 - 28 });

	CU_ASSERT_EQUAL(p->len, 65535 + 14);
	p->l3 = PKT_L3_IP4;
	p->l3_off = 14;
	p->kind = PKT_KIND_TCP;
	p->flags = PKT_F_FRAG | PKT_F_MF;
	CU_ASSERT_EQUAL(pkt_parse_ip(p), PKT_FORWARD);
	CU_ASSERT_EQUAL(p->kind, PKT_KIND_UDP);
	CU_ASSERT_EQUAL(p->flags, 0);
	CU_ASSERT_EQUAL(p->pay_off, 42);
	CU_ASSERT_EQUAL(p->len, 65535 + 14);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

UNIT_SUITE(pkt_parse, UNIT(a_plain_packet_passes_and_is_described),
	   UNIT(nothing_of_an_earlier_parse_remains),
	   UNIT(R1_a_valid_frame_cut_at_any_length_is_refused),
	   UNIT(a_header_cut_inside_the_datagram_is_refused_or_whole),
	   UNIT(R3_bytes_behind_the_datagram_are_cut_off),
	   UNIT(R17_every_ethertype_but_three_is_refused_by_its_kind),
	   UNIT(ARP_is_only_located),
	   UNIT(R15_group_frames_carry_group_packets_only),
	   UNIT(R16_source_and_destination_may_not_be_the_same),
	   UNIT(R1_version_and_header_length_are_checked),
	   UNIT(R1_total_length_is_checked_at_every_value),
	   UNIT(R1_a_header_longer_than_the_frame_is_refused),
	   UNIT(R2_every_wrong_header_checksum_is_refused),
	   UNIT(R2_a_flipped_bit_anywhere_in_the_header_is_seen),
	   UNIT(R12_every_option_but_padding_is_refused),
	   UNIT(R12_padding_of_every_length_passes),
	   UNIT(fragments_are_flagged_and_not_looked_into),
	   UNIT(R73_lengths_of_fragments_are_checked),
	   UNIT(R73_the_first_fragment_holds_the_transport_header),
	   UNIT(R73_with_all_options_of_TCP),
	   UNIT(R73_TCP_never_continues_at_8), UNIT(a_fragment_is_no_aggregate),
	   UNIT(the_reserved_bit_is_nobodys_business),
	   UNIT(a_reassembled_datagram_is_parsed_from_its_IP_header_on))
