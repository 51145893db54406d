/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xentoollog.h>

#include "xen/xen_libs.h"

/* Ports that one read or write of the device takes. */
#define PORTS_MAX 1024u
/* More than the libraries ever allocate after the start. */
#define HEAP_ROOM 65536u

struct libs {
	struct xen x; /* first: the ops are handed a pointer to it */
	struct xentoollog_logger logger;
	struct xen_libs_log log;
	xengnttab_handle *gnt;
	xengntshr_handle *shr;
	xenevtchn_handle *evt;
	xengnttab_grant_copy_segment_t seg[XEN_COPY_MAX];
};

static struct libs *libs_of(struct xen *x)
{
	return (struct libs *)(void *)x;
}

/* What a call of the libraries failed with; some forget to say. */
static int failure(void)
{
	return errno ? -errno : -EIO;
}

/* ---- the libraries' messages ------------------------------------------------
 */

__attribute__((format(printf, 5, 0))) static void
message(struct xentoollog_logger *logger, xentoollog_level level, int err,
	const char *context, const char *format, va_list args)
{
	const struct libs *l = (const void *)((const char *)logger -
					      offsetof(struct libs, logger));
	char text[160], line[256];

	if (!l->log.line || level < XTL_WARN)
		return;
	vsnprintf(text, sizeof(text), format, args);
	snprintf(line, sizeof(line), "%s: %s (errno %d)",
		 context ? context : "xen", text, err);
	l->log.line(l->log.ctx, line);
}

static void no_destroy(struct xentoollog_logger *logger)
{
	(void)logger;
}

/* ---- grants -----------------------------------------------------------------
 */

/*
 * #syscalls data: ioctl/IOCTL_GNTDEV_MAP_GRANT_REF mmap/shared
 * #syscalls data: ioctl/IOCTL_GNTDEV_UNMAP_GRANT_REF clock_nanosleep
 */
static int map(struct xen *x, uint16_t dom, const uint32_t *ref, uint32_t n,
	       void **out)
{
	struct libs *l = libs_of(x);
	uint32_t own[XEN_MAP_MAX];
	void *at;

	if (!n || n > XEN_MAP_MAX)
		return -EINVAL;
	memcpy(own, ref, n * sizeof(*ref));
	errno = 0;
	at = xengnttab_map_domain_grant_refs(l->gnt, n, dom, own,
					     PROT_READ | PROT_WRITE);
	if (!at)
		return failure();
	*out = at;
	return 0;
}

/*
 * #syscalls data: ioctl/IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR munmap
 * #syscalls data: ioctl/IOCTL_GNTDEV_UNMAP_GRANT_REF
 */
static void unmap(struct xen *x, void *at, uint32_t n)
{
	xengnttab_unmap(libs_of(x)->gnt, at, n);
}

static void fill(xengnttab_grant_copy_segment_t *to, const struct xen_seg *seg,
		 enum xen_way way)
{
	bool out = way == XEN_TO_PEER;

	memset(to, 0, sizeof(*to));
	to->len = seg->len;
	to->status = XEN_NOT_COPIED;
	to->flags = out ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
	(out ? &to->source : &to->dest)->virt = seg->local;
	(out ? &to->dest : &to->source)->foreign.ref = seg->ref;
	(out ? &to->dest : &to->source)->foreign.offset = seg->off;
	(out ? &to->dest : &to->source)->foreign.domid = seg->dom;
}

/*
 * The kernel writes a status before it copies, so after a failed call not one
 * of them is to be trusted.
 *
 * #syscalls data: ioctl/IOCTL_GNTDEV_GRANT_COPY
 */
static int copy(struct xen *x, struct xen_seg *seg, uint32_t n,
		enum xen_way way)
{
	struct libs *l = libs_of(x);
	int err = 0;

	vw_assert(n <= XEN_COPY_MAX);
	for (uint32_t i = 0; i < n; i++)
		fill(&l->seg[i], &seg[i], way);
	errno = 0;
	if (n && xengnttab_grant_copy(l->gnt, n, l->seg))
		err = failure();
	for (uint32_t i = 0; i < n; i++)
		seg[i].status = err ? XEN_NOT_COPIED : l->seg[i].status;
	return err;
}

/*
 * #syscalls data: ioctl/IOCTL_GNTALLOC_ALLOC_GREF mmap/shared
 * #syscalls data: ioctl/IOCTL_GNTALLOC_DEALLOC_GREF
 */
static int share(struct xen *x, uint16_t dom, uint32_t n, bool writable,
		 uint32_t *ref, void **out)
{
	void *at;

	if (!n || n > XEN_SHARE_MAX)
		return -EINVAL;
	errno = 0;
	at = xengntshr_share_pages(libs_of(x)->shr, dom, (int)n, ref, writable);
	if (!at)
		return failure();
	*out = at;
	return 0;
}

/*
 * #syscalls data: munmap
 */
static void unshare(struct xen *x, void *at, uint32_t n)
{
	xengntshr_unshare(libs_of(x)->shr, at, n);
}

/* ---- event channels ---------------------------------------------------------
 */

static int port_or_error(xenevtchn_port_or_error_t port, uint32_t *local)
{
	if (port < 0)
		return failure();
	*local = (uint32_t)port;
	return 0;
}

/*
 * #syscalls data: ioctl/IOCTL_EVTCHN_BIND_INTERDOMAIN
 */
static int evt_bind(struct xen *x, uint16_t dom, uint32_t port, uint32_t *local)
{
	errno = 0;
	return port_or_error(
		xenevtchn_bind_interdomain(libs_of(x)->evt, dom, port), local);
}

/*
 * #syscalls data: ioctl/IOCTL_EVTCHN_BIND_UNBOUND_PORT
 */
static int evt_alloc(struct xen *x, uint16_t dom, uint32_t *local)
{
	errno = 0;
	return port_or_error(xenevtchn_bind_unbound_port(libs_of(x)->evt, dom),
			     local);
}

/*
 * #syscalls data: ioctl/IOCTL_EVTCHN_UNBIND
 */
static void evt_close(struct xen *x, uint32_t local)
{
	xenevtchn_unbind(libs_of(x)->evt, local);
}

/*
 * #syscalls data: ioctl/IOCTL_EVTCHN_NOTIFY
 */
static int evt_notify(struct xen *x, uint32_t local)
{
	errno = 0;
	return xenevtchn_notify(libs_of(x)->evt, local) ? failure() : 0;
}

/*
 * The library takes and unmasks one port per call; the device many.
 *
 * #syscalls data: read
 */
static int evt_take(struct xen *x, uint32_t *port, uint32_t max)
{
	ssize_t got;

	if (max > PORTS_MAX)
		max = PORTS_MAX;
	got = read(x->evt_fd, port, max * sizeof(*port));
	if (got >= 0)
		return (int)((size_t)got / sizeof(*port));
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/*
 * #syscalls data: write
 */
static int evt_unmask(struct xen *x, const uint32_t *port, uint32_t n)
{
	while (n) {
		uint32_t k = n < PORTS_MAX ? n : PORTS_MAX;

		if (write(x->evt_fd, port, k * sizeof(*port)) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		port += k;
		n -= k;
	}
	return 0;
}

/* ---- beginning and end ------------------------------------------------------
 */

static void close_all(struct xen *x)
{
	struct libs *l = libs_of(x);

	if (l->evt)
		xenevtchn_close(l->evt);
	if (l->shr)
		xengntshr_close(l->shr);
	if (l->gnt)
		xengnttab_close(l->gnt);
	free(l);
}

static const struct xen_ops ops = {
	.name = "xen",
	.map = map,
	.unmap = unmap,
	.copy = copy,
	.share = share,
	.unshare = unshare,
	.evt_bind = evt_bind,
	.evt_alloc = evt_alloc,
	.evt_close = evt_close,
	.evt_notify = evt_notify,
	.evt_take = evt_take,
	.evt_unmask = evt_unmask,
	.close = close_all,
};

/*
 * share_pages() allocates a little.  The process may have no way to ask the
 * kernel for memory by then, so the heap is made to have some left.
 */
static int leave_room(void)
{
	void *volatile room = malloc(HEAP_ROOM);
	bool there = room;

	free(room);
	return there ? 0 : -1;
}

static int open_all(struct libs *l)
{
	l->gnt = xengnttab_open(&l->logger, 0);
	if (!l->gnt)
		return -1;
	l->shr = xengntshr_open(&l->logger, 0);
	if (!l->shr)
		return -1;
	l->evt = xenevtchn_open(&l->logger, 0);
	if (!l->evt)
		return -1;
	l->x.evt_fd = xenevtchn_fd(l->evt);
	/* the one that the library opens without */
	if (fcntl(xengntshr_fd(l->shr), F_SETFD, FD_CLOEXEC) ||
	    fcntl(l->x.evt_fd, F_SETFL, O_RDWR | O_NONBLOCK))
		return -1;
	return leave_room();
}

struct xen *xen_libs_open(const struct xen_libs_log *log)
{
	struct libs *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return NULL;
	l->x.ops = &ops;
	l->logger.vmessage = message;
	l->logger.destroy = no_destroy;
	if (log)
		l->log = *log;
	if (open_all(l) == 0)
		return &l->x;
	err = errno;
	close_all(&l->x);
	errno = err;
	return NULL;
}

int xen_libs_raise_limit(uint32_t pages)
{
	static const char path[] = "/sys/module/xen_gntalloc/parameters/limit";
	FILE *f = fopen(path, "r+e");
	char text[24], *end = text;
	unsigned long now = 0;
	int err = 0;

	if (!f)
		return -errno;
	if (fgets(text, sizeof(text), f))
		now = strtoul(text, &end, 10);
	if (end == text)
		err = -EIO;
	rewind(f);
	if (!err && now < pages && fprintf(f, "%u\n", pages) < 0)
		err = -errno;
	/* the kernel may refuse only now */
	if (fclose(f) && !err)
		err = -errno;
	return err;
}
