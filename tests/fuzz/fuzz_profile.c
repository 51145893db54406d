/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of address sets and of profiles' rules, and blocks of profiles as
 * another process hands them over.
 *
 * The first byte says which.  A set that is read has what its prefixes have, at
 * their ends and beside them; a rule that is read makes a block that is sound;
 * a good block with bytes changed at places that the input names is refused, or
 * safe to ask.
 */
#include "rules/profile.h"
#include "tests/fuzz/fuzz.h"

#define PREFIXES 256u

static struct pkt_prefix prefix[ADDR_SET_PREFIXES_MAX];
static struct addr_range range[PREFIXES];
static uint32_t order[PREFIXES], tmp[PREFIXES];

static bool slow(uint32_t n, const struct pkt_addr *a)
{
	for (uint32_t i = 0; i < n; i++)
		if (pkt_prefix_has(&prefix[i], a))
			return true;
	return false;
}

static bool fast(uint32_t n, uint32_t n4, const struct pkt_addr *a)
{
	return pkt_addr_is_v4(a) ? addr_set_has(range, n4, a)
				 : addr_set_has(range + n4, n - n4, a);
}

static void set_text(const char *text, size_t len)
{
	struct addr_set_error e;
	uint32_t n, again, n4, ranges;

	if (addr_set_parse(NULL, &n, text, len, &e)) {
		vw_assert(e.why && e.line && e.column && e.column <= len + 1);
		return;
	}
	if (n > PREFIXES)
		return;
	vw_assert(!addr_set_parse(prefix, &again, text, len, &e));
	vw_assert(again == n);
	ranges = addr_set_build(range, &n4, prefix, n, order, tmp);
	vw_assert(n4 <= ranges && ranges <= n);
	vw_assert(addr_set_ok(range, n4, true));
	vw_assert(addr_set_ok(range + n4, ranges - n4, false));
	for (uint32_t i = 0; i < n; i++) {
		struct pkt_addr a = prefix[i].addr;

		vw_assert(fast(ranges, n4, &a));
		a.b[15] ^= 1;
		vw_assert(fast(ranges, n4, &a) == slow(n, &a));
		a.b[13]++;
		vw_assert(fast(ranges, n4, &a) == slow(n, &a));
	}
}

/* One rule and a set that it may name; the bytes used. */
static size_t block(uint8_t *mem, size_t room, const struct profiles_rule *rule)
{
	const struct pkt_prefix near = { .addr = { .b = { 0xfd } }, .len = 8 };
	const struct profiles_set set = { "near", &near, 1 };
	const struct profiles_in in = { &set, 1, rule, 1 };
	uint32_t bad;
	size_t used;

	vw_assert(profiles_size(&in) <= room);
	return profiles_build(mem, &used, &in, order, tmp, &bad) ? 0 : used;
}

static void ask(const struct profiles *p, const uint8_t *bytes, size_t len)
{
	struct profile_query q = { .dns = len & 1 };

	memcpy(&q.q.dst, bytes, len < 16 ? len : 16);
	q.q.proto = len & 2 ? 6 : 58;
	for (uint32_t i = 0; i < profiles_count(p); i++)
		vw_assert(profiles_eval(p, (uint16_t)i, &q).rule <=
			  PROFILE_RULES_MAX);
}

static void rule_text(const char *text, size_t len)
{
	static _Alignas(PROFILES_ALIGN) uint8_t mem[1024];
	struct profiles_rule rule = { .profile = "p" };
	struct profile_error e = { .column = 0 };
	const struct profiles *p;
	size_t used;

	if (profile_parse(&rule.text, text, len, &e)) {
		vw_assert(e.why && e.column >= 1 && e.column <= len + 1);
		return;
	}
	used = block(mem, sizeof(mem), &rule);
	if (!used)
		return; /* names another set */
	p = profiles_check(mem, used);
	vw_assert(p && profiles_find(p, "p") == 0);
	ask(p, (const uint8_t *)text, len);
}

/* Steps of any size find the same. */
static const struct profiles *in_steps(const uint8_t *mem, size_t n,
				       uint32_t budget)
{
	struct profiles_walk w;
	enum check_state is;

	profiles_check_begin(&w, mem, n);
	do {
		uint32_t left = budget;

		is = profiles_check_step(&w, &left);
		vw_assert(is != CHECK_ON || !left);
	} while (is == CHECK_ON);
	return is == CHECK_SOUND ? w.p : NULL;
}

static void damaged(const uint8_t *bytes, size_t len)
{
	static _Alignas(PROFILES_ALIGN) uint8_t mem[1024];
	static const char text[] = "action=drop dst=near proto=tcp";
	struct profiles_rule rule = { .profile = "p" };
	const struct profiles *p;
	struct profile_error e;
	size_t used;

	vw_assert(!profile_parse(&rule.text, text, sizeof(text) - 1, &e));
	used = block(mem, sizeof(mem), &rule);
	vw_assert(used);
	for (size_t i = 0; i + 2 < len; i += 3)
		mem[(size_t)(bytes[i] << 8 | bytes[i + 1]) % used] =
			bytes[i + 2];
	p = profiles_check(mem, used);
	vw_assert(in_steps(mem, used, 1 + (uint32_t)len) == p);
	if (p)
		ask(p, bytes, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text;

	if (!len)
		return 0;
	text = malloc(len);
	vw_assert(text);
	memcpy(text, data + 1, len - 1);
	if (data[0] == 's')
		set_text(text, len - 1);
	else if (data[0] == 'r')
		rule_text(text, len - 1);
	else
		damaged(data + 1, len - 1);
	free(text);
	return 0;
}
