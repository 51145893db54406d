/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "packet/pkt_time.h"
#include "xen/qubes/chan_unix.h"

#define NAME_MAX_LEN sizeof("/vchan.65535.65535.4294967295.sock")
static_assert(CHAN_UNIX_DIR_MAX - 1 + NAME_MAX_LEN <=
		      sizeof(((struct sockaddr_un *)0)->sun_path),
	      "the longest name fits");

struct unix_net {
	struct chan_net net;
	uint16_t self;
	bool at; /* dir is the one socket that there is */
	char dir[CHAN_UNIX_DIR_MAX];
};

/*
 * The channel's descriptor is an epoll: what is behind it changes while it
 * stays.  The stream is watched for edges, so what its owner leaves unread does
 * not wake it again.
 */
struct unix_chan {
	struct chan chan;
	enum chan_state state;
	int sock;     /* the stream; -1 before it is there */
	int way;      /* what leads to it: a listener or a timer; -1: none */
	bool listens; /* ... and the name is ours to remove */
	struct sockaddr_un at;
};

static struct unix_chan *unix_of(struct chan *c)
{
	return (struct unix_chan *)c;
}

static int watch(struct unix_chan *u, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events };

	return epoll_ctl(u->chan.fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static void end_way(struct unix_chan *u)
{
	if (u->way >= 0)
		close(u->way);
	u->way = -1;
	if (u->listens)
		unlink(u->at.sun_path);
	u->listens = false;
}

static void is_open(struct unix_chan *u, int sock)
{
	end_way(u);
	u->sock = sock;
	u->state = CHAN_OPEN;
	if (watch(u, sock, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET))
		u->state = CHAN_GONE;
}

/* #syscalls control: accept4 accept close unlink */
static void take_peer(struct unix_chan *u)
{
	int sock = accept4(u->way, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (sock >= 0) {
		is_open(u, sock);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		end_way(u);
		u->state = CHAN_GONE;
	}
}

/* Whoever listens takes us at once; else it is tried again.
 * #syscalls control: socket/AF_UNIX connect close read */
static void try_connect(struct unix_chan *u)
{
	int sock =
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	uint64_t ticks;

	(void)!read(u->way, &ticks, sizeof(ticks));
	if (sock < 0)
		return;
	if (connect(sock, (struct sockaddr *)&u->at, sizeof(u->at)))
		close(sock);
	else
		is_open(u, sock);
}

/* #syscalls control: epoll_wait epoll_pwait */
static enum chan_state unix_event(struct chan *c)
{
	struct unix_chan *u = unix_of(c);
	struct epoll_event ev;
	bool any = epoll_wait(c->fd, &ev, 1, 0) > 0;

	if (u->state == CHAN_OPEN && any && ev.events & (EPOLLRDHUP | EPOLLHUP))
		u->state = CHAN_GONE;
	else if (u->state == CHAN_WAITING && any && u->listens)
		take_peer(u);
	else if (u->state == CHAN_WAITING && any)
		try_connect(u);
	return u->state;
}

/* #syscalls control: recvfrom */
static ssize_t unix_recv(struct chan *c, void *buf, size_t size)
{
	struct unix_chan *u = unix_of(c);
	ssize_t n;

	if (u->state == CHAN_WAITING || !size)
		return 0;
	n = u->sock < 0 ? 0 : recv(u->sock, buf, size, 0);
	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	u->state = CHAN_GONE;
	return -ENOTCONN;
}

/* #syscalls control: sendto */
static ssize_t unix_send(struct chan *c, const void *buf, size_t len)
{
	struct unix_chan *u = unix_of(c);
	ssize_t n;

	if (u->state == CHAN_GONE)
		return -ENOTCONN;
	if (u->state == CHAN_WAITING || !len)
		return 0;
	n = send(u->sock, buf, len, MSG_NOSIGNAL);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	u->state = CHAN_GONE;
	return -ENOTCONN;
}

static void unix_close(struct chan *c)
{
	struct unix_chan *u = unix_of(c);

	end_way(u);
	if (u->sock >= 0)
		close(u->sock);
	if (c->fd >= 0)
		close(c->fd);
	free(u);
}

static const struct chan_ops unix_ops = {
	.event = unix_event,
	.recv = unix_recv,
	.send = unix_send,
	.close = unix_close,
};

/* #syscalls control: epoll_create1 */
static struct unix_chan *chan_new(const struct unix_net *n, uint16_t server,
				  uint16_t client, uint32_t port, int *err)
{
	struct unix_chan *u = calloc(1, sizeof(*u));

	*err = -ENOMEM;
	if (!u)
		return NULL;
	u->chan.ops = &unix_ops;
	u->sock = u->way = -1;
	u->at.sun_family = AF_UNIX;
	if (n->at)
		memcpy(u->at.sun_path, n->dir, sizeof(n->dir));
	else
		snprintf(u->at.sun_path, sizeof(u->at.sun_path),
			 "%s/vchan.%u.%u.%u.sock", n->dir, server, client,
			 port);
	u->chan.fd = epoll_create1(EPOLL_CLOEXEC);
	if (u->chan.fd >= 0) {
		*err = 0;
		return u;
	}
	*err = -errno;
	free(u);
	return NULL;
}

static struct chan *made(struct unix_chan *u, int err)
{
	if (!err)
		return &u->chan;
	unix_close(&u->chan);
	return NULL;
}

/* #syscalls control: socket/AF_UNIX bind listen unlink */
static int start_listening(struct unix_chan *u)
{
	u->way = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->way < 0)
		return -errno;
	if (unlink(u->at.sun_path) && errno != ENOENT)
		return -errno;
	if (bind(u->way, (struct sockaddr *)&u->at, sizeof(u->at)))
		return -errno;
	u->listens = true;
	return listen(u->way, 1) ? -errno : watch(u, u->way, EPOLLIN);
}

static struct chan *unix_serve(struct chan_net *net, uint16_t domid,
			       uint32_t port, size_t read_min, size_t write_min,
			       int *err)
{
	const struct unix_net *n = (const struct unix_net *)net;
	struct unix_chan *u;

	(void)read_min;
	(void)write_min;
	*err = -EOPNOTSUPP;
	if (n->at)
		return NULL;
	u = chan_new(n, n->self, domid, port, err);
	if (!u)
		return NULL;
	*err = start_listening(u);
	return made(u, *err);
}

/* The first try is at once, with the first event.
 * #syscalls control: timerfd_create timerfd_settime */
static int start_trying(struct unix_chan *u)
{
	const struct itimerspec often = {
		.it_value = { .tv_nsec = 1 },
		.it_interval = { .tv_nsec = CHAN_UNIX_RETRY_MS * MONO_MS },
	};

	u->way = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (u->way < 0 || timerfd_settime(u->way, 0, &often, NULL))
		return -errno;
	return watch(u, u->way, EPOLLIN);
}

static struct chan *unix_connect(struct chan_net *net, uint16_t domid,
				 uint32_t port, int *err)
{
	const struct unix_net *n = (const struct unix_net *)net;
	struct unix_chan *u = chan_new(n, domid, n->self, port, err);

	if (!u)
		return NULL;
	*err = start_trying(u);
	return made(u, *err);
}

static void unix_net_close(struct chan_net *net)
{
	free(net);
}

static const struct chan_net_ops net_ops = {
	.serve = unix_serve,
	.connect = unix_connect,
	.close = unix_net_close,
};

struct chan_net *chan_unix_open(const char *dir, uint16_t self, int *err)
{
	struct unix_net *n;

	*err = -ENAMETOOLONG;
	if (strlen(dir) >= CHAN_UNIX_DIR_MAX)
		return NULL;
	n = calloc(1, sizeof(*n));
	*err = n ? 0 : -ENOMEM;
	if (!n)
		return NULL;
	n->net.ops = &net_ops;
	n->self = self;
	memcpy(n->dir, dir, strlen(dir) + 1);
	return &n->net;
}

struct chan_net *chan_unix_open_at(const char *path, int *err)
{
	struct chan_net *net = chan_unix_open(path, 0, err);

	if (net)
		((struct unix_net *)net)->at = true;
	return net;
}
