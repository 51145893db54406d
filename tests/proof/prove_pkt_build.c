/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The builders, over packets of which only the shape is known.  The packet
 * asked about ends where its object ends, and so does the buffer that is
 * written to: the pool here hands out no byte more than is asked for.  ARP and
 * ND are read from bytes of which little but their number is known.
 *
 * without: packet/pkt_buf.c
 */
#include "packet/pkt_build.h"
#include "packet/pkt_ip.h"
#include "tests/proof/proof.h"

#define ROOM 128u

static uint8_t room[ROOM], out[ROOM];
static struct pkt desc;
static bool taken;

struct pkt_pool {
	int unused;
};

static struct pkt_pool one_buffer, *const pool = &one_buffer;

struct pkt *pkt_get(struct pkt_pool *from, uint32_t len)
{
	vw_assert(from == pool && !taken);
	if (any_size(0, 1))
		return NULL;
	taken = true;
	any_bytes(out, sizeof(out));
	desc = (struct pkt){ .data = out + ROOM - len, .tail = len };
	return &desc;
}

void pkt_put(struct pkt_pool *to, struct pkt *p)
{
	vw_assert(to == pool && p == &desc && taken);
	taken = false;
}

static const struct pkt_eth eth = { .src = { { 2, 0, 0, 0, 0, 1 } },
				    .dst = { { 2, 0, 0, 0, 0, 2 } } };

/* A parsed packet with @n bytes behind its transport header's place. */
static struct pkt any_packet(uint8_t l3, uint8_t proto, uint8_t kind, size_t n)
{
	size_t hlen = l3 == PKT_L3_IP4 ? 20 : 40;
	struct pkt p = { .data = room + ROOM - PKT_ETH_LEN - hlen - n,
			 .len = (uint32_t)(PKT_ETH_LEN + hlen + n),
			 .l3_off = PKT_ETH_LEN,
			 .l4_off = (uint16_t)(PKT_ETH_LEN + hlen),
			 .pay_off = (uint16_t)(PKT_ETH_LEN + hlen + n),
			 .l3 = l3,
			 .proto = proto,
			 .kind = kind };

	any_bytes(room, sizeof(room));
	p.tcp_flags = (uint8_t)any_size(0, 255);
	p.sport = (uint16_t)any_size(1, 65535);
	p.dport = (uint16_t)any_size(1, 65535);
	return p;
}

static void give_back(struct pkt *p)
{
	if (p)
		pkt_put(pool, p);
}

static void prove_errors(void)
{
	static const uint8_t four[4] = { 10, 0, 0, 1 };
	static const uint8_t sixteen[16] = { 0xfd, [15] = 1 };
	struct pkt_addr from4 = pkt_addr_v4(four);
	struct pkt_addr from6 = pkt_addr_v6(sixteen);

	for (int err = 0; err < PKT_ERR_N; err++) {
		uint16_t mtu = (uint16_t)any_size(0, 65535);
		struct pkt p = any_packet(PKT_L3_IP4, IP_UDP, PKT_KIND_UDP, 9);

		give_back(pkt_build_error(pool, &eth, &from4, &p,
					  (enum pkt_err)err, mtu));
		p = any_packet(PKT_L3_IP6, IP_UDP, PKT_KIND_UDP, 9);
		give_back(pkt_build_error(pool, &eth, &from6, &p,
					  (enum pkt_err)err, mtu));
	}
}

static void prove_rst(void)
{
	struct pkt p = any_packet(PKT_L3_IP4, IP_TCP, PKT_KIND_TCP, 20);

	give_back(pkt_build_rst(pool, &eth, &p));
	p = any_packet(PKT_L3_IP6, IP_TCP, PKT_KIND_TCP, 20);
	give_back(pkt_build_rst(pool, &eth, &p));
}

static void prove_echo(void)
{
	struct pkt p = any_packet(PKT_L3_IP4, IP_ICMP, PKT_KIND_ICMP_QUERY, 8);

	p.icmp_type = ICMP_ECHO;
	pkt_build_echo_reply(&p, &eth);
	p = any_packet(PKT_L3_IP6, IP_ICMP6, PKT_KIND_ICMP_QUERY, 8);
	p.icmp_type = ICMP6_ECHO;
	pkt_build_echo_reply(&p, &eth);
}

static void prove_arp(void)
{
	for (size_t n = 0; n <= 30; n++) {
		struct pkt p = any_packet(PKT_L3_IP4, 0, PKT_KIND_NONE, 30);
		struct pkt_arp arp;

		p.data = room + ROOM - PKT_ETH_LEN - n;
		p.len = (uint32_t)(PKT_ETH_LEN + n);
		p.l3 = PKT_L3_ARP;
		if (pkt_parse_arp(&p, &arp))
			give_back(pkt_build_arp(pool, &eth, &arp));
	}
}

/* @n bytes of fixed part and options, the first two options of known length. */
static void read_nd(uint8_t type, size_t fixed, size_t n, uint8_t one,
		    uint8_t two)
{
	struct pkt p = any_packet(PKT_L3_IP6, IP_ICMP6, PKT_KIND_ND, 8 + n);
	uint8_t *opt = p.data + p.l4_off + 8 + fixed;
	struct pkt_nd nd;

	p.pay_off = (uint16_t)(p.l4_off + 8);
	p.icmp_type = type;
	if (n >= fixed + 2)
		opt[1] = one;
	if (n >= fixed + 8 + 2)
		opt[8 + 1] = two;
	(void)pkt_parse_nd(&p, &nd);
}

static void say_nd(uint8_t type, bool has_lladdr)
{
	struct pkt_nd nd = { .type = type, .has_lladdr = has_lladdr };
	struct pkt_addr src, dst;

	any_bytes(src.b, sizeof(src.b));
	any_bytes(dst.b, sizeof(dst.b));
	any_bytes(nd.target.b, sizeof(nd.target.b));
	any_bytes(nd.lladdr.b, sizeof(nd.lladdr.b));
	give_back(pkt_build_nd(pool, &eth, &src, &dst, &nd));
}

static void prove_nd(void)
{
	static const uint8_t fixed[] = { 0, 8, 16, 16, 32 };

	for (size_t i = 0; i < sizeof(fixed); i++)
		for (size_t n = 0; n < 50; n++) {
			if ((n > 2 && n + 2 < fixed[i]) || n > fixed[i] + 17u)
				continue;
			read_nd((uint8_t)(133 + i), fixed[i], n, 1, 1);
			read_nd((uint8_t)(133 + i), fixed[i], n, 1, 0);
			read_nd((uint8_t)(133 + i), fixed[i], n, 1, 255);
			read_nd((uint8_t)(133 + i), fixed[i], n, 2, 1);
		}
	for (unsigned int type = 135; type <= 136; type++) {
		say_nd((uint8_t)type, false);
		say_nd((uint8_t)type, true);
	}
}

int main(void)
{
	prove_errors();
	prove_rst();
	prove_echo();
	prove_arp();
	prove_nd();
	vw_assert(!taken);
	return 0;
}
