/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_NAT_NAT_LIMIT_H
#define VIFWALL_NAT_NAT_LIMIT_H

#include "nat/nat_core.h"

/*
 * What an owner may hold (struct nat_quota), and who makes room when it holds
 * that: itself, never anybody else (R70, R132).
 *
 * An owner's claim is what it may have at any time (R131), of flows and of the
 * ports of each outside address.  What all owners together have left of theirs
 * is counted along with every record and port (nat.unclaimed,
 * nat_space.unclaimed): who is beyond its claim is lent what is free beyond
 * that.
 */

/* Sets the quota and what follows from it, but for claims. */
void nat_limit_set(struct nat *n, struct nat_owner *o,
		   const struct nat_quota *q);
/* An owner came, went, or has another quota: shares everything anew. */
void nat_limit_share(struct nat *n);

/*
 * May @owner open a flow of @class now?  Evicts flows of its own where that
 * helps.  PKT_REASON_NONE, NAT_RATE, NAT_QUOTA or NAT_FULL.
 */
enum pkt_reason nat_limit_flow(struct nat *n, uint16_t owner,
			       enum nat_class class, struct mono now);
/* The flow was opened: charges the rate. */
void nat_limit_charge(struct nat_owner *o, struct mono now);

/* May @owner have a port of @s that it does not hold yet? */
bool nat_limit_port(const struct nat *n, uint16_t owner,
		    const struct nat_space *s);

/* Ends the least valuable flow of @owner; false: it has none to lose. */
bool nat_limit_evict(struct nat *n, uint16_t owner, uint64_t now_ms);

#endif
