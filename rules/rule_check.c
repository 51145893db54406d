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

/* Ascending starts, filled up to whole blocks. */
static bool starts_ok(const struct rule_map *m)
{
	const int16_t *start = rule_map_starts(m);
	int16_t last = RULE_FILL;

	for (uint32_t i = 0; i < 16 * rule_start_blocks(m->n); i++) {
		if (i < m->n ? start[i] <= last : start[i] != RULE_FILL)
			return false;
		last = start[i];
	}
	return true;
}

/* As they must be for these starts. */
static bool pivots_ok(const struct rule_map *m)
{
	const int16_t *start = rule_map_starts(m), *pivot = rule_map_pivots(m);
	uint32_t n = rule_pivots(m->n);

	for (uint32_t i = 0; i < 16 * rule_start_blocks(n); i++)
		if (pivot[i] != (i < n ? start[16 * (i + 1)] : RULE_FILL))
			return false;
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

	if (end - at < sizeof(*m) || m->level > RULE_LEVEL_PORT)
		return false;
	if (m->values != rule_map_values(m) || end - at < rule_map_size(m))
		return false;
	switch (m->form) {
	case RULE_FORM_FLAT:
		return m->n <= RULE_FLAT && starts_ok(m);
	case RULE_FORM_PIVOTS:
		return m->n > RULE_FLAT && starts_ok(m) && pivots_ok(m);
	case RULE_FORM_BITMAP:
		return m->level != RULE_LEVEL_PATH && bitmap_ok(m);
	default:
		return false;
	}
}

static uint32_t records_n(const struct ruleset *s)
{
	return (s->maps - s->records) / (uint32_t)sizeof(struct rule_record);
}

static uint32_t bases_n(const struct ruleset *s)
{
	return (s->len - s->bases) / (uint32_t)sizeof(struct rule_base);
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

	if (m->level == RULE_LEVEL_PORT) /* its values are of another size */
		return false;
	for (uint32_t i = 0; i <= m->n; i++) {
		const struct rule_map *sub = rule_at(s, *next);

		if (value[i] & 1) {
			if (value[i] >> 1 >= records_n(s))
				return false;
			continue;
		}
		if (value[i] != *next || !map_ok(s, *next, s->ports))
			return false;
		*next += rule_map_size(sub);
	}
	return true;
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

/* ---- records ----------------------------------------------------------- */

static bool value_ok(const struct ruleset *s, uint32_t value)
{
	return value >> 1 < s->rules_n ||
	       (value >= RULE_VALUE_POLICY && value <= RULE_VALUE_NONE);
}

static bool record_ok(const struct ruleset *s, const struct rule_record *r)
{
	for (uint32_t i = 0; i < RULE_CUTS_MAX; i++)
		if (((uint16_t)r->cut_where[i] & RULE_CLASS_ALL) &&
		    !value_ok(s, rule_unturned(r->cut_value[i])))
			return false;
	return r->base < bases_n(s);
}

static bool records_ok(const struct ruleset *s)
{
	const struct rule_record *r = rule_records(s);
	uint32_t n = records_n(s);

	for (uint32_t i = 0; i < n; i++)
		if (!record_ok(s, &r[i]))
			return false;
	return n > 0;
}

/* ---- bases and port maps ----------------------------------------------- */

static bool port_map_ok(const struct ruleset *s, uint32_t at)
{
	const struct rule_map *m = rule_at(s, at);
	const uint16_t *value;

	if (!map_ok(s, at, s->bases) || m->level != RULE_LEVEL_PORT)
		return false;
	value = rule_map_value(m);
	for (uint32_t i = 0; i <= m->n; i++)
		if (!value_ok(s, value[i]))
			return false;
	return true;
}

/*
 * Each port map stands there once; the class before, and the base from which
 * this one was made, may have the same.
 */
static bool refs_ok(const struct ruleset *s, const struct rule_base *b,
		    const struct rule_base *from, uint32_t *next)
{
	for (uint32_t k = 0; k < RULE_CLASS_N; k++) {
		uint32_t ref = b->ref[k];

		if (ref & 1) {
			if (!value_ok(s, ref >> 1))
				return false;
			continue;
		}
		if ((k && ref == b->ref[k - 1]) ||
		    (from && ref == from->ref[k]))
			continue;
		if (ref != *next || !port_map_ok(s, ref))
			return false;
		*next += rule_map_size(rule_at(s, ref));
	}
	return true;
}

/*
 * Base 0 is around everything.  Others refer to lower ones only, also by way of
 * the record outside of them.
 */
static bool base_ok(const struct ruleset *s, uint32_t i, uint32_t *next)
{
	const struct rule_base *all = rule_bases(s), *b = &all[i];

	if (i == 0)
		return b->len == 0 && b->link == RULE_LINK_NONE &&
		       refs_ok(s, b, NULL, next);
	return b->from < i && (b->link < i || b->link == RULE_LINK_NONE) &&
	       b->outer < records_n(s) && rule_records(s)[b->outer].base < i &&
	       refs_ok(s, b, &all[b->from], next);
}

static bool bases_ok(const struct ruleset *s)
{
	uint32_t n = bases_n(s), next = s->ports;

	for (uint32_t i = 0; i < n; i++)
		if (!base_ok(s, i, &next))
			return false;
	return n > 0 && next == s->bases;
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
	       part_ok(s->records, s->maps, sizeof(struct rule_record)) &&
	       part_ok(s->maps, s->ports, RULESET_ALIGN) &&
	       part_ok(s->ports, s->bases, RULESET_ALIGN) &&
	       part_ok(s->bases, s->len, sizeof(struct rule_base));
}

const struct ruleset *ruleset_check(const void *mem, size_t len)
{
	const struct ruleset *s = mem;

	if ((uintptr_t)mem % RULESET_ALIGN || len < sizeof(*s))
		return NULL;
	if (!parts_ok(s, len) || !records_ok(s) || !address_maps_ok(s) ||
	    !bases_ok(s))
		return NULL;
	return s;
}
