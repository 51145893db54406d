/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mock/xen_pair.h"
#include "unit.h"

/* The simulated Xen between processes and threads that do as they like. */

#define SOON_MS 10000

/* The next event, which is on @port; false: none comes. */
static bool wait_for(struct xen *x, uint32_t port)
{
	struct pollfd f = { .fd = x->evt_fd, .events = POLLIN };
	uint32_t got = 0;
	int n = 0;

	while (!n) {
		if (poll(&f, 1, SOON_MS) != 1)
			return false;
		n = xen_evt_take(x, &got, 1);
	}
	return n == 1 && got == port && !xen_evt_unmask(x, &got, 1);
}

static void notifications_go_to_and_fro_between_processes(void)
{
	const int rounds = 2000 * (int)unit_soak();
	struct xen_pair p = xen_pair();
	uint32_t theirs, port;
	int status;
	pid_t pid;

	xen_close(p.back); /* opened anew by the process that uses it */
	CU_ASSERT_FATAL(xen_evt_alloc(p.front, 0, &theirs) == 0);
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (!pid) {
		struct xen *x = xen_sim_open(p.sim, 0);
		bool good = x && !xen_evt_bind(x, 1, theirs, &port) &&
			    wait_for(x, port);

		for (int i = 0; good && i < rounds; i++)
			good = !xen_evt_notify(x, port) && wait_for(x, port);
		_exit(!good);
	}
	for (int i = 0; i < rounds; i++) {
		if (!wait_for(p.front, theirs))
			break;
		CU_ASSERT(xen_evt_notify(p.front, theirs) == 0);
	}
	CU_ASSERT(waitpid(pid, &status, 0) == pid && status == 0);
	xen_sim_reap(p.sim, pid);
	CU_ASSERT(xen_sim_ports(p.sim, 0) == 0);
	xen_close(p.front);
	xen_sim_free(p.sim);
}

struct storm {
	struct xen *x;
	uint32_t port, count;
	uint32_t *made; /* in memory that both see */
};

/* Makes something and says so, never waiting. */
static void *produce(void *arg)
{
	const struct storm *s = arg;

	for (uint32_t i = 1; i <= s->count; i++) {
		__atomic_store_n(s->made, i, __ATOMIC_RELEASE);
		if (xen_evt_notify(s->x, s->port))
			break;
	}
	return NULL;
}

static void no_wake_up_is_lost_in_a_storm(void)
{
	struct xen_pair p = xen_pair();
	uint32_t back, made = 0, seen = 0;
	struct storm s = { .x = p.front,
			   .count = 20000 * (uint32_t)unit_soak(),
			   .made = &made };
	pthread_t id;

	xen_pair_channel(&p, &back, &s.port);
	CU_ASSERT_FATAL(pthread_create(&id, NULL, produce, &s) == 0);
	while (seen < s.count && wait_for(p.back, back))
		seen = __atomic_load_n(&made, __ATOMIC_ACQUIRE);
	CU_ASSERT(seen == s.count);
	CU_ASSERT(pthread_join(id, NULL) == 0);
	xen_pair_free(p);
}

/* One page, granted to domain 0 while empty, to domain 2 with a secret. */
static void *keep_a_secret(void *arg)
{
	struct xen *x = arg;
	uint32_t ref;
	void *page;

	for (unsigned long i = 0; i < 5000 * unit_soak(); i++) {
		bool secret = i % 2;

		if (xen_share(x, secret ? 2 : 0, 1, false, &ref, &page))
			continue; /* not let go of yet */
		if (secret)
			memset(page, 0x5e, XEN_PAGE);
		xen_unshare(x, page, 1);
	}
	return NULL;
}

static void a_copy_never_sees_what_a_page_holds_next(void)
{
	const struct xen_sim_conf one = { .domains = 3,
					  .handles = 2,
					  .pages = 1 };
	struct xen_sim *s = xen_sim_new(NULL, &one);
	struct xen *thief = xen_sim_open(s, 0), *owner = xen_sim_open(s, 1);
	uint8_t loot[XEN_PAGE];
	struct xen_seg seg = { .local = loot, .dom = 1, .len = XEN_PAGE };
	pthread_t id;
	void *at;

	CU_ASSERT_FATAL(xen_share(owner, 0, 1, false, &seg.ref, &at) == 0);
	xen_unshare(owner, at, 1);
	CU_ASSERT_FATAL(pthread_create(&id, NULL, keep_a_secret, owner) == 0);
	for (unsigned long i = 0; i < 20000 * unit_soak(); i++) {
		uint32_t sum = 0;

		CU_ASSERT_FATAL(xen_copy(thief, &seg, 1, XEN_FROM_PEER) == 0);
		for (uint32_t k = 0; !seg.status && k < XEN_PAGE; k += 64)
			sum |= loot[k];
		if (sum)
			CU_FAIL("a secret was seen");
	}
	CU_ASSERT(pthread_join(id, NULL) == 0);
	xen_close(thief);
	xen_close(owner);
	xen_sim_free(s);
}

struct sharer {
	struct xen *x;
	uint8_t mark;
	uint32_t wrongs;
};

static void *share_and_look(void *arg)
{
	struct sharer *s = arg;
	uint32_t ref[5];
	void *at;

	for (unsigned long i = 0; i < 500 * unit_soak(); i++) {
		uint32_t n = 1 + (uint32_t)i % 5;

		if (xen_share(s->x, 1, n, true, ref, &at))
			continue;
		for (uint32_t k = 0; k < n * XEN_PAGE; k += 512)
			s->wrongs += ((uint8_t *)at)[k] != 0;
		memset(at, s->mark, n * XEN_PAGE);
		for (uint32_t k = 0; k < n * XEN_PAGE; k += 512)
			s->wrongs += ((uint8_t *)at)[k] != s->mark;
		xen_unshare(s->x, at, n);
	}
	return NULL;
}

static void two_processes_of_a_domain_never_share_one_page(void)
{
	const struct xen_sim_conf tight = { .domains = 2,
					    .handles = 2,
					    .pages = 8 };
	struct xen_sim *s = xen_sim_new(NULL, &tight);
	struct sharer a = { .x = xen_sim_open(s, 0), .mark = 0xa };
	struct sharer b = { .x = xen_sim_open(s, 0), .mark = 0xb };
	pthread_t id;

	CU_ASSERT_FATAL(pthread_create(&id, NULL, share_and_look, &a) == 0);
	share_and_look(&b);
	CU_ASSERT(pthread_join(id, NULL) == 0);
	CU_ASSERT(a.wrongs == 0 && b.wrongs == 0);
	xen_close(a.x);
	xen_close(b.x);
	xen_sim_free(s);
}

/* Uses everything, for ever. */
static _Noreturn void use_until_killed(struct xen_sim *s, uint32_t ref,
				       uint32_t theirs)
{
	static uint8_t bytes[XEN_PAGE];
	struct xen *x = xen_sim_open(s, 0);
	struct xen_seg seg = {
		.local = bytes, .ref = ref, .dom = 1, .len = XEN_PAGE
	};
	uint32_t mine[8], port, other;
	void *at, *shared;

	while (x && !xen_map(x, 1, &ref, 1, &at) &&
	       !xen_share(x, 1, 8, true, mine, &shared) &&
	       !xen_evt_bind(x, 1, theirs, &port) &&
	       !xen_evt_alloc(x, 1, &other) &&
	       !xen_copy(x, &seg, 1, XEN_FROM_PEER) && !seg.status &&
	       !xen_evt_notify(x, port) && xen_evt_take(x, &other, 1) == 1 &&
	       !xen_evt_unmask(x, &other, 1)) {
		xen_unmap(x, at, 1);
		xen_unshare(x, shared, 8);
		xen_close(x);
		x = xen_sim_open(s, 0);
	}
	_exit(1);
}

/* Whoever comes after the dead one finds all as it should be. */
static void take_over(const struct xen_pair *p, uint32_t theirs)
{
	struct xen *x = xen_sim_open(p->sim, 0);
	uint32_t port, got = 0;

	CU_ASSERT_FATAL(x != NULL);
	CU_ASSERT(xen_evt_bind(x, 1, theirs, &port) == 0);
	CU_ASSERT(wait_for(x, port));
	CU_ASSERT(!xen_readable(x));
	/* what the dead one sent is there, or not */
	(void)!xen_evt_take(p->front, &got, 1);
	CU_ASSERT(xen_evt_unmask(p->front, &theirs, 1) == 0);
	(void)!xen_evt_take(p->front, &got, 1);
	CU_ASSERT(xen_evt_unmask(p->front, &theirs, 1) == 0);
	CU_ASSERT(!xen_readable(p->front));
	CU_ASSERT(xen_evt_notify(x, port) == 0);
	CU_ASSERT(wait_for(p->front, theirs));
	CU_ASSERT(xen_evt_notify(p->front, theirs) == 0);
	CU_ASSERT(wait_for(x, port));
	xen_close(x);
}

static void what_a_killed_process_held_is_given_back(void)
{
	struct xen_pair p = xen_pair();
	uint32_t ref, theirs;
	void *page = xen_pair_page(&p, &ref);

	xen_close(p.back);
	srand((unsigned int)unit_seed());
	CU_ASSERT_FATAL(xen_evt_alloc(p.front, 0, &theirs) == 0);
	for (unsigned long i = 0; i < 40 * unit_soak(); i++) {
		struct timespec t = { .tv_nsec = rand() % 4000000 };
		pid_t pid = fork();
		int status;

		CU_ASSERT_FATAL(pid >= 0);
		if (!pid)
			use_until_killed(p.sim, ref, theirs);
		nanosleep(&t, NULL);
		CU_ASSERT(kill(pid, SIGKILL) == 0);
		CU_ASSERT(waitpid(pid, &status, 0) == pid);
		CU_ASSERT(WIFSIGNALED(status));
		xen_sim_reap(p.sim, pid);
		CU_ASSERT(xen_sim_ports(p.sim, 0) == 0);
		CU_ASSERT(xen_sim_shared(p.sim, 0) == 0);
		CU_ASSERT(xen_sim_mapped(p.sim, 1) == 0);
		CU_ASSERT(xen_sim_ports(p.sim, 1) == 1);
		take_over(&p, theirs);
	}
	xen_unshare(p.front, page, 1);
	xen_close(p.front);
	xen_sim_free(p.sim);
}

/*
 * Dies at the first call of the kernel's that opening makes: the process,
 * because a sanitizer may have a thread in it.
 */
static _Noreturn void open_and_die(struct xen_sim *s)
{
	struct sock_filter none[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog filter = { .len = 1, .filter = none };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		_exit(2);
	(void)!xen_sim_open(s, 0);
	abort();
}

static void who_dies_while_it_opens_takes_no_place_with_it(void)
{
	struct xen_sim *s = xen_sim_new(NULL, NULL);
	struct xen *last;

	CU_ASSERT_FATAL(s != NULL);
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();
		int status;

		CU_ASSERT_FATAL(pid >= 0);
		if (!pid)
			open_and_die(s);
		CU_ASSERT(waitpid(pid, &status, 0) == pid);
		CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		xen_sim_reap(s, pid);
	}
	last = xen_sim_open(s, 0);
	CU_ASSERT_FATAL(last != NULL);
	CU_ASSERT(xen_sim_handle(last) == 0);
	xen_close(last);
	xen_sim_free(s);
}

/* Everything that the seam has, once. */
static bool use_all(struct xen *x, uint32_t ref, uint32_t theirs)
{
	static uint8_t bytes[64];
	struct xen_seg seg = {
		.local = bytes, .ref = ref, .dom = 1, .len = sizeof(bytes)
	};
	uint32_t mine, port, other, got;
	void *at, *shared;

	if (xen_map(x, 1, &ref, 1, &at) ||
	    xen_share(x, 1, 1, true, &mine, &shared) ||
	    xen_evt_bind(x, 1, theirs, &port) || xen_evt_alloc(x, 1, &other) ||
	    xen_copy(x, &seg, 1, XEN_TO_PEER) || seg.status ||
	    xen_evt_notify(x, port) || xen_evt_take(x, &got, 1) != 1 ||
	    xen_evt_unmask(x, &got, 1))
		return false;
	xen_unmap(x, at, 1);
	xen_unshare(x, shared, 1);
	xen_evt_close(x, other);
	return true;
}

/*
 * Read, write and the exit of one thread; any other call is death.  Sanitizers
 * want more calls for themselves, and threads.
 */
static _Noreturn void use_all_locked_in(struct xen *x, uint32_t ref,
					uint32_t theirs)
{
#ifdef VIFWALL_INSTRUMENTED
	_exit(!use_all(x, ref, theirs));
#else
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		_exit(2);
	syscall(SYS_exit, !use_all(x, ref, theirs));
	abort();
#endif
}

static void a_process_that_may_only_read_and_write_can_use_it(void)
{
	struct xen_pair p = xen_pair();
	uint32_t ref, theirs;
	int status;
	pid_t pid;

	xen_pair_page(&p, &ref);
	CU_ASSERT_FATAL(xen_evt_alloc(p.front, 0, &theirs) == 0);
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (!pid)
		use_all_locked_in(p.back, ref, theirs);
	CU_ASSERT(waitpid(pid, &status, 0) == pid && status == 0);
	CU_ASSERT(wait_for(p.front, theirs));
	xen_pair_free(p);
}

UNIT_SUITE(xen_procs, UNIT(notifications_go_to_and_fro_between_processes),
	   UNIT(no_wake_up_is_lost_in_a_storm),
	   UNIT(a_copy_never_sees_what_a_page_holds_next),
	   UNIT(two_processes_of_a_domain_never_share_one_page),
	   UNIT(what_a_killed_process_held_is_given_back),
	   UNIT(who_dies_while_it_opens_takes_no_place_with_it),
	   UNIT(a_process_that_may_only_read_and_write_can_use_it))
