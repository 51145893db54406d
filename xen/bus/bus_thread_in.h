/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_BUS_BUS_THREAD_IN_H
#define VIFWALL_XEN_BUS_BUS_THREAD_IN_H

#include "xen/bus/bus_thread.h"
#include "xen/thread.h"

/* What both sides share: bus_thread.c is the owner's, bus_thread_run.c the
 * thread's.
 */
/* Answers to one question of each vif, and news of it that come once. */
#define ASKS (4u * (BUS_VIFS + 1))

/* What the bus says; a record of the socket, cut behind what its type has. */
enum word_type {
	WORD_VIF,
	WORD_CONNECT,
	WORD_DISCONNECT,
	WORD_GONE,
	WORD_UPLINK,
	WORD_UPLINK_DOWN,
	WORD_UPLINK_UP,
	WORD_KEY,
	WORD_RESUMED,
	WORD_STORE, /* bus_thread_lost() is another one */
	WORD_OVER,  /* the thread ends */
};

struct word_key {
	bool removed;
	uint32_t len;
	char path[2 * BUS_KEY_PATH];
	char value[BUS_KEY_VALUE + 1];
};

struct word {
	uint32_t type;
	union {
		struct bus_vif vif;
		struct bus_rings rings;
		struct bus_id id;
		struct bus_uplink uplink;
		struct word_key key;
		uint32_t serial;
	} u;
};

/* What the owner says. */
enum ask_type { ASK_TELL, ASK_RESUME, ASK_STOP };

struct ask {
	uint8_t type;
	uint32_t serial; /* ASK_RESUME */
	struct bus_tell tell;
};

struct bus_thread {
	struct store *store; /* the thread's, once it runs; NULL: lost */
	struct bus_opener opener;
	struct bus_conf conf;
	struct bus *bus; /* the thread's; NULL: there never was a store */
	pthread_t thread;
	int sock[2];	  /* the owner's end, the thread's */
	int wake;	  /* the thread's sleep ends */
	uint64_t busy_ns; /* in the store since; 0: not.  Atomic. */
	int lost;	  /* atomic */

	/* the owner's */
	uint32_t serial; /* of its last resume */
	uint32_t heard;	 /* of the last one that the bus confirmed */
	bool over;
	struct word in;

	/* the thread's */
	bool stopping;
	struct mono ask_at;   /* whether the store is there still */
	struct mono again_at; /* lost: it is opened then */
	uint32_t pause_ms;    /* ... and so long after that */
	struct word out;

	pthread_mutex_t lock; /* of all below */
	uint32_t at, n;
	struct ask ask[ASKS]; /* a ring */
	struct mono rows_at;
	uint32_t rows_n;
	struct bus_row rows[BUS_VIFS + 1];
	char trouble[BUS_TROUBLE];
};

/* The thread: what it is to be told is by calls of @ops. */
struct bus_ops bus_thread_ops(struct bus_thread *t);
void *bus_thread_run(void *arg);

#endif
