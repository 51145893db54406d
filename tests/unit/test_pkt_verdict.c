/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "packet/pkt_verdict.h"
#include "unit.h"

static void every_reason_has_its_own_name_and_a_text(void)
{
	for (int i = 0; i < PKT_REASON_N; i++) {
		const char *name = pkt_reason_name((enum pkt_reason)i);

		CU_ASSERT(strlen(name) > 2);
		CU_ASSERT(strlen(pkt_reason_text((enum pkt_reason)i)) > 2);
		for (int j = 0; j < i; j++)
			CU_ASSERT(strcmp(name,
					 pkt_reason_name((enum pkt_reason)j)));
	}
}

static void a_number_out_of_range_has_a_name_too(void)
{
	CU_ASSERT_STRING_EQUAL(pkt_reason_name(PKT_REASON_N), "?");
	CU_ASSERT_STRING_EQUAL(
		pkt_reason_text((enum pkt_reason)(PKT_REASON_N + 7)), "?");
}

UNIT_SUITE(pkt_verdict, UNIT(every_reason_has_its_own_name_and_a_text),
	   UNIT(a_number_out_of_range_has_a_name_too))
