/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_HOST_CHECK_H
#define VIFWALL_FIREWALL_LINUX_HOST_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "packet/pkt_assert.h"

/*
 * May we start here, or would the kernel forward or answer beside us?
 *
 * The kernel sees every frame that a packet socket gets.  So an interface that
 * we use by one must have no address and must not forward, in either family;
 * one that is a TAP device must not forward when there is another of ours to
 * forward to.  Interfaces that are not there yet (a TAP that we will make) are
 * passed over.
 */
struct host_if {
	const char *name;
	bool packet; /* used by a packet socket; else a TAP device */
};

#define HOST_WHY_MAX 256u

/*
 * 0, or -EPERM with a sentence in @why that names the interface and what to do.
 * Other errors (no /proc): -errno.
 */
int VW_MUST_USE host_check(const struct host_if *ifs, size_t n,
			   char why[HOST_WHY_MAX]);

#endif
