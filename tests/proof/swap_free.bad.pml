/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The old block is taken back before data has let go of it. */
#define FREE_EARLY
#include "swap.pml"
