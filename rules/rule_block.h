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
 * or more *cuts*: the prefix it is for, some classes, a range of keys, a value.
 * The value is the rule's place in the set with its action in the lowest bit,
 * so the first match is the least value.
 *
 * Each distinct prefix has a *record*, number 0 is any destination.  Address
 * *maps* lead from a destination to one record such that every prefix around
 * the destination is that record's own or one around it.  It need not be around
 * the destination itself: how many bits the two have in common tells which of
 * the prefixes are.
 *
 * A record holds up to eight cuts, its own and those of shorter prefixes, and
 * names a *base* for all that is shorter still.  A base answers for one prefix
 * and everything around it, the policy included: it has a port map for each
 * class, in which the cuts of all these prefixes were laid over each other when
 * the set was built.  So a verdict costs one walk through the address maps, one
 * record and one port map, however the prefixes are nested.
 *
 * Two things are slower and rare.  Where a base is not around the destination
 * after all, the search goes on from the record outside it.  And where a set is
 * so large and so nested that bases with everything in them would take more
 * memory than it is worth (rule_layer.c), a base holds less and links to a
 * shorter one, which must be asked as well.
 *
 * In the block: struct ruleset, numbers, records, address maps, port maps,
 * bases.  Offsets are bytes from the start of the block.
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
	uint32_t maps;	  /* address maps, breadth first */
	uint32_t ports;	  /* port maps, in the order of bases */
	uint32_t bases;	  /* struct rule_base[]; they end at len */
	uint32_t spare_end;
};
static_assert(sizeof(struct ruleset) % RULESET_ALIGN == 0, "numbers aligned");

#define RULESET_MAGIC 0x76777232u

/* Values: place in the set << 1 | action. */
#define RULE_VALUE_POLICY 0xfffcu /* | action */
#define RULE_VALUE_NONE 0xfffeu	  /* nothing matched; read as: drop */
static_assert((RULE_SET_MAX << 1) < RULE_VALUE_POLICY, "values are ordered");

static inline uint16_t rule_value(uint32_t idx, uint8_t action)
{
	return (uint16_t)(idx << 1 | action);
}

/* Keys @lo to @lo + @span of some classes and one prefix have @value. */
struct rule_cut {
	uint16_t lo, span;
	uint16_t value;
	uint16_t where; /* rule_where() */
};

/* The length of a prefix, and classes as 1 << enum rule_class. */
static inline uint16_t rule_where(uint32_t len, uint32_t classes)
{
	return (uint16_t)(len << RULE_CLASS_N | classes);
}

static inline uint32_t rule_where_len(uint16_t where)
{
	return where >> RULE_CLASS_N;
}

/* Several side by side, in order of value; those unused have no class. */
#define RULE_CUTS_MAX 8u

struct rule_record {
	uint64_t addr[2]; /* the prefix, bits after its length are zero */
	uint32_t base;
	uint32_t spare[3];
	uint16_t cut_lo[RULE_CUTS_MAX];
	int16_t cut_span[RULE_CUTS_MAX], cut_value[RULE_CUTS_MAX]; /* turned */
	int16_t cut_where[RULE_CUTS_MAX];
};
static_assert(sizeof(struct rule_record) == 96, "never in three cache lines");
#define RULE_RECORD_ALIGN 32u

#define RULE_LINK_NONE UINT32_MAX

struct rule_base {
	/* One port map for each class: its offset, or (odd) the value of all
	 * keys << 1 | 1.  Neighbours with the same cuts share one, and so does
	 * a base with the one that it was laid over. */
	uint32_t ref[RULE_CLASS_N];
	uint32_t from;	/* base it was laid over; 0: itself */
	uint32_t link;	/* base to ask next, or RULE_LINK_NONE */
	uint32_t outer; /* record to go on from, outside of the prefix */
	uint8_t len;	/* of the prefix that it answers for; 0: base 0 */
	uint8_t spare[3];
};
static_assert(sizeof(struct rule_base) == 32, "two to a cache line");

/*
 * A map cuts the numbers 0..65535 into ranges and gives each a value.  Address
 * maps, 32 bits: the offset of the next map, or (odd) a record << 1 | 1.  Port
 * maps, 16 bits: a value as in cuts.
 *
 * The number that an address map is asked for is 16 bits of the address; that
 * tells apart prefixes that are many and side by side.  Or (*path*) it is how
 * many bits the address has in common with one that is in the map: that goes
 * down a whole chain of nested prefixes in one step.
 *
 *	struct rule_map
 *	uint64_t hi, lo			only in paths
 *	int16_t start[n]		where all ranges but the first begin,
 *					ascending
 *	int16_t pivot[(n - 1) / 16]	every 16th start but the first; only
 *					when there are over RULE_FLAT starts
 *	value[n + 1]
 *	(to a multiple of 8)
 *
 * Starts and pivots are filled up to blocks of 16, with what is above no key:
 * how many of a block are above a key is counted at once, without a branch.
 *
 * Or, when there are many, the starts are a bitmap and its running count:
 *
 *	struct rule_map
 *	uint64_t bit[1024]
 *	uint16_t before[1024]
 *	value[n + 1]
 *	(to a multiple of 8)
 */
struct rule_map {
	uint16_t n;	 /* ranges less one */
	uint8_t level;	 /* which 16 bits are looked at, or RULE_LEVEL_* */
	uint8_t form;	 /* enum rule_form */
	uint32_t values; /* bytes from the start of the map */
};
static_assert(sizeof(struct rule_map) == 8, "bits are aligned behind it");

enum rule_form { RULE_FORM_FLAT, RULE_FORM_PIVOTS, RULE_FORM_BITMAP };

#define RULE_LEVELS 8u
#define RULE_LEVEL_PATH RULE_LEVELS
#define RULE_LEVEL_PORT (RULE_LEVELS + 1)

#define RULE_FLAT 32u
#define RULE_BIT_WORDS 1024u

/*
 * Numbers of 16 bits that are compared many at once are kept with the upper bit
 * turned over: the processors that we know compare signed ones faster.
 */
static inline int16_t rule_turned(uint32_t x)
{
	return (int16_t)(uint16_t)(x ^ 0x8000u);
}

static inline uint16_t rule_unturned(int16_t x)
{
	return (uint16_t)((uint16_t)x ^ 0x8000u);
}

/* Fills blocks of turned numbers up: above none. */
#define RULE_FILL INT16_MIN

static inline uint32_t rule_start_blocks(uint32_t n)
{
	return n ? (n + 15) / 16 : 1;
}

static inline uint32_t rule_pivots(uint32_t n)
{
	return (n - 1) / 16;
}

/* Where values begin, in a map whose other fields are set. */
static inline uint32_t rule_map_values(const struct rule_map *m)
{
	uint32_t at = m->level == RULE_LEVEL_PATH ? 24 : 8;

	if (m->form == RULE_FORM_BITMAP)
		return at + RULE_BIT_WORDS * 10;
	at += 32 * rule_start_blocks(m->n);
	if (m->form == RULE_FORM_PIVOTS)
		at += 32 * rule_start_blocks(rule_pivots(m->n));
	return at;
}

static inline uint32_t rule_map_size(const struct rule_map *m)
{
	uint32_t each = m->level == RULE_LEVEL_PORT ? 2 : 4;

	return (m->values + each * (m->n + 1u) + 7) & ~7u;
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

static inline const struct rule_base *rule_bases(const struct ruleset *s)
{
	return rule_at(s, s->bases);
}

static inline const int16_t *rule_map_starts(const struct rule_map *m)
{
	return (const void *)(m->level == RULE_LEVEL_PATH ? m + 3 : m + 1);
}

static inline const int16_t *rule_map_pivots(const struct rule_map *m)
{
	return rule_map_starts(m) + 16 * rule_start_blocks(m->n);
}

/* The address in a path. */
static inline const uint64_t *rule_map_path(const struct rule_map *m)
{
	return (const void *)(m + 1);
}

static inline const uint64_t *rule_map_bits(const struct rule_map *m)
{
	return (const void *)(m + 1);
}

static inline const uint16_t *rule_map_before(const struct rule_map *m)
{
	return (const void *)(rule_map_bits(m) + RULE_BIT_WORDS);
}

static inline const void *rule_map_value(const struct rule_map *m)
{
	return (const uint8_t *)m + m->values;
}

/* How many numbers of whole blocks are above @key; compiles to SIMD. */
static inline uint32_t rule_above(const int16_t *v, uint32_t blocks,
				  int16_t key)
{
	uint32_t sum = 0;

	for (; blocks; blocks--, v += 16) {
		int16_t n = 0;

		for (int i = 0; i < 16; i++)
			n = (int16_t)(n + (v[i] > key));
		sum += (uint16_t)n;
	}
	return sum;
}

static inline uint32_t rule_least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t rule_pivot_rank(const struct rule_map *m, int16_t key)
{
	uint32_t n = m->n, pivots = rule_pivots(n);
	uint32_t block = pivots - rule_above(rule_map_pivots(m),
					     rule_start_blocks(pivots), key);

	return rule_least(16 * block + 16, n) -
	       rule_above(rule_map_starts(m) + 16 * block, 1, key);
}

static inline uint32_t rule_bit_rank(const struct rule_map *m, uint16_t key)
{
	uint64_t upto = ((uint64_t)2 << (key & 63)) - 1;

	return rule_map_before(m)[key >> 6] +
	       rule_ones(rule_map_bits(m)[key >> 6] & upto);
}

/* Which range @key is in, from 0. */
static inline uint32_t rule_map_rank(const struct rule_map *m, uint16_t key)
{
	if (m->form == RULE_FORM_BITMAP)
		return rule_bit_rank(m, key);
	if (m->form == RULE_FORM_PIVOTS)
		return rule_pivot_rank(m, rule_turned(key));
	return m->n - rule_above(rule_map_starts(m), rule_start_blocks(m->n),
				 rule_turned(key));
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

/* How many bits, from the first, two addresses have in common. */
static inline uint32_t rule_common(const uint64_t a[2], const uint64_t b[2])
{
	uint64_t upper = a[0] ^ b[0], lower = a[1] ^ b[1];
	uint32_t no_upper = upper == 0;
	uint64_t first = upper | (lower & (0u - (uint64_t)no_upper));
	uint32_t none = first == 0;

	/* Without branches: addresses come in no order. */
	return 64 * no_upper + none + (uint32_t)__builtin_clzll(first | none);
}

#endif
