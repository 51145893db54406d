/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "firewall/control/qubes/qubes_keys.h"
#include "firewall/control/control_qubes.h"
#include "firewall/linux/log.h"
#include "xen/qubes/chan_unix.h"
#include "xen/qubes/chan_vchan.h"

#define FEATURE "/features-request/qubes-firewall"

static struct chan_net *open_vchan(int *err)
{
	struct store *s = store_libs_open(err);
	struct vchan_lib *l = NULL;

	if (s)
		l = chan_lib_open(err);
	if (l)
		return chan_vchan_open(s, l, err);
	if (s)
		s->ops->close(s);
	return NULL;
}

static int open_net(const struct conf_qubes *c, struct chan_net **out)
{
	int err = 0;

	*out = NULL;
	switch ((enum conf_channel)c->channel) {
	case CONF_CHANNEL_OFF:
		break;
	case CONF_CHANNEL_VCHAN:
		*out = open_vchan(&err);
		break;
	case CONF_CHANNEL_UNIX:
		*out = chan_unix_open(c->dir, c->self, &err);
		break;
	case CONF_CHANNEL_LOCAL:
		*out = chan_unix_open_at(c->dir, &err);
		break;
	}
	if (err)
		log_err("qubes.channel: dom0 can't be reached (%s); is this a "
			"domain on Xen? (qubes.channel = off does without)",
			log_errno(-err));
	return err;
}

static int open_serve(struct control_qubes *q, const struct conf *c)
{
	int err;

	if (!c->qubes_serve[0])
		return 0;
	err = qubesdb_serve_open(&q->serve, c->qubes_serve,
				 c->qubes_serve_writes, &q->db);
	if (err)
		log_err("qubes.serve: %s: %s", c->qubes_serve,
			err == -EADDRINUSE ? "another daemon listens there"
					   : log_errno(-err));
	else
		log_info("QubesDB is served at %s", c->qubes_serve);
	q->serves = !err;
	return err;
}

int control_qubes_open_on(struct control_qubes *q, struct chan_net *net,
			  const struct conf *c, struct apply *a,
			  struct mono now)
{
	int err;

	q->net = net;
	q->apply = a;
	q->local = c->qubes.channel == CONF_CHANNEL_LOCAL;
	err = source_qubesdb_open(&q->db, q->net, q->local, a->tree, a, now);
	if (!err)
		err = open_serve(q, c);
	if (!err) {
		apply_hold(a, "dom0 has not said its settings yet");
		return 0;
	}
	control_qubes_close(q);
	return err;
}

int control_qubes_open(struct control_qubes *q, const struct conf *c,
		       struct apply *a, struct mono now)
{
	struct chan_net *net;
	int err = open_net(&c->qubes, &net);

	return net ? control_qubes_open_on(q, net, c, a, now) : err;
}

/* False: they can't be, as @why says, and nothing changed. */
static bool take(struct control_qubes *q, const char *addresses,
		 const char *config, char why[SOURCE_QUBESDB_WRONG])
{
	static char before[CONF_TOLD_MAX];
	struct conf *c = &q->apply->conf;
	uint16_t before_len = c->told_len;
	char said[1024];

	memcpy(before, c->told, sizeof(before));
	memset(c->told, 0, sizeof(c->told));
	c->told_len = (uint16_t)snprintf(c->told, sizeof(c->told), "%s%s",
					 addresses, config);
	if (memcmp(c->told, before, sizeof(before)) != 0 &&
	    !q->reload(q->ctx, said, sizeof(said))) {
		memcpy(c->told, before, sizeof(before));
		c->told_len = before_len;
		snprintf(why, SOURCE_QUBESDB_WRONG, "%.*s",
			 (int)strcspn(said, "\n"), said);
		return false;
	}
	memmove(q->addresses, addresses, strlen(addresses) + 1);
	memmove(q->config, config, strlen(config) + 1);
	return true;
}

/*
 * Addresses and the rest do not hold each other up: each that can be is taken
 * beside the last good one of the other.
 */
static bool take_config(struct control_qubes *q, char why[SOURCE_QUBESDB_WRONG])
{
	static char config[CONTROL_QUBES_CONFIG];
	char addresses[QUBES_KEYS_ADDRESSES], too[SOURCE_QUBESDB_WRONG];
	bool is;

	why[0] = '\0';
	(void)qubes_keys_addresses(q->db.tree, addresses);
	is = qubes_keys_config(q->db.tree, config, sizeof(config), why) >= 0;
	if (is && (take(q, addresses, config, why) ||
		   take(q, q->addresses, config, too)))
		return true;
	(void)take(q, addresses, q->config, too);
	return false;
}

static void take_settings(struct control_qubes *q)
{
	char why[SOURCE_QUBESDB_WRONG];

	q->taken |= take_config(q, why);
	source_qubesdb_wrong(&q->db, why);
	if (why[0])
		log_err("settings of dom0 are not in force%s: %s",
			q->taken ? "" : ", so all clients are closed", why);
	apply_hold(q->apply, q->taken ? NULL : q->db.wrong);
	q->confs = q->apply->confs;
}

/* What could not be may fit the others, now that these were read again. */
static bool is_due(struct control_qubes *q, struct mono now)
{
	bool news = source_qubesdb_news(&q->db, now);

	return news || (q->db.wrong[0] && q->confs != q->apply->confs);
}

/* A new connection has a new descriptor; the loop forgets closed ones. */
static void watch(struct control_qubes *q, struct loop *l, uint32_t type)
{
	int fd = qubesdb_fd(&q->db.db);

	if (fd >= 0 && q->made != q->db.db.made &&
	    loop_add(l, fd, type, 0, LOOP_IN))
		log_err("QubesDB: can't be watched");
	q->made = q->db.db.made;
	if (q->serves && !q->serve_known && q->serve.fd >= 0 &&
	    loop_add(l, q->serve.fd, type, 0, LOOP_IN))
		log_err("QubesDB: qubes.serve can't be watched");
	q->serve_known = q->serves;
}

struct mono control_qubes_work(struct control_qubes *q, struct loop *l,
			       uint32_t type)
{
	struct mono next = { UINT64_MAX }, late;

	if (!q->net)
		return next;
	next = source_qubesdb_work(&q->db, l->now);
	if (is_due(q, l->now))
		take_settings(q);
	if (q->serves) {
		late = qubesdb_serve_work(&q->serve, l->now);
		if (late.ns < next.ns)
			next = late;
	}
	watch(q, l, type);
	return next;
}

bool control_qubes_settled(const struct control_qubes *q, struct mono now)
{
	return !q->net || source_qubesdb_settled(&q->db, now);
}

bool control_qubes_described(struct control_qubes *q)
{
	struct qubesdb *db = &q->db.db;

	if (!q->net || q->local || db->state != QUBESDB_RUN)
		return false;
	if (!q->described)
		q->described = !qubesdb_write(db, FEATURE, "1", 1);
	return q->described && !db->unacked;
}

void control_qubes_publish(void *ctx, const char *path, const char *value)
{
	struct control_qubes *q = ctx;

	if (q->net)
		source_qubesdb_publish(&q->db, path, value);
}

void control_qubes_close(struct control_qubes *q)
{
	if (!q->net)
		return;
	if (q->serves)
		qubesdb_serve_close(&q->serve);
	q->serves = false;
	source_qubesdb_close(&q->db);
	chan_net_close(q->net);
	q->net = NULL;
}
