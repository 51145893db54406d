/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_APPLY_APPLY_H
#define VIFWALL_FIREWALL_CONTROL_APPLY_APPLY_H

#include "firewall/control/conf/conf.h"
#include "firewall/control/conf/profiles.h"
#include "firewall/control/source/set.h"
#include "firewall/control/source/tree.h"
#include "firewall/linux/link.h"
#include "firewall/linux/log.h"
#include "firewall/share/msg.h"
#include "packet/pkt_time.h"
#include "rules/rule_names.h"

/*
 * What should hold, and telling the data process until it does.
 *
 * Everything that data must know is kept here as it should be, with one bit for
 * each thing that data has not been told yet (APPLY_*).  A change sets bits;
 * apply_work() sends what they stand for, in the order in which it makes sense,
 * as fast as answers come.  So a change that comes before the last one was sent
 * replaces it, there is no queue that could overflow, and a new data process is
 * told everything by setting all bits.
 *
 * A port on Xen's rings comes and goes as the XenStore says
 *(control/vif/vif.h): it is asked for by apply_ring_vif() and
 *apply_ring_front(), and by nobody else, so a new data process is told of
 *clients at once and of such ports when they are asked for again.
 *
 *	apply.c		settings and the tree become slots, sets and lists
 *	apply_port.c	devices, which are opened here
 *	apply_ring.c	ports on rings, which data opens
 *	apply_guest.c	clients that come and go with their vif
 *	apply_forward.c	openings, from settings and from the tree
 *	apply_profile.c	profiles, from settings
 *	apply_past.c	files of what data still uses
 *	apply_dns.c	name servers
 *	apply_seen.c	clients that know themselves by other addresses
 *	apply_send.c	telling data
 *	apply_closed.c	why a client is closed
 *	apply_answer.c	what it says to that
 *
 * Each message is obeyed wholly or not at all, between two packets.  What data
 * refuses is said in the log and in the status; a client whose rules it refuses
 * is closed.
 */
#define APPLY_SLOTS 1024u /* client numbers are below this; 0: the uplink */
#define APPLY_GUARD_MAX 1024u
#define APPLY_WINDOW 32u   /* questions that may wait for an answer */
#define APPLY_RETRY_MS 20u /* data asked to try again */
#define APPLY_RETRIES 50u  /* ... that often before it is an error */
#define APPLY_REOPEN_MS 1000u

enum apply_bit {
	APPLY_PORT_DEL = 1 << 0,
	APPLY_CLIENT_DEL = 1 << 1,
	APPLY_PORT = 1 << 2,
	APPLY_CLIENT = 1 << 3, /* of slot 0: the uplink */
	APPLY_RULES4 = 1 << 4,
	APPLY_RULES6 = 1 << 5,
	APPLY_LIMITS = 1 << 6, /* of a port on rings: its rate and mtu */
};

/* What the XenStore's side waits to hear about a port on rings. */
enum apply_owes { APPLY_OWES_NOTHING, APPLY_OWES_UP, APPLY_OWES_DOWN };

struct apply_ring {
	bool is;      /* the slot's port is on rings; its link is unused */
	bool wanted;  /* data is to have it */
	bool front;   /* rings of our own, for a backend */
	bool live;    /* the uplink's: its other end is connected */
	uint8_t owes; /* enum apply_owes */
	/*
	 * When it connected, as a count; 0: it is not.  What a new data process
	 * takes up is as it was.
	 */
	uint32_t since;
	union {
		struct msg_vif vif;
		struct msg_front front;
	} add;
	struct msg_front_keys keys; /* data's answer, .front only */
};

/* A client, or in slot 0 the uplink. */
struct apply_slot {
	bool used;
	bool guest;	      /* not of the settings: lives with its vif */
	uint32_t came;	      /* a guest: when, as a count */
	uint16_t clash;	      /* waits for an address of that client, or 0 */
	uint8_t todo;	      /* enum apply_bit */
	bool sent, port_sent; /* data was told of it */
	bool told, port_told; /* ... and said yes */
	bool stuck;	      /* data said no, and may go on to do so */
	uint8_t tries;
	struct mono wait;   /* not 0: no try before */
	struct mono reopen; /* not 0: when to try to open the port again */
	struct conf_port port;
	struct pkt_mac mac; /* ours there; zero: made from the link's */
	uint16_t mtu;	    /* wanted; 0: the link's */
	struct link link;   /* fd -1: not open */
	struct apply_ring ring;
	int old_fd;   /* what it was before apply_renew_port(); -1: none */
	int port_err; /* why not, or why data gave it up: errno */
	int err;      /* why data refused the client: errno */
	struct fw_client fw;
	bool accept;		    /* its rules are none: all may go out */
	char key[2][PKT_ADDR_TEXT]; /* by family; empty: none */
	bool by_hand[2];	    /* its set is of apply_by_hand() */
	struct set set[2];
	int past[2]; /* files that data was told of last; -1: that set's */
	struct mono since[2]; /* the set's commit; 0: just now */
	bool names_new;	      /* other sets: their host names are to be read */
	/*
	 * Lines that its other end can cause: one that flaps must not leave
	 * those about others out.
	 */
	struct log_site log;
};

/* What a question was about, for its answer. */
struct apply_wait {
	uint32_t seq;
	uint16_t slot;
	uint8_t bit;	 /* enum apply_bit, or 0 */
	uint8_t kind;	 /* enum apply_kind */
	uint32_t cookie; /* of apply_ask() */
	int past[2];	 /* files that data lets go of by it; or -1 */
};

enum apply_kind {
	APPLY_SLOT,
	APPLY_GUARD,
	APPLY_PAIRS,
	APPLY_FORWARDS,
	APPLY_PROFILES,
	APPLY_DNS,
	APPLY_DNS_ASK,
	APPLY_DNS_PASS,
	APPLY_ASKED,
	APPLY_SETTLED,
};

/* An opening, with the name that people know it by. */
#define APPLY_FORWARD_NAME 40u
struct apply_forward {
	struct fw_forward fw;
	char name[APPLY_FORWARD_NAME]; /* "line 12", "vifwall-forward-01" */
};

struct apply_ops {
	/* 0 or -errno. */
	int (*open_port)(void *ctx, const struct conf_port *p, struct link *l);
	/* To a question of apply_ask(): @page NULL when there is no answer. */
	void (*answer)(void *ctx, uint32_t cookie, const struct msg *page);
	/*
	 * What became of apply_ring_add(): 0 or -errno, with @keys for a port
	 * on rings of our own; and of apply_ring_drop().  It broke: it is gone.
	 */
	void (*ring_up)(void *ctx, uint16_t n, int err,
			const struct msg_front_keys *keys);
	void (*ring_down)(void *ctx, uint16_t n);
	void (*ring_lost)(void *ctx, uint16_t n, int err);
	/* A DNS message that data has seen, see struct fw_dns_msg.  NULL: not
	 * wanted. */
	void (*dns_came)(void *ctx, const struct fw_dns_msg *m);
	void *ctx;
};

struct apply {
	const struct apply_ops *ops;
	struct conf conf; /* in force */
	uint32_t confs;	  /* how often it has changed */
	struct tree *tree;
	const struct rule_names *names; /* NULL: none resolves */
	int sock;			/* to data; -1: none now */
	bool answered;	  /* this data process has, at least once */
	bool broken;	  /* data talks nonsense: its socket was closed */
	const char *held; /* why data is told no rules; NULL: it is */
	uint32_t seq;
	uint32_t comings;  /* of guests and of ports on rings */
	uint64_t restarts; /* of data, after the first */
	bool guard_todo, pairs_todo, forward_todo, profiles_todo, dns_todo;
	bool settled_todo; /* a new data process waits to hear that it is all */
	struct pkt_addr guard[APPLY_GUARD_MAX];
	uint32_t guard_n;
	struct apply_forward forward[FW_FORWARDS]; /* as data tries them */
	uint32_t forward_n, forward_bad;	   /* in force; passed over */
	struct profiles_made profiles;		   /* in force */
	int profiles_past;			   /* as apply_slot.past */
	struct apply_wait wait[APPLY_WINDOW];	   /* a ring, oldest first */
	uint32_t wait_at, wait_n;
	struct fw_dns dns; /* in force */
	uint32_t dns_gen;  /* how often .dns has changed, or was slept over */
	struct fw_uplink uplink; /* in force */
	struct fw_uplink told;	 /* by its other end, for what is not set */
	struct apply_slot slot[APPLY_SLOTS];
};

/* Takes the settings; no port is open and no rule known yet. */
void apply_init(struct apply *a, const struct conf *c,
		const struct apply_ops *ops);
void apply_fini(struct apply *a);

/*
 * Opens every port that is not open.  0, or -errno with the port at fault in
 * *@which: the start fails then.  Later failures are tried again.
 */
int VW_MUST_USE apply_open_ports(struct apply *a,
				 const struct conf_port **which);

/*
 * Keeps data from hearing of any rules, so that all clients are closed, because
 * not everything is known that closes them: @why, which stays the caller's.
 * NULL: it is now.  Only before data has heard of some.
 */
void apply_hold(struct apply *a, const char *why);

/* Why a client can't open flows of a family. */
enum apply_closed {
	APPLY_OPEN,
	APPLY_CLOSED_FAMILY,
	APPLY_CLOSED_DATA,
	APPLY_CLOSED_HELD, /* apply.held says why */
	APPLY_CLOSED_REFUSED,
	APPLY_CLOSED_CLASH,
	APPLY_CLOSED_PORT,
	APPLY_CLOSED_VIF,
	APPLY_CLOSED_UNTOLD,
	APPLY_CLOSED_NO_RULES,
	APPLY_CLOSED_BAD_RULES,
	APPLY_CLOSED_PROFILE,
	APPLY_CLOSED_UPLINK4,
	APPLY_CLOSED_UPLINK6,
};
enum apply_closed apply_closed(const struct apply *a, uint16_t n, int family);
/* The same as a sentence; NULL: it is open. */
const char *apply_closed_why(const struct apply *a, uint16_t n, int family);

/* The tree's listener (tree_changed); @ctx is the struct apply. */
void apply_tree_changed(void *ctx, const char *path, bool removed);

/*
 * New settings; clients keep their number by name.  A client that is new has no
 * rules before the next commit of its set, so have the source read all anew.
 */
void apply_conf(struct apply *a, const struct conf *c);

/*
 * A client that came with its vif: new, or not as before; its number, 0 when
 * there is none left.  @fw is what the settings would say.  While one of its
 * addresses is another party's it is not told to data, and waits
 * (apply_clashes()).
 */
uint16_t apply_guest(struct apply *a, const struct fw_client *fw);
/* It went; its number is free once data was told. */
void apply_guest_gone(struct apply *a, uint16_t n);
/*
 * Looks again which guest has each address that dom0 gave several: among those
 * whose rings are asked for the last one, for which the one before loses its
 * flows.
 */
void apply_clashes(struct apply *a);

/* Asks data for a port; ops->ring_up is called once unless it is dropped. */
void apply_ring_vif(struct apply *a, uint16_t n, const struct msg_vif *m);
void apply_ring_front(struct apply *a, const struct msg_front *m);
/* ... to let go of it, if it has it; ops->ring_down is called once. */
void apply_ring_drop(struct apply *a, uint16_t n);
/* Its .mtu and .rate_*, from now on; nothing while there is no such port. */
void apply_ring_limits(struct apply *a, uint16_t n, const struct msg_vif *m);

/* What the uplink's other end says of us; holds where nothing is set. */
void apply_uplink_told(struct apply *a, const struct fw_uplink *told);
/* Whose answers data is to take note of, as in struct fw_dns. */
void apply_dns_watch(struct apply *a, const uint8_t watch[FW_DNS_CLIENTS / 8]);
/*
 * Has data send a question by the uplink; the answer, if there is one, comes by
 * ops->dns_came.  -EAGAIN: not now; -ENOTCONN: there is no data process.
 */
int VW_MUST_USE apply_dns_ask(struct apply *a, const struct fw_dns_msg *m);
/*
 * Client @n may be told what it is told up to .ask: after its rules, which data
 * was given before.  -EAGAIN: some of them are not sent yet, or not now;
 * -ENOTCONN.
 */
int VW_MUST_USE apply_dns_pass(struct apply *a, uint16_t n, uint32_t ask);
/* Its port is one on rings: is the other end connected? */
void apply_uplink_live(struct apply *a, bool live);
/* The machine slept: what names stood for is asked for anew. */
void apply_woke(struct apply *a);
/* Has data the uplink and its port, and is there somebody at the other end? */
bool apply_uplink_ready(const struct apply *a);

/*
 * Puts what is below @base of @t in force for the client, in place of what the
 * tree has committed, until apply_hand_end(), the next commit there, or the
 * client's end.  0; -EINVAL: it is not good, as @complain was told, and nothing
 * changed; or another -errno, and nothing changed.
 */
int VW_MUST_USE apply_by_hand(struct apply *a, uint16_t n, int family,
			      const struct tree *t, const char *base,
			      set_complain *complain, void *ctx);
/* What was committed is in force again. */
void apply_hand_end(struct apply *a, uint16_t n, int family);

/* A new data process: @sock is ours from here on. */
void apply_data(struct apply *a, int sock);
/* There is no data process any more, and none will come. */
void apply_stop(struct apply *a);
/* The socket is readable. */
void apply_receive(struct apply *a, struct mono now);
/* Sends what can be sent; returns when it wants to be called again. */
struct mono apply_work(struct apply *a, struct mono now);
/* Is there nothing left to tell but what data refuses, and no answer due? */
bool apply_idle(const struct apply *a);

/*
 * Asks data for MSG_FLOWS, MSG_USAGE, or tells it MSG_FLOWS_END; the answer
 * comes through ops->answer.  -EAGAIN: ask later; -ENOTCONN: no data process.
 */
int VW_MUST_USE apply_ask(struct apply *a, uint32_t type, const void *body,
			  uint32_t cookie);

/* Is client @n's profile in force, if it has one?  Else it is closed. */
bool apply_profile_ok(const struct apply *a, uint16_t n);

/* Number of the client in force named @name, 0 when there is none. */
uint16_t apply_find(const struct apply *a, const char *name, size_t len);
/* Number of the client whose address @addr is, 0 when it is nobody's. */
uint16_t apply_find_addr(const struct apply *a, const struct pkt_addr *addr);

/*
 * Builds client @n's sets again, as they were committed, because what names or
 * targets stand for has changed.  Data is told of those that differ.
 */
void apply_again(struct apply *a, uint16_t n);

#endif
