/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The owner's side of channels over libxenvchan. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "xen/qubes/chan_part.h"

enum { TAG_NEWS, TAG_END };

/* #syscalls control: write */
void vchan_poke(int eventfd)
{
	const uint64_t one = 1;

	(void)!write(eventfd, &one, sizeof(one));
}

static struct vchan *vchan_of(struct chan *c)
{
	return (struct vchan *)c;
}

static int watch(const struct vchan *v, int fd, uint32_t tag)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = tag };

	return epoll_ctl(v->chan.fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

/*
 * A server is open only when its keys are away: whoever is told so may end the
 * channel and ask for the next one, and must not find the keys of this one.
 */
static enum chan_state open_apart(struct vchan *v)
{
	if (!v->server || vchan_get(&v->apart))
		return CHAN_OPEN;
	if (!vchan_get(&v->connected)) {
		vchan_put(&v->connected, true);
		vchan_poke(v->net->wake);
	}
	return CHAN_WAITING;
}

/* What the end says, of which the page that the other one writes is a part. */
static enum chan_state look(struct vchan *v)
{
	struct vchan_lib *lib = v->net->lib;
	enum chan_state is;

	if (v->state == CHAN_GONE || vchan_get(&v->step) == VCHAN_FAILED)
		return CHAN_GONE;
	if (vchan_get(&v->step) != VCHAN_MET)
		return CHAN_WAITING;
	if (!v->watched && watch(v, lib->fd(v->end), TAG_END))
		return CHAN_GONE;
	v->watched = true;
	is = vchan_get(&v->alone) ? CHAN_GONE : lib->state(v->end);
	if (is == CHAN_WAITING && v->state == CHAN_OPEN)
		return CHAN_GONE;
	return is == CHAN_OPEN ? open_apart(v) : is;
}

/* #syscalls control: epoll_wait epoll_pwait epoll_ctl read */
static enum chan_state vchan_event(struct chan *c)
{
	struct vchan *v = vchan_of(c);
	struct epoll_event ev[2];
	int n = epoll_wait(c->fd, ev, 2, 0);
	uint64_t times;

	for (int i = 0; i < n; i++)
		if (ev[i].data.u32 == TAG_END)
			v->net->lib->take(v->end);
		else
			(void)!read(v->news, &times, sizeof(times));
	v->state = look(v);
	return v->state;
}

/* Bytes outlive the state: those that were there are read still. */
static ssize_t vchan_recv(struct chan *c, void *buf, size_t size)
{
	struct vchan *v = vchan_of(c);
	ssize_t n;

	if (v->state == CHAN_WAITING || !size)
		return 0;
	if (!v->watched)
		return -ENOTCONN;
	n = v->net->lib->recv(v->end, buf, size);
	if (n < 0 || (!n && v->state == CHAN_GONE)) {
		v->state = CHAN_GONE;
		return -ENOTCONN;
	}
	return n;
}

static ssize_t vchan_send(struct chan *c, const void *buf, size_t len)
{
	struct vchan *v = vchan_of(c);
	ssize_t n;

	if (v->state == CHAN_GONE)
		return -ENOTCONN;
	if (v->state == CHAN_WAITING || !len)
		return 0;
	n = v->net->lib->send(v->end, buf, len);
	if (n < 0) {
		v->state = CHAN_GONE;
		return -ENOTCONN;
	}
	return n;
}

static void vchan_close(struct chan *c)
{
	struct vchan *v = vchan_of(c);
	int wake = v->net->wake;

	close(c->fd);
	vchan_put(&v->closed, true); /* the thread's from here on */
	vchan_poke(wake);
}

static const struct chan_ops vchan_ops = {
	.event = vchan_event,
	.recv = vchan_recv,
	.send = vchan_send,
	.close = vchan_close,
};

/* #syscalls control: epoll_create1 eventfd2 close */
static struct chan *vchan_new(struct vchan_net *n, const struct vchan *like,
			      int *err)
{
	struct vchan *v = malloc(sizeof(*v)), **at;

	*err = -ENOMEM;
	if (!v)
		return NULL;
	*v = *like;
	v->net = n;
	v->chan.ops = &vchan_ops;
	v->chan.fd = epoll_create1(EPOLL_CLOEXEC);
	v->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v->chan.fd < 0 || v->news < 0 || watch(v, v->news, TAG_NEWS)) {
		*err = -errno;
		if (v->chan.fd >= 0)
			close(v->chan.fd);
		if (v->news >= 0)
			close(v->news);
		free(v);
		return NULL;
	}
	pthread_mutex_lock(&n->lock);
	for (at = &n->list; *at; at = &(*at)->next)
		;
	*at = v;
	pthread_mutex_unlock(&n->lock);
	vchan_poke(n->wake);
	*err = 0;
	return &v->chan;
}

static struct chan *vchan_serve(struct chan_net *net, uint16_t domid,
				uint32_t port, size_t read_min,
				size_t write_min, int *err)
{
	return vchan_new((struct vchan_net *)net,
			 &(struct vchan){ .server = true,
					  .domid = domid,
					  .port = port,
					  .read_min = read_min,
					  .write_min = write_min },
			 err);
}

static struct chan *vchan_connect(struct chan_net *net, uint16_t domid,
				  uint32_t port, int *err)
{
	return vchan_new((struct vchan_net *)net,
			 &(struct vchan){ .domid = domid, .port = port }, err);
}

static void net_free(struct vchan_net *n)
{
	if (n->wake >= 0)
		close(n->wake);
	if (n->over >= 0)
		close(n->over);
	if (n->store)
		n->store->ops->close(n->store);
	if (n->lib)
		n->lib->close(n->lib);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

/*
 * When the XenStore does not answer, the thread and all that it uses stay: the
 * process ends soon.
 */
static void vchan_net_close(struct chan_net *net)
{
	struct vchan_net *n = (struct vchan_net *)net;
	struct pollfd p = { .fd = n->over, .events = POLLIN };

	vchan_put(&n->stop, true);
	vchan_poke(n->wake);
	if (poll(&p, 1, CHAN_VCHAN_STOP_MS) != 1)
		return;
	pthread_join(n->thread, NULL);
	net_free(n);
}

static const struct chan_net_ops net_ops = {
	.serve = vchan_serve,
	.connect = vchan_connect,
	.close = vchan_net_close,
};

/*
 * The first watch makes the store's library start its own thread, which is not
 * possible later on.  Nothing else comes of it: our number changes when we are
 * restored as another domain, and then no ring is shared with anybody, whatever
 * its page says.  Of the other end it says nothing; a peer that is started anew
 * is noticed by the page, and a domain that was destroyed by asking for it.
 */
static int make(struct vchan_net *n)
{
	uint32_t self;
	int err;

	if (!n->store || !n->lib || n->wake < 0 || n->over < 0)
		return errno ? -errno : -EIO;
	err = store_read_u32(n->store, "domid", UINT16_MAX, &self);
	if (err)
		return err;
	n->self = (uint16_t)self;
	err = n->store->ops->watch(n->store, "domid", "domid");
	return err ? err : thread_start(&n->thread, vchan_meet, n);
}

struct chan_net *chan_vchan_open(struct store *store, struct vchan_lib *lib,
				 int *err)
{
	struct vchan_net *n = calloc(1, sizeof(*n));

	*err = -ENOMEM;
	if (!n) {
		if (store)
			store->ops->close(store);
		if (lib)
			lib->close(lib);
		return NULL;
	}
	n->net.ops = &net_ops;
	n->store = store;
	n->lib = lib;
	pthread_mutex_init(&n->lock, NULL);
	n->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	n->over = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*err = make(n);
	if (!*err)
		return &n->net;
	net_free(n);
	return NULL;
}
