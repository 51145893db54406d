/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/linux/lock.h"
#include "firewall/linux/mem.h"
#include "firewall/linux/notify.h"
#include "firewall/role/roles.h"
#include "unit.h"

static int pair[2];

static void open_pair(void)
{
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
}

static void close_pair(void)
{
	close(pair[0]);
	close(pair[1]);
}

static void notes_arrive_with_their_descriptor(void)
{
	int fd;

	open_pair();
	CU_ASSERT_EQUAL(role_note_recv(pair[1], &fd), 0);
	CU_ASSERT_EQUAL(role_note_send(pair[0], ROLE_NOTE_DATA, pair[0]), 0);
	CU_ASSERT_EQUAL(role_note_send(pair[0], ROLE_NOTE_RELOAD, -1), 0);
	CU_ASSERT_EQUAL(role_note_recv(pair[1], &fd), ROLE_NOTE_DATA);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	CU_ASSERT_EQUAL(role_note_recv(pair[1], &fd), ROLE_NOTE_RELOAD);
	CU_ASSERT_EQUAL(fd, -1);
	close(pair[0]);
	CU_ASSERT_EQUAL(role_note_recv(pair[1], &fd), -EPIPE);
	CU_ASSERT_EQUAL(role_note_send(pair[1], ROLE_NOTE_READY, -1), -EPIPE);
	close(pair[1]);
	CU_ASSERT_EQUAL(role_note_recv(-1, &fd), -EBADF);
}

static void what_is_no_note_is_refused(void)
{
	static const uint32_t types[] = { 0, ROLE_NOTE_READY + 1, UINT32_MAX,
					  ROLE_NOTE_DATA /* without one */ };
	uint8_t bytes[8] = { ROLE_NOTE_STOP };
	int fd, spare;

	open_pair();
	spare = dup(pair[0]);
	close(spare);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		CU_ASSERT_EQUAL(role_note_send(pair[0],
					       (enum role_note_type)types[i],
					       -1),
				0);
		CU_ASSERT_EQUAL(role_note_recv(pair[1], &fd), -EBADMSG);
	}
	CU_ASSERT_EQUAL(role_note_send(pair[0], ROLE_NOTE_STOP, pair[0]), 0);
	CU_ASSERT_EQUAL(role_note_recv(pair[1], &fd), -EBADMSG);
	CU_ASSERT_EQUAL(fd, -1);
	CU_ASSERT_EQUAL(write(pair[0], bytes, 3), 3);
	CU_ASSERT_EQUAL(role_note_recv(pair[1], &fd), -EBADMSG);
	CU_ASSERT_EQUAL(write(pair[0], bytes, 8), 8);
	CU_ASSERT_EQUAL(role_note_recv(pair[1], &fd), ROLE_NOTE_STOP);
	/* nothing was left open */
	CU_ASSERT_EQUAL(dup(pair[0]), spare);
	close(spare);
	close_pair();
}

/* What a child finds at ROLE_FD_CONF. */
static int read_conf(const void *bytes, size_t len, size_t want)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char got[64] = { 0 };
		int fd = mem_sealed("conf", bytes, len);

		if (dup2(fd, ROLE_FD_CONF) < 0)
			_exit(99);
		if (role_conf_read(got, want))
			_exit(1);
		_exit(memcmp(got, bytes, want) ? 2 : 0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static void settings_come_through_as_they_were(void)
{
	CU_ASSERT_EQUAL(read_conf("settings", 9, 9), 0);
	CU_ASSERT_EQUAL(read_conf("settings", 9, 8), 1);
	CU_ASSERT_EQUAL(read_conf("settings", 9, 10), 1);
}

static char dir[] = "/tmp/vifwall-test-XXXXXX";
static char run_dir[64], lock_file[80];

static void make_dir(void)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(run_dir, sizeof(run_dir), "%s/run", dir);
	snprintf(lock_file, sizeof(lock_file), "%s/vifwalld.lock", run_dir);
}

static void a_second_instance_is_refused_until_the_first_is_gone(void)
{
	struct lock a, b;

	make_dir();
	CU_ASSERT_EQUAL_FATAL(lock_take(&a, run_dir), 0);
	CU_ASSERT_EQUAL(access(lock_file, F_OK), 0);
	CU_ASSERT_EQUAL(lock_take(&b, run_dir), -EBUSY);
	lock_drop(&a, run_dir);
	CU_ASSERT_EQUAL(access(run_dir, F_OK), -1);
	CU_ASSERT_EQUAL_FATAL(lock_take(&b, run_dir), 0);
	lock_drop(&b, run_dir);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static void a_lock_left_by_a_killed_instance_is_taken_over(void)
{
	struct lock l;
	int status;
	pid_t pid;

	make_dir();
	pid = fork();
	if (pid == 0)
		_exit(lock_take(&l, run_dir) != 0);
	waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(access(lock_file, F_OK), 0);
	CU_ASSERT_EQUAL_FATAL(lock_take(&l, run_dir), 0);
	CU_ASSERT(!l.made_dir);
	lock_drop(&l, run_dir);
	/* the directory was somebody else's */
	CU_ASSERT_EQUAL(access(run_dir, F_OK), 0);
	CU_ASSERT_EQUAL(access(lock_file, F_OK), -1);
	CU_ASSERT_EQUAL(rmdir(run_dir), 0);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static void a_link_in_place_of_the_lock_is_not_followed(void)
{
	struct lock l;
	char target[80];

	make_dir();
	snprintf(target, sizeof(target), "%s/target", dir);
	CU_ASSERT_EQUAL(mkdir(run_dir, 0755), 0);
	CU_ASSERT_EQUAL(symlink(target, lock_file), 0);
	CU_ASSERT(lock_take(&l, run_dir) < 0);
	CU_ASSERT_EQUAL(access(target, F_OK), -1);
	unlink(lock_file);
	rmdir(run_dir);
	rmdir(dir);
	CU_ASSERT_EQUAL(lock_take(&l, "/nowhere/run"), -ENOENT);
}

static void the_service_manager_is_told(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char got[32] = { 0 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	make_dir();
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/notify", dir);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	unsetenv("NOTIFY_SOCKET");
	notify("READY=1");
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	notify("STOPPING=1");
	unsetenv("NOTIFY_SOCKET");
	CU_ASSERT_EQUAL(read(fd, got, sizeof(got)), 10);
	CU_ASSERT_STRING_EQUAL(got, "STOPPING=1");
	CU_ASSERT_EQUAL(read(fd, got, sizeof(got)), -1);
	close(fd);
	unlink(at.sun_path);
	rmdir(dir);
}

static void an_abstract_socket_is_told_too(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char got[32] = { 0 }, name[64];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int n = snprintf(name, sizeof(name), "@vifwall-test-%d", (int)getpid());

	memcpy(at.sun_path + 1, name + 1, (size_t)n - 1);
	CU_ASSERT_EQUAL_FATAL(
		bind(fd, (struct sockaddr *)&at,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				 (size_t)n)),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	notify("READY=1");
	unsetenv("NOTIFY_SOCKET");
	CU_ASSERT_EQUAL(read(fd, got, sizeof(got)), 7);
	close(fd);
}

UNIT_SUITE(roles, UNIT(notes_arrive_with_their_descriptor),
	   UNIT(what_is_no_note_is_refused),
	   UNIT(settings_come_through_as_they_were),
	   UNIT(a_second_instance_is_refused_until_the_first_is_gone),
	   UNIT(a_lock_left_by_a_killed_instance_is_taken_over),
	   UNIT(a_link_in_place_of_the_lock_is_not_followed),
	   UNIT(the_service_manager_is_told),
	   UNIT(an_abstract_socket_is_told_too))
