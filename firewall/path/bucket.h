/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_PATH_BUCKET_H
#define VIFWALL_FIREWALL_PATH_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_hash.h"
#include "packet/pkt_time.h"

/*
 * Token bucket of one party (R23).  No two parties share one, and the moment at
 * which it is filled again is random within a quarter of the step, so that
 * nobody can count somebody else's packets by our silence.
 */
struct bucket {
	uint32_t tokens;
	struct mono fill; /* when the next tokens come */
};

struct bucket_rate {
	uint32_t per_s, burst;
};

/* Full. */
void bucket_init(struct bucket *b, const struct bucket_rate *rate,
		 struct mono now);
/* True: one token taken.  A rate of 0 means never. */
bool bucket_take(struct bucket *b, const struct bucket_rate *rate,
		 struct pkt_rand *rand, struct mono now);

#endif
