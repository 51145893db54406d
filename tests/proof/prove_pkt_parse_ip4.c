/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pkt_parse() of IPv4, ARP and frames cut short.  The frame ends where its
 * object ends; known are its length, the header length and the total length,
 * nothing else: not the protocol, not the fragment bits, not the offload flags.
 */
#include "packet/pkt_parse.h"
#include "tests/proof/proof.h"

#define ROOM 112u

static uint8_t room[ROOM];

static struct pkt any_frame(size_t len)
{
	struct pkt p = { .data = room + ROOM - len, .len = (uint32_t)len };

	any_bytes(room, sizeof(room));
	p.flags = (uint8_t)any_size(0, 255);
	p.gso_type = (uint8_t)any_size(0, 255);
	p.gso_size = (uint16_t)any_size(0, 65535);
	return p;
}

static void parse(struct pkt *p, size_t len)
{
	if (pkt_parse(p) != PKT_FORWARD) {
		vw_assert(p->reason < PKT_REASON_N);
		return;
	}
	vw_assert(p->len <= len);
	vw_assert(p->l3_off <= len && p->l4_off <= len && p->pay_off <= len);
	vw_assert(p->kind < PKT_KIND_N && p->l3 < PKT_L3_N);
}

/* Too short for any IP header: all else is open. */
static void prove_short(void)
{
	for (size_t len = 0; len < PKT_ETH_LEN + 20; len++) {
		struct pkt p = any_frame(len);

		parse(&p, len);
	}
}

static void parse_ip4(size_t len, uint8_t first, uint16_t total)
{
	struct pkt p = any_frame(len);

	p.data[12] = 0x08;
	p.data[13] = 0x00;
	p.data[14] = first;
	p.data[16] = (uint8_t)(total >> 8);
	p.data[17] = (uint8_t)total;
	parse(&p, len);
}

/* Headers with and without options before 0 to 28 bytes of payload. */
static void prove_whole(void)
{
	static const uint8_t words[] = { 5, 6, 15 };

	for (size_t i = 0; i < sizeof(words); i++)
		for (size_t n = 0; n <= 28; n++) {
			size_t total = words[i] * 4u + n;

			parse_ip4(PKT_ETH_LEN + total,
				  (uint8_t)(0x40 | words[i]), (uint16_t)total);
		}
}

/* Lengths that lie, with bytes behind the datagram or without. */
static void prove_odd(void)
{
	static const uint16_t totals[] = { 0,  19, 20, 27,  28,
					   47, 48, 49, 512, 65535 };

	for (unsigned int first = 0x40; first <= 0x4f; first++)
		for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++)
			parse_ip4(PKT_ETH_LEN + 48, (uint8_t)first, totals[i]);
	parse_ip4(PKT_ETH_LEN + 48, 0x35, 48);
	parse_ip4(PKT_ETH_LEN + 48, 0x65, 48);
}

int main(void)
{
	prove_short();
	prove_whole();
	prove_odd();
	return 0;
}
