/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which outside port a client gets, who may answer to it, and who may hold how
 * much: R30 to R49, R62, R92 to R95, R130 to R132.
 */
#include <stdlib.h>
#include <string.h>

#include "mock/nat_bed.h"
#include "unit.h"

#define OUTSIDE "203.0.113.1"
#define SYN 0x02
#define ACK 0x10
#define FIN 0x01
#define RST 0x04

static struct nat_bed b;

struct ask {
	uint16_t owner;
	uint8_t proto;
	const char *src, *dst;
	uint16_t sport, dport;
	uint8_t flags;
};

/* Opens or uses a flow; the outside port (or id), 0 when refused. */
static uint16_t out(const struct ask *a)
{
	struct nat_want want =
		nat_bed_masq(strchr(a->src, ':') ? "2001:db8::1" : OUTSIDE, 0);
	bool icmp = a->proto == 1 || a->proto == 58;
	struct frame_spec s = { .src = a->src,
				.dst = a->dst,
				.proto = a->proto,
				.sport = a->sport,
				.dport = a->dport,
				.icmp_id = a->sport,
				.flags = a->flags ? a->flags : SYN };
	struct pkt *p = frame_parsed(b.pool, &s);
	uint16_t port = 0;

	if (nat_bed_go(&b, p, a->owner, &want)) {
		CU_ASSERT(nat_bed_sums_ok(p));
		port = nat_bed_port(p, 0);
		CU_ASSERT(icmp || nat_bed_port(p, 1) == a->dport);
	}
	pkt_put(b.pool, p);
	return port;
}

static uint16_t udp(uint16_t owner, const char *src, uint16_t sport,
		    const char *dst, uint16_t dport)
{
	return out(&(struct ask){ owner, 17, src, dst, sport, dport, 0 });
}

/* A packet to us from outside; the client it reaches, 0 when none. */
static uint16_t in(uint8_t proto, const char *src, uint16_t sport,
		   uint16_t dport, uint8_t flags)
{
	struct frame_spec s = { .src = src,
				.dst = strchr(src, ':') ? "2001:db8::1"
							: OUTSIDE,
				.proto = proto,
				.sport = sport,
				.dport = dport,
				.flags = flags };
	struct pkt *p = frame_parsed(b.pool, &s);
	uint16_t to = nat_bed_go(&b, p, NAT_UPLINK, NULL) ? b.hit.to : 0;

	pkt_put(b.pool, p);
	return to;
}

static void R30_one_inside_port_is_one_outside_port(void)
{
	uint16_t first;

	nat_bed_open(&b, NULL);
	first = udp(1, "10.137.0.5", 4000, "198.51.100.10", 3478);
	CU_ASSERT(first >= 1024);
	CU_ASSERT_EQUAL(udp(1, "10.137.0.5", 4000, "198.51.100.11", 3478),
			first);
	CU_ASSERT_EQUAL(udp(1, "10.137.0.5", 4000, "198.51.100.10", 3479),
			first);
	CU_ASSERT_NOT_EQUAL(udp(1, "10.137.0.5", 4001, "198.51.100.10", 3478),
			    first);
	CU_ASSERT_NOT_EQUAL(udp(2, "10.137.0.6", 4000, "198.51.100.10", 3478),
			    first);
	nat_bed_close(&b);
}

static void R30_the_mapping_outlives_the_flow_that_made_it(void)
{
	uint16_t first;

	nat_bed_open(&b, NULL);
	first = udp(1, "10.137.0.5", 4000, "198.51.100.10", 1);
	nat_bed_pass(&b, 100000);
	CU_ASSERT_EQUAL(udp(1, "10.137.0.5", 4000, "198.51.100.11", 1), first);
	nat_bed_pass(&b, 100000); /* the first flow is over, the second lives */
	nat_expire(b.nat, 1024, b.now);
	CU_ASSERT_EQUAL(udp(1, "10.137.0.5", 4000, "198.51.100.12", 1), first);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 1, first, 0), 0);
	CU_ASSERT_EQUAL(in(17, "198.51.100.11", 1, first, 0), 1);
	nat_bed_close(&b);
}

static void R30_holds_for_tcp_and_for_ipv6(void)
{
	struct ask a = { 1, 6, "10.137.0.5", "198.51.100.10", 4000, 80, 0 };
	uint16_t first, second;

	nat_bed_open(&b, NULL);
	first = out(&a);
	a.dst = "198.51.100.11";
	CU_ASSERT_EQUAL(out(&a), first);
	a = (struct ask){ 1, 17, "fd09::5", "2001:db8:1::10", 4000, 53, 0 };
	second = out(&a);
	a.dst = "2001:db8:1::11";
	CU_ASSERT(second != 0);
	CU_ASSERT_EQUAL(out(&a), second);
	CU_ASSERT_EQUAL(in(17, "2001:db8:1::11", 53, second, 0), 1);
	nat_bed_close(&b);
}

static void R31_no_two_inside_endpoints_share_an_outside_port(void)
{
	static uint8_t seen[65536];
	struct nat_conf conf;
	int doubled = 0;

	nat_bed_conf(&conf);
	conf.flows = 4096;
	conf.quota = (struct nat_quota){ 0 };
	nat_bed_open(&b, &conf);
	memset(seen, 0, sizeof(seen));
	for (uint16_t i = 0; i < 3000; i++) {
		uint16_t port = udp((uint16_t)(1 + i % 3),
				    i % 3 == 0	 ? "10.137.0.5"
				    : i % 3 == 1 ? "10.137.0.6"
						 : "10.137.0.7",
				    (uint16_t)(2000 + i), "198.51.100.10", 53);
		CU_ASSERT(port >= 1024);
		doubled += seen[port]++;
	}
	CU_ASSERT_EQUAL(doubled, 0);
	nat_bed_close(&b);
}

static void R32_only_the_exact_remote_may_answer(void)
{
	uint16_t port;

	nat_bed_open(&b, NULL);
	port = udp(1, "10.137.0.5", 4000, "198.51.100.10", 3478);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 3478, port, 0), 1);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 3479, port, 0), 0);
	CU_ASSERT_EQUAL(in(17, "198.51.100.11", 3478, port, 0), 0);
	CU_ASSERT_EQUAL(in(6, "198.51.100.10", 3478, port, SYN | ACK), 0);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 3478, (uint16_t)(port ^ 1), 0),
			0);
	CU_ASSERT_EQUAL(b.why, PKT_REASON_NO_FLOW);
	nat_bed_close(&b);
}

static void R34_preservation_is_an_option(void)
{
	struct nat_conf conf;

	nat_bed_conf(&conf);
	conf.preserve = true;
	nat_bed_open(&b, &conf);
	CU_ASSERT_EQUAL(udp(1, "10.137.0.5", 4000, "198.51.100.10", 53), 4000);
	/* the second client can't have it */
	CU_ASSERT_NOT_EQUAL(udp(2, "10.137.0.6", 4000, "198.51.100.10", 53),
			    4000);
	nat_bed_close(&b);
}

static void R37_a_reserved_port_is_given_to_nobody(void)
{
	struct pkt_addr outside = nat_bed_addr(OUTSIDE);
	struct nat_conf conf;

	nat_bed_conf(&conf);
	conf.port_lo = 5000;
	conf.port_hi = 5063;
	nat_bed_open(&b, &conf);
	CU_ASSERT(nat_port_reserve(b.nat, &outside, 5001));
	for (uint16_t i = 0; i < 1000; i++) {
		uint16_t port = udp(1, "10.137.0.5", (uint16_t)(4000 + i),
				    "198.51.100.10", 53);
		CU_ASSERT(port >= 5000 && port <= 5063 && port != 5001);
	}
	nat_bed_close(&b);
}

static void R38_a_freed_port_is_kept_from_others_for_a_while(void)
{
	struct nat_conf conf;

	nat_bed_conf(&conf);
	conf.port_lo = conf.port_hi = 5000;
	nat_bed_open(&b, &conf);
	CU_ASSERT_EQUAL(udp(1, "10.137.0.5", 4000, "198.51.100.10", 53), 5000);
	nat_bed_pass(&b, 121000);
	nat_expire(b.nat, 1024, b.now);
	CU_ASSERT_EQUAL(udp(2, "10.137.0.6", 4000, "198.51.100.10", 53), 0);
	/* its last holder may have it at once */
	CU_ASSERT_EQUAL(udp(1, "10.137.0.5", 4001, "198.51.100.10", 53), 5000);
	nat_bed_pass(&b, 121000);
	nat_expire(b.nat, 1024, b.now);
	nat_bed_pass(&b, 119000);
	CU_ASSERT_EQUAL(udp(2, "10.137.0.6", 4000, "198.51.100.10", 53), 0);
	nat_bed_pass(&b, 17000); /* the hold is kept in steps of 15 s */
	nat_expire(b.nat, 1024, b.now);
	CU_ASSERT_EQUAL(udp(2, "10.137.0.6", 4000, "198.51.100.10", 53), 5000);
	nat_bed_close(&b);
}

static void R41_R94_a_flow_belongs_to_the_side_that_made_it(void)
{
	struct nat_want want = nat_bed_masq(OUTSIDE, 0);
	struct frame_spec s = { .src = "10.137.0.5",
				.dst = "198.51.100.10",
				.sport = 4000,
				.dport = 53 };
	struct pkt *p;

	nat_bed_open(&b, NULL);
	CU_ASSERT(udp(1, "10.137.0.5", 4000, "198.51.100.10", 53) != 0);
	for (uint16_t owner = 0; owner <= BED_CLIENTS; owner++) {
		p = frame_parsed(b.pool, &s);
		CU_ASSERT_EQUAL(nat_bed_go(&b, p, owner, NULL), owner == 1);
		pkt_put(b.pool, p);
	}
	/* a second client with the very same address keeps its own flow */
	p = frame_parsed(b.pool, &s);
	CU_ASSERT(nat_bed_go(&b, p, 2, &want));
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 53, nat_bed_port(p, 0), 0), 2);
	pkt_put(b.pool, p);
	nat_bed_close(&b);
}

static void R44_an_address_that_went_away_translates_nothing(void)
{
	struct pkt_addr outside = nat_bed_addr(OUTSIDE);
	uint16_t port;

	nat_bed_open(&b, NULL);
	port = udp(1, "10.137.0.5", 4000, "198.51.100.10", 53);
	nat_addr_forget(b.nat, &outside);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 53, port, 0), 0);
	nat_bed_close(&b);
}

static void R45_R46_udp_lives_as_long_as_it_should(void)
{
	uint16_t port;

	nat_bed_open(&b, NULL);
	port = udp(1, "10.137.0.5", 4000, "198.51.100.10", 5000);
	nat_bed_pass(&b, 119000);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 5000, port, 0), 1);
	nat_bed_pass(&b, 299000);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 5000, port, 0), 1);
	nat_bed_pass(&b, 299000);
	CU_ASSERT_EQUAL(udp(1, "10.137.0.5", 4000, "198.51.100.10", 5000),
			port);
	nat_bed_pass(&b, 301000);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 5000, port, 0), 0);
	/* one way only: 120 s; DNS: 30 s after the answer */
	port = udp(1, "10.137.0.5", 4001, "198.51.100.10", 53);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 53, port, 0), 1);
	nat_bed_pass(&b, 31000);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 53, port, 0), 0);
	port = udp(1, "10.137.0.5", 4002, "198.51.100.10", 5000);
	nat_bed_pass(&b, 121000);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 5000, port, 0), 0);
	nat_bed_close(&b);
}

static void R62_ids_of_queries_are_mapped_like_ports(void)
{
	struct ask a = { 1, 1, "10.137.0.5", "198.51.100.10", 7, 0, 0 };
	struct frame_spec reply = { .src = "198.51.100.10",
				    .dst = OUTSIDE,
				    .proto = 1,
				    .type_zero = true };
	struct pkt *p;
	uint16_t id1, id2;

	nat_bed_open(&b, NULL);
	id1 = out(&a);
	a.owner = 2;
	a.src = "10.137.0.6";
	id2 = out(&a);
	CU_ASSERT(id1 != id2);
	reply.icmp_id = id2;
	p = frame_parsed(b.pool, &reply);
	CU_ASSERT(nat_bed_go(&b, p, NAT_UPLINK, NULL));
	CU_ASSERT_STRING_EQUAL(nat_bed_tuple(p),
			       "198.51.100.10 > 10.137.0.6 id 7");
	pkt_put(b.pool, p);
	/* not another type, not another host, not a request */
	reply.type_zero = false;
	reply.type = 14;
	p = frame_parsed(b.pool, &reply);
	CU_ASSERT(!nat_bed_go(&b, p, NAT_UPLINK, NULL));
	pkt_put(b.pool, p);
	reply.type = 8;
	p = frame_parsed(b.pool, &reply);
	CU_ASSERT(!nat_bed_go(&b, p, NAT_UPLINK, NULL));
	pkt_put(b.pool, p);
	nat_bed_close(&b);
}

static void R95_a_client_that_left_leaves_nothing(void)
{
	struct nat_usage use;
	uint16_t port;

	nat_bed_open(&b, NULL);
	port = udp(1, "10.137.0.5", 4000, "198.51.100.10", 53);
	nat_owner_remove(b.nat, 1);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 53, port, 0), 0);
	for (int i = 0; i < 100 && nat_owner_busy(b.nat, 1); i++)
		nat_expire(b.nat, 16, b.now);
	CU_ASSERT(!nat_owner_busy(b.nat, 1));
	nat_usage(b.nat, UINT16_MAX, &use);
	CU_ASSERT_EQUAL(use.flows, 0);
	/* a new client in its place inherits nothing */
	CU_ASSERT_EQUAL(nat_owner_add(b.nat, 1, NULL), 0);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 53, port, 0), 0);
	nat_bed_close(&b);
}

static void R131_R132_a_full_client_loses_its_own_oldest_halves_only(void)
{
	struct nat_conf conf;
	uint16_t bport, first, last;
	uint32_t refused = 0;

	nat_bed_conf(&conf);
	conf.flows = 64;
	conf.quota = (struct nat_quota){ .flows = 16,
					 .udp_oneway = 8,
					 .half_open = 8 };
	nat_bed_open(&b, &conf);
	bport = udp(2, "10.137.0.6", 4000, "198.51.100.10", 5000);
	first = udp(1, "10.137.0.5", 3000, "198.51.100.10", 5000);
	for (uint16_t i = 1; i < 200; i++)
		refused += !udp(1, "10.137.0.5", (uint16_t)(3000 + i),
				"198.51.100.10", 5000);
	last = udp(1, "10.137.0.5", 3900, "198.51.100.10", 5000);
	CU_ASSERT_EQUAL(refused, 0); /* one-way flows make room for new ones */
	CU_ASSERT(last != 0);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 5000, last, 0), 1);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 5000, first, 0), 0);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 5000, bport, 0), 2);
	nat_bed_close(&b);
}

static void R132_answered_flows_are_never_evicted(void)
{
	struct nat_conf conf;
	uint16_t port[16];

	nat_bed_conf(&conf);
	conf.quota = (struct nat_quota){ .flows = 16 };
	nat_bed_open(&b, &conf);
	for (uint16_t i = 0; i < 16; i++) {
		port[i] = udp(1, "10.137.0.5", (uint16_t)(3000 + i),
			      "198.51.100.10", 5000);
		CU_ASSERT_EQUAL(in(17, "198.51.100.10", 5000, port[i], 0), 1);
	}
	CU_ASSERT_EQUAL(udp(1, "10.137.0.5", 3999, "198.51.100.10", 5000), 0);
	CU_ASSERT_EQUAL(b.why, PKT_REASON_NAT_QUOTA);
	for (int i = 0; i < 16; i++)
		CU_ASSERT_EQUAL(in(17, "198.51.100.10", 5000, port[i], 0), 1);
	nat_bed_close(&b);
}

static void R130_new_flows_are_limited_in_time(void)
{
	struct nat_conf conf;
	uint32_t opened = 0;

	nat_bed_conf(&conf);
	conf.flows = 4096;
	conf.quota = (struct nat_quota){ .new_per_s = 10, .new_burst = 20 };
	nat_bed_open(&b, &conf);
	for (uint16_t i = 0; i < 100; i++)
		opened += udp(1, "10.137.0.5", (uint16_t)(3000 + i),
			      "198.51.100.10", 5000) != 0;
	CU_ASSERT_EQUAL(opened, 20);
	CU_ASSERT_EQUAL(b.why, PKT_REASON_NAT_RATE);
	nat_bed_pass(&b, 1000);
	for (uint16_t i = 0; i < 100; i++)
		opened += udp(1, "10.137.0.5", (uint16_t)(4000 + i),
			      "198.51.100.10", 5000) != 0;
	CU_ASSERT_EQUAL(opened, 30);
	nat_bed_close(&b);
}

static void R6_the_last_hop_is_not_spent(void)
{
	struct nat_want want = nat_bed_masq(OUTSIDE, 0);
	struct frame_spec s = { .src = "10.137.0.5",
				.dst = "198.51.100.10",
				.sport = 4000,
				.dport = 53,
				.ttl = 1 };
	struct pkt *p;
	uint8_t before[128];

	nat_bed_open(&b, NULL);
	CU_ASSERT(udp(1, "10.137.0.5", 4000, "198.51.100.10", 53) != 0);
	p = frame_parsed(b.pool, &s);
	memcpy(before, p->data, p->len);
	CU_ASSERT(!nat_bed_go(&b, p, 1, &want));
	CU_ASSERT_EQUAL(b.why, PKT_REASON_TTL);
	CU_ASSERT(!memcmp(before, p->data, p->len));
	pkt_put(b.pool, p);
	nat_bed_close(&b);
}

static void R11_everything_else_in_the_packet_survives(void)
{
	struct nat_want want = nat_bed_masq(OUTSIDE, 5000);
	struct frame_spec s = { .src = "10.137.0.5",
				.dst = "198.51.100.10",
				.proto = 6,
				.sport = 4000,
				.dport = 80,
				.flags = SYN | 0x40 | 0x80,
				.tos = 0xbb,
				.id = 0xbeef,
				.df = true,
				.urgent = 77,
				.tcp_options = "0101050a0000000100000002"
					       "0402030307",
				.payload_len = 33 };
	struct frame_spec t = s;
	struct pkt *p, *w;

	t.src = OUTSIDE;
	t.sport = 5000;
	t.ttl = 63;
	nat_bed_open(&b, NULL);
	p = frame_parsed(b.pool, &s);
	w = frame_parsed(b.pool, &t);
	CU_ASSERT(nat_bed_go(&b, p, 1, &want));
	CU_ASSERT(frame_same(p, w));
	pkt_put(b.pool, p);
	pkt_put(b.pool, w);
	nat_bed_close(&b);
}

static void R4_a_wrong_checksum_stays_wrong_and_none_stays_none(void)
{
	struct nat_want want = nat_bed_masq(OUTSIDE, 5000);
	struct frame_spec s = { .src = "10.137.0.5",
				.dst = "198.51.100.10",
				.sport = 4000,
				.dport = 53,
				.payload_len = 20 };
	struct pkt *p;

	nat_bed_open(&b, NULL);
	p = frame_parsed(b.pool, &s);
	p->data[p->len - 1] ^= 0x40;
	CU_ASSERT(nat_bed_go(&b, p, 1, &want));
	CU_ASSERT(!nat_bed_sums_ok(p));
	p->data[p->len - 1] ^= 0x40;
	CU_ASSERT(nat_bed_sums_ok(p));
	pkt_put(b.pool, p);
	s.udp_csum_none = true;
	p = frame_parsed(b.pool, &s);
	CU_ASSERT(nat_bed_go(&b, p, 1, &want));
	CU_ASSERT(pkt_l4(p)[6] == 0 && pkt_l4(p)[7] == 0);
	pkt_put(b.pool, p);
	nat_bed_close(&b);
}

static void rules_are_judged_again_by_generation(void)
{
	struct nat_want want = nat_bed_masq(OUTSIDE, 5000);
	struct frame_spec s = { .src = "10.137.0.5",
				.dst = "198.51.100.10",
				.sport = 4000,
				.dport = 53 };
	struct nat_tuple t;
	struct pkt *p;

	want.gen = 7;
	want.rule = 3;
	nat_bed_open(&b, NULL);
	p = frame_parsed(b.pool, &s);
	CU_ASSERT(nat_bed_go(&b, p, 1, &want));
	pkt_put(b.pool, p);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 53, 5000, 0), 1);
	CU_ASSERT_EQUAL(b.hit.gen, 7);
	CU_ASSERT_EQUAL(b.hit.rule, 3);
	CU_ASSERT_EQUAL(b.hit.from, NAT_UPLINK);
	nat_hit_tuple(b.nat, &b.hit, &t);
	CU_ASSERT_EQUAL(t.sport, 4000);
	CU_ASSERT_EQUAL(t.dport, 53);
	CU_ASSERT_EQUAL(t.proto, 17);
	nat_hit_admit(b.nat, &b.hit, 8, 1);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 53, 5000, 0), 1);
	CU_ASSERT_EQUAL(b.hit.gen, 8);
	CU_ASSERT_EQUAL(b.hit.rule, 1);
	nat_hit_end(b.nat, &b.hit);
	CU_ASSERT_EQUAL(in(17, "198.51.100.10", 53, 5000, 0), 0);
	nat_bed_close(&b);
}

static void R37_what_was_reserved_twice_is_released_twice(void)
{
	struct pkt_addr outside = nat_bed_addr(OUTSIDE);
	struct pkt_addr other = nat_bed_addr("203.0.113.77");
	struct pkt_addr remote = nat_bed_addr("198.51.100.10");

	nat_bed_open(&b, NULL);
	CU_ASSERT(nat_port_reserve(b.nat, &outside, 5001));
	CU_ASSERT(nat_port_reserve(b.nat, &outside, 5001));
	nat_port_release(b.nat, &outside, 5001);
	nat_port_release(b.nat, &outside, 5001);
	/* of an address that has no ports: nothing to give back */
	nat_port_release(b.nat, &other, 5001);
	CU_ASSERT(nat_port_is_free(b.nat, &outside, 5001, 17, &remote, 53));
	nat_bed_close(&b);
}

static void owners_are_numbered_once_and_within_bounds(void)
{
	nat_bed_open(&b, NULL);
	CU_ASSERT(nat_owner_add(b.nat, 1, NULL) != 0);
	CU_ASSERT(nat_owner_add(b.nat, BED_CLIENTS + 1, NULL) != 0);
	CU_ASSERT(nat_owner_add(b.nat, UINT16_MAX, NULL) != 0);
	nat_owner_remove(b.nat, UINT16_MAX);
	nat_owner_forget(b.nat, UINT16_MAX);
	CU_ASSERT(!nat_owner_busy(b.nat, UINT16_MAX));
	CU_ASSERT_STRING_EQUAL(nat_state_name(NAT_STATE_N), "?");
	nat_bed_close(&b);
}

static void translating_is_finding_and_applying(void)
{
	struct frame_spec s = { .src = "10.137.0.5",
				.dst = "198.51.100.10",
				.sport = 4000,
				.dport = 53 };
	struct pkt *p;

	nat_bed_open(&b, NULL);
	p = frame_parsed(b.pool, &s);
	CU_ASSERT_EQUAL(nat_translate(b.nat, p, 1, b.now), PKT_DROP);
	CU_ASSERT_EQUAL(p->reason, PKT_REASON_NO_FLOW);
	CU_ASSERT(udp(1, "10.137.0.5", 4000, "198.51.100.10", 53) != 0);
	CU_ASSERT_EQUAL(nat_translate(b.nat, p, 1, b.now), PKT_FORWARD);
	CU_ASSERT(nat_bed_sums_ok(p));
	CU_ASSERT_EQUAL(pkt_l3(p)[8], 63);
	pkt_put(b.pool, p);
	nat_bed_close(&b);
}

static void a_big_table_is_freed_and_listed_in_bounded_steps(void)
{
	struct nat_info info[4];
	struct nat_conf c;
	uint32_t cursor = 0, steps = 0;

	nat_bed_conf(&c);
	c.flows = 2 * NAT_EACH_LOOK;
	c.quota = (struct nat_quota){ .flows = c.flows, .ports = UINT16_MAX };
	nat_bed_open(&b, &c);
	for (uint32_t i = 0; i < NAT_EACH_LOOK; i++)
		CU_ASSERT(udp(1, "10.137.0.5", (uint16_t)(1024 + i),
			      "198.51.100.10", 53));
	CU_ASSERT(udp(2, "10.137.0.6", 4000, "198.51.100.10", 53));
	nat_owner_forget(b.nat, 1);
	while (nat_expire(b.nat, 128, b.now))
		steps++;
	CU_ASSERT(steps >= NAT_EACH_LOOK / 128);
	CU_ASSERT_EQUAL(nat_each(b.nat, &cursor, info, 4, b.now), 0);
	CU_ASSERT_EQUAL(cursor, NAT_EACH_LOOK);
	CU_ASSERT_EQUAL(nat_each(b.nat, &cursor, info, 4, b.now), 1);
	CU_ASSERT_EQUAL(cursor, 0);
	CU_ASSERT_EQUAL(info[0].owner[0], 2);
	nat_bed_close(&b);
}

/*
 * Epochs are numbered by 8 bits.  Whoever has used them all while the first
 * one's flows are still there opens none, in either direction, until the sweep
 * has met them; nothing that was forgotten ever matches again.
 */
static void an_owner_forgotten_too_often_waits_for_the_sweep(void)
{
	struct frame_spec s = {
		.src = "10.137.0.6", .dst = "10.137.0.5", .sport = 7, .dport = 8
	};
	struct nat_want plain = { .to = 1 };
	struct nat_conf c;
	struct pkt *p;
	uint16_t port[UINT8_MAX];

	nat_bed_conf(&c);
	c.flows = 1024;
	c.quota = (struct nat_quota){ .flows = c.flows, .ports = UINT16_MAX };
	nat_bed_open(&b, &c);
	for (int i = 0; i < UINT8_MAX; i++) {
		port[i] = udp(1, "10.137.0.5", 4000, "198.51.100.10", 53);
		CU_ASSERT(port[i] != 0);
		nat_owner_forget(b.nat, 1);
	}
	for (int i = 0; i < 3; i++) {
		CU_ASSERT(!udp(1, "10.137.0.5", 4000, "198.51.100.10", 53));
		CU_ASSERT_EQUAL(b.why, PKT_REASON_NAT_RATE);
		nat_owner_forget(b.nat, 1);
	}
	p = frame_parsed(b.pool, &s);
	CU_ASSERT(!nat_bed_go(&b, p, 2, &plain));
	CU_ASSERT_EQUAL(b.why, PKT_REASON_NAT_RATE);
	CU_ASSERT(udp(2, "10.137.0.6", 4000, "198.51.100.10", 53) != 0);
	for (int i = 0; i < UINT8_MAX; i++)
		CU_ASSERT_EQUAL(in(17, "198.51.100.10", 53, port[i], 0), 0);
	while (nat_expire(b.nat, 128, b.now))
		;
	CU_ASSERT(udp(1, "10.137.0.5", 4000, "198.51.100.10", 53) != 0);
	CU_ASSERT(nat_bed_go(&b, p, 2, &plain));
	pkt_put(b.pool, p);
	nat_bed_close(&b);
}

UNIT_SUITE(nat_mapping, UNIT(an_owner_forgotten_too_often_waits_for_the_sweep),
	   UNIT(a_big_table_is_freed_and_listed_in_bounded_steps),
	   UNIT(R37_what_was_reserved_twice_is_released_twice),
	   UNIT(owners_are_numbered_once_and_within_bounds),
	   UNIT(translating_is_finding_and_applying),
	   UNIT(R30_one_inside_port_is_one_outside_port),
	   UNIT(R30_the_mapping_outlives_the_flow_that_made_it),
	   UNIT(R30_holds_for_tcp_and_for_ipv6),
	   UNIT(R31_no_two_inside_endpoints_share_an_outside_port),
	   UNIT(R32_only_the_exact_remote_may_answer),
	   UNIT(R34_preservation_is_an_option),
	   UNIT(R37_a_reserved_port_is_given_to_nobody),
	   UNIT(R38_a_freed_port_is_kept_from_others_for_a_while),
	   UNIT(R41_R94_a_flow_belongs_to_the_side_that_made_it),
	   UNIT(R44_an_address_that_went_away_translates_nothing),
	   UNIT(R45_R46_udp_lives_as_long_as_it_should),
	   UNIT(R62_ids_of_queries_are_mapped_like_ports),
	   UNIT(R95_a_client_that_left_leaves_nothing),
	   UNIT(R131_R132_a_full_client_loses_its_own_oldest_halves_only),
	   UNIT(R132_answered_flows_are_never_evicted),
	   UNIT(R130_new_flows_are_limited_in_time),
	   UNIT(R6_the_last_hop_is_not_spent),
	   UNIT(R11_everything_else_in_the_packet_survives),
	   UNIT(R4_a_wrong_checksum_stays_wrong_and_none_stays_none),
	   UNIT(rules_are_judged_again_by_generation))
