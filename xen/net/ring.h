/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_NET_RING_H
#define VIFWALL_XEN_NET_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "xen/net/netif.h"

/*
 * How indices and slots of a ring that a peer can write at any time are read
 * and written (xen/io/ring.h; XSA-155).
 *
 *	producer	slots; ring_publish(): index, full fence, ask whether to
 *			notify
 *	consumer	ring_index() once per pass, compare it with what can be;
 *			each slot copied once by ring_copy(), and only the copy
 *			is looked at; what goes back is built in memory of ours
 *			and put there whole
 *	before sleeping	ring_ask(): event index, full fence, look again
 */

/* The peer's index, with everything that it wrote before it. */
static inline uint32_t ring_index(const uint32_t *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

/* A slot, word by word, each read exactly once; @len a multiple of four. */
static inline void ring_copy(void *to, const void *slot, size_t len)
{
	const volatile uint32_t *from = slot;

	for (size_t i = 0; i < len / 4; i++) {
		uint32_t w = from[i];

		memcpy((uint8_t *)to + i * 4, &w, 4);
	}
}

/* The other way: a request or response that is complete. */
static inline void ring_put(void *slot, const void *from, size_t len)
{
	volatile uint32_t *to = slot;

	for (size_t i = 0; i < len / 4; i++) {
		uint32_t w;

		memcpy(&w, (const uint8_t *)from + i * 4, 4);
		to[i] = w;
	}
}

/* Publishes slots @from .. @to; true when the peer asked to be told. */
static inline bool ring_publish(uint32_t *prod, const uint32_t *event,
				uint32_t from, uint32_t to)
{
	__atomic_store_n(prod, to, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return to - __atomic_load_n(event, __ATOMIC_RELAXED) < to - from;
}

/*
 * Asks for an event once the peer's index @prod is at @at; true when it is
 * beyond already.
 */
static inline bool ring_ask(uint32_t *event, const uint32_t *prod, uint32_t at)
{
	__atomic_store_n(event, at, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (int32_t)(ring_index(prod) - at) >= 0;
}

#endif
