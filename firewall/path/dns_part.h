/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_PATH_DNS_PART_H
#define VIFWALL_FIREWALL_PATH_DNS_PART_H

/*
 * Name service on its way through: which server a flow really leads to, the
 * questions that are ours, and the answers of clients that rules are made of.
 */

#include "firewall/path/fw_part.h"
#include "packet/pkt_dns.h"
#include "packet/pkt_hash.h"

/* A question of our own: only what answers it exactly is taken (dns_own.c). */
#define FW_DNS_OWN 64u

struct dns_own {
	bool used;
	uint32_t ask;
	uint16_t port;
	uint64_t what; /* fw_dns_print(), without a flow */
	struct pkt_addr from, server;
	struct mono until;
};

/* A client's question, as its answer will be known (dns_seen.c). */
#define FW_DNS_ASKED 256u

struct dns_asked {
	uint64_t what; /* fw_dns_print(); 0: none */
	struct mono until;
};

/* What waits to be taken. */
#define FW_DNS_QUEUE 16u

/* An answer that its client has not been given yet (dns_seen.c). */
#define FW_DNS_HELD 16u

struct dns_held {
	struct pkt *p; /* NULL: none */
	uint16_t client;
	uint32_t ask;
	struct mono until;
};

struct dns {
	struct pkt_hash_key key;
	uint32_t own_n;	 /* .used */
	uint32_t held_n; /* .p */
	bool watching;	 /* any client */
	uint32_t at, n;	 /* of queue: the oldest, how many */
	uint32_t ask;	 /* of the last answer that a client is given */
	struct dns_own own[FW_DNS_OWN];
	struct dns_asked asked[FW_DNS_ASKED];
	struct dns_held held[FW_DNS_HELD];
	struct fw_dns_msg queue[FW_DNS_QUEUE];
};

/* ---- dns.c --------------------------------------------------------------- */

/*
 * Where flow @t, which may be, really leads: to itself, or to the name server
 * behind a virtual one; NULL: there is none.
 */
const struct pkt_addr *fw_dns_target(const struct fw *fw,
				     const struct nat_tuple *t);

/* The payload of @p, a UDP packet, goes into the queue; false: there is no
 * room. */
bool fw_dns_queue(struct fw *fw, const struct pkt *p, uint16_t client,
		  uint32_t ask);

/*
 * What a question for an address, @answer false, and its answer have in common:
 * a keyed hash of id, name, type and @flow; 0: it is not that.
 */
uint64_t fw_dns_print(const struct fw *fw, const void *msg, size_t len,
		      uint32_t flow, bool answer);

/* Did it arrive as it was sent?  Packets that pass are not asked that. */
bool fw_dns_whole(const struct pkt *p);

/* ---- dns_own.c ----------------------------------------------------------- */

/* Is @p, which belongs to no flow, the answer to a question of ours?  Then it
 * was taken in. */
bool fw_dns_own(struct fw *fw, const struct pkt *p, struct mono now);
/* Gives up on answers that are too late. */
void fw_dns_own_tick(struct fw *fw, struct mono now);
/* Our addresses may have changed: no answer will come. */
void fw_dns_own_drop(struct fw *fw);

/* ---- dns_seen.c ---------------------------------------------------------- */

/* Client @n asks something in its flow @hit. */
void fw_dns_asked(struct fw *fw, uint16_t n, const struct pkt *p,
		  const struct nat_hit *hit, struct mono now);
/* ... and is given an answer, not yet translated; true: it waits, and is ours.
 */
bool fw_dns_answered(struct fw *fw, struct pkt *p, const struct nat_hit *hit,
		     struct mono now);
/* Gives what has waited too long. */
void fw_dns_held_tick(struct fw *fw, struct mono now);

/* Both look at few packets: this is asked of all. */
static inline bool fw_dns_looks(const struct fw *fw, const struct pkt *p,
				uint16_t port)
{
	return p->kind == PKT_KIND_UDP && port == PKT_DNS_PORT &&
	       fw->dns_state->watching;
}

#endif
