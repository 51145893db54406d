/* SPDX-License-Identifier: GPL-2.0-or-later */
/* R25: what the firewall never says, whatever it is asked. */
#include "mock/lab.h"
#include "packet/pkt_ip.h"
#include "unit.h"

static struct lab *l;

/* Redirects, quenches, answers about time, mask and itself, routers' words. */
static bool never_said(const struct pkt *p)
{
	static const uint8_t never4[] = { 4, 5, 9, 10, 14, 16, 18 };
	static const uint8_t never6[] = { 133, 134, 137, 140 };

	for (size_t i = 0; p->proto == IP_ICMP && i < sizeof(never4); i++)
		if (p->icmp_type == never4[i])
			return false;
	for (size_t i = 0; p->proto == IP_ICMP6 && i < sizeof(never6); i++)
		if (p->icmp_type == never6[i])
			return false;
	return true;
}

/* Nothing of the kind left by any port; how much left at all. */
static uint32_t nothing_unseemly(void)
{
	const struct pkt *p;
	uint32_t n = 0;

	for (int who = 0; who < LAB_PORTS; who++)
		while ((p = lab_out(l, who)) != NULL) {
			CU_ASSERT_TRUE(never_said(p));
			n++;
		}
	return n;
}

struct place_of {
	const char *src, *own, *group; /* @own: ours on that link */
};

static const struct place_of places4[] = {
	[LAB_UPLINK] = { LAB_HOP4, LAB_OUT4, "224.0.0.1" },
	[LAB_A] = { LAB_A4, LAB_GW4, "224.0.0.2" },
	[LAB_B] = { LAB_B4, LAB_OUT4, "255.255.255.255" },
	[LAB_NET] = { LAB_NET4, LAB_NETGW4, "10.9.0.255" },
};

static const struct place_of places6[] = {
	[LAB_UPLINK] = { "2001:db8:1::1", LAB_OUT6, "ff02::1" },
	[LAB_A] = { LAB_A6, LAB_GW6, "ff02::2" },
	[LAB_B] = { LAB_B6, LAB_OUT6, "ff02::2" },
	[LAB_NET] = { LAB_NET6, LAB_NETGW6, "ff02::16" },
};

static void ask(int who, const struct place_of *at, uint8_t proto, uint8_t type,
		uint8_t code)
{
	struct frame_spec s = { .src = at->src,
				.dst = at->own,
				.proto = proto,
				.type = type,
				.type_zero = !type,
				.code = code,
				.payload_len = 16 };

	lab_send(l, who, &s);
	s.dst = at->group;
	s.dst_mac = LAB_GROUP;
	lab_send(l, who, &s);
}

static void R25_no_question_of_icmp_but_echo_is_answered(void)
{
	uint32_t said = 0;

	for (int type = 0; type < 256; type++) {
		l = lab_new();
		for (int who = 0; who < LAB_PORTS; who++)
			for (uint8_t code = 0; code < 3; code++) {
				ask(who, &places4[who], IP_ICMP, (uint8_t)type,
				    code);
				ask(who, &places6[who], IP_ICMP6, (uint8_t)type,
				    code);
			}
		said += nothing_unseemly();
		lab_free(l);
	}
	CU_ASSERT(said > 0); /* echo was */
}

/* What a router with one link too many would answer with a redirect. */
static void R25_a_way_back_by_the_same_link_is_no_redirect(void)
{
	l = lab_new();
	lab_send(l, LAB_NET, &(struct frame_spec){ .dst = "10.9.0.8" });
	lab_send(l, LAB_NET,
		 &(struct frame_spec){ .src = LAB_NET6, .dst = "fd10::8" });
	lab_send(l, LAB_A, &(struct frame_spec){ .dst = LAB_HOP4 });
	lab_send(l, LAB_UPLINK,
		 &(struct frame_spec){ .src = LAB_HOP4, .dst = LAB_SERVER4 });
	lab_after(l, 5000);
	nothing_unseemly();
	lab_free(l);
}

UNIT_SUITE(fw_unsaid, UNIT(R25_no_question_of_icmp_but_echo_is_answered),
	   UNIT(R25_a_way_back_by_the_same_link_is_no_redirect))
