/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mock/rule_gen.h"
#include "mock/rule_kit.h"
#include "mock/rule_shape.h"
#include "packet/pkt_verdict.h"
#include "unit.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

static void check_answer(struct rule_answer a, enum rule_action action,
			 enum pkt_reason reason, uint16_t idx)
{
	CU_ASSERT_EQUAL(a.action, action);
	CU_ASSERT_EQUAL(a.reason, reason);
	CU_ASSERT_EQUAL(a.idx, idx);
}

/* ---- order, policy, closed sets ---------------------------------------- */

static void R120_the_first_match_wins_then_the_policy(void)
{
	static const char *const text[] = {
		"action=drop dst4=192.0.2.1/32 proto=tcp dstports=80",
		"action=accept dst4=192.0.2.0/24",
		"action=drop dst4=192.0.2.0/24 proto=udp",
		"action=accept dst4=0.0.0.0/0 proto=udp dstports=53", NULL
	};
	struct rule_kit k;

	rule_kit_init(&k, RULE_IP4);
	rule_kit_rules(&k, text);
	rule_kit_build(&k);
	check_answer(rule_kit_ask(&k, "tcp 192.0.2.1 80"), RULE_DROP,
		     PKT_REASON_RULE, 0);
	check_answer(rule_kit_ask(&k, "tcp 192.0.2.1 81"), RULE_ACCEPT,
		     PKT_REASON_NONE, 1);
	check_answer(rule_kit_ask(&k, "udp 192.0.2.1 53"), RULE_ACCEPT,
		     PKT_REASON_NONE, 1);
	check_answer(rule_kit_ask(&k, "udp 198.51.100.1 53"), RULE_ACCEPT,
		     PKT_REASON_NONE, 3);
	check_answer(rule_kit_ask(&k, "tcp 198.51.100.1 53"), RULE_DROP,
		     PKT_REASON_POLICY, RULE_IDX_POLICY);
	rule_kit_policy(&k, "accept", 6);
	rule_kit_build(&k);
	check_answer(rule_kit_ask(&k, "tcp 198.51.100.1 53"), RULE_ACCEPT,
		     PKT_REASON_NONE, RULE_IDX_POLICY);
	rule_kit_fini(&k);
}

static void R120_one_bad_rule_or_no_policy_closes_the_set_and_no_other(void)
{
	struct rule_kit bad, none, good;

	rule_kit_init(&bad, RULE_IP4);
	rule_kit_init(&none, RULE_IP4);
	rule_kit_init(&good, RULE_IP4);
	CU_ASSERT_EQUAL(rule_kit_rule(&bad, 0, "action=accept", 13), 0);
	CU_ASSERT_EQUAL(rule_kit_rule(&none, 0, "action=accept", 13), 0);
	CU_ASSERT_EQUAL(rule_kit_rule(&good, 0, "action=accept", 13), 0);
	CU_ASSERT_EQUAL(rule_kit_rule(&bad, 1, "action=", 7), -EBADMSG);
	rule_kit_policy(&bad, "accept", 6);
	rule_kit_policy(&good, "drop", 4);
	rule_kit_build(&bad);
	rule_kit_build(&none);
	rule_kit_build(&good);
	check_answer(rule_kit_ask(&bad, "tcp 8.8.8.8 443"), RULE_DROP,
		     PKT_REASON_RULES_BAD, RULE_IDX_POLICY);
	check_answer(rule_kit_ask(&none, "tcp 8.8.8.8 443"), RULE_DROP,
		     PKT_REASON_RULES_BAD, RULE_IDX_POLICY);
	check_answer(rule_kit_ask(&good, "tcp 8.8.8.8 443"), RULE_ACCEPT,
		     PKT_REASON_NONE, 0);
	rule_kit_fini(&bad);
	rule_kit_fini(&none);
	rule_kit_fini(&good);
}

static void a_closed_set_is_small_and_refuses_everything(void)
{
	struct rule_gen g;

	for (int family = RULE_IP4; family <= RULE_IP6; family++) {
		uint64_t mem[RULESET_CLOSED_SIZE / 8];
		const struct ruleset *s;
		size_t used = 0;

		CU_ASSERT_EQUAL_FATAL(
			ruleset_build_closed(mem, sizeof(mem), &used,
					     (enum rule_family)family),
			0);
		CU_ASSERT(used <= sizeof(mem));
		for (size_t len = 0; len < used; len++)
			CU_ASSERT_EQUAL(
				ruleset_build_closed(mem, len, &used,
						     (enum rule_family)family),
				-ENOSPC);
		CU_ASSERT_EQUAL_FATAL(
			ruleset_build_closed(mem, sizeof(mem), &used,
					     (enum rule_family)family),
			0);
		s = ruleset_check(mem, used);
		CU_ASSERT_PTR_NOT_NULL_FATAL(s);
		CU_ASSERT_EQUAL(ruleset_count(s), 0);
		CU_ASSERT_EQUAL((int)ruleset_family(s), family);
		rule_gen_init(&g, RULE_GEN_MIXED, (enum rule_family)family, 1);
		for (int i = 0; i < 1000; i++) {
			struct rule_query q = rule_gen_far(&g);

			check_answer(ruleset_eval(s, &q), RULE_DROP,
				     PKT_REASON_RULES_BAD, RULE_IDX_POLICY);
		}
	}
}

static void rules_may_come_in_any_order_and_with_gaps_in_numbers(void)
{
	static const struct {
		uint32_t number;
		const char *text;
	} r[] = {
		{ 99999, "action=accept dst4=192.0.2.0/28" },
		{ 7, "action=drop dst4=192.0.2.1/32" },
		{ 0, "action=accept dst4=192.0.2.1/32 proto=icmp" },
		{ 12345, "action=drop dst4=192.0.2.2/32" },
	};
	struct rule_kit k;

	rule_kit_init(&k, RULE_IP4);
	rule_kit_policy(&k, "drop", 4);
	for (size_t i = 0; i < N(r); i++)
		CU_ASSERT_EQUAL(rule_kit_rule(&k, r[i].number, r[i].text,
					      strlen(r[i].text)),
				0);
	rule_kit_build(&k);
	CU_ASSERT_EQUAL(ruleset_count(k.set), 4);
	CU_ASSERT_EQUAL(ruleset_number(k.set, 0), 0);
	CU_ASSERT_EQUAL(ruleset_number(k.set, 1), 7);
	CU_ASSERT_EQUAL(ruleset_number(k.set, 2), 12345);
	CU_ASSERT_EQUAL(ruleset_number(k.set, 3), 99999);
	CU_ASSERT_EQUAL(ruleset_number(k.set, 4), RULE_NUMBER_POLICY);
	CU_ASSERT_EQUAL(ruleset_number(k.set, RULE_IDX_POLICY),
			RULE_NUMBER_POLICY);
	check_answer(rule_kit_ask(&k, "icmp 192.0.2.1 8"), RULE_ACCEPT,
		     PKT_REASON_NONE, 0);
	check_answer(rule_kit_ask(&k, "tcp 192.0.2.1 8"), RULE_DROP,
		     PKT_REASON_RULE, 1);
	check_answer(rule_kit_ask(&k, "tcp 192.0.2.2 8"), RULE_DROP,
		     PKT_REASON_RULE, 2);
	check_answer(rule_kit_ask(&k, "tcp 192.0.2.3 8"), RULE_ACCEPT,
		     PKT_REASON_NONE, 3);
	rule_kit_fini(&k);
}

static void R124_the_same_rules_give_the_same_bytes(void)
{
	struct rule_gen g;
	struct rule_kit k;

	rule_kit_init(&k, RULE_IP4);
	k.has_policy = true;
	rule_gen_init(&g, RULE_GEN_MIXED, RULE_IP4, unit_seed());
	rule_gen_rules(&g, k.rules, 500);
	for (uint32_t n = 0; n < 500; n += 50) {
		void *before;
		size_t used;

		k.n = n;
		rule_kit_build(&k);
		used = k.used;
		before = malloc(used);
		memcpy(before, k.mem, used);
		for (uint32_t i = 0; i < n / 2; i++) { /* the order too */
			struct rule swap = k.rules[i];

			k.rules[i] = k.rules[n - 1 - i];
			k.rules[n - 1 - i] = swap;
		}
		rule_kit_build(&k);
		CU_ASSERT_EQUAL(k.used, used);
		CU_ASSERT(memcmp(k.mem, before, used) == 0);
		free(before);
	}
	rule_kit_fini(&k);
}

/* ---- names and DNS servers --------------------------------------------- */

static void R125_dns_means_the_servers_given_port_53_and_both_protocols(void)
{
	static const char *const text[] = { "action=accept specialtarget=dns",
					    NULL };
	struct rule_kit k;

	rule_kit_init(&k, RULE_IP4);
	rule_kit_rules(&k, text);
	rule_kit_build(&k);
	check_answer(rule_kit_ask(&k, "udp 10.139.1.1 53"), RULE_DROP,
		     PKT_REASON_POLICY, RULE_IDX_POLICY);
	rule_kit_dns(&k, "10.139.1.1");
	rule_kit_dns(&k, "2001:db8::53"); /* of no use to this set */
	rule_kit_dns(&k, "10.139.1.2");
	rule_kit_dns(&k, "10.139.1.1"); /* twice does not hurt */
	rule_kit_build(&k);
	check_answer(rule_kit_ask(&k, "udp 10.139.1.1 53"), RULE_ACCEPT,
		     PKT_REASON_NONE, 0);
	check_answer(rule_kit_ask(&k, "tcp 10.139.1.2 53"), RULE_ACCEPT,
		     PKT_REASON_NONE, 0);
	check_answer(rule_kit_ask(&k, "tcp 10.139.1.2 54"), RULE_DROP,
		     PKT_REASON_POLICY, RULE_IDX_POLICY);
	check_answer(rule_kit_ask(&k, "icmp 10.139.1.2 53"), RULE_DROP,
		     PKT_REASON_POLICY, RULE_IDX_POLICY);
	check_answer(rule_kit_ask(&k, "132 10.139.1.2 53"), RULE_DROP,
		     PKT_REASON_POLICY, RULE_IDX_POLICY);
	rule_kit_fini(&k);
}

static void R126_a_name_not_resolved_accepts_nothing_and_drops_all(void)
{
	static const char *const accept[] = { "action=accept dsthost=gone.test",
					      NULL };
	static const char *const drop[] = {
		"action=drop dsthost=gone.test proto=tcp dstports=80-90", NULL
	};
	struct rule_kit k;

	rule_kit_init(&k, RULE_IP6);
	rule_kit_rules(&k, accept);
	rule_kit_build(&k);
	check_answer(rule_kit_ask(&k, "tcp 2001:db8::1 80"), RULE_DROP,
		     PKT_REASON_POLICY, RULE_IDX_POLICY);
	k.n = 0;
	rule_kit_rules(&k, drop);
	rule_kit_policy(&k, "accept", 6);
	rule_kit_build(&k);
	check_answer(rule_kit_ask(&k, "tcp 2001:db8::1 80"), RULE_DROP,
		     PKT_REASON_RULE, 0);
	check_answer(rule_kit_ask(&k, "tcp 2001:db8::1 91"), RULE_ACCEPT,
		     PKT_REASON_NONE, RULE_IDX_POLICY);
	check_answer(rule_kit_ask(&k, "udp 2001:db8::1 80"), RULE_ACCEPT,
		     PKT_REASON_NONE, RULE_IDX_POLICY);
	rule_kit_fini(&k);
}

static int many(void *ctx, const char *name, enum rule_family family,
		struct pkt_addr *out, uint16_t max)
{
	int n = *(int *)ctx;

	(void)name;
	(void)family;
	for (int i = 0; i < n && i < max; i++)
		out[i] = pkt_addr_v4((uint8_t[]){ 192, 0, 2, (uint8_t)i });
	return n;
}

/* One rule for a name with @n addresses; what becomes of the last of them? */
static struct rule_answer ask_last(const char *text, int n, uint8_t last)
{
	struct rule_env env = { .resolve = many, .ctx = &n };
	struct rule_query q = { .proto = 6 };
	static uint64_t mem[16384], scratch[16384];
	struct rule_error err;
	struct rule r;
	size_t used;
	int rc = rule_parse(&r, 0, text, strlen(text), RULE_IP4, &err);

	CU_ASSERT_EQUAL_FATAL(rc, 0);
	CU_ASSERT_FATAL(ruleset_size(&r, 1, &env) <= sizeof(mem));
	CU_ASSERT_FATAL(ruleset_scratch_size(&r, 1, &env) <= sizeof(scratch));
	rc = ruleset_build(mem, sizeof(mem), &used, RULE_IP4,
			   r.action == RULE_DROP ? RULE_ACCEPT : RULE_DROP, &r,
			   1, &env, scratch, sizeof(scratch));
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	q.dst = pkt_addr_v4((uint8_t[]){ 192, 0, 2, last });
	return ruleset_eval((const struct ruleset *)mem, &q);
}

static void R126_a_name_has_at_most_so_many_addresses(void)
{
	int max = (int)RULE_ADDR_MAX;

	/* All of them count up to the limit; */
	check_answer(ask_last("action=accept dsthost=a", max, 63), RULE_ACCEPT,
		     PKT_REASON_NONE, 0);
	check_answer(ask_last("action=accept dsthost=a", max, 64), RULE_DROP,
		     PKT_REASON_POLICY, RULE_IDX_POLICY);
	check_answer(ask_last("action=drop dsthost=a", max, 63), RULE_DROP,
		     PKT_REASON_RULE, 0);
	check_answer(ask_last("action=drop dsthost=a", max, 64), RULE_ACCEPT,
		     PKT_REASON_NONE, RULE_IDX_POLICY);
	/* over it, accepting means the first, and dropping means any. */
	check_answer(ask_last("action=accept dsthost=a", max + 1, 63),
		     RULE_ACCEPT, PKT_REASON_NONE, 0);
	check_answer(ask_last("action=accept dsthost=a", max + 1, 64),
		     RULE_DROP, PKT_REASON_POLICY, RULE_IDX_POLICY);
	check_answer(ask_last("action=accept dsthost=a", RULE_ADDR_MORE + 2, 1),
		     RULE_ACCEPT, PKT_REASON_NONE, 0);
	check_answer(ask_last("action=accept dsthost=a", RULE_ADDR_MORE + 2, 2),
		     RULE_DROP, PKT_REASON_POLICY, RULE_IDX_POLICY);
	check_answer(ask_last("action=accept dsthost=a", RULE_ADDR_MORE, 0),
		     RULE_DROP, PKT_REASON_POLICY, RULE_IDX_POLICY);
	check_answer(ask_last("action=drop dsthost=a", RULE_ADDR_MORE + 2, 200),
		     RULE_DROP, PKT_REASON_RULE, 0);
	check_answer(ask_last("action=drop dsthost=a", max + 1, 200), RULE_DROP,
		     PKT_REASON_RULE, 0);
	check_answer(ask_last("action=drop dsthost=a", 0, 1), RULE_ACCEPT,
		     PKT_REASON_NONE, RULE_IDX_POLICY);
}

/* ---- memory ------------------------------------------------------------ */

static int try_build(const struct rule *rules, uint32_t n, size_t len,
		     size_t scratch_len, size_t *used)
{
	void *mem = malloc(len ? len : 1);
	void *scratch = malloc(scratch_len ? scratch_len : 1);
	int rc = ruleset_build(mem, len, used, RULE_IP4, RULE_DROP, rules, n,
			       NULL, scratch, scratch_len);

	free(mem);
	free(scratch);
	return rc;
}

static void too_little_memory_is_an_error_at_any_length(void)
{
	struct rule_gen g;
	struct rule *rules = calloc(200, sizeof(*rules));
	size_t used = 0, scratch, ignored;

	rule_gen_init(&g, RULE_GEN_CROWDED, RULE_IP4, 3);
	rule_gen_rules(&g, rules, 200);
	scratch = ruleset_scratch_size(rules, 200, NULL);
	CU_ASSERT_EQUAL_FATAL(try_build(rules, 200,
					ruleset_size(rules, 200, NULL), scratch,
					&used),
			      0);
	for (size_t len = 0; len < used; len += 1 + len / 64)
		CU_ASSERT_EQUAL(try_build(rules, 200, len, scratch, &ignored),
				-ENOSPC);
	CU_ASSERT_EQUAL(try_build(rules, 200, used, scratch, &ignored), 0);
	for (size_t len = 0; len < scratch - 64; len += 1 + len / 8)
		CU_ASSERT_EQUAL(try_build(rules, 200, used, len, &ignored),
				-ENOSPC);
	free(rules);
}

static void the_size_announced_is_enough_whatever_the_rules(void)
{
	struct rule_gen g;
	struct rule *rules = calloc(3000, sizeof(*rules));

	for (int kind = 0; kind < RULE_GEN_N; kind++)
		for (uint32_t n = 0; n < 3000; n += 1 + n / 2) {
			size_t used = 0;

			rule_gen_init(&g, (enum rule_gen_kind)kind, RULE_IP4,
				      unit_seed() + n);
			rule_gen_rules(&g, rules, n);
			CU_ASSERT_EQUAL(
				try_build(rules, n,
					  ruleset_size(rules, n, NULL),
					  ruleset_scratch_size(rules, n, NULL),
					  &used),
				0);
			CU_ASSERT(used <= ruleset_size(rules, n, NULL));
		}
	free(rules);
}

#define FOUR_MIB ((size_t)4 << 20)

/* Rules made to need as much memory as can be. */
static void greedy(struct rule *r, uint32_t i, int shape, uint32_t own)
{
	uint32_t group = i / own, port = i % 32768 * 2 + 1;
	uint8_t b[4] = { (uint8_t)(1 + group % 200), (uint8_t)(group * 7),
			 (uint8_t)group, (uint8_t)(group >> 8) };

	*r = (struct rule){ .number = i,
			    .family = RULE_IP4,
			    .action = (uint8_t)(i & 1),
			    .icmp_type = -1,
			    .has_ports = true,
			    .port_lo = (uint16_t)port,
			    .port_hi = (uint16_t)port,
			    .dst = RULE_DST_PREFIX };
	r->prefix = (struct pkt_prefix){ pkt_addr_v4(b), 128 };
	if (shape == 1) /* all at any destination */
		r->dst = RULE_DST_ANY;
	if (shape == 2) /* nested, as deep as can be */
		r->prefix = (struct pkt_prefix){ pkt_addr_v4((uint8_t[]){
							 10, 0, 0, 0 }),
						 (uint8_t)(97 + group % 32) };
	if (shape == 3 && i % 3 == 0) { /* protocols apart */
		r->has_ports = false;
		r->proto = 1;
		r->icmp_type = (int16_t)(i % 256);
	}
	if (shape == 3)
		r->proto = i % 3 == 1 ? 6 : i % 3 == 2 ? 17 : 1;
}

static void the_size_announced_is_enough_for_greedy_rules_too(void)
{
	static const uint32_t own[] = { 1, 2, 4, 5, 6, 9, 33, 100, 520, 9999 };
	struct rule *rules = calloc(9999, sizeof(*rules));

	for (int shape = 0; shape < 4; shape++)
		for (size_t o = 0; o < N(own); o++) {
			size_t used = 0, size;

			for (uint32_t i = 0; i < 9999; i++)
				greedy(&rules[i], i, shape, own[o]);
			size = ruleset_size(rules, 9999, NULL);
			CU_ASSERT_EQUAL(try_build(rules, 9999, size,
						  ruleset_scratch_size(
							  rules, 9999, NULL),
						  &used),
					0);
			CU_ASSERT(used <= size);
			CU_ASSERT(used <= FOUR_MIB);
		}
	free(rules);
}

/* Half of them with ports anywhere, the others in hosts of @own each. */
static void crowd(struct rule *r, uint32_t i, uint32_t n, uint32_t own)
{
	uint32_t host = i / own;

	greedy(r, i, 1, 1);
	r->proto = i % 2 ? 6 : 17;
	if (i < n / 2)
		return;
	r->dst = RULE_DST_PREFIX;
	r->prefix = (struct pkt_prefix){
		pkt_addr_v4((uint8_t[]){ 10, (uint8_t)(host % 3),
					 (uint8_t)(host >> 8), (uint8_t)host }),
		(uint8_t)(host % 3 ? 128 : 112)
	};
}

static void ten_thousand_rules_take_four_mib_at_most(void)
{
	enum { RULES = 10000 };
	struct rule *rules = calloc(RULES, sizeof(*rules));
	size_t used = 0;

	for (uint32_t i = 0; i < RULE_SHAPES; i++) {
		struct rule_gen g;

		rule_gen_init(&g, RULE_GEN_APART, RULE_IP4, unit_seed());
		rule_shape_rules(&g, &rule_shapes[i], rules, RULES);
		CU_ASSERT_EQUAL(
			try_build(rules, RULES, 2 * FOUR_MIB,
				  ruleset_scratch_size(rules, RULES, NULL),
				  &used),
			0);
		CU_ASSERT(used <= FOUR_MIB);
		CU_ASSERT(used <= ruleset_size(rules, RULES, NULL));
	}
	for (uint32_t own = 1; own < RULES / 2; own += 1 + own / 2) {
		for (uint32_t i = 0; i < RULES; i++)
			crowd(&rules[i], i, RULES, own);
		CU_ASSERT_EQUAL(
			try_build(rules, RULES,
				  ruleset_size(rules, RULES, NULL),
				  ruleset_scratch_size(rules, RULES, NULL),
				  &used),
			0);
		CU_ASSERT(used <= FOUR_MIB);
	}
	free(rules);
}

static void A8_a_set_has_so_many_rules_and_no_more(void)
{
	struct rule *rules = calloc(RULE_SET_MAX + 1, sizeof(*rules));
	size_t used = 0;

	for (uint32_t i = 0; i <= RULE_SET_MAX; i++)
		greedy(&rules[i], i, 0, 1);
	CU_ASSERT_EQUAL(
		try_build(rules, RULE_SET_MAX,
			  ruleset_size(rules, RULE_SET_MAX, NULL),
			  ruleset_scratch_size(rules, RULE_SET_MAX, NULL),
			  &used),
		0);
	CU_ASSERT_EQUAL(
		try_build(rules, RULE_SET_MAX + 1,
			  ruleset_size(rules, RULE_SET_MAX, NULL),
			  ruleset_scratch_size(rules, RULE_SET_MAX + 1, NULL),
			  &used),
		-E2BIG);
	free(rules);
}

static void A8_names_may_not_stand_for_too_many_addresses_together(void)
{
	int addresses = (int)RULE_ADDR_MAX;
	struct rule_env env = { .resolve = many, .ctx = &addresses };
	uint32_t fits = RULESET_ITEM_MAX / RULE_ADDR_MAX;
	struct rule *rules = calloc(fits + 1, sizeof(*rules));

	for (uint32_t i = 0; i <= fits; i++)
		rules[i] = (struct rule){ .number = i,
					  .action = RULE_ACCEPT,
					  .icmp_type = -1,
					  .dst = RULE_DST_NAME,
					  .name = "a" };
	for (uint32_t n = fits; n <= fits + 1; n++) {
		size_t size = ruleset_size(rules, n, &env), used;
		size_t scratch_size = ruleset_scratch_size(rules, n, &env);
		void *mem = malloc(size), *scratch = malloc(scratch_size);

		CU_ASSERT_EQUAL(ruleset_build(mem, size, &used, RULE_IP4,
					      RULE_DROP, rules, n, &env,
					      scratch, scratch_size),
				n > fits ? -E2BIG : 0);
		free(mem);
		free(scratch);
	}
	free(rules);
}

/* ---- rules that no text gives ------------------------------------------ */

static void rules_that_no_text_gives_are_refused(void)
{
	static const struct rule ok = { .number = 1,
					.action = RULE_ACCEPT,
					.icmp_type = -1 };
	struct rule r[18];
	size_t used;

	for (size_t i = 0; i < N(r); i++)
		r[i] = ok;
	r[0].family = RULE_IP6;
	r[1].family = 2;
	r[2].action = 2;
	r[3].dst = 3;
	r[4].proto = 2;
	r[5].proto = 58;
	r[6].icmp_type = 8;
	r[7].icmp_type = 256;
	r[7].proto = 1;
	r[8].icmp_type = -2;
	r[8].proto = 1;
	r[9].has_ports = true;
	r[9].port_lo = 2;
	r[9].port_hi = 1;
	r[10].has_ports = true;
	r[10].proto = 1;
	r[11].dns = true;
	r[11].proto = 1;
	r[12].dst = RULE_DST_PREFIX; /* :: is not IPv4 */
	r[12].prefix.len = 128;
	r[13].dst = RULE_DST_PREFIX;
	r[13].prefix.addr = pkt_addr_v4((uint8_t[]){ 1, 2, 3, 4 });
	r[13].prefix.len = 95;
	r[14].dst = RULE_DST_PREFIX;
	r[14].prefix.addr = pkt_addr_v4((uint8_t[]){ 1, 2, 3, 4 });
	r[14].prefix.len = 129;
	r[15].dst = RULE_DST_NAME;
	r[16].dst = RULE_DST_NAME;
	memset(r[16].name, 'a', sizeof(r[16].name));
	r[17].icmp_type = 8;
	r[17].proto = 6;
	CU_ASSERT_EQUAL(try_build(&ok, 1, ruleset_size(&ok, 1, NULL),
				  ruleset_scratch_size(&ok, 1, NULL), &used),
			0);
	for (size_t i = 0; i < N(r); i++)
		CU_ASSERT_EQUAL(
			try_build(&r[i], 1, ruleset_size(&r[i], 1, NULL),
				  ruleset_scratch_size(&r[i], 1, NULL), &used),
			-EINVAL);
	r[0] = r[1] = ok; /* one number twice */
	CU_ASSERT_EQUAL(try_build(r, 2, ruleset_size(r, 2, NULL),
				  ruleset_scratch_size(r, 2, NULL), &used),
			-EINVAL);
}

/* ---- D4: damage never opens -------------------------------------------- */

static uint32_t count_accepted(const struct rule_kit *k,
			       const struct rule_query *q, uint32_t n)
{
	uint32_t accepted = 0;

	for (uint32_t i = 0; i < n; i++)
		accepted += ruleset_eval(k->set, &q[i]).action == RULE_ACCEPT;
	return accepted;
}

/* Builds all texts but @which, which is damaged; what it accepts then. */
static uint32_t accepted_with(char text[][RULE_TEXT_MAX], uint32_t n,
			      enum rule_family family,
			      const struct rule_query *q, uint32_t q_n)
{
	struct rule_kit k;
	uint32_t accepted;

	rule_kit_init(&k, family);
	rule_kit_policy(&k, "accept", 6);
	for (uint32_t i = 0; i < n; i++)
		(void)rule_kit_rule(&k, i, text[i], strlen(text[i]));
	rule_kit_build(&k);
	accepted = count_accepted(&k, q, q_n);
	rule_kit_fini(&k);
	return accepted;
}

static void D4_a_damaged_byte_never_widens_what_is_accepted(void)
{
	enum { RULES = 6, QUERIES = 64 };
	static char text[RULES][RULE_TEXT_MAX];
	struct rule_query q[QUERIES];
	struct rule rules[RULES];
	struct rule_gen g;

	for (int family = RULE_IP4; family <= RULE_IP6; family++) {
		uint32_t damaged = 0;

		rule_gen_init(&g, RULE_GEN_CROWDED, (enum rule_family)family,
			      unit_seed());
		rule_gen_rules(&g, rules, RULES);
		for (uint32_t i = 0; i < RULES; i++)
			CU_ASSERT(rule_print(text[i], sizeof(text[i]),
					     &rules[i]) > 0);
		for (uint32_t i = 0; i < QUERIES; i++)
			q[i] = rule_gen_near(&g, rules, RULES);
		for (int round = 0; round < 400; round++) {
			char *t = text[pkt_rand_below(&g.rand, RULES)];
			size_t at =
				pkt_rand_below(&g.rand, (uint32_t)strlen(t));
			char was = t[at];
			struct rule_error err;
			struct rule r;

			t[at] = (char)(1 + pkt_rand_below(&g.rand, 255));
			if (rule_parse(&r, 0, t, strlen(t),
				       (enum rule_family)family, &err)) {
				damaged++;
				CU_ASSERT_EQUAL(
					accepted_with(text, RULES,
						      (enum rule_family)family,
						      q, QUERIES),
					0);
			}
			t[at] = was;
		}
		CU_ASSERT(damaged > 100);
	}
}

/* ---- what a query's fields mean ---------------------------------------- */

static void R111_ports_never_let_a_protocol_without_ports_through(void)
{
	static const char *const text[] = {
		"action=accept dstports=0-65535", "action=accept proto=tcp",
		"action=accept proto=udp dst4=10.0.0.0/8 dstports=1-65535", NULL
	};
	struct rule_kit k;

	rule_kit_init(&k, RULE_IP4);
	rule_kit_rules(&k, text);
	rule_kit_build(&k);
	for (int proto = 0; proto < 256; proto++)
		for (int port = 0; port < 256; port += 51) {
			char q[64];

			sprintf(q, "%d 10.1.2.3 %d", proto, port);
			CU_ASSERT_EQUAL(rule_kit_ask(&k, q).action,
					proto == 6 || proto == 17 ? RULE_ACCEPT
								  : RULE_DROP);
		}
	rule_kit_fini(&k);
}

static void every_icmp_type_is_matched_by_its_own_rule_alone(void)
{
	struct rule_kit k;
	char text[64];

	rule_kit_init(&k, RULE_IP6);
	rule_kit_policy(&k, "drop", 4);
	for (int type = 0; type < 256; type += 2) {
		sprintf(text, "action=accept proto=icmp icmptype=%d", type);
		CU_ASSERT_EQUAL(rule_kit_rule(&k, (uint32_t)type, text,
					      strlen(text)),
				0);
	}
	rule_kit_build(&k);
	for (int type = 0; type < 256; type++) {
		sprintf(text, "icmp 2001:db8::1 %d", type);
		CU_ASSERT_EQUAL(rule_kit_ask(&k, text).action,
				type % 2 ? RULE_DROP : RULE_ACCEPT);
	}
	rule_kit_fini(&k);
}

static void every_prefix_length_ends_where_it_should(void)
{
	for (int len = 0; len <= 128; len++) {
		struct rule_kit k;
		struct rule_query q = { .proto = 6 };
		char text[80];

		rule_kit_init(&k, RULE_IP6);
		rule_kit_policy(&k, "drop", 4);
		sprintf(text,
			"action=accept dst6=5555:5555:5555:5555:5555:5555:"
			"5555:5555/%d",
			len);
		CU_ASSERT_EQUAL(rule_kit_rule(&k, 0, text, strlen(text)), 0);
		rule_kit_build(&k);
		for (int bit = 0; bit < 128; bit++) {
			memset(&q.dst, 0x55, sizeof(q.dst));
			q.dst.b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			CU_ASSERT_EQUAL(ruleset_eval(k.set, &q).action,
					bit < len ? RULE_DROP : RULE_ACCEPT);
		}
		rule_kit_fini(&k);
	}
}

UNIT_SUITE(rule_set, UNIT(R120_the_first_match_wins_then_the_policy),
	   UNIT(R120_one_bad_rule_or_no_policy_closes_the_set_and_no_other),
	   UNIT(a_closed_set_is_small_and_refuses_everything),
	   UNIT(rules_may_come_in_any_order_and_with_gaps_in_numbers),
	   UNIT(R124_the_same_rules_give_the_same_bytes),
	   UNIT(R125_dns_means_the_servers_given_port_53_and_both_protocols),
	   UNIT(R126_a_name_not_resolved_accepts_nothing_and_drops_all),
	   UNIT(R126_a_name_has_at_most_so_many_addresses),
	   UNIT(too_little_memory_is_an_error_at_any_length),
	   UNIT(the_size_announced_is_enough_whatever_the_rules),
	   UNIT(the_size_announced_is_enough_for_greedy_rules_too),
	   UNIT(ten_thousand_rules_take_four_mib_at_most),
	   UNIT(A8_a_set_has_so_many_rules_and_no_more),
	   UNIT(A8_names_may_not_stand_for_too_many_addresses_together),
	   UNIT(rules_that_no_text_gives_are_refused),
	   UNIT(D4_a_damaged_byte_never_widens_what_is_accepted),
	   UNIT(R111_ports_never_let_a_protocol_without_ports_through),
	   UNIT(every_icmp_type_is_matched_by_its_own_rule_alone),
	   UNIT(every_prefix_length_ends_where_it_should))
