/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Next hops that must be asked for: the uplink's, and hosts of a network. */
#include <string.h>

#include "mock/lab.h"
#include "packet/pkt_build.h"
#include "packet/pkt_ip.h"
#include "unit.h"

#define HOST2 "10.9.0.8"
#define MAC2 "02:00:00:00:09:08"

static struct lab *l;

/* A lab whose uplink gateways are known by address alone. */
static void lab_that_asks(void)
{
	struct fw_uplink u = lab_uplink();

	l = lab_new();
	memset(&u.gateway_mac, 0, sizeof(u.gateway_mac));
	CU_ASSERT_EQUAL(fw_uplink_set(l->fw, &u, l->now), 0);
}

static enum pkt_reason from_a(void)
{
	return lab_send(l, LAB_A, &(struct frame_spec){ 0 });
}

/* The next frame towards @who asks by ARP for @target, as from @us. */
static bool asks(int who, const char *us, const char *target)
{
	const struct pkt *p = lab_out(l, who);
	struct pkt_arp a;

	return p && p->l3 == PKT_L3_ARP && pkt_parse_arp(p, &a) && a.op == 1 &&
	       !memcmp(p->data, "\xff\xff\xff\xff\xff\xff", 6) &&
	       lab_is_addr(&a.spa, us) && lab_is_addr(&a.tpa, target);
}

static enum pkt_reason says(int who, uint16_t op, const char *mac,
			    const char *ip)
{
	return lab_in(l, who,
		      frame_arp(fw_pool(l->fw),
				&(struct frame_arp){
					.op = op,
					.src_mac = mac,
					.dst_mac = who == LAB_UPLINK
							   ? LAB_MAC_OUT
							   : LAB_MAC_OURS,
					.spa = ip,
					.tpa = who == LAB_UPLINK ? LAB_OUT4
								 : LAB_NETGW4,
				}));
}

static void the_gateway_is_asked_for_and_the_packet_waits(void)
{
	const struct pkt *p;

	lab_that_asks();
	CU_ASSERT_EQUAL(from_a(), PKT_REASON_NONE);
	CU_ASSERT_TRUE(asks(LAB_UPLINK, LAB_OUT4, LAB_HOP4));
	CU_ASSERT_TRUE(lab_silent(l));
	CU_ASSERT_EQUAL(from_a(), PKT_REASON_NONE);
	CU_ASSERT_TRUE(lab_silent(l)); /* asked already */
	says(LAB_UPLINK, 2, LAB_MAC_HOP, LAB_HOP4);
	for (int i = 0; i < 2; i++) {
		p = lab_out(l, LAB_UPLINK);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_TRUE(lab_goes(p, LAB_OUT4, LAB_SERVER4));
		CU_ASSERT_TRUE(lab_eth(p, LAB_MAC_OUT, LAB_MAC_HOP));
	}
	CU_ASSERT_EQUAL(from_a(), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_eth(p, LAB_MAC_OUT, LAB_MAC_HOP));
	lab_free(l);
}

static void a_host_of_the_uplink_network_is_its_own_next_hop(void)
{
	const struct pkt *p;

	lab_that_asks();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = "192.0.2.50" }),
			PKT_REASON_NONE);
	CU_ASSERT_TRUE(asks(LAB_UPLINK, LAB_OUT4, "192.0.2.50"));
	says(LAB_UPLINK, 2, "02:00:00:00:00:50", "192.0.2.50");
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_eth(p, LAB_MAC_OUT, "02:00:00:00:00:50"));
	lab_free(l);
}

static void an_ipv6_gateway_is_asked_for_by_solicitation(void)
{
	struct frame_spec s = { .src = LAB_A6, .dst = LAB_SERVER6 };
	const struct pkt *p;
	struct pkt_nd nd;

	lab_that_asks();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &s), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(pkt_parse_nd(p, &nd));
	CU_ASSERT_EQUAL(nd.type, ICMP6_NEIGH_SOLICIT);
	CU_ASSERT_TRUE(lab_is_addr(&nd.target, "fe80::1"));
	CU_ASSERT_TRUE(lab_goes(p, LAB_OUT6, "ff02::1:ff00:1"));
	CU_ASSERT_TRUE(lab_eth(p, LAB_MAC_OUT, "33:33:ff:00:00:01"));
	CU_ASSERT_TRUE(lab_silent(l));
	lab_in(l, LAB_UPLINK,
	       frame_nd(fw_pool(l->fw),
			&(struct frame_nd){ .ip = { .src_mac = LAB_MAC_HOP,
						    .dst_mac = LAB_MAC_OUT,
						    .src = "fe80::1",
						    .dst = LAB_OUT6,
						    .type = 136 },
					    .bits = 0x60000000,
					    .target = "fe80::1",
					    .lladdr = LAB_MAC_HOP }));
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_goes(p, LAB_OUT6, LAB_SERVER6));
	CU_ASSERT_TRUE(lab_eth(p, LAB_MAC_OUT, LAB_MAC_HOP));
	lab_free(l);
}

static void R85_only_an_answer_fills_what_was_asked_for(void)
{
	lab_that_asks();
	/* before the question, unasked, and for another address */
	says(LAB_UPLINK, 2, "02:66:66:66:66:66", LAB_HOP4);
	CU_ASSERT_EQUAL(from_a(), PKT_REASON_NONE);
	CU_ASSERT_TRUE(asks(LAB_UPLINK, LAB_OUT4, LAB_HOP4));
	says(LAB_UPLINK, 1, "02:66:66:66:66:66", LAB_HOP4);
	lab_hush(l); /* the answer to that question */
	says(LAB_UPLINK, 2, "02:66:66:66:66:66", "192.0.2.9");
	CU_ASSERT_TRUE(lab_silent(l));
	says(LAB_UPLINK, 2, LAB_MAC_HOP, LAB_HOP4);
	CU_ASSERT_TRUE(
		lab_eth(lab_out(l, LAB_UPLINK), LAB_MAC_OUT, LAB_MAC_HOP));
	lab_free(l);
}

static void R85_the_gateway_does_not_move_because_somebody_says_so(void)
{
	lab_that_asks();
	from_a();
	lab_hush(l);
	says(LAB_UPLINK, 2, LAB_MAC_HOP, LAB_HOP4);
	lab_hush(l);
	lab_after(l, 10000);
	says(LAB_UPLINK, 2, "02:66:66:66:66:66", LAB_HOP4);
	CU_ASSERT_EQUAL(from_a(), PKT_REASON_NONE);
	CU_ASSERT_TRUE(
		lab_eth(lab_out(l, LAB_UPLINK), LAB_MAC_OUT, LAB_MAC_HOP));
	CU_ASSERT_EQUAL(l->view->neighbours_moved, 0);
	/* but a true move is found when it is asked again */
	lab_after(l, 21000);
	CU_ASSERT_TRUE(asks(LAB_UPLINK, LAB_OUT4, LAB_HOP4));
	says(LAB_UPLINK, 2, "02:00:00:00:00:77", LAB_HOP4);
	CU_ASSERT_EQUAL(l->view->neighbours_moved, 1);
	lab_hush(l);
	CU_ASSERT_EQUAL(from_a(), PKT_REASON_NONE);
	CU_ASSERT_TRUE(lab_eth(lab_out(l, LAB_UPLINK), LAB_MAC_OUT,
			       "02:00:00:00:00:77"));
	lab_free(l);
}

static void a_gateway_that_is_silent_is_asked_four_times_and_given_up(void)
{
	const uint64_t *lost;
	const struct pkt *p;

	lab_that_asks();
	lost = &l->view->client[LAB_UPLINK].drop[PKT_REASON_NO_NEIGH];
	CU_ASSERT_EQUAL(from_a(), PKT_REASON_NONE);
	CU_ASSERT_TRUE(asks(LAB_UPLINK, LAB_OUT4, LAB_HOP4));
	lab_after(l, 110);
	CU_ASSERT_TRUE(asks(LAB_UPLINK, LAB_OUT4, LAB_HOP4));
	lab_after(l, 1000);
	CU_ASSERT_TRUE(asks(LAB_UPLINK, LAB_OUT4, LAB_HOP4));
	lab_after(l, 2000);
	CU_ASSERT_TRUE(asks(LAB_UPLINK, LAB_OUT4, LAB_HOP4));
	CU_ASSERT_EQUAL(*lost, 0);
	lab_after(l, 4000);
	CU_ASSERT_TRUE(lab_silent(l));
	CU_ASSERT_EQUAL(*lost, 1);
	/* for a while nothing waits any more, then it is asked again */
	from_a();
	CU_ASSERT_EQUAL(*lost, 2);
	CU_ASSERT_TRUE(lab_silent(l));
	/* who begins something new is told */
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ .dport = 9 }),
			PKT_REASON_NO_NEIGH);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_is_error(p, 3, 0, LAB_A4, LAB_SERVER4));
	lab_after(l, 3100);
	from_a();
	CU_ASSERT_TRUE(asks(LAB_UPLINK, LAB_OUT4, LAB_HOP4));
	lab_free(l);
}

static void no_more_than_four_packets_wait_the_oldest_goes(void)
{
	const struct pkt *p;

	lab_that_asks();
	for (uint16_t i = 1; i <= 7; i++)
		lab_send(l, LAB_A, &(struct frame_spec){ .dport = i });
	CU_ASSERT_EQUAL(l->view->client[LAB_UPLINK].drop[PKT_REASON_NO_NEIGH],
			3);
	lab_hush(l);
	says(LAB_UPLINK, 2, LAB_MAC_HOP, LAB_HOP4);
	for (uint16_t i = 4; i <= 7; i++) {
		p = lab_out(l, LAB_UPLINK);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_EQUAL(p->dport, i);
	}
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

/* A client that scans the uplink's network must not harm the others. */
static void R131_a_scan_does_not_push_out_the_gateway(void)
{
	char dst[24];

	lab_that_asks();
	from_a();
	says(LAB_UPLINK, 2, LAB_MAC_HOP, LAB_HOP4);
	lab_hush(l);
	for (unsigned int i = 3; i < 250; i++) {
		snprintf(dst, sizeof(dst), "192.0.2.%u", i);
		lab_send(l, LAB_B, &(struct frame_spec){ .dst = dst });
		lab_hush(l);
		CU_ASSERT_EQUAL(from_a(), PKT_REASON_NONE);
		CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_UPLINK));
	}
	CU_ASSERT(l->view->client[LAB_UPLINK].drop[PKT_REASON_NO_NEIGH] > 200);
	lab_free(l);
}

static void without_a_gateway_only_the_link_can_be_reached(void)
{
	struct fw_uplink u = lab_uplink();

	l = lab_new();
	memset(&u.gateway4, 0, sizeof(u.gateway4));
	memset(&u.gateway_mac, 0, sizeof(u.gateway_mac));
	CU_ASSERT_EQUAL(fw_uplink_set(l->fw, &u, l->now), 0);
	CU_ASSERT_EQUAL(from_a(), PKT_REASON_NO_NEIGH);
	CU_ASSERT_TRUE(
		lab_is_error(lab_out(l, LAB_A), 3, 0, LAB_A4, LAB_SERVER4));
	CU_ASSERT_TRUE(lab_silent(l));
	lab_send(l, LAB_A, &(struct frame_spec){ .dst = "192.0.2.50" });
	CU_ASSERT_TRUE(asks(LAB_UPLINK, LAB_OUT4, "192.0.2.50"));
	lab_free(l);
}

/* Point to point: the next hop's MAC is given and there is no network. */
static void a_link_without_a_network_sends_all_to_the_gateway(void)
{
	struct fw_uplink u = lab_uplink();

	l = lab_new();
	memset(&u.net4, 0, sizeof(u.net4));
	CU_ASSERT_EQUAL(fw_uplink_set(l->fw, &u, l->now), 0);
	lab_send(l, LAB_A, &(struct frame_spec){ .dst = "192.0.2.50" });
	CU_ASSERT_TRUE(
		lab_eth(lab_out(l, LAB_UPLINK), LAB_MAC_OUT, LAB_MAC_HOP));
	lab_free(l);
}

/* ---- networks ------------------------------------------------------------ */

/* A flow of the network's host @src; the outside port. */
static uint16_t open_net(const char *src, const char *mac)
{
	const struct pkt *p;
	uint16_t port;

	CU_ASSERT_EQUAL(
		lab_send(l, LAB_NET,
			 &(struct frame_spec){ .src_mac = mac, .src = src }),
		PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	port = p->sport;
	lab_hush(l);
	return port;
}

static void a_host_of_a_network_is_asked_for_when_something_comes(void)
{
	const struct pkt *p;
	uint16_t port;

	l = lab_new();
	port = open_net(LAB_NET4, LAB_MAC_NET);
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_UPLINK,
			 &(struct frame_spec){ .sport = 80, .dport = port }),
		PKT_REASON_NONE);
	CU_ASSERT_TRUE(asks(LAB_NET, LAB_NETGW4, LAB_NET4));
	CU_ASSERT_TRUE(lab_silent(l));
	says(LAB_NET, 2, LAB_MAC_NET, LAB_NET4);
	p = lab_out(l, LAB_NET);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_goes(p, LAB_SERVER4, LAB_NET4));
	CU_ASSERT_TRUE(lab_eth(p, LAB_MAC_OURS, LAB_MAC_NET));
	lab_free(l);
}

static void two_hosts_of_a_network_get_what_is_theirs(void)
{
	uint16_t one, two;

	l = lab_new();
	one = open_net(LAB_NET4, LAB_MAC_NET);
	two = open_net(HOST2, MAC2);
	CU_ASSERT_NOT_EQUAL(one, two);
	lab_send(l, LAB_UPLINK,
		 &(struct frame_spec){ .sport = 80, .dport = one });
	lab_send(l, LAB_UPLINK,
		 &(struct frame_spec){ .sport = 80, .dport = two });
	lab_hush(l);
	says(LAB_NET, 2, MAC2, HOST2);
	CU_ASSERT_TRUE(lab_eth(lab_out(l, LAB_NET), LAB_MAC_OURS, MAC2));
	CU_ASSERT_TRUE(lab_silent(l));
	says(LAB_NET, 2, LAB_MAC_NET, LAB_NET4);
	CU_ASSERT_TRUE(lab_eth(lab_out(l, LAB_NET), LAB_MAC_OURS, LAB_MAC_NET));
	lab_free(l);
}

static void a_refusal_finds_its_way_to_a_host_of_a_network(void)
{
	const struct pkt *p;

	l = lab_new();
	CU_ASSERT_EQUAL(lab_send(l, LAB_NET,
				 &(struct frame_spec){ .dst = LAB_A4 }),
			PKT_REASON_CLIENT_TO_CLIENT);
	CU_ASSERT_TRUE(asks(LAB_NET, LAB_NETGW4, LAB_NET4));
	says(LAB_NET, 2, LAB_MAC_NET, LAB_NET4);
	p = lab_out(l, LAB_NET);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_is_error(p, 3, 13, LAB_NET4, LAB_A4));
	CU_ASSERT_TRUE(lab_goes(p, LAB_NETGW4, LAB_NET4));
	lab_free(l);
}

static void hosts_of_a_network_do_not_reach_each_other_through_us(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(lab_send(l, LAB_NET,
				 &(struct frame_spec){ .dst = HOST2 }),
			PKT_REASON_CLIENT_TO_CLIENT);
	CU_ASSERT_TRUE(asks(LAB_NET, LAB_NETGW4, LAB_NET4));
	lab_free(l);
}

static void what_waits_is_dropped_when_its_port_goes(void)
{
	struct fw_client c = lab_client(LAB_NET);

	l = lab_new();
	lab_send(l, LAB_NET, &(struct frame_spec){ .dst = LAB_A4 });
	c.port = UINT16_MAX;
	CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_NET, &c, l->now), 0);
	CU_ASSERT_EQUAL(l->view->client[LAB_NET].drop[PKT_REASON_NO_NEIGH], 1);
	lab_free(l);
}

static void an_ipv6_host_of_a_network_is_asked_for_too(void)
{
	struct pkt_nd nd;
	const struct pkt *p;

	l = lab_new();
	CU_ASSERT_EQUAL(lab_send(l, LAB_NET,
				 &(struct frame_spec){ .src = LAB_NET6,
						       .dst = LAB_A6 }),
			PKT_REASON_CLIENT_TO_CLIENT);
	p = lab_out(l, LAB_NET);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(pkt_parse_nd(p, &nd));
	CU_ASSERT_TRUE(lab_is_addr(&nd.target, LAB_NET6));
	CU_ASSERT_TRUE(lab_goes(p, LAB_NETGW6, "ff02::1:ff00:7"));
	lab_free(l);
}

UNIT_SUITE(fw_resolve, UNIT(the_gateway_is_asked_for_and_the_packet_waits),
	   UNIT(a_host_of_the_uplink_network_is_its_own_next_hop),
	   UNIT(an_ipv6_gateway_is_asked_for_by_solicitation),
	   UNIT(R85_only_an_answer_fills_what_was_asked_for),
	   UNIT(R85_the_gateway_does_not_move_because_somebody_says_so),
	   UNIT(a_gateway_that_is_silent_is_asked_four_times_and_given_up),
	   UNIT(no_more_than_four_packets_wait_the_oldest_goes),
	   UNIT(R131_a_scan_does_not_push_out_the_gateway),
	   UNIT(without_a_gateway_only_the_link_can_be_reached),
	   UNIT(a_link_without_a_network_sends_all_to_the_gateway),
	   UNIT(a_host_of_a_network_is_asked_for_when_something_comes),
	   UNIT(two_hosts_of_a_network_get_what_is_theirs),
	   UNIT(a_refusal_finds_its_way_to_a_host_of_a_network),
	   UNIT(hosts_of_a_network_do_not_reach_each_other_through_us),
	   UNIT(what_waits_is_dropped_when_its_port_goes),
	   UNIT(an_ipv6_host_of_a_network_is_asked_for_too))
