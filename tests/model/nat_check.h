/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MODEL_NAT_CHECK_H
#define VIFWALL_TESTS_MODEL_NAT_CHECK_H

#include "nat/nat_core.h"

/*
 * What must hold between any two calls into nat/: keys, lists, rings of
 * siblings, outside ports and counts agree with the records.  Panics when they
 * don't.  Takes time of the order of all records times the ports' users.
 */
void nat_check(const struct nat *n);

#endif
