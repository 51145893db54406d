/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_DNS_H
#define VIFWALL_PACKET_PKT_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_addr.h"

/*
 * Reads as much of DNS messages (RFC 1035) as it takes to know which addresses
 * a name was said to have.  The bytes are anybody's: every step is checked, and
 * the work is bounded by PKT_DNS_RECORDS and PKT_DNS_CHAIN whatever they say.
 *
 * Names come as rules have them: lower case, dots between labels, none at the
 * end.  A byte that no rule's name can have becomes '?'.
 */
#define PKT_DNS_PORT 53u
#define PKT_DNS_NAME 256u    /* text of the longest name, with its NUL */
#define PKT_DNS_CHAIN 10u    /* CNAMEs that are followed */
#define PKT_DNS_RECORDS 256u /* of the answer section that are looked at */

#define PKT_DNS_A 1u
#define PKT_DNS_CNAME 5u
#define PKT_DNS_AAAA 28u

#define PKT_DNS_NOERROR 0u
#define PKT_DNS_NXDOMAIN 3u

struct pkt_dns {
	uint16_t id;
	bool answer;	/* not a query */
	bool truncated; /* there is more, by TCP */
	uint8_t rcode;
	uint16_t type; /* of the question: PKT_DNS_A, ... or any other */
	uint16_t records;
	uint16_t end; /* bytes of the header and the question */
	char name[PKT_DNS_NAME];
};

/*
 * The header and the question.  0, or -EBADMSG: it is no standard query or
 * answer about one name of the Internet class.
 */
int VW_MUST_USE pkt_dns_parse(struct pkt_dns *out, const void *msg, size_t len);

struct pkt_dns_addr {
	struct pkt_addr addr;
	uint32_t ttl; /* seconds: the least on the way to it */
};

/*
 * The addresses that the answer in the same bytes gives to the question @d, at
 * most @max of them; those that no host can have are passed over.  How many
 * there are, or -EBADMSG.  0 for a question of another type.
 */
int VW_MUST_USE pkt_dns_addrs(const struct pkt_dns *d, const void *msg,
			      size_t len, struct pkt_dns_addr *out,
			      uint16_t max);

#endif
