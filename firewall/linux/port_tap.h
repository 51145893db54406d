/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_PORT_TAP_H
#define VIFWALL_FIREWALL_LINUX_PORT_TAP_H

#include "packet/pkt_port.h"

/*
 * A TAP device as a port: one system call for each frame, and none besides but
 * the one that finds the queue empty.
 */
struct port_tap {
	struct port port; /* first: the ops are handed a pointer to it */
	int fd;
};

/*
 * @fd is of link_open_tap() and belongs to the port from here on.  The caller
 * fills in mac, mtu and caps.
 */
void port_tap_init(struct port_tap *t, int fd);

#endif
