/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIFWALL_TESTS_UNIT_UNIT_H
#define VIFWALL_TESTS_UNIT_UNIT_H

#include <CUnit/CUnit.h>
#include <stddef.h>

/*
 * One file per suite: tests/unit/test_<suite>.c ends in
 *
 *	UNIT_SUITE(pkt_addr,
 *		UNIT(a_dotted_quad_is_read),
 *		UNIT(leading_zeros_are_refused))
 *
 * Test names are sentences.  The Makefile finds the files and lists their
 * suites; build/unit NAME... runs those alone, build/unit -l lists them.
 */
struct unit_test {
	const char *name;
	void (*run)(void);
};

struct unit_suite {
	const char *name;
	const struct unit_test *test;
	size_t n;
};

#define UNIT(fn)        \
	{               \
#fn, fn \
	}
#define UNIT_SUITE(suite, ...)                                           \
	static const struct unit_test suite##_tests[] = { __VA_ARGS__ }; \
	extern const struct unit_suite unit_suite_##suite;               \
	const struct unit_suite unit_suite_##suite = {                   \
		#suite, suite##_tests,                                   \
		sizeof(suite##_tests) / sizeof(suite##_tests[0])         \
	};

/*
 * Seed of this run, for tests that use random numbers: printed at the start,
 * set again by UNIT_SEED=number in the environment.
 */
unsigned long unit_seed(void);

/* Base number of rounds for random tests: 1 unless UNIT_SOAK says more. */
unsigned long unit_soak(void);

#endif
