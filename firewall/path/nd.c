/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Neighbour discovery: the same roles as in arp.c. */
#include "firewall/path/fw_part.h"
#include "packet/pkt_ip.h"

static const struct pkt_addr all_nodes = { { 0xff, 0x02, [15] = 1 } };

/* RFC 4291 2.7.1: ff02::1:ff and the last three bytes. */
static struct pkt_addr solicited_node(const struct pkt_addr *a)
{
	struct pkt_addr out = { { 0xff, 0x02, [11] = 1, 0xff, a->b[13],
				  a->b[14], a->b[15] } };

	return out;
}

/* RFC 2464 7. */
static struct pkt_mac group_mac(const struct pkt_addr *group)
{
	return (struct pkt_mac){ { 0x33, 0x33, group->b[12], group->b[13],
				   group->b[14], group->b[15] } };
}

static const struct pkt_addr *own(const struct fw *fw, uint16_t n)
{
	return n == NAT_UPLINK ? &fw->uplink.addr6
			       : &fw->party[n].conf.gateway6;
}

void fw_nd_ask(struct fw *fw, struct slot *s, const struct pkt_addr *addr,
	       struct mono now)
{
	const struct pkt_addr *src = own(fw, s->owner);
	struct pkt_addr dst = solicited_node(addr);
	struct pkt_eth eth = { s->port->mac, group_mac(&dst) };
	struct pkt_nd nd = {
		.type = ICMP6_NEIGH_SOLICIT,
		.has_lladdr = true,
		.lladdr = s->port->mac,
		.target = *addr,
	};
	struct pkt *p;

	if (pkt_addr_is_zero(src))
		return;
	p = pkt_build_nd(fw->pool, &eth, src, &dst, &nd);
	if (p)
		fw_emit_own(fw, s, p, now);
}

/* @p asks for @target, which we stand for. */
static void answer(struct fw *fw, struct slot *s, const struct pkt *p,
		   const struct pkt_addr *target, struct mono now)
{
	struct pkt_addr src = pkt_src(p);
	bool probe = pkt_addr_is_zero(&src); /* whom: everybody on the link */
	const struct pkt_addr *dst = probe ? &all_nodes : &src;
	struct pkt_eth eth = { s->port->mac,
			       probe ? group_mac(dst) : fw_eth_src(p) };
	struct pkt_nd nd = {
		.type = ICMP6_NEIGH_ADVERT,
		.solicited = !probe,
		.override = pkt_addr_eq(target, own(fw, s->owner)),
		.router = s->owner != NAT_UPLINK,
		.has_lladdr = true,
		.lladdr = s->port->mac,
		.target = *target,
	};
	struct pkt *na = pkt_build_nd(fw->pool, &eth, target, dst, &nd);

	if (na)
		fw_emit_own(fw, s, na, now);
}

/* RFC 4861 7.2.6: the same for IPv6, without being asked. */
void fw_nd_announce(struct fw *fw, struct slot *s, struct mono now)
{
	const struct pkt_addr *ours = &fw->uplink.addr6;
	struct pkt_eth eth = { s->port->mac, group_mac(&all_nodes) };
	struct pkt_nd nd = {
		.type = ICMP6_NEIGH_ADVERT,
		.override = true,
		.has_lladdr = true,
		.lladdr = s->port->mac,
		.target = *ours,
	};
	struct pkt *p;

	if (pkt_addr_is_zero(ours))
		return;
	p = pkt_build_nd(fw->pool, &eth, ours, &all_nodes, &nd);
	if (p)
		fw_emit_own(fw, s, p, now);
}

/* Do we stand for @target towards party @n (R103)? */
static bool stands_for(const struct fw *fw, uint16_t n,
		       const struct pkt_addr *target, bool probe)
{
	const struct fw_client *c = &fw->party[n].conf;

	if (pkt_addr_eq(target, own(fw, n)))
		return true;
	return n != NAT_UPLINK && c->proxy_arp && !probe &&
	       pkt_addr_ok_dst(target) && !fw_client_holds(c, target);
}

/* R102: who may speak here?  Its addresses, or one of the link alone. */
static bool ok_speaker(const struct fw *fw, uint16_t n,
		       const struct pkt_addr *src)
{
	if (pkt_addr_is_linklocal(src))
		return !pkt_addr_eq(src, own(fw, n));
	return n == NAT_UPLINK ? !place_find(fw->place, src).flags
			       : fw_client_has(fw, n, src);
}

enum pkt_verdict fw_nd(struct fw *fw, struct slot *s, struct pkt *p,
		       struct mono now)
{
	struct pkt_mac mac = fw_eth_src(p);
	struct pkt_addr src = pkt_src(p);
	bool probe = pkt_addr_is_zero(&src);
	bool qube =
		s->owner != NAT_UPLINK && fw->party[s->owner].kind == FW_QUBE;
	struct pkt_nd nd;

	if (!pkt_parse_nd(p, &nd) ||
	    (!probe && !ok_speaker(fw, s->owner, &src)) ||
	    (nd.has_lladdr && !fw_mac_eq(&nd.lladdr, &mac)))
		return pkt_drop(p, PKT_REASON_ND_BAD);
	if (nd.type == ICMP6_NEIGH_ADVERT && nd.has_lladdr && !qube &&
	    pkt_addr_eq(&nd.target, &src))
		fw_neigh_heard(fw, s, &src, &mac, nd.solicited, now);
	if (nd.type == ICMP6_NEIGH_SOLICIT &&
	    stands_for(fw, s->owner, &nd.target, probe)) {
		if (!qube && !probe)
			fw_neigh_heard(fw, s, &src, &mac, false, now);
		answer(fw, s, p, &nd.target, now);
		pkt_put(fw->pool, p);
		return PKT_TAKEN;
	}
	return pkt_drop(p, PKT_REASON_ND_IGNORED);
}
