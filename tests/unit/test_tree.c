/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/control/source/tree.h"
#include "unit.h"

static char events[512];

static void note(void *ctx, const char *path, bool removed)
{
	size_t n = strlen(events);

	CU_ASSERT_PTR_EQUAL(ctx, events);
	snprintf(events + n, sizeof(events) - n, "%c%s ", removed ? '-' : '+',
		 path);
}

static struct tree *fresh(size_t bytes)
{
	struct tree *t = tree_new(bytes, note, events);

	CU_ASSERT_FATAL(t != NULL);
	events[0] = '\0';
	return t;
}

static int put(struct tree *t, const char *path, const char *value)
{
	return tree_write(t, path, value, strlen(value));
}

static void what_is_written_is_read(void)
{
	struct tree *t = fresh(10000);
	struct tree_key k;

	CU_ASSERT_EQUAL(put(t, "/a", "one"), 0);
	CU_ASSERT_EQUAL(put(t, "/a/b", ""), 0);
	CU_ASSERT_EQUAL(put(t, "/a", "two!"), 0);
	CU_ASSERT_FATAL(tree_read(t, "/a", &k));
	CU_ASSERT_STRING_EQUAL(k.value, "two!");
	CU_ASSERT_EQUAL(k.len, 4);
	CU_ASSERT_FATAL(tree_read(t, "/a/b", &k));
	CU_ASSERT_EQUAL(k.len, 0);
	CU_ASSERT(!tree_read(t, "/b", &k));
	CU_ASSERT_EQUAL(tree_keys(t), 2);
	tree_free(t);
}

static void writes_and_removals_are_told_in_order(void)
{
	struct tree *t = fresh(10000);

	CU_ASSERT_EQUAL(put(t, "/f/1/policy", "drop"), 0);
	CU_ASSERT_EQUAL(put(t, "/f/1", ""), 0);
	CU_ASSERT_EQUAL(put(t, "/f/1", ""), 0);
	CU_ASSERT_EQUAL(tree_remove(t, "/f/1/"), 1);
	CU_ASSERT_EQUAL(tree_remove(t, "/f/1/"), 0);
	CU_ASSERT_EQUAL(tree_remove(t, "/f/1"), 1);
	CU_ASSERT_EQUAL(tree_remove(t, "/f/1"), 0);
	CU_ASSERT_STRING_EQUAL(events,
			       "+/f/1/policy +/f/1 +/f/1 -/f/1/ -/f/1 ");
	tree_free(t);
}

static void a_key_may_be_removed_by_its_own_path(void)
{
	struct tree *t = fresh(10000);
	struct tree_key k;

	CU_ASSERT_EQUAL(put(t, "/f/1", "x"), 0);
	CU_ASSERT_FATAL(tree_next(t, "/f", NULL, &k));
	CU_ASSERT_EQUAL(tree_remove(t, k.path), 1);
	CU_ASSERT_STRING_EQUAL(events, "+/f/1 -/f/1 ");
	CU_ASSERT_EQUAL(tree_remove(t, "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
			0);
	tree_free(t);
}

static void a_directory_is_removed_with_all_below_and_nothing_beside(void)
{
	struct tree *t = fresh(10000);
	struct tree_key k;

	CU_ASSERT_EQUAL(put(t, "/f/10.0.0.1", ""), 0);
	CU_ASSERT_EQUAL(put(t, "/f/10.0.0.1/0000", "x"), 0);
	CU_ASSERT_EQUAL(put(t, "/f/10.0.0.1/0001", "x"), 0);
	CU_ASSERT_EQUAL(put(t, "/f/10.0.0.12/0000", "x"), 0);
	CU_ASSERT_EQUAL(tree_remove(t, "/f/10.0.0.1/"), 2);
	CU_ASSERT(tree_read(t, "/f/10.0.0.1", &k));
	CU_ASSERT(tree_read(t, "/f/10.0.0.12/0000", &k));
	CU_ASSERT_EQUAL(tree_keys(t), 2);
	tree_free(t);
}

static void paths_that_qubesdb_refuses_are_refused(void)
{
	static const char *const bad[] = {
		"",
		"/",
		"a",
		"a/b",
		"/a/",
		"/a b",
		"/a\n",
		"/a=b",
		"/\xff",
		"/a%s",
		("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "a"
		 "aa"),
	};
	struct tree *t = fresh(10000);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(put(t, bad[i], "x"), -EINVAL);
	CU_ASSERT_EQUAL(put(t, "/fd09:24ef:4179::a89:5/A-z_0.9@", "x"), 0);
	/* 63 characters */
	CU_ASSERT_EQUAL(put(t,
			    "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			    "aaaaaaaaaaaaa",
			    "x"),
			0);
	CU_ASSERT_EQUAL(tree_keys(t), 2);
	tree_free(t);
}

static void values_are_limited(void)
{
	static char big[TREE_VALUE_MAX + 1];
	struct tree *t = fresh(10000);

	CU_ASSERT_EQUAL(tree_write(t, "/a", big, TREE_VALUE_MAX), 0);
	CU_ASSERT_EQUAL(tree_write(t, "/b", big, TREE_VALUE_MAX + 1),
			-EMSGSIZE);
	CU_ASSERT_EQUAL(tree_keys(t), 1);
	tree_free(t);
}

static void a_full_tree_refuses_and_keeps_what_it_has(void)
{
	static char big[1000];
	struct tree *t = fresh(2500);
	struct tree_key k;

	CU_ASSERT_EQUAL(tree_write(t, "/a", big, sizeof(big)), 0);
	CU_ASSERT_EQUAL(tree_write(t, "/b", big, sizeof(big)), 0);
	CU_ASSERT_EQUAL(tree_write(t, "/c", big, sizeof(big)), -ENOSPC);
	/* in place of itself there is room */
	CU_ASSERT_EQUAL(tree_write(t, "/b", "x", 1), 0);
	CU_ASSERT_EQUAL(tree_write(t, "/c", big, sizeof(big)), 0);
	CU_ASSERT(tree_read(t, "/a", &k) && k.len == sizeof(big));
	CU_ASSERT(tree_bytes(t) <= 2500);
	CU_ASSERT_EQUAL(tree_remove(t, "/a"), 1);
	CU_ASSERT_EQUAL(tree_remove(t, "/b"), 1);
	CU_ASSERT_EQUAL(tree_remove(t, "/c"), 1);
	CU_ASSERT_EQUAL(tree_bytes(t), 0);
	tree_free(t);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The twin is a sorted array; random keys come and go. */
#define TWIN_N 400
static char twin[TWIN_N][16];
static uint32_t twin_n;

static bool twin_has(const char *path)
{
	for (uint32_t i = 0; i < twin_n; i++)
		if (!strcmp(twin[i], path))
			return true;
	return false;
}

static void twin_drop(const char *path)
{
	for (uint32_t i = 0; i < twin_n; i++)
		if (!strcmp(twin[i], path))
			memcpy(twin[i], twin[--twin_n], sizeof(twin[0]));
}

static void same_as_twin(const struct tree *t)
{
	struct tree_key k;
	const char *after = NULL;
	uint32_t n = 0;

	qsort(twin, twin_n, sizeof(twin[0]), by_name);
	while (tree_next(t, "/", after, &k)) {
		CU_ASSERT_FATAL(n < twin_n);
		CU_ASSERT_STRING_EQUAL(k.path, twin[n]);
		CU_ASSERT_STRING_EQUAL(k.value, twin[n]);
		after = k.path;
		n++;
	}
	CU_ASSERT_EQUAL(n, twin_n);
	CU_ASSERT_EQUAL(n, tree_keys(t));
}

static void keys_come_in_order_whatever_was_done(void)
{
	struct tree *t = tree_new(1u << 20, NULL, NULL);
	unsigned int seed = (unsigned int)unit_seed();

	twin_n = 0;
	for (int i = 0; i < 4000; i++) {
		char path[16];

		snprintf(path, sizeof(path), "/%u", rand_r(&seed) % TWIN_N);
		if (rand_r(&seed) % 3) {
			CU_ASSERT_EQUAL(put(t, path, path), 0);
			if (!twin_has(path))
				strcpy(twin[twin_n++], path);
		} else {
			CU_ASSERT_EQUAL(tree_remove(t, path),
					(uint32_t)twin_has(path));
			twin_drop(path);
		}
		if (i % 97 == 0)
			same_as_twin(t);
	}
	same_as_twin(t);
	tree_free(t);
}

static void iteration_stays_below_its_prefix(void)
{
	struct tree *t = fresh(10000);
	struct tree_key k = { .path = NULL };
	char seen[64] = "";

	CU_ASSERT_EQUAL(put(t, "/f/1", ""), 0);
	CU_ASSERT_EQUAL(put(t, "/f/1/0002", ""), 0);
	CU_ASSERT_EQUAL(put(t, "/f/1/policy", ""), 0);
	CU_ASSERT_EQUAL(put(t, "/f/1/0000", ""), 0);
	CU_ASSERT_EQUAL(put(t, "/f/10/0000", ""), 0);
	while (tree_next(t, "/f/1/", k.path, &k))
		strcat(seen, k.path + 5);
	CU_ASSERT_STRING_EQUAL(seen, "00000002policy");
	tree_free(t);
}

/* Worst order for a plain search tree; must not take quadratic time. */
static void a_hundred_thousand_keys_in_order_are_no_burden(void)
{
	struct tree *t = tree_new(64u << 20, NULL, NULL);
	struct tree_key k = { .path = NULL };
	uint32_t n = 0;

	for (uint32_t i = 0; i < 100000; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/f/%u/%06u", i / 20000, i);
		CU_ASSERT_EQUAL_FATAL(put(t, path, "action=accept"), 0);
	}
	while (tree_next(t, "/f/3/", k.path, &k))
		n++;
	CU_ASSERT_EQUAL(n, 20000);
	CU_ASSERT_EQUAL(tree_remove(t, "/f/3/"), 20000);
	CU_ASSERT_EQUAL(tree_keys(t), 80000);
	tree_free(t);
}

UNIT_SUITE(tree, UNIT(what_is_written_is_read),
	   UNIT(writes_and_removals_are_told_in_order),
	   UNIT(a_key_may_be_removed_by_its_own_path),
	   UNIT(a_directory_is_removed_with_all_below_and_nothing_beside),
	   UNIT(paths_that_qubesdb_refuses_are_refused),
	   UNIT(values_are_limited),
	   UNIT(a_full_tree_refuses_and_keeps_what_it_has),
	   UNIT(keys_come_in_order_whatever_was_done),
	   UNIT(iteration_stays_below_its_prefix),
	   UNIT(a_hundred_thousand_keys_in_order_are_no_burden))
