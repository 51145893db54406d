/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_LAB_WATCH_H
#define VIFWALL_TESTS_MOCK_LAB_WATCH_H

#include "mock/lab.h"

/*
 * What must hold for every frame that leaves a lab, whatever came in: panics
 * where it does not.
 *
 *	everywhere    a frame that our parser takes whole, that fits its link,
 *		      from our MAC to the right one, with a hop left to go
 *	to a client   to an address of its own; from nobody inside, but for
 *		      resets in the name of who was asked; nothing because of
 *		      another client, unless they may meet or an opening leads
 *		      there
 *	to the uplink from our outside address, to nobody inside; because of
 *		      something from there: only ND, ARP, and errors about
 *		      packets too big that belong to flows, or resets of what
 *		      came in by an opening
 *
 * and for the flows: each was opened by a client, from an address of its own,
 * or by an opening.
 */
struct lab_watch {
	bool meet; /* A and B are paired both ways, and hairpin is on */
	bool open; /* ports of our outside address may lead to A, for all */
	/* The last IP packet that left by the uplink. */
	uint8_t last[2048];
	size_t last_len;
};

/* Takes all frames that left; @cause: whose frame came in, -1: nobody's. */
void lab_watch(struct lab *l, struct lab_watch *w, int cause);
void lab_watch_flows(struct lab *l, const struct lab_watch *w);

#endif
