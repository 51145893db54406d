/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_NETIF_ORACLE_H
#define VIFWALL_TESTS_MOCK_NETIF_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "xen/net/netif.h"

/*
 * What a backend may have done to a ring, read off two pictures of it by slow
 * code of its own.  They hold for any requests whatsoever, as long as nobody
 * wrote to the ring while the backend did.
 */

/*
 * The answers @from .. @to to tx requests: whole frames, one answer to a slot
 * with the id that stood in it, the rest of the page as it was but rsp_prod and
 * req_event.
 */
bool oracle_tx(const struct netif_tx_ring *before,
	       const struct netif_tx_ring *after, uint32_t from, uint32_t to);

/* The same of rx; *@frames: how many frames they are. */
bool oracle_rx(const struct netif_rx_ring *before,
	       const struct netif_rx_ring *after, uint32_t from, uint32_t to,
	       uint32_t *frames);

#endif
