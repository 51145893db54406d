/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "firewall/control/apply/same.h"
#include "tests/unit/unit.h"

/* Two that agree but for one member, which @change sets. */
#define DIFFER(type, same, base, change)                             \
	do {                                                         \
		type a = base, b = base;                             \
                                                                     \
		CU_ASSERT_TRUE(same(&a, &b));                        \
		b.change;                                            \
		if (same(&a, &b))                                    \
			CU_FAIL("not seen: " #change);               \
		if (same(&b, &a))                                    \
			CU_FAIL("not seen, turned round: " #change); \
	} while (0)

static void every_number_of_a_quota_counts(void)
{
	const struct nat_quota q = { 1, 2, 3, 4, 5, 6, 7 };

#define QUOTA(change) DIFFER(struct nat_quota, same_quota, q, change)
	QUOTA(flows = 0);
	QUOTA(half_open = 0);
	QUOTA(udp_oneway = 0);
	QUOTA(icmp = 0);
	QUOTA(new_per_s = 0);
	QUOTA(new_burst = 0);
	QUOTA(ports = 0);
}

static void every_member_of_a_client_counts(void)
{
	struct fw_client c = { .name = "work", .addr_n = 2, .net_n = 2 };

#define CLIENT(change) DIFFER(struct fw_client, same_client, c, change)
	CLIENT(name[3] = 'd');
	CLIENT(name[4] = 's');
	CLIENT(kind = 1);
	CLIENT(port = 1);
	CLIENT(mac.b[5] = 1);
	CLIENT(addr[0].b[0] = 1);
	CLIENT(addr[1].b[15] = 1);
	CLIENT(addr_n = 1);
	CLIENT(net[0].addr.b[0] = 1);
	CLIENT(net[1].len = 1);
	CLIENT(net_n = 1);
	CLIENT(gateway4.b[15] = 1);
	CLIENT(gateway6.b[0] = 1);
	CLIENT(seen4.b[15] = 1);
	CLIENT(seen_gateway4.b[15] = 1);
	CLIENT(quota.ports = 1);
	CLIENT(proxy_arp = true);
	CLIENT(profile[0] = 'p');
}

static void every_member_of_the_uplink_counts(void)
{
	struct fw_uplink u = { .port = 3, .up = true };

#define UPLINK(change) DIFFER(struct fw_uplink, same_uplink, u, change)
	UPLINK(port = 0);
	UPLINK(addr4.b[12] = 1);
	UPLINK(addr6.b[0] = 1);
	UPLINK(gateway4.b[15] = 1);
	UPLINK(gateway6.b[15] = 1);
	UPLINK(net4.addr.b[12] = 1);
	UPLINK(net4.len = 1);
	UPLINK(net6.addr.b[0] = 1);
	UPLINK(net6.len = 1);
	UPLINK(gateway_mac.b[0] = 1);
	UPLINK(up = false);
}

static void what_stands_in_padding_or_beyond_the_counts_does_not_count(void)
{
	struct fw_client a, b;

	memset(&a, 0, sizeof(a));
	memset(&b, 0xff, sizeof(b));
	b.name[0] = '\0';
	b.kind = 0;
	b.port = 0;
	memset(&b.mac, 0, sizeof(b.mac));
	b.addr_n = b.net_n = 0;
	memset(&b.gateway4, 0, sizeof(b.gateway4));
	memset(&b.gateway6, 0, sizeof(b.gateway6));
	memset(&b.seen4, 0, sizeof(b.seen4));
	memset(&b.seen_gateway4, 0, sizeof(b.seen_gateway4));
	b.quota.flows = b.quota.half_open = b.quota.udp_oneway = 0;
	b.quota.icmp = b.quota.new_per_s = b.quota.new_burst = 0;
	b.quota.ports = 0;
	b.proxy_arp = false;
	b.profile[0] = '\0';
	CU_ASSERT_TRUE(same_client(&a, &b));
}

UNIT_SUITE(same, UNIT(every_number_of_a_quota_counts),
	   UNIT(every_member_of_a_client_counts),
	   UNIT(every_member_of_the_uplink_counts),
	   UNIT(what_stands_in_padding_or_beyond_the_counts_does_not_count))
