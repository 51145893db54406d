/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_arp.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>

#include "firewall/linux/host_nft_msg.h"

#define MSG_MAX 512u /* one message; a rule takes half of it */
#define CHAIN_TYPE "filter"
#define CHAIN_PRIORITY 0

static const uint8_t families[HOST_FAMILY_N] = {
	[HOST_INET] = NFPROTO_INET,
	[HOST_ARP] = NFPROTO_ARP,
};

/* Hooks have numbers of their own in each family. */
static const struct hook {
	const char *chain;
	uint8_t number[HOST_FAMILY_N];
} hooks[HOST_HOOK_N] = {
	[HOST_INPUT] = { "input", { NF_INET_LOCAL_IN, NF_ARP_IN } },
	[HOST_FORWARD] = { "forward", { NF_INET_FORWARD, NF_ARP_FORWARD } },
	[HOST_OUTPUT] = { "output", { NF_INET_LOCAL_OUT, NF_ARP_OUT } },
};

static uint32_t verdict_of(uint8_t v)
{
	return v == HOST_ACCEPT ? NF_ACCEPT : NF_DROP;
}

static uint32_t key_of(uint8_t hook)
{
	return hook == HOST_OUTPUT ? NFT_META_OIFNAME : NFT_META_IIFNAME;
}

/* ---- writing --------------------------------------------------------------*/

size_t host_msg_room(size_t rules)
{
	/* begin and end; a table is made, deleted and made */
	return (2 + 3 * HOST_FAMILY_N + HOST_CHAINS + rules) * MSG_MAX;
}

static struct nlmsghdr *begin(const struct host_msg *m, uint16_t type,
			      enum host_family family, uint16_t flags)
{
	vw_assert(m->room - m->used >= MSG_MAX);
	return nftnl_nlmsg_build_hdr(m->buf + m->used, type, families[family],
				     flags, m->seq);
}

static void end(struct host_msg *m, const struct nlmsghdr *nlh)
{
	vw_assert(nlh->nlmsg_len <= MSG_MAX);
	m->used += NLMSG_ALIGN(nlh->nlmsg_len);
	m->seq++;
}

static void batch_begin(struct host_msg *m)
{
	vw_assert(m->room - m->used >= MSG_MAX);
	end(m, nftnl_batch_begin(m->buf + m->used, m->seq));
}

/* @last is the message before it, which the kernel is to answer. */
static void batch_end(struct host_msg *m, struct nlmsghdr *last)
{
	last->nlmsg_flags |= NLM_F_ACK;
	m->ack = last->nlmsg_seq;
	vw_assert(m->room - m->used >= MSG_MAX);
	end(m, nftnl_batch_end(m->buf + m->used, m->seq));
}

/* NULL: no memory. */
static struct nlmsghdr *add_table(struct host_msg *m, uint16_t type,
				  enum host_family family)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct nlmsghdr *nlh;
	int err;

	if (!t)
		return NULL;
	nftnl_table_set_u32(t, NFTNL_TABLE_FAMILY, families[family]);
	err = nftnl_table_set_str(t, NFTNL_TABLE_NAME, HOST_POLICY_TABLE);
	nlh = begin(m, type, family,
		    type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
	nftnl_table_nlmsg_build_payload(nlh, t);
	nftnl_table_free(t);
	end(m, nlh);
	return err ? NULL : nlh;
}

/* Whether it was there or not, it is gone then. */
static struct nlmsghdr *clear_table(struct host_msg *m, enum host_family family)
{
	if (!add_table(m, NFT_MSG_NEWTABLE, family))
		return NULL;
	return add_table(m, NFT_MSG_DELTABLE, family);
}

static struct nlmsghdr *add_chain(struct host_msg *m,
				  const struct host_chain *hc)
{
	const struct hook *hook = &hooks[hc->hook];
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct nlmsghdr *nlh;
	int err;

	if (!c)
		return NULL;
	nftnl_chain_set_u32(c, NFTNL_CHAIN_FAMILY, families[hc->family]);
	err = nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, HOST_POLICY_TABLE);
	if (!err)
		err = nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, hook->chain);
	if (!err)
		err = nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, CHAIN_TYPE);
	nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, hook->number[hc->family]);
	nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, CHAIN_PRIORITY);
	nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, verdict_of(hc->policy));
	nlh = begin(m, NFT_MSG_NEWCHAIN, (enum host_family)hc->family,
		    NLM_F_CREATE);
	nftnl_chain_nlmsg_build_payload(nlh, c);
	nftnl_chain_free(c);
	end(m, nlh);
	return err ? NULL : nlh;
}

/* meta iifname => reg; cmp reg == ifname; verdict */
static int add_expressions(struct nftnl_rule *rule, const struct host_rule *r)
{
	struct nftnl_expr *meta = nftnl_expr_alloc("meta");
	struct nftnl_expr *cmp = nftnl_expr_alloc("cmp");
	struct nftnl_expr *verdict = nftnl_expr_alloc("immediate");
	int err = 0;

	if (!meta || !cmp || !verdict) {
		if (meta)
			nftnl_expr_free(meta);
		if (cmp)
			nftnl_expr_free(cmp);
		if (verdict)
			nftnl_expr_free(verdict);
		return -ENOMEM;
	}
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key_of(r->hook));
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, NFT_REG_1);
	nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	if (nftnl_expr_set(cmp, NFTNL_EXPR_CMP_DATA, r->ifname,
			   sizeof(r->ifname)))
		err = -ENOMEM;
	nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_VERDICT,
			   verdict_of(r->verdict));
	nftnl_rule_add_expr(rule, meta);
	nftnl_rule_add_expr(rule, cmp);
	nftnl_rule_add_expr(rule, verdict);
	return err;
}

static struct nlmsghdr *add_rule(struct host_msg *m, const struct host_rule *r)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nlmsghdr *nlh;
	int err;

	if (!rule)
		return NULL;
	nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, families[r->family]);
	err = nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, HOST_POLICY_TABLE);
	if (!err)
		err = nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN,
					 hooks[r->hook].chain);
	if (!err)
		err = add_expressions(rule, r);
	nlh = begin(m, NFT_MSG_NEWRULE, (enum host_family)r->family,
		    NLM_F_CREATE | NLM_F_APPEND);
	nftnl_rule_nlmsg_build_payload(nlh, rule);
	nftnl_rule_free(rule);
	end(m, nlh);
	return err ? NULL : nlh;
}

int host_msg_put(struct host_msg *m, const struct host_rule *r, size_t n)
{
	struct nlmsghdr *nlh = NULL;

	batch_begin(m);
	for (int f = 0; f < HOST_FAMILY_N; f++) {
		enum host_family family = (enum host_family)f;

		if (!clear_table(m, family) ||
		    !add_table(m, NFT_MSG_NEWTABLE, family))
			return -ENOMEM;
	}
	for (size_t i = 0; i < HOST_CHAINS; i++) {
		nlh = add_chain(m, &host_chains[i]);
		if (!nlh)
			return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		nlh = add_rule(m, &r[i]);
		if (!nlh)
			return -ENOMEM;
	}
	batch_end(m, nlh);
	return 0;
}

int host_msg_remove(struct host_msg *m)
{
	struct nlmsghdr *nlh = NULL;

	batch_begin(m);
	for (int f = 0; f < HOST_FAMILY_N; f++) {
		nlh = clear_table(m, (enum host_family)f);
		if (!nlh)
			return -ENOMEM;
	}
	batch_end(m, nlh);
	return 0;
}

void host_msg_get(struct host_msg *m, enum host_get what,
		  enum host_family family)
{
	static const struct {
		uint16_t type, flags, table;
	} how[] = {
		/* all three number the table's name alike */
		[HOST_GET_TABLE] = { NFT_MSG_GETTABLE, NLM_F_ACK,
				     NFTA_TABLE_NAME },
		[HOST_GET_CHAINS] = { NFT_MSG_GETCHAIN, NLM_F_DUMP,
				      NFTA_CHAIN_TABLE },
		[HOST_GET_RULES] = { NFT_MSG_GETRULE, NLM_F_DUMP,
				     NFTA_RULE_TABLE },
	};
	struct nlmsghdr *nlh =
		begin(m, how[what].type, family, how[what].flags);

	mnl_attr_put_strz(nlh, how[what].table, HOST_POLICY_TABLE);
	end(m, nlh);
}

/* ---- reading --------------------------------------------------------------*/

static bool is_word(const char *got, const char *wanted)
{
	return got && !strcmp(got, wanted);
}

/* Which of ours it is; HOST_CHAINS: none, or it differs. */
static size_t which_chain(const struct nftnl_chain *c)
{
	uint32_t family = nftnl_chain_get_u32(c, NFTNL_CHAIN_FAMILY);
	const char *name = nftnl_chain_get_str(c, NFTNL_CHAIN_NAME);
	size_t i;

	if (!nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM) ||
	    !is_word(nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE), CHAIN_TYPE) ||
	    nftnl_chain_get_s32(c, NFTNL_CHAIN_PRIO) != CHAIN_PRIORITY)
		return HOST_CHAINS;
	for (i = 0; i < HOST_CHAINS; i++) {
		const struct host_chain *hc = &host_chains[i];

		if (families[hc->family] == family &&
		    is_word(name, hooks[hc->hook].chain) &&
		    nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM) ==
			    hooks[hc->hook].number[hc->family] &&
		    nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY) ==
			    verdict_of(hc->policy))
			break;
	}
	return i;
}

static int seen_chain(struct host_seen *s, const struct nlmsghdr *nlh)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	int err = 0;

	if (!c)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(nlh, c) < 0) {
		err = -EBADMSG;
	} else if (is_word(nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE),
			   HOST_POLICY_TABLE)) {
		size_t i = which_chain(c);

		if (i < HOST_CHAINS)
			s->chains |= 1u << i;
		else
			s->foreign = true;
	}
	nftnl_chain_free(c);
	return err;
}

/* The three that add_expressions() wrote, as @r; false: something else. */
static bool read_expressions(const struct nftnl_rule *rule, struct host_rule *r)
{
	static const char *const names[] = { "meta", "cmp", "immediate" };
	struct nftnl_expr_iter *it = nftnl_expr_iter_create(rule);
	struct nftnl_expr *e[3];
	const void *name;
	uint32_t len, verdict;
	bool ok = true;

	if (!it)
		return false;
	for (int i = 0; i < 3 && ok; i++) {
		e[i] = nftnl_expr_iter_next(it);
		ok = e[i] && is_word(nftnl_expr_get_str(e[i], NFTNL_EXPR_NAME),
				     names[i]);
	}
	ok = ok && !nftnl_expr_iter_next(it);
	nftnl_expr_iter_destroy(it);
	if (!ok || nftnl_expr_is_set(e[0], NFTNL_EXPR_META_SREG) ||
	    nftnl_expr_get_u32(e[0], NFTNL_EXPR_META_KEY) != key_of(r->hook) ||
	    nftnl_expr_get_u32(e[0], NFTNL_EXPR_META_DREG) !=
		    nftnl_expr_get_u32(e[1], NFTNL_EXPR_CMP_SREG) ||
	    nftnl_expr_get_u32(e[1], NFTNL_EXPR_CMP_OP) != NFT_CMP_EQ ||
	    nftnl_expr_get_u32(e[2], NFTNL_EXPR_IMM_DREG) != NFT_REG_VERDICT)
		return false;
	name = nftnl_expr_get(e[1], NFTNL_EXPR_CMP_DATA, &len);
	if (!name || len != sizeof(r->ifname))
		return false;
	memcpy(r->ifname, name, len);
	verdict = nftnl_expr_get_u32(e[2], NFTNL_EXPR_IMM_VERDICT);
	r->verdict = verdict == NF_ACCEPT ? HOST_ACCEPT : HOST_DROP;
	return verdict == NF_ACCEPT || verdict == NF_DROP;
}

static bool read_rule(const struct nftnl_rule *rule, struct host_rule *r)
{
	uint32_t family = nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY);
	const char *chain = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);

	for (size_t i = 0; i < HOST_CHAINS; i++) {
		const struct host_chain *hc = &host_chains[i];

		if (families[hc->family] != family ||
		    !is_word(chain, hooks[hc->hook].chain))
			continue;
		memset(r, 0, sizeof(*r));
		r->family = hc->family;
		r->hook = hc->hook;
		return read_expressions(rule, r);
	}
	return false;
}

static int seen_rule(struct host_seen *s, const struct nlmsghdr *nlh)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	int err = 0;

	if (!rule)
		return -ENOMEM;
	if (nftnl_rule_nlmsg_parse(nlh, rule) < 0)
		err = -EBADMSG;
	else if (!is_word(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE),
			  HOST_POLICY_TABLE))
		err = 0; /* an old kernel's dump is of all tables */
	else if (s->n < s->max && read_rule(rule, &s->rule[s->n]))
		s->n++;
	else
		s->foreign = true;
	nftnl_rule_free(rule);
	return err;
}

static int seen_table(struct host_seen *s, const struct nlmsghdr *nlh)
{
	struct nftnl_table *t = nftnl_table_alloc();
	int err = 0;

	if (!t)
		return -ENOMEM;
	if (nftnl_table_nlmsg_parse(nlh, t) < 0)
		err = -EBADMSG;
	else if (nftnl_table_get_u32(t, NFTNL_TABLE_FLAGS))
		s->foreign = true; /* dormant, or somebody's own */
	nftnl_table_free(t);
	return err;
}

int host_msg_seen(struct host_seen *s, const struct nlmsghdr *nlh)
{
	if (NFNL_SUBSYS_ID(nlh->nlmsg_type) != NFNL_SUBSYS_NFTABLES)
		return -EBADMSG;
	switch (NFNL_MSG_TYPE(nlh->nlmsg_type)) {
	case NFT_MSG_NEWTABLE:
		return seen_table(s, nlh);
	case NFT_MSG_NEWCHAIN:
		return seen_chain(s, nlh);
	case NFT_MSG_NEWRULE:
		return seen_rule(s, nlh);
	default:
		return -EBADMSG;
	}
}

/* The next rule of that chain from @i on; @n: there is none. */
static size_t next_of(const struct host_chain *c, const struct host_rule *r,
		      size_t i, size_t n)
{
	while (i < n && (r[i].family != c->family || r[i].hook != c->hook))
		i++;
	return i;
}

static bool same_chain(const struct host_chain *c, const struct host_seen *s,
		       const struct host_rule *r, size_t n)
{
	size_t i = next_of(c, s->rule, 0, s->n), k = next_of(c, r, 0, n);

	while (i < s->n && k < n && !memcmp(&s->rule[i], &r[k], sizeof(r[k]))) {
		i = next_of(c, s->rule, i + 1, s->n);
		k = next_of(c, r, k + 1, n);
	}
	return i >= s->n && k >= n;
}

bool host_seen_same(const struct host_seen *s, const struct host_rule *r,
		    size_t n)
{
	bool same = !s->foreign && s->chains == (1u << HOST_CHAINS) - 1;

	for (size_t i = 0; i < HOST_CHAINS && same; i++)
		same = same_chain(&host_chains[i], s, r, n);
	return same;
}
