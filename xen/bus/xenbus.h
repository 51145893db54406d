/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_BUS_XENBUS_H
#define VIFWALL_XEN_BUS_XENBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The states that the two ends of a device show each other in the XenStore
 * (xen/io/xenbus.h), and what each end does about the other's: tables, without
 * any I/O.
 */
enum xenbus_state {
	XENBUS_UNKNOWN, /* absent, 0, or no number */
	XENBUS_INITIALISING,
	XENBUS_INIT_WAIT,
	XENBUS_INITIALISED,
	XENBUS_CONNECTED,
	XENBUS_CLOSING,
	XENBUS_CLOSED,
	XENBUS_RECONFIGURING,
	XENBUS_RECONFIGURED,
	XENBUS_FOREIGN, /* a number that is none of these */
	XENBUS_N
};

const char *xenbus_name(enum xenbus_state s);
/* What @len bytes in a `state` key mean; they may be anything. */
enum xenbus_state xenbus_parse(const char *text, size_t len);

/* What an end is to do, in this order; bits. */
#define XENBUS_DISCONNECT 0x01u	 /* rings and channels away */
#define XENBUS_SAY_CLOSING 0x02u /* write 5 */
#define XENBUS_SAY_CLOSED 0x04u	 /* write 6 */
#define XENBUS_SAY_INIT 0x08u	 /* write 1 (frontend) or 2 (backend) */
#define XENBUS_CONNECT 0x10u	 /* read the keys, connect; then write 4 */
#define XENBUS_SAY_RECONF 0x20u	 /* write 8 */
#define XENBUS_PROTEST 0x40u	 /* the other end broke the protocol */

/*
 * What the backend does that is in @ours and sees @theirs.  It is in
 * XENBUS_CONNECTED from when it has rings, also before it said so, and also
 * after it said XENBUS_RECONFIGURED.
 */
unsigned int xenbus_backend_does(enum xenbus_state ours,
				 enum xenbus_state theirs);

/*
 * ... and the frontend.  @late: nothing has changed for so long that it does
 * not wait any more.
 */
unsigned int xenbus_frontend_does(enum xenbus_state ours,
				  enum xenbus_state theirs, bool late);

/* dom0 takes the device away (online = 0), whatever the other end shows. */
unsigned int xenbus_offline_does(enum xenbus_state ours);

/* The backend of a vif that is closed until dom0 makes it anew. */
unsigned int xenbus_closed_does(enum xenbus_state ours,
				enum xenbus_state theirs);

#endif
