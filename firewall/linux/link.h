/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_LINK_H
#define VIFWALL_FIREWALL_LINUX_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_assert.h"

/*
 * Opening links, which takes CAP_NET_ADMIN (TAP) or CAP_NET_RAW (packet
 * socket).  The descriptor is all that is needed afterwards, in whatever
 * process and network namespace.
 */
#define LINK_NAME_MAX 16u /* IFNAMSIZ, NUL included */

struct link {
	int fd;
	uint32_t ifindex;
	uint16_t mtu;
	uint32_t ring;	    /* slots of a packet socket's ring */
	uint8_t caps;	    /* PORT_* */
	struct pkt_mac mac; /* of the interface */
};

/*
 * A TAP device: @name is made, or is there already (persistent).  It is brought
 * up.  One that was made here goes when the last descriptor is closed.
 * @offload false: frames come and go with whole checksums and are never
 * aggregates.  0, or -errno: -EBUSY when somebody else has it, -EINVAL when
 * @name is something else than a TAP device.
 */
int VW_MUST_USE link_open_tap(struct link *l, const char *name, bool offload);

/* Memory of a packet socket. */
struct link_room {
	uint32_t ring;	/* frames, rounded up; taken at once */
	uint32_t queue; /* KiB that aggregates may take each way */
};
#define LINK_RING 1024u
#define LINK_QUEUE 8192u

/*
 * A packet socket on Ethernet interface @name, with a receive ring: all frames
 * that come in by it, of all protocols and to all multicast groups, and none
 * that goes out.  -ENODEV: no such interface.  -EPROTOTYPE: not Ethernet.
 * @room NULL: as built in.
 *
 * A ring has one reader from its first frame to its end: a new data process
 * needs a new socket.
 */
int VW_MUST_USE link_open_packet(struct link *l, const char *name, bool offload,
				 const struct link_room *room);

#endif
