/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/nat_life.h"

#include "nat/nat_age.h"

static bool has_port(const struct nat_flow *f)
{
	return f->flags & NAT_F_PORT;
}

static uint32_t *count_of(struct nat_owner *o, uint8_t proto)
{
	return proto == 6 ? &o->tcp : proto == 17 ? &o->udp : &o->icmp;
}

static void count(struct nat *n, const struct nat_flow *f)
{
	struct nat_owner *payer = &n->owner[nat_flow_owner(f, 0)];

	n->unclaimed -= payer->flows < payer->claim;
	payer->flows++;
	payer->added++;
	++*count_of(payer, f->proto);
	for (unsigned e = 0; e < 2; e++) {
		n->owner[nat_flow_owner(f, e)].refs++;
		if (f->end[e].stand)
			nat_addrs_ref(&n->addrs, f->end[e].stand);
	}
}

static void uncount(struct nat *n, const struct nat_flow *f)
{
	struct nat_owner *payer = &n->owner[nat_flow_owner(f, 0)];

	payer->flows--;
	n->unclaimed += payer->flows < payer->claim;
	--*count_of(payer, f->proto);
	for (unsigned e = 0; e < 2; e++) {
		n->owner[nat_flow_owner(f, e)].refs--;
		if (f->end[e].stand)
			nat_addrs_unref(&n->addrs, f->end[e].stand);
	}
}

static void ring_join(struct nat *n, uint32_t i, uint32_t sibling)
{
	struct nat_flow *f = nat_flow_at(n, i);
	struct nat_track *tr = nat_track_at(n, i);

	if (sibling == NAT_NONE) {
		f->sib_next = tr->sib_prev = i;
		return;
	}
	f->sib_next = nat_flow_at(n, sibling)->sib_next;
	tr->sib_prev = sibling;
	nat_track_at(n, f->sib_next)->sib_prev = i;
	nat_flow_at(n, sibling)->sib_next = i;
}

static void give_up_port(struct nat *n, const struct nat_flow *f,
			 uint64_t now_ms)
{
	struct nat_space *s = nat_ports_of(&n->ports, f->end[1].stand);

	if (s && n->addrs.live[f->end[1].stand])
		nat_port_drop(&n->ports, s, f->end[1].peer, now_ms);
}

/*
 * Leaves the ring; the mapping key passes on to a sibling, the last one gives
 * up the port.  The key was just taken out, so entering it again can't fail.
 */
static void ring_part(struct nat *n, uint32_t i, uint64_t hash, uint64_t now_ms)
{
	struct nat_flow *f = nat_flow_at(n, i);
	uint32_t prev = nat_track_at(n, i)->sib_prev, next = f->sib_next;

	if (f->flags & NAT_F_MAP)
		nat_table_del(&n->table, i, NAT_KEY_MAP, hash);
	if (next == i) {
		if (has_port(f))
			give_up_port(n, f, now_ms);
		return;
	}
	nat_flow_at(n, prev)->sib_next = next;
	nat_track_at(n, next)->sib_prev = prev;
	if (!(f->flags & NAT_F_MAP))
		return;
	nat_flow_at(n, next)->flags |= NAT_F_MAP;
	if (!nat_table_add(&n->table, next, NAT_KEY_MAP, hash))
		vw_panic(__FILE__, __LINE__, "room for a key is gone");
}

uint32_t nat_flow_by_key(struct nat *n, const struct nat_key *k, uint64_t hash,
			 uint64_t now_ms)
{
	uint32_t ref = nat_table_find(&n->table, k, hash);

	if (ref == NAT_NONE ||
	    !nat_flow_dead(n, nat_flow_at(n, NAT_REF_FLOW(ref)),
			   (uint32_t)now_ms))
		return ref;
	nat_flow_expire(n, NAT_REF_FLOW(ref), now_ms);
	return NAT_NONE;
}

uint32_t nat_flow_of_endpoint(struct nat *n, const struct nat_key *k,
			      uint64_t hash)
{
	struct nat_table *t = &n->table;
	uint32_t ref = nat_table_find(t, k, hash), i;

	if (ref == NAT_NONE)
		return NAT_NONE;
	i = NAT_REF_FLOW(ref);
	if (!nat_flow_stale(n, nat_flow_at(n, i)))
		return i;
	/* Its siblings may be many: they go without the key, in their time. */
	nat_table_del(t, i, NAT_KEY_MAP, hash);
	nat_flow_at(n, i)->flags &= (uint8_t)~NAT_F_MAP;
	return NAT_NONE;
}

struct nat_space *nat_space_get(struct nat *n, uint8_t addr)
{
	struct nat_space *s = nat_ports_of(&n->ports, addr);

	if (s)
		return s;
	s = nat_ports_open(&n->ports, addr);
	for (uint32_t i = 0; !s && i < n->ports.spaces; i++) {
		if (n->ports.space[i].leased)
			continue;
		nat_space_drop(n, &n->ports.space[i]);
		s = nat_ports_open(&n->ports, addr);
	}
	if (s)
		nat_addrs_ref(&n->addrs, addr);
	return s;
}

void nat_space_drop(struct nat *n, struct nat_space *s)
{
	nat_addrs_unref(&n->addrs, s->addr);
	nat_ports_close(&n->ports, s);
}

bool nat_flow_enter(struct nat *n, uint32_t i, const uint64_t hash[NAT_KEY_N],
		    uint32_t sibling, uint64_t now_ms)
{
	struct nat_table *t = &n->table;
	struct nat_flow *f = nat_flow_at(n, i);

	for (unsigned e = 0; e < 2; e++)
		f->end[e].epoch = n->epoch[nat_flow_owner(f, e)];
	if (!nat_table_add(t, i, NAT_KEY_END0, hash[NAT_KEY_END0]))
		return false;
	if (!nat_table_add(t, i, NAT_KEY_END1, hash[NAT_KEY_END1]))
		goto err_end0;
	if ((f->flags & NAT_F_MAP) &&
	    !nat_table_add(t, i, NAT_KEY_MAP, hash[NAT_KEY_MAP]))
		goto err_end1;
	if (has_port(f) && sibling == NAT_NONE &&
	    !nat_port_take(&n->ports, nat_ports_of(&n->ports, f->end[1].stand),
			   f->end[1].peer,
			   n->owner[nat_flow_owner(f, 0)].lessee, now_ms))
		goto err_map;
	ring_join(n, i, sibling);
	count(n, f);
	return true;

err_map:
	if (f->flags & NAT_F_MAP)
		nat_table_del(t, i, NAT_KEY_MAP, hash[NAT_KEY_MAP]);
err_end1:
	nat_table_del(t, i, NAT_KEY_END1, hash[NAT_KEY_END1]);
err_end0:
	nat_table_del(t, i, NAT_KEY_END0, hash[NAT_KEY_END0]);
	return false;
}

uint32_t nat_flow_make(struct nat *n, const struct nat_draft *d,
		       uint64_t now_ms)
{
	uint32_t i = nat_table_get(&n->table);

	if (i == NAT_NONE)
		return NAT_NONE;
	*nat_flow_at(n, i) = d->f;
	if (!nat_flow_enter(n, i, d->hash, d->sibling, now_ms)) {
		nat_table_put(&n->table, i);
		return NAT_NONE;
	}
	nat_age_join(n, i);
	nat_age_touch(n, nat_flow_at(n, i), now_ms);
	return i;
}

void nat_flow_free(struct nat *n, uint32_t i, uint64_t now_ms)
{
	struct nat_table *t = &n->table;
	const struct nat_flow *f = nat_flow_at(n, i);
	unsigned kinds = f->flags & NAT_F_MAP ? NAT_KEY_N : NAT_KEY_MAP;
	uint64_t hash[NAT_KEY_N] = { 0 };

	/* Load all places first: they are nowhere near each other. */
	for (unsigned k = 0; k < kinds; k++) {
		hash[k] = nat_table_hash_of(t, f, (enum nat_key_kind)k);
		nat_table_warm(t, hash[k]);
	}
	nat_age_part(n, i);
	ring_part(n, i, hash[NAT_KEY_MAP], now_ms);
	nat_table_del(t, i, NAT_KEY_END0, hash[NAT_KEY_END0]);
	nat_table_del(t, i, NAT_KEY_END1, hash[NAT_KEY_END1]);
	uncount(n, f);
	nat_table_put(t, i);
}

void nat_flow_expire(struct nat *n, uint32_t i, uint64_t now_ms)
{
	n->owner[nat_flow_owner(nat_flow_at(n, i), 0)].expired++;
	nat_flow_free(n, i, now_ms);
}

void nat_flow_evict(struct nat *n, uint32_t i, uint64_t now_ms)
{
	n->owner[nat_flow_owner(nat_flow_at(n, i), 0)].evicted++;
	nat_flow_free(n, i, now_ms);
}
