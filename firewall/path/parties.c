/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control side: who is there, with which addresses, rules and rights.
 * Every function looks at everything first and changes something only when
 * nothing can fail any more.
 */
#include <errno.h>

#include "firewall/path/dns_part.h"

/* ---- what follows from a change ------------------------------------------ */

static void put_addr(struct fw *fw, const struct pkt_addr *a, uint8_t flags)
{
	struct pkt_prefix p = fw_host(a);

	if (!pkt_addr_is_zero(a))
		place_put(fw->place, &p, (struct place){ .flags = flags });
}

static void put_client(struct fw *fw, uint16_t n)
{
	const struct fw_client *c = &fw->party[n].conf;
	struct pkt_prefix mine[FW_CLIENT_ADDRS];
	uint32_t count = fw_client_nets(c, mine);

	for (uint32_t i = 0; i < count; i++)
		place_put(fw->place, &mine[i],
			  (struct place){ n, PLACE_CLIENT });
	put_addr(fw, &c->gateway4, PLACE_GATEWAY);
	put_addr(fw, &c->gateway6, PLACE_GATEWAY);
}

/* Every flow of client @n is to be judged again (R123). */
static void new_gen(struct fw *fw, uint16_t n)
{
	/*
	 * Flows remember 16 bits of it.  When the count begins again, one that
	 * slept through all of it could pass for current, so all end.
	 */
	if (!++fw->party[n].gen)
		nat_owner_forget(fw->nat, n);
}

/*
 * The same for what the uplink opened.  When its count begins again all flows
 * end that have an end outside, so it counts only while it matters.
 */
static void new_gen_uplink(struct fw *fw)
{
	struct nat_usage opened;

	nat_usage(fw->nat, NAT_UPLINK, &opened);
	if (!fw->forward_n && !opened.flows)
		return;
	new_gen(fw, NAT_UPLINK);
	fw_row(fw, NAT_UPLINK)->rule_gen = fw->party[NAT_UPLINK].gen;
}

void fw_judge_all_again(struct fw *fw)
{
	new_gen_uplink(fw);
	for (uint16_t n = 1; n <= fw->conf.clients; n++)
		if (fw->party[n].used)
			new_gen(fw, n);
}

/* Addresses mean something else now. */
static void map_changed(struct fw *fw)
{
	place_begin(fw->place);
	for (uint16_t n = 1; n <= fw->conf.clients; n++)
		if (fw->party[n].used)
			put_client(fw, n);
	put_addr(fw, &fw->uplink.addr4, PLACE_OUTSIDE);
	put_addr(fw, &fw->uplink.addr6, PLACE_OUTSIDE);
	for (uint32_t i = 0; i < fw->guard_n; i++)
		put_addr(fw, &fw->guard[i], PLACE_GUARD);
	place_commit(fw->place);
	fw_judge_all_again(fw);
}

static void show(struct fw *fw, uint16_t n)
{
	const struct party *c = &fw->party[n];
	struct view_client *row = fw_row(fw, n);

	row->used = c->used;
	row->kind = c->kind;
	row->open4 = fw_is_open(fw, n, RULE_IP4);
	row->open6 = fw_is_open(fw, n, RULE_IP6);
	row->rule_gen = c->gen;
}

/* ---- clients ------------------------------------------------------------- */

static int ok_port(const struct fw *fw, uint16_t port, uint16_t n)
{
	const struct slot *s;

	if (port == FW_NO_PORT)
		return 0;
	if (port >= fw->conf.ports || !fw->slot[port].port)
		return -EINVAL;
	s = &fw->slot[port];
	return s->owner == n || s->owner == FW_NOBODY ? 0 : -EEXIST;
}

static bool taken(const struct fw *fw, uint16_t n, const struct fw_client *c)
{
	for (uint16_t i = 1; i <= fw->conf.clients; i++)
		if (i != n && fw->party[i].used &&
		    fw_client_clash(c, &fw->party[i].conf))
			return true;
	return fw_client_holds(c, &fw->uplink.addr4) ||
	       fw_client_holds(c, &fw->uplink.addr6);
}

void fw_disconnect(struct fw *fw, uint16_t n)
{
	struct party *c = &fw->party[n];

	if (c->slot == FW_NO_PORT)
		return;
	fw_neigh_forget(fw, c->slot);
	fw_slot_clear(fw, &fw->slot[c->slot], PKT_REASON_PORT_DOWN);
	fw->slot[c->slot].owner = FW_NOBODY;
	c->slot = FW_NO_PORT;
	pkt_frag_forget(fw->frag, n);
	if (n == NAT_UPLINK) {
		fw->view->uplink_up = 0;
	} else {
		nat_owner_forget(fw->nat, n);
		c->conf.port = FW_NO_PORT;
	}
}

static void attach(struct fw *fw, uint16_t n, uint16_t port)
{
	fw->party[n].slot = port;
	if (port != FW_NO_PORT)
		fw->slot[port].owner = n;
}

static bool appear(struct fw *fw, uint16_t n, const struct fw_client *c,
		   int *err, struct mono now)
{
	const struct nat_quota *q = &c->quota;
	bool own = q->flows || q->half_open || q->udp_oneway || q->icmp ||
		   q->new_per_s || q->new_burst || q->ports;
	struct party *p = &fw->party[n];

	*err = nat_owner_add(fw->nat, n, own ? q : NULL);
	if (*err)
		return false;
	*p = (struct party){ .slot = FW_NO_PORT, .gen = p->gen };
	bucket_init(&p->dns, &(struct bucket_rate){ 1, 40 }, now);
	bucket_init(&p->reply,
		    &(struct bucket_rate){ fw->conf.reply_per_s,
					   fw->conf.reply_burst },
		    now);
	memset(fw_row(fw, n), 0, sizeof(*fw_row(fw, n)));
	return true;
}

static void swap(struct party *p, const struct pkt_addr *a,
		 const struct pkt_addr *b)
{
	struct pkt_swap *s = &p->swap[p->swap_n];

	if (pkt_addr_is_zero(a) || pkt_addr_is_zero(b) || pkt_addr_eq(a, b))
		return;
	memcpy(s->one, a->b + 12, sizeof(s->one));
	memcpy(s->other, b->b + 12, sizeof(s->other));
	p->swap_n++;
}

static void adopt(struct fw *fw, uint16_t n, const struct fw_client *c)
{
	struct party *p = &fw->party[n];
	struct pkt_prefix mine[FW_CLIENT_ADDRS];
	uint32_t count = fw_client_nets(c, mine);

	p->used = true;
	p->kind = c->kind;
	p->conf = *c;
	p->has[RULE_IP4] = p->has[RULE_IP6] = false;
	for (uint32_t i = 0; i < count; i++)
		p->has[fw_family(&mine[i].addr)] = true;
	fw_profile_find(fw, n);
	p->swap_n = 0;
	swap(p, &c->addr[0], &c->seen4);
	swap(p, &c->gateway4, &c->seen_gateway4);
	memcpy(fw_row(fw, n)->name, c->name, sizeof(c->name));
	fw_row(fw, n)->name[sizeof(c->name) - 1] = 0;
}

int fw_client_set(struct fw *fw, uint16_t n, const struct fw_client *c,
		  struct mono now)
{
	struct party *p;
	int err;

	if (!n || n > fw->conf.clients || !fw_client_ok(c))
		return -EINVAL;
	p = &fw->party[n];
	err = ok_port(fw, c->port, n);
	if (err)
		return err;
	if (taken(fw, n, c))
		return -EEXIST;
	if (!p->used && !appear(fw, n, c, &err, now))
		return err;
	if (p->slot != c->port)
		fw_disconnect(fw, n);
	if (p->used && fw_client_lost(&p->conf, c)) {
		nat_owner_forget(fw->nat, n);
		pkt_frag_forget(fw->frag, n);
	}
	adopt(fw, n, c);
	attach(fw, n, c->port);
	map_changed(fw);
	show(fw, n);
	return 0;
}

void fw_client_remove(struct fw *fw, uint16_t n, struct mono now)
{
	struct party *p;

	(void)now;
	if (!n || n > fw->conf.clients)
		return;
	p = &fw->party[n];
	blocked_forget(fw->blocked, n);
	if (!p->used) {
		nat_owner_remove(fw->nat, n); /* has adopted flows, maybe */
		return;
	}
	fw_disconnect(fw, n);
	nat_owner_remove(fw->nat, n);
	pkt_frag_forget(fw->frag, n);
	*p = (struct party){ .slot = FW_NO_PORT, .gen = p->gen };
	map_changed(fw);
	show(fw, n);
}

int fw_client_rules(struct fw *fw, uint16_t n, enum rule_family family,
		    const struct ruleset *set, const struct ruleset **old,
		    struct mono now)
{
	struct party *p;

	(void)now;
	if (!n || n > fw->conf.clients || !fw->party[n].used ||
	    family > RULE_IP6 || (set && ruleset_family(set) != family))
		return -EINVAL;
	p = &fw->party[n];
	*old = p->rules[family];
	p->rules[family] = set;
	new_gen(fw, n);
	new_gen_uplink(fw); /* it may have closed, or opened */
	show(fw, n);
	return 0;
}

const struct profiles *fw_profiles_set(struct fw *fw, const struct profiles *p,
				       const uint8_t *of, uint32_t n)
{
	const struct profiles *old = fw->profiles;

	fw->profiles = p;
	for (uint16_t i = 1; i <= fw->conf.clients; i++)
		fw_profile_take(fw, i, i < n ? of[i] : FW_PROFILE_CLOSED);
	fw_judge_all_again(fw);
	for (uint16_t i = 1; i <= fw->conf.clients; i++)
		if (fw->party[i].used)
			show(fw, i);
	return old;
}

/* ---- the uplink and what is known of the world --------------------------- */

static bool ok_own(const struct pkt_addr *a, enum rule_family family)
{
	return pkt_addr_is_zero(a) ||
	       (fw_family(a) == family && pkt_addr_ok_src(a));
}

static int ok_uplink(const struct fw *fw, const struct fw_uplink *u)
{
	if (!ok_own(&u->addr4, RULE_IP4) || !ok_own(&u->addr6, RULE_IP6) ||
	    !fw_gateway_ok(&u->gateway4, RULE_IP4) ||
	    !fw_gateway_ok(&u->gateway6, RULE_IP6) || u->net4.len > 128 ||
	    u->net6.len > 128 || u->gateway_mac.b[0] & 1)
		return -EINVAL;
	for (uint16_t n = 1; n <= fw->conf.clients; n++)
		if (fw->party[n].used &&
		    (fw_client_holds(&fw->party[n].conf, &u->addr4) ||
		     fw_client_holds(&fw->party[n].conf, &u->addr6)))
			return -EEXIST;
	return ok_port(fw, u->port, NAT_UPLINK);
}

static void forget_addr(struct fw *fw, const struct pkt_addr *was,
			const struct pkt_addr *is)
{
	if (!pkt_addr_is_zero(was) && !pkt_addr_eq(was, is))
		nat_addr_forget(fw->nat, was);
}

static bool is_net(const struct pkt_prefix *p)
{
	static const struct pkt_prefix none;

	return memcmp(p, &none, sizeof(none)) != 0;
}

/* What fw_output() wants to know of each packet is settled once. */
static void set_routes(struct fw *fw)
{
	static const struct pkt_mac none;
	const struct fw_uplink *u = &fw->uplink;

	fw->route[RULE_IP4] = (struct route){ is_net(&u->net4),
					      !pkt_addr_is_zero(&u->gateway4) };
	fw->route[RULE_IP6] = (struct route){ is_net(&u->net6),
					      !pkt_addr_is_zero(&u->gateway6) };
	fw->gateway_mac_given = !fw_mac_eq(&u->gateway_mac, &none);
}

int fw_uplink_set(struct fw *fw, const struct fw_uplink *u, struct mono now)
{
	struct fw_uplink *was = &fw->uplink;
	int err = ok_uplink(fw, u);
	bool up = u->up && u->port != FW_NO_PORT;

	(void)now;
	if (err)
		return err;
	if (fw->strangers) {
		const struct pkt_addr ours[] = { u->addr4, u->addr6 };

		nat_addr_keep(fw->nat, ours, 2);
		fw->strangers = false;
	}
	fw->unannounced = up && (fw->unannounced || !fw->view->uplink_up ||
				 fw->party[NAT_UPLINK].slot != u->port ||
				 !pkt_addr_eq(&was->addr4, &u->addr4) ||
				 !pkt_addr_eq(&was->addr6, &u->addr6));
	fw_dns_own_drop(fw);
	forget_addr(fw, &was->addr4, &u->addr4);
	forget_addr(fw, &was->addr6, &u->addr6);
	if (fw->party[NAT_UPLINK].slot != u->port)
		fw_disconnect(fw, NAT_UPLINK);
	else if (u->port != FW_NO_PORT)
		fw_neigh_forget(fw, u->port);
	fw->uplink = *u;
	set_routes(fw);
	attach(fw, NAT_UPLINK, u->port);
	neigh_reserve(fw->neigh, 0, u->port, &u->gateway4);
	neigh_reserve(fw->neigh, 1, u->port, &u->gateway6);
	fw->party[NAT_UPLINK].has[RULE_IP4] = !pkt_addr_is_zero(&u->addr4);
	fw->party[NAT_UPLINK].has[RULE_IP6] = !pkt_addr_is_zero(&u->addr6);
	fw->view->uplink_up = up;
	map_changed(fw);
	return 0;
}

void fw_uplink_announce(struct fw *fw, struct mono now)
{
	struct slot *s;

	if (!fw->unannounced || !fw->view->uplink_up)
		return;
	fw->unannounced = false;
	s = &fw->slot[fw->uplink.port];
	fw_arp_announce(fw, s, now);
	fw_nd_announce(fw, s, now);
}

void fw_settle(struct fw *fw)
{
	if (!fw->settling)
		return;
	fw->settling = false;
	for (uint16_t n = 1; n <= fw->conf.clients; n++)
		if (!fw->party[n].used)
			nat_owner_remove(fw->nat, n);
}

int fw_guard_set(struct fw *fw, const struct pkt_addr *a, uint32_t n)
{
	if (n > fw->conf.guard)
		return -ENOSPC;
	if (n) /* an empty list may be NULL */
		memcpy(fw->guard, a, n * sizeof(*a));
	fw->guard_n = n;
	map_changed(fw);
	return 0;
}

int fw_pairs_set(struct fw *fw, const struct fw_pair *p, uint32_t n)
{
	uint32_t row = fw->conf.clients + 1u;

	for (uint32_t i = 0; i < n; i++)
		if (!p[i].from || !p[i].to || p[i].from >= row ||
		    p[i].to >= row)
			return -EINVAL;
	memset(fw->pairs, 0, (row * row + 7) / 8);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t bit = p[i].from * row + p[i].to;

		fw->pairs[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
	fw_judge_all_again(fw);
	return 0;
}
