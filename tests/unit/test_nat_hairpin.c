/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two clients that meet at our outside address (R39, when it is asked for): a
 * packet goes through the flow of either, and through both filters.
 */
#include <string.h>

#include "mock/nat_bed.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

#define OUTSIDE "203.0.113.1"
#define OUTSIDE6 "2001:db8::1"

static struct nat_bed b;

/* One end: a client, its address and port, and the outside port it got. */
struct end {
	uint16_t owner;
	const char *addr;
	uint16_t port, xport;
};

static struct end x, y;

static const char *outside_of(const struct end *e)
{
	return strchr(e->addr, ':') ? OUTSIDE6 : OUTSIDE;
}

/* Two clients with an outside port each, got by talking to a stranger. */
static void open_bed(uint8_t proto, bool v6)
{
	struct end *const ends[] = { &x, &y };

	nat_bed_open(&b, NULL);
	x = (struct end){ 1, v6 ? "fd09::5" : "10.137.0.5", 4000, 0 };
	y = (struct end){ 2, v6 ? "fd09::6" : "10.137.0.6", 5000, 0 };
	for (int i = 0; i < 2; i++) {
		struct end *e = ends[i];
		struct nat_want want = nat_bed_masq(outside_of(e), 0);
		struct frame_spec s = { .src = e->addr,
					.dst = v6 ? "2001:db8:5::1"
						  : "198.51.100.10",
					.proto = proto,
					.sport = e->port,
					.dport = 3478,
					.flags = TCP_SYN };
		struct pkt *p = frame_parsed(b.pool, &s);

		CU_ASSERT_FATAL(nat_bed_go(&b, p, e->owner, &want));
		e->xport = nat_bed_port(p, 0);
		pkt_put(b.pool, p);
	}
}

/* @s from @from to outside port @dport; the packet afterwards. */
static struct pkt *shoot(const struct end *from, uint16_t dport,
			 struct frame_spec s, bool *passed)
{
	struct nat_want want = nat_bed_masq(outside_of(from), 0);
	struct pkt *p;

	s.src = from->addr;
	s.dst = outside_of(from);
	s.sport = from->port;
	s.dport = dport;
	p = frame_parsed(b.pool, &s);
	*passed = nat_bed_go_back(&b, p, from->owner, &want);
	return p;
}

/* Does it come out at @to, from the outside port of @from? */
static bool reaches(const struct end *from, const struct end *to,
		    struct frame_spec s)
{
	char want[120];
	bool passed;
	struct pkt *p = shoot(from, to->xport, s, &passed);

	snprintf(want, sizeof(want), "%s:%u > %s:%u", outside_of(from),
		 from->xport, to->addr, to->port);
	passed = passed && !strcmp(nat_bed_tuple(p), want) &&
		 nat_bed_sums_ok(p) && b.hit.from == from->owner &&
		 b.back.to == to->owner && b.back.from == NAT_UPLINK &&
		 pkt_l3(p)[p->l3 == PKT_L3_IP4 ? 8 : 7] == 63;
	pkt_put(b.pool, p);
	return passed;
}

static bool is_lost(const struct end *from, uint16_t dport, struct frame_spec s)
{
	bool passed;
	struct pkt *p = shoot(from, dport, s, &passed);

	pkt_put(b.pool, p);
	return !passed && b.why == PKT_REASON_HAIRPIN;
}

static void meet_by_udp(bool v6)
{
	const struct frame_spec s = { .proto = IP_UDP, .payload_len = 5 };

	open_bed(IP_UDP, v6);
	/* y has not asked for x */
	CU_ASSERT(is_lost(&x, y.xport, s));
	CU_ASSERT(is_lost(&x, y.xport, s));
	/* x has asked for y */
	CU_ASSERT(reaches(&y, &x, s));
	CU_ASSERT(reaches(&x, &y, s));
	CU_ASSERT_EQUAL(b.hit.state, NAT_UDP_BOTH);
	nat_bed_close(&b);
}

static void R39_udp_meets_once_both_have_asked(void)
{
	meet_by_udp(false);
	meet_by_udp(true);
}

static void R32_asking_for_another_port_opens_nothing(void)
{
	const struct frame_spec s = { .proto = IP_UDP };
	struct end z;

	open_bed(IP_UDP, false);
	CU_ASSERT(is_lost(&x, (uint16_t)(y.xport ^ 1), s));
	CU_ASSERT(is_lost(&y, x.xport, s));
	/* from another port of x than the one that y asked for */
	z = x;
	z.port++;
	CU_ASSERT(is_lost(&z, y.xport, s));
	/* nor does TCP open what UDP asked for */
	CU_ASSERT(is_lost(&x, y.xport,
			  (struct frame_spec){ .proto = IP_TCP,
					       .flags = TCP_SYN }));
	CU_ASSERT(reaches(&x, &y, s));
	nat_bed_close(&b);
}

static void R30_the_outside_port_is_the_one_that_strangers_see(void)
{
	const struct frame_spec s = { .proto = IP_UDP };
	bool passed;
	struct pkt *p;

	open_bed(IP_UDP, false);
	p = shoot(&x, y.xport, s, &passed);
	CU_ASSERT_EQUAL(nat_bed_port(p, 0), x.xport);
	pkt_put(b.pool, p);
	nat_bed_close(&b);
}

static void an_endpoint_does_not_meet_itself(void)
{
	const struct frame_spec s = { .proto = IP_UDP };

	open_bed(IP_UDP, false);
	CU_ASSERT(is_lost(&x, x.xport, s));
	CU_ASSERT(is_lost(&x, x.xport, s));
	nat_bed_close(&b);
}

static void two_sockets_of_one_client_may_meet(void)
{
	const struct frame_spec s = { .proto = IP_UDP };
	struct nat_want want = nat_bed_masq(OUTSIDE, 0);
	struct end z;
	struct pkt *p;

	open_bed(IP_UDP, false);
	z = x;
	z.port = 4001;
	p = frame_parsed(b.pool, &(struct frame_spec){ .src = z.addr,
						       .dst = "198.51.100.10",
						       .sport = z.port });
	CU_ASSERT(nat_bed_go(&b, p, z.owner, &want));
	z.xport = nat_bed_port(p, 0);
	pkt_put(b.pool, p);
	CU_ASSERT(is_lost(&z, x.xport, s));
	CU_ASSERT(reaches(&x, &z, s));
	nat_bed_close(&b);
}

static void R50_tcp_opens_from_both_sides_at_once(void)
{
	struct frame_spec sx = { .proto = IP_TCP, .flags = TCP_SYN };
	struct frame_spec sy = sx;

	open_bed(IP_TCP, false);
	sx.seq = 1000;
	sy.seq = 9000;
	CU_ASSERT(is_lost(&x, y.xport, sx));
	CU_ASSERT(reaches(&y, &x, sy));
	sx.flags = TCP_SYN | TCP_ACK;
	sx.ack = 9001;
	CU_ASSERT(reaches(&x, &y, sx));
	sy = (struct frame_spec){
		.proto = IP_TCP, .flags = TCP_ACK, .seq = 9001, .ack = 1001
	};
	CU_ASSERT(reaches(&y, &x, sy));
	sy.payload_len = 700;
	CU_ASSERT(reaches(&y, &x, sy));
	CU_ASSERT_EQUAL(b.hit.state, NAT_TCP_EST);
	CU_ASSERT_EQUAL(b.back.state, NAT_TCP_EST);
	nat_bed_close(&b);
}

static void R52_each_flow_judges_the_segment(void)
{
	struct frame_spec s = { .proto = IP_TCP,
				.flags = TCP_SYN,
				.seq = 1000 };
	bool passed;
	struct pkt *p;

	open_bed(IP_TCP, false);
	CU_ASSERT(is_lost(&x, y.xport, s));
	s.seq = 9000;
	CU_ASSERT(reaches(&y, &x, s));
	/* y may say that again, but x can't be told of a new number */
	s.seq = 77000;
	p = shoot(&y, x.xport, s, &passed);
	CU_ASSERT(!passed);
	CU_ASSERT_EQUAL(b.why, PKT_REASON_TCP_WINDOW);
	pkt_put(b.pool, p);
	nat_bed_close(&b);
}

static void R65_R66_errors_come_back_as_about_what_was_sent(void)
{
	const struct frame_spec s = { .proto = IP_UDP, .payload_len = 5 };
	struct frame_spec inner = { .src = OUTSIDE, .proto = IP_UDP };
	struct frame_spec error = {
		.proto = IP_ICMP, .type = 3, .code = 3, .quote = &inner
	};
	struct pkt_addr src, dst;
	struct pkt_quote q;
	bool passed;
	struct pkt *p;

	open_bed(IP_UDP, false);
	CU_ASSERT(is_lost(&x, y.xport, s));
	CU_ASSERT(reaches(&y, &x, s));
	inner.dst = x.addr;
	inner.sport = y.xport;
	inner.dport = x.port;
	p = shoot(&x, 0, error, &passed);
	CU_ASSERT_FATAL(passed && pkt_parse_quote(p, &q));
	src = pkt_src(p);
	dst = nat_bed_addr(OUTSIDE);
	CU_ASSERT(pkt_addr_eq(&src, &dst) && pkt_addr_eq(&q.dst, &dst));
	src = pkt_dst(p);
	dst = nat_bed_addr(y.addr);
	CU_ASSERT(pkt_addr_eq(&src, &dst) && pkt_addr_eq(&q.src, &dst));
	CU_ASSERT_EQUAL(q.sport, y.port);
	CU_ASSERT_EQUAL(q.dport, x.xport);
	CU_ASSERT(nat_bed_sums_ok(p));
	pkt_put(b.pool, p);
	nat_bed_close(&b);
}

static void queries_by_icmp_do_not_meet(void)
{
	struct frame_spec s = { .proto = IP_ICMP, .icmp_id = 7 };

	open_bed(IP_UDP, false);
	CU_ASSERT(is_lost(&x, 0, s));
	CU_ASSERT(is_lost(&y, 0, s));
	nat_bed_close(&b);
}

static void R44_nobody_meets_at_an_address_that_is_gone(void)
{
	const struct frame_spec s = { .proto = IP_UDP };
	struct pkt_addr gone = nat_bed_addr(OUTSIDE);

	open_bed(IP_UDP, false);
	CU_ASSERT(is_lost(&x, y.xport, s));
	CU_ASSERT(reaches(&y, &x, s));
	nat_addr_forget(b.nat, &gone);
	CU_ASSERT(is_lost(&y, x.xport, s));
	CU_ASSERT(is_lost(&x, y.xport, s));
	nat_bed_close(&b);
}

static void R95_nobody_meets_a_client_that_left(void)
{
	const struct frame_spec s = { .proto = IP_UDP };

	open_bed(IP_UDP, false);
	CU_ASSERT(is_lost(&x, y.xport, s));
	CU_ASSERT(reaches(&y, &x, s));
	nat_owner_forget(b.nat, x.owner);
	CU_ASSERT(is_lost(&y, x.xport, s));
	nat_bed_close(&b);
}

static void R45_the_other_flow_ends_in_its_time(void)
{
	const struct frame_spec s = { .proto = IP_UDP };

	open_bed(IP_UDP, false);
	CU_ASSERT(is_lost(&x, y.xport, s));
	/* y's question refreshes x's flow, which is answered by it */
	CU_ASSERT(reaches(&y, &x, s));
	nat_bed_pass(&b, 119000);
	CU_ASSERT(reaches(&y, &x, s));
	nat_bed_pass(&b, 299000);
	CU_ASSERT(reaches(&y, &x, s));
	nat_bed_pass(&b, 301000);
	CU_ASSERT(is_lost(&y, x.xport, s));
	nat_bed_close(&b);
}

UNIT_SUITE(nat_hairpin, UNIT(R39_udp_meets_once_both_have_asked),
	   UNIT(R32_asking_for_another_port_opens_nothing),
	   UNIT(R30_the_outside_port_is_the_one_that_strangers_see),
	   UNIT(an_endpoint_does_not_meet_itself),
	   UNIT(two_sockets_of_one_client_may_meet),
	   UNIT(R50_tcp_opens_from_both_sides_at_once),
	   UNIT(R52_each_flow_judges_the_segment),
	   UNIT(R65_R66_errors_come_back_as_about_what_was_sent),
	   UNIT(queries_by_icmp_do_not_meet),
	   UNIT(R44_nobody_meets_at_an_address_that_is_gone),
	   UNIT(R95_nobody_meets_a_client_that_left),
	   UNIT(R45_the_other_flow_ends_in_its_time))
