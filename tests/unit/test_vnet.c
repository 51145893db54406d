/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "firewall/linux/vnet.h"
#include "mock/frames.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_parse.h"
#include "unit.h"

#define TCP 6
#define UDP 17

static struct pkt_pool *pool;

static void no_header_changes_nothing(void)
{
	struct virtio_net_hdr h = { 0 };
	struct pkt *p;

	pool = frame_pool_new(4, 4);
	p = frame_make(pool, &(struct frame_spec){ .proto = TCP });
	CU_ASSERT(vnet_recv(p, &h));
	CU_ASSERT_EQUAL(p->flags, 0);
	CU_ASSERT_EQUAL(p->gso_type, PKT_GSO_NONE);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

static void a_verified_checksum_is_marked(void)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_DATA_VALID };
	struct pkt *p;

	pool = frame_pool_new(4, 4);
	p = frame_make(pool, &(struct frame_spec){ .proto = TCP });
	CU_ASSERT(vnet_recv(p, &h));
	CU_ASSERT_EQUAL(p->flags, PKT_F_CSUM_VALID);
	vnet_send(&h, p);
	CU_ASSERT_EQUAL(h.flags, VIRTIO_NET_HDR_F_DATA_VALID);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

/* Frames whose checksum the parser finds where the header says. */
static const struct frame_spec partials[] = {
	{ .proto = TCP, .partial = true, .payload_len = 33 },
	{ .proto = UDP, .partial = true, .payload_len = 33 },
	{ .proto = TCP, .partial = true, .ip_options = "01010100" },
	{ .src = "fd00::2",
	  .dst = "2001:db8::1",
	  .proto = TCP,
	  .partial = true },
	{ .src = "fd00::2",
	  .dst = "2001:db8::1",
	  .proto = UDP,
	  .partial = true },
};
#define PARTIALS (sizeof(partials) / sizeof(partials[0]))

static struct virtio_net_hdr needs_csum(uint32_t start, uint8_t proto)
{
	return (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = (uint16_t)start,
		.csum_offset = proto == TCP ? 16 : 6,
	};
}

static void a_checksum_left_blank_stays_so_and_comes_out_again(void)
{
	pool = frame_pool_new(4, 4);
	for (size_t i = 0; i < PARTIALS; i++) {
		struct pkt *want = frame_parsed(pool, &partials[i]);
		struct pkt *p = frame_bytes(pool, want->data, want->len);
		struct virtio_net_hdr h =
			needs_csum(want->l4_off, partials[i].proto);
		struct virtio_net_hdr back;

		CU_ASSERT(vnet_recv(p, &h));
		CU_ASSERT_EQUAL(p->flags, PKT_F_CSUM_PARTIAL);
		CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
		vnet_send(&back, p);
		CU_ASSERT_EQUAL(memcmp(&back, &h, sizeof(h)), 0);
		pkt_csum_complete(p);
		CU_ASSERT(frame_sums_ok(p->data, p->len));
		pkt_put(pool, p);
		pkt_put(pool, want);
	}
	frame_pool_free(pool);
}

/*
 * A header that names another place than the parser's is carried out: the sum
 * of a frame behind an extension header comes out whole.
 */
static void a_checksum_in_an_odd_place_is_made_at_once(void)
{
	struct frame_spec spec = { .src = "fd00::2",
				   .dst = "2001:db8::1",
				   .proto = UDP,
				   .ext_type = 60,
				   .ext = "0000010400000000",
				   .partial = true };
	struct virtio_net_hdr h;
	struct pkt *p;

	pool = frame_pool_new(4, 4);
	p = frame_make(pool, &spec);
	p->flags = 0;
	h = needs_csum(PKT_ETH_LEN + 40 + 8, UDP);
	CU_ASSERT(vnet_recv(p, &h));
	CU_ASSERT_EQUAL(p->flags & PKT_F_CSUM_PARTIAL, 0);
	CU_ASSERT(frame_sums_ok(p->data, p->len));
	pkt_put(pool, p);
	frame_pool_free(pool);
}

static void a_sum_of_zero_is_written_as_all_ones(void)
{
	uint8_t bytes[64] = { 0 };
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				    .csum_start = 20,
				    .csum_offset = 10 };
	struct pkt *p;

	pool = frame_pool_new(4, 4);
	memset(bytes + 40, 0xff, 2); /* sum ffff: its complement is 0 */
	p = frame_bytes(pool, bytes, sizeof(bytes));
	CU_ASSERT(vnet_recv(p, &h));
	CU_ASSERT_EQUAL(p->data[30], 0xff);
	CU_ASSERT_EQUAL(p->data[31], 0xff);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

/* Headers that point out of the frame, or into its Ethernet header. */
static const struct {
	uint16_t start, offset;
} outside[] = {
	{ 0, 0 },	{ 13, 6 },	    { 63, 0 },
	{ 62, 1 },	{ 34, 29 },	    { 34, 0xffff },
	{ 0xffff, 16 }, { 0xffff, 0xffff }, { 64, 0 },
};

static void a_checksum_outside_the_frame_is_refused(void)
{
	pool = frame_pool_new(4, 4);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		uint8_t bytes[64] = { 0 };
		struct virtio_net_hdr h = {
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			.csum_start = outside[i].start,
			.csum_offset = outside[i].offset,
		};
		struct pkt *p = frame_bytes(pool, bytes, sizeof(bytes));

		CU_ASSERT(!vnet_recv(p, &h));
		CU_ASSERT_EQUAL(memcmp(p->data, bytes, sizeof(bytes)), 0);
		pkt_put(pool, p);
	}
	frame_pool_free(pool);
}

static struct virtio_net_hdr aggregate(uint32_t l4_off, uint8_t type,
				       uint16_t size)
{
	struct virtio_net_hdr h = needs_csum(l4_off, TCP);

	h.gso_type = type;
	h.gso_size = size;
	return h;
}

static void an_aggregate_comes_and_goes_with_its_segment_size(void)
{
	static const struct {
		struct frame_spec spec;
		uint8_t type, gso;
	} cases[] = {
		{ { .proto = TCP, .payload_len = 5000, .partial = true },
		  VIRTIO_NET_HDR_GSO_TCPV4,
		  PKT_GSO_TCP4 },
		{ { .src = "fd00::2",
		    .dst = "2001:db8::1",
		    .proto = TCP,
		    .payload_len = 5000,
		    .partial = true },
		  VIRTIO_NET_HDR_GSO_TCPV6,
		  PKT_GSO_TCP6 },
		{ { .proto = TCP,
		    .flags = 0x90, /* CWR ACK */
		    .payload_len = 5000,
		    .partial = true },
		  VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN,
		  PKT_GSO_TCP4 },
	};

	pool = frame_pool_new(4, 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pkt *want = frame_parsed(pool, &cases[i].spec);
		struct pkt *p = frame_bytes(pool, want->data, want->len);
		struct virtio_net_hdr h =
			aggregate(want->l4_off, cases[i].type, 1000);
		struct virtio_net_hdr back;

		CU_ASSERT(vnet_recv(p, &h));
		CU_ASSERT_EQUAL(p->gso_type, cases[i].gso);
		CU_ASSERT_EQUAL(p->gso_size, 1000);
		CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
		vnet_send(&back, p);
		CU_ASSERT_EQUAL(back.gso_type, cases[i].type);
		CU_ASSERT_EQUAL(back.gso_size, 1000);
		CU_ASSERT_EQUAL(back.hdr_len, want->pay_off);
		CU_ASSERT_EQUAL(back.csum_start, want->l4_off);
		pkt_put(pool, p);
		pkt_put(pool, want);
	}
	frame_pool_free(pool);
}

static void an_aggregate_of_one_segment_is_a_plain_frame(void)
{
	struct frame_spec spec = { .proto = TCP,
				   .payload_len = 1000,
				   .partial = true };
	struct virtio_net_hdr h =
		aggregate(PKT_ETH_LEN + 20, VIRTIO_NET_HDR_GSO_TCPV4, 1000);
	struct pkt *p;

	pool = frame_pool_new(4, 4);
	p = frame_make(pool, &spec);
	CU_ASSERT(vnet_recv(p, &h));
	CU_ASSERT_EQUAL(p->gso_type, PKT_GSO_NONE);
	CU_ASSERT_EQUAL(p->flags, PKT_F_CSUM_PARTIAL);
	pkt_put(pool, p);
	frame_pool_free(pool);
}

static void padding_makes_no_aggregate_of_one_segment(void)
{
	struct frame_spec spec[] = {
		{ .proto = TCP, .payload_len = 1000, .partial = true },
		{ .src = "fd00::2",
		  .dst = "2001:db8::1",
		  .proto = TCP,
		  .payload_len = 1000,
		  .partial = true },
	};

	pool = frame_pool_new(4, 4);
	for (uint32_t v6 = 0; v6 < 2; v6++) {
		struct virtio_net_hdr h =
			aggregate(PKT_ETH_LEN + (v6 ? 40 : 20),
				  v6 ? VIRTIO_NET_HDR_GSO_TCPV6
				     : VIRTIO_NET_HDR_GSO_TCPV4,
				  1000);
		struct pkt *p = frame_make(pool, &spec[v6]);

		memset(p->data + p->len, 0, 8);
		p->len += 8;
		CU_ASSERT(vnet_recv(p, &h));
		CU_ASSERT_EQUAL(p->gso_type, PKT_GSO_NONE);
		CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
		pkt_put(pool, p);
	}
	frame_pool_free(pool);
}

static void an_aggregate_that_does_not_fit_its_frame_is_refused(void)
{
	static const struct {
		struct frame_spec spec;
		uint8_t flags, type;
		uint16_t size, start;
	} cases[] = {
		/* no segment size; no checksum to fill; another family */
		{ { .proto = TCP }, 1, VIRTIO_NET_HDR_GSO_TCPV4, 0, 34 },
		{ { .proto = TCP }, 0, VIRTIO_NET_HDR_GSO_TCPV4, 100, 34 },
		{ { .proto = TCP }, 1, VIRTIO_NET_HDR_GSO_TCPV6, 100, 34 },
		/* a checksum elsewhere; UDP; kinds that were not offered */
		{ { .proto = TCP }, 1, VIRTIO_NET_HDR_GSO_TCPV4, 100, 38 },
		{ { .proto = UDP }, 1, VIRTIO_NET_HDR_GSO_TCPV4, 100, 34 },
		{ { .proto = UDP }, 1, VIRTIO_NET_HDR_GSO_UDP, 100, 34 },
		{ { .proto = UDP }, 1, 5 /* UDP_L4 */, 100, 34 },
		{ { .proto = TCP }, 1, 0x7f, 100, 34 },
		/* a fragment */
		{ { .proto = TCP, .mf = true },
		  1,
		  VIRTIO_NET_HDR_GSO_TCPV4,
		  100,
		  34 },
	};

	pool = frame_pool_new(4, 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame_spec spec = cases[i].spec;
		struct virtio_net_hdr h;
		struct pkt *p;

		spec.payload_len = 1600;
		p = frame_make(pool, &spec);
		p->flags = 0;
		h = aggregate(cases[i].start, cases[i].type, cases[i].size);
		h.flags = cases[i].flags;
		if (spec.proto == UDP)
			h.csum_offset = 6;
		CU_ASSERT(!vnet_recv(p, &h));
		pkt_put(pool, p);
	}
	frame_pool_free(pool);
}

static void an_aggregate_cut_off_in_its_headers_is_refused(void)
{
	struct virtio_net_hdr h =
		aggregate(PKT_ETH_LEN + 20, VIRTIO_NET_HDR_GSO_TCPV4, 100);
	struct frame_spec spec = { .proto = TCP, .payload_len = 300 };

	pool = frame_pool_new(4, 4);
	for (uint32_t len = 0; len < PKT_ETH_LEN + 40; len++) {
		struct pkt *p = frame_make(pool, &spec);

		p->flags = 0;
		p->len = len;
		CU_ASSERT(!vnet_recv(p, &h));
		pkt_put(pool, p);
	}
	frame_pool_free(pool);
}

UNIT_SUITE(vnet, UNIT(no_header_changes_nothing),
	   UNIT(a_verified_checksum_is_marked),
	   UNIT(a_checksum_left_blank_stays_so_and_comes_out_again),
	   UNIT(a_checksum_in_an_odd_place_is_made_at_once),
	   UNIT(a_sum_of_zero_is_written_as_all_ones),
	   UNIT(a_checksum_outside_the_frame_is_refused),
	   UNIT(an_aggregate_comes_and_goes_with_its_segment_size),
	   UNIT(an_aggregate_of_one_segment_is_a_plain_frame),
	   UNIT(padding_makes_no_aggregate_of_one_segment),
	   UNIT(an_aggregate_that_does_not_fit_its_frame_is_refused),
	   UNIT(an_aggregate_cut_off_in_its_headers_is_refused))
