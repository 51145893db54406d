/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/rule_kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void give_up(const char *what, const char *text)
{
	fprintf(stderr, "rule_kit: %s: %s\n", what, text);
	abort();
}

static struct pkt_addr address(const char *text)
{
	struct pkt_addr a;

	if (pkt_addr_parse(&a, text, strlen(text)))
		give_up("not an address", text);
	return a;
}

void rule_kit_init(struct rule_kit *k, enum rule_family family)
{
	*k = (struct rule_kit){ .family = family };
	k->rules = calloc(RULE_SET_MAX + 1, sizeof(*k->rules));
	if (!k->rules)
		give_up("no memory", "rules");
}

void rule_kit_fini(struct rule_kit *k)
{
	free(k->rules);
	free(k->mem);
}

void rule_kit_dns(struct rule_kit *k, const char *addr)
{
	if (k->dns_n == RULE_KIT_ADDRS)
		give_up("too many DNS servers", addr);
	k->dns[k->dns_n++] = address(addr);
}

static struct rule_kit_name *find_name(struct rule_kit *k, const char *name)
{
	for (int i = 0; i < k->name_n; i++)
		if (!strcmp(k->name[i].name, name))
			return &k->name[i];
	return NULL;
}

void rule_kit_name(struct rule_kit *k, const char *name, const char *addr)
{
	struct rule_kit_name *n = find_name(k, name);

	if (!n) {
		if (k->name_n == RULE_KIT_NAMES || strlen(name) > RULE_NAME_MAX)
			give_up("too many names, or too long", name);
		n = &k->name[k->name_n++];
		memcpy(n->name, name, strlen(name) + 1);
	}
	if (!addr)
		return;
	if (n->n == RULE_KIT_ADDRS)
		give_up("too many addresses", name);
	n->addr[n->n++] = address(addr);
}

static int resolve(void *ctx, const char *name, enum rule_family family,
		   struct pkt_addr *out, uint16_t max)
{
	const struct rule_kit_name *found = find_name(ctx, name);
	int n = 0;

	if (!found)
		return -ENOENT;
	for (int i = 0; i < found->n; i++) {
		if (pkt_addr_is_v4(&found->addr[i]) != (family == RULE_IP4))
			continue;
		if (n < max)
			out[n] = found->addr[i];
		n++;
	}
	return n;
}

struct rule_env rule_kit_env(struct rule_kit *k)
{
	return (struct rule_env){ .dns = k->dns,
				  .dns_n = (uint16_t)k->dns_n,
				  .resolve = resolve,
				  .ctx = k };
}

static int spoil(struct rule_kit *k, const struct rule_error *err)
{
	if (!k->bad)
		k->err = *err;
	k->bad = true;
	return -EBADMSG;
}

int rule_kit_rule(struct rule_kit *k, uint32_t number, const char *text,
		  size_t len)
{
	struct rule_error err;

	if (k->n > RULE_SET_MAX)
		give_up("too many rules", text);
	if (rule_parse(&k->rules[k->n], number, text, len, k->family, &err))
		return spoil(k, &err);
	k->n++;
	return 0;
}

int rule_kit_policy(struct rule_kit *k, const char *text, size_t len)
{
	struct rule_error err;

	if (rule_policy_parse(&k->policy, text, len, &err))
		return spoil(k, &err);
	k->has_policy = true;
	return 0;
}

void rule_kit_rules(struct rule_kit *k, const char *const *text)
{
	k->has_policy = true;
	for (uint32_t i = 0; text[i]; i++)
		if (rule_kit_rule(k, i, text[i], strlen(text[i])))
			give_up(k->err.why, text[i]);
}

static void *room(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		give_up("no memory", "set");
	return p;
}

const struct ruleset *rule_kit_build(struct rule_kit *k)
{
	struct rule_env env = rule_kit_env(k);
	size_t size = ruleset_size(k->rules, k->n, &env);
	size_t scratch_size = ruleset_scratch_size(k->rules, k->n, &env);
	void *mem = room(size), *scratch = room(scratch_size);
	int rc = -EBADMSG;

	if (!k->bad && k->has_policy)
		rc = ruleset_build(mem, size, &k->used, k->family, k->policy,
				   k->rules, k->n, &env, scratch, scratch_size);
	if (rc)
		rc = ruleset_build_closed(mem, size, &k->used, k->family);
	if (rc)
		give_up("cannot build", strerror(-rc));
	free(k->mem);
	k->mem = room(k->used);
	memcpy(k->mem, mem, k->used);
	free(mem);
	free(scratch);
	k->set = ruleset_check(k->mem, k->used);
	if (!k->set)
		give_up("ruleset_check", "refuses what was built");
	return k->set;
}

bool rule_kit_query(const struct rule_kit *k, struct rule_query *q,
		    const char *text)
{
	char proto[16], dst[64];
	unsigned int port = 0;
	int n = sscanf(text, "%15s %63s %u", proto, dst, &port);

	*q = (struct rule_query){ 0 };
	if (n < 2 || pkt_addr_parse(&q->dst, dst, strlen(dst)) || port > 65535)
		return false;
	if (!strcmp(proto, "tcp"))
		q->proto = 6;
	else if (!strcmp(proto, "udp"))
		q->proto = 17;
	else if (!strcmp(proto, "icmp"))
		q->proto = k->family == RULE_IP6 ? 58 : 1;
	else
		q->proto = (uint8_t)strtoul(proto, NULL, 10);
	/* What a parser would leave in the field that does not count. */
	q->dport = (uint16_t)port;
	q->icmp_type = (uint8_t)port;
	return true;
}

struct rule_answer rule_kit_ask(const struct rule_kit *k, const char *text)
{
	struct rule_query q;

	if (!rule_kit_query(k, &q, text))
		give_up("cannot read the question", text);
	return ruleset_eval(k->set, &q);
}
