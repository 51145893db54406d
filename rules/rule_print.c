/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "packet/pkt_cursor.h"
#include "rules/rule.h"

static void put(struct wcur *w, const char *s)
{
	wcur_copy(w, s, strlen(s));
}

static void put_number(struct wcur *w, uint32_t v)
{
	char digits[10];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	wcur_copy(w, digits + n, sizeof(digits) - n);
}

static void put_prefix(struct wcur *w, const struct rule *r)
{
	const struct pkt_addr *a = &r->prefix.addr;
	char text[PKT_ADDR_TEXT + 4];

	if (r->family == RULE_IP4) {
		put(w, " dst4=");
		put(w, pkt_prefix_print(text, &r->prefix));
		return;
	}
	put(w, " dst6=");
	/* Elsewhere this would be IPv4; in a rule it is what dom0 wrote. */
	if (pkt_addr_is_v4(a))
		put(w, "::ffff:");
	put(w, pkt_addr_print(text, a));
	put(w, "/");
	put_number(w, r->prefix.len);
}

static void put_proto(struct wcur *w, const struct rule *r)
{
	if (r->proto == RULE_PROTO_ANY)
		return;
	put(w, " proto=");
	put(w, r->proto == 6 ? "tcp" : r->proto == 17 ? "udp" : "icmp");
}

int rule_print(char *out, size_t room, const struct rule *r)
{
	struct wcur w = wcur_of(out, room);

	put(&w, r->action == RULE_ACCEPT ? "action=accept" : "action=drop");
	if (r->dst == RULE_DST_PREFIX)
		put_prefix(&w, r);
	if (r->dst == RULE_DST_NAME) {
		put(&w, " dsthost=");
		put(&w, r->name);
	}
	put_proto(&w, r);
	if (r->dns)
		put(&w, " specialtarget=dns");
	if (r->has_ports) {
		put(&w, " dstports=");
		put_number(&w, r->port_lo);
		put(&w, "-");
		put_number(&w, r->port_hi);
	}
	if (r->icmp_type >= 0) {
		put(&w, " icmptype=");
		put_number(&w, (uint32_t)r->icmp_type);
	}
	wcur_u8(&w, 0);
	return wcur_ok(&w) ? (int)(room - w.left) - 1 : -ENOSPC;
}
