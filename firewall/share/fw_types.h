/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_SHARE_FW_TYPES_H
#define VIFWALL_FIREWALL_SHARE_FW_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "firewall/share/view.h"
#include "nat/nat.h"
#include "packet/pkt_addr.h"
#include "rules/profile.h"

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
		gateway6; /* our address on its link, or zero */
	/*
	 * What it takes .addr[0] and gateway4 for, or both zero.  Only FW_QUBE
	 * with an IPv4 address and no other one.
	 */
	struct pkt_addr seen4, seen_gateway4;
	struct nat_quota quota; /* all zero: the default */
	bool proxy_arp; /* answer for any address but its own (Qubes: yes) */
	/*
	 * Asked before its rules; empty: none.  While there is none of that
	 * name the client is closed.
	 */
	char profile[PROFILE_NAME_MAX];
};

/* A client's profile: the number of one of all profiles, or */
#define FW_PROFILE_NONE 0xffu	/* it needs none */
#define FW_PROFILE_CLOSED 0xfeu /* the one that it needs is not there */

struct fw_uplink {
	uint16_t port;		      /* id; UINT16_MAX: down */
	struct pkt_addr addr4, addr6; /* ours there, or zero: family off */
	struct pkt_addr gateway4, gateway6; /* next hop for all else */
	struct pkt_prefix net4, net6; /* on link; len 128: point to point */
	struct pkt_mac gateway_mac;   /* zero: ask by ARP and ND */
	bool up;
};

/*
 * Name servers.  What clients send to port 53 of .virt goes to .server, the
 * first to the first of its family and so on, around when there are fewer.
 * Where there is none it is refused.
 */
#define FW_DNS_MAX 4u
#define FW_DNS_CLIENTS 1024u

struct fw_dns {
	struct pkt_addr virt[FW_DNS_MAX], server[FW_DNS_MAX];
	uint8_t virt_n, server_n;
	/* bit n: answers that client n is given are taken note of */
	uint8_t watch[FW_DNS_CLIENTS / 8];
};

/*
 * A DNS message.  To the path: a question of ours for .server.  From it: the
 * answer, with the same .ask, or (.client not 0) one that one of struct fw_dns'
 * servers has for a question of this client's; the client is given it after
 * fw_dns_pass() with its .ask, or a little later without.
 */
#define FW_DNS_MSG_MAX 1232u /* as much as we say that we take */

struct fw_dns_msg {
	uint32_t ask; /* whoever asks knows what it means */
	uint16_t client;
	uint16_t len;
	struct pkt_addr server;
	uint8_t msg[FW_DNS_MSG_MAX];
};

/* Clients of @from may open flows to clients of @to. */
struct fw_pair {
	uint16_t from, to;
};

#endif
