/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How fast a guest may send: a bucket of bytes, filled step by step. */
#include "xen/net/netback_part.h"

/* Linux saves up as much, and a frame of any size must fit in. */
static uint64_t burst(const struct netback_conf *c)
{
	return c->rate_bytes > NETBACK_BURST_BYTES ? c->rate_bytes
						   : NETBACK_BURST_BYTES;
}

static void refill(struct netback *b, struct mono now)
{
	uint64_t most = burst(&b->conf);
	uint64_t step = (uint64_t)b->conf.rate_us * 1000;
	uint64_t times = (now.ns - b->refilled.ns) / step;

	b->refilled.ns += times * step;
	if (b->conf.rate_bytes && times > most / b->conf.rate_bytes)
		b->credit = most;
	else
		b->credit += times * b->conf.rate_bytes;
	if (b->credit > most)
		b->credit = most;
}

bool netback_spend(struct netback *b, uint32_t len, struct mono now)
{
	b->starved = false;
	if (!b->conf.rate_us)
		return true;
	refill(b, now);
	if (len > b->credit) {
		netback_count(b, NETBACK_RATE);
		b->starved = true;
		return false;
	}
	b->credit -= len;
	return true;
}

void netback_rate(struct netback *b, uint64_t bytes, uint32_t us,
		  struct mono now)
{
	b->conf.rate_bytes = bytes;
	b->conf.rate_us = us;
	b->credit = bytes;
	b->refilled = now;
	b->starved = false;
}
