/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_QDB_KEYS_H
#define VIFWALL_TESTS_MOCK_QDB_KEYS_H

#include <stdbool.h>

#include "xen/qubes/qdb_wire.h"

/* The plainest mirror of a QubesDB: which keys there are, in a list. */
#define QDB_KEYS_MAX 4096u

struct qdb_keys {
	uint32_t n;
	char path[QDB_KEYS_MAX][QDB_PATH_MAX + 1];
};

/* Is @path what @what names: that key, or, with a slash last, one below it? */
bool qdb_keys_is_in(const char *path, const char *what);

/* What does not fit any more is forgotten. */
void qdb_keys_add(struct qdb_keys *k, const char *path);
/* A key, or with a slash last all below it. */
void qdb_keys_remove(struct qdb_keys *k, const char *what);
bool qdb_keys_has(const struct qdb_keys *k, const char *what);

#endif
