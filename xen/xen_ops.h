/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_XEN_OPS_H
#define VIFWALL_XEN_XEN_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_assert.h"

/*
 * The seam towards the hypervisor: grants and event channels, as one domain's
 * process sees them.  Real over libxengnttab and libxenevtchn (xen_libs.c), or
 * simulated (xen_sim.c: shared memory on any Linux machine, with faults on
 * demand).  The XenStore has a seam of its own, bus/store.h, because another
 * process uses it.
 *
 * A handle belongs to one thread.  No call blocks, but for Xen's own retries.
 */
#define XEN_PAGE 4096u
/* Grants of one xen_copy() that one hypercall takes. */
#define XEN_COPY_BATCH 16u
/* Most segments of one xen_copy(). */
#define XEN_COPY_MAX 512u
/* Most pages of one xen_map(), of one xen_share(). */
#define XEN_MAP_MAX 16u
#define XEN_SHARE_MAX 1024u

/* Status of one segment, xen/grant_table.h. */
enum xen_status {
	XEN_OKAY = 0,
	XEN_GENERAL_ERROR = -1,
	XEN_BAD_DOMAIN = -2,
	XEN_BAD_GREF = -3,
	XEN_PERMISSION = -8,
	XEN_BAD_PAGE = -9,
	XEN_BAD_COPY_ARG = -10,
	XEN_NOT_COPIED = -128, /* ours: the whole call failed */
};

enum xen_way { XEN_FROM_PEER, XEN_TO_PEER };

/*
 * One piece of a copy between a page that a peer granted and memory of ours
 * (ordinary pages, or some of xen_share(); never of xen_map()).  off + len is
 * at most XEN_PAGE: the caller has seen to it, else the whole call fails.
 */
struct xen_seg {
	void *local;
	uint32_t ref;
	uint16_t dom;
	uint16_t off, len;
	int16_t status; /* out: enum xen_status, another value of Xen's < 0 */
};

struct xen;

struct xen_ops {
	const char *name;
	/*
	 * Maps @n <= XEN_MAP_MAX pages that @dom granted, readable and
	 * writable, one behind the other.  0; -EINVAL when one of them is not
	 * granted so, or @dom is gone; or -errno.  They stay when @dom ends the
	 * grant or dies.
	 */
	int (*map)(struct xen *x, uint16_t dom, const uint32_t *ref, uint32_t n,
		   void **out);
	void (*unmap)(struct xen *x, void *at, uint32_t n);
	/*
	 * @n <= XEN_COPY_MAX segments, in order.  0: see each one's status; one
	 * without bytes is XEN_OKAY whatever its ref.  -errno: some may have
	 * been copied, and nobody knows which; every status is XEN_NOT_COPIED.
	 */
	int (*copy)(struct xen *x, struct xen_seg *seg, uint32_t n,
		    enum xen_way way);
	/*
	 * @n <= XEN_SHARE_MAX zeroed pages of ours, one behind the other, that
	 * @dom may read (@writable: and write) until xen_unshare() of all of
	 * them, or until the handle is closed.  Their references come in @ref,
	 * in no order of their own.  0, -ENOSPC when the limit of gntalloc is
	 * reached, or -errno.  A page that @dom still maps then is not used
	 * again before @dom lets go of it.
	 */
	int (*share)(struct xen *x, uint16_t dom, uint32_t n, bool writable,
		     uint32_t *ref, void **out);
	void (*unshare)(struct xen *x, void *at, uint32_t n);

	/*
	 * To a port that @dom keeps for us; pending once at the start.  0,
	 * -ESRCH: no such domain, -EINVAL: no such port, or it is not for us,
	 * or bound already; or -errno.
	 */
	int (*evt_bind)(struct xen *x, uint16_t dom, uint32_t port,
			uint32_t *local);
	/* A port that @dom may bind to; it need not be there yet. */
	int (*evt_alloc)(struct xen *x, uint16_t dom, uint32_t *local);
	void (*evt_close)(struct xen *x, uint32_t local);
	/*
	 * On a port that nobody is bound to it is lost, and 0 all the same; and
	 * so it is after the peer has closed its end or died.  The port is then
	 * as after evt_alloc(): the peer may bind to it again.  -ENOTCONN: no
	 * port of this handle.
	 */
	int (*evt_notify)(struct xen *x, uint32_t local);
	/*
	 * Takes up to @max ports that events came for; each stays masked until
	 * it is unmasked, and an event that comes meanwhile shows then.  How
	 * many, or -errno.  0 says nothing: evt_fd may have been readable for
	 * an event that was taken before.  It may name a port closed since.
	 */
	int (*evt_take)(struct xen *x, uint32_t *port, uint32_t max);
	/* Ports that are closed by now, or not masked, are passed over. */
	int (*evt_unmask)(struct xen *x, const uint32_t *port, uint32_t n);
	void (*close)(struct xen *x);
};

/* First member of every implementation. */
struct xen {
	const struct xen_ops *ops;
	int evt_fd; /* readable while evt_take() has something */
	uint64_t copies, copy_calls, notifies, takes; /* calls, for status */
};

static inline int VW_MUST_USE xen_map(struct xen *x, uint16_t dom,
				      const uint32_t *ref, uint32_t n,
				      void **out)
{
	return x->ops->map(x, dom, ref, n, out);
}

static inline void xen_unmap(struct xen *x, void *at, uint32_t n)
{
	x->ops->unmap(x, at, n);
}

static inline int xen_copy(struct xen *x, struct xen_seg *seg, uint32_t n,
			   enum xen_way way)
{
	x->copies += n;
	x->copy_calls++;
	return x->ops->copy(x, seg, n, way);
}

static inline int VW_MUST_USE xen_share(struct xen *x, uint16_t dom, uint32_t n,
					bool writable, uint32_t *ref,
					void **out)
{
	return x->ops->share(x, dom, n, writable, ref, out);
}

static inline void xen_unshare(struct xen *x, void *at, uint32_t n)
{
	x->ops->unshare(x, at, n);
}

static inline int VW_MUST_USE xen_evt_bind(struct xen *x, uint16_t dom,
					   uint32_t port, uint32_t *local)
{
	return x->ops->evt_bind(x, dom, port, local);
}

static inline int VW_MUST_USE xen_evt_alloc(struct xen *x, uint16_t dom,
					    uint32_t *local)
{
	return x->ops->evt_alloc(x, dom, local);
}

static inline void xen_evt_close(struct xen *x, uint32_t local)
{
	x->ops->evt_close(x, local);
}

static inline int xen_evt_notify(struct xen *x, uint32_t local)
{
	x->notifies++;
	return x->ops->evt_notify(x, local);
}

static inline int xen_evt_take(struct xen *x, uint32_t *port, uint32_t max)
{
	x->takes++;
	return x->ops->evt_take(x, port, max);
}

static inline int xen_evt_unmask(struct xen *x, const uint32_t *port,
				 uint32_t n)
{
	return x->ops->evt_unmask(x, port, n);
}

static inline void xen_close(struct xen *x)
{
	x->ops->close(x);
}

#endif
