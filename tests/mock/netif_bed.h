/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_MOCK_NETIF_BED_H
#define VIFWALL_TESTS_MOCK_NETIF_BED_H

#include "mock/netif_guest.h"
#include "packet/pkt_buf.h"
#include "xen/xen_sim.h"

/*
 * A netback of ours in domain 0, and in domain 1 a guest with its hands on the
 * rings.  A second vif of the same kind can stand beside it: bed_open() twice
 * with the same @on.
 */
#define BED_SMALL 600u
#define BED_LARGE 64u
#define BED_ALL                                                     \
	(NETBACK_SG | NETBACK_GSO4 | NETBACK_GSO6 | NETBACK_CSUM4 | \
	 NETBACK_CSUM6 | NETBACK_RX_NOTIFY)

struct bed {
	struct xen_sim *sim;
	struct xen *back, *front;
	struct netif_guest guest;
	struct netback vif;
	struct pkt_pool *pool;
	struct pkt_batch in; /* what recv gave */
	struct mono now;
	bool shares; /* sim, back and pool are another bed's */
};

struct bed_how {
	uint8_t can;
	bool split;
	uint32_t first; /* index at which the rings begin */
	uint64_t rate_bytes;
	uint32_t rate_us;
	const struct bed *on; /* NULL: a simulation of its own */
};

void bed_open(struct bed *b, const struct bed_how *how);
/* Panics when a buffer is out, a page mapped or a port bound still. */
void bed_close(struct bed *b);

/* What recv says; the frames of the last time are freed. */
int bed_recv(struct bed *b);
/* Same, that it must be 0; how many frames. */
uint32_t bed_frames(struct bed *b);
void bed_free(struct bed *b);
/* Sends @p to the guest. */
int bed_send(struct bed *b, struct pkt *p);
/* A frame of @len bytes that count up from @seed. */
struct pkt *bed_pkt(struct bed *b, uint32_t len, uint8_t seed);
void bed_fill(uint8_t *at, uint32_t len, uint8_t seed);
bool bed_is(const uint8_t *at, uint32_t len, uint8_t seed);
/* Waits for @ms by the clock of the test. */
void bed_wait(struct bed *b, uint64_t ms);
/* Takes events of the backend's and tells the vif; how many. */
uint32_t bed_events(struct bed *b);
bool bed_arm(struct bed *b);
/* The guest's next answer is @status, to slot @place (its id, unless NULL). */
bool bed_answer_is(struct bed *b, uint32_t place, int16_t status);

#endif
