/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_BUS_BUS_THREAD_H
#define VIFWALL_XEN_BUS_BUS_THREAD_H

#include "xen/bus/bus.h"

/*
 * The bus in a thread of its own: the XenStore may make it wait for any time,
 * and nobody else waits with it.
 *
 * What the bus says comes out of bus_thread_receive() in its order, as calls of
 * a struct bus_ops whose contract is that of bus.h; the answers go back by
 * functions with the names of those there.  Neither direction is ever lost, and
 * the owner never blocks: what waits to be heard by the bus is bounded, because
 * each is an answer to something, or is said once per vif.
 *
 * The owner is one thread.  It shares nothing with the bus but a socket and
 * what is behind one mutex, which neither holds for longer than a copy takes.
 */
#define BUS_THREAD_POLL_MS 20u	  /* of a store without a descriptor */
#define BUS_THREAD_ASK_MS 2000u	  /* whether the store is there still */
#define BUS_THREAD_STUCK_MS 2000u /* not answered for so long: worth a word */
#define BUS_THREAD_AGAIN_MS 100u  /* lost: opened again, then twice that ... */
#define BUS_THREAD_AGAIN_MAX_MS 5000u /* ... and no longer */

struct bus_thread;

/*
 * Connects to the XenStore, and anew when it was lost; NULL with *err.  *@self
 * is our domain as far as it is known; another one is said there.  The thread
 * calls it, which may take any time.
 */
struct bus_opener {
	struct store *(*open)(void *ctx, uint16_t *self, int *err);
	void *ctx;
};

/*
 * Starts, and waits @ms at most for the first answer.  NULL with *err: the
 * XenStore can't be had.  One that has not answered by then is waited for on
 * and on, by the thread alone (bus_thread_lost() is -EINPROGRESS).  When it is
 * lost later, all stays as it is until @opener has another one that knows our
 * domain; then it goes on (bus_reopen()).  All signals are blocked in the
 * thread.
 */
struct bus_thread *bus_thread_start(const struct bus_opener *opener,
				    const struct bus_conf *c, uint32_t ms,
				    int *err);

/* Readable while bus_thread_receive() has something to tell, and when
 * bus_thread_lost() has changed. */
int bus_thread_fd(const struct bus_thread *t);
/*
 * Tells @ops some of what the bus said; there may be more (look at the
 * descriptor).  Questions from before the last bus_thread_resume() are passed
 * over: nobody waits for their answers.
 */
void bus_thread_receive(struct bus_thread *t, const struct bus_ops *ops);

/* Answers and news: the functions of bus.h, as records. */
enum bus_tell_type {
	BUS_TELL_CONNECTED, /* id, err */
	BUS_TELL_DISCONNECTED,
	BUS_TELL_BROKEN,
	BUS_TELL_QUARANTINE,
	BUS_TELL_UPLINK_KEYS, /* err, tx_ref, rx_ref, evt */
	BUS_TELL_UPLINK_RELEASED,
	BUS_TELL_UPLINK_BROKEN,
};

struct bus_tell {
	uint8_t type; /* enum bus_tell_type */
	struct bus_id id;
	int err;
	uint32_t tx_ref, rx_ref, evt;
};

void bus_thread_tell(struct bus_thread *t, const struct bus_tell *what);
void bus_thread_resume(struct bus_thread *t);

/* For how long the XenStore has not answered; 0: it does. */
uint64_t bus_thread_stuck_ms(const struct bus_thread *t);
/* -errno: the XenStore is gone, vifs stay as they are until it is back;
 * -EINPROGRESS: it has never answered; 0: it is there. */
int bus_thread_lost(const struct bus_thread *t);
/* As bus_rows() and bus_trouble(), as of the last time that it had an answer.
 */
uint32_t bus_thread_rows(struct bus_thread *t, uint32_t *cursor,
			 struct bus_row *out, uint32_t max);
void bus_thread_trouble(struct bus_thread *t, char out[BUS_TROUBLE]);

/*
 * Orderly end (bus_stop()), waited for @ms at most, while @ops is told what the
 * bus says.  True: it is over, and only bus_thread_free() is left to do. False:
 * the XenStore does not answer; @t stays, and may be asked again.
 */
bool bus_thread_stop(struct bus_thread *t, const struct bus_ops *ops,
		     uint32_t ms);
/* After bus_thread_stop() said true. */
void bus_thread_free(struct bus_thread *t);

#endif
