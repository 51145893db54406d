/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_NAT_BED_H
#define VIFWALL_TESTS_MOCK_NAT_BED_H

#include <stdint.h>

#include "mock/frames.h"
#include "nat/nat.h"

/*
 * A NAT on a bench: a table, a pool, and a clock that the test moves.  Owner 0
 * is the uplink, owners 1..BED_CLIENTS are clients and exist from the start.
 */
struct nat_bed {
	struct nat *nat;
	struct pkt_pool *pool;
	struct mono now;
	struct nat_hit hit;  /* of the last packet that passed */
	struct nat_hit back; /* ... and the other flow of its hairpin */
	enum pkt_reason why; /* of the last packet that did not, else NONE */
	struct nat_conf conf;
	void *mem;
	size_t len;
};

#define BED_CLIENTS 4u

/* @conf NULL: nat_bed_conf(). */
void nat_bed_open(struct nat_bed *b, const struct nat_conf *conf);
void nat_bed_close(struct nat_bed *b); /* panics when a packet leaked */
/* The default, made small: 256 flows, five owners, fixed keys. */
void nat_bed_conf(struct nat_conf *c);
void nat_bed_pass(struct nat_bed *b, uint64_t ms);

/*
 * The process dies: another one has its memory, at another address and with
 * another key, and nothing else.  b->nat is NULL until nat_bed_adopt(), which
 * leaves it to the test to add the owners again.
 */
void nat_bed_die(struct nat_bed *b);
void nat_bed_adopt(struct nat_bed *b);
void nat_bed_owners(struct nat_bed *b);

/*
 * What the firewall does with a packet of @owner: look up; with @want, open a
 * flow when there is none; rewrite.  True: @p was rewritten.
 */
bool nat_bed_go(struct nat_bed *b, struct pkt *p, uint16_t owner,
		const struct nat_want *want);
/*
 * The same for a hairpin.  False: it did not come back, but was rewritten if
 * its own flow let it out.
 */
bool nat_bed_go_back(struct nat_bed *b, struct pkt *p, uint16_t owner,
		     const struct nat_want *want);
/* Masquerading behind @outside (text); @port 0: any. */
struct nat_want nat_bed_masq(const char *outside, uint16_t port);

/* "10.0.0.1:80 > 8.8.8.8:53" as the bytes say; ICMP queries "a > b id 7". */
const char *nat_bed_tuple(const struct pkt *p);
/* Port (or id) that stands in the bytes: source 0, destination 1. */
uint16_t nat_bed_port(const struct pkt *p, int dst);
bool nat_bed_sums_ok(const struct pkt *p);

struct pkt_addr nat_bed_addr(const char *text);

#endif
