/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "firewall/linux/port_tap.h"
#include "firewall/linux/vnet.h"

/*
 * How it works: the length of a frame is known only when it was read, and large
 * buffers are few.  So each frame is read into a large buffer, with the vnet
 * header in its headroom, and copied into a small one if it fits, as nearly all
 * do.  Scattering the read over a small and a large buffer costs more than that
 * copy: the large buffer is the same for a whole batch and stays in the cache.
 */
#define SMALL_ROOM (PKT_SMALL - PKT_HEADROOM)
#define LARGE_ROOM (PKT_LARGE - PKT_HEADROOM)

static struct port_tap *tap_of(struct port *port)
{
	return (struct port_tap *)port;
}

/* No error of the device, only of this frame or this moment. */
static bool passing(int err)
{
	return err == EAGAIN || err == EINTR || err == EIO || err == ENOBUFS ||
	       err == ENOMEM || err == EINVAL || err == EMSGSIZE ||
	       err == ENETDOWN;
}

/*
 * Length of the frame that was read into @p, or -errno; -EAGAIN: none waits.
 *
 * #syscalls data: read
 */
static ssize_t read_frame(int fd, struct pkt *p)
{
	ssize_t n = read(fd, p->data - VNET_LEN, VNET_LEN + p->tail);

	if (n < 0)
		return -errno;
	return n < (ssize_t)VNET_LEN ? -EPROTO : n - (ssize_t)VNET_LEN;
}

/* Takes a frame off the device that there is no buffer for. */
static int skip_frame(struct port_tap *t)
{
	uint8_t head[VNET_LEN + 1];

	if (read(t->fd, head, sizeof(head)) < 0)
		return -errno;
	t->port.stats.recv_starved++;
	return 0;
}

/* A packet of its own for the frame of @len bytes in *@room. */
static struct pkt *take_over(struct pkt_pool *pool, struct pkt **room,
			     uint32_t len)
{
	struct pkt *p;

	if (len > SMALL_ROOM) {
		p = *room;
		*room = NULL;
	} else {
		p = pkt_get(pool, SMALL_ROOM);
		if (!p)
			return NULL;
		memcpy(p->data, (*room)->data, len);
	}
	p->len = len;
	p->tail -= len;
	return p;
}

/*
 * The next frame, or NULL with *@err 0 when it was dropped, -EAGAIN when none
 * waits, else the device's end.  *@room is what frames are read into.
 */
static struct pkt *take(struct port_tap *t, struct pkt_pool *pool,
			struct pkt **room, int *err)
{
	struct virtio_net_hdr h;
	struct pkt *p;
	ssize_t len;

	t->port.stats.syscalls++;
	if (!*room)
		*room = pkt_get(pool, LARGE_ROOM);
	if (!*room)
		*room = pkt_get(pool, SMALL_ROOM);
	if (!*room) {
		*err = skip_frame(t);
		return NULL;
	}
	len = read_frame(t->fd, *room);
	*err = len < 0 ? (int)len : 0;
	if (len < 0)
		return NULL;
	memcpy(&h, (*room)->data - VNET_LEN, VNET_LEN);
	if (len == (ssize_t)(*room)->tail) {
		/* its end may have been cut off: a large one would fit it */
		t->port.stats.recv_starved += len == (ssize_t)SMALL_ROOM;
		return NULL;
	}
	p = take_over(pool, room, (uint32_t)len);
	if (!p) {
		t->port.stats.recv_starved++;
		return NULL;
	}
	p->in = t->port.id;
	if (vnet_recv(p, &h))
		return p;
	pkt_put(pool, p);
	return NULL;
}

static int tap_recv(struct port *port, struct pkt_pool *pool,
		    struct pkt_batch *out, struct mono now)
{
	struct port_tap *t = tap_of(port);
	struct pkt *room = NULL;
	int err = 0;

	(void)now;
	for (uint32_t i = 0; i < PKT_BATCH && out->n < PKT_BATCH && !err; i++) {
		struct pkt *p = take(t, pool, &room, &err);

		if (p) {
			port->stats.recv_packets++;
			port->stats.recv_bytes += p->len;
			out->p[out->n++] = p;
		} else if (!err) {
			port->stats.recv_dropped++;
		}
	}
	if (room)
		pkt_put(pool, room);
	return passing(-err) ? 0 : err;
}

/*
 * The vnet header goes into the headroom, so that one plain write does.
 *
 * #syscalls data: write
 */
static int write_frame(struct port_tap *t, struct pkt *p)
{
	struct virtio_net_hdr h;

	/* pools give PKT_HEADROOM, and no header of ours grows by that */
	vw_assert(p->head >= VNET_LEN);
	vnet_send(&h, p);
	memcpy(p->data - VNET_LEN, &h, VNET_LEN);
	t->port.stats.syscalls++;
	return write(t->fd, p->data - VNET_LEN, VNET_LEN + p->len) < 0 ? -errno
								       : 0;
}

static int tap_send(struct port *port, struct pkt_pool *pool,
		    struct pkt_batch *in, struct mono now)
{
	struct port_tap *t = tap_of(port);
	int dead = 0;

	(void)now;
	for (uint32_t i = 0; i < in->n; i++) {
		struct pkt *p = in->p[i];
		int err = dead ? dead : write_frame(t, p);

		if (!err) {
			port->stats.send_packets++;
			port->stats.send_bytes += p->len;
		} else {
			port->stats.send_dropped++;
		}
		if (err && !passing(-err))
			dead = err;
		pkt_put(pool, p);
	}
	in->n = 0;
	return dead;
}

/* The device's own queue is what wakes us: there is nothing to ask for. */
static bool tap_arm(struct port *port)
{
	(void)port;
	return false;
}

static void tap_close(struct port *port)
{
	struct port_tap *t = tap_of(port);

	close(t->fd);
	t->fd = -1;
	port->wake_fd = -1;
}

static const struct port_ops tap_ops = {
	.name = "tap",
	.recv = tap_recv,
	.send = tap_send,
	.arm = tap_arm,
	.close = tap_close,
};

void port_tap_init(struct port_tap *t, int fd)
{
	t->port.ops = &tap_ops;
	t->port.wake_fd = fd;
	t->fd = fd;
}
