/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_RULE_GEN_H
#define VIFWALL_TESTS_MOCK_RULE_GEN_H

#include "packet/pkt_hash.h"
#include "rules/rule.h"

/* Random rules, and packets that meet them. */
enum rule_gen_kind {
	RULE_GEN_MIXED,	  /* as people write them, for any number of hosts */
	RULE_GEN_APART,	  /* every rule its own prefix and range of ports */
	RULE_GEN_CROWDED, /* few addresses and ports: all overlap and nest */
	RULE_GEN_N
};

struct rule_gen {
	struct pkt_rand rand;
	enum rule_gen_kind kind;
	enum rule_family family;
	uint32_t names; /* one rule in so many is for a name; 0: none */
};

void rule_gen_init(struct rule_gen *g, enum rule_gen_kind kind,
		   enum rule_family family, uint64_t seed);

/* @n valid rules with ascending numbers. */
void rule_gen_rules(struct rule_gen *g, struct rule *out, uint32_t n);

/* A packet that one of the rules is about, or nearly; and one of no rule's. */
struct rule_query rule_gen_near(struct rule_gen *g, const struct rule *rules,
				uint32_t n);
struct rule_query rule_gen_far(struct rule_gen *g);

/*
 * An environment for generated rules: three DNS servers; a name that begins
 * with 'u' is not resolved, with 'm' has too many addresses, with 'n' none,
 * and any other has up to four, which depend on the name.
 */
void rule_gen_env(struct rule_env *env, enum rule_family family);

#endif
