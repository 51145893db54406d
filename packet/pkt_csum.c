/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_csum.h"

#include <string.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_ip.h"

/*
 * How it works: 2^16 = 1 modulo 0xffff, so adding 64-bit words with the carry
 * put back in at the bottom, and folding once at the end, gives the same sum as
 * adding 16-bit words.  Complementing a word of any width complements its
 * 16-bit parts.
 */

static inline uint64_t add_carry(uint64_t a, uint64_t b)
{
	a += b;
	return a + (a < b);
}

static inline uint64_t load64(const uint8_t *b)
{
	uint64_t v;

	memcpy(&v, b, sizeof(v));
	return v;
}

static inline uint16_t load16(const uint8_t *b)
{
	uint16_t v;

	memcpy(&v, b, sizeof(v));
	return v;
}

static inline void store16(uint8_t *b, uint16_t v)
{
	memcpy(b, &v, sizeof(v));
}

uint64_t pkt_csum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *b = data;
	uint8_t last[2] = { 0, 0 };

	/* Four carry chains that the processor runs side by side. */
	if (len >= 64) {
		uint64_t s0 = sum, s1 = 0, s2 = 0, s3 = 0;

		for (; len >= 32; b += 32, len -= 32) {
			s0 = add_carry(s0, load64(b));
			s1 = add_carry(s1, load64(b + 8));
			s2 = add_carry(s2, load64(b + 16));
			s3 = add_carry(s3, load64(b + 24));
		}
		sum = add_carry(add_carry(s0, s1), add_carry(s2, s3));
	}
	for (; len >= 8; b += 8, len -= 8)
		sum = add_carry(sum, load64(b));
	if (len & 4) {
		sum = add_carry(sum, pkt_csum_load32(b));
		b += 4;
	}
	if (len & 2) {
		sum = add_carry(sum, load16(b));
		b += 2;
	}
	if (len & 1) {
		last[0] = *b;
		sum = add_carry(sum, load16(last));
	}
	return sum;
}

void pkt_csum_change(struct pkt_csum_delta *d, const void *from, const void *to,
		     size_t len)
{
	const uint8_t *f = from, *t = to;

	vw_assert(len % 2 == 0);
	for (; len >= 4; f += 4, t += 4, len -= 4) {
		d->sum = add_carry(d->sum, ~pkt_csum_load32(f));
		d->sum = add_carry(d->sum, pkt_csum_load32(t));
	}
	if (len) {
		d->sum = add_carry(d->sum, (uint16_t)~load16(f));
		d->sum = add_carry(d->sum, load16(t));
	}
}

void pkt_csum_change16(struct pkt_csum_delta *d, uint16_t from_host,
		       uint16_t to_host)
{
	const uint8_t from[2] = { (uint8_t)(from_host >> 8),
				  (uint8_t)from_host };
	const uint8_t to[2] = { (uint8_t)(to_host >> 8), (uint8_t)to_host };

	pkt_csum_change(d, from, to, 2);
}

void pkt_csum_apply_icmp4(const struct pkt_csum_delta *d, uint8_t *field)
{
	pkt_csum_apply(d, field);
	if (load16(field) == 0)
		store16(field, 0xffff);
}

void pkt_csum_ip_set(uint8_t *hdr, size_t len)
{
	store16(hdr + 10, 0);
	store16(hdr + 10, (uint16_t)~pkt_csum_ip_sum(hdr, len));
}

uint16_t pkt_csum_pseudo(const struct pkt *p, uint32_t l4_len)
{
	const uint8_t tail[8] = { (uint8_t)(l4_len >> 24),
				  (uint8_t)(l4_len >> 16),
				  (uint8_t)(l4_len >> 8),
				  (uint8_t)l4_len,
				  0,
				  0,
				  0,
				  p->proto };
	uint64_t sum = pkt_csum_add(0, tail, sizeof(tail));

	if (p->l3 == PKT_L3_IP4)
		sum = pkt_csum_add(sum, pkt_l3(p) + 12, 8);
	else
		sum = pkt_csum_add(sum, pkt_l3(p) + 8, 32);
	return pkt_csum_fold(sum);
}

uint8_t *pkt_csum_field(const struct pkt *p)
{
	if (p->flags & PKT_F_FRAG || p->kind == PKT_KIND_NONE)
		return NULL;
	if (p->kind == PKT_KIND_TCP)
		return pkt_l4(p) + 16;
	if (p->kind == PKT_KIND_UDP)
		return pkt_l4(p) + 6;
	if (pkt_is_icmp(p))
		return pkt_l4(p) + 2;
	return NULL;
}

/* What the transport checksum covers; UDP says it itself (RFC 768). */
static uint32_t covered_len(const struct pkt *p)
{
	const uint8_t *l4 = pkt_l4(p);

	if (p->kind == PKT_KIND_UDP)
		return (uint32_t)(l4[4] << 8 | l4[5]);
	return pkt_end(p) - p->l4_off;
}

static uint64_t l4_sum(const struct pkt *p)
{
	uint32_t len = covered_len(p);
	uint64_t sum = 0;

	if (!(p->l3 == PKT_L3_IP4 && p->proto == IP_ICMP))
		sum = pkt_csum_pseudo(p, len);
	return pkt_csum_add(sum, pkt_l4(p), len);
}

bool pkt_csum_l4_ok(const struct pkt *p)
{
	const uint8_t *field = pkt_csum_field(p);

	if (!field || p->flags & PKT_F_CSUM_PARTIAL)
		return true;
	if (p->kind == PKT_KIND_UDP && load16(field) == 0)
		return p->l3 == PKT_L3_IP4;
	return pkt_csum_fold(l4_sum(p)) == 0xffff;
}

static void store_sum(const struct pkt *p, uint8_t *field, uint64_t sum)
{
	uint16_t csum = (uint16_t)~pkt_csum_fold(sum);

	/* For UDP 0 would mean "none". */
	if (p->kind == PKT_KIND_UDP && csum == 0)
		csum = 0xffff;
	store16(field, csum);
}

void pkt_csum_l4_set(struct pkt *p)
{
	uint8_t *field = pkt_csum_field(p);

	p->flags &= (uint8_t)~PKT_F_CSUM_PARTIAL;
	if (!field)
		return;
	store16(field, 0);
	store_sum(p, field, l4_sum(p));
}

void pkt_csum_complete(struct pkt *p)
{
	uint8_t *field = pkt_csum_field(p);

	if (!(p->flags & PKT_F_CSUM_PARTIAL))
		return;
	p->flags &= (uint8_t)~PKT_F_CSUM_PARTIAL;
	vw_assert(field != NULL);
	/* The field holds the pseudo header's sum and is summed with the rest.
	 */
	store_sum(p, field, pkt_csum_add(0, pkt_l4(p), covered_len(p)));
}
