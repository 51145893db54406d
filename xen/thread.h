/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_THREAD_H
#define VIFWALL_XEN_THREAD_H

#include <pthread.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_time.h"

/*
 * Threads beside the one that an event loop runs in, for what may have to wait.
 * No signal is ever theirs, and their stacks are small.
 */

/* 0 or -errno. */
int VW_MUST_USE thread_start(pthread_t *t, void *(*run)(void *), void *arg);
/* The time, for who has no event loop that knows it. */
struct mono thread_now(void);

#endif
