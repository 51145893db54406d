/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_FUZZ_FUZZ_H
#define VIFWALL_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_buf.h"

/*
 * What the fuzz entries share.  Each file has one entry; what must hold is
 * vw_assert()ed, so that a broken promise is found like a crash.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Eats the input from its front; zeros when it is used up. */
struct feed {
	const uint8_t *p;
	size_t left;
};

static inline uint8_t feed_u8(struct feed *f)
{
	if (!f->left)
		return 0;
	f->left--;
	return *f->p++;
}

static inline uint16_t feed_u16(struct feed *f)
{
	uint16_t hi = feed_u8(f);

	return (uint16_t)(hi << 8 | feed_u8(f));
}

/* At most @n bytes; how many in *@got. */
static inline const uint8_t *feed_bytes(struct feed *f, size_t n, size_t *got)
{
	const uint8_t *at = f->p;

	*got = n < f->left ? n : f->left;
	f->p += *got;
	f->left -= *got;
	return at;
}

/*
 * A packet whose frame stands in a block of exactly its size, so that the
 * address sanitizer sees any step outside.  Free ->data with free().
 */
static inline struct pkt fuzz_pkt(const uint8_t *bytes, size_t len)
{
	struct pkt p = { .len = (uint32_t)len };

	p.data = malloc(len ? len : 1);
	vw_assert(p.data);
	if (len)
		memcpy(p.data, bytes, len);
	return p;
}

/* Zeroed memory of a size that is computed once; never given back. */
static inline void *fuzz_room(size_t len)
{
	void *mem = aligned_alloc(64, (len + 63) / 64 * 64);

	vw_assert(mem);
	memset(mem, 0, len);
	return mem;
}

#endif
