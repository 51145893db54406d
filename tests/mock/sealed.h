/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_SEALED_H
#define VIFWALL_TESTS_MOCK_SEALED_H

#include "rules/profile.h"
#include "rules/rule.h"

/*
 * What control would seal for data, in files named "sealed".  The caller closes
 * them; what can't be built panics.
 */
int sealed_rules(enum rule_family family, enum rule_action policy,
		 const struct rule *rules, uint32_t n, uint32_t *len);
/*
 * @n rules, each for one address that nobody in a bed has (198.18.0.0/15,
 * 2001:db8::/32): what they do not decide is the policy's.
 */
int sealed_elsewhere(enum rule_family family, enum rule_action policy,
		     uint32_t n, uint32_t *len);
/* One profile that drops all, and one for a set of @n addresses as above. */
int sealed_profiles(uint32_t n, uint32_t *len);

/* How much of such files this process has mapped. */
size_t sealed_mapped(void);

#endif
