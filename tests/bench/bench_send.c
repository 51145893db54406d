/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends UDP datagrams of many flows out of one interface, as fast as it can:
 *
 *	bench_send IFACE DST-MAC SRC-MAC SRC-IP DST-IP FLOWS IPSIZE SECONDS
 *
 * Flows differ in source port; all go to port 9.  What the receiver counts is
 * the result, this only says what was offered.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define SIZE_MAX_IP 1500u

static uint8_t frame[BATCH][ETH_HLEN + SIZE_MAX_IP];
static struct mmsghdr msg[BATCH];
static struct iovec iov[BATCH];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench_send: %s: errno %d\n", what, errno);
	exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_socket(const char *iface)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(iface) };
	int on = 1, s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (s < 0 || !a.sll_ifindex)
		die(iface);
	if (setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) ||
	    bind(s, (const struct sockaddr *)&a, sizeof(a)))
		die("packet socket");
	return s;
}

static void put_mac(uint8_t *out, const char *text)
{
	unsigned int b[6];

	if (sscanf(text, "%x:%x:%x:%x:%x:%x", b, b + 1, b + 2, b + 3, b + 4,
		   b + 5) != 6)
		die(text);
	for (int i = 0; i < 6; i++)
		out[i] = (uint8_t)b[i];
}

static void put_addr(uint8_t *out, const char *text)
{
	if (inet_pton(AF_INET, text, out) != 1)
		die(text);
}

static void put16(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static uint32_t sum16(const uint8_t *b, uint32_t len, uint32_t s)
{
	for (uint32_t i = 0; i < len; i++)
		s += i % 2 ? b[i] : (uint32_t)b[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* Headers and checksums of flow @i; the payload is zero. */
static void aim(uint8_t *f, uint32_t i)
{
	uint8_t *udp = f + ETH_HLEN + 20;
	uint32_t len = (uint32_t)udp[4] << 8 | udp[5], s;

	put16(udp, 2048 + i % 60000);
	put16(udp + 6, 0);
	s = sum16(udp - 8, 16, IPPROTO_UDP + len); /* addresses stand there */
	put16(udp + 6, ~s & 0xffff ? ~s : 0xffff);
}

static void set_up(char **arg, uint32_t size)
{
	for (int i = 0; i < BATCH; i++) {
		uint8_t *f = frame[i], *ip = f + ETH_HLEN;

		put_mac(f, arg[2]);
		put_mac(f + 6, arg[3]);
		put16(f + 12, ETH_P_IP);
		ip[0] = 0x45;
		put16(ip + 2, size);
		ip[8] = 64;
		ip[9] = IPPROTO_UDP;
		put_addr(ip + 12, arg[4]);
		put_addr(ip + 16, arg[5]);
		put16(ip + 10, ~sum16(ip, 20, 0));
		put16(ip + 22, 9);
		put16(ip + 24, size - 20);
		iov[i].iov_base = f;
		iov[i].iov_len = ETH_HLEN + size;
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
}

int main(int argc, char **argv)
{
	uint32_t flows = argc == 9 ? (uint32_t)strtoul(argv[6], NULL, 0) : 0;
	uint32_t size = argc == 9 ? (uint32_t)strtoul(argv[7], NULL, 0) : 0;
	double length = argc == 9 ? strtod(argv[8], NULL) : 0, start, cpu;
	uint64_t sent = 0;
	uint32_t next = 0;
	int s;

	if (!flows || size < 28 || size > SIZE_MAX_IP || length <= 0) {
		fputs("usage: bench_send IFACE DST-MAC SRC-MAC SRC-IP DST-IP "
		      "FLOWS IPSIZE SECONDS\n",
		      stderr);
		return 2;
	}
	s = open_socket(argv[1]);
	set_up(argv, size);
	start = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
	while (seconds(CLOCK_MONOTONIC) - start < length) {
		int n;

		for (int i = 0; i < BATCH; i++)
			aim(frame[i], next++ % flows);
		n = sendmmsg(s, msg, BATCH, 0);
		if (n < 0 && errno != ENOBUFS && errno != EAGAIN)
			die("sendmmsg");
		sent += n > 0 ? (uint64_t)n : 0;
	}
	cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
	printf("sent=%llu pps=%.0f cpu_ns=%.0f\n", (unsigned long long)sent,
	       (double)sent / length, cpu * 1e9 / (double)sent);
	return 0;
}
