/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /init in a namespace of processes of its own, where it is the first one too,
 * and where the end of the machine is that of the namespace: the kernel ends
 * the first process by SIGINT for "off" and by SIGHUP for "anew".
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/linux/init.h"
#include "unit.h"

#define OFF SIGINT
#define ANEW SIGHUP

static int said[2]; /* what it and its job write */

/* It is up when it says so: a first process that listens to nothing yet loses
 * what it is sent. */
#define UP "up\n"

static const char *const sleeps[] = { "sh", "-c", "echo up; exec sleep 60",
				      NULL };
static const char *const deaf[] = {
	"sh", "-c", "trap '' TERM; echo up; while :; do sleep 60; done", NULL
};
static const char *const ends[] = { "sh", "-c", "exit 3", NULL };
static const char *const breaks[] = { "sh", "-c", "echo up; kill -9 $$", NULL };
static const char *const faults[] = { "sh", "-c", "echo up; exit 70", NULL };
/* leaves a process behind whose parent is then the first one */
static const char *const orphans[] = {
	"sh", "-c", "(sleep 0.1 & echo $! left); sleep 0.3; kill -0 1", NULL
};

/* 0: it is in a namespace; else its reason to stop here. */
static int alone(void)
{
	if (unshare(CLONE_NEWPID | CLONE_NEWNS))
		return errno;
	return 0;
}

/* The namespace's first process is a child of the one that made it. */
static pid_t begin(const struct init_job *job)
{
	pid_t pid;

	if (pipe(said))
		return -1;
	pid = fork();
	if (pid) {
		close(said[1]);
		return pid;
	}
	dup2(said[1], STDERR_FILENO);
	dup2(said[1], STDOUT_FILENO);
	_exit(init_run(job) ? 99 : 98);
}

/* Adds what is said to @text, until that is in it, or to the end (NULL). */
static void hear(char *text, size_t room, const char *until)
{
	size_t len = strlen(text);
	ssize_t n;

	while (len < room - 1 && !(until && strstr(text, until)) &&
	       (n = read(said[0], text + len, room - 1 - len)) > 0) {
		len += (size_t)n;
		text[len] = '\0';
	}
}

/*
 * Runs @argv under /init, sends it @sig when the job is up (0: never),
 * and returns by which signal the namespace ended; what was said is in @text.
 */
static int life_of(const char *path, const char *const *argv, int sig,
		   char *text, size_t room)
{
	const struct init_job job = { path, argv, 300, true, 2, 20, 60000 };
	int status = 0;
	pid_t pid = begin(&job);

	if (pid < 0)
		return -1;
	text[0] = '\0';
	if (sig) {
		hear(text, room, UP);
		kill(pid, sig);
	}
	hear(text, room, NULL);
	close(said[0]);
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? WTERMSIG(status)
				   : 1000 + WEXITSTATUS(status);
}

static const struct life {
	const char *path;
	const char *const *argv;
	int sig, end;
	const char *says;
} lives[] = {
	{ "/bin/sh", sleeps, SIGTERM, OFF, "is to be turned off" },
	{ "/bin/sh", sleeps, SIGINT, ANEW, "is to be started anew" },
	{ "/bin/sh", deaf, SIGTERM, OFF, "does not end: killed" },
	{ "/bin/sh", ends, 0, OFF, "exit code 3, and nothing passes" },
	{ "/bin/sh", orphans, 0, OFF, "exit code 0" },
	{ "/nowhere", ends, 0, OFF, "/nowhere can't be started (ENOENT)" },
	{ "/bin/sh", breaks, 0, OFF,
	  "by signal 9, and nothing passes without it: the machine is turned" },
	{ "/bin/sh", faults, 0, OFF,
	  "exit code 70, and nothing passes without it: started anew (2 of 2" },
	{ "/bin/sh", sleeps, SIGTERM, OFF, " ms after it was told to" },
};

/* In a process of its own: who has left for a namespace can't come back. */
static int live(const struct life *l)
{
	char text[4096];
	int end;

	if (alone())
		return 77;
	end = life_of(l->path, l->argv, l->sig, text, sizeof(text));
	if (end == l->end && strstr(text, l->says) &&
	    strstr(text, "at the start: "))
		return 0;
	fprintf(stderr, "ended by %d: %s\n", end, text);
	return 1;
}

static int in_child(int (*what)(const struct life *l), const struct life *l)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(what(l));
	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_machine_ends_as_it_was_told_and_when_its_daemon_does(void)
{
	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		int code = in_child(live, &lives[i]);

		if (code == 77 && geteuid())
			return; /* it takes root */
		CU_ASSERT_EQUAL(code, 0);
	}
}

/* ---- a daemon that breaks -------------------------------------------------
 */

/* Runs @job, sends it @sig when @until was said; by what the machine ended. */
static int end_of(const struct init_job *job, const char *until, int sig,
		  char *text, size_t room)
{
	int status;
	pid_t pid;

	text[0] = '\0';
	pid = begin(job);
	if (pid < 0)
		return -1;
	hear(text, room, until);
	kill(pid, sig);
	hear(text, room, NULL);
	close(said[0]);
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

static uint32_t how_often(const char *text, const char *what)
{
	uint32_t n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

/* Breaks as long as the file has lines, one less each time. */
#define BREAKS_FIVE_TIMES                                               \
	"f=$0; echo up; echo >>$f; sleep 0.1; "                         \
	"[ $(wc -l <$f) -gt 5 ] || kill -9 $$; "                        \
	"grep CapEff /proc/self/status; grep CapBnd /proc/self/status;" \
	"echo steady; exec sleep 60"

/* A row ends with the one that ran for .steady_ms. */
static int breaks_now_and_then(const struct life *l)
{
	char path[] = "/tmp/vifwall-init.XXXXXX", text[8192], caps[64];
	const char *const argv[] = { "sh", "-c", BREAKS_FIVE_TIMES, path,
				     NULL };
	const struct init_job job = { "/bin/sh", argv, 300, true, 1, 10, 50 };
	int fd = mkstemp(path), end;
	const char *at;

	(void)l;
	if (fd < 0 || alone())
		return fd < 0 ? 2 : 77;
	close(fd);
	end = end_of(&job, "steady\n", SIGTERM, text, sizeof(text));
	unlink(path);
	/* the one that was started anew has the rights of the first */
	at = strstr(text, "CapBnd:");
	if (at)
		snprintf(caps, sizeof(caps), "CapEff:%.17s", at + 7);
	if (end == OFF && how_often(text, "up\n") == 6 && at &&
	    strstr(text, caps) && how_often(text, "(1 of 1 in a row)") == 5)
		return 0;
	fprintf(stderr, "ended by %d: %s\n", end, text);
	return 1;
}

static void a_daemon_that_breaks_now_and_then_is_started_anew(void)
{
	int code = in_child(breaks_now_and_then, NULL);

	CU_ASSERT(code == 0 || (code == 77 && geteuid()));
}

/* ... but not for ever: as often as it says, and each is heard of. */
static int breaks_at_once(const struct life *l)
{
	const struct init_job job = { l->path, breaks, 300, true, 3, 1, 60000 };
	char text[4096];
	int end;

	if (alone())
		return 77;
	end = end_of(&job, NULL, SIGTERM, text, sizeof(text));
	if (end == OFF && how_often(text, UP) == 4 &&
	    strstr(text, "started anew (3 of 3 in a row)") &&
	    how_often(text, "the machine is turned off") == 1)
		return 0;
	fprintf(stderr, "ended by %d: %s\n", end, text);
	return 1;
}

static void a_daemon_that_breaks_at_once_ends_the_machine_soon(void)
{
	int code = in_child(breaks_at_once, &lives[0]);

	CU_ASSERT(code == 0 || (code == 77 && geteuid()));
}

/* The pause is as long as this test may take, and longer. */
static int is_told_between(const struct life *l)
{
	const struct init_job job = { l->path, l->argv, 300,  true,
				      3,       600000,	60000 };
	char text[4096];
	int end;

	if (alone())
		return 77;
	end = end_of(&job, "started anew (1 of 3", SIGINT, text, sizeof(text));
	if (end == ANEW && strstr(text, "is to be started anew"))
		return 0;
	fprintf(stderr, "ended by %d: %s\n", end, text);
	return 1;
}

static void a_machine_is_told_to_end_while_its_daemon_is_away(void)
{
	static const struct life broken = { "/bin/sh", breaks, 0, 0, "" };
	int code = in_child(is_told_between, &broken);

	CU_ASSERT(code == 0 || (code == 77 && geteuid()));
}

/* Leaves a process behind; started anew, it looks for that. */
#define LEAVES_ONE                                                   \
	"if [ -s $0 ]; then kill -0 $(cat $0) && echo still there; " \
	"exit 3; fi; sleep 60 & echo $! >$0; kill -9 $$"

static int leaves_one(const struct life *l)
{
	char path[] = "/tmp/vifwall-init.XXXXXX", text[4096];
	const char *const argv[] = { "sh", "-c", LEAVES_ONE, path, NULL };
	const struct init_job job = {
		"/bin/sh", argv, 300, true, 1, 100, 60000
	};
	int fd = mkstemp(path), end;

	(void)l;
	if (fd < 0 || alone())
		return fd < 0 ? 2 : 77;
	close(fd);
	end = end_of(&job, NULL, SIGTERM, text, sizeof(text));
	unlink(path);
	if (end == OFF && strstr(text, "exit code 3") &&
	    !strstr(text, "still there"))
		return 0;
	fprintf(stderr, "ended by %d: %s\n", end, text);
	return 1;
}

static void nothing_of_it_is_there_beside_the_next_one(void)
{
	int code = in_child(leaves_one, NULL);

	CU_ASSERT(code == 0 || (code == 77 && geteuid()));
}

/* As the kernel does when dom0 says what is to become of the machine. */
static int asks_for(enum init_role role, int end, const struct life *l)
{
	const struct init_job job = { l->path, l->argv, 300, true, 0, 0, 0 };
	char text[4096] = "";
	int status;
	pid_t pid, asks;

	if (alone())
		return 77;
	pid = begin(&job);
	hear(text, sizeof(text), UP);
	asks = fork();
	if (asks == 0)
		_exit(init_ask(role));
	/* the machine may end, and it with that, before it has left */
	if (waitpid(asks, &status, 0) != asks ||
	    (status && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)))
		return 2;
	if (waitpid(pid, &status, 0) != pid)
		return 3;
	return WIFSIGNALED(status) && WTERMSIG(status) == end ? 0 : 4;
}

static int asks_for_off(const struct life *l)
{
	return asks_for(INIT_POWEROFF, OFF, l);
}

static int asks_for_anew(const struct life *l)
{
	return asks_for(INIT_REBOOT, ANEW, l);
}

static void who_is_called_poweroff_or_reboot_asks_the_first_process(void)
{
	int off = in_child(asks_for_off, &lives[0]);
	int anew = in_child(asks_for_anew, &lives[0]);

	CU_ASSERT(off == 0 || (off == 77 && geteuid()));
	CU_ASSERT(anew == 0 || (anew == 77 && geteuid()));
}

static void only_the_first_process_ends_the_machine(void)
{
	const struct init_job job = { "/bin/true", ends, 300, true, 0, 0, 0 };

	CU_ASSERT_NOT_EQUAL_FATAL(getpid(), 1);
	CU_ASSERT_EQUAL(init_run(&job), -EPERM);
}

static void the_name_says_what_we_are(void)
{
	CU_ASSERT_EQUAL(init_role("/sbin/poweroff"), INIT_POWEROFF);
	CU_ASSERT_EQUAL(init_role("poweroff"), INIT_POWEROFF);
	CU_ASSERT_EQUAL(init_role("/sbin/poweroff2"), INIT_NONE);
	CU_ASSERT_EQUAL(init_role("/sbin/reboot"), INIT_REBOOT);
	CU_ASSERT_EQUAL(init_role("reboots"), INIT_NONE);
	/* not the first process */
	CU_ASSERT_EQUAL(init_role("/init"), INIT_NONE);
	CU_ASSERT_EQUAL(init_role("/usr/sbin/vifwalld"), INIT_NONE);
	CU_ASSERT_EQUAL(init_role(NULL), INIT_NONE);
}

UNIT_SUITE(init, UNIT(the_name_says_what_we_are),
	   UNIT(only_the_first_process_ends_the_machine),
	   UNIT(the_machine_ends_as_it_was_told_and_when_its_daemon_does),
	   UNIT(a_daemon_that_breaks_now_and_then_is_started_anew),
	   UNIT(a_daemon_that_breaks_at_once_ends_the_machine_soon),
	   UNIT(a_machine_is_told_to_end_while_its_daemon_is_away),
	   UNIT(nothing_of_it_is_there_beside_the_next_one),
	   UNIT(who_is_called_poweroff_or_reboot_asks_the_first_process))
