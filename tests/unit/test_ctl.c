/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the operator's socket answers: every request, over a real socket.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mock/ctl_bed.h"
#include "unit.h"

static struct ctl_bed b;

static void start(void)
{
	ctl_bed_open(&b);
}

static void stop(void)
{
	ctl_bed_close(&b);
}

static bool error_is(const char *want)
{
	return ctl_bed_has(&b, jroot(&b.doc), "error", want);
}

static const struct jval *nth(const struct jval *list, int i)
{
	const struct jval *v = jfirst(&b.doc, list);

	while (v && i--)
		v = jnext(&b.doc, list, v);
	return v;
}

/* ---- requests -------------------------------------------------------------*/

static void status_has_what_an_operator_asks_first(void)
{
	const struct jval *o, *c;

	start();
	ctl_bed_rule(&b, "action=accept proto=tcp dstports=443-443");
	b.view->client[1].from_packets = 12;
	b.view->client[1].drop[PKT_REASON_RULE] = 3;
	b.view->client[1].drop[PKT_REASON_TTL] = 4;
	o = ctl_bed_ask(&b, "status");
	CU_ASSERT(ctl_bed_has(&b, o, "version", VIFWALL_VERSION));
	CU_ASSERT_EQUAL(jms(&b.doc, jget(&b.doc, o, "uptime")), 7000);
	CU_ASSERT(jtrue(&b.doc, jget(&b.doc, o, "data_up")));
	c = jget(&b.doc, o, "uplink");
	CU_ASSERT(jtrue(&b.doc, jget(&b.doc, c, "up")));
	CU_ASSERT(ctl_bed_has(&b, c, "port", "packet:eth0"));
	CU_ASSERT(ctl_bed_has(&b, c, "ip", "192.0.2.2"));
	c = jget(&b.doc, o, "flows");
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, c, "used")), 5);
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, c, "capacity")), 64);
	c = jget(&b.doc, o, "client_counts");
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, c, "all")), 3);
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, c, "open")), 2);
	c = nth(jget(&b.doc, o, "clients"), 0);
	CU_ASSERT(ctl_bed_has(&b, c, "name", "work"));
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, c, "from_packets")), 12);
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, c, "dropped")), 7);
	CU_ASSERT(jtrue(&b.doc, jget(&b.doc, jget(&b.doc, c, "ip4"), "open")));
	CU_ASSERT(ctl_bed_has(&b, jget(&b.doc, c, "ip6"), "why",
			      "no rules were committed"));
	stop();
}

static void status_says_that_data_is_down(void)
{
	const struct jval *o, *set;

	start();
	ctl_bed_rule(&b, "action=accept");
	ctl_bed_data_down(&b);
	o = ctl_bed_ask(&b, "status");
	CU_ASSERT(!jtrue(&b.doc, jget(&b.doc, o, "data_up")));
	CU_ASSERT_PTR_NULL(jget(&b.doc, o, "flows"));
	set = jget(&b.doc, nth(jget(&b.doc, o, "clients"), 0), "ip4");
	CU_ASSERT(!jtrue(&b.doc, jget(&b.doc, set, "open")));
	CU_ASSERT(ctl_bed_has(
		&b, set, "why",
		"the process that handles packets is being restarted"));
	stop();
}

static void a_client_is_closed_for_a_reason(void)
{
	static const struct {
		const char *why;
		uint8_t family;
	} * w, want[] = {
		{ "no rules were committed", 0 },
		{ "its rules could not be read", 0 },
		{ "its port is not there", 0 },
		{ "refused by the process that handles packets", 0 },
		{ "the process that handles packets was not told of it yet",
		  0 },
	};
	struct apply_slot *s = &b.apply.slot[1];

	start();
	for (w = want; w < want + sizeof(want) / sizeof(want[0]); w++) {
		const struct jval *c;

		if (w == want + 1)
			ctl_bed_rule(&b, "action=maybe");
		s->port_err = w == want + 2 ? ENODEV : 0;
		s->err = w == want + 3 ? EINVAL : 0;
		s->told = w < want + 4;
		c = nth(jget(&b.doc, ctl_bed_ask(&b, "clients"), "clients"), 0);
		CU_ASSERT(
			ctl_bed_has(&b, jget(&b.doc, c, "ip4"), "why", w->why));
	}
	stop();
}

static void rules_are_listed_with_their_numbers(void)
{
	const struct jval *o, *r;

	start();
	ctl_bed_rule(&b, "action=accept proto=tcp dstports=443-443");
	o = ctl_bed_ask(&b, "rules client=work");
	CU_ASSERT(ctl_bed_has(&b, o, "client", "work"));
	CU_ASSERT_EQUAL(
		jnum(&b.doc, jget(&b.doc, jget(&b.doc, o, "ip4"), "count")), 1);
	r = nth(jget(&b.doc, o, "list"), 0);
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, r, "number")), 3);
	CU_ASSERT(ctl_bed_has(&b, r, "family", "ip4"));
	CU_ASSERT(ctl_bed_has(&b, r, "text",
			      "action=accept proto=tcp dstports=443-443"));
	/* by address it is the same client */
	o = ctl_bed_ask(&b, "rules client=fd00::5");
	CU_ASSERT(ctl_bed_has(&b, o, "client", "work"));
	stop();
}

static void bad_rules_are_shown_with_place_and_reason(void)
{
	const struct jval *e;

	start();
	ctl_bed_rule(&b, "action=accept colour=blue");
	e = jget(&b.doc,
		 jget(&b.doc, ctl_bed_ask(&b, "rules client=work"), "ip4"),
		 "error");
	CU_ASSERT(ctl_bed_has(&b, e, "key", "0003"));
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, e, "column")), 15);
	CU_ASSERT(jget(&b.doc, e, "why")->len > 5);
	stop();
}

static void long_lists_come_in_pages(void)
{
	uint64_t from = 0, seen = 0, pages = 0;
	char name[64];

	start();
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "/qubes-firewall/10.0.0.5/%04u",
			 i);
		ctl_bed_key(&b, name, "action=accept proto=tcp dstports=80-80");
	}
	ctl_bed_rule(&b, "action=accept");
	do {
		const struct jval *o =
			ctl_bed_ask(&b, "rules client=work from=%llu",
				    (unsigned long long)from);
		const struct jval *list = jget(&b.doc, o, "list");

		for (const struct jval *v = jfirst(&b.doc, list); v;
		     v = jnext(&b.doc, list, v))
			CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, v, "number")),
					seen++);
		from = jnum(&b.doc, jget(&b.doc, o, "next"));
	} while (from && ++pages < 100);
	CU_ASSERT_EQUAL(seen, 3000);
	CU_ASSERT(pages > 2);
	stop();
}

static void blocked_is_newest_first_and_says_how_to_allow(void)
{
	const struct jval *list;

	start();
	ctl_bed_block(&b, 0, 1, PKT_REASON_POLICY, 30000);
	ctl_bed_block(&b, 1, 1, PKT_REASON_RULE, 10000);
	ctl_bed_block(&b, 2, 0, PKT_REASON_SPOOF_UPLINK, 20000);
	list = jget(&b.doc, ctl_bed_ask(&b, "blocked"), "list");
	CU_ASSERT(ctl_bed_has(&b, nth(list, 0), "reason", "rule"));
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, nth(list, 0), "rule")), 7);
	CU_ASSERT(
		ctl_bed_has(&b, nth(list, 0), "remedy",
			    "qvm-firewall work add --before 7 accept "
			    "dsthost=198.51.100.9 proto=tcp dstports=443-443"));
	CU_ASSERT(ctl_bed_has(&b, nth(list, 1), "client", "uplink"));
	CU_ASSERT_PTR_NULL(jget(&b.doc, nth(list, 1), "remedy"));
	CU_ASSERT(
		ctl_bed_has(&b, nth(list, 2), "remedy",
			    "qvm-firewall work add accept dsthost=198.51.100.9 "
			    "proto=tcp dstports=443-443"));
	CU_ASSERT_EQUAL(jms(&b.doc, jget(&b.doc, nth(list, 2), "last_ago")),
			30000);
	CU_ASSERT_PTR_NULL(nth(list, 3));
	list = jget(&b.doc, ctl_bed_ask(&b, "blocked client=nas"), "list");
	CU_ASSERT_PTR_NULL(nth(list, 0));
	stop();
}

static void a_guest_is_named_to_dom0_by_its_address(void)
{
	const struct jval *row;

	start();
	ctl_bed_block(&b, 0, 1, PKT_REASON_POLICY, 1000);
	b.apply.slot[1].guest = true;
	row = nth(jget(&b.doc, ctl_bed_ask(&b, "blocked"), "list"), 0);
	CU_ASSERT(ctl_bed_has(&b, row, "remedy",
			      "qvm-firewall QUBE add accept "
			      "dsthost=198.51.100.9 proto=tcp dstports=443-443"
			      "  # QUBE: it has 10.0.0.5"));
	stop();
}

static void a_row_about_nobody_has_no_remedy(void)
{
	static const uint16_t nobody[] = { 7, APPLY_SLOTS, UINT16_MAX };
	const struct jval *row;

	start();
	for (uint32_t i = 0; i < 3; i++) {
		ctl_bed_block(&b, 0, nobody[i], PKT_REASON_POLICY, 1000);
		row = nth(jget(&b.doc, ctl_bed_ask(&b, "blocked"), "list"), 0);
		CU_ASSERT_PTR_NOT_NULL(row);
		CU_ASSERT_PTR_NULL(jget(&b.doc, row, "remedy"));
	}
	stop();
}

static void icmp_has_a_type_instead_of_a_port(void)
{
	const struct jval *row;

	start();
	ctl_bed_block(&b, 0, 1, PKT_REASON_POLICY, 1000);
	b.view->blocked[0].proto = 1;
	b.view->blocked[0].dport = 8;
	row = nth(jget(&b.doc, ctl_bed_ask(&b, "blocked"), "list"), 0);
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, row, "icmp_type")), 8);
	CU_ASSERT_PTR_NULL(jget(&b.doc, row, "port"));
	CU_ASSERT(
		ctl_bed_has(&b, row, "remedy",
			    "qvm-firewall work add accept dsthost=198.51.100.9 "
			    "proto=icmp icmptype=8"));
	b.view->blocked[0].proto = 47;
	row = nth(jget(&b.doc, ctl_bed_ask(&b, "blocked"), "list"), 0);
	CU_ASSERT(ctl_bed_has(&b, row, "proto", "47"));
	CU_ASSERT_PTR_NULL(jget(&b.doc, row, "remedy"));
	stop();
}

static void a_row_that_is_being_written_is_left_out(void)
{
	start();
	ctl_bed_block(&b, 0, 1, PKT_REASON_POLICY, 1000);
	b.view->blocked[0].seq = 1;
	CU_ASSERT_PTR_NULL(
		nth(jget(&b.doc, ctl_bed_ask(&b, "blocked"), "list"), 0));
	stop();
}

/* The view belongs to the process that touches packets. */
static void R136_nonsense_in_the_view_is_harmless(void)
{
	start();
	memset(b.view->blocked, 0xee, sizeof(b.view->blocked));
	for (uint32_t i = 0; i < VIEW_BLOCKED_N; i++)
		b.view->blocked[i].seq = 0;
	memset(b.view->client, 0xee,
	       (b.conf.clients + 1u) * sizeof(b.view->client[0]));
	b.view->clients = UINT16_MAX;
	(void)ctl_bed_ask(&b, "blocked");
	CU_ASSERT(ctl_bed_has(&b, nth(jget(&b.doc, jroot(&b.doc), "list"), 0),
			      "reason", "?"));
	(void)ctl_bed_ask(&b, "drops");
	(void)ctl_bed_ask(&b, "clients");
	(void)ctl_bed_ask(&b, "status");
	for (const char *p = b.text; *p; p++)
		CU_ASSERT(*p >= ' ' && *p <= '~');
	stop();
}

static void drops_are_counted_by_reason(void)
{
	const struct jval *list, *d;

	start();
	b.view->client[1].drop[PKT_REASON_TTL] = 4;
	b.view->client[0].drop[PKT_REASON_SPOOF_UPLINK] = 9;
	list = jget(&b.doc, ctl_bed_ask(&b, "drops"), "list");
	CU_ASSERT(ctl_bed_has(&b, nth(list, 0), "client", "uplink"));
	CU_ASSERT(ctl_bed_has(&b, nth(list, 1), "client", "work"));
	CU_ASSERT_PTR_NULL(nth(list, 2));
	d = jget(&b.doc, nth(list, 1), "drops");
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, d, "ttl")), 4);
	list = jget(&b.doc, ctl_bed_ask(&b, "drops client=nas"), "list");
	CU_ASSERT(ctl_bed_has(&b, nth(list, 0), "client", "nas"));
	stop();
}

static void flows_show_both_ends_and_the_rule(void)
{
	const struct jval *o, *f;

	start();
	ctl_bed_rule(&b, "action=accept");
	b.view->client[1].rule_gen = 0x10002;
	b.page.cursor = 17;
	ctl_bed_flow(&b, 0, 1, 0)->gen = 2;
	ctl_bed_flow(&b, 1, 1, 0)->gen = 1;
	ctl_bed_flow(&b, 2, 1, 0)->gen = 2;
	b.page.flow[2].rule = RULE_IDX_POLICY;
	ctl_bed_flow(&b, 3, 2, 0);
	o = ctl_bed_ask(&b, "flows client=work");
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, o, "next")), 17);
	f = nth(jget(&b.doc, o, "list"), 0);
	CU_ASSERT(ctl_bed_has(&b, f, "client", "work"));
	CU_ASSERT(ctl_bed_has(&b, f, "to", "uplink"));
	CU_ASSERT(ctl_bed_has(&b, f, "proto", "tcp"));
	CU_ASSERT(ctl_bed_has(&b, f, "state", nat_state_name(NAT_TCP_EST)));
	CU_ASSERT_EQUAL(jms(&b.doc, jget(&b.doc, f, "expires_in")), 5500);
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, f, "rule")), 3);
	CU_ASSERT(ctl_bed_has(&b, jget(&b.doc, f, "responder"), "ip",
			      "198.51.100.9"));
	CU_ASSERT(ctl_bed_has(&b, jget(&b.doc, f, "responder"), "sees_ip",
			      "192.0.2.2"));
	CU_ASSERT_PTR_NULL(jget(&b.doc, jget(&b.doc, f, "opener"), "sees_ip"));
	/* of an older set: its places mean other rules now */
	CU_ASSERT_PTR_NULL(
		jget(&b.doc, nth(jget(&b.doc, o, "list"), 1), "rule"));
	CU_ASSERT(ctl_bed_has(&b, nth(jget(&b.doc, o, "list"), 2), "rule",
			      "policy"));
	CU_ASSERT_PTR_NULL(nth(jget(&b.doc, o, "list"), 3));
	stop();
}

static void R136_nonsense_in_flows_is_harmless(void)
{
	start();
	ctl_bed_rule(&b, "action=accept");
	memset(&b.page, 0xee, sizeof(b.page));
	b.page.n = MSG_FLOWS_PER_PAGE;
	b.page.cursor = 1;
	(void)ctl_bed_ask(&b, "flows");
	CU_ASSERT(ctl_bed_has(&b, nth(jget(&b.doc, jroot(&b.doc), "list"), 0),
			      "client", "?"));
	memset(&b.page, 0, sizeof(b.page));
	ctl_bed_data_down(&b);
	(void)ctl_bed_ask(&b, "flows");
	CU_ASSERT(error_is("the process that handles packets does not answer"));
	stop();
}

static void reload_says_whether_it_was_done(void)
{
	const struct jval *o;

	start();
	CU_ASSERT(jtrue(&b.doc,
			jget(&b.doc, ctl_bed_ask(&b, "reload"), "reloaded")));
	b.reload_says = "f:1: bad\nf:2: worse\n";
	o = ctl_bed_ask(&b, "reload");
	CU_ASSERT(!jtrue(&b.doc, jget(&b.doc, o, "reloaded")));
	CU_ASSERT(error_is("f:1: bad"));
	CU_ASSERT_EQUAL(nth(jget(&b.doc, o, "errors"), 1)->len, 10);
	CU_ASSERT_PTR_NULL(nth(jget(&b.doc, o, "errors"), 2));
	stop();
}

/* ---- explain --------------------------------------------------------------*/

static const struct {
	const char *ask, *verdict, *reason, *rule;
} explained[] = {
	{ "client=work dst=198.51.100.9 proto=tcp port=443", "accept", "",
	  "3" },
	{ "client=work dst=198.51.100.9 proto=tcp port=80", "drop", "policy",
	  "policy" },
	{ "client=work dst=198.51.100.9 proto=icmp port=8", "drop", "policy",
	  "policy" },
	{ "client=work dst=10.0.0.1 proto=tcp port=443", "drop", "to-self",
	  "" },
	{ "client=work dst=192.0.2.2 proto=tcp port=443", "drop", "hairpin",
	  "" },
	{ "client=work dst=10.0.0.6 proto=tcp port=443", "accept", "", "3" },
	{ "client=work dst=10.1.2.3 proto=tcp port=443", "drop",
	  "client-to-client", "" },
	{ "client=work dst=10.0.0.5 proto=tcp port=443", "drop",
	  "client-to-client", "" },
	{ "client=work dst=10.0.0.77 proto=tcp port=443", "drop",
	  "client-to-client", "" },
	{ "client=work dst=224.0.0.1 proto=udp port=1", "drop", "multicast",
	  "" },
	{ "client=work dst=127.0.0.1 proto=udp port=1", "drop", "martian-dst",
	  "" },
	{ "client=work dst=0.0.0.0 proto=udp port=1", "drop", "martian-dst",
	  "" },
	{ "client=work dst=198.51.100.9 proto=47", "drop", "proto", "" },
	{ "client=work dst=2001:db8::9 proto=tcp port=443", "drop", "closed",
	  "" },
	{ "client=nas dst=198.51.100.9 proto=tcp port=443", "drop", "closed",
	  "" },
	{ "client=lab dst=198.51.100.9 proto=udp port=9", "accept", "",
	  "policy" },
};

static void explain_says_what_would_happen_and_why(void)
{
	start();
	ctl_bed_key(&b, "/connected-ips", "10.0.0.5 10.0.0.77");
	ctl_bed_rule(&b, "action=accept proto=tcp dstports=443-443");
	for (size_t i = 0; i < sizeof(explained) / sizeof(explained[0]); i++) {
		const struct jval *o =
			ctl_bed_ask(&b, "explain %s", explained[i].ask);

		CU_ASSERT(ctl_bed_has(&b, o, "verdict", explained[i].verdict));
		CU_ASSERT(ctl_bed_has(&b, o, "reason", explained[i].reason));
		CU_ASSERT(ctl_bed_has(&b, o, "rule", explained[i].rule));
	}
	stop();
}

static void a_profile_is_shown_and_explained(void)
{
	static struct conf_errors errors;
	static struct conf conf;
	static const char text[] = "client.work.profile = no-lan";
	const struct jval *o;

	start();
	ctl_bed_rule(&b, "action=accept");
	conf = b.apply.conf;
	conf_read_text(&conf, "more", text, strlen(text), &errors);
	CU_ASSERT_EQUAL(errors.n, 0);
	apply_conf(&b.apply, &conf);
	ctl_bed_turn(&b);
	o = ctl_bed_ask(&b,
			"explain client=work dst=10.0.0.6 proto=tcp port=1");
	CU_ASSERT(ctl_bed_has(&b, o, "reason", "profile"));
	CU_ASSERT(ctl_bed_has(&b, o, "profile", "no-lan"));
	CU_ASSERT(ctl_bed_has(&b, o, "profile_rule", "2"));
	CU_ASSERT(ctl_bed_has(&b, o, "text", "action=drop dst=lan"));
	CU_ASSERT(ctl_bed_has(&b, o, "told", "an ICMP error"));
	o = ctl_bed_ask(&b,
			"explain client=work dst=192.0.3.1 proto=tcp port=1");
	CU_ASSERT(ctl_bed_has(&b, o, "verdict", "accept"));
	CU_ASSERT(ctl_bed_has(&b, o, "rule", "3"));
	o = ctl_bed_ask(&b, "rules client=work");
	CU_ASSERT(ctl_bed_has(&b, o, "profile", "no-lan"));
	CU_ASSERT(jget(&b.doc, o, "profile_rules") != NULL);
	o = ctl_bed_ask(&b, "rules client=nas");
	CU_ASSERT(jget(&b.doc, o, "profile_rules") == NULL);
	o = ctl_bed_ask(&b, "status");
	CU_ASSERT(ctl_bed_has(&b, jget(&b.doc, o, "profiles"), "count", "1"));
	stop();
}

static void explain_says_how_it_leaves_or_what_is_told(void)
{
	const struct jval *o;

	start();
	ctl_bed_rule(&b, "action=accept proto=tcp dstports=443-443");
	o = ctl_bed_ask(
		&b, "explain client=work dst=198.51.100.9 proto=tcp port=443");
	CU_ASSERT(ctl_bed_has(&b, o, "to", "uplink"));
	CU_ASSERT(ctl_bed_has(&b, o, "as", "192.0.2.2"));
	CU_ASSERT(ctl_bed_has(&b, o, "text",
			      "action=accept proto=tcp dstports=443-443"));
	o = ctl_bed_ask(&b,
			"explain client=work dst=10.0.0.6 proto=tcp port=443");
	CU_ASSERT(ctl_bed_has(&b, o, "to", "nas"));
	CU_ASSERT_PTR_NULL(jget(&b.doc, o, "as"));
	o = ctl_bed_ask(
		&b, "explain client=work dst=198.51.100.9 proto=udp port=443");
	CU_ASSERT(ctl_bed_has(&b, o, "told", "an ICMP error"));
	b.apply.conf.reject = CONF_REJECT_RST;
	o = ctl_bed_ask(
		&b, "explain client=work dst=198.51.100.9 proto=tcp port=1");
	CU_ASSERT(ctl_bed_has(&b, o, "told", "a TCP reset"));
	b.apply.conf.reject = CONF_REJECT_SILENT;
	o = ctl_bed_ask(
		&b, "explain client=work dst=198.51.100.9 proto=tcp port=1");
	CU_ASSERT(ctl_bed_has(&b, o, "told", "nothing"));
	/* allowed, but there is no way */
	b.apply.slot[0].port_told = false;
	o = ctl_bed_ask(
		&b, "explain client=work dst=198.51.100.9 proto=tcp port=443");
	CU_ASSERT(ctl_bed_has(&b, o, "reason", "no-uplink"));
	b.apply.slot[2].port_told = false;
	o = ctl_bed_ask(&b,
			"explain client=work dst=10.0.0.6 proto=tcp port=443");
	CU_ASSERT(ctl_bed_has(&b, o, "reason", "port-down"));
	stop();
}

static void explain_knows_the_hairpin(void)
{
	const struct jval *o;

	start();
	b.apply.conf.hairpin = true;
	ctl_bed_rule(&b, "action=accept proto=tcp dstports=443-443");
	o = ctl_bed_ask(&b,
			"explain client=work dst=192.0.2.2 proto=tcp port=443");
	CU_ASSERT(ctl_bed_has(&b, o, "verdict", "accept"));
	CU_ASSERT(jtrue(&b.doc, jget(&b.doc, o, "hairpin")));
	o = ctl_bed_ask(&b,
			"explain client=work dst=192.0.2.2 proto=udp port=443");
	CU_ASSERT(ctl_bed_has(&b, o, "reason", "policy"));
	o = ctl_bed_ask(&b,
			"explain client=work dst=192.0.2.2 proto=icmp port=8");
	CU_ASSERT(ctl_bed_has(&b, o, "reason", "hairpin"));
	o = ctl_bed_ask(
		&b, "explain client=work dst=198.51.100.9 proto=tcp port=443");
	CU_ASSERT_PTR_NULL(jget(&b.doc, o, "hairpin"));
	stop();
}

#define OPENING(n) "/vm-config/vifwall-forward-" n

static void explain_names_the_opening(void)
{
	static const struct {
		const char *ask, *verdict, *reason, *to, *opening, *ip;
	} row[] = {
		{ "client=uplink dst=192.0.2.2 proto=tcp port=443 "
		  "src=198.51.100.9",
		  "accept", "", "work", "vifwall-forward-01", "10.0.0.5" },
		{ "client=uplink dst=192.0.2.2 proto=tcp port=444", "drop",
		  "no-flow", "", "", "" },
		{ "client=uplink dst=192.0.2.2 proto=udp port=443", "drop",
		  "no-flow", "", "", "" },
		{ "client=uplink dst=192.0.2.2 proto=tcp port=80 "
		  "src=203.0.113.9",
		  "accept", "", "lab", "vifwall-forward-02", "10.1.0.7" },
		{ "client=uplink dst=192.0.2.2 proto=tcp port=80", "drop",
		  "no-flow", "", "", "" },
		{ "client=uplink dst=192.0.2.2 proto=tcp port=99", "drop",
		  "port-down", "", "vifwall-forward-04", "10.9.9.9" },
		{ "client=uplink dst=10.0.0.5 proto=tcp port=443", "drop",
		  "dst-inside", "", "", "" },
		{ "client=uplink dst=198.51.100.1 proto=tcp port=443", "drop",
		  "no-flow", "", "", "" },
		{ "client=lab dst=192.0.2.2 proto=tcp port=443 src=10.1.0.9",
		  "accept", "", "work", "vifwall-forward-01", "10.0.0.5" },
		{ "client=lab dst=192.0.2.2 proto=tcp port=80 src=10.1.0.9",
		  "drop", "hairpin", "", "", "" },
		{ "client=lab dst=10.0.0.5 proto=tcp port=22 src=10.1.0.9",
		  "accept", "", "work", "vifwall-forward-03", "10.0.0.5" },
		{ "client=lab dst=10.0.0.5 proto=tcp port=23 src=10.1.0.9",
		  "drop", "client-to-client", "", "", "" },
	};

	start();
	ctl_bed_rule(&b, "action=accept");
	ctl_bed_key(&b, OPENING("01"),
		    "in=uplink proto=tcp dport=443 to=10.0.0.5:8443 "
		    "clients=yes");
	ctl_bed_key(&b, OPENING("02"),
		    "in=uplink dport=80 src=203.0.113.0/24 to=10.1.0.7");
	ctl_bed_key(&b, OPENING("03"), "from=10.1.0.0/16 to=10.0.0.5 dport=22");
	ctl_bed_key(&b, OPENING("04"), "in=uplink dport=99 to=10.9.9.9");
	ctl_bed_key(&b, OPENING("05"), "in=uplink");
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const struct jval *o =
			ctl_bed_ask(&b, "explain %s", row[i].ask);
		const struct jval *by = jget(&b.doc, o, "opening");

		CU_ASSERT(ctl_bed_has(&b, o, "verdict", row[i].verdict));
		CU_ASSERT(ctl_bed_has(&b, o, "reason", row[i].reason));
		CU_ASSERT(ctl_bed_has(&b, o, "to", row[i].to));
		CU_ASSERT_EQUAL(by != NULL, row[i].opening[0] != 0);
		if (by) {
			CU_ASSERT(ctl_bed_has(&b, by, "name", row[i].opening));
			CU_ASSERT(ctl_bed_has(&b, by, "ip", row[i].ip));
		}
	}
	stop();
}

static void openings_are_listed_with_what_becomes_of_them(void)
{
	const struct jval *o, *list, *first, *second;

	start();
	ctl_bed_rule(&b, "action=accept");
	ctl_bed_key(&b, OPENING("01"), "to=10.0.0.5 dport=443 in=uplink");
	ctl_bed_key(&b, OPENING("04"), "in=uplink dport=99 to=10.9.9.9");
	ctl_bed_key(&b, OPENING("05"), "in=uplink");
	o = ctl_bed_ask(&b, "forwards");
	list = jget(&b.doc, o, "list");
	first = jfirst(&b.doc, list);
	second = jnext(&b.doc, list, first);
	CU_ASSERT(ctl_bed_has(&b, first, "name", "vifwall-forward-01"));
	CU_ASSERT(ctl_bed_has(&b, first, "client", "work"));
	CU_ASSERT(ctl_bed_has(&b, first, "state", "open"));
	CU_ASSERT(ctl_bed_has(&b, first, "text",
			      "in=uplink dport=443 to=10.0.0.5:443"));
	CU_ASSERT(ctl_bed_has(&b, second, "state", "waits for its client"));
	CU_ASSERT_PTR_NULL(jnext(&b.doc, list, second));
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, o, "bad")), 1);
	o = jget(&b.doc, ctl_bed_ask(&b, "status"), "openings");
	CU_ASSERT_EQUAL(jnum(&b.doc, jget(&b.doc, o, "count")), 2);
	stop();
}

UNIT_SUITE(ctl, UNIT(status_has_what_an_operator_asks_first),
	   UNIT(status_says_that_data_is_down),
	   UNIT(a_client_is_closed_for_a_reason),
	   UNIT(rules_are_listed_with_their_numbers),
	   UNIT(bad_rules_are_shown_with_place_and_reason),
	   UNIT(long_lists_come_in_pages),
	   UNIT(blocked_is_newest_first_and_says_how_to_allow),
	   UNIT(a_guest_is_named_to_dom0_by_its_address),
	   UNIT(a_row_about_nobody_has_no_remedy),
	   UNIT(icmp_has_a_type_instead_of_a_port),
	   UNIT(a_row_that_is_being_written_is_left_out),
	   UNIT(R136_nonsense_in_the_view_is_harmless),
	   UNIT(drops_are_counted_by_reason),
	   UNIT(flows_show_both_ends_and_the_rule),
	   UNIT(R136_nonsense_in_flows_is_harmless),
	   UNIT(reload_says_whether_it_was_done),
	   UNIT(explain_says_what_would_happen_and_why),
	   UNIT(a_profile_is_shown_and_explained),
	   UNIT(explain_says_how_it_leaves_or_what_is_told),
	   UNIT(explain_knows_the_hairpin), UNIT(explain_names_the_opening),
	   UNIT(openings_are_listed_with_what_becomes_of_them))
