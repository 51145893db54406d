/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_seg.h"

#include <string.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_part.h"

static uint32_t payload_len(const struct pkt *p)
{
	return pkt_end(p) - p->pay_off;
}

uint32_t pkt_seg_wire_len(const struct pkt *p)
{
	uint32_t len = pkt_end(p) - p->l3_off;

	if (p->gso_size && payload_len(p) > p->gso_size)
		len -= payload_len(p) - p->gso_size;
	return len;
}

uint32_t pkt_seg_count(const struct pkt *p)
{
	if (!p->gso_size || payload_len(p) <= p->gso_size)
		return 1;
	return (payload_len(p) + p->gso_size - 1) / p->gso_size;
}

/* Lengths, and for IPv4 the id: the aggregate's for the first segment. */
static void set_ip(struct pkt *s, uint32_t i)
{
	uint8_t *ip = pkt_l3(s);
	uint32_t len = pkt_end(s) - s->l3_off;

	if (s->l3 == PKT_L3_IP6) {
		be16_set(ip + 4, (uint16_t)(len - IP6_HLEN));
		return;
	}
	be16_set(ip + 2, (uint16_t)len);
	be16_set(ip + 4, (uint16_t)(be16_at(ip + 4) + i));
	pkt_csum_ip_set(ip, (size_t)(s->l4_off - s->l3_off));
}

static void set_tcp(struct pkt *s, uint32_t seq_off, bool first, bool last)
{
	uint8_t *tcp = pkt_l4(s);

	be32_set(tcp + 4, be32_at(tcp + 4) + seq_off);
	if (!last)
		tcp[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (!first)
		tcp[13] &= (uint8_t)~TCP_CWR;
	s->tcp_flags = tcp[13];
	pkt_csum_l4_set(s);
}

static struct pkt *segment(struct pkt_pool *pool, const void *plan, uint32_t i)
{
	const struct pkt *p = plan;
	uint32_t off = i * p->gso_size, n = payload_len(p) - off;
	bool last = n <= p->gso_size;
	struct pkt *s;

	if (!last)
		n = p->gso_size;
	s = pkt_part_get(pool, p, p->pay_off + n);
	if (!s)
		return NULL;
	memcpy(s->data, p->data, p->pay_off);
	memcpy(s->data + p->pay_off, p->data + p->pay_off + off, n);
	set_ip(s, i);
	set_tcp(s, off, i == 0, last);
	return s;
}

int pkt_seg_cut(struct pkt_pool *pool, const struct pkt *p, uint32_t first,
		struct pkt_batch *out)
{
	vw_assert(p->gso_size && p->flags & PKT_F_CSUM_PARTIAL);
	return pkt_part_fill(pool, segment, p, first, pkt_seg_count(p), out);
}
