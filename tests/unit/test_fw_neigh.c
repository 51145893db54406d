/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "firewall/path/neigh.h"
#include "unit.h"

#define PORT 3u
#define ENTRIES 8u /* one set */

static struct neigh_table *t;
static const struct pkt_mac mac1 = { { 2, 0, 0, 0, 0, 1 } };
static const struct pkt_mac mac2 = { { 2, 0, 0, 0, 0, 2 } };

static void fresh(void)
{
	const struct pkt_hash_key key = { 5, 6 };
	size_t len = neigh_size(ENTRIES);

	free(t);
	t = aligned_alloc(64, (len + 63) & ~(size_t)63);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	t = neigh_init(t, len, ENTRIES, &key);
}

static struct pkt_addr addr(uint8_t last)
{
	return pkt_addr_v4((uint8_t[4]){ 192, 0, 2, last });
}

static struct mono at(uint64_t ms)
{
	return (struct mono){ ms * MONO_MS };
}

static struct neigh *heard(uint8_t last, const struct pkt_mac *mac, bool answer,
			   bool *moved, uint64_t ms)
{
	struct pkt_addr a = addr(last);

	return neigh_heard(t, PORT, &a, mac, answer, moved, at(ms));
}

static struct neigh *get(uint8_t last)
{
	struct pkt_addr a = addr(last);

	return neigh_get(t, PORT, &a);
}

static struct neigh *known(uint8_t last, uint64_t ms)
{
	struct neigh *e = get(last);
	bool moved;

	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	CU_ASSERT_EQUAL(neigh_want(e, at(ms)), NEIGH_ASK);
	CU_ASSERT_PTR_EQUAL(heard(last, &mac1, true, &moved, ms), e);
	return e;
}

static void the_first_packet_asks_and_the_answer_fills_the_entry(void)
{
	struct neigh *e;
	bool moved;

	fresh();
	e = get(1);
	CU_ASSERT_EQUAL(neigh_want(e, at(0)), NEIGH_ASK);
	CU_ASSERT_EQUAL(neigh_want(e, at(1)), NEIGH_NOTHING);
	CU_ASSERT_PTR_EQUAL(heard(1, &mac1, true, &moved, 2), e);
	CU_ASSERT_FALSE(moved);
	CU_ASSERT_EQUAL(neigh_want(e, at(3)), NEIGH_USE);
	CU_ASSERT_EQUAL(memcmp(&e->mac, &mac1, sizeof(mac1)), 0);
}

static void questions_are_repeated_with_back_off_and_then_given_up(void)
{
	struct neigh *e;

	fresh();
	e = get(1);
	CU_ASSERT_EQUAL(neigh_want(e, at(0)), NEIGH_ASK);
	CU_ASSERT_EQUAL(neigh_step(e, at(99)), NEIGH_NOTHING);
	CU_ASSERT_EQUAL(neigh_step(e, at(100)), NEIGH_ASK);
	CU_ASSERT_EQUAL(neigh_step(e, at(999)), NEIGH_NOTHING);
	CU_ASSERT_EQUAL(neigh_step(e, at(1000)), NEIGH_ASK);
	CU_ASSERT_EQUAL(neigh_step(e, at(2999)), NEIGH_NOTHING);
	CU_ASSERT_EQUAL(neigh_step(e, at(3000)), NEIGH_ASK);
	CU_ASSERT_EQUAL(neigh_step(e, at(6999)), NEIGH_NOTHING);
	CU_ASSERT_EQUAL(neigh_step(e, at(7000)), NEIGH_GIVE_UP);
	/* a little while nobody is asked */
	CU_ASSERT_EQUAL(neigh_want(e, at(9999)), NEIGH_GIVE_UP);
	CU_ASSERT_EQUAL(neigh_want(e, at(10000)), NEIGH_ASK);
}

static void a_failed_entry_is_free_after_a_while(void)
{
	struct neigh *e;

	fresh();
	e = get(1);
	neigh_want(e, at(0));
	neigh_step(e, at(100));
	neigh_step(e, at(1000));
	neigh_step(e, at(3000));
	neigh_step(e, at(7000));
	CU_ASSERT_EQUAL(neigh_step(e, at(10000)), NEIGH_NOTHING);
	CU_ASSERT_EQUAL(e->state, NEIGH_FREE);
}

static void R85_an_answer_to_no_question_is_ignored(void)
{
	bool moved;
	struct pkt_addr a = addr(1);

	fresh();
	CU_ASSERT_PTR_NULL(heard(1, &mac1, true, &moved, 0));
	CU_ASSERT_PTR_NULL(neigh_find(t, PORT, &a));
}

static void R85_what_is_said_unasked_fills_nothing(void)
{
	struct neigh *e;
	bool moved;

	fresh();
	e = get(1);
	neigh_want(e, at(0));
	CU_ASSERT_PTR_NULL(heard(1, &mac2, false, &moved, 1));
	CU_ASSERT_EQUAL(e->state, NEIGH_ASKING);
}

static void R85_a_known_address_does_not_move_unasked(void)
{
	struct neigh *e;
	bool moved;

	fresh();
	e = known(1, 0);
	CU_ASSERT_PTR_NULL(heard(1, &mac2, true, &moved, 20000));
	CU_ASSERT_FALSE(moved);
	CU_ASSERT_PTR_NULL(heard(1, &mac2, false, &moved, 20000));
	CU_ASSERT_EQUAL(memcmp(&e->mac, &mac1, sizeof(mac1)), 0);
}

static void R85_a_move_is_taken_when_asked_and_once_in_five_seconds(void)
{
	struct neigh *e;
	bool moved;

	fresh();
	e = known(1, 0);
	neigh_want(e, at(1));
	CU_ASSERT_EQUAL(neigh_step(e, at(30000)), NEIGH_ASK);
	CU_ASSERT_EQUAL(e->state, NEIGH_CHECKING);
	CU_ASSERT_EQUAL(neigh_want(e, at(30001)), NEIGH_USE);
	heard(1, &mac2, true, &moved, 30002);
	CU_ASSERT_TRUE(moved);
	CU_ASSERT_EQUAL(memcmp(&e->mac, &mac2, sizeof(mac2)), 0);

	e->state = NEIGH_CHECKING; /* as if it were asked again at once */
	heard(1, &mac1, true, &moved, 35001);
	CU_ASSERT_FALSE(moved);
	CU_ASSERT_EQUAL(memcmp(&e->mac, &mac2, sizeof(mac2)), 0);
	heard(1, &mac1, true, &moved, 35002);
	CU_ASSERT_TRUE(moved);
}

static void an_entry_in_use_is_asked_again_and_an_idle_one_is_freed(void)
{
	struct neigh *used, *idle;

	fresh();
	used = known(1, 0);
	idle = known(2, 0);
	neigh_want(used, at(1));
	CU_ASSERT_EQUAL(neigh_step(used, at(29999)), NEIGH_NOTHING);
	CU_ASSERT_EQUAL(neigh_step(used, at(30000)), NEIGH_ASK);
	CU_ASSERT_EQUAL(neigh_step(idle, at(30000)), NEIGH_NOTHING);
	CU_ASSERT_EQUAL(idle->state, NEIGH_FREE);
}

static void a_neighbour_that_went_silent_is_asked_anew(void)
{
	struct neigh *e;

	fresh();
	e = known(1, 0);
	neigh_want(e, at(1));
	CU_ASSERT_EQUAL(neigh_step(e, at(30000)), NEIGH_ASK);
	CU_ASSERT_EQUAL(neigh_step(e, at(30100)), NEIGH_ASK);
	CU_ASSERT_EQUAL(neigh_step(e, at(31000)), NEIGH_ASK);
	CU_ASSERT_EQUAL(neigh_step(e, at(33000)), NEIGH_ASK);
	CU_ASSERT_EQUAL(e->state, NEIGH_CHECKING);
	CU_ASSERT_EQUAL(neigh_step(e, at(37000)), NEIGH_ASK);
	CU_ASSERT_EQUAL(e->state, NEIGH_ASKING);
	CU_ASSERT_EQUAL(neigh_want(e, at(37001)), NEIGH_NOTHING);
}

static void what_it_says_itself_refreshes_a_known_address(void)
{
	struct neigh *e;
	bool moved;

	fresh();
	e = known(1, 0);
	CU_ASSERT_PTR_NULL(heard(1, &mac1, false, &moved, 20000));
	CU_ASSERT_FALSE(moved);
	CU_ASSERT_EQUAL(neigh_step(e, at(49999)), NEIGH_NOTHING);
	CU_ASSERT_EQUAL(e->state, NEIGH_KNOWN);
}

static void a_full_set_gives_away_nothing_that_is_in_use(void)
{
	fresh();
	for (uint8_t i = 0; i < ENTRIES; i++)
		neigh_want(known(i, 0), at(1));
	CU_ASSERT_PTR_NULL(get(100));
}

static void a_full_set_gives_away_what_failed_before_what_is_idle(void)
{
	struct neigh *failed, *e;
	struct pkt_addr idle = addr(3);

	fresh();
	for (uint8_t i = 0; i < ENTRIES - 1; i++)
		known(i, 0);
	failed = get(ENTRIES - 1);
	neigh_want(failed, at(0));
	neigh_step(failed, at(100));
	neigh_step(failed, at(1000));
	neigh_step(failed, at(3000));
	neigh_step(failed, at(7000));
	e = get(100);
	CU_ASSERT_PTR_EQUAL(e, failed);
	neigh_want(e, at(7000));
	CU_ASSERT_PTR_NOT_NULL(get(101));
	CU_ASSERT_PTR_NOT_NULL(neigh_find(t, PORT, &idle));
}

static void the_same_address_on_another_port_is_another_neighbour(void)
{
	struct pkt_addr a = addr(1);

	fresh();
	known(1, 0);
	CU_ASSERT_PTR_NULL(neigh_find(t, PORT + 1, &a));
	CU_ASSERT_EQUAL(neigh_get(t, PORT + 1, &a)->state, NEIGH_FREE);
}

static void a_gateway_has_its_place_in_a_full_table(void)
{
	struct pkt_addr gw = addr(254);
	struct neigh *e;
	bool moved;

	fresh();
	neigh_reserve(t, 0, PORT, &gw);
	for (uint8_t i = 0; i < ENTRIES; i++)
		neigh_want(known(i, 0), at(1));
	e = neigh_get(t, PORT, &gw);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	CU_ASSERT_EQUAL(neigh_want(e, at(2)), NEIGH_ASK);
	CU_ASSERT_PTR_EQUAL(heard(254, &mac2, true, &moved, 3), e);
	CU_ASSERT_PTR_EQUAL(neigh_find(t, PORT, &gw), e);
	free(t);
	t = NULL;
}

UNIT_SUITE(fw_neigh, UNIT(the_first_packet_asks_and_the_answer_fills_the_entry),
	   UNIT(questions_are_repeated_with_back_off_and_then_given_up),
	   UNIT(a_failed_entry_is_free_after_a_while),
	   UNIT(R85_an_answer_to_no_question_is_ignored),
	   UNIT(R85_what_is_said_unasked_fills_nothing),
	   UNIT(R85_a_known_address_does_not_move_unasked),
	   UNIT(R85_a_move_is_taken_when_asked_and_once_in_five_seconds),
	   UNIT(an_entry_in_use_is_asked_again_and_an_idle_one_is_freed),
	   UNIT(a_neighbour_that_went_silent_is_asked_anew),
	   UNIT(what_it_says_itself_refreshes_a_known_address),
	   UNIT(a_full_set_gives_away_nothing_that_is_in_use),
	   UNIT(a_full_set_gives_away_what_failed_before_what_is_idle),
	   UNIT(the_same_address_on_another_port_is_another_neighbour),
	   UNIT(a_gateway_has_its_place_in_a_full_table))
