/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/rule_names.h"
#include "unit.h"

static struct rule_names *t;
static struct mono now;

static void start(void)
{
	struct rule_names_conf c;

	rule_names_conf_default(&c);
	free(t);
	t = calloc(1, rule_names_size());
	CU_ASSERT_FATAL(t != NULL);
	t = rule_names_init(t, rule_names_size(), &c);
	now.ns = 1000 * MONO_S;
}

static void stop(void)
{
	free(t);
	t = NULL;
}

static void after(uint64_t s)
{
	now = mono_add_ms(now, s * 1000);
	rule_names_expire(t, now);
}

static void wants(uint16_t n, const char *name)
{
	CU_ASSERT_EQUAL(rule_names_want(t, n, name, now), 0);
}

static uint16_t read_list(struct pkt_dns_addr *list, uint32_t ttl,
			  const char *words)
{
	uint16_t n = 0;

	while (*words) {
		size_t len = strcspn(words, " ");

		list[n].ttl = ttl;
		CU_ASSERT_EQUAL(pkt_addr_parse(&list[n++].addr, words, len), 0);
		words += len + (words[len] == ' ');
	}
	return n;
}

/* Whoever is @owner is told addresses; by the first one's family. */
static bool tell(uint16_t owner, const char *name, uint32_t ttl,
		 const char *words)
{
	struct pkt_dns_addr list[RULE_ADDR_MAX + 2];
	uint16_t n = read_list(list, ttl, words);

	return rule_names_answer(t, owner, name,
				 strchr(words, ':') ? RULE_IP6 : RULE_IP4,
				 RULE_NAME_ADDRS, list, n, now);
}

static bool say(const char *name, enum rule_family family,
		enum rule_name_answer what)
{
	return rule_names_answer(t, RULE_NAMES_OURS, name, family, what, NULL,
				 0, now);
}

/* What client @n's rules get: "none" for -ENOENT, else the addresses. */
static const char *of(uint16_t n, const char *name, enum rule_family family)
{
	static char text[4096];
	struct pkt_addr a[RULE_ADDR_MAX];
	struct rule_names_of who = { .t = t, .n = n };
	int count = rule_names_resolve(&who, name, family, a, RULE_ADDR_MAX);

	if (count < 0) {
		CU_ASSERT_EQUAL(count, -ENOENT);
		return "none";
	}
	text[0] = '\0';
	for (int i = 0; i < rule_addr_written(count); i++) {
		char one[PKT_ADDR_TEXT];

		sprintf(text + strlen(text), "%s%s", i ? " " : "",
			pkt_addr_print(one, &a[i]));
	}
	return text;
}

/* All that is due, as "name4 name6 ..." */
static const char *due(void)
{
	static char text[1024];
	enum rule_family family;
	struct mono when;
	const char *name;

	text[0] = '\0';
	while ((name = rule_names_next(t, &family, &when, now)))
		sprintf(text + strlen(text), "%s%s%c", text[0] ? " " : "", name,
			family == RULE_IP4 ? '4' : '6');
	return text;
}

static void a_name_is_asked_for_once_whoever_wants_it(void)
{
	start();
	wants(1, "a.test");
	wants(1, "a.test");
	wants(2, "a.test.");
	wants(2, "b.test");
	CU_ASSERT_STRING_EQUAL(due(), "a.test4 a.test6 b.test4 b.test6");
	CU_ASSERT_STRING_EQUAL(due(), "");
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP4), "none");
	CU_ASSERT(tell(0, "a.test", 60, "192.0.2.1 192.0.2.2"));
	CU_ASSERT(rule_names_changed(t, 1));
	CU_ASSERT(rule_names_changed(t, 2));
	CU_ASSERT(!rule_names_changed(t, 1));
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP4),
			       "192.0.2.1 192.0.2.2");
	CU_ASSERT_STRING_EQUAL(of(2, "a.test.", RULE_IP4),
			       "192.0.2.1 192.0.2.2");
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP6), "none");
	/* the same once more is no change */
	CU_ASSERT(!tell(0, "a.test", 60, "192.0.2.2 192.0.2.1"));
	stop();
}

static void empty_is_known_only_when_the_other_family_is_there(void)
{
	start();
	wants(1, "a.test");
	CU_ASSERT(say("a.test", RULE_IP6, RULE_NAME_EMPTY));
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP6), "none");
	CU_ASSERT(tell(0, "a.test", 60, "192.0.2.1"));
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP6), "");
	wants(1, "gone.test");
	CU_ASSERT(say("gone.test", RULE_IP4, RULE_NAME_GONE));
	CU_ASSERT(say("gone.test", RULE_IP6, RULE_NAME_GONE));
	CU_ASSERT_STRING_EQUAL(of(1, "gone.test", RULE_IP4), "none");
	stop();
}

static void N6_what_a_client_is_told_counts_where_we_were_told_of_none(void)
{
	start();
	wants(1, "a.test");
	wants(2, "a.test");
	CU_ASSERT(tell(0, "a.test", 60, "192.0.2.1"));
	CU_ASSERT(say("a.test", RULE_IP6, RULE_NAME_EMPTY));
	CU_ASSERT(tell(1, "a.test", 60, "2001:db8::1"));
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP6), "2001:db8::1");
	CU_ASSERT_STRING_EQUAL(of(2, "a.test", RULE_IP6), "");
	stop();
}

static void N6_it_is_asked_again_before_the_ttl_ends_within_bounds(void)
{
	static const struct {
		uint32_t ttl, again;
	} row[] = {
		{ 0, 27 },	  { 30, 27 },	    { 1000, 900 },
		{ 86400, 77760 }, { 90000, 77760 }, { INT32_MAX, 77760 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		start();
		wants(1, "a.test");
		CU_ASSERT_STRING_EQUAL(due(), "a.test4 a.test6");
		tell(0, "a.test", row[i].ttl, "192.0.2.1");
		say("a.test", RULE_IP6, RULE_NAME_EMPTY);
		after(row[i].again - 1);
		(void)due();
		tell(0, "a.test", row[i].ttl, "192.0.2.1");
		after(row[i].again - 1);
		CU_ASSERT(!strstr(due(), "a.test4"));
		after(1);
		CU_ASSERT(strstr(due(), "a.test4") != NULL);
	}
	stop();
}

static void N6_failures_are_repeated_with_growing_pauses(void)
{
	static const uint32_t pause[] = { 1,  2,   4,	8,   16, 32,
					  64, 128, 300, 300, 300 };

	start();
	wants(1, "a.test");
	(void)due();
	say("a.test", RULE_IP6, RULE_NAME_EMPTY);
	for (size_t i = 0; i < sizeof(pause) / sizeof(pause[0]); i++) {
		CU_ASSERT(!say("a.test", RULE_IP4, RULE_NAME_FAILED));
		say("a.test", RULE_IP6, RULE_NAME_EMPTY);
		now = mono_add_ms(now, pause[i] * 1000ull - 1);
		CU_ASSERT(!strstr(due(), "a.test4"));
		now = mono_add_ms(now, 1);
		CU_ASSERT(strstr(due(), "a.test4") != NULL);
	}
	say("a.test", RULE_IP4, RULE_NAME_FAILED);
	CU_ASSERT(!strstr(due(), "a.test4"));
	rule_names_hurry(t, now);
	CU_ASSERT(strstr(due(), "a.test4") != NULL);
	stop();
}

static void N1_all_names_are_asked_for_anew_when_the_uplink_returns(void)
{
	start();
	wants(1, "a.test");
	wants(2, "b.test");
	wants(2, "c.test");
	(void)due();
	tell(0, "a.test", 86400, "192.0.2.1");
	say("a.test", RULE_IP6, RULE_NAME_EMPTY);
	say("b.test", RULE_IP4, RULE_NAME_GONE);
	say("b.test", RULE_IP6, RULE_NAME_GONE);
	say("c.test", RULE_IP6, RULE_NAME_EMPTY); /* one is still asked for */
	after(5);
	CU_ASSERT_STRING_EQUAL(due(), "");
	rule_names_hurry(t, now);
	CU_ASSERT_STRING_EQUAL(due(), "a.test4 a.test6 b.test4 b.test6 "
				      "c.test6");
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP4), "192.0.2.1");
	stop();
}

static void what_could_not_be_asked_is_due_again(void)
{
	start();
	wants(1, "a.test");
	CU_ASSERT_STRING_EQUAL(due(), "a.test4 a.test6");
	rule_names_unasked(t, "a.test", RULE_IP6);
	CU_ASSERT_STRING_EQUAL(due(), "a.test6");
	stop();
}

static void N6_an_address_stays_for_the_grace_after_its_ttl(void)
{
	start();
	wants(1, "a.test");
	tell(0, "a.test", 60, "192.0.2.1");
	after(50);
	CU_ASSERT(tell(0, "a.test", 60, "192.0.2.2"));
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP4),
			       "192.0.2.1 192.0.2.2");
	(void)rule_names_changed(t, 1);
	/* 60 + 3600 after the first answer, with answers all the time */
	for (int i = 0; i < 60; i++) {
		after(60);
		CU_ASSERT(!tell(0, "a.test", 60, "192.0.2.2"));
	}
	after(9);
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP4),
			       "192.0.2.1 192.0.2.2");
	CU_ASSERT(!rule_names_changed(t, 1));
	after(1);
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP4), "192.0.2.2");
	CU_ASSERT(rule_names_changed(t, 1));
	stop();
}

static void N6_a_resolver_that_fails_takes_nothing_away(void)
{
	start();
	wants(1, "a.test");
	tell(0, "a.test", 60, "192.0.2.1");
	after(30 * 86400);
	say("a.test", RULE_IP4, RULE_NAME_FAILED);
	after(1);
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP4), "192.0.2.1");
	/* one that says that the name has gone does */
	say("a.test", RULE_IP4, RULE_NAME_GONE);
	after(1);
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP4), "none");
	stop();
}

static void N6_what_a_client_is_told_holds_for_it_alone(void)
{
	start();
	wants(1, "a.test");
	wants(2, "a.test");
	tell(0, "a.test", 60, "192.0.2.1");
	(void)rule_names_changed(t, 1);
	(void)rule_names_changed(t, 2);
	CU_ASSERT(tell(1, "a.test", 60, "192.0.2.1 192.0.2.9"));
	CU_ASSERT(rule_names_changed(t, 1));
	CU_ASSERT(!rule_names_changed(t, 2));
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP4),
			       "192.0.2.1 192.0.2.9");
	CU_ASSERT_STRING_EQUAL(of(2, "a.test", RULE_IP4), "192.0.2.1");
	/* a name that no rule of its has */
	CU_ASSERT(!tell(1, "b.test", 60, "192.0.2.9"));
	wants(2, "b.test");
	CU_ASSERT(!tell(1, "b.test", 60, "192.0.2.9"));
	CU_ASSERT_STRING_EQUAL(of(1, "b.test", RULE_IP4), "none");
	/* and it can't take anything away */
	CU_ASSERT(!rule_names_answer(t, 1, "a.test", RULE_IP4, RULE_NAME_GONE,
				     NULL, 0, now));
	after(60 + 3600);
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP4), "192.0.2.1");
	stop();
}

static void names_that_nobody_wants_go_with_all_that_is_known(void)
{
	uint32_t cursor = 0;

	start();
	wants(1, "a.test");
	wants(2, "a.test");
	tell(0, "a.test", 60, "192.0.2.1");
	tell(1, "a.test", 60, "192.0.2.2");
	rule_names_forget(t, 1);
	rule_names_settle(t);
	CU_ASSERT_STRING_EQUAL(of(1, "a.test", RULE_IP4), "192.0.2.1");
	CU_ASSERT_STRING_EQUAL(of(2, "a.test", RULE_IP4), "192.0.2.1");
	rule_names_forget(t, 2);
	rule_names_settle(t);
	CU_ASSERT_STRING_EQUAL(of(2, "a.test", RULE_IP4), "none");
	CU_ASSERT(rule_names_each(t, &cursor) == NULL);
	CU_ASSERT_STRING_EQUAL(due(), "");
	stop();
}

static void told_the_same_wishes_again_nothing_changes(void)
{
	start();
	wants(1, "a.test");
	tell(0, "a.test", 60, "192.0.2.1");
	(void)rule_names_changed(t, 1);
	rule_names_forget(t, 1);
	wants(1, "a.test");
	rule_names_settle(t);
	CU_ASSERT(!rule_names_changed(t, 1));
	/* what is known already is news for who did not want it */
	wants(2, "a.test");
	CU_ASSERT(rule_names_changed(t, 2));
	stop();
}

static void a_client_has_so_many_names_and_no_more(void)
{
	char name[32];

	start();
	for (uint32_t i = 0; i < RULE_NAMES_EACH; i++) {
		sprintf(name, "n%u.test", i);
		wants(1, name);
	}
	CU_ASSERT_EQUAL(rule_names_want(t, 1, "more.test", now), -ENOSPC);
	wants(1, "n0.test");
	wants(2, "more.test");
	for (uint16_t n = 3; n < 3 + RULE_NAMES_MAX / RULE_NAMES_EACH; n++)
		for (uint32_t i = 0; i < RULE_NAMES_EACH; i++) {
			sprintf(name, "c%u-%u.test", n, i);
			(void)!rule_names_want(t, n, name, now);
		}
	CU_ASSERT_EQUAL(rule_names_want(t, 2, "last.test", now), -ENOSPC);
	/* and there is no room for what clients are told */
	CU_ASSERT(!tell(1, "n0.test", 60, "192.0.2.1"));
	stop();
}

static void many_addresses_displace_those_that_are_over_and_no_others(void)
{
	struct pkt_addr a[RULE_ADDR_MAX];
	struct rule_names_of who = { .t = NULL, .n = 1 };
	char text[32];

	start();
	who.t = t;
	wants(1, "a.test");
	for (uint32_t i = 0; i < RULE_ADDR_MAX; i++) {
		sprintf(text, "192.0.2.%u", i);
		CU_ASSERT(tell(0, "a.test", i ? 60 : 30, text));
	}
	CU_ASSERT_EQUAL(rule_names_resolve(&who, "a.test", RULE_IP4, a,
					   RULE_ADDR_MAX),
			RULE_ADDR_MAX);
	/* none is over: there are more than can be known */
	CU_ASSERT(tell(0, "a.test", 60, "198.51.100.1"));
	CU_ASSERT(rule_names_resolve(&who, "a.test", RULE_IP4, a,
				     RULE_ADDR_MAX) > (int)RULE_ADDR_MAX);
	after(31);
	CU_ASSERT(tell(0, "a.test", 60, "198.51.100.1"));
	CU_ASSERT(strstr(of(1, "a.test", RULE_IP4), "198.51.100.1") != NULL);
	CU_ASSERT(!strstr(of(1, "a.test", RULE_IP4), "192.0.2.0 "));
	CU_ASSERT(strstr(of(1, "a.test", RULE_IP4), "192.0.2.1 ") != NULL);
	CU_ASSERT_EQUAL(rule_names_resolve(&who, "a.test", RULE_IP4, a,
					   RULE_ADDR_MAX),
			RULE_ADDR_MAX);
	stop();
}

UNIT_SUITE(rule_names, UNIT(a_name_is_asked_for_once_whoever_wants_it),
	   UNIT(empty_is_known_only_when_the_other_family_is_there),
	   UNIT(N6_what_a_client_is_told_counts_where_we_were_told_of_none),
	   UNIT(N6_it_is_asked_again_before_the_ttl_ends_within_bounds),
	   UNIT(N6_failures_are_repeated_with_growing_pauses),
	   UNIT(N1_all_names_are_asked_for_anew_when_the_uplink_returns),
	   UNIT(what_could_not_be_asked_is_due_again),
	   UNIT(N6_an_address_stays_for_the_grace_after_its_ttl),
	   UNIT(N6_a_resolver_that_fails_takes_nothing_away),
	   UNIT(N6_what_a_client_is_told_holds_for_it_alone),
	   UNIT(names_that_nobody_wants_go_with_all_that_is_known),
	   UNIT(told_the_same_wishes_again_nothing_changes),
	   UNIT(a_client_has_so_many_names_and_no_more),
	   UNIT(many_addresses_displace_those_that_are_over_and_no_others))
