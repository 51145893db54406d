/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hop 3, before a client's own rules: what its profile refuses.  A client whose
 * profile is not there is closed, as one without rules is.
 */
#include <assert.h>

#include "firewall/path/fw_part.h"
#include "firewall/share/fw_profile.h"

static_assert(PROFILES_MAX <= FW_PROFILE_CLOSED, "numbers are numbers");

void fw_profile_take(struct fw *fw, uint16_t n, uint8_t profile)
{
	bool is = profile == FW_PROFILE_NONE ||
		  (fw->profiles && profile < profiles_count(fw->profiles));

	fw->party[n].profile = is ? profile : FW_PROFILE_CLOSED;
}

void fw_profile_find(struct fw *fw, uint16_t n)
{
	const char *name = fw->party[n].conf.profile;
	uint16_t found = PROFILE_NONE;

	if (fw->profiles && name[0])
		found = profiles_find(fw->profiles, name);
	fw->party[n].profile = !name[0]		       ? FW_PROFILE_NONE
			       : found == PROFILE_NONE ? FW_PROFILE_CLOSED
						       : (uint8_t)found;
}

bool fw_is_open(const struct fw *fw, uint16_t n, enum rule_family family)
{
	const struct party *c = &fw->party[n];

	return c->used && c->has[family] && c->rules[family] &&
	       c->profile != FW_PROFILE_CLOSED;
}

bool fw_profile_passes(const struct fw *fw, uint16_t n,
		       const struct nat_tuple *t, struct judgement *j)
{
	struct profile_query q;
	struct profile_answer a;

	if (fw->party[n].profile == FW_PROFILE_NONE)
		return true;
	q = fw_profile_query(&fw->dns, t);
	a = profiles_eval(fw->profiles, fw->party[n].profile, &q);
	if (!a.refused)
		return true;
	j->reason = PKT_REASON_PROFILE;
	j->rule = a.rule;
	return false;
}
