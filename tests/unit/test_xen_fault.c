/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "mock/xen_pair.h"
#include "unit.h"

/* What goes wrong on demand: failing calls, hooks, death. */

/* One call of each kind; what it returned. */
static int call(const struct xen_pair *p, enum xen_sim_op op)
{
	uint32_t ref, port, theirs;
	struct xen_seg seg = { .dom = 1, .local = &ref };
	void *at;

	xen_pair_page(p, &ref);
	seg.ref = ref;
	CU_ASSERT_FATAL(xen_evt_alloc(p->front, 0, &theirs) == 0);
	switch (op) {
	case XEN_SIM_MAP:
		return xen_map(p->back, 1, &ref, 1, &at);
	case XEN_SIM_COPY:
		return xen_copy(p->back, &seg, 1, XEN_FROM_PEER);
	case XEN_SIM_SHARE:
		return xen_share(p->back, 1, 1, true, &ref, &at);
	case XEN_SIM_BIND:
		return xen_evt_bind(p->back, 1, theirs, &port);
	case XEN_SIM_ALLOC:
		return xen_evt_alloc(p->back, 1, &port);
	case XEN_SIM_NOTIFY:
		if (xen_evt_alloc(p->back, 1, &port))
			return 1;
		return xen_evt_notify(p->back, port);
	case XEN_SIM_TAKE:
		return xen_evt_take(p->back, &port, 0);
	case XEN_SIM_UNMASK:
		return xen_evt_unmask(p->back, &port, 0);
	case XEN_SIM_ANY:
	case XEN_SIM_SEG:
	default:
		return 1;
	}
}

static void each_kind_of_call_fails_on_demand(void)
{
	for (int op = 0; op < XEN_SIM_ANY; op++) {
		struct xen_pair p = xen_pair();
		enum xen_sim_op this = (enum xen_sim_op)op;

		xen_sim_fail(p.back, this, 1, EIO);
		CU_ASSERT(call(&p, this) == 0);
		CU_ASSERT(!xen_sim_failed(p.back));
		CU_ASSERT(call(&p, this) == -EIO);
		CU_ASSERT(xen_sim_failed(p.back));
		CU_ASSERT(call(&p, this) == 0);
		xen_pair_free(p);
	}
}

static void any_call_fails_on_demand(void)
{
	struct xen_pair p = xen_pair();

	xen_sim_fail(p.back, XEN_SIM_ANY, 2, ENOMEM);
	CU_ASSERT(call(&p, XEN_SIM_MAP) == 0);
	CU_ASSERT(call(&p, XEN_SIM_BIND) == 0);
	CU_ASSERT(call(&p, XEN_SIM_SHARE) == -ENOMEM);
	CU_ASSERT(call(&p, XEN_SIM_SHARE) == 0);
	xen_sim_fail(p.back, XEN_SIM_ANY, 0, ENOMEM);
	xen_sim_fail(p.back, XEN_SIM_ANY, 0, 0); /* thought better of it */
	CU_ASSERT(call(&p, XEN_SIM_SHARE) == 0);
	CU_ASSERT(!xen_sim_failed(p.back));
	xen_pair_free(p);
}

static void a_copy_that_fails_on_demand_has_copied_whole_batches(void)
{
	struct xen_pair p = xen_pair();
	struct xen_seg seg[20];
	uint8_t to[20] = { 0 };
	uint32_t ref;

	memset(xen_pair_page(&p, &ref), 7, XEN_PAGE);
	for (int i = 0; i < 20; i++)
		seg[i] = (struct xen_seg){
			.local = to + i, .ref = ref, .dom = 1, .len = 1
		};
	xen_sim_fail(p.back, XEN_SIM_COPY, 0, EFAULT);
	CU_ASSERT(xen_copy(p.back, seg, 20, XEN_FROM_PEER) == -EFAULT);
	CU_ASSERT(to[15] == 7 && to[16] == 0);
	CU_ASSERT(seg[0].status == XEN_NOT_COPIED);
	xen_pair_free(p);
}

static void one_segment_fails_on_demand(void)
{
	struct xen_pair p = xen_pair();
	struct xen_seg seg[4];
	uint8_t to[4] = { 0 };
	uint32_t ref;

	memset(xen_pair_page(&p, &ref), 7, XEN_PAGE);
	for (int i = 0; i < 4; i++)
		seg[i] = (struct xen_seg){
			.local = to + i, .ref = ref, .dom = 1, .len = 1
		};
	xen_sim_fail_seg(p.back, 6, XEN_BAD_PAGE);
	for (int round = 0; round < 3; round++) {
		CU_ASSERT(xen_copy(p.back, seg, 4, XEN_FROM_PEER) == 0);
		for (int i = 0; i < 4; i++)
			CU_ASSERT(seg[i].status == (round == 1 && i == 2
							    ? XEN_BAD_PAGE
							    : XEN_OKAY));
	}
	CU_ASSERT(xen_sim_failed(p.back));
	CU_ASSERT(to[2] == 7);
	xen_pair_free(p);
}

struct scribble {
	uint8_t *page;
	uint32_t calls, segs;
};

static void scribble(void *ctx, enum xen_sim_op op, uint32_t i, bool after)
{
	struct scribble *s = ctx;

	if (op != XEN_SIM_SEG) {
		s->calls++;
	} else if (after && s->segs++ == 1) {
		CU_ASSERT(i == 0); /* the first of the second call */
		s->page[0] = 'b';
	}
}

static void a_hook_changes_memory_between_two_looks(void)
{
	struct xen_pair p = xen_pair();
	struct xen_seg seg[3];
	struct scribble s = { 0 };
	struct xen_sim_hook hook = { scribble, &s };
	uint8_t to[3];
	uint32_t ref, got;

	s.page = xen_pair_page(&p, &ref);
	s.page[0] = 'a';
	for (int i = 0; i < 3; i++)
		seg[i] = (struct xen_seg){
			.local = to + i, .ref = ref, .dom = 1, .len = 1
		};
	xen_sim_hook(p.back, &hook);
	CU_ASSERT(xen_copy(p.back, seg, 1, XEN_FROM_PEER) == 0);
	CU_ASSERT(xen_copy(p.back, seg, 3, XEN_FROM_PEER) == 0);
	CU_ASSERT(to[0] == 'a' && to[1] == 'b' && to[2] == 'b');
	CU_ASSERT(xen_evt_take(p.back, &got, 1) == 0);
	CU_ASSERT(s.calls == 6); /* before and after */
	xen_sim_hook(p.back, NULL);
	CU_ASSERT(xen_evt_take(p.back, &got, 1) == 0);
	CU_ASSERT(s.calls == 6);
	xen_pair_free(p);
}

static void a_dead_handle_holds_nothing(void)
{
	struct xen_pair p = xen_pair();
	uint32_t back, front, ref, mine, got;
	struct xen_seg seg = { .dom = 1, .len = 1, .local = &got };
	void *page = xen_pair_page(&p, &ref), *at, *shared;
	struct xen *dead = p.back;

	xen_pair_channel(&p, &back, &front);
	CU_ASSERT(xen_map(p.back, 1, &ref, 1, &at) == 0);
	CU_ASSERT(xen_share(p.back, 1, 1, true, &mine, &shared) == 0);
	xen_sim_kill(p.sim, xen_sim_handle(p.back));
	CU_ASSERT(xen_sim_mapped(p.sim, 1) == 0);
	CU_ASSERT(xen_sim_shared(p.sim, 0) == 0);
	CU_ASSERT(xen_sim_ports(p.sim, 0) == 0);
	CU_ASSERT(xen_sim_ports(p.sim, 1) == 1);

	/* its calls fail, and those without a result do nothing */
	p.back = xen_sim_open(p.sim, 0);
	CU_ASSERT_FATAL(p.back != NULL);
	CU_ASSERT(xen_sim_handle(p.back) == xen_sim_handle(dead));
	CU_ASSERT(xen_evt_bind(p.back, 1, front, &back) == 0);
	CU_ASSERT(xen_evt_take(p.back, &got, 1) == 1);
	CU_ASSERT(xen_copy(dead, &seg, 1, XEN_FROM_PEER) == -EBADF);
	CU_ASSERT(seg.status == XEN_NOT_COPIED);
	CU_ASSERT(xen_evt_notify(dead, back) == -EBADF);
	CU_ASSERT(xen_evt_take(dead, &got, 1) == -EBADF);
	xen_evt_close(dead, back);
	CU_ASSERT(xen_map(p.back, 1, &ref, 1, &at) == 0);
	xen_unmap(dead, at, 1);
	CU_ASSERT(xen_sim_mapped(p.sim, 1) == 1);
	xen_unshare(dead, page, 1);
	xen_close(dead);

	/* the new one has all of it, and the front noticed nothing */
	CU_ASSERT(xen_evt_notify(p.back, back) == 0);
	CU_ASSERT(xen_evt_take(p.front, &got, 1) == 1 && got == front);
	CU_ASSERT(xen_sim_shared(p.sim, 1) == 1);
	xen_sim_kill(p.sim, 7); /* was never open */
	xen_pair_free(p);
}

static void a_domain_that_dies_is_gone(void)
{
	struct xen_pair p = xen_pair();
	uint32_t back, front, ref, got, other;
	struct xen_seg seg = { .dom = 1, .len = 1, .local = &got };
	uint8_t *page = xen_pair_page(&p, &ref);
	void *at;

	xen_pair_channel(&p, &back, &front);
	page[5] = 0x55;
	seg.ref = ref;
	CU_ASSERT(xen_map(p.back, 1, &ref, 1, &at) == 0);
	xen_sim_destroy(p.sim, 1);
	CU_ASSERT(xen_copy(p.back, &seg, 1, XEN_FROM_PEER) == 0);
	CU_ASSERT(seg.status == XEN_BAD_DOMAIN);
	CU_ASSERT(xen_evt_notify(p.back, back) == 0);
	CU_ASSERT(xen_evt_bind(p.back, 1, front, &other) == -ESRCH);
	CU_ASSERT(xen_map(p.back, 1, &ref, 1, &at) == -EINVAL);
	CU_ASSERT(((uint8_t *)at)[5] == 0x55);
	CU_ASSERT(!xen_sim_open(p.sim, 1) && errno == ESRCH);
	xen_close(p.front);

	/* another of that number has nothing of the first */
	xen_sim_boot(p.sim, 1);
	p.front = xen_sim_open(p.sim, 1);
	CU_ASSERT_FATAL(p.front != NULL);
	CU_ASSERT(xen_copy(p.back, &seg, 1, XEN_FROM_PEER) == 0);
	CU_ASSERT(seg.status == XEN_GENERAL_ERROR);
	CU_ASSERT(xen_evt_notify(p.front, front) == -ENOTCONN);
	CU_ASSERT(xen_sim_ports(p.sim, 1) == 0);
	xen_unmap(p.back, at, 1);
	xen_pair_free(p);
}

UNIT_SUITE(xen_fault, UNIT(each_kind_of_call_fails_on_demand),
	   UNIT(any_call_fails_on_demand),
	   UNIT(a_copy_that_fails_on_demand_has_copied_whole_batches),
	   UNIT(one_segment_fails_on_demand),
	   UNIT(a_hook_changes_memory_between_two_looks),
	   UNIT(a_dead_handle_holds_nothing), UNIT(a_domain_that_dies_is_gone))
