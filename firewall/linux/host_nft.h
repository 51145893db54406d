/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_HOST_NFT_H
#define VIFWALL_FIREWALL_LINUX_HOST_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firewall/linux/link.h"
#include "packet/pkt_assert.h"
#include "rules/host_policy.h"

/*
 * The packet filter of this machine's kernel, told what rules/host_policy.h
 * says: tables `inet vifwall` and `arp vifwall`, and no other is looked at or
 * touched.
 *
 * Every change is one transaction: packets meet all of the old rules or all of
 * the new ones.  What was put is read back and compared.  Our tables are
 * nobody's property in the kernel's sense: that kind goes when its process
 * does, and these must outlive a crash.  So another program can take them away
 * (nft flush ruleset); host_nft_news() tells of every change by others, and
 * whoever runs this looks, and puts them back.
 *
 * Needs CAP_NET_ADMIN, after host_nft_open() for as long as it is used.
 */
#define HOST_NFT_IFS 320u

struct mnl_socket;

struct host_nft {
	struct mnl_socket *talk; /* requests */
	struct mnl_socket *news; /* what others change */
	uint32_t seq;
	int n; /* rules wanted */
	struct host_rule rule[2 + 4 * HOST_NFT_IFS];
	struct host_rule seen[2 + 4 * HOST_NFT_IFS];
};

/*
 * 0, -EPROTONOSUPPORT when the kernel has no netfilter, -EPERM, or -errno; then
 * nothing is open.
 */
int VW_MUST_USE host_nft_open(struct host_nft *h);
void host_nft_close(struct host_nft *h);
/* Readable when there may be news. */
int host_nft_fd(const struct host_nft *h);

/*
 * The interfaces that rules are for from now on; nothing changes in the kernel
 * yet.  0, -EINVAL for a name that is none, -ENOSPC.
 */
int VW_MUST_USE host_nft_want(struct host_nft *h, const char *const *ifname,
			      size_t n);

/* What is in the kernel. */
enum host_nft_state {
	HOST_NFT_SAME,	/* what is wanted */
	HOST_NFT_NONE,	/* no such table */
	HOST_NFT_OTHER, /* something else of that name */
};

/* An enum host_nft_state, or -errno; it takes a few requests. */
int VW_MUST_USE host_nft_look(struct host_nft *h);

/*
 * Puts what is wanted into the kernel and reads it back.  0; -EPERM without the
 * right; -EOPNOTSUPP when the kernel has no nf_tables for one of the families;
 * -EBADMSG when it does not read back as it was put; -errno.
 */
int VW_MUST_USE host_nft_put(struct host_nft *h);
/* Removes both tables, if they are there.  0 or -errno. */
int VW_MUST_USE host_nft_remove(struct host_nft *h);

/*
 * Takes all news.  Whether somebody else changed any rules, ours or not; the
 * last one's name is in @who, which may be foreign bytes ("": unknown).
 */
#define HOST_WHO_MAX 17u
bool host_nft_news(struct host_nft *h, char who[HOST_WHO_MAX]);

#endif
