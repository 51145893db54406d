/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_PATH_PLACE_H
#define VIFWALL_FIREWALL_PATH_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_hash.h"

/*
 * Where an address lives, as far as we know: the one look-up behind every
 * question about spoofing and about clients reaching each other (R91 to R93).
 * What is not in the map is the world.
 *
 * The map is built anew, in the half that is not looked at, whenever the
 * control side changes something, and swapped in.  A look-up costs one probe
 * for each prefix length in use, and without networks that is one.
 */
#define PLACE_CLIENT 0x01u  /* a client's address, or inside its network */
#define PLACE_GUARD 0x02u   /* of a client that may not be running */
#define PLACE_GATEWAY 0x04u /* ours, towards some client */
#define PLACE_OUTSIDE 0x08u /* ours, towards the uplink */

struct place {
	uint16_t client; /* PLACE_CLIENT: whose */
	uint8_t flags;	 /* 0: the world */
};

struct place_map;

/* For at most @n entries. */
size_t place_size(uint32_t n);
struct place_map *place_init(void *mem, size_t len, uint32_t n,
			     const struct pkt_hash_key *key);

/*
 * place_begin(), then place_put() for everything, then place_commit().  Flags
 * of the same prefix add up; the caller sees to it that no prefix has two
 * clients and that there are no more than @n.
 */
void place_begin(struct place_map *m);
void place_put(struct place_map *m, const struct pkt_prefix *at,
	       struct place what);
void place_commit(struct place_map *m);

/*
 * Is the IPv4 address @four, as it stands in a packet, surely the world's?
 * False says nothing: ask place_find().
 */
bool place_is_world4(const struct place_map *m, const uint8_t *four);

/* The longest prefix that holds @a. */
struct place place_find(const struct place_map *m, const struct pkt_addr *a);

#endif
