/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_RULES_HOST_POLICY_H
#define VIFWALL_RULES_HOST_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_assert.h"

/*
 * What the packet filter of the VM's own kernel must say while the daemon works
 * beside it, as data: the kernel sees every frame that a packet socket gets and
 * could forward it, answer it, or speak on the daemon's links by itself.
 *
 * One table for IP and one for ARP; in each chain the first rule that matches
 * decides, then the chain's policy.  The kernel forwards nothing at all; on the
 * daemon's interfaces it neither receives nor sends; what else the VM does
 * (loopback, other links) is left alone.  It is set before the daemon opens
 * its first link, goes when the daemon was told to stop, and stays when the
 * daemon broke (D12); firewall/linux/host_nft.h puts it into the kernel.
 */
#define HOST_POLICY_TABLE "vifwall"
#define HOST_IFNAME_MAX 16u /* with its NUL (IFNAMSIZ) */

enum host_family { HOST_INET, HOST_ARP, HOST_FAMILY_N };
enum host_hook { HOST_INPUT, HOST_FORWARD, HOST_OUTPUT, HOST_HOOK_N };
enum host_verdict { HOST_ACCEPT, HOST_DROP };

struct host_chain {
	uint8_t family; /* enum host_family */
	uint8_t hook;	/* enum host_hook; also names the chain */
	uint8_t policy; /* enum host_verdict */
};

/* The base chains, at the priority of filters (0); ARP has no forward hook. */
#define HOST_CHAINS 5u
extern const struct host_chain host_chains[HOST_CHAINS];

/* Matches by the interface a frame came in by, or (HOST_OUTPUT) leaves by. */
struct host_rule {
	uint8_t family;
	uint8_t hook;
	uint8_t verdict;
	char ifname[HOST_IFNAME_MAX]; /* filled up with NULs, as nf_tables
					 compares it */
};

/* Whether the kernel could have an interface of that name, and not loopback. */
bool host_ifname_ok(const char *name);

static inline size_t host_policy_rules(size_t interfaces)
{
	return 2 + 4 * interfaces;
}

/*
 * The rules for the daemon's interfaces, chain by chain in their order.  How
 * many, or -EINVAL for a name that is not ok, -ENOSPC.
 */
int VW_MUST_USE host_policy_build(struct host_rule *out, size_t max,
				  const char *const *ifname, size_t n);

#endif
