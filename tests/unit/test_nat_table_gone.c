/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regression: comparing eight tags at a time also marks the byte above a match,
 * when it differs in its lowest bit alone.  Where that slot had just been
 * emptied, the flow that was gone was found again, and freed twice.
 */
#include <stdlib.h>
#include <string.h>

#include "nat/nat_table.h"
#include "packet/pkt_arena.h"
#include "packet/pkt_hash.h"
#include "unit.h"

#define FLOWS 64u
#define ROUNDS 200000u

static void flow_fill(struct nat_flow *f, struct pkt_rand *r)
{
	for (int e = 0; e < 2; e++) {
		f->end[e].real.b[10] = f->end[e].real.b[11] = 0xff;
		f->end[e].real.b[12] = (uint8_t)(10 + e);
		for (int i = 13; i < 16; i++)
			f->end[e].real.b[i] = (uint8_t)pkt_rand_u64(r);
		f->end[e].port = (uint16_t)pkt_rand_u64(r);
		f->end[e].who = (uint16_t)nat_key_who(1, 17, 0);
	}
	f->state = 1;
}

static bool in_index(const struct nat_table *t, uint32_t i)
{
	struct nat_key k;

	nat_key_of_flow(&k, &t->flow[i], NAT_KEY_END0, t->addr);
	return nat_table_find(t, &k, nat_table_hash(t, &k)) ==
	       NAT_REF(i, NAT_KEY_END0);
}

static void a_key_that_was_taken_out_is_not_found_again(void)
{
	size_t len = nat_table_size(FLOWS);
	void *mem = aligned_alloc(PKT_ARENA_ALIGN, len);
	const struct pkt_hash_key key = { 1, 2 };
	struct pkt_addr own[2] = { 0 };
	const uint8_t seed[16] = { 3 };
	bool used[FLOWS] = { false };
	uint32_t wrong = 0;
	struct pkt_arena a;
	struct nat_table t;
	struct pkt_rand r;

	pkt_arena_init(&a, mem, len);
	CU_ASSERT_FATAL(nat_table_init(&t, &a, FLOWS, &key, own));
	nat_table_reset(&t);
	pkt_rand_seed(&r, seed);
	for (uint32_t i = 0; i < FLOWS; i++) {
		CU_ASSERT_EQUAL_FATAL(nat_table_get(&t), i);
		flow_fill(&t.flow[i], &r);
	}
	for (uint32_t n = 0; n < ROUNDS; n++) {
		uint32_t i = pkt_rand_below(&r, FLOWS);

		if (used[i]) {
			nat_table_del(&t, i, NAT_KEY_END0,
				      nat_table_hash_of(&t, &t.flow[i],
							NAT_KEY_END0));
		} else {
			flow_fill(&t.flow[i], &r);
			CU_ASSERT_FATAL(
				nat_table_add(&t, i, NAT_KEY_END0,
					      nat_table_hash_of(&t, &t.flow[i],
								NAT_KEY_END0)));
		}
		used[i] = !used[i];
		wrong += in_index(&t, i) != used[i];
	}
	CU_ASSERT_EQUAL(wrong, 0);
	free(mem);
}

UNIT_SUITE(nat_table_gone, UNIT(a_key_that_was_taken_out_is_not_found_again))
