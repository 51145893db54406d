/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients that know themselves and us by other addresses (/mapped-ip). */
#include <stdio.h>
#include <string.h>

#include "firewall/control/apply/apply_part.h"
#include "firewall/control/apply/same.h"
#include "firewall/linux/log.h"

/* False: there is none, or it is none. */
static bool read_addr(const struct apply *a, const char *client,
		      const char *what, struct pkt_addr *out)
{
	char path[TREE_PATH_MAX + PKT_ADDR_TEXT];
	struct tree_key key;

	snprintf(path, sizeof(path), TREE_MAPPED "%s/%s", client, what);
	if (!tree_read(a->tree, path, &key))
		return false;
	if (!pkt_addr_parse(out, key.value, key.len) && pkt_addr_is_v4(out))
		return true;
	log_err("%s: not an IPv4 address", path);
	return false;
}

/* As in Qubes, both have to be there. */
void apply_seen(const struct apply *a, const char *client, struct fw_client *fw)
{
	struct pkt_addr ip, gateway, own;

	memset(&fw->seen4, 0, sizeof(fw->seen4));
	memset(&fw->seen_gateway4, 0, sizeof(fw->seen_gateway4));
	if (!a->tree || fw->kind != FW_QUBE || !client[0] ||
	    !read_addr(a, client, "visible-ip", &ip) ||
	    !read_addr(a, client, "visible-gateway", &gateway) ||
	    pkt_addr_parse(&own, client, strlen(client)) ||
	    pkt_addr_eq(&ip, &own))
		return;
	fw->seen4 = ip;
	fw->seen_gateway4 = gateway;
}

/* Is it about what lies below @all, or about more, of which that is a part? */
static bool is_about(const char *path, const char *all)
{
	size_t n = strlen(all), len = strlen(path);

	return !strncmp(path, all, len < n ? len : n) &&
	       (len >= n || path[len - 1] == '/');
}

static bool is_about_client(const char *path, const char *client)
{
	char all[sizeof(TREE_MAPPED) + PKT_ADDR_TEXT];

	snprintf(all, sizeof(all), TREE_MAPPED "%s/", client);
	return is_about(path, all);
}

void apply_seen_changed(struct apply *a, const char *path)
{
	/* most keys are rules, a thousand at a time */
	if (!is_about(path, TREE_MAPPED))
		return;
	for (uint16_t n = 1; n < APPLY_SLOTS; n++) {
		struct apply_slot *s = &a->slot[n];
		struct fw_client fw;

		if (!s->used || !s->key[0][0] ||
		    !is_about_client(path, s->key[0]))
			continue;
		fw = s->fw;
		apply_seen(a, s->key[0], &fw);
		if (same_client(&s->fw, &fw))
			continue;
		s->fw = fw;
		apply_mark(a, n, APPLY_CLIENT);
	}
}

/* The rest of what it has is nobody's, IPv6 too. */
void apply_seen_alone(struct fw_client *fw)
{
	uint8_t n = 0;

	if (pkt_addr_is_zero(&fw->seen4))
		return;
	for (uint8_t i = 0; i < fw->addr_n && !n; i++)
		if (pkt_addr_is_v4(&fw->addr[i]))
			fw->addr[n++] = fw->addr[i];
	fw->addr_n = n;
}
