/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdalign.h>
#include <string.h>

#include "rules/rule_block.h"
#include "rules/rule_index.h"
#include "rules/rule_sort.h"

/* How many items the rules will be; one that nobody can build counts none. */
static uint32_t count_items(const struct rule *rules, uint32_t n,
			    const struct rule_env *env)
{
	struct rule_items items = { .max = RULESET_ITEM_MAX };

	for (uint32_t i = 0; i < n && i < RULE_SET_MAX; i++) {
		const struct rule *r = &rules[i];

		if (rule_valid(r, (enum rule_family)r->family))
			continue;
		if (rule_expand(&items, r, 0, env))
			break;
	}
	return items.n;
}

/* Numbers, and what is left to where records may begin. */
static size_t numbers_size(uint32_t n)
{
	size_t end = sizeof(struct ruleset) + n * sizeof(uint32_t);

	end = (end + RULE_RECORD_ALIGN - 1) & ~(size_t)(RULE_RECORD_ALIGN - 1);
	return end - sizeof(struct ruleset);
}

size_t ruleset_size(const struct rule *rules, uint32_t n,
		    const struct rule_env *env)
{
	return sizeof(struct ruleset) + numbers_size(n) +
	       rule_index_bound(count_items(rules, n, env));
}

size_t ruleset_scratch_size(const struct rule *rules, uint32_t n,
			    const struct rule_env *env)
{
	return PKT_ARENA_ALIGN +
	       rule_index_scratch(count_items(rules, n, env), n);
}

/* An arena in memory that may be aligned to anything. */
static int scratch_init(struct pkt_arena *a, void *scratch, size_t len)
{
	size_t skip = -(uintptr_t)scratch & (PKT_ARENA_ALIGN - 1);

	if (len < skip)
		return -ENOSPC;
	pkt_arena_init(a, (uint8_t *)scratch + skip, len - skip);
	return 0;
}

static bool number_before(const void *ctx, uint32_t a, uint32_t b)
{
	const struct rule *rules = ctx;

	return rules[a].number < rules[b].number;
}

/* Puts the rules in order, their numbers into the set, their items into @x. */
static int read_rules(struct rule_index *x, uint32_t *number,
		      const struct rule *rules, uint32_t n,
		      const struct rule_env *env)
{
	uint32_t *order = x->order;

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	rule_sort(order, n, x->paint.tmp, number_before, rules);
	for (uint32_t i = 0; i < n; i++) {
		const struct rule *r = &rules[order[i]];
		int rc = rule_valid(r, (enum rule_family)x->set->family);

		if (rc || (i && r->number == number[i - 1]))
			return -EINVAL;
		number[i] = r->number;
		rc = rule_expand(&x->items, r, rule_value(i, r->action), env);
		if (rc)
			return rc;
	}
	return 0;
}

static struct ruleset *begin(struct rule_out *out, enum rule_family family,
			     uint32_t n)
{
	struct ruleset *s = rule_out_take(out, sizeof(*s));

	if (!s)
		return NULL;
	s->magic = RULESET_MAGIC;
	s->family = (uint8_t)family;
	s->rules_n = n;
	s->numbers = (uint32_t)out->used;
	return rule_out_take(out, numbers_size(n)) ? s : NULL;
}

static int finish(struct rule_index *x, enum rule_action policy, size_t *used)
{
	int rc;

	x->policy = (uint16_t)(RULE_VALUE_POLICY | (uint32_t)policy);
	rule_index_gather(x);
	rc = rule_index_write(x);
	if (rc)
		return rc;
	x->set->len = (uint32_t)x->out.used;
	*used = x->out.used;
	return 0;
}

int ruleset_build(void *mem, size_t len, size_t *used, enum rule_family family,
		  enum rule_action policy, const struct rule *rules, uint32_t n,
		  const struct rule_env *env, void *scratch, size_t scratch_len)
{
	struct rule_index x = { .out = { .mem = mem, .room = len } };
	struct pkt_arena arena;
	int rc;

	vw_assert((uintptr_t)mem % RULESET_ALIGN == 0);
	if (n > RULE_SET_MAX)
		return -E2BIG;
	rc = scratch_init(&arena, scratch, scratch_len);
	if (!rc)
		rc = rule_index_init(&x, &arena, count_items(rules, n, env), n);
	if (rc)
		return rc;
	x.set = begin(&x.out, family, n);
	if (!x.set)
		return -ENOSPC;
	rc = read_rules(&x, (uint32_t *)(void *)(x.out.mem + x.set->numbers),
			rules, n, env);
	return rc ? rc : finish(&x, policy, used);
}

int ruleset_build_closed(void *mem, size_t len, size_t *used,
			 enum rule_family family)
{
	alignas(PKT_ARENA_ALIGN) uint8_t scratch[2048];
	struct rule_index x = { .out = { .mem = mem, .room = len } };
	struct pkt_arena arena;
	int rc;

	pkt_arena_init(&arena, scratch, sizeof(scratch));
	rc = rule_index_init(&x, &arena, 0, 0);
	vw_assert(!rc);
	x.set = begin(&x.out, family, 0);
	if (!x.set)
		return -ENOSPC;
	x.set->closed = true;
	return finish(&x, RULE_DROP, used);
}
