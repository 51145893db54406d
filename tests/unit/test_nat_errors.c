/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors about flows: which are believed, and that none of them changes a
 * flow: R42, R46, R59, R64.
 */
#include <string.h>

#include "mock/nat_bed.h"
#include "packet/pkt_ip.h"
#include "unit.h"

static struct nat_bed b;

/* One family's places. */
struct family {
	const char *inside, *outside, *remote, *router;
	uint8_t icmp;
	uint32_t headers; /* of IP and UDP */
};

static const struct family v4 = { "10.137.0.5",	  "203.0.113.1",
				  "198.51.100.7", "198.51.100.99",
				  IP_ICMP,	  28 };
static const struct family v6 = { "fd09::5",	   "2001:db8::1",
				  "2001:db8:2::7", "2001:db8:2::99",
				  IP_ICMP6,	   48 };

/* A packet of the only flow's, from end @e. */
struct way {
	const struct family *f;
	uint8_t proto;
	uint16_t inside, outside; /* ports */
	uint32_t seq[2];	  /* of what each end sends next */
};

static struct frame_spec packet(const struct way *w, int e)
{
	bool icmp = w->proto == w->f->icmp;

	return (struct frame_spec){
		.src = e ? w->f->remote : w->f->inside,
		.dst = e ? w->f->outside : w->f->remote,
		.proto = w->proto,
		.sport = e ? 5000 : w->inside,
		.dport = e ? w->outside : 5000,
		.icmp_id = e ? w->outside : w->inside,
		.type_zero = icmp && e && w->proto == IP_ICMP,
		.type = icmp && e && w->proto == IP_ICMP6 ? 129 : 0,
	};
}

static bool passes(const struct frame_spec *s, uint16_t owner)
{
	struct nat_want want =
		nat_bed_masq(strchr(s->src, ':') ? v6.outside : v4.outside, 0);
	struct pkt *p = frame_parsed(b.pool, s);
	bool did = nat_bed_go(&b, p, owner, owner ? &want : NULL);

	CU_ASSERT(!did || nat_bed_sums_ok(p));
	pkt_put(b.pool, p);
	return did;
}

static struct nat_info only_flow(void)
{
	struct nat_info info[2];
	uint32_t cursor = 0;

	memset(info, 0, sizeof(info));
	CU_ASSERT_EQUAL(nat_each(b.nat, &cursor, info, 2, b.now), 1);
	return info[0];
}

static bool segment(const struct way *w, int e, uint8_t flags, uint32_t seq,
		    uint32_t ack)
{
	struct frame_spec s = packet(w, e);

	s.flags = flags;
	s.seq = seq;
	s.ack = ack;
	return passes(&s, (uint16_t)(e ? NAT_UPLINK : 1));
}

/* Opens it; answered unless @half. */
static void open_flow(struct way *w, bool half)
{
	struct frame_spec s = packet(w, 0);

	nat_bed_open(&b, NULL);
	w->inside = s.sport = s.icmp_id = 4000;
	w->seq[0] = 1000;
	w->seq[1] = 7000;
	s.flags = TCP_SYN;
	s.seq = 1000;
	CU_ASSERT_FATAL(passes(&s, 1));
	w->outside = only_flow().stand_port[1];
	if (half)
		return;
	if (w->proto == IP_TCP) {
		CU_ASSERT(segment(w, 1, TCP_SYN | TCP_ACK, 7000, 1001));
		CU_ASSERT(segment(w, 0, TCP_ACK, 1001, 7001));
		w->seq[0]++;
		w->seq[1]++;
		return;
	}
	s = packet(w, 1);
	CU_ASSERT(passes(&s, NAT_UPLINK));
}

/* Both ends still reach each other. */
static void still_works(const struct way *w)
{
	struct frame_spec out = packet(w, 0), in = packet(w, 1);

	if (w->proto == IP_TCP) {
		CU_ASSERT(segment(w, 0, TCP_ACK, 1001, 7001));
		CU_ASSERT(segment(w, 1, TCP_ACK, 7001, 1001));
		return;
	}
	CU_ASSERT(passes(&out, 1));
	CU_ASSERT(passes(&in, NAT_UPLINK));
}

/* What the network says about a packet that end 0 sent last. */
static bool error_inwards(const struct way *w, uint8_t type, uint8_t code)
{
	const struct frame_spec quote = {
		.src = w->f->outside,
		.dst = w->f->remote,
		.proto = w->proto,
		.sport = w->outside,
		.dport = 5000,
		.icmp_id = w->outside,
		.seq = w->seq[0],
		.payload_len = 1472,
	};
	const struct frame_spec error = { .src = w->f->router,
					  .dst = w->f->outside,
					  .proto = w->f->icmp,
					  .type = type,
					  .code = code,
					  .icmp_mtu = 1400,
					  .quote = &quote,
					  .quote_len = 200 };

	return passes(&error, NAT_UPLINK);
}

/* What the client says about a packet that end 1 sent. */
static bool error_outwards(const struct way *w, uint8_t type, uint8_t code)
{
	struct frame_spec quote = {
		.src = w->f->remote,
		.dst = w->f->inside,
		.proto = w->proto,
		.sport = 5000,
		.dport = w->inside,
		.icmp_id = w->inside,
		.type_zero = w->proto == IP_ICMP,
		.type = w->proto == IP_ICMP6 ? 129 : 0,
		.seq = w->seq[1],
	};
	const struct frame_spec error = { .src = w->f->inside,
					  .dst = w->f->remote,
					  .proto = w->f->icmp,
					  .type = type,
					  .code = code,
					  .quote = &quote };

	return passes(&error, 1);
}

static const struct {
	uint8_t type, code;
	bool from_client; /* may be one that a client sends, too */
} errors4[] = {
	{ 3, 0, false }, { 3, 1, false }, { 3, 2, true },   { 3, 3, true },
	{ 3, 4, false }, { 3, 5, false }, { 3, 9, false },  { 3, 10, true },
	{ 3, 13, true }, { 11, 0, false }, { 11, 1, false }, { 12, 0, true },
}, errors6[] = {
	{ 1, 0, false }, { 1, 1, true }, { 1, 3, false }, { 1, 4, true },
	{ 2, 0, false }, { 3, 0, false }, { 4, 1, true },
};

/* The flow's state and the moment of its end are the same before and after. */
static void unmoved_by(const struct way *w, uint8_t type, uint8_t code,
		       bool from_client)
{
	struct nat_info was, is;

	nat_bed_pass(&b, 1000);
	was = only_flow();
	CU_ASSERT(error_inwards(w, type, code));
	if (from_client)
		CU_ASSERT(error_outwards(w, type, code));
	is = only_flow();
	CU_ASSERT_EQUAL(is.state, was.state);
	CU_ASSERT_EQUAL(is.expires_ms, was.expires_ms);
}

static void every_error_leaves_it_alone(struct way *w, bool half)
{
	uint32_t n4 = sizeof(errors4) / sizeof(errors4[0]);
	uint32_t n6 = sizeof(errors6) / sizeof(errors6[0]);

	open_flow(w, half);
	for (uint32_t i = 0; w->f == &v4 && i < n4; i++)
		unmoved_by(w, errors4[i].type, errors4[i].code,
			   errors4[i].from_client && !half);
	for (uint32_t i = 0; w->f == &v6 && i < n6; i++)
		unmoved_by(w, errors6[i].type, errors6[i].code,
			   errors6[i].from_client && !half);
	if (!half)
		still_works(w);
	nat_bed_close(&b);
}

static void R42_R59_no_error_changes_a_flow_or_its_time(void)
{
	struct way ways[] = {
		{ .f = &v4, .proto = IP_UDP },	{ .f = &v6, .proto = IP_UDP },
		{ .f = &v4, .proto = IP_TCP },	{ .f = &v6, .proto = IP_TCP },
		{ .f = &v4, .proto = IP_ICMP }, { .f = &v6, .proto = IP_ICMP6 },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		every_error_leaves_it_alone(&ways[i], true);
		every_error_leaves_it_alone(&ways[i], false);
	}
}

/* It ends when it would have ended without them. */
static void R46_errors_do_not_keep_a_mapping_alive(void)
{
	struct way w = { .f = &v4, .proto = IP_UDP };

	open_flow(&w, false);
	for (int i = 0; i < 29; i++) {
		nat_bed_pass(&b, 10000);
		CU_ASSERT(error_inwards(&w, 3, 1));
		CU_ASSERT(error_outwards(&w, 3, 3));
	}
	nat_bed_pass(&b, 9999);
	CU_ASSERT(error_inwards(&w, 3, 1));
	nat_bed_pass(&b, 1);
	CU_ASSERT(!error_inwards(&w, 3, 1));
	nat_bed_close(&b);
}

/* Nor does anything that is refused. */
static void R46_what_is_dropped_keeps_no_mapping_alive(void)
{
	struct way w = { .f = &v4, .proto = IP_TCP };
	struct frame_spec low = packet(&w, 0);
	uint32_t left;

	open_flow(&w, false);
	left = only_flow().expires_ms;
	nat_bed_pass(&b, 5000);
	CU_ASSERT(!segment(&w, 1, TCP_ACK, 7001 + (1u << 28), 1001));
	CU_ASSERT(!segment(&w, 1, TCP_RST, 7001 - (1u << 28), 0));
	CU_ASSERT(!segment(&w, 1, TCP_SYN, 7001, 0));
	low.sport = w.inside;
	low.ttl = 1;
	low.seq = 1001;
	low.ack = 7001;
	CU_ASSERT(!passes(&low, 1));
	CU_ASSERT_EQUAL(only_flow().expires_ms, left - 5000);
	nat_bed_close(&b);
}

/* ---- R64 ---- */

static void R64_an_mtu_is_believed_when_the_packet_was_larger(void)
{
	static const struct {
		const struct family *f;
		uint32_t len; /* of the quoted packet, with its IP header */
		uint16_t mtu;
		bool ok;
	} cases[] = {
		{ &v4, 1500, 0, false },     { &v4, 1500, 67, false },
		{ &v4, 1500, 68, true },     { &v4, 1500, 1499, true },
		{ &v4, 1500, 1500, false },  { &v4, 1500, 1501, false },
		{ &v4, 1500, 65535, false }, { &v4, 68, 67, false },
		{ &v4, 68, 68, false },	     { &v4, 69, 68, true },
		{ &v6, 1500, 0, false },     { &v6, 1500, 1279, false },
		{ &v6, 1500, 1280, true },   { &v6, 1500, 1499, true },
		{ &v6, 1500, 1500, false },  { &v6, 1280, 1279, false },
		{ &v6, 1280, 1280, false },  { &v6, 1281, 1280, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct family *f = cases[i].f;
		struct way w = { .f = f, .proto = IP_UDP };
		struct frame_spec quote = { .src = f->outside,
					    .dst = f->remote,
					    .dport = 5000,
					    .payload_len =
						    cases[i].len - f->headers };
		struct frame_spec error = { .src = f->router,
					    .dst = f->outside,
					    .proto = f->icmp,
					    .type = f == &v4 ? 3 : 2,
					    .code = f == &v4 ? 4 : 0,
					    .icmp_mtu = cases[i].mtu,
					    .quote = &quote };

		open_flow(&w, false);
		quote.sport = w.outside;
		error.quote_len = cases[i].len < 548 ? 0 : 548;
		CU_ASSERT_EQUAL(passes(&error, NAT_UPLINK), cases[i].ok);
		if (!cases[i].ok)
			CU_ASSERT_EQUAL(b.why, PKT_REASON_ICMP_QUOTE);
		/* what is no such error may say there what it likes */
		error.code = f == &v4 ? 1 : 0;
		error.type = f == &v4 ? 3 : 1;
		CU_ASSERT(passes(&error, NAT_UPLINK));
		nat_bed_close(&b);
	}
}

UNIT_SUITE(nat_errors, UNIT(R42_R59_no_error_changes_a_flow_or_its_time),
	   UNIT(R46_errors_do_not_keep_a_mapping_alive),
	   UNIT(R46_what_is_dropped_keeps_no_mapping_alive),
	   UNIT(R64_an_mtu_is_believed_when_the_packet_was_larger))
