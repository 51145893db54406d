/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which outside port a flow gets, seen from outside: R34, R35, and that it is
 * decided once for all: R40.
 */
#include <string.h>

#include "mock/nat_bed.h"
#include "unit.h"

#define OUTSIDE "203.0.113.1"
#define SERVER "198.51.100.10"
#define LO 1024u
#define PORTS (65536u - LO)
#define CLASSES 64u /* of 1008 ports each */

static struct nat_bed b;

static const char *const inside[] = { "", "10.137.0.1", "10.137.0.2" };

/* UDP of @owner to @dst; its outside port, 0: refused. */
static uint16_t port_of(uint16_t owner, uint16_t sport, const char *dst)
{
	struct nat_want want = nat_bed_masq(OUTSIDE, 0);
	struct pkt *p =
		frame_parsed(b.pool, &(struct frame_spec){ .src = inside[owner],
							   .dst = dst,
							   .sport = sport,
							   .dport = 53 });
	uint16_t port = 0;

	if (nat_bed_go(&b, p, owner, &want))
		port = nat_bed_port(p, 0);
	pkt_put(b.pool, p);
	return port;
}

static void open_bed(uint32_t flows, uint8_t seed)
{
	struct nat_conf conf;

	nat_bed_conf(&conf);
	conf.flows = flows;
	conf.quota = (struct nat_quota){ 0 };
	conf.port_seed[0] = seed;
	nat_bed_open(&b, &conf);
}

/* Ports that were given up are anybody's again. */
static void holds_end(void)
{
	nat_bed_pass(&b, 136000);
	for (int i = 0; i < 16; i++)
		nat_expire(b.nat, 2048, b.now);
}

/* ---- statistics ---- */

struct series {
	uint32_t n, count[CLASSES];
	double x, y, xx, yy, xy; /* sums */
};

static void note(struct series *s, uint16_t port, double y)
{
	double x = port;

	s->n++;
	s->count[(port - LO) / (PORTS / CLASSES)]++;
	s->x += x;
	s->y += y;
	s->xx += x * x;
	s->yy += y * y;
	s->xy += x * y;
}

/* 63 degrees of freedom: once in 10,000 above 117 by chance. */
static bool is_uniform(const struct series *s)
{
	double mean = (double)s->n / CLASSES, chi = 0;

	for (uint32_t i = 0; i < CLASSES; i++)
		chi += (s->count[i] - mean) * (s->count[i] - mean) / mean;
	return chi < 117;
}

/* Four standard deviations: once in 16,000 by chance. */
static bool is_uncorrelated(const struct series *s)
{
	double n = s->n, vx = n * s->xx - s->x * s->x,
	       vy = n * s->yy - s->y * s->y;
	double c = n * s->xy - s->x * s->y;

	return c * c * n < 16 * vx * vy;
}

static void R34_a_hundred_thousand_ports_are_uniform_and_tell_nothing(void)
{
	struct series by_inside = { 0 }, by_last = { 0 };
	uint16_t last = 0;
	uint32_t same = 0;

	open_bed(64, 34);
	for (uint32_t i = 0; i < 100000; i++) {
		uint16_t from = (uint16_t)(LO + i % PORTS);
		uint16_t port = port_of(1, from, SERVER);

		CU_ASSERT_FATAL(port >= LO);
		note(&by_inside, port, from);
		if (last)
			note(&by_last, port, last);
		same += port == from;
		last = port;
		nat_hit_end(b.nat, &b.hit);
		if (i % 2000 == 1999)
			holds_end();
	}
	CU_ASSERT_EQUAL(by_inside.n, 100000);
	CU_ASSERT(is_uniform(&by_inside));
	CU_ASSERT(is_uncorrelated(&by_inside));
	CU_ASSERT(is_uncorrelated(&by_last));
	CU_ASSERT(same < 10);
	nat_bed_close(&b);
}

/*
 * Client 1 looks at its own ports only.  With client 2 idle, or in the middle
 * of its work, they are the same to every test that we know; and they are no
 * nearer to those that client 2 was given just before.
 */
static void R35_nobodys_ports_tell_of_anothers(void)
{
	for (int busy = 0; busy < 2; busy++) {
		struct series s = { 0 };
		uint32_t near = 0;

		open_bed(4096, (uint8_t)(35 + busy));
		for (uint32_t i = 0; i < 20000; i++) {
			uint16_t theirs = 0, ours;

			if (busy)
				theirs = port_of(2, (uint16_t)(LO + i % PORTS),
						 SERVER);
			if (theirs && i % 16)
				nat_hit_end(b.nat, &b.hit);
			ours = port_of(1, (uint16_t)(LO + i % PORTS), SERVER);
			CU_ASSERT_FATAL(ours >= LO);
			nat_hit_end(b.nat, &b.hit);
			note(&s, ours, busy ? theirs : (double)i);
			near += theirs && ours - theirs < 8 &&
				theirs - ours < 8;
			if (i % 2000 == 1999)
				holds_end();
		}
		CU_ASSERT(is_uniform(&s));
		CU_ASSERT(is_uncorrelated(&s));
		/* 15 of 64512 are as near: 4.7 in 20,000 are expected */
		CU_ASSERT(near < 20);
		nat_bed_close(&b);
	}
}

/* ---- R40 ---- */

#define ENDPOINTS 32u
#define STEPS 4000u

/*
 * Random flows of few endpoints; @seen gets each one's outside port.  While any
 * flow of an endpoint lives, that port is its one.
 */
static void history(uint16_t seen[STEPS], uint8_t seed)
{
	static const char *const dst[] = { "198.51.100.1", "198.51.100.2",
					   "198.51.100.3", "198.51.100.4" };
	const uint8_t key[16] = { 40 };
	uint16_t mine[3][ENDPOINTS] = { 0 };
	struct pkt_rand r;

	open_bed(1024, seed); /* room for all: nothing is evicted */
	pkt_rand_seed(&r, key);
	for (uint32_t i = 0; i < STEPS; i++) {
		uint16_t owner = (uint16_t)(1 + pkt_rand_below(&r, 2));
		uint16_t e = (uint16_t)pkt_rand_below(&r, ENDPOINTS);

		seen[i] = port_of(owner, (uint16_t)(4000 + e),
				  dst[pkt_rand_below(&r, 4)]);
		CU_ASSERT(seen[i]);
		CU_ASSERT(!mine[owner][e] || mine[owner][e] == seen[i]);
		mine[owner][e] = seen[i];
		if (pkt_rand_below(&r, 500))
			continue;
		nat_bed_pass(&b, 200000); /* all are over */
		nat_expire(b.nat, 4096, b.now);
		memset(mine, 0, sizeof(mine));
	}
	nat_bed_close(&b);
}

static void R40_the_same_history_gives_the_same_translation(void)
{
	static uint16_t one[STEPS], same[STEPS], other[STEPS];

	history(one, 1);
	history(same, 1);
	history(other, 2);
	CU_ASSERT(!memcmp(one, same, sizeof(one)));
	CU_ASSERT(memcmp(one, other, sizeof(one)));
}

UNIT_SUITE(nat_choice,
	   UNIT(R34_a_hundred_thousand_ports_are_uniform_and_tell_nothing),
	   UNIT(R35_nobodys_ports_tell_of_anothers),
	   UNIT(R40_the_same_history_gives_the_same_translation))
