/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/rule_expand.h"

#include <errno.h>
#include <string.h>

#define DNS_PORT 53

#define TCP_UDP (1u << RULE_TCP | 1u << RULE_UDP)

static uint8_t any_len(uint8_t family)
{
	return family == RULE_IP4 ? 96 : 0;
}

static bool proto_valid(const struct rule *r)
{
	switch (r->proto) {
	case RULE_PROTO_ANY:
	case 6:
	case 17:
		return r->icmp_type == -1;
	case 1:
		return r->family == RULE_IP4 && !r->has_ports && !r->dns;
	case 58:
		return r->family == RULE_IP6 && !r->has_ports && !r->dns;
	default:
		return false;
	}
}

static bool dst_valid(const struct rule *r)
{
	switch (r->dst) {
	case RULE_DST_ANY:
		return true;
	case RULE_DST_PREFIX:
		if (r->prefix.len > 128 || r->prefix.len < any_len(r->family))
			return false;
		return r->family == RULE_IP6 || pkt_addr_is_v4(&r->prefix.addr);
	case RULE_DST_NAME:
		return r->name[0] && memchr(r->name, 0, sizeof(r->name));
	default:
		return false;
	}
}

int rule_valid(const struct rule *r, enum rule_family family)
{
	if (r->family != family || r->action > RULE_ACCEPT)
		return -EINVAL;
	if (r->icmp_type < -1 || r->icmp_type > UINT8_MAX)
		return -EINVAL;
	if (r->has_ports && r->port_lo > r->port_hi)
		return -EINVAL;
	return proto_valid(r) && dst_valid(r) ? 0 : -EINVAL;
}

/* Protocols and ports of @r, for any prefix; false when no packet has them. */
static bool make_cut(struct rule_cut *c, const struct rule *r, uint16_t value)
{
	uint16_t lo = 0, hi = UINT16_MAX;

	if (r->has_ports) {
		lo = r->port_lo;
		hi = r->port_hi;
	}
	if (r->dns) {
		if (lo > DNS_PORT || hi < DNS_PORT)
			return false;
		lo = hi = DNS_PORT;
	}
	if (r->icmp_type >= 0)
		lo = hi = (uint16_t)r->icmp_type;
	*c = (struct rule_cut){ .lo = lo,
				.span = (uint16_t)(hi - lo),
				.value = value };
	if (r->proto == 6)
		c->where = 1 << RULE_TCP;
	else if (r->proto == 17)
		c->where = 1 << RULE_UDP;
	else if (r->proto != RULE_PROTO_ANY)
		c->where = 1 << RULE_ICMP;
	else
		c->where = r->has_ports || r->dns ? TCP_UDP : RULE_CLASS_ALL;
	return true;
}

static struct pkt_addr masked(struct pkt_addr a, uint8_t len)
{
	size_t whole = len / 8u;

	if (whole < sizeof(a.b)) {
		a.b[whole] &= (uint8_t)(0xff00 >> len % 8);
		memset(a.b + whole + 1, 0, sizeof(a.b) - whole - 1);
	}
	return a;
}

static int add(struct rule_items *items, const struct rule_cut *c,
	       const struct pkt_addr *addr, uint8_t len)
{
	struct rule_item *it;

	if (items->n == items->max)
		return -E2BIG;
	if (items->item) {
		it = &items->item[items->n];
		*it = (struct rule_item){ .addr = masked(*addr, len),
					  .cut = *c,
					  .len = len };
		it->cut.where = rule_where(len, c->where);
	}
	items->n++;
	return 0;
}

/* The destinations of one rule: everything, a prefix, or addresses. */
struct places {
	struct pkt_prefix prefix;
	bool by_name;
	int n;
	struct pkt_addr addr[RULE_ADDR_MAX];
};

/* False: there is none. */
static bool find_places(struct places *to, const struct rule *r,
			const struct rule_env *env)
{
	static const struct pkt_addr any4 = {
		.b = { [10] = 0xff, [11] = 0xff }
	};

	*to = (struct places){ .prefix = { .len = any_len(r->family) } };
	if (r->family == RULE_IP4)
		to->prefix.addr = any4;
	if (r->dst == RULE_DST_PREFIX)
		to->prefix = r->prefix;
	if (r->dst != RULE_DST_NAME)
		return true;
	to->n = -ENOENT;
	if (env && env->resolve)
		to->n = env->resolve(env->ctx, r->name,
				     (enum rule_family)r->family, to->addr,
				     RULE_ADDR_MAX);
	to->by_name = true;
	if (r->action == RULE_DROP &&
	    (to->n > (int)RULE_ADDR_MAX ||
	     (to->n < 0 && !(env && env->pass_unresolved)))) {
		to->by_name = false; /* R126: refuse too much, not too little */
		return true;
	}
	to->n = rule_addr_written(to->n);
	return to->n;
}

static bool of_family(const struct pkt_addr *a, const struct rule *r)
{
	return pkt_addr_is_v4(a) == (r->family == RULE_IP4);
}

static bool place_has(const struct places *to, const struct pkt_addr *a)
{
	if (!to->by_name)
		return pkt_prefix_has(&to->prefix, a);
	for (int i = 0; i < to->n; i++)
		if (pkt_addr_eq(&to->addr[i], a))
			return true;
	return false;
}

/* Of the DNS servers those that are a destination of the rule as well. */
static int add_dns(struct rule_items *items, const struct rule *r,
		   const struct rule_cut *c, const struct places *to,
		   const struct rule_env *env)
{
	for (uint32_t i = 0; env && i < env->dns_n; i++) {
		const struct pkt_addr *a = &env->dns[i];

		if (of_family(a, r) && place_has(to, a)) {
			int rc = add(items, c, a, 128);

			if (rc)
				return rc;
		}
	}
	return 0;
}

int rule_expand(struct rule_items *items, const struct rule *r, uint16_t value,
		const struct rule_env *env)
{
	struct places to;
	struct rule_cut c;

	if (!make_cut(&c, r, value) || !find_places(&to, r, env))
		return 0;
	if (r->dns)
		return add_dns(items, r, &c, &to, env);
	if (!to.by_name)
		return add(items, &c, &to.prefix.addr, to.prefix.len);
	for (int i = 0; i < to.n; i++)
		if (of_family(&to.addr[i], r)) {
			int rc = add(items, &c, &to.addr[i], 128);

			if (rc)
				return rc;
		}
	return 0;
}
