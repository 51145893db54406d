/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xen/qubes/chan.h promises, over libxenvchan (chan_vchan.c) between two
 * domains of a real Xen.
 *
 * chantest echo PEER PORT TIMES
 *	serves PORT to domain PEER, TIMES times one after the other, and sends
 *	back what comes
 * chantest talk PEER PORT BYTES
 *	connects to it, and checks what comes back
 * chantest spoil PEER PORT WHERE
 *	connects to it without chan.h and writes a position that can't be: 0 of
 *	what it sends, 1 of what it takes.  The other end must go, as from one
 *	that went (XSA-86 was about those who believe it)
 */
#include <errno.h>
#include <libxenvchan.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "packet/pkt_assert.h"
#include "xen/bus/store.h"
#include "xen/qubes/chan_vchan.h"

#define PATIENCE_MS 120000
#define RING 4096u
#define CHUNK 1500u /* no divisor of the ring */

static struct chan_net *net;

_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "chantest: %s:%d: %s\n", file, line, what);
	abort();
}

static _Noreturn void die(const char *what, int err)
{
	fprintf(stderr, "chantest: %s: %s\n", what, strerror(-err));
	exit(1);
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Byte @at of the stream: no period that a lost piece could hide in. */
static uint8_t pattern(size_t at)
{
	return (uint8_t)(((uint32_t)at * 2654435761u) >> 13 ^ at >> 16);
}

static enum chan_state wait_event(struct chan *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	if (poll(&p, 1, PATIENCE_MS) <= 0)
		die("nothing happens", -ETIMEDOUT);
	return chan_event(c);
}

/* ---- the two ends ---------------------------------------------------------*/

/* Sends back what came; false: none will come any more, or none is taken. */
static bool echo(struct chan *c, uint64_t *sum)
{
	static uint8_t buf[CHUNK];
	static size_t at, len;

	for (;;) {
		ssize_t n;

		if (at == len) {
			n = chan_recv(c, buf, sizeof(buf));
			if (n <= 0) {
				at = len = 0;
				return n == 0;
			}
			at = 0;
			len = (size_t)n;
		}
		n = chan_send(c, buf + at, len - at);
		if (n <= 0) {
			if (n < 0)
				at = len = 0;
			return n == 0;
		}
		at += (size_t)n;
		*sum += (uint64_t)n;
	}
}

static void serve_once(uint16_t peer, uint32_t port)
{
	uint64_t sum = 0;
	int err;
	struct chan *c = chan_serve(net, peer, port, RING, RING, &err);

	if (!c)
		die("serve", err);
	while (wait_event(c) != CHAN_GONE || echo(c, &sum))
		if (!echo(c, &sum))
			break;
	printf("echoed %llu bytes\n", (unsigned long long)sum);
	fflush(stdout);
	chan_close(c);
}

/* Sends what there is room for, from *@at on; false: nobody takes it. */
static bool put(struct chan *c, size_t *at, size_t bytes)
{
	uint8_t buf[CHUNK];
	ssize_t n = 1;

	while (n > 0 && *at < bytes) {
		size_t len = bytes - *at < CHUNK ? bytes - *at : CHUNK;

		for (size_t i = 0; i < len; i++)
			buf[i] = pattern(*at + i);
		n = chan_send(c, buf, len);
		*at += n > 0 ? (size_t)n : 0;
	}
	return n >= 0;
}

/* Takes what there is; false: something was wrong, or none will come. */
static bool take(struct chan *c, size_t *at)
{
	uint8_t buf[CHUNK];
	ssize_t n;

	while ((n = chan_recv(c, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++, (*at)++)
			if (buf[i] != pattern(*at))
				return false;
	}
	return n == 0;
}

static int talk(uint16_t peer, uint32_t port, size_t bytes)
{
	size_t sent = 0, taken = 0;
	long long start = 0;
	enum chan_state state = CHAN_WAITING;
	int err;
	struct chan *c = chan_connect(net, peer, port, &err);

	if (!c)
		die("connect", err);
	while (taken < bytes && state != CHAN_GONE) {
		state = wait_event(c);
		if (!start && state == CHAN_OPEN)
			start = now_ms();
		if (state == CHAN_OPEN &&
		    (!put(c, &sent, bytes) || !take(c, &taken)))
			break;
	}
	printf("%zu of %zu bytes right in %lld ms\n", taken, bytes,
	       now_ms() - start);
	chan_close(c);
	return taken != bytes;
}

/* ---- one that lies ----------------------------------------------------------
 */

/* As soon as the other end has written where it is. */
static struct libxenvchan *connect_raw(unsigned int peer, unsigned int self,
				       unsigned int port)
{
	long long end = now_ms() + PATIENCE_MS;
	struct libxenvchan *v = NULL;
	char path[80];

	snprintf(path, sizeof(path), "/local/domain/%u/data/vchan/%u/%u", peer,
		 self, port);
	while (!v && now_ms() < end) {
		v = libxenvchan_client_init(NULL, (int)peer, path);
		if (!v)
			poll(NULL, 0, 100);
	}
	if (!v)
		die("connect", -ETIMEDOUT);
	return v;
}

static int spoil(unsigned int peer, unsigned int self, unsigned int port,
		 unsigned int where)
{
	struct libxenvchan *v = connect_raw(peer, self, port);
	long long start = now_ms();

	if (where == 0)
		v->write.shr->prod =
			v->write.shr->cons + (1u << v->write.order) + 1;
	else
		v->read.shr->cons = v->read.shr->prod + 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	xenevtchn_notify(v->event, v->event_port);
	while (libxenvchan_is_open(v) && now_ms() - start < PATIENCE_MS)
		poll(NULL, 0, 20);
	if (libxenvchan_is_open(v)) {
		printf("the other end stays\n");
		return 1;
	}
	printf("the other end went after %lld ms\n", now_ms() - start);
	libxenvchan_close(v);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long n[3] = { 0 };
	struct store *store;
	uint32_t self;
	int err = 0, rc = 0;

	for (int i = 0; i < 3 && argc == 5; i++)
		n[i] = strtoul(argv[i + 2], NULL, 10);
	if (argc != 5 || (strcmp(argv[1], "echo") && strcmp(argv[1], "talk") &&
			  strcmp(argv[1], "spoil"))) {
		fprintf(stderr, "usage: chantest echo PEER PORT TIMES | "
				"talk PEER PORT BYTES | "
				"spoil PEER PORT WHERE\n");
		return 2;
	}
	store = store_libs_open(&err);
	if (!store)
		die("XenStore", err);
	if (!strcmp(argv[1], "spoil")) {
		err = store_read_u32(store, "domid", UINT16_MAX, &self);
		if (err)
			die("domid", err);
		store->ops->close(store);
		return spoil((unsigned int)n[0], self, (unsigned int)n[1],
			     (unsigned int)n[2]);
	}
	net = chan_vchan_open(store, chan_lib_open(&err), &err);
	if (!net)
		die("vchan", err);
	if (!strcmp(argv[1], "talk"))
		rc = talk((uint16_t)n[0], (uint32_t)n[1], n[2]);
	else
		while (n[2]--)
			serve_once((uint16_t)n[0], (uint32_t)n[1]);
	chan_net_close(net);
	return rc;
}
