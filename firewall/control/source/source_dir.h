/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_SOURCE_SOURCE_DIR_H
#define VIFWALL_FIREWALL_CONTROL_SOURCE_SOURCE_DIR_H

#include "firewall/control/conf/conf.h"
#include "firewall/control/source/tree.h"
#include "packet/pkt_time.h"

/*
 * Rules from a directory that is laid out as QubesDB is:
 *
 *	DIR/connected-ips			read whenever it is written
 *	DIR/connected-ips6
 *	DIR/qubes-firewall/10.137.0.5/policy
 *	DIR/qubes-firewall/10.137.0.5/0000
 *
 * `touch DIR/qubes-firewall/10.137.0.5` commits what is in that directory.  So
 * does moving a directory to that name, in one step (exchange) or two; this is
 * the way that can't meet a reader halfway.  Creating, writing and removing
 * files does nothing.  When files change again within SOURCE_VERIFY_MS of the
 * touch, that commit is passed over: its writer is at work, and will commit
 * again.  Removing the directory closes the client; making it anew keeps the
 * old set until the commit.  Directories that exist when the daemon starts, or
 * when DIR or DIR/qubes-firewall appears, count as committed.  Symbolic links
 * below DIR are not followed.
 *
 * While DIR can't be read, what was committed stays in force, and nothing new
 * opens.  It is looked for again every SOURCE_RETRY_MS.
 */
#define SOURCE_SETS 1024u
#define SOURCE_GONE_MS 20u /* a set's directory may be between two moves */
#define SOURCE_VERIFY_MS 10u
#define SOURCE_SETTLE_MS 50u /* no event for so long: it is written */
#define SOURCE_RETRY_MS 1000u

struct source_set {
	bool used;
	bool commit;	    /* to be read */
	bool moved;	    /* by a move: it came whole */
	bool touched;	    /* a file changed after the last commit */
	struct mono verify; /* not 0: read; counts then, unless touched */
	struct mono gone;   /* not 0: closed then, unless it is back */
	int wd;
	char name[PKT_ADDR_TEXT]; /* canonical */
};

struct source_dir {
	struct tree *tree;
	int inotify;
	int dir, rules; /* descriptors; -1: not there */
	int wd_dir, wd_rules;
	struct mono again; /* not 0: look at everything then */
	bool settling;	   /* ... or later, while events come */
	struct mono settle_end;
	char path[CONF_PATH_MAX];
	char trouble[160]; /* what keeps it from being read; empty: nothing */
	struct source_set set[SOURCE_SETS];
};

/* Opens and reads.  0, also when @path is not there, or -errno. */
int VW_MUST_USE source_dir_open(struct source_dir *s, const char *path,
				struct tree *t, struct mono now);
void source_dir_close(struct source_dir *s);

/* s->inotify is readable. */
void source_dir_events(struct source_dir *s, struct mono now);
/*
 * Does what is due; returns when it wants to be called again, UINT64_MAX when
 * only for events.
 */
struct mono source_dir_tick(struct source_dir *s, struct mono now);
/* Reads everything anew, as at the start. */
void source_dir_again(struct source_dir *s, struct mono now);

/* Is all that was committed in the tree by now? */
bool source_dir_settled(const struct source_dir *s);
/* Did a file of this address' set change since its commit? */
bool source_dir_touched(const struct source_dir *s, const char *name);

#endif
