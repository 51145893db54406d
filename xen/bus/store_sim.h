/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_BUS_STORE_SIM_H
#define VIFWALL_XEN_BUS_STORE_SIM_H

#include <stdint.h>

#include "xen/bus/store.h"

/*
 * The XenStore as a domain of a simulated Xen sees it (xen/sim_link.h).  Behind
 * it is a stock xenstored, which takes all who come by its socket for dom0: so
 * relative paths are made to count from /local/domain/<dom>/ here.  Rights and
 * quotas are dom0's.
 */

/*
 * Opens DIR/socket; sets $XENSTORED_PATH unless it says so already, so no other
 * thread may read the environment when it is opened first.  NULL: *err.
 */
struct store *store_sim_open(const char *dir, uint16_t dom, int *err);
/* The same over @real, which is closed with it; NULL: no memory. */
struct store *store_sim_over(struct store *real, uint16_t dom);

#endif
