/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/control/names/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/linux/log.h"

#define EXPIRE_MS 1000u
#define ASK_AGAIN_MS 200u

static const uint16_t type_of[2] = { PKT_DNS_A, PKT_DNS_AAAA };

static struct rule_names_conf conf_of(const struct conf_names *c)
{
	return (struct rule_names_conf){ .floor_s = c->floor_ms / 1000,
					 .cap_s = c->cap_ms / 1000,
					 .grace_s = c->grace_ms / 1000 };
}

int names_open(struct names *k, struct apply *a, const struct names_ops *ops)
{
	struct rule_names_conf c = conf_of(&a->conf.names);
	void *mem;

	*k = (struct names){ .apply = a, .ops = ops };
	if (!a->conf.names.on)
		return 0;
	mem = calloc(1, rule_names_size());
	if (!mem)
		return -ENOMEM;
	k->table = rule_names_init(mem, rule_names_size(), &c);
	a->names = k->table;
	return 0;
}

void names_close(struct names *k)
{
	if (k->apply)
		k->apply->names = NULL;
	free(k->table);
	k->table = NULL;
}

void names_conf(struct names *k, struct mono now)
{
	struct rule_names_conf c = conf_of(&k->apply->conf.names);

	if (!k->table)
		return;
	rule_names_conf(k->table, &c);
	rule_names_hurry(k->table, now);
	for (uint16_t n = 1; n < APPLY_SLOTS; n++)
		k->client[n].due = true;
}

static bool has_names(const struct apply_slot *s)
{
	return s->used && (s->set[0].names || s->set[1].names);
}

/* ---- what is wanted -------------------------------------------------------*/

static void collect(struct names *k, uint16_t n, struct mono now)
{
	struct apply_slot *s = &k->apply->slot[n];
	char name[RULE_NAME_MAX + 1];
	bool over = false;

	rule_names_forget(k->table, n);
	for (int f = 0; s->used && f < 2; f++)
		for (uint32_t i = 0; set_name(&s->set[f], &i, name);)
			if (rule_names_want(k->table, n, name, now))
				over = true;
	if (over && !k->client[n].over)
		log_warn("client %s: too many host names in its rules; at most "
			 "%u are resolved",
			 s->fw.name, RULE_NAMES_EACH);
	k->client[n].over = over;
	k->client[n].publish = true;
	s->names_new = false;
}

static void collect_all(struct names *k, struct mono now)
{
	bool any = false;

	for (uint16_t n = 1; n < APPLY_SLOTS; n++)
		if (k->apply->slot[n].names_new) {
			collect(k, n, now);
			any = true;
		}
	if (any)
		rule_names_settle(k->table);
}

/* Whose answers are of interest. */
static void watch(struct names *k)
{
	uint8_t map[FW_DNS_CLIENTS / 8] = { 0 };

	for (uint16_t n = 1; n < APPLY_SLOTS; n++)
		if (k->apply->conf.names.answers &&
		    has_names(&k->apply->slot[n]))
			map[n / 8] |= (uint8_t)(1u << n % 8);
	apply_dns_watch(k->apply, map);
}

/* ---- sets -----------------------------------------------------------------*/

static void publish_one(const struct names *k, uint16_t n, int family,
			const char *name)
{
	struct rule_names_of of = { .t = k->table, .n = n };
	struct pkt_addr a[RULE_ADDR_MAX];
	char path[TREE_PATH_MAX + 1], value[TREE_VALUE_MAX + 1] = "";
	int len = snprintf(path, sizeof(path), "/dns/%s/%s",
			   k->apply->slot[n].key[family], name);
	int count = rule_addr_written(rule_names_resolve(
		&of, name, (enum rule_family)family, a, RULE_ADDR_MAX));

	/* what does not fit into a key can't be told */
	if (len >= (int)sizeof(path) || !count)
		return;
	for (int i = 0; i < count; i++) {
		char text[PKT_ADDR_TEXT];
		size_t at = strlen(value);

		snprintf(value + at, sizeof(value) - at, "%s%s", at ? " " : "",
			 pkt_addr_print(text, &a[i]));
	}
	k->ops->publish(k->ops->ctx, path, value);
}

static void publish(struct names *k, uint16_t n)
{
	const struct apply_slot *s = &k->apply->slot[n];
	char path[TREE_PATH_MAX + 1], name[RULE_NAME_MAX + 1];

	k->client[n].publish = false;
	for (int f = 0; k->ops->publish && f < 2; f++) {
		if (!s->key[f][0])
			continue;
		snprintf(path, sizeof(path), "/dns/%s/", s->key[f]);
		k->ops->publish(k->ops->ctx, path, NULL);
		for (uint32_t i = 0; set_name(&s->set[f], &i, name);)
			publish_one(k, n, f, name);
	}
}

/* The more rules there are, the longer a change waits for the next ones. */
static uint64_t pause_ms(const struct apply_slot *s)
{
	return NAMES_PAUSE_MS + (s->set[0].n + s->set[1].n) / NAMES_PAUSE_RULES;
}

static struct mono build_all(struct names *k, struct mono now)
{
	struct mono next = { UINT64_MAX };

	for (uint16_t n = 1; n < APPLY_SLOTS; n++) {
		const struct apply_slot *s = &k->apply->slot[n];
		struct mono at;

		if (rule_names_changed(k->table, n))
			k->client[n].due = true;
		if (!k->client[n].due) {
			if (k->client[n].publish)
				publish(k, n);
			continue;
		}
		at = mono_add_ms(k->client[n].built, pause_ms(s));
		if (k->client[n].built.ns && !mono_past(at, now)) {
			if (at.ns < next.ns)
				next = at;
			continue;
		}
		k->client[n].due = false;
		k->client[n].built = now;
		if (has_names(s))
			apply_again(k->apply, n);
		publish(k, n);
	}
	return next;
}

/* ---- questions and answers ------------------------------------------------*/

static struct mono ask_all(struct names *k, struct mono now)
{
	enum rule_family family;
	struct mono when;
	const char *name;

	while ((name = rule_names_next(k->table, &family, &when, now)))
		if (!k->ops->ask(k->ops->ctx, name, family)) {
			rule_names_unasked(k->table, name, family);
			return mono_add_ms(now, ASK_AGAIN_MS);
		}
	return when;
}

/* What the answer to a question says; the addresses in @out, @n of them. */
static enum rule_name_answer read_reply(const char *name,
					enum rule_family family,
					const struct names_reply *r,
					struct pkt_dns_addr *out, uint16_t *n)
{
	struct pkt_dns d;
	int found;

	*n = 0;
	if (!r->msg || pkt_dns_parse(&d, r->msg, r->len) || !d.answer ||
	    d.type != type_of[family] || strcmp(d.name, name) != 0)
		return RULE_NAME_FAILED;
	if (d.rcode == PKT_DNS_NXDOMAIN)
		return RULE_NAME_GONE;
	if (d.rcode != PKT_DNS_NOERROR)
		return RULE_NAME_FAILED;
	found = pkt_dns_addrs(&d, r->msg, r->len, out, *n = RULE_ADDR_MAX + 1);
	if (found < 0 || (!found && d.truncated)) {
		*n = 0;
		return RULE_NAME_FAILED;
	}
	if (found < *n)
		*n = (uint16_t)found;
	return d.truncated ? RULE_NAME_PART
	       : found	   ? RULE_NAME_ADDRS
			   : RULE_NAME_EMPTY;
}

void names_answer(struct names *k, const char *name, enum rule_family family,
		  const struct names_reply *r, struct mono now)
{
	struct pkt_dns_addr addr[RULE_ADDR_MAX + 1];
	uint16_t n;
	enum rule_name_answer what = read_reply(name, family, r, addr, &n);

	if (!k->table)
		return;
	if (rule_names_answer(k->table, RULE_NAMES_OURS, name, family, what,
			      addr, n, now))
		log_dbg("name %s: other %s addresses", name,
			family == RULE_IP4 ? "IPv4" : "IPv6");
}

void names_seen(struct names *k, const struct fw_dns_msg *m, struct mono now)
{
	struct pkt_dns_addr addr[RULE_ADDR_MAX + 1];
	struct pkt_dns d;
	int n;

	if (!m->client)
		return;
	k->client[m->client].waits = true;
	k->client[m->client].ask = m->ask;
	if (!k->table || !k->apply->conf.names.answers ||
	    pkt_dns_parse(&d, m->msg, m->len) || !d.answer ||
	    d.rcode != PKT_DNS_NOERROR ||
	    !rule_names_wanted(k->table, m->client, d.name))
		return;
	n = pkt_dns_addrs(&d, m->msg, m->len, addr, RULE_ADDR_MAX + 1);
	if (n <= 0)
		return;
	if (n > (int)RULE_ADDR_MAX + 1)
		n = RULE_ADDR_MAX + 1;
	if (rule_names_answer(k->table, m->client, d.name,
			      d.type == PKT_DNS_A ? RULE_IP4 : RULE_IP6,
			      d.truncated ? RULE_NAME_PART : RULE_NAME_ADDRS,
			      addr, (uint16_t)n, now))
		log_info("client %s: was told other addresses of %s",
			 k->apply->slot[m->client].fw.name, d.name);
}

static struct mono sooner(struct mono a, struct mono b)
{
	return a.ns < b.ns ? a : b;
}

/* Who is told now what was kept back; what can't be said now is said soon. */
static void pass_all(struct names *k)
{
	for (uint16_t n = 1; n < APPLY_SLOTS; n++)
		if (k->client[n].waits && !k->client[n].due &&
		    apply_dns_pass(k->apply, n, k->client[n].ask) != -EAGAIN)
			k->client[n].waits = false;
}

struct mono names_work(struct names *k, struct mono now)
{
	bool uplink = apply_uplink_ready(k->apply);
	struct mono next;

	if (!k->table) {
		pass_all(k);
		return (struct mono){ UINT64_MAX };
	}
	collect_all(k, now);
	watch(k);
	if (uplink && !k->uplink)
		rule_names_hurry(k->table, now);
	k->uplink = uplink;
	if (mono_past(k->expire, now)) {
		rule_names_expire(k->table, now);
		k->expire = mono_add_ms(now, EXPIRE_MS);
	}
	next = ask_all(k, now);
	next = sooner(next, build_all(k, now));
	pass_all(k);
	return next;
}
