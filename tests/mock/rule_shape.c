/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/rule_shape.h"

#include <string.h>

static uint32_t below(struct rule_gen *g, uint32_t n)
{
	return pkt_rand_below(&g->rand, n);
}

/* The address 10.0.0.0 or 2001:d00::, or @host behind it. */
static struct pkt_addr inside(const struct rule_gen *g, uint32_t host)
{
	const uint8_t four[] = { 10, (uint8_t)(host >> 16),
				 (uint8_t)(host >> 8), (uint8_t)host };
	struct pkt_addr a = { { 0x20, 1, 0xd } };

	if (g->family == RULE_IP4)
		return pkt_addr_v4(four);
	a.b[13] = four[1];
	a.b[14] = four[2];
	a.b[15] = four[3];
	return a;
}

static void set_prefix(struct rule *r, struct pkt_addr addr, uint32_t len)
{
	r->dst = RULE_DST_PREFIX;
	r->prefix = (struct pkt_prefix){ addr, (uint8_t)len };
}

static void set_ports(struct rule *r, uint32_t lo, uint32_t span)
{
	if (r->proto != 17)
		r->proto = 6;
	r->has_ports = true;
	r->port_lo = (uint16_t)(lo % 65536);
	r->port_hi = UINT16_MAX;
	if (r->port_lo + span < UINT16_MAX)
		r->port_hi = (uint16_t)(r->port_lo + span);
}

static struct pkt_addr scattered(struct rule_gen *g)
{
	struct pkt_addr a = inside(g, 0);
	int step = g->family == RULE_IP4 ? 2 : 9;

	for (int bit = 127; bit > 97; bit -= step > 2 ? 1 : step) {
		int at = step > 2 ? 127 - (127 - bit) * 4 : bit;

		if (at >= 8 && below(g, 2))
			a.b[at / 8] |= (uint8_t)(0x80 >> at % 8);
	}
	return a;
}

/* Of one address, at most as long as everything that the shape is about. */
static uint32_t nested_len(const struct rule_gen *g, uint32_t i)
{
	return 128 - i % (g->family == RULE_IP4 ? 25 : 121);
}

static void nested(struct rule_gen *g, struct rule *r, uint32_t i, uint32_t n)
{
	(void)n;
	set_prefix(r, inside(g, 0x10203), nested_len(g, i));
	set_ports(r, i * 6 + 1, 0);
}

static void length(struct rule_gen *g, struct rule *r, uint32_t i, uint32_t n)
{
	(void)i;
	(void)n;
	set_prefix(r, rule_gen_far(g).dst, g->family == RULE_IP4 ? 120 : 64);
	set_ports(r, below(g, 65536), 0);
}

static void dense(struct rule_gen *g, struct rule *r, uint32_t i, uint32_t n)
{
	(void)n;
	set_prefix(r, inside(g, 2 * i), 128);
	set_ports(r, below(g, 65536), 0);
}

static void bits(struct rule_gen *g, struct rule *r, uint32_t i, uint32_t n)
{
	(void)i;
	(void)n;
	set_prefix(r, scattered(g),
		   128 - below(g, g->family == RULE_IP4 ? 8 : 64));
	set_ports(r, below(g, 65536), 0);
}

static void anywhere(struct rule_gen *g, struct rule *r, uint32_t i, uint32_t n)
{
	uint32_t span = 65536 / n;

	(void)g;
	r->proto = i % 3 ? 6 : 17;
	set_ports(r, i * span, span / 2);
}

static void ports(struct rule_gen *g, struct rule *r, uint32_t i, uint32_t n)
{
	anywhere(g, r, i, n);
	set_prefix(r, inside(g, 0x10203), 120);
}

static void overlap(struct rule_gen *g, struct rule *r, uint32_t i, uint32_t n)
{
	(void)n;
	r->proto = i % 3 ? 6 : 17;
	set_ports(r, below(g, 65536), below(g, 30000));
}

static void proto(struct rule_gen *g, struct rule *r, uint32_t i, uint32_t n)
{
	(void)g;
	(void)n;
	r->proto = i % 2 ? 6 : 17;
}

static void dns(struct rule_gen *g, struct rule *r, uint32_t i, uint32_t n)
{
	(void)n;
	r->dns = true;
	set_prefix(r, inside(g, 0x8b0101), nested_len(g, i));
	set_ports(r, below(g, 60), below(g, 60));
}

static void icmp(struct rule_gen *g, struct rule *r, uint32_t i, uint32_t n)
{
	(void)n;
	r->proto = g->family == RULE_IP4 ? 1 : 58;
	r->icmp_type = (int16_t)(i % 256);
	set_prefix(r, inside(g, 0x10203), nested_len(g, i / 3));
}

static void tiers(struct rule_gen *g, struct rule *r, uint32_t i, uint32_t n)
{
	uint32_t net = g->family == RULE_IP4 ? 104 : 24;

	set_ports(r, below(g, 65536), 0);
	if (i < n / 4)
		set_prefix(r, inside(g, i * 97), 128);
	else if (i < n / 2)
		set_prefix(r, inside(g, i % 8 << 16), net + 8);
	else if (i < 3 * (n / 4))
		set_prefix(r, inside(g, 0), net);
}

static void services(struct rule_gen *g, struct rule *r, uint32_t i, uint32_t n)
{
	set_ports(r, below(g, 65536), 0);
	if (i < n / 2)
		set_prefix(r, inside(g, i / 12 * 97), 128);
}

const struct rule_shape rule_shapes[RULE_SHAPES] = {
	{ "nested", nested },	{ "length", length }, { "dense", dense },
	{ "bits", bits },	{ "ports", ports },   { "anywhere", anywhere },
	{ "overlap", overlap }, { "proto", proto },   { "dns", dns },
	{ "icmp", icmp },	{ "tiers", tiers },   { "services", services },
};

void rule_shape_rules(struct rule_gen *g, const struct rule_shape *shape,
		      struct rule *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		out[i] = (struct rule){ .number = i,
					.family = (uint8_t)g->family,
					.action = (uint8_t)below(g, 2),
					.icmp_type = -1 };
		shape->make(g, &out[i], i, n);
	}
}

struct rule_query rule_shape_query(struct rule_gen *g, const struct rule *rules,
				   uint32_t n)
{
	struct rule_query q = rule_gen_near(g, rules, n);
	uint32_t dice = below(g, 4);

	if (dice == 0)
		return rule_gen_far(g);
	if (dice == 1)
		q.dport = (uint16_t)below(g, 65536);
	return q;
}
