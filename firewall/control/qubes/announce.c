/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/control/qubes/announce.h"

#include "packet/pkt_assert.h"

bool announce_is_due(const struct announce *a, struct mono now)
{
	return a->state == ANNOUNCE_DUE && mono_past(a->at, now);
}

void announce_asked(struct announce *a)
{
	vw_assert(a->state == ANNOUNCE_DUE);
	a->state = ANNOUNCE_ASKED;
	a->times++;
}

bool announce_ended(struct announce *a, int code, struct mono now)
{
	vw_assert(a->state == ANNOUNCE_ASKED);
	a->state = ANNOUNCE_OVER;
	if (!code)
		return false;
	if (a->times == ANNOUNCE_TIMES)
		return true;
	a->state = ANNOUNCE_DUE;
	a->at = mono_add_ms(now, (uint64_t)ANNOUNCE_MS << (a->times - 1));
	return a->times == 1;
}

struct mono announce_next(const struct announce *a, struct mono now)
{
	const struct mono never = { UINT64_MAX };

	if (a->state != ANNOUNCE_DUE || announce_is_due(a, now))
		return never;
	return a->at;
}
