/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R131: whatever others hold, a client's fair share of flows and ports is
 * there.  Flows are answered at once here, so that none of them is evicted.
 */
#include "mock/nat_bed.h"
#include "model/nat_check.h"
#include "unit.h"

#define OUTSIDE "203.0.113.1"
#define SERVER "198.51.100.10"
#define WHOLE 100u

static struct nat_bed b;
static uint16_t next_port;
static uint32_t last; /* number of the last flow that was opened */

static struct pkt *udp(const char *src, const char *dst, uint16_t sport,
		       uint16_t dport)
{
	return frame_parsed(b.pool, &(struct frame_spec){ .src = src,
							  .dst = dst,
							  .proto = 17,
							  .sport = sport,
							  .dport = dport });
}

static bool answered(uint16_t port)
{
	struct pkt *p = udp(SERVER, OUTSIDE, 5000, port);
	bool came = nat_bed_go(&b, p, NAT_UPLINK, NULL);

	pkt_put(b.pool, p);
	return came;
}

/* One flow more of @owner, from an inside port of its own. */
static bool opens(uint16_t owner)
{
	static const char *const inside[] = { "", "10.137.0.1", "10.137.0.2",
					      "10.137.0.3", "10.137.0.4" };
	struct nat_want want = nat_bed_masq(OUTSIDE, 0);
	struct pkt *p = udp(inside[owner], SERVER, ++next_port, 5000);
	bool passed = nat_bed_go(&b, p, owner, &want);
	uint16_t port = nat_bed_port(p, 0);

	pkt_put(b.pool, p);
	if (!passed)
		return false;
	last = b.hit.flow;
	CU_ASSERT(answered(port));
	return true;
}

/* Through a port forward: the uplink opens it. */
static bool opens_inwards(void)
{
	struct nat_want want = { .mode = NAT_FORWARD,
				 .to = 1,
				 .target = nat_bed_addr("10.137.0.1"),
				 .target_port = 80 };
	struct pkt *p = udp(SERVER, OUTSIDE, ++next_port, 80);
	bool passed = nat_bed_go(&b, p, NAT_UPLINK, &want);

	pkt_put(b.pool, p);
	if (!passed)
		return false;
	p = udp("10.137.0.1", SERVER, 80, next_port);
	CU_ASSERT(nat_bed_go(&b, p, 1, NULL));
	pkt_put(b.pool, p);
	return true;
}

/* How many more it gets when it takes all that it can. */
static uint32_t takes_all(uint16_t owner)
{
	uint32_t n = 0;

	while (owner == NAT_UPLINK ? opens_inwards() : opens(owner))
		n++;
	nat_check(b.nat);
	return n;
}

static uint32_t flows_of(uint16_t owner)
{
	struct nat_usage use;

	nat_usage(b.nat, owner, &use);
	return use.flows;
}

/* What clients share: records, or the ports of one address. */
static void open_with(uint16_t clients, uint32_t flows, uint32_t ports)
{
	struct nat_conf conf;

	nat_bed_conf(&conf);
	conf.flows = flows;
	conf.port_lo = 5000;
	conf.port_hi = (uint16_t)(5000 + ports - 1);
	conf.quota = (struct nat_quota){ 0 };
	nat_bed_open(&b, &conf);
	for (uint16_t i = BED_CLIENTS; i > clients; i--)
		nat_owner_remove(b.nat, i);
	next_port = 1000;
}

static void open_flows(uint16_t clients)
{
	open_with(clients, WHOLE, 10000);
}

static void open_ports(uint16_t clients)
{
	open_with(clients, 4096, WHOLE);
}

static void two_that_take_all_leave_a_third_its_share(void)
{
	CU_ASSERT_EQUAL(takes_all(1), 38); /* 25 each, 12 the uplink's */
	CU_ASSERT_EQUAL(takes_all(2), 25);
	CU_ASSERT(takes_all(3) >= 25);
	CU_ASSERT_EQUAL(takes_all(1), 0);
}

static void R131_two_that_take_all_flows_leave_a_third_its_share(void)
{
	open_flows(3);
	two_that_take_all_leave_a_third_its_share();
	CU_ASSERT_EQUAL(b.why, PKT_REASON_NAT_QUOTA);
	nat_bed_close(&b);
}

static void R131_two_that_take_all_ports_leave_a_third_its_share(void)
{
	open_ports(3);
	two_that_take_all_leave_a_third_its_share();
	CU_ASSERT_EQUAL(b.why, PKT_REASON_NAT_PORTS);
	nat_bed_close(&b);
}

static void R131_one_client_can_not_fill_the_table(void)
{
	open_flows(1);
	CU_ASSERT_EQUAL(takes_all(1), 75);
	nat_bed_close(&b);
	open_ports(1);
	CU_ASSERT_EQUAL(takes_all(1), 75);
	nat_bed_close(&b);
}

static void R131_openings_to_the_inside_have_half_a_share(void)
{
	open_flows(3);
	for (uint16_t i = 1; i <= 3; i++)
		takes_all(i);
	CU_ASSERT(takes_all(NAT_UPLINK) >= 12);
	nat_bed_close(&b);
	open_flows(3);
	/* ... and more when nobody misses it, but nobody's share */
	CU_ASSERT_EQUAL(takes_all(NAT_UPLINK), 25);
	for (uint16_t i = 1; i <= 3; i++)
		CU_ASSERT_EQUAL(takes_all(i), 25);
	nat_bed_close(&b);
}

/* What a limit withholds from its owner is not kept for it either. */
static void R131_who_may_have_little_claims_little(void)
{
	const struct nat_quota little = { .flows = 5, .ports = 5 };

	open_flows(1);
	for (uint16_t i = 2; i <= 3; i++)
		CU_ASSERT_EQUAL(nat_owner_add(b.nat, i, &little), 0);
	CU_ASSERT_EQUAL(takes_all(1), 75);
	CU_ASSERT_EQUAL(takes_all(2), 5);
	CU_ASSERT_EQUAL(takes_all(3), 5);
	nat_bed_close(&b);
	open_ports(1);
	for (uint16_t i = 2; i <= 3; i++)
		CU_ASSERT_EQUAL(nat_owner_add(b.nat, i, &little), 0);
	CU_ASSERT_EQUAL(takes_all(1), 75);
	CU_ASSERT_EQUAL(takes_all(3), 5);
	nat_bed_close(&b);
}

static void R131_who_comes_to_neighbours_with_their_shares_gets_its_own(void)
{
	open_flows(2);
	for (uint16_t i = 0; i < 66; i++)
		CU_ASSERT(opens((uint16_t)(1 + i % 2)));
	CU_ASSERT_EQUAL(nat_owner_add(b.nat, 3, NULL), 0);
	CU_ASSERT_EQUAL(takes_all(1), 0);
	CU_ASSERT(takes_all(3) >= 25);
	nat_bed_close(&b);
}

/* What a newcomer is short of, it gets before anybody is lent it again. */
static void R131_what_ends_is_a_newcomers_first(void)
{
	uint32_t lent;

	open_flows(1);
	CU_ASSERT_EQUAL(takes_all(1), 75);
	CU_ASSERT_EQUAL(nat_owner_add(b.nat, 2, NULL), 0);
	lent = last; /* client 1's last one, and those before it */
	CU_ASSERT_EQUAL(takes_all(2), 25);
	for (uint32_t i = 0; i < 8; i++) {
		struct nat_hit hit = { .flow = lent - i };

		nat_hit_end(b.nat, &hit);
		CU_ASSERT(!opens(1));
		CU_ASSERT(opens(2));
		CU_ASSERT_EQUAL(flows_of(1) + flows_of(2), WHOLE);
	}
	CU_ASSERT_EQUAL(flows_of(2), 33);
	nat_bed_close(&b);
}

static void R131_who_left_is_kept_nothing(void)
{
	open_flows(3);
	takes_all(1);
	CU_ASSERT_EQUAL(flows_of(1), 38);
	nat_owner_remove(b.nat, 3);
	nat_owner_remove(b.nat, 2);
	CU_ASSERT_EQUAL(takes_all(1), 75 - 38);
	nat_bed_close(&b);
	/* ports that it had are held for a while, and nobody's share shrinks */
	open_ports(3);
	CU_ASSERT_EQUAL(takes_all(3), 38);
	nat_owner_remove(b.nat, 3);
	while (nat_owner_busy(b.nat, 3))
		nat_expire(b.nat, 128, b.now);
	CU_ASSERT_EQUAL(takes_all(1), 33);
	CU_ASSERT_EQUAL(takes_all(2), 29);
	nat_bed_pass(&b, 136000); /* the hold is over */
	for (int i = 0; i < 8; i++)
		nat_expire(b.nat, 4096, b.now);
	CU_ASSERT_EQUAL(takes_all(2), 4 + 9); /* ... and 9 are lent */
	nat_bed_close(&b);
}

static void R131_a_process_that_adopts_keeps_the_promise(void)
{
	open_flows(BED_CLIENTS);
	takes_all(1);
	takes_all(2);
	nat_expire(b.nat, 0, b.now);
	nat_bed_die(&b);
	nat_bed_adopt(&b);
	nat_bed_owners(&b);
	nat_check(b.nat);
	CU_ASSERT_EQUAL(takes_all(1), 0);
	CU_ASSERT_EQUAL(takes_all(3), 20);
	CU_ASSERT(takes_all(4) >= 20);
	nat_bed_close(&b);
}

/* ---- at random, judged by what everybody may see ---- */

static uint32_t share_of(uint16_t owner, uint32_t live)
{
	uint32_t share = WHOLE / (live + 1);

	return owner == NAT_UPLINK ? share / 2 : share;
}

static uint32_t unclaimed(const bool *lives, uint32_t live)
{
	uint32_t sum = 0;

	for (uint16_t i = 0; i <= BED_CLIENTS; i++) {
		uint32_t has = flows_of(i), share = share_of(i, live);

		if (lives[i] && has < share)
			sum += share - has;
	}
	return sum;
}

static void come_or_go(uint16_t owner, bool *lives, uint32_t *live)
{
	if (lives[owner]) {
		nat_owner_remove(b.nat, owner);
		while (nat_owner_busy(b.nat, owner))
			nat_expire(b.nat, 128, b.now);
		--*live;
	} else {
		CU_ASSERT_EQUAL(nat_owner_add(b.nat, owner, NULL), 0);
		++*live;
	}
	lives[owner] = !lives[owner];
}

/* Ends some flow, if there is one at @at. */
static void end_one(uint32_t at)
{
	struct nat_hit hit = { .flow = at };
	struct nat_info info;

	if (nat_each(b.nat, &at, &info, 1, b.now) == 1 && at == hit.flow + 1)
		nat_hit_end(b.nat, &hit);
}

static void R131_no_loan_is_ever_anothers_share(void)
{
	bool lives[BED_CLIENTS + 1] = { true, true, true, true, true };
	uint32_t live = BED_CLIENTS, lent = 0, kept = 0;
	const uint8_t seed[16] = { 131 };
	struct pkt_rand r;

	open_flows(BED_CLIENTS);
	pkt_rand_seed(&r, seed);
	for (uint32_t i = 0; i < 20000; i++) {
		uint16_t owner = (uint16_t)pkt_rand_below(&r, BED_CLIENTS + 1);
		uint32_t left, free;
		bool own, got;

		/* each greedy for a while */
		if (pkt_rand_below(&r, 4))
			owner = (uint16_t)(i / 100 % (BED_CLIENTS + 1));
		if (owner && !pkt_rand_below(&r, 200))
			come_or_go(owner, lives, &live);
		if (!pkt_rand_below(&r, 3))
			end_one(pkt_rand_below(&r, WHOLE));
		if (!lives[owner] || !lives[1])
			continue;
		left = unclaimed(lives, live);
		free = WHOLE - flows_of(UINT16_MAX);
		own = flows_of(owner) < share_of(owner, live);
		got = owner == NAT_UPLINK ? opens_inwards() : opens(owner);
		CU_ASSERT_EQUAL(got, own ? free > 0
					 : free > left && free > WHOLE / 4);
		lent += got && !own;
		kept += got && own && free <= WHOLE / 4;
	}
	CU_ASSERT(lent > 500);
	CU_ASSERT(kept > 500);
	nat_check(b.nat);
	nat_bed_close(&b);
}

UNIT_SUITE(nat_fair, UNIT(R131_two_that_take_all_flows_leave_a_third_its_share),
	   UNIT(R131_two_that_take_all_ports_leave_a_third_its_share),
	   UNIT(R131_one_client_can_not_fill_the_table),
	   UNIT(R131_openings_to_the_inside_have_half_a_share),
	   UNIT(R131_who_may_have_little_claims_little),
	   UNIT(R131_who_comes_to_neighbours_with_their_shares_gets_its_own),
	   UNIT(R131_what_ends_is_a_newcomers_first),
	   UNIT(R131_who_left_is_kept_nothing),
	   UNIT(R131_a_process_that_adopts_keeps_the_promise),
	   UNIT(R131_no_loan_is_ever_anothers_share))
