/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/rule_index.h"

#include <errno.h>
#include <string.h>

#include "rules/rule_sort.h"

/*
 * A record takes over the cuts of shorter prefixes while it holds at most
 * ABSORB times its own, or RULE_CUTS_MAX: most destinations then need one
 * record, and the copies cost memory in proportion to the rules.
 */
#define ABSORB 2u

static uint32_t absorb_max(uint32_t own)
{
	return ABSORB * own > RULE_CUTS_MAX ? ABSORB * own : RULE_CUTS_MAX;
}

/* Of all nodes: absorb_max(own) <= RULE_CUTS_MAX * own; and the policy. */
static size_t cuts_max(size_t items)
{
	return RULE_CUTS_MAX * items + 1;
}

static size_t paint_max(size_t items)
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
	       cost(cuts_max(n), sizeof(struct rule_cut)) +
	       cost(n + 1, sizeof(struct rule_range)) +
	       cost(n + 1, sizeof(struct rule_job)) +
	       cost(paint_max(n), word) * 3 +
	       cost(larger(paint_max(n), rules), word);
}

static void *take(struct pkt_arena *a, size_t n, size_t size)
{
	void *piece = pkt_arena_take(a, n * size);

	vw_assert(piece);
	return piece;
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
	x->cuts = take(a, cuts_max(n), sizeof(struct rule_cut));
	x->range = take(a, n + 1, sizeof(struct rule_range));
	x->job = take(a, n + 1, sizeof(struct rule_job));
	x->job_max = items + 1;
	x->paint.start = take(a, paint_max(n), word);
	x->paint.value = take(a, paint_max(n), word);
	x->paint.next = take(a, paint_max(n), word);
	x->paint.tmp = take(a, larger(paint_max(n), rules), word);
	return 0;
}

/*
 * How large a set of so many items (one prefix, one service each) can get.
 *
 * Each has a record, and a list of 64 bytes.  Or there are over RULE_CUTS_MAX
 * cuts, so at least 5 of the node's own; then it has port maps for TCP, UDP and
 * ICMP, with 2 * ABSORB ranges for each own cut.  Address maps: there are no
 * more of them than nodes, because the end of a prefix is in each, or it parts
 * two sets of nodes; so two entries and five ranges for each node.
 *
 * A range costs 4 bytes for its value and about 2 for its start, a map up to 75
 * beside them.  Bitmaps are for RULE_LIST_MAX ranges or more, so they add 10
 * bytes to each; ICMP has too few types for one.  The maps that every look-up
 * goes through become bitmaps sooner: those of record 0 for three classes, and
 * the first address map.
 */
#define LIST_RANGE 7u
#define RANGE 15u
#define MAP 75u

size_t rule_index_bound(uint32_t items)
{
	size_t port_maps =
		2 * ABSORB * (2 * RANGE + LIST_RANGE) + 3 * (RANGE + MAP) / 5;
	size_t address_maps = MAP + 5 * RANGE;
	size_t each = sizeof(struct rule_record) + sizeof(struct rule_refs) +
		      port_maps + address_maps;
	size_t bitmaps = 0;

	static_assert(RULE_CUTS_MAX / ABSORB + 1 == 5, "own cuts of a map");
	if (2 * items + 3 > RULE_ROOT_LIST_MAX)
		bitmaps = 4 * 10 * RULE_BIT_WORDS;
	return (items + 8) * each + bitmaps;
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

static void make_nodes(struct rule_index *x, uint8_t any_len)
{
	const struct rule_item *item = x->items.item;
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

/* ---- what each record holds ------------------------------------------- */

static bool takes_all(const struct rule_cut *c)
{
	return c->classes == RULE_CLASS_ALL && !c->lo && c->span == UINT16_MAX;
}

/* Merges the cuts of @from into those of @nd, which are the last in cuts[]. */
static void merge_cuts(struct rule_index *x, struct rule_node *nd,
		       const struct rule_node *from)
{
	struct rule_cut *to = x->cuts + nd->cut;
	const struct rule_cut *more = x->cuts + from->cut;
	uint32_t a = nd->cut_n, b = from->cut_n, out = a + b;

	while (b) {
		if (a && to[a - 1].value > more[b - 1].value)
			to[--out] = to[--a];
		else
			to[--out] = more[--b];
	}
	nd->cut_n += from->cut_n;
}

/* Nothing matters behind a cut that takes all; nor lower down the links. */
static void drop_hidden(struct rule_index *x, struct rule_node *nd)
{
	const struct rule_cut *c = x->cuts + nd->cut;
	const struct rule_node *link = &x->node[nd->link];
	uint32_t n = 0;

	nd->floor = RULE_VALUE_NONE;
	if (nd->link) {
		nd->floor = x->cuts[link->cut].value;
		if (link->floor < nd->floor)
			nd->floor = link->floor;
	}
	while (n < nd->cut_n && !takes_all(&c[n]))
		n++;
	if (n == nd->cut_n)
		return;
	nd->cut_n = n + 1;
	if (c[n].value < nd->floor) {
		nd->link = 0;
		nd->floor = RULE_VALUE_NONE;
	}
}

static void gather_cuts(struct rule_index *x, uint16_t policy)
{
	x->cuts_n = 0;
	for (uint32_t i = 0; i < x->node_n; i++) {
		struct rule_node *nd = &x->node[i];
		uint32_t max = absorb_max(nd->own);

		nd->cut = x->cuts_n;
		for (nd->cut_n = 0; nd->cut_n < nd->own; nd->cut_n++)
			x->cuts[nd->cut + nd->cut_n] =
				x->items.item[x->order[nd->item + nd->cut_n]]
					.cut;
		nd->link = nd->parent;
		while (nd->link && nd->cut_n + x->node[nd->link].cut_n <= max) {
			merge_cuts(x, nd, &x->node[nd->link]);
			nd->link = x->node[nd->link].link;
		}
		if (!i)
			x->cuts[nd->cut_n++] =
				(struct rule_cut){ .span = UINT16_MAX,
						   .value = policy,
						   .classes = RULE_CLASS_ALL };
		drop_hidden(x, nd);
		x->cuts_n = nd->cut + nd->cut_n;
	}
}

void rule_index_gather(struct rule_index *x, uint16_t policy)
{
	make_nodes(x, x->set->family == RULE_IP4 ? 96 : 0);
	gather_cuts(x, policy);
}
