/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets to the firewall itself: there is a ping to answer, no more (R97). */
#include "firewall/path/fw_part.h"
#include "packet/pkt_ip.h"

#define DHCP_CLIENT_PORT 68u

static bool is_ping(const struct fw *fw, uint16_t n, const struct pkt *p)
{
	struct pkt_addr dst = pkt_dst(p);

	return pkt_addr_eq(&dst, fw_gateway(fw, n, fw_pkt_family(p))) &&
	       (p->icmp_type == ICMP_ECHO || p->icmp_type == ICMP6_ECHO);
}

enum pkt_verdict fw_local(struct fw *fw, uint16_t n, struct pkt *p,
			  struct mono now)
{
	switch ((enum pkt_kind)p->kind) {
	case PKT_KIND_ICMP_QUERY:
		if (!is_ping(fw, n, p) || !fw_may_reply(fw, n, now))
			break;
		pkt_build_echo_reply(p, &(struct pkt_eth){ 0 });
		fw_send(fw, n, p, now);
		return PKT_TAKEN;
	case PKT_KIND_UDP:
		if (p->dport == DHCP_CLIENT_PORT)
			break;
		return fw_refuse(fw, n, p, PKT_REASON_TO_SELF, RULE_IDX_POLICY,
				 now);
	case PKT_KIND_TCP:
		return fw_refuse(fw, n, p, PKT_REASON_TO_SELF, RULE_IDX_POLICY,
				 now);
	case PKT_KIND_NONE:
	case PKT_KIND_ICMP_REPLY:
	case PKT_KIND_ICMP_ERROR:
	case PKT_KIND_ND:
	case PKT_KIND_OTHER:
	case PKT_KIND_N:
		break;
	}
	return pkt_drop(p, PKT_REASON_TO_SELF);
}
