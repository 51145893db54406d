/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "unit.h"
#include "xen/xen_sim.h"

struct pair {
	struct xen_sim *sim;
	struct xen *a, *b; /* of domain 0, of domain 1 */
};

static struct pair start(void)
{
	struct pair p = { .sim = xen_sim_new(NULL, NULL) };

	CU_ASSERT_FATAL(p.sim != NULL);
	p.a = xen_sim_open(p.sim, 0);
	p.b = xen_sim_open(p.sim, 1);
	CU_ASSERT_FATAL(p.a && p.b);
	return p;
}

static void stop(struct pair p)
{
	xen_close(p.a);
	xen_close(p.b);
	xen_sim_free(p.sim);
}

static bool readable(const struct xen *x)
{
	struct pollfd f = { .fd = x->evt_fd, .events = POLLIN };

	return poll(&f, 1, 0) == 1;
}

static void a_page_goes_there_and_back(void)
{
	struct pair p = start();
	char to[] = "hello", back[6] = "";
	uint32_t ref;
	void *page, *seen;
	struct xen_seg seg = { .local = to, .dom = 1, .off = 100, .len = 6 };

	CU_ASSERT_FATAL(xen_share(p.b, 0, 1, true, &ref, &page) == 0);
	seg.ref = ref;
	CU_ASSERT(xen_copy(p.a, &seg, 1, XEN_TO_PEER) == 0);
	CU_ASSERT(seg.status == XEN_OKAY);
	CU_ASSERT_STRING_EQUAL((char *)page + 100, "hello");
	seg.local = back;
	CU_ASSERT(xen_copy(p.a, &seg, 1, XEN_FROM_PEER) == 0);
	CU_ASSERT_STRING_EQUAL(back, "hello");
	CU_ASSERT_FATAL(xen_map(p.a, 1, &ref, 1, &seen) == 0);
	CU_ASSERT_STRING_EQUAL((char *)seen + 100, "hello");
	CU_ASSERT(xen_sim_mapped(p.sim, 1) == 1);
	xen_unmap(p.a, seen, 1);
	xen_unshare(p.b, page, 1);
	CU_ASSERT(xen_sim_mapped(p.sim, 1) == 0);
	CU_ASSERT(xen_sim_shared(p.sim, 1) == 0);
	stop(p);
}

static void an_event_comes_and_waits_for_the_unmasking(void)
{
	struct pair p = start();
	uint32_t theirs, ours, got[4];

	CU_ASSERT_FATAL(xen_evt_alloc(p.b, 0, &theirs) == 0);
	CU_ASSERT(xen_evt_notify(p.b, theirs) == 0);
	CU_ASSERT_FATAL(xen_evt_bind(p.a, 1, theirs, &ours) == 0);
	CU_ASSERT(readable(p.a));
	CU_ASSERT(xen_evt_take(p.a, got, 4) == 1 && got[0] == ours);
	CU_ASSERT(!readable(p.a));
	CU_ASSERT(xen_evt_notify(p.b, theirs) == 0);
	CU_ASSERT(!readable(p.a));
	CU_ASSERT(xen_evt_take(p.a, got, 4) == 0);
	CU_ASSERT(xen_evt_unmask(p.a, &ours, 1) == 0);
	CU_ASSERT(readable(p.a));
	CU_ASSERT(xen_evt_take(p.a, got, 4) == 1 && got[0] == ours);
	CU_ASSERT(!readable(p.b));
	CU_ASSERT(xen_evt_notify(p.a, ours) == 0);
	CU_ASSERT(readable(p.b));
	CU_ASSERT(xen_evt_take(p.b, got, 4) == 1 && got[0] == theirs);
	stop(p);
}

UNIT_SUITE(xen_sim, UNIT(a_page_goes_there_and_back),
	   UNIT(an_event_comes_and_waits_for_the_unmasking))
