/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_SIM_WIRE_H
#define VIFWALL_XEN_SIM_WIRE_H

#include <sys/socket.h>
#include <sys/un.h>

#include "xen/sim.h"

/*
 * What the two ends of a link say (sim_link.h): one record each way.  With the
 * answer, unless .err is set, come the region's memfd and then the eventfds of
 * all handles, in their order.
 */
#define SIM_WIRE_MAGIC 0x316b6e69u
#define SIM_WIRE_FDS (1u + XEN_SIM_HANDLES_MAX)
static_assert(SIM_WIRE_FDS <= 253, "the kernel takes so many at a time");

struct sim_hello {
	uint32_t magic;
	uint16_t dom, zero;
};

struct sim_welcome {
	uint32_t magic;
	int32_t err; /* errno */
	uint32_t handle;
	uint32_t fds;
};

union sim_wire_fds {
	struct cmsghdr hdr;
	char room[CMSG_SPACE(SIM_WIRE_FDS * sizeof(int))];
};

/* Where @dir has its socket; false with errno: the path is too long. */
bool sim_wire_address(const char *dir, struct sockaddr_un *out);

#endif
