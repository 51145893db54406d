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
 *
 * The walk is cut into runs of things of one size.  Where it is follows from
 * the run, the map that it is in, and how many things of the run were seen.
 */
enum run {
	RUN_RECORDS,
	RUN_STARTS, /* of the map at .at, as the next three */
	RUN_PIVOTS,
	RUN_BITS,
	RUN_VALUES,
	RUN_BASES,
	RUN_SOUND, /* nothing is left */
	RUN_BAD,
};

static void run_begin(struct ruleset_walk *w, enum run run, uint32_t n)
{
	w->run = (uint8_t)run;
	w->i = 0;
	w->n = n;
}

/* Up to where the run is looked at now. */
static uint32_t reach(const struct ruleset_walk *w, uint32_t *budget,
		      uint32_t size)
{
	return w->i + check_afford(budget, w->n - w->i, size);
}

static const struct rule_map *map_of(const struct ruleset_walk *w)
{
	return rule_at(w->set, w->at);
}

static uint32_t records_n(const struct ruleset *s)
{
	return (s->maps - s->records) / (uint32_t)sizeof(struct rule_record);
}

static uint32_t bases_n(const struct ruleset *s)
{
	return (s->len - s->bases) / (uint32_t)sizeof(struct rule_base);
}

/* ---- a map -------------------------------------------------------------- */

/* Whether a map of a part that ends at @end stands at @at, and whole. */
static bool head_ok(const struct ruleset *s, uint32_t at, uint32_t end)
{
	const struct rule_map *m = rule_at(s, at);

	if (end - at < sizeof(*m))
		return false;
	if (at < s->ports ? m->level >= RULE_LEVEL_PORT
			  : m->level != RULE_LEVEL_PORT)
		return false;
	switch (m->form) {
	case RULE_FORM_FLAT:
		if (m->n > RULE_FLAT)
			return false;
		break;
	case RULE_FORM_PIVOTS:
		if (m->n <= RULE_FLAT)
			return false;
		break;
	case RULE_FORM_BITMAP:
		if (m->level == RULE_LEVEL_PATH)
			return false;
		break;
	default:
		return false;
	}
	return m->values == rule_map_values(m) && end - at >= rule_map_size(m);
}

/* Ascending starts, filled up to whole blocks. */
static bool starts_ok(struct ruleset_walk *w, uint32_t *budget)
{
	const struct rule_map *m = map_of(w);
	const int16_t *start = rule_map_starts(m);
	uint32_t end = reach(w, budget, sizeof(*start));
	int16_t last = w->i ? start[w->i - 1] : RULE_FILL;

	for (uint32_t i = w->i; i < end; i++) {
		if (i < m->n ? start[i] <= last : start[i] != RULE_FILL)
			return false;
		last = start[i];
	}
	w->i = end;
	return true;
}

/* As they must be for these starts. */
static bool pivots_ok(struct ruleset_walk *w, uint32_t *budget)
{
	const struct rule_map *m = map_of(w);
	const int16_t *start = rule_map_starts(m), *pivot = rule_map_pivots(m);
	uint32_t n = rule_pivots(m->n);
	uint32_t end = reach(w, budget, 32); /* a block of starts for each */

	for (; w->i < end; w->i++)
		if (pivot[w->i] !=
		    (w->i < n ? start[16 * (w->i + 1)] : RULE_FILL))
			return false;
	return true;
}

static bool bits_ok(struct ruleset_walk *w, uint32_t *budget)
{
	const struct rule_map *m = map_of(w);
	uint32_t end = reach(w, budget, 10);

	for (; w->i < end; w->i++) {
		if (rule_map_before(m)[w->i] != w->sum)
			return false;
		w->sum += rule_ones(rule_map_bits(m)[w->i]);
		if (w->sum > m->n)
			return false;
	}
	return w->i < w->n || w->sum == m->n;
}

static bool value_ok(const struct ruleset *s, uint32_t value)
{
	return value >> 1 < s->rules_n ||
	       (value >= RULE_VALUE_POLICY && value <= RULE_VALUE_NONE);
}

static bool port_values_ok(struct ruleset_walk *w, uint32_t *budget)
{
	const uint16_t *value = rule_map_value(map_of(w));
	uint32_t end = reach(w, budget, sizeof(*value));

	for (; w->i < end; w->i++)
		if (!value_ok(w->set, value[w->i]))
			return false;
	return true;
}

/*
 * Records, or maps of later levels that begin at .next, one after the other.
 * Only the head of one is read here, but that may be in another page.
 */
static bool address_values_ok(struct ruleset_walk *w, uint32_t *budget)
{
	const struct ruleset *s = w->set;
	const uint32_t *value = rule_map_value(map_of(w));

	for (; w->i < w->n && *budget; w->i++) {
		uint32_t size;

		check_pay(budget, sizeof(*value));
		if (value[w->i] & 1) {
			if (value[w->i] >> 1 >= records_n(s))
				return false;
			continue;
		}
		if (value[w->i] != w->next || !head_ok(s, w->next, s->ports))
			return false;
		size = rule_map_size(rule_at(s, w->next));
		check_pay(budget, size < CHECK_OVER ? size : CHECK_OVER);
		w->next += size;
	}
	return true;
}

/* Begins the map at .at, whose head was looked at. */
static void map_begin(struct ruleset_walk *w)
{
	const struct rule_map *m = map_of(w);

	w->sum = 0;
	if (m->form == RULE_FORM_BITMAP)
		run_begin(w, RUN_BITS, RULE_BIT_WORDS);
	else
		run_begin(w, RUN_STARTS, 16 * rule_start_blocks(m->n));
}

static void map_go_on(struct ruleset_walk *w)
{
	const struct rule_map *m = map_of(w);

	if (w->run == RUN_STARTS && m->form == RULE_FORM_PIVOTS)
		run_begin(w, RUN_PIVOTS,
			  16 * rule_start_blocks(rule_pivots(m->n)));
	else
		run_begin(w, RUN_VALUES, m->n + 1u);
}

/* The first address map is referred to by the set, the others by values. */
static bool maps_begin(struct ruleset_walk *w)
{
	const struct ruleset *s = w->set;

	if (!head_ok(s, s->maps, s->ports))
		return false;
	w->at = s->maps;
	w->next = s->maps + rule_map_size(map_of(w));
	map_begin(w);
	return true;
}

/* The port map at .at, or when there is none left the bases. */
static bool ports_go_on(struct ruleset_walk *w)
{
	const struct ruleset *s = w->set;

	if (w->at == s->bases) {
		w->next = s->ports;
		run_begin(w, RUN_BASES, bases_n(s));
		return true;
	}
	if (!head_ok(s, w->at, s->bases))
		return false;
	map_begin(w);
	return true;
}

/* Behind a map. */
static bool maps_go_on(struct ruleset_walk *w)
{
	bool ports = w->at >= w->set->ports;

	w->at += rule_map_size(map_of(w));
	if (!ports && w->at < w->next) {
		map_begin(w);
		return true;
	}
	return w->at >= w->set->ports && ports_go_on(w);
}

/* ---- records ----------------------------------------------------------- */

static bool record_ok(const struct ruleset *s, const struct rule_record *r)
{
	for (uint32_t i = 0; i < RULE_CUTS_MAX; i++)
		if (((uint16_t)r->cut_where[i] & RULE_CLASS_ALL) &&
		    !value_ok(s, rule_unturned(r->cut_value[i])))
			return false;
	return r->base < bases_n(s);
}

static bool records_ok(struct ruleset_walk *w, uint32_t *budget)
{
	const struct rule_record *r = rule_records(w->set);
	uint32_t end = reach(w, budget, sizeof(*r));

	for (; w->i < end; w->i++)
		if (!record_ok(w->set, &r[w->i]))
			return false;
	return true;
}

/* ---- bases --------------------------------------------------------------- */

/*
 * Each port map, and they were looked at, is referred to in its turn; the class
 * before, and the base from which this one was made, may have the same.
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
		if (ref != *next || ref >= s->bases)
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

static bool bases_ok(struct ruleset_walk *w, uint32_t *budget)
{
	uint32_t end = reach(w, budget, sizeof(struct rule_base));

	for (; w->i < end; w->i++)
		if (!base_ok(w->set, w->i, &w->next))
			return false;
	return w->i < w->n || w->next == w->set->bases;
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

void ruleset_check_begin(struct ruleset_walk *w, const void *mem, size_t len)
{
	*w = (struct ruleset_walk){ .set = mem, .run = RUN_BAD };
	if ((uintptr_t)mem % RULESET_ALIGN || len < sizeof(*w->set) ||
	    !parts_ok(w->set, len) || !records_n(w->set) || !bases_n(w->set))
		return;
	run_begin(w, RUN_RECORDS, records_n(w->set));
}

static bool run_ok(struct ruleset_walk *w, uint32_t *budget)
{
	switch ((enum run)w->run) {
	case RUN_RECORDS:
		return records_ok(w, budget);
	case RUN_STARTS:
		return starts_ok(w, budget);
	case RUN_PIVOTS:
		return pivots_ok(w, budget);
	case RUN_BITS:
		return bits_ok(w, budget);
	case RUN_VALUES:
		return w->at < w->set->ports ? address_values_ok(w, budget)
					     : port_values_ok(w, budget);
	case RUN_BASES:
		return bases_ok(w, budget);
	case RUN_SOUND:
	case RUN_BAD:
		break;
	}
	return false;
}

static bool run_next(struct ruleset_walk *w)
{
	switch ((enum run)w->run) {
	case RUN_RECORDS:
		return maps_begin(w);
	case RUN_STARTS:
	case RUN_PIVOTS:
	case RUN_BITS:
		map_go_on(w);
		return true;
	case RUN_VALUES:
		return maps_go_on(w);
	case RUN_BASES:
		run_begin(w, RUN_SOUND, 0);
		return true;
	case RUN_SOUND:
	case RUN_BAD:
		break;
	}
	return false;
}

enum check_state ruleset_check_step(struct ruleset_walk *w, uint32_t *budget)
{
	while (w->run < RUN_SOUND && *budget)
		if (!run_ok(w, budget) || (w->i == w->n && !run_next(w)))
			w->run = RUN_BAD;
	if (w->run < RUN_SOUND)
		return CHECK_ON;
	return w->run == RUN_SOUND ? CHECK_SOUND : CHECK_BAD;
}

const struct ruleset *ruleset_check(const void *mem, size_t len)
{
	struct ruleset_walk w;
	enum check_state is;

	ruleset_check_begin(&w, mem, len);
	do {
		uint32_t budget = UINT32_MAX;

		is = ruleset_check_step(&w, &budget);
	} while (is == CHECK_ON);
	return is == CHECK_SOUND ? mem : NULL;
}
