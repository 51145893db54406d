/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "xen/sim_link.h"
#include "xen/sim_wire.h"

bool sim_wire_address(const char *dir, struct sockaddr_un *out)
{
	int len;

	memset(out, 0, sizeof(*out));
	out->sun_family = AF_UNIX;
	len = snprintf(out->sun_path, sizeof(out->sun_path), "%s/%s", dir,
		       XEN_SIM_SOCKET);
	if (len < (int)sizeof(out->sun_path))
		return true;
	errno = ENAMETOOLONG;
	return false;
}

static int knock(const char *dir, uint16_t dom)
{
	const struct timeval patience = { .tv_sec = XEN_SIM_LINK_MS / 1000 };
	const struct sim_hello hello = { .magic = SIM_WIRE_MAGIC, .dom = dom };
	struct sockaddr_un at;
	int sock, err;

	if (!sim_wire_address(dir, &at))
		return -1;
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -1;
	if (!setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience,
			sizeof(patience)) &&
	    !connect(sock, (const struct sockaddr *)&at, sizeof(at)) &&
	    send(sock, &hello, sizeof(hello), MSG_NOSIGNAL) == sizeof(hello))
		return sock;
	err = errno;
	close(sock);
	errno = err;
	return -1;
}

static void close_all(const int *fd, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		close(fd[i]);
}

/* The answer's descriptors in @fd: how many, or -1 with errno. */
static int welcome(int sock, struct sim_welcome *w, int fd[SIM_WIRE_FDS])
{
	union sim_wire_fds fds;
	struct iovec body = { .iov_base = w, .iov_len = sizeof(*w) };
	struct msghdr m = { .msg_iov = &body,
			    .msg_iovlen = 1,
			    .msg_control = &fds,
			    .msg_controllen = sizeof(fds) };
	ssize_t len = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = len < 0 ? NULL : CMSG_FIRSTHDR(&m);
	uint32_t n = 0;

	if (len < 0)
		return -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		n = (uint32_t)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fd, CMSG_DATA(c), n * sizeof(int));
	}
	errno = EPROTO;
	if (len == sizeof(*w) && w->magic == SIM_WIRE_MAGIC) {
		errno = w->err;
		if (!w->err && n == 1 + w->fds && w->handle < w->fds)
			return (int)n;
	}
	if (!errno) /* as when we may not have so many open files */
		errno = EMFILE;
	close_all(fd, n);
	return -1;
}

/* @fd is used up, whether it works out or not. */
static struct xen_sim *attach(const int *fd, uint32_t fds)
{
	struct stat st;
	struct xen_sim *s = NULL;
	void *region = MAP_FAILED;
	size_t len = 0;

	if (!fstat(fd[0], &st) && st.st_size > 0) {
		len = (size_t)st.st_size;
		region = mmap(NULL, len, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_NORESERVE, fd[0], 0);
	}
	if (region != MAP_FAILED)
		s = xen_sim_attach(region, len, fd + 1, fds);
	close(fd[0]);
	if (s) {
		s->region = s->fds = true;
		return s;
	}
	if (region != MAP_FAILED)
		munmap(region, len);
	close_all(fd + 1, fds);
	return NULL;
}

struct xen *xen_sim_link(const char *dir, uint16_t dom)
{
	int sock = knock(dir, dom);
	struct sim_welcome w = { 0 };
	int fd[SIM_WIRE_FDS];
	struct xen_sim *s = NULL;
	struct xen *x = NULL;
	int err;

	if (sock < 0)
		return NULL;
	if (welcome(sock, &w, fd) > 0)
		s = attach(fd, w.fds);
	if (s)
		x = sim_adopt(s, w.handle, sock);
	if (x)
		return x;
	err = errno;
	if (s)
		xen_sim_free(s);
	close(sock);
	errno = err;
	return NULL;
}

struct xen_sim *xen_sim_linked(struct xen *x)
{
	return sim_of(x)->sim;
}

int xen_sim_link_fd(const struct xen *x)
{
	const struct sim_handle *h = (const void *)x;

	return h->link;
}
