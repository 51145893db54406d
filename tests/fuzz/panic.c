/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the pure archives call when an assertion fails: a crash to be found. */
#include <stdio.h>
#include <stdlib.h>

#include "packet/pkt_assert.h"

_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}
