/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <cap-ng.h>
#include <errno.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "firewall/linux/isolate.h"

int isolate_early(int keep)
{
	static const struct rlimit no_core;

	if (close_range((unsigned int)keep, ~0u, 0))
		return -errno;
	if (setrlimit(RLIMIT_CORE, &no_core))
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
#ifndef VIFWALL_INSTRUMENTED
	/* the leak checker attaches to its own process */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
#endif
	return 0;
}

/*
 * The working directory becomes the root.  The kernel's first root, that of a
 * system that runs in its initramfs, can't be taken out: it is covered, and
 * below the root nothing can name it.
 */
static int enter_root(void)
{
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH) ? -errno : 0;
	if (errno != EINVAL || mount(".", "/", NULL, MS_MOVE, NULL) ||
	    chroot("."))
		return -errno;
	return 0;
}

/* The new root replaces the old one, which nothing can name any more. */
static int empty_root(void)
{
	int err;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	if (mount("none", "/tmp", "tmpfs",
		  MS_NODEV | MS_NOEXEC | MS_NOSUID | MS_RDONLY,
		  "nr_blocks=1,nr_inodes=1,mode=0555"))
		return -errno;
	if (chdir("/tmp"))
		return -errno;
	err = enter_root();
	if (err)
		return err;
	return chdir("/") ? -errno : 0;
}

/* No rule is added, so no path may be used for anything. */
static int no_paths(void)
{
	const struct landlock_ruleset_attr all = {
		.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1
	};
	int fd =
		(int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	int err = 0;

	if (fd < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	if (syscall(SYS_landlock_restrict_self, fd, 0))
		err = -errno;
	close(fd);
	return err;
}

int isolate_world(void)
{
	int err;

	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)) {
		if (errno != EPERM)
			return -errno;
		return no_paths();
	}
	err = empty_root();
	return err ? err : no_paths();
}

bool isolate_may_set_clock(void)
{
	return !capng_get_caps_process() &&
	       capng_have_capability(CAPNG_PERMITTED, CAP_SYS_TIME);
}

int isolate_user(uint32_t uid, uint32_t gid, enum isolate_caps caps)
{
	pid_t parent = getppid();
	/* whoever started us as somebody has chosen who we are */
	bool other = geteuid() == 0 && (uid || (gid && gid != getegid()));
	int err;

	capng_clear(CAPNG_SELECT_BOTH);
	if (caps != ISOLATE_NO_CAPS &&
	    capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
			  CAP_NET_ADMIN, CAP_NET_RAW, -1))
		return -EINVAL;
	if (caps == ISOLATE_NET_TIME_CAPS &&
	    capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
			 CAP_SYS_TIME))
		return -EINVAL;
	if (other)
		err = capng_change_id(uid ? (int)uid : -1, gid ? (int)gid : -1,
				      CAPNG_DROP_SUPP_GRP |
					      CAPNG_CLEAR_BOUNDING);
	else if (prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0) == 0)
		err = capng_apply(CAPNG_SELECT_BOTH);
	else /* without CAP_SETPCAP there is no bound to take back */
		err = capng_apply(CAPNG_SELECT_CAPS);
	if (err)
		return errno ? -errno : -EPERM;
	/* a change of uid clears this, so it comes last */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}
