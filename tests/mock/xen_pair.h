/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_XEN_PAIR_H
#define VIFWALL_TESTS_MOCK_XEN_PAIR_H

#include <CUnit/CUnit.h>
#include <poll.h>

#include "xen/xen_sim.h"

/* A simulated Xen and two ends in this process. */
struct xen_pair {
	struct xen_sim *sim;
	struct xen *back, *front; /* of domain 0, of domain 1 */
};

static inline struct xen_pair xen_pair(void)
{
	struct xen_pair p = { .sim = xen_sim_new(NULL, NULL) };

	CU_ASSERT_FATAL(p.sim != NULL);
	p.back = xen_sim_open(p.sim, 0);
	p.front = xen_sim_open(p.sim, 1);
	CU_ASSERT_FATAL(p.back && p.front);
	return p;
}

static inline void xen_pair_free(struct xen_pair p)
{
	xen_close(p.back);
	xen_close(p.front);
	xen_sim_free(p.sim);
}

/* A page of the front's that the back may write. */
static inline void *xen_pair_page(const struct xen_pair *p, uint32_t *ref)
{
	void *page = NULL;

	CU_ASSERT_FATAL(xen_share(p->front, 0, 1, true, ref, &page) == 0);
	return page;
}

/* A channel; the back has taken its first event. */
static inline void xen_pair_channel(const struct xen_pair *p, uint32_t *back,
				    uint32_t *front)
{
	uint32_t got = 0;

	CU_ASSERT_FATAL(xen_evt_alloc(p->front, 0, front) == 0);
	CU_ASSERT_FATAL(xen_evt_bind(p->back, 1, *front, back) == 0);
	CU_ASSERT(xen_evt_take(p->back, &got, 1) == 1 && got == *back);
	CU_ASSERT(xen_evt_unmask(p->back, back, 1) == 0);
}

static inline bool xen_readable(const struct xen *x)
{
	struct pollfd f = { .fd = x->evt_fd, .events = POLLIN };

	return poll(&f, 1, 0) == 1;
}

#endif
