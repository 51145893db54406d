/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A handle is opened here, for the process that asks, and its number told.  So
 * there is none that the host does not know of, wherever that process dies.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xen/sim_link.h"
#include "xen/sim_wire.h"

#define GUESTS (XEN_SIM_HANDLES_MAX + 8u)
#define DOOR GUESTS /* the socket among the epoll's data */

struct guest {
	int sock;      /* -1: nobody */
	struct xen *x; /* NULL: has not said hello */
};

struct xen_sim_host {
	struct xen_sim *sim;
	int memfd, door, epoll;
	struct sockaddr_un at;
	struct guest guest[GUESTS];
};

static bool watch(const struct xen_sim_host *h, int fd, uint32_t number)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = number };

	return !epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &e);
}

static void let_in(struct xen_sim_host *h)
{
	int sock = accept4(h->door, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (sock < 0)
		return;
	for (uint32_t i = 0; i < GUESTS; i++) {
		if (h->guest[i].sock >= 0)
			continue;
		if (!watch(h, sock, i))
			break;
		h->guest[i].sock = sock;
		return;
	}
	close(sock);
}

static void bury(struct guest *g)
{
	if (g->x)
		xen_close(g->x);
	g->x = NULL;
	close(g->sock);
	g->sock = -1;
}

static void put_fds(const struct xen_sim_host *h, struct msghdr *m,
		    union sim_wire_fds *room)
{
	struct cmsghdr *c;
	uint32_t n;
	const int *fd = xen_sim_fds(h->sim, &n);

	memset(room, 0, sizeof(*room));
	m->msg_control = room;
	m->msg_controllen = CMSG_SPACE((1 + n) * sizeof(int));
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN((1 + n) * sizeof(int));
	memcpy(CMSG_DATA(c), &h->memfd, sizeof(int));
	memcpy(CMSG_DATA(c) + sizeof(int), fd, n * sizeof(int));
}

static bool answer(const struct xen_sim_host *h, const struct guest *g, int err)
{
	union sim_wire_fds fds;
	struct sim_welcome w = { .magic = SIM_WIRE_MAGIC, .err = err };
	struct iovec body = { .iov_base = &w, .iov_len = sizeof(w) };
	struct msghdr m = { .msg_iov = &body, .msg_iovlen = 1 };

	if (!err) {
		w.handle = xen_sim_handle(g->x);
		w.fds = h->sim->conf.handles;
		put_fds(h, &m, &fds);
	}
	return sendmsg(g->sock, &m, MSG_NOSIGNAL) == sizeof(w);
}

/* False: it has no more to say to us. */
static bool hear(const struct xen_sim_host *h, struct guest *g)
{
	struct sim_hello hello;
	ssize_t n = recv(g->sock, &hello, sizeof(hello), MSG_TRUNC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (g->x || n != sizeof(hello) || hello.magic != SIM_WIRE_MAGIC)
		return false;
	g->x = xen_sim_open(h->sim, hello.dom);
	return answer(h, g, g->x ? 0 : errno) && g->x;
}

void xen_sim_host_work(struct xen_sim_host *h)
{
	struct epoll_event e[16];
	int n = epoll_wait(h->epoll, e, 16, 0);

	for (int i = 0; i < n; i++) {
		uint32_t number = e[i].data.u32;

		if (number == DOOR)
			let_in(h);
		else if (!hear(h, &h->guest[number]))
			bury(&h->guest[number]);
	}
}

int xen_sim_host_fd(const struct xen_sim_host *h)
{
	return h->epoll;
}

uint32_t xen_sim_host_links(const struct xen_sim_host *h)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < GUESTS; i++)
		n += h->guest[i].x != NULL;
	return n;
}

struct xen_sim *xen_sim_hosted(struct xen_sim_host *h)
{
	return h->sim;
}

static bool make_region(struct xen_sim_host *h, const struct xen_sim_conf *c)
{
	size_t len = xen_sim_size(c);
	void *region;

	h->memfd = memfd_create("xen", MFD_CLOEXEC);
	if (h->memfd < 0 || ftruncate(h->memfd, (off_t)len))
		return false;
	region = mmap(NULL, len, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_NORESERVE, h->memfd, 0);
	if (region == MAP_FAILED)
		return false;
	h->sim = xen_sim_new(region, c);
	if (!h->sim) {
		munmap(region, len);
		return false;
	}
	h->sim->region = true;
	return true;
}

static bool make_door(struct xen_sim_host *h, const char *dir)
{
	const struct sockaddr *at = (const struct sockaddr *)&h->at;

	h->door = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
			 0);
	if (h->door < 0 || !sim_wire_address(dir, &h->at))
		return false;
	if (bind(h->door, at, sizeof(h->at))) {
		h->at.sun_path[0] = '\0';
		return false;
	}
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	return h->epoll >= 0 && !listen(h->door, 16) && watch(h, h->door, DOOR);
}

struct xen_sim_host *xen_sim_host_new(const char *dir,
				      const struct xen_sim_conf *c)
{
	struct xen_sim_host *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return NULL;
	h->memfd = h->door = h->epoll = -1;
	for (uint32_t i = 0; i < GUESTS; i++)
		h->guest[i].sock = -1;
	if (make_region(h, c) && make_door(h, dir))
		return h;
	err = errno;
	xen_sim_host_free(h);
	errno = err;
	return NULL;
}

void xen_sim_host_free(struct xen_sim_host *h)
{
	for (uint32_t i = 0; i < GUESTS; i++)
		if (h->guest[i].sock >= 0)
			bury(&h->guest[i]);
	if (h->at.sun_path[0])
		unlink(h->at.sun_path);
	if (h->epoll >= 0)
		close(h->epoll);
	if (h->door >= 0)
		close(h->door);
	if (h->sim)
		xen_sim_free(h->sim);
	if (h->memfd >= 0)
		close(h->memfd);
	free(h);
}
