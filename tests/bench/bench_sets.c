/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a profile costs that refuses a set of addresses, by processor time:
 *
 *	bench_sets [SEED]
 *
 * Sets of IPv4 prefixes of 16 to 32 bits, anywhere.  ns: one question, half of
 * them about addresses in the set; build_ms: from prefixes in no order;
 * check_ms: before the process that judges packets believes it; bytes: all of
 * it.  Each is the least of several rounds; lines are name=number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "packet/pkt_assert.h"
#include "rules/profile.h"

#define QUERIES 65536u
#define ROUNDS 10
#define MOST ADDR_SET_PREFIXES_MAX

static struct pkt_prefix prefix[MOST];
static struct profile_query query[QUERIES];
static uint32_t order[MOST], tmp[MOST];

_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct pkt_addr anywhere(void)
{
	struct pkt_addr a = { .b = { [10] = 0xff, [11] = 0xff } };

	for (int i = 12; i < 16; i++)
		a.b[i] = (uint8_t)(random() >> 8);
	return a;
}

static void draw(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		prefix[i].addr = anywhere();
		prefix[i].len = (uint8_t)(96 + 16 + random() % 17);
	}
	for (uint32_t i = 0; i < QUERIES; i++)
		query[i].q = (struct rule_query){
			.dst = i & 1 ? anywhere()
				     : prefix[(uint32_t)random() % n].addr,
			.dport = 443,
			.proto = 6,
		};
}

static void least(double *figure, double ns)
{
	*figure = ns < *figure ? ns : *figure;
}

static void run(uint32_t n)
{
	static const char text[] = "action=drop dst=s";
	const struct profiles_set set = { .name = "s",
					  .prefix = prefix,
					  .n = n };
	struct profiles_rule rule = { .profile = "p" };
	const struct profiles_in in = { &set, 1, &rule, 1 };
	double ask = 1e18, build = 1e18, check = 1e18;
	const struct profiles *p = NULL;
	struct profile_error e;
	uint32_t bad, refused = 0;
	size_t used = 0;
	void *mem;

	draw(n);
	vw_assert(!profile_parse(&rule.text, text, sizeof(text) - 1, &e));
	mem = malloc(profiles_size(&in));
	vw_assert(mem);
	for (int round = 0; round < ROUNDS; round++) {
		double t = cpu_ns();

		vw_assert(!profiles_build(mem, &used, &in, order, tmp, &bad));
		least(&build, cpu_ns() - t);
		t = cpu_ns();
		p = profiles_check(mem, used);
		least(&check, cpu_ns() - t);
		vw_assert(p);
		t = cpu_ns();
		refused = 0;
		for (uint32_t i = 0; i < QUERIES; i++)
			refused += profiles_eval(p, 0, &query[i]).refused;
		least(&ask, cpu_ns() - t);
	}
	vw_assert(refused >= QUERIES / 2);
	printf("sets.ns.%u=%.1f\n", n, ask / QUERIES);
	printf("sets.build_ms.%u=%.3f\n", n, build / 1e6);
	printf("sets.check_ms.%u=%.3f\n", n, check / 1e6);
	printf("sets.bytes.%u=%zu\n", n, used);
	free(mem);
}

int main(int argc, char **argv)
{
	srandom(argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 0) : 1);
	run(10);
	run(1000);
	run(100000);
	return 0;
}
