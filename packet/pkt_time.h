/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_TIME_H
#define VIFWALL_PACKET_PKT_TIME_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A point on the monotonic clock (it stands still while the machine is
 * suspended, so that idle flows survive the night).  It is a struct so that
 * points and durations can't be mixed up.  Pure code never asks for the time:
 * `now` is the last argument of every function that needs it, read once per
 * poll round by the event loop.
 */
struct mono {
	uint64_t ns;
};

#define MONO_MS 1000000ull
#define MONO_S 1000000000ull

static inline struct mono mono_add_ms(struct mono t, uint64_t ms)
{
	t.ns += ms * MONO_MS;
	return t;
}

/* True when @t lies at or before @now: its deadline has come. */
static inline bool mono_past(struct mono t, struct mono now)
{
	return t.ns <= now.ns;
}

/* Milliseconds from @from to @to; 0 when @to lies before @from. */
static inline uint64_t mono_diff_ms(struct mono from, struct mono to)
{
	return to.ns > from.ns ? (to.ns - from.ns) / MONO_MS : 0;
}

#endif
