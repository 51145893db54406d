/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How adopting works
 *
 * What the dead process left is a row of records, each of which says by itself
 * what its keys, owner, port and state are.  The rest (index, lists, rings,
 * ports, counts) only follows from them, so it is thrown away and made again:
 *
 *	sift    what is no flow becomes a free record
 *	sort    flows to the front, those that used up most of their time first
 *	enter   each into index, ports, rings and counts, unless one that was
 *	        entered before it has the same key or port
 *	join    lists, in the order of records
 *
 * Three things beside the records are looked at, each only to say no: epochs
 * and lives of addresses (a flow that was forgotten stays so) and leases (a
 * port that was somebody's is nobody else's for a while).
 */
#include "nat/nat_age.h"
#include "nat/nat_life.h"
#include "packet/pkt_ip.h"

/* How far a deadline may lie ahead beyond its time-out, which it is cut to. */
#define SLACK_MS 10000u
#define AGES 256u /* steps by which flows are sorted */

/* ---- sift -----------------------------------------------------------------
 */

static bool proto_fits(const struct nat_flow *f, bool v6)
{
	if (f->state == NAT_ICMP_QUERY)
		return f->proto == (v6 ? IP_ICMP6 : IP_ICMP);
	if (f->state == NAT_UDP_ONEWAY || f->state == NAT_UDP_BOTH ||
	    f->state == NAT_UDP_DNS_DONE)
		return f->proto == IP_UDP;
	return f->proto == IP_TCP;
}

/* An owner's number, and the marks that go with protocol and family. */
static bool who_fits(const struct nat *n, const struct nat_flow *f, unsigned e,
		     bool v6)
{
	unsigned how = v6 ? NAT_KEY_V6 : 0;
	uint16_t owner = nat_flow_owner(f, e);

	if (e && f->state == NAT_ICMP_QUERY)
		how |= NAT_KEY_ANSWER;
	return owner < n->conf.owners &&
	       f->end[e].who == nat_key_who(owner, f->proto, how);
}

/* Stand-ins that live, of the same family, and a port for the outer one. */
static bool stands_fit(const struct nat *n, const struct nat_flow *f, bool v6)
{
	for (unsigned e = 0; e < 2; e++)
		if (!n->addrs.live[f->end[e].stand] ||
		    (f->end[e].stand &&
		     pkt_addr_is_v4(&n->addrs.addr[f->end[e].stand]) == v6))
			return false;
	return !(f->flags & NAT_F_PORT) == !f->end[1].stand;
}

/* Each end sees the other's port, but for what its stand-in changes. */
static bool ports_fit(const struct nat *n, const struct nat_flow *f)
{
	const struct nat_end *a = &f->end[0], *b = &f->end[1];

	if (f->end[1].stand ? b->peer < n->ports.lo || b->peer > n->ports.hi
			    : b->peer != a->port)
		return false;
	if (f->state != NAT_ICMP_QUERY)
		return f->end[0].stand || a->peer == b->port;
	return !f->end[0].stand && a->peer == b->port && b->port &&
	       b->port == nat_icmp_question(f->proto, (uint8_t)b->port);
}

/* Windows and their scales are known once end 1 was heard, not before. */
static bool track_fits(const struct nat_flow *f, const struct nat_track *tr)
{
	if (f->proto != IP_TCP)
		return true;
	if (!tr->max_win[0] || f->scale >> 4 > 14)
		return false;
	return f->state == NAT_TCP_SYN_SENT || f->state == NAT_TCP_CLOSED ||
	       (tr->max_win[1] && (f->scale & 15) <= 14);
}

/* What is left of its time, by the clock of who died; 0: nothing, or nonsense.
 */
static uint32_t left_of(const struct nat *n, const struct nat_flow *f)
{
	uint32_t left = f->expires - (uint32_t)n->last_ms;
	uint32_t whole = n->timeout_ms[f->state];

	if (left > INT32_MAX || left > (uint64_t)whole + SLACK_MS)
		return 0;
	return left < whole ? left : whole;
}

static bool is_flow(const struct nat *n, uint32_t i)
{
	const struct nat_flow *f = nat_flow_at(n, i);
	bool v6 = f->end[0].who & NAT_KEY_V6;

	return f->state > NAT_FREE && f->state < NAT_STATE_N && left_of(n, f) &&
	       proto_fits(f, v6) && who_fits(n, f, 0, v6) &&
	       who_fits(n, f, 1, v6) && stands_fit(n, f, v6) &&
	       ports_fit(n, f) && pkt_addr_is_v4(&f->end[0].real) != v6 &&
	       pkt_addr_is_v4(&f->end[1].real) != v6 &&
	       pkt_addr_ok_src(&f->end[0].real) &&
	       pkt_addr_ok_dst(&f->end[1].real) &&
	       track_fits(f, nat_track_at(n, i)) && !nat_flow_outlived(n, f);
}

static void sift(struct nat *n, uint64_t now_ms)
{
	for (uint32_t i = 0; i < n->table.cap; i++) {
		struct nat_flow *f = nat_flow_at(n, i);

		if (!is_flow(n, i)) {
			f->state = NAT_FREE;
			continue;
		}
		f->expires = (uint32_t)now_ms + left_of(n, f);
		f->sib_next = NAT_NONE; /* not entered yet */
		f->gen = f->rule = 0;
		f->flags &= NAT_F_MAP | NAT_F_PORT | NAT_F_SACK | NAT_F_ACK(0) |
			    NAT_F_ACK(1) | NAT_F_FIN(0) | NAT_F_FIN(1);
	}
}

/* Only what is clearly alive is; no address has two numbers. */
static void sift_addrs(struct nat_addrs *t)
{
	uint8_t was[NAT_ADDR_MAX];

	static_assert(sizeof(was) == sizeof(t->live), "one byte each");
	/* a bool that is neither true nor false must not be read as one */
	memcpy(was, t->live, sizeof(was));
	memset(t->live, 0, sizeof(t->live));
	memset(t->refs, 0, sizeof(t->refs));
	t->top = 1;
	for (unsigned i = 1; i < NAT_ADDR_MAX; i++) {
		if (was[i] != 1 || !pkt_addr_ok_dst(&t->addr[i]) ||
		    nat_addrs_find(t, &t->addr[i]))
			continue;
		t->live[i] = true;
		t->top = (uint16_t)(i + 1);
	}
	t->live[0] = true;
}

/* ---- sort -----------------------------------------------------------------
 */

/* 0: as good as over; AGES: no flow. */
static uint32_t place_of(const struct nat *n, const struct nat_flow *f,
			 uint64_t now_ms)
{
	uint64_t left = f->expires - (uint32_t)now_ms;

	if (f->state == NAT_FREE)
		return AGES;
	return (uint32_t)(left * (AGES - 1) / n->timeout_ms[f->state]);
}

static void swap(struct nat *n, uint32_t i, uint32_t j)
{
	struct nat_flow f = *nat_flow_at(n, i);
	struct nat_track tr = *nat_track_at(n, i);

	*nat_flow_at(n, i) = *nat_flow_at(n, j);
	*nat_track_at(n, i) = *nat_track_at(n, j);
	*nat_flow_at(n, j) = f;
	*nat_track_at(n, j) = tr;
}

/* By counting, in place: each swap brings a record home.  How many flows. */
static uint32_t sort(struct nat *n, uint64_t now_ms)
{
	uint32_t next[AGES + 1] = { 0 }, end[AGES + 1], at = 0;

	for (uint32_t i = 0; i < n->table.cap; i++)
		next[place_of(n, nat_flow_at(n, i), now_ms)]++;
	for (uint32_t b = 0; b <= AGES; b++) {
		uint32_t many = next[b];

		next[b] = at;
		end[b] = at += many;
	}
	for (uint32_t b = 0; b <= AGES; b++)
		while (next[b] < end[b]) {
			uint32_t i = next[b];
			uint32_t to = place_of(n, nat_flow_at(n, i), now_ms);

			if (to == b)
				next[b]++;
			else
				swap(n, i, next[to]++);
		}
	return next[AGES - 1];
}

/* ---- enter ----------------------------------------------------------------
 */

/* Hashes of both ends' keys, which nobody else has and which differ. */
static bool keys_free(const struct nat *n, const struct nat_flow *f,
		      uint64_t hash[NAT_KEY_N])
{
	struct nat_key k[2];

	for (unsigned e = 0; e < 2; e++) {
		nat_key_of_flow(&k[e], f, (enum nat_key_kind)e, n->addrs.addr);
		hash[e] = nat_table_hash(&n->table, &k[e]);
		if (nat_table_find(&n->table, &k[e], hash[e]) != NAT_NONE)
			return false;
	}
	return !nat_key_eq(&k[0], &k[1]);
}

/* Its payer exists, for now; false: there is no room for one more. */
static bool keep_owner(struct nat *n, uint16_t owner)
{
	struct nat_owner *o = &n->owner[owner];

	if (o->life == NAT_ABSENT && nat_owner_add(n, owner, NULL) == 0 &&
	    owner != NAT_UPLINK)
		o->life = NAT_KEPT;
	return o->life != NAT_ABSENT;
}

/* A flow of the same endpoint with the same port, NAT_NONE; sets NAT_F_MAP. */
static uint32_t sibling_of(const struct nat *n, struct nat_flow *f,
			   uint64_t *hash)
{
	struct nat_key k;
	uint32_t ref, i;

	f->flags &= (uint8_t)~NAT_F_MAP;
	nat_key_of_flow(&k, f, NAT_KEY_MAP, n->addrs.addr);
	*hash = nat_table_hash(&n->table, &k);
	ref = nat_table_find(&n->table, &k, *hash);
	if (ref == NAT_NONE) {
		f->flags |= NAT_F_MAP;
		return NAT_NONE;
	}
	i = NAT_REF_FLOW(ref);
	return nat_flow_at(n, i)->end[1].peer == f->end[1].peer ? i : NAT_NONE;
}

static bool enter(struct nat *n, uint32_t i, uint16_t ghost, uint64_t now_ms)
{
	struct nat_flow *f = nat_flow_at(n, i);
	uint64_t hash[NAT_KEY_N] = { 0 };
	uint32_t sibling = NAT_NONE;

	if (!keys_free(n, f, hash) || !keep_owner(n, nat_flow_owner(f, 0)) ||
	    !keep_owner(n, nat_flow_owner(f, 1)))
		return false;
	if (f->flags & NAT_F_PORT) {
		struct nat_space *s = nat_space_get(n, f->end[1].stand);

		if (!s)
			return false;
		sibling = sibling_of(n, f, &hash[NAT_KEY_MAP]);
		nat_port_lay(&n->ports, s, f->end[1].peer, ghost);
	} else {
		f->flags &= (uint8_t)~NAT_F_MAP;
	}
	return nat_flow_enter(n, i, hash, sibling, now_ms);
}

/*
 * Those that had their endpoint's mapping come first, so that it stays the one
 * that new flows of the endpoint use.
 */
static void enter_all(struct nat *n, uint16_t ghost, uint64_t now_ms)
{
	for (int rest = 0; rest < 2; rest++)
		for (uint32_t i = 0; i < n->table.top; i++) {
			struct nat_flow *f = nat_flow_at(n, i);

			if (f->state == NAT_FREE || f->sib_next != NAT_NONE ||
			    (!rest && !(f->flags & NAT_F_MAP)))
				continue;
			if (!enter(n, i, ghost, now_ms))
				nat_table_put(&n->table, i);
		}
}

/* ---- the whole ------------------------------------------------------------
 */

/* Spaces hold a number of their address; numbers nobody holds are free again.
 */
static void count_addrs(struct nat *n)
{
	struct nat_addrs *t = &n->addrs;

	while (t->top > 1 && !t->refs[t->top - 1])
		t->live[--t->top] = false;
}

int nat_adopt(struct nat **out, void *mem, size_t len, const struct nat_conf *c,
	      struct mono now)
{
	uint64_t now_ms = nat_ms(now);
	struct nat *n;
	uint16_t ghost;
	int err = nat_lay_out(out, mem, len, c, true);

	if (err)
		return err;
	n = *out;
	sift_addrs(&n->addrs);
	sift(n, now_ms);
	n->last_ms = now_ms;
	ghost = nat_ports_adopt(&n->ports, n->addrs.live, now_ms);
	for (uint32_t i = 0; i < n->ports.spaces; i++)
		if (n->ports.space[i].addr)
			nat_addrs_ref(&n->addrs, n->ports.space[i].addr);
	nat_start(n);
	nat_table_adopt(&n->table, sort(n, now_ms));
	enter_all(n, ghost, now_ms);
	for (uint32_t i = 0; i < n->table.top; i++)
		if (nat_flow_at(n, i)->state != NAT_FREE)
			nat_age_join(n, i);
	nat_ports_leave(&n->ports, ghost);
	count_addrs(n);
	return 0;
}
