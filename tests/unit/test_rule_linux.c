/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of Qubes' Linux agent ask of a set of rules (L3, L4, L9, L15),
 * one row for each question, with that agent's answer beside ours.  Rows that
 * differ say why; a difference without a reason fails, and so does a reason
 * without a difference.
 */
#include <stdio.h>
#include <string.h>

#include "mock/rule_kit.h"
#include "unit.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

enum { NO, YES }; /* is it let through? */

struct vector {
	const char *rules; /* "RULE|RULE|... policy"; a dash: no policy */
	const char *question;
	int linux_says, we_say;
	const char *why; /* they differ */
};

/* What names are and who the name servers, in all rows. */
static void start(struct rule_kit *k, enum rule_family family)
{
	static const char *const dns[] = { "1.1.1.1", "2.2.2.2", "2001::1",
					   "2001::2" };
	static const char *const name[][2] = {
		{ "yum.qubes-os.org", "5.6.7.8" },
		{ "ripe.net", "aaaa::aaaa" },
		{ "example.com", "1.2.3.4" },
		{ "example.com", "4.3.2.1" },
		{ "example2.com", "2001::1" },
		{ "example2.com", "2001::2" },
	};

	rule_kit_init(k, family);
	for (size_t i = 0; i < N(dns); i++)
		rule_kit_dns(k, dns[i]);
	for (size_t i = 0; i < N(name); i++)
		rule_kit_name(k, name[i][0], name[i][1]);
}

/* Numbers with gaps, as dom0 writes them. */
static void read_rules(struct rule_kit *k, const char *text)
{
	const char *policy = strrchr(text, ' ') + 1;
	const char *end = policy - 1;

	for (uint32_t number = 2; text < end; number += 5) {
		const char *bar = memchr(text, '|', (size_t)(end - text));
		size_t len = (size_t)((bar ? bar : end) - text);

		(void)!rule_kit_rule(k, number, text, len);
		text += len + 1;
	}
	if (*policy != '-')
		CU_ASSERT_EQUAL(rule_kit_policy(k, policy, strlen(policy)), 0);
}

static void ask(const struct vector *t, size_t n, enum rule_family family)
{
	for (size_t i = 0; i < n; i++) {
		struct rule_kit k;
		int got;

		start(&k, family);
		read_rules(&k, t[i].rules);
		rule_kit_build(&k);
		got = rule_kit_ask(&k, t[i].question).action == RULE_ACCEPT;
		if (got != t[i].we_say)
			printf("\n%s: %s: %d\n", t[i].rules, t[i].question,
			       got);
		CU_ASSERT_EQUAL(got, t[i].we_say);
		CU_ASSERT_EQUAL(t[i].linux_says != t[i].we_say, !!t[i].why);
		rule_kit_fini(&k);
	}
}

static void L3_each_rule_by_itself_ipv4(void)
{
#define TCP80 "action=accept proto=tcp dstports=80-80 dst4=1.2.3.0/24 drop"
#define YUM                                          \
	"action=accept proto=udp dstports=443-1024 " \
	"dsthost=yum.qubes-os.org drop"
#define DNS "action=accept specialtarget=dns drop"
#define NO_DNS "action=drop proto=udp specialtarget=dns accept"
	static const struct vector t[] = {
		{ TCP80, "tcp 1.2.3.0 80", YES, YES, NULL },
		{ TCP80, "tcp 1.2.3.255 80", YES, YES, NULL },
		{ TCP80, "tcp 1.2.4.0 80", NO, NO, NULL },
		{ TCP80, "tcp 1.2.3.4 81", NO, NO, NULL },
		{ TCP80, "udp 1.2.3.4 80", NO, NO, NULL },
		{ YUM, "udp 5.6.7.8 443", YES, YES, NULL },
		{ YUM, "udp 5.6.7.8 1024", YES, YES, NULL },
		{ YUM, "udp 5.6.7.8 442", NO, NO, NULL },
		{ YUM, "udp 5.6.7.9 443", NO, NO, NULL },
		{ DNS, "tcp 1.1.1.1 53", YES, YES, NULL },
		{ DNS, "udp 2.2.2.2 53", YES, YES, NULL },
		{ DNS, "udp 2.2.2.2 54", NO, NO, NULL },
		{ DNS, "udp 3.3.3.3 53", NO, NO, NULL },
		{ NO_DNS, "udp 1.1.1.1 53", NO, NO, NULL },
		{ NO_DNS, "tcp 1.1.1.1 53", YES, YES, NULL },
		{ NO_DNS, "udp 3.3.3.3 53", YES, YES, NULL },
		{ "action=drop proto=icmp accept", "icmp 1.1.1.1 8", NO, NO,
		  NULL },
		{ "action=drop proto=icmp accept", "udp 1.1.1.1 8", YES, YES,
		  NULL },
		{ "action=drop accept", "tcp 1.2.3.4 80", NO, NO, NULL },
		{ "action=drop accept", "132 1.2.3.4", NO, NO, NULL },
	};

	ask(t, N(t), RULE_IP4);
}

static void L4_each_rule_by_itself_ipv6(void)
{
#define HOST "action=accept proto=tcp dstports=80-80 dst6=a::b/128 drop"
#define RIPE "action=accept proto=tcp dsthost=ripe.net drop"
#define NO_ECHO "action=drop proto=icmp icmptype=128 accept"
	static const struct vector t[] = {
		{ HOST, "tcp a::b 80", YES, YES, NULL },
		{ HOST, "tcp a::b 81", NO, NO, NULL },
		{ HOST, "tcp a::c 80", NO, NO, NULL },
		{ RIPE, "tcp aaaa::aaaa 1", YES, YES, NULL },
		{ RIPE, "udp aaaa::aaaa 1", NO, NO, NULL },
		{ RIPE, "tcp aaaa::aaab 1", NO, NO, NULL },
		{ DNS, "tcp 2001::1 53", YES, YES, NULL },
		{ DNS, "udp 2001::2 53", YES, YES, NULL },
		{ DNS, "udp 2001::3 53", NO, NO, NULL },
		{ NO_DNS, "udp 2001::1 53", NO, NO, NULL },
		{ NO_DNS, "tcp 2001::1 53", YES, YES, NULL },
		{ NO_ECHO, "icmp a::b 128", NO, NO, NULL },
		{ NO_ECHO, "icmp a::b 129", YES, YES, NULL },
		{ "action=drop accept", "tcp a::b 80", NO, NO, NULL },
	};

	ask(t, N(t), RULE_IP6);
}

static void L3_L4_what_can_t_be_read_blocks_the_client(void)
{
	static const char *const more[] = { "", "|action=accept" };
	static const struct {
		const char *bad;
		enum rule_family family;
		const char *question;
	} t[] = {
		{ "action=accept unknown=x", RULE_IP4, "tcp 1.2.3.4 80" },
		{ "action=accept dst6=a::b/128", RULE_IP4, "tcp 1.2.3.4 80" },
		{ "action=accept dst4=3.3.3.3/32", RULE_IP6, "tcp a::b 80" },
		{ "action=accept unknown=x", RULE_IP6, "tcp a::b 80" },
	};

	for (size_t i = 0; i < N(t) * 2; i++) {
		char rules[128];

		snprintf(rules, sizeof(rules), "%s%s accept", t[i / 2].bad,
			 more[i % 2]);
		ask(&(struct vector){ rules, t[i / 2].question, NO, NO, NULL },
		    1, t[i / 2].family);
	}
}

static void L9_sets_from_the_database(void)
{
#define L9_1                                         \
	"action=drop proto=tcp dstports=80-80|"      \
	"action=accept proto=udp specialtarget=dns|" \
	"action=drop proto=udp accept"
	static const struct vector t[] = {
		{ L9_1, "tcp 9.9.9.9 80", NO, NO, NULL },
		{ L9_1, "tcp 9.9.9.9 81", YES, YES, NULL },
		{ L9_1, "udp 1.1.1.1 53", YES, YES, NULL },
		{ L9_1, "udp 9.9.9.9 53", NO, NO, NULL },
		{ L9_1, "icmp 9.9.9.9 8", YES, YES, NULL },
		{ " accept", "tcp 9.9.9.9 443", YES, YES, NULL },
		{ " accept", "132 9.9.9.9", YES, YES, NULL },
		{ "action=accept -", "tcp 9.9.9.9 443", NO, NO, NULL },
		{ "proto=tcp dstports=80-80 accept", "tcp 9.9.9.9 443", NO, NO,
		  NULL },
	};

	ask(t, N(t), RULE_IP4);
}

/* That agent asks with texts of its own whether a connection goes on. */
static void L15_what_new_rules_cut(void)
{
#define PORTS                                   \
	"action=drop proto=tcp dstports=80-80|" \
	"action=drop proto=tcp dstports=90-92|"
#define L15_4                                                            \
	PORTS "action=drop dsthost=example.com|"                         \
	      "action=drop dst4=3.3.3.3/32|action=drop dst4=4.4.4.4/24|" \
	      "action=drop proto=udp specialtarget=dns|action=accept drop"
#define L15_6                                                              \
	PORTS "action=drop dsthost=example2.com|"                          \
	      "action=drop dst6=2002::3/128|action=drop dst6=2003::3/112|" \
	      "action=drop proto=udp specialtarget=dns|action=accept drop"
#define AS_TEXT "port numbers are not text"
	static const struct vector v4[] = {
		{ " drop", "tcp 10.0.0.1 443", NO, NO, NULL },
		{ L15_4, "tcp 10.0.0.1 443", YES, YES, NULL },
		{ L15_4, "udp 10.0.0.1 80", YES, YES, NULL },
		{ L15_4, "tcp 10.0.0.1 80", NO, NO, NULL },
		{ L15_4, "tcp 10.0.0.1 90", NO, NO, NULL },
		{ L15_4, "tcp 10.0.0.1 91", NO, NO, NULL },
		{ L15_4, "tcp 10.0.0.1 92", NO, NO, NULL },
		{ L15_4, "tcp 10.0.0.1 93", YES, YES, NULL },
		{ L15_4, "tcp 1.2.3.4 123", NO, NO, NULL },
		{ L15_4, "udp 4.3.2.1 123", NO, NO, NULL },
		{ L15_4, "tcp 3.3.3.3 123", NO, NO, NULL },
		{ L15_4, "tcp 4.4.4.8 123", NO, NO, NULL },
		{ L15_4, "udp 1.1.1.1 53", NO, NO, NULL },
		{ L15_4, "udp 2.2.2.2 53", NO, NO, NULL },
		{ L15_4, "tcp 2.2.2.2 53", YES, YES, NULL },
		{ "action=accept proto=tcp dstports=1-1024 drop",
		  "tcp 10.0.0.1 443", NO, YES, AS_TEXT },
		{ "action=accept proto=tcp dstports=1024-65535 drop",
		  "tcp 10.0.0.1 8080", NO, YES, AS_TEXT },
		{ "action=accept proto=tcp dstports=1000-2000 drop",
		  "tcp 10.0.0.1 150", YES, NO, AS_TEXT },
		{ "action=drop proto=icmp|action=accept drop",
		  "icmp 10.0.0.1 8", YES, NO,
		  "flows without ports are judged as others are" },
	};
	static const struct vector v6[] = {
		{ L15_6, "tcp 2001::3 443", YES, YES, NULL },
		{ L15_6, "tcp 2001::1 123", NO, NO, NULL },
		{ L15_6, "tcp 2001::2 123", NO, NO, NULL },
		{ L15_6, "tcp 2002::3 123", NO, NO, NULL },
		{ L15_6, "tcp 2002::4 123", YES, YES, NULL },
		{ L15_6, "tcp 2003::2 123", NO, NO, NULL },
		{ L15_6, "tcp 2003::5 123", NO, NO, NULL },
		{ L15_6, "tcp 2003::1:5 123", YES, YES, NULL },
		{ L15_6, "udp 2001::1 53", NO, NO, NULL },
		{ L15_6, "udp 2001::2 53", NO, NO, NULL },
	};

	ask(v4, N(v4), RULE_IP4);
	ask(v6, N(v6), RULE_IP6);
}

/* Not in its tests, but what it does when it is run. */
static void what_it_does_besides(void)
{
#define LOOSE "a text that dom0 can't have written is refused whole"
	static const struct vector t[] = {
		{ "action=accept specialtarget=dns proto=tcp dstports=53-53 "
		  "drop",
		  "tcp 2.2.2.2 53", YES, YES, NULL },
		{ "action=accept specialtarget=dns proto=tcp dstports=53-53 "
		  "drop",
		  "udp 2.2.2.2 53", NO, NO, NULL },
		{ "action=accept specialtarget=dns dstports=80-80 drop",
		  "tcp 1.1.1.1 80", NO, NO, NULL },
		{ "action=drop specialtarget=dns dstports=80-80 accept",
		  "udp 1.1.1.1 53", YES, YES, NULL },
		{ "action=accept specialtarget=dns dst4=1.1.1.1/32 drop",
		  "udp 1.1.1.1 53", YES, YES, NULL },
		{ "action=accept specialtarget=dns dst4=1.1.1.1/32 drop",
		  "udp 2.2.2.2 53", NO, NO, NULL },
		{ "action=accept dstports=5000-5001 drop", "tcp 9.9.9.9 5000",
		  YES, YES, NULL },
		{ "action=accept dstports=5000-5001 drop", "udp 9.9.9.9 5001",
		  YES, YES, NULL },
		{ "action=accept proto=icmp specialtarget=dns accept",
		  "tcp 9.9.9.9 80", NO, NO, NULL },
		{ "action=accept dpi=NO accept", "tcp 9.9.9.9 80", NO, NO,
		  NULL },
		{ "action=accept comment=x accept", "tcp 9.9.9.9 80", NO, NO,
		  NULL },
		{ "action=accept expire=1 accept", "tcp 9.9.9.9 80", NO, NO,
		  NULL },
		{ "action=accept action=accept drop", "tcp 9.9.9.9 80", YES, NO,
		  LOOSE },
		{ "action=accept proto=sctp drop", "132 9.9.9.9", YES, NO,
		  LOOSE },
		{ "action=accept dsthost=nowhere.test|action=accept drop",
		  "tcp 9.9.9.9 80", NO, YES,
		  "a name without an address matches nothing, and the rest "
		  "works" },
		{ "action=drop dsthost=nowhere.test proto=udp|action=accept "
		  "drop",
		  "tcp 9.9.9.9 80", NO, YES,
		  "what the rule can't be about is not blocked" },
		{ "action=drop dsthost=nowhere.test proto=udp|action=accept "
		  "drop",
		  "udp 9.9.9.9 80", NO, NO, NULL },
	};

	ask(t, N(t), RULE_IP4);
}

UNIT_SUITE(rule_linux, UNIT(L3_each_rule_by_itself_ipv4),
	   UNIT(L4_each_rule_by_itself_ipv6),
	   UNIT(L3_L4_what_can_t_be_read_blocks_the_client),
	   UNIT(L9_sets_from_the_database), UNIT(L15_what_new_rules_cut),
	   UNIT(what_it_does_besides))
