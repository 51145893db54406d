/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "rules/addr_set.h"

bool addr_set_name_ok(const char *name, size_t len)
{
	if (!len || len >= ADDR_SET_NAME_MAX || name[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') &&
		    !(name[i] >= '0' && name[i] <= '9') && name[i] != '-')
			return false;
	return true;
}

static bool is_gap(char c)
{
	return c == ' ' || c == '\t' || c == ',' || c == '\r' || c == '\n';
}

static bool is_comment(char c)
{
	return c == '#' || c == ';';
}

/* A prefix that means what it says: ::ffff:0:0/n would be taken for IPv4. */
static bool read_word(struct pkt_prefix *p, const char *text, size_t len)
{
	return !pkt_prefix_parse(p, text, len) && p->len <= 128;
}

int addr_set_parse(struct pkt_prefix *out, uint32_t *n, const char *text,
		   size_t len, struct addr_set_error *err)
{
	size_t line_at = 0, i = 0;
	struct pkt_prefix p;

	*n = 0;
	*err = (struct addr_set_error){ .line = 1, .column = 1, .why = "" };
	while (i < len) {
		size_t word = i;

		if (text[i] == '\n') {
			err->line++;
			line_at = i + 1;
		}
		if (is_gap(text[i])) {
			i++;
			continue;
		}
		if (is_comment(text[i])) {
			while (i < len && text[i] != '\n')
				i++;
			continue;
		}
		while (i < len && !is_gap(text[i]) && !is_comment(text[i]))
			i++;
		err->column = (uint32_t)(word - line_at) + 1;
		if (!read_word(&p, text + word, i - word)) {
			err->why = "an address or address/length, IPv4 or "
				   "IPv6, stands there";
			return -EBADMSG;
		}
		if (*n == ADDR_SET_PREFIXES_MAX) {
			err->why = "a set has at most 131072 prefixes";
			return -EBADMSG;
		}
		if (out)
			out[*n] = p;
		++*n;
	}
	return 0;
}
