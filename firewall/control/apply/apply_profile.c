/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Profiles: built anew from the settings, and given to guests, which have no
 * settings of their own.
 */
#include <string.h>

#include "firewall/control/apply/apply_part.h"
#include "firewall/linux/log.h"

/* Guests keep what the XenStore says of them. */
static void guests(struct apply *a)
{
	for (uint16_t n = 1; n < APPLY_SLOTS; n++) {
		const struct apply_slot *s = &a->slot[n];
		struct fw_client fw = s->fw;

		if (!s->used || !s->guest)
			continue;
		memset(fw.profile, 0, sizeof(fw.profile));
		apply_client(a, n, &fw, s->accept);
	}
}

static bool same(const struct profiles_made *a, const struct profiles_made *b)
{
	return a->built && b->built && a->len == b->len &&
	       !memcmp(a->built, b->built, a->len);
}

/*
 * What can't be built was looked at by conf_check(), so it has changed since;
 * what was in force stays so, and who names something new is closed.
 */
void apply_profiles(struct apply *a)
{
	struct profiles_made next;
	struct profiles_fault f;

	guests(a);
	if (!a->profiles.built && !profiles_wanted(&a->conf))
		return;
	if (profiles_make(&next, &a->conf, &f)) {
		log_err("profiles are as before: %s", f.text);
		return;
	}
	if (same(&a->profiles, &next)) {
		profiles_clear(&next);
		return;
	}
	log_info("%u profiles in force, with %u sets of %u ranges in %zu KiB",
		 profiles_count(next.built), profiles_set_count(next.built),
		 profiles_range_count(next.built), (next.len + 1023) / 1024);
	apply_past_profiles(a);
	a->profiles = next;
	a->profiles_todo = true;
}

bool apply_profile_ok(const struct apply *a, uint16_t n)
{
	const char *name = a->slot[n].fw.profile;

	return !name[0] ||
	       (a->profiles.built &&
		profiles_find(a->profiles.built, name) != PROFILE_NONE);
}
