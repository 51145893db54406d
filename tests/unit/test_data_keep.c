/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a data process adopts the flow table that it finds. */
#include <stdlib.h>

#include "mock/data_bed.h"
#include "mock/lab.h"
#include "unit.h"

static struct fw_conf conf;
static struct data_keep keep;
static struct mono now;
static uint8_t *mem;
static size_t len;

static void begin(void)
{
	conf = lab_conf();
	len = data_keep_size(&conf);
	mem = aligned_alloc(PKT_ARENA_ALIGN, pkt_arena_cost(len));
	vw_assert(mem);
	memset(mem, 0, len);
	now.ns = 1000 * MONO_S;
}

/* A process begins; does it adopt what is there? */
static bool adopts(void)
{
	data_keep_open(&keep, mem, &conf);
	CU_ASSERT_PTR_EQUAL(conf.table, mem);
	return conf.adopt;
}

static void has_begun(void)
{
	data_keep_begin(&keep, now);
}

static void lives_for(uint64_t ms)
{
	now = mono_add_ms(now, ms);
	data_keep_tick(&keep, now);
}

static void only_a_table_that_was_finished_is_adopted(void)
{
	begin();
	CU_ASSERT(!adopts());
	/* it died while it made its table */
	CU_ASSERT(!adopts());
	has_begun();
	CU_ASSERT(adopts());
	free(mem);
}

static void who_dies_of_a_table_leaves_it_to_nobody(void)
{
	begin();
	(void)adopts();
	has_begun();
	CU_ASSERT(adopts());
	/* died while it adopted */
	CU_ASSERT(!adopts());
	has_begun();
	CU_ASSERT(adopts());
	has_begun();
	lives_for(9999);
	/* died soon after */
	CU_ASSERT(!adopts());
	free(mem);
}

static void who_lives_on_leaves_it_to_the_next(void)
{
	begin();
	(void)adopts();
	for (int i = 0; i < 5; i++) {
		has_begun();
		lives_for(4000);
		lives_for(6000);
		CU_ASSERT(adopts());
	}
	free(mem);
}

static void a_broken_head_is_no_table(void)
{
	size_t table, broken = 0;

	begin();
	table = fw_table_size(&conf);
	for (size_t at = table; at < len; at++) {
		(void)adopts();
		has_begun();
		lives_for(20000);
		mem[at] ^= 1;
		broken += !adopts();
		memset(mem + table, 0, len - table);
	}
	/* but for what fills it up */
	CU_ASSERT_EQUAL(broken, 8 + 8 + 4);
	free(mem);
}

static void a_table_of_another_size_is_no_table(void)
{
	begin();
	(void)adopts();
	has_begun();
	conf.nat.flows--;
	CU_ASSERT(!adopts());
	free(mem);
}

static void control_says_that_it_was_all(void)
{
	static struct data_bed bed;

	data_bed_open(&bed);
	CU_ASSERT_EQUAL(data_bed_ask(&bed, MSG_SETTLED, NULL, -1), 0);
	data_bed_close(&bed);
}

UNIT_SUITE(data_keep, UNIT(only_a_table_that_was_finished_is_adopted),
	   UNIT(who_dies_of_a_table_leaves_it_to_nobody),
	   UNIT(who_lives_on_leaves_it_to_the_next),
	   UNIT(a_broken_head_is_no_table),
	   UNIT(a_table_of_another_size_is_no_table),
	   UNIT(control_says_that_it_was_all))
