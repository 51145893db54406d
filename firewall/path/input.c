/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hop 2: is it a sane frame from who it says?
 *
 * A batch goes through in stages, so that the misses of one packet in the flow
 * table overlap with the work on the others: sift all, join what belongs
 * together, hash all and load their buckets, then judge, translate and send one
 * by one.
 */
#include "firewall/path/fw_part.h"
#include "packet/pkt_gro.h"
#include "packet/pkt_parse.h"

/* R84: from the MAC that was assigned, to ours. */
static enum pkt_reason check_eth(const struct fw *fw, const struct slot *s,
				 const struct pkt *p)
{
	const struct party *who = &fw->party[s->owner];
	struct pkt_mac src = fw_eth_src(p), dst = fw_eth_dst(p);
	bool qube = s->owner != NAT_UPLINK && who->kind == FW_QUBE;

	if (src.b[0] & 1 || fw_mac_eq(&src, &s->port->mac) ||
	    (qube && !fw_mac_eq(&src, &who->conf.mac)))
		return PKT_REASON_ETH_SRC;
	if (!(p->flags & PKT_F_L2_MCAST) && !fw_mac_eq(&dst, &s->port->mac))
		return PKT_REASON_ETH_DST;
	return PKT_REASON_NONE;
}

/* The parts of fw_check_addrs() that people should see happen. */
static void note_spoof(struct fw *fw, uint16_t owner, const struct pkt *p,
		       enum pkt_reason why, struct mono now)
{
	if (why == PKT_REASON_SPOOF_CLIENT || why == PKT_REASON_SPOOF_UPLINK ||
	    why == PKT_REASON_DST_INSIDE)
		fw_note(fw, owner, p, why, RULE_IDX_POLICY, now);
}

/* R71: rules and translation see whole datagrams only. */
static enum pkt_verdict put_together(struct fw *fw, uint16_t owner,
				     struct pkt **at, struct mono now)
{
	enum pkt_reason why = PKT_REASON_NONE;
	struct pkt *whole = NULL;
	enum pkt_verdict v =
		pkt_frag_add(fw->frag, fw->pool, owner, *at, &whole, &why, now);

	if (v == PKT_DROP)
		fw_row(fw, owner)->drop[why]++; /* freed by pkt_frag_add() */
	*at = whole;
	return whole ? PKT_FORWARD : PKT_TAKEN;
}

/*
 * Everything about one packet that needs no flow.  FORWARD: *@at may have
 * become the datagram that was put together with it.
 */
static enum pkt_verdict sift(struct fw *fw, struct slot *s, struct pkt **at,
			     struct mono now)
{
	struct pkt *p = *at;
	enum pkt_reason why;

	if (pkt_parse(p) != PKT_FORWARD)
		return PKT_DROP;
	why = check_eth(fw, s, p);
	if (why != PKT_REASON_NONE)
		return pkt_drop(p, why);
	fw_swap(&fw->party[s->owner], p);
	if (p->l3 == PKT_L3_ARP)
		return fw_arp(fw, s, p, now);
	if (p->l3 == PKT_L3_IP6 && !fw->party[s->owner].has[RULE_IP6])
		return pkt_drop(p, PKT_REASON_IP6_OFF);
	if (p->kind == PKT_KIND_ND)
		return fw_nd(fw, s, p, now);
	why = fw_check_addrs(fw, s->owner, p);
	if (why != PKT_REASON_NONE) {
		note_spoof(fw, s->owner, p, why, now);
		return pkt_drop(p, why);
	}
	if (p->flags & PKT_F_FRAG)
		return put_together(fw, s->owner, at, now);
	return PKT_FORWARD;
}

static void hop3(struct fw *fw, uint16_t owner, struct pkt *p,
		 struct nat_hit *hit, struct mono now)
{
	enum pkt_verdict v = owner == NAT_UPLINK
				     ? fw_from_uplink(fw, p, hit, now)
				     : fw_from_client(fw, owner, p, hit, now);

	if (v == PKT_DROP)
		fw_drop(fw, owner, p);
}

void fw_input(struct fw *fw, struct port *port, struct pkt_batch *in,
	      struct mono now)
{
	struct slot *s = &fw->slot[port->id];
	uint16_t owner[PKT_BATCH];
	struct nat_hit hit[PKT_BATCH];
	uint32_t n = 0;

	if (s->owner == FW_NOBODY) {
		fw->view->strays += in->n;
		for (uint32_t i = 0; i < in->n; i++)
			pkt_put(fw->pool, in->p[i]);
		in->n = 0;
		return;
	}
	for (uint32_t i = 0; i < in->n; i++) {
		struct pkt *p = in->p[i];
		enum pkt_verdict v = sift(fw, s, &p, now);

		if (v == PKT_DROP)
			fw_drop(fw, s->owner, p);
		if (v == PKT_FORWARD)
			in->p[n++] = p;
	}
	in->n = n;
	if (fw->gso)
		pkt_gro(fw->pool, in);
	for (uint32_t i = 0; i < in->n; i++)
		owner[i] = s->owner;
	nat_prefetch(fw->nat, in->p, hit, owner, in->n);
	for (uint32_t i = 0; i < in->n; i++)
		hop3(fw, s->owner, in->p[i], &hit[i], now);
	in->n = 0;
}

void fw_input_again(struct fw *fw, struct pkt *p, struct mono now)
{
	const uint16_t owner = NAT_UPLINK;
	struct nat_hit hit;

	nat_prefetch(fw->nat, &p, &hit, &owner, 1);
	hop3(fw, owner, p, &hit, now);
}
