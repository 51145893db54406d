/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both sides look before their own store is visible, and both see nothing. */
#define NO_FENCE
#include "wake.pml"
