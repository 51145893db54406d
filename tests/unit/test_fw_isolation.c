/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nobody speaks for somebody else, and clients never meet (1I, C4 to C6). */
#include <string.h>

#include "mock/lab.h"
#include "packet/pkt_ip.h"
#include "unit.h"

static struct lab *l;

/* One of each kind of packet, towards @dst. */
#define KINDS 9u
static struct frame_spec kind_of(size_t i, const char *dst)
{
	static const struct frame_spec inner = { .src = LAB_SERVER4,
						 .dst = LAB_A4,
						 .proto = IP_UDP };
	const struct frame_spec all[KINDS] = {
		{ .proto = IP_TCP, .flags = TCP_SYN },
		{ .proto = IP_TCP, .flags = TCP_ACK },
		{ .proto = IP_TCP, .flags = TCP_RST },
		{ .proto = IP_UDP, .dport = 53 },
		{ .proto = IP_ICMP },
		{ .proto = IP_ICMP, .type_zero = true },
		{ .proto = IP_ICMP, .type = 3, .code = 3, .quote = &inner },
		{ .proto = 47, .raw = true, .payload_len = 16 },
		{ .proto = IP_UDP, .mf = true, .payload_len = 512 },
	};
	struct frame_spec s = all[i];

	s.dst = dst;
	return s;
}

/* Opens a UDP flow from @who; the outside port of it. */
static uint16_t open_udp(int who)
{
	const struct pkt *p;

	CU_ASSERT_EQUAL(
		lab_send(l, who,
			 &(struct frame_spec){ .proto = IP_UDP, .dport = 53 }),
		PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p->sport;
}

static void R90_a_source_that_is_not_assigned_is_dropped_in_silence(void)
{
	static const char *const sources[] = { LAB_B4,	     LAB_GW4,
					       LAB_OUT4,     LAB_SERVER4,
					       LAB_GUARD4,   LAB_NET4,
					       "10.137.0.12" };

	l = lab_new();
	for (size_t s = 0; s < sizeof(sources) / sizeof(sources[0]); s++)
		for (size_t i = 0; i < KINDS; i++) {
			struct frame_spec f = kind_of(i, "203.0.113.9");

			f.src = sources[s];
			CU_ASSERT_EQUAL(lab_send(l, LAB_A, &f),
					PKT_REASON_SPOOF_CLIENT);
		}
	CU_ASSERT_TRUE(lab_silent(l));
	CU_ASSERT_EQUAL(l->view->client[LAB_A].answer_limited, 0);
	lab_free(l);
}

static void R90_ipv6_sources_are_held_to_the_same(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = LAB_B6,
						       .dst = LAB_SERVER6 }),
			PKT_REASON_SPOOF_CLIENT);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = "fe80::a",
						       .dst = LAB_SERVER6 }),
			PKT_REASON_SPOOF_CLIENT);
	CU_ASSERT_TRUE(lab_silent(l));
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = LAB_A6,
						       .dst = LAB_SERVER6 }),
			PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_UPLINK));
	lab_free(l);
}

static void R90_a_network_may_use_its_prefix_but_not_our_address_in_it(void)
{
	static const char *const bad[] = { LAB_NETGW4, "10.9.1.7", "10.9.0.0",
					   "10.9.0.255", LAB_A4 };

	l = lab_new();
	for (size_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(lab_send(l, LAB_NET,
					 &(struct frame_spec){ .src = bad[i] }),
				PKT_REASON_SPOOF_CLIENT);
	CU_ASSERT_TRUE(lab_silent(l));
	CU_ASSERT_EQUAL(lab_send(l, LAB_NET,
				 &(struct frame_spec){ .src = "10.9.0.254" }),
			PKT_REASON_NONE);
	lab_free(l);
}

static void R14_a_source_that_is_no_host_is_dropped_on_both_sides(void)
{
	static const char *const sources[] = { "0.0.0.0",     "0.1.2.3",
					       "127.0.0.1",   "169.254.1.1",
					       "224.0.0.251", "255.255.255.255",
					       "240.0.0.1" };

	l = lab_new();
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct frame_spec f = { .src = sources[i] };

		CU_ASSERT_EQUAL(lab_send(l, LAB_A, &f), PKT_REASON_MARTIAN_SRC);
		CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &f),
				PKT_REASON_MARTIAN_SRC);
	}
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){ .src = "fe80::5",
						       .dst = LAB_OUT6 }),
			PKT_REASON_MARTIAN_SRC);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R14_destinations_that_are_never_forwarded(void)
{
	static const char *const dsts[] = { "0.0.0.1", "127.0.0.1", "240.0.0.1",
					    "169.254.1.1" };

	l = lab_new();
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(
			lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = dsts[i] }),
			PKT_REASON_MARTIAN_DST);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = LAB_A6,
						       .dst = "fe80::77" }),
			PKT_REASON_MARTIAN_DST);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void C4_broadcast_and_multicast_go_nowhere(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_A,
			 &(struct frame_spec){ .dst = "224.0.0.251",
					       .dst_mac = "01:00:5e:00:00:fb",
					       .dport = 5353 }),
		PKT_REASON_MULTICAST);
	/* in a frame for us alone; and the uplink network's broadcast */
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = "224.0.0.251" }),
			PKT_REASON_MULTICAST);
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_A,
			 &(struct frame_spec){ .dst = "255.255.255.255" }),
		PKT_REASON_MULTICAST);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = "192.0.2.255" }),
			PKT_REASON_MULTICAST);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = "192.0.2.0" }),
			PKT_REASON_MULTICAST);
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){
					 .dst = "224.0.0.1",
					 .dst_mac = "01:00:5e:00:00:01" }),
			PKT_REASON_MULTICAST);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R16_source_equal_to_destination_is_dropped(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = LAB_A4 }),
			PKT_REASON_LAND);
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){ .src = LAB_OUT4 }),
			PKT_REASON_LAND);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

/* QSB-056 and CVE-2019-14899. */
static void B5_no_packet_of_any_kind_gets_in_with_an_inside_source(void)
{
	static const char *const inside[] = { LAB_A4,  LAB_B4,	   LAB_NET4,
					      LAB_GW4, LAB_NETGW4, LAB_GUARD4 };

	l = lab_new();
	for (size_t s = 0; s < sizeof(inside) / sizeof(inside[0]); s++)
		for (size_t i = 0; i < KINDS; i++) {
			struct frame_spec f = kind_of(i, LAB_OUT4);

			f.src = inside[s];
			CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &f),
					PKT_REASON_SPOOF_UPLINK);
		}
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R91_not_even_into_a_flow_that_it_would_match(void)
{
	uint16_t port;

	l = lab_new();
	port = open_udp(LAB_A);
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_UPLINK,
			 &(struct frame_spec){ .sport = 53, .dport = port }),
		PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	/* the server's address becomes a qube's */
	CU_ASSERT_EQUAL(
		fw_guard_set(l->fw,
			     &(struct pkt_addr){
				     { [10] = 0xff, 0xff, 198, 51, 100, 1 } },
			     1),
		0);
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_UPLINK,
			 &(struct frame_spec){ .sport = 53, .dport = port }),
		PKT_REASON_SPOOF_UPLINK);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R92_inside_addresses_are_no_destination_from_the_uplink(void)
{
	static const char *const inside[] = { LAB_A4, LAB_B4, LAB_NET4, LAB_GW4,
					      LAB_GUARD4 };

	l = lab_new();
	open_udp(LAB_A);
	for (size_t d = 0; d < sizeof(inside) / sizeof(inside[0]); d++)
		for (size_t i = 0; i < KINDS; i++) {
			struct frame_spec f = kind_of(i, inside[d]);

			CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &f),
					PKT_REASON_DST_INSIDE);
		}
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){ .dst = "192.0.2.77" }),
			PKT_REASON_NO_FLOW);
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){ .dst = "127.0.0.1" }),
			PKT_REASON_MARTIAN_DST);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R24_what_nobody_asked_for_meets_silence(void)
{
	l = lab_new();
	open_udp(LAB_A);
	for (size_t i = 0; i < KINDS; i++) {
		struct frame_spec f = kind_of(i, LAB_OUT4);

		lab_send(l, LAB_UPLINK, &f);
		CU_ASSERT_TRUE(lab_silent(l));
	}
	CU_ASSERT_EQUAL(l->view->client[LAB_UPLINK].answered, 0);
	lab_free(l);
}

static void C6_no_frame_kind_of_A_reaches_B_by_any_address(void)
{
	static const char *const dsts[] = { LAB_B4,	    LAB_NET4,
					    LAB_GUARD4,	    LAB_GW4,
					    LAB_NETGW4,	    LAB_OUT4,
					    "10.137.0.255", "255.255.255.255",
					    "224.0.0.251" };

	l = lab_new();
	open_udp(LAB_B);
	for (size_t d = 0; d < sizeof(dsts) / sizeof(dsts[0]); d++)
		for (size_t i = 0; i < KINDS; i++) {
			struct frame_spec f = kind_of(i, dsts[d]);

			lab_send(l, LAB_A, &f);
			if (strcmp(dsts[d], "10.137.0.255"))
				CU_ASSERT_PTR_NULL(lab_out(l, LAB_UPLINK));
			CU_ASSERT_PTR_NULL(lab_out(l, LAB_B));
			CU_ASSERT_PTR_NULL(lab_out(l, LAB_NET));
			lab_hush(l);
		}
	lab_free(l);
}

static void R93_a_running_and_a_stopped_qube_answer_alike(void)
{
	static const char *const dsts[] = { LAB_B4, LAB_GUARD4, LAB_NET4 };

	l = lab_new();
	for (size_t d = 0; d < 3; d++) {
		const struct pkt *p;

		CU_ASSERT_EQUAL(
			lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = dsts[d] }),
			PKT_REASON_CLIENT_TO_CLIENT);
		p = lab_out(l, LAB_A);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_TRUE(lab_is_error(p, 3, 13, LAB_A4, dsts[d]));
		CU_ASSERT_TRUE(lab_goes(p, LAB_GW4, LAB_A4));
	}
	lab_free(l);
}

static void R39_the_outside_address_of_others_is_refused(void)
{
	uint16_t port;
	const struct pkt *p;

	l = lab_new();
	port = open_udp(LAB_B);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = LAB_OUT4,
						       .dport = port }),
			PKT_REASON_HAIRPIN);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_is_error(p, 3, 10, LAB_A4, LAB_OUT4));
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R93_a_pair_may_talk_both_ways_but_only_one_may_begin(void)
{
	const struct fw_pair pair = { LAB_A, LAB_B };
	const struct pkt *p;

	l = lab_new();
	CU_ASSERT_EQUAL(fw_pairs_set(l->fw, &pair, 1), 0);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = LAB_B4,
						       .proto = IP_UDP,
						       .dport = 5000 }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_B);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_goes(p, LAB_A4, LAB_B4));
	CU_ASSERT_TRUE(lab_eth(p, LAB_MAC_OURS, LAB_MAC_B));
	CU_ASSERT_EQUAL(p->sport, 40000);
	CU_ASSERT_EQUAL(pkt_l3(p)[8], 63);

	CU_ASSERT_EQUAL(lab_send(l, LAB_B,
				 &(struct frame_spec){ .dst = LAB_A4,
						       .proto = IP_UDP,
						       .sport = 5000,
						       .dport = 40000 }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_goes(p, LAB_B4, LAB_A4));

	CU_ASSERT_EQUAL(lab_send(l, LAB_B,
				 &(struct frame_spec){ .dst = LAB_A4,
						       .proto = IP_UDP,
						       .dport = 6000 }),
			PKT_REASON_CLIENT_TO_CLIENT);
	lab_free(l);
}

static void R93_taking_the_pair_away_ends_its_flows(void)
{
	const struct fw_pair pair = { LAB_A, LAB_B };
	struct frame_spec there = { .dst = LAB_B4, .dport = 5000 };
	struct frame_spec back = { .dst = LAB_A4,
				   .sport = 5000,
				   .dport = 40000 };

	l = lab_new();
	CU_ASSERT_EQUAL(fw_pairs_set(l->fw, &pair, 1), 0);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &there), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(lab_send(l, LAB_B, &back), PKT_REASON_NONE);
	lab_hush(l);
	CU_ASSERT_EQUAL(fw_pairs_set(l->fw, NULL, 0), 0);
	CU_ASSERT_EQUAL(lab_send(l, LAB_B, &back), PKT_REASON_CLIENT_TO_CLIENT);
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_A));
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &there),
			PKT_REASON_CLIENT_TO_CLIENT);
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_B));
	CU_ASSERT_EQUAL(l->view->client[LAB_A].flows_cut, 1);
	lab_free(l);
}

static void B6_the_flow_of_one_port_is_not_that_of_another(void)
{
	struct frame_spec f = { .proto = IP_UDP, .dport = 53 };

	l = lab_new();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &f), PKT_REASON_NONE);
	lab_hush(l);
	f.src = LAB_A4;
	CU_ASSERT_EQUAL(lab_send(l, LAB_B, &f), PKT_REASON_SPOOF_CLIENT);
	CU_ASSERT_EQUAL(lab_send(l, LAB_NET, &f), PKT_REASON_SPOOF_CLIENT);
	f.dst = LAB_SERVER4;
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &f), PKT_REASON_SPOOF_UPLINK);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R66_an_icmp_error_of_B_about_a_flow_of_A_is_dropped(void)
{
	struct frame_spec inner = { .src = LAB_SERVER4,
				    .dst = LAB_A4,
				    .proto = IP_UDP,
				    .sport = 53,
				    .dport = 40000 };

	l = lab_new();
	open_udp(LAB_A);
	CU_ASSERT_NOT_EQUAL(lab_send(l, LAB_B,
				     &(struct frame_spec){ .proto = IP_ICMP,
							   .type = 3,
							   .code = 3,
							   .quote = &inner }),
			    PKT_REASON_NONE);
	CU_ASSERT_TRUE(lab_silent(l));
	/* A's own is about its own flow */
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .proto = IP_ICMP,
						       .type = 3,
						       .code = 3,
						       .quote = &inner }),
			PKT_REASON_NONE);
	lab_free(l);
}

UNIT_SUITE(fw_isolation,
	   UNIT(R90_a_source_that_is_not_assigned_is_dropped_in_silence),
	   UNIT(R90_ipv6_sources_are_held_to_the_same),
	   UNIT(R90_a_network_may_use_its_prefix_but_not_our_address_in_it),
	   UNIT(R14_a_source_that_is_no_host_is_dropped_on_both_sides),
	   UNIT(R14_destinations_that_are_never_forwarded),
	   UNIT(C4_broadcast_and_multicast_go_nowhere),
	   UNIT(R16_source_equal_to_destination_is_dropped),
	   UNIT(B5_no_packet_of_any_kind_gets_in_with_an_inside_source),
	   UNIT(R91_not_even_into_a_flow_that_it_would_match),
	   UNIT(R92_inside_addresses_are_no_destination_from_the_uplink),
	   UNIT(R24_what_nobody_asked_for_meets_silence),
	   UNIT(C6_no_frame_kind_of_A_reaches_B_by_any_address),
	   UNIT(R93_a_running_and_a_stopped_qube_answer_alike),
	   UNIT(R39_the_outside_address_of_others_is_refused),
	   UNIT(R93_a_pair_may_talk_both_ways_but_only_one_may_begin),
	   UNIT(R93_taking_the_pair_away_ends_its_flows),
	   UNIT(B6_the_flow_of_one_port_is_not_that_of_another),
	   UNIT(R66_an_icmp_error_of_B_about_a_flow_of_A_is_dropped))
