/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <string.h>

#include "rules/addr_set.h"

enum {
	PRIVATE = 1 << 0,
	LAN = 1 << 1,
	MULTICAST = 1 << 2,
	BOGON = 1 << 3,
	NEAR = LAN | BOGON,
};

static const char *const name[ADDR_SET_BUILTINS] = { "private", "lan",
						     "multicast", "bogon" };

const char *addr_set_builtin_name(uint32_t i)
{
	return name[i];
}

/* IANA's special-purpose registries; where their globally reachable parts are
 * exceptions inside of others (192.0.0.9, 2001:20::/28), those are in none. */
static const struct {
	uint8_t addr[4], len, in;
} four[] = {
	{ { 10, 0, 0, 0 }, 8, PRIVATE | NEAR },
	{ { 172, 16, 0, 0 }, 12, PRIVATE | NEAR },
	{ { 192, 168, 0, 0 }, 16, PRIVATE | NEAR },
	{ { 100, 64, 0, 0 }, 10, NEAR },
	{ { 169, 254, 0, 0 }, 16, NEAR },
	{ { 224, 0, 0, 0 }, 4, MULTICAST | NEAR },
	{ { 255, 255, 255, 255 }, 32, NEAR },
	{ { 0, 0, 0, 0 }, 8, BOGON },
	{ { 127, 0, 0, 0 }, 8, NEAR },
	{ { 192, 0, 0, 0 }, 29, BOGON },
	{ { 192, 0, 0, 8 }, 32, BOGON },
	{ { 192, 0, 0, 170 }, 31, BOGON },
	{ { 192, 0, 2, 0 }, 24, BOGON },
	{ { 198, 18, 0, 0 }, 15, BOGON },
	{ { 198, 51, 100, 0 }, 24, BOGON },
	{ { 203, 0, 113, 0 }, 24, BOGON },
	{ { 240, 0, 0, 0 }, 4, BOGON },
};

static const struct {
	uint8_t addr[16], len, in;
} six[] = {
	{ { 0xfc }, 7, PRIVATE | NEAR },
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, PRIVATE | NEAR },
	{ { 0xfe, 0x80 }, 10, NEAR },
	{ { 0xfe, 0xc0 }, 10, NEAR },
	{ { 0xff }, 8, MULTICAST | NEAR },
	{ { [15] = 0 }, 127, NEAR }, /* none, and oneself */
	{ { 0x01, 0x00 }, 64, BOGON },
	{ { 0x20, 0x01, 0x00, 0x02 }, 48, BOGON },
	{ { 0x20, 0x01, 0x00, 0x10 }, 28, BOGON },
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, BOGON },
	{ { 0x3f, 0xff }, 20, BOGON },
	{ { 0x5f, 0x00 }, 16, BOGON },
};

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* Where in an IPv6 address four bytes of IPv4 may stand, and behind what. */
static const struct {
	uint8_t addr[16], at;
} form[] = {
	{ { [10] = 0xff, [11] = 0xff }, 12 }, /* as we keep IPv4 itself */
	{ { 0x20, 0x02 }, 2 },
	{ { 0x00, 0x64, 0xff, 0x9b }, 12 },
	{ { 0 }, 12 },
};

static_assert(N(form) * N(four) + N(six) <= ADDR_SET_BUILTIN_MAX, "room");

uint32_t addr_set_builtin(uint32_t i,
			  struct pkt_prefix out[ADDR_SET_BUILTIN_MAX])
{
	const uint8_t which = (uint8_t)(1u << i);
	uint32_t n = 0;

	for (uint32_t k = 0; k < N(four) * N(form); k++) {
		uint32_t a = k / N(form), f = k % N(form);
		struct pkt_prefix *p = &out[n];

		if (!(four[a].in & which))
			continue;
		*p = (struct pkt_prefix){ 0 };
		memcpy(p->addr.b, form[f].addr, sizeof(p->addr.b));
		memcpy(p->addr.b + form[f].at, four[a].addr, 4);
		p->len = (uint8_t)(8 * form[f].at + four[a].len);
		n++;
	}
	for (uint32_t a = 0; a < N(six); a++) {
		if (!(six[a].in & which))
			continue;
		out[n] = (struct pkt_prefix){ .len = six[a].len };
		memcpy(out[n++].addr.b, six[a].addr, sizeof(six[a].addr));
	}
	return n;
}
