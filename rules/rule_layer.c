/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "rules/rule_index.h"

/*
 * Which cuts a record holds by itself, and which are in its base.
 *
 * Nodes are visited outside in.  A record takes its own cuts and those of its
 * parent's record, less what can never be the first match, and names the same
 * base as its parent; that is all for most.  When they are too many, there is a
 * new base: for the parent's prefix with what the parent's record holds, or for
 * this one when its own cuts alone are too many.
 *
 * A base is laid over the base that its node would have named: its port maps
 * hold the least value of both, and nothing else need be asked.  This copies,
 * and prefixes that are many and nested would copy without end: 128 of them
 * around each other with 78 rules each are a million ranges.  So there is a
 * budget of bytes for a set.  When it is not enough, all bases are made anew
 * by a stricter plan, by which a base is only laid over one with at most so
 * many times its own ranges, and else links to it.  A lower factor means fewer
 * copies and longer chains of links.  The last plan copies nothing; it always
 * fits.
 */
struct plan {
	uint32_t factor;
	uint32_t list_max; /* starts in a port map before it is a bitmap */
};

static const struct plan plans[] = {
	{ UINT32_MAX, 255 }, { UINT32_MAX, 1023 }, { 64, 1023 },
	{ 16, 1023 },	     { 4, 1023 },	   { 0, 1023 },
};
#define PLANS (sizeof(plans) / sizeof(plans[0]))

size_t rule_layer_budget(uint32_t items)
{
	return 400 * (size_t)items + 32768;
}

/* ---- cuts ------------------------------------------------------------- */

/* Whether @b is never the first match, because @a, before it, always is. */
static bool covers(const struct rule_cut *a, const struct rule_cut *b)
{
	uint32_t missing = b->where & ~(uint32_t)a->where & RULE_CLASS_ALL;

	return !missing && a->lo <= b->lo &&
	       b->lo + b->span <= a->lo + a->span &&
	       rule_where_len(a->where) <= rule_where_len(b->where);
}

static bool covered(const struct rule_cut *list, uint32_t n,
		    const struct rule_cut *c)
{
	for (uint32_t i = 0; i < n; i++)
		if (covers(&list[i], c))
			return true;
	return false;
}

static const struct rule_cut *own_cut(const struct rule_index *x,
				      const struct rule_node *nd, uint32_t i)
{
	return &x->items.item[x->order[nd->item + i]].cut;
}

/*
 * The own cuts of a node and @more, by value, in x->merged; at most @max, and
 * then none that another covers.  How many, also when over @max.
 */
static uint32_t merge(struct rule_index *x, const struct rule_node *nd,
		      const struct rule_cut *more, uint32_t more_n,
		      uint32_t max)
{
	uint32_t a = 0, b = 0, n = 0;

	while (a < nd->own || b < more_n) {
		const struct rule_cut *c;

		if (b == more_n ||
		    (a < nd->own && own_cut(x, nd, a)->value <= more[b].value))
			c = own_cut(x, nd, a++);
		else
			c = &more[b++];
		if (max <= RULE_CUTS_MAX && covered(x->merged, n, c))
			continue;
		if (n == max)
			return max + 1;
		x->merged[n++] = *c;
	}
	return n;
}

/* ---- bases ------------------------------------------------------------ */

static bool same_cuts(const struct rule_cut *c, uint32_t n, uint8_t classes)
{
	for (uint32_t i = 0; i < n; i++)
		if ((c[i].where & classes) && (~c[i].where & classes))
			return false;
	return true;
}

static void paint_class(struct rule_index *x, const struct rule_cut *c,
			uint32_t n, enum rule_class class)
{
	uint32_t range_n = 0;

	while (n--) { /* the first match wins, so it is painted last */
		if (!(c[n].where >> class & 1))
			continue;
		x->range[range_n++] = (struct rule_range){
			.lo = c[n].lo,
			.hi = (uint16_t)(c[n].lo + c[n].span),
			.value = c[n].value,
		};
	}
	rule_paint(&x->paint, x->range, range_n, RULE_VALUE_NONE);
}

static void get_ref(struct rule_steps *out, const struct rule_index *x,
		    uint32_t ref)
{
	if (!(ref & 1)) {
		rule_map_get(out, (const void *)(x->out.mem + ref));
		return;
	}
	out->n = 1;
	out->start[0] = 0;
	out->value[0] = ref >> 1;
}

static uint32_t put_steps(struct rule_index *x, const struct rule_steps *s,
			  const struct plan *plan)
{
	if (s->n == 1)
		return s->value[0] << 1 | 1;
	return rule_map_put(&x->out, s, RULE_LEVEL_PORT, plan->list_max);
}

/* What a class has in a base: these cuts over @below, a ref or 0. */
static uint32_t put_class(struct rule_index *x, const struct rule_cut *c,
			  uint32_t n, enum rule_class class, uint32_t below,
			  const struct plan *plan)
{
	paint_class(x, c, n, class);
	if (!below)
		return put_steps(x, &x->paint.steps, plan);
	if (x->paint.steps.n == 1 && x->paint.steps.value[0] == RULE_VALUE_NONE)
		return below;
	get_ref(&x->below, x, below);
	rule_steps_least(&x->both, &x->paint.steps, &x->below);
	return put_steps(x, &x->both, plan);
}

static int put_refs(struct rule_index *x, struct rule_base *b,
		    const struct rule_cut *c, uint32_t n,
		    const struct rule_base *below, const struct plan *plan)
{
	bool alike = same_cuts(c, n, 1 << RULE_TCP | 1 << RULE_UDP) &&
		     (!below || below->ref[RULE_TCP] == below->ref[RULE_UDP]);

	for (int k = 0; k < RULE_CLASS_N; k++) {
		if (k == RULE_UDP && alike)
			b->ref[k] = b->ref[RULE_TCP];
		else
			b->ref[k] = put_class(x, c, n, (enum rule_class)k,
					      below ? below->ref[k] : 0, plan);
		if (!b->ref[k])
			return -ENOSPC;
	}
	return 0;
}

static uint32_t ranges_of(const struct rule_index *x, const struct rule_base *b)
{
	uint32_t sum = 0;

	for (int k = 0; k < RULE_CLASS_N; k++) {
		const struct rule_map *m =
			(const void *)(x->out.mem + b->ref[k]);

		if (!(b->ref[k] & 1) &&
		    !(k == RULE_UDP && b->ref[k] == b->ref[RULE_TCP]))
			sum += m->n + 1u;
	}
	return sum;
}

/* A base for the prefix of node @i, of these cuts over base @from. */
static int put_base(struct rule_index *x, uint32_t i, const struct rule_cut *c,
		    uint32_t n, uint32_t from, const struct plan *plan)
{
	struct rule_base *b = &x->base[x->base_n];
	const struct rule_base *below = &x->base[from];

	*b = (struct rule_base){ .from = from, .link = RULE_LINK_NONE };
	if (i) {
		b->len = rule_node_item(x, i)->len;
		b->outer = x->node[i].parent;
		b->link = below->link;
	}
	if (i && ranges_of(x, below) / 2 > (uint64_t)plan->factor * n) {
		b->link = from;
		below = NULL;
	}
	x->node[i].here = x->base_n++;
	return put_refs(x, b, c, n, i ? below : NULL, plan);
}

/* ---- nodes ------------------------------------------------------------ */

/* The base that answers for a node's prefix; its record holds some cuts. */
static int base_for(struct rule_index *x, uint32_t i, const struct plan *plan)
{
	const struct rule_node *nd = &x->node[i];

	if (nd->here != RULE_LINK_NONE)
		return 0;
	return put_base(x, i, x->cuts + i * RULE_CUTS_MAX, nd->cut_n, nd->base,
			plan);
}

static void keep_cuts(struct rule_index *x, uint32_t i, uint32_t n,
		      uint32_t base)
{
	memcpy(x->cuts + i * RULE_CUTS_MAX, x->merged, n * sizeof(*x->cuts));
	x->node[i].cut_n = n;
	x->node[i].base = base;
}

static int layer_node(struct rule_index *x, uint32_t i, const struct plan *plan)
{
	struct rule_node *nd = &x->node[i];
	const struct rule_node *up = &x->node[nd->parent];
	const struct rule_cut *above = x->cuts + nd->parent * RULE_CUTS_MAX;
	uint32_t n = merge(x, nd, above, up->cut_n, RULE_CUTS_MAX);
	int rc;

	nd->here = RULE_LINK_NONE;
	if (n <= RULE_CUTS_MAX) {
		keep_cuts(x, i, n, up->base);
		return 0;
	}
	n = merge(x, nd, NULL, 0, RULE_CUTS_MAX);
	if (n <= RULE_CUTS_MAX) {
		rc = base_for(x, nd->parent, plan);
		keep_cuts(x, i, n, up->here);
		return rc;
	}
	n = merge(x, nd, above, up->cut_n, UINT32_MAX);
	rc = put_base(x, i, x->merged, n, up->base, plan);
	keep_cuts(x, i, 0, nd->here);
	return rc;
}

/* Any destination: all of it, and the policy, is the first base. */
static int layer_root(struct rule_index *x, const struct plan *plan)
{
	const struct rule_cut policy = {
		.span = UINT16_MAX,
		.value = x->policy,
		.where = rule_where(0, RULE_CLASS_ALL),
	};
	uint32_t n = merge(x, &x->node[0], &policy, 1, UINT32_MAX);
	int rc = put_base(x, 0, x->merged, n, 0, plan);

	keep_cuts(x, 0, 0, 0);
	return rc;
}

/* By one plan; -ENOSPC also when it takes more than @budget. */
static int layer(struct rule_index *x, const struct plan *plan, size_t budget)
{
	int rc = layer_root(x, plan);

	for (uint32_t i = 1; !rc && i < x->node_n; i++) {
		rc = layer_node(x, i, plan);
		if (x->out.used > budget)
			rc = -ENOSPC;
	}
	return rc;
}

int rule_layer(struct rule_index *x)
{
	size_t start = x->out.used, budget = rule_layer_budget(x->items.n);
	int rc = -ENOSPC;

	for (uint32_t i = 0; rc && i < PLANS; i++) {
		x->out.used = start;
		x->base_n = 0;
		rc = layer(x, &plans[i], i + 1 < PLANS ? budget : SIZE_MAX);
	}
	return rc;
}
