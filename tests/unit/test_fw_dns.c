/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual name servers: clients ask 10.139.1.1 and .2, the real ones answer.
 * Questions of our own, and answers that clients are given.
 */
#include <errno.h>
#include <string.h>

#include "mock/dns_msg.h"
#include "mock/lab.h"
#include "packet/pkt_dns.h"
#include "packet/pkt_ip.h"
#include "unit.h"

#define VIRT1 "10.139.1.1"
#define VIRT2 "10.139.1.2"
#define VIRT6 "fd53::1"
#define REAL1 "198.51.100.53"
#define REAL2 "198.51.100.54"
#define REAL6 "2001:db8:53::1"

static struct lab *l;

static void add(struct pkt_addr *list, uint8_t *n, const char *text)
{
	CU_ASSERT_EQUAL(pkt_addr_parse(&list[(*n)++], text, strlen(text)), 0);
}

/* Which servers there are, NULL at the end. */
static struct fw_dns servers(const char *const *real)
{
	struct fw_dns d = { .virt_n = 0 };

	add(d.virt, &d.virt_n, VIRT1);
	add(d.virt, &d.virt_n, VIRT6);
	add(d.virt, &d.virt_n, VIRT2);
	for (; *real; real++)
		add(d.server, &d.server_n, *real);
	return d;
}

static void set(const char *const *real)
{
	struct fw_dns d = servers(real);

	CU_ASSERT_EQUAL(fw_dns_set(l->fw, &d), 0);
}

static const char *const both[] = { REAL1, REAL6, REAL2, NULL };
static const char *const one[] = { REAL1, NULL };
static const char *const none[] = { NULL };

static enum pkt_reason ask(const char *whom, uint8_t proto, uint16_t port)
{
	return lab_send(l, LAB_A,
			&(struct frame_spec){ .src = strchr(whom, ':') ? LAB_A6
								       : LAB_A4,
					      .dst = whom,
					      .proto = proto,
					      .dport = port,
					      .flags = TCP_SYN });
}

/* Does a question to @whom reach @real, and the answer come from @whom? */
static bool answered(const char *whom, const char *real, uint8_t proto)
{
	bool six = strchr(whom, ':');
	const struct pkt *p;
	uint16_t port;

	if (ask(whom, proto, 53) != PKT_REASON_NONE)
		return false;
	p = lab_out(l, LAB_UPLINK);
	if (!p || !lab_goes(p, six ? LAB_OUT6 : LAB_OUT4, real))
		return false;
	port = p->sport;
	if (lab_send(l, LAB_UPLINK,
		     &(struct frame_spec){ .src = real,
					   .dst = six ? LAB_OUT6 : LAB_OUT4,
					   .proto = proto,
					   .sport = 53,
					   .dport = port,
					   .ack = 1,
					   .flags = TCP_SYN | TCP_ACK }) !=
	    PKT_REASON_NONE)
		return false;
	p = lab_out(l, LAB_A);
	return p && lab_goes(p, whom, six ? LAB_A6 : LAB_A4) &&
	       p->sport == 53 && lab_silent(l);
}

static void each_virtual_one_leads_to_its_real_one(void)
{
	l = lab_new();
	set(both);
	CU_ASSERT_TRUE(answered(VIRT1, REAL1, IP_UDP));
	CU_ASSERT_TRUE(answered(VIRT2, REAL2, IP_UDP));
	CU_ASSERT_TRUE(answered(VIRT6, REAL6, IP_UDP));
	lab_free(l);
}

static void both_lead_to_one_when_there_is_one(void)
{
	l = lab_new();
	set(one);
	CU_ASSERT_TRUE(answered(VIRT1, REAL1, IP_UDP));
	CU_ASSERT_TRUE(answered(VIRT2, REAL1, IP_UDP));
	lab_free(l);
}

static void with_none_it_is_refused_and_nothing_leaks(void)
{
	l = lab_new();
	set(none);
	CU_ASSERT_EQUAL(ask(VIRT1, IP_UDP, 53), PKT_REASON_NO_RESOLVER);
	CU_ASSERT_EQUAL(ask(VIRT2, IP_TCP, 53), PKT_REASON_NO_RESOLVER);
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_UPLINK));
	CU_ASSERT_TRUE(lab_is_error(lab_out(l, LAB_A), ICMP_UNREACH, 0, LAB_A4,
				    VIRT1));
	lab_hush(l);
	/* of the other family there may be one: that is no answer */
	set(one);
	CU_ASSERT_EQUAL(ask(VIRT6, IP_UDP, 53), PKT_REASON_NO_RESOLVER);
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_UPLINK));
	lab_free(l);
}

static void other_ports_and_addresses_lead_where_they_say(void)
{
	const struct pkt *p;

	l = lab_new();
	set(both);
	CU_ASSERT_EQUAL(ask(VIRT1, IP_UDP, 5353), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_TRUE(p && lab_goes(p, LAB_OUT4, VIRT1));
	CU_ASSERT_EQUAL(ask(LAB_SERVER4, IP_UDP, 53), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_TRUE(p && lab_goes(p, LAB_OUT4, LAB_SERVER4));
	lab_free(l);
}

static void rules_judge_the_address_that_was_asked_for(void)
{
	static const char *const virt[] = { "action=accept dst4=" VIRT1
					    "/32 proto=udp dstports=53-53",
					    NULL };
	static const char *const real[] = { "action=accept dst4=" REAL1
					    "/32 proto=udp dstports=53-53",
					    NULL };

	l = lab_new();
	set(both);
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, virt);
	CU_ASSERT_TRUE(answered(VIRT1, REAL1, IP_UDP));
	CU_ASSERT_EQUAL(ask(VIRT1, IP_TCP, 53), PKT_REASON_POLICY);
	CU_ASSERT_EQUAL(ask(VIRT2, IP_UDP, 53), PKT_REASON_POLICY);
	lab_hush(l);
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, real);
	CU_ASSERT_EQUAL(ask(VIRT1, IP_UDP, 53), PKT_REASON_POLICY);
	lab_free(l);
}

static void flows_outlive_rules_that_still_allow_them(void)
{
	static const char *const rules[] = { "action=accept dst4=" VIRT1
					     "/32 proto=tcp dstports=53-53",
					     NULL };
	const struct pkt *p;

	l = lab_new();
	set(both);
	CU_ASSERT_TRUE(answered(VIRT1, REAL1, IP_TCP));
	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, rules);
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = LAB_A4,
						       .dst = VIRT1,
						       .proto = IP_TCP,
						       .dport = 53,
						       .seq = 1,
						       .ack = 1,
						       .flags = TCP_ACK }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_TRUE(p && lab_goes(p, LAB_OUT4, REAL1));
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void other_servers_end_flows_to_the_old_ones(void)
{
	static const char *const other[] = { REAL2, NULL };

	l = lab_new();
	set(one);
	CU_ASSERT_TRUE(answered(VIRT1, REAL1, IP_UDP));
	set(other);
	CU_ASSERT_TRUE(answered(VIRT1, REAL2, IP_UDP));
	/* the same again ends nothing */
	set(other);
	CU_ASSERT_EQUAL(ask(VIRT1, IP_UDP, 53), PKT_REASON_NONE);
	CU_ASSERT_TRUE(lab_goes(lab_out(l, LAB_UPLINK), LAB_OUT4, REAL2));
	set(none);
	CU_ASSERT_EQUAL(ask(VIRT1, IP_UDP, 53), PKT_REASON_NO_RESOLVER);
	lab_free(l);
}

static void what_becomes_a_virtual_one_leads_no_flow_elsewhere(void)
{
	struct fw_dns nothing = { .virt_n = 0 };

	l = lab_new();
	CU_ASSERT_EQUAL(fw_dns_set(l->fw, &nothing), 0);
	CU_ASSERT_EQUAL(ask(VIRT1, IP_UDP, 53), PKT_REASON_NONE);
	CU_ASSERT_TRUE(lab_goes(lab_out(l, LAB_UPLINK), LAB_OUT4, VIRT1));
	set(one);
	CU_ASSERT_EQUAL(ask(VIRT1, IP_UDP, 53), PKT_REASON_NO_FLOW);
	CU_ASSERT_PTR_NULL(lab_out(l, LAB_UPLINK));
	lab_hush(l);
	CU_ASSERT_TRUE(answered(VIRT1, REAL1, IP_UDP));
	lab_free(l);
}

/* ---- questions of our own
 * ----------------------------------------------------*/

static struct dns_msg msg;

/* A message about @name with that id as a frame's payload. */
static struct frame_spec carried(uint16_t id, uint16_t flags, const char *name)
{
	dns_msg_begin(&msg, id, flags, name, PKT_DNS_A);
	if (flags == DNS_MSG_ANSWER)
		dns_msg_addr(&msg, name, 60, LAB_SERVER4);
	return (struct frame_spec){ .proto = IP_UDP,
				    .src = REAL1,
				    .dst = LAB_OUT4,
				    .sport = 53,
				    .payload = msg.b,
				    .payload_len = (uint16_t)msg.len };
}

static struct fw_dns_msg question(uint32_t ask, uint16_t id, const char *whom)
{
	struct fw_dns_msg m = { .ask = ask };

	dns_msg_begin(&msg, id, DNS_MSG_QUERY, "a.test", PKT_DNS_A);
	memcpy(m.msg, msg.b, msg.len);
	m.len = (uint16_t)msg.len;
	CU_ASSERT_EQUAL(pkt_addr_parse(&m.server, whom, strlen(whom)), 0);
	return m;
}

/* Asks; the port that it was asked from. */
static uint16_t own(uint32_t ask, uint16_t id, const char *whom)
{
	struct fw_dns_msg m = question(ask, id, whom);
	const struct pkt *p;

	CU_ASSERT_EQUAL(fw_dns_ask(l->fw, &m, l->now), 0);
	fw_flush(l->fw, l->now);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(
		lab_goes(p, strchr(whom, ':') ? LAB_OUT6 : LAB_OUT4, whom));
	CU_ASSERT_EQUAL(p->dport, 53);
	CU_ASSERT_EQUAL(pkt_end(p) - p->pay_off, m.len);
	CU_ASSERT_EQUAL(memcmp(p->data + p->pay_off, m.msg, m.len), 0);
	return p->sport;
}

static bool is_msg(const struct fw_dns_msg *m, uint16_t client)
{
	return m && m->client == client && m->len == msg.len &&
	       !memcmp(m->msg, msg.b, msg.len);
}

static bool came(uint32_t ask)
{
	const struct fw_dns_msg *m = fw_dns_next(l->fw);
	bool is = is_msg(m, 0) && m->ask == ask;

	if (m)
		fw_dns_taken(l->fw);
	return is && !fw_dns_next(l->fw);
}

static void our_own_question_goes_out_and_its_answer_comes_to_us(void)
{
	struct frame_spec f;
	uint16_t port;

	l = lab_new();
	port = own(77, 0x1234, REAL1);
	f = carried(0x1234, DNS_MSG_ANSWER, "a.test");
	f.dport = port;
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &f), PKT_REASON_NONE);
	CU_ASSERT_TRUE(lab_silent(l));
	CU_ASSERT_TRUE(came(77));
	/* it was answered: the same again is a stranger's */
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &f), PKT_REASON_NO_FLOW);
	CU_ASSERT_PTR_NULL(fw_dns_next(l->fw));
	CU_ASSERT(own(1, 1, REAL1) != port || own(2, 2, REAL1) != port);
	(void)own(3, 3, REAL6);
	lab_free(l);
}

static void only_the_exact_answer_is_taken(void)
{
	struct frame_spec good, f;
	struct pkt *damaged;
	uint16_t port;

	l = lab_new();
	port = own(77, 0x1234, REAL1);
	good = carried(0x1234, DNS_MSG_ANSWER, "a.test");
	good.dport = port;
	f = good;
	f.src = REAL2;
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &f), PKT_REASON_NO_FLOW);
	f = good;
	f.sport = 54;
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &f), PKT_REASON_NO_FLOW);
	f = good;
	f.dport = port ^ 1;
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &f), PKT_REASON_NO_FLOW);
	f = carried(0x1235, DNS_MSG_ANSWER, "a.test");
	f.dport = port;
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &f), PKT_REASON_NO_FLOW);
	f = carried(0x1234, DNS_MSG_ANSWER, "b.test");
	f.dport = port;
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &f), PKT_REASON_NO_FLOW);
	f = carried(0x1234, DNS_MSG_QUERY, "a.test");
	f.dport = port;
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &f), PKT_REASON_NO_FLOW);
	f = carried(0x1234, DNS_MSG_ANSWER, "a.test");
	f.dport = port;
	damaged = lab_frame(l, LAB_UPLINK, &f);
	damaged->data[damaged->len - 1] ^= 1;
	CU_ASSERT_EQUAL(lab_in(l, LAB_UPLINK, damaged), PKT_REASON_NO_FLOW);
	good = carried(0x1234, DNS_MSG_ANSWER, "a.test");
	good.dport = port;
	good.payload_len = 1;
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &good), PKT_REASON_NO_FLOW);
	CU_ASSERT_PTR_NULL(fw_dns_next(l->fw));
	/* and not for ever */
	good = carried(0x1234, DNS_MSG_ANSWER, "a.test");
	good.dport = port;
	lab_after(l, 10100);
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &good), PKT_REASON_NO_FLOW);
	lab_free(l);
}

static void what_can_t_be_asked_is_said(void)
{
	struct fw_dns_msg m = question(1, 1, REAL1);
	struct fw_uplink u = lab_uplink();

	l = lab_new();
	for (uint32_t i = 0; i < 64; i++)
		(void)own(i, (uint16_t)i, REAL1);
	CU_ASSERT_EQUAL(fw_dns_ask(l->fw, &m, l->now), -EAGAIN);
	lab_after(l, 10100);
	(void)own(1, 1, REAL1);
	m = question(1, 1, REAL1);
	m.len = 1;
	CU_ASSERT_EQUAL(fw_dns_ask(l->fw, &m, l->now), -EINVAL);
	m.len = FW_DNS_MSG_MAX + 1;
	CU_ASSERT_EQUAL(fw_dns_ask(l->fw, &m, l->now), -EINVAL);
	m = question(1, 1, "224.0.0.251");
	CU_ASSERT_EQUAL(fw_dns_ask(l->fw, &m, l->now), -EINVAL);
	u.up = false;
	CU_ASSERT_EQUAL(fw_uplink_set(l->fw, &u, l->now), 0);
	m = question(1, 1, REAL1);
	CU_ASSERT_EQUAL(fw_dns_ask(l->fw, &m, l->now), -ENETUNREACH);
	lab_free(l);
}

/* ---- answers that clients are given
 * --------------------------------------------*/

static void watch(uint16_t n)
{
	struct fw_dns d = servers(one);

	d.watch[n / 8] = (uint8_t)(1u << n % 8);
	CU_ASSERT_EQUAL(fw_dns_set(l->fw, &d), 0);
}

/* Client A asks by way of @whom; the port that it is seen at outside. */
static uint16_t client_asks(uint16_t id, const char *name, const char *whom)
{
	struct frame_spec f = carried(id, DNS_MSG_QUERY, name);
	const struct pkt *p;

	f.src = LAB_A4;
	f.dst = whom;
	f.sport = 40000;
	f.dport = 53;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &f), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p->sport;
}

/* An answer comes for it; it is kept back: until what is said? */
static bool kept_back(uint16_t port, uint16_t id, const char *name,
		      const char *src, uint32_t *ask)
{
	struct frame_spec f = carried(id, DNS_MSG_ANSWER, name);
	const struct fw_dns_msg *m;

	f.src = src;
	f.dport = port;
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &f), PKT_REASON_NONE);
	m = fw_dns_next(l->fw);
	if (!m)
		return false;
	CU_ASSERT_TRUE(is_msg(m, LAB_A));
	*ask = m->ask;
	fw_dns_taken(l->fw);
	CU_ASSERT_PTR_NULL(fw_dns_next(l->fw));
	return true;
}

static const struct pkt *let_pass(uint16_t n, uint32_t ask)
{
	fw_dns_pass(l->fw, n, ask, l->now);
	fw_flush(l->fw, l->now);
	return lab_out(l, LAB_A);
}

/* It is given an answer in the end; was note taken of it? */
static bool noted(uint16_t port, uint16_t id, const char *name, const char *src)
{
	uint32_t ask;
	bool is = kept_back(port, id, name, src, &ask);

	if (is)
		CU_ASSERT_PTR_NULL(lab_out(l, LAB_A));
	CU_ASSERT_PTR_NOT_NULL(is ? let_pass(LAB_A, ask) : lab_out(l, LAB_A));
	return is;
}

static void N6_an_answer_waits_for_the_rules_of_its_client(void)
{
	uint32_t first, second, third;
	const struct pkt *p;
	uint16_t port;

	l = lab_new();
	watch(LAB_A);
	port = client_asks(1, "a.test", VIRT1);
	(void)client_asks(2, "a.test", VIRT1);
	(void)client_asks(3, "a.test", VIRT1);
	CU_ASSERT_TRUE(kept_back(port, 1, "a.test", REAL1, &first));
	CU_ASSERT_TRUE(kept_back(port, 2, "a.test", REAL1, &second));
	CU_ASSERT_TRUE(lab_silent(l));
	CU_ASSERT_PTR_NULL(let_pass(LAB_B, second));
	CU_ASSERT_PTR_NULL(let_pass(LAB_A, first - 1));
	p = let_pass(LAB_A, first);
	CU_ASSERT_TRUE(p && lab_goes(p, VIRT1, LAB_A4) && p->sport == 53);
	CU_ASSERT_TRUE(lab_silent(l));
	/* what is told up to a later one includes this one */
	CU_ASSERT_TRUE(kept_back(port, 3, "a.test", REAL1, &third));
	CU_ASSERT_PTR_NOT_NULL(let_pass(LAB_A, third));
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	CU_ASSERT_PTR_NULL(let_pass(LAB_A, third));
	lab_free(l);
}

static void N6_an_answer_waits_a_moment_at_most(void)
{
	uint16_t port;
	uint32_t ask;

	l = lab_new();
	watch(LAB_A);
	port = client_asks(1, "a.test", VIRT1);
	CU_ASSERT_TRUE(kept_back(port, 1, "a.test", REAL1, &ask));
	lab_after(l, 200);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_after(l, 200);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void N6_an_answer_for_a_client_that_went_goes_nowhere(void)
{
	uint16_t port;
	uint32_t ask;

	l = lab_new();
	watch(LAB_A);
	port = client_asks(1, "a.test", VIRT1);
	CU_ASSERT_TRUE(kept_back(port, 1, "a.test", REAL1, &ask));
	fw_client_remove(l->fw, LAB_A, l->now);
	CU_ASSERT_PTR_NULL(let_pass(LAB_A, ask));
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void N6_an_answer_to_a_client_is_taken_note_of_once(void)
{
	uint16_t port;

	l = lab_new();
	watch(LAB_A);
	port = client_asks(5, "A.test", VIRT1);
	CU_ASSERT_TRUE(noted(port, 5, "a.TEST", REAL1));
	CU_ASSERT_FALSE(noted(port, 5, "a.test", REAL1));
	/* by its real address as well */
	port = client_asks(6, "a.test", REAL1);
	CU_ASSERT_TRUE(noted(port, 6, "a.test", REAL1));
	lab_free(l);
}

static void N6_answers_that_were_not_asked_for_are_not_noted(void)
{
	uint16_t port;

	l = lab_new();
	watch(LAB_A);
	port = client_asks(5, "a.test", VIRT1);
	CU_ASSERT_FALSE(noted(port, 6, "a.test", REAL1));
	CU_ASSERT_FALSE(noted(port, 5, "b.test", REAL1));
	CU_ASSERT_TRUE(noted(port, 5, "a.test", REAL1));
	/* a server of the client's choice says what the client likes */
	port = client_asks(7, "a.test", LAB_SERVER4);
	CU_ASSERT_FALSE(noted(port, 7, "a.test", LAB_SERVER4));
	/* too late */
	port = client_asks(8, "a.test", VIRT1);
	lab_after(l, 10100);
	CU_ASSERT_FALSE(noted(port, 8, "a.test", REAL1));
	/* nobody's names */
	watch(LAB_B);
	port = client_asks(9, "a.test", VIRT1);
	CU_ASSERT_FALSE(noted(port, 9, "a.test", REAL1));
	lab_free(l);
}

static void N6_notes_have_a_limit(void)
{
	uint32_t n = 0;

	l = lab_new();
	watch(LAB_A);
	for (uint16_t i = 1; i <= 200; i++)
		n += noted(client_asks(i, "a.test", VIRT1), i, "a.test", REAL1);
	CU_ASSERT(n >= 40 && n < 60);
	/* and a queue that nobody empties takes no more */
	lab_after(l, 5000);
	for (uint16_t i = 1; i <= 40; i++) {
		uint16_t port = client_asks(i, "a.test", VIRT1);
		struct frame_spec f = carried(i, DNS_MSG_ANSWER, "a.test");

		f.dport = port;
		CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &f), PKT_REASON_NONE);
		CU_ASSERT_EQUAL(lab_out(l, LAB_A) != NULL, i > 16);
	}
	for (n = 0; fw_dns_next(l->fw); n++)
		fw_dns_taken(l->fw);
	CU_ASSERT_EQUAL(n, 16);
	for (lab_after(l, 300), n = 0; lab_out(l, LAB_A); n++)
		;
	CU_ASSERT_EQUAL(n, 16);
	lab_free(l);
}

static void N6_a_client_that_asks_much_does_not_drown_another_s(void)
{
	struct fw_dns d = servers(one);
	uint16_t port = 0;
	uint32_t n = 0;

	l = lab_new();
	d.watch[0] = 1u << LAB_A | 1u << LAB_B;
	CU_ASSERT_EQUAL(fw_dns_set(l->fw, &d), 0);
	for (uint16_t i = 0; i < 8; i++)
		port = client_asks(i, "a.test", VIRT1);
	for (uint16_t i = 0; i < 2000; i++) {
		struct frame_spec f = carried(i, DNS_MSG_QUERY, "b.test");

		f.src = LAB_B4;
		f.dst = VIRT1;
		f.sport = 40000;
		f.dport = 53;
		CU_ASSERT_EQUAL(lab_send(l, LAB_B, &f), PKT_REASON_NONE);
		lab_hush(l);
	}
	/* one may have met another in the table */
	for (uint16_t i = 0; i < 8; i++)
		n += noted(port, i, "a.test", REAL1);
	CU_ASSERT(n >= 4);
	lab_free(l);
}

static void a_list_that_can_t_be_is_refused_whole(void)
{
	struct fw_dns d = servers(one);

	l = lab_new();
	set(one);
	d.virt_n = FW_DNS_MAX + 1;
	CU_ASSERT_EQUAL(fw_dns_set(l->fw, &d), -EINVAL);
	d = servers(both);
	memset(&d.server[1], 0, sizeof(d.server[1]));
	CU_ASSERT_EQUAL(fw_dns_set(l->fw, &d), -EINVAL);
	CU_ASSERT_TRUE(answered(VIRT2, REAL1, IP_UDP));
	lab_free(l);
}

UNIT_SUITE(fw_dns, UNIT(each_virtual_one_leads_to_its_real_one),
	   UNIT(both_lead_to_one_when_there_is_one),
	   UNIT(with_none_it_is_refused_and_nothing_leaks),
	   UNIT(other_ports_and_addresses_lead_where_they_say),
	   UNIT(rules_judge_the_address_that_was_asked_for),
	   UNIT(flows_outlive_rules_that_still_allow_them),
	   UNIT(other_servers_end_flows_to_the_old_ones),
	   UNIT(what_becomes_a_virtual_one_leads_no_flow_elsewhere),
	   UNIT(our_own_question_goes_out_and_its_answer_comes_to_us),
	   UNIT(only_the_exact_answer_is_taken),
	   UNIT(what_can_t_be_asked_is_said),
	   UNIT(N6_an_answer_waits_for_the_rules_of_its_client),
	   UNIT(N6_an_answer_waits_a_moment_at_most),
	   UNIT(N6_an_answer_for_a_client_that_went_goes_nowhere),
	   UNIT(N6_an_answer_to_a_client_is_taken_note_of_once),
	   UNIT(N6_answers_that_were_not_asked_for_are_not_noted),
	   UNIT(N6_notes_have_a_limit),
	   UNIT(N6_a_client_that_asks_much_does_not_drown_another_s),
	   UNIT(a_list_that_can_t_be_is_refused_whole))
