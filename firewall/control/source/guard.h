/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_FIREWALL_CONTROL_SOURCE_GUARD_H
#define VIFWALL_FIREWALL_CONTROL_SOURCE_GUARD_H

#include "firewall/control/source/tree.h"
#include "packet/pkt_addr.h"

/*
 * The addresses of all clients that there could be, running or not, from
 * /connected-ips and /connected-ips6: at most @max of them into @out.  What is
 * no address is passed over, and *@wrong says how many words were, or did not
 * fit.
 */
uint32_t guard_read(const struct tree *t, struct pkt_addr *out, uint32_t max,
		    uint32_t *wrong);

#endif
