/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_VERDICT_H
#define VIFWALL_PACKET_PKT_VERDICT_H

#include <stdint.h>

/*
 * What becomes of a packet, and why.
 *
 * Every drop sets exactly one reason; every reason has a counter per client
 * (firewall/share/view.h) and at least one test that produces it
 * (tests/unit/test_reasons.c loops over this list).
 *
 * X(constant, name shown to users, sentence for people)
 * The order may change between releases: nothing outside one running daemon
 * and its own vifwallctl may store the numbers.  Names are stable.
 */
#define PKT_REASONS(X)                                                         \
	X(NONE, "none", "not dropped")                                         \
	/* the frame: R15, R17, R18, R84 */                                    \
	X(LINK_BAD, "link-bad", "the link gave no whole frame")                \
	X(RUNT, "runt", "frame shorter than its Ethernet header")              \
	X(ETH_VLAN, "eth-vlan", "frame carries a VLAN tag")                    \
	X(ETH_LLC, "eth-llc", "802.3 length instead of an ethertype")          \
	X(ETH_TYPE, "eth-type", "ethertype is not ARP, IPv4 or IPv6")          \
	X(ETH_SRC, "eth-src", "source MAC is not the one assigned")            \
	X(ETH_DST, "eth-dst", "frame is not addressed to us")                  \
	X(ETH_MCAST, "eth-mcast",                                              \
	  "unicast packet in a broadcast or multicast frame")                  \
	/* the IP header: R1, R2, R12, R13 */                                  \
	X(IP_SHORT, "ip-short", "IP header cut short")                         \
	X(IP_VERSION, "ip-version", "IP version does not match the ethertype") \
	X(IP_HLEN, "ip-hlen", "IP header length impossible")                   \
	X(IP_LEN, "ip-len", "IP total length impossible")                      \
	X(IP_CSUM, "ip-csum", "IP header checksum wrong")                      \
	X(IP_OPTION, "ip-option",                                              \
	  "IP option other than padding, or malformed")                        \
	X(IP6_EXT, "ip6-ext",                                                  \
	  "IPv6 extension headers malformed, not passed or too many")          \
	X(IP6_ROUTING, "ip6-routing", "IPv6 routing header")                   \
	X(IP6_OFF, "ip6-off", "IPv6 is not configured here")                   \
	/* addresses: R14, R16, R90 to R93, R100 */                            \
	X(MARTIAN_SRC, "martian-src", "source address can never be a host")    \
	X(MARTIAN_DST, "martian-dst",                                          \
	  "destination address is never forwarded")                            \
	X(LAND, "land", "source and destination address are the same")         \
	X(MULTICAST, "multicast", "multicast or broadcast is never forwarded") \
	X(SPOOF_CLIENT, "spoof-client",                                        \
	  "source address not assigned to this client")                        \
	X(SPOOF_UPLINK, "spoof-uplink",                                        \
	  "client or own address as source from the uplink")                   \
	X(DST_INSIDE, "dst-inside",                                            \
	  "inside address as destination from the uplink")                     \
	/* the transport header: R47, R51, R69, R110 */                        \
	X(L4_SHORT, "l4-short", "transport header cut short")                  \
	X(UDP_LEN, "udp-len", "UDP length impossible")                         \
	X(UDP_CSUM0, "udp-csum0", "UDP over IPv6 without a checksum")          \
	X(TCP_HLEN, "tcp-hlen", "TCP header length impossible")                \
	X(TCP_FLAGS, "tcp-flags", "TCP flags that no host sends")              \
	X(ICMP_CSUM, "icmp-csum", "ICMP checksum wrong")                       \
	X(ICMP_TYPE, "icmp-type", "ICMP type not passed")                      \
	X(PORT_ZERO, "port-zero", "port 0")                                    \
	X(PROTO, "proto", "protocol not supported")                            \
	X(GSO_BAD, "gso-bad", "offload description does not fit the packet")   \
	/* fragments: R71 to R79 */                                            \
	X(FRAG_BAD, "frag-bad", "fragment malformed")                          \
	X(FRAG_TINY, "frag-tiny",                                              \
	  "first fragment without the whole transport header")                 \
	X(FRAG_OVERLAP, "frag-overlap",                                        \
	  "fragments overlap, or belong to a datagram whose did")              \
	X(FRAG_LIMIT, "frag-limit", "too many fragments held")                 \
	X(FRAG_TIMEOUT, "frag-timeout", "datagram not complete in time")       \
	/* what we answer with an ICMP error: R6, R8 */                        \
	X(TTL, "ttl", "TTL or hop limit used up")                              \
	X(MTU, "mtu", "too big for the next link")                             \
	/* ARP and neighbour discovery: R80 to R86, R102, R103 */              \
	X(ARP_BAD, "arp-bad", "ARP packet malformed or not from its sender")   \
	X(ARP_IGNORED, "arp-ignored", "ARP packet that needs no answer")       \
	X(ND_BAD, "nd-bad", "neighbour discovery packet malformed")            \
	X(ND_IGNORED, "nd-ignored",                                            \
	  "neighbour discovery packet that needs no answer")                   \
	/* policy: R27, R93, R97, R98 */                                       \
	X(CLOSED, "closed", "client has no addresses or no rules yet")         \
	X(RULE, "rule", "refused by a rule")                                   \
	X(POLICY, "policy", "no rule matched and the policy refuses")          \
	X(PROFILE, "profile", "refused by the client's profile")               \
	X(RULES_BAD, "rules-bad",                                              \
	  "the client's rules could not be read, so all is refused")           \
	X(CLIENT_TO_CLIENT, "client-to-client",                                \
	  "traffic between clients is not allowed")                            \
	X(HAIRPIN, "hairpin", "client addressed the outside of this firewall") \
	X(TO_SELF, "to-self", "no such service on the firewall itself")        \
	/* translation: R30 to R70, R130 to R132 */                            \
	X(NO_FLOW, "no-flow", "belongs to no flow")                            \
	X(NOT_SYN, "not-syn", "TCP without a flow must start with a SYN")      \
	X(OVERLAP, "overlap", "the outside address and port are in use")       \
	X(CANNOT_NAT, "cannot-nat", "this kind of packet can't be translated") \
	X(NAT_FULL, "nat-full", "flow table full")                             \
	X(NAT_QUOTA, "nat-quota", "client holds as many flows as it may")      \
	X(NAT_PORTS, "nat-ports", "no outside port left for this client")      \
	X(NAT_RATE, "nat-rate", "client opens flows too fast")                 \
	X(TCP_WINDOW, "tcp-window", "TCP segment outside the window")          \
	X(TCP_STATE, "tcp-state",                                              \
	  "TCP segment does not fit the connection's state")                   \
	X(ICMP_QUOTE, "icmp-quote",                                            \
	  "ICMP error quotes no packet of this flow")                          \
	/* ways in and out */                                                  \
	X(IN_QUEUE, "in-queue", "input queue full")                            \
	X(NO_UPLINK, "no-uplink", "uplink is down or not configured")          \
	X(NO_RESOLVER, "no-resolver", "no name server is known to ask")        \
	X(NO_NEIGH, "no-neigh", "next hop did not answer ARP or ND")           \
	X(POOL_EMPTY, "pool-empty", "no packet buffer left")                   \
	X(OUT_QUEUE, "out-queue", "output queue full")                         \
	X(SEND_FAILED, "send-failed", "the port refused the frame")            \
	X(PORT_DOWN, "port-down", "output port is gone")

enum pkt_reason {
#define PKT_REASON_ENUM(id, name, text) PKT_REASON_##id,
	PKT_REASONS(PKT_REASON_ENUM)
#undef PKT_REASON_ENUM
		PKT_REASON_N
};

/*
 * FORWARD: go on to the next hop.  DROP: the caller still owns the packet,
 * p->reason is set, and the caller frees it.  TAKEN: the callee owns the packet
 * now (held, answered in place, or handed on).
 */
enum pkt_verdict { PKT_FORWARD, PKT_DROP, PKT_TAKEN };

/* Name and sentence of @reason; never NULL, "?" for a number out of range. */
const char *pkt_reason_name(enum pkt_reason reason);
const char *pkt_reason_text(enum pkt_reason reason);

#endif
