/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_LOCK_H
#define VIFWALL_FIREWALL_LINUX_LOCK_H

#include <stdbool.h>

#include "packet/pkt_assert.h"

/*
 * One instance for each run directory: a file there that is locked as long as
 * the descriptor is open, also when the process is killed.
 */
struct lock {
	int fd;
	int dir; /* the directory */
	bool made_dir;
};

/*
 * Makes @dir (mode 0755) when it is not there.  0, -EBUSY when another
 * instance runs, else -errno.
 */
int VW_MUST_USE lock_take(struct lock *l, const char *dir);
/* Removes the file, and @dir when it was made here and is empty. */
void lock_drop(struct lock *l, const char *dir);

#endif
