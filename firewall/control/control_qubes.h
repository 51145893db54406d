/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_CONTROL_QUBES_H
#define VIFWALL_FIREWALL_CONTROL_CONTROL_QUBES_H

#include "firewall/control/qubes/qubes_keys.h"
#include "firewall/control/qubes/qubesdb_serve.h"
#include "firewall/linux/loop.h"

/*
 * The control process' part in Qubes: channels to other domains, and dom0's
 * QubesDB over one of them; or the QubesDB of a Linux qube's own daemon, and
 * nothing else.
 *
 * Data is told rules (apply_hold()) when dom0's settings are in force for the
 * first time.  When they can't be they stay closed until dom0 mends them;
 * later, what was in force stays so.  Either is said in the log, in the status
 * and to dom0.
 */
#define CONTROL_QUBES_CONFIG (CONF_TOLD_MAX - QUBES_KEYS_ADDRESSES)

struct control_qubes {
	struct chan_net *net; /* NULL: not in Qubes, and nothing below is */
	bool local;
	struct source_qubesdb db;
	struct qubesdb_serve serve; /* if .serves */
	bool serves, serve_known;   /* ... and the loop knows it */
	bool described;
	uint32_t made; /* connections of db that the loop knows */
	struct apply *apply;
	/* Lines of settings that are in force, as qubes_keys.h has them. */
	char addresses[QUBES_KEYS_ADDRESSES];
	char config[CONTROL_QUBES_CONFIG];
	bool taken;	/* .config was, at least once */
	uint32_t confs; /* those of apply that they were tried with */
	/* Reads all settings again; false: said why not. */
	bool (*reload)(void *ctx, char *said, size_t room);
	void *ctx;
};

/*
 * Before the process is locked in, after apply has its tree, with reload and
 * ctx set.  0, also when the settings say that there is nothing to do, or
 * -errno after saying why.
 */
int VW_MUST_USE control_qubes_open(struct control_qubes *q,
				   const struct conf *c, struct apply *a,
				   struct mono now);
/* The same by @net, which is ours then. */
int VW_MUST_USE control_qubes_open_on(struct control_qubes *q,
				      struct chan_net *net,
				      const struct conf *c, struct apply *a,
				      struct mono now);
/*
 * Does what is due; when it wants to be called again.  What wakes it is known
 * to @l as @type.
 */
struct mono control_qubes_work(struct control_qubes *q, struct loop *l,
			       uint32_t type);
/* Has dom0 told everything, or will it not? */
bool control_qubes_settled(const struct control_qubes *q, struct mono now);
/*
 * Writes what dom0 may know of us where its qubes.FeaturesRequest reads it;
 * true when it is there.
 */
bool control_qubes_described(struct control_qubes *q);
/* For names_ops.publish; @ctx is the struct control_qubes. */
void control_qubes_publish(void *ctx, const char *path, const char *value);
void control_qubes_close(struct control_qubes *q);

#endif
