/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_XEN_SPY_H
#define VIFWALL_TESTS_MOCK_XEN_SPY_H

#include "xen/xen_ops.h"

/*
 * Stands between a port and its Xen.  It panics at a segment that no port may
 * ask for, and remembers which memory of ours the last copy really filled: all
 * that a frame may consist of.
 */
struct xen_spy {
	struct xen x; /* first: the ops are handed a pointer to it */
	struct xen *real;
	/* Before a copy, when the test wants to look at it. */
	void (*look)(void *ctx, const struct xen_seg *seg, uint32_t n,
		     enum xen_way way);
	void *ctx;
	/* Of the last copy from the peer: what arrived, in its order. */
	struct {
		const uint8_t *at;
		uint32_t len;
	} got[XEN_COPY_MAX];
	uint32_t got_n;
};

void xen_spy_open(struct xen_spy *s, struct xen *real);

/*
 * Was every one of the @len bytes at @at copied by the last call, by segments
 * that follow each other?  @*next: where to look first; goes on from there.
 */
bool xen_spy_got(const struct xen_spy *s, uint32_t *next, const uint8_t *at,
		 uint32_t len);

#endif
