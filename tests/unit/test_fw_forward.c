/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to the bytes of a packet that passes: sizes, pieces, ids. */
#include <string.h>

#include "mock/lab.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "unit.h"

static struct lab *l;

/* A flow of A with the lab's default ports; its outside port. */
static uint16_t open_flow(const struct frame_spec *s)
{
	const struct pkt *p;
	uint16_t port;

	CU_ASSERT_EQUAL_FATAL(lab_send(l, LAB_A, s), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	port = p->sport;
	lab_hush(l);
	return port;
}

static uint16_t ip_id(const struct pkt *p)
{
	return be16_at(pkt_l3(p) + 4);
}

/* ---- what must not change, and what must --------------------------------- */

static void R11_all_that_is_not_ours_to_change_stays(void)
{
	struct frame_spec s = { .proto = IP_TCP,
				.dport = 443,
				.flags = TCP_SYN | TCP_ECE | TCP_CWR,
				.tos = 0x2b,
				.df = true,
				.window = 1234,
				.urgent = 77,
				.tcp_options =
					"020405b40402080a0102030405060708",
				.payload_len = 100 };
	const struct pkt *p;
	uint8_t was[256];
	struct pkt *in;

	l = lab_new();
	in = lab_frame(l, LAB_A, &s);
	memcpy(was, in->data, in->len);
	CU_ASSERT_EQUAL(lab_in(l, LAB_A, in), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(pkt_l3(p)[1], 0x2b);
	CU_ASSERT_EQUAL(be16_at(pkt_l3(p) + 6), IP4_DF);
	CU_ASSERT_EQUAL(pkt_l3(p)[8], 63);
	/* TCP but for the source port and the checksum, and the payload */
	CU_ASSERT_EQUAL(memcmp(pkt_l4(p) + 2, was + 34 + 2, 14), 0);
	CU_ASSERT_EQUAL(memcmp(pkt_l4(p) + 18, was + 34 + 18,
			       p->len - p->l4_off - 18),
			0);
	lab_free(l);
}

static void R3_padding_behind_the_datagram_goes_no_further(void)
{
	const struct pkt *p;
	struct pkt *in;

	l = lab_new();
	in = lab_frame(l, LAB_A, &(struct frame_spec){ .payload_len = 4 });
	memset(in->data + in->len, 0xa5, 14);
	in->len += 14;
	in->tail -= 14;
	CU_ASSERT_EQUAL(lab_in(l, LAB_A, in), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->len, 14 + 20 + 8 + 4);
	lab_free(l);
}

static void R4_a_corrupt_segment_leaves_corrupt(void)
{
	struct pkt *p, *in;

	l = lab_new();
	in = lab_frame(l, LAB_A, &(struct frame_spec){ .payload_len = 20 });
	in->data[14 + 20 + 8 + 3] ^= 0x10;
	CU_ASSERT_EQUAL(lab_in(l, LAB_A, in), PKT_REASON_NONE);
	p = mock_port_pop(&l->port[LAB_UPLINK]);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_FALSE(frame_sums_ok(p->data, p->len));
	p->data[14 + 20 + 8 + 3] ^= 0x10;
	CU_ASSERT_TRUE(frame_sums_ok(p->data, p->len));
	pkt_put(fw_pool(l->fw), p);
	lab_free(l);
}

static void R5_a_partial_checksum_is_completed_for_a_port_that_needs_it(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .partial = true,
						       .payload_len = 33 }),
			PKT_REASON_NONE);
	/* lab_out() checks the sum */
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_UPLINK));
	lab_free(l);
}

static void R5_and_stays_partial_for_a_port_that_completes_it_itself(void)
{
	const struct pkt *p;

	l = lab_new();
	l->port[LAB_UPLINK].port.caps = PORT_CSUM;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .partial = true,
						       .payload_len = 33 }),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(p->flags & PKT_F_CSUM_PARTIAL);
	lab_free(l);
}

/* RFC 1624's corner: a message of nothing but zeros has the sum 0xffff. */
static void R4_an_echo_reply_of_nothing_but_zeros_arrives_right(void)
{
	uint16_t id;

	l = lab_new();
	id = open_flow(&(struct frame_spec){ .proto = IP_ICMP, .icmp_id = 0 });
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){ .proto = IP_ICMP,
						       .type_zero = true,
						       .icmp_id = id }),
			PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	lab_free(l);
}

/* ---- sizes --------------------------------------------------------------- */

static void R8_too_big_and_not_to_be_cut_is_answered_with_the_mtu(void)
{
	struct frame_spec s = { .df = true, .payload_len = 1400 };
	const struct pkt *p;

	l = lab_new();
	l->port[LAB_UPLINK].port.mtu = 1300;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &s), PKT_REASON_MTU);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	/* it quotes what A sent, not what it would have become */
	CU_ASSERT_TRUE(lab_is_error(p, 3, 4, LAB_A4, LAB_SERVER4));
	CU_ASSERT_EQUAL(be16_at(pkt_l4(p) + 6), 1300);
	CU_ASSERT_EQUAL(be16_at(pkt_l4(p) + 8 + 20), 40000);
	CU_ASSERT_TRUE(lab_silent(l));
	s.payload_len = 1300 - 28;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &s), PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_UPLINK));
	lab_free(l);
}

static void R8_ipv6_packet_too_big(void)
{
	const struct pkt *p;

	l = lab_new();
	l->port[LAB_UPLINK].port.mtu = 1300;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = LAB_A6,
						       .dst = LAB_SERVER6,
						       .payload_len = 1400 }),
			PKT_REASON_MTU);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_is_error(p, 2, 0, LAB_A6, LAB_SERVER6));
	CU_ASSERT_EQUAL(be32_at(pkt_l4(p) + 4), 1300);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

/* Even when refusals are silent: without it connections hang. */
static void R8_is_said_by_a_silent_firewall_too(void)
{
	struct fw_conf c = lab_conf();

	c.reply_silent = true;
	l = lab_new_with(&c);
	l->port[LAB_UPLINK].port.mtu = 1300;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .df = true,
						       .payload_len = 1400 }),
			PKT_REASON_MTU);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &(struct frame_spec){ .ttl = 1 }),
			PKT_REASON_TTL);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	lab_free(l);
}

static void R8_towards_the_uplink_it_is_said_about_open_flows_alone(void)
{
	struct frame_spec back = { .sport = 80,
				   .df = true,
				   .payload_len = 1400 };
	const struct pkt *p;

	l = lab_new();
	back.dport = open_flow(&(struct frame_spec){ 0 });
	l->port[LAB_A].port.mtu = 1300;
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &back), PKT_REASON_MTU);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_is_error(p, 3, 4, LAB_SERVER4, LAB_OUT4));
	CU_ASSERT_TRUE(lab_goes(p, LAB_OUT4, LAB_SERVER4));
	CU_ASSERT_TRUE(lab_eth(p, LAB_MAC_OUT, LAB_MAC_HOP));
	back.dport ^= 1;
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &back), PKT_REASON_NO_FLOW);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R6_no_time_exceeded_goes_to_the_uplink(void)
{
	struct frame_spec back = { .sport = 80, .ttl = 1 };

	l = lab_new();
	back.dport = open_flow(&(struct frame_spec){ 0 });
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK, &back), PKT_REASON_TTL);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R9_too_big_and_to_be_cut_leaves_in_pieces(void)
{
	struct frame_spec s = { .payload_len = 1400 };
	const struct pkt *p;
	uint32_t bytes = 0, id = 0x10000, n = 0;

	l = lab_new();
	l->port[LAB_UPLINK].port.mtu = 600;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &s), PKT_REASON_NONE);
	for (; (p = lab_out(l, LAB_UPLINK)) != NULL; n++) {
		CU_ASSERT(p->len - p->l3_off <= 600);
		CU_ASSERT_TRUE(lab_goes(p, LAB_OUT4, LAB_SERVER4));
		CU_ASSERT_TRUE(lab_eth(p, LAB_MAC_OUT, LAB_MAC_HOP));
		CU_ASSERT_EQUAL(p->frag_off, bytes);
		CU_ASSERT(id == 0x10000 || id == ip_id(p));
		id = ip_id(p);
		bytes += p->len - p->l4_off;
	}
	CU_ASSERT_EQUAL(n, 3);
	CU_ASSERT_EQUAL(bytes, 1408);
	lab_free(l);
}

/* ---- pieces -------------------------------------------------------------- */

/* Sends UDP of @bytes of payload as two pieces, the second one first. */
static enum pkt_reason two_pieces(int who, const struct frame_spec *what,
				  uint16_t id)
{
	struct frame_spec s = *what;
	static uint8_t udp[4096];
	struct pkt *whole;
	enum pkt_reason why;
	uint16_t first = 800, len;

	whole = lab_frame(l, who, &s);
	len = (uint16_t)(whole->len - 34);
	memcpy(udp, whole->data + 34, len);
	pkt_put(fw_pool(l->fw), whole);
	s.raw = true;
	s.id = id;
	s.proto = s.proto ? s.proto : IP_UDP;
	s.payload = udp + first;
	s.payload_len = (size_t)(len - first);
	s.frag_off = first;
	why = lab_send(l, who, &s);
	CU_ASSERT_EQUAL(why, PKT_REASON_NONE);
	CU_ASSERT_TRUE(lab_silent(l));
	s.payload = udp;
	s.payload_len = first;
	s.frag_off = 0;
	s.mf = true;
	return lab_send(l, who, &s);
}

static void R71_a_datagram_in_pieces_is_put_together_and_judged_whole(void)
{
	static const char *const no_53[] = { "action=drop proto=udp "
					     "dstports=53-53",
					     NULL };
	const struct pkt *p;

	l = lab_new();
	lab_rules(l, LAB_A, RULE_IP4, RULE_ACCEPT, no_53);
	CU_ASSERT_EQUAL(two_pieces(LAB_A,
				   &(struct frame_spec){ .dport = 53,
							 .payload_len = 1200 },
				   1),
			PKT_REASON_RULE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	CU_ASSERT_TRUE(lab_silent(l));
	CU_ASSERT_EQUAL(two_pieces(LAB_A,
				   &(struct frame_spec){ .dport = 80,
							 .payload_len = 1200 },
				   2),
			PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->len, 14 + 20 + 8 + 1200);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R71_on_the_way_back_as_well(void)
{
	uint16_t port;

	l = lab_new();
	port = open_flow(&(struct frame_spec){ 0 });
	CU_ASSERT_EQUAL(two_pieces(LAB_UPLINK,
				   &(struct frame_spec){ .sport = 80,
							 .dport = port,
							 .payload_len = 1200 },
				   1),
			PKT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_A));
	lab_free(l);
}

static void R90_a_piece_with_a_false_source_is_not_even_kept(void)
{
	l = lab_new();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A,
				 &(struct frame_spec){ .src = LAB_B4,
						       .mf = true,
						       .payload_len = 512 }),
			PKT_REASON_SPOOF_CLIENT);
	lab_after(l, 31000);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].drop[PKT_REASON_FRAG_TIMEOUT],
			0);
	lab_free(l);
}

static void R74_equal_ids_of_two_clients_do_not_meet_outside(void)
{
	struct frame_spec s = { .id = 0x1234, .payload_len = 1400 };
	const struct pkt *p;
	uint16_t a, b;

	l = lab_new();
	l->port[LAB_UPLINK].port.mtu = 600;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &s), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	a = ip_id(p);
	lab_hush(l);
	CU_ASSERT_EQUAL(lab_send(l, LAB_B, &s), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	b = ip_id(p);
	CU_ASSERT_NOT_EQUAL(a, b);
	lab_free(l);
}

static void R74_ids_of_clients_are_not_seen_outside(void)
{
	const struct pkt *p;

	l = lab_new();
	for (uint16_t id = 1; id < 20; id++) {
		lab_send(l, LAB_A,
			 &(struct frame_spec){ .id = id, .df = true });
		p = lab_out(l, LAB_UPLINK);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_EQUAL(ip_id(p), 0);
		lab_send(l, LAB_A, &(struct frame_spec){ .id = id });
		p = lab_out(l, LAB_UPLINK);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_NOT_EQUAL(ip_id(p), id);
	}
	lab_free(l);
}

static void R77_pieces_that_may_not_be_cut_leave_in_pieces_as_large(void)
{
	struct frame_spec s = { .df = true, .payload_len = 1500 };
	const struct pkt *p;
	uint32_t n = 0;

	l = lab_new();
	CU_ASSERT_EQUAL(two_pieces(LAB_A, &s, 5), PKT_REASON_NONE);
	for (; (p = lab_out(l, LAB_UPLINK)) != NULL; n++) {
		CU_ASSERT(p->len - p->l3_off <= 820);
		CU_ASSERT(be16_at(pkt_l3(p) + 6) & IP4_DF);
	}
	CU_ASSERT_EQUAL(n, 2);
	lab_free(l);
}

static void a_large_ping_of_the_gateway_is_answered_in_pieces(void)
{
	struct frame_spec s = { .dst = LAB_GW4,
				.proto = IP_ICMP,
				.payload_len = 2000 };
	const struct pkt *p;
	uint32_t bytes = 0;

	l = lab_new();
	CU_ASSERT_EQUAL(two_pieces(LAB_A, &s, 6), PKT_REASON_NONE);
	while ((p = lab_out(l, LAB_A)) != NULL) {
		CU_ASSERT(p->len - p->l3_off <= 1500);
		CU_ASSERT_TRUE(lab_goes(p, LAB_GW4, LAB_A4));
		bytes += p->len - p->l4_off;
	}
	CU_ASSERT_EQUAL(bytes, 2008);
	lab_free(l);
}

static void pieces_that_never_become_a_datagram_are_counted(void)
{
	l = lab_new();
	lab_send(l, LAB_A,
		 &(struct frame_spec){ .mf = true, .payload_len = 512 });
	lab_after(l, 31000);
	CU_ASSERT_EQUAL(l->view->client[LAB_A].drop[PKT_REASON_FRAG_TIMEOUT],
			1);
	CU_ASSERT_TRUE(lab_silent(l)); /* R79 */
	lab_free(l);
}

/* ---- aggregates ---------------------------------------------------------- */

static const struct frame_spec aggregate = { .proto = IP_TCP,
					     .seq = 1001,
					     .flags = TCP_ACK | TCP_PSH,
					     .df = true,
					     .gso_size = 1000,
					     .payload_len = 3500 };

/* A connection for @aggregate to belong to. */
static void connection(void)
{
	uint16_t port = open_flow(&(struct frame_spec){
		.proto = IP_TCP, .seq = 1000, .flags = TCP_SYN });

	CU_ASSERT_EQUAL(
		lab_send(l, LAB_UPLINK,
			 &(struct frame_spec){ .proto = IP_TCP,
					       .sport = 80,
					       .dport = port,
					       .ack = 1001,
					       .flags = TCP_SYN | TCP_ACK }),
		PKT_REASON_NONE);
	lab_hush(l);
}

static void R10_an_aggregate_passes_whole_to_a_port_that_takes_it(void)
{
	const struct pkt *p;

	l = lab_new();
	l->port[LAB_UPLINK].port.caps = PORT_CSUM | PORT_GSO4;
	connection();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &aggregate), PKT_REASON_NONE);
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->gso_size, 1000);
	CU_ASSERT_EQUAL(p->len - p->pay_off, 3500);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void R10_and_is_cut_for_one_that_does_not(void)
{
	const struct pkt *p;
	uint32_t bytes = 0, n = 0;

	l = lab_new();
	connection();
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &aggregate), PKT_REASON_NONE);
	for (; (p = lab_out(l, LAB_UPLINK)) != NULL; n++) {
		CU_ASSERT_EQUAL(be32_at(pkt_l4(p) + 4), 1001 + bytes);
		CU_ASSERT_TRUE(lab_goes(p, LAB_OUT4, LAB_SERVER4));
		bytes += p->len - p->pay_off;
		CU_ASSERT_EQUAL(!!(p->tcp_flags & TCP_PSH), bytes == 3500);
	}
	CU_ASSERT_EQUAL(n, 4);
	CU_ASSERT_EQUAL(bytes, 3500);
	lab_free(l);
}

static void R10_its_size_is_that_of_its_segments(void)
{
	const struct pkt *p;

	l = lab_new();
	connection();
	l->port[LAB_UPLINK].port.mtu = 1000;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &aggregate), PKT_REASON_MTU);
	p = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_is_error(p, 3, 4, LAB_A4, LAB_SERVER4));
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

static void segments_too_large_for_the_link_are_cut_again(void)
{
	struct frame_spec s = aggregate;
	const struct pkt *p;
	uint32_t n = 0;

	l = lab_new();
	connection();
	s.df = false;
	l->port[LAB_UPLINK].port.mtu = 600;
	l->port[LAB_UPLINK].port.caps = PORT_CSUM | PORT_GSO4;
	CU_ASSERT_EQUAL(lab_send(l, LAB_A, &s), PKT_REASON_NONE);
	for (; (p = lab_out(l, LAB_UPLINK)) != NULL; n++)
		CU_ASSERT(p->len - p->l3_off <= 600);
	CU_ASSERT_EQUAL(n, 7); /* three of 1000 in two, one of 500 */
	lab_free(l);
}

/* Two segments in one batch, as a port hands them over. */
static void two_at_once(void)
{
	static const struct frame_spec seg[2] = {
		{ .proto = IP_TCP,
		  .df = true,
		  .seq = 1001,
		  .payload_len = 1000 },
		{ .proto = IP_TCP,
		  .df = true,
		  .seq = 2001,
		  .payload_len = 900 },
	};
	struct pkt_batch in = { .n = 2 };

	for (int i = 0; i < 2; i++)
		in.p[i] = lab_frame(l, LAB_A, &seg[i]);
	fw_input(l->fw, &l->port[LAB_A].port, &in, l->now);
	fw_flush(l->fw, l->now);
}

static void segments_leave_as_an_aggregate_when_all_ports_take_it(void)
{
	struct port *last;
	const struct pkt *p;

	l = lab_new();
	last = &l->port[LAB_NET].port;
	connection();
	two_at_once();
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_UPLINK));
	CU_ASSERT_PTR_NOT_NULL(lab_out(l, LAB_UPLINK));
	for (int i = 0; i < LAB_PORTS; i++)
		l->port[i].port.caps = PORT_CSUM | PORT_GSO4 | PORT_GSO6;
	fw_port_remove(l->fw, last, l->now);
	CU_ASSERT_EQUAL(fw_port_add(l->fw, last), 0);
	two_at_once();
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(lab_goes(p, LAB_OUT4, LAB_SERVER4));
	CU_ASSERT_EQUAL(p->gso_type, PKT_GSO_TCP4);
	CU_ASSERT_EQUAL(p->gso_size, 1000);
	CU_ASSERT_EQUAL(p->len - p->pay_off, 1900);
	CU_ASSERT_TRUE(lab_silent(l));
	/* and not any more when there is one that does not */
	fw_port_remove(l->fw, last, l->now);
	last->caps = PORT_CSUM | PORT_GSO4;
	CU_ASSERT_EQUAL(fw_port_add(l->fw, last), 0);
	two_at_once();
	p = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->gso_type, PKT_GSO_NONE);
	lab_free(l);
}

/* ---- without buffers ----------------------------------------------------- */

/* Takes all small buffers but @left. */
static uint32_t drain(struct pkt **got, uint32_t left)
{
	uint32_t n = 0;

	while ((got[n] = pkt_get(fw_pool(l->fw), 100)) != NULL)
		n++;
	while (left-- && n)
		pkt_put(fw_pool(l->fw), got[--n]);
	return n;
}

static void R134_without_buffers_packets_are_dropped_and_counted(void)
{
	static struct pkt *got[600];
	struct pkt *in;
	uint32_t n;

	l = lab_new();
	connection();
	in = lab_frame(l, LAB_A, &aggregate);
	n = drain(got, 2);
	CU_ASSERT_EQUAL(lab_in(l, LAB_A, in), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(l->view->client[LAB_UPLINK].drop[PKT_REASON_POOL_EMPTY],
			1);
	while (n)
		pkt_put(fw_pool(l->fw), got[--n]);
	lab_hush(l);

	l->port[LAB_UPLINK].port.mtu = 600;
	in = lab_frame(l, LAB_A, &(struct frame_spec){ .payload_len = 1400 });
	n = drain(got, 1);
	CU_ASSERT_EQUAL(lab_in(l, LAB_A, in), PKT_REASON_NONE);
	CU_ASSERT_EQUAL(l->view->client[LAB_UPLINK].drop[PKT_REASON_POOL_EMPTY],
			2);
	while (n)
		pkt_put(fw_pool(l->fw), got[--n]);
	lab_free(l);
}

static void R134_without_buffers_there_are_no_answers_and_no_harm(void)
{
	static struct pkt *got[600];
	struct frame_arp ask = { .src_mac = LAB_MAC_A,
				 .dst_mac = LAB_GROUP,
				 .spa = LAB_A4,
				 .tpa = LAB_GW4 };
	struct pkt *in[3];
	uint32_t n;

	l = lab_new();
	in[0] = lab_frame(l, LAB_A, &(struct frame_spec){ .dst = LAB_B4 });
	in[1] = lab_frame(l, LAB_A, &(struct frame_spec){ .proto = IP_TCP });
	in[2] = frame_arp(fw_pool(l->fw), &ask);
	n = drain(got, 0);
	/* each frees its own buffer only after the answer was wanted */
	for (int i = 0; i < 3; i++) {
		lab_in(l, LAB_A, in[i]);
		CU_ASSERT_TRUE(lab_silent(l));
		got[n] = pkt_get(fw_pool(l->fw), 100);
		n += got[n] != NULL;
	}
	while (n)
		pkt_put(fw_pool(l->fw), got[--n]);
	lab_free(l);
}

UNIT_SUITE(fw_forward, UNIT(R11_all_that_is_not_ours_to_change_stays),
	   UNIT(R3_padding_behind_the_datagram_goes_no_further),
	   UNIT(R4_a_corrupt_segment_leaves_corrupt),
	   UNIT(R5_a_partial_checksum_is_completed_for_a_port_that_needs_it),
	   UNIT(R5_and_stays_partial_for_a_port_that_completes_it_itself),
	   UNIT(R4_an_echo_reply_of_nothing_but_zeros_arrives_right),
	   UNIT(R8_too_big_and_not_to_be_cut_is_answered_with_the_mtu),
	   UNIT(R8_ipv6_packet_too_big),
	   UNIT(R8_is_said_by_a_silent_firewall_too),
	   UNIT(R8_towards_the_uplink_it_is_said_about_open_flows_alone),
	   UNIT(R6_no_time_exceeded_goes_to_the_uplink),
	   UNIT(R9_too_big_and_to_be_cut_leaves_in_pieces),
	   UNIT(R71_a_datagram_in_pieces_is_put_together_and_judged_whole),
	   UNIT(R71_on_the_way_back_as_well),
	   UNIT(R90_a_piece_with_a_false_source_is_not_even_kept),
	   UNIT(R74_equal_ids_of_two_clients_do_not_meet_outside),
	   UNIT(R74_ids_of_clients_are_not_seen_outside),
	   UNIT(R77_pieces_that_may_not_be_cut_leave_in_pieces_as_large),
	   UNIT(a_large_ping_of_the_gateway_is_answered_in_pieces),
	   UNIT(pieces_that_never_become_a_datagram_are_counted),
	   UNIT(R10_an_aggregate_passes_whole_to_a_port_that_takes_it),
	   UNIT(R10_and_is_cut_for_one_that_does_not),
	   UNIT(R10_its_size_is_that_of_its_segments),
	   UNIT(segments_too_large_for_the_link_are_cut_again),
	   UNIT(segments_leave_as_an_aggregate_when_all_ports_take_it),
	   UNIT(R134_without_buffers_packets_are_dropped_and_counted),
	   UNIT(R134_without_buffers_there_are_no_answers_and_no_harm))
