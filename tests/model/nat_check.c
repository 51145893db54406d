/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/nat_check.h"

#include <string.h>

#include "nat/nat_age.h"

/* What @has falls short of @claim. */
static uint32_t missing(uint32_t claim, uint32_t has)
{
	return claim > has ? claim - has : 0;
}

static uint32_t look(const struct nat *n, const struct nat_flow *f,
		     enum nat_key_kind kind)
{
	struct nat_key k;
	uint32_t ref;

	nat_key_of_flow(&k, f, kind, n->addrs.addr);
	ref = nat_table_find(&n->table, &k, nat_table_hash(&n->table, &k));
	/* Nothing that is gone is ever found. */
	vw_assert(ref == NAT_NONE ||
		  nat_flow_at(n, NAT_REF_FLOW(ref))->state != NAT_FREE);
	return ref;
}

/* Both directions are there, or neither. */
static void check_keys(const struct nat *n, uint32_t i)
{
	const struct nat_flow *f = nat_flow_at(n, i);

	if (f->state == NAT_FREE) {
		for (unsigned k = 0; k < NAT_KEY_N; k++)
			(void)look(n, f, (enum nat_key_kind)k);
		return;
	}
	vw_assert(look(n, f, NAT_KEY_END0) == NAT_REF(i, NAT_KEY_END0));
	vw_assert(look(n, f, NAT_KEY_END1) == NAT_REF(i, NAT_KEY_END1));
	vw_assert((look(n, f, NAT_KEY_MAP) == NAT_REF(i, NAT_KEY_MAP)) ==
		  !!(f->flags & NAT_F_MAP));
}

/* True for one flow of each ring. */
static bool check_ring(const struct nat *n, uint32_t i)
{
	const struct nat_flow *f = nat_flow_at(n, i);
	uint32_t at = i, maps = 0, least = i, len = 0;

	do {
		const struct nat_flow *g = nat_flow_at(n, at);

		vw_assert(g->state != NAT_FREE);
		vw_assert(nat_track_at(n, g->sib_next)->sib_prev == at);
		vw_assert(pkt_addr_eq(&g->end[0].real, &f->end[0].real));
		vw_assert(g->end[0].port == f->end[0].port &&
			  g->proto == f->proto);
		vw_assert(nat_flow_owner(g, 0) == nat_flow_owner(f, 0));
		vw_assert(g->end[1].stand == f->end[1].stand);
		vw_assert(g->end[1].peer == f->end[1].peer);
		maps += !!(g->flags & NAT_F_MAP);
		if (at < least)
			least = at;
		at = g->sib_next;
		vw_assert(++len <= n->table.used);
	} while (at != i);
	vw_assert(maps <= 1);
	return least == i;
}

static uint32_t check_list(const struct nat *n, uint16_t owner, unsigned class)
{
	const struct nat_list *l = &n->owner[owner].list[class];
	uint32_t prev = NAT_NONE, at = l->head, len = 0;

	while (len < l->n) {
		const struct nat_flow *f = nat_flow_at(n, at);

		vw_assert(f->state != NAT_FREE &&
			  nat_flow_owner(f, 0) == owner);
		vw_assert(nat_class_of((enum nat_state)f->state) == class);
		vw_assert(nat_track_at(n, at)->prev == prev);
		prev = at;
		at = nat_track_at(n, at)->next;
		len++;
	}
	vw_assert(!len || (at == NAT_NONE && prev == l->tail));
	return len;
}

static void check_counts(const struct nat *n, uint16_t owner)
{
	const struct nat_owner *o = &n->owner[owner];
	uint32_t flows = 0, tcp = 0, udp = 0, refs = 0, listed = 0;

	for (uint32_t i = 0; i < n->table.top; i++) {
		const struct nat_flow *f = nat_flow_at(n, i);

		if (f->state == NAT_FREE)
			continue;
		refs += (uint32_t)(nat_flow_owner(f, 0) == owner) +
			(uint32_t)(nat_flow_owner(f, 1) == owner);
		if (nat_flow_owner(f, 0) != owner)
			continue;
		flows++;
		tcp += f->proto == 6;
		udp += f->proto == 17;
	}
	for (unsigned c = 0; c < NAT_CLASS_N; c++)
		listed += check_list(n, owner, c);
	vw_assert(o->flows == flows && o->refs == refs && listed == flows);
	vw_assert(o->tcp == tcp && o->udp == udp &&
		  o->icmp == flows - tcp - udp);
}

/* Ports in use are those of rings, but for own reservations. */
static void check_ports(const struct nat *n, const struct nat_space *s,
			uint16_t users[65536])
{
	uint16_t own = n->owner[NAT_UPLINK].lessee;
	uint32_t leased = 0, free_n = 0, short_of = 0;

	memset(users, 0, 65536 * sizeof(*users));
	for (uint32_t i = 0; i < n->table.top; i++) {
		const struct nat_flow *f = nat_flow_at(n, i);

		if (f->state != NAT_FREE && f->flags & NAT_F_PORT &&
		    f->end[1].stand == s->addr && check_ring(n, i))
			users[f->end[1].peer]++;
	}
	for (uint32_t word = 0; word < 1024; word++)
		free_n += (uint32_t)__builtin_popcountll(s->free[word]);
	for (uint32_t port = 0; port < 65536; port++) {
		uint16_t whose = nat_port_lessee(s, (uint16_t)port);

		if (!s->lease[port] && !users[port])
			continue;
		leased += whose != 0;
		vw_assert(!whose || !nat_port_is_nobodys(s, (uint16_t)port));
		if (whose != own)
			vw_assert(nat_port_users(s, (uint16_t)port) ==
				  users[port]);
	}
	vw_assert(s->leased == leased && s->free_n == free_n);
	for (uint32_t i = 0; i < NAT_LESSEES; i++)
		short_of += missing(n->ports.claim[i], s->held[i]);
	vw_assert(s->unclaimed == short_of);
}

static void check_addrs(const struct nat *n)
{
	static uint16_t users[65536];
	uint32_t refs[NAT_ADDR_MAX] = { 0 };

	for (uint32_t i = 0; i < n->table.top; i++) {
		const struct nat_flow *f = nat_flow_at(n, i);

		for (int e = 0; e < 2 && f->state != NAT_FREE; e++)
			if (f->end[e].stand)
				refs[f->end[e].stand]++;
	}
	for (uint32_t i = 0; i < n->ports.spaces; i++) {
		const struct nat_space *s = &n->ports.space[i];

		if (!s->addr)
			continue;
		vw_assert(n->addrs.live[s->addr]);
		refs[s->addr]++;
		check_ports(n, s, users);
	}
	vw_assert(!memcmp(refs, n->addrs.refs, sizeof(refs)));
}

void nat_check(const struct nat *n)
{
	uint32_t used = 0, short_of = 0;

	for (uint32_t i = 0; i < n->table.top; i++) {
		check_keys(n, i);
		if (nat_flow_at(n, i)->state == NAT_FREE)
			continue;
		(void)check_ring(n, i);
		vw_assert(n->stale_laps ||
			  !nat_flow_outlived(n, nat_flow_at(n, i)));
		used++;
	}
	vw_assert(n->table.used == used);
	for (uint16_t o = 0; o < n->conf.owners; o++) {
		check_counts(n, o);
		short_of += missing(n->owner[o].claim, n->owner[o].flows);
	}
	vw_assert(n->unclaimed == short_of);
	check_addrs(n);
}
