/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_QUBES_QUBESDB_H
#define VIFWALL_XEN_QUBES_QUBESDB_H

#include "packet/pkt_time.h"
#include "xen/qubes/chan.h"
#include "xen/qubes/qdb_wire.h"

/*
 * Our end of QubesDB: dom0's daemon for our domain has all keys, and we have a
 * mirror of them, kept by the owner through struct qubesdb_ops.
 *
 *	connect, ask for everything, once	QUBESDB_CALLING
 *	be told everything			QUBESDB_SYNC
 *	be told changes, and answer each	QUBESDB_RUN
 *
 * When dom0's daemon goes, all begins anew with an empty mirror; a new daemon
 * begins empty itself.  Whatever dom0 sends that is not in the table of
 * docs/PROTOCOLS.md ends the connection, and the mirror with it, for it can't
 * be exact any more; the next one is tried after a pause.
 *
 * A Linux qube has a daemon of its own, with its mirror, on a local socket.
 * There we are one of many clients (qubesdb_local.c): told which keys change,
 * we ask for their values.  A set of rules is asked for together with its own
 * key; when any of it changes before the answer is whole, that answer is passed
 * over: what made it change ends in a write of its own key, too.
 *
 * Nothing here waits.  The owner calls qubesdb_work() when the descriptor is
 * readable, when it asked for it, and after writes.
 */
#define QUBESDB_DOMAIN 0u
#define QUBESDB_PORT 111u
#define QUBESDB_AGAIN_MS 100u	/* after the daemon went */
#define QUBESDB_FAULT_MS 1000u	/* after nonsense; both double ... */
#define QUBESDB_PAUSE_MS 10000u /* ... up to this */
#define QUBESDB_OUT 65536u	/* bytes that wait for dom0 */
#define QUBESDB_TURN 256u	/* messages taken at a time */
#define QUBESDB_TROUBLE 96u
#define QUBESDB_ASKS 256u /* keys that are to be asked for, local */
#define QUBESDB_SENT 256u /* requests that wait for answers, local */

enum qubesdb_state {
	QUBESDB_AWAY,	 /* no channel; the next is tried later */
	QUBESDB_CALLING, /* dom0 is not there yet */
	QUBESDB_SYNC,
	QUBESDB_RUN,
};

/* What the owner wants of a key of a local daemon. */
enum qubesdb_kind {
	QUBESDB_NONE,
	QUBESDB_KEY,
	QUBESDB_SET,  /* with all below it, in one piece */
	QUBESDB_PART, /* is read with its set */
};

struct qubesdb_ops {
	/* A connection begins: forget all keys. */
	void (*begin)(void *ctx);
	/* @path is a key, @value has no NUL.  Also for our own writes. */
	void (*write)(void *ctx, const char *path, const char *value,
		      size_t len);
	/* A key, or all below a prefix. */
	void (*remove)(void *ctx, const char *path);
	/* Is the key, or anything below the prefix, in the mirror? */
	bool (*has)(void *ctx, const char *path);
	enum qubesdb_kind (*kind)(void *ctx, const char *path); /* local */
	/* All was told; writes are changes from here on. */
	void (*synced)(void *ctx);
	/* It is over, see qubesdb.trouble; there will be a new one. */
	void (*lost)(void *ctx);
	void *ctx;
};

/* What a connection to a local daemon is about. */
struct qubesdb_local {
	uint32_t ask_n; /* the first one is being asked for, if .asking */
	char ask[QUBESDB_ASKS][QDB_PATH_MAX + 1];
	bool asking, stale;
	uint32_t sent_at, sent_n;
	uint8_t sent[QUBESDB_SENT]; /* a ring of enum qdb_type */
};

struct qubesdb {
	const struct qubesdb_ops *ops;
	struct chan_net *net;
	struct chan *chan; /* NULL: away */
	enum qubesdb_state state;
	struct mono again;
	uint32_t tries;		 /* since it ran */
	uint32_t made;		 /* channels */
	uint32_t syncs;		 /* that were complete */
	uint32_t unacked;	 /* of our changes */
	uint32_t unacked_writes; /* ... the last write among them, and before */
	uint64_t refused;	 /* ... that dom0 did not take */
	bool is_local;
	struct qubesdb_local local;
	char trouble[QUBESDB_TROUBLE]; /* why it was lost last; empty: not */
	size_t in_n, out_n;
	uint8_t in[2 * QDB_MESSAGE_MAX];
	uint8_t out[QUBESDB_OUT];
};

void qubesdb_init(struct qubesdb *q, struct chan_net *net,
		  const struct qubesdb_ops *ops);
/* The same with a local daemon, which whatever @net connects to leads to. */
void qubesdb_init_local(struct qubesdb *q, struct chan_net *net,
			const struct qubesdb_ops *ops);
void qubesdb_fini(struct qubesdb *q);

/* To be watched for reading; a new one whenever @q->made grows.  -1: none. */
int qubesdb_fd(const struct qubesdb *q);

/* Does what can be done; when it wants to be called again. */
struct mono qubesdb_work(struct qubesdb *q, struct mono now);

/*
 * Changes a key in dom0 and in the mirror.  -EINVAL when it may not be sent;
 * -ENOTCONN before the sync; -EAGAIN when too much waits for dom0.
 *
 * One that is refused later is not in the mirror from then on, whatever was
 * there before: dom0 can't be asked.  A local daemon is.
 */
int VW_MUST_USE qubesdb_write(struct qubesdb *q, const char *path,
			      const void *value, size_t len);
/*
 * Removes a key, or all below a prefix, likewise; -ENOENT when there is none,
 * which dom0's daemon would not survive.  So never remove what dom0 may remove
 * by itself: its own removal could be on its way.  For the same reason -EAGAIN
 * while a write of ours, which might be of that key and be refused, is not
 * answered.
 */
int VW_MUST_USE qubesdb_remove(struct qubesdb *q, const char *path);

#endif
