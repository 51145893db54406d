/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ARP, as the gateway of clients and as a host on the uplink.  A client's words
 * change nothing (R80, R83): they are answered or ignored.
 */
#include "firewall/path/fw_part.h"

#define ARP_REQUEST 1u
#define ARP_REPLY 2u

static void say(struct fw *fw, struct slot *s, const struct pkt_arp *arp,
		const struct pkt_mac *to, struct mono now)
{
	struct pkt *p = pkt_build_arp(
		fw->pool, &(struct pkt_eth){ s->port->mac, *to }, arp);

	if (!p)
		return;
	fw_swap(&fw->party[s->owner], p);
	fw_emit_own(fw, s, p, now);
}

/* @asked for an address that we stand for: it is at our MAC. */
static void answer(struct fw *fw, struct slot *s, const struct pkt_arp *asked,
		   struct mono now)
{
	struct pkt_arp a = {
		.op = ARP_REPLY,
		.sha = s->port->mac,
		.tha = asked->sha,
		.spa = asked->tpa,
		.tpa = asked->spa,
	};

	say(fw, s, &a, &asked->sha, now);
}

void fw_arp_ask(struct fw *fw, struct slot *s, const struct pkt_addr *addr,
		struct mono now)
{
	static const struct pkt_mac all = { { 0xff, 0xff, 0xff, 0xff, 0xff,
					      0xff } };
	struct pkt_arp a = {
		.op = ARP_REQUEST,
		.sha = s->port->mac,
		.spa = s->owner == NAT_UPLINK
			       ? fw->uplink.addr4
			       : fw->party[s->owner].conf.gateway4,
		.tpa = *addr,
	};

	if (!pkt_addr_is_zero(&a.spa))
		say(fw, s, &a, &all, now);
}

/* RFC 5227 2.3: who knew our address elsewhere learns where it is now. */
void fw_arp_announce(struct fw *fw, struct slot *s, struct mono now)
{
	fw_arp_ask(fw, s, &fw->uplink.addr4, now);
}

/* Do we stand for @target towards client @n (R81)? */
static bool stands_for(const struct fw *fw, uint16_t n,
		       const struct pkt_addr *target, bool probe)
{
	const struct fw_client *c = &fw->party[n].conf;

	if (pkt_addr_eq(target, &c->gateway4))
		return true;
	/* A probe asks whether its own address is free: it is. */
	return c->proxy_arp && !probe && pkt_addr_ok_dst(target) &&
	       !fw_client_holds(c, target);
}

static enum pkt_verdict from_client(struct fw *fw, struct slot *s,
				    struct pkt *p, const struct pkt_arp *a,
				    struct mono now)
{
	const struct party *c = &fw->party[s->owner];
	bool probe = pkt_addr_is_zero(&a->spa);

	if (!c->has[RULE_IP4])
		return pkt_drop(p, PKT_REASON_CLOSED);
	if (!probe && !fw_client_has(fw, s->owner, &a->spa))
		return pkt_drop(p, PKT_REASON_ARP_BAD);
	if (c->kind == FW_NETWORK && !probe)
		fw_neigh_heard(fw, s, &a->spa, &a->sha, a->op == ARP_REPLY,
			       now);
	if (a->op == ARP_REQUEST && stands_for(fw, s->owner, &a->tpa, probe)) {
		answer(fw, s, a, now);
		pkt_put(fw->pool, p);
		return PKT_TAKEN;
	}
	return pkt_drop(p, PKT_REASON_ARP_IGNORED);
}

static enum pkt_verdict from_uplink(struct fw *fw, struct slot *s,
				    struct pkt *p, const struct pkt_arp *a,
				    struct mono now)
{
	if (!fw->party[NAT_UPLINK].has[RULE_IP4])
		return pkt_drop(p, PKT_REASON_ARP_IGNORED);
	if (place_find(fw->place, &a->spa).flags) /* ours, or a client's */
		return pkt_drop(p, PKT_REASON_ARP_BAD);
	fw_neigh_heard(fw, s, &a->spa, &a->sha, a->op == ARP_REPLY, now);
	if (a->op == ARP_REQUEST && pkt_addr_eq(&a->tpa, &fw->uplink.addr4)) {
		answer(fw, s, a, now);
		pkt_put(fw->pool, p);
		return PKT_TAKEN;
	}
	return pkt_drop(p, PKT_REASON_ARP_IGNORED);
}

enum pkt_verdict fw_arp(struct fw *fw, struct slot *s, struct pkt *p,
			struct mono now)
{
	struct pkt_mac src = fw_eth_src(p);
	struct pkt_arp a;

	/* R82 */
	if (!pkt_parse_arp(p, &a) || !fw_mac_eq(&a.sha, &src))
		return pkt_drop(p, PKT_REASON_ARP_BAD);
	return s->owner == NAT_UPLINK ? from_uplink(fw, s, p, &a, now)
				      : from_client(fw, s, p, &a, now);
}
