/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/host_policy.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

const struct host_chain host_chains[HOST_CHAINS] = {
	{ HOST_INET, HOST_INPUT, HOST_ACCEPT },
	{ HOST_INET, HOST_FORWARD, HOST_DROP },
	{ HOST_INET, HOST_OUTPUT, HOST_ACCEPT },
	{ HOST_ARP, HOST_INPUT, HOST_ACCEPT },
	{ HOST_ARP, HOST_OUTPUT, HOST_ACCEPT },
};

static const char loopback[] = "lo";

bool host_ifname_ok(const char *name)
{
	size_t len = strnlen(name, HOST_IFNAME_MAX);

	if (!len || len == HOST_IFNAME_MAX || !strcmp(name, ".") ||
	    !strcmp(name, "..") || !strcmp(name, loopback))
		return false;
	/* Neither what the kernel refuses nor what nf_tables takes for more
	 * than one name. */
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || strchr("/:*", name[i]))
			return false;
	return true;
}

static void add(struct host_rule *r, const struct host_chain *c,
		enum host_verdict verdict, const char *ifname)
{
	*r = (struct host_rule){ .family = c->family,
				 .hook = c->hook,
				 .verdict = (uint8_t)verdict };
	memcpy(r->ifname, ifname, strlen(ifname));
}

int host_policy_build(struct host_rule *out, size_t max,
		      const char *const *ifname, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		if (!host_ifname_ok(ifname[i]))
			return -EINVAL;
	if (n > INT_MAX / 8 || host_policy_rules(n) > max)
		return -ENOSPC;
	for (size_t k = 0; k < HOST_CHAINS; k++) {
		const struct host_chain *c = &host_chains[k];

		if (c->hook == HOST_FORWARD)
			continue; /* its policy says all */
		if (c->family == HOST_INET)
			add(&out[used++], c, HOST_ACCEPT, loopback);
		for (size_t i = 0; i < n; i++)
			add(&out[used++], c, HOST_DROP, ifname[i]);
	}
	return (int)used;
}
