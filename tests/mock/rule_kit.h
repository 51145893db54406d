/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_RULE_KIT_H
#define VIFWALL_TESTS_MOCK_RULE_KIT_H

#include "rules/rule.h"

/*
 * A client's rules from texts, as a loader would read them: one bad text, or no
 * policy, and the set is closed.
 */
#define RULE_KIT_NAMES 8
#define RULE_KIT_ADDRS 8

struct rule_kit_name {
	char name[RULE_NAME_MAX + 1];
	struct pkt_addr addr[RULE_KIT_ADDRS]; /* of both families */
	int n;
};

struct rule_kit {
	enum rule_family family;
	enum rule_action policy;
	bool has_policy, bad;
	struct rule_error err; /* the first */
	struct rule *rules;
	uint32_t n;
	struct rule_kit_name name[RULE_KIT_NAMES];
	int name_n;
	struct pkt_addr dns[RULE_KIT_ADDRS];
	int dns_n;
	void *mem; /* exactly the set */
	size_t used;
	const struct ruleset *set;
};

void rule_kit_init(struct rule_kit *k, enum rule_family family);
void rule_kit_fini(struct rule_kit *k);

/* Addresses as text; what cannot be read, or too many, ends the program. */
void rule_kit_dns(struct rule_kit *k, const char *addr);
void rule_kit_name(struct rule_kit *k, const char *name, const char *addr);

/* 0 or -EBADMSG with k->err; either way the rule counts. */
int rule_kit_rule(struct rule_kit *k, uint32_t number, const char *text,
		  size_t len);
int rule_kit_policy(struct rule_kit *k, const char *text, size_t len);

/* Rules with numbers from 0, one a string, up to NULL; policy drop. */
void rule_kit_rules(struct rule_kit *k, const char *const *text);

/* The environment that the names and DNS servers are. */
struct rule_env rule_kit_env(struct rule_kit *k);

/* Builds and checks the set, anew each time. */
const struct ruleset *rule_kit_build(struct rule_kit *k);

/* "tcp 192.0.2.1 80", "icmp 192.0.2.1 8", "47 192.0.2.1": false when wrong. */
bool rule_kit_query(const struct rule_kit *k, struct rule_query *q,
		    const char *text);
/* Asks the set; a question that cannot be read ends the program. */
struct rule_answer rule_kit_ask(const struct rule_kit *k, const char *text);

#endif
