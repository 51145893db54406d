/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a hostile backend may try: at least one test for each item of the list.
 */
#include <errno.h>
#include <string.h>

#include "mock/frames.h"
#include "mock/netif_bed.h"
#include "mock/netif_host.h"
#include "mock/netif_watch.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

static struct host h;
static uint8_t bytes[FRAME_MAX];
static uint16_t flags;
static struct netif_extra gso;

static void check_dead(enum netfront_fault f, int err)
{
	static struct netif_tx_ring tx;
	static struct netif_rx_ring rx;
	bool wake = false;

	CU_ASSERT_EQUAL(h.vif.dead, err);
	CU_ASSERT_EQUAL(h.vif.fault[f], 1);
	memcpy(&tx, h.tx, sizeof(tx));
	memcpy(&rx, h.rx, sizeof(rx));
	CU_ASSERT_EQUAL(host_recv(&h), err);
	CU_ASSERT_EQUAL(host_send(&h, host_pkt(&h, 60, 0)), err);
	CU_ASSERT_FALSE(host_arm(&h));
	CU_ASSERT_EQUAL(netfront_tick(&h.vif, h.now, &wake).ns, UINT64_MAX);
	CU_ASSERT_EQUAL(h.vif.fault[f], 1);
	CU_ASSERT_EQUAL(memcmp(&tx, h.tx, sizeof(tx)), 0);
	CU_ASSERT_EQUAL(memcmp(&rx, h.rx, sizeof(rx)), 0);
}

/* ---- answers to what was sent
 * --------------------------------------------------- */

static void an_index_of_answers_that_can_not_be_is_fatal(void)
{
	static const uint32_t jump[] = { 3, UINT32_MAX, 1u << 31, 1000 };

	for (uint32_t i = 0; i < 8; i++) {
		host_open(&h, HOST_ALL);
		host_send(&h, host_pkt(&h, 60, 0));
		host_send(&h, host_pkt(&h, 60, 0));
		if (i < 4)
			h.tx->head.rsp_prod += jump[i];
		else
			h.rx->head.rsp_prod += jump[i - 4] | 257;
		CU_ASSERT_EQUAL(host_recv(&h), -EPROTO);
		check_dead(NETFRONT_FATAL_INDEX, -EPROTO);
		host_close(&h);
	}
}

static void an_index_that_goes_back_is_fatal(void)
{
	host_open(&h, HOST_ALL);
	for (uint32_t i = 0; i < 3; i++)
		host_rx_bytes(&h, bytes, 0, 60, 0);
	host_kick(&h);
	CU_ASSERT_EQUAL(host_frames(&h), 3);
	h.rx->head.rsp_prod -= 2;
	CU_ASSERT_EQUAL(host_recv(&h), -EPROTO);
	check_dead(NETFRONT_FATAL_INDEX, -EPROTO);
	host_close(&h);
}

static void a_bad_index_is_found_by_send_and_by_tick_too(void)
{
	bool wake = false;

	for (int i = 0; i < 2; i++) {
		host_open(&h, HOST_ALL);
		h.tx->head.rsp_prod = 9;
		if (i)
			(void)netfront_tick(&h.vif, h.now, &wake);
		else
			CU_ASSERT_EQUAL(host_send(&h, host_pkt(&h, 60, 0)),
					-EPROTO);
		check_dead(NETFRONT_FATAL_INDEX, -EPROTO);
		host_close(&h);
	}
	CU_ASSERT_TRUE(wake);
}

static void an_answer_to_what_was_not_asked_is_fatal(void)
{
	enum { TOO_LARGE, HUGE, NOT_OUT, TWICE, NO_EXTRA, EXTRA_AS_DATA };

	for (int what = TOO_LARGE; what <= EXTRA_AS_DATA; what++) {
		union netif_tx_slot s;

		host_open(&h, HOST_ALL);
		host_send(&h, host_pkt(&h, 60, 0));
		host_send(&h, host_pkt(&h, 60, 0));
		CU_ASSERT_FATAL(host_tx(&h, &s));
		switch (what) {
		case TOO_LARGE:
			host_tx_answer(&h, 256, NETIF_RSP_OKAY);
			break;
		case HUGE:
			host_tx_answer(&h, 65535, NETIF_RSP_ERROR);
			break;
		case NOT_OUT:
			host_tx_answer(&h, 0, NETIF_RSP_OKAY);
			break;
		case TWICE:
			host_tx_answer(&h, s.req.id, NETIF_RSP_OKAY);
			host_tx_answer(&h, s.req.id, NETIF_RSP_OKAY);
			break;
		case NO_EXTRA:
			host_tx_answer(&h, s.req.id, NETIF_RSP_NULL);
			break;
		default:
			host_send(&h, frame_parsed(h.pool,
						   &(struct frame_spec){
							   .proto = IP_TCP,
							   .payload_len = 500,
							   .gso_size = 100 }));
			host_tx_answer(&h, s.req.id, NETIF_RSP_OKAY);
			host_tx_answer(&h, (uint16_t)(s.req.id - 3), 0);
		}
		host_kick(&h);
		CU_ASSERT_EQUAL(host_recv(&h), -EPROTO);
		check_dead(NETFRONT_FATAL_ID, -EPROTO);
		host_close(&h);
	}
}

static void an_extra_that_is_answered_twice_is_fatal(void)
{
	host_open(&h, HOST_ALL);
	host_send(&h, frame_parsed(h.pool,
				   &(struct frame_spec){ .proto = IP_TCP,
							 .payload_len = 500,
							 .gso_size = 100 }));
	host_tx_answer(&h, 0, NETIF_RSP_NULL);
	host_tx_answer(&h, 0, NETIF_RSP_NULL);
	host_kick(&h);
	CU_ASSERT_EQUAL(host_recv(&h), -EPROTO);
	check_dead(NETFRONT_FATAL_ID, -EPROTO);
	host_close(&h);
}

static void odd_statuses_of_what_was_sent_are_counted(void)
{
	static const int16_t odd[] = { NETIF_RSP_ERROR, NETIF_RSP_DROPPED, 2,
				       -32768, 32767 };
	union netif_tx_slot s;

	host_open(&h, HOST_ALL);
	for (uint32_t i = 0; i < 5; i++) {
		host_send(&h, host_pkt(&h, 60, 0));
		CU_ASSERT_FATAL(host_tx(&h, &s));
		host_tx_answer(&h, s.req.id, odd[i]);
	}
	host_kick(&h);
	CU_ASSERT_EQUAL(host_recv(&h), 0);
	CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_TX_REFUSED], 5);
	CU_ASSERT_EQUAL(h.vif.free_n, NETFRONT_PAGES);
	host_close(&h);
}

/* ---- frames
 * ------------------------------------------------------------------------ */

static const struct rx_case {
	const char *what;
	struct {
		uint16_t off;
		int16_t status;
		uint16_t flags;
	} rsp[4];
	uint32_t n;
	enum netfront_fault fault;
} rx_cases[] = {
	{ "status beyond a page", { { 0, 4097, 0 } }, 1, NETFRONT_RX_CHAIN },
	{ "status at its largest", { { 0, 32767, 0 } }, 1, NETFRONT_RX_CHAIN },
	{ "offset and status beyond a page",
	  { { 4000, 97, 0 } },
	  1,
	  NETFRONT_RX_CHAIN },
	{ "offset at its largest", { { 65535, 60, 0 } }, 1, NETFRONT_RX_CHAIN },
	{ "a second slot beyond its page",
	  { { 0, 60, NETIF_MORE_DATA }, { 4090, 7, 0 } },
	  2,
	  NETFRONT_RX_CHAIN },
	{ "an error", { { 0, -1, 0 } }, 1, NETFRONT_RX_REFUSED },
	{ "status at its smallest",
	  { { 0, -32768, 0 } },
	  1,
	  NETFRONT_RX_REFUSED },
	{ "an error in the middle",
	  { { 0, 60, NETIF_MORE_DATA },
	    { 0, -1, NETIF_MORE_DATA },
	    { 0, 60, 0 } },
	  3,
	  NETFRONT_RX_REFUSED },
	{ "no bytes", { { 0, 0, 0 } }, 1, NETFRONT_RX_CHAIN },
	{ "13 bytes in the first slot",
	  { { 0, 13, NETIF_MORE_DATA }, { 0, 100, 0 } },
	  2,
	  NETFRONT_RX_CHAIN },
	{ "more to come, and nothing there",
	  { { 0, 60, NETIF_MORE_DATA } },
	  1,
	  NETFRONT_RX_CHAIN },
	{ "an extra, and nothing there",
	  { { 0, 60, NETIF_EXTRA } },
	  1,
	  NETFRONT_RX_EXTRA },
};
#define RX_CASES (sizeof(rx_cases) / sizeof(rx_cases[0]))

static void check_rx(const struct rx_case *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		host_rx(&h, &(struct netif_rx_rsp){
				    .id = (uint16_t)(h.rx_cons % NETIF_SLOTS),
				    .offset = c->rsp[i].off,
				    .flags = c->rsp[i].flags,
				    .status = c->rsp[i].status });
	host_kick(&h);
	CU_ASSERT_EQUAL(host_frames(&h), 0);
	CU_ASSERT_EQUAL(h.vif.fault[c->fault], 1);
	CU_ASSERT_EQUAL(h.vif.port.stats.recv_dropped, 1);
	/* and the frame behind it is right */
	bed_fill(bytes, 70, 1);
	host_rx_bytes(&h, bytes, 0, 70, 0);
	host_kick(&h);
	CU_ASSERT_EQUAL_FATAL(host_frames(&h), 1);
	CU_ASSERT(bed_is(h.in.p[0]->data, 70, 1));
	CU_ASSERT_EQUAL(h.rx->head.req_prod, h.rx_cons + NETIF_SLOTS);
}

static void XSA_405_a_frame_of_impossible_pieces_is_dropped_whole(void)
{
	for (uint32_t i = 0; i < RX_CASES; i++) {
		unsigned int before = CU_get_number_of_failures();

		host_open(&h, HOST_ALL);
		check_rx(&rx_cases[i]);
		if (CU_get_number_of_failures() != before)
			fprintf(stderr, "    %s\n", rx_cases[i].what);
		host_close(&h);
	}
}

static void put_chain(uint32_t n, uint16_t first, uint16_t each)
{
	for (uint32_t i = 0; i < n; i++)
		host_rx_bytes(&h, bytes, 0, i ? each : first,
			      i + 1 < n ? NETIF_MORE_DATA : 0);
	host_kick(&h);
}

static void the_longest_chain_is_that_of_linux(void)
{
	static const struct {
		uint32_t n;
		uint16_t first;
		bool taken;
	} t[] = { { 18, 1000, true }, { 19, 1000, false }, { 19, 256, true },
		  { 19, 257, false }, { 20, 256, false },  { 256, 60, false } };

	for (uint32_t i = 0; i < 6; i++) {
		host_open(&h, HOST_ALL);
		put_chain(t[i].n, t[i].first, 20);
		CU_ASSERT_EQUAL(host_frames(&h), t[i].taken);
		CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_RX_CHAIN], !t[i].taken);
		CU_ASSERT_EQUAL(h.vif.rx_cons, t[i].n);
		host_close(&h);
	}
}

static void a_frame_larger_than_any_packet_is_dropped(void)
{
	host_open(&h, HOST_ALL);
	for (uint32_t last = 13; last <= 14; last++) {
		for (uint32_t i = 0; i < 16; i++)
			host_rx_bytes(&h, bytes, 0, 4096, NETIF_MORE_DATA);
		host_rx_bytes(&h, bytes, 0, (uint16_t)last, 0);
	}
	host_kick(&h);
	CU_ASSERT_EQUAL(host_frames(&h), 1);
	CU_ASSERT_EQUAL(h.in.p[0]->len, 65549);
	CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_RX_CHAIN], 1);
	host_close(&h);
}

static const struct netif_extra mss = { .type = NETIF_EXTRA_GSO,
					.gso_size = 1000,
					.gso_type = NETIF_GSO_TCP4 };

static void extras_that_make_no_sense_drop_the_frame(void)
{
	static const struct {
		uint8_t type[2];
		uint32_t n;
		bool bad;
	} t[] = { { { NETIF_EXTRA_HASH }, 1, false },
		  { { NETIF_EXTRA_XDP, NETIF_EXTRA_HASH }, 2, false },
		  { { NETIF_EXTRA_NONE }, 1, true },
		  { { NETIF_EXTRA_N }, 1, true },
		  { { NETIF_EXTRA_HASH, 255 }, 2, true } };

	for (uint32_t i = 0; i < 5; i++) {
		host_open(&h, HOST_ALL);
		host_rx_bytes(&h, bytes, 0, 60, NETIF_EXTRA | NETIF_MORE_DATA);
		for (uint32_t k = 0; k < t[i].n; k++)
			host_rx_extra(&h, &(struct netif_extra){
						  .type = t[i].type[k],
						  .flags = k + 1 < t[i].n });
		host_rx_bytes(&h, bytes, 0, 60, 0);
		host_kick(&h);
		CU_ASSERT_EQUAL(host_frames(&h), !t[i].bad);
		CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_RX_EXTRA], t[i].bad);
		CU_ASSERT_EQUAL(h.vif.rx_cons, 2 + t[i].n);
		host_close(&h);
	}
}

static void extras_without_end_drop_the_frame(void)
{
	host_open(&h, HOST_ALL);
	host_rx_bytes(&h, bytes, 0, 60, NETIF_EXTRA);
	for (uint32_t i = 0; i < 200; i++)
		host_rx_extra(&h,
			      &(struct netif_extra){ .type = 4, .flags = 1 });
	host_kick(&h);
	CU_ASSERT(host_recv(&h) == -EPROTO); /* what is behind has no id */
	CU_ASSERT(h.vif.fault[NETFRONT_RX_EXTRA] <= 1);
	host_close(&h);
}

static void an_aggregate_that_is_none_is_dropped(void)
{
	static const struct {
		struct frame_spec frame;
		uint8_t type;
		uint16_t mss;
	} t[] = {
		{ { .proto = IP_TCP, .payload_len = 3000, .partial = true },
		  NETIF_GSO_TCP6,
		  1000 },
		{ { .payload_len = 3000, .partial = true },
		  NETIF_GSO_TCP4,
		  1000 },
		{ { .proto = IP_TCP, .payload_len = 3000, .partial = true },
		  0,
		  1000 },
		{ { .proto = IP_TCP, .payload_len = 3000, .partial = true },
		  NETIF_GSO_TCP4,
		  0 },
	};

	for (uint32_t i = 0; i < 4; i++) {
		struct netif_extra e = mss;
		uint32_t len = (uint32_t)frame_write(bytes, &t[i].frame);

		host_open(&h, HOST_ALL);
		e.gso_type = t[i].type;
		e.gso_size = t[i].mss;
		host_rx_bytes(&h, bytes, 0, (uint16_t)len,
			      NETIF_EXTRA | NETRX_CSUM_BLANK);
		host_rx_extra(&h, &e);
		host_kick(&h);
		CU_ASSERT_EQUAL(host_frames(&h), 0);
		CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_RX_GSO], 1);
		host_close(&h);
	}
}

static void an_answer_for_another_page_is_fatal(void)
{
	host_open(&h, HOST_ALL);
	bed_fill(bytes, 60, 1);
	host_rx_bytes(&h, bytes, 0, 60, 0);
	host_rx(&h, &(struct netif_rx_rsp){ .id = 7, .status = 60 });
	host_kick(&h);
	CU_ASSERT_EQUAL(host_recv(&h), -EPROTO);
	check_dead(NETFRONT_FATAL_ID, -EPROTO);
	host_close(&h);
}

/* ---- memory that changes under us
 * ---------------------------------------------------- */

static void flip_read(struct watch *w, uint32_t word, bool write)
{
	if (!write)
		w->page[word] ^= 0xffffffff;
}

static void XSA_155_an_answer_is_read_once_and_only_the_copy_counts(void)
{
	static struct watch w;
	uint32_t at = sizeof(struct netif_ring) / 4, more = 0;

	host_open(&h, HOST_ALL);
	bed_fill(bytes, 300, 8);
	host_rx_bytes(&h, bytes, 0, 200, NETIF_MORE_DATA);
	host_rx_bytes(&h, bytes + 200, 0, 100, 0);
	host_kick(&h);
	if (watch_begin(&w, h.rx, flip_read)) {
		int err = host_recv(&h);

		watch_end(&w);
		CU_ASSERT_EQUAL(err, 0);
		CU_ASSERT_EQUAL_FATAL(h.in.n, 1);
		CU_ASSERT(h.in.p[0]->len == 300);
		CU_ASSERT(bed_is(h.in.p[0]->data, 300, 8));
		CU_ASSERT_EQUAL(w.reads[2], 1); /* rsp_prod */
		for (uint32_t i = 0; i < 4; i++)
			CU_ASSERT_EQUAL(w.reads[at + i], 1);
		for (uint32_t i = at + 4; i < 1024; i++)
			more += w.reads[i];
		CU_ASSERT_EQUAL(more, 0);
	}
	host_close(&h);
}

static void XSA_155_an_answer_to_a_frame_is_read_once(void)
{
	static struct watch w;
	uint32_t at = sizeof(struct netif_ring) / 4;

	host_open(&h, HOST_ALL);
	for (uint32_t i = 0; i < 2; i++) {
		host_send(&h, host_pkt(&h, 60, 0));
		host_tx_frame(&h, &flags, &gso);
	}
	host_kick(&h);
	if (watch_begin(&w, h.tx, flip_read)) {
		int err = host_recv(&h);

		watch_end(&w);
		CU_ASSERT_EQUAL(err, 0);
		CU_ASSERT_EQUAL(w.reads[2], 1);
		CU_ASSERT_EQUAL(w.reads[at], 1);
		CU_ASSERT_EQUAL(w.reads[at + 3], 1);
		CU_ASSERT_EQUAL(h.vif.free_n, NETFRONT_PAGES);
	}
	host_close(&h);
}

/* An aggregate turns into something else once a byte of it was read. */
static void flip_page(struct watch *w, uint32_t word, bool write)
{
	(void)write;
	w->page[word] = 0;
}

/*
 * The bytes that were there at first.  memcpy() may read a few twice, where the
 * last of its pieces overlap; a second look finds a word of zeros in each.
 */
static bool is_first_look(const uint8_t *data, uint32_t len)
{
	uint32_t differ = 0;

	for (uint32_t i = 0; i < len; i++)
		differ += data[i] != bytes[i];
	return !memcmp(data, bytes, 54) && differ <= 32;
}

static void a_page_is_read_once_before_anybody_looks(void)
{
	static struct watch w;
	uint32_t len = (uint32_t)frame_write(
		bytes, &(struct frame_spec){ .proto = IP_TCP,
					     .payload_len = 1500,
					     .partial = true });
	struct netif_extra e = mss;

	host_open(&h, HOST_ALL);
	host_rx_bytes(&h, bytes, 0, (uint16_t)len,
		      NETIF_EXTRA | NETRX_CSUM_BLANK);
	host_rx_extra(&h, &e);
	host_kick(&h);
	if (watch_begin(&w, h.vif.rx_page, flip_page)) {
		int err = host_recv(&h);

		watch_end(&w);
		CU_ASSERT_EQUAL(err, 0);
		/* what it was at the first look, and nothing of a second one */
		CU_ASSERT_EQUAL_FATAL(h.in.n, 1);
		CU_ASSERT_EQUAL(h.in.p[0]->len, len);
		CU_ASSERT(is_first_look(h.in.p[0]->data, len));
		CU_ASSERT_EQUAL(h.in.p[0]->gso_size, mss.gso_size);
	}
	host_close(&h);
}

/* ---- silence, noise
 * ------------------------------------------------------------------- */

static void a_backend_that_answers_nothing_is_given_up(void)
{
	host_open(&h, HOST_ALL);
	CU_ASSERT_FALSE(host_seconds(&h, 60)); /* it owes us nothing */
	host_send(&h, host_pkt(&h, 60, 0));
	CU_ASSERT_FALSE(host_seconds(&h, NETFRONT_HUNG_LOOKS - 1));
	CU_ASSERT_EQUAL(host_recv(&h), 0);
	CU_ASSERT_TRUE(host_seconds(&h, 1));
	CU_ASSERT_EQUAL(host_recv(&h), -ETIMEDOUT);
	check_dead(NETFRONT_HUNG, -ETIMEDOUT);
	host_close(&h);
}

static void one_answer_in_time_is_progress(void)
{
	union netif_tx_slot s;

	host_open(&h, HOST_ALL);
	for (uint32_t i = 0; i < 20; i++)
		host_send(&h, host_pkt(&h, 60, 0));
	for (uint32_t i = 0; i < 10; i++) {
		CU_ASSERT_FALSE(host_seconds(&h, NETFRONT_HUNG_LOOKS - 1));
		CU_ASSERT_FATAL(host_tx(&h, &s));
		host_tx_answer(&h, s.req.id, NETIF_RSP_OKAY);
		host_kick(&h);
		CU_ASSERT_FALSE(host_seconds(&h, 1));
		CU_ASSERT_EQUAL(host_recv(&h), 0);
	}
	CU_ASSERT_TRUE(host_seconds(&h, NETFRONT_HUNG_LOOKS));
	CU_ASSERT_EQUAL(host_recv(&h), -ETIMEDOUT);
	host_close(&h);
}

static void an_answer_at_the_last_moment_is_enough(void)
{
	host_open(&h, HOST_ALL);
	host_send(&h, host_pkt(&h, 60, 0));
	CU_ASSERT_TRUE(host_seconds(&h, NETFRONT_HUNG_LOOKS));
	host_tx_frame(&h, &flags, &gso);
	host_kick(&h);
	CU_ASSERT_EQUAL(host_recv(&h), 0);
	CU_ASSERT_FALSE(host_seconds(&h, 60));
	host_send(&h, host_pkt(&h, 60, 0)); /* its time begins anew */
	CU_ASSERT_FALSE(host_seconds(&h, NETFRONT_HUNG_LOOKS - 1));
	CU_ASSERT_EQUAL(host_recv(&h), 0);
	host_close(&h);
}

static void a_pause_of_the_whole_machine_counts_once(void)
{
	bool wake = false;

	host_open(&h, HOST_ALL);
	host_send(&h, host_pkt(&h, 60, 0));
	host_wait(&h, 3600 * 1000);
	(void)netfront_tick(&h.vif, h.now, &wake);
	(void)netfront_tick(&h.vif, h.now, &wake);
	CU_ASSERT_FALSE(wake);
	CU_ASSERT_EQUAL(host_recv(&h), 0);
	host_close(&h);
}

static void the_looks_are_a_second_apart(void)
{
	bool wake = false;
	struct mono next;

	host_open(&h, HOST_ALL);
	CU_ASSERT_EQUAL(netfront_tick(&h.vif, h.now, &wake).ns, UINT64_MAX);
	host_send(&h, host_pkt(&h, 60, 0));
	next = netfront_tick(&h.vif, h.now, &wake);
	CU_ASSERT_EQUAL(next.ns, mono_add_ms(h.now, NETFRONT_LOOK_MS).ns);
	for (uint32_t i = 0; i < 100; i++)
		(void)netfront_tick(&h.vif, next, &wake);
	CU_ASSERT_EQUAL(h.vif.looks, 1);
	host_close(&h);
}

static void answers_that_never_come_cost_frames_and_no_time(void)
{
	host_open(&h, HOST_ALL);
	for (uint32_t i = 0; i < 10000; i++)
		CU_ASSERT_EQUAL(host_send(&h, host_pkt(&h, 1500, 0)), 0);
	CU_ASSERT_EQUAL(h.vif.port.stats.send_packets, NETFRONT_PAGES);
	CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_TX_FULL], 10000 - NETFRONT_PAGES);
	host_close(&h);
}

static void XSA_391_a_storm_of_events_is_let_in_ever_more_rarely(void)
{
	uint32_t woken = 0;
	bool wake = false;

	host_open(&h, HOST_ALL);
	for (uint32_t ms = 0; ms < 20000; ms++) {
		host_wait(&h, 1);
		(void)netfront_tick(&h.vif, h.now, &wake);
		(void)xen_evt_notify(h.back, h.evt);
		if (host_events(&h)) {
			woken++;
			host_frames(&h);
			host_arm(&h);
		}
	}
	CU_ASSERT(woken > 20 && woken < 50);
	CU_ASSERT_EQUAL(h.vif.fault[NETFRONT_EVENT], woken);
	host_rx_bytes(&h, bytes, 0, 60, 0);
	host_kick(&h);
	for (uint32_t ms = 0; ms < 1001 && !host_events(&h); ms++) {
		host_wait(&h, 1);
		(void)netfront_tick(&h.vif, h.now, &wake);
	}
	CU_ASSERT_EQUAL(host_frames(&h), 1);
	host_close(&h);
}

/* Grants end only when the port is closed: no page changes its owner before. */
static void XSA_396_no_page_is_given_back_while_it_is_shared(void)
{
	host_open(&h, HOST_ALL);
	for (uint32_t i = 0; i < 300; i++) {
		host_send(&h, host_pkt(&h, 5000, 0));
		host_rx_bytes(&h, bytes, 0, 60, 0);
		host_tx_frame(&h, &flags, &gso);
		host_kick(&h);
		host_frames(&h);
		CU_ASSERT_EQUAL(xen_sim_shared(h.sim, 1),
				2 + 2 * NETFRONT_PAGES);
	}
	CU_ASSERT_EQUAL(h.front->copies, 0); /* nothing is mapped or copied */
	host_close(&h);
}

UNIT_SUITE(netfront_hostile, UNIT(an_index_of_answers_that_can_not_be_is_fatal),
	   UNIT(an_index_that_goes_back_is_fatal),
	   UNIT(a_bad_index_is_found_by_send_and_by_tick_too),
	   UNIT(an_answer_to_what_was_not_asked_is_fatal),
	   UNIT(an_extra_that_is_answered_twice_is_fatal),
	   UNIT(odd_statuses_of_what_was_sent_are_counted),
	   UNIT(XSA_405_a_frame_of_impossible_pieces_is_dropped_whole),
	   UNIT(the_longest_chain_is_that_of_linux),
	   UNIT(a_frame_larger_than_any_packet_is_dropped),
	   UNIT(extras_that_make_no_sense_drop_the_frame),
	   UNIT(extras_without_end_drop_the_frame),
	   UNIT(an_aggregate_that_is_none_is_dropped),
	   UNIT(an_answer_for_another_page_is_fatal),
	   UNIT(XSA_155_an_answer_is_read_once_and_only_the_copy_counts),
	   UNIT(XSA_155_an_answer_to_a_frame_is_read_once),
	   UNIT(a_page_is_read_once_before_anybody_looks),
	   UNIT(a_backend_that_answers_nothing_is_given_up),
	   UNIT(one_answer_in_time_is_progress),
	   UNIT(an_answer_at_the_last_moment_is_enough),
	   UNIT(a_pause_of_the_whole_machine_counts_once),
	   UNIT(the_looks_are_a_second_apart),
	   UNIT(answers_that_never_come_cost_frames_and_no_time),
	   UNIT(XSA_391_a_storm_of_events_is_let_in_ever_more_rarely),
	   UNIT(XSA_396_no_page_is_given_back_while_it_is_shared))
