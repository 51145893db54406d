/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/frames.h"

#include <stdlib.h>
#include <string.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_cursor.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"

/* ---- checksums, the slow way ----------------------------------------------
 */

static uint32_t slow_sum(uint32_t sum, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? b[i] : (uint32_t)b[i] << 8;
		while (sum > 0xffff)
			sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* Where things are in a frame that frame_write() made or a test changed. */
struct layout {
	uint8_t *ip, *l4;
	size_t l4_len;
	uint8_t proto;
	bool v6, fragment;
};

static bool find_layout(uint8_t *frame, size_t len, struct layout *x)
{
	uint8_t *b = frame + PKT_ETH_LEN;
	size_t left = len < PKT_ETH_LEN ? 0 : len - PKT_ETH_LEN;

	*x = (struct layout){ .ip = b };
	if (left >= IP4_HLEN && b[0] >> 4 == 4) {
		size_t hlen = (b[0] & 15u) * 4, total = be16_at(b + 2);

		if (hlen < IP4_HLEN || total < hlen || total > left)
			return false;
		x->l4 = b + hlen;
		x->l4_len = total - hlen;
		x->proto = b[9];
		x->fragment = be16_at(b + 6) & 0x3fff;
		return true;
	}
	if (left < IP6_HLEN || b[0] >> 4 != 6 || be16_at(b + 4) > left - 40)
		return false;
	x->v6 = true;
	x->l4 = b + IP6_HLEN;
	x->l4_len = be16_at(b + 4);
	x->proto = b[6];
	while (x->proto == IP_HOPOPT || x->proto == IP_DSTOPTS ||
	       x->proto == IP_ROUTING || x->proto == IP_FRAGMENT) {
		size_t n = x->proto == IP_FRAGMENT ? 8 : x->l4[1] * 8u + 8;

		if (x->l4_len < n)
			return false;
		if (x->proto == IP_FRAGMENT)
			x->fragment |= (be16_at(x->l4 + 2) & 0xfff9) != 0;
		x->proto = x->l4[0];
		x->l4 += n;
		x->l4_len -= n;
	}
	return true;
}

static uint8_t *l4_field(const struct layout *x)
{
	size_t at;

	if (x->fragment)
		return NULL;
	if (x->proto == IP_TCP && x->l4_len >= TCP_HLEN)
		at = 16;
	else if (x->proto == IP_UDP && x->l4_len >= UDP_HLEN)
		at = 6;
	else if (x->proto == (x->v6 ? IP_ICMP6 : IP_ICMP) && x->l4_len >= 4)
		at = 2;
	else
		return NULL;
	return x->l4 + at;
}

static uint32_t pseudo_sum(const struct layout *x)
{
	uint32_t sum = 0;
	size_t len = x->l4_len;
	uint8_t tail[4] = { 0, x->proto };

	if (x->proto == IP_UDP)
		len = be16_at(x->l4 + 4);
	be16_set(tail + 2, (uint16_t)len);
	if (x->proto != IP_ICMP)
		sum = slow_sum(sum, tail, 4);
	if (x->v6)
		return slow_sum(sum, x->ip + 8, 32);
	return x->proto == IP_ICMP ? sum : slow_sum(sum, x->ip + 12, 8);
}

static uint32_t l4_sum(const struct layout *x)
{
	size_t len = x->l4_len;

	if (x->proto == IP_UDP && be16_at(x->l4 + 4) <= len)
		len = be16_at(x->l4 + 4);
	return slow_sum(pseudo_sum(x), x->l4, len);
}

void frame_fix(uint8_t *frame, size_t len)
{
	struct layout x;
	uint8_t *field;
	uint16_t sum;

	if (!find_layout(frame, len, &x))
		return;
	if (!x.v6) {
		be16_set(x.ip + 10, 0);
		sum = (uint16_t)slow_sum(0, x.ip, (size_t)(x.l4 - x.ip));
		be16_set(x.ip + 10, (uint16_t)~sum);
	}
	field = l4_field(&x);
	if (!field)
		return;
	be16_set(field, 0);
	sum = (uint16_t)~l4_sum(&x);
	be16_set(field, x.proto == IP_UDP && !sum ? 0xffff : sum);
}

bool frame_sums_ok(const uint8_t *frame, size_t len)
{
	static uint8_t copy[FRAME_MAX];
	struct layout x;
	const uint8_t *field;

	vw_assert(len <= sizeof(copy));
	memcpy(copy, frame, len);
	if (!find_layout(copy, len, &x))
		return false;
	if (!x.v6 && slow_sum(0, x.ip, (size_t)(x.l4 - x.ip)) != 0xffff)
		return false;
	field = l4_field(&x);
	if (!field)
		return true;
	if (x.proto == IP_UDP && be16_at(field) == 0)
		return !x.v6;
	return l4_sum(&x) == 0xffff;
}

/* ---- writing --------------------------------------------------------------
 */

static struct pkt_addr addr_of(const char *text)
{
	struct pkt_addr a;

	vw_assert(pkt_addr_parse(&a, text, strlen(text)) == 0);
	return a;
}

static void put_mac(struct wcur *w, const char *text)
{
	struct pkt_mac m;

	vw_assert(pkt_mac_parse(&m, text, strlen(text)) == 0);
	wcur_copy(w, m.b, 6);
}

/* Hex, filled up to a multiple of @unit with @pad. */
static void put_hex(struct wcur *w, const char *hex, size_t unit, uint8_t pad)
{
	uint8_t bytes[2048];
	size_t n = hex ? frame_unhex(bytes, sizeof(bytes), hex) : 0;

	wcur_copy(w, bytes, n);
	for (; n % unit; n++)
		wcur_u8(w, pad);
}

static size_t put_ip(uint8_t *out, size_t room, const struct frame_spec *s);

static void put_payload(struct wcur *w, const struct frame_spec *s)
{
	if (s->quote) {
		uint8_t *whole = malloc(FRAME_MAX);
		size_t n = whole ? put_ip(whole, FRAME_MAX, s->quote) : 0;

		vw_assert(n && s->quote_len <= n);
		wcur_copy(w, whole, s->quote_len ? s->quote_len : n);
		free(whole);
	} else if (s->hex) {
		put_hex(w, s->hex, 1, 0);
	} else if (s->payload) {
		wcur_copy(w, s->payload, s->payload_len);
	} else {
		for (size_t i = 0; i < s->payload_len; i++)
			wcur_u8(w, (uint8_t)i);
	}
}

static void put_tcp(struct wcur *w, const struct frame_spec *s)
{
	uint8_t *h = w->p;

	wcur_be16(w, s->sport ? s->sport : 40000);
	wcur_be16(w, s->dport ? s->dport : 80);
	wcur_be32(w, s->seq);
	wcur_be32(w, s->ack);
	wcur_u8(w, 0);
	wcur_u8(w, s->flags ? s->flags : TCP_ACK);
	wcur_be16(w, s->window ? s->window : 65535);
	wcur_be16(w, 0);
	wcur_be16(w, s->urgent);
	put_hex(w, s->tcp_options, 4, 1);
	h[12] = (uint8_t)((w->p - h) / 4 << 4);
	put_payload(w, s);
}

static void put_udp(struct wcur *w, const struct frame_spec *s)
{
	uint8_t *h = w->p;

	wcur_be16(w, s->sport ? s->sport : 40000);
	wcur_be16(w, s->dport ? s->dport : 80);
	wcur_be32(w, 0);
	put_payload(w, s);
	be16_set(h + 4, (uint16_t)(w->p - h));
}

static void put_icmp(struct wcur *w, const struct frame_spec *s, bool v6)
{
	bool mtu = s->icmp_mtu != 0;

	wcur_u8(w, s->type || s->type_zero ? s->type : v6 ? 128 : 8);
	wcur_u8(w, s->code);
	wcur_be16(w, 0);
	wcur_be16(w, mtu ? 0 : s->icmp_id);
	wcur_be16(w, mtu ? s->icmp_mtu : s->icmp_seq);
	put_payload(w, s);
}

static void put_l4(struct wcur *w, const struct frame_spec *s, bool v6)
{
	if (s->raw || s->frag_off)
		put_payload(w, s);
	else if (s->proto == IP_TCP)
		put_tcp(w, s);
	else if (s->proto == IP_UDP || !s->proto)
		put_udp(w, s);
	else if (s->proto == (v6 ? IP_ICMP6 : IP_ICMP))
		put_icmp(w, s, v6);
	else
		put_payload(w, s);
}

static void put_ip4(struct wcur *w, const struct frame_spec *s,
		    const struct pkt_addr *src, const struct pkt_addr *dst)
{
	uint8_t *h = w->p;

	vw_assert(s->frag_off % 8 == 0);
	wcur_u8(w, 0);
	wcur_u8(w, s->tos);
	wcur_be16(w, 0);
	wcur_be16(w, s->id);
	wcur_be16(w, (uint16_t)((s->df ? IP4_DF : 0) | (s->mf ? IP4_MF : 0) |
				s->frag_off / 8));
	wcur_u8(w, s->ttl ? s->ttl : 64);
	wcur_u8(w, s->proto ? s->proto : IP_UDP);
	wcur_be16(w, 0);
	wcur_copy(w, src->b + 12, 4);
	wcur_copy(w, dst->b + 12, 4);
	put_hex(w, s->ip_options, 4, 0);
	h[0] = (uint8_t)(0x40 | (w->p - h) / 4);
	put_l4(w, s, false);
	be16_set(h + 2, (uint16_t)(w->p - h));
}

/* Makes the last of the headers at @h say what follows. */
static void end_ext(uint8_t *h, const uint8_t *end, uint8_t next)
{
	while (h + 8 * h[1] + 8 < end)
		h += 8 * h[1] + 8;
	h[0] = next;
}

static void put_ip6(struct wcur *w, const struct frame_spec *s,
		    const struct pkt_addr *src, const struct pkt_addr *dst)
{
	bool frag = s->frag6 || s->mf || s->frag_off;
	uint8_t proto = s->proto ? s->proto : IP_UDP;
	uint8_t after_ext = frag ? IP_FRAGMENT : proto;
	uint8_t *h = w->p, *ext;

	vw_assert(s->frag_off % 8 == 0);
	wcur_be32(w, 6u << 28 | (uint32_t)s->tos << 20);
	wcur_be16(w, 0);
	wcur_u8(w, s->ext ? s->ext_type : after_ext);
	wcur_u8(w, s->ttl ? s->ttl : 64);
	wcur_copy(w, src->b, 16);
	wcur_copy(w, dst->b, 16);
	ext = w->p;
	put_hex(w, s->ext, 8, 0);
	if (s->ext)
		end_ext(ext, w->p, after_ext);
	if (frag) {
		wcur_u8(w, proto);
		wcur_u8(w, 0);
		wcur_be16(w, (uint16_t)(s->frag_off | (s->mf ? 1 : 0)));
		wcur_be32(w, s->frag_id);
	}
	put_l4(w, s, true);
	be16_set(h + 4, (uint16_t)(w->p - h - IP6_HLEN));
}

/* Checksums of the IP packet at @ip, as @s wants them. */
static void finish(uint8_t *frame, size_t len, const struct frame_spec *s)
{
	struct layout x;
	uint8_t *field;

	frame_fix(frame, len);
	if (!find_layout(frame, len, &x))
		return; /* malformed on purpose */
	field = l4_field(&x);
	if (field && s->udp_csum_none)
		be16_set(field, 0);
	if (field && (s->partial || s->gso_size))
		be16_set(field, (uint16_t)pseudo_sum(&x));
}

size_t frame_write(uint8_t *out, const struct frame_spec *s)
{
	struct pkt_addr src = addr_of(s->src ? s->src : "10.0.0.2");
	struct pkt_addr dst = addr_of(s->dst ? s->dst : "192.0.2.1");
	bool v6 = !pkt_addr_is_v4(&src);
	struct wcur w = wcur_of(out, FRAME_MAX);
	size_t len;

	vw_assert(pkt_addr_is_v4(&dst) == !v6);
	put_mac(&w, s->dst_mac ? s->dst_mac : FRAME_MAC_B);
	put_mac(&w, s->src_mac ? s->src_mac : FRAME_MAC_A);
	wcur_be16(&w, v6 ? ETH_TYPE_IP6 : ETH_TYPE_IP4);
	if (v6)
		put_ip6(&w, s, &src, &dst);
	else
		put_ip4(&w, s, &src, &dst);
	vw_assert(wcur_ok(&w));
	len = (size_t)(w.p - out);
	vw_assert(len - PKT_ETH_LEN <= 65535);
	finish(out, len, s);
	return len;
}

static size_t put_ip(uint8_t *out, size_t room, const struct frame_spec *s)
{
	uint8_t *whole = malloc(FRAME_MAX);
	size_t n;

	vw_assert(whole != NULL);
	n = frame_write(whole, s) - PKT_ETH_LEN;
	vw_assert(n <= room);
	memcpy(out, whole + PKT_ETH_LEN, n);
	free(whole);
	return n;
}

/* ---- packets --------------------------------------------------------------
 */

/* What a port would say about the frame at p->data beside its bytes. */
static void set_offload(struct pkt *p, const struct frame_spec *s)
{
	if (s->partial || s->gso_size)
		p->flags |= PKT_F_CSUM_PARTIAL;
	if (!s->gso_size)
		return;
	p->gso_size = s->gso_size;
	p->gso_type =
		p->data[PKT_ETH_LEN] >> 4 == 4 ? PKT_GSO_TCP4 : PKT_GSO_TCP6;
}

struct pkt *frame_make(struct pkt_pool *pool, const struct frame_spec *s)
{
	uint8_t *out = malloc(FRAME_MAX);
	struct pkt *p;

	vw_assert(out != NULL);
	p = frame_bytes(pool, out, frame_write(out, s));
	free(out);
	if (p)
		set_offload(p, s);
	return p;
}

static enum pkt_reason judge(struct pkt *p)
{
	return pkt_parse(p) == PKT_FORWARD ? PKT_REASON_NONE
					   : (enum pkt_reason)p->reason;
}

enum pkt_reason frame_judge_bytes(const uint8_t *frame, size_t len,
				  struct pkt *out)
{
	struct pkt p = { .data = malloc(len ? len : 1), .len = (uint32_t)len };
	enum pkt_reason why;

	vw_assert(p.data != NULL);
	memcpy(p.data, frame, len);
	why = judge(&p);
	free(p.data);
	p.data = NULL;
	if (out)
		*out = p;
	return why;
}

enum pkt_reason frame_judge(const struct frame_spec *s, struct pkt *out)
{
	uint8_t *frame = malloc(FRAME_MAX);
	struct pkt p = { .data = frame };
	enum pkt_reason why;

	vw_assert(frame != NULL);
	p.len = (uint32_t)frame_write(frame, s);
	p.data = realloc(frame, p.len);
	vw_assert(p.data != NULL);
	set_offload(&p, s);
	why = judge(&p);
	free(p.data);
	p.data = NULL;
	if (out)
		*out = p;
	return why;
}

struct pkt *frame_parsed(struct pkt_pool *pool, const struct frame_spec *s)
{
	struct pkt *p = frame_make(pool, s);

	if (p && pkt_parse(p) != PKT_FORWARD) {
		fprintf(stderr, "frame refused: %s\n",
			pkt_reason_text((enum pkt_reason)p->reason));
		frame_dump(stderr, p->data, p->len);
		vw_panic(__FILE__, __LINE__, "a frame that does not parse");
	}
	return p;
}

struct pkt *frame_ip_hex(struct pkt_pool *pool, const char *hex)
{
	static uint8_t bytes[FRAME_MAX];
	struct wcur w = wcur_of(bytes, PKT_ETH_LEN);
	size_t n = frame_unhex(bytes + PKT_ETH_LEN, sizeof(bytes) - PKT_ETH_LEN,
			       hex);

	vw_assert(n > 0);
	put_mac(&w, FRAME_MAC_B);
	put_mac(&w, FRAME_MAC_A);
	wcur_be16(&w,
		  bytes[PKT_ETH_LEN] >> 4 == 6 ? ETH_TYPE_IP6 : ETH_TYPE_IP4);
	return frame_bytes(pool, bytes, PKT_ETH_LEN + n);
}

struct pkt *frame_arp(struct pkt_pool *pool, const struct frame_arp *s)
{
	const char *src = s->src_mac ? s->src_mac : FRAME_MAC_A;
	struct pkt_addr spa = addr_of(s->spa ? s->spa : "10.0.0.2");
	struct pkt_addr tpa = addr_of(s->tpa ? s->tpa : "10.0.0.1");
	uint8_t out[42];
	struct wcur w = wcur_of(out, sizeof(out));

	put_mac(&w, s->dst_mac ? s->dst_mac : "ff:ff:ff:ff:ff:ff");
	put_mac(&w, src);
	wcur_be16(&w, ETH_TYPE_ARP);
	wcur_be16(&w, 1);
	wcur_be16(&w, ETH_TYPE_IP4);
	wcur_u8(&w, 6);
	wcur_u8(&w, 4);
	wcur_be16(&w, s->op ? s->op : 1);
	put_mac(&w, s->sha ? s->sha : src);
	wcur_copy(&w, spa.b + 12, 4);
	put_mac(&w, s->tha ? s->tha : "00:00:00:00:00:00");
	wcur_copy(&w, tpa.b + 12, 4);
	vw_assert(wcur_ok(&w));
	return frame_bytes(pool, out, sizeof(out));
}

struct pkt *frame_nd(struct pkt_pool *pool, const struct frame_nd *s)
{
	struct frame_spec ip = s->ip;
	uint8_t body[1024];
	struct wcur w = wcur_of(body, sizeof(body));

	ip.proto = IP_ICMP6;
	ip.type = ip.type ? ip.type : ICMP6_NEIGH_SOLICIT;
	ip.ttl = ip.ttl ? ip.ttl : 255;
	ip.icmp_id = (uint16_t)(s->bits >> 16);
	ip.icmp_seq = (uint16_t)s->bits;
	if (s->target) {
		struct pkt_addr target = addr_of(s->target);

		wcur_copy(&w, target.b, 16);
	}
	if (s->lladdr) {
		wcur_u8(&w, ip.type == ICMP6_NEIGH_ADVERT ? 2 : 1);
		wcur_u8(&w, 1);
		put_mac(&w, s->lladdr);
	}
	put_hex(&w, s->options, 1, 0);
	vw_assert(wcur_ok(&w));
	ip.payload = body;
	ip.payload_len = (size_t)(w.p - body);
	return frame_make(pool, &ip);
}
