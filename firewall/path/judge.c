/* SPDX-License-Identifier: GPL-2.0-or-later */
/* May a client open this flow, and may a flow that is open stay? */
#include "firewall/path/dns_part.h"
#include "packet/pkt_ip.h"

/* R69, R101: ICMP types that may cross, if a flow or a rule wants them. */
static bool icmp_crosses(const struct pkt *p, uint16_t owner)
{
	switch ((enum pkt_kind)p->kind) {
	case PKT_KIND_ICMP_QUERY:
		return owner != NAT_UPLINK || p->icmp_type == ICMP_ECHO ||
		       p->icmp_type == ICMP6_ECHO;
	case PKT_KIND_ICMP_REPLY:
		return true;
	case PKT_KIND_ICMP_ERROR:
		if (p->l3 == PKT_L3_IP6)
			return p->icmp_type != ICMP6_PARAM || p->icmp_code;
		return p->icmp_type != ICMP_QUENCH &&
		       p->icmp_type != ICMP_REDIRECT;
	case PKT_KIND_NONE:
	case PKT_KIND_TCP:
	case PKT_KIND_UDP:
	case PKT_KIND_ND:
	case PKT_KIND_OTHER:
	case PKT_KIND_N:
		break;
	}
	return false;
}

enum pkt_reason fw_passable(const struct pkt *p, uint16_t owner)
{
	if (p->kind == PKT_KIND_TCP || p->kind == PKT_KIND_UDP)
		return PKT_REASON_NONE;
	if (!pkt_is_icmp(p))
		return PKT_REASON_PROTO;
	return icmp_crosses(p, owner) ? PKT_REASON_NONE : PKT_REASON_ICMP_TYPE;
}

struct nat_tuple fw_asked(const struct pkt *p)
{
	return (struct nat_tuple){
		.src = pkt_src(p),
		.dst = pkt_dst(p),
		.sport = p->sport,
		.dport = p->dport,
		.proto = p->proto,
		.icmp_type = p->icmp_type,
	};
}

bool fw_opens(const struct pkt *p)
{
	return p->kind == PKT_KIND_TCP || p->kind == PKT_KIND_UDP ||
	       p->kind == PKT_KIND_ICMP_QUERY;
}

/* May client @n open flow @t to client @to? */
static bool across(const struct fw *fw, uint16_t n, uint16_t to,
		   const struct nat_tuple *t)
{
	return n != to &&
	       (fw_pair(fw, n, to) || fw_opening(fw, FW_WAY_ACROSS, t));
}

/* Where would client @n's packet go?  NONE, and @j->to, @j->by. */
static enum pkt_reason where(const struct fw *fw, uint16_t n,
			     const struct nat_tuple *t, struct judgement *j)
{
	const struct pkt_addr *dst = &t->dst;
	struct place at = place_find(fw->place, dst);

	if (at.flags & PLACE_OUTSIDE && fw_opening(fw, FW_WAY_BACK, t))
		return fw_by_opening(fw, FW_WAY_BACK, t, j);
	/* Out, as far as it can tell; fw_hairpin() brings it back. */
	j->to = NAT_UPLINK;
	if (at.flags & PLACE_OUTSIDE && fw->conf.hairpin &&
	    (t->proto == IP_TCP || t->proto == IP_UDP))
		return PKT_REASON_NONE;
	/* In Qubes the gateway's address is that of the outside as well. */
	if (at.flags & PLACE_GATEWAY)
		return PKT_REASON_TO_SELF;
	if (at.flags & PLACE_OUTSIDE)
		return PKT_REASON_HAIRPIN;
	if (at.flags & PLACE_CLIENT) {
		j->to = at.client;
		return across(fw, n, at.client, t)
			       ? PKT_REASON_NONE
			       : PKT_REASON_CLIENT_TO_CLIENT;
	}
	/* Same answer: nobody learns which qubes are running. */
	if (at.flags & PLACE_GUARD)
		return PKT_REASON_CLIENT_TO_CLIENT;
	if (pkt_addr_is_multicast(dst) ||
	    fw_is_broadcast(&fw->uplink.net4, dst))
		return PKT_REASON_MULTICAST;
	return pkt_addr_ok_dst(dst) ? PKT_REASON_NONE : PKT_REASON_MARTIAN_DST;
}

struct judgement fw_judge(const struct fw *fw, uint16_t n,
			  const struct nat_tuple *t)
{
	enum rule_family family = fw_family(&t->dst);
	const struct party *c = &fw->party[n];
	struct judgement j = { .rule = RULE_IDX_POLICY };
	struct rule_answer a;

	if (!fw_is_open(fw, n, family)) {
		j.reason = PKT_REASON_CLOSED;
		return j;
	}
	j.reason = where(fw, n, t, &j);
	if (j.reason != PKT_REASON_NONE || !fw_profile_passes(fw, n, t, &j))
		return j;
	a = ruleset_eval(c->rules[family], &(struct rule_query){
						   .dst = t->dst,
						   .dport = t->dport,
						   .proto = t->proto,
						   .icmp_type = t->icmp_type,
					   });
	j.rule = a.idx;
	if (a.action != RULE_ACCEPT)
		j.reason = (enum pkt_reason)a.reason;
	return j;
}

struct judgement fw_judge_flow(const struct fw *fw, uint16_t n,
			       const struct nat_tuple *t, uint16_t to)
{
	struct judgement j = fw_judge(fw, n, t);

	/* an address moved elsewhere: theirs, or this client's own */
	if (j.reason == PKT_REASON_NONE &&
	    (j.to != to || !fw_client_has(fw, n, &t->src)))
		j.reason = PKT_REASON_NO_FLOW;
	return j;
}

static uint16_t opener(const struct nat_hit *hit)
{
	return hit->end == 0 ? hit->from : hit->to;
}

bool fw_current(const struct fw *fw, const struct nat_hit *hit)
{
	return hit->gen == fw->party[opener(hit)].gen;
}

/* Does what lets it pass lead it where it goes? */
static bool leads_there(const struct fw *fw, const struct nat_hit *hit,
			const struct nat_tuple *t, const struct judgement *j)
{
	const struct pkt_addr *want = j->by ? &j->by->to
				      : j->to == NAT_UPLINK
					      ? fw_dns_target(fw, t)
					      : &t->dst;
	uint16_t want_port =
		j->by ? fw_forward_port(j->by, t->dport) : t->dport;
	struct pkt_addr addr;
	uint16_t port;

	nat_hit_target(fw->nat, hit, &addr, &port);
	return want && pkt_addr_eq(&addr, want) &&
	       (port == want_port || !fw_forward_has_ports(t->proto));
}

static struct judgement judge_hit(const struct fw *fw,
				  const struct nat_hit *hit)
{
	uint16_t n = opener(hit);
	uint16_t other = hit->end == 0 ? hit->to : hit->from;
	struct nat_tuple t;
	struct judgement j;

	nat_hit_tuple(fw->nat, hit, &t);
	j = n == NAT_UPLINK ? fw_judge_uplink(fw, &t)
			    : fw_judge_flow(fw, n, &t, other);
	if (j.reason == PKT_REASON_NONE &&
	    (j.to != other || !leads_there(fw, hit, &t, &j)))
		j.reason = PKT_REASON_NO_FLOW;
	return j;
}

/* Ends a flow that a client opened. */
static enum pkt_verdict end_own(struct fw *fw, struct pkt *p,
				const struct nat_hit *hit,
				const struct judgement *j, struct mono now)
{
	uint16_t n = opener(hit);

	if (hit->end == 0) {
		nat_hit_end(fw->nat, hit);
		return fw_refuse(fw, n, p, j->reason, j->rule, now);
	}
	if (!hit->quoted) {
		nat_apply(fw->nat, p, hit, now);
		fw_tell_opener(fw, n, p, now);
	}
	nat_hit_end(fw->nat, hit);
	return pkt_drop(p, j->reason);
}

enum pkt_verdict fw_judge_again(struct fw *fw, struct pkt *p,
				const struct nat_hit *hit, struct mono now)
{
	uint16_t n = opener(hit);
	struct judgement j = judge_hit(fw, hit);

	if (j.reason == PKT_REASON_NONE) {
		nat_hit_admit(fw->nat, hit, fw->party[n].gen, j.rule);
		return PKT_FORWARD;
	}
	if (fw->settling)
		return pkt_drop(p, j.reason);
	fw_row(fw, n)->flows_cut++;
	if (n != NAT_UPLINK)
		return end_own(fw, p, hit, &j, now);
	/* whoever speaks is told that there is nothing any more */
	nat_hit_end(fw->nat, hit);
	return fw_refuse(fw, hit->from, p, PKT_REASON_NO_FLOW, RULE_IDX_POLICY,
			 now);
}
