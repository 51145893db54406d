/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_NAT_NAT_ICMP_H
#define VIFWALL_NAT_NAT_ICMP_H

#include "nat/nat_core.h"

/*
 * ICMP errors.  One belongs to the flow whose packet it quotes, travels the
 * other way, and never changes that flow (R42, R46, R59).
 */

/*
 * The flow that error @p of @owner is about: its number and, in *@e, the end
 * that the error comes from.  NAT_NONE with *@why set when there is none or the
 * error can't be true (R63 to R68).
 */
uint32_t nat_icmp_find(const struct nat *n, const struct pkt *p, uint16_t owner,
		       unsigned *e, enum pkt_reason *why, uint32_t now_ms);

/* Turns the quoted packet back into what its sender sent (R65, R66). */
void nat_icmp_rewrite(const struct nat *n, struct pkt *p,
		      const struct nat_flow *f, unsigned e);

#endif
