/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets against their slow model (R129): random rules, random packets near and
 * far, every answer compared.  UNIT_SOAK=n makes it n times as long.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mock/rule_gen.h"
#include "mock/rule_shape.h"
#include "model/model_rules.h"
#include "packet/pkt_arena.h"
#include "rules/rule.h"
#include "unit.h"

/* A set built into memory of exactly the size that it needs. */
struct built {
	void *mem;
	size_t used;
	const struct ruleset *set;
};

static struct built build(const struct rule *rules, uint32_t n,
			  enum rule_family family, enum rule_action policy,
			  const struct rule_env *env)
{
	size_t size = ruleset_size(rules, n, env);
	size_t scratch_size = ruleset_scratch_size(rules, n, env);
	size_t aligned = pkt_arena_cost(scratch_size);
	void *scratch = aligned_alloc(PKT_ARENA_ALIGN, aligned ? aligned : 64);
	void *mem = malloc(size);
	struct built b = { 0 };
	int rc;

	rc = ruleset_build(mem, size, &b.used, family, policy, rules, n, env,
			   scratch, scratch_size);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	CU_ASSERT_FATAL(b.used <= size);
	b.mem = malloc(b.used);
	memcpy(b.mem, mem, b.used);
	b.set = ruleset_check(b.mem, b.used);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b.set);
	free(mem);
	free(scratch);
	return b;
}

static bool same(struct rule_answer a, struct rule_answer b)
{
	return a.action == b.action && a.reason == b.reason && a.idx == b.idx;
}

static void show(const struct rule *rules, uint32_t n,
		 const struct rule_query *q, struct rule_answer model,
		 struct rule_answer set)
{
	char text[PKT_ADDR_TEXT], rule[RULE_TEXT_MAX];

	printf("\nproto %u dst %s port %u type %u: model %u/%u, set %u/%u\n",
	       q->proto, pkt_addr_print(text, &q->dst), q->dport, q->icmp_type,
	       model.action, model.idx, set.action, set.idx);
	for (uint32_t i = 0; i < n && i < 100; i++)
		if (rule_print(rule, sizeof(rule), &rules[i]) > 0)
			printf("  %04u %s\n", rules[i].number, rule);
}

/* One set, @queries packets; stops at the first difference. */
static bool twin_of(struct rule_gen *g, const struct rule *rules, uint32_t n,
		    uint32_t queries)
{
	enum rule_action policy = (enum rule_action)(n % 2);
	struct rule_env env;
	struct built b;
	bool ok = true;

	rule_gen_env(&env, g->family);
	b = build(rules, n, g->family, policy, &env);
	for (uint32_t i = 0; ok && i < queries; i++) {
		struct rule_query q = i % 8 ? rule_gen_near(g, rules, n)
					    : rule_shape_query(g, rules, n);
		struct rule_answer want, got = ruleset_eval(b.set, &q);

		want = model_rules_eval(rules, n, g->family, policy, &env, &q);
		ok = same(want, got);
		if (!ok)
			show(rules, n, &q, want, got);
	}
	free(b.mem);
	return ok;
}

static bool twin(struct rule_gen *g, uint32_t n, uint32_t queries)
{
	struct rule *rules = calloc(n + 1, sizeof(*rules));
	bool ok;

	rule_gen_rules(g, rules, n);
	ok = twin_of(g, rules, n, queries);
	free(rules);
	return ok;
}

static void compare(enum rule_gen_kind kind, uint32_t n_max, uint32_t sets,
		    uint32_t queries)
{
	struct rule_gen g;
	bool ok = true;

	for (int family = RULE_IP4; family <= RULE_IP6; family++) {
		rule_gen_init(&g, kind, (enum rule_family)family,
			      unit_seed() + (unsigned long)family);
		g.names = 10;
		for (uint32_t i = 0; ok && i < sets * unit_soak(); i++)
			ok = twin(&g, pkt_rand_below(&g.rand, n_max + 1),
				  queries);
	}
	CU_ASSERT(ok);
}

static void R129_small_crowded_sets_answer_as_the_model(void)
{
	compare(RULE_GEN_CROWDED, 12, 2000, 200);
}

static void R129_larger_crowded_sets_answer_as_the_model(void)
{
	compare(RULE_GEN_CROWDED, 300, 60, 600);
}

static void R129_mixed_sets_answer_as_the_model(void)
{
	compare(RULE_GEN_MIXED, 400, 60, 500);
}

static void R129_sets_of_all_different_rules_answer_as_the_model(void)
{
	compare(RULE_GEN_APART, 400, 60, 500);
}

static void R129_big_sets_answer_as_the_model(void)
{
	for (int kind = 0; kind < RULE_GEN_N; kind++)
		compare((enum rule_gen_kind)kind, 6000, 1, 1000);
}

static void compare_shapes(uint32_t n, uint32_t queries)
{
	struct rule *rules = calloc(n, sizeof(*rules));
	struct rule_gen g;

	for (int family = RULE_IP4; family <= RULE_IP6; family++)
		for (uint32_t i = 0; i < RULE_SHAPES; i++) {
			rule_gen_init(&g, RULE_GEN_APART,
				      (enum rule_family)family,
				      unit_seed() + i);
			rule_shape_rules(&g, &rule_shapes[i], rules, n);
			CU_ASSERT(twin_of(&g, rules, n, queries));
		}
	free(rules);
}

static void R129_hard_shapes_answer_as_the_model(void)
{
	static const uint32_t n[] = { 1, 10, 33, 100, 600, 2500 };

	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++)
		compare_shapes(n[i], 300);
}

/* Too large and nested for bases with everything in them. */
static void R129_shapes_over_the_budget_answer_as_the_model(void)
{
	compare_shapes(10000, 200);
}

UNIT_SUITE(rule_twin, UNIT(R129_small_crowded_sets_answer_as_the_model),
	   UNIT(R129_larger_crowded_sets_answer_as_the_model),
	   UNIT(R129_mixed_sets_answer_as_the_model),
	   UNIT(R129_sets_of_all_different_rules_answer_as_the_model),
	   UNIT(R129_big_sets_answer_as_the_model),
	   UNIT(R129_hard_shapes_answer_as_the_model),
	   UNIT(R129_shapes_over_the_budget_answer_as_the_model))
