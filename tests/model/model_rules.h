/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MODEL_MODEL_RULES_H
#define VIFWALL_TESTS_MODEL_MODEL_RULES_H

#include "rules/rule.h"

/*
 * What a set of rules says about a packet, straight from the rules: every rule
 * is asked, and of those that match the one with the lowest number decides.
 * Slow, and so short that it can be checked by reading.
 */
struct rule_answer model_rules_eval(const struct rule *rules, uint32_t n,
				    enum rule_family family,
				    enum rule_action policy,
				    const struct rule_env *env,
				    const struct rule_query *q);

#endif
