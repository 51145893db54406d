/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor under any forwarder in user space that uses TAP devices: one read
 * and one write for each frame, and nothing between them.
 *
 *	floor_tap [ROUNDS [REPS]]		(root)
 *
 * In a network namespace of its own it puts frames into one TAP device with a
 * packet socket, reads them and writes them to another, whose far end drops
 * them at once (they are addressed to nobody).  Processor time of this thread;
 * the least of REPS repetitions.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define FRAME_MAX (66u * 1024u)
#define MTU 1500

struct variant {
	const char *name;
	uint32_t ip_len;
	bool vnet, tso;
};

static const struct variant variants[] = {
	{ "plain", 64, false, false }, { "plain", 1500, false, false },
	{ "vnet", 64, true, false },   { "vnet", 1500, true, false },
	{ "tso", 65000, true, true },
};

static uint8_t frame[BATCH][FRAME_MAX];
static size_t frame_len[BATCH];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "floor_tap: %s: errno %d\n", what, errno);
	exit(1);
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void link_up(const char *name)
{
	struct ifreq r = { 0 };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	r.ifr_qlen = 4096;
	if (s < 0 || ioctl(s, SIOCSIFTXQLEN, &r))
		die("SIOCSIFTXQLEN");
	r.ifr_flags = IFF_UP | IFF_NOARP;
	if (ioctl(s, SIOCSIFFLAGS, &r))
		die("SIOCSIFFLAGS");
	close(s);
}

static int open_tap(const char *name, const struct variant *v)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	unsigned int offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

	if (fd < 0)
		die("/dev/net/tun");
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (v->vnet)
		r.ifr_flags |= IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, &r))
		die("TUNSETIFF");
	if (v->vnet && ioctl(fd, TUNSETOFFLOAD, offloads))
		die("TUNSETOFFLOAD");
	link_up(name);
	return fd;
}

/* Puts frames into the device as if the system had sent them. */
static int open_injector(const char *name, const struct variant *v)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(name) };
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	int on = 1, room = 64 << 20;

	if (s < 0)
		die("packet socket");
	if (setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) ||
	    setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		die("setsockopt");
	if (v->vnet &&
	    setsockopt(s, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)))
		die("PACKET_VNET_HDR");
	if (bind(s, (const struct sockaddr *)&a, sizeof(a)))
		die("bind");
	return s;
}

static void put16(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

/* UDP, or a TCP aggregate; checksums don't matter to anyone here. */
static size_t make_frame(uint8_t *b, const struct variant *v)
{
	const struct virtio_net_hdr tso = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = 14 + 20 + 20,
		.gso_size = MTU - 20 - 20 - 12,
		.csum_start = 14 + 20,
		.csum_offset = 16,
	};
	size_t vnet_len = v->vnet ? sizeof(tso) : 0;
	uint8_t *eth = b + vnet_len, *ip = eth + 14;

	memset(b, 0, 128);
	if (v->tso)
		memcpy(b, &tso, sizeof(tso));
	memcpy(eth, "\x02\0\0\0\0\x55\x02\0\0\0\0\x66\x08\0", 14);
	ip[0] = 0x45;
	put16(ip + 2, v->ip_len);
	ip[8] = 64;
	ip[9] = v->tso ? 6 : 17;
	memcpy(ip + 12, "\x0a\0\0\1\x0a\0\0\2", 8);
	put16(ip + 20, 9);
	put16(ip + 22, 9);
	if (v->tso) {
		ip[32] = 0x50; /* 20 bytes of header, ACK */
		ip[33] = 0x10;
	} else {
		put16(ip + 24, v->ip_len - 20);
	}
	return vnet_len + 14 + v->ip_len;
}

static uint32_t inject(int s, const struct variant *v)
{
	static struct mmsghdr m[BATCH];
	static struct iovec iov[BATCH];
	unsigned int n = v->tso ? BATCH / 4 : BATCH;
	int sent;

	for (unsigned int i = 0; i < n; i++) {
		iov[i].iov_base = frame[i];
		iov[i].iov_len = make_frame(frame[i], v);
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	sent = sendmmsg(s, m, n, 0);
	if (sent < 0)
		die("sendmmsg");
	return (uint32_t)sent;
}

struct cost {
	double read_ns, write_ns;
	uint64_t sent, moved;
};

static void round_trip(int s, int from, int to, const struct variant *v,
		       struct cost *c)
{
	uint32_t got = 0, sent = inject(s, v);
	double t0 = cpu_ns(), t1;

	while (got < sent) {
		ssize_t n = read(from, frame[got], FRAME_MAX);

		if (n < 0)
			break;
		frame_len[got++] = (size_t)n;
	}
	t1 = cpu_ns();
	for (uint32_t i = 0; i < got; i++)
		if (write(to, frame[i], frame_len[i]) < 0)
			die("write");
	c->read_ns += t1 - t0;
	c->write_ns += cpu_ns() - t1;
	c->sent += sent;
	c->moved += got;
}

static void run(const struct variant *v, unsigned long rounds,
		unsigned long reps)
{
	int from = open_tap("floor0", v), to = open_tap("floor1", v);
	int s = open_injector("floor0", v);
	double best_read = 0, best_write = 0;
	uint64_t lost = 0;

	for (unsigned long r = 0; r < reps; r++) {
		struct cost c = { 0 };
		double n;

		for (unsigned long i = 0; i < rounds; i++)
			round_trip(s, from, to, v, &c);
		if (!c.moved)
			die("nothing came through");
		n = (double)c.moved;
		if (!r ||
		    c.read_ns / n + c.write_ns / n < best_read + best_write) {
			best_read = c.read_ns / n;
			best_write = c.write_ns / n;
		}
		lost += c.sent - c.moved;
	}
	printf("floor_tap mode=%s size=%u read_ns=%.0f write_ns=%.0f "
	       "read_write_ns=%.0f lost=%llu\n",
	       v->name, v->ip_len, best_read, best_write,
	       best_read + best_write, (unsigned long long)lost);
	close(s);
	close(from);
	close(to);
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000;
	unsigned long reps = argc > 2 ? strtoul(argv[2], NULL, 0) : 5;

	if (!rounds || !reps || argc > 3) {
		fputs("usage: floor_tap [ROUNDS [REPS]]\n", stderr);
		return 2;
	}
	if (unshare(CLONE_NEWNET))
		die("unshare (are you root?)");
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
		run(&variants[i], rounds, reps);
	return 0;
}
