/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "firewall/linux/loop.h"

#define EVENTS_MAX 64u

/*
 * #syscalls data control: clock_gettime
 */
static uint64_t read_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * MONO_S + (uint64_t)t.tv_nsec;
}

struct mono loop_step(struct loop *l, uint64_t raw_ns)
{
	uint64_t gap = raw_ns > l->raw_ns ? raw_ns - l->raw_ns : 0;

	if (gap > LOOP_STEP_MS * MONO_MS) {
		gap = LOOP_STEP_MS * MONO_MS;
		l->gaps++;
	}
	l->raw_ns = raw_ns;
	l->now.ns += gap;
	return l->now;
}

struct mono loop_now(struct loop *l)
{
	return loop_step(l, read_clock());
}

int loop_open(struct loop *l)
{
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		return -errno;
	l->raw_ns = read_clock();
	l->now.ns = l->raw_ns;
	l->gaps = 0;
	l->busy_ns = 0;
	l->brisk = false;
	return 0;
}

void loop_close(struct loop *l)
{
	close(l->epoll);
	l->epoll = -1;
}

/*
 * #syscalls data control: epoll_ctl
 */
static int ctl(struct loop *l, int op, int fd, uint32_t type, uint32_t idx,
	       uint32_t what)
{
	struct epoll_event e = { .data.u64 = (uint64_t)type << 32 | idx };

	if (what & LOOP_IN)
		e.events |= EPOLLIN;
	if (what & LOOP_OUT)
		e.events |= EPOLLOUT;
	return epoll_ctl(l->epoll, op, fd, &e) ? -errno : 0;
}

int loop_add(struct loop *l, int fd, uint32_t type, uint32_t idx, uint32_t what)
{
	return ctl(l, EPOLL_CTL_ADD, fd, type, idx, what);
}

int loop_change(struct loop *l, int fd, uint32_t type, uint32_t idx,
		uint32_t what)
{
	return ctl(l, EPOLL_CTL_MOD, fd, type, idx, what);
}

void loop_del(struct loop *l, int fd)
{
	(void)ctl(l, EPOLL_CTL_DEL, fd, 0, 0, 0);
}

/* Rounded up, so that the deadline has come when we wake for it. */
static int sleep_ms(const struct loop *l, struct mono until)
{
	uint64_t ms;

	if (mono_past(until, l->now))
		return 0;
	ms = (until.ns - l->now.ns + MONO_MS - 1) / MONO_MS;
	return ms > LOOP_SLEEP_MS ? (int)LOOP_SLEEP_MS : (int)ms;
}

/* Looks until there is something or it is @until. */
static int poll_busily(struct loop *l, struct epoll_event *e, int max,
		       struct mono until)
{
	int n;

	do {
		n = epoll_wait(l->epoll, e, max, 0);
		loop_now(l);
	} while (!n && !mono_past(until, l->now));
	return n;
}

/*
 * #syscalls data control: epoll_wait epoll_pwait
 */
static int await(struct loop *l, struct epoll_event *e, int max,
		 struct mono until)
{
	struct mono start = loop_now(l), end = { start.ns + l->busy_ns };
	int n = 0;

	if (mono_past(until, start))
		return epoll_wait(l->epoll, e, max, 0);
	if (l->brisk)
		n = poll_busily(l, e, max, mono_past(end, until) ? end : until);
	if (!n)
		n = epoll_wait(l->epoll, e, max, sleep_ms(l, until));
	loop_now(l);
	l->brisk = n > 0 && l->busy_ns && !mono_past(end, l->now);
	return n;
}

int loop_wait(struct loop *l, struct loop_event *ev, uint32_t max,
	      struct mono until)
{
	struct epoll_event e[EVENTS_MAX];
	int n;

	if (max > EVENTS_MAX)
		max = EVENTS_MAX;
	n = await(l, e, (int)max, until);
	if (n < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < n; i++) {
		ev[i].type = (uint32_t)(e[i].data.u64 >> 32);
		ev[i].idx = (uint32_t)e[i].data.u64;
		ev[i].what =
			(e[i].events & EPOLLIN ? LOOP_IN : 0) |
			(e[i].events & EPOLLOUT ? LOOP_OUT : 0) |
			(e[i].events & (EPOLLERR | EPOLLHUP) ? LOOP_ERR : 0);
	}
	return n > 0 ? n : 0;
}

int loop_signals(const int *sig, size_t n)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, sig[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/*
 * #syscalls data control: read
 */
int loop_signal_take(int fd)
{
	struct signalfd_siginfo s;

	if (read(fd, &s, sizeof(s)) != sizeof(s))
		return 0;
	return (int)s.ssi_signo;
}
