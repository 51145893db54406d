/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "firewall/control/conf/conf.h"
#include "firewall/control/qubes/qubes_keys.h"
#include "unit.h"

static struct tree *tree;
static char text[CONF_TOLD_MAX];

static void key(const char *path, const char *value)
{
	CU_ASSERT_EQUAL(tree_write(tree, path, value, strlen(value)), 0);
}

/* Keys and values in turn, NULL at the end. */
static bool gives(const char *const *pair, const char *want)
{
	char why[QUBES_KEYS_WHY];
	size_t n;
	ssize_t more;

	tree = tree_new(1u << 16, NULL, NULL);
	for (; *pair; pair += 2)
		key(pair[0], pair[1]);
	n = qubes_keys_addresses(tree, text);
	more = qubes_keys_config(tree, text + n, sizeof(text) - n, why);
	tree_free(tree);
	CU_ASSERT_FATAL(more >= 0);
	n += (size_t)more;
	if (strcmp(text, want))
		printf("\n    got '%s'\n", text);
	return n == strlen(want) && !strcmp(text, want);
}

static void addresses_of_a_qube_are_those_of_its_uplink(void)
{
	static const char *const row[] = {
		"/qubes-ip",
		"10.137.0.8",
		"/qubes-ip6",
		"fd09:24ef:4179::a89:8",
		"/qubes-gateway",
		"10.138.0.1",
		"/qubes-gateway6",
		"fe80::fcff:ffff:feff:ffff",
		NULL,
	};

	CU_ASSERT(gives(row, "uplink.ip = 10.137.0.8\n"
			     "uplink.ip6 = fd09:24ef:4179::a89:8\n"
			     "uplink.gateway = 10.138.0.1\n"
			     "uplink.gateway6 = fe80::fcff:ffff:feff:ffff\n"));
}

static void what_is_no_address_of_its_family_is_left_out(void)
{
	static const char *const row[] = {
		"/qubes-ip",
		"",
		"/qubes-ip6",
		"10.137.0.8",
		"/qubes-gateway",
		"10.138.0.1\nrules = /tmp",
		"/qubes-gateway6",
		"::",
		NULL,
	};

	CU_ASSERT(gives(row, ""));
}

static void name_servers_are_named_once_each(void)
{
	static const char *const row[] = {
		"/qubes-primary-dns",
		"10.139.1.1",
		"/qubes-secondary-dns",
		"10.139.1.1",
		"/qubes-netvm-primary-dns",
		"10.139.1.1",
		"/qubes-netvm-secondary-dns",
		"fd09::2",
		NULL,
	};

	CU_ASSERT(gives(row, "dns = 10.139.1.1\n"
			     "dns.virtual = 10.139.1.1 fd09::2\n"));
}

static void our_address_towards_clients_is_what_they_are_told(void)
{
	static const char *const row[] = {
		"/qubes-netvm-gateway",
		"10.137.0.8",
		"/qubes-netvm-gateway6",
		"fd09:24ef:4179::a89:8",
		"/qubes-netvm-network",
		"10.137.0.8",
		NULL,
	};

	CU_ASSERT(gives(row, "xen.gateway = 10.137.0.8\n"
			     "xen.gateway6 = fd09:24ef:4179::a89:8\n"));
	CU_ASSERT(qubes_keys_is("/qubes-netvm-gateway"));
}

static void a_service_says_that_we_have_no_name_servers(void)
{
	static const struct {
		const char *value, *want;
	} row[] = {
		{ "1", "dns.virtual = 10.139.1.1\n" },
		{ "0", "dns = 10.139.1.9\ndns.virtual = 10.139.1.1\n" },
		{ "", "dns = 10.139.1.9\ndns.virtual = 10.139.1.1\n" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const char *const keys[] = {
			"/qubes-primary-dns",
			"10.139.1.9",
			"/qubes-netvm-primary-dns",
			"10.139.1.1",
			"/qubes-service/disable-dns-server",
			row[i].value,
			NULL,
		};

		CU_ASSERT(gives(keys, row[i].want));
	}
	CU_ASSERT(qubes_keys_is("/qubes-service/disable-dns-server"));
	CU_ASSERT_FALSE(qubes_keys_is("/qubes-service/meminfo-writer"));
}

static void a_service_says_that_we_have_no_default_route(void)
{
	static const char *const value[] = { "1", "0", "" };

	for (size_t i = 0; i < 3; i++) {
		const char *const keys[] = {
			"/qubes-gateway",
			"10.137.0.1",
			"/qubes-service/disable-default-route",
			value[i],
			NULL,
		};

		CU_ASSERT(gives(keys, i ? "uplink.gateway = 10.137.0.1\n"
					: "uplink.gateway = 10.137.0.1\n"
					  "uplink.default-route = no\n"));
	}
	CU_ASSERT(qubes_keys_is("/qubes-service/disable-default-route"));
}

static void settings_of_vm_config_are_lines(void)
{
	static const char *const row[] = {
		"/vm-config/other",
		"1",
		"/vm-config/vifwall-allow",
		"a -> b",
		"/vm-config/vifwall-forward-1",
		"in=uplink dport=80 to=a",
		"/vm-config/vifwall-log.level",
		"debug",
		NULL,
	};

	CU_ASSERT(gives(row, "allow = a -> b\nlog.level = debug\n"));
}

static void all_settings_fit_or_there_are_none(void)
{
	char why[QUBES_KEYS_WHY];
	const char *want = "allow = a -> b\ndns = 10.139.1.1\n";

	tree = tree_new(1u << 16, NULL, NULL);
	key("/vm-config/vifwall-allow", "a -> b");
	key("/vm-config/vifwall-dns", "10.139.1.1");
	for (size_t room = 1; room <= strlen(want); room++) {
		CU_ASSERT_EQUAL(qubes_keys_config(tree, text, room, why),
				-ENOSPC);
		CU_ASSERT_PTR_NOT_NULL(
			strstr(why, room < 16 ? "-allow: " : "-dns: "));
	}
	CU_ASSERT_EQUAL(qubes_keys_config(tree, text, strlen(want) + 1, why),
			(ssize_t)strlen(want));
	CU_ASSERT_STRING_EQUAL(text, want);
	tree_free(tree);
}

static void a_setting_that_is_no_line_is_an_error(void)
{
	static const char *const value[] = { "0\nrules = /tmp", "\t", "\x7f",
					     "10.139.1.1\xc2\xa0", "\x1b[2J" };
	char why[QUBES_KEYS_WHY];

	for (size_t i = 0; i < sizeof(value) / sizeof(value[0]); i++) {
		tree = tree_new(1u << 16, NULL, NULL);
		key("/vm-config/vifwall-allow", "a -> b");
		key("/vm-config/vifwall-user", value[i]);
		CU_ASSERT_EQUAL(qubes_keys_config(tree, text, sizeof(text),
						  why),
				-EINVAL);
		CU_ASSERT(!strncmp(why, "/vm-config/vifwall-user: ", 25));
		tree_free(tree);
	}
}

static void numbers_tell_settings_apart_that_may_be_given_many_times(void)
{
	static const char *const row[] = {
		"/vm-config/vifwall-allow",
		"a -> b",
		"/vm-config/vifwall-allow-2",
		"c -> d",
		"/vm-config/vifwall-client.a-1.mac",
		"00:16:3e:00:00:05",
		"/vm-config/vifwall-profile-1",
		"no-lan",
		"/vm-config/vifwall-profile.rule-02",
		"own action=drop",
		"/vm-config/vifwall-set-",
		"x 10.0.0.0/8",
		NULL,
	};

	/* the others keep their number, so that it is said to be wrong */
	CU_ASSERT(gives(row, "allow = a -> b\nallow = c -> d\n"
			     "client.a-1.mac = 00:16:3e:00:00:05\n"
			     "profile-1 = no-lan\n"
			     "profile.rule = own action=drop\n"
			     "set- = x 10.0.0.0/8\n"));
}

static void only_some_keys_are_settings(void)
{
	CU_ASSERT(qubes_keys_is("/qubes-ip"));
	CU_ASSERT(qubes_keys_is("/qubes-secondary-dns"));
	CU_ASSERT(qubes_keys_is("/vm-config/vifwall-dns"));
	CU_ASSERT_FALSE(qubes_keys_is("/vm-config/vifwall-forward-9"));
	CU_ASSERT_FALSE(qubes_keys_is("/qubes-ipx"));
	CU_ASSERT_FALSE(qubes_keys_is("/connected-ips"));
}

/* The file says more, and what it says counts. */
static void settings_of_other_sources_win(void)
{
	static struct conf a, b;
	static struct conf_errors e;
	static const char told[] = "uplink.ip = 10.137.0.8\n"
				   "uplink.gateway = 10.137.0.1\n";

	conf_default(&a);
	memset(&e, 0, sizeof(e));
	memcpy(a.told, told, sizeof(told));
	a.told_len = sizeof(told) - 1;
	conf_read_option(&a, "uplink.ip", 9, "192.0.2.7", &e);
	conf_read_option(&a, "uplink.port", 11, "tap:up", &e);
	conf_again(&b, &a, &e);
	CU_ASSERT_EQUAL(e.n, 0);
	CU_ASSERT_EQUAL(b.uplink.fw.addr4.b[15], 7);
	CU_ASSERT_EQUAL(b.uplink.fw.gateway4.b[15], 1);
	CU_ASSERT_EQUAL(b.told_len, a.told_len);
}

UNIT_SUITE(qubes_keys, UNIT(addresses_of_a_qube_are_those_of_its_uplink),
	   UNIT(what_is_no_address_of_its_family_is_left_out),
	   UNIT(name_servers_are_named_once_each),
	   UNIT(our_address_towards_clients_is_what_they_are_told),
	   UNIT(a_service_says_that_we_have_no_name_servers),
	   UNIT(a_service_says_that_we_have_no_default_route),
	   UNIT(settings_of_vm_config_are_lines),
	   UNIT(all_settings_fit_or_there_are_none),
	   UNIT(a_setting_that_is_no_line_is_an_error),
	   UNIT(numbers_tell_settings_apart_that_may_be_given_many_times),
	   UNIT(only_some_keys_are_settings),
	   UNIT(settings_of_other_sources_win))
