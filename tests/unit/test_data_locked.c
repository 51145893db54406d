/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A data process with no system calls but those on its list serves rings. */
#include <errno.h>
#include <sys/wait.h>

#include "firewall/linux/isolate.h"
#include "mock/data_xen_bed.h"
#include "unit.h"

static struct xen_bed bed;

static int lock_in(void)
{
	return isolate_data(ISOLATE_ON);
}

static void open_locked(void)
{
	xen_bed_open(&bed, true);
	data_bed_fork(&bed.data, lock_in);
}

static int stop(void)
{
	int err = data_bed_ask(&bed.data, MSG_STOP, NULL, -1);

	CU_ASSERT_EQUAL(err, 0);
	return data_bed_wait_child(&bed.data);
}

static void a_vif_and_a_frontend_are_served(void)
{
	struct msg_vif_limits rate = {
		.id = 1, .mtu = 1500, .rate_bytes = 1u << 20, .rate_us = 1000
	};
	struct msg_id id = { 1 };
	struct msg_vifs all = { 0 };

	open_locked();
	xen_bed_path(&bed);
	for (int i = 0; i < 100; i++)
		CU_ASSERT(xen_bed_passes(&bed, 1));
	CU_ASSERT_EQUAL(data_bed_ask(&bed.data, MSG_VIF_LIMITS, &rate, -1), 0);
	CU_ASSERT(xen_bed_passes(&bed, 1));
	data_bed_say(&bed.data, MSG_VIFS, &all, -1);
	data_bed_expect(&bed.data, MSG_VIFS_PAGE, bed.data.seq);
	CU_ASSERT_EQUAL(bed.data.got.body.vifs_page.n, 2);
	data_bed_expect(&bed.data, MSG_DONE, bed.data.seq);
	CU_ASSERT_EQUAL(data_bed_ask(&bed.data, MSG_PORT_DEL, &id, -1), 0);
	xen_bed_far_close(&bed.far[1]);
	CU_ASSERT_EQUAL(xen_bed_guest(&bed, 1), 0);
	CU_ASSERT_EQUAL(data_bed_client(&bed.data, 1, 1), 0);
	CU_ASSERT(xen_bed_passes(&bed, 1));
	CU_ASSERT_EQUAL(stop(), 0);
	xen_bed_close(&bed);
}

static void a_broken_ring_is_told(void)
{
	open_locked();
	xen_bed_path(&bed);
	bed.far[1].u.front.tx->head.req_prod += 10000;
	CU_ASSERT_EQUAL(xen_evt_notify(bed.far[1].xen,
				       bed.far[1].u.front.gate.port[0]),
			0);
	data_bed_expect(&bed.data, MSG_PORT_FAILED, 0);
	CU_ASSERT_EQUAL(bed.data.got.body.done.err, EPROTO);
	CU_ASSERT_EQUAL(stop(), 0);
	xen_bed_close(&bed);
}

UNIT_SUITE(data_locked, UNIT(a_vif_and_a_frontend_are_served),
	   UNIT(a_broken_ring_is_told))
