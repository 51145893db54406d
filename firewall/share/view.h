/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_SHARE_VIEW_H
#define VIFWALL_FIREWALL_SHARE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_verdict.h"

/*
 * What the data process shows: a block of shared memory that it alone writes
 * and the control process reads without asking.  Counters are aligned 64-bit
 * words written by one thread, so a reader sees each one whole; a row's
 * counters need not belong to the same instant.
 */
#define VIEW_NAME_MAX 32u
#define VIEW_BLOCKED_N 512u
#define VIEW_MAGIC 0x76775631u
#define VIEW_NOBODY UINT16_MAX
#define VIEW_SEVERAL (UINT16_MAX - 1) /* senders of one batch */

/* Counters of one client (row 0: the uplink). */
struct view_client {
	char name[VIEW_NAME_MAX];
	uint8_t used;	      /* the row is somebody */
	uint8_t open4, open6; /* forwards that family now */
	uint8_t kind;
	uint32_t rule_gen;
	uint64_t from_packets,
		from_bytes;	       /* what came from it and was forwarded */
	uint64_t to_packets, to_bytes; /* what was sent to it */
	uint64_t answered;	 /* errors, RSTs and echo replies sent to it */
	uint64_t answer_limited; /* ... not sent: rate */
	uint64_t flows_opened, flows_cut; /* cut: by a rule change */
	uint64_t drop[PKT_REASON_N];
};

/*
 * Refused packets by kind: one row for each (client, protocol, destination,
 * port, rule, reason).  Rows are replaced oldest first; a client never holds
 * more than half of them.  Bytes of a row may belong to two kinds while it is
 * being replaced: copy it with view_blocked_read().
 */
struct view_blocked {
	uint32_t seq; /* odd while the row is being written */
	uint8_t spare[4];
	uint64_t count;		    /* 0: row unused */
	uint64_t first_ns, last_ns; /* struct mono */
	struct pkt_addr src, dst;
	uint16_t client; /* 0: the uplink */
	uint16_t dport;	 /* or ICMP type */
	uint32_t rule;	 /* dom0's number, UINT32_MAX: none */
	uint8_t proto;
	uint8_t reason; /* enum pkt_reason */
	uint8_t spare2[6];
};

struct view {
	uint32_t magic;
	uint16_t clients; /* rows in client[] less one */
	uint16_t serving; /* view_serve(): party, or VIEW_NOBODY */
	uint16_t served;  /* what it said when the process before ended */
	uint16_t sending; /* view_serve_sender(): likewise */
	uint16_t sent;	  /* ... when the process before ended */
	uint16_t spare[1];
	uint64_t now_ns; /* last poll round */
	uint64_t rounds;
	uint64_t strays; /* frames from a port that is nobody's */
	uint32_t pool_small, pool_small_free;
	uint32_t pool_large, pool_large_free;
	uint32_t neighbours, uplink_up;
	uint64_t neighbours_moved; /* a known neighbour's MAC changed (R85) */
	struct view_blocked blocked[VIEW_BLOCKED_N];
	struct view_client client[]; /* clients + 1 */
};

/*
 * A trail for control to follow when the data process has died: whose port it
 * was touching then.  Said before a port is opened, polled, sent to or
 * otherwise looked after, and taken back behind it; so it costs two stores per
 * batch. Returns what it said before, which the caller says again.
 *
 * The next process moves what it finds here to view.served, before anything
 * else: that is valid once the process has answered a message, and stays.
 */
static inline uint16_t view_serve(struct view *v, uint16_t party)
{
	uint16_t was = v->serving;

	__atomic_store_n(&v->serving, party, __ATOMIC_RELAXED);
	/* the compiler must not move the work before it, or behind */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return was;
}

/*
 * While frames are handed to the port that is being served: whose they are, or
 * VIEW_SEVERAL.  Either may be why the process dies.
 */
static inline void view_serve_sender(struct view *v, uint16_t party)
{
	__atomic_store_n(&v->sending, party, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Copies a row whole; false when its writer was faster (try again). */
static inline bool view_blocked_read(struct view_blocked *out,
				     const struct view_blocked *row)
{
	uint32_t before = __atomic_load_n(&row->seq, __ATOMIC_ACQUIRE);

	*out = *row;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return !(before & 1) &&
	       before == __atomic_load_n(&row->seq, __ATOMIC_RELAXED);
}

static inline size_t view_size(uint16_t clients)
{
	return sizeof(struct view) +
	       ((size_t)clients + 1) * sizeof(struct view_client);
}

#endif
