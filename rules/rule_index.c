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
#define ABSORB 4u

static uint32_t absorb_max(uint32_t own)
{
	return ABSORB * own > RULE_CUTS_MAX ? ABSORB * own : RULE_CUTS_MAX;
}

static uint32_t cuts_max(uint32_t items)
{
	/* absorb_max(own) <= RULE_CUTS_MAX * own; and the policy. */
	return RULE_CUTS_MAX * items + 1;
}

static uint32_t paint_max(uint32_t items)
{
	return 2 * (items + 1) + 2;
}

static uint32_t sort_max(uint32_t items, uint32_t rules)
{
	return paint_max(items) > rules ? paint_max(items) : rules;
}

size_t rule_index_scratch(uint32_t items, uint32_t rules)
{
	size_t word = sizeof(uint32_t), n = items;

	return pkt_arena_cost(n * sizeof(struct rule_item)) +
	       pkt_arena_cost((n > rules ? n : rules) * word) +
	       pkt_arena_cost((n + 1) * sizeof(struct rule_node)) +
	       pkt_arena_cost(cuts_max(items) * sizeof(struct rule_cut)) +
	       pkt_arena_cost((n + 1) * sizeof(struct rule_range)) +
	       pkt_arena_cost((n + 1) * sizeof(struct rule_job)) +
	       3 * pkt_arena_cost(paint_max(items) * word) +
	       pkt_arena_cost(sort_max(items, rules) * word);
}

/*
 * Bytes for each item, at worst.  Records: a head and RULE_CUTS_MAX cuts.  Port
 * maps instead: 2 * ABSORB + 1 ranges in each of three classes, MAP_BYTES each.
 * Address maps: at each level two ranges and what an entry adds to them.
 */
#define MAP_BYTES (4 + 4 + (RULE_BIT_WORDS * 6) / RULE_LIST_MAX)

size_t rule_index_bound(uint32_t items, enum rule_family family)
{
	uint32_t levels = 8 - rule_first_level((uint8_t)family);
	size_t ports = 3 * (2 * ABSORB + 1) * MAP_BYTES;
	size_t address = levels * 3 * MAP_BYTES;

	return ((size_t)items + 8) * (ports + address);
}

int rule_index_init(struct rule_index *x, struct pkt_arena *a, uint32_t items,
		    uint32_t rules)
{
	size_t word = sizeof(uint32_t), n = items;

	x->items.item = pkt_arena_take(a, n * sizeof(struct rule_item));
	x->items.max = items;
	x->order = pkt_arena_take(a, (n > rules ? n : rules) * word);
	x->node = pkt_arena_take(a, (n + 1) * sizeof(struct rule_node));
	x->cuts = pkt_arena_take(a, cuts_max(items) * sizeof(struct rule_cut));
	x->range = pkt_arena_take(a, (n + 1) * sizeof(struct rule_range));
	x->job = pkt_arena_take(a, (n + 1) * sizeof(struct rule_job));
	x->job_max = items + 1;
	x->paint.start = pkt_arena_take(a, paint_max(items) * word);
	x->paint.value = pkt_arena_take(a, paint_max(items) * word);
	x->paint.next = pkt_arena_take(a, paint_max(items) * word);
	x->paint.tmp = pkt_arena_take(a, sort_max(items, rules) * word);
	/* The last piece is there only when all are. */
	return x->paint.tmp ? 0 : -ENOSPC;
}

/* ---- nodes ------------------------------------------------------------ */

static bool prefix_before(const void *ctx, uint32_t a, uint32_t b)
{
	const struct rule_item *item = ctx;
	int c = memcmp(&item[a].addr, &item[b].addr, sizeof(item->addr));

	return c ? c < 0 : item[a].len < item[b].len;
}

static const struct rule_item *first_item(const struct rule_index *x,
					  uint32_t node)
{
	return &x->items.item[x->order[x->node[node].item]];
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
		while (up && !holds(first_item(x, up), it))
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

static uint32_t place_records(struct rule_index *x)
{
	uint32_t words = 0;

	for (uint32_t i = 0; i < x->node_n; i++) {
		x->node[i].word = words;
		words += 1 + (x->node[i].cut_n > RULE_CUTS_MAX
				      ? RULE_REFS_WORDS
				      : x->node[i].cut_n);
	}
	return words;
}

/* ---- records and port maps -------------------------------------------- */

static bool same_cuts(const struct rule_cut *c, uint32_t n, uint8_t classes)
{
	for (uint32_t i = 0; i < n; i++)
		if ((c[i].classes & classes) && (~c[i].classes & classes))
			return false;
	return true;
}

static uint32_t put_class(struct rule_index *x, const struct rule_cut *c,
			  uint32_t n, enum rule_class class)
{
	uint32_t range_n = 0;

	while (n--) { /* the first match wins, so it is painted last */
		if (!(c[n].classes >> class & 1))
			continue;
		x->range[range_n++] = (struct rule_range){
			.lo = c[n].lo,
			.hi = (uint16_t)(c[n].lo + c[n].span),
			.value = c[n].value,
		};
	}
	rule_paint(&x->paint, x->range, range_n, RULE_VALUE_NONE);
	if (x->paint.n == 1)
		return x->paint.value[0] << 1 | 1;
	return rule_map_put(&x->out, &x->paint);
}

static int put_maps(struct rule_index *x, union rule_word *rec,
		    const struct rule_cut *c, uint32_t n)
{
	uint32_t ref = 0;

	for (int k = 0; k < RULE_CLASS_N; k++) {
		if (k != RULE_UDP ||
		    !same_cuts(c, n, 1 << RULE_TCP | 1 << RULE_UDP))
			ref = put_class(x, c, n, (enum rule_class)k);
		if (!ref)
			return -ENOSPC;
		rec[1 + k / 2].refs.ref[k % 2] = ref;
	}
	return 0;
}

static int put_records(struct rule_index *x, union rule_word *word)
{
	for (uint32_t i = 0; i < x->node_n; i++) {
		const struct rule_node *nd = &x->node[i];
		const struct rule_cut *c = x->cuts + nd->cut;
		union rule_word *rec = word + nd->word;
		bool list = nd->cut_n <= RULE_CUTS_MAX;
		int rc;

		rec->head = (struct rule_head){
			.link = x->node[nd->link].word,
			.floor = nd->floor,
			.n = list ? (uint8_t)nd->cut_n : 0,
			.tag = RULE_TAG_HEAD,
		};
		for (uint32_t j = 0; list && j < nd->cut_n; j++)
			rec[1 + j].cut = c[j];
		rc = list ? 0 : put_maps(x, rec, c, nd->cut_n);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- address maps ----------------------------------------------------- */

/* Values of address maps: a record; for a while, nodes that need a map. */
static uint32_t record_of(const struct rule_index *x, uint32_t node)
{
	return x->node[node].word << 1 | 1;
}

static uint32_t below(uint32_t node)
{
	return node << 2 | 2;
}

static bool is_below(uint32_t value)
{
	return (value & 3) == 2;
}

/* From @i on, the nodes of @j that differ only after this level. */
static uint32_t end_of_group(const struct rule_index *x,
			     const struct rule_job *j, uint32_t i)
{
	uint16_t chunk = rule_chunk(&first_item(x, i)->addr, j->level);

	while (i < j->end &&
	       rule_chunk(&first_item(x, i)->addr, j->level) == chunk)
		i++;
	return i;
}

static void paint_job(struct rule_index *x, const struct rule_job *j)
{
	uint32_t bits = 16 * (j->level + 1), n = 0;

	for (uint32_t i = j->node; i < j->end;) {
		const struct rule_item *it = first_item(x, i);
		uint16_t lo = rule_chunk(&it->addr, j->level);
		struct rule_range r = { .lo = lo, .hi = lo };

		if (it->len > bits) {
			r.value = below(i);
			i = end_of_group(x, j, i);
		} else {
			r.hi = (uint16_t)(lo + ((1u << (bits - it->len)) - 1));
			r.value = record_of(x, i);
			i++;
		}
		x->range[n++] = r;
	}
	rule_paint(&x->paint, x->range, n, j->rest);
}

/* Writes one map; its values that stand for nodes become jobs. */
static int put_map(struct rule_index *x, const struct rule_job *j,
		   uint32_t *queued)
{
	uint32_t offset, values, *value;

	paint_job(x, j);
	offset = rule_map_put(&x->out, &x->paint);
	if (!offset)
		return -ENOSPC;
	if (j->where)
		*(uint32_t *)(void *)(x->out.mem + j->where) = offset;
	values = offset + rule_map_values(x->paint.n - 1);
	value = (uint32_t *)(void *)(x->out.mem + values);
	for (uint32_t i = 0; i < x->paint.n; i++) {
		uint32_t node = value[i] >> 2;

		if (!is_below(value[i]))
			continue;
		x->job[(*queued)++ % x->job_max] = (struct rule_job){
			.node = node,
			.end = end_of_group(x, j, node),
			.level = j->level + 1,
			.rest = record_of(x, x->node[node].parent),
			.where = values + 4 * i,
		};
	}
	return 0;
}

static int put_address_maps(struct rule_index *x)
{
	uint32_t done = 0, queued = 1;

	x->job[0] = (struct rule_job){
		.node = 1,
		.end = x->node_n,
		.level = rule_first_level(x->set->family),
		.rest = record_of(x, 0),
	};
	while (done < queued) {
		struct rule_job j = x->job[done++ % x->job_max];
		int rc = put_map(x, &j, &queued);

		if (rc)
			return rc;
	}
	return 0;
}

int rule_index_write(struct rule_index *x, uint16_t policy)
{
	union rule_word *word;
	int rc;

	make_nodes(x, x->set->family == RULE_IP4 ? 96 : 0);
	gather_cuts(x, policy);
	x->set->records = (uint32_t)x->out.used;
	word = rule_out_take(&x->out, place_records(x) * sizeof(*word));
	if (!word)
		return -ENOSPC;
	x->set->maps = (uint32_t)x->out.used;
	rc = put_address_maps(x);
	if (rc)
		return rc;
	x->set->ports = (uint32_t)x->out.used;
	return put_records(x, word);
}
