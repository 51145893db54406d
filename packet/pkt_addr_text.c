/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "packet/pkt_addr.h"
#include "packet/pkt_cursor.h"

static bool next_is(const struct cur *c, uint8_t ch)
{
	return c->left && c->p[0] == ch;
}

static bool eat(struct cur *c, uint8_t ch)
{
	if (!next_is(c, ch))
		return false;
	cur_skip(c, 1);
	return true;
}

/* A decimal number without leading zeros, at most @max; -1 when it is none. */
static int read_decimal(struct cur *c, int max)
{
	int v = 0, digits = 0;
	bool zero = next_is(c, '0');

	while (c->left && c->p[0] >= '0' && c->p[0] <= '9') {
		v = v * 10 + (cur_u8(c) - '0');
		digits++;
		if (v > max || (zero && digits > 1))
			return -1;
	}
	return digits ? v : -1;
}

static int hex_digit(uint8_t ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	if (ch >= 'a' && ch <= 'f')
		return ch - 'a' + 10;
	if (ch >= 'A' && ch <= 'F')
		return ch - 'A' + 10;
	return -1;
}

/* One to four hexadecimal digits; -1 when it is none. */
static int read_group(struct cur *c)
{
	int v = 0, digits = 0;

	while (c->left && hex_digit(c->p[0]) >= 0) {
		if (++digits > 4)
			return -1;
		v = v * 16 + hex_digit(cur_u8(c));
	}
	return digits ? v : -1;
}

static bool read_quad(struct cur *c, uint8_t *four)
{
	for (int i = 0; i < 4; i++) {
		int v;

		if (i && !eat(c, '.'))
			return false;
		v = read_decimal(c, 255);
		if (v < 0)
			return false;
		four[i] = (uint8_t)v;
	}
	return true;
}

/* Whether a dot comes before the next colon: the tail is a dotted quad. */
static bool quad_ahead(const struct cur *c)
{
	for (size_t i = 0; i < c->left && c->p[i] != ':'; i++)
		if (c->p[i] == '.')
			return true;
	return false;
}

/*
 * Groups up to the end or up to "::", which is left standing.  Returns the
 * number of bytes written to @out, -1 when the text is wrong.
 */
static int read_groups(struct cur *c, uint8_t *out, int room)
{
	int n = 0;

	while (c->left) {
		int v;

		if (n && c->left >= 2 && c->p[0] == ':' && c->p[1] == ':')
			break;
		if (n && !eat(c, ':'))
			return -1;
		if (quad_ahead(c)) {
			if (n + 4 > room || !read_quad(c, out + n) || c->left)
				return -1;
			return n + 4;
		}
		v = read_group(c);
		if (v < 0 || n + 2 > room)
			return -1;
		out[n++] = (uint8_t)(v >> 8);
		out[n++] = (uint8_t)v;
	}
	return n;
}

static bool read_v6(struct cur *c, struct pkt_addr *out)
{
	uint8_t tail[16];
	int head_n = 0, tail_n;

	memset(out, 0, sizeof(*out));
	if (!(c->left >= 2 && c->p[0] == ':' && c->p[1] == ':'))
		head_n = read_groups(c, out->b, 16);
	if (head_n < 0)
		return false;
	if (!c->left)
		return head_n == 16;
	/* "::" stands for at least one group. */
	if (head_n > 14 || !eat(c, ':') || !eat(c, ':'))
		return false;
	tail_n = read_groups(c, tail, 14 - head_n);
	if (tail_n < 0 || c->left)
		return false;
	memcpy(out->b + 16 - tail_n, tail, (size_t)tail_n);
	return true;
}

static bool read_v4(struct cur *c, struct pkt_addr *out)
{
	uint8_t four[4];

	if (!read_quad(c, four) || c->left)
		return false;
	*out = pkt_addr_v4(four);
	return true;
}

static bool read_either(struct cur *c, struct pkt_addr *out)
{
	if (!c->left)
		return false;
	if (!memchr(c->p, ':', c->left))
		return read_v4(c, out);
	/* ::ffff:a.b.c.d would be taken for IPv4 from here on. */
	return read_v6(c, out) && !pkt_addr_is_v4(out);
}

int pkt_addr_parse(struct pkt_addr *out, const char *s, size_t len)
{
	struct cur c = cur_of(s, len);
	struct pkt_addr a;

	if (!read_either(&c, &a))
		return -EINVAL;
	*out = a;
	return 0;
}

static int parse_prefix(struct pkt_prefix *out, struct cur c, bool v6_only)
{
	struct pkt_prefix p;
	struct cur addr, all = c;
	int bits = 128, skip = 0;

	addr = cur_until(&c, '/', PKT_ADDR_TEXT);
	if (!cur_ok(&addr))
		return -EINVAL;
	if (!(v6_only ? read_v6(&addr, &p.addr) : read_either(&addr, &p.addr)))
		return -EINVAL;
	if (!v6_only && pkt_addr_is_v4(&p.addr)) {
		bits = 32;
		skip = 96;
	}
	if (memchr(all.p, '/', all.left)) {
		bits = read_decimal(&c, bits);
		if (bits < 0 || c.left)
			return -EINVAL;
	}
	p.len = (uint8_t)(skip + bits);
	*out = p;
	return 0;
}

int pkt_prefix_parse(struct pkt_prefix *out, const char *s, size_t len)
{
	return parse_prefix(out, cur_of(s, len), false);
}

int pkt_prefix6_parse(struct pkt_prefix *out, const char *s, size_t len)
{
	return parse_prefix(out, cur_of(s, len), true);
}

int pkt_mac_parse(struct pkt_mac *out, const char *s, size_t len)
{
	const uint8_t *b = (const uint8_t *)s;
	struct pkt_mac m;

	if (len != 17)
		return -EINVAL;
	for (size_t i = 0; i < 6; i++, b += 3) {
		int hi = hex_digit(b[0]), lo = hex_digit(b[1]);

		if (hi < 0 || lo < 0 || (i < 5 && b[2] != ':'))
			return -EINVAL;
		m.b[i] = (uint8_t)(hi << 4 | lo);
	}
	*out = m;
	return 0;
}

static char *put_decimal(char *out, unsigned int v)
{
	if (v >= 100)
		*out++ = (char)('0' + v / 100);
	if (v >= 10)
		*out++ = (char)('0' + v / 10 % 10);
	*out++ = (char)('0' + v % 10);
	return out;
}

static const char hex[] = "0123456789abcdef";

static char *put_group(char *out, unsigned int v)
{
	bool begun = false;

	for (int shift = 12; shift >= 0; shift -= 4) {
		unsigned int digit = v >> shift & 0xf;

		begun = begun || digit || shift == 0;
		if (begun)
			*out++ = hex[digit];
	}
	return out;
}

static unsigned int group(const struct pkt_addr *a, int i)
{
	return (unsigned int)a->b[2 * i] << 8 | a->b[2 * i + 1];
}

/* First of the longest runs of at least two zero groups; its length in @n. */
static int zero_run(const struct pkt_addr *a, int *n)
{
	int best = -1, run = 0;

	*n = 1;
	for (int i = 0; i < 8; i++) {
		run = group(a, i) ? 0 : run + 1;
		if (run > *n) {
			*n = run;
			best = i + 1 - run;
		}
	}
	return best;
}

static char *put_addr(char *out, const struct pkt_addr *a)
{
	int run_n, run;

	if (pkt_addr_is_v4(a)) {
		for (int i = 12; i < 16; i++) {
			if (i > 12)
				*out++ = '.';
			out = put_decimal(out, a->b[i]);
		}
		return out;
	}
	run = zero_run(a, &run_n);
	for (int i = 0; i < 8; i++) {
		if (i == run) {
			*out++ = ':';
			*out++ = ':';
			i += run_n - 1;
			continue;
		}
		if (i && i != run + run_n)
			*out++ = ':';
		out = put_group(out, group(a, i));
	}
	return out;
}

char *pkt_addr_print(char *out, const struct pkt_addr *a)
{
	*put_addr(out, a) = '\0';
	return out;
}

char *pkt_prefix_print(char *out, const struct pkt_prefix *p)
{
	char *at = put_addr(out, &p->addr);

	*at++ = '/';
	at = put_decimal(at, pkt_addr_is_v4(&p->addr) ? p->len - 96u : p->len);
	*at = '\0';
	return out;
}

char *pkt_mac_print(char *out, const struct pkt_mac *m)
{
	char *at = out;

	for (int i = 0; i < 6; i++) {
		if (i)
			*at++ = ':';
		*at++ = hex[m->b[i] >> 4];
		*at++ = hex[m->b[i] & 0xf];
	}
	*at = '\0';
	return out;
}
