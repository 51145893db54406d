/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_csum.h"
#include "packet/pkt_parse.h"
#include "xen/net/offload.h"

/* An IP packet has less than 64 KiB. */
static_assert(65535u / OFFLOAD_MSS_MIN < OFFLOAD_SEGS_MAX, "floods");

/* @q is @p, parsed: may it be cut into segments? */
static bool can_be_cut(const struct pkt *p, const struct pkt *q)
{
	/* the aggregate is the whole frame, or its sizes mean nothing */
	return q->kind == PKT_KIND_TCP && q->len == p->len;
}

static bool take_aggregate(struct pkt *p, bool blank)
{
	struct pkt q;
	uint16_t sum;

	p->flags |= PKT_F_CSUM_PARTIAL;
	q = *p;
	if (pkt_parse(&q) != PKT_FORWARD)
		return q.reason != PKT_REASON_GSO_BAD;
	if (!can_be_cut(p, &q))
		return false;
	if (q.len - q.pay_off <= p->gso_size) {
		p->gso_type = PKT_GSO_NONE;
		p->gso_size = 0;
	}
	if (!blank) {
		sum = pkt_csum_pseudo(&q, q.len - q.l4_off);
		memcpy(pkt_csum_field(&q), &sum, sizeof(sum));
	}
	return true;
}

bool offload_take(struct pkt *p, const struct offload *o)
{
	if (o->blank)
		p->flags |= PKT_F_CSUM_PARTIAL;
	else if (o->validated)
		p->flags |= PKT_F_CSUM_VALID;
	if (!o->gso)
		return true;
	if (o->gso_type == NETIF_GSO_TCP4)
		p->gso_type = PKT_GSO_TCP4;
	else if (o->gso_type == NETIF_GSO_TCP6)
		p->gso_type = PKT_GSO_TCP6;
	else
		return false;
	if (o->gso_size < OFFLOAD_MSS_MIN)
		return false;
	p->gso_size = o->gso_size;
	p->flags &= (uint8_t)~PKT_F_CSUM_VALID;
	return take_aggregate(p, o->blank);
}

uint16_t offload_tx_flags(const struct pkt *p)
{
	if (p->flags & PKT_F_CSUM_PARTIAL)
		return NETTX_CSUM_BLANK | NETTX_DATA_VALIDATED;
	return p->flags & PKT_F_CSUM_VALID ? NETTX_DATA_VALIDATED : 0;
}

uint16_t offload_rx_flags(const struct pkt *p)
{
	if (p->flags & PKT_F_CSUM_PARTIAL)
		return NETRX_CSUM_BLANK | NETRX_DATA_VALIDATED;
	return p->flags & PKT_F_CSUM_VALID ? NETRX_DATA_VALIDATED : 0;
}

struct netif_extra offload_extra(const struct pkt *p)
{
	return (struct netif_extra){
		.type = NETIF_EXTRA_GSO,
		.gso_size = p->gso_size,
		.gso_type = p->gso_type == PKT_GSO_TCP4 ? NETIF_GSO_TCP4
							: NETIF_GSO_TCP6,
	};
}
