/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The longest that packets wait for what is not a packet, at its worst:
 *
 *	forget      an owner's flows end, again and again
 *	addr        an outside address goes, all of its ports leased
 *	share       a new flow finds every port of its owner busy
 *	frag        an owner goes that holds all the fragments it may
 *	neighbours  256 next hops are asked at once
 *
 * Each is run often; the least counts, as every disturbance only adds.  One
 * line for each: step=NAME max_us=...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "firewall/path/fw_part.h"
#include "mock/frames.h"
#include "mock/nat_bed.h"
#include "packet/pkt_frag.h"
#include "packet/pkt_ip.h"

enum { REPS = 50, NEIGHBOURS = 256 };

static struct nat_bed b;

_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void keep_least(double *least, double us)
{
	if (*least <= 0 || us < *least)
		*least = us;
}

static void print(const char *name, double us)
{
	printf("step=%s max_us=%.1f\n", name, us);
}

/* ---- the table of flows ---------------------------------------------------
 */

static void open_nat(uint32_t flows, const struct nat_quota *q)
{
	struct nat_conf c;

	nat_bed_conf(&c);
	c.flows = flows;
	c.quota = *q;
	nat_bed_open(&b, &c);
}

/* A flow of owner 1 to one server; microseconds. */
static double ask(uint16_t sport, bool *passed)
{
	struct frame_spec s = { .src = "10.137.0.5",
				.dst = "198.51.100.10",
				.proto = IP_TCP,
				.sport = sport,
				.dport = 80,
				.flags = TCP_SYN };
	struct nat_want want = nat_bed_masq("192.0.2.1", 0);
	struct pkt *p = frame_parsed(b.pool, &s);
	double t = cpu_us();

	*passed = nat_bed_go(&b, p, 1, &want);
	t = cpu_us() - t;
	pkt_put(b.pool, p);
	return t;
}

static void fill(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		bool passed;

		(void)ask((uint16_t)(1024 + i), &passed);
		vw_assert(passed);
	}
}

/* Of 300 times in a row the longest: one of them has used up the epochs. */
static void step_forget(void)
{
	double longest = 0;
	bool passed;

	open_nat(65536,
		 &(struct nat_quota){ .flows = 65536, .ports = UINT16_MAX });
	fill(60000);
	for (int i = 0; i < 300; i++) {
		double least = 0;

		(void)ask(1023, &passed);
		for (int r = 0; r < 3; r++) {
			double t = cpu_us();

			nat_owner_forget(b.nat, 1);
			keep_least(&least, cpu_us() - t);
		}
		longest = least > longest ? least : longest;
	}
	nat_bed_close(&b);
	print("forget", longest);
}

static void step_addr(void)
{
	struct pkt_addr ours = nat_bed_addr("192.0.2.1");
	double least = 0;

	for (int r = 0; r < 5; r++) {
		double t;

		open_nat(65536, &(struct nat_quota){ .flows = 65536,
						     .ports = UINT16_MAX });
		fill(60000);
		t = cpu_us();
		nat_addr_forget(b.nat, &ours);
		keep_least(&least, cpu_us() - t);
		nat_bed_close(&b);
	}
	print("addr", least);
}

/*
 * One more flow of an owner with @ports of them, all busy towards the one
 * server: no port can be shared, and an older flow has to go.
 */
static double one_more(uint16_t ports)
{
	double least = 0;
	bool passed;

	open_nat(1024, &(struct nat_quota){ .ports = ports });
	fill(ports);
	for (int r = 0; r < REPS; r++) {
		keep_least(&least, ask((uint16_t)(5000 + r), &passed));
		nat_bed_pass(&b, 20000);
	}
	nat_bed_close(&b);
	return least;
}

static void step_share(void)
{
	double one = one_more(1), some = one_more(100);

	print("share", one > some ? one : some);
}

/* ---- what waits -----------------------------------------------------------
 */

static void hold_fragments(struct pkt_frag *f, struct pkt_pool *pool,
			   struct mono now)
{
	for (uint32_t i = 0; i < 256 * 16; i++) {
		struct frame_spec s = { .id = (uint16_t)(i / 16),
					.mf = true,
					.raw = true,
					.frag_off =
						(uint16_t)(8 + i % 16 * 1200),
					.payload_len = 1024 };
		struct pkt *p = frame_parsed(pool, &s), *whole = NULL;
		enum pkt_reason why;

		(void)pkt_frag_add(f, pool, 0, p, &whole, &why, now);
		vw_assert(!whole);
	}
}

static void step_frag(void)
{
	struct pkt_pool *pool = frame_pool_new(64, 4);
	struct mono now = { MONO_S };
	struct pkt_frag_conf c;
	uint32_t datagrams, bytes;
	struct pkt_frag *f;
	double least = 0;
	size_t n;
	void *mem;

	pkt_frag_conf_default(&c);
	c.owners = 2;
	n = pkt_arena_cost(pkt_frag_size(&c));
	mem = aligned_alloc(PKT_ARENA_ALIGN, n);
	vw_assert(mem);
	f = pkt_frag_init(mem, n, &c);
	for (int r = 0; r < 5; r++) {
		double t;

		hold_fragments(f, pool, now);
		pkt_frag_held(f, 0, &datagrams, &bytes);
		vw_assert(bytes > c.uplink.bytes / 10 * 9);
		t = cpu_us();
		pkt_frag_forget(f, 0);
		keep_least(&least, cpu_us() - t);
	}
	free(mem);
	frame_pool_free(pool);
	print("frag", least);
}

static uint32_t asked;

static int swallow(struct port *to, struct pkt_pool *pool, struct pkt_batch *in,
		   struct mono now)
{
	(void)to;
	(void)now;
	for (uint32_t i = 0; i < in->n; i++)
		pkt_put(pool, in->p[i]);
	asked += in->n;
	in->n = 0;
	return 0;
}

static void step_neighbours(void)
{
	static const struct port_ops ops = { .name = "bench", .send = swallow };
	struct port port = { .ops = &ops, .mtu = 1500 };
	struct fw_uplink u = { .addr4 = nat_bed_addr("192.0.2.1"),
			       .gateway4 = nat_bed_addr("192.0.2.254"),
			       .up = true };
	struct mono now = { MONO_S };
	double least = 0;
	struct fw_conf c;
	struct view *view;
	struct fw *fw;
	void *mem;
	size_t n;

	fw_conf_default(&c);
	n = pkt_arena_cost(fw_size(&c));
	mem = aligned_alloc(PKT_ARENA_ALIGN, n);
	view = malloc(view_size(c.clients));
	vw_assert(mem && view);
	vw_assert(fw_init(&fw, mem, n, &c, view, now) == 0);
	vw_assert(fw_port_add(fw, &port) == 0);
	u.port = port.id;
	vw_assert(fw_uplink_set(fw, &u, now) == 0);
	for (int r = 0; r < REPS; r++) {
		double t;

		for (uint32_t i = 0; i < NEIGHBOURS; i++) {
			struct neigh *e = neigh_at(fw->neigh, i);

			e->addr = u.gateway4;
			e->port = port.id;
			e->state = NEIGH_CHECKING;
			e->tries = 1;
			e->due = now;
		}
		t = cpu_us();
		fw_neigh_tick(fw, NEIGHBOURS, now);
		fw_flush(fw, now);
		keep_least(&least, cpu_us() - t);
		fw->neigh_at = 0;
	}
	vw_assert(asked == REPS * NEIGHBOURS);
	free(view);
	free(mem);
	print("neighbours", least);
}

int main(void)
{
	step_forget();
	step_addr();
	step_share();
	step_frag();
	step_neighbours();
	return 0;
}
