/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conversations whose every byte is checked, for guests with nothing but
 * busybox.
 *
 * peer serve			echo on 7 (TCP, UDP), a sink on 9, a source on
 *				19; both families.  On 13 (UDP) it says from
 *				which port it was asked
 * peer up ADDR BYTES [MS]	sends to the sink, with a pause after each 64
 *				KiB; the sink says how many bytes were right
 * peer down ADDR BYTES [MS]	the same from the source
 * peer udp ADDR N SIZE		N datagrams to the echo, one after the other
 * peer seen ADDR		asks twice a second, from one port, as which it
 *				is seen, until it is ended
 * peer open ADDR PORT		a connection that must succeed at once
 * peer refused ADDR PORT	one that must be refused at once
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536u
#define PATIENCE_S 60 /* for one read or write */
#define AT_ONCE_S 5

static uint8_t buf[CHUNK];

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Byte @at of the stream: no period that a lost segment could hide in. */
static uint8_t pattern(uint64_t at)
{
	return (uint8_t)((at * 2654435761u) >> 13 ^ at >> 16);
}

static void fill(uint64_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf[i] = pattern(at + i);
}

/* How many of the first @n bytes are those of the stream from @at on. */
static size_t right(uint64_t at, size_t n)
{
	size_t i = 0;

	while (i < n && buf[i] == pattern(at + i))
		i++;
	return i;
}

static bool put(int s, const void *data, size_t n)
{
	const uint8_t *p = data;

	while (n) {
		ssize_t k = write(s, p, n);

		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

/* Sends @n bytes of the stream with pauses of @ms. */
static bool put_stream(int s, uint64_t n, int ms)
{
	for (uint64_t at = 0; at < n;) {
		size_t k = n - at < CHUNK ? (size_t)(n - at) : CHUNK;

		fill(at, k);
		if (!put(s, buf, k))
			return false;
		at += k;
		if (ms)
			poll(NULL, 0, ms);
	}
	return true;
}

/*
 * Reads to the end of the stream; how many bytes were right.  *@pause_ms is the
 * longest time without any.
 */
static uint64_t take_stream(int s, long long *pause_ms)
{
	long long since = now_ms();
	uint64_t at = 0;

	*pause_ms = 0;
	for (;;) {
		ssize_t k = read(s, buf, sizeof(buf));
		long long now = now_ms();
		size_t ok;

		if (now - since > *pause_ms)
			*pause_ms = now - since;
		since = now;
		if (k <= 0)
			return at;
		ok = right(at, (size_t)k);
		at += ok;
		if (ok < (size_t)k)
			return at;
	}
}

/* A line of numbers, as the two ends tell each other. */
static bool take_line(int s, char *line, size_t room)
{
	size_t n = 0;

	while (n + 1 < room && read(s, line + n, 1) == 1) {
		if (line[n] == '\n') {
			line[n] = '\0';
			return true;
		}
		n++;
	}
	return false;
}

static void patience(int s, int seconds)
{
	struct timeval t = { .tv_sec = seconds };

	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

/* ---- serving ---------------------------------------------------------------
 */

static int bound(int type, uint16_t port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
				  .sin6_port = htons(port) };
	int s = socket(AF_INET6, type, 0), on = 1;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) ||
	    (type == SOCK_STREAM && listen(s, 64))) {
		perror("peer: bind");
		exit(1);
	}
	return s;
}

static void converse(int s, int which)
{
	char line[64];
	long long pause_ms;
	ssize_t k;

	patience(s, PATIENCE_S);
	switch (which) {
	case 0:
		while ((k = read(s, buf, sizeof(buf))) > 0)
			if (!put(s, buf, (size_t)k))
				break;
		break;
	case 1:
		put(s, line,
		    (size_t)snprintf(
			    line, sizeof(line), "%llu\n",
			    (unsigned long long)take_stream(s, &pause_ms)));
		break;
	default:
		if (take_line(s, line, sizeof(line))) {
			char *at;
			uint64_t n = strtoull(line, &at, 10);

			put_stream(s, n, (int)strtol(at, NULL, 10));
		}
	}
}

/* Back from the very address that it was sent to; @seen: the port it came from.
 */
static void answer_datagram(int s, bool seen)
{
	struct sockaddr_in6 from;
	union {
		struct cmsghdr head;
		uint8_t room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} to;
	struct iovec v = { buf, sizeof(buf) };
	struct msghdr m = { .msg_name = &from,
			    .msg_namelen = sizeof(from),
			    .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &to,
			    .msg_controllen = sizeof(to) };
	ssize_t k = recvmsg(s, &m, 0);
	struct in6_pktinfo *info = (void *)CMSG_DATA(&to.head);

	if (k < 0 || to.head.cmsg_type != IPV6_PKTINFO)
		return;
	info->ipi6_ifindex = 0;
	v.iov_len = (size_t)k;
	if (seen)
		v.iov_len =
			(size_t)snprintf((char *)buf, sizeof(buf), "port %u\n",
					 ntohs(from.sin6_port));
	sendmsg(s, &m, 0);
}

static int serve(void)
{
	static const uint16_t port[] = { 7, 9, 19 };
	struct pollfd p[5];
	int on = 1;

	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 3; i++)
		p[i] = (struct pollfd){ bound(SOCK_STREAM, port[i]), POLLIN,
					0 };
	p[3] = (struct pollfd){ bound(SOCK_DGRAM, 7), POLLIN, 0 };
	p[4] = (struct pollfd){ bound(SOCK_DGRAM, 13), POLLIN, 0 };
	for (int i = 3; i < 5; i++)
		setsockopt(p[i].fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on,
			   sizeof(on));
	for (;;) {
		if (poll(p, 5, -1) <= 0)
			continue;
		for (int i = 0; i < 3; i++) {
			int s = p[i].revents ? accept(p[i].fd, NULL, NULL) : -1;

			if (s >= 0 && fork() == 0) {
				converse(s, i);
				_exit(0);
			}
			if (s >= 0)
				close(s);
		}
		for (int i = 3; i < 5; i++)
			if (p[i].revents)
				answer_datagram(p[i].fd, i == 4);
	}
}

/* ---- asking ----------------------------------------------------------------
 */

/* A connected socket, or -errno. */
static int reach(const char *addr, const char *port, int type, int seconds)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				 .ai_socktype = type };
	struct addrinfo *a;
	int s;

	if (getaddrinfo(addr, port, &hint, &a)) {
		fprintf(stderr, "peer: no address: %s\n", addr);
		exit(2);
	}
	s = socket(a->ai_family, type, 0);
	patience(s, seconds);
	if (connect(s, a->ai_addr, a->ai_addrlen)) {
		int err = errno;

		close(s);
		s = -err;
	}
	freeaddrinfo(a);
	return s;
}

static int reach_or_die(const char *addr, const char *port, int type)
{
	int s = reach(addr, port, type, PATIENCE_S);

	if (s < 0) {
		fprintf(stderr, "peer: %s port %s: %s\n", addr, port,
			strerror(-s));
		exit(1);
	}
	return s;
}

static int verdict(const char *what, uint64_t got, uint64_t wanted,
		   long long ms)
{
	printf("%s %llu of %llu bytes right in %lld ms\n", what,
	       (unsigned long long)got, (unsigned long long)wanted, ms);
	return got != wanted;
}

static int go_up(const char *addr, uint64_t n, int ms)
{
	long long start = now_ms();
	int s = reach_or_die(addr, "9", SOCK_STREAM);
	char line[64] = "0";

	if (put_stream(s, n, ms)) {
		shutdown(s, SHUT_WR);
		if (!take_line(s, line, sizeof(line)))
			perror("peer: the sink says nothing");
	} else {
		perror("peer: sending");
	}
	return verdict("up", strtoull(line, NULL, 10), n, now_ms() - start);
}

static int go_down(const char *addr, uint64_t n, int ms)
{
	long long start = now_ms();
	int s = reach_or_die(addr, "19", SOCK_STREAM);
	long long pause_ms;
	char line[64];
	uint64_t got;

	put(s, line,
	    (size_t)snprintf(line, sizeof(line), "%llu %d\n",
			     (unsigned long long)n, ms));
	got = take_stream(s, &pause_ms);
	printf("longest pause %lld ms\n", pause_ms);
	return verdict("down", got, n, now_ms() - start);
}

/* Each datagram may be sent three times: it is no test of loss. */
static int go_udp(const char *addr, unsigned int n, size_t size)
{
	static uint8_t echo[CHUNK];
	int s = reach_or_die(addr, "7", SOCK_DGRAM);
	struct pollfd p = { .fd = s, .events = POLLIN };
	unsigned int right_n = 0, again = 0;

	if (size > 65000)
		return 2;
	for (unsigned int i = 0; i < n; i++) {
		bool came = false;

		fill((uint64_t)i << 20, size);
		for (int tries = 0; tries < 3 && !came; tries++) {
			again += tries > 0;
			if (write(s, buf, size) != (ssize_t)size)
				continue;
			while (!came && poll(&p, 1, 2000) > 0)
				came = read(s, echo, sizeof(echo)) ==
					       (ssize_t)size &&
				       !memcmp(echo, buf, size);
		}
		right_n += came;
	}
	printf("udp %u of %u right, %u sent again\n", right_n, n, again);
	return right_n != n;
}

/* What is said, line by line; that nobody answers now and then is no error. */
static _Noreturn void go_seen(const char *addr)
{
	int s = reach_or_die(addr, "13", SOCK_DGRAM);

	for (;;) {
		ssize_t k;

		(void)!write(s, "?", 1);
		poll(NULL, 0, 500);
		while ((k = recv(s, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
			put(STDOUT_FILENO, buf, (size_t)k);
	}
}

/* 0: as wanted, connected or refused. */
static int go_knock(const char *addr, const char *port, bool open)
{
	long long start = now_ms();
	int s = reach(addr, port, SOCK_STREAM, AT_ONCE_S);
	long long ms = now_ms() - start;

	printf("%s after %lld ms\n", s < 0 ? strerror(-s) : "connected", ms);
	if (open)
		return s < 0;
	return s != -ECONNREFUSED && s != -EHOSTUNREACH && s != -EACCES;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	uint64_t n = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
	int ms = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 0;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && !strcmp(what, "serve"))
		return serve();
	if (argc == 3 && !strcmp(what, "seen"))
		go_seen(argv[2]);
	if (argc >= 4 && !strcmp(what, "up"))
		return go_up(argv[2], n, ms);
	if (argc >= 4 && !strcmp(what, "down"))
		return go_down(argv[2], n, ms);
	if (argc == 5 && !strcmp(what, "udp"))
		return go_udp(argv[2], (unsigned int)n, (size_t)ms);
	if (argc == 4 && !strcmp(what, "open"))
		return go_knock(argv[2], argv[3], true);
	if (argc == 4 && !strcmp(what, "refused"))
		return go_knock(argv[2], argv[3], false);
	fprintf(stderr, "usage: peer serve | up ADDR BYTES [MS] | "
			"down ADDR BYTES [MS] | udp ADDR N SIZE | "
			"seen ADDR | open ADDR PORT | refused ADDR PORT\n");
	return 2;
}
