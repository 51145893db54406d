/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hop 3, from the uplink: what belongs to a flow, or comes by an opening, and
 * silence (R24).
 */
#include "firewall/path/shard.h"

enum pkt_verdict fw_from_uplink(struct fw *fw, struct pkt *p,
				struct nat_hit *hit, struct mono now)
{
	enum pkt_reason why = fw_passable(p, NAT_UPLINK);

	if (why != PKT_REASON_NONE)
		return pkt_drop(p, why);
	if (nat_find(fw->nat, p, NAT_UPLINK, hit, now) != PKT_FORWARD)
		return p->reason == PKT_REASON_NO_FLOW
			       ? fw_open_inwards(fw, p, hit, now)
			       : PKT_DROP;
	if (!fw_current(fw, hit) &&
	    fw_judge_again(fw, p, hit, now) != PKT_FORWARD)
		return PKT_DROP;
	return fw_output(fw, p, hit, now);
}
