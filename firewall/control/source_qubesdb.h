/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_SOURCE_QUBESDB_H
#define VIFWALL_FIREWALL_CONTROL_SOURCE_QUBESDB_H

#include "firewall/control/apply.h"
#include "firewall/control/tree.h"
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
 */
#define SOURCE_QUBESDB_HANDLED "/qubes-firewall-handled/"
#define SOURCE_QUBESDB_ERROR "/vifwall-error/"
#define SOURCE_QUBESDB_NEWS_MS 50u    /* dom0 changes several keys at a time */
#define SOURCE_QUBESDB_READY_MS 3000u /* the start waits for dom0 so long */

struct source_qubesdb {
	struct qubesdb db;
	struct tree *mirror, *tree;
	struct tree *due; /* "/ADDRESS" of commits that are not yet in force */
	const struct apply *apply;
	struct mono started, now;
	struct mono news; /* not 0: other keys than rules changed; see then */
	uint32_t told;	  /* apply's messages when errors were told last */
	bool connected;	  /* said so */
};

/*
 * Begins; @net, @t and @a outlive it.  -ENOMEM.  What it takes over goes to @t
 * whose listener is told as ever.
 */
int VW_MUST_USE source_qubesdb_open(struct source_qubesdb *s,
				    struct chan_net *net, struct tree *t,
				    const struct apply *a, struct mono now);
void source_qubesdb_close(struct source_qubesdb *s);

/* Does what can be done; when it wants to be called again. */
struct mono source_qubesdb_work(struct source_qubesdb *s, struct mono now);

/* Is it time to look at keys that are settings (qubes_keys.h)?  Says so once.
 */
bool source_qubesdb_news(struct source_qubesdb *s, struct mono now);

/* Was everything read once, or is dom0 not there? */
bool source_qubesdb_settled(const struct source_qubesdb *s, struct mono now);

#endif
