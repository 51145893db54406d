/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_frag_hdr.h"

#include <string.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"

#define ECN_MASK 3u
#define ECN_CE 3u

/* Identification; IPv4's is told apart by protocol too (RFC 791). */
static void read_key(const struct pkt *p, uint16_t owner,
		     struct pkt_frag_hdr *h)
{
	struct pkt_addr src = pkt_src(p), dst = pkt_dst(p);
	uint64_t id;

	if (p->l3 == PKT_L3_IP4) {
		h->proto = p->proto;
		id = be16_at(pkt_l3(p) + 4) | (uint64_t)p->proto << 32;
	} else {
		h->proto = p->data[p->frag6_off];
		id = be32_at(p->data + p->frag6_off + 4);
	}
	memcpy(&h->key.w[0], src.b, 16);
	memcpy(&h->key.w[2], dst.b, 16);
	h->key.w[4] = id | (uint64_t)p->l3 << 40 | (uint64_t)owner << 48;
}

static bool congested(const struct pkt *p)
{
	const uint8_t *ip = pkt_l3(p);

	if (p->l3 == PKT_L3_IP4)
		return (ip[1] & ECN_MASK) == ECN_CE;
	return (ip[1] >> 4 & ECN_MASK) == ECN_CE;
}

void pkt_frag_hdr_read(const struct pkt *p, uint16_t owner,
		       struct pkt_frag_hdr *h)
{
	uint32_t len = pkt_end(p) - p->l4_off;

	vw_assert(len && p->frag_off + len <= UINT16_MAX);
	read_key(p, owner, h);
	h->ip_len = pkt_end(p) - p->l3_off;
	h->off = p->frag_off;
	h->len = (uint16_t)len;
	h->head_len = p->l3 == PKT_L3_IP4 ? p->l4_off : p->frag6_off;
	h->last = !(p->flags & PKT_F_MF);
	h->ce = congested(p);
}

bool pkt_frag_hdr_fits(uint8_t l3, uint16_t head_len, uint32_t len)
{
	uint32_t max = UINT16_MAX;

	if (l3 == PKT_L3_IP6)
		max += IP6_HLEN; /* its length field counts what follows */
	return (uint32_t)head_len - PKT_ETH_LEN + len <= max;
}

/* A mark on any piece is one on the whole, if it may be marked (RFC 3168). */
static void join_ecn(uint8_t *ecn, uint32_t shift, bool ce)
{
	if (ce && ((uint32_t)*ecn >> shift & ECN_MASK))
		*ecn |= (uint8_t)(ECN_CE << shift);
}

static void join4(uint8_t *ip, uint32_t ip_len, uint32_t hdr_len, bool ce)
{
	join_ecn(ip + 1, 0, ce);
	be16_set(ip + 2, (uint16_t)ip_len);
	be16_set(ip + 6, be16_at(ip + 6) & IP4_DF);
	pkt_csum_ip_set(ip, hdr_len);
}

/* The "next header" byte that named the fragment header names @proto now. */
static void join6(uint8_t *ip, uint32_t ip_len, uint32_t hdr_len, uint8_t proto,
		  bool ce)
{
	uint32_t at = IP6_HLEN;
	uint8_t *next = ip + 6;

	join_ecn(ip + 1, 4, ce);
	be16_set(ip + 4, (uint16_t)(ip_len - IP6_HLEN));
	while (at + 2 <= hdr_len) {
		next = ip + at;
		at += ((uint32_t)ip[at + 1] + 1) * 8;
	}
	*next = proto;
}

void pkt_frag_hdr_join(struct pkt *p, uint16_t head_len, uint8_t proto, bool ce)
{
	uint32_t ip_len = p->len - p->l3_off;
	uint32_t hdr_len = (uint32_t)head_len - p->l3_off;

	vw_assert(head_len >= p->l3_off && p->len >= head_len);
	if (p->l3 == PKT_L3_IP4)
		join4(pkt_l3(p), ip_len, hdr_len, ce);
	else
		join6(pkt_l3(p), ip_len, hdr_len, proto, ce);
}
