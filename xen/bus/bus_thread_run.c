/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread's side: what the bus says, what it is told, its store and life. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xen/bus/bus_thread_in.h"

/* ---- the thread: what the bus says ----------------------------------------*/

/*
 * Waits for the owner to listen when much was said.
 * #syscalls control: sendto
 */
static void say(struct bus_thread *t, enum word_type type, size_t len)
{
	const size_t size = offsetof(struct word, u) + len;

	t->out.type = type;
	while (send(t->sock[1], &t->out, size, MSG_NOSIGNAL) < 0 &&
	       errno == EINTR)
		;
}

static void say_id(struct bus_thread *t, enum word_type type, struct bus_id id)
{
	t->out.u.id = id;
	say(t, type, sizeof(id));
}

static void on_vif(void *ctx, const struct bus_vif *v)
{
	struct bus_thread *t = ctx;

	t->out.u.vif = *v;
	say(t, WORD_VIF, sizeof(*v));
}

static void on_connect(void *ctx, const struct bus_rings *r)
{
	struct bus_thread *t = ctx;

	t->out.u.rings = *r;
	say(t, WORD_CONNECT, sizeof(*r));
}

static void on_disconnect(void *ctx, struct bus_id id)
{
	say_id(ctx, WORD_DISCONNECT, id);
}

static void on_gone(void *ctx, struct bus_id id)
{
	say_id(ctx, WORD_GONE, id);
}

static void on_uplink(void *ctx, const struct bus_uplink *u)
{
	struct bus_thread *t = ctx;

	t->out.u.uplink = *u;
	say(t, WORD_UPLINK, sizeof(*u));
}

static void on_uplink_down(void *ctx)
{
	say(ctx, WORD_UPLINK_DOWN, 0);
}

static void on_uplink_up(void *ctx)
{
	say(ctx, WORD_UPLINK_UP, 0);
}

static void on_key(void *ctx, const char *path, const char *value, size_t len)
{
	struct bus_thread *t = ctx;
	struct word_key *k = &t->out.u.key;
	size_t path_len = strnlen(path, sizeof(k->path) - 1);

	vw_assert(len <= BUS_KEY_VALUE);
	k->removed = !value;
	k->len = (uint32_t)len;
	memcpy(k->path, path, path_len);
	k->path[path_len] = '\0';
	if (value)
		memcpy(k->value, value, len);
	k->value[len] = '\0';
	say(t, WORD_KEY, offsetof(struct word_key, value) + len + 1);
}

/* ---- the thread: what it is told ------------------------------------------*/

static void pass_on(struct bus *b, const struct bus_tell *w)
{
	switch ((enum bus_tell_type)w->type) {
	case BUS_TELL_CONNECTED:
		bus_connected(b, w->id, w->err);
		break;
	case BUS_TELL_DISCONNECTED:
		bus_disconnected(b, w->id);
		break;
	case BUS_TELL_BROKEN:
		bus_broken(b, w->id);
		break;
	case BUS_TELL_QUARANTINE:
		bus_quarantine(b, w->id);
		break;
	case BUS_TELL_UPLINK_KEYS:
		bus_uplink_keys(b, w->err, w->tx_ref, w->rx_ref, w->evt);
		break;
	case BUS_TELL_UPLINK_RELEASED:
		bus_uplink_released(b);
		break;
	case BUS_TELL_UPLINK_BROKEN:
		bus_uplink_broken(b);
		break;
	}
}

static void obey(struct bus_thread *t, const struct ask *a)
{
	switch ((enum ask_type)a->type) {
	case ASK_TELL:
		if (t->bus)
			pass_on(t->bus, &a->tell);
		break;
	case ASK_RESUME:
		t->out.u.serial = a->serial;
		say(t, WORD_RESUMED, sizeof(a->serial));
		if (t->bus)
			bus_resume(t->bus);
		break;
	case ASK_STOP:
		t->stopping = true;
		if (t->bus)
			bus_stop(t->bus);
		break;
	}
}

static bool next_ask(struct bus_thread *t, struct ask *out)
{
	bool is;

	pthread_mutex_lock(&t->lock);
	is = t->n;
	if (is) {
		*out = t->ask[t->at];
		t->at = (t->at + 1) % ASKS;
		t->n--;
	}
	pthread_mutex_unlock(&t->lock);
	return is;
}

/* ---- the thread: its life -------------------------------------------------*/

static void publish(struct bus_thread *t, struct mono now)
{
	uint32_t cursor = 0;

	if (!t->bus)
		return;
	pthread_mutex_lock(&t->lock);
	t->rows_at = now;
	t->rows_n = bus_rows(t->bus, &cursor, t->rows, BUS_VIFS + 1, now);
	memcpy(t->trouble, bus_trouble(t->bus), sizeof(t->trouble));
	pthread_mutex_unlock(&t->lock);
}

static void set_lost(struct bus_thread *t, int err)
{
	__atomic_store_n(&t->lost, err, __ATOMIC_RELAXED);
	say(t, WORD_STORE, 0);
}

static void lose(struct bus_thread *t, int err, struct mono now)
{
	t->pause_ms = BUS_THREAD_AGAIN_MS;
	t->again_at = mono_add_ms(now, t->pause_ms);
	set_lost(t, err);
}

static void close_store(struct bus_thread *t)
{
	if (t->store)
		t->store->ops->close(t->store);
	t->store = NULL;
}

static int take_up(struct bus_thread *t, uint16_t self)
{
	const struct bus_ops ops = bus_thread_ops(t);

	if (t->bus)
		return bus_reopen(t->bus, t->store, self);
	t->conf.self = self;
	t->bus = bus_new(t->store, &t->conf, &ops);
	return t->bus ? 0 : -EIO;
}

/*
 * After a loss the first try is a moment later: by then the old one is at rest.
 * That the very first one failed is told, too: somebody waits for it.
 */
static void open_it(struct bus_thread *t, struct mono now)
{
	uint16_t self = t->conf.self;
	int err = 0;

	close_store(t);
	t->store = t->opener.open(t->opener.ctx, &self, &err);
	if (t->store)
		err = take_up(t, self);
	if (!err || t->lost == -EINPROGRESS)
		set_lost(t, err);
	if (!err)
		return;
	close_store(t);
	t->pause_ms *= 2;
	if (t->pause_ms < BUS_THREAD_AGAIN_MS)
		t->pause_ms = BUS_THREAD_AGAIN_MS;
	if (t->pause_ms > BUS_THREAD_AGAIN_MAX_MS)
		t->pause_ms = BUS_THREAD_AGAIN_MAX_MS;
	t->again_at = mono_add_ms(now, t->pause_ms);
}

/*
 * A connection over a socket may end without a word: it shows with the next
 * call, and without an uplink there may be none for any time.
 */
static int ask(struct bus_thread *t, struct mono now)
{
	if (!mono_past(t->ask_at, now))
		return 0;
	t->ask_at = mono_add_ms(now, BUS_THREAD_ASK_MS);
	return bus_ask(t->bus);
}

/* One look at everything; returns when the next one is due. */
static struct mono look(struct bus_thread *t)
{
	struct mono now = thread_now(), next = now;
	int err;

	if (t->lost && !mono_past(t->again_at, now))
		return t->again_at;
	__atomic_store_n(&t->busy_ns, now.ns, __ATOMIC_RELAXED);
	if (t->lost)
		open_it(t, now);
	if (!t->lost) {
		err = ask(t, now);
		if (!err)
			err = bus_events(t->bus, now);
		if (err)
			lose(t, err, now);
		else
			next = bus_tick(t->bus, now);
		if (t->ask_at.ns < next.ns)
			next = t->ask_at;
	}
	__atomic_store_n(&t->busy_ns, 0, __ATOMIC_RELAXED);
	publish(t, thread_now());
	return t->lost ? t->again_at : next;
}

/* #syscalls control: poll ppoll read */
static void sleep_until(struct bus_thread *t, struct mono until)
{
	struct pollfd p[] = { { .fd = t->wake, .events = POLLIN },
			      { .fd = t->lost ? -1 : t->store->fd,
				.events = POLLIN } };
	struct mono now = thread_now();
	uint64_t ms = 60000, asked;

	if (!t->lost && t->store->fd < 0)
		ms = BUS_THREAD_POLL_MS;
	if (mono_past(until, now))
		return;
	/* rounded up: a millisecond late is better than many looks */
	if ((until.ns - now.ns) / MONO_MS < ms)
		ms = (until.ns - now.ns) / MONO_MS + 1;
	if (poll(p, 2, (int)ms) > 0 && p[0].revents)
		(void)!read(t->wake, &asked, sizeof(asked));
}

void *bus_thread_run(void *arg)
{
	struct bus_thread *t = arg;
	struct mono next;
	struct ask a;

	for (;;) {
		while (next_ask(t, &a))
			obey(t, &a);
		next = look(t);
		if (t->stopping && (t->lost || bus_stopped(t->bus)))
			break;
		sleep_until(t, next);
	}
	say(t, WORD_OVER, 0);
	return NULL;
}

struct bus_ops bus_thread_ops(struct bus_thread *t)
{
	return (struct bus_ops){
		.vif = on_vif,
		.connect = on_connect,
		.disconnect = on_disconnect,
		.gone = on_gone,
		.uplink = on_uplink,
		.uplink_down = on_uplink_down,
		.uplink_up = on_uplink_up,
		.key = on_key,
		.ctx = t,
	};
}
