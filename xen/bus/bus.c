/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xen/bus/bus_in.h"

#define EVENTS_MAX 4096u /* of one call: a guest may make more all the time */

void bus_note(char out[BUS_TROUBLE], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(out, BUS_TROUBLE, fmt, args);
	va_end(args);
}

void bus_sooner(struct mono *at, struct mono t)
{
	if (!at->ns || (t.ns && t.ns < at->ns))
		*at = t;
}

static int watch_all(struct bus *b)
{
	int err = b->store->ops->watch(b->store, "backend/vif", "vif");

	if (!err && b->conf.uplink)
		err = bus_uplink_watch(b);
	if (!err && b->conf.rules)
		err = b->store->ops->watch(b->store, BUS_RULES, "rules");
	return err;
}

struct bus *bus_new(struct store *store, const struct bus_conf *c,
		    const struct bus_ops *ops)
{
	struct bus *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->store = store;
	b->conf = *c;
	b->ops = *ops;
	b->up.stopped = !c->uplink;
	if (!watch_all(b))
		return b;
	free(b);
	return NULL;
}

/* A xenstored that was started with nothing in it says nothing about vifs. */
static int knows_us(const struct bus *b)
{
	char home[BUS_DIR_MAX], value[16];
	ssize_t n;

	snprintf(home, sizeof(home), "/local/domain/%u", b->conf.self);
	n = store_read(b->store, home, value, sizeof(value) - 1);
	return n < 0 && n != -EMSGSIZE ? (int)n : 0;
}

/* Any answer is one. */
int bus_ask(const struct bus *b)
{
	int err = knows_us(b);

	return err == -ENOENT || err == -EACCES ? 0 : err;
}

int bus_reopen(struct bus *b, struct store *store, uint16_t self)
{
	int err;

	b->store = store;
	b->conf.self = self;
	err = knows_us(b);
	if (!err)
		err = watch_all(b);
	if (err)
		return err;
	b->scan = true; /* marks those that we know, too */
	b->up.mark = b->conf.uplink;
	b->up.watched = false;
	for (uint32_t i = 0; i < b->high; i++)
		b->vif[i].watched = false;
	return 0;
}

/* Watches end with the connection, which is the caller's. */
void bus_free(struct bus *b)
{
	free(b);
}

static bool is_id(const struct vif *v, struct bus_id id)
{
	return v->used && v->conf.id.dom == id.dom &&
	       v->conf.id.handle == id.handle;
}

static struct vif *find(struct bus *b, struct bus_id id)
{
	for (uint32_t i = 0; i < b->high; i++)
		if (is_id(&b->vif[i], id))
			return &b->vif[i];
	return NULL;
}

static struct vif *find_or_add(struct bus *b, struct bus_id id)
{
	struct vif *v = find(b, id);
	uint32_t i = 0;

	if (v)
		return v;
	while (i < BUS_VIFS && b->vif[i].used)
		i++;
	if (i == BUS_VIFS) {
		bus_note(b->trouble, "more than %u vifs", BUS_VIFS);
		return NULL;
	}
	if (i == b->high)
		b->high++;
	v = &b->vif[i];
	v->used = v->first = true;
	v->conf.id = id;
	return v;
}

static void mark(struct bus *b, struct bus_id id, uint8_t what)
{
	struct vif *v = find_or_add(b, id);

	if (v)
		v->mark |= what;
}

static void event_of_back(struct bus *b, const char *path)
{
	struct bus_id id;

	switch (bus_path_parse(path, &id)) {
	case BUS_PATH_OTHER:
		break;
	case BUS_PATH_TOP:
		b->scan = true;
		break;
	case BUS_PATH_STATE:
		mark(b, id, BUS_MARK_LOOK);
		break;
	case BUS_PATH_VIF:
		mark(b, id, BUS_MARK_LOOK | BUS_MARK_CONF);
		break;
	}
}

static void event_of(struct bus *b, const char *path, const char *token,
		     struct mono now)
{
	struct bus_id id;
	struct vif *v;

	if (!strcmp(token, "vif")) {
		event_of_back(b, path);
	} else if (!strcmp(token, "uplink") || !strcmp(token, "netvm")) {
		b->up.mark = true;
	} else if (!strcmp(token, "rules")) {
		bus_rules_event(b, path, now);
	} else if (bus_path_parse_id(token, &id)) {
		v = find(b, id);
		if (v)
			v->mark |= BUS_MARK_LOOK;
	}
}

int bus_events(struct bus *b, struct mono now)
{
	char path[STORE_PATH_MAX], token[STORE_PATH_MAX];
	int got = 1;

	for (uint32_t i = 0; i < EVENTS_MAX && got > 0; i++) {
		got = b->store->ops->event(b->store, path, token);
		if (got > 0)
			event_of(b, path, token, now);
	}
	b->more = got > 0;
	return got < 0 ? got : 0;
}

/* The handles below backend/vif/<dom>. */
static int scan_dom(struct bus *b, uint16_t dom)
{
	char dir[STORE_PATH_MAX], names[8192];
	const char *at = names;
	int n;

	snprintf(dir, sizeof(dir), "backend/vif/%u", dom);
	n = b->store->ops->list(b->store, STORE_NONE, dir, names,
				sizeof(names));
	for (int i = 0; i < n; i++, at += strlen(at) + 1) {
		uint32_t handle;

		if (store_parse_u32(at, strlen(at), UINT16_MAX, &handle))
			mark(b,
			     (struct bus_id){ .dom = dom,
					      .handle = (uint16_t)handle },
			     BUS_MARK_LOOK | BUS_MARK_CONF);
	}
	return n == -ENOENT ? 0 : n;
}

/* All that dom0 made, and whether all that we know of is still there. */
static void scan(struct bus *b, struct mono now)
{
	const char *at = b->names;
	int n = b->store->ops->list(b->store, STORE_NONE, "backend/vif",
				    b->names, sizeof(b->names));
	int err = n == -ENOENT ? 0 : n;

	b->scan = false;
	b->scan_again = (struct mono){ 0 };
	b->trouble[0] = '\0';
	for (uint32_t i = 0; i < b->high; i++)
		if (b->vif[i].used)
			b->vif[i].mark |= BUS_MARK_LOOK | BUS_MARK_CONF;
	for (int i = 0; i < n && err >= 0; i++, at += strlen(at) + 1) {
		uint16_t dom;

		if (bus_path_parse_dom(at, strlen(at), &dom))
			err = scan_dom(b, dom);
	}
	if (err < 0) {
		bus_note(b->trouble, "backend/vif can't be listed: errno %d",
			 -err);
		b->scan_again = mono_add_ms(now, BUS_RETRY_MS);
	}
}

static bool due(struct mono at, struct mono now)
{
	return at.ns && mono_past(at, now);
}

/* When to come back: at once when something was marked meanwhile. */
static struct mono next(const struct bus *b, struct mono now)
{
	struct mono at = bus_rules_next(b);
	bool marked = b->scan || b->more ||
		      (b->up.mark && b->up.link != LINK_DROPPING);

	bus_sooner(&at, b->scan_again);
	bus_sooner(&at, b->up.again);
	for (uint32_t i = 0; i < b->high; i++) {
		const struct vif *v = &b->vif[i];

		if (!v->used || v->link == LINK_DROPPING)
			continue;
		marked = marked || v->mark;
		bus_sooner(&at, v->again);
	}
	if (marked)
		return now;
	return at.ns ? at : (struct mono){ UINT64_MAX };
}

struct mono bus_tick(struct bus *b, struct mono now)
{
	if (b->scan || due(b->scan_again, now))
		scan(b, now);
	if (b->conf.uplink && (b->up.mark || due(b->up.again, now)))
		bus_uplink_look(b, now);
	for (uint32_t i = 0; i < b->high; i++) {
		struct vif *v = &b->vif[i];

		if (v->used && (v->mark || due(v->again, now)))
			bus_vif_look(b, v, now);
	}
	bus_rules_tick(b, now);
	return next(b, now);
}

void bus_connected(struct bus *b, struct bus_id id, int err)
{
	struct vif *v = find(b, id);

	if (!v || v->link != LINK_ASKED)
		return;
	v->mark |= BUS_MARK_LOOK;
	v->link = err ? LINK_NONE : LINK_UP;
	v->resume = !err;
	v->broken = err;
	if (err)
		bus_note(v->trouble, "can't be connected: errno %d", -err);
}

void bus_disconnected(struct bus *b, struct bus_id id)
{
	struct vif *v = find(b, id);

	if (!v || v->link != LINK_DROPPING)
		return;
	v->mark |= BUS_MARK_LOOK;
	v->link = LINK_NONE;
}

void bus_broken(struct bus *b, struct bus_id id)
{
	struct vif *v = find(b, id);

	if (!v || (v->link != LINK_UP && v->link != LINK_ASKED))
		return;
	v->mark |= BUS_MARK_LOOK;
	v->link = LINK_NONE;
	v->broken = true;
	v->strikes++;
	v->quarantined = v->quarantined || v->strikes >= BUS_STRIKES;
	bus_note(v->trouble, "its rings broke, %u of %u times", v->strikes,
		 BUS_STRIKES);
}

void bus_quarantine(struct bus *b, struct bus_id id)
{
	struct vif *v = find(b, id);

	if (!v)
		return;
	v->mark |= BUS_MARK_LOOK;
	v->quarantined = true;
	bus_note(v->trouble, "brought the firewall down too often");
}

void bus_uplink_keys(struct bus *b, int err, uint32_t tx_ref, uint32_t rx_ref,
		     uint32_t evt)
{
	struct uplink *u = &b->up;

	if (u->link != LINK_ASKED)
		return;
	u->mark = true;
	u->link = err ? LINK_NONE : LINK_UP;
	u->keys = !err;
	u->tx_ref = tx_ref;
	u->rx_ref = rx_ref;
	u->evt = evt;
	if (err)
		bus_note(u->trouble, "no rings: errno %d", -err);
}

void bus_uplink_released(struct bus *b)
{
	if (b->up.link != LINK_DROPPING)
		return;
	b->up.mark = true;
	b->up.link = LINK_NONE;
}

void bus_uplink_broken(struct bus *b)
{
	struct uplink *u = &b->up;

	if (u->link != LINK_UP && u->link != LINK_ASKED)
		return;
	u->mark = true;
	u->link = LINK_NONE;
	u->up = u->keys = false;
	bus_note(u->trouble, "its rings broke");
}

void bus_resume(struct bus *b)
{
	bus_uplink_broken(b);
	bus_uplink_released(b);
	for (uint32_t i = 0; i < b->high; i++) {
		struct vif *v = &b->vif[i];

		if (!v->used || v->link == LINK_NONE)
			continue;
		v->mark |= BUS_MARK_LOOK;
		/* one that brought the last process down gets no other */
		if (v->link == LINK_DROPPING || v->quarantined) {
			v->link = LINK_NONE;
			continue;
		}
		v->link = LINK_ASKED;
		v->rings.resume = true;
		b->ops.connect(b->ops.ctx, &v->rings);
	}
}

void bus_stop(struct bus *b)
{
	b->up.stopping = true;
	b->up.mark = b->conf.uplink;
}

bool bus_stopped(const struct bus *b)
{
	return b->up.stopped;
}

static void row(const struct vif *v, struct bus_row *out, struct mono now)
{
	*out = (struct bus_row){
		.vif = v->conf,
		.rings = v->rings,
		.ours = v->ours,
		.theirs = v->theirs,
		.ours_ms = mono_diff_ms(v->ours_since, now),
		.theirs_ms = mono_diff_ms(v->theirs_since, now),
		.connected = v->link == LINK_UP,
		.quarantined = v->quarantined,
		.strikes = v->strikes,
	};
	memcpy(out->trouble, v->trouble, sizeof(v->trouble));
}

/* The uplink's is the first; the cursor counts all vifs after it. */
uint32_t bus_rows(const struct bus *b, uint32_t *cursor, struct bus_row *out,
		  uint32_t max, struct mono now)
{
	uint32_t n = 0;

	if (!*cursor && max) {
		if (b->conf.uplink)
			bus_uplink_row(b, &out[n++], now);
		++*cursor;
	}
	while (n < max && *cursor <= b->high) {
		const struct vif *v = &b->vif[*cursor - 1];

		if (v->used)
			row(v, &out[n++], now);
		++*cursor;
	}
	return n;
}

const char *bus_trouble(const struct bus *b)
{
	return b->trouble;
}
