/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_SIM_LINK_H
#define VIFWALL_XEN_SIM_LINK_H

#include <stdint.h>

#include "xen/xen_sim.h"

/*
 * A simulated Xen (xen_sim.h) for processes that do not descend from each
 * other.  One process hosts it in a directory; the others link to it there, by
 * a Unix socket, and get the region and all eventfds.
 *
 *	DIR/xen		the socket of this file
 *	DIR/socket	xenstored's, see bus/store_sim.h
 *
 *	sim_link.c	the process of a domain
 *	sim_host.c	the one that hosts
 *
 * The connection stays open as long as the handle does.  When it ends, in
 * whatever way its process came to that, the host does to the handle what Xen
 * does to the dead: xen_sim_kill().
 */
#define XEN_SIM_SOCKET "xen"
#define XEN_SIM_FIREWALL 1u   /* the domain that a daemon of ours is there */
#define XEN_SIM_PATH_MAX 108u /* of a Unix socket, NUL included */
#define XEN_SIM_LINK_MS 5000u /* to be let in */

/*
 * A handle of @dom in the simulation of @dir, for a process that is not locked
 * in yet; xen_close() gives everything back, the link too.  NULL with errno:
 * ESRCH no such domain, EMFILE too many handles, ENOENT or ECONNREFUSED nobody
 * hosts there.
 */
struct xen *xen_sim_link(const char *dir, uint16_t dom);

/* The simulation that a linked handle is of, as long as it is open. */
struct xen_sim *xen_sim_linked(struct xen *x);
/* Readable when the host is gone. */
int xen_sim_link_fd(const struct xen *x);

struct xen_sim_host;

/* Makes a simulation and its socket in @dir; NULL with errno. */
struct xen_sim_host *xen_sim_host_new(const char *dir,
				      const struct xen_sim_conf *c);
/* Readable while xen_sim_host_work() has something to do. */
int xen_sim_host_fd(const struct xen_sim_host *h);
/* Lets in who waits, buries who left; never waits itself. */
void xen_sim_host_work(struct xen_sim_host *h);
/* How many handles are linked now. */
uint32_t xen_sim_host_links(const struct xen_sim_host *h);
struct xen_sim *xen_sim_hosted(struct xen_sim_host *h);
void xen_sim_host_free(struct xen_sim_host *h);

#endif
