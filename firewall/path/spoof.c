/* SPDX-License-Identifier: GPL-2.0-or-later */
/* May these addresses come from there?  Asked of every packet. */
#include "firewall/path/fw_part.h"
#include "packet/pkt_hot.h"

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
static PKT_RARE enum pkt_reason not_for_us(const struct fw *fw,
					   const struct pkt_addr *dst)
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

static PKT_APART enum pkt_reason check(const struct fw *fw, uint16_t owner,
				       const struct pkt *p)
{
	return owner == NAT_UPLINK ? check_uplink(fw, p)
				   : check_client(fw, owner, p);
}

/* IPv4 from the world and to us, or from a qube with the address @src. */
static inline bool is_plain4(const struct fw *fw, uint16_t owner,
			     const uint8_t *src, const uint8_t *dst)
{
	const struct party *who = &fw->party[owner];
	const struct pkt_addr *own = who->conf.addr;

	if (owner == NAT_UPLINK)
		return who->has[RULE_IP4] && pkt_addr_is_host4(src) &&
		       memcmp(dst, fw->uplink.addr4.b + 12, 4) == 0 &&
		       place_is_world4(fw->place, src);
	return who->kind == FW_QUBE && who->conf.addr_n &&
	       memcmp(src, own->b + 12, 4) == 0 && pkt_addr_is_v4(own);
}

enum pkt_reason fw_check_addrs(const struct fw *fw, uint16_t owner,
			       const struct pkt *p)
{
	const uint8_t *ip = pkt_l3(p);

	/* What most packets are is told in place, by what check() asks too. */
	if (p->l3 == PKT_L3_IP4 && !(p->flags & PKT_F_L2_MCAST) &&
	    is_plain4(fw, owner, ip + 12, ip + 16))
		return PKT_REASON_NONE;
	return check(fw, owner, p);
}
