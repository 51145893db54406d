/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The backend's walk: look at what is in the XenStore, ask the table
 * (xenbus.c), and do what it says in its order.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xen/bus/bus_in.h"

/*
 * All that we offer.  Each key costs a node of our quota in each vif, so what
 * means the same when it is missing is left out.
 */
static const struct bus_key offer[] = {
	{ "feature-rx-copy", 1 },	    { "feature-sg", 1 },
	{ "feature-gso-tcpv4", 1 },	    { "feature-gso-tcpv6", 1 },
	{ "feature-ipv6-csum-offload", 1 },
};

/* True when it may happen once more now; otherwise it may at l->pause. */
static bool limit_passes(struct limit *l, struct mono now)
{
	struct mono *oldest = &l->at[l->next];

	if (!mono_past(l->pause, now))
		return false;
	if (oldest->ns && mono_diff_ms(*oldest, now) < BUS_CONNECTS_MS) {
		l->pause = mono_add_ms(now, BUS_PAUSE_MS);
		return false;
	}
	*oldest = now;
	l->next = (uint8_t)((l->next + 1) % BUS_CONNECTS);
	return true;
}

static bool has_rings(const struct vif *v)
{
	return v->link == LINK_ASKED || v->link == LINK_UP;
}

static void drop_rings(struct bus *b, struct vif *v, unsigned int then)
{
	v->link = LINK_DROPPING;
	v->todo = (uint8_t)then;
	b->ops.disconnect(b->ops.ctx, v->conf.id);
}

static void forget(struct bus *b, struct vif *v)
{
	char front[BUS_DIR_MAX], path[STORE_PATH_MAX], token[16];

	if (v->watched) {
		bus_path_front(front, v->conf.id);
		bus_path_join(path, front, "state");
		snprintf(token, sizeof(token), "%u/%u", v->conf.id.dom,
			 v->conf.id.handle);
		(void)b->store->ops->unwatch(b->store, path, token);
	}
	if (v->told)
		b->ops.gone(b->ops.ctx, v->conf.id);
	/* Perhaps it is there again, and its event came too early. */
	b->scan = b->scan || v->mark;
	memset(v, 0, sizeof(*v));
}

/* dom0 removed the directory, or we did. */
static void vanished(struct bus *b, struct vif *v)
{
	v->gone = true;
	if (has_rings(v))
		drop_rings(b, v, 0);
	else
		forget(b, v);
}

/* Our state, as it must be; later when the store can't. */
static bool show(struct bus *b, struct vif *v, enum xenbus_state state,
		 const struct bus_key *key, size_t n, struct mono now)
{
	char dir[BUS_DIR_MAX];
	int err;

	if (v->ours == state)
		return true;
	bus_path_back(dir, v->conf.id);
	err = bus_say(b->store, dir, state, key, n);
	if (err == -ENOENT) {
		vanished(b, v);
		return false;
	}
	if (err) {
		bus_note(v->trouble, "state %u can't be written: errno %d",
			 state, -err);
		bus_sooner(&v->again, mono_add_ms(now, BUS_RETRY_MS));
		return false;
	}
	v->ours = (uint8_t)state;
	v->ours_since = now;
	v->mark |= BUS_MARK_LOOK;
	return true;
}

static bool held_back(struct vif *v, struct limit *l, struct mono now)
{
	if (limit_passes(l, now))
		return false;
	bus_note(v->trouble, "begins anew too often");
	bus_sooner(&v->again, l->pause);
	return true;
}

static void connect_it(struct bus *b, struct vif *v, struct mono now)
{
	struct bus_rings r = { .id = v->conf.id };
	int err;

	if (held_back(v, &v->connects, now))
		return;
	err = bus_read_rings(b->store, &r, v->trouble);
	if (err && !bus_read_is_theirs(err)) {
		bus_sooner(&v->again, mono_add_ms(now, BUS_RETRY_MS));
		return;
	}
	if (err) {
		v->broken = true;
		show(b, v, XENBUS_CLOSING, NULL, 0, now);
		return;
	}
	r.resume = v->resume;
	v->trouble[0] = '\0';
	v->rings = r;
	v->link = LINK_ASKED;
	b->ops.connect(b->ops.ctx, &v->rings);
}

/*
 * Would it make us write 5 or 6?  A frontend that flaps between both has no
 * rings to lose, and each write is one that all of xenstored's clients wait
 * for.
 */
static bool closes(const struct vif *v, unsigned int does)
{
	return (does & XENBUS_SAY_CLOSING && v->ours != XENBUS_CLOSING) ||
	       (does & XENBUS_SAY_CLOSED && v->ours != XENBUS_CLOSED);
}

/* One row of the table, in its order; the rings are gone already. */
static void follow(struct bus *b, struct vif *v, unsigned int does,
		   struct mono now)
{
	if (does & XENBUS_PROTEST && !v->quarantined) {
		v->quarantined = true;
		v->mark |= BUS_MARK_LOOK;
		bus_note(v->trouble, "the frontend shows an impossible state");
	}
	if (does & XENBUS_SAY_CLOSING &&
	    !show(b, v, XENBUS_CLOSING, NULL, 0, now))
		return;
	if (does & XENBUS_SAY_CLOSED &&
	    !show(b, v, XENBUS_CLOSED, NULL, 0, now))
		return;
	if (does & XENBUS_SAY_INIT &&
	    (held_back(v, &v->offers, now) ||
	     !show(b, v, XENBUS_INIT_WAIT, offer,
		   sizeof(offer) / sizeof(offer[0]), now)))
		return;
	if (does & XENBUS_CONNECT)
		connect_it(b, v, now);
	if (does & XENBUS_SAY_RECONF)
		show(b, v, XENBUS_RECONFIGURED, NULL, 0, now);
}

static void act(struct bus *b, struct vif *v, unsigned int does, bool online,
		struct mono now)
{
	unsigned int rest = does & ~XENBUS_DISCONNECT;

	if (does & XENBUS_DISCONNECT && has_rings(v))
		drop_rings(b, v, rest);
	else if (!online || !closes(v, rest) ||
		 !held_back(v, &v->closings, now))
		follow(b, v, rest, now);
}

/* Closed, and dom0 waits for the directory to go; but it reads our 6 first. */
static void remove_later(struct bus *b, struct vif *v, struct mono now)
{
	char dir[BUS_DIR_MAX];
	int err;

	if (!v->remove.ns)
		v->remove = mono_add_ms(now, BUS_REMOVE_MS);
	if (!mono_past(v->remove, now)) {
		bus_sooner(&v->again, v->remove);
		return;
	}
	bus_path_back(dir, v->conf.id);
	err = bus_remove(b->store, dir);
	if (!err || err == -ENOENT) {
		vanished(b, v);
		return;
	}
	bus_note(v->trouble, "can't be removed: errno %d", -err);
	bus_sooner(&v->again, mono_add_ms(now, BUS_RETRY_MS));
}

static int watch_front(struct bus *b, struct vif *v)
{
	char front[BUS_DIR_MAX], path[STORE_PATH_MAX], token[16];
	int err;

	if (v->watched)
		return 0;
	bus_path_front(front, v->conf.id);
	bus_path_join(path, front, "state");
	snprintf(token, sizeof(token), "%u/%u", v->conf.id.dom,
		 v->conf.id.handle);
	err = b->store->ops->watch(b->store, path, token);
	if (err == -EEXIST) /* one that could not be ended */
		err = 0;
	if (err)
		bus_note(v->trouble, "no watch: errno %d", -err);
	v->watched = !err;
	return err;
}

static bool same_vif(const struct bus_vif *a, const struct bus_vif *b)
{
	if (memcmp(&a->mac, &b->mac, sizeof(a->mac)) != 0 ||
	    a->addr_n != b->addr_n || a->uplink != b->uplink ||
	    a->mtu != b->mtu || a->rate_bytes != b->rate_bytes ||
	    a->rate_us != b->rate_us)
		return false;
	for (uint8_t i = 0; i < a->addr_n; i++)
		if (!pkt_addr_eq(&a->addr[i], &b->addr[i]))
			return false;
	return true;
}

/*
 * What dom0 says of it.  What was good stays until something good comes.  One
 * that becomes the network domain's, or is not any more, is another vif in all
 * but its number: it goes, and what is there is found by the next scan.
 */
static int learn(struct bus *b, struct vif *v)
{
	struct bus_vif now = { .id = v->conf.id };
	int err;

	if (!(v->mark & BUS_MARK_CONF) && v->told)
		return 0;
	err = bus_read_vif(b->store, &b->conf, &now, v->trouble);
	if (err)
		return v->told ? 0 : err;
	v->trouble[0] = '\0';
	if (v->told && now.uplink != v->conf.uplink) {
		b->scan = true;
		return -ESTALE;
	}
	if (!v->told || !same_vif(&now, &v->conf)) {
		v->conf = now;
		v->told = true;
		b->ops.vif(b->ops.ctx, &v->conf);
	}
	return 0;
}

/* The states of both ends, and whether dom0 still wants it. */
static int read_states(struct bus *b, struct vif *v, bool *online,
		       enum xenbus_state *ours, enum xenbus_state *theirs)
{
	char dir[BUS_DIR_MAX], path[STORE_PATH_MAX];
	uint32_t on;
	int err;

	bus_path_back(dir, v->conf.id);
	err = bus_read_state(b->store, dir, ours);
	if (err)
		return err;
	bus_path_join(path, dir, "online");
	err = store_read_or(b->store, path, 1, 1, &on);
	*online = err || on;
	bus_path_front(dir, v->conf.id);
	err = bus_read_state(b->store, dir, theirs);
	if (!bus_read_is_theirs(err))
		return err;
	*theirs = XENBUS_UNKNOWN;
	return 0;
}

static void note_states(struct vif *v, enum xenbus_state ours,
			enum xenbus_state theirs, struct mono now)
{
	if (v->first)
		v->resume =
			ours >= XENBUS_INIT_WAIT && theirs == XENBUS_CONNECTED;
	else if (ours == XENBUS_INITIALISING && v->ours > ours) {
		/* dom0 made it anew since we looked. */
		v->quarantined = v->broken = false;
		v->strikes = 0;
		v->mark |= BUS_MARK_CONF;
	}
	if (v->ours != ours || v->first)
		v->ours_since = now;
	if (v->theirs != theirs || v->first)
		v->theirs_since = now;
	v->ours = (uint8_t)ours;
	v->theirs = (uint8_t)theirs;
	if (theirs != XENBUS_CONNECTED)
		v->resume = false; /* the next rings are new ones */
	if (theirs == XENBUS_INITIALISING || theirs == XENBUS_CLOSING ||
	    theirs == XENBUS_CLOSED || theirs == XENBUS_UNKNOWN)
		v->broken = false;
}

/*
 * libxl waits for exactly 2, so 4 is not shown before it had time to see it;
 * the rings are in use meanwhile.
 */
static void show_connected(struct bus *b, struct vif *v, struct mono now)
{
	struct mono due = mono_add_ms(v->ours_since, BUS_CONNECTED_MS);

	if (!mono_past(due, now))
		bus_sooner(&v->again, due);
	else
		show(b, v, XENBUS_CONNECTED, NULL, 0, now);
}

static unsigned int decide(struct vif *v, bool online)
{
	bool said =
		v->ours == XENBUS_CONNECTED || v->ours == XENBUS_RECONFIGURED;
	bool waiting = v->ours == XENBUS_INIT_WAIT;
	enum xenbus_state ours = v->ours;

	if (has_rings(v) && !said && !waiting)
		return XENBUS_DISCONNECT; /* dom0 wrote our state */
	if (!online)
		return xenbus_offline_does(ours);
	if (v->quarantined || v->broken)
		return xenbus_closed_does(ours, v->theirs);
	if (said && !has_rings(v) && v->theirs == XENBUS_CONNECTED)
		return v->resume ? XENBUS_CONNECT : XENBUS_SAY_CLOSING;
	return xenbus_backend_does(has_rings(v) ? XENBUS_CONNECTED : ours,
				   v->theirs);
}

static void walk(struct bus *b, struct vif *v, bool online, struct mono now)
{
	unsigned int does = decide(v, online);
	bool showing = v->link == LINK_UP && v->ours == XENBUS_INIT_WAIT;

	if (!online && !does) {
		remove_later(b, v, now);
		return;
	}
	v->remove = (struct mono){ 0 };
	if (showing && !(does & XENBUS_DISCONNECT))
		show_connected(b, v, now);
	else
		act(b, v, does, online, now);
}

void bus_vif_look(struct bus *b, struct vif *v, struct mono now)
{
	enum xenbus_state ours, theirs;
	unsigned int todo = v->todo;
	bool online;
	int err;

	if (v->link == LINK_DROPPING)
		return;
	if (v->gone) {
		forget(b, v);
		return;
	}
	v->again = (struct mono){ 0 };
	v->todo = 0;
	err = read_states(b, v, &online, &ours, &theirs);
	if (err == -ENOENT) {
		v->mark = 0;
		vanished(b, v);
		return;
	}
	if (!err) {
		note_states(v, ours, theirs, now);
		v->first = false;
		err = online ? learn(b, v) : 0;
	}
	if (!err && online)
		err = watch_front(b, v);
	v->mark = 0;
	if (err == -ESTALE) {
		vanished(b, v);
		return;
	}
	if (err) {
		bus_sooner(&v->again, mono_add_ms(now, BUS_RETRY_MS));
		return;
	}
	if (todo && online) /* the rest of the row */
		follow(b, v, todo, now);
	else
		walk(b, v, online, now);
}
