/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_VNET_H
#define VIFWALL_FIREWALL_LINUX_VNET_H

#include <linux/virtio_net.h>
#include <stdbool.h>

#include "packet/pkt_buf.h"

/*
 * The header that Linux puts before a frame on TAP devices and packet sockets:
 * which checksum is still to be made, and how an aggregate is to be cut.
 */
#define VNET_LEN 10u
static_assert(sizeof(struct virtio_net_hdr) == VNET_LEN, "legacy header");

/*
 * Sets the checksum flags and the gso fields of a received, not yet parsed
 * frame.  The header may be as odd as it likes: what it asks for is either one
 * of the forms that the parser will find in the frame, or it is carried out
 * here at once, or (false) the frame is to be dropped.
 */
bool vnet_recv(struct pkt *p, const struct virtio_net_hdr *h);

/* The header for a parsed frame that is to be sent. */
void vnet_send(struct virtio_net_hdr *h, const struct pkt *p);

#endif
