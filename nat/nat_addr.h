/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_NAT_NAT_ADDR_H
#define VIFWALL_NAT_NAT_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/pkt_addr.h"

/*
 * The addresses that stand in for others: few, so a flow names one by a byte.
 * An address that was forgotten keeps its number until its last flow is freed,
 * and gets a new number when it comes back: flows of its first life stay dead.
 */
#define NAT_ADDR_MAX 256u

struct nat_addrs {
	struct pkt_addr addr[NAT_ADDR_MAX]; /* 0 is nobody's */
	uint32_t refs[NAT_ADDR_MAX];	    /* flows, or ports held */
	bool live[NAT_ADDR_MAX];	    /* 0 is always live */
	uint16_t top;			    /* numbers from here on are free */
};

void nat_addrs_init(struct nat_addrs *t);
/* Number of a live address, 0 when it has none. */
uint8_t nat_addrs_find(const struct nat_addrs *t, const struct pkt_addr *a);
/* The same, numbering it if need be; 0 when all numbers are taken. */
uint8_t nat_addrs_intern(struct nat_addrs *t, const struct pkt_addr *a);

static inline void nat_addrs_ref(struct nat_addrs *t, uint8_t i)
{
	t->refs[i]++;
}

static inline void nat_addrs_unref(struct nat_addrs *t, uint8_t i)
{
	t->refs[i]--;
}

#endif
