/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_NET_OFFLOAD_H
#define VIFWALL_XEN_NET_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_buf.h"
#include "xen/net/netif.h"

/*
 * What a ring says about a frame's checksum and segments, and what struct pkt
 * says: the same in both directions but for the places of two bits.
 */
#define OFFLOAD_MSS_MIN 64u /* less makes floods out of one frame */
#define OFFLOAD_SEGS_MAX 1024u

struct offload {
	bool blank;	/* the checksum holds the pseudo header's sum alone */
	bool validated; /* the sender vouches for the data */
	bool gso;	/* there was an extra for an aggregate */
	uint8_t gso_type;
	uint16_t gso_size;
};

/*
 * Sets flags and gso_* of frame @p, whose bytes are ours by now.  An aggregate
 * whose sender forgot csum_blank gets its pseudo sum, one of a single segment
 * is an ordinary packet.  False: @p is no aggregate that anybody could cut.
 * Frames that pkt_parse() refuses anyhow are left to it, and so is csum_blank
 * where it can't be.
 */
bool offload_take(struct pkt *p, const struct offload *o);

/* The flags of frame @p in the first slot of either ring. */
uint16_t offload_tx_flags(const struct pkt *p);
uint16_t offload_rx_flags(const struct pkt *p);
/* The extra of aggregate @p. */
struct netif_extra offload_extra(const struct pkt *p);

#endif
