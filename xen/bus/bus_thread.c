/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "xen/bus/bus_thread.h"

#define STACK (256u * 1024)
#define WORDS 64u /* told by one bus_thread_receive() */
/* Answers to one question of each vif, and news of it that come once. */
#define ASKS (4u * (BUS_VIFS + 1))

/* What the bus says; a record of the socket, cut behind what its type has. */
enum word_type {
	WORD_VIF,
	WORD_CONNECT,
	WORD_DISCONNECT,
	WORD_GONE,
	WORD_UPLINK,
	WORD_UPLINK_DOWN,
	WORD_UPLINK_UP,
	WORD_KEY,
	WORD_RESUMED,
	WORD_OVER, /* the thread ends */
};

struct word_key {
	bool removed;
	uint32_t len;
	char path[2 * BUS_KEY_PATH];
	char value[BUS_KEY_VALUE + 1];
};

struct word {
	uint32_t type;
	union {
		struct bus_vif vif;
		struct bus_rings rings;
		struct bus_id id;
		struct bus_uplink uplink;
		struct word_key key;
		uint32_t serial;
	} u;
};

/* What the owner says. */
enum ask_type { ASK_TELL, ASK_RESUME, ASK_STOP };

struct ask {
	uint8_t type;
	uint32_t serial; /* ASK_RESUME */
	struct bus_tell tell;
};

struct bus_thread {
	struct store *store;
	struct bus *bus; /* the thread's, once it runs */
	pthread_t thread;
	int sock[2];	  /* the owner's end, the thread's */
	int wake;	  /* the thread's sleep ends */
	uint64_t busy_ns; /* in the store since; 0: not.  Atomic. */
	int lost;	  /* atomic */

	/* the owner's */
	uint32_t serial; /* of its last resume */
	uint32_t heard;	 /* of the last one that the bus confirmed */
	bool over;
	struct word in;

	/* the thread's */
	bool stopping;
	struct word out;

	pthread_mutex_t lock; /* of all below */
	uint32_t at, n;
	struct ask ask[ASKS]; /* a ring */
	struct mono rows_at;
	uint32_t rows_n;
	struct bus_row rows[BUS_VIFS + 1];
	char trouble[BUS_TROUBLE];
};

static struct mono clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct mono){ (uint64_t)t.tv_sec * MONO_S +
			      (uint64_t)t.tv_nsec };
}

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
		pass_on(t->bus, &a->tell);
		break;
	case ASK_RESUME:
		t->out.u.serial = a->serial;
		say(t, WORD_RESUMED, sizeof(a->serial));
		bus_resume(t->bus);
		break;
	case ASK_STOP:
		t->stopping = true;
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

	pthread_mutex_lock(&t->lock);
	t->rows_at = now;
	t->rows_n = bus_rows(t->bus, &cursor, t->rows, BUS_VIFS + 1, now);
	memcpy(t->trouble, bus_trouble(t->bus), sizeof(t->trouble));
	pthread_mutex_unlock(&t->lock);
}

/* One look at everything; returns when the next one is due. */
static struct mono look(struct bus_thread *t)
{
	struct mono now = clock_now(), next = { UINT64_MAX };
	int err;

	if (t->lost)
		return next;
	__atomic_store_n(&t->busy_ns, now.ns, __ATOMIC_RELAXED);
	err = bus_events(t->bus, now);
	if (err)
		__atomic_store_n(&t->lost, err, __ATOMIC_RELAXED);
	else
		next = bus_tick(t->bus, now);
	__atomic_store_n(&t->busy_ns, 0, __ATOMIC_RELAXED);
	publish(t, clock_now());
	return next;
}

/* #syscalls control: poll ppoll read */
static void sleep_until(struct bus_thread *t, struct mono until)
{
	struct pollfd p[] = { { .fd = t->wake, .events = POLLIN },
			      { .fd = t->lost ? -1 : t->store->fd,
				.events = POLLIN } };
	struct mono now = clock_now();
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

/* #syscalls control: exit madvise */
static void *run(void *arg)
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

static int make(struct bus_thread *t, struct store *store,
		const struct bus_conf *c)
{
	const struct bus_ops ops = {
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

	t->store = store;
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, t->sock))
		return -errno;
	t->bus = bus_new(store, c, &ops);
	return t->bus ? 0 : -EIO;
}

/*
 * What it needs later on, the store's own thread with it, and what both do
 * first of all, which may be after the owner was locked in.
 * #syscalls control: futex mprotect/noexec rt_sigaction rt_sigprocmask
 * #syscalls control: rseq set_robust_list sched_getaffinity
 */
static int start(struct bus_thread *t)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&t->thread, &attr, run, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

struct bus_thread *bus_thread_start(struct store *store,
				    const struct bus_conf *c, int *err)
{
	struct bus_thread *t = calloc(1, sizeof(*t));

	if (!t) {
		*err = -ENOMEM;
		return NULL;
	}
	t->wake = t->sock[0] = t->sock[1] = -1;
	pthread_mutex_init(&t->lock, NULL);
	*err = make(t, store, c);
	if (!*err)
		*err = start(t);
	if (!*err)
		return t;
	bus_thread_free(t);
	return NULL;
}

void bus_thread_free(struct bus_thread *t)
{
	if (t->bus)
		bus_free(t->bus);
	if (t->wake >= 0)
		close(t->wake);
	for (int i = 0; i < 2; i++)
		if (t->sock[i] >= 0)
			close(t->sock[i]);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* ---- the owner ------------------------------------------------------------*/

int bus_thread_fd(const struct bus_thread *t)
{
	return t->sock[0];
}

/* Is it about rings that a resume may have made meaningless? */
static bool is_about_rings(uint32_t type)
{
	return type == WORD_CONNECT || type == WORD_DISCONNECT ||
	       type == WORD_UPLINK || type == WORD_UPLINK_DOWN ||
	       type == WORD_UPLINK_UP;
}

static void hear(struct bus_thread *t, const struct bus_ops *ops)
{
	const struct word *w = &t->in;
	const struct word_key *k = &w->u.key;

	if (is_about_rings(w->type) && t->heard != t->serial)
		return;
	switch ((enum word_type)w->type) {
	case WORD_VIF:
		ops->vif(ops->ctx, &w->u.vif);
		break;
	case WORD_CONNECT:
		ops->connect(ops->ctx, &w->u.rings);
		break;
	case WORD_DISCONNECT:
		ops->disconnect(ops->ctx, w->u.id);
		break;
	case WORD_GONE:
		ops->gone(ops->ctx, w->u.id);
		break;
	case WORD_UPLINK:
		ops->uplink(ops->ctx, &w->u.uplink);
		break;
	case WORD_UPLINK_DOWN:
		ops->uplink_down(ops->ctx);
		break;
	case WORD_UPLINK_UP:
		ops->uplink_up(ops->ctx);
		break;
	case WORD_KEY:
		ops->key(ops->ctx, k->path, k->removed ? NULL : k->value,
			 k->len);
		break;
	case WORD_RESUMED:
		t->heard = w->u.serial;
		break;
	case WORD_OVER:
		t->over = true;
		break;
	}
}

/* #syscalls control: recvfrom */
void bus_thread_receive(struct bus_thread *t, const struct bus_ops *ops)
{
	for (uint32_t i = 0; i < WORDS; i++) {
		if (recv(t->sock[0], &t->in, sizeof(t->in), MSG_DONTWAIT) <= 0)
			return;
		hear(t, ops);
	}
}

/* #syscalls control: write */
static void ask(struct bus_thread *t, const struct ask *a)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&t->lock);
	vw_assert(t->n < ASKS);
	t->ask[(t->at + t->n++) % ASKS] = *a;
	pthread_mutex_unlock(&t->lock);
	(void)!write(t->wake, &one, sizeof(one));
}

void bus_thread_tell(struct bus_thread *t, const struct bus_tell *what)
{
	ask(t, &(struct ask){ .type = ASK_TELL, .tell = *what });
}

/*
 * One that waits still is as good as two; so however often the other process
 * dies while the XenStore is stuck, the ring does not fill.
 */
static bool resume_waits(struct bus_thread *t)
{
	struct ask *last;
	bool waits;

	pthread_mutex_lock(&t->lock);
	last = t->n ? &t->ask[(t->at + t->n - 1) % ASKS] : NULL;
	waits = last && last->type == ASK_RESUME;
	if (waits)
		last->serial = t->serial;
	pthread_mutex_unlock(&t->lock);
	return waits;
}

void bus_thread_resume(struct bus_thread *t)
{
	t->serial++;
	if (!resume_waits(t))
		ask(t,
		    &(struct ask){ .type = ASK_RESUME, .serial = t->serial });
}

uint64_t bus_thread_stuck_ms(const struct bus_thread *t)
{
	uint64_t since = __atomic_load_n(&t->busy_ns, __ATOMIC_RELAXED);

	return since ? mono_diff_ms((struct mono){ since }, clock_now()) : 0;
}

int bus_thread_lost(const struct bus_thread *t)
{
	return __atomic_load_n(&t->lost, __ATOMIC_RELAXED);
}

uint32_t bus_thread_rows(struct bus_thread *t, uint32_t *cursor,
			 struct bus_row *out, uint32_t max)
{
	struct mono now = clock_now();
	uint32_t n = 0;

	pthread_mutex_lock(&t->lock);
	for (; n < max && *cursor < t->rows_n; n++) {
		uint64_t more = mono_diff_ms(t->rows_at, now);

		out[n] = t->rows[(*cursor)++];
		out[n].ours_ms += more;
		out[n].theirs_ms += more;
	}
	pthread_mutex_unlock(&t->lock);
	return n;
}

void bus_thread_trouble(struct bus_thread *t, char out[BUS_TROUBLE])
{
	pthread_mutex_lock(&t->lock);
	memcpy(out, t->trouble, sizeof(t->trouble));
	pthread_mutex_unlock(&t->lock);
}

bool bus_thread_stop(struct bus_thread *t, const struct bus_ops *ops,
		     uint32_t ms)
{
	struct mono end = mono_add_ms(clock_now(), ms);

	ask(t, &(struct ask){ .type = ASK_STOP });
	while (!t->over) {
		struct pollfd p = { .fd = t->sock[0], .events = POLLIN };
		uint64_t left = mono_diff_ms(clock_now(), end);

		if (!left || poll(&p, 1, (int)left) < 0)
			return false;
		bus_thread_receive(t, ops);
	}
	pthread_join(t->thread, NULL);
	return true;
}
