/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_RULES_RULE_MAP_H
#define VIFWALL_RULES_RULE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_assert.h"
#include "rules/rule_block.h"

/* Where a block grows. */
struct rule_out {
	uint8_t *mem;
	size_t room, used;
};

/* @n bytes at the end of the block, zeroed; NULL when there is no room. */
void *rule_out_take(struct rule_out *o, size_t n);

struct rule_range {
	uint16_t lo, hi;
	uint32_t value;
};

/*
 * A value for each of 0..65535: from one start to before the next.  The first
 * start is 0; neighbours have different values.  Arrays are the owner's.
 */
struct rule_steps {
	uint32_t *start, *value;
	uint32_t n;
};

/* Where overlapping ranges become steps: room for 2 * ranges + 2 in each. */
struct rule_paint {
	struct rule_steps steps;
	uint32_t *next, *tmp;
};

/* The last range that holds a number gives its value; else it is @rest. */
void rule_paint(struct rule_paint *p, const struct rule_range *range,
		uint32_t range_n, uint32_t rest);

/* The lower of two values everywhere; @out has room for all starts of both. */
void rule_steps_least(struct rule_steps *out, const struct rule_steps *a,
		      const struct rule_steps *b);

/*
 * Writes steps as a map, as a bitmap when it has more than @list_max starts;
 * its offset in the block, or 0: no room.  The address of a path is left to the
 * caller.
 */
uint32_t rule_map_put(struct rule_out *o, const struct rule_steps *steps,
		      uint8_t level, uint32_t list_max);

/* Reads a port map that was written so. */
void rule_map_get(struct rule_steps *out, const struct rule_map *m);

#endif
