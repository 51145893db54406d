/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "Did you mean": the known name with the fewest letters to change.
 */
#include <string.h>

#include "firewall/control/conf/conf_table.h"

#define NAME_MAX_LEN 40u

/*
 * Letters to insert, delete, change or swap with their neighbour to get from
 * @a to @b; more than 9 is not told apart.  One row per letter of @a is kept
 * for two letters back.
 */
static uint32_t distance(const char *a, size_t an, const char *b, size_t bn)
{
	uint32_t rows[3][NAME_MAX_LEN + 1];

	if (an > NAME_MAX_LEN || bn > NAME_MAX_LEN)
		return UINT32_MAX;
	for (uint32_t j = 0; j <= bn; j++)
		rows[0][j] = j;
	for (uint32_t i = 1; i <= an; i++) {
		uint32_t *row = rows[i % 3], *up = rows[(i - 1) % 3];

		row[0] = i;
		for (uint32_t j = 1; j <= bn; j++) {
			uint32_t best = up[j - 1] + (a[i - 1] != b[j - 1]);

			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] &&
			    rows[(i - 2) % 3][j - 2] + 1 < best)
				best = rows[(i - 2) % 3][j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[an % 3][bn];
}

/* The last part of a dotted name: "flows" of "nat.flows". */
static const char *tail(const char *name, size_t len, size_t *out_len)
{
	const char *dot = memrchr(name, '.', len);

	*out_len = dot ? len - (size_t)(dot + 1 - name) : len;
	return dot ? dot + 1 : name;
}

static const struct conf_row *nearest(const struct conf_row *row, uint32_t n,
				      size_t skip, const char *name, size_t len)
{
	const struct conf_row *best = NULL;
	uint32_t least = len < 4 ? 2 : 4; /* farther is no suggestion */
	size_t name_tail_len, tail_len;
	const char *name_tail = tail(name, len, &name_tail_len), *t;

	for (uint32_t i = 0; i < n; i++) {
		const char *known = row[i].name + skip;
		uint32_t d = distance(name, len, known, strlen(known));

		/* The right word under the wrong group is close, too. */
		t = tail(known, strlen(known), &tail_len);
		if (tail_len == name_tail_len && tail_len > 2 &&
		    !memcmp(t, name_tail, tail_len) && d > 1)
			d = 1;
		if (d < least) {
			least = d;
			best = &row[i];
		}
	}
	return best;
}

const char *conf_suggest(char *out, size_t room, const char *name, size_t len)
{
	const size_t prefix = strlen(CONF_CLIENT_PREFIX);
	const char *dot = NULL;
	const struct conf_row *row;

	if (len > prefix && !memcmp(name, CONF_CLIENT_PREFIX, prefix))
		dot = memchr(name + prefix, '.', len - prefix);
	if (dot) {
		const size_t skip = strlen(CONF_CLIENT_PATTERN);
		size_t head = (size_t)(dot + 1 - name);

		row = nearest(conf_client, conf_client_n, skip, dot + 1,
			      len - head);
		if (!row || head >= FW_NAME_MAX + prefix)
			return NULL;
		snprintf(out, room, "%.*s%s", (int)head, name,
			 row->name + skip);
		return out;
	}
	row = nearest(conf_global, conf_global_n, 0, name, len);
	if (!row)
		return NULL;
	snprintf(out, room, "%s", row->name);
	return out;
}
