/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_XEN_CHECK_H
#define VIFWALL_FIREWALL_LINUX_XEN_CHECK_H

#include "firewall/linux/host_check.h"

/*
 * May we be the backend of this domain's vifs, or would somebody else take them
 * as well?  The kernel's own backend does, and forwards what comes in; `xl
 * devd` removes the directories that we wait for dom0 to want removed.
 */
struct xen_check_paths {
	const char *driver; /* is there when the kernel's backend is */
	const char *proc;
};

/* Of a machine as it is. */
extern const struct xen_check_paths xen_check_system;

/* 0, -EPERM with a sentence in @why that says what to do, or -errno. */
int VW_MUST_USE xen_check(const struct xen_check_paths *p,
			  char why[HOST_WHY_MAX]);

#endif
