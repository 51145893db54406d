/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ARP and neighbour discovery, read and said. */
#include <string.h>

#include "mock/addrs.h"
#include "mock/frames.h"
#include "packet/pkt_build.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct pkt_pool *pool;

static void begin(void)
{
	pool = frame_pool_new(4, 1);
}

static void end(void)
{
	frame_pool_free(pool);
}

static bool mac_is(const struct pkt_mac *m, const char *text)
{
	char out[18];

	return !strcmp(pkt_mac_print(out, m), text);
}

static bool addr_is(const struct pkt_addr *a, const char *text)
{
	char out[PKT_ADDR_TEXT];

	return !strcmp(pkt_addr_print(out, a), text);
}

/* ---- ARP --------------------------------------------------------------------
 */

static void an_ARP_request_is_read(void)
{
	struct pkt_arp arp;
	struct pkt *p;

	begin();
	p = frame_arp(pool, &(struct frame_arp){ .spa = "10.137.0.9",
						 .tpa = "10.137.0.5",
						 .tha = "02:00:00:00:00:ff" });
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	CU_ASSERT(pkt_parse_arp(p, &arp));
	CU_ASSERT_EQUAL(arp.op, 1);
	CU_ASSERT(mac_is(&arp.sha, FRAME_MAC_A));
	CU_ASSERT(mac_is(&arp.tha, "02:00:00:00:00:ff"));
	CU_ASSERT(addr_is(&arp.spa, "10.137.0.9"));
	CU_ASSERT(addr_is(&arp.tpa, "10.137.0.5"));
	pkt_put(pool, p);
	end();
}

/* Every value of each byte of the fixed part but the addresses. */
static void R82_only_Ethernet_and_IPv4_requests_and_replies_are_read(void)
{
	static const uint8_t good[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	struct pkt_arp arp;
	struct pkt *p;

	begin();
	p = frame_arp(pool, &(struct frame_arp){ 0 });
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	for (size_t at = 0; at < sizeof(good); at++) {
		for (unsigned int v = 0; v <= 0xff; v++) {
			bool ok = v == good[at] || (at == 7 && v == 2);

			p->data[14 + at] = (uint8_t)v;
			CU_ASSERT_EQUAL(pkt_parse_arp(p, &arp), ok);
		}
		p->data[14 + at] = good[at];
	}
	pkt_put(pool, p);
	end();
}

static void R82_a_cut_ARP_packet_is_not_read(void)
{
	struct pkt_arp arp;
	struct pkt *p;

	begin();
	p = frame_arp(pool, &(struct frame_arp){ 0 });
	for (uint32_t len = 14; len <= 60; len++) {
		p->len = len;
		CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
		CU_ASSERT_EQUAL(pkt_parse_arp(p, &arp), len >= 42);
	}
	pkt_put(pool, p);
	p = frame_parsed(pool, &(struct frame_spec){ .payload_len = 40 });
	CU_ASSERT_FALSE(pkt_parse_arp(p, &arp));
	pkt_put(pool, p);
	end();
}

static void R86_an_ARP_reply_is_42_bytes_and_all_of_them_meant(void)
{
	const struct pkt_eth eth = { .src = mac("02:00:00:00:00:0c"),
				     .dst = mac("02:00:00:00:00:0d") };
	const struct pkt_arp arp = { .op = 2,
				     .sha = mac("02:00:00:00:00:0c"),
				     .tha = mac("02:00:00:00:00:0d"),
				     .spa = addr("10.0.0.1"),
				     .tpa = addr("10.0.0.2") };
	struct pkt_arp back;
	struct pkt *p;

	begin();
	/* Whatever the buffer held before. */
	p = pkt_get(pool, 100);
	memset(p->data, 0xee, 100);
	pkt_put(pool, p);
	p = pkt_build_arp(pool, &eth, &arp);
	CU_ASSERT(frame_is_hex(p, "02000000000d 02000000000c 0806"
				  "0001 0800 06 04 0002"
				  "02000000000c 0a000001"
				  "02000000000d 0a000002"));
	CU_ASSERT_EQUAL(p->l3, PKT_L3_ARP);
	CU_ASSERT(pkt_parse_arp(p, &back));
	CU_ASSERT(!memcmp(&back, &arp, sizeof(arp)));
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	pkt_put(pool, p);
	end();
}

/* ---- neighbour discovery
 * ------------------------------------------------------ */

#define LL .src = "fe80::2", .dst = "fe80::1"
#define GROUP "ff02::1:ff00:1" /* of ...:0001 */

static bool read_nd(const struct frame_nd *s, struct pkt_nd *nd)
{
	struct pkt *p = frame_nd(pool, s);
	bool ok;

	CU_ASSERT_EQUAL_FATAL(pkt_parse(p), PKT_FORWARD);
	ok = pkt_parse_nd(p, nd);
	pkt_put(pool, p);
	return ok;
}

static void a_solicitation_is_read(void)
{
	struct pkt_nd nd;

	begin();
	CU_ASSERT(read_nd(
		&(struct frame_nd){ .ip = { .src = "fd00::2", .dst = GROUP },
				    .target = "fd00::1",
				    .lladdr = FRAME_MAC_A },
		&nd));
	CU_ASSERT_EQUAL(nd.type, 135);
	CU_ASSERT(addr_is(&nd.target, "fd00::1"));
	CU_ASSERT(nd.has_lladdr && mac_is(&nd.lladdr, FRAME_MAC_A));
	CU_ASSERT_FALSE(nd.solicited || nd.override || nd.router);
	CU_ASSERT(read_nd(
		&(struct frame_nd){ .ip = { LL }, .target = "fe80::1" }, &nd));
	CU_ASSERT_FALSE(nd.has_lladdr);
	end();
}

static void an_advertisement_is_read_with_its_flags(void)
{
	begin();
	for (uint32_t bits = 0; bits < 8; bits++) {
		struct pkt_nd nd;

		CU_ASSERT(read_nd(&(struct frame_nd){ .ip = { LL, .type = 136 },
						      .bits = bits << 29,
						      .target = "fd00::1",
						      .lladdr = FRAME_MAC_A },
				  &nd));
		CU_ASSERT_EQUAL(nd.router, bits >> 2 & 1);
		CU_ASSERT_EQUAL(nd.solicited, bits >> 1 & 1);
		CU_ASSERT_EQUAL(nd.override, bits & 1);
		CU_ASSERT(nd.has_lladdr);
	}
	end();
}

static void routers_packets_are_read(void)
{
	struct pkt_nd nd;

	begin();
	CU_ASSERT(read_nd(&(struct frame_nd){ .ip = { LL, .type = 133 },
					      .lladdr = FRAME_MAC_A },
			  &nd));
	CU_ASSERT(nd.type == 133 && nd.has_lladdr);
	CU_ASSERT(pkt_addr_is_zero(&nd.target));
	CU_ASSERT(read_nd(
		&(struct frame_nd){ .ip = { LL, .type = 134 },
				    .options = "0000000000000000" /* timers */
					       "05010000 000005dc" },
		&nd));
	CU_ASSERT_FALSE(
		read_nd(&(struct frame_nd){ .ip = { LL, .type = 134 },
					    .options = "00000000000000" },
			&nd));
	CU_ASSERT(read_nd(
		&(struct frame_nd){ .ip = { LL, .type = 137 },
				    .target = "fe80::5",
				    .options =
					    "20010db8000000000000000000000001"
					    "0201 020000000007" },
		&nd));
	CU_ASSERT(nd.has_lladdr && mac_is(&nd.lladdr, "02:00:00:00:00:07"));
	CU_ASSERT_FALSE(read_nd(&(struct frame_nd){ .ip = { LL, .type = 137 },
						    .target = "fe80::5" },
				&nd));
	end();
}

static void R102_hop_limit_255_and_code_0_are_demanded(void)
{
	struct frame_nd s = { .ip = { LL }, .target = "fe80::1" };
	struct pkt_nd nd;

	begin();
	for (unsigned int hops = 1; hops <= 255; hops++) {
		s.ip.ttl = (uint8_t)hops;
		CU_ASSERT_EQUAL(read_nd(&s, &nd), hops == 255);
	}
	for (unsigned int code = 0; code <= 255; code++) {
		s.ip.code = (uint8_t)code;
		CU_ASSERT_EQUAL(read_nd(&s, &nd), code == 0);
	}
	end();
}

static void R102_options_are_well_formed(void)
{
	static const struct {
		const char *options;
		bool ok, lladdr;
	} t[] = {
		{ "", true, false },
		{ "0101 02000000000a", true, true },
		/* unknown ones are passed over */
		{ "0e01 000000000000 0101 02000000000a", true, true },
		{ "0101 02000000000a 1902 0000 0000 0000 0000000000000000",
		  true, true },
		/* the target's own is not a solicitation's business */
		{ "0201 02000000000a", true, false },
		/* the first counts */
		{ "0101 02000000000a 0101 02000000000b", true, true },
		/* length 0, past the end, a stray byte, half a header */
		{ "0100 02000000000a", false, false },
		{ "0e00 000000000000", false, false },
		{ "0102 02000000000a", false, false },
		{ "0eff 000000000000", false, false },
		{ "0101 02000000000a 01", false, false },
		{ "0101 02000000000a 0101", false, false },
		/* not the length of a MAC; a group is no station */
		{ "0102 02000000000a 0000000000000000", false, false },
		{ "0101 03000000000a", false, false },
		{ "0101 ffffffffffff", false, false },
	};

	begin();
	for (size_t i = 0; i < N(t); i++) {
		struct pkt_nd nd;
		bool ok = read_nd(&(struct frame_nd){ .ip = { LL },
						      .target = "fe80::1",
						      .options = t[i].options },
				  &nd);

		CU_ASSERT_EQUAL(ok, t[i].ok);
		CU_ASSERT(!ok || nd.has_lladdr == t[i].lladdr);
		CU_ASSERT(!ok || !nd.has_lladdr ||
			  mac_is(&nd.lladdr, FRAME_MAC_A));
	}
	end();
}

static void R102_there_are_at_most_64_options(void)
{
	static char hex[65 * 16 + 1];

	begin();
	for (int n = 1; n <= 65; n++) {
		struct pkt_nd nd;

		strcat(hex, "0e01000000000000");
		CU_ASSERT_EQUAL(read_nd(&(struct frame_nd){ .ip = { LL },
							    .target = "fe80::1",
							    .options = hex },
					&nd),
				n <= 64);
	}
	end();
}

static void R102_source_and_target_are_sane(void)
{
	static const struct {
		struct frame_nd s;
		bool ok;
	} t[] = {
		/* duplicate address detection */
		{ { .ip = { .src = "::", .dst = GROUP }, .target = "fd00::1" },
		  true },
		{ { .ip = { .src = "::", .dst = GROUP },
		    .target = "fd00::1",
		    .lladdr = FRAME_MAC_A },
		  false },
		{ { .ip = { .src = "::", .dst = "fd00::1" },
		    .target = "fd00::1" },
		  false },
		{ { .ip = { .src = "::", .dst = "ff02::1" },
		    .target = "fd00::1" },
		  false },
		{ { .ip = { .src = "::", .dst = "ff02::2", .type = 133 } },
		  true },
		{ { .ip = { .src = "::", .dst = "ff02::2", .type = 133 },
		    .lladdr = FRAME_MAC_A },
		  false },
		/* targets */
		{ { .ip = { LL }, .target = "ff02::1" }, false },
		{ { .ip = { LL }, .target = "::" }, false },
		{ { .ip = { LL }, .target = "::1" }, false },
		{ { .ip = { LL }, .target = "2001:db8::1" }, true },
		{ { .ip = { LL, .type = 136 }, .target = "ff02::1" }, false },
		{ { .ip = { LL, .type = 136 }, .target = "::" }, false },
		/* groups never speak, and get no answers to a question */
		{ { .ip = { .src = "ff02::5", .dst = "fe80::1" },
		    .target = "fe80::1" },
		  false },
		{ { .ip = { .src = "fe80::2", .dst = "ff02::1", .type = 136 },
		    .target = "fe80::2" },
		  true },
		{ { .ip = { .src = "fe80::2", .dst = "ff02::1", .type = 136 },
		    .bits = 0x40000000,
		    .target = "fe80::2" },
		  false },
		{ { .ip = { .src = "::", .dst = "ff02::1", .type = 136 },
		    .target = "fe80::2" },
		  false },
		/* routers are link-local */
		{ { .ip = { .src = "fd00::2", .dst = "ff02::1", .type = 134 },
		    .options = "0000000000000000" },
		  false },
		{ { .ip = { .src = "fe80::2", .dst = "ff02::1", .type = 134 },
		    .options = "0000000000000000" },
		  true },
		{ { .ip = { .src = "fd00::2", .dst = "fd00::1", .type = 137 },
		    .target = "fe80::5",
		    .options = "20010db8000000000000000000000001" },
		  false },
	};
	struct pkt_nd nd;

	begin();
	for (size_t i = 0; i < N(t); i++)
		CU_ASSERT_EQUAL(read_nd(&t[i].s, &nd), t[i].ok);
	end();
}

static void a_mapped_target_is_no_target(void)
{
	struct pkt_nd nd;

	begin();
	CU_ASSERT_FALSE(read_nd(
		&(struct frame_nd){ .ip = { LL },
				    .options = "00000000000000000000ffff"
					       "0a000001" },
		&nd));
	end();
}

static void neighbour_discovery_never_comes_in_fragments(void)
{
	struct frame_nd s = { .ip = { LL, .frag6 = true },
			      .target = "fe80::1" };
	struct pkt_nd nd;

	begin();
	CU_ASSERT_FALSE(read_nd(&s, &nd));
	s.ip.frag6 = false;
	CU_ASSERT(read_nd(&s, &nd));
	end();
}

static void cut_short_it_is_not_read(void)
{
	static const uint8_t types[] = { 134, 135, 136, 137 };

	begin();
	for (size_t i = 0; i < N(types); i++)
		for (size_t n = 0; n < 8; n++) {
			struct pkt_nd nd;

			CU_ASSERT_FALSE(read_nd(
				&(struct frame_nd){
					.ip = { LL, .type = types[i] },
					.options =
						&"00000000000000"[14 - 2 * n] },
				&nd));
		}
	end();
}

static void what_is_not_neighbour_discovery_is_not_read(void)
{
	struct pkt_nd nd;
	struct pkt *p;

	begin();
	p = frame_parsed(pool, &(struct frame_spec){ LL, .proto = IP_ICMP6,
						     .ttl = 255 });
	CU_ASSERT_FALSE(pkt_parse_nd(p, &nd));
	pkt_put(pool, p);
	p = frame_arp(pool, &(struct frame_arp){ 0 });
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	CU_ASSERT_FALSE(pkt_parse_nd(p, &nd));
	pkt_put(pool, p);
	end();
}

static void what_we_say_is_what_another_would_write(void)
{
	const struct pkt_eth eth = { .src = mac("02:00:00:00:00:0c"),
				     .dst = mac("33:33:ff:00:00:01") };
	struct pkt_addr src = addr("fe80::2"), dst = addr(GROUP);
	struct pkt_nd nd = { .type = 135,
			     .target = addr("fd00::1"),
			     .has_lladdr = true,
			     .lladdr = mac("02:00:00:00:00:0c") };
	struct pkt *p, *w;

	begin();
	p = pkt_build_nd(pool, &eth, &src, &dst, &nd);
	w = frame_nd(pool, &(struct frame_nd){
				   .ip = { .src = "fe80::2",
					   .dst = GROUP,
					   .src_mac = "02:00:00:00:00:0c",
					   .dst_mac = "33:33:ff:00:00:01" },
				   .target = "fd00::1",
				   .lladdr = "02:00:00:00:00:0c" });
	CU_ASSERT(frame_same(p, w));
	CU_ASSERT_EQUAL(p->kind, PKT_KIND_ND);
	CU_ASSERT(p->flags & PKT_F_L2_MCAST);
	pkt_put(pool, p);
	pkt_put(pool, w);
	end();
}

static void an_advertisement_with_every_flag_is_read_back(void)
{
	const struct pkt_eth eth = { .src = mac(FRAME_MAC_B),
				     .dst = mac(FRAME_MAC_A) };
	struct pkt_addr src = addr("fe80::1"), dst = addr("fe80::2");

	begin();
	for (int bits = 0; bits < 16; bits++) {
		struct pkt_nd nd = { .type = 136,
				     .router = bits & 1,
				     .solicited = bits & 2,
				     .override = bits & 4,
				     .has_lladdr = bits & 8,
				     .target = addr("fd00::1") };
		struct pkt_nd back;
		struct pkt *p;

		if (nd.has_lladdr)
			nd.lladdr = mac(FRAME_MAC_B);
		p = pkt_build_nd(pool, &eth, &src, &dst, &nd);
		CU_ASSERT(frame_sums_ok(p->data, p->len));
		CU_ASSERT(pkt_parse_nd(p, &back));
		CU_ASSERT(back.type == 136 && back.router == nd.router &&
			  back.solicited == nd.solicited &&
			  back.override == nd.override &&
			  back.has_lladdr == nd.has_lladdr);
		CU_ASSERT(!memcmp(&back.lladdr, &nd.lladdr, 6));
		CU_ASSERT(pkt_addr_eq(&back.target, &nd.target));
		pkt_put(pool, p);
	}
	end();
}

static void an_Ethernet_header_follows_the_family(void)
{
	const struct pkt_eth one = { .src = mac(FRAME_MAC_B),
				     .dst = mac(FRAME_MAC_A) };
	const struct pkt_eth all = { .src = mac(FRAME_MAC_B),
				     .dst = mac("ff:ff:ff:ff:ff:ff") };
	struct pkt *p;

	begin();
	p = frame_parsed(pool, &(struct frame_spec){ LL });
	pkt_set_eth(p, &all);
	CU_ASSERT(p->flags & PKT_F_L2_MCAST);
	CU_ASSERT_EQUAL(be16_at(p->data + 12), 0x86dd);
	pkt_set_eth(p, &one);
	CU_ASSERT_FALSE(p->flags & PKT_F_L2_MCAST);
	CU_ASSERT(!memcmp(p->data, one.dst.b, 6));
	CU_ASSERT(!memcmp(p->data + 6, one.src.b, 6));
	p->l3 = PKT_L3_IP4;
	pkt_set_eth(p, &one);
	CU_ASSERT_EQUAL(be16_at(p->data + 12), 0x0800);
	p->l3 = PKT_L3_ARP;
	pkt_set_eth(p, &one);
	CU_ASSERT_EQUAL(be16_at(p->data + 12), 0x0806);
	pkt_put(pool, p);
	end();
}

UNIT_SUITE(pkt_build_link, UNIT(an_ARP_request_is_read),
	   UNIT(R82_only_Ethernet_and_IPv4_requests_and_replies_are_read),
	   UNIT(R82_a_cut_ARP_packet_is_not_read),
	   UNIT(R86_an_ARP_reply_is_42_bytes_and_all_of_them_meant),
	   UNIT(a_solicitation_is_read),
	   UNIT(an_advertisement_is_read_with_its_flags),
	   UNIT(routers_packets_are_read),
	   UNIT(R102_hop_limit_255_and_code_0_are_demanded),
	   UNIT(R102_options_are_well_formed),
	   UNIT(R102_there_are_at_most_64_options),
	   UNIT(R102_source_and_target_are_sane),
	   UNIT(a_mapped_target_is_no_target),
	   UNIT(neighbour_discovery_never_comes_in_fragments),
	   UNIT(cut_short_it_is_not_read),
	   UNIT(what_is_not_neighbour_discovery_is_not_read),
	   UNIT(what_we_say_is_what_another_would_write),
	   UNIT(an_advertisement_with_every_flag_is_read_back),
	   UNIT(an_Ethernet_header_follows_the_family))
