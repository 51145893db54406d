/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mock/addrs.h"
#include "packet/pkt_addr.h"
#include "unit.h"

static void a_dotted_quad_is_read_as_mapped_address(void)
{
	struct pkt_addr a = addr("192.0.2.255");

	CU_ASSERT(!memcmp(a.b, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\xff", 16));
	CU_ASSERT(pkt_addr_is_v4(&a));
}

static const char *const good[][2] = {
	{ "0.0.0.0", "0.0.0.0" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "10.137.0.9", "10.137.0.9" },
	{ "::", "::" },
	{ "::1", "::1" },
	{ "1::", "1::" },
	{ "fe80::1", "fe80::1" },
	{ "FE80::ABCD", "fe80::abcd" },
	{ "2001:db8:0:0:0:0:0:1", "2001:db8::1" },
	{ "2001:0db8::0001", "2001:db8::1" },
	{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
	{ "2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
	{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
	{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
	{ "0:0:0:0:0:0:0:0", "::" },
	{ "0:1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7" },
	{ "0:0:2:3:4:5:0:0", "::2:3:4:5:0:0" },
	{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
	{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
	{ "1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201" },
	{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
	{ "::192.0.2.33", "::c000:221" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
};

static void good_text_is_read_and_printed_canonically(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct pkt_addr a = addr(good[i][0]), b;
		char out[PKT_ADDR_TEXT];

		CU_ASSERT_PTR_EQUAL(pkt_addr_print(out, &a), out);
		CU_ASSERT_STRING_EQUAL(out, good[i][1]);
		b = addr(out);
		CU_ASSERT(pkt_addr_eq(&a, &b));
	}
}

static const char *const bad[] = {
	"",
	".",
	"1",
	"1.2.3",
	"1.2.3.",
	"1.2.3.4.",
	"1.2.3.4.5",
	".1.2.3.4",
	"1..2.3",
	"256.1.1.1",
	"1.1.1.1000",
	"99999999999999999999.1.1.1",
	"01.2.3.4",
	"1.2.3.04",
	"00.0.0.0",
	"1.2.3.4 ",
	" 1.2.3.4",
	"+1.2.3.4",
	"-1.2.3.4",
	"0x1.2.3.4",
	"1.2.3.4/32",
	"1,2,3,4",
	":",
	":::",
	"::::",
	"1:",
	":1",
	"1::2::3",
	"::1::",
	":::1",
	"1:::",
	"1:2:3:4:5:6:7",
	"1:2:3:4:5:6:7:",
	"1:2:3:4:5:6:7:8:",
	"1:2:3:4:5:6:7:8:9",
	"1:2:3:4:5:6:7:8::",
	"::1:2:3:4:5:6:7:8",
	"1:2:3:4::5:6:7:8",
	"12345::",
	"g::",
	"fe80::1%eth0",
	"fe80::1/64",
	"[::1]",
	"::1 ",
	"::1.2.3",
	"::1.2.3.4.5",
	"::1.2.3.4:5",
	"::01.2.3.4",
	"1.2.3.4::",
	"1:2:3:4:5:6:7:1.2.3.4",
	"1:2:3:4:5:1.2.3.4",
	"::256.1.1.1",
	"::ffff:1.2.3.4",
	"::ffff:102:304",
	"0:0:0:0:0:ffff:0:0",
	"localhost",
};

static void bad_text_is_refused_and_leaves_the_output_alone(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pkt_addr a, was;

		memset(&a, 0x5a, sizeof(a));
		was = a;
		CU_ASSERT_EQUAL(pkt_addr_parse(&a, bad[i], strlen(bad[i])),
				-EINVAL);
		CU_ASSERT(pkt_addr_eq(&a, &was));
	}
}

static void text_needs_no_nul_and_a_nul_in_it_is_no_end(void)
{
	struct pkt_addr a, b = addr("1.2.3.4");

	CU_ASSERT_EQUAL(pkt_addr_parse(&a, "1.2.3.456", 7), 0);
	CU_ASSERT(pkt_addr_eq(&a, &b));
	CU_ASSERT_EQUAL(pkt_addr_parse(&a, "1.2.3.4\0", 8), -EINVAL);
	CU_ASSERT_EQUAL(pkt_addr_parse(&a, "::1\0", 4), -EINVAL);
	CU_ASSERT_EQUAL(pkt_addr_parse(&a, NULL, 0), -EINVAL);
}

/* The C library agrees on random addresses, in both directions. */
static void the_c_library_reads_and_prints_the_same(void)
{
	srand((unsigned int)unit_seed());
	for (unsigned long i = 0; i < 20000 * unit_soak(); i++) {
		struct pkt_addr a, b;
		char ours[PKT_ADDR_TEXT], theirs[INET6_ADDRSTRLEN];

		for (int j = 0; j < 16; j += 2) {
			int kind = rand() % 3;

			a.b[j] = kind ? 0 : (uint8_t)rand();
			a.b[j + 1] = kind == 1 ? 0 : (uint8_t)rand();
		}
		/* It writes ::/96 with a dotted tail; RFC 5952 does not. */
		if (!memcmp(a.b, "\0\0\0\0\0\0\0\0\0\0\0", 12) ||
		    pkt_addr_is_v4(&a))
			continue;
		inet_ntop(AF_INET6, a.b, theirs, sizeof(theirs));
		CU_ASSERT_STRING_EQUAL(pkt_addr_print(ours, &a), theirs);
		b = addr(theirs);
		CU_ASSERT(pkt_addr_eq(&a, &b));
	}
}

static void random_text_is_read_as_the_c_library_reads_it(void)
{
	static const char chars[] = "0129af:::...";

	srand((unsigned int)unit_seed());
	for (unsigned long i = 0; i < 200000 * unit_soak(); i++) {
		char text[24];
		size_t len = (size_t)rand() % (sizeof(text) - 1);
		struct pkt_addr a, b = { { 0 } };
		bool theirs, ours;

		for (size_t j = 0; j < len; j++)
			text[j] = chars[(size_t)rand() % (sizeof(chars) - 1)];
		text[len] = '\0';
		theirs = inet_pton(AF_INET6, text, b.b) == 1 &&
			 !pkt_addr_is_v4(&b);
		if (!theirs && inet_pton(AF_INET, text, b.b + 12) == 1) {
			b = pkt_addr_v4(b.b + 12);
			theirs = true;
		}
		ours = pkt_addr_parse(&a, text, len) == 0;
		CU_ASSERT_EQUAL(ours, theirs);
		CU_ASSERT(!ours || pkt_addr_eq(&a, &b));
	}
}

static void prefixes_are_read_and_printed(void)
{
	static const struct {
		const char *text;
		uint8_t len;
		const char *print;
	} t[] = {
		{ "10.0.0.0/8", 104, "10.0.0.0/8" },
		{ "10.1.2.3/8", 104, "10.1.2.3/8" },
		{ "0.0.0.0/0", 96, "0.0.0.0/0" },
		{ "192.0.2.1", 128, "192.0.2.1/32" },
		{ "192.0.2.1/32", 128, "192.0.2.1/32" },
		{ "::/0", 0, "::/0" },
		{ "2001:db8::/32", 32, "2001:db8::/32" },
		{ "::1", 128, "::1/128" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 128,
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128" },
	};
	char out[PKT_ADDR_TEXT + 4];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct pkt_prefix p = prefix(t[i].text);

		CU_ASSERT_EQUAL(p.len, t[i].len);
		CU_ASSERT_STRING_EQUAL(pkt_prefix_print(out, &p), t[i].print);
	}
}

static void bad_prefixes_are_refused(void)
{
	static const char *const t[] = {
		"",
		"/",
		"/8",
		"1.2.3.4/",
		"1.2.3.4/33",
		"1.2.3.4/-1",
		"1.2.3.4/08",
		"1.2.3.4/8 ",
		"1.2.3/8",
		"1.2.3.4//8",
		"1.2.3.4/8/8",
		"::/129",
		"::/0x10",
		"::/01",
		"::/",
		"::ffff:0.0.0.0/96",
		"1.2.3.4/00000000000000000000000000000000000000000000008",
		"00000000000000000000000000000000000000000000000000::/1",
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct pkt_prefix p = { .len = 7 };

		CU_ASSERT_EQUAL(pkt_prefix_parse(&p, t[i], strlen(t[i])),
				-EINVAL);
		CU_ASSERT_EQUAL(p.len, 7);
	}
}

static void an_ipv6_prefix_may_be_mapped_where_only_ipv6_can_stand(void)
{
	struct pkt_prefix p;

	CU_ASSERT_EQUAL(pkt_prefix6_parse(&p, "::ffff:1.2.3.0/120", 18), 0);
	CU_ASSERT_EQUAL(p.len, 120);
	CU_ASSERT_EQUAL(pkt_prefix6_parse(&p, "::ffff:1.2.3.4", 14), 0);
	CU_ASSERT_EQUAL(p.len, 128);
	CU_ASSERT_EQUAL(pkt_prefix6_parse(&p, "2001:db8::/32", 13), 0);
	CU_ASSERT_EQUAL(p.len, 32);
	CU_ASSERT_EQUAL(pkt_prefix6_parse(&p, "1.2.3.4/8", 9), -EINVAL);
	CU_ASSERT_EQUAL(pkt_prefix6_parse(&p, "::/129", 6), -EINVAL);
	CU_ASSERT_EQUAL(pkt_prefix6_parse(&p, "", 0), -EINVAL);
	CU_ASSERT_EQUAL(p.len, 32);
}

static bool slow_has(const struct pkt_prefix *p, const struct pkt_addr *a)
{
	for (int bit = 0; bit < p->len; bit++) {
		int mask = 0x80 >> bit % 8;

		if ((p->addr.b[bit / 8] ^ a->b[bit / 8]) & mask)
			return false;
	}
	return true;
}

static void a_prefix_has_what_shares_its_bits_at_every_length(void)
{
	struct pkt_addr a = addr("2001:db8:85a3::8a2e:370:7334");

	for (unsigned int len = 0; len <= 128; len++) {
		struct pkt_prefix p = { .addr = a, .len = (uint8_t)len };

		for (int bit = 0; bit < 128; bit++) {
			struct pkt_addr b = a;

			b.b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			CU_ASSERT_EQUAL(pkt_prefix_has(&p, &b),
					slow_has(&p, &b));
		}
		CU_ASSERT(pkt_prefix_has(&p, &a));
	}
}

static void a_prefix_never_reaches_into_the_other_family(void)
{
	struct pkt_prefix all6 = prefix("::/0"), all4 = prefix("0.0.0.0/0");
	struct pkt_addr v4 = addr("10.0.0.1"), v6 = addr("2001:db8::1");
	struct pkt_addr low = addr("::1");

	CU_ASSERT(pkt_prefix_has(&all6, &v6) && pkt_prefix_has(&all6, &low));
	CU_ASSERT_FALSE(pkt_prefix_has(&all6, &v4));
	CU_ASSERT(pkt_prefix_has(&all4, &v4));
	CU_ASSERT_FALSE(pkt_prefix_has(&all4, &v6));
}

static void R14_addresses_are_judged_by_the_special_ranges(void)
{
	static const struct {
		const char *text;
		bool src, dst, multicast, linklocal;
	} t[] = {
		{ "0.0.0.0", false, false, false, false },
		{ "0.255.255.255", false, false, false, false },
		{ "1.0.0.0", true, true, false, false },
		{ "10.0.0.1", true, true, false, false },
		{ "126.255.255.255", true, true, false, false },
		{ "127.0.0.1", false, false, false, false },
		{ "127.255.255.255", false, false, false, false },
		{ "128.0.0.0", true, true, false, false },
		{ "169.253.255.255", true, true, false, false },
		{ "169.254.0.0", false, false, false, true },
		{ "169.254.255.255", false, false, false, true },
		{ "169.255.0.0", true, true, false, false },
		{ "223.255.255.255", true, true, false, false },
		{ "224.0.0.0", false, false, true, false },
		{ "239.255.255.255", false, false, true, false },
		{ "240.0.0.0", false, false, false, false },
		{ "255.255.255.254", false, false, false, false },
		{ "255.255.255.255", false, false, true, false },
		{ "::", false, false, false, false },
		{ "::1", false, false, false, false },
		{ "::2", true, true, false, false },
		{ "2001:db8::1", true, true, false, false },
		{ "fd00::1", true, true, false, false },
		{ "fe7f::1", true, true, false, false },
		{ "fe80::1", true, false, false, true },
		{ "febf::1", true, false, false, true },
		{ "fec0::1", true, true, false, false },
		{ "feff::1", true, true, false, false },
		{ "ff00::", false, false, true, false },
		{ "ff02::1", false, false, true, false },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct pkt_addr a = addr(t[i].text);

		CU_ASSERT_EQUAL(pkt_addr_ok_src(&a), t[i].src);
		CU_ASSERT_EQUAL(pkt_addr_ok_dst(&a), t[i].dst);
		CU_ASSERT_EQUAL(pkt_addr_is_multicast(&a), t[i].multicast);
		CU_ASSERT_EQUAL(pkt_addr_is_linklocal(&a), t[i].linklocal);
	}
}

static void zero_is_zero_in_both_families(void)
{
	struct pkt_addr a = addr("0.0.0.0"), b = addr("::");
	struct pkt_addr c = addr("0.0.0.1"), d = addr("1::");

	CU_ASSERT(pkt_addr_is_zero(&a) && pkt_addr_is_zero(&b));
	CU_ASSERT_FALSE(pkt_addr_is_zero(&c) || pkt_addr_is_zero(&d));
	CU_ASSERT_FALSE(pkt_addr_eq(&a, &b));
}

static void mac_addresses_are_read_and_printed(void)
{
	static const char *const wrong[] = {
		"",
		"00:16:3e:5e:6c",
		"00:16:3e:5e:6c:0",
		"00:16:3e:5e:6c:000",
		"00-16-3e-5e-6c-00",
		"0g:16:3e:5e:6c:00",
		"00:16:3e:5e:6c:0g",
		"00:16:3e:5e:6c:00:",
		":00:16:3e:5e:6c:0",
	};
	struct pkt_mac m;
	char out[18];

	CU_ASSERT_EQUAL(pkt_mac_parse(&m, "00:16:3E:5e:6c:fF", 17), 0);
	CU_ASSERT_STRING_EQUAL(pkt_mac_print(out, &m), "00:16:3e:5e:6c:ff");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT_EQUAL(pkt_mac_parse(&m, wrong[i], strlen(wrong[i])),
				-EINVAL);
}

UNIT_SUITE(pkt_addr, UNIT(a_dotted_quad_is_read_as_mapped_address),
	   UNIT(good_text_is_read_and_printed_canonically),
	   UNIT(bad_text_is_refused_and_leaves_the_output_alone),
	   UNIT(text_needs_no_nul_and_a_nul_in_it_is_no_end),
	   UNIT(the_c_library_reads_and_prints_the_same),
	   UNIT(random_text_is_read_as_the_c_library_reads_it),
	   UNIT(prefixes_are_read_and_printed), UNIT(bad_prefixes_are_refused),
	   UNIT(an_ipv6_prefix_may_be_mapped_where_only_ipv6_can_stand),
	   UNIT(a_prefix_has_what_shares_its_bits_at_every_length),
	   UNIT(a_prefix_never_reaches_into_the_other_family),
	   UNIT(R14_addresses_are_judged_by_the_special_ranges),
	   UNIT(zero_is_zero_in_both_families),
	   UNIT(mac_addresses_are_read_and_printed))
