/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "mock/xen_pair.h"
#include "unit.h"

/* What the simulation does beyond the promises of xen_ops.h (xen_conform). */

static int copy_n(struct xen *x, const struct xen_seg *like, uint32_t n,
		  uint8_t *to, struct xen_seg *seg)
{
	for (uint32_t i = 0; i < n; i++) {
		seg[i] = *like;
		seg[i].local = to + i * 16;
	}
	return xen_copy(x, seg, n, XEN_FROM_PEER);
}

static void a_failed_call_has_copied_whole_batches(void)
{
	struct xen_pair p = xen_pair();
	struct xen_seg like = { .dom = 1, .len = 16 }, seg[40];
	uint8_t to[40 * 16];

	memset(xen_pair_page(&p, &like.ref), 0xaa, XEN_PAGE);
	/* a bad one, and how many before it were copied */
	static const struct {
		uint32_t bad, copied;
	} row[] = { { 0, 0 },	{ 15, 0 },  { 16, 0 }, { 17, 16 },
		    { 32, 16 }, { 33, 32 }, { 39, 32 } };
	for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
		memset(to, 0, sizeof(to));
		copy_n(p.back, &like, 40, to, seg);
		memset(to, 0, sizeof(to));
		seg[row[r].bad].off = XEN_PAGE;
		CU_ASSERT(xen_copy(p.back, seg, 40, XEN_FROM_PEER) == -EINVAL);
		for (uint32_t i = 0; i < 40; i++) {
			CU_ASSERT(seg[i].status == XEN_NOT_COPIED);
			CU_ASSERT((to[i * 16] == 0xaa) == (i < row[r].copied));
		}
	}
	xen_pair_free(p);
}

static void memory_across_pages_fills_a_batch_sooner(void)
{
	struct xen_pair p = xen_pair();
	static _Alignas(XEN_PAGE) uint8_t own[10 * XEN_PAGE];
	struct xen_seg seg[10] = { 0 };
	uint32_t ref;

	memset(xen_pair_page(&p, &ref), 0xaa, XEN_PAGE);
	memset(own, 0, sizeof(own));
	/* two operations each: eight of them are one batch */
	for (uint32_t i = 0; i < 9; i++)
		seg[i] = (struct xen_seg){
			.local = own + (i + 1) * XEN_PAGE - 8,
			.ref = ref,
			.dom = 1,
			.len = 16,
		};
	seg[9] = (struct xen_seg){ .local = own, .off = 1, .len = XEN_PAGE };
	CU_ASSERT(xen_copy(p.back, seg, 10, XEN_FROM_PEER) == -EINVAL);
	for (uint32_t i = 0; i < 9; i++)
		CU_ASSERT((own[(i + 1) * XEN_PAGE - 8] == 0xaa) == (i < 8));
	xen_pair_free(p);
}

static void a_mapped_page_is_no_local_side(void)
{
	struct xen_pair p = xen_pair();
	struct xen_seg seg = { .dom = 1, .len = 16 };
	void *page = xen_pair_page(&p, &seg.ref), *at;

	CU_ASSERT_FATAL(xen_map(p.back, 1, &seg.ref, 1, &at) == 0);
	seg.local = at;
	CU_ASSERT(xen_copy(p.back, &seg, 1, XEN_FROM_PEER) == -EFAULT);
	CU_ASSERT(seg.status == XEN_NOT_COPIED);
	xen_unmap(p.back, at, 1);
	xen_unshare(p.front, page, 1);
	xen_pair_free(p);
}

static void references_tell_nothing_of_pages(void)
{
	struct xen_pair p = xen_pair();
	uint32_t ref[3];
	void *page;

	CU_ASSERT_FATAL(xen_share(p.front, 0, 3, true, ref, &page) == 0);
	CU_ASSERT(ref[1] != ref[0] + 1 && ref[2] != ref[1] + 1);
	/* out of order they are not one behind the other */
	uint32_t odd[2] = { ref[1], ref[0] };
	CU_ASSERT(xen_map(p.back, 1, odd, 2, &page) == -EOPNOTSUPP);
	CU_ASSERT(xen_sim_mapped(p.sim, 1) == 0);
	xen_pair_free(p);
}

static void a_map_that_fails_half_way_maps_nothing(void)
{
	struct xen_pair p = xen_pair();
	uint32_t ref[3];
	void *page;

	CU_ASSERT_FATAL(xen_share(p.front, 0, 3, true, ref, &page) == 0);
	ref[2] = 3;
	CU_ASSERT(xen_map(p.back, 1, ref, 3, &page) == -EINVAL);
	CU_ASSERT(xen_sim_mapped(p.sim, 1) == 0);
	CU_ASSERT(xen_map(p.back, 1, ref, 0, &page) == -EINVAL);
	CU_ASSERT(xen_map(p.back, 1, ref, XEN_MAP_MAX + 1, &page) == -EINVAL);
	xen_pair_free(p);
}

static void mappings_are_limited(void)
{
	struct xen_pair p = xen_pair();
	uint32_t ref, n = 0;
	void *at;

	xen_pair_page(&p, &ref);
	while (n < 10000 && xen_map(p.back, 1, &ref, 1, &at) == 0)
		n++;
	CU_ASSERT(n == 512);
	CU_ASSERT(xen_map(p.back, 1, &ref, 1, &at) == -ENOMEM);
	xen_pair_free(p);
}

static void pages_are_limited_as_by_gntalloc(void)
{
	static uint32_t ref[XEN_SHARE_MAX];
	struct xen_pair p = xen_pair();
	void *a, *b, *c;

	CU_ASSERT(xen_share(p.front, 0, 0, true, ref, &a) == -EINVAL);
	CU_ASSERT(xen_share(p.front, 0, XEN_SHARE_MAX + 1, true, ref, &a) ==
		  -EINVAL);
	CU_ASSERT_FATAL(xen_share(p.front, 0, 514, true, ref, &a) == 0);
	CU_ASSERT(xen_share(p.front, 0, 514, true, ref, &b) == -ENOSPC);
	CU_ASSERT(xen_share(p.front, 0, 510, true, ref, &b) == 0);
	CU_ASSERT(xen_share(p.front, 0, 1, true, ref, &c) == -ENOSPC);
	xen_unshare(p.front, a, 514);
	CU_ASSERT(xen_share(p.front, 0, 514, true, ref, &a) == 0);
	xen_sim_limit(p.sim, 1, 2000);
	CU_ASSERT(xen_share(p.front, 0, 500, true, ref, &c) == 0);
	CU_ASSERT(xen_sim_shared(p.sim, 1) == 1524);
	CU_ASSERT(xen_sim_shared(p.sim, 0) == 0);
	/* the domain has no more than 2048 */
	xen_sim_limit(p.sim, 1, 5000);
	CU_ASSERT(xen_share(p.front, 0, 600, true, ref, &a) == -ENOSPC);
	CU_ASSERT(xen_sim_shared(p.sim, 1) == 1524);
	xen_unshare(p.front, b, 510);
	CU_ASSERT(xen_share(p.front, 0, 1024, true, ref, &a) == 0);
	xen_pair_free(p);
}

static void a_page_that_is_mapped_is_not_shared_again(void)
{
	const struct xen_sim_conf tiny = { .domains = 2,
					   .handles = 2,
					   .pages = 2 };
	struct xen_sim *s = xen_sim_new(NULL, &tiny);
	struct xen *back = xen_sim_open(s, 0), *front = xen_sim_open(s, 1);
	uint32_t ref[2];
	void *page, *at;

	CU_ASSERT_FATAL(xen_share(front, 0, 2, true, ref, &page) == 0);
	CU_ASSERT_FATAL(xen_map(back, 1, ref, 1, &at) == 0);
	xen_unshare(front, page, 2);
	CU_ASSERT(xen_share(front, 0, 2, true, ref, &page) == -ENOSPC);
	CU_ASSERT(xen_share(front, 0, 1, true, ref, &page) == 0);
	CU_ASSERT(page != at);
	xen_unmap(back, at, 1);
	CU_ASSERT(xen_share(front, 0, 1, true, ref, &page) == 0);
	CU_ASSERT(page == at);
	xen_close(back);
	xen_close(front);
	xen_sim_free(s);
}

static void ports_are_limited(void)
{
	struct xen_pair p = xen_pair();
	uint32_t port, n = 0, theirs;

	CU_ASSERT(xen_evt_alloc(p.front, 0, &theirs) == 0);
	while (n < 10000 && xen_evt_alloc(p.back, 1, &port) == 0)
		n++;
	CU_ASSERT(n == XEN_SIM_PORTS - 1);
	CU_ASSERT(xen_sim_ports(p.sim, 0) == n);
	CU_ASSERT(xen_evt_bind(p.back, 1, theirs, &port) == -ENOSPC);
	CU_ASSERT(xen_evt_bind(p.back, 1, 0, &port) == -EINVAL);
	xen_pair_free(p);
	p = xen_pair();
	CU_ASSERT(xen_sim_ports(p.sim, 0) == 0);
	xen_pair_free(p);
}

static void no_port_waits_for_ever(void)
{
	struct xen_pair p = xen_pair();
	uint32_t back[3], front[3], got, seen = 0;

	for (int i = 0; i < 3; i++)
		xen_pair_channel(&p, &back[i], &front[i]);
	/* all are pending always, and one is taken at a time */
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3; i++)
			CU_ASSERT(xen_evt_notify(p.front, front[i]) == 0);
		CU_ASSERT(xen_readable(p.back));
		CU_ASSERT(xen_evt_take(p.back, &got, 1) == 1);
		CU_ASSERT(xen_evt_unmask(p.back, &got, 1) == 0);
		seen |= 1u << got;
	}
	CU_ASSERT(seen == (1u << back[0] | 1u << back[1] | 1u << back[2]));
	xen_pair_free(p);
}

static void an_event_may_come_after_its_port_was_closed(void)
{
	struct xen_pair p = xen_pair();
	uint32_t back, front, got = 0;

	xen_pair_channel(&p, &back, &front);
	CU_ASSERT(xen_evt_notify(p.front, front) == 0);
	xen_evt_close(p.back, back);
	CU_ASSERT(xen_readable(p.back));
	CU_ASSERT(xen_evt_take(p.back, &got, 1) == 1 && got == back);
	CU_ASSERT(!xen_readable(p.back));
	/* one that nobody was told of is forgotten */
	CU_ASSERT(xen_evt_bind(p.back, 1, front, &back) == 0);
	CU_ASSERT(xen_evt_take(p.back, &got, 1) == 1);
	CU_ASSERT(xen_evt_notify(p.front, front) == 0);
	xen_evt_close(p.back, back);
	CU_ASSERT(xen_evt_take(p.back, &got, 1) == 0);
	CU_ASSERT(xen_evt_alloc(p.back, 1, &back) == 0);
	CU_ASSERT(!xen_readable(p.back));
	xen_pair_free(p);
}

static void a_domain_may_speak_to_itself(void)
{
	struct xen_pair p = xen_pair();
	uint32_t a, b, got;

	CU_ASSERT(xen_evt_alloc(p.back, 0, &a) == 0);
	CU_ASSERT(xen_evt_bind(p.back, 0, a, &b) == 0);
	CU_ASSERT(xen_evt_take(p.back, &got, 1) == 1 && got == b);
	CU_ASSERT(xen_evt_notify(p.back, b) == 0);
	CU_ASSERT(xen_evt_take(p.back, &got, 1) == 1 && got == a);
	xen_evt_close(p.back, a);
	CU_ASSERT(xen_evt_notify(p.back, b) == 0);
	CU_ASSERT(xen_evt_take(p.back, &got, 1) == 0);
	xen_pair_free(p);
}

static void calls_are_counted(void)
{
	struct xen_pair p = xen_pair();
	struct xen_seg seg[3] = { { .dom = 9 }, { .dom = 9 }, { .dom = 9 } };
	uint32_t back, front;

	xen_pair_channel(&p, &back, &front);
	CU_ASSERT(xen_copy(p.back, seg, 3, XEN_TO_PEER) == 0);
	CU_ASSERT(xen_copy(p.back, seg, 2, XEN_TO_PEER) == 0);
	CU_ASSERT(xen_evt_notify(p.back, back) == 0);
	CU_ASSERT(p.back->copies == 5 && p.back->copy_calls == 2);
	CU_ASSERT(p.back->notifies == 1 && p.back->takes == 1);
	CU_ASSERT_STRING_EQUAL(p.back->ops->name, "sim");
	xen_pair_free(p);
}

static void handles_are_limited(void)
{
	const struct xen_sim_conf two = { .domains = 1,
					  .handles = 2,
					  .pages = 1 };
	struct xen_sim *s = xen_sim_new(NULL, &two);
	struct xen *a = xen_sim_open(s, 0), *b = xen_sim_open(s, 0);

	CU_ASSERT_FATAL(a && b);
	CU_ASSERT(xen_sim_handle(a) == 0 && xen_sim_handle(b) == 1);
	CU_ASSERT(!xen_sim_open(s, 0) && errno == EMFILE);
	CU_ASSERT(!xen_sim_open(s, 1) && errno == ESRCH);
	xen_close(a);
	a = xen_sim_open(s, 0);
	CU_ASSERT_FATAL(a != NULL);
	CU_ASSERT(xen_sim_handle(a) == 0);
	xen_close(a);
	xen_close(b);
	xen_sim_free(s);
}

static void a_machine_that_makes_no_sense_is_refused(void)
{
	static const struct xen_sim_conf bad[] = {
		{ .domains = 0, .handles = 1, .pages = 1 },
		{ .domains = 1, .handles = 0, .pages = 1 },
		{ .domains = 1, .handles = 251, .pages = 1 },
		{ .domains = 1, .handles = 1, .pages = 0 },
		{ .domains = 9, .handles = 1, .pages = UINT32_MAX / 9 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT(!xen_sim_new(NULL, &bad[i]) && errno == EINVAL);
}

static void another_process_sees_the_same_machine(void)
{
	static _Alignas(XEN_PAGE) uint8_t region[1 << 20];
	const struct xen_sim_conf c = { .domains = 2,
					.handles = 2,
					.pages = 16 };
	struct xen_sim *s, *t;
	struct xen *back, *front;
	struct xen_seg seg = { .dom = 1, .len = 4 };
	char bytes[4];
	const int *fd;
	uint32_t n;
	void *page;

	CU_ASSERT_FATAL(xen_sim_size(&c) <= sizeof(region));
	CU_ASSERT(!xen_sim_attach(region, sizeof(region), NULL, 2));
	s = xen_sim_new(region, &c);
	CU_ASSERT_FATAL(s != NULL);
	fd = xen_sim_fds(s, &n);
	CU_ASSERT(n == 2);
	CU_ASSERT(!xen_sim_attach(region, xen_sim_size(&c) - 1, fd, 2));
	CU_ASSERT(!xen_sim_attach(region, 8, fd, 2));
	CU_ASSERT(!xen_sim_attach(region, sizeof(region), fd, 1));
	CU_ASSERT(errno == EINVAL);
	t = xen_sim_attach(region, sizeof(region), fd, 2);
	CU_ASSERT_FATAL(t != NULL);
	back = xen_sim_open(s, 0);
	front = xen_sim_open(t, 1);
	CU_ASSERT_FATAL(back && front);
	CU_ASSERT(xen_share(front, 0, 1, false, &seg.ref, &page) == 0);
	memcpy(page, "same", 4);
	seg.local = bytes;
	CU_ASSERT(xen_copy(back, &seg, 1, XEN_FROM_PEER) == 0);
	CU_ASSERT(memcmp(bytes, "same", 4) == 0);
	xen_close(front);
	xen_sim_free(t);
	CU_ASSERT(xen_copy(back, &seg, 1, XEN_FROM_PEER) == 0);
	CU_ASSERT(seg.status == XEN_GENERAL_ERROR);
	xen_close(back);
	xen_sim_free(s);
}

UNIT_SUITE(xen_sim, UNIT(a_failed_call_has_copied_whole_batches),
	   UNIT(memory_across_pages_fills_a_batch_sooner),
	   UNIT(a_mapped_page_is_no_local_side),
	   UNIT(references_tell_nothing_of_pages),
	   UNIT(a_map_that_fails_half_way_maps_nothing),
	   UNIT(mappings_are_limited), UNIT(pages_are_limited_as_by_gntalloc),
	   UNIT(a_page_that_is_mapped_is_not_shared_again),
	   UNIT(ports_are_limited), UNIT(no_port_waits_for_ever),
	   UNIT(an_event_may_come_after_its_port_was_closed),
	   UNIT(a_domain_may_speak_to_itself), UNIT(calls_are_counted),
	   UNIT(handles_are_limited),
	   UNIT(a_machine_that_makes_no_sense_is_refused),
	   UNIT(another_process_sees_the_same_machine))
