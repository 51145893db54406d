/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "xen/bus/store.h"

#define DIGITS_MAX 10u

bool store_parse_u32(const char *text, size_t len, uint32_t max, uint32_t *out)
{
	uint64_t n = 0;

	if (!len || len > DIGITS_MAX || (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	if (n > max)
		return false;
	*out = (uint32_t)n;
	return true;
}

ssize_t store_read(struct store *s, const char *path, char *out, size_t room)
{
	ssize_t n = s->ops->read(s, STORE_NONE, path, out, room);

	return n == -EINVAL ? -EIO : n;
}

int store_read_u32(struct store *s, const char *path, uint32_t max,
		   uint32_t *out)
{
	char text[DIGITS_MAX + 1];
	ssize_t n = store_read(s, path, text, sizeof(text) - 1);

	if (n == -EMSGSIZE)
		return -EINVAL;
	if (n < 0)
		return (int)n;
	return store_parse_u32(text, (size_t)n, max, out) ? 0 : -EINVAL;
}

int store_read_or(struct store *s, const char *path, uint32_t max,
		  uint32_t absent, uint32_t *out)
{
	int err = store_read_u32(s, path, max, out);

	if (err == -ENOENT) {
		*out = absent;
		return 0;
	}
	return err;
}

int store_read_text(struct store *s, const char *path, char *out, size_t room)
{
	ssize_t n = store_read(s, path, out, room - 1);

	if (n < 0)
		return (int)n;
	for (ssize_t i = 0; i < n; i++)
		if (out[i] < ' ' || out[i] > '~')
			return -EINVAL;
	return 0;
}

int store_write_u32(struct store *s, uint32_t t, const char *path,
		    uint32_t value)
{
	char text[DIGITS_MAX + 1];
	int len = snprintf(text, sizeof(text), "%u", value);

	return s->ops->write(s, t, path, text, (size_t)len);
}
