/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vifwallctl dns, against the control side as it is, with what is known of
 * names put there by each test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/cli/ask.h"
#include "mock/cli_bed.h"
#include "unit.h"

static struct ctl_bed b;
static struct cli_bed t;
static struct rule_names *names;
static uint16_t work, nas;

static int tool(const char *line)
{
	return cli_bed_ask(&t, &b, line);
}

static void start(void)
{
	struct rule_names_conf c;
	void *mem = calloc(1, rule_names_size());

	CU_ASSERT_FATAL(mem != NULL);
	rule_names_conf_default(&c);
	ctl_bed_open(&b);
	names = rule_names_init(mem, rule_names_size(), &c);
	b.apply.names = names;
	work = apply_find(&b.apply, "work", 4);
	nas = apply_find(&b.apply, "nas", 3);
}

static void stop(void)
{
	CU_ASSERT(cli_bed_harmless(&t));
	ctl_bed_close(&b);
	free(names);
}

static void knows(uint16_t owner, const char *name, const char *addr,
		  uint32_t ttl)
{
	struct pkt_dns_addr a = { .ttl = ttl };

	CU_ASSERT_EQUAL(pkt_addr_parse(&a.addr, addr, strlen(addr)), 0);
	CU_ASSERT(rule_names_answer(names, owner, name,
				    strchr(addr, ':') ? RULE_IP6 : RULE_IP4,
				    RULE_NAME_ADDRS, &a, 1, b.now));
}

static void wants(uint16_t n, const char *name)
{
	CU_ASSERT_EQUAL(rule_names_want(names, n, name, b.now), 0);
}

static void names_are_listed_with_source_and_ttl(void)
{
	start();
	CU_ASSERT_EQUAL(tool("dns"), CLI_OK);
	CU_ASSERT(cli_bed_said(&t, "no host names in rules\n"));
	wants(work, "a.test");
	wants(nas, "a.test");
	wants(nas, "gone.test");
	knows(0, "a.test", "192.0.2.1", 30);
	b.now.ns += 60 * MONO_S;
	knows(0, "a.test", "2001:db8::1", 60);
	knows(work, "a.test", "192.0.2.2", 120);
	(void)rule_names_answer(names, 0, "gone.test", RULE_IP4, RULE_NAME_GONE,
				NULL, 0, b.now);
	CU_ASSERT_EQUAL(tool("dns"), CLI_OK);
	CU_ASSERT(cli_bed_said(&t,
			       "FOR        NAME       ADDRESS      SOURCE      "
			       "                   TTL LEFT  ANSWERS\n"
			       "2 clients  a.test     192.0.2.1    grace       "
			       "                          -        2\n"
			       "2 clients  a.test     2001:db8::1  query       "
			       "                       60 s        2\n"
			       "1 clients  gone.test  -            IPv4 no "
			       "such name, IPv6 asked         -        0\n"
			       "work       a.test     192.0.2.2    seen        "
			       "                      2 min        1\n"));
	stop();
}

static void one_client_sees_its_own_names(void)
{
	start();
	wants(work, "a.test");
	wants(nas, "b.test");
	knows(0, "a.test", "192.0.2.1", 30);
	knows(0, "b.test", "192.0.2.2", 30);
	knows(nas, "b.test", "192.0.2.3", 30);
	CU_ASSERT_EQUAL(tool("dns work"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "192.0.2.1"));
	CU_ASSERT(!strstr(t.out, "192.0.2.2") && !strstr(t.out, "192.0.2.3"));
	CU_ASSERT_EQUAL(tool("dns --client=10.0.0.6"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "192.0.2.2") && cli_bed_has(&t, "192.0.2.3"));
	stop();
}

static void json_is_whole_over_many_pages(void)
{
	char name[32], addr[32];
	uint32_t rows = 0;

	start();
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "n%d.test", i);
		wants(work, name);
		for (int k = 0; k < (int)RULE_ADDR_MAX; k++) {
			snprintf(addr, sizeof(addr), "192.0.%d.%d", i, k);
			knows(0, name, addr, 60);
			snprintf(addr, sizeof(addr), "2001:db8::%x:%x", i, k);
			knows(0, name, addr, 60);
		}
	}
	CU_ASSERT_EQUAL(tool("dns --json"), CLI_OK);
	for (const char *p = t.out; (p = strstr(p, "\"name\"")); p++)
		rows++;
	CU_ASSERT_EQUAL(rows, 20);
	CU_ASSERT(cli_bed_has(&t, "\"resolving\":true"));
	CU_ASSERT(cli_bed_has(&t, "192.0.19.63"));
	stop();
}

static void switched_off_it_says_so(void)
{
	start();
	b.apply.names = NULL;
	CU_ASSERT_EQUAL(tool("dns"), CLI_OK);
	CU_ASSERT(cli_bed_has(&t, "host names are not resolved (names = off)"));
	stop();
}

UNIT_SUITE(cli_dns, UNIT(names_are_listed_with_source_and_ttl),
	   UNIT(one_client_sees_its_own_names),
	   UNIT(json_is_whole_over_many_pages), UNIT(switched_off_it_says_so))
