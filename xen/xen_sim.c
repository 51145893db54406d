/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xen/sim.h"

#define SIM_MAGIC 0x316d697378776676u

static const struct xen_sim_conf small = {
	.domains = 4,
	.handles = 8,
	.pages = 2048,
};

/* Where the parts of the region begin; the last one is its length. */
struct layout {
	size_t dom, slot, port, grant, page, len;
};

static size_t part(size_t at, size_t n, size_t each)
{
	return (at + n * each + XEN_PAGE - 1) & ~(size_t)(XEN_PAGE - 1);
}

static struct layout layout(const struct xen_sim_conf *c)
{
	struct layout l;
	size_t pages = (size_t)c->domains * c->pages;

	l.dom = part(0, 1, sizeof(struct sim_head));
	l.slot = part(l.dom, c->domains, sizeof(struct sim_dom));
	l.port = part(l.slot, c->handles, sizeof(struct sim_slot));
	l.grant = part(l.port, (size_t)c->domains * XEN_SIM_PORTS,
		       sizeof(union sim_port));
	l.page = part(l.grant, pages, sizeof(union sim_grant));
	l.len = part(l.page, pages, XEN_PAGE);
	return l;
}

size_t xen_sim_size(const struct xen_sim_conf *c)
{
	return layout(c ? c : &small).len;
}

static bool conf_ok(const struct xen_sim_conf *c)
{
	return c->domains && c->handles && c->handles <= XEN_SIM_HANDLES_MAX &&
	       c->pages && c->pages <= UINT32_MAX / c->domains / 2;
}

static struct xen_sim *describe(uint8_t *region, const struct xen_sim_conf *c)
{
	struct xen_sim *s = calloc(1, sizeof(*s) + c->handles * sizeof(int));
	struct layout l = layout(c);

	if (!s)
		return NULL;
	s->conf = *c;
	s->len = l.len;
	s->head = (void *)region;
	s->dom = (void *)(region + l.dom);
	s->slot = (void *)(region + l.slot);
	s->port = (void *)(region + l.port);
	s->grant = (void *)(region + l.grant);
	s->page = region + l.page;
	for (uint32_t i = 0; i < c->handles; i++)
		s->fd[i] = -1;
	return s;
}

static void *map_region(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

struct xen_sim *xen_sim_new(void *region, const struct xen_sim_conf *c)
{
	bool own = !region;
	struct xen_sim *s;

	c = c ? c : &small;
	if (!conf_ok(c)) {
		errno = EINVAL;
		return NULL;
	}
	if (own)
		region = map_region(xen_sim_size(c));
	if (!region)
		return NULL;
	s = describe(region, c);
	if (!s) {
		if (own)
			munmap(region, xen_sim_size(c));
		return NULL;
	}
	s->region = own;
	s->fds = true;
	for (uint32_t i = 0; i < c->handles; i++) {
		s->fd[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (s->fd[i] < 0) {
			xen_sim_free(s);
			return NULL;
		}
	}
	s->head->conf = *c;
	for (uint16_t i = 0; i < c->domains; i++)
		xen_sim_boot(s, i);
	__atomic_store_n(&s->head->magic, SIM_MAGIC, __ATOMIC_RELEASE);
	return s;
}

struct xen_sim *xen_sim_attach(void *region, size_t len, const int *fd,
			       uint32_t fds)
{
	const struct sim_head *head = region;
	struct xen_sim_conf c;
	struct xen_sim *s;

	errno = EINVAL;
	if (len < sizeof(*head) ||
	    __atomic_load_n(&head->magic, __ATOMIC_ACQUIRE) != SIM_MAGIC)
		return NULL;
	c = head->conf;
	if (!conf_ok(&c) || xen_sim_size(&c) > len || fds != c.handles)
		return NULL;
	s = describe(region, &c);
	if (s)
		memcpy(s->fd, fd, fds * sizeof(*fd));
	return s;
}

const int *xen_sim_fds(const struct xen_sim *s, uint32_t *n)
{
	*n = s->conf.handles;
	return s->fd;
}

void xen_sim_free(struct xen_sim *s)
{
	for (uint32_t i = 0; s->fds && i < s->conf.handles; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
	if (s->region)
		munmap(s->head, s->len);
	free(s);
}

static void close_handle(struct xen *x)
{
	struct sim_handle *h = sim_of(x);

	if (__atomic_load_n(&h->slot->life, __ATOMIC_ACQUIRE) == h->life)
		xen_sim_kill(h->sim, h->number);
	if (h->link >= 0) {
		xen_sim_free(h->sim);
		close(h->link);
	}
	free(h);
}

static const struct xen_ops ops = {
	.name = "sim",
	.map = sim_map,
	.unmap = sim_unmap,
	.copy = sim_copy,
	.share = sim_share,
	.unshare = sim_unshare,
	.evt_bind = sim_evt_bind,
	.evt_alloc = sim_evt_alloc,
	.evt_close = sim_evt_close,
	.evt_notify = sim_evt_notify,
	.evt_take = sim_evt_take,
	.evt_unmask = sim_evt_unmask,
	.close = close_handle,
};

/*
 * Number of a slot that is ours from now on, or -1.  It is never taken without
 * saying by whom: whoever dies in here is found by xen_sim_reap().
 */
static int take_slot(struct xen_sim *s, uint16_t dom, uint32_t *life)
{
	const uint32_t pid = (uint32_t)getpid();

	for (uint32_t i = 0; i < s->conf.handles; i++) {
		struct sim_slot *slot = &s->slot[i];
		uint32_t nobody = 0;

		if (!__atomic_compare_exchange_n(&slot->pid, &nobody, pid,
						 false, __ATOMIC_SEQ_CST,
						 __ATOMIC_RELAXED))
			continue;
		__atomic_store_n(&slot->dom, dom, __ATOMIC_RELAXED);
		*life = __atomic_load_n(&slot->life, __ATOMIC_ACQUIRE) + 1;
		__atomic_store_n(&slot->life, *life, __ATOMIC_SEQ_CST);
		return (int)i;
	}
	return -1;
}

/* What this process needs for slot @number, which is taken. */
static struct sim_handle *describe_handle(struct xen_sim *s, uint32_t number)
{
	struct sim_handle *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->sim = s;
	h->number = number;
	h->slot = &s->slot[number];
	h->link = -1;
	h->x.ops = &ops;
	h->x.evt_fd = s->fd[number];
	return h;
}

struct xen *xen_sim_open(struct xen_sim *s, uint16_t dom)
{
	struct sim_handle *h;
	uint64_t stale;
	uint32_t life;
	int n;

	if (!sim_there(s, dom)) {
		errno = ESRCH;
		return NULL;
	}
	n = take_slot(s, dom, &life);
	if (n < 0) {
		errno = EMFILE;
		return NULL;
	}
	h = describe_handle(s, (uint32_t)n);
	if (!h) {
		xen_sim_kill(s, (uint32_t)n);
		errno = ENOMEM;
		return NULL;
	}
	h->life = life;
	h->dom = dom;
	__atomic_store_n(&h->slot->rung, 0, __ATOMIC_SEQ_CST);
	(void)!read(s->fd[n], &stale, sizeof(stale));
	return &h->x;
}

struct xen *sim_adopt(struct xen_sim *s, uint32_t number, int link)
{
	struct sim_handle *h = describe_handle(s, number);

	if (!h)
		return NULL;
	h->life = __atomic_load_n(&h->slot->life, __ATOMIC_ACQUIRE);
	h->dom = (uint16_t)__atomic_load_n(&h->slot->dom, __ATOMIC_RELAXED);
	h->link = link;
	__atomic_store_n(&h->slot->pid, (uint32_t)getpid(), __ATOMIC_RELEASE);
	return &h->x;
}

uint32_t xen_sim_handle(const struct xen *x)
{
	const struct sim_handle *h = (const void *)x;

	return h->number;
}

void xen_sim_limit(struct xen_sim *s, uint16_t dom, uint32_t pages)
{
	__atomic_store_n(&s->dom[dom].limit, pages, __ATOMIC_RELAXED);
}

void xen_sim_kill(struct xen_sim *s, uint32_t handle)
{
	struct sim_slot *slot = &s->slot[handle];
	uint32_t life = __atomic_load_n(&slot->life, __ATOMIC_ACQUIRE);

	if (life & 1) {
		sim_evt_kill(s, handle);
		sim_grant_kill(s, handle);
		__atomic_store_n(&slot->life, life + 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&slot->pid, 0, __ATOMIC_RELEASE);
}

void xen_sim_reap(struct xen_sim *s, pid_t pid)
{
	for (uint32_t i = 0; i < s->conf.handles; i++)
		if (__atomic_load_n(&s->slot[i].pid, __ATOMIC_ACQUIRE) ==
		    (uint32_t)pid)
			xen_sim_kill(s, i);
}

void xen_sim_destroy(struct xen_sim *s, uint16_t dom)
{
	__atomic_store_n(&s->dom[dom].there, 0, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < s->conf.handles; i++)
		if (__atomic_load_n(&s->slot[i].life, __ATOMIC_ACQUIRE) & 1 &&
		    __atomic_load_n(&s->slot[i].dom, __ATOMIC_RELAXED) == dom)
			xen_sim_kill(s, i);
}

void xen_sim_boot(struct xen_sim *s, uint16_t dom)
{
	__atomic_store_n(&s->dom[dom].limit, XEN_SIM_LIMIT, __ATOMIC_RELAXED);
	__atomic_store_n(&s->dom[dom].there, 1, __ATOMIC_RELEASE);
}
