/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "rules/rule_block.h"

/*
 * Believes nothing.  Every offset and count that ruleset_eval() will follow is
 * compared with the bounds of its part of the block; the parts are walked once,
 * from front to back, and what refers forward must refer exactly to the next
 * thing that was not referred to yet.  So a walk needs no memory and no
 * recursion, and a chain of references can neither leave the block nor come
 * back.
 */

/* Ascending starts, filled up to whole blocks; pivots as they must be. */
static bool list_starts_ok(const struct rule_map *m)
{
	const uint16_t *start = rule_map_starts(m), *pivot = rule_map_pivots(m);
	uint32_t starts = 16 * rule_start_blocks(m->n), last = 0;

	for (uint32_t i = 0; i < starts; i++) {
		if (i < m->n ? start[i] <= last : start[i] != UINT16_MAX)
			return false;
		last = start[i];
	}
	for (uint32_t i = 0; i < 16 * rule_pivot_blocks(m->n); i++) {
		uint32_t at = 16 * (i + 1);

		if (pivot[i] != (at < starts ? start[at] : UINT16_MAX))
			return false;
	}
	return true;
}

static bool bitmap_ok(const struct rule_map *m)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < RULE_BIT_WORDS; i++) {
		if (rule_map_before(m)[i] != sum)
			return false;
		sum += rule_ones(rule_map_bits(m)[i]);
		if (sum > m->n)
			return false;
	}
	return sum == m->n;
}

/* Whether a map stands at @at, whole and sound in itself, before @end. */
static bool map_ok(const struct ruleset *s, uint32_t at, uint32_t end)
{
	const struct rule_map *m = rule_at(s, at);

	if (end - at < sizeof(*m) || end - at < rule_map_size(m))
		return false;
	return m->bitmap ? bitmap_ok(m) : list_starts_ok(m);
}

static uint32_t records_n(const struct ruleset *s)
{
	return (s->lists - s->records) / (uint32_t)sizeof(struct rule_record);
}

/* ---- address maps ----------------------------------------------------- */

/*
 * Values of map @m: records, or maps of later levels that begin at *@next, one
 * after the other.
 */
static bool address_values_ok(const struct ruleset *s, const struct rule_map *m,
			      uint32_t *next)
{
	const uint32_t *value = rule_map_value(m);

	for (uint32_t i = 0; i <= m->n; i++) {
		const struct rule_map *sub = rule_at(s, *next);

		if (value[i] & 1) {
			if (value[i] >> 1 >= records_n(s))
				return false;
			continue;
		}
		if (value[i] != *next || !map_ok(s, *next, s->ports) ||
		    sub->level <= m->level)
			return false;
		*next += rule_map_size(sub);
	}
	return m->level < 8;
}

static bool address_maps_ok(const struct ruleset *s)
{
	const struct rule_map *m = rule_at(s, s->maps);
	uint32_t at = s->maps, next = at;

	if (!map_ok(s, at, s->ports))
		return false;
	next += rule_map_size(m);
	while (at < next) {
		m = rule_at(s, at);
		if (!address_values_ok(s, m, &next))
			return false;
		at += rule_map_size(m);
	}
	return at == s->ports;
}

/* ---- records, words and port maps ------------------------------------- */

static bool value_ok(const struct ruleset *s, uint32_t value)
{
	return value >> 1 < s->rules_n ||
	       (value >= RULE_VALUE_POLICY && value <= RULE_VALUE_NONE);
}

static bool port_map_ok(const struct ruleset *s, uint32_t at)
{
	const struct rule_map *m = rule_at(s, at);

	if (!map_ok(s, at, s->len))
		return false;
	for (uint32_t i = 0; i <= m->n; i++)
		if (!value_ok(s, rule_map_value(m)[i]))
			return false;
	return true;
}

/* Each port map stands there once; two classes may share one. */
static bool refs_ok(const struct ruleset *s, const struct rule_refs *refs,
		    uint32_t *next)
{
	uint32_t before = 0;

	for (uint32_t k = 0; k < RULE_CLASS_N; k++) {
		uint32_t ref = refs->ref[k];

		if (ref & 1) {
			if (!value_ok(s, ref >> 1))
				return false;
			continue;
		}
		if (before && ref == before)
			continue;
		if (ref != *next || !port_map_ok(s, ref))
			return false;
		before = ref;
		*next += rule_map_size(rule_at(s, ref));
	}
	return true;
}

static bool list_ok(const struct ruleset *s, const struct rule_list *l)
{
	for (uint32_t i = 0; i < RULE_CUTS_MAX; i++)
		if (l->classes[i] && !value_ok(s, l->value[i]))
			return false;
	return true;
}

/* What has been seen of each part while the records are walked. */
struct seen {
	uint32_t lists, refs, ports;
};

static bool cuts_ok(const struct ruleset *s, const struct rule_record *r,
		    struct seen *seen)
{
	switch (r->kind) {
	case RULE_ONE_CUT:
		return value_ok(s, r->cut.value);
	case RULE_LIST:
		return r->at == seen->lists++ &&
		       r->at < (s->refs - s->lists) /
				       (uint32_t)sizeof(struct rule_list) &&
		       list_ok(s, &rule_lists(s)[r->at]);
	case RULE_MAPS:
		return r->at == seen->refs++ &&
		       r->at < (s->maps - s->refs) /
				       (uint32_t)sizeof(struct rule_refs) &&
		       refs_ok(s, &rule_refs(s)[r->at], &seen->ports);
	default:
		return false;
	}
}

/* Record 0 is around everything; parents and links come before. */
static bool place_ok(const struct rule_record *r, uint32_t i)
{
	if (i == 0)
		return r->len == 0 && r->parent == 0 && r->link == 0;
	return r->len <= 128 && r->parent < i && r->link < i;
}

static bool records_ok(const struct ruleset *s)
{
	const struct rule_record *r = rule_records(s);
	struct seen seen = { .ports = s->ports };
	uint32_t n = records_n(s);

	for (uint32_t i = 0; i < n; i++)
		if (!place_ok(&r[i], i) || !cuts_ok(s, &r[i], &seen))
			return false;
	return n > 0 && seen.ports == s->len;
}

/* ---- the whole -------------------------------------------------------- */

/* @part begins where it may, and is a whole number of @size bytes. */
static bool part_ok(uint32_t part, uint32_t next, uint32_t size)
{
	return part % RULESET_ALIGN == 0 && part <= next &&
	       (next - part) % size == 0;
}

static bool parts_ok(const struct ruleset *s, size_t len)
{
	if (s->magic != RULESET_MAGIC || s->len > len || s->len > INT32_MAX ||
	    s->rules_n > RULE_SET_MAX || s->family > RULE_IP6)
		return false;
	return s->numbers == sizeof(*s) && s->records >= s->numbers &&
	       s->records - s->numbers >= s->rules_n * sizeof(uint32_t) &&
	       part_ok(s->records, s->lists, sizeof(struct rule_record)) &&
	       part_ok(s->lists, s->refs, sizeof(struct rule_list)) &&
	       part_ok(s->refs, s->maps, sizeof(struct rule_refs)) &&
	       part_ok(s->maps, s->ports, RULESET_ALIGN) &&
	       part_ok(s->ports, s->len, RULESET_ALIGN);
}

const struct ruleset *ruleset_check(const void *mem, size_t len)
{
	const struct ruleset *s = mem;

	if ((uintptr_t)mem % RULESET_ALIGN || len < sizeof(*s))
		return NULL;
	if (!parts_ok(s, len) || !records_ok(s) || !address_maps_ok(s))
		return NULL;
	return s;
}
