/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/rule_sort.h"

#include <string.h>

/* Merges the sorted runs v[0..mid) and v[mid..n). */
static void merge(uint32_t *v, uint32_t mid, uint32_t n, uint32_t *tmp,
		  rule_before before, const void *ctx)
{
	uint32_t i = 0, j = mid, out = 0;

	if (!before(ctx, v[mid], v[mid - 1]))
		return;
	memcpy(tmp, v, mid * sizeof(*v));
	while (i < mid && j < n)
		v[out++] = before(ctx, v[j], tmp[i]) ? v[j++] : tmp[i++];
	memcpy(v + out, tmp + i, (mid - i) * sizeof(*v));
}

void rule_sort(uint32_t *v, uint32_t n, uint32_t *tmp, rule_before before,
	       const void *ctx)
{
	for (uint32_t run = 1; run < n; run *= 2)
		for (uint32_t at = 0; n - at > run; at += 2 * run) {
			uint32_t left = n - at;

			merge(v + at, run, left < 2 * run ? left : 2 * run, tmp,
			      before, ctx);
			if (left <= 2 * run)
				break;
		}
}
