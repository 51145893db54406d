/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/rule_gen.h"

#include <errno.h>
#include <string.h>

static uint32_t below(struct rule_gen *g, uint32_t n)
{
	return pkt_rand_below(&g->rand, n);
}

static bool one_in(struct rule_gen *g, uint32_t n)
{
	return below(g, n) == 0;
}

static struct pkt_addr address(enum rule_family family, const uint8_t *bytes)
{
	return family == RULE_IP4 ? pkt_addr_v4(bytes) : pkt_addr_v6(bytes);
}

void rule_gen_init(struct rule_gen *g, enum rule_gen_kind kind,
		   enum rule_family family, uint64_t seed)
{
	uint8_t bytes[16] = { 0 };

	memcpy(bytes, &seed, sizeof(seed));
	*g = (struct rule_gen){ .kind = kind, .family = family };
	pkt_rand_seed(&g->rand, bytes);
}

/* Anywhere that packets go; IPv6 within 2000::/3 and mostly in few /32. */
static struct pkt_addr random_address(struct rule_gen *g)
{
	uint8_t b[16];

	for (int i = 0; i < 16; i++)
		b[i] = (uint8_t)below(g, 256);
	if (g->kind == RULE_GEN_CROWDED) {
		for (int i = 0; i < 16; i++)
			b[i] = (uint8_t)(one_in(g, 8) ? 0x80 >> below(g, 8)
						      : 0);
		return address(g->family, b);
	}
	if (g->family == RULE_IP4) {
		b[0] = (uint8_t)(1 + below(g, 222));
	} else {
		b[0] = 0x20 | (b[0] & 0x1f);
		if (g->kind == RULE_GEN_MIXED)
			memcpy(b, (uint8_t[]){ 0x20, 1, b[2] & 0xf }, 3);
	}
	return address(g->family, b);
}

static uint8_t random_len(struct rule_gen *g)
{
	static const uint8_t usual4[] = { 32, 32, 32, 32, 32, 32, 32,
					  24, 24, 24, 24, 22, 20, 16 };
	static const uint8_t usual6[] = { 128, 128, 128, 128, 64,
					  64,  64,  48,	 56,  44 };
	uint32_t bits = g->family == RULE_IP4 ? 32 : 128;

	if (g->kind == RULE_GEN_CROWDED)
		return (uint8_t)(128 - below(g, bits + 1));
	if (g->kind == RULE_GEN_APART)
		return (uint8_t)(128 - below(g, bits * 3 / 4 + 1));
	if (g->family == RULE_IP4)
		return (uint8_t)(96 + usual4[below(g, sizeof(usual4))]);
	return usual6[below(g, sizeof(usual6))];
}

static void random_prefix(struct rule_gen *g, struct pkt_prefix *p)
{
	static const struct pkt_prefix inside4[] = {
		{ { { [10] = 0xff, 0xff, 10 } }, 104 },
		{ { { [10] = 0xff, 0xff, 172, 16 } }, 108 },
		{ { { [10] = 0xff, 0xff, 192, 168 } }, 112 },
	};
	static const struct pkt_prefix inside6 = { { { 0xfc } }, 7 };

	p->addr = random_address(g);
	p->len = random_len(g);
	if (g->kind != RULE_GEN_MIXED || !one_in(g, 20))
		return;
	*p = g->family == RULE_IP4 ? inside4[below(g, 3)] : inside6;
}

static void random_ports(struct rule_gen *g, struct rule *r)
{
	static const uint16_t usual[] = { 22,  25,  53,	 80,  123, 143,
					  443, 465, 587, 853, 993, 8080 };
	uint32_t a = below(g, 65536), b = below(g, 65536);

	if (g->kind == RULE_GEN_CROWDED) {
		a = below(g, 4) ? 50 + below(g, 8) : a;
		b = below(g, 4) ? 50 + below(g, 8) : b;
	} else if (g->kind == RULE_GEN_MIXED) {
		if (below(g, 3))
			a = usual[below(g, sizeof(usual) / sizeof(usual[0]))];
		b = a;
		if (one_in(g, 6))
			b = a + below(g, 2000);
	} else {
		b = a + below(g, 65536 - a);
	}
	r->has_ports = true;
	r->port_lo = (uint16_t)(a < b ? a : b);
	r->port_hi = (uint16_t)(a < b ? b : a);
	if (b > UINT16_MAX)
		r->port_hi = UINT16_MAX;
}

static void random_service(struct rule_gen *g, struct rule *r)
{
	uint32_t dice = below(g, 20);

	if (dice < 2)
		return; /* everything */
	if (dice < 4) {
		r->proto = g->family == RULE_IP4 ? 1 : 58;
		if (dice == 2)
			r->icmp_type = (int16_t)below(g, 16);
		return;
	}
	r->proto = dice < 14 ? 6 : dice < 18 ? 17 : RULE_PROTO_ANY;
	if (dice == 4)
		return;
	r->dns = one_in(g, 12);
	if (!r->dns || one_in(g, 4))
		random_ports(g, r);
}

static void random_rule(struct rule_gen *g, struct rule *r)
{
	*r = (struct rule){ .family = (uint8_t)g->family,
			    .action = (uint8_t)below(g, 2),
			    .icmp_type = -1 };
	random_service(g, r);
	if (g->kind == RULE_GEN_APART)
		r->dns = false;
	if (g->names && one_in(g, g->names)) {
		r->dst = RULE_DST_NAME;
		r->name[0] = "aaaabbbbunmp"[below(g, 12)];
		r->name[1] = (char)('a' + below(g, 20));
		return;
	}
	/* With all protocols too, a rule without destination ends the set. */
	if (g->kind != RULE_GEN_APART && r->has_ports && one_in(g, 5))
		return;
	if (g->kind == RULE_GEN_CROWDED && one_in(g, 12))
		return;
	r->dst = RULE_DST_PREFIX;
	random_prefix(g, &r->prefix);
}

void rule_gen_rules(struct rule_gen *g, struct rule *out, uint32_t n)
{
	uint32_t number = 0;

	for (uint32_t i = 0; i < n; i++) {
		number += one_in(g, 8) ? 1 + below(g, 3) : 1;
		random_rule(g, &out[i]);
		out[i].number = number;
	}
}

static int resolve(void *ctx, const char *name, enum rule_family family,
		   struct pkt_addr *out, uint16_t max)
{
	uint8_t b[16] = { 0 };
	int n = 1 + name[1] % 4;

	(void)ctx;
	if (name[0] == 'u')
		return -ENOENT;
	if (name[0] == 'n')
		return 0;
	if (name[0] == 'm')
		n = RULE_ADDR_MAX + 1;
	for (int i = 0; i < n && i < max; i++) {
		b[0] = family == RULE_IP4 ? 0 : 0x20;
		b[1] = (uint8_t)(name[1] % 3);
		b[family == RULE_IP4 ? 3 : 15] = (uint8_t)(1 << i % 8);
		out[i] = address(family, b);
	}
	return name[0] == 'p' ? n + RULE_ADDR_MORE : n;
}

void rule_gen_env(struct rule_env *env, enum rule_family family)
{
	static const struct pkt_addr dns4[] = {
		{ { [10] = 0xff, 0xff, 10, 139, 1, 1 } },
		{ { [10] = 0xff, 0xff, 10, 139, 1, 2 } },
		{ { [10] = 0xff, 0xff, 0, 0, 0, 1 } },
	};
	static const struct pkt_addr dns6[] = {
		{ { 0xfd, 1, [15] = 1 } },
		{ { 0x20, 1, [15] = 2 } },
		{ { [15] = 1 } },
	};

	*env = (struct rule_env){ .dns = family == RULE_IP4 ? dns4 : dns6,
				  .dns_n = 3,
				  .resolve = resolve };
}

struct rule_query rule_gen_far(struct rule_gen *g)
{
	struct rule_query q = { .dst = random_address(g),
				.dport = (uint16_t)below(g, 65536),
				.icmp_type = (uint8_t)below(g, 256) };
	uint32_t dice = below(g, 16);

	q.proto = dice < 8    ? 6
		  : dice < 14 ? 17
		  : dice < 15 ? (g->family == RULE_IP4 ? 1 : 58)
			      : (uint8_t)below(g, 256);
	return q;
}

/* An address that @r is about: its prefix with the rest at random. */
static void aim(struct rule_gen *g, struct rule_query *q, const struct rule *r)
{
	struct pkt_addr list[RULE_ADDR_MAX];
	struct rule_env env;
	int n;

	rule_gen_env(&env, g->family);
	if (r->dns) {
		q->dst = env.dns[below(g, env.dns_n)];
		q->dport = 53;
	}
	if (r->dst == RULE_DST_PREFIX)
		for (int i = 0; i < r->prefix.len; i++) {
			uint8_t m = (uint8_t)(0x80 >> i % 8);

			q->dst.b[i / 8] =
				(uint8_t)((q->dst.b[i / 8] & ~m) |
					  (r->prefix.addr.b[i / 8] & m));
		}
	if (r->dst != RULE_DST_NAME)
		return;
	n = rule_addr_written(
		env.resolve(NULL, r->name, g->family, list, RULE_ADDR_MAX));
	if (n > 0)
		q->dst = list[below(g, (uint32_t)n)];
}

struct rule_query rule_gen_near(struct rule_gen *g, const struct rule *rules,
				uint32_t n)
{
	struct rule_query q = rule_gen_far(g);
	const struct rule *r;

	if (!n)
		return q;
	r = &rules[below(g, n)];
	aim(g, &q, r);
	if (r->proto != RULE_PROTO_ANY && !one_in(g, 16))
		q.proto = r->proto;
	if (r->has_ports && !one_in(g, 16))
		q.dport = (uint16_t)(r->port_lo +
				     below(g, 1u + r->port_hi - r->port_lo));
	if (r->icmp_type >= 0 && !one_in(g, 4))
		q.icmp_type = (uint8_t)r->icmp_type;
	if (one_in(g, 16)) /* a neighbour of the last address or port */
		q.dport = (uint16_t)(r->port_hi + below(g, 3) - 1);
	if (one_in(g, 16) && r->dst == RULE_DST_PREFIX && r->prefix.len) {
		int i = r->prefix.len - 1;

		if (i >= (g->family == RULE_IP4 ? 96 : 0))
			q.dst.b[i / 8] ^= (uint8_t)(0x80 >> i % 8);
	}
	return q;
}
