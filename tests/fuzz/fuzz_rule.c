/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of one rule, in both families: what is read can be printed, and what
 * was printed reads as the same rule.
 */
#include "rules/rule.h"
#include "tests/fuzz/fuzz.h"

static void both_ways(const char *text, size_t len, enum rule_family family)
{
	static struct rule first, again;
	struct rule_error err = { 0 };
	char out[RULE_TEXT_MAX];
	int n;

	memset(&first, 0, sizeof(first));
	memset(&again, 0, sizeof(again));
	if (rule_parse(&first, 7, text, len, family, &err)) {
		vw_assert(err.why && err.column >= 1);
		vw_assert(err.column <= len + 1);
		return;
	}
	n = rule_print(out, sizeof(out), &first);
	vw_assert(n > 0);
	vw_assert(!rule_parse(&again, 7, out, (size_t)n, family, &err));
	vw_assert(first.action == again.action && first.dst == again.dst);
	vw_assert(first.proto == again.proto && first.dns == again.dns);
	vw_assert(first.icmp_type == again.icmp_type);
	vw_assert(first.port_lo == again.port_lo);
	vw_assert(first.port_hi == again.port_hi);
	vw_assert(first.prefix.len == again.prefix.len);
	vw_assert(!strcmp(first.name, again.name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len ? len : 1);

	vw_assert(text);
	if (len)
		memcpy(text, data, len);
	both_ways(text, len, RULE_IP4);
	both_ways(text, len, RULE_IP6);
	free(text);
	return 0;
}
