/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about a client's addresses as the control side gave them. */
#include "firewall/path/fw_part.h"

struct pkt_prefix fw_host(const struct pkt_addr *a)
{
	return (struct pkt_prefix){ .addr = *a, .len = 128 };
}

static bool overlap(const struct pkt_prefix *a, const struct pkt_prefix *b)
{
	return a->len < b->len ? pkt_prefix_has(a, &b->addr)
			       : pkt_prefix_has(b, &a->addr);
}

bool fw_is_broadcast(const struct pkt_prefix *net, const struct pkt_addr *a)
{
	uint8_t ones = 0xff, any = 0;

	/* a /31 or /32 has no such address */
	if (!pkt_addr_is_v4(&net->addr) || net->len <= 96 || net->len > 126 ||
	    !pkt_prefix_has(net, a))
		return false;
	for (uint32_t bit = net->len; bit < 128; bit++) {
		uint8_t one = a->b[bit / 8] >> (7 - bit % 8) & 1;

		any |= one;
		ones &= one;
	}
	return !any || ones;
}

uint32_t fw_client_nets(const struct fw_client *c,
			struct pkt_prefix out[FW_CLIENT_ADDRS])
{
	uint32_t n = c->kind == FW_QUBE ? c->addr_n : c->net_n;

	for (uint32_t i = 0; i < n; i++)
		out[i] = c->kind == FW_QUBE ? fw_host(&c->addr[i]) : c->net[i];
	return n;
}

static bool holds(const struct fw_client *c, const struct pkt_prefix *p)
{
	struct pkt_prefix mine[FW_CLIENT_ADDRS];
	uint32_t n = fw_client_nets(c, mine);

	for (uint32_t i = 0; i < n; i++)
		if (overlap(&mine[i], p))
			return true;
	return false;
}

bool fw_client_holds(const struct fw_client *c, const struct pkt_addr *a)
{
	struct pkt_prefix p = fw_host(a);

	return !pkt_addr_is_zero(a) && holds(c, &p);
}

bool fw_client_has(const struct fw *fw, uint16_t n, const struct pkt_addr *a)
{
	const struct fw_client *c = &fw->party[n].conf;

	if (c->kind == FW_QUBE) {
		for (uint8_t i = 0; i < c->addr_n; i++)
			if (pkt_addr_eq(&c->addr[i], a))
				return true;
		return false;
	}
	if (pkt_addr_eq(a, &c->gateway4) || pkt_addr_eq(a, &c->gateway6))
		return false;
	for (uint8_t i = 0; i < c->net_n; i++)
		if (pkt_prefix_has(&c->net[i], a))
			return !fw_is_broadcast(&c->net[i], a);
	return false;
}

static bool unicast_mac(const struct pkt_mac *m)
{
	static const struct pkt_mac none;

	return !(m->b[0] & 1) && !fw_mac_eq(m, &none);
}

static bool ok_prefix(const struct pkt_prefix *p)
{
	return p->len <= 128 && pkt_addr_ok_src(&p->addr) &&
	       (!pkt_addr_is_v4(&p->addr) || p->len > 96);
}

bool fw_gateway_ok(const struct pkt_addr *a, enum rule_family family)
{
	return pkt_addr_is_zero(a) ||
	       (fw_family(a) == family &&
		(pkt_addr_ok_src(a) || pkt_addr_is_linklocal(a)));
}

/* No address stands for two others. */
static bool ok_seen(const struct fw_client *c)
{
	const struct pkt_addr *ip = &c->seen4, *gw = &c->seen_gateway4;

	if (pkt_addr_is_zero(ip) && pkt_addr_is_zero(gw))
		return true;
	return c->kind == FW_QUBE && c->addr_n == 1 &&
	       pkt_addr_is_v4(&c->addr[0]) && pkt_addr_is_v4(ip) &&
	       pkt_addr_is_v4(gw) && pkt_addr_ok_src(ip) &&
	       pkt_addr_ok_src(gw) && !pkt_addr_eq(ip, gw) &&
	       !pkt_addr_eq(ip, &c->addr[0]) &&
	       !pkt_addr_eq(ip, &c->gateway4) && !pkt_addr_eq(gw, &c->addr[0]);
}

bool fw_client_ok(const struct fw_client *c)
{
	struct pkt_prefix mine[FW_CLIENT_ADDRS];
	uint32_t n;

	if (c->kind > FW_NETWORK || c->addr_n > FW_CLIENT_ADDRS ||
	    c->net_n > FW_CLIENT_ADDRS ||
	    (c->kind == FW_QUBE && !unicast_mac(&c->mac)) ||
	    !fw_gateway_ok(&c->gateway4, RULE_IP4) ||
	    !fw_gateway_ok(&c->gateway6, RULE_IP6) || !ok_seen(c))
		return false;
	n = fw_client_nets(c, mine);
	for (uint32_t i = 0; i < n; i++) {
		if (!ok_prefix(&mine[i]))
			return false;
		for (uint32_t j = 0; j < i; j++)
			if (overlap(&mine[i], &mine[j]))
				return false;
	}
	return c->kind == FW_NETWORK || (!fw_client_holds(c, &c->gateway4) &&
					 !fw_client_holds(c, &c->gateway6));
}

bool fw_client_clash(const struct fw_client *a, const struct fw_client *b)
{
	struct pkt_prefix mine[FW_CLIENT_ADDRS];
	uint32_t n = fw_client_nets(a, mine);

	for (uint32_t i = 0; i < n; i++)
		if (holds(b, &mine[i]))
			return true;
	return fw_client_holds(a, &b->gateway4) ||
	       fw_client_holds(a, &b->gateway6) ||
	       fw_client_holds(b, &a->gateway4) ||
	       fw_client_holds(b, &a->gateway6);
}

bool fw_client_lost(const struct fw_client *old, const struct fw_client *c)
{
	struct pkt_prefix was[FW_CLIENT_ADDRS], is[FW_CLIENT_ADDRS];
	uint32_t was_n = fw_client_nets(old, was), is_n = fw_client_nets(c, is);

	for (uint32_t i = 0; i < was_n; i++) {
		uint32_t j = 0;

		while (j < is_n && memcmp(&was[i], &is[j], sizeof(was[i])) != 0)
			j++;
		if (j == is_n)
			return true;
	}
	return old->kind != c->kind;
}
