/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_UNIT_STORE_CONFORM_H
#define VIFWALL_TESTS_UNIT_STORE_CONFORM_H

#include "xen/bus/store.h"

/*
 * What every struct store does: the same questions to a real xenstored and to
 * the one that tests use in its place.  Handles are dom0's, of one store.
 */
struct store_conform {
	const char *name; /* a sentence */
	void (*run)(struct store *a, struct store *b);
};

extern const struct store_conform store_conform[];
extern const size_t store_conform_n;

#endif
