/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_BUILD_H
#define VIFWALL_PACKET_PKT_BUILD_H

#include "packet/pkt_addr.h"
#include "packet/pkt_buf.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"

/*
 * The few frames that the firewall itself says.  All are built into a fresh
 * packet from the pool and come out parsed, with complete checksums, TTL or hop
 * limit 64 (R28; ND: 255) and no byte that was not written on purpose.  NULL:
 * the pool is empty, or the packet asks for an answer that must not be given
 * (R20), or that no parser would take.  Ethernet addresses are filled as given.
 */

struct pkt_eth {
	struct pkt_mac src, dst;
};

enum pkt_err {
	PKT_ERR_TTL,		 /* 11/0, v6 3/0 */
	PKT_ERR_MTU,		 /* 3/4 with next-hop MTU, v6 packet too big */
	PKT_ERR_PROHIBITED,	 /* 3/13, v6 1/1: administratively prohibited */
	PKT_ERR_HOST_PROHIBITED, /* 3/10, v6 1/1: to the firewall itself */
	PKT_ERR_NO_ROUTE,	 /* 3/0, v6 1/0: the uplink is down */
	PKT_ERR_N
};

/*
 * R20: may an error be sent about @p, which pkt_parse() let pass?  Not about
 * errors, ICMP that is neither question nor answer, fragments (whole datagrams
 * only), multicast (but for IPv6 packets too big), or sources that are no host.
 */
bool pkt_err_allowed(const struct pkt *p, enum pkt_err err);

/*
 * An ICMP error from @from about @p, to its source.  Quotes @p as it stands, so
 * call it before translation; at most 576 (1280) bytes in all (R22).
 */
struct pkt *pkt_build_error(struct pkt_pool *pool, const struct pkt_eth *eth,
			    const struct pkt_addr *from, const struct pkt *p,
			    enum pkt_err err, uint16_t mtu);

/*
 * The RST that refuses TCP segment @p, as from its destination (RFC 9293
 * 3.10.7.1).  NULL also when @p is itself a RST.
 */
struct pkt *pkt_build_rst(struct pkt_pool *pool, const struct pkt_eth *eth,
			  const struct pkt *p);

struct pkt_udp {
	struct pkt_addr src, dst; /* of one family */
	uint16_t sport, dport;
};

/* A UDP packet with @len bytes of payload. */
struct pkt *pkt_build_udp(struct pkt_pool *pool, const struct pkt_eth *eth,
			  const struct pkt_udp *udp, const void *payload,
			  uint16_t len);

/*
 * Turns echo request @p (asserted) into its reply, in place; @p stays the
 * caller's.  What the sender put in but TTL, type and addresses stays: id,
 * sequence number, payload, DF, DSCP.
 */
void pkt_build_echo_reply(struct pkt *p, const struct pkt_eth *eth);

struct pkt_arp {
	uint16_t op; /* 1 asks, 2 answers */
	struct pkt_mac sha, tha;
	struct pkt_addr spa, tpa; /* IPv4 */
};

/*
 * R82: false unless Ethernet/IPv4, right lengths, op 1 or 2.  Whether the
 * addresses are the sender's is the caller's question.
 */
bool pkt_parse_arp(const struct pkt *p, struct pkt_arp *arp);
struct pkt *pkt_build_arp(struct pkt_pool *pool, const struct pkt_eth *eth,
			  const struct pkt_arp *arp);

struct pkt_nd {
	uint8_t type;			  /* 133..137 */
	bool solicited, override, router; /* advertisement flags */
	bool has_lladdr; /* source (135) or target (136) link-layer address */
	struct pkt_mac lladdr;
	struct pkt_addr target;
};

/*
 * R102: false unless hop limit 255, code 0, not cut up, options well formed (at
 * most 64) and the addresses sane: target unicast; a question from :: carries
 * no link-layer address and goes to a solicited-node group; an answer to a
 * group is not solicited; routers speak from link-local addresses.  The
 * checksum was right already for pkt_parse().  Types 133, 134 and 137 have no
 * target here.
 */
bool pkt_parse_nd(const struct pkt *p, struct pkt_nd *nd);
/* A solicitation or advertisement (asserted) from @src to @dst. */
struct pkt *pkt_build_nd(struct pkt_pool *pool, const struct pkt_eth *eth,
			 const struct pkt_addr *src, const struct pkt_addr *dst,
			 const struct pkt_nd *nd);

/* Writes the Ethernet header of a parsed packet, and its L2_MCAST flag. */
static inline void pkt_set_macs(struct pkt *p, const struct pkt_mac *src,
				const struct pkt_mac *dst)
{
	uint8_t *eth = p->data, flags = p->flags & (uint8_t)~PKT_F_L2_MCAST;

	p->flags = dst->b[0] & 1 ? flags | PKT_F_L2_MCAST : flags;
	memcpy(eth, dst->b, 6);
	memcpy(eth + 6, src->b, 6);
	be16_set(eth + 12, p->l3 == PKT_L3_IP4	 ? ETH_TYPE_IP4
			   : p->l3 == PKT_L3_IP6 ? ETH_TYPE_IP6
						 : ETH_TYPE_ARP);
}

static inline void pkt_set_eth(struct pkt *p, const struct pkt_eth *eth)
{
	pkt_set_macs(p, &eth->src, &eth->dst);
}

#endif
