/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_ROLE_ROLES_H
#define VIFWALL_FIREWALL_ROLE_ROLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firewall/path/fw.h"
#include "firewall/share/fw_types.h"
#include "rules/rule.h"

/*
 * One binary, three processes:
 *
 *	parent ----- note ----- control     rules, ports, operator's socket;
 *	   \                       |        sees no packet
 *	    `-- SIGTERM            | msg.h
 *	           \               |
 *	            data ----------'        packets; no files, no rights
 *
 * The parent reads the settings once, keeps the shared memory, and starts both
 * others by fork and exec of the same binary as
 *
 *	vifwalld --role=control
 *	vifwalld --role=data
 *
 * with the descriptors below and nothing else but stderr.  It has no network
 * input, so it is what remains when another one breaks:
 *
 * - data dies: its packets stop.  A new one is started (at once, then after a
 *   pause that grows, and at most ROLE_RESTARTS times a minute) and adopts the
 *   flows; it forwards nothing of a client that control has not told it of
 *   again.
 * - control dies, or data breaks too often: the parent ends what is left and
 *   exits, for the service manager to decide.  Nothing passes without data.
 * - Before control has said ROLE_NOTE_READY the first exit of either ends the
 *   start, with that process' exit code.
 * - SIGTERM or SIGINT to the parent: data closes every port first, then control
 *   cleans up, then the parent exits 0.  SIGHUP becomes ROLE_NOTE_RELOAD.
 *   Both children ignore SIGINT, SIGHUP and SIGPIPE.
 */

/* Exit codes of every role; those above 2 are sysexits(3)'s. */
enum role_exit {
	ROLE_OK = 0,
	ROLE_USAGE = 2,	       /* command line or settings */
	ROLE_UNAVAILABLE = 69, /* an interface or device is missing, or the
				  host would forward beside us */
	ROLE_INTERNAL = 70,    /* our fault, or a process broke too often */
	ROLE_OS = 71,	       /* no memory, no descriptor, no right */
	ROLE_SECOND = 75,      /* another instance holds the lock */
};

/* Descriptors that exec hands over. */
enum role_fd {
	ROLE_FD_CONF = 3, /* sealed memfd: the bytes given to role_parent() */
	ROLE_FD_VIEW = 4, /* memfd of view_size(); control: read only */
	ROLE_FD_LINK = 5, /* SOCK_SEQPACKET.  control: to the parent, notes;
			     data: to control, msg.h */
	ROLE_FD_KEEP = 6, /* data alone: memfd of data_keep_size() */
};

/*
 * Notes between the parent and control, one per record.
 *
 * ROLE_NOTE_DATA comes once at the start and again whenever there is a new data
 * process: its descriptor is control's end of that process' message socket.
 * Control then forgets the old socket with all that waited for an answer, and
 * tells the new process its whole state: ports, uplink, guard, pairs, clients,
 * rules.  So control keeps its own copy of each port's descriptor; that also
 * keeps a TAP device of ours in being across a restart.
 */
enum role_note_type {
	ROLE_NOTE_DATA = 1, /* parent says; 1 fd */
	ROLE_NOTE_RELOAD,   /* parent says: SIGHUP came */
	ROLE_NOTE_STOP,	    /* parent says: data is stopped; clean up, exit */
	ROLE_NOTE_LEAVE,    /* parent says: as STOP, because something broke;
			       the host's rules stay */
	ROLE_NOTE_READY,    /* control says: first state is with data */
};

struct role_note {
	uint32_t type; /* enum role_note_type */
};

/*
 * Sends one note; @fd -1 or a descriptor to go with it (it stays open here).
 * 0 or -errno.
 */
int VW_MUST_USE role_note_send(int link, enum role_note_type type, int fd);
/*
 * Takes one note: its type with *@fd set (-1: none), 0 when none waits, -EPIPE
 * when the other side is gone, -EBADMSG for a record that is no note.
 */
int VW_MUST_USE role_note_recv(int link, int *fd);

#define ROLE_DIR_MAX 64u
#define ROLE_RESTARTS 5u
#define ROLE_STOP_MS 4000u /* for a child to exit before it is killed */

/* Which Xen the data process opens. */
enum role_xen {
	ROLE_XEN_OFF,
	ROLE_XEN_ON,
	ROLE_XEN_SIM, /* a simulated one (xen/xen_sim.h) */
};

#define ROLE_PATH_MAX 108u /* of a Unix socket */

/* What the parent and the data process need to know. */
struct role_conf {
	struct fw_conf fw;  /* keys and seeds: data fills them in itself */
	uint32_t uid, gid;  /* data becomes these; 0: keeps its own */
	uint32_t busy_us;   /* busy polling (linux/loop.h) */
	bool prefault;	    /* all memory is present from the start */
	uint8_t sandbox;    /* enum isolate_mode (linux/isolate.h) */
	uint8_t log_target; /* enum log_target (linux/log.h) */
	uint8_t log_level;  /* enum log_level */
	uint8_t xen;	    /* enum role_xen */
	uint16_t xen_self;  /* ROLE_XEN_SIM: our domain there */
	char xen_path[ROLE_PATH_MAX]; /* ROLE_XEN_SIM: where it is hosted */
	char run_dir[ROLE_DIR_MAX];   /* holds the lock */
};

/*
 * Runs until stopped; returns an enum role_exit.  @conf is what main() wants
 * its children to know: plain bytes without pointers, given to them through
 * ROLE_FD_CONF.  Each role calls isolate_early(), which closes what it was not
 * given, and then opens its own log.
 */
int role_parent(const struct role_conf *rc, const void *conf, size_t len);

/*
 * First thing in a child: what ps(1) calls it, and which of a terminal's and a
 * broken pipe's signals it ignores.
 */
void role_begin(const char *name);

/* In a child: reads @len bytes back from ROLE_FD_CONF.  0 or -errno. */
int VW_MUST_USE role_conf_read(void *conf, size_t len);

/* The data process, on ROLE_FD_VIEW and ROLE_FD_LINK.  An enum role_exit. */
int role_data(const struct role_conf *rc);

/*
 * Its Xen, NULL in *@out without one; opens files.  0 or -errno, and then the
 * log has said why.
 */
struct xen;
int VW_MUST_USE role_xen_open(struct xen **out, const struct role_conf *rc);

/* The control process, on ROLE_FD_VIEW and ROLE_FD_LINK.  An enum role_exit. */
struct conf;
int role_control(const struct conf *c);

#endif
