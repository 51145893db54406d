/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NAT core beside its slow twin: the same random packets, passing time and
 * forgotten clients go to both, and both must say the same about every one.
 * Outside ports are the core's to choose; the twin says whether a choice was
 * right.  A difference prints the seed and the number of the operation.
 */
#include <stdlib.h>
#include <string.h>

#include "mock/nat_bed.h"
#include "model/model_nat.h"
#include "model/nat_check.h"
#include "unit.h"

#define OPS 1600000u /* per round of unit_soak() */
#define HOLD_MS 120000u

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10 };

static struct nat_bed b;
static struct model_nat model;
static struct pkt_rand rnd;
static uint64_t met; /* packets that came back */
static uint64_t deaths;
static uint64_t evicted;

static uint32_t below(uint32_t n)
{
	return pkt_rand_below(&rnd, n);
}

static uint64_t now_ms(void)
{
	return b.now.ns / MONO_MS;
}

/* By family and number. */
static const char *const inside[2][4] = {
	{ "", "10.137.0.1", "10.137.0.2", "10.137.0.3" },
	{ "", "fd09::1", "fd09::2", "fd09::3" },
};
static const char *const outside[2] = { "203.0.113.1", "2001:db8::1" };
#define HAIRPIN 2u /* remote: our own address */
static const char *const remote[2][3] = {
	{ "198.51.100.10", "198.51.100.11", "203.0.113.1" },
	{ "2001:db8:2::10", "2001:db8:2::11", "2001:db8::1" },
};
static const uint8_t proto_of[2][MODEL_PROTO_N] = {
	{ [MODEL_UDP] = 17, [MODEL_TCP] = 6, [MODEL_ICMP] = 1 },
	{ [MODEL_UDP] = 17, [MODEL_TCP] = 6, [MODEL_ICMP] = 58 },
};

/* ---- packets ---------------------------------------------------------------
 */

/* All numbers stay within a quarter of the circle, so that theirs is clear. */
#define BASE 0x1ffffff00ll /* 32-bit numbers wrap soon after */
#define REACH (1ll << 29)

static int64_t near(int64_t at)
{
	static const int32_t step[] = { 0,	0,	0,	 0,	 0,
					0,	-1,	1,	 -100,	 100,
					1000,	-1000,	-65535,	 65536,	 -66001,
					-66000, 200000, -200000, 1 << 28 };

	at = at ? at : BASE;
	at += step[below(sizeof(step) / sizeof(step[0]))];
	return at > BASE + REACH || at < BASE - REACH ? BASE : at;
}

static void fill_tcp(struct model_pkt *p, const struct model_flow *f)
{
	static const uint8_t flags[] = { SYN,	    SYN | ACK, ACK,
					 ACK,	    PSH | ACK, PSH | ACK,
					 FIN | ACK, RST,       RST | ACK };
	static const uint32_t win[] = { 65535, 65535, 1000, 1, 0 };
	static const uint32_t len[] = { 0, 0, 1, 100, 1000 };
	int e = p->owner == 0;

	p->flags = flags[below(sizeof(flags))];
	p->win = win[below(5)];
	p->len = p->flags & (SYN | RST) ? 0 : len[below(5)];
	p->seq = near(f ? f->d[e].end : 0);
	p->ack = p->flags & ACK ? near(f ? f->d[!e].end : 0) : 0;
	if (!f && below(8))
		p->flags = SYN;
}

/* On a flow that is there, as one of its ends or somebody close to it. */
static void packet_of_flow(struct model_pkt *p, const struct model_flow *f)
{
	bool out = f->remote == HAIRPIN || below(2);

	*p = (struct model_pkt){ .owner = out ? f->owner : 0,
				 .proto = f->proto,
				 .six = f->six,
				 .inside = f->inside,
				 .remote = f->remote };
	p->sport = out ? f->port : f->rport;
	p->dport = out ? f->rport : f->xport;
	if (f->proto == MODEL_ICMP)
		p->sport = p->dport = out ? f->port : f->xport;
	if (!below(20) && p->remote != HAIRPIN)
		p->remote ^= 1;
	if (!below(40) && f->proto != MODEL_ICMP)
		p->dport ^= 1;
	if (out && !below(20))
		p->inside = p->owner = (uint16_t)(1 + below(3));
	if (f->proto == MODEL_TCP)
		fill_tcp(p, f);
}

static void packet_of_nobody(struct model_pkt *p)
{
	static const uint16_t ports[] = { 53, 80, 443 };
	uint16_t owner = (uint16_t)(1 + below(3));

	*p = (struct model_pkt){ .owner = owner,
				 .proto = (uint8_t)below(MODEL_PROTO_N),
				 .six = below(3) == 0,
				 .inside = owner,
				 .remote = (uint16_t)below(2),
				 .sport = (uint16_t)(4000 + below(3)),
				 .dport = ports[below(3)] };
	if (p->proto == MODEL_ICMP)
		p->dport = p->sport;
	if (p->proto == MODEL_TCP)
		fill_tcp(p, NULL);
}

/* To the outside port of some flow, most often one that points back. */
static bool packet_by_hairpin(struct model_pkt *p)
{
	const struct model_flow *at =
		model_nat_pick(&model, below(MODEL_FLOWS), now_ms());
	const struct model_flow *f =
		model_nat_pick(&model, below(MODEL_FLOWS), now_ms());

	if (!at || !f || at->proto != f->proto || at->proto == MODEL_ICMP ||
	    at->six != f->six ||
	    model_nat_live(&model, now_ms()) > MODEL_FLOWS / 2)
		return false;
	*p = (struct model_pkt){ .owner = f->owner,
				 .proto = f->proto,
				 .six = f->six,
				 .inside = f->inside,
				 .remote = HAIRPIN,
				 .sport = f->port,
				 .dport = at->xport };
	if (p->proto == MODEL_TCP)
		fill_tcp(p, NULL);
	return true;
}

static struct pkt *bytes_of(const struct model_pkt *p)
{
	bool out = p->owner != 0;
	struct frame_spec s = {
		.src = out ? inside[p->six][p->inside]
			   : remote[p->six][p->remote],
		.dst = out ? remote[p->six][p->remote] : outside[p->six],
		.proto = proto_of[p->six][p->proto],
		.sport = p->sport,
		.dport = p->dport,
		.flags = p->flags,
		.seq = (uint32_t)p->seq,
		.ack = (uint32_t)p->ack,
		.payload_len = p->len,
		.icmp_id = p->sport,
	};
	struct pkt *k;

	if (!out && p->proto == MODEL_ICMP) {
		s.type = p->six ? 129 : 0;
		s.type_zero = !p->six;
	}
	k = frame_parsed(b.pool, &s);
	if (p->proto == MODEL_TCP) {
		pkt_l4(k)[14] = (uint8_t)(p->win >> 8);
		pkt_l4(k)[15] = (uint8_t)p->win;
		frame_fix(k->data, k->len);
	}
	return k;
}

/* ---- what must come out ----------------------------------------------------
 */

static bool rewritten_right(struct pkt *k, const struct model_pkt *p,
			    const struct model_flow *f)
{
	struct pkt_addr src = pkt_src(k), dst = pkt_dst(k), want_src, want_dst;
	bool out = p->owner != 0, icmp = p->proto == MODEL_ICMP;

	want_src =
		nat_bed_addr(out ? outside[f->six] : remote[f->six][f->remote]);
	want_dst = nat_bed_addr(out ? remote[f->six][f->remote]
				    : inside[f->six][f->inside]);
	return pkt_addr_eq(&src, &want_src) && pkt_addr_eq(&dst, &want_dst) &&
	       nat_bed_port(k, !out) == (out ? f->xport : f->port) &&
	       (icmp || nat_bed_port(k, out) == f->rport) &&
	       b.hit.to == (out ? NAT_UPLINK : f->owner) && nat_bed_sums_ok(k);
}

static bool agree_on_new(struct pkt *k, const struct model_pkt *p)
{
	struct nat_want want = nat_bed_masq(outside[p->six], 0);
	struct nat_hit hit = { 0 };
	enum pkt_verdict v;
	uint16_t xport;

	if (!p->owner)
		return true;
	v = nat_add(b.nat, k, p->owner, &want, &hit, b.now);
	if (!model_nat_opens(p))
		return v == PKT_DROP && k->reason == PKT_REASON_NOT_SYN;
	if (!model_nat_make_room(&model, p, now_ms()))
		return v == PKT_DROP && k->reason == PKT_REASON_NAT_QUOTA;
	if (v != PKT_FORWARD)
		return false;
	nat_apply(b.nat, k, &hit, b.now);
	b.hit = hit;
	xport = nat_bed_port(k, 0);
	if (!model_nat_port_ok(&model, p, xport, HOLD_MS, now_ms()))
		return false;
	return rewritten_right(k, p, model_nat_add(&model, p, xport, now_ms()));
}

/* What went out as @f comes in once more, as if from outside. */
static bool agree_on_return(struct pkt *k, const struct model_pkt *p,
			    const struct model_flow *f, bool passed)
{
	struct pkt_addr src = pkt_src(k), dst = pkt_dst(k), want_src, want_dst;
	enum model_verdict want = MODEL_NO_FLOW;
	struct model_pkt q = *p;
	struct model_flow *g;

	q.owner = NAT_UPLINK;
	q.sport = f->xport;
	if (f->rport != f->xport)
		want = model_nat_find(&model, &q, now_ms(), &g);
	if (want == MODEL_NO_FLOW)
		return !passed && b.why == PKT_REASON_HAIRPIN;
	if (want == MODEL_REFUSE)
		return !passed && (b.why == PKT_REASON_TCP_WINDOW ||
				   b.why == PKT_REASON_TCP_STATE);
	want_src = nat_bed_addr(outside[p->six]);
	want_dst = nat_bed_addr(inside[p->six][g->inside]);
	return passed && pkt_addr_eq(&src, &want_src) &&
	       pkt_addr_eq(&dst, &want_dst) && nat_bed_port(k, 0) == f->xport &&
	       nat_bed_port(k, 1) == g->port && b.back.to == g->owner &&
	       !strcmp(nat_state_name((enum nat_state)b.back.state), g->was) &&
	       nat_bed_sums_ok(k);
}

static bool agree_on_hairpin(const struct model_pkt *p)
{
	struct nat_want want = nat_bed_masq(outside[p->six], 0);
	struct pkt *k = bytes_of(p);
	struct model_flow *f;
	enum model_verdict out = model_nat_find(&model, p, now_ms(), &f);
	bool passed = nat_bed_go_back(&b, k, p->owner, &want), same;

	if (out == MODEL_NO_FLOW && model_nat_opens(p) &&
	    !model_nat_make_room(&model, p, now_ms())) {
		same = !passed && b.why == PKT_REASON_NAT_QUOTA;
	} else if (out == MODEL_NO_FLOW && model_nat_opens(p)) {
		same = model_nat_port_ok(&model, p, nat_bed_port(k, 0), HOLD_MS,
					 now_ms());
		f = model_nat_add(&model, p, nat_bed_port(k, 0), now_ms());
		same = same && f && agree_on_return(k, p, f, passed);
	} else if (out == MODEL_PASS) {
		same = agree_on_return(k, p, f, passed);
	} else {
		same = !passed && b.why != PKT_REASON_HAIRPIN;
	}
	met += passed;
	pkt_put(b.pool, k);
	return same;
}

static bool agree_on(const struct model_pkt *p)
{
	struct pkt *k = bytes_of(p);
	struct model_flow *f;
	enum model_verdict want = model_nat_find(&model, p, now_ms(), &f);
	bool passed = nat_bed_go(&b, k, p->owner, NULL);
	bool same = false;

	switch (want) {
	case MODEL_PASS:
		same = passed && rewritten_right(k, p, f) &&
		       !strcmp(nat_state_name((enum nat_state)b.hit.state),
			       f->was);
		break;
	case MODEL_REFUSE:
		same = !passed && (b.why == PKT_REASON_TCP_WINDOW ||
				   b.why == PKT_REASON_TCP_STATE);
		break;
	case MODEL_NO_FLOW:
		same = !passed && b.why == PKT_REASON_NO_FLOW &&
		       agree_on_new(k, p);
		break;
	}
	if (!same)
		fprintf(stderr,
			"\nthe twin says %d (%s), the core %s: owner %u proto "
			"%u "
			"six %d flags %02x seq %lld ack %lld win %u len %u\n",
			(int)want, f ? f->was : "-",
			passed ? "passes" : pkt_reason_name(b.why), p->owner,
			p->proto, p->six, p->flags, (long long)p->seq,
			(long long)p->ack, p->win, p->len);
	pkt_put(b.pool, k);
	return same;
}

/* ---- the run ---------------------------------------------------------------
 */

static void time_passes(void)
{
	static const uint32_t ms[] = { 1, 700, 29000, 70000, 130000, 250000 };

	nat_bed_pass(&b, ms[below(6)] + below(1000));
	nat_expire(b.nat, below(2) ? 4096 : 64, b.now);
}

/* In the midst of its work; what it had is all that its heir gets. */
static void the_process_dies(void)
{
	/* so that both clocks have run as far: see nat_adopt() */
	nat_expire(b.nat, 0, b.now);
	nat_bed_die(&b);
	nat_bed_adopt(&b);
	nat_bed_owners(&b);
	nat_check(b.nat);
	deaths++;
}

/* What is over counts until it is freed: the twin frees it at once. */
static void free_what_is_over(void)
{
	if (model.limit.flows)
		nat_expire(b.nat, 512, b.now);
}

static bool operation(void)
{
	uint32_t what = below(100);
	struct model_flow *f;
	struct model_pkt p;

	if (what == 0) {
		time_passes();
		return true;
	}
	if (what == 1 && !below(20)) {
		uint16_t owner = (uint16_t)(1 + below(3));

		nat_owner_forget(b.nat, owner);
		model_nat_forget(&model, owner, now_ms());
		return true;
	}
	nat_bed_pass(&b, below(3));
	free_what_is_over();
	if (what >= 95 && packet_by_hairpin(&p))
		return agree_on_hairpin(&p);
	f = what < 75 ? model_nat_pick(&model, below(MODEL_FLOWS), now_ms())
		      : NULL;
	if (f)
		packet_of_flow(&p, f);
	else
		packet_of_nobody(&p);
	return p.remote == HAIRPIN ? agree_on_hairpin(&p) : agree_on(&p);
}

/* One operation in @mortal is a death; 0: none is. */
static void live(unsigned long ops, uint32_t mortal,
		 const struct model_limits *limit)
{
	uint8_t seed[16] = { 0 };
	unsigned long seed_n = unit_seed();
	struct nat_usage use;
	struct nat_conf conf;
	bool same = true;

	memcpy(seed, &seed_n, sizeof(seed_n));
	pkt_rand_seed(&rnd, seed);
	nat_bed_conf(&conf);
	conf.flows = 4096;
	conf.quota = (struct nat_quota){ .flows = limit->flows,
					 .half_open = limit->half_open,
					 .udp_oneway = limit->oneway,
					 .icmp = limit->icmp };
	nat_bed_open(&b, &conf);
	model_nat_init(&model);
	model.limit = *limit;
	met = deaths = 0;
	for (unsigned long i = 0; i < ops && same; i++) {
		if (mortal && !below(mortal))
			the_process_dies();
		same = operation();
		if (!same)
			fprintf(stderr, "operation %lu of UNIT_SEED=%lu\n", i,
				seed_n);
	}
	CU_ASSERT(same);
	nat_usage(b.nat, UINT16_MAX, &use);
	evicted = use.evicted;
	nat_bed_close(&b);
}

static const struct model_limits no_limit;

static void the_core_and_its_slow_twin_agree(void)
{
	live(OPS * unit_soak(), 0, &no_limit);
	CU_ASSERT(met > OPS / 1000);
}

/* The twin lives on and knows of nothing: no flow may be lost, or come back. */
static void they_agree_when_the_process_dies_again_and_again(void)
{
	live(OPS / 4 * unit_soak(), 250, &no_limit);
	CU_ASSERT(met > OPS / 4000);
	CU_ASSERT(deaths > 100);
}

/* Who has to give way, and how times shrink before (R132, R137). */
static void they_agree_on_who_gives_way_at_a_limit(void)
{
	static const struct model_limits tight = {
		.flows = 3, .half_open = 2, .oneway = 2, .icmp = 1
	};

	live(OPS / 16 * unit_soak(), 0, &tight);
	CU_ASSERT(evicted > OPS / 1000);
}

UNIT_SUITE(nat_twin, UNIT(the_core_and_its_slow_twin_agree),
	   UNIT(they_agree_on_who_gives_way_at_a_limit),
	   UNIT(they_agree_when_the_process_dies_again_and_again))
