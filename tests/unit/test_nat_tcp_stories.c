/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TCP tracker, told as stories: what each segment of a connection may do to
 * its flow.  The client is 10.137.0.5:4000, the server 198.51.100.10:80, our
 * outside 203.0.113.1:5000.  Sequence numbers count from each side's ISN.
 */
#include <string.h>

#include "mock/nat_bed.h"
#include "unit.h"

#define ISN_C 1000u
#define ISN_S 4000000000u /* soon wraps */
#define OUTSIDE "203.0.113.1"

enum {
	F = 0x01,
	S = 0x02,
	R = 0x04,
	P = 0x08,
	A = 0x10,
	U = 0x20,
	ECE = 0x40,
	CWR = 0x80
};

/*
 * One segment.  from: 'c' client, 's' server.  seq, ack: from the ISNs.  want:
 * NULL passes, "*" is refused, else the refusal's name.  after: the flow's
 * state, NULL: no flow, "" : don't care.  s: seconds that pass before it.
 */
struct step {
	char from;
	uint8_t flags;
	int32_t seq, ack;
	uint16_t len;
	const char *want;
	const char *after;
	uint32_t s;
	uint16_t win;	     /* 0: 65535; use NOWIN for 0 */
	const char *options; /* TCP options, hex */
};
#define NOWIN 1u
#define END               \
	{                 \
		.from = 0 \
	}

static struct nat_bed b;

static const char *flow_state(void)
{
	struct nat_info info;
	uint32_t cursor = 0;

	return nat_each(b.nat, &cursor, &info, 1, b.now)
		       ? nat_state_name((enum nat_state)info.state)
		       : NULL;
}

static struct pkt *segment(const struct step *t)
{
	bool c = t->from == 'c';
	struct frame_spec s = {
		.src = c ? "10.137.0.5" : "198.51.100.10",
		.dst = c ? "198.51.100.10" : OUTSIDE,
		.proto = 6,
		.sport = c ? 4000 : 80,
		.dport = c ? 80 : 5000,
		.flags = t->flags,
		.seq = (c ? ISN_C : ISN_S) + (uint32_t)t->seq,
		.ack = t->flags & A ? (c ? ISN_S : ISN_C) + (uint32_t)t->ack
				    : 0,
		.window = t->win,
		.payload_len = t->len,
		.tcp_options = t->options,
	};
	struct pkt *p = frame_parsed(b.pool, &s);

	if (t->win == NOWIN) {
		memset(pkt_l4(p) + 14, 0, 2);
		frame_fix(p->data, p->len);
	}
	return p;
}

static void tell(const char *name, const struct step *t)
{
	struct nat_want want = nat_bed_masq(OUTSIDE, 5000);

	for (int i = 0; t[i].from; i++) {
		struct pkt *p;
		const char *state;
		bool passed, right;

		nat_bed_pass(&b, t[i].s * 1000ull);
		p = segment(&t[i]);
		passed = nat_bed_go(&b, p, t[i].from == 'c' ? 1 : NAT_UPLINK,
				    t[i].from == 'c' ? &want : NULL);
		state = flow_state();
		right = passed == !t[i].want &&
			(passed || !strcmp(t[i].want, "*") ||
			 !strcmp(pkt_reason_name(b.why), t[i].want));
		if (t[i].after && *t[i].after)
			right = right && state && !strcmp(state, t[i].after);
		else if (!t[i].after)
			right = right && !state;
		if (passed)
			right = right && nat_bed_sums_ok(p);
		if (!right)
			fprintf(stderr, "\n%s, step %d: got %s, state %s\n",
				name, i,
				passed ? "pass" : pkt_reason_name(b.why),
				state ? state : "none");
		CU_ASSERT(right);
		pkt_put(b.pool, p);
	}
}

static void story(const char *name, const struct step *t)
{
	nat_bed_open(&b, NULL);
	tell(name, t);
	nat_bed_close(&b);
}

/* A story reads line by line. */
/* clang-format off */
#define OPEN                                           \
	{ 'c', S, 0, 0, 0, NULL, "syn-sent" },         \
	{ 's', S | A, 0, 1, 0, NULL, "syn-recv" },     \
	{ 'c', A, 1, 1, 0, NULL, "established" }

static void R50_a_connection_opens_talks_and_closes(void)
{
	story("plain", (struct step[]){
		OPEN,
		{ 'c', P | A, 1, 1, 100, NULL, "established" },
		{ 's', A, 1, 101, 1460, NULL, "established" },
		{ 'c', A, 101, 1461, 0, NULL, "established" },
		{ 'c', F | A, 101, 1461, 0, NULL, "fin-from-0" },
		{ 's', A, 1461, 102, 0, NULL, "fin-from-0" },
		{ 's', P | A, 1461, 102, 50, NULL, "fin-from-0" },
		{ 'c', A, 102, 1511, 0, NULL, "fin-from-0" },
		{ 's', F | A, 1511, 102, 0, NULL, "fin-both" },
		{ 'c', A, 102, 1512, 0, NULL, "time-wait" },
		END
	});
}

static void R50_the_server_may_close_first(void)
{
	story("server closes", (struct step[]){
		OPEN,
		{ 's', F | A, 1, 1, 0, NULL, "fin-from-1" },
		{ 'c', A, 1, 2, 0, NULL, "fin-from-1" },
		{ 'c', P | A, 1, 2, 500, NULL, "fin-from-1" },
		{ 's', A, 2, 501, 0, NULL, "fin-from-1" },
		{ 'c', F | A, 501, 2, 0, NULL, "fin-both" },
		{ 's', A, 2, 502, 0, NULL, "time-wait" },
		END
	});
}

static void R50_crossing_fins(void)
{
	story("crossing", (struct step[]){
		OPEN,
		{ 'c', F | A, 1, 1, 0, NULL, "fin-from-0" },
		{ 's', F | A, 1, 1, 0, NULL, "fin-both" },
		{ 'c', A, 2, 2, 0, NULL, "" },
		{ 's', A, 2, 2, 0, NULL, "time-wait" },
		END
	});
}

static void R50_a_lost_syn_is_sent_again(void)
{
	story("again", (struct step[]){
		{ 'c', S, 0, 0, 0, NULL, "syn-sent" },
		{ 'c', S, 0, 0, 0, NULL, "syn-sent", 1 },
		{ 'c', S, 0, 0, 0, NULL, "syn-sent", 3 },
		{ 's', S | A, 0, 1, 0, NULL, "syn-recv" },
		{ 's', S | A, 0, 1, 0, NULL, "syn-recv", 1 },
		{ 'c', A, 1, 1, 0, NULL, "established" },
		{ 's', S | A, 0, 1, 0, NULL, "established" },
		{ 'c', A, 1, 1, 0, NULL, "established" },
		END
	});
}

static void R50_a_syn_may_carry_data(void)
{
	story("fast open", (struct step[]){
		{ 'c', S, 0, 0, 500, NULL, "syn-sent" },
		{ 's', S | A, 0, 501, 0, NULL, "syn-recv" },
		{ 's', P | A, 1, 501, 900, NULL, "syn-recv" },
		{ 'c', A, 501, 901, 0, NULL, "established" },
		END
	});
}

static void R50_R56_both_sides_may_open_at_once(void)
{
	story("simultaneous", (struct step[]){
		{ 's', S, 0, 0, 0, "no-flow", NULL },
		{ 'c', S, 0, 0, 0, NULL, "syn-sent" },
		{ 's', S, 0, 0, 0, NULL, "syn-both" },
		{ 'c', S | A, 0, 1, 0, NULL, "" },
		{ 's', S | A, 0, 1, 0, NULL, "" },
		{ 'c', A, 1, 1, 0, NULL, "established" },
		{ 's', A, 1, 1, 10, NULL, "established" },
		END
	});
}

static void R51_only_a_pure_syn_from_the_client_opens_a_flow(void)
{
	story("what does not open", (struct step[]){
		{ 'c', A, 1, 1, 0, "not-syn", NULL },
		{ 'c', P | A, 1, 1, 10, "not-syn", NULL },
		{ 'c', S | A, 0, 1, 0, "not-syn", NULL },
		{ 'c', R, 1, 0, 0, "not-syn", NULL },
		{ 'c', F | A, 1, 1, 0, "not-syn", NULL },
		{ 's', S, 0, 0, 0, "no-flow", NULL },
		{ 's', A, 0, 0, 0, "no-flow", NULL },
		{ 's', R | A, 0, 0, 0, "no-flow", NULL },
		END
	});
}

static void R51_ecn_bits_never_matter(void)
{
	story("ecn", (struct step[]){
		{ 'c', S | ECE | CWR, 0, 0, 0, NULL, "syn-sent" },
		{ 's', S | A | ECE, 0, 1, 0, NULL, "syn-recv" },
		{ 'c', A | CWR, 1, 1, 0, NULL, "established" },
		{ 's', A | ECE, 1, 1, 10, NULL, "established" },
		END
	});
}

static void R52_segments_outside_the_window_are_dropped(void)
{
	story("window", (struct step[]){
		OPEN,
		{ 's', A, 1, 1, 1000, NULL, "established" },
		{ 'c', A, 1, 1001, 0, NULL, "established" },
		/* beyond what the client allowed */
		{ 's', A, 1001 + 65536, 1, 10, "tcp-window", "established" },
		{ 's', A, 500000, 1, 0, "tcp-window", "established" },
		/* long before what it still wants */
		{ 's', A, -200000, 1, 0, "tcp-window", "established" },
		/* acknowledging what was never sent */
		{ 's', A, 1001, 5000, 0, "tcp-window", "established" },
		{ 's', A, 1001, -100000, 0, "tcp-window", "established" },
		/* a FIN or SYN is no better */
		{ 's', F | A, 900000, 1, 0, "tcp-window", "established" },
		/* the next one in order still passes */
		{ 's', A, 1001, 1, 1000, NULL, "established" },
		END
	});
}

static void R52_what_is_refused_refreshes_nothing(void)
{
	story("no refresh", (struct step[]){
		{ 'c', S, 0, 0, 0, NULL, "syn-sent" },
		{ 's', S | A, 0, 1, 0, NULL, "syn-recv" },
		{ 's', A, 900000, 1, 0, "tcp-window", "syn-recv", 200 },
		{ 's', A, 1, 1, 0, "no-flow", NULL, 41 },
		END
	});
}

static void R52_retransmissions_and_keepalives_pass(void)
{
	story("again", (struct step[]){
		OPEN,
		{ 'c', P | A, 1, 1, 1000, NULL, "established" },
		{ 'c', P | A, 1, 1, 1000, NULL, "established" },
		{ 's', A, 1, 1001, 0, NULL, "established" },
		{ 's', A, 0, 1001, 0, NULL, "established" },
		{ 's', A, 0, 1001, 1, NULL, "established" },
		{ 'c', A, 1000, 1, 1, NULL, "established" },
		END
	});
}

static void R52_a_closed_window_may_be_probed_with_one_byte(void)
{
	story("probe", (struct step[]){
		OPEN,
		{ 'c', A, 1, 1, 1000, NULL, "established" },
		{ 's', A, 1, 1001, 0, NULL, "established", 0, NOWIN },
		{ 'c', A, 1001, 1, 1, NULL, "established" },
		{ 's', A, 1, 1001, 0, NULL, "established", 0, NOWIN },
		END
	});
}

static void R52_scaled_windows_are_wider(void)
{
	/* both offer a scale of 7: 65535 << 7 is about 8 MB */
	story("scaled", (struct step[]){
		{ 'c', S, 0, 0, 0, NULL, "syn-sent", 0, 0, "030307" },
		{ 's', S | A, 0, 1, 0, NULL, "syn-recv", 0, 0, "030307" },
		{ 'c', A, 1, 1, 0, NULL, "established" },
		{ 's', A, 1000001, 1, 1000, NULL, "established" },
		{ 's', A, 9000001, 1, 1000, "tcp-window", "established" },
		END
	});
	/* only one offers it: not scaled */
	story("not scaled", (struct step[]){
		{ 'c', S, 0, 0, 0, NULL, "syn-sent", 0, 0, "030307" },
		{ 's', S | A, 0, 1, 0, NULL, "syn-recv" },
		{ 'c', A, 1, 1, 0, NULL, "established" },
		{ 's', A, 1000001, 1, 1000, "tcp-window", "established" },
		END
	});
}

static void R53_only_an_exact_rst_closes(void)
{
	story("blind resets", (struct step[]){
		OPEN,
		{ 's', A, 1, 1, 1000, NULL, "established" },
		{ 'c', A, 1, 1001, 0, NULL, "established" },
		{ 's', R, 900000, 0, 0, "tcp-window", "established" },
		{ 's', R, -200000, 0, 0, "tcp-window", "established" },
		/* in the window but not exact: the client judges */
		{ 's', R, 1101, 0, 0, NULL, "established" },
		{ 's', R, 1001, 0, 0, NULL, "closed" },
		END
	});
}

static void R53_an_inexact_rst_does_not_move_the_deadline(void)
{
	story("deadline", (struct step[]){
		OPEN,
		{ 's', R, 5000, 0, 0, NULL, "established", 86000 },
		{ 's', A, 1, 1, 0, "no-flow", NULL, 401 },
		END
	});
}

static void R53_the_client_may_reset(void)
{
	story("client resets", (struct step[]){
		OPEN,
		{ 'c', R | A, 1, 1, 0, NULL, "closed" },
		/* R58: stragglers are still translated */
		{ 's', A, 1, 1, 100, NULL, "closed" },
		END
	});
}

static void R54_a_refusal_must_acknowledge_our_syn(void)
{
	story("refused", (struct step[]){
		{ 'c', S, 0, 0, 0, NULL, "syn-sent" },
		{ 's', R | A, 0, 77, 0, "*", "syn-sent" },
		{ 's', R, 0, 0, 0, "*", "syn-sent" },
		{ 's', R | A, 0, 1, 0, NULL, "closed" },
		END
	});
}

static void R55_a_syn_on_a_live_flow_changes_nothing(void)
{
	story("syn again", (struct step[]){
		OPEN,
		{ 'c', S, 777777, 0, 0, NULL, "established" },
		{ 's', S, 777777, 0, 0, "tcp-state", "established" },
		{ 's', A, 1, 1, 100, NULL, "established" },
		END
	});
}

static void R55_a_new_syn_restarts_a_closed_flow(void)
{
	story("restart", (struct step[]){
		OPEN,
		{ 'c', R | A, 1, 1, 0, NULL, "closed" },
		{ 'c', S, 500000, 0, 0, NULL, "syn-sent", 1 },
		{ 's', S | A, 600000, 500001, 0, NULL, "syn-recv" },
		{ 'c', A, 500001, 600001, 0, NULL, "established" },
		END
	});
}

static void R57_R58_each_state_has_its_time(void)
{
	story("syn-sent", (struct step[]){
		{ 'c', S, 0, 0, 0, NULL, "syn-sent" },
		{ 's', S | A, 0, 1, 0, NULL, "syn-recv", 239 },
		{ 'c', A, 1, 1, 0, NULL, "established", 239 },
		{ 's', A, 1, 1, 10, NULL, "established", 86399 },
		{ 'c', A, 1, 11, 0, NULL, "established", 86399 },
		{ 'c', F | A, 1, 11, 0, NULL, "fin-from-0", 86399 },
		{ 's', A, 11, 2, 0, NULL, "fin-from-0", 899 },
		{ 's', F | A, 11, 2, 0, NULL, "fin-both", 899 },
		{ 'c', A, 2, 12, 0, NULL, "time-wait", 239 },
		{ 's', A, 12, 2, 0, "no-flow", NULL, 241 },
		END
	});
	story("established ends", (struct step[]){
		OPEN,
		{ 's', A, 1, 1, 10, "no-flow", NULL, 86401 },
		END
	});
	story("half open ends", (struct step[]){
		{ 'c', S, 0, 0, 0, NULL, "syn-sent" },
		{ 's', S | A, 0, 1, 0, "no-flow", NULL, 241 },
		END
	});
}

/* clang-format on */

UNIT_SUITE(nat_tcp_stories, UNIT(R50_a_connection_opens_talks_and_closes),
	   UNIT(R50_the_server_may_close_first), UNIT(R50_crossing_fins),
	   UNIT(R50_a_lost_syn_is_sent_again), UNIT(R50_a_syn_may_carry_data),
	   UNIT(R50_R56_both_sides_may_open_at_once),
	   UNIT(R51_only_a_pure_syn_from_the_client_opens_a_flow),
	   UNIT(R51_ecn_bits_never_matter),
	   UNIT(R52_segments_outside_the_window_are_dropped),
	   UNIT(R52_what_is_refused_refreshes_nothing),
	   UNIT(R52_retransmissions_and_keepalives_pass),
	   UNIT(R52_a_closed_window_may_be_probed_with_one_byte),
	   UNIT(R52_scaled_windows_are_wider),
	   UNIT(R53_only_an_exact_rst_closes),
	   UNIT(R53_an_inexact_rst_does_not_move_the_deadline),
	   UNIT(R53_the_client_may_reset),
	   UNIT(R54_a_refusal_must_acknowledge_our_syn),
	   UNIT(R55_a_syn_on_a_live_flow_changes_nothing),
	   UNIT(R55_a_new_syn_restarts_a_closed_flow),
	   UNIT(R57_R58_each_state_has_its_time))
