/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_HASH_H
#define VIFWALL_PACKET_PKT_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * SipHash (Aumasson and Bernstein 2012) under a secret key that the caller got
 * from getrandom(2); the key is never derived, stored or shown.  1-3 guards
 * hash tables against chosen keys; 2-4 is for values that outsiders may see
 * (IP ids, port choices).
 */
struct pkt_hash_key {
	uint64_t k0, k1;
};

/* @bytes: 16 bytes, little endian as in the reference. */
struct pkt_hash_key pkt_hash_key(const uint8_t bytes[16]);

uint64_t pkt_siphash24(const struct pkt_hash_key *k, const void *data,
		       size_t len);
uint64_t pkt_siphash13(const struct pkt_hash_key *k, const void *data,
		       size_t len);
/*
 * SipHash-1-3 of whole 64-bit words, the tables' way: as pkt_siphash13() of the
 * words written down little endian.
 */
uint64_t pkt_siphash13_words(const struct pkt_hash_key *k, const uint64_t *w,
			     size_t n);

/*
 * A stream of uniform numbers from a 16-byte seed: SipHash-2-4 over a counter.
 * Same seed, same stream, so that tests replay.
 */
struct pkt_rand {
	struct pkt_hash_key key;
	uint64_t counter;
};

void pkt_rand_seed(struct pkt_rand *r, const uint8_t seed[16]);
uint64_t pkt_rand_u64(struct pkt_rand *r);
/* Uniform in [0, n), n > 0, without modulo bias. */
uint32_t pkt_rand_below(struct pkt_rand *r, uint32_t n);

#endif
