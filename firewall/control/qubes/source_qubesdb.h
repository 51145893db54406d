/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_QUBES_SOURCE_QUBESDB_H
#define VIFWALL_FIREWALL_CONTROL_QUBES_SOURCE_QUBESDB_H

#include "firewall/control/apply/apply.h"
#include "firewall/control/source/tree.h"
#include "xen/qubes/qubesdb.h"

/*
 * Rules from dom0's QubesDB, as dom0 writes them: what stands below
 * /qubes-firewall/ADDRESS/ counts from when /qubes-firewall/ADDRESS is written.
 *
 * There are two trees.  The mirror is exactly what dom0's daemon has.  The
 * other one is what all sources share, and outlives a connection: while dom0's
 * daemon is away everything stays as it was committed.  Of what a daemon has
 * when it is back, sets with their own key count as committed.  A daemon that
 * was started anew knows nothing until dom0 writes it, so what it lacks stays
 * too; one that has /name has everything, and what it lacks was removed.
 *
 * Written back, when data has what was committed:
 *
 *	/qubes-firewall-handled/ADDRESS	how many commits so far
 *	/vifwall-error/ADDRESS		why that client is closed, or ""
 *	/vifwall-error/settings		why settings of dom0 are not in force
 *
 * and at once, and again after each connection:
 *
 *	/dns/ADDRESS/NAME		what a name in that client's rules is
 *					(control/names/names.h), where it fits
 */
#define SOURCE_QUBESDB_HANDLED "/qubes-firewall-handled/"
#define SOURCE_QUBESDB_ERROR "/vifwall-error/"
#define SOURCE_QUBESDB_SETTINGS SOURCE_QUBESDB_ERROR "settings"
#define SOURCE_QUBESDB_NAMES "/dns/"
#define SOURCE_QUBESDB_WRONG 256u
#define SOURCE_QUBESDB_NEWS_MS 50u    /* dom0 changes several keys at a time */
#define SOURCE_QUBESDB_READY_MS 3000u /* the start waits for dom0 so long */

struct source_qubesdb {
	struct qubesdb db;
	struct tree *mirror, *tree;
	struct tree *due; /* "/ADDRESS" of commits that are not yet in force */
	struct tree *names; /* what is to stand below SOURCE_QUBESDB_NAMES */
	bool names_due;	    /* ... and may differ from the mirror */
	const struct apply *apply;
	struct mono started, now;
	struct mono since;     /* connected, or not, */
	struct mono committed; /* last; 0: never */
	uint64_t commits;
	struct mono news; /* not 0: other keys than rules changed; see then */
	uint32_t told;	  /* apply's messages when errors were looked at last */
	bool errors_due;  /* ... and may differ from the mirror */
	bool connected;	  /* said so */
	/* Why not all settings of dom0 are in force; empty: they are. */
	char wrong[SOURCE_QUBESDB_WRONG];
	/* The mirror has changed, as in tree.h; NULL: nobody wants to know. */
	void (*changed)(void *ctx, const char *path);
	void *changed_ctx;
};

/*
 * Begins; @net leads to dom0, or to a @local daemon.  @net, @t and @a outlive
 * it.  -ENOMEM.  What it takes over goes to @t
 * whose listener is told as ever.
 */
int VW_MUST_USE source_qubesdb_open(struct source_qubesdb *s,
				    struct chan_net *net, bool local,
				    struct tree *t, const struct apply *a,
				    struct mono now);
void source_qubesdb_close(struct source_qubesdb *s);

/* Does what can be done; when it wants to be called again. */
struct mono source_qubesdb_work(struct source_qubesdb *s, struct mono now);

/* Is it time to look at keys that are settings (qubes_keys.h)?  Says so once.
 */
bool source_qubesdb_news(struct source_qubesdb *s, struct mono now);

/* Those of now can't be, as the printable sentence @why says; "": they are. */
void source_qubesdb_wrong(struct source_qubesdb *s, const char *why);

/* For names_ops.publish; told when there is a connection. */
void source_qubesdb_publish(struct source_qubesdb *s, const char *path,
			    const char *value);

/* Writes what is to be told; source_qubesdb_work() does it. */
void source_qubesdb_tell(struct source_qubesdb *s);

/* Was everything read once, or is dom0 not there? */
bool source_qubesdb_settled(const struct source_qubesdb *s, struct mono now);

#endif
