/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_NETIF_WATCH_H
#define VIFWALL_TESTS_MOCK_NETIF_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Sees every single access to a page of this process, and lets the test change
 * the page right after it: the peer that waits for the moment between two looks
 * (XSA-155).  The page is forbidden; each access faults, is let through for one
 * instruction, and the page is forbidden again.  x86-64 only.
 */
struct watch {
	uint32_t reads[1024], writes[1024]; /* by words of the page */
	uint32_t *page;
	/* Called after an access to word @word, with the page open. */
	void (*after)(struct watch *w, uint32_t word, bool write);
	void *ctx;
};

/* False: not on this machine. */
bool watch_begin(struct watch *w, void *page,
		 void (*after)(struct watch *w, uint32_t word, bool write));
void watch_end(struct watch *w);

#endif
