/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_FRAG_H
#define VIFWALL_PACKET_PKT_FRAG_H

#include "packet/pkt_buf.h"
#include "packet/pkt_hash.h"
#include "packet/pkt_time.h"

/*
 * Reassembly before policy and translation (R71 to R79), and cutting again on
 * the way out.
 *
 * An owner is one side that sends fragments (the uplink or one client): limits
 * are per owner and an owner at its limit loses its own oldest datagram only.
 * Any overlap that is no exact duplicate discards the datagram and poisons its
 * key until the timer ends (RFC 5722).
 */
struct pkt_frag_limit {
	uint16_t datagrams; /* 64 */
	uint32_t bytes;	    /* 512 KiB */
};

struct pkt_frag_conf {
	uint16_t owners;	      /* owner numbers are below this */
	struct pkt_frag_limit client; /* owners 1.. */
	struct pkt_frag_limit uplink; /* owner 0: 256 datagrams, 4 MiB */
	uint16_t pieces;	      /* per datagram: 64 */
	uint32_t ip4_ms, ip6_ms;      /* 30 s, 60 s; never extended */
	uint32_t datagrams;	      /* slots in all */
	struct pkt_hash_key key;
};

void pkt_frag_conf_default(struct pkt_frag_conf *c);

struct pkt_frag;

size_t pkt_frag_size(const struct pkt_frag_conf *c);
struct pkt_frag *pkt_frag_init(void *mem, size_t len,
			       const struct pkt_frag_conf *c);

/**
 * pkt_frag_add() - take a fragment
 * @in: parsed, PKT_F_FRAG set; owned by the callee from here on, also on DROP
 * @whole: the complete datagram, parsed anew, owned by the caller; else NULL
 *
 * TAKEN: held (@whole NULL) or complete (@whole set; its pay_off and kind are
 * final, gso_size 0).  DROP: the fragment is freed, *@why says why.
 * A datagram larger than a PKT_LARGE buffer can't be held: FRAG_LIMIT.
 * The largest fragment seen is kept with the datagram, see pkt_cut() (R77).
 */
enum pkt_verdict pkt_frag_add(struct pkt_frag *f, struct pkt_pool *pool,
			      uint16_t owner, struct pkt *in,
			      struct pkt **whole, enum pkt_reason *why,
			      struct mono now);

/*
 * Drops what is over time, at most @budget datagrams; returns how many
 * fragments were freed, per owner through @lost (may be NULL).
 */
uint32_t pkt_frag_expire(struct pkt_frag *f, struct pkt_pool *pool,
			 uint32_t budget,
			 void (*lost)(void *ctx, uint16_t owner, uint32_t n),
			 void *ctx, struct mono now);
/* Frees all that @owner has (R95). */
void pkt_frag_forget(struct pkt_frag *f, struct pkt_pool *pool, uint16_t owner);
/* Datagrams and bytes held by @owner. */
void pkt_frag_held(const struct pkt_frag *f, uint16_t owner,
		   uint32_t *datagrams, uint32_t *bytes);

/*
 * R9: cuts IPv4 packet @p (no DF, complete checksum) into fragments of at most
 * @mtu bytes of IP, appended to @out; @p is freed.  @id is the IP id to use
 * (R74).  0, or -ENOSPC (no buffer, or @out can't hold them all) with nothing
 * appended and @p still freed.
 */
int pkt_cut(struct pkt_pool *pool, struct pkt *p, uint16_t mtu, uint16_t id,
	    struct pkt_batch *out);

#endif
