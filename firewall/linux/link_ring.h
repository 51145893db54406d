/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_LINK_RING_H
#define VIFWALL_FIREWALL_LINUX_LINK_RING_H

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Geometry of a packet socket's receive ring: what link.c asks for is what
 * port_packet.c maps.  A slot holds a frame of an ordinary link; a larger one
 * (an aggregate, a jumbo frame) comes by the socket's queue, so that it is
 * copied once there as well, and the ring stays small.
 *
 * Slots for acknowledgements only, with all data in the queue, would take an
 * eighth of the memory, and forward a third less without aggregates: a copy
 * costs less than a frame of the queue does.
 */
#define RING_SLOT 2048u
#define RING_BLOCK (64u * 1024u)
#define RING_UNIT (RING_BLOCK / RING_SLOT) /* slots come in such numbers */
#define RING_SLOTS_MAX 65536u

static inline bool ring_ok(uint32_t slots)
{
	return slots && slots % RING_UNIT == 0 && slots <= RING_SLOTS_MAX;
}

#endif
