/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_XEN_SIM_H
#define VIFWALL_XEN_XEN_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "xen/xen_ops.h"

/*
 * A simulated Xen: domains with pages, grants and event channels, in one region
 * of memory that any number of processes may share.  Each domain's processes
 * open handles (struct xen) and see what they would see of the real thing.
 *
 *	xen_sim.c	the region, domains, handles, death
 *	sim_grant.c	sharing, mapping, copying
 *	sim_evt.c	event channels
 *	sim_fault.c	what goes wrong on demand
 *	sim_link.c	processes that do not descend from each other
 *(sim_link.h)
 *
 * Nothing in the region is a pointer, and nobody ever waits for anybody: there
 * is no lock that a process could die with.  What a dead process held is given
 * back by xen_sim_kill() or xen_sim_reap().
 *
 * Each handle has a number and an eventfd of that number.  All eventfds are
 * made at the start, and every process has all of them; so after start a
 * process only reads and writes those, and maps nothing: the data process may
 * be locked in as usual.
 *
 *	struct xen_sim *s = xen_sim_new(NULL, NULL);
 *	struct xen *back = xen_sim_open(s, 0), *front = xen_sim_open(s, 1);
 *
 * Limits: xen_map() of several pages wants those of one xen_share(), in order.
 * Pages of one xen_share() lie one behind the other in the region too, so that
 * a domain should have some more than it needs at a time.
 */
struct xen_sim_conf {
	uint16_t domains; /* 0 and up, all there at the start */
	uint16_t handles; /* open at a time, of all domains together */
	uint32_t pages;	  /* that a domain can share */
};

#define XEN_SIM_HANDLES_MAX 250u
#define XEN_SIM_PORTS 1024u /* per domain */
#define XEN_SIM_LIMIT 1024u /* pages that gntalloc gives out at first */

/* What one process knows of it. */
struct xen_sim;

/* Bytes of the region; @c NULL: a small one for tests. */
size_t xen_sim_size(const struct xen_sim_conf *c);

/*
 * Makes one, and its eventfds, in @region: xen_sim_size() zeroed bytes, page
 * aligned; NULL: the process maps some of its own, which its children share.
 * NULL with errno.
 */
struct xen_sim *xen_sim_new(void *region, const struct xen_sim_conf *c);
/*
 * The same region, made elsewhere, in another process, with the eventfds in the
 * order of xen_sim_fds(); they stay the caller's.  NULL with errno.
 */
struct xen_sim *xen_sim_attach(void *region, size_t len, const int *fd,
			       uint32_t fds);
const int *xen_sim_fds(const struct xen_sim *s, uint32_t *n);
/* After all handles of this process are closed. */
void xen_sim_free(struct xen_sim *s);

/* A handle of @dom, of this process; NULL with errno. */
struct xen *xen_sim_open(struct xen_sim *s, uint16_t dom);

/* How many pages the processes of @dom may share at a time. */
void xen_sim_limit(struct xen_sim *s, uint16_t dom, uint32_t pages);

/*
 * Death.  Mappings vanish, ports close, grants end; the pages stay until the
 * last one that holds them lets go.  The dead one's struct xen, if it is of
 * this process, does nothing any more but fail, and wants xen_close().
 */
void xen_sim_kill(struct xen_sim *s, uint32_t handle);
/* ... of all handles that process @pid had. */
void xen_sim_reap(struct xen_sim *s, pid_t pid);
/* ... of a domain, and of the domain itself; xen_sim_boot() brings it back. */
void xen_sim_destroy(struct xen_sim *s, uint16_t dom);
void xen_sim_boot(struct xen_sim *s, uint16_t dom);
/* Number of a handle. */
uint32_t xen_sim_handle(const struct xen *x);

/* For tests: what is in use of a domain. */
uint32_t xen_sim_shared(const struct xen_sim *s, uint16_t dom);
uint32_t xen_sim_mapped(const struct xen_sim *s, uint16_t dom);
uint32_t xen_sim_ports(const struct xen_sim *s, uint16_t dom);

/* Faults on demand, of one handle of this process. */
enum xen_sim_op {
	XEN_SIM_MAP,
	XEN_SIM_COPY,
	XEN_SIM_SHARE,
	XEN_SIM_BIND,
	XEN_SIM_ALLOC,
	XEN_SIM_NOTIFY,
	XEN_SIM_TAKE,
	XEN_SIM_UNMASK,
	XEN_SIM_ANY, /* to xen_sim_fail(): whichever comes */
	XEN_SIM_SEG, /* to a hook: one segment of a copy */
};

/* The call of @op after @after others fails with -@err; 0: none does. */
void xen_sim_fail(struct xen *x, enum xen_sim_op op, uint32_t after, int err);
/* The segment after @after others gets @status and is not copied. */
void xen_sim_fail_seg(struct xen *x, uint32_t after, int16_t status);
/* True when what was asked for last has happened. */
bool xen_sim_failed(const struct xen *x);

/*
 * Called before and after every call, and around every segment of a copy: the
 * peer's chance to change shared memory between two looks at it.  @i: which
 * segment, else 0.  NULL: none.
 */
struct xen_sim_hook {
	void (*call)(void *ctx, enum xen_sim_op op, uint32_t i, bool after);
	void *ctx;
};
void xen_sim_hook(struct xen *x, const struct xen_sim_hook *hook);

#endif
