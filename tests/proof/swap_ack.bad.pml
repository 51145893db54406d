/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answer goes out before the pointer is in place. */
#define ACK_EARLY
#include "swap.pml"
