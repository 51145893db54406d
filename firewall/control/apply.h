/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_APPLY_H
#define VIFWALL_FIREWALL_CONTROL_APPLY_H

#include "firewall/control/conf.h"
#include "firewall/control/set.h"
#include "firewall/control/tree.h"
#include "firewall/linux/link.h"
#include "firewall/share/msg.h"
#include "packet/pkt_time.h"

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
};

/* A client, or in slot 0 the uplink. */
struct apply_slot {
	bool used;
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
	int port_err;	    /* why not, or why data gave it up: errno */
	int err;	    /* why data refused the client: errno */
	struct fw_client fw;
	bool accept;		    /* its rules are none: all may go out */
	char key[2][PKT_ADDR_TEXT]; /* by family; empty: none */
	struct set set[2];
	struct mono since[2]; /* the set's commit; 0: just now */
};

/* What a question was about, for its answer. */
struct apply_wait {
	uint32_t seq;
	uint16_t slot;
	uint8_t bit;	 /* enum apply_bit, or 0 */
	uint8_t kind;	 /* enum apply_kind */
	uint32_t cookie; /* of apply_ask() */
};

enum apply_kind {
	APPLY_SLOT,
	APPLY_GUARD,
	APPLY_PAIRS,
	APPLY_ASKED,
	APPLY_SETTLED,
};

struct apply_ops {
	/* 0 or -errno. */
	int (*open_port)(void *ctx, const struct conf_port *p, struct link *l);
	/* To a question of apply_ask(): @page NULL when there is no answer. */
	void (*answer)(void *ctx, uint32_t cookie, const struct msg *page);
	void *ctx;
};

struct apply {
	const struct apply_ops *ops;
	struct conf conf; /* in force */
	struct tree *tree;
	int sock;    /* to data; -1: none now */
	bool broken; /* data talks nonsense: its socket was closed */
	uint32_t seq;
	uint64_t restarts; /* of data, after the first */
	bool guard_todo, pairs_todo;
	bool settled_todo; /* a new data process waits to hear that it is all */
	struct pkt_addr guard[APPLY_GUARD_MAX];
	uint32_t guard_n;
	struct apply_wait wait[APPLY_WINDOW]; /* a ring, oldest first */
	uint32_t wait_at, wait_n;
	struct fw_uplink uplink;
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

/* The tree's listener (tree_changed); @ctx is the struct apply. */
void apply_tree_changed(void *ctx, const char *path, bool removed);

/*
 * New settings; clients keep their number by name.  A client that is new has no
 * rules before the next commit of its set, so have the source read all anew.
 */
void apply_conf(struct apply *a, const struct conf *c);

/* A new data process: @sock is ours from here on. */
void apply_data(struct apply *a, int sock);
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

/* Number of the client in force named @name, 0 when there is none. */
uint16_t apply_find(const struct apply *a, const char *name, size_t len);
/* Number of the client whose address @addr is, 0 when it is nobody's. */
uint16_t apply_find_addr(const struct apply *a, const struct pkt_addr *addr);

/* What names and targets in rules stand for now. */
void apply_env(const struct apply *a, struct rule_env *env);

/* For the apply_*.c family: data has to be told that about @n. */
void apply_mark(struct apply *a, uint16_t n, unsigned int bits);
/* Closes client @n, whose rules can't be had, until the next ones. */
void apply_shut(struct apply *a, uint16_t n, int err);
/* Swaps in a set that lets nothing pass, because data refused the last one. */
void apply_close_set(struct apply *a, uint16_t n, int family, const char *why);
/* Takes the slot's port if it is not there; 0 or -errno. */
int VW_MUST_USE apply_open_port(struct apply *a, uint16_t n);
void apply_close_port(struct apply *a, uint16_t n);

#endif
