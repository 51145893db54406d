/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the XenStore says of us and of clients that nobody described: clients
 * that come and go with their vif, and the addresses of an uplink on rings.
 */
#include <string.h>

#include "firewall/control/apply/apply_part.h"
#include "firewall/control/apply/same.h"
#include "firewall/linux/log.h"

/* ---- addresses that are somebody's already --------------------------------*/

static bool holds(const struct fw_client *fw, const struct pkt_addr *a)
{
	for (uint8_t i = 0; i < fw->addr_n; i++)
		if (pkt_addr_eq(&fw->addr[i], a))
			return true;
	for (uint8_t i = 0; i < fw->net_n; i++)
		if (pkt_prefix_has(&fw->net[i], a))
			return true;
	return pkt_addr_eq(&fw->gateway4, a) || pkt_addr_eq(&fw->gateway6, a);
}

static bool holds_any(const struct fw_client *fw, const struct fw_client *of)
{
	for (uint8_t i = 0; i < of->addr_n; i++)
		if (holds(fw, &of->addr[i]))
			return true;
	return false;
}

/*
 * dom0 may give two vifs one address: the stub domain of a virtual machine that
 * is its network card until a driver of the machine's own is there, or a domain
 * that is gone and one that follows it.  One of them has it.  Clients of the
 * settings come first, then guests that are connected, the one that connected
 * last before the others, then those that are not, in their order.
 */
static bool goes_before(const struct apply *a, uint16_t x, uint16_t y)
{
	const struct apply_slot *s = &a->slot[x], *t = &a->slot[y];

	if (s->guest != t->guest)
		return !s->guest;
	if (s->ring.since != t->ring.since)
		return s->ring.since > t->ring.since;
	return s->came < t->came;
}

/* All clients into @order; how many. */
static uint16_t rank(const struct apply *a, uint16_t order[APPLY_SLOTS])
{
	uint16_t used = 0;

	for (uint16_t n = 1; n < APPLY_SLOTS; n++) {
		uint16_t i = used;

		if (!a->slot[n].used)
			continue;
		for (; i > 0 && goes_before(a, n, order[i - 1]); i--)
			order[i] = order[i - 1];
		order[i] = n;
		used++;
	}
	return used;
}

/* Who of the @n first has an address of guest @x; 0: nobody. */
static uint16_t holder(const struct apply *a, const uint16_t *order, uint16_t n,
		       const uint16_t *with, uint16_t x)
{
	for (uint16_t i = 0; i < n; i++)
		if (!with[i] &&
		    holds_any(&a->slot[order[i]].fw, &a->slot[x].fw))
			return order[i];
	return 0;
}

/*
 * Who goes loses its flows in data with its number there; who comes has its
 * own rules or none.
 */
static void set_clash(struct apply *a, uint16_t n, uint16_t with)
{
	struct apply_slot *s = &a->slot[n];

	if (with == s->clash)
		return;
	if (with)
		log_line(&s->log, LOG_LEVEL_ERR,
			 "client %s: waits, it has an address of client %s",
			 s->fw.name, a->slot[with].fw.name);
	else
		log_line(&s->log, LOG_LEVEL_INFO,
			 "client %s: its addresses are free", s->fw.name);
	if (!s->clash && s->sent)
		apply_mark(a, n, APPLY_CLIENT_DEL);
	apply_mark(a, n, APPLY_CLIENT | APPLY_RULES4 | APPLY_RULES6);
	s->clash = with;
}

void apply_clashes(struct apply *a)
{
	uint16_t order[APPLY_SLOTS], with[APPLY_SLOTS];
	uint16_t n = rank(a, order);

	for (uint16_t i = 0; i < n; i++)
		with[i] = a->slot[order[i]].guest
				  ? holder(a, order, i, with, order[i])
				  : 0;
	for (uint16_t i = 0; i < n; i++)
		set_clash(a, order[i], with[i]);
}

/* ---- guests ---------------------------------------------------------------*/

/* Sets that were committed before it came. */
static void known_sets(struct apply *a, uint16_t n)
{
	const struct apply_slot *s = &a->slot[n];
	char path[TREE_PATH_MAX + 2];

	for (int f = 0; f < 2; f++) {
		snprintf(path, sizeof(path), "%s%s", TREE_RULES, s->key[f]);
		if (s->key[f][0] && !s->set[f].built && a->tree &&
		    tree_committed(a->tree, path))
			apply_commit(a, n, f);
	}
}

uint16_t apply_guest(struct apply *a, const struct fw_client *fw)
{
	uint16_t n = apply_find(a, fw->name, strlen(fw->name));
	struct apply_slot *s;

	if (!n)
		n = apply_free(a);
	if (!n)
		return 0;
	s = &a->slot[n];
	if (!s->used) {
		log_line(&s->log, LOG_LEVEL_INFO, "client %s: new", fw->name);
		s->came = ++a->comings;
	}
	s->used = s->guest = s->ring.is = true;
	s->port.kind = CONF_PORT_VIF;
	memcpy(s->port.name, fw->name, sizeof(s->port.name) - 1);
	apply_client(a, n, fw, false);
	known_sets(a, n);
	apply_clashes(a);
	a->pairs_todo = true;
	return n;
}

void apply_guests_conf(struct apply *a)
{
	const struct conf *c = &a->conf;

	for (uint16_t n = 1; n < APPLY_SLOTS; n++) {
		struct fw_client *fw = &a->slot[n].fw;

		if (!a->slot[n].used || !a->slot[n].guest ||
		    (pkt_addr_eq(&fw->gateway4, &c->xen_gateway4) &&
		     pkt_addr_eq(&fw->gateway6, &c->xen_gateway6)))
			continue;
		fw->gateway4 = c->xen_gateway4;
		fw->gateway6 = c->xen_gateway6;
		apply_mark(a, n, APPLY_CLIENT);
	}
}

void apply_guest_gone(struct apply *a, uint16_t n)
{
	log_line(&a->slot[n].log, LOG_LEVEL_INFO, "client %s: gone",
		 a->slot[n].fw.name);
	apply_drop(a, n);
	apply_clashes(a);
	a->pairs_todo = true;
}

/* ---- the uplink -----------------------------------------------------------*/

/* What a link between two says of itself, where the settings do not. */
static void take_told(struct pkt_addr *addr, struct pkt_prefix *net,
		      struct pkt_addr *gateway,
		      const struct pkt_addr *told_addr,
		      const struct pkt_addr *told_gateway)
{
	if (pkt_addr_is_zero(addr)) {
		*addr = *told_addr;
		*net = (struct pkt_prefix){ *addr, 128 };
	}
	if (pkt_addr_is_zero(gateway))
		*gateway = *told_gateway;
}

/* The other end answers for all when no gateway is known. */
static void ask_for_all(struct fw_uplink *u)
{
	static const uint8_t any[4];

	if (pkt_addr_is_zero(&u->gateway4) && u->net4.len == 128 &&
	    pkt_addr_is_v4(&u->addr4))
		u->net4 = (struct pkt_prefix){ pkt_addr_v4(any), 96 };
}

/* On a link between two its gateway is all that there is. */
static void link_alone(struct pkt_prefix *net, struct pkt_addr *gateway)
{
	static const struct pkt_prefix none;

	if (net->len == 128)
		*net = pkt_addr_is_zero(gateway)
			       ? none
			       : (struct pkt_prefix){ *gateway, 128 };
	memset(gateway, 0, sizeof(*gateway));
}

/* Whose gateway is our outside address has a new one. */
static void gateways_changed(struct apply *a)
{
	for (uint16_t n = 1; n < APPLY_SLOTS; n++) {
		const struct fw_client *fw = &a->slot[n].fw;

		if (a->slot[n].used && fw->kind == FW_QUBE &&
		    (pkt_addr_is_zero(&fw->gateway4) ||
		     pkt_addr_is_zero(&fw->gateway6)))
			apply_mark(a, n, APPLY_CLIENT);
	}
}

void apply_uplink(struct apply *a)
{
	static const struct pkt_mac none;
	struct fw_uplink u = a->conf.uplink.fw;

	if (a->slot[0].ring.is) {
		if (same_mac(&u.gateway_mac, &none))
			u.gateway_mac = a->told.gateway_mac;
		take_told(&u.addr4, &u.net4, &u.gateway4, &a->told.addr4,
			  &a->told.gateway4);
		take_told(&u.addr6, &u.net6, &u.gateway6, &a->told.addr6,
			  &a->told.gateway6);
	}
	if (!a->conf.uplink.default_route) {
		link_alone(&u.net4, &u.gateway4);
		link_alone(&u.net6, &u.gateway6);
	} else if (a->slot[0].ring.is) {
		ask_for_all(&u);
	}
	if (same_uplink(&a->uplink, &u))
		return;
	a->uplink = u;
	apply_mark(a, 0, APPLY_CLIENT);
	gateways_changed(a);
}

void apply_uplink_told(struct apply *a, const struct fw_uplink *told)
{
	a->told = *told;
	apply_uplink(a);
}

void apply_uplink_live(struct apply *a, bool live)
{
	a->slot[0].ring.live = live;
	apply_mark(a, 0, APPLY_CLIENT);
}

bool apply_uplink_ready(const struct apply *a)
{
	const struct apply_slot *s = &a->slot[0];

	return s->told && s->port_told && (!s->ring.is || s->ring.live);
}
