/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_PORT_PACKET_H
#define VIFWALL_FIREWALL_LINUX_PORT_PACKET_H

#include "packet/pkt_port.h"

/*
 * A packet socket as a port: frames come by a ring that is shared with the
 * kernel, without a system call, and go a batch at a time with one.
 */
struct port_packet {
	struct port port; /* first: the ops are handed a pointer to it */
	int fd;
	uint8_t *ring;
	uint32_t slots;
	uint32_t next; /* slot that the kernel fills next */
};

/*
 * @fd is of link_open_packet() with a ring of @slots, belongs to the port from
 * here on, and had no reader before.  The caller fills in mac, mtu and caps.  0
 * or -errno (@fd stays open).
 */
int VW_MUST_USE port_packet_init(struct port_packet *k, int fd, uint32_t slots);

/*
 * After epoll reported an error: 0 when it was one that passes (the interface
 * went down), -ENODEV when the interface is gone.
 */
int VW_MUST_USE port_packet_check(struct port_packet *k);

#endif
