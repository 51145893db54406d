/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_PORT_H
#define VIFWALL_PACKET_PKT_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_assert.h"
#include "packet/pkt_buf.h"
#include "packet/pkt_time.h"

/*
 * The seam towards links: a TAP device, a packet socket, a Xen ring, a file.
 * One indirect call per batch.  A backend embeds struct port as its first
 * member and fills it when it is opened.
 */
struct port;

struct port_ops {
	const char *name;
	/*
	 * Appends received frames to @out, at most to PKT_BATCH.  Frames are
	 * complete (data, len, flags CSUM_*, gso_*, in) but not parsed; the
	 * caller owns them.  What is no frame, or finds no buffer, is dropped
	 * and counted in stats.  0, or -errno: the port is dead, the owner
	 * closes it and never polls it again.
	 */
	int (*recv)(struct port *port, struct pkt_pool *pool,
		    struct pkt_batch *out, struct mono now);
	/*
	 * Takes all of @in (its n becomes 0).  Frames fit caps: see struct
	 * port.  What can't be sent now is dropped and counted in stats.
	 */
	int (*send)(struct port *port, struct pkt_pool *pool,
		    struct pkt_batch *in, struct mono now);
	/*
	 * Asks to be woken by wake_fd when frames come.  True: frames came
	 * meanwhile, poll again instead of sleeping.
	 */
	bool (*arm)(struct port *port);
	void (*close)(struct port *port);
};

struct port_stats {
	uint64_t recv_packets, recv_bytes;
	uint64_t send_packets, send_bytes;
	uint64_t recv_dropped; /* all; what is in none of the next two was
				  malformed at the link */
	uint64_t recv_starved; /* ... for want of a buffer */
	uint64_t recv_overrun; /* ... by the link: its own queue was full */
	uint64_t send_dropped;
	uint64_t syscalls;
};

/*
 * What the link takes.  Without PORT_CSUM every transport checksum must be
 * complete; without PORT_GSO4/6 aggregates must be cut first.
 */
#define PORT_CSUM 0x01u
#define PORT_GSO4 0x02u
#define PORT_GSO6 0x04u

struct port {
	const struct port_ops *ops;
	struct pkt_mac mac; /* our own address on this link */
	uint16_t id;	    /* index in the shard's port table */
	uint16_t mtu;	    /* largest IP packet that goes out whole */
	uint8_t caps;	    /* PORT_* */
	int wake_fd;	    /* for epoll; -1: none (polled) */
	struct port_stats stats;
};

#endif
