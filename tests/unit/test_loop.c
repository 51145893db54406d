/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "firewall/linux/loop.h"
#include "unit.h"

static struct loop loop;
static struct loop_event ev[8];

static void add_one(int fd)
{
	uint64_t one = 1;

	CU_ASSERT_EQUAL(write(fd, &one, sizeof(one)), sizeof(one));
}

static void what_woke_is_named_by_type_and_index(void)
{
	int a = eventfd(0, EFD_NONBLOCK), b = eventfd(0, EFD_NONBLOCK);

	CU_ASSERT_EQUAL_FATAL(loop_open(&loop), 0);
	CU_ASSERT_EQUAL(loop_add(&loop, a, 3, 0xfffffffe, LOOP_IN), 0);
	CU_ASSERT_EQUAL(loop_add(&loop, b, 0xffffffff, 5, LOOP_IN), 0);
	CU_ASSERT_EQUAL(loop_wait(&loop, ev, 8, loop.now), 0);
	add_one(a);
	CU_ASSERT_EQUAL_FATAL(loop_wait(&loop, ev, 8, loop.now), 1);
	CU_ASSERT_EQUAL(ev[0].type, 3);
	CU_ASSERT_EQUAL(ev[0].idx, 0xfffffffe);
	CU_ASSERT_EQUAL(ev[0].what, LOOP_IN);
	add_one(b);
	CU_ASSERT_EQUAL(loop_wait(&loop, ev, 8, loop.now), 2);
	CU_ASSERT_EQUAL(loop_wait(&loop, ev, 1, loop.now), 1);
	loop_del(&loop, a);
	CU_ASSERT_EQUAL_FATAL(loop_wait(&loop, ev, 8, loop.now), 1);
	CU_ASSERT_EQUAL(ev[0].type, 0xffffffff);
	CU_ASSERT_EQUAL(ev[0].idx, 5);
	loop_close(&loop);
	close(a);
	close(b);
}

static void what_is_asked_for_can_change(void)
{
	int pair[2];

	CU_ASSERT_EQUAL_FATAL(loop_open(&loop), 0);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CU_ASSERT_EQUAL(loop_add(&loop, pair[0], 1, 1, LOOP_IN), 0);
	CU_ASSERT_EQUAL(loop_wait(&loop, ev, 8, loop.now), 0);
	CU_ASSERT_EQUAL(loop_change(&loop, pair[0], 1, 2, LOOP_IN | LOOP_OUT),
			0);
	CU_ASSERT_EQUAL(loop_wait(&loop, ev, 8, loop.now), 1);
	CU_ASSERT_EQUAL(ev[0].what, LOOP_OUT);
	CU_ASSERT_EQUAL(ev[0].idx, 2);
	CU_ASSERT_EQUAL(loop_change(&loop, pair[0], 1, 2, 0), 0);
	close(pair[1]);
	CU_ASSERT_EQUAL(loop_wait(&loop, ev, 8, loop.now), 1);
	CU_ASSERT_EQUAL(ev[0].what, LOOP_ERR);
	close(pair[0]);
	loop_close(&loop);
}

static void a_sleep_ends_at_its_deadline_and_not_before(void)
{
	struct mono start, until;

	CU_ASSERT_EQUAL_FATAL(loop_open(&loop), 0);
	start = loop_now(&loop);
	until = mono_add_ms(start, 20);
	CU_ASSERT_EQUAL(loop_wait(&loop, ev, 8, until), 0);
	CU_ASSERT(mono_past(until, loop.now));
	/* a deadline that is past does not sleep */
	CU_ASSERT_EQUAL(loop_wait(&loop, ev, 8, start), 0);
	CU_ASSERT(mono_diff_ms(start, loop.now) < LOOP_SLEEP_MS);
	loop_close(&loop);
}

static uint32_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint32_t)(t.tv_sec * 1000000 + t.tv_nsec / 1000);
}

/* Processor time of a wait of 20 ms in which nothing happens. */
static uint32_t time_of_silence(void)
{
	uint32_t before = cpu_us();

	CU_ASSERT_EQUAL(
		loop_wait(&loop, ev, 8, mono_add_ms(loop_now(&loop), 20)), 0);
	return cpu_us() - before;
}

static void busy_polling_begins_after_a_short_wait_and_ends_with_a_long(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	CU_ASSERT_EQUAL_FATAL(loop_open(&loop), 0);
	CU_ASSERT_EQUAL(loop_add(&loop, fd, 1, 1, LOOP_IN), 0);
	loop.busy_ns = 10 * MONO_MS;
	CU_ASSERT(time_of_silence() < 1000);
	add_one(fd);
	CU_ASSERT_EQUAL(loop_wait(&loop, ev, 8, mono_add_ms(loop.now, 20)), 1);
	CU_ASSERT_TRUE(loop.brisk);
	/* what waits is found at once, and looked for no longer */
	CU_ASSERT_EQUAL(loop_wait(&loop, ev, 8, mono_add_ms(loop.now, 20)), 1);
	CU_ASSERT_TRUE(loop.brisk);
	loop_del(&loop, fd);
	CU_ASSERT(time_of_silence() >= 1000);
	CU_ASSERT_FALSE(loop.brisk);
	CU_ASSERT(time_of_silence() < 1000);
	/* never past the deadline */
	loop.brisk = true;
	loop.busy_ns = MONO_S;
	CU_ASSERT_EQUAL(loop_wait(&loop, ev, 8, mono_add_ms(loop.now, 3)), 0);
	CU_ASSERT_FALSE(loop.brisk);
	/* switched off */
	CU_ASSERT_EQUAL(loop_add(&loop, fd, 1, 1, LOOP_IN), 0);
	loop.busy_ns = 0;
	CU_ASSERT_EQUAL(loop_wait(&loop, ev, 8, mono_add_ms(loop.now, 20)), 1);
	CU_ASSERT_FALSE(loop.brisk);
	close(fd);
	loop_close(&loop);
}

static void a_broken_loop_is_an_error(void)
{
	struct loop none = { .epoll = -1 };

	CU_ASSERT_EQUAL(loop_add(&none, 0, 0, 0, LOOP_IN), -EBADF);
	CU_ASSERT_EQUAL(loop_wait(&none, ev, 8, none.now), -EBADF);
}

/* D8: readings of the real clock, and what the loop's says then. */
static void a_gap_in_the_clock_counts_as_ten_seconds(void)
{
	static const struct {
		uint64_t raw, now;
	} steps[] = {
		{ 1000 * MONO_S, 500 * MONO_S },
		{ 1001 * MONO_S, 501 * MONO_S },
		{ 1011 * MONO_S, 511 * MONO_S },
		{ 1021 * MONO_S + 1, 521 * MONO_S }, /* a bit over */
		{ 1022 * MONO_S + 1, 522 * MONO_S }, /* and on */
		{ 4622 * MONO_S, 532 * MONO_S },     /* an hour */
		{ 1022 * MONO_S, 532 * MONO_S },     /* back: stands */
		{ 1023 * MONO_S, 533 * MONO_S },     /* and goes on */
		{ (1ull << 63) + 5, 543 * MONO_S },  /* the far edge */
		{ UINT64_MAX, 553 * MONO_S },
		{ UINT64_MAX, 553 * MONO_S },
	};
	struct loop l = { .epoll = -1,
			  .raw_ns = 1000 * MONO_S,
			  .now = { 500 * MONO_S } };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		CU_ASSERT_EQUAL(loop_step(&l, steps[i].raw).ns, steps[i].now);
		CU_ASSERT_EQUAL(l.now.ns, steps[i].now);
	}
	CU_ASSERT_EQUAL(l.gaps, 4);
	CU_ASSERT(LOOP_SLEEP_MS < LOOP_STEP_MS);
}

static void signals_come_by_a_descriptor(void)
{
	static const int sigs[] = { SIGUSR1, SIGUSR2 };
	sigset_t before;
	int fd;

	sigprocmask(SIG_SETMASK, NULL, &before);
	fd = loop_signals(sigs, 2);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(loop_signal_take(fd), 0);
	raise(SIGUSR2);
	CU_ASSERT_EQUAL(loop_signal_take(fd), SIGUSR2);
	CU_ASSERT_EQUAL(loop_signal_take(fd), 0);
	close(fd);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

UNIT_SUITE(loop, UNIT(what_woke_is_named_by_type_and_index),
	   UNIT(what_is_asked_for_can_change),
	   UNIT(a_sleep_ends_at_its_deadline_and_not_before),
	   UNIT(busy_polling_begins_after_a_short_wait_and_ends_with_a_long),
	   UNIT(a_broken_loop_is_an_error),
	   UNIT(a_gap_in_the_clock_counts_as_ten_seconds),
	   UNIT(signals_come_by_a_descriptor))
