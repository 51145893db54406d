/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_NAT_NAT_LIFE_H
#define VIFWALL_NAT_NAT_LIFE_H

#include "nat/nat_core.h"

/*
 * Birth and death of a flow: into and out of the index, its payer's lists, its
 * ring of siblings, its outside port and its owners' counts, all or nothing.
 */

/* A flow to be. */
struct nat_draft {
	struct nat_flow f;
	uint64_t hash[NAT_KEY_N]; /* of its keys */
	uint32_t sibling; /* flow of its endpoint with its port, or NAT_NONE */
};

/*
 * Makes a record out of @d, none of whose keys is in the index; its port, when
 * it has one (NAT_F_PORT), was not taken yet.  NAT_NONE, and nothing done, when
 * there is no room.
 */
uint32_t nat_flow_make(struct nat *n, const struct nat_draft *d,
		       uint64_t now_ms);

/*
 * Its last part: record @i, which is filled in, gets into everything but a
 * list. False, and nothing done: there is no room.
 */
bool nat_flow_enter(struct nat *n, uint32_t i, const uint64_t hash[NAT_KEY_N],
		    uint32_t sibling, uint64_t now_ms);

void nat_flow_free(struct nat *n, uint32_t i, uint64_t now_ms);
/* The same, counted. */
void nat_flow_expire(struct nat *n, uint32_t i, uint64_t now_ms);
void nat_flow_evict(struct nat *n, uint32_t i, uint64_t now_ms);

/* The NAT_REF() of key @k, NAT_NONE; a dead flow is freed and not found. */
uint32_t nat_flow_by_key(struct nat *n, const struct nat_key *k, uint64_t hash,
			 uint64_t now_ms);
/*
 * A flow of the inside endpoint with mapping key @k, whose outside port is the
 * endpoint's; NAT_NONE.  It may be over time: the port is the endpoint's until
 * it is freed.
 */
uint32_t nat_flow_of_endpoint(struct nat *n, const struct nat_key *k,
			      uint64_t hash);

/*
 * The ports of outside address number @addr, from now on if need be (then an
 * address none of whose ports is anybody's loses its own); NULL: none left.
 */
struct nat_space *nat_space_get(struct nat *n, uint8_t addr);
void nat_space_drop(struct nat *n, struct nat_space *s);

#endif
