/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets quoted inside ICMP errors: pkt_parse_quote(). */
#include <stdlib.h>
#include <string.h>

#include "mock/frames.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define OUT4 .src = "198.51.100.7", .dst = "192.0.2.1"
#define OUT6 .src = "2001:db8:7::7", .dst = "2001:db8::1"

static uint8_t frame[FRAME_MAX];

/* Quote of the error of @len bytes in frame[], from an exact heap copy. */
static bool quote_of(size_t len, struct pkt_quote *q)
{
	struct pkt p = { .data = malloc(len), .len = (uint32_t)len };
	bool ok;

	frame_fix(frame, len);
	memcpy(p.data, frame, len);
	CU_ASSERT_EQUAL_FATAL(pkt_parse(&p), PKT_FORWARD);
	CU_ASSERT_EQUAL_FATAL(p.kind, PKT_KIND_ICMP_ERROR);
	ok = pkt_parse_quote(&p, q);
	if (ok) {
		CU_ASSERT_EQUAL(q->l3, p.l3);
		CU_ASSERT_EQUAL(q->l3_off, p.pay_off);
		CU_ASSERT(q->l4_off + 8u <= p.len);
	}
	free(p.data);
	return ok;
}

/* Type 3 of both families (unreachable, time exceeded) quoting @inner. */
static size_t write_error(const struct frame_spec *inner, size_t quote_len)
{
	bool v6 = inner->src && strchr(inner->src, ':');
	struct frame_spec s = {
		.src = v6 ? "2001:db8:9::9" : "203.0.113.9",
		.dst = v6 ? "2001:db8:7::7" : "198.51.100.7",
		.proto = v6 ? IP_ICMP6 : IP_ICMP,
		.type = 3,
		.quote = inner,
		.quote_len = quote_len,
	};

	return frame_write(frame, &s);
}

static bool quote(const struct frame_spec *inner, struct pkt_quote *q)
{
	return quote_of(write_error(inner, 0), q);
}

static bool is_addr(const struct pkt_addr *a, const char *text)
{
	char out[PKT_ADDR_TEXT];

	return !strcmp(pkt_addr_print(out, a), text);
}

static void R68_eight_bytes_behind_the_IP_header_are_enough(void)
{
	struct pkt_quote q;

	CU_ASSERT(quote_of(
		write_error(&(struct frame_spec){ OUT4, .proto = IP_TCP,
						  .sport = 5001, .dport = 443,
						  .seq = 0xdeadbeef,
						  .payload_len = 1000 },
			    28),
		&q));
	CU_ASSERT(is_addr(&q.src, "198.51.100.7"));
	CU_ASSERT(is_addr(&q.dst, "192.0.2.1"));
	CU_ASSERT_EQUAL(q.l3, PKT_L3_IP4);
	CU_ASSERT_EQUAL(q.proto, IP_TCP);
	CU_ASSERT(q.sport == 5001 && q.dport == 443);
	CU_ASSERT(q.has_seq && q.seq == 0xdeadbeef);
	CU_ASSERT_EQUAL(q.total_len, 1040);
	CU_ASSERT(q.l3_off == 42 && q.l4_off == 62);

	CU_ASSERT(quote_of(
		write_error(&(struct frame_spec){ OUT4, .sport = 5001,
						  .dport = 53,
						  .payload_len = 1000 },
			    28),
		&q));
	CU_ASSERT(q.proto == IP_UDP && q.sport == 5001 && q.dport == 53);
	CU_ASSERT_FALSE(q.has_seq);

	CU_ASSERT(quote_of(
		write_error(&(struct frame_spec){ OUT4, .proto = IP_ICMP,
						  .icmp_id = 777,
						  .payload_len = 56 },
			    28),
		&q));
	CU_ASSERT(q.proto == IP_ICMP && q.sport == 777 && q.dport == 777);
	CU_ASSERT_EQUAL(q.icmp_type, ICMP_ECHO);

	for (size_t n = 21; n < 28; n++)
		CU_ASSERT_FALSE(quote_of(
			write_error(&(struct frame_spec){ OUT4 }, n), &q));
}

static void R68_the_same_for_IPv6(void)
{
	struct pkt_quote q;

	CU_ASSERT(quote_of(
		write_error(&(struct frame_spec){ OUT6, .proto = IP_TCP,
						  .sport = 5001, .dport = 443,
						  .seq = 7,
						  .payload_len = 1000 },
			    48),
		&q));
	CU_ASSERT(is_addr(&q.src, "2001:db8:7::7"));
	CU_ASSERT(is_addr(&q.dst, "2001:db8::1"));
	CU_ASSERT_EQUAL(q.l3, PKT_L3_IP6);
	CU_ASSERT(q.sport == 5001 && q.dport == 443 && q.seq == 7);
	CU_ASSERT_EQUAL(q.total_len, 1060);
	CU_ASSERT(q.l3_off == 62 && q.l4_off == 102);
	CU_ASSERT(quote_of(write_error(&(struct frame_spec){ OUT6,
							     .proto = IP_ICMP6,
							     .icmp_id = 9 },
				       48),
			   &q));
	CU_ASSERT(q.icmp_type == ICMP6_ECHO && q.sport == 9);
	for (size_t n = 41; n < 48; n++)
		CU_ASSERT_FALSE(quote_of(
			write_error(&(struct frame_spec){ OUT6 }, n), &q));
}

static void R65_options_and_extension_headers_are_stepped_over(void)
{
	struct pkt_quote q;

	CU_ASSERT(quote(&(struct frame_spec){ OUT4, .sport = 99,
					      .ip_options = "94040000" },
			&q));
	CU_ASSERT(q.sport == 99 && q.l4_off == q.l3_off + 24);
	CU_ASSERT(quote(&(struct frame_spec){ OUT6, .sport = 99, .ext_type = 60,
					      .ext = "00 00 0104 00000000" },
			&q));
	CU_ASSERT(q.sport == 99 && q.l4_off == q.l3_off + 48);
	CU_ASSERT(quote(
		&(struct frame_spec){ OUT6, .sport = 99, .frag6 = true }, &q));
	CU_ASSERT(q.sport == 99 && q.l4_off == q.l3_off + 48);
}

static void R20_errors_about_errors_are_of_no_use(void)
{
	const struct frame_spec udp4 = { OUT4 }, udp6 = { OUT6 };
	struct pkt_quote q;

	for (unsigned int type = 0; type <= 255; type++) {
		bool pair4 =
			type == 0 || type == 8 || (type >= 13 && type <= 18);

		CU_ASSERT_EQUAL(
			quote(&(struct frame_spec){ OUT4, .proto = IP_ICMP,
						    .type = (uint8_t)type,
						    .type_zero = true,
						    .quote = &udp4 },
			      &q),
			pair4);
		CU_ASSERT_EQUAL(
			quote(&(struct frame_spec){ OUT6, .proto = IP_ICMP6,
						    .type = (uint8_t)type,
						    .type_zero = true,
						    .quote = &udp6 },
			      &q),
			type == 128 || type == 129);
	}
}

static void R63_a_quoted_fragment_must_be_the_first(void)
{
	struct pkt_quote q;

	CU_ASSERT(quote(&(struct frame_spec){ OUT4, .mf = true,
					      .payload_len = 16 },
			&q));
	CU_ASSERT_FALSE(quote(&(struct frame_spec){ OUT4, .frag_off = 8,
						    .payload_len = 16 },
			      &q));
	CU_ASSERT(quote(&(struct frame_spec){ OUT6, .mf = true,
					      .payload_len = 16 },
			&q));
	CU_ASSERT_FALSE(quote(&(struct frame_spec){ OUT6, .frag_off = 8,
						    .payload_len = 16 },
			      &q));
}

static void other_protocols_are_of_no_use(void)
{
	struct pkt_quote q;

	for (unsigned int proto = 2; proto <= 255; proto++) {
		bool known = proto == IP_TCP || proto == IP_UDP;

		if (proto == IP_ICMP6)
			continue;
		CU_ASSERT_EQUAL(
			quote(&(struct frame_spec){ OUT4,
						    .proto = (uint8_t)proto,
						    .payload_len = 16 },
			      &q),
			known);
	}
	CU_ASSERT_FALSE(quote(&(struct frame_spec){ OUT4, .proto = IP_ICMP6,
						    .payload_len = 16 },
			      &q));
	CU_ASSERT_FALSE(quote(&(struct frame_spec){ OUT6, .proto = IP_ICMP,
						    .payload_len = 16 },
			      &q));
}

/* Byte @at of the quoted IP header becomes @value. */
static bool quote_with(const struct frame_spec *inner, size_t at, uint8_t value)
{
	size_t len = write_error(inner, 0);
	bool v6 = frame[14] >> 4 == 6;
	struct pkt_quote q;

	frame[(v6 ? 62 : 42) + at] = value;
	return quote_of(len, &q);
}

static void a_malformed_quoted_header_is_of_no_use(void)
{
	const struct frame_spec v4 = { OUT4, .payload_len = 4 };
	const struct frame_spec v6 = { OUT6, .payload_len = 4 };
	const struct frame_spec long6 = { OUT6, .payload_len = 0xe0 - 8 };

	CU_ASSERT(quote_with(&v4, 0, 0x45));
	CU_ASSERT_FALSE(quote_with(&v4, 0, 0x65)); /* the other family */
	CU_ASSERT_FALSE(quote_with(&v4, 0, 0x44));
	CU_ASSERT_FALSE(quote_with(&v4, 0, 0x4f)); /* longer than the quote */
	CU_ASSERT(quote_with(&v4, 3, 28));
	CU_ASSERT_FALSE(quote_with(&v4, 3, 27)); /* no whole UDP header */
	CU_ASSERT_FALSE(quote_with(&v4, 3, 0));
	CU_ASSERT(quote_with(&v6, 0, 0x60));
	CU_ASSERT_FALSE(quote_with(&v6, 0, 0x45));
	CU_ASSERT(quote_with(&v6, 5, 8));
	CU_ASSERT_FALSE(quote_with(&v6, 5, 7));
	CU_ASSERT(quote_with(&long6, 4, 0xfe));
	CU_ASSERT_FALSE(quote_with(&long6, 4, 0xff)); /* over 65535 in all */
	CU_ASSERT_FALSE(quote_with(&v6, 6, IP_ROUTING));
	CU_ASSERT_FALSE(quote_with(&v6, 6, IP_HOPOPT)); /* ports as options */
}

static void mapped_addresses_in_a_quote_are_of_no_use(void)
{
	for (size_t at = 8; at <= 24; at += 16) {
		size_t len = write_error(&(struct frame_spec){ OUT6 }, 0);
		struct pkt_quote q;

		memset(frame + 62 + at, 0, 10);
		memset(frame + 62 + at + 10, 0xff, 2);
		CU_ASSERT_FALSE(quote_of(len, &q));
	}
}

static void an_error_that_quotes_nothing_is_of_no_use(void)
{
	struct pkt_quote q;
	size_t len = frame_write(frame, &(struct frame_spec){ .proto = IP_ICMP,
							      .type = 3 });

	CU_ASSERT_FALSE(quote_of(len, &q));
	len = frame_write(frame, &(struct frame_spec){ OUT6, .proto = IP_ICMP6,
						       .type = 1 });
	CU_ASSERT_FALSE(quote_of(len, &q));
}

UNIT_SUITE(pkt_quote, UNIT(R68_eight_bytes_behind_the_IP_header_are_enough),
	   UNIT(R68_the_same_for_IPv6),
	   UNIT(R65_options_and_extension_headers_are_stepped_over),
	   UNIT(R20_errors_about_errors_are_of_no_use),
	   UNIT(R63_a_quoted_fragment_must_be_the_first),
	   UNIT(other_protocols_are_of_no_use),
	   UNIT(a_malformed_quoted_header_is_of_no_use),
	   UNIT(mapped_addresses_in_a_quote_are_of_no_use),
	   UNIT(an_error_that_quotes_nothing_is_of_no_use))
