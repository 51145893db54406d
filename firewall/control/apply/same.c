/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "firewall/control/apply/same.h"

bool same_mac(const struct pkt_mac *a, const struct pkt_mac *b)
{
	return !memcmp(a->b, b->b, sizeof(a->b));
}

static bool same_prefix(const struct pkt_prefix *a, const struct pkt_prefix *b)
{
	return a->len == b->len && pkt_addr_eq(&a->addr, &b->addr);
}

bool same_quota(const struct nat_quota *a, const struct nat_quota *b)
{
	return a->flows == b->flows && a->half_open == b->half_open &&
	       a->udp_oneway == b->udp_oneway && a->icmp == b->icmp &&
	       a->new_per_s == b->new_per_s && a->new_burst == b->new_burst &&
	       a->ports == b->ports;
}

static bool same_addrs(const struct fw_client *a, const struct fw_client *b)
{
	if (a->addr_n != b->addr_n || a->net_n != b->net_n)
		return false;
	for (uint8_t i = 0; i < a->addr_n; i++)
		if (!pkt_addr_eq(&a->addr[i], &b->addr[i]))
			return false;
	for (uint8_t i = 0; i < a->net_n; i++)
		if (!same_prefix(&a->net[i], &b->net[i]))
			return false;
	return pkt_addr_eq(&a->gateway4, &b->gateway4) &&
	       pkt_addr_eq(&a->gateway6, &b->gateway6) &&
	       pkt_addr_eq(&a->seen4, &b->seen4) &&
	       pkt_addr_eq(&a->seen_gateway4, &b->seen_gateway4);
}

bool same_client(const struct fw_client *a, const struct fw_client *b)
{
	return !strcmp(a->name, b->name) && a->kind == b->kind &&
	       a->port == b->port && same_mac(&a->mac, &b->mac) &&
	       same_addrs(a, b) && same_quota(&a->quota, &b->quota) &&
	       a->proxy_arp == b->proxy_arp && !strcmp(a->profile, b->profile);
}

bool same_uplink(const struct fw_uplink *a, const struct fw_uplink *b)
{
	return a->port == b->port && pkt_addr_eq(&a->addr4, &b->addr4) &&
	       pkt_addr_eq(&a->addr6, &b->addr6) &&
	       pkt_addr_eq(&a->gateway4, &b->gateway4) &&
	       pkt_addr_eq(&a->gateway6, &b->gateway6) &&
	       same_prefix(&a->net4, &b->net4) &&
	       same_prefix(&a->net6, &b->net6) &&
	       same_mac(&a->gateway_mac, &b->gateway_mac) && a->up == b->up;
}

bool same_forward(const struct fw_forward *a, const struct fw_forward *b)
{
	return a->kind == b->kind && a->proto == b->proto &&
	       a->clients == b->clients && a->lo == b->lo && a->hi == b->hi &&
	       a->to_port == b->to_port && same_prefix(&a->src, &b->src) &&
	       pkt_addr_eq(&a->to, &b->to);
}
