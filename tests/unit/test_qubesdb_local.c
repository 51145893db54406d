/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QubesDB with the daemon of a Linux qube, which is a script: what it is asked,
 * what it says, and what becomes of that.
 */
#include <stdio.h>
#include <string.h>

#include "mock/mock_chan.h"
#include "unit.h"
#include "xen/qubes/qubesdb.h"

#define SET "/qubes-firewall/10.137.0.5"

static struct mock_chans net;
static struct mock_chan *chan;
static struct qubesdb db;
static struct mono now;
static char said[16384]; /* to the owner */
static char asked[65536];
static char mirror[64][QDB_PATH_MAX + 1];
static uint32_t keys;

/* ---- the owner ------------------------------------------------------------*/

static void say(const char *what, const char *path)
{
	size_t n = strlen(said);

	snprintf(said + n, sizeof(said) - n, "%s%s ", what, path);
}

static bool below(const char *path, const char *prefix)
{
	return prefix[strlen(prefix) - 1] == '/'
		       ? !strncmp(path, prefix, strlen(prefix))
		       : !strcmp(path, prefix);
}

static bool on_has(void *ctx, const char *path)
{
	(void)ctx;
	for (uint32_t i = 0; i < keys; i++)
		if (below(mirror[i], path))
			return true;
	return false;
}

static void on_begin(void *ctx)
{
	(void)ctx;
	keys = 0;
	say("begin", "");
}

static void on_write(void *ctx, const char *path, const char *value, size_t len)
{
	char text[128];

	snprintf(text, sizeof(text), "%s=%.*s", path, (int)len, value);
	say("+", text);
	if (!on_has(ctx, path) && keys < 64)
		memcpy(mirror[keys++], path, strlen(path) + 1);
}

static void on_remove(void *ctx, const char *path)
{
	CU_ASSERT(on_has(ctx, path));
	say("-", path);
	for (uint32_t i = 0; i < keys;)
		if (below(mirror[i], path))
			memmove(mirror[i], mirror[--keys], sizeof(mirror[i]));
		else
			i++;
}

static enum qubesdb_kind on_kind(void *ctx, const char *path)
{
	(void)ctx;
	if (!strncmp(path, "/qubes-firewall/", 16))
		return strchr(path + 16, '/') ? QUBESDB_PART : QUBESDB_SET;
	return strncmp(path, "/qubes-", 7) ? QUBESDB_NONE : QUBESDB_KEY;
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
	.kind = on_kind,
	.synced = on_synced,
	.lost = on_lost,
};

/* ---- the daemon -----------------------------------------------------------*/

static void tells(uint8_t type, const char *path, const char *value)
{
	uint8_t head[QDB_HEADER];
	size_t len = strlen(value);

	memset(head, 0xa5, sizeof(head));
	head[0] = type;
	memcpy(head + 1, path, strlen(path) + 1);
	head[68] = (uint8_t)len;
	head[69] = (uint8_t)(len >> 8);
	head[70] = head[71] = 0;
	mock_chan_put(chan, head, sizeof(head));
	if (len)
		mock_chan_put(chan, value, len);
}

/* What it was asked since the last time. */
static void look(void)
{
	static const char *const name[] = { "read", "write", "all",    "list",
					    "rm",   "watch", "unwatch" };
	static uint8_t in[MOCK_CHAN_ROOM];
	size_t n = mock_chan_take(chan, in, sizeof(in)), at = 0, len = 0;
	struct qdb_msg m;
	int size;

	asked[0] = '\0';
	while ((size = qdb_take(in + at, n - at, &m)) > 0) {
		CU_ASSERT_FATAL(m.type < 7);
		len += (size_t)snprintf(asked + len, sizeof(asked) - len,
					"%s:%s ", name[m.type], m.path);
		at += (size_t)size;
	}
	CU_ASSERT_EQUAL(at, n);
}

static void turn(void)
{
	said[0] = '\0';
	(void)qubesdb_work(&db, now);
	look();
}

static void call(void)
{
	(void)qubesdb_work(&db, now);
	chan = mock_chan_find(&net, 0, 111);
	CU_ASSERT_PTR_NOT_NULL_FATAL(chan);
	mock_chan_meet(chan);
	turn();
}

static void set_up(void)
{
	mock_chans_init(&net);
	now = (struct mono){ MONO_S };
	keys = 0;
	qubesdb_init_local(&db, &net.net, &ops);
	call();
	CU_ASSERT_STRING_EQUAL(asked, "watch:/ all:/ ");
	CU_ASSERT_STRING_EQUAL(said, "begin ");
}

static void synced(void)
{
	set_up();
	tells(QDB_OK, "/", "");
	tells(QDB_IS_MULTIREAD, "", "");
	turn();
	CU_ASSERT_EQUAL(db.state, QUBESDB_RUN);
	CU_ASSERT_STRING_EQUAL(asked, "");
}

static void tear_down(void)
{
	qubesdb_fini(&db);
	mock_chans_fini(&net);
}

/* ---- tests ----------------------------------------------------------------*/

static void everything_is_watched_and_then_read(void)
{
	set_up();
	tells(QDB_OK, "/", "");
	tells(QDB_IS_MULTIREAD, "/name", "fw");
	tells(QDB_IS_MULTIREAD, "/qubes-ip", "10.137.0.2");
	turn();
	CU_ASSERT_STRING_EQUAL(said, "+/name=fw +/qubes-ip=10.137.0.2 ");
	CU_ASSERT_EQUAL(db.state, QUBESDB_SYNC);
	tells(QDB_IS_MULTIREAD, "", "");
	turn();
	CU_ASSERT_STRING_EQUAL(said, "synced ");
	CU_ASSERT_EQUAL(db.state, QUBESDB_RUN);
	tear_down();
}

static void what_changes_while_it_is_read_is_read_again(void)
{
	set_up();
	tells(QDB_OK, "/", "");
	tells(QDB_IS_MULTIREAD, "/qubes-gateway", "1");
	tells(QDB_IS_WATCH, "/qubes-ip", "");
	tells(QDB_IS_MULTIREAD, "/qubes-ip", "1");
	tells(QDB_IS_MULTIREAD, "", "");
	turn();
	CU_ASSERT_STRING_EQUAL(asked, "read:/qubes-ip ");
	tells(QDB_IS_READ, "/qubes-ip", "2");
	turn();
	CU_ASSERT_STRING_EQUAL(said, "+/qubes-ip=2 ");
	CU_ASSERT_STRING_EQUAL(asked, "");
	tear_down();
}

static void only_what_is_wanted_is_asked_for_once_at_a_time(void)
{
	synced();
	tells(QDB_IS_WATCH, "/qubes-ip", "");
	tells(QDB_IS_WATCH, "/other", "");
	tells(QDB_IS_WATCH, "/qubes-gateway", "");
	tells(QDB_IS_WATCH, "/qubes-gateway", "");
	turn();
	CU_ASSERT_STRING_EQUAL(asked, "read:/qubes-ip ");
	tells(QDB_IS_WATCH, "/qubes-ip", "");
	tells(QDB_IS_READ, "/qubes-ip", "1");
	turn();
	CU_ASSERT_STRING_EQUAL(asked, "read:/qubes-gateway ");
	tells(QDB_NOENT, "/qubes-gateway", "");
	turn();
	CU_ASSERT_STRING_EQUAL(asked, "read:/qubes-ip ");
	tells(QDB_NOENT, "/qubes-ip", "");
	turn();
	CU_ASSERT_STRING_EQUAL(said, "-/qubes-ip ");
	CU_ASSERT_STRING_EQUAL(asked, "");
	tear_down();
}

static void Q3_a_set_is_read_in_one_piece_at_its_trigger(void)
{
	synced();
	tells(QDB_IS_WATCH, SET "/", "");
	tells(QDB_IS_WATCH, SET "/policy", "");
	tells(QDB_IS_WATCH, SET "/0000", "");
	turn();
	CU_ASSERT_STRING_EQUAL(asked, "");
	tells(QDB_IS_WATCH, SET, "");
	turn();
	CU_ASSERT_STRING_EQUAL(asked, "all:" SET "/ read:" SET " ");
	tells(QDB_IS_MULTIREAD, SET "/0000", "a");
	tells(QDB_IS_MULTIREAD, SET "/policy", "drop");
	tells(QDB_IS_MULTIREAD, "", "");
	tells(QDB_IS_READ, SET, "");
	turn();
	CU_ASSERT_STRING_EQUAL(said, "+" SET "/0000=a +" SET
				     "/policy=drop +" SET "= ");
	tells(QDB_IS_WATCH, SET, "");
	turn();
	CU_ASSERT_STRING_EQUAL(said, "-" SET "/ ");
	tear_down();
}

/* Whatever changes it before the answer is whole. */
static void a_reading_that_was_disturbed_is_passed_over(void)
{
	static const char *const by[] = { "/", "/qubes-firewall/", SET "/",
					  SET "/0007", SET };

	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		bool again = !strcmp(by[i], SET);

		synced();
		tells(QDB_IS_WATCH, SET, "");
		turn();
		tells(QDB_IS_MULTIREAD, SET "/policy", "drop");
		tells(QDB_IS_WATCH, by[i], "");
		tells(QDB_IS_MULTIREAD, "", "");
		tells(QDB_IS_READ, SET, "");
		turn();
		CU_ASSERT_PTR_NULL(strstr(said, SET "= "));
		if (!again)
			tells(QDB_IS_WATCH, SET, "");
		if (!again)
			turn();
		CU_ASSERT_STRING_EQUAL(asked, "all:" SET "/ read:" SET " ");
		tells(QDB_IS_MULTIREAD, SET "/policy", "accept");
		tells(QDB_IS_MULTIREAD, "", "");
		tells(QDB_IS_READ, SET, "");
		turn();
		CU_ASSERT_PTR_NOT_NULL(strstr(said, "+" SET "= "));
		tear_down();
	}
}

static void another_client_disturbs_nothing(void)
{
	static const char *const by[] = { SET "0", SET "0/policy", SET "0/",
					  "/qubes-ip" };

	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		synced();
		tells(QDB_IS_WATCH, SET, "");
		turn();
		tells(QDB_IS_WATCH, by[i], "");
		tells(QDB_IS_MULTIREAD, "", "");
		tells(QDB_IS_READ, SET, "");
		turn();
		CU_ASSERT_PTR_NOT_NULL(strstr(said, "+" SET "= "));
		tear_down();
	}
}

static void answers_come_in_the_order_of_requests(void)
{
	synced();
	CU_ASSERT_EQUAL(qubesdb_write(&db, "/dns/a", "1", 1), 0);
	tells(QDB_IS_WATCH, "/qubes-ip", "");
	turn();
	CU_ASSERT_STRING_EQUAL(asked, "write:/dns/a read:/qubes-ip ");
	CU_ASSERT_EQUAL(qubesdb_remove(&db, "/dns/a"), 0);
	CU_ASSERT_EQUAL(db.unacked, 2);
	tells(QDB_ERROR, "/dns/a", "");
	tells(QDB_IS_READ, "/qubes-ip", "1");
	tells(QDB_NOENT, "/dns/a", "");
	turn();
	CU_ASSERT_EQUAL(db.unacked, 0);
	CU_ASSERT_EQUAL(db.refused, 1);
	CU_ASSERT_STRING_EQUAL(said, "+/qubes-ip=1 ");
	tear_down();
}

/* Whatever it is about, also what is not wanted otherwise. */
static void what_the_daemon_has_in_place_of_what_it_refused_is_asked(void)
{
	synced();
	CU_ASSERT_EQUAL(qubesdb_write(&db, "/dns/a", "2", 1), 0);
	CU_ASSERT_EQUAL(qubesdb_write(&db, "/dns/b", "2", 1), 0);
	CU_ASSERT_EQUAL(qubesdb_remove(&db, "/dns/"), 0);
	tells(QDB_ERROR, "/dns/a", "");
	tells(QDB_ERROR, "/dns/b", "");
	tells(QDB_ERROR, "/dns/", "");
	turn();
	CU_ASSERT_PTR_NOT_NULL(strstr(asked, " read:/dns/a "));
	tells(QDB_IS_READ, "/dns/a", "1");
	turn();
	CU_ASSERT_STRING_EQUAL(said, "+/dns/a=1 ");
	CU_ASSERT_STRING_EQUAL(asked, "read:/dns/b ");
	tells(QDB_NOENT, "/dns/b", "");
	turn();
	CU_ASSERT_STRING_EQUAL(asked, "");
	CU_ASSERT_FALSE(on_has(NULL, "/dns/b"));
	CU_ASSERT_EQUAL(db.refused, 3);
	tear_down();
}

static void changes_that_are_not_answered_are_bounded(void)
{
	uint32_t n = 0;

	synced();
	while (n < 10000 && !qubesdb_write(&db, "/dns/a", "1", 1)) {
		n++;
		turn();
	}
	CU_ASSERT(n > 100 && n < QUBESDB_SENT);
	/* there is room to ask */
	tells(QDB_IS_WATCH, SET, "");
	turn();
	CU_ASSERT_STRING_EQUAL(asked, "all:" SET "/ read:" SET " ");
	tear_down();
}

static const struct {
	uint8_t type;
	const char *path, *value;
} wrong[] = {
	{ QDB_WRITE, "/qubes-ip", "1" },
	{ QDB_READ, "/qubes-ip", "" },
	{ QDB_OK, "/", "" },
	{ QDB_IS_READ, "/a", "1" },
	{ QDB_IS_MULTIREAD, "/a", "1" },
	{ QDB_IS_WATCH, "", "" },
	{ QDB_IS_WATCH, "/qubes-ip", "1" },
	{ QDB_IS_LIST, "/a", "" },
	{ QDB_NOENT, "/a", "" },
	{ 0xff, "/a", "" },
};

static void nonsense_ends_the_connection(void)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		synced();
		tells(wrong[i].type, wrong[i].path, wrong[i].value);
		said[0] = '\0';
		(void)qubesdb_work(&db, now);
		CU_ASSERT_STRING_EQUAL(said, "lost ");
		CU_ASSERT(db.trouble[0] != '\0');
		now = mono_add_ms(now, QUBESDB_PAUSE_MS);
		call();
		CU_ASSERT_STRING_EQUAL(asked, "watch:/ all:/ ");
		tear_down();
	}
}

static void too_much_at_a_time_is_read_anew(void)
{
	char path[64];

	synced();
	said[0] = '\0';
	for (uint32_t i = 0; i <= QUBESDB_ASKS; i++) {
		snprintf(path, sizeof(path), "/qubes-x%u", i);
		tells(QDB_IS_WATCH, path, "");
	}
	for (int i = 0; i < 3; i++)
		(void)qubesdb_work(&db, now);
	CU_ASSERT_STRING_EQUAL(said, "lost ");
	tear_down();
}

UNIT_SUITE(qubesdb_local, UNIT(everything_is_watched_and_then_read),
	   UNIT(what_changes_while_it_is_read_is_read_again),
	   UNIT(only_what_is_wanted_is_asked_for_once_at_a_time),
	   UNIT(Q3_a_set_is_read_in_one_piece_at_its_trigger),
	   UNIT(a_reading_that_was_disturbed_is_passed_over),
	   UNIT(another_client_disturbs_nothing),
	   UNIT(answers_come_in_the_order_of_requests),
	   UNIT(what_the_daemon_has_in_place_of_what_it_refused_is_asked),
	   UNIT(changes_that_are_not_answered_are_bounded),
	   UNIT(nonsense_ends_the_connection),
	   UNIT(too_much_at_a_time_is_read_anew))
