/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profiles: their text, what they answer, and blocks that can't be. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/profile.h"
#include "rules/profile_block.h"
#include "unit.h"

static _Alignas(PROFILES_ALIGN) uint8_t mem[65536];
static struct profiles_rule rule[PROFILES_RULES_MAX + 1];
#define NEAR_MAX 64u
static struct pkt_prefix prefix[NEAR_MAX];
static uint32_t order[NEAR_MAX], tmp[NEAR_MAX], rule_n, bad;
static struct profiles_set set[2] = { { "near", prefix, 0 },
				      { "far", prefix, 0 } };
static size_t used;

static int add(const char *profile, const char *text)
{
	struct profile_error e = { .column = 0 };

	rule[rule_n].profile = profile;
	return profile_parse(&rule[rule_n++].text, text, strlen(text), &e)
		       ? (int)e.column
		       : 0;
}

static int build(void)
{
	struct profiles_in in = { set, 2, rule, rule_n };

	CU_ASSERT_FATAL(profiles_size(&in) <= sizeof(mem));
	CU_ASSERT_FATAL(profiles_order(&in) <= NEAR_MAX);
	return profiles_build(mem, &used, &in, order, tmp, &bad);
}

static void fill_near(const char *text)
{
	struct addr_set_error e;

	CU_ASSERT_EQUAL_FATAL(
		addr_set_parse(prefix, &set[0].n, text, strlen(text), &e), 0);
}

/* 'd'rop, 'p'ass or '-' and the rule's number as a digit. */
static const char *ask(const char *profile, const char *dst, uint8_t proto,
		       uint16_t port, bool dns)
{
	const struct profiles *p = profiles_check(mem, used);
	struct profile_query q = { .dns = dns };
	static char out[3];
	struct profile_answer a;

	CU_ASSERT_FATAL(p != NULL);
	CU_ASSERT_EQUAL_FATAL(pkt_addr_parse(&q.q.dst, dst, strlen(dst)), 0);
	q.q.proto = proto;
	q.q.dport = port;
	q.q.icmp_type = (uint8_t)port;
	a = profiles_eval(p, profiles_find(p, profile), &q);
	out[0] = a.refused ? 'd' : a.rule ? 'p' : '-';
	out[1] = (char)('0' + a.rule);
	return out;
}

static void a_text_that_is_no_rule_is_refused_with_its_column(void)
{
	static const struct {
		const char *text;
		int column;
	} row[] = {
		{ "action=drop", 0 },
		{ "  action=pass   dst=near ", 0 },
		{ "action=drop dst=192.0.2.0/24 proto=tcp dstports=1-2", 0 },
		{ "proto=icmp action=drop dst=2001:db8::/32 icmptype=8", 0 },
		{ "action=pass specialtarget=dns", 0 },
		{ "", 1 },
		{ "dst=near", 1 },
		{ "action=accept", 8 },
		{ "action=drop dst=Near", 17 },
		{ "action=drop dst=", 17 },
		{ "action=drop dst=a-name-of-more-than-thirty-one-chars", 17 },
		{ "action=drop dsthost=example.com", 13 },
		{ "action=drop action=drop", 13 },
		{ "action=drop x", 13 },
		{ "action=drop dstports=7-6", 22 },
		{ "action=drop dstports=65536", 22 },
		{ "action=drop dstports=07", 22 },
		{ "action=drop proto=icmp dstports=7", 24 },
		{ "action=drop icmptype=8", 13 },
		{ "action=drop proto=icmp icmptype=256", 33 },
		{ "action=drop proto=icmp specialtarget=dns", 24 },
		{ "action=drop specialtarget=ntp", 27 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		rule_n = 0;
		CU_ASSERT_EQUAL(add("p", row[i].text), row[i].column);
	}
}

static void N18_who_writes_a_host_name_is_told_that_a_profile_knows_none(void)
{
	static const struct {
		const char *text, *why;
	} row[] = {
		{ "action=drop dsthost=example.com", "no host names" },
		{ "action=drop dst=example.com", "no host names" },
		{ "action=drop dst=X.EXAMPLE", "no host names" },
		{ "action=drop dst=192.0.2.300", "dst is an address" },
		{ "action=drop dst=192.0.2.a/24", "dst is an address" },
		{ "action=drop dst=::g.1", "dst is an address" },
		{ "action=drop dst=Near", "dst is an address" },
		{ "action=drop dst4=192.0.2.0/24", "keys: action, dst" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct profile_error e = { .why = "" };
		struct profile_text t;

		CU_ASSERT_EQUAL(profile_parse(&t, row[i].text,
					      strlen(row[i].text), &e),
				-EBADMSG);
		CU_ASSERT(strstr(e.why, row[i].why) != NULL);
	}
}

static void the_first_rule_that_matches_decides(void)
{
	rule_n = 0;
	fill_near("10.0.0.0/8 fd00::/8");
	add("a", "action=pass dst=10.0.0.7 proto=tcp dstports=80-81");
	add("b", "action=drop");
	add("a", "action=drop dst=near");
	add("a", "action=drop proto=icmp icmptype=8");
	CU_ASSERT_EQUAL(build(), 0);
	CU_ASSERT_STRING_EQUAL(ask("a", "10.0.0.7", 6, 80, false), "p1");
	CU_ASSERT_STRING_EQUAL(ask("a", "10.0.0.7", 6, 82, false), "d2");
	CU_ASSERT_STRING_EQUAL(ask("a", "10.0.0.7", 17, 80, false), "d2");
	CU_ASSERT_STRING_EQUAL(ask("a", "fd00::1", 6, 80, false), "d2");
	CU_ASSERT_STRING_EQUAL(ask("a", "192.0.2.1", 1, 8, false), "d3");
	CU_ASSERT_STRING_EQUAL(ask("a", "192.0.2.1", 1, 13, false), "-0");
	CU_ASSERT_STRING_EQUAL(ask("a", "2001:db8::1", 58, 8, false), "d3");
	CU_ASSERT_STRING_EQUAL(ask("a", "192.0.2.1", 6, 8, false), "-0");
	CU_ASSERT_STRING_EQUAL(ask("b", "192.0.2.1", 6, 8, false), "d1");
}

static void name_servers_are_told_apart_from_their_network(void)
{
	rule_n = 0;
	fill_near("10.0.0.0/8");
	add("a", "action=pass specialtarget=dns");
	add("a", "action=drop dst=near");
	CU_ASSERT_EQUAL(build(), 0);
	CU_ASSERT_STRING_EQUAL(ask("a", "10.139.1.1", 17, 53, true), "p1");
	CU_ASSERT_STRING_EQUAL(ask("a", "10.139.1.1", 17, 53, false), "d2");
}

static void a_set_that_is_not_there_is_named(void)
{
	rule_n = 0;
	add("a", "action=drop dst=near");
	add("a", "action=drop dst=nowhere");
	CU_ASSERT_EQUAL(build(), -ENOENT);
	CU_ASSERT_EQUAL(bad, 1);
}

static void too_many_of_anything_are_refused(void)
{
	rule_n = 0;
	for (uint32_t i = 0; i < PROFILE_RULES_MAX; i++)
		add("a", "action=drop");
	CU_ASSERT_EQUAL(build(), 0);
	add("a", "action=drop");
	CU_ASSERT_EQUAL(build(), -E2BIG);
	rule_n = 0;
	while (rule_n <= PROFILES_RULES_MAX)
		add(rule_n & 1 ? "a" : "b", "action=drop");
	CU_ASSERT_EQUAL(build(), -E2BIG);
}

static void a_name_that_is_none_is_not_found(void)
{
	rule_n = 0;
	add("a", "action=drop");
	CU_ASSERT_EQUAL(build(), 0);
	CU_ASSERT_EQUAL(profiles_find(profiles_check(mem, used), "b"),
			PROFILE_NONE);
	CU_ASSERT_EQUAL(profiles_find(profiles_check(mem, used), "a"), 0);
}

/* What steps of this budget find, and how many it takes. */
static const struct profiles *in_steps(uint32_t budget, uint32_t *steps)
{
	struct profiles_walk w;
	enum check_state is;

	profiles_check_begin(&w, mem, used);
	for (*steps = 1;; ++*steps) {
		uint32_t left = budget;

		is = profiles_check_step(&w, &left);
		if (is != CHECK_ON)
			break;
		CU_ASSERT_EQUAL_FATAL(left, 0);
	}
	return is == CHECK_SOUND ? w.p : NULL;
}

/* Whatever byte is another: refused, or safe to ask; in steps as at once. */
static void damaged_blocks_are_refused_or_harmless(void)
{
	const struct profiles *p;
	uint32_t refused = 0, steps;

	rule_n = 0;
	fill_near("10.0.0.0/8 10.2.0.0/16 fd00::/8 192.0.2.0/24");
	add("a", "action=pass dst=10.0.0.7 proto=tcp dstports=80-81");
	add("a", "action=drop dst=near");
	CU_ASSERT_EQUAL(build(), 0);
	CU_ASSERT_PTR_NULL(profiles_check(mem, used - 1));
	CU_ASSERT_PTR_NULL(profiles_check(mem, used + 32));
	CU_ASSERT_PTR_NULL(profiles_check(mem, 4));
	CU_ASSERT_PTR_NULL(profiles_check(mem + 1, used));
	for (size_t i = 0; i < used; i++) {
		uint8_t was = mem[i];
		struct profile_query q = { .q = { .proto = 6 } };

		mem[i] ^= (uint8_t)(1 + random() % 255);
		p = profiles_check(mem, used);
		refused += !p;
		if (p)
			(void)profiles_eval(p, 0, &q);
		CU_ASSERT_PTR_EQUAL(in_steps(1 + (uint32_t)i % 100, &steps), p);
		mem[i] = was;
	}
	CU_ASSERT(refused > sizeof(struct profiles));
}

/* Apart by one address, so that none is another's neighbour. */
static void many_ranges_are_looked_at_in_steps(void)
{
	uint32_t steps;

	rule_n = 0;
	add("a", "action=drop dst=near");
	set[0].n = NEAR_MAX;
	for (uint32_t i = 0; i < NEAR_MAX; i++)
		prefix[i] = (struct pkt_prefix){
			.addr = pkt_addr_v4(
				(uint8_t[]){ 10, 0, 0, (uint8_t)(2 * i) }),
			.len = 128,
		};
	CU_ASSERT_EQUAL(build(), 0);
	CU_ASSERT_EQUAL(profiles_range_count(profiles_check(mem, used)),
			NEAR_MAX);
	/* with a budget of one range: each is looked at in its own */
	CU_ASSERT_PTR_EQUAL(in_steps(sizeof(struct addr_range), &steps), mem);
	CU_ASSERT(steps >= NEAR_MAX);
}

/* The same of rules in a list, without blocks, sets or halving. */
static bool slow(const char *profile, const struct profile_query *q)
{
	for (uint32_t i = 0; i < rule_n; i++) {
		const struct profile_rule *r = &rule[i].text.rule;
		bool in = r->dst == PROFILE_DST_ANY ||
			  (r->dst == PROFILE_DST_PREFIX &&
			   pkt_prefix_has(&r->prefix, &q->q.dst));

		for (uint32_t k = 0; r->dst == PROFILE_DST_SET && k < set[0].n;
		     k++)
			in |= pkt_prefix_has(&prefix[k], &q->q.dst);
		if (!strcmp(rule[i].profile, profile) && in &&
		    (!r->proto || r->proto == q->q.proto) &&
		    q->q.dport >= r->port_lo && q->q.dport <= r->port_hi)
			return r->action == PROFILE_DROP;
	}
	return false;
}

static void random_profiles_answer_as_a_list_does(void)
{
	static const char *const dst[] = { "", " dst=near", " dst=10.0.0.0/30",
					   " dst=10.0.0.5" };
	static const char *const proto[] = { "", " proto=tcp", " proto=udp" };

	for (unsigned long i = 0; i < 200 * unit_soak(); i++) {
		char text[96];

		set[0].n = (uint32_t)random() % 6;
		for (uint32_t k = 0; k < set[0].n; k++)
			prefix[k] = (struct pkt_prefix){
				pkt_addr_v4((uint8_t[]){
					10, 0, 0, (uint8_t)(random() % 16) }),
				(uint8_t)(124 + random() % 5),
			};
		for (rule_n = 0; rule_n < 8;) {
			snprintf(text, sizeof(text),
				 "action=%s%s%s dstports=%ld-9",
				 random() & 1 ? "drop" : "pass",
				 dst[random() % 4], proto[random() % 3],
				 random() % 9);
			CU_ASSERT_EQUAL_FATAL(
				add(random() & 1 ? "a" : "b", text), 0);
		}
		add("a", "action=pass");
		add("b", "action=pass");
		CU_ASSERT_EQUAL_FATAL(build(), 0);
		for (uint32_t k = 0; k < 200; k++) {
			const char *name = random() & 1 ? "a" : "b";
			const struct profiles *p = profiles_check(mem, used);
			struct profile_query q = {
				.q = { .dst = pkt_addr_v4((uint8_t[]){
					       10, 0, 0,
					       (uint8_t)(random() % 20) }),
				       .proto = random() & 1 ? 6 : 17,
				       .dport = (uint16_t)(random() % 12) },
			};

			CU_ASSERT_FATAL(p != NULL);
			CU_ASSERT_EQUAL_FATAL(
				profiles_eval(p, profiles_find(p, name), &q)
					.refused,
				slow(name, &q));
		}
	}
}

UNIT_SUITE(profile, UNIT(a_text_that_is_no_rule_is_refused_with_its_column),
	   UNIT(N18_who_writes_a_host_name_is_told_that_a_profile_knows_none),
	   UNIT(the_first_rule_that_matches_decides),
	   UNIT(name_servers_are_told_apart_from_their_network),
	   UNIT(a_set_that_is_not_there_is_named),
	   UNIT(too_many_of_anything_are_refused),
	   UNIT(a_name_that_is_none_is_not_found),
	   UNIT(damaged_blocks_are_refused_or_harmless),
	   UNIT(many_ranges_are_looked_at_in_steps),
	   UNIT(random_profiles_answer_as_a_list_does))
