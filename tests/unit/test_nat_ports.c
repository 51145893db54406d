/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "nat/nat_ports.h"
#include "unit.h"

#define HOLD_MS 120000u

struct world {
	struct nat_ports t;
	void *mem;
};

static void world_open(struct world *w, uint32_t spaces, uint16_t lo,
		       uint16_t hi)
{
	uint8_t seed[16] = { 3, 1, 4, (uint8_t)unit_seed() };
	size_t n = nat_ports_size(spaces);
	struct pkt_arena a;

	w->mem = aligned_alloc(PKT_ARENA_ALIGN, n);
	CU_ASSERT_FATAL(w->mem != NULL);
	memset(w->mem, 0xa5, n);
	pkt_arena_init(&a, w->mem, n);
	CU_ASSERT_FATAL(
		nat_ports_init(&w->t, &a, spaces, lo, hi, HOLD_MS, seed));
}

static void world_close(struct world *w)
{
	free(w->mem);
}

static uint16_t shared_from(const struct world *w, const struct nat_space *s,
			    uint16_t start, uint16_t lessee)
{
	struct nat_walk walk = nat_port_walk(&w->t, start);

	return nat_port_shared(&w->t, s, &walk, lessee);
}

/* R34: uniform over the range, whatever came before. */
static void R34_ports_are_uniform(void)
{
	enum { BINS = 64, DRAWS = 100000 };
	double expect = (double)DRAWS / BINS, chi = 0;
	uint32_t bin[BINS] = { 0 };
	double serial = 0, mean = (1024 + 65535) / 2.0, var = 0, last = mean;
	struct world w;

	world_open(&w, 1, 1024, 65535);
	for (int i = 0; i < DRAWS; i++) {
		uint16_t port = nat_port_start(&w.t);

		CU_ASSERT(port >= 1024);
		bin[(port - 1024u) * BINS / 64512]++;
		serial += (port - mean) * (last - mean);
		var += (port - mean) * (port - mean);
		last = port;
	}
	for (int i = 0; i < BINS; i++)
		chi += (bin[i] - expect) * (bin[i] - expect) / expect;
	/* 63 degrees of freedom: less than one in 10^6 lies outside. */
	CU_ASSERT(chi > 22 && chi < 130);
	CU_ASSERT(serial / var < 0.02 && serial / var > -0.02);
	world_close(&w);
}

static void a_free_port_is_found_from_any_start_and_round_the_end(void)
{
	struct world w;
	struct nat_space *s;
	uint16_t me;

	world_open(&w, 1, 1000, 1130);
	me = nat_ports_enter(&w.t);
	s = nat_ports_open(&w.t, 5);
	CU_ASSERT_FATAL(me && s);
	CU_ASSERT_PTR_EQUAL(nat_ports_of(&w.t, 5), s);
	CU_ASSERT_PTR_NULL(nat_ports_of(&w.t, 0));
	CU_ASSERT_EQUAL(s->free_n, 131);
	for (uint16_t port = 1000; port <= 1130; port++)
		CU_ASSERT_EQUAL(nat_port_free(s, port), port);
	for (uint16_t port = 1130; port > 1000; port--) {
		CU_ASSERT(nat_port_take(&w.t, s, port, me, 0));
		/* All behind are taken: the next is the first of all. */
		CU_ASSERT_EQUAL(nat_port_free(s, port), 1000);
	}
	CU_ASSERT(nat_port_is_nobodys(s, 1000));
	CU_ASSERT(nat_port_take(&w.t, s, 1000, me, 0));
	CU_ASSERT(!nat_port_is_nobodys(s, 1000));
	CU_ASSERT_EQUAL(s->free_n, 0);
	CU_ASSERT_EQUAL(nat_port_free(s, 1050), 0);
	CU_ASSERT_EQUAL(s->held[me], 131);
	world_close(&w);
}

static void R38_a_freed_port_is_its_owners_for_the_hold_time(void)
{
	struct nat_space *s;
	uint64_t freed = 7777777;
	struct world w;
	uint16_t a, b;

	world_open(&w, 1, 2000, 2000);
	a = nat_ports_enter(&w.t);
	b = nat_ports_enter(&w.t);
	CU_ASSERT_FATAL(a && b && a != b);
	s = nat_ports_open(&w.t, 1);
	CU_ASSERT(nat_port_take(&w.t, s, 2000, a, freed - 5));
	CU_ASSERT(!nat_port_may_take(&w.t, s, 2000, b, freed - 4));
	nat_port_drop(&w.t, s, 2000, freed);
	for (uint64_t t = 0; t <= HOLD_MS; t += 500) {
		CU_ASSERT_EQUAL(nat_port_free(s, 2000), 0);
		CU_ASSERT(!nat_port_take(&w.t, s, 2000, b, freed + t));
		CU_ASSERT_EQUAL(nat_port_idle(&w.t, s, 2000, b, freed + t), 0);
		CU_ASSERT_EQUAL(nat_port_idle(&w.t, s, 2000, a, freed + t),
				2000);
		CU_ASSERT_EQUAL(s->idle[a], 1);
	}
	/* The same owner at once ... */
	CU_ASSERT(nat_port_take(&w.t, s, 2000, a, freed + 10));
	CU_ASSERT_EQUAL(s->idle[a], 0);
	nat_port_drop(&w.t, s, 2000, freed);
	/* ... another one an eighth late at most. */
	CU_ASSERT_EQUAL(nat_port_idle(&w.t, s, 2000, b,
				      freed + HOLD_MS * 9 / 8 + 1),
			2000);
	CU_ASSERT(nat_port_take(&w.t, s, 2000, b, freed + HOLD_MS * 9 / 8 + 1));
	CU_ASSERT_EQUAL(nat_port_lessee(s, 2000), b);
	CU_ASSERT_EQUAL(s->held[a], 0);
	CU_ASSERT_EQUAL(s->held[b], 1);
	world_close(&w);
}

static void a_port_counts_its_users(void)
{
	struct nat_space *s;
	struct world w;
	uint16_t a;

	world_open(&w, 1, 2000, 2003);
	a = nat_ports_enter(&w.t);
	s = nat_ports_open(&w.t, 1);
	CU_ASSERT_EQUAL(shared_from(&w, s, 2002, a), 0);
	for (uint32_t n = 1; n <= NAT_PORT_USERS; n++) {
		CU_ASSERT(nat_port_take(&w.t, s, 2001, a, 0));
		CU_ASSERT_EQUAL(nat_port_users(s, 2001), n);
		CU_ASSERT_EQUAL(shared_from(&w, s, 2002, a),
				n < NAT_PORT_USERS ? 2001 : 0);
	}
	CU_ASSERT(!nat_port_take(&w.t, s, 2001, a, 0));
	CU_ASSERT_EQUAL(s->held[a], 1);
	for (uint32_t n = NAT_PORT_USERS; n; n--) {
		CU_ASSERT_EQUAL(s->idle[a], 0);
		nat_port_drop(&w.t, s, 2001, 1);
	}
	CU_ASSERT_EQUAL(s->idle[a], 1);
	CU_ASSERT_EQUAL(nat_port_users(s, 2001), 0);
	world_close(&w);
}

/* R95: who comes under the number of one that is gone is somebody else. */
static void R95_a_lessee_number_comes_back_only_when_no_port_is_held(void)
{
	struct nat_space *s;
	struct world w;
	uint16_t gone, n = 0;

	world_open(&w, 1, 2000, 2003);
	gone = nat_ports_enter(&w.t);
	s = nat_ports_open(&w.t, 1);
	CU_ASSERT(nat_port_take(&w.t, s, 2000, gone, 0));
	nat_ports_leave(&w.t, gone);
	while (n < NAT_LESSEES) {
		uint16_t next = nat_ports_enter(&w.t);

		if (!next)
			break;
		CU_ASSERT_NOT_EQUAL(next, gone);
		n++;
	}
	CU_ASSERT_EQUAL(n, NAT_LESSEES - 2);
	nat_port_drop(&w.t, s, 2000, 0);
	CU_ASSERT_EQUAL(nat_ports_enter(&w.t), 0);
	nat_ports_sweep(&w.t, 65536, HOLD_MS * 9 / 8);
	CU_ASSERT_EQUAL(nat_ports_enter(&w.t), gone);
	world_close(&w);
}

static void each_address_has_its_own_ports_while_spaces_last(void)
{
	struct nat_space *s, *r;
	struct world w;
	uint16_t a;

	world_open(&w, 2, 2000, 2003);
	a = nat_ports_enter(&w.t);
	s = nat_ports_open(&w.t, 1);
	r = nat_ports_open(&w.t, 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_PTR_NOT_EQUAL(s, r);
	CU_ASSERT_PTR_EQUAL(nat_ports_open(&w.t, 1), s);
	CU_ASSERT_PTR_NULL(nat_ports_open(&w.t, 3));
	CU_ASSERT(nat_port_take(&w.t, s, 2000, a, 0));
	CU_ASSERT(nat_port_is_nobodys(r, 2000));
	nat_ports_close(&w.t, s);
	CU_ASSERT_PTR_NULL(nat_ports_of(&w.t, 1));
	s = nat_ports_open(&w.t, 3);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT(nat_port_is_nobodys(s, 2000));
	CU_ASSERT_EQUAL(s->held[a], 0);
	nat_ports_reset(&w.t);
	CU_ASSERT_PTR_NULL(nat_ports_of(&w.t, 3));
	world_close(&w);
}

/* Ports outside the range can be asked for by number, but are never chosen. */
static void a_port_outside_the_range_is_never_chosen(void)
{
	struct nat_space *s;
	struct world w;
	uint16_t a;

	world_open(&w, 1, 2000, 2003);
	a = nat_ports_enter(&w.t);
	s = nat_ports_open(&w.t, 1);
	CU_ASSERT(nat_port_take(&w.t, s, 80, a, 0));
	CU_ASSERT_EQUAL(s->free_n, 4);
	nat_port_drop(&w.t, s, 80, 0);
	CU_ASSERT_EQUAL(nat_port_idle(&w.t, s, 2000, a, 0), 0);
	nat_ports_sweep(&w.t, 65536, HOLD_MS * 2);
	CU_ASSERT_EQUAL(s->leased, 0);
	CU_ASSERT(!nat_port_is_nobodys(s, 80));
	world_close(&w);
}

/* Counts agree with the leases after any history. */
static void counts_agree_after_any_history(void)
{
	uint32_t rounds = 100000 * (uint32_t)unit_soak();
	uint16_t who[3], use[64] = { 0 }, of[64] = { 0 };
	uint32_t held = 0, idle = 0, free_n = 0;
	uint64_t now_ms = 1;
	struct nat_space *s;
	struct world w;

	world_open(&w, 1, 3000, 3063);
	for (int i = 0; i < 3; i++)
		who[i] = nat_ports_enter(&w.t);
	s = nat_ports_open(&w.t, 1);
	for (uint32_t n = 0; n < rounds; n++) {
		uint32_t r = (uint32_t)pkt_rand_u64(&w.t.rand);
		uint16_t i = r % 64, port = (uint16_t)(3000 + i);

		now_ms += r >> 8 & 0xfff;
		if (use[i] && (r & 0x80000000)) {
			nat_port_drop(&w.t, s, port, now_ms);
			use[i]--;
		} else {
			uint16_t me = who[(r >> 24) % 3];

			if (nat_port_take(&w.t, s, port, me, now_ms)) {
				CU_ASSERT(!use[i] || of[i] == me);
				of[i] = me;
				use[i]++;
			} else {
				CU_ASSERT(of[i] != me ||
					  use[i] == NAT_PORT_USERS);
			}
		}
		CU_ASSERT_EQUAL(nat_port_users(s, port), use[i]);
		nat_ports_sweep(&w.t, 300, now_ms);
	}
	for (int i = 0; i < 3; i++) {
		held += s->held[who[i]];
		idle += s->idle[who[i]];
	}
	for (uint16_t port = 3000; port < 3064; port++) {
		free_n += nat_port_is_nobodys(s, port);
		idle -= nat_port_lessee(s, port) && !nat_port_users(s, port);
	}
	CU_ASSERT_EQUAL(held + free_n, 64);
	CU_ASSERT_EQUAL(s->leased, held);
	CU_ASSERT_EQUAL(s->free_n, free_n);
	CU_ASSERT_EQUAL(idle, 0);
	world_close(&w);
}

/* Whose port and in which state is drawn; few, or almost all. */
static void lease_at_random(struct world *w, struct nat_space *s,
			    const uint16_t lessee[3], uint32_t one_in)
{
	struct pkt_rand r;
	uint8_t seed[16] = { 9, (uint8_t)unit_seed() };

	pkt_rand_seed(&r, seed);
	for (uint32_t port = w->t.lo; port <= w->t.hi; port++) {
		uint64_t x = pkt_rand_u64(&r);
		uint16_t who = lessee[x % 3];

		if (x / 3 % one_in)
			continue;
		CU_ASSERT(nat_port_take(&w->t, s, (uint16_t)port, who, 0));
		if (x >> 40 & 1)
			nat_port_drop(&w->t, s, (uint16_t)port, x >> 48);
	}
}

/* Port by port, what a walk by blocks must come to. */
static void a_walk_meets_each_port_once_and_passes_none_over(void)
{
	static const uint32_t one_in[] = { 1, 7, 500, 40000 };
	static const uint16_t start[] = { 1030, 1087, 1088, 2000, 4000 };

	for (uint32_t k = 0; k < sizeof(one_in) / sizeof(one_in[0]); k++) {
		struct nat_space *s;
		uint16_t lessee[3];
		struct world w;

		world_open(&w, 1, 1030, 4000);
		s = nat_ports_open(&w.t, 1);
		for (int i = 0; i < 3; i++)
			lessee[i] = nat_ports_enter(&w.t);
		lease_at_random(&w, s, lessee, one_in[k]);
		for (uint32_t i = 0; i < sizeof(start) / sizeof(start[0]);
		     i++) {
			struct nat_walk walk = nat_port_walk(&w.t, start[i]);
			uint16_t port = start[i], idle = 0;

			do {
				bool in_use = nat_port_users(s, port);
				bool mine =
					nat_port_lessee(s, port) == lessee[0];

				if (mine && in_use)
					CU_ASSERT_EQUAL(
						nat_port_shared(&w.t, s, &walk,
								lessee[0]),
						port);
				if (mine && !in_use && !idle)
					idle = port;
				port = port < 4000 ? port + 1 : 1030;
			} while (port != start[i]);
			CU_ASSERT_EQUAL(
				nat_port_shared(&w.t, s, &walk, lessee[0]), 0);
			CU_ASSERT_EQUAL(nat_port_idle(&w.t, s, start[i],
						      lessee[0], 65536),
					idle);
			s->look_ms = 0;
		}
		world_close(&w);
	}
}

UNIT_SUITE(nat_ports, UNIT(a_walk_meets_each_port_once_and_passes_none_over),
	   UNIT(R34_ports_are_uniform),
	   UNIT(a_free_port_is_found_from_any_start_and_round_the_end),
	   UNIT(R38_a_freed_port_is_its_owners_for_the_hold_time),
	   UNIT(a_port_counts_its_users),
	   UNIT(R95_a_lessee_number_comes_back_only_when_no_port_is_held),
	   UNIT(each_address_has_its_own_ports_while_spaces_last),
	   UNIT(a_port_outside_the_range_is_never_chosen),
	   UNIT(counts_agree_after_any_history))
