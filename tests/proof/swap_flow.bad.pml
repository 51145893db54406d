/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flow lives on under the set that admitted it. */
#define KEEP_FLOWS
#include "swap.pml"
