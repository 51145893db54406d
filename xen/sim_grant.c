/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "xen/sim.h"

/*
 * References of a domain go down while its pages go up, so that nobody can take
 * one for the other, or count on their order.
 */
static uint32_t flip(const struct xen_sim *s, uint32_t i)
{
	return SIM_REF_FIRST + s->conf.pages - 1 - i;
}

static union sim_grant grant_load(const struct xen_sim *s, uint32_t page)
{
	return (union sim_grant){ .word = sim_load(&s->grant[page].word) };
}

static bool grant_change(struct xen_sim *s, uint32_t page, union sim_grant from,
			 union sim_grant to)
{
	return __atomic_compare_exchange_n(&s->grant[page].word, &from.word,
					   to.word, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static void *page_at(const struct xen_sim *s, uint32_t page)
{
	return s->page + (size_t)page * XEN_PAGE;
}

static bool allows(union sim_grant g, const struct sim_handle *h, bool write)
{
	return g.is.state == SIM_PAGE_GRANTED && g.is.dom == h->dom &&
	       (g.is.writable || !write);
}

/*
 * Holds the page of a grant by writing it to @hold, which is one of our slot.
 * Its number in @page, or an enum xen_status.
 */
static int16_t hold(struct sim_handle *h, uint16_t dom, uint32_t ref,
		    bool write, uint32_t *at, uint32_t *page)
{
	struct xen_sim *s = h->sim;
	uint32_t i;

	if (!sim_there(s, dom))
		return XEN_BAD_DOMAIN;
	if (ref >= SIM_REF_FIRST + s->conf.pages)
		return XEN_BAD_GREF;
	if (ref < SIM_REF_FIRST)
		return XEN_GENERAL_ERROR;
	i = (uint32_t)dom * s->conf.pages + flip(s, ref);
	if (!allows(grant_load(s, i), h, write))
		return XEN_GENERAL_ERROR;
	__atomic_store_n(at, i + 1, __ATOMIC_SEQ_CST);
	if (!allows(grant_load(s, i), h, write)) {
		__atomic_store_n(at, 0, __ATOMIC_RELEASE);
		return XEN_GENERAL_ERROR;
	}
	*page = i;
	return XEN_OKAY;
}

/* Whether somebody still maps or copies a page that is not granted any more. */
static bool held(const struct xen_sim *s, uint32_t page)
{
	for (uint32_t i = 0; i < s->conf.handles; i++) {
		const struct sim_slot *slot = &s->slot[i];
		uint32_t n = __atomic_load_n(&slot->maps_n, __ATOMIC_SEQ_CST);

		if (__atomic_load_n(&slot->pin, __ATOMIC_SEQ_CST) == page + 1)
			return true;
		for (uint32_t k = 0; k < n; k++)
			if (__atomic_load_n(&slot->map[k], __ATOMIC_SEQ_CST) ==
			    page + 1)
				return true;
	}
	return false;
}

/* ---- mapping ---------------------------------------------------------------
 */

/* A free entry of the handle's list; NULL: it is full. */
static uint32_t *map_entry(struct sim_slot *slot)
{
	for (uint32_t k = 0; k < SIM_MAPS; k++) {
		if (__atomic_load_n(&slot->map[k], __ATOMIC_RELAXED))
			continue;
		if (k >= slot->maps_n)
			__atomic_store_n(&slot->maps_n, k + 1,
					 __ATOMIC_SEQ_CST);
		return &slot->map[k];
	}
	return NULL;
}

static void unmap(struct sim_handle *h, uint32_t page, uint32_t n)
{
	for (uint32_t k = 0; k < h->slot->maps_n && n; k++) {
		uint32_t at = h->slot->map[k] - 1; /* wraps when free */

		if (at < page || at - page >= n)
			continue;
		__atomic_store_n(&h->slot->map[k], 0, __ATOMIC_SEQ_CST);
	}
}

static int map(struct sim_handle *h, uint16_t dom, const uint32_t *ref,
	       uint32_t n, void **out)
{
	uint32_t first = 0, page = 0;
	int err = n && n <= XEN_MAP_MAX ? 0 : -EINVAL;

	for (uint32_t i = 0; i < n && !err; i++) {
		uint32_t *at = map_entry(h->slot);

		if (!at)
			err = -ENOMEM;
		else if (hold(h, dom, ref[i], true, at, &page))
			err = -EINVAL;
		else if (i && page != first + i) {
			__atomic_store_n(at, 0, __ATOMIC_RELEASE);
			err = -EOPNOTSUPP;
		}
		if (err)
			unmap(h, first, i);
		first = i ? first : page;
	}
	if (!err)
		*out = page_at(h->sim, first);
	return err;
}

int sim_map(struct xen *x, uint16_t dom, const uint32_t *ref, uint32_t n,
	    void **out)
{
	struct sim_handle *h = sim_of(x);
	int err = sim_enter(h, XEN_SIM_MAP);

	return sim_leave(h, XEN_SIM_MAP, err ? err : map(h, dom, ref, n, out));
}

/* The page that @at lies in; UINT32_MAX: in none. */
static uint32_t page_of(const struct xen_sim *s, const void *at)
{
	uintptr_t off = (uintptr_t)at - (uintptr_t)s->page;
	size_t pages = (size_t)s->conf.domains * s->conf.pages;

	return off / XEN_PAGE < pages ? (uint32_t)(off / XEN_PAGE) : UINT32_MAX;
}

void sim_unmap(struct xen *x, void *at, uint32_t n)
{
	struct sim_handle *h = sim_of(x);
	uint32_t page = page_of(h->sim, at);

	vw_assert(page != UINT32_MAX);
	if (__atomic_load_n(&h->slot->life, __ATOMIC_ACQUIRE) == h->life)
		unmap(h, page, n);
}

/* ---- copying ---------------------------------------------------------------
 */

static int16_t copy_seg(struct sim_handle *h, const struct xen_seg *seg,
			enum xen_way way)
{
	uint32_t page;
	int16_t status;
	uint8_t *peer;

	if (!seg->len) /* the kernel has nothing to ask Xen for */
		return XEN_OKAY;
	if (sim_fault_seg(h, &status))
		return status;
	status = hold(h, seg->dom, seg->ref, way == XEN_TO_PEER, &h->slot->pin,
		      &page);
	if (status)
		return status;
	peer = (uint8_t *)page_at(h->sim, page) + seg->off;
	if (way == XEN_TO_PEER)
		memcpy(peer, seg->local, seg->len);
	else
		memcpy(seg->local, peer, seg->len);
	__atomic_store_n(&h->slot->pin, 0, __ATOMIC_RELEASE);
	return XEN_OKAY;
}

/* What the kernel refuses before Xen sees it. */
static int check_seg(const struct sim_handle *h, const struct xen_seg *seg)
{
	uint32_t page = page_of(h->sim, seg->local);

	if ((uint32_t)seg->off + seg->len > XEN_PAGE)
		return -EINVAL;
	/* a page that is mapped from a peer can't be the local side */
	if (page != UINT32_MAX && page / h->sim->conf.pages != h->dom)
		return -EFAULT;
	return 0;
}

/*
 * How many of the @n segments before a bad one are copied all the same: the
 * kernel makes a hypercall when it has more operations than one of those takes,
 * and finds the bad one before the last.  A segment of ours takes two where
 * memory crosses a page.
 */
static uint32_t done_before(const struct xen_seg *seg, uint32_t n)
{
	uint32_t done = 0, ops = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t left = (uintptr_t)seg[i].local % XEN_PAGE + seg[i].len;

		for (uint32_t k = 0; seg[i].len && k < left; k += XEN_PAGE) {
			if (ops == XEN_COPY_BATCH) {
				done = i;
				ops = 0;
			}
			ops++;
		}
	}
	return done;
}

int sim_copy(struct xen *x, struct xen_seg *seg, uint32_t n, enum xen_way way)
{
	struct sim_handle *h = sim_of(x);
	int err = sim_enter(h, XEN_SIM_COPY);
	uint32_t good = err == -EBADF ? 0 : n;

	vw_assert(n <= XEN_COPY_MAX);
	for (uint32_t i = 0; i < n && !err; i++) {
		err = check_seg(h, &seg[i]);
		good = err ? i : n;
	}
	if (err)
		good = done_before(seg, good);
	for (uint32_t i = 0; i < good; i++) {
		sim_call_hook(h, XEN_SIM_SEG, i, false);
		seg[i].status = copy_seg(h, &seg[i], way);
		sim_call_hook(h, XEN_SIM_SEG, i, true);
	}
	for (uint32_t i = 0; i < n && err; i++)
		seg[i].status = XEN_NOT_COPIED;
	return sim_leave(h, XEN_SIM_COPY, err);
}

/* ---- sharing ---------------------------------------------------------------
 */

uint32_t xen_sim_shared(const struct xen_sim *s, uint16_t dom)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->conf.pages; i++) {
		uint8_t state = grant_load(s, dom * s->conf.pages + i).is.state;

		n += state == SIM_PAGE_TAKEN || state == SIM_PAGE_GRANTED;
	}
	return n;
}

uint32_t xen_sim_mapped(const struct xen_sim *s, uint16_t dom)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->conf.pages; i++)
		n += held(s, dom * s->conf.pages + i);
	return n;
}

/* Gives @n pages back to the domain, or leaves them to those who hold them. */
static void let_go(struct xen_sim *s, uint32_t page, uint32_t n)
{
	static const union sim_grant leaving = {
		.is = { .state = SIM_PAGE_LEAVING },
	};
	static const union sim_grant none;

	for (uint32_t i = page; i < page + n; i++) {
		__atomic_store_n(&s->grant[i].word, leaving.word,
				 __ATOMIC_SEQ_CST);
		if (!held(s, i))
			(void)grant_change(s, i, leaving, none);
	}
}

/* Makes a page ours, if it can be. */
static bool take_page(struct sim_handle *h, uint32_t page)
{
	union sim_grant was = grant_load(h->sim, page);
	union sim_grant taken = {
		.is = { .state = SIM_PAGE_TAKEN, .owner = (uint16_t)h->number },
	};

	if (was.is.state == SIM_PAGE_LEAVING ? held(h->sim, page)
					     : was.is.state != SIM_PAGE_FREE)
		return false;
	return grant_change(h->sim, page, was, taken);
}

/* @n free pages, one behind the other, of [@i, @end); UINT32_MAX: none. */
static uint32_t take_run(struct sim_handle *h, uint32_t i, uint32_t end,
			 uint32_t n)
{
	uint32_t got = 0;

	for (; i < end && got < n; i++) {
		if (take_page(h, i)) {
			got++;
			continue;
		}
		let_go(h->sim, i - got, got);
		got = 0;
	}
	if (got == n)
		return i - n;
	let_go(h->sim, i - got, got);
	return UINT32_MAX;
}

/* The same of the whole domain; pages that were let go of wait their turn. */
static uint32_t take_pages(struct sim_handle *h, uint32_t n)
{
	uint32_t pages = h->sim->conf.pages, base = h->dom * pages;
	uint32_t *next = &h->sim->dom[h->dom].next;
	uint32_t from = __atomic_load_n(next, __ATOMIC_RELAXED);
	uint32_t page = take_run(h, base + from, base + pages, n);

	if (page == UINT32_MAX)
		page = take_run(h, base, base + pages, n);
	if (page != UINT32_MAX)
		__atomic_store_n(next, page + n - base, __ATOMIC_RELAXED);
	return page;
}

static int share(struct sim_handle *h, uint16_t dom, uint32_t n, bool writable,
		 uint32_t *ref, void **out)
{
	struct xen_sim *s = h->sim;
	uint32_t limit =
		__atomic_load_n(&s->dom[h->dom].limit, __ATOMIC_RELAXED);
	union sim_grant g = { .is = { .state = SIM_PAGE_GRANTED,
				      .writable = writable,
				      .owner = (uint16_t)h->number,
				      .dom = dom } };
	uint32_t page;

	if (!n || n > XEN_SHARE_MAX)
		return -EINVAL;
	/* two processes that share at once may go beyond the limit together */
	if (n > s->conf.pages || n > limit ||
	    xen_sim_shared(s, h->dom) > limit - n)
		return -ENOSPC;
	page = take_pages(h, n);
	if (page == UINT32_MAX)
		return -ENOSPC;
	*out = page_at(s, page);
	memset(*out, 0, (size_t)n * XEN_PAGE);
	for (uint32_t i = 0; i < n; i++) {
		ref[i] = flip(s, page + i - h->dom * s->conf.pages);
		__atomic_store_n(&s->grant[page + i].word, g.word,
				 __ATOMIC_SEQ_CST);
	}
	return 0;
}

int sim_share(struct xen *x, uint16_t dom, uint32_t n, bool writable,
	      uint32_t *ref, void **out)
{
	struct sim_handle *h = sim_of(x);
	int err = sim_enter(h, XEN_SIM_SHARE);

	if (!err)
		err = share(h, dom, n, writable, ref, out);
	return sim_leave(h, XEN_SIM_SHARE, err);
}

void sim_unshare(struct xen *x, void *at, uint32_t n)
{
	struct sim_handle *h = sim_of(x);
	uint32_t page = page_of(h->sim, at);

	vw_assert(page != UINT32_MAX);
	if (__atomic_load_n(&h->slot->life, __ATOMIC_ACQUIRE) == h->life)
		let_go(h->sim, page, n);
}

void sim_grant_kill(struct xen_sim *s, uint32_t handle)
{
	struct sim_slot *slot = &s->slot[handle];
	uint32_t dom = __atomic_load_n(&slot->dom, __ATOMIC_RELAXED);
	uint32_t base = dom * s->conf.pages;

	__atomic_store_n(&slot->pin, 0, __ATOMIC_SEQ_CST);
	for (uint32_t k = 0; k < SIM_MAPS; k++)
		__atomic_store_n(&slot->map[k], 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&slot->maps_n, 0, __ATOMIC_SEQ_CST);
	for (uint32_t i = base; i < base + s->conf.pages; i++) {
		union sim_grant now = grant_load(s, i);

		if ((now.is.state == SIM_PAGE_TAKEN ||
		     now.is.state == SIM_PAGE_GRANTED) &&
		    now.is.owner == handle)
			let_go(s, i, 1);
	}
}
