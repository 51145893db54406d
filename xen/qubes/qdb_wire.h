/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_QUBES_QDB_WIRE_H
#define VIFWALL_XEN_QUBES_QDB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_assert.h"

/*
 * QubesDB's messages, the same to dom0 and on the local socket: a header of 72
 * bytes, and up to 3071 of data behind it.
 *
 *	 0	type
 *	 1	path, NUL-terminated; what follows the NUL means nothing
 *	65	nothing
 *	68	bytes of data, little-endian
 *
 * dom0's daemon for our domain ends at the first message that it does not like,
 * and nobody starts it again before the domain is; so what is sent is made here
 * alone, and looked at first.
 */
#define QDB_HEADER 72u
#define QDB_PATH_MAX 63u
#define QDB_VALUE_MAX 3071u
#define QDB_MESSAGE_MAX (QDB_HEADER + QDB_VALUE_MAX)

enum qdb_type {
	QDB_READ,
	QDB_WRITE,
	QDB_MULTIREAD,
	QDB_LIST,
	QDB_RM,
	QDB_WATCH,
	QDB_UNWATCH,
	QDB_OK,
	QDB_NOENT, /* on the local socket alone */
	QDB_ERROR,
	QDB_IS_READ,
	QDB_IS_MULTIREAD,
	QDB_IS_LIST,
	QDB_IS_WATCH,
};

struct qdb_msg {
	uint8_t type; /* any byte */
	char path[QDB_PATH_MAX + 1];
	const uint8_t *data;
	uint32_t len;
};

/*
 * The message at the beginning of the @n bytes at @p: its size, 0 when it is
 * not there as a whole yet, -EPROTO when it can't become one: its path has no
 * end, or it is too long.
 */
int VW_MUST_USE qdb_take(const uint8_t *p, size_t n, struct qdb_msg *out);

/*
 * Writes a message of QDB_HEADER + @len bytes to @out.  -EINVAL for a path or a
 * value that can't be sent.
 */
int VW_MUST_USE qdb_make(uint8_t out[QDB_MESSAGE_MAX], enum qdb_type type,
			 const char *path, const void *value, size_t len);

/* A key has a slash first and none last; a prefix ends in one. */
bool qdb_is_key(const char *path);
bool qdb_is_prefix(const char *path);
bool qdb_is_value(const void *value, size_t len);

#endif
