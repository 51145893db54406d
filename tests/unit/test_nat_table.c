/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "nat/nat_table.h"
#include "unit.h"

#define MANY 3000u /* once */
#define FEW 400u   /* for long: the slow store walks all of them each time */
#define ROUNDS 20000u

struct store {
	struct nat_table t;
	struct pkt_addr addr[256];
	void *mem;
	bool in[MANY][NAT_KEY_N]; /* what should be in the index */
	struct pkt_rand rand;
};

static void store_open(struct store *s, uint32_t flows)
{
	struct pkt_hash_key key = { 0x1122334455667788, unit_seed() };
	uint8_t seed[16] = { 1, 2, (uint8_t)unit_seed() };
	size_t n = nat_table_size(flows);
	struct pkt_arena a;

	memset(s, 0, sizeof(*s));
	s->mem = aligned_alloc(PKT_ARENA_ALIGN, n);
	CU_ASSERT_FATAL(s->mem != NULL);
	memset(s->mem, 0xa5, n);
	pkt_arena_init(&a, s->mem, n);
	pkt_rand_seed(&s->rand, seed);
	for (unsigned i = 0; i < 256; i++)
		s->addr[i].b[15] = (uint8_t)i;
	CU_ASSERT_FATAL(nat_table_init(&s->t, &a, flows, &key, s->addr));
}

static void store_close(struct store *s)
{
	free(s->mem);
}

static void fill_flow(struct store *s, uint32_t i)
{
	struct nat_flow *f = &s->t.flow[i];
	uint64_t r = pkt_rand_u64(&s->rand);

	/* Distinct by construction: the record's number is in the addresses. */
	for (int e = 0; e < 2; e++) {
		memset(f->end[e].real.b, r & 1 ? 0x20 + e : 0, 12);
		f->end[e].real.b[10] = f->end[e].real.b[11] = 0xff;
		f->end[e].real.b[12] = (uint8_t)(10 + e);
		f->end[e].real.b[13] = (uint8_t)(i >> 16);
		f->end[e].real.b[14] = (uint8_t)(i >> 8);
		f->end[e].real.b[15] = (uint8_t)i;
		f->end[e].port = (uint16_t)(r >> 8);
		f->end[e].stand =
			(uint8_t)(r >> (24 + e) & 1 ? 1 + (r & 7) : 0);
		f->end[e].peer = (uint16_t)(r >> 32);
		f->end[e].who = (uint16_t)nat_key_who(r >> 40 & 31,
						      r & 2   ? 6
						      : r & 4 ? 17
							      : 1,
						      r & 1 ? NAT_KEY_V6 : 0);
	}
	f->state = NAT_UDP_BOTH;
}

static uint32_t look(const struct store *s, uint32_t i, enum nat_key_kind kind)
{
	struct nat_key k;

	nat_key_of_flow(&k, &s->t.flow[i], kind, s->addr);
	return nat_table_find(&s->t, &k, nat_table_hash(&s->t, &k));
}

static bool put_in(struct store *s, uint32_t i, enum nat_key_kind kind)
{
	uint64_t hash = nat_table_hash_of(&s->t, &s->t.flow[i], kind);

	s->in[i][kind] = nat_table_add(&s->t, i, kind, hash);
	return s->in[i][kind];
}

static void take_out(struct store *s, uint32_t i, enum nat_key_kind kind)
{
	if (s->in[i][kind])
		nat_table_del(&s->t, i, kind,
			      nat_table_hash_of(&s->t, &s->t.flow[i], kind));
	s->in[i][kind] = false;
}

/* Every key that is in is found in its place, and no other. */
static uint32_t wrong(const struct store *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->t.top; i++) {
		if (s->t.flow[i].state == NAT_FREE)
			continue;
		for (unsigned k = 0; k < NAT_KEY_N; k++) {
			uint32_t ref = look(s, i, (enum nat_key_kind)k);

			n += ref != (s->in[i][k] ? NAT_REF(i, k) : NAT_NONE);
		}
	}
	return n;
}

static void all_keys_of_a_full_table_find_room_and_are_found(void)
{
	struct store *s = malloc(sizeof(*s));
	uint32_t refused = 0;

	store_open(s, MANY);
	for (uint32_t n = 0; n < MANY; n++) {
		uint32_t i = nat_table_get(&s->t);

		CU_ASSERT_FATAL(i < MANY);
		fill_flow(s, i);
		for (unsigned k = 0; k < NAT_KEY_N; k++)
			refused += !put_in(s, i, (enum nat_key_kind)k);
	}
	CU_ASSERT_EQUAL(nat_table_get(&s->t), NAT_NONE);
	CU_ASSERT_EQUAL(refused, 0);
	CU_ASSERT_EQUAL(wrong(s), 0);
	store_close(s);
	free(s);
}

static void keys_come_and_go_without_trace(void)
{
	struct store *s = malloc(sizeof(*s));
	uint32_t rounds = ROUNDS * (uint32_t)unit_soak();

	store_open(s, FEW);
	for (uint32_t n = 0; n < rounds; n++) {
		uint32_t i = pkt_rand_below(&s->rand, FEW);

		if (i < s->t.top && s->t.flow[i].state != NAT_FREE) {
			for (unsigned k = 0; k < NAT_KEY_N; k++)
				take_out(s, i, (enum nat_key_kind)k);
			/* Its bytes are still there, its keys are not. */
			for (unsigned k = 0; k < NAT_KEY_N; k++)
				CU_ASSERT_EQUAL(look(s, i,
						     (enum nat_key_kind)k),
						NAT_NONE);
			nat_table_put(&s->t, i);
		}
		/* Nearly always full. */
		while (s->t.used < FEW - n % 16) {
			i = nat_table_get(&s->t);
			CU_ASSERT_FATAL(i < FEW);
			fill_flow(s, i);
			for (unsigned k = 0; k < NAT_KEY_N; k++)
				CU_ASSERT(put_in(s, i, (enum nat_key_kind)k));
		}
		if (n % 2000 == 0)
			CU_ASSERT_EQUAL(wrong(s), 0);
	}
	CU_ASSERT_EQUAL(wrong(s), 0);
	for (uint32_t i = 0; i < s->t.top; i++)
		for (unsigned k = 0; k < NAT_KEY_N; k++)
			take_out(s, i, (enum nat_key_kind)k);
	CU_ASSERT_EQUAL(wrong(s), 0);
	for (uint32_t i = 0; i < s->t.top; i++)
		if (s->t.flow[i].state != NAT_FREE)
			nat_table_put(&s->t, i);
	CU_ASSERT_EQUAL(s->t.used, 0);
	store_close(s);
	free(s);
}

static void a_guess_is_right_or_told_wrong(void)
{
	struct store *s = malloc(sizeof(*s));
	uint32_t guessed = 0;

	store_open(s, FEW);
	for (uint32_t n = 0; n < FEW; n++) {
		uint32_t i = nat_table_get(&s->t);

		fill_flow(s, i);
		for (unsigned k = 0; k < NAT_KEY_MAP; k++)
			CU_ASSERT(put_in(s, i, (enum nat_key_kind)k));
	}
	for (uint32_t i = 0; i < FEW; i++) {
		struct nat_key k;
		uint32_t guess;
		uint64_t hash;

		nat_key_of_flow(&k, &s->t.flow[i], NAT_KEY_END1, s->addr);
		hash = nat_table_hash(&s->t, &k);
		nat_table_warm(&s->t, hash);
		guess = nat_table_guess(&s->t, hash);
		if (guess == NAT_NONE)
			guess = nat_table_guess_again(&s->t, hash);
		if (nat_table_is(&s->t, guess, &k)) {
			guessed++;
			CU_ASSERT_EQUAL(guess, NAT_REF(i, NAT_KEY_END1));
		}
		k.w[0] ^= 1;
		CU_ASSERT(!nat_table_is(&s->t, guess, &k));
		/* The flow ends: the guess is void though the bytes remain. */
		k.w[0] ^= 1;
		for (unsigned kind = 0; kind < NAT_KEY_N; kind++)
			take_out(s, i, (enum nat_key_kind)kind);
		nat_table_put(&s->t, i);
		CU_ASSERT(!nat_table_is(&s->t, guess, &k));
	}
	/* The slow store never guesses; the other must nearly always. */
	CU_ASSERT(!guessed || guessed > FEW * 99 / 100);
	store_close(s);
	free(s);
}

static void a_reset_store_is_empty_and_works(void)
{
	struct store *s = malloc(sizeof(*s));
	struct nat_key k;
	uint32_t i;

	store_open(s, FEW);
	i = nat_table_get(&s->t);
	fill_flow(s, i);
	CU_ASSERT(put_in(s, i, NAT_KEY_END0));
	nat_key_of_flow(&k, &s->t.flow[i], NAT_KEY_END0, s->addr);
	nat_table_reset(&s->t);
	CU_ASSERT_EQUAL(s->t.used, 0);
	CU_ASSERT_EQUAL(nat_table_find(&s->t, &k, nat_table_hash(&s->t, &k)),
			NAT_NONE);
	CU_ASSERT_EQUAL(nat_table_get(&s->t), 0);
	store_close(s);
	free(s);
}

/* R133: which keys share a bucket depends on the secret alone. */
static void R133_the_hash_depends_on_the_secret(void)
{
	struct store *s = malloc(sizeof(*s));
	struct nat_key k = { .w = { 1, 2 }, .n = 2 }, six = { .n = 5 };
	uint64_t a;

	store_open(s, FEW);
	a = nat_table_hash(&s->t, &k);
	CU_ASSERT_NOT_EQUAL(a, nat_table_hash(&s->t, &six));
	s->t.key.k0 ^= 1;
	CU_ASSERT_NOT_EQUAL(a, nat_table_hash(&s->t, &k));
	store_close(s);
	free(s);
}

/* R133: no byte of a key is left out, and nothing but SipHash mixes them. */
static void R133_the_hash_is_SipHash_of_addresses_and_all_the_rest(void)
{
	struct store *s = malloc(sizeof(*s));
	const struct nat_key k[] = {
		{ .w = { 0x17161514131211, 0x0807060504030201 }, .n = 2 },
		{ .w = { 0x27262524232221, 0x0807060504030201,
			 0x100f0e0d0c0b0a09, 0x1817161514131211,
			 0x201f1e1d1c1b1a19 },
		  .n = 5 },
	};
	static const uint8_t four[15] = { 1,	2,    3,    4,	  5,
					  6,	7,    8,    0x11, 0x12,
					  0x13, 0x14, 0x15, 0x16, 0x17 };
	uint8_t six[39];

	for (uint8_t i = 0; i < sizeof(six); i++)
		six[i] = i + 1;
	store_open(s, FEW);
	CU_ASSERT_EQUAL(nat_table_hash(&s->t, &k[0]),
			pkt_siphash13(&s->t.key, four, sizeof(four)));
	CU_ASSERT_EQUAL(nat_table_hash(&s->t, &k[1]),
			pkt_siphash13(&s->t.key, six, sizeof(six)));
	store_close(s);
	free(s);
}

/* R104: neither question nor answer of another type, whatever the id. */
static void R104_query_keys_tell_types_and_directions_apart(void)
{
	static const uint8_t types[] = { 8, 0, 13, 14, 15, 16 };
	uint8_t frame[64] = { 0 };
	struct nat_key k[6];

	for (int i = 0; i < 6; i++) {
		struct pkt p = { .data = frame,
				 .len = 64,
				 .l3_off = 14,
				 .l4_off = 34,
				 .l3 = PKT_L3_IP4,
				 .proto = 1,
				 .icmp_type = types[i],
				 .kind = i & 1 ? PKT_KIND_ICMP_REPLY
					       : PKT_KIND_ICMP_QUERY,
				 .sport = 8,
				 .dport = 8 };

		CU_ASSERT(nat_key_of_packet(&k[i], &p, 1));
		for (int j = 0; j < i; j++)
			CU_ASSERT(!nat_key_eq(&k[i], &k[j]));
		p.icmp_type = 17;
		CU_ASSERT(!nat_key_of_packet(&k[i], &p, 1));
		p.icmp_type = types[i];
		CU_ASSERT(nat_key_of_packet(&k[i], &p, 1));
	}
}

UNIT_SUITE(nat_table, UNIT(all_keys_of_a_full_table_find_room_and_are_found),
	   UNIT(keys_come_and_go_without_trace),
	   UNIT(a_guess_is_right_or_told_wrong),
	   UNIT(a_reset_store_is_empty_and_works),
	   UNIT(R133_the_hash_depends_on_the_secret),
	   UNIT(R133_the_hash_is_SipHash_of_addresses_and_all_the_rest),
	   UNIT(R104_query_keys_tell_types_and_directions_apart))
