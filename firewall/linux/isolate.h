/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_ISOLATE_H
#define VIFWALL_FIREWALL_LINUX_ISOLATE_H

#include <stdint.h>

#include "packet/pkt_assert.h"

/*
 * How a process gives up what it no longer needs, in stages that can only be
 * walked forwards:
 *
 *	isolate_early()    first thing in main(): no core files, no debugger, no
 *	                   new privileges, no descriptors that are not ours
 *	(open everything)
 *	isolate_user()     another uid, no capability but those named
 *	isolate_data() or  empty file system and no other namespace's things,
 *	isolate_control()  system calls by list, all else kills the process
 *
 * ISOLATE_TRACE allows what the list forbids and has the kernel log it;
 * ISOLATE_OFF leaves out the last stage.  Builds with a sanitizer or coverage
 * need more system calls than we do: they are never stricter than
 * ISOLATE_OFF, and say so.
 */
enum isolate_mode { ISOLATE_ON, ISOLATE_TRACE, ISOLATE_OFF };

/* Closes every descriptor from @keep on.  0 or -errno. */
int VW_MUST_USE isolate_early(int keep);

enum isolate_caps {
	ISOLATE_NO_CAPS,
	ISOLATE_NET_CAPS, /* CAP_NET_ADMIN, CAP_NET_RAW: opens ports */
};

/*
 * Becomes @uid and @gid (0: stays who it is) with only @caps.  0 or -errno.
 */
int VW_MUST_USE isolate_user(uint32_t uid, uint32_t gid,
			     enum isolate_caps caps);

/* The last stage.  0 or -errno. */
int VW_MUST_USE isolate_data(enum isolate_mode mode);
int VW_MUST_USE isolate_control(enum isolate_mode mode);

#endif
