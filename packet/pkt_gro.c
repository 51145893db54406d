/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_gro.h"

#include <string.h>

#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_part.h"

/*
 * How it works: the batch is gone through once.  Each packet is compared with
 * the newest one of its flow among the last few that stay; it is appended to
 * that or stays itself.  Lengths and checksums are written once, at the end.
 */
#define LOOK_BACK 8u
#define LARGE_ROOM (PKT_LARGE - PKT_HEADROOM)

/* What is known about the packet at the same place of the batch. */
struct head {
	bool open;    /* may be continued */
	bool checked; /* its checksum was found right */
	bool grown;   /* something was appended */
};

static uint32_t payload_len(const struct pkt *p)
{
	return p->len - p->pay_off;
}

/* Length of a segment: of the first, which tells that of the others. */
static uint32_t unit(const struct pkt *p)
{
	return p->gso_size ? p->gso_size : payload_len(p);
}

/* A segment with nothing about it but data (and, at the end, a push). */
static bool plain(const struct pkt *p)
{
	uint32_t ip_len = p->l3 == PKT_L3_IP4 ? IP4_HLEN : IP6_HLEN;

	return p->kind == PKT_KIND_TCP && p->gso_type == PKT_GSO_NONE &&
	       (p->tcp_flags & ~TCP_PSH) == TCP_ACK && p->flags & PKT_F_DF &&
	       !p->frag_max && (uint32_t)(p->l4_off - p->l3_off) == ip_len &&
	       payload_len(p) > 0;
}

static bool same_flow(const struct pkt *a, const struct pkt *b)
{
	const uint8_t *x = pkt_l3(a), *y = pkt_l3(b);

	if (a->kind != PKT_KIND_TCP || a->l3 != b->l3 || a->sport != b->sport ||
	    a->dport != b->dport)
		return false;
	return a->l3 == PKT_L3_IP4 ? memcmp(x + 12, y + 12, 8) == 0
				   : memcmp(x + 8, y + 8, 32) == 0;
}

/* All of both headers below TCP that each segment has a copy of. */
static bool same_ip(const struct pkt *a, const struct pkt *b)
{
	const uint8_t *x = pkt_l3(a), *y = pkt_l3(b);

	if (memcmp(a->data, b->data, PKT_ETH_LEN) != 0)
		return false;
	if (a->l3 == PKT_L3_IP4) /* service, DF, hops */
		return x[1] == y[1] && memcmp(x + 6, y + 6, 4) == 0;
	return memcmp(x, y, 4) == 0 && x[6] == y[6] && x[7] == y[7];
}

/* The same of TCP: acknowledgement, window, urgent pointer, options. */
static bool same_tcp(const struct pkt *a, const struct pkt *b)
{
	const uint8_t *x = pkt_l4(a), *y = pkt_l4(b);
	size_t hlen = (size_t)(a->pay_off - a->l4_off);

	return a->pay_off == b->pay_off && memcmp(x + 8, y + 8, 5) == 0 &&
	       memcmp(x + 14, y + 14, 2) == 0 &&
	       memcmp(x + 18, y + 18, hlen - 18) == 0;
}

static bool follows(const struct pkt *a, const struct pkt *b)
{
	return be32_at(pkt_l4(b) + 4) ==
		       be32_at(pkt_l4(a) + 4) + payload_len(a) &&
	       payload_len(b) <= unit(a) &&
	       a->len - a->l3_off + payload_len(b) <= UINT16_MAX &&
	       same_ip(a, b) && same_tcp(a, b);
}

static bool sum_ok(const struct pkt *p)
{
	return p->flags & PKT_F_CSUM_VALID || pkt_csum_l4_ok(p);
}

/* Moves the packet into a large buffer when @n bytes do not fit behind it. */
static bool make_room(struct pkt_pool *pool, struct pkt **at, uint32_t n)
{
	struct pkt *p = *at, *large;

	if (p->tail >= n)
		return true;
	large = pkt_part_get(pool, p, LARGE_ROOM);
	if (!large)
		return false;
	memcpy(large->data, p->data, p->len);
	large->tail += large->len - p->len;
	large->len = p->len;
	large->flags = p->flags;
	large->gso_type = p->gso_type;
	large->gso_size = p->gso_size;
	pkt_put(pool, p);
	*at = large;
	return true;
}

static void append(struct pkt *a, const struct pkt *b)
{
	uint32_t n = payload_len(b);

	a->gso_size = (uint16_t)unit(a);
	a->gso_type = a->l3 == PKT_L3_IP4 ? PKT_GSO_TCP4 : PKT_GSO_TCP6;
	a->tcp_flags |= b->tcp_flags;
	memcpy(a->data + a->len, b->data + b->pay_off, n);
	a->len += n;
	a->tail -= n;
}

/* True: @b became part of *@at. */
static bool join(struct pkt_pool *pool, struct pkt **at, struct head *h,
		 struct pkt *b)
{
	if (!h->open || !follows(*at, b))
		return false;
	h->checked = h->checked || sum_ok(*at);
	h->open = h->checked && make_room(pool, at, payload_len(b));
	if (!h->open || !sum_ok(b))
		return false;
	append(*at, b);
	h->grown = true;
	h->open =
		payload_len(b) == (*at)->gso_size && !(b->tcp_flags & TCP_PSH);
	pkt_put(pool, b);
	return true;
}

/* What depends on the whole length. */
static void finish(struct pkt *p)
{
	uint8_t *ip = pkt_l3(p), *tcp = pkt_l4(p);
	uint32_t len = p->len - p->l3_off;
	uint16_t sum = pkt_csum_pseudo(p, p->len - p->l4_off);

	if (p->l3 == PKT_L3_IP4) {
		be16_set(ip + 2, (uint16_t)len);
		pkt_csum_ip_set(ip, IP4_HLEN);
	} else {
		be16_set(ip + 4, (uint16_t)(len - IP6_HLEN));
	}
	tcp[13] = p->tcp_flags;
	memcpy(tcp + 16, &sum, sizeof(sum));
	p->flags &= (uint8_t)~PKT_F_CSUM_VALID;
	p->flags |= PKT_F_CSUM_PARTIAL;
}

/* The newest of @n packets that is of @p's flow, or @n. */
static uint32_t newest(const struct pkt_batch *b, uint32_t n,
		       const struct pkt *p)
{
	uint32_t last = n > LOOK_BACK ? n - LOOK_BACK : 0;

	for (uint32_t i = n; i > last; i--)
		if (same_flow(b->p[i - 1], p))
			return i - 1;
	return n;
}

void pkt_gro(struct pkt_pool *pool, struct pkt_batch *b)
{
	struct head head[PKT_BATCH];
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		struct pkt *p = b->p[i];
		bool may = plain(p);
		uint32_t at = may ? newest(b, n, p) : n;

		if (at < n && join(pool, &b->p[at], &head[at], p))
			continue;
		head[n] = (struct head){
			.open = may && !(p->tcp_flags & TCP_PSH),
		};
		b->p[n++] = p;
	}
	for (uint32_t i = 0; i < n; i++)
		if (head[i].grown)
			finish(b->p[i]);
	b->n = n;
}
