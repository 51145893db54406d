/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_FRAG_H
#define VIFWALL_PACKET_PKT_FRAG_H

#include "packet/pkt_buf.h"
#include "packet/pkt_hash.h"
#include "packet/pkt_time.h"

/*
 * Reassembly before policy and translation (R71 to R79).  Cutting again on the
 * way out is pkt_cut.h.
 *
 * An owner is one side that sends fragments (the uplink or one client): keys,
 * limits and evictions are per owner.  What waits is copied into a store of
 * this module's own, in pieces of PKT_FRAG_CHUNK bytes, so that no fragment
 * ever pins a packet buffer that forwarding needs, and "bytes held" is memory
 * in fact held.
 *
 * Two pieces that overlap without being the same piece, or that disagree about
 * the end, discard the datagram, and its key stays poisoned until the timer
 * ends (RFC 5722, here for both families).
 */
#define PKT_FRAG_CHUNK 256u

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
	/*
	 * For all owners together: 1024 datagrams, 8 MiB.  When they run out,
	 * the owner that holds most loses its oldest datagram, so one that
	 * holds no more than a fair share never loses anything to others.
	 */
	uint32_t datagrams;
	uint32_t bytes;
	struct pkt_hash_key key;
	/*
	 * Told of pieces that were held and will never be delivered, @n of
	 * @owner, @why: FRAG_OVERLAP, FRAG_LIMIT, FRAG_TIMEOUT, or why the
	 * whole was refused.  NULL: nobody asks.
	 */
	void (*lost)(void *ctx, uint16_t owner, enum pkt_reason why,
		     uint32_t n);
	void *lost_ctx;
};

/* All but owners, key and lost. */
void pkt_frag_conf_default(struct pkt_frag_conf *c);

struct pkt_frag;

size_t pkt_frag_size(const struct pkt_frag_conf *c);
/* @mem aligned to PKT_ARENA_ALIGN; never fails when @len >= pkt_frag_size(). */
struct pkt_frag *pkt_frag_init(void *mem, size_t len,
			       const struct pkt_frag_conf *c);

/**
 * pkt_frag_add() - take a fragment
 * @in: parsed, PKT_F_FRAG set; owned by the callee from here on, also on DROP
 * @whole: the complete datagram, parsed anew, owned by the caller; else NULL
 *
 * TAKEN: held (@whole NULL) or complete (@whole set: its offsets and kind are
 * final, gso_size 0, frag_max the largest piece, DF as its first piece had it,
 * Ethernet header and port of the first piece).  DROP: the fragment is freed,
 * *@why says why; that can also be pkt_parse_ip()'s word on the whole.
 */
enum pkt_verdict pkt_frag_add(struct pkt_frag *f, struct pkt_pool *pool,
			      uint16_t owner, struct pkt *in,
			      struct pkt **whole, enum pkt_reason *why,
			      struct mono now);

/*
 * Drops what is over time, at most @budget datagrams; how many it dropped.
 * pkt_frag_add() checks deadlines itself: being late frees memory late and
 * nothing else.
 */
uint32_t pkt_frag_expire(struct pkt_frag *f, uint32_t budget, struct mono now);
/* Frees all that @owner has, without telling lost() (R95). */
void pkt_frag_forget(struct pkt_frag *f, uint16_t owner);
/* Datagrams (poisoned keys too) and bytes held by @owner. */
void pkt_frag_held(const struct pkt_frag *f, uint16_t owner,
		   uint32_t *datagrams, uint32_t *bytes);

#endif
