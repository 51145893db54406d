/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data process died and another has its flow table: what passes before it
 * was told everything, and what does not pass any more.
 */
#include <stdlib.h>

#include "mock/lab.h"
#include "packet/pkt_ip.h"
#include "unit.h"

static const char *const nothing[] = { NULL };
static const char *const no_web[] = { "action=drop proto=udp dstports=80-80",
				      NULL };

static struct lab *l;
static struct fw_conf conf;
static uint16_t outside; /* port of A's flow */

/* A, B and NET each have a flow to the server; B one to A as well. */
static void open_lab(void)
{
	static const struct fw_pair pair = { LAB_B, LAB_A };
	const struct pkt *p;

	conf = lab_conf();
	conf.table = aligned_alloc(PKT_ARENA_ALIGN, fw_table_size(&conf));
	conf.adopt = false;
	l = lab_new_with(&conf);
	CU_ASSERT_EQUAL(fw_pairs_set(l->fw, &pair, 1), 0);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ 0 }), 0);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_FATAL(p != NULL);
	outside = p->sport;
	CU_ASSERT_EQUAL(lab_send(l, LAB_B, &(struct frame_spec){ 0 }), 0);
	CU_ASSERT_EQUAL(lab_send(l, LAB_NET, &(struct frame_spec){ 0 }), 0);
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_B, &(struct frame_spec){ .dst = LAB_A4 }), 0);
	lab_hush(l);
}

static void close_lab(void)
{
	void *table = conf.table;

	lab_free(l);
	free(table);
}

static void die(void)
{
	conf.adopt = true;
	conf.nat.hash_key[0]++;
	lab_die(l, &conf);
}

static uint32_t flows(void)
{
	struct nat_usage u;

	nat_usage(fw_nat(l->fw), UINT16_MAX, &u);
	return u.flows;
}

/* The server's answer to A. */
static enum pkt_reason answer(void)
{
	return lab_send(l, LAB_UPLINK,
			&(struct frame_spec){ .sport = 80, .dport = outside });
}

static bool reaches(int who)
{
	bool there = lab_out(l, who) != NULL;

	return there && lab_silent(l);
}

static void accept_all(uint16_t n)
{
	lab_rules(l, n, RULE_IP4, RULE_ACCEPT, nothing);
}

static void a_flow_passes_as_soon_as_its_client_has_rules(void)
{
	const struct pkt *p;

	open_lab();
	die();
	CU_ASSERT_EQUAL(flows(), 4);
	lab_tell(l, LAB_UPLINK);
	CU_ASSERT_EQUAL(answer(), PKT_REASON_CLOSED);
	lab_tell(l, LAB_A);
	CU_ASSERT_EQUAL(answer(), PKT_REASON_CLOSED);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ 0 }),
			PKT_REASON_CLOSED);
	CU_ASSERT(lab_silent(l));
	accept_all(LAB_A);
	CU_ASSERT_EQUAL(answer(), 0);
	CU_ASSERT(reaches(LAB_A));
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ 0 }), 0);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_FATAL(p != NULL);
	CU_ASSERT_EQUAL(p->sport, outside);
	/* nothing was ended by what came too early */
	CU_ASSERT_EQUAL(flows(), 4);
	close_lab();
}

static void a_no_is_not_told_before_all_is(void)
{
	open_lab();
	die();
	lab_tell(l, LAB_UPLINK);
	lab_tell(l, LAB_A);
	lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT, no_web);
	CU_ASSERT_EQUAL(answer(), PKT_REASON_RULE);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ 0 }),
			PKT_REASON_RULE);
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_A,
			 &(struct frame_spec){ .sport = 5, .proto = IP_TCP }),
		PKT_REASON_NOT_SYN);
	CU_ASSERT(lab_silent(l));
	CU_ASSERT_EQUAL(flows(), 4);
	fw_settle(l->fw);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ 0 }),
			PKT_REASON_RULE);
	CU_ASSERT(reaches(LAB_A)); /* is told */
	lab_after(l, 1000);
	CU_ASSERT_EQUAL(flows(), 0); /* nobody else came back */
	close_lab();
}

static void rules_that_deny_it_now_end_it(void)
{
	open_lab();
	die();
	lab_tell(l, LAB_UPLINK);
	lab_tell(l, LAB_A);
	lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT, no_web);
	fw_settle(l->fw);
	CU_ASSERT_EQUAL(answer(), PKT_REASON_RULE);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].flows_cut, 1);
	accept_all(LAB_A);
	CU_ASSERT_EQUAL(answer(), PKT_REASON_NO_FLOW);
	CU_ASSERT(lab_silent(l));
	close_lab();
}

static void a_client_that_is_told_last_keeps_its_flows(void)
{
	static const struct fw_pair pair = { LAB_B, LAB_A };

	open_lab();
	die();
	lab_tell(l, LAB_UPLINK);
	lab_tell(l, LAB_B);
	accept_all(LAB_B);
	/* as long as A is not there, its address looks like one outside */
	CU_ASSERT_NOT_EQUAL(
		lab_send(l, LAB_B, &(struct frame_spec){ .dst = LAB_A4 }), 0);
	CU_ASSERT(lab_silent(l));
	lab_tell(l, LAB_A);
	/* ... and then like one that it may not reach */
	CU_ASSERT_EQUAL(lab_send(l, LAB_B,
				 &(struct frame_spec){ .dst = LAB_A4 }),
			PKT_REASON_CLIENT_TO_CLIENT);
	CU_ASSERT_EQUAL(fw_pairs_set(l->fw, &pair, 1), 0);
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_B, &(struct frame_spec){ .dst = LAB_A4 }), 0);
	CU_ASSERT(reaches(LAB_A));
	close_lab();
}

static void a_network_keeps_its_flows(void)
{
	open_lab();
	die();
	lab_tell(l, LAB_UPLINK);
	lab_tell(l, LAB_NET);
	accept_all(LAB_NET);
	fw_settle(l->fw);
	lab_after(l, 1000);
	CU_ASSERT_EQUAL(flows(), 1);
	close_lab();
}

static void who_is_not_there_in_time_loses_its_flows(void)
{
	open_lab();
	die();
	lab_tell(l, LAB_UPLINK);
	lab_tell(l, LAB_B);
	accept_all(LAB_B);
	lab_after(l, FW_SETTLE_MS - 1000);
	CU_ASSERT_EQUAL(flows(), 4);
	lab_after(l, 2000);
	CU_ASSERT_EQUAL(flows(), 1);
	/* of A or with A, and NET's */
	lab_tell(l, LAB_A);
	accept_all(LAB_A);
	CU_ASSERT_EQUAL(answer(), PKT_REASON_NO_FLOW);
	close_lab();
}

static void who_is_said_to_be_gone_loses_them_at_once(void)
{
	open_lab();
	die();
	lab_tell(l, LAB_UPLINK);
	fw_client_remove(l->fw, LAB_A, l->now);
	CU_ASSERT_EQUAL(answer(), PKT_REASON_NO_FLOW);
	lab_after(l, 200);
	lab_tell(l, LAB_A);
	accept_all(LAB_A);
	CU_ASSERT_EQUAL(answer(), PKT_REASON_NO_FLOW);
	close_lab();
}

static void a_client_with_another_address_gets_no_answer_to_the_old_one(void)
{
	struct fw_client c;

	open_lab();
	die();
	lab_tell(l, LAB_UPLINK);
	c = lab_client(LAB_A);
	c.addr[0].b[15] = 77;
	CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_A, &c, l->now), 0);
	accept_all(LAB_A);
	CU_ASSERT_EQUAL(answer(), PKT_REASON_NO_FLOW);
	CU_ASSERT(lab_silent(l));
	fw_settle(l->fw);
	CU_ASSERT_EQUAL(answer(), PKT_REASON_NO_FLOW);
	CU_ASSERT(lab_silent(l));
	CU_ASSERT_EQUAL(l->view->client[LAB_A].flows_cut, 1);
	close_lab();
}

static void R44_an_outside_address_that_is_new_ends_what_used_the_old_one(void)
{
	struct fw_uplink u = lab_uplink();
	const struct pkt *p;

	open_lab();
	die();
	u.addr4.b[15] = 9;
	CU_ASSERT_EQUAL(fw_uplink_set(l->fw, &u, l->now), 0);
	lab_tell(l, LAB_A);
	accept_all(LAB_A);
	/* the same question is a new flow, from the new address */
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ 0 }), 0);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_FATAL(p != NULL);
	CU_ASSERT(lab_goes(p, "192.0.2.9", LAB_SERVER4));
	CU_ASSERT_EQUAL(answer(), PKT_REASON_NO_FLOW);
	close_lab();
}

static void a_table_that_is_not_adopted_begins_empty(void)
{
	open_lab();
	conf.adopt = false;
	lab_die(l, &conf);
	CU_ASSERT_EQUAL(flows(), 0);
	close_lab();
}

UNIT_SUITE(fw_adopt, UNIT(a_flow_passes_as_soon_as_its_client_has_rules),
	   UNIT(a_no_is_not_told_before_all_is),
	   UNIT(rules_that_deny_it_now_end_it),
	   UNIT(a_client_that_is_told_last_keeps_its_flows),
	   UNIT(a_network_keeps_its_flows),
	   UNIT(who_is_not_there_in_time_loses_its_flows),
	   UNIT(who_is_said_to_be_gone_loses_them_at_once),
	   UNIT(a_client_with_another_address_gets_no_answer_to_the_old_one),
	   UNIT(R44_an_outside_address_that_is_new_ends_what_used_the_old_one),
	   UNIT(a_table_that_is_not_adopted_begins_empty))
