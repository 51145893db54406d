/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_LOOP_H
#define VIFWALL_FIREWALL_LINUX_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_time.h"

/*
 * A level-triggered wait for descriptors, and the process' only clock.
 *
 * Each descriptor is known by a type and an index of the owner's choice, so
 * that what woke is told apart by one switch and never by pointers.
 *
 * The clock is the monotonic one with a limit: no sleep is longer than
 * LOOP_SLEEP_MS, so a longer gap between two readings means that we did not run
 * (a paused machine, a stopped process), and counts as LOOP_STEP_MS.  Flows do
 * not expire because nobody was there to carry their packets.
 */
#define LOOP_SLEEP_MS 5000u
#define LOOP_STEP_MS 10000u

#define LOOP_IN 0x1u
#define LOOP_OUT 0x2u
#define LOOP_ERR 0x4u /* error or hang-up: always reported */

/*
 * Busy polling: to sleep and be woken takes ten times as long as a packet does,
 * so loop_wait() looks again and again for @busy_ns before it sleeps, but only
 * after a wait that was no longer than that.  Who hears of something now and
 * then never pays for it, and nobody pays more than once for a silence.
 */
struct loop {
	int epoll;
	uint64_t raw_ns; /* last reading of the real clock */
	struct mono now;
	uint32_t gaps;	  /* how often we did not run, as above */
	uint32_t busy_ns; /* 0 after loop_open(): sleeps at once */
	bool brisk;	  /* the last wait was a short one */
};

struct loop_event {
	uint32_t type, idx;
	uint32_t what; /* LOOP_* */
};

/* 0 or -errno. */
int VW_MUST_USE loop_open(struct loop *l);
void loop_close(struct loop *l);

int VW_MUST_USE loop_add(struct loop *l, int fd, uint32_t type, uint32_t idx,
			 uint32_t what);
int VW_MUST_USE loop_change(struct loop *l, int fd, uint32_t type, uint32_t idx,
			    uint32_t what);
/* Before @fd is closed. */
void loop_del(struct loop *l, int fd);

/*
 * Sleeps until something is ready or it is @until, at most LOOP_SLEEP_MS; reads
 * the clock into l->now.  @until in the past: looks without sleeping.  How many
 * of @max events were filled in (0 also after a signal), or -errno.
 */
int VW_MUST_USE loop_wait(struct loop *l, struct loop_event *ev, uint32_t max,
			  struct mono until);
/* Reads the clock again; also l->now. */
struct mono loop_now(struct loop *l);
/* What loop_now() says when the real clock reads @raw_ns. */
struct mono loop_step(struct loop *l, uint64_t raw_ns);

/*
 * Blocks the @n signals of @sig in this process and returns a descriptor that
 * is readable when one came, or -errno.
 */
int VW_MUST_USE loop_signals(const int *sig, size_t n);
/* The next signal of that descriptor, 0 when there is none. */
int loop_signal_take(int fd);

#endif
