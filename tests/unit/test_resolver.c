/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The resolver on a wire: what it sends is caught, and answered or not.  By
 * sockets it is met in tests/net/74_names.sh.
 */
#include <errno.h>
#include <string.h>

#include "firewall/control/names/resolver.h"
#include "firewall/linux/loop.h"
#include "mock/dns_msg.h"
#include "packet/pkt_dns.h"
#include "unit.h"

#define SENT 64u

static struct resolver r;
static struct {
	uint32_t wire;
	struct pkt_addr server;
	struct pkt_dns d;
} sent[SENT];
static uint32_t sent_n;
static int send_err;
static int ready[SENT]; /* descriptors that are watched for reading */
static uint32_t ready_n;
static struct {
	char name[64];
	uint8_t family;
	size_t len;
} got[SENT];
static uint32_t got_n;

static void on_answer(void *ctx, const char *name, enum rule_family family,
		      const void *msg, size_t len)
{
	(void)ctx;
	CU_ASSERT_FATAL(got_n < SENT);
	CU_ASSERT_EQUAL(msg == NULL, len == 0);
	strncpy(got[got_n].name, name, sizeof(got[0].name) - 1);
	got[got_n].family = (uint8_t)family;
	got[got_n++].len = len;
}

static int on_watch(void *ctx, int fd, uint32_t wants)
{
	(void)ctx;
	for (uint32_t i = 0; i < ready_n; i++)
		if (ready[i] == fd)
			ready[i] = ready[--ready_n];
	if (wants & LOOP_IN)
		ready[ready_n++] = fd;
	return 0;
}

static int on_send(void *ctx, uint32_t wire, const struct pkt_addr *server,
		   const void *msg, size_t len)
{
	(void)ctx;
	CU_ASSERT_FATAL(sent_n < SENT);
	CU_ASSERT(len <= RESOLVER_MSG_MAX);
	if (send_err)
		return send_err;
	sent[sent_n].wire = wire;
	sent[sent_n].server = *server;
	CU_ASSERT_EQUAL(pkt_dns_parse(&sent[sent_n++].d, msg, len), 0);
	return 0;
}

static const struct resolver_ops ops = { .answer = on_answer,
					 .watch = on_watch,
					 .send = on_send };

static void start(const char *one, const char *two)
{
	struct pkt_addr a[2];

	sent_n = got_n = ready_n = 0;
	send_err = 0;
	memset(got, 0, sizeof(got));
	CU_ASSERT_EQUAL(pkt_addr_parse(&a[0], one, strlen(one)), 0);
	CU_ASSERT_EQUAL(pkt_addr_parse(&a[1], two, strlen(two)), 0);
	CU_ASSERT_EQUAL_FATAL(resolver_open(&r, &ops, a, 2), 0);
}

/* Everything that waits is looked at. */
static void turn(void)
{
	int fds[SENT];
	uint32_t n = ready_n;

	memcpy(fds, ready, sizeof(fds));
	for (uint32_t i = 0; i < n; i++)
		resolver_event(&r, fds[i], LOOP_IN);
}

/* Question @i is answered with an address. */
static void reply(uint32_t i, uint16_t flags, uint16_t id, const char *name)
{
	struct dns_msg m;

	dns_msg_begin(&m, id, flags, name, sent[i].d.type);
	dns_msg_addr(&m, name, 60,
		     sent[i].d.type == PKT_DNS_A ? "192.0.2.1" : "2001:db8::1");
	resolver_received(&r, sent[i].wire, m.b, m.len);
	turn();
}

static void a_question_goes_out_by_the_wire_and_its_answer_comes_back(void)
{
	char text[PKT_ADDR_TEXT];

	start("192.0.2.53", "2001:db8::53");
	CU_ASSERT(resolver_ask(&r, "a.test", RULE_IP4));
	CU_ASSERT(resolver_ask(&r, "b.test", RULE_IP6));
	CU_ASSERT_EQUAL_FATAL(sent_n, 2);
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &sent[0].server),
			       "192.0.2.53");
	CU_ASSERT_STRING_EQUAL(sent[0].d.name, "a.test");
	CU_ASSERT_EQUAL(sent[0].d.type, PKT_DNS_A);
	CU_ASSERT_EQUAL(sent[1].d.type, PKT_DNS_AAAA);
	CU_ASSERT(sent[0].d.id != sent[1].d.id);
	reply(1, DNS_MSG_ANSWER, sent[1].d.id, "b.test");
	reply(0, DNS_MSG_ANSWER, sent[0].d.id, "a.test");
	CU_ASSERT_EQUAL_FATAL(got_n, 2);
	CU_ASSERT_STRING_EQUAL(got[0].name, "b.test");
	CU_ASSERT_EQUAL(got[0].family, RULE_IP6);
	CU_ASSERT(got[0].len > 12);
	CU_ASSERT_STRING_EQUAL(got[1].name, "a.test");
	resolver_close(&r);
	CU_ASSERT_EQUAL(got_n, 2);
}

/* There is no TCP on a wire: what there was room for is what there is. */
static void an_answer_that_was_cut_short_is_an_answer(void)
{
	start("192.0.2.53", "192.0.2.54");
	CU_ASSERT(resolver_ask(&r, "a.test", RULE_IP4));
	CU_ASSERT_EQUAL_FATAL(sent_n, 1);
	reply(0, DNS_MSG_ANSWER | DNS_MSG_TRUNCATED, sent[0].d.id, "a.test");
	CU_ASSERT_EQUAL(sent_n, 1); /* nobody else was asked */
	CU_ASSERT_EQUAL_FATAL(got_n, 1);
	CU_ASSERT_STRING_EQUAL(got[0].name, "a.test");
	CU_ASSERT(got[0].len > 12);
	resolver_close(&r);
}

static void answers_to_something_else_are_not_taken(void)
{
	start("192.0.2.53", "192.0.2.54");
	CU_ASSERT(resolver_ask(&r, "a.test", RULE_IP4));
	CU_ASSERT_EQUAL_FATAL(sent_n, 1);
	reply(0, DNS_MSG_ANSWER, sent[0].d.id ^ 1, "a.test");
	reply(0, DNS_MSG_ANSWER, sent[0].d.id, "b.test");
	resolver_received(&r, sent[0].wire, "", 0);
	resolver_received(&r, sent[0].wire, "\0", 1);
	resolver_received(&r, 4711, "\0", 1);
	turn();
	CU_ASSERT_EQUAL(got_n, 0);
	reply(0, DNS_MSG_ANSWER, sent[0].d.id, "a.test");
	CU_ASSERT_EQUAL(got_n, 1);
	resolver_close(&r);
}

static void the_next_server_is_asked_when_one_fails(void)
{
	char text[PKT_ADDR_TEXT];

	start("192.0.2.53", "2001:db8::53");
	CU_ASSERT(resolver_ask(&r, "a.test", RULE_IP4));
	CU_ASSERT_EQUAL_FATAL(sent_n, 1);
	reply(0, DNS_MSG_ANSWER | 2, sent[0].d.id, "a.test");
	CU_ASSERT_EQUAL(got_n, 0);
	CU_ASSERT_EQUAL_FATAL(sent_n, 2);
	CU_ASSERT_STRING_EQUAL(pkt_addr_print(text, &sent[1].server),
			       "2001:db8::53");
	reply(1, DNS_MSG_ANSWER, sent[1].d.id, "a.test");
	CU_ASSERT_EQUAL(got_n, 1);
	CU_ASSERT(got[0].len > 0);
	resolver_close(&r);
}

static void when_nothing_can_be_sent_that_is_the_answer(void)
{
	start("192.0.2.53", "192.0.2.54");
	send_err = -ENETUNREACH;
	CU_ASSERT(resolver_ask(&r, "a.test", RULE_IP4));
	CU_ASSERT_EQUAL_FATAL(got_n, 1);
	CU_ASSERT_EQUAL(got[0].len, 0);
	send_err = 0;
	CU_ASSERT(resolver_ask(&r, "a.test", RULE_IP4));
	CU_ASSERT_EQUAL(sent_n, 1);
	resolver_close(&r);
}

static void questions_have_a_limit_and_closing_answers_them(void)
{
	start("192.0.2.53", "192.0.2.54");
	for (uint32_t i = 0; i < RESOLVER_ASKED; i++)
		CU_ASSERT(resolver_ask(&r, "a.test", RULE_IP4));
	CU_ASSERT(!resolver_ask(&r, "a.test", RULE_IP4));
	CU_ASSERT_EQUAL(got_n, 0);
	resolver_close(&r);
	CU_ASSERT_EQUAL(got_n, RESOLVER_ASKED);
	CU_ASSERT_EQUAL(got[0].len, 0);
	CU_ASSERT(!resolver_ask(&r, "a.test", RULE_IP4));
}

UNIT_SUITE(resolver,
	   UNIT(a_question_goes_out_by_the_wire_and_its_answer_comes_back),
	   UNIT(an_answer_that_was_cut_short_is_an_answer),
	   UNIT(answers_to_something_else_are_not_taken),
	   UNIT(the_next_server_is_asked_when_one_fails),
	   UNIT(when_nothing_can_be_sent_that_is_the_answer),
	   UNIT(questions_have_a_limit_and_closing_answers_them))
