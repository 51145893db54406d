/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "mock/frames.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

#define V6 .src = "fd00::2", .dst = "2001:db8::1"
#define N(a) (sizeof(a) / sizeof((a)[0]))

static uint8_t frame[FRAME_MAX];

/* ---- TCP --------------------------------------------------------------------
 */

/*
 * All values of data offset, reserved bits and flags, as a 16-bit word.  The
 * flags that some host sends, with URG and PSH struck out, spelt one by one.
 */
static bool some_host_sends(unsigned int word)
{
	switch (word & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)) {
	case TCP_SYN:
	case TCP_SYN | TCP_ACK:
	case TCP_ACK:
	case TCP_FIN | TCP_ACK:
	case TCP_RST:
	case TCP_RST | TCP_ACK:
		return true;
	default:
		return false;
	}
}

static void R51_only_flags_that_some_host_sends_pass(void)
{
	size_t len =
		frame_write(frame, &(struct frame_spec){ .proto = IP_TCP });
	unsigned int passed = 0;

	/* 3 reserved bits, NS, CWR, ECE, URG, ACK, PSH, RST, SYN, FIN */
	for (unsigned int bits = 0; bits <= 0xfff; bits++) {
		enum pkt_reason why;
		struct pkt p;

		be16_set(frame + 46, (uint16_t)(0x5000 | bits));
		why = frame_judge_bytes(frame, len, &p);
		CU_ASSERT_EQUAL(why, some_host_sends(bits)
					     ? PKT_REASON_NONE
					     : PKT_REASON_TCP_FLAGS);
		CU_ASSERT(why || p.tcp_flags == (bits & 0xff));
		passed += why == PKT_REASON_NONE;
	}
	CU_ASSERT_EQUAL(passed, 6 * 256); /* of 16 * 256 */
}

static void R51_the_well_known_odd_ones_are_refused(void)
{
	static const uint8_t odd[] = {
		TCP_SYN | TCP_FIN,
		TCP_SYN | TCP_RST,
		TCP_SYN | TCP_FIN | TCP_ACK,
		TCP_FIN,
		TCP_FIN | TCP_PSH | TCP_URG,
		TCP_PSH,
		TCP_URG,
		TCP_FIN | TCP_RST | TCP_ACK,
		0xff,
		0x3f,
		TCP_ECE | TCP_CWR,
	};

	for (size_t i = 0; i < N(odd); i++)
		CU_ASSERT_EQUAL(
			frame_judge(&(struct frame_spec){ .proto = IP_TCP,
							  .flags = odd[i] },
				    NULL),
			PKT_REASON_TCP_FLAGS);
}

static void the_TCP_header_length_is_checked_at_every_value(void)
{
	for (size_t room = 20; room <= 72; room++) {
		size_t len =
			frame_write(frame, &(struct frame_spec){
						   .proto = IP_TCP,
						   .payload_len = room - 20 });

		for (unsigned int doff = 0; doff <= 15; doff++) {
			bool fits = doff >= 5 && doff * 4 <= room;
			struct pkt p;

			frame[46] = (uint8_t)(doff << 4);
			CU_ASSERT_EQUAL(frame_judge_bytes(frame, len, &p),
					fits ? PKT_REASON_NONE
					     : PKT_REASON_TCP_HLEN);
			CU_ASSERT(!fits || p.pay_off == 34 + doff * 4);
		}
	}
}

static void a_cut_TCP_header_is_refused(void)
{
	for (size_t n = 0; n < 20; n++) {
		CU_ASSERT_EQUAL(
			frame_judge(&(struct frame_spec){ .proto = IP_TCP,
							  .raw = true,
							  .payload_len = n },
				    NULL),
			PKT_REASON_L4_SHORT);
		CU_ASSERT_EQUAL(
			frame_judge(&(struct frame_spec){ V6, .proto = IP_TCP,
							  .raw = true,
							  .payload_len = n },
				    NULL),
			PKT_REASON_L4_SHORT);
	}
}

static void R4_a_wrong_TCP_checksum_is_not_the_parsers_business(void)
{
	size_t len =
		frame_write(frame, &(struct frame_spec){ .proto = IP_TCP });

	frame[50] ^= 1;
	CU_ASSERT_EQUAL(frame_judge_bytes(frame, len, NULL), PKT_REASON_NONE);
}

static void port_0_is_refused(void)
{
	for (int proto = IP_TCP; proto <= IP_UDP; proto += IP_UDP - IP_TCP)
		for (size_t at = 34; at <= 36; at += 2) {
			size_t len = frame_write(
				frame, &(struct frame_spec){
					       .proto = (uint8_t)proto });

			be16_set(frame + at, 0);
			CU_ASSERT_EQUAL(frame_judge_bytes(frame, len, NULL),
					PKT_REASON_PORT_ZERO);
		}
}

/* ---- UDP --------------------------------------------------------------------
 */

static void R47_the_UDP_length_is_checked_at_every_value(void)
{
	size_t len =
		frame_write(frame, &(struct frame_spec){ .payload_len = 40 });

	for (unsigned int n = 0; n <= 0xffff; n++) {
		be16_set(frame + 38, (uint16_t)n);
		CU_ASSERT_EQUAL(frame_judge_bytes(frame, len, NULL),
				n < 8 || n > 48 ? PKT_REASON_UDP_LEN
						: PKT_REASON_NONE);
	}
}

static void R47_UDP_without_payload_passes(void)
{
	struct pkt p;

	CU_ASSERT_EQUAL(frame_judge(&(struct frame_spec){ 0 }, &p),
			PKT_REASON_NONE);
	CU_ASSERT_EQUAL(p.pay_off, p.len);
}

static void bytes_behind_the_UDP_length_stay_in_the_datagram(void)
{
	size_t len =
		frame_write(frame, &(struct frame_spec){ .payload_len = 40 });
	struct pkt p;

	be16_set(frame + 38, 16);
	CU_ASSERT_EQUAL(frame_judge_bytes(frame, len, &p), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(p.len, len);
}

static void but_not_when_the_checksum_is_left_to_others(void)
{
	struct pkt_pool *pool = frame_pool_new(1, 0);
	struct pkt *p =
		frame_make(pool, &(struct frame_spec){ .payload_len = 40,
						       .partial = true });

	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	be16_set(p->data + 38, 47);
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_DROP);
	CU_ASSERT_EQUAL(p->reason, PKT_REASON_UDP_LEN);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

static void R4_UDP_without_a_checksum_passes_over_IPv4_only(void)
{
	CU_ASSERT_EQUAL(
		frame_judge(&(struct frame_spec){ .udp_csum_none = true },
			    NULL),
		PKT_REASON_NONE);
	CU_ASSERT_EQUAL(
		frame_judge(&(struct frame_spec){ V6, .udp_csum_none = true },
			    NULL),
		PKT_REASON_UDP_CSUM0);
}

static void a_cut_UDP_header_is_refused(void)
{
	for (size_t n = 0; n < 8; n++)
		CU_ASSERT_EQUAL(
			frame_judge(&(struct frame_spec){ .raw = true,
							  .payload_len = n },
				    NULL),
			PKT_REASON_L4_SHORT);
}

/* ---- ICMP -------------------------------------------------------------------
 */

static enum pkt_kind icmp4_kind(unsigned int type)
{
	static const uint8_t query[] = { 8, 13, 15, 17 };
	static const uint8_t reply[] = { 0, 14, 16, 18 };
	static const uint8_t error[] = { 3, 4, 5, 11, 12 };

	if (memchr(query, (int)type, sizeof(query)))
		return PKT_KIND_ICMP_QUERY;
	if (memchr(reply, (int)type, sizeof(reply)))
		return PKT_KIND_ICMP_REPLY;
	if (memchr(error, (int)type, sizeof(error)))
		return PKT_KIND_ICMP_ERROR;
	return PKT_KIND_OTHER;
}

static enum pkt_kind icmp6_kind(unsigned int type)
{
	if (type >= 1 && type <= 4)
		return PKT_KIND_ICMP_ERROR;
	if (type == 128)
		return PKT_KIND_ICMP_QUERY;
	if (type == 129)
		return PKT_KIND_ICMP_REPLY;
	if (type >= 133 && type <= 137)
		return PKT_KIND_ND;
	return PKT_KIND_OTHER;
}

static void judge_icmp(const struct frame_spec *s, enum pkt_kind kind)
{
	bool has_id =
		kind == PKT_KIND_ICMP_QUERY || kind == PKT_KIND_ICMP_REPLY;
	struct pkt p;

	CU_ASSERT_EQUAL(frame_judge(s, &p), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(p.kind, kind);
	CU_ASSERT_EQUAL(p.icmp_type, s->type);
	CU_ASSERT_EQUAL(p.icmp_code, s->code);
	CU_ASSERT_EQUAL(p.pay_off, p.l4_off + 8);
	CU_ASSERT_EQUAL(p.sport, has_id ? 0x1234 : 0);
	CU_ASSERT_EQUAL(p.dport, p.sport);
}

static void every_ICMP_type_has_its_kind(void)
{
	for (unsigned int type = 0; type <= 255; type++) {
		struct frame_spec s = { .proto = IP_ICMP,
					.type = (uint8_t)type,
					.type_zero = true,
					.code = (uint8_t)(type / 2),
					.icmp_id = 0x1234,
					.payload_len = type % 40 };

		judge_icmp(&s, icmp4_kind(type));
		s.src = "fd00::2";
		s.dst = "2001:db8::1";
		s.proto = IP_ICMP6;
		judge_icmp(&s, icmp6_kind(type));
	}
}

static void every_wrong_ICMP_checksum_is_refused(void)
{
	static const struct frame_spec s[] = {
		{ .proto = IP_ICMP, .payload_len = 3 },
		{ V6, .proto = IP_ICMP6, .payload_len = 3 },
	};

	for (size_t i = 0; i < N(s); i++) {
		size_t len = frame_write(frame, &s[i]), at = i ? 56 : 36;
		uint16_t right = be16_at(frame + at);

		for (unsigned int sum = 0; sum <= 0xffff; sum++) {
			be16_set(frame + at, (uint16_t)sum);
			CU_ASSERT_EQUAL(frame_judge_bytes(frame, len, NULL),
					sum == right ? PKT_REASON_NONE
						     : PKT_REASON_ICMP_CSUM);
		}
	}
}

static void a_cut_ICMP_header_is_refused(void)
{
	for (size_t n = 0; n < 8; n++) {
		CU_ASSERT_EQUAL(
			frame_judge(&(struct frame_spec){ .proto = IP_ICMP,
							  .raw = true,
							  .payload_len = n },
				    NULL),
			PKT_REASON_L4_SHORT);
		CU_ASSERT_EQUAL(
			frame_judge(&(struct frame_spec){ V6, .proto = IP_ICMP6,
							  .raw = true,
							  .payload_len = n },
				    NULL),
			PKT_REASON_L4_SHORT);
	}
}

static void ICMP_of_the_other_family_is_just_another_protocol(void)
{
	struct pkt p;

	CU_ASSERT_EQUAL(frame_judge(&(struct frame_spec){ .proto = IP_ICMP6,
							  .payload_len = 3 },
				    &p),
			PKT_REASON_NONE);
	CU_ASSERT_EQUAL(p.kind, PKT_KIND_OTHER);
	CU_ASSERT_EQUAL(frame_judge(&(struct frame_spec){ V6, .proto = IP_ICMP,
							  .payload_len = 3 },
				    &p),
			PKT_REASON_NONE);
	CU_ASSERT_EQUAL(p.kind, PKT_KIND_OTHER);
}

/* ---- other protocols, offloads
 * ----------------------------------------------- */

static void R110_other_protocols_are_told_apart_over_IPv4(void)
{
	for (unsigned int proto = 0; proto <= 255; proto++) {
		size_t len;
		struct pkt p;

		if (proto == 1 || proto == 6 || proto == 17)
			continue;
		len = frame_write(frame,
				  &(struct frame_spec){ .raw = true,
							.proto = 99,
							.payload_len = 2 });
		frame[23] = (uint8_t)proto;
		frame_fix(frame, len);
		CU_ASSERT_EQUAL(frame_judge_bytes(frame, len, &p),
				PKT_REASON_NONE);
		CU_ASSERT_EQUAL(p.kind, PKT_KIND_OTHER);
		CU_ASSERT_EQUAL(p.proto, proto);
		CU_ASSERT(p.sport == 0 && p.dport == 0);
		CU_ASSERT(p.l4_off == 34 && p.pay_off == 34);
	}
}

static void partial_checksums_are_for_TCP_and_UDP(void)
{
	static const struct {
		struct frame_spec s;
		enum pkt_reason why;
	} t[] = {
		{ { .proto = IP_TCP, .partial = true }, PKT_REASON_NONE },
		{ { .proto = IP_UDP, .partial = true }, PKT_REASON_NONE },
		{ { V6, .proto = IP_TCP, .partial = true }, PKT_REASON_NONE },
		{ { V6, .proto = IP_UDP, .partial = true }, PKT_REASON_NONE },
		{ { .proto = IP_ICMP, .partial = true }, PKT_REASON_GSO_BAD },
		{ { V6, .proto = IP_ICMP6, .partial = true },
		  PKT_REASON_GSO_BAD },
		{ { .proto = 47, .partial = true, .payload_len = 4 },
		  PKT_REASON_GSO_BAD },
	};

	for (size_t i = 0; i < N(t); i++) {
		struct pkt p;

		CU_ASSERT_EQUAL(frame_judge(&t[i].s, &p), t[i].why);
		CU_ASSERT(p.flags & PKT_F_CSUM_PARTIAL);
	}
}

static void aggregates_are_what_they_are_said_to_be(void)
{
	static const struct {
		struct frame_spec s;
		uint8_t type;
		enum pkt_reason why;
	} t[] = {
		{ { .proto = IP_TCP, .gso_size = 1448, .payload_len = 5000 },
		  PKT_GSO_TCP4,
		  PKT_REASON_NONE },
		{ { V6, .proto = IP_TCP, .gso_size = 1428,
		    .payload_len = 60000 },
		  PKT_GSO_TCP6,
		  PKT_REASON_NONE },
		{ { .proto = IP_TCP, .gso_size = 1448, .payload_len = 1 },
		  PKT_GSO_TCP4,
		  PKT_REASON_NONE },
		/* family, protocol */
		{ { .proto = IP_TCP, .gso_size = 1448, .payload_len = 5000 },
		  PKT_GSO_TCP6,
		  PKT_REASON_GSO_BAD },
		{ { V6, .proto = IP_TCP, .gso_size = 1448,
		    .payload_len = 5000 },
		  PKT_GSO_TCP4,
		  PKT_REASON_GSO_BAD },
		{ { .proto = IP_UDP, .gso_size = 1448, .payload_len = 5000 },
		  PKT_GSO_TCP4,
		  PKT_REASON_GSO_BAD },
		{ { .proto = IP_TCP, .gso_size = 1448, .payload_len = 5000 },
		  PKT_GSO_N,
		  PKT_REASON_GSO_BAD },
		{ { .proto = IP_TCP, .gso_size = 1448, .payload_len = 5000 },
		  255,
		  PKT_REASON_GSO_BAD },
		/* a size without a type; no payload */
		{ { .proto = IP_TCP, .gso_size = 1448, .payload_len = 5000 },
		  PKT_GSO_NONE,
		  PKT_REASON_GSO_BAD },
		{ { .proto = IP_TCP, .gso_size = 1448 },
		  PKT_GSO_TCP4,
		  PKT_REASON_GSO_BAD },
		/* one segment would be too long for IP */
		{ { .proto = IP_TCP, .gso_size = 65495, .payload_len = 5000 },
		  PKT_GSO_TCP4,
		  PKT_REASON_NONE },
		{ { .proto = IP_TCP, .gso_size = 65496, .payload_len = 5000 },
		  PKT_GSO_TCP4,
		  PKT_REASON_GSO_BAD },
		/* flags that a segment may not share with the next */
		{ { .proto = IP_TCP,
		    .gso_size = 1448,
		    .payload_len = 5000,
		    .flags = TCP_SYN },
		  PKT_GSO_TCP4,
		  PKT_REASON_GSO_BAD },
		{ { .proto = IP_TCP,
		    .gso_size = 1448,
		    .payload_len = 5000,
		    .flags = TCP_RST | TCP_ACK },
		  PKT_GSO_TCP4,
		  PKT_REASON_GSO_BAD },
		{ { .proto = IP_TCP,
		    .gso_size = 1448,
		    .payload_len = 5000,
		    .flags = TCP_URG | TCP_ACK },
		  PKT_GSO_TCP4,
		  PKT_REASON_GSO_BAD },
		{ { .proto = IP_TCP,
		    .gso_size = 1448,
		    .payload_len = 5000,
		    .flags = TCP_FIN | TCP_PSH | TCP_CWR | TCP_ECE | TCP_ACK },
		  PKT_GSO_TCP4,
		  PKT_REASON_NONE },
	};
	struct pkt_pool *pool = frame_pool_new(1, 1);

	for (size_t i = 0; i < N(t); i++) {
		struct pkt *p = frame_make(pool, &t[i].s);

		p->gso_type = t[i].type;
		p->reason = PKT_REASON_NONE;
		pkt_parse(p);
		CU_ASSERT_EQUAL(p->reason, t[i].why);
		pkt_put(pool, p);
	}
	frame_pool_free(pool);
}

static void an_aggregate_has_a_size_and_a_partial_checksum(void)
{
	struct pkt_pool *pool = frame_pool_new(0, 1);
	struct pkt *p =
		frame_make(pool, &(struct frame_spec){ .proto = IP_TCP,
						       .gso_size = 1000,
						       .payload_len = 5000 });

	p->flags = 0;
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_DROP);
	CU_ASSERT_EQUAL(p->reason, PKT_REASON_GSO_BAD);
	p->flags = PKT_F_CSUM_PARTIAL;
	p->gso_size = 0;
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_DROP);
	CU_ASSERT_EQUAL(p->reason, PKT_REASON_GSO_BAD);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

UNIT_SUITE(pkt_parse_l4, UNIT(R51_only_flags_that_some_host_sends_pass),
	   UNIT(R51_the_well_known_odd_ones_are_refused),
	   UNIT(the_TCP_header_length_is_checked_at_every_value),
	   UNIT(a_cut_TCP_header_is_refused),
	   UNIT(R4_a_wrong_TCP_checksum_is_not_the_parsers_business),
	   UNIT(port_0_is_refused),
	   UNIT(R47_the_UDP_length_is_checked_at_every_value),
	   UNIT(R47_UDP_without_payload_passes),
	   UNIT(bytes_behind_the_UDP_length_stay_in_the_datagram),
	   UNIT(but_not_when_the_checksum_is_left_to_others),
	   UNIT(R4_UDP_without_a_checksum_passes_over_IPv4_only),
	   UNIT(a_cut_UDP_header_is_refused),
	   UNIT(every_ICMP_type_has_its_kind),
	   UNIT(every_wrong_ICMP_checksum_is_refused),
	   UNIT(a_cut_ICMP_header_is_refused),
	   UNIT(ICMP_of_the_other_family_is_just_another_protocol),
	   UNIT(R110_other_protocols_are_told_apart_over_IPv4),
	   UNIT(partial_checksums_are_for_TCP_and_UDP),
	   UNIT(aggregates_are_what_they_are_said_to_be),
	   UNIT(an_aggregate_has_a_size_and_a_partial_checksum))
