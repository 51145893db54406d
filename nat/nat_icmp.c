/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/nat_icmp.h"

#include <string.h>

#include "nat/nat_rewrite.h"
#include "nat/nat_tcp.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"

#define MTU_MIN4 68u   /* RFC 791 */
#define MTU_MIN6 1280u /* RFC 8200 */
#define ICMP_FRAG_NEEDED 4

static bool passes(const struct pkt *p)
{
	if (p->l3 == PKT_L3_IP6)
		return true; /* the parser calls nothing else an error */
	return p->icmp_type == ICMP_UNREACH ||
	       p->icmp_type == ICMP_TIME_EXCEEDED || p->icmp_type == ICMP_PARAM;
}

/* R64: would a link with the MTU it tells really have refused the packet? */
static bool mtu_ok(const struct pkt *p, const struct pkt_quote *q)
{
	const uint8_t *icmp = pkt_l4(p);
	uint32_t mtu;

	if (p->l3 == PKT_L3_IP6) {
		mtu = be32_at(icmp + 4);
		return p->icmp_type != ICMP6_TOO_BIG ||
		       (mtu >= MTU_MIN6 && mtu < q->total_len);
	}
	mtu = be16_at(icmp + 6);
	return p->icmp_type != ICMP_UNREACH ||
	       p->icmp_code != ICMP_FRAG_NEEDED ||
	       (mtu >= MTU_MIN4 && mtu < q->total_len);
}

/* The key of a packet that answers the quoted one. */
static bool answer_key(struct nat_key *k, const struct pkt_quote *q,
		       uint16_t owner)
{
	bool v6 = q->l3 == PKT_L3_IP6;
	unsigned how = v6 ? NAT_KEY_V6 : 0;
	uint16_t sport = q->dport, dport = q->sport;

	if (q->proto == IP_ICMP || q->proto == IP_ICMP6) {
		uint8_t question = nat_icmp_question(q->proto, q->icmp_type);

		if (!question)
			return false;
		if (question == q->icmp_type) {
			sport = question;
			how |= NAT_KEY_ANSWER;
		} else {
			dport = question;
		}
	}
	nat_key_addrs(k, &q->dst, &q->src, v6,
		      nat_key_rest(sport, dport,
				   nat_key_who(owner, q->proto, how)));
	return true;
}

uint32_t nat_icmp_find(const struct nat *n, const struct pkt *p, uint16_t owner,
		       unsigned *e, enum pkt_reason *why, uint32_t now_ms)
{
	struct pkt_addr dst = pkt_dst(p);
	const struct nat_flow *f;
	struct pkt_quote q;
	struct nat_key k;
	uint32_t ref;

	*why = PKT_REASON_ICMP_TYPE;
	if (!passes(p))
		return NAT_NONE;
	/* R63: the error goes to whoever sent what it quotes. */
	*why = PKT_REASON_ICMP_QUOTE;
	if (!pkt_parse_quote(p, &q) || !pkt_addr_eq(&dst, &q.src) ||
	    !answer_key(&k, &q, owner))
		return NAT_NONE;
	ref = nat_table_find(&n->table, &k, nat_table_hash(&n->table, &k));
	if (ref == NAT_NONE)
		return NAT_NONE;
	f = nat_flow_at(n, NAT_REF_FLOW(ref));
	*e = NAT_REF_KIND(ref) == NAT_KEY_END1;
	if (nat_flow_dead(n, f, now_ms) || !mtu_ok(p, &q))
		return NAT_NONE;
	if (q.has_seq &&
	    !nat_tcp_in_flight(nat_track_at(n, NAT_REF_FLOW(ref)), !*e, q.seq))
		return NAT_NONE;
	return NAT_REF_FLOW(ref);
}

/* Offset of the checksum in a transport header, 0: it has none. */
static unsigned csum_at(uint8_t proto)
{
	return proto == IP_TCP ? 16 : proto == IP_UDP ? 6 : 2;
}

/*
 * The quoted packet as end @s sent it.  Whatever changes in the message is
 * added to @icmp, the quoted checksums included.
 */
static void restore_addrs(struct pkt *p, const struct pkt_quote *q,
			  const struct pkt_addr *src,
			  const struct pkt_addr *dst,
			  struct pkt_csum_delta *icmp,
			  struct pkt_csum_delta *pseudo)
{
	uint8_t *ip = p->data + q->l3_off, csum[2];
	bool v6 = q->l3 == PKT_L3_IP6;
	unsigned skip = v6 ? 0 : 12; /* where the bytes stand in pkt_addr */
	size_t len = v6 ? 16 : 4;
	uint8_t *at = ip + (v6 ? 8 : 12);

	if (src)
		nat_edit(pseudo, at, src->b + skip, len);
	if (dst)
		nat_edit(pseudo, at + len, dst->b + skip, len);
	icmp->sum += pseudo->sum;
	if (v6)
		return;
	memcpy(csum, ip + 10, 2);
	pkt_csum_apply(pseudo, csum);
	nat_edit(icmp, ip + 10, csum, 2);
}

static void restore_ports(struct pkt *p, const struct pkt_quote *q,
			  const struct nat_flow *f, unsigned s,
			  struct pkt_csum_delta *icmp,
			  const struct pkt_csum_delta *pseudo)
{
	uint8_t *l4 = p->data + q->l4_off, csum[2];
	unsigned at = csum_at(q->proto);
	struct pkt_csum_delta d = { 0 }, ports = { 0 };

	if (q->proto == IP_TCP || q->proto == IP_UDP) {
		if (f->end[!s].stand)
			nat_edit16(&ports, l4, f->end[s].port);
		if (f->end[s].stand)
			nat_edit16(&ports, l4 + 2, f->end[s].peer);
	} else if (f->end[1].stand) {
		nat_edit16(&ports, l4 + 4, s ? f->end[1].peer : f->end[0].port);
	}
	icmp->sum += ports.sum;
	if (q->l4_off + at + 2 > pkt_end(p))
		return; /* cut off */
	d.sum = ports.sum;
	if (q->proto != IP_ICMP)
		d.sum += pseudo->sum;
	memcpy(csum, l4 + at, 2);
	if (q->proto == IP_UDP)
		pkt_csum_apply_udp(&d, csum);
	else
		pkt_csum_apply(&d, csum);
	nat_edit(icmp, l4 + at, csum, 2);
}

PKT_RARE void nat_icmp_rewrite(const struct nat *n, struct pkt *p,
			       const struct nat_flow *f, unsigned e)
{
	const struct pkt_addr *addr = n->addrs.addr, *src = NULL;
	struct pkt_csum_delta icmp = { 0 }, inner = { 0 }, outer;
	struct pkt_addr from = pkt_src(p);
	unsigned s = !e;
	struct pkt_quote q;

	if (!pkt_parse_quote(p, &q))
		return;
	restore_addrs(p, &q, f->end[e].stand ? &f->end[s].real : NULL,
		      f->end[s].stand ? &addr[f->end[s].stand] : NULL, &icmp,
		      &inner);
	restore_ports(p, &q, f, s, &icmp, &inner);
	/*
	 * A router on the uplink's side keeps its address; whoever is inside,
	 * or is the end itself, is shown as the end is.
	 */
	if (f->end[s].stand && (nat_flow_owner(f, e) != NAT_UPLINK ||
				pkt_addr_eq(&from, &f->end[e].real)))
		src = &addr[f->end[s].stand];
	outer = nat_rewrite_ip(p, src,
			       f->end[e].stand ? &f->end[s].real : NULL);
	if (p->l3 == PKT_L3_IP6)
		icmp.sum += outer.sum;
	pkt_csum_apply(&icmp, pkt_l4(p) + 2);
}
