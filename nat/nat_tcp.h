/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_NAT_NAT_TCP_H
#define VIFWALL_NAT_NAT_TCP_H

#include "nat/nat_flow.h"
#include "packet/pkt_buf.h"

/*
 * TCP as seen from the middle: which segments the receiver could accept, and
 * how far the connection is.  The method is van Rooij's ("Real stateful TCP
 * packet filtering in IP Filter", 2001): per end the highest number sent, the
 * highest one that the other end allowed, and the largest window.
 */

/* The first SYN, from end 0; also on a record of an old connection. */
void nat_tcp_open(struct nat_flow *f, struct nat_track *tr,
		  const struct pkt *p);

/*
 * May the segment from end @e pass?  PKT_REASON_NONE, TCP_WINDOW or TCP_STATE.
 * *@quiet: it passes but must not change the flow (R53, R55).
 */
enum pkt_reason nat_tcp_check(const struct nat_flow *f,
			      const struct nat_track *tr, unsigned e,
			      const struct pkt *p, bool *quiet);

/* Takes in a segment that passed and was not quiet; returns the new state. */
enum nat_state nat_tcp_advance(struct nat_flow *f, struct nat_track *tr,
			       unsigned e, const struct pkt *p);

/* R64: can a segment of end @s with number @seq be on its way? */
bool nat_tcp_in_flight(const struct nat_track *tr, unsigned s, uint32_t seq);

#endif
