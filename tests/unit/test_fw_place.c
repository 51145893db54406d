/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "firewall/path/place.h"
#include "mock/addrs.h"
#include "packet/pkt_arena.h"
#include "packet/pkt_assert.h"
#include "unit.h"

#define MAX 64u

static struct place_map *map_new(void **mem)
{
	size_t len = place_size(MAX);
	const struct pkt_hash_key key = { 1, 2 };

	*mem = aligned_alloc(PKT_ARENA_ALIGN,
			     (len + PKT_ARENA_ALIGN - 1) &
				     ~(size_t)(PKT_ARENA_ALIGN - 1));
	CU_ASSERT_PTR_NOT_NULL_FATAL(*mem);
	memset(*mem, 0xa5, len);
	return place_init(*mem, len, MAX, &key);
}

static void put(struct place_map *m, const char *at, uint16_t client,
		uint8_t flags)
{
	struct pkt_prefix p = prefix(at);

	place_put(m, &p, (struct place){ client, flags });
}

static struct place find(const struct place_map *m, const char *at)
{
	struct pkt_prefix p = prefix(at);

	return place_find(m, &p.addr);
}

static void what_nobody_put_is_the_world(void)
{
	void *mem;
	struct place_map *m = map_new(&mem);

	CU_ASSERT_EQUAL(find(m, "192.0.2.1").flags, 0);
	place_begin(m);
	put(m, "10.137.0.5", 5, PLACE_CLIENT);
	place_commit(m);
	CU_ASSERT_EQUAL(find(m, "192.0.2.1").flags, 0);
	CU_ASSERT_EQUAL(find(m, "2001:db8::1").flags, 0);
	free(mem);
}

static void an_address_is_found_with_its_client(void)
{
	void *mem;
	struct place_map *m = map_new(&mem);

	place_begin(m);
	put(m, "10.137.0.5", 5, PLACE_CLIENT);
	put(m, "fd09:24ef:4179::5", 5, PLACE_CLIENT);
	place_commit(m);
	CU_ASSERT_EQUAL(find(m, "10.137.0.5").client, 5);
	CU_ASSERT_EQUAL(find(m, "10.137.0.5").flags, PLACE_CLIENT);
	CU_ASSERT_EQUAL(find(m, "fd09:24ef:4179::5").client, 5);
	free(mem);
}

static void flags_of_one_address_add_up_in_any_order(void)
{
	void *mem;
	struct place_map *m = map_new(&mem);

	place_begin(m);
	put(m, "10.137.0.5", 0, PLACE_GUARD);
	put(m, "10.137.0.5", 5, PLACE_CLIENT);
	put(m, "10.138.0.1", 0, PLACE_GATEWAY);
	put(m, "10.138.0.1", 0, PLACE_OUTSIDE);
	place_commit(m);
	CU_ASSERT_EQUAL(find(m, "10.137.0.5").flags,
			PLACE_CLIENT | PLACE_GUARD);
	CU_ASSERT_EQUAL(find(m, "10.137.0.5").client, 5);
	CU_ASSERT_EQUAL(find(m, "10.138.0.1").flags,
			PLACE_GATEWAY | PLACE_OUTSIDE);
	free(mem);
}

static void the_longest_prefix_wins(void)
{
	void *mem;
	struct place_map *m = map_new(&mem);

	place_begin(m);
	put(m, "10.0.0.0/8", 1, PLACE_CLIENT);
	put(m, "10.1.2.77/24", 2, PLACE_CLIENT); /* host bits don't matter */
	put(m, "10.1.2.3", 3, PLACE_CLIENT);
	put(m, "2001:db8::/33", 4, PLACE_CLIENT);
	place_commit(m);
	CU_ASSERT_EQUAL(find(m, "10.9.9.9").client, 1);
	CU_ASSERT_EQUAL(find(m, "10.1.2.4").client, 2);
	CU_ASSERT_EQUAL(find(m, "10.1.2.3").client, 3);
	CU_ASSERT_EQUAL(find(m, "11.0.0.1").flags, 0);
	CU_ASSERT_EQUAL(find(m, "2001:db8:7fff::1").client, 4);
	CU_ASSERT_EQUAL(find(m, "2001:db8:8000::1").flags, 0);
	free(mem);
}

static void nothing_changes_before_the_commit_and_nothing_old_stays(void)
{
	void *mem;
	struct place_map *m = map_new(&mem);

	for (uint16_t round = 1; round < 5; round++) {
		char was[32], is[32];

		snprintf(was, sizeof(was), "10.0.0.%u", round - 1u);
		snprintf(is, sizeof(is), "10.0.0.%u", round);
		place_begin(m);
		put(m, is, round, PLACE_CLIENT);
		CU_ASSERT_EQUAL(find(m, is).flags, 0);
		place_commit(m);
		CU_ASSERT_EQUAL(find(m, is).client, round);
		CU_ASSERT_EQUAL(find(m, was).flags, 0);
	}
	free(mem);
}

static void it_holds_as_many_as_it_was_made_for(void)
{
	void *mem;
	struct place_map *m = map_new(&mem);
	char text[32];

	place_begin(m);
	for (unsigned int i = 0; i < MAX; i++) {
		snprintf(text, sizeof(text), "10.0.%u.1", i);
		put(m, text, (uint16_t)(i + 1), PLACE_CLIENT);
	}
	place_commit(m);
	for (unsigned int i = 0; i < MAX; i++) {
		snprintf(text, sizeof(text), "10.0.%u.1", i);
		CU_ASSERT_EQUAL(find(m, text).client, i + 1);
	}
	free(mem);
}

UNIT_SUITE(fw_place, UNIT(what_nobody_put_is_the_world),
	   UNIT(an_address_is_found_with_its_client),
	   UNIT(flags_of_one_address_add_up_in_any_order),
	   UNIT(the_longest_prefix_wins),
	   UNIT(nothing_changes_before_the_commit_and_nothing_old_stays),
	   UNIT(it_holds_as_many_as_it_was_made_for))
