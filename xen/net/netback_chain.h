/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_NET_NETBACK_CHAIN_H
#define VIFWALL_XEN_NET_NETBACK_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "xen/net/netback.h"
#include "xen/net/offload.h"

/*
 * The slots of one frame on the tx ring: the first, extras, the other data
 * slots.  The limits are Linux' netback's, which every frontend is tested with.
 */
#define NETBACK_CHAIN_OK 19u  /* data slots of a frame that is taken */
#define NETBACK_CHAIN_MAX 21u /* ... and that is dropped; more are fatal */

enum netback_grade { NETBACK_TAKE, NETBACK_DROP, NETBACK_DIE };

struct netback_chain {
	struct netif_tx_req
		req[NETBACK_CHAIN_MAX]; /* data; size: in the slot */
	uint32_t req_n, extra_n; /* extras lie behind the first of req[] */
	uint32_t len;		 /* of the frame */
	struct offload offload;
	enum netback_fault fault; /* unless NETBACK_TAKE */
};

/*
 * Copies the chain that begins at index @at, @n > 0 slots before the guest's
 * index, and looks at nothing but the copy.  DROP: answer its slots with an
 * error.  DIE: a ring that can't be.
 */
enum netback_grade netback_chain_take(struct netback_chain *c,
				      const struct netif_tx_ring *tx,
				      uint32_t at, uint32_t n);

#endif
