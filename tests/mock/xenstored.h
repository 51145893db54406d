/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_XENSTORED_H
#define VIFWALL_TESTS_MOCK_XENSTORED_H

#include <stdbool.h>
#include <sys/types.h>

#include "xen/bus/store.h"

/*
 * A stock xenstored as an ordinary process without Xen, in a directory of its
 * own.  $XENSTORED_PATH leads to it; who comes by its socket is dom0.
 */
struct xenstored {
	pid_t pid;
	char bin[256]; /* where the program is */
	char dir[64];
};

/* False, and a line that says why: it is not to be had here. */
bool xenstored_start(struct xenstored *d);
/* A connection, as soon as it takes one; NULL: not within 20 seconds. */
struct store *xenstored_reach(void);
/* It dies, and all that was in it. */
void xenstored_kill(struct xenstored *d);
/* After xenstored_kill(): another one at the same place, with nothing in it. */
void xenstored_again(struct xenstored *d);
/* Nothing is left of it. */
void xenstored_stop(struct xenstored *d);

#endif
