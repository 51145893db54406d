/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When dom0 is asked to look at what we are, and asked again. */
#include "firewall/control/qubes/announce.h"
#include "unit.h"

static const struct mono never = { UINT64_MAX };

static void once_when_dom0_looks(void)
{
	struct announce a = { .times = 0 };
	struct mono now = { MONO_S };

	CU_ASSERT(announce_is_due(&a, now));
	CU_ASSERT_EQUAL(announce_next(&a, now).ns, never.ns);
	announce_asked(&a);
	CU_ASSERT_FALSE(announce_is_due(&a, now));
	CU_ASSERT_FALSE(announce_ended(&a, 0, now));
	now.ns += 1000000 * MONO_S;
	CU_ASSERT_FALSE(announce_is_due(&a, now));
	CU_ASSERT_EQUAL(announce_next(&a, now).ns, never.ns);
}

static void again_with_growing_pauses_when_it_does_not(void)
{
	struct announce a = { .times = 0 };
	struct mono now = { MONO_S };
	uint64_t pause = ANNOUNCE_MS * MONO_MS, last;

	for (uint32_t i = 1; i < ANNOUNCE_TIMES; i++) {
		announce_asked(&a);
		CU_ASSERT_EQUAL(announce_ended(&a, 126, now), i == 1);
		CU_ASSERT_FALSE(announce_is_due(&a, now));
		last = now.ns;
		now = announce_next(&a, now);
		CU_ASSERT_EQUAL(now.ns - last, pause);
		CU_ASSERT(announce_is_due(&a, now));
		pause *= 2;
	}
	CU_ASSERT(now.ns < 15 * 60 * MONO_S);
	announce_asked(&a);
	CU_ASSERT(announce_ended(&a, 255, now));
	CU_ASSERT_EQUAL(a.state, ANNOUNCE_OVER);
	CU_ASSERT_EQUAL(announce_next(&a, now).ns, never.ns);
}

static void not_again_when_it_looked_at_last(void)
{
	struct announce a = { .times = 0 };
	struct mono now = { MONO_S };

	announce_asked(&a);
	(void)announce_ended(&a, 255, now);
	now = announce_next(&a, now);
	announce_asked(&a);
	CU_ASSERT_FALSE(announce_ended(&a, 0, now));
	CU_ASSERT_EQUAL(a.state, ANNOUNCE_OVER);
}

UNIT_SUITE(announce, UNIT(once_when_dom0_looks),
	   UNIT(again_with_growing_pauses_when_it_does_not),
	   UNIT(not_again_when_it_looked_at_last))
