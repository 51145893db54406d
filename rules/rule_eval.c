/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_verdict.h"
#include "rules/rule_block.h"

static enum rule_class class_of(const struct ruleset *s,
				const struct rule_query *q, uint16_t *key)
{
	*key = q->dport;
	if (q->proto == 6)
		return RULE_TCP;
	if (q->proto == 17)
		return RULE_UDP;
	*key = q->icmp_type;
	if (q->proto == (s->family == RULE_IP6 ? 58 : 1))
		return RULE_ICMP;
	*key = 0;
	return RULE_OTHER;
}

static uint32_t ask(const struct ruleset *s, const union rule_word *rec,
		    enum rule_class class, uint16_t key)
{
	uint32_t n = rec->head.n, ref;

	if (!n) {
		ref = rec[1 + class / 2].refs.ref[class % 2];
		return ref & 1 ? ref >> 1 : rule_map_find(rule_at(s, ref), key);
	}
	for (uint32_t i = 1; i <= n; i++) {
		const struct rule_cut *c = &rec[i].cut;

		if ((c->classes >> class & 1) &&
		    (uint16_t)(key - c->lo) <= c->span)
			return c->value;
	}
	return RULE_VALUE_NONE;
}

/* Word of the record of the longest prefix around @dst. */
static uint32_t find_record(const struct ruleset *s, const struct pkt_addr *dst)
{
	uint32_t level = rule_first_level(s->family);
	uint32_t at = s->maps;

	do
		at = rule_map_find(rule_at(s, at), rule_chunk(dst, level++));
	while (!(at & 1));
	return at >> 1;
}

static struct rule_answer answer(const struct ruleset *s, uint32_t value)
{
	struct rule_answer a = {
		.action = value & 1 ? RULE_ACCEPT : RULE_DROP,
		.reason = PKT_REASON_NONE,
		.idx = (uint16_t)(value >> 1),
	};

	if (a.idx >= s->rules_n)
		a.idx = RULE_IDX_POLICY;
	if (a.action == RULE_DROP)
		a.reason = s->closed		      ? PKT_REASON_RULES_BAD
			   : a.idx == RULE_IDX_POLICY ? PKT_REASON_POLICY
						      : PKT_REASON_RULE;
	return a;
}

struct rule_answer ruleset_eval(const struct ruleset *s,
				const struct rule_query *q)
{
	const union rule_word *rec = rule_records(s);
	uint16_t key;
	enum rule_class class = class_of(s, q, &key);
	uint32_t best = ask(s, rec, class, key);
	uint32_t at = find_record(s, &q->dst);

	while (at) {
		uint32_t value = ask(s, rec + at, class, key);

		best = value < best ? value : best;
		if (best <= rec[at].head.floor)
			break;
		at = rec[at].head.link;
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
