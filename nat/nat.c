/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/nat.h"

#include <errno.h>
#include <string.h>

#include "nat/nat_core.h"
#include "nat/nat_life.h"
#include "nat/nat_limit.h"

#define FLOWS_MIN 16u
#define FLOWS_MAX (1u << 20)
#define OWNERS_MAX 1000u

static const char *const state_name[NAT_STATE_N] = {
	[NAT_FREE] = "free",
	[NAT_TCP_SYN_SENT] = "syn-sent",
	[NAT_TCP_SYN_BOTH] = "syn-both",
	[NAT_TCP_SYN_RECV] = "syn-recv",
	[NAT_TCP_EST] = "established",
	[NAT_TCP_FIN_0] = "fin-from-0",
	[NAT_TCP_FIN_1] = "fin-from-1",
	[NAT_TCP_FIN_BOTH] = "fin-both",
	[NAT_TCP_TIME_WAIT] = "time-wait",
	[NAT_TCP_CLOSED] = "closed",
	[NAT_UDP_ONEWAY] = "udp-oneway",
	[NAT_UDP_BOTH] = "udp-both",
	[NAT_UDP_DNS_DONE] = "dns-done",
	[NAT_ICMP_QUERY] = "icmp-query",
};

static const uint8_t timeout_of[NAT_STATE_N] = {
	[NAT_TCP_SYN_SENT] = NAT_T_TCP_SYN,
	[NAT_TCP_SYN_BOTH] = NAT_T_TCP_SYN,
	[NAT_TCP_SYN_RECV] = NAT_T_TCP_SYN,
	[NAT_TCP_EST] = NAT_T_TCP_EST,
	[NAT_TCP_FIN_0] = NAT_T_TCP_FIN_ONE,
	[NAT_TCP_FIN_1] = NAT_T_TCP_FIN_ONE,
	[NAT_TCP_FIN_BOTH] = NAT_T_TCP_CLOSED,
	[NAT_TCP_TIME_WAIT] = NAT_T_TCP_CLOSED,
	[NAT_TCP_CLOSED] = NAT_T_TCP_CLOSED,
	[NAT_UDP_ONEWAY] = NAT_T_UDP_ONEWAY,
	[NAT_UDP_BOTH] = NAT_T_UDP_BOTH,
	[NAT_UDP_DNS_DONE] = NAT_T_UDP_DNS,
	[NAT_ICMP_QUERY] = NAT_T_ICMP,
};

const char *nat_state_name(enum nat_state s)
{
	return (unsigned)s < NAT_STATE_N ? state_name[s] : "?";
}

void nat_conf_default(struct nat_conf *c)
{
	*c = (struct nat_conf){
		.flows = 65536,
		.owners = 256,
		.outsides = 2,
		.timeout_ms = { [NAT_T_TCP_SYN] = 240000,
				[NAT_T_TCP_EST] = 86400000,
				[NAT_T_TCP_FIN_ONE] = 900000,
				[NAT_T_TCP_CLOSED] = 240000,
				[NAT_T_UDP_ONEWAY] = 120000,
				[NAT_T_UDP_BOTH] = 300000,
				[NAT_T_UDP_DNS] = 30000,
				[NAT_T_ICMP] = 60000,
				[NAT_T_PORT_HOLD] = 120000 },
		.quota = { .half_open = 1024,
			   .udp_oneway = 4096,
			   .icmp = 256,
			   .new_per_s = 1000,
			   .new_burst = 4096 },
		.port_lo = 1024,
		.port_hi = 65535,
	};
}

static bool conf_ok(const struct nat_conf *c)
{
	for (int i = 0; i < NAT_T_N; i++)
		if (!c->timeout_ms[i] || c->timeout_ms[i] > INT32_MAX)
			return false;
	return c->flows >= FLOWS_MIN && c->flows <= FLOWS_MAX &&
	       c->owners >= 1 && c->owners <= OWNERS_MAX && c->outsides >= 1 &&
	       c->outsides <= NAT_SPACES_MAX && c->port_lo >= 1 &&
	       c->port_lo <= c->port_hi;
}

size_t nat_size(const struct nat_conf *c)
{
	return pkt_arena_cost(sizeof(struct nat)) + nat_table_size(c->flows) +
	       nat_ports_size(c->outsides) +
	       pkt_arena_cost(c->owners * sizeof(struct nat_owner)) +
	       pkt_arena_cost(c->owners);
}

/* A new life of owner @o. */
static void owner_start(struct nat *n, uint16_t owner, uint16_t lessee,
			const struct nat_quota *q)
{
	struct nat_owner *o = &n->owner[owner];

	n->past.added += o->added;
	n->past.refused += o->refused;
	n->past.evicted += o->evicted;
	n->past.expired += o->expired;
	n->drain_n -= o->drain;
	memset(o, 0, sizeof(*o));
	o->life = NAT_LIVE;
	o->lessee = lessee;
	o->round = n->rounds;
	nat_limit_set(n, o, q);
}

void nat_start(struct nat *n)
{
	n->live_n = n->drain_n = n->hand = n->rounds = n->stale_laps = 0;
	n->unclaimed = 0;
	memset(&n->past, 0, sizeof(n->past));
	memset(n->owner, 0, n->conf.owners * sizeof(*n->owner));
	memset(n->epoch, 0, n->conf.owners);
	owner_start(n, NAT_UPLINK, nat_ports_enter(&n->ports), &n->conf.quota);
	nat_limit_share(n);
}

int nat_lay_out(struct nat **out, void *mem, size_t len,
		const struct nat_conf *c, bool keep)
{
	struct pkt_hash_key key = pkt_hash_key(c->hash_key);
	struct pkt_arena a;
	struct nat *n;

	if (!conf_ok(c))
		return -EINVAL;
	pkt_arena_init(&a, mem, len);
	a.keep = keep;
	n = pkt_arena_take(&a, sizeof(*n));
	if (!n)
		return -ENOSPC;
	n->conf = *c;
	n->owner = pkt_arena_take(&a, c->owners * sizeof(*n->owner));
	n->epoch = pkt_arena_take(&a, c->owners);
	if (!n->owner || !n->epoch ||
	    !nat_table_init(&n->table, &a, c->flows, &key, n->addrs.addr) ||
	    !nat_ports_init(&n->ports, &a, c->outsides, c->port_lo, c->port_hi,
			    c->timeout_ms[NAT_T_PORT_HOLD], c->port_seed))
		return -ENOSPC;
	memset(n->conf.hash_key, 0, sizeof(n->conf.hash_key));
	memset(n->conf.port_seed, 0, sizeof(n->conf.port_seed));
	for (int s = NAT_FREE + 1; s < NAT_STATE_N; s++)
		n->timeout_ms[s] = c->timeout_ms[timeout_of[s]];
	*out = n;
	return 0;
}

int nat_init(struct nat **out, void *mem, size_t len, const struct nat_conf *c)
{
	int err = nat_lay_out(out, mem, len, c, false);

	if (!err) {
		nat_addrs_init(&(*out)->addrs);
		nat_start(*out);
	}
	return err;
}

void nat_reset(struct nat *n)
{
	nat_table_reset(&n->table);
	nat_ports_reset(&n->ports);
	nat_addrs_init(&n->addrs);
	nat_start(n);
}

int nat_owner_add(struct nat *n, uint16_t owner, const struct nat_quota *q)
{
	uint16_t lessee;

	if (!q)
		q = &n->conf.quota;
	if (owner >= n->conf.owners)
		return -EINVAL;
	if (n->owner[owner].life == NAT_LIVE)
		return -EEXIST;
	if (n->owner[owner].life == NAT_KEPT) {
		n->owner[owner].life = NAT_LIVE;
		nat_limit_set(n, &n->owner[owner], q);
		nat_limit_share(n);
		return 0;
	}
	if (nat_owner_busy(n, owner))
		return -EBUSY;
	lessee = nat_ports_enter(&n->ports);
	if (!lessee)
		return -EBUSY;
	owner_start(n, owner, lessee, q);
	n->live_n++;
	nat_limit_share(n);
	return 0;
}

/*
 * Nothing of @owner that is there matches from now on.  An epoch comes back
 * after 256 steps, so the last one before that is left empty until the sweep
 * has freed what was made in all others; see nat_owner_spent().
 */
static void pass_epoch(struct nat *n, uint16_t owner)
{
	struct nat_owner *o = &n->owner[owner];

	if (!o->refs || nat_owner_spent(n, owner))
		return;
	if (n->rounds - o->round >= NAT_STALE_LAPS)
		o->bumps = 0;
	n->epoch[owner]++;
	o->bumps++;
	o->round = n->rounds;
	n->stale_laps = NAT_STALE_LAPS;
	if (!o->drain) {
		o->drain = true;
		n->drain_n++;
	}
}

static bool has_flows(const struct nat_owner *o)
{
	return o->life == NAT_LIVE || o->life == NAT_KEPT;
}

void nat_owner_remove(struct nat *n, uint16_t owner)
{
	struct nat_owner *o;

	if (owner == NAT_UPLINK || owner >= n->conf.owners)
		return;
	o = &n->owner[owner];
	if (!has_flows(o))
		return;
	pass_epoch(n, owner);
	o->life = NAT_GOING;
	n->live_n--;
	nat_ports_leave(&n->ports, o->lessee);
	nat_limit_share(n);
}

bool nat_owner_busy(const struct nat *n, uint16_t owner)
{
	return owner < n->conf.owners && n->owner[owner].life == NAT_GOING &&
	       n->owner[owner].refs;
}

void nat_owner_forget(struct nat *n, uint16_t owner)
{
	if (owner < n->conf.owners && has_flows(&n->owner[owner]))
		pass_epoch(n, owner);
}

void nat_addr_forget(struct nat *n, const struct pkt_addr *a)
{
	uint8_t i = nat_addrs_find(&n->addrs, a);
	struct nat_space *s = nat_ports_of(&n->ports, i);

	if (!i)
		return;
	n->addrs.live[i] = false;
	n->stale_laps = NAT_STALE_LAPS;
	if (s)
		nat_space_drop(n, s);
}

void nat_addr_keep(struct nat *n, const struct pkt_addr *a, uint32_t count)
{
	for (unsigned i = 1; i < n->addrs.top; i++) {
		const struct pkt_addr *have = &n->addrs.addr[i];
		uint32_t at = 0;

		while (at < count && !pkt_addr_eq(&a[at], have))
			at++;
		if (at == count)
			nat_addr_forget(n, have);
	}
}

bool nat_port_reserve(struct nat *n, const struct pkt_addr *outside,
		      uint16_t port)
{
	uint8_t addr = nat_addrs_intern(&n->addrs, outside);
	struct nat_space *s = addr ? nat_space_get(n, addr) : NULL;

	return s && port &&
	       nat_port_take(&n->ports, s, port, n->owner[NAT_UPLINK].lessee,
			     n->last_ms);
}

void nat_port_release(struct nat *n, const struct pkt_addr *outside,
		      uint16_t port)
{
	uint8_t addr = nat_addrs_find(&n->addrs, outside);
	struct nat_space *s = nat_ports_of(&n->ports, addr);

	if (s && nat_port_users(s, port) &&
	    nat_port_lessee(s, port) == n->owner[NAT_UPLINK].lessee)
		nat_port_drop(&n->ports, s, port, n->last_ms);
}

bool nat_port_is_free(const struct nat *n, const struct pkt_addr *outside,
		      uint16_t port, uint8_t proto,
		      const struct pkt_addr *remote, uint16_t remote_port)
{
	bool v6 = !pkt_addr_is_v4(outside);
	struct nat_key k;
	uint32_t ref;

	nat_key_addrs(&k, remote, outside, v6,
		      nat_key_rest(remote_port, port,
				   nat_key_who(NAT_UPLINK, proto,
					       v6 ? NAT_KEY_V6 : 0)));
	ref = nat_table_find(&n->table, &k, nat_table_hash(&n->table, &k));
	return ref == NAT_NONE ||
	       nat_flow_dead(n, nat_flow_at(n, NAT_REF_FLOW(ref)),
			     (uint32_t)n->last_ms);
}
