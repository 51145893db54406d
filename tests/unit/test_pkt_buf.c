/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "mock/frames.h"
#include "packet/pkt_arena.h"
#include "packet/pkt_buf.h"
#include "unit.h"

static void an_arena_hands_out_zeroed_lines_until_it_is_full(void)
{
	static alignas(PKT_ARENA_ALIGN) uint8_t mem[256];
	struct pkt_arena a;
	uint8_t *one, *two;

	memset(mem, 0xee, sizeof(mem));
	pkt_arena_init(&a, mem, sizeof(mem));
	one = pkt_arena_take(&a, 1);
	two = pkt_arena_take(&a, 65);
	CU_ASSERT_PTR_EQUAL(one, mem);
	CU_ASSERT_PTR_EQUAL(two, mem + 64);
	CU_ASSERT(one[0] == 0 && two[64] == 0);
	CU_ASSERT_EQUAL(two[65], 0xee);
	CU_ASSERT_PTR_NULL(pkt_arena_take(&a, 65));
	CU_ASSERT_PTR_NULL(pkt_arena_take(&a, SIZE_MAX));
	CU_ASSERT_PTR_EQUAL(pkt_arena_take(&a, 64), mem + 192);
	CU_ASSERT_PTR_NULL(pkt_arena_take(&a, 1));
}

static void a_new_packet_is_empty_and_has_its_headroom(void)
{
	struct pkt_pool *pool = frame_pool_new(2, 1);
	struct pkt *p = pkt_get(pool, 60);

	CU_ASSERT_EQUAL(p->len, 0);
	CU_ASSERT_EQUAL(p->head, PKT_HEADROOM);
	CU_ASSERT_EQUAL(p->tail, PKT_SMALL - PKT_HEADROOM);
	CU_ASSERT(!p->flags && !p->gso_size && !p->reason && !p->kind);
	memset(p->data - p->head, 1, p->head + p->tail);
	p->len = 60;
	p->flags = 0xff;
	p->data += 10;
	pkt_put(pool, p);
	p = pkt_get(pool, 1);
	CU_ASSERT_EQUAL(p->len, 0);
	CU_ASSERT_EQUAL(p->flags, 0);
	CU_ASSERT_EQUAL(p->head, PKT_HEADROOM);
	memset(p->data - p->head, 1, p->head + p->tail);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

static void the_length_decides_the_class_and_classes_dont_mix(void)
{
	const uint32_t small_max = PKT_SMALL - PKT_HEADROOM;
	const uint32_t large_max = PKT_LARGE - PKT_HEADROOM;
	struct pkt_pool *pool = frame_pool_new(1, 1);
	struct pkt *small = pkt_get(pool, small_max), *large;
	uint32_t small_n, large_n;

	CU_ASSERT_EQUAL(small->tail, small_max);
	CU_ASSERT_PTR_NULL(pkt_get(pool, 1));
	CU_ASSERT_PTR_NULL(pkt_get(pool, large_max + 1));
	large = pkt_get(pool, small_max + 1);
	CU_ASSERT_EQUAL(large->tail, large_max);
	CU_ASSERT(large_max >= PKT_ETH_LEN + 65535);
	CU_ASSERT_PTR_NULL(pkt_get(pool, large_max));
	pkt_pool_free_n(pool, &small_n, &large_n);
	CU_ASSERT(small_n == 0 && large_n == 0);
	pkt_put(pool, large);
	pkt_pool_free_n(pool, &small_n, &large_n);
	CU_ASSERT(small_n == 0 && large_n == 1);
	pkt_put(pool, small);
	frame_pool_free(pool);
}

static void no_two_packets_share_a_byte(void)
{
	enum { N = 50 };
	struct pkt_pool *pool = frame_pool_new(N, 2);
	struct pkt *p[N];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < N; i++) {
			p[i] = pkt_get(pool, 1);
			CU_ASSERT_PTR_NOT_NULL_FATAL(p[i]);
			memset(p[i]->data - p[i]->head, i,
			       p[i]->head + p[i]->tail);
		}
		CU_ASSERT_PTR_NULL(pkt_get(pool, 1));
		for (int i = 0; i < N; i++) {
			const uint8_t *b = p[i]->data - p[i]->head;

			CU_ASSERT(b[0] == i && b[PKT_SMALL - 1] == i);
		}
		/* Back in an order of its own each round. */
		for (int i = 0; i < N; i++)
			pkt_put(pool, p[(i * 7 + round) % N]);
	}
	frame_pool_free(pool);
}

static void a_pool_without_buffers_has_none(void)
{
	struct pkt_pool *pool = frame_pool_new(0, 0);

	CU_ASSERT_PTR_NULL(pkt_get(pool, 0));
	CU_ASSERT_PTR_NULL(pkt_get(pool, 60000));
	frame_pool_free(pool);
}

UNIT_SUITE(pkt_buf, UNIT(an_arena_hands_out_zeroed_lines_until_it_is_full),
	   UNIT(a_new_packet_is_empty_and_has_its_headroom),
	   UNIT(the_length_decides_the_class_and_classes_dont_mix),
	   UNIT(no_two_packets_share_a_byte),
	   UNIT(a_pool_without_buffers_has_none))
