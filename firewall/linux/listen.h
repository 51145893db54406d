/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_LISTEN_H
#define VIFWALL_FIREWALL_LINUX_LISTEN_H

#include <stdint.h>
#include <sys/types.h>

#include "packet/pkt_assert.h"

/*
 * A socket that listens at @path, with the rights @mode, and of the group @gid
 * if that is not 0; it does not block.  A socket without a listener that stands
 * there is removed.  -EADDRINUSE: somebody listens there, or it is no socket;
 * -ENAMETOOLONG; -errno.
 */
int VW_MUST_USE listen_local(const char *path, mode_t mode, uint32_t gid,
			     uint32_t backlog);

#endif
