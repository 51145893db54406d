/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/linux/listen.h"
#include "firewall/control/qubes/qubesdb_serve.h"

#define EVENTS 32
/* What a peer leaves unread, or can't be sent, does not wake us again. */
#define PEER (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

static void drop(struct qubesdb_serve *v, uint32_t i)
{
	if (v->place[i].fd >= 0)
		close(v->place[i].fd);
	v->place[i].fd = -1;
}

/* What can be sent; false: it is gone.
 * #syscalls control: sendto recvfrom */
static bool flush(struct qubesdb_peer *p, int fd)
{
	ssize_t n = 1;

	while (p->out_n && n > 0) {
		n = send(fd, p->out, p->out_n, MSG_NOSIGNAL);
		if (n > 0)
			qubesdb_peer_took(p, (size_t)n);
	}
	return n > 0 || errno == EAGAIN || errno == EINTR;
}

/* Whoever has no room for its news goes: it would miss some. */
static void on_changed(void *ctx, const char *path)
{
	struct qubesdb_serve *v = ctx;

	for (uint32_t i = 0; i < QUBESDB_SERVE_PEERS; i++) {
		struct qubesdb_peer *p = v->place[i].peer;

		if (v->place[i].fd < 0 || qubesdb_peer_news(p, path))
			continue;
		if (!flush(p, v->place[i].fd) || !qubesdb_peer_news(p, path))
			drop(v, i);
	}
}

/* ---- beginning and end ----------------------------------------------------*/

static int watch(const struct qubesdb_serve *v, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events };

	return epoll_ctl(v->fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

int qubesdb_serve_open(struct qubesdb_serve *v, const char *path, bool writes,
		       struct source_qubesdb *s)
{
	int err = 0;

	*v = (struct qubesdb_serve){ .listener = -1,
				     .writes = writes,
				     .source = s };
	v->fd = epoll_create1(EPOLL_CLOEXEC);
	if (v->fd < 0)
		err = -errno;
	for (uint32_t i = 0; i < QUBESDB_SERVE_PEERS; i++) {
		v->place[i].fd = -1;
		v->place[i].peer = calloc(1, sizeof(*v->place[i].peer));
		if (!v->place[i].peer)
			err = -ENOMEM;
	}
	if (!err) {
		v->listener = listen_local(path, 0666, 0, QUBESDB_SERVE_PEERS);
		err = v->listener < 0 ? v->listener : 0;
	}
	if (!err) {
		snprintf(v->path, sizeof(v->path), "%s", path);
		err = watch(v, v->listener, EPOLLIN);
	}
	if (err) {
		qubesdb_serve_close(v);
		return err;
	}
	s->changed = on_changed;
	s->changed_ctx = v;
	return 0;
}

/* #syscalls control: close unlink */
void qubesdb_serve_close(struct qubesdb_serve *v)
{
	if (v->source && v->source->changed_ctx == v)
		v->source->changed = NULL;
	for (uint32_t i = 0; v->source && i < QUBESDB_SERVE_PEERS; i++) {
		drop(v, i);
		free(v->place[i].peer);
	}
	if (v->listener >= 0)
		close(v->listener);
	if (v->path[0])
		unlink(v->path);
	if (v->fd >= 0)
		close(v->fd);
	v->fd = v->listener = -1;
	v->source = NULL;
	v->path[0] = '\0';
}

/* ---- peers ----------------------------------------------------------------*/

/* QUBESDB_SERVE_PEERS: there is none. */
static uint32_t find_place(struct qubesdb_serve *v)
{
	uint32_t old = QUBESDB_SERVE_PEERS;

	for (uint32_t i = 0; i < QUBESDB_SERVE_PEERS; i++) {
		if (v->place[i].fd < 0)
			return i;
		if (!v->place[i].peer->watches &&
		    (old == QUBESDB_SERVE_PEERS ||
		     v->place[i].since.ns < v->place[old].since.ns))
			old = i;
	}
	if (old < QUBESDB_SERVE_PEERS)
		drop(v, old);
	return old;
}

/* #syscalls control: accept4 accept epoll_ctl close */
static void take_in(struct qubesdb_serve *v, struct mono now)
{
	int fd;

	for (uint32_t n = 0; n < QUBESDB_SERVE_PEERS; n++) {
		uint32_t i;

		fd = accept4(v->listener, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		i = find_place(v);
		if (i == QUBESDB_SERVE_PEERS || watch(v, fd, PEER)) {
			close(fd);
			continue;
		}
		v->place[i].fd = fd;
		v->place[i].since = now;
		qubesdb_peer_init(v->place[i].peer, v->writes);
	}
}

/* What came; false: it is gone.  *@any: there was some. */
static bool receive(struct qubesdb_peer *p, int fd, bool *any)
{
	ssize_t n;

	*any = false;
	if (p->in_n == sizeof(p->in))
		return true;
	n = recv(fd, p->in + p->in_n, sizeof(p->in) - p->in_n, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	p->in_n += (size_t)n;
	*any = n > 0;
	return n > 0;
}

/* True: there may be more at once. */
static bool work(struct qubesdb_serve *v, uint32_t i, struct mono now)
{
	struct qubesdb_peer *p = v->place[i].peer;
	int fd = v->place[i].fd, more = 0;
	bool any;

	if (!receive(p, fd, &any)) {
		drop(v, i);
		return false;
	}
	if (any)
		v->place[i].since = now;
	more = qubesdb_peer_work(p, v->source);
	/* the news of its own change may have been one too many */
	if (v->place[i].fd < 0)
		return false;
	if (more < 0 || !flush(p, fd)) {
		drop(v, i);
		return false;
	}
	/* else it is an event when it takes more */
	return !p->out_n && (any || more > 0);
}

/* #syscalls control: epoll_wait epoll_pwait */
struct mono qubesdb_serve_work(struct qubesdb_serve *v, struct mono now)
{
	struct mono next = { UINT64_MAX };
	struct epoll_event ev[EVENTS];

	if (v->fd < 0)
		return next;
	(void)!epoll_wait(v->fd, ev, EVENTS, 0);
	take_in(v, now);
	for (uint32_t i = 0; i < QUBESDB_SERVE_PEERS; i++)
		if (v->place[i].fd >= 0 && work(v, i, now))
			next = now;
	return next;
}
