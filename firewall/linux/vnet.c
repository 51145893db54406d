/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>

#include "firewall/linux/vnet.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_cursor.h"

#define ETHERTYPE_IP4 0x0800u
#define ETHERTYPE_IP6 0x86ddu
#define IP6_LEN 40u
#define TCP_CSUM 16u /* offset of the checksum in its header */
#define UDP_CSUM 6u
#define TCP_CWR 0x80u

/* Where an ordinary frame has its transport header; proto 0: it is none. */
struct shape {
	enum pkt_l3 l3;
	uint32_t l4_off;
	uint32_t end; /* by the IP header: what lies behind is padding */
	uint8_t proto;
};

static struct shape shape_of(const struct pkt *p)
{
	struct cur c = cur_of(p->data, p->len);
	struct shape s = { .l3 = PKT_L3_NONE };
	uint16_t type, word, frag = 0;
	uint8_t first;

	cur_skip(&c, 12);
	type = cur_be16(&c);
	first = cur_u8(&c);
	cur_skip(&c, 1);
	word = cur_be16(&c); /* IPv4: its length */
	s.end = PKT_ETH_LEN + word;
	word = cur_be16(&c); /* IPv6: its payload's */
	if (type == ETHERTYPE_IP4 && first >> 4 == 4) {
		s.l3 = PKT_L3_IP4;
		s.l4_off = PKT_ETH_LEN + (first & 15u) * 4u;
		frag = cur_be16(&c) & 0x3fff; /* offset and MF */
		cur_skip(&c, 1);
	} else if (type == ETHERTYPE_IP6) {
		s.l3 = PKT_L3_IP6;
		s.l4_off = PKT_ETH_LEN + IP6_LEN;
		s.end = s.l4_off + word;
	}
	s.proto = cur_u8(&c);
	if (!cur_ok(&c) || s.l3 == PKT_L3_NONE || frag)
		s.proto = 0;
	return s;
}

/* Does the header name the checksum that the parser will find? */
static bool names_checksum(const struct shape *s,
			   const struct virtio_net_hdr *h)
{
	if (h->csum_start != s->l4_off)
		return false;
	return (s->proto == IPPROTO_TCP && h->csum_offset == TCP_CSUM) ||
	       (s->proto == IPPROTO_UDP && h->csum_offset == UDP_CSUM);
}

/* What the sender left to the device: a plain sum from one place to the end. */
static bool finish_checksum(struct pkt *p, const struct virtio_net_hdr *h)
{
	uint32_t start = h->csum_start, field = start + h->csum_offset;
	uint16_t sum;

	if (start < PKT_ETH_LEN || field > p->len || p->len - field < 2)
		return false;
	sum = (uint16_t)~pkt_csum_fold(
		pkt_csum_add(0, p->data + start, p->len - start));
	if (sum == 0) /* the same number; in UDP 0 would mean none */
		sum = 0xffff;
	memcpy(p->data + field, &sum, sizeof(sum));
	return true;
}

static bool take_aggregate(struct pkt *p, const struct virtio_net_hdr *h,
			   const struct shape *s)
{
	bool v4 = (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) ==
		  VIRTIO_NET_HDR_GSO_TCPV4;
	bool v6 = (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) ==
		  VIRTIO_NET_HDR_GSO_TCPV6;
	struct cur c = cur_of(p->data, p->len);
	uint32_t headers;

	if (!(v4 && s->l3 == PKT_L3_IP4) && !(v6 && s->l3 == PKT_L3_IP6))
		return false;
	if (s->proto != IPPROTO_TCP || !h->gso_size ||
	    !(p->flags & PKT_F_CSUM_PARTIAL))
		return false;
	cur_skip(&c, s->l4_off + 12);
	headers = s->l4_off + (uint32_t)(cur_u8(&c) >> 4) * 4u;
	if (!cur_ok(&c) || headers > s->end || s->end > p->len)
		return false;
	if (s->end - headers <= h->gso_size)
		return true; /* one segment is no aggregate */
	p->gso_type = v4 ? PKT_GSO_TCP4 : PKT_GSO_TCP6;
	p->gso_size = h->gso_size;
	return true;
}

bool vnet_recv(struct pkt *p, const struct virtio_net_hdr *h)
{
	struct shape s;

	if (!h->flags && !h->gso_type)
		return true;
	if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		p->flags |= PKT_F_CSUM_VALID;
	s = shape_of(p);
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (names_checksum(&s, h))
			p->flags |= PKT_F_CSUM_PARTIAL;
		else if (!finish_checksum(p, h))
			return false;
	}
	return h->gso_type == VIRTIO_NET_HDR_GSO_NONE ||
	       take_aggregate(p, h, &s);
}

void vnet_send(struct virtio_net_hdr *h, const struct pkt *p)
{
	memset(h, 0, sizeof(*h));
	if (p->flags & PKT_F_CSUM_PARTIAL) {
		h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->csum_start = p->l4_off;
		h->csum_offset = p->proto == IPPROTO_TCP ? TCP_CSUM : UDP_CSUM;
	} else if (p->flags & PKT_F_CSUM_VALID) {
		h->flags = VIRTIO_NET_HDR_F_DATA_VALID;
	}
	if (p->gso_type == PKT_GSO_NONE)
		return;
	h->gso_type = p->gso_type == PKT_GSO_TCP4 ? VIRTIO_NET_HDR_GSO_TCPV4
						  : VIRTIO_NET_HDR_GSO_TCPV6;
	if (p->tcp_flags & TCP_CWR)
		h->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	h->gso_size = p->gso_size;
	h->hdr_len = p->pay_off;
}
