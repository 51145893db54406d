/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_PATH_IPID_H
#define VIFWALL_FIREWALL_PATH_IPID_H

#include <stdint.h>

#include "packet/pkt_buf.h"
#include "packet/pkt_hash.h"

/*
 * IP identification of packets that leave by the uplink (R74).  Behind one
 * outside address the ids of several clients would meet: two datagrams with one
 * id to one server could be put together from each other's pieces, and the
 * sequence of ids would count each client's packets for whoever looks on.
 *
 * So ids are ours: for each (source, destination, protocol) a counter run
 * through a secret permutation of the 16-bit numbers.  No id comes again before
 * 65536 others, and none tells the next.
 */
#define IPID_COUNTERS 256u
#define IPID_ROUNDS 4u

struct ipid {
	struct pkt_hash_key key;
	uint16_t counter[IPID_COUNTERS];
	uint8_t box[IPID_ROUNDS][256];
};

void ipid_init(struct ipid *id, struct pkt_rand *rand);
/* For a parsed IPv4 packet, addresses as they will leave. */
uint16_t ipid_next(struct ipid *id, const struct pkt *p);

/* Writes the id into a parsed IPv4 packet and mends the header checksum. */
void ipid_set(struct pkt *p, uint16_t id);

#endif
