/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_BUF_H
#define VIFWALL_PACKET_PKT_BUF_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_arena.h"
#include "packet/pkt_verdict.h"

/*
 * A packet: a descriptor, and one contiguous Ethernet frame that lies
 * elsewhere.
 *
 * Ownership: a `struct pkt *` has one owner.  Passing it to a port's send, to
 * pkt_put() or into a hold queue gives it away; everything else borrows.
 *
 * Offsets count from @data and are set by pkt_parse(), which promises:
 * 14 = l3_off <= l4_off <= pay_off <= end <= len, where end = l3_off + the IP
 * total length; bytes after end were cut off (R3).  Ports and lengths are in
 * host order; network order exists only inside the frame.
 */
struct pkt {
	uint8_t *data;	   /* first byte of the Ethernet header */
	uint32_t len;	   /* bytes of frame */
	uint32_t tail;	   /* free bytes after the frame */
	uint16_t head;	   /* free bytes before it */
	uint16_t l3_off;   /* IP header (or ARP body) */
	uint16_t l4_off;   /* transport header; behind extension headers */
	uint16_t pay_off;  /* first byte after the transport header */
	uint16_t sport;	   /* TCP/UDP; ICMP query: its id */
	uint16_t dport;	   /* TCP/UDP; ICMP query: its id */
	uint16_t gso_size; /* payload bytes of a segment, 0: not an aggregate */
	uint16_t in;	   /* id of the port it came in by (struct port); made
			      by us for a link: of the one it goes out by */
	uint16_t slot;	   /* the pool's name for the buffer */
	uint16_t frag_off; /* IP fragment offset in bytes */
	uint16_t frag6_off; /* IPv6: offset of the fragment header, 0: none */
	uint16_t frag_max;  /* put together by pkt_frag: IP bytes of the largest
			       piece; 0: came whole */
	uint8_t gso_type;   /* enum pkt_gso */
	uint8_t flags;	    /* PKT_F_* */
	uint8_t l3;	    /* enum pkt_l3 */
	uint8_t proto;	    /* transport protocol (last next-header) */
	uint8_t reason;	    /* enum pkt_reason, when dropped */
	uint8_t icmp_type;  /* ICMP and ICMPv6 */
	uint8_t icmp_code;
	uint8_t tcp_flags; /* FIN..CWR, the 14th byte of the header */
	uint8_t kind;	   /* enum pkt_kind */
	uint8_t spare[5];
};
static_assert(sizeof(struct pkt) <= 64, "struct pkt fits a cache line");

enum pkt_l3 { PKT_L3_NONE, PKT_L3_ARP, PKT_L3_IP4, PKT_L3_IP6, PKT_L3_N };

/* What the transport part is, as far as forwarding cares. */
enum pkt_kind {
	PKT_KIND_NONE, /* not parsed, or no transport header here */
	PKT_KIND_TCP,
	PKT_KIND_UDP,
	PKT_KIND_ICMP_QUERY, /* echo, timestamp, information, mask: asked */
	PKT_KIND_ICMP_REPLY, /* ... and answered */
	PKT_KIND_ICMP_ERROR, /* quotes another packet at pay_off */
	PKT_KIND_ND,	     /* ICMPv6 133..137 */
	PKT_KIND_OTHER,	     /* another protocol, or an ICMP type unknown */
	PKT_KIND_N
};

/* Aggregates of TCP segments that somebody else will cut (virtio, netif). */
enum pkt_gso { PKT_GSO_NONE, PKT_GSO_TCP4, PKT_GSO_TCP6, PKT_GSO_N };

/*
 * CSUM_PARTIAL: the transport checksum field holds only the folded sum of the
 * pseudo header (not complemented); whoever sends to a port without checksum
 * offload completes it.  CSUM_VALID: the sender vouches for it (it never left
 * this machine).  MF: IP "more fragments".  L2_MCAST: the frame's destination
 * has the group bit.  FRAG: offset or MF set, transport part not parsed.
 * DF: IPv4 "don't fragment" (always set for IPv6).
 */
#define PKT_F_CSUM_PARTIAL 0x01u
#define PKT_F_CSUM_VALID 0x02u
#define PKT_F_MF 0x04u
#define PKT_F_FRAG 0x08u
#define PKT_F_DF 0x10u
#define PKT_F_L2_MCAST 0x20u

#define PKT_ETH_LEN 14u

/* End of the IP packet, counted from data. */
static inline uint32_t pkt_end(const struct pkt *p)
{
	return p->len;
}

static inline uint8_t *pkt_l3(const struct pkt *p)
{
	return p->data + p->l3_off;
}

static inline uint8_t *pkt_l4(const struct pkt *p)
{
	return p->data + p->l4_off;
}

/* Addresses as they stand in the IP header now; @p is IPv4 or IPv6. */
static inline struct pkt_addr pkt_src(const struct pkt *p)
{
	return p->l3 == PKT_L3_IP4 ? pkt_addr_v4(pkt_l3(p) + 12)
				   : pkt_addr_v6(pkt_l3(p) + 8);
}

static inline struct pkt_addr pkt_dst(const struct pkt *p)
{
	return p->l3 == PKT_L3_IP4 ? pkt_addr_v4(pkt_l3(p) + 16)
				   : pkt_addr_v6(pkt_l3(p) + 24);
}

/* Marks @p dropped for @reason; the caller still owns it. */
static inline enum pkt_verdict pkt_drop(struct pkt *p, enum pkt_reason reason)
{
	p->reason = (uint8_t)reason;
	return PKT_DROP;
}

#define PKT_BATCH 64u

struct pkt_batch {
	uint32_t n;
	struct pkt *p[PKT_BATCH];
};

/*
 * Two classes of buffers: small ones for a frame of an ordinary link, large
 * ones for an aggregate or a reassembled datagram.  Each has PKT_HEADROOM
 * free bytes before the frame for a vnet header or a longer link header.
 */
#define PKT_SMALL 2048u
#define PKT_LARGE (66u * 1024u)
#define PKT_HEADROOM 64u

struct pkt_pool;

/* At most 65534 buffers in all. */
size_t pkt_pool_size(uint32_t small_n, uint32_t large_n);
/* @mem from an arena; never fails when @len >= pkt_pool_size(). */
struct pkt_pool *pkt_pool_init(void *mem, size_t len, uint32_t small_n,
			       uint32_t large_n);
/*
 * A packet with room for a frame of @len bytes (len 0 so far, data at the start
 * of the room, all other fields zero), or NULL: @len too long, or no buffer of
 * its class left (small frames never take the large buffers, which reassembly
 * and aggregates need).  The bytes are not cleared.
 */
struct pkt *pkt_get(struct pkt_pool *pool, uint32_t len);
/* Of this pool, and not put before: both are asserted. */
void pkt_put(struct pkt_pool *pool, struct pkt *p);
/* Free buffers of each class, for status. */
void pkt_pool_free_n(const struct pkt_pool *pool, uint32_t *small_n,
		     uint32_t *large_n);

#endif
