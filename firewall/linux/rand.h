/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_LINUX_RAND_H
#define VIFWALL_FIREWALL_LINUX_RAND_H

#include <stddef.h>

#include "packet/pkt_assert.h"

/*
 * @len bytes from the kernel's generator, waiting for it to be seeded when the
 * machine has just started.  0 or -errno; there is no weaker fallback.
 */
int VW_MUST_USE rand_bytes(void *out, size_t len);

#endif
