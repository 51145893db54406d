/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_SHOW_THREAD_H
#define VIFWALL_FIREWALL_CONTROL_SHOW_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_assert.h"

/*
 * Commands of vifwallctl within the daemon.  They ask the daemon and wait for
 * its answers, and write as fast as somebody reads; so they run in a thread,
 * one at a time, and what they print is taken when there is room for it.
 *
 * The owner is one thread and never waits but in show_stop().
 */
#define SHOW_BUFFER 16384u
#define SHOW_WORDS 12u
#define SHOW_TEXT 1024u /* of all words, each with its NUL */

enum show_stream { SHOW_OUT, SHOW_ERR };

struct show;

/* Before the process is locked in.  NULL: *@err is a -errno. */
struct show *show_start(int *err);
/* Ends what runs, too. */
void show_stop(struct show *s);
/*
 * Readable when something came, until show_woken(): what comes after that makes
 * it readable again, so look (show_peek(), show_over()) after it, not before.
 */
int show_fd(const struct show *s);
void show_woken(struct show *s);

/*
 * Runs that command over @fd, a connection to the daemon that is the thread's
 * from here on.  -EBUSY: another one is not over; -E2BIG: too many words.  @fd
 * is the caller's then.
 */
int VW_MUST_USE show_run(struct show *s, int fd, int argc,
			 const char *const *argv);
/* Nobody wants it any more: it ends soon, and what it prints is lost. */
void show_drop(struct show *s);

/* What was printed next, in *@stream: how many bytes, which stay until ... */
size_t show_peek(struct show *s, enum show_stream *stream, void *buf,
		 size_t size);
/* ... they are taken. */
void show_take(struct show *s, size_t n);
/* True once for each show_run(), when all was taken: its exit code. */
bool show_over(struct show *s, int *code);

#endif
