/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_NAT_NAT_FLOW_H
#define VIFWALL_NAT_NAT_FLOW_H

#include <assert.h>
#include <stdint.h>

#include "nat/nat.h"
#include "packet/pkt_addr.h"

/*
 * One flow, in two pieces: what every packet needs in one cache line, and what
 * only TCP segments and changes of state need.
 *
 * A record is free (state NAT_FREE) or live.  While it is live its addresses,
 * ports, stand-ins, owners and protocol never change, since its keys in the
 * index are derived from them.
 *
 * A live flow is in
 *
 *	the index   under the key of each end, see nat_key.h
 *	one list    of its payer (owner of end 0) and its state's class
 *	one ring    of siblings: flows of the same inside endpoint that share an
 *	            outside port
 *
 * One flow of the ring, the one with NAT_F_MAP, is in the index under the
 * endpoint's key too.
 */

#define NAT_NONE UINT32_MAX

#define NAT_F_MAP 0x02u		    /* carries its endpoint's mapping key */
#define NAT_F_PORT 0x04u	    /* its ring uses a port of end[1].stand */
#define NAT_F_SACK 0x08u	    /* both SYNs permitted selective ACKs */
#define NAT_F_ACK(e) (0x10u << (e)) /* end e acknowledged the other's SYN */
#define NAT_F_FIN(e) (0x40u << (e)) /* end e sent a FIN */

/*
 * What the packets that an end sends look like: port, peer and who are the
 * first word of its key, see nat_key.h.  Packets to that end leave with the
 * same ports, swapped.
 */
struct nat_end {
	struct pkt_addr real;
	uint16_t
		port; /* its own; ICMP: query id, end 1: type of the question */
	uint16_t peer; /* the other end's, as this one sees it */
	uint16_t who;  /* owner << 5 and what else tells keys apart */
	uint8_t stand; /* what it sees in the other's place: number in struct
			  nat_addrs, 0: the other's real address */
	uint8_t epoch; /* of its owner, when the flow was made */
};

struct nat_flow {
	struct nat_end end[2];
	uint32_t expires; /* ms, wrapping */
	uint32_t sib_next;
	uint16_t gen, rule;
	uint8_t proto;
	uint8_t state; /* enum nat_state */
	uint8_t flags;
	uint8_t scale; /* window shifts: end 0 low, end 1 high nibble */
};
static_assert(sizeof(struct nat_flow) == 64, "one cache line per packet");

/* TCP numbers by sending end; windows in units of that end's scale. */
struct nat_track {
	uint32_t prev, next; /* list of (payer, class); next: free records */
	uint32_t sib_prev;
	uint32_t end[2];     /* highest sequence number sent, plus one */
	uint32_t max_end[2]; /* highest one that the other end allowed */
	uint32_t max_ack[2]; /* highest acknowledgement sent */
	uint16_t max_win[2]; /* largest window advertised */
};
static_assert(sizeof(struct nat_track) == 40, "memory budget (P5)");

static inline uint16_t nat_flow_owner(const struct nat_flow *f, unsigned e)
{
	return f->end[e].who >> 5;
}

/* Who is evicted when an owner is at a limit: in this order, EST never. */
enum nat_class {
	NAT_CLASS_CLOSED, /* both FINs, a RST, an answered DNS question */
	NAT_CLASS_ONEWAY, /* UDP without an answer */
	NAT_CLASS_ICMP,
	NAT_CLASS_HALF, /* TCP before its handshake is complete */
	NAT_CLASS_EST,
	NAT_CLASS_N
};

#endif
