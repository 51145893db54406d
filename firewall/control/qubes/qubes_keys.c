/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "firewall/control/conf/conf.h"
#include "firewall/control/qubes/qubes_keys.h"
#include "packet/pkt_addr.h"

#define CONFIG "/vm-config/vifwall-"
#define CONFIG_FORWARD CONFIG "forward-"

static const struct {
	const char *key, *setting;
	bool v4;
} address[] = {
	{ "/qubes-ip", "uplink.ip", true },
	{ "/qubes-ip6", "uplink.ip6", false },
	{ "/qubes-gateway", "uplink.gateway", true },
	{ "/qubes-gateway6", "uplink.gateway6", false },
	{ "/qubes-netvm-gateway", "xen.gateway", true },
	{ "/qubes-netvm-gateway6", "xen.gateway6", false },
};

/* Those that we ask, unless .off, and those that clients are told to ask. */
static const struct {
	const char *key[2], *off, *setting;
} resolver[] = {
	{ { "/qubes-primary-dns", "/qubes-secondary-dns" },
	  "/qubes-service/disable-dns-server",
	  "dns" },
	{ { "/qubes-netvm-primary-dns", "/qubes-netvm-secondary-dns" },
	  NULL,
	  "dns.virtual" },
};

/* A service of Qubes, and what counts while it is on. */
#define NO_ROUTE "/qubes-service/disable-default-route"
#define NO_ROUTE_LINE "uplink.default-route = no\n"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static_assert(N(address) * (sizeof("uplink.gateway6 = \n") + PKT_ADDR_TEXT) +
			      N(resolver) * (sizeof("dns.virtual =  \n") +
					     2 * PKT_ADDR_TEXT) +
			      sizeof(NO_ROUTE_LINE) <
		      QUBES_KEYS_ADDRESSES,
	      "all addresses fit");

struct text {
	char *out;
	size_t n, room;
};

/* The whole line, or (false) nothing. */
__attribute__((format(printf, 2, 3))) static bool line(struct text *t,
						       const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->out + t->n, t->room - t->n, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->room - t->n)
		return false;
	t->n += (size_t)n;
	return true;
}

static bool read_address(const struct tree *t, const char *key,
			 char out[PKT_ADDR_TEXT], bool *v4)
{
	struct tree_key k;
	struct pkt_addr a;

	if (!tree_read(t, key, &k) || pkt_addr_parse(&a, k.value, k.len) ||
	    pkt_addr_is_zero(&a))
		return false;
	*v4 = pkt_addr_is_v4(&a);
	pkt_addr_print(out, &a);
	return true;
}

static bool is_on(const struct tree *t, const char *service)
{
	struct tree_key k;

	return tree_read(t, service, &k) && k.len == 1 && k.value[0] == '1';
}

static void resolvers(const struct tree *t, struct text *text)
{
	for (size_t i = 0; i < N(resolver); i++) {
		char a[2][PKT_ADDR_TEXT] = { "", "" };
		bool is[2], v4;

		if (resolver[i].off && is_on(t, resolver[i].off))
			continue;
		for (size_t k = 0; k < 2; k++)
			is[k] = read_address(t, resolver[i].key[k], a[k], &v4);
		if (is[1] && !strcmp(a[0], a[1]))
			is[1] = false;
		if (is[0] || is[1])
			(void)line(text, "%s = %s%s%s\n", resolver[i].setting,
				   is[0] ? a[0] : "", is[0] && is[1] ? " " : "",
				   is[1] ? a[1] : "");
	}
}

static bool is_line(const struct tree_key *k)
{
	for (size_t i = 0; i < k->len; i++)
		if (k->value[i] < ' ' || k->value[i] > '~')
			return false;
	return true;
}

/* Without the -NN by which QubesDB tells one mention from the other. */
static size_t name_len(const char *name)
{
	size_t len = strlen(name), n = len;

	while (n && name[n - 1] >= '0' && name[n - 1] <= '9')
		n--;
	if (n == len || !n || name[n - 1] != '-' ||
	    !conf_is_repeated(name, n - 1))
		return len;
	return n - 1;
}

ssize_t qubes_keys_config(const struct tree *t, char *out, size_t room,
			  char why[QUBES_KEYS_WHY])
{
	struct text text = { .out = out, .room = room };
	struct tree_key k = { .path = NULL };

	out[0] = '\0';
	while (tree_next(t, CONFIG, k.path, &k)) {
		const char *name = k.path + strlen(CONFIG);

		if (!strncmp(k.path, CONFIG_FORWARD, strlen(CONFIG_FORWARD)))
			continue;
		if (!is_line(&k)) {
			snprintf(why, QUBES_KEYS_WHY,
				 "%s: not one line of printable ASCII", k.path);
			return -EINVAL;
		}
		if (line(&text, "%.*s = %s\n", (int)name_len(name), name,
			 k.value))
			continue;
		snprintf(why, QUBES_KEYS_WHY,
			 "%s: settings by QubesDB may take %zu bytes in all",
			 k.path, room);
		return -ENOSPC;
	}
	return (ssize_t)text.n;
}

size_t qubes_keys_addresses(const struct tree *t,
			    char out[QUBES_KEYS_ADDRESSES])
{
	struct text text = { .out = out, .room = QUBES_KEYS_ADDRESSES };
	char a[PKT_ADDR_TEXT];
	bool v4;

	out[0] = '\0';
	for (size_t i = 0; i < N(address); i++)
		if (read_address(t, address[i].key, a, &v4) &&
		    v4 == address[i].v4)
			(void)line(&text, "%s = %s\n", address[i].setting, a);
	resolvers(t, &text);
	if (is_on(t, NO_ROUTE))
		(void)line(&text, "%s", NO_ROUTE_LINE);
	return text.n;
}

bool qubes_keys_is(const char *path)
{
	for (size_t i = 0; i < N(address); i++)
		if (!strcmp(path, address[i].key))
			return true;
	for (size_t i = 0; i < N(resolver); i++)
		if (!strcmp(path, resolver[i].key[0]) ||
		    !strcmp(path, resolver[i].key[1]) ||
		    (resolver[i].off && !strcmp(path, resolver[i].off)))
			return true;
	if (!strcmp(path, NO_ROUTE))
		return true;
	return !strncmp(path, CONFIG, strlen(CONFIG)) &&
	       strncmp(path, CONFIG_FORWARD, strlen(CONFIG_FORWARD)) != 0;
}
