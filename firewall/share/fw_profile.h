/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_SHARE_FW_PROFILE_H
#define VIFWALL_FIREWALL_SHARE_FW_PROFILE_H

#include "firewall/share/fw_types.h"
#include "packet/pkt_ip.h"

/*
 * What a profile is asked: the same in the process that judges packets and in
 * the one that explains what it would do.
 */
static inline bool fw_asks_dns(const struct fw_dns *d,
			       const struct nat_tuple *t)
{
	if ((t->proto != IP_TCP && t->proto != IP_UDP) || t->dport != 53)
		return false;
	for (uint8_t i = 0; i < d->virt_n; i++)
		if (pkt_addr_eq(&d->virt[i], &t->dst))
			return true;
	for (uint8_t i = 0; i < d->server_n; i++)
		if (pkt_addr_eq(&d->server[i], &t->dst))
			return true;
	return false;
}

static inline struct profile_query fw_profile_query(const struct fw_dns *d,
						    const struct nat_tuple *t)
{
	return (struct profile_query){
		.q = { .dst = t->dst,
		       .dport = t->dport,
		       .proto = t->proto,
		       .icmp_type = t->icmp_type },
		.dns = fw_asks_dns(d, t),
	};
}

#endif
