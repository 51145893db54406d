/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "firewall/linux/init.h"
#include "firewall/linux/log.h"
#include "firewall/linux/loop.h"

#define FIRST 1		/* the process that /init is */
#define BIRTH_LINES 500 /* of the kernel's log */
#define NEVER ((struct mono){ UINT64_MAX })

struct init {
	struct loop loop;
	const struct init_job *what;
	int signals;
	pid_t job;	   /* 0: it has ended */
	struct mono began; /* the job, for the last time */
	uint32_t again;	   /* that often it was started anew, in a row */
	int end;	   /* what reboot(2) is asked for; 0: nothing yet */
	struct mono told;  /* the job, that it should end */
	struct mono due;   /* for it to have ended, or to be started anew */
};

static const char *const daemon_argv[] = { "vifwalld", NULL };
const struct init_job init_daemon = {
	.path = "/proc/self/exe",
	.argv = daemon_argv,
	.stop_ms = 9000, /* more than both of its children need at worst */
	.again = 3,
	.pause_ms = 250,
	.steady_ms = 60000,
};

static bool is_named(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return !strcmp(slash ? slash + 1 : path, name);
}

enum init_role init_role(const char *argv0)
{
	if (!argv0)
		return INIT_NONE;
	if (is_named(argv0, "poweroff"))
		return INIT_POWEROFF;
	if (is_named(argv0, "reboot"))
		return INIT_REBOOT;
	return getpid() == FIRST && is_named(argv0, "init") ? INIT_FIRST
							    : INIT_NONE;
}

int init_ask(enum init_role role)
{
	return kill(FIRST, role == INIT_REBOOT ? SIGINT : SIGTERM) ? 1 : 0;
}

/* ---- before the daemon ----------------------------------------------------
 */

/* In that order; what is there already stays. */
static const struct {
	const char *type, *at, *options;
	unsigned long flags;
} mounts[] = {
	{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID | MS_NOEXEC },
	{ "tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV | MS_NOEXEC },
};

static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		if (mount(mounts[i].type, mounts[i].at, mounts[i].type,
			  mounts[i].flags, mounts[i].options) &&
		    errno != EBUSY)
			log_err("%s can't be mounted (%s)", mounts[i].at,
				log_errno(errno));
}

/* Where tools of Linux qubes look for QubesDB; qubes.serve of the appliance's
 * settings. */
static void make_folders(void)
{
	if (mkdir("/run/qubes", 0755) && errno != EEXIST)
		log_err("/run/qubes can't be made (%s)", log_errno(errno));
}

/* The kernel gives us its console, unless there was no /dev/console then. */
static void take_console(void)
{
	int fd;

	if (fcntl(STDERR_FILENO, F_GETFD) >= 0)
		return;
	fd = open("/dev/console", O_RDWR | O_NOCTTY);
	for (int i = STDIN_FILENO; fd >= 0 && i <= STDERR_FILENO; i++)
		if (fd != i)
			(void)!dup2(fd, i);
	if (fd > STDERR_FILENO)
		close(fd);
}

static void say_memory(const char *when)
{
	struct sysinfo s;

	if (sysinfo(&s) == 0)
		log_info("%s: %llu of %llu KiB are free", when,
			 (unsigned long long)s.freeram * s.mem_unit / 1024,
			 (unsigned long long)s.totalram * s.mem_unit / 1024);
}

/*
 * The kernel's clock does not begin with the kernel: on Xen it counts from when
 * the domain was made, and it becomes Xen's only after the first lines of the
 * kernel's log.  The line about the processor's clock is the first that is sure
 * to have its time from there.
 *
 * Such a line is "PRIORITY,NUMBER,MICROSECONDS,...;TEXT"; 0: it is another.
 */
static unsigned long long birth_us(const char *line)
{
	const char *at = strchr(line, ',');

	if (!strstr(line, ";tsc: Detected") || !at)
		return 0;
	at = strchr(at + 1, ',');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

static void say_birth(void)
{
	char line[1024];
	unsigned long long us = 0;
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	for (int i = 0; fd >= 0 && !us && i < BIRTH_LINES; i++) {
		ssize_t n = read(fd, line, sizeof(line) - 1);

		if (n <= 0)
			break;
		line[n] = '\0';
		us = birth_us(line);
	}
	if (fd >= 0)
		close(fd);
	if (us)
		log_info("the kernel began at %llu ms by its clock", us / 1000);
}

/* A program of root's has all rights again, whatever we have given up. */
static int start(struct init *in)
{
	const struct init_job *job = in->what;
	sigset_t none;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid) {
		in->job = pid;
		in->began = in->loop.now;
		return 0;
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	execv(job->path, (char *const *)(uintptr_t)job->argv);
	log_err("%s can't be started (%s)", job->path, log_errno(errno));
	_exit(127);
}

/* From here on: to signal, and to end the machine. */
static int drop_rights(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
			  CAP_KILL, CAP_SYS_BOOT, -1))
		return -EINVAL;
	return capng_apply(CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

/* ---- what can happen ------------------------------------------------------
 */

/*
 * Could another start go better?  What the kernel or a fault ended may; wrong
 * settings and a missing device are the same once more.
 */
static bool is_passing(int status)
{
	if (WIFSIGNALED(status))
		return true;
	switch (WEXITSTATUS(status)) {
	case EX_SOFTWARE:
	case EX_OSERR:
	case EX_TEMPFAIL:
		return true;
	default:
		return false;
	}
}

static void say_end(const struct init *in, int status, bool again)
{
	char then[80] = "the machine is turned off";

	if (again)
		snprintf(then, sizeof(then), "started anew (%u of %u in a row)",
			 in->again, in->what->again);
	if (WIFSIGNALED(status))
		log_err("vifwalld was ended by signal %d, and nothing passes "
			"without it: %s",
			WTERMSIG(status), then);
	else
		log_err("vifwalld ended with exit code %d, and nothing passes "
			"without it: %s",
			WEXITSTATUS(status), then);
}

/* Nobody told it to end. */
static void plan_again(struct init *in, int status)
{
	const struct init_job *job = in->what;
	bool again;

	if (mono_diff_ms(in->began, in->loop.now) >= job->steady_ms)
		in->again = 0;
	again = is_passing(status) && in->again < job->again;
	if (again)
		in->due = mono_add_ms(in->loop.now,
				      (uint64_t)job->pause_ms << in->again++);
	else
		in->end = RB_POWER_OFF;
	say_end(in, status, again);
}

static void job_ended(struct init *in, int status)
{
	/* its processes die with it; none may be there beside the next ones */
	(void)kill(-in->job, SIGKILL);
	in->job = 0;
	in->due = NEVER;
	if (in->end)
		log_info("vifwalld ended %llu ms after it was told to",
			 (unsigned long long)mono_diff_ms(in->told,
							  in->loop.now));
	else
		plan_again(in, status);
}

/* Also what others left behind when they ended. */
static void reap(struct init *in)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == in->job)
			job_ended(in, status);
}

static void stop(struct init *in, int end)
{
	if (in->end)
		return;
	log_info("the machine is to be %s",
		 end == RB_AUTOBOOT ? "started anew" : "turned off");
	say_memory("at the end");
	in->end = end;
	in->told = in->loop.now;
	in->due = mono_add_ms(in->told, in->what->stop_ms);
	if (in->job)
		kill(in->job, SIGTERM);
}

static void take_signals(struct init *in)
{
	int sig;

	while ((sig = loop_signal_take(in->signals)))
		if (sig == SIGCHLD)
			reap(in);
		else
			stop(in, sig == SIGINT ? RB_AUTOBOOT : RB_POWER_OFF);
}

static void overdue(struct init *in)
{
	int err;

	in->due = NEVER;
	if (in->job) {
		log_warn("vifwalld does not end: killed");
		kill(in->job, SIGKILL);
		return;
	}
	err = start(in);
	if (!err)
		return;
	log_err("can't start (%s): the machine is turned off", log_errno(-err));
	in->end = RB_POWER_OFF;
}

static void watch(struct init *in)
{
	while (in->job || !in->end) {
		struct loop_event ev;

		if (loop_wait(&in->loop, &ev, 1, in->due) > 0)
			take_signals(in);
		if ((in->job || !in->end) && mono_past(in->due, in->loop.now))
			overdue(in);
	}
}

static int open_signals(struct init *in)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGCHLD };
	int err = loop_open(&in->loop);

	if (err)
		return err;
	in->signals = loop_signals(sigs, sizeof(sigs) / sizeof(sigs[0]));
	if (in->signals < 0)
		return in->signals;
	/* a reboot is ours to do, in order, and not the kernel's at once */
	(void)reboot(RB_DISABLE_CAD);
	return loop_add(&in->loop, in->signals, 0, 0, LOOP_IN);
}

int init_run(const struct init_job *job)
{
	struct init in = { .what = job, .due = NEVER };
	int err;

	/* anywhere else this would end somebody else's machine */
	if (getpid() != FIRST)
		return -EPERM;
	if (!job->bare) {
		mount_all();
		make_folders();
		take_console();
	}
	(void)log_open("init", LOG_TO_STDERR, LOG_LEVEL_INFO);
	say_birth();
	say_memory("at the start");
	err = open_signals(&in);
	if (!err)
		err = start(&in);
	if (!err && drop_rights())
		log_warn("init keeps all its rights");
	if (!err)
		watch(&in);
	else
		log_err("can't start (%s): the machine is turned off",
			log_errno(-err));
	reboot(in.end ? in.end : RB_POWER_OFF);
	return -errno;
}
