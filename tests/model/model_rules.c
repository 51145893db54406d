/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/model_rules.h"

#include <string.h>

#include "packet/pkt_verdict.h"

static bool bit(const struct pkt_addr *a, int i)
{
	return a->b[i / 8] >> (7 - i % 8) & 1;
}

static bool in_prefix(const struct pkt_prefix *p, const struct pkt_addr *a)
{
	for (int i = 0; i < p->len; i++)
		if (bit(&p->addr, i) != bit(a, i))
			return false;
	return true;
}

static bool in_list(const struct pkt_addr *list, int n,
		    const struct pkt_addr *a)
{
	for (int i = 0; i < n; i++)
		if (memcmp(&list[i], a, sizeof(*a)) == 0)
			return true;
	return false;
}

static bool name_matches(const struct rule *r, const struct rule_env *env,
			 const struct pkt_addr *dst)
{
	struct pkt_addr list[RULE_ADDR_MAX];
	int n = -1, most = (int)RULE_ADDR_MAX;

	if (env && env->resolve)
		n = env->resolve(env->ctx, r->name, (enum rule_family)r->family,
				 list, RULE_ADDR_MAX);
	if (n < 0 || n > most) {
		if (r->action == RULE_DROP)
			return true;
		n = n < 0 ? 0 : n % RULE_ADDR_MORE;
		n = n > most ? most : n;
	}
	return in_list(list, n, dst);
}

static bool dst_matches(const struct rule *r, const struct rule_env *env,
			const struct pkt_addr *dst)
{
	switch (r->dst) {
	case RULE_DST_PREFIX:
		return in_prefix(&r->prefix, dst);
	case RULE_DST_NAME:
		return name_matches(r, env, dst);
	default:
		return true;
	}
}

static bool matches(const struct rule *r, const struct rule_env *env,
		    const struct rule_query *q)
{
	bool tcp_or_udp = q->proto == 6 || q->proto == 17;

	if (r->proto != RULE_PROTO_ANY && r->proto != q->proto)
		return false;
	if (r->has_ports &&
	    (!tcp_or_udp || q->dport < r->port_lo || q->dport > r->port_hi))
		return false;
	if (r->icmp_type >= 0 && q->icmp_type != r->icmp_type)
		return false;
	if (r->dns && (!tcp_or_udp || q->dport != 53 || !env ||
		       !in_list(env->dns, env->dns_n, &q->dst)))
		return false;
	return dst_matches(r, env, &q->dst);
}

struct rule_answer model_rules_eval(const struct rule *rules, uint32_t n,
				    enum rule_family family,
				    enum rule_action policy,
				    const struct rule_env *env,
				    const struct rule_query *q)
{
	struct rule_answer a = { (uint8_t)policy, PKT_REASON_POLICY,
				 RULE_IDX_POLICY };
	const struct rule *first = NULL;

	for (uint32_t i = 0; i < n; i++)
		if (rules[i].family == family && matches(&rules[i], env, q) &&
		    (!first || rules[i].number < first->number))
			first = &rules[i];
	if (first) {
		a.action = first->action;
		a.reason = PKT_REASON_RULE;
		a.idx = 0;
		for (uint32_t i = 0; i < n; i++)
			a.idx = (uint16_t)(a.idx +
					   (rules[i].number < first->number));
	}
	if (a.action == RULE_ACCEPT)
		a.reason = PKT_REASON_NONE;
	return a;
}
