/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vifwallctl as an operator runs it, against the control side as it is: text,
 * JSON and exit codes of every command.
 */
#include <stdio.h>
#include <string.h>

#include "firewall/cli/ask.h"
#include "mock/cli_bed.h"
#include "unit.h"

#define RULE "action=accept proto=tcp dstports=443-443"

static struct ctl_bed b;
static struct cli_bed t;
static struct jdoc doc;

static int tool(const char *line)
{
	return cli_bed_ask(&t, &b, line);
}

static void start(void)
{
	ctl_bed_open(&b);
	ctl_bed_rule(&b, RULE);
}

static void stop(void)
{
	CU_ASSERT(cli_bed_harmless(&t));
	ctl_bed_close(&b);
}

/* Reads line @n of what it printed as JSON; its root. */
static const struct jval *json(int n)
{
	const char *line = t.out;

	while (n-- && line)
		line = strchr(line, '\n') + 1;
	CU_ASSERT_EQUAL_FATAL(jread(&doc, line, strcspn(line, "\n")), 0);
	CU_ASSERT_EQUAL(jnum(&doc, jget(&doc, jroot(&doc), "schema")),
			CTL_SCHEMA);
	return jroot(&doc);
}

static uint32_t count(const struct jval *list)
{
	uint32_t n = 0;

	for (const struct jval *v = jfirst(&doc, list); v;
	     v = jnext(&doc, list, v))
		n++;
	return n;
}

static const char *text(const struct jval *o, const char *key)
{
	static char out[JREAD_TEXT];

	return jtext(&doc, jget(&doc, o, key), out);
}

/* How often is @part in what it printed? */
static uint32_t times(const char *part)
{
	uint32_t n = 0;

	for (const char *p = t.out; (p = strstr(p, part)); p++)
		n++;
	return n;
}

/* ---- status, clients ------------------------------------------------------*/

static void status_tells_what_an_operator_asks_first(void)
{
	start();
	b.view->client[1].from_bytes = 1234567;
	b.view->client[1].drop[PKT_REASON_TTL] = 4;
	CU_ASSERT_EQUAL(tool("status"), CLI_OK);
	CU_ASSERT(cli_bed_said(
		&t, "vifwall  " VIFWALL_VERSION ", up 7 s\n"
		    "uplink   up, packet:eth0, 192.0.2.2 via 192.0.2.1\n"
		    "flows    5 of 64 (3 tcp, 2 udp, 0 icmp), 0 refused, "
		    "0 evicted\n"
		    "buffers  0 of 0 small and 0 of 0 large ones free\n"
		    "rules    no directory\n"
		    "clients  3 (room for 8), 2 open\n"
		    "\n"
		    "CLIENT  IPV4       IPV6      SENT  RECEIVED  DROPPED  "
		    "ADDRESSES\n"
		    "work    open, 1    CLOSED  1.2 MB       0 B        4  "
		    "10.0.0.5 fd00::5\n"
		    "nas     CLOSED     -          0 B       0 B        0  "
		    "10.0.0.6\n"
		    "lab     open, all  -          0 B       0 B        0  "
		    "10.1.0.0/16\n"
		    "\n"
		    "work IPv6 is closed: no rules were committed\n"
		    "nas IPv4 is closed: no rules were committed\n"));
	stop();
}

static void status_says_what_is_wrong(void)
{
	start();
	ctl_bed_rule(&b, "action=accept colour=blue");
	b.view->uplink_up = 0;
	strcpy(b.apply.conf.file, "/etc/x.conf");
	b.apply.slot[0].port_err = 19;
	b.apply.slot[2].port_err = 19;
	b.apply.slot[2].port_told = false;
	CU_ASSERT_EQUAL(tool("status"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, ", up 7 s, /etc/x.conf\n"));
	CU_ASSERT(cli_bed_has(&t, "uplink   DOWN, packet:eth0 (ENODEV)"));
	CU_ASSERT(cli_bed_has(&t, ", 1 open, 1 WITH BAD RULES\n"));
	CU_ASSERT(cli_bed_has(
		&t, "work IPv4 is closed: its rules could not be read\n"
		    "  rule 0003, column 15: "));
	CU_ASSERT(cli_bed_has(&t, "nas IPv4 is closed: its port is not there"));
	CU_ASSERT_EQUAL(tool("clients"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "nas     tap:n DOWN"));
	b.apply.restarts = 2;
	CU_ASSERT_EQUAL(tool("status"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "data process restarted 2 times\n"));
	ctl_bed_data_down(&b);
	CU_ASSERT_EQUAL(tool("status"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "NOT FORWARDING: data process is down\n"));
	stop();
}

static void an_uplink_on_rings_is_up_when_somebody_is_connected(void)
{
	start();
	b.apply.slot[0].ring.is = true;
	CU_ASSERT_EQUAL(tool("status"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "uplink   DOWN, "));
	CU_ASSERT_EQUAL(tool("metrics"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "\nvifwall_uplink_up 0\n"));
	b.apply.slot[0].ring.live = true;
	CU_ASSERT_EQUAL(tool("status"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "uplink   up, "));
	CU_ASSERT_EQUAL(tool("metrics"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "\nvifwall_uplink_up 1\n"));
	b.apply.slot[0].ring.is = false;
	stop();
}

static void status_shows_both_families_and_the_rules_directory(void)
{
	static struct source_dir dir;

	start();
	CU_ASSERT_EQUAL(
		pkt_addr_parse(&b.apply.uplink.addr6, "2001:db8::2", 11), 0);
	strcpy(dir.path, "/etc/rules");
	strcpy(dir.trouble, "gone");
	b.ctl.source = &dir;
	CU_ASSERT_EQUAL(tool("status"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "via 192.0.2.1, 2001:db8::2\n"));
	CU_ASSERT(cli_bed_has(&t, "rules    /etc/rules\n"
				  "         CAN'T BE READ: gone\n"));
	stop();
}

static void clients_and_status_as_json_are_one_object(void)
{
	static const char *const lines[] = { "status --json",
					     "clients --json" };

	start();
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(tool(lines[i]), CLI_OK);
		CU_ASSERT_EQUAL(times("\n"), 1);
		CU_ASSERT_EQUAL(count(jget(&doc, json(0), "clients")), 3);
		CU_ASSERT_STRING_EQUAL(
			text(jfirst(&doc, jget(&doc, jroot(&doc), "clients")),
			     "name"),
			"work");
	}
	stop();
}

/* ---- flows, rules ---------------------------------------------------------*/

static void flows_are_listed_or_there_are_none(void)
{
	start();
	CU_ASSERT_EQUAL(tool("flows"), CLI_OK);
	CU_ASSERT(cli_bed_said(&t, "no flows\n"));
	ctl_bed_flow(&b, 0, 1, 0);
	ctl_bed_flow(&b, 1, 2, 1)->gen = 9;
	ctl_bed_flow(&b, 2, 1, 0)->rule = RULE_IDX_POLICY;
	/* a redirected one, by IPv6: it wanted to go to where it sees */
	ctl_bed_flow(&b, 3, 1, 0)->stand_port[0] = 53;
	CU_ASSERT_EQUAL(pkt_addr_parse(&b.page.flow[3].stand[0], "fd00::1", 7),
			0);
	CU_ASSERT_EQUAL(tool("flows"), CLI_OK);
	CU_ASSERT(cli_bed_said(
		&t, "CLIENT  PROTO  FROM           TO                   AS  "
		    "STATE        EXPIRES  RULE\n"
		    "work    tcp    10.0.0.5:1000  198.51.100.9:443  40000  "
		    "established      5 s  0003\n"
		    "nas     tcp    10.0.0.5:1000  198.51.100.9:443  40000  "
		    "established      5 s  -\n"
		    "work    tcp    10.0.0.5:1000  198.51.100.9:443  40000  "
		    "established      5 s  policy\n"
		    "work    tcp    10.0.0.5:1000  [fd00::1]:53      40000  "
		    "established      5 s  0003\n"));
	CU_ASSERT_EQUAL(tool("flows nas --json"), CLI_OK);
	CU_ASSERT_EQUAL(count(jget(&doc, json(0), "list")), 1);
	stop();
}

static void flows_without_data_are_an_error(void)
{
	start();
	ctl_bed_data_down(&b);
	CU_ASSERT_EQUAL(tool("flows"), CLI_NO);
	CU_ASSERT(cli_bed_said(&t, ""));
	CU_ASSERT(cli_bed_err_has(&t, "vifwallctl: the process that handles "
				      "packets does not answer\n"));
	stop();
}

static void rules_of_one_client_or_of_all(void)
{
	static const char work[] =
		"work IPv4 (10.0.0.5): open, 1 rules, then drop, since 0 ms\n"
		"  0003  " RULE "\n"
		"work IPv6 (fd00::5): CLOSED: no rules were committed\n";
	char all[1024];

	start();
	CU_ASSERT_EQUAL(tool("rules work"), CLI_OK);
	CU_ASSERT(cli_bed_said(&t, work));
	CU_ASSERT_EQUAL(tool("rules --client=10.0.0.5"), CLI_OK);
	CU_ASSERT(cli_bed_said(&t, work));
	snprintf(all, sizeof(all),
		 "%snas IPv4 (10.0.0.6): CLOSED: no rules were committed\n"
		 "lab IPv4 (none, all accepted): open, 0 rules, then accept, "
		 "since 0 ms\n",
		 work);
	CU_ASSERT_EQUAL(tool("rules"), CLI_OK);
	CU_ASSERT(cli_bed_said(&t, all));
	CU_ASSERT_EQUAL(tool("rules nobody"), CLI_NO);
	CU_ASSERT(cli_bed_said(&t, ""));
	CU_ASSERT(cli_bed_err_has(
		&t, "there is no client of that name or address\n"));
	stop();
}

static void rules_as_json_are_an_object_for_each_client(void)
{
	start();
	CU_ASSERT_EQUAL(tool("rules --json"), CLI_OK);
	CU_ASSERT_EQUAL(times("\n"), 3);
	CU_ASSERT_STRING_EQUAL(text(json(0), "client"), "work");
	CU_ASSERT_STRING_EQUAL(
		text(jfirst(&doc, jget(&doc, jroot(&doc), "list")), "text"),
		RULE);
	CU_ASSERT_STRING_EQUAL(text(json(2), "client"), "lab");
	stop();
}

static void bad_rules_are_shown_with_their_place(void)
{
	start();
	ctl_bed_rule(&b, "action=accept colour=blue");
	CU_ASSERT_EQUAL(tool("rules work"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "CLOSED: its rules could not be read"));
	CU_ASSERT(cli_bed_has(&t, "\n  rule 0003, column 15: "));
	stop();
}

static void D10_nothing_from_the_rules_reaches_the_terminal_as_it_is(void)
{
	static const char *const lines[] = { "rules", "rules --json", "status",
					     "clients --json" };

	start();
	ctl_bed_rule(&b, "action=accept comment=\x1b]0;x\x07\xc2\x9b"
			 "31m\xe2\x80\xae");
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(tool(lines[i]), CLI_OK);
		CU_ASSERT(cli_bed_harmless(&t));
	}
	ctl_bed_rule(&b, "\x1b[2J\x9b");
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(tool(lines[i]), CLI_OK);
		CU_ASSERT(cli_bed_harmless(&t));
	}
	stop();
}

static void pages_are_put_together(void)
{
	char name[64];

	start();
	for (int i = 10; i < 3010; i++) {
		snprintf(name, sizeof(name), "/qubes-firewall/10.0.0.5/%04d",
			 i);
		ctl_bed_key(&b, name, "action=accept proto=udp");
	}
	ctl_bed_rule(&b, RULE);
	CU_ASSERT_EQUAL(tool("rules work"), CLI_OK);
	CU_ASSERT_EQUAL(times("  action=accept proto=udp\n"), 3000);
	CU_ASSERT_EQUAL(times("work IPv4"), 1);
	CU_ASSERT_EQUAL(tool("rules work --json"), CLI_OK);
	CU_ASSERT_EQUAL(times("\"proto"), 0);
	CU_ASSERT_EQUAL(times("\"text\":"), 3001);
	CU_ASSERT_EQUAL(times("\"schema\""), 1);
	CU_ASSERT_EQUAL(times("\"next\""), 0);
	CU_ASSERT_STRING_EQUAL(t.out + t.out_len - 4, "}]}\n");
	stop();
}

/* ---- explain, reload ------------------------------------------------------*/

static const struct {
	const char *words;
	int code;
	const char *says;
} explained[] = {
	{ "work 198.51.100.9 tcp 443", CLI_OK,
	  "work to 198.51.100.9, tcp port 443: ACCEPTED by rule 0003 (" RULE
	  ")\n  leaves by uplink as 192.0.2.2\n" },
	{ "work 10.0.0.6 tcp 443", CLI_OK,
	  "work to 10.0.0.6, tcp port 443: ACCEPTED by rule 0003 (" RULE
	  ")\n  leaves by nas\n" },
	{ "work 198.51.100.9 udp 53", CLI_NO,
	  "work to 198.51.100.9, udp port 53: REFUSED by the policy (drop), as "
	  "no rule matches\n"
	  "  policy: no rule matched and the policy refuses\n"
	  "  the client is sent an ICMP error\n" },
	{ "work 198.51.100.9 icmp", CLI_NO,
	  "work to 198.51.100.9, icmp type 8: REFUSED by the policy (drop), as "
	  "no rule matches\n"
	  "  policy: no rule matched and the policy refuses\n"
	  "  the client is sent an ICMP error\n" },
	{ "work 2001:db8::1 icmp", CLI_NO,
	  "work to 2001:db8::1, icmp type 128: REFUSED\n"
	  "  closed: client has no addresses or no rules yet\n"
	  "  the client is sent nothing\n" },
	{ "work 198.51.100.9 47", CLI_NO,
	  "work to 198.51.100.9, 47: REFUSED\n"
	  "  proto: protocol not supported\n"
	  "  the client is sent an ICMP error\n" },
	{ "work 10.0.0.1 icmp", CLI_NO,
	  "work to 10.0.0.1, icmp type 8: REFUSED\n"
	  "  to-self: no such service on the firewall itself\n"
	  "  the client is sent an echo reply\n" },
};

static void explain_answers_in_sentences_and_by_its_exit_code(void)
{
	char line[128];

	start();
	for (size_t i = 0; i < sizeof(explained) / sizeof(explained[0]); i++) {
		snprintf(line, sizeof(line), "explain %s", explained[i].words);
		CU_ASSERT_EQUAL(tool(line), explained[i].code);
		CU_ASSERT(cli_bed_said(&t, explained[i].says));
	}
	stop();
}

static void explain_as_json_has_the_same_exit_codes(void)
{
	start();
	CU_ASSERT_EQUAL(tool("--json explain work 198.51.100.9 tcp 443"),
			CLI_OK);
	CU_ASSERT_STRING_EQUAL(text(json(0), "verdict"), "accept");
	CU_ASSERT_EQUAL(tool("explain work 198.51.100.9 tcp 1 --json"), CLI_NO);
	CU_ASSERT_STRING_EQUAL(text(json(0), "reason"), "policy");
	stop();
}

static void a_hairpin_is_explained(void)
{
	start();
	b.apply.conf.hairpin = true;
	CU_ASSERT_EQUAL(tool("explain work 192.0.2.2 tcp 443"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "as 192.0.2.2 and comes back,\n  to a client "
				  "that has asked for that outside port"));
	stop();
}

static void a_question_that_is_none_is_a_mistake_of_the_command_line(void)
{
	start();
	CU_ASSERT_EQUAL(tool("explain work x tcp"), CLI_USAGE);
	CU_ASSERT(cli_bed_err_has(&t, "vifwallctl: dst is not an address\n"));
	CU_ASSERT_EQUAL(tool("explain nobody 1.2.3.4 tcp"), CLI_USAGE);
	CU_ASSERT_EQUAL(tool("explain work 1.2.3.4"), CLI_USAGE);
	CU_ASSERT(cli_bed_err_has(
		&t,
		"usage: vifwallctl explain CLIENT DST PROTO [PORT [SRC]]\n"));
	CU_ASSERT_EQUAL(tool("explain work 1.2.3.4 tcp 443 5"), CLI_USAGE);
	stop();
}

static void reload_says_whether_it_was_done(void)
{
	start();
	CU_ASSERT_EQUAL(tool("reload"), CLI_OK);
	CU_ASSERT(cli_bed_said(&t, "settings and rules were read again\n"));
	CU_ASSERT_EQUAL(tool("reload --json"), CLI_OK);
	CU_ASSERT(jtrue(&doc, jget(&doc, json(0), "reloaded")));
	b.reload_says = "f:1: bad\nf:2: w\x1brse\n";
	CU_ASSERT_EQUAL(tool("reload"), CLI_NO);
	CU_ASSERT(cli_bed_said(&t, ""));
	CU_ASSERT_STRING_EQUAL(t.err, "vifwallctl: f:1: bad\n"
				      "vifwallctl: f:2: w\\u001brse\n"
				      "vifwallctl: nothing was changed\n");
	CU_ASSERT_EQUAL(tool("reload --json"), CLI_NO);
	CU_ASSERT_EQUAL(count(jget(&doc, json(0), "errors")), 2);
	stop();
}

UNIT_SUITE(cli, UNIT(status_tells_what_an_operator_asks_first),
	   UNIT(status_says_what_is_wrong),
	   UNIT(an_uplink_on_rings_is_up_when_somebody_is_connected),
	   UNIT(status_shows_both_families_and_the_rules_directory),
	   UNIT(clients_and_status_as_json_are_one_object),
	   UNIT(flows_are_listed_or_there_are_none),
	   UNIT(flows_without_data_are_an_error),
	   UNIT(rules_of_one_client_or_of_all),
	   UNIT(rules_as_json_are_an_object_for_each_client),
	   UNIT(bad_rules_are_shown_with_their_place),
	   UNIT(D10_nothing_from_the_rules_reaches_the_terminal_as_it_is),
	   UNIT(pages_are_put_together),
	   UNIT(explain_answers_in_sentences_and_by_its_exit_code),
	   UNIT(explain_as_json_has_the_same_exit_codes),
	   UNIT(a_hairpin_is_explained),
	   UNIT(a_question_that_is_none_is_a_mistake_of_the_command_line),
	   UNIT(reload_says_whether_it_was_done))
