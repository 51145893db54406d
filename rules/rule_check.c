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

/* A part of the block that is walked. */
struct walk {
	const struct ruleset *s;
	uint32_t at, end;
};

/* Size of the map at @at if it is whole and sound, else 0. */
static uint32_t map_size(const struct ruleset *s, uint32_t at, uint32_t end)
{
	const uint16_t *head = rule_at(s, at);
	const uint32_t *bit = rule_at(s, at);
	const uint16_t *before = head + 2 + 2 * RULE_BIT_WORDS;
	uint32_t n, sum = 0;

	if (end - at < sizeof(uint32_t))
		return 0;
	n = head[0];
	if (end - at < rule_map_size(n))
		return 0;
	if (n <= RULE_LIST_MAX) {
		for (uint32_t i = 1; i <= n; i++)
			if (head[i] <= (i > 1 ? head[i - 1] : 0))
				return 0;
		return rule_map_size(n);
	}
	for (uint32_t i = 0; i < RULE_BIT_WORDS; i++) {
		if (before[i] != sum)
			return 0;
		sum += rule_ones(bit[1 + i]);
		if (sum > n)
			return 0;
	}
	return sum == n ? rule_map_size(n) : 0;
}

static bool value_ok(const struct ruleset *s, uint32_t value)
{
	return value >> 1 < s->rules_n ||
	       (value >= RULE_VALUE_POLICY && value <= RULE_VALUE_NONE);
}

static bool is_record(const struct ruleset *s, uint32_t word)
{
	uint32_t n = (s->maps - s->records) / sizeof(union rule_word);

	return word < n && rule_records(s)[word].head.tag == RULE_TAG_HEAD;
}

/* ---- address maps ----------------------------------------------------- */

/*
 * Values of the map at @at: records, or (not in the last level) the maps that
 * begin at *@next, one after the other.
 */
static bool address_values_ok(const struct ruleset *s, uint32_t at, bool last,
			      uint32_t *next)
{
	const uint16_t *head = rule_at(s, at);
	const uint32_t *value = rule_at(s, at + rule_map_values(head[0]));
	uint32_t n = head[0];

	for (uint32_t i = 0; i <= n; i++) {
		uint32_t size;

		if (value[i] & 1) {
			if (!is_record(s, value[i] >> 1))
				return false;
			continue;
		}
		size = map_size(s, *next, s->ports);
		if (last || value[i] != *next || !size)
			return false;
		*next += size;
	}
	return true;
}

static bool address_maps_ok(const struct ruleset *s)
{
	uint32_t level = rule_first_level(s->family), at = s->maps;
	uint32_t next = at + map_size(s, at, s->ports), level_end = next;

	if (next == at)
		return false;
	while (at < next) {
		const uint16_t *head = rule_at(s, at);

		if (at == level_end) {
			level++;
			level_end = next;
		}
		if (!address_values_ok(s, at, level == 7, &next))
			return false;
		at += rule_map_size(head[0]);
	}
	return at == s->ports;
}

/* ---- records and port maps -------------------------------------------- */

static bool port_values_ok(const struct ruleset *s, uint32_t at)
{
	const uint16_t *head = rule_at(s, at);
	const uint32_t *value = rule_at(s, at + rule_map_values(head[0]));
	uint32_t n = head[0];

	for (uint32_t i = 0; i <= n; i++)
		if (!value_ok(s, value[i]))
			return false;
	return true;
}

/* Port maps are there once; two classes of a record may share one. */
static bool refs_ok(const struct ruleset *s, const union rule_word *rec,
		    uint32_t *next)
{
	uint32_t before = 0;

	for (uint32_t k = 0; k < RULE_CLASS_N; k++) {
		uint32_t ref = rec[1 + k / 2].refs.ref[k % 2], size;

		if (ref & 1) {
			if (!value_ok(s, ref >> 1))
				return false;
			continue;
		}
		if (before && ref == before)
			continue;
		size = map_size(s, *next, s->len);
		if (ref != *next || !size || !port_values_ok(s, ref))
			return false;
		before = ref;
		*next += size;
	}
	return true;
}

static bool cuts_ok(const struct ruleset *s, const union rule_word *rec)
{
	for (uint32_t i = 1; i <= rec->head.n; i++)
		if (rec[i].cut.tag || !value_ok(s, rec[i].cut.value))
			return false;
	return true;
}

static bool records_ok(const struct ruleset *s)
{
	uint32_t n = (s->maps - s->records) / sizeof(union rule_word);
	const union rule_word *word = rule_records(s);
	uint32_t next = s->ports;

	for (uint32_t i = 0; i < n;) {
		const struct rule_head *h = &word[i].head;
		uint32_t body = h->n ? h->n : RULE_REFS_WORDS;

		if (h->tag != RULE_TAG_HEAD || body > n - i - 1)
			return false;
		if (h->link && (h->link >= i || !is_record(s, h->link)))
			return false;
		if (!(h->n ? cuts_ok(s, word + i)
			   : refs_ok(s, word + i, &next)))
			return false;
		i += 1 + body;
	}
	return n > 0 && next == s->len;
}

/* ---- the whole -------------------------------------------------------- */

static bool parts_ok(const struct ruleset *s, size_t len)
{
	if (s->magic != RULESET_MAGIC || s->len > len || s->len > INT32_MAX ||
	    s->rules_n > RULE_SET_MAX || s->family > RULE_IP6)
		return false;
	if (s->numbers != sizeof(*s) || s->records % RULESET_ALIGN ||
	    s->records < s->numbers ||
	    s->records - s->numbers < s->rules_n * sizeof(uint32_t))
		return false;
	return s->maps >= s->records && s->ports >= s->maps &&
	       s->len >= s->ports &&
	       (s->maps - s->records) % sizeof(union rule_word) == 0 &&
	       s->ports % 4 == 0 && s->len % 4 == 0;
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
