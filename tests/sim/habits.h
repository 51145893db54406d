/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_SIM_HABITS_H
#define VIFWALL_TESTS_SIM_HABITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xen/bus/bus_in.h"

/*
 * What the network driver of another system does otherwise than Linux'.  All of
 * it is here, as data; walk.h walks by it in the XenStore, card.h goes by it on
 * the rings, and neither knows which system it is.
 */
#define HABIT_STEPS 4u

struct habit_step {
	uint8_t say; /* writes this state of its own; 0: none */
	uint16_t
		until; /* ... and waits for the backend's to be one of these:
			  bits 1 << enum xenbus_state; 0: after the last step */
};

struct habits {
	const char *name; /* as --like= has it */

	/* In the XenStore: before it offers rings, and when it ends. */
	struct habit_step begin[HABIT_STEPS], end[HABIT_STEPS];
	bool keeps_rings; /* until the last step of .end */
	bool split;	  /* a channel for each ring */
	/* Beside the rings and the channels; in one transaction with 4. */
	const struct bus_key *key;
	size_t key_n;

	/* Sending. */
	uint8_t leaves;	    /* PORT_* that its stack leaves to the device */
	uint32_t block;	    /* bytes of a slot; pages are cut into such */
	uint32_t lean;	    /* a frame's second piece begins so far in it */
	bool headers_apart; /* in a slot of their own before the payload */

	/* Receiving. */
	bool counts_ids; /* an id is never that of a slot, but a number more */
	bool cuts;	 /* aggregates, before its stack gets them */
	bool strict;	 /* takes a refused frame for the end of the world */
};

/* NULL: no such system, or it is Linux, whose driver is netfront.h. */
const struct habits *habits_of(const char *name);
/* What it says in its keys that it can take: BUS_*. */
uint8_t habits_can(const struct habits *h);

#endif
