/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_SIM_WALK_H
#define VIFWALL_TESTS_SIM_WALK_H

#include "sim/habits.h"

/*
 * A guest's vif 0 in the XenStore, walked by the habits of its driver:
 *
 *	AWAY --vif 0--> BEGIN --rings, keys, 4--> OFFERED --4--> UP
 *	 ^                ^                           |           |
 *	 |          again |     the backend leaves, or we do      |
 *	 '--no vif 0--   OFF <-------------- END <----------------'
 *
 * Like those drivers it never comes back by itself: dom0 gives it another vif,
 * or somebody starts the driver again.
 */
#define WALK_PATIENCE_MS 3000u /* of an end that nobody answers */

struct walk_keys {
	uint32_t tx_ref, rx_ref, tx_evt, rx_evt;
};

struct walk_ops {
	/* Makes rings: 0 or -errno. */
	int (*connect)(const struct bus_uplink *u, struct walk_keys *keys);
	void (*up)(void); /* the backend has them */
	void (*down)(void);
};

struct walk {
	struct store *store;
	const struct habits *habits;
	const struct walk_ops *ops;
	struct bus_conf conf;
	struct bus_id id; /* of the backend, our handle */
	enum walk_phase {
		WALK_AWAY,
		WALK_BEGIN,
		WALK_OFFERED,
		WALK_UP,
		WALK_END,
		WALK_OFF
	} phase;
	uint32_t step;
	bool said;  /* the state of this step */
	bool rings; /* they are there */
	bool again, stopping, mark;
	struct mono due; /* stopping: waits so long at most */
	char back[BUS_DIR_MAX];
};

/* @store is the caller's, and nobody else takes its events. */
int walk_open(struct walk *w, struct store *store, uint16_t self,
	      const struct habits *h, const struct walk_ops *ops);
/* -errno: the store is of no use any more. */
int walk_events(struct walk *w);
/* Looks at what is marked; when to be called again. */
struct mono walk_tick(struct walk *w, struct mono now);

/* The driver is stopped and started. */
void walk_again(struct walk *w);
void walk_stop(struct walk *w, struct mono now);
bool walk_stopped(const struct walk *w);

#endif
