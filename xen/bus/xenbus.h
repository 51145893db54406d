/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_BUS_XENBUS_H
#define VIFWALL_XEN_BUS_XENBUS_H

#include <stdint.h>

/*
 * The states that the two ends of a device show each other in the XenStore
 * (xen/io/xenbus.h), and what each end does about the other's: tables, without
 * any I/O, that netback and netfront share.
 */
enum xenbus_state {
	XENBUS_UNKNOWN, /* absent, or not a number of this list */
	XENBUS_INITIALISING,
	XENBUS_INIT_WAIT,
	XENBUS_INITIALISED,
	XENBUS_CONNECTED,
	XENBUS_CLOSING,
	XENBUS_CLOSED,
	XENBUS_RECONFIGURING,
	XENBUS_RECONFIGURED,
	XENBUS_N
};

const char *xenbus_name(enum xenbus_state s);

/* What an end is to do, in this order; bits. */
#define XENBUS_DISCONNECT 0x01u	 /* rings and channels away */
#define XENBUS_SAY_CLOSING 0x02u /* write 5 */
#define XENBUS_SAY_CLOSED 0x04u	 /* write 6 */
#define XENBUS_SAY_INIT 0x08u	 /* write 1 (frontend) or 2 (backend) */
#define XENBUS_CONNECT 0x10u	 /* read the keys, connect; then write 4 */
#define XENBUS_SAY_RECONF 0x20u	 /* write 8 */
#define XENBUS_REMOVE 0x40u	 /* if dom0 took it offline: remove it */
#define XENBUS_PROTEST 0x80u	 /* the other end broke the protocol */

/* What the backend does when it is in @ours and sees @theirs. */
unsigned int xenbus_backend_does(enum xenbus_state ours,
				 enum xenbus_state theirs);
/* ... and the frontend. */
unsigned int xenbus_frontend_does(enum xenbus_state ours,
				  enum xenbus_state theirs);

#endif
