/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_INIT_H
#define VIFWALL_FIREWALL_LINUX_INIT_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_assert.h"

/*
 * vifwalld as the only program of a machine.  The kernel starts the same file
 * under three names:
 *
 *	/init		its first process: mounts what the daemon needs, starts
 *			it, takes in whatever ends, and ends the machine
 *	/sbin/poweroff	by the kernel when somebody (dom0) wants the machine to
 *			end: asks /init to
 *	/sbin/reboot	the same, when it is to begin anew
 *
 * There is no shell, no login, and nothing else to start.  The machine ends
 *
 *	in order	/sbin/poweroff or SIGTERM: off.  /sbin/reboot or SIGINT:
 *			begins anew.  The daemon is told first, and has
 *			init_job.stop_ms to close its ports.
 *	by itself	when the daemon does, and starting it anew makes no
 *			sense: because of its exit code, or because it broke
 *			init_job.again times in a row.  Nothing passes without
 *			it, so a machine that is gone tells dom0 more than one
 *			that does nothing.
 *
 * What a fault or the kernel (of memory, there is little) ended is started anew
 * after a pause that doubles.  Meanwhile nothing passes; then guests' rings are
 * taken up where they are.
 *
 * Should /init itself die the kernel panics, which ends the machine as well.
 */
enum init_role { INIT_NONE, INIT_FIRST, INIT_POWEROFF, INIT_REBOOT };

/* What we are by our name, and by being a machine's first process. */
enum init_role init_role(const char *argv0);

/* What /init starts; tests have other things to start. */
struct init_job {
	const char *path;
	const char *const *argv; /* NULL at the end */
	uint32_t stop_ms;	 /* for it to end in order */
	bool bare;		 /* mounts nothing */
	uint32_t again;		 /* times in a row that it is started anew */
	uint32_t pause_ms;	 /* before the first of them */
	uint32_t steady_ms;	 /* whoever ran that long begins a new row */
};
extern const struct init_job init_daemon;

/*
 * Never comes back but to say -errno: not the first process, or the machine
 * would not end.
 */
int VW_MUST_USE init_run(const struct init_job *job);
/* Asks /init for INIT_POWEROFF or INIT_REBOOT.  An exit code: 0, or 1 when
 * there is nobody to ask. */
int init_ask(enum init_role role);

#endif
