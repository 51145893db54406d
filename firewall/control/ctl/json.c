/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "firewall/control/ctl/json.h"

void json_init(struct json *j, char *buf, size_t room)
{
	*j = (struct json){ .buf = buf, .room = room };
	buf[0] = '\0';
}

static void put(struct json *j, const char *text, size_t len)
{
	if (j->over || len >= j->room - j->len) {
		j->over = true;
		return;
	}
	memcpy(j->buf + j->len, text, len);
	j->len += len;
	j->buf[j->len] = '\0';
}

static void putf(struct json *j, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void putf(struct json *j, const char *fmt, ...)
{
	char text[32];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(j, text, (size_t)n);
}

static void quoted(struct json *j, const char *text, size_t len)
{
	put(j, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			putf(j, "\\%c", c);
		else if (c < ' ' || c > '~')
			putf(j, "\\u%04x", c);
		else
			put(j, text + i, 1);
	}
	put(j, "\"", 1);
}

/* What stands before a value. */
static void before(struct json *j, const char *key)
{
	if (j->comma)
		put(j, ",", 1);
	j->comma = true;
	if (!key)
		return;
	quoted(j, key, strlen(key));
	put(j, ":", 1);
}

void json_object(struct json *j, const char *key)
{
	before(j, key);
	put(j, "{", 1);
	j->comma = false;
}

void json_array(struct json *j, const char *key)
{
	before(j, key);
	put(j, "[", 1);
	j->comma = false;
}

void json_end_object(struct json *j)
{
	put(j, "}", 1);
	j->comma = true;
}

void json_end_array(struct json *j)
{
	put(j, "]", 1);
	j->comma = true;
}

void json_strn(struct json *j, const char *key, const void *text, size_t len)
{
	before(j, key);
	quoted(j, text, len);
}

void json_str(struct json *j, const char *key, const char *text)
{
	json_strn(j, key, text, strlen(text));
}

void json_num(struct json *j, const char *key, uint64_t n)
{
	before(j, key);
	putf(j, "%" PRIu64, n);
}

void json_bool(struct json *j, const char *key, bool yes)
{
	before(j, key);
	putf(j, "%s", yes ? "true" : "false");
}

void json_secs(struct json *j, const char *key, uint64_t ms)
{
	before(j, key);
	putf(j, "%" PRIu64 ".%03u", ms / 1000, (unsigned int)(ms % 1000));
}

bool json_fits(const struct json *j, size_t n)
{
	return !j->over && j->room - j->len > n;
}
