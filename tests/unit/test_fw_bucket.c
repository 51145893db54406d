/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/path/bucket.h"
#include "unit.h"

static const struct bucket_rate rate = { .per_s = 100, .burst = 50 };

static struct pkt_rand a_rand(uint8_t first)
{
	struct pkt_rand r;
	uint8_t seed[16] = { first };

	pkt_rand_seed(&r, seed);
	return r;
}

static uint32_t take_all(struct bucket *b, const struct bucket_rate *r,
			 struct pkt_rand *rand, struct mono now)
{
	uint32_t n = 0;

	while (bucket_take(b, r, rand, now))
		n++;
	return n;
}

static void R23_a_full_bucket_gives_its_burst_and_no_more(void)
{
	struct pkt_rand rand = a_rand(1);
	struct mono now = { 5 * MONO_S };
	struct bucket b;

	bucket_init(&b, &rate, now);
	CU_ASSERT_EQUAL(take_all(&b, &rate, &rand, now), 50);
}

static void R23_the_rate_holds_over_a_long_time(void)
{
	struct pkt_rand rand = a_rand(2);
	struct mono now = { 0 };
	struct bucket b;
	uint32_t n = 0;

	bucket_init(&b, &rate, now);
	for (uint64_t ms = 0; ms < 100000; ms += 5)
		n += take_all(&b, &rate, &rand, (struct mono){ ms * MONO_MS });
	CU_ASSERT(n > 100 * 100 * 8 / 10);
	CU_ASSERT(n < 100 * 100 * 12 / 10);
}

static void a_rate_of_less_than_one_token_a_step_holds_too(void)
{
	const struct bucket_rate slow = { .per_s = 3, .burst = 2 };
	struct pkt_rand rand = a_rand(3);
	struct bucket b;
	uint32_t n = 0;

	bucket_init(&b, &slow, (struct mono){ 0 });
	for (uint64_t ms = 0; ms < 100000; ms += 10)
		n += take_all(&b, &slow, &rand, (struct mono){ ms * MONO_MS });
	CU_ASSERT(n > 240);
	CU_ASSERT(n < 360);
}

static void a_long_silence_fills_it_to_the_burst(void)
{
	struct pkt_rand rand = a_rand(4);
	struct bucket b;

	bucket_init(&b, &rate, (struct mono){ 0 });
	take_all(&b, &rate, &rand, (struct mono){ 0 });
	CU_ASSERT_EQUAL(take_all(&b, &rate, &rand,
				 (struct mono){ UINT64_MAX / 2 }),
			50);
}

static void a_rate_of_zero_means_never(void)
{
	const struct bucket_rate never = { 0, 50 };
	struct pkt_rand rand = a_rand(5);
	struct bucket b;

	bucket_init(&b, &never, (struct mono){ 0 });
	CU_ASSERT_FALSE(bucket_take(&b, &never, &rand, (struct mono){ 0 }));
}

static void R23_the_moment_of_refill_is_not_the_same_for_two(void)
{
	struct pkt_rand rand = a_rand(6);
	struct mono seen[8];

	for (int i = 0; i < 8; i++) {
		struct mono now = { MONO_S };
		struct bucket b;

		bucket_init(&b, &rate, (struct mono){ 0 });
		take_all(&b, &rate, &rand, (struct mono){ 0 });
		take_all(&b, &rate, &rand, now); /* fills; next is random */
		while (!bucket_take(&b, &rate, &rand, now))
			now.ns += MONO_MS / 100;
		CU_ASSERT(now.ns >= MONO_S + 75 * MONO_MS);
		CU_ASSERT(now.ns <= MONO_S + 126 * MONO_MS);
		seen[i] = now;
		for (int j = 0; j < i; j++)
			CU_ASSERT_NOT_EQUAL(seen[j].ns, now.ns);
	}
}

UNIT_SUITE(fw_bucket, UNIT(R23_a_full_bucket_gives_its_burst_and_no_more),
	   UNIT(R23_the_rate_holds_over_a_long_time),
	   UNIT(a_rate_of_less_than_one_token_a_step_holds_too),
	   UNIT(a_long_silence_fills_it_to_the_burst),
	   UNIT(a_rate_of_zero_means_never),
	   UNIT(R23_the_moment_of_refill_is_not_the_same_for_two))
