/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_CSUM_H
#define VIFWALL_PACKET_PKT_CSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "packet/pkt_buf.h"
#include "packet/pkt_hot.h"

/*
 * The Internet checksum (RFC 1071) and its incremental update (RFC 1624, the
 * third equation).  Sums are of 16-bit words as they stand in memory, so the
 * same code serves both byte orders; a folded sum is stored with memcpy.
 */

/* Unfolded sum of @len bytes added to @sum; an odd last byte is padded. */
uint64_t pkt_csum_add(uint64_t sum, const void *data, size_t len);
/* Folds to 16 bits, not complemented. */
static inline uint16_t pkt_csum_fold(uint64_t sum)
{
	uint32_t half;

	/* Each half plus the other, the carry where it belongs: on top. */
	sum += sum >> 32 | sum << 32;
	half = (uint32_t)(sum >> 32);
	half += half >> 16 | half << 16;
	return (uint16_t)(half >> 16);
}

/*
 * An edit of header fields gathers ~old + new in a delta and applies it to each
 * checksum field that covers the fields.  Each change adds less than 2^33, so
 * that 2^30 of them fit.
 */
struct pkt_csum_delta {
	uint64_t sum;
};

/* @len is even, and the field starts at an even offset of the covered bytes. */
void pkt_csum_change(struct pkt_csum_delta *d, const void *from, const void *to,
		     size_t len);
void pkt_csum_change16(struct pkt_csum_delta *d, uint16_t from_host,
		       uint16_t to_host);
/* One field of 4 or of 2 bytes, as it stands in memory. */
static inline void pkt_csum_change_u32(struct pkt_csum_delta *d, uint32_t from,
				       uint32_t to)
{
	d->sum += (uint64_t)(uint32_t)~from + to;
}
static inline void pkt_csum_change_u16(struct pkt_csum_delta *d, uint16_t from,
				       uint16_t to)
{
	pkt_csum_change_u32(d, from | 0xffff0000u, to);
}

/*
 * Updates the complemented checksum stored at @field.  Always inlined: seldom
 * run code uses it too, and a copy shared with that would be kept among it.
 */
PKT_INLINE void pkt_csum_apply(const struct pkt_csum_delta *d, uint8_t *field)
{
	uint16_t csum;

	memcpy(&csum, field, 2);
	csum = (uint16_t)~pkt_csum_fold(d->sum + (uint16_t)~csum);
	memcpy(field, &csum, 2);
}
/*
 * The same for ICMP of IPv4, the one sum without a constant in it: an echo
 * reply can be all zeros, for which the equation gives 0 and only 0xffff is
 * right.
 */
void pkt_csum_apply_icmp4(const struct pkt_csum_delta *d, uint8_t *field);
/* The same for UDP: 0 (none) stays 0, a result of 0 becomes 0xffff. */
PKT_INLINE void pkt_csum_apply_udp(const struct pkt_csum_delta *d,
				   uint8_t *field)
{
	uint16_t csum;

	memcpy(&csum, field, 2);
	if (!csum)
		return;
	csum = (uint16_t)~pkt_csum_fold(d->sum + (uint16_t)~csum);
	if (!csum)
		csum = 0xffff;
	memcpy(field, &csum, 2);
}
/* For PKT_F_CSUM_PARTIAL: the field holds the sum itself. */
PKT_INLINE void pkt_csum_apply_partial(const struct pkt_csum_delta *d,
				       uint8_t *field)
{
	uint16_t csum;

	memcpy(&csum, field, 2);
	csum = pkt_csum_fold(d->sum + csum);
	memcpy(field, &csum, 2);
}

static inline uint32_t pkt_csum_load32(const uint8_t *b)
{
	uint32_t v;

	memcpy(&v, b, sizeof(v));
	return v;
}

/* Of an IPv4 header, 20 to 60 bytes; at most fifteen 32-bit words. */
static inline uint16_t pkt_csum_ip_sum(const uint8_t *hdr, size_t len)
{
	uint64_t sum = (uint64_t)pkt_csum_load32(hdr) +
		       pkt_csum_load32(hdr + 4) + pkt_csum_load32(hdr + 8) +
		       pkt_csum_load32(hdr + 12) + pkt_csum_load32(hdr + 16);

	for (size_t i = 20; i + 4 <= len; i += 4)
		sum += pkt_csum_load32(hdr + i);
	return pkt_csum_fold(sum);
}
/* Right when the sum is 0xffff. */
static inline bool pkt_csum_ip_ok(const uint8_t *hdr, size_t len)
{
	return pkt_csum_ip_sum(hdr, len) == 0xffff;
}
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
