/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One frame, and all that the firewall could say about it.  Input as for
 * fuzz_pkt_parse: offload flags, gso_type, gso_size (2 bytes), frame.
 *
 * What must hold: reading twice gives the same; what we build passes our own
 * parser, has right checksums, quotes the packet and nothing else, holds no
 * byte that was in the buffer before; no buffer is lost.
 */
#include <stdlib.h>
#include <string.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_build.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"

#define BUFFERS 4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct pkt_pool *pool;

static const struct pkt_eth eth = { .src = { { 2, 0, 0, 0, 0, 1 } },
				    .dst = { { 2, 0, 0, 0, 0, 2 } } };

static const uint8_t gateway4[4] = { 10, 137, 255, 254 };
static const uint8_t gateway6[16] = { 0xfd, 9, [15] = 0xfe };

static struct pkt_addr gateway(const struct pkt *p)
{
	return p->l3 == PKT_L3_IP4 ? pkt_addr_v4(gateway4)
				   : pkt_addr_v6(gateway6);
}

/* The bytes that the next buffer holds before it is filled. */
static void stain(uint8_t with)
{
	struct pkt *p = pkt_get(pool, 1);

	memset(p->data - p->head, with, p->head + p->tail);
	pkt_put(pool, p);
}

/* Parses again and finds the same; checksums are right. */
static void check_built(const struct pkt *out)
{
	struct pkt again = *out;

	vw_assert(pkt_parse(&again) == PKT_FORWARD);
	vw_assert(!memcmp(&again, out, sizeof(again)));
	vw_assert(out->l3 == PKT_L3_ARP || pkt_csum_l4_ok(out));
	vw_assert(!(out->flags & (PKT_F_CSUM_PARTIAL | PKT_F_FRAG)));
}

static void check_error(const struct pkt *p, enum pkt_err err)
{
	struct pkt_addr from = gateway(p), src = pkt_src(p);
	uint8_t first[2048];
	struct pkt_quote q;
	struct pkt *e;

	for (int round = 0; round < 2; round++) {
		stain(round ? 0xff : 0);
		e = pkt_build_error(pool, &eth, &from, p, err, 1400);
		vw_assert(!e || pkt_err_allowed(p, err));
		if (!e)
			return;
		vw_assert(!round || !memcmp(first, e->data, e->len));
		vw_assert(e->len <= sizeof(first));
		memcpy(first, e->data, e->len);
		check_built(e);
		vw_assert(e->kind == PKT_KIND_ICMP_ERROR);
		vw_assert(e->len <= 14u + (p->l3 == PKT_L3_IP4 ? 576 : 1280));
		vw_assert(e->len - e->pay_off <= p->len - p->l3_off);
		vw_assert(!memcmp(e->data + e->pay_off, p->data + p->l3_off,
				  e->len - e->pay_off));
		vw_assert(!pkt_err_allowed(e, err)); /* never about an error */
		if (pkt_parse_quote(e, &q))
			vw_assert(pkt_addr_eq(&q.src, &src) &&
				  q.sport == p->sport && q.dport == p->dport);
		pkt_put(pool, e);
	}
}

static void check_rst(const struct pkt *p)
{
	struct pkt *r;

	stain(0xee);
	r = pkt_build_rst(pool, &eth, p);
	if (!r)
		return;
	vw_assert(p->kind == PKT_KIND_TCP && !(p->tcp_flags & TCP_RST));
	check_built(r);
	vw_assert(r->kind == PKT_KIND_TCP && r->tcp_flags & TCP_RST);
	vw_assert(r->sport == p->dport && r->dport == p->sport);
	vw_assert(r->len == r->pay_off);
	vw_assert(!pkt_build_rst(pool, &eth, r)); /* never about a reset */
	pkt_put(pool, r);
}

static void check_arp(const struct pkt *p)
{
	struct pkt_arp arp, back;
	struct pkt *out;

	if (!pkt_parse_arp(p, &arp))
		return;
	vw_assert(p->len >= 42 && (arp.op == 1 || arp.op == 2));
	out = pkt_build_arp(pool, &eth, &arp);
	check_built(out);
	vw_assert(!memcmp(out->data + 14, p->data + 14, 28));
	vw_assert(pkt_parse_arp(out, &back));
	pkt_put(pool, out);
}

static void check_nd(const struct pkt *p)
{
	struct pkt_addr src = pkt_src(p), from = gateway(p);
	struct pkt_nd nd, back;
	struct pkt *out;

	if (!pkt_parse_nd(p, &nd))
		return;
	vw_assert(p->kind == PKT_KIND_ND);
	if (nd.type != ICMP6_NEIGH_SOLICIT || pkt_addr_is_zero(&src))
		return;
	nd.type = ICMP6_NEIGH_ADVERT;
	nd.solicited = nd.override = true;
	nd.has_lladdr = true;
	nd.lladdr = eth.src;
	out = pkt_build_nd(pool, &eth, &from, &src, &nd);
	if (!out)
		return;
	check_built(out);
	vw_assert(pkt_parse_nd(out, &back));
	vw_assert(pkt_addr_eq(&back.target, &nd.target));
	pkt_put(pool, out);
}

/* The address edit of a translation, twice: there and back. */
static void check_edit(struct pkt *p)
{
	uint8_t *at = pkt_l3(p) + (p->l3 == PKT_L3_IP4 ? 12 : 8);
	size_t n = p->l3 == PKT_L3_IP4 ? 4 : 16;
	bool partial = p->flags & PKT_F_CSUM_PARTIAL;
	uint8_t was[16], other[16], *field = pkt_csum_field(p);
	struct pkt_csum_delta d = { 0 };

	if (!field || (p->l3 == PKT_L3_IP4 && p->proto == IP_ICMP))
		return;
	if (!partial)
		pkt_csum_l4_set(p);
	memcpy(was, at, n);
	for (size_t i = 0; i < n; i++)
		other[i] = (uint8_t)(was[i] * 3 + 1);
	pkt_csum_change(&d, was, other, n);
	memcpy(at, other, n);
	if (partial) {
		pkt_csum_apply_partial(&d, field);
		vw_assert(pkt_csum_l4_ok(p));
	} else if (p->kind == PKT_KIND_UDP) {
		pkt_csum_apply_udp(&d, field);
		vw_assert(pkt_csum_l4_ok(p) && be16_at(field) != 0);
	} else {
		pkt_csum_apply(&d, field);
		vw_assert(pkt_csum_l4_ok(p));
	}
	memcpy(at, was, n);
}

static void check_echo(struct pkt *p)
{
	if (p->kind != PKT_KIND_ICMP_QUERY ||
	    p->icmp_type != (p->l3 == PKT_L3_IP4 ? ICMP_ECHO : ICMP6_ECHO))
		return;
	pkt_build_echo_reply(p, &eth);
	check_built(p);
	vw_assert(p->kind == PKT_KIND_ICMP_REPLY);
}

static void check_frame(struct pkt *p)
{
	struct pkt again = *p;
	uint32_t small_n, large_n;

	vw_assert(pkt_parse(&again) == PKT_FORWARD);
	vw_assert(!memcmp(&again, p, sizeof(again)));
	if (p->l3 == PKT_L3_ARP) {
		check_arp(p);
		return;
	}
	for (int err = 0; err < PKT_ERR_N; err++)
		check_error(p, (enum pkt_err)err);
	check_rst(p);
	if (p->l3 == PKT_L3_IP6)
		check_nd(p);
	/* From here on the frame is changed. */
	check_echo(p);
	check_edit(p);
	pkt_csum_complete(p);
	pkt_csum_l4_set(p);
	vw_assert(pkt_csum_l4_ok(p));
	pkt_pool_free_n(pool, &small_n, &large_n);
	vw_assert(small_n == BUFFERS && large_n == 0);
}

/*
 * Parses; where only a checksum stands in the way, which random changes never
 * get right, that is put right first.
 */
static enum pkt_verdict parse_repaired(struct pkt *p)
{
	enum pkt_verdict v = pkt_parse(p);

	if (v == PKT_DROP && p->reason == PKT_REASON_IP_CSUM) {
		pkt_csum_ip_set(p->data + 14, (p->data[14] & 15u) * 4);
		v = pkt_parse(p);
		vw_assert(v != PKT_DROP || p->reason != PKT_REASON_IP_CSUM);
	}
	if (v == PKT_DROP && p->reason == PKT_REASON_ICMP_CSUM) {
		pkt_csum_l4_set(p);
		v = pkt_parse(p);
		vw_assert(v != PKT_DROP || p->reason != PKT_REASON_ICMP_CSUM);
	}
	return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pkt p = { 0 };

	if (len < 4 || len > PKT_LARGE)
		return 0;
	if (!pool) {
		size_t size = pkt_pool_size(BUFFERS, 0);

		pool = pkt_pool_init(aligned_alloc(PKT_ARENA_ALIGN, size), size,
				     BUFFERS, 0);
	}
	/* A block of exactly the frame's size: the sanitizer sees each step
	 * outside. */
	p.len = (uint32_t)len - 4;
	p.data = malloc(p.len ? p.len : 1);
	vw_assert(p.data != NULL);
	memcpy(p.data, data + 4, p.len);
	p.flags = data[0] & (PKT_F_CSUM_PARTIAL | PKT_F_CSUM_VALID);
	p.gso_type = data[1] % PKT_GSO_N;
	p.gso_size = be16_at(data + 2);
	if (parse_repaired(&p) == PKT_FORWARD)
		check_frame(&p);
	else
		vw_assert(p.reason > PKT_REASON_NONE &&
			  p.reason < PKT_REASON_N);
	free(p.data);
	return 0;
}
