/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pkt_parse() of IPv6.  Known are the lengths and which headers follow each
 * other; unknown are addresses, transport header and payload,
 * and the offload flags.  The options inside headers are proved apart.
 */
#include "packet/pkt_parse.h"
#include "packet/pkt_parse_ip.h"
#include "tests/proof/proof.h"

#define ROOM 128u

static uint8_t room[ROOM];

enum { NONE, HOP, DST, DST_LONG, ATOMIC, FIRST, LATER, SHAPE_N };

struct chain {
	uint8_t shape[2];
};

static const struct chain chains[] = {
	{ { NONE, NONE } },    { { HOP, NONE } },   { { DST_LONG, NONE } },
	{ { HOP, DST } },      { { DST, HOP } },    { { ATOMIC, NONE } },
	{ { FIRST, NONE } },   { { LATER, NONE } }, { { HOP, FIRST } },
	{ { ATOMIC, DST } },   { { FIRST, DST } },  { { LATER, DST } },
	{ { ATOMIC, FIRST } },
};

static const uint8_t type_of[SHAPE_N] = {
	[HOP] = IP_HOPOPT,	[DST] = IP_DSTOPTS,    [DST_LONG] = IP_DSTOPTS,
	[ATOMIC] = IP_FRAGMENT, [FIRST] = IP_FRAGMENT, [LATER] = IP_FRAGMENT
};

static size_t len_of(unsigned int shape)
{
	return shape == NONE ? 0 : shape == DST_LONG ? 16 : 8;
}

/* Header @shape at @h, padded with one PadN, before header @next. */
static void put_header(uint8_t *h, unsigned int shape, uint8_t next)
{
	if (shape == NONE)
		return;
	h[0] = next;
	if (type_of[shape] == IP_FRAGMENT) {
		h[2] = shape == LATER;
		h[3] = shape == FIRST;
		return;
	}
	h[1] = (uint8_t)(len_of(shape) / 8 - 1);
	h[2] = 1;
	h[3] = (uint8_t)(len_of(shape) - 4);
}

static void parse(const struct chain *x, uint8_t last, size_t n)
{
	size_t ext = len_of(x->shape[0]) + len_of(x->shape[1]);
	size_t len = PKT_ETH_LEN + IP6_HLEN + ext + n;
	struct pkt p = { .data = room + ROOM - len, .len = (uint32_t)len };
	uint8_t *h = p.data + PKT_ETH_LEN;
	uint8_t second = x->shape[1] == NONE ? last : type_of[x->shape[1]];

	any_bytes(room, sizeof(room));
	p.flags = (uint8_t)any_size(0, 255);
	p.gso_type = (uint8_t)any_size(0, 255);
	p.gso_size = (uint16_t)any_size(0, 65535);
	p.data[12] = 0x86;
	p.data[13] = 0xdd;
	h[0] = 0x60;
	h[4] = 0;
	h[5] = (uint8_t)(ext + n);
	h[6] = x->shape[0] == NONE ? last : type_of[x->shape[0]];
	put_header(h + IP6_HLEN, x->shape[0], second);
	put_header(h + IP6_HLEN + len_of(x->shape[0]), x->shape[1], last);
	if (pkt_parse(&p) != PKT_FORWARD) {
		vw_assert(p.reason < PKT_REASON_N);
		return;
	}
	vw_assert(p.len == len);
	vw_assert(p.l4_off <= len && p.pay_off <= len);
	vw_assert(p.kind < PKT_KIND_N);
}

static void prove_chains(void)
{
	static const uint8_t last[] = { IP_TCP, IP_UDP, IP_ICMP6, IP_NO_NEXT,
					IP_ROUTING };
	static const uint8_t n[] = { 0, 7, 8, 20 };

	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		for (size_t j = 0; j < sizeof(last); j++)
			for (size_t k = 0; k < sizeof(n); k++)
				parse(&chains[i], last[j], n[k]);
}

/* One extension header of 8 bytes with two options of all lengths in it, and
 * headers that claim to be longer than what is there. */
static void walk(uint8_t next, uint8_t units, uint8_t one, uint8_t two)
{
	static const uint8_t types[] = { 0, 1, 4, 0xc2 };

	for (size_t i = 0; i < sizeof(types); i++) {
		uint8_t *h = room + ROOM - 8;
		struct cur c = cur_of(h, 8);
		struct ip6_chain x;
		enum pkt_reason why;

		any_bytes(room, sizeof(room));
		h[0] = IP_NO_NEXT;
		h[1] = units;
		h[2] = types[i];
		h[3] = one;
		h[4] = types[i];
		h[5] = two;
		h[6] = types[i];
		h[7] = two;
		if (one < 3)
			h[4 + one] = 1;
		why = pkt_walk_ip6(&c, next, &x);
		vw_assert(why != PKT_REASON_NONE || x.len == 8);
	}
}

static void prove_options(void)
{
	static const uint8_t len[] = { 0, 1, 2, 3, 4, 5, 255 };

	for (size_t i = 0; i < sizeof(len); i++)
		for (size_t j = 0; j < sizeof(len); j++) {
			walk(IP_HOPOPT, 0, len[i], len[j]);
			walk(IP_DSTOPTS, 0, len[i], len[j]);
		}
	for (unsigned int units = 1; units <= 255; units += 127)
		walk(IP_DSTOPTS, (uint8_t)units, 4, 0);
}

int main(void)
{
	prove_chains();
	prove_options();
	return 0;
}
