/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_RULES_ADDR_SET_H
#define VIFWALL_RULES_ADDR_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_assert.h"

/*
 * Sets of addresses with a name, of both families.
 *
 * A set is made of prefixes in any order.  It is kept as ranges that are
 * sorted and do not touch each other, those of IPv4 first: prefixes that
 * overlap or lie side by side cost nothing, and an address is looked up in
 * about as many steps as the number of ranges has bits.
 */
#define ADDR_SET_NAME_MAX 32u	      /* with its NUL */
#define ADDR_SET_PREFIXES_MAX 131072u /* of one set */

struct addr_range {
	struct pkt_addr lo, hi; /* both are in it */
};

/*
 * Writes the ranges of @n prefixes to @out, which has room for @n; how many,
 * of which the first *@n4 are IPv4.  @order and @tmp have room for @n.  Bits
 * behind a prefix' length do not count.
 */
uint32_t addr_set_build(struct addr_range *out, uint32_t *n4,
			const struct pkt_prefix *p, uint32_t n, uint32_t *order,
			uint32_t *tmp);

/* Is @a in one of @n ranges of its family, as addr_set_build() writes them? */
bool addr_set_has(const struct addr_range *r, uint32_t n,
		  const struct pkt_addr *a);

/* Could addr_set_build() have written these @n ranges, all of one family? */
bool addr_set_ok(const struct addr_range *r, uint32_t n, bool v4);

/* Letters a-z, digits and '-', not first; such as "lan". */
bool addr_set_name_ok(const char *name, size_t len);

struct addr_set_error {
	uint32_t line, column; /* from 1 */
	const char *why;       /* a constant sentence: what is allowed there */
};

/*
 * Reads prefixes ("192.0.2.0/24", "2001:db8::/32", or an address alone) between
 * blanks, commas and ends of lines; what follows a # or a ; is a comment, up to
 * the end of its line.  The text is untrusted and needs no NUL.  Counts them in
 * *@n, and writes them to @out unless that is NULL, else it has room for all.
 * 0, or -EBADMSG with @err set.
 */
int VW_MUST_USE addr_set_parse(struct pkt_prefix *out, uint32_t *n,
			       const char *text, size_t len,
			       struct addr_set_error *err);

/*
 * What is built in:
 *
 *	private		what sites number themselves with (RFC 1918, 4193)
 *	lan		what is near and no part of the Internet: private,
 *			carriers' (RFC 6598), links' own, multicast
 *	multicast	groups
 *	bogon		all that no host on the Internet has (RFC 6890)
 *
 * With each IPv4 prefix go the IPv6 addresses that lead to it or contain it:
 * 6to4 (2002::/16), NAT64 (64:ff9b::/96) and IPv4-compatible ones (::/96).
 */
#define ADDR_SET_BUILTINS 4u
#define ADDR_SET_BUILTIN_MAX 160u /* prefixes of one */

const char *addr_set_builtin_name(uint32_t i);
/* The prefixes of number @i < ADDR_SET_BUILTINS; how many. */
uint32_t addr_set_builtin(uint32_t i,
			  struct pkt_prefix out[ADDR_SET_BUILTIN_MAX]);

#endif
