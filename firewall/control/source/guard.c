/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "firewall/control/source/guard.h"

static uint32_t words(const struct tree_key *k, struct pkt_addr *out,
		      uint32_t max, uint32_t *wrong)
{
	const char *p = k->value;
	uint32_t n = 0;

	while (*p) {
		size_t len = strcspn(p, " \n");

		if (len && (n == max || pkt_addr_parse(&out[n], p, len)))
			++*wrong;
		else if (len)
			n++;
		p += len + (p[len] != '\0');
	}
	return n;
}

uint32_t guard_read(const struct tree *t, struct pkt_addr *out, uint32_t max,
		    uint32_t *wrong)
{
	static const char *const key[] = { TREE_GUARD4, TREE_GUARD6 };
	struct tree_key k;
	uint32_t n = 0;

	*wrong = 0;
	for (int i = 0; i < 2; i++)
		if (tree_read(t, key[i], &k))
			n += words(&k, out + n, max - n, wrong);
	return n;
}
