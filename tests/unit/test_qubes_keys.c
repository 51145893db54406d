/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "firewall/control/conf.h"
#include "firewall/control/qubes_keys.h"
#include "unit.h"

static struct tree *tree;
static char text[CONF_TOLD_MAX];

static void key(const char *path, const char *value)
{
	CU_ASSERT_EQUAL(tree_write(tree, path, value, strlen(value)), 0);
}

/* Keys and values in turn, NULL at the end. */
static bool gives(const char *const *pair, enum qubes_keys which,
		  const char *want)
{
	size_t n;

	tree = tree_new(1u << 16, NULL, NULL);
	for (; *pair; pair += 2)
		key(pair[0], pair[1]);
	n = qubes_keys_read(tree, which, text, sizeof(text));
	tree_free(tree);
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

	CU_ASSERT(gives(row, QUBES_ALL,
			"uplink.ip = 10.137.0.8\n"
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

	CU_ASSERT(gives(row, QUBES_ALL, ""));
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

	CU_ASSERT(gives(row, QUBES_ADDRESSES,
			"dns = 10.139.1.1\n"
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

	CU_ASSERT(gives(row, QUBES_ADDRESSES,
			"xen.gateway = 10.137.0.8\n"
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

		CU_ASSERT(gives(keys, QUBES_ALL, row[i].want));
	}
	CU_ASSERT(qubes_keys_is("/qubes-service/disable-dns-server"));
	CU_ASSERT_FALSE(qubes_keys_is("/qubes-service/meminfo-writer"));
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
		"/vm-config/vifwall-user",
		"0\nrules = /tmp",
		NULL,
	};

	CU_ASSERT(gives(row, QUBES_ALL, "allow = a -> b\nlog.level = debug\n"));
	CU_ASSERT(gives(row, QUBES_ADDRESSES, ""));
}

static void a_line_that_does_not_fit_is_left_out_whole(void)
{
	tree = tree_new(1u << 16, NULL, NULL);
	key("/qubes-ip", "10.137.0.8");
	key("/qubes-gateway", "10.137.0.1");
	for (size_t room = 1; room < 60; room++) {
		size_t n = qubes_keys_read(tree, QUBES_ALL, text, room);

		CU_ASSERT(n < room && strlen(text) == n);
		CU_ASSERT(!n || text[n - 1] == '\n');
	}
	tree_free(tree);
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
	   UNIT(settings_of_vm_config_are_lines),
	   UNIT(a_line_that_does_not_fit_is_left_out_whole),
	   UNIT(only_some_keys_are_settings),
	   UNIT(settings_of_other_sources_win))
