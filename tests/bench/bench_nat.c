/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NAT core, whole: parse, spoof check, look-up, TCP or UDP state, rewrite,
 * and the bytes copied from one ring to another.  A flow's first packet is
 * judged by its client's rules besides, and gets a port.  Same flows and
 * packets as floor_nat, which is what it is to be compared with, in the same
 * run.
 *
 *	bench_nat NFLOWS IPSIZE PACKETS REPS [BATCH]
 *
 * RULES=n gives each client so many rules, of which the last one accepts; 10.
 * TCP=1 sends segments of established connections instead of datagrams.
 * NOHUGE=1 keeps to small pages.  VERIFY=1 checks both directions of every flow
 * instead of timing.  STEPS=1 tells, at the end, the longest step of what is
 * not a packet: flows that expire or end with their client, changes of clients
 * and rules, a page of the list of flows.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "firewall/path/fw_part.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"

enum {
	RING = 256,
	BUF = 2048,
	HUGE_PAGE = 2 << 20,
	BATCH_MAX = 64,
	REPS_MAX = 64,
	HOSTS = 32,
};

static struct fw *fw;
static struct nat *nat; /* fw's */
static uint8_t *rx, *tx;
static struct pkt packet[RING];
static uint32_t size; /* of each IP packet */
static uint32_t flow_n;
static uint32_t *order;	  /* of flows */
static uint16_t *port_of; /* each flow's outside port */
static bool tcp;
static uint32_t rest_sum; /* of the IP header, without addresses */
static struct mono now = { 5 * MONO_S };

static uint64_t random_state = 0x9e3779b97f4a7c15u;

/* splitmix64: the same numbers in every run. */
static uint64_t random_u64(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static _Noreturn void die(const char *why)
{
	fprintf(stderr, "bench_nat: %s\n", why);
	exit(1);
}

_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}

/* Zeroed memory on large pages, if there are any. */
static void *map(size_t n)
{
	size_t len = (n + 2 * HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("no memory");
	p += -(uintptr_t)p & (HUGE_PAGE - 1);
	(void)madvise(p, n, getenv("NOHUGE") ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	return p;
}

/* ---- packets ---------------------------------------------------------------
 */

static uint32_t outside;

struct tuple {
	uint32_t src, dst;
	uint16_t sport, dport;
};

static inline uint32_t ip4(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	return a << 24 | b << 16 | c << 8 | d;
}

/* What host sends the first packet of flow @i, and to whom. */
static inline struct tuple question(uint32_t i)
{
	return (struct tuple){
		.src = ip4(10, 137, 0, 2 + i % HOSTS),
		.dst = ip4(93, 184, 216, 1 + (i * 7 + i / 512) % 16),
		.sport = (uint16_t)(1024 + i / HOSTS % 64000),
		.dport = (uint16_t)(400 + i / 8 % 16),
	};
}

static inline struct tuple answer(uint32_t i)
{
	const struct tuple q = question(i);

	return (struct tuple){ q.dst, outside, q.dport, port_of[i] };
}

static uint8_t *buf(uint8_t *ring, uint64_t k)
{
	return ring + k % RING * BUF;
}

/* Addresses and ports, and the IP checksum that goes with them. */
static inline void put_tuple(uint8_t *frame, const struct tuple *t)
{
	uint32_t addrs[2] = { htonl(t->src), htonl(t->dst) };
	uint16_t ports[2] = { htons(t->sport), htons(t->dport) }, csum;
	uint64_t sum = rest_sum;

	memcpy(frame + PKT_ETH_LEN + 12, addrs, 8);
	memcpy(frame + PKT_ETH_LEN + 20, ports, 4);
	sum += addrs[0];
	sum += addrs[1];
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	csum = (uint16_t)~sum;
	memcpy(frame + PKT_ETH_LEN + 10, &csum, 2);
}

static void put_frame(uint8_t *frame)
{
	uint8_t *ip = frame + PKT_ETH_LEN;

	memset(frame, 0, PKT_ETH_LEN);
	frame[0] = frame[6] = 2;
	be16_set(frame + 12, ETH_TYPE_IP4);
	for (uint32_t i = 0; i < size; i++)
		ip[i] = (uint8_t)(i * 31);
	memset(ip, 0, tcp ? 40 : 28);
	ip[0] = 0x45;
	be16_set(ip + 2, (uint16_t)size);
	ip[8] = 64;
	ip[9] = tcp ? IP_TCP : IP_UDP;
	rest_sum = pkt_csum_fold(pkt_csum_add(0, ip, 20));
	if (tcp) {
		be32_set(ip + 24, 1000);
		be32_set(ip + 28, 1000);
		ip[32] = 0x50;
		ip[33] = TCP_ACK;
		be16_set(ip + 34, 65535);
		be16_set(ip + 36, 0x0102);
	} else {
		be16_set(ip + 24, (uint16_t)(size - 20));
		be16_set(ip + 26, 0x0102);
	}
}

static void set_flags(uint8_t *frame, uint8_t flags, uint32_t seq, uint32_t ack)
{
	uint8_t *h = frame + PKT_ETH_LEN + 20;

	be32_set(h + 4, seq);
	be32_set(h + 8, ack);
	h[13] = flags;
}

/* As a port hands it over. */
static struct pkt *arrive(uint64_t k)
{
	struct pkt *p = &packet[k % RING];

	p->data = buf(rx, k);
	p->len = PKT_ETH_LEN + size;
	p->flags = 0;
	p->gso_size = 0;
	p->gso_type = 0;
	return p;
}

/* Where in the order of flows the run is. */
struct cursor {
	uint32_t pos;
	uint64_t round;
};

/* Makes packet @k; returns who sends it. */
static inline uint16_t step(uint64_t k, struct cursor *at)
{
	uint32_t i = order[at->pos];
	bool back = (k + at->round) % 2;
	struct tuple t = back ? answer(i) : question(i);

	put_tuple(buf(rx, k), &t);
	if (++at->pos == flow_n) {
		at->pos = 0;
		at->round++;
	}
	return back ? NAT_UPLINK : (uint16_t)(1 + i % HOSTS);
}

/* ---- the path --------------------------------------------------------------
 */

static inline bool sift(struct pkt *p, uint16_t owner)
{
	return pkt_parse(p) == PKT_FORWARD &&
	       fw_check_addrs(fw, owner, p) == PKT_REASON_NONE;
}

static inline __attribute__((always_inline)) bool
forward(struct pkt *p, uint64_t k, uint16_t owner, struct nat_hit *hit)
{
	uint8_t *out = buf(tx, k);

	if (nat_find(nat, p, owner, hit, now) != PKT_FORWARD ||
	    !fw_current(fw, hit))
		return false;
	memcpy(out, p->data, p->len);
	p->data = out;
	nat_apply(nat, p, hit, now);
	return true;
}

static uint64_t run_single(uint64_t n)
{
	struct cursor at = { 0, 0 };
	uint64_t lost = 0;

	for (uint64_t k = 0; k < n; k++) {
		struct nat_hit hit = { 0 };
		uint16_t owner = step(k, &at);
		struct pkt *p = arrive(k);

		now.ns += 100;
		lost += !sift(p, owner) || !forward(p, k, owner, &hit);
	}
	return lost;
}

static uint64_t run_batched(uint64_t n, uint32_t batch)
{
	struct cursor at = { 0, 0 };
	struct nat_hit hit[BATCH_MAX];
	struct pkt *p[BATCH_MAX];
	uint16_t owner[BATCH_MAX];
	uint64_t lost = 0;

	for (uint64_t k = 0; k + batch <= n; k += batch) {
		now.ns += 100 * batch;
		for (uint32_t j = 0; j < batch; j++)
			owner[j] = step(k + j, &at);
		for (uint32_t j = 0; j < batch; j++) {
			p[j] = arrive(k + j);
			if (!sift(p[j], owner[j]))
				p[j] = NULL;
		}
		nat_prefetch(nat, p, hit, owner, batch);
		for (uint32_t j = 0; j < batch; j++)
			lost += !p[j] ||
				!forward(p[j], k + j, owner[j], &hit[j]);
	}
	return lost;
}

/* Making the packets costs something too. */
static void run_empty(uint64_t n)
{
	struct cursor at = { 0, 0 };

	for (uint64_t k = 0; k < n; k++) {
		(void)step(k, &at);
		__asm__ volatile("" ::: "memory");
	}
}

/* ---- set-up ----------------------------------------------------------------
 */

/* Rule @i of a client, of those that meet none of our packets. */
static int rule_text(char *out, size_t room, uint32_t i)
{
	static const struct {
		const char *action, *net, *rest;
	} form[] = {
		{ "accept", "198.18", " proto=tcp dstports=443-443" },
		{ "accept", "198.19", " proto=udp dstports=53-53" },
		{ "drop", "172.16", "" },
		{ "accept", "203.0", " proto=tcp dstports=8000-8080" },
	};

	return snprintf(out, room, "action=%s dst4=%s.%u.%u/32%s",
			form[i % 4].action, form[i % 4].net, i / 1024 % 256,
			i / 4 % 256, form[i % 4].rest);
}

static const struct ruleset *make_rules(uint32_t n)
{
	struct rule *rules = map(n * sizeof(*rules));
	struct rule_error err;
	size_t len, scratch_len, used;
	void *set, *scratch;

	for (uint32_t i = 0; i < n; i++) {
		char text[128] = "action=accept";
		int text_n = i + 1 < n ? rule_text(text, sizeof(text), i)
				       : (int)strlen(text);

		if (rule_parse(&rules[i], i, text, (size_t)text_n, RULE_IP4,
			       &err))
			die(err.why);
	}
	len = ruleset_size(rules, n, NULL);
	scratch_len = ruleset_scratch_size(rules, n, NULL);
	set = map(len);
	scratch = map(scratch_len);
	if (ruleset_build(set, len, &used, RULE_IP4, RULE_DROP, rules, n, NULL,
			  scratch, scratch_len))
		die("ruleset_build");
	munmap(rules, n * sizeof(*rules));
	munmap(scratch, scratch_len);
	return set;
}

static void add_client(uint16_t n, uint32_t rule_n)
{
	struct fw_client c = { .kind = FW_QUBE,
			       .port = FW_NO_PORT,
			       .mac = { { 0, 0x16, 0x3e, 0, 0, (uint8_t)n } },
			       .addr_n = 1 };
	const struct ruleset *old;

	c.addr[0] =
		pkt_addr_v4((const uint8_t[]){ 10, 137, 0, (uint8_t)(1 + n) });
	c.gateway4 = pkt_addr_v4((const uint8_t[]){ 10, 137, 0, 1 });
	if (fw_client_set(fw, n, &c, now) ||
	    fw_client_rules(fw, n, RULE_IP4, make_rules(rule_n), &old, now))
		die("client");
}

/* A firewall without ports; returns what its flows take. */
static size_t open_fw(void)
{
	const char *rules = getenv("RULES");
	struct fw_uplink up = { .port = FW_NO_PORT, .up = true };
	struct fw_conf c;
	size_t n;

	fw_conf_default(&c);
	c.clients = HOSTS;
	c.nat.flows = flow_n < 16 ? 16 : flow_n;
	c.nat.owners = HOSTS + 1;
	c.nat.outsides = 1;
	c.nat.quota =
		(struct nat_quota){ .flows = c.nat.flows, .ports = UINT16_MAX };
	c.nat.overload_udp = true;
	for (int i = 0; i < 16; i++) {
		c.nat.hash_key[i] = (uint8_t)random_u64();
		c.nat.port_seed[i] = (uint8_t)random_u64();
	}
	n = fw_size(&c);
	if (fw_init(&fw, map(n), n, &c, map(view_size(c.clients)), now))
		die("fw_init");
	nat = fw_nat(fw);
	outside = ip4(10, 138, 0, 2);
	up.addr4 = pkt_addr_v4((const uint8_t[]){ 10, 138, 0, 2 });
	up.gateway4 = pkt_addr_v4((const uint8_t[]){ 10, 138, 0, 1 });
	if (fw_uplink_set(fw, &up, now))
		die("uplink");
	for (uint16_t i = 1; i <= HOSTS; i++)
		add_client(i, rules ? (uint32_t)strtoul(rules, NULL, 0) : 10);
	return nat_size(&c.nat);
}

/* As hop 3 does it for a packet from a client without a flow. */
static bool open_flow(struct pkt *p, uint16_t owner, struct nat_hit *hit)
{
	const struct nat_tuple t = { .src = pkt_src(p),
				     .dst = pkt_dst(p),
				     .sport = p->sport,
				     .dport = p->dport,
				     .proto = p->proto };
	struct judgement j = fw_judge(fw, owner, &t);
	const struct nat_want want = { .mode = NAT_MASQUERADE,
				       .to = j.to,
				       .outside = fw->uplink.addr4,
				       .gen = fw->party[owner].gen,
				       .rule = j.rule };

	p->reason = (uint8_t)j.reason;
	return j.reason == PKT_REASON_NONE &&
	       nat_add(nat, p, owner, &want, hit, now) == PKT_FORWARD;
}

/* A segment of the handshake of flow @i, or its first datagram. */
static bool say(uint32_t i, bool back, uint8_t flags)
{
	struct tuple t = back ? answer(i) : question(i);
	uint16_t owner = back ? NAT_UPLINK : (uint16_t)(1 + i % HOSTS);
	struct nat_hit hit = { 0 };
	struct pkt *p = arrive(i);

	put_tuple(p->data, &t);
	if (tcp)
		set_flags(p->data, flags, flags & TCP_SYN ? 999 : 1000,
			  flags & TCP_ACK ? 1000 : 0);
	if (!sift(p, owner))
		return false;
	if (nat_find(nat, p, owner, &hit, now) != PKT_FORWARD &&
	    (p->reason != PKT_REASON_NO_FLOW || !open_flow(p, owner, &hit)))
		return false;
	memcpy(buf(tx, i), p->data, p->len);
	p->data = buf(tx, i);
	nat_apply(nat, p, &hit, now);
	if (!back)
		port_of[i] = p->sport;
	return true;
}

/*
 * Nanoseconds for each flow's first packet.  Both ends have been heard when it
 * returns, so that what is measured later is packets of flows that are open.
 */
static double open_flows(void)
{
	double t = cpu_ns();

	for (uint32_t i = 0; i < flow_n; i++) {
		now.ns += 300;
		if (!say(i, false, TCP_SYN)) {
			fprintf(stderr, "flow %u: %s\n", i,
				pkt_reason_name(packet[i % RING].reason));
			die("can't open it");
		}
	}
	t = (cpu_ns() - t) / flow_n;
	for (uint32_t i = 0; i < flow_n; i++)
		if (!say(i, true, TCP_SYN | TCP_ACK) || !say(i, false, TCP_ACK))
			die("handshake");
	for (int i = 0; tcp && i < RING; i++)
		set_flags(buf(rx, (uint64_t)i), TCP_ACK, 1000, 1000);
	return t;
}

/* ---- what it prints --------------------------------------------------------
 */

static bool verify_one(uint32_t i, bool back)
{
	const struct tuple q = question(i), a = answer(i);
	struct tuple t = back ? a : q, got, expect;
	uint16_t owner = back ? NAT_UPLINK : (uint16_t)(1 + i % HOSTS);
	struct nat_hit hit = { 0 };
	struct pkt *p = arrive(i);
	uint8_t *ip;

	expect = back ? (struct tuple){ q.dst, q.src, q.dport, q.sport }
		      : (struct tuple){ a.dst, a.src, a.dport, a.sport };
	put_tuple(p->data, &t);
	if (!sift(p, owner))
		return false;
	pkt_csum_l4_set(p);
	if (!forward(p, i, owner, &hit) || !pkt_csum_l4_ok(p))
		return false;
	ip = pkt_l3(p);
	got = (struct tuple){ be32_at(ip + 12), be32_at(ip + 16),
			      be16_at(ip + 20), be16_at(ip + 22) };
	return !memcmp(&got, &expect, sizeof(got)) && ip[8] == 63 &&
	       pkt_csum_ip_ok(ip, 20);
}

static int verify(void)
{
	uint64_t bad = 0;

	for (uint32_t i = 0; i < flow_n; i++) {
		bad += verify_one(i, false) ? 0 : 1;
		bad += verify_one(i, true) ? 0 : 1;
	}
	printf("verify: %llu wrong of %llu\n", (unsigned long long)bad,
	       2ull * flow_n);
	return bad != 0;
}

/*
 * Steps that the data thread takes in one go.  The same are run STEP_REPS
 * times; of each the least counts, as every disturbance only adds, and of those
 * the longest is told.
 */
#define STEP_REPS 3

struct steps {
	const char *name;
	double *ns; /* least of step i */
	uint32_t n, room;
};

static void step_took(struct steps *s, uint32_t i, double ns)
{
	if (i >= s->room)
		die("more steps than expected");
	if (i >= s->n) {
		s->ns[i] = ns;
		s->n = i + 1;
	} else if (ns < s->ns[i]) {
		s->ns[i] = ns;
	}
}

static void print_steps(const struct steps *s)
{
	double worst = 0;

	for (uint32_t i = 0; i < s->n; i++)
		if (s->ns[i] > worst)
			worst = s->ns[i];
	printf("step=%s n=%u max_us=%.1f\n", s->name, s->n, worst / 1e3);
}

static struct steps new_steps(const char *name, uint32_t room)
{
	return (struct steps){ .name = name,
			       .ns = map(room * sizeof(double)),
			       .room = room };
}

/* Housekeeping until nobody holds a flow, or a port for one that is gone. */
static void empty(struct steps *s)
{
	struct nat_usage u;
	uint32_t i = 0;

	do {
		double t = cpu_ns();

		(void)fw_tick(fw, now);
		step_took(s, i++, cpu_ns() - t);
		nat_usage(nat, UINT16_MAX, &u);
	} while (u.flows);
	now.ns += 1000 * MONO_S;
	for (int k = 0; k < 4000; k++)
		(void)fw_tick(fw, now);
}

static void list_all(struct steps *s)
{
	struct nat_info info[64];
	uint32_t cursor = 0, i = 0;

	do {
		double t = cpu_ns();

		(void)nat_each(nat, &cursor, info, 64, now);
		step_took(s, i++, cpu_ns() - t);
	} while (cursor);
}

static void measure_freeing(void)
{
	struct steps expire = new_steps("expire", flow_n + 16);
	struct steps end = new_steps("end_client", flow_n + 16);
	struct steps list = new_steps("list", flow_n + 16);
	struct steps none = new_steps("list_none", flow_n + 16);

	for (int r = 0; r < STEP_REPS; r++) {
		list_all(&list);
		now.ns += 7 * 86400 * MONO_S;
		empty(&expire);
		list_all(&none);
		(void)open_flows();
		for (uint16_t o = 1; o <= HOSTS; o++)
			nat_owner_forget(nat, o);
		empty(&end);
		(void)open_flows();
	}
	print_steps(&expire);
	print_steps(&end);
	print_steps(&list);
	print_steps(&none);
}

/* What the control side changes between two packets; of all 32 clients. */
static void measure_changes(void)
{
	struct steps client = new_steps("client", 1);
	struct steps rules = new_steps("rules", 1);
	struct steps guard = new_steps("guard", 1);
	struct pkt_addr a[1024];
	const struct ruleset *old;

	for (uint32_t i = 0; i < 1024; i++)
		a[i] = pkt_addr_v4((const uint8_t[]){
			10, 139, (uint8_t)(i >> 8), (uint8_t)i });
	for (int r = 0; r < 100; r++) {
		struct fw_client c = fw->party[1].conf;
		double t = cpu_ns();

		if (fw_guard_set(fw, a, 1024))
			die("guard");
		step_took(&guard, 0, cpu_ns() - t);
		t = cpu_ns();
		if (fw_client_set(fw, 1, &c, now))
			die("client");
		step_took(&client, 0, cpu_ns() - t);
		t = cpu_ns();
		if (fw_client_rules(fw, 1, RULE_IP4,
				    fw->party[1].rules[RULE_IP4], &old, now))
			die("rules");
		step_took(&rules, 0, cpu_ns() - t);
	}
	print_steps(&guard);
	print_steps(&client);
	print_steps(&rules);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	double v[REPS_MAX], fill = 1e9, setup;
	uint64_t packets, lost = 0;
	uint32_t batch, reps;
	size_t bytes;

	if (argc < 5 || argc > 6)
		die("NFLOWS IPSIZE PACKETS REPS [BATCH]");
	tcp = getenv("TCP");
	flow_n = (uint32_t)strtoul(argv[1], NULL, 0);
	size = (uint32_t)strtoul(argv[2], NULL, 0);
	packets = strtoull(argv[3], NULL, 0);
	reps = (uint32_t)strtoul(argv[4], NULL, 0);
	batch = argc > 5 ? (uint32_t)strtoul(argv[5], NULL, 0) : 1;
	if (!flow_n || flow_n > 1u << 20 || size < 40 ||
	    size > BUF - PKT_ETH_LEN || !reps || reps > REPS_MAX || !batch ||
	    batch > BATCH_MAX)
		die("an argument is out of range");
	rx = map((size_t)RING * BUF);
	tx = map((size_t)RING * BUF);
	order = map(flow_n * sizeof(*order));
	port_of = map(flow_n * sizeof(*port_of));
	for (uint64_t i = 0; i < RING; i++)
		put_frame(buf(rx, i));
	bytes = open_fw();
	setup = open_flows();
	if (getenv("VERIFY"))
		return verify();
	for (uint32_t i = 0; i < flow_n; i++)
		order[i] = i;
	for (uint32_t i = flow_n - 1; i > 0; i--) {
		uint32_t j = (uint32_t)(random_u64() % (i + 1)), t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
	for (uint32_t r = 0; r < reps; r++) {
		double t = cpu_ns();

		lost += batch == 1 ? run_single(packets)
				   : run_batched(packets, batch);
		v[r] = (cpu_ns() - t) / (double)packets;
		if (reps == 1)
			break; /* for counting instructions */
		t = cpu_ns();
		run_empty(packets);
		t = (cpu_ns() - t) / (double)packets;
		if (t < fill)
			fill = t;
	}
	qsort(v, reps, sizeof(v[0]), by_value);
	printf("bench_nat proto=%s flows=%u size=%u batch=%u setup_ns=%.0f "
	       "setup_per_s=%.0f B_per_flow=%.0f ns_pkt_median=%.1f "
	       "ns_pkt_min=%.1f fill_ns=%.1f net_min=%.1f miss=%llu\n",
	       tcp ? "tcp" : "udp", flow_n, size, batch, setup, 1e9 / setup,
	       (double)bytes / flow_n, v[reps / 2], v[0], fill, v[0] - fill,
	       (unsigned long long)lost);
	if (getenv("STEPS")) {
		measure_freeing();
		measure_changes();
	}
	return 0;
}
