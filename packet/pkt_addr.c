/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_addr.h"

static const uint8_t zero[16];

bool pkt_addr_is_zero(const struct pkt_addr *a)
{
	if (pkt_addr_is_v4(a))
		return memcmp(a->b + 12, zero, 4) == 0;
	return memcmp(a->b, zero, 16) == 0;
}

bool pkt_addr_is_multicast(const struct pkt_addr *a)
{
	if (!pkt_addr_is_v4(a))
		return a->b[0] == 0xff;
	return (a->b[12] & 0xf0) == 0xe0 ||
	       memcmp(a->b + 12, "\xff\xff\xff\xff", 4) == 0;
}

bool pkt_addr_is_linklocal(const struct pkt_addr *a)
{
	if (pkt_addr_is_v4(a))
		return a->b[12] == 169 && a->b[13] == 254;
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* ::, ::1 and groups are no host's. */
static inline bool is_host6(const uint8_t *b)
{
	return b[0] != 0xff && (memcmp(b, zero, 15) != 0 || b[15] > 1);
}

bool pkt_addr_ok_src(const struct pkt_addr *a)
{
	return pkt_addr_is_v4(a) ? pkt_addr_is_host4(a->b + 12)
				 : is_host6(a->b);
}

bool pkt_addr_ok_dst(const struct pkt_addr *a)
{
	return pkt_addr_is_v4(a) ? pkt_addr_is_host4(a->b + 12)
				 : is_host6(a->b) && !pkt_addr_is_linklocal(a);
}

bool pkt_prefix_has(const struct pkt_prefix *p, const struct pkt_addr *a)
{
	size_t bytes = p->len / 8;
	uint8_t mask = (uint8_t)(0xff00 >> p->len % 8);

	if (pkt_addr_is_v4(a) && !pkt_addr_is_v4(&p->addr))
		return false;
	if (memcmp(p->addr.b, a->b, bytes) != 0)
		return false;
	return p->len % 8 == 0 ||
	       ((p->addr.b[bytes] ^ a->b[bytes]) & mask) == 0;
}
