/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule set as it comes from another process: bytes that may claim anything.
 * What ruleset_check() lets through must be safe to ask, and asking must end.
 *
 * The first byte says which good set is damaged (BASES: none, the input is the
 * set), so that the fuzzer need not find a whole header by itself; the second
 * how much of its end is missing.  Then places (2 bytes) and bytes to write
 * there.
 */
#include "rules/rule.h"
#include "tests/fuzz/fuzz.h"

#define RULES_MAX 200u
#define ROOM 65536u

enum base { BASE_SMALL, BASE_DEEP, BASE_PORTS, BASE_CLOSED, BASES };

struct good {
	_Alignas(8) uint8_t mem[ROOM];
	size_t len;
	enum rule_family family;
};

static uint32_t small_rules(struct rule *rule)
{
	static const char *const text[] = {
		"action=accept dst4=192.0.2.0/24 proto=tcp dstports=80-443",
		"action=drop dst4=192.0.2.7",
		"action=accept proto=icmp icmptype=8",
		"action=drop proto=udp dstports=53-53",
		"action=accept dst4=198.51.100.0/25",
		"action=accept proto=udp",
	};
	uint32_t n = sizeof(text) / sizeof(text[0]);
	struct rule_error err;

	for (uint32_t i = 0; i < n; i++)
		vw_assert(!rule_parse(&rule[i], i, text[i], strlen(text[i]),
				      RULE_IP4, &err));
	return n;
}

/* Nested prefixes with more cuts than fit a list: links and port maps. */
static uint32_t deep_rules(struct rule *rule)
{
	for (uint32_t i = 0; i < RULES_MAX; i++) {
		rule[i] = (struct rule){ .number = i,
					 .family = RULE_IP6,
					 .action = (uint8_t)(i & 1),
					 .dst = RULE_DST_PREFIX,
					 .proto = i % 3 ? 6 : RULE_PROTO_ANY,
					 .icmp_type = -1,
					 .has_ports = true,
					 .port_lo = (uint16_t)(i * 100),
					 .port_hi = (uint16_t)(i * 101) };
		rule[i].prefix.addr.b[0] = 0x20;
		rule[i].prefix.addr.b[i % 16] = 0x20;
		rule[i].prefix.len = (uint8_t)(8 + i / 10 * 6);
	}
	return RULES_MAX;
}

/* Many ports at any destination: bitmaps. */
static uint32_t port_rules(struct rule *rule)
{
	for (uint32_t i = 0; i < RULES_MAX; i++)
		rule[i] = (struct rule){ .number = i,
					 .family = RULE_IP4,
					 .action = (uint8_t)(i & 1),
					 .proto = i % 2 ? 6 : 17,
					 .icmp_type = -1,
					 .has_ports = true,
					 .port_lo = (uint16_t)(i * 300),
					 .port_hi = (uint16_t)(i * 300 + 7) };
	return RULES_MAX;
}

static void make_good(struct good *g, enum base base)
{
	static struct rule rule[RULES_MAX];
	static uint8_t scratch[1 << 20];
	uint32_t n = base == BASE_SMALL	  ? small_rules(rule)
		     : base == BASE_DEEP  ? deep_rules(rule)
		     : base == BASE_PORTS ? port_rules(rule)
					  : 0;

	g->family = base == BASE_DEEP ? RULE_IP6 : RULE_IP4;
	if (base == BASE_CLOSED)
		vw_assert(!ruleset_build_closed(g->mem, ROOM, &g->len,
						g->family));
	else
		vw_assert(!ruleset_build(g->mem, ROOM, &g->len, g->family,
					 RULE_DROP, rule, n, NULL, scratch,
					 sizeof(scratch)));
	vw_assert(ruleset_check(g->mem, g->len));
}

static struct pkt_addr place(uint32_t i, enum rule_family family)
{
	static const uint8_t four[][4] = { { 192, 0, 2, 7 },
					   { 198, 51, 100, 1 },
					   { 255, 255, 255, 254 },
					   { 0, 0, 0, 0 } };
	struct pkt_addr a = { { 0x20, [15] = (uint8_t)i } };

	if (family == RULE_IP4)
		return pkt_addr_v4(four[i % 4]);
	a.b[i % 16] = 0x20;
	return a;
}

static void ask(const struct ruleset *s)
{
	static const uint8_t proto[] = { 1, 6, 17, 47, 58 };

	for (uint32_t i = 0; i < 80; i++) {
		const struct rule_query q = {
			.dst = place(i, ruleset_family(s)),
			.dport = (uint16_t)(i * 827),
			.proto = proto[i % sizeof(proto)],
			.icmp_type = (uint8_t)i,
		};
		struct rule_answer a = ruleset_eval(s, &q);

		vw_assert(a.action == RULE_DROP || a.action == RULE_ACCEPT);
		vw_assert(a.reason == PKT_REASON_NONE || a.action == RULE_DROP);
		vw_assert(a.idx == RULE_IDX_POLICY || a.idx < ruleset_count(s));
		ruleset_number(s, a.idx);
	}
}

/* Steps of any size find the same. */
static const struct ruleset *in_steps(const uint8_t *mem, size_t n,
				      uint32_t budget)
{
	struct ruleset_walk w;
	enum check_state is;

	ruleset_check_begin(&w, mem, n);
	do {
		uint32_t left = budget;

		is = ruleset_check_step(&w, &left);
		vw_assert(is != CHECK_ON || !left);
	} while (is == CHECK_ON);
	return is == CHECK_SOUND ? w.set : NULL;
}

static void check_exactly(const uint8_t *bytes, size_t n, struct feed *damage)
{
	uint8_t *mem = malloc(n ? n : 1);
	const struct ruleset *s;

	vw_assert(mem);
	memcpy(mem, bytes, n);
	while (n && damage && damage->left) {
		size_t at = feed_u16(damage) % n;

		mem[at] = feed_u8(damage);
	}
	s = ruleset_check(mem, n);
	vw_assert(in_steps(mem, n, 1 + bytes[0] * 16u) == s);
	if (s)
		ask(s);
	free(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct good good[BASES];
	struct feed f = { data, len };
	uint32_t base = feed_u8(&f) % (BASES + 1);
	size_t missing;

	if (base == BASES) {
		if (f.left)
			check_exactly(f.p, f.left, NULL);
		return 0;
	}
	if (!good[base].len)
		make_good(&good[base], (enum base)base);
	missing = feed_u8(&f) % 16;
	check_exactly(good[base].mem, good[base].len - missing, &f);
	return 0;
}
