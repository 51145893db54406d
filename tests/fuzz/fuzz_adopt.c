/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow table that somebody writes into and that is then adopted, again and
 * again.  After each time the whole state must agree with itself, and packets
 * must still find their way or be dropped for a reason.
 *
 * A step is one byte of what: a packet (of whom, which kind, two bytes of
 * ports), bytes written somewhere into the table, or a death.
 */
#include "mock/frames.h"
#include "model/nat_check.h"
#include "packet/pkt_ip.h"
#include "tests/fuzz/fuzz.h"

#define OWNERS 3u
#define STEPS_MAX 64

static void *mem;
static size_t mem_len;
static struct nat_conf conf;
static struct nat *nat;
static struct pkt_pool *pool;
static struct mono now;
/* Where records are, also when nat has been written over. */
static uint8_t *flow, *track;

static void open_once(void)
{
	if (mem)
		return;
	nat_conf_default(&conf);
	conf.flows = 16;
	conf.owners = OWNERS;
	conf.outsides = 2;
	conf.port_lo = 1024;
	conf.port_hi = 1031;
	mem_len = nat_size(&conf);
	mem = fuzz_room(mem_len);
	pool = frame_pool_new(4, 1);
}

static struct pkt_addr addr_of(const char *text)
{
	struct pkt_addr a;

	vw_assert(!pkt_addr_parse(&a, text, strlen(text)));
	return a;
}

static void packet(struct feed *in, uint16_t owner, uint8_t how)
{
	static const uint8_t proto[] = { IP_UDP, IP_TCP, IP_ICMP, IP_ICMP6 };
	static const char *const inside[2][OWNERS] = {
		{ "192.0.2.1", "10.137.0.1", "10.137.0.2" },
		{ "2001:db8:2::1", "fd09::1", "fd09::2" }
	};
	static const char *const outside[2] = { "198.51.100.7", "2001:db8::7" };
	bool v6 = how & 1, icmp = how & 4;
	struct frame_spec s = {
		.src = inside[v6][owner],
		.dst = owner ? inside[v6][how & 8 ? 3 - owner : 0]
			     : outside[v6],
		.proto = proto[icmp ? 2 + v6 : how >> 1 & 1],
		.sport = (uint16_t)(1024 + (feed_u8(in) & 15)),
		.dport = (uint16_t)(1024 + (feed_u8(in) & 15)),
		.flags = how & 0x10 ? TCP_ACK : TCP_SYN,
	};
	struct nat_want want = { .mode = how & 8 ? NAT_PLAIN : NAT_MASQUERADE,
				 .to = how & 8 && owner ? 3 - owner : 0,
				 .outside = addr_of(outside[v6]) };
	struct nat_hit hit = { 0 };
	struct pkt *p;

	s.icmp_id = s.sport;
	p = frame_parsed(pool, &s);
	if (nat_find(nat, p, owner, &hit, now) == PKT_FORWARD ||
	    (p->reason == PKT_REASON_NO_FLOW && owner &&
	     nat_add(nat, p, owner, &want, &hit, now) == PKT_FORWARD)) {
		vw_assert(hit.from == owner && hit.to < OWNERS);
		nat_apply(nat, p, &hit, now);
	} else {
		vw_assert(p->reason != PKT_REASON_NONE);
	}
	pkt_put(pool, p);
}

/* Over all of it, or where it is likely to matter. */
static void scribble(struct feed *in, uint8_t where)
{
	uint8_t *at[] = { mem, flow, track, (uint8_t *)nat };
	size_t room[] = { mem_len, 16 * sizeof(struct nat_flow),
			  16 * sizeof(struct nat_track), sizeof(*nat) };
	size_t off = (size_t)feed_u16(in) * (where & 4 ? 1 : 41);
	size_t got;
	const uint8_t *bytes = feed_bytes(in, 1u + (where >> 3 & 7), &got);

	where &= 3;
	off %= room[where];
	if (got > room[where] - off)
		got = room[where] - off;
	if (got)
		memcpy(at[where] + off, bytes, got);
}

static void die(uint8_t how)
{
	conf.hash_key[0]++;
	now.ns += (uint64_t)how * MONO_S;
	vw_assert(!nat_adopt(&nat, mem, mem_len, &conf, now));
	nat_check(nat);
	for (uint16_t o = 1; o < OWNERS; o++)
		if (how & 1u << o)
			nat_owner_remove(nat, o);
		else
			vw_assert(!nat_owner_add(nat, o, NULL));
	nat_check(nat);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct feed in = { data, len };
	bool written = false;

	open_once();
	vw_assert(!nat_init(&nat, mem, mem_len, &conf));
	vw_assert(!nat_owner_add(nat, 1, NULL));
	vw_assert(!nat_owner_add(nat, 2, NULL));
	flow = (uint8_t *)nat->table.flow;
	track = (uint8_t *)nat->table.track;
	now = (struct mono){ 0xfffffff0ull * MONO_MS }; /* a 32-bit wrap away */
	for (int i = 0; i < STEPS_MAX && in.left; i++) {
		uint8_t what = feed_u8(&in);

		now = mono_add_ms(now, what);
		if (what & 0x80) {
			scribble(&in, what);
			written = true;
		} else if ((what & 0x60) == 0x60) {
			die(what & 0x1f);
			written = false;
		} else if (!written) {
			packet(&in, feed_u8(&in) % OWNERS, what);
			nat_expire(nat, 8, now);
			nat_check(nat);
		}
	}
	return 0;
}
