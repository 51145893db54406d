/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "store_conform.h"
#include "unit.h"

#define WAIT_MS 5000

static void put(struct store *s, uint32_t t, const char *path, const char *v)
{
	CU_ASSERT_EQUAL(s->ops->write(s, t, path, v, strlen(v)), 0);
}

static void is(struct store *s, uint32_t t, const char *path, const char *want)
{
	char got[64] = "";
	ssize_t n = s->ops->read(s, t, path, got, sizeof(got) - 1);

	CU_ASSERT_EQUAL(n, (ssize_t)strlen(want));
	CU_ASSERT_STRING_EQUAL(got, want);
}

static ssize_t how(struct store *s, uint32_t t, const char *path)
{
	char got[64];

	return s->ops->read(s, t, path, got, sizeof(got) - 1);
}

static bool next_event(struct store *s, char *path, char *token)
{
	for (int waited = 0; waited < WAIT_MS; waited += 10) {
		struct pollfd p = { .fd = s->fd, .events = POLLIN };
		int got = s->ops->event(s, path, token);

		CU_ASSERT_FATAL(got >= 0);
		if (got)
			return true;
		poll(&p, 1, 10);
	}
	return false;
}

/*
 * Exactly the events of @want, "path|token" each with a blank behind it, in
 * that order.  A write of our own that comes after them ends the wait.
 */
static void events(struct store *s, const char *want)
{
	char path[STORE_PATH_MAX], token[STORE_PATH_MAX], got[1024] = "";
	size_t len = 0;

	CU_ASSERT_EQUAL(s->ops->watch(s, "/conform/end", "end"), 0);
	while (next_event(s, path, token)) {
		if (!strcmp(token, "end"))
			break;
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s|%s ",
					path, token);
	}
	CU_ASSERT_STRING_EQUAL(token, "end");
	CU_ASSERT_STRING_EQUAL(got, want);
	if (strcmp(got, want) != 0)
		printf("\n    events: %s\n    wanted: %s\n", got, want);
	CU_ASSERT_EQUAL(s->ops->unwatch(s, "/conform/end", "end"), 0);
}

static void values_are_bytes(struct store *a, struct store *b)
{
	char got[16];

	CU_ASSERT_EQUAL(how(a, 0, "/conform/x"), -ENOENT);
	put(a, 0, "/conform/x", "one");
	is(b, 0, "/conform/x", "one");
	CU_ASSERT_EQUAL(a->ops->write(a, 0, "/conform/x", "a\0b", 3), 0);
	CU_ASSERT_EQUAL(b->ops->read(b, 0, "/conform/x", got, 3), 3);
	CU_ASSERT_EQUAL(memcmp(got, "a\0b", 4), 0);
	CU_ASSERT_EQUAL(b->ops->read(b, 0, "/conform/x", got, 2), -EMSGSIZE);
	put(a, 0, "/conform/x", "");
	is(b, 0, "/conform/x", "");
}

static void values_have_a_limit(struct store *a, struct store *b)
{
	static char big[STORE_VALUE_MAX + 1];

	CU_ASSERT_EQUAL(a->ops->write(a, 0, "/conform/x", big, sizeof(big)),
			-E2BIG);
	CU_ASSERT_EQUAL(how(b, 0, "/conform/x"), -ENOENT);
}

static void relative_paths_are_our_own(struct store *a, struct store *b)
{
	put(a, 0, "conform/x", "here");
	is(b, 0, "/local/domain/0/conform/x", "here");
	CU_ASSERT_EQUAL(b->ops->rm(b, 0, "/local/domain/0/conform"), 0);
	CU_ASSERT_EQUAL(how(a, 0, "conform/x"), -ENOENT);
}

static void odd_paths_are_refused(struct store *a, struct store *b)
{
	static const char *const odd[] = { "/conform//x",
					   "/conform/x/",
					   "/conform/a b",
					   "/conform/.x",
					   "",
					   "/conform/\xc3\xa4" };

	(void)b;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		CU_ASSERT_EQUAL(how(a, 0, odd[i]), -EINVAL);
		CU_ASSERT_EQUAL(a->ops->write(a, 0, odd[i], "", 0), -EINVAL);
	}
}

static void a_write_makes_the_parents(struct store *a, struct store *b)
{
	put(a, 0, "/conform/p/q/r", "leaf");
	is(b, 0, "/conform/p", "");
	is(b, 0, "/conform/p/q", "");
}

static void a_list_has_the_names(struct store *a, struct store *b)
{
	char out[64];

	CU_ASSERT_EQUAL(b->ops->list(b, 0, "/conform/d", out, sizeof(out)),
			-ENOENT);
	put(a, 0, "/conform/d/one", "");
	CU_ASSERT_EQUAL(b->ops->list(b, 0, "/conform/d/one", out, 64), 0);
	put(a, 0, "/conform/d/two/deep", "");
	CU_ASSERT_EQUAL(b->ops->list(b, 0, "/conform/d", out, sizeof(out)), 2);
	CU_ASSERT(!memcmp(out, "one\0two", 8) || !memcmp(out, "two\0one", 8));
	CU_ASSERT_EQUAL(b->ops->list(b, 0, "/conform/d", out, 8), 2);
	CU_ASSERT_EQUAL(b->ops->list(b, 0, "/conform/d", out, 7), -EMSGSIZE);
}

static void removing_takes_all_below(struct store *a, struct store *b)
{
	put(a, 0, "/conform/d/e/f", "");
	CU_ASSERT_EQUAL(b->ops->rm(b, 0, "/conform/d"), 0);
	CU_ASSERT_EQUAL(how(a, 0, "/conform/d/e/f"), -ENOENT);
	CU_ASSERT_EQUAL(how(a, 0, "/conform/d"), -ENOENT);
}

static void removing_nothing_is_fine_where_it_could_be(struct store *a,
						       struct store *b)
{
	put(a, 0, "/conform/d", "");
	CU_ASSERT_EQUAL(b->ops->rm(b, 0, "/conform/d/none"), 0);
	CU_ASSERT_EQUAL(b->ops->rm(b, 0, "/conform/no/none"), -ENOENT);
	CU_ASSERT_EQUAL(b->ops->rm(b, 0, "/"), -EINVAL);
}

static void a_watch_fires_at_once(struct store *a, struct store *b)
{
	(void)b;
	CU_ASSERT_EQUAL(a->ops->watch(a, "/conform/none/yet", "t"), 0);
	events(a, "/conform/none/yet|t ");
	CU_ASSERT_EQUAL(a->ops->unwatch(a, "/conform/none/yet", "t"), 0);
}

static void a_watch_sees_all_below(struct store *a, struct store *b)
{
	CU_ASSERT_EQUAL(a->ops->watch(a, "/conform/w", "t"), 0);
	events(a, "/conform/w|t ");
	put(b, 0, "/conform/w", "");
	put(b, 0, "/conform/w/x/y", "1");
	put(b, 0, "/conform/w/x/y", "1");
	put(b, 0, "/conform/other", "");
	put(b, 0, "/conform/ww", "");
	put(a, 0, "/conform/w/own", "");
	events(a, "/conform/w|t /conform/w/x/y|t /conform/w/x/y|t "
		  "/conform/w/own|t ");
	CU_ASSERT_EQUAL(a->ops->unwatch(a, "/conform/w", "t"), 0);
	put(b, 0, "/conform/w/x/y", "2");
	events(a, "");
}

static void a_relative_watch_has_relative_events(struct store *a,
						 struct store *b)
{
	CU_ASSERT_EQUAL(a->ops->watch(a, "conform", "t"), 0);
	put(b, 0, "/local/domain/0/conform/x", "");
	put(b, 0, "conform/y", "");
	events(a, "conform|t conform/x|t conform/y|t ");
	CU_ASSERT_EQUAL(a->ops->unwatch(a, "conform", "t"), 0);
	CU_ASSERT_EQUAL(a->ops->rm(a, 0, "conform"), 0);
}

static void a_tree_that_goes_is_one_event_above_it(struct store *a,
						   struct store *b)
{
	put(b, 0, "/conform/r/x/state", "1");
	put(b, 0, "/conform/r/y", "1");
	CU_ASSERT_EQUAL(a->ops->watch(a, "/conform", "top"), 0);
	CU_ASSERT_EQUAL(a->ops->watch(a, "/conform/r/x/state", "in"), 0);
	CU_ASSERT_EQUAL(a->ops->watch(a, "/conform/r/x", "mid"), 0);
	events(a, "/conform|top /conform/r/x/state|in /conform/r/x|mid ");
	CU_ASSERT_EQUAL(b->ops->rm(b, 0, "/conform/r"), 0);
	events(a, "/conform/r/x/state|in /conform/r/x|mid /conform/r|top ");
	CU_ASSERT_EQUAL(a->ops->unwatch(a, "/conform", "top"), 0);
	CU_ASSERT_EQUAL(a->ops->unwatch(a, "/conform/r/x/state", "in"), 0);
	CU_ASSERT_EQUAL(a->ops->unwatch(a, "/conform/r/x", "mid"), 0);
}

static void removing_nothing_fires_nothing(struct store *a, struct store *b)
{
	put(b, 0, "/conform/d", "");
	CU_ASSERT_EQUAL(a->ops->watch(a, "/conform/d", "t"), 0);
	events(a, "/conform/d|t ");
	CU_ASSERT_EQUAL(b->ops->rm(b, 0, "/conform/d/none"), 0);
	events(a, "");
	CU_ASSERT_EQUAL(a->ops->unwatch(a, "/conform/d", "t"), 0);
}

static void watches_are_told_apart_by_token(struct store *a, struct store *b)
{
	CU_ASSERT_EQUAL(a->ops->watch(a, "/conform/w", "one"), 0);
	CU_ASSERT_EQUAL(a->ops->watch(a, "/conform/w", "one"), -EEXIST);
	CU_ASSERT_EQUAL(a->ops->watch(a, "/conform/w", "two"), 0);
	CU_ASSERT_EQUAL(b->ops->watch(b, "/conform/w", "one"), 0);
	events(a, "/conform/w|one /conform/w|two ");
	CU_ASSERT_EQUAL(a->ops->unwatch(a, "/conform/w", "none"), -ENOENT);
	CU_ASSERT_EQUAL(a->ops->unwatch(a, "/conform/w", "one"), 0);
	put(b, 0, "/conform/w", "");
	events(a, "/conform/w|two ");
	CU_ASSERT_EQUAL(a->ops->unwatch(a, "/conform/w", "two"), 0);
	CU_ASSERT_EQUAL(b->ops->unwatch(b, "/conform/w", "one"), 0);
	events(b, "/conform/w|one /conform/w|one ");
}

static uint32_t begin(struct store *s)
{
	uint32_t t = 0;

	CU_ASSERT_EQUAL(s->ops->begin(s, &t), 0);
	CU_ASSERT_NOT_EQUAL(t, STORE_NONE);
	return t;
}

static void a_transaction_is_seen_whole(struct store *a, struct store *b)
{
	uint32_t t;

	put(a, 0, "/conform/t/x", "old");
	CU_ASSERT_EQUAL(b->ops->watch(b, "/conform/t", "t"), 0);
	events(b, "/conform/t|t ");
	t = begin(a);
	put(a, t, "/conform/t/x", "new");
	put(a, t, "/conform/t/y", "new");
	is(a, t, "/conform/t/x", "new");
	is(b, 0, "/conform/t/x", "old");
	events(b, "");
	CU_ASSERT_EQUAL(a->ops->end(a, t, false), 0);
	is(b, 0, "/conform/t/x", "new");
	events(b, "/conform/t/x|t /conform/t/y|t ");
	CU_ASSERT_EQUAL(b->ops->unwatch(b, "/conform/t", "t"), 0);
}

static void an_aborted_transaction_was_not(struct store *a, struct store *b)
{
	uint32_t t;

	put(a, 0, "/conform/t/x", "old");
	t = begin(a);
	put(a, t, "/conform/t/x", "new");
	CU_ASSERT_EQUAL(a->ops->rm(a, t, "/conform/t"), 0);
	CU_ASSERT_EQUAL(a->ops->end(a, t, true), 0);
	is(b, 0, "/conform/t/x", "old");
	CU_ASSERT_EQUAL(a->ops->end(a, t, false), -ENOENT);
	CU_ASSERT_EQUAL(how(a, t, "/conform/t/x"), -ENOENT);
}

/* What the other does between our transaction's read and its end. */
static int ends_after(struct store *a, struct store *b,
		      void (*ours)(struct store *s, uint32_t t),
		      const char *theirs)
{
	uint32_t t;

	put(b, 0, "/conform/t/x", "old");
	put(b, 0, "/conform/t/z", "old");
	t = begin(a);
	ours(a, t);
	put(b, 0, theirs, "between");
	return a->ops->end(a, t, false);
}

static void reads_x(struct store *s, uint32_t t)
{
	is(s, t, "/conform/t/x", "old");
}

static void reads_none(struct store *s, uint32_t t)
{
	CU_ASSERT_EQUAL(how(s, t, "/conform/t/none"), -ENOENT);
}

static void writes_x(struct store *s, uint32_t t)
{
	put(s, t, "/conform/t/x", "mine");
}

static void lists(struct store *s, uint32_t t)
{
	char out[64];

	CU_ASSERT_EQUAL(s->ops->list(s, t, "/conform/t", out, 64), 2);
}

static void who_comes_between_spoils_it(struct store *a, struct store *b)
{
	CU_ASSERT_EQUAL(ends_after(a, b, reads_x, "/conform/t/x"), -EAGAIN);
	CU_ASSERT_EQUAL(ends_after(a, b, writes_x, "/conform/t/x"), -EAGAIN);
	is(b, 0, "/conform/t/x", "between");
	CU_ASSERT_EQUAL(ends_after(a, b, reads_none, "/conform/t/none"),
			-EAGAIN);
	CU_ASSERT_EQUAL(b->ops->rm(b, 0, "/conform/t/none"), 0);
	CU_ASSERT_EQUAL(ends_after(a, b, lists, "/conform/t/new"), -EAGAIN);
}

static void who_writes_elsewhere_does_not(struct store *a, struct store *b)
{
	CU_ASSERT_EQUAL(ends_after(a, b, reads_x, "/conform/t/z"), 0);
	CU_ASSERT_EQUAL(ends_after(a, b, writes_x, "/conform/t/z"), 0);
	CU_ASSERT_EQUAL(ends_after(a, b, writes_x, "/conform/t/new"), 0);
	CU_ASSERT_EQUAL(b->ops->rm(b, 0, "/conform/t/new"), 0);
	CU_ASSERT_EQUAL(ends_after(a, b, lists, "/conform/t/x"), 0);
}

static void a_removal_between_spoils_it(struct store *a, struct store *b)
{
	uint32_t t;

	put(b, 0, "/conform/t/x", "old");
	t = begin(a);
	reads_x(a, t);
	put(a, t, "/conform/t/x", "mine");
	CU_ASSERT_EQUAL(b->ops->rm(b, 0, "/conform/t"), 0);
	CU_ASSERT_EQUAL(a->ops->end(a, t, false), -EAGAIN);
	CU_ASSERT_EQUAL(how(b, 0, "/conform/t/x"), -ENOENT);
}

const struct store_conform store_conform[] = {
	{ "values are bytes", values_are_bytes },
	{ "values have a limit", values_have_a_limit },
	{ "relative paths are our own", relative_paths_are_our_own },
	{ "odd paths are refused", odd_paths_are_refused },
	{ "a write makes the parents", a_write_makes_the_parents },
	{ "a list has the names", a_list_has_the_names },
	{ "removing takes all below", removing_takes_all_below },
	{ "removing nothing is fine where it could be",
	  removing_nothing_is_fine_where_it_could_be },
	{ "a watch fires at once", a_watch_fires_at_once },
	{ "a watch sees all below", a_watch_sees_all_below },
	{ "a relative watch has relative events",
	  a_relative_watch_has_relative_events },
	{ "a tree that goes is one event above it",
	  a_tree_that_goes_is_one_event_above_it },
	{ "removing nothing fires nothing", removing_nothing_fires_nothing },
	{ "watches are told apart by token", watches_are_told_apart_by_token },
	{ "a transaction is seen whole", a_transaction_is_seen_whole },
	{ "an aborted transaction was not", an_aborted_transaction_was_not },
	{ "who comes between spoils it", who_comes_between_spoils_it },
	{ "who writes elsewhere does not", who_writes_elsewhere_does_not },
	{ "a removal between spoils it", a_removal_between_spoils_it },
};

const size_t store_conform_n = sizeof(store_conform) / sizeof(store_conform[0]);
