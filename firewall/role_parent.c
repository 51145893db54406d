/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/data/data.h"
#include "firewall/linux/isolate.h"
#include "firewall/linux/lock.h"
#include "firewall/linux/log.h"
#include "firewall/linux/loop.h"
#include "firewall/linux/mem.h"
#include "firewall/linux/notify.h"
#include "firewall/role/roles.h"

/*
 * How it works: one state, one function for each thing that can happen.
 *
 *	STARTING   until control has said READY; any exit ends the start
 *	RUNNING    a dead data process is started again
 *	STOPPING   data is told to go, then control; then we go
 *
 * A step that must not wait for ever (a restart's pause, a child that should
 * exit) sets p->due; when that time comes, overdue() does what is next.
 */
#define RESTART_MS 100u	   /* before the second; doubles */
#define RESTART_SPAN_S 60u /* in which ROLE_RESTARTS are allowed */
#define HANG_LOOKS 3u	   /* without progress, LOOP_SLEEP_MS apart */
#define EVENTS 8u
#define FDS (ROLE_FD_KEEP - ROLE_FD_CONF + 1)
#define NEVER ((struct mono){ UINT64_MAX })

enum parent_state { STARTING, RUNNING, STOPPING };
enum parent_fd { PARENT_SIGNAL, PARENT_NOTE };

struct parent {
	const struct role_conf *rc;
	struct loop loop;
	struct lock lock;
	const struct view *view;
	int conf_fd, view_fd, view_ro_fd;
	int keep_fd;	     /* the flow table, for data alone */
	int note;	     /* our end towards control */
	pid_t control, data; /* 0: not running */
	enum parent_state state;
	int code; /* to exit with */
	struct mono due;
	struct mono restarted[ROLE_RESTARTS]; /* a ring */
	uint32_t restarts;
	uint64_t seen_ns; /* the view's clock when it was last looked at */
	uint32_t still;	  /* looks since it moved */
};

/* ---- children ------------------------------------------------------------ */

/* In the child, between fork and exec. */
static _Noreturn void become(const char *role, const int fd[FDS])
{
	sigset_t none;
	int high[FDS];

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* out of the way first: any of them may be one of those numbers */
	for (int i = 0; i < FDS; i++)
		high[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, ROLE_FD_KEEP + 1);
	for (int i = 0; i < FDS; i++) {
		if (fd[i] < 0)
			close(ROLE_FD_CONF + i);
		else if (high[i] < 0 || dup2(high[i], ROLE_FD_CONF + i) < 0)
			_exit(ROLE_OS);
	}
	execl("/proc/self/exe", "vifwalld", role, (char *)NULL);
	_exit(ROLE_OS);
}

/* The new child's pid or -errno. */
static pid_t start(struct parent *p, const char *role, int view, int link,
		   int keep)
{
	const int fd[FDS] = { p->conf_fd, view, link, keep };
	pid_t pid = fork();

	if (pid == 0)
		become(role, fd);
	return pid < 0 ? -errno : pid;
}

static int start_control(struct parent *p)
{
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	p->control = start(p, "--role=control", p->view_ro_fd, pair[1], -1);
	close(pair[1]);
	p->note = pair[0];
	if (p->control < 0) {
		err = p->control;
		p->control = 0;
		return err;
	}
	return loop_add(&p->loop, p->note, PARENT_NOTE, 0, LOOP_IN);
}

/* A data process, and its socket to control. */
static int start_data(struct parent *p)
{
	int pair[2], err = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	p->data = start(p, "--role=data", p->view_fd, pair[1], p->keep_fd);
	if (p->data < 0) {
		err = p->data;
		p->data = 0;
	}
	if (!err)
		err = role_note_send(p->note, ROLE_NOTE_DATA, pair[0]);
	/* control has ended already: SIGCHLD is on its way, with the reason */
	if (err == -EPIPE || err == -ECONNRESET)
		err = 0;
	close(pair[0]);
	close(pair[1]);
	p->still = 0;
	return err;
}

/* ---- what can happen ------------------------------------------------------
 */

/* The next step of stopping: data first, so that no packet passes any more. */
static void go_on_stopping(struct parent *p)
{
	enum role_note_type how = p->code ? ROLE_NOTE_LEAVE : ROLE_NOTE_STOP;

	p->due = mono_add_ms(p->loop.now, ROLE_STOP_MS);
	if (p->data)
		kill(p->data, SIGTERM);
	else if (p->control && role_note_send(p->note, how, -1))
		kill(p->control, SIGKILL);
}

static void stop(struct parent *p, int code)
{
	if (p->state == STOPPING)
		return;
	p->state = STOPPING;
	p->code = code;
	notify("STOPPING=1");
	go_on_stopping(p);
}

/* Starts data again after a pause, unless that was too often lately. */
static void plan_restart(struct parent *p)
{
	struct mono *oldest = &p->restarted[p->restarts % ROLE_RESTARTS];
	uint32_t lately = 0;

	for (uint32_t i = 0; i < ROLE_RESTARTS; i++)
		lately += p->restarted[i].ns &&
			  mono_diff_ms(p->restarted[i], p->loop.now) <
				  RESTART_SPAN_S * 1000;
	if (lately == ROLE_RESTARTS) {
		log_err("data broke %u times in %u s: giving up", lately + 1,
			RESTART_SPAN_S);
		stop(p, ROLE_INTERNAL);
		return;
	}
	*oldest = p->loop.now;
	p->restarts++;
	/* who dies once in a while is back before anybody minds */
	p->due = p->loop.now;
	if (lately)
		p->due = mono_add_ms(p->due, RESTART_MS << (lately - 1));
}

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : ROLE_INTERNAL;
}

/* What ended by itself or by our SIGTERM has said why, or need not. */
static void say_end(const struct parent *p, const char *who, pid_t pid,
		    int status)
{
	bool killed = WIFSIGNALED(status) &&
		      (p->state != STOPPING || WTERMSIG(status) != SIGTERM);

	if (killed)
		log_err("%s (pid %d) was ended by signal %d%s", who, (int)pid,
			WTERMSIG(status),
			WTERMSIG(status) == SIGSYS
				? ": a system call that its list forbids"
				: "");
	else if (p->state == RUNNING)
		log_err("%s (pid %d) exited with %d", who, (int)pid,
			WEXITSTATUS(status));
}

static void child_ended(struct parent *p, pid_t pid, int status)
{
	bool data = pid == p->data;

	if (!data && pid != p->control)
		return;
	say_end(p, data ? "data" : "control", pid, status);
	if (data)
		p->data = 0;
	else
		p->control = 0;
	if (p->state == STOPPING)
		go_on_stopping(p);
	else if (p->state == STARTING)
		stop(p, code_of(status) ? code_of(status) : ROLE_INTERNAL);
	else if (data)
		plan_restart(p);
	else
		stop(p, ROLE_INTERNAL);
}

static void reap(struct parent *p)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		child_ended(p, pid, status);
}

static void take_signal(struct parent *p, int fd)
{
	int sig;

	while ((sig = loop_signal_take(fd)))
		switch (sig) {
		case SIGCHLD:
			reap(p);
			break;
		case SIGHUP:
			if (role_note_send(p->note, ROLE_NOTE_RELOAD, -1))
				log_warn("control can't be told to reload");
			break;
		default:
			log_info("stopping: signal %d", sig);
			stop(p, ROLE_OK);
		}
}

static void take_note(struct parent *p)
{
	int fd, type = role_note_recv(p->note, &fd);

	if (type == ROLE_NOTE_READY && p->state == STARTING) {
		p->state = RUNNING;
		log_info("ready");
		notify("READY=1");
	}
	if (type >= 0)
		return;
	/* its exit will tell why; no need to be woken again */
	loop_del(&p->loop, p->note);
	if (type != -EPIPE && p->control)
		kill(p->control, SIGKILL);
}

/* What was waited for did not come in time. */
static void overdue(struct parent *p)
{
	p->due = NEVER;
	if (p->state == STOPPING) {
		pid_t late = p->data ? p->data : p->control;

		log_warn("pid %d does not exit: killed", (int)late);
		kill(late, SIGKILL);
	} else if (!p->data) {
		int err = start_data(p);

		if (err) {
			log_err("data can't be started (%s)", log_errno(-err));
			stop(p, ROLE_OS);
		}
	}
}

/* A data process that hangs forwards nothing, but it should not stay so. */
static void look_for_hang(struct parent *p)
{
	uint64_t ns = __atomic_load_n(&p->view->now_ns, __ATOMIC_RELAXED);

	p->still = ns == p->seen_ns ? p->still + 1 : 0;
	p->seen_ns = ns;
	if (p->still < HANG_LOOKS || !p->data || p->rc->sandbox == ISOLATE_OFF)
		return;
	log_err("data does not move: killed");
	p->still = 0;
	kill(p->data, SIGKILL);
}

/* ---- the whole ------------------------------------------------------------
 */

static int run(struct parent *p, int signals)
{
	while (p->state != STOPPING || p->data || p->control) {
		struct loop_event ev[EVENTS];
		int n = loop_wait(&p->loop, ev, EVENTS, p->due);

		vw_assert(n >= 0);
		for (int i = 0; i < n; i++)
			if (ev[i].type == PARENT_SIGNAL)
				take_signal(p, signals);
			else
				take_note(p);
		if (mono_past(p->due, p->loop.now))
			overdue(p);
		else if (n == 0)
			look_for_hang(p);
	}
	return p->code;
}

/* Memory and descriptors that outlive a child. */
static int set_up(struct parent *p, const void *conf, size_t len)
{
	size_t view_len = view_size(p->rc->fw.clients);

	p->conf_fd = mem_sealed("vifwall-conf", conf, len);
	p->view_fd = mem_shared("vifwall-view", view_len);
	p->keep_fd = mem_shared("vifwall-flows", data_keep_size(&p->rc->fw));
	if (p->conf_fd < 0 || p->view_fd < 0)
		return p->conf_fd < 0 ? p->conf_fd : p->view_fd;
	if (p->keep_fd < 0)
		return p->keep_fd;
	p->view_ro_fd = mem_read_only(p->view_fd);
	if (p->view_ro_fd < 0)
		return p->view_ro_fd;
	p->view = mem_map(p->view_ro_fd, view_len, MEM_READ);
	return p->view ? loop_open(&p->loop) : -errno;
}

static int start_all(struct parent *p, int *signals)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	int err;

	signal(SIGPIPE, SIG_IGN);
	*signals = loop_signals(sigs, sizeof(sigs) / sizeof(sigs[0]));
	if (*signals < 0)
		return *signals;
	err = loop_add(&p->loop, *signals, PARENT_SIGNAL, 0, LOOP_IN);
	if (!err)
		err = start_control(p);
	return err ? err : start_data(p);
}

int role_parent(const struct role_conf *rc, const void *conf, size_t len)
{
	struct parent p = { .rc = rc, .note = -1, .due = NEVER };
	int err = isolate_early(3), signals = -1, code;

	if (log_open("parent", (enum log_target)rc->log_target,
		     (enum log_level)rc->log_level))
		log_warn("no log but this one");
	if (!err)
		err = lock_take(&p.lock, rc->run_dir);
	if (err) {
		log_err("%s: %s", rc->run_dir,
			err == -EBUSY ? "another instance is already running"
				      : log_errno(-err));
		return err == -EBUSY ? ROLE_SECOND : ROLE_OS;
	}
	err = set_up(&p, conf, len);
	if (!err)
		err = start_all(&p, &signals);
	if (err) {
		log_err("can't start (%s)", log_errno(-err));
		stop(&p, ROLE_OS);
	}
	code = run(&p, signals);
	lock_drop(&p.lock, rc->run_dir);
	return code;
}
