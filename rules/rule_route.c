/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "rules/rule_index.h"

/*
 * Address maps: from a destination to the longest prefix around it, or to one
 * that lies within all prefixes around it.  A map is for a group of nodes that
 * stand one after the other; its values are records, or groups of two nodes and
 * more that need a map of their own.
 */

/* Values: a record; for a while, the first node of a group. */
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

static uint32_t part_of(uint32_t node, uint32_t end)
{
	return end - node > 1 ? below(node) : record_of(node);
}

static void get_addr(uint64_t addr[2], const struct rule_item *it)
{
	addr[0] = rule_half(it->addr.b);
	addr[1] = rule_half(it->addr.b + 8);
}

static uint32_t common(const struct rule_index *x, uint32_t a, uint32_t b)
{
	uint64_t one[2], other[2];

	get_addr(one, rule_node_item(x, a));
	get_addr(other, rule_node_item(x, b));
	return rule_common(one, other);
}

/* From node @i on, those of the job that have its first @bits bits. */
static uint32_t end_of_group(const struct rule_index *x,
			     const struct rule_job *j, uint32_t i,
			     uint32_t bits)
{
	uint32_t end = i + 1;

	while (end < j->end && common(x, i, end) >= bits)
		end++;
	return end;
}

/* What a map for a job is made of; how many nodes are in the largest part. */
struct parts {
	struct rule_range *range;
	uint32_t n, largest;
};

static void add_part(struct parts *p, uint32_t lo, uint32_t hi, uint32_t node,
		     uint32_t end)
{
	p->range[p->n++] = (struct rule_range){ .lo = (uint16_t)lo,
						.hi = (uint16_t)hi,
						.value = part_of(node, end) };
	if (end - node > 1 && end - node > p->largest)
		p->largest = end - node;
}

/* ---- by 16 bits of the address ------------------------------------------ */

/*
 * Where they can tell nodes apart: in the first that are not the same in all,
 * but no later than the shortest prefix ends.
 */
static uint8_t level_of(const struct rule_index *x, const struct rule_job *j)
{
	const struct rule_item *first = rule_node_item(x, j->node);
	const struct rule_item *last = rule_node_item(x, j->end - 1);
	uint32_t level = 0, shortest = 128;

	for (uint32_t i = j->node; i < j->end; i++)
		if (rule_node_item(x, i)->len < shortest)
			shortest = rule_node_item(x, i)->len;
	while (16 * (level + 1) < shortest &&
	       rule_chunk(&first->addr, level) ==
		       rule_chunk(&last->addr, level))
		level++;
	return (uint8_t)level;
}

static void part_by_chunk(struct parts *p, const struct rule_index *x,
			  const struct rule_job *j)
{
	uint32_t bits = 16u * (j->level + 1u), end;

	for (uint32_t i = j->node; i < j->end; i = end) {
		const struct rule_item *it = rule_node_item(x, i);
		uint32_t lo = rule_chunk(&it->addr, j->level), span = 0;

		end = i + 1;
		if (it->len > bits)
			end = end_of_group(x, j, i, bits);
		else
			span = (1u << (bits - it->len)) - 1;
		add_part(p, lo, lo + span, i, end);
	}
}

/* ---- by the bits in common with one address ------------------------------ */

/* The first node from @i to @end whose bit @bit is set, as it is in the last.
 */
static uint32_t find_set(const struct rule_index *x, uint32_t i, uint32_t end,
			 uint32_t bit)
{
	while (end - i > 1) {
		uint32_t mid = i + (end - i) / 2;
		const uint8_t *b = rule_node_item(x, mid - 1)->addr.b;

		if (b[bit / 8] >> (7 - bit % 8) & 1)
			end = mid;
		else
			i = mid;
	}
	return i;
}

/*
 * Goes down where most nodes are, to a node of which all that were met are
 * around; those that branch off at some bit are parts.  Returns that node.
 */
static uint32_t part_by_path(struct parts *p, const struct rule_index *x,
			     const struct rule_job *j)
{
	uint32_t i = j->node, end = j->end;

	for (;;) {
		const struct rule_item *it = rule_node_item(x, i);
		uint32_t bit = common(x, i, end - 1), mid;

		if (bit >= it->len) { /* around all of them */
			add_part(p, it->len, UINT16_MAX, i, i + 1);
			if (++i == end)
				return i - 1;
			continue;
		}
		mid = find_set(x, i, end, bit);
		if (mid - i < end - mid) {
			add_part(p, bit, bit, i, mid);
			i = mid;
		} else {
			add_part(p, bit, bit, mid, end);
			end = mid;
		}
	}
}

/* ---- jobs -----------------------------------------------------------------
 */

/* No part is over a fourth of the job. */
static bool parts_well(const struct parts *p, const struct rule_job *j)
{
	return p->largest <= (j->end - j->node) / 4;
}

/*
 * Parts a job by 16 bits, unless only a path parts it well.  Returns the path's
 * last node.
 */
static uint32_t part(struct rule_index *x, struct rule_job *j, struct parts *p)
{
	const struct parts none = { .range = x->range };
	uint32_t last;

	*p = none;
	if (j->node == j->end)
		return 0;
	j->level = level_of(x, j);
	part_by_chunk(p, x, j);
	if (parts_well(p, j))
		return 0;
	*p = none;
	last = part_by_path(p, x, j);
	if (parts_well(p, j)) {
		j->level = RULE_LEVEL_PATH;
		return last;
	}
	*p = none;
	part_by_chunk(p, x, j);
	return 0;
}

/* The groups that the values of a new map stand for become jobs. */
static void queue_groups(struct rule_index *x, const struct rule_job *j,
			 uint32_t offset, uint32_t *queued)
{
	const struct rule_steps *s = &x->paint.steps;

	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t node = s->value[i] >> 2;
		struct rule_job sub = { .node = node, .where = offset + 4 * i };
		uint32_t bits = j->level == RULE_LEVEL_PATH
					? s->start[i] + 1
					: 16u * (j->level + 1u);

		if (!is_below(s->value[i]))
			continue;
		sub.end = end_of_group(x, j, node, bits);
		sub.rest = record_of(x->node[node].parent);
		x->job[(*queued)++ % x->job_max] = sub;
	}
}

static int put_map(struct rule_index *x, struct rule_job *j, uint32_t *queued)
{
	struct parts p;
	uint32_t last = part(x, j, &p), offset;
	bool path = j->level == RULE_LEVEL_PATH;
	struct rule_map *m;

	rule_paint(&x->paint, p.range, p.n, j->rest);
	offset = rule_map_put(&x->out, &x->paint.steps, j->level,
			      path || j->where ? RULE_ADDRESS_LIST_MAX
					       : RULE_ROOT_LIST_MAX);
	if (!offset)
		return -ENOSPC;
	if (j->where)
		*(uint32_t *)(void *)(x->out.mem + j->where) = offset;
	m = (void *)(x->out.mem + offset);
	if (path)
		get_addr((void *)(m + 1), rule_node_item(x, last));
	queue_groups(x, j, offset + m->values, queued);
	return 0;
}

int rule_route(struct rule_index *x)
{
	uint32_t done = 0, queued = 1;

	x->job[0] = (struct rule_job){ .node = 1,
				       .end = x->node_n,
				       .rest = record_of(0) };
	while (done < queued) {
		struct rule_job next = x->job[done++ % x->job_max];
		int rc = put_map(x, &next, &queued);

		if (rc)
			return rc;
	}
	return 0;
}
