/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_LINK_RING_H
#define VIFWALL_FIREWALL_LINUX_LINK_RING_H

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

/*
 * Geometry of a packet socket's receive ring: what link.c asks for is what
 * port_packet.c maps.  A slot holds a frame of an ordinary link; a larger one
 * (an aggregate, a jumbo frame) comes by the socket's queue, so that it is
 * copied once there as well, and the ring stays small.
 */
#define RING_SLOT 2048u
#define RING_SLOTS 1024u
#define RING_LEN (RING_SLOT * RING_SLOTS)
#define RING_BLOCK (64u * 1024u)

#endif
