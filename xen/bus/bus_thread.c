/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The owner's side: it starts and ends the thread, hears and tells. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xen/bus/bus_thread_in.h"

#define WORDS 64u /* told by one bus_thread_receive() */

static int make(struct bus_thread *t)
{
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, t->sock))
		return -errno;
	return thread_start(&t->thread, bus_thread_run, t);
}

/* Nothing is said before it; so there is nothing else to hear. */
static int first_answer(const struct bus_thread *t, uint32_t ms)
{
	struct mono end = mono_add_ms(thread_now(), ms);
	int lost;

	while ((lost = bus_thread_lost(t)) == -EINPROGRESS) {
		struct pollfd p = { .fd = t->sock[0], .events = POLLIN };
		uint64_t left = mono_diff_ms(thread_now(), end);

		if (!left || (poll(&p, 1, (int)left) < 0 && errno != EINTR))
			return 0; /* not yet */
	}
	return lost;
}

struct bus_thread *bus_thread_start(const struct bus_opener *opener,
				    const struct bus_conf *c, uint32_t ms,
				    int *err)
{
	static const struct bus_ops nobody;
	struct bus_thread *t = calloc(1, sizeof(*t));

	if (!t) {
		*err = -ENOMEM;
		return NULL;
	}
	t->wake = t->sock[0] = t->sock[1] = -1;
	t->opener = *opener;
	t->conf = *c;
	t->lost = -EINPROGRESS;
	pthread_mutex_init(&t->lock, NULL);
	*err = make(t);
	if (*err) {
		bus_thread_free(t);
		return NULL;
	}
	*err = first_answer(t, ms);
	if (!*err)
		return t;
	/* it sleeps until it may try again */
	if (bus_thread_stop(t, &nobody, BUS_THREAD_STUCK_MS))
		bus_thread_free(t);
	return NULL;
}

void bus_thread_free(struct bus_thread *t)
{
	if (t->bus)
		bus_free(t->bus);
	if (t->store)
		t->store->ops->close(t->store);
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
	case WORD_STORE:
		break; /* the owner is awake, and will look */
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

	return since ? mono_diff_ms((struct mono){ since }, thread_now()) : 0;
}

int bus_thread_lost(const struct bus_thread *t)
{
	return __atomic_load_n(&t->lost, __ATOMIC_RELAXED);
}

uint32_t bus_thread_rows(struct bus_thread *t, uint32_t *cursor,
			 struct bus_row *out, uint32_t max)
{
	struct mono now = thread_now();
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
	struct mono end = mono_add_ms(thread_now(), ms);

	ask(t, &(struct ask){ .type = ASK_STOP });
	while (!t->over) {
		struct pollfd p = { .fd = t->sock[0], .events = POLLIN };
		uint64_t left = mono_diff_ms(thread_now(), end);

		if (!left || poll(&p, 1, (int)left) < 0)
			return false;
		bus_thread_receive(t, ops);
	}
	pthread_join(t->thread, NULL);
	return true;
}
