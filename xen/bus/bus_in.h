/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_BUS_BUS_IN_H
#define VIFWALL_XEN_BUS_BUS_IN_H

#include "xen/bus/bus.h"

/*
 * What the files of the bus share; bus.h is its outside.
 *
 * A vif (and the uplink) has two lives.  Its state is what we show in the
 * XenStore.  Its link is about rings, which others make and drop for us:
 *
 *	NONE ----connect()----> ASKED --bus_connected(0)--> UP
 *	  ^ ^--bus_connected(err)--'                         |
 *	  '------bus_disconnected()-- DROPPING <-disconnect()'  (also from
 *ASKED)
 *
 * While it is DROPPING nothing else is done with it.
 */
enum bus_link_state { LINK_NONE, LINK_ASKED, LINK_UP, LINK_DROPPING };

#define BUS_MARK_LOOK 0x1u /* states */
#define BUS_MARK_CONF 0x2u /* and what dom0 says of it */

#define BUS_DIR_MAX 48u	     /* of the paths that bus_path.c makes */
#define BUS_NAMES_MAX 65536u /* one listing */

struct limit {
	struct mono at[BUS_CONNECTS]; /* a ring */
	uint8_t next;
	struct mono pause; /* not before */
};

struct vif {
	bool used;
	bool gone; /* dom0 took it away while it was DROPPING */
	uint8_t mark;
	uint8_t link; /* enum bus_link_state */
	uint8_t todo; /* XENBUS_*: what follows when the rings are gone */
	bool watched, told;
	bool first;  /* rings may be a predecessor's */
	bool resume; /* ... or of a data process that died */
	bool broken; /* until the frontend leaves 4 */
	bool quarantined;
	uint8_t strikes;
	uint8_t ours, theirs; /* enum xenbus_state */
	struct mono ours_since, theirs_since;
	struct mono again;  /* not 0: look then */
	struct mono remove; /* not 0: our directory goes then */
	struct limit connects, offers, closings;
	struct bus_vif conf;
	struct bus_rings rings;
	char trouble[BUS_TROUBLE];
};

struct uplink {
	bool mark, watched;
	bool up; /* uplink_up() was told */
	bool stopping, stopped;
	uint8_t link, todo;
	uint8_t ours, theirs;
	struct mono ours_since, theirs_since;
	struct mono again;
	struct mono up_since;
	struct mono not_before; /* it does not begin anew sooner */
	struct mono ask_after;	/* ... nor ask for rings */
	uint32_t backoff_ms;
	struct bus_uplink u;
	uint32_t tx_ref, rx_ref, evt;
	bool keys;		/* ... to be written */
	char back[BUS_DIR_MAX]; /* the backend's directory */
	char trouble[BUS_TROUBLE];
};

struct rule_due {
	char path[BUS_KEY_PATH];
	struct mono at;
};

#define BUS_RULES_DUE 64u

struct rules {
	bool all;
	struct mono all_at;
	uint32_t n;
	struct rule_due due[BUS_RULES_DUE];
};

struct bus {
	struct store *store;
	struct bus_conf conf;
	struct bus_ops ops;
	bool scan;
	bool more; /* events wait */
	struct mono scan_again;
	uint32_t high; /* vifs above were never used */
	struct vif vif[BUS_VIFS];
	struct uplink up;
	struct rules rules;
	char trouble[BUS_TROUBLE];
	char names[BUS_NAMES_MAX];
	char value[BUS_KEY_VALUE + 1];
};

/* bus.c */
void bus_note(char out[BUS_TROUBLE], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The sooner one of *@at and @t; 0 is never. */
void bus_sooner(struct mono *at, struct mono t);

/* bus_path.c */
void bus_path_back(char out[BUS_DIR_MAX], struct bus_id id);
void bus_path_front(char out[BUS_DIR_MAX], struct bus_id id);
/* The backend's directory in @id.dom of our own device/vif/<handle>. */
void bus_path_netvm(char out[BUS_DIR_MAX], struct bus_id id, uint16_t self);
/* out of STORE_PATH_MAX bytes. */
void bus_path_join(char *out, const char *dir, const char *name);
enum bus_path_kind {
	BUS_PATH_OTHER, /* nothing of ours */
	BUS_PATH_TOP,	/* backend/vif, or backend/vif/<dom> */
	BUS_PATH_STATE, /* a key of a vif that changes as it is used */
	BUS_PATH_VIF,	/* the vif itself, or any other key of it */
};
/* What an event of the watch on backend/vif is about. */
enum bus_path_kind bus_path_parse(const char *path, struct bus_id *id);
/* "<dom>/<handle>", both canonical. */
bool bus_path_parse_id(const char *text, struct bus_id *id);
bool bus_path_parse_dom(const char *text, size_t len, uint16_t *out);

/* bus_read.c: 0, or -errno with @why. */
int bus_read_state(struct store *s, const char *dir, enum xenbus_state *out);
int bus_read_vif(struct store *s, const struct bus_conf *c, struct bus_vif *v,
		 char why[BUS_TROUBLE]);
int bus_read_rings(struct store *s, struct bus_rings *r, char why[BUS_TROUBLE]);
int bus_read_uplink_id(struct store *s, const struct bus_conf *c,
		       struct bus_id *id, char why[BUS_TROUBLE]);
int bus_read_uplink(struct store *s, const char *back, struct bus_uplink *u,
		    char why[BUS_TROUBLE]);
/* Is @err the other end's doing?  Otherwise the store had its troubles. */
bool bus_read_is_theirs(int err);

/* bus_say.c */
struct bus_key {
	const char *name;
	uint32_t value;
};
/*
 * Writes @n keys and the state in @dir, all or nothing, unless somebody removed
 * the directory: -ENOENT.
 */
int bus_say(struct store *s, const char *dir, enum xenbus_state state,
	    const struct bus_key *key, size_t n);
/* Removes @dir, which dom0 took offline: -ENOENT, -EBUSY (it is online). */
int bus_remove(struct store *s, const char *dir);

/* bus_vif.c */
void bus_vif_look(struct bus *b, struct vif *v, struct mono now);

/* bus_uplink.c */
int bus_uplink_watch(struct bus *b);
void bus_uplink_look(struct bus *b, struct mono now);
void bus_uplink_row(const struct bus *b, struct bus_row *out, struct mono now);

/* bus_rules.c */
void bus_rules_event(struct bus *b, const char *path, struct mono now);
void bus_rules_tick(struct bus *b, struct mono now);
struct mono bus_rules_next(const struct bus *b);

#define BUS_RULES "vifwall"

#endif
