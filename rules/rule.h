/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_RULES_RULE_H
#define VIFWALL_RULES_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_assert.h"
#include "rules/check.h"

/*
 * What one client may do, as dom0 writes it for Qubes:
 *
 *	action=accept dst4=192.0.2.0/24 proto=tcp dstports=80-80
 *
 * Keys in any order, single spaces, no key twice, no key unknown.  A client has
 * one set per family; a bad rule closes that set (drop all) and no other.
 */

enum rule_family { RULE_IP4, RULE_IP6 };
enum rule_action { RULE_DROP, RULE_ACCEPT };
enum rule_dst { RULE_DST_ANY, RULE_DST_PREFIX, RULE_DST_NAME };

#define RULE_PROTO_ANY 0u   /* else 6, 17, 1 (58 in an IPv6 set) */
#define RULE_NAME_MAX 253u  /* bytes of a dsthost, RFC 1035 */
#define RULE_TEXT_MAX 3072u /* QubesDB value (real daemon's limit) */
#define RULE_SET_MAX 20000u /* rules in one set */
#define RULE_ADDR_MAX 64u   /* addresses that one name may stand for */

struct rule {
	uint32_t number; /* NNNN of its key; sets are ordered by it */
	uint8_t family;	 /* enum rule_family: of the set it was read for */
	uint8_t action;	 /* enum rule_action */
	uint8_t dst;	 /* enum rule_dst */
	uint8_t proto;	 /* RULE_PROTO_ANY or an IP protocol */
	bool dns;	 /* specialtarget=dns */
	bool has_ports;
	int16_t icmp_type; /* -1: any */
	uint16_t port_lo, port_hi;
	struct pkt_prefix prefix;     /* RULE_DST_PREFIX; host bits as given */
	char name[RULE_NAME_MAX + 1]; /* RULE_DST_NAME, NUL-terminated */
};

#define RULE_NUMBER_POLICY UINT32_MAX

/* Where and why a text was refused. */
struct rule_error {
	uint32_t number; /* of the rule, or RULE_NUMBER_POLICY */
	uint32_t column; /* from 1: the item at fault, or its value */
	const char *why; /* a constant sentence: what is allowed there */
};

/*
 * Reads one rule; 0 or -EBADMSG with *@err set and *@out undefined.  @number is
 * only stored.  The text is untrusted and needs no NUL.  Texts with the
 * same items in another order give rules that are equal byte by byte.
 */
int VW_MUST_USE rule_parse(struct rule *out, uint32_t number, const char *text,
			   size_t len, enum rule_family family,
			   struct rule_error *err);

/* Reads the value of the key `policy`: "accept" or "drop". */
int VW_MUST_USE rule_policy_parse(enum rule_action *out, const char *text,
				  size_t len, struct rule_error *err);

/*
 * Reads the NNNN of a rule's key as dom0 prints it (%04d): four digits, or five
 * from 10000 on.  0, or -EBADMSG for any other text.
 */
int VW_MUST_USE rule_number_parse(uint32_t *out, const char *text, size_t len);

/* Canonical text (the order in which dom0 writes) with NUL; its length, or
 * -ENOSPC. */
int VW_MUST_USE rule_print(char *out, size_t room, const struct rule *r);

/*
 * An immutable set: one block of memory without pointers, so that the process
 * that judges packets can map what another process built.  Its builder owns the
 * block, which is aligned to 8 bytes.
 */
struct ruleset;

#define RULESET_ALIGN 8u

#define RULE_ADDR_MORE 0x10000

/* How many addresses were written to @out of RULE_ADDR_MAX? */
static inline int rule_addr_written(int count)
{
	int n = count < 0 ? 0 : count % RULE_ADDR_MORE;

	return n < (int)RULE_ADDR_MAX ? n : (int)RULE_ADDR_MAX;
}

/* Addresses that names and special targets stand for, when a set is built. */
struct rule_env {
	const struct pkt_addr *dns; /* DNS servers: specialtarget=dns */
	uint16_t dns_n;
	/*
	 * How many addresses of @family @name has, of which the first @max are
	 * written to @out, plus RULE_ADDR_MORE when there are some that are not
	 * known; 0: it is known to have none; -ENOENT: not resolved.
	 * Answers the same while a set is measured and built.  NULL: nothing
	 * resolves.
	 */
	int (*resolve)(void *ctx, const char *name, enum rule_family family,
		       struct pkt_addr *out, uint16_t max);
	void *ctx;
	bool pass_unresolved; /* a drop rule for what is not resolved matches
				 nothing, instead of all (R126) */
};

/*
 * Enough memory for the set of these rules, and for building it: upper bounds,
 * of which ruleset_build() tells what it used.  @env NULL: no DNS servers, no
 * names.
 */
size_t ruleset_size(const struct rule *rules, uint32_t n,
		    const struct rule_env *env);
size_t ruleset_scratch_size(const struct rule *rules, uint32_t n,
			    const struct rule_env *env);

/*
 * Builds a set from rules in any order; numbers with gaps are fine, the same
 * number twice is not.  0 and the bytes used in *@used, or -EINVAL (a rule that
 * rule_parse() cannot have made for this family, a number twice), -E2BIG (over
 * RULE_SET_MAX rules, or RULESET_ITEM_MAX rules after names are replaced by
 * addresses), -ENOSPC.
 *
 * R126: while a name is not resolved, an accept rule for it matches nothing and
 * a drop rule for it matches whatever its other keys match; so does a drop rule
 * whose name has more addresses than RULE_ADDR_MAX, or than are known.  With
 * env->pass_unresolved the former matches nothing.
 */
#define RULESET_ITEM_MAX 65535u

int VW_MUST_USE ruleset_build(void *mem, size_t len, size_t *used,
			      enum rule_family family, enum rule_action policy,
			      const struct rule *rules, uint32_t n,
			      const struct rule_env *env, void *scratch,
			      size_t scratch_len);

/* The set that drops all, for a client whose rules could not be read. */
#define RULESET_CLOSED_SIZE 256u

int VW_MUST_USE ruleset_build_closed(void *mem, size_t len, size_t *used,
				     enum rule_family family);

/*
 * The set in the first bytes of the @len at @mem, as another process built it:
 * NULL unless all that ruleset_eval() may ever read lies inside and is sound.
 * Nobody may write there while the set is in use.
 */
const struct ruleset *ruleset_check(const void *mem, size_t len);

/* The same in steps, see rules/check.h: CHECK_SOUND, and .set is the set. */
struct ruleset_walk {
	const struct ruleset *set;
	uint8_t run;	  /* the part that it is in */
	uint32_t i, n;	  /* things of that part: seen, in all */
	uint32_t at, sum; /* the map that it is in; bits that were counted */
	uint32_t next;	  /* what nothing has referred to yet begins here */
};

void ruleset_check_begin(struct ruleset_walk *w, const void *mem, size_t len);
enum check_state VW_MUST_USE ruleset_check_step(struct ruleset_walk *w,
						uint32_t *budget);

enum rule_family ruleset_family(const struct ruleset *s);

/* @dst is of the set's family; ports and types are looked at by protocol. */
struct rule_query {
	struct pkt_addr dst;
	uint16_t dport;
	uint8_t proto;
	uint8_t icmp_type;
};

#define RULE_IDX_POLICY UINT16_MAX

struct rule_answer {
	uint8_t action; /* enum rule_action */
	uint8_t reason; /* PKT_REASON_NONE, RULE, POLICY or RULES_BAD */
	uint16_t idx; /* place in the set, RULE_IDX_POLICY when none matched */
};

/*
 * First match, then the policy.
 *
 * The cost does not grow with the number of rules (P8): one or two steps by
 * address, at most eight; one record, one table of ports.  docs/ARCHITECTURE.md
 * says how and within which bounds, bench_rules measures hard shapes.
 */
struct rule_answer ruleset_eval(const struct ruleset *s,
				const struct rule_query *q);

uint32_t ruleset_count(const struct ruleset *s);
/* dom0's number of the rule at @idx; RULE_NUMBER_POLICY for the policy. */
uint32_t ruleset_number(const struct ruleset *s, uint16_t idx);

#endif
