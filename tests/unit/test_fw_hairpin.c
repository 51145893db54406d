/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hairpin = yes: clients that meet at our outside address, and all that must
 * hold for it.  What it does without is in test_fw_isolation.c.
 */
#include "mock/lab.h"
#include "packet/pkt_ip.h"
#include "unit.h"

static struct lab *l;
static uint16_t xport[LAB_PORTS]; /* outside ports of their UDP port 40000 */

static const char *const addr4[] = { LAB_SERVER4, LAB_A4, LAB_B4, LAB_NET4 };
static const char *const addr6[] = { LAB_SERVER6, LAB_A6, LAB_B6, LAB_NET6 };

static const struct fw_pair both_ways[] = { { LAB_A, LAB_B },
					    { LAB_B, LAB_A } };

static void map(int who, uint8_t proto, bool v6)
{
	const struct pkt *p;

	CU_ASSERT_EQUAL(lab_send(l, who,
				 &(struct frame_spec){
					 .src = v6 ? addr6[who] : addr4[who],
					 .dst = v6 ? LAB_SERVER6 : LAB_SERVER4,
					 .proto = proto,
					 .dport = 3478,
					 .flags = TCP_SYN }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	xport[who] = p->sport;
}

static void open_lab(uint8_t proto, bool v6)
{
	struct fw_conf c = lab_conf();

	c.hairpin = true;
	l = lab_new_with(&c);
	CU_ASSERT_EQUAL(fw_pairs_set(l->fw, both_ways, 2), 0);
	map(LAB_A, proto, v6);
	map(LAB_B, proto, v6);
}

static enum pkt_reason to_outside(int from, uint16_t port, struct frame_spec s)
{
	bool v6 = s.dst && !strcmp(s.dst, LAB_OUT6);

	s.src = v6 ? addr6[from] : addr4[from];
	s.dst = v6 ? LAB_OUT6 : LAB_OUT4;
	s.dport = port;
	return lab_send(l, from, &s);
}

static bool is_lost(int from, int to, struct frame_spec s)
{
	return to_outside(from, xport[to], s) == PKT_REASON_HAIRPIN &&
	       lab_silent(l);
}

static bool reaches(int from, int to, struct frame_spec s)
{
	bool v6 = s.dst && !strcmp(s.dst, LAB_OUT6);
	const struct pkt *p;

	if (to_outside(from, xport[to], s) != PKT_REASON_NONE)
		return false;
	p = lab_out(l, to);
	return p &&
	       lab_goes(p, v6 ? LAB_OUT6 : LAB_OUT4,
			v6 ? addr6[to] : addr4[to]) &&
	       p->sport == xport[from] && p->dport == 40000 &&
	       pkt_l3(p)[v6 ? 7 : 8] == 63 && lab_silent(l);
}

static const struct frame_spec udp = { .proto = IP_UDP, .payload_len = 9 };
static const struct frame_spec udp6 = { .proto = IP_UDP, .dst = LAB_OUT6 };

static void meet(struct frame_spec s)
{
	CU_ASSERT(is_lost(LAB_A, LAB_B, s));
	CU_ASSERT(reaches(LAB_B, LAB_A, s));
	CU_ASSERT(reaches(LAB_A, LAB_B, s));
	CU_ASSERT(reaches(LAB_B, LAB_A, s));
}

static void R39_two_clients_meet_at_our_outside_address(void)
{
	open_lab(IP_UDP, false);
	meet(udp);
	CU_ASSERT_EQUAL(l->view->client[LAB_B].to_packets, 1);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].to_packets, 2);
	CU_ASSERT_EQUAL(l->view->client[LAB_UPLINK].from_packets, 0);
	lab_free(l);
	open_lab(IP_UDP, true);
	meet(udp6);
	lab_free(l);
}

static void R39_tcp_meets_by_simultaneous_open(void)
{
	struct frame_spec a = { .proto = IP_TCP, .flags = TCP_SYN, .seq = 7 };
	struct frame_spec b = { .proto = IP_TCP, .flags = TCP_SYN, .seq = 90 };

	open_lab(IP_TCP, false);
	CU_ASSERT(is_lost(LAB_A, LAB_B, a));
	CU_ASSERT(reaches(LAB_B, LAB_A, b));
	a.flags = TCP_SYN | TCP_ACK;
	a.ack = 91;
	CU_ASSERT(reaches(LAB_A, LAB_B, a));
	b.flags = TCP_ACK;
	b.seq = 91;
	b.ack = 8;
	CU_ASSERT(reaches(LAB_B, LAB_A, b));
	lab_free(l);
}

static void R32_who_has_not_asked_hears_nothing(void)
{
	open_lab(IP_UDP, false);
	for (int i = 0; i < 5; i++)
		CU_ASSERT(is_lost(LAB_A, LAB_B, udp));
	/* C has been asked for by nobody, and nobody is there at all */
	xport[LAB_NET] = 1;
	CU_ASSERT(is_lost(LAB_A, LAB_NET, udp));
	CU_ASSERT_EQUAL(l->view->client[LAB_A].answered, 0);
	lab_free(l);
}

static void R93_leave_must_be_given_both_ways(void)
{
	for (int i = 0; i < 2; i++) {
		open_lab(IP_UDP, false);
		CU_ASSERT(is_lost(LAB_A, LAB_B, udp));
		CU_ASSERT_EQUAL(fw_pairs_set(l->fw, &both_ways[i], 1), 0);
		CU_ASSERT(is_lost(LAB_B, LAB_A, udp));
		CU_ASSERT(is_lost(LAB_A, LAB_B, udp));
		CU_ASSERT_EQUAL(fw_pairs_set(l->fw, both_ways, 2), 0);
		CU_ASSERT(reaches(LAB_B, LAB_A, udp));
		lab_free(l);
	}
}

/* The sender's rules; what they say about the address that it asks for. */
static void rules_of_the_sender_hold_for_our_address(void)
{
	static const char *const no_outside[] = { "action=drop dst4=" LAB_OUT4
						  "/32",
						  NULL };
	const struct pkt *p;

	open_lab(IP_UDP, false);
	meet(udp);
	lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT, no_outside);
	CU_ASSERT_EQUAL(to_outside(LAB_A, xport[LAB_B], udp), PKT_REASON_RULE);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(lab_is_error(p, 3, 13, LAB_A4, LAB_OUT4));
	/* and its flow is gone, so nothing comes back by it */
	CU_ASSERT(is_lost(LAB_B, LAB_A, udp));
	lab_free(l);
}

static void R123_rules_of_the_other_bind_its_flow_at_once(void)
{
	static const char *const no_outside[] = { "action=drop dst4=" LAB_OUT4
						  "/32",
						  NULL };

	open_lab(IP_UDP, false);
	meet(udp);
	lab_rules(l, LAB_B, RULE_IP4, RULE_ACCEPT, no_outside);
	CU_ASSERT(is_lost(LAB_A, LAB_B, udp));
	lab_free(l);
}

static void rules_about_each_other_can_not_be_walked_round(void)
{
	static const char *const not_b[] = { "action=drop dst4=" LAB_B4 "/32",
					     NULL };
	static const char *const not_a[] = {
		"action=drop proto=udp dst4=" LAB_A4 "/32 dstports=40000-40000",
		NULL
	};
	static const char *const all[] = { NULL };

	open_lab(IP_UDP, false);
	meet(udp);
	lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT, not_b);
	CU_ASSERT(is_lost(LAB_A, LAB_B, udp));
	CU_ASSERT(is_lost(LAB_B, LAB_A, udp));
	lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT, all);
	lab_rules(l, LAB_B, RULE_IP4, RULE_ACCEPT, not_a);
	CU_ASSERT(is_lost(LAB_A, LAB_B, udp));
	lab_rules(l, LAB_B, RULE_IP4, RULE_ACCEPT, all);
	CU_ASSERT(reaches(LAB_A, LAB_B, udp));
	lab_free(l);
}

static void R98_a_closed_client_is_not_met(void)
{
	open_lab(IP_UDP, false);
	meet(udp);
	lab_close(l, LAB_B, RULE_IP4);
	CU_ASSERT(is_lost(LAB_A, LAB_B, udp));
	lab_free(l);
}

static void a_client_whose_port_is_down_is_not_met(void)
{
	struct fw_client b = lab_client(LAB_B);

	open_lab(IP_UDP, false);
	meet(udp);
	b.port = UINT16_MAX;
	CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_B, &b, l->now), 0);
	CU_ASSERT(is_lost(LAB_A, LAB_B, udp));
	lab_free(l);
}

static void two_sockets_of_one_client_need_no_leave(void)
{
	struct frame_spec second = { .proto = IP_UDP, .sport = 40001 };
	const struct pkt *p;
	uint16_t port;

	open_lab(IP_UDP, false);
	CU_ASSERT_EQUAL(fw_pairs_set(l->fw, NULL, 0), 0);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &second), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	port = p->sport;
	CU_ASSERT_EQUAL(to_outside(LAB_A, port, udp), PKT_REASON_HAIRPIN);
	CU_ASSERT_EQUAL(to_outside(LAB_A, xport[LAB_A], second),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(lab_goes(p, LAB_OUT4, LAB_A4));
	CU_ASSERT_EQUAL(p->sport, port);
	lab_free(l);
}

static void R8_too_big_for_the_other_is_told_as_it_was_sent(void)
{
	struct frame_spec big = { .proto = IP_UDP,
				  .df = true,
				  .payload_len = 1300 };
	const struct pkt *p;

	open_lab(IP_UDP, false);
	meet(udp);
	l->port[LAB_B].port.mtu = 1000;
	CU_ASSERT_EQUAL(to_outside(LAB_A, xport[LAB_B], big), PKT_REASON_MTU);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(lab_is_error(p, 3, 4, LAB_A4, LAB_OUT4));
	lab_free(l);
}

static void R6_the_last_hop_is_told_and_lost(void)
{
	struct frame_spec last = { .proto = IP_UDP, .ttl = 1 };

	open_lab(IP_UDP, false);
	meet(udp);
	CU_ASSERT_EQUAL(to_outside(LAB_A, xport[LAB_B], last), PKT_REASON_TTL);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_B));
	last.ttl = 2;
	CU_ASSERT_EQUAL(to_outside(LAB_A, xport[LAB_B], last), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(pkt_l3(lab_out(l, LAB_B))[8], 1);
	lab_free(l);
}

static void an_error_about_a_met_packet_reaches_its_sender(void)
{
	struct frame_spec inner = {
		.src = LAB_OUT4, .dst = LAB_B4, .proto = IP_UDP, .dport = 40000
	};
	struct frame_spec error = { .dst = LAB_OUT4,
				    .proto = IP_ICMP,
				    .type = 3,
				    .code = 3,
				    .quote = &inner };
	const struct pkt *p;

	open_lab(IP_UDP, false);
	meet(udp);
	inner.sport = xport[LAB_A];
	CU_ASSERT_EQUAL(lab_send(l, LAB_B, &error), PKT_REASON_NONE);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(lab_goes(p, LAB_OUT4, LAB_A4));
	CU_ASSERT(lab_is_error(p, 3, 3, LAB_A4, LAB_OUT4));
	CU_ASSERT(lab_silent(l));
	lab_free(l);
}

static void R26_ping_is_as_it_was(void)
{
	open_lab(IP_UDP, false);
	CU_ASSERT_EQUAL(to_outside(LAB_A, 0,
				   (struct frame_spec){ .proto = IP_ICMP }),
			PKT_REASON_HAIRPIN);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	CU_ASSERT(lab_silent(l));
	lab_free(l);
}

/* In Qubes our address towards a client is the outside one. */
static void they_meet_where_the_gateway_is_the_outside_too(void)
{
	struct fw_client a, b;
	struct fw_uplink u = lab_uplink();

	open_lab(IP_UDP, false);
	a = lab_client(LAB_A);
	b = lab_client(LAB_B);
	a.gateway4 = b.gateway4 = u.addr4;
	CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_A, &a, l->now), 0);
	CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_B, &b, l->now), 0);
	meet(udp);
	CU_ASSERT_EQUAL(to_outside(LAB_A, 0,
				   (struct frame_spec){ .proto = IP_ICMP }),
			PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A)); /* an echo reply */
	lab_free(l);
}

static void R91_nobody_outside_can_pass_for_it(void)
{
	open_lab(IP_UDP, false);
	meet(udp);
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){ .src = LAB_OUT4,
						       .sport = xport[LAB_B],
						       .dport = xport[LAB_A] }),
			PKT_REASON_LAND);
	CU_ASSERT(lab_silent(l));
	lab_free(l);
}

static void it_needs_no_uplink(void)
{
	struct fw_uplink u = lab_uplink();

	open_lab(IP_UDP, false);
	u.up = false;
	CU_ASSERT_EQUAL(fw_uplink_set(l->fw, &u, l->now), 0);
	meet(udp);
	lab_free(l);
}

UNIT_SUITE(fw_hairpin, UNIT(R39_two_clients_meet_at_our_outside_address),
	   UNIT(R39_tcp_meets_by_simultaneous_open),
	   UNIT(R32_who_has_not_asked_hears_nothing),
	   UNIT(R93_leave_must_be_given_both_ways),
	   UNIT(rules_of_the_sender_hold_for_our_address),
	   UNIT(R123_rules_of_the_other_bind_its_flow_at_once),
	   UNIT(rules_about_each_other_can_not_be_walked_round),
	   UNIT(R98_a_closed_client_is_not_met),
	   UNIT(a_client_whose_port_is_down_is_not_met),
	   UNIT(two_sockets_of_one_client_need_no_leave),
	   UNIT(R8_too_big_for_the_other_is_told_as_it_was_sent),
	   UNIT(R6_the_last_hop_is_told_and_lost),
	   UNIT(an_error_about_a_met_packet_reaches_its_sender),
	   UNIT(R26_ping_is_as_it_was),
	   UNIT(they_meet_where_the_gateway_is_the_outside_too),
	   UNIT(R91_nobody_outside_can_pass_for_it), UNIT(it_needs_no_uplink))
