/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_PATH_NEIGH_H
#define VIFWALL_FIREWALL_PATH_NEIGH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_buf.h"
#include "packet/pkt_hash.h"
#include "packet/pkt_time.h"

/*
 * Link-layer addresses of next hops on the uplink and in networks.  Qubes need
 * none of this: their MAC is assigned (R80).
 *
 * An entry is only ever made because we have something to send, and only an
 * answer to our own question fills it: what others say unasked can refresh what
 * it agrees with, nothing more (R83, R85).  An entry in use is never taken
 * away, and the gateways have entries of their own, so that nobody who makes us
 * ask for many addresses harms the next hop of the others.
 *
 *	FREE --packet--> ASKING --answer--> KNOWN --30 s, used--> CHECKING
 *	  ^                | 4 tries         | ^                  |    |
 *	  |                v           30 s, | '------answer------'    | 4 tries
 *	  |<-----3 s---- FAILED        idle  |                         |
 *	  '----------------------------------'     ASKING <------------'
 */
enum neigh_state {
	NEIGH_FREE,
	NEIGH_ASKING,	/* no address yet; packets wait */
	NEIGH_KNOWN,	/* may be used */
	NEIGH_CHECKING, /* may be used; asked whether it still holds */
	NEIGH_FAILED,	/* nobody answered; asked again later */
};

#define NEIGH_HOLD 4u /* packets that wait for one answer */

struct neigh {
	struct pkt_addr addr;
	uint16_t port;
	uint8_t state; /* enum neigh_state */
	uint8_t tries;
	uint8_t hold_n;
	bool used; /* since the last answer */
	struct pkt_mac mac;
	struct mono due;   /* when the state's time is over */
	struct mono since; /* when mac was learnt, for R85 */
	struct pkt *hold[NEIGH_HOLD];
};

struct neigh_table;

size_t neigh_size(uint32_t n);
struct neigh_table *neigh_init(void *mem, size_t len, uint32_t n,
			       const struct pkt_hash_key *key);

/*
 * Entry @i (below NEIGH_RESERVED) is kept for @addr on @port from here on;
 * NULL: for nobody.  What it held must have been cleared, see neigh_at().
 */
#define NEIGH_RESERVED 2u
void neigh_reserve(struct neigh_table *t, uint32_t i, uint16_t port,
		   const struct pkt_addr *addr);

/* The entry of @addr on @port, or NULL. */
struct neigh *neigh_find(struct neigh_table *t, uint16_t port,
			 const struct pkt_addr *addr);
/*
 * The same, made (state FREE) when there is none; NULL when the entries where
 * it belongs are all in use or wait for answers.
 */
struct neigh *neigh_get(struct neigh_table *t, uint16_t port,
			const struct pkt_addr *addr);

/* What to do after neigh_want(), neigh_step(). */
enum neigh_do {
	NEIGH_NOTHING,
	NEIGH_USE,     /* mac may be used */
	NEIGH_ASK,     /* send a question */
	NEIGH_GIVE_UP, /* hold must be dropped */
};

/* We have a packet for @e: USE, ASK (and hold it), or NOTHING (hold it).
 * GIVE_UP: it failed a moment ago; drop the packet. */
enum neigh_do neigh_want(struct neigh *e, struct mono now);
/* Time went on. */
enum neigh_do neigh_step(struct neigh *e, struct mono now);

/*
 * Somebody on @port says that @addr is at @mac; @answer: in answer to a
 * question (ARP reply, solicited advertisement).  The entry whose held packets
 * can go now, or NULL.  *@moved is set when a known address changed.
 */
struct neigh *neigh_heard(struct neigh_table *t, uint16_t port,
			  const struct pkt_addr *addr,
			  const struct pkt_mac *mac, bool answer, bool *moved,
			  struct mono now);

/* All entries, free ones too: @i below neigh_n(). */
uint32_t neigh_n(const struct neigh_table *t);
struct neigh *neigh_at(struct neigh_table *t, uint32_t i);

#endif
