/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_FRAG_HDR_H
#define VIFWALL_PACKET_PKT_FRAG_HDR_H

#include "packet/pkt_buf.h"

/*
 * What the headers of one fragment say, and the header of the whole.  All that
 * pkt_frag needs to know of the two families is here.
 */

#define PKT_FRAG_KEY_WORDS 5u

/* All that tells datagrams apart; hashed and compared as it stands. */
struct pkt_frag_key {
	uint64_t w[PKT_FRAG_KEY_WORDS];
};

struct pkt_frag_hdr {
	struct pkt_frag_key key;
	uint32_t ip_len;   /* of the fragment itself */
	uint16_t off, len; /* which bytes of the datagram these are */
	uint16_t head_len; /* bytes from data on that the whole keeps */
	uint8_t proto;	   /* what the fragment header says comes next */
	bool last;	   /* ends the datagram */
	bool ce;	   /* met congestion (RFC 3168) */
};

/*
 * Reads fragment @p.  pkt_parse() has seen to R73: what no sender makes, or
 * hides its transport header, does not come here.
 */
void pkt_frag_hdr_read(const struct pkt *p, uint16_t owner,
		       struct pkt_frag_hdr *h);

/*
 * May @len bytes follow headers of @head_len?  False: the lengths of IP can't
 * say it.
 */
bool pkt_frag_hdr_fits(uint8_t l3, uint16_t head_len, uint32_t len);

/*
 * Makes the headers of the whole out of those of the first piece: @p has data
 * (the first @head_len bytes are the kept headers), len, l3 and l3_off.
 * @ce: some piece met congestion.
 */
void pkt_frag_hdr_join(struct pkt *p, uint16_t head_len, uint8_t proto,
		       bool ce);

#endif
