/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole forwarding path over established UDP flows: what bench_nat does,
 * and besides it ports, Ethernet, clients, rules, sizes, next hops, IP ids and
 * counters.  The same flows and the same arguments, so the two can be compared
 * in one run:
 *
 *	bench_fw NFLOWS IPSIZE PACKETS REPS
 *
 * Batches of 64 come from one client after the other and from the uplink, by
 * turns.  A frame is copied once, as its port would do; making it is timed too.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "firewall/path/fw.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_ip.h"

enum { HOSTS = 32, REPS_MAX = 64, HUGE_PAGE = 2 << 20 };

static struct fw *fw;
static struct view *view;
static struct port port[HOSTS + 1];
static uint8_t frame[2048]; /* what each frame is copied from */
static uint32_t size;	    /* of each IP packet */
static uint32_t flow_n, host_n;
static uint32_t *order;	  /* of flows, shuffled */
static uint16_t *port_of; /* each flow's outside port */
static uint32_t at[HOSTS + 1];
static uint64_t sent, rest_sum;
static uint16_t last_sport;
static struct mono now = { 5 * MONO_S };

static const struct pkt_mac ours = { { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff } };
static const struct pkt_mac hop = { { 2, 0, 0, 0, 0, 1 } };

_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}

static _Noreturn void die(const char *why)
{
	fprintf(stderr, "bench_fw: %s\n", why);
	exit(1);
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
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
	(void)madvise(p, n, MADV_HUGEPAGE);
	return p;
}

/* ---- links: frames are made on one side and forgotten on the other --------
 */

static int swallow(struct port *to, struct pkt_pool *pool, struct pkt_batch *in,
		   struct mono t)
{
	(void)to;
	(void)t;
	for (uint32_t i = 0; i < in->n; i++) {
		const uint8_t *l4 = in->p[i]->data + PKT_ETH_LEN + IP4_HLEN;

		last_sport = be16_at(l4);
		pkt_put(pool, in->p[i]);
	}
	sent += in->n;
	in->n = 0;
	return 0;
}

static int nothing(struct port *from, struct pkt_pool *pool,
		   struct pkt_batch *out, struct mono t)
{
	(void)from;
	(void)pool;
	(void)out;
	(void)t;
	return 0;
}

static const struct port_ops ops = { .name = "bench",
				     .recv = nothing,
				     .send = swallow };

static struct pkt_addr ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	const uint8_t four[4] = { a, b, c, d };

	return pkt_addr_v4(four);
}

static struct pkt_mac guest_mac(uint32_t host)
{
	return (struct pkt_mac){ { 0, 0x16, 0x3e, 0, 0, (uint8_t)host } };
}

static void make_template(void)
{
	uint8_t *ip = frame + PKT_ETH_LEN;

	be16_set(frame + 12, ETH_TYPE_IP4);
	for (uint32_t i = 28; i < size; i++)
		ip[i] = (uint8_t)(i * 31);
	ip[0] = 0x45;
	be16_set(ip + 2, (uint16_t)size);
	be16_set(ip + 6, IP4_DF);
	ip[8] = 64;
	ip[9] = IP_UDP;
	rest_sum = pkt_csum_add(0, ip, IP4_HLEN);
	be16_set(ip + 24, (uint16_t)(size - IP4_HLEN));
	be16_set(ip + 26, 0x0102);
}

/* Packet of flow @i, from its host or back. */
static struct pkt *arrive(uint32_t i, bool back)
{
	struct pkt *p = pkt_get(fw_pool(fw), PKT_ETH_LEN + size);
	const struct pkt_mac from = back ? hop : guest_mac(i % host_n);
	uint8_t src[4] = { 10, 137, 0, (uint8_t)(2 + i % host_n) };
	uint8_t dst[4] = { 93, 184, 216,
			   (uint8_t)(1 + (i * 7 + i / 512) % 16) };
	uint16_t sport = (uint16_t)(1024 + i / host_n % 64000);
	uint16_t dport = (uint16_t)(400 + i / 8 % 16);
	static const uint8_t outside[4] = { 10, 138, 0, 2 };
	uint16_t sum;
	uint8_t *ip;

	if (!p)
		die("no buffer");
	memcpy(p->data, frame, PKT_ETH_LEN + size);
	memcpy(p->data, ours.b, 6);
	memcpy(p->data + 6, from.b, 6);
	p->len = PKT_ETH_LEN + size;
	p->tail -= p->len;
	ip = p->data + PKT_ETH_LEN;
	memcpy(ip + 12, back ? dst : src, 4);
	memcpy(ip + 16, back ? outside : dst, 4);
	be16_set(ip + 20, back ? dport : sport);
	be16_set(ip + 22, back ? port_of[i] : dport);
	sum = (uint16_t)~pkt_csum_fold(pkt_csum_add(rest_sum, ip + 12, 8));
	memcpy(ip + 10, &sum, 2);
	return p;
}

/* Making the frames costs something too: @keep false does no more. */
static void batch_from(uint32_t who, bool keep)
{
	struct pkt_batch in = { .n = PKT_BATCH };

	for (uint32_t j = 0; j < PKT_BATCH; j++) {
		uint32_t i = order[at[who]++ % flow_n];

		/* a client's batch is of its own flows */
		if (who)
			i = i / host_n * host_n + who - 1;
		in.p[j] = arrive(i < flow_n ? i : who - 1, !who);
	}
	now.ns += 6400;
	if (keep) {
		fw_input(fw, &port[who], &in, now);
		fw_flush(fw, now);
	} else {
		for (uint32_t j = 0; j < PKT_BATCH; j++)
			pkt_put(fw_pool(fw), in.p[j]);
	}
}

static void run(uint64_t packets, bool keep)
{
	uint32_t host = 0;

	for (uint64_t k = 0; k < packets; k += 2 * PKT_BATCH) {
		batch_from(1 + host, keep);
		batch_from(0, keep);
		host = (host + 1) % host_n;
	}
}

/* ---- set-up -------------------------------------------------------------- */

static void open_rules(uint16_t n)
{
	static uint64_t set[1024], scratch[1024];
	const struct ruleset *old;
	size_t used;

	if (ruleset_build(set, sizeof(set), &used, RULE_IP4, RULE_ACCEPT, NULL,
			  0, NULL, scratch, sizeof(scratch)) ||
	    fw_client_rules(fw, n, RULE_IP4, (const struct ruleset *)set, &old,
			    now))
		die("rules");
}

static void add_client(uint16_t n)
{
	struct fw_client c = { .kind = FW_QUBE,
			       .port = n,
			       .mac = guest_mac(n - 1u),
			       .addr_n = 1,
			       .gateway4 = ip4(10, 137, 0, 1) };

	c.addr[0] = ip4(10, 137, 0, (uint8_t)(1 + n));
	if (fw_client_set(fw, n, &c, now))
		die("client");
	open_rules(n);
}

static void add_ports(void)
{
	struct fw_uplink u = { .port = 0,
			       .addr4 = ip4(10, 138, 0, 2),
			       .gateway4 = ip4(10, 138, 0, 1),
			       .gateway_mac = hop,
			       .up = true };

	for (uint16_t n = 0; n <= host_n; n++) {
		port[n] = (struct port){
			.ops = &ops, .mac = ours, .mtu = 1500, .caps = PORT_CSUM
		};
		if (fw_port_add(fw, &port[n]))
			die("port");
	}
	if (fw_uplink_set(fw, &u, now))
		die("uplink");
	for (uint16_t n = 1; n <= host_n; n++)
		add_client(n);
}

static void open_fw(void)
{
	struct fw_conf c;
	size_t len;

	fw_conf_default(&c);
	c.clients = HOSTS;
	c.ports = HOSTS + 1;
	c.nat.flows = flow_n < 16 ? 16 : flow_n;
	c.nat.quota =
		(struct nat_quota){ .flows = c.nat.flows, .ports = UINT16_MAX };
	c.nat.overload_udp = true;
	memset(c.seed, 1, sizeof(c.seed));
	memset(c.nat.hash_key, 2, sizeof(c.nat.hash_key));
	memset(c.nat.port_seed, 3, sizeof(c.nat.port_seed));
	len = fw_size(&c);
	view = map(view_size(c.clients));
	if (fw_init(&fw, map(len), len, &c, view, now))
		die("fw_init");
	add_ports();
}

/* Nanoseconds for each flow's first packet. */
static double open_flows(void)
{
	double t = cpu_ns();

	for (uint32_t i = 0; i < flow_n; i++) {
		struct pkt_batch in = { .n = 1, .p = { arrive(i, false) } };
		uint64_t before = sent;

		now.ns += 300;
		fw_input(fw, &port[1 + i % host_n], &in, now);
		fw_flush(fw, now);
		if (sent != before + 1)
			die("can't open a flow");
		port_of[i] = last_sport;
	}
	return (cpu_ns() - t) / flow_n;
}

static void shuffle(void)
{
	uint64_t x = 88172645463325252u;

	for (uint32_t i = 0; i < flow_n; i++)
		order[i] = i;
	for (uint32_t i = flow_n - 1; i; i--) {
		uint32_t j, keep = order[i];

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		j = (uint32_t)(x % (i + 1));
		order[i] = order[j];
		order[j] = keep;
	}
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

int main(int argc, char **argv)
{
	uint64_t packets, expect = 0;
	double best = 1e18, fill = 1e18, setup;
	int reps;

	if (argc < 5)
		die("bench_fw NFLOWS IPSIZE PACKETS REPS");
	flow_n = (uint32_t)strtoul(argv[1], NULL, 0);
	size = (uint32_t)strtoul(argv[2], NULL, 0);
	packets = strtoull(argv[3], NULL, 0) & ~(uint64_t)(2 * PKT_BATCH - 1);
	reps = atoi(argv[4]);
	if (!flow_n || size < 28 || size > 1500 || !packets || reps < 1 ||
	    reps > REPS_MAX)
		die("arguments");
	host_n = flow_n < HOSTS ? flow_n : HOSTS;
	order = map(flow_n * sizeof(*order));
	port_of = map(flow_n * sizeof(*port_of));
	make_template();
	shuffle();
	open_fw();
	setup = open_flows();
	for (int r = 0; r < reps; r++) {
		double t = cpu_ns(), u;

		run(packets, true);
		u = cpu_ns();
		run(packets, false);
		fill = least(fill, (cpu_ns() - u) / (double)packets);
		best = least(best, (u - t) / (double)packets);
		expect += packets;
	}
	printf("bench_fw proto=udp flows=%u size=%u batch=%u setup_ns=%.0f "
	       "setup_per_s=%.0f ns_pkt_min=%.1f fill_ns=%.1f net_min=%.1f "
	       "miss=%llu\n",
	       flow_n, size, PKT_BATCH, setup, 1e9 / setup, best, fill,
	       best - fill, (unsigned long long)(expect + flow_n - sent));
	return sent != expect + flow_n;
}
