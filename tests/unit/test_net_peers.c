/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peers as they are found in the wild, each with what it insists on. */
#include <string.h>

#include "mock/frames.h"
#include "mock/netif_bed.h"
#include "mock/netif_host.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

static struct bed bed;
static struct host h;
static struct guest_frame got;
static uint8_t bytes[FRAME_MAX];

/* ---- Mirage: blocks of half a page, two to a reference
 * ------------------------------ */

#define BLOCK 2048u
#define BLOCKS (2 * NETIF_SLOTS)

/* Which block each id stands for; it raises when an id or a status is odd. */
static bool block_out[BLOCKS];
static uint32_t raised;

static uint32_t block_take(void)
{
	for (uint32_t i = 0; i < BLOCKS; i++)
		if (!block_out[i]) {
			block_out[i] = true;
			return i;
		}
	vw_assert(false);
	return 0;
}

static void mirage_send(uint32_t len, uint8_t seed)
{
	bed_fill(bytes, len, seed);
	for (uint32_t at = 0; at < len; at += BLOCK) {
		uint32_t left = len - at, size = left < BLOCK ? left : BLOCK;
		uint32_t i = block_take();

		memcpy(bed.guest.tx_page + i * BLOCK, bytes + at, size);
		guest_tx(&bed.guest,
			 &(struct netif_tx_req){
				 .gref = bed.guest.tx_page_ref[i / 2],
				 .offset = (uint16_t)(i % 2 * BLOCK),
				 .id = (uint16_t)i,
				 .size = (uint16_t)(at ? size : len),
				 .flags = left > size ? NETIF_MORE_DATA : 0 });
	}
	guest_tx_kick(&bed.guest);
}

static void mirage_reap(void)
{
	struct netif_tx_rsp r;

	while (guest_tx_answer(&bed.guest, &r)) {
		if (r.status != NETIF_RSP_OKAY || r.id >= BLOCKS ||
		    !block_out[r.id])
			raised++;
		else
			block_out[r.id] = false;
	}
}

static uint32_t mirage_blocks_out(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < BLOCKS; i++)
		n += block_out[i];
	return n;
}

static void open_mirage(void)
{
	memset(block_out, 0, sizeof(block_out));
	raised = 0;
	bed_open(&bed,
		 &(struct bed_how){ .can = NETBACK_SG | NETBACK_GSO4 |
					   NETBACK_CSUM4 | NETBACK_RX_NOTIFY });
}

static void a_mirage_guest_sends_blocks_of_half_a_page(void)
{
	open_mirage();
	for (uint32_t round = 0; round < 100; round++) {
		uint32_t len[4] = { 60, 1514, 2049 + round, 10000 };

		for (uint32_t i = 0; i < 4; i++)
			mirage_send(len[i], (uint8_t)round);
		CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 4);
		for (uint32_t i = 0; i < 4; i++)
			CU_ASSERT(bed.in.p[i]->len == len[i] &&
				  bed_is(bed.in.p[i]->data, len[i],
					 (uint8_t)round));
		mirage_reap();
	}
	CU_ASSERT_EQUAL(raised, 0);
	CU_ASSERT_EQUAL(mirage_blocks_out(), 0);
	bed_close(&bed);
}

/* It takes an error for the end of the world: our own wants are none. */
static void a_mirage_guest_sees_no_error_for_what_is_our_fault(void)
{
	struct netback_conf c;
	struct pkt *held[BED_LARGE + 1];
	uint32_t n = 0;

	open_mirage();
	while ((held[n] = pkt_get(bed.pool, 5000)))
		n++;
	mirage_send(5000, 1);
	CU_ASSERT_EQUAL(bed_frames(&bed), 0);
	mirage_reap();
	CU_ASSERT_EQUAL(raised, 0);
	while (n)
		pkt_put(bed.pool, held[--n]);

	mirage_send(5000, 1); /* and then we die */
	c = guest_conf(&bed.guest, 1, bed.vif.conf.can);
	c.resume = true;
	bed.vif.port.ops->close(&bed.vif.port);
	CU_ASSERT_EQUAL(netback_open(&bed.vif, bed.back, &c, bed.now), 0);
	mirage_reap();
	CU_ASSERT_EQUAL(raised, 0);
	CU_ASSERT_EQUAL(mirage_blocks_out(), 0);
	bed_close(&bed);
}

/* ---- Windows: split channels, extras, and flags that it insists on
 * ------------------- */

static void a_windows_guest_gets_blank_sums_only_with_validated_data(void)
{
	static const struct frame_spec t[] = {
		{ .payload_len = 100, .partial = true },
		{ .proto = IP_TCP, .payload_len = 9000, .gso_size = 1400 },
		{ .src = "fd00::2",
		  .dst = "2001:db8::1",
		  .proto = IP_TCP,
		  .payload_len = 9000,
		  .gso_size = 1400 },
	};

	bed_open(&bed, &(struct bed_how){ .can = BED_ALL, .split = true });
	guest_rx_post(&bed.guest, 100);
	for (uint32_t i = 0; i < 3; i++) {
		bed_send(&bed, frame_parsed(bed.pool, &t[i]));
		CU_ASSERT_FATAL(guest_rx_frame(&bed.guest, &got));
		CU_ASSERT(got.flags & NETRX_CSUM_BLANK);
		CU_ASSERT(got.flags & NETRX_DATA_VALIDATED);
	}
	bed_close(&bed);
}

static void a_windows_guest_sends_hashes_and_aggregates(void)
{
	static const struct netif_extra hash = { .type = NETIF_EXTRA_HASH,
						 .flags = NETIF_EXTRA_MORE };
	static const struct netif_extra gso = { .type = NETIF_EXTRA_GSO,
						.gso_size = 1400,
						.gso_type = NETIF_GSO_TCP4 };
	uint32_t len = (uint32_t)frame_write(
		bytes, &(struct frame_spec){ .proto = IP_TCP,
					     .payload_len = 4000,
					     .partial = true });

	bed_open(&bed, &(struct bed_how){ .can = BED_ALL, .split = true });
	memcpy(guest_tx_room(&bed.guest), bytes, len);
	guest_tx_slot(&bed.guest, 0, (uint16_t)len,
		      NETIF_EXTRA | NETTX_CSUM_BLANK | NETTX_DATA_VALIDATED);
	guest_tx_extra(&bed.guest, &hash);
	guest_tx_extra(&bed.guest, &gso);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 1);
	CU_ASSERT_EQUAL(bed.in.p[0]->gso_size, 1400);
	CU_ASSERT_EQUAL(pkt_parse(bed.in.p[0]), PKT_FORWARD);
	CU_ASSERT(bed_answer_is(&bed, 0, NETIF_RSP_OKAY));
	CU_ASSERT(bed_answer_is(&bed, 1, NETIF_RSP_NULL));
	CU_ASSERT(bed_answer_is(&bed, 2, NETIF_RSP_NULL));
	bed_close(&bed);
}

/* ---- the BSDs: blank sums without validated data
 * -------------------------------------- */

static void a_bsd_guest_leaves_sums_blank_without_vouching(void)
{
	uint32_t len = (uint32_t)frame_write(
		bytes,
		&(struct frame_spec){ .payload_len = 99, .partial = true });

	bed_open(&bed, &(struct bed_how){ .can = NETBACK_CSUM4 });
	guest_tx_frame(&bed.guest, bytes, len, len, 1, NETTX_CSUM_BLANK, NULL);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 1);
	CU_ASSERT_EQUAL(bed.in.p[0]->flags, PKT_F_CSUM_PARTIAL);
	CU_ASSERT_EQUAL(pkt_parse(bed.in.p[0]), PKT_FORWARD);
	bed_close(&bed);
}

/* ---- Linux: what its netfront would call a broken backend
 * -------------------------------- */

static void a_linux_guest_is_told_once_for_a_ring_that_it_filled(void)
{
	uint32_t told = 0;

	bed_open(&bed, &(struct bed_how){ .can = BED_ALL });
	guest_events(&bed.guest);
	for (uint32_t round = 0; round < 50; round++) {
		for (uint32_t i = 0; i < 100; i++)
			guest_tx_frame(&bed.guest, bytes, 60, 60, 1, 0, NULL);
		/* half of what is out, and one: as it asks */
		bed.guest.tx->head.rsp_event = bed.guest.tx_cons + 51;
		guest_tx_kick(&bed.guest);
		while (bed_frames(&bed))
			;
		bed_arm(&bed);
		told += guest_events(&bed.guest);
		for (struct netif_tx_rsp r; guest_tx_answer(&bed.guest, &r);)
			CU_ASSERT_EQUAL(r.id, guest_id(bed.guest.tx_cons - 1));
	}
	CU_ASSERT_EQUAL(told, 50);
	bed_close(&bed);
}

/* ---- QEMU's backend: offset 2, one frame and one event at a time
 * ------------------------- */

static void a_qemu_backend_puts_frames_at_offset_two(void)
{
	host_open(&h, 0);
	CU_ASSERT_EQUAL(h.vif.port.caps, PORT_CSUM);
	for (uint32_t i = 0; i < 600; i++) {
		bed_fill(bytes, 1514, (uint8_t)i);
		host_rx_bytes(&h, bytes, 2, 1514, 0);
		host_kick(&h);
		(void)xen_evt_notify(h.back, h.evt); /* asked for or not */
		host_events(&h);
		CU_ASSERT_EQUAL_FATAL(host_frames(&h), 1);
		CU_ASSERT(bed_is(h.in.p[0]->data, 1514, (uint8_t)i));
		CU_ASSERT_FALSE(host_arm(&h));
		CU_ASSERT_FALSE(h.vif.gate.masked);
	}
	host_close(&h);
}

static void a_qemu_backend_gets_frames_of_one_slot_alone(void)
{
	uint16_t flags;
	struct netif_extra gso;

	host_open(&h, 0);
	for (uint32_t i = 0; i < 600; i++) {
		host_send(&h, host_pkt(&h, 1514, (uint8_t)i));
		CU_ASSERT_EQUAL(host_tx_frame(&h, &flags, &gso), 1514);
		CU_ASSERT_EQUAL(flags & (NETIF_EXTRA | NETIF_MORE_DATA), 0);
		host_kick(&h);
	}
	CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_TX_FULL], 0);
	host_close(&h);
}

UNIT_SUITE(net_peers, UNIT(a_mirage_guest_sends_blocks_of_half_a_page),
	   UNIT(a_mirage_guest_sees_no_error_for_what_is_our_fault),
	   UNIT(a_windows_guest_gets_blank_sums_only_with_validated_data),
	   UNIT(a_windows_guest_sends_hashes_and_aggregates),
	   UNIT(a_bsd_guest_leaves_sums_blank_without_vouching),
	   UNIT(a_linux_guest_is_told_once_for_a_ring_that_it_filled),
	   UNIT(a_qemu_backend_puts_frames_at_offset_two),
	   UNIT(a_qemu_backend_gets_frames_of_one_slot_alone))
