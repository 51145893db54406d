/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole forwarding path, with two clients and an uplink: the input is a
 * story of frames from all sides, rules that change, links that come and go,
 * and time that passes.  What must hold, whatever is sent:
 *
 *	to the uplink   only our outside addresses as source
 *	to a client     only its own address as destination, and nobody else's
 *			inside address as source (but for our resets)
 *	anywhere        frames that our parser takes, to the right MAC address
 *	at the end      no packet buffer is lost
 *
 * Each step is one byte (what), one byte (time), and what it needs.  Frames can
 * be given headers that fit (so that the fuzzer need not guess checksums) or be
 * answers: the last frame that left to the uplink, turned round, with edits.
 */
#include "firewall/path/fw.h"
#include "packet/pkt_build.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"
#include "tests/fuzz/fuzz.h"

#define CLIENTS 2u
#define SMALL 256u
#define LARGE 16u
#define FRAME_MAX 2000u

enum step {
	CLIENT_RAW,
	CLIENT_FITTING,
	UPLINK_RAW,
	UPLINK_FITTING,
	UPLINK_ANSWER,
	RULES,
	CLIENT_GOES,
	UPLINK_CHANGES,
	STEP_N
};

struct link {
	struct port port;
	uint16_t owner;
};

static const struct pkt_mac our_mac = { { 2, 0, 0, 0, 0, 1 } };
static const struct pkt_mac their_mac[CLIENTS + 1] = {
	{ { 2, 0, 0, 0, 9, 0 } }, /* the next hop */
	{ { 2, 0, 0, 0, 9, 1 } },
	{ { 2, 0, 0, 0, 9, 2 } },
};

static struct link port_of[CLIENTS + 1];
static struct fw *fw;
static void *room;
static size_t room_len;
static struct fw_conf conf;
static struct view *view;
static uint8_t sets[3][2][8192]; /* accept all, drop all, mixed */
static uint8_t last[FRAME_MAX];	 /* that went to the uplink */
static size_t last_len;

static struct pkt_addr addr(const char *text)
{
	struct pkt_addr a;

	vw_assert(!pkt_addr_parse(&a, text, strlen(text)));
	return a;
}

/* Addresses of client @n, or ours outside with 0. */
static struct pkt_addr at4(uint16_t n)
{
	static const char *const text[] = { "198.51.100.1", "10.137.0.11",
					    "10.137.0.12" };

	return addr(text[n]);
}

static struct pkt_addr at6(uint16_t n)
{
	static const char *const text[] = { "2001:db8:1::1", "fd09::b",
					    "fd09::c" };

	return addr(text[n]);
}

static bool is_at(const struct pkt_addr *a, uint16_t n)
{
	struct pkt_addr four = at4(n), six = at6(n);

	return pkt_addr_eq(a, &four) || pkt_addr_eq(a, &six);
}

/* ---- what leaves -----------------------------------------------------------
 */

static void check_ip(const struct pkt *p, uint16_t to)
{
	struct pkt_addr src = pkt_src(p), dst = pkt_dst(p);
	struct pkt_addr gw4 = addr("10.137.0.1"), gw6 = addr("fd09::1");

	vw_assert(pkt_l3(p)[p->l3 == PKT_L3_IP4 ? 8 : 7] > 0);
	if (to == NAT_UPLINK) {
		vw_assert(is_at(&src, NAT_UPLINK));
		vw_assert(!is_at(&dst, 1) && !is_at(&dst, 2));
		return;
	}
	vw_assert(is_at(&dst, to));
	/* Nobody's words but our own reset, in the name of who was asked for */
	if (p->kind == PKT_KIND_TCP && p->tcp_flags & TCP_RST &&
	    p->pay_off == p->len)
		return;
	vw_assert(!is_at(&src, 1) && !is_at(&src, 2));
	vw_assert(!is_at(&src, NAT_UPLINK));
	vw_assert(pkt_addr_eq(&src, &gw4) || pkt_addr_eq(&src, &gw6) ||
		  pkt_addr_ok_src(&src));
}

static void check_frame(const struct pkt *sent, uint16_t to)
{
	struct pkt p = fuzz_pkt(sent->data, sent->len);

	p.flags = sent->flags & (PKT_F_CSUM_PARTIAL | PKT_F_CSUM_VALID);
	vw_assert(pkt_parse(&p) == PKT_FORWARD);
	vw_assert(p.len == sent->len);
	vw_assert(!memcmp(p.data + 6, our_mac.b, 6));
	if (p.l3 != PKT_L3_ARP && p.kind != PKT_KIND_ND) {
		vw_assert(!memcmp(p.data, their_mac[to].b, 6));
		check_ip(&p, to);
	}
	if (to == NAT_UPLINK && p.l3 != PKT_L3_ARP && p.len <= FRAME_MAX) {
		memcpy(last, p.data, p.len);
		last_len = p.len;
	}
	free(p.data);
}

static int take(struct port *port, struct pkt_pool *pool, struct pkt_batch *in,
		struct mono now)
{
	struct link *l = (struct link *)port;

	(void)now;
	for (uint32_t i = 0; i < in->n; i++) {
		check_frame(in->p[i], l->owner);
		pkt_put(pool, in->p[i]);
	}
	in->n = 0;
	return 0;
}

static int nothing(struct port *port, struct pkt_pool *pool,
		   struct pkt_batch *out, struct mono now)
{
	(void)port;
	(void)pool;
	(void)out;
	(void)now;
	return 0;
}

static bool quiet(struct port *port)
{
	(void)port;
	return false;
}

static void closed(struct port *port)
{
	(void)port;
}

static const struct port_ops ops = { "fuzz", nothing, take, quiet, closed };

/* ---- the house
 * ---------------------------------------------------------------- */

static void one_set(uint8_t *mem, size_t len, enum rule_family family, int kind)
{
	static const char *const mixed[] = {
		"action=drop proto=udp dstports=53-53",
		"action=accept proto=tcp dstports=1-1023",
		"action=accept proto=udp",
	};
	static _Alignas(64) uint8_t scratch[1 << 20];
	static struct rule rule[3];
	const struct rule_env env = { 0 };
	struct rule_error err;
	size_t used;

	for (uint32_t i = 0; i < 3; i++)
		vw_assert(!rule_parse(&rule[i], i, mixed[i], strlen(mixed[i]),
				      family, &err));
	vw_assert(!ruleset_build(
		mem, len, &used, family, kind == 0 ? RULE_ACCEPT : RULE_DROP,
		rule, kind == 2 ? 3 : 0, &env, scratch, sizeof(scratch)));
	vw_assert(ruleset_check(mem, used));
}

static void begin_once(void)
{
	fw_conf_default(&conf);
	conf.clients = CLIENTS;
	conf.ports = CLIENTS + 1;
	conf.small_n = SMALL;
	conf.large_n = LARGE;
	conf.neighbours = 16;
	conf.guard = 16;
	conf.nat.flows = 64;
	conf.frag.datagrams = 8;
	conf.frag.bytes = 65536;
	conf.seed[0] = 1;
	conf.nat.hash_key[0] = 2;
	conf.nat.port_seed[0] = 3;
	room_len = fw_size(&conf);
	room = fuzz_room(room_len);
	view = fuzz_room(view_size(CLIENTS));
	for (int kind = 0; kind < 3; kind++)
		for (int f = RULE_IP4; f <= RULE_IP6; f++)
			one_set(sets[kind][f], sizeof(sets[kind][f]),
				(enum rule_family)f, kind);
}

static void set_rules(uint16_t n, uint8_t kind, struct mono now)
{
	const struct ruleset *old;

	for (int f = RULE_IP4; f <= RULE_IP6; f++)
		(void)!fw_client_rules(fw, n, (enum rule_family)f,
				       ruleset_check(sets[kind % 3][f],
						     sizeof(sets[0][0])),
				       &old, now);
}

static void client_comes(uint16_t n, struct mono now)
{
	struct fw_client c = {
		.name = "c",
		.kind = FW_QUBE,
		.port = port_of[n].port.id,
		.mac = their_mac[n],
		.addr = { at4(n), at6(n) },
		.addr_n = 2,
		.gateway4 = addr("10.137.0.1"),
		.gateway6 = addr("fd09::1"),
		.proxy_arp = true,
	};

	if (!fw_client_set(fw, n, &c, now))
		set_rules(n, 0, now);
}

static void uplink_is(bool up, struct mono now)
{
	struct fw_uplink u = {
		.port = up ? port_of[0].port.id : UINT16_MAX,
		.addr4 = at4(0),
		.addr6 = at6(0),
		.gateway4 = addr("198.51.100.254"),
		.gateway6 = addr("2001:db8:1::fe"),
		.net4 = { addr("198.51.100.254"), 128 },
		.net6 = { addr("2001:db8:1::fe"), 128 },
		.gateway_mac = their_mac[0],
		.up = up,
	};

	(void)!fw_uplink_set(fw, &u, now);
}

static void begin(struct mono now)
{
	if (!room)
		begin_once();
	memset(view, 0, view_size(CLIENTS));
	vw_assert(!fw_init(&fw, room, room_len, &conf, view, now));
	for (uint16_t i = 0; i <= CLIENTS; i++) {
		port_of[i] = (struct link){
			.port = { .ops = &ops,
				  .mac = our_mac,
				  .mtu = i == 2 ? 1400 : 1500,
				  .caps = i == 1 ? PORT_CSUM : 0,
				  .wake_fd = -1 },
			.owner = i,
		};
		vw_assert(!fw_port_add(fw, &port_of[i].port));
	}
	uplink_is(true, now);
	for (uint16_t n = 1; n <= CLIENTS; n++)
		client_comes(n, now);
	last_len = 0;
}

/* All flows, fragments and held packets run out; no buffer may be missing. */
static void end(struct mono now)
{
	uint32_t small, large;

	for (uint16_t i = 0; i <= CLIENTS; i++)
		fw_port_remove(fw, &port_of[i].port, now);
	for (int i = 0; i < 16; i++) {
		now = mono_add_ms(now, 1000000);
		fw_tick(fw, now);
		fw_flush(fw, now);
	}
	pkt_pool_free_n(fw_pool(fw), &small, &large);
	vw_assert(small == SMALL && large == LARGE);
}

/* ---- steps
 * ------------------------------------------------------------------------ */

static void put_in(uint16_t from, const uint8_t *bytes, size_t len,
		   struct mono now)
{
	struct pkt_batch b = { .n = 1 };
	struct pkt *p = pkt_get(fw_pool(fw), (uint32_t)len);

	vw_assert(p || !len);
	if (!p)
		return;
	memcpy(p->data, bytes, len);
	p->len = (uint32_t)len;
	p->in = port_of[from].port.id;
	b.p[0] = p;
	fw_input(fw, &port_of[from].port, &b, now);
	vw_assert(!b.n);
	fw_flush(fw, now);
}

/* Ethernet, the address that the side must use, and checksums. */
static void fit(uint16_t from, uint8_t *f, size_t len)
{
	struct pkt_addr four = at4(from), six = at6(from);
	size_t own4 = from ? 26 : 30, own6 = from ? 22 : 38;
	bool v4;

	if (len < 54)
		return;
	v4 = f[14] >> 4 != 6;
	memcpy(f, our_mac.b, 6);
	memcpy(f + 6, their_mac[from].b, 6);
	f[12] = v4 ? 0x08 : 0x86;
	f[13] = v4 ? 0x00 : 0xdd;
	memcpy(f + (v4 ? own4 : own6), v4 ? four.b + 12 : six.b, v4 ? 4 : 16);
	if (v4) {
		size_t hlen = (f[14] & 15) * 4u;

		if (hlen < 20 || 14 + hlen + 8 > len)
			return;
		f[16] = (uint8_t)((len - 14) >> 8);
		f[17] = (uint8_t)(len - 14);
		pkt_csum_ip_set(f + 14, hlen);
		if (f[23] == IP_ICMP) {
			uint16_t sum;

			f[14 + hlen + 2] = f[14 + hlen + 3] = 0;
			sum = (uint16_t)~pkt_csum_fold(pkt_csum_add(
				0, f + 14 + hlen, len - 14 - hlen));
			memcpy(f + 14 + hlen + 2, &sum, 2);
		}
	} else {
		f[18] = (uint8_t)((len - 54) >> 8);
		f[19] = (uint8_t)(len - 54);
	}
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t t = a[i];

		a[i] = b[i];
		b[i] = t;
	}
}

/* The last frame outside as its receiver would answer it, edited. */
static void answer(struct feed *in, struct mono now)
{
	static uint8_t f[FRAME_MAX];
	size_t l4;

	if (last_len < 14 + 40 + 8)
		return;
	memcpy(f, last, last_len);
	swap(f, f + 6, 6);
	if (f[14] >> 4 == 4) {
		swap(f + 26, f + 30, 4);
		l4 = 14 + (f[14] & 15) * 4u;
	} else {
		swap(f + 22, f + 38, 16);
		l4 = 54;
	}
	if (l4 + 12 <= last_len) {
		swap(f + l4, f + l4 + 2, 2);
		swap(f + l4 + 4, f + l4 + 8, 4); /* seq and ack */
	}
	for (uint8_t edits = feed_u8(in) % 8; edits; edits--) {
		size_t at = l4 + feed_u8(in) % 40;

		if (at < last_len)
			f[at] = feed_u8(in);
	}
	if (l4 + 12 <= last_len && f[l4 + 11] == 0xff)
		f[l4 + 11] = 0;
	fit(0, f, last_len);
	put_in(0, f, last_len, now);
}

static void frame(struct feed *in, uint16_t from, bool fitting, struct mono now)
{
	static uint8_t f[FRAME_MAX];
	size_t len;
	const uint8_t *bytes = feed_bytes(in, feed_u16(in) % FRAME_MAX, &len);

	memcpy(f, bytes, len);
	if (fitting)
		fit(from, f, len);
	if (len)
		put_in(from, f, len, now);
}

static void step(struct feed *in, struct mono *now)
{
	uint8_t what = feed_u8(in), n = (uint8_t)(1 + (what >> 4) % CLIENTS);
	uint8_t time = feed_u8(in);

	*now = mono_add_ms(*now, time * 500ull);
	switch ((enum step)(what % STEP_N)) {
	case CLIENT_RAW:
	case CLIENT_FITTING:
		frame(in, n, what % STEP_N == CLIENT_FITTING, *now);
		break;
	case UPLINK_RAW:
	case UPLINK_FITTING:
		frame(in, NAT_UPLINK, what % STEP_N == UPLINK_FITTING, *now);
		break;
	case UPLINK_ANSWER:
		answer(in, *now);
		break;
	case RULES:
		set_rules(n, feed_u8(in), *now);
		break;
	case CLIENT_GOES:
		fw_client_remove(fw, n, *now);
		fw_tick(fw, *now);
		client_comes(n, *now);
		break;
	case UPLINK_CHANGES:
		uplink_is(feed_u8(in) & 1, *now);
		break;
	case STEP_N:
		break;
	}
	if (time & 1)
		fw_tick(fw, *now);
	fw_flush(fw, *now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct feed f = { data, len };
	struct mono now = { 1000 * MONO_S };

	begin(now);
	while (f.left)
		step(&f, &now);
	end(now);
	return 0;
}
