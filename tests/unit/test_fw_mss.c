/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a SYN asks for behind the firewall, whichever way it goes. */
#include "mock/lab.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_ip.h"
#include "unit.h"

static struct lab *l;

static void open_lab(uint16_t mss)
{
	struct fw_conf c = lab_conf();

	c.mss = mss;
	l = lab_new_with(&c);
}

/* What the SYN or SYN+ACK of @who asks for where it arrives, at @to. */
static uint16_t asks_for(int who, int to, struct frame_spec s)
{
	const struct pkt *p;

	s.proto = IP_TCP;
	s.tcp_options = "020405b4"; /* 1460 */
	CU_ASSERT_EQUAL(lab_send(l, who, &s), PKT_REASON_NONE);
	p = lab_out(l, to);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return be16_at(pkt_l4(p) + 22);
}

static uint16_t outside_port(void)
{
	const struct nat_info *f;
	struct nat_info info[1];
	uint32_t cursor = 0;

	CU_ASSERT_EQUAL_FATAL(nat_each(fw_nat(l->fw), &cursor, info, 1, l->now),
			      1);
	f = &info[0];
	return f->stand_port[1];
}

static void a_syn_and_its_answer_ask_for_what_both_links_take(void)
{
	static const struct {
		uint16_t client_mtu, uplink_mtu, mss, is;
	} row[] = {
		{ 1500, 1500, UINT16_MAX, 1460 },
		{ 1500, 1400, UINT16_MAX, 1360 },
		{ 1300, 1500, UINT16_MAX, 1260 },
		{ 1500, 1400, 0, 1460 },
		{ 1500, 1500, 1000, 1000 },
		{ 1300, 1500, 1400, 1260 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		open_lab(row[i].mss);
		l->port[LAB_A].port.mtu = row[i].client_mtu;
		l->port[LAB_UPLINK].port.mtu = row[i].uplink_mtu;
		CU_ASSERT_EQUAL(asks_for(LAB_A, LAB_UPLINK,
					 (struct frame_spec){ .flags = TCP_SYN,
							      .seq = 1 }),
				row[i].is);
		CU_ASSERT_EQUAL(asks_for(LAB_UPLINK, LAB_A,
					 (struct frame_spec){
						 .flags = TCP_SYN | TCP_ACK,
						 .sport = 80,
						 .dport = outside_port(),
						 .seq = 1,
						 .ack = 2 }),
				row[i].is);
		lab_free(l);
	}
}

static void between_clients_it_is_their_links_that_count(void)
{
	static const struct fw_pair pair = { LAB_A, LAB_B };

	open_lab(UINT16_MAX);
	CU_ASSERT_EQUAL(fw_pairs_set(l->fw, &pair, 1), 0);
	l->port[LAB_B].port.mtu = 1280;
	CU_ASSERT_EQUAL(asks_for(LAB_A, LAB_B,
				 (struct frame_spec){ .flags = TCP_SYN,
						      .dst = LAB_B4 }),
			1240);
	CU_ASSERT_EQUAL(asks_for(LAB_A, LAB_B,
				 (struct frame_spec){ .flags = TCP_SYN,
						      .src = LAB_A6,
						      .dst = LAB_B6 }),
			1220);
	lab_free(l);
}

UNIT_SUITE(fw_mss, UNIT(a_syn_and_its_answer_ask_for_what_both_links_take),
	   UNIT(between_clients_it_is_their_links_that_count))
