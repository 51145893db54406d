/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxenvchan, for chan_vchan.c: the only place that knows of it. */
#include <errno.h>
#include <libxenvchan.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <xenstore.h>
#include <xentoollog.h>

#include "xen/qubes/chan_vchan.h"

struct lib {
	struct vchan_lib lib;
	struct xentoollog_logger quiet;
	struct xs_handle *xs; /* without watches, so it has no thread */
};

/* The library's struct is the end: never made by us, only cast. */
static struct libxenvchan *v_of(struct vchan_end *e)
{
	return (struct libxenvchan *)(void *)e;
}

/*
 * Without a logger the libraries make one each, which looks whether it writes
 * to a terminal, a system call that we have no other use for.  What went wrong
 * is in errno.
 */
__attribute__((format(printf, 5, 0))) static void
say_nothing(struct xentoollog_logger *logger, xentoollog_level level, int err,
	    const char *context, const char *format, va_list args)
{
	(void)logger;
	(void)level;
	(void)err;
	(void)context;
	(void)format;
	(void)args;
}

static void no_progress(struct xentoollog_logger *logger, const char *context,
			const char *what, int percent, unsigned long done,
			unsigned long total)
{
	(void)logger;
	(void)context;
	(void)what;
	(void)percent;
	(void)done;
	(void)total;
}

static void no_destroy(struct xentoollog_logger *logger)
{
	(void)logger;
}

/*
 * The library's own connection to the XenStore, devices and rings.
 * #syscalls control: openat newfstatat fstat socket/AF_UNIX connect
 * #syscalls control: fcntl/F_GETFL fcntl/F_SETFL fcntl/F_SETFD fcntl/F_GETFD
 * #syscalls control: read write writev close mmap/noexec munmap
 * #syscalls control: ioctl/IOCTL_GNTALLOC_ALLOC_GREF
 * #syscalls control: ioctl/IOCTL_GNTALLOC_SET_UNMAP_NOTIFY
 * #syscalls control: ioctl/IOCTL_EVTCHN_BIND_UNBOUND_PORT
 */
static struct vchan_end *serve(struct vchan_lib *l, uint16_t domid,
			       const char *path, size_t read_min,
			       size_t write_min)
{
	struct lib *lib = (struct lib *)l;

	return (struct vchan_end *)(void *)libxenvchan_server_init(
		&lib->quiet, domid, path, read_min, write_min);
}

/*
 * #syscalls control: ioctl/IOCTL_GNTDEV_MAP_GRANT_REF
 * #syscalls control: ioctl/IOCTL_GNTDEV_SET_UNMAP_NOTIFY
 * #syscalls control: ioctl/IOCTL_EVTCHN_BIND_INTERDOMAIN clock_nanosleep
 */
static struct vchan_end *client(struct vchan_lib *l, uint16_t domid,
				const char *path)
{
	struct lib *lib = (struct lib *)l;

	return (struct vchan_end *)(void *)libxenvchan_client_init(&lib->quiet,
								   domid, path);
}

/*
 * The keys were removed before: by now they may be those of a successor.
 * #syscalls control: ioctl/IOCTL_GNTALLOC_DEALLOC_GREF munmap close
 * #syscalls control: ioctl/IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR
 * #syscalls control: ioctl/IOCTL_GNTDEV_UNMAP_GRANT_REF
 */
static void end(struct vchan_lib *l, struct vchan_end *e)
{
	struct libxenvchan *v = v_of(e);

	(void)l;
	free(v->xs_path);
	v->xs_path = NULL;
	libxenvchan_close(v);
}

/*
 * A domain that was destroyed is none for the XenStore, at once.
 * #syscalls control: read write poll rt_sigaction
 */
static bool there(struct vchan_lib *l, uint16_t domid)
{
	struct lib *lib = (struct lib *)l;

	errno = 0;
	return xs_is_domain_introduced(lib->xs, domid) || errno;
}

static int fd_of(struct vchan_end *e)
{
	return libxenvchan_fd_for_select(v_of(e));
}

/*
 * Taking what is not there would wait.
 * #syscalls control: poll ppoll read write
 */
static void take(struct vchan_end *e)
{
	struct pollfd p = { .fd = fd_of(e), .events = POLLIN };

	if (poll(&p, 1, 0) == 1 && p.revents & POLLIN)
		(void)libxenvchan_wait(v_of(e));
}

/* The library takes positions that can't be for an empty or a full ring. */
static bool broken(const struct libxenvchan_ring *r)
{
	uint32_t cons = __atomic_load_n(&r->shr->cons, __ATOMIC_RELAXED);
	uint32_t prod = __atomic_load_n(&r->shr->prod, __ATOMIC_RELAXED);

	return prod - cons > 1u << r->order;
}

static enum chan_state state(struct vchan_end *e)
{
	struct libxenvchan *v = v_of(e);
	int is = libxenvchan_is_open(v);

	if (!is)
		return CHAN_GONE;
	if (v->is_server && is == 2)
		return CHAN_WAITING;
	return broken(&v->read) || broken(&v->write) ? CHAN_GONE : CHAN_OPEN;
}

static ssize_t bytes(int n, size_t max)
{
	if (n < 0 || (size_t)n > max)
		return -EIO;
	return n;
}

static ssize_t lib_recv(struct vchan_end *e, void *buf, size_t size)
{
	size_t max = size < INT_MAX ? size : INT_MAX;

	return bytes(libxenvchan_read(v_of(e), buf, max), max);
}

/* #syscalls control: ioctl/IOCTL_EVTCHN_NOTIFY */
static ssize_t lib_send(struct vchan_end *e, const void *buf, size_t len)
{
	size_t max = len < INT_MAX ? len : INT_MAX;

	return bytes(libxenvchan_write(v_of(e), buf, max), max);
}

static void lib_close(struct vchan_lib *l)
{
	struct lib *lib = (struct lib *)l;

	xs_close(lib->xs);
	free(lib);
}

struct vchan_lib *chan_lib_open(int *err)
{
	struct lib *lib = calloc(1, sizeof(*lib));

	*err = lib ? 0 : -ENOMEM;
	if (!lib)
		return NULL;
	lib->lib = (struct vchan_lib){
		.serve = serve,
		.connect = client,
		.end = end,
		.there = there,
		.fd = fd_of,
		.take = take,
		.state = state,
		.recv = lib_recv,
		.send = lib_send,
		.close = lib_close,
	};
	lib->quiet = (struct xentoollog_logger){
		.vmessage = say_nothing,
		.progress = no_progress,
		.destroy = no_destroy,
	};
	lib->xs = xs_open(0);
	if (!lib->xs) {
		*err = errno ? -errno : -EIO;
		free(lib);
		return NULL;
	}
	return &lib->lib;
}
