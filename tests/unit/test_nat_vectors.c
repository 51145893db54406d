/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What mirage-nat promises, as test vectors: scenarios N1 to N10, N17 and N21
 * of its suite, restated, and the bytes that it produced for them.  Fragment
 * vectors (N11 to N16) are in test_pkt_cut.c and test_pkt_frag.c.  Where
 * vifwall differs on purpose the test says why.
 */
#include <string.h>

#include "mock/nat_bed.h"
#include "packet/pkt_parse.h"
#include "unit.h"

#define CAT \
	"61646f7261626c655f6361745f70686f746f2e6a7067" /* ..._cat_photo.jpg */
#define INSIDE "192.168.108.26"
#define XL "128.104.108.1"
#define REMOTE "4.141.2.6"

static struct nat_bed b;

/* Translates the packet of @in and says whether @out came of it. */
static bool gives(const char *in, uint16_t owner, const struct nat_want *want,
		  const char *out)
{
	struct pkt *p = frame_ip_hex(b.pool, in),
		   *w = frame_ip_hex(b.pool, out);
	bool same;

	vw_assert(pkt_parse(p) == PKT_FORWARD);
	same = nat_bed_go(&b, p, owner, want) && p->len == w->len &&
	       !memcmp(p->data + PKT_ETH_LEN, w->data + PKT_ETH_LEN,
		       p->len - PKT_ETH_LEN);
	if (!same)
		(void)frame_same(p, w);
	pkt_put(b.pool, p);
	pkt_put(b.pool, w);
	return same;
}

/* Translates a described packet; its tuple afterwards, or the refusal's name.
 */
static const char *tuple_of(const struct frame_spec *s, uint16_t owner,
			    const struct nat_want *want, uint8_t *ttl)
{
	struct pkt *p = frame_parsed(b.pool, s);
	const char *t;

	if (!nat_bed_go(&b, p, owner, want))
		t = pkt_reason_name(b.why);
	else if (!nat_bed_sums_ok(p))
		t = "checksum wrong";
	else
		t = nat_bed_tuple(p);
	if (ttl)
		*ttl = pkt_l3(p)[8];
	pkt_put(b.pool, p);
	return t;
}

static enum pkt_reason add_only(const struct frame_spec *s, uint16_t owner,
				const struct nat_want *want)
{
	struct pkt *p = frame_parsed(b.pool, s);
	struct nat_hit hit = { 0 };
	enum pkt_reason why = PKT_REASON_NONE;

	if (nat_add(b.nat, p, owner, want, &hit, b.now) != PKT_FORWARD)
		why = p->reason;
	pkt_put(b.pool, p);
	return why;
}

static void N1_udp_out_is_translated_byte_for_byte(void)
{
	struct nat_want want = nat_bed_masq(XL, 45454);

	nat_bed_open(&b, NULL);
	CU_ASSERT(gives("45000032000000000411 8366 c0a86c1a 048d0206"
			"00ff0400001e8cc6" CAT,
			1, &want,
			"45000032000000000311 c4bf 80686c01 048d0206"
			"b18e0400001e1c90" CAT));
	nat_bed_close(&b);
}

static void N2_tcp_out_is_translated_byte_for_byte(void)
{
	struct nat_want want = nat_bed_masq(XL, 45454);

	nat_bed_open(&b, NULL);
	CU_ASSERT(gives("4500003e000000000406 8365 c0a86c1a 048d0206"
			"00ff0400432af3100000000050020218048e0000" CAT,
			1, &want,
			"4500003e000000000306 c4be 80686c01 048d0206"
			"b18e0400432af310000000005002021894570000" CAT));
	nat_bed_close(&b);
}

static void N3_the_answer_finds_its_way_back(void)
{
	struct nat_want want = nat_bed_masq(XL, 45454);
	const struct frame_spec out = { .src = INSIDE,
					.dst = REMOTE,
					.ttl = 52,
					.sport = 255,
					.dport = 1024,
					.payload = "GET / HTTP/1.1\r\n",
					.payload_len = 16 };
	const struct frame_spec in = { .src = REMOTE,
				       .dst = XL,
				       .ttl = 52,
				       .sport = 1024,
				       .dport = 45454 };
	const struct frame_spec clash = {
		.src = XL, .dst = REMOTE, .sport = 255, .dport = 1024
	};
	uint8_t ttl;

	nat_bed_open(&b, NULL);
	CU_ASSERT_STRING_EQUAL(tuple_of(&out, 1, &want, &ttl),
			       XL ":45454 > " REMOTE ":1024");
	CU_ASSERT_EQUAL(ttl, 51);
	CU_ASSERT_STRING_EQUAL(tuple_of(&in, NAT_UPLINK, NULL, &ttl),
			       REMOTE ":1024 > " INSIDE ":255");
	CU_ASSERT_EQUAL(ttl, 51);
	/* N3c: the same again is no error. */
	CU_ASSERT_EQUAL(add_only(&out, 1, &want), PKT_REASON_NONE);
	/* N3d: the outside port is taken towards this remote. */
	CU_ASSERT_EQUAL(add_only(&clash, 1, &want), PKT_REASON_OVERLAP);
	nat_bed_close(&b);
}

static void N4_broadcast_is_not_translated(void)
{
	struct nat_want want = nat_bed_masq(XL, 0);
	const struct frame_spec s = { .src = INSIDE,
				      .dst = "255.255.255.255",
				      .proto = 6,
				      .ttl = 30,
				      .sport = 255,
				      .dport = 1024,
				      .flags = 0x02 };

	nat_bed_open(&b, NULL);
	CU_ASSERT_EQUAL(add_only(&s, 1, &want), PKT_REASON_CANNOT_NAT);
	nat_bed_close(&b);
}

static void N5_an_echo_request_and_its_reply(void)
{
	struct nat_want want = nat_bed_masq("82.1.1.8", 81);
	const struct frame_spec reply = { .src = "8.8.8.8",
					  .dst = "82.1.1.8",
					  .proto = 1,
					  .type_zero = true,
					  .icmp_id = 81,
					  .icmp_seq = 9 };
	uint8_t ttl;

	nat_bed_open(&b, NULL);
	CU_ASSERT(gives("4500001c000000004001 a924 c0a80105 08080808"
			"0800f7f100050009",
			1, &want,
			"4500001c000000003f01 18c9 52010108 08080808"
			"0800f7a500510009"));
	CU_ASSERT_STRING_EQUAL(tuple_of(&reply, NAT_UPLINK, NULL, &ttl),
			       "8.8.8.8 > 192.168.1.5 id 5");
	CU_ASSERT_EQUAL(ttl, 63);
	nat_bed_close(&b);
}

static void N6_an_error_about_an_echo_reaches_its_sender(void)
{
	struct nat_want want = nat_bed_masq("82.1.1.8", 81);

	nat_bed_open(&b, NULL);
	CU_ASSERT(gives("4500001c000000004001 a924 c0a80105 08080808"
			"0800f7f100050009",
			1, &want,
			"4500001c000000003f01 18c9 52010108 08080808"
			"0800f7a500510009"));
	CU_ASSERT(gives("45000038000000004001 17b4 08080801 52010108"
			"0301fcfe00000000"
			"4500001c000000003f01 18c9 52010108 08080808"
			"0800f7a500510009",
			NAT_UPLINK, NULL,
			"45000038000000003f01 aa0f 08080801 c0a80105"
			"0301fcfe00000000"
			"4500001c000000003f01 aa24 c0a80105 08080808"
			"0800f7f100050009"));
	nat_bed_close(&b);
}

/*
 * N7: mirage-nat leaves the quoted UDP checksum as it was outside (0x9c24).  We
 * restore it (RFC 5508 REQ-4 asks for what is there to be translated), so that
 * the quote is what the client sent but for the TTL: 0x2147 is the right sum of
 * 192.168.1.5:3210 > 8.8.8.8:80.
 */
static void N7_a_quoted_udp_checksum_is_restored_too(void)
{
	struct nat_want want = nat_bed_masq("82.1.1.8", 81);
	const struct frame_spec out = { .src = "192.168.1.5",
					.dst = "8.8.8.8",
					.sport = 3210,
					.dport = 80 };
	const struct frame_spec seen = { .src = "82.1.1.8",
					 .dst = "8.8.8.8",
					 .ttl = 63,
					 .sport = 81,
					 .dport = 80 };
	const struct frame_spec sent = { .src = "192.168.1.5",
					 .dst = "8.8.8.8",
					 .ttl = 63,
					 .sport = 3210,
					 .dport = 80 };
	const struct frame_spec err = { .src = "8.8.8.1",
					.dst = "82.1.1.8",
					.proto = 1,
					.type = 3,
					.code = 1,
					.quote = &seen,
					.quote_len = 28 };
	const struct frame_spec told = { .src = "8.8.8.1",
					 .dst = "192.168.1.5",
					 .ttl = 63,
					 .proto = 1,
					 .type = 3,
					 .code = 1,
					 .quote = &sent,
					 .quote_len = 28 };
	struct pkt *p, *w;

	nat_bed_open(&b, NULL);
	CU_ASSERT_STRING_EQUAL(tuple_of(&out, 1, &want, NULL),
			       "82.1.1.8:81 > 8.8.8.8:80");
	p = frame_parsed(b.pool, &err);
	w = frame_parsed(b.pool, &told);
	CU_ASSERT(nat_bed_go(&b, p, NAT_UPLINK, NULL));
	CU_ASSERT(frame_same(p, w));
	pkt_put(b.pool, p);
	pkt_put(b.pool, w);
	nat_bed_close(&b);
}

static void N8_eight_quoted_bytes_of_tcp_are_enough(void)
{
	struct nat_want want = nat_bed_masq("82.1.1.8", 81);
	const struct frame_spec out = { .src = "192.168.1.5",
					.dst = "8.8.8.8",
					.proto = 6,
					.flags = 0x02,
					.sport = 3210,
					.dport = 80,
					.seq = 1000,
					.payload_len = 1000 };
	const struct frame_spec seen = { .src = "82.1.1.8",
					 .dst = "8.8.8.8",
					 .ttl = 63,
					 .proto = 6,
					 .flags = 0x02,
					 .sport = 81,
					 .dport = 80,
					 .seq = 1000,
					 .payload_len = 1000 };
	const struct frame_spec err = { .src = "8.8.8.8",
					.dst = "82.1.1.8",
					.proto = 1,
					.type = 3,
					.code = 1,
					.quote = &seen,
					.quote_len = 28 };
	struct pkt *p;
	const uint8_t *quote;

	nat_bed_open(&b, NULL);
	CU_ASSERT_STRING_EQUAL(tuple_of(&out, 1, &want, NULL),
			       "82.1.1.8:81 > 8.8.8.8:80");
	p = frame_parsed(b.pool, &err);
	CU_ASSERT(nat_bed_go(&b, p, NAT_UPLINK, NULL));
	CU_ASSERT(nat_bed_sums_ok(p));
	CU_ASSERT_EQUAL(pkt_l3(p)[8], 63);
	quote = pkt_l4(p) + 8;
	CU_ASSERT_EQUAL(quote[2] << 8 | quote[3], 1040);
	CU_ASSERT_EQUAL(quote[8], 63);
	CU_ASSERT_EQUAL(quote[20] << 8 | quote[21], 3210);
	CU_ASSERT_EQUAL(quote[22] << 8 | quote[23], 80);
	CU_ASSERT(!memcmp(quote + 12, (uint8_t[]){ 192, 168, 1, 5 }, 4));
	pkt_put(b.pool, p);
	nat_bed_close(&b);
}

static void N9_a_redirect_hides_both_ends(void)
{
	struct nat_want want = { .mode = NAT_REDIRECT,
				 .to = 1,
				 .outside = nat_bed_addr("172.16.2.1"),
				 .outside_port = 8989,
				 .target = nat_bed_addr("172.16.2.30"),
				 .target_port = 18787 };
	struct nat_want other = want;
	const struct frame_spec ask = { .src = "1.2.3.4",
					.dst = "208.121.103.4",
					.ttl = 52,
					.sport = 80,
					.dport = 80 };
	const struct frame_spec answer = { .src = "172.16.2.30",
					   .dst = "172.16.2.1",
					   .ttl = 52,
					   .sport = 18787,
					   .dport = 8989 };
	uint8_t ttl;

	nat_bed_open(&b, NULL);
	CU_ASSERT_STRING_EQUAL(tuple_of(&ask, NAT_UPLINK, &want, &ttl),
			       "172.16.2.1:8989 > 172.16.2.30:18787");
	CU_ASSERT_EQUAL(ttl, 51);
	CU_ASSERT_STRING_EQUAL(tuple_of(&answer, 1, NULL, &ttl),
			       "208.121.103.4:80 > 1.2.3.4:80");
	CU_ASSERT_EQUAL(ttl, 51);
	CU_ASSERT_EQUAL(add_only(&ask, NAT_UPLINK, &want), PKT_REASON_NONE);
	other.outside = nat_bed_addr("8.8.8.8");
	CU_ASSERT_EQUAL(add_only(&ask, NAT_UPLINK, &other), PKT_REASON_OVERLAP);
	nat_bed_close(&b);
}

/* A TCP SYN from a random public address to another, as frame text. */
static void random_syn(struct pkt_rand *r, struct frame_spec *s, char *src,
		       char *dst)
{
	struct pkt_addr a = nat_bed_addr("1.0.0.0"), d = a;

	for (int i = 13; i < 16; i++) {
		a.b[i] = (uint8_t)(1 + pkt_rand_below(r, 254));
		d.b[i] = (uint8_t)(1 + pkt_rand_below(r, 254));
	}
	d.b[12] = 9;
	*s = (struct frame_spec){
		.src = pkt_addr_print(src, &a),
		.dst = pkt_addr_print(dst, &d),
		.proto = 6,
		.flags = 0x02,
		.ttl = (uint8_t)(2 + pkt_rand_below(r, 200)),
		.sport = (uint16_t)(1 + pkt_rand_below(r, 65535)),
		.dport = (uint16_t)(1 + pkt_rand_below(r, 65535)),
	};
}

static void N10_many_random_flows_all_open_and_pass(void)
{
	struct nat_want want = nat_bed_masq(XL, 0);
	const uint8_t seed[16] = { 10 };
	char src[PKT_ADDR_TEXT], dst[PKT_ADDR_TEXT];
	struct frame_spec s;
	struct pkt_rand r;
	int opened = 0;

	nat_bed_open(&b, NULL);
	pkt_rand_seed(&r, seed);
	for (int i = 0; i < 200; i++) {
		random_syn(&r, &s, src, dst);
		tuple_of(&s, 1, &want, NULL);
		opened += b.why == PKT_REASON_NONE;
	}
	CU_ASSERT_EQUAL(opened, 200);
	nat_bed_close(&b);
}

static void N17_forgetting_one_client_of_many_ends_its_flows_alone(void)
{
	struct nat_want want = nat_bed_masq(XL, 0);
	const uint8_t seed[16] = { 17 };
	char src[PKT_ADDR_TEXT], dst[PKT_ADDR_TEXT];
	struct nat_conf conf;
	struct nat_usage use;
	struct frame_spec s;
	struct pkt_rand r;

	nat_bed_conf(&conf);
	conf.flows = 1024;
	nat_bed_open(&b, &conf);
	pkt_rand_seed(&r, seed);
	for (int i = 0; i < 500; i++) {
		random_syn(&r, &s, src, dst);
		tuple_of(&s, (uint16_t)(1 + i % 2), &want, NULL);
	}
	nat_owner_forget(b.nat, 1);
	/* The last flow was client 2's: it goes on; client 1's are gone. */
	tuple_of(&s, 2, NULL, NULL);
	CU_ASSERT_EQUAL(b.why, PKT_REASON_NONE);
	for (int i = 0; i < 64; i++)
		nat_expire(b.nat, 64, b.now);
	nat_usage(b.nat, 1, &use);
	CU_ASSERT_EQUAL(use.flows, 0);
	nat_usage(b.nat, 2, &use);
	CU_ASSERT_EQUAL(use.flows, 250);
	nat_bed_close(&b);
}

/*
 * N21.  Mirage asks with the tuple of the request; the question that means
 * something is whether the *outside* port is free towards that remote.
 */
static void N21_is_a_port_free(void)
{
	struct nat_want want = nat_bed_masq(XL, 45454);
	const struct frame_spec out = {
		.src = INSIDE, .dst = REMOTE, .sport = 255, .dport = 1024
	};
	struct pkt_addr xl = nat_bed_addr(XL), remote = nat_bed_addr(REMOTE);

	nat_bed_open(&b, NULL);
	CU_ASSERT(nat_port_is_free(b.nat, &xl, 45454, 17, &remote, 1024));
	tuple_of(&out, 1, &want, NULL);
	CU_ASSERT(!nat_port_is_free(b.nat, &xl, 45454, 17, &remote, 1024));
	CU_ASSERT(nat_port_is_free(b.nat, &xl, 45454, 6, &remote, 1024));
	nat_reset(b.nat);
	CU_ASSERT(nat_port_is_free(b.nat, &xl, 45454, 17, &remote, 1024));
	nat_bed_close(&b);
}

UNIT_SUITE(nat_vectors, UNIT(N1_udp_out_is_translated_byte_for_byte),
	   UNIT(N2_tcp_out_is_translated_byte_for_byte),
	   UNIT(N3_the_answer_finds_its_way_back),
	   UNIT(N4_broadcast_is_not_translated),
	   UNIT(N5_an_echo_request_and_its_reply),
	   UNIT(N6_an_error_about_an_echo_reaches_its_sender),
	   UNIT(N7_a_quoted_udp_checksum_is_restored_too),
	   UNIT(N8_eight_quoted_bytes_of_tcp_are_enough),
	   UNIT(N9_a_redirect_hides_both_ends),
	   UNIT(N10_many_random_flows_all_open_and_pass),
	   UNIT(N17_forgetting_one_client_of_many_ends_its_flows_alone),
	   UNIT(N21_is_a_port_free))
