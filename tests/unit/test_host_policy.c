/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rules/host_policy.h"
#include "unit.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const char *const ours[] = { "eth0", "vif7.0", "fifteen-letters" };

/* What the data says about a frame, read as nf_tables would. */
static enum host_verdict verdict(const struct host_rule *r, int n,
				 enum host_family family, enum host_hook hook,
				 const char *ifname)
{
	for (int i = 0; i < n; i++)
		if (r[i].family == family && r[i].hook == hook &&
		    !strcmp(r[i].ifname, ifname))
			return (enum host_verdict)r[i].verdict;
	for (size_t i = 0; i < HOST_CHAINS; i++)
		if (host_chains[i].family == family &&
		    host_chains[i].hook == hook)
			return (enum host_verdict)host_chains[i].policy;
	CU_FAIL("no such chain");
	return HOST_ACCEPT;
}

static void D12_the_kernel_forwards_nothing_whatever_the_interfaces(void)
{
	struct host_rule r[64];

	for (size_t n = 0; n <= N(ours); n++) {
		int rules = host_policy_build(r, N(r), ours, n);

		CU_ASSERT_EQUAL(rules, (int)host_policy_rules(n));
		CU_ASSERT_EQUAL(verdict(r, rules, HOST_INET, HOST_FORWARD,
					"eth0"),
				HOST_DROP);
		CU_ASSERT_EQUAL(verdict(r, rules, HOST_INET, HOST_FORWARD,
					"lo"),
				HOST_DROP);
		CU_ASSERT_EQUAL(verdict(r, rules, HOST_INET, HOST_FORWARD,
					"other0"),
				HOST_DROP);
	}
}

static void on_our_interfaces_it_neither_receives_nor_sends(void)
{
	struct host_rule r[64];
	int n = host_policy_build(r, N(r), ours, N(ours));

	CU_ASSERT_FATAL(n > 0);
	for (int family = 0; family < HOST_FAMILY_N; family++)
		for (size_t i = 0; i < N(ours); i++) {
			CU_ASSERT_EQUAL(verdict(r, n, (enum host_family)family,
						HOST_INPUT, ours[i]),
					HOST_DROP);
			CU_ASSERT_EQUAL(verdict(r, n, (enum host_family)family,
						HOST_OUTPUT, ours[i]),
					HOST_DROP);
		}
}

static void loopback_and_other_interfaces_are_left_alone(void)
{
	static const char *const other[] = { "lo", "eth1", "eth", "eth00",
					     "vif7.1" };
	struct host_rule r[64];
	int n = host_policy_build(r, N(r), ours, N(ours));

	CU_ASSERT_FATAL(n > 0);
	for (size_t i = 0; i < N(other); i++) {
		CU_ASSERT_EQUAL(verdict(r, n, HOST_INET, HOST_INPUT, other[i]),
				HOST_ACCEPT);
		CU_ASSERT_EQUAL(verdict(r, n, HOST_INET, HOST_OUTPUT, other[i]),
				HOST_ACCEPT);
		CU_ASSERT_EQUAL(verdict(r, n, HOST_ARP, HOST_INPUT, other[i]),
				HOST_ACCEPT);
	}
}

static void each_chain_is_there_once_and_rules_follow_their_order(void)
{
	struct host_rule r[64];
	int n = host_policy_build(r, N(r), ours, N(ours)), at = 0;

	for (size_t i = 0; i < HOST_CHAINS; i++) {
		for (size_t j = 0; j < i; j++)
			CU_ASSERT(host_chains[i].family !=
					  host_chains[j].family ||
				  host_chains[i].hook != host_chains[j].hook);
		while (at < n && r[at].family == host_chains[i].family &&
		       r[at].hook == host_chains[i].hook)
			at++;
	}
	CU_ASSERT_EQUAL(at, n);
}

static void names_that_no_interface_can_have_are_refused(void)
{
	static const char *const bad[] = { "",	     "sixteen-letters.",
					   "a/b",    "a:b",
					   "a b",    "a\tb",
					   "eth*",   "*",
					   "a\nb",   ".",
					   "..",     "lo",
					   "\x7f",   "\xc3\xbc",
					   "\x1b[0m" };
	static const char *const good[] = { "a",      "...",   "eth0", "lo0",
					    "enp0s3", "wg@x1", "v-_.+" };
	struct host_rule r[16];

	for (size_t i = 0; i < N(bad); i++) {
		CU_ASSERT(!host_ifname_ok(bad[i]));
		CU_ASSERT_EQUAL(host_policy_build(r, N(r), &bad[i], 1),
				-EINVAL);
	}
	for (size_t i = 0; i < N(good); i++)
		CU_ASSERT(host_ifname_ok(good[i]));
}

static void names_are_filled_up_with_nuls(void)
{
	struct host_rule r[16];
	int n;

	memset(r, 0xff, sizeof(r));
	n = host_policy_build(r, N(r), ours, 1);
	for (int i = 0; i < n; i++)
		for (size_t k = strlen(r[i].ifname); k < HOST_IFNAME_MAX; k++)
			CU_ASSERT_EQUAL(r[i].ifname[k], 0);
}

static void too_little_room_is_an_error(void)
{
	struct host_rule r[16];

	for (size_t room = 0; room < host_policy_rules(2); room++)
		CU_ASSERT_EQUAL(host_policy_build(r, room, ours, 2), -ENOSPC);
	CU_ASSERT_EQUAL(host_policy_build(r, host_policy_rules(2), ours, 2),
			(int)host_policy_rules(2));
}

UNIT_SUITE(host_policy,
	   UNIT(D12_the_kernel_forwards_nothing_whatever_the_interfaces),
	   UNIT(on_our_interfaces_it_neither_receives_nor_sends),
	   UNIT(loopback_and_other_interfaces_are_left_alone),
	   UNIT(each_chain_is_there_once_and_rules_follow_their_order),
	   UNIT(names_that_no_interface_can_have_are_refused),
	   UNIT(names_are_filled_up_with_nuls),
	   UNIT(too_little_room_is_an_error))
