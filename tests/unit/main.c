/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the unit suites and prints one closing line: "N passed, N failed".
 * Exit 0 when nothing failed, 1 when a test did, 2 when the call was wrong.
 */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "packet/pkt_assert.h"
#include "unit.h"

/* Written by the Makefile from the names of the test files. */
#define UNIT_DECLARE(s) extern const struct unit_suite unit_suite_##s;
#define UNIT_LIST(s) &unit_suite_##s,
#include "unit_suites.h"
UNIT_SUITES(UNIT_DECLARE)

static const struct unit_suite *const suites[] = { UNIT_SUITES(UNIT_LIST) };
#define SUITES_N (sizeof(suites) / sizeof(suites[0]))

static unsigned long seed;

unsigned long unit_seed(void)
{
	return seed;
}

unsigned long unit_soak(void)
{
	const char *s = getenv("UNIT_SOAK");
	unsigned long n = s ? strtoul(s, NULL, 0) : 1;

	return n ? n : 1;
}

_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}

static int add(const struct unit_suite *s)
{
	CU_pSuite cu = CU_add_suite(s->name, NULL, NULL);

	if (!cu)
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (!CU_add_test(cu, s->test[i].name, s->test[i].run))
			return -1;
	return 0;
}

static const struct unit_suite *find(const char *name)
{
	for (size_t i = 0; i < SUITES_N; i++)
		if (!strcmp(suites[i]->name, name))
			return suites[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const char *s = getenv("UNIT_SEED");
	unsigned int ran, failed;

	seed = s ? strtoul(s, NULL, 0) : (unsigned long)time(NULL);
	if (argc == 2 && !strcmp(argv[1], "-l")) {
		for (size_t i = 0; i < SUITES_N; i++)
			puts(suites[i]->name);
		return 0;
	}
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	for (size_t i = 0; argc == 1 && i < SUITES_N; i++)
		if (add(suites[i]))
			return 2;
	for (int i = 1; i < argc; i++) {
		const struct unit_suite *one = find(argv[i]);

		if (!one || add(one)) {
			fprintf(stderr, "%s: no such suite; -l lists them\n",
				argv[i]);
			return 2;
		}
	}
	printf("seed %lu (UNIT_SEED=%lu repeats this run)\n", seed, seed);
	CU_basic_set_mode(CU_BRM_NORMAL);
	if (CU_basic_run_tests() != CUE_SUCCESS)
		return 2;
	ran = CU_get_number_of_tests_run();
	failed = CU_get_number_of_tests_failed();
	CU_cleanup_registry();
	printf("\n%u passed, %u failed\n", ran - failed, failed);
	return failed ? 1 : 0;
}
