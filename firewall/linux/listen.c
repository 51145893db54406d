/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "firewall/linux/listen.h"

/* A socket without a listener is in the way; one with a listener is taken. */
static int make_way(int fd, const struct sockaddr_un *sa)
{
	struct stat st;

	if (lstat(sa->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return 0;
	if (!connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) ||
	    errno == EAGAIN)
		return -EADDRINUSE;
	return unlink(sa->sun_path) ? -errno : 0;
}

static int listen_at(int fd, const struct sockaddr_un *sa, mode_t mode,
		     uint32_t gid, uint32_t backlog)
{
	mode_t was = umask(0777 & ~mode);
	int err = 0;

	if (bind(fd, (const struct sockaddr *)sa, sizeof(*sa)))
		err = -errno;
	umask(was);
	if (!err && gid && chown(sa->sun_path, (uid_t)-1, (gid_t)gid))
		err = -errno;
	if (!err && listen(fd, (int)backlog))
		err = -errno;
	return err;
}

int listen_local(const char *path, mode_t mode, uint32_t gid, uint32_t backlog)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	err = make_way(fd, &sa);
	if (!err)
		err = listen_at(fd, &sa, mode, gid, backlog);
	if (!err)
		return fd;
	close(fd);
	return err;
}
