/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frontend's walk.  Pages and channels that we granted end with the process
 * that had them, so there is nothing to resume: whatever went wrong, the way
 * back is 5, 6, 1, new keys and 4.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xen/bus/bus_in.h"

#define STEADY_MS 10000u /* up for so long: the next time begins at once */

static void front_dir(const struct bus *b, char out[BUS_DIR_MAX])
{
	snprintf(out, BUS_DIR_MAX, "device/vif/%u", b->conf.uplink_handle);
}

int bus_uplink_watch(struct bus *b)
{
	char dir[BUS_DIR_MAX];

	front_dir(b, dir);
	return b->store->ops->watch(b->store, dir, "uplink");
}

static bool has_rings(const struct uplink *u)
{
	return u->link == LINK_ASKED || u->link == LINK_UP;
}

static void drop_rings(struct bus *b, unsigned int then)
{
	struct uplink *u = &b->up;

	u->link = LINK_DROPPING;
	u->todo = (uint8_t)then;
	u->up = u->keys = false;
	b->ops.uplink_down(b->ops.ctx);
}

static void unwatch_back(struct bus *b)
{
	char path[STORE_PATH_MAX];

	if (!b->up.watched)
		return;
	bus_path_join(path, b->up.back, "state");
	(void)b->store->ops->unwatch(b->store, path, "netvm");
	b->up.watched = false;
}

static int watch_back(struct bus *b)
{
	struct uplink *u = &b->up;
	char path[STORE_PATH_MAX];
	int err;

	if (u->watched)
		return 0;
	bus_path_join(path, u->back, "state");
	err = b->store->ops->watch(b->store, path, "netvm");
	if (err == -EEXIST) /* one that could not be ended */
		err = 0;
	u->watched = !err;
	return err;
}

/* Writes it also when it is the same: that wakes a backend that missed it. */
static bool show(struct bus *b, enum xenbus_state state,
		 const struct bus_key *key, size_t n, struct mono now)
{
	struct uplink *u = &b->up;
	char dir[BUS_DIR_MAX];
	int err;

	front_dir(b, dir);
	err = bus_say(b->store, dir, state, key, n);
	if (err) {
		bus_note(u->trouble, "state %u can't be written: errno %d",
			 state, -err);
		bus_sooner(&u->again, mono_add_ms(now, BUS_RETRY_MS));
		return false;
	}
	u->ours = (uint8_t)state;
	u->ours_since = now;
	u->mark = true;
	return true;
}

/* Begins anew, but not at once each time. */
static void init(struct bus *b, struct mono now)
{
	struct uplink *u = &b->up;

	if (!mono_past(u->not_before, now)) {
		bus_sooner(&u->again, u->not_before);
		return;
	}
	u->backoff_ms = u->backoff_ms ? u->backoff_ms * 2 : BUS_BACKOFF_MS;
	if (u->backoff_ms > BUS_RETRY_MS)
		u->backoff_ms = BUS_RETRY_MS;
	u->not_before = mono_add_ms(now, u->backoff_ms);
	u->ask_after = now;
	show(b, XENBUS_INITIALISING, NULL, 0, now);
}

static void ask_rings(struct bus *b, struct mono now)
{
	struct uplink *u = &b->up;
	int err;

	if (!mono_past(u->ask_after, now)) {
		bus_sooner(&u->again, u->ask_after);
		return;
	}
	u->ask_after = mono_add_ms(now, BUS_RETRY_MS);
	err = bus_read_uplink(b->store, u->back, &u->u, u->trouble);
	if (err)
		return;
	u->trouble[0] = '\0';
	u->link = LINK_ASKED;
	b->ops.uplink(b->ops.ctx, &u->u);
}

/* One row of the table, in its order; the rings are gone already. */
static void follow(struct bus *b, unsigned int does, struct mono now)
{
	struct uplink *u = &b->up;

	if (does & XENBUS_PROTEST)
		bus_note(u->trouble, "the backend shows an impossible state");
	if (does & XENBUS_SAY_CLOSING && !show(b, XENBUS_CLOSING, NULL, 0, now))
		return;
	if (does & XENBUS_SAY_CLOSED && !show(b, XENBUS_CLOSED, NULL, 0, now))
		return;
	if (u->stopping)
		return;
	if (does & XENBUS_SAY_INIT)
		init(b, now);
	if (does & XENBUS_CONNECT)
		ask_rings(b, now);
}

/* The keys of the rings and our 4 at once. */
static void show_keys(struct bus *b, struct mono now)
{
	struct uplink *u = &b->up;
	const struct bus_key key[] = {
		{ "tx-ring-ref", u->tx_ref },
		{ "rx-ring-ref", u->rx_ref },
		{ "event-channel", u->evt },
		{ "request-rx-copy", 1 },
		{ "feature-rx-notify", 1 },
		{ "feature-sg", 1 },
		{ "feature-gso-tcpv4", 1 },
		{ "feature-gso-tcpv6", 1 },
		{ "feature-ipv6-csum-offload", 1 },
	};

	u->keys = !show(b, XENBUS_CONNECTED, key, sizeof(key) / sizeof(key[0]),
			now);
}

static unsigned int decide(const struct uplink *u, struct mono now)
{
	struct mono moved = u->ours_since.ns > u->theirs_since.ns
				    ? u->ours_since
				    : u->theirs_since;
	bool late = mono_past(mono_add_ms(moved, BUS_RETRY_MS), now);
	enum xenbus_state ours = u->ours;
	bool said = ours == XENBUS_CONNECTED || ours == XENBUS_RECONFIGURED;
	bool asking = u->link == LINK_ASKED || u->keys;

	if (u->stopping && has_rings(u))
		return XENBUS_DISCONNECT | XENBUS_SAY_CLOSING;
	if (asking && ours == XENBUS_INITIALISING)
		return u->theirs == XENBUS_INIT_WAIT ? 0 : XENBUS_DISCONNECT;
	if (has_rings(u) && !said)
		return XENBUS_DISCONNECT; /* somebody wrote our state */
	if (said && !has_rings(u))
		return XENBUS_SAY_CLOSING; /* a predecessor's */
	return xenbus_frontend_does(ours, u->theirs, late);
}

static void walk(struct bus *b, struct mono now)
{
	struct uplink *u = &b->up;
	unsigned int does = decide(u, now);

	if (does & XENBUS_DISCONNECT && has_rings(u)) {
		drop_rings(b, does & ~XENBUS_DISCONNECT);
		return;
	}
	if (u->keys)
		show_keys(b, now);
	else
		follow(b, does & ~XENBUS_DISCONNECT, now);
	if (u->link == LINK_UP && !u->up && !u->keys &&
	    (u->theirs == XENBUS_CONNECTED ||
	     u->theirs == XENBUS_RECONFIGURED)) {
		u->up = true;
		u->up_since = now;
		u->trouble[0] = '\0';
		b->ops.uplink_up(b->ops.ctx);
	}
	if (u->up && mono_diff_ms(u->up_since, now) >= STEADY_MS)
		u->backoff_ms = 0;
	bus_sooner(&u->again, mono_add_ms(now, BUS_RETRY_MS));
}

static void pace_anew(struct uplink *u)
{
	u->backoff_ms = 0;
	u->not_before = u->ask_after = (struct mono){ 0 };
}

/* dom0 has not given us one, or took it away; the watch tells when it comes. */
static void absent(struct bus *b)
{
	struct uplink *u = &b->up;

	if (has_rings(u)) {
		drop_rings(b, 0);
		return;
	}
	unwatch_back(b);
	u->ours = u->theirs = XENBUS_UNKNOWN;
	u->stopped = u->stopping;
	pace_anew(u);
}

/* Is it still the same backend's?  It is another one's after a new netvm. */
static int same_back(struct bus *b, bool *same)
{
	struct uplink *u = &b->up;
	struct bus_id id;
	char back[BUS_DIR_MAX];
	int err = bus_read_uplink_id(b->store, &b->conf, &id, u->trouble);

	*same = false;
	if (err)
		return err;
	bus_path_netvm(back, id, b->conf.self);
	*same = !strcmp(back, u->back);
	if (!*same && has_rings(u)) {
		drop_rings(b, 0);
		return 0;
	}
	if (!*same) {
		unwatch_back(b);
		snprintf(u->back, sizeof(u->back), "%s", back);
		u->u.id = id;
		pace_anew(u);
		*same = true;
	}
	return watch_back(b);
}

static void note_states(struct uplink *u, enum xenbus_state ours,
			enum xenbus_state theirs, struct mono now)
{
	if (u->ours != ours)
		u->ours_since = now;
	if (u->theirs != theirs)
		u->theirs_since = now;
	u->ours = (uint8_t)ours;
	u->theirs = (uint8_t)theirs;
	if (u->stopping && !has_rings(u))
		u->stopped = ours != XENBUS_CONNECTED &&
			     ours != XENBUS_RECONFIGURED &&
			     ours != XENBUS_CLOSING;
}

void bus_uplink_look(struct bus *b, struct mono now)
{
	struct uplink *u = &b->up;
	enum xenbus_state ours, theirs;
	unsigned int todo = u->todo;
	char dir[BUS_DIR_MAX];
	bool same = false;
	int err;

	if (u->link == LINK_DROPPING)
		return;
	u->mark = false;
	u->again = (struct mono){ 0 };
	u->todo = 0;
	front_dir(b, dir);
	err = bus_read_state(b->store, dir, &ours);
	if (err == -ENOENT) {
		absent(b);
		return;
	}
	if (!err)
		err = same_back(b, &same);
	if (!err && same)
		err = bus_read_state(b->store, u->back, &theirs);
	if (same && bus_read_is_theirs(err)) {
		theirs = XENBUS_UNKNOWN;
		err = 0;
	}
	if (err)
		bus_sooner(&u->again, mono_add_ms(now, BUS_RETRY_MS));
	if (err || !same)
		return;
	note_states(u, ours, theirs, now);
	if (u->stopped)
		return;
	if (todo)
		follow(b, todo, now);
	else
		walk(b, now);
}

void bus_uplink_row(const struct bus *b, struct bus_row *out, struct mono now)
{
	const struct uplink *u = &b->up;

	*out = (struct bus_row){
		.frontend = true,
		.vif = { .id = u->u.id,
			 .mac = u->u.mac,
			 .mtu = u->u.mtu,
			 .addr_n = u->u.addr_n },
		.rings = { .id = u->u.id,
			   .tx_ref = u->tx_ref,
			   .rx_ref = u->rx_ref,
			   .tx_evt = u->evt,
			   .rx_evt = u->evt,
			   .can = u->u.can },
		.ours = u->ours,
		.theirs = u->theirs,
		.ours_ms = mono_diff_ms(u->ours_since, now),
		.theirs_ms = mono_diff_ms(u->theirs_since, now),
		.connected = u->up,
	};
	memcpy(out->vif.addr, u->u.addr, sizeof(u->u.addr));
	memcpy(out->trouble, u->trouble, sizeof(u->trouble));
}
