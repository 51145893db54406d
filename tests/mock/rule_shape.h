/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_RULE_SHAPE_H
#define VIFWALL_TESTS_MOCK_RULE_SHAPE_H

#include "mock/rule_gen.h"

/*
 * Sets of rules that nobody writes, each made to be hard for some index:
 *
 *	nested		one address at every length, a port each
 *	length		prefixes of one length, everywhere
 *	dense		addresses one after the other
 *	bits		prefixes that differ in few, scattered bits
 *	ports		one prefix, a range of ports each
 *	anywhere	no destination, a range of ports each
 *	overlap		no destination, wide ranges over each other
 *	proto		a protocol and nothing else
 *	dns		specialtarget=dns, a prefix and ports each
 *	icmp		prefixes inside each other, a type each
 *	tiers		ports anywhere, in nets inside each other, in hosts
 *	services	ports anywhere, and hosts with a dozen each
 */
struct rule_shape {
	char name[12];
	/* Fills rule @i of @n, which has a number, a family and an action. */
	void (*make)(struct rule_gen *g, struct rule *r, uint32_t i,
		     uint32_t n);
};

#define RULE_SHAPES 12u
extern const struct rule_shape rule_shapes[RULE_SHAPES];

/* @n valid rules with ascending numbers. */
void rule_shape_rules(struct rule_gen *g, const struct rule_shape *shape,
		      struct rule *out, uint32_t n);

/*
 * A packet: half of them are for a rule, a fourth for its addresses on other
 * ports, a fourth for anywhere.
 */
struct rule_query rule_shape_query(struct rule_gen *g, const struct rule *rules,
				   uint32_t n);

#endif
