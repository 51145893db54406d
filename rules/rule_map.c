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
	uint32_t *start = p->steps.start, n = 0, kept = 0;

	start[n++] = 0;
	for (uint32_t i = 0; i < range_n; i++) {
		start[n++] = range[i].lo;
		if (range[i].hi < UINT16_MAX)
			start[n++] = range[i].hi + 1u;
	}
	rule_sort(start, n, p->tmp, less, NULL);
	for (uint32_t i = 0; i < n; i++)
		if (!kept || start[i] != start[kept - 1])
			start[kept++] = start[i];
	p->steps.n = kept;
}

static uint32_t index_of(const struct rule_steps *s, uint32_t start)
{
	uint32_t lo = 0, hi = s->n;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s->start[mid] <= start)
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

static void add_step(struct rule_steps *s, uint32_t start, uint32_t value)
{
	if (s->n && s->value[s->n - 1] == value)
		return;
	s->start[s->n] = start;
	s->value[s->n++] = value;
}

static void join_equals(struct rule_steps *s)
{
	uint32_t n = s->n;

	s->n = 0;
	for (uint32_t i = 0; i < n; i++)
		add_step(s, s->start[i], s->value[i]);
}

void rule_paint(struct rule_paint *p, const struct rule_range *range,
		uint32_t range_n, uint32_t rest)
{
	struct rule_steps *s = &p->steps;

	find_starts(p, range, range_n);
	for (uint32_t i = 0; i < s->n; i++)
		s->value[i] = rest;
	for (uint32_t i = 0; i <= s->n; i++)
		p->next[i] = i;
	while (range_n--) {
		const struct rule_range *r = &range[range_n];
		uint32_t i = blank_from(p, index_of(s, r->lo));

		while (i < s->n && s->start[i] <= r->hi) {
			s->value[i] = r->value;
			p->next[i] = i + 1;
			i = blank_from(p, i + 1);
		}
	}
	join_equals(s);
}

void rule_steps_least(struct rule_steps *out, const struct rule_steps *a,
		      const struct rule_steps *b)
{
	uint32_t i = 0, j = 0, start = 0;

	out->n = 0;
	for (;;) {
		uint32_t after_a = i + 1 < a->n ? a->start[i + 1] : UINT32_MAX;
		uint32_t after_b = j + 1 < b->n ? b->start[j + 1] : UINT32_MAX;

		add_step(out, start, rule_least(a->value[i], b->value[j]));
		start = rule_least(after_a, after_b);
		if (start == UINT32_MAX)
			return;
		i += after_a == start;
		j += after_b == start;
	}
}

static void put_bits(struct rule_map *m, const struct rule_steps *s)
{
	uint64_t *bit = (void *)(m + 1);
	uint16_t *before = (void *)(bit + RULE_BIT_WORDS), sum = 0;

	for (uint32_t i = 1; i < s->n; i++)
		bit[s->start[i] >> 6] |= (uint64_t)1 << (s->start[i] & 63);
	for (uint32_t i = 0; i < RULE_BIT_WORDS; i++) {
		before[i] = sum;
		sum = (uint16_t)(sum + rule_ones(bit[i]));
	}
}

static void put_list(struct rule_map *m, const struct rule_steps *s)
{
	int16_t *start = (void *)(m->level == RULE_LEVEL_PATH ? m + 3 : m + 1);
	int16_t *pivot = start + 16 * rule_start_blocks(m->n);

	for (int16_t *at = start; (uint8_t *)at < (uint8_t *)m + m->values;)
		*at++ = RULE_FILL;
	for (uint32_t i = 0; i < m->n; i++)
		start[i] = rule_turned(s->start[i + 1]);
	if (m->form == RULE_FORM_PIVOTS)
		for (uint32_t i = 0; i < rule_pivots(m->n); i++)
			pivot[i] = start[16 * (i + 1)];
}

static void put_values(struct rule_map *m, const struct rule_steps *s)
{
	void *at = (uint8_t *)m + m->values;
	uint16_t *narrow = at;

	if (m->level != RULE_LEVEL_PORT) {
		memcpy(at, s->value, s->n * sizeof(*s->value));
		return;
	}
	for (uint32_t i = 0; i < s->n; i++)
		narrow[i] = (uint16_t)s->value[i];
}

uint32_t rule_map_put(struct rule_out *o, const struct rule_steps *steps,
		      uint8_t level, uint32_t list_max)
{
	uint32_t offset = (uint32_t)o->used;
	struct rule_map head = { .n = (uint16_t)(steps->n - 1),
				 .level = level };
	struct rule_map *m;

	head.form = head.n > list_max	 ? RULE_FORM_BITMAP
		    : head.n > RULE_FLAT ? RULE_FORM_PIVOTS
					 : RULE_FORM_FLAT;
	head.values = rule_map_values(&head);
	m = rule_out_take(o, rule_map_size(&head));
	if (!m)
		return 0;
	*m = head;
	if (m->form == RULE_FORM_BITMAP)
		put_bits(m, steps);
	else
		put_list(m, steps);
	put_values(m, steps);
	return offset;
}

static void get_bits(struct rule_steps *out, const struct rule_map *m)
{
	const uint64_t *bit = rule_map_bits(m);
	uint32_t n = 1;

	for (uint32_t i = 0; i < RULE_BIT_WORDS; i++)
		for (uint64_t left = bit[i]; left; left &= left - 1)
			out->start[n++] =
				64 * i + (uint32_t)__builtin_ctzll(left);
}

void rule_map_get(struct rule_steps *out, const struct rule_map *m)
{
	const uint16_t *value = rule_map_value(m);

	out->n = m->n + 1u;
	out->start[0] = 0;
	if (m->form == RULE_FORM_BITMAP)
		get_bits(out, m);
	else
		for (uint32_t i = 0; i < m->n; i++)
			out->start[i + 1] =
				rule_unturned(rule_map_starts(m)[i]);
	for (uint32_t i = 0; i < out->n; i++)
		out->value[i] = value[i];
}
