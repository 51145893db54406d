/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread behind channels over libxenvchan: it brings both ends together by
 * way of the XenStore, and does everything else that may have to wait.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xen/qubes/chan_part.h"

#define EVENTS_MAX 64u /* of the store, taken at a time */
#define POLL_MS 20     /* of a store without a descriptor */
#define PARENT "data/vchan/%u"
#define NEVER ((struct mono){ UINT64_MAX })

static void finish(struct vchan *v, enum vchan_step step)
{
	vchan_put(&v->step, step);
	vchan_poke(v->news);
}

/* What was not there at first can't go: a XenStore may say no of everybody. */
static void met(struct vchan *v)
{
	struct vchan_lib *lib = v->net->lib;

	v->seen = v->end && lib->there(lib, v->domid);
	finish(v, v->end ? VCHAN_MET : VCHAN_FAILED);
}

static struct vchan *first(struct vchan_net *n)
{
	struct vchan *v;

	pthread_mutex_lock(&n->lock);
	v = n->list;
	pthread_mutex_unlock(&n->lock);
	return v;
}

static struct vchan *after(struct vchan *v)
{
	struct vchan *next;

	pthread_mutex_lock(&v->net->lock);
	next = v->next;
	pthread_mutex_unlock(&v->net->lock);
	return next;
}

/* ---- the server's keys ------------------------------------------------------
 */

static void own_path(const struct vchan *v, char out[STORE_PATH_MAX])
{
	snprintf(out, STORE_PATH_MAX, PARENT "/%u", v->domid, v->port);
}

/* The library writes them; nobody waits on another port of that client's. */
static void remove_keys(struct vchan *v)
{
	struct store *s = v->net->store;
	char path[STORE_PATH_MAX], names[STORE_VALUE_MAX];

	if (!v->keys)
		return;
	v->keys = false;
	own_path(v, path);
	(void)s->ops->rm(s, STORE_NONE, path);
	snprintf(path, sizeof(path), PARENT, v->domid);
	if (s->ops->list(s, STORE_NONE, path, names, sizeof(names)) == 0)
		(void)s->ops->rm(s, STORE_NONE, path);
}

/*
 * Keys that an earlier life of ours left would be taken for ours; and one of
 * ours that is replaced must not take the new keys away when it ends.
 */
static void serve(struct vchan *v)
{
	struct vchan_lib *lib = v->net->lib;
	char path[STORE_PATH_MAX];

	for (struct vchan *o = first(v->net); o; o = after(o))
		if (o->server && o->domid == v->domid && o->port == v->port)
			o->keys = false;
	v->keys = true;
	remove_keys(v);
	own_path(v, path);
	v->end = lib->serve(lib, v->domid, path, v->read_min, v->write_min);
	v->keys = v->end;
	met(v);
}

/* ---- the client's wait ------------------------------------------------------
 */

static void their_path(const struct vchan *v, const char *tail,
		       char out[STORE_PATH_MAX])
{
	snprintf(out, STORE_PATH_MAX, "/local/domain/%u/" PARENT "/%u%s",
		 v->domid, v->net->self, v->port, tail);
}

/* The directory may not be looked at: the key alone is watched. */
static void ask(struct vchan *v)
{
	struct store *s = v->net->store;
	char key[STORE_PATH_MAX];
	int err;

	their_path(v, "/event-channel", key);
	err = s->ops->watch(s, key, key);
	if (err && err != -EEXIST)
		finish(v, VCHAN_FAILED);
	else
		vchan_put(&v->step, VCHAN_MEETING);
}

/* Does another one of ours wait for the same? */
static bool shared(struct vchan *v)
{
	for (struct vchan *o = first(v->net); o; o = after(o))
		if (o != v && !o->server && o->domid == v->domid &&
		    o->port == v->port && o->step == VCHAN_MEETING)
			return true;
	return false;
}

static void stop_asking(struct vchan *v)
{
	struct store *s = v->net->store;
	char key[STORE_PATH_MAX];

	their_path(v, "/event-channel", key);
	if (!shared(v))
		(void)s->ops->unwatch(s, key, key);
}

/*
 * A key without a server behind it is waited out: it is removed, or another
 * one replaces it, and either is an event.
 */
static void try_connect(struct vchan *v)
{
	struct vchan_lib *lib = v->net->lib;
	char path[STORE_PATH_MAX];
	uint32_t port;

	their_path(v, "/event-channel", path);
	if (store_read_u32(v->net->store, path, UINT32_MAX, &port))
		return;
	their_path(v, "", path);
	v->end = lib->connect(lib, v->domid, path);
	if (!v->end)
		return;
	stop_asking(v);
	met(v);
}

/* ---- all of them ------------------------------------------------------------
 */

static void take_out(struct vchan *v)
{
	struct vchan_net *n = v->net;
	struct vchan **at;

	pthread_mutex_lock(&n->lock);
	for (at = &n->list; *at != v; at = &(*at)->next)
		;
	*at = v->next;
	pthread_mutex_unlock(&n->lock);
}

static void end(struct vchan *v)
{
	take_out(v);
	if (v->step == VCHAN_MEETING)
		stop_asking(v);
	remove_keys(v);
	if (v->end)
		v->net->lib->end(v->net->lib, v->end);
	close(v->news);
	free(v);
}

static void look_after(struct vchan *v, bool check)
{
	struct vchan_lib *lib = v->net->lib;

	if (v->step == VCHAN_ASKED && v->server)
		serve(v);
	else if (v->step == VCHAN_ASKED)
		ask(v);
	if (v->step == VCHAN_MEETING && !v->looked)
		try_connect(v);
	v->looked = true;
	if (vchan_get(&v->connected) && !vchan_get(&v->apart)) {
		remove_keys(v);
		vchan_put(&v->apart, true);
		vchan_poke(v->news);
	}
	if (check && v->step == VCHAN_MET && v->seen && !v->alone &&
	    vchan_get(&v->connected) == v->server &&
	    !lib->there(lib, v->domid)) {
		vchan_put(&v->alone, true);
		vchan_poke(v->news);
	}
}

/* True: one is there whose other end may die in silence. */
static bool look_at_all(struct vchan_net *n, bool check)
{
	struct vchan *next;
	bool met = false;

	for (struct vchan *v = first(n); v; v = next) {
		next = after(v);
		if (vchan_get(&v->closed)) {
			end(v);
			continue;
		}
		look_after(v, check);
		met = met || v->step == VCHAN_MET;
	}
	return met;
}

/* Keys have names that are long enough to be looked at one by one. */
static void take_events(struct vchan_net *n)
{
	char path[STORE_PATH_MAX], token[STORE_PATH_MAX], key[STORE_PATH_MAX];

	for (uint32_t i = 0; i < EVENTS_MAX; i++) {
		if (n->store->ops->event(n->store, path, token) <= 0)
			return;
		for (struct vchan *v = first(n); v; v = after(v)) {
			their_path(v, "/event-channel", key);
			if (!strcmp(token, key))
				v->looked = false;
		}
	}
}

/* #syscalls control: poll ppoll read */
static void sleep_until(struct vchan_net *n, struct mono due)
{
	struct pollfd p[] = { { .fd = n->wake, .events = POLLIN },
			      { .fd = n->store->fd, .events = POLLIN } };
	uint64_t ms = mono_diff_ms(thread_now(), due) + 1, times;

	if (n->store->fd < 0 && ms > POLL_MS)
		ms = POLL_MS;
	if (poll(p, 2, ms > INT_MAX ? -1 : (int)ms) > 0 && p[0].revents)
		(void)!read(n->wake, &times, sizeof(times));
}

void *vchan_meet(void *net)
{
	struct vchan_net *n = net;
	struct mono due = { 0 };

	/* domains are looked for by the clock, however often we are woken */
	while (!vchan_get(&n->stop)) {
		bool check = mono_past(due, thread_now()), any;

		if (check)
			due = mono_add_ms(thread_now(), CHAN_VCHAN_ALIVE_MS);
		take_events(n);
		any = look_at_all(n, check);
		if (!vchan_get(&n->stop))
			sleep_until(n, any ? due : NEVER);
	}
	(void)look_at_all(n, false);
	vchan_poke(n->over);
	return NULL;
}
