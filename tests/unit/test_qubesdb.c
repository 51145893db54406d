/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QubesDB: the messages, and our end of the connection to dom0's daemon, which
 * ends at the first message that it does not like.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mock/qdb_dom0.h"
#include "mock/qdb_keys.h"
#include "unit.h"
#include "xen/qubes/qubesdb.h"

#define LONG_PATH \
	"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct mock_chans net;
static struct qdb_dom0 dom0;
static struct qubesdb *db;
static struct mono now;
static char said[8192];
static struct qdb_keys mirror;

/* ---- the owner --------------------------------------------------------------
 */

static void say(const char *word, const char *path)
{
	size_t n = strlen(said);

	snprintf(said + n, sizeof(said) - n, "%s%s ", word, path);
}

static void on_begin(void *ctx)
{
	(void)ctx;
	mirror.n = 0;
	say("begin", "");
}

static void on_write(void *ctx, const char *path, const char *value, size_t len)
{
	char text[128];

	(void)ctx;
	snprintf(text, sizeof(text), "%s=%.*s", path, (int)len, value);
	say("+", text);
	qdb_keys_add(&mirror, path);
}

static void on_remove(void *ctx, const char *path)
{
	(void)ctx;
	say("-", path);
	qdb_keys_remove(&mirror, path);
}

static bool on_has(void *ctx, const char *path)
{
	(void)ctx;
	return qdb_keys_has(&mirror, path);
}

static void on_synced(void *ctx)
{
	(void)ctx;
	say("synced", "");
}

static void on_lost(void *ctx)
{
	(void)ctx;
	say("lost", "");
}

static const struct qubesdb_ops ops = {
	.begin = on_begin,
	.write = on_write,
	.remove = on_remove,
	.has = on_has,
	.synced = on_synced,
	.lost = on_lost,
};

static bool heard(const char *what)
{
	bool is = !strcmp(said, what);

	if (!is)
		printf("\n    heard: %s\n    not:   %s\n", said, what);
	said[0] = '\0';
	return is;
}

static void turn(void)
{
	for (int i = 0; i < 20; i++) {
		(void)qubesdb_work(db, now);
		qdb_dom0_work(&dom0);
	}
}

static void set_up(void)
{
	mock_chans_init(&net);
	qdb_dom0_init(&dom0, &net);
	db = calloc(1, sizeof(*db));
	CU_ASSERT_PTR_NOT_NULL_FATAL(db);
	now = (struct mono){ MONO_S };
	said[0] = '\0';
	mirror.n = 0;
	qubesdb_init(db, &net.net, &ops);
	(void)qubesdb_work(db, now);
}

static void run_up(void)
{
	set_up();
	CU_ASSERT(qdb_dom0_accept(&dom0));
	turn();
	CU_ASSERT_EQUAL(db->state, QUBESDB_RUN);
	said[0] = '\0';
}

static void tear_down(void)
{
	CU_ASSERT_PTR_NULL(dom0.died);
	qubesdb_fini(db);
	CU_ASSERT_PTR_NULL(mock_chan_find(&net, 0, 111));
	mock_chans_fini(&net);
	free(db);
}

/* ---- messages ---------------------------------------------------------------
 */

static void paths_are_of_few_letters_and_values_without_nul(void)
{
	static const struct {
		const char *path;
		bool key, prefix;
	} row[] = {
		{ "/a", true, false },
		{ "/qubes-firewall/10.137.0.5/0000", true, false },
		{ "/x@_-:.9Z", true, false },
		{ "/a/", false, true },
		{ "/", false, true },
		{ "", false, false },
		{ "a", false, false },
		{ "a/", false, false },
		{ "-/a", false, false },
		{ "/a b", false, false },
		{ "/a\n", false, false },
		{ "/\xc3\xa9", false, false },
		{ "/a*", false, false },
		{ LONG_PATH, true, false },
		{ LONG_PATH "a", false, false },
	};

	CU_ASSERT_EQUAL(strlen(LONG_PATH), 63);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		CU_ASSERT_EQUAL(qdb_is_key(row[i].path), row[i].key);
		CU_ASSERT_EQUAL(qdb_is_prefix(row[i].path), row[i].prefix);
	}
	CU_ASSERT(qdb_is_value("", 0));
	CU_ASSERT(qdb_is_value("\xff\n", 2));
	CU_ASSERT_FALSE(qdb_is_value("a\0b", 3));
}

static void what_is_made_is_taken(void)
{
	static uint8_t out[QDB_MESSAGE_MAX];
	char value[QDB_VALUE_MAX + 1];
	struct qdb_msg m;

	memset(value, 'v', sizeof(value));
	CU_ASSERT_EQUAL(qdb_make(out, QDB_WRITE, LONG_PATH, value, 3071), 0);
	CU_ASSERT_EQUAL(out[0], 1);
	CU_ASSERT_EQUAL(out[64], 0);
	CU_ASSERT_EQUAL(out[68], 0xff);
	CU_ASSERT_EQUAL(out[69], 0x0b);
	CU_ASSERT_EQUAL(qdb_take(out, sizeof(out), &m), QDB_MESSAGE_MAX);
	CU_ASSERT_EQUAL(m.type, QDB_WRITE);
	CU_ASSERT_STRING_EQUAL(m.path, LONG_PATH);
	CU_ASSERT_EQUAL(m.len, 3071);
	CU_ASSERT_EQUAL(memcmp(m.data, value, 3071), 0);
	for (size_t n = 0; n < sizeof(out); n += 71)
		CU_ASSERT_EQUAL(qdb_take(out, n, &m), 0);
}

static void what_dom0_would_die_of_is_not_made(void)
{
	static const struct {
		enum qdb_type type;
		const char *path, *value;
		size_t len;
		int err;
	} row[] = {
		{ QDB_MULTIREAD, "", "", 0, 0 },
		{ QDB_WRITE, "/k", "v", 1, 0 },
		{ QDB_WRITE, "/k", "v\0w", 3, -EINVAL },
		{ QDB_WRITE, "/k/", "v", 1, -EINVAL },
		{ QDB_WRITE, "k", "v", 1, -EINVAL },
		{ QDB_WRITE, "", "v", 1, -EINVAL },
		{ QDB_WRITE, "/k k", "v", 1, -EINVAL },
		{ QDB_WRITE, LONG_PATH "a", "v", 1, -EINVAL },
		{ QDB_RM, "/k", "", 0, 0 },
		{ QDB_RM, "/k/", "", 0, 0 },
		{ QDB_RM, "", "", 0, -EINVAL },
		{ QDB_OK, "/k", "", 0, 0 },
		{ (enum qdb_type)14, "/k", "", 0, -EINVAL },
	};
	static uint8_t out[QDB_MESSAGE_MAX];
	char value[QDB_VALUE_MAX + 1];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		CU_ASSERT_EQUAL(qdb_make(out, row[i].type, row[i].path,
					 row[i].value, row[i].len),
				row[i].err);
	memset(value, 'v', sizeof(value));
	CU_ASSERT_EQUAL(qdb_make(out, QDB_WRITE, "/k", value, 3072), -EINVAL);
}

static void a_header_that_can_t_be_is_refused(void)
{
	uint8_t head[QDB_HEADER] = { QDB_WRITE, '/', 'k' };
	struct qdb_msg m;

	CU_ASSERT_EQUAL(qdb_take(head, sizeof(head), &m), QDB_HEADER);
	head[69] = 0x0c; /* 3072 */
	CU_ASSERT_EQUAL(qdb_take(head, sizeof(head), &m), -EPROTO);
	head[68] = head[69] = head[70] = head[71] = 0xff;
	CU_ASSERT_EQUAL(qdb_take(head, sizeof(head), &m), -EPROTO);
	memset(head, 'a', 68);
	memset(head + 68, 0, 4);
	CU_ASSERT_EQUAL(qdb_take(head, sizeof(head), &m), -EPROTO);
}

/* ---- the connection ---------------------------------------------------------
 */

static void everything_is_asked_for_once_and_read(void)
{
	set_up();
	CU_ASSERT_EQUAL(db->state, QUBESDB_CALLING);
	CU_ASSERT(qubesdb_fd(db) >= 0);
	qdb_dom0_set(&dom0, "/name", "fw");
	qdb_dom0_set(&dom0, "/a", "");
	qdb_dom0_set(&dom0, "/b/c", "x y");
	CU_ASSERT(qdb_dom0_accept(&dom0));
	turn();
	CU_ASSERT(heard("begin +/name=fw +/b/c=x y +/a= synced "));
	CU_ASSERT_EQUAL(db->state, QUBESDB_RUN);
	CU_ASSERT_EQUAL(db->syncs, 1);
	CU_ASSERT_EQUAL(dom0.oks, 0);
	tear_down();
}

static void an_empty_database_is_one(void)
{
	set_up();
	CU_ASSERT(qdb_dom0_accept(&dom0));
	turn();
	CU_ASSERT(heard("begin synced "));
	tear_down();
}

static void bytes_may_come_one_by_one(void)
{
	set_up();
	qdb_dom0_set(&dom0, "/a", "value");
	qdb_dom0_set(&dom0, "/b", "");
	mock_chan_find(&net, 0, 111)->piece = 1;
	CU_ASSERT(qdb_dom0_accept(&dom0));
	for (int i = 0; i < 40; i++)
		turn();
	CU_ASSERT(heard("begin +/b= +/a=value synced "));
	tear_down();
}

static void changes_are_taken_and_each_is_answered(void)
{
	run_up();
	qdb_dom0_set(&dom0, "/a/1", "x");
	qdb_dom0_set(&dom0, "/a/2", "");
	qdb_dom0_set(&dom0, "/a/1", "y");
	qdb_dom0_rm(&dom0, "/a/1");
	qdb_dom0_rm(&dom0, "/a/");
	turn();
	CU_ASSERT(heard("+/a/1=x +/a/2= +/a/1=y -/a/1 -/a/ "));
	CU_ASSERT_EQUAL(dom0.oks, 5);
	CU_ASSERT_EQUAL(mirror.n, 0);
	tear_down();
}

/* dom0 would not survive NOENT. */
static void a_removal_of_nothing_is_answered_alike(void)
{
	run_up();
	qdb_dom0_send(&dom0, QDB_RM, "/none", NULL, 0);
	qdb_dom0_send(&dom0, QDB_RM, "/none/", NULL, 0);
	turn();
	CU_ASSERT_EQUAL(dom0.oks, 2);
	CU_ASSERT_EQUAL(db->state, QUBESDB_RUN);
	tear_down();
}

static void what_may_be_refused_is(void)
{
	run_up();
	qdb_dom0_send(&dom0, QDB_WRITE, "/a", "x\0y", 3);
	qdb_dom0_send(&dom0, QDB_RM, "/a", "data", 4);
	turn();
	CU_ASSERT_EQUAL(dom0.errors, 2);
	CU_ASSERT(heard(""));
	CU_ASSERT_EQUAL(db->state, QUBESDB_RUN);
	tear_down();
}

static void nonsense_ends_the_connection_and_the_next_one_is_tried(void)
{
	static const struct {
		uint8_t type;
		const char *path;
		size_t len;
	} row[] = {
		{ QDB_READ, "/a", 0 },
		{ QDB_MULTIREAD, "", 0 },
		{ QDB_LIST, "/a", 0 },
		{ QDB_WATCH, "/a", 0 },
		{ QDB_UNWATCH, "/a", 0 },
		{ QDB_NOENT, "/a", 0 },
		{ QDB_ERROR, "/a", 1 },
		{ QDB_OK, "/a", 1 },
		{ QDB_IS_READ, "/a", 0 },
		{ QDB_IS_MULTIREAD, "/a", 0 },
		{ QDB_IS_MULTIREAD, "", 0 },
		{ QDB_IS_LIST, "/a", 0 },
		{ QDB_IS_WATCH, "/a", 0 },
		{ 14, "/a", 0 },
		{ 255, "/a", 0 },
		{ QDB_WRITE, "a", 0 },
		{ QDB_WRITE, "/a/", 0 },
		{ QDB_WRITE, "", 0 },
		{ QDB_WRITE, "/a b", 0 },
		{ QDB_WRITE, "/a", 3072 },
		{ QDB_RM, "", 0 },
		{ QDB_RM, "a/", 0 },
	};
	static const char data[3072];

	run_up();
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint32_t made = net.made;

		qdb_dom0_send(&dom0, row[i].type, row[i].path, data,
			      row[i].len);
		turn();
		if (!heard("lost "))
			CU_FAIL("was taken");
		CU_ASSERT_EQUAL(db->state, QUBESDB_AWAY);
		CU_ASSERT_EQUAL(qubesdb_fd(db), -1);
		CU_ASSERT(strlen(db->trouble) > 10);
		CU_ASSERT_EQUAL(net.made, made); /* after a pause */
		now = mono_add_ms(now, QUBESDB_FAULT_MS);
		turn();
		CU_ASSERT_EQUAL(net.made, made + 1);
		dom0.chan = NULL;
		CU_ASSERT(qdb_dom0_accept(&dom0));
		turn();
		CU_ASSERT(heard("begin synced "));
	}
	tear_down();
}

static void only_readings_come_before_the_sync(void)
{
	static const uint8_t type[] = { QDB_WRITE, QDB_RM, QDB_OK, QDB_ERROR,
					QDB_IS_READ };

	for (size_t i = 0; i < sizeof(type); i++) {
		set_up();
		mock_chan_meet(mock_chan_find(&net, 0, 111));
		dom0.chan = mock_chan_find(&net, 0, 111);
		dom0.asked = true;
		(void)qubesdb_work(db, now);
		CU_ASSERT_EQUAL(db->state, QUBESDB_SYNC);
		qdb_dom0_send(&dom0, type[i], "/a", NULL, 0);
		(void)qubesdb_work(db, now);
		CU_ASSERT(heard("begin lost "));
		qubesdb_fini(db);
		mock_chans_fini(&net);
		free(db);
	}
}

static void a_daemon_that_went_is_called_again(void)
{
	run_up();
	qdb_dom0_set(&dom0, "/a", "x");
	turn();
	qdb_dom0_end(&dom0, true);
	turn();
	CU_ASSERT(heard("+/a=x lost "));
	now = mono_add_ms(now, QUBESDB_AGAIN_MS);
	turn();
	CU_ASSERT_EQUAL(db->state, QUBESDB_CALLING);
	CU_ASSERT(qdb_dom0_accept(&dom0));
	turn();
	CU_ASSERT(heard("begin synced "));
	CU_ASSERT_EQUAL(db->syncs, 2);
	CU_ASSERT_EQUAL(qubesdb_remove(db, "/a"), -ENOENT);
	tear_down();
}

static void pauses_grow_while_it_does_not_run(void)
{
	struct mono next;
	uint64_t last = 0;

	set_up();
	for (int i = 0; i < 12; i++) {
		mock_chan_leave(mock_chan_find(&net, 0, 111));
		next = qubesdb_work(db, now);
		CU_ASSERT(next.ns - now.ns >= last);
		last = next.ns - now.ns;
		CU_ASSERT(last <= QUBESDB_PAUSE_MS * MONO_MS);
		now = next;
		net.fail = i % 2 ? -EMFILE : 0;
		while (!mock_chan_find(&net, 0, 111))
			now = qubesdb_work(db, now);
	}
	CU_ASSERT_EQUAL(last, QUBESDB_PAUSE_MS * MONO_MS);
	tear_down();
}

/* ---- our own changes --------------------------------------------------------
 */

static void our_changes_reach_dom0_and_the_mirror(void)
{
	run_up();
	CU_ASSERT_EQUAL(qubesdb_write(db, "/ours/1", "x", 1), 0);
	CU_ASSERT_EQUAL(qubesdb_write(db, "/ours/2", "", 0), 0);
	turn();
	CU_ASSERT_STRING_EQUAL(qdb_dom0_get(&dom0, "/ours/1"), "x");
	CU_ASSERT_EQUAL(qubesdb_remove(db, "/ours/"), 0);
	turn();
	CU_ASSERT_PTR_NULL(qdb_dom0_get(&dom0, "/ours/1"));
	CU_ASSERT(heard("+/ours/1=x +/ours/2= -/ours/ "));
	CU_ASSERT_EQUAL(db->unacked, 0);
	CU_ASSERT_EQUAL(db->refused, 0);
	tear_down();
}

static void a_change_that_dom0_would_die_of_is_not_sent(void)
{
	char big[QDB_VALUE_MAX + 1];

	run_up();
	memset(big, 'b', sizeof(big));
	CU_ASSERT_EQUAL(qubesdb_write(db, "ours", "x", 1), -EINVAL);
	CU_ASSERT_EQUAL(qubesdb_write(db, "/ours/", "x", 1), -EINVAL);
	CU_ASSERT_EQUAL(qubesdb_write(db, "/o rs", "x", 1), -EINVAL);
	CU_ASSERT_EQUAL(qubesdb_write(db, LONG_PATH "a", "x", 1), -EINVAL);
	CU_ASSERT_EQUAL(qubesdb_write(db, "/ours", "x\0y", 3), -EINVAL);
	CU_ASSERT_EQUAL(qubesdb_write(db, "/ours", big, 3072), -EINVAL);
	CU_ASSERT_EQUAL(qubesdb_write(db, "/ours", big, 3071), 0);
	CU_ASSERT_EQUAL(qubesdb_remove(db, "/none"), -ENOENT);
	CU_ASSERT_EQUAL(qubesdb_remove(db, "/our/"), -ENOENT);
	CU_ASSERT_EQUAL(qubesdb_remove(db, "nonsense"), -EINVAL);
	turn();
	CU_ASSERT_EQUAL(dom0.writes, 1);
	CU_ASSERT_EQUAL(dom0.removals, 0);
	tear_down();
}

static void nothing_is_changed_before_the_sync(void)
{
	set_up();
	CU_ASSERT_EQUAL(qubesdb_write(db, "/a", "", 0), -ENOTCONN);
	CU_ASSERT_EQUAL(qubesdb_remove(db, "/a"), -ENOTCONN);
	CU_ASSERT(heard(""));
	tear_down();
}

static void a_refusal_of_ours_is_counted(void)
{
	run_up();
	dom0.mute = true;
	CU_ASSERT_EQUAL(qubesdb_write(db, "/a", "", 0), 0);
	turn();
	CU_ASSERT_EQUAL(db->unacked, 1);
	qdb_dom0_send(&dom0, QDB_ERROR, "/a", NULL, 0);
	turn();
	CU_ASSERT_EQUAL(db->unacked, 0);
	CU_ASSERT_EQUAL(db->refused, 1);
	tear_down();
}

/* Else it would be removed one day, which dom0 would not survive. */
static void what_dom0_refused_is_not_in_the_mirror(void)
{
	run_up();
	dom0.mute = true;
	CU_ASSERT_EQUAL(qubesdb_write(db, "/a", "", 0), 0);
	turn();
	qdb_dom0_send(&dom0, QDB_ERROR, "/a", NULL, 0);
	turn();
	CU_ASSERT(heard("+/a= -/a "));
	CU_ASSERT_EQUAL(qubesdb_remove(db, "/a"), -ENOENT);
	/* of what we did not write it means nothing */
	qdb_dom0_set(&dom0, "/b", "");
	qdb_dom0_send(&dom0, QDB_ERROR, "/b", NULL, 0);
	qdb_dom0_send(&dom0, QDB_ERROR, "/", NULL, 0);
	turn();
	CU_ASSERT(heard("+/b= "));
	tear_down();
}

static void nothing_is_removed_before_writes_are_answered(void)
{
	run_up();
	dom0.mute = true;
	CU_ASSERT_EQUAL(qubesdb_write(db, "/a", "", 0), 0);
	CU_ASSERT_EQUAL(qubesdb_write(db, "/b", "", 0), 0);
	turn();
	CU_ASSERT_EQUAL(qubesdb_remove(db, "/a"), -EAGAIN);
	qdb_dom0_send(&dom0, QDB_OK, "/a", NULL, 0);
	turn();
	CU_ASSERT_EQUAL(qubesdb_remove(db, "/a"), -EAGAIN);
	qdb_dom0_send(&dom0, QDB_OK, "/b", NULL, 0);
	turn();
	/* removals do not wait for each other */
	CU_ASSERT_EQUAL(qubesdb_remove(db, "/a"), 0);
	CU_ASSERT_EQUAL(qubesdb_remove(db, "/b"), 0);
	CU_ASSERT_EQUAL(db->unacked, 2);
	turn();
	tear_down();
}

/* dom0 goes on sending though it does not read: we stop, and lose nothing. */
static void a_dom0_that_does_not_read_is_waited_for(void)
{
	char path[16];
	int err = 0;

	run_up();
	dom0.chan->room = 0;
	for (int i = 0; i < 2000 && !err; i++)
		err = qubesdb_write(db, "/ours", "0123456789", 10);
	CU_ASSERT_EQUAL(err, -EAGAIN);
	said[0] = '\0';
	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/k/%d", i % 10);
		qdb_dom0_send(&dom0, QDB_WRITE, path, "x", 1);
	}
	for (int i = 0; i < 20; i++)
		(void)qubesdb_work(db, now);
	CU_ASSERT(dom0.chan->in.n > 0);
	dom0.chan->room = MOCK_CHAN_ROOM;
	for (int i = 0; i < 20; i++)
		turn();
	CU_ASSERT_EQUAL(dom0.oks, 1000);
	CU_ASSERT_EQUAL(qubesdb_write(db, "/ours", "x", 1), 0);
	turn();
	tear_down();
}

/* One event is all that there will be of it. */
static void what_waited_for_room_is_taken_when_there_is_some(void)
{
	run_up();
	dom0.chan->room = 0;
	for (int i = 0; i < 950; i++)
		qdb_dom0_send(&dom0, QDB_WRITE, "/k", "x", 1);
	for (int i = 0; i < 20; i++)
		(void)qubesdb_work(db, now);
	CU_ASSERT_EQUAL(dom0.chan->in.n, 0);
	dom0.chan->room = MOCK_CHAN_ROOM;
	(void)qubesdb_work(db, now);
	qdb_dom0_work(&dom0);
	CU_ASSERT_EQUAL(dom0.oks, 950);
	tear_down();
}

/* Nobody will read the answers, which must not keep us from knowing. */
static void a_dom0_that_goes_without_reading_is_called_again(void)
{
	run_up();
	dom0.chan->room = 0;
	for (int i = 0; i < 1200; i++)
		qdb_dom0_send(&dom0, QDB_WRITE, "/k", "x", 1);
	for (int i = 0; i < 20; i++)
		(void)qubesdb_work(db, now);
	CU_ASSERT(dom0.chan->in.n > 0);
	qdb_dom0_end(&dom0, false);
	for (int i = 0; i < 20; i++)
		(void)qubesdb_work(db, now);
	CU_ASSERT_EQUAL(db->state, QUBESDB_AWAY);
	tear_down();
}

UNIT_SUITE(qubesdb, UNIT(paths_are_of_few_letters_and_values_without_nul),
	   UNIT(what_is_made_is_taken),
	   UNIT(what_dom0_would_die_of_is_not_made),
	   UNIT(a_header_that_can_t_be_is_refused),
	   UNIT(everything_is_asked_for_once_and_read),
	   UNIT(an_empty_database_is_one), UNIT(bytes_may_come_one_by_one),
	   UNIT(changes_are_taken_and_each_is_answered),
	   UNIT(a_removal_of_nothing_is_answered_alike),
	   UNIT(what_may_be_refused_is),
	   UNIT(nonsense_ends_the_connection_and_the_next_one_is_tried),
	   UNIT(only_readings_come_before_the_sync),
	   UNIT(a_daemon_that_went_is_called_again),
	   UNIT(pauses_grow_while_it_does_not_run),
	   UNIT(our_changes_reach_dom0_and_the_mirror),
	   UNIT(a_change_that_dom0_would_die_of_is_not_sent),
	   UNIT(nothing_is_changed_before_the_sync),
	   UNIT(a_refusal_of_ours_is_counted),
	   UNIT(what_dom0_refused_is_not_in_the_mirror),
	   UNIT(nothing_is_removed_before_writes_are_answered),
	   UNIT(a_dom0_that_does_not_read_is_waited_for),
	   UNIT(what_waited_for_room_is_taken_when_there_is_some),
	   UNIT(a_dom0_that_goes_without_reading_is_called_again))
