/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Openings: what comes in though nobody inside has asked, who may not, and what
 * becomes of its flows when the list changes.
 */
#include <stdlib.h>
#include <string.h>

#include "firewall/control/conf/forward_text.h"
#include "mock/lab.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "unit.h"

#define WEB "in=uplink proto=tcp dport=443 to=" LAB_A4 ":8443"
#define WEB6 "in=uplink proto=tcp dport=443 to=[" LAB_A6 "]:8443"
#define STRANGER4 "203.0.113.9"

static struct lab *l;

static uint32_t read_list(struct fw_forward out[8], const char *const *text)
{
	uint32_t n = 0;

	for (; text[n]; n++) {
		struct forward_error err;
		int rc = forward_parse(&out[n], text[n], strlen(text[n]), &err);

		CU_ASSERT_EQUAL_FATAL(rc, 0);
	}
	return n;
}

#define OPENINGS(...) openings((const char *const[]){ __VA_ARGS__, NULL })
static void openings(const char *const *text)
{
	struct fw_forward list[8];
	uint32_t n = read_list(list, text);

	CU_ASSERT_EQUAL(fw_forwards_set(l->fw, list, n), 0);
}

static enum pkt_reason syn(int who, const char *src, const char *dst,
			   uint16_t dport)
{
	return lab_send(l, who,
			&(struct frame_spec){ .src = src,
					      .dst = dst,
					      .proto = IP_TCP,
					      .dport = dport,
					      .flags = TCP_SYN,
					      .seq = 100 });
}

/* What @who got: from, to and ports as they must be? */
static bool got(int who, const char *src, uint16_t sport, const char *dst,
		uint16_t dport)
{
	const struct pkt *p = lab_out(l, who);

	return p && lab_goes(p, src, dst) && (!sport || p->sport == sport) &&
	       p->dport == dport;
}

/* The other two segments of a handshake with the server at the uplink. */
static void shake(const char *server, const char *out, uint16_t dport,
		  const char *target, uint16_t port, int who)
{
	struct frame_spec back = { .src = target,
				   .dst = server,
				   .proto = IP_TCP,
				   .sport = port,
				   .dport = 40000,
				   .flags = TCP_SYN | TCP_ACK,
				   .seq = 500,
				   .ack = 101 };
	struct frame_spec last = { .src = server,
				   .dst = out,
				   .proto = IP_TCP,
				   .dport = dport,
				   .flags = TCP_ACK,
				   .seq = 101,
				   .ack = 501 };

	CU_ASSERT_EQUAL(lab_send(l, who, &back), PKT_REASON_NONE);
	CU_ASSERT(got(LAB_UPLINK, out, dport, server, 40000));
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &last), PKT_REASON_NONE);
	CU_ASSERT(got(who, server, 40000, target, port));
}

static void open_web(void)
{
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, NULL, NULL, 443), PKT_REASON_NONE);
	CU_ASSERT(got(LAB_A, LAB_SERVER4, 40000, LAB_A4, 8443));
	shake(LAB_SERVER4, LAB_OUT4, 443, LAB_A4, 8443, LAB_A);
}

/* Data from outside on the flow of open_web(). */
static enum pkt_reason data_in(void)
{
	return lab_send(l, LAB_UPLINK,
			&(struct frame_spec){ .proto = IP_TCP,
					      .dport = 443,
					      .flags = TCP_ACK,
					      .seq = 101,
					      .ack = 501,
					      .payload_len = 1 });
}

static enum pkt_reason data_out(void)
{
	return lab_send(l, LAB_A,
			&(struct frame_spec){ .proto = IP_TCP,
					      .sport = 8443,
					      .dport = 40000,
					      .flags = TCP_ACK,
					      .seq = 501,
					      .ack = 101,
					      .payload_len = 1 });
}

/* ---- in ------------------------------------------------------------------ */

static void nothing_is_open_unless_asked(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, NULL, NULL, 443), PKT_REASON_NO_FLOW);
	CU_ASSERT_EQUAL(fw_forwards_set(l->fw, NULL, 0), 0);
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, NULL, NULL, 443), PKT_REASON_NO_FLOW);
	CU_ASSERT(lab_silent(l));
	lab_free(l);
}

static void a_connection_comes_in_and_is_answered(void)
{
	l = lab_new();
	OPENINGS(WEB, WEB6);
	open_web();
	CU_ASSERT_EQUAL(data_in(), PKT_REASON_NONE);
	CU_ASSERT(got(LAB_A, LAB_SERVER4, 40000, LAB_A4, 8443));
	CU_ASSERT_EQUAL(data_out(), PKT_REASON_NONE);
	CU_ASSERT(got(LAB_UPLINK, LAB_OUT4, 443, LAB_SERVER4, 40000));
	CU_ASSERT_EQUAL(l->view->client[LAB_UPLINK].flows_opened, 1);
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, LAB_SERVER6, LAB_OUT6, 443),
			PKT_REASON_NONE);
	CU_ASSERT(got(LAB_A, LAB_SERVER6, 40000, LAB_A6, 8443));
	shake(LAB_SERVER6, LAB_OUT6, 443, LAB_A6, 8443, LAB_A);
	CU_ASSERT(lab_silent(l));
	lab_free(l);
}

static void what_no_opening_takes_is_lost_in_silence(void)
{
	static const struct {
		const char *opening;
		struct frame_spec s;
		enum pkt_reason why;
	} row[] = {
		{ WEB,
		  { .proto = IP_TCP, .dport = 442, .flags = TCP_SYN },
		  PKT_REASON_NO_FLOW },
		{ WEB,
		  { .proto = IP_TCP, .dport = 444, .flags = TCP_SYN },
		  PKT_REASON_NO_FLOW },
		{ WEB, { .proto = IP_UDP, .dport = 443 }, PKT_REASON_NO_FLOW },
		{ WEB, { .proto = IP_ICMP }, PKT_REASON_NO_FLOW },
		{ WEB,
		  { .proto = IP_TCP, .dport = 443, .flags = TCP_ACK },
		  PKT_REASON_NOT_SYN },
		{ WEB,
		  { .proto = IP_TCP, .dport = 443, .flags = TCP_SYN, .ttl = 1 },
		  PKT_REASON_TTL },
		{ WEB,
		  { .dst = LAB_OUT6,
		    .src = LAB_SERVER6,
		    .proto = IP_TCP,
		    .dport = 443,
		    .flags = TCP_SYN },
		  PKT_REASON_NO_FLOW },
		{ WEB " src=203.0.113.0/28",
		  { .proto = IP_TCP, .dport = 443, .flags = TCP_SYN },
		  PKT_REASON_NO_FLOW },
		{ WEB,
		  { .dst = LAB_A4,
		    .proto = IP_TCP,
		    .dport = 8443,
		    .flags = TCP_SYN },
		  PKT_REASON_DST_INSIDE },
		{ WEB,
		  { .src = LAB_B4,
		    .proto = IP_TCP,
		    .dport = 443,
		    .flags = TCP_SYN },
		  PKT_REASON_SPOOF_UPLINK },
		{ "in=uplink dport=443 to=10.137.0.77",
		  { .proto = IP_TCP, .dport = 443, .flags = TCP_SYN },
		  PKT_REASON_PORT_DOWN },
		{ "from=" LAB_SERVER4 " to=" LAB_A4,
		  { .proto = IP_TCP, .dport = 443, .flags = TCP_SYN },
		  PKT_REASON_NO_FLOW },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		l = lab_new();
		OPENINGS(row[i].opening);
		CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &row[i].s), row[i].why);
		CU_ASSERT(lab_silent(l));
		lab_free(l);
	}
}

static void only_who_may_comes_in(void)
{
	l = lab_new();
	OPENINGS(WEB " src=203.0.113.0/28");
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, STRANGER4, NULL, 443), PKT_REASON_NONE);
	CU_ASSERT(got(LAB_A, STRANGER4, 40000, LAB_A4, 8443));
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, "203.0.113.16", NULL, 443),
			PKT_REASON_NO_FLOW);
	CU_ASSERT(lab_silent(l));
	lab_free(l);
}

static void a_range_of_ports_keeps_its_order(void)
{
	static const uint16_t port[] = { 8000, 8005, 8009 };

	l = lab_new();
	OPENINGS("in=uplink dport=8000-8009 to=" LAB_B4 ":9000");
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(
			lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){ .proto = IP_UDP,
						       .dport = port[i] }),
			PKT_REASON_NONE);
		CU_ASSERT(got(LAB_B, LAB_SERVER4, 40000, LAB_B4,
			      (uint16_t)(port[i] + 1000)));
	}
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, NULL, NULL, 8010), PKT_REASON_NO_FLOW);
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, NULL, NULL, 7999), PKT_REASON_NO_FLOW);
	lab_free(l);
}

static void the_first_that_fits_counts(void)
{
	l = lab_new();
	OPENINGS("in=uplink dport=443 src=203.0.113.9 to=" LAB_B4,
		 "in=uplink dport=443 to=" LAB_A4);
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, STRANGER4, NULL, 443), PKT_REASON_NONE);
	CU_ASSERT(got(LAB_B, STRANGER4, 0, LAB_B4, 443));
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, NULL, NULL, 443), PKT_REASON_NONE);
	CU_ASSERT(got(LAB_A, LAB_SERVER4, 0, LAB_A4, 443));
	lab_free(l);
}

static void a_host_of_a_network_is_reached(void)
{
	const struct pkt *p;

	l = lab_new();
	OPENINGS("in=uplink dport=443 to=" LAB_NET4);
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, NULL, NULL, 443), PKT_REASON_NONE);
	p = lab_out(l, LAB_NET); /* it is asked for first */
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(p->l3 == PKT_L3_ARP || lab_goes(p, LAB_SERVER4, LAB_NET4));
	lab_free(l);
}

/* Rules say what a client may send by itself; this is an answer. */
static void the_targets_rules_are_not_asked_but_must_be_there(void)
{
	static const char *const none[] = { NULL };

	l = lab_new();
	OPENINGS(WEB);
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, none);
	open_web();
	lab_close(l, LAB_A, RULE_IP4);
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, STRANGER4, NULL, 443),
			PKT_REASON_CLOSED);
	CU_ASSERT_NOT_EQUAL(data_in(), PKT_REASON_NONE);
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_A));
	lab_free(l);
}

static void what_the_target_sends_by_itself_is_judged_by_its_rules(void)
{
	static const char *const none[] = { NULL };

	l = lab_new();
	OPENINGS(WEB);
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, none);
	open_web();
	CU_ASSERT_EQUAL(syn(LAB_A, NULL, NULL, 80), PKT_REASON_POLICY);
	lab_free(l);
}

static void an_opening_waits_for_its_client(void)
{
	struct fw_client a = lab_client(LAB_A);

	l = lab_new();
	OPENINGS(WEB);
	open_web();
	lab_close(l, LAB_A, RULE_IP4);
	lab_close(l, LAB_A, RULE_IP6);
	fw_client_remove(l->fw, LAB_A, l->now);
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, STRANGER4, NULL, 443),
			PKT_REASON_PORT_DOWN);
	CU_ASSERT_NOT_EQUAL(data_in(), PKT_REASON_NONE);
	lab_after(l, 200);
	CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_A, &a, l->now), 0);
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, STRANGER4, NULL, 443),
			PKT_REASON_CLOSED);
	lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT,
		  (const char *const[]){ NULL });
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, STRANGER4, NULL, 443), PKT_REASON_NONE);
	CU_ASSERT(got(LAB_A, STRANGER4, 40000, LAB_A4, 8443));
	lab_free(l);
}

static void errors_about_what_came_in_go_back_as_they_came(void)
{
	struct frame_spec inner = {
		.src = LAB_SERVER4, .dst = LAB_A4, .proto = IP_UDP, .dport = 53
	};
	struct frame_spec error = {
		.proto = IP_ICMP, .type = 3, .code = 3, .quote = &inner
	};
	const struct pkt *p;

	l = lab_new();
	OPENINGS("in=uplink proto=udp dport=53 to=" LAB_A4);
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_UPLINK,
			 &(struct frame_spec){ .proto = IP_UDP, .dport = 53 }),
		PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &error), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(lab_goes(p, LAB_OUT4, LAB_SERVER4));
	CU_ASSERT(lab_is_error(p, 3, 3, LAB_SERVER4, LAB_OUT4));
	lab_free(l);
}

static void R8_what_does_not_fit_is_told_to_the_one_outside(void)
{
	struct frame_spec big = {
		.proto = IP_UDP, .dport = 53, .df = true, .payload_len = 1300
	};
	const struct pkt *p;

	l = lab_new();
	OPENINGS("in=uplink proto=udp dport=53 to=" LAB_A4);
	l->port[LAB_A].port.mtu = 1000;
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &big), PKT_REASON_MTU);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(lab_is_error(p, 3, 4, LAB_SERVER4, LAB_OUT4));
	lab_free(l);
}

/* Outsiders fill what is theirs; clients do not notice. */
static void a_flood_by_an_opening_costs_no_client_a_flow(void)
{
	struct fw_conf c = lab_conf();
	uint32_t in = 0;

	c.nat.quota.half_open = 8;
	l = lab_new_with(&c);
	OPENINGS(WEB);
	CU_ASSERT_EQUAL(syn(LAB_B, NULL, NULL, 80), PKT_REASON_NONE);
	lab_hush(l);
	for (uint16_t i = 0; i < 100; i++) {
		struct frame_spec s = { .proto = IP_TCP,
					.sport = (uint16_t)(2000 + i),
					.dport = 443,
					.flags = TCP_SYN };
		in += lab_send(l, LAB_UPLINK, &s) == PKT_REASON_NONE;
		lab_hush(l);
	}
	CU_ASSERT(in > 8);
	CU_ASSERT_EQUAL(syn(LAB_B, NULL, NULL, 80), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(syn(LAB_A, NULL, NULL, 80), PKT_REASON_NONE);
	lab_free(l);
}

/* ---- changes ------------------------------------------------------------- */

static void R123_a_flow_ends_with_its_opening(void)
{
	const struct pkt *p;

	l = lab_new();
	OPENINGS(WEB, "in=uplink dport=80 to=" LAB_B4);
	open_web();
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, NULL, NULL, 80), PKT_REASON_NONE);
	CU_ASSERT(got(LAB_B, LAB_SERVER4, 0, LAB_B4, 80));
	shake(LAB_SERVER4, LAB_OUT4, 80, LAB_B4, 80, LAB_B);
	OPENINGS("in=uplink dport=80 to=" LAB_B4);
	CU_ASSERT_EQUAL(data_in(), PKT_REASON_NO_FLOW);
	p = lab_out(l, LAB_UPLINK); /* and the one outside is told */
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(p->tcp_flags & TCP_RST);
	CU_ASSERT(lab_goes(p, LAB_OUT4, LAB_SERVER4));
	CU_ASSERT_EQUAL(l->view->client[LAB_UPLINK].flows_cut, 1);
	/* the other goes on */
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){ .proto = IP_TCP,
						       .dport = 80,
						       .flags = TCP_ACK,
						       .seq = 101,
						       .ack = 501,
						       .payload_len = 1 }),
			PKT_REASON_NONE);
	CU_ASSERT(got(LAB_B, LAB_SERVER4, 0, LAB_B4, 80));
	CU_ASSERT(lab_silent(l));
	lab_free(l);
}

static void R123_the_target_is_told_when_it_speaks_first(void)
{
	const struct pkt *p;

	l = lab_new();
	OPENINGS(WEB);
	open_web();
	CU_ASSERT_EQUAL(fw_forwards_set(l->fw, NULL, 0), 0);
	CU_ASSERT_EQUAL(data_out(), PKT_REASON_NO_FLOW);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(p->tcp_flags & TCP_RST);
	CU_ASSERT(lab_goes(p, LAB_SERVER4, LAB_A4));
	CU_ASSERT(lab_silent(l));
	lab_free(l);
}

static void a_flow_that_another_opening_leads_there_too_goes_on(void)
{
	l = lab_new();
	OPENINGS(WEB);
	open_web();
	OPENINGS("in=uplink dport=9 to=" LAB_B4,
		 "in=uplink dport=400-500 to=" LAB_A4 ":8400");
	CU_ASSERT_EQUAL(data_in(), PKT_REASON_NONE);
	CU_ASSERT(got(LAB_A, LAB_SERVER4, 40000, LAB_A4, 8443));
	lab_free(l);
}

static void a_flow_whose_opening_leads_elsewhere_ends(void)
{
	static const char *const elsewhere[] = {
		"in=uplink proto=tcp dport=443 to=" LAB_A4 ":8444",
		"in=uplink proto=tcp dport=443 to=" LAB_B4 ":8443",
		"in=uplink proto=tcp dport=443 src=203.0.113.9 to=" LAB_A4
		":8443",
	};

	for (int i = 0; i < 3; i++) {
		l = lab_new();
		OPENINGS(WEB);
		open_web();
		OPENINGS(elsewhere[i]);
		CU_ASSERT_EQUAL(data_in(), PKT_REASON_NO_FLOW);
		CU_ASSERT_PTR_NULL(lab_out(l, LAB_A));
		CU_ASSERT_PTR_NULL(lab_out(l, LAB_B));
		lab_hush(l);
		lab_free(l);
	}
}

static void R44_a_flow_ends_with_our_outside_address(void)
{
	struct fw_uplink u = lab_uplink();

	l = lab_new();
	OPENINGS(WEB);
	open_web();
	u.addr4.b[15] = 77;
	CU_ASSERT_EQUAL(fw_uplink_set(l->fw, &u, l->now), 0);
	CU_ASSERT_NOT_EQUAL(data_out(), PKT_REASON_NONE);
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_UPLINK));
	CU_ASSERT_EQUAL(syn(LAB_UPLINK, NULL, "192.0.2.77", 443),
			PKT_REASON_NONE);
	lab_free(l);
}

static void a_list_is_taken_whole_or_not_at_all(void)
{
	struct fw_forward list[8], bad;
	static const char *const text[] = { WEB, WEB6, NULL };
	uint32_t n = read_list(list, text);

	l = lab_new();
	CU_ASSERT_EQUAL(fw_forwards_set(l->fw, list, n), 0);
	bad = list[1];
	list[1].lo = 500;
	CU_ASSERT_EQUAL(fw_forwards_set(l->fw, list, n), -EINVAL);
	list[1] = bad;
	list[1].src = list[0].src;
	CU_ASSERT_EQUAL(fw_forwards_set(l->fw, list, n), -EINVAL);
	list[1] = bad;
	list[1].kind = 2;
	CU_ASSERT_EQUAL(fw_forwards_set(l->fw, list, n), -EINVAL);
	list[1] = bad;
	memset(&list[1].clients, 2, 1);
	CU_ASSERT_EQUAL(fw_forwards_set(l->fw, list, n), -EINVAL);
	CU_ASSERT_EQUAL(fw_forwards_set(l->fw, list, FW_FORWARDS + 1), -ENOSPC);
	open_web();
	lab_free(l);
}

/* ---- clients that ask for our outside address ---------------------------- */

static void a_client_is_let_in_only_if_the_opening_says_so(void)
{
	l = lab_new();
	OPENINGS(WEB);
	CU_ASSERT_EQUAL(syn(LAB_B, NULL, LAB_OUT4, 443), PKT_REASON_HAIRPIN);
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_A));
	lab_hush(l);
	OPENINGS(WEB " clients=yes");
	CU_ASSERT_EQUAL(syn(LAB_B, NULL, LAB_OUT4, 443), PKT_REASON_NONE);
	lab_hush(l);
	CU_ASSERT_EQUAL(syn(LAB_B, NULL, LAB_OUT4, 80), PKT_REASON_HAIRPIN);
	lab_free(l);
}

/* A client @who comes to A by our outside address, and is answered. */
static void back_and_forth(int who, const char *addr, const char *out,
			   const char *target)
{
	const struct pkt *p;
	uint16_t port;

	CU_ASSERT_EQUAL(syn(who, addr, out, 443), PKT_REASON_NONE);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(lab_goes(p, out, target));
	CU_ASSERT_EQUAL(p->dport, 8443);
	port = p->sport;
	CU_ASSERT_EQUAL(
		lab_send(l, LAB_A,
			 &(struct frame_spec){ .src = target,
					       .dst = out,
					       .proto = IP_TCP,
					       .sport = 8443,
					       .dport = port,
					       .flags = TCP_SYN | TCP_ACK,
					       .seq = 500,
					       .ack = 101 }),
		PKT_REASON_NONE);
	CU_ASSERT(got(who, out, 443, addr, 40000));
	CU_ASSERT(lab_silent(l));
}

static void R39_it_sees_nothing_but_the_outside_on_the_way(void)
{
	for (int hairpin = 0; hairpin < 2; hairpin++) {
		struct fw_conf c = lab_conf();

		c.hairpin = hairpin;
		l = lab_new_with(&c);
		OPENINGS(WEB " clients=yes src=203.0.113.9",
			 WEB6 " clients=yes");
		back_and_forth(LAB_B, LAB_B4, LAB_OUT4, LAB_A4);
		back_and_forth(LAB_B, LAB_B6, LAB_OUT6, LAB_A6);
		lab_free(l);
	}
}

static void a_client_may_come_to_itself(void)
{
	l = lab_new();
	OPENINGS(WEB " clients=yes");
	back_and_forth(LAB_A, LAB_A4, LAB_OUT4, LAB_A4);
	lab_free(l);
}

static void in_qubes_the_gateway_is_the_outside(void)
{
	struct fw_client b = lab_client(LAB_B);
	struct fw_uplink u = lab_uplink();

	l = lab_new();
	b.gateway4 = u.addr4;
	CU_ASSERT_EQUAL(fw_client_set(l->fw, LAB_B, &b, l->now), 0);
	OPENINGS(WEB " clients=yes");
	back_and_forth(LAB_B, LAB_B4, LAB_OUT4, LAB_A4);
	CU_ASSERT_EQUAL(syn(LAB_B, NULL, LAB_OUT4, 80), PKT_REASON_TO_SELF);
	lab_free(l);
}

static void its_own_rules_hold_for_what_it_asks_for(void)
{
	static const char *const no_outside[] = { "action=drop dst4=" LAB_OUT4
						  "/32",
						  NULL };

	l = lab_new();
	OPENINGS(WEB " clients=yes");
	back_and_forth(LAB_B, LAB_B4, LAB_OUT4, LAB_A4);
	lab_rules(l, LAB_B, RULE_IP4, RULE_ACCEPT, no_outside);
	CU_ASSERT_EQUAL(syn(LAB_B, NULL, LAB_OUT4, 443), PKT_REASON_RULE);
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_A));
	lab_free(l);
}

static void R123_that_flow_ends_with_the_opening_too(void)
{
	l = lab_new();
	OPENINGS(WEB " clients=yes");
	back_and_forth(LAB_B, LAB_B4, LAB_OUT4, LAB_A4);
	OPENINGS(WEB);
	CU_ASSERT_NOT_EQUAL(lab_send(l, LAB_B,
				     &(struct frame_spec){ .dst = LAB_OUT4,
							   .proto = IP_TCP,
							   .dport = 443,
							   .seq = 101,
							   .ack = 501 }),
			    PKT_REASON_NONE);
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_A));
	lab_free(l);
}

/* ---- across -------------------------------------------------------------- */

static void a_client_reaches_another_where_an_opening_says_so(void)
{
	static const struct {
		struct frame_spec s;
		bool passes;
	} row[] = {
		{ { .proto = IP_TCP, .dport = 22, .flags = TCP_SYN }, true },
		{ { .proto = IP_TCP, .dport = 23, .flags = TCP_SYN }, false },
		{ { .proto = IP_UDP, .dport = 22 }, false },
		{ { .proto = IP_ICMP }, false },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct frame_spec s = row[i].s;

		s.dst = LAB_B4;
		l = lab_new();
		OPENINGS("from=" LAB_A4 " to=" LAB_B4 " proto=tcp dport=22");
		CU_ASSERT_EQUAL(lab_send(l, LAB_A, &s),
				row[i].passes ? PKT_REASON_NONE
					      : PKT_REASON_CLIENT_TO_CLIENT);
		CU_ASSERT_EQUAL(lab_out(l, LAB_B) != NULL, row[i].passes);
		lab_free(l);
	}
}

static void it_is_one_way_and_untranslated(void)
{
	l = lab_new();
	OPENINGS("from=" LAB_A4 " to=" LAB_B4, "from=fd09::/64 to=" LAB_B6);
	CU_ASSERT_EQUAL(syn(LAB_A, NULL, LAB_B4, 22), PKT_REASON_NONE);
	CU_ASSERT(got(LAB_B, LAB_A4, 40000, LAB_B4, 22));
	CU_ASSERT_EQUAL(syn(LAB_A, LAB_A6, LAB_B6, 22), PKT_REASON_NONE);
	CU_ASSERT(got(LAB_B, LAB_A6, 40000, LAB_B6, 22));
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .dst = LAB_B4,
						       .proto = IP_ICMP }),
			PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_B));
	CU_ASSERT_EQUAL(syn(LAB_B, NULL, LAB_A4, 22),
			PKT_REASON_CLIENT_TO_CLIENT);
	lab_hush(l);
	lab_free(l);
}

static void the_senders_rules_hold(void)
{
	static const char *const no_ssh[] = {
		"action=drop proto=tcp dstports=22-22", NULL
	};

	l = lab_new();
	OPENINGS("from=" LAB_A4 " to=" LAB_B4);
	lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT, no_ssh);
	CU_ASSERT_EQUAL(syn(LAB_A, NULL, LAB_B4, 22), PKT_REASON_RULE);
	CU_ASSERT_EQUAL(syn(LAB_A, NULL, LAB_B4, 23), PKT_REASON_NONE);
	lab_free(l);
}

static void R123_across_ends_with_its_opening(void)
{
	struct frame_spec s = { .dst = LAB_B4, .dport = 53 };

	l = lab_new();
	OPENINGS("from=" LAB_A4 " to=" LAB_B4 " dport=53");
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &s), PKT_REASON_NONE);
	OPENINGS("from=" LAB_A4 " to=" LAB_B4 " dport=54");
	lab_hush(l);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &s), PKT_REASON_CLIENT_TO_CLIENT);
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_B));
	CU_ASSERT_EQUAL(l->view->client[LAB_A].flows_cut, 1);
	lab_free(l);
}

/* ---- a data process dies ------------------------------------------------- */

static void flows_by_openings_outlive_the_process(void)
{
	struct fw_conf c = lab_conf();

	c.table = aligned_alloc(PKT_ARENA_ALIGN, fw_table_size(&c));
	l = lab_new_with(&c);
	OPENINGS(WEB);
	open_web();
	c.adopt = true;
	lab_die(l, &c);
	lab_tell(l, LAB_UPLINK);
	lab_tell(l, LAB_A);
	lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT,
		  (const char *const[]){ NULL });
	/* the list was not told yet: lost, but not for good */
	CU_ASSERT_EQUAL(data_in(), PKT_REASON_NO_FLOW);
	CU_ASSERT(lab_silent(l));
	OPENINGS(WEB);
	CU_ASSERT_EQUAL(data_in(), PKT_REASON_NONE);
	CU_ASSERT(got(LAB_A, LAB_SERVER4, 40000, LAB_A4, 8443));
	fw_settle(l->fw);
	CU_ASSERT_EQUAL(data_out(), PKT_REASON_NONE);
	lab_free(l);
	free(c.table);
}

UNIT_SUITE(fw_openings, UNIT(nothing_is_open_unless_asked),
	   UNIT(a_connection_comes_in_and_is_answered),
	   UNIT(what_no_opening_takes_is_lost_in_silence),
	   UNIT(only_who_may_comes_in), UNIT(a_range_of_ports_keeps_its_order),
	   UNIT(the_first_that_fits_counts),
	   UNIT(a_host_of_a_network_is_reached),
	   UNIT(the_targets_rules_are_not_asked_but_must_be_there),
	   UNIT(what_the_target_sends_by_itself_is_judged_by_its_rules),
	   UNIT(an_opening_waits_for_its_client),
	   UNIT(errors_about_what_came_in_go_back_as_they_came),
	   UNIT(R8_what_does_not_fit_is_told_to_the_one_outside),
	   UNIT(a_flood_by_an_opening_costs_no_client_a_flow),
	   UNIT(R123_a_flow_ends_with_its_opening),
	   UNIT(R123_the_target_is_told_when_it_speaks_first),
	   UNIT(a_flow_that_another_opening_leads_there_too_goes_on),
	   UNIT(a_flow_whose_opening_leads_elsewhere_ends),
	   UNIT(R44_a_flow_ends_with_our_outside_address),
	   UNIT(a_list_is_taken_whole_or_not_at_all),
	   UNIT(a_client_is_let_in_only_if_the_opening_says_so),
	   UNIT(R39_it_sees_nothing_but_the_outside_on_the_way),
	   UNIT(a_client_may_come_to_itself),
	   UNIT(in_qubes_the_gateway_is_the_outside),
	   UNIT(its_own_rules_hold_for_what_it_asks_for),
	   UNIT(R123_that_flow_ends_with_the_opening_too),
	   UNIT(a_client_reaches_another_where_an_opening_says_so),
	   UNIT(it_is_one_way_and_untranslated), UNIT(the_senders_rules_hold),
	   UNIT(R123_across_ends_with_its_opening),
	   UNIT(flows_by_openings_outlive_the_process))
