/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_NET_NETIF_H
#define VIFWALL_XEN_NET_NETIF_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The network rings that frontend and backend share, as xen/io/netif.h and
 * xen/io/ring.h define them (little endian; we run on nothing else).  tx is
 * what the frontend transmits, rx what it receives: its view, always.
 *
 * A page of each: four indices, then the slots.  Indices run freely; index i is
 * in slot i & (NETIF_SLOTS - 1).  A response lies in the slot of a request.
 */
#define NETIF_SLOTS 256u
#define NETIF_SLOT_MASK (NETIF_SLOTS - 1)

struct netif_tx_req {
	uint32_t gref;
	uint16_t offset, flags;
	uint16_t id;
	uint16_t size; /* first slot: of the whole frame; else: in this one */
};

struct netif_tx_rsp {
	uint16_t id;
	int16_t status;
};

struct netif_rx_req {
	uint16_t id, pad;
	uint32_t gref;
};

struct netif_rx_rsp {
	uint16_t id, offset, flags;
	int16_t status; /* bytes in this slot, or NETIF_RSP_ERROR */
};

/* In the place of a request or an rx response that says NETIF_EXTRA. */
struct netif_extra {
	uint8_t type, flags;
	uint16_t gso_size;
	uint8_t gso_type, pad;
	uint16_t gso_features;
};

union netif_tx_slot {
	struct netif_tx_req req;
	struct netif_tx_rsp rsp;
	struct netif_extra extra;
};

union netif_rx_slot {
	struct netif_rx_req req;
	struct netif_rx_rsp rsp;
	struct netif_extra extra;
};

struct netif_ring {
	uint32_t req_prod, req_event;
	uint32_t rsp_prod, rsp_event;
	uint8_t pad[48];
};

struct netif_tx_ring {
	struct netif_ring head;
	union netif_tx_slot slot[NETIF_SLOTS];
};

struct netif_rx_ring {
	struct netif_ring head;
	union netif_rx_slot slot[NETIF_SLOTS];
};

/* How far both rings of a vif are, for status. */
struct netif_marks {
	uint32_t tx_prod, tx_cons; /* requests that came, that were taken */
	uint32_t rx_prod, rx_cons; /* pages that were posted, that are used */
};

static_assert(sizeof(struct netif_tx_req) == 12, "netif.h");
static_assert(sizeof(struct netif_tx_rsp) == 4, "netif.h");
static_assert(sizeof(struct netif_rx_req) == 8, "netif.h");
static_assert(sizeof(struct netif_rx_rsp) == 8, "netif.h");
static_assert(sizeof(struct netif_extra) == 8, "netif.h");
static_assert(sizeof(union netif_tx_slot) == 12, "netif.h");
static_assert(sizeof(union netif_rx_slot) == 8, "netif.h");
static_assert(sizeof(struct netif_ring) == 64, "ring.h");
static_assert(offsetof(struct netif_tx_req, size) == 10, "netif.h");
static_assert(offsetof(struct netif_rx_req, gref) == 4, "netif.h");
static_assert(offsetof(struct netif_rx_rsp, status) == 6, "netif.h");
static_assert(sizeof(struct netif_tx_ring) <= 4096, "one page");
static_assert(sizeof(struct netif_rx_ring) <= 4096, "one page");

/* Bits 0 and 1 are the other way round in the two directions. */
#define NETTX_CSUM_BLANK 0x1u
#define NETTX_DATA_VALIDATED 0x2u
#define NETRX_DATA_VALIDATED 0x1u
#define NETRX_CSUM_BLANK 0x2u
#define NETIF_MORE_DATA 0x4u
#define NETIF_EXTRA 0x8u

#define NETIF_RSP_DROPPED (-2)
#define NETIF_RSP_ERROR (-1)
#define NETIF_RSP_OKAY 0
#define NETIF_RSP_NULL 1 /* tx: to a slot that held an extra */

enum netif_extra_type {
	NETIF_EXTRA_NONE,
	NETIF_EXTRA_GSO,
	NETIF_EXTRA_MCAST_ADD,
	NETIF_EXTRA_MCAST_DEL,
	NETIF_EXTRA_HASH,
	NETIF_EXTRA_XDP,
	NETIF_EXTRA_N
};

#define NETIF_EXTRA_MORE 0x1u
#define NETIF_GSO_TCP4 1u
#define NETIF_GSO_TCP6 2u

/* Data slots of a frame that every peer must take (XEN_NETIF_NR_SLOTS_MIN). */
#define NETIF_SLOTS_MIN 18u
#define NETIF_FRAME_MAX 65535u
#define NETIF_FIRST_MIN 14u /* bytes in the first slot */
/* One recv copies no more once it is beyond: somebody else's turn. */
#define NETIF_TURN_BYTES 131072u
#define NETIF_EXTRAS_MAX 8u /* nobody sends so many in one frame */

#endif
