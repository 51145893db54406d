/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_SHARE_FW_TYPES_H
#define VIFWALL_FIREWALL_SHARE_FW_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "firewall/share/view.h"
#include "nat/nat.h"
#include "packet/pkt_addr.h"

/*
 * What the control side tells the forwarding path: plain data, sent as it is in
 * messages (share/msg.h) and obeyed in path/fw.h.
 */
#define FW_CLIENT_ADDRS 8u
#define FW_NAME_MAX VIEW_NAME_MAX

enum fw_client_kind {
	FW_QUBE,    /* point to point: its addresses, its MAC */
	FW_NETWORK, /* a prefix with many hosts, neighbours resolved */
};

struct fw_client {
	char name[FW_NAME_MAX];
	uint8_t kind;	    /* enum fw_client_kind */
	uint16_t port;	    /* id; UINT16_MAX: not connected yet */
	struct pkt_mac mac; /* FW_QUBE: the one it must use */
	struct pkt_addr addr[FW_CLIENT_ADDRS]; /* FW_QUBE, both families */
	uint8_t addr_n;
	struct pkt_prefix net[FW_CLIENT_ADDRS]; /* FW_NETWORK */
	uint8_t net_n;
	struct pkt_addr gateway4,
		gateway6;	/* our address on its link, or zero */
	struct nat_quota quota; /* all zero: the default */
	bool proxy_arp; /* answer for any address but its own (Qubes: yes) */
};

struct fw_uplink {
	uint16_t port;		      /* id; UINT16_MAX: down */
	struct pkt_addr addr4, addr6; /* ours there, or zero: family off */
	struct pkt_addr gateway4, gateway6; /* next hop for all else */
	struct pkt_prefix net4, net6; /* on link; len 128: point to point */
	struct pkt_mac gateway_mac;   /* zero: ask by ARP and ND */
	bool up;
};

/* Clients of @from may open flows to clients of @to. */
struct fw_pair {
	uint16_t from, to;
};

#endif
