/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_DATA_DATA_H
#define VIFWALL_FIREWALL_DATA_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "firewall/linux/loop.h"
#include "firewall/linux/port_packet.h"
#include "firewall/linux/port_tap.h"
#include "firewall/path/fw.h"
#include "firewall/share/msg.h"
#include "xen/net/netback.h"
#include "xen/net/netfront.h"

/*
 * The data process: the forwarding path between its ports, told by messages
 * what it may forward.  It begins with no port, no client and no rule, so it
 * forwards nothing until it was told.
 *
 * Ports are known by control's number: 0 the uplink, n client n.
 */
enum data_kind {
	DATA_TAP = MSG_PORT_TAP,
	DATA_PACKET = MSG_PORT_PACKET,
	DATA_VIF,   /* a frontend's rings */
	DATA_FRONT, /* rings of ours, for a backend */
};

struct data_port {
	bool used;
	uint8_t kind; /* enum data_kind */
	int failed;   /* -errno that control has not been told yet */
	union {
		struct port port;
		struct port_tap tap;
		struct port_packet packet;
		struct netback vif;
		struct netfront front;
	} u;
};

/* Has no descriptor of its own: wakes by an event channel. */
static inline bool data_on_rings(const struct data_port *dp)
{
	return dp->kind >= DATA_VIF;
}

/* A rule set, or all profiles, mapped as long as the path uses it. */
struct data_rules {
	const void *mem;
	size_t len;
};

/* What is done in slices, one request at a time; see data_change.c. */
enum data_step {
	DATA_IDLE,
	DATA_LOOKS,  /* at what came: it is not in force yet */
	DATA_UNMAPS, /* what is not in force any more */
};

struct data_change {
	uint8_t step; /* enum data_step */
	int err;      /* of the answer: -errno */
	struct data_rules next;
	union {
		struct ruleset_walk rules;
		struct profiles_walk profiles;
	} walk;			   /* through .next */
	struct data_rules gone[2]; /* what is left of each */
};

/*
 * Answers to one request, kept until the socket takes them.  No other request
 * is read before that, so there is never more than one.
 */
struct data_answer {
	uint32_t seq;
	uint32_t page; /* this answer comes first; 0: none does */
	bool waits;    /* MSG_DONE is still to be sent */
	struct msg_done done;
	union msg_body body; /* of the page */
};

/* Channels have numbers below this (EVTCHN_FIFO_NR_CHANNELS). */
#define DATA_CHANNELS 131072u

/* The flow table in memory that outlives this process. */
struct data_keep {
	struct data_keep_head *head; /* NULL: nothing left to do */
	bool adopted;
	struct mono trust; /* when it has shown to do no harm */
};

enum data_fd { DATA_LINK, DATA_PORT, DATA_SIGNAL, DATA_EVENT };

struct data {
	struct loop loop;
	struct fw *fw;
	uint16_t clients;
	int link;
	bool link_full;	   /* waiting until the socket takes more */
	bool stop;	   /* all ports are closed; time to exit */
	bool busy;	   /* frames may wait: look again before sleeping */
	bool passed;	   /* a client's packet was forwarded */
	struct mono tick;  /* when housekeeping is due */
	uint32_t failed_n; /* ports to be told about */
	size_t table_bytes;
	struct view *view;
	struct data_port *port;	  /* [clients + 1] */
	struct data_rules *rules; /* [(clients + 1) * 2], IPv4 and IPv6 */
	struct data_rules profiles;
	struct msg in; /* the request that is worked on */
	struct data_change change;
	struct data_answer answer;

	struct xen *xen;	  /* NULL: we are on none */
	struct data_keep keep;	  /* all zero: the table dies with us */
	uint16_t *channel;	  /* [DATA_CHANNELS], control's number of its
				     port + 1; 0: nobody's */
	uint32_t rings;		  /* ports on rings */
	uint32_t deaf;		  /* turns in a row without news of events */
	struct mono rings_due;	  /* when one of them wants to be looked at */
	struct mono rings_looked; /* when all were */
};

/* Memory for everything behind a struct data. */
size_t data_size(const struct fw_conf *c);
/*
 * @mem is of data_size() bytes, zeroed; @view of view_size().  @link is the
 * socket to control and stays the caller's.  0 or -errno.
 */
int VW_MUST_USE data_init(struct data *d, void *mem, size_t len,
			  const struct fw_conf *c, struct view *view, int link);

/*
 * Ports on rings may be added from now on.  @x stays the caller's, and open as
 * long as there is one.  0 or -errno.
 */
int VW_MUST_USE data_xen_use(struct data *d, struct xen *x);

/*
 * One wake: sleeps until there is something to do, obeys what control asked,
 * forwards what came.  Call it again until d->stop.
 */
void data_turn(struct data *d);
/* Closes every port: no packet passes any more. */
void data_close_ports(struct data *d);

/* ---- data_ports.c; 0 or -errno ------------------------------------------- */

int VW_MUST_USE data_port_add(struct data *d, const struct msg_port *m, int fd);
int VW_MUST_USE data_port_del(struct data *d, uint16_t id);
/* Is there a place for port @id?  Then it is a blank one of @kind. */
int VW_MUST_USE data_port_room(struct data *d, uint16_t id,
			       enum data_kind kind);
/* What is open in place @id becomes a port of the path; else it is closed. */
int VW_MUST_USE data_port_begin(struct data *d, uint16_t id);
/* What epoll said about port @id. */
void data_port_event(struct data *d, uint16_t id, uint32_t what);
/* Closes the ports that broke, to be told by data_tell(). */
void data_ports_reap(struct data *d);

/* ---- data_rings.c; 0 or -errno ------------------------------------------- */

int VW_MUST_USE data_vif_add(struct data *d, const struct msg_vif *m);
int VW_MUST_USE data_vif_limits(struct data *d, const struct msg_vif_limits *m);
int VW_MUST_USE data_front_add(struct data *d, const struct msg_front *m,
			       struct msg_front_keys *out);
/* The ports on rings from number @cursor on, as many as fit. */
void data_vifs(const struct data *d, uint16_t cursor,
	       struct msg_vifs_page *page);

/* ---- data_events.c ------------------------------------------------------- */

/* Events by its channels are for port @id now, and no more.  0 or -errno. */
int VW_MUST_USE data_events_expect(struct data *d, uint16_t id);
void data_events_forget(struct data *d, uint16_t id);
/* The event descriptor is readable. */
void data_events(struct data *d);
/* After frames may have passed: tells the rings the time, sets rings_due. */
void data_events_tick(struct data *d);

/* ---- data_keep.c --------------------------------------------------------- */

/* What is to be kept, for a table of these settings. */
size_t data_keep_size(const struct fw_conf *c);
/*
 * @mem is of data_keep_size() bytes: zero, or as another process left it in the
 * midst of anything.  Says so in c->table and c->adopt.
 */
void data_keep_open(struct data_keep *k, void *mem, struct fw_conf *c);
/* fw_init() has made the table; from now on it may be adopted. */
void data_keep_begin(struct data_keep *k, struct mono now);
/* Now and then.  A table that was adopted is adopted again after 10 s only. */
void data_keep_tick(struct data_keep *k, struct mono now);

/* ---- data_obey.c --------------------------------------------------------- */

/* Does what d->in asks, or begins to; then d->change says so. */
void data_obey(struct data *d);
/* It was done: the answer is in d->answer. */
void data_answer(struct data *d, int err);
/* Sends what is to be told; false when the socket is full. */
bool data_tell(struct data *d);

/* ---- data_change.c ------------------------------------------------------- */

/*
 * Begin with what d->in asks.  0: go on until d->change is idle, when it is
 * answered; d->in is not touched before.  Or -errno, and nothing was begun.
 */
int VW_MUST_USE data_change_rules(struct data *d);
int VW_MUST_USE data_change_profiles(struct data *d);
/* The client is gone at once, its memory slice by slice. */
int VW_MUST_USE data_change_remove(struct data *d);
/* The next slice. */
void data_change_go_on(struct data *d);

#endif
