/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_cut.h"

#include <string.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_part.h"
#include "packet/pkt_seg.h"

#define IP6_MTU_MIN 1280u
#define IP4_HLEN_MAX 60u
#define IP4_OPT_COPIED 0x80u

/* R77: the size that a datagram in pieces that may not be cut shows to hold. */
static uint16_t proven(const struct pkt *p)
{
	if (p->l3 == PKT_L3_IP6 && p->frag_max < IP6_MTU_MIN)
		return IP6_MTU_MIN;
	return p->frag_max;
}

enum pkt_fit pkt_fit_odd(const struct pkt *p, uint16_t mtu)
{
	uint32_t len = pkt_seg_wire_len(p);

	if (!(p->flags & PKT_F_DF))
		return len <= mtu ? PKT_FIT_WHOLE : PKT_FIT_CUT;
	if (!p->frag_max)
		return len <= mtu ? PKT_FIT_WHOLE : PKT_FIT_BIG;
	if (proven(p) > mtu)
		return PKT_FIT_BIG;
	return len <= proven(p) ? PKT_FIT_WHOLE : PKT_FIT_CUT;
}

/*
 * How a packet is cut: the first fragment has the headers as they are, the
 * others those that are to be repeated.
 */
struct plan {
	const struct pkt *p;
	uint32_t id;
	uint32_t from;	      /* first byte that is cut, from data */
	uint32_t len;	      /* bytes that are cut */
	uint32_t step0, step; /* of them in the first and in each later one */
	uint32_t count;
	uint32_t opt_n; /* IPv4: bytes of options in later fragments */
	uint8_t opt[IP4_HLEN_MAX - IP4_HLEN];
};

/* Gathers the options that go into every fragment, padded to words. */
static void copied_options(struct plan *c, const uint8_t *opt, uint32_t n)
{
	uint32_t at = 0;

	while (at < n && opt[at] != 0) {
		uint32_t len = 1;

		if (opt[at] != 1)
			len = at + 1 < n ? opt[at + 1] : 0;
		if (!len || len > n - at)
			break;
		if (opt[at] & IP4_OPT_COPIED) {
			memcpy(c->opt + c->opt_n, opt + at, len);
			c->opt_n += len;
		}
		at += len;
	}
	while (c->opt_n % 4)
		c->opt[c->opt_n++] = 0;
}

static uint32_t whole_words(uint32_t mtu, uint32_t hdr_len)
{
	vw_assert(mtu >= hdr_len + 8);
	return (mtu - hdr_len) & ~7u;
}

static void plan4(struct plan *c, uint32_t mtu)
{
	const struct pkt *p = c->p;
	uint32_t hdr_len = (uint32_t)(p->l4_off - p->l3_off);

	c->from = p->l4_off;
	copied_options(c, pkt_l3(p) + IP4_HLEN, hdr_len - IP4_HLEN);
	c->step0 = whole_words(mtu, hdr_len);
	c->step = whole_words(mtu, IP4_HLEN + c->opt_n);
}

/* The fragment header follows what routers on the way must read. */
static void plan6(struct plan *c, uint32_t mtu)
{
	const struct pkt *p = c->p;
	const uint8_t *ip = pkt_l3(p);
	uint32_t hdr_len = IP6_HLEN;

	if (ip[6] == IP_HOPOPT)
		hdr_len += ((uint32_t)ip[IP6_HLEN + 1] + 1) * 8;
	vw_assert(p->l3_off + hdr_len <= p->l4_off);
	c->from = p->l3_off + hdr_len;
	c->step0 = c->step = whole_words(mtu, hdr_len + IP6_FRAG_HLEN);
}

static void plan(struct plan *c, const struct pkt *p, uint16_t mtu, uint32_t id)
{
	*c = (struct plan){ .p = p, .id = id, .count = 1 };
	if (p->flags & PKT_F_DF && proven(p) < mtu)
		mtu = proven(p);
	if (p->l3 == PKT_L3_IP4)
		plan4(c, mtu);
	else
		plan6(c, mtu);
	c->len = pkt_end(p) - c->from;
	if (c->len > c->step0)
		c->count += (c->len - c->step0 + c->step - 1) / c->step;
}

/* Where part @i begins in the bytes that are cut, and how long it is. */
static uint32_t slice(const struct plan *c, uint32_t i, uint32_t *n)
{
	uint32_t off = i ? c->step0 + (i - 1) * c->step : 0;
	uint32_t step = i ? c->step : c->step0;

	*n = c->len - off < step ? c->len - off : step;
	return off;
}

static void describe(struct pkt *f, uint32_t hdr_len, uint32_t off, bool more)
{
	f->flags |= PKT_F_FRAG;
	if (more)
		f->flags |= PKT_F_MF;
	f->frag_off = (uint16_t)off;
	f->frag_max = 0;
	f->kind = PKT_KIND_NONE;
	f->l4_off = f->pay_off = (uint16_t)(f->l3_off + hdr_len);
}

static struct pkt *fragment4(struct pkt_pool *pool, const void *plan,
			     uint32_t i)
{
	const struct plan *c = plan;
	const struct pkt *p = c->p;
	uint32_t opt_n = i ? c->opt_n : c->from - p->l3_off - IP4_HLEN;
	const uint8_t *opt = i ? c->opt : pkt_l3(p) + IP4_HLEN;
	uint32_t hdr_len = IP4_HLEN + opt_n, n, off = slice(c, i, &n);
	struct pkt *f = pkt_part_get(pool, p, p->l3_off + hdr_len + n);
	bool more = off + n < c->len;
	uint8_t *ip;

	if (!f)
		return NULL;
	ip = pkt_l3(f);
	memcpy(f->data, p->data, p->l3_off + IP4_HLEN);
	memcpy(ip + IP4_HLEN, opt, opt_n);
	memcpy(ip + hdr_len, p->data + c->from + off, n);
	ip[0] = (uint8_t)(0x40 | hdr_len / 4);
	be16_set(ip + 2, (uint16_t)(hdr_len + n));
	be16_set(ip + 4, (uint16_t)c->id);
	be16_set(ip + 6, (uint16_t)((be16_at(ip + 6) & IP4_DF) |
				    (more ? IP4_MF : 0) | off / 8));
	pkt_csum_ip_set(ip, hdr_len);
	describe(f, hdr_len, off, more);
	return f;
}

static struct pkt *fragment6(struct pkt_pool *pool, const void *plan,
			     uint32_t i)
{
	const struct plan *c = plan;
	const struct pkt *p = c->p;
	uint32_t n, off = slice(c, i, &n);
	struct pkt *f = pkt_part_get(pool, p, c->from + IP6_FRAG_HLEN + n);
	bool more = off + n < c->len;
	uint8_t *ip, *next, *hdr;

	if (!f)
		return NULL;
	ip = pkt_l3(f);
	memcpy(f->data, p->data, c->from);
	memcpy(f->data + c->from + IP6_FRAG_HLEN, p->data + c->from + off, n);
	be16_set(ip + 4, (uint16_t)(f->len - f->l3_off - IP6_HLEN));
	next = ip[6] == IP_HOPOPT ? ip + IP6_HLEN : ip + 6;
	hdr = f->data + c->from;
	hdr[0] = *next;
	hdr[1] = 0;
	be16_set(hdr + 2, (uint16_t)(off | more));
	be32_set(hdr + 4, c->id);
	*next = IP_FRAGMENT;
	describe(f, c->from - p->l3_off + IP6_FRAG_HLEN, off, more);
	f->frag6_off = (uint16_t)c->from;
	return f;
}

uint32_t pkt_cut_count(const struct pkt *p, uint16_t mtu)
{
	struct plan c;

	plan(&c, p, mtu, 0);
	return c.count;
}

int pkt_cut(struct pkt_pool *pool, const struct pkt *p, uint16_t mtu,
	    uint32_t id, uint32_t first, struct pkt_batch *out)
{
	struct plan c;

	vw_assert(!p->gso_size && !(p->flags & PKT_F_CSUM_PARTIAL));
	plan(&c, p, mtu, id);
	return pkt_part_fill(pool, p->l3 == PKT_L3_IP4 ? fragment4 : fragment6,
			     &c, first, c.count, out);
}
