/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of one rule, in both families: what is read can be printed, what was
 * printed reads as the same rule, and a byte that no rule may contain spoils it
 * wherever it stands.  The same bytes as a policy and as a number too.
 */
#include "rules/rule.h"
#include "tests/fuzz/fuzz.h"

/* Places that are damaged in a long text. */
#define PLACES 64u

static void damaged(char *text, size_t len, enum rule_family family)
{
	static const char bad[] = { 0, '\n', '\t', '#', '~', '\x80', '\xff' };
	static struct rule r;
	struct rule_error err;

	for (size_t i = 0; i < len; i += 1 + len / PLACES) {
		char was = text[i];

		text[i] = bad[i % sizeof(bad)];
		vw_assert(rule_parse(&r, 7, text, len, family, &err));
		vw_assert(err.column <= i + 1);
		text[i] = was;
	}
}

static void both_ways(char *text, size_t len, enum rule_family family)
{
	static struct rule first, again;
	struct rule_error err = { 0 };
	char out[RULE_TEXT_MAX];
	int n;

	if (rule_parse(&first, 7, text, len, family, &err)) {
		vw_assert(err.why && err.number == 7);
		vw_assert(err.column >= 1 && err.column <= len + 1);
		return;
	}
	n = rule_print(out, sizeof(out), &first);
	vw_assert(n > 0 && strlen(out) == (size_t)n);
	vw_assert(!rule_parse(&again, 7, out, (size_t)n, family, &err));
	vw_assert(!memcmp(&first, &again, sizeof(first)));
	damaged(text, len, family);
}

static void key_and_policy(const char *text, size_t len)
{
	enum rule_action policy;
	struct rule_error err;
	uint32_t number;

	if (!rule_number_parse(&number, text, len))
		vw_assert((len == 4 && number < 10000) ||
			  (len == 5 && number >= 10000 && number < 100000));
	if (!rule_policy_parse(&policy, text, len, &err))
		vw_assert(len == (policy == RULE_ACCEPT ? 6u : 4u));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len ? len : 1);

	vw_assert(text);
	if (len)
		memcpy(text, data, len);
	both_ways(text, len, RULE_IP4);
	both_ways(text, len, RULE_IP6);
	key_and_policy(text, len);
	free(text);
	return 0;
}
