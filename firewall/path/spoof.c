/* SPDX-License-Identifier: GPL-2.0-or-later */
/* May these addresses come from there?  Asked of every packet. */
#include "firewall/path/shard.h"

/* R90: the source is one of the client's own, exactly. */
static enum pkt_reason check_client(const struct fw *fw, uint16_t n,
				    const struct pkt *p)
{
	struct pkt_addr src = pkt_src(p);

	if (!fw_client_has(fw, n, &src))
		return pkt_addr_ok_src(&src) ? PKT_REASON_SPOOF_CLIENT
					     : PKT_REASON_MARTIAN_SRC;
	/* group packets in unicast frames are met again in fw_judge() */
	return p->flags & PKT_F_L2_MCAST ? PKT_REASON_MULTICAST
					 : PKT_REASON_NONE;
}

/* What from the uplink is not for our own address, and so for nobody here. */
static __attribute__((cold, noinline)) enum pkt_reason
not_for_us(const struct fw *fw, const struct pkt_addr *dst)
{
	if (place_find(fw->place, dst).flags)
		return PKT_REASON_DST_INSIDE;
	if (pkt_addr_is_multicast(dst))
		return PKT_REASON_MULTICAST;
	return pkt_addr_ok_dst(dst) ? PKT_REASON_NO_FLOW
				    : PKT_REASON_MARTIAN_DST;
}

/* R91, R92: from nobody that we know, and to us. */
static enum pkt_reason check_uplink(const struct fw *fw, const struct pkt *p)
{
	const struct pkt_addr *own = fw_outside(fw, fw_pkt_family(p));
	struct pkt_addr src = pkt_src(p), dst = pkt_dst(p);

	/* what may not be asked for may not answer either, fe80::/10 too */
	if (!pkt_addr_ok_dst(&src))
		return PKT_REASON_MARTIAN_SRC;
	if (place_find(fw->place, &src).flags)
		return PKT_REASON_SPOOF_UPLINK;
	return pkt_addr_eq(&dst, own) ? PKT_REASON_NONE : not_for_us(fw, &dst);
}

enum pkt_reason fw_check_addrs(const struct fw *fw, uint16_t owner,
			       const struct pkt *p)
{
	return owner == NAT_UPLINK ? check_uplink(fw, p)
				   : check_client(fw, owner, p);
}
