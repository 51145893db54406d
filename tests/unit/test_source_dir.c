/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On a real directory with real events.  "Applies" below means: the key that
 * commits was written to the tree; what it says then is compared.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "firewall/control/source/source_dir.h"
#include "firewall/linux/log.h"
#include "unit.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

static char top[64], dir[96];
static struct source_dir src;
static struct tree *tree;
static char committed[4096]; /* what the sets said at each commit */
static int null_fd = -1;

static struct mono clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ (uint64_t)ts.tv_sec * MONO_S +
			      (uint64_t)ts.tv_nsec };
}

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	size_t n = strlen(committed);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(committed + n, sizeof(committed) - n, fmt, ap);
	va_end(ap);
}

/* "5:policy=drop,0000=x;" for a commit, "-5;" for a removal. */
static void on_change(void *ctx, const char *path, bool removed)
{
	const char *name = path + strlen(TREE_RULES);
	struct tree_key k = { .path = NULL };
	char base[80];

	(void)ctx;
	if (strncmp(path, TREE_RULES, strlen(TREE_RULES))) {
		if (tree_read(tree, path, &k))
			say("%s=%s;", path, k.value);
		return;
	}
	if (strchr(name, '/'))
		return;
	say("%s%s%s", removed ? "-" : "", strrchr(name, '.') + 1,
	    removed ? ";" : ":");
	if (removed)
		return;
	snprintf(base, sizeof(base), "%s/", path);
	for (const char *sep = ""; tree_next(tree, base, k.path, &k); sep = ",")
		say("%s%s=%s", sep, k.path + strlen(base), k.value);
	say(";");
}

static const char *at(const char *name)
{
	static char path[4][256];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[0]), "%s/%s", dir, name);
	return path[turn];
}

#define FW "qubes-firewall/"
#define C5 FW "10.0.0.5"

static void put(const char *name, const char *text)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void mk(const char *name)
{
	CU_ASSERT_EQUAL(mkdir(at(name), 0755), 0);
}

static void touch(const char *name)
{
	CU_ASSERT_EQUAL(utimensat(AT_FDCWD, at(name), NULL, 0), 0);
}

static int rm_one(const char *path, const struct stat *st, int type,
		  struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static void rm(const char *path)
{
	CU_ASSERT_EQUAL(nftw(path, rm_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void mv(const char *from, const char *to)
{
	CU_ASSERT_EQUAL(rename(at(from), at(to)), 0);
}

/* Empty directories, nothing opened. */
static void make_dirs(void)
{
	if (null_fd < 0)
		null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_to_fd(null_fd);
	strcpy(top, "/tmp/vifwall-source-XXXXXX");
	CU_ASSERT_FATAL(mkdtemp(top) != NULL);
	snprintf(dir, sizeof(dir), "%s/rules", top);
	CU_ASSERT_EQUAL(mkdir(dir, 0755), 0);
	mk("qubes-firewall");
}

static void serve(uint64_t ms);

static void start_with(size_t bytes)
{
	tree = tree_new(bytes, on_change, NULL);
	CU_ASSERT_FATAL(tree != NULL);
	committed[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(source_dir_open(&src, dir, tree, clock_now()), 0);
	while (!source_dir_settled(&src))
		serve(2);
}

static void start(void)
{
	start_with(1u << 20);
}

static void stop(void)
{
	source_dir_close(&src);
	tree_free(tree);
	rm(top);
	log_to_fd(STDERR_FILENO);
}

/* Serves events and deadlines for @ms. */
static void serve(uint64_t ms)
{
	struct mono end = mono_add_ms(clock_now(), ms), now = clock_now();

	for (;;) {
		struct pollfd p = { .fd = src.inotify, .events = POLLIN };
		struct mono next = source_dir_tick(&src, now);

		if (next.ns > end.ns)
			next = end;
		if (poll(&p, 1, (int)mono_diff_ms(now, next) + 1) > 0)
			source_dir_events(&src, clock_now());
		now = clock_now();
		if (mono_past(end, now))
			return;
	}
}

/* Serves until @want was committed, at most @ms; how long it took. */
static uint64_t serve_until(const char *want, uint64_t ms)
{
	struct mono from = clock_now();
	uint64_t took = 0;

	while (!strstr(committed, want) && took <= ms) {
		serve(1);
		took = mono_diff_ms(from, clock_now());
	}
	if (!strstr(committed, want))
		fprintf(stderr, "not in '%s': '%s'\n", committed, want);
	return took;
}

/* How long a busy machine may take for what needs milliseconds. */
#define PATIENCE_MS 3000u

/* Was, or will soon be, @want among what was committed? */
static bool among(const char *want)
{
	return serve_until(want, PATIENCE_MS) <= PATIENCE_MS;
}

/* The same for all that was committed since the last question. */
static bool said(const char *want)
{
	struct mono end = mono_add_ms(clock_now(), PATIENCE_MS);
	bool same;

	while (strcmp(committed, want) && !mono_past(end, clock_now()))
		serve(2);
	same = !strcmp(committed, want);
	if (!same)
		fprintf(stderr, "said '%s', not '%s'\n", committed, want);
	committed[0] = '\0';
	return same;
}

/* A client 10.0.0.5 with one rule that says @text, not committed. */
static void set5(const char *text)
{
	mk(C5);
	put(C5 "/policy", "drop\n");
	put(C5 "/0000", text);
}

/* ---- tests ----------------------------------------------------------------*/

static void what_is_there_at_the_start_counts_as_committed(void)
{
	make_dirs();
	set5("action=accept\n");
	mk(FW "10.0.0.6");
	put("connected-ips", "10.0.0.5 10.0.0.6\n");
	start();
	/* in whatever order */
	CU_ASSERT(among("/connected-ips=10.0.0.5 10.0.0.6;"));
	CU_ASSERT(among("5:0000=action=accept,policy=drop;"));
	CU_ASSERT(among("6:;"));
	stop();
}

/* The quickest of several: others may use the processor meanwhile. */
static void a_touch_commits_within_100_ms(void)
{
	char text[16], want[48];
	uint64_t took, best = UINT64_MAX;

	make_dirs();
	start();
	set5("one");
	serve(30);
	CU_ASSERT(said(""));
	touch(C5);
	CU_ASSERT(among("5:0000=one,policy=drop;"));
	for (int i = 0; i < 20 && best >= 100; i++) {
		snprintf(text, sizeof(text), "two%d", i);
		snprintf(want, sizeof(want), "5:0000=one,0001=%s,policy=drop;",
			 text);
		put(C5 "/0001", text);
		touch(C5);
		took = serve_until(want, PATIENCE_MS);
		CU_ASSERT(took <= PATIENCE_MS);
		best = took < best ? took : best;
	}
	CU_ASSERT(best < 100);
	stop();
}

static void changed_files_do_nothing_until_the_touch(void)
{
	make_dirs();
	set5("one");
	start();
	CU_ASSERT(said("5:0000=one,policy=drop;"));
	CU_ASSERT(!source_dir_touched(&src, "10.0.0.5"));
	put(C5 "/0000", "two");
	put(C5 "/0001", "three");
	CU_ASSERT_EQUAL(unlink(at(C5 "/policy")), 0);
	serve(40);
	CU_ASSERT(said(""));
	CU_ASSERT(source_dir_touched(&src, "10.0.0.5"));
	touch(C5);
	serve(40);
	CU_ASSERT(said("5:0000=two,0001=three;"));
	CU_ASSERT(!source_dir_touched(&src, "10.0.0.5"));
	CU_ASSERT(!source_dir_touched(&src, "10.0.0.6"));
	stop();
}

static void files_changed_after_the_touch_void_it(void)
{
	make_dirs();
	set5("one");
	start();
	CU_ASSERT(said("5:0000=one,policy=drop;"));
	put(C5 "/0000", "two");
	touch(C5);
	put(C5 "/0000", "three"); /* the writer is on its way again */
	serve(40);
	CU_ASSERT(said(""));
	touch(C5);
	serve(40);
	CU_ASSERT(said("5:0000=three,policy=drop;"));
	stop();
}

static void scrap_is_neither_key_nor_change(void)
{
	static const char *const names[] = { "/.0000.swp", "/0000~", "/#0000#",
					     "/.git" };

	make_dirs();
	set5("one");
	start();
	CU_ASSERT(said("5:0000=one,policy=drop;"));
	touch(C5);
	for (int i = 0; i < 4; i++) {
		char path[64];

		snprintf(path, sizeof(path), C5 "%s", names[i]);
		put(path, "scrap");
	}
	serve(40);
	CU_ASSERT(said("5:0000=one,policy=drop;"));
	stop();
}

static void other_names_become_keys_so_that_the_set_is_refused(void)
{
	make_dirs();
	set5("one");
	put(C5 "/README", "text");
	start();
	CU_ASSERT(said("5:0000=one,README=text,policy=drop;"));
	put(C5 "/a name", "text");
	touch(C5);
	serve(40);
	CU_ASSERT(said("5:.error=a name is no regular file, or its name can't "
		       "be a key,0000=one,README=text,policy=drop;"));
	stop();
}

static void a_set_moved_in_place_commits(void)
{
	make_dirs();
	set5("one");
	start();
	CU_ASSERT(said("5:0000=one,policy=drop;"));
	mk("new");
	put("new/policy", "drop");
	put("new/0007", "seven");
	mv(C5, "old");
	serve(SOURCE_GONE_MS / 2);
	CU_ASSERT(said(""));
	mv("new", C5);
	serve(60);
	CU_ASSERT(said("5:0007=seven,policy=drop;"));
	/* the watch has moved along: files of the new one count */
	put(C5 "/0007", "eight");
	serve(20);
	CU_ASSERT(source_dir_touched(&src, "10.0.0.5"));
	put("old/0000", "nobody cares");
	touch(C5);
	serve(40);
	CU_ASSERT(said("5:0007=eight,policy=drop;"));
	CU_ASSERT(!source_dir_touched(&src, "10.0.0.5"));
	stop();
}

static void an_exchange_of_directories_commits_at_once(void)
{
	make_dirs();
	set5("one");
	start();
	CU_ASSERT(said("5:0000=one,policy=drop;"));
	mk("new");
	put("new/policy", "accept");
	CU_ASSERT_EQUAL(syscall(SYS_renameat2, AT_FDCWD, at("new"), AT_FDCWD,
				at(C5), RENAME_EXCHANGE),
			0);
	serve(60);
	CU_ASSERT(said("5:policy=accept;"));
	put(C5 "/0000", "x");
	touch(C5);
	serve(40);
	CU_ASSERT(said("5:0000=x,policy=accept;"));
	stop();
}

static void two_sets_may_be_exchanged_with_each_other(void)
{
	make_dirs();
	set5("five");
	mk(FW "10.0.0.6");
	put(FW "10.0.0.6/policy", "drop");
	start();
	committed[0] = '\0';
	CU_ASSERT_EQUAL(syscall(SYS_renameat2, AT_FDCWD, at(C5), AT_FDCWD,
				at(FW "10.0.0.6"), RENAME_EXCHANGE),
			0);
	serve(60);
	CU_ASSERT(among("5:policy=drop;"));
	CU_ASSERT(among("6:0000=five,policy=drop;"));
	/* both are still watched */
	put(C5 "/0001", "x");
	put(FW "10.0.0.6/0001", "x");
	serve(20);
	CU_ASSERT(source_dir_touched(&src, "10.0.0.5"));
	CU_ASSERT(source_dir_touched(&src, "10.0.0.6"));
	stop();
}

static void a_removed_set_closes_its_client(void)
{
	make_dirs();
	set5("one");
	start();
	committed[0] = '\0';
	rm(at(C5));
	CU_ASSERT(serve_until("-5;", 500) < 100);
	CU_ASSERT(said("-5;"));
	stop();
}

static void a_set_made_anew_keeps_the_old_one_until_its_commit(void)
{
	make_dirs();
	set5("one");
	start();
	committed[0] = '\0';
	rm(at(C5));
	set5("two");
	serve(80);
	CU_ASSERT(said(""));
	touch(C5);
	serve(40);
	CU_ASSERT(said("5:0000=two,policy=drop;"));
	stop();
}

static void only_canonical_addresses_name_sets(void)
{
	make_dirs();
	mk(FW "10.0.0.05");
	mk(FW "fd00:0::5");
	mk(FW "lost+found");
	mk(FW "FD00::6");
	put(FW "10.0.0.8", "a file");
	start();
	CU_ASSERT(said("8:.error=10.0.0.8 can't be read (ENOTDIR);"));
	CU_ASSERT_EQUAL(symlink("/etc", at(FW "10.0.0.9")), 0);
	source_dir_again(&src, clock_now());
	serve(30);
	CU_ASSERT(among("9:.error=10.0.0.9 can't be read"));
	stop();
}

static void odd_files_make_a_bad_set(void)
{
	static char big[TREE_VALUE_MAX + 2];

	make_dirs();
	memset(big, 'x', sizeof(big) - 1);
	set5(big);
	start();
	CU_ASSERT(said("5:.error=0000 is longer than 3072 bytes,policy=drop;"));
	CU_ASSERT_EQUAL(unlink(at(C5 "/0000")), 0);
	CU_ASSERT_EQUAL(mkfifo(at(C5 "/0000"), 0644), 0);
	touch(C5);
	serve(40);
	CU_ASSERT(among("5:.error=0000 is no regular file"));
	CU_ASSERT_EQUAL(unlink(at(C5 "/0000")), 0);
	CU_ASSERT_EQUAL(symlink("/etc/passwd", at(C5 "/0000")), 0);
	touch(C5);
	committed[0] = '\0';
	serve(40);
	CU_ASSERT(among("5:.error=0000 can't be read"));
	stop();
}

static void a_full_tree_closes_and_recovers(void)
{
	static char big[TREE_VALUE_MAX - 500];

	make_dirs();
	memset(big, 'x', sizeof(big) - 1);
	set5("one");
	start_with(3000);
	CU_ASSERT(said("5:0000=one,policy=drop;"));
	put(C5 "/0001", big);
	put(C5 "/0002", big);
	touch(C5);
	serve(40);
	/* either a bad set that says so, or none */
	CU_ASSERT(!!strstr(committed, "memory for rules is full") ||
		  !!strstr(committed, "-5;"));
	committed[0] = '\0';
	CU_ASSERT_EQUAL(unlink(at(C5 "/0001")), 0);
	CU_ASSERT_EQUAL(unlink(at(C5 "/0002")), 0);
	touch(C5);
	serve(40);
	CU_ASSERT(said("5:0000=one,policy=drop;"));
	stop();
}

static void the_lists_of_clients_count_when_written(void)
{
	make_dirs();
	start();
	put("connected-ips", "10.0.0.5\n");
	serve(30);
	CU_ASSERT(said("/connected-ips=10.0.0.5;"));
	put("tmp", "fd00::5 fd00::6");
	mv("tmp", "connected-ips6");
	serve(30);
	CU_ASSERT(said("/connected-ips6=fd00::5 fd00::6;"));
	put("other", "x");
	/* gone, or unreadable: what it said stays */
	CU_ASSERT_EQUAL(unlink(at("connected-ips")), 0);
	mk("connected-ips");
	source_dir_again(&src, clock_now());
	CU_ASSERT(said("/connected-ips6=fd00::5 fd00::6;"));
	stop();
}

static void a_missing_directory_is_said_and_waited_for(void)
{
	make_dirs();
	set5("one");
	CU_ASSERT_EQUAL(rename(dir, "/tmp/vifwall-source-away"), 0);
	start();
	CU_ASSERT(said(""));
	CU_ASSERT(!!strstr(src.trouble, "/rules: ENOENT"));
	CU_ASSERT_EQUAL(rename("/tmp/vifwall-source-away", dir), 0);
	CU_ASSERT(serve_until("5:0000=one,policy=drop;", 2000) <=
		  SOURCE_RETRY_MS + 200);
	CU_ASSERT_STRING_EQUAL(src.trouble, "");
	stop();
}

static void the_last_rules_stay_while_the_directory_is_away(void)
{
	make_dirs();
	set5("one");
	mk(FW "10.0.0.6");
	start();
	committed[0] = '\0';
	mv("qubes-firewall", "away");
	serve(120);
	CU_ASSERT(said(""));
	CU_ASSERT(!!strstr(src.trouble, "/qubes-firewall: ENOENT"));
	/* back, but without 10.0.0.6: that one is closed */
	CU_ASSERT_EQUAL(rmdir(at("away/10.0.0.6")), 0);
	put("away/10.0.0.5/0000", "two");
	mv("away", "qubes-firewall");
	serve(120);
	CU_ASSERT(among("5:0000=two,policy=drop;"));
	CU_ASSERT(among("-6;"));
	CU_ASSERT_STRING_EQUAL(src.trouble, "");
	stop();
}

static void a_tree_that_appears_is_read_when_it_is_quiet(void)
{
	make_dirs();
	CU_ASSERT_EQUAL(rmdir(at("qubes-firewall")), 0);
	start();
	CU_ASSERT(!!strstr(src.trouble, "/qubes-firewall: ENOENT"));
	mk("qubes-firewall");
	serve(5);
	set5("one");
	touch(C5);
	CU_ASSERT(serve_until("5:0000=one,policy=drop;", 500) < 200);
	stop();
}

static void the_whole_directory_may_be_replaced(void)
{
	char old[128];

	make_dirs();
	set5("one");
	start();
	committed[0] = '\0';
	snprintf(old, sizeof(old), "%s/old", top);
	CU_ASSERT_EQUAL(rename(dir, old), 0);
	CU_ASSERT_EQUAL(mkdir(dir, 0755), 0);
	mk("qubes-firewall");
	set5("two");
	serve(150);
	CU_ASSERT(said("5:0000=two,policy=drop;"));
	/* and the new one is the watched one */
	put(C5 "/0000", "three");
	touch(C5);
	serve(40);
	CU_ASSERT(said("5:0000=three,policy=drop;"));
	stop();
}

/*
 * A writer that never rests, against the order that it must keep: two rules
 * that always say the same.  No commit may show one of each.
 */
static void a_reader_never_sees_half_a_set(void)
{
	struct mono end = mono_add_ms(clock_now(), 400);
	uint32_t commits = 0;
	pid_t writer;

	make_dirs();
	set5("a");
	put(C5 "/0001", "a");
	start();
	writer = fork();
	if (writer == 0) {
		for (int i = 0;; i++) {
			const char *text = i % 2 ? "a" : "b";
			/* most of the time it is faster than the reader */
			struct timespec t = { .tv_nsec = i % 7 ? i % 7 * 100000
							       : 20000000 };

			put(C5 "/0000", text);
			put(C5 "/0001", text);
			touch(C5);
			nanosleep(&t, NULL);
		}
	}
	CU_ASSERT_FATAL(writer > 0);
	while (!mono_past(end, clock_now())) {
		committed[0] = '\0';
		serve(3);
		commits += committed[0] != '\0';
		CU_ASSERT(!strstr(committed, "0000=a,0001=b"));
		CU_ASSERT(!strstr(committed, "0000=b,0001=a"));
		CU_ASSERT(!strstr(committed, "0000=,"));
		CU_ASSERT(!strstr(committed, "0001=,"));
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	CU_ASSERT(commits > 0);
	/* when it rests, the last commit counts */
	put(C5 "/0000", "end");
	put(C5 "/0001", "end");
	touch(C5);
	committed[0] = '\0';
	serve(50);
	CU_ASSERT(among("0000=end,0001=end,"));
	stop();
}

static void many_rules_are_read_in_one_go(void)
{
	static char name[64];
	struct tree_key k = { .path = NULL };
	uint32_t n = 0;

	make_dirs();
	set5("one");
	start();
	committed[0] = '\0';
	for (unsigned i = 1; i < 5000; i++) {
		snprintf(name, sizeof(name), C5 "/%04u", i);
		put(name, "action=accept proto=tcp dstports=80-80\n");
	}
	serve(50);
	CU_ASSERT(said(""));
	touch(C5);
	CU_ASSERT(serve_until("5:0000=one", 2000) < 1000);
	while (tree_next(tree, "/qubes-firewall/10.0.0.5/", k.path, &k))
		n++;
	CU_ASSERT_EQUAL(n, 5001);
	stop();
}

static void lost_events_make_it_read_all_anew(void)
{
	char buf[64];
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	long max = f && fgets(buf, sizeof(buf), f) ? atol(buf) : 16384;

	if (f)
		fclose(f);
	make_dirs();
	set5("one");
	start();
	committed[0] = '\0';
	/* two names in turn, so that equal events can't be made one */
	for (long i = 0; i <= max / 2; i++) {
		put(i % 2 ? C5 "/0001" : C5 "/0002", "x");
	}
	put(C5 "/0000", "two");
	touch(C5); /* this event is lost */
	serve(200);
	CU_ASSERT(among("5:0000=two,0001=x,0002=x,policy=drop;"));
	stop();
}

static void too_many_sets_are_passed_over(void)
{
	char name[64];

	make_dirs();
	for (unsigned i = 0; i <= SOURCE_SETS; i++) {
		snprintf(name, sizeof(name), FW "10.1.%u.%u", i / 256, i % 256);
		mk(name);
	}
	start();
	CU_ASSERT_EQUAL(tree_keys(tree), SOURCE_SETS);
	stop();
}

UNIT_SUITE(source_dir, UNIT(what_is_there_at_the_start_counts_as_committed),
	   UNIT(a_touch_commits_within_100_ms),
	   UNIT(changed_files_do_nothing_until_the_touch),
	   UNIT(files_changed_after_the_touch_void_it),
	   UNIT(scrap_is_neither_key_nor_change),
	   UNIT(other_names_become_keys_so_that_the_set_is_refused),
	   UNIT(a_set_moved_in_place_commits),
	   UNIT(an_exchange_of_directories_commits_at_once),
	   UNIT(two_sets_may_be_exchanged_with_each_other),
	   UNIT(a_removed_set_closes_its_client),
	   UNIT(a_set_made_anew_keeps_the_old_one_until_its_commit),
	   UNIT(only_canonical_addresses_name_sets),
	   UNIT(odd_files_make_a_bad_set),
	   UNIT(a_full_tree_closes_and_recovers),
	   UNIT(the_lists_of_clients_count_when_written),
	   UNIT(a_missing_directory_is_said_and_waited_for),
	   UNIT(the_last_rules_stay_while_the_directory_is_away),
	   UNIT(a_tree_that_appears_is_read_when_it_is_quiet),
	   UNIT(the_whole_directory_may_be_replaced),
	   UNIT(a_reader_never_sees_half_a_set),
	   UNIT(many_rules_are_read_in_one_go),
	   UNIT(lost_events_make_it_read_all_anew),
	   UNIT(too_many_sets_are_passed_over))
