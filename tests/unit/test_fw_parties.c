/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control side: clients and the uplink come, change and go. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mock/addrs.h"
#include "mock/lab.h"
#include "packet/pkt_ip.h"
#include "unit.h"

static struct lab *l;

static int set(uint16_t n, const struct fw_client *c)
{
	return fw_client_set(l->fw, n, c, l->now);
}

static int set_uplink(const struct fw_uplink *u)
{
	return fw_uplink_set(l->fw, u, l->now);
}

/* A UDP flow of @who; the outside port that it got. */
static uint16_t open_udp(int who)
{
	const struct pkt *p;
	uint16_t port;

	CU_ASSERT_EQUAL(lab_send(l, who, &(struct frame_spec){ .dport = 53 }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	port = p->sport;
	lab_hush(l);
	return port;
}

static enum pkt_reason answer_udp(uint16_t port)
{
	return lab_send(l, LAB_UPLINK,
			&(struct frame_spec){ .sport = 53, .dport = port });
}

/* ---- what is refused ----------------------------------------------------- */

static void a_client_that_can_not_be_is_refused_and_changes_nothing(void)
{
	struct fw_client good = lab_client(LAB_A), c;

	l = lab_new();
	CU_ASSERT_EQUAL(set(0, &good), -EINVAL);
	CU_ASSERT_EQUAL(set(LAB_PORTS, &good), -EINVAL);
#define WRONG(change)                                     \
	do {                                              \
		c = good;                                 \
		change;                                   \
		CU_ASSERT_EQUAL(set(LAB_A, &c), -EINVAL); \
	} while (0)
	WRONG(c.kind = 2);
	WRONG(c.addr_n = FW_CLIENT_ADDRS + 1);
	WRONG(c.net_n = FW_CLIENT_ADDRS + 1);
	WRONG(c.mac = (struct pkt_mac){ 0 });
	WRONG(c.mac.b[0] |= 1);
	WRONG(c.addr[0] = addr("127.0.0.1"));
	WRONG(c.addr[0] = addr("224.0.0.1"));
	WRONG(c.addr[0] = (struct pkt_addr){ 0 });
	WRONG(c.addr[1] = c.addr[0]);
	WRONG(c.gateway4 = c.addr[0]);
	WRONG(c.gateway4 = addr(LAB_GW6));
	WRONG(c.gateway6 = addr(LAB_GW4));
	WRONG(c.gateway6 = addr("ff02::1"));
	WRONG(c.port = 77);
	WRONG(c.port = LAB_PORTS); /* free, but nothing is there */
	WRONG(c.kind = FW_NETWORK; c.net_n = 1; c.net[0] = prefix("0.0.0.0/0"));
	WRONG(c.kind = FW_NETWORK; c.net_n = 1;
	      c.net[0] = prefix("10.1.0.0/16"); c.net[0].len = 129);
	WRONG(c.kind = FW_NETWORK; c.net_n = 2;
	      c.net[0] = prefix("10.1.0.0/16");
	      c.net[1] = prefix("10.1.2.0/24"));
#undef WRONG
	CU_ASSERT_EQUAL(answer_udp(open_udp(LAB_A)), PKT_REASON_NONE);
	lab_free(l);
}

static void R96_an_address_of_somebody_else_is_refused(void)
{
	static const char *const taken[] = { LAB_A4,  LAB_NET4,	  LAB_OUT4,
					     LAB_GW4, LAB_NETGW4, LAB_A6 };
	struct fw_client c;
	uint16_t port;

	l = lab_new();
	port = open_udp(LAB_A);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		c = lab_client(LAB_B);
		c.gateway4 = c.gateway6 = (struct pkt_addr){ 0 };
		c.addr[c.addr_n++] = addr(taken[i]);
		CU_ASSERT_EQUAL(set(LAB_B, &c), -EEXIST);
	}
	c = lab_client(LAB_B);
	c.gateway4 = addr(LAB_A4);
	CU_ASSERT_EQUAL(set(LAB_B, &c), -EEXIST);
	/* a network around others */
	c = lab_client(LAB_NET);
	c.net[0] = prefix("10.137.0.0/16");
	CU_ASSERT_EQUAL(set(LAB_NET, &c), -EEXIST);
	/* the first ones are untouched */
	CU_ASSERT_EQUAL(answer_udp(port), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(lab_send(l, LAB_B, &(struct frame_spec){ 0 }),
			PKT_REASON_NONE);
	lab_free(l);
}

static void a_port_of_somebody_else_is_refused(void)
{
	struct fw_client c = lab_client(LAB_B);
	struct fw_uplink u = lab_uplink();

	l = lab_new();
	c.port = LAB_A;
	CU_ASSERT_EQUAL(set(LAB_B, &c), -EEXIST);
	c.port = LAB_UPLINK;
	CU_ASSERT_EQUAL(set(LAB_B, &c), -EEXIST);
	u.port = LAB_A;
	CU_ASSERT_EQUAL(set_uplink(&u), -EEXIST);
	CU_ASSERT_EQUAL(answer_udp(open_udp(LAB_B)), PKT_REASON_NONE);
	lab_free(l);
}

static void an_uplink_that_can_not_be_is_refused(void)
{
	struct fw_uplink good = lab_uplink(), u;

	l = lab_new();
#define WRONG(change, err)                            \
	do {                                          \
		u = good;                             \
		change;                               \
		CU_ASSERT_EQUAL(set_uplink(&u), err); \
	} while (0)
	WRONG(u.addr4 = addr("127.0.0.1"), -EINVAL);
	WRONG(u.addr4 = addr(LAB_OUT6), -EINVAL);
	WRONG(u.addr6 = addr("ff02::1"), -EINVAL);
	WRONG(u.gateway4 = addr("224.0.0.1"), -EINVAL);
	WRONG(u.gateway6 = addr(LAB_HOP4), -EINVAL);
	WRONG(u.net4.len = 129, -EINVAL);
	WRONG(u.net6.len = 200, -EINVAL);
	WRONG(u.gateway_mac.b[0] |= 1, -EINVAL);
	WRONG(u.port = 99, -EINVAL);
	WRONG(u.addr4 = addr(LAB_A4), -EEXIST);
	WRONG(u.addr6 = addr(LAB_NET6), -EEXIST);
#undef WRONG
	CU_ASSERT_EQUAL(answer_udp(open_udp(LAB_A)), PKT_REASON_NONE);
	lab_free(l);
}

static void lists_that_are_too_long_or_name_nobody_are_refused(void)
{
	struct pkt_addr many[9];
	const struct fw_pair bad[] = { { LAB_A, LAB_B }, { LAB_A, LAB_PORTS } };
	const struct fw_pair uplink = { 0, LAB_B };

	l = lab_new();
	for (size_t i = 0; i < 9; i++)
		many[i] = addr("10.137.9.9");
	CU_ASSERT_EQUAL(fw_guard_set(l->fw, many, 9), -ENOSPC);
	CU_ASSERT_EQUAL(fw_pairs_set(l->fw, bad, 2), -EINVAL);
	CU_ASSERT_EQUAL(fw_pairs_set(l->fw, &uplink, 1), -EINVAL);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = LAB_GUARD4 }),
			PKT_REASON_CLIENT_TO_CLIENT);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = LAB_B4 }),
			PKT_REASON_CLIENT_TO_CLIENT);
	lab_free(l);
}

static void a_firewall_of_no_size_is_refused(void)
{
	struct fw_conf c = lab_conf();
	struct fw *fw;
	size_t len = fw_size(&c);
	void *mem = aligned_alloc(PKT_ARENA_ALIGN, pkt_arena_cost(len));
	struct view *view = calloc(1, view_size(c.clients));

	CU_ASSERT_FATAL(mem && view);
	CU_ASSERT_EQUAL(fw_init(&fw, mem, len - 1, &c, view,
				(struct mono){ 0 }),
			-ENOSPC);
	c.clients = 0;
	CU_ASSERT_EQUAL(fw_init(&fw, mem, len, &c, view, (struct mono){ 0 }),
			-EINVAL);
	c = lab_conf();
	c.ports = 0;
	CU_ASSERT_EQUAL(fw_init(&fw, mem, len, &c, view, (struct mono){ 0 }),
			-EINVAL);
	c = lab_conf();
	c.nat.timeout_ms[NAT_T_ICMP] = 0;
	CU_ASSERT_EQUAL(fw_init(&fw, mem, len, &c, view, (struct mono){ 0 }),
			-EINVAL);
	free(mem);
	free(view);
}

/* ---- clients change and go ----------------------------------------------- */

static void flows_survive_a_change_that_does_not_touch_them(void)
{
	struct fw_client c = lab_client(LAB_A);
	uint16_t port;

	l = lab_new();
	port = open_udp(LAB_A);
	c.addr[c.addr_n++] = addr("10.137.0.20");
	memcpy(c.name, "renamed", 8);
	CU_ASSERT_EQUAL(set(LAB_A, &c), 0);
	CU_ASSERT_STRING_EQUAL(l->view->client[LAB_A].name, "renamed");
	CU_ASSERT_EQUAL(answer_udp(port), PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = "10.137.0.20" }),
			PKT_REASON_NONE);
	lab_free(l);
}

static void flows_end_when_an_address_goes(void)
{
	struct fw_client c = lab_client(LAB_A);
	uint16_t port;

	l = lab_new();
	port = open_udp(LAB_A);
	c.addr[0] = addr("10.137.0.20");
	CU_ASSERT_EQUAL(set(LAB_A, &c), 0);
	CU_ASSERT_EQUAL(answer_udp(port), PKT_REASON_NO_FLOW);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ 0 }),
			PKT_REASON_SPOOF_CLIENT);
	/* the old one belongs to nobody now */
	CU_ASSERT_EQUAL(lab_send(l, LAB_B,
				 &(struct frame_spec){ .dst = LAB_A4 }),
			PKT_REASON_NONE);
	lab_free(l);
}

static void R94_flows_end_when_the_port_changes(void)
{
	struct fw_client c = lab_client(LAB_A);
	struct mock_port again;
	uint16_t port;

	l = lab_new();
	port = open_udp(LAB_A);
	fw_port_remove(l->fw, &l->port[LAB_A].port, l->now);
	CU_ASSERT_EQUAL(answer_udp(port), PKT_REASON_NO_FLOW);
	mock_port_init(&again, LAB_MAC_OURS, 1500, 0);
	CU_ASSERT_EQUAL(fw_port_add(l->fw, &again.port), 0);
	c.port = again.port.id;
	CU_ASSERT_EQUAL(set(LAB_A, &c), 0);
	CU_ASSERT_EQUAL(answer_udp(port), PKT_REASON_NO_FLOW);
	/* rules and the rest are as before */
	fw_port_remove(l->fw, &again.port, l->now);
	CU_ASSERT_EQUAL(fw_port_add(l->fw, &l->port[LAB_A].port), 0);
	c.port = l->port[LAB_A].port.id;
	CU_ASSERT_EQUAL(set(LAB_A, &c), 0);
	CU_ASSERT_EQUAL(answer_udp(open_udp(LAB_A)), PKT_REASON_NONE);
	lab_free(l);
}

static const char *const no_99[] = {
	"action=drop proto=udp dstports=99-99",
	NULL,
};

static uint32_t blocked_rows(uint16_t client)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < VIEW_BLOCKED_N; i++)
		n += l->view->blocked[i].count &&
		     l->view->blocked[i].client == client;
	return n;
}

static void R95_what_a_client_had_is_gone_with_it(void)
{
	struct fw_client c = lab_client(LAB_A);
	uint16_t port;
	int err;

	l = lab_new();
	port = open_udp(LAB_A);
	/* half of a datagram, too */
	lab_send(l, LAB_A,
		 &(struct frame_spec){
			 .mf = true, .id = 7, .payload_len = 512 });
	/* and one that was refused */
	lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT, no_99);
	lab_send(l, LAB_A, &(struct frame_spec){ .dport = 99 });
	lab_hush(l);
	CU_ASSERT_EQUAL(blocked_rows(LAB_A), 1);
	free(l->rules[LAB_A][RULE_IP4]);
	l->rules[LAB_A][RULE_IP4] = NULL;
	fw_client_remove(l->fw, LAB_A, l->now);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].used, 0);
	CU_ASSERT_EQUAL(blocked_rows(LAB_A), 0);
	CU_ASSERT_EQUAL(answer_udp(port), PKT_REASON_NO_FLOW);
	/* frames from its port are nobody's */
	mock_port_push(&l->port[LAB_A],
		       lab_frame(l, LAB_A, &(struct frame_spec){ 0 }));
	fw_round(l->fw, 64, l->now);
	CU_ASSERT_EQUAL(l->view->strays, 1);
	CU_ASSERT_TRUE(lab_silent(l));
	/* another one of that number and address starts with nothing */
	for (int i = 0; (err = set(LAB_A, &c)) == -EBUSY && i < 100; i++)
		fw_tick(l->fw, l->now);
	CU_ASSERT_EQUAL(err, 0);
	CU_ASSERT_EQUAL(answer_udp(port), PKT_REASON_NO_FLOW);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ 0 }),
			PKT_REASON_CLOSED);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].drop[PKT_REASON_CLOSED], 1);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].flows_opened, 0);
	lab_free(l);
}

static void removing_nobody_does_nothing(void)
{
	l = lab_new();
	fw_client_remove(l->fw, 0, l->now);
	fw_client_remove(l->fw, 77, l->now);
	CU_ASSERT_EQUAL(answer_udp(open_udp(LAB_A)), PKT_REASON_NONE);
	lab_free(l);
}

static void a_client_without_a_port_waits_for_one(void)
{
	struct fw_client c = lab_client(LAB_B);

	l = lab_new();
	c.port = UINT16_MAX;
	CU_ASSERT_EQUAL(set(LAB_B, &c), 0);
	CU_ASSERT_EQUAL(
		fw_pairs_set(l->fw, &(struct fw_pair){ LAB_A, LAB_B }, 1), 0);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = LAB_B4 }),
			PKT_REASON_PORT_DOWN);
	lab_hush(l);
	CU_ASSERT_EQUAL(set(LAB_B, &(struct fw_client){ 0 }), -EINVAL);
	c.port = LAB_B;
	CU_ASSERT_EQUAL(set(LAB_B, &c), 0);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = LAB_B4 }),
			PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_B));
	lab_free(l);
}

static void a_name_without_an_end_is_cut(void)
{
	struct fw_client c = lab_client(LAB_A);

	l = lab_new();
	memset(c.name, 'x', sizeof(c.name));
	CU_ASSERT_EQUAL(set(LAB_A, &c), 0);
	CU_ASSERT_EQUAL(strlen(l->view->client[LAB_A].name), VIEW_NAME_MAX - 1);
	lab_free(l);
}

/* ---- the uplink ---------------------------------------------------------- */

static void R44_another_outside_address_ends_the_flows_of_the_old_one(void)
{
	struct fw_uplink u = lab_uplink();
	const struct pkt *p;
	uint16_t port;

	l = lab_new();
	port = open_udp(LAB_A);
	u.addr4 = addr("192.0.2.3");
	CU_ASSERT_EQUAL(set_uplink(&u), 0);
	CU_ASSERT_EQUAL(answer_udp(port), PKT_REASON_NO_FLOW);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ .dport = 53 }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_goes(p, "192.0.2.3", LAB_SERVER4));
	CU_ASSERT_NOT_EQUAL(p->sport, port);
	lab_free(l);
}

static void R44_again_and_again(void)
{
	struct fw_uplink u = lab_uplink();

	l = lab_new();
	for (unsigned int i = 3; i < 40; i++) {
		char text[20];
		const struct pkt *p;

		snprintf(text, sizeof(text), "192.0.2.%u", i);
		u.addr4 = addr(text);
		CU_ASSERT_EQUAL(set_uplink(&u), 0);
		CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ 0 }),
				PKT_REASON_NONE);
		p = lab_out(l, LAB_UPLINK);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_TRUE(lab_goes(p, text, LAB_SERVER4));
		lab_after(l, 1000);
	}
	lab_free(l);
}

static void an_uplink_that_comes_back_with_its_address_keeps_the_flows(void)
{
	struct fw_uplink u = lab_uplink();
	uint16_t port;

	l = lab_new();
	port = open_udp(LAB_A);
	u.up = false;
	CU_ASSERT_EQUAL(set_uplink(&u), 0);
	CU_ASSERT_EQUAL(l->view->uplink_up, 0);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ .dport = 53 }),
			PKT_REASON_NO_UPLINK);
	lab_hush(l);
	u.up = true;
	CU_ASSERT_EQUAL(set_uplink(&u), 0);
	CU_ASSERT_EQUAL(l->view->uplink_up, 1);
	CU_ASSERT_EQUAL(answer_udp(port), PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	lab_free(l);
}

static void a_lost_uplink_port_is_told_and_a_new_one_serves_the_flows(void)
{
	struct fw_uplink u = lab_uplink();
	uint16_t port;

	l = lab_new();
	port = open_udp(LAB_A);
	fw_port_remove(l->fw, &l->port[LAB_UPLINK].port, l->now);
	CU_ASSERT_EQUAL(l->view->uplink_up, 0);
	/* a flow of before and a new one: no way out for both */
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ .dport = 53 }),
			PKT_REASON_NO_UPLINK);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ .dport = 54 }),
			PKT_REASON_NO_UPLINK);
	lab_hush(l);
	CU_ASSERT_EQUAL(fw_port_add(l->fw, &l->port[LAB_UPLINK].port), 0);
	u.port = l->port[LAB_UPLINK].port.id;
	CU_ASSERT_EQUAL(set_uplink(&u), 0);
	CU_ASSERT_EQUAL(answer_udp(port), PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	lab_free(l);
}

static void without_an_outside_address_a_family_has_no_uplink(void)
{
	struct fw_uplink u = lab_uplink();

	l = lab_new();
	u.addr6 = (struct pkt_addr){ 0 };
	CU_ASSERT_EQUAL(set_uplink(&u), 0);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = LAB_A6,
						       .dst = LAB_SERVER6 }),
			PKT_REASON_NO_UPLINK);
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){ .src = LAB_SERVER6,
						       .dst = LAB_OUT6 }),
			PKT_REASON_IP6_OFF);
	lab_hush(l);
	CU_ASSERT_EQUAL(answer_udp(open_udp(LAB_A)), PKT_REASON_NONE);
	lab_free(l);
}

/* In Qubes the firewall has one address, inside and outside. */
static void the_gateway_may_be_the_outside_address(void)
{
	struct fw_client c = lab_client(LAB_A);
	const struct pkt *p;

	l = lab_new();
	c.gateway4 = addr(LAB_OUT4);
	CU_ASSERT_EQUAL(set(LAB_A, &c), 0);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = LAB_OUT4,
						       .proto = IP_ICMP }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->icmp_type, ICMP_ECHO_REPLY);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = LAB_OUT4 }),
			PKT_REASON_TO_SELF);
	lab_hush(l);
	CU_ASSERT_EQUAL(answer_udp(open_udp(LAB_A)), PKT_REASON_NONE);
	lab_free(l);
}

UNIT_SUITE(fw_parties,
	   UNIT(a_client_that_can_not_be_is_refused_and_changes_nothing),
	   UNIT(R96_an_address_of_somebody_else_is_refused),
	   UNIT(a_port_of_somebody_else_is_refused),
	   UNIT(an_uplink_that_can_not_be_is_refused),
	   UNIT(lists_that_are_too_long_or_name_nobody_are_refused),
	   UNIT(a_firewall_of_no_size_is_refused),
	   UNIT(flows_survive_a_change_that_does_not_touch_them),
	   UNIT(flows_end_when_an_address_goes),
	   UNIT(R94_flows_end_when_the_port_changes),
	   UNIT(R95_what_a_client_had_is_gone_with_it),
	   UNIT(removing_nobody_does_nothing),
	   UNIT(a_client_without_a_port_waits_for_one),
	   UNIT(a_name_without_an_end_is_cut),
	   UNIT(R44_another_outside_address_ends_the_flows_of_the_old_one),
	   UNIT(R44_again_and_again),
	   UNIT(an_uplink_that_comes_back_with_its_address_keeps_the_flows),
	   UNIT(a_lost_uplink_port_is_told_and_a_new_one_serves_the_flows),
	   UNIT(without_an_outside_address_a_family_has_no_uplink),
	   UNIT(the_gateway_may_be_the_outside_address))
