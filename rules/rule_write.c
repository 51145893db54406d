/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "rules/rule_index.h"

static enum rule_kind kind_of(const struct rule_node *nd)
{
	return nd->cut_n == 1		    ? RULE_ONE_CUT
	       : nd->cut_n <= RULE_CUTS_MAX ? RULE_LIST
					    : RULE_MAPS;
}

static uint32_t count_kind(const struct rule_index *x, enum rule_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->node_n; i++)
		n += kind_of(&x->node[i]) == kind;
	return n;
}

/* ---- records and port maps -------------------------------------------- */

static bool same_cuts(const struct rule_cut *c, uint32_t n, uint8_t classes)
{
	for (uint32_t i = 0; i < n; i++)
		if ((c[i].classes & classes) && (~c[i].classes & classes))
			return false;
	return true;
}

static uint32_t put_class(struct rule_index *x, const struct rule_node *nd,
			  enum rule_class class)
{
	const struct rule_cut *c = x->cuts + nd->cut;
	uint32_t n = nd->cut_n, range_n = 0;

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
	return rule_map_put(&x->out, &x->paint, 0,
			    nd == x->node ? RULE_ROOT_LIST_MAX : RULE_LIST_MAX);
}

static int put_refs(struct rule_index *x, const struct rule_node *nd,
		    struct rule_refs *refs)
{
	const struct rule_cut *c = x->cuts + nd->cut;
	uint32_t ref = 0;

	for (int k = 0; k < RULE_CLASS_N; k++) {
		if (k != RULE_UDP ||
		    !same_cuts(c, nd->cut_n, 1 << RULE_TCP | 1 << RULE_UDP))
			ref = put_class(x, nd, (enum rule_class)k);
		if (!ref)
			return -ENOSPC;
		refs->ref[k] = ref;
	}
	return 0;
}

static void put_list(struct rule_list *l, const struct rule_cut *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		l->lo[i] = c[i].lo;
		l->span[i] = c[i].span;
		l->value[i] = c[i].value;
		l->classes[i] = c[i].classes;
	}
}

static void put_prefix(struct rule_record *r, const struct rule_item *it)
{
	r->hi = rule_half(it->addr.b);
	r->lo = rule_half(it->addr.b + 8);
	r->len = it->len;
}

static int put_records(struct rule_index *x, struct rule_record *r,
		       struct rule_list *list, struct rule_refs *refs)
{
	uint32_t lists = 0, maps = 0;

	for (uint32_t i = 0; i < x->node_n; i++, r++) {
		const struct rule_node *nd = &x->node[i];
		const struct rule_cut *c = x->cuts + nd->cut;

		if (i) /* record 0 holds everything */
			put_prefix(r, rule_node_item(x, i));
		r->parent = (uint16_t)nd->parent;
		r->link = (uint16_t)nd->link;
		r->floor = nd->floor;
		r->kind = (uint8_t)kind_of(nd);
		if (r->kind == RULE_ONE_CUT) {
			r->cut = c[0];
		} else if (r->kind == RULE_LIST) {
			r->at = lists;
			put_list(&list[lists++], c, nd->cut_n);
		} else {
			int rc = put_refs(x, nd, &refs[maps]);

			if (rc)
				return rc;
			r->at = maps++;
		}
	}
	return 0;
}

/* ---- address maps ----------------------------------------------------- */

/* Values of address maps: a record; for a while, nodes that need a map. */
static uint32_t record_of(uint32_t node)
{
	return node << 1 | 1;
}

static uint32_t below(uint32_t node)
{
	return node << 2 | 2;
}

static bool is_below(uint32_t value)
{
	return (value & 3) == 2;
}

/*
 * Where a map can tell nodes apart: in the first 16 bits that are not the same
 * in all, but no later than the shortest prefix ends.
 */
static uint8_t level_of(const struct rule_index *x, uint32_t node, uint32_t end)
{
	const struct rule_item *first = rule_node_item(x, node);
	const struct rule_item *last = rule_node_item(x, end - 1);
	uint32_t level = 0, shortest = 128;

	for (uint32_t i = node; i < end; i++)
		if (rule_node_item(x, i)->len < shortest)
			shortest = rule_node_item(x, i)->len;
	while (16 * (level + 1) < shortest &&
	       rule_chunk(&first->addr, level) ==
		       rule_chunk(&last->addr, level))
		level++;
	return (uint8_t)level;
}

/* From @i on, the nodes of @j that differ only after its level. */
static uint32_t end_of_group(const struct rule_index *x,
			     const struct rule_job *j, uint32_t i)
{
	uint16_t chunk = rule_chunk(&rule_node_item(x, i)->addr, j->level);

	while (i < j->end &&
	       rule_chunk(&rule_node_item(x, i)->addr, j->level) == chunk)
		i++;
	return i;
}

static void paint_job(struct rule_index *x, const struct rule_job *j)
{
	uint32_t bits = 16u * (j->level + 1u), n = 0, end;

	for (uint32_t i = j->node; i < j->end; i = end) {
		const struct rule_item *it = rule_node_item(x, i);
		uint16_t lo = rule_chunk(&it->addr, j->level);
		struct rule_range r = { .lo = lo, .hi = lo };

		r.value = record_of(i);
		end = i + 1;
		if (it->len > bits) {
			end = end_of_group(x, j, i);
			if (end > i + 1)
				r.value = below(i);
		} else {
			r.hi = (uint16_t)(lo + ((1u << (bits - it->len)) - 1));
		}
		x->range[n++] = r;
	}
	rule_paint(&x->paint, x->range, n, j->rest);
}

/* Writes one map; its values that stand for nodes become jobs. */
static int put_map(struct rule_index *x, const struct rule_job *j,
		   uint32_t *queued)
{
	uint32_t offset, *value;
	const struct rule_map *m;

	paint_job(x, j);
	offset = rule_map_put(&x->out, &x->paint, j->level,
			      j->where ? RULE_LIST_MAX : RULE_ROOT_LIST_MAX);
	if (!offset)
		return -ENOSPC;
	if (j->where)
		*(uint32_t *)(void *)(x->out.mem + j->where) = offset;
	m = (const void *)(x->out.mem + offset);
	offset += rule_map_values(m);
	value = (uint32_t *)(void *)(x->out.mem + offset);
	for (uint32_t i = 0; i <= m->n; i++) {
		uint32_t node = value[i] >> 2;
		struct rule_job sub = { .node = node, .where = offset + 4 * i };

		if (!is_below(value[i]))
			continue;
		sub.end = end_of_group(x, j, node);
		sub.level = level_of(x, node, sub.end);
		sub.rest = record_of(x->node[node].parent);
		x->job[(*queued)++ % x->job_max] = sub;
	}
	return 0;
}

static int put_address_maps(struct rule_index *x)
{
	uint32_t done = 0, queued = 1;
	struct rule_job *j = &x->job[0];

	*j = (struct rule_job){ .node = 1,
				.end = x->node_n,
				.rest = record_of(0) };
	if (j->end > j->node)
		j->level = level_of(x, j->node, j->end);
	while (done < queued) {
		struct rule_job next = x->job[done++ % x->job_max];
		int rc = put_map(x, &next, &queued);

		if (rc)
			return rc;
	}
	return 0;
}

/* ---- the parts of a set ------------------------------------------------ */

static void *take(struct rule_index *x, uint32_t *offset, size_t n)
{
	*offset = (uint32_t)x->out.used;
	return rule_out_take(&x->out, n);
}

int rule_index_write(struct rule_index *x)
{
	struct ruleset *s = x->set;
	struct rule_record *record;
	struct rule_list *list;
	struct rule_refs *refs;
	int rc;

	record = take(x, &s->records, x->node_n * sizeof(*record));
	list = take(x, &s->lists, count_kind(x, RULE_LIST) * sizeof(*list));
	refs = take(x, &s->refs, count_kind(x, RULE_MAPS) * sizeof(*refs));
	if (!record || !list || !refs)
		return -ENOSPC;
	s->maps = (uint32_t)x->out.used;
	rc = put_address_maps(x);
	if (rc)
		return rc;
	s->ports = (uint32_t)x->out.used;
	return put_records(x, record, list, refs);
}
