/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_CLI_BED_H
#define VIFWALL_TESTS_MOCK_CLI_BED_H

#include <stdbool.h>
#include <stddef.h>

#include "mock/ctl_bed.h"

/*
 * The operator's tool in a process of its own, as people run it: its words, its
 * exit code and what it prints.  Meanwhile this process is the daemon.
 */
struct cli_bed {
	int code; /* -1: it did not end by itself */
	size_t out_len, err_len;
	char out[512 * 1024], err[64 * 1024]; /* with a NUL */
};

/* What the daemon does, again and again until the tool has ended. */
struct cli_daemon {
	const char *path; /* --socket; NULL: the tool's own idea */
	void (*turn)(void *ctx);
	void *ctx;
};

/*
 * Runs it with the words of @line, which blanks part; @d NULL: no daemon.
 * Returns the exit code.
 */
int cli_bed_run(struct cli_bed *t, const struct cli_daemon *d,
		const char *line);
/* The same for any function. */
int cli_bed_call(struct cli_bed *t, const struct cli_daemon *d,
		 int (*fn)(void *arg), void *arg);

/* Runs it with the control side of @b as the daemon. */
int cli_bed_ask(struct cli_bed *t, struct ctl_bed *b, const char *line);
/* A turn of that control side; true: a short answer went out in it. */
bool cli_bed_answered(struct ctl_bed *b);

/* Is that all it printed?  Shows both when not. */
bool cli_bed_said(const struct cli_bed *t, const char *want);
/* Has it printed this somewhere?  Shows what it printed when not. */
bool cli_bed_has(const struct cli_bed *t, const char *part);
/* The same for its standard error. */
bool cli_bed_err_has(const struct cli_bed *t, const char *part);
/* Is there nothing in either that a terminal might obey? */
bool cli_bed_harmless(const struct cli_bed *t);

#endif
