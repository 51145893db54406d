/* SPDX-License-Identifier: GPL-2.0-or-later */
/* R33: all that a client does is seen to come from one address. */
#include <string.h>

#include "mock/lab.h"
#include "packet/pkt_ip.h"
#include "unit.h"

#define OTHER4 "192.0.2.77"
#define OTHER6 "2001:db8:1::77"
#define TARGETS 40

static struct lab *l;

/* @who talks to many; true: each saw @out4, or @out6, and nothing else. */
static bool is_seen_as(int who, const char *out4, const char *out6)
{
	static const uint8_t protos[] = { IP_TCP, IP_UDP, IP_ICMP };
	bool same = true;

	for (int i = 0; i < TARGETS; i++) {
		char four[32], six[32];
		const struct pkt *p;
		struct frame_spec s = { .flags = TCP_SYN,
					.proto = protos[i % 3],
					.sport = (uint16_t)(4000 + i),
					.dport = 443,
					.icmp_id = (uint16_t)(1 + i) };

		snprintf(four, sizeof(four), "198.51.100.%d", 1 + i);
		snprintf(six, sizeof(six), "2001:db8:2::%d", 1 + i);
		s.dst = four;
		same &= lab_send(l, who, &s) == PKT_REASON_NONE;
		p = lab_out(l, LAB_UPLINK);
		same &= p && lab_goes(p, out4, four);
		s.src = who == LAB_A ? LAB_A6 : LAB_B6;
		s.dst = six;
		s.proto = s.proto == IP_ICMP ? IP_ICMP6 : s.proto;
		same &= lab_send(l, who, &s) == PKT_REASON_NONE;
		p = lab_out(l, LAB_UPLINK);
		same &= p && lab_goes(p, out6, six);
	}
	return same && lab_silent(l);
}

static void R33_every_flow_of_a_client_has_the_same_outside_address(void)
{
	l = lab_new();
	CU_ASSERT(is_seen_as(LAB_A, LAB_OUT4, LAB_OUT6));
	CU_ASSERT(is_seen_as(LAB_B, LAB_OUT4, LAB_OUT6));
	lab_free(l);
}

/* ... also behind a second one: whoever had flows on the first moves wholly. */
static void R33_after_another_address_came_it_is_that_one_for_all(void)
{
	struct fw_uplink u = lab_uplink();

	l = lab_new();
	CU_ASSERT(is_seen_as(LAB_A, LAB_OUT4, LAB_OUT6));
	CU_ASSERT_EQUAL(pkt_addr_parse(&u.addr4, OTHER4, strlen(OTHER4)), 0);
	CU_ASSERT_EQUAL(pkt_addr_parse(&u.addr6, OTHER6, strlen(OTHER6)), 0);
	CU_ASSERT_EQUAL(fw_uplink_set(l->fw, &u, l->now), 0);
	lab_hush(l);
	/* the very same endpoints, and new ones */
	CU_ASSERT(is_seen_as(LAB_A, OTHER4, OTHER6));
	CU_ASSERT(is_seen_as(LAB_B, OTHER4, OTHER6));
	lab_free(l);
}

UNIT_SUITE(fw_outside,
	   UNIT(R33_every_flow_of_a_client_has_the_same_outside_address),
	   UNIT(R33_after_another_address_came_it_is_that_one_for_all))
