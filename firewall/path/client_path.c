/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hop 3, from a client: a flow that is known goes on, a new one is judged. */
#include "firewall/path/dns_part.h"

static bool comes_back(const struct fw *fw, const struct pkt *p)
{
	struct pkt_addr dst;

	if (!fw->conf.hairpin)
		return false;
	dst = pkt_dst(p);
	return pkt_addr_eq(&dst, fw_outside(fw, fw_pkt_family(p)));
}

static enum pkt_verdict onward(struct fw *fw, struct pkt *p,
			       const struct nat_hit *hit, struct mono now)
{
	if (fw_dns_looks(fw, p, p->dport))
		fw_dns_asked(fw, hit->from, p, hit, now);
	return hit->to == NAT_UPLINK && comes_back(fw, p)
		       ? fw_hairpin(fw, p, hit, now)
		       : fw_output(fw, p, hit, now);
}

/*
 * What is reached by an opening of our outside address sees its client come
 * from there, too (RFC 4787, REQ-9): then its answers come back by us wherever
 * the two are.
 */
static struct nat_want how(const struct fw *fw, uint16_t n,
			   const struct nat_tuple *t, const struct judgement *j)
{
	struct nat_want want = {
		.mode = j->to == NAT_UPLINK ? NAT_MASQUERADE : NAT_PLAIN,
		.to = j->to,
		.outside = *fw_outside(fw, fw_family(&t->dst)),
		.gen = fw->party[n].gen,
		.rule = j->rule,
	};

	if (j->by) {
		want.mode = NAT_REDIRECT;
		want.target = j->by->to;
		want.target_port = fw_forward_port(j->by, t->dport);
	}
	return want;
}

static enum pkt_verdict open_flow(struct fw *fw, uint16_t n, struct pkt *p,
				  struct nat_hit *hit, struct mono now)
{
	struct nat_tuple t = fw_asked(p);
	struct judgement j = fw_judge(fw, n, &t);
	struct nat_want want = how(fw, n, &t, &j);
	const struct pkt_addr *target = &t.dst;
	enum pkt_reason why;

	if (j.reason == PKT_REASON_TO_SELF)
		return fw_local(fw, n, p, now);
	if (j.reason != PKT_REASON_NONE)
		return fw_refuse(fw, n, p, j.reason, j.rule, now);
	if (!fw_opens(p))
		return pkt_drop(p, PKT_REASON_NO_FLOW);
	if (j.to == NAT_UPLINK)
		target = fw_dns_target(fw, &t);
	if (!target)
		return fw_refuse(fw, n, p, PKT_REASON_NO_RESOLVER, j.rule, now);
	if (!pkt_addr_eq(target, &t.dst)) {
		want.mode = NAT_REDIRECT;
		want.target = *target;
		want.target_port = t.dport;
	}
	why = j.to == NAT_UPLINK && comes_back(fw, p)
		      ? PKT_REASON_NONE
		      : fw_way_out(fw, j.to, target);
	if (why != PKT_REASON_NONE)
		return fw_refuse(fw, n, p, why, j.rule, now);
	if (nat_add(fw->nat, p, n, &want, hit, now) != PKT_FORWARD)
		return fw_refuse(fw, n, p, (enum pkt_reason)p->reason, j.rule,
				 now);
	fw_row(fw, n)->flows_opened++;
	return onward(fw, p, hit, now);
}

enum pkt_verdict fw_from_client(struct fw *fw, uint16_t n, struct pkt *p,
				struct nat_hit *hit, struct mono now)
{
	enum pkt_reason why = fw_passable(p, n);

	if (!fw->party[n].rules[fw_pkt_family(p)]) /* R98 */
		return fw_refuse(fw, n, p, PKT_REASON_CLOSED, RULE_IDX_POLICY,
				 now);
	if (why != PKT_REASON_NONE)
		return fw_refuse(fw, n, p, why, RULE_IDX_POLICY, now);
	if (nat_find(fw->nat, p, n, hit, now) != PKT_FORWARD)
		return p->reason == PKT_REASON_NO_FLOW
			       ? open_flow(fw, n, p, hit, now)
			       : fw_refuse(fw, n, p, (enum pkt_reason)p->reason,
					   RULE_IDX_POLICY, now);
	if (!fw_current(fw, hit) &&
	    fw_judge_again(fw, p, hit, now) != PKT_FORWARD)
		return PKT_DROP;
	return onward(fw, p, hit, now);
}
