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

#define NONE ((int16_t)(RULE_VALUE_NONE - 0x8000))
static_assert(RULE_VALUE_NONE >= 0x8000, "positive when turned");

/*
 * All cuts of a record at once, of which those of prefixes up to @common bits
 * count: no branch to predict, and compiles to SIMD.
 */
static uint32_t ask_record(const struct rule_record *r, uint32_t class,
			   uint16_t key, uint32_t common)
{
	int16_t bit = (int16_t)(1u << class), best = NONE;
	int16_t end = (int16_t)rule_where(common + 1, 0);

	for (uint32_t i = 0; i < RULE_CUTS_MAX; i++) {
		bool in =
			rule_turned(0u + key - r->cut_lo[i]) <= r->cut_span[i];
		bool of = (r->cut_where[i] & bit) != 0;
		bool around = r->cut_where[i] < end;
		int16_t hit = (int16_t)(-in & -of & -around);
		int16_t value =
			(int16_t)((r->cut_value[i] & hit) | (NONE & ~hit));

		best = value < best ? value : best;
	}
	return rule_unturned(best);
}

static uint32_t ask_base(const struct ruleset *s, const struct rule_base *b,
			 uint32_t class, uint16_t key)
{
	uint32_t ref = b->ref[class];
	const struct rule_map *m;
	const uint16_t *value;

	if (ref & 1)
		return ref >> 1;
	m = rule_at(s, ref);
	value = rule_map_value(m);
	return value[rule_map_rank(m, key)];
}

/* Every prefix around @dst is that of this record, or around it. */
static uint32_t find_record(const struct ruleset *s, const struct pkt_addr *dst,
			    const uint64_t addr[2])
{
	uint32_t at = s->maps;

	do {
		const struct rule_map *m = rule_at(s, at);
		const uint32_t *value = rule_map_value(m);
		uint16_t key;

		if (m->level == RULE_LEVEL_PATH)
			key = (uint16_t)rule_common(rule_map_path(m), addr);
		else
			key = rule_chunk(dst, m->level);
		at = value[rule_map_rank(m, key)];
	} while (!(at & 1));
	return at >> 1;
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
	const uint64_t addr[2] = { rule_half(q->dst.b),
				   rule_half(q->dst.b + 8) };
	const struct rule_record *r =
		rule_records(s) + find_record(s, &q->dst, addr);
	const struct rule_base *b = rule_bases(s) + r->base;
	uint32_t common = rule_common(r->addr, addr), best, link;
	uint16_t key;
	uint32_t class = class_of(s, q, &key);

	while (common < b->len) {
		r = rule_records(s) + b->outer;
		b = rule_bases(s) + r->base;
		common = rule_common(r->addr, addr);
	}
	best = rule_least(ask_record(r, class, key, common),
			  ask_base(s, b, class, key));
	for (link = b->link; link != RULE_LINK_NONE; link = b->link) {
		b = rule_bases(s) + link;
		best = rule_least(best, ask_base(s, b, class, key));
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
