/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_RULES_RULE_H
#define VIFWALL_RULES_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_buf.h"

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

struct rule {
	uint32_t number; /* NNNN of its key; sets are ordered by it */
	uint8_t action;	 /* enum rule_action */
	uint8_t dst;	 /* enum rule_dst */
	uint8_t proto;	 /* RULE_PROTO_ANY or an IP protocol */
	bool dns;	 /* specialtarget=dns */
	bool has_ports;
	int16_t icmp_type; /* -1: any */
	uint16_t port_lo, port_hi;
	struct pkt_prefix prefix;     /* RULE_DST_PREFIX */
	char name[RULE_NAME_MAX + 1]; /* RULE_DST_NAME, NUL-terminated */
};

/* Where and why a text was refused; column counts from 1. */
struct rule_error {
	uint32_t number; /* of the rule; UINT32_MAX: the policy */
	uint32_t column;
	const char *why; /* a constant sentence */
};

/*
 * Reads one rule; 0 or -EBADMSG with *@err set.  @number is only stored.
 * The text is untrusted and needs no NUL.
 */
int VW_MUST_USE rule_parse(struct rule *out, uint32_t number, const char *text,
			   size_t len, enum rule_family family,
			   struct rule_error *err);

/* Canonical text (the order in which dom0 writes) with NUL; its length, or
 * -ENOSPC. */
int VW_MUST_USE rule_print(char *out, size_t room, const struct rule *r);

/*
 * An immutable set: one block of memory without pointers, so that the process
 * that judges packets can map what another process built.  Its builder owns the
 * block.
 */
struct ruleset;

/* Addresses that names and special targets stand for, when a set is built. */
struct rule_env {
	const struct pkt_addr *dns; /* DNS servers: specialtarget=dns */
	uint16_t dns_n;
	/*
	 * Addresses of @name, at most @max, of @family: how many, or -ENOENT
	 * when it is not resolved.  NULL: nothing resolves.
	 */
	int (*resolve)(void *ctx, const char *name, enum rule_family family,
		       struct pkt_addr *out, uint16_t max);
	void *ctx;
};

/* Memory for a set of @n rules, whatever they are, and for building it. */
size_t ruleset_size(uint32_t n, const struct rule_env *env);
size_t ruleset_scratch_size(uint32_t n, const struct rule_env *env);

/*
 * Builds a set from rules in any order; numbers with gaps are fine, the same
 * number twice is not.  0 and the bytes used in *@used, or -EINVAL, -E2BIG,
 * -ENOSPC.  An unresolved accept rule matches nothing; an unresolved drop rule
 * matches whatever its other keys match (R126).
 */
int VW_MUST_USE ruleset_build(void *mem, size_t len, size_t *used,
			      enum rule_family family, enum rule_action policy,
			      const struct rule *rules, uint32_t n,
			      const struct rule_env *env, void *scratch,
			      size_t scratch_len);

/* The set that drops all, for a client whose rules could not be read. */
int VW_MUST_USE ruleset_build_closed(void *mem, size_t len, size_t *used,
				     enum rule_family family);

/*
 * The set in @len bytes at @mem that another process built: NULL unless its
 * header, sizes and indexes all lie inside.
 */
const struct ruleset *ruleset_check(const void *mem, size_t len);

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

/* First match, then the policy.  Cost does not grow with the set (P8). */
struct rule_answer ruleset_eval(const struct ruleset *s,
				const struct rule_query *q);

uint32_t ruleset_count(const struct ruleset *s);
/* dom0's number of the rule at @idx; UINT32_MAX for the policy. */
uint32_t ruleset_number(const struct ruleset *s, uint16_t idx);

#endif
