/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A frame that comes between the last poll and arming is never seen. */
#define NO_SECOND_LOOK
#include "wake.pml"
