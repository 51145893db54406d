/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_FRAMES_H
#define VIFWALL_TESTS_MOCK_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "packet/pkt_buf.h"

/*
 * Frames for tests, from a description of what is special about them:
 *
 *	struct pkt *p = frame_make(pool, &(struct frame_spec){
 *		.src = "10.0.0.2", .dst = "192.0.2.1", .proto = IP_TCP,
 *		.sport = 40000, .dport = 80, .flags = TCP_SYN });
 *
 * All checksums come out right; they are computed by slow code of its own, so
 * that tests don't ask the code under test whether it is right.  To get a wrong
 * field, build the frame, change p->data and, where the checksums should still
 * be right, call frame_fix().  A mistake in a description panics.
 */
struct frame_spec {
	const char *src_mac, *dst_mac; /* NULL: FRAME_MAC_A, FRAME_MAC_B */
	const char *src, *dst;	       /* the family follows from these;
					  NULL: 10.0.0.2, 192.0.2.1 */
	uint8_t proto;		       /* 0: UDP */
	uint8_t ttl;		       /* 0: 64 */
	uint8_t tos;
	uint16_t id;		/* IPv4 */
	bool df, mf;		/* IPv4; mf also IPv6 */
	uint16_t frag_off;	/* bytes, also IPv6 */
	bool frag6;		/* IPv6: with a fragment header (also when mf or
				   frag_off is set) */
	uint32_t frag_id;	/* IPv6 */
	const char *ip_options; /* hex; IPv4, padded to 4 with zeros */
	/*
	 * IPv6: extension headers as hex; ext_type is the type of the first.
	 * The next-header byte of the last one is filled in.  A fragment header
	 * comes behind them.
	 */
	uint8_t ext_type;
	const char *ext;

	/*
	 * For a fragment but the first, or with raw set, the payload follows
	 * the IP header directly and what is below is not used.
	 */
	bool raw;
	uint16_t sport, dport; /* TCP, UDP; 0: 40000, 80 */
	uint32_t seq, ack;     /* TCP */
	uint8_t flags;	       /* TCP; 0: ACK */
	uint16_t window;       /* TCP; 0: 65535 */
	uint16_t urgent;
	const char *tcp_options; /* hex; padded to 4 with NOPs */
	bool udp_csum_none;	 /* UDP without a checksum */
	uint8_t type, code;	 /* ICMP, ICMPv6; type 0: echo of the family */
	bool type_zero;		 /* really type 0 (echo reply of IPv4) */
	uint16_t icmp_id, icmp_seq;
	uint16_t icmp_mtu; /* fragmentation needed; too big */

	const void *payload; /* NULL: payload_len bytes 00 01 02 ... */
	size_t payload_len;
	const char *hex; /* payload as hex text instead */

	/*
	 * ICMP errors: the packet quoted as payload, its first quote_len bytes
	 * of IP (0: all of it).
	 */
	const struct frame_spec *quote;
	size_t quote_len;

	/* As a port with offloads hands it over; sets the fields of pkt. */
	bool partial;	   /* transport checksum holds the pseudo sum */
	uint16_t gso_size; /* implies partial */
};

#define FRAME_MAC_A "02:00:00:00:00:0a"
#define FRAME_MAC_B "02:00:00:00:00:0b"
#define FRAME_MAX (66u * 1024u)

/* Writes the frame to @out, which holds FRAME_MAX bytes; returns its length. */
size_t frame_write(uint8_t *out, const struct frame_spec *s);
/* In a packet from @pool; not parsed.  NULL: the pool is empty. */
struct pkt *frame_make(struct pkt_pool *pool, const struct frame_spec *s);
/* The same, parsed: panics when the parser refuses it. */
struct pkt *frame_parsed(struct pkt_pool *pool, const struct frame_spec *s);
struct pkt *frame_bytes(struct pkt_pool *pool, const void *frame, size_t len);
/* Whole frame from hex text; blanks, colons and line ends are skipped. */
struct pkt *frame_hex(struct pkt_pool *pool, const char *hex);
/* IP packet from hex text, behind an Ethernet header between A and B. */
struct pkt *frame_ip_hex(struct pkt_pool *pool, const char *hex);

struct frame_arp {
	const char *src_mac, *dst_mac; /* NULL: A, ff:ff:ff:ff:ff:ff */
	uint16_t op;		       /* 0: 1 (request) */
	const char *sha, *tha;	       /* NULL: src_mac, 00:... */
	const char *spa, *tpa;	       /* NULL: 10.0.0.2, 10.0.0.1 */
};
struct pkt *frame_arp(struct pkt_pool *pool, const struct frame_arp *s);

/* Neighbour discovery from @ip->src to @ip->dst, hop limit 255 by default. */
struct frame_nd {
	struct frame_spec ip; /* type 0: 135 */
	const char *target;   /* NULL: none (router solicitation) */
	uint32_t bits;	      /* the 32 bits after the checksum */
	const char *lladdr;   /* option 1 (133..135) or 2; NULL: none */
	const char *options;  /* more options, hex */
};
struct pkt *frame_nd(struct pkt_pool *pool, const struct frame_nd *s);

/*
 * What the parser says: NONE when it passes the frame.  The bytes stand alone
 * on the heap, so that the sanitizer sees a read past them.  @out (may be NULL)
 * gets the descriptor; its data is gone.
 */
enum pkt_reason frame_judge_bytes(const uint8_t *frame, size_t len,
				  struct pkt *out);
enum pkt_reason frame_judge(const struct frame_spec *s, struct pkt *out);

/* Puts all checksums of the frame right again (header, TCP, UDP, ICMP). */
void frame_fix(uint8_t *frame, size_t len);
/* Are all of them right?  UDP over IPv4 may have none. */
bool frame_sums_ok(const uint8_t *frame, size_t len);

/* Same bytes?  When not, both are printed. */
bool frame_same(const struct pkt *a, const struct pkt *b);
bool frame_is_hex(const struct pkt *p, const char *hex);
void frame_dump(FILE *f, const void *bytes, size_t len);

/* Hex text to bytes; returns how many.  Panics when there is no room. */
size_t frame_unhex(uint8_t *out, size_t room, const char *hex);

/* A pool of its own memory, and back. */
struct pkt_pool *frame_pool_new(uint32_t small_n, uint32_t large_n);
/* Panics when a packet is still out: a leak. */
void frame_pool_free(struct pkt_pool *pool);
/* Panics too, but keeps the pool. */
void frame_pool_check(const struct pkt_pool *pool);

#endif
