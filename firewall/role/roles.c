/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "firewall/role/roles.h"

/*
 * #syscalls control: sendmsg
 */
int role_note_send(int link, enum role_note_type type, int fd)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct role_note note = { .type = type };
	struct iovec iov = { .iov_base = &note, .iov_len = sizeof(note) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		memset(&ctl, 0, sizeof(ctl));
		mh.msg_control = &ctl;
		mh.msg_controllen = sizeof(ctl);
		ctl.h.cmsg_level = SOL_SOCKET;
		ctl.h.cmsg_type = SCM_RIGHTS;
		ctl.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ctl.h), &fd, sizeof(fd));
	}
	return sendmsg(link, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/*
 * #syscalls control: recvmsg close
 */
int role_note_recv(int link, int *fd)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct role_note note;
	struct iovec iov = { .iov_base = &note, .iov_len = sizeof(note) };
	struct msghdr mh = { .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &ctl,
			     .msg_controllen = sizeof(ctl) };
	ssize_t n = recvmsg(link, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c;

	*fd = -1;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	c = CMSG_FIRSTHDR(&mh);
	if (c && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	if (n == sizeof(note) && !(mh.msg_flags & MSG_CTRUNC) &&
	    note.type >= ROLE_NOTE_DATA && note.type <= ROLE_NOTE_READY &&
	    (*fd >= 0) == (note.type == ROLE_NOTE_DATA))
		return (int)note.type;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return -EBADMSG;
}

void role_begin(const char *name)
{
	prctl(PR_SET_NAME, name, 0, 0, 0);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

int role_conf_read(void *conf, size_t len)
{
	uint8_t *at = conf;
	struct stat st;
	off_t off = 0;

	if (fstat(ROLE_FD_CONF, &st))
		return -errno;
	if ((uint64_t)st.st_size != len)
		return -EBADMSG;
	while ((size_t)off < len) {
		ssize_t n =
			pread(ROLE_FD_CONF, at + off, len - (size_t)off, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EBADMSG;
		off += n;
	}
	return 0;
}
