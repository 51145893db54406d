/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A story told to the NAT core: packets of two clients and the uplink with time
 * between them, owners and addresses that come and go.  After each step the
 * whole state must agree with itself, and each packet that passed must show
 * what its receiver may see and nothing else.
 *
 * A step is one byte of what, one of who, two of time; then for a packet its
 * length and frame.  Addresses of a frame are put right by two bits each (or
 * the input would hardly ever hit a flow), checksums always.
 */
#include "model/nat_check.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "tests/fuzz/fuzz.h"

#define OWNERS 3u
#define STEPS_MAX 48

static void *mem;
static size_t mem_len;
static struct nat_conf conf;
static struct nat *nat;
static struct mono now;

/* By owner; 0: our outside address, 3: a host out there. */
static struct pkt_addr at(unsigned who, bool v6)
{
	static const uint8_t four[4][4] = { { 198, 51, 100, 7 },
					    { 10, 137, 0, 1 },
					    { 10, 137, 0, 2 },
					    { 192, 0, 2, 1 } };
	uint8_t six[16] = { 0xfd, 9, [15] = (uint8_t)(1 + who % 4) };

	if (who % 4 == 0 || who % 4 == 3)
		six[0] = 0x20;
	return v6 ? pkt_addr_v6(six) : pkt_addr_v4(four[who % 4]);
}

/* As the path does before anything else (R90 to R92). */
static bool spoofed(const struct pkt *p, uint16_t owner, bool v6)
{
	struct pkt_addr src = pkt_src(p), dst = pkt_dst(p);

	if (owner != NAT_UPLINK) {
		struct pkt_addr own = at(owner, v6);

		return !pkt_addr_eq(&src, &own);
	}
	for (unsigned who = 0; who < OWNERS; who++) {
		struct pkt_addr a = at(who, v6);

		if (pkt_addr_eq(&src, &a) || (who && pkt_addr_eq(&dst, &a)))
			return true;
	}
	return false;
}

static void put_addr(struct pkt *p, bool dst, unsigned who)
{
	bool v6 = p->l3 == PKT_L3_IP6;
	struct pkt_addr a = at(who, v6);
	uint8_t *ip = p->data + PKT_ETH_LEN;

	if (v6)
		memcpy(ip + (dst ? 24 : 8), a.b, 16);
	else
		memcpy(ip + (dst ? 16 : 12), a.b + 12, 4);
}

/* Fixed addresses and sums, so that the parser takes it if anybody would. */
static enum pkt_verdict dress(struct pkt *p, uint8_t how)
{
	uint8_t *ip = p->data + PKT_ETH_LEN;

	if (p->len < PKT_ETH_LEN + 40)
		return PKT_DROP;
	memset(p->data, 2, 12);
	p->data[12] = how & 0x80 ? 0x86 : 0x08;
	p->data[13] = how & 0x80 ? 0xdd : 0;
	ip[0] = how & 0x80 ? 0x60 : 0x45;
	p->l3 = how & 0x80 ? PKT_L3_IP6 : PKT_L3_IP4;
	if (how & 4)
		put_addr(p, false, how & 3);
	if (how & 0x20)
		put_addr(p, true, how >> 3 & 3);
	if (p->l3 == PKT_L3_IP4)
		pkt_csum_ip_set(ip, 20);
	if (p->l3 == PKT_L3_IP4 ? ip[9] == IP_ICMP : ip[6] == IP_ICMP6) {
		p->l3_off = PKT_ETH_LEN;
		p->l4_off = PKT_ETH_LEN + (p->l3 == PKT_L3_IP4 ? 20 : 40);
		p->proto = p->l3 == PKT_L3_IP4 ? IP_ICMP : IP_ICMP6;
		p->kind = PKT_KIND_OTHER;
		if (p->len >= p->l4_off + 8u)
			pkt_csum_l4_set(p);
	}
	return pkt_parse(p);
}

static void check_out(const struct pkt *was, struct pkt *p,
		      const struct nat_hit *hit, uint16_t owner)
{
	bool v6 = p->l3 == PKT_L3_IP6;
	struct pkt_addr src, dst, own = at(hit->to, v6), out = at(0, v6);
	unsigned hop = v6 ? 7 : 8;

	vw_assert(hit->from == owner);
	vw_assert(pkt_l3(p)[hop] + 1 == pkt_l3(was)[hop]);
	vw_assert(p->len == was->len);
	p->flags &= PKT_F_CSUM_PARTIAL;
	vw_assert(pkt_parse(p) == PKT_FORWARD);
	src = pkt_src(p);
	dst = pkt_dst(p);
	/* No client hears another; outside nobody sees an inside address. */
	vw_assert((owner == NAT_UPLINK) != (hit->to == NAT_UPLINK));
	if (hit->to == NAT_UPLINK)
		vw_assert(pkt_addr_eq(&src, &out));
	else
		vw_assert(pkt_addr_eq(&dst, &own));
}

static void send(struct pkt *p, uint16_t owner, uint8_t how, uint8_t mode)
{
	struct nat_want want = { .mode = NAT_MASQUERADE, .gen = mode };
	struct nat_hit hit = { 0 };
	struct pkt was;
	bool v6;

	if (dress(p, how) != PKT_FORWARD || p->l3 == PKT_L3_ARP ||
	    p->flags & PKT_F_FRAG)
		return;
	v6 = p->l3 == PKT_L3_IP6;
	if (spoofed(p, owner, v6))
		return;
	want.outside = at(0, v6);
	if (owner == NAT_UPLINK) {
		struct pkt_addr dst = pkt_dst(p);

		want.mode = NAT_FORWARD;
		want.to = 1 + (mode & 1);
		want.target = at(want.to, v6);
		want.target_port = 80;
		if (!pkt_addr_eq(&dst, &want.outside))
			mode = 0;
	} else if (mode & 0x10) {
		want.outside_port = 1024 + (mode & 7);
	}
	was = fuzz_pkt(p->data, p->len);
	was.l3_off = p->l3_off;
	if (mode & 0x20)
		nat_prefetch(nat, &p, &hit, &owner, 1);
	if (nat_find(nat, p, owner, &hit, now) == PKT_FORWARD ||
	    (p->reason == PKT_REASON_NO_FLOW && (owner || mode & 8) &&
	     nat_add(nat, p, owner, &want, &hit, now) == PKT_FORWARD)) {
		nat_apply(nat, p, &hit, now);
		check_out(&was, p, &hit, owner);
	} else {
		vw_assert(p->reason != PKT_REASON_NONE);
		vw_assert(!memcmp(p->data, was.data, p->len));
	}
	free(was.data);
}

static void packet(struct feed *in, uint16_t owner, uint8_t mode)
{
	uint8_t how = feed_u8(in);
	size_t len;
	const uint8_t *bytes = feed_bytes(in, feed_u8(in), &len);
	struct pkt p = fuzz_pkt(bytes, len);

	send(&p, owner, how, mode);
	free(p.data);
}

static void step(struct feed *in)
{
	uint8_t what = feed_u8(in), who = feed_u8(in);
	uint16_t owner = who % OWNERS, dt = feed_u16(in);
	struct pkt_addr a = at(who, who & 0x80);

	now = mono_add_ms(now, (uint64_t)dt * dt >> 6);
	switch (what & 0xc0) {
	case 0xc0:
		if (what & 1)
			nat_owner_remove(nat, owner);
		else
			(void)!nat_owner_add(nat, owner, NULL);
		break;
	case 0x80:
		if (what & 1)
			nat_owner_forget(nat, owner);
		else if (what & 2)
			nat_addr_forget(nat, &a);
		else if (what & 4)
			(void)nat_port_reserve(nat, &a, 1024 + (what & 7));
		else
			nat_port_release(nat, &a, 1028);
		break;
	default:
		packet(in, owner, what);
	}
	nat_expire(nat, who >> 4, now);
	nat_check(nat);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct feed in = { data, len };

	if (!mem) {
		nat_conf_default(&conf);
		conf.flows = 16;
		conf.owners = OWNERS;
		conf.quota.flows = 10;
		conf.quota.udp_oneway = 6;
		conf.quota.icmp = 3;
		conf.port_lo = 1024;
		conf.port_hi = 1031;
		mem_len = nat_size(&conf);
		mem = fuzz_room(mem_len);
	}
	conf.overload_udp = len & 1;
	vw_assert(!nat_init(&nat, mem, mem_len, &conf));
	vw_assert(!nat_owner_add(nat, 1, NULL));
	vw_assert(!nat_owner_add(nat, 2, NULL));
	now = (struct mono){ 0xfffffff0ull * MONO_MS }; /* a 32-bit wrap away */
	for (int i = 0; i < STEPS_MAX && in.left; i++)
		step(&in);
	return 0;
}
