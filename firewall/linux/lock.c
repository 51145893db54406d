/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/linux/lock.h"

#define LOCK_NAME "vifwalld.lock"

/* Is what is open here still the file of that name? */
static bool still_there(int dir, int fd)
{
	struct stat named, mine;

	return !fstatat(dir, LOCK_NAME, &named, AT_SYMLINK_NOFOLLOW) &&
	       !fstat(fd, &mine) && named.st_dev == mine.st_dev &&
	       named.st_ino == mine.st_ino;
}

/* -EAGAIN: the holder left between our open and our lock; try again. */
static int take_once(struct lock *l)
{
	int fd = openat(l->dir, LOCK_NAME,
			O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB))
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else if (!still_there(l->dir, fd))
		err = -EAGAIN;
	if (err)
		close(fd);
	else
		l->fd = fd;
	return err;
}

int lock_take(struct lock *l, const char *dir)
{
	int err;

	l->made_dir = mkdir(dir, 0755) == 0;
	l->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->dir < 0)
		return -errno;
	do
		err = take_once(l);
	while (err == -EAGAIN);
	if (err)
		close(l->dir);
	else if (ftruncate(l->fd, 0) == 0)
		(void)!dprintf(l->fd, "%d\n", (int)getpid());
	return err;
}

void lock_drop(struct lock *l, const char *dir)
{
	unlinkat(l->dir, LOCK_NAME, 0);
	close(l->fd);
	close(l->dir);
	if (l->made_dir)
		(void)!rmdir(dir);
}
