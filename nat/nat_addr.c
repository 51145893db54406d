/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/nat_addr.h"

#include <string.h>

void nat_addrs_init(struct nat_addrs *t)
{
	memset(t, 0, sizeof(*t));
	t->live[0] = true;
	t->top = 1;
}

uint8_t nat_addrs_find(const struct nat_addrs *t, const struct pkt_addr *a)
{
	for (unsigned i = 1; i < t->top; i++)
		if (t->live[i] && pkt_addr_eq(&t->addr[i], a))
			return (uint8_t)i;
	return 0;
}

uint8_t nat_addrs_intern(struct nat_addrs *t, const struct pkt_addr *a)
{
	unsigned i = nat_addrs_find(t, a);

	if (i)
		return (uint8_t)i;
	for (i = 1; i < t->top && t->refs[i]; i++)
		;
	if (i == NAT_ADDR_MAX)
		return 0;
	if (i == t->top)
		t->top++;
	t->addr[i] = *a;
	t->live[i] = true;
	return (uint8_t)i;
}
