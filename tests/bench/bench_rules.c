/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rules cost: one look-up, and building a set.
 *
 *	bench_rules [SEED]
 *
 * Rules as people write them ("rules"), and all different in prefix and ports
 * ("rules.apart"), for both families; and the worst for this index
 * ("rules.nested"): prefixes of every length inside each other, each with as
 * many single ports.  Half of the packets aim at a random rule, half go
 * anywhere and mostly meet the policy.  Each figure is the least
 * of many repetitions over the same QUERIES packets; the process stays on one
 * CPU.  Lines are name=number.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "mock/rule_gen.h"
#include "packet/pkt_arena.h"
#include "packet/pkt_assert.h"

#define QUERIES 65536u
#define REPS 40
#define BUILD_REPS 10

_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *room(size_t n)
{
	void *p = aligned_alloc(PKT_ARENA_ALIGN, pkt_arena_cost(n ? n : 1));

	if (!p)
		abort();
	return p;
}

static void stay_on_one_cpu(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : (size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("sched_setaffinity");
}

struct bench {
	const char *name;
	struct rule_gen gen;
	uint32_t n;
	bool nested;
	struct rule *rules;
	struct rule_query *query;
	struct rule_env env;
	void *mem, *scratch;
	size_t size, scratch_size, used;
};

/* All around one address, so that every prefix may have to be asked. */
static void nest(struct bench *b)
{
	bool v4 = b->gen.family == RULE_IP4;
	uint32_t lens = v4 ? 32 : 128;

	for (uint32_t i = 0; i < b->n; i++) {
		struct rule *r = &b->rules[i];

		*r = (struct rule){ .number = i,
				    .family = (uint8_t)b->gen.family,
				    .action = RULE_ACCEPT,
				    .dst = RULE_DST_PREFIX,
				    .proto = 6,
				    .has_ports = true,
				    .icmp_type = -1 };
		r->port_lo = r->port_hi = (uint16_t)(i * 6 + 1);
		r->prefix.addr = v4 ? pkt_addr_v4((uint8_t[]){ 10, 1, 2, 3 })
				    : (struct pkt_addr){ { 0x20, 1, 0xd } };
		r->prefix.len = (uint8_t)(128 - i % lens);
	}
}

static void prepare(struct bench *b)
{
	rule_gen_env(&b->env, b->gen.family);
	b->rules = room(b->n * sizeof(*b->rules));
	rule_gen_rules(&b->gen, b->rules, b->n);
	if (b->nested)
		nest(b);
	b->query = room(QUERIES * sizeof(*b->query));
	for (uint32_t i = 0; i < QUERIES; i++) {
		b->query[i] = i % 2 ? rule_gen_far(&b->gen)
				    : rule_gen_near(&b->gen, b->rules, b->n);
		if (b->nested) /* innermost: inside all of them */
			b->query[i].dst = b->rules[0].prefix.addr;
	}
	b->size = ruleset_size(b->rules, b->n, &b->env);
	b->scratch_size = ruleset_scratch_size(b->rules, b->n, &b->env);
	b->mem = room(b->size);
	b->scratch = room(b->scratch_size);
}

static double build_ns(struct bench *b)
{
	double least = 1e18;

	for (int rep = 0; rep < BUILD_REPS; rep++) {
		double t = now_ns();

		if (ruleset_build(b->mem, b->size, &b->used, b->gen.family,
				  RULE_DROP, b->rules, b->n, &b->env,
				  b->scratch, b->scratch_size) ||
		    !ruleset_check(b->mem, b->used))
			abort();
		t = now_ns() - t;
		least = t < least ? t : least;
	}
	return least;
}

static double eval_ns(const struct bench *b, uint32_t *matched)
{
	const struct ruleset *s = ruleset_check(b->mem, b->used);
	double least = 1e18;

	for (int rep = 0; rep < REPS; rep++) {
		double t = now_ns();

		*matched = 0;
		for (uint32_t i = 0; i < QUERIES; i++)
			*matched += ruleset_eval(s, &b->query[i]).idx !=
				    RULE_IDX_POLICY;
		t = now_ns() - t;
		least = t < least ? t : least;
	}
	return least / QUERIES;
}

static void run(const char *name, enum rule_gen_kind kind,
		enum rule_family family, uint32_t n, uint64_t seed)
{
	struct bench b = { .name = name, .n = n, .nested = kind == RULE_GEN_N };
	uint32_t matched;
	double ns;

	rule_gen_init(&b.gen, b.nested ? RULE_GEN_APART : kind, family, seed);
	prepare(&b);
	ns = build_ns(&b);
	printf("%s.build_ms.%u=%.3f\n", name, n, ns / 1e6);
	printf("%s.bytes.%u=%zu\n", name, n, b.used);
	printf("%s.bytes_max.%u=%zu\n", name, n, b.size);
	printf("%s.scratch_bytes.%u=%zu\n", name, n, b.scratch_size);
	printf("%s.ns.%u=%.1f\n", name, n, eval_ns(&b, &matched));
	printf("%s.matched.%u=%.3f\n", name, n, (double)matched / QUERIES);
	free(b.mem);
	free(b.scratch);
	free(b.rules);
	free(b.query);
}

int main(int argc, char **argv)
{
	static const uint32_t sizes[] = { 10, 100, 1000, 10000 };
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;

	stay_on_one_cpu();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t n = sizes[i];

		run("rules", RULE_GEN_MIXED, RULE_IP4, n, seed);
		run("rules.apart", RULE_GEN_APART, RULE_IP4, n, seed);
		run("rules6", RULE_GEN_MIXED, RULE_IP6, n, seed);
		run("rules6.apart", RULE_GEN_APART, RULE_IP6, n, seed);
		run("rules.nested", RULE_GEN_N, RULE_IP4, n, seed);
		run("rules6.nested", RULE_GEN_N, RULE_IP6, n, seed);
	}
	return 0;
}
