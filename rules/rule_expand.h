/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_RULES_RULE_EXPAND_H
#define VIFWALL_RULES_RULE_EXPAND_H

#include <stdint.h>

#include "packet/pkt_assert.h"
#include "rules/rule_block.h"

/*
 * A rule without names: a cut for one prefix.  Bits of the address after the
 * length are zero.
 */
struct rule_item {
	struct pkt_addr addr;
	struct rule_cut cut;
	uint8_t len;
};

struct rule_items {
	struct rule_item *item; /* NULL: only count them */
	uint32_t n, max;
};

/* -EINVAL unless rule_parse() can have made @r for @family. */
int VW_MUST_USE rule_valid(const struct rule *r, enum rule_family family);

/*
 * Adds the items of a valid rule, all with @value; none when it matches
 * nothing.  -E2BIG: over @max.
 */
int VW_MUST_USE rule_expand(struct rule_items *items, const struct rule *r,
			    uint16_t value, const struct rule_env *env);

#endif
