/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sums over the last bytes of an object, at every length up to N, touch nothing
 * behind it; folding yields 16 bits; updates touch the field alone.
 */
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "tests/proof/proof.h"

#define N 80u

static uint8_t bytes[N];

static void prove_sums(void)
{
	for (size_t len = 0; len <= N; len++) {
		any_bytes(bytes, sizeof(bytes));
		(void)pkt_csum_fold(pkt_csum_add(0, bytes + N - len, len));
	}
}

static void prove_ip_headers(void)
{
	for (size_t len = 20; len <= 60; len += 4) {
		any_bytes(bytes, sizeof(bytes));
		(void)pkt_csum_ip_ok(bytes + N - len, len);
		pkt_csum_ip_set(bytes + N - len, len);
	}
}

static void prove_updates(void)
{
	uint8_t from[16], to[16], field[2];

	for (size_t len = 0; len <= 16; len += 2) {
		struct pkt_csum_delta d = { 0 };

		any_bytes(from, sizeof(from));
		any_bytes(to, sizeof(to));
		any_bytes(field, sizeof(field));
		pkt_csum_change(&d, from + 16 - len, to + 16 - len, len);
		pkt_csum_change16(&d, (uint16_t)any_size(0, 65535),
				  (uint16_t)any_size(0, 65535));
		pkt_csum_apply(&d, field);
		pkt_csum_apply_udp(&d, field);
		pkt_csum_apply_icmp4(&d, field);
		pkt_csum_apply_partial(&d, field);
	}
}

/* A parsed packet of @kind with @l4 bytes behind its header. */
static void prove_packet(uint8_t l3, uint8_t proto, uint8_t kind, size_t l4)
{
	size_t hlen = l3 == PKT_L3_IP4 ? 20 : 40;
	struct pkt p = { .data = bytes + N - PKT_ETH_LEN - hlen - l4,
			 .l3 = l3,
			 .proto = proto,
			 .kind = kind,
			 .l3_off = PKT_ETH_LEN };

	any_bytes(bytes, sizeof(bytes));
	p.len = (uint32_t)(PKT_ETH_LEN + hlen + l4);
	p.l4_off = (uint16_t)(p.len - l4);
	if (kind == PKT_KIND_UDP) {
		p.data[p.l4_off + 4] = 0;
		p.data[p.l4_off + 5] = (uint8_t)l4;
	}
	(void)pkt_csum_l4_ok(&p);
	pkt_csum_l4_set(&p);
	p.flags = PKT_F_CSUM_PARTIAL;
	if (kind == PKT_KIND_TCP || kind == PKT_KIND_UDP)
		pkt_csum_complete(&p);
}

int main(void)
{
	prove_sums();
	prove_ip_headers();
	prove_updates();
	for (size_t more = 0; more < 12; more++) {
		prove_packet(PKT_L3_IP4, IP_TCP, PKT_KIND_TCP, 20 + more);
		prove_packet(PKT_L3_IP4, IP_UDP, PKT_KIND_UDP, 8 + more);
		prove_packet(PKT_L3_IP4, IP_ICMP, PKT_KIND_OTHER, 8 + more);
		prove_packet(PKT_L3_IP6, IP_TCP, PKT_KIND_TCP, 20 + more);
		prove_packet(PKT_L3_IP6, IP_UDP, PKT_KIND_UDP, 8 + more);
		prove_packet(PKT_L3_IP6, IP_ICMP6, PKT_KIND_ND, 8 + more);
		prove_packet(PKT_L3_IP6, IP_ESP, PKT_KIND_OTHER, more);
	}
	return 0;
}
