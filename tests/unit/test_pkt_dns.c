/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mock/dns_msg.h"
#include "packet/pkt_dns.h"
#include "unit.h"

#define WWW "www.example.org"

static struct dns_msg m;
static struct pkt_dns_addr list[8];

/* How many addresses; the question has to be sound. */
static int addrs(void)
{
	struct pkt_dns d;

	CU_ASSERT_EQUAL_FATAL(pkt_dns_parse(&d, m.b, m.len), 0);
	return pkt_dns_addrs(&d, m.b, m.len, list, 8);
}

static bool is(int i, const char *addr, uint32_t ttl)
{
	char text[PKT_ADDR_TEXT];

	return !strcmp(pkt_addr_print(text, &list[i].addr), addr) &&
	       list[i].ttl == ttl;
}

static void begin(const char *name, uint16_t type)
{
	dns_msg_begin(&m, 7, DNS_MSG_ANSWER, name, type);
}

static void a_question_is_read_in_lower_case(void)
{
	struct pkt_dns d;

	dns_msg_begin(&m, 0xbeef, DNS_MSG_QUERY, "WwW.eXample.ORG", PKT_DNS_A);
	CU_ASSERT_EQUAL(pkt_dns_parse(&d, m.b, m.len), 0);
	CU_ASSERT_EQUAL(d.id, 0xbeef);
	CU_ASSERT(!d.answer);
	CU_ASSERT_EQUAL(d.type, PKT_DNS_A);
	CU_ASSERT_STRING_EQUAL(d.name, WWW);
	CU_ASSERT_EQUAL(d.end, m.len);
	dns_msg_begin(&m, 1, DNS_MSG_ANSWER | DNS_MSG_TRUNCATED | 3, "a", 99);
	CU_ASSERT_EQUAL(pkt_dns_parse(&d, m.b, m.len), 0);
	CU_ASSERT(d.answer);
	CU_ASSERT(d.truncated);
	CU_ASSERT_EQUAL(d.rcode, PKT_DNS_NXDOMAIN);
	CU_ASSERT_EQUAL(pkt_dns_addrs(&d, m.b, m.len, list, 8), 0);
}

static void bytes_that_no_rule_has_match_no_rule(void)
{
	struct pkt_dns d;

	begin("a*b.c d.\xfc", PKT_DNS_A);
	CU_ASSERT_EQUAL(pkt_dns_parse(&d, m.b, m.len), 0);
	CU_ASSERT_STRING_EQUAL(d.name, "a?b.c?d.?");
	/* a dot inside a label is no border between two */
	begin("www_example.org", PKT_DNS_A);
	m.b[12 + 4] = '.';
	CU_ASSERT_EQUAL(pkt_dns_parse(&d, m.b, m.len), 0);
	CU_ASSERT_STRING_EQUAL(d.name, "www?example.org");
}

static void addresses_of_both_families_are_found(void)
{
	begin(WWW, PKT_DNS_A);
	dns_msg_addr(&m, WWW, 300, "192.0.2.1");
	dns_msg_addr(&m, "WWW.example.org", 30, "192.0.2.2");
	dns_msg_addr(&m, "other.example.org", 30, "192.0.2.3");
	dns_msg_addr(&m, WWW, 30, "2001:db8::1");
	CU_ASSERT_EQUAL(addrs(), 2);
	CU_ASSERT(is(0, "192.0.2.1", 300));
	CU_ASSERT(is(1, "192.0.2.2", 30));
	begin(WWW, PKT_DNS_AAAA);
	dns_msg_addr(&m, WWW, 300, "192.0.2.1");
	dns_msg_addr(&m, WWW, 5, "2001:db8::1");
	CU_ASSERT_EQUAL(addrs(), 1);
	CU_ASSERT(is(0, "2001:db8::1", 5));
}

static void addresses_that_no_host_has_are_passed_over(void)
{
	static const char *const none[] = { "0.0.0.0", "127.0.0.1",
					    "169.254.1.1", "224.0.0.1",
					    "255.255.255.255" };
	static const char *const none6[] = { "::", "::1", "fe80::1",
					     "ff02::1" };

	begin(WWW, PKT_DNS_A);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		dns_msg_addr(&m, WWW, 9, none[i]);
	CU_ASSERT_EQUAL(addrs(), 0);
	begin(WWW, PKT_DNS_AAAA);
	for (size_t i = 0; i < sizeof(none6) / sizeof(none6[0]); i++)
		dns_msg_addr(&m, WWW, 9, none6[i]);
	CU_ASSERT_EQUAL(addrs(), 0);
	/* ::ffff:192.0.2.1 would be taken for IPv4 */
	dns_msg_addr(&m, WWW, 9, "2001:db8::1");
	memcpy(m.b + m.len - 16, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01",
	       16);
	CU_ASSERT_EQUAL(addrs(), 0);
}

static void a_chain_of_aliases_is_followed_in_any_order(void)
{
	begin(WWW, PKT_DNS_A);
	dns_msg_addr(&m, "c.cdn.test", 600, "192.0.2.7");
	dns_msg_cname(&m, "b.cdn.test", 40, "c.cdn.test");
	dns_msg_cname(&m, WWW, 300, "B.cdn.test");
	dns_msg_addr(&m, "b.cdn.test", 600, "192.0.2.8");
	CU_ASSERT_EQUAL(addrs(), 1);
	/* the least of the three */
	CU_ASSERT(is(0, "192.0.2.7", 40));
}

static void a_chain_without_end_ends(void)
{
	char from[8] = "a.test", to[8] = "a.test";

	begin("a.test", PKT_DNS_A);
	dns_msg_cname(&m, "a.test", 40, "b.test");
	dns_msg_cname(&m, "b.test", 40, "a.test");
	dns_msg_addr(&m, "c.test", 40, "192.0.2.7");
	CU_ASSERT_EQUAL(addrs(), 0);
	begin("a.test", PKT_DNS_A);
	for (char c = 'a'; c < 'q'; c++) {
		from[0] = c;
		to[0] = (char)(c + 1);
		dns_msg_cname(&m, from, 40, to);
	}
	dns_msg_addr(&m, "q.test", 40, "192.0.2.7");
	CU_ASSERT_EQUAL(addrs(), 0);
}

static void more_than_there_is_room_for_are_counted(void)
{
	begin(WWW, PKT_DNS_A);
	for (int i = 0; i < 20; i++)
		dns_msg_addr(&m, WWW, 30, "192.0.2.1");
	CU_ASSERT_EQUAL(addrs(), 20);
}

static void a_ttl_with_its_top_bit_is_zero(void)
{
	begin(WWW, PKT_DNS_A);
	dns_msg_addr(&m, WWW, 0x80000001u, "192.0.2.1");
	CU_ASSERT_EQUAL(addrs(), 1);
	CU_ASSERT_EQUAL(list[0].ttl, 0);
}

static void compressed_names_are_read(void)
{
	static const uint8_t a[] = { 0xc0, 12, 0, 1, 0,	  1, 0, 0,
				     0,	   60, 0, 4, 192, 0, 2, 9 };
	static const uint8_t cname[] = { 0xc0, 12, 0, 5, 0, 1,	 0,    0,
					 0,    60, 0, 4, 1, 'x', 0xc0, 16 };

	begin(WWW, PKT_DNS_A);
	dns_msg_raw(&m, a, sizeof(a));
	CU_ASSERT_EQUAL(addrs(), 1);
	CU_ASSERT(is(0, "192.0.2.9", 60));
	begin(WWW, PKT_DNS_A);
	dns_msg_raw(&m, cname, sizeof(cname));
	dns_msg_addr(&m, "x.example.org", 70, "192.0.2.10");
	CU_ASSERT_EQUAL(addrs(), 1);
	CU_ASSERT(is(0, "192.0.2.10", 60));
}

static void pointers_that_lead_nowhere_are_refused(void)
{
	/* the record's name begins at 12 + 17 + 4 = 33 */
	static const uint8_t bad[][2] = {
		{ 0xc0, 33 },
		{ 0xc0, 34 },
		{ 0xff, 0xff },
		{ 0x80, 0 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t a[] = {
			0, 0, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3, 4
		};

		memcpy(a, bad[i], 2);
		begin(WWW, PKT_DNS_A);
		CU_ASSERT_EQUAL(m.len, 33);
		dns_msg_raw(&m, a, sizeof(a));
		CU_ASSERT_EQUAL(addrs(), -EBADMSG);
	}
}

static void what_is_no_standard_message_is_refused(void)
{
	struct pkt_dns d;

	begin(WWW, PKT_DNS_A);
	m.b[2] |= 0x08; /* opcode */
	CU_ASSERT_EQUAL(pkt_dns_parse(&d, m.b, m.len), -EBADMSG);
	begin(WWW, PKT_DNS_A);
	m.b[5] = 2; /* questions */
	CU_ASSERT_EQUAL(pkt_dns_parse(&d, m.b, m.len), -EBADMSG);
	begin(WWW, PKT_DNS_A);
	m.b[m.len - 1] = 3; /* class */
	CU_ASSERT_EQUAL(pkt_dns_parse(&d, m.b, m.len), -EBADMSG);
}

static void a_message_cut_at_any_length_is_refused(void)
{
	struct pkt_dns d;

	begin(WWW, PKT_DNS_A);
	dns_msg_cname(&m, WWW, 300, "b.cdn.test");
	dns_msg_addr(&m, "b.cdn.test", 600, "192.0.2.8");
	for (size_t len = 0; len < m.len; len++) {
		/* a block of its own, so that a sanitizer sees each step */
		uint8_t *cut = malloc(len ? len : 1);

		CU_ASSERT_FATAL(cut != NULL);
		memcpy(cut, m.b, len);
		if (!pkt_dns_parse(&d, cut, len))
			CU_ASSERT_EQUAL(pkt_dns_addrs(&d, cut, len, list, 8),
					-EBADMSG);
		free(cut);
	}
}

UNIT_SUITE(pkt_dns, UNIT(a_question_is_read_in_lower_case),
	   UNIT(bytes_that_no_rule_has_match_no_rule),
	   UNIT(addresses_of_both_families_are_found),
	   UNIT(addresses_that_no_host_has_are_passed_over),
	   UNIT(a_chain_of_aliases_is_followed_in_any_order),
	   UNIT(a_chain_without_end_ends),
	   UNIT(more_than_there_is_room_for_are_counted),
	   UNIT(a_ttl_with_its_top_bit_is_zero),
	   UNIT(compressed_names_are_read),
	   UNIT(pointers_that_lead_nowhere_are_refused),
	   UNIT(what_is_no_standard_message_is_refused),
	   UNIT(a_message_cut_at_any_length_is_refused))
