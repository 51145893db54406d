/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet, ARP and neighbour discovery as clients and the uplink see them. */
#include <string.h>

#include "mock/lab.h"
#include "packet/pkt_build.h"
#include "packet/pkt_ip.h"
#include "unit.h"

static struct lab *l;

static enum pkt_reason arp(int who, struct frame_arp s)
{
	static const char *const mac_of[] = { LAB_MAC_HOP, LAB_MAC_A, LAB_MAC_B,
					      LAB_MAC_NET };

	if (!s.src_mac)
		s.src_mac = mac_of[who];
	if (!s.dst_mac)
		s.dst_mac = LAB_GROUP;
	return lab_in(l, who, frame_arp(fw_pool(l->fw), &s));
}

/* The ARP answer that left towards @who: @ip is at our MAC. */
static bool answered(int who, const char *our_mac, const char *ip,
		     const char *to_mac, const char *to_ip)
{
	const struct pkt *p = lab_out(l, who);
	struct pkt_arp a;

	return p && p->l3 == PKT_L3_ARP && pkt_parse_arp(p, &a) && a.op == 2 &&
	       lab_eth(p, our_mac, to_mac) && lab_is_addr(&a.spa, ip) &&
	       lab_is_addr(&a.tpa, to_ip) && !memcmp(&a.sha, p->data + 6, 6) &&
	       !memcmp(&a.tha, p->data, 6) && lab_silent(l);
}

/* ---- floods of questions ------------------------------------------------- */

#define QUESTIONS 300u /* several batches, six times the burst of replies */

static struct pkt *question(bool six)
{
	if (six)
		return frame_nd(fw_pool(l->fw),
				&(struct frame_nd){
					.ip = { .src_mac = LAB_MAC_A,
						.dst_mac = "33:33:ff:00:00:fc",
						.src = LAB_A6,
						.dst = "ff02::1:ff00:fc" },
					.target = LAB_GW6,
					.lladdr = LAB_MAC_A });
	return frame_arp(fw_pool(l->fw),
			 &(struct frame_arp){ .src_mac = LAB_MAC_A,
					      .dst_mac = LAB_GROUP,
					      .spa = LAB_A4,
					      .tpa = LAB_GW4 });
}

/* All that waits for A: as many answers, none larger than what asked. */
static uint32_t answers(uint32_t largest)
{
	const struct pkt *p;
	uint32_t n = 0;

	while ((p = lab_out(l, LAB_A)) != NULL) {
		CU_ASSERT(lab_eth(p, LAB_MAC_OURS, LAB_MAC_A));
		CU_ASSERT(p->len <= largest);
		n++;
	}
	return n;
}

/*
 * Answers of the link have no rate, and need none: there is one for each
 * question, no larger than it, to who asked; it is paid for with the asker's
 * turns, and nothing is kept.
 */
static void R23_R135_whoever_floods_questions_has_the_answers_alone(void)
{
	for (int six = 0; six < 2; six++) {
		uint32_t len, at = UINT32_MAX;
		const struct pkt *p;

		l = lab_new();
		for (uint32_t i = 0; i < QUESTIONS; i++)
			mock_port_push(&l->port[LAB_A], question(six));
		len = l->port[LAB_A].in.p[0]->len;
		mock_port_push(&l->port[LAB_B],
			       lab_frame(l, LAB_B, &(struct frame_spec){ 0 }));
		/* B has its turn behind the first batch */
		CU_ASSERT(fw_round(l->fw, PKT_BATCH, l->now));
		CU_ASSERT_EQUAL(l->port[LAB_A].out.n, PKT_BATCH);
		for (uint32_t i = 0; (p = lab_out(l, LAB_UPLINK)); i++)
			at = i;
		CU_ASSERT_EQUAL(at, 0);
		while (fw_round(l->fw, PKT_BATCH, l->now))
			;
		CU_ASSERT_EQUAL(answers(len), QUESTIONS);
		CU_ASSERT(lab_silent(l));
		CU_ASSERT_EQUAL(l->view->client[LAB_A].answered, 0);
		CU_ASSERT_EQUAL(l->view->client[LAB_A].answer_limited, 0);
		lab_free(l);
	}
}

/* Who has been refused too much must still find its gateway. */
static void R23_an_empty_bucket_of_replies_leaves_the_link_answered(void)
{
	static const char *const none[] = { NULL };

	l = lab_new();
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, none);
	for (int i = 0; i < 100; i++)
		lab_send(l, LAB_A, &(struct frame_spec){ 0 });
	CU_ASSERT(l->view->client[LAB_A].answer_limited > 0);
	lab_hush(l);
	CU_ASSERT_EQUAL(lab_in(l, LAB_A, question(false)), PKT_REASON_NONE);
	CU_ASSERT_TRUE(
		answered(LAB_A, LAB_MAC_OURS, LAB_GW4, LAB_MAC_A, LAB_A4));
	lab_free(l);
}

/* ---- Ethernet ------------------------------------------------------------ */

static void R84_a_frame_from_another_mac_is_dropped(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src_mac = LAB_MAC_B }),
			PKT_REASON_ETH_SRC);
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_A,
			 &(struct frame_spec){ .src_mac = LAB_MAC_OURS }),
		PKT_REASON_ETH_SRC);
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){ .src_mac = LAB_GROUP }),
			PKT_REASON_ETH_SRC);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R84_a_frame_for_another_mac_is_dropped(void)
{
	l = lab_new();
	for (int who = 0; who < LAB_PORTS; who++)
		CU_ASSERT_EQUAL(lab_send(l, who,
					 &(struct frame_spec){
						 .dst_mac = "02:aa:bb:cc:dd:ee",
					 }),
				PKT_REASON_ETH_DST);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R15_unicast_in_a_group_frame_is_dropped(void)
{
	l = lab_new();
	for (int who = 0; who < LAB_PORTS; who++)
		CU_ASSERT_EQUAL(
			lab_send(l, who,
				 &(struct frame_spec){ .dst_mac = LAB_GROUP }),
			PKT_REASON_ETH_MCAST);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void a_network_may_have_many_macs(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_NET,
			 &(struct frame_spec){ .src_mac = "02:00:00:00:09:09",
					       .src = "10.9.0.9" }),
		PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_UPLINK));
	lab_free(l);
}

/* ---- ARP from clients ---------------------------------------------------- */

static void R81_a_client_is_told_our_mac_for_its_gateway(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(
		arp(LAB_A, (struct frame_arp){ .spa = LAB_A4, .tpa = LAB_GW4 }),
		PKT_REASON_NONE);
	CU_ASSERT_TRUE(
		answered(LAB_A, LAB_MAC_OURS, LAB_GW4, LAB_MAC_A, LAB_A4));
	lab_free(l);
}

static void R81_proxy_arp_answers_for_all_but_its_own_address(void)
{
	static const char *const others[] = { LAB_B4, LAB_SERVER4, "10.137.0.1",
					      "192.168.1.1" };

	l = lab_new();
	for (size_t i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(arp(LAB_A,
				    (struct frame_arp){ .spa = LAB_A4,
							.tpa = others[i] }),
				PKT_REASON_NONE);
		CU_ASSERT_TRUE(answered(LAB_A, LAB_MAC_OURS, others[i],
					LAB_MAC_A, LAB_A4));
	}
	CU_ASSERT_EQUAL(arp(LAB_A,
			    (struct frame_arp){ .spa = LAB_A4, .tpa = LAB_A4 }),
			PKT_REASON_ARP_IGNORED);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R81_a_probe_for_its_own_address_meets_silence(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(arp(LAB_A, (struct frame_arp){ .spa = "0.0.0.0",
						       .tpa = LAB_A4 }),
			PKT_REASON_ARP_IGNORED);
	CU_ASSERT_EQUAL(arp(LAB_A, (struct frame_arp){ .spa = "0.0.0.0",
						       .tpa = "169.254.3.4" }),
			PKT_REASON_ARP_IGNORED);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void without_proxy_arp_only_the_gateway_is_answered_for(void)
{
	struct fw_client c = lab_client(LAB_A);

	l = lab_new();
	c.proxy_arp = false;
	CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_A, &c, l->now), 0);
	CU_ASSERT_EQUAL(arp(LAB_A,
			    (struct frame_arp){ .spa = LAB_A4, .tpa = LAB_B4 }),
			PKT_REASON_ARP_IGNORED);
	CU_ASSERT_TRUE(lab_silent(l));
	CU_ASSERT_EQUAL(
		arp(LAB_A, (struct frame_arp){ .spa = LAB_A4, .tpa = LAB_GW4 }),
		PKT_REASON_NONE);
	CU_ASSERT_TRUE(
		answered(LAB_A, LAB_MAC_OURS, LAB_GW4, LAB_MAC_A, LAB_A4));
	lab_free(l);
}

static void R82_an_arp_packet_that_lies_is_dropped(void)
{
	l = lab_new();
	/* another sender address; another MAC inside than outside */
	CU_ASSERT_EQUAL(
		arp(LAB_A, (struct frame_arp){ .spa = LAB_B4, .tpa = LAB_GW4 }),
		PKT_REASON_ARP_BAD);
	CU_ASSERT_EQUAL(arp(LAB_A, (struct frame_arp){ .sha = LAB_MAC_B,
						       .spa = LAB_A4,
						       .tpa = LAB_GW4 }),
			PKT_REASON_ARP_BAD);
	CU_ASSERT_EQUAL(arp(LAB_A, (struct frame_arp){ .op = 3,
						       .spa = LAB_A4,
						       .tpa = LAB_GW4 }),
			PKT_REASON_ARP_BAD);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R83_a_gratuitous_arp_of_a_client_is_ignored(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(arp(LAB_A, (struct frame_arp){ .op = 2,
						       .spa = LAB_A4,
						       .tpa = LAB_A4 }),
			PKT_REASON_ARP_IGNORED);
	CU_ASSERT_EQUAL(arp(LAB_A, (struct frame_arp){ .op = 1,
						       .spa = LAB_A4,
						       .tpa = LAB_A4 }),
			PKT_REASON_ARP_IGNORED);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R80_what_a_qube_says_by_arp_changes_no_destination(void)
{
	const struct pkt *p;

	l = lab_new();
	/* opens a flow, so that there is an answer to send it */
	lab_send(l, LAB_A, &(struct frame_spec){ .proto = IP_UDP });
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	arp(LAB_B,
	    (struct frame_arp){ .op = 2, .spa = LAB_A4, .tpa = LAB_GW4 });
	lab_send(l, LAB_UPLINK,
		 &(struct frame_spec){ .sport = 80, .dport = p->sport });
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_eth(p, LAB_MAC_OURS, LAB_MAC_A));
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R86_an_arp_answer_has_no_byte_of_anything_else(void)
{
	l = lab_new();
	arp(LAB_A, (struct frame_arp){ .spa = LAB_A4, .tpa = LAB_GW4 });
	CU_ASSERT_EQUAL_FATAL(l->port[LAB_A].out.n, 1);
	{
		const struct pkt *p = lab_out(l, LAB_A);

		CU_ASSERT(p->len == 42 || p->len == 60);
		for (uint32_t i = 42; i < p->len; i++)
			CU_ASSERT_EQUAL(p->data[i], 0);
	}
	lab_free(l);
}

/* ---- ARP on the uplink --------------------------------------------------- */

static void on_the_uplink_we_answer_for_our_own_address_alone(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(arp(LAB_UPLINK, (struct frame_arp){ .spa = LAB_HOP4,
							    .tpa = LAB_OUT4 }),
			PKT_REASON_NONE);
	CU_ASSERT_TRUE(answered(LAB_UPLINK, LAB_MAC_OUT, LAB_OUT4, LAB_MAC_HOP,
				LAB_HOP4));
	CU_ASSERT_EQUAL(arp(LAB_UPLINK, (struct frame_arp){ .spa = LAB_HOP4,
							    .tpa = LAB_A4 }),
			PKT_REASON_ARP_IGNORED);
	CU_ASSERT_EQUAL(arp(LAB_UPLINK, (struct frame_arp){ .spa = LAB_HOP4,
							    .tpa = LAB_GW4 }),
			PKT_REASON_ARP_IGNORED);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R85_arp_from_the_uplink_with_an_inside_address_is_dropped(void)
{
	static const char *const inside[] = { LAB_A4, LAB_GW4, LAB_OUT4,
					      LAB_GUARD4, LAB_NET4 };

	l = lab_new();
	for (size_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(arp(LAB_UPLINK,
				    (struct frame_arp){ .spa = inside[i],
							.tpa = LAB_OUT4 }),
				PKT_REASON_ARP_BAD);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

/* ---- neighbour discovery ------------------------------------------------- */

static enum pkt_reason nd(int who, struct frame_nd s)
{
	static const char *const mac_of[] = { LAB_MAC_HOP, LAB_MAC_A, LAB_MAC_B,
					      LAB_MAC_NET };

	if (!s.ip.src_mac)
		s.ip.src_mac = mac_of[who];
	if (!s.ip.dst_mac)
		s.ip.dst_mac = "33:33:ff:00:00:fc";
	if (!s.ip.dst)
		s.ip.dst = "ff02::1:ff00:fc";
	return lab_in(l, who, frame_nd(fw_pool(l->fw), &s));
}

static bool advertised(int who, const char *target, const char *to)
{
	const struct pkt *p = lab_out(l, who);
	struct pkt_nd a;

	return p && p->kind == PKT_KIND_ND && pkt_parse_nd(p, &a) &&
	       a.type == ICMP6_NEIGH_ADVERT && lab_is_addr(&a.target, target) &&
	       lab_goes(p, target, to) && a.has_lladdr &&
	       !memcmp(&a.lladdr, p->data + 6, 6) && lab_silent(l);
}

static void R103_a_client_is_told_our_mac_for_its_gateway(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(nd(LAB_A, (struct frame_nd){ .ip.src = LAB_A6,
						     .target = LAB_GW6,
						     .lladdr = LAB_MAC_A }),
			PKT_REASON_NONE);
	CU_ASSERT_TRUE(advertised(LAB_A, LAB_GW6, LAB_A6));
	CU_ASSERT_EQUAL(nd(LAB_A, (struct frame_nd){ .ip.src = "fe80::a",
						     .target = LAB_GW6,
						     .lladdr = LAB_MAC_A }),
			PKT_REASON_NONE);
	CU_ASSERT_TRUE(advertised(LAB_A, LAB_GW6, "fe80::a"));
	lab_free(l);
}

static void R103_others_are_answered_for_by_us_and_its_own_is_not(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(nd(LAB_A, (struct frame_nd){ .ip.src = LAB_A6,
						     .target = LAB_B6,
						     .lladdr = LAB_MAC_A }),
			PKT_REASON_NONE);
	CU_ASSERT_TRUE(advertised(LAB_A, LAB_B6, LAB_A6));
	CU_ASSERT_EQUAL(nd(LAB_A, (struct frame_nd){ .ip.src = "::",
						     .target = LAB_A6 }),
			PKT_REASON_ND_IGNORED);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void the_gateways_address_is_defended_against_a_probe(void)
{
	const struct pkt *p;

	l = lab_new();
	CU_ASSERT_EQUAL(nd(LAB_A, (struct frame_nd){ .ip.src = "::",
						     .target = LAB_GW6 }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_goes(p, LAB_GW6, "ff02::1"));
	CU_ASSERT_TRUE(lab_eth(p, LAB_MAC_OURS, "33:33:00:00:00:01"));
	lab_free(l);
}

static void R102_nd_of_another_speaker_or_with_another_mac_is_dropped(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(nd(LAB_A, (struct frame_nd){ .ip.src = LAB_B6,
						     .target = LAB_GW6 }),
			PKT_REASON_ND_BAD);
	CU_ASSERT_EQUAL(nd(LAB_A, (struct frame_nd){ .ip.src = LAB_GW6,
						     .target = LAB_GW6 }),
			PKT_REASON_ND_BAD);
	CU_ASSERT_EQUAL(nd(LAB_A, (struct frame_nd){ .ip.src = LAB_A6,
						     .target = LAB_GW6,
						     .lladdr = LAB_MAC_B }),
			PKT_REASON_ND_BAD);
	CU_ASSERT_EQUAL(nd(LAB_A, (struct frame_nd){ .ip = { .src = LAB_A6,
							     .ttl = 254 },
						     .target = LAB_GW6 }),
			PKT_REASON_ND_BAD);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R102_router_messages_and_redirects_are_ignored(void)
{
	static const uint8_t types[] = { 133, 134, 137 };
	/* the body that each must have after its first 8 bytes */
	static const char *const body[] = {
		"",
		"0000000000000000",
		("fe800000000000000000000000000009"
		 "20010db8000200000000000000000001"),
	};

	l = lab_new();
	for (int who = 0; who < LAB_NET; who++)
		for (size_t i = 0; i < 3; i++)
			CU_ASSERT_EQUAL(nd(who,
					   (struct frame_nd){
						   .ip = { .src = "fe80::9",
							   .type = types[i] },
						   .options = body[i],
					   }),
					PKT_REASON_ND_IGNORED);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R103_an_advertisement_of_a_client_changes_nothing(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(nd(LAB_A,
			   (struct frame_nd){ .ip = { .dst_mac = LAB_MAC_OURS,
						      .src = LAB_A6,
						      .dst = LAB_GW6,
						      .type = 136 },
					      .bits = 0x60000000,
					      .target = LAB_A6,
					      .lladdr = LAB_MAC_A }),
			PKT_REASON_ND_IGNORED);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void on_the_uplink_we_advertise_our_own_address_alone(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(nd(LAB_UPLINK,
			   (struct frame_nd){ .ip.src = "fe80::1",
					      .target = LAB_OUT6,
					      .lladdr = LAB_MAC_HOP }),
			PKT_REASON_NONE);
	CU_ASSERT_TRUE(advertised(LAB_UPLINK, LAB_OUT6, "fe80::1"));
	CU_ASSERT_EQUAL(nd(LAB_UPLINK, (struct frame_nd){ .ip.src = "fe80::1",
							  .target = LAB_A6 }),
			PKT_REASON_ND_IGNORED);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

/* Two frames left by the uplink, and no other, that say where we are. */
static bool announced(const char *addr4, const char *addr6)
{
	const struct pkt *p = lab_out(l, LAB_UPLINK);
	struct pkt_arp a;
	struct pkt_nd nd;

	if (!p || p->l3 != PKT_L3_ARP || !pkt_parse_arp(p, &a) || a.op != 1 ||
	    !lab_eth(p, LAB_MAC_OUT, LAB_GROUP) ||
	    !lab_is_addr(&a.spa, addr4) || !lab_is_addr(&a.tpa, addr4) ||
	    memcmp(&a.sha, p->data + 6, 6))
		return false;
	p = lab_out(l, LAB_UPLINK);
	return p && pkt_parse_nd(p, &nd) && nd.type == 136 && nd.override &&
	       !nd.solicited && !nd.router && nd.has_lladdr &&
	       lab_eth(p, LAB_MAC_OUT, "33:33:00:00:00:01") &&
	       lab_goes(p, addr6, "ff02::1") &&
	       lab_is_addr(&nd.target, addr6) &&
	       !memcmp(&nd.lladdr, p->data + 6, 6) && lab_silent(l);
}

static bool uplink_says(const struct fw_uplink *u)
{
	CU_ASSERT_EQUAL(fw_uplink_set(l->fw, u, l->now), 0);
	fw_uplink_announce(l->fw, l->now);
	lab_after(l, 100);
	return !lab_silent(l);
}

static void an_uplink_that_comes_up_is_announced_in_both_families(void)
{
	struct fw_uplink u = lab_uplink();

	l = lab_new();
	fw_uplink_announce(l->fw, l->now);
	lab_after(l, 100);
	CU_ASSERT_TRUE(announced(LAB_OUT4, LAB_OUT6));
	fw_uplink_announce(l->fw, l->now);
	lab_after(l, 100);
	CU_ASSERT_TRUE(lab_silent(l));
	u.up = false;
	CU_ASSERT_FALSE(uplink_says(&u));
	u.up = true;
	CU_ASSERT_TRUE(uplink_says(&u));
	CU_ASSERT_TRUE(announced(LAB_OUT4, LAB_OUT6));
	lab_free(l);
}

static void a_new_address_of_ours_is_announced_and_nothing_else_is(void)
{
	struct fw_uplink u = lab_uplink();

	l = lab_new();
	CU_ASSERT_TRUE(uplink_says(&u));
	lab_hush(l);
	CU_ASSERT_EQUAL(pkt_addr_parse(&u.gateway4, "192.0.2.9", 9), 0);
	CU_ASSERT_FALSE(uplink_says(&u));
	CU_ASSERT_EQUAL(pkt_addr_parse(&u.addr4, "192.0.2.3", 9), 0);
	CU_ASSERT_TRUE(uplink_says(&u));
	CU_ASSERT_TRUE(announced("192.0.2.3", LAB_OUT6));
	CU_ASSERT_EQUAL(pkt_addr_parse(&u.addr6, "2001:db8:1::3", 13), 0);
	CU_ASSERT_TRUE(uplink_says(&u));
	CU_ASSERT_TRUE(announced("192.0.2.3", "2001:db8:1::3"));
	lab_free(l);
}

static void what_we_do_not_have_is_not_announced(void)
{
	static const struct pkt_addr none;
	struct fw_uplink u = lab_uplink();

	l = lab_new();
	u.addr4 = none;
	CU_ASSERT_TRUE(uplink_says(&u));
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_UPLINK));
	CU_ASSERT_TRUE(lab_silent(l));
	u.addr6 = none;
	CU_ASSERT_FALSE(uplink_says(&u));
	u = lab_uplink();
	u.port = UINT16_MAX;
	CU_ASSERT_FALSE(uplink_says(&u));
	lab_free(l);
}

/* C8: with IPv6 off there is no answer of any kind. */
static void R100_no_ipv6_frame_of_a_client_without_ipv6_has_any_effect(void)
{
	struct fw_client c = lab_client(LAB_A);

	l = lab_new();
	c.addr_n = 1;
	CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_A, &c, l->now), 0);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = LAB_A6,
						       .dst = LAB_SERVER6 }),
			PKT_REASON_IP6_OFF);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = LAB_A6,
						       .dst = LAB_GW6,
						       .proto = IP_ICMP6 }),
			PKT_REASON_IP6_OFF);
	CU_ASSERT_EQUAL(nd(LAB_A, (struct frame_nd){ .ip.src = LAB_A6,
						     .target = LAB_GW6 }),
			PKT_REASON_IP6_OFF);
	CU_ASSERT_EQUAL(nd(LAB_A, (struct frame_nd){ .ip = { .src = "::",
							     .type = 133 } }),
			PKT_REASON_IP6_OFF);
	/* a multicast listener report: its router alert is refused before */
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){
					 .dst_mac = "33:33:00:00:00:16",
					 .src = "fe80::a",
					 .dst = "ff02::16",
					 .proto = IP_ICMP6,
					 .type = 143,
					 .ext = "0000050200000100",
				 }),
			PKT_REASON_IP6_EXT);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

UNIT_SUITE(fw_link,
	   UNIT(R23_R135_whoever_floods_questions_has_the_answers_alone),
	   UNIT(R23_an_empty_bucket_of_replies_leaves_the_link_answered),
	   UNIT(R84_a_frame_from_another_mac_is_dropped),
	   UNIT(R84_a_frame_for_another_mac_is_dropped),
	   UNIT(R15_unicast_in_a_group_frame_is_dropped),
	   UNIT(a_network_may_have_many_macs),
	   UNIT(R81_a_client_is_told_our_mac_for_its_gateway),
	   UNIT(R81_proxy_arp_answers_for_all_but_its_own_address),
	   UNIT(R81_a_probe_for_its_own_address_meets_silence),
	   UNIT(without_proxy_arp_only_the_gateway_is_answered_for),
	   UNIT(R82_an_arp_packet_that_lies_is_dropped),
	   UNIT(R83_a_gratuitous_arp_of_a_client_is_ignored),
	   UNIT(R80_what_a_qube_says_by_arp_changes_no_destination),
	   UNIT(R86_an_arp_answer_has_no_byte_of_anything_else),
	   UNIT(on_the_uplink_we_answer_for_our_own_address_alone),
	   UNIT(R85_arp_from_the_uplink_with_an_inside_address_is_dropped),
	   UNIT(R103_a_client_is_told_our_mac_for_its_gateway),
	   UNIT(R103_others_are_answered_for_by_us_and_its_own_is_not),
	   UNIT(the_gateways_address_is_defended_against_a_probe),
	   UNIT(R102_nd_of_another_speaker_or_with_another_mac_is_dropped),
	   UNIT(R102_router_messages_and_redirects_are_ignored),
	   UNIT(R103_an_advertisement_of_a_client_changes_nothing),
	   UNIT(on_the_uplink_we_advertise_our_own_address_alone),
	   UNIT(an_uplink_that_comes_up_is_announced_in_both_families),
	   UNIT(a_new_address_of_ours_is_announced_and_nothing_else_is),
	   UNIT(what_we_do_not_have_is_not_announced),
	   UNIT(R100_no_ipv6_frame_of_a_client_without_ipv6_has_any_effect))
