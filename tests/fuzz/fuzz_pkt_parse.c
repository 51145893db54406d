/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One frame through the parser, and through everything that trusts what the
 * parser said.  First byte: offload flags; second: gso_type; two more:
 * gso_size.
 */
#include "packet/pkt_csum.h"
#include "packet/pkt_cut.h"
#include "packet/pkt_parse.h"
#include "packet/pkt_seg.h"
#include "tests/fuzz/fuzz.h"

#define SMALL 64u
#define LARGE 8u

static struct pkt_pool *pool;

/* What struct pkt promises after pkt_parse(). */
static void check_offsets(const struct pkt *p)
{
	vw_assert(p->l3_off == PKT_ETH_LEN);
	if (p->l3 == PKT_L3_ARP)
		return;
	vw_assert(p->l3 == PKT_L3_IP4 || p->l3 == PKT_L3_IP6);
	vw_assert(p->l3_off < p->l4_off);
	vw_assert(p->l4_off <= p->pay_off);
	vw_assert(p->pay_off <= p->len);
	vw_assert(!(p->flags & PKT_F_FRAG) || p->kind == PKT_KIND_NONE);
	if (p->kind == PKT_KIND_TCP)
		vw_assert(p->pay_off - p->l4_off >= 20);
	if (p->kind == PKT_KIND_TCP || p->kind == PKT_KIND_UDP)
		vw_assert(p->sport && p->dport);
}

static void give_back(struct pkt_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		pkt_put(pool, b->p[i]);
	b->n = 0;
}

/* Every piece that is cut is one that our own parser takes. */
static void cut(struct pkt *p)
{
	struct pkt_batch b = { 0 };
	int at = 0, all;

	if (p->gso_type != PKT_GSO_NONE) {
		all = (int)pkt_seg_count(p);
		while (at >= 0 && at < all) {
			at = pkt_seg_cut(pool, p, (uint32_t)at, &b);
			for (uint32_t i = 0; i < b.n; i++)
				vw_assert(pkt_csum_l4_ok(b.p[i]));
			give_back(&b);
		}
	} else if (pkt_fit(p, 1280) == PKT_FIT_CUT) {
		pkt_csum_complete(p);
		all = (int)pkt_cut_count(p, 1280);
		while (at >= 0 && at < all) {
			at = pkt_cut(pool, p, 1280, 7, (uint32_t)at, &b);
			for (uint32_t i = 0; i < b.n; i++)
				vw_assert(pkt_parse(b.p[i]) == PKT_FORWARD);
			give_back(&b);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct feed f = { data, len };
	struct pkt_quote q;
	struct pkt p;
	uint8_t flags = feed_u8(&f), gso = feed_u8(&f);
	uint16_t size = feed_u16(&f);

	if (!pool)
		pool = pkt_pool_init(fuzz_room(pkt_pool_size(SMALL, LARGE)),
				     pkt_pool_size(SMALL, LARGE), SMALL, LARGE);
	if (f.left > PKT_LARGE - PKT_HEADROOM)
		return 0;
	p = fuzz_pkt(f.p, f.left);
	p.flags = flags & (PKT_F_CSUM_PARTIAL | PKT_F_CSUM_VALID);
	p.gso_type = gso % PKT_GSO_N;
	p.gso_size = p.gso_type == PKT_GSO_NONE ? 0 : size;
	if (pkt_parse(&p) == PKT_FORWARD) {
		check_offsets(&p);
		if (p.kind == PKT_KIND_ICMP_ERROR)
			pkt_parse_quote(&p, &q);
		if (p.l3 != PKT_L3_ARP && !(p.flags & PKT_F_FRAG))
			cut(&p);
	} else {
		vw_assert(p.reason != PKT_REASON_NONE);
		vw_assert(p.reason < PKT_REASON_N);
	}
	free(p.data);
	return 0;
}
