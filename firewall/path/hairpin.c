/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hop 5 by way of the outside (R39): clients that meet at our outside address.
 *
 * To the sender it is a flow to the outside like any other, with an outside
 * port of its own and judged by its rules.  So is it to the other client, which
 * must have opened one towards exactly that port.  Beside that each must be
 * allowed to reach the other itself.  Whatever is missing, the packet is lost
 * in silence, as it would be outside: nobody learns who is there, and the flow
 * stays open for what the other may send.
 */
#include "firewall/path/fw_part.h"
#include "packet/pkt_cut.h"

static bool may(const struct fw *fw, uint16_t n, const struct nat_tuple *t,
		uint16_t to)
{
	return fw_judge_flow(fw, n, t, to).reason == PKT_REASON_NONE;
}

/* May the opener of @a reach that of @b, behind the outside? */
static bool may_reach(const struct fw *fw, uint16_t from, uint16_t to,
		      const struct nat_tuple *a, const struct nat_tuple *b)
{
	struct nat_tuple t = *a;

	t.dst = b->src;
	t.dport = b->sport;
	return may(fw, from, &t, to);
}

static enum pkt_reason meet(struct fw *fw, const struct nat_hit *hit,
			    const struct nat_hit *back)
{
	uint16_t from = hit->from, to = back->to;
	struct nat_tuple mine, theirs;

	nat_hit_tuple(fw->nat, hit, &mine);
	nat_hit_tuple(fw->nat, back, &theirs);
	if (!fw_current(fw, back) && !may(fw, to, &theirs, NAT_UPLINK))
		return PKT_REASON_HAIRPIN;
	if (from != to && (!may_reach(fw, from, to, &mine, &theirs) ||
			   !may_reach(fw, to, from, &theirs, &mine)))
		return PKT_REASON_HAIRPIN;
	return fw_way_out(fw, to, &theirs.src) == PKT_REASON_NONE
		       ? PKT_REASON_NONE
		       : PKT_REASON_HAIRPIN;
}

static enum pkt_verdict lose(struct fw *fw, struct pkt *p,
			     const struct nat_hit *hit, enum pkt_reason why,
			     struct mono now)
{
	if (why == PKT_REASON_HAIRPIN)
		fw_note(fw, hit->from, p, why, RULE_IDX_POLICY, now);
	nat_apply(fw->nat, p, hit, now);
	return pkt_drop(p, why);
}

enum pkt_verdict fw_hairpin(struct fw *fw, struct pkt *p,
			    const struct nat_hit *hit, struct mono now)
{
	struct nat_hit back;
	enum pkt_reason why;
	uint16_t mtu;

	if (nat_find_back(fw->nat, p, hit, &back, now) != PKT_FORWARD)
		return lose(fw, p, hit, (enum pkt_reason)p->reason, now);
	why = meet(fw, hit, &back);
	if (why != PKT_REASON_NONE)
		return lose(fw, p, hit, why, now);
	mtu = fw->slot[fw->party[back.to].slot].port->mtu;
	if (pkt_fit(p, mtu) == PKT_FIT_BIG)
		return fw_too_big(fw, hit->from, p, mtu, now);
	if (p->tcp_flags & TCP_SYN)
		fw_clamp(fw, p, hit->from, back.to);
	nat_apply_back(fw->nat, p, hit, &back, now);
	fw_count(fw, hit->from, back.to, p);
	fw_send(fw, back.to, p, now);
	return PKT_TAKEN;
}
