/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_SIPHASH_H
#define VIFWALL_PACKET_PKT_SIPHASH_H

#include <stdint.h>

#include "packet/pkt_hash.h"

/*
 * The steps of SipHash, for those who hash every packet.  Written out round by
 * round: a loop around a round costs half as much as the round.
 */
struct pkt_sip {
	uint64_t a, b, c, d;
};

static inline uint64_t pkt_sip_rotate(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static inline void pkt_sip_round(struct pkt_sip *s)
{
	s->a += s->b;
	s->c += s->d;
	s->b = pkt_sip_rotate(s->b, 13) ^ s->a;
	s->d = pkt_sip_rotate(s->d, 16) ^ s->c;
	s->a = pkt_sip_rotate(s->a, 32);
	s->a += s->d;
	s->c += s->b;
	s->d = pkt_sip_rotate(s->d, 21) ^ s->a;
	s->b = pkt_sip_rotate(s->b, 17) ^ s->c;
	s->c = pkt_sip_rotate(s->c, 32);
}

/* Initial values as in the paper: "somepseudorandomlygeneratedbytes". */
static inline struct pkt_sip pkt_sip_begin(const struct pkt_hash_key *k)
{
	return (struct pkt_sip){
		.a = k->k0 ^ 0x736f6d6570736575,
		.b = k->k1 ^ 0x646f72616e646f6d,
		.c = k->k0 ^ 0x6c7967656e657261,
		.d = k->k1 ^ 0x7465646279746573,
	};
}

/* One word with one round, and the end with three: SipHash-1-3. */
static inline void pkt_sip1_take(struct pkt_sip *s, uint64_t word)
{
	s->d ^= word;
	pkt_sip_round(s);
	s->a ^= word;
}

static inline uint64_t pkt_sip3_end(struct pkt_sip *s)
{
	s->c ^= 0xff;
	pkt_sip_round(s);
	pkt_sip_round(s);
	pkt_sip_round(s);
	return s->a ^ s->b ^ s->c ^ s->d;
}

#endif
