/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "mock/xen_conform.h"

#define IS(cond) CONFORM_IS(c, cond)

/* Two pages of ordinary memory. */
static _Alignas(XEN_PAGE) _Thread_local uint8_t own[2 * XEN_PAGE];

/* The front shares a page and tells of it. */
static uint8_t *give(struct conform *c, bool writable, uint8_t fill)
{
	uint32_t ref = 0;
	void *page = NULL;

	if (!IS(xen_share(c->x, c->peer, 1, writable, &ref, &page) == 0))
		page = own; /* goes on with what can be seen */
	memset(page, fill, XEN_PAGE);
	conform_say(c, ref);
	return page;
}

static void take_back(struct conform *c, void *page)
{
	conform_meet(c);
	if (page != own)
		xen_unshare(c->x, page, 1);
}

static struct xen_seg seg_of(const struct conform *c, uint32_t ref, void *local,
			     uint16_t off, uint16_t len)
{
	return (struct xen_seg){ .local = local,
				 .ref = ref,
				 .dom = c->peer,
				 .off = off,
				 .len = len,
				 .status = 99 };
}

/* One segment, and its status; a call that fails is XEN_NOT_COPIED. */
static int16_t copy(const struct conform *c, struct xen_seg seg,
		    enum xen_way way)
{
	int err = xen_copy(c->x, &seg, 1, way);

	return err ? XEN_NOT_COPIED : seg.status;
}

static bool all(const uint8_t *at, uint8_t value, uint32_t n)
{
	while (n && *at == value)
		at++, n--;
	return !n;
}

void conform_shared_pages_are_zeroed(struct conform *c)
{
	uint32_t ref[5];
	void *page = NULL;

	if (!c->front)
		return;
	for (int round = 0; round < 2; round++) {
		if (!IS(xen_share(c->x, c->peer, 5, true, ref, &page) == 0))
			return;
		IS((uintptr_t)page % XEN_PAGE == 0);
		IS(all(page, 0, 5 * XEN_PAGE));
		memset(page, 0xee, 5 * XEN_PAGE);
		for (int i = 1; i < 5; i++)
			IS(ref[i] != ref[0]);
		xen_unshare(c->x, page, 5);
	}
}

void conform_bytes_are_copied_from_and_to_a_page(struct conform *c)
{
	uint8_t *page = c->front ? give(c, true, 0x11) : own;
	uint32_t ref = c->front ? 0 : conform_hear(c);

	if (c->front) {
		conform_meet(c);
		IS(all(page, 0x11, 100));
		IS(memcmp(page + 100, "odd", 3) == 0);
		IS(all(page + 103, 0x11, XEN_PAGE - 104));
		IS(page[XEN_PAGE - 1] == 0x77);
		take_back(c, page);
		return;
	}
	memset(own, 0, sizeof(own));
	IS(copy(c, seg_of(c, ref, own, 0, XEN_PAGE), XEN_FROM_PEER) == 0);
	IS(all(own, 0x11, XEN_PAGE) && all(own + XEN_PAGE, 0, XEN_PAGE));
	memcpy(own + 1, "odd", 3);
	own[5] = 0x77;
	IS(copy(c, seg_of(c, ref, own + 1, 100, 3), XEN_TO_PEER) == 0);
	IS(copy(c, seg_of(c, ref, own + 5, XEN_PAGE - 1, 1), XEN_TO_PEER) == 0);
	conform_meet(c);
	conform_meet(c);
}

void conform_a_copy_may_cross_pages_of_ours(struct conform *c)
{
	uint8_t *page = c->front ? give(c, true, 0x22) : own;
	uint32_t ref = c->front ? 0 : conform_hear(c);

	if (c->front) {
		conform_meet(c);
		IS(all(page, 0x33, XEN_PAGE));
		take_back(c, page);
		return;
	}
	memset(own, 0, sizeof(own));
	IS(copy(c, seg_of(c, ref, own + 1000, 0, XEN_PAGE), XEN_FROM_PEER) ==
	   0);
	IS(all(own, 0, 1000) && all(own + 1000, 0x22, XEN_PAGE) &&
	   all(own + 1000 + XEN_PAGE, 0, XEN_PAGE - 1000));
	memset(own, 0x33, sizeof(own));
	IS(copy(c, seg_of(c, ref, own + 7, 0, XEN_PAGE), XEN_TO_PEER) == 0);
	conform_meet(c);
	conform_meet(c);
}

void conform_a_copy_may_end_in_a_page_that_we_share(struct conform *c)
{
	uint32_t ref, mine;
	void *shared = NULL;

	if (c->front) {
		take_back(c, give(c, true, 0x44));
		return;
	}
	ref = conform_hear(c);
	if (IS(xen_share(c->x, c->peer, 1, false, &mine, &shared) == 0)) {
		IS(copy(c, seg_of(c, ref, shared, 0, 500), XEN_FROM_PEER) == 0);
		IS(all(shared, 0x44, 500));
		xen_unshare(c->x, shared, 1);
	}
	conform_meet(c);
}

void conform_segments_are_copied_in_order(struct conform *c)
{
	static _Thread_local struct xen_seg seg[XEN_COPY_MAX];
	uint8_t *page;
	uint32_t ref;

	if (c->front) {
		page = give(c, true, 0);
		conform_meet(c);
		/* 512 segments over 256 places: the later ones stay */
		for (int i = 0; i < 256; i++)
			IS(all(page + i * 16, (uint8_t)(0x80 + i / 16), 16));
		take_back(c, page);
		return;
	}
	ref = conform_hear(c);
	for (uint32_t i = 0; i < XEN_COPY_MAX; i++) {
		uint8_t *from = own + i / 16 * 256;

		memset(from, i < 256 ? 1 : 0x80 + (int)(i - 256) / 16, 16);
		seg[i] = seg_of(c, ref, from, (uint16_t)(i % 256 * 16), 16);
	}
	IS(xen_copy(c->x, seg, XEN_COPY_MAX, XEN_TO_PEER) == 0);
	for (uint32_t i = 0; i < XEN_COPY_MAX; i++)
		IS(seg[i].status == XEN_OKAY);
	conform_meet(c);
	conform_meet(c);
}

void conform_each_segment_has_its_own_status(struct conform *c)
{
	struct xen_seg seg[40];
	uint32_t ref;

	if (c->front) {
		take_back(c, give(c, true, 0x55));
		return;
	}
	ref = conform_hear(c);
	memset(own, 0, sizeof(own));
	for (uint32_t i = 0; i < 40; i++) {
		bool bad = i % 3 == 1;

		seg[i] = seg_of(c, bad ? 0xffffff : ref, own + i * 8, 0, 8);
	}
	IS(xen_copy(c->x, seg, 40, XEN_FROM_PEER) == 0);
	for (uint32_t i = 0; i < 40; i++) {
		bool bad = i % 3 == 1;

		IS(bad ? seg[i].status < 0 : seg[i].status == XEN_OKAY);
		IS(all(own + i * 8, bad ? 0 : 0x55, 8));
	}
	conform_meet(c);
}

void conform_a_segment_beyond_its_page_fails_the_whole_call(struct conform *c)
{
	struct xen_seg seg[3];
	uint32_t ref;

	if (c->front) {
		take_back(c, give(c, true, 0x66));
		return;
	}
	ref = conform_hear(c);
	for (uint32_t i = 0; i < 3; i++)
		seg[i] = seg_of(c, ref, own, 0, 16);
	seg[1].off = XEN_PAGE - 15;
	IS(xen_copy(c->x, seg, 3, XEN_FROM_PEER) == -EINVAL);
	for (uint32_t i = 0; i < 3; i++)
		IS(seg[i].status == XEN_NOT_COPIED);
	conform_meet(c);
}

void conform_a_segment_without_bytes_is_okay(struct conform *c)
{
	struct xen_seg seg;

	if (c->front)
		return;
	seg = seg_of(c, 0xffffff, own, 0, 0);
	IS(copy(c, seg, XEN_FROM_PEER) == XEN_OKAY);
	IS(copy(c, seg, XEN_TO_PEER) == XEN_OKAY);
	seg.off = XEN_PAGE;
	IS(copy(c, seg, XEN_TO_PEER) == XEN_OKAY);
	IS(xen_copy(c->x, &seg, 0, XEN_TO_PEER) == 0);
}

void conform_a_read_only_grant_is_not_written(struct conform *c)
{
	uint8_t *page;
	uint32_t ref;

	if (c->front) {
		page = give(c, false, 0x77);
		conform_meet(c);
		IS(all(page, 0x77, XEN_PAGE));
		take_back(c, page);
		return;
	}
	ref = conform_hear(c);
	memset(own, 0, sizeof(own));
	IS(copy(c, seg_of(c, ref, own, 0, 64), XEN_TO_PEER) ==
	   XEN_GENERAL_ERROR);
	IS(copy(c, seg_of(c, ref, own, 0, 64), XEN_FROM_PEER) == XEN_OKAY);
	IS(all(own, 0x77, 64));
	conform_meet(c);
	conform_meet(c);
}

void conform_what_was_never_granted_is_refused(struct conform *c)
{
	if (c->front)
		return;
	IS(copy(c, seg_of(c, UINT32_MAX, own, 0, 1), XEN_FROM_PEER) ==
	   XEN_BAD_GREF);
	/* of those that Xen keeps for itself */
	IS(copy(c, seg_of(c, 5, own, 0, 1), XEN_FROM_PEER) ==
	   XEN_GENERAL_ERROR);
}

void conform_a_grant_to_somebody_else_is_refused(struct conform *c)
{
	uint32_t ref = 0;
	void *page = NULL;

	if (!c->front) {
		ref = conform_hear(c);
		IS(copy(c, seg_of(c, ref, own, 0, 1), XEN_FROM_PEER) ==
		   XEN_GENERAL_ERROR);
		conform_meet(c);
		return;
	}
	IS(xen_share(c->x, CONFORM_NO_DOMAIN, 1, true, &ref, &page) == 0);
	conform_say(c, ref);
	conform_meet(c);
	if (page)
		xen_unshare(c->x, page, 1);
}

void conform_a_grant_that_has_ended_is_refused(struct conform *c)
{
	uint32_t ref;

	if (c->front) {
		take_back(c, give(c, true, 0));
		conform_meet(c);
		conform_meet(c);
		return;
	}
	ref = conform_hear(c);
	IS(copy(c, seg_of(c, ref, own, 0, 1), XEN_FROM_PEER) == XEN_OKAY);
	conform_meet(c);
	conform_meet(c);
	IS(copy(c, seg_of(c, ref, own, 0, 1), XEN_FROM_PEER) ==
	   XEN_GENERAL_ERROR);
	conform_meet(c);
}

void conform_a_domain_that_is_not_there_is_named(struct conform *c)
{
	struct xen_seg seg = seg_of(c, 8, own, 0, 1);

	if (c->front)
		return;
	seg.dom = CONFORM_NO_DOMAIN;
	IS(copy(c, seg, XEN_FROM_PEER) == XEN_BAD_DOMAIN);
}

void conform_a_mapped_page_is_the_same_memory(struct conform *c)
{
	uint8_t *page;
	uint32_t ref;
	void *at;

	if (c->front) {
		page = give(c, true, 0x12);
		conform_meet(c);
		IS(page[0] == 0x34);
		page[1] = 0x56;
		conform_meet(c);
		take_back(c, page);
		return;
	}
	ref = conform_hear(c);
	if (!IS(xen_map(c->x, c->peer, &ref, 1, &at) == 0))
		at = own;
	page = at;
	IS(page[0] == 0x12);
	page[0] = 0x34;
	conform_meet(c);
	conform_meet(c);
	IS(page[1] == 0x56);
	if (page != own)
		xen_unmap(c->x, page, 1);
	conform_meet(c);
}

void conform_pages_are_mapped_one_behind_the_other(struct conform *c)
{
	uint32_t ref[4] = { 0 };
	void *at = NULL;

	if (c->front) {
		IS(xen_share(c->x, c->peer, 4, true, ref, &at) == 0);
		for (uint32_t i = 0; i < 4; i++) {
			if (at)
				memset((uint8_t *)at + i * XEN_PAGE,
				       97 + (int)i, XEN_PAGE);
			conform_say(c, ref[i]);
		}
		conform_meet(c);
		if (at)
			xen_unshare(c->x, at, 4);
		return;
	}
	for (uint32_t i = 0; i < 4; i++)
		ref[i] = conform_hear(c);
	if (IS(xen_map(c->x, c->peer, ref, 4, &at) == 0)) {
		for (uint32_t i = 0; i < 4; i++)
			IS(all((uint8_t *)at + i * XEN_PAGE, (uint8_t)(97 + i),
			       XEN_PAGE));
		xen_unmap(c->x, at, 4);
	}
	conform_meet(c);
}

void conform_what_is_not_granted_for_writing_is_not_mapped(struct conform *c)
{
	uint32_t ref, bad = 0xffffff;
	void *at;

	if (c->front) {
		take_back(c, give(c, false, 0));
		return;
	}
	ref = conform_hear(c);
	IS(xen_map(c->x, c->peer, &ref, 1, &at) == -EINVAL);
	IS(xen_map(c->x, c->peer, &bad, 1, &at) == -EINVAL);
	IS(xen_map(c->x, CONFORM_NO_DOMAIN, &ref, 1, &at) == -EINVAL);
	conform_meet(c);
}

void conform_a_mapping_outlives_its_grant(struct conform *c)
{
	uint32_t ref;
	void *at;

	if (c->front) {
		take_back(c, give(c, true, 0x99));
		conform_meet(c);
		/* nobody else gets the page before it is let go of */
		for (int i = 0; i < 50; i++) {
			void *other = NULL;

			if (!IS(xen_share(c->x, c->peer, 1, true, &ref,
					  &other) == 0))
				break;
			memset(other, 0, XEN_PAGE);
			xen_unshare(c->x, other, 1);
		}
		conform_meet(c);
		conform_meet(c);
		return;
	}
	ref = conform_hear(c);
	if (!IS(xen_map(c->x, c->peer, &ref, 1, &at) == 0))
		at = own;
	conform_meet(c);
	conform_meet(c);
	conform_meet(c);
	IS(all(at, 0x99, XEN_PAGE));
	memset(at, 0x98, XEN_PAGE);
	if (at != own)
		xen_unmap(c->x, at, 1);
	conform_meet(c);
}
