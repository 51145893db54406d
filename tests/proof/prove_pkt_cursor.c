/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cursor over the last N bytes of an object never touches a byte behind it,
 * and is bad from the first request on that does not fit.  All requests of up
 * to N + 2 bytes and the largest there is, from every state, two in a row.
 * (Copies of no bytes are left out: the prover's memcpy() wants a readable byte
 * even then.)
 */
#include "packet/pkt_cursor.h"
#include "tests/proof/proof.h"

#define N 9u

static uint8_t bytes[N], out[N + 2], text[N];

static void read_one(struct cur *c, unsigned int what, size_t n)
{
	struct cur part;

	switch (what) {
	case 0:
		cur_skip(c, n);
		break;
	case 1:
		if (n && n <= sizeof(out))
			cur_copy(c, out, n);
		break;
	case 2:
		part = cur_sub(c, n);
		vw_assert(part.bad == c->bad);
		(void)cur_u8(&part);
		break;
	case 3:
		(void)cur_u8(c);
		break;
	case 4:
		(void)cur_be16(c);
		break;
	default:
		(void)cur_be32(c);
		break;
	}
}

static void write_one(struct wcur *w, unsigned int what, size_t n)
{
	switch (what) {
	case 0:
		if (n && n <= sizeof(bytes))
			wcur_copy(w, bytes, n);
		break;
	case 1:
		wcur_u8(w, 1);
		break;
	case 2:
		wcur_be16(w, 2);
		break;
	default:
		wcur_be32(w, 3);
		break;
	}
}

static void prove_reading(size_t left, size_t n)
{
	for (unsigned int what = 0; what < 6; what++)
		for (unsigned int next = 0; next < 6; next++) {
			struct cur c = cur_of(bytes + N - left, left);
			bool bad;

			read_one(&c, what, n);
			vw_assert(c.left <= left);
			vw_assert(c.p + c.left == bytes + N || c.bad);
			bad = c.bad;
			read_one(&c, next, 3);
			vw_assert(c.bad || !bad);
			vw_assert(cur_ok(&c) == !c.bad);
		}
}

static void prove_writing(size_t left, size_t n)
{
	for (unsigned int what = 0; what < 4; what++) {
		struct wcur w = wcur_of(out + sizeof(out) - left, left);

		write_one(&w, what, n);
		vw_assert(w.p + w.left == out + sizeof(out) || w.bad);
		write_one(&w, what, n);
		vw_assert(wcur_ok(&w) == !w.bad);
	}
}

/* The stop stands at every place, or nowhere; the other bytes are others. */
static void prove_until(size_t left, size_t max)
{
	for (size_t at = 0; at <= left; at++) {
		struct cur c = cur_of(text + N - left, left), piece;

		for (size_t i = 0; i < N; i++)
			text[i] = 'a';
		if (at < left)
			text[N - left + at] = '/';
		piece = cur_until(&c, '/', max);
		if (at > max) {
			vw_assert(c.bad && piece.bad && piece.left == 0);
			continue;
		}
		vw_assert(!c.bad && piece.left == at);
		vw_assert(c.left == (at < left ? left - at - 1 : 0));
	}
}

int main(void)
{
	any_bytes(bytes, sizeof(bytes));
	for (size_t left = 0; left <= N; left++) {
		for (size_t n = 0; n <= N + 2; n++) {
			prove_reading(left, n);
			prove_writing(left, n);
			prove_until(left, n);
		}
		prove_reading(left, SIZE_MAX);
		prove_writing(left, SIZE_MAX);
	}
	return 0;
}
