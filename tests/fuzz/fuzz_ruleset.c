/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule set as it comes from another process: bytes that may claim anything.
 * What ruleset_check() lets through must be safe to ask.  The first byte says
 * how many bytes of the rest are places to damage a good set at; so that the
 * fuzzer need not find a whole header by itself.
 */
#include "rules/rule.h"
#include "tests/fuzz/fuzz.h"

#define RULES 6u

static size_t good_set(uint8_t *mem, size_t room)
{
	static const char *const text[RULES] = {
		"action=accept dst4=192.0.2.0/24 proto=tcp dstports=80-443",
		"action=drop dst4=192.0.2.7",
		"action=accept proto=icmp icmptype=8",
		"action=drop proto=udp dstports=53-53",
		"action=accept dst4=198.51.100.0/25",
		"action=accept proto=udp",
	};
	static struct rule rule[RULES];
	static _Alignas(64) uint8_t scratch[1 << 20];
	const struct rule_env env = { 0 };
	struct rule_error err;
	size_t used = 0;

	for (uint32_t i = 0; i < RULES; i++)
		vw_assert(!rule_parse(&rule[i], i, text[i], strlen(text[i]),
				      RULE_IP4, &err));
	vw_assert(!ruleset_build(mem, room, &used, RULE_IP4, RULE_DROP, rule,
				 RULES, &env, scratch, sizeof(scratch)));
	return used;
}

static void ask(const struct ruleset *s)
{
	static const uint8_t to[3][4] = { { 192, 0, 2, 7 },
					  { 198, 51, 100, 1 },
					  { 255, 255, 255, 254 } };
	static const uint8_t proto[] = { 1, 6, 17, 47, 58 };

	for (size_t i = 0; i < 3 * sizeof(proto); i++) {
		const struct rule_query q = {
			.dst = pkt_addr_v4(to[i % 3]),
			.dport = (uint16_t)(i * 53),
			.proto = proto[i / 3],
			.icmp_type = 8,
		};
		struct rule_answer a = ruleset_eval(s, &q);

		vw_assert(a.action == RULE_DROP || a.action == RULE_ACCEPT);
		vw_assert(a.reason < PKT_REASON_N);
		ruleset_number(s, a.idx);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t good[65536];
	static size_t good_len;
	const struct ruleset *s;
	struct feed f = { data, len };
	uint8_t *mem;
	size_t n;

	if (!good_len)
		good_len = good_set(good, sizeof(good));
	n = good_len - feed_u8(&f) % 8;
	mem = aligned_alloc(64, (n + 63) / 64 * 64);
	vw_assert(mem);
	memcpy(mem, good, n);
	while (f.left) {
		size_t at = feed_u16(&f) % n;

		mem[at] = feed_u8(&f);
	}
	s = ruleset_check(mem, n);
	if (s)
		ask(s);
	free(mem);
	return 0;
}
