/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/rule_map.h"

#include <string.h>

#include "rules/rule_sort.h"

void *rule_out_take(struct rule_out *o, size_t n)
{
	void *at;

	if (n > o->room - o->used)
		return NULL;
	at = o->mem + o->used;
	o->used += n;
	memset(at, 0, n);
	return at;
}

static bool less(const void *ctx, uint32_t a, uint32_t b)
{
	(void)ctx;
	return a < b;
}

/* Every place where a range begins or has just ended, once each, ascending. */
static void find_starts(struct rule_paint *p, const struct rule_range *range,
			uint32_t range_n)
{
	uint32_t n = 0, kept = 0;

	p->start[n++] = 0;
	for (uint32_t i = 0; i < range_n; i++) {
		p->start[n++] = range[i].lo;
		if (range[i].hi < UINT16_MAX)
			p->start[n++] = range[i].hi + 1u;
	}
	rule_sort(p->start, n, p->tmp, less, NULL);
	for (uint32_t i = 0; i < n; i++)
		if (!kept || p->start[i] != p->start[kept - 1])
			p->start[kept++] = p->start[i];
	p->n = kept;
}

static uint32_t index_of(const struct rule_paint *p, uint32_t start)
{
	uint32_t lo = 0, hi = p->n;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (p->start[mid] <= start)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* First range from @i on without colour; shortens the way for the next one. */
static uint32_t blank_from(struct rule_paint *p, uint32_t i)
{
	while (p->next[i] != i) {
		p->next[i] = p->next[p->next[i]];
		i = p->next[i];
	}
	return i;
}

static void join_equals(struct rule_paint *p)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		if (kept && p->value[i] == p->value[kept - 1])
			continue;
		p->start[kept] = p->start[i];
		p->value[kept++] = p->value[i];
	}
	p->n = kept;
}

void rule_paint(struct rule_paint *p, const struct rule_range *range,
		uint32_t range_n, uint32_t rest)
{
	find_starts(p, range, range_n);
	for (uint32_t i = 0; i < p->n; i++)
		p->value[i] = rest;
	for (uint32_t i = 0; i <= p->n; i++)
		p->next[i] = i;
	while (range_n--) {
		const struct rule_range *r = &range[range_n];
		uint32_t i = blank_from(p, index_of(p, r->lo));

		while (i < p->n && p->start[i] <= r->hi) {
			p->value[i] = r->value;
			p->next[i] = i + 1;
			i = blank_from(p, i + 1);
		}
	}
	join_equals(p);
}

static void put_bits(struct rule_map *m, const struct rule_paint *p)
{
	uint64_t *bit = (uint64_t *)(void *)(m + 2);
	uint16_t *before = (uint16_t *)(void *)(bit + RULE_BIT_WORDS), sum = 0;

	for (uint32_t i = 1; i < p->n; i++)
		bit[p->start[i] >> 6] |= (uint64_t)1 << (p->start[i] & 63);
	for (uint32_t i = 0; i < RULE_BIT_WORDS; i++) {
		before[i] = sum;
		sum = (uint16_t)(sum + rule_ones(bit[i]));
	}
}

static void put_list(struct rule_map *m, const struct rule_paint *p)
{
	uint16_t *pivot = (uint16_t *)(void *)(m + 1);
	uint32_t pivots = 16 * rule_pivot_blocks(m->n);
	uint32_t starts = 16 * rule_start_blocks(m->n);
	uint16_t *start = pivot + pivots;

	for (uint32_t i = 0; i < starts; i++)
		start[i] = UINT16_MAX;
	for (uint32_t i = 0; i < m->n; i++)
		start[i] = (uint16_t)p->start[i + 1];
	for (uint32_t i = 0; i < pivots; i++)
		pivot[i] = 16 * (i + 1) < starts ? start[16 * (i + 1)]
						 : UINT16_MAX;
}

uint32_t rule_map_put(struct rule_out *o, const struct rule_paint *p,
		      uint8_t level, uint32_t list_max)
{
	uint32_t offset = (uint32_t)o->used;
	struct rule_map head = { .n = (uint16_t)(p->n - 1), .level = level };
	struct rule_map *m;

	head.bitmap = head.n > list_max;
	m = rule_out_take(o, rule_map_size(&head));
	if (!m)
		return 0;
	*m = head;
	if (head.bitmap)
		put_bits(m, p);
	else
		put_list(m, p);
	memcpy((uint8_t *)m + rule_map_values(m), p->value,
	       p->n * sizeof(*p->value));
	return offset;
}
