/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_RULES_PROFILE_H
#define VIFWALL_RULES_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_assert.h"
#include "rules/addr_set.h"
#include "rules/rule.h"

/*
 * Profiles: rules that several clients share, asked before a client's own.
 *
 *	action=drop dst=lan
 *	action=pass dst=198.51.100.7 proto=udp dstports=51820
 *
 * Keys in any order, each at most once: action, dst (a set's name, an address
 * or a prefix, of either family), proto, dstports, icmptype, specialtarget.
 * The first rule that matches decides.  `drop` refuses; `pass`, and no rule at
 * all, leave it to the client's own rules.  So a profile can only refuse more
 * than they do, whatever stands in it.
 */
#define PROFILE_NAME_MAX ADDR_SET_NAME_MAX
#define PROFILES_MAX 64u
#define PROFILE_RULES_MAX 64u	/* of one profile: asked one by one */
#define PROFILES_RULES_MAX 256u /* of all together */
#define PROFILES_SETS_MAX 64u
#define PROFILES_RANGES_MAX 262144u /* of all sets together */
#define PROFILE_TEXT_MAX 256u	    /* bytes of a rule */

enum profile_action { PROFILE_DROP, PROFILE_PASS };
enum profile_dst { PROFILE_DST_ANY, PROFILE_DST_PREFIX, PROFILE_DST_SET };

struct profile_rule {
	uint8_t action; /* enum profile_action */
	uint8_t dst;	/* enum profile_dst */
	uint8_t proto;	/* RULE_PROTO_ANY, 6, 17, or 1: ICMP of either family */
	uint8_t dns;	/* 1: for the name servers that clients ask */
	int16_t icmp_type;	   /* -1: any */
	uint16_t port_lo, port_hi; /* 0 to 65535: any */
	uint16_t set;		   /* PROFILE_DST_SET: its number */
	struct pkt_prefix prefix;
};

/* A rule as it was read, before it is known which sets there are. */
struct profile_text {
	struct profile_rule rule;
	char set[ADDR_SET_NAME_MAX]; /* of PROFILE_DST_SET */
};

struct profile_error {
	uint32_t column; /* from 1: the item at fault, or its value */
	const char *why; /* a constant sentence: what is allowed there */
};

/*
 * Reads one rule; 0 or -EBADMSG with *@err set and *@out undefined.  The text
 * is untrusted and needs no NUL.
 */
int VW_MUST_USE profile_parse(struct profile_text *out, const char *text,
			      size_t len, struct profile_error *err);

/*
 * All profiles and the sets that they name: one block of memory without
 * pointers, for the process that judges packets.  Nobody writes to it any more.
 */
struct profiles;

#define PROFILES_ALIGN 8u

struct profiles_set {
	const char *name;
	const struct pkt_prefix *prefix;
	uint32_t n;
};

/* Rules of one profile are asked in their order here. */
struct profiles_rule {
	const char *profile;
	struct profile_text text;
};

struct profiles_in {
	const struct profiles_set *set;
	uint32_t set_n;
	const struct profiles_rule *rule;
	uint32_t rule_n;
};

/* Enough memory for the block; and numbers for each of order and tmp below. */
size_t profiles_size(const struct profiles_in *in);
uint32_t profiles_order(const struct profiles_in *in);

/*
 * Builds the block.  A set is in it when a rule names it.  0 and the bytes used
 * in *@used; -E2BIG with too much of something, -ENOENT when rule *@bad names a
 * set that is not there.
 */
int VW_MUST_USE profiles_build(void *mem, size_t *used,
			       const struct profiles_in *in, uint32_t *order,
			       uint32_t *tmp, uint32_t *bad);

/*
 * The block at @mem, as another process built it: NULL unless all that is ever
 * read of its @len bytes lies inside and is sound.
 */
const struct profiles *profiles_check(const void *mem, size_t len);

/* The same in steps, see rules/check.h: CHECK_SOUND, and .p are the profiles.
 */
struct profiles_walk {
	const struct profiles *p; /* NULL: they are bad */
	uint32_t set, i; /* where it is: the set, how many of its ranges */
};

void profiles_check_begin(struct profiles_walk *w, const void *mem, size_t len);
enum check_state VW_MUST_USE profiles_check_step(struct profiles_walk *w,
						 uint32_t *budget);

#define PROFILE_NONE UINT16_MAX

/* The number of the profile @name; PROFILE_NONE: there is none. */
uint16_t profiles_find(const struct profiles *p, const char *name);

struct profile_query {
	struct rule_query q;
	bool dns; /* it asks a name server that clients are told to ask */
};

struct profile_answer {
	bool refused;
	uint16_t rule; /* that decided, from 1; 0: none matched */
};

/* At most PROFILE_RULES_MAX rules, each a look into one set. */
struct profile_answer profiles_eval(const struct profiles *p, uint16_t profile,
				    const struct profile_query *q);

/* For people. */
uint32_t profiles_count(const struct profiles *p);
uint32_t profiles_set_count(const struct profiles *p);
uint32_t profiles_range_count(const struct profiles *p);

#endif
