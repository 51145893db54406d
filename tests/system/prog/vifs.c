/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vifs BACKEND CLIENT FIRST N ROUNDS: N interfaces of domain CLIENT with their
 * backend in domain BACKEND come, connect, and go, ROUNDS times.  They are
 * numbered from FIRST on, and no number is used again: Linux takes an interface
 * that comes back at once for the one that it has.
 *
 * In dom0.  It writes what the tool stack would write, all of an interface in
 * one transaction, and waits for what the tool stack waits for.  The tool
 * stack's own program takes seconds for each under emulation.  Prints how long
 * each round took to connect and to go; exit 1 when one did not end.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#define PATIENCE_S 120

static struct {
	struct xs_handle *xs;
	unsigned int back, client; /* domains */
	unsigned int first, n;	   /* interfaces of this round */
} me;

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The directories of interface @i: the backend's, or the frontend's. */
static const char *dir(char *room, size_t size, bool back, unsigned int i)
{
	if (back)
		snprintf(room, size, "/local/domain/%u/backend/vif/%u/%u",
			 me.back, me.client, i);
	else
		snprintf(room, size, "/local/domain/%u/device/vif/%u",
			 me.client, i);
	return room;
}

static void put(xs_transaction_t t, bool back, unsigned int i, const char *key,
		const char *value)
{
	char path[160], d[96];

	snprintf(path, sizeof(path), "%s/%s", dir(d, sizeof(d), back, i), key);
	if (!xs_write(me.xs, t, path, value, (unsigned int)strlen(value)))
		die(path);
}

static void put_number(xs_transaction_t t, bool back, unsigned int i,
		       const char *key, unsigned int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	put(t, back, i, key, text);
}

/* A directory of @owner's that @reader may read; its keys inherit that. */
static void make_dir(xs_transaction_t t, bool back, unsigned int i,
		     unsigned int owner, unsigned int reader)
{
	struct xs_permissions perm[2] = {
		{ .id = owner, .perms = XS_PERM_NONE },
		{ .id = reader, .perms = XS_PERM_READ },
	};
	char d[96];

	dir(d, sizeof(d), back, i);
	if (!xs_mkdir(me.xs, t, d) || !xs_set_permissions(me.xs, t, d, perm, 2))
		die(d);
}

static void make(xs_transaction_t t, unsigned int i)
{
	char text[96];

	make_dir(t, false, i, me.client, me.back);
	make_dir(t, true, i, me.back, me.client);
	snprintf(text, sizeof(text), "00:16:3e:5e:6d:%02x", i);
	put(t, false, i, "mac", text);
	put(t, true, i, "mac", text);
	snprintf(text, sizeof(text), "10.137.1.%u", i);
	put(t, true, i, "ip", text);
	put(t, true, i, "frontend", dir(text, sizeof(text), false, i));
	put(t, false, i, "backend", dir(text, sizeof(text), true, i));
	put_number(t, true, i, "frontend-id", me.client);
	put_number(t, false, i, "backend-id", me.back);
	put(t, true, i, "type", "vif");
	for (int back = 0; back < 2; back++) {
		put_number(t, back, i, "handle", i);
		put_number(t, back, i, "state", 1);
	}
	put(t, false, i, "trusted", "1");
	put(t, true, i, "online", "1");
}

static void unmake(xs_transaction_t t, unsigned int i)
{
	put(t, true, i, "online", "0");
	put(t, true, i, "state", "5");
}

static void forget(xs_transaction_t t, unsigned int i)
{
	char d[96];

	if (!xs_rm(me.xs, t, dir(d, sizeof(d), false, i)))
		die(d);
}

static void each(void (*what)(xs_transaction_t, unsigned int))
{
	for (unsigned int i = me.first; i < me.first + me.n; i++) {
		xs_transaction_t t;

		do {
			t = xs_transaction_start(me.xs);
			if (t == XBT_NULL)
				die("transaction");
			what(t, i);
		} while (!xs_transaction_end(me.xs, t, false));
	}
}

/* The state of one end of @i; 0: it is gone. */
static unsigned long state(bool back, unsigned int i)
{
	char path[160], d[96];
	unsigned int len;
	char *value;
	unsigned long n;

	snprintf(path, sizeof(path), "%s/state", dir(d, sizeof(d), back, i));
	value = xs_read(me.xs, XBT_NULL, path, &len);
	n = value ? strtoul(value, NULL, 10) : 0;
	free(value);
	return n;
}

/* Until all backends are in @wanted. */
static bool wait_all(unsigned long wanted)
{
	time_t end = time(NULL) + PATIENCE_S;
	unsigned int i = me.first;

	while (i < me.first + me.n) {
		if (state(true, i) == wanted) {
			i++;
		} else if (time(NULL) > end) {
			printf("interface %u: not in state %lu, but %lu, "
			       "frontend %lu\n",
			       i, wanted, state(true, i), state(false, i));
			return false;
		} else {
			usleep(50000);
		}
	}
	return true;
}

/* One round; false when it did not end as it should. */
static bool go_round(void)
{
	long long start = now_ms(), connected;
	bool came, went;

	each(make);
	came = wait_all(4);
	connected = now_ms();
	each(unmake);
	went = wait_all(0);
	each(forget);
	printf("%u vifs: come in %lld ms, gone in %lld ms\n", me.n,
	       connected - start, now_ms() - connected);
	return came && went;
}

int main(int argc, char **argv)
{
	unsigned int n[5];

	if (argc != 6) {
		fprintf(stderr, "usage: vifs BACKEND CLIENT FIRST N ROUNDS\n");
		return 2;
	}
	for (int i = 0; i < 5; i++)
		n[i] = (unsigned int)strtoul(argv[i + 1], NULL, 10);
	me.back = n[0];
	me.client = n[1];
	me.first = n[2];
	me.n = n[3];
	me.xs = xs_open(0);
	if (!me.xs)
		die("XenStore");
	for (unsigned int k = 0; k < n[4]; k++, me.first += me.n) {
		if (!go_round()) {
			printf("in round %u\n", k + 1);
			return 1;
		}
	}
	xs_close(me.xs);
	return 0;
}
