/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "firewall/control/control_dns.h"
#include "firewall/linux/log.h"

static bool ask(void *ctx, const char *name, enum rule_family family)
{
	struct control_dns *c = ctx;

	return resolver_ask(&c->resolver, name, family);
}

static void publish(void *ctx, const char *path, const char *value)
{
	const struct control_dns *c = ctx;

	if (c->publish)
		c->publish(c->ctx, path, value);
}

static void answer(void *ctx, const char *name, enum rule_family family,
		   const void *msg, size_t len)
{
	const struct names_reply r = { .msg = msg, .len = len };
	struct control_dns *c = ctx;

	names_answer(&c->names, name, family, &r, c->loop->now);
}

static int watch(void *ctx, int fd, uint32_t wants)
{
	const struct control_dns *c = ctx;
	int err;

	if (!wants) {
		loop_del(c->loop, fd);
		return 0;
	}
	err = loop_change(c->loop, fd, c->type, (uint32_t)fd, wants);
	return err ? loop_add(c->loop, fd, c->type, (uint32_t)fd, wants) : 0;
}

static int send_by_data(void *ctx, uint32_t wire, const struct pkt_addr *server,
			const void *msg, size_t len)
{
	struct fw_dns_msg m = { .ask = wire,
				.len = (uint16_t)len,
				.server = *server };
	const struct control_dns *c = ctx;

	if (len > sizeof(m.msg))
		return -EMSGSIZE;
	memcpy(m.msg, msg, len);
	return apply_dns_ask(c->names.apply, &m);
}

/* By the uplink when that is ours alone: the machine has no other way out. */
static bool by_uplink(const struct conf *c)
{
	if (c->names.through == CONF_THROUGH_AUTO)
		return conf_uplink_on_xen(c);
	return c->names.through == CONF_THROUGH_UPLINK;
}

static int open_resolver(struct control_dns *c)
{
	static struct resolver_ops ops = { .answer = answer, .watch = watch };
	const struct conf_names *s = &c->names.apply->conf.names;
	const struct fw_dns *d = &c->names.apply->dns;

	ops.ctx = c;
	ops.send = by_uplink(&c->names.apply->conf) ? send_by_data : NULL;
	c->dns_gen = c->names.apply->dns_gen;
	return resolver_open(&c->resolver, &ops,
			     s->server_n ? s->server : d->server,
			     s->server_n ? s->server_n : d->server_n);
}

int control_dns_open(struct control_dns *c, struct loop *l, struct apply *a,
		     uint32_t type)
{
	static struct names_ops ops = { .ask = ask, .publish = publish };
	int err;

	ops.ctx = c;
	c->loop = l;
	c->type = type;
	err = names_open(&c->names, a, &ops);
	if (!err && c->names.table)
		err = open_resolver(c);
	c->open = !err && c->names.table;
	return err;
}

void control_dns_close(struct control_dns *c)
{
	if (!c->open)
		return;
	resolver_close(&c->resolver);
	names_close(&c->names);
	c->open = false;
}

void control_dns_conf(struct control_dns *c)
{
	if (!c->open)
		return;
	/* what it was asked comes back as not answered */
	resolver_close(&c->resolver);
	if (open_resolver(c))
		log_err("host names can't be resolved: no memory");
	names_conf(&c->names, c->loop->now);
}

void control_dns_event(struct control_dns *c, int fd, uint32_t what)
{
	if (c->open)
		resolver_event(&c->resolver, fd, what);
}

void control_dns_came(struct control_dns *c, const struct fw_dns_msg *m)
{
	if (!c->open)
		return;
	if (m->client)
		names_seen(&c->names, m, c->loop->now);
	else
		resolver_received(&c->resolver, m->ask, m->msg, m->len);
}

struct mono control_dns_work(struct control_dns *c)
{
	struct mono next, late;

	if (!c->open)
		return (struct mono){ UINT64_MAX };
	if (c->dns_gen != c->names.apply->dns_gen)
		control_dns_conf(c);
	late = resolver_work(&c->resolver, c->loop->now);
	next = names_work(&c->names, c->loop->now);
	return late.ns < next.ns ? late : next;
}
