/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What we say ourselves, to whom, and how often (1B). */
#include "mock/lab.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "unit.h"

static struct lab *l;
static const char *const nothing[] = { NULL };

/* A lab in which A may do nothing at all. */
static void lab_of_refusals(const struct fw_conf *c)
{
	l = lab_new_with(c);
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, nothing);
	lab_rules(l, LAB_A, RULE_IP6, RULE_DROP, nothing);
}

static const struct pkt *refused(const struct frame_spec *s,
				 enum pkt_reason reason)
{
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, s), reason);
	return lab_out(l, LAB_A);
}

static void R27_a_refusal_is_answered_administratively_prohibited(void)
{
	static const struct frame_spec kinds[] = {
		{ .proto = IP_TCP, .flags = TCP_SYN },
		{ .proto = IP_UDP },
		{ .proto = IP_ICMP },
	};
	struct fw_conf c = lab_conf();

	lab_of_refusals(&c);
	for (size_t i = 0; i < 3; i++) {
		const struct pkt *p = refused(&kinds[i], PKT_REASON_POLICY);

		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_TRUE(lab_is_error(p, 3, 13, LAB_A4, LAB_SERVER4));
		CU_ASSERT_TRUE(lab_goes(p, LAB_GW4, LAB_A4)); /* R21 */
		CU_ASSERT_TRUE(lab_eth(p, LAB_MAC_OURS, LAB_MAC_A));
		CU_ASSERT_EQUAL(pkt_l3(p)[8], 64);    /* R28 */
		CU_ASSERT(p->len - p->l3_off <= 576); /* R22 */
	}
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R27_in_ipv6_it_is_type_1_code_1(void)
{
	struct fw_conf c = lab_conf();
	const struct pkt *p;

	lab_of_refusals(&c);
	p = refused(&(struct frame_spec){ .src = LAB_A6, .dst = LAB_SERVER6 },
		    PKT_REASON_POLICY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_is_error(p, 1, 1, LAB_A6, LAB_SERVER6));
	CU_ASSERT_TRUE(lab_goes(p, LAB_GW6, LAB_A6));
	lab_free(l);
}

static void R27_the_answers_can_be_switched_off(void)
{
	struct fw_conf c = lab_conf();

	c.reply_silent = true;
	lab_of_refusals(&c);
	CU_ASSERT_PTR_NULL(
		refused(&(struct frame_spec){ 0 }, PKT_REASON_POLICY));
	CU_ASSERT_PTR_NULL(refused(&(struct frame_spec){ .proto = IP_TCP },
				   PKT_REASON_POLICY));
	lab_free(l);
}

static void N9_a_refused_connection_can_be_answered_by_a_reset(void)
{
	struct fw_conf c = lab_conf();
	const struct pkt *p;

	c.reject_rst = true;
	lab_of_refusals(&c);
	p = refused(&(struct frame_spec){ .proto = IP_TCP,
					  .dport = 443,
					  .seq = 1000,
					  .flags = TCP_SYN },
		    PKT_REASON_POLICY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->kind, PKT_KIND_TCP);
	CU_ASSERT_EQUAL(p->tcp_flags, TCP_RST | TCP_ACK);
	CU_ASSERT_TRUE(lab_goes(p, LAB_SERVER4, LAB_A4));
	CU_ASSERT_EQUAL(p->sport, 443);
	CU_ASSERT_EQUAL(be32_at(pkt_l4(p) + 8), 1001);
	/* UDP has no other way */
	p = refused(&(struct frame_spec){ 0 }, PKT_REASON_POLICY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_is_error(p, 3, 13, LAB_A4, LAB_SERVER4));
	lab_free(l);
}

/* An established connection takes an ICMP error for a passing trouble. */
static void a_refused_segment_of_a_connection_is_answered_by_a_reset(void)
{
	struct fw_conf c = lab_conf();
	const struct pkt *p;

	lab_of_refusals(&c);
	p = refused(&(struct frame_spec){ .proto = IP_TCP, .ack = 777 },
		    PKT_REASON_POLICY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->kind, PKT_KIND_TCP);
	CU_ASSERT_EQUAL(p->tcp_flags, TCP_RST);
	CU_ASSERT_EQUAL(be32_at(pkt_l4(p) + 4), 777);
	lab_free(l);
}

static void R29_a_segment_of_no_flow_is_answered_by_a_reset(void)
{
	const struct pkt *p;

	l = lab_new();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .proto = IP_TCP,
						       .dport = 443,
						       .seq = 5,
						       .ack = 99 }),
			PKT_REASON_NOT_SYN);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->tcp_flags, TCP_RST);
	CU_ASSERT_EQUAL(be32_at(pkt_l4(p) + 4), 99);
	CU_ASSERT_TRUE(lab_goes(p, LAB_SERVER4, LAB_A4));
	/* a RST of no flow is not answered by another */
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .proto = IP_TCP,
						       .flags = TCP_RST }),
			PKT_REASON_NOT_SYN);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R23_each_client_has_its_own_limit(void)
{
	struct fw_conf c = lab_conf();
	struct view_client *a, *b;
	uint32_t got = 0;

	c.reply_burst = 5;
	lab_of_refusals(&c);
	lab_rules(l, LAB_B, RULE_IP4, RULE_DROP, nothing);
	a = &l->view->client[LAB_A];
	b = &l->view->client[LAB_B];
	for (int i = 0; i < 20; i++) {
		lab_send(l, LAB_A, &(struct frame_spec){ 0 });
		got += lab_out(l, LAB_A) != NULL;
	}
	CU_ASSERT_EQUAL(got, 5);
	CU_ASSERT_EQUAL(a->answered, 5);
	CU_ASSERT_EQUAL(a->answer_limited, 15);
	CU_ASSERT_EQUAL(a->drop[PKT_REASON_POLICY], 20);
	lab_send(l, LAB_B, &(struct frame_spec){ 0 });
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_B));
	CU_ASSERT_EQUAL(b->answered, 1);
	lab_after(l, 1000);
	lab_send(l, LAB_A, &(struct frame_spec){ 0 });
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	lab_free(l);
}

static void R20_nothing_is_said_about_errors_fragments_and_groups(void)
{
	static const struct frame_spec inner = { .src = LAB_SERVER4,
						 .dst = LAB_A4 };
	static const struct frame_spec kinds[] = {
		{ .proto = IP_ICMP, .type = 3, .code = 3, .quote = &inner },
		{ .proto = IP_UDP, .frag_off = 800, .payload_len = 8 },
		{ .dst = "224.0.0.251" },
		{ .dst = "255.255.255.255" },
		{ .dst = "127.0.0.1" },
	};
	struct fw_conf c = lab_conf();

	lab_of_refusals(&c);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		lab_send(l, LAB_A, &kinds[i]);
		CU_ASSERT_TRUE(lab_silent(l));
	}
	lab_free(l);
}

static void R6_the_last_hop_is_answered_time_exceeded(void)
{
	static const struct frame_spec kinds[] = {
		{ .ttl = 1 },
		{ .ttl = 1, .proto = IP_TCP, .flags = TCP_SYN },
		{ .ttl = 1, .proto = IP_ICMP },
	};

	l = lab_new();
	for (size_t i = 0; i < 3; i++) {
		const struct pkt *p;

		CU_ASSERT_EQUAL(lab_send(l, LAB_A, &kinds[i]), PKT_REASON_TTL);
		p = lab_out(l, LAB_A);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_TRUE(lab_is_error(p, 11, 0, LAB_A4, LAB_SERVER4));
		CU_ASSERT_TRUE(lab_goes(p, LAB_GW4, LAB_A4));
	}
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R6_in_an_open_flow_too_and_in_ipv6(void)
{
	struct frame_spec f = { .src = LAB_A6, .dst = LAB_SERVER6 };
	const struct pkt *p;

	l = lab_new();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &f), PKT_REASON_NONE);
	lab_hush(l);
	f.ttl = 1;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &f), PKT_REASON_TTL);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_is_error(p, 3, 0, LAB_A6, LAB_SERVER6));
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R26_a_ping_of_the_gateway_is_answered(void)
{
	const struct pkt *p;

	l = lab_new();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = LAB_GW4,
						       .proto = IP_ICMP,
						       .icmp_id = 7,
						       .icmp_seq = 9,
						       .payload_len = 56 }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_goes(p, LAB_GW4, LAB_A4));
	CU_ASSERT_TRUE(lab_eth(p, LAB_MAC_OURS, LAB_MAC_A));
	CU_ASSERT_EQUAL(p->icmp_type, ICMP_ECHO_REPLY);
	CU_ASSERT_EQUAL(be16_at(pkt_l4(p) + 4), 7);
	CU_ASSERT_EQUAL(be16_at(pkt_l4(p) + 6), 9);
	CU_ASSERT_EQUAL(p->len - p->pay_off, 56);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = LAB_A6,
						       .dst = LAB_GW6,
						       .proto = IP_ICMP6 }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->icmp_type, ICMP6_ECHO_REPLY);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R26_even_when_the_rules_allow_nothing_and_within_the_limit(void)
{
	struct fw_conf c = lab_conf();
	uint32_t got = 0;

	c.reply_burst = 3;
	lab_of_refusals(&c);
	for (int i = 0; i < 10; i++) {
		lab_send(l, LAB_A,
			 &(struct frame_spec){ .dst = LAB_GW4,
					       .proto = IP_ICMP });
		got += lab_out(l, LAB_A) != NULL;
	}
	CU_ASSERT_EQUAL(got, 3);
	lab_free(l);
}

static void R97_all_else_to_the_firewall_itself_is_refused(void)
{
	const struct pkt *p;

	l = lab_new();
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_A,
			 &(struct frame_spec){ .dst = LAB_GW4, .dport = 53 }),
		PKT_REASON_TO_SELF);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_is_error(p, 3, 10, LAB_A4, LAB_GW4));
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = LAB_GW4,
						       .proto = IP_TCP,
						       .flags = TCP_SYN }),
			PKT_REASON_TO_SELF);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_is_error(p, 3, 10, LAB_A4, LAB_GW4));
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_A,
			 &(struct frame_spec){ .src = LAB_A6, .dst = LAB_GW6 }),
		PKT_REASON_TO_SELF);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_is_error(p, 1, 1, LAB_A6, LAB_GW6));
	lab_free(l);
}

static void R97_dhcp_other_icmp_and_other_gateways_meet_silence(void)
{
	static const struct frame_spec kinds[] = {
		{ .dst = LAB_GW4, .dport = 68 },
		{ .dst = LAB_GW4,
		  .proto = IP_ICMP,
		  .type = 13,
		  .payload_len = 12 },
		{ .dst = LAB_GW4, .proto = IP_ICMP, .type_zero = true },
		{ .dst = LAB_NETGW4, .proto = IP_ICMP },
	};

	l = lab_new();
	for (size_t i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(lab_send(l, LAB_A, &kinds[i]),
				PKT_REASON_TO_SELF);
		CU_ASSERT_TRUE(lab_silent(l));
	}
	lab_free(l);
}

static void R110_other_protocols_are_refused_though_all_is_allowed(void)
{
	static const uint8_t protos[] = { 4, 41, 47, 50, 51, 132, 33, 136, 2 };

	l = lab_new();
	for (size_t i = 0; i < sizeof(protos); i++) {
		const struct pkt *p;

		CU_ASSERT_EQUAL(
			lab_send(l, LAB_A,
				 &(struct frame_spec){ .proto = protos[i],
						       .raw = true,
						       .payload_len = 32 }),
			PKT_REASON_PROTO);
		p = lab_out(l, LAB_A);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_EQUAL(p->icmp_type, 3);
		CU_ASSERT_EQUAL(p->icmp_code, 13);
		CU_ASSERT_TRUE(lab_silent(l));
	}
	lab_free(l);
}

static void R69_icmp_types_that_never_cross(void)
{
	static const uint8_t from_uplink[] = { 4, 5, 9, 10, 13, 15, 17, 30 };
	static const uint8_t from_client[] = { 4, 5, 9, 10, 30 };

	l = lab_new();
	for (size_t i = 0; i < sizeof(from_uplink); i++)
		CU_ASSERT_EQUAL(
			lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){ .proto = IP_ICMP,
						       .type = from_uplink[i],
						       .payload_len = 28 }),
			PKT_REASON_ICMP_TYPE);
	for (size_t i = 0; i < sizeof(from_client); i++)
		CU_ASSERT_EQUAL(
			lab_send(l, LAB_A,
				 &(struct frame_spec){ .proto = IP_ICMP,
						       .type = from_client[i],
						       .payload_len = 28 }),
			PKT_REASON_ICMP_TYPE);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R101_icmpv6_types_that_never_cross(void)
{
	static const uint8_t types[] = { 100, 101, 127, 130, 138, 139,
					 140, 143, 148, 151, 200, 255 };

	l = lab_new();
	for (size_t i = 0; i < sizeof(types); i++) {
		CU_ASSERT_EQUAL(
			lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){ .src = LAB_SERVER6,
						       .dst = LAB_OUT6,
						       .proto = IP_ICMP6,
						       .type = types[i] }),
			PKT_REASON_ICMP_TYPE);
		CU_ASSERT_EQUAL(
			lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = LAB_A6,
						       .dst = LAB_SERVER6,
						       .proto = IP_ICMP6,
						       .type = types[i] }),
			PKT_REASON_ICMP_TYPE);
	}
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void without_an_uplink_the_client_is_told_no_route(void)
{
	struct fw_uplink u = lab_uplink();
	const struct pkt *p;

	l = lab_new();
	u.up = false;
	CU_ASSERT_EQUAL(fw_uplink_set(l->fw, &u, l->now), 0);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ 0 }),
			PKT_REASON_NO_UPLINK);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_is_error(p, 3, 0, LAB_A4, LAB_SERVER4));
	lab_free(l);
}

static void R21_a_client_without_a_gateway_is_told_nothing(void)
{
	struct fw_client c = lab_client(LAB_A);

	l = lab_new();
	c.gateway4 = (struct pkt_addr){ 0 };
	CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_A, &c, l->now), 0);
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, nothing);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ 0 }),
			PKT_REASON_POLICY);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void C13_no_answer_is_larger_than_an_error_may_be(void)
{
	struct fw_conf c = lab_conf();
	const struct pkt *p;

	lab_of_refusals(&c);
	p = refused(&(struct frame_spec){ .payload_len = 1400 },
		    PKT_REASON_POLICY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->len - p->l3_off, 576);
	lab_free(l);
}

UNIT_SUITE(fw_reply,
	   UNIT(R27_a_refusal_is_answered_administratively_prohibited),
	   UNIT(R27_in_ipv6_it_is_type_1_code_1),
	   UNIT(R27_the_answers_can_be_switched_off),
	   UNIT(N9_a_refused_connection_can_be_answered_by_a_reset),
	   UNIT(a_refused_segment_of_a_connection_is_answered_by_a_reset),
	   UNIT(R29_a_segment_of_no_flow_is_answered_by_a_reset),
	   UNIT(R23_each_client_has_its_own_limit),
	   UNIT(R20_nothing_is_said_about_errors_fragments_and_groups),
	   UNIT(R6_the_last_hop_is_answered_time_exceeded),
	   UNIT(R6_in_an_open_flow_too_and_in_ipv6),
	   UNIT(R26_a_ping_of_the_gateway_is_answered),
	   UNIT(R26_even_when_the_rules_allow_nothing_and_within_the_limit),
	   UNIT(R97_all_else_to_the_firewall_itself_is_refused),
	   UNIT(R97_dhcp_other_icmp_and_other_gateways_meet_silence),
	   UNIT(R110_other_protocols_are_refused_though_all_is_allowed),
	   UNIT(R69_icmp_types_that_never_cross),
	   UNIT(R101_icmpv6_types_that_never_cross),
	   UNIT(without_an_uplink_the_client_is_told_no_route),
	   UNIT(R21_a_client_without_a_gateway_is_told_nothing),
	   UNIT(C13_no_answer_is_larger_than_an_error_may_be))
