/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel command line of qubes-mirage-firewall, so that a qube that has its
 * options in kernelopts can be given our kernel without a change.
 */
#include <string.h>

#include "firewall/control/conf/conf_table.h"

static const struct {
	const char *word, *setting;
} words[] = {
	{ "--ipv4", "uplink.ip" },
	{ "--ipv4-gw", "uplink.gateway" },
	{ "--ipv4-dns", "dns" },
	{ "--ipv4-dns2", "dns" },
	{ "--nat-table-size", "nat.flows" },
};

/* Two options are one list here. */
static void add_dns(struct conf_load *l, const char *value, size_t len)
{
	char list[2 * CONF_LINE_MAX];
	size_t n = 0;

	for (uint8_t i = 0; i < l->c->dns_n && l->mirage_dns; i++) {
		pkt_addr_print(list + n, &l->c->dns[i]);
		n += strlen(list + n);
		list[n++] = ' ';
	}
	memcpy(list + n, value, len);
	conf_set(l, "dns", strlen("dns"), list, n + len);
	l->mirage_dns = true;
}

bool conf_mirage(struct conf_load *l, const char *text, size_t len)
{
	const char *eq = memchr(text, '=', len);
	size_t name;

	if (!eq)
		return false;
	name = (size_t)(eq - text);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *setting = words[i].setting;

		if (strlen(words[i].word) != name ||
		    memcmp(words[i].word, text, name))
			continue;
		if (!strcmp(setting, "dns"))
			add_dns(l, eq + 1, len - name - 1);
		else
			conf_set(l, setting, strlen(setting), eq + 1,
				 len - name - 1);
		return true;
	}
	return false;
}
