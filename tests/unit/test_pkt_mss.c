/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/pkt_mss.h"

#include <string.h>

#include "mock/frames.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "unit.h"

static struct pkt_pool *pool;

static const struct {
	const char *options;
	uint16_t mtu, most;
	bool v6;
	uint16_t at, is; /* where the number stands, and what it is then */
	bool changed;
} cases[] = {
	{ "020405b4", 1500, 65535, false, 22, 1460, false },
	{ "020405b4", 1499, 65535, false, 22, 1459, true },
	{ "020405b4", 1280, 65535, false, 22, 1240, true },
	{ "020405b4", 1280, 65535, true, 22, 1220, true },
	{ "020405b4", 1520, 65535, true, 22, 1460, false },
	{ "0204ffff", 65535, 65535, false, 22, 65495, true },
	{ "020405b4", 1500, 1000, false, 22, 1000, true },
	{ "020405b4", 1280, 1400, false, 22, 1240, true },
	{ "02040000", 1500, 65535, false, 22, 0, false },
	{ "020405b4", 30, 65535, false, 22, 1, true },
	/* behind others, at even and at odd places */
	{ "0402020405b4", 1280, 65535, false, 24, 1240, true },
	{ "01020405b4", 1280, 65535, false, 23, 1240, true },
	{ "01020405b4", 1280, 65535, true, 23, 1220, true },
	{ "030307020405b4", 1280, 65535, false, 25, 1240, true },
	{ "0101010802040a0a", 1280, 65535, false, 26, 0x0a0a, false },
};
#define CASES_N (sizeof(cases) / sizeof(cases[0]))

static struct pkt *syn(const char *options, bool v6, bool partial)
{
	struct frame_spec s = { .proto = IP_TCP,
				.flags = TCP_SYN,
				.tcp_options = options,
				.partial = partial };
	if (v6) {
		s.src = "2001:db8::2";
		s.dst = "2001:db8:1::1";
	}
	return frame_parsed(pool, &s);
}

static void what_is_too_large_is_made_to_fit(void)
{
	pool = frame_pool_new(4, 0);
	for (size_t i = 0; i < CASES_N; i++) {
		struct pkt *p = syn(cases[i].options, cases[i].v6, false);

		CU_ASSERT_EQUAL(pkt_mss_clamp(p, cases[i].mtu, cases[i].most),
				cases[i].changed);
		CU_ASSERT_EQUAL(be16_at(pkt_l4(p) + cases[i].at), cases[i].is);
		CU_ASSERT(frame_sums_ok(p->data, p->len));
		/* and again: there is nothing left to do */
		CU_ASSERT(!pkt_mss_clamp(p, cases[i].mtu, cases[i].most));
		pkt_put(pool, p);
	}
	frame_pool_free(pool);
}

static void a_sum_that_is_to_be_completed_is_left_alone(void)
{
	uint8_t was[2];
	struct pkt *p;

	pool = frame_pool_new(4, 0);
	p = syn("01020405b4", false, true);
	memcpy(was, pkt_l4(p) + 16, 2);
	CU_ASSERT(pkt_mss_clamp(p, 1280, 65535));
	CU_ASSERT_EQUAL(be16_at(pkt_l4(p) + 23), 1240);
	CU_ASSERT_EQUAL(memcmp(was, pkt_l4(p) + 16, 2), 0);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

/* A wrong checksum stays wrong by as much: nobody vouches for the packet. */
static void a_corrupt_packet_stays_corrupt(void)
{
	struct pkt *p;

	pool = frame_pool_new(4, 0);
	p = syn("020405b4", false, false);
	pkt_l4(p)[17] ^= 1;
	CU_ASSERT(pkt_mss_clamp(p, 1280, 65535));
	CU_ASSERT(!frame_sums_ok(p->data, p->len));
	pkt_l4(p)[17] ^= 1;
	CU_ASSERT(frame_sums_ok(p->data, p->len));
	pkt_put(pool, p);
	frame_pool_free(pool);
}

static void options_that_are_not_sound_are_left_alone(void)
{
	static const char *const odd[] = {
		"",		/* none */
		"01010101",	/* nothing but padding */
		"00020405b4",	/* behind the end */
		"020305b4",	/* of another length */
		"020605b40000", /* likewise */
		"02000000",	/* a length that leads nowhere */
		"02010000",	/* likewise */
		"01010102",	/* cut off behind the kind */
		"05ff0204",	/* longer than the header */
		"01010204",	/* its number is payload */
	};

	pool = frame_pool_new(4, 0);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct pkt *p = syn(odd[i], false, false);
		struct pkt *same = syn(odd[i], false, false);

		CU_ASSERT(!pkt_mss_clamp(p, 100, 100));
		CU_ASSERT(frame_same(p, same));
		pkt_put(pool, p);
		pkt_put(pool, same);
	}
	frame_pool_free(pool);
}

UNIT_SUITE(pkt_mss, UNIT(what_is_too_large_is_made_to_fit),
	   UNIT(a_sum_that_is_to_be_completed_is_left_alone),
	   UNIT(a_corrupt_packet_stays_corrupt),
	   UNIT(options_that_are_not_sound_are_left_alone))
