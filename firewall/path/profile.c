/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hop 3, before a client's own rules: what its profile refuses.  A client whose
 * profile is not there is closed, as one without rules is.
 */
#include "firewall/path/shard.h"
#include "firewall/share/fw_profile.h"

void fw_profile_find(struct fw *fw, struct party *c)
{
	c->profile = PROFILE_NONE;
	if (fw->profiles && c->conf.profile[0])
		c->profile = profiles_find(fw->profiles, c->conf.profile);
}

bool fw_is_open(const struct fw *fw, uint16_t n, enum rule_family family)
{
	const struct party *c = &fw->party[n];

	return c->used && c->has[family] && c->rules[family] &&
	       (!c->conf.profile[0] || c->profile != PROFILE_NONE);
}

bool fw_profile_passes(const struct fw *fw, uint16_t n,
		       const struct nat_tuple *t, struct judgement *j)
{
	struct profile_query q;
	struct profile_answer a;

	if (!fw->party[n].conf.profile[0])
		return true;
	q = fw_profile_query(&fw->dns, t);
	a = profiles_eval(fw->profiles, fw->party[n].profile, &q);
	if (!a.refused)
		return true;
	j->reason = PKT_REASON_PROFILE;
	j->rule = a.rule;
	return false;
}
