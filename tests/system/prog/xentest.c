/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xentest front|back PEER: one end of the checks of what xen_ops.h promises
 * (tests/mock/xen_conform.h), between this domain and domain PEER.
 *
 * The words between both ends go through the XenStore: each writes them to
 * data/xentest/<number> of its own, which dom0 has made readable for the other.
 * Prints a line for each check that failed, then how many there were.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mock/xen_conform.h"
#include "packet/pkt_assert.h"
#include "xen/bus/store.h"
#include "xen/xen_libs.h"

#define PATIENCE_MS 60000u
#define KEPT 64u /* words that may be on their way */

struct words {
	struct store *store;
	uint16_t peer;
	uint32_t said, heard;
	const char *check;
	uint32_t wrongs;
};

_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "xentest: %s:%d: %s\n", file, line, what);
	abort();
}

static bool say(void *ctx, uint32_t word)
{
	struct words *w = ctx;
	char path[64];

	snprintf(path, sizeof(path), "data/xentest/%" PRIu32, w->said++);
	if (store_write_u32(w->store, STORE_NONE, path, word))
		return false;
	if (w->said > KEPT) {
		snprintf(path, sizeof(path), "data/xentest/%" PRIu32,
			 w->said - KEPT - 1);
		(void)w->store->ops->rm(w->store, STORE_NONE, path);
	}
	return true;
}

static bool hear(void *ctx, uint32_t *word)
{
	struct words *w = ctx;
	char path[64];

	snprintf(path, sizeof(path),
		 "/local/domain/%" PRIu16 "/data/xentest/%" PRIu32, w->peer,
		 w->heard++);
	for (uint32_t ms = 0; ms < PATIENCE_MS; ms += 2) {
		if (!store_read_u32(w->store, path, UINT32_MAX, word))
			return true;
		usleep(2000);
	}
	return false;
}

static void wrong(void *ctx, const char *what, const char *file, int line)
{
	struct words *w = ctx;

	w->wrongs++;
	printf("%s: %s (%s:%d)\n", w->check, what, strrchr(file, '/') + 1,
	       line);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct conform *c);
	} checks[] = {
#define ENTRY(name) { #name, conform_##name },
		CONFORM(ENTRY)
	};
	const size_t n = sizeof(checks) / sizeof(checks[0]);
	struct words w = { 0 };
	struct conform c = {
		.say = say, .hear = hear, .wrong = wrong, .ctx = &w
	};
	size_t bad = 0;
	int err;

	if (argc != 3 || (strcmp(argv[1], "front") && strcmp(argv[1], "back")))
		return 2;
	w.peer = c.peer = (uint16_t)strtoul(argv[2], NULL, 10);
	c.front = !strcmp(argv[1], "front");
	w.store = store_libs_open(&err);
	c.x = xen_libs_open(NULL);
	if (!w.store || !c.x) {
		perror("xentest");
		return 1;
	}
	for (size_t i = 0; i < n && !c.lost; i++) {
		uint32_t before = w.wrongs;

		w.check = checks[i].name;
		checks[i].run(&c);
		bad += w.wrongs > before;
	}
	printf("%zu checks, %zu failed\n", n, bad);
	xen_close(c.x);
	w.store->ops->close(w.store);
	return bad > 0;
}
