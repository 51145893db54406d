/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/linux/host_check.h"
#include "firewall/linux/link.h"
#include "firewall/linux/link_ring.h"
#include "firewall/linux/port_packet.h"
#include "firewall/linux/port_tap.h"
#include "firewall/linux/vnet.h"
#include "mock/frames.h"
#include "unit.h"

/*
 * Against the real kernel, in a network namespace of its own: what is written
 * to a TAP device comes in by a packet socket on it, and the other way round.
 * Needs root; without it these tests say so and do nothing.
 */
static int home = -1;
static struct link tap, sock;

static bool leave_home(void)
{
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home >= 0 && !unshare(CLONE_NEWNET))
		return true;
	puts("    (needs root: left out)");
	close(home);
	return false;
}

static void go_home(void)
{
	CU_ASSERT_EQUAL(setns(home, CLONE_NEWNET), 0);
	close(home);
}

static void write_switch(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, value, 1), 1);
	close(fd);
}

/* The kernel says nothing of its own on the devices that follow. */
static void be_quiet(void)
{
	write_switch("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	write_switch("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	write_switch("/proc/sys/net/ipv4/ip_forward", "0");
}

static int request(const char *name, unsigned long what, struct ifreq *r)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), err;

	snprintf(r->ifr_name, sizeof(r->ifr_name), "%s", name);
	err = ioctl(s, what, r) ? -errno : 0;
	close(s);
	return err;
}

static void add_address(const char *name)
{
	struct ifreq r = { 0 };

	r.ifr_addr.sa_family = AF_INET;
	memcpy(r.ifr_addr.sa_data + 2, "\xc0\x00\x02\x01", 4);
	CU_ASSERT_EQUAL(request(name, SIOCSIFADDR, &r), 0);
}

static void a_tap_device_is_made_brought_up_and_gone_when_closed(void)
{
	struct link again;
	struct ifreq r = { 0 };

	if (!leave_home())
		return;
	CU_ASSERT_EQUAL_FATAL(link_open_tap(&tap, "vwt0", true), 0);
	CU_ASSERT_EQUAL(tap.mtu, 1500);
	CU_ASSERT_EQUAL(tap.ifindex, if_nametoindex("vwt0"));
	CU_ASSERT_EQUAL(tap.caps, PORT_CSUM | PORT_GSO4 | PORT_GSO6);
	CU_ASSERT_EQUAL(request("vwt0", SIOCGIFFLAGS, &r), 0);
	CU_ASSERT(r.ifr_flags & IFF_UP);
	CU_ASSERT_EQUAL(link_open_tap(&again, "vwt0", true), -EBUSY);
	CU_ASSERT_EQUAL(again.fd, -1);
	close(tap.fd);
	CU_ASSERT_EQUAL(if_nametoindex("vwt0"), 0);
	go_home();
}

static void names_that_can_not_be_are_refused(void)
{
	if (!leave_home())
		return;
	CU_ASSERT_EQUAL(link_open_tap(&tap, "", true), -EINVAL);
	CU_ASSERT_EQUAL(link_open_tap(&tap, "sixteen-letters-", true), -EINVAL);
	CU_ASSERT_EQUAL(link_open_tap(&tap, "lo", true), -EINVAL);
	CU_ASSERT_EQUAL(link_open_packet(&sock, "", true, NULL), -EINVAL);
	CU_ASSERT_EQUAL(link_open_packet(&sock, "nowhere", true, NULL),
			-ENODEV);
	CU_ASSERT_EQUAL(link_open_packet(&sock, "lo", true, NULL), -EPROTOTYPE);
	CU_ASSERT_EQUAL(sock.fd, -1);
	go_home();
}

static struct port_tap tap_port;
static struct port_packet packet_port;
static struct pkt_pool *pool;
static struct pkt_batch batch;
static const struct mono now = { 1 };

static void open_both(void)
{
	be_quiet();
	CU_ASSERT_EQUAL_FATAL(link_open_tap(&tap, "vwt0", true), 0);
	CU_ASSERT_EQUAL_FATAL(link_open_packet(&sock, "vwt0", true, NULL), 0);
	CU_ASSERT_EQUAL(sock.ifindex, tap.ifindex);
	CU_ASSERT_EQUAL(memcmp(&sock.mac, &tap.mac, sizeof(tap.mac)), 0);
	memset(&tap_port, 0, sizeof(tap_port));
	memset(&packet_port, 0, sizeof(packet_port));
	port_tap_init(&tap_port, tap.fd);
	CU_ASSERT_EQUAL_FATAL(
		port_packet_init(&packet_port, sock.fd, sock.ring), 0);
	pool = frame_pool_new(PKT_BATCH + 4, 6);
	batch.n = 0;
}

static void close_both(void)
{
	while (batch.n)
		pkt_put(pool, batch.p[--batch.n]);
	packet_port.port.ops->close(&packet_port.port);
	tap_port.port.ops->close(&tap_port.port);
	frame_pool_free(pool);
	go_home();
}

static int readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 1000);
}

/* A wire: @from sends @spec, @to receives it; in batch.p[0]. */
static void carry(struct port *from, struct port *to,
		  const struct frame_spec *spec)
{
	batch.p[batch.n++] = frame_parsed(pool, spec);
	CU_ASSERT_EQUAL_FATAL(from->ops->send(from, pool, &batch, now), 0);
	CU_ASSERT_EQUAL(from->stats.send_dropped, 0);
	CU_ASSERT_EQUAL_FATAL(readable(to->wake_fd), 1);
	CU_ASSERT_EQUAL_FATAL(to->ops->recv(to, pool, &batch, now), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, 1);
}

static const struct frame_spec carried[] = {
	{ .proto = 17, .payload_len = 100 },
	{ .proto = 6, .payload_len = 1400 },
	{ .proto = 6, .payload_len = 100, .partial = true },
	{ .src = "fd00::2",
	  .dst = "2001:db8::1",
	  .proto = 6,
	  .payload_len = 100,
	  .partial = true },
	{ .proto = 6, .payload_len = 60000, .gso_size = 1400 },
	{ .src = "fd00::2",
	  .dst = "2001:db8::1",
	  .proto = 6,
	  .payload_len = 60000,
	  .gso_size = 1400 },
};

static void frames_go_both_ways_with_all_that_is_known_of_them(void)
{
	struct port *ports[2] = { &tap_port.port, &packet_port.port };

	if (!leave_home())
		return;
	open_both();
	for (size_t i = 0; i < 2 * sizeof(carried) / sizeof(carried[0]); i++) {
		const struct frame_spec *spec = &carried[i / 2];
		struct pkt *want = frame_parsed(pool, spec);

		carry(ports[i % 2], ports[1 - i % 2], spec);
		CU_ASSERT_EQUAL(batch.p[0]->flags & PKT_F_CSUM_PARTIAL,
				want->flags & PKT_F_CSUM_PARTIAL);
		CU_ASSERT_EQUAL(batch.p[0]->gso_type, want->gso_type);
		CU_ASSERT_EQUAL(batch.p[0]->gso_size, want->gso_size);
		CU_ASSERT(frame_same(batch.p[0], want));
		pkt_put(pool, batch.p[0]);
		batch.n = 0;
		pkt_put(pool, want);
	}
	close_both();
}

static void what_goes_out_does_not_come_back(void)
{
	struct frame_spec spec = { .proto = 17 };
	struct port *to = &packet_port.port;

	if (!leave_home())
		return;
	open_both();
	carry(to, &tap_port.port, &spec);
	pkt_put(pool, batch.p[0]);
	batch.n = 0;
	CU_ASSERT_EQUAL(to->ops->recv(to, pool, &batch, now), 0);
	CU_ASSERT_EQUAL(batch.n, 0);
	close_both();
}

static void a_link_that_is_down_passes_and_one_that_is_gone_is_told(void)
{
	struct ifreq r = { .ifr_flags = 0 };
	struct frame_spec spec = { .proto = 17 };
	struct pollfd p;

	if (!leave_home())
		return;
	open_both();
	CU_ASSERT_EQUAL(request("vwt0", SIOCSIFFLAGS, &r), 0);
	p = (struct pollfd){ .fd = sock.fd, .events = POLLIN };
	CU_ASSERT_EQUAL(poll(&p, 1, 1000), 1);
	CU_ASSERT(p.revents & POLLERR);
	CU_ASSERT_EQUAL(port_packet_check(&packet_port), 0);
	CU_ASSERT_EQUAL(poll(&p, 1, 0), 0); /* was cleared */
	batch.p[batch.n++] = frame_parsed(pool, &spec);
	CU_ASSERT_EQUAL(
		tap_port.port.ops->send(&tap_port.port, pool, &batch, now), 0);
	CU_ASSERT_EQUAL(tap_port.port.stats.send_dropped, 1);
	batch.p[batch.n++] = frame_parsed(pool, &spec);
	CU_ASSERT_EQUAL(packet_port.port.ops->send(&packet_port.port, pool,
						   &batch, now),
			0);
	CU_ASSERT_EQUAL(packet_port.port.stats.send_dropped, 1);
	tap_port.port.ops->close(&tap_port.port); /* the device goes with it */
	CU_ASSERT_EQUAL(port_packet_check(&packet_port), -ENODEV);
	tap_port.fd = dup(home);
	close_both();
}

/* Nobody reads; the kernel has no slot for the last ones. */
static void frames_that_found_the_ring_full_are_counted(void)
{
	const struct frame_spec spec = { .proto = 17 };
	const uint32_t lost = 5;
	struct port *from = &tap_port.port, *to = &packet_port.port;
	uint32_t got = 0;

	if (!leave_home())
		return;
	open_both();
	for (uint32_t i = 0; i < sock.ring + lost; i++) {
		batch.p[batch.n++] = frame_parsed(pool, &spec);
		CU_ASSERT_EQUAL(from->ops->send(from, pool, &batch, now), 0);
	}
	CU_ASSERT_EQUAL(from->stats.send_dropped, 0);
	do {
		while (batch.n)
			pkt_put(pool, batch.p[--batch.n]);
		CU_ASSERT_EQUAL_FATAL(to->ops->recv(to, pool, &batch, now), 0);
		got += batch.n;
	} while (batch.n);
	CU_ASSERT_EQUAL(got, sock.ring);
	CU_ASSERT_EQUAL(to->stats.recv_dropped, 0); /* not told yet */
	carry(from, to, &spec);
	CU_ASSERT_EQUAL(to->stats.recv_overrun, lost);
	CU_ASSERT_EQUAL(to->stats.recv_dropped, lost);
	/* told once */
	pkt_put(pool, batch.p[--batch.n]);
	carry(from, to, &spec);
	CU_ASSERT_EQUAL(to->stats.recv_dropped, lost);
	close_both();
}

static int check(const char *one, bool packet, const char *two, char *why)
{
	const struct host_if ifs[2] = { { one, packet }, { two, false } };

	return host_check(ifs, two ? 2 : 1, why);
}

static void D13_a_kernel_that_would_forward_or_answer_is_refused(void)
{
	struct link other;
	char why[HOST_WHY_MAX];

	if (!leave_home())
		return;
	be_quiet();
	CU_ASSERT_EQUAL_FATAL(link_open_tap(&tap, "vwt0", true), 0);
	CU_ASSERT_EQUAL_FATAL(link_open_tap(&other, "vwt1", true), 0);
	CU_ASSERT_EQUAL(check("vwt0", true, "vwt1", why), 0);
	CU_ASSERT_STRING_EQUAL(why, "");
	CU_ASSERT_EQUAL(check("not-there-yet", false, "vwt1", why), 0);
	/* one TAP of ours that forwards has nowhere to forward to */
	write_switch("/proc/sys/net/ipv4/conf/vwt1/forwarding", "1");
	CU_ASSERT_EQUAL(check("vwt0", true, "vwt1", why), 0);
	CU_ASSERT_EQUAL(check("vwt1", false, "vwt0", why), 0);
	write_switch("/proc/sys/net/ipv4/conf/vwt0/forwarding", "1");
	CU_ASSERT_EQUAL(check("vwt1", false, "vwt0", why), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "vwt0"));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "net.ipv4.ip_forward=0"));
	/* a packet socket's interface may not */
	CU_ASSERT_EQUAL(check("vwt0", true, NULL, why), -EPERM);
	write_switch("/proc/sys/net/ipv4/conf/vwt0/forwarding", "0");
	CU_ASSERT_EQUAL(check("vwt0", true, "vwt1", why), 0);
	write_switch("/proc/sys/net/ipv6/conf/vwt0/forwarding", "1");
	CU_ASSERT_EQUAL(check("vwt0", true, NULL, why), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "net.ipv6"));
	write_switch("/proc/sys/net/ipv6/conf/vwt0/forwarding", "0");
	/* an address there is one that the kernel answers for */
	add_address("vwt0");
	CU_ASSERT_EQUAL(check("vwt0", true, NULL, why), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "address flush dev vwt0"));
	CU_ASSERT_EQUAL(check("vwt0", false, NULL, why), 0);
	close(tap.fd);
	close(other.fd);
	go_home();
}

static void a_name_is_no_path(void)
{
	static const char *const names[] = {
		"", ".", "..", "../all", "a/b", "sixteen-letters-"
	};
	char why[HOST_WHY_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CU_ASSERT_EQUAL(check(names[i], true, NULL, why), -EINVAL);
		CU_ASSERT(why[0] != 0);
	}
}

UNIT_SUITE(link, UNIT(a_tap_device_is_made_brought_up_and_gone_when_closed),
	   UNIT(names_that_can_not_be_are_refused),
	   UNIT(frames_go_both_ways_with_all_that_is_known_of_them),
	   UNIT(what_goes_out_does_not_come_back),
	   UNIT(frames_that_found_the_ring_full_are_counted),
	   UNIT(a_link_that_is_down_passes_and_one_that_is_gone_is_told),
	   UNIT(D13_a_kernel_that_would_forward_or_answer_is_refused),
	   UNIT(a_name_is_no_path))
