/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules while packets flow: closed, swapped, judged again (R98, R122 to R124).
 */
#include <errno.h>

#include "mock/lab.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "unit.h"

static struct lab *l;

static const char *const nothing[] = { NULL };
static const char *const no_443[] = {
	"action=drop proto=tcp dstports=443-443",
	NULL,
};
static const char *const only_443[] = {
	"action=accept proto=tcp dstports=443-443",
	NULL,
};
static const char *const only_80_to_443[] = {
	"action=accept proto=tcp dstports=80-443",
	NULL,
};

static const struct frame_spec syn = {
	.proto = IP_TCP, .dport = 443, .seq = 1000, .flags = TCP_SYN
};

/* An established connection of A; its outside port. */
static uint16_t connect_a(void)
{
	const struct pkt *p;
	uint16_t port;

	CU_ASSERT_EQUAL_FATAL(lab_send(l, LAB_A, &syn), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	port = p->sport;
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_UPLINK,
			 &(struct frame_spec){ .proto = IP_TCP,
					       .sport = 443,
					       .dport = port,
					       .seq = 5000,
					       .ack = 1001,
					       .flags = TCP_SYN | TCP_ACK }),
		PKT_REASON_NONE);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .proto = IP_TCP,
						       .dport = 443,
						       .seq = 1001,
						       .ack = 5001 }),
			PKT_REASON_NONE);
	lab_hush(l);
	return port;
}

static enum pkt_reason data_from_a(void)
{
	return lab_send(l, LAB_A,
			&(struct frame_spec){ .proto = IP_TCP,
					      .dport = 443,
					      .seq = 1001,
					      .ack = 5001,
					      .payload_len = 10 });
}

static enum pkt_reason data_to_a(uint16_t port)
{
	return lab_send(l, LAB_UPLINK,
			&(struct frame_spec){ .proto = IP_TCP,
					      .sport = 443,
					      .dport = port,
					      .seq = 5001,
					      .ack = 1001,
					      .payload_len = 10 });
}

static void R98_without_rules_nothing_passes_and_nothing_is_said(void)
{
	static const struct frame_spec kinds[] = {
		{ .proto = IP_TCP, .flags = TCP_SYN },
		{ .proto = IP_UDP },
		{ .proto = IP_ICMP },
		{ .proto = IP_ICMP, .dst = LAB_GW4 },
		{ .proto = IP_UDP, .dst = LAB_B4 },
		{ .proto = 47, .raw = true, .payload_len = 8 },
	};

	l = lab_new();
	lab_close(l, LAB_A, RULE_IP4);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		CU_ASSERT_EQUAL(lab_send(l, LAB_A, &kinds[i]),
				PKT_REASON_CLOSED);
	CU_ASSERT_TRUE(lab_silent(l));
	/* the other family and the other clients go on */
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = LAB_A6,
						       .dst = LAB_SERVER6 }),
			PKT_REASON_NONE);
	CU_ASSERT_EQUAL(lab_send(l, LAB_B, &(struct frame_spec){ 0 }),
			PKT_REASON_NONE);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].open4, 0);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].open6, 1);
	lab_free(l);
}

static void R98_a_client_that_loses_its_rules_is_closed_both_ways(void)
{
	uint16_t port;

	l = lab_new();
	port = connect_a();
	lab_close(l, LAB_A, RULE_IP4);
	CU_ASSERT_EQUAL(data_to_a(port), PKT_REASON_CLOSED);
	CU_ASSERT_EQUAL(data_from_a(), PKT_REASON_CLOSED);
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_UPLINK));
	lab_free(l);
}

static void R122_a_new_set_counts_from_the_next_packet_on(void)
{
	l = lab_new();
	for (int i = 0; i < 50; i++) {
		lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, nothing);
		CU_ASSERT_EQUAL(lab_send(l, LAB_A, &syn), PKT_REASON_POLICY);
		lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT, no_443);
		CU_ASSERT_EQUAL(lab_send(l, LAB_A, &syn), PKT_REASON_RULE);
	}
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_UPLINK));
	lab_free(l);
}

static void R123_a_denied_connection_ends_at_its_next_packet(void)
{
	const struct pkt *p;

	l = lab_new();
	connect_a();
	lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT, no_443);
	CU_ASSERT_EQUAL(data_from_a(), PKT_REASON_RULE);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->kind, PKT_KIND_TCP);
	CU_ASSERT_EQUAL(p->tcp_flags, TCP_RST);
	CU_ASSERT_TRUE(lab_goes(p, LAB_SERVER4, LAB_A4));
	CU_ASSERT_EQUAL(be32_at(pkt_l4(p) + 4), 5001);
	CU_ASSERT_TRUE(lab_silent(l));
	CU_ASSERT_EQUAL(l->view->client[LAB_A].flows_cut, 1);
	/* and it stays ended when the rules come back */
	lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT, nothing);
	CU_ASSERT_EQUAL(data_from_a(), PKT_REASON_NOT_SYN);
	lab_free(l);
}

static void R123_the_first_packet_may_come_from_the_other_side(void)
{
	const struct pkt *p;
	uint16_t port;

	l = lab_new();
	port = connect_a();
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, nothing);
	CU_ASSERT_EQUAL(data_to_a(port), PKT_REASON_POLICY);
	/* A is told in the place of its server: RST at what A expects next */
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_goes(p, LAB_SERVER4, LAB_A4));
	CU_ASSERT_EQUAL(p->sport, 443);
	CU_ASSERT_EQUAL(p->dport, 40000);
	CU_ASSERT_EQUAL(p->tcp_flags, TCP_RST);
	CU_ASSERT_EQUAL(be32_at(pkt_l4(p) + 4), 5001);
	CU_ASSERT_TRUE(lab_silent(l));
	CU_ASSERT_EQUAL(data_to_a(port), PKT_REASON_NO_FLOW);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R123_in_ipv6_too(void)
{
	struct frame_spec f = { .src = LAB_A6,
				.dst = LAB_SERVER6,
				.proto = IP_TCP,
				.flags = TCP_SYN };
	const struct pkt *p;

	l = lab_new();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &f), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	lab_rules(l, LAB_A, RULE_IP6, RULE_DROP, nothing);
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_UPLINK,
			 &(struct frame_spec){ .src = LAB_SERVER6,
					       .dst = LAB_OUT6,
					       .proto = IP_TCP,
					       .sport = 80,
					       .dport = p->sport,
					       .seq = 7,
					       .ack = 1,
					       .flags = TCP_SYN | TCP_ACK }),
		PKT_REASON_POLICY);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_goes(p, LAB_SERVER6, LAB_A6));
	CU_ASSERT(p->tcp_flags & TCP_RST);
	lab_free(l);
}

static void R123_icmp_and_udp_flows_do_not_escape(void)
{
	static const struct frame_spec kinds[] = {
		{ .proto = IP_ICMP, .icmp_id = 9 },
		{ .proto = IP_UDP, .dport = 4500 },
	};

	for (size_t i = 0; i < 2; i++) {
		const struct pkt *p;
		struct frame_spec back;

		l = lab_new();
		CU_ASSERT_EQUAL(lab_send(l, LAB_A, &kinds[i]), PKT_REASON_NONE);
		p = lab_out(l, LAB_UPLINK);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		back = (struct frame_spec){ .proto = kinds[i].proto,
					    .type_zero = true,
					    .icmp_id = p->sport,
					    .sport = 4500,
					    .dport = p->sport };
		CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &back),
				PKT_REASON_NONE);
		lab_hush(l);
		lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, nothing);
		CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &back),
				PKT_REASON_POLICY);
		CU_ASSERT_EQUAL(lab_send(l, LAB_A, &kinds[i]),
				PKT_REASON_POLICY);
		p = lab_out(l, LAB_A);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_TRUE(lab_is_error(p, 3, 13, LAB_A4, LAB_SERVER4));
		CU_ASSERT_TRUE(lab_silent(l));
		lab_free(l);
	}
}

static void R123_ports_are_compared_as_numbers(void)
{
	uint16_t port;

	l = lab_new();
	port = connect_a();
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, only_80_to_443);
	CU_ASSERT_EQUAL(data_from_a(), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(data_to_a(port), PKT_REASON_NONE);
	lab_free(l);
}

static void R124_a_connection_that_is_still_allowed_goes_on_undisturbed(void)
{
	const struct pkt *p;
	uint16_t port;

	l = lab_new();
	port = connect_a();
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, only_443);
	CU_ASSERT_EQUAL(data_to_a(port), PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	CU_ASSERT_EQUAL(data_from_a(), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->sport, port);
	CU_ASSERT_TRUE(lab_silent(l));
	CU_ASSERT_EQUAL(l->view->client[LAB_A].flows_cut, 0);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].flows_opened, 1);
	lab_free(l);
}

static void R123_a_flow_that_is_judged_again_shows_its_new_rule(void)
{
	struct nat_info info;
	uint32_t cursor = 0;

	l = lab_new();
	connect_a();
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, only_443);
	data_from_a();
	CU_ASSERT_EQUAL(nat_each(fw_nat(l->fw), &cursor, &info, 1, l->now), 1);
	CU_ASSERT_EQUAL(info.rule, 0);
	lab_free(l);
}

static void rules_of_one_client_do_not_touch_the_flows_of_another(void)
{
	uint16_t port;

	l = lab_new();
	port = connect_a();
	lab_rules(l, LAB_B, RULE_IP4, RULE_DROP, nothing);
	CU_ASSERT_EQUAL(data_from_a(), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(data_to_a(port), PKT_REASON_NONE);
	lab_free(l);
}

/* Flows keep 16 bits of the generation: none may sleep until it comes again. */
static void R123_no_flow_outlives_the_count_of_generations(void)
{
	const struct ruleset *set, *old;

	l = lab_new();
	connect_a();
	set = l->rules[LAB_A][RULE_IP4];
	for (uint32_t i = 0; i < 65536; i++)
		CU_ASSERT_EQUAL_FATAL(fw_client_rules(l->fw, LAB_A, RULE_IP4,
						      set, &old, l->now),
				      0);
	CU_ASSERT_EQUAL(data_from_a(), PKT_REASON_NOT_SYN);
	lab_free(l);
}

/* The server's address becomes B's, whom A may talk to: another end. */
static void R123_a_flow_to_an_address_that_moved_ends(void)
{
	struct fw_client b = lab_client(LAB_B);
	const struct pkt *p;

	l = lab_new();
	connect_a();
	CU_ASSERT_EQUAL(
		fw_pairs_set(l->fw, &(struct fw_pair){ LAB_A, LAB_B }, 1), 0);
	b.addr[b.addr_n++] = pkt_addr_v4((uint8_t[]){ 198, 51, 100, 1 });
	CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_B, &b, l->now), 0);
	CU_ASSERT_EQUAL(data_from_a(), PKT_REASON_NO_FLOW);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(p->tcp_flags & TCP_RST);
	CU_ASSERT_TRUE(lab_silent(l));
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &syn), PKT_REASON_NONE);
	p = lab_out(l, LAB_B);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_goes(p, LAB_A4, LAB_SERVER4));
	lab_free(l);
}

static void N5_a_refusal_shows_which_rule_it_was(void)
{
	const struct view_blocked *row;

	l = lab_new();
	lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT, no_443);
	for (int i = 0; i < 3; i++)
		lab_send(l, LAB_A, &syn);
	row = &l->view->blocked[0];
	CU_ASSERT_EQUAL(row->count, 3);
	CU_ASSERT_EQUAL(row->client, LAB_A);
	CU_ASSERT_EQUAL(row->reason, PKT_REASON_RULE);
	CU_ASSERT_EQUAL(row->rule, 0);
	CU_ASSERT_EQUAL(row->dport, 443);
	CU_ASSERT_EQUAL(row->proto, IP_TCP);
	CU_ASSERT_TRUE(lab_is_addr(&row->dst, LAB_SERVER4));
	CU_ASSERT_TRUE(lab_is_addr(&row->src, LAB_A4));
	CU_ASSERT_EQUAL(l->view->blocked[1].count, 0);
	lab_free(l);
}

static void N5_the_policy_has_no_rule_number(void)
{
	l = lab_new();
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, only_443);
	lab_send(l, LAB_A, &(struct frame_spec){ .proto = IP_ICMP });
	CU_ASSERT_EQUAL(l->view->blocked[0].count, 1);
	CU_ASSERT_EQUAL(l->view->blocked[0].rule, RULE_NUMBER_POLICY);
	CU_ASSERT_EQUAL(l->view->blocked[0].dport, ICMP_ECHO);
	lab_free(l);
}

static void a_set_of_the_other_family_is_refused(void)
{
	const struct ruleset *old;

	l = lab_new();
	CU_ASSERT_EQUAL(fw_client_rules(l->fw, LAB_A, RULE_IP4,
					l->rules[LAB_A][RULE_IP6], &old,
					l->now),
			-EINVAL);
	CU_ASSERT_EQUAL(fw_client_rules(l->fw, 77, RULE_IP4, NULL, &old,
					l->now),
			-EINVAL);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &syn), PKT_REASON_NONE);
	lab_free(l);
}

UNIT_SUITE(fw_rules, UNIT(R98_without_rules_nothing_passes_and_nothing_is_said),
	   UNIT(R98_a_client_that_loses_its_rules_is_closed_both_ways),
	   UNIT(R122_a_new_set_counts_from_the_next_packet_on),
	   UNIT(R123_a_denied_connection_ends_at_its_next_packet),
	   UNIT(R123_the_first_packet_may_come_from_the_other_side),
	   UNIT(R123_in_ipv6_too), UNIT(R123_icmp_and_udp_flows_do_not_escape),
	   UNIT(R123_ports_are_compared_as_numbers),
	   UNIT(R124_a_connection_that_is_still_allowed_goes_on_undisturbed),
	   UNIT(R123_a_flow_that_is_judged_again_shows_its_new_rule),
	   UNIT(rules_of_one_client_do_not_touch_the_flows_of_another),
	   UNIT(R123_no_flow_outlives_the_count_of_generations),
	   UNIT(R123_a_flow_to_an_address_that_moved_ends),
	   UNIT(N5_a_refusal_shows_which_rule_it_was),
	   UNIT(N5_the_policy_has_no_rule_number),
	   UNIT(a_set_of_the_other_family_is_refused))
