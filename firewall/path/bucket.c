/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/path/bucket.h"

#define STEP_MS 100u
#define STEPS_PER_S (1000u / STEP_MS)

void bucket_init(struct bucket *b, const struct bucket_rate *rate,
		 struct mono now)
{
	b->tokens = rate->burst;
	b->fill = mono_add_ms(now, STEP_MS);
}

/*
 * Whole steps, so that a slow rate (less than one token in a step) keeps its
 * average: then the step is as long as one token takes.
 */
static void fill(struct bucket *b, const struct bucket_rate *rate,
		 struct pkt_rand *rand, struct mono now)
{
	bool slow = rate->per_s < STEPS_PER_S;
	uint64_t step_ms = slow ? 1000u / rate->per_s : STEP_MS;
	uint64_t step_tokens = slow ? 1 : rate->per_s / STEPS_PER_S;
	uint64_t steps = 1 + mono_diff_ms(b->fill, now) / step_ms;
	uint32_t room = rate->burst > b->tokens ? rate->burst - b->tokens : 0;

	if (steps > room / step_tokens)
		b->tokens += room;
	else
		b->tokens += (uint32_t)(steps * step_tokens);
	/* three to five quarters of a step from now */
	b->fill = now;
	b->fill.ns += (step_ms * 3 / 4) * MONO_MS +
		      pkt_rand_below(rand, (uint32_t)(step_ms * MONO_MS / 2));
}

bool bucket_take(struct bucket *b, const struct bucket_rate *rate,
		 struct pkt_rand *rand, struct mono now)
{
	if (!rate->per_s)
		return false;
	if (mono_past(b->fill, now))
		fill(b, rate, rand, now);
	if (!b->tokens)
		return false;
	b->tokens--;
	return true;
}
