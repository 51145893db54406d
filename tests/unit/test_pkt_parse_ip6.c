/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "mock/frames.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

#define V6 .src = "fd00::2", .dst = "2001:db8::1"
#define N(a) (sizeof(a) / sizeof((a)[0]))
#define PADDING "00 00 01 04 00000000"

static uint8_t frame[FRAME_MAX];

static void a_plain_packet_passes_and_is_described(void)
{
	struct pkt p;

	CU_ASSERT_EQUAL(frame_judge(&(struct frame_spec){ V6, .dport = 53,
							  .payload_len = 9 },
				    &p),
			PKT_REASON_NONE);
	CU_ASSERT_EQUAL(p.l3, PKT_L3_IP6);
	CU_ASSERT(p.l3_off == 14 && p.l4_off == 54 && p.pay_off == 62);
	CU_ASSERT_EQUAL(p.len, 71);
	CU_ASSERT_EQUAL(p.kind, PKT_KIND_UDP);
	CU_ASSERT_EQUAL(p.dport, 53);
	CU_ASSERT_EQUAL(p.frag6_off, 0);
	CU_ASSERT_EQUAL(p.flags, PKT_F_DF);
}

static void R1_version_and_length_are_checked(void)
{
	size_t len = frame_write(frame, &(struct frame_spec){ V6 });

	for (unsigned int first = 0; first <= 0xff; first++) {
		frame[14] = (uint8_t)first;
		CU_ASSERT_EQUAL(frame_judge_bytes(frame, len, NULL),
				first >> 4 == 6 ? PKT_REASON_NONE
						: PKT_REASON_IP_VERSION);
	}
	frame[14] = 0x60;
	for (unsigned int n = 0; n <= 0xffff; n++) {
		enum pkt_reason why;

		be16_set(frame + 18, (uint16_t)n);
		why = frame_judge_bytes(frame, len, NULL);
		if (n > 8)
			CU_ASSERT_EQUAL(why, PKT_REASON_IP_LEN)
		else if (n < 8)
			CU_ASSERT_EQUAL(why, PKT_REASON_L4_SHORT)
		else
			CU_ASSERT_EQUAL(why, PKT_REASON_NONE)
	}
	be16_set(frame + 18, 0);
	CU_ASSERT_EQUAL(frame_judge_bytes(frame, 14 + 39, NULL),
			PKT_REASON_IP_SHORT);
}

/* As raw bytes: text of such an address is refused already. */
static void mapped_addresses_are_refused(void)
{
	for (int at = 8; at <= 24; at += 16) {
		size_t len = frame_write(frame, &(struct frame_spec){ V6 });

		memset(frame + 14 + at, 0, 10);
		memset(frame + 14 + at + 10, 0xff, 2);
		frame_fix(frame, len);
		CU_ASSERT_EQUAL(frame_judge_bytes(frame, len, NULL),
				at == 8 ? PKT_REASON_MARTIAN_SRC
					: PKT_REASON_MARTIAN_DST);
	}
}

/* ---- extension headers -----------------------------------------------------
 */

struct odd {
	struct frame_spec s;
	enum pkt_reason why;
};

static void judge_all(const struct odd *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum pkt_reason why = frame_judge(&t[i].s, NULL);

		if (why != t[i].why)
			printf("\nline %zu: %s\n", i, pkt_reason_name(why));
		CU_ASSERT_EQUAL(why, t[i].why);
	}
}

static void R13_hop_by_hop_options_are_padding_or_refused(void)
{
	static const struct odd t[] = {
		{ { V6, .ext = PADDING }, PKT_REASON_NONE },
		{ { V6, .ext = "00 00 000000000000" }, PKT_REASON_NONE },
		{ { V6, .ext = "00 01 010c 000000000000000000000000" },
		  PKT_REASON_NONE },
		{ { V6, .ext = "00 00 0100 0102 0000" }, PKT_REASON_NONE },
		/* router alert, an option to be skipped, jumbo payload */
		{ { V6, .ext = "00 00 0502 0000 0100" }, PKT_REASON_IP6_EXT },
		{ { V6, .ext = "00 00 1e04 00000000" }, PKT_REASON_IP6_EXT },
		{ { V6, .ext = "00 00 c204 00010000" }, PKT_REASON_IP6_EXT },
		/* longer than the header; no length byte left */
		{ { V6, .ext = "00 00 0105 00000000" }, PKT_REASON_IP6_EXT },
		{ { V6, .ext = "00 00 01ff 00000000" }, PKT_REASON_IP6_EXT },
		{ { V6, .ext = "00 00 0000000000 01" }, PKT_REASON_IP6_EXT },
	};

	judge_all(t, N(t));
}

static void R13_destination_options_that_may_be_skipped_pass(void)
{
	static const struct odd t[] = {
		{ { V6, .ext_type = 60, .ext = PADDING }, PKT_REASON_NONE },
		/* tunnel encapsulation limit; unknown, to be skipped */
		{ { V6, .ext_type = 60, .ext = "00 00 040104 010100" },
		  PKT_REASON_NONE },
		{ { V6, .ext_type = 60, .ext = "00 00 3e04 00000000" },
		  PKT_REASON_NONE },
		/* unknown ones that ask for more; home address */
		{ { V6, .ext_type = 60, .ext = "00 00 4004 00000000" },
		  PKT_REASON_IP6_EXT },
		{ { V6, .ext_type = 60, .ext = "00 00 8004 00000000" },
		  PKT_REASON_IP6_EXT },
		{ { V6, .ext_type = 60,
		    .ext = "00 02 c910 00000000000000000000000000000001"
			   "0102 0000" },
		  PKT_REASON_IP6_EXT },
		{ { V6, .ext_type = 60, .ext = "00 00 0405 00000000" },
		  PKT_REASON_IP6_EXT },
	};

	judge_all(t, N(t));
}

static void R13_hop_by_hop_comes_first_only(void)
{
	static const struct odd t[] = {
		{ { V6, .ext = "3c 00 0104 00000000" PADDING },
		  PKT_REASON_NONE },
		{ { V6, .ext = "00 00 0104 00000000" PADDING },
		  PKT_REASON_IP6_EXT },
		{ { V6, .ext_type = 60, .ext = "00 00 0104 00000000" PADDING },
		  PKT_REASON_IP6_EXT },
	};

	judge_all(t, N(t));
}

static void R13_routing_headers_of_every_type_are_refused(void)
{
	for (unsigned int type = 0; type <= 0xff; type++) {
		char hex[48];

		snprintf(hex, sizeof(hex), "00 00 %02x 00 00000000", type);
		CU_ASSERT_EQUAL(
			frame_judge(&(struct frame_spec){ V6, .ext_type = 43,
							  .ext = hex },
				    NULL),
			PKT_REASON_IP6_ROUTING);
		snprintf(hex, sizeof(hex), PADDING "00 00 %02x 00 00000000",
			 type);
		hex[0] = '2';
		hex[1] = 'b';
		CU_ASSERT_EQUAL(frame_judge(&(struct frame_spec){ V6,
								  .ext_type = 0,
								  .ext = hex },
					    NULL),
				PKT_REASON_IP6_ROUTING);
	}
}

/* 24 zero bytes behind every next-header number. */
static void R13_unknown_extension_headers_are_refused(void)
{
	static const uint8_t zeros[24];

	for (unsigned int next = 0; next <= 0xff; next++) {
		enum pkt_reason want = PKT_REASON_NONE, why;
		struct pkt p;

		switch (next) {
		case 0:	  /* followed by itself */
		case 44:  /* followed by hop-by-hop */
		case 60:  /* the same */
		case 51:  /* authentication */
		case 135: /* mobility */
		case 139: /* host identity */
		case 140: /* shim6 */
		case 253: /* experiments */
		case 254:
			want = PKT_REASON_IP6_EXT;
			break;
		case 43:
			want = PKT_REASON_IP6_ROUTING;
			break;
		case 6:
			want = PKT_REASON_TCP_HLEN;
			break;
		case 17:
			want = PKT_REASON_UDP_LEN;
			break;
		default:
			break;
		}
		frame_write(frame,
			    &(struct frame_spec){ V6, .raw = true, .proto = 99,
						  .payload = zeros,
						  .payload_len = 24 });
		frame[20] = (uint8_t)next;
		why = frame_judge_bytes(frame, 14 + 40 + 24, &p);
		if (next == 58)
			want = PKT_REASON_ICMP_CSUM;
		CU_ASSERT_EQUAL(why, want);
		if (why != PKT_REASON_NONE)
			continue;
		CU_ASSERT_EQUAL(p.kind, PKT_KIND_OTHER);
		CU_ASSERT_EQUAL(p.proto, next);
		CU_ASSERT(p.l4_off == 54 && p.pay_off == 54);
	}
}

static void R13_there_are_at_most_8_headers(void)
{
	char hex[10 * 16 + 1] = "";

	for (int n = 1; n <= 10; n++) {
		struct pkt p;

		strcat(hex, "3c00010400000000");
		CU_ASSERT_EQUAL(
			frame_judge(&(struct frame_spec){ V6, .ext_type = 60,
							  .ext = hex },
				    &p),
			n <= 8 ? PKT_REASON_NONE : PKT_REASON_IP6_EXT);
		CU_ASSERT(n > 8 || p.l4_off == 54 + 8 * n);
	}
}

static enum pkt_reason judge_sizes(unsigned int first, unsigned int second)
{
	static char hex[2 * 4096];
	unsigned int len[2] = { first, second }, n = 0;

	for (int i = 0; i < 2; i++) {
		if (!len[i])
			continue;
		n += (unsigned int)sprintf(hex + n, "%02x%02x",
					   i == 0 && second ? 60 : 0,
					   len[i] / 8 - 1);
		for (unsigned int j = 2; j < len[i]; j++)
			n += (unsigned int)sprintf(hex + n, "00");
	}
	return frame_judge(
		&(struct frame_spec){ V6, .ext_type = 60, .ext = hex }, NULL);
}

static void R13_they_have_at_most_512_bytes(void)
{
	CU_ASSERT_EQUAL(judge_sizes(512, 0), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(judge_sizes(520, 0), PKT_REASON_IP6_EXT);
	CU_ASSERT_EQUAL(judge_sizes(2048, 0), PKT_REASON_IP6_EXT);
	CU_ASSERT_EQUAL(judge_sizes(256, 256), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(judge_sizes(256, 264), PKT_REASON_IP6_EXT);
	CU_ASSERT_EQUAL(judge_sizes(512, 8), PKT_REASON_IP6_EXT);
}

static void R13_a_header_that_ends_behind_the_packet_is_refused(void)
{
	static const struct odd t[] = {
		{ { V6, .raw = true, .proto = 60, .payload_len = 7 },
		  PKT_REASON_IP6_EXT },
		{ { V6, .raw = true, .hex = "11 01 0104 00000000",
		    .proto = 60 },
		  PKT_REASON_IP6_EXT },
		{ { V6, .raw = true, .hex = "11 ff 0104 00000000",
		    .proto = 60 },
		  PKT_REASON_IP6_EXT },
		{ { V6, .raw = true, .proto = 60 }, PKT_REASON_IP6_EXT },
		{ { V6, .raw = true, .proto = 44, .payload_len = 7 },
		  PKT_REASON_FRAG_BAD },
	};

	judge_all(t, N(t));
}

/* ---- fragments --------------------------------------------------------------
 */

static void fragments_are_flagged_and_not_looked_into(void)
{
	static const struct {
		struct frame_spec s;
		uint8_t flags, proto;
		uint16_t at; /* the fragment header */
	} t[] = {
		{ { V6, .mf = true, .payload_len = 8 }, PKT_F_MF, IP_UDP, 54 },
		{ { V6, .frag_off = 16, .payload_len = 5 }, 0, IP_UDP, 54 },
		{ { V6, .frag_off = 16, .mf = true, .payload_len = 8 },
		  PKT_F_MF,
		  IP_UDP,
		  54 },
		{ { V6, .ext = PADDING, .mf = true, .payload_len = 8 },
		  PKT_F_MF,
		  IP_UDP,
		  62 },
		{ { V6, .ext = PADDING, .frag_off = 8, .payload_len = 8 },
		  0,
		  IP_UDP,
		  62 },
		/* destination options and UDP inside the fragmentable part */
		{ { V6, .mf = true, .proto = 60, .raw = true,
		    .hex = "11 00 0104 00000000 0001 0002 0008 ffff" },
		  PKT_F_MF,
		  60,
		  54 },
		/* what follows a later fragment's header is no header */
		{ { V6, .frag_off = 16, .proto = 43, .payload_len = 8 },
		  0,
		  43,
		  54 },
		{ { V6, .frag_off = 16, .proto = 44, .payload_len = 8 },
		  0,
		  44,
		  54 },
	};

	for (size_t i = 0; i < N(t); i++) {
		struct pkt p;

		CU_ASSERT_EQUAL(frame_judge(&t[i].s, &p), PKT_REASON_NONE);
		CU_ASSERT_EQUAL(p.flags, t[i].flags | PKT_F_FRAG | PKT_F_DF);
		CU_ASSERT_EQUAL(p.frag_off, t[i].s.frag_off);
		CU_ASSERT_EQUAL(p.frag6_off, t[i].at);
		CU_ASSERT_EQUAL(p.l4_off, t[i].at + 8);
		CU_ASSERT_EQUAL(p.pay_off, p.l4_off);
		CU_ASSERT_EQUAL(p.kind, PKT_KIND_NONE);
		CU_ASSERT_EQUAL(p.proto, t[i].proto);
	}
}

static void R78_an_atomic_fragment_is_a_whole_datagram(void)
{
	static const uint8_t protos[] = { IP_TCP, IP_UDP, IP_ICMP6 };

	for (size_t i = 0; i < N(protos); i++) {
		struct pkt p;

		CU_ASSERT_EQUAL(
			frame_judge(&(struct frame_spec){ V6, .frag6 = true,
							  .proto = protos[i],
							  .payload_len = 5 },
				    &p),
			PKT_REASON_NONE);
		CU_ASSERT_EQUAL(p.flags, PKT_F_DF);
		CU_ASSERT_EQUAL(p.frag6_off, 54);
		CU_ASSERT_EQUAL(p.l4_off, 62);
		CU_ASSERT_EQUAL(p.proto, protos[i]);
		CU_ASSERT(p.kind != PKT_KIND_NONE && p.pay_off > p.l4_off);
	}
}

static void R78_two_fragment_headers_are_refused(void)
{
	static const struct odd t[] = {
		{ { V6, .frag6 = true, .proto = 44, .raw = true,
		    .hex = "11 00 0000 00000000 0001 0002 0008 ffff" },
		  PKT_REASON_FRAG_BAD },
		{ { V6, .mf = true, .proto = 44, .raw = true,
		    .hex = "11 00 0000 00000000 0001 0002 0008 ffff" },
		  PKT_REASON_FRAG_BAD },
		{ { V6, .frag6 = true, .proto = 60, .raw = true,
		    .hex = "2c 00 0104 00000000"
			   "11 00 0000 00000000 0001 0002 0008 ffff" },
		  PKT_REASON_FRAG_BAD },
	};

	judge_all(t, N(t));
}

static void R73_lengths_of_fragments_are_checked(void)
{
	static const struct odd t[] = {
		{ { V6, .mf = true, .payload_len = 9 }, PKT_REASON_FRAG_BAD },
		{ { V6, .mf = true, .frag_off = 8, .payload_len = 7 },
		  PKT_REASON_FRAG_BAD },
		{ { V6, .mf = true, .raw = true }, PKT_REASON_FRAG_BAD },
		{ { V6, .frag_off = 64 }, PKT_REASON_FRAG_BAD },
		{ { V6, .frag_off = 65528, .payload_len = 7 },
		  PKT_REASON_NONE },
		{ { V6, .frag_off = 65528, .payload_len = 8 },
		  PKT_REASON_FRAG_BAD },
		{ { V6, .ext = PADDING, .frag_off = 65528, .payload_len = 1 },
		  PKT_REASON_FRAG_BAD },
		{ { V6, .frag_off = 8, .proto = IP_TCP, .payload_len = 32 },
		  PKT_REASON_FRAG_TINY },
		{ { V6, .frag_off = 16, .proto = IP_TCP, .payload_len = 32 },
		  PKT_REASON_NONE },
	};

	judge_all(t, N(t));
}

static void R13_the_first_fragment_has_the_whole_chain(void)
{
	static const struct odd t[] = {
		{ { V6, .mf = true, .proto = 60, .raw = true,
		    .hex = "11 01 0104 00000000" },
		  PKT_REASON_FRAG_TINY },
		{ { V6, .mf = true, .proto = 60, .raw = true,
		    .hex = "06 00 0104 00000000 0001000200000000" },
		  PKT_REASON_FRAG_TINY },
		{ { V6, .mf = true, .proto = IP_TCP, .raw = true,
		    .payload_len = 16 },
		  PKT_REASON_FRAG_TINY },
		{ { V6, .mf = true, .proto = IP_ICMP6, .raw = true,
		    .payload_len = 8 },
		  PKT_REASON_NONE },
		/* found in the first fragment, other refusals stand */
		{ { V6, .mf = true, .proto = 43, .raw = true,
		    .hex = "11 00 0000 00000000" },
		  PKT_REASON_IP6_ROUTING },
		{ { V6, .mf = true, .proto = 60, .raw = true,
		    .hex = "11 00 c204 00000000" },
		  PKT_REASON_IP6_EXT },
	};

	judge_all(t, N(t));
}

static void reserved_bits_of_the_fragment_header_are_ignored(void)
{
	struct pkt p;
	size_t len =
		frame_write(frame, &(struct frame_spec){ V6, .frag6 = true });

	frame[55] = 0xff;
	frame[57] = 0x06;
	CU_ASSERT_EQUAL(frame_judge_bytes(frame, len, &p), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(p.flags & PKT_F_FRAG, 0);
}

UNIT_SUITE(pkt_parse_ip6, UNIT(a_plain_packet_passes_and_is_described),
	   UNIT(R1_version_and_length_are_checked),
	   UNIT(mapped_addresses_are_refused),
	   UNIT(R13_hop_by_hop_options_are_padding_or_refused),
	   UNIT(R13_destination_options_that_may_be_skipped_pass),
	   UNIT(R13_hop_by_hop_comes_first_only),
	   UNIT(R13_routing_headers_of_every_type_are_refused),
	   UNIT(R13_unknown_extension_headers_are_refused),
	   UNIT(R13_there_are_at_most_8_headers),
	   UNIT(R13_they_have_at_most_512_bytes),
	   UNIT(R13_a_header_that_ends_behind_the_packet_is_refused),
	   UNIT(fragments_are_flagged_and_not_looked_into),
	   UNIT(R78_an_atomic_fragment_is_a_whole_datagram),
	   UNIT(R78_two_fragment_headers_are_refused),
	   UNIT(R73_lengths_of_fragments_are_checked),
	   UNIT(R13_the_first_fragment_has_the_whole_chain),
	   UNIT(reserved_bits_of_the_fragment_header_are_ignored))
