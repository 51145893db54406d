/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client that knows itself as 192.168.7.5 and its gateway as 192.168.7.1,
 * while we and its rules know it as A, behind our own address.
 */
#include <errno.h>
#include <string.h>

#include "mock/addrs.h"
#include "mock/lab.h"
#include "packet/pkt_build.h"
#include "packet/pkt_ip.h"
#include "unit.h"

#define SEEN "192.168.7.5"
#define SEEN_GW "192.168.7.1"

static struct lab *l;

static struct fw_client seen_client(void)
{
	struct fw_client c = lab_client(LAB_A);

	c.addr_n = 1;
	c.addr[0] = addr(LAB_A4);
	c.seen4 = addr(SEEN);
	c.seen_gateway4 = addr(SEEN_GW);
	return c;
}

static void start(void)
{
	struct fw_client c = seen_client();

	l = lab_new();
	CU_ASSERT_EQUAL_FATAL(fw_client_set(l->fw, LAB_A, &c, l->now), 0);
}

static enum pkt_reason arp(const char *spa, const char *tpa)
{
	return lab_in(l, LAB_A,
		      frame_arp(fw_pool(l->fw),
				&(struct frame_arp){ .src_mac = LAB_MAC_A,
						     .dst_mac = LAB_GROUP,
						     .spa = spa,
						     .tpa = tpa }));
}

/* It is told that @ip is at our MAC. */
static bool answered(const char *ip)
{
	const struct pkt *p = lab_out(l, LAB_A);
	struct pkt_arp a;

	return p && pkt_parse_arp(p, &a) && a.op == 2 &&
	       lab_is_addr(&a.spa, ip) && lab_is_addr(&a.tpa, SEEN) &&
	       lab_silent(l);
}

static const struct frame_spec kind[] = {
	{ .proto = IP_TCP, .flags = TCP_SYN },
	{ .proto = IP_TCP, .flags = TCP_SYN, .partial = true },
	{ .proto = IP_UDP },
	{ .proto = IP_UDP, .udp_csum_none = true },
	{ .proto = IP_UDP, .partial = true },
	{ .proto = IP_ICMP, .icmp_id = 7 },
};

/* lab_out() looks at the checksums. */
static void packets_go_out_and_answers_come_back_to_what_it_knows(void)
{
	for (size_t i = 0; i < sizeof(kind) / sizeof(kind[0]); i++) {
		struct frame_spec s = kind[i], back = { 0 };
		const struct pkt *p;

		start();
		s.src = SEEN;
		CU_ASSERT_EQUAL(lab_send(l, LAB_A, &s), PKT_REASON_NONE);
		p = lab_out(l, LAB_UPLINK);
		CU_ASSERT_FATAL(p != NULL);
		CU_ASSERT_TRUE(lab_goes(p, LAB_OUT4, LAB_SERVER4));
		back.proto = s.proto;
		back.sport = p->dport;
		back.dport = p->sport;
		back.flags = TCP_SYN | TCP_ACK;
		back.ack = 1;
		back.partial = s.partial;
		back.type_zero = true;
		back.icmp_id = p->sport;
		CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &back),
				PKT_REASON_NONE);
		p = lab_out(l, LAB_A);
		CU_ASSERT_FATAL(p != NULL);
		CU_ASSERT_TRUE(lab_goes(p, LAB_SERVER4, SEEN));
		CU_ASSERT_TRUE(lab_silent(l));
		lab_free(l);
	}
}

static const struct {
	const char *src;
	enum pkt_reason reason;
} source[] = {
	{ LAB_A4, PKT_REASON_SPOOF_CLIENT },
	{ LAB_B4, PKT_REASON_SPOOF_CLIENT },
	{ SEEN_GW, PKT_REASON_SPOOF_CLIENT },
	{ LAB_GW4, PKT_REASON_SPOOF_CLIENT },
	{ LAB_A6, PKT_REASON_IP6_OFF },
};

static void what_comes_from_any_other_address_is_dropped(void)
{
	start();
	for (size_t i = 0; i < sizeof(source) / sizeof(source[0]); i++) {
		struct frame_spec s = { .src = source[i].src };

		if (strchr(s.src, ':'))
			s.dst = LAB_SERVER6;
		CU_ASSERT_EQUAL(lab_send(l, LAB_A, &s), source[i].reason);
	}
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void arp_knows_what_the_client_knows(void)
{
	start();
	CU_ASSERT_EQUAL(arp(SEEN, SEEN_GW), PKT_REASON_NONE);
	CU_ASSERT_TRUE(answered(SEEN_GW));
	CU_ASSERT_EQUAL(arp(SEEN, LAB_SERVER4), PKT_REASON_NONE);
	CU_ASSERT_TRUE(answered(LAB_SERVER4));
	CU_ASSERT_EQUAL(arp(SEEN, SEEN), PKT_REASON_ARP_IGNORED);
	CU_ASSERT_EQUAL(arp(LAB_A4, SEEN_GW), PKT_REASON_ARP_BAD);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void its_gateway_answers_echo_requests(void)
{
	const struct pkt *p;

	start();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .proto = IP_ICMP,
						       .src = SEEN,
						       .dst = SEEN_GW }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL(p);
	CU_ASSERT_TRUE(p && lab_goes(p, SEEN_GW, SEEN));
	lab_free(l);
}

/* What we say ourselves, and what a router outside says. */
static void icmp_errors_quote_what_the_client_sent(void)
{
	struct frame_spec udp = { .src = SEEN }, quote;
	const struct pkt *p;

	start();
	udp.ttl = 1;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &udp), PKT_REASON_TTL);
	p = lab_out(l, LAB_A);
	CU_ASSERT_FATAL(p != NULL);
	CU_ASSERT_TRUE(lab_goes(p, SEEN_GW, SEEN));
	CU_ASSERT_TRUE(lab_is_error(p, 11, 0, SEEN, LAB_SERVER4));

	udp.ttl = 64;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &udp), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_FATAL(p != NULL);
	quote = (struct frame_spec){ .src = LAB_OUT4,
				     .dst = LAB_SERVER4,
				     .sport = p->sport,
				     .dport = p->dport,
				     .ttl = 60 };
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){ .proto = IP_ICMP,
						       .src = "203.0.113.9",
						       .type = 3,
						       .code = 1,
						       .quote = &quote }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_A);
	CU_ASSERT_FATAL(p != NULL);
	CU_ASSERT_TRUE(lab_goes(p, "203.0.113.9", SEEN));
	CU_ASSERT_TRUE(lab_is_error(p, 3, 1, SEEN, LAB_SERVER4));
	lab_free(l);
}

/* ... and what it quotes itself. */
static void icmp_errors_of_the_client_belong_to_its_flows(void)
{
	struct frame_spec quote;
	const struct pkt *p;
	uint16_t port;

	start();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ .src = SEEN }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_FATAL(p != NULL);
	port = p->sport;
	quote = (struct frame_spec){
		.src = LAB_SERVER4, .dst = SEEN, .sport = 80, .dport = 40000
	};
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .proto = IP_ICMP,
						       .src = SEEN,
						       .type = 3,
						       .code = 3,
						       .quote = &quote }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_FATAL(p != NULL);
	CU_ASSERT_TRUE(lab_goes(p, LAB_OUT4, LAB_SERVER4));
	CU_ASSERT_TRUE(lab_is_error(p, 3, 3, LAB_SERVER4, LAB_OUT4));
	CU_ASSERT_EQUAL(
		p->data[p->pay_off + 22] << 8 | p->data[p->pay_off + 23], port);
	lab_free(l);
}

static void datagrams_in_pieces_pass_both_ways(void)
{
	static uint8_t frame[FRAME_MAX];
	struct frame_spec s = { .src = SEEN,
				.dst = LAB_SERVER4,
				.src_mac = LAB_MAC_A,
				.dst_mac = LAB_MAC_OURS,
				.payload_len = 1016 };
	struct frame_spec head = { .src = SEEN, .raw = true, .mf = true };
	struct frame_spec tail = { .src = SEEN, .frag_off = 512 };
	const struct pkt *p;

	frame_write(frame, &s);
	head.payload = frame + 34;
	head.payload_len = 512;
	tail.payload = frame + 34 + 512;
	tail.payload_len = 512;
	start();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &head), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &tail), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_FATAL(p != NULL);
	CU_ASSERT_EQUAL(p->len, 14 + 20 + 8 + 1016);
	CU_ASSERT_TRUE(lab_goes(p, LAB_OUT4, LAB_SERVER4));
	lab_free(l);
}

static void it_reaches_other_clients_by_their_own_addresses(void)
{
	static const struct fw_pair pair = { LAB_A, LAB_B };
	const struct pkt *p;

	start();
	CU_ASSERT_EQUAL(fw_pairs_set(l->fw, &pair, 1), 0);
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_A,
			 &(struct frame_spec){ .src = SEEN, .dst = LAB_B4 }),
		PKT_REASON_NONE);
	p = lab_out(l, LAB_B);
	CU_ASSERT_PTR_NOT_NULL(p);
	CU_ASSERT_TRUE(p && lab_goes(p, LAB_A4, LAB_B4));
	lab_free(l);
}

static void two_clients_may_know_themselves_alike(void)
{
	struct fw_client b = lab_client(LAB_B);

	start();
	b.addr_n = 1;
	b.addr[0] = addr(LAB_B4);
	b.seen4 = addr(SEEN);
	b.seen_gateway4 = addr(SEEN_GW);
	CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_B, &b, l->now), 0);
	for (int who = LAB_A; who <= LAB_B; who++) {
		CU_ASSERT_EQUAL(lab_send(l, who,
					 &(struct frame_spec){ .src = SEEN }),
				PKT_REASON_NONE);
		CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_UPLINK));
	}
	lab_free(l);
}

static void without_them_its_own_address_counts_again(void)
{
	struct fw_client c = lab_client(LAB_A);

	start();
	CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_A, &c, l->now), 0);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ .src = SEEN }),
			PKT_REASON_SPOOF_CLIENT);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ 0 }),
			PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_UPLINK));
	lab_free(l);
}

static const struct {
	const char *ip, *gateway;
} wrong[] = {
	{ SEEN, NULL },
	{ NULL, SEEN_GW },
	{ SEEN, SEEN },
	{ LAB_A4, SEEN_GW },
	{ LAB_GW4, SEEN_GW },
	{ SEEN, LAB_A4 },
	{ "fd00::5", SEEN_GW },
	{ SEEN, "fe80::1" },
	{ "224.0.0.1", SEEN_GW },
	{ "0.0.0.0", SEEN_GW },
	{ SEEN, "255.255.255.255" },
};

static void addresses_that_stand_for_two_are_refused(void)
{
	struct fw_client c;

	start();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		c = seen_client();
		memset(&c.seen4, 0, sizeof(c.seen4));
		memset(&c.seen_gateway4, 0, sizeof(c.seen_gateway4));
		if (wrong[i].ip)
			c.seen4 = addr(wrong[i].ip);
		if (wrong[i].gateway)
			c.seen_gateway4 = addr(wrong[i].gateway);
		CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_A, &c, l->now),
				-EINVAL);
	}
	c = seen_client();
	c.addr[c.addr_n++] = addr(LAB_A6);
	CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_A, &c, l->now), -EINVAL);
	lab_free(l);
}

/* Only the address is another: Qubes' test 201. */
static void the_gateway_may_be_the_one_that_there_is(void)
{
	struct fw_client c = seen_client();
	const struct pkt *p;

	l = lab_new();
	c.seen_gateway4 = addr(LAB_GW4);
	CU_ASSERT_EQUAL_FATAL(fw_client_set(l->fw, LAB_A, &c, l->now), 0);
	CU_ASSERT_EQUAL(arp(SEEN, LAB_GW4), PKT_REASON_NONE);
	CU_ASSERT_TRUE(answered(LAB_GW4));
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = SEEN,
						       .dst = LAB_GW4,
						       .proto = IP_ICMP }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_A);
	CU_ASSERT_TRUE(p && lab_goes(p, LAB_GW4, SEEN));
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ .src = SEEN }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_TRUE(p && lab_goes(p, LAB_OUT4, LAB_SERVER4));
	lab_free(l);
}

/* Qubes' test 202; what is refused is quoted as the client sent it. */
static void rules_bind_it(void)
{
	static const char *const rules[] = {
		"action=accept proto=tcp dstports=443-443", NULL
	};
	struct frame_spec s = {
		.src = SEEN, .proto = IP_TCP, .dport = 443, .flags = TCP_SYN
	};

	start();
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, rules);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &s), PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_UPLINK));
	s.dport = 80;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &s), PKT_REASON_POLICY);
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_UPLINK));
	CU_ASSERT_TRUE(
		lab_is_error(lab_out(l, LAB_A), 3, 13, SEEN, LAB_SERVER4));
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

UNIT_SUITE(fw_seen, UNIT(packets_go_out_and_answers_come_back_to_what_it_knows),
	   UNIT(what_comes_from_any_other_address_is_dropped),
	   UNIT(arp_knows_what_the_client_knows),
	   UNIT(its_gateway_answers_echo_requests),
	   UNIT(icmp_errors_quote_what_the_client_sent),
	   UNIT(icmp_errors_of_the_client_belong_to_its_flows),
	   UNIT(datagrams_in_pieces_pass_both_ways),
	   UNIT(it_reaches_other_clients_by_their_own_addresses),
	   UNIT(two_clients_may_know_themselves_alike),
	   UNIT(without_them_its_own_address_counts_again),
	   UNIT(addresses_that_stand_for_two_are_refused),
	   UNIT(the_gateway_may_be_the_one_that_there_is), UNIT(rules_bind_it))
