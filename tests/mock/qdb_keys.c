/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mock/qdb_keys.h"

#include <string.h>

bool qdb_keys_is_in(const char *path, const char *what)
{
	size_t len = strlen(what);

	return len && what[len - 1] == '/' ? !strncmp(path, what, len)
					   : !strcmp(path, what);
}

void qdb_keys_add(struct qdb_keys *k, const char *path)
{
	for (uint32_t i = 0; i < k->n; i++)
		if (!strcmp(k->path[i], path))
			return;
	if (k->n < QDB_KEYS_MAX)
		memcpy(k->path[k->n++], path, strlen(path) + 1);
}

void qdb_keys_remove(struct qdb_keys *k, const char *what)
{
	for (uint32_t i = 0; i < k->n;)
		if (qdb_keys_is_in(k->path[i], what))
			memcpy(k->path[i], k->path[--k->n], QDB_PATH_MAX + 1);
		else
			i++;
}

bool qdb_keys_has(const struct qdb_keys *k, const char *what)
{
	for (uint32_t i = 0; i < k->n; i++)
		if (qdb_keys_is_in(k->path[i], what))
			return true;
	return false;
}
