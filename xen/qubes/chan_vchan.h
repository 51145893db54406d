/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_QUBES_CHAN_VCHAN_H
#define VIFWALL_XEN_QUBES_CHAN_VCHAN_H

#include "xen/bus/store.h"
#include "xen/qubes/chan.h"

/*
 * Channels over libxenvchan.  Both ends meet in the XenStore: the server
 * writes, below its own directory,
 *
 *	data/vchan/CLIENT/PORT/ring-ref
 *	data/vchan/CLIENT/PORT/event-channel
 *
 * and the client waits for the second of them.  Keys are removed as soon as the
 * client is there, and the server's end is open after that: who finds them
 * later would attach to rings that nobody serves any more, and is told that the
 * other end is gone.
 *
 * Whatever the XenStore or the library may have to wait for is done by one
 * thread (chan_meet.c), which lives as long as the net does, so the owner never
 * waits and may be locked in once it is there.  Bytes are moved by the owner.
 */

/* An end of a channel, once there is one. */
struct vchan_end;

/*
 * What libxenvchan does for us.  It never touches memory outside of its rings,
 * whatever the other end writes into the page that both share: sizes are copied
 * once, positions are masked, and at most so many bytes are moved as were asked
 * for.  Positions that can't be are found by @state.
 */
struct vchan_lib {
	/* These may wait; NULL with errno. */
	struct vchan_end *(*serve)(struct vchan_lib *l, uint16_t domid,
				   const char *path, size_t read_min,
				   size_t write_min);
	struct vchan_end *(*connect)(struct vchan_lib *l, uint16_t domid,
				     const char *path);
	void (*end)(struct vchan_lib *l, struct vchan_end *e);
	/*
	 * Is that domain there, as far as can be told?  The page of one that
	 * was destroyed says for ever that it is.
	 */
	bool (*there)(struct vchan_lib *l, uint16_t domid);
	/* These don't wait. */
	int (*fd)(struct vchan_end *e);	   /* readable: something happened */
	void (*take)(struct vchan_end *e); /* ... and that is known now */
	enum chan_state (*state)(struct vchan_end *e);
	ssize_t (*recv)(struct vchan_end *e, void *buf, size_t size);
	ssize_t (*send)(struct vchan_end *e, const void *buf, size_t len);
	void (*close)(struct vchan_lib *l);
};

/*
 * The real one.  It asks the XenStore for @there, and says yes where that does
 * not tell.  NULL: *err.
 */
struct vchan_lib *chan_lib_open(int *err);

/*
 * Starts the thread; @store and @lib are ours from here on, also on failure
 * (either may be NULL: nothing, then).  NULL: *err.
 */
#define CHAN_VCHAN_ALIVE_MS 2000u /* how often it is asked */
#define CHAN_VCHAN_STOP_MS 2000u  /* closing waits no longer for the store */
struct chan_net *chan_vchan_open(struct store *store, struct vchan_lib *lib,
				 int *err);

#endif
