/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What should hold: settings and the tree become slots, sets and lists.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "firewall/control/apply/apply_part.h"
#include "firewall/control/source/guard.h"
#include "firewall/control/apply/same.h"
#include "firewall/linux/log.h"

static const uint8_t rules_bit[2] = { APPLY_RULES4, APPLY_RULES6 };

void apply_mark(struct apply *a, uint16_t n, unsigned int bits)
{
	a->slot[n].todo |= (uint8_t)bits;
}

/* What a rule's names and targets stand for now. */
struct meaning {
	struct rule_env env;
	struct rule_names_of of;
	struct pkt_addr dns[2 * FW_DNS_MAX];
};

static const struct rule_env *meaning_of(struct meaning *m,
					 const struct apply *a, uint16_t n)
{
	const struct fw_dns *d = &a->dns;

	/* by whichever address a client asks them */
	memcpy(m->dns, d->server, d->server_n * sizeof(m->dns[0]));
	memcpy(m->dns + d->server_n, d->virt, d->virt_n * sizeof(m->dns[0]));
	m->of = (struct rule_names_of){
		.t = a->names,
		.n = a->conf.names.answers ? n : RULE_NAMES_OURS,
	};
	m->env = (struct rule_env){
		.dns = m->dns,
		.dns_n = (uint16_t)(d->server_n + d->virt_n),
		.resolve = a->names ? rule_names_resolve : NULL,
		.ctx = &m->of,
		.pass_unresolved = a->conf.names.pass_unresolved,
	};
	return &m->env;
}

static const char *family_name(int family)
{
	return family == RULE_IP4 ? "IPv4" : "IPv6";
}

/* ---- sets -----------------------------------------------------------------*/

static void say_set(const struct apply_slot *s, const struct set *set)
{
	const struct set_error *e = &set->error;

	switch ((enum set_state)set->state) {
	case SET_NONE:
		log_info("client %s: no %s rules any more: closed", s->fw.name,
			 family_name(set->family));
		break;
	case SET_GOOD:
		log_info("client %s: %u %s rules in force", s->fw.name, set->n,
			 family_name(set->family));
		break;
	case SET_BAD:
		log_err("client %s: %s rules refused, so all is: rule %s "
			"column %u: %s",
			s->fw.name, family_name(set->family), e->key, e->column,
			e->why);
		break;
	}
}

void apply_shut(struct apply *a, uint16_t n, int err)
{
	struct apply_slot *s = &a->slot[n];

	log_err("client %s: closed: its rules can't be built (%s)", s->fw.name,
		log_errno(-err));
	s->err = -err;
	apply_mark(a, n, APPLY_CLIENT_DEL);
}

/* @set (given away) takes the place of what was; data is told if it differs. */
static void set_swap(struct apply *a, uint16_t n, int family, struct set *set)
{
	struct apply_slot *s = &a->slot[n];
	struct set *old = &s->set[family];
	bool same = set_same(old, set);

	if (!same || set->state != old->state)
		say_set(s, set);
	if (!same || s->err) {
		apply_mark(a, n, rules_bit[family]);
		s->since[family] = (struct mono){ 0 };
	}
	if (s->err)
		apply_mark(a, n, APPLY_CLIENT | APPLY_RULES4 | APPLY_RULES6);
	s->err = 0;
	s->names_new |= old->names || set->names;
	apply_past_set(s, family);
	*old = *set;
}

void apply_close_set(struct apply *a, uint16_t n, int family, const char *why)
{
	struct set set;
	int err = set_closed(&set, (enum rule_family)family, "set", why);

	if (err)
		apply_shut(a, n, err);
	else
		set_swap(a, n, family, &set);
}

/* No set any more: one that closes takes its place. */
static void set_withdraw(struct apply *a, uint16_t n, int family)
{
	struct set set;
	int err;

	if (!a->slot[n].set[family].built)
		return;
	err = set_closed(&set, (enum rule_family)family, "set", "removed");
	if (err) {
		apply_shut(a, n, err);
		return;
	}
	set.state = SET_NONE;
	set.error_n = 0;
	set_swap(a, n, family, &set);
}

void apply_commit(struct apply *a, uint16_t n, int family)
{
	struct apply_slot *s = &a->slot[n];
	char base[TREE_PATH_MAX + 2];
	struct meaning m;
	struct set set;
	int err;

	if (s->accept) {
		err = set_accept(&set, (enum rule_family)family);
	} else {
		snprintf(base, sizeof(base), "%s%s/", TREE_RULES,
			 s->key[family]);
		err = set_load(&set, a->tree, base, (enum rule_family)family,
			       meaning_of(&m, a, n), NULL, NULL);
	}
	if (err)
		apply_shut(a, n, err);
	else
		set_swap(a, n, family, &set);
}

int apply_by_hand(struct apply *a, uint16_t n, int family, const struct tree *t,
		  const char *base, set_complain *complain, void *ctx)
{
	struct apply_slot *s = &a->slot[n];
	struct meaning m;
	struct set set;
	int err;

	vw_assert(s->used && s->key[family][0] && !s->accept);
	err = set_load(&set, t, base, (enum rule_family)family,
		       meaning_of(&m, a, n), complain, ctx);
	if (!err && set.state != SET_GOOD)
		err = -EINVAL;
	if (err) {
		set_clear(&set);
		return err;
	}
	s->by_hand[family] = true;
	set_swap(a, n, family, &set);
	return 0;
}

/* What is half written in the tree is not read: closed, until its commit. */
void apply_hand_end(struct apply *a, uint16_t n, int family)
{
	struct apply_slot *s = &a->slot[n];
	char path[TREE_PATH_MAX + 2];

	if (!s->by_hand[family])
		return;
	s->by_hand[family] = false;
	snprintf(path, sizeof(path), "%s%s", TREE_RULES, s->key[family]);
	if (a->tree && tree_committed(a->tree, path))
		apply_commit(a, n, family);
	else
		set_withdraw(a, n, family);
}

static void again(struct apply *a, uint16_t n, int family)
{
	struct apply_slot *s = &a->slot[n];
	struct set *old = &s->set[family], set;
	struct meaning m;
	int err;

	if (old->state != SET_GOOD || old->accept)
		return;
	err = set_again(&set, old, meaning_of(&m, a, n));
	if (err) {
		apply_shut(a, n, err);
		return;
	}
	if (!set_same(old, &set))
		apply_mark(a, n, rules_bit[family]);
	apply_past_set(s, family);
	*old = set;
}

void apply_again(struct apply *a, uint16_t n)
{
	for (int f = 0; f < 2; f++)
		if (a->slot[n].used && !a->slot[n].err)
			again(a, n, f);
}

/* ---- the tree -------------------------------------------------------------*/

/* One of the openings, or all of them and more. */
static bool is_forward(const char *path)
{
	size_t len = strlen(path), all = strlen(TREE_FORWARD);

	return !strncmp(path, TREE_FORWARD, len < all ? len : all) &&
	       (len > all || path[len - 1] == '/');
}

void apply_tree_changed(void *ctx, const char *path, bool removed)
{
	const size_t len = strlen(TREE_RULES);
	struct apply *a = ctx;
	uint32_t wrong;

	if (!strcmp(path, TREE_GUARD4) || !strcmp(path, TREE_GUARD6)) {
		a->guard_n =
			guard_read(a->tree, a->guard, APPLY_GUARD_MAX, &wrong);
		if (wrong)
			log_err("%s: %u words are no addresses, or too many",
				path, wrong);
		a->guard_todo = true;
		return;
	}
	if (is_forward(path))
		apply_forwards(a);
	apply_seen_changed(a, path);
	if (strncmp(path, TREE_RULES, len) || strchr(path + len, '/'))
		return;
	for (uint16_t n = 1; n < APPLY_SLOTS; n++)
		for (int f = 0; f < 2; f++) {
			struct apply_slot *s = &a->slot[n];

			if (!s->used || s->accept ||
			    strcmp(s->key[f], path + len))
				continue;
			s->by_hand[f] = false;
			if (removed)
				set_withdraw(a, n, f);
			else
				apply_commit(a, n, f);
		}
}

/* ---- settings -------------------------------------------------------------*/

/* The first address of each family names the client's rules. */
static void keys_of(const struct fw_client *fw, char key[2][PKT_ADDR_TEXT])
{
	key[0][0] = key[1][0] = '\0';
	for (uint8_t i = 0; i < fw->addr_n + fw->net_n; i++) {
		const struct pkt_addr *addr =
			i < fw->addr_n ? &fw->addr[i]
				       : &fw->net[i - fw->addr_n].addr;
		char *k = key[pkt_addr_is_v4(addr) ? RULE_IP4 : RULE_IP6];

		if (!k[0])
			pkt_addr_print(k, addr);
	}
}

static bool same_port(const struct conf_port *a, const struct conf_port *b)
{
	return a->kind == b->kind && !strcmp(a->name, b->name);
}

static void slot_clear(struct apply_slot *s)
{
	*s = (struct apply_slot){ .link = { .fd = -1 },
				  .old_fd = -1,
				  .past = { -1, -1 } };
	set_none(&s->set[0], RULE_IP4);
	set_none(&s->set[1], RULE_IP6);
}

void apply_drop(struct apply *a, uint16_t n)
{
	struct apply_slot *s = &a->slot[n];
	unsigned int todo = (s->sent ? APPLY_CLIENT_DEL : 0u) |
			    (s->port_sent ? APPLY_PORT_DEL : 0u);

	apply_close_port(a, n);
	s->names_new |= s->set[0].names || s->set[1].names;
	for (int f = 0; f < 2; f++) {
		s->by_hand[f] = false;
		apply_past_set(s, f);
	}
	if (!s->sent)
		apply_past_close(s->past, 2);
	s->used = s->guest = false;
	s->ring = (struct apply_ring){ 0 };
	s->clash = 0;
	s->todo = (uint8_t)todo;
}

/* What the settings say about the client's place. */
static void slot_port(struct apply *a, uint16_t n, const struct conf_port *port,
		      const struct pkt_mac *mac, uint16_t mtu)
{
	struct apply_slot *s = &a->slot[n];

	if (!same_port(&s->port, port)) {
		apply_close_port(a, n);
		s->port = *port;
		/* data must forget the client before its port changes */
		if (s->sent)
			apply_mark(a, n, APPLY_CLIENT_DEL);
	} else if (memcmp(&s->mac, mac, sizeof(*mac)) || s->mtu != mtu) {
		if (s->port_sent)
			apply_mark(a, n, APPLY_PORT_DEL | APPLY_CLIENT_DEL);
	} else {
		return;
	}
	s->mac = *mac;
	s->mtu = mtu;
	apply_mark(a, n,
		   APPLY_PORT | APPLY_CLIENT | APPLY_RULES4 | APPLY_RULES6);
}

/* Quotas hold from a client's appearance, so new ones make it appear anew. */
static void slot_fw(struct apply *a, uint16_t n, const struct fw_client *fw)
{
	struct apply_slot *s = &a->slot[n];

	if (s->sent && !same_quota(&s->fw.quota, &fw->quota))
		apply_mark(a, n,
			   APPLY_CLIENT_DEL | APPLY_RULES4 | APPLY_RULES6);
	s->fw = *fw;
	apply_mark(a, n, APPLY_CLIENT);
}

void apply_client(struct apply *a, uint16_t n, const struct fw_client *fw,
		  bool accept)
{
	struct apply_slot *s = &a->slot[n];
	struct fw_client now = *fw;
	char key[2][PKT_ADDR_TEXT];

	keys_of(fw, key);
	profiles_choose(&a->conf, &now);
	apply_seen(a, key[0], &now);
	if (!same_client(&s->fw, &now))
		slot_fw(a, n, &now);
	for (int f = 0; f < 2; f++) {
		if (!strcmp(s->key[f], key[f]) && s->accept == accept)
			continue;
		s->by_hand[f] = false;
		memcpy(s->key[f], key[f], sizeof(key[f]));
		/* other rules; until they are read, none */
		set_withdraw(a, n, f);
	}
	s->accept = accept;
	for (int f = 0; f < 2; f++)
		if (accept && key[f][0])
			apply_commit(a, n, f);
}

static void slot_conf(struct apply *a, uint16_t n, const struct conf_client *c)
{
	a->slot[n].used = true;
	slot_port(a, n, &c->port, &c->our_mac, c->mtu);
	apply_client(a, n, &c->fw, c->rules == CONF_RULES_ACCEPT);
}

/* Best one that data knows nothing of; one it is yet to forget will do. */
uint16_t apply_free(const struct apply *a)
{
	uint16_t any = 0;

	for (uint16_t n = a->conf.clients; n > 0; n--)
		if (!a->slot[n].used && (!any || !a->slot[n].todo))
			any = n;
	return any;
}

static void slots_conf(struct apply *a)
{
	const struct conf *c = &a->conf;

	for (uint16_t n = 1; n < APPLY_SLOTS; n++)
		if (a->slot[n].used && !a->slot[n].guest &&
		    !conf_client_find(c, a->slot[n].fw.name,
				      strlen(a->slot[n].fw.name))) {
			log_info("client %s: removed", a->slot[n].fw.name);
			apply_drop(a, n);
		}
	for (uint16_t i = 0; i < c->client_n; i++) {
		const struct conf_client *cl = &c->client[i];
		uint16_t n = apply_find(a, cl->fw.name, strlen(cl->fw.name));

		if (!n)
			n = apply_free(a);
		if (n)
			slot_conf(a, n, cl);
		else /* conf_check() does not know of guests */
			log_err("client %s: no number is left for it; raise "
				"the setting clients",
				cl->fw.name);
	}
}

static void uplink_conf(struct apply *a)
{
	const struct conf_uplink *u = &a->conf.uplink;
	bool client = a->conf.xen_kind && a->conf.xen_netvm.is.by;
	struct apply_slot *s = &a->slot[0];

	s->ring.is = client || u->port.kind == CONF_PORT_VIF;
	s->used = client || u->port.kind != CONF_PORT_NONE;
	slot_port(a, 0, &u->port, &u->mac, u->mtu);
	s->todo &= APPLY_PORT_DEL | APPLY_PORT | APPLY_CLIENT | APPLY_LIMITS;
	apply_uplink(a);
}

void apply_conf(struct apply *a, const struct conf *c)
{
	a->conf = *c;
	a->confs++;
	uplink_conf(a);
	slots_conf(a);
	apply_guests_conf(a);
	apply_clashes(a);
	a->pairs_todo = true;
	apply_forwards(a);
	apply_profiles(a);
	apply_dns_conf(a);
}

void apply_init(struct apply *a, const struct conf *c,
		const struct apply_ops *ops)
{
	memset(a, 0, sizeof(*a));
	a->ops = ops;
	a->sock = -1;
	a->profiles.fd = a->profiles_past = -1;
	a->conf.clients = c->clients;
	for (uint32_t n = 0; n < APPLY_SLOTS; n++)
		slot_clear(&a->slot[n]);
	apply_conf(a, c);
}

void apply_fini(struct apply *a)
{
	for (uint16_t n = 0; n < APPLY_SLOTS; n++) {
		apply_close_port(a, n);
		set_clear(&a->slot[n].set[0]);
		set_clear(&a->slot[n].set[1]);
		apply_past_close(a->slot[n].past, 2);
	}
	apply_past_profiles(a);
	apply_past_close(&a->profiles_past, 1);
	while (apply_wait_first(a))
		apply_wait_pop(a);
	if (a->sock >= 0)
		close(a->sock);
	a->sock = -1;
}

uint16_t apply_find(const struct apply *a, const char *name, size_t len)
{
	for (uint16_t n = 1; n < APPLY_SLOTS; n++)
		if (a->slot[n].used && strlen(a->slot[n].fw.name) == len &&
		    !memcmp(a->slot[n].fw.name, name, len))
			return n;
	return 0;
}

uint16_t apply_find_addr(const struct apply *a, const struct pkt_addr *addr)
{
	for (uint16_t n = 1; n < APPLY_SLOTS; n++) {
		const struct fw_client *fw = &a->slot[n].fw;

		if (!a->slot[n].used)
			continue;
		for (uint8_t i = 0; i < fw->addr_n; i++)
			if (pkt_addr_eq(&fw->addr[i], addr))
				return n;
		for (uint8_t i = 0; i < fw->net_n; i++)
			if (pkt_prefix_has(&fw->net[i], addr))
				return n;
	}
	return 0;
}
