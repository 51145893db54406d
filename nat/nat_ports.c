/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/nat_ports.h"

#include <string.h>

#include "packet/pkt_assert.h"

/*
 * A lease is 16 bits: whose (10, 0: nobody's), whether it is only held (1), and
 * either the number of users or the time it was left (5), in units of an eighth
 * of the hold time.  It is over when nine units have begun since.
 */
#define HELD 0x20u
#define LOW 0x1fu
#define UNITS 8u
#define BLOCK 64u /* ports that are looked at together */

static uint16_t whose(uint16_t lease)
{
	return lease >> 6;
}

static uint16_t stamp(const struct nat_ports *t, uint64_t now_ms)
{
	return (now_ms / t->unit_ms) & LOW;
}

static bool is_over(const struct nat_ports *t, uint16_t lease, uint64_t now_ms)
{
	return (lease & HELD) &&
	       ((stamp(t, now_ms) - (lease & LOW)) & LOW) > UNITS;
}

static bool in_range(const struct nat_ports *t, uint16_t port)
{
	return port >= t->lo && port <= t->hi;
}

static void set_free(const struct nat_ports *t, struct nat_space *s,
		     uint16_t port)
{
	if (!in_range(t, port))
		return;
	s->free[port / 64] |= 1ull << port % 64;
	s->free_n++;
}

static void set_taken(const struct nat_ports *t, struct nat_space *s,
		      uint16_t port)
{
	if (!in_range(t, port))
		return;
	s->free[port / 64] &= ~(1ull << port % 64);
	s->free_n--;
}

/* What somebody misses of a claim. */
static uint32_t missing(uint16_t claim, uint16_t held)
{
	return claim > held ? (uint32_t)claim - held : 0;
}

/* The port is nobody's any more. */
static void release(struct nat_ports *t, struct nat_space *s, uint16_t port)
{
	uint16_t lease = s->lease[port];

	s->held[whose(lease)]--;
	s->unclaimed += s->held[whose(lease)] < t->claim[whose(lease)];
	if (lease & HELD)
		s->idle[whose(lease)]--;
	s->leased--;
	s->lease[port] = 0;
	set_free(t, s, port);
}

size_t nat_ports_size(uint32_t spaces)
{
	return pkt_arena_cost(spaces * sizeof(struct nat_space));
}

bool nat_ports_init(struct nat_ports *t, struct pkt_arena *a, uint32_t spaces,
		    uint16_t lo, uint16_t hi, uint32_t hold_ms,
		    const uint8_t seed[16])
{
	*t = (struct nat_ports){ .spaces = spaces, .lo = lo, .hi = hi };
	t->unit_ms = (hold_ms + UNITS - 1) / UNITS;
	if (!t->unit_ms)
		t->unit_ms = 1;
	pkt_rand_seed(&t->rand, seed);
	t->space = pkt_arena_take(a, spaces * sizeof(struct nat_space));
	return t->space;
}

void nat_ports_reset(struct nat_ports *t)
{
	for (uint32_t i = 0; i < t->spaces; i++)
		t->space[i].addr = 0;
	memset(t->lives, 0, sizeof(t->lives));
	memset(t->claim, 0, sizeof(t->claim));
	t->claims = 0;
	t->last = 0;
	t->hand = 0;
}

static bool has_ports(const struct nat_ports *t, uint16_t lessee)
{
	for (uint32_t i = 0; i < t->spaces; i++)
		if (t->space[i].addr && t->space[i].held[lessee])
			return true;
	return false;
}

uint16_t nat_ports_enter(struct nat_ports *t)
{
	uint16_t i = t->last;

	for (uint32_t tried = 1; tried < NAT_LESSEES; tried++) {
		i = i + 1 < (int)NAT_LESSEES ? (uint16_t)(i + 1) : 1;
		if (t->lives[i] || has_ports(t, i))
			continue;
		t->lives[i] = true;
		t->last = i;
		return i;
	}
	return 0;
}

void nat_ports_claim(struct nat_ports *t, uint16_t lessee, uint16_t n)
{
	uint16_t had = t->claim[lessee];

	for (uint32_t i = 0; i < t->spaces; i++) {
		struct nat_space *s = &t->space[i];

		if (!s->addr)
			continue;
		s->unclaimed += missing(n, s->held[lessee]);
		s->unclaimed -= missing(had, s->held[lessee]);
	}
	t->claim[lessee] = n;
	t->claims += n;
	t->claims -= had;
}

void nat_ports_leave(struct nat_ports *t, uint16_t lessee)
{
	nat_ports_claim(t, lessee, 0);
	t->lives[lessee] = false;
}

struct nat_space *nat_ports_of(const struct nat_ports *t, uint8_t addr)
{
	for (uint32_t i = 0; addr && i < t->spaces; i++)
		if (t->space[i].addr == addr)
			return &t->space[i];
	return NULL;
}

/* Sets the free bit of every port of the range, a word at a time. */
static void fill_range(const struct nat_ports *t, struct nat_space *s)
{
	uint32_t lo = t->lo / 64u, hi = t->hi / 64u;

	memset(&s->free[lo], 0xff, (hi - lo + 1) * sizeof(s->free[0]));
	s->free[lo] &= ~0ull << t->lo % 64;
	s->free[hi] &= ~0ull >> (63 - t->hi % 64);
	s->free_n = (uint32_t)t->hi - t->lo + 1;
}

struct nat_space *nat_ports_open(struct nat_ports *t, uint8_t addr)
{
	struct nat_space *s = nat_ports_of(t, addr);

	if (s)
		return s;
	for (uint32_t i = 0; i < t->spaces; i++) {
		s = &t->space[i];
		if (s->addr)
			continue;
		memset(s, 0, sizeof(*s));
		s->addr = addr;
		s->unclaimed = t->claims;
		fill_range(t, s);
		return s;
	}
	return NULL;
}

/* All that anybody had of the range is @ghost's from now on, and not in use. */
static void haunt(const struct nat_ports *t, struct nat_space *s,
		  uint16_t ghost, uint64_t now_ms)
{
	uint16_t lease =
		(uint16_t)((unsigned)ghost << 6 | HELD | stamp(t, now_ms));

	fill_range(t, s);
	for (uint32_t port = 0; port < 65536; port++) {
		bool had = s->lease[port] && in_range(t, (uint16_t)port);

		s->lease[port] = had ? lease : 0;
		if (!had)
			continue;
		s->leased++;
		set_taken(t, s, (uint16_t)port);
	}
	s->held[ghost] = s->idle[ghost] = (uint16_t)s->leased;
}

uint16_t nat_ports_adopt(struct nat_ports *t, const bool live[NAT_ADDR_MAX],
			 uint64_t now_ms)
{
	bool seen[NAT_ADDR_MAX] = { false };
	uint16_t ghost;

	for (uint32_t i = 0; i < t->spaces; i++) {
		struct nat_space *s = &t->space[i];

		if (!live[s->addr] || seen[s->addr])
			s->addr = 0;
		seen[s->addr] = true;
		memset(s->free, 0, sizeof(s->free));
		memset(s->held, 0, sizeof(s->held));
		memset(s->idle, 0, sizeof(s->idle));
		s->leased = s->unclaimed = 0;
		s->look_ms = 0;
	}
	ghost = nat_ports_enter(t);
	for (uint32_t i = 0; i < t->spaces; i++)
		if (t->space[i].addr)
			haunt(t, &t->space[i], ghost, now_ms);
	return ghost;
}

void nat_port_lay(struct nat_ports *t, struct nat_space *s, uint16_t port,
		  uint16_t ghost)
{
	if (whose(s->lease[port]) == ghost)
		release(t, s, port);
}

/* What stood in it is cleared when it is opened again. */
void nat_ports_close(struct nat_ports *t, struct nat_space *s)
{
	vw_assert(s >= t->space && s < t->space + t->spaces);
	s->addr = 0;
}

bool nat_port_is_nobodys(const struct nat_space *s, uint16_t port)
{
	return s->free[port / 64] >> port % 64 & 1;
}

bool nat_port_may_take(const struct nat_ports *t, const struct nat_space *s,
		       uint16_t port, uint16_t lessee, uint64_t now_ms)
{
	uint16_t lease = s->lease[port];

	if (!lease || is_over(t, lease, now_ms))
		return true;
	return whose(lease) == lessee &&
	       nat_port_users(s, port) < NAT_PORT_USERS;
}

bool nat_port_take(struct nat_ports *t, struct nat_space *s, uint16_t port,
		   uint16_t lessee, uint64_t now_ms)
{
	uint16_t *lease = &s->lease[port];

	if (is_over(t, *lease, now_ms))
		release(t, s, port);
	if (!nat_port_may_take(t, s, port, lessee, now_ms))
		return false;
	if (!*lease) {
		*lease = (uint16_t)(lessee << 6 | 1);
		s->unclaimed -= s->held[lessee] < t->claim[lessee];
		s->held[lessee]++;
		s->leased++;
		set_taken(t, s, port);
	} else if (*lease & HELD) {
		s->idle[lessee]--;
		*lease = (uint16_t)(lessee << 6 | 1);
	} else {
		++*lease;
	}
	return true;
}

void nat_port_drop(struct nat_ports *t, struct nat_space *s, uint16_t port,
		   uint64_t now_ms)
{
	uint16_t *lease = &s->lease[port];

	vw_assert(nat_port_users(s, port));
	--*lease;
	if (*lease & LOW)
		return;
	*lease |= (uint16_t)(HELD | stamp(t, now_ms));
	s->idle[whose(*lease)]++;
}

uint32_t nat_port_users(const struct nat_space *s, uint16_t port)
{
	return s->lease[port] & HELD ? 0 : s->lease[port] & LOW;
}

uint16_t nat_port_lessee(const struct nat_space *s, uint16_t port)
{
	return whose(s->lease[port]);
}

uint16_t nat_port_start(struct nat_ports *t)
{
	uint32_t n = (uint32_t)t->hi - t->lo + 1;

	return (uint16_t)(t->lo + pkt_rand_below(&t->rand, n));
}

uint16_t nat_port_free(const struct nat_space *s, uint16_t start)
{
	uint32_t word = start / 64u;
	uint64_t bits = s->free[word] & ~0ull << start % 64;

	if (!s->free_n)
		return 0;
	while (!bits) {
		word = (word + 1) % 1024;
		bits = s->free[word];
	}
	return (uint16_t)(word * 64 + (uint32_t)__builtin_ctzll(bits));
}

struct nat_walk nat_port_walk(const struct nat_ports *t, uint16_t start)
{
	return (struct nat_walk){ start, (uint32_t)t->hi - t->lo + 1 };
}

/* @n ports on, of which the last is in the range. */
static void walk_on(const struct nat_ports *t, struct nat_walk *w, uint32_t n)
{
	uint32_t at = w->at + n;

	w->left -= n;
	w->at = (uint16_t)(at > t->hi ? t->lo : at);
}

/* A whole block lies ahead. */
static bool at_block(const struct nat_ports *t, const struct nat_walk *w)
{
	return w->at % BLOCK == 0 && w->left >= BLOCK &&
	       w->at + BLOCK - 1 <= t->hi;
}

/*
 * Is there anything in a block for @lessee?  Both are written without branches:
 * compilers make vector code of them, and a walk round all ports takes a few
 * microseconds.
 */
static bool block_has(const uint16_t *lease, uint16_t lessee)
{
	unsigned any = 0;

	for (unsigned i = 0; i < BLOCK; i++)
		any |= whose(lease[i]) == lessee;
	return any;
}

static bool block_has_idle(const uint16_t *lease, uint16_t lessee,
			   uint16_t stamp_now)
{
	unsigned any = 0;

	for (unsigned i = 0; i < BLOCK; i++) {
		unsigned over = ((stamp_now - lease[i]) & LOW) > UNITS;
		unsigned own = whose(lease[i]) == lessee;

		any |= lease[i] & HELD & -(over | own);
	}
	return any;
}

uint16_t nat_port_idle(const struct nat_ports *t, struct nat_space *s,
		       uint16_t start, uint16_t lessee, uint64_t now_ms)
{
	struct nat_walk w = nat_port_walk(t, start);

	if (!s->idle[lessee] && now_ms < s->look_ms)
		return 0;
	while (w.left) {
		uint16_t lease = s->lease[w.at];

		if (at_block(t, &w) && !block_has_idle(&s->lease[w.at], lessee,
						       stamp(t, now_ms))) {
			walk_on(t, &w, BLOCK);
			continue;
		}
		if ((lease & HELD) &&
		    (whose(lease) == lessee || is_over(t, lease, now_ms)))
			return w.at;
		walk_on(t, &w, 1);
	}
	s->look_ms = now_ms + t->unit_ms;
	return 0;
}

uint16_t nat_port_shared(const struct nat_ports *t, const struct nat_space *s,
			 struct nat_walk *w, uint16_t lessee)
{
	while (w->left) {
		uint16_t port = w->at;

		if (at_block(t, w) && !block_has(&s->lease[port], lessee)) {
			walk_on(t, w, BLOCK);
			continue;
		}
		walk_on(t, w, 1);
		if (whose(s->lease[port]) == lessee &&
		    nat_port_users(s, port) - 1 < NAT_PORT_USERS - 1)
			return port;
	}
	return 0;
}

void nat_ports_sweep(struct nat_ports *t, uint32_t n, uint64_t now_ms)
{
	uint32_t all = t->spaces * 65536u;

	for (uint32_t i = 0; i < n && i < all; i++) {
		struct nat_space *s = &t->space[t->hand >> 16];
		uint16_t port = (uint16_t)t->hand;

		if (!s->addr || !s->leased) {
			/* Nothing here: straight to the next space. */
			t->hand |= 0xffff;
		} else if (is_over(t, s->lease[port], now_ms)) {
			release(t, s, port);
		}
		t->hand = (t->hand + 1) % all;
	}
}
