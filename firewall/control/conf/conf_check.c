/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What settings must be to each other, and what follows from them.
 */
#include <string.h>

#include "firewall/control/conf/conf_table.h"
#include "xen/sim_link.h"

struct check {
	struct conf *c;
	enum conf_use use;
	struct conf_errors *e;
};

static struct conf_where where(const struct check *k, uint32_t line)
{
	return (struct conf_where){
		.source = line ? k->c->file : "settings",
		.line = line,
	};
}

#define CLIENT_ERROR(k, cl, fmt, ...)                                      \
	do {                                                               \
		struct conf_where at_ = where((k), (cl)->line);            \
		conf_error((k)->e, &at_, "client %s: " fmt, (cl)->fw.name, \
			   __VA_ARGS__);                                   \
	} while (0)

/* On Xen the other end of the uplink says what our addresses are, or dom0. */
static bool uplink_is_told(const struct check *k)
{
	const struct conf *c = k->c;

	return k->use == CONF_RUN &&
	       (c->qubes.channel || conf_uplink_on_xen(c));
}

static void uplink_family(struct check *k, const char *six,
			  const struct pkt_addr *addr,
			  const struct pkt_addr *gateway,
			  const struct pkt_prefix *net)
{
	struct conf_where at = where(k, 0);
	char a[PKT_ADDR_TEXT], b[PKT_ADDR_TEXT + 4];

	if (pkt_addr_is_zero(gateway) ||
	    (pkt_addr_is_zero(addr) && uplink_is_told(k)))
		return;
	if (pkt_addr_is_zero(addr))
		conf_error(k->e, &at, "uplink.gateway%s needs uplink.ip%s", six,
			   six);
	else if (pkt_addr_eq(addr, gateway))
		conf_error(k->e, &at,
			   "uplink.gateway%s: %s is uplink.ip%s, "
			   "our own address",
			   six, pkt_addr_print(a, gateway), six);
	else if (net->len < 128 && !pkt_prefix_has(net, gateway) &&
		 !pkt_addr_is_linklocal(gateway))
		conf_error(k->e, &at,
			   "uplink.gateway%s: %s is not in %s of uplink.ip%s",
			   six, pkt_addr_print(a, gateway),
			   pkt_prefix_print(b, net), six);
}

static void uplink(struct check *k)
{
	struct conf_uplink *u = &k->c->uplink;
	struct conf_where at = where(k, 0);
	bool told = uplink_is_told(k);

	if (k->use == CONF_RUN && u->port.kind == CONF_PORT_NONE && !told)
		conf_error(k->e, &at, "uplink.port is not set");
	if (!told && pkt_addr_is_zero(&u->fw.addr4) &&
	    pkt_addr_is_zero(&u->fw.addr6))
		conf_error(k->e, &at,
			   "neither uplink.ip nor uplink.ip6 is set");
	uplink_family(k, "", &u->fw.addr4, &u->fw.gateway4, &u->fw.net4);
	uplink_family(k, "6", &u->fw.addr6, &u->fw.gateway6, &u->fw.net6);
}

static bool has_rules(const struct conf *c)
{
	return c->rules[0] || c->xen_rules || c->qubes.channel;
}

static void netvm(struct check *k)
{
	struct conf *c = k->c;
	struct conf_netvm *n = &c->xen_netvm;
	struct conf_where at = where(k, 0);
	const struct fw_uplink *u = &c->uplink.fw;

	if ((n->gateway || n->is.by) && c->uplink.port.kind != CONF_PORT_NONE)
		conf_error(k->e, &at,
			   "xen.netvm and uplink.port are two uplinks; "
			   "remove one");
	if (!n->gateway)
		return;
	n->is.by = BUS_NETVM_ADDR;
	n->is.addr = pkt_addr_is_zero(&u->gateway4) ? u->gateway6 : u->gateway4;
	if (pkt_addr_is_zero(&n->is.addr))
		conf_error(k->e, &at,
			   "xen.netvm = gateway needs uplink.gateway or "
			   "uplink.gateway6");
}

static void xen(struct check *k)
{
	struct conf *c = k->c;
	struct conf_where at = where(k, 0);

	if (!c->xen_kind && c->uplink.port.kind == CONF_PORT_VIF)
		conf_error(k->e, &at, "uplink.port: %s needs xen = on",
			   c->uplink.port.name);
	if (!c->xen_kind)
		return;
	netvm(k);
	if (!has_rules(c))
		conf_error(k->e, &at,
			   "clients on Xen need rules: set rules = DIRECTORY, "
			   "xen.rules = on, or qubes.channel");
	if (c->xen_kind == CONF_XEN_SIM)
		c->xen_self = XEN_SIM_FIREWALL;
}

static void qubes(struct check *k)
{
	struct conf_where at = where(k, 0);

	if (k->c->qubes.channel && (k->c->rules[0] || k->c->xen_rules))
		conf_error(
			k->e, &at,
			"rules come from QubesDB (qubes.channel) or from %s, "
			"not from both: one takes away what the other says; "
			"remove one",
			k->c->rules[0] ? "a directory (rules)"
				       : "the XenStore (xen.rules)");
}

static bool same_port(const struct conf_port *a, const struct conf_port *b)
{
	return a->kind != CONF_PORT_NONE && b->kind != CONF_PORT_NONE &&
	       !strcmp(a->name, b->name);
}

static void qube(struct check *k, struct conf_client *cl)
{
	static const struct pkt_mac none;

	if (!cl->fw.addr_n)
		CLIENT_ERROR(k, cl, "%s", "ip is not set");
	if (cl->fw.net_n)
		CLIENT_ERROR(k, cl, "%s", "net is for kind = network");
	if (!memcmp(&cl->fw.mac, &none, sizeof(none)))
		CLIENT_ERROR(k, cl, "%s", "mac is not set");
	cl->fw.proxy_arp = true;
	/* as in Qubes: one address of ours, on all sides */
	if (pkt_addr_is_zero(&cl->fw.gateway4))
		cl->fw.gateway4 = k->c->uplink.fw.addr4;
	if (pkt_addr_is_zero(&cl->fw.gateway6))
		cl->fw.gateway6 = k->c->uplink.fw.addr6;
}

static void network_gateway(struct check *k, const struct conf_client *cl,
			    const char *six, const struct pkt_addr *gateway,
			    bool v4)
{
	char text[PKT_ADDR_TEXT];
	bool any = false;

	for (uint8_t i = 0; i < cl->fw.net_n; i++) {
		any |= pkt_addr_is_v4(&cl->fw.net[i].addr) == v4;
		if (pkt_prefix_has(&cl->fw.net[i], gateway))
			return;
	}
	if (!pkt_addr_is_zero(gateway))
		CLIENT_ERROR(k, cl, "gateway%s: %s is in none of its networks",
			     six, pkt_addr_print(text, gateway));
	else if (any)
		CLIENT_ERROR(k, cl, "gateway%s is not set", six);
}

static void network(struct check *k, struct conf_client *cl)
{
	if (!cl->fw.net_n)
		CLIENT_ERROR(k, cl, "%s", "net is not set");
	if (cl->fw.addr_n)
		CLIENT_ERROR(k, cl, "%s", "ip is for kind = qube");
	network_gateway(k, cl, "", &cl->fw.gateway4, true);
	network_gateway(k, cl, "6", &cl->fw.gateway6, false);
}

static bool overlap(const struct pkt_prefix *a, const struct pkt_prefix *b)
{
	return pkt_prefix_has(a, &b->addr) || pkt_prefix_has(b, &a->addr);
}

/* Every prefix that @cl speaks for, its own addresses as /32 and /128. */
static uint32_t ranges(const struct conf_client *cl,
		       struct pkt_prefix out[2 * FW_CLIENT_ADDRS])
{
	uint32_t n = 0;

	for (uint8_t i = 0; i < cl->fw.addr_n; i++)
		out[n++] = (struct pkt_prefix){ cl->fw.addr[i], 128 };
	for (uint8_t i = 0; i < cl->fw.net_n; i++)
		out[n++] = cl->fw.net[i];
	return n;
}

/* A host's range is shown as its address. */
static const char *show(char text[PKT_ADDR_TEXT + 4],
			const struct pkt_prefix *r)
{
	return r->len == 128 ? pkt_addr_print(text, &r->addr)
			     : pkt_prefix_print(text, r);
}

/* No address may be two parties': ours outside, ours inside, a client's. */
static void ours_inside(struct check *k, const struct conf_client *cl,
			const struct pkt_prefix *r)
{
	const struct fw_uplink *u = &k->c->uplink.fw;
	char text[PKT_ADDR_TEXT + 4];

	if (pkt_prefix_has(r, &u->addr4) || pkt_prefix_has(r, &u->addr6))
		CLIENT_ERROR(k, cl, "%s has our own outside address in it",
			     show(text, r));
	if (r->len == 128 && (pkt_addr_eq(&r->addr, &cl->fw.gateway4) ||
			      pkt_addr_eq(&r->addr, &cl->fw.gateway6)))
		CLIENT_ERROR(k, cl, "%s is both its address and our gateway's",
			     show(text, r));
}

static bool has_gateway(const struct pkt_prefix *r,
			const struct conf_client *cl)
{
	return pkt_prefix_has(r, &cl->fw.gateway4) ||
	       pkt_prefix_has(r, &cl->fw.gateway6);
}

/* @cl against one that was described before it. */
static void two_clients(struct check *k, const struct conf_client *cl,
			const struct conf_client *o)
{
	struct pkt_prefix mine[2 * FW_CLIENT_ADDRS];
	struct pkt_prefix theirs[2 * FW_CLIENT_ADDRS];
	uint32_t n = ranges(cl, mine), m = ranges(o, theirs);
	char text[PKT_ADDR_TEXT + 4];

	if (same_port(&o->port, &cl->port))
		CLIENT_ERROR(k, cl, "port: %s is client %s's already",
			     cl->port.name, o->fw.name);
	for (uint32_t i = 0; i < n * m; i++)
		if (overlap(&mine[i / m], &theirs[i % m]))
			CLIENT_ERROR(k, cl, "%s is client %s's already",
				     show(text, &mine[i / m]), o->fw.name);
	for (uint32_t i = 0; i < n; i++)
		if (has_gateway(&mine[i], o))
			CLIENT_ERROR(k, cl, "%s has client %s's gateway in it",
				     show(text, &mine[i]), o->fw.name);
	for (uint32_t i = 0; i < m; i++)
		if (has_gateway(&theirs[i], cl))
			CLIENT_ERROR(k, cl, "its gateway is in client %s's %s",
				     o->fw.name, show(text, &theirs[i]));
}

static void client_ranges(struct check *k, const struct conf_client *cl)
{
	struct pkt_prefix mine[2 * FW_CLIENT_ADDRS];
	uint32_t n = ranges(cl, mine);
	char text[PKT_ADDR_TEXT + 4];

	for (uint32_t i = 0; i < n; i++) {
		ours_inside(k, cl, &mine[i]);
		for (uint32_t j = 0; j < i; j++)
			if (overlap(&mine[i], &mine[j]))
				CLIENT_ERROR(k, cl, "%s is there twice",
					     show(text, &mine[i]));
	}
	for (const struct conf_client *o = k->c->client; o < cl; o++)
		two_clients(k, cl, o);
}

/* A client that sets one limit has the common ones for the rest. */
static void quota(const struct conf *c, struct nat_quota *q)
{
	const struct nat_quota *all = &c->nat.quota;

	if (!q->flows && !q->half_open && !q->udp_oneway && !q->icmp &&
	    !q->ports && !q->new_per_s && !q->new_burst)
		return;
	q->flows = q->flows ? q->flows : all->flows;
	q->half_open = q->half_open ? q->half_open : all->half_open;
	q->udp_oneway = q->udp_oneway ? q->udp_oneway : all->udp_oneway;
	q->icmp = q->icmp ? q->icmp : all->icmp;
	q->ports = q->ports ? q->ports : all->ports;
	q->new_per_s = q->new_per_s ? q->new_per_s : all->new_per_s;
	q->new_burst = q->new_burst ? q->new_burst : all->new_burst;
}

static void client(struct check *k, struct conf_client *cl)
{
	if (cl->port.kind == CONF_PORT_VIF)
		CLIENT_ERROR(k, cl, "%s",
			     "port: clients on Xen are not described; they "
			     "come with xen = on");
	if (k->use == CONF_RUN && cl->port.kind == CONF_PORT_NONE)
		CLIENT_ERROR(k, cl, "%s", "port is not set");
	if (same_port(&k->c->uplink.port, &cl->port))
		CLIENT_ERROR(k, cl, "port: %s is the uplink's already",
			     cl->port.name);
	if (cl->rules == CONF_RULES_TREE && !has_rules(k->c))
		CLIENT_ERROR(k, cl, "%s",
			     "needs the rules directory, which is not set "
			     "(rules = DIRECTORY), or rules = accept");
	if (cl->fw.kind == FW_QUBE)
		qube(k, cl);
	else
		network(k, cl);
	client_ranges(k, cl);
	quota(k->c, &cl->fw.quota);
}

static void allow(struct check *k, const struct conf_allow *a)
{
	struct conf_where at = where(k, a->line);
	const char *const name[2] = { a->from, a->to };

	for (int i = 0; i < 2; i++)
		/* a client on Xen comes and goes; its name has a dot */
		if (!(k->c->xen_kind && strchr(name[i], '.')) &&
		    !conf_client_find(k->c, name[i], strlen(name[i]))) {
			char shown[CONF_SHOW_ROOM];

			conf_error(k->e, &at, "allow: there is no client '%s'",
				   conf_show(shown, name[i], strlen(name[i])));
		}
	if (!strcmp(a->from, a->to))
		conf_error(k->e, &at,
			   "allow: a client needs no leave to reach "
			   "itself");
}

void conf_check(struct conf *c, enum conf_use use, struct conf_errors *e)
{
	struct check k = { .c = c, .use = use, .e = e };
	struct conf_where at = where(&k, 0);

	uplink(&k);
	xen(&k);
	qubes(&k);
	if (c->client_n > c->clients)
		conf_error(e, &at, "clients = %u, but %u are described",
			   c->clients, c->client_n);
	for (uint16_t i = 0; i < c->client_n; i++)
		client(&k, &c->client[i]);
	for (uint16_t i = 0; i < c->allow_n; i++)
		allow(&k, &c->allow[i]);
	conf_check_profiles(c, e);
	c->nat.owners = (uint16_t)(c->clients + 1);
}

uint32_t conf_diff_fixed(const struct conf *a, const struct conf *b, char *out,
			 size_t room)
{
	uint32_t differ = 0;
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < conf_global_n; i++) {
		const struct conf_row *row = &conf_global[i];

		if (row->flags & CONF_F_LIVE ||
		    !memcmp((const char *)a + row->off,
			    (const char *)b + row->off, row->type->size))
			continue;
		if (n < room)
			n += (size_t)snprintf(out + n, room - n, "%s%s",
					      differ ? ", " : "", row->name);
		differ++;
	}
	return differ;
}
