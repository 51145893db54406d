/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rules cost: one look-up, and building a set.
 *
 *	bench_rules [SEED [NAME]]	only the shape of that name
 *
 * Rules as people write them ("rules"), and all different in prefix and ports
 * ("rules.apart"); and shapes that nobody writes, each hard for some index
 * ("rules.NAME", tests/mock/rule_shape.h).  All for IPv4, and for IPv6 as
 * "rules6".  Packets aim at random rules, at their addresses on other ports,
 * and anywhere.  Each figure is the least of many repetitions over the same
 * QUERIES packets, too many for the processor to learn; the process stays on
 * one CPU.  Lines are name=number; ratio_10000_to_10 is what a thousand times
 * the rules cost.  Last, what many clients with many rules take together.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mock/rule_gen.h"
#include "mock/rule_shape.h"
#include "packet/pkt_arena.h"
#include "packet/pkt_assert.h"

#define QUERIES 65536u
#define REPS 30
#define BUILD_REPS 5

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

/* Mixed, apart, then the shapes. */
#define KINDS (2 + RULE_SHAPES)

struct bench {
	char name[32];
	struct rule_gen gen;
	uint32_t n;
	struct rule *rules;
	struct rule_query *query;
	struct rule_env env;
	void *mem, *scratch;
	size_t size, scratch_size, used;
};

static void name_it(struct bench *b, uint32_t kind)
{
	const char *shape = kind > 1 ? rule_shapes[kind - 2].name : "apart";

	snprintf(b->name, sizeof(b->name), "rules%s%s%s",
		 b->gen.family == RULE_IP6 ? "6" : "", kind ? "." : "",
		 kind ? shape : "");
}

static void prepare(struct bench *b, uint32_t kind)
{
	rule_gen_env(&b->env, b->gen.family);
	b->rules = room(b->n * sizeof(*b->rules));
	if (kind < 2)
		rule_gen_rules(&b->gen, b->rules, b->n);
	else
		rule_shape_rules(&b->gen, &rule_shapes[kind - 2], b->rules,
				 b->n);
	b->query = room(QUERIES * sizeof(*b->query));
	for (uint32_t i = 0; i < QUERIES; i++)
		b->query[i] = rule_shape_query(&b->gen, b->rules, b->n);
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

/* How long a verdict takes. */
static double run(struct bench *b, uint32_t kind, uint64_t seed)
{
	uint32_t matched, n = b->n;
	double ns;

	rule_gen_init(&b->gen, kind ? RULE_GEN_APART : RULE_GEN_MIXED,
		      b->gen.family, seed);
	prepare(b, kind);
	ns = build_ns(b);
	printf("%s.build_ms.%u=%.3f\n", b->name, n, ns / 1e6);
	printf("%s.bytes.%u=%zu\n", b->name, n, b->used);
	printf("%s.bytes_max.%u=%zu\n", b->name, n, b->size);
	printf("%s.scratch_bytes.%u=%zu\n", b->name, n, b->scratch_size);
	ns = eval_ns(b, &matched);
	printf("%s.ns.%u=%.1f\n", b->name, n, ns);
	printf("%s.matched.%u=%.3f\n", b->name, n, (double)matched / QUERIES);
	free(b->mem);
	free(b->scratch);
	free(b->rules);
	free(b->query);
	return ns;
}

static void run_sizes(uint32_t kind, enum rule_family family, uint64_t seed,
		      const char *only)
{
	static const uint32_t sizes[] = { 10, 100, 1000, 10000 };
	double ns[sizeof(sizes) / sizeof(sizes[0])];
	struct bench b = { .gen.family = family };

	name_it(&b, kind);
	if (only && strcmp(only, b.name) != 0)
		return;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		b.n = sizes[i];
		ns[i] = run(&b, kind, seed);
	}
	printf("%s.ratio_10000_to_10=%.3f\n", b.name, ns[3] / ns[0]);
}

/* Fifty clients with five thousand rules each. */
static void run_clients(uint64_t seed)
{
	double ns = 0;
	size_t bytes = 0;

	for (uint64_t i = 0; i < 50; i++) {
		struct bench b = { .n = 5000 };

		rule_gen_init(&b.gen, RULE_GEN_MIXED, RULE_IP4, seed + i);
		prepare(&b, 0);
		ns += build_ns(&b);
		bytes += b.used;
		free(b.mem);
		free(b.scratch);
		free(b.rules);
		free(b.query);
	}
	printf("rules.clients.build_ms.50=%.1f\n", ns / 1e6);
	printf("rules.clients.bytes.50=%zu\n", bytes);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	const char *only = argc > 2 ? argv[2] : NULL;

	stay_on_one_cpu();
	for (uint32_t kind = 0; kind < KINDS; kind++) {
		run_sizes(kind, RULE_IP4, seed, only);
		run_sizes(kind, RULE_IP6, seed, only);
	}
	if (!only)
		run_clients(seed);
	return 0;
}
