/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_NAMES_NAMES_H
#define VIFWALL_FIREWALL_CONTROL_NAMES_NAMES_H

#include "firewall/control/apply/apply.h"

/*
 * Host names in rules: which there are, asking for them, and building sets
 * again when their addresses change.
 *
 * The table (rules/rule_names.h) holds what is known; this keeps it in step
 * with the sets in force.  Sets are built again as they were committed, and
 * not more often than their size allows: a set with many rules waits a little
 * for more changes.  Packets are judged by the old one or the new one.
 *
 * Who asks is behind names_ops: control/names/resolver.h, or a test.
 */
#define NAMES_PAUSE_MS 100u   /* between two buildings of one client's sets */
#define NAMES_PAUSE_RULES 10u /* ... and 1 ms more for so many rules */

struct names_ops {
	/*
	 * Asks for @name's addresses; names_answer() is called once, later.
	 * False: not now, try again soon.
	 */
	bool (*ask)(void *ctx, const char *name, enum rule_family family);
	/*
	 * May be NULL.  What QubesDB is to hold: /dns/ADDRESS/NAME and the
	 * addresses between blanks; @value NULL: all below @path goes, which
	 * ends with '/'.
	 */
	void (*publish)(void *ctx, const char *path, const char *value);
	void *ctx;
};

struct names {
	const struct names_ops *ops;
	struct apply *apply;
	struct rule_names *table;
	bool uplink;	    /* was there */
	struct mono expire; /* when addresses have to be looked at */
	struct {
		bool due;     /* its sets are to be built again */
		bool publish; /* other names than before */
		bool over;    /* has more names than it may */
		bool waits;   /* for what it is told, up to .ask */
		uint32_t ask;
		struct mono built;
	} client[APPLY_SLOTS];
};

/* What answers a question may have, for names_answer(). */
struct names_reply {
	const void *msg; /* as it came; NULL: nobody answered */
	size_t len;
};

/* Names resolve from here on, if the settings want that.  0 or -ENOMEM. */
int VW_MUST_USE names_open(struct names *k, struct apply *a,
			   const struct names_ops *ops);
void names_close(struct names *k);
/* The settings in force have changed. */
void names_conf(struct names *k, struct mono now);

/* An answer to ops->ask; its bytes are anybody's. */
void names_answer(struct names *k, const char *name, enum rule_family family,
		  const struct names_reply *r, struct mono now);
/*
 * What a client is about to be told; bytes of anybody.  It is told when its
 * rules are in step.
 */
void names_seen(struct names *k, const struct fw_dns_msg *m, struct mono now);

/* To be called in each turn; returns when it wants to be called again. */
struct mono names_work(struct names *k, struct mono now);

#endif
