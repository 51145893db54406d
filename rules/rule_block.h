/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_RULES_RULE_BLOCK_H
#define VIFWALL_RULES_RULE_BLOCK_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/rule.h"

/*
 * What a built set looks like in memory: for rule_set.c and its helpers, which
 * write it, rule_check.c, which believes none of it, and rule_eval.c, which
 * reads what was checked.
 *
 * A query is a destination, a class and a 16-bit key.  Every rule becomes one
 * or more *cuts*: some classes, a range of keys, a value.  The value is the
 * rule's place in the set with its action in the lowest bit, so the first match
 * is the least value.  Cuts hang at the prefix that they are for: each distinct
 * prefix has a *record*.
 *
 * Record 0 is that of any destination; it is always asked and ends with the
 * policy.  *Maps* lead to the record of the longest prefix around the
 * destination.  Each map looks at 16 bits of the address and passes over those
 * that all prefixes below it share, so there are few steps (at most two for
 * IPv4, eight for IPv6), and what they lead to is compared with the whole
 * address: if it is not around the destination, then one of its parents is.
 * That record is asked, then those that it links to: parents whose cuts were
 * not copied down.
 *
 * In the block: struct ruleset, numbers, records, lists, refs, address maps,
 * port maps.  Offsets are bytes from the start of the block.
 */

enum rule_class { RULE_TCP, RULE_UDP, RULE_ICMP, RULE_OTHER, RULE_CLASS_N };

#define RULE_CLASS_ALL 0xfu

struct ruleset {
	uint32_t magic;
	uint32_t len; /* of the block */
	uint32_t rules_n;
	uint8_t family; /* enum rule_family */
	uint8_t closed; /* drops all because the rules could not be read */
	uint8_t spare[2];
	uint32_t numbers; /* uint32_t[rules_n]: dom0's, ascending */
	uint32_t records; /* struct rule_record[] */
	uint32_t lists;	  /* struct rule_list[], in the order of records */
	uint32_t refs;	  /* struct rule_refs[], in the order of records */
	uint32_t maps;	  /* address maps, breadth first */
	uint32_t ports;	  /* port maps, in the order of refs; they end at len */
};
static_assert(sizeof(struct ruleset) % RULESET_ALIGN == 0, "records aligned");

#define RULESET_MAGIC 0x76777231u

/* Values: place in the set << 1 | action. */
#define RULE_VALUE_POLICY 0xfffcu /* | action */
#define RULE_VALUE_NONE 0xfffeu	  /* nothing matched; read as: drop */
static_assert((RULE_SET_MAX << 1) < RULE_VALUE_POLICY, "values are ordered");

static inline uint16_t rule_value(uint32_t idx, uint8_t action)
{
	return (uint16_t)(idx << 1 | action);
}

/* Keys @lo to @lo + @span of some classes have @value. */
struct rule_cut {
	uint16_t lo, span;
	uint16_t value;
	uint8_t classes; /* 1 << enum rule_class */
	uint8_t spare;
};

/* Several side by side, in order of value; those unused have no class. */
#define RULE_CUTS_MAX 8u

struct rule_list {
	uint16_t lo[RULE_CUTS_MAX], span[RULE_CUTS_MAX];
	uint16_t value[RULE_CUTS_MAX], classes[RULE_CUTS_MAX];
};

/*
 * More of them are port maps, one for each class: its offset, or (odd) the
 * value of all keys << 1 | 1.
 */
struct rule_refs {
	uint32_t ref[RULE_CLASS_N];
};

enum rule_kind { RULE_ONE_CUT, RULE_LIST, RULE_MAPS };

struct rule_record {
	uint64_t hi, lo; /* the prefix, bits after its length are zero */
	uint16_t parent; /* longest shorter prefix around it */
	uint16_t link;	 /* record to ask next; 0: none */
	uint16_t floor;	 /* no value is lower from there on; NONE: none */
	uint8_t len;
	uint8_t kind; /* enum rule_kind */
	union {
		struct rule_cut cut;
		uint32_t at; /* in lists, or in refs */
	};
};
static_assert(sizeof(struct rule_record) == 32, "two to a cache line");

/*
 * A map cuts the numbers 0..65535 into ranges and gives each a 32-bit value.
 * Address maps: the offset of the next map, or (odd) a record << 1 | 1.  Port
 * maps: a value.
 *
 *	struct rule_map
 *	uint16_t pivot[]           every 16th start but the first; only when
 *	                           there are RULE_FEW starts or more
 *	uint16_t start[n]          where all ranges but the first begin,
 *	                           ascending
 *	uint32_t value[n + 1]
 *	(to a multiple of 8)
 *
 * Pivots and starts are filled up with UINT16_MAX to blocks of 16, at least one
 * place each: a block is counted at once, without a branch.
 *
 * Or, when there are many, the starts are a bitmap and its running count:
 *
 *	struct rule_map, uint32_t 0
 *	uint64_t bit[1024]
 *	uint16_t before[1024]
 *	uint32_t value[n + 1]
 *	(to a multiple of 8)
 */
struct rule_map {
	uint16_t n;    /* ranges less one */
	uint8_t level; /* address maps: which 16 bits are looked at */
	uint8_t bitmap;
};

#define RULE_FEW 64u
/* More starts than so many are a bitmap; in maps that all go through, sooner.
 */
#define RULE_LIST_MAX 1023u
#define RULE_ROOT_LIST_MAX 64u
#define RULE_BIT_WORDS 1024u

static inline uint32_t rule_start_blocks(uint32_t n)
{
	return n / 16 + 1;
}

static inline uint32_t rule_pivot_blocks(uint32_t n)
{
	return n < RULE_FEW ? 0 : (rule_start_blocks(n) - 1) / 16 + 1;
}

static inline uint32_t rule_map_values(const struct rule_map *m)
{
	if (m->bitmap)
		return 8 + RULE_BIT_WORDS * 10;
	return 4 + 32 * (rule_pivot_blocks(m->n) + rule_start_blocks(m->n));
}

static inline uint32_t rule_map_size(const struct rule_map *m)
{
	return (rule_map_values(m) + 4 * (m->n + 1u) + 7) & ~7u;
}

static inline uint32_t rule_ones(uint64_t x)
{
	x -= x >> 1 & 0x5555555555555555u;
	x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return (uint32_t)(x * 0x0101010101010101u >> 56);
}

static inline const void *rule_at(const struct ruleset *s, uint32_t offset)
{
	return (const uint8_t *)s + offset;
}

static inline const struct rule_record *rule_records(const struct ruleset *s)
{
	return rule_at(s, s->records);
}

static inline const struct rule_list *rule_lists(const struct ruleset *s)
{
	return rule_at(s, s->lists);
}

static inline const struct rule_refs *rule_refs(const struct ruleset *s)
{
	return rule_at(s, s->refs);
}

static inline const uint16_t *rule_map_pivots(const struct rule_map *m)
{
	return (const uint16_t *)(const void *)(m + 1);
}

static inline const uint16_t *rule_map_starts(const struct rule_map *m)
{
	return rule_map_pivots(m) + 16 * rule_pivot_blocks(m->n);
}

static inline const uint64_t *rule_map_bits(const struct rule_map *m)
{
	return (const uint64_t *)(const void *)(m + 2);
}

static inline const uint16_t *rule_map_before(const struct rule_map *m)
{
	return (const uint16_t *)(const void *)(rule_map_bits(m) +
						RULE_BIT_WORDS);
}

static inline const uint32_t *rule_map_value(const struct rule_map *m)
{
	return (const uint32_t *)(const void *)((const uint8_t *)m +
						rule_map_values(m));
}

/* How many numbers of whole blocks are not above @key; compiles to SIMD. */
static inline uint32_t rule_count(const uint16_t *v, uint32_t blocks,
				  uint16_t key)
{
	uint32_t sum = 0;

	for (; blocks; blocks--, v += 16) {
		uint16_t n = 0;

		for (int i = 0; i < 16; i++)
			n = (uint16_t)(n + (v[i] <= key));
		sum += n;
	}
	return sum;
}

static inline uint32_t rule_least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t rule_list_rank(const struct rule_map *m, uint16_t key)
{
	uint32_t pivots = rule_pivot_blocks(m->n), at;
	const uint16_t *start = rule_map_starts(m);

	if (!pivots)
		return rule_least(
			rule_count(start, rule_start_blocks(m->n), key), m->n);
	at = rule_least(rule_count(rule_map_pivots(m), pivots, key), m->n / 16);
	return rule_least(16 * at + rule_count(start + 16 * at, 1, key), m->n);
}

static inline uint32_t rule_bit_rank(const struct rule_map *m, uint16_t key)
{
	uint64_t upto = ((uint64_t)2 << (key & 63)) - 1;

	return rule_map_before(m)[key >> 6] +
	       rule_ones(rule_map_bits(m)[key >> 6] & upto);
}

static inline uint32_t rule_map_find(const struct rule_map *m, uint16_t key)
{
	uint32_t rank =
		m->bitmap ? rule_bit_rank(m, key) : rule_list_rank(m, key);

	return rule_map_value(m)[rank];
}

/* The first 16 bits of an address that rules of a family can differ in. */
static inline uint32_t rule_first_level(uint8_t family)
{
	return family == RULE_IP4 ? 6 : 0;
}

static inline uint16_t rule_chunk(const struct pkt_addr *a, uint32_t level)
{
	return (uint16_t)(a->b[2 * level] << 8 | a->b[2 * level + 1]);
}

static inline uint64_t rule_half(const uint8_t *b)
{
	return (uint64_t)b[0] << 56 | (uint64_t)b[1] << 48 |
	       (uint64_t)b[2] << 40 | (uint64_t)b[3] << 32 |
	       (uint64_t)b[4] << 24 | (uint64_t)b[5] << 16 |
	       (uint64_t)b[6] << 8 | (uint64_t)b[7];
}

/* Whether the prefix of @r holds the address @hi:@lo. */
static inline bool rule_holds(const struct rule_record *r, uint64_t hi,
			      uint64_t lo)
{
	if (r->len > 64)
		return r->hi == hi && (r->lo ^ lo) >> (128 - r->len) == 0;
	return r->len == 0 || (r->hi ^ hi) >> (64 - r->len) == 0;
}

#endif
