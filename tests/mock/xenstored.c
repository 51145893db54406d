/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <CUnit/CUnit.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mock/xenstored.h"

/* False: why it is not there, in @out. */
static bool where(char *out, size_t room)
{
	FILE *f = popen("tests/tools/get-xenstored 2>&1", "r");
	bool ok = f && fgets(out, (int)room, f);

	if (!ok)
		snprintf(out, room, "tests/tools/get-xenstored does not run");
	out[strcspn(out, "\n")] = '\0';
	return f && pclose(f) == 0 && ok;
}

void xenstored_again(struct xenstored *d)
{
	char path[512], preload[512], rundir[128], pidfile[128];
	char no_dom0[] = "-N", pid[] = "-F";
	char *argv[] = { path, no_dom0, pid, pidfile, NULL };
	char *env[] = { preload, rundir, NULL };

	snprintf(path, sizeof(path), "%s/xenstored", d->bin);
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/xsd_preload.so",
		 d->bin);
	snprintf(rundir, sizeof(rundir), "XENSTORED_RUNDIR=%s", d->dir);
	snprintf(pidfile, sizeof(pidfile), "%s/pid", d->dir);
	CU_ASSERT_EQUAL_FATAL(posix_spawn(&d->pid, path, NULL, NULL, argv, env),
			      0);
	snprintf(path, sizeof(path), "%s/socket", d->dir);
	setenv("XENSTORED_PATH", path, 1);
}

bool xenstored_start(struct xenstored *d)
{
	if (!where(d->bin, sizeof(d->bin))) {
		printf("\n    SKIPPED: no xenstored: %s\n", d->bin);
		return false;
	}
	snprintf(d->dir, sizeof(d->dir), "/tmp/vifwall-xsd-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(d->dir));
	xenstored_again(d);
	return true;
}

struct store *xenstored_reach(void)
{
	struct store *s = NULL;
	int err;

	for (int i = 0; i < 2000 && !s; i++) {
		s = store_libs_open(&err);
		if (!s)
			nanosleep(&(struct timespec){ .tv_nsec = 10000000 },
				  NULL);
	}
	return s;
}

static void end(struct xenstored *d, int sig)
{
	kill(d->pid, sig);
	waitpid(d->pid, NULL, 0);
}

void xenstored_kill(struct xenstored *d)
{
	end(d, SIGKILL);
}

void xenstored_stop(struct xenstored *d)
{
	char path[128];

	end(d, SIGTERM);
	snprintf(path, sizeof(path), "%s/socket", d->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/pid", d->dir);
	unlink(path);
	rmdir(d->dir);
	unsetenv("XENSTORED_PATH");
}
