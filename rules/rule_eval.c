/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>

#include "packet/pkt_verdict.h"
#include "rules/rule_block.h"

static_assert(PKT_REASON_NONE == 0, "a reason is masked away");

/* The class of a packet and what its ports, or types, are matched by. */
static uint32_t class_of(const struct ruleset *s, const struct rule_query *q,
			 uint16_t *key)
{
	uint32_t tcp = q->proto == 6, udp = q->proto == 17;
	uint32_t icmp = q->proto == (s->family == RULE_IP6 ? 58 : 1);

	*key = (uint16_t)((q->dport & (0u - (tcp | udp))) |
			  (q->icmp_type & (0u - icmp)));
	return RULE_OTHER - (RULE_OTHER - RULE_TCP) * tcp -
	       (RULE_OTHER - RULE_UDP) * udp - (RULE_OTHER - RULE_ICMP) * icmp;
}

static uint32_t ask_cut(const struct rule_cut *c, uint32_t class, uint16_t key)
{
	uint32_t hit = (c->classes >> class & 1u) &
		       ((uint16_t)(key - c->lo) <= c->span);

	return hit ? c->value : RULE_VALUE_NONE;
}

/* All cuts at once: no branch to predict, and compiles to SIMD. */
static uint32_t ask_list(const struct rule_list *l, uint32_t class,
			 uint16_t key)
{
	uint16_t bit = (uint16_t)(1u << class), best = RULE_VALUE_NONE;

	for (uint32_t i = 0; i < RULE_CUTS_MAX; i++) {
		bool in = (uint16_t)(key - l->lo[i]) <= l->span[i];
		bool of = (l->classes[i] & bit) != 0;
		uint16_t hit = (uint16_t)((0u - in) & (0u - of));
		uint16_t value = (uint16_t)(l->value[i] | (uint16_t)~hit);

		best = value < best ? value : best;
	}
	return best;
}

static uint32_t ask(const struct ruleset *s, const struct rule_record *r,
		    uint32_t class, uint16_t key)
{
	uint32_t ref;

	if (r->kind == RULE_ONE_CUT)
		return ask_cut(&r->cut, class, key);
	if (r->kind == RULE_LIST)
		return ask_list(&rule_lists(s)[r->at], class, key);
	ref = rule_refs(s)[r->at].ref[class];
	return ref & 1 ? ref >> 1 : rule_map_find(rule_at(s, ref), key);
}

/* The record of the longest prefix around @dst. */
static uint32_t find_record(const struct ruleset *s, const struct pkt_addr *dst)
{
	const struct rule_record *record = rule_records(s);
	uint64_t hi = rule_half(dst->b), lo = rule_half(dst->b + 8);
	uint32_t at = s->maps;

	do {
		const struct rule_map *m = rule_at(s, at);

		at = rule_map_find(m, rule_chunk(dst, m->level));
	} while (!(at & 1));
	at >>= 1;
	while (!rule_holds(&record[at], hi, lo))
		at = record[at].parent;
	return at;
}

/* Without branches: verdicts come in no order that could be predicted. */
static struct rule_answer answer(const struct ruleset *s, uint32_t value)
{
	static const uint8_t reason[] = {
		PKT_REASON_RULE,
		PKT_REASON_POLICY,
		PKT_REASON_RULES_BAD,
		PKT_REASON_RULES_BAD,
	};
	uint32_t idx = value >> 1, drop = ~value & 1;
	uint32_t policy = idx >= s->rules_n, bad = s->closed & 1u;

	return (struct rule_answer){
		.action = drop ? RULE_DROP : RULE_ACCEPT,
		.reason = (uint8_t)(reason[policy | bad << 1] & (0u - drop)),
		.idx = (uint16_t)(idx | (0u - policy)),
	};
}

struct rule_answer ruleset_eval(const struct ruleset *s,
				const struct rule_query *q)
{
	const struct rule_record *record = rule_records(s);
	uint16_t key;
	uint32_t class = class_of(s, q, &key);
	uint32_t best = ask(s, &record[0], class, key);
	uint32_t at = find_record(s, &q->dst);

	while (at) {
		uint32_t value = ask(s, &record[at], class, key);

		best = value < best ? value : best;
		if (best <= record[at].floor)
			break;
		at = record[at].link;
	}
	return answer(s, best);
}

enum rule_family ruleset_family(const struct ruleset *s)
{
	return (enum rule_family)s->family;
}

uint32_t ruleset_count(const struct ruleset *s)
{
	return s->rules_n;
}

uint32_t ruleset_number(const struct ruleset *s, uint16_t idx)
{
	const uint32_t *number = rule_at(s, s->numbers);

	return idx < s->rules_n ? number[idx] : RULE_NUMBER_POLICY;
}
