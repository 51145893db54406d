/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/rule.h"
#include "unit.h"

static int parse(struct rule *r, const char *text, enum rule_family family,
		 struct rule_error *err)
{
	return rule_parse(r, 7, text, strlen(text), family, err);
}

/* ---- what is accepted, and how it is written back ---------------------- */

struct good {
	const char *text;
	const char *canonical; /* NULL: the same */
};

static void check_good(const struct good *t, size_t n, enum rule_family family)
{
	for (size_t i = 0; i < n; i++) {
		const char *want = t[i].canonical ? t[i].canonical : t[i].text;
		struct rule a, b;
		struct rule_error err;
		char text[RULE_TEXT_MAX];

		CU_ASSERT_EQUAL_FATAL(parse(&a, t[i].text, family, &err), 0);
		CU_ASSERT_EQUAL(a.number, 7);
		CU_ASSERT_EQUAL(rule_print(text, sizeof(text), &a),
				(int)strlen(want));
		CU_ASSERT_STRING_EQUAL(text, want);
		CU_ASSERT_EQUAL_FATAL(parse(&b, text, family, &err), 0);
		CU_ASSERT(memcmp(&a, &b, sizeof(a)) == 0);
	}
}

#define N(table) (sizeof(table) / sizeof((table)[0]))

static void every_rule_that_dom0_writes_for_ipv4_is_read_and_written_back(void)
{
	static const struct good t[] = {
		{ "action=accept", NULL },
		{ "action=drop", NULL },
		{ "action=accept dst4=192.0.2.0/24 proto=tcp dstports=80-80",
		  NULL },
		{ "action=accept specialtarget=dns", NULL },
		{ "action=accept dst4=198.51.100.7/32 proto=icmp icmptype=8",
		  NULL },
		{ "action=drop dst4=1.2.3.0/24 proto=tcp specialtarget=dns "
		  "dstports=53-53",
		  NULL },
		{ "action=accept dst4=127.0.0.0/8", NULL },
		{ "action=accept dst4=10.0.0.1/8", NULL },
		{ "action=accept dst4=0.0.0.0/0", NULL },
		{ "action=accept proto=udp dstports=22-22", NULL },
		{ "action=accept proto=tcp dstports=0-65535", NULL },
		{ "action=accept proto=icmp icmptype=0", NULL },
		{ "action=accept dsthost=qubes-os.org proto=tcp "
		  "dstports=443-443",
		  NULL },
		{ "action=accept dsthost=1.2.3", NULL },
		{ "action=accept dsthost=010.1.1.1", NULL },
		{ "action=accept dsthost=_sip._tcp.example.com", NULL },
		{ "action=accept dsthost=-a.b-", NULL },
		{ "action=accept proto=tcp specialtarget=dns", NULL },
		{ "action=accept specialtarget=dns dstports=80-80", NULL },
		{ "action=accept dsthost=ns.example.org proto=udp "
		  "specialtarget=dns dstports=1-100",
		  NULL },
	};

	check_good(t, N(t), RULE_IP4);
}

static void every_rule_that_dom0_writes_for_ipv6_is_read_and_written_back(void)
{
	static const struct good t[] = {
		{ "action=drop dst6=2001:db8::/32 proto=tcp dstports=1-65535",
		  NULL },
		{ "action=accept dst6=2001:abcd:efab::3/128", NULL },
		{ "action=accept dst6=::/0", NULL },
		{ "action=accept dst6=::1/128", NULL },
		{ "action=accept dst6=a::b/128 proto=tcp dstports=80-80",
		  NULL },
		{ "action=drop proto=icmp icmptype=128", NULL },
		{ "action=accept dst6=::ffff:1.2.3.4/128", NULL },
		{ "action=accept dst6=::ffff:1.2.3.4/90", NULL },
		{ "action=accept dst6=::ffff:102:304/96",
		  "action=accept dst6=::ffff:1.2.3.4/96" },
		{ "action=accept dst6=2001:DB8:0:0::0001/64",
		  "action=accept dst6=2001:db8::1/64" },
		{ "action=accept dst6=2001:db8::1",
		  "action=accept dst6=2001:db8::1/128" },
		{ "action=accept dst6=fd09:24ef:4179::a89:3/128", NULL },
		{ "action=accept dsthost=ripe.net proto=tcp", NULL },
	};

	check_good(t, N(t), RULE_IP6);
}

static void what_the_documentation_allows_besides_is_read_too(void)
{
	static const struct good t[] = {
		{ "action=accept dst4=192.0.2.1",
		  "action=accept dst4=192.0.2.1/32" },
		{ "action=accept proto=tcp dstports=80",
		  "action=accept proto=tcp dstports=80-80" },
		{ "action=accept dstports=53", "action=accept dstports=53-53" },
		{ "proto=tcp dstports=1-2 action=drop dst4=192.0.2.1/32",
		  "action=drop dst4=192.0.2.1/32 proto=tcp dstports=1-2" },
		{ "icmptype=8 proto=icmp action=accept",
		  "action=accept proto=icmp icmptype=8" },
		{ "action=accept dsthost=example.org.",
		  "action=accept dsthost=example.org." },
	};

	check_good(t, N(t), RULE_IP4);
}

static void fields_say_what_the_text_said(void)
{
	struct rule r;
	struct rule_error err;

	CU_ASSERT_EQUAL_FATAL(parse(&r,
				    "action=accept dst4=10.1.2.3/8 proto=udp "
				    "specialtarget=dns dstports=50-60",
				    RULE_IP4, &err),
			      0);
	CU_ASSERT_EQUAL(r.action, RULE_ACCEPT);
	CU_ASSERT_EQUAL(r.family, RULE_IP4);
	CU_ASSERT_EQUAL(r.dst, RULE_DST_PREFIX);
	CU_ASSERT_EQUAL(r.prefix.len, 104);
	CU_ASSERT_EQUAL(r.prefix.addr.b[15], 3);
	CU_ASSERT_EQUAL(r.proto, 17);
	CU_ASSERT(r.dns && r.has_ports);
	CU_ASSERT_EQUAL(r.port_lo, 50);
	CU_ASSERT_EQUAL(r.port_hi, 60);
	CU_ASSERT_EQUAL(r.icmp_type, -1);
	CU_ASSERT_EQUAL_FATAL(
		parse(&r, "action=drop proto=icmp", RULE_IP6, &err), 0);
	CU_ASSERT_EQUAL(r.proto, 58);
	CU_ASSERT_EQUAL(r.dst, RULE_DST_ANY);
	CU_ASSERT(!r.has_ports && !r.dns);
}

/* Writes the items of @item in the order that @k numbers. */
static void permute(const char *const *item, int n, int k, char *out)
{
	const char *left[8];
	char *at = out;

	memcpy(left, item, (size_t)n * sizeof(*item));
	for (int i = n; i; i--) {
		int pick = k % i;

		k /= i;
		at += sprintf(at, "%s%s", at == out ? "" : " ", left[pick]);
		memmove(left + pick, left + pick + 1,
			(size_t)(i - pick - 1) * sizeof(*left));
	}
}

static void items_may_stand_in_any_order(void)
{
	static const char *const item[] = {
		"action=accept",     "dst4=192.0.2.0/24", "proto=tcp",
		"specialtarget=dns", "dstports=53-53",
	};
	static const char *const icmp[] = { "icmptype=8", "action=drop",
					    "dsthost=a.b", "proto=icmp" };
	struct rule first, r;
	struct rule_error err;
	char text[256];

	for (int k = 0; k < 120; k++) {
		permute(item, 5, k, text);
		CU_ASSERT_EQUAL_FATAL(parse(&r, text, RULE_IP4, &err), 0);
		first = k ? first : r;
		CU_ASSERT(memcmp(&first, &r, sizeof(r)) == 0);
	}
	for (int k = 0; k < 24; k++) {
		permute(icmp, 4, k, text);
		CU_ASSERT_EQUAL_FATAL(parse(&r, text, RULE_IP4, &err), 0);
		first = k ? first : r;
		CU_ASSERT(memcmp(&first, &r, sizeof(r)) == 0);
	}
}

/* ---- what is refused, where and why ------------------------------------ */

struct bad {
	const char *text;
	uint32_t column;
	const char *why; /* part of the sentence */
};

static void check_bad(const struct bad *t, size_t n, enum rule_family family)
{
	for (size_t i = 0; i < n; i++) {
		struct rule r;
		struct rule_error err = { 0 };
		int rc = parse(&r, t[i].text, family, &err);

		if (rc != -EBADMSG || err.column != t[i].column)
			printf("\n'%s': %d, column %u: %s\n", t[i].text, rc,
			       err.column, err.why ? err.why : "");
		CU_ASSERT_EQUAL(rc, -EBADMSG);
		CU_ASSERT_EQUAL(err.number, 7);
		CU_ASSERT_EQUAL(err.column, t[i].column);
		CU_ASSERT_FATAL(err.why != NULL);
		CU_ASSERT(strstr(err.why, t[i].why) != NULL);
	}
}

static void R120_spaces_other_than_one_between_items_are_refused(void)
{
	static const struct bad t[] = {
		{ "", 1, "one space" },
		{ " ", 1, "one space" },
		{ " action=accept", 1, "one space" },
		{ "action=accept ", 15, "one space" },
		{ "action=accept  proto=tcp", 15, "one space" },
		{ "action=accept\tproto=tcp", 8, "accept or drop" },
		{ "action=accept\n", 8, "accept or drop" },
		{ "action= accept", 8, "accept or drop" },
		{ "action =accept", 1, "key=value" },
	};

	check_bad(t, N(t), RULE_IP4);
}

static void R120_unknown_and_repeated_keys_are_refused(void)
{
	static const struct bad t[] = {
		{ "action=accept dpi=NO", 15, "keys are" },
		{ "action=accept expire=1463292452", 15, "keys are" },
		{ "action=accept comment=x", 15, "keys are" },
		{ "action=accept src4=1.2.3.4/32", 15, "keys are" },
		{ "action=accept last=1", 15, "keys are" },
		{ "action=accept srcports=1-2", 15, "keys are" },
		{ "ACTION=accept", 1, "keys are" },
		{ "actions=accept", 1, "keys are" },
		{ "actio=accept", 1, "keys are" },
		{ "=accept", 1, "keys are" },
		{ "action", 1, "key=value" },
		{ "action=accept proto", 15, "key=value" },
		{ "action=accept action=accept", 15, "only once" },
		{ "action=accept action=drop", 15, "only once" },
		{ "action=drop proto=tcp proto=tcp", 23, "only once" },
		{ "action=drop dsthost=a dsthost=b", 23, "only once" },
		{ "action=drop dstports=1 dstports=1", 24, "only once" },
		{ "dst4=1.2.3.4/32 dsthost=a action=drop", 17, "only one of" },
		{ "dsthost=a dst4=1.2.3.4/32 action=drop", 11, "only one of" },
		{ "dst4=1.2.3.4/32 dst6=::/0 action=drop", 17, "only one of" },
		{ "proto=tcp", 1, "has an action" },
		{ "dst4=192.0.2.1/32 proto=tcp dstports=80-80", 1,
		  "has an action" },
	};

	check_bad(t, N(t), RULE_IP4);
}

static void R120_bad_values_are_refused(void)
{
	static const struct bad t[] = {
		{ "action=", 8, "accept or drop" },
		{ "action=reject", 8, "accept or drop" },
		{ "action=Accept", 8, "accept or drop" },
		{ "action=accept=", 8, "accept or drop" },
		{ "action=forward", 8, "accept or drop" },
		{ "action=accept proto=", 21, "tcp, udp or icmp" },
		{ "action=accept proto=any", 21, "tcp, udp or icmp" },
		{ "action=accept proto=sctp", 21, "tcp, udp or icmp" },
		{ "action=accept proto=6", 21, "tcp, udp or icmp" },
		{ "action=accept proto=icmpv6", 21, "tcp, udp or icmp" },
		{ "action=accept specialtarget=", 29, "is dns" },
		{ "action=accept specialtarget=ntp", 29, "is dns" },
		{ "action=accept dst4=", 20, "IPv4 address" },
		{ "action=accept dst4=1.2.3/32", 20, "IPv4 address" },
		{ "action=accept dst4=1.2.3.4/", 20, "IPv4 address" },
		{ "action=accept dst4=1.2.3.4/33", 20, "IPv4 address" },
		{ "action=accept dst4=1.2.3.4/-1", 20, "IPv4 address" },
		{ "action=accept dst4=1.2.3.4/032", 20, "IPv4 address" },
		{ "action=accept dst4=1.2.3.4/8/8", 20, "IPv4 address" },
		{ "action=accept dst4=127/8", 20, "IPv4 address" },
		{ "action=accept dst4=137.327.0.0/16", 20, "IPv4 address" },
		{ "action=accept dst4=1.2.3.4.5/32", 20, "IPv4 address" },
		{ "action=accept dst4=010.1.1.1/32", 20, "IPv4 address" },
		{ "action=accept dst4=::ffff:1.2.3.4/128", 20, "IPv4" },
		{ "action=accept dst4=2001:db8::/32", 20, "IPv4 address" },
		{ "action=accept dst4=example.org", 20, "IPv4 address" },
		{ "action=accept dst6=::/0", 15, "IPv6 address only" },
	};

	check_bad(t, N(t), RULE_IP4);
}

static void R120_a_rule_of_the_other_family_is_refused(void)
{
	static const struct bad t[] = {
		{ "action=accept dst4=1.2.3.4/32", 15, "IPv4 address only" },
		{ "action=accept dst4=0.0.0.0/0", 15, "IPv4 address only" },
		{ "action=accept dst6=1.2.3.4/32", 20, "IPv6 address" },
		{ "action=accept dst6=2001:db8::/129", 20, "IPv6 address" },
		{ "action=accept dst6=2001:db8::/064", 20, "IPv6 address" },
		{ "action=accept dst6=2001:db8:::1/64", 20, "IPv6 address" },
		{ "action=accept dst6=1:2:3:4:5:6:7:8:9/64", 20, "IPv6" },
		{ "action=accept dst6=efgh::/64", 20, "IPv6 address" },
		{ "action=accept dst6=efab0123", 20, "IPv6 address" },
		{ "action=accept dst6=fe80::1%eth0/64", 20, "IPv6 address" },
		{ "action=accept dst6=", 20, "IPv6 address" },
	};

	check_bad(t, N(t), RULE_IP6);
}

static void R120_names_are_lower_case_and_whole(void)
{
	static const struct bad t[] = {
		{ "action=accept dsthost=", 23, "dsthost is a name" },
		{ "action=accept dsthost=Example.org", 23, "dsthost is" },
		{ "action=accept dsthost=a/24", 23, "dsthost is a name" },
		{ "action=accept dsthost=a:b", 23, "dsthost is a name" },
		{ "action=accept dsthost=a,b", 23, "dsthost is a name" },
		{ "action=accept dsthost=[a]", 23, "dsthost is a name" },
		{ "action=accept dsthost=b\xc3\xbc.de", 23, "dsthost is" },
		{ "action=accept dsthost=a;b", 23, "dsthost is a name" },
		{ "action=accept dsthost=.", 23, "dsthost is a name" },
		{ "action=accept dsthost=.anything", 23, "dsthost is" },
		{ "action=accept dsthost=a..b", 23, "dsthost is a name" },
		{ "action=accept dsthost=a.b..", 23, "dsthost is a name" },
	};

	check_bad(t, N(t), RULE_IP4);
}

static void R120_ports_and_types_are_refused_where_they_mean_nothing(void)
{
	static const struct bad t[] = {
		{ "action=accept proto=tcp dstports=", 34, "0 to 65535" },
		{ "action=accept proto=tcp dstports=65536", 34, "0 to 65535" },
		{ "action=accept proto=tcp dstports=1-65536", 34, "0 to" },
		{ "action=accept proto=tcp dstports=100-20", 34, "0 to 65535" },
		{ "action=accept proto=tcp dstports=80-90-100", 34, "0 to" },
		{ "action=accept proto=tcp dstports=80-", 34, "0 to 65535" },
		{ "action=accept proto=tcp dstports=-80", 34, "0 to 65535" },
		{ "action=accept proto=tcp dstports=80:90", 34, "0 to 65535" },
		{ "action=accept proto=tcp dstports=022", 34, "0 to 65535" },
		{ "action=accept proto=tcp dstports=+80", 34, "0 to 65535" },
		{ "action=accept proto=tcp dstports=0x50", 34, "0 to 65535" },
		{ "action=accept proto=tcp dstports=4294967376", 34, "0 to" },
		{ "action=accept proto=tcp dstports=abcdef", 34, "0 to 65535" },
		{ "action=accept proto=icmp dstports=80-80", 26,
		  "tcp and udp" },
		{ "dstports=80 action=accept proto=icmp", 1, "tcp and udp" },
		{ "action=accept proto=icmp icmptype=", 35, "0 to 255" },
		{ "action=accept proto=icmp icmptype=256", 35, "0 to 255" },
		{ "action=accept proto=icmp icmptype=-1", 35, "0 to 255" },
		{ "action=accept proto=icmp icmptype=008", 35, "0 to 255" },
		{ "action=accept proto=icmp icmptype=8/0", 35, "0 to 255" },
		{ "action=accept proto=icmp icmptype=echo", 35, "0 to 255" },
		{ "action=accept proto=icmp icmptype=1000", 35, "0 to 255" },
		{ "action=accept proto=tcp icmptype=8", 25, "proto=icmp" },
		{ "action=accept icmptype=8", 15, "proto=icmp" },
		{ "icmptype=8 proto=udp action=drop", 1, "proto=icmp" },
		{ "action=drop proto=icmp specialtarget=dns", 24,
		  "tcp and udp" },
		{ "specialtarget=dns proto=icmp action=drop", 1,
		  "tcp and udp" },
	};

	check_bad(t, N(t), RULE_IP4);
}

static void a_name_may_be_as_long_as_dns_allows_and_no_longer(void)
{
	char text[400], *at;
	struct rule r;
	struct rule_error err;

	for (int label = 62; label <= 64; label++)
		for (size_t len = 252; len <= 255; len++) {
			bool ok = label <= 63 && len <= RULE_NAME_MAX;
			int rc;

			strcpy(text, "action=accept dsthost=");
			at = text + strlen(text);
			for (size_t i = 0; i < len; i++)
				*at++ = i % ((size_t)label + 1) == (size_t)label
						? '.'
						: 'x';
			*at = '\0';
			rc = parse(&r, text, RULE_IP4, &err);
			CU_ASSERT_EQUAL(rc, ok ? 0 : -EBADMSG);
			if (rc)
				CU_ASSERT_EQUAL(err.column, 23);
		}
}

static void A8_a_text_over_the_limit_is_refused_whole(void)
{
	char text[RULE_TEXT_MAX + 1];
	struct rule r;
	struct rule_error err;

	memset(text, 'a', sizeof(text));
	memcpy(text, "action=accept dsthost=", 22);
	CU_ASSERT_EQUAL(rule_parse(&r, 0, text, RULE_TEXT_MAX, RULE_IP4, &err),
			-EBADMSG);
	CU_ASSERT_EQUAL(err.column, 23);
	CU_ASSERT_EQUAL(rule_parse(&r, 0, text, RULE_TEXT_MAX + 1, RULE_IP4,
				   &err),
			-EBADMSG);
	CU_ASSERT_EQUAL(err.column, 1);
	CU_ASSERT(strstr(err.why, "3072") != NULL);
}

/* ---- every value ------------------------------------------------------- */

static void every_port_and_no_other_number_is_read(void)
{
	char text[64];
	struct rule r;
	struct rule_error err;
	int wrong = 0;

	for (uint32_t p = 0; p < 70000; p++) {
		int rc;

		sprintf(text, "action=drop dstports=%u", p);
		rc = parse(&r, text, RULE_IP4, &err);
		wrong += p > 65535 ? rc != -EBADMSG
				   : rc || r.port_lo != p || r.port_hi != p;
		sprintf(text, "action=drop dstports=%u-%u", p / 2, p);
		rc = parse(&r, text, RULE_IP4, &err);
		wrong += p > 65535 ? rc != -EBADMSG
				   : rc || r.port_lo != p / 2 || r.port_hi != p;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void every_icmp_type_and_no_other_number_is_read(void)
{
	char text[64];
	struct rule r;
	struct rule_error err;

	for (int type = 0; type < 1200; type++) {
		int rc;

		sprintf(text, "action=drop proto=icmp icmptype=%d", type);
		rc = parse(&r, text, RULE_IP6, &err);
		CU_ASSERT_EQUAL(rc, type > 255 ? -EBADMSG : 0);
		if (!rc)
			CU_ASSERT_EQUAL(r.icmp_type, type);
	}
}

static void every_prefix_length_and_no_other_is_read(void)
{
	char text[64];
	struct rule r;
	struct rule_error err;

	for (int len = 0; len < 300; len++) {
		int rc;

		sprintf(text, "action=drop dst4=255.255.255.255/%d", len);
		rc = parse(&r, text, RULE_IP4, &err);
		CU_ASSERT_EQUAL(rc, len > 32 ? -EBADMSG : 0);
		if (!rc)
			CU_ASSERT_EQUAL(r.prefix.len, 96 + len);
		sprintf(text, "action=drop dst6=ff::ff/%d", len);
		rc = parse(&r, text, RULE_IP6, &err);
		CU_ASSERT_EQUAL(rc, len > 128 ? -EBADMSG : 0);
		if (!rc)
			CU_ASSERT_EQUAL(r.prefix.len, len);
	}
}

/* Letters, digits and punctuation that some value may contain. */
static bool in_alphabet(int ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'F') ||
	       (ch >= '0' && ch <= '9') || (ch && strchr(":./-_= ", ch));
}

static void D4_a_byte_outside_the_alphabet_is_refused_at_any_place(void)
{
	static const char *const text[] = {
		("action=accept dst4=192.0.2.0/24 proto=tcp "
		 "specialtarget=dns dstports=53-53"),
		"action=drop dsthost=www.example.org proto=icmp icmptype=8",
		"action=accept dst6=2001:db8::1/64 proto=udp dstports=1-65535",
	};
	int accepted = 0;

	for (size_t t = 0; t < N(text); t++)
		for (size_t i = 0; i < strlen(text[t]); i++)
			for (int ch = 0; ch < 256; ch++) {
				char damaged[128];
				struct rule r;
				struct rule_error err;

				if (in_alphabet(ch))
					continue;
				strcpy(damaged, text[t]);
				damaged[i] = (char)ch;
				accepted +=
					!rule_parse(
						&r, 0, damaged, strlen(text[t]),
						t == 2 ? RULE_IP6 : RULE_IP4,
						&err) ||
					err.column < 1 || err.column > i + 1;
			}
	CU_ASSERT_EQUAL(accepted, 0);
}

static void a_text_cut_short_is_refused_or_is_a_shorter_rule(void)
{
	const char *text = "action=accept dst4=192.0.2.0/24 proto=tcp "
			   "dstports=80-90";
	size_t ok = 0;

	for (size_t len = 0; len < strlen(text); len++) {
		struct rule r;
		struct rule_error err;
		char *exact = malloc(len + 1);

		memcpy(exact, text, len); /* the byte after it is not read */
		exact[len] = '9';
		ok += !rule_parse(&r, 0, exact, len, RULE_IP4, &err);
		free(exact);
	}
	/*
	 * After the action, after 192.0.2.0 and its /2 and /24, after
	 * proto=tcp, and with the ports 8 and 80; 80-9 is reversed.
	 */
	CU_ASSERT_EQUAL(ok, 7);
}

/* ---- numbers and policy ------------------------------------------------ */

static void numbers_have_four_digits_or_five_without_a_leading_zero(void)
{
	static const struct {
		const char *text;
		int value; /* -1: refused */
	} t[] = {
		{ "0000", 0 },	    { "0001", 1 },	{ "9999", 9999 },
		{ "10000", 10000 }, { "99999", 99999 }, { "", -1 },
		{ "0", -1 },	    { "000", -1 },	{ "00000", -1 },
		{ "09999", -1 },    { "100000", -1 },	{ "-001", -1 },
		{ "+001", -1 },	    { " 001", -1 },	{ "001 ", -1 },
		{ "12a4", -1 },	    { "policy", -1 },	{ "0x10", -1 },
	};

	for (size_t i = 0; i < N(t); i++) {
		uint32_t n = 4711;
		int rc = rule_number_parse(&n, t[i].text, strlen(t[i].text));

		CU_ASSERT_EQUAL(rc, t[i].value < 0 ? -EBADMSG : 0);
		CU_ASSERT_EQUAL((int)n, t[i].value < 0 ? 4711 : t[i].value);
	}
}

static void every_number_reads_back_as_dom0_prints_it(void)
{
	for (uint32_t i = 0; i < 100000; i++) {
		char text[8];
		uint32_t n;

		snprintf(text, sizeof(text), "%04u", i);
		CU_ASSERT_EQUAL_FATAL(rule_number_parse(&n, text, strlen(text)),
				      0);
		CU_ASSERT_EQUAL_FATAL(n, i);
	}
}

static void R120_policy_is_one_of_two_words(void)
{
	static const char *const bad[] = { "",	   "accept ", " drop", "Accept",
					   "deny", "drop=",   "dro",   "drops",
					   "1",	   "none",    "\xff" };
	enum rule_action a = RULE_DROP;
	struct rule_error err;

	CU_ASSERT_EQUAL(rule_policy_parse(&a, "accept", 6, &err), 0);
	CU_ASSERT_EQUAL(a, RULE_ACCEPT);
	CU_ASSERT_EQUAL(rule_policy_parse(&a, "drop", 4, &err), 0);
	CU_ASSERT_EQUAL(a, RULE_DROP);
	for (size_t i = 0; i < N(bad); i++) {
		CU_ASSERT_EQUAL(rule_policy_parse(&a, bad[i], strlen(bad[i]),
						  &err),
				-EBADMSG);
		CU_ASSERT_EQUAL(a, RULE_DROP);
		CU_ASSERT_EQUAL(err.number, RULE_NUMBER_POLICY);
		CU_ASSERT_EQUAL(err.column, 1);
		CU_ASSERT_PTR_NOT_NULL(err.why);
	}
}

static void printing_into_too_little_room_fails_and_stays_inside(void)
{
	const char *text = "action=drop dst4=1.2.3.0/24 proto=icmp icmptype=8";
	size_t need = strlen(text) + 1;
	struct rule r;
	struct rule_error err;

	CU_ASSERT_EQUAL_FATAL(parse(&r, text, RULE_IP4, &err), 0);
	for (size_t room = 0; room <= need; room++) {
		char *out = malloc(room ? room : 1);

		CU_ASSERT_EQUAL(rule_print(out, room, &r),
				room < need ? -ENOSPC : (int)need - 1);
		free(out);
	}
}

UNIT_SUITE(rule_parse,
	   UNIT(every_rule_that_dom0_writes_for_ipv4_is_read_and_written_back),
	   UNIT(every_rule_that_dom0_writes_for_ipv6_is_read_and_written_back),
	   UNIT(what_the_documentation_allows_besides_is_read_too),
	   UNIT(fields_say_what_the_text_said),
	   UNIT(items_may_stand_in_any_order),
	   UNIT(R120_spaces_other_than_one_between_items_are_refused),
	   UNIT(R120_unknown_and_repeated_keys_are_refused),
	   UNIT(R120_bad_values_are_refused),
	   UNIT(R120_a_rule_of_the_other_family_is_refused),
	   UNIT(R120_names_are_lower_case_and_whole),
	   UNIT(R120_ports_and_types_are_refused_where_they_mean_nothing),
	   UNIT(a_name_may_be_as_long_as_dns_allows_and_no_longer),
	   UNIT(A8_a_text_over_the_limit_is_refused_whole),
	   UNIT(every_port_and_no_other_number_is_read),
	   UNIT(every_icmp_type_and_no_other_number_is_read),
	   UNIT(every_prefix_length_and_no_other_is_read),
	   UNIT(D4_a_byte_outside_the_alphabet_is_refused_at_any_place),
	   UNIT(a_text_cut_short_is_refused_or_is_a_shorter_rule),
	   UNIT(numbers_have_four_digits_or_five_without_a_leading_zero),
	   UNIT(every_number_reads_back_as_dom0_prints_it),
	   UNIT(R120_policy_is_one_of_two_words),
	   UNIT(printing_into_too_little_room_fails_and_stays_inside))
