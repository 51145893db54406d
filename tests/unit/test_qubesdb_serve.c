/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our mirror of QubesDB at a local socket: what is asked, and what is answered;
 * peers that are hostile, or do not read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "firewall/control/qubes/qubesdb_serve.h"
#include "unit.h"

static struct source_qubesdb source;
static struct qubesdb_peer peer;
static char said[1u << 16];

static void set(const char *path, const char *value)
{
	CU_ASSERT_EQUAL(tree_write(source.mirror, path, value, strlen(value)),
			0);
}

static void set_up(void)
{
	memset(&source, 0, sizeof(source));
	source.mirror = tree_new(1u << 20, NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(source.mirror);
	set("/a", "1");
	set("/a/b", "2");
	set("/ab", "");
	set("/b", "3");
	qubesdb_peer_init(&peer, false);
}

static void tear_down(void)
{
	tree_free(source.mirror);
}

static size_t message(uint8_t *out, uint8_t type, const char *path,
		      const char *value)
{
	size_t len = strlen(value);

	memset(out, 0xa5, QDB_HEADER);
	out[0] = type;
	memcpy(out + 1, path, strlen(path) + 1);
	out[68] = (uint8_t)len;
	out[69] = (uint8_t)(len >> 8);
	out[70] = out[71] = 0;
	memcpy(out + QDB_HEADER, value, len);
	return QDB_HEADER + len;
}

/* Messages as text. */
static size_t read_text(const uint8_t *p, size_t n)
{
	static const char *const name[] = {
		[QDB_OK] = "ok",	   [QDB_NOENT] = "none",
		[QDB_ERROR] = "error",	   [QDB_IS_READ] = "is",
		[QDB_IS_MULTIREAD] = "is", [QDB_IS_LIST] = "key",
		[QDB_IS_WATCH] = "news",
	};
	size_t at = 0, len = 0;
	struct qdb_msg m;
	int size;

	said[0] = '\0';
	while ((size = qdb_take(p + at, n - at, &m)) > 0) {
		CU_ASSERT_FATAL(m.type <= QDB_IS_WATCH && name[m.type]);
		len += (size_t)snprintf(said + len, sizeof(said) - len,
					"%s:%s%s%.*s ", name[m.type], m.path,
					m.len ? "=" : "", (int)m.len,
					(const char *)m.data);
		at += (size_t)size;
	}
	CU_ASSERT(size == 0);
	return at;
}

static int ask(uint8_t type, const char *path, const char *value)
{
	int err;

	peer.in_n += message(peer.in + peer.in_n, type, path, value);
	err = qubesdb_peer_work(&peer, &source);
	qubesdb_peer_took(&peer, read_text(peer.out, peer.out_n));
	return err;
}

static const struct {
	uint8_t type;
	const char *path, *answer;
} row[] = {
	{ QDB_READ, "/a", "is:/a=1 " },
	{ QDB_READ, "/ab", "is:/ab " },
	{ QDB_READ, "/c", "none:/c " },
	{ QDB_MULTIREAD, "/a", "is:/a=1 is:/a/b=2 is:/ab is: " },
	{ QDB_MULTIREAD, "/a/", "is:/a/b=2 is: " },
	{ QDB_MULTIREAD, "/c/", "is: " },
	{ QDB_LIST, "", "key:/a key:/a/b key:/ab key:/b key: " },
	{ QDB_LIST, "/", "key:/a key:/a/b key:/ab key:/b key: " },
	{ QDB_WATCH, "/a", "ok:/a " },
	{ QDB_UNWATCH, "/a", "none:/a " },
	{ QDB_WRITE, "/a", "error:/a " },
	{ QDB_RM, "/a", "error:/a " },
	{ QDB_RM, "/", "error:/ " },
};

static void each_request_has_its_answer(void)
{
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		set_up();
		CU_ASSERT_EQUAL(ask(row[i].type, row[i].path, ""), 0);
		CU_ASSERT_STRING_EQUAL(said, row[i].answer);
		tear_down();
	}
}

static const struct {
	uint8_t type;
	const char *path, *value;
} wrong[] = {
	{ QDB_READ, "a", "" },	    { QDB_READ, "/a/", "" },
	{ QDB_READ, "/a", "1" },    { QDB_READ, "", "" },
	{ QDB_WRITE, "/a b", "1" }, { QDB_WRITE, "/a/", "1" },
	{ QDB_RM, "/a", "1" },	    { QDB_RM, "", "" },
	{ QDB_WATCH, "", "" },	    { QDB_WATCH, "a", "" },
	{ QDB_MULTIREAD, "a", "" }, { QDB_MULTIREAD, "/a", "1" },
	{ QDB_OK, "/a", "" },	    { QDB_IS_READ, "/a", "1" },
	{ QDB_IS_WATCH, "/a", "" }, { 0xff, "/a", "" },
};

static void who_makes_no_sense_is_dropped(void)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		set_up();
		CU_ASSERT_EQUAL(ask(wrong[i].type, wrong[i].path,
				    wrong[i].value),
				-EPROTO);
		tear_down();
	}
}

static void news_are_of_the_key_or_of_all_below(void)
{
	set_up();
	CU_ASSERT_EQUAL(ask(QDB_WATCH, "/a", ""), 0);
	CU_ASSERT_EQUAL(ask(QDB_WATCH, "/b/", ""), 0);
	CU_ASSERT_EQUAL(ask(QDB_WATCH, "/b/c", ""), 0);
	CU_ASSERT(qubesdb_peer_news(&peer, "/a"));
	CU_ASSERT(qubesdb_peer_news(&peer, "/a/b"));
	CU_ASSERT(qubesdb_peer_news(&peer, "/b"));
	CU_ASSERT(qubesdb_peer_news(&peer, "/b/"));
	CU_ASSERT(qubesdb_peer_news(&peer, "/b/c"));
	CU_ASSERT(qubesdb_peer_news(&peer, "/"));
	CU_ASSERT_EQUAL(ask(QDB_UNWATCH, "/a", ""), 0);
	CU_ASSERT_STRING_EQUAL(said, "news:/a news:/b/ news:/b/c ok:/a ");
	CU_ASSERT(qubesdb_peer_news(&peer, "/a"));
	CU_ASSERT_EQUAL(peer.out_n, 0);
	tear_down();
}

static void watches_are_bounded(void)
{
	char path[16];

	set_up();
	for (uint32_t i = 0; i < QUBESDB_PEER_WATCHES; i++) {
		snprintf(path, sizeof(path), "/w%u", i);
		CU_ASSERT_EQUAL(ask(QDB_WATCH, path, ""), 0);
	}
	CU_ASSERT_EQUAL(ask(QDB_WATCH, "/w0", ""), 0);
	CU_ASSERT_STRING_EQUAL(said, "ok:/w0 ");
	CU_ASSERT_EQUAL(ask(QDB_WATCH, "/more", ""), 0);
	CU_ASSERT_STRING_EQUAL(said, "error:/more ");
	tear_down();
}

static void a_long_answer_goes_on_as_it_is_read(void)
{
	static char value[3001];
	char path[16];
	uint32_t n = 0;

	set_up();
	memset(value, 'x', sizeof(value) - 1);
	for (uint32_t i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), "/x/%02u", i);
		set(path, value);
	}
	CU_ASSERT_EQUAL(ask(QDB_MULTIREAD, "/x/", ""), 1);
	/* the next request waits */
	CU_ASSERT_EQUAL(ask(QDB_READ, "/a", ""), 1);
	for (int i = 0; i < 50 && peer.in_n; i++) {
		n++;
		(void)!qubesdb_peer_work(&peer, &source);
		qubesdb_peer_took(&peer, read_text(peer.out, peer.out_n));
	}
	CU_ASSERT(n > 5 && n < 50);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "is: is:/a=1 "));
	tear_down();
}

static void who_does_not_take_its_news_is_dropped(void)
{
	uint32_t n = 0;

	set_up();
	CU_ASSERT_EQUAL(ask(QDB_WATCH, "/", ""), 0);
	while (n < 10000 && qubesdb_peer_news(&peer, "/a"))
		n++;
	CU_ASSERT_EQUAL(n, QUBESDB_PEER_OUT / QDB_HEADER);
	/* and is read nothing of meanwhile */
	peer.in_n = message(peer.in, QDB_READ, "/a", "");
	CU_ASSERT_EQUAL(qubesdb_peer_work(&peer, &source), 1);
	CU_ASSERT_NOT_EQUAL(peer.in_n, 0);
	tear_down();
}

/* ---- sockets --------------------------------------------------------------*/

static char dir[] = "/tmp/vifwall-serve-XXXXXX", path[64];
static struct qubesdb_serve serve;
static struct mono now;

static void listen_up(void)
{
	set_up();
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/qubesdb.sock", dir);
	now = (struct mono){ MONO_S };
	CU_ASSERT_EQUAL_FATAL(qubesdb_serve_open(&serve, path, false, &source),
			      0);
}

static void listen_down(void)
{
	qubesdb_serve_close(&serve);
	CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
	tear_down();
}

static int join(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void work(void)
{
	for (int i = 0; i < 8; i++) {
		now = mono_add_ms(now, 1);
		(void)qubesdb_serve_work(&serve, now);
	}
}

static void send_to(int fd, uint8_t type, const char *key)
{
	uint8_t out[QDB_MESSAGE_MAX];
	size_t n = message(out, type, key, "");

	CU_ASSERT_EQUAL(send(fd, out, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* What came; "gone": nothing will any more. */
static const char *heard(int fd)
{
	static uint8_t in[1u << 18];
	ssize_t n = recv(fd, in, sizeof(in), 0);

	if (!n || (n < 0 && errno != EAGAIN))
		return "gone";
	(void)read_text(in, n < 0 ? 0 : (size_t)n);
	return said;
}

static void peers_are_served_beside_each_other(void)
{
	int a, b;

	listen_up();
	a = join();
	b = join();
	send_to(a, QDB_WATCH, "/");
	send_to(b, QDB_READ, "/a");
	work();
	CU_ASSERT_STRING_EQUAL(heard(a), "ok:/ ");
	CU_ASSERT_STRING_EQUAL(heard(b), "is:/a=1 ");
	source.changed(source.changed_ctx, "/b");
	send_to(b, QDB_OK, "/");
	work();
	CU_ASSERT_STRING_EQUAL(heard(a), "news:/b ");
	CU_ASSERT_STRING_EQUAL(heard(b), "gone");
	close(a);
	close(b);
	work();
	CU_ASSERT_EQUAL(serve.place[0].fd, -1);
	listen_down();
}

static void who_is_silent_and_watches_nothing_makes_room(void)
{
	int fd[QUBESDB_SERVE_PEERS], more;

	listen_up();
	for (uint32_t i = 0; i < QUBESDB_SERVE_PEERS; i++) {
		fd[i] = join();
		if (i != 3)
			send_to(fd[i], QDB_WATCH, "/a");
		work();
		CU_ASSERT_STRING_EQUAL(heard(fd[i]), i == 3 ? "" : "ok:/a ");
	}
	more = join();
	send_to(more, QDB_WATCH, "/a");
	work();
	CU_ASSERT_STRING_EQUAL(heard(more), "ok:/a ");
	CU_ASSERT_STRING_EQUAL(heard(fd[3]), "gone");
	close(fd[3]);
	fd[3] = join();
	work();
	CU_ASSERT_STRING_EQUAL(heard(fd[3]), "gone");
	for (uint32_t i = 0; i < QUBESDB_SERVE_PEERS; i++)
		close(fd[i]);
	close(more);
	listen_down();
}

static void a_second_daemon_does_not_take_the_socket_away(void)
{
	static struct qubesdb_serve second;

	listen_up();
	CU_ASSERT_EQUAL(qubesdb_serve_open(&second, path, false, &source),
			-EADDRINUSE);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	listen_down();
}

UNIT_SUITE(qubesdb_serve, UNIT(each_request_has_its_answer),
	   UNIT(who_makes_no_sense_is_dropped),
	   UNIT(news_are_of_the_key_or_of_all_below), UNIT(watches_are_bounded),
	   UNIT(a_long_answer_goes_on_as_it_is_read),
	   UNIT(who_does_not_take_its_news_is_dropped),
	   UNIT(peers_are_served_beside_each_other),
	   UNIT(who_is_silent_and_watches_nothing_makes_room),
	   UNIT(a_second_daemon_does_not_take_the_socket_away))
