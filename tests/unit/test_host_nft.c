/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "firewall/linux/host_nft.h"
#include "firewall/linux/host_nft_msg.h"
#include "unit.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const char *const ours[] = { "eth0", "vif7.0", "fifteen-letters" };

/* ---- messages alone -------------------------------------------------------*/

static struct host_rule wanted[64];
static int wanted_n;
static char text[64 * 1024];

/* All messages of the transaction for `ours`. */
static struct host_msg write_all(void)
{
	struct host_msg m = { .buf = text, .room = sizeof(text), .seq = 7 };

	wanted_n = host_policy_build(wanted, N(wanted), ours, N(ours));
	CU_ASSERT_FATAL(wanted_n > 0);
	CU_ASSERT_FATAL(host_msg_room((size_t)wanted_n) <= sizeof(text));
	CU_ASSERT_EQUAL_FATAL(host_msg_put(&m, wanted, (size_t)wanted_n), 0);
	return m;
}

static bool makes_something(const struct nlmsghdr *nlh, uint16_t what)
{
	return nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | what);
}

static bool makes_anything(const struct nlmsghdr *nlh)
{
	return makes_something(nlh, NFT_MSG_NEWTABLE) ||
	       makes_something(nlh, NFT_MSG_NEWCHAIN) ||
	       makes_something(nlh, NFT_MSG_NEWRULE);
}

/*
 * As if the kernel had sent what was written, but for the messages that make
 * something with the numbers @without and @twice.  How many there were.
 */
static int read_all(struct host_seen *s, const struct host_msg *m, int without,
		    int twice)
{
	static struct host_rule room[64];
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)m->buf;
	int left = (int)m->used, i = 0;

	*s = (struct host_seen){ .rule = room, .max = N(room) };
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (!makes_anything(nlh))
			continue;
		if (i != without)
			CU_ASSERT_EQUAL(host_msg_seen(s, nlh), 0);
		if (i == twice)
			CU_ASSERT_EQUAL(host_msg_seen(s, nlh), 0);
		i++;
	}
	return i;
}

static void what_is_written_reads_back_as_the_same(void)
{
	struct host_msg m = write_all();
	struct host_seen s;

	CU_ASSERT_EQUAL(read_all(&s, &m, -1, -1),
			2 * HOST_FAMILY_N + (int)HOST_CHAINS + wanted_n);
	CU_ASSERT(host_seen_same(&s, wanted, (size_t)wanted_n));
	CU_ASSERT_EQUAL(s.n, (size_t)wanted_n);
}

static void a_chain_or_rule_too_few_or_too_many_differs(void)
{
	struct host_msg m = write_all();
	const int first = 2 * HOST_FAMILY_N, rules = first + (int)HOST_CHAINS;
	struct host_seen s;

	for (int i = first; i < rules + wanted_n; i++) {
		read_all(&s, &m, i, -1);
		CU_ASSERT(!host_seen_same(&s, wanted, (size_t)wanted_n));
	}
	for (int i = rules; i < rules + wanted_n; i++) {
		read_all(&s, &m, -1, i);
		CU_ASSERT(!host_seen_same(&s, wanted, (size_t)wanted_n));
	}
}

static void another_verdict_order_name_or_hook_differs(void)
{
	struct host_msg m = write_all();
	struct host_seen s;
	struct host_rule r[64];

	read_all(&s, &m, -1, -1);
	for (int i = 0; i < wanted_n; i++) {
		memcpy(r, wanted, sizeof(r));
		r[i].verdict = !r[i].verdict;
		CU_ASSERT(!host_seen_same(&s, r, (size_t)wanted_n));
		memcpy(r, wanted, sizeof(r));
		r[i].ifname[0]++;
		CU_ASSERT(!host_seen_same(&s, r, (size_t)wanted_n));
		memcpy(r, wanted, sizeof(r));
		r[i].hook = r[i].hook == HOST_INPUT ? HOST_OUTPUT : HOST_INPUT;
		CU_ASSERT(!host_seen_same(&s, r, (size_t)wanted_n));
	}
	memcpy(r, wanted, sizeof(r));
	r[0] = wanted[1];
	r[1] = wanted[0];
	CU_ASSERT(!host_seen_same(&s, r, (size_t)wanted_n));
}

static void one_message_of_a_transaction_is_answered(void)
{
	struct host_msg m = write_all();
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)m.buf;
	int left = (int)m.used, asked = 0;
	uint32_t seq = 7;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		CU_ASSERT_EQUAL(nlh->nlmsg_seq, seq++);
		if (!(nlh->nlmsg_flags & NLM_F_ACK))
			continue;
		asked++;
		CU_ASSERT_EQUAL(nlh->nlmsg_seq, m.ack);
	}
	CU_ASSERT_EQUAL(asked, 1);
	CU_ASSERT_EQUAL(m.seq, seq);
	CU_ASSERT_EQUAL(m.ack, seq - 2); /* before the end */
}

/* ---- the kernel -----------------------------------------------------------*/

/*
 * In a network namespace of its own.  Needs root; without it these tests say so
 * and do nothing.
 */
static int home = -1;
static struct host_nft us, them;

static bool leave_home(void)
{
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home >= 0 && !unshare(CLONE_NEWNET))
		return true;
	puts("    (needs root: left out)");
	close(home);
	return false;
}

static bool begin(void)
{
	if (!leave_home())
		return false;
	CU_ASSERT_EQUAL_FATAL(host_nft_open(&us), 0);
	CU_ASSERT_EQUAL_FATAL(host_nft_open(&them), 0);
	CU_ASSERT_EQUAL(host_nft_want(&us, ours, N(ours)), 0);
	CU_ASSERT_EQUAL(host_nft_want(&them, ours, 1), 0);
	return true;
}

static void end(void)
{
	host_nft_close(&us);
	host_nft_close(&them);
	CU_ASSERT_EQUAL(setns(home, CLONE_NEWNET), 0);
	close(home);
}

static void the_kernel_holds_what_was_put(void)
{
	if (!begin())
		return;
	CU_ASSERT_EQUAL(host_nft_look(&us), HOST_NFT_NONE);
	CU_ASSERT_EQUAL(host_nft_put(&us), 0);
	CU_ASSERT_EQUAL(host_nft_look(&us), HOST_NFT_SAME);
	CU_ASSERT_EQUAL(host_nft_look(&them), HOST_NFT_OTHER);
	CU_ASSERT_EQUAL(host_nft_put(&us), 0);
	CU_ASSERT_EQUAL(host_nft_look(&us), HOST_NFT_SAME);
	CU_ASSERT_EQUAL(host_nft_remove(&us), 0);
	CU_ASSERT_EQUAL(host_nft_look(&us), HOST_NFT_NONE);
	CU_ASSERT_EQUAL(host_nft_remove(&us), 0);
	end();
}

static void what_others_left_there_is_replaced(void)
{
	if (!begin())
		return;
	CU_ASSERT_EQUAL(host_nft_put(&them), 0);
	CU_ASSERT_EQUAL(host_nft_look(&us), HOST_NFT_OTHER);
	CU_ASSERT_EQUAL(host_nft_put(&us), 0);
	CU_ASSERT_EQUAL(host_nft_look(&us), HOST_NFT_SAME);
	end();
}

static void rules_outlive_who_put_them(void)
{
	if (!begin())
		return;
	CU_ASSERT_EQUAL(host_nft_put(&us), 0);
	host_nft_close(&us);
	CU_ASSERT_EQUAL(host_nft_want(&them, ours, N(ours)), 0);
	CU_ASSERT_EQUAL(host_nft_look(&them), HOST_NFT_SAME);
	end();
}

static void none_and_the_most_interfaces_fit(void)
{
	static char name[HOST_NFT_IFS + 1][HOST_IFNAME_MAX];
	const char *names[HOST_NFT_IFS + 1];

	if (!begin())
		return;
	for (size_t i = 0; i < N(names); i++) {
		snprintf(name[i], sizeof(name[i]), "vif%zu.0", i);
		names[i] = name[i];
	}
	CU_ASSERT_EQUAL(host_nft_want(&us, names, N(names)), -ENOSPC);
	CU_ASSERT_EQUAL(host_nft_want(&us, names, HOST_NFT_IFS), 0);
	CU_ASSERT_EQUAL(host_nft_put(&us), 0);
	CU_ASSERT_EQUAL(host_nft_want(&us, names, 0), 0);
	CU_ASSERT_EQUAL(host_nft_look(&us), HOST_NFT_OTHER);
	CU_ASSERT_EQUAL(host_nft_put(&us), 0);
	CU_ASSERT_EQUAL(host_nft_look(&us), HOST_NFT_SAME);
	end();
}

static bool readable(const struct host_nft *h)
{
	struct pollfd p = { .fd = host_nft_fd(h), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void changes_by_others_are_news_with_their_name(void)
{
	char who[HOST_WHO_MAX], was[HOST_WHO_MAX];

	if (!begin())
		return;
	CU_ASSERT_EQUAL(host_nft_put(&us), 0);
	CU_ASSERT(!host_nft_news(&us, who));
	CU_ASSERT(!readable(&us));
	prctl(PR_GET_NAME, was);
	prctl(PR_SET_NAME, "somebody else");
	CU_ASSERT_EQUAL(host_nft_remove(&them), 0);
	prctl(PR_SET_NAME, was);
	CU_ASSERT(readable(&us));
	CU_ASSERT(host_nft_news(&us, who));
	CU_ASSERT_STRING_EQUAL(who, "somebody else");
	CU_ASSERT(!host_nft_news(&us, who));
	CU_ASSERT_STRING_EQUAL(who, "");
	end();
}

/* In a child, which gives up its rights. */
static int open_without_rights(void)
{
	static struct host_nft h;

	if (setgid(65534) || setuid(65534))
		return 1;
	return host_nft_open(&h) == -EPERM ? 0 : 2;
}

static void without_the_right_it_is_refused(void)
{
	int status = -1;
	pid_t pid;

	if (!begin())
		return;
	pid = fork();
	if (pid == 0)
		_exit(open_without_rights());
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
	end();
}

UNIT_SUITE(host_nft, UNIT(what_is_written_reads_back_as_the_same),
	   UNIT(a_chain_or_rule_too_few_or_too_many_differs),
	   UNIT(another_verdict_order_name_or_hook_differs),
	   UNIT(one_message_of_a_transaction_is_answered),
	   UNIT(the_kernel_holds_what_was_put),
	   UNIT(what_others_left_there_is_replaced),
	   UNIT(rules_outlive_who_put_them),
	   UNIT(none_and_the_most_interfaces_fit),
	   UNIT(changes_by_others_are_news_with_their_name),
	   UNIT(without_the_right_it_is_refused))
