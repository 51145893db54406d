/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_BUS_EAR_H
#define VIFWALL_TESTS_MOCK_BUS_EAR_H

#include "xen/bus/bus_thread.h"

/*
 * The owner of a bus in a thread: answers what it asks, and keeps what it says
 * as words:
 *
 *	"vif5.0 ", "connect5.0 ", "resume5.0 ", "disconnect5.0 ", "gone5.0 ",
 *	"uplink1 ", "uplink_down ", "uplink_up ", "/key=value ", "/key- "
 */
#define EAR_PATIENCE_MS 10000u

struct bus_ear {
	struct bus_thread *thread;
	struct store *dom0; /* where ear_shows() looks */
	struct bus_ops ops;
	bool answer;		/* at once */
	struct bus_rings rings; /* the last ones to be connected */
	char said[4096];
};

void ear_open(struct bus_ear *e, struct bus_thread *t, struct store *dom0);
void ear_tell(struct bus_ear *e, enum bus_tell_type type, struct bus_id id);
/* Hears until @want was said; what was said is forgotten then. */
bool ear_hears(struct bus_ear *e, const char *want);
/* Hears until the value at @path is @want. */
bool ear_shows(struct bus_ear *e, const char *path, const char *want);
/* Hears for so long. */
void ear_wait(struct bus_ear *e, uint32_t ms);

uint64_t ear_now_ms(void);

#endif
