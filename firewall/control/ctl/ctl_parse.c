/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "firewall/control/ctl/ctl.h"

static const char *const names[CTL_WHAT_N] = {
	[CTL_STATUS] = "status",   [CTL_CLIENTS] = "clients",
	[CTL_RULES] = "rules",	   [CTL_BLOCKED] = "blocked",
	[CTL_DROPS] = "drops",	   [CTL_FLOWS] = "flows",
	[CTL_EXPLAIN] = "explain", [CTL_RELOAD] = "reload",
	[CTL_VIFS] = "vifs",	   [CTL_METRICS] = "metrics",
	[CTL_KILL] = "kill",	   [CTL_FORWARDS] = "forwards",
	[CTL_DNS] = "dns",
};

static bool is(const char *word, size_t len, const char *text)
{
	return strlen(text) == len && !memcmp(word, text, len);
}

/* Decimal, at most @max. */
static bool number(uint32_t *out, const char *s, size_t len, uint32_t max)
{
	uint64_t n = 0;

	if (!len || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(s[i] - '0');
	}
	*out = (uint32_t)n;
	return n <= max;
}

static const char *protocol(struct ctl_request *r, const char *s, size_t len)
{
	uint32_t n = 0;

	if (is(s, len, "tcp"))
		n = 6;
	else if (is(s, len, "udp"))
		n = 17;
	else if (is(s, len, "icmp"))
		n = 1;
	else if (!number(&n, s, len, 255) || !n)
		return "proto is none; allowed: tcp, udp, icmp, 1 to 255";
	r->proto = (uint8_t)n;
	r->has_proto = true;
	return NULL;
}

static const char *pair(struct ctl_request *r, const struct apply *a,
			const char *key, size_t key_len, const char *value,
			size_t len)
{
	uint32_t n;

	if (is(key, key_len, "client")) {
		struct pkt_addr addr;

		r->client = apply_find(a, value, len);
		if (!r->client && !pkt_addr_parse(&addr, value, len))
			r->client = apply_find_addr(a, &addr);
		r->uplink = !r->client && r->what == CTL_EXPLAIN &&
			    is(value, len, "uplink");
		return r->client || r->uplink
			       ? NULL
			       : "there is no client of that name or address";
	}
	if (is(key, key_len, "from")) {
		if (!number(&r->from, value, len, UINT32_MAX))
			return "from is not a number";
		return NULL;
	}
	if (is(key, key_len, "src")) {
		r->has_src = !pkt_addr_parse(&r->src, value, len);
		return r->has_src ? NULL : "src is not an address";
	}
	if (is(key, key_len, "dst")) {
		r->has_dst = !pkt_addr_parse(&r->dst, value, len);
		return r->has_dst ? NULL : "dst is not an address";
	}
	if (is(key, key_len, "proto"))
		return protocol(r, value, len);
	if (is(key, key_len, "port")) {
		if (!number(&n, value, len, 65535))
			return "port is not a number; allowed: 0 to 65535";
		r->port = (uint16_t)n;
		return NULL;
	}
	return "there is no such key";
}

static const char *complete(const struct ctl_request *r)
{
	if ((r->what == CTL_RULES || r->what == CTL_EXPLAIN ||
	     r->what == CTL_KILL) &&
	    !r->client && !r->uplink)
		return "client is missing";
	if (r->what == CTL_EXPLAIN && !r->has_dst)
		return "dst is missing";
	if (r->what == CTL_EXPLAIN && !r->has_proto)
		return "proto is missing";
	if (r->has_src && pkt_addr_is_v4(&r->src) != pkt_addr_is_v4(&r->dst))
		return "src and dst are not of the same family";
	return NULL;
}

const char *ctl_parse(struct ctl_request *r, const struct apply *a,
		      const char *line, size_t len)
{
	const char *end = line + len, *why = NULL;
	size_t n;

	*r = (struct ctl_request){ .what = CTL_WHAT_N };
	for (const char *p = line; p < end && !why; p += n + 1) {
		const char *sp = memchr(p, ' ', (size_t)(end - p)), *eq;

		n = (size_t)((sp ? sp : end) - p);
		if (r->what == CTL_WHAT_N) {
			for (int i = 0; i < CTL_WHAT_N; i++)
				if (is(p, n, names[i]))
					r->what = (uint8_t)i;
			if (r->what == CTL_WHAT_N)
				why = "there is no such request";
			continue;
		}
		eq = memchr(p, '=', n);
		why = eq ? pair(r, a, p, (size_t)(eq - p), eq + 1,
				n - (size_t)(eq - p) - 1)
			 : "words after the first are KEY=VALUE";
	}
	if (!why && r->what == CTL_WHAT_N)
		why = "the request is empty";
	return why ? why : complete(r);
}
