/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mock/bus_world.h"

#define LOOKS_MAX 2000u

static struct world *spied; /* whose writes are logged */
static struct store_ops spy;
static const struct store_ops *mock;

static void say(struct world *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct world *w, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(w->log + w->len, WORLD_LOG - w->len, fmt, args);
	va_end(args);
	w->len += (size_t)n;
	if (w->len >= WORLD_LOG)
		w->len = WORLD_LOG - 1;
}

static int spy_write(struct store *s, uint32_t t, const char *path,
		     const char *value, size_t len)
{
	int err = mock->write(s, t, path, value, len);
	size_t plen = strlen(path);
	unsigned int dom, handle;

	if (err || plen < 6 || strcmp(path + plen - 6, "/state") != 0)
		return err;
	if (sscanf(path, "backend/vif/%u/%u", &dom, &handle) == 2)
		say(spied, "%u/%u=%s ", dom, handle, value);
	else
		say(spied, "up=%s ", value);
	return err;
}

static void on_vif(void *ctx, const struct bus_vif *v)
{
	struct world *w = ctx;

	w->vif = *v;
	say(w, "vif:%u/%u ", v->id.dom, v->id.handle);
}

static void on_connect(void *ctx, const struct bus_rings *r)
{
	struct world *w = ctx;

	w->rings = *r;
	say(w, "%s:%u/%u ", r->resume ? "resume" : "connect", r->id.dom,
	    r->id.handle);
	if (w->answer)
		bus_connected(w->b, r->id, w->connect_err);
}

static void on_disconnect(void *ctx, struct bus_id id)
{
	struct world *w = ctx;

	say(w, "disconnect:%u/%u ", id.dom, id.handle);
	if (w->answer)
		bus_disconnected(w->b, id);
}

static void on_gone(void *ctx, struct bus_id id)
{
	say(ctx, "gone:%u/%u ", id.dom, id.handle);
}

static void on_uplink(void *ctx, const struct bus_uplink *u)
{
	struct world *w = ctx;

	w->uplink = *u;
	say(w, "uplink ");
	if (w->answer)
		bus_uplink_keys(w->b, w->keys_err, 11, 12, 13);
}

static void on_uplink_down(void *ctx)
{
	struct world *w = ctx;

	say(w, "uplink_down ");
	if (w->answer)
		bus_uplink_released(w->b);
}

static void on_uplink_up(void *ctx)
{
	say(ctx, "uplink_up ");
}

static void on_key(void *ctx, const char *path, const char *value, size_t len)
{
	if (value)
		say(ctx, "%s=%.*s ", path, (int)len, value);
	else
		say(ctx, "%s- ", path);
}

static void start(struct world *w, const struct bus_conf *c)
{
	struct bus_conf conf = { .self = WORLD_SELF };
	struct bus_ops ops = { on_vif,	     on_connect, on_disconnect,
			       on_gone,	     on_uplink,	 on_uplink_down,
			       on_uplink_up, on_key,	 w };

	if (c)
		conf = *c;
	conf.self = WORLD_SELF;
	w->s = mock_store_open(w->t, WORLD_SELF);
	mock = w->s->ops;
	spy = *mock;
	spy.write = spy_write;
	w->s->ops = &spy;
	spied = w;
	w->b = bus_new(w->s, &conf, &ops);
	vw_assert(w->b);
}

void world_open_in(struct world *w, struct mock_tree *t,
		   const struct bus_conf *c)
{
	memset(w, 0, sizeof(*w));
	w->answer = true;
	w->now.ns = 1000 * MONO_S;
	w->t = t;
	mock_set(t, "/local/domain/2/data", "");
	mock_perm(t, "/local/domain/2", 0, 'n', WORLD_SELF, 'r');
	mock_perm(t, "/local/domain/2/data", WORLD_SELF, 'n', 0, 'n');
	start(w, c);
}

void world_open(struct world *w, const struct bus_conf *c)
{
	world_open_in(w, mock_tree_new(), c);
}

static void end(struct world *w)
{
	bus_free(w->b);
	w->s->ops->close(w->s);
}

void world_restart(struct world *w, const struct bus_conf *c)
{
	end(w);
	w->now = mono_add_ms(w->now, 5000);
	start(w, c);
}

void world_close(struct world *w)
{
	end(w);
	mock_tree_free(w->t);
}

void world_run(struct world *w, uint32_t ms)
{
	struct mono until = mono_add_ms(w->now, ms), next;

	for (uint32_t n = 0; n < LOOKS_MAX; n++) {
		int err = bus_events(w->b, w->now);

		vw_assert(err <= 0);
		next = bus_tick(w->b, w->now);
		if (next.ns > until.ns && !mock_events_waiting(w->s)) {
			w->now = until;
			return;
		}
		if (next.ns > w->now.ns && next.ns <= until.ns)
			w->now = next;
	}
	vw_panic(__FILE__, __LINE__, "a bus that never sleeps");
}

bool world_said(struct world *w, const char *want)
{
	bool same = !strcmp(w->log, want);

	if (!same)
		printf("\n    said:   %s\n    wanted: %s\n", w->log, want);
	w->len = 0;
	w->log[0] = '\0';
	return same;
}

static void set(struct mock_tree *t, const char *value, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void set(struct mock_tree *t, const char *value, const char *fmt, ...)
{
	char path[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	mock_set(t, path, value);
}

static void front_dir(char out[64], uint16_t dom, uint16_t handle)
{
	snprintf(out, 64, "/local/domain/%u/device/vif/%u", dom, handle);
}

static void back_dir(char out[64], uint16_t self, uint16_t dom, uint16_t handle)
{
	snprintf(out, 64, "/local/domain/%u/backend/vif/%u/%u", self, dom,
		 handle);
}

/* A directory of @owner's that @reader may read, as libxl makes them. */
static void directory(struct mock_tree *t, const char *dir, uint16_t owner,
		      uint16_t reader)
{
	mock_set(t, dir, "");
	mock_perm(t, dir, owner, 'n', reader, 'r');
}

static void pair(struct mock_tree *t, uint16_t front, uint16_t back,
		 uint16_t handle)
{
	char f[64], b[64], mac[32], id[8];

	front_dir(f, front, handle);
	back_dir(b, back, front, handle);
	snprintf(mac, sizeof(mac), "00:16:3e:5e:6c:%02x", front & 0xffu);
	directory(t, f, front, back);
	directory(t, b, back, front);
	set(t, b, "%s/backend", f);
	snprintf(id, sizeof(id), "%u", back);
	set(t, id, "%s/backend-id", f);
	set(t, mac, "%s/mac", f);
	set(t, "0", "%s/trusted", f);
	set(t, "1", "%s/state", f);
	set(t, f, "%s/frontend", b);
	snprintf(id, sizeof(id), "%u", front);
	set(t, id, "%s/frontend-id", b);
	set(t, mac, "%s/mac", b);
	set(t, "10.137.0.5 fd09:24ef:4179::a89:5", "%s/ip", b);
	set(t, "xenbr0", "%s/bridge", b);
	snprintf(id, sizeof(id), "%u", handle);
	set(t, id, "%s/handle", b);
	set(t, "vif", "%s/type", b);
	set(t, "", "%s/hotplug-status", b);
	set(t, "/etc/xen/scripts/vif-route-qubes", "%s/script", b);
	set(t, "1", "%s/online", b);
	set(t, "1", "%s/state", b);
}

/* The parents are dom0's; the backend's domain may read them. */
static void back_parents(struct mock_tree *t, uint16_t back, uint16_t front)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/backend/vif/%u", back,
		 front);
	mock_set(t, path, "");
	mock_perm(t, path, 0, 'n', back, 'r');
	snprintf(path, sizeof(path), "/local/domain/%u/backend/vif", back);
	mock_perm(t, path, 0, 'n', back, 'r');
	snprintf(path, sizeof(path), "/local/domain/%u/backend", back);
	mock_perm(t, path, 0, 'n', back, 'r');
}

void world_attach(struct mock_tree *t, uint16_t dom, uint16_t handle)
{
	back_parents(t, WORLD_SELF, dom);
	pair(t, dom, WORLD_SELF, handle);
}

void world_detach(struct mock_tree *t, uint16_t dom, uint16_t handle)
{
	char b[64];

	back_dir(b, WORLD_SELF, dom, handle);
	set(t, "0", "%s/online", b);
	set(t, "5", "%s/state", b);
}

void world_uplink(struct mock_tree *t, uint16_t netvm)
{
	back_parents(t, netvm, WORLD_SELF);
	pair(t, WORLD_SELF, netvm, 0);
}

void world_back(struct mock_tree *t, uint16_t dom, const char *key,
		const char *value)
{
	set(t, value, "/local/domain/%u/backend/vif/%u/0/%s", WORLD_SELF, dom,
	    key);
}

void world_front(struct mock_tree *t, uint16_t dom, const char *key,
		 const char *value)
{
	set(t, value, "/local/domain/%u/device/vif/0/%s", dom, key);
}

void world_netvm(struct mock_tree *t, uint16_t netvm, const char *key,
		 const char *value)
{
	set(t, value, "/local/domain/%u/backend/vif/%u/0/%s", netvm, WORLD_SELF,
	    key);
}

void world_front_connects(struct mock_tree *t, uint16_t dom)
{
	world_front(t, dom, "multi-queue-num-queues", "1");
	world_front(t, dom, "tx-ring-ref", "768");
	world_front(t, dom, "rx-ring-ref", "769");
	world_front(t, dom, "event-channel", "9");
	world_front(t, dom, "request-rx-copy", "1");
	world_front(t, dom, "feature-rx-notify", "1");
	world_front(t, dom, "feature-sg", "1");
	world_front(t, dom, "feature-gso-tcpv4", "1");
	world_front(t, dom, "feature-gso-tcpv6", "1");
	world_front(t, dom, "feature-ipv6-csum-offload", "1");
	world_front(t, dom, "state", "4");
}

void world_netvm_waits(struct mock_tree *t, uint16_t netvm)
{
	world_netvm(t, netvm, "feature-rx-copy", "1");
	world_netvm(t, netvm, "feature-sg", "1");
	world_netvm(t, netvm, "feature-gso-tcpv4", "1");
	world_netvm(t, netvm, "feature-gso-tcpv6", "1");
	world_netvm(t, netvm, "feature-ipv6-csum-offload", "1");
	world_netvm(t, netvm, "state", "2");
}

static char shows(struct mock_tree *t, const char *path)
{
	const char *v = mock_get(t, path);

	return v ? *v : '-';
}

char world_shows(struct mock_tree *t, uint16_t dom)
{
	char path[96];

	snprintf(path, sizeof(path), "/local/domain/2/backend/vif/%u/0/state",
		 dom);
	return shows(t, path);
}

char world_uplink_shows(struct mock_tree *t)
{
	return shows(t, "/local/domain/2/device/vif/0/state");
}
