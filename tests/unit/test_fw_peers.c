/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same rules and packets as they fare in the firewalls of Qubes that there
 * are: with the Linux agent, and in qubes-mirage-firewall.  A row that differs
 * from Linux says why; then packets that were trouble for either.
 */
#include <stdio.h>
#include <string.h>

#include "mock/lab.h"
#include "mock/rule_kit.h"
#include "packet/pkt_ip.h"
#include "unit.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

static struct lab *l;
static struct rule_kit kit;

/* What became of a packet of A's. */
enum fate {
	PASSES,	  /* it left by the uplink */
	REACHES,  /* B has it */
	ANSWERED, /* we answered it */
	REFUSED,  /* A was told that it may not */
	SILENCE,
};

static enum fate send(const struct frame_spec *f)
{
	const struct pkt *p;

	(void)lab_send(l, LAB_A, f);
	if (lab_out(l, LAB_UPLINK))
		return PASSES;
	if (lab_out(l, LAB_B))
		return REACHES;
	p = lab_out(l, LAB_A);
	if (!p)
		return SILENCE;
	return p->kind == PKT_KIND_ICMP_ERROR ? REFUSED : ANSWERED;
}

/* "RULE|RULE|...": A's, in place of those of the lab; NULL: none at all. */
static void rules_begin(enum rule_family family, const char *text)
{
	const struct ruleset *old;

	l = lab_new();
	rule_kit_init(&kit, family);
	rule_kit_dns(&kit, "10.139.1.1");
	rule_kit_dns(&kit, "10.139.1.2");
	rule_kit_name(&kit, "x.test", "1.2.3.4");
	rule_kit_name(&kit, "x.test", "4.3.2.1");
	if (!text) {
		lab_close(l, LAB_A, family);
		return;
	}
	CU_ASSERT_EQUAL(rule_kit_policy(&kit, "drop", 4), 0);
	for (uint32_t i = 0; *text; i++) {
		size_t len = strcspn(text, "|");

		(void)!rule_kit_rule(&kit, i, text, len);
		text += len + (text[len] == '|');
	}
	CU_ASSERT_EQUAL(fw_client_rules(l->fw, LAB_A, family,
					rule_kit_build(&kit), &old, l->now),
			0);
}

static void rules_end(void)
{
	lab_free(l);
	rule_kit_fini(&kit);
}

struct row {
	const char *rules;
	struct frame_spec f;
	enum fate linux_does, mirage_does, we_do;
	const char *why; /* Linux does something else */
};

static void run(const struct row *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum fate got;

		rules_begin(RULE_IP4, t[i].rules);
		got = send(&t[i].f);
		if (got != t[i].we_do)
			printf("\nrow %zu, %s: %d (Linux %d, mirage %d)\n", i,
			       t[i].rules ? t[i].rules : "(none)", got,
			       t[i].linux_does, t[i].mirage_does);
		CU_ASSERT_EQUAL(got, t[i].we_do);
		CU_ASSERT_EQUAL(t[i].linux_does != t[i].we_do, !!t[i].why);
		rules_end();
	}
}

#define TCP(addr, port)                                          \
	{                                                        \
		.dst = (addr), .proto = IP_TCP, .dport = (port), \
		.flags = TCP_SYN                                 \
	}
#define UDP(addr, port)                                         \
	{                                                       \
		.dst = (addr), .proto = IP_UDP, .dport = (port) \
	}
#define PING(addr)                                                 \
	{                                                          \
		.dst = (addr), .proto = IP_ICMP, .type = ICMP_ECHO \
	}

static void each_row_of_the_table_of_peers(void)
{
#define DNS "action=accept specialtarget=dns"
#define X443 "action=accept dsthost=x.test proto=tcp dstports=443-443"
	static const struct row t[] = {
		{ "action=accept", TCP("8.8.8.8", 443), PASSES, PASSES, PASSES,
		  NULL },
		{ "action=accept", TCP(LAB_B4, 443), SILENCE, REACHES, REFUSED,
		  "told at once, and alike whether B is there or not" },
		{ "action=accept", PING(LAB_GW4), ANSWERED, SILENCE, ANSWERED,
		  NULL },
		{ "action=accept", UDP(LAB_GW4, 53), REFUSED, SILENCE, REFUSED,
		  NULL },
		{ "action=accept", TCP(LAB_GW4, 22), REFUSED, SILENCE, REFUSED,
		  NULL },
		{ NULL, TCP("8.8.8.8", 443), SILENCE, SILENCE, SILENCE, NULL },
		{ NULL, PING("8.8.8.8"), SILENCE, SILENCE, SILENCE, NULL },
		{ DNS, UDP("10.139.1.1", 53), PASSES, PASSES, PASSES, NULL },
		{ DNS, TCP("10.139.1.1", 53), PASSES, PASSES, PASSES, NULL },
		{ DNS, UDP("10.139.1.2", 53), PASSES, PASSES, PASSES, NULL },
		{ DNS, TCP("10.139.1.2", 53), PASSES, PASSES, PASSES, NULL },
		{ DNS, UDP("8.8.8.8", 53), REFUSED, SILENCE, REFUSED, NULL },
		{ DNS, UDP("10.139.1.1", 5353), REFUSED, SILENCE, REFUSED,
		  NULL },
		{ DNS " proto=tcp", TCP("8.8.8.8", 443), REFUSED, PASSES,
		  REFUSED, NULL },
		{ DNS " proto=udp", UDP("8.8.8.8", 1234), REFUSED, PASSES,
		  REFUSED, NULL },
		{ "action=drop specialtarget=dns proto=udp|action=accept",
		  UDP("8.8.8.8", 1234), PASSES, SILENCE, PASSES, NULL },
		{ "action=accept proto=icmp icmptype=8", PING("8.8.8.8"),
		  PASSES, PASSES, PASSES, NULL },
		{ "action=accept proto=icmp icmptype=8",
		  { .dst = "8.8.8.8", .proto = IP_ICMP, .type = 13 },
		  REFUSED,
		  SILENCE,
		  REFUSED,
		  NULL },
		{ X443, TCP("1.2.3.4", 443), PASSES, PASSES, PASSES, NULL },
		{ X443, TCP("4.3.2.1", 443), PASSES, PASSES, PASSES, NULL },
		{ X443, TCP("1.2.3.5", 443), REFUSED, SILENCE, REFUSED, NULL },
		{ "action=drop dsthost=nowhere.test|action=accept",
		  TCP("1.2.3.4", 443), REFUSED, PASSES, REFUSED, NULL },
		{ "action=accept dsthost=nowhere.test|"
		  "action=accept dst4=9.9.9.9",
		  TCP("9.9.9.9", 443), REFUSED, PASSES, PASSES,
		  "a name without an address matches nothing, and the rest "
		  "works" },
		{ "action=accept dsthost=nowhere.test|"
		  "action=accept dst4=9.9.9.9",
		  TCP("1.2.3.4", 443), REFUSED, SILENCE, REFUSED, NULL },
		{ "action=accept dst6=::/0", TCP("8.8.8.8", 443), REFUSED,
		  PASSES, REFUSED, NULL },
	};

	run(t, N(t));
}

/* Texts that mirage reads otherwise than the Linux agent and we. */
static void texts_that_peers_read_differently(void)
{
	static const struct row t[] = {
		{ "action=accept proto=tcp dst4=8.8.8.8/32", /* other order */
		  TCP("8.8.8.8", 443), PASSES, SILENCE, PASSES, NULL },
		{ "action=accept dsthost=_x.test|action=accept", /* dom0 may */
		  TCP("8.8.8.8", 443), REFUSED, SILENCE, PASSES,
		  "a name without an address matches nothing, and the rest "
		  "works" },
		{ "action=accept dst4=10.0.0.5/24", TCP("10.0.0.77", 443),
		  PASSES, PASSES, PASSES, NULL }, /* host bits */
		{ "action=accept dpi=NO", TCP("8.8.8.8", 443), REFUSED, PASSES,
		  REFUSED, NULL },
		{ "action=accept  proto=tcp", TCP("8.8.8.8", 443), SILENCE,
		  PASSES, REFUSED, "that agent ends, and is started again" },
		{ "action=accept proto=icmp icmptype=1000", PING("8.8.8.8"),
		  REFUSED, SILENCE, REFUSED, NULL },
		{ "action=accept proto=tcp dstports=90-80", TCP("8.8.8.8", 85),
		  REFUSED, SILENCE, REFUSED, NULL },
		{ "action=accept comment=x", TCP("8.8.8.8", 85), REFUSED,
		  SILENCE, REFUSED, NULL },
	};

	run(t, N(t));
}

/* Flows that are open when new rules come: the next packet is the first. */
static void L15_live_flows_are_cut_as_new_ones_would_be(void)
{
	static const struct {
		const char *rules;
		struct frame_spec f;
		enum fate next;
	} t[] = {
		{ "action=accept proto=tcp dstports=1-1024",
		  TCP("10.0.0.1", 443), PASSES },
		{ "action=accept proto=tcp dstports=1024-65535",
		  TCP("10.0.0.1", 8080), PASSES },
		{ "action=accept proto=udp dstports=1000-2000",
		  UDP("10.0.0.1", 150), REFUSED },
		{ "action=drop proto=icmp|action=accept", PING("10.0.0.1"),
		  REFUSED },
		{ "action=drop proto=icmp icmptype=0|action=accept",
		  PING("10.0.0.1"), PASSES },
		{ "action=drop dsthost=x.test|action=accept",
		  UDP("4.3.2.1", 123), REFUSED },
		{ "action=drop proto=udp specialtarget=dns|action=accept",
		  UDP("10.139.1.1", 53), REFUSED },
		{ "action=drop proto=udp specialtarget=dns|action=accept",
		  TCP("10.139.1.1", 53), PASSES },
	};

	for (size_t i = 0; i < N(t); i++) {
		const struct ruleset *set, *old;

		rules_begin(RULE_IP4, t[i].rules);
		set = kit.set;
		CU_ASSERT_EQUAL(fw_client_rules(l->fw, LAB_A, RULE_IP4,
						l->rules[LAB_A][RULE_IP4], &old,
						l->now),
				0);
		CU_ASSERT_EQUAL(send(&t[i].f), PASSES);
		CU_ASSERT_EQUAL(fw_client_rules(l->fw, LAB_A, RULE_IP4, set,
						&old, l->now),
				0);
		CU_ASSERT_EQUAL(send(&t[i].f), t[i].next);
		CU_ASSERT_EQUAL(l->view->client[LAB_A].flows_cut,
				t[i].next != PASSES);
		rules_end();
	}
}

/* 607 bytes for a group, again and again: an old one stood still over it. */
static void MF166_a_storm_of_multicast_costs_nobody_anything(void)
{
	const struct frame_spec group = { .dst = "239.255.255.250",
					  .dst_mac = "01:00:5e:7f:ff:fa",
					  .sport = 5353,
					  .dport = 5353,
					  .payload_len = 607 };
	const struct view_client *a;

	l = lab_new();
	a = &l->view->client[LAB_A];
	for (uint32_t i = 0; i < 20000; i++) {
		CU_ASSERT_EQUAL_FATAL(lab_send(l, LAB_A, &group),
				      PKT_REASON_MULTICAST);
		if (i % 1000)
			continue;
		CU_ASSERT_EQUAL(lab_send(l, LAB_B,
					 &(struct frame_spec){
						 .proto = IP_UDP,
						 .sport = (uint16_t)(1 + i) }),
				PKT_REASON_NONE);
		CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_UPLINK));
	}
	CU_ASSERT_EQUAL(a->drop[PKT_REASON_MULTICAST], 20000);
	CU_ASSERT_EQUAL(a->flows_opened + a->answered, 0);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

/* Routers quote as much as fits in 576 bytes, and cut the datagram there. */
static void MF31_an_error_with_a_quote_that_was_cut_comes_through(void)
{
	static const size_t quote[] = { 28, 36, 528, 548 };

	for (size_t i = 0; i < N(quote); i++) {
		struct frame_spec f = { .proto = IP_UDP,
					.dport = 33434,
					.payload_len = 1400 };
		const struct pkt *p;

		l = lab_new();
		CU_ASSERT_EQUAL(lab_send(l, LAB_A, &f), PKT_REASON_NONE);
		p = lab_out(l, LAB_UPLINK);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		f.src = LAB_OUT4;
		f.dst = LAB_SERVER4;
		f.sport = p->sport;
		CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK,
					 &(struct frame_spec){
						 .src = "203.0.113.9",
						 .proto = IP_ICMP,
						 .type = ICMP_TIME_EXCEEDED,
						 .quote = &f,
						 .quote_len = quote[i] }),
				PKT_REASON_NONE);
		p = lab_out(l, LAB_A);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_TRUE(lab_is_error(p, ICMP_TIME_EXCEEDED, 0, LAB_A4,
					    LAB_SERVER4));
		CU_ASSERT_EQUAL(pkt_end(p) - p->pay_off, quote[i]);
		lab_free(l);
	}
}

/* Pieces of 16 bytes, far more than 16 of them: a name server's answer. */
static void MF170_many_small_pieces_are_one_datagram(void)
{
	static const uint8_t piece[16];
	static const uint8_t first[16] = { 0x9c, 0x40,	    0,
					   53,	 1000 >> 8, 1000 & 0xff };
	size_t came = 0;
	const struct pkt *p;

	l = lab_new();
	for (uint16_t at = 0; at < 1000; at += 16)
		lab_send(l, LAB_A,
			 &(struct frame_spec){
				 .proto = IP_UDP,
				 .id = 7,
				 .mf = at + 16 < 1000,
				 .frag_off = at,
				 .raw = true,
				 .payload = at ? piece : first,
				 .payload_len = at + 16 < 1000 ? 16 : 8 });
	while ((p = lab_out(l, LAB_UPLINK)))
		came += pkt_end(p) - p->l4_off;
	CU_ASSERT_EQUAL(came, 1000);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

/* traceroute with 2000 bytes: its hop limit ends here, in pieces. */
static void MF73_a_traceroute_in_pieces_is_answered(void)
{
	static const uint8_t bytes[1480] = { 0x9c, 0x40,      0x82,
					     0x9a, 2008 >> 8, 2008 & 0xff };
	struct frame_spec f = { .proto = IP_UDP,
				.ttl = 1,
				.id = 9,
				.mf = true,
				.raw = true,
				.payload = bytes,
				.payload_len = 1480 };

	l = lab_new();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &f), PKT_REASON_NONE);
	CU_ASSERT_TRUE(lab_silent(l));
	f.mf = false;
	f.frag_off = 1480;
	f.payload = NULL;
	f.payload_len = 2008 - 1480;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &f), PKT_REASON_TTL);
	CU_ASSERT_TRUE(lab_is_error(lab_out(l, LAB_A), ICMP_TIME_EXCEEDED, 0,
				    LAB_A4, LAB_SERVER4));
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

UNIT_SUITE(fw_peers, UNIT(each_row_of_the_table_of_peers),
	   UNIT(texts_that_peers_read_differently),
	   UNIT(L15_live_flows_are_cut_as_new_ones_would_be),
	   UNIT(MF166_a_storm_of_multicast_costs_nobody_anything),
	   UNIT(MF31_an_error_with_a_quote_that_was_cut_comes_through),
	   UNIT(MF170_many_small_pieces_are_one_datagram),
	   UNIT(MF73_a_traceroute_in_pieces_is_answered))
