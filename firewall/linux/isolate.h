/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_ISOLATE_H
#define VIFWALL_FIREWALL_LINUX_ISOLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_assert.h"

/*
 * How a process gives up what it no longer needs, in stages that can only be
 * walked forwards:
 *
 *	isolate_early()    first thing in main(): no core files, no debugger, no
 *	                   new privileges, no descriptors that are not ours
 *	(open what has a name)
 *	isolate_world()    data only: no file system, no network, no host name
 *	isolate_user()     another uid, no capability but those named
 *	isolate_data() or  system calls by list, all else kills the process
 *	isolate_control()
 *
 * The lists are the "#syscalls ROLE...: CALL..." lines in the comments of the
 * functions that make the calls, gathered by tests/tools/gen-seccomp.
 *
 * ISOLATE_TRACE allows what the list forbids and has the kernel log it;
 * ISOLATE_OFF leaves out the last stage.  Builds with a sanitizer or for
 * coverage need more system calls than we do: they behave as with ISOLATE_OFF,
 * and say so.
 */
enum isolate_mode { ISOLATE_ON, ISOLATE_TRACE, ISOLATE_OFF };

/* Closes every descriptor from @keep on.  0 or -errno. */
int VW_MUST_USE isolate_early(int keep);

/*
 * An empty root, an empty network namespace, own IPC and host name.  Needs
 * CAP_SYS_ADMIN: without it nothing changes.  The file system is closed by
 * Landlock, too, where the kernel has it.  0 or -errno.
 */
int VW_MUST_USE isolate_world(void);

enum isolate_caps {
	ISOLATE_NO_CAPS,
	ISOLATE_NET_CAPS,      /* CAP_NET_ADMIN, CAP_NET_RAW: opens ports */
	ISOLATE_NET_TIME_CAPS, /* and CAP_SYS_TIME: sets the clock */
};

/*
 * Becomes @uid and @gid (0, or not started as root: stays who it is) with only
 * @caps, and dies with its parent from here on.  0 or -errno.
 */
int VW_MUST_USE isolate_user(uint32_t uid, uint32_t gid,
			     enum isolate_caps caps);

/* Was this process given what ISOLATE_NET_TIME_CAPS would keep for the clock?
 */
bool isolate_may_set_clock(void);

/* The last stage.  0 or -errno. */
int VW_MUST_USE isolate_data(enum isolate_mode mode);
int VW_MUST_USE isolate_control(enum isolate_mode mode);

#endif
