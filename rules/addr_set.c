/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "rules/addr_set.h"
#include "rules/rule_sort.h"

/* In network order bytes compare as the numbers do. */
static int order_of(const struct pkt_addr *a, const struct pkt_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

static struct addr_range range_of(const struct pkt_prefix *p)
{
	struct addr_range r = { .lo = p->addr, .hi = p->addr };

	for (uint32_t i = 0; i < sizeof(r.lo.b); i++) {
		uint32_t bits = p->len <= 8 * i	     ? 0
				: p->len < 8 * i + 8 ? p->len - 8 * i
						     : 8;
		uint8_t mask = (uint8_t)(0xff00u >> bits);

		r.lo.b[i] &= mask;
		r.hi.b[i] |= (uint8_t)~mask;
	}
	return r;
}

/* IPv4 before IPv6, then by address. */
static bool before(const void *ctx, uint32_t a, uint32_t b)
{
	const struct pkt_prefix *p = ctx;
	bool a4 = pkt_addr_is_v4(&p[a].addr), b4 = pkt_addr_is_v4(&p[b].addr);
	struct addr_range x, y;

	if (a4 != b4)
		return a4;
	x = range_of(&p[a]);
	y = range_of(&p[b]);
	return order_of(&x.lo, &y.lo) < 0;
}

/* Does @b begin right behind @a, with no address between them? */
static bool is_next(const struct pkt_addr *a, const struct pkt_addr *b)
{
	struct pkt_addr next = *a;
	size_t i = sizeof(next.b);

	while (i && !++next.b[i - 1])
		i--;
	return i && pkt_addr_eq(&next, b);
}

/* Takes in what overlaps @r or lies behind it; false: it is another one. */
static bool join(struct addr_range *r, const struct addr_range *more)
{
	if (order_of(&more->lo, &r->hi) > 0 && !is_next(&r->hi, &more->lo))
		return false;
	if (order_of(&more->hi, &r->hi) > 0)
		r->hi = more->hi;
	return true;
}

uint32_t addr_set_build(struct addr_range *out, uint32_t *n4,
			const struct pkt_prefix *p, uint32_t n, uint32_t *order,
			uint32_t *tmp)
{
	uint32_t out_n = 0, begin = 0;
	bool four = true;

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	rule_sort(order, n, tmp, before, p);
	for (uint32_t i = 0; i < n; i++) {
		struct addr_range r = range_of(&p[order[i]]);

		if (four && !pkt_addr_is_v4(&p[order[i]].addr)) {
			four = false;
			begin = out_n;
		}
		if (out_n == begin || !join(&out[out_n - 1], &r))
			out[out_n++] = r;
	}
	*n4 = four ? out_n : begin;
	return out_n;
}

bool addr_set_has(const struct addr_range *r, uint32_t n,
		  const struct pkt_addr *a)
{
	uint32_t lo = 0, hi = n;

	/* the first range that does not end before @a */
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (order_of(&r[mid].hi, a) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && order_of(&r[lo].lo, a) <= 0;
}

bool addr_set_ok(const struct addr_range *r, uint32_t n, bool v4)
{
	for (uint32_t i = 0; i < n; i++) {
		if (order_of(&r[i].lo, &r[i].hi) > 0 ||
		    (i && (order_of(&r[i - 1].hi, &r[i].lo) >= 0 ||
			   is_next(&r[i - 1].hi, &r[i].lo))))
			return false;
		/* one of IPv6 may have the mapped addresses inside */
		if (v4 &&
		    (!pkt_addr_is_v4(&r[i].lo) || !pkt_addr_is_v4(&r[i].hi)))
			return false;
	}
	return true;
}
