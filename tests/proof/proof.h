/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_PROOF_PROOF_H
#define VIFWALL_TESTS_PROOF_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/pkt_assert.h"

/*
 * A proof harness is a main() over values of which nothing is known but their
 * range.  The prover follows every path for all of them at once and reports
 * each step that could go wrong: a byte outside its object, an overflow of a
 * signed number, a shift too far, a vw_assert() that could fail.
 * For Frama-C's plug-in Eva, whose library has these two.
 */
int Frama_C_interval(int lo, int hi);
void Frama_C_make_unknown(char *p, size_t n);

static inline size_t any_size(size_t lo, size_t hi)
{
	return (size_t)Frama_C_interval((int)lo, (int)hi);
}

static inline void any_bytes(uint8_t *b, size_t n)
{
	Frama_C_make_unknown((char *)b, n);
}

/* A failed assertion is something to be proved impossible. */
_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	(void)file;
	(void)line;
	(void)what;
	/*@ assert never: \false; */
	for (;;)
		;
}

#endif
