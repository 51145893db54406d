/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/linux/link_ring.h"
#include "firewall/linux/port_packet.h"
#include "firewall/linux/vnet.h"
#include "mock/frames.h"
#include "unit.h"

/*
 * The kernel is played by the test: a file in memory is the ring, a pair of
 * sockets that keep records is the queue.
 */
#define MAC_AT 80u
#define SLOTS 128u

static struct port_packet port;
static int kernel;
static struct pkt_pool *pool;
static struct pkt_batch batch;
static uint32_t fill; /* slot that the kernel fills next */
static const struct mono now = { 1 };
static uint8_t bytes[80 * 1024];

static void open_port(uint32_t small_n, uint32_t large_n)
{
	int ring = memfd_create("ring", MFD_CLOEXEC), pair[2];
	const int room = 1 << 20; /* for several large frames */

	CU_ASSERT_FATAL(ring >= 0);
	CU_ASSERT_EQUAL_FATAL(ftruncate(ring, (off_t)SLOTS * RING_SLOT), 0);
	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair),
		0);
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	memset(&port, 0, sizeof(port));
	CU_ASSERT_EQUAL_FATAL(port_packet_init(&port, ring, SLOTS), 0);
	CU_ASSERT_EQUAL(port.port.wake_fd, ring);
	close(ring);
	port.fd = pair[0];
	port.port.id = 3;
	kernel = pair[1];
	fill = 0;
	pool = frame_pool_new(small_n, large_n);
	batch.n = 0;
}

static void drop_batch(void)
{
	while (batch.n)
		pkt_put(pool, batch.p[--batch.n]);
}

static void close_port(void)
{
	drop_batch();
	port.port.ops->close(&port.port);
	CU_ASSERT_EQUAL(port.fd, -1);
	close(kernel);
	frame_pool_free(pool);
}

static struct tpacket2_hdr *slot_at(uint32_t i)
{
	return (struct tpacket2_hdr *)(void *)(port.ring +
					       (size_t)(i % SLOTS) * RING_SLOT);
}

/* The kernel hands over a frame of @len bytes that count up from @first. */
static struct tpacket2_hdr *put_frame(uint32_t len, uint8_t first)
{
	struct tpacket2_hdr *slot = slot_at(fill++);
	uint8_t *frame = (uint8_t *)slot + MAC_AT;

	slot->tp_len = slot->tp_snaplen = len;
	slot->tp_mac = MAC_AT;
	memset(frame - VNET_LEN, 0, VNET_LEN);
	for (uint32_t i = 0; i < len && i < RING_SLOT - MAC_AT; i++)
		frame[i] = (uint8_t)(first + i);
	slot->tp_status = TP_STATUS_USER;
	return slot;
}

/* The same for one that is larger than a slot. */
static void put_large(uint32_t len, uint8_t first)
{
	struct tpacket2_hdr *slot = put_frame(len, first);

	slot->tp_snaplen = RING_SLOT - MAC_AT;
	slot->tp_status |= TP_STATUS_COPY;
	memset(bytes, 0, VNET_LEN);
	for (uint32_t i = 0; i < len; i++)
		bytes[VNET_LEN + i] = (uint8_t)(first + i);
	CU_ASSERT_EQUAL(write(kernel, bytes, VNET_LEN + len),
			(ssize_t)(VNET_LEN + len));
}

static int recv_batch(void)
{
	return port.port.ops->recv(&port.port, pool, &batch, now);
}

static bool counts_up(const struct pkt *p, uint8_t first)
{
	for (uint32_t i = 0; i < p->len; i++)
		if (p->data[i] != (uint8_t)(first + i))
			return false;
	return true;
}

static void frames_come_by_the_ring_without_a_system_call(void)
{
	open_port(8, 2);
	put_frame(60, 1);
	put_frame(RING_SLOT - MAC_AT, 2);
	put_frame(14, 3);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, 3);
	CU_ASSERT_EQUAL(batch.p[1]->len, RING_SLOT - MAC_AT);
	CU_ASSERT_EQUAL(batch.p[1]->in, 3);
	CU_ASSERT_EQUAL(batch.p[1]->tail,
			PKT_SMALL - PKT_HEADROOM - (RING_SLOT - MAC_AT));
	for (uint8_t i = 0; i < 3; i++) {
		CU_ASSERT(counts_up(batch.p[i], (uint8_t)(i + 1)));
		CU_ASSERT_EQUAL(slot_at(i)->tp_status, TP_STATUS_KERNEL);
	}
	CU_ASSERT_EQUAL(port.port.stats.syscalls, 0);
	CU_ASSERT(!port.port.ops->arm(&port.port));
	put_frame(60, 1);
	CU_ASSERT(port.port.ops->arm(&port.port));
	close_port();
}

static void the_ring_goes_round_and_a_batch_is_never_overfilled(void)
{
	uint8_t next = 0;

	open_port(PKT_BATCH, 2);
	for (uint32_t i = 0; i < 3 * SLOTS; i += PKT_BATCH) {
		for (uint32_t j = 0; j < PKT_BATCH; j++)
			put_frame(60, (uint8_t)(next + j));
		put_frame(60, (uint8_t)(next + PKT_BATCH));
		fill--;
		CU_ASSERT_EQUAL(recv_batch(), 0);
		CU_ASSERT_EQUAL_FATAL(batch.n, PKT_BATCH);
		for (uint32_t j = 0; j < PKT_BATCH; j++)
			CU_ASSERT(counts_up(batch.p[j], (uint8_t)(next + j)));
		slot_at(fill)->tp_status = TP_STATUS_KERNEL;
		next = (uint8_t)(next + PKT_BATCH);
		drop_batch();
	}
	close_port();
}

static void a_frame_larger_than_a_slot_comes_by_the_queue_in_order(void)
{
	open_port(8, 4);
	put_frame(60, 1);
	put_large(9014, 2);
	put_frame(60, 3);
	put_large(65549, 4);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, 4);
	CU_ASSERT_EQUAL(batch.p[1]->len, 9014);
	CU_ASSERT_EQUAL(batch.p[3]->len, 65549);
	for (uint8_t i = 0; i < 4; i++)
		CU_ASSERT(counts_up(batch.p[i], (uint8_t)(i + 1)));
	CU_ASSERT_EQUAL(port.port.stats.syscalls, 1);
	CU_ASSERT_EQUAL(port.port.stats.recv_bytes, 60 + 9014 + 60 + 65549);
	close_port();
}

static void a_batch_ends_when_it_is_large_enough(void)
{
	open_port(8, 8);
	for (uint8_t i = 0; i < 5; i++)
		put_large(65549, i);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL(batch.n, 4);
	CU_ASSERT(port.port.ops->arm(&port.port));
	drop_batch();
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, 1);
	CU_ASSERT(counts_up(batch.p[0], 4));
	close_port();
}

static void a_queue_that_gives_fewer_frames_than_slots_harms_no_others(void)
{
	open_port(8, 4);
	put_frame(60, 1);
	put_frame(9014, 2)->tp_status |= TP_STATUS_COPY;
	put_frame(60, 3);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, 2);
	CU_ASSERT(counts_up(batch.p[1], 3));
	CU_ASSERT_EQUAL(port.port.stats.recv_dropped, 1);
	drop_batch();
	put_large(9014, 4);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, 1);
	CU_ASSERT(counts_up(batch.p[0], 4));
	/* no socket at all: tried a few times, and given up */
	drop_batch();
	put_large(9014, 5);
	close(port.fd);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL(batch.n, 0);
	port.fd = dup(kernel);
	close_port();
}

static void R134_without_a_buffer_the_queue_stays_in_step(void)
{
	open_port(8, 1);
	put_large(9014, 1);
	put_large(9014, 2);
	put_frame(60, 3);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, 2);
	CU_ASSERT(counts_up(batch.p[0], 1));
	CU_ASSERT(counts_up(batch.p[1], 3));
	CU_ASSERT_EQUAL(port.port.stats.recv_dropped, 1);
	CU_ASSERT_EQUAL(port.port.stats.recv_starved, 1);
	drop_batch();
	put_large(3000, 4);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, 1);
	CU_ASSERT(counts_up(batch.p[0], 4));
	close_port();
}

static void a_slot_that_can_not_be_is_dropped(void)
{
	open_port(8, 2);
	put_frame(60, 0)->tp_mac = RING_SLOT;
	put_frame(60, 0)->tp_mac = 0;
	put_frame(60, 0)->tp_mac = sizeof(struct tpacket2_hdr);
	put_frame(60, 0)->tp_mac = RING_SLOT - 59;
	put_frame(60, 0)->tp_snaplen = 59; /* cut off */
	put_frame(60, 0)->tp_snaplen = UINT32_MAX;
	slot_at(5)->tp_len = UINT32_MAX;
	put_frame(60, 7);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, 1);
	CU_ASSERT(counts_up(batch.p[0], 7));
	CU_ASSERT_EQUAL(port.port.stats.recv_dropped, 6);
	CU_ASSERT_EQUAL(port.port.stats.recv_overrun, 1); /* the cut one */
	CU_ASSERT_EQUAL(port.port.stats.recv_starved, 0);
	close_port();
}

static void a_queued_frame_of_another_length_is_dropped(void)
{
	open_port(8, 4);
	put_large(9014, 1);
	slot_at(0)->tp_len = 9000;
	put_large(9014, 1);
	slot_at(1)->tp_len = 9015;
	put_large(9014, 3);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, 1);
	CU_ASSERT(counts_up(batch.p[0], 3));
	close_port();
}

static void a_refused_vnet_header_drops_that_frame_alone(void)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				    .csum_start = 5000 };

	open_port(8, 2);
	memcpy((uint8_t *)put_frame(60, 1) + MAC_AT - VNET_LEN, &h, VNET_LEN);
	put_frame(60, 2);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL(batch.n, 1);
	CU_ASSERT_EQUAL(port.port.stats.recv_dropped, 1);
	CU_ASSERT_EQUAL(port.port.stats.recv_starved, 0);
	close_port();
}

static void R17_a_vlan_tag_that_the_kernel_took_out_is_put_back(void)
{
	static const uint8_t want[] = { 0,    1,    2,	  3,	4,  5,
					6,    7,    8,	  9,	10, 11,
					0x81, 0x00, 0x60, 0x05, 12, 13 };
	static const uint8_t service[] = { 0x88, 0xa8, 0x00, 0x07 };
	struct tpacket2_hdr *slot;

	open_port(8, 2);
	slot = put_frame(60, 0);
	slot->tp_status |= TP_STATUS_VLAN_VALID;
	slot->tp_vlan_tci = 0x6005;
	slot = put_frame(60, 0);
	slot->tp_status |= TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID;
	slot->tp_vlan_tci = 7;
	slot->tp_vlan_tpid = 0x88a8;
	slot = put_frame(11, 0);
	slot->tp_status |= TP_STATUS_VLAN_VALID;
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, 3);
	CU_ASSERT_EQUAL(batch.p[0]->len, 64);
	CU_ASSERT_EQUAL(batch.p[0]->head, PKT_HEADROOM - 4);
	CU_ASSERT_EQUAL(memcmp(batch.p[0]->data, want, sizeof(want)), 0);
	CU_ASSERT_EQUAL(memcmp(batch.p[1]->data + 12, service, 4), 0);
	CU_ASSERT_EQUAL(batch.p[2]->len, 11);
	close_port();
}

static void a_batch_is_sent_with_one_call(void)
{
	struct virtio_net_hdr h;

	open_port(PKT_BATCH, 2);
	while (batch.n < PKT_BATCH - 1)
		batch.p[batch.n++] =
			frame_parsed(pool, &(struct frame_spec){ .proto = 17 });
	batch.p[batch.n++] =
		frame_parsed(pool, &(struct frame_spec){ .proto = 6,
							 .payload_len = 4000,
							 .gso_size = 1000 });
	CU_ASSERT_EQUAL(port.port.ops->send(&port.port, pool, &batch, now), 0);
	CU_ASSERT_EQUAL(batch.n, 0);
	CU_ASSERT_EQUAL(port.port.stats.syscalls, 1);
	CU_ASSERT_EQUAL(port.port.stats.send_packets, PKT_BATCH);
	for (uint32_t i = 0; i < PKT_BATCH - 1; i++)
		CU_ASSERT_EQUAL(read(kernel, bytes, sizeof(bytes)),
				VNET_LEN + 14 + 28);
	CU_ASSERT_EQUAL(read(kernel, bytes, sizeof(bytes)),
			VNET_LEN + 14 + 40 + 4000);
	memcpy(&h, bytes, VNET_LEN);
	CU_ASSERT_EQUAL(h.gso_size, 1000);
	close_port();
}

static void what_a_full_queue_does_not_take_is_dropped(void)
{
	uint64_t sent;

	open_port(PKT_BATCH, 2);
	while (!port.port.stats.send_dropped) {
		while (batch.n < PKT_BATCH)
			batch.p[batch.n++] = frame_parsed(
				pool, &(struct frame_spec){ .proto = 17 });
		CU_ASSERT_EQUAL_FATAL(
			port.port.ops->send(&port.port, pool, &batch, now), 0);
	}
	sent = port.port.stats.send_packets + port.port.stats.send_dropped;
	CU_ASSERT_EQUAL(sent % PKT_BATCH, 0);
	close_port();
}

static void a_socket_that_is_gone_is_an_error(void)
{
	open_port(4, 2);
	close(kernel);
	batch.p[batch.n++] =
		frame_parsed(pool, &(struct frame_spec){ .proto = 17 });
	CU_ASSERT_EQUAL(port.port.ops->send(&port.port, pool, &batch, now),
			-EPIPE);
	CU_ASSERT_EQUAL(batch.n, 0);
	CU_ASSERT_EQUAL(port.port.stats.send_dropped, 1);
	CU_ASSERT_EQUAL(port_packet_check(&port), -ENODEV);
	kernel = dup(port.fd);
	close_port();
	CU_ASSERT_EQUAL(port_packet_check(&port), -EBADF);
}

static void a_ring_that_can_not_be_mapped_is_refused(void)
{
	struct port_packet other = { .fd = -1 };

	CU_ASSERT_EQUAL(port_packet_init(&other, -1, SLOTS), -EBADF);
	CU_ASSERT_EQUAL(port_packet_init(&other, -1, 0), -EINVAL);
	CU_ASSERT_EQUAL(port_packet_init(&other, -1, SLOTS - 1), -EINVAL);
	CU_ASSERT_EQUAL(port_packet_init(&other, -1,
					 RING_SLOTS_MAX + RING_UNIT),
			-EINVAL);
	CU_ASSERT_PTR_NULL(other.ring);
}

UNIT_SUITE(port_packet, UNIT(frames_come_by_the_ring_without_a_system_call),
	   UNIT(the_ring_goes_round_and_a_batch_is_never_overfilled),
	   UNIT(a_frame_larger_than_a_slot_comes_by_the_queue_in_order),
	   UNIT(a_batch_ends_when_it_is_large_enough),
	   UNIT(a_queue_that_gives_fewer_frames_than_slots_harms_no_others),
	   UNIT(R134_without_a_buffer_the_queue_stays_in_step),
	   UNIT(a_slot_that_can_not_be_is_dropped),
	   UNIT(a_queued_frame_of_another_length_is_dropped),
	   UNIT(a_refused_vnet_header_drops_that_frame_alone),
	   UNIT(R17_a_vlan_tag_that_the_kernel_took_out_is_put_back),
	   UNIT(a_batch_is_sent_with_one_call),
	   UNIT(what_a_full_queue_does_not_take_is_dropped),
	   UNIT(a_socket_that_is_gone_is_an_error),
	   UNIT(a_ring_that_can_not_be_mapped_is_refused))
