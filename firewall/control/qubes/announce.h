/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_QUBES_ANNOUNCE_H
#define VIFWALL_FIREWALL_CONTROL_QUBES_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_time.h"

/*
 * When dom0 is asked to look at what we are (qubes.FeaturesRequest): once, if
 * it does.  When its policy refuses that, or it goes before it has answered, it
 * is asked again after ANNOUNCE_MS, twice that, and so on, ANNOUNCE_TIMES in
 * all.  Zeros at the beginning.
 */
#define ANNOUNCE_MS 5000u
#define ANNOUNCE_TIMES 8u /* the last one ten minutes after the first */

enum announce_state {
	ANNOUNCE_DUE, /* at .at */
	ANNOUNCE_ASKED,
	ANNOUNCE_OVER,
};

struct announce {
	enum announce_state state;
	uint32_t times;
	struct mono at;
};

bool announce_is_due(const struct announce *a, struct mono now);
void announce_asked(struct announce *a);
/* With that exit code; true: it is worth telling, at the first failure and when
 * nothing more is tried. */
bool announce_ended(struct announce *a, int code, struct mono now);
/* When it will be due; never, if it is, or if that is for no clock to say. */
struct mono announce_next(const struct announce *a, struct mono now);

#endif
