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
 * is the least value.  Cuts hang at the prefix that they are for, in a
 * *record*.
 *
 * The record of the shortest prefix (any destination) is always asked; it ends
 * with the policy.  The longest prefix around the destination is found by
 * *maps*, one for each 16 bits of address: two steps for IPv4, at most eight
 * for IPv6.  Its record is asked too, then those that it links to: shorter
 * prefixes around it whose cuts were not copied down.
 *
 * In the block: struct ruleset, numbers, records, address maps, port maps.
 * Offsets are bytes from the start of the block.
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
	uint32_t records; /* union rule_word[] */
	uint32_t maps;	  /* address maps, breadth first; ends at ports */
	uint32_t ports;	  /* port maps, in the order of records; ends at len */
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
	uint8_t tag;	 /* 0 */
};

/*
 * A record is a head and what it counts: @n cuts in order of value, or the port
 * maps of the classes.
 */
struct rule_head {
	uint32_t link;	/* word of the next record to ask */
	uint16_t floor; /* no value there is lower; NONE: there is no next */
	uint8_t n;	/* cuts; 0: maps */
	uint8_t tag;	/* RULE_TAG_HEAD */
};

#define RULE_TAG_HEAD 0x80u
#define RULE_CUTS_MAX 8u /* longer lists become maps */

/*
 * A port map by class: its offset, or (odd) the value of all keys << 1 | 1.
 * Offsets are below 2^31, so the tag of these words reads as no head.
 */
struct rule_refs {
	uint32_t ref[2];
};

union rule_word {
	struct rule_head head;
	struct rule_cut cut;
	struct rule_refs refs;
};
static_assert(sizeof(union rule_word) == 8, "records are words of 8 bytes");
static_assert(offsetof(struct rule_head, tag) == 7 &&
		      offsetof(struct rule_cut, tag) == 7,
	      "each word says whether it is a head");

#define RULE_REFS_WORDS (RULE_CLASS_N / 2)

/*
 * A map cuts the numbers 0..65535 into ranges and gives each a 32-bit value.
 * Address maps: the offset of the next map, or (odd) word of a record << 1 | 1.
 * Port maps: a value.
 *
 *	uint16_t n                    ranges less one
 *	uint16_t start[n]             where all but the first begin, ascending
 *	(to a multiple of 4)
 *	uint32_t value[n + 1]
 *
 * With n over RULE_LIST_MAX the starts are a bitmap and its running count:
 *
 *	uint16_t n, 0
 *	uint32_t bit[2048]
 *	uint16_t before[2048]
 *	uint32_t value[n + 1]
 */
#define RULE_LIST_MAX 512u
#define RULE_BIT_WORDS 2048u

static inline uint32_t rule_map_values(uint32_t n)
{
	if (n > RULE_LIST_MAX)
		return 4 + RULE_BIT_WORDS * 6;
	return (2 + 2 * n + 3) & ~3u;
}

static inline uint32_t rule_map_size(uint32_t n)
{
	return rule_map_values(n) + 4 * (n + 1);
}

static inline uint32_t rule_ones(uint32_t x)
{
	x -= x >> 1 & 0x55555555u;
	x = (x & 0x33333333u) + (x >> 2 & 0x33333333u);
	x = (x + (x >> 4)) & 0x0f0f0f0fu;
	return x * 0x01010101u >> 24;
}

static inline const void *rule_at(const struct ruleset *s, uint32_t offset)
{
	return (const uint8_t *)s + offset;
}

static inline const union rule_word *rule_records(const struct ruleset *s)
{
	return rule_at(s, s->records);
}

/* How many of @n ascending starts are not above @key. */
static inline uint32_t rule_list_rank(const uint16_t *start, uint32_t n,
				      uint16_t key)
{
	uint32_t at = 0;

	while (n) {
		uint32_t half = (n + 1) / 2;

		at += start[at + half - 1] <= key ? half : 0;
		n -= half;
	}
	return at;
}

static inline uint32_t rule_map_find(const void *map, uint16_t key)
{
	const uint16_t *head = map;
	const uint32_t *word = map;
	uint32_t n = head[0], rank, w = key >> 5;

	if (n > RULE_LIST_MAX) {
		const uint16_t *before = head + 2 + RULE_BIT_WORDS * 2;
		uint32_t upto = (2u << (key & 31)) - 1;

		rank = before[w] + rule_ones(word[1 + w] & upto);
	} else {
		rank = rule_list_rank(head + 1, n, key);
	}
	return word[rule_map_values(n) / 4 + rank];
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

#endif
