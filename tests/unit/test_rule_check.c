/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets that were damaged on their way to another process: ruleset_check() must
 * refuse them, or asking them must stay inside (the address sanitizer watches)
 * and end.
 */
#include <stdlib.h>
#include <string.h>

#include "mock/rule_gen.h"
#include "mock/rule_kit.h"
#include "rules/rule_block.h"
#include "unit.h"

/* A set that has every kind of part: lists, port maps, bitmaps, deep maps. */
static void make(struct rule_kit *k, enum rule_gen_kind kind,
		 enum rule_family family, uint32_t n)
{
	struct rule_gen g;

	rule_kit_init(k, family);
	k->has_policy = true;
	k->n = n;
	rule_gen_init(&g, kind, family, 11 + n);
	rule_gen_rules(&g, k->rules, n);
	rule_kit_build(k);
}

/* Damage and restore is on a copy of exactly the set's size. */
struct copy {
	uint8_t *mem;
	size_t len;
	struct rule_query q[24];
	uint32_t passed; /* damaged and yet not refused */
};

static void copy_init(struct copy *c, const struct rule_kit *k,
		      enum rule_gen_kind kind)
{
	struct rule_gen g;

	rule_gen_init(&g, kind, k->family, unit_seed());
	for (size_t i = 0; i < sizeof(c->q) / sizeof(c->q[0]); i++)
		c->q[i] = rule_gen_near(&g, k->rules, k->n);
	c->len = k->used;
	c->mem = malloc(c->len);
	memcpy(c->mem, k->mem, c->len);
	c->passed = 0;
}

static void ask_all(struct copy *c, const struct ruleset *s)
{
	if (!s)
		return;
	c->passed++;
	for (size_t i = 0; i < sizeof(c->q) / sizeof(c->q[0]); i++) {
		struct rule_answer a = ruleset_eval(s, &c->q[i]);

		CU_ASSERT_FATAL(a.action <= RULE_ACCEPT);
		CU_ASSERT_FATAL(a.idx < ruleset_count(s) ||
				a.idx == RULE_IDX_POLICY);
	}
}

static void flip(struct copy *c, size_t at, uint8_t bits)
{
	c->mem[at] ^= bits;
	ask_all(c, ruleset_check(c->mem, c->len));
	c->mem[at] ^= bits;
}

static void every_flipped_bit_of_small_sets_is_refused_or_harmless(void)
{
	static const uint32_t n[] = { 0, 1, 3, 10, 40 };

	for (int family = RULE_IP4; family <= RULE_IP6; family++)
		for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
			struct rule_kit k;
			struct copy c;

			make(&k, RULE_GEN_CROWDED, (enum rule_family)family,
			     n[i]);
			copy_init(&c, &k, RULE_GEN_CROWDED);
			for (size_t bit = 0; bit < c.len * 8; bit++)
				flip(&c, bit / 8, (uint8_t)(1 << bit % 8));
			/* Values, addresses and ports cannot all be known. */
			CU_ASSERT(c.passed < c.len * 8);
			ask_all(&c, ruleset_check(c.mem, c.len));
			CU_ASSERT(c.passed > 0);
			free(c.mem);
			rule_kit_fini(&k);
		}
}

static void random_damage_to_big_sets_is_refused_or_harmless(void)
{
	struct pkt_rand rand;

	pkt_rand_seed(&rand, (const uint8_t *)"0123456789abcdef");
	for (int kind = 0; kind < RULE_GEN_N; kind++) {
		struct rule_kit k;
		struct copy c;

		make(&k, (enum rule_gen_kind)kind,
		     kind % 2 ? RULE_IP6 : RULE_IP4, 3000);
		copy_init(&c, &k, (enum rule_gen_kind)kind);
		for (unsigned long i = 0; i < 1500 * unit_soak(); i++) {
			size_t at = (size_t)(pkt_rand_u64(&rand) % c.len);

			/* The first bytes, where the offsets are, more often */
			if (i % 4 == 0)
				at %= sizeof(struct ruleset);
			flip(&c, at, (uint8_t)(1 + pkt_rand_below(&rand, 255)));
		}
		free(c.mem);
		rule_kit_fini(&k);
	}
}

static void a_set_cut_short_is_refused_and_a_longer_block_is_not(void)
{
	struct rule_kit k;
	uint8_t *longer;

	make(&k, RULE_GEN_MIXED, RULE_IP4, 60);
	for (size_t len = 0; len < k.used; len++) {
		void *exact = malloc(len ? len : 1);

		memcpy(exact, k.mem, len);
		CU_ASSERT_PTR_NULL(ruleset_check(exact, len));
		free(exact);
	}
	longer = malloc(k.used + 100);
	memcpy(longer, k.mem, k.used);
	memset(longer + k.used, 0xff, 100);
	CU_ASSERT_PTR_NOT_NULL(ruleset_check(longer, k.used + 100));
	CU_ASSERT_PTR_NULL(ruleset_check(longer + 1, k.used));
	free(longer);
	rule_kit_fini(&k);
}

/* Sets one field to several wrong values; each must be refused. */
#define REFUSED(k, field)                                                   \
	do {                                                                \
		uint32_t was_ = (uint32_t)(field);                          \
		static const uint32_t off_[] = {                            \
			1,   4,		8,   16,   32,	     4096,          \
			~0u, (~0u) - 3, ~7u, ~31u, 1u << 31, 1u << 30       \
		};                                                          \
		for (size_t i_ = 0; i_ < sizeof(off_) / 4; i_++) {          \
			(field) = was_ + off_[i_];                          \
			CU_ASSERT_PTR_NULL(                                 \
				ruleset_check((k)->mem, (k)->used));        \
		}                                                           \
		(field) = was_;                                             \
		CU_ASSERT_PTR_NOT_NULL(ruleset_check((k)->mem, (k)->used)); \
	} while (0)

static void every_offset_of_the_header_counts(void)
{
	struct rule_kit k;
	struct ruleset *s;

	make(&k, RULE_GEN_MIXED, RULE_IP6, 300);
	s = k.mem;
	REFUSED(&k, s->magic);
	REFUSED(&k, s->len);
	REFUSED(&k, s->numbers);
	REFUSED(&k, s->records);
	REFUSED(&k, s->bases);
	REFUSED(&k, s->maps);
	REFUSED(&k, s->ports);
	s->family = 2;
	CU_ASSERT_PTR_NULL(ruleset_check(k.mem, k.used));
	s->family = RULE_IP6;
	s->rules_n = RULE_SET_MAX + 1;
	CU_ASSERT_PTR_NULL(ruleset_check(k.mem, k.used));
	s->rules_n = 308; /* more numbers than there is room for */
	CU_ASSERT_PTR_NULL(ruleset_check(k.mem, k.used));
	rule_kit_fini(&k);
}

static void bases_that_would_go_in_circles_are_refused(void)
{
	struct rule_kit k;
	struct rule_record *r;
	struct rule_base *b;
	uint32_t n, records;

	make(&k, RULE_GEN_CROWDED, RULE_IP4, 200);
	r = (struct rule_record *)(void *)((uint8_t *)k.mem + k.set->records);
	b = (struct rule_base *)(void *)((uint8_t *)k.mem + k.set->bases);
	records = (k.set->maps - k.set->records) / (uint32_t)sizeof(*r);
	n = (k.set->len - k.set->bases) / (uint32_t)sizeof(*b);
	CU_ASSERT_FATAL(n > 3);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t from = b[i].from, link = b[i].link, out = b[i].outer;

		b[i].link = i;
		CU_ASSERT_PTR_NULL(ruleset_check(k.mem, k.used));
		b[i].link = link;
		if (!i)
			continue;
		b[i].from = i;
		CU_ASSERT_PTR_NULL(ruleset_check(k.mem, k.used));
		b[i].from = from;
		b[i].outer = records;
		CU_ASSERT_PTR_NULL(ruleset_check(k.mem, k.used));
		b[i].outer = out;
		for (uint32_t to = 0; to < records; to++) {
			if (r[to].base < i)
				continue;
			b[i].outer = to;
			CU_ASSERT_PTR_NULL(ruleset_check(k.mem, k.used));
		}
		b[i].outer = out;
	}
	b[0].len = 1;
	CU_ASSERT_PTR_NULL(ruleset_check(k.mem, k.used));
	b[0].len = 0;
	r[records - 1].base = n;
	CU_ASSERT_PTR_NULL(ruleset_check(k.mem, k.used));
	rule_kit_fini(&k);
}

/* What steps of this budget find, and how many it takes. */
static const struct ruleset *in_steps(const void *mem, size_t len,
				      uint32_t budget, uint32_t *steps)
{
	struct ruleset_walk w;
	enum check_state is;

	ruleset_check_begin(&w, mem, len);
	for (*steps = 1;; ++*steps) {
		uint32_t left = budget;

		is = ruleset_check_step(&w, &left);
		if (is != CHECK_ON)
			break;
		CU_ASSERT_EQUAL_FATAL(left, 0);
	}
	return is == CHECK_SOUND ? w.set : NULL;
}

static void steps_of_any_size_find_what_the_whole_walk_finds(void)
{
	static const uint32_t budget[] = { 1, 33, 1000, 16384 };
	uint32_t refused = 0, steps;

	for (unsigned long i = 0; i < 300 * unit_soak(); i++) {
		enum rule_gen_kind kind =
			(enum rule_gen_kind)(random() % RULE_GEN_N);
		struct rule_kit k;
		struct copy c;

		make(&k, kind, random() & 1 ? RULE_IP6 : RULE_IP4,
		     (uint32_t)random() % 300);
		copy_init(&c, &k, kind);
		for (uint32_t n = 0; n < 8; n++) {
			size_t at = (size_t)random() % c.len;
			uint8_t was = c.mem[at];
			const struct ruleset *whole;

			c.mem[at] ^= (uint8_t)(n ? 1u << random() % 8 : 0);
			whole = ruleset_check(c.mem, c.len);
			refused += !whole;
			CU_ASSERT(whole || n);
			CU_ASSERT_PTR_EQUAL(in_steps(c.mem, c.len,
						     budget[n % 4], &steps),
					    whole);
			c.mem[at] = was;
		}
		free(c.mem);
		rule_kit_fini(&k);
	}
	CU_ASSERT(refused > 300);
}

/* All but the numbers, which may be any, is read once; heads of maps twice. */
static void a_step_reads_what_it_may_and_little_more(void)
{
	for (uint32_t kind = 0; kind < RULE_GEN_N; kind++) {
		uint32_t budget = 16384, steps, bytes;
		struct rule_kit k;

		make(&k, (enum rule_gen_kind)kind, RULE_IP4, 10000);
		bytes = k.set->len - k.set->records;
		CU_ASSERT_PTR_EQUAL(in_steps(k.mem, k.used, budget, &steps),
				    k.set);
		CU_ASSERT(steps >= bytes / (budget + CHECK_OVER));
		CU_ASSERT(steps <= 2 * bytes / budget + 1);
		rule_kit_fini(&k);
	}
}

UNIT_SUITE(rule_check,
	   UNIT(every_flipped_bit_of_small_sets_is_refused_or_harmless),
	   UNIT(random_damage_to_big_sets_is_refused_or_harmless),
	   UNIT(a_set_cut_short_is_refused_and_a_longer_block_is_not),
	   UNIT(every_offset_of_the_header_counts),
	   UNIT(bases_that_would_go_in_circles_are_refused),
	   UNIT(steps_of_any_size_find_what_the_whole_walk_finds),
	   UNIT(a_step_reads_what_it_may_and_little_more))
