/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/linux/port_tap.h"
#include "firewall/linux/vnet.h"
#include "mock/frames.h"
#include "unit.h"

/*
 * A pair of sockets that keep records stands for the device: like a TAP, one
 * end gives a record per read and takes one per write.
 */
static struct port_tap tap;
static int device;
static struct pkt_pool *pool;
static struct pkt_batch batch;
static const struct mono now = { 1 };
static uint8_t bytes[80 * 1024];

#define SMALL_ROOM (PKT_SMALL - PKT_HEADROOM)

static void open_tap(uint32_t small_n, uint32_t large_n)
{
	int pair[2], size = 1 << 20;

	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair),
		0);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	memset(&tap, 0, sizeof(tap));
	port_tap_init(&tap, pair[0]);
	tap.port.id = 7;
	device = pair[1];
	pool = frame_pool_new(small_n, large_n);
	batch.n = 0;
}

static void close_tap(void)
{
	while (batch.n)
		pkt_put(pool, batch.p[--batch.n]);
	tap.port.ops->close(&tap.port);
	CU_ASSERT_EQUAL(tap.port.wake_fd, -1);
	close(device);
	frame_pool_free(pool);
}

/* The device gets a frame of @len bytes that count up from @first. */
static void put_frame(uint32_t len, uint8_t first)
{
	memset(bytes, 0, VNET_LEN);
	for (uint32_t i = 0; i < len; i++)
		bytes[VNET_LEN + i] = (uint8_t)(first + i);
	CU_ASSERT_EQUAL(write(device, bytes, VNET_LEN + len),
			(ssize_t)(VNET_LEN + len));
}

static int recv_batch(void)
{
	return tap.port.ops->recv(&tap.port, pool, &batch, now);
}

static bool counts_up(const struct pkt *p, uint8_t first)
{
	for (uint32_t i = 0; i < p->len; i++)
		if (p->data[i] != (uint8_t)(first + i))
			return false;
	return true;
}

static void frames_of_every_size_arrive_whole(void)
{
	static const uint32_t sizes[] = { 1,
					  14,
					  60,
					  1514,
					  SMALL_ROOM - 1,
					  SMALL_ROOM,
					  SMALL_ROOM + 1,
					  9014,
					  65549,
					  PKT_LARGE - PKT_HEADROOM - 1 };
	uint32_t n = sizeof(sizes) / sizeof(sizes[0]);

	open_tap(16, 6);
	for (uint32_t i = 0; i < n; i++)
		put_frame(sizes[i], (uint8_t)i);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, n);
	for (uint32_t i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(batch.p[i]->len, sizes[i]);
		CU_ASSERT_EQUAL(batch.p[i]->in, 7);
		CU_ASSERT(counts_up(batch.p[i], (uint8_t)i));
	}
	CU_ASSERT_EQUAL(tap.port.stats.recv_packets, n);
	CU_ASSERT_EQUAL(tap.port.stats.recv_dropped, 0);
	/* one call for each and one that finds none */
	CU_ASSERT_EQUAL(tap.port.stats.syscalls, n + 1);
	close_tap();
}

static void room_behind_a_frame_is_counted_right(void)
{
	open_tap(4, 4);
	put_frame(100, 0);
	put_frame(3000, 0);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, 2);
	CU_ASSERT_EQUAL(batch.p[0]->tail, SMALL_ROOM - 100);
	CU_ASSERT_EQUAL(batch.p[1]->tail, PKT_LARGE - PKT_HEADROOM - 3000);
	close_tap();
}

static void a_batch_is_never_overfilled(void)
{
	open_tap(PKT_BATCH + 10, 2);
	for (uint32_t i = 0; i < PKT_BATCH + 5; i++)
		put_frame(60, (uint8_t)i);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL(batch.n, PKT_BATCH);
	CU_ASSERT_EQUAL(tap.port.stats.syscalls, PKT_BATCH);
	while (batch.n)
		pkt_put(pool, batch.p[--batch.n]);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL(batch.n, 5);
	close_tap();
}

static void an_empty_device_gives_nothing(void)
{
	open_tap(4, 4);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL(batch.n, 0);
	CU_ASSERT(!tap.port.ops->arm(&tap.port));
	close_tap();
}

static void R134_without_buffers_frames_are_dropped_and_the_queue_drains(void)
{
	open_tap(2, 1);
	for (int i = 0; i < 5; i++)
		put_frame(60, 0);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL(batch.n, 2);
	CU_ASSERT_EQUAL(tap.port.stats.recv_dropped, 3);
	CU_ASSERT_EQUAL(tap.port.stats.recv_starved, 3);
	CU_ASSERT_EQUAL(tap.port.stats.recv_packets, 2);
	close_tap();
}

static void R134_without_any_buffer_the_queue_drains_too(void)
{
	struct pkt *last;

	open_tap(1, 0);
	last = pkt_get(pool, SMALL_ROOM);
	for (int i = 0; i < 5; i++)
		put_frame(60, 0);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL(batch.n, 0);
	CU_ASSERT_EQUAL(tap.port.stats.recv_dropped, 5);
	CU_ASSERT_EQUAL(tap.port.stats.recv_starved, 5);
	pkt_put(pool, last);
	close_tap();
}

static void R134_without_large_buffers_large_frames_are_dropped(void)
{
	open_tap(4, 0);
	put_frame(3000, 0);
	put_frame(1514, 9);
	put_frame(SMALL_ROOM, 0);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, 1);
	CU_ASSERT_EQUAL(batch.p[0]->len, 1514);
	CU_ASSERT(counts_up(batch.p[0], 9));
	CU_ASSERT_EQUAL(tap.port.stats.recv_dropped, 2);
	CU_ASSERT_EQUAL(tap.port.stats.recv_starved, 2);
	close_tap();
}

static void a_refused_vnet_header_drops_that_frame_alone(void)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				    .csum_start = 5000 };

	open_tap(4, 4);
	memcpy(bytes, &h, sizeof(h));
	CU_ASSERT_EQUAL(write(device, bytes, VNET_LEN + 60), VNET_LEN + 60);
	put_frame(60, 0);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	CU_ASSERT_EQUAL(batch.n, 1);
	CU_ASSERT_EQUAL(tap.port.stats.recv_dropped, 1);
	CU_ASSERT_EQUAL(tap.port.stats.recv_starved, 0);
	close_tap();
}

static void a_device_that_is_gone_is_an_error(void)
{
	open_tap(4, 4);
	put_frame(60, 0);
	CU_ASSERT_EQUAL(recv_batch(), 0);
	close(tap.fd);
	CU_ASSERT_EQUAL(recv_batch(), -EBADF);
	CU_ASSERT_EQUAL(tap.port.ops->send(&tap.port, pool, &batch, now),
			-EBADF);
	CU_ASSERT_EQUAL(batch.n, 0);
	CU_ASSERT_EQUAL(tap.port.stats.send_dropped, 1);
	tap.fd = dup(device);
	close_tap();
}

static void a_record_shorter_than_the_header_ends_the_device(void)
{
	open_tap(4, 4);
	CU_ASSERT_EQUAL(write(device, bytes, VNET_LEN - 1), VNET_LEN - 1);
	CU_ASSERT_EQUAL(recv_batch(), -EPROTO);
	close_tap();
}

static void frames_are_written_with_their_header_in_one_call_each(void)
{
	struct virtio_net_hdr h;
	struct pkt *p;

	open_tap(4, 4);
	p = frame_parsed(pool, &(struct frame_spec){ .proto = 6,
						     .payload_len = 4000,
						     .gso_size = 1000 });
	batch.p[batch.n++] = p;
	p = frame_parsed(pool, &(struct frame_spec){ .proto = 17 });
	batch.p[batch.n++] = p;
	CU_ASSERT_EQUAL(tap.port.ops->send(&tap.port, pool, &batch, now), 0);
	CU_ASSERT_EQUAL(batch.n, 0);
	CU_ASSERT_EQUAL(tap.port.stats.syscalls, 2);
	CU_ASSERT_EQUAL(tap.port.stats.send_packets, 2);

	CU_ASSERT_EQUAL(read(device, bytes, sizeof(bytes)),
			VNET_LEN + 14 + 40 + 4000);
	memcpy(&h, bytes, VNET_LEN);
	CU_ASSERT_EQUAL(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	CU_ASSERT_EQUAL(h.gso_size, 1000);
	CU_ASSERT_EQUAL(bytes[VNET_LEN + 12], 8);
	CU_ASSERT(read(device, bytes, sizeof(bytes)) > VNET_LEN);
	memcpy(&h, bytes, VNET_LEN);
	CU_ASSERT_EQUAL(h.flags, 0);
	close_tap();
}

static void a_full_device_drops_and_goes_on(void)
{
	int sent = 0;

	open_tap(4, 4);
	while (tap.port.stats.send_dropped == 0 && sent++ < 100000) {
		batch.p[batch.n++] =
			frame_parsed(pool, &(struct frame_spec){ .proto = 17 });
		CU_ASSERT_EQUAL_FATAL(
			tap.port.ops->send(&tap.port, pool, &batch, now), 0);
	}
	CU_ASSERT_EQUAL(tap.port.stats.send_dropped, 1);
	CU_ASSERT_EQUAL(tap.port.stats.send_packets, (uint64_t)sent - 1);
	close_tap();
}

UNIT_SUITE(port_tap, UNIT(frames_of_every_size_arrive_whole),
	   UNIT(room_behind_a_frame_is_counted_right),
	   UNIT(a_batch_is_never_overfilled),
	   UNIT(an_empty_device_gives_nothing),
	   UNIT(R134_without_buffers_frames_are_dropped_and_the_queue_drains),
	   UNIT(R134_without_any_buffer_the_queue_drains_too),
	   UNIT(R134_without_large_buffers_large_frames_are_dropped),
	   UNIT(a_refused_vnet_header_drops_that_frame_alone),
	   UNIT(a_device_that_is_gone_is_an_error),
	   UNIT(a_record_shorter_than_the_header_ends_the_device),
	   UNIT(frames_are_written_with_their_header_in_one_call_each),
	   UNIT(a_full_device_drops_and_goes_on))
