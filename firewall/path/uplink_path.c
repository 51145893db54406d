/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hop 3, from the uplink: what belongs to a flow, or comes by an opening, and
 * silence (R24).
 */
#include "firewall/path/dns_part.h"

enum pkt_verdict fw_from_uplink(struct fw *fw, struct pkt *p,
				struct nat_hit *hit, struct mono now)
{
	enum pkt_reason why = fw_passable(p, NAT_UPLINK);

	if (why != PKT_REASON_NONE)
		return pkt_drop(p, why);
	if (nat_find(fw->nat, p, NAT_UPLINK, hit, now) != PKT_FORWARD) {
		if (p->reason != PKT_REASON_NO_FLOW)
			return PKT_DROP;
		if (!fw_dns_own(fw, p, now))
			return fw_open_inwards(fw, p, hit, now);
		pkt_put(fw->pool, p);
		return PKT_TAKEN;
	}
	if (!fw_current(fw, hit) &&
	    fw_judge_again(fw, p, hit, now) != PKT_FORWARD)
		return PKT_DROP;
	if (fw_dns_looks(fw, p, p->sport) && fw_dns_answered(fw, p, hit, now))
		return PKT_TAKEN;
	return fw_output(fw, p, hit, now);
}
