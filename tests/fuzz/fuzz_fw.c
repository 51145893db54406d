/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole forwarding path: frames of client A, client B, a network and the
 * uplink in any order, rules and links changing in between, time going by.
 * What must hold is in tests/mock/lab_watch.h, and no packet is lost.
 *
 * The first byte is MODE_*; then records: op, arg, length (two bytes), bytes.
 *	0..3  a frame from that party (LAB_*); arg: what is mended, MEND_*
 *	4     time: arg seconds
 *	5     rules of client arg: for both families, policy by the first byte
 *	6     a frame from party arg % 4 by description, see describe()
 *	7     the uplink goes (arg even) or comes back; what may come in changes
 *	8     the last packet outside as its receiver would answer it, edited
 *	9     client A or B goes, and comes back
 */
#include "firewall/control/conf/forward_text.h"
#include "mock/lab.h"
#include "mock/lab_watch.h"
#include "model/nat_check.h"
#include "packet/pkt_ip.h"
#include "tests/fuzz/fuzz.h"

#define RECORDS_MAX 64u
#define FRAME_LEN_MAX 3000u

enum {
	MODE_MEET = 1,	/* A and B may reach each other, hairpin and all */
	MODE_LINKS = 2, /* A completes checksums, B's link is small */
	MODE_OPEN = 4,	/* ports of our outside address lead to A */
};

enum {
	MEND_MACS = 1,
	MEND_SUMS = 2,
	MEND_PARTIAL = 4, /* the link says: partial checksum */
	MEND_GSO = 8,	  /* and: an aggregate, segments of the next 2 bytes */
	MEND_ADDRS = 16,  /* IP version, length, and the sender's address */
};

static struct lab *l;
static struct lab_watch watch;
static bool gone[LAB_PORTS]; /* clients */

/* ---- what happens -------------------------------------------------------- */

static void arrive(int who, struct pkt *p)
{
	mock_port_push(&l->port[who], p);
	fw_round(l->fw, PKT_BATCH, l->now);
	lab_watch(l, &watch, who);
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

/* A header that fits what follows, from (outside: to) the party's address. */
static void mend_addrs(uint8_t *f, size_t len, int who)
{
	static const char *const own[LAB_PORTS][2] = {
		{ LAB_OUT4, LAB_OUT6 },
		{ LAB_A4, LAB_A6 },
		{ LAB_B4, LAB_B6 },
		{ LAB_NET4, LAB_NET6 },
	};
	struct pkt_addr a;
	bool v6;

	if (len < PKT_ETH_LEN + 40)
		return;
	v6 = f[14] >> 4 == 6;
	f[12] = v6 ? 0x86 : 0x08;
	f[13] = v6 ? 0xdd : 0x00;
	(void)!pkt_addr_parse(&a, own[who][v6], strlen(own[who][v6]));
	if (v6) {
		memcpy(f + (who ? 22 : 38), a.b, 16);
		f[18] = (uint8_t)((len - 54) >> 8);
		f[19] = (uint8_t)(len - 54);
	} else {
		memcpy(f + (who ? 26 : 30), a.b + 12, 4);
		f[16] = (uint8_t)((len - 14) >> 8);
		f[17] = (uint8_t)(len - 14);
	}
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
	if (mend & MEND_ADDRS)
		mend_addrs(p->data, p->len, who);
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

/* The first flow of @who of that protocol; 0: anybody's and any. */
static bool flow_of(uint16_t who, uint8_t proto, struct nat_info *info)
{
	uint32_t cursor = 0;

	while (nat_each(fw_nat(l->fw), &cursor, info, 1, l->now))
		if (!who || (info->owner[0] == who && info->proto == proto))
			return true;
	return false;
}

/* Answers, and clients that want to meet, find their port not by chance. */
static void aim(int who, struct frame_spec *s)
{
	struct nat_info mine, theirs;

	if (who == LAB_UPLINK && flow_of(0, 0, &theirs)) {
		s->dport = s->icmp_id = theirs.stand_port[1];
		s->sport = theirs.real_port[1];
	}
	if ((who == LAB_A || who == LAB_B) && s->dst &&
	    !strcmp(s->dst, LAB_OUT4) &&
	    flow_of(who == LAB_A ? LAB_B : LAB_A, s->proto, &theirs)) {
		s->dport = theirs.stand_port[1];
		if (flow_of((uint16_t)who, s->proto, &mine))
			s->sport = mine.real_port[0];
	}
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
	if (what & 8)
		aim(who, &s);
	arrive(who, lab_frame(l, who, &s));
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t t = a[i];

		a[i] = b[i];
		b[i] = t;
	}
}

static void answer(uint8_t mend, struct feed *edits)
{
	struct feed f = { .p = watch.last, .left = watch.last_len };
	uint8_t *b = watch.last;
	size_t l4;

	if (f.left < PKT_ETH_LEN + 40 + 12)
		return;
	l4 = b[14] >> 4 == 6 ? 54 : 14 + (b[14] & 15) * 4u;
	if (b[14] >> 4 == 6)
		swap(b + 22, b + 38, 16);
	else
		swap(b + 26, b + 30, 4);
	if (l4 + 12 > f.left)
		return;
	swap(b + l4, b + l4 + 2, 2);
	swap(b + l4 + 4, b + l4 + 8, 4); /* seq and ack */
	while (edits->left) {
		size_t at = l4 + feed_u8(edits) % 40;

		if (at < f.left)
			b[at] = feed_u8(edits);
	}
	watch.last_len = 0;
	frame(LAB_UPLINK, mend | MEND_MACS | MEND_SUMS, &f);
}

static void rules(uint16_t n, bool accept)
{
	static const char *const some[] = {
		"action=drop proto=tcp dstports=257-300",
		"action=accept proto=udp",
		"action=accept proto=icmp",
		NULL,
	};

	if (n < LAB_A || n >= LAB_PORTS || gone[n])
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

static void comes_back(uint16_t n)
{
	struct fw_client c = lab_client(n);

	fw_client_remove(l->fw, n, l->now);
	for (int i = 0; i < 2; i++) {
		free(l->rules[n][i]);
		l->rules[n][i] = NULL;
	}
	fw_tick(l->fw, l->now);
	fw_flush(l->fw, l->now);
	lab_watch(l, &watch, -1);
	gone[n] = fw_client_set(l->fw, n, &c, l->now) != 0;
	rules(n, true);
}

/* All ports of TCP and UDP, for clients as well; or few, for some outside. */
static void openings(bool wide)
{
	static const char *const text[2][2] = {
		{ "in=uplink proto=tcp dport=80 src=198.51.100.0/24 to=" LAB_A4,
		  "in=uplink dport=53 to=" LAB_A6 },
		{ "in=uplink dport=1-65535 to=" LAB_A4 " clients=yes",
		  "in=uplink dport=1-65535 to=" LAB_A6 " clients=yes" },
	};
	struct forward_error why;
	struct fw_forward list[2];
	int err = 0;

	for (int i = 0; i < 2; i++)
		err |= forward_parse(&list[i], text[wide][i],
				     strlen(text[wide][i]), &why);
	vw_assert(!err);
	err = fw_forwards_set(l->fw, list, watch.open ? 2 : 0);
	vw_assert(!err);
}

static void record(struct feed *f)
{
	uint8_t op = feed_u8(f) % 10, arg = feed_u8(f);
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
		lab_watch(l, &watch, -1);
	} else if (op == 5) {
		rules(arg % LAB_PORTS, feed_u8(&bytes) & 1);
	} else if (op == 6) {
		describe(arg % LAB_PORTS, &bytes);
	} else if (op == 7) {
		uplink(arg & 1);
		openings(arg & 2);
	} else if (op == 8) {
		answer(arg, &bytes);
	} else {
		comes_back(arg & 1 ? LAB_A : LAB_B);
	}
}

static void set_up(uint8_t mode)
{
	static const struct fw_pair pairs[] = { { LAB_A, LAB_B },
						{ LAB_B, LAB_A } };
	int err;

	memset(&watch, 0, sizeof(watch));
	memset(gone, 0, sizeof(gone));
	watch.meet = mode & MODE_MEET;
	watch.open = mode & MODE_OPEN;
	err = fw_pairs_set(l->fw, pairs, watch.meet ? 2 : 0);
	vw_assert(!err);
	if (mode & MODE_LINKS) {
		l->port[LAB_A].port.caps = PORT_CSUM;
		l->port[LAB_B].port.mtu = 1300;
	}
	openings(true);
	uplink(true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct feed f = { .p = data, .left = len };
	struct fw_conf c = lab_conf();
	uint8_t mode = feed_u8(&f);

	c.small_n = 64;
	c.large_n = 4;
	c.nat.flows = 32;
	c.nat.port_hi = c.nat.port_lo + 63;
	c.frag.datagrams = 8;
	c.frag.bytes = 32 * 1024;
	c.hairpin = mode & MODE_MEET;
	l = lab_new_with(&c);
	set_up(mode);
	for (uint32_t n = 0; f.left && n < RECORDS_MAX; n++)
		record(&f);
	lab_watch_flows(l, &watch);
	nat_check(fw_nat(l->fw));
	lab_free(l);
	return 0;
}
