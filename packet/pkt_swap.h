/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_SWAP_H
#define VIFWALL_PACKET_PKT_SWAP_H

#include "packet/pkt_buf.h"

/*
 * Two IPv4 addresses that stand for each other on a link: whatever has one of
 * them has the other one behind the swap, in either direction.  So nobody can
 * use both, and doing it twice changes nothing.
 */
struct pkt_swap {
	uint8_t one[4], other[4];
};

/*
 * Swaps the addresses of a parsed packet, IPv4 or ARP, wherever they stand: in
 * its header, in an ARP message, in what an ICMP error quotes.  Checksums are
 * adjusted by what changed, so what came corrupt leaves corrupt; so is the one
 * in the first piece of a datagram, if it is there.  What a fragmented ICMP
 * error quotes stays as it is.  No address stands in more than one of the @n
 * swaps.
 */
void pkt_swap(struct pkt *p, const struct pkt_swap *s, uint32_t n);

#endif
