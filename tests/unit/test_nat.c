/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "mock/addrs.h"
#include "mock/frames.h"
#include "model/nat_check.h"
#include "nat/nat.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

/* A small world: clients 1 and 2, an outside address, a clock. */
struct world {
	struct nat *nat;
	struct pkt_pool *pool;
	void *mem, *pool_mem;
	struct mono now;
	struct nat_want want;
};

static struct nat_conf small_conf(void)
{
	struct nat_conf c;

	nat_conf_default(&c);
	c.flows = 64;
	c.owners = 4;
	c.quota.flows = 64;
	memset(c.hash_key, 7, sizeof(c.hash_key));
	memset(c.port_seed, 9, sizeof(c.port_seed));
	return c;
}

static void world_open(struct world *w, const struct nat_conf *c)
{
	size_t n = nat_size(c), pn = pkt_pool_size(64, 2);

	*w = (struct world){ .now = { 1000 * MONO_S } };
	w->mem = aligned_alloc(64, n);
	w->pool_mem = aligned_alloc(64, (pn + 63) & ~(size_t)63);
	CU_ASSERT_FATAL(w->mem && w->pool_mem);
	memset(w->mem, 0xa5, n);
	w->pool = pkt_pool_init(w->pool_mem, pn, 64, 2);
	CU_ASSERT_FATAL(nat_init(&w->nat, w->mem, n, c) == 0);
	CU_ASSERT_FATAL(nat_owner_add(w->nat, 1, NULL) == 0);
	CU_ASSERT_FATAL(nat_owner_add(w->nat, 2, NULL) == 0);
	w->want = (struct nat_want){ .mode = NAT_MASQUERADE,
				     .to = NAT_UPLINK,
				     .outside = addr("198.51.100.7"),
				     .gen = 3,
				     .rule = 4 };
}

static void world_close(struct world *w)
{
	free(w->mem);
	free(w->pool_mem);
}

/* Sends @p of @owner; opens a flow when it needs one and @open says so. */
static enum pkt_reason pass(struct world *w, struct pkt *p, uint16_t owner,
			    bool open)
{
	struct nat_hit hit = { 0 };

	p->reason = PKT_REASON_NONE;
	if (nat_find(w->nat, p, owner, &hit, w->now) != PKT_FORWARD) {
		if (!open || p->reason != PKT_REASON_NO_FLOW)
			return p->reason;
		p->reason = PKT_REASON_NONE;
		if (nat_add(w->nat, p, owner, &w->want, &hit, w->now) !=
		    PKT_FORWARD)
			return p->reason;
	}
	nat_apply(w->nat, p, &hit, w->now);
	nat_check(w->nat);
	return PKT_REASON_NONE;
}

/* The rewritten bytes say what we think, and all checksums are right. */
static bool reads(const struct pkt *p, const char *src, uint16_t sport,
		  const char *dst, uint16_t dport)
{
	struct pkt_addr s = addr(src), d = addr(dst), ps, pd;
	struct pkt q = *p;

	if (pkt_parse(&q) != PKT_FORWARD || !pkt_csum_l4_ok(&q))
		return false;
	ps = pkt_src(&q);
	pd = pkt_dst(&q);
	return pkt_addr_eq(&ps, &s) && pkt_addr_eq(&pd, &d) &&
	       (!sport || q.sport == sport) && (!dport || q.dport == dport) &&
	       q.sport == p->sport && q.dport == p->dport;
}

struct pair {
	const char *inside, *outside, *remote;
};

static const struct pair families[] = {
	{ "10.137.0.5", "198.51.100.7", "192.0.2.1" },
	{ "fd00::5", "2001:db8::7", "2001:db8:1::1" },
};

static void udp_goes_out_under_the_outside_address_and_back(void)
{
	struct nat_conf c = small_conf();

	for (int i = 0; i < 2; i++) {
		const struct pair *a = &families[i];
		struct world w;
		struct pkt *p, *q;
		uint16_t port;

		world_open(&w, &c);
		w.want.outside = addr(a->outside);
		p = frame_parsed(w.pool, &(struct frame_spec){ .src = a->inside,
							       .dst = a->remote,
							       .sport = 4000,
							       .dport = 99 });
		CU_ASSERT_EQUAL(pass(&w, p, 1, true), PKT_REASON_NONE);
		CU_ASSERT(reads(p, a->outside, 0, a->remote, 99));
		CU_ASSERT(pkt_l3(p)[i ? 7 : 8] == 63);
		port = p->sport;
		CU_ASSERT(port >= 1024);
		q = frame_parsed(w.pool,
				 &(struct frame_spec){ .src = a->remote,
						       .dst = a->outside,
						       .sport = 99,
						       .dport = port });
		CU_ASSERT_EQUAL(pass(&w, q, 0, false), PKT_REASON_NONE);
		CU_ASSERT(reads(q, a->remote, 99, a->inside, 4000));
		world_close(&w);
	}
}

static void echo_goes_out_under_another_id_and_back(void)
{
	struct nat_conf c = small_conf();

	for (int i = 0; i < 2; i++) {
		const struct pair *a = &families[i];
		uint8_t proto = i ? IP_ICMP6 : IP_ICMP;
		struct world w;
		struct pkt *p, *q;

		world_open(&w, &c);
		w.want.outside = addr(a->outside);
		p = frame_parsed(w.pool, &(struct frame_spec){ .src = a->inside,
							       .dst = a->remote,
							       .proto = proto,
							       .icmp_id = 5 });
		CU_ASSERT_EQUAL(pass(&w, p, 1, true), PKT_REASON_NONE);
		CU_ASSERT(reads(p, a->outside, 0, a->remote, 0));
		q = frame_parsed(w.pool,
				 &(struct frame_spec){ .src = a->remote,
						       .dst = a->outside,
						       .proto = proto,
						       .type = i ? 129 : 0,
						       .type_zero = !i,
						       .icmp_id = p->sport });
		CU_ASSERT_EQUAL(pass(&w, q, 0, false), PKT_REASON_NONE);
		CU_ASSERT(reads(q, a->remote, 5, a->inside, 5));
		world_close(&w);
	}
}

static struct pkt *segment(struct world *w, bool out, uint16_t port,
			   uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct frame_spec s = { .src = "10.137.0.5",
				.dst = "192.0.2.1",
				.proto = IP_TCP,
				.sport = 4000,
				.dport = 80,
				.flags = flags,
				.seq = seq,
				.ack = ack };

	if (!out) {
		s.src = "192.0.2.1";
		s.dst = "198.51.100.7";
		s.sport = 80;
		s.dport = port;
	}
	return frame_parsed(w->pool, &s);
}

static enum nat_state only_state(struct world *w)
{
	struct nat_info info[2];
	uint32_t cursor = 0;

	CU_ASSERT_EQUAL(nat_each(w->nat, &cursor, info, 2, w->now), 1);
	return info[0].state;
}

static void tcp_is_followed_from_syn_to_time_wait(void)
{
	static const struct {
		bool out;
		uint8_t flags;
		uint32_t seq, ack;
		enum nat_state then;
	} story[] = {
		{ true, TCP_SYN, 100, 0, NAT_TCP_SYN_SENT },
		{ false, TCP_SYN | TCP_ACK, 900, 101, NAT_TCP_SYN_RECV },
		{ true, TCP_ACK, 101, 901, NAT_TCP_EST },
		{ false, TCP_ACK, 901, 101, NAT_TCP_EST },
		{ true, TCP_FIN | TCP_ACK, 101, 901, NAT_TCP_FIN_0 },
		{ false, TCP_ACK, 901, 102, NAT_TCP_FIN_0 },
		{ false, TCP_FIN | TCP_ACK, 901, 102, NAT_TCP_FIN_BOTH },
		{ true, TCP_ACK, 102, 902, NAT_TCP_TIME_WAIT },
		{ true, TCP_SYN, 5000, 0, NAT_TCP_SYN_SENT },
	};
	struct nat_conf c = small_conf();
	uint16_t port = 0;
	struct world w;

	world_open(&w, &c);
	for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++) {
		struct pkt *p = segment(&w, story[i].out, port, story[i].flags,
					story[i].seq, story[i].ack);

		CU_ASSERT_EQUAL(pass(&w, p, story[i].out, true),
				PKT_REASON_NONE);
		if (story[i].out) {
			CU_ASSERT(!port || p->sport == port);
			port = p->sport;
			CU_ASSERT(reads(p, "198.51.100.7", port, "192.0.2.1",
					80));
		} else {
			CU_ASSERT(
				reads(p, "192.0.2.1", 80, "10.137.0.5", 4000));
		}
		CU_ASSERT_EQUAL(only_state(&w), story[i].then);
	}
	world_close(&w);
}

static void an_error_comes_back_to_the_client_that_caused_it(void)
{
	struct nat_conf c = small_conf();

	for (int i = 0; i < 2; i++) {
		const struct pair *a = &families[i];
		struct frame_spec quote = { .dst = a->remote,
					    .src = a->outside,
					    .dport = 99,
					    .payload_len = 30 };
		struct frame_spec error = { .src = i ? "2001:db8::fe"
						     : "203.0.113.1",
					    .dst = a->outside,
					    .proto = i ? IP_ICMP6 : IP_ICMP,
					    .type = i ? 1 : 3,
					    .code = 1,
					    .quote = &quote };
		struct pkt_quote q;
		struct pkt_addr in;
		struct world w;
		struct pkt *p;

		world_open(&w, &c);
		w.want.outside = addr(a->outside);
		p = frame_parsed(w.pool, &(struct frame_spec){ .src = a->inside,
							       .dst = a->remote,
							       .sport = 4000,
							       .dport = 99 });
		CU_ASSERT_EQUAL(pass(&w, p, 1, true), PKT_REASON_NONE);
		quote.sport = p->sport;
		p = frame_parsed(w.pool, &error);
		CU_ASSERT_EQUAL(pass(&w, p, 0, false), PKT_REASON_NONE);
		CU_ASSERT(reads(p, error.src, 0, a->inside, 0));
		in = addr(a->inside);
		CU_ASSERT(pkt_parse_quote(p, &q));
		CU_ASSERT(pkt_addr_eq(&q.src, &in));
		CU_ASSERT_EQUAL(q.sport, 4000);
		/* The quoted packet is whole: its checksums can be checked. */
		if (!i) {
			CU_ASSERT(pkt_csum_ip_ok(p->data + q.l3_off, 20));
		}
		world_close(&w);
	}
}

static void the_default_table_fits_in_8_mib(void)
{
	struct nat_conf c;

	nat_conf_default(&c);
	CU_ASSERT(nat_size(&c) <= 8u << 20);
	CU_ASSERT(nat_size(&c) / c.flows <= 128);
	c.flows = 1u << 20;
	CU_ASSERT(nat_size(&c) / c.flows <= 128);
}

UNIT_SUITE(nat, UNIT(udp_goes_out_under_the_outside_address_and_back),
	   UNIT(echo_goes_out_under_another_id_and_back),
	   UNIT(tcp_is_followed_from_syn_to_time_wait),
	   UNIT(an_error_comes_back_to_the_client_that_caused_it),
	   UNIT(the_default_table_fits_in_8_mib))
