/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hop 3 by an opening: what may come in though nobody inside has asked. */
#include <errno.h>

#include "firewall/path/fw_part.h"

int fw_forwards_set(struct fw *fw, const struct fw_forward *f, uint32_t n)
{
	if (n > FW_FORWARDS)
		return -ENOSPC;
	for (uint32_t i = 0; i < n; i++)
		if (!fw_forward_ok(&f[i]))
			return -EINVAL;
	if (n) /* an empty list may be NULL */
		memcpy(fw->forward, f, n * sizeof(*f));
	fw->forward_n = n;
	fw_judge_all_again(fw);
	return 0;
}

const struct fw_forward *fw_opening(const struct fw *fw,
				    enum fw_forward_way way,
				    const struct nat_tuple *t)
{
	uint32_t i = fw_forward_find(fw->forward, fw->forward_n, way, t);

	return i < fw->forward_n ? &fw->forward[i] : NULL;
}

/* Whom the opening leads to; NONE, or why nobody. */
static enum pkt_reason reach(const struct fw *fw, const struct fw_forward *by,
			     uint16_t *to)
{
	struct place at = place_find(fw->place, &by->to);

	if (!(at.flags & PLACE_CLIENT))
		return PKT_REASON_PORT_DOWN;
	*to = at.client;
	return fw_is_open(fw, at.client, fw_family(&by->to))
		       ? PKT_REASON_NONE
		       : PKT_REASON_CLOSED;
}

enum pkt_reason fw_by_opening(const struct fw *fw, enum fw_forward_way way,
			      const struct nat_tuple *t, struct judgement *j)
{
	j->by = fw_opening(fw, way, t);
	return j->by ? reach(fw, j->by, &j->to) : PKT_REASON_NO_FLOW;
}

struct judgement fw_judge_uplink(const struct fw *fw, const struct nat_tuple *t)
{
	struct judgement j = { .rule = RULE_IDX_POLICY };

	j.reason = fw_by_opening(fw, FW_WAY_IN, t, &j);
	if (j.by)
		j.rule = (uint16_t)(j.by - fw->forward);
	return j;
}

enum pkt_verdict fw_open_inwards(struct fw *fw, struct pkt *p,
				 struct nat_hit *hit, struct mono now)
{
	struct nat_tuple t = fw_asked(p);
	struct nat_want want = { .mode = NAT_FORWARD,
				 .gen = fw->party[NAT_UPLINK].gen };
	struct judgement j;
	enum pkt_reason why;

	if (!fw->forward_n || !fw_opens(p))
		return pkt_drop(p, PKT_REASON_NO_FLOW);
	j = fw_judge_uplink(fw, &t);
	if (j.reason != PKT_REASON_NONE)
		return pkt_drop(p, j.reason);
	why = fw_way_out(fw, j.to, &j.by->to);
	if (why != PKT_REASON_NONE)
		return pkt_drop(p, why);
	want.to = j.to;
	want.rule = j.rule;
	want.target = j.by->to;
	want.target_port = fw_forward_port(j.by, t.dport);
	if (nat_add(fw->nat, p, NAT_UPLINK, &want, hit, now) != PKT_FORWARD)
		return PKT_DROP;
	fw_row(fw, NAT_UPLINK)->flows_opened++;
	return fw_output(fw, p, hit, now);
}
