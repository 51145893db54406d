/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_CSUM_H
#define VIFWALL_PACKET_PKT_CSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_buf.h"

/*
 * The Internet checksum (RFC 1071) and its incremental update (RFC 1624, the
 * third equation).  Sums are of 16-bit words as they stand in memory, so the
 * same code serves both byte orders; a folded sum is stored with memcpy.
 */

/* Unfolded sum of @len bytes added to @sum; an odd last byte is padded. */
uint64_t pkt_csum_add(uint64_t sum, const void *data, size_t len);
/* Folds to 16 bits, not complemented. */
uint16_t pkt_csum_fold(uint64_t sum);

/*
 * An edit of header fields gathers ~old + new in a delta and applies it to each
 * checksum field that covers the fields.
 */
struct pkt_csum_delta {
	uint64_t sum;
};

/* @len is even, and the field starts at an even offset of the covered bytes. */
void pkt_csum_change(struct pkt_csum_delta *d, const void *from, const void *to,
		     size_t len);
void pkt_csum_change16(struct pkt_csum_delta *d, uint16_t from_host,
		       uint16_t to_host);
/* Updates the complemented checksum stored at @field. */
void pkt_csum_apply(const struct pkt_csum_delta *d, uint8_t *field);
/*
 * The same for ICMP of IPv4, the one sum without a constant in it: an echo
 * reply can be all zeros, for which the equation gives 0 and only 0xffff is
 * right.
 */
void pkt_csum_apply_icmp4(const struct pkt_csum_delta *d, uint8_t *field);
/* The same for UDP: 0 (none) stays 0, a result of 0 becomes 0xffff. */
void pkt_csum_apply_udp(const struct pkt_csum_delta *d, uint8_t *field);
/* For PKT_F_CSUM_PARTIAL: the field holds the sum itself. */
void pkt_csum_apply_partial(const struct pkt_csum_delta *d, uint8_t *field);

/* Right when the sum over an IPv4 header (20 to 60 bytes) is 0xffff. */
bool pkt_csum_ip_ok(const uint8_t *hdr, size_t len);
void pkt_csum_ip_set(uint8_t *hdr, size_t len);

/* Folded pseudo-header sum of a parsed packet; @l4_len is its upper length. */
uint16_t pkt_csum_pseudo(const struct pkt *p, uint32_t l4_len);
/* Where the transport checksum of a parsed packet stands, NULL if it has none
 */
uint8_t *pkt_csum_field(const struct pkt *p);
/* Checks, or writes, the transport checksum of a parsed whole packet. */
bool pkt_csum_l4_ok(const struct pkt *p);
void pkt_csum_l4_set(struct pkt *p);
/* Completes CSUM_PARTIAL (R5) and clears the flag; else does nothing. */
void pkt_csum_complete(struct pkt *p);

#endif
