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
	const struct init_job job = { path, argv, 300, true };
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

/* As the kernel does when dom0 says what is to become of the machine. */
static int asks_for(enum init_role role, int end, const struct life *l)
{
	const struct init_job job = { l->path, l->argv, 300, true };
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
	const struct init_job job = { "/bin/true", ends, 300, true };

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
	   UNIT(who_is_called_poweroff_or_reboot_asks_the_first_process))
