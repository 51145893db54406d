/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_ADDR_H
#define VIFWALL_PACKET_PKT_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "packet/pkt_assert.h"

/*
 * One address type for both families: 16 bytes in network order, IPv4 as
 * ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that tables and rules need no second
 * copy of their code.  A real IPv6 packet that carries such a mapped address is
 * refused by the parser, so the two never meet.
 */
struct pkt_addr {
	uint8_t b[16];
};

/* A MAC address. */
struct pkt_mac {
	uint8_t b[6];
};

struct pkt_prefix {
	struct pkt_addr addr;
	uint8_t len; /* 0..128; an IPv4 /n is 96 + n */
};

#define PKT_ADDR_TEXT 46 /* longest text with its NUL (INET6_ADDRSTRLEN) */

static inline bool pkt_addr_eq(const struct pkt_addr *a,
			       const struct pkt_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* From the 4 (or 16) bytes as they stand in a packet. */
static inline struct pkt_addr pkt_addr_v4(const uint8_t *four)
{
	struct pkt_addr a = { .b = { [10] = 0xff, [11] = 0xff } };

	memcpy(a.b + 12, four, 4);
	return a;
}

static inline struct pkt_addr pkt_addr_v6(const uint8_t *sixteen)
{
	struct pkt_addr a;

	memcpy(a.b, sixteen, 16);
	return a;
}

static inline bool pkt_addr_is_v4(const struct pkt_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

/*
 * An IPv4 host's, as it stands in a packet: not 0/8, 127/8, 169.254/16, 224/4
 * nor 240/4 with the broadcast address.  The same on either side.
 */
static inline bool pkt_addr_is_host4(const uint8_t *four)
{
	return four[0] != 0 && four[0] < 224 && four[0] != 127 &&
	       !(four[0] == 169 && four[1] == 254);
}

bool pkt_addr_is_zero(const struct pkt_addr *a);      /* 0.0.0.0 or :: */
bool pkt_addr_is_multicast(const struct pkt_addr *a); /* and 255.255.255.255 */
bool pkt_addr_is_linklocal(
	const struct pkt_addr *a); /* 169.254/16, fe80::/10 */

/*
 * R14: may stand as source of a packet / may be forwarded to.  fe80::/10 is a
 * source that neighbour discovery needs; never forward it
 * (pkt_addr_is_linklocal()).
 */
bool pkt_addr_ok_src(const struct pkt_addr *a);
bool pkt_addr_ok_dst(const struct pkt_addr *a);

/* Never true across families: ::/0 has no IPv4 address. */
bool pkt_prefix_has(const struct pkt_prefix *p, const struct pkt_addr *a);

/*
 * Text.  Parsing takes exactly @len bytes (no NUL needed): dotted quad without
 * leading zeros, or RFC 4291 text without a zone.  0, or -EINVAL with @out
 * untouched.  ::ffff:a.b.c.d is refused: it would be taken for IPv4.
 * pkt_prefix_parse() takes "address" or "address/len"; bits after the length
 * may be set and are kept.
 */
int VW_MUST_USE pkt_addr_parse(struct pkt_addr *out, const char *s, size_t len);
int VW_MUST_USE pkt_prefix_parse(struct pkt_prefix *out, const char *s,
				 size_t len);
/* IPv6 text alone, ::ffff:a.b.c.d too, whose length counts from 0 as well. */
int VW_MUST_USE pkt_prefix6_parse(struct pkt_prefix *out, const char *s,
				  size_t len);
/* "aa:bb:cc:dd:ee:ff", either case. */
int VW_MUST_USE pkt_mac_parse(struct pkt_mac *out, const char *s, size_t len);

/*
 * Canonical text (RFC 5952; IPv4 as dotted quad) with a NUL into @out, which
 * holds PKT_ADDR_TEXT (or PKT_ADDR_TEXT + 4, or 18) bytes.  Returns @out.
 */
char *pkt_addr_print(char *out, const struct pkt_addr *a);
char *pkt_prefix_print(char *out, const struct pkt_prefix *p);
char *pkt_mac_print(char *out, const struct pkt_mac *m);

#endif
