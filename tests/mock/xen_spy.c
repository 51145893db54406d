/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/xen_spy.h"

static struct xen_spy *spy_of(struct xen *x)
{
	return (struct xen_spy *)(void *)x;
}

static int spy_map(struct xen *x, uint16_t dom, const uint32_t *ref, uint32_t n,
		   void **out)
{
	return xen_map(spy_of(x)->real, dom, ref, n, out);
}

static void spy_unmap(struct xen *x, void *at, uint32_t n)
{
	xen_unmap(spy_of(x)->real, at, n);
}

static int spy_copy(struct xen *x, struct xen_seg *seg, uint32_t n,
		    enum xen_way way)
{
	struct xen_spy *s = spy_of(x);
	int err;

	vw_assert(n && n <= XEN_COPY_MAX);
	for (uint32_t i = 0; i < n; i++)
		vw_assert(seg[i].len &&
			  (uint32_t)seg[i].off + seg[i].len <= XEN_PAGE);
	if (s->look)
		s->look(s->ctx, seg, n, way);
	err = xen_copy(s->real, seg, n, way);
	s->got_n = 0;
	for (uint32_t i = 0; i < n && !err && way == XEN_FROM_PEER; i++) {
		if (seg[i].status != XEN_OKAY)
			continue;
		s->got[s->got_n].at = seg[i].local;
		s->got[s->got_n++].len = seg[i].len;
	}
	return err;
}

static int spy_share(struct xen *x, uint16_t dom, uint32_t n, bool writable,
		     uint32_t *ref, void **out)
{
	return xen_share(spy_of(x)->real, dom, n, writable, ref, out);
}

static void spy_unshare(struct xen *x, void *at, uint32_t n)
{
	xen_unshare(spy_of(x)->real, at, n);
}

static int spy_bind(struct xen *x, uint16_t dom, uint32_t port, uint32_t *local)
{
	return xen_evt_bind(spy_of(x)->real, dom, port, local);
}

static int spy_alloc(struct xen *x, uint16_t dom, uint32_t *local)
{
	return xen_evt_alloc(spy_of(x)->real, dom, local);
}

static void spy_evt_close(struct xen *x, uint32_t local)
{
	xen_evt_close(spy_of(x)->real, local);
}

static int spy_notify(struct xen *x, uint32_t local)
{
	return xen_evt_notify(spy_of(x)->real, local);
}

static int spy_take(struct xen *x, uint32_t *port, uint32_t max)
{
	return xen_evt_take(spy_of(x)->real, port, max);
}

static int spy_unmask(struct xen *x, const uint32_t *port, uint32_t n)
{
	return xen_evt_unmask(spy_of(x)->real, port, n);
}

/* The one behind it stays the caller's. */
static void spy_close(struct xen *x)
{
	(void)x;
}

static const struct xen_ops spy_ops = {
	.name = "spy",
	.map = spy_map,
	.unmap = spy_unmap,
	.copy = spy_copy,
	.share = spy_share,
	.unshare = spy_unshare,
	.evt_bind = spy_bind,
	.evt_alloc = spy_alloc,
	.evt_close = spy_evt_close,
	.evt_notify = spy_notify,
	.evt_take = spy_take,
	.evt_unmask = spy_unmask,
	.close = spy_close,
};

void xen_spy_open(struct xen_spy *s, struct xen *real)
{
	*s = (struct xen_spy){
		.x = { .ops = &spy_ops, .evt_fd = real->evt_fd },
		.real = real,
	};
}

bool xen_spy_got(const struct xen_spy *s, uint32_t *next, const uint8_t *at,
		 uint32_t len)
{
	while (*next < s->got_n && s->got[*next].at != at)
		++*next;
	while (len && *next < s->got_n && s->got[*next].at == at &&
	       s->got[*next].len <= len) {
		at += s->got[*next].len;
		len -= s->got[*next].len;
		++*next;
	}
	return !len;
}
