/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/linux/loop.h"
#include "sim/sim.h"
#include "xen/bus/store_sim.h"
#include "xen/sim_link.h"

#define PATH 512u
#define PATIENCE_MS 10000

/* A frontend shares 514 pages, and its next ones before those are let go of. */
static const struct xen_sim_conf conf = {
	.domains = SIM_DOMAINS,
	.handles = 160,
	.pages = 2048,
};

static pid_t start_xenstored(const struct sim_args *a)
{
	char path[PATH], preload[PATH], rundir[PATH], pidfile[PATH];
	char *argv[] = { path, (char[]){ "-N" }, (char[]){ "-F" }, pidfile,
			 NULL };
	char *env[] = { preload, rundir, NULL };
	pid_t pid;

	snprintf(path, sizeof(path), "%s/xenstored", a->xenstored);
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/xsd_preload.so",
		 a->xenstored);
	snprintf(rundir, sizeof(rundir), "XENSTORED_RUNDIR=%s", a->dir);
	snprintf(pidfile, sizeof(pidfile), "%s/pid", a->dir);
	pid = fork();
	if (pid < 0)
		sim_die(errno, "xenstored");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	execve(path, argv, env);
	sim_die(errno, "%s (tests/tools/get-xenstored fetches it)", path);
}

/* It serves when it answers. */
static void await_xenstored(const struct sim_args *a, pid_t pid)
{
	int err = 0;

	for (int ms = 0; ms < PATIENCE_MS; ms += 10) {
		struct store *s = store_sim_open(a->dir, 0, &err);

		if (s) {
			s->ops->close(s);
			return;
		}
		if (waitpid(pid, NULL, WNOHANG) == pid)
			sim_die(0, "xenstored ended at once");
		poll(NULL, 0, 10);
	}
	kill(pid, SIGKILL);
	sim_die(-err, "xenstored does not answer");
}

/* Until a signal, or xenstored ends. */
static void serve(struct xen_sim_host *host, int signals)
{
	struct pollfd f[2] = { { .fd = signals, .events = POLLIN },
			       { .fd = xen_sim_host_fd(host),
				 .events = POLLIN } };

	for (;;) {
		if (poll(f, 2, -1) < 0 && errno != EINTR)
			sim_die(errno, "poll");
		if (f[1].revents)
			xen_sim_host_work(host);
		if (f[0].revents && loop_signal_take(signals))
			return;
	}
}

static void remove_file(const char *dir, const char *name)
{
	char path[PATH];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

int sim_machine(const struct sim_args *a)
{
	const int sig[] = { SIGTERM, SIGINT, SIGCHLD };
	bool made = !mkdir(a->dir, 0755);
	struct xen_sim_host *host;
	int signals;
	pid_t pid;

	if (!a->xenstored)
		sim_die(0, "machine needs --xenstored=\"$(tests/tools/"
			   "get-xenstored)\"");
	if (!made && errno != EEXIST)
		sim_die(errno, "%s", a->dir);
	host = xen_sim_host_new(a->dir, &conf);
	if (!host)
		sim_die(errno, "%s/" XEN_SIM_SOCKET, a->dir);
	for (uint16_t dom = 1; dom < SIM_DOMAINS; dom++)
		xen_sim_destroy(xen_sim_hosted(host), dom);
	pid = start_xenstored(a);
	await_xenstored(a, pid);
	signals = loop_signals(sig, sizeof(sig) / sizeof(sig[0]));
	if (signals < 0)
		sim_die(-signals, "signals");
	sim_say("ready");
	serve(host, signals);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	remove_file(a->dir, "socket");
	remove_file(a->dir, "pid");
	xen_sim_host_free(host);
	if (made)
		rmdir(a->dir);
	return 0;
}
