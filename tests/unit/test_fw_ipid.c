/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "firewall/path/ipid.h"
#include "mock/frames.h"
#include "packet/pkt_bytes.h"
#include "unit.h"

static void seeded(struct ipid *id, uint8_t first)
{
	struct pkt_rand rand;
	uint8_t seed[16] = { first };

	pkt_rand_seed(&rand, seed);
	ipid_init(id, &rand);
}

static struct pkt *packet_to(struct pkt_pool *pool, const char *dst)
{
	return frame_parsed(pool, &(struct frame_spec){ .dst = dst });
}

static void R74_no_id_comes_again_before_all_others(void)
{
	static uint8_t seen[65536];
	struct pkt_pool *pool = frame_pool_new(4, 0);
	struct pkt *p = packet_to(pool, "192.0.2.1");
	static struct ipid id;

	memset(seen, 0, sizeof(seen));
	seeded(&id, 1);
	for (int i = 0; i < 65536; i++)
		seen[ipid_next(&id, p)]++;
	for (int i = 0; i < 65536; i++)
		CU_ASSERT_EQUAL_FATAL(seen[i], 1);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

static void R74_ids_do_not_count(void)
{
	struct pkt_pool *pool = frame_pool_new(4, 0);
	struct pkt *p = packet_to(pool, "192.0.2.1");
	static struct ipid id;
	unsigned int up = 0, near = 0;
	uint16_t last;

	seeded(&id, 2);
	last = ipid_next(&id, p);
	for (int i = 0; i < 10000; i++) {
		uint16_t next = ipid_next(&id, p);

		up += next > last;
		near += (uint16_t)(next - last) < 256;
		last = next;
	}
	CU_ASSERT(up > 4000 && up < 6000);
	CU_ASSERT(near < 200);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

static void another_seed_gives_other_ids(void)
{
	struct pkt_pool *pool = frame_pool_new(4, 0);
	struct pkt *p = packet_to(pool, "192.0.2.1");
	static struct ipid a, b;
	unsigned int same = 0;

	seeded(&a, 3);
	seeded(&b, 4);
	for (int i = 0; i < 1000; i++)
		same += ipid_next(&a, p) == ipid_next(&b, p);
	CU_ASSERT(same < 10);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

static void the_id_is_written_and_the_checksum_stays_right(void)
{
	struct pkt_pool *pool = frame_pool_new(4, 0);
	struct pkt *p = packet_to(pool, "192.0.2.1");

	for (uint32_t i = 0; i < 65536; i += 97) {
		ipid_set(p, (uint16_t)i);
		CU_ASSERT_EQUAL_FATAL(be16_at(pkt_l3(p) + 4), i);
		CU_ASSERT_FATAL(frame_sums_ok(p->data, p->len));
	}
	pkt_put(pool, p);
	frame_pool_free(pool);
}

UNIT_SUITE(fw_ipid, UNIT(R74_no_id_comes_again_before_all_others),
	   UNIT(R74_ids_do_not_count), UNIT(another_seed_gives_other_ids),
	   UNIT(the_id_is_written_and_the_checksum_stays_right))
