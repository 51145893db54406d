/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_FRAMES_ALIKE_H
#define VIFWALL_TESTS_MOCK_FRAMES_ALIKE_H

#include "packet/pkt_buf.h"

/*
 * What a fuzzer sends by a port: many frames of one kind, cheaply.  A plain one
 * is bytes of one value, at least FRAMES_PLAIN, and not parsed; the others are
 * parsed, as the path hands them over.
 */
#define FRAMES_PLAIN 0x80u
#define FRAMES_SHORTEST 14u
#define FRAMES_LONGEST 65549u

enum frames_kind { FRAMES_OF_BYTES, FRAMES_GSO4, FRAMES_PARTIAL, FRAMES_GSO6 };

/* @n of them at the end of @b, or as many as there are buffers for. */
void frames_alike(struct pkt_batch *b, struct pkt_pool *pool, uint32_t n,
		  enum frames_kind kind, uint32_t len, uint8_t value);

#endif
