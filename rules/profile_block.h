/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_RULES_PROFILE_BLOCK_H
#define VIFWALL_RULES_PROFILE_BLOCK_H

#include <assert.h>

#include "rules/profile.h"

/*
 * What built profiles look like in memory: for profile_build.c, which writes
 * it, and profile.c, which believes none of it and then reads it.
 *
 * In the block, one behind the other: struct profiles, sets, lists, rules,
 * ranges; and that is all of it.
 */
struct profiles {
	uint32_t magic;
	uint32_t len; /* of the block */
	uint32_t set_n, list_n, rule_n, range_n;
};

#define PROFILES_MAGIC 0x76777031u

struct profile_set {
	char name[ADDR_SET_NAME_MAX];
	uint32_t at;	 /* the first of its ranges */
	uint32_t n4, n6; /* IPv4 first */
};

struct profile_list {
	char name[PROFILE_NAME_MAX];
	uint32_t at, n; /* its rules */
};

static_assert(sizeof(struct profiles) % 4 == 0 &&
		      sizeof(struct profile_set) % 4 == 0 &&
		      sizeof(struct profile_list) % 4 == 0,
	      "what follows is aligned");
static_assert(sizeof(struct addr_range) == 32, "no holes between ranges");

static inline const struct profile_set *profile_sets(const struct profiles *p)
{
	return (const void *)(p + 1);
}

static inline const struct profile_list *profile_lists(const struct profiles *p)
{
	return (const void *)(profile_sets(p) + p->set_n);
}

static inline const struct profile_rule *profile_rules(const struct profiles *p)
{
	return (const void *)(profile_lists(p) + p->list_n);
}

static inline const struct addr_range *profile_ranges(const struct profiles *p)
{
	return (const void *)(profile_rules(p) + p->rule_n);
}

/* Bytes of a block with so many of each, none over its limit. */
static inline size_t profile_block_len(size_t sets, size_t lists, size_t rules,
				       size_t ranges)
{
	return sizeof(struct profiles) + sets * sizeof(struct profile_set) +
	       lists * sizeof(struct profile_list) +
	       rules * sizeof(struct profile_rule) +
	       ranges * sizeof(struct addr_range);
}

#endif
