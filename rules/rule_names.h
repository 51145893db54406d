/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_RULES_RULE_NAMES_H
#define VIFWALL_RULES_RULE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_dns.h"
#include "packet/pkt_time.h"
#include "rules/rule.h"

/*
 * Host names that rules want (dsthost), and the addresses known for them.
 *
 * What is known has an owner.  RULE_NAMES_OURS are answers to our own
 * questions, which hold for every client whose rules have the name.  A client's
 * number are answers that this client was given, which hold for it alone: what
 * one client is told opens nothing for another.  An answer about a name that no
 * rule of its client has is not taken.
 *
 * Time.  A TTL counts for at least floor_s and at most cap_s.  An address is
 * good for grace_s beyond that: names with many addresses give a few of them
 * each time, and connections should outlive that.  One of ours stays longer
 * still, until an answer came that does not have it: a resolver that fails
 * takes nothing away.
 *
 * Nothing here asks anybody: rule_names_next() says what is to be asked.
 */
#define RULE_NAMES_OURS 0u
#define RULE_NAMES_CLIENTS 1024u /* client numbers are below this */
#define RULE_NAMES_EACH 256u	 /* names that one client's rules may have */
#define RULE_NAMES_MAX 2048u	 /* records in the table, of all owners */

struct rule_names_conf {
	uint32_t floor_s, cap_s, grace_s; /* 30, 86400, 3600 */
};

enum rule_name_answer {
	RULE_NAME_ADDRS,  /* these addresses, at least one */
	RULE_NAME_EMPTY,  /* there is the name, but none of this family */
	RULE_NAME_GONE,	  /* there is no such name */
	RULE_NAME_FAILED, /* nobody could say */
	RULE_NAME_PART,	  /* these addresses, and there are more */
};

/* What is known of a name in one family. */
struct rule_name_state {
	uint8_t last;	 /* enum rule_name_answer */
	bool answered;	 /* last is valid */
	bool asked;	 /* an answer is due */
	bool over;	 /* there are more addresses than are known */
	uint8_t tries;	 /* failures in a row */
	struct mono due; /* when to ask (again) */
	struct mono at;	 /* of the last answer that was not FAILED */
};

struct rule_name_addr {
	struct pkt_addr addr;
	struct mono until; /* its TTL ends; grace follows */
};

struct rule_name {
	char name[RULE_NAME_MAX + 1]; /* no dot at the end */
	uint16_t owner;
	uint16_t clients;		 /* that want it */
	uint64_t answers;		 /* that had addresses */
	struct rule_name_state state[2]; /* by enum rule_family */
	uint8_t addr_n[2];
	struct rule_name_addr addr[2][RULE_ADDR_MAX];
	uint64_t want[RULE_NAMES_CLIENTS / 64]; /* by client */
	uint64_t had[RULE_NAMES_CLIENTS / 64]; /* ... before it was forgotten */
};

struct rule_names;

void rule_names_conf_default(struct rule_names_conf *c);

/* Memory that is never touched costs nothing: zeroed by the caller. */
size_t rule_names_size(void);
struct rule_names *rule_names_init(void *mem, size_t len,
				   const struct rule_names_conf *c);
void rule_names_conf(struct rule_names *t, const struct rule_names_conf *c);

/*
 * What client @n (not 0) wants is told anew: forget, want each, and when that
 * was all of all clients, settle, which drops what nobody wants any more.
 * -ENOSPC: the client has too many names, or the table is full; such a name
 * stays unresolved.  A name that is new to the client and known already counts
 * as changed.
 */
void rule_names_forget(struct rule_names *t, uint16_t n);
int VW_MUST_USE rule_names_want(struct rule_names *t, uint16_t n,
				const char *name, struct mono now);
void rule_names_settle(struct rule_names *t);

/*
 * An answer for @owner about @name.  True: clients have to be told, see
 * rule_names_changed().  @addr: @n of that family, for RULE_NAME_ADDRS
 * and RULE_NAME_PART.
 */
bool rule_names_answer(struct rule_names *t, uint16_t owner, const char *name,
		       enum rule_family family, enum rule_name_answer what,
		       const struct pkt_dns_addr *addr, uint16_t n,
		       struct mono now);

/* Does client @n want @name? */
bool rule_names_wanted(const struct rule_names *t, uint16_t n,
		       const char *name);

/*
 * The next question that is due; its state becomes "asked".  NULL: none, and
 * *@when says when to look again.
 */
const char *rule_names_next(struct rule_names *t, enum rule_family *family,
			    struct mono *when, struct mono now);
/* It could not be asked: it is due as before. */
void rule_names_unasked(struct rule_names *t, const char *name,
			enum rule_family family);
/*
 * Another way to other resolvers may say other things: every name is due at
 * once.  What is known of it stays until there is an answer.
 */
void rule_names_hurry(struct rule_names *t, struct mono now);

/* Drops addresses whose time is over. */
void rule_names_expire(struct rule_names *t, struct mono now);

/* Has what a name of client @n's stands for changed since the last time? */
bool rule_names_changed(struct rule_names *t, uint16_t n);

/*
 * For struct rule_env: addresses as client .n knows them, of both owners; with
 * RULE_NAMES_OURS without what any client was told.
 * @ctx is a struct rule_names_of.
 */
struct rule_names_of {
	const struct rule_names *t;
	uint16_t n;
};
int rule_names_resolve(void *ctx, const char *name, enum rule_family family,
		       struct pkt_addr *out, uint16_t max);

/* For people: the record at *@cursor or behind it; NULL: no more. */
const struct rule_name *rule_names_each(const struct rule_names *t,
					uint32_t *cursor);
bool rule_name_wanted_by(const struct rule_name *r, uint16_t n);

#endif
