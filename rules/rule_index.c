/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/rule_index.h"

#include <errno.h>
#include <string.h>

#include "rules/rule_sort.h"

static size_t steps_max(size_t items)
{
	return 2 * (items + 1) + 2;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t cost(size_t n, size_t size)
{
	return pkt_arena_cost(n * size);
}

size_t rule_index_scratch(uint32_t items, uint32_t rules)
{
	size_t word = sizeof(uint32_t), n = items;

	return cost(n, sizeof(struct rule_item)) +
	       cost(larger(n, rules), word) +
	       cost(n + 1, sizeof(struct rule_node)) +
	       cost((n + 1) * RULE_CUTS_MAX, sizeof(struct rule_cut)) +
	       cost(n + 1 + RULE_CUTS_MAX, sizeof(struct rule_cut)) +
	       cost(n + 1, sizeof(struct rule_range)) +
	       cost(n + 1, sizeof(struct rule_base)) +
	       cost(n + 1, sizeof(struct rule_job)) +
	       cost(steps_max(n), word) * 7 +
	       cost(larger(steps_max(n), rules), word);
}

static void *take(struct pkt_arena *a, size_t n, size_t size)
{
	void *piece = pkt_arena_take(a, n * size);

	vw_assert(piece);
	return piece;
}

static void take_steps(struct rule_steps *s, struct pkt_arena *a, size_t items)
{
	s->start = take(a, steps_max(items), sizeof(*s->start));
	s->value = take(a, steps_max(items), sizeof(*s->value));
}

int rule_index_init(struct rule_index *x, struct pkt_arena *a, uint32_t items,
		    uint32_t rules)
{
	size_t word = sizeof(uint32_t), n = items;

	if (rule_index_scratch(items, rules) > a->len - a->used)
		return -ENOSPC;
	x->items.item = take(a, n, sizeof(struct rule_item));
	x->items.max = items;
	x->order = take(a, larger(n, rules), word);
	x->node = take(a, n + 1, sizeof(struct rule_node));
	x->cuts = take(a, (n + 1) * RULE_CUTS_MAX, sizeof(struct rule_cut));
	x->merged = take(a, n + 1 + RULE_CUTS_MAX, sizeof(struct rule_cut));
	x->range = take(a, n + 1, sizeof(struct rule_range));
	x->base = take(a, n + 1, sizeof(struct rule_base));
	x->job = take(a, n + 1, sizeof(struct rule_job));
	x->job_max = items + 1;
	take_steps(&x->paint.steps, a, n);
	take_steps(&x->below, a, n);
	take_steps(&x->both, a, n);
	x->paint.next = take(a, steps_max(n), word);
	x->paint.tmp = take(a, larger(steps_max(n), rules), word);
	return 0;
}

/*
 * How large a set of so many items (one prefix, one service each) can get.
 *
 * Each has a record.  There are no more address maps than nodes, because the
 * end of a prefix is in each, or it parts two sets of nodes; so two entries and
 * five ranges for each node.  A range costs 4 bytes for its value and about 2
 * for its start, a map up to 107 beside them; bitmaps are for ADDRESS_LIST_MAX
 * ranges or more, so they add 10 bytes to each, but for the first map, which
 * becomes one sooner.
 *
 * The bases that must be there are one for every second node, made for the
 * others, with RULE_CUTS_MAX cuts or less in three maps of at most 104 bytes,
 * or have more than so many cuts of their own, which is less for each item.
 * More is in them only within the budget.
 */
#define RANGE 15u
#define MAP 95u
#define BASES 190u

size_t rule_index_bound(uint32_t items)
{
	size_t address_maps = MAP + 5 * RANGE;
	size_t each = sizeof(struct rule_record) + address_maps + BASES;
	size_t least = (items + 8) * each;

	if (2 * items + 3 > RULE_ROOT_LIST_MAX)
		least += 10 * RULE_BIT_WORDS;
	return larger(least, rule_layer_budget(items));
}

/* ---- nodes ------------------------------------------------------------ */

static bool prefix_before(const void *ctx, uint32_t a, uint32_t b)
{
	const struct rule_item *item = ctx;
	int c = memcmp(&item[a].addr, &item[b].addr, sizeof(item->addr));

	return c ? c < 0 : item[a].len < item[b].len;
}

static bool holds(const struct rule_item *outer, const struct rule_item *inner)
{
	size_t whole = outer->len / 8u;
	uint8_t mask = (uint8_t)(0xff00 >> outer->len % 8);

	if (outer->len > inner->len ||
	    memcmp(outer->addr.b, inner->addr.b, whole) != 0)
		return false;
	return whole == sizeof(outer->addr.b) ||
	       ((outer->addr.b[whole] ^ inner->addr.b[whole]) & mask) == 0;
}

void rule_index_gather(struct rule_index *x)
{
	const struct rule_item *item = x->items.item;
	uint8_t any_len = x->set->family == RULE_IP4 ? 96 : 0;
	uint32_t n = x->items.n;

	for (uint32_t i = 0; i < n; i++)
		x->order[i] = i;
	rule_sort(x->order, n, x->paint.tmp, prefix_before, item);
	memset(&x->node[0], 0, sizeof(x->node[0]));
	x->node_n = 1;
	for (uint32_t i = 0; i < n; i++) {
		struct rule_node *last = &x->node[x->node_n - 1];
		uint32_t up = x->node_n - 1;
		const struct rule_item *it = &item[x->order[i]];

		if (it->len == any_len ||
		    (last->own &&
		     !prefix_before(item, x->order[i - 1], x->order[i]))) {
			last->own++;
			continue;
		}
		while (up && !holds(rule_node_item(x, up), it))
			up = x->node[up].parent;
		x->node[x->node_n++] =
			(struct rule_node){ .item = i, .own = 1, .parent = up };
	}
}
