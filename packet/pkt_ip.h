/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_IP_H
#define VIFWALL_PACKET_PKT_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_buf.h"

/*
 * Numbers of the protocols, as IANA assigned them, and the header lengths
 * without options.
 */
enum {
	ETH_TYPE_IP4 = 0x0800,
	ETH_TYPE_ARP = 0x0806,
	ETH_TYPE_VLAN = 0x8100,
	ETH_TYPE_IP6 = 0x86dd,
	ETH_TYPE_QINQ = 0x88a8, /* 802.1ad */
	ETH_TYPE_QINQ_OLD = 0x9100,
	ETH_TYPE_MIN = 0x0600, /* below: an 802.3 length */
};

enum {
	IP_HOPOPT = 0,
	IP_ICMP = 1,
	IP_TCP = 6,
	IP_UDP = 17,
	IP_ROUTING = 43,
	IP_FRAGMENT = 44,
	IP_ESP = 50,
	IP_AH = 51,
	IP_ICMP6 = 58,
	IP_NO_NEXT = 59,
	IP_DSTOPTS = 60,
	IP_MOBILITY = 135,
	IP_HIP = 139,
	IP_SHIM6 = 140,
	IP_EXPERIMENT1 = 253,
	IP_EXPERIMENT2 = 254,
};

enum {
	IP4_HLEN = 20,
	IP6_HLEN = 40,
	IP6_FRAG_HLEN = 8,
	TCP_HLEN = 20,
	UDP_HLEN = 8,
	ICMP_HLEN = 8,
};

/* The 16 bits of flags and fragment offset of IPv4. */
enum { IP4_DF = 0x4000, IP4_MF = 0x2000, IP4_OFF_MASK = 0x1fff };

enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

enum {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACH = 3,
	ICMP_QUENCH = 4,
	ICMP_REDIRECT = 5,
	ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAM = 12,
	ICMP_TIMESTAMP = 13,
	ICMP_TIMESTAMP_REPLY = 14,
	ICMP_INFO = 15,
	ICMP_INFO_REPLY = 16,
	ICMP_MASK = 17,
	ICMP_MASK_REPLY = 18,
};

enum {
	ICMP6_UNREACH = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAM = 4,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_ROUTER_SOLICIT = 133,
	ICMP6_ROUTER_ADVERT = 134,
	ICMP6_NEIGH_SOLICIT = 135,
	ICMP6_NEIGH_ADVERT = 136,
	ICMP6_REDIRECT = 137,
};

/* ICMP of the family that carries it. */
static inline bool pkt_is_icmp(const struct pkt *p)
{
	return p->l3 == PKT_L3_IP4
		       ? p->proto == IP_ICMP
		       : p->l3 == PKT_L3_IP6 && p->proto == IP_ICMP6;
}

#endif
