/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_hash.h"

#include <string.h>

#include "packet/pkt_assert.h"

/* Four words of state; initial values as in the paper ("somepseudorandomly..."
 * in ASCII). */
struct sip {
	uint64_t a, b, c, d;
};

static inline uint64_t rotate(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static inline void rounds(struct sip *s, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		s->a += s->b;
		s->c += s->d;
		s->b = rotate(s->b, 13) ^ s->a;
		s->d = rotate(s->d, 16) ^ s->c;
		s->a = rotate(s->a, 32);
		s->a += s->d;
		s->c += s->b;
		s->d = rotate(s->d, 21) ^ s->a;
		s->b = rotate(s->b, 17) ^ s->c;
		s->c = rotate(s->c, 32);
	}
}

static inline struct sip begin(const struct pkt_hash_key *k)
{
	return (struct sip){
		.a = k->k0 ^ 0x736f6d6570736575,
		.b = k->k1 ^ 0x646f72616e646f6d,
		.c = k->k0 ^ 0x6c7967656e657261,
		.d = k->k1 ^ 0x7465646279746573,
	};
}

static inline void take(struct sip *s, uint64_t word, unsigned int c_rounds)
{
	s->d ^= word;
	rounds(s, c_rounds);
	s->a ^= word;
}

static inline uint64_t end(struct sip *s, unsigned int d_rounds)
{
	s->c ^= 0xff;
	rounds(s, d_rounds);
	return s->a ^ s->b ^ s->c ^ s->d;
}

/* Little endian, whatever we run on. */
static inline uint64_t load(const uint8_t *b, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)b[i] << 8 * i;
	return v;
}

static inline uint64_t siphash(const struct pkt_hash_key *k, const uint8_t *b,
			       size_t len, unsigned int c_rounds,
			       unsigned int d_rounds)
{
	struct sip s = begin(k);
	uint64_t last = (uint64_t)len << 56;

	for (; len >= 8; b += 8, len -= 8)
		take(&s, load(b, 8), c_rounds);
	take(&s, last | load(b, len), c_rounds);
	return end(&s, d_rounds);
}

struct pkt_hash_key pkt_hash_key(const uint8_t bytes[16])
{
	return (struct pkt_hash_key){ .k0 = load(bytes, 8),
				      .k1 = load(bytes + 8, 8) };
}

uint64_t pkt_siphash24(const struct pkt_hash_key *k, const void *data,
		       size_t len)
{
	return siphash(k, data, len, 2, 4);
}

uint64_t pkt_siphash13(const struct pkt_hash_key *k, const void *data,
		       size_t len)
{
	return siphash(k, data, len, 1, 3);
}

uint64_t pkt_siphash13_words(const struct pkt_hash_key *k, const uint64_t *w,
			     size_t n)
{
	struct sip s = begin(k);

	for (size_t i = 0; i < n; i++)
		take(&s, w[i], 1);
	take(&s, (uint64_t)(n * 8) << 56, 1);
	return end(&s, 3);
}

void pkt_rand_seed(struct pkt_rand *r, const uint8_t seed[16])
{
	*r = (struct pkt_rand){ .key = pkt_hash_key(seed) };
}

uint64_t pkt_rand_u64(struct pkt_rand *r)
{
	uint8_t at[8];

	for (size_t i = 0; i < sizeof(at); i++)
		at[i] = (uint8_t)(r->counter >> 8 * i);
	r->counter++;
	return pkt_siphash24(&r->key, at, sizeof(at));
}

uint32_t pkt_rand_below(struct pkt_rand *r, uint32_t n)
{
	uint64_t product;

	vw_assert(n > 0);
	/*
	 * The upper half of a 32-bit number times n lies in [0, n).  Each
	 * result has floor(2^32 / n) numbers once the 2^32 % n products with
	 * the smallest lower halves are thrown away (Lemire 2019).  At least
	 * every second number is kept.
	 */
	do {
		product = (pkt_rand_u64(r) >> 32) * n;
	} while ((uint32_t)product < (uint32_t)-n % n);
	return (uint32_t)(product >> 32);
}
