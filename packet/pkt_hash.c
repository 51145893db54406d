/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_hash.h"

#include <string.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_siphash.h"

/* Little endian, whatever we run on. */
static inline uint64_t load(const uint8_t *b, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)b[i] << 8 * i;
	return v;
}

static void take24(struct pkt_sip *s, uint64_t word)
{
	s->d ^= word;
	pkt_sip_round(s);
	pkt_sip_round(s);
	s->a ^= word;
}

struct pkt_hash_key pkt_hash_key(const uint8_t bytes[16])
{
	return (struct pkt_hash_key){ .k0 = load(bytes, 8),
				      .k1 = load(bytes + 8, 8) };
}

uint64_t pkt_siphash24(const struct pkt_hash_key *k, const void *data,
		       size_t len)
{
	struct pkt_sip s = pkt_sip_begin(k);
	uint64_t last = (uint64_t)len << 56;
	const uint8_t *b = data;

	for (; len >= 8; b += 8, len -= 8)
		take24(&s, load(b, 8));
	take24(&s, last | load(b, len));
	s.c ^= 0xff;
	for (int i = 0; i < 4; i++)
		pkt_sip_round(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}

uint64_t pkt_siphash13(const struct pkt_hash_key *k, const void *data,
		       size_t len)
{
	struct pkt_sip s = pkt_sip_begin(k);
	uint64_t last = (uint64_t)len << 56;
	const uint8_t *b = data;

	for (; len >= 8; b += 8, len -= 8)
		pkt_sip1_take(&s, load(b, 8));
	pkt_sip1_take(&s, last | load(b, len));
	return pkt_sip3_end(&s);
}

uint64_t pkt_siphash13_words(const struct pkt_hash_key *k, const uint64_t *w,
			     size_t n)
{
	struct pkt_sip s = pkt_sip_begin(k);

	for (size_t i = 0; i < n; i++)
		pkt_sip1_take(&s, w[i]);
	pkt_sip1_take(&s, (uint64_t)(n * 8) << 56);
	return pkt_sip3_end(&s);
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
