/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_CTL_JSON_H
#define VIFWALL_FIREWALL_CONTROL_CTL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes JSON into a buffer of fixed size, on one line of printable ASCII:
 * whatever is in a string, no terminal can be harmed by it.  What does not fit
 * is left out and remembered (over), so a caller looks once, at the end.
 *
 * In an object every value has a @key; in an array @key is NULL.
 */
struct json {
	char *buf;
	size_t room, len;
	bool over;
	bool comma; /* a value stands before the next one */
};

/* @room includes a NUL, which always ends the text. */
void json_init(struct json *j, char *buf, size_t room);

void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end_object(struct json *j);
void json_end_array(struct json *j);

/* Bytes outside printable ASCII become \u00XX, as if they were Latin-1. */
void json_str(struct json *j, const char *key, const char *text);
void json_strn(struct json *j, const char *key, const void *text, size_t len);
void json_num(struct json *j, const char *key, uint64_t n);
void json_bool(struct json *j, const char *key, bool yes);
/* @ms milliseconds as seconds: 12.345 */
void json_secs(struct json *j, const char *key, uint64_t ms);

/* Are @n bytes of room left? */
bool json_fits(const struct json *j, size_t n);

#endif
