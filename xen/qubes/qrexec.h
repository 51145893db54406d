/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_QUBES_QREXEC_H
#define VIFWALL_XEN_QUBES_QREXEC_H

#include "packet/pkt_time.h"
#include "xen/qubes/chan.h"
#include "xen/qubes/qrexec_call.h"

/*
 * Our end of qrexec, by which dom0 has services of ours run for itself and for
 * qubes that its policy lets, and by which we have one run in dom0.
 *
 * The control channel is offered to dom0 and offered anew whenever it breaks;
 * calls that run meanwhile go on.  Each call has a data channel of its own and
 * one of QREXEC_CALLS places; of each that dom0 asked for it is told the end
 * once, whatever became of it.  Nothing waits and, after qrexec_new(), nothing
 * is allocated but by the channels.
 *
 * A caller can be told why it is refused by its data channel alone: the control
 * channel has a word for the end, but none for a reason or a code.  So who
 * comes when all places are taken gets one of QREXEC_AWAY where nothing is run,
 * and hears there that there are too many; and beyond those only dom0 hears
 * that the call is over.
 *
 *	qrexec_wire.c	messages
 *	qrexec_call.c	command lines
 *	qrexec_data.c	one data channel
 *	qrexec.c	the control channel, and all of them
 */
#define QREXEC_CALLS 16u
#define QREXEC_CALLS_EACH 4u /* at most of one qube ... */
#define QREXEC_CALLS_DOM0 4u /* ... and so many are none's but dom0's */
#define QREXEC_AWAY 8u	     /* further calls, which are turned away */
#define QREXEC_AWAY_EACH 2u
#define QREXEC_AWAY_DOM0 2u
#define QREXEC_PLACES (QREXEC_CALLS + QREXEC_AWAY)
#define QREXEC_OUT (16u * 1024) /* of a call, that waits to be sent */
#define QREXEC_READ_RING                                    \
	(1u << 17) /* dom0 sends command lines in one piece \
		    */
#define QREXEC_RETRY_MS 1000u
#define QREXEC_CONNECT_MS 120000u /* for the other end to be there */
#define QREXEC_HELLO_MS 60000u
#define QREXEC_STUCK_MS 20000u /* it takes nothing, or not all at the end */
#define QREXEC_WHY 128u

enum qrexec_exit {
	QREXEC_OK = 0,
	QREXEC_PROBLEM = 125,
	QREXEC_REFUSED = 126,
	QREXEC_NO_SERVICE = 127,
	QREXEC_LOST = 255, /* the other end went before it said */
};

enum qrexec_stream { QREXEC_TO_STDOUT, QREXEC_TO_STDERR };

struct qrexec;

struct qrexec_ops {
	/*
	 * Somebody wants this, which is valid during the call: 0, and
	 * qrexec_exit() follows, now or later; or another enum qrexec_exit,
	 * with a sentence in @why.
	 */
	int (*call)(void *ctx, uint32_t id, const struct qrexec_call *c,
		    char why[QREXEC_WHY]);
	/* What came for it; @len 0: that was all. */
	void (*input)(void *ctx, uint32_t id, const void *bytes, size_t len);
	/* It takes more output. */
	void (*room)(void *ctx, uint32_t id);
	/* Whoever wanted it is gone, and @id means nothing any more. */
	void (*gone)(void *ctx, uint32_t id);
	/* Our own call @id ended: the service's exit code, or ours. */
	void (*ended)(void *ctx, uint32_t id, int code);
	/* dom0 is there (again), and takes calls of ours. */
	void (*ready)(void *ctx);
	/*
	 * @fd of @place (below QREXEC_PLACES + 1) is to be watched for reading,
	 * or no more, because it will be closed.
	 */
	void (*watch)(void *ctx, uint32_t place, int fd);
	void (*unwatch)(void *ctx, uint32_t place, int fd);
	/* What an operator should know; foreign bytes are not in it. */
	void (*complain)(void *ctx, const char *sentence);
	void *ctx;
};

/* @net and @ops stay the caller's.  NULL: no memory. */
struct qrexec *qrexec_new(struct chan_net *net, const struct qrexec_ops *ops);
/* Ends everything at once; ops->gone is not called. */
void qrexec_free(struct qrexec *q);

/* The descriptor of that place is readable. */
void qrexec_event(struct qrexec *q, uint32_t place, struct mono now);
/* Does what is due; when to call it again. */
struct mono qrexec_work(struct qrexec *q, struct mono now);
/* Is dom0 there? */
bool qrexec_is_ready(const struct qrexec *q);

/* How many of the bytes were taken; ops->room tells when there is more room. */
size_t qrexec_write(struct qrexec *q, uint32_t id, enum qrexec_stream stream,
		    const void *bytes, size_t len);
/* It is done; @id means nothing any more. */
void qrexec_exit(struct qrexec *q, uint32_t id, int code);

/*
 * Has @service run in @target without input; its output is not kept.  The id,
 * or -ENOTCONN without dom0, -EBUSY without a place.
 */
int qrexec_trigger(struct qrexec *q, const char *service, const char *target,
		   struct mono now);

#endif
