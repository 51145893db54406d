/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storetest: what every struct store does (tests/unit/store_conform.h), asked
 * of the xenstored of a real Xen, in dom0.
 */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>

#include "packet/pkt_assert.h"
#include "store_conform.h"

static struct store *a, *b;
static size_t at;

_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "storetest: %s:%d: %s\n", file, line, what);
	abort();
}

/* CUnit runs the tests in the order in which they were added. */
static void next(void)
{
	(void)a->ops->rm(a, STORE_NONE, "/conform");
	store_conform[at++].run(a, b);
}

int main(void)
{
	unsigned int failed;
	CU_pSuite suite;
	int err;

	a = store_libs_open(&err);
	b = store_libs_open(&err);
	if (!a || !b || CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	suite = CU_add_suite("xenstored", NULL, NULL);
	for (size_t i = 0; i < store_conform_n; i++)
		CU_add_test(suite, store_conform[i].name, next);
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_tests_failed();
	CU_cleanup_registry();
	(void)a->ops->rm(a, STORE_NONE, "/conform");
	b->ops->close(b);
	a->ops->close(a);
	printf("%zu checks, %u failed\n", store_conform_n, failed);
	return failed > 0;
}
