/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_PACKET_PKT_CURSOR_H
#define VIFWALL_PACKET_PKT_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * The one way to read bytes that somebody else wrote.
 *
 * A cursor is a view of memory that its maker owns.  Its error is sticky: once
 * a read went past the end it yields zeros and stays bad, so a header is read
 * straight down and asked once, with cur_ok().  cur_take() is the only place
 * where the pointer moves.
 */
struct cur {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static inline struct cur cur_of(const void *p, size_t len)
{
	return (struct cur){ .p = p, .left = len };
}

/* @n bytes, or NULL (and bad from then on) when fewer are left. */
static inline const uint8_t *cur_take(struct cur *c, size_t n)
{
	const uint8_t *at = c->p;

	if (c->bad || n > c->left) {
		c->bad = true;
		return NULL;
	}
	c->p += n;
	c->left -= n;
	return at;
}

static inline bool cur_ok(const struct cur *c)
{
	return !c->bad;
}

static inline void cur_skip(struct cur *c, size_t n)
{
	(void)cur_take(c, n);
}

static inline uint8_t cur_u8(struct cur *c)
{
	const uint8_t *b = cur_take(c, 1);

	return b ? b[0] : 0;
}

static inline uint16_t cur_be16(struct cur *c)
{
	const uint8_t *b = cur_take(c, 2);

	return (uint16_t)(b ? b[0] << 8 | b[1] : 0);
}

static inline uint32_t cur_be32(struct cur *c)
{
	const uint8_t *b = cur_take(c, 4);

	return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
			       (uint32_t)b[2] << 8 | b[3]
		 : 0;
}

/* Copies @n bytes to @out; zeros when they are not there. */
static inline void cur_copy(struct cur *c, void *out, size_t n)
{
	const uint8_t *b = cur_take(c, n);

	if (b)
		memcpy(out, b, n);
	else
		memset(out, 0, n);
}

/* A cursor over the next @n bytes alone; bad when they are not there. */
static inline struct cur cur_sub(struct cur *c, size_t n)
{
	const uint8_t *b = cur_take(c, n);

	return (struct cur){ .p = b, .left = b ? n : 0, .bad = !b };
}

/*
 * The bytes before the next @stop, at most @max of them; @stop itself is
 * skipped.  Without @stop the rest is taken.  Bad when the piece is longer.
 */
static inline struct cur cur_until(struct cur *c, uint8_t stop, size_t max)
{
	size_t n = 0;
	struct cur piece;

	while (n < c->left && c->p[n] != stop && n <= max)
		n++;
	if (n > max)
		c->bad = true;
	piece = cur_sub(c, n);
	if (cur_ok(c) && c->left)
		cur_skip(c, 1);
	return piece;
}

/* The writing twin: same checks, same sticky error. */
struct wcur {
	uint8_t *p;
	size_t left;
	bool bad;
};

static inline struct wcur wcur_of(void *p, size_t len)
{
	return (struct wcur){ .p = p, .left = len };
}

static inline uint8_t *wcur_take(struct wcur *c, size_t n)
{
	uint8_t *at = c->p;

	if (c->bad || n > c->left) {
		c->bad = true;
		return NULL;
	}
	c->p += n;
	c->left -= n;
	return at;
}

static inline bool wcur_ok(const struct wcur *c)
{
	return !c->bad;
}

static inline void wcur_u8(struct wcur *c, uint8_t v)
{
	uint8_t *b = wcur_take(c, 1);

	if (b)
		b[0] = v;
}

static inline void wcur_be16(struct wcur *c, uint16_t v)
{
	uint8_t *b = wcur_take(c, 2);

	if (b) {
		b[0] = (uint8_t)(v >> 8);
		b[1] = (uint8_t)v;
	}
}

static inline void wcur_be32(struct wcur *c, uint32_t v)
{
	wcur_be16(c, (uint16_t)(v >> 16));
	wcur_be16(c, (uint16_t)v);
}

static inline void wcur_copy(struct wcur *c, const void *from, size_t n)
{
	uint8_t *b = wcur_take(c, n);

	if (b)
		memcpy(b, from, n);
}

#endif
