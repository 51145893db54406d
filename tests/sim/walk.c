/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/sim.h"
#include "sim/walk.h"

#define FRONT "device/vif/0"
#define TOKEN_FRONT "front"
#define TOKEN_BACK "back"
#define GONE ((1u << XENBUS_CLOSING) | (1u << XENBUS_CLOSED) | 1u)

static void must(int err, const char *what)
{
	if (err)
		sim_die(-err, "%s", what);
}

static enum xenbus_state state_of(struct walk *w, const char *dir)
{
	enum xenbus_state s;
	int err = bus_read_state(w->store, dir, &s);

	if (err && !bus_read_is_theirs(err))
		sim_die(-err, "%s", dir);
	return err ? XENBUS_UNKNOWN : s;
}

static void let_go(struct walk *w)
{
	if (w->rings)
		w->ops->down();
	w->rings = false;
}

static void watch_back(struct walk *w, bool on)
{
	char path[STORE_PATH_MAX];

	if (!w->back[0])
		return;
	bus_path_join(path, w->back, "state");
	if (on)
		must(w->store->ops->watch(w->store, path, TOKEN_BACK), path);
	else
		(void)w->store->ops->unwatch(w->store, path, TOKEN_BACK);
	if (!on)
		w->back[0] = '\0';
}

static void enter(struct walk *w, enum walk_phase phase)
{
	w->phase = phase;
	w->step = 0;
	w->said = false;
}

static void forget(struct walk *w)
{
	let_go(w);
	watch_back(w, false);
	enter(w, WALK_AWAY);
}

/* dom0 gave it a vif. */
static void meet(struct walk *w)
{
	char why[BUS_TROUBLE];

	if (bus_read_uplink_id(w->store, &w->conf, &w->id, why))
		return;
	bus_path_netvm(w->back, w->id, w->conf.self);
	watch_back(w, true);
	enter(w, WALK_BEGIN);
}

static void leave(struct walk *w)
{
	if (!w->habits->keeps_rings)
		let_go(w);
	enter(w, WALK_END);
}

/* A state of ours; false: dom0 took the vif away meanwhile. */
static bool say(struct walk *w, enum xenbus_state s, const struct bus_key *key,
		size_t n)
{
	int err = bus_say(w->store, FRONT, s, key, n);

	if (err && err != -ENOENT)
		sim_die(-err, FRONT);
	return !err;
}

/* Whether there was a step to make; *@done: that was all of them. */
static bool step(struct walk *w, const struct habit_step *s, bool *done)
{
	*done = w->step == HABIT_STEPS || !s[w->step].until;
	if (*done)
		return true;
	s += w->step;
	if (!w->said && s->say && !say(w, s->say, NULL, 0))
		return false;
	w->said = true;
	if (!(s->until & 1u << state_of(w, w->back)))
		return false;
	w->step++;
	w->said = false;
	return true;
}

static bool offer(struct walk *w)
{
	struct bus_key key[32] = { { 0 } };
	struct bus_uplink u = { .id = w->id };
	const struct habits *h = w->habits;
	char why[BUS_TROUBLE];
	struct walk_keys k;
	size_t n = 0;

	if (bus_read_uplink(w->store, w->back, &u, why))
		return false;
	must(w->ops->connect(&u, &k), "rings");
	w->rings = true;
	key[n++] = (struct bus_key){ "tx-ring-ref", k.tx_ref };
	key[n++] = (struct bus_key){ "rx-ring-ref", k.rx_ref };
	if (h->split) {
		key[n++] = (struct bus_key){ "event-channel-tx", k.tx_evt };
		key[n++] = (struct bus_key){ "event-channel-rx", k.rx_evt };
	} else {
		key[n++] = (struct bus_key){ "event-channel", k.tx_evt };
	}
	vw_assert(n + h->key_n <= sizeof(key) / sizeof(key[0]));
	memcpy(key + n, h->key, h->key_n * sizeof(key[0]));
	if (!say(w, XENBUS_CONNECTED, key, n + h->key_n))
		return false;
	enter(w, WALK_OFFERED);
	return true;
}

static void ended(struct walk *w)
{
	let_go(w);
	enter(w, w->again ? WALK_BEGIN : WALK_OFF);
	w->again = false;
}

/* One thing at most; false: there is nothing to do now. */
static bool advance(struct walk *w)
{
	enum xenbus_state theirs;
	bool done;

	if (walk_stopped(w))
		return false;
	theirs = state_of(w, w->back);
	switch (w->phase) {
	case WALK_AWAY:
	case WALK_OFF:
		break;
	case WALK_BEGIN:
		if (!step(w, w->habits->begin, &done))
			return false;
		return done ? offer(w) : true;
	case WALK_OFFERED:
		if (theirs == XENBUS_CLOSING)
			leave(w);
		else if (theirs != XENBUS_CONNECTED)
			return false;
		else
			w->phase = WALK_UP;
		if (w->phase == WALK_UP)
			w->ops->up();
		return true;
	case WALK_UP:
		if (!(GONE & 1u << theirs))
			return false;
		leave(w);
		return true;
	case WALK_END:
		if (!step(w, w->habits->end, &done))
			return false;
		if (done)
			ended(w);
		return true;
	}
	return false;
}

static void look(struct walk *w)
{
	enum xenbus_state ours = state_of(w, FRONT);
	/* dom0 writes 1, and so does BEGIN */
	bool anew = ours == XENBUS_INITIALISING && w->phase != WALK_BEGIN;

	if (w->phase != WALK_AWAY && (ours == XENBUS_UNKNOWN || anew))
		forget(w);
	if (w->phase == WALK_AWAY && ours != XENBUS_UNKNOWN && !w->stopping)
		meet(w);
	while (advance(w))
		;
}

int walk_open(struct walk *w, struct store *store, uint16_t self,
	      const struct habits *h, const struct walk_ops *ops)
{
	*w = (struct walk){
		.store = store,
		.habits = h,
		.ops = ops,
		.conf = { .self = self },
		.mark = true,
	};
	return store->ops->watch(store, FRONT, TOKEN_FRONT);
}

int walk_events(struct walk *w)
{
	char path[STORE_PATH_MAX], token[STORE_PATH_MAX];
	int got;

	while ((got = w->store->ops->event(w->store, path, token)) == 1)
		w->mark = true;
	return got;
}

struct mono walk_tick(struct walk *w, struct mono now)
{
	if (w->mark) {
		w->mark = false;
		look(w);
	}
	if (!w->stopping || walk_stopped(w))
		return (struct mono){ UINT64_MAX };
	if (mono_past(w->due, now)) {
		let_go(w);
		enter(w, WALK_OFF);
	}
	return w->due;
}

void walk_again(struct walk *w)
{
	w->mark = true;
	if (w->phase == WALK_OFF) {
		enter(w, WALK_BEGIN);
	} else if (w->phase == WALK_UP) {
		w->again = true;
		leave(w);
	}
}

void walk_stop(struct walk *w, struct mono now)
{
	w->mark = w->stopping = true;
	w->again = false;
	w->due = mono_add_ms(now, WALK_PATIENCE_MS);
	if (w->phase == WALK_BEGIN || w->phase == WALK_OFFERED ||
	    w->phase == WALK_UP)
		leave(w);
}

bool walk_stopped(const struct walk *w)
{
	return w->phase == WALK_AWAY || w->phase == WALK_OFF;
}
