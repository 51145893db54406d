/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start here.
 *
 * One packet on its way from a client to the Internet, and its answer on the
 * way back, a hop at a time.  The lab (tests/mock/lab.h) is a whole forwarding
 * path whose links are queues; everything between them is the real code:
 *
 *	hop 1  port->ops->recv()   which bytes came?
 *	hop 2  fw_input()          a sane frame from who it says?
 *	hop 3  fw_from_client()    may it go?
 *	hop 4  nat_apply()         what does it look like outside?
 *	hop 5  fw_output()         where to, and in what size?
 */
#include "firewall/path/fw_part.h"
#include "mock/lab.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "unit.h"

/* The packet: client A opens a connection to a web server. */
static const struct frame_spec syn = {
	.dst = LAB_SERVER4,
	.proto = IP_TCP,
	.sport = 40000,
	.dport = 443,
	.flags = TCP_SYN,
	.df = true,
};

/* What A may do: HTTPS to anybody, and nothing else. */
static const char *const web_only[] = {
	"action=accept proto=tcp dstports=443-443",
	NULL,
};

static struct lab *lab_of_this_story(void)
{
	struct lab *l = lab_new();

	lab_rules(l, LAB_A, RULE_IP4, RULE_DROP, web_only);
	return l;
}

/*
 * The hops above are what fw_round() does with each packet: in a second lab
 * with the same seeds the same packet becomes the same bytes.
 */
static bool is_what_a_poll_round_sends(const struct pkt *by_hand)
{
	struct lab *l = lab_of_this_story();
	const struct pkt *out;
	bool same;

	lab_send(l, LAB_A, &syn);
	out = lab_out(l, LAB_UPLINK);
	same = out && frame_same(out, by_hand);
	lab_free(l);
	return same;
}

static void one_packet_and_its_answer_hop_by_hop(void)
{
	struct lab *l = lab_of_this_story();
	struct fw *fw = l->fw;
	struct port *port = &l->port[LAB_A].port;
	struct pkt_batch batch = { 0 };
	struct nat_hit hit = { 0 };
	struct nat_tuple asked;
	struct nat_want want;
	struct judgement j;
	struct pkt_addr src;
	struct pkt *p;
	const struct pkt *out;
	uint16_t outside_port;

	/*
	 * Hop 1.  The port hands over bytes: a length, and what the link said
	 * about checksums and offloads.  Nothing is known about them yet.
	 */
	mock_port_push(&l->port[LAB_A], lab_frame(l, LAB_A, &syn));
	CU_ASSERT_EQUAL(port->ops->recv(port, fw_pool(fw), &batch, l->now), 0);
	CU_ASSERT_EQUAL_FATAL(batch.n, 1);
	p = batch.p[0];
	CU_ASSERT_EQUAL(p->in, port->id);

	/*
	 * Hop 2.  The parser finds the headers or refuses the frame; from here
	 * on offsets may be trusted.  Then: does A own the source address?
	 */
	CU_ASSERT_EQUAL(pkt_parse(p), PKT_FORWARD);
	CU_ASSERT_EQUAL(p->kind, PKT_KIND_TCP);
	CU_ASSERT_EQUAL(p->l4_off, PKT_ETH_LEN + IP4_HLEN);
	CU_ASSERT_EQUAL(p->dport, 443);
	src = pkt_src(p);
	CU_ASSERT_TRUE(fw_client_has(fw, LAB_A, &src));
	CU_ASSERT_FALSE(fw_client_has(fw, LAB_B, &src));

	/*
	 * Hop 3.  It belongs to no flow, so the rules are asked: the first one
	 * accepts it, towards the uplink.  A flow is opened that remembers both
	 * ends, A's outside port and which rules let it in.
	 */
	CU_ASSERT_EQUAL(nat_find(fw_nat(fw), p, LAB_A, &hit, l->now), PKT_DROP);
	CU_ASSERT_EQUAL(p->reason, PKT_REASON_NO_FLOW);
	asked = (struct nat_tuple){ src,      pkt_dst(p), p->sport,
				    p->dport, p->proto,	  p->icmp_type };
	j = fw_judge(fw, LAB_A, &asked);
	CU_ASSERT_EQUAL(j.reason, PKT_REASON_NONE);
	CU_ASSERT_EQUAL(j.to, NAT_UPLINK);
	CU_ASSERT_EQUAL(j.rule, 0);
	want = (struct nat_want){
		.mode = NAT_MASQUERADE,
		.to = j.to,
		.outside = *fw_outside(fw, RULE_IP4),
		.gen = fw->party[LAB_A].gen,
		.rule = j.rule,
	};
	CU_ASSERT_EQUAL(nat_add(fw_nat(fw), p, LAB_A, &want, &hit, l->now),
			PKT_FORWARD);

	/*
	 * Hop 4.  Translation: the source becomes ours, one hop is counted
	 * down, and the checksums follow, all in place.
	 */
	nat_apply(fw_nat(fw), p, &hit, l->now);
	CU_ASSERT_TRUE(lab_goes(p, LAB_OUT4, LAB_SERVER4));
	CU_ASSERT_EQUAL(pkt_l3(p)[8], 63);
	CU_ASSERT_TRUE(frame_sums_ok(p->data, p->len));

	/*
	 * Hop 5.  Out by the uplink to its next hop.  The size fits; frames
	 * gather in a batch for each port, and the flush sends it.
	 */
	fw_send(fw, NAT_UPLINK, p, l->now);
	fw_flush(fw, l->now);
	out = lab_out(l, LAB_UPLINK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	CU_ASSERT_TRUE(lab_eth(out, LAB_MAC_OUT, LAB_MAC_HOP));
	CU_ASSERT_TRUE(lab_goes(out, LAB_OUT4, LAB_SERVER4));
	CU_ASSERT_EQUAL(out->dport, 443);
	outside_port = out->sport;
	CU_ASSERT_NOT_EQUAL(outside_port, 40000);
	CU_ASSERT_TRUE(is_what_a_poll_round_sends(out));

	/*
	 * The answer takes the same five hops with the ends swapped.  It finds
	 * its flow, so no rule is asked; anything else from outside would have
	 * been dropped at hop 3 without a word.
	 */
	CU_ASSERT_EQUAL(lab_send(l, LAB_UPLINK,
				 &(struct frame_spec){
					 .proto = IP_TCP,
					 .sport = 443,
					 .dport = outside_port,
					 .flags = TCP_SYN | TCP_ACK,
					 .ack = 1,
				 }),
			PKT_REASON_NONE);
	out = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	CU_ASSERT_TRUE(lab_eth(out, LAB_MAC_OURS, LAB_MAC_A));
	CU_ASSERT_TRUE(lab_goes(out, LAB_SERVER4, LAB_A4));
	CU_ASSERT_EQUAL(out->dport, 40000);
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

/* A packet that may not go: refused by the policy, and A is told. */
static void a_packet_that_no_rule_allows_turns_back_at_hop_three(void)
{
	struct lab *l = lab_of_this_story();
	const struct pkt *out;

	CU_ASSERT_EQUAL(
		lab_send(l, LAB_A,
			 &(struct frame_spec){ .proto = IP_UDP, .dport = 53 }),
		PKT_REASON_POLICY);
	out = lab_out(l, LAB_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	CU_ASSERT_TRUE(lab_goes(out, LAB_GW4, LAB_A4));
	CU_ASSERT_TRUE(lab_is_error(out, 3, 13, LAB_A4, LAB_SERVER4));
	CU_ASSERT_TRUE(lab_silent(l));
	lab_free(l);
}

UNIT_SUITE(five_hops, UNIT(one_packet_and_its_answer_hop_by_hop),
	   UNIT(a_packet_that_no_rule_allows_turns_back_at_hop_three))
