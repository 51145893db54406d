/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP errors, resets, echo replies; see test_pkt_build_link.c for ARP, ND. */
#include <string.h>

#include "mock/addrs.h"
#include "mock/frames.h"
#include "packet/pkt_build.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define C4 .src = "10.0.0.2", .dst = "192.0.2.1"
#define C6 .src = "fd00::2", .dst = "2001:db8::1"
#define GW4 "10.0.0.1"
#define GW6 "fd00::1"

static const struct pkt_eth eth = { .src = { { 2, 0, 0, 0, 0, 0x0c } },
				    .dst = { { 2, 0, 0, 0, 0, 0x0d } } };
#define ETH .src_mac = "02:00:00:00:00:0c", .dst_mac = "02:00:00:00:00:0d"

static struct pkt_pool *pool;

static void begin(void)
{
	pool = frame_pool_new(8, 4);
}

static void end(void)
{
	frame_pool_free(pool);
}

static bool is_v6(const struct frame_spec *s)
{
	return s->src && strchr(s->src, ':');
}

/* The error about @s; the caller puts it back. */
static struct pkt *error_about(const struct frame_spec *s, enum pkt_err err,
			       uint16_t mtu)
{
	struct pkt_addr from = addr(is_v6(s) ? GW6 : GW4);
	struct pkt *p = frame_parsed(pool, s), *e;

	e = pkt_build_error(pool, &eth, &from, p, err, mtu);
	pkt_put(pool, p);
	return e;
}

/* ... is exactly @want, and comes out parsed. */
static void expect(struct pkt *got, const struct frame_spec *want)
{
	struct pkt *w = frame_parsed(pool, want);

	CU_ASSERT_PTR_NOT_NULL_FATAL(got);
	CU_ASSERT(frame_same(got, w));
	CU_ASSERT(frame_sums_ok(got->data, got->len));
	CU_ASSERT_EQUAL(got->kind, w->kind);
	CU_ASSERT_EQUAL(got->l4_off, w->l4_off);
	CU_ASSERT_EQUAL(got->pay_off, w->pay_off);
	CU_ASSERT_EQUAL(got->flags, w->flags);
	pkt_put(pool, w);
	pkt_put(pool, got);
}

static void errors_have_their_types_and_codes(void)
{
	static const struct {
		enum pkt_err err;
		uint8_t type4, code4, type6, code6;
	} t[] = {
		{ PKT_ERR_TTL, 11, 0, 3, 0 },
		{ PKT_ERR_MTU, 3, 4, 2, 0 },
		{ PKT_ERR_PROHIBITED, 3, 13, 1, 1 },
		{ PKT_ERR_HOST_PROHIBITED, 3, 10, 1, 1 },
		{ PKT_ERR_NO_ROUTE, 3, 0, 1, 0 },
	};
	static const struct frame_spec p4 = { C4, .proto = IP_TCP, .tos = 0x2e,
					      .id = 99 };
	static const struct frame_spec p6 = { C6, .payload_len = 70 };

	CU_ASSERT_EQUAL(N(t), PKT_ERR_N);
	begin();
	for (size_t i = 0; i < N(t); i++) {
		bool mtu = t[i].err == PKT_ERR_MTU;

		expect(error_about(&p4, t[i].err, 1400),
		       &(struct frame_spec){
			       ETH, .src = GW4, .dst = "10.0.0.2", .tos = 0xc0,
			       .df = true, .proto = IP_ICMP, .type = t[i].type4,
			       .code = t[i].code4, .icmp_mtu = mtu ? 1400 : 0,
			       .quote = &p4 });
		expect(error_about(&p6, t[i].err, 1400),
		       &(struct frame_spec){
			       ETH, .src = GW6, .dst = "fd00::2", .tos = 0xc0,
			       .proto = IP_ICMP6, .type = t[i].type6,
			       .code = t[i].code6, .icmp_mtu = mtu ? 1400 : 0,
			       .quote = &p6 });
	}
	end();
}

static void R8_packet_too_big_never_says_less_than_1280(void)
{
	begin();
	for (unsigned int mtu = 1278; mtu <= 1282; mtu++) {
		struct pkt *e = error_about(&(struct frame_spec){ C6 },
					    PKT_ERR_MTU, (uint16_t)mtu);

		CU_ASSERT_EQUAL(be32_at(pkt_l4(e) + 4),
				mtu < 1280 ? 1280 : mtu);
		pkt_put(pool, e);
		e = error_about(&(struct frame_spec){ C4 }, PKT_ERR_MTU,
				(uint16_t)(mtu - 1000));
		CU_ASSERT_EQUAL(be32_at(pkt_l4(e) + 4), mtu - 1000);
		pkt_put(pool, e);
	}
	end();
}

static void R22_errors_quote_up_to_576_and_1280_bytes(void)
{
	begin();
	for (size_t n = 0; n <= 3000; n += n > 500 && n < 1300 ? 1 : 50) {
		struct frame_spec p4 = { C4, .payload_len = n };
		struct frame_spec p6 = { C6, .payload_len = n };
		size_t all4 = 28 + n, all6 = 48 + n;

		expect(error_about(&p4, PKT_ERR_PROHIBITED, 0),
		       &(struct frame_spec){
			       ETH, .src = GW4, .dst = "10.0.0.2", .tos = 0xc0,
			       .df = true, .proto = IP_ICMP, .type = 3,
			       .code = 13, .quote = &p4,
			       .quote_len = all4 > 548 ? 548 : all4 });
		expect(error_about(&p6, PKT_ERR_PROHIBITED, 0),
		       &(struct frame_spec){ ETH, .src = GW6, .dst = "fd00::2",
					     .tos = 0xc0, .proto = IP_ICMP6,
					     .type = 1, .code = 1, .quote = &p6,
					     .quote_len = all6 > 1232 ? 1232
								      : all6 });
	}
	end();
}

static void R22_padding_behind_the_packet_is_not_quoted(void)
{
	struct pkt_addr from = addr(GW4);
	struct pkt *p, *e;

	begin();
	p = frame_make(pool, &(struct frame_spec){ C4 });
	memset(p->data + p->len, 0xee, 18);
	p->len += 18;
	p->tail -= 18;
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	e = pkt_build_error(pool, &eth, &from, p, PKT_ERR_TTL, 0);
	CU_ASSERT_EQUAL(e->len, 14 + 28 + 28);
	pkt_put(pool, e);
	pkt_put(pool, p);
	end();
}

static void our_own_reader_understands_our_errors(void)
{
	static const struct frame_spec t[] = {
		{ C4, .proto = IP_TCP, .sport = 7, .dport = 9, .seq = 5 },
		{ C6, .sport = 7, .dport = 9, .payload_len = 2000 },
		{ C4, .proto = IP_ICMP, .icmp_id = 7 },
	};

	begin();
	for (size_t i = 0; i < N(t); i++) {
		struct pkt *e = error_about(&t[i], PKT_ERR_TTL, 0);
		struct pkt_quote q;

		CU_ASSERT_EQUAL(e->kind, PKT_KIND_ICMP_ERROR);
		CU_ASSERT(pkt_parse_quote(e, &q));
		CU_ASSERT_EQUAL(q.sport, 7);
		pkt_put(pool, e);
	}
	end();
}

static const struct {
	struct frame_spec s;
	bool err, mtu; /* allowed: any error; "packet too big" */
} about[] = {
	{ { C4 }, true, true },
	{ { C4, .proto = IP_TCP, .flags = TCP_RST }, true, true },
	{ { C4, .proto = IP_ICMP }, true, true },
	{ { C4, .proto = IP_ICMP, .type_zero = true }, true, true },
	{ { C4, .proto = 47, .payload_len = 8 }, true, true },
	{ { C6, .proto = IP_ICMP6 }, true, true },
	{ { C6, .proto = IP_ICMP6, .type = 129 }, true, true },
	{ { .src = "fe80::2", .dst = "2001:db8::1" }, true, true },
	/* ICMP errors, and ICMP of unknown use */
	{ { C4, .proto = IP_ICMP, .type = 3 }, false, false },
	{ { C4, .proto = IP_ICMP, .type = 5 }, false, false },
	{ { C4, .proto = IP_ICMP, .type = 9 }, false, false },
	{ { C4, .proto = IP_ICMP, .type = 40 }, false, false },
	{ { C6, .proto = IP_ICMP6, .type = 1 }, false, false },
	{ { C6, .proto = IP_ICMP6, .type = 100 }, false, false },
	{ { C6, .proto = IP_ICMP6, .type = 127 }, false, false },
	{ { C6, .proto = IP_ICMP6, .type = 135, .payload_len = 16 },
	  false,
	  false },
	/* fragments */
	{ { C4, .mf = true, .payload_len = 8 }, false, false },
	{ { C4, .frag_off = 8, .payload_len = 8 }, false, false },
	{ { C6, .mf = true, .payload_len = 8 }, false, false },
	{ { C6, .frag_off = 8, .payload_len = 8 }, false, false },
	/* multicast and broadcast */
	{ { .src = "10.0.0.2", .dst = "224.0.0.1" }, false, false },
	{ { .src = "10.0.0.2", .dst = "255.255.255.255" }, false, false },
	{ { .src = "10.0.0.2",
	    .dst = "239.1.2.3",
	    .dst_mac = "01:00:5e:01:02:03" },
	  false,
	  false },
	{ { .src = "fd00::2", .dst = "ff05::1" }, false, true },
	{ { .src = "fd00::2",
	    .dst = "ff05::1",
	    .dst_mac = "33:33:00:00:00:01" },
	  false,
	  true },
	/* sources that are no host */
	{ { .src = "0.0.0.0", .dst = "192.0.2.1" }, false, false },
	{ { .src = "0.1.2.3", .dst = "192.0.2.1" }, false, false },
	{ { .src = "127.0.0.1", .dst = "192.0.2.1" }, false, false },
	{ { .src = "169.254.1.1", .dst = "192.0.2.1" }, false, false },
	{ { .src = "224.0.0.1", .dst = "192.0.2.1" }, false, false },
	{ { .src = "240.0.0.1", .dst = "192.0.2.1" }, false, false },
	{ { .src = "255.255.255.255", .dst = "192.0.2.1" }, false, false },
	{ { .src = "::", .dst = "2001:db8::1" }, false, false },
	{ { .src = "::1", .dst = "2001:db8::1" }, false, false },
	{ { .src = "ff02::1", .dst = "2001:db8::1" }, false, false },
};

static void R20_no_error_is_sent_about_what_must_not_be_answered(void)
{
	begin();
	for (size_t i = 0; i < N(about); i++) {
		bool v6 = is_v6(&about[i].s);
		struct pkt_addr from = addr(v6 ? GW6 : GW4);
		struct pkt *p = frame_parsed(pool, &about[i].s);

		for (int err = 0; err < PKT_ERR_N; err++) {
			bool ok = err == PKT_ERR_MTU ? about[i].mtu
						     : about[i].err;
			struct pkt *e = pkt_build_error(
				pool, &eth, &from, p, (enum pkt_err)err, 1300);

			CU_ASSERT_EQUAL(pkt_err_allowed(p, (enum pkt_err)err),
					ok);
			CU_ASSERT_EQUAL(e != NULL, ok);
			if (e)
				pkt_put(pool, e);
		}
		pkt_put(pool, p);
	}
	end();
}

static void ARP_has_no_errors(void)
{
	struct pkt_addr from = addr(GW4);
	struct pkt *p;

	begin();
	p = frame_arp(pool, &(struct frame_arp){ 0 });
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	CU_ASSERT_FALSE(pkt_err_allowed(p, PKT_ERR_TTL));
	CU_ASSERT_PTR_NULL(
		pkt_build_error(pool, &eth, &from, p, PKT_ERR_TTL, 0));
	CU_ASSERT_PTR_NULL(pkt_build_rst(pool, &eth, p));
	pkt_put(pool, p);
	end();
}

static void an_error_from_the_wrong_family_or_to_ourselves_is_not_built(void)
{
	struct pkt_addr from6 = addr(GW6), self = addr("10.0.0.2");
	struct pkt *p;

	begin();
	p = frame_parsed(pool, &(struct frame_spec){ C4 });
	CU_ASSERT_PTR_NULL(
		pkt_build_error(pool, &eth, &from6, p, PKT_ERR_TTL, 0));
	CU_ASSERT_PTR_NULL(
		pkt_build_error(pool, &eth, &self, p, PKT_ERR_TTL, 0));
	pkt_put(pool, p);
	end();
}

static void without_a_buffer_nothing_is_built(void)
{
	const struct frame_spec s = { C4, .proto = IP_TCP };
	struct pkt_pool *one = frame_pool_new(1, 0);
	struct pkt_addr from = addr(GW4), v6 = addr(GW6);
	struct pkt *p = frame_parsed(one, &s);

	CU_ASSERT_PTR_NULL(
		pkt_build_error(one, &eth, &from, p, PKT_ERR_TTL, 0));
	CU_ASSERT_PTR_NULL(pkt_build_rst(one, &eth, p));
	CU_ASSERT_PTR_NULL(pkt_build_arp(one, &eth, &(struct pkt_arp){ 0 }));
	CU_ASSERT_PTR_NULL(pkt_build_nd(one, &eth, &v6, &v6,
					&(struct pkt_nd){ .type = 135 }));
	pkt_put(one, p);
	frame_pool_free(one);
}

/* ---- TCP resets -------------------------------------------------------------
 */

static void R29_a_reset_fits_the_segment_that_it_refuses(void)
{
	static const struct {
		uint8_t flags;
		size_t len;
		uint32_t seq, ack; /* of the reset; segment: 1000, 77000 */
		uint8_t out;
	} t[] = {
		{ TCP_SYN, 0, 0, 1001, TCP_RST | TCP_ACK },
		{ TCP_SYN, 10, 0, 1011, TCP_RST | TCP_ACK },
		{ TCP_SYN | TCP_ECE | TCP_CWR, 0, 0, 1001, TCP_RST | TCP_ACK },
		{ TCP_ACK, 0, 77000, 0, TCP_RST },
		{ TCP_ACK | TCP_PSH, 500, 77000, 0, TCP_RST },
		{ TCP_ACK | TCP_FIN, 500, 77000, 0, TCP_RST },
		{ TCP_ACK | TCP_SYN, 0, 77000, 0, TCP_RST },
	};

	begin();
	for (size_t i = 0; i < 2 * N(t); i++) {
		const char *src = i % 2 ? "fd00::2" : "10.0.0.2";
		const char *dst = i % 2 ? "2001:db8::1" : "192.0.2.1";
		struct pkt *p = frame_parsed(
			pool,
			&(struct frame_spec){ .src = src,
					      .dst = dst,
					      .proto = IP_TCP,
					      .sport = 5555,
					      .dport = 22,
					      .seq = 1000,
					      .ack = 77000,
					      .flags = t[i / 2].flags,
					      .payload_len = t[i / 2].len });
		struct pkt *r = pkt_build_rst(pool, &eth, p), *w;

		pkt_put(pool, p);
		w = frame_parsed(pool, &(struct frame_spec){
					       ETH, .src = dst, .dst = src,
					       .proto = IP_TCP, .df = !(i % 2),
					       .sport = 22, .dport = 5555,
					       .seq = t[i / 2].seq,
					       .ack = t[i / 2].ack,
					       .flags = t[i / 2].out });
		be16_set(pkt_l4(w) + 14, 0); /* window */
		frame_fix(w->data, w->len);
		CU_ASSERT(frame_same(r, w));
		CU_ASSERT_EQUAL(r->tcp_flags, t[i / 2].out);
		pkt_put(pool, r);
		pkt_put(pool, w);
	}
	end();
}

static void sequence_numbers_wrap(void)
{
	struct pkt *p, *r;

	begin();
	p = frame_parsed(pool, &(struct frame_spec){
				       C4, .proto = IP_TCP, .flags = TCP_SYN,
				       .seq = UINT32_MAX, .payload_len = 3 });
	r = pkt_build_rst(pool, &eth, p);
	CU_ASSERT_EQUAL(be32_at(pkt_l4(r) + 8), 3);
	pkt_put(pool, r);
	pkt_put(pool, p);
	end();
}

static void no_reset_answers_a_reset_or_what_is_not_TCP_to_a_host(void)
{
	static const struct frame_spec t[] = {
		{ C4, .proto = IP_TCP, .flags = TCP_RST },
		{ C4, .proto = IP_TCP, .flags = TCP_RST | TCP_ACK },
		{ C4 },
		{ C4, .proto = IP_ICMP },
		{ C4, .proto = IP_TCP, .mf = true, .payload_len = 12 },
		{ .src = "10.0.0.2", .dst = "224.0.0.1", .proto = IP_TCP },
		{ .src = "127.0.0.1", .dst = "192.0.2.1", .proto = IP_TCP },
		{ .src = "fd00::2", .dst = "ff02::1", .proto = IP_TCP },
	};

	begin();
	for (size_t i = 0; i < N(t); i++) {
		struct pkt *p = frame_parsed(pool, &t[i]);

		CU_ASSERT_PTR_NULL(pkt_build_rst(pool, &eth, p));
		pkt_put(pool, p);
	}
	end();
}

/* ---- echo
 * -------------------------------------------------------------------- */

static void R26_an_echo_request_becomes_its_reply(void)
{
	begin();
	for (size_t n = 0; n < 3000; n += 57) {
		struct frame_spec ask = { .src = "10.0.0.2",
					  .dst = GW4,
					  .proto = IP_ICMP,
					  .ttl = 3,
					  .tos = 0x10,
					  .id = 777,
					  .icmp_id = 5,
					  .icmp_seq = 9,
					  .payload_len = n };
		struct frame_spec say = ask;
		struct pkt *p = frame_parsed(pool, &ask);

		pkt_build_echo_reply(p, &eth);
		say.src = GW4;
		say.dst = "10.0.0.2";
		say.type_zero = true;
		say.ttl = 64;
		say.src_mac = "02:00:00:00:00:0c";
		say.dst_mac = "02:00:00:00:00:0d";
		expect(p, &say);

		ask.src = "fd00::2";
		ask.dst = GW6;
		ask.proto = IP_ICMP6;
		say = ask;
		p = frame_parsed(pool, &ask);
		pkt_build_echo_reply(p, &eth);
		say.src = GW6;
		say.dst = "fd00::2";
		say.type = 129;
		say.ttl = 64;
		say.src_mac = "02:00:00:00:00:0c";
		say.dst_mac = "02:00:00:00:00:0d";
		expect(p, &say);
	}
	end();
}

static void an_echo_reply_of_zeros_is_right_too(void)
{
	struct pkt *p;

	begin();
	p = frame_parsed(pool, &(struct frame_spec){ C4, .proto = IP_ICMP });
	pkt_build_echo_reply(p, &eth);
	CU_ASSERT_EQUAL(be16_at(pkt_l4(p) + 2), 0xffff);
	CU_ASSERT(frame_sums_ok(p->data, p->len));
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	pkt_put(pool, p);
	end();
}

static void an_echo_request_with_options_keeps_them(void)
{
	struct pkt *p;

	begin();
	p = frame_parsed(pool, &(struct frame_spec){ C4, .proto = IP_ICMP,
						     .ip_options = "01010100",
						     .payload_len = 4 });
	pkt_build_echo_reply(p, &eth);
	CU_ASSERT(frame_sums_ok(p->data, p->len));
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	CU_ASSERT_EQUAL(p->kind, PKT_KIND_ICMP_REPLY);
	CU_ASSERT_EQUAL(p->l4_off, 14 + 24);
	pkt_put(pool, p);
	end();
}

static void R28_all_that_we_say_has_the_same_TTL(void)
{
	static const uint8_t ttls[] = { 1, 2, 63, 64, 128, 255 };

	begin();
	for (size_t i = 0; i < N(ttls); i++) {
		struct frame_spec s = { C4, .proto = IP_TCP, .ttl = ttls[i] };
		struct pkt *p = frame_parsed(pool, &s);
		struct pkt *r = pkt_build_rst(pool, &eth, p);
		struct pkt *e = error_about(&s, PKT_ERR_PROHIBITED, 0);

		CU_ASSERT_EQUAL(pkt_l3(r)[8], 64);
		CU_ASSERT_EQUAL(pkt_l3(e)[8], 64);
		pkt_put(pool, e);
		pkt_put(pool, r);
		pkt_put(pool, p);
	}
	end();
}

UNIT_SUITE(pkt_build, UNIT(errors_have_their_types_and_codes),
	   UNIT(R8_packet_too_big_never_says_less_than_1280),
	   UNIT(R22_errors_quote_up_to_576_and_1280_bytes),
	   UNIT(R22_padding_behind_the_packet_is_not_quoted),
	   UNIT(our_own_reader_understands_our_errors),
	   UNIT(R20_no_error_is_sent_about_what_must_not_be_answered),
	   UNIT(ARP_has_no_errors),
	   UNIT(an_error_from_the_wrong_family_or_to_ourselves_is_not_built),
	   UNIT(without_a_buffer_nothing_is_built),
	   UNIT(R29_a_reset_fits_the_segment_that_it_refuses),
	   UNIT(sequence_numbers_wrap),
	   UNIT(no_reset_answers_a_reset_or_what_is_not_TCP_to_a_host),
	   UNIT(R26_an_echo_request_becomes_its_reply),
	   UNIT(an_echo_reply_of_zeros_is_right_too),
	   UNIT(an_echo_request_with_options_keeps_them),
	   UNIT(R28_all_that_we_say_has_the_same_TTL))
