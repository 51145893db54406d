/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a fragment costs, in ns of processor time, parsing included:
 *
 *	bench_frag [REPS]
 *
 *	flood	first pieces of datagrams that never end, from a client at its
 *		limit: each evicts one (A6: below 2 us)
 *	full	the same when the store for all is used up and the owner that
 *		holds most has to be found among 1000
 *	join	64 KiB in pieces of 1480 bytes, in order
 *	reverse	64 pieces of 8 bytes, last first: the longest search
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "packet/pkt_assert.h"
#include "packet/pkt_bytes.h"
#include "packet/pkt_csum.h"
#include "packet/pkt_frag.h"
#include "packet/pkt_ip.h"
#include "packet/pkt_parse.h"

#define GRE 47u
#define OWNERS 1001u

static struct pkt_pool *pool;
static struct pkt_frag *frag;
static const struct mono now = { 1 };
static uint32_t joined;

_Noreturn void vw_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *room(size_t n)
{
	void *mem = aligned_alloc(PKT_ARENA_ALIGN, pkt_arena_cost(n));

	if (!mem)
		exit(1);
	memset(mem, 0, n);
	return mem;
}

static void begin(uint32_t datagrams)
{
	struct pkt_frag_conf c;
	size_t n = pkt_pool_size(64, 4);

	pkt_frag_conf_default(&c);
	c.owners = OWNERS;
	c.datagrams = datagrams;
	c.key = (struct pkt_hash_key){ 0x0123456789abcdef, 0xfedcba9876543210 };
	pool = pkt_pool_init(room(n), n, 64, 4);
	n = pkt_frag_size(&c);
	frag = pkt_frag_init(room(n), n, &c);
}

static void give(uint16_t owner, uint32_t id, uint32_t off, uint32_t len,
		 bool more)
{
	uint32_t n = 34 + len;
	struct pkt *p = pkt_get(pool, n), *whole;
	uint8_t *ip = p->data + 14;
	enum pkt_reason why;

	memset(p->data, 0, 34);
	be16_set(p->data + 12, ETH_TYPE_IP4);
	ip[0] = 0x45;
	be16_set(ip + 2, (uint16_t)(20 + len));
	be16_set(ip + 4, (uint16_t)id);
	be16_set(ip + 6, (uint16_t)(off / 8 | (more ? IP4_MF : 0)));
	ip[9] = GRE;
	be32_set(ip + 12, 0x0a000000 + (id >> 16));
	be32_set(ip + 16, 0xc0000201);
	pkt_csum_ip_set(ip, 20);
	p->len = n;
	p->tail -= n;
	if (pkt_parse(p) != PKT_FORWARD) {
		pkt_put(pool, p);
		return;
	}
	(void)pkt_frag_add(frag, pool, owner, p, &whole, &why, now);
	if (whole) {
		joined++;
		pkt_put(pool, whole);
	}
}

/* @n fragments each; how many they were. */
static uint32_t flood(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		give(1, i * 2654435761u, 0, 64, true);
	return n;
}

static uint32_t full(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		give((uint16_t)(i % OWNERS), i * 2654435761u, 0, 64, true);
	return n;
}

static uint32_t join(uint32_t n)
{
	uint32_t done = 0;

	for (uint32_t id = 0; done < n; id++)
		for (uint32_t off = 0; off < 65515; off += 1480, done++)
			give(1, id, off,
			     off + 1480 < 65515 ? 1480 : 65515 - off,
			     off + 1480 < 65515);
	return done;
}

static uint32_t reverse(uint32_t n)
{
	uint32_t done = 0;

	for (uint32_t id = 0; done < n; id++)
		for (uint32_t i = 64; i-- > 0; done++)
			give(1, id, i * 8, 8, i != 63);
	return done;
}

static double best(uint32_t (*run)(uint32_t), uint32_t n, unsigned long reps)
{
	double least = 0;

	for (unsigned long r = 0; r < reps; r++) {
		double t = cpu_ns();
		uint32_t done = run(n);

		t = (cpu_ns() - t) / done;
		if (!r || t < least)
			least = t;
	}
	return least;
}

int main(int argc, char **argv)
{
	unsigned long reps = argc > 1 ? strtoul(argv[1], NULL, 0) : 5;

	begin(1024);
	printf("flood_ns=%.0f", best(flood, 500000, reps));
	joined = 0;
	printf(" join_ns=%.0f", best(join, 45 * 2000, reps));
	printf(" reverse_ns=%.0f", best(reverse, 64 * 2000, reps));
	if (joined != reps * 4000) {
		printf("\nbench_frag: %u datagrams joined\n", joined);
		return 1;
	}
	begin(1000);
	printf(" full_ns=%.0f\n", best(full, 500000, reps));
	return 0;
}
