/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <time.h>

#include "xen/thread.h"

#define STACK (256u * 1024)

/*
 * What the C library does to begin a thread and to end it, which may be after
 * the process was locked in.
 * #syscalls control: futex mprotect/noexec rt_sigaction rt_sigprocmask
 * #syscalls control: rseq set_robust_list sched_getaffinity
 * #syscalls control: mmap/noexec munmap madvise exit
 */
int thread_start(pthread_t *t, void *(*run)(void *), void *arg)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(t, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

struct mono thread_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct mono){ (uint64_t)t.tv_sec * MONO_S +
			      (uint64_t)t.tv_nsec };
}
