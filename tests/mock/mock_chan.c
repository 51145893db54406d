/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mock/mock_chan.h"

static void poke(struct mock_chan *m)
{
	const uint64_t one = 1;

	(void)!write(m->chan.fd, &one, sizeof(one));
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void pipe_put(struct mock_pipe *p, const void *buf, size_t len)
{
	vw_assert(len <= MOCK_CHAN_ROOM - p->n);
	if (!len)
		return;
	memcpy(p->bytes + p->n, buf, len);
	p->n += len;
}

static void pipe_take(struct mock_pipe *p, void *buf, size_t len)
{
	if (!len)
		return; /* also of one that its owner closed */
	memcpy(buf, p->bytes, len);
	p->n -= len;
	memmove(p->bytes, p->bytes + len, p->n);
}

static enum chan_state mock_event(struct chan *c)
{
	uint64_t times;

	(void)!read(c->fd, &times, sizeof(times));
	return ((struct mock_chan *)c)->state;
}

static ssize_t mock_recv(struct chan *c, void *buf, size_t size)
{
	struct mock_chan *m = (struct mock_chan *)c;
	size_t n = least(least(size, m->piece), m->in.n);

	if (!n && size && m->state == CHAN_GONE)
		return -ENOTCONN;
	pipe_take(&m->in, buf, n);
	return (ssize_t)n;
}

static ssize_t mock_send(struct chan *c, const void *buf, size_t len)
{
	struct mock_chan *m = (struct mock_chan *)c;
	size_t n;

	if (m->state == CHAN_GONE)
		return -ENOTCONN;
	if (m->state == CHAN_WAITING || m->out.n >= m->room)
		return 0;
	n = least(least(len, m->piece), m->room - m->out.n);
	pipe_put(&m->out, buf, n);
	return (ssize_t)n;
}

static void mock_close(struct chan *c)
{
	struct mock_chan *m = (struct mock_chan *)c;

	close(c->fd);
	free(m->in.bytes);
	free(m->out.bytes);
	memset(m, 0, sizeof(*m));
}

static const struct chan_ops mock_ops = {
	.event = mock_event,
	.recv = mock_recv,
	.send = mock_send,
	.close = mock_close,
};

static struct chan *make(struct mock_chans *m, const struct mock_chan *like,
			 int *err)
{
	struct mock_chan *c = m->c;

	*err = m->fail;
	m->fail = 0;
	if (*err)
		return NULL;
	while (c->used)
		c++;
	vw_assert(c < m->c + MOCK_CHANS);
	*c = *like;
	c->chan.ops = &mock_ops;
	c->chan.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	c->used = true;
	c->room = c->piece = MOCK_CHAN_ROOM;
	c->in.bytes = malloc(MOCK_CHAN_ROOM);
	c->out.bytes = malloc(MOCK_CHAN_ROOM);
	vw_assert(c->chan.fd >= 0 && c->in.bytes && c->out.bytes);
	m->made++;
	return &c->chan;
}

static struct chan *mock_serve(struct chan_net *n, uint16_t domid,
			       uint32_t port, size_t read_min, size_t write_min,
			       int *err)
{
	return make((struct mock_chans *)n,
		    &(struct mock_chan){ .served = true,
					 .domid = domid,
					 .port = port,
					 .read_min = read_min,
					 .write_min = write_min },
		    err);
}

static struct chan *mock_connect(struct chan_net *n, uint16_t domid,
				 uint32_t port, int *err)
{
	return make((struct mock_chans *)n,
		    &(struct mock_chan){ .domid = domid, .port = port }, err);
}

static void mock_net_close(struct chan_net *n)
{
	((struct mock_chans *)n)->closed = true;
}

void mock_chans_init(struct mock_chans *m)
{
	static const struct chan_net_ops ops = {
		.serve = mock_serve,
		.connect = mock_connect,
		.close = mock_net_close,
	};

	memset(m, 0, sizeof(*m));
	m->net.ops = &ops;
}

void mock_chans_fini(struct mock_chans *m)
{
	for (uint32_t i = 0; i < MOCK_CHANS; i++)
		if (m->c[i].used)
			mock_close(&m->c[i].chan);
}

struct mock_chan *mock_chan_find(struct mock_chans *m, uint16_t domid,
				 uint32_t port)
{
	for (uint32_t i = 0; i < MOCK_CHANS; i++)
		if (m->c[i].used && m->c[i].domid == domid &&
		    m->c[i].port == port)
			return &m->c[i];
	return NULL;
}

void mock_chan_meet(struct mock_chan *c)
{
	c->state = CHAN_OPEN;
	poke(c);
}

void mock_chan_put(struct mock_chan *c, const void *buf, size_t len)
{
	pipe_put(&c->in, buf, len);
	poke(c);
}

size_t mock_chan_take(struct mock_chan *c, void *buf, size_t size)
{
	size_t n = least(size, c->out.n);

	pipe_take(&c->out, buf, n);
	if (n)
		poke(c);
	return n;
}

void mock_chan_leave(struct mock_chan *c)
{
	c->state = CHAN_GONE;
	poke(c);
}
