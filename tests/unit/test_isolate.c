/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/linux/isolate.h"
#include "firewall/linux/log.h"
#include "firewall/linux/mem.h"
#include "unit.h"

#define NOBODY 65534u

/* What a child may try once it is locked in; it exits 0 when all is well. */
static int nothing(void)
{
	return 0;
}

static int try_open(void)
{
	return open("/etc/passwd", O_RDONLY) < 0;
}

static int try_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0) < 0;
}

static int try_fork(void)
{
	return fork() < 0;
}

static int try_exec(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static int try_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int try_mprotect(void)
{
	static uint8_t page[8192];
	uintptr_t at = ((uintptr_t)page + 4095) & ~(uintptr_t)4095;

	return mprotect((uint8_t *)page + (at - (uintptr_t)page), 4096,
			PROT_READ | PROT_EXEC);
}

static int try_other_fcntl(void)
{
	return fcntl(0, F_SETFL, 0);
}

static int try_ioctl(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static int try_kill(void)
{
	return kill(getppid(), 0);
}

static int try_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int try_shared_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

/* Open before the process is locked in: a page that others have, too. */
static int file;

static int try_copy(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0) ==
	       MAP_FAILED;
}

static int try_file_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0) ==
	       MAP_FAILED;
}

static int try_heap(void)
{
	return sbrk(1 << 20) == (void *)-1;
}

static int plain_work(void)
{
	void *p = mem_map(file, 4096, MEM_WRITE);

	if (!p)
		return 1;
	mem_unmap(p, 4096);
	log_dbg("still here");
	return 0;
}

/* wait status of a child that is locked in and then does @work. */
static int locked_in(enum isolate_mode mode, int (*work)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		int null;

		file = mem_shared("page", 4096);
		null = open("/dev/null", O_WRONLY);
		log_to_fd(null);
		if (file < 0 || file > null || isolate_early(null + 1) ||
		    isolate_data(mode))
			_exit(99);
		_exit(work());
	}
	waitpid(pid, &status, 0);
	return status;
}

static void the_data_process_can_work(void)
{
	CU_ASSERT_EQUAL(locked_in(ISOLATE_ON, nothing), 0);
	CU_ASSERT_EQUAL(locked_in(ISOLATE_ON, plain_work), 0);
}

static void what_is_not_on_the_list_kills_the_data_process(void)
{
	static int (*const tries[])(void) = {
		try_open,      try_socket, try_fork,	      try_exec,
		try_code,      try_ioctl,  try_mprotect,      try_other_fcntl,
		try_kill,      try_memory, try_shared_memory, try_copy,
		try_file_code, try_heap,
	};

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		int status = locked_in(ISOLATE_ON, tries[i]);

#ifdef VIFWALL_INSTRUMENTED
		CU_ASSERT(!WIFSIGNALED(status));
#else
		CU_ASSERT(WIFSIGNALED(status));
		CU_ASSERT_EQUAL(WTERMSIG(status), SIGSYS);
#endif
	}
}

static void tracing_and_off_do_not_kill(void)
{
	CU_ASSERT_EQUAL(locked_in(ISOLATE_TRACE, try_open), 0);
	CU_ASSERT_EQUAL(locked_in(ISOLATE_OFF, try_open), 0);
}

static int early_checks(void)
{
	struct rlimit core;
	int pipe_fd[2];

	if (pipe(pipe_fd) || isolate_early(pipe_fd[1]))
		return 1;
	if (fcntl(pipe_fd[0], F_GETFD) < 0 || fcntl(pipe_fd[1], F_GETFD) >= 0)
		return 2;
	if (getrlimit(RLIMIT_CORE, &core) || core.rlim_cur || core.rlim_max)
		return 3;
	return 0;
}

static int in_child(int (*work)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(work());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static void stray_descriptors_and_core_files_go_first(void)
{
	CU_ASSERT_EQUAL(in_child(early_checks), 0);
}

static int become_nobody(void)
{
	gid_t groups[8];

	if (isolate_user(NOBODY, NOBODY, ISOLATE_NO_CAPS))
		return 1;
	if (getuid() != NOBODY || geteuid() != NOBODY || getgid() != NOBODY)
		return 2;
	if (setuid(0) == 0 || getgroups(8, groups) > 0)
		return 3;
	return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? 0 : 4;
}

static int keep_net_caps(void)
{
	if (isolate_user(NOBODY, NOBODY, ISOLATE_NET_CAPS))
		return 1;
	if (getuid() != NOBODY || setuid(0) == 0)
		return 2;
	return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? 3 : 0;
}

static bool may_set_the_clock(void)
{
	return !capng_get_caps_process() &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_TIME);
}

static int no_clock(void)
{
	if (isolate_user(0, 0, ISOLATE_NET_CAPS) || may_set_the_clock())
		return 1;
	return 0;
}

static int net_and_the_clock(void)
{
	if (isolate_user(0, 0, ISOLATE_NET_TIME_CAPS))
		return 1;
	if (chroot("/") == 0)
		return 2;
	if (socket(AF_PACKET, SOCK_RAW, 0) < 0)
		return 3;
	return may_set_the_clock() ? 0 : 4;
}

static int stay_root_without_rights(void)
{
	if (isolate_user(0, 0, ISOLATE_NO_CAPS))
		return 1;
	if (chroot("/") == 0)
		return 2;
	return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? 0 : 3;
}

/* As a service manager starts us: its user, and two rights to keep. */
static int stay_who_we_are(void)
{
	if (setgid(NOBODY - 1) || setuid(NOBODY - 1))
		return 1;
	if (isolate_user(NOBODY, NOBODY, ISOLATE_NO_CAPS))
		return 2;
	return getuid() == NOBODY - 1 && getgid() == NOBODY - 1 ? 0 : 3;
}

static void who_is_not_root_stays_who_it_is(void)
{
	if (geteuid() == 0)
		CU_ASSERT_EQUAL(in_child(stay_who_we_are), 0);
}

static void the_uid_is_given_up_with_all_rights_or_all_but_the_network(void)
{
	if (geteuid() != 0)
		return; /* nothing to give up */
	CU_ASSERT_EQUAL(in_child(become_nobody), 0);
	CU_ASSERT_EQUAL(in_child(keep_net_caps), 0);
	CU_ASSERT_EQUAL(in_child(stay_root_without_rights), 0);
}

static void the_clock_is_set_by_whom_it_was_left_to_alone(void)
{
	if (geteuid() != 0)
		return;
	CU_ASSERT_EQUAL(in_child(no_clock), 0);
	CU_ASSERT_EQUAL(in_child(net_and_the_clock), 0);
}

static int empty_world(void)
{
	bool root = geteuid() == 0;

	if (isolate_early(3) || isolate_world())
		return 1;
	if (open("/etc/passwd", O_RDONLY) >= 0 || open("/", O_RDONLY) >= 0)
		return 2;
	if (root && (access("/etc", F_OK) == 0 || access("/tmp", F_OK) == 0))
		return 3;
	return 0;
}

static void no_file_can_be_named_any_more(void)
{
	CU_ASSERT_EQUAL(in_child(empty_world), 0);
}

static void the_control_list_loads_too(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		log_to_fd(open("/dev/null", O_WRONLY));
		_exit(isolate_early(64) || isolate_control(ISOLATE_ON));
	}
	waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
}

UNIT_SUITE(isolate, UNIT(who_is_not_root_stays_who_it_is),
	   UNIT(the_data_process_can_work),
	   UNIT(what_is_not_on_the_list_kills_the_data_process),
	   UNIT(tracing_and_off_do_not_kill),
	   UNIT(stray_descriptors_and_core_files_go_first),
	   UNIT(the_uid_is_given_up_with_all_rights_or_all_but_the_network),
	   UNIT(the_clock_is_set_by_whom_it_was_left_to_alone),
	   UNIT(no_file_can_be_named_any_more),
	   UNIT(the_control_list_loads_too))
