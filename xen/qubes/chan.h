/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_QUBES_CHAN_H
#define VIFWALL_XEN_QUBES_CHAN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "packet/pkt_assert.h"

/*
 * A stream of bytes to one other domain: what Qubes calls a vchan.
 *
 *	chan_vchan	libxenvchan: rings in shared pages, met in the XenStore
 *	chan_unix	a Unix socket in its place, as Qubes' own tests have it
 *	mock_chan	in memory, with faults, for tests
 *
 * Nothing here waits.  A channel is WAITING until the other end is there, OPEN,
 * and then GONE for good: it serves one peer, once, and a new one is made for
 * the next.  Its descriptor is one and the same from the beginning to the end,
 * to be watched for reading alone.  Whenever it is readable, chan_event() says
 * the state; then it is worth trying again whatever could not be done before,
 * in both directions.  (So an owner reads until nothing comes, and writes what
 * it has until nothing is taken, after each event.)
 *
 * What the other end sends is foreign: the channel makes no sense of it, and
 * never hands out more than was asked for, whatever is written in shared pages.
 */
enum chan_state { CHAN_WAITING, CHAN_OPEN, CHAN_GONE };

struct chan;

struct chan_ops {
	enum chan_state (*event)(struct chan *c);
	ssize_t (*recv)(struct chan *c, void *buf, size_t size);
	ssize_t (*send)(struct chan *c, const void *buf, size_t len);
	void (*close)(struct chan *c);
};

/* What every implementation begins with. */
struct chan {
	const struct chan_ops *ops;
	int fd;
};

/* What happened?  Takes the event away; never -errno: a fault is CHAN_GONE. */
static inline enum chan_state chan_event(struct chan *c)
{
	return c->ops->event(c);
}

/*
 * Up to @size bytes: how many, 0 when there are none now (nor while WAITING),
 * -ENOTCONN when none will come any more.  What was sent before the other end
 * went is still read.
 */
static inline ssize_t VW_MUST_USE chan_recv(struct chan *c, void *buf,
					    size_t size)
{
	return c->ops->recv(c, buf, size);
}

/*
 * As many of the bytes as there is room for: how many, 0 when full or WAITING
 * (an event tells when it is not), -ENOTCONN when there is nobody to take them.
 */
static inline ssize_t VW_MUST_USE chan_send(struct chan *c, const void *buf,
					    size_t len)
{
	return c->ops->send(c, buf, len);
}

/* Ends it, in any state, and frees it; the descriptor is closed.  NULL:
 * nothing. */
static inline void chan_close(struct chan *c)
{
	if (c)
		c->ops->close(c);
}

/*
 * Where channels come from.  Ports are vchan's (QubesDB 111, qrexec's control
 * 512, its data 513 and up).  Both give NULL with *@err a -errno when there is
 * nothing to wait for; that the other end is not there yet is no error.
 */
struct chan_net;

struct chan_net_ops {
	struct chan *(*serve)(struct chan_net *n, uint16_t domid, uint32_t port,
			      size_t read_min, size_t write_min, int *err);
	struct chan *(*connect)(struct chan_net *n, uint16_t domid,
				uint32_t port, int *err);
	void (*close)(struct chan_net *n);
};

struct chan_net {
	const struct chan_net_ops *ops;
};

/* Offers @port to @domid, with rings of at least so many bytes for us to read
 * and to write. */
static inline struct chan *chan_serve(struct chan_net *n, uint16_t domid,
				      uint32_t port, size_t read_min,
				      size_t write_min, int *err)
{
	return n->ops->serve(n, domid, port, read_min, write_min, err);
}

/* Connects to what @domid offers on @port, as soon as it does. */
static inline struct chan *chan_connect(struct chan_net *n, uint16_t domid,
					uint32_t port, int *err)
{
	return n->ops->connect(n, domid, port, err);
}

/* After all of its channels. */
static inline void chan_net_close(struct chan_net *n)
{
	if (n)
		n->ops->close(n);
}

#endif
