/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "firewall/control/source/set.h"
#include "packet/pkt_verdict.h"
#include "unit.h"

#define BASE "/qubes-firewall/10.0.0.5"

static struct tree *tree;

static void put(const char *name, const char *value)
{
	char path[80];

	snprintf(path, sizeof(path), BASE "/%s", name);
	CU_ASSERT_EQUAL(tree_write(tree, path, value, strlen(value)), 0);
}

static void start(void)
{
	tree = tree_new(8u << 20, NULL, NULL);
	CU_ASSERT_FATAL(tree != NULL);
}

static char complaints[1024];

static void complain(void *ctx, const struct set_error *e, const char *text,
		     size_t len)
{
	size_t n = strlen(complaints);

	(void)ctx;
	(void)text;
	CU_ASSERT_EQUAL(strlen(text), len);
	snprintf(complaints + n, sizeof(complaints) - n, "%s:%u ", e->key,
		 e->column);
}

static struct set load(enum rule_family family, const struct rule_env *env)
{
	struct set s;

	complaints[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(
		set_load(&s, tree, BASE "/", family, env, complain, NULL), 0);
	return s;
}

static bool passes(const struct set *s, const char *addr, uint8_t proto,
		   uint16_t port)
{
	struct rule_query q = { .proto = proto, .dport = port };

	CU_ASSERT_EQUAL(pkt_addr_parse(&q.dst, addr, strlen(addr)), 0);
	return ruleset_eval(s->built, &q).action == RULE_ACCEPT;
}

static void a_set_says_and_does_what_its_keys_say(void)
{
	struct set s;
	uint32_t number;

	start();
	put("policy", "drop");
	put("0010", "action=accept proto=tcp dst4=192.0.2.0/24 dstports=80-80");
	put("0002", "action=drop dst4=192.0.2.7/32");
	put("10000", "action=accept proto=udp");
	s = load(RULE_IP4, NULL);
	CU_ASSERT_EQUAL(s.state, SET_GOOD);
	CU_ASSERT_EQUAL(s.policy, RULE_DROP);
	CU_ASSERT_EQUAL(s.n, 3);
	CU_ASSERT_EQUAL(s.names, 0);
	CU_ASSERT_STRING_EQUAL(set_line(&s, 0, &number),
			       "action=drop dst4=192.0.2.7/32");
	CU_ASSERT_EQUAL(number, 2);
	CU_ASSERT_STRING_EQUAL(set_line(&s, 1, &number),
			       "action=accept dst4=192.0.2.0/24 proto=tcp "
			       "dstports=80-80");
	CU_ASSERT_EQUAL(number, 10);
	CU_ASSERT_STRING_EQUAL(set_line(&s, 2, &number),
			       "action=accept proto=udp");
	CU_ASSERT_EQUAL(number, 10000);
	CU_ASSERT_EQUAL(ruleset_number(s.built, 2), 10000);
	CU_ASSERT(passes(&s, "192.0.2.1", 6, 80));
	CU_ASSERT(!passes(&s, "192.0.2.7", 6, 80));
	CU_ASSERT(passes(&s, "198.51.100.1", 17, 9));
	CU_ASSERT(!passes(&s, "198.51.100.1", 6, 9));
	set_clear(&s);
	CU_ASSERT_EQUAL(s.state, SET_NONE);
	tree_free(tree);
}

static const struct {
	const char *key, *value, *where;
	uint32_t column;
} wrong[] = {
	{ "0000", "action=accept colour=blue", "0000", 15 },
	{ "0000", "", "0000", 1 },
	{ "0000", "action=accept dst6=2001:db8::/32", "0000", 15 },
	{ "0000", "action=accept dstports=zebra", "0000", 24 },
	{ "policy", "maybe", "policy", 1 },
	{ "README", "action=accept", "README", 0 },
	{ "000", "action=accept", "000", 0 },
	{ "00010", "action=accept", "00010", 0 },
	{ TREE_ERROR, "0003 can't be read", "set", 0 },
	{ TREE_ERROR, "\x1b[31mred\n", "set", 0 },
};

static void R120_whatever_is_wrong_closes_the_set_and_says_where(void)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct set s;

		start();
		put("policy", "accept");
		put("0001", "action=accept");
		put(wrong[i].key, wrong[i].value);
		s = load(RULE_IP4, NULL);
		CU_ASSERT_EQUAL(s.state, SET_BAD);
		CU_ASSERT_EQUAL(s.n, 0);
		CU_ASSERT_EQUAL(s.error_n, 1);
		CU_ASSERT_STRING_EQUAL(s.error.key, wrong[i].where);
		CU_ASSERT_EQUAL(s.error.column, wrong[i].column);
		CU_ASSERT(s.error.why[0] != '\0');
		for (const char *p = s.error.why; *p; p++)
			CU_ASSERT(*p >= ' ' && *p <= '~');
		CU_ASSERT(!passes(&s, "192.0.2.1", 6, 80));
		set_clear(&s);
		tree_free(tree);
	}
}

static void R120_a_missing_policy_closes_the_set(void)
{
	struct set s;

	start();
	put("0001", "action=accept");
	s = load(RULE_IP4, NULL);
	CU_ASSERT_EQUAL(s.state, SET_BAD);
	CU_ASSERT_STRING_EQUAL(s.error.key, "policy");
	CU_ASSERT_STRING_EQUAL(s.error.why, "is missing");
	set_clear(&s);
	tree_free(tree);
}

static void every_error_is_complained_about(void)
{
	struct set s;

	start();
	put("0001", "action=accept x=1");
	put("0002", "action=accept");
	put("0003", "action=maybe");
	put("note", "x");
	s = load(RULE_IP4, NULL);
	CU_ASSERT_STRING_EQUAL(complaints, "0001:15 0003:8 note:0 policy:0 ");
	CU_ASSERT_EQUAL(s.error_n, 4);
	CU_ASSERT_STRING_EQUAL(s.error.key, "0001");
	set_clear(&s);
	tree_free(tree);
}

static void R120_too_many_rules_close_the_set(void)
{
	struct set s;
	char name[16];

	start();
	put("policy", "drop");
	for (unsigned i = 0; i <= RULE_SET_MAX; i++) {
		snprintf(name, sizeof(name), "%04u", i);
		put(name, "action=accept");
	}
	s = load(RULE_IP4, NULL);
	CU_ASSERT_EQUAL(s.state, SET_BAD);
	CU_ASSERT_STRING_EQUAL(s.error.key, "9999");
	set_clear(&s);
	CU_ASSERT_EQUAL(tree_remove(tree, BASE "/9999"), 1);
	s = load(RULE_IP4, NULL);
	CU_ASSERT_EQUAL(s.state, SET_GOOD);
	CU_ASSERT_EQUAL(s.n, RULE_SET_MAX);
	set_clear(&s);
	tree_free(tree);
}

static void an_empty_set_is_its_policy(void)
{
	struct set s;

	start();
	put("policy", "accept");
	s = load(RULE_IP6, NULL);
	CU_ASSERT_EQUAL(s.state, SET_GOOD);
	CU_ASSERT_EQUAL(s.n, 0);
	CU_ASSERT(passes(&s, "2001:db8::1", 6, 80));
	set_clear(&s);
	tree_free(tree);
}

static void names_are_counted_and_dns_means_the_name_servers(void)
{
	struct pkt_addr dns;
	struct rule_env env = { .dns = &dns, .dns_n = 1 };
	struct set s;

	CU_ASSERT_EQUAL(pkt_addr_parse(&dns, "10.139.1.1", 10), 0);
	start();
	put("policy", "drop");
	put("0000", "action=accept specialtarget=dns");
	put("0001", "action=accept dsthost=www.example proto=tcp");
	s = load(RULE_IP4, &env);
	CU_ASSERT_EQUAL(s.names, 1);
	CU_ASSERT(passes(&s, "10.139.1.1", 17, 53));
	CU_ASSERT(!passes(&s, "10.139.1.2", 17, 53));
	set_clear(&s);
	tree_free(tree);
}

static int resolve_many(void *ctx, const char *name, enum rule_family family,
			struct pkt_addr *out, uint16_t max)
{
	(void)ctx;
	(void)name;
	(void)family;
	for (uint16_t i = 0; i < max; i++)
		out[i] = pkt_addr_v4((uint8_t[]){ 192, 0, 2, (uint8_t)i });
	return max;
}

static void R120_a_set_too_large_to_build_is_closed_and_no_other_is(void)
{
	struct rule_env env = { .resolve = resolve_many };
	struct set big, other;
	char name[16];

	start();
	put("policy", "accept");
	for (unsigned i = 0; i <= RULESET_ITEM_MAX / RULE_ADDR_MAX; i++) {
		snprintf(name, sizeof(name), "%04u", i);
		put(name, "action=accept dsthost=www.example");
	}
	big = load(RULE_IP4, &env);
	CU_ASSERT_EQUAL(big.state, SET_BAD);
	CU_ASSERT_STRING_EQUAL(big.error.key, "set");
	CU_ASSERT_STRING_EQUAL(big.error.why, "more rules than a set can have");
	CU_ASSERT(!passes(&big, "192.0.2.1", 6, 80));
	tree_free(tree);
	start();
	put("policy", "drop");
	put("0000", "action=accept dsthost=www.example");
	other = load(RULE_IP4, &env);
	CU_ASSERT_EQUAL(other.state, SET_GOOD);
	CU_ASSERT(passes(&other, "192.0.2.1", 6, 80));
	set_clear(&big);
	set_clear(&other);
	tree_free(tree);
}

static void R124_equal_sets_are_told_from_others(void)
{
	struct set a, b, closed;

	start();
	put("policy", "drop");
	put("0001", "action=accept proto=tcp dstports=80-80");
	a = load(RULE_IP4, NULL);
	put("0001", "action=accept dstports=80-80 proto=tcp");
	b = load(RULE_IP4, NULL);
	CU_ASSERT(set_same(&a, &b));
	set_clear(&b);
	CU_ASSERT(!set_same(&a, &b));
	put("0001", "action=accept proto=tcp dstports=80-81");
	b = load(RULE_IP4, NULL);
	CU_ASSERT(!set_same(&a, &b));
	set_clear(&b);
	put("0001", "action=accept proto=tcp");
	put("policy", "accept");
	b = load(RULE_IP4, NULL);
	CU_ASSERT(!set_same(&a, &b));
	CU_ASSERT_EQUAL(set_closed(&closed, RULE_IP4, "set", "x"), 0);
	CU_ASSERT(!set_same(&a, &closed));
	set_clear(&a);
	set_clear(&b);
	set_clear(&closed);
	tree_free(tree);
}

static void a_set_can_be_made_that_accepts_all(void)
{
	struct set s;

	CU_ASSERT_EQUAL_FATAL(set_accept(&s, RULE_IP4), 0);
	CU_ASSERT_EQUAL(s.state, SET_GOOD);
	CU_ASSERT(s.accept);
	CU_ASSERT(passes(&s, "192.0.2.1", 6, 80));
	set_clear(&s);
}

static void nobody_can_change_a_set(void)
{
	struct set s;
	char x = 'x';

	CU_ASSERT_EQUAL_FATAL(set_accept(&s, RULE_IP6), 0);
	CU_ASSERT_EQUAL(pwrite(s.fd, &x, 1, 0), -1);
	CU_ASSERT_EQUAL(ftruncate(s.fd, 0), -1);
	CU_ASSERT_EQUAL(fcntl(s.fd, F_GET_SEALS) &
				(F_SEAL_WRITE | F_SEAL_SHRINK),
			F_SEAL_WRITE | F_SEAL_SHRINK);
	set_clear(&s);
}

UNIT_SUITE(set, UNIT(a_set_says_and_does_what_its_keys_say),
	   UNIT(R120_whatever_is_wrong_closes_the_set_and_says_where),
	   UNIT(R120_a_missing_policy_closes_the_set),
	   UNIT(every_error_is_complained_about),
	   UNIT(R120_too_many_rules_close_the_set),
	   UNIT(an_empty_set_is_its_policy),
	   UNIT(names_are_counted_and_dns_means_the_name_servers),
	   UNIT(R120_a_set_too_large_to_build_is_closed_and_no_other_is),
	   UNIT(R124_equal_sets_are_told_from_others),
	   UNIT(a_set_can_be_made_that_accepts_all),
	   UNIT(nobody_can_change_a_set))
