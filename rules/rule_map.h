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
 * Overlapping ranges of 0..65535 become disjoint ones.  All arrays are the
 * owner's, each with room for 2 * ranges + 2.
 */
struct rule_paint {
	uint32_t *start, *value, *next, *tmp;
	uint32_t n; /* disjoint ranges, neighbours have different values */
};

/* The last range that holds a number gives its value; else it is @rest. */
void rule_paint(struct rule_paint *p, const struct rule_range *range,
		uint32_t range_n, uint32_t rest);

/*
 * Writes what was painted as a map, as a bitmap when it has more than
 * @list_max starts; its offset in the block, or 0: no room.
 */
uint32_t rule_map_put(struct rule_out *o, const struct rule_paint *p,
		      uint8_t level, uint32_t list_max);

#endif
