/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "packet/pkt_cursor.h"
#include "xen/qubes/qdb_wire.h"

static bool is_path(const char *path, size_t len)
{
	if (!len || len > QDB_PATH_MAX || path[0] != '/')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
			    "YZ0123456789_/.:@-",
			    path[i]))
			return false;
	return true;
}

bool qdb_is_key(const char *path)
{
	size_t len = strnlen(path, QDB_PATH_MAX + 1);

	return is_path(path, len) && path[len - 1] != '/';
}

bool qdb_is_prefix(const char *path)
{
	size_t len = strnlen(path, QDB_PATH_MAX + 1);

	return is_path(path, len) && path[len - 1] == '/';
}

bool qdb_is_value(const void *value, size_t len)
{
	return len <= QDB_VALUE_MAX && (!len || !memchr(value, '\0', len));
}

int qdb_take(const uint8_t *p, size_t n, struct qdb_msg *out)
{
	struct cur c = cur_of(p, n);

	out->type = cur_u8(&c);
	cur_copy(&c, out->path, sizeof(out->path));
	cur_skip(&c, 3);
	out->len = cur_u8(&c);
	out->len |= (uint32_t)cur_u8(&c) << 8;
	out->len |= (uint32_t)cur_u8(&c) << 16;
	out->len |= (uint32_t)cur_u8(&c) << 24;
	if (!cur_ok(&c))
		return 0;
	if (out->len > QDB_VALUE_MAX ||
	    !memchr(out->path, '\0', sizeof(out->path)))
		return -EPROTO;
	out->data = cur_take(&c, out->len);
	return cur_ok(&c) ? (int)(QDB_HEADER + out->len) : 0;
}

/* What each type may be about. */
static bool may_be(enum qdb_type type, const char *path)
{
	switch (type) {
	case QDB_MULTIREAD:
	case QDB_LIST:
	case QDB_IS_MULTIREAD: /* "" ends the list */
	case QDB_IS_LIST:
		return !path[0] || qdb_is_key(path) || qdb_is_prefix(path);
	case QDB_RM:
	case QDB_WATCH:
	case QDB_UNWATCH:
	case QDB_OK:
	case QDB_NOENT:
	case QDB_ERROR:
	case QDB_IS_WATCH:
		return qdb_is_key(path) || qdb_is_prefix(path);
	case QDB_READ:
	case QDB_WRITE:
	case QDB_IS_READ:
		return qdb_is_key(path);
	}
	return false;
}

int qdb_make(uint8_t out[QDB_MESSAGE_MAX], enum qdb_type type, const char *path,
	     const void *value, size_t len)
{
	if (!may_be(type, path) || !qdb_is_value(value, len))
		return -EINVAL;
	memset(out, 0, QDB_HEADER);
	out[0] = (uint8_t)type;
	memcpy(out + 1, path, strlen(path) + 1);
	out[68] = (uint8_t)len;
	out[69] = (uint8_t)(len >> 8);
	if (len)
		memcpy(out + QDB_HEADER, value, len);
	return 0;
}
