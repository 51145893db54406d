/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_XEN_NET_GATE_H
#define VIFWALL_XEN_NET_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_time.h"
#include "xen/xen_ops.h"

/*
 * The event channels of a vif, and how often its peer may wake us.
 *
 * A channel that an event came by stays masked until we unmask it, which we do
 * before we sleep.  An event behind which there was nothing is a strike: after
 * the second in a row the channels stay masked for 1, 2, 4 ... 1000 ms, so that
 * a peer that storms costs us a wake-up a second.  What comes meanwhile shows
 * when they are unmasked.
 */
#define GATE_PATIENCE 1u /* events without work that cost nothing */
#define GATE_PAUSE_MS 1000u

struct gate {
	uint32_t port[2]; /* ours */
	uint32_t port_n;
	bool masked;	   /* an event came, and nobody unmasked since */
	bool useful;	   /* set by the owner: something came */
	uint8_t spurious;  /* events in a row without work */
	struct mono until; /* not 0: stays masked until then */
	uint64_t events;
};

/* An event came by one of the channels. */
void gate_event(struct gate *g);

/*
 * Before sleeping, after the rings' indices were asked for: lets events in
 * again, or decides not to for a while.  True when the last one was a strike.
 */
bool gate_rest(struct gate *g, struct xen *x, struct mono now);

/* Ends a pause.  When it wants to be called again; UINT64_MAX: not at all. */
struct mono gate_tick(struct gate *g, struct xen *x, struct mono now);

void gate_close(struct gate *g, struct xen *x);

#endif
