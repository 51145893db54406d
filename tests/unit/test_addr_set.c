/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address sets: as text, as ranges, and what is built in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/addr_set.h"
#include "unit.h"

#define MAX 512u

static struct pkt_prefix list[MAX];
static struct addr_range range[MAX];
static uint32_t order[MAX], tmp[MAX], list_n, range_n, n4;

static struct pkt_addr addr(const char *text)
{
	struct pkt_addr a;

	CU_ASSERT_EQUAL_FATAL(pkt_addr_parse(&a, text, strlen(text)), 0);
	return a;
}

static void build(void)
{
	range_n = addr_set_build(range, &n4, list, list_n, order, tmp);
	CU_ASSERT(addr_set_ok(range, n4, true));
	CU_ASSERT(addr_set_ok(range + n4, range_n - n4, false));
}

static void read_set(const char *text)
{
	struct addr_set_error e;

	CU_ASSERT_EQUAL_FATAL(
		addr_set_parse(list, &list_n, text, strlen(text), &e), 0);
	build();
}

static bool has(const struct pkt_addr *a)
{
	return pkt_addr_is_v4(a) ? addr_set_has(range, n4, a)
				 : addr_set_has(range + n4, range_n - n4, a);
}

static bool has_text(const char *text)
{
	struct pkt_addr a = addr(text);

	return has(&a);
}

/* What a set means, asked prefix by prefix. */
static bool twin(const struct pkt_addr *a)
{
	for (uint32_t i = 0; i < list_n; i++)
		if (pkt_prefix_has(&list[i], a))
			return true;
	return false;
}

static void neighbours_and_what_overlaps_become_one_range(void)
{
	read_set("10.0.1.0/24 10.0.0.0/24, 10.0.0.128/25\n10.0.2.0/31");
	CU_ASSERT_EQUAL(range_n, 1);
	CU_ASSERT(has_text("10.0.0.0") && has_text("10.0.2.1"));
	CU_ASSERT(!has_text("10.0.2.2") && !has_text("9.255.255.255"));
	read_set("10.0.0.0/32 10.0.0.2/32");
	CU_ASSERT_EQUAL(range_n, 2);
	read_set("10.9.9.9/8");
	CU_ASSERT(has_text("10.0.0.0") && has_text("10.255.255.255"));
}

static void the_ends_of_both_families_are_ends(void)
{
	read_set("0.0.0.0/1 128.0.0.0/1 ffff::/16");
	CU_ASSERT_EQUAL(range_n, 2);
	CU_ASSERT(has_text("0.0.0.0") && has_text("255.255.255.255"));
	CU_ASSERT(has_text("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
	CU_ASSERT(!has_text("::"));
	read_set("::/0");
	CU_ASSERT(has_text("::") && has_text("2001:db8::1"));
	CU_ASSERT(!has_text("192.0.2.1"));
	read_set("");
	CU_ASSERT(!has_text("::") && !has_text("0.0.0.0"));
}

/* Dense, so that prefixes meet, nest and repeat. */
static struct pkt_addr some_addr(void)
{
	struct pkt_addr a = { { 0 } };

	if (random() & 1) {
		a.b[10] = a.b[11] = 0xff;
		a.b[12] = 10;
	}
	a.b[14] = (uint8_t)(random() & 3);
	a.b[15] = (uint8_t)random();
	return a;
}

static void random_sets_have_what_their_prefixes_have(void)
{
	for (unsigned long i = 0; i < 300 * unit_soak(); i++) {
		list_n = (uint32_t)random() % 40;
		for (uint32_t k = 0; k < list_n; k++)
			list[k] = (struct pkt_prefix){
				.addr = some_addr(),
				.len = (uint8_t)(112 + random() % 17),
			};
		build();
		for (uint32_t k = 0; k < 400; k++) {
			struct pkt_addr a = some_addr();

			CU_ASSERT_EQUAL_FATAL(has(&a), twin(&a));
		}
	}
}

static void comments_and_ends_of_lines_are_passed_over(void)
{
	read_set("# two\r\n192.0.2.0/24\r\n; and\n\t2001:db8::1 # one\n\n");
	CU_ASSERT_EQUAL(list_n, 2);
	CU_ASSERT(has_text("192.0.2.77") && has_text("2001:db8::1"));
	CU_ASSERT(!has_text("2001:db8::2"));
}

static void what_is_no_prefix_has_its_line_and_column(void)
{
	static const struct {
		const char *text;
		uint32_t line, column;
	} row[] = {
		{ "x", 1, 1 },
		{ "10.0.0.0/33", 1, 1 },
		{ "10.0.0.0/8\n  10.0.0.0-10.0.0.9", 2, 3 },
		{ "# a\n192.0.2.1,example.com", 2, 11 },
		{ "\n\n::ffff:10.0.0.1/128", 3, 1 },
		{ "::1/129", 1, 1 },
		{ "192.0.2.1 01.2.3.4", 1, 11 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct addr_set_error e;
		uint32_t n;

		CU_ASSERT_EQUAL(addr_set_parse(NULL, &n, row[i].text,
					       strlen(row[i].text), &e),
				-EBADMSG);
		CU_ASSERT_EQUAL(e.line, row[i].line);
		CU_ASSERT_EQUAL(e.column, row[i].column);
	}
}

static void ranges_that_can_t_be_are_refused(void)
{
	struct addr_range r[2];

	read_set("10.0.0.0/24 10.0.2.0/24");
	CU_ASSERT(addr_set_ok(range, 2, true));
	r[0] = range[1];
	r[1] = range[0];
	CU_ASSERT(!addr_set_ok(r, 2, true)); /* not in order */
	r[0] = r[1] = range[0];
	CU_ASSERT(!addr_set_ok(r, 2, true)); /* one twice */
	r[0] = (struct addr_range){ range[0].hi, range[0].lo };
	CU_ASSERT(!addr_set_ok(r, 1, true)); /* ends before it begins */
	r[0] = (struct addr_range){ addr("::"), addr("::1") };
	CU_ASSERT(!addr_set_ok(r, 1, true)); /* of the other family */
	r[0] = (struct addr_range){ addr("10.0.0.0"), addr("10.0.0.1") };
	r[1] = (struct addr_range){ addr("10.0.0.2"), addr("10.0.0.3") };
	CU_ASSERT(!addr_set_ok(r, 2, true)); /* one in two pieces */
}

static void use_builtin(const char *name)
{
	uint32_t i = 0;

	while (i < ADDR_SET_BUILTINS && strcmp(addr_set_builtin_name(i), name))
		i++;
	CU_ASSERT_FATAL(i < ADDR_SET_BUILTINS);
	list_n = addr_set_builtin(i, list);
	CU_ASSERT_FATAL(list_n <= ADDR_SET_BUILTIN_MAX);
	build();
}

static void what_is_built_in_has_what_it_says(void)
{
	static const struct {
		const char *set, *in, *out;
	} row[] = {
		{ "private", "10.255.0.1", "11.0.0.0" },
		{ "private", "172.31.255.255", "172.32.0.0" },
		{ "private", "192.168.0.1", "192.169.0.0" },
		{ "private", "fd00::1", "fe00::1" },
		{ "private", "2002:0a01::1", "2002:0b00::1" },
		{ "private", "64:ff9b::192.168.1.1", "64:ff9b::8.8.8.8" },
		{ "private", "::172.16.0.1", "2001:db8::1" },
		{ "lan", "169.254.1.1", "8.8.8.8" },
		{ "lan", "100.64.0.1", "100.128.0.1" },
		{ "lan", "224.0.0.251", "198.51.100.1" },
		{ "lan", "fe80::1", "2001:4860::1" },
		{ "lan", "ff02::fb", "2000::1" },
		{ "lan", "2002:c0a8:0101::1", "2002:0808:0808::1" },
		{ "multicast", "239.1.1.1", "240.0.0.1" },
		{ "multicast", "ff05::1", "fe80::1" },
		{ "bogon", "203.0.113.9", "203.0.114.1" },
		{ "bogon", "240.0.0.1", "192.0.0.9" },
		{ "bogon", "2001:db8::1", "2001:db9::1" },
		{ "bogon", "3fff:0fff::1", "3fff:1000::1" },
		{ "bogon", "0.1.2.3", "1.1.1.1" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		use_builtin(row[i].set);
		CU_ASSERT(has_text(row[i].in));
		CU_ASSERT(!has_text(row[i].out));
	}
}

static void each_lies_in_the_next_wider_one(void)
{
	static const char *const chain[][2] = { { "private", "lan" },
						{ "multicast", "lan" },
						{ "lan", "bogon" } };
	static struct addr_range narrow[MAX];

	for (size_t i = 0; i < sizeof(chain) / sizeof(chain[0]); i++) {
		uint32_t n;

		use_builtin(chain[i][0]);
		n = range_n;
		memcpy(narrow, range, n * sizeof(narrow[0]));
		use_builtin(chain[i][1]);
		for (uint32_t k = 0; k < n; k++)
			CU_ASSERT(has(&narrow[k].lo) && has(&narrow[k].hi));
	}
}

UNIT_SUITE(addr_set, UNIT(neighbours_and_what_overlaps_become_one_range),
	   UNIT(the_ends_of_both_families_are_ends),
	   UNIT(random_sets_have_what_their_prefixes_have),
	   UNIT(comments_and_ends_of_lines_are_passed_over),
	   UNIT(what_is_no_prefix_has_its_line_and_column),
	   UNIT(ranges_that_can_t_be_are_refused),
	   UNIT(what_is_built_in_has_what_it_says),
	   UNIT(each_lies_in_the_next_wider_one))
