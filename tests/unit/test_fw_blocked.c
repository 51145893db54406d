/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "firewall/path/blocked.h"
#include "unit.h"

#define CLIENTS 8u

static struct view_blocked rows[VIEW_BLOCKED_N];
static struct blocked *b;

static void fresh(void)
{
	const struct pkt_hash_key key = { 3, 4 };
	size_t len = blocked_size(CLIENTS);

	free(b);
	b = aligned_alloc(64, len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	memset(b, 0xa5, len);
	memset(rows, 0xa5, sizeof(rows));
	b = blocked_init(b, len, CLIENTS, rows, &key);
}

static struct view_blocked kind(uint16_t client, uint16_t dport)
{
	return (struct view_blocked){
		.dst = { { [15] = 1 } },
		.client = client,
		.dport = dport,
		.rule = 7,
		.proto = 6,
		.reason = PKT_REASON_RULE,
	};
}

static void note(const struct view_blocked *k, uint64_t ns)
{
	blocked_note(b, k, (struct mono){ ns });
}

static const struct view_blocked *row_of(uint16_t client, uint16_t dport)
{
	for (uint32_t i = 0; i < VIEW_BLOCKED_N; i++)
		if (rows[i].count && rows[i].client == client &&
		    rows[i].dport == dport)
			return &rows[i];
	return NULL;
}

static uint32_t rows_of(uint16_t client)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < VIEW_BLOCKED_N; i++)
		n += rows[i].count && rows[i].client == client;
	return n;
}

static void N5_the_same_refusal_is_counted_in_one_row(void)
{
	struct view_blocked k = kind(1, 80);
	const struct view_blocked *r;

	fresh();
	for (uint64_t i = 10; i < 13; i++)
		note(&k, i);
	r = row_of(1, 80);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(r->count, 3);
	CU_ASSERT_EQUAL(r->first_ns, 10);
	CU_ASSERT_EQUAL(r->last_ns, 12);
	CU_ASSERT_EQUAL(r->rule, 7);
	CU_ASSERT_EQUAL(rows_of(1), 1);
}

static void N5_each_part_of_the_key_makes_a_row_of_its_own(void)
{
	struct view_blocked k[7];

	fresh();
	for (size_t i = 0; i < 7; i++)
		k[i] = kind(1, 80);
	k[1].client = 2;
	k[2].dport = 81;
	k[3].rule = 8;
	k[4].proto = 17;
	k[5].reason = PKT_REASON_POLICY;
	k[6].dst.b[0] = 1;
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < 7; i++)
			note(&k[i], i);
	CU_ASSERT_EQUAL(rows_of(1) + rows_of(2), 7);
	for (uint32_t i = 0; i < 7; i++)
		CU_ASSERT_EQUAL(rows[i].count, 2);
}

static void the_source_is_that_of_the_newest_packet(void)
{
	struct view_blocked k = kind(1, 80);

	fresh();
	note(&k, 1);
	k.src.b[15] = 9;
	note(&k, 2);
	CU_ASSERT_EQUAL(rows_of(1), 1);
	CU_ASSERT_EQUAL(row_of(1, 80)->src.b[15], 9);
}

static void N5_a_client_holds_half_of_the_rows_at_most(void)
{
	struct view_blocked quiet = kind(2, 443);

	fresh();
	note(&quiet, 1);
	for (uint16_t port = 1; port < 5000; port++) {
		struct view_blocked k = kind(1, port);

		note(&k, port);
		CU_ASSERT(rows_of(1) <= VIEW_BLOCKED_N / 2);
	}
	CU_ASSERT_EQUAL(rows_of(1), VIEW_BLOCKED_N / 2);
	CU_ASSERT_PTR_NOT_NULL(row_of(2, 443));
	/* its newest are what is left of it */
	CU_ASSERT_PTR_NOT_NULL(row_of(1, 4999));
	CU_ASSERT_PTR_NULL(row_of(1, 4999 - VIEW_BLOCKED_N / 2));
}

static void the_row_hit_longest_ago_makes_room(void)
{
	struct view_blocked first = kind(1, 1), second = kind(1, 2);

	fresh();
	note(&first, 1);
	note(&second, 2);
	note(&first, 3); /* now the second is the oldest */
	for (uint16_t i = 0; i < VIEW_BLOCKED_N - 2; i++) {
		struct view_blocked k = kind((uint16_t)(2 + i % 3), i);

		note(&k, 4);
	}
	CU_ASSERT_PTR_NOT_NULL(row_of(1, 2));
	note(&(struct view_blocked){ .client = 5 }, 5);
	CU_ASSERT_PTR_NULL(row_of(1, 2));
	CU_ASSERT_PTR_NOT_NULL(row_of(1, 1));
}

static void random_notes_always_land_in_their_row(void)
{
	uint64_t now = 1;
	unsigned long seed = unit_seed();

	fresh();
	for (unsigned long i = 0; i < 20000 * unit_soak(); i++) {
		struct view_blocked k;
		const struct view_blocked *r;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		if ((seed >> 50) % 100 == 0) {
			uint16_t who = (uint16_t)((seed >> 33) % (CLIENTS + 1));

			blocked_forget(b, who);
			CU_ASSERT_EQUAL_FATAL(rows_of(who), 0);
			continue;
		}
		k = kind((uint16_t)((seed >> 33) % (CLIENTS + 1)),
			 (uint16_t)((seed >> 40) % 300));
		note(&k, now);
		r = row_of(k.client, k.dport);
		CU_ASSERT_PTR_NOT_NULL_FATAL(r);
		CU_ASSERT_EQUAL_FATAL(r->last_ns, now);
		now++;
	}
}

/* The number is another guest's next. */
static void who_goes_takes_its_rows_along(void)
{
	struct view_blocked k = kind(2, 443), out;

	fresh();
	note(&k, 1);
	for (uint16_t port = 1; port < 1000; port++) {
		struct view_blocked mine = kind(1, port);

		note(&mine, port);
	}
	blocked_forget(b, 1);
	blocked_forget(b, 3); /* has none */
	CU_ASSERT_EQUAL(rows_of(1), 0);
	CU_ASSERT_EQUAL(rows_of(2), 1);
	for (uint32_t i = 0; i < VIEW_BLOCKED_N; i++)
		CU_ASSERT(view_blocked_read(&out, &rows[i]) &&
			  out.src.b[15] == 0);
	/* whoever has it next begins with nothing, and has all its room */
	for (uint16_t port = 500; port < 2500; port++) {
		struct view_blocked next = kind(1, port);

		note(&next, port);
		CU_ASSERT_EQUAL(row_of(1, port)->count, 1);
		CU_ASSERT_EQUAL(row_of(1, port)->first_ns, port);
	}
	CU_ASSERT_EQUAL(rows_of(1), VIEW_BLOCKED_N / 2);
	CU_ASSERT_PTR_NOT_NULL(row_of(2, 443));
}

static void a_row_being_written_is_not_read(void)
{
	struct view_blocked k = kind(1, 80), out;

	fresh();
	note(&k, 1);
	CU_ASSERT(view_blocked_read(&out, &rows[0]));
	CU_ASSERT_EQUAL(out.count, 1);
	rows[0].seq++;
	CU_ASSERT_FALSE(view_blocked_read(&out, &rows[0]));
	free(b);
	b = NULL;
}

UNIT_SUITE(fw_blocked, UNIT(N5_the_same_refusal_is_counted_in_one_row),
	   UNIT(N5_each_part_of_the_key_makes_a_row_of_its_own),
	   UNIT(the_source_is_that_of_the_newest_packet),
	   UNIT(N5_a_client_holds_half_of_the_rows_at_most),
	   UNIT(the_row_hit_longest_ago_makes_room),
	   UNIT(random_notes_always_land_in_their_row),
	   UNIT(who_goes_takes_its_rows_along),
	   UNIT(a_row_being_written_is_not_read))
