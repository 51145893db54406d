/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_BUS_STORE_H
#define VIFWALL_XEN_BUS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "packet/pkt_assert.h"

/*
 * The seam towards the XenStore: real over libxenstore (store_libs.c), or a
 * tree in memory with watches, permissions, quotas and faults on demand
 * (tests/mock).  Paths are absolute or count from /local/domain/<ourselves>/.
 *
 * Calls wait for xenstored, however long it takes; so a thread of its own makes
 * them (bus/bus.h), and nobody else.
 *
 * Values are another domain's bytes: they may be up to STORE_VALUE_MAX long and
 * hold anything; read them with the functions below.
 */
#define STORE_PATH_MAX 256u
#define STORE_VALUE_MAX 4096u
#define STORE_NONE 0u /* no transaction */

struct store;

struct store_ops {
	const char *name;
	/*
	 * Bytes of the value at @path, which are at most @room and have a NUL
	 * behind them at out[len] (so @room + 1 bytes are there); -ENOENT,
	 * -EACCES, -EMSGSIZE (longer), or -errno.
	 */
	ssize_t (*read)(struct store *s, uint32_t t, const char *path,
			char *out, size_t room);
	/* 0, -ENOENT, -EACCES, -ENOSPC (quota), -EAGAIN, or -errno. */
	int (*write)(struct store *s, uint32_t t, const char *path,
		     const char *value, size_t len);
	/* 0 also when only its parent is there; -ENOENT, -EACCES, -errno. */
	int (*rm)(struct store *s, uint32_t t, const char *path);
	/*
	 * Names below @path, each with a NUL, in @out; how many, -EMSGSIZE when
	 * @room is too small, -ENOENT, -EACCES, or -errno.
	 */
	int (*list)(struct store *s, uint32_t t, const char *path, char *out,
		    size_t room);
	int (*begin)(struct store *s, uint32_t *t);
	/*
	 * 0, or -EAGAIN: somebody else wrote there; do it all again.  @t is
	 * over in any case.
	 */
	int (*end)(struct store *s, uint32_t t, bool abort);
	/*
	 * Fires once at once, then for every change at or below @path, also
	 * when it is not there.  Removing a tree fires for its top, and for
	 * each watch that was set on a node in it; not for the other nodes.
	 */
	int (*watch)(struct store *s, const char *path, const char *token);
	/* Events that are on their way may come still. */
	int (*unwatch)(struct store *s, const char *path, const char *token);
	/*
	 * Takes the next event: 1, 0 when there is none now, or -errno.  @path
	 * counts from where the watch's did; too long ones are cut.
	 */
	int (*event)(struct store *s, char path[STORE_PATH_MAX],
		     char token[STORE_PATH_MAX]);
	void (*close)(struct store *s);
};

/* First member of every implementation. */
struct store {
	const struct store_ops *ops;
	int fd; /* readable when event() may have one; -1: poll it */
};

/*
 * Connects to xenstored: its socket ($XENSTORED_PATH), or /dev/xen/xenbus.
 * NULL: *err.
 */
struct store *store_libs_open(int *err);

/*
 * The value at a path that is well formed.  -EINVAL is never said of it, which
 * is what libxenstore says when its connection ends in the middle: it must not
 * look like a value that makes no sense.
 */
ssize_t VW_MUST_USE store_read(struct store *s, const char *path, char *out,
			       size_t room);
/*
 * A number as it must be written: see store_parse_u32().  0, -ENOENT when there
 * is no such key, -EINVAL when it is no number or too big, or -errno.
 */
int VW_MUST_USE store_read_u32(struct store *s, const char *path, uint32_t max,
			       uint32_t *out);
/* The same, with @absent for a key that is not there. */
int VW_MUST_USE store_read_or(struct store *s, const char *path, uint32_t max,
			      uint32_t absent, uint32_t *out);
/* Printable ASCII with a NUL; -EINVAL for other bytes, -EMSGSIZE. */
int VW_MUST_USE store_read_text(struct store *s, const char *path, char *out,
				size_t room);
int VW_MUST_USE store_write_u32(struct store *s, uint32_t t, const char *path,
				uint32_t value);
/* Decimal digits without leading zeros, at most @max; false: something else. */
bool store_parse_u32(const char *text, size_t len, uint32_t max, uint32_t *out);

#endif
