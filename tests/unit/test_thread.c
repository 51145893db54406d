/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <string.h>

#include "unit.h"
#include "xen/thread.h"

static sigset_t theirs;

static void *look(void *arg)
{
	*(struct mono *)arg = thread_now();
	pthread_sigmask(SIG_SETMASK, NULL, &theirs);
	return NULL;
}

static void no_signal_is_a_threads(void)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1 };
	struct mono at, before = thread_now();
	sigset_t was, is;
	pthread_t t;

	pthread_sigmask(SIG_SETMASK, NULL, &was);
	CU_ASSERT_EQUAL_FATAL(thread_start(&t, look, &at), 0);
	CU_ASSERT_EQUAL(pthread_join(t, NULL), 0);
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		CU_ASSERT_EQUAL(sigismember(&theirs, sigs[i]), 1);
	/* ... but whoever began it has those that it had */
	pthread_sigmask(SIG_SETMASK, NULL, &is);
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		CU_ASSERT_EQUAL(sigismember(&is, sigs[i]),
				sigismember(&was, sigs[i]));
	CU_ASSERT(mono_past(before, at) && mono_past(at, thread_now()));
}

UNIT_SUITE(thread, UNIT(no_signal_is_a_threads))
