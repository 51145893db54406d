/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real XenStore over libxenstore.  The shared library is needed: the static
 * one of Debian has no reader thread, so its descriptor never gets readable and
 * an event that overtakes an answer breaks the call.
 *
 * The library starts that thread at the first watch, and keeps events in memory
 * until they are taken.
 */
#include <errno.h>
#include <execinfo.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "xen/bus/store.h"

struct store_libs {
	struct store store;
	struct xs_handle *xs;
};

static struct xs_handle *xs_of(struct store *s)
{
	return ((struct store_libs *)s)->xs;
}

/* The library says EIO or nothing at all when its connection is gone. */
static int why(void)
{
	return errno ? -errno : -EIO;
}

static ssize_t libs_read(struct store *s, uint32_t t, const char *path,
			 char *out, size_t room)
{
	unsigned int len;
	char *value = xs_read(xs_of(s), t, path, &len);
	ssize_t n;

	if (!value)
		return why();
	n = len > room ? -EMSGSIZE : (ssize_t)len;
	if (n >= 0) {
		memcpy(out, value, len);
		out[len] = '\0';
	}
	free(value);
	return n;
}

static int libs_write(struct store *s, uint32_t t, const char *path,
		      const char *value, size_t len)
{
	if (len > STORE_VALUE_MAX)
		return -E2BIG;
	return xs_write(xs_of(s), t, path, value, (unsigned int)len) ? 0
								     : why();
}

static int libs_rm(struct store *s, uint32_t t, const char *path)
{
	return xs_rm(xs_of(s), t, path) ? 0 : why();
}

static int libs_list(struct store *s, uint32_t t, const char *path, char *out,
		     size_t room)
{
	unsigned int n;
	char **name = xs_directory(xs_of(s), t, path, &n);
	size_t at = 0;
	int got = 0;

	if (!name)
		return why();
	for (unsigned int i = 0; i < n && got >= 0; i++) {
		size_t len = strlen(name[i]) + 1;

		if (len > room - at) {
			got = -EMSGSIZE;
			break;
		}
		memcpy(out + at, name[i], len);
		at += len;
		got++;
	}
	free(name);
	return got;
}

static int libs_begin(struct store *s, uint32_t *t)
{
	*t = xs_transaction_start(xs_of(s));
	return *t == XBT_NULL ? why() : 0;
}

static int libs_end(struct store *s, uint32_t t, bool abort)
{
	return xs_transaction_end(xs_of(s), t, abort) ? 0 : why();
}

static int libs_watch(struct store *s, const char *path, const char *token)
{
	return xs_watch(xs_of(s), path, token) ? 0 : why();
}

static int libs_unwatch(struct store *s, const char *path, const char *token)
{
	return xs_unwatch(xs_of(s), path, token) ? 0 : why();
}

static void cut(char out[STORE_PATH_MAX], const char *text)
{
	size_t len = strnlen(text, STORE_PATH_MAX - 1);

	memcpy(out, text, len);
	out[len] = '\0';
}

static int libs_event(struct store *s, char path[STORE_PATH_MAX],
		      char token[STORE_PATH_MAX])
{
	char **e = xs_check_watch(xs_of(s));

	if (!e)
		return errno == EAGAIN ? 0 : why();
	cut(path, e[XS_WATCH_PATH]);
	cut(token, e[XS_WATCH_TOKEN]);
	free(e);
	return 1;
}

/*
 * The library's thread is cancelled, if it has not ended with its connection.
 * #syscalls control: getpid tgkill close munmap
 */
static void libs_close(struct store *s)
{
	xs_close(xs_of(s));
	free(s);
}

static const struct store_ops libs_ops = {
	.name = "xenstored",
	.read = libs_read,
	.write = libs_write,
	.rm = libs_rm,
	.list = libs_list,
	.begin = libs_begin,
	.end = libs_end,
	.watch = libs_watch,
	.unwatch = libs_unwatch,
	.event = libs_event,
	.close = libs_close,
};

/*
 * Cancelling a thread takes the C library's unwinder, which it loads when it is
 * first needed: now, because later on there may be no file to load it from.
 */
static void prepare_cancel(void)
{
	void *frame;

	(void)backtrace(&frame, 1);
}

/*
 * A connection is a socket or a device, a pipe and, with the first watch, a
 * thread.  When one was lost there is another, after the process was locked in.
 *
 * #syscalls control: access faccessat faccessat2 newfstatat openat
 * #syscalls control: fcntl/F_GETFD fcntl/F_SETFD
 * #syscalls control: socket/AF_UNIX connect pipe2 close
 * #syscalls control: clone clone3 mmap/noexec mprotect/noexec
 * #syscalls control: set_robust_list
 */
struct store *store_libs_open(int *err)
{
	struct store_libs *l = calloc(1, sizeof(*l));

	if (!l) {
		*err = -ENOMEM;
		return NULL;
	}
	prepare_cancel();
	l->xs = xs_open(0);
	if (!l->xs) {
		*err = why();
		free(l);
		return NULL;
	}
	l->store.ops = &libs_ops;
	l->store.fd = xs_fileno(l->xs);
	*err = 0;
	return &l->store;
}
