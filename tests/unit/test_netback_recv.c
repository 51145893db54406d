/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "mock/frames.h"
#include "mock/netif_bed.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

static struct bed bed;
static uint8_t bytes[FRAME_MAX];

static void open_bed(void)
{
	bed_open(&bed, &(struct bed_how){ .can = BED_ALL });
}

/* ---- frames that are taken ------------------------------------------------
 */

static void a_frame_arrives_and_its_slot_is_answered(void)
{
	open_bed();
	bed_fill(bytes, 60, 1);
	guest_tx_frame(&bed.guest, bytes, 60, 60, 0, 0, NULL);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 1);
	CU_ASSERT_EQUAL(bed.in.p[0]->len, 60);
	CU_ASSERT_EQUAL(bed.in.p[0]->in, 5);
	CU_ASSERT_EQUAL(bed.in.p[0]->flags, 0);
	CU_ASSERT_EQUAL(bed.in.p[0]->tail, PKT_SMALL - PKT_HEADROOM - 60);
	CU_ASSERT(bed_is(bed.in.p[0]->data, 60, 1));
	CU_ASSERT(bed_answer_is(&bed, 0, NETIF_RSP_OKAY));
	CU_ASSERT(!bed_answer_is(&bed, 1, NETIF_RSP_OKAY));
	CU_ASSERT_EQUAL(bed.vif.port.stats.recv_packets, 1);
	CU_ASSERT_EQUAL(bed.vif.port.stats.recv_bytes, 60);
	bed_close(&bed);
}

static void an_empty_ring_gives_nothing_and_costs_no_call(void)
{
	open_bed();
	CU_ASSERT_EQUAL(bed_frames(&bed), 0);
	CU_ASSERT_EQUAL(bed.back->copy_calls, 0);
	bed_close(&bed);
}

struct cut {
	uint32_t len, first, each;
};

static const struct cut cuts[] = {
	{ 14, 14, 1 },	      { 15, 14, 1 },	     { 60, 20, 40 },
	{ 1514, 1514, 1 },    { 1514, 128, 1386 },   { 1985, 1985, 1 },
	{ 4096, 4096, 1 },    { 4097, 4096, 1 },     { 5000, 14, 4096 },
	{ 9014, 4096, 4096 }, { 65535, 4096, 4096 }, { 20000, 255, 4080 },
	{ 32, 14, 1 },
};
#define CUTS (sizeof(cuts) / sizeof(cuts[0]))

static void frames_of_many_slots_are_put_together(void)
{
	uint32_t slots = 0;

	open_bed();
	for (uint32_t i = 0; i < CUTS; i++) {
		bed_fill(bytes, cuts[i].len, (uint8_t)i);
		guest_tx_frame(&bed.guest, bytes, cuts[i].len, cuts[i].first,
			       cuts[i].each, 0, NULL);
	}
	slots = bed.guest.tx_prod;
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), CUTS);
	CU_ASSERT_EQUAL(bed.back->copy_calls, 1); /* for the whole batch */
	CU_ASSERT_EQUAL(bed.back->copies, slots);
	for (uint32_t i = 0; i < CUTS; i++) {
		CU_ASSERT_EQUAL(bed.in.p[i]->len, cuts[i].len);
		CU_ASSERT(bed_is(bed.in.p[i]->data, cuts[i].len, (uint8_t)i));
	}
	for (uint32_t i = 0; i < slots; i++)
		CU_ASSERT(bed_answer_is(&bed, i, NETIF_RSP_OKAY));
	CU_ASSERT_EQUAL(bed.guest.tx_cons, bed.guest.tx->head.rsp_prod);
	bed_close(&bed);
}

/* So that aggregates do not make others wait longer than small frames do. */
static void a_turn_ends_beyond_128_KiB(void)
{
	open_bed();
	for (uint32_t i = 0; i < 10; i++)
		guest_tx_frame(&bed.guest, bytes, 60000, 4096, 4096, 0, NULL);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(bed_frames(&bed), 3);
	CU_ASSERT(bed_arm(&bed)); /* there is more */
	CU_ASSERT_EQUAL(bed_frames(&bed), 3);
	CU_ASSERT_EQUAL(bed_frames(&bed), 3);
	CU_ASSERT_EQUAL(bed_frames(&bed), 1);
	CU_ASSERT_FALSE(bed_arm(&bed));
	bed_close(&bed);
}

static void XSA_432_a_tiny_frame_in_the_most_slots_is_taken(void)
{
	open_bed();
	bed_fill(bytes, 32, 7);
	guest_tx_frame(&bed.guest, bytes, 32, 14, 1, 0, NULL);
	CU_ASSERT_EQUAL(bed.guest.tx_prod, 19);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 1);
	CU_ASSERT(bed_is(bed.in.p[0]->data, 32, 7));
	bed_close(&bed);
}

static void XSA_448_empty_slots_are_legal_and_not_copied(void)
{
	open_bed();
	bed_fill(guest_tx_room(&bed.guest), 50, 3);
	guest_tx_slot(&bed.guest, 0, 60, NETIF_MORE_DATA);
	guest_tx_slot(&bed.guest, 0, 0, NETIF_MORE_DATA);
	bed_fill(guest_tx_room(&bed.guest), 10, 3 + 50);
	guest_tx_slot(&bed.guest, 0, 10, NETIF_MORE_DATA);
	guest_tx_slot(&bed.guest, 4096, 0, 0);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 1);
	CU_ASSERT_EQUAL(bed.in.p[0]->len, 60);
	CU_ASSERT(bed_is(bed.in.p[0]->data, 60, 3));
	CU_ASSERT_EQUAL(bed.back->copies, 2);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT(bed_answer_is(&bed, i, NETIF_RSP_OKAY));
	bed_close(&bed);
}

static void indices_wrap_around(void)
{
	bed_open(&bed,
		 &(struct bed_how){ .can = BED_ALL, .first = UINT32_MAX - 2 });
	for (uint32_t i = 0; i < 6; i++) {
		bed_fill(bytes, 100, (uint8_t)i);
		guest_tx_frame(&bed.guest, bytes, 100, 40, 60, 0, NULL);
	}
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 6);
	CU_ASSERT(bed_is(bed.in.p[5]->data, 100, 5));
	for (uint32_t i = 0; i < 12; i++)
		CU_ASSERT(bed_answer_is(&bed, UINT32_MAX - 2 + i,
					NETIF_RSP_OKAY));
	bed_close(&bed);
}

static void a_full_ring_takes_four_batches(void)
{
	open_bed();
	for (uint32_t i = 0; i < NETIF_SLOTS; i++)
		guest_tx_frame(&bed.guest, bytes, 60, 60, 0, 0, NULL);
	guest_tx_kick(&bed.guest);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(bed_frames(&bed), PKT_BATCH);
	CU_ASSERT_EQUAL(bed_frames(&bed), 0);
	CU_ASSERT_EQUAL(bed.guest.tx->head.rsp_prod, NETIF_SLOTS);
	bed_close(&bed);
}

static void what_does_not_fit_in_the_batch_stays_in_the_ring(void)
{
	open_bed();
	for (uint32_t i = 0; i < 5; i++)
		guest_tx_frame(&bed.guest, bytes, 60, 60, 0, 0, NULL);
	guest_tx_kick(&bed.guest);
	while (bed.in.n < PKT_BATCH - 3)
		bed.in.p[bed.in.n++] = bed_pkt(&bed, 60, 0);
	CU_ASSERT_EQUAL(bed.vif.port.ops->recv(&bed.vif.port, bed.pool, &bed.in,
					       bed.now),
			0);
	CU_ASSERT_EQUAL(bed.in.n, PKT_BATCH);
	CU_ASSERT_EQUAL(bed.guest.tx->head.rsp_prod, 3);
	CU_ASSERT_EQUAL(bed_frames(&bed), 2);
	bed_close(&bed);
}

/* ---- chains: the table of limits ------------------------------------------
 */

enum end { TAKEN, DROPPED, FATAL };

static const struct chain_case {
	const char *what;
	uint32_t slots; /* data slots */
	bool more_at_end;
	uint32_t total, each; /* sizes: of the frame; of each later slot */
	uint16_t first_off, later_off;
	enum end end;
	enum netback_fault fault;
} chain_cases[] = {
	{ "18 slots", 18, .total = 1800, .each = 100 },
	{ "19 slots", 19, .total = 1900, .each = 100 },
	{ "20 slots", 20, .total = 2000, .each = 100, .end = DROPPED,
	  .fault = NETBACK_CHAIN_LONG },
	{ "21 slots", 21, .total = 2100, .each = 100, .end = DROPPED,
	  .fault = NETBACK_CHAIN_LONG },
	{ "22 slots", 22, .total = 2200, .each = 100, .end = FATAL,
	  .fault = NETBACK_FATAL_CHAIN },
	{ "256 slots", 256, .total = 65535, .each = 100, .end = FATAL,
	  .fault = NETBACK_FATAL_CHAIN },
	{ "more to come, and nothing there", 1, true, .total = 60, .end = FATAL,
	  .fault = NETBACK_FATAL_CHAIN },
	{ "later slots hold all but the header", 2, .total = 114, .each = 100 },
	{ "13 bytes in the first slot", 2, .total = 113, .each = 100,
	  .end = DROPPED, .fault = NETBACK_FIRST_SHORT },
	{ "none in the first slot", 2, .total = 100, .each = 100,
	  .end = DROPPED, .fault = NETBACK_FIRST_SHORT },
	{ "an empty frame", 1, .total = 0, .end = DROPPED,
	  .fault = NETBACK_FIRST_SHORT },
	{ "slots hold one byte too many", 2, .total = 99, .each = 100,
	  .end = DROPPED, .fault = NETBACK_FRAG_SUM },
	{ "slots hold far too many", 10, .total = 200, .each = 4000,
	  .end = DROPPED, .fault = NETBACK_FRAG_SUM },
	{ "the first slot ends with its page", 1, .total = 4000,
	  .first_off = 96 },
	{ "the first slot leaves its page", 1, .total = 4000, .first_off = 97,
	  .end = FATAL, .fault = NETBACK_FATAL_PAGE },
	{ "the first leaves its page before subtraction only", 2, .total = 6000,
	  .each = 3000, .first_off = 1096 },
	{ "a later slot ends with its page", 2, .total = 300, .each = 100,
	  .later_off = 3996 },
	{ "a later slot leaves its page", 2, .total = 300, .each = 100,
	  .later_off = 3997, .end = FATAL, .fault = NETBACK_FATAL_PAGE },
	{ "offset and size at their largest", 1, .total = 65535,
	  .first_off = 65535, .end = FATAL, .fault = NETBACK_FATAL_PAGE },
	{ "the same in a later slot", 2, .total = 65535, .each = 65535,
	  .later_off = 65535, .end = FATAL, .fault = NETBACK_FATAL_PAGE },
	{ "a slot of an oversized chain leaves its page", 20, .total = 2000,
	  .each = 100, .later_off = 4000, .end = FATAL,
	  .fault = NETBACK_FATAL_PAGE },
};
#define CHAIN_CASES (sizeof(chain_cases) / sizeof(chain_cases[0]))

static void put_chain(const struct chain_case *c)
{
	for (uint32_t i = 0; i < c->slots; i++) {
		bool more = i + 1 < c->slots || c->more_at_end;

		guest_tx_slot(&bed.guest, i ? c->later_off : c->first_off,
			      (uint16_t)(i ? c->each : c->total),
			      more ? NETIF_MORE_DATA : 0);
	}
	guest_tx_kick(&bed.guest);
}

static void check_chain(const struct chain_case *c)
{
	uint32_t first = bed.guest.tx_cons;
	int err = bed_recv(&bed);
	int16_t status = c->end == TAKEN ? NETIF_RSP_OKAY : NETIF_RSP_ERROR;

	CU_ASSERT_EQUAL(err, c->end == FATAL ? -EPROTO : 0);
	CU_ASSERT_EQUAL(bed.in.n, c->end == TAKEN);
	if (c->end == TAKEN && bed.in.n)
		CU_ASSERT_EQUAL(bed.in.p[0]->len, c->total);
	if (c->end != TAKEN)
		CU_ASSERT_EQUAL(bed.vif.fault[c->fault], 1);
	CU_ASSERT_EQUAL(bed.vif.dead, c->end == FATAL);
	for (uint32_t i = 0; c->end != FATAL && i < c->slots; i++)
		CU_ASSERT(bed_answer_is(&bed, first + i, status));
	CU_ASSERT_EQUAL(bed.guest.tx_cons, bed.guest.tx->head.rsp_prod);
}

static void each_limit_of_a_chain_is_where_linux_has_it(void)
{
	for (uint32_t i = 0; i < CHAIN_CASES; i++) {
		unsigned int before = CU_get_number_of_failures();

		open_bed();
		put_chain(&chain_cases[i]);
		check_chain(&chain_cases[i]);
		if (CU_get_number_of_failures() != before)
			fprintf(stderr, "    %s\n", chain_cases[i].what);
		bed_close(&bed);
	}
}

static void the_frames_around_a_dropped_one_arrive(void)
{
	open_bed();
	bed_fill(bytes, 60, 1);
	guest_tx_frame(&bed.guest, bytes, 60, 60, 0, 0, NULL);
	guest_tx_slot(&bed.guest, 0, 50, NETIF_MORE_DATA);
	guest_tx_slot(&bed.guest, 0, 51, 0);
	bed_fill(bytes, 60, 9);
	guest_tx_frame(&bed.guest, bytes, 60, 30, 30, 0, NULL);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 2);
	CU_ASSERT(bed_is(bed.in.p[0]->data, 60, 1));
	CU_ASSERT(bed_is(bed.in.p[1]->data, 60, 9));
	CU_ASSERT(bed_answer_is(&bed, 0, NETIF_RSP_OKAY));
	CU_ASSERT(bed_answer_is(&bed, 1, NETIF_RSP_ERROR));
	CU_ASSERT(bed_answer_is(&bed, 2, NETIF_RSP_ERROR));
	CU_ASSERT(bed_answer_is(&bed, 3, NETIF_RSP_OKAY));
	CU_ASSERT(bed_answer_is(&bed, 4, NETIF_RSP_OKAY));
	CU_ASSERT_EQUAL(bed.vif.port.stats.recv_dropped, 1);
	bed_close(&bed);
}

/* ---- extras ---------------------------------------------------------------
 */

static const struct extra_case {
	const char *what;
	uint32_t n;
	bool more_at_end;
	uint8_t type[10];
	enum end end;
	enum netback_fault fault;
} extra_cases[] = {
	{ "a hash", 1, .type = { NETIF_EXTRA_HASH } },
	{ "headroom for XDP", 1, .type = { NETIF_EXTRA_XDP } },
	{ "eight of them", 8, .type = { 4, 5, 4, 5, 4, 5, 4, 5 } },
	{ "nine of them", 9, .type = { 4, 5, 4, 5, 4, 5, 4, 5, 4 },
	  .end = FATAL, .fault = NETBACK_FATAL_EXTRA },
	{ "type 0", 1, .type = { 0 }, .end = FATAL,
	  .fault = NETBACK_FATAL_EXTRA },
	{ "type 6", 1, .type = { 6 }, .end = FATAL,
	  .fault = NETBACK_FATAL_EXTRA },
	{ "type 255, behind a good one", 2, .type = { 4, 255 }, .end = FATAL,
	  .fault = NETBACK_FATAL_EXTRA },
	{ "promised and not there", 0, .end = FATAL,
	  .fault = NETBACK_FATAL_EXTRA },
	{ "one more promised and not there", 1, true, .type = { 4 },
	  .end = FATAL, .fault = NETBACK_FATAL_EXTRA },
	{ "a multicast group", 1, .type = { NETIF_EXTRA_MCAST_ADD },
	  .end = DROPPED, .fault = NETBACK_EXTRA },
	{ "a multicast group less, behind a hash", 2,
	  .type = { 4, NETIF_EXTRA_MCAST_DEL }, .end = DROPPED,
	  .fault = NETBACK_EXTRA },
};
#define EXTRA_CASES (sizeof(extra_cases) / sizeof(extra_cases[0]))

static void check_extras(const struct extra_case *c)
{
	int16_t status = c->end == TAKEN ? NETIF_RSP_OKAY : NETIF_RSP_ERROR;

	guest_tx_slot(&bed.guest, 0, 60, NETIF_EXTRA);
	for (uint32_t i = 0; i < c->n; i++) {
		bool more = i + 1 < c->n || c->more_at_end;

		guest_tx_extra(&bed.guest,
			       &(struct netif_extra){
				       .type = c->type[i],
				       .flags = more ? NETIF_EXTRA_MORE : 0 });
	}
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(bed_recv(&bed), c->end == FATAL ? -EPROTO : 0);
	CU_ASSERT_EQUAL(bed.in.n, c->end == TAKEN);
	if (c->end != TAKEN)
		CU_ASSERT_EQUAL(bed.vif.fault[c->fault], 1);
	if (c->end == FATAL)
		return;
	CU_ASSERT(bed_answer_is(&bed, 0, status));
	for (uint32_t i = 0; i < c->n; i++)
		CU_ASSERT(bed_answer_is(&bed, 1 + i, NETIF_RSP_NULL));
}

static void each_extra_is_taken_or_refused(void)
{
	for (uint32_t i = 0; i < EXTRA_CASES; i++) {
		unsigned int before = CU_get_number_of_failures();

		open_bed();
		check_extras(&extra_cases[i]);
		if (CU_get_number_of_failures() != before)
			fprintf(stderr, "    %s\n", extra_cases[i].what);
		bed_close(&bed);
	}
}

static void extras_stand_between_the_first_slot_and_the_others(void)
{
	open_bed();
	bed_fill(guest_tx_room(&bed.guest), 20, 5);
	guest_tx_slot(&bed.guest, 0, 60, NETIF_EXTRA | NETIF_MORE_DATA);
	guest_tx_extra(&bed.guest,
		       &(struct netif_extra){ .type = NETIF_EXTRA_HASH });
	bed_fill(guest_tx_room(&bed.guest), 40, 25);
	/* of no meaning but in the first slot */
	guest_tx_slot(&bed.guest, 0, 40, NETIF_EXTRA);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 1);
	CU_ASSERT(bed_is(bed.in.p[0]->data, 60, 5));
	CU_ASSERT(bed_answer_is(&bed, 0, NETIF_RSP_OKAY));
	CU_ASSERT(bed_answer_is(&bed, 1, NETIF_RSP_NULL));
	CU_ASSERT(bed_answer_is(&bed, 2, NETIF_RSP_OKAY));
	bed_close(&bed);
}

/* The defined bytes alone are written: see the table of the rings. */
static void XSA_216_answers_write_no_byte_but_their_own(void)
{
	struct netif_extra hash = { .type = NETIF_EXTRA_HASH,
				    .pad = 0x5a,
				    .gso_size = 0xffff,
				    .gso_features = 0x1234 };
	union netif_tx_slot *slot;
	struct netif_tx_req was;

	open_bed();
	slot = bed.guest.tx->slot;
	guest_tx_slot(&bed.guest, 0, 60, NETIF_EXTRA);
	was = slot[0].req;
	guest_tx_extra(&bed.guest, &hash);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(bed_frames(&bed), 1);
	CU_ASSERT_EQUAL(slot[0].rsp.id, was.id);
	CU_ASSERT_EQUAL(slot[0].rsp.status, NETIF_RSP_OKAY);
	CU_ASSERT_EQUAL(memcmp((uint8_t *)&slot[0] + 4, (uint8_t *)&was + 4, 8),
			0);
	hash.gso_size = NETIF_RSP_NULL; /* where the status lies */
	CU_ASSERT_EQUAL(memcmp(&slot[1], &hash, sizeof(hash)), 0);
	CU_ASSERT_EQUAL(((uint8_t *)&slot[1])[8], 0xee);
	CU_ASSERT_EQUAL(((uint8_t *)&slot[1])[11], 0xee);
	CU_ASSERT_EQUAL(slot[2].req.gref, 0);
	bed_close(&bed);
}

/* ---- checksums and aggregates ----------------------------------------------
 */

static const struct netif_extra mss4 = { .type = NETIF_EXTRA_GSO,
					 .gso_size = 1448,
					 .gso_type = NETIF_GSO_TCP4 };

static uint32_t put_frame(const struct frame_spec *s, uint16_t flags,
			  const struct netif_extra *gso)
{
	uint32_t len = (uint32_t)frame_write(bytes, s);

	guest_tx_frame(&bed.guest, bytes, len, 128, 4096, flags, gso);
	guest_tx_kick(&bed.guest);
	return len;
}

static void flags_of_the_checksum_are_understood(void)
{
	static const struct {
		uint16_t flags;
		uint8_t want;
	} t[] = {
		{ 0, 0 },
		{ NETTX_CSUM_BLANK, PKT_F_CSUM_PARTIAL },
		{ NETTX_DATA_VALIDATED, PKT_F_CSUM_VALID },
		{ NETTX_CSUM_BLANK | NETTX_DATA_VALIDATED, PKT_F_CSUM_PARTIAL },
	};

	for (uint32_t i = 0; i < 4; i++) {
		open_bed();
		put_frame(&(struct frame_spec){ .payload_len = 100,
						.partial = t[i].want ==
							   PKT_F_CSUM_PARTIAL },
			  t[i].flags, NULL);
		CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 1);
		CU_ASSERT_EQUAL(bed.in.p[0]->flags, t[i].want);
		CU_ASSERT_EQUAL(pkt_parse(bed.in.p[0]), PKT_FORWARD);
		bed_close(&bed);
	}
}

static void an_aggregate_arrives_with_its_description(void)
{
	static const struct {
		const char *src, *dst;
		uint8_t wire, type;
	} t[] = {
		{ NULL, NULL, NETIF_GSO_TCP4, PKT_GSO_TCP4 },
		{ "fd00::2", "2001:db8::1", NETIF_GSO_TCP6, PKT_GSO_TCP6 },
	};

	for (uint32_t i = 0; i < 2; i++) {
		struct netif_extra e = mss4;

		open_bed();
		e.gso_type = t[i].wire;
		put_frame(&(struct frame_spec){ .src = t[i].src,
						.dst = t[i].dst,
						.proto = IP_TCP,
						.payload_len = 40000,
						.partial = true },
			  NETTX_CSUM_BLANK | NETTX_DATA_VALIDATED, &e);
		CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 1);
		CU_ASSERT_EQUAL(bed.in.p[0]->gso_type, t[i].type);
		CU_ASSERT_EQUAL(bed.in.p[0]->gso_size, 1448);
		CU_ASSERT_EQUAL(bed.in.p[0]->flags, PKT_F_CSUM_PARTIAL);
		CU_ASSERT_EQUAL(
			memcmp(bed.in.p[0]->data, bytes, bed.in.p[0]->len), 0);
		CU_ASSERT_EQUAL(pkt_parse(bed.in.p[0]), PKT_FORWARD);
		bed_close(&bed);
	}
}

static void an_aggregate_without_csum_blank_gets_its_pseudo_sum(void)
{
	static uint8_t right[FRAME_MAX];
	struct frame_spec s = { .proto = IP_TCP, .payload_len = 5000 };
	uint32_t len;

	open_bed();
	len = put_frame(&s, NETTX_DATA_VALIDATED, &mss4);
	s.partial = true;
	frame_write(right, &s);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 1);
	CU_ASSERT_EQUAL(bed.in.p[0]->flags, PKT_F_CSUM_PARTIAL);
	CU_ASSERT_EQUAL(memcmp(bed.in.p[0]->data, right, len), 0);
	bed_close(&bed);
}

static void an_aggregate_of_one_segment_is_an_ordinary_frame(void)
{
	open_bed();
	put_frame(&(struct frame_spec){ .proto = IP_TCP,
					.payload_len = 1448,
					.partial = true },
		  NETTX_CSUM_BLANK, &mss4);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 1);
	CU_ASSERT_EQUAL(bed.in.p[0]->gso_type, PKT_GSO_NONE);
	CU_ASSERT_EQUAL(bed.in.p[0]->gso_size, 0);
	CU_ASSERT_EQUAL(bed.in.p[0]->flags, PKT_F_CSUM_PARTIAL);
	CU_ASSERT_EQUAL(pkt_parse(bed.in.p[0]), PKT_FORWARD);
	bed_close(&bed);
}

static const struct gso_case {
	const char *what;
	struct frame_spec frame;
	uint8_t type;
	uint16_t mss;
	bool taken;
} gso_cases[] = {
	{ "UDP", { .payload_len = 3000 }, 1, 1448 },
	{ "ICMP", { .proto = IP_ICMP, .payload_len = 3000 }, 1, 1448 },
	{ "a fragment",
	  { .proto = IP_TCP, .payload_len = 3000, .mf = true },
	  1,
	  1448 },
	{ "IPv6 said to be IPv4",
	  { .src = "fd00::2",
	    .dst = "2001:db8::1",
	    .proto = IP_TCP,
	    .payload_len = 3000,
	    .partial = true },
	  1,
	  1448 },
	{ "IPv4 said to be IPv6",
	  { .proto = IP_TCP, .payload_len = 3000, .partial = true },
	  2,
	  1440 },
	{ "no type", { .proto = IP_TCP, .payload_len = 3000 }, 0, 1448 },
	{ "type 3", { .proto = IP_TCP, .payload_len = 3000 }, 3, 1448 },
	{ "segments of no bytes",
	  { .proto = IP_TCP, .payload_len = 3000 },
	  1,
	  0 },
	{ "segments of one byte",
	  { .proto = IP_TCP, .payload_len = 3000 },
	  1,
	  1 },
	{ "segments of 63 bytes",
	  { .proto = IP_TCP, .payload_len = 3000 },
	  1,
	  63 },
	{ "segments of 64 bytes",
	  { .proto = IP_TCP, .payload_len = 3000, .partial = true },
	  1,
	  64,
	  true },
	{ "segments larger than a packet",
	  { .proto = IP_TCP, .payload_len = 3000 },
	  1,
	  65535 },
	{ "1024 segments",
	  { .proto = IP_TCP, .payload_len = 65472, .partial = true },
	  1,
	  64,
	  true },
	{ "a SYN",
	  { .proto = IP_TCP, .payload_len = 3000, .flags = TCP_SYN },
	  1,
	  1448 },
	{ "no payload", { .proto = IP_TCP }, 1, 1448 },
};
#define GSO_CASES (sizeof(gso_cases) / sizeof(gso_cases[0]))

static void check_gso(const struct gso_case *c)
{
	struct netif_extra e = mss4;
	struct frame_spec s = c->frame;

	e.gso_type = c->type;
	e.gso_size = c->mss;
	put_frame(&s, NETTX_CSUM_BLANK, &e);
	CU_ASSERT_EQUAL(bed_frames(&bed), c->taken);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_GSO], !c->taken);
	CU_ASSERT(bed_answer_is(&bed, 0,
				c->taken ? NETIF_RSP_OKAY : NETIF_RSP_ERROR));
	CU_ASSERT(bed_answer_is(&bed, 1, NETIF_RSP_NULL));
	if (s.payload_len > 200)
		CU_ASSERT(bed_answer_is(
			&bed, 2, c->taken ? NETIF_RSP_OKAY : NETIF_RSP_ERROR));
}

static void an_aggregate_that_is_none_is_refused(void)
{
	for (uint32_t i = 0; i < GSO_CASES; i++) {
		unsigned int before = CU_get_number_of_failures();

		open_bed();
		check_gso(&gso_cases[i]);
		if (CU_get_number_of_failures() != before)
			fprintf(stderr, "    %s\n", gso_cases[i].what);
		bed_close(&bed);
	}
}

static void an_aggregate_of_arp_is_refused(void)
{
	static const uint8_t ask[] = { 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1 };

	open_bed();
	memset(bytes, 0, 300);
	memset(bytes, 0xff, 6);
	memcpy(bytes + 12, ask, sizeof(ask));
	guest_tx_frame(&bed.guest, bytes, 300, 300, 0, NETTX_CSUM_BLANK, &mss4);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(bed_frames(&bed), 0);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_GSO], 1);
	CU_ASSERT(bed_answer_is(&bed, 0, NETIF_RSP_ERROR));
	bed_close(&bed);
}

static void an_aggregate_with_bytes_behind_the_datagram_is_refused(void)
{
	uint32_t len;

	open_bed();
	len = (uint32_t)frame_write(bytes,
				    &(struct frame_spec){ .proto = IP_TCP,
							  .payload_len = 3000,
							  .partial = true });
	guest_tx_frame(&bed.guest, bytes, len + 1, 128, 4096, NETTX_CSUM_BLANK,
		       &mss4);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(bed_frames(&bed), 0);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_GSO], 1);
	bed_close(&bed);
}

/* With its own reason, which is not for us to say. */
static void a_broken_aggregate_is_left_to_the_parser(void)
{
	open_bed();
	frame_write(bytes, &(struct frame_spec){ .proto = IP_TCP,
						 .payload_len = 3000,
						 .partial = true });
	bytes[14 + 10] ^= 1; /* IPv4 header checksum */
	guest_tx_frame(&bed.guest, bytes, 3054, 128, 4096, NETTX_CSUM_BLANK,
		       &mss4);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 1);
	CU_ASSERT_EQUAL(pkt_parse(bed.in.p[0]), PKT_DROP);
	CU_ASSERT_EQUAL(bed.in.p[0]->reason, PKT_REASON_IP_CSUM);
	bed_close(&bed);
}

static void the_last_of_two_descriptions_counts(void)
{
	struct netif_extra e = mss4;
	uint32_t len;

	open_bed();
	len = (uint32_t)frame_write(bytes,
				    &(struct frame_spec){ .proto = IP_TCP,
							  .payload_len = 3000,
							  .partial = true });
	memcpy(guest_tx_room(&bed.guest), bytes, len);
	guest_tx_slot(&bed.guest, 0, (uint16_t)len,
		      NETIF_EXTRA | NETTX_CSUM_BLANK);
	e.gso_size = 500;
	e.flags = NETIF_EXTRA_MORE;
	guest_tx_extra(&bed.guest, &e);
	guest_tx_extra(&bed.guest, &mss4);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL_FATAL(bed_frames(&bed), 1);
	CU_ASSERT_EQUAL(bed.in.p[0]->gso_size, 1448);
	bed_close(&bed);
}

/* ---- what goes wrong -------------------------------------------------------
 */

static void XSA_361_a_slot_that_xen_does_not_copy_drops_its_frame(void)
{
	open_bed();
	guest_tx_frame(&bed.guest, bytes, 60, 60, 0, 0, NULL);
	guest_tx_frame(&bed.guest, bytes, 300, 100, 100, 0, NULL);
	guest_tx_frame(&bed.guest, bytes, 60, 60, 0, 0, NULL);
	guest_tx_kick(&bed.guest);
	xen_sim_fail_seg(bed.back, 2, XEN_PERMISSION);
	CU_ASSERT_EQUAL(bed_frames(&bed), 2);
	CU_ASSERT(bed_answer_is(&bed, 0, NETIF_RSP_OKAY));
	CU_ASSERT(bed_answer_is(&bed, 1, NETIF_RSP_OKAY));
	CU_ASSERT(bed_answer_is(&bed, 2, NETIF_RSP_ERROR));
	CU_ASSERT(bed_answer_is(&bed, 3, NETIF_RSP_OKAY));
	CU_ASSERT(bed_answer_is(&bed, 4, NETIF_RSP_OKAY));
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_COPY], 1);
	CU_ASSERT_EQUAL(bed.vif.port.stats.recv_dropped, 1);
	bed_close(&bed);
}

static void XSA_316_an_unknown_status_is_a_failure(void)
{
	/* -10: an address that is none, as of a sub-page or transitive grant */
	static const int16_t odd[] = { 1, -77, XEN_GENERAL_ERROR, 127, -10 };

	for (uint32_t i = 0; i < 5; i++) {
		open_bed();
		guest_tx_frame(&bed.guest, bytes, 60, 60, 0, 0, NULL);
		guest_tx_kick(&bed.guest);
		xen_sim_fail_seg(bed.back, 0, odd[i]);
		CU_ASSERT_EQUAL(bed_frames(&bed), 0);
		CU_ASSERT(bed_answer_is(&bed, 0, NETIF_RSP_ERROR));
		bed_close(&bed);
	}
}

static void XSA_318_a_copy_that_fails_as_a_whole_copied_nothing(void)
{
	open_bed();
	guest_tx_frame(&bed.guest, bytes, 60, 60, 0, 0, NULL);
	guest_tx_frame(&bed.guest, bytes, 60, 30, 30, 0, NULL);
	guest_tx_kick(&bed.guest);
	xen_sim_fail(bed.back, XEN_SIM_COPY, 0, EFAULT);
	CU_ASSERT_EQUAL(bed_frames(&bed), 0);
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_COPY], 2);
	for (uint32_t i = 0; i < 3; i++)
		CU_ASSERT(bed_answer_is(&bed, i, NETIF_RSP_ERROR));
	bed_close(&bed);
}

static void without_buffers_frames_are_lost_and_the_guest_not_blamed(void)
{
	struct pkt *held[BED_SMALL + 1];
	uint32_t n = 0;

	open_bed();
	while ((held[n] = pkt_get(bed.pool, 60)))
		n++;
	guest_tx_frame(&bed.guest, bytes, 60, 60, 0, 0, NULL);
	guest_tx_frame(&bed.guest, bytes, 3000, 3000, 0, 0, NULL);
	guest_tx_kick(&bed.guest);
	CU_ASSERT_EQUAL(bed_frames(&bed), 1); /* the large one */
	CU_ASSERT_EQUAL(bed.vif.fault[NETBACK_NO_BUFFER], 1);
	CU_ASSERT_EQUAL(bed.vif.port.stats.recv_starved, 1);
	CU_ASSERT(bed_answer_is(&bed, 0, NETIF_RSP_OKAY));
	CU_ASSERT(bed_answer_is(&bed, 1, NETIF_RSP_OKAY));
	while (n)
		pkt_put(bed.pool, held[--n]);
	bed_close(&bed);
}

static void names_of_faults_are_all_there(void)
{
	for (int i = 0; i < NETBACK_FAULT_N; i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(
			netback_fault_name((enum netback_fault)i));
		CU_ASSERT(strlen(netback_fault_name((enum netback_fault)i)) >
			  1);
	}
	CU_ASSERT_STRING_EQUAL(netback_fault_name(NETBACK_FAULT_N), "?");
}

UNIT_SUITE(netback_recv, UNIT(a_frame_arrives_and_its_slot_is_answered),
	   UNIT(an_empty_ring_gives_nothing_and_costs_no_call),
	   UNIT(frames_of_many_slots_are_put_together),
	   UNIT(a_turn_ends_beyond_128_KiB),
	   UNIT(XSA_432_a_tiny_frame_in_the_most_slots_is_taken),
	   UNIT(XSA_448_empty_slots_are_legal_and_not_copied),
	   UNIT(indices_wrap_around), UNIT(a_full_ring_takes_four_batches),
	   UNIT(what_does_not_fit_in_the_batch_stays_in_the_ring),
	   UNIT(each_limit_of_a_chain_is_where_linux_has_it),
	   UNIT(the_frames_around_a_dropped_one_arrive),
	   UNIT(each_extra_is_taken_or_refused),
	   UNIT(extras_stand_between_the_first_slot_and_the_others),
	   UNIT(XSA_216_answers_write_no_byte_but_their_own),
	   UNIT(flags_of_the_checksum_are_understood),
	   UNIT(an_aggregate_arrives_with_its_description),
	   UNIT(an_aggregate_without_csum_blank_gets_its_pseudo_sum),
	   UNIT(an_aggregate_of_one_segment_is_an_ordinary_frame),
	   UNIT(an_aggregate_that_is_none_is_refused),
	   UNIT(an_aggregate_of_arp_is_refused),
	   UNIT(an_aggregate_with_bytes_behind_the_datagram_is_refused),
	   UNIT(a_broken_aggregate_is_left_to_the_parser),
	   UNIT(the_last_of_two_descriptions_counts),
	   UNIT(XSA_361_a_slot_that_xen_does_not_copy_drops_its_frame),
	   UNIT(XSA_316_an_unknown_status_is_a_failure),
	   UNIT(XSA_318_a_copy_that_fails_as_a_whole_copied_nothing),
	   UNIT(without_buffers_frames_are_lost_and_the_guest_not_blamed),
	   UNIT(names_of_faults_are_all_there))
