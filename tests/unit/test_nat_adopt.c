/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow table that outlives its process: what goes on, what does not come
 * back, and that no byte in it is believed.  That it goes on exactly as before
 * is what nat_twin shows.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mock/nat_bed.h"
#include "model/nat_check.h"
#include "nat/nat_age.h"
#include "packet/pkt_ip.h"
#include "unit.h"

#define OUTSIDE "203.0.113.1"
#define OUTSIDE6 "2001:db8::1"
#define SERVER "198.51.100.10"
#define SERVER6 "2001:db8:2::10"
#define HOLD_MS 120000u

static struct nat_bed b;

static const char *inside_of(uint16_t owner)
{
	static const char *const a[] = { SERVER, "10.137.0.1", "10.137.0.2",
					 "10.137.0.3", "10.137.0.4" };

	return a[owner];
}

/* Opens or uses a flow from @owner; the outside port, 0: it did not pass. */
static uint16_t out(uint16_t owner, uint8_t proto, uint16_t sport,
		    uint16_t dport)
{
	struct nat_want want = nat_bed_masq(OUTSIDE, 0);
	struct frame_spec s = { .src = inside_of(owner),
				.dst = SERVER,
				.proto = proto,
				.sport = sport,
				.dport = dport,
				.icmp_id = sport,
				.flags = TCP_SYN };
	struct pkt *p = frame_parsed(b.pool, &s);
	uint16_t port =
		nat_bed_go(&b, p, owner, &want) ? nat_bed_port(p, 0) : 0;

	pkt_put(b.pool, p);
	return port;
}

static uint16_t udp(uint16_t owner, uint16_t sport, uint16_t dport)
{
	return out(owner, IP_UDP, sport, dport);
}

/* The client that an answer to @port reaches, 0: nobody. */
static uint16_t in(uint16_t sport, uint16_t port)
{
	struct frame_spec s = {
		.src = SERVER, .dst = OUTSIDE, .sport = sport, .dport = port
	};
	struct pkt *p = frame_parsed(b.pool, &s);
	uint16_t to = nat_bed_go(&b, p, NAT_UPLINK, NULL) ? b.hit.to : 0;

	pkt_put(b.pool, p);
	return to;
}

/* A plain flow between two clients. */
static bool plain(uint16_t from, uint16_t to)
{
	struct nat_want want = { .mode = NAT_PLAIN, .to = to };
	struct frame_spec s = { .src = inside_of(from), .dst = inside_of(to) };
	struct pkt *p = frame_parsed(b.pool, &s);
	bool passes = nat_bed_go(&b, p, from, &want) && b.hit.to == to;

	pkt_put(b.pool, p);
	return passes;
}

static uint16_t out6(uint16_t sport)
{
	struct nat_want want = nat_bed_masq(OUTSIDE6, 0);
	struct frame_spec s = { .src = "fd09::1",
				.dst = SERVER6,
				.sport = sport };
	struct pkt *p = frame_parsed(b.pool, &s);
	uint16_t port = nat_bed_go(&b, p, 1, &want) ? nat_bed_port(p, 0) : 0;

	pkt_put(b.pool, p);
	return port;
}

static uint32_t flows(void)
{
	struct nat_usage u;

	nat_usage(b.nat, UINT16_MAX, &u);
	return u.flows;
}

static void die(void)
{
	nat_bed_die(&b);
	nat_bed_adopt(&b);
	nat_check(b.nat);
}

static void die_and_go_on(void)
{
	die();
	nat_bed_owners(&b);
	nat_check(b.nat);
}

/* ---- what goes on ---------------------------------------------------------
 */

static void flows_of_every_kind_go_on(void)
{
	uint16_t port, port6, tcp, id;

	nat_bed_open(&b, NULL);
	port = udp(1, 4000, 53);
	port6 = out6(4000);
	tcp = out(1, IP_TCP, 4000, 80);
	id = out(2, IP_ICMP, 77, 0);
	CU_ASSERT(plain(3, 4));
	CU_ASSERT_EQUAL(flows(), 5);
	die_and_go_on();
	CU_ASSERT_EQUAL(flows(), 5);
	CU_ASSERT_EQUAL(udp(1, 4000, 53), port);
	CU_ASSERT_EQUAL(out6(4000), port6);
	CU_ASSERT_EQUAL(out(1, IP_TCP, 4000, 80), tcp);
	CU_ASSERT_EQUAL(out(2, IP_ICMP, 77, 0), id);
	CU_ASSERT(plain(3, 4));
	CU_ASSERT_EQUAL(in(53, port), 1);
	CU_ASSERT_EQUAL(in(54, port), 0);
	CU_ASSERT_EQUAL(flows(), 5);
	nat_bed_close(&b);
}

static void they_are_to_be_judged_again(void)
{
	nat_bed_open(&b, NULL);
	udp(1, 4000, 53);
	nat_hit_admit(b.nat, &b.hit, 7, 8);
	die_and_go_on();
	udp(1, 4000, 53);
	CU_ASSERT_EQUAL(b.hit.gen, 0);
	CU_ASSERT_EQUAL(b.hit.rule, 0);
	nat_bed_close(&b);
}

static void R30_an_endpoint_keeps_its_outside_port(void)
{
	uint16_t port;

	nat_bed_open(&b, NULL);
	port = udp(1, 4000, 53);
	CU_ASSERT_EQUAL(udp(1, 4000, 54), port);
	CU_ASSERT_EQUAL(udp(1, 4000, 55), port);
	die_and_go_on();
	CU_ASSERT_EQUAL(udp(1, 4000, 56), port);
	CU_ASSERT_NOT_EQUAL(udp(1, 4001, 56), port);
	nat_check(b.nat);
	nat_bed_close(&b);
}

/* An endpoint with two outside ports: the mapping is that of the older one. */
static void R30_of_two_ports_the_same_is_the_mapping(void)
{
	struct nat_want want = nat_bed_masq(OUTSIDE, 2000);
	struct frame_spec s = {
		.src = inside_of(1), .dst = SERVER, .sport = 4000, .dport = 99
	};
	struct pkt *p;
	uint16_t port;

	nat_bed_open(&b, NULL);
	port = udp(1, 4000, 53);
	p = frame_parsed(b.pool, &s);
	CU_ASSERT(nat_bed_go(&b, p, 1, &want));
	pkt_put(b.pool, p);
	/* now the flow with the mapping is the one with more time left */
	nat_bed_pass(&b, 5000);
	CU_ASSERT_EQUAL(udp(1, 4000, 53), port);
	nat_expire(b.nat, 0, b.now);
	die_and_go_on();
	CU_ASSERT_EQUAL(udp(1, 4000, 54), port);
	CU_ASSERT_EQUAL(in(99, 2000), 1);
	nat_bed_close(&b);
}

static void the_oldest_is_evicted_first(void)
{
	struct nat_conf c;

	nat_bed_conf(&c);
	c.quota.udp_oneway = 10;
	nat_bed_open(&b, &c);
	/* records that are used again, the last one first */
	for (uint16_t i = 0; i < 10; i++)
		udp(1, 5000, 100 + i);
	for (uint16_t i = 0; i < 10; i++) {
		udp(1, 5000, 100 + i);
		nat_hit_end(b.nat, &b.hit);
	}
	for (uint16_t i = 0; i < 10; i++) {
		udp(1, 4000, 100 + i);
		nat_bed_pass(&b, 3000);
	}
	die_and_go_on();
	for (uint16_t i = 10; i < 14; i++)
		udp(1, 4000, 100 + i);
	for (uint32_t at = 0;;) {
		struct nat_info info[16];
		uint32_t n = nat_each(b.nat, &at, info, 16, b.now);

		for (uint32_t i = 0; i < n; i++)
			CU_ASSERT(info[i].real_port[1] >= 104);
		CU_ASSERT_EQUAL(n, 10);
		if (!at)
			break;
	}
	nat_bed_close(&b);
}

static void time_is_counted_on_from_the_death(void)
{
	static const int64_t ahead_s[] = { 0, 3600, -900, 5000000 };

	for (size_t i = 0; i < 4; i++) {
		uint16_t port;

		nat_bed_open(&b, NULL);
		port = udp(1, 4000, 99);
		nat_bed_pass(&b, 100000); /* of 120 s */
		nat_expire(b.nat, 0, b.now);
		b.now.ns += (uint64_t)(ahead_s[i] * (int64_t)MONO_S);
		die_and_go_on();
		nat_bed_pass(&b, 19000);
		CU_ASSERT_EQUAL(in(99, port), 1);
		nat_bed_close(&b);

		nat_bed_open(&b, NULL);
		port = udp(1, 4000, 99);
		nat_bed_pass(&b, 100000);
		nat_expire(b.nat, 0, b.now);
		b.now.ns += (uint64_t)(ahead_s[i] * (int64_t)MONO_S);
		die_and_go_on();
		nat_bed_pass(&b, 20001);
		CU_ASSERT_EQUAL(in(99, port), 0);
		nat_bed_close(&b);
	}
}

/* ---- what does not come back ----------------------------------------------
 */

static void forget_owner(void)
{
	nat_owner_forget(b.nat, 1);
}

static void remove_owner(void)
{
	nat_owner_remove(b.nat, 1);
}

static void bring_back_owner(void)
{
	nat_owner_remove(b.nat, 1);
	nat_expire(b.nat, 0, b.now);
}

static void forget_addr(void)
{
	struct pkt_addr a = nat_bed_addr(OUTSIDE);

	nat_addr_forget(b.nat, &a);
}

static void time_out(void)
{
	nat_bed_pass(&b, HOLD_MS + 1);
	nat_expire(b.nat, 0, b.now);
}

static void end(void)
{
	udp(1, 4000, 99);
	nat_hit_end(b.nat, &b.hit);
}

static void what_had_ended_stays_ended(void)
{
	static void (*const how[])(void) = {
		forget_owner, remove_owner, bring_back_owner,
		forget_addr,  time_out,	    end,
	};

	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		uint16_t port;

		nat_bed_open(&b, NULL);
		port = udp(1, 4000, 99);
		how[i]();
		die_and_go_on();
		CU_ASSERT_EQUAL(flows(), 0);
		CU_ASSERT_EQUAL(in(99, port), 0);
		/* and again, when its bytes might have been left somewhere */
		die_and_go_on();
		CU_ASSERT_EQUAL(in(99, port), 0);
		nat_bed_close(&b);
	}
}

static void R38_a_port_that_was_given_up_stays_held(void)
{
	struct nat_conf c;
	uint16_t port;

	nat_bed_conf(&c);
	c.port_lo = 1024;
	c.port_hi = 1025;
	nat_bed_open(&b, &c);
	port = udp(1, 4000, 99);
	nat_hit_end(b.nat, &b.hit);
	die_and_go_on();
	CU_ASSERT_EQUAL(udp(2, 4000, 99), 1024 + 1025 - port);
	CU_ASSERT_EQUAL(udp(3, 4000, 99), 0);
	nat_bed_pass(&b, HOLD_MS + HOLD_MS / 8 + 1);
	CU_ASSERT_EQUAL(udp(3, 4000, 99), port);
	nat_check(b.nat);
	nat_bed_close(&b);
}

/* ---- owners ----------------------------------------------------------------
 */

static void an_owner_that_does_not_come_back_opens_nothing(void)
{
	uint16_t port;

	nat_bed_open(&b, NULL);
	port = udp(1, 4000, 99);
	udp(2, 4000, 99);
	die();
	CU_ASSERT_EQUAL(flows(), 2);
	CU_ASSERT_EQUAL(udp(1, 4001, 99), 0);
	CU_ASSERT_EQUAL(b.why, PKT_REASON_CANNOT_NAT);
	CU_ASSERT_EQUAL(nat_owner_add(b.nat, 2, NULL), 0);
	CU_ASSERT_EQUAL(nat_owner_add(b.nat, 2, NULL), -EEXIST);
	nat_owner_remove(b.nat, 1);
	CU_ASSERT(nat_owner_busy(b.nat, 1));
	CU_ASSERT_EQUAL(in(99, port), 0);
	nat_expire(b.nat, 64, b.now);
	CU_ASSERT_EQUAL(flows(), 1);
	CU_ASSERT(udp(2, 4000, 99));
	nat_check(b.nat);
	nat_bed_close(&b);
}

static void an_owner_that_comes_back_has_its_new_quota(void)
{
	struct nat_quota q = { .flows = 3 };

	nat_bed_open(&b, NULL);
	for (uint16_t i = 0; i < 5; i++)
		udp(1, 4000 + i, 99);
	die();
	CU_ASSERT_EQUAL(nat_owner_add(b.nat, 1, &q), 0);
	udp(1, 5000, 99);
	CU_ASSERT_EQUAL(flows(), 5); /* one for one */
	nat_check(b.nat);
	nat_bed_close(&b);
}

static void addresses_that_are_not_kept_are_forgotten(void)
{
	struct pkt_addr ours = nat_bed_addr(OUTSIDE6);
	uint16_t port, port6;

	nat_bed_open(&b, NULL);
	port = udp(1, 4000, 99);
	port6 = out6(4000);
	die_and_go_on();
	nat_addr_keep(b.nat, &ours, 1);
	CU_ASSERT_EQUAL(in(99, port), 0);
	CU_ASSERT_EQUAL(out6(4000), port6);
	nat_check(b.nat);
	nat_bed_close(&b);
}

/* ---- nonsense --------------------------------------------------------------
 */

/* Of owner 1, masqueraded: UDP in record 0, TCP in 1, a ping in 2. */
static struct nat_flow *flow_at(uint32_t i)
{
	return nat_flow_at(b.nat, i);
}

static void state_of_another_protocol(void)
{
	flow_at(0)->state = NAT_TCP_EST;
}
static void no_state(void)
{
	flow_at(0)->state = NAT_STATE_N;
}
static void protocol_of_another_state(void)
{
	flow_at(0)->proto = IP_TCP;
}
static void unknown_protocol(void)
{
	flow_at(0)->proto = 47;
}
static void ping_of_the_other_family(void)
{
	flow_at(2)->proto = IP_ICMP6;
}
static void owner_out_of_range(void)
{
	flow_at(0)->end[0].who |= 0xffe0;
}
static void other_owner_out_of_range(void)
{
	flow_at(1)->end[1].who |= 0x8000;
}
static void family_of_one_end(void)
{
	flow_at(0)->end[1].who ^= NAT_KEY_V6;
}
static void mark_of_a_mapping(void)
{
	flow_at(0)->end[0].who |= NAT_KEY_IS_MAP;
}
static void mark_of_an_answer(void)
{
	flow_at(0)->end[1].who |= NAT_KEY_ANSWER;
}
static void question_that_is_an_answer(void)
{
	flow_at(2)->end[0].who |= NAT_KEY_ANSWER;
}
static void dead_stand_in(void)
{
	flow_at(0)->end[1].stand = 9;
}
static void second_number_of_an_address(void)
{
	b.nat->addrs.addr[9] = b.nat->addrs.addr[flow_at(0)->end[1].stand];
	b.nat->addrs.live[9] = true;
	flow_at(0)->end[1].stand = 9;
}
static void stand_in_of_the_other_family(void)
{
	flow_at(0)->end[1].stand = flow_at(3)->end[1].stand;
}
static void stand_in_without_port(void)
{
	flow_at(0)->flags &= (uint8_t)~NAT_F_PORT;
}
static void port_without_stand_in(void)
{
	flow_at(0)->end[1].stand = 0;
}
static void outside_port_out_of_range(void)
{
	flow_at(0)->end[1].peer = 22;
}
static void ports_that_do_not_meet(void)
{
	flow_at(0)->end[0].peer++;
}
static void question_that_is_none(void)
{
	flow_at(2)->end[1].port = flow_at(2)->end[0].peer = 9;
}
static void question_beyond_a_byte(void)
{
	flow_at(2)->end[1].port = flow_at(2)->end[0].peer = 256 + 8;
}
static void no_question(void)
{
	flow_at(2)->end[1].port = flow_at(2)->end[0].peer = 0;
}
static void address_of_the_other_family(void)
{
	flow_at(0)->end[0].real = flow_at(3)->end[0].real;
}
static void no_unicast_source(void)
{
	flow_at(0)->end[0].real.b[12] = 224;
}
static void no_destination(void)
{
	flow_at(0)->end[1].real.b[12] = 127;
}
static void time_beyond_its_time_out(void)
{
	flow_at(0)->expires += 120000;
}
static void time_long_past(void)
{
	flow_at(0)->expires -= 120001;
}
static void window_of_nobody(void)
{
	nat_track_at(b.nat, 1)->max_win[0] = 0;
}
static void answer_that_was_never_heard(void)
{
	flow_at(1)->state = NAT_TCP_EST;
}
static void scale_beyond_the_largest(void)
{
	flow_at(1)->scale = 0xf0;
}
static void other_epoch(void)
{
	flow_at(0)->end[0].epoch++;
}
static void key_of_another(void)
{
	nat_flow_at(b.nat, 1)[0] = nat_flow_at(b.nat, 0)[0];
}
static void port_of_another_owner(void)
{
	flow_at(4)->end[1].peer = flow_at(0)->end[1].peer;
}

static const struct {
	const char *what;
	void (*how)(void);
} nonsense[] = {
#define NONSENSE(f)   \
	{             \
#f, f \
	}
	NONSENSE(state_of_another_protocol),
	NONSENSE(no_state),
	NONSENSE(protocol_of_another_state),
	NONSENSE(unknown_protocol),
	NONSENSE(ping_of_the_other_family),
	NONSENSE(owner_out_of_range),
	NONSENSE(other_owner_out_of_range),
	NONSENSE(family_of_one_end),
	NONSENSE(mark_of_a_mapping),
	NONSENSE(mark_of_an_answer),
	NONSENSE(question_that_is_an_answer),
	NONSENSE(dead_stand_in),
	NONSENSE(second_number_of_an_address),
	NONSENSE(stand_in_of_the_other_family),
	NONSENSE(stand_in_without_port),
	NONSENSE(port_without_stand_in),
	NONSENSE(outside_port_out_of_range),
	NONSENSE(ports_that_do_not_meet),
	NONSENSE(question_that_is_none),
	NONSENSE(question_beyond_a_byte),
	NONSENSE(no_question),
	NONSENSE(address_of_the_other_family),
	NONSENSE(no_unicast_source),
	NONSENSE(no_destination),
	NONSENSE(time_beyond_its_time_out),
	NONSENSE(time_long_past),
	NONSENSE(window_of_nobody),
	NONSENSE(answer_that_was_never_heard),
	NONSENSE(scale_beyond_the_largest),
	NONSENSE(other_epoch),
	NONSENSE(key_of_another),
	NONSENSE(port_of_another_owner),
};

/* Each is one flow too few, and no harm to the others. */
static void a_record_that_is_no_flow_is_dropped_alone(void)
{
	struct nat_conf c;

	nat_bed_conf(&c);
	c.outsides = 4;
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		nat_bed_open(&b, &c);
		udp(1, 4000, 99);
		out(1, IP_TCP, 4000, 80);
		out(1, IP_ICMP, 77, 0);
		out6(4000);
		udp(2, 4000, 99);
		CU_ASSERT_EQUAL_FATAL(flows(), 5);
		nonsense[i].how();
		die_and_go_on();
		if (flows() != 4)
			fprintf(stderr, "\n%s: %u flows\n", nonsense[i].what,
				flows());
		CU_ASSERT_EQUAL(flows(), 4);
		nat_bed_close(&b);
	}
}

/* A plain flow whose ends are one: its answers would be its questions. */
static void a_flow_to_itself_is_dropped(void)
{
	struct nat_flow *f;

	nat_bed_open(&b, NULL);
	CU_ASSERT(plain(1, 2));
	f = flow_at(0);
	f->end[0].port = f->end[0].peer = 7;
	f->end[0].stand = 0;
	f->end[1] = f->end[0];
	die_and_go_on();
	CU_ASSERT_EQUAL(flows(), 0);
	nat_bed_close(&b);
}

static void settings_that_can_not_be_are_refused(void)
{
	struct nat *n;

	nat_bed_open(&b, NULL);
	nat_bed_die(&b);
	CU_ASSERT_EQUAL(nat_adopt(&n, b.mem, nat_size(&b.conf) - 64, &b.conf,
				  b.now),
			-ENOSPC);
	b.conf.flows = 1;
	CU_ASSERT_EQUAL(nat_adopt(&n, b.mem, b.len, &b.conf, b.now), -EINVAL);
	nat_bed_close(&b);
}

/* ---- by chance -------------------------------------------------------------
 */

static struct pkt_rand rnd;

static uint32_t below(uint32_t n)
{
	return pkt_rand_below(&rnd, n);
}

static void random_traffic(uint32_t steps)
{
	static const uint8_t proto[] = { IP_UDP, IP_TCP, IP_ICMP };
	uint16_t port = 0;

	for (uint32_t i = 0; i < steps; i++) {
		uint16_t owner = (uint16_t)(1 + below(4));

		if (below(3))
			port = out(owner, proto[below(3)],
				   (uint16_t)(4000 + below(20)),
				   (uint16_t)(90 + below(4)));
		else if (below(2))
			in((uint16_t)(90 + below(4)), port);
		else if (!below(20))
			nat_owner_forget(b.nat, owner);
		nat_bed_pass(&b, below(500));
		nat_expire(b.nat, below(20), b.now);
	}
}

/*
 * Over the whole, or where it hurts: in the records.  How many there are is
 * read before it may be overwritten.
 */
static void flip(uint32_t n)
{
	uint8_t *mem = b.mem, *flow = (uint8_t *)b.nat->table.flow;
	const uint32_t len = b.nat->table.cap * 64;

	while (n--)
		if (below(2))
			mem[below((uint32_t)b.len)] ^=
				(uint8_t)(1u << below(8));
		else
			flow[below(len)] = (uint8_t)below(256);
}

static void open_at_random(void)
{
	uint8_t seed[16] = { 0 };
	unsigned long seed_n = unit_seed();
	struct nat_conf c;

	memcpy(seed, &seed_n, sizeof(seed_n));
	pkt_rand_seed(&rnd, seed);
	nat_bed_conf(&c);
	c.quota = (struct nat_quota){ 0 };
	nat_bed_open(&b, &c);
}

static void a_table_full_of_flipped_bits_is_a_table_again(void)
{
	uint64_t kept = 0;

	open_at_random();
	for (unsigned long i = 0; i < 60 * unit_soak(); i++) {
		random_traffic(100);
		flip(1 + below(400));
		die_and_go_on();
		kept += flows(); /* none when a bit of its header is wrong */
	}
	CU_ASSERT(kept > 0);
	nat_bed_close(&b);
}

static void a_table_of_noise_is_a_table_again(void)
{
	open_at_random();
	for (unsigned long i = 0; i < 10 * unit_soak(); i++) {
		for (size_t at = 0; at < b.len; at++)
			((uint8_t *)b.mem)[at] = (uint8_t)pkt_rand_u64(&rnd);
		die_and_go_on();
		random_traffic(50);
	}
	CU_ASSERT(flows() > 0);
	nat_bed_close(&b);
}

UNIT_SUITE(nat_adopt, UNIT(flows_of_every_kind_go_on),
	   UNIT(they_are_to_be_judged_again),
	   UNIT(R30_an_endpoint_keeps_its_outside_port),
	   UNIT(R30_of_two_ports_the_same_is_the_mapping),
	   UNIT(the_oldest_is_evicted_first),
	   UNIT(time_is_counted_on_from_the_death),
	   UNIT(what_had_ended_stays_ended),
	   UNIT(R38_a_port_that_was_given_up_stays_held),
	   UNIT(an_owner_that_does_not_come_back_opens_nothing),
	   UNIT(an_owner_that_comes_back_has_its_new_quota),
	   UNIT(addresses_that_are_not_kept_are_forgotten),
	   UNIT(a_record_that_is_no_flow_is_dropped_alone),
	   UNIT(a_flow_to_itself_is_dropped),
	   UNIT(settings_that_can_not_be_are_refused),
	   UNIT(a_table_full_of_flipped_bits_is_a_table_again),
	   UNIT(a_table_of_noise_is_a_table_again))
