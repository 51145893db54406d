/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_RULES_RULE_SORT_H
#define VIFWALL_RULES_RULE_SORT_H

#include <stdbool.h>
#include <stdint.h>

typedef bool (*rule_before)(const void *ctx, uint32_t a, uint32_t b);

/*
 * Sorts @n numbers, or indexes of what @ctx holds, by merging; equals keep
 * their order.  @tmp has room for as many.  Sorted input costs n comparisons.
 */
void rule_sort(uint32_t *v, uint32_t n, uint32_t *tmp, rule_before before,
	       const void *ctx);

#endif
