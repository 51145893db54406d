/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mock/mock_store.h"
#include "mock/xenstored.h"
#include "store_conform.h"
#include "unit.h"
#include "xen/bus/store_sim.h"

extern char **environ;

static void clean(struct store *s)
{
	(void)s->ops->rm(s, STORE_NONE, "/conform");
}

static void conform(struct store *a, struct store *b)
{
	for (size_t i = 0; i < store_conform_n; i++) {
		unsigned int before = CU_get_number_of_failures();

		clean(a);
		store_conform[i].run(a, b);
		if (CU_get_number_of_failures() != before)
			printf("\n    %s: not so: %s\n", a->ops->name,
			       store_conform[i].name);
	}
	clean(a);
}

static void the_store_of_the_tests_is_one(void)
{
	struct mock_tree *t = mock_tree_new();
	struct store *a = mock_store_open(t, 0), *b = mock_store_open(t, 0);

	conform(a, b);
	a->ops->close(a);
	b->ops->close(b);
	mock_tree_free(t);
}

static void that_of_a_simulated_domain_is_one(void)
{
	struct mock_tree *t = mock_tree_new();
	struct store *a = store_sim_over(mock_store_open(t, 0), 0);
	struct store *b = store_sim_over(mock_store_open(t, 0), 0);

	conform(a, b);
	a->ops->close(a);
	b->ops->close(b);
	mock_tree_free(t);
}

static void next_is(struct store *s, const char *want_path,
		    const char *want_token)
{
	char path[STORE_PATH_MAX], token[STORE_PATH_MAX];

	CU_ASSERT_EQUAL(s->ops->event(s, path, token), 1);
	CU_ASSERT_STRING_EQUAL(path, want_path);
	CU_ASSERT_STRING_EQUAL(token, want_token);
}

static void its_relative_paths_are_its_own(void)
{
	struct mock_tree *t = mock_tree_new();
	struct store *s7 = store_sim_over(mock_store_open(t, 0), 7);
	char out[64], path[STORE_PATH_MAX], token[STORE_PATH_MAX];
	char longer[STORE_PATH_MAX];
	uint32_t n;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	CU_ASSERT_EQUAL(s7->ops->watch(s7, "device", "near"), 0);
	CU_ASSERT_EQUAL(s7->ops->watch(s7, "/local/domain/7/a", "far"), 0);
	next_is(s7, "device", "near");
	next_is(s7, "/local/domain/7/a", "far");
	CU_ASSERT_EQUAL(store_write_u32(s7, STORE_NONE, "device/x", 5), 0);
	CU_ASSERT_STRING_EQUAL(mock_get(t, "/local/domain/7/device/x"), "5");
	next_is(s7, "device/x", "near");
	CU_ASSERT_EQUAL(store_write_u32(s7, STORE_NONE, "a", 6), 0);
	next_is(s7, "/local/domain/7/a", "far");
	CU_ASSERT_EQUAL(store_read_u32(s7, "device/x", 9, &n), 0);
	CU_ASSERT_EQUAL(n, 5);
	CU_ASSERT_EQUAL(
		s7->ops->list(s7, STORE_NONE, "device", out, sizeof(out)), 1);
	CU_ASSERT_STRING_EQUAL(out, "x");
	CU_ASSERT_EQUAL(s7->ops->unwatch(s7, "device", "near"), 0);
	CU_ASSERT_EQUAL(s7->ops->rm(s7, STORE_NONE, "device"), 0);
	CU_ASSERT_PTR_NULL(mock_get(t, "/local/domain/7/device"));
	CU_ASSERT_EQUAL(s7->ops->event(s7, path, token), 0);
	CU_ASSERT_EQUAL(store_read_u32(s7, longer, 9, &n), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(s7->ops->watch(s7, longer, ""), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(s7->ops->watch(s7, "device", longer), -ENAMETOOLONG);
	s7->ops->close(s7);
	mock_tree_free(t);
}

/* ---- the same over xenstored itself ---- */

static void xenstored_is_one(void)
{
	struct xenstored d;
	struct store *a, *b;
	int err;

	if (!xenstored_start(&d))
		return;
	a = xenstored_reach();
	b = store_libs_open(&err);
	CU_ASSERT_EQUAL(err, 0);
	CU_ASSERT(a && b);
	if (a && b)
		conform(a, b);
	if (a)
		a->ops->close(a);
	if (b)
		b->ops->close(b);
	a = store_sim_open(d.dir, 0, &err);
	b = store_sim_open(d.dir, 0, &err);
	CU_ASSERT(a && b);
	if (a && b)
		conform(a, b);
	if (a)
		a->ops->close(a);
	if (b)
		b->ops->close(b);
	xenstored_stop(&d);
}

static void without_xenstored_there_is_no_store(void)
{
	int err = 0;

	setenv("XENSTORED_PATH", "/nonexistent/socket", 1);
	CU_ASSERT_PTR_NULL(store_libs_open(&err));
	CU_ASSERT(err < 0);
	err = 0;
	CU_ASSERT_PTR_NULL(store_sim_open("/nonexistent", 1, &err));
	CU_ASSERT(err < 0);
	unsetenv("XENSTORED_PATH");
}

/* ---- the typed readers ---- */

static struct mock_tree *tree;
static struct store *s;

static void begin(void)
{
	tree = mock_tree_new();
	s = mock_store_open(tree, 7);
	mock_set(tree, "/local/domain/7", "");
	mock_perm(tree, "/local/domain/7", 7, 'n', 0, 'n');
}

static void end(void)
{
	s->ops->close(s);
	mock_tree_free(tree);
}

static void numbers_are_canonical(void)
{
	static const struct {
		const char *text;
		size_t len;
		uint32_t max;
		int err;
		uint32_t n;
	} row[] = {
		{ "0", 1, 0, 0, 0 },
		{ "7", 1, 7, 0, 7 },
		{ "8", 1, 7, -EINVAL, 0 },
		{ "4294967295", 10, UINT32_MAX, 0, UINT32_MAX },
		{ "4294967296", 10, UINT32_MAX, -EINVAL, 0 },
		{ "9999999999", 10, UINT32_MAX, -EINVAL, 0 },
		{ "00000000001", 11, UINT32_MAX, -EINVAL, 0 },
		{ "01", 2, UINT32_MAX, -EINVAL, 0 },
		{ "", 0, UINT32_MAX, -EINVAL, 0 },
		{ "-1", 2, UINT32_MAX, -EINVAL, 0 },
		{ "+1", 2, UINT32_MAX, -EINVAL, 0 },
		{ " 1", 2, UINT32_MAX, -EINVAL, 0 },
		{ "1\n", 2, UINT32_MAX, -EINVAL, 0 },
		{ "1\0", 2, UINT32_MAX, -EINVAL, 0 },
		{ "1e9", 3, UINT32_MAX, -EINVAL, 0 },
		{ "0x1", 3, UINT32_MAX, -EINVAL, 0 },
	};

	begin();
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint32_t n = 0;

		CU_ASSERT_EQUAL(s->ops->write(s, STORE_NONE, "k", row[i].text,
					      row[i].len),
				0);
		CU_ASSERT_EQUAL(store_read_u32(s, "k", row[i].max, &n),
				row[i].err);
		CU_ASSERT_EQUAL(n, row[i].n);
		CU_ASSERT_EQUAL(store_parse_u32(row[i].text, row[i].len,
						row[i].max, &n),
				!row[i].err);
	}
	end();
}

static void what_is_absent_has_a_default(void)
{
	uint32_t n = 0;

	begin();
	CU_ASSERT_EQUAL(store_read_u32(s, "k", 9, &n), -ENOENT);
	CU_ASSERT_EQUAL(store_read_or(s, "k", 9, 5, &n), 0);
	CU_ASSERT_EQUAL(n, 5);
	CU_ASSERT_EQUAL(store_write_u32(s, STORE_NONE, "k", 4294967295u), 0);
	CU_ASSERT_STRING_EQUAL(mock_get(tree, "/local/domain/7/k"),
			       "4294967295");
	CU_ASSERT_EQUAL(store_read_or(s, "k", 9, 5, &n), -EINVAL);
	CU_ASSERT_EQUAL(store_read_or(s, "k", UINT32_MAX, 5, &n), 0);
	CU_ASSERT_EQUAL(n, UINT32_MAX);
	end();
}

static void text_is_printable(void)
{
	char out[8];

	begin();
	CU_ASSERT_EQUAL(store_read_text(s, "k", out, 8), -ENOENT);
	CU_ASSERT_EQUAL(s->ops->write(s, STORE_NONE, "k", "abc ~", 5), 0);
	CU_ASSERT_EQUAL(store_read_text(s, "k", out, 8), 0);
	CU_ASSERT_STRING_EQUAL(out, "abc ~");
	CU_ASSERT_EQUAL(store_read_text(s, "k", out, 5), -EMSGSIZE);
	CU_ASSERT_EQUAL(s->ops->write(s, STORE_NONE, "k", "a\0b", 3), 0);
	CU_ASSERT_EQUAL(store_read_text(s, "k", out, 8), -EINVAL);
	CU_ASSERT_EQUAL(s->ops->write(s, STORE_NONE, "k", "a\x7f", 2), 0);
	CU_ASSERT_EQUAL(store_read_text(s, "k", out, 8), -EINVAL);
	CU_ASSERT_EQUAL(s->ops->write(s, STORE_NONE, "k", "\xff", 1), 0);
	CU_ASSERT_EQUAL(store_read_text(s, "k", out, 8), -EINVAL);
	end();
}

/* ---- what the real one can't be asked without Xen ---- */

static void rights_are_kept(void)
{
	struct store *other;
	char out[16];

	begin();
	other = mock_store_open(tree, 8);
	CU_ASSERT_EQUAL(other->ops->read(other, 0, "/local/domain/7", out, 15),
			-EACCES);
	CU_ASSERT_EQUAL(other->ops->write(other, 0, "/local/domain/7/x", "", 0),
			-EACCES);
	CU_ASSERT_EQUAL(other->ops->rm(other, 0, "/local/domain/7"), -EACCES);
	mock_set(tree, "/local/domain/7/x", "1");
	mock_perm(tree, "/local/domain/7/x", 7, 'n', 8, 'r');
	CU_ASSERT_EQUAL(
		other->ops->read(other, 0, "/local/domain/7/x", out, 15), 1);
	CU_ASSERT_EQUAL(other->ops->write(other, 0, "/local/domain/7/x", "", 0),
			-EACCES);
	CU_ASSERT_EQUAL(s->ops->write(s, 0, "x/y", "", 0), 0);
	/* It inherits: 8 may see it, we own it. */
	CU_ASSERT_EQUAL(
		other->ops->read(other, 0, "/local/domain/7/x/y", out, 15), 0);
	CU_ASSERT_EQUAL(other->ops->read(other, 0, "/local/domain/7/none", out,
					 15),
			-EACCES);
	/* Nothing is heard of what can't be read. */
	CU_ASSERT_EQUAL(other->ops->watch(other, "/local/domain/7", "t"), 0);
	CU_ASSERT_EQUAL(mock_events_waiting(other), 1);
	CU_ASSERT_EQUAL(s->ops->write(s, 0, "secret", "", 0), 0);
	CU_ASSERT_EQUAL(mock_events_waiting(other), 1);
	CU_ASSERT_EQUAL(s->ops->write(s, 0, "x", "", 0), 0);
	CU_ASSERT_EQUAL(mock_events_waiting(other), 2);
	other->ops->close(other);
	end();
}

static void quotas_are_kept(void)
{
	static char big[2049];
	uint32_t t[4];

	begin();
	*mock_quota(tree) = (struct mock_quota){ 3, 2, 2, 2048 };
	CU_ASSERT_EQUAL(s->ops->write(s, 0, "a/b", "", 0), 0);
	CU_ASSERT_EQUAL(mock_nodes(tree, 7), 3);
	CU_ASSERT_EQUAL(s->ops->write(s, 0, "a/c", "", 0), -ENOSPC);
	CU_ASSERT_EQUAL(s->ops->write(s, 0, "a/b", "1", 1), 0);
	CU_ASSERT_EQUAL(s->ops->write(s, 0, "a/b", big, 2048), 0);
	CU_ASSERT_EQUAL(s->ops->write(s, 0, "a/b", big, 2049), -ENOSPC);
	CU_ASSERT_EQUAL(s->ops->watch(s, "a", "1"), 0);
	CU_ASSERT_EQUAL(s->ops->watch(s, "a", "2"), 0);
	CU_ASSERT_EQUAL(s->ops->watch(s, "a", "3"), -E2BIG);
	CU_ASSERT_EQUAL(s->ops->begin(s, &t[0]), 0);
	CU_ASSERT_EQUAL(s->ops->begin(s, &t[1]), 0);
	CU_ASSERT_EQUAL(s->ops->begin(s, &t[2]), -ENOSPC);
	end();
}

static void count(void *ctx, struct mock_tree *t, uint32_t call)
{
	(void)t;
	*(uint32_t *)ctx = call;
}

static void it_fails_on_demand(void)
{
	uint32_t t, called = 0;

	begin();
	mock_fail(s, 2, 2, -EIO);
	CU_ASSERT_EQUAL(s->ops->write(s, 0, "a", "", 0), 0);
	CU_ASSERT_EQUAL(s->ops->write(s, 0, "a", "", 0), -EIO);
	CU_ASSERT_EQUAL(s->ops->begin(s, &t), -EIO);
	CU_ASSERT_EQUAL(s->ops->begin(s, &t), 0);
	mock_conflict(s, 1);
	CU_ASSERT_EQUAL(s->ops->end(s, t, false), -EAGAIN);
	CU_ASSERT_EQUAL(s->ops->end(s, t, false), -ENOENT);
	mock_hook(s, count, &called);
	CU_ASSERT_EQUAL(s->ops->write(s, 0, "a", "", 0), 0);
	CU_ASSERT_EQUAL(called, mock_calls(s));
	end();
}

static void events_come_late_and_as_one(void)
{
	char path[STORE_PATH_MAX], token[STORE_PATH_MAX];

	begin();
	mock_hold(s, true);
	mock_coalesce(s, true);
	CU_ASSERT_EQUAL(s->ops->watch(s, "a", "t"), 0);
	mock_set(tree, "/local/domain/7/a", "1");
	mock_set(tree, "/local/domain/7/a", "2");
	CU_ASSERT_EQUAL(s->ops->event(s, path, token), 0);
	mock_hold(s, false);
	CU_ASSERT_EQUAL(s->ops->event(s, path, token), 1);
	CU_ASSERT_STRING_EQUAL(path, "a");
	CU_ASSERT_EQUAL(s->ops->event(s, path, token), 0);
	end();
}

UNIT_SUITE(store, UNIT(the_store_of_the_tests_is_one),
	   UNIT(that_of_a_simulated_domain_is_one),
	   UNIT(its_relative_paths_are_its_own), UNIT(xenstored_is_one),
	   UNIT(without_xenstored_there_is_no_store),
	   UNIT(numbers_are_canonical), UNIT(what_is_absent_has_a_default),
	   UNIT(text_is_printable), UNIT(rights_are_kept),
	   UNIT(quotas_are_kept), UNIT(it_fails_on_demand),
	   UNIT(events_come_late_and_as_one))
