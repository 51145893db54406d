/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole forwarding path: frames of client A, client B, a network and the
 * uplink in any order, rules and links changing in between, time going by.
 *
 * Records: op, arg, length (two bytes), bytes.
 *	0..3  a frame from that party (LAB_*); arg: what is mended, MEND_*
 *	4     time: arg seconds
 *	5     rules of client arg: for both families, policy by the first byte
 *	6     a frame from party arg % 4 by description, see describe()
 *	7     the uplink goes (arg even) or comes back
 *
 * What must hold: nothing of one client reaches another.  Flows begin at an
 * address of the client that opened them.  What leaves by the
 * uplink has our address as its source.  A frame from the uplink is answered
 * only when it is ARP or ND, or belongs to a flow.  Frames fit their link and
 * bear our MAC.  No packet is lost on the way.
 */
#include "mock/lab.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "tests/fuzz/fuzz.h"

#define RECORDS_MAX 64u
#define FRAME_LEN_MAX 3000u

enum {
	MEND_MACS = 1,
	MEND_SUMS = 2,
	MEND_PARTIAL = 4, /* the link says: partial checksum */
	MEND_GSO = 8,	  /* and: an aggregate, segments of the next 2 bytes */
};

static struct lab *l;

/* ---- what must hold ------------------------------------------------------ */

static uint32_t flows(void)
{
	struct nat_usage u;

	nat_usage(fw_nat(l->fw), UINT16_MAX, &u);
	return u.flows;
}

static bool to_party(const struct pkt *p, int who)
{
	struct pkt_addr dst = pkt_dst(p);
	static const char *const addr4[] = { NULL, LAB_A4, LAB_B4 };
	static const char *const addr6[] = { NULL, LAB_A6, LAB_B6 };

	if (pkt_addr_is_linklocal(&dst) || pkt_addr_is_multicast(&dst))
		return p->kind == PKT_KIND_ND;
	if (who != LAB_NET)
		return lab_is_addr(&dst, p->l3 == PKT_L3_IP4 ? addr4[who]
							     : addr6[who]);
	return p->l3 == PKT_L3_IP4 ? dst.b[12] == 10 && dst.b[13] == 9
				   : dst.b[0] == 0xfd && dst.b[1] == 0x10;
}

/* Every flow was opened by a client, from an address of its own. */
static void check_flows(void)
{
	static const char *const own[LAB_PORTS][2] = {
		[LAB_A] = { LAB_A4, LAB_A6 },
		[LAB_B] = { LAB_B4, LAB_B6 },
	};
	struct nat_info info;
	uint32_t cursor = 0;

	while (nat_each(fw_nat(l->fw), &cursor, &info, 1, l->now)) {
		const struct pkt_addr *a = &info.real[0];
		uint16_t n = info.owner[0];

		vw_assert(n != LAB_UPLINK && info.owner[1] == LAB_UPLINK);
		if (n == LAB_NET)
			vw_assert(pkt_addr_is_v4(a) ? a->b[13] == 9
						    : a->b[1] == 0x10);
		else
			vw_assert(lab_is_addr(a, own[n][0]) ||
				  lab_is_addr(a, own[n][1]));
	}
}

static bool from_inside(const struct pkt *p)
{
	static const char *const inside[] = { LAB_A4, LAB_A6, LAB_B4, LAB_B6,
					      LAB_GUARD4 };
	struct pkt_addr src = pkt_src(p);

	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		if (lab_is_addr(&src, inside[i]))
			return true;
	return false;
}

/* A packet that left for client @who. */
static void check_client(const struct pkt *p, int who)
{
	if (p->l3 == PKT_L3_ARP)
		return;
	vw_assert(to_party(p, who));
	/* a RST stands in the place of the one who was asked */
	vw_assert(!from_inside(p) || p->kind == PKT_KIND_ND ||
		  (p->kind == PKT_KIND_TCP && p->tcp_flags & TCP_RST &&
		   p->len == p->pay_off));
}

/* A packet that left by the uplink, because of a frame from @cause. */
static void check_uplink(const struct pkt *p, int cause)
{
	struct pkt_addr src;

	if (p->l3 == PKT_L3_ARP)
		return;
	src = pkt_src(p);
	vw_assert(lab_is_addr(&src, p->l3 == PKT_L3_IP4 ? LAB_OUT4 : LAB_OUT6));
	if (cause != LAB_UPLINK || p->kind == PKT_KIND_ND)
		return;
	vw_assert(flows() > 0);
	vw_assert(p->kind == PKT_KIND_ICMP_ERROR);
	vw_assert(p->l3 == PKT_L3_IP4
			  ? p->icmp_type == ICMP_UNREACH && p->icmp_code == 4
			  : p->icmp_type == ICMP6_TOO_BIG);
}

static void check_out(int who, int cause)
{
	struct pkt *p;

	while ((p = mock_port_pop(&l->port[who])) != NULL) {
		const struct port *port = &l->port[who].port;

		vw_assert(p->len >= PKT_ETH_LEN);
		vw_assert(!memcmp(p->data + 6, port->mac.b, 6));
		vw_assert(p->len <= PKT_ETH_LEN + (uint32_t)port->mtu);
		vw_assert(!p->gso_size && !(p->flags & PKT_F_CSUM_PARTIAL));
		if (pkt_parse(p) == PKT_FORWARD) {
			if (who == LAB_UPLINK)
				check_uplink(p, cause);
			else
				check_client(p, who);
			/* nothing crosses from one client to another */
			vw_assert(who == LAB_UPLINK || cause == LAB_UPLINK ||
				  cause < 0 || who == cause);
		} else {
			/* only what a sender got wrong may be wrong */
			vw_assert(p->reason == PKT_REASON_ICMP_CSUM);
		}
		pkt_put(fw_pool(l->fw), p);
	}
}

static void check_all(int cause)
{
	for (int who = 0; who < LAB_PORTS; who++)
		check_out(who, cause);
}

/* ---- what happens -------------------------------------------------------- */

static void arrive(int who, struct pkt *p)
{
	mock_port_push(&l->port[who], p);
	fw_round(l->fw, PKT_BATCH, l->now);
	check_all(who);
}

static void mend_macs(uint8_t *frame, int who)
{
	static const uint8_t mac[LAB_PORTS][6] = {
		{ 0x02, 0, 0, 0, 0, 0x01 },
		{ 0x00, 0x16, 0x3e, 0x5e, 0x6c, 0x0a },
		{ 0x00, 0x16, 0x3e, 0x5e, 0x6c, 0x0b },
		{ 0x02, 0, 0, 0, 0x09, 0x07 },
	};

	memcpy(frame + 6, mac[who], 6);
	if (!(frame[0] & 1))
		memcpy(frame, l->port[who].port.mac.b, 6);
}

static void frame(int who, uint8_t mend, struct feed *f)
{
	uint16_t gso = mend & MEND_GSO ? feed_u16(f) : 0;
	struct pkt *p;

	if (f->left > FRAME_LEN_MAX)
		return;
	p = pkt_get(fw_pool(l->fw), (uint32_t)f->left);
	if (!p)
		return;
	memcpy(p->data, f->p, f->left);
	p->len = (uint32_t)f->left;
	p->tail -= p->len;
	if (mend & MEND_MACS && p->len >= PKT_ETH_LEN)
		mend_macs(p->data, who);
	if (mend & MEND_SUMS)
		frame_fix(p->data, p->len);
	if (mend & (MEND_PARTIAL | MEND_GSO))
		p->flags |= PKT_F_CSUM_PARTIAL;
	if (gso) {
		p->gso_size = gso;
		p->gso_type = p->len > 14 && p->data[14] >> 4 == 6
				      ? PKT_GSO_TCP6
				      : PKT_GSO_TCP4;
	}
	arrive(who, p);
}

/* A sound frame of few bytes: what, flags, ports, sequence numbers. */
static void describe(int who, struct feed *f)
{
	static const uint8_t protos[] = { IP_TCP, IP_UDP, IP_ICMP, 47 };
	static const char *const dst[] = { LAB_SERVER4, LAB_B4,	   LAB_A4,
					   LAB_OUT4,	LAB_GW4,   "192.0.2.9",
					   LAB_NET4,	LAB_GUARD4 };
	static const struct frame_spec inner4 = { .src = LAB_OUT4,
						  .dst = LAB_SERVER4 };
	uint8_t what = feed_u8(f), bits = feed_u8(f), more;
	struct frame_spec s = { .proto = protos[what & 3] };
	bool v6 = what & 0x80;

	s.flags = feed_u8(f);
	s.sport = (uint16_t)(feed_u16(f) | 1);
	s.dport = (uint16_t)(feed_u16(f) | 1);
	s.icmp_id = s.sport;
	s.seq = feed_u16(f);
	s.ack = feed_u16(f);
	s.ttl = bits & 1 ? 1 : 64;
	s.df = bits & 2;
	s.mf = bits & 4;
	s.frag_off = bits & 8 ? 512 : 0;
	s.payload_len = bits & 16 ? 1600 : s.mf ? 512 - 8 : 8;
	s.type_zero = bits & 32;
	if (s.proto == 47 || s.frag_off)
		s.raw = true;
	if (s.mf && s.proto == IP_TCP)
		s.payload_len = 512 - 20;
	if (bits & 64 && s.proto == IP_ICMP && !v6) {
		s.type = 3;
		s.code = bits & 1 ? 4 : 3;
		s.quote = &inner4;
	}
	if (v6) {
		s.src = who == LAB_UPLINK ? LAB_SERVER6
			: who == LAB_A	  ? LAB_A6
			: who == LAB_B	  ? LAB_B6
					  : LAB_NET6;
		s.dst = who == LAB_UPLINK ? LAB_OUT6
			: what & 16	  ? LAB_B6
					  : LAB_SERVER6;
		if (s.proto == IP_ICMP)
			s.proto = IP_ICMP6;
	} else if (who != LAB_UPLINK) {
		s.dst = dst[what >> 4 & 7];
		if (who == LAB_A && s.dst == dst[2])
			s.dst = LAB_SERVER4;
		if (who == LAB_B && s.dst == dst[1])
			s.dst = LAB_SERVER4;
		if (who == LAB_NET && s.dst == dst[6])
			s.dst = LAB_SERVER4;
	}
	more = feed_u8(f);
	if (more & 1) /* a lie */
		s.src = v6 ? LAB_B6 : LAB_GUARD4;
	if (more & 2 && s.proto == IP_TCP && !s.mf && !s.raw)
		s.gso_size = 500;
	/* answers find their port more often than by chance */
	if (who == LAB_UPLINK && what & 8) {
		struct nat_info info;
		uint32_t cursor = 0;

		if (nat_each(fw_nat(l->fw), &cursor, &info, 1, l->now)) {
			s.dport = s.icmp_id = info.stand_port[1];
			s.sport = info.real_port[1];
		}
	}
	arrive(who, lab_frame(l, who, &s));
}

static void rules(uint16_t n, bool accept)
{
	static const char *const some[] = {
		"action=drop proto=tcp dstports=257-300",
		"action=accept proto=udp",
		"action=accept proto=icmp",
		NULL,
	};

	if (n < LAB_A || n >= LAB_PORTS)
		return;
	lab_rules(l, n, RULE_IP4, accept ? RULE_ACCEPT : RULE_DROP, some);
	lab_rules(l, n, RULE_IP6, accept ? RULE_ACCEPT : RULE_DROP, some);
}

static void uplink(bool up)
{
	struct fw_uplink u = lab_uplink();
	int err;

	/* all by the gateway, whose MAC is known: nothing waits */
	memset(&u.net4, 0, sizeof(u.net4));
	memset(&u.net6, 0, sizeof(u.net6));
	u.up = up;
	err = fw_uplink_set(l->fw, &u, l->now);
	vw_assert(!err);
}

static void record(struct feed *f)
{
	uint8_t op = feed_u8(f) & 7, arg = feed_u8(f);
	struct feed bytes;
	size_t len;

	bytes.p = feed_bytes(f, feed_u16(f) & 0xfff, &len);
	bytes.left = len;
	if (op < LAB_PORTS) {
		frame(op, arg, &bytes);
	} else if (op == 4) {
		l->now = mono_add_ms(l->now, arg * 1000ull);
		for (int i = 0; i < 3; i++)
			fw_tick(l->fw, l->now);
		fw_flush(l->fw, l->now);
		check_all(-1);
	} else if (op == 5) {
		rules(arg % LAB_PORTS, feed_u8(&bytes) & 1);
	} else if (op == 6) {
		describe(arg % LAB_PORTS, &bytes);
	} else {
		uplink(arg & 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct feed f = { .p = data, .left = len };
	struct fw_conf c = lab_conf();

	c.small_n = 64;
	c.large_n = 4;
	c.nat.flows = 32;
	c.nat.port_hi = c.nat.port_lo + 63;
	c.frag.datagrams = 8;
	c.frag.bytes = 32 * 1024;
	l = lab_new_with(&c);
	uplink(true);
	for (uint32_t n = 0; f.left && n < RECORDS_MAX; n++)
		record(&f);
	check_flows();
	lab_free(l);
	return 0;
}
