/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_XEN_LIBS_H
#define VIFWALL_XEN_XEN_LIBS_H

#include <stdint.h>

#include "xen/xen_ops.h"

/*
 * The real Xen, by way of libxengnttab, libxenevtchn and the kernel's devices
 * /dev/xen/gntdev, gntalloc and evtchn.  Both functions open files: they are
 * called before the process is locked in.  After that a handle needs the system
 * calls that are listed in xen_libs.c, and no others.
 */

/* What the libraries have to say, one line, in words of theirs. */
struct xen_libs_log {
	void (*line)(void *ctx, const char *text);
	void *ctx;
};

/* @log NULL: nobody listens.  NULL with errno, ENOENT: the modules miss. */
struct xen *xen_libs_open(const struct xen_libs_log *log);

/*
 * Lets all processes of the machine together share at least @pages; the kernel
 * begins with 1024.  0, -ENOENT: no gntalloc, or -errno.
 */
int VW_MUST_USE xen_libs_raise_limit(uint32_t pages);

#endif
