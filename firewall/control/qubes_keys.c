/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "firewall/control/qubes_keys.h"
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

#define N(a) (sizeof(a) / sizeof((a)[0]))

struct text {
	char *out;
	size_t n, room;
};

/* The whole line or nothing. */
__attribute__((format(printf, 2, 3))) static void line(struct text *t,
						       const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->out + t->n, t->room - t->n, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < t->room - t->n)
		t->n += (size_t)n;
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
			line(text, "%s = %s%s%s\n", resolver[i].setting,
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

static void config(const struct tree *t, struct text *text)
{
	struct tree_key k = { .path = NULL };

	while (tree_next(t, CONFIG, k.path, &k))
		if (strncmp(k.path, CONFIG_FORWARD, strlen(CONFIG_FORWARD)) &&
		    is_line(&k))
			line(text, "%s = %s\n", k.path + strlen(CONFIG),
			     k.value);
}

size_t qubes_keys_read(const struct tree *t, enum qubes_keys which, char *out,
		       size_t room)
{
	struct text text = { .out = out, .room = room };
	char a[PKT_ADDR_TEXT];
	bool v4;

	out[0] = '\0';
	for (size_t i = 0; i < N(address); i++)
		if (read_address(t, address[i].key, a, &v4) &&
		    v4 == address[i].v4)
			line(&text, "%s = %s\n", address[i].setting, a);
	resolvers(t, &text);
	if (which == QUBES_ALL)
		config(t, &text);
	out[text.n] = '\0';
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
	return !strncmp(path, CONFIG, strlen(CONFIG)) &&
	       strncmp(path, CONFIG_FORWARD, strlen(CONFIG_FORWARD)) != 0;
}
