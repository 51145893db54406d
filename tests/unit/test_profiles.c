/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profiles and sets from settings and files: who has which, what is wrong. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firewall/control/conf/conf_table.h"
#include "firewall/control/conf/profiles.h"
#include "unit.h"

static struct conf conf;
static struct conf_errors errors;
static struct profiles_made made;
static struct profiles_fault fault;
static char path[64];

static void settings(const char *text)
{
	conf_default(&conf);
	memset(&errors, 0, sizeof(errors));
	conf_read_text(&conf, "f.conf", text, strlen(text), &errors);
	CU_ASSERT_EQUAL(errors.n, 0);
}

static bool refused(const char *text, const char *part)
{
	conf_default(&conf);
	memset(&errors, 0, sizeof(errors));
	conf_read_text(&conf, "f.conf", text, strlen(text), &errors);
	if (!strstr(errors.text, part))
		fprintf(stderr, "no '%s' in: %s\n", part, errors.text);
	return errors.n == 1 && strstr(errors.text, part);
}

/* A file with @n prefixes, then @more; and settings that name it. */
static void set_file(uint32_t n, const char *more)
{
	char text[160];
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "/tmp/test_profiles.XXXXXX");
	fd = mkstemp(path);
	CU_ASSERT_FATAL(fd >= 0);
	f = fdopen(fd, "w");
	CU_ASSERT_FATAL(f != NULL);
	/* every other /24, so that none can be joined */
	for (uint32_t i = 0; i < n; i++)
		fprintf(f, "%u.%u.%u.0/24\n", 11 + (i >> 15), i >> 7 & 255,
			(i & 127) << 1);
	fputs(more, f);
	fclose(f);
	snprintf(text, sizeof(text),
		 "set = listed %s\nprofile.rule = p action=drop dst=listed\n",
		 path);
	settings(text);
}

static bool drops(const char *profile, const char *dst)
{
	struct profile_query q = { .q = { .proto = 6, .dport = 80 } };

	CU_ASSERT_EQUAL_FATAL(pkt_addr_parse(&q.q.dst, dst, strlen(dst)), 0);
	return profiles_eval(made.built, profiles_find(made.built, profile), &q)
		.refused;
}

static void a_hundred_thousand_prefixes_fit(void)
{
	set_file(100000, "2001:db8::/32");
	CU_ASSERT_EQUAL_FATAL(profiles_make(&made, &conf, &fault), 0);
	unlink(path);
	CU_ASSERT_EQUAL(profiles_range_count(made.built) > 100000, true);
	CU_ASSERT(made.len < 4u * 1024 * 1024);
	CU_ASSERT(drops("p", "11.0.0.7"));
	CU_ASSERT(!drops("p", "11.0.1.7"));
	CU_ASSERT(drops("p", "14.13.62.255"));
	CU_ASSERT(drops("p", "2001:db8::7"));
	CU_ASSERT(!drops("p", "10.255.255.255"));
	profiles_clear(&made);
}

static void sets_without_memory_for_them_are_refused_and_say_so(void)
{
	set_file(100000, "");
	CU_ASSERT_EQUAL(profiles_make_in(&made, &conf, 5000, &fault), -ENOMEM);
	CU_ASSERT_EQUAL(fault.line, 1);
	CU_ASSERT(strstr(fault.text, "set listed: 100000 prefixes") != NULL);
	CU_ASSERT(strstr(fault.text, "5000 are available") != NULL);
	CU_ASSERT(strstr(fault.text, "more memory") != NULL);
	CU_ASSERT_PTR_NULL(made.built);
	CU_ASSERT_EQUAL_FATAL(profiles_make_in(&made, &conf, 8000, &fault), 0);
	unlink(path);
	profiles_clear(&made);
	/* what is built in needs none to speak of */
	settings("profile = no-lan\n");
	CU_ASSERT_EQUAL_FATAL(profiles_make_in(&made, &conf, 0, &fault), 0);
	profiles_clear(&made);
}

static void what_memory_is_available_is_read_as_the_kernel_says_it(void)
{
	static const struct {
		const char *text;
		uint64_t kib;
	} row[] = {
		{ "MemTotal:  1 kB\nMemAvailable:   15340 kB\nX: 7\n", 15340 },
		{ "MemTotal:  1 kB\nMemAvailable: 0", 0 },
		{ "MemTotal:  1 kB\nMemAvailable:", UINT64_MAX },
		{ "MemTotal:  1 kB\nMemAvailable: x", UINT64_MAX },
		{ "X\nMemAvailable: 99999999999999999999999", UINT64_MAX },
		{ "MemTotal:  1 kB\n", UINT64_MAX },
		{ "", UINT64_MAX },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		CU_ASSERT_EQUAL(conf_available_of(row[i].text,
						  strlen(row[i].text)),
				row[i].kib);
}

static void a_file_s_fault_has_its_line_and_column(void)
{
	set_file(2, " # fine\n 10.0.0.0/8 nonsense\n");
	CU_ASSERT(profiles_make(&made, &conf, &fault) < 0);
	unlink(path);
	CU_ASSERT(strstr(fault.text, path) && strstr(fault.text, ":4:13: "));
	CU_ASSERT_PTR_NULL(made.built);
	CU_ASSERT(profiles_make(&made, &conf, &fault) < 0);
	CU_ASSERT(strstr(fault.text, "can't be read") != NULL);
	CU_ASSERT_EQUAL(fault.line, 1);
}

static void settings_check_what_they_name(void)
{
	settings("set = s 10.0.0.0/8, fd00::/8\n"
		 "[profile]\nrule = p action=drop dst=s\nuse = 10.0.0.5 q\n");
	memset(&errors, 0, sizeof(errors));
	conf_check(&conf, CONF_REPLAY, &errors);
	CU_ASSERT(strstr(errors.text, "there is no profile 'q'") != NULL);
	settings("profile.rule = p action=drop dst=t\n");
	conf_check(&conf, CONF_REPLAY, &errors);
	CU_ASSERT(strstr(errors.text, ":1: profile p: there is no set 't'") !=
		  NULL);
}

static void what_is_wrong_in_a_rule_has_line_and_column(void)
{
	CU_ASSERT(refused("profile.rule = p action=drop; action=pass dst=X",
			  "f.conf:1:47: profile.rule: dst is "));
	CU_ASSERT(refused("profile.rule = P action=drop",
			  "f.conf:1:16: profile.rule: the name"));
	CU_ASSERT(refused("profile.rule = none action=drop", ":1:16: "));
	CU_ASSERT(refused("profile.rule = p", "every rule has an action"));
	CU_ASSERT(refused("set = lan 10.0.0.0/8", "not a new set"));
	CU_ASSERT(refused("set = s 10.0.0.0/33", "not a new set"));
	CU_ASSERT(refused("set = s", "not a new set"));
	CU_ASSERT(refused("profile.use = 10.0.0.5", "not clients with"));
}

static void rules_of_one_profile_may_come_one_by_one(void)
{
	settings("profile.rule = p action=pass dst=10.0.0.7; "
		 "action=drop dst=lan\n"
		 "profile.rule = p action=drop dst=bogon\n");
	CU_ASSERT_EQUAL(conf.profile_rule_n, 3);
	CU_ASSERT_EQUAL(conf.profile_rule[2].line, 2);
	CU_ASSERT_STRING_EQUAL(profiles_text(&conf, "p", 2),
			       "action=drop dst=lan");
	CU_ASSERT_PTR_NULL(profiles_text(&conf, "p", 4));
	CU_ASSERT_EQUAL_FATAL(profiles_make(&made, &conf, &fault), 0);
	CU_ASSERT(!drops("p", "10.0.0.7"));
	CU_ASSERT(drops("p", "10.0.0.8"));
	CU_ASSERT(drops("p", "203.0.113.1"));
	profiles_clear(&made);
}

static void who_writes_no_lan_anew_has_that_one(void)
{
	settings("profile = no-lan\n");
	CU_ASSERT_EQUAL_FATAL(profiles_make(&made, &conf, &fault), 0);
	CU_ASSERT(drops("no-lan", "192.168.1.1"));
	profiles_clear(&made);
	settings("profile.rule = no-lan action=drop dst=10.0.0.0/8\n");
	CU_ASSERT_EQUAL_FATAL(profiles_make(&made, &conf, &fault), 0);
	CU_ASSERT(!drops("no-lan", "192.168.1.1"));
	CU_ASSERT(drops("no-lan", "10.1.1.1"));
	profiles_clear(&made);
}

static const char *chosen(const char *name, const char *addr,
			  const char *profile)
{
	static struct fw_client fw;

	memset(&fw, 0, sizeof(fw));
	snprintf(fw.name, sizeof(fw.name), "%s", name);
	snprintf(fw.profile, sizeof(fw.profile), "%s", profile);
	CU_ASSERT_EQUAL(pkt_addr_parse(&fw.addr[0], addr, strlen(addr)), 0);
	fw.addr_n = 1;
	profiles_choose(&conf, &fw);
	return fw.profile;
}

static void what_is_said_of_one_client_goes_before_what_is_said_of_all(void)
{
	settings("profile = all\nprofile.use = 10.0.0.5 five, work six\n"
		 "profile.use = 10.0.0.7 none\n");
	CU_ASSERT_STRING_EQUAL(chosen("x", "10.0.0.4", ""), "all");
	CU_ASSERT_STRING_EQUAL(chosen("x", "10.0.0.5", ""), "five");
	CU_ASSERT_STRING_EQUAL(chosen("work", "10.0.0.5", ""), "six");
	CU_ASSERT_STRING_EQUAL(chosen("work", "10.0.0.5", "own"), "own");
	CU_ASSERT_STRING_EQUAL(chosen("x", "10.0.0.7", ""), "");
	CU_ASSERT_STRING_EQUAL(chosen("x", "10.0.0.4", "none"), "");
}

static void a_kernel_s_command_line_gives_profiles(void)
{
	static const char line[] =
		"quiet vifwall.profile=no-lan "
		"vifwall.profile.use=\"10.0.0.5 none, 10.0.0.6 p\" "
		"vifwall.profile.rule=\"p action=drop dst=bogon\"";

	settings("");
	conf_read_cmdline(&conf, line, sizeof(line) - 1, &errors);
	CU_ASSERT_EQUAL(errors.n, 0);
	CU_ASSERT_STRING_EQUAL(chosen("x", "10.0.0.4", ""), "no-lan");
	CU_ASSERT_STRING_EQUAL(chosen("x", "10.0.0.5", ""), "");
	CU_ASSERT_EQUAL_FATAL(profiles_make(&made, &conf, &fault), 0);
	CU_ASSERT(drops("p", "203.0.113.1"));
	profiles_clear(&made);
}

static void nothing_is_built_for_who_wants_nothing(void)
{
	settings("");
	CU_ASSERT(!profiles_wanted(&conf));
	settings("client.a.profile = none\n");
	CU_ASSERT(profiles_wanted(&conf));
}

UNIT_SUITE(profiles, UNIT(a_hundred_thousand_prefixes_fit),
	   UNIT(sets_without_memory_for_them_are_refused_and_say_so),
	   UNIT(what_memory_is_available_is_read_as_the_kernel_says_it),
	   UNIT(a_file_s_fault_has_its_line_and_column),
	   UNIT(settings_check_what_they_name),
	   UNIT(what_is_wrong_in_a_rule_has_line_and_column),
	   UNIT(rules_of_one_profile_may_come_one_by_one),
	   UNIT(who_writes_no_lan_anew_has_that_one),
	   UNIT(what_is_said_of_one_client_goes_before_what_is_said_of_all),
	   UNIT(a_kernel_s_command_line_gives_profiles),
	   UNIT(nothing_is_built_for_who_wants_nothing))
